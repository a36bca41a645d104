"""What came of a check: one result for each limit and thing, and how bad it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from decimal import Decimal
from enum import IntEnum
from os.path import basename

from kimi_planner.errors import KimiPlannerError, Where
from kimi_planner.money import plain
from kimi_planner.safe import error_line

#: What can be checked, and what it means to a reader who meets only its name.
RULES = {
    "prompt-tokens": "A prompt has more tokens than its budget allows.",
    "prompt-cost": "A prompt costs more as input of one call than its budget allows.",
    "call-cost": "A prompt and its reserved output cost more than the budget of one call.",
    "context-share": "A prompt and its reserved output take too much of the context window.",
    "workload-booked": "A workload file books more than was approved.",
    "workload-spend": "A workload spends more in a month than its budget allows.",
    "workload-fit": "Too few calls of a workload fit the context window.",
    "workload-tier": "A workload needs a higher rate-limit tier than the account has.",
    "total-tokens": "Prompts have more tokens together than their budget allows.",
    "prompt-coverage": "Too much of what looks like a prompt was not counted.",
    "catalog-age": "A source of the price catalog was last checked too long ago.",
    "catalog-drift": "A price of the catalog differs too much from another source.",
    "prompt-growth": "A prompt grew more than is allowed.",
    "total-growth": "Prompts grew more together than is allowed.",
    "month-growth": "Changed prompts add more to a month than is allowed.",
    "workload-growth": "The spend of a workload grew more than is allowed.",
    "missing-input": "A budget names a file or a prompt that is not there.",
    "unknown-model": "A request names a model that the catalog does not have.",
    "unused-setting": "A line of the configuration does nothing.",
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
class Place:
    """Where a result belongs.

    Attributes
    ----------
    path, line
        The file, relative to the configuration until it is shown, and the line in it; ``None`` for
        all of the file.
    name
        The prompt inside the file, or the workload; ``None`` for all of the file.
    model
        Model id, where the result depends on one.
    """

    path: str
    line: int | None = None
    name: str | None = None
    model: str | None = None


_PLACE = tuple(field.name for field in fields(Place))


@dataclass(frozen=True, kw_only=True)
class CheckResult(Place):
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
    subject: str
    outcome: Outcome
    value: Decimal | None = None
    limit: Decimal | None = None
    message: str


@dataclass(frozen=True)
class Measure:
    """What is measured of one thing, and its limit: all that its results have in common.

    Attributes
    ----------
    place, rule, subject, limit
        As of `CheckResult`.
    warn_fraction
        The fraction of the limit above which a value that is within it is a warning.
    """

    place: Place
    rule: str
    subject: str
    limit: Decimal | None = None
    warn_fraction: Decimal | None = None

    def result(self, outcome: Outcome, message: str, value: Decimal | None = None) -> CheckResult:
        """Return a result of it."""
        return CheckResult(
            **{name: getattr(self.place, name) for name in _PLACE},
            rule=self.rule,
            subject=self.subject,
            outcome=outcome,
            value=value,
            limit=self.limit,
            message=message,
        )

    def unknown(self, message: str) -> CheckResult:
        """Return the result of what could not be told."""
        return self.result(Outcome.UNKNOWN, message)

    def held(
        self, value: Decimal, measured: str, allowed: str, *, beside: bool = True
    ) -> CheckResult:
        """Return the result of a value held against the most that is allowed.

        What lies exactly at it is within it.

        Parameters
        ----------
        measured, allowed : str
            Value and limit in words.
        beside : bool
            Whether to say by how much the limit is exceeded; of percents that would be confusing.
        """
        limit = self.limit or Decimal(0)
        outcome, how_much = Outcome.PASSED, ""
        if value > limit:
            outcome = Outcome.OVER
            how_much = f", {float(value / limit - 1):.1%} over" if limit and beside else ""
        elif self.warn_fraction is not None and value > limit * self.warn_fraction:
            outcome, how_much = Outcome.WARNING, f", {float(value / limit):.1%} of it"
        return self.result(outcome, f"{measured}, limit {allowed}{how_much}", value)


def in_percent(share: Decimal) -> str:
    """Return the limit of a share in words."""
    return f"{plain(share * 100):f}%"


def percent_more(old: Decimal, new: Decimal) -> Decimal:
    """Return by how many percent an amount is more than another."""
    if not old:
        return Decimal("Infinity") if new else Decimal(0)
    return (new / old - 1) * 100


def missing(path: str, why: str, where: Where) -> CheckResult:
    """Return the result of a file that a budget names, and that is not there or holds no prompt."""
    line = "" if where.line is None else f"line {where.line} of "
    return Measure(Place(path=path), "missing-input", "file").unknown(
        f"{why}, though {line}{basename(where.path)} names it. Put it back, or take its name out "
        "there."
    )


def invalid(path: str, error: KimiPlannerError) -> CheckResult:
    """Return the result of a file that cannot be read, called ``path`` in results, and why."""
    place = Place(path=path, line=error.line)
    return Measure(place, "bad-input", "file").result(Outcome.INVALID, error_line(error.reason))


def unused(place: Place, what: str) -> CheckResult:
    """Return the result of a line of the configuration that matches nothing."""
    advice = "" if what.endswith("?") else " Correct it, or take it out."
    said = f"{what.removesuffix('.')}.{advice}" if advice else what
    return Measure(place, "unused-setting", "configuration").result(Outcome.INVALID, said)


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
    if result.rule in ("workload-fit", "prompt-coverage"):  # the less of it, the worse
        used = Decimal(2) - used
    place = (result.path, result.line or 0, result.name or "", result.model or "")
    return (-result.outcome, -used, *place, result.rule)
