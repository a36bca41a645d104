"""What changed between two plans: a waterfall by cause, and the assumptions behind each step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kimi_planner.money import signed_usd, total, usd
from kimi_planner.reconcile.planned import Plan
from kimi_planner.reconcile.plans import PRICE, PlanChange
from kimi_planner.reconcile.result import RESERVE
from kimi_planner.report.json_form import as_data
from kimi_planner.report.register import assumptions_table
from kimi_planner.report.table import Section, Table, name_text, steps_table

_ENDS = ("before", "after")
#: The step that assumptions move most; others state what does not change the spend.
_ASSUMPTIONS = {
    "traffic": "requests_per_day conversations_per_day requests_per_month documents growth_per_month "
    "starts_on ends_on weekday_profile event retry_share",
    "model mix": "model",
    "prompt tokens": "prompt_tokens followup_tokens turns overflow",
    "answer tokens": "completion_tokens max_tokens",
    "reasoning tokens": "reasoning_tokens reasoning_effort",
    "cache": "cached_share",
    "cache writes": "written_share",
    "batch": "batch",
    "fees": "fees_per_request",
    PRICE: "price_change",
    RESERVE: "correlation certainty",
}
_STEPS = {key: step for step, keys in _ASSUMPTIONS.items() for key in keys.split()}


def change_section(change: PlanChange) -> Section:
    """Return what changed since a plan of record."""
    return Section(
        title="What changed in the plan",
        sentences=(
            f"Booked before {usd(change.before_usd)} {change.currency}, now {usd(change.after_usd)} {change.currency}: "
            f"{signed_usd(total([change.after_usd, change.before_usd.copy_negate()]))} {change.currency}.",
            *_basis(change),
            *change.notes,
            change.provenance,
        ),
        tables=change_tables(change),
        drawn=(("plan_change", change),),
        data={"change": change_data(change)},
    )


def change_tables(change: PlanChange) -> tuple[Table, ...]:
    """Return the steps by workload, and the assumptions that changed where both plans state them."""
    summary = change.summary()
    rows = dict(zip(map(str, summary.index), summary.to_numpy(), strict=True))
    title = f"{change.currency} to book, all months, by cause"
    steps = steps_table("step", map(str, summary), rows, _ENDS, title)
    moved = assumptions_moved(change)
    if not moved:
        return (steps,)
    headers = ("workload", "assumption", "before", "after", "step")
    return steps, Table(headers, tuple(moved), title="Assumptions that changed")


def change_data(change: PlanChange) -> dict[str, Any]:
    """Return what changed as plain data; amounts are decimal strings."""
    keys = ("workload", "assumption", "before", "after", "step")
    data: dict[str, Any] = as_data(
        {
            **{name: getattr(change, name) for name in ("before_usd", "after_usd")},
            "steps": change.steps(),
            "causes": change.frame,
            "assumptions": [dict(zip(keys, row, strict=True)) for row in assumptions_moved(change)],
            "notes": change.notes,
            "provenance": change.provenance,
        }
    )
    return data


def assumptions_moved(change: PlanChange) -> list[tuple[str, ...]]:
    """Return workload, assumption, both values, and the step it belongs to, of what is not the same."""
    before, after = (_assumptions(plan) for plan in (change.before, change.after))
    both = set(change.before.models) & set(change.after.models)
    stated = all(plan.projection is not None for plan in (change.before, change.after))
    return [
        (
            name_text(name),
            key,
            *(name_text(one.get((name, key), "not given")) for one in (before, after)),
            _STEPS.get(key.split()[0], ""),
        )
        for name, key in dict.fromkeys([*before, *after])
        if name in both
        and (stated or key == "model")
        and before.get((name, key)) != after.get((name, key))
    ]


def _assumptions(plan: Plan) -> dict[tuple[str, str], str]:
    """Return every assumption in words by workload and name, as far as the plan states them."""
    models = {(name, "model"): model for name, model in plan.models.items()}
    if plan.projection is None:
        return models
    rows = assumptions_table(plan.projection).rows
    return models | {
        (name, key): value for name, key, value in rows if key not in ("source", "model")
    }


def _basis(change: PlanChange) -> Iterator[str]:
    """Say what the two plans rest on that is not the same."""
    before, after = change.before, change.after
    for name, words in before.basis.items():
        if after.basis.get(name, words) != words:
            yield f"{name}: {words} -> {after.basis[name]}."
    if before.projection is None or after.projection is None:
        yield "One of the plans does not state its assumptions; an approved plan does."
