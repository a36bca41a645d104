"""The documentation does what it says: every example of every page runs, and prints what stands there."""

from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from pages import draw, run_page, told_by, told_in

ROOT = Path(__file__).parent.parent
#: Pages whose examples run one after the other; the others show parts of larger files.
PAGES = [
    ROOT / "README.md",
    *(
        ROOT / "docs" / f"{name}.md"
        for name in (
            "index",
            "concepts",
            "workload-file",
            "plan-of-record",
            "tokens",
            "from-a-log",
            "choosing",
            "checks",
            "ci",
        )
    ),
    *sorted((ROOT / "docs" / "recipes").glob("*.md")),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_runs_as_it_stands(page, tmp_path, monkeypatch, request):
    """Files, code and commands of a page run in their order in an empty folder; outputs are real."""
    monkeypatch.chdir(tmp_path)
    updates = request.config.getoption("--update-golden")

    def compare(path, ax):
        file = page.parent / path
        if updates:
            draw(ax, file)
        assert told_in(file) == told_by(ax), f"{path} is stale: python docs/pictures.py draws it"

    fresh = run_page(page.read_text(encoding="utf-8"), tmp_path, compare)
    plt.close("all")
    if updates:
        page.write_text(fresh, encoding="utf-8")
    assert fresh == page.read_text(encoding="utf-8")


def test_pages_that_do_not_run_are_few_and_known():
    """Guides that show parts of larger files are these; every other page is run."""
    kept = [path for path in (ROOT / "docs").rglob("*.md") if path.parent.name != "reference"]
    assert {path.stem for path in kept} - {path.stem for path in PAGES} - {
        "changes",
        "data",
        "reporting",
        "runs",  # what the benchmarks print
    } == {
        *(
            "evidence",
            "exit-codes",
            "extending",
            "glossary",
            "json",
            "measured",
            "security",
        )
    }
