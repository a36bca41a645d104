"""A configuration for a repository that has none: what is found in it today, with room to grow."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import cache
from glob import escape
from math import ceil
from pathlib import Path, PurePosixPath

from kimi_planner.boundary import Boundary
from kimi_planner.catalog import Catalog, load_catalog
from kimi_planner.checks.budgets import CheckConfig, PromptBudget
from kimi_planner.checks.call_sites import call_sites, workload_stubs
from kimi_planner.checks.config import CONFIG_FILE, config_of
from kimi_planner.checks.coverage import Coverage
from kimi_planner.checks.found import Found, find_prompts
from kimi_planner.checks.globs import find_files
from kimi_planner.checks.prompts import LeftOut, Prompt, read_file
from kimi_planner.checks.run import Check, CheckReport
from kimi_planner.errors import ConfigError, MissingExtraError, Where
from kimi_planner.files import parsed_toml, repository
from kimi_planner.tokens.prompts.forms import SCRIPTS, form_of
from kimi_planner.tokens.prompts.names import Place, is_wanted

__all__ = ["Proposal", "propose"]

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
_MANY = 10  # files to exclude from a glob; above that the others are named; and variables
_BUNDLED_BYTES, _BUNDLED_LINES = 20_000, 40  # of a script that a program wrote
_MOST_COVERAGE = Fraction(95, 100)  # asked for, so that the next message of a log breaks nothing


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
    exclude: dict[str, str] = field(default_factory=dict)  # to why
    prompts: tuple[Prompt, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    paths: tuple[str, ...] = ()


def propose(folder: Path, *, headroom: float = 0.2, as_of: date | None = None) -> Proposal:
    """Propose a configuration for a folder; nothing is written.

    Parameters
    ----------
    folder : Path
        Where the configuration is to lie.
    headroom : float
        By what part of today's count a limit lies above it.
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
        found = [one for one in groups if search.fill(one)]
        sites = list(call_sites(one for one in every.files if not _is_aside(one[0])))
    if not found:
        raise ConfigError(
            f"no prompt is found in {len(every.files):,} files{_said(search.notes)}. Name files in paths of "
            f"[[prompts]] in {CONFIG_FILE}."
        )
    counted = [prompt for one in found for prompt in one.prompts]
    left_out = [text for one in found for text in one.left_out]
    share = Coverage.of((), counted, left_out).share or Fraction(0)
    text = _HEAD + _coverage_line(share) + "".join(_table(one, headroom) for one in found)
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
    return not _ASIDE.isdisjoint(PurePosixPath(name).parts[:-1])


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

    def fill(self, group: _Group) -> bool:
        """Find the prompts of a group, and leave out what cannot be counted; whether there are any."""
        try:
            found = self._found(group)
        except MissingExtraError as error:
            self.notes.append(f"{group.glob} was not looked into: {error}")
            return False
        faulty = {one.path: one.message for one in found.faults if one.path != CONFIG_FILE}
        faulty |= dict.fromkeys(group.bundled, "code that a program wrote")
        good = sorted({one.path for one in found.prompts} - faulty.keys())
        if not good:
            return False
        if len(faulty) > _MANY and len(faulty) > len(good):
            group.paths = tuple(map(_glob_of, good))
            self.notes.append(
                f"{group.glob}: {len(faulty):,} files that cannot be counted are left out"
            )
        else:
            for name, why in sorted(faulty.items()):
                is_folder = (self._path.parent / name).is_dir()  # which cannot be listed
                group.exclude[_glob_of(name) + "/**" * is_folder] = why
            group.paths = (group.glob,)
        group.exclude |= dict.fromkeys(sorted(group.aside), "prompts that nobody is billed for")
        group.prompts = tuple(one for one in found.prompts if one.path not in faulty)
        group.left_out = tuple(one for one in found.left_out if one.path not in faulty)
        return True

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


_HEAD = """\
# What prompts may have, from today's counts: kimi-planner check holds them against it.
# Every key: docs/checks.md of kimi_planner.
"""


def _coverage_line(share: Fraction) -> str:
    """Return what asks for as much coverage as there is, in twentieths; nothing where that is none."""
    least = Fraction(int(min(share, _MOST_COVERAGE) * 20), 20)
    return f"min_coverage = {float(least):g}\n" if least else ""


def _table(group: _Group, headroom: float) -> str:
    most = max(group.prompts, key=lambda one: one.fixed_tokens)
    number = len(group.prompts)
    lines = [
        "",
        "[[prompts]]",
        f"paths = {_list(group.paths)}",
    ]
    if group.exclude:
        lines += [
            "exclude = [",
            *(f"  {_quoted(name)},  # {_one_line(why)}" for name, why in group.exclude.items()),
            "]",
        ]
    of = f"{number:,} prompts, the largest in {most.path}" if number > 1 else most.path
    lines.append(
        f"max_tokens = {_room(most.fixed_tokens, headroom)}  # {most.fixed_tokens:,} today: {_one_line(of)}"
    )
    if variables := sorted({name for one in group.prompts for name in one.variables}):
        lines += [
            'hold = "fixed"  # counts the text without what is filled in; say how long that may be, and drop this:',
            *(f"# variables.{_quoted(name)} = {{ max_tokens = 0 }}" for name in variables[:_MANY]),
        ]
        more = len(variables) - _MANY
        lines += [f"# and {more:,} more"] if more > 0 else []
    return "\n".join(lines) + "\n"


def _room(tokens: int, headroom: float) -> int:
    """Return a limit above a count, in two digits."""
    most = max(ceil(tokens * (1 + headroom)), tokens + 1)
    unit: int = 10 ** max(0, len(str(most)) - 2)
    return -(-most // unit) * unit


def _list(texts: Sequence[str]) -> str:
    if len(texts) == 1:
        return f"[{_quoted(texts[0])}]"
    return "[\n" + "".join(f"  {_quoted(text)},\n" for text in texts) + "]"


def _quoted(text: str) -> str:
    """Return text as a string of TOML, which is one of JSON but for the last control character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _one_line(text: str) -> str:
    from kimi_planner.safe import on_one_line

    return on_one_line(text, 160)


def _said(notes: Sequence[str]) -> str:
    return f" ({'; '.join(notes)})" if notes else ""
