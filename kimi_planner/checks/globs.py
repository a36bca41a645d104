"""Globs as the configuration spells them: which files they find, and whether a path is one.

They are matched folder by folder, here and not by `pathlib`, whose ``**`` means other files on other
versions of Python.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from os import readlink, scandir
from os.path import isfile, islink
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from kimi_planner.boundary import beyond
from kimi_planner.files import repository

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec


#: Folders that no wildcard goes into.
NEVER = frozenset({".git", ".venv", "node_modules"})
IGNORED = ".gitignore names it"


@dataclass(kw_only=True)
class Files:
    """What globs match; every file by its name in results, relative to the configuration.

    Attributes
    ----------
    files
        Files to read, sorted: name and path.
    dangling, unreadable, skipped
        Name to reason: links to nothing, folders that cannot be listed, and what is left out.
    unused, unused_exclude
        Globs that match nothing.
    """

    files: list[tuple[str, Path]] = field(default_factory=list)
    dangling: dict[str, str] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    unused_exclude: tuple[str, ...] = ()

    def only(self, names: Set[str]) -> Files:
        """Return those of some files, or below some folders, that are matched."""
        return Files(files=[one for one in self.files if is_among(one[0], names)])


def find_files(folder: Path, paths: Iterable[str], exclude: Sequence[str] = ()) -> Files:
    """Return what globs match below a folder.

    Wildcards find no file that a ``.gitignore`` of the repository names, and go into no link to a
    folder and none of `NEVER`; what is spelled in full is found wherever it lies.
    """
    walk = _Walk(folder)
    unused = tuple(pattern for pattern in paths if not walk.take(pattern))
    named = {*walk.files, *walk.dangling, *filter(is_one_file, paths)}
    below = [*named, *(f"{name}/*" for name in walk.unreadable)]

    def kept(names: Iterable[str], inside: str = "") -> list[str]:
        return [name for name in sorted(names) if not matches(f"{name}{inside}", exclude)]

    files = kept(walk.files)
    return Files(
        files=[(name, walk.files[name]) for name in files],
        dangling={name: walk.dangling[name] for name in kept(walk.dangling)},
        unreadable={name: walk.unreadable[name] for name in kept(walk.unreadable, "/*")},
        skipped=walk.skipped | dict.fromkeys(walk.files.keys() - set(files), "exclude names it"),
        unused=unused,
        unused_exclude=tuple(
            glob for glob in exclude if not any(matches(name, [glob]) for name in below)
        ),
    )


def is_among(name: str, names: Set[str]) -> bool:
    """Whether a file is one of some, or lies below a folder that is.

    >>> is_among("p/a.md", {"p"}), is_among("p/a.md", {"."}), is_among("p/a.md", {"p/a"})
    (True, True, False)
    """
    return not names.isdisjoint((name, *map(str, PurePosixPath(name).parents)))


def is_one_file(pattern: str) -> bool:
    """Whether a glob is the name of one file.

    >>> is_one_file("prompts/a.md"), is_one_file("prompts/*.md")
    (True, False)
    """
    return not any(mark in pattern for mark in "*?[")


def why_no_file(path: Path) -> str:
    """Return in words what there is instead of a file."""
    if islink(path) and not path.exists():
        return f"a link to nothing ({readlink(path)})"
    return "a folder, not a file" if path.is_dir() else "no such file"


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether the name of a file is matched by one of some globs; a last ``**`` is any file below.

    >>> matches("prompts/old/a.md", ["prompts/**"]), matches("prompts/a.txt", ["*.txt"])
    (True, False)
    """
    return any(_match(PurePosixPath(name).parts, _steps(pattern)) for pattern in patterns)


@cache
def _steps(pattern: str) -> tuple[str, ...]:
    """Return a glob folder by folder."""
    steps = PurePosixPath(pattern).parts
    return (*steps, "*") if steps[-1:] == ("**",) else steps


def _match(parts: tuple[str, ...], steps: tuple[str, ...]) -> bool:
    reached = frozenset({0})
    for part in parts:
        reached = _after(reached, part, steps)
    return len(steps) in reached


def _after(reached: frozenset[int], part: str, steps: tuple[str, ...]) -> frozenset[int]:
    """Return how far a glob is matched after one more folder or file; empty if it cannot be."""
    found = set()
    for start in reached:
        at = start
        while at < len(steps) and steps[at] == "**":
            found.add(at)
            at += 1
        if at < len(steps) and fnmatchcase(part, steps[at]):
            found.add(at + 1)
    return frozenset(found)


class _Walk:
    """What globs find below a folder: names of files, links and folders, each with its path or why."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rules = _Ignored(folder).rules
        self.files: dict[str, Path] = {}
        self.dangling: dict[str, str] = {}
        self.unreadable: dict[str, str] = {}
        self.skipped: dict[str, str] = {}

    def take(self, pattern: str) -> bool:
        """Find what a glob matches; whether there is anything to read, or that cannot be read."""
        steps = _steps(pattern)
        spelled = next((at for at, step in enumerate(steps) if not is_one_file(step)), len(steps))
        name = "/".join(steps[:spelled])
        path = self._folder / name
        if spelled == len(steps):
            self.files |= {name: path} if isfile(path) else {}
            return isfile(path)
        any_found = False
        if path.is_dir():
            above = f"{name}/" if name else ""
            for found, called, value in self._below(path, above, frozenset({spelled}), steps):
                found[called] = value
                any_found |= found is not self.skipped
        return any_found

    def _below(
        self, folder: Path, above: str, reached: frozenset[int], steps: tuple[str, ...]
    ) -> Iterator[tuple[dict[str, Any], str, Any]]:
        """Yield where a name belongs, the name, and its path or why."""
        try:
            with scandir(folder) as listed:
                entries = sorted(listed, key=lambda entry: entry.name)
        except OSError as error:
            why = f"cannot be listed ({error.strerror})"
            yield self.unreadable, above.rstrip("/") or ".", why
            return
        rules = self._rules(folder)
        for entry in entries:
            after = _after(reached, entry.name, steps)
            if not after:
                continue
            name, path = f"{above}{entry.name}", folder / entry.name
            leads_out = entry.is_symlink() and beyond(path) is not None
            real = path if entry.is_symlink() else entry  # which fails at a link to itself
            is_folder = not leads_out and real.is_dir()
            is_file_meant = after == {len(steps)}
            if is_folder and (is_file_meant or entry.name in NEVER):
                continue
            if rules and _is_ignored(entry.name, rules, is_folder=is_folder):
                yield self.skipped, name, IGNORED
            elif leads_out:
                found = self.unreadable if len(steps) in after else self.skipped
                yield found, name, "a link that leads out of the repository, and is not followed"
            elif is_folder and entry.is_symlink():
                yield self.skipped, name, "a link to a folder; name it in paths to go there"
            elif is_folder:
                yield from self._below(path, f"{name}/", after, steps)
            elif len(steps) not in after:
                continue
            elif real.is_file():
                yield self.files, name, path
            elif entry.is_symlink():
                yield self.dangling, name, why_no_file(path)
            else:
                yield self.skipped, name, "neither a file nor a folder"


class _Ignored:
    """What the files ``.gitignore`` of a repository name, from its root down; the deepest decides."""

    def __init__(self, folder: Path) -> None:
        self._root = repository(folder) or folder.resolve()
        self.rules = cache(self._rules)

    def _rules(self, folder: Path) -> list[tuple[GitIgnoreSpec, str]]:
        """Return the rules for what lies in a folder, each with its name as seen from them."""
        real = folder.resolve()
        rules, below = [], ""
        for above in (real, *real.parents):
            if not above.is_relative_to(self._root):
                break
            if (file := above / ".gitignore").is_file() and not file.is_symlink():  # as Git does
                rules.append((_rules_of(file), below))
            below = f"{above.name}/{below}"
        return rules


def _is_ignored(name: str, rules: list[tuple[GitIgnoreSpec, str]], *, is_folder: bool) -> bool:
    """Whether rules for what lies in a folder name a file or folder in it."""
    for spec, below in rules:
        verdict = spec.check_file(f"{below}{name}{'/' if is_folder else ''}").include
        if verdict is not None:
            return verdict
    return False


def _rules_of(file: Path) -> GitIgnoreSpec:
    """Return the rules of a file; a line that is none is passed over, as Git does."""
    from pathspec import GitIgnoreSpec

    lines = file.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    known: list[Any] = []
    for line in lines:
        with suppress(ValueError):
            known += GitIgnoreSpec.from_lines([line]).patterns
    return GitIgnoreSpec(known)
