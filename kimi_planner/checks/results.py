"""What came of a check: one result for each limit and thing, and how bad it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum

from kimi_planner.errors import KimiPlannerError

__all__ = [
    "RULES",
    "CheckResult",
    "Outcome",
    "Place",
    "held",
    "invalid",
    "missing",
    "ordered",
    "unknown",
    "worst",
]

#: What can be checked, and what it means to a reader who meets only its name.
RULES = {
    "prompt-tokens": "A prompt has more tokens than its budget allows.",
    "prompt-cost": "A prompt costs more as input of one call than its budget allows.",
    "call-cost": "A prompt and its reserved output cost more than the budget of one call.",
    "context-share": "A prompt and its reserved output take too much of the context window.",
    "workload-spend": "A workload spends more in a month than its budget allows.",
    "workload-fit": "Too few requests of a workload fit the context window.",
    "workload-tier": "A workload needs a higher rate-limit tier than the account has.",
    "catalog-age": "A source of the price catalog was last checked too long ago.",
    "catalog-drift": "A price of the catalog differs too much from another source.",
    "prompt-growth": "A prompt grew more since the baseline than is allowed.",
    "workload-growth": "The spend of a workload grew more since the baseline than is allowed.",
    "missing-input": "A budget names a file or a prompt that is not there.",
    "unknown-model": "A request names a model that the catalog does not have.",
    "bad-input": "A file that a budget names cannot be read as what it should be.",
}


class Outcome(IntEnum):
    """How a check ended, best first."""

    PASSED = 0
    WARNING = 1
    OVER = 2
    UNKNOWN = 3
    INVALID = 4

    @property
    def exit_code(self) -> int:
        """The exit code of a run whose worst outcome this is; a warning passes."""
        return {Outcome.OVER: 1, Outcome.INVALID: 2, Outcome.UNKNOWN: 3}.get(self, 0)

    @property
    def passes(self) -> bool:
        """Whether the exit code is 0."""
        return self.exit_code == 0


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """One budget held against one thing.

    Attributes
    ----------
    rule
        What was checked, a key of `RULES`.
    path, line
        The file, relative to the configuration, and the line in it; ``None`` for all of the file.
    subject
        What about it was measured, in words.
    name
        The prompt inside the file, or the workload; ``None`` for all of the file.
    model
        Model id, where the result depends on one.
    value, limit
        Tokens, USD or a share; ``None`` if it could not be told.
    """

    rule: str
    path: str
    subject: str
    outcome: Outcome
    message: str
    line: int | None = None
    name: str | None = None
    model: str | None = None
    value: Decimal | None = None
    limit: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a result belongs; the fields are those of `CheckResult`."""

    path: str
    line: int | None = None
    name: str | None = None
    model: str | None = None


def held(
    place: Place,
    *,
    rule: str,
    subject: str,
    value: Decimal,
    limit: Decimal,
    measured: str,
    allowed: str,
    warn_fraction: Decimal | None = None,
    at_least: bool = False,
    beside: bool = True,
) -> CheckResult:
    """Hold a value against a limit; what lies exactly at it is within it.

    Parameters
    ----------
    place : Place
        What is held.
    measured, allowed : str
        Value and limit in words.
    warn_fraction : Decimal, optional
        The fraction of the limit above which a value that is within it is a warning.
    at_least : bool
        Whether the limit is the least that is allowed, not the most.
    beside : bool
        Whether to say by how much the limit is exceeded; of percents that would be confusing.
    """
    over = value < limit if at_least else value > limit
    outcome, how_much = Outcome.OVER if over else Outcome.PASSED, ""
    if over and limit and beside and not at_least:
        how_much = f", {float(value / limit - 1):.1%} over"
    elif not over and warn_fraction is not None and not at_least and value > limit * warn_fraction:
        outcome, how_much = Outcome.WARNING, f", {float(value / limit):.1%} of it"
    return CheckResult(
        **vars(place),
        rule=rule,
        subject=subject,
        outcome=outcome,
        value=value,
        limit=limit,
        message=f"{measured}, {'at least' if at_least else 'limit'} {allowed}{how_much}",
    )


def unknown(
    place: Place, *, rule: str, subject: str, message: str, limit: Decimal | None = None
) -> CheckResult:
    """Return the result of what could not be told."""
    return CheckResult(
        **vars(place),
        rule=rule,
        subject=subject,
        outcome=Outcome.UNKNOWN,
        limit=limit,
        message=message,
    )


def missing(path: str, why: str, where: str) -> CheckResult:
    """Return the result of a file that a budget names, and that is not there or holds no prompt."""
    return unknown(
        Place(path=path),
        rule="missing-input",
        subject="file",
        message=f"{why}, though {where} names it. Put it back, or take its name out there.",
    )


def invalid(path: str, error: KimiPlannerError) -> CheckResult:
    """Return the result of a file that cannot be read, called ``path`` in results, and why."""
    return CheckResult(
        rule="bad-input",
        path=path,
        line=error.line,
        subject="file",
        outcome=Outcome.INVALID,
        message=error.reason,
    )


def worst(results: Iterable[CheckResult]) -> Outcome:
    """Return the worst outcome; no result at all is unknown, never a pass."""
    return max((result.outcome for result in results), default=Outcome.UNKNOWN)


def ordered(results: Iterable[CheckResult]) -> list[CheckResult]:
    """Return results worst first: by outcome, then by how much of the limit is used."""
    return sorted(results, key=_badness)


def _badness(result: CheckResult) -> tuple[object, ...]:
    used = Decimal(0)
    if result.value is not None and result.limit:
        used = result.value / result.limit
    elif result.value:
        used = Decimal("Infinity")
    if result.rule == "workload-fit":  # the less of it fits, the worse
        used = Decimal(2) - used
    place = (result.path, result.line or 0, result.name or "", result.model or "")
    return (-result.outcome, -used, *place, result.rule)
