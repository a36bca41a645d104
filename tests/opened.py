"""A page of a report in a real browser, with all that it says and asks for."""

from __future__ import annotations

from typing import Any

#: Moves inputs and reads the page in one step; a file is read without a download, which takes long.
MOVE = """async (moves) => {
  const named = new Map([...document.querySelectorAll("[aria-label]")].map((one) => [one.ariaLabel, one]));
  const values = moves.map(([label, value]) => {
    const input = named.get(label);
    input.value = value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
    return input.value;
  });
  const texts = (row) => [...row.cells].slice(1).map((cell) => cell.textContent);
  const bodies = [...document.querySelectorAll("#what-if :is(tbody, tfoot)[id]")];
  const [make, blobs, link] = [URL.createObjectURL, [], document.getElementById("file")];
  const kept = (event) => event.preventDefault();
  URL.createObjectURL = (blob) => { blobs.push(blob); return "#"; };
  link.addEventListener("click", kept);
  link.click();
  link.removeEventListener("click", kept);
  URL.createObjectURL = make;
  const isOffered = !link.hidden && !document.getElementById("links").hidden;
  return {
    values,
    rows: Object.fromEntries(bodies.map((body) => [body.id, [...body.rows].map(texts)])),
    answer: document.getElementById("answer").textContent,
    file: isOffered ? await blobs[0].text() : null,
  };
}"""


class Opened:
    """A page in a tab, with every message and every request it made."""

    def __init__(self, browser: Any, path: Any, link: str = "", **options: Any) -> None:
        self.problems, self.requests = [], []
        self.tab = browser.new_page(viewport={"width": 1000, "height": 900}, **options)
        self.tab.set_default_timeout(300_000)  # a machine may be busy
        self.tab.on("console", lambda message: self.problems.append(message.text))
        self.tab.on("pageerror", lambda error: self.problems.append(str(error)))
        self.tab.on("request", lambda request: self.requests.append(request.url))
        self.tab.on("dialog", lambda dialog: self.problems.append(dialog.message))
        self.tab.goto(path.as_uri() + link)

    def move(self, *moves: tuple[str, str]) -> dict[str, Any]:
        """Move inputs by their labels as a reader does, in one step each; return what the page says.

        ``rows`` has the texts of each table by its id, names left out; ``answer`` the sentence,
        ``file`` the workload file, ``None`` where none is offered, and ``values`` what inputs took.
        """
        return self.tab.evaluate(MOVE, list(moves))

    def downloaded(self) -> str:
        """Return the workload file that a click downloads."""
        with self.tab.expect_download() as download:
            self.tab.click("#file")
        return download.value.path().read_text(encoding="utf-8")
