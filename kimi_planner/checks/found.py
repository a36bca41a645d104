"""What budgets of prompts are for: files that are found, counted together, missing or malformed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from kimi_planner.catalog import Catalog
from kimi_planner.checks.budgets import CheckConfig, PromptBudget
from kimi_planner.checks.globs import Files, find_files, is_one_file, matches, why_no_file
from kimi_planner.checks.prompts import MAX_PROMPT_BYTES, Prompt, body_prompt, template_prompts
from kimi_planner.checks.results import CheckResult, Measure, Place, invalid, missing, unused
from kimi_planner.errors import FileError, RequestError, UnknownModelError, did_you_mean, shown
from kimi_planner.files import read_text
from kimi_planner.tokens.engine import bulk_engine
from kimi_planner.tokens.text import count_many

__all__ = ["Found", "find_prompts"]


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a budget is for.

    Attributes
    ----------
    budget, prompts
        The budget, and the prompts that were counted.
    faults
        A result for each file that cannot be read or is missing, and for a budget without any.
    """

    budget: PromptBudget
    prompts: tuple[Prompt, ...]
    faults: tuple[CheckResult, ...]


def find_prompts(config: CheckConfig, day: date) -> list[Found]:
    """Return what each budget is for on a day, in the order of the configuration."""
    named = [(one, find_files(config.folder, one.paths, one.exclude)) for one in config.prompts]
    counts = _text_counts({
        name: path for budget, found in named if budget.kind == "text" for name, path in found.files
    })  # fmt: skip
    return [_found(budget, found, counts, config, day) for budget, found in named]


def _text_counts(paths: Mapping[str, Path]) -> dict[str, int | FileError]:
    """Return the tokens of each file, or why it cannot be read."""
    texts: dict[str, str] = {}
    faults: dict[str, FileError] = {}
    for name, path in paths.items():
        try:
            texts[name] = read_text(path, limit=MAX_PROMPT_BYTES)
        except FileError as error:
            faults[name] = error
    counts = count_many(list(texts.values()), bulk_engine(sum(map(len, texts.values()))))
    return {**dict(zip(texts, counts, strict=True)), **faults}


def _found(
    budget: PromptBudget,
    named: Files,
    counts: Mapping[str, int | FileError],
    config: CheckConfig,
    day: date,
) -> Found:
    prompts: dict[str, list[Prompt]] = {}
    faults: list[CheckResult] = []
    for name, path in named.files:
        try:
            prompts[name] = list(_prompts(name, path, budget, counts, config.catalog, day))
        except (FileError, RequestError) as error:
            faults.append(invalid(name, error))
        except UnknownModelError as error:
            faults.append(
                Measure(Place(path=name), "unknown-model", "request").unknown(error.reason)
            )
    malformed = {fault.path for fault in faults}
    faults += (invalid(name, FileError(why)) for name, why in named.unreadable.items())
    faults += (missing(name, why, budget.where) for name, why in named.dangling.items())
    faults += _missed(budget, prompts, malformed, config.folder)
    counted = tuple(prompt for found in prompts.values() for prompt in found)
    if not counted and not faults and not named.unused:
        why = f"{budget.where}: no file matches in which a prompt is found, so nothing was checked"
        faults.append(Measure(config.place(budget.where), "missing-input", "prompt").unknown(why))
    faults += _unused(budget, named, counted, config, is_whole=not faults)
    return Found(budget=budget, prompts=counted, faults=tuple(faults))


def _unused(
    budget: PromptBudget,
    named: Files,
    counted: Sequence[Prompt],
    config: CheckConfig,
    *,
    is_whole: bool,
) -> Iterator[CheckResult]:
    """Yield a result for each glob, exclusion and variable of a budget that matches nothing."""
    place = config.place(budget.where)
    for glob in named.unused:
        if not is_one_file(glob):
            why = f"{budget.where}: no file matches {shown(glob)}, so nothing of it was checked"
            yield Measure(place, "missing-input", "prompt").unknown(why)
    for glob in named.unused_exclude:
        yield unused(place, f"{budget.where}: exclude {shown(glob)} leaves out no file of paths")
    known = {name for prompt in counted for name in prompt.variables}
    for name in budget.variables if is_whole else ():
        if name not in known:
            near = did_you_mean(name, known)
            yield unused(place, f"{budget.where}: no prompt has the variable {shown(name)}.{near}")


def _prompts(
    name: str,
    path: Path,
    budget: PromptBudget,
    counts: Mapping[str, int | FileError],
    catalog: Catalog,
    day: date,
) -> Iterator[Prompt]:
    if budget.kind == "request":
        yield body_prompt(name, path, budget, catalog, day)
    elif budget.kind == "templates":
        yield from template_prompts(name, path, budget)
    else:
        tokens = counts[name]
        if isinstance(tokens, FileError):
            raise tokens
        model = budget.model or budget.default_model
        yield Prompt(path=name, kind=budget.kind, model=model, tokens=tokens, low=tokens)


def _missed(
    budget: PromptBudget, prompts: Mapping[str, list[Prompt]], malformed: set[str], folder: Path
) -> Iterator[CheckResult]:
    """Yield a result for each file that the budget names without a glob and that gives no prompt."""
    names = dict.fromkeys(Path(one).as_posix() for one in budget.paths if is_one_file(one))
    for name in names:
        if prompts.get(name) or name in malformed or matches(name, budget.exclude):
            continue
        why = "no prompt is found in it" if name in prompts else why_no_file(folder / name)
        yield missing(name, why, budget.where)
