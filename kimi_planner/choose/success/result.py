"""The result of `cost_per_success`: what a solved task costs on each model, in a table and in words."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from kimi_planner.choose.planned import Planned
from kimi_planner.choose.success.settle import Settling, chance_text
from kimi_planner.money import usd
from kimi_planner.rich import frame_html, page_html

__all__ = ["JUDGEMENT", "SuccessCost", "SuccessCosts", "small_usd", "source_text"]

JUDGEMENT = "a judgement, not a measurement"

_IN_SHORT = (
    "workload",
    "model",
    "successes",
    "trials",
    "cost_per_task_usd",
    "cost_per_success_usd",
    "cost_per_success_low_usd",
    "cost_per_success_high_usd",
    "chance_cheapest",
)


@dataclass(frozen=True, kw_only=True)
class SuccessCost:
    """What a task, and a solved task, of a workload costs on one model.

    Attributes
    ----------
    basis
        ``"measured"`` where there are trials, else ``"judged"``: then there is no success rate, and
        the ratings stand in its place.
    rank
        1 for the lowest cost per success; where it is judged, for the lowest cost of a task.
    successes, trials, success_rate
        What was measured; the rate is their quotient.
    success_rate_low, success_rate_high
        Its interval.
    cost_per_task_usd
        Expected cost of a task, solved or not; the mean of the items where their tokens are given.
    cost_basis
        ``"projected"`` from the workload, or ``"measured"`` from the tokens of the items.
    cost_per_success_usd
        Cost of a task / success rate; NaN where no task was solved.
    cost_per_success_low_usd, cost_per_success_high_usd
        Its interval; the upper end is infinite where no task was solved.
    chance_cheapest
        Probability that no other model tried is cheaper per success; NaN where none was tried.
    reasoning_depth, speed
        The catalog's ordinal ratings, a judgement; ``None`` where it has none.
    """

    workload: str
    model: str
    basis: str
    rank: int
    cost_per_task_usd: float
    cost_basis: str = "projected"
    successes: int | None = None
    trials: int | None = None
    success_rate: float = math.nan
    success_rate_low: float = math.nan
    success_rate_high: float = math.nan
    cost_per_success_usd: float = math.nan
    cost_per_success_low_usd: float = math.nan
    cost_per_success_high_usd: float = math.nan
    chance_cheapest: float = math.nan
    reasoning_depth: int | None = None
    speed: int | None = None

    def sentence(self, confidence: float) -> str:
        """Return what was measured in words."""
        text = f"{self.workload}: {self.model} solved {self.successes:,} of {self.trials:,}"
        low, high = self.cost_per_success_low_usd, self.cost_per_success_high_usd
        cheapest = f"the cheapest with probability {chance_text(self.chance_cheapest)}"
        if math.isnan(self.chance_cheapest):
            cheapest = "no other model was tried"
        if not self.successes:
            return (
                f"{text}; its cost per success is unknown, at least {small_usd(low)} USD at "
                f"{100 * confidence:g}% and without an upper bound."
            )
        return (
            f"{text} at {small_usd(self.cost_per_task_usd)} USD a task, "
            f"{small_usd(self.cost_per_success_usd)} USD per success ({100 * confidence:g}% interval "
            f"{small_usd(low)} to {small_usd(high)}); {cheapest}."
        )


@dataclass(frozen=True, kw_only=True)
class SuccessCosts(Planned):
    """What a solved task of each workload costs on each model.

    Attributes
    ----------
    rows
        By workload, best first.
    settlings
        For each workload with two models tried, whether they can be told apart.
    confidence
        Of the intervals.
    source
        Where the evaluations come from; ``None`` without any.
    projection
        What the cost of a task rests on.
    notes
        What the numbers leave out, in words.
    """

    rows: tuple[SuccessCost, ...]
    settlings: tuple[Settling, ...]
    confidence: float
    source: str | None

    @property
    def frame(self) -> pd.DataFrame:
        """One row per workload and model, with the attributes of `SuccessCost` as columns."""
        whole = ["successes", "trials", "reasoning_depth", "speed"]
        return pd.DataFrame(list(self.rows)).astype(dict.fromkeys(whole, "Int64"))

    @property
    def best(self) -> dict[str, str]:
        """Workload to the model with the lowest measured cost per success; judged ones are missing."""
        return {
            row.workload: row.model
            for row in self.rows
            if row.rank == 1 and row.basis == "measured" and row.successes
        }

    @property
    def provenance(self) -> str:
        """Source of the evaluations and what the projection rests on, in one line."""
        return f"{source_text(self.source)} {self.projection.provenance}"

    def sentences(self) -> list[str]:
        """Return each result in one sentence, and what is a judgement as one."""
        said = []
        for name in dict.fromkeys(row.workload for row in self.rows):
            rows = [row for row in self.rows if row.workload == name]
            if rows[0].basis == "judged":
                said.append(_judged(name, rows))
                continue
            said += [row.sentence(self.confidence) for row in rows]
            said += [one.sentence() for one in self.settlings if one.workload == name]
            if not any(row.successes for row in rows):
                said.append(f"{name}: no model solved any task, so that none is the cheapest.")
        return said

    def __repr__(self) -> str:
        best = ", ".join(f"{name}: {model}" for name, model in self.best.items())
        found = best or f"no evaluations, {JUDGEMENT}"
        return f"<SuccessCosts: {found}. {self.provenance}>"

    def _repr_html_(self) -> str:
        return page_html(
            frame_html(self.frame, _IN_SHORT),
            notes=(*(one.sentence() for one in self.settlings), *self.notes)
            if self.source
            else (*self.sentences(), *self.notes),
            provenance=self.provenance,
        )


def source_text(source: str | None) -> str:
    """Return where evaluations come from as a sentence."""
    return f"Evaluations: {source}." if source else "No evaluations."


def small_usd(amount: float) -> str:
    """Return an amount for people with four significant digits, and at least two decimals."""
    if not amount > 0 or math.isinf(amount):
        return usd(0.0) if amount == 0 else "unknown"
    return usd(amount, max(2, 3 - math.floor(math.log10(amount))))


def _judged(name: str, rows: list[SuccessCost]) -> str:
    ratings = "; ".join(
        f"{row.model} {row.reasoning_depth or 'unknown'} and {row.speed or 'unknown'}"
        for row in rows
    )
    first = rows[0]
    return (
        f"{name}: no evaluations, so that models rank by the cost of a task alone, first {first.model} "
        f"at {small_usd(first.cost_per_task_usd)} USD. Ratings of reasoning depth and speed: {ratings}. "
        f"They are {JUDGEMENT}."
    )
