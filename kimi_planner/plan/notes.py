"""What a projection does not show, in words: ranges not given, prices and counts not stated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from typing import Any

from kimi_planner.billing.call import cached_price_notes
from kimi_planner.calls.notes import call_notes
from kimi_planner.catalog import Catalog, ModelSpec
from kimi_planner.notes import Note, note, noted
from kimi_planner.plan.beyond_tokens import written_notes
from kimi_planner.plan.calendar import Month
from kimi_planner.plan.catalog_notes import catalog_notes
from kimi_planner.plan.sanity import sanity_notes
from kimi_planner.safe import on_one_line
from kimi_planner.workload import SplitNormal, Workload
from kimi_planner.workload.certainty import CERTAINTIES
from kimi_planner.workload.reasoning import reasoning_of
from kimi_planner.workload.turns import turn_means

__all__ = ["assumptions_left_out", "plan_notes"]

_Said = tuple[str, tuple[tuple[str, str], ...]]


def plan_notes(
    workloads: Sequence[Workload],
    specs: Sequence[ModelSpec],
    months: Sequence[Month],
    catalog: Catalog,
) -> tuple[Note, ...]:
    """Return all that a reader of a plan must know."""
    return (
        *sanity_notes(workloads, specs),
        *assumptions_left_out(workloads, specs, months),
        *noted(
            "no_batch_price",
            catalog=catalog.version,
            models=[spec.id for spec in specs if spec.batch_multiplier is None],
            workloads=[workload.name for workload in workloads if workload.batch],
        ),
        *written_notes(workloads, specs, months),
        *catalog_notes(catalog, specs, months, workloads),
    )


def assumptions_left_out(
    workloads: Sequence[Workload], specs: Sequence[ModelSpec], months: Sequence[Month]
) -> tuple[Note, ...]:
    """Return one sentence for each thing that a reader of the result must know."""
    ranged = [workload for workload in workloads if workload.is_ranged]
    repriced = [change for workload in workloads for change in workload.dated_price_changes]
    concerned = (None, *(spec.id for spec in specs))

    def which(condition: Callable[[Any], bool], among: Sequence[Workload] = workloads) -> list[str]:
        return [workload.name for workload in among if condition(workload)]

    def plain(what: str, quantities: Callable[[Any], Iterable[Any]]) -> tuple[Note, ...]:
        names = which(
            lambda one: any(given is not None and given.is_certain for given in quantities(one)),
            ranged,
        )
        return noted("plain_number", what=what, workloads=names)

    changes = dict.fromkeys(one.describe() for one in repriced if one.model in concerned)
    cached_later = any("cached_input_usd_per_mtok" in one.prices for one in repriced)
    notes = [
        *noted("no_range", workloads=which(lambda one: not one.is_ranged)),
        *_certainties(workloads),
        *plain("Traffic", lambda one: [one.resolve().traffic.level]),
        *plain("Growth", lambda one: [one.growth_per_month]),
        *noted(
            "no_mean_factor",
            workloads=which(lambda one: not one.resolve().sizes.factors, ranged),
        ),
        *(
            plain("The cached share", lambda one: [one.cached_share])
            if any(spec.cached_input_usd_per_mtok for spec in specs)
            else ()
        ),
        *plain("The share of retries", lambda one: [one.retry_share]),
        *plain(
            "An event's size",
            lambda one: (
                size for event in one.dated_events for size in (event.factor, event.extra_requests)
            ),
        ),
        *_outside(workloads, months),
        *(note("prices_change", change=change) for change in changes),
        *_reasoning(workloads, specs),
        *cached_price_notes(
            specs,
            "no_cached_price_yet" if cached_later else "no_cached_price",
            workloads=which(lambda one: one.cached_share is not None),
        ),
        *noted(
            "no_followup_tokens",
            workloads=which(lambda one: one.turns.mean > 1 and one.followup_tokens is None),
        ),
    ]
    for workload in workloads:
        notes += _growth_moved(workload)
        turns = workload.resolve().sizes.turns
        given, used = turns.mean, turn_means(turns)[0]
        if abs(used - given) > 0.01 * given:
            notes.append(note("turns_whole", mean=used, given=given, workloads=workload.name))
        for said in workload.notes:
            text = on_one_line(said).removesuffix(".")
            notes.append(note("of_workload", said=text, workloads=workload.name))
    return (*notes, *call_notes(workloads, specs))


def _certainties(workloads: Sequence[Workload]) -> Iterator[Note]:
    """Say what ``certainty`` stands for, and where that is from."""
    for word, factors in CERTAINTIES.items():
        names = [one.name for one in workloads if one.certainty == word]
        yield from noted(
            "certainty", word=word, factors=str(factors), source=factors.source, workloads=names
        )


def _reasoning(workloads: Sequence[Workload], specs: Sequence[ModelSpec]) -> Iterator[Note]:
    """Say where reasoning that is not given is from, and where nobody knows it."""
    models: dict[tuple[str, _Said], list[str]] = {}
    for workload, spec in product(workloads, specs):
        for said in _reasoning_on(workload, spec):
            models.setdefault((workload.name, said), []).append(spec.id)
    names: dict[tuple[_Said, tuple[str, ...]], list[str]] = {}
    for (name, said), ids in models.items():
        names.setdefault((said, tuple(ids)), []).append(name)
    for ((code, about), of_models), of in names.items():
        yield note(code, **dict(about), models=of_models, workloads=of)


def _reasoning_on(workload: Workload, spec: ModelSpec) -> Iterator[_Said]:
    """Yield the code of a note about a model, and what it says beside the names."""
    effort, (words, is_least) = workload.reasoning_effort, reasoning_of(workload, spec)
    if effort and spec.reasoning_efforts and effort not in spec.reasoning_efforts:
        yield "effort_unknown", (("effort", effort),)
    behaviour = spec.profile.thinks(effort)
    if is_least:
        yield "reasoning_unknown", ()
    elif words and workload.reasoning_tokens is not None:
        yield "reasoning_not_stated", ()
    elif words and behaviour is not None:
        yield "reasoning_assumed", (("ratio", behaviour.ratio), ("on", behaviour.on))


def _outside(workloads: Sequence[Workload], months: Sequence[Month]) -> Iterator[Note]:
    """Say which workloads, or events of them, have no day in the months of the plan."""
    first, last = months[0].first, months[-1].last
    for workload in workloads:
        if workload.last_day < first or workload.first_day > last:
            yield note(
                "outside_plan",
                first=workload.starts_on or "any day",
                last=workload.ends_on or "any day",
                workloads=workload.name,
            )
            continue
        events = [
            event.name
            for event in workload.dated_events
            if event.last < first or event.first > last
        ]
        yield from noted("events_outside_plan", events=events, workloads=workload.name)


def _growth_moved(workload: Workload) -> Iterator[Note]:
    """Say so where the bounds of growth move its mean away from the one given."""
    growth = workload.growth_per_month
    if not isinstance(growth, SplitNormal) or growth.sigma_low != growth.sigma_high:
        return
    if abs(growth.mean - growth.median) > 1e-3 * growth.sigma_low:
        yield note("growth_bounded", mean=growth.mean, given=growth.median, workloads=workload.name)
