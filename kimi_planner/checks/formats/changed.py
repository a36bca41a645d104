"""Changes since the baseline in words, for every form that people read."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from kimi_planner.checks.baseline import PromptEntry
from kimi_planner.checks.changes import MonthChange, PromptChange, WorkloadChange
from kimi_planner.checks.growth import Comparison, month_words, moved
from kimi_planner.money import cents, in_cents, signed_usd

#: What can have become of a thing that is shown.
STATES = ("changed", "moved", "new", "gone")


def changed_lines(comparison: Comparison) -> list[str]:
    """Return what changed, a line each, and how much of it there is."""
    return [
        *comparison.notes,
        *headline(comparison),
        *map(prompt_line, comparison.prompts),
        *map(workload_line, comparison.workloads),
        standing(comparison),
    ]


def headline(comparison: Comparison) -> list[str]:
    """Return what the changed prompts add to a month, if that is known, in a line."""
    month = comparison.month
    return [] if month is None else [f"This change: {month_words(month)}: {month_causes(month)}"]


def month_causes(month: MonthChange) -> str:
    """Return the parts of what is added to a month, in cents that add up to it."""
    parts = in_cents(month.causes)
    said = [f"{name} {signed_usd(usd)}" for name, usd in parts.items() if usd]
    return ", ".join(said) or "less than is shown"


def standing(comparison: Comparison) -> str:
    """Return how many things changed, and how many of them are not shown."""
    states = Counter(one.state for one in comparison.prompts)
    states.update(one.state for one in comparison.workloads)
    parts = [f"{states[state]:,} {state}" for state in STATES if states[state]]
    parts.append(f"{comparison.unchanged:,} unchanged")
    if comparison.below:
        parts.append(f"{comparison.below:,} changed by less than is reported")
    return ", ".join(parts)


def dollars(amount: Decimal | None) -> str:
    """Return an exact amount in USD without an exponent."""
    return "no price" if amount is None else f"{amount:f}"


def prompt_line(change: PromptChange) -> str:
    """Return what became of a prompt."""
    called = f"{_prompt_called(change.entry)}{was(change)}"
    if change.both is None:
        one = change.entry
        cost = "" if one.cost_usd is None else f", {dollars(one.cost_usd)} USD a call"
        return f"{change.state}: {called}, {one.tokens:,} tokens{cost}{_a_month(change)}"
    old, new = change.both
    words = f"{called}: {moved(old.tokens, new.tokens, ' tokens')}"
    if change.costs is None:  # of one side at least no price is known
        costs = [dollars(one.cost_usd) for one in change.both]
        known = f", {' -> '.join(costs)} USD a call" if len(set(costs)) > 1 else ""
        return f"{words}{known}{_a_month(change)}"
    cost = moved(*change.costs, " USD a call", dollars)
    return f"{words}, {cost}: {causes(change)}{_a_month(change)}"


def _a_month(change: PromptChange) -> str:
    return "" if change.month is None else f"; {month_words(change.month)}"


def was(change: PromptChange) -> str:
    """Return what a prompt that moved was called, ``""`` of any other."""
    if change.state != "moved" or change.old is None:
        return ""
    return f" (was {' '.join(filter(None, (change.old.path, change.old.name)))})"


def workload_line(change: WorkloadChange) -> str:
    """Return what became of a workload."""
    one, monthly = change.entry, change.monthly
    called = f"{one.path} {one.name} on {one.model}"
    if change.both is None:
        return f"{change.state}: {called}, {monthly(one.mean_usd)} USD a month"
    old, new = change.both
    return (
        f"{called}: {moved(old.mean_usd, new.mean_usd, ' USD a month', monthly)}: "
        f"{causes(change)}; P50 {monthly(old.p50_usd)} -> {monthly(new.p50_usd)}, "
        f"P90 {monthly(old.p90_usd)} -> {monthly(new.p90_usd)}"
    )


def causes(change: PromptChange | WorkloadChange) -> str:
    """Return the parts of a change in USD, for one call or a month; they add up to it.

    Amounts of a call are exact. Those of a month are cents that add up to the change of the amounts
    as they are shown; the JSON form has them in full.
    """
    if isinstance(change, PromptChange):
        parts = [f"{name} {amount:+f}" for name, amount in change.causes.items() if amount]
    else:
        parts = [
            f"{name} {signed_usd(amount)}" for name, amount in _cents(change).items() if amount
        ]
    return ", ".join(parts) or "less than is shown"


def _cents(change: WorkloadChange) -> dict[str, Decimal]:
    """Return the causes of a month in whole cents, which add up to the change of what is shown."""
    if change.both is None:
        return {}
    old, new = (cents(one.mean_usd / one.months) for one in change.both)
    months = change.entry.months
    return in_cents({name: usd / months for name, usd in change.causes.items()}, new - old)


def _prompt_called(entry: PromptEntry) -> str:
    name = f" {entry.name}" if entry.name else ""
    model = f" on {entry.model}" if entry.model else ""
    return f"{entry.path}{name}{model}"
