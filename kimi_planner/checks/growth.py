"""Changes since the baseline: which are reported, and which are more than is allowed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

import kimi_planner
from kimi_planner.checks.baseline import Baseline
from kimi_planner.checks.budgets import CheckConfig, Growth
from kimi_planner.checks.changes import MonthChange, PromptChange, WorkloadChange
from kimi_planner.checks.results import CheckResult, Measure, Place, percent_more
from kimi_planner.money import plain, signed_usd, usd
from kimi_planner.notes import Note, note

if TYPE_CHECKING:
    from kimi_planner.checks.months import Added

#: What is allowed, what was measured, that in words, and the unit of the limit.
_Limit = tuple[Decimal | int | None, Decimal | None, str, str]
Changed = TypeVar("Changed", PromptChange, WorkloadChange)


#: What a spend is given with, behind its name.
WITH_CHANGES = " with the changed prompts"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Everything since the baseline.

    Attributes
    ----------
    baseline, is_file
        Path of its file, or what it is called where it is none.
    prompts, workloads
        What changed, came or went, the largest change first.
    unchanged, below
        How many did not change, and how many changed by less than is reported.
    notes
        What else changed, in words.
    added, month
        What prompts add to a month, each and together; ``None`` where that of none is known.
    """

    baseline: str
    prompts: tuple[PromptChange, ...]
    workloads: tuple[WorkloadChange, ...]
    unchanged: int
    below: int
    notes: tuple[Note, ...]
    is_file: bool = True
    added: tuple[Added, ...] = ()
    month: MonthChange | None = None


def compare(
    old: Baseline,
    new: Baseline,
    config: CheckConfig,
    prompts: Iterable[PromptChange],
    workloads: Iterable[WorkloadChange],
) -> Comparison:
    """Sort changes into what is reported and what is only counted."""
    prompts, workloads = list(prompts), list(workloads)
    states = Counter(one.state for one in prompts) + Counter(one.state for one in workloads)
    reported = _reported(prompts, config), _reported(workloads, config)
    return Comparison(
        baseline=old.source or config.baseline,
        is_file=not old.source,
        prompts=reported[0],
        workloads=reported[1],
        unchanged=states["unchanged"],
        below=states.total() - states["unchanged"] - sum(map(len, reported)),
        notes=tuple(_notes(old, new)),
    )


def month_words(month: MonthChange) -> str:
    """Return what is added to a month, with its range.

    >>> from decimal import Decimal
    >>> month_words(MonthChange(old_usd=Decimal(7), new_usd=Decimal(50), usd=Decimal(43),
    ...                         p10_usd=Decimal(31), p90_usd=Decimal(61), causes={}))
    '+43.00 USD a month (P10 31.00, P90 61.00)'
    """
    spread = "range not given"
    if month.p10_usd is not None and month.p90_usd is not None:
        spread = f"P10 {usd(month.p10_usd)}, P90 {usd(month.p90_usd)}"
    return f"{signed_usd(month.usd)} USD a month ({spread})"


def percent(old: Decimal | int, new: Decimal | int) -> str:
    """Return the change as ``+x%``."""
    if not old:
        return "no change" if not new else "from 0"
    return f"{percent_more(Decimal(old), Decimal(new)):+.1f}%"


def moved(
    old: Decimal | int,
    new: Decimal | int,
    unit: str = "",
    in_words: Callable[[Any], str] = "{:,}".format,
) -> str:
    """Return a change as ``old -> new (+x%)``."""
    return f"{in_words(old)} -> {in_words(new)}{unit} ({percent(old, new)})"


def hold_growth(
    prompts: Iterable[PromptChange], workloads: Iterable[WorkloadChange], config: CheckConfig
) -> Iterator[CheckResult]:
    """Hold what changed against the growth that is allowed for its path."""
    changes: list[PromptChange | WorkloadChange] = [*prompts, *workloads]
    for change in changes:
        if change.state in ("changed", "moved"):
            yield from _held(change, config)
        elif change.state == "new" and isinstance(change, PromptChange):
            yield from _held_new(change, config)


def _reported(changes: Iterable[Changed], config: CheckConfig) -> tuple[Changed, ...]:
    """Return what is reported, the largest change first."""
    changed = (one for one in changes if one.state != "unchanged")
    return tuple(sorted((one for one in changed if not _is_below(one, config)), key=by_size))


def by_size(change: PromptChange | WorkloadChange) -> tuple[Any, ...]:
    """Return what changes are sorted by, the largest first."""
    tokens = change.tokens if isinstance(change, PromptChange) else 0
    return (-abs(change.usd or Decimal(0)), -abs(tokens), change.state, change.entry.key)


def _is_below(change: PromptChange | WorkloadChange, config: CheckConfig) -> bool:
    """Whether a change is smaller than what is reported for its path."""
    growth = config.overridden(config.growth, change.entry.path)
    if isinstance(change, WorkloadChange):
        floor = growth.ignore_below_usd_per_month
        return change.usd is not None and floor is not None and abs(change.usd) < floor
    if change.both is None:
        return False
    if growth.ignore_below_usd is not None and change.usd is not None:
        return abs(change.usd) < growth.ignore_below_usd
    old, new = change.both
    same_price = old.input_usd_per_mtok == new.input_usd_per_mtok
    least = growth.ignore_below_tokens
    return least is not None and same_price and abs(change.tokens) < least


def _held(change: PromptChange | WorkloadChange, config: CheckConfig) -> Iterator[CheckResult]:
    one = change.entry
    growth = config.overridden(config.growth, one.path)
    place = Place(path=one.path, line=change.line, name=one.name, model=one.model)
    if isinstance(change, PromptChange):
        rule, limits = "prompt-growth", _prompt_limits(change, growth)
    else:
        rule, limits = "workload-growth", _workload_limits(change, growth)
    quiet = ", less than is reported" if _is_below(change, config) else ""
    for limit, value, words, unit in limits:
        if limit is None:
            continue
        measure = Measure(place, rule, "growth since the baseline", Decimal(limit))
        if value is None:
            yield measure.unknown(words)
            continue
        allowed = f"+{plain(Decimal(limit)):f}{unit}"
        counted = Decimal(0) if quiet else value
        yield measure.held(counted, f"{words}{quiet}", allowed, beside=False)


def _held_new(change: PromptChange, config: CheckConfig) -> Iterator[CheckResult]:
    one = change.entry
    limit = config.overridden(config.growth, one.path).max_new_tokens
    place = Place(path=one.path, line=change.line, name=one.name, model=one.model)
    words = f"{one.name}: " if one.name else ""
    if limit is not None:
        measure = Measure(place, "prompt-growth", "new prompt", Decimal(limit))
        yield measure.held(Decimal(one.tokens), f"{words}new, {one.tokens:,} tokens", f"{limit:,}")
    most = config.overridden(config.growth, one.path).max_growth_usd_per_month
    if most is not None and change.month is not None:
        measure = Measure(place, "prompt-growth", "month of a new prompt", most)
        said = f"{words}new, {month_words(change.month)}"
        yield measure.held(change.month.usd, said, f"+{plain(most):f} USD a month", beside=False)


def _prompt_limits(change: PromptChange, growth: Growth) -> Iterator[_Limit]:
    old, new = change.both or (change.entry, change.entry)
    called = f"{old.name}: " if old.name else ""
    tokens = f"{called}{moved(old.tokens, new.tokens, ' tokens')}"
    cost = f"{called}no price then or now, so the growth of its cost cannot be told"
    if change.costs is None:
        grown, words = percent_more(Decimal(old.tokens), Decimal(new.tokens)), tokens
    else:
        grown = percent_more(*change.costs)
        words = cost = f"{called}{moved(*change.costs, ' USD a call', '{:f}'.format)}"
    yield growth.max_growth_percent, grown, words, "%"
    yield growth.max_growth_tokens, Decimal(change.tokens), tokens, " tokens"
    yield growth.max_growth_usd, change.usd, cost, " USD a call"
    if change.month is not None:
        words = f"{called}{month_words(change.month)}"
        yield growth.max_growth_usd_per_month, change.month.usd, words, " USD a month"


def _workload_limits(change: WorkloadChange, growth: Growth) -> Iterator[_Limit]:
    old, new = change.both or (change.entry, change.entry)
    means = (old.mean_usd, new.mean_usd)
    words = f"mean of {new.name} {moved(*means, ' USD a month', change.monthly)}"
    yield growth.max_growth_percent, percent_more(*means), words, "%"
    yield growth.max_growth_usd_per_month, change.usd, words, " USD a month"


def _notes(old: Baseline, new: Baseline) -> Iterator[Note]:
    if (old.catalog, old.sha256) != (new.catalog, new.sha256):
        before, after = (f"{one.catalog} (sha256 {one.sha256[:12]})" for one in (old, new))
        yield note("catalog_changed", old=before, new=after)
    if old.workloads and new.workloads and (old.seed, old.paths) != (new.seed, new.paths):
        yield note(
            "paths_changed",
            old_seed=old.seed,
            new_seed=new.seed,
            old_paths=old.paths,
            new_paths=new.paths,
        )
    if old.prompts and not any(entry.content.digits for entry in old.prompts):
        yield note("no_content")
    if old.version != kimi_planner.__version__:
        yield note("version_changed", old=old.version, new=kimi_planner.__version__)
