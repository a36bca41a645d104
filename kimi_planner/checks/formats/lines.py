"""Results in words, for every form that people read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from kimi_planner.checks.results import CheckResult, Outcome

__all__ = ["counted", "result_line", "summary"]


def result_line(result: CheckResult) -> str:
    """Return a result on one line: outcome, place, message."""
    line = f":{result.line}" if result.line is not None else ""
    return f"{result.outcome.name:<7}  {result.path}{line}: {result.message}"


def counted(number: int, what: str) -> str:
    """Return a number of things: ``1 check``, ``2 checks``."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def summary(results: Iterable[CheckResult]) -> str:
    """Return how many checks there were and how many did not pass."""
    found = Counter(result.outcome for result in results)
    failed = sum(number for outcome, number in found.items() if not outcome.passes)
    warned = found[Outcome.WARNING]
    warnings = f", {counted(warned, 'warning')}" if warned else ""
    return f"{counted(found.total(), 'check')}, {failed:,} not passed{warnings}"
