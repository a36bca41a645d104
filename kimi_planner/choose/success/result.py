"""The result of `cost_per_success`: what a solved task costs on each model, in a table and in words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from kimi_planner.choose.basis import Planned
from kimi_planner.choose.evaluations.read import Evaluations
from kimi_planner.money import usd_text
from kimi_planner.rich import Page, Shown

if TYPE_CHECKING:
    from kimi_planner.choose.recommendation import Recommendation


JUDGEMENT = "a judgement, not a measurement"

_IN_SHORT = (
    "workload",
    "model",
    "expected_success",
    "cost_per_task_usd",
    "cost_per_success_usd",
    "cost_per_success_low_usd",
    "cost_per_success_high_usd",
    "net_usd_per_task",
    "chance_best",
    "best_from_usd",
)


@dataclass(frozen=True, kw_only=True)
class SuccessCost:
    """What a task, and a solved task, of a workload costs on one model.

    Attributes
    ----------
    basis
        ``"measured"`` where the team tried it, ``"published"`` where only published results tell, else
        ``"judged"``: then there is no success rate, and the ratings stand in its place.
    rank
        Its place in the ranking of :func:`recommend`; ``None`` for a model that does not qualify.
    successes, trials
        What the team measured.
    success_rate, success_rate_low, success_rate_high
        What was measured, or what published results make expected; and its interval.
    expected_success
        What the net value rests on: own trials and published results together, see `SuccessRate`.
    cost_per_task_usd
        Expected cost of a task, solved or not; the mean of the items where their tokens are given.
    cost_basis
        ``"projected"`` from the workload, or ``"measured"`` from the tokens of the items.
    cost_per_success_usd
        Cost of a task / success rate; NaN where no task was solved. It says what a solved
        task costs, not which model to choose: that a model fails more often may cost more than it saves.
    cost_per_success_low_usd, cost_per_success_high_usd
        Its interval; the upper end is infinite where no task was solved.
    net_usd_per_task, net_low_usd, net_high_usd
        Expected net value of a task with its interval; NaN where no value of a success is stated.
    chance_best
        Probability that no other model has a higher net value; NaN as above.
    best_from_usd
        Value of a solved task from which on the model is the best of those that qualify; NaN for one
        that never is.
    reasoning_depth, speed
        The catalog's ordinal ratings, a judgement; ``None`` where it has none.
    """

    workload: str
    model: str
    basis: str
    rank: int | None
    cost_per_task_usd: float
    cost_basis: str = "projected"
    successes: int | None = None
    trials: int | None = None
    success_rate: float = math.nan
    success_rate_low: float = math.nan
    success_rate_high: float = math.nan
    expected_success: float = math.nan
    cost_per_success_usd: float = math.nan
    cost_per_success_low_usd: float = math.nan
    cost_per_success_high_usd: float = math.nan
    net_usd_per_task: float = math.nan
    net_low_usd: float = math.nan
    net_high_usd: float = math.nan
    chance_best: float = math.nan
    best_from_usd: float = math.nan
    reasoning_depth: int | None = None
    speed: int | None = None

    def sentence(self, confidence: float, currency: str = "USD") -> str:
        """Return what is known in words."""
        percent = f"{100 * confidence:g}%"
        text = f"{self.workload}: {self.model}"
        if self.basis == "judged":
            depth, speed = self.reasoning_depth or "unknown", self.speed or "unknown"
            return (
                f"{text} costs {usd_text(self.cost_per_task_usd)} {currency} a task; its success is not known. "
                f"Rated {depth} in reasoning depth and {speed} in speed, {JUDGEMENT}."
            )
        known = f"expected to solve {self.success_rate:.1%} by published results"
        if self.basis == "measured":
            known = f"solved {self.successes:,} of {self.trials:,}"
        low, high = self.cost_per_success_low_usd, self.cost_per_success_high_usd
        if math.isnan(self.cost_per_success_usd):
            return (
                f"{text} {known}; its cost per success is unknown, at least {usd_text(low)} {currency} at "
                f"{percent} and without an upper bound."
            )
        return (
            f"{text} {known} at {usd_text(self.cost_per_task_usd)} {currency} a task, "
            f"{usd_text(self.cost_per_success_usd)} {currency} per success ({percent} interval "
            f"{usd_text(low)} to {usd_text(high)})."
        )


@dataclass(frozen=True, kw_only=True, repr=False)
class SuccessCosts(Shown, Planned):
    """What a solved task of each workload costs on each model.

    Attributes
    ----------
    rows
        By workload, in the order of the ranking.
    choice
        What is chosen by the same objective, with the sentences that decide.
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
    choice: Recommendation
    confidence: float
    source: str | None

    @property
    def frame(self) -> pd.DataFrame:
        """One row per workload and model, with the attributes of `SuccessCost` as columns."""
        whole = ["rank", "successes", "trials", "reasoning_depth", "speed"]
        return pd.DataFrame(list(self.rows)).astype(dict.fromkeys(whole, "Int64"))

    @property
    def best(self) -> dict[str, str]:
        """Workload to the model that is chosen for it, as :func:`recommend` says."""
        return self.choice.best

    @property
    def provenance(self) -> str:
        """Source of the evaluations and what the projection rests on, in one line."""
        return f"{source_text(self.choice.evaluations)} {self.projection.provenance}"

    def sentences(self) -> list[str]:
        """Return for each workload what is known of each model, then what to choose."""
        said: list[str] = []
        for card in self.choice.cards:
            rows = (row for row in self.rows if row.workload == card.workload)
            said += [row.sentence(self.confidence, self.currency) for row in rows]
            said += [f"{card.workload}: {one}" for one in card.sentences]
        return said

    def page(self) -> Page:
        """Return the table of models, and what to choose."""
        best = ", ".join(f"{name}: {model}" for name, model in self.best.items())
        said = [f"{card.workload}: {one}" for card in self.choice.cards for one in card.sentences]
        return Page(
            title=f"Cost of a task and of a success in {self.currency}, net value in {self.currency} a task; the "
            f"choice is {best}",
            frame=self.frame,
            columns=_IN_SHORT,
            notes=(*said, *self.notes),
            provenance=self.provenance,
            currency=self.currency,
        )


def chance_text(chance: float) -> str:
    """Return a probability for people; never a certainty, which trials do not give.

    >>> chance_text(0.873), chance_text(0.9996), chance_text(0.0)
    ('0.87', 'above 0.99', 'below 0.01')
    """
    if chance > 0.99:
        return "above 0.99"
    return "below 0.01" if chance < 0.01 else f"{chance:.2f}"


def source_text(evaluations: Evaluations | None) -> str:
    """Return where evaluations come from as a sentence."""
    return f"Evaluations: {evaluations.source}." if evaluations else "No evaluations."


def interval_text(ends: tuple[float, float]) -> str:
    """Return the 90% interval of a value of a solved task, which is not below nothing."""
    low, high = ends
    end = "no end" if math.isinf(high) else usd_text(max(high, 0.0))
    return f"90%: {'no' if math.isinf(low) else usd_text(max(low, 0.0))} to {end}"
