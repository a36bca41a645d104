"""What the reader of a plan must know, in words: what it does not show, what its catalog says, what looks like a slip."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import product
from typing import Any

from kimi_planner.billing.call import cached_price_notes
from kimi_planner.calls.notes import call_notes, reserved_notes
from kimi_planner.catalog import ALL_PRICES, Catalog, ModelSpec
from kimi_planner.notes import Note, note, noted
from kimi_planner.plan.beyond_tokens import unbilled_notes, written_notes
from kimi_planner.plan.calendar import Month
from kimi_planner.safe import on_one_line
from kimi_planner.workload import SplitNormal, Workload
from kimi_planner.workload.certainty import CERTAINTIES
from kimi_planner.workload.quantity import number_text
from kimi_planner.workload.reasoning import reasoning_of
from kimi_planner.workload.turns import turn_means

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


def catalog_notes(
    catalog: Catalog,
    specs: Sequence[ModelSpec],
    months: Sequence[Month],
    workloads: Sequence[Workload] = (),
) -> Iterator[Note]:
    """Yield one sentence for each model that goes, each price that changes, and what is not in.

    A catalog without dates, taxes and fees has none.
    """
    first, last = months[0].first, months[-1].last
    retired = [one.id for one in catalog if one.is_retired(first) and one not in specs]
    yield from noted("retired", first=first, models=retired)
    for spec in specs:
        if gone := spec.gone_by(last):
            yield note("goes", models=spec.id, gone=gone)
    for spec in specs:
        for day in spec.price_days:
            if first < day <= last:
                changes = _changes(spec.on(day - timedelta(days=1)), spec.on(day))
                yield from noted("prices_from", models=spec.id, day=day, changes=changes)
    if catalog.list_of is not None:
        left_out = [one.id for one in catalog.list_of if one.id not in catalog.ids]
        yield from noted("not_listed", currency=catalog.currency, models=left_out)
    if catalog.tax == "excluded":
        yield note("without_tax", catalog=catalog.version)
    yield from unbilled_notes(catalog, specs, workloads)
    yield from reserved_notes(workloads, specs)


def _changes(before: ModelSpec, after: ModelSpec) -> list[str]:
    """Say which prices differ from one day to the next."""
    pairs = [(name, getattr(before, name), getattr(after, name)) for name in ALL_PRICES]
    return [
        f"{name} {'unknown' if old is None else old} -> {'unknown' if new is None else new}"
        for name, old, new in pairs
        if old != new
    ]


_MOST_GROWTH = 0.5
_LEAST_FACTOR = 0.1
_LEAST_USD_PER_MTOK = Decimal("0.01")  # a tenth of what the cheapest cached token costs


def sanity_notes(workloads: Sequence[Workload], specs: Sequence[ModelSpec]) -> Iterator[Note]:
    """Yield one sentence for each number that should be looked at before all else."""
    for workload in workloads:
        load = workload.resolve()
        growth = load.traffic.growth.mean
        if growth > _MOST_GROWTH:
            yield note(
                "check_growth",
                growth=number_text(growth),
                percent=growth,
                meant=number_text(growth / 100),
                workloads=workload.name,
            )
        for key, factor in load.sizes.factors.items():
            if factor.mean < _LEAST_FACTOR:
                mean = number_text(round(factor.mean, 4))
                yield note("check_mean_factor", key=key, mean=mean, workloads=workload.name)
        cap = workload.max_tokens or 0
        small = [
            spec.id
            for spec in specs
            if spec.context_window_tokens is not None and cap >= spec.context_window_tokens
        ]
        yield from noted("check_max_tokens", cap=cap, models=small, workloads=workload.name)
    prices = {
        (spec.id, key, price)
        for spec in specs
        for key in ALL_PRICES
        if (price := getattr(spec, key)) is not None
    }
    prices |= {
        (change.model or "every model", key, Decimal(price))
        for workload in workloads
        for change in workload.dated_price_changes
        for key, price in change.prices.items()
    }
    for model, key, price in sorted(prices):
        if 0 < price < _LEAST_USD_PER_MTOK:
            yield note(
                "check_price",
                key=key,
                price=number_text(price),
                meant=number_text(1000 * price),
                models=model,
            )
