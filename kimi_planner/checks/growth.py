"""Changes since the baseline: which are reported, and which are more than is allowed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

import kimi_planner
from kimi_planner.checks.baseline import Baseline
from kimi_planner.checks.budgets import CheckConfig, Growth
from kimi_planner.checks.changes import PromptChange, WorkloadChange
from kimi_planner.checks.results import CheckResult, Place, held, unknown
from kimi_planner.money import plain, usd
from kimi_planner.notes import Note, note

#: What is allowed, what was measured, that in words, and the unit of the limit.
_Limit = tuple[Decimal | int | None, Decimal | None, str, str]

__all__ = ["Comparison", "compare", "hold_growth", "percent"]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Everything since the baseline.

    Attributes
    ----------
    baseline
        Path of its file.
    prompts, workloads
        What changed, came or went, the largest change first.
    unchanged, below
        How many did not change, and how many changed by less than is reported.
    notes
        What else changed, in words.
    """

    baseline: str
    prompts: tuple[PromptChange, ...]
    workloads: tuple[WorkloadChange, ...]
    unchanged: int
    below: int
    notes: tuple[Note, ...]


def compare(
    old: Baseline,
    new: Baseline,
    config: CheckConfig,
    prompts: Iterable[PromptChange],
    workloads: Iterable[WorkloadChange],
) -> Comparison:
    """Sort changes into what is reported and what is only counted."""
    of_prompts = [one for one in prompts if one.state != "unchanged"]
    of_workloads = [one for one in workloads if one.state != "unchanged"]
    loud_prompts = [one for one in of_prompts if not _prompt_below(one, config)]
    loud_workloads = [one for one in of_workloads if not _workload_below(one, config)]
    changed = len(of_prompts) + len(of_workloads)
    both = len({one.key for one in old.prompts} | {one.key for one in new.prompts})
    both += len({one.key for one in old.workloads} | {one.key for one in new.workloads})
    return Comparison(
        baseline=config.baseline,
        prompts=tuple(sorted(loud_prompts, key=_prompt_order)),
        workloads=tuple(sorted(loud_workloads, key=_workload_order)),
        unchanged=both - changed,
        below=changed - len(loud_prompts) - len(loud_workloads),
        notes=tuple(_notes(old, new)),
    )


def percent(old: Decimal | int, new: Decimal | int) -> str:
    """Return the change as ``+x%``."""
    if not old:
        return "no change" if not new else "from 0"
    return f"{_percent(Decimal(old), Decimal(new)):+.1f}%"


def hold_growth(
    prompts: Iterable[PromptChange], workloads: Iterable[WorkloadChange], config: CheckConfig
) -> Iterator[CheckResult]:
    """Hold what changed against the growth that is allowed for its path."""
    for prompt in prompts:
        if prompt.state == "changed":
            yield from _prompt_growth(prompt, config)
    for workload in workloads:
        if workload.state == "changed":
            yield from _workload_growth(workload, config)


def _prompt_order(change: PromptChange) -> tuple[Decimal, int, str, tuple[str, ...]]:
    moved = Decimal(0) if change.usd is None else abs(change.usd)
    return (-moved, -abs(change.tokens), change.state, change.entry.key)


def _workload_order(change: WorkloadChange) -> tuple[Decimal, str, tuple[str, ...]]:
    moved = Decimal(0) if change.usd is None else abs(change.usd)
    return (-moved, change.state, change.entry.key)


def _prompt_below(change: PromptChange, config: CheckConfig) -> bool:
    if change.both is None:
        return False
    growth, (old, new) = config.overridden(config.growth, change.entry.path), change.both
    if growth.ignore_below_usd is not None and change.usd is not None:
        return abs(change.usd) < growth.ignore_below_usd
    same_price = old.input_usd_per_mtok == new.input_usd_per_mtok
    least = growth.ignore_below_tokens
    return least is not None and same_price and abs(change.tokens) < least


def _workload_below(change: WorkloadChange, config: CheckConfig) -> bool:
    floor = config.overridden(config.growth, change.entry.path).ignore_below_usd_per_month
    return change.usd is not None and floor is not None and abs(change.usd) < floor


def _prompt_growth(change: PromptChange, config: CheckConfig) -> Iterator[CheckResult]:
    if change.both is None:
        return
    (old, new), one = change.both, change.entry
    growth = config.overridden(config.growth, one.path)
    quiet = _prompt_below(change, config)
    place = Place(path=one.path, line=change.line, name=one.name, model=one.model)
    called = f"{one.name}: " if one.name else ""
    tokens = f"{old.tokens:,} -> {new.tokens:,} tokens ({percent(old.tokens, new.tokens)})"
    priced = old.cost_usd is not None and new.cost_usd is not None
    cost = ""
    if old.cost_usd is not None and new.cost_usd is not None:
        change_words = percent(old.cost_usd, new.cost_usd)
        cost = f"{old.cost_usd:f} -> {new.cost_usd:f} USD a call ({change_words})"
    before = Decimal(old.tokens) if old.cost_usd is None or not priced else old.cost_usd
    after = Decimal(new.tokens) if new.cost_usd is None or not priced else new.cost_usd
    limits: list[_Limit] = [
        (growth.max_growth_percent, _percent(before, after), cost or tokens, "%"),
        (growth.max_growth_tokens, Decimal(change.tokens), tokens, " tokens"),
        (growth.max_growth_usd, change.usd, cost, " USD a call"),
    ]
    yield from _held("prompt-growth", place, called, limits, quiet=quiet)


def _workload_growth(change: WorkloadChange, config: CheckConfig) -> Iterator[CheckResult]:
    if change.both is None:
        return
    (old, new), one = change.both, change.entry
    growth: Growth = config.overridden(config.growth, one.path)
    place = Place(path=one.path, line=change.line, name=one.name, model=one.model)
    words = (
        f"mean of {one.name} {usd(old.mean_usd / old.months)} -> {usd(new.mean_usd / new.months)} "
        f"USD a month ({percent(old.mean_usd, new.mean_usd)})"
    )
    limits: list[_Limit] = [
        (growth.max_growth_percent, _percent(old.mean_usd, new.mean_usd), words, "%"),
        (growth.max_growth_usd_per_month, change.usd, words, " USD a month"),
    ]
    yield from _held("workload-growth", place, "", limits, quiet=_workload_below(change, config))


def _held(
    rule: str,
    place: Place,
    called: str,
    limits: Sequence[_Limit],
    *,
    quiet: bool,
) -> Iterator[CheckResult]:
    subject = "growth since the baseline"
    for limit, value, words, unit in limits:
        if limit is None:
            continue
        if value is None:
            yield unknown(
                place,
                rule=rule,
                subject=subject,
                limit=Decimal(limit),
                message=f"{called}no price then or now, so the growth of its cost cannot be told",
            )
            continue
        yield held(
            place,
            rule=rule,
            subject=subject,
            value=Decimal(0) if quiet else value,
            limit=Decimal(limit),
            measured=f"{called}{words}{', less than is reported' if quiet else ''}",
            allowed=f"+{plain(Decimal(limit)):f}{unit}",
            beside=False,
        )


def _percent(old: Decimal, new: Decimal) -> Decimal:
    if not old:
        return Decimal("Infinity") if new else Decimal(0)
    return (new / old - 1) * 100


def _notes(old: Baseline, new: Baseline) -> Iterator[Note]:
    if (old.catalog, old.sha256) != (new.catalog, new.sha256):
        before, after = (f"{one.catalog} (sha256 {one.sha256[:12]})" for one in (old, new))
        yield note("catalog_changed", old=before, new=after)
    if old.workloads and new.workloads and (old.seed, old.paths) != (new.seed, new.paths):
        yield note(
            "scenarios_changed",
            old_seed=old.seed,
            new_seed=new.seed,
            old_paths=old.paths,
            new_paths=new.paths,
        )
    if old.version != kimi_planner.__version__:
        yield note("version_changed", old=old.version, new=kimi_planner.__version__)
