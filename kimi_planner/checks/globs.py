"""Globs as the configuration spells them: which files they find, and whether a path is one."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from os import sep
from os.path import isabs, isfile
from pathlib import Path, PurePosixPath

__all__ = ["files", "is_one_file", "matches", "why_no_file"]


def files(
    folder: Path, paths: Iterable[str], exclude: Iterable[str] = ()
) -> list[tuple[str, Path]]:
    """Return the files that match, sorted: what they are called in results, and where they are."""
    found = {str(path): path for pattern in paths for path in folder.glob(pattern)}
    above = "" if folder == Path() else f"{folder}{sep}"
    named = [(_called(one, above), found[one]) for one in sorted(found) if isfile(one)]
    left_out = tuple(exclude)
    return [one for one in named if not (left_out and matches(one[0], left_out))]


def is_one_file(pattern: str) -> bool:
    """Whether a glob is the name of one file.

    >>> is_one_file("prompts/a.md"), is_one_file("prompts/*.md")
    (True, False)
    """
    return not any(mark in pattern for mark in "*?[")


def why_no_file(path: Path) -> str:
    """Return in words what there is instead of a file."""
    return "a folder, not a file" if path.is_dir() else "no such file"


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether the name of a file is matched by one of some globs; a last ``**`` is any file below.

    >>> matches("prompts/old/a.md", ["prompts/**/*.md"]), matches("prompts/a.txt", ["*.txt"])
    (True, False)
    """
    parts = PurePosixPath(name).parts
    return any(_match(parts, PurePosixPath(pattern).parts) for pattern in patterns)


def _match(parts: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    """Match folder by folder: the ends of the parts that each step of the pattern can reach."""
    reached = {0}
    for step in pattern:
        if step == "**":
            reached = set(range(min(reached), len(parts) + 1))
        else:
            reached = {at + 1 for at in reached if at < len(parts) and fnmatchcase(parts[at], step)}
        if not reached:
            return False
    return len(parts) in reached


def _called(name: str, above: str) -> str:
    """Return what a file is called: below the folder as seen from there, else in full."""
    below = name.removeprefix(above)
    return (name if isabs(below) else below).replace(sep, "/")
