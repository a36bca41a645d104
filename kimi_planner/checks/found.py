"""What budgets of prompts are for: files that are found, counted together, missing or malformed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from kimi_planner.checks.budgets import CheckConfig, PromptBudget
from kimi_planner.checks.coverage import FileState
from kimi_planner.checks.globs import Files, find_files, is_one_file, matches, why_no_file
from kimi_planner.checks.prompts import (
    LeftOut,
    Prompt,
    Reader,
    body_prompts,
    is_body,
    read_file,
    template_prompts,
    text_prompt,
)
from kimi_planner.checks.results import CheckResult, Measure, Place, invalid, missing, unused
from kimi_planner.checks.unused import unused_variables
from kimi_planner.errors import FileError, RequestError, UnknownModelError, shown
from kimi_planner.files import read_text
from kimi_planner.limits import TEXT_BYTES
from kimi_planner.notes import counted
from kimi_planner.tokens.engine import bulk_engine
from kimi_planner.tokens.prompts.forms import form_of
from kimi_planner.tokens.text import count_many

#: Forms of JSON, which may be the body of a request.
BODIES = ("json", "lines")


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a budget is for.

    Attributes
    ----------
    budget, prompts
        The budget, and the prompts that were counted.
    faults
        A result for each file that cannot be read or is missing, and for what matches nothing.
    files, left_out
        What became of each file, and texts that look like a prompt and were not counted.
    """

    budget: PromptBudget
    prompts: tuple[Prompt, ...]
    faults: tuple[CheckResult, ...]
    files: tuple[FileState, ...]
    left_out: tuple[LeftOut, ...]


def find_prompts(config: CheckConfig, day: date, read: Reader = read_file) -> list[Found]:
    """Return what each budget is for on a day, in the order of the configuration.

    ``read`` reads the prompts inside a file, as :func:`read_file` does, whose result it may keep.
    """
    named = [(one, find_files(config.folder, one.paths, one.exclude)) for one in config.prompts]
    if config.only is not None:
        named = [(one, found.only(config.only)) for one, found in named]
    kinds = [{name: _kind(path, budget) for name, path in found.files} for budget, found in named]
    texts = _texts({
        name: path
        for (_, found), kind in zip(named, kinds, strict=True)
        for name, path in found.files
        if kind[name] == "text"
    })  # fmt: skip
    return [
        _Search(budget, found, kind, texts, config, day, read).found()
        for (budget, found), kind in zip(named, kinds, strict=True)
    ]


def _kind(path: Path, budget: PromptBudget) -> str:
    """Return how a file is read: as its budget says, else by the ending of its name."""
    if budget.kind is not None:
        return budget.kind
    form = form_of(path)
    if form is None and budget.style is None:
        return "text"
    return "request" if form in BODIES and is_body(path) else "templates"


def _texts(paths: Mapping[str, Path]) -> dict[str, tuple[str, int] | FileError]:
    """Return the text of each file and its tokens, or why it cannot be read."""
    texts: dict[str, str] = {}
    faults: dict[str, FileError] = {}
    for name, path in paths.items():
        try:
            texts[name] = read_text(path, limit=TEXT_BYTES)
        except FileError as error:
            faults[name] = error
    counts = count_many(list(texts.values()), bulk_engine(sum(map(len, texts.values()))))
    pairs = zip(texts.values(), counts, strict=True)
    return {**dict(zip(texts, pairs, strict=True)), **faults}


@dataclass
class _Search:
    """What is found for one budget, file by file."""

    budget: PromptBudget
    named: Files
    kinds: Mapping[str, str]
    texts: Mapping[str, tuple[str, int] | FileError]
    config: CheckConfig
    day: date
    read: Reader
    prompts: dict[str, tuple[Prompt, ...]] = field(default_factory=dict)
    left_out: dict[str, tuple[LeftOut, ...]] = field(default_factory=dict)
    faults: list[CheckResult] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    def found(self) -> Found:
        """Read every file."""
        for name, path in self.named.files:
            try:
                self._read(name, path)
            except (FileError, RequestError) as error:
                self.faults.append(invalid(name, error))
            except UnknownModelError as error:
                measure = Measure(Place(path=name), "unknown-model", "request")
                self.faults.append(measure.unknown(error.reason))
        where = self.budget.where
        self.faults += (
            invalid(name, FileError(why)) for name, why in self.named.unreadable.items()
        )
        self.faults += (missing(name, why, where) for name, why in self.named.dangling.items())
        is_whole = self.config.only is None
        self.faults += self._missed() if is_whole else ()
        files = {name for name, _ in self.named.files}
        taken = tuple(
            prompt
            for name, prompts in self.prompts.items()
            for prompt in prompts
            if prompt.path == name or prompt.path not in files  # a file that another one led to
        )
        place = self.config.place(where)
        if is_whole and not (taken or self.faults or self.named.unused):
            why = "no file matches in which a prompt is found, so nothing was checked"
            self.faults.append(Measure(place, "missing-input", "prompt").unknown(why))
        states = tuple(self._states(taken))
        self.faults += self._unused(taken, is_whole=is_whole and not self.faults)
        return Found(
            budget=self.budget,
            prompts=taken,
            faults=tuple(self.faults),
            files=states,
            left_out=tuple(one for some in self.left_out.values() for one in some),
        )

    def _read(self, name: str, path: Path) -> None:
        kind = self.kinds[name]
        if kind == "request":
            budget, catalog = self.budget, self.config.catalog
            self.prompts[name] = tuple(body_prompts(name, path, budget, catalog, self.day))
        elif kind == "text":
            text = self.texts[name]
            if isinstance(text, FileError):
                raise text
            self.prompts[name] = (text_prompt(name, *text, self.budget),)
        else:
            read = template_prompts(name, path, self.budget, self.read)
            self.prompts[name], self.left_out[name], file = read
            self.used |= file.used
            for one in file.unread:
                measure = Measure(Place(path=one.path, line=one.line), "missing-input", "prompt")
                self.faults.append(measure.unknown(one.why))

    def _missed(self) -> Iterator[CheckResult]:
        """Yield a result for each file that is named without a glob and that gives no prompt."""
        faulty = {fault.path for fault in self.faults}
        paths = self.budget.paths
        for name in dict.fromkeys(Path(one).as_posix() for one in paths if is_one_file(one)):
            if self.prompts.get(name) or name in faulty or matches(name, self.budget.exclude):
                continue
            path = self.config.folder / name
            why = "no prompt is found in it" if name in self.prompts else why_no_file(path)
            yield missing(name, why, self.budget.where)

    def _states(self, taken: Sequence[Prompt]) -> Iterator[FileState]:
        """Yield what became of each file."""
        why = {fault.path: fault.message for fault in self.faults}
        names = {name for name, _ in self.named.files}
        numbers = Counter(one.path for one in taken)
        for name in sorted(names | numbers.keys()):
            if number := numbers[name]:
                yield FileState(path=name, state="counted", why=counted(number, "prompt"))
            elif name not in why:
                yield FileState(path=name, state="skipped", why="no prompt is found in it")
        for name, reason in why.items():
            yield FileState(path=name, state="unknown", why=reason)
        for name, reason in self.named.skipped.items():
            yield FileState(path=name, state="skipped", why=reason)

    def _unused(self, taken: Sequence[Prompt], *, is_whole: bool) -> Iterator[CheckResult]:
        """Yield a result for each glob, exclusion, name and variable that matches nothing."""
        where = self.budget.where
        place = self.config.place(where)
        for glob in self.named.unused:
            if not is_one_file(glob):
                why = f"no file matches {shown(glob)}, so nothing of it was checked"
                yield Measure(place, "missing-input", "prompt").unknown(why)
        for glob in self.named.unused_exclude:
            yield unused(place, f"exclude {shown(glob)} leaves out no file of paths")
        if not is_whole:
            return  # what cannot be read may have them
        for glob in self.budget.names or ():
            if glob not in self.used:
                yield unused(place, f"no prompt is named {shown(glob)}")
        wheres = dict.fromkeys(self.budget.variables, where)
        yield from unused_variables(taken, wheres, self.budget.declared, self.config)
