"""A page of a report in a real browser, with all that it says and asks for."""

from __future__ import annotations

from typing import Any


class Opened:
    """A page in a tab, with every message and every request it made."""

    def __init__(self, browser: Any, path: Any, link: str = "", **options: Any) -> None:
        self.problems, self.requests = [], []
        self.tab = browser.new_page(viewport={"width": 1000, "height": 900}, **options)
        self.tab.on("console", lambda message: self.problems.append(message.text))
        self.tab.on("pageerror", lambda error: self.problems.append(str(error)))
        self.tab.on("request", lambda request: self.requests.append(request.url))
        self.tab.on("dialog", lambda dialog: self.problems.append(dialog.message))
        self.tab.goto(path.as_uri() + link)

    def set(self, label: str, value: str) -> None:
        """Move the input of a label as a reader does, in one step."""
        self.tab.get_by_label(label, exact=True).evaluate(
            "(one, value) => { one.value = value; one.dispatchEvent(new Event('input', {bubbles: true})); }",
            value,
        )

    def rows(self, body: str) -> list[list[str]]:
        """Return the texts of a table's rows, names left out."""
        return self.tab.eval_on_selector_all(
            f"#{body} tr",
            "rows => rows.map(row => [...row.cells].slice(1).map(cell => cell.textContent))",
        )

    def downloaded(self) -> str:
        """Return the workload file that a click downloads."""
        with self.tab.expect_download() as download:
            self.tab.click("#file")
        return download.value.path().read_text(encoding="utf-8")

    def exported(self) -> str:
        """Return the same without a download, which takes long."""
        return self.tab.evaluate(
            """async () => {
              const link = document.getElementById("file");
              const [made, blobs] = [URL.createObjectURL, []];
              const kept = (event) => event.preventDefault();
              URL.createObjectURL = (blob) => { blobs.push(blob); return "#"; };
              link.addEventListener("click", kept);
              link.click();
              link.removeEventListener("click", kept);
              URL.createObjectURL = made;
              return blobs[0].text();
            }"""
        )
