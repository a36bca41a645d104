"""A configuration for a repository that has none: what is found in it today, with room to grow."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from glob import escape
from pathlib import Path, PurePosixPath

from kimi_planner.boundary import Boundary
from kimi_planner.catalog import Catalog, load_catalog
from kimi_planner.checks.budgets import CheckConfig, PromptBudget
from kimi_planner.checks.config import CONFIG_FILE, config_of
from kimi_planner.checks.coverage import Coverage
from kimi_planner.checks.found import Found, find_prompts
from kimi_planner.checks.globs import find_files
from kimi_planner.checks.prompts import read_file
from kimi_planner.checks.proposal_text import (
    ProposedBudget,
    call_sites,
    configuration,
    workload_stubs,
)
from kimi_planner.checks.run import Check, CheckReport
from kimi_planner.errors import ConfigError, MissingExtraError, Where
from kimi_planner.files import repository
from kimi_planner.tokens.prompts.forms import SCRIPTS, form_of
from kimi_planner.tokens.prompts.names import Place, is_wanted
from kimi_planner.toml_file import parsed_toml

#: Folders whose prompts nobody is billed for.
_ASIDE = frozenset({
    "__tests__", "build", "dist", "fixtures", "spec", "test", "testdata", "tests", "third_party", "vendor",
    "venv",
})  # fmt: skip
#: Files of a root that hold no prompts.
_NEVER = frozenset(
    {CONFIG_FILE, "workloads.toml", "pyproject.toml", "package.json", "package-lock.json"}
)
#: Endings of files that may be a prompt as a whole, where their name or folder says so.
_TEXTS = frozenset(
    {"", ".markdown", ".md", ".mustache", ".prompt", ".tmpl", ".tpl", ".txt", ".xml"}
)
_MANY = 10  # files to exclude from a glob; above that the others are named
_BUNDLED_BYTES, _BUNDLED_LINES = 20_000, 40  # of a script that a program wrote


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A configuration that passes today.

    Attributes
    ----------
    config
        Its text.
    workloads
        Text with a stub of a workload for each place that calls a model, ``""`` if none is found.
    report
        What a check by this configuration says.
    files
        How many files were looked at.
    notes
        What was left aside, in words.
    """

    config: str
    workloads: str
    report: CheckReport
    files: int
    notes: tuple[str, ...]


@dataclass
class _Group:
    """Files that one budget is for."""

    glob: str
    names: set[str] = field(default_factory=set)
    aside: set[str] = field(default_factory=set)
    bundled: set[str] = field(default_factory=set)


def propose(folder: Path, *, headroom: int = 20, as_of: date | None = None) -> Proposal:
    """Propose a configuration for a folder; nothing is written.

    Parameters
    ----------
    folder : Path
        Where the configuration is to lie.
    headroom : int, percent
        How far a limit lies above today's largest count.
    as_of : date, optional
        The day whose rules of rendering count; today if not given.

    Raises
    ------
    ConfigError
        If no prompt is found.
    """
    day = as_of or date.today()  # noqa: DTZ011 - the user's own day
    boundary = Boundary(repository(folder) or folder)
    search = _Search(folder, load_catalog(), day)
    with boundary.held():
        every = find_files(folder, ["**"])
        groups = _groups(every.files)
        found = [budget for one in groups if (budget := search.budget(one)) is not None]
        sites = list(call_sites(one for one in every.files if not _is_aside(one[0])))
    if not found:
        raise ConfigError(
            f"no prompt is found in {len(every.files):,} files{_said(search.notes)}. Name files in paths of "
            f"[[prompts]] in {CONFIG_FILE}."
        )
    counted = [prompt for one in found for prompt in one.prompts]
    left_out = [text for one in found for text in one.left_out]
    text = configuration(found, Coverage.of((), counted, left_out).share, headroom)
    with boundary.held():
        config = config_of(parsed_toml(text, folder / CONFIG_FILE, ConfigError), boundary)
    return Proposal(
        config=text,
        workloads=workload_stubs(sites, counted),
        report=Check(config, day, search.read).report(coverage=True),
        files=len(every.files),
        notes=tuple(search.notes),
    )


def _groups(files: Sequence[tuple[str, Path]]) -> list[_Group]:
    """Return files by the glob that finds them, those that nobody is billed for apart."""
    groups: dict[str, _Group] = {}
    for name, path in files:
        glob = _glob(PurePosixPath(name), path)
        if glob is None:
            continue
        group = groups.setdefault(glob, _Group(glob))
        aside = next(filter(_ASIDE.__contains__, PurePosixPath(name).parts[1:-1]), None)
        if aside is not None:
            top = escape(PurePosixPath(name).parts[0])
            group.aside.add(f"{top}/**/{aside}/**")
        elif form_of(path) in SCRIPTS and _is_bundled(path):
            group.bundled.add(name)
        else:
            group.names.add(name)
    return [groups[glob] for glob in sorted(groups) if groups[glob].names]


def _glob(name: PurePosixPath, path: Path) -> str | None:
    """Return the glob that a file is found by, ``None`` if it is none that may hold prompts."""
    *above, _ = name.parts
    if any(part.startswith(".") for part in name.parts) or (above and above[0] in _ASIDE):
        return None
    if not above:
        is_code = form_of(path) is not None and name.name not in _NEVER
        return escape(name.name) if is_code or _is_named_so(name.stem, name.suffix) else None
    if form_of(path) is not None:
        return f"{escape(above[0])}/**/*{escape(name.suffix)}"
    if name.suffix not in _TEXTS:
        return None
    for at, part in enumerate(above, 1):
        if _is_named_so(part, name.suffix):
            return f"{escape('/'.join(above[:at]))}/**/*{escape(name.suffix)}"
    return (
        f"{escape(above[0])}/**/{escape(name.name)}"
        if _is_named_so(name.stem, name.suffix)
        else None
    )


def _glob_of(name: str) -> str:
    """Return the glob of one file; a byte of its name that is no text is any character."""
    return re.sub("[\ud800-\udfff]", "?", escape(name))


def _is_bundled(path: Path) -> bool:
    """Whether a script is one that a program wrote: nearly without lines, and slow to read."""
    try:
        with path.open("rb") as file:
            head = file.read(_BUNDLED_BYTES)
    except OSError:  # the check of it says why
        return False
    return len(head) == _BUNDLED_BYTES and head.count(b"\n") < _BUNDLED_LINES


def _is_aside(name: str) -> bool:
    return not _ASIDE.isdisjoint(PurePosixPath(name).parts)  # a script's own name has an ending


def _is_named_so(word: str, suffix: str) -> bool:
    return suffix in _TEXTS and is_wanted(Place(word, (word,)), None)


class _Search:
    """Looks for prompts; what it has read, a check of the proposal need not read again."""

    def __init__(self, folder: Path, catalog: Catalog, day: date) -> None:
        self._path = folder / CONFIG_FILE
        self._catalog = catalog
        self._day = day
        self.read = cache(read_file)
        self.notes: list[str] = []

    def budget(self, group: _Group) -> ProposedBudget | None:
        """Return a budget for a group without what cannot be counted, ``None`` if it has no prompts."""
        try:
            found = self._found(group)
        except MissingExtraError as error:
            self.notes.append(f"{group.glob} was not looked into: {error}")
            return None
        faulty = {one.path: one.message for one in found.faults if one.path != CONFIG_FILE}
        faulty |= dict.fromkeys(group.bundled, "code that a program wrote")
        boundless = (one.path for one in found.prompts if one.tokens is None)
        faulty |= dict.fromkeys(boundless, "its tokens have no upper end")
        good = sorted({one.path for one in found.prompts} - faulty.keys())
        if not good:
            return None
        paths, exclude = [group.glob], dict[str, str]()
        if len(faulty) > _MANY and len(faulty) > len(good):
            paths = [_glob_of(name) for name in good]
            self.notes.append(
                f"{group.glob}: {len(faulty):,} files that cannot be counted are left out"
            )
        else:
            for name, why in sorted(faulty.items()):
                is_folder = (self._path.parent / name).is_dir()  # which cannot be listed
                exclude[_glob_of(name) + "/**" * is_folder] = why
            exclude |= dict.fromkeys(sorted(group.aside), "prompts that nobody is billed for")
        return ProposedBudget(
            paths=paths,
            exclude=exclude,
            prompts=[one for one in found.prompts if one.path not in faulty],
            left_out=[one for one in found.left_out if one.path not in faulty],
        )

    def _found(self, group: _Group) -> Found:
        budget = PromptBudget(
            paths=(group.glob,),
            exclude=(*group.aside, *map(_glob_of, group.bundled)),
            hold="fixed",
            max_tokens=1,
            where=Where(""),
        )
        config = CheckConfig(path=self._path, catalog=self._catalog, prompts=(budget,))
        return find_prompts(config, self._day, self.read)[0]


def _said(notes: Sequence[str]) -> str:
    return f" ({'; '.join(notes)})" if notes else ""
