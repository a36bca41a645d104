"""What a projection does not show, in words: ranges not given, prices and counts not stated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from kimi_planner.calls.notes import call_notes
from kimi_planner.catalog import ModelSpec
from kimi_planner.plan.calendar import Month
from kimi_planner.safe import on_one_line
from kimi_planner.workload import SplitNormal, Workload
from kimi_planner.workload.parse import TOKEN_KEYS
from kimi_planner.workload.turns import turn_means

__all__ = ["assumptions_left_out"]


def assumptions_left_out(
    workloads: Sequence[Workload], specs: Sequence[ModelSpec], months: Sequence[Month]
) -> tuple[str, ...]:
    """Return one sentence for each thing that a reader of the result must know."""
    notes: list[str] = []

    def say(sentence: str, names: Sequence[str]) -> None:
        if names:
            notes.append(sentence.format(", ".join(names)))

    def which(
        condition: Callable[[Any], bool], *, among: Sequence[Workload] = workloads
    ) -> list[str]:
        return [workload.name for workload in among if condition(workload)]

    say(
        "Every number is plain, so the spend has no range: {}.",
        which(lambda workload: workload.is_certain),
    )
    uncertain = [workload for workload in workloads if not workload.is_certain]
    say(
        "Traffic is one plain number, so the range does not show that it may differ: {}.",
        which(lambda workload: workload.requests_per_day.is_certain, among=uncertain),
    )
    say(
        "Growth is one plain number, so the range does not show that it may differ: {}.",
        which(lambda workload: workload.growth_per_month.is_certain, among=uncertain),
    )
    say(
        "No mean_factor is given, so the range does not show that tokens per call may be more or less "
        "on average: {}.",
        which(_has_certain_means, among=uncertain),
    )
    say(
        "The cached share is one plain number, so the range does not show that it may differ: {}.",
        which(
            lambda workload: workload.cached_share is not None and workload.cached_share.is_certain,
            among=uncertain if any(spec.cached_input_usd_per_mtok for spec in specs) else (),
        ),
    )
    say(
        "The share of retries is one plain number, so the range does not show that it may differ: {}.",
        which(
            lambda workload: workload.retry_share is not None and workload.retry_share.is_certain,
            among=uncertain,
        ),
    )
    say(
        "An event's size is one plain number, so the range does not show that it may differ: {}.",
        which(
            lambda workload: any(
                quantity.is_certain
                for event in workload.dated_events
                for quantity in (event.factor, event.extra_requests)
                if quantity is not None
            ),
            among=uncertain,
        ),
    )
    notes += _outside(workloads, months)
    changes = {
        change.describe(): None
        for workload in workloads
        for change in workload.dated_price_changes
        if change.model is None or change.model in [spec.id for spec in specs]
    }
    notes += [f"Prices change {change}." for change in changes]
    thinkers = [spec.id for spec in specs if spec.reasons]
    if thinkers:
        say(
            f"No reasoning tokens are given, so {', '.join(thinkers)} is projected without any and "
            "will cost more: {}.",
            which(lambda workload: workload.reasoning_tokens is None),
        )
    unpriced = [spec for spec in specs if spec.cached_input_usd_per_mtok is None]
    if unpriced:
        say(
            f"Catalog {unpriced[0].catalog_version} states no cached-input price, so cached tokens are "
            "billed as input{}: {{}}.".format(
                " until one is given" if _prices_cached(workloads) else ""
            ),
            which(lambda workload: workload.cached_share is not None),
        )
    say(
        "followup_tokens is not given, so each later turn adds as much as the first prompt: {}.",
        which(lambda workload: workload.turns.mean > 1 and workload.followup_tokens is None),
    )
    for workload in workloads:
        notes += _growth_moved(workload)
        turns = workload.resolve().sizes.turns
        given, used = turns.mean, turn_means(turns)[0]
        if abs(used - given) > 0.01 * given:
            notes.append(
                f"Turns are whole and at least 1, so their mean is {used:.4g}, not {given:.4g}: "
                f"{workload.name}."
            )
        notes += [f"{workload.name}: {on_one_line(note)}." for note in workload.notes]
    return (*notes, *call_notes(workloads, specs))


def _outside(workloads: Sequence[Workload], months: Sequence[Month]) -> list[str]:
    """Say which workloads, or events of them, have no day in the months of the plan."""
    first = date(months[0].year, months[0].month, 1)
    last = date(months[-1].year, months[-1].month, months[-1].days)
    notes = []
    for workload in workloads:
        if workload.last_day < first or workload.first_day > last:
            notes.append(
                f"It has traffic only outside of the plan ({workload.starts_on or 'any day'} to "
                f"{workload.ends_on or 'any day'}), so it costs nothing: {workload.name}."
            )
            continue
        events = [
            event.name
            for event in workload.dated_events
            if event.last < first or event.first > last
        ]
        if events:
            notes.append(
                f"These events lie outside of the plan and count for nothing: {', '.join(events)} "
                f"({workload.name})."
            )
    return notes


def _prices_cached(workloads: Sequence[Workload]) -> bool:
    """Whether a price change gives cached tokens a price of their own."""
    return any(
        "cached_input_usd_per_mtok" in change.prices
        for workload in workloads
        for change in workload.dated_price_changes
    )


def _has_certain_means(workload: Workload) -> bool:
    """Whether no token quantity has an uncertain mean."""
    quantities = (workload.given(key) for key in TOKEN_KEYS)
    return all(quantity is None or quantity.factor is None for quantity in quantities)


def _growth_moved(workload: Workload) -> list[str]:
    """Say so where the bounds of growth move its mean away from the one given."""
    growth = workload.growth_per_month
    if not isinstance(growth, SplitNormal) or growth.sigma_low != growth.sigma_high:
        return []
    if abs(growth.mean - growth.median) <= 1e-3 * growth.sigma_low:
        return []
    return [
        f"Growth is at least -99% and at most 1,000% a month, so its mean is {growth.mean:.4g}, not "
        f"{growth.median:.4g}: {workload.name}."
    ]
