"""Results and changes in words, one line each, for every form that people read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

from kimi_planner.checks.baseline import PromptEntry
from kimi_planner.checks.changes import PromptChange, WorkloadChange
from kimi_planner.checks.growth import Comparison, percent
from kimi_planner.checks.results import CheckResult, Outcome
from kimi_planner.money import plain, usd

__all__ = ["causes", "counted", "dollars", "prompt_line", "standing", "summary", "workload_line"]


def counted(number: int, what: str) -> str:
    """Return a number of things: ``1 check``, ``2 checks``."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def summary(results: Iterable[CheckResult]) -> str:
    """Return how many checks there were and how many did not pass."""
    found = Counter(result.outcome for result in results)
    failed = found[Outcome.OVER] + found[Outcome.UNKNOWN]
    warned = found[Outcome.WARNING]
    warnings = f", {counted(warned, 'warning')}" if warned else ""
    return f"{sum(found.values())} checks, {failed} not passed{warnings}"


def standing(comparison: Comparison) -> str:
    """Return how many things changed, and how many of them are not shown."""
    states = Counter(one.state for one in comparison.prompts)
    states.update(one.state for one in comparison.workloads)
    parts = [f"{states[state]:,} {state}" for state in ("changed", "new", "gone") if states[state]]
    parts.append(f"{comparison.unchanged:,} unchanged")
    if comparison.below:
        parts.append(f"{comparison.below:,} changed by less than is reported")
    return ", ".join(parts)


def dollars(amount: Decimal | None) -> str:
    """Return an exact amount in USD without an exponent."""
    return "no price" if amount is None else f"{amount:f}"


def prompt_line(change: PromptChange) -> str:
    """Return what became of a prompt."""
    called = _prompt_called(change.entry)
    if change.both is None:
        one = change.entry
        return (
            f"{change.state}: {called}, {one.tokens:,} tokens, {dollars(one.cost_usd)} USD a call"
        )
    old, new = change.both
    words = f"{called}: {old.tokens:,} -> {new.tokens:,} tokens ({percent(old.tokens, new.tokens)})"
    if old.cost_usd is None or new.cost_usd is None:
        return f"{words}, {dollars(old.cost_usd)} -> {dollars(new.cost_usd)}"
    return (
        f"{words}, {old.cost_usd:f} -> {new.cost_usd:f} USD a call "
        f"({percent(old.cost_usd, new.cost_usd)}): {causes(change)}"
    )


def workload_line(change: WorkloadChange) -> str:
    """Return what became of a workload."""
    one = change.entry
    called = f"{one.path} {one.name} on {one.model}"
    if change.both is None:
        return f"{change.state}: {called}, {usd(one.mean_usd / one.months)} USD a month"
    old, new = change.both
    months = new.months

    def moved(before: Decimal, after: Decimal) -> str:
        return f"{usd(before / months)} -> {usd(after / months)}"

    return (
        f"{called}: {moved(old.mean_usd, new.mean_usd)} USD a month "
        f"({percent(old.mean_usd, new.mean_usd)}): {causes(change)}; "
        f"P50 {moved(old.p50_usd, new.p50_usd)}, P90 {moved(old.p90_usd, new.p90_usd)}"
    )


def causes(change: PromptChange | WorkloadChange) -> str:
    """Return the parts of a change in USD, for one call or a month; they add up to it.

    Amounts of a call are exact. Those of a month are rounded to cents for people, the JSON form has
    them in full.
    """
    parts = [(name, amount) for name, amount in change.causes.items() if amount]
    if not parts:
        return "no cause changed"
    if isinstance(change, PromptChange):
        return ", ".join(f"{name} {plain(amount):+f}" for name, amount in parts)
    months = change.entry.months
    shown = [
        (name, usd(abs(amount) / months), "-" if amount < 0 else "+") for name, amount in parts
    ]
    return ", ".join(f"{name} {sign}{amount}" for name, amount, sign in shown)


def _prompt_called(entry: PromptEntry) -> str:
    name = f" {entry.name}" if entry.name else ""
    model = f" on {entry.model}" if entry.model else ""
    return f"{entry.path}{name}{model}"
