"""The pictures of the site: `python docs/pictures.py` draws them by running the pages that show them.

Each page is run in an empty folder, as the tests do, and a picture is of the axes `ax` that the code above it
leaves. With `--check` nothing is written; the exit code is 1 if a picture is not of what its page draws now.
"""

from __future__ import annotations

import os
import sys
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib as mpl

DOCS = Path(__file__).resolve().parent
sys.path[:0] = [str(DOCS.parent), str(DOCS.parent / "tests")]

from pages import PICTURE, draw, run_page, told_by, told_in  # noqa: E402 - lies beside the tests


def main(*, only_check: bool) -> int:
    """Draw what is not as its page draws it now, or name it; return the exit code."""
    mpl.use("agg")
    stale = []
    for page in sorted(DOCS.glob("*.md")) + sorted(DOCS.glob("recipes/*.md")):

        def compare(path: str, ax: object, page: Path = page) -> None:
            file = (page.parent / path).resolve()
            if told_in(file) != told_by(ax):
                stale.append(file)
                if not only_check:
                    draw(ax, file)

        text = page.read_text(encoding="utf-8")
        if PICTURE.search(text):
            with TemporaryDirectory() as folder, chdir(folder):
                run_page(text, Path(folder), compare)
    for file in stale:
        print(f"{'stale' if only_check else 'drawn'}: {os.path.relpath(file)}")
    return int(only_check and bool(stale))


if __name__ == "__main__":
    sys.exit(main(only_check="--check" in sys.argv[1:]))
