"""The account of a check: what became of every matched file, and which texts were not counted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from kimi_planner.checks.prompts import LeftOut, Prompt
from kimi_planner.checks.results import CheckResult, Measure, Outcome, Place, in_percent
from kimi_planner.money import from_fraction


@dataclass(frozen=True, kw_only=True)
class FileState:
    """What became of a file.

    Attributes
    ----------
    state
        ``"counted"``, ``"skipped"`` or ``"unknown"``.
    why
        In words; how many prompts were counted, or why none was.
    """

    path: str
    state: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """What became of all files that budgets of prompts match.

    Attributes
    ----------
    files, left_out
        Every file, and every text that looks like a prompt and was not counted, by path and line.
    counted_tokens
        Fixed tokens of all that was counted.
    """

    files: tuple[FileState, ...]
    left_out: tuple[LeftOut, ...]
    counted_tokens: int

    @classmethod
    def of(
        cls, files: Iterable[FileState], prompts: Iterable[Prompt], left_out: Iterable[LeftOut]
    ) -> Coverage:
        """Return the account of several budgets; what one of them counts is not left out."""
        counted = {(one.path, one.line, one.name): one.fixed_tokens for one in prompts}
        lines = {(path, line) for path, line, _ in counted}
        others = {
            (one.path, one.line or 0, one.name or ""): one
            for one in left_out
            if (one.path, one.line) not in lines
        }
        order = ("counted", "unknown", "skipped")
        states: dict[str, FileState] = {}
        for one in sorted(files, key=lambda one: (one.path, order.index(one.state))):
            states.setdefault(one.path, one)
        return cls(
            files=tuple(states.values()),
            left_out=tuple(others[key] for key in sorted(others)),
            counted_tokens=sum(counted.values()),
        )

    @property
    def left_out_tokens(self) -> int:
        """Fixed tokens of what was not counted."""
        return sum(one.tokens for one in self.left_out)

    @property
    def share(self) -> Fraction | None:
        """The part of the tokens of prompts, and of what looks like one, that was counted.

        ``None`` where there is neither.
        """
        every = self.counted_tokens + self.left_out_tokens
        return Fraction(self.counted_tokens, every) if every else None


def hold_coverage(coverage: Coverage, least: Decimal, path: str) -> CheckResult:
    """Hold the share that was counted against the least that a configuration allows."""
    share = coverage.share
    measure = Measure(Place(path=path), "prompt-coverage", "coverage of prompts", least)
    if share is None:
        return measure.unknown("no prompt was counted, so there is no share of them")
    words = (
        f"{float(share):.1%} of the tokens of texts that look like prompts are counted, at least "
        f"{in_percent(least)} must be"
    )
    outcome = Outcome.PASSED if share >= Fraction(least) else Outcome.OVER
    return measure.result(outcome, words, from_fraction(share))
