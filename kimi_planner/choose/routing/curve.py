"""Cost and success of a task at every threshold, and what the best one brings on other items."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from kimi_planner.choose.basis import Planned
from kimi_planner.choose.evaluations.rates import SuccessRate
from kimi_planner.choose.evaluations.read import Trials
from kimi_planner.choose.frontier import non_dominated
from kimi_planner.choose.given import per_task
from kimi_planner.choose.objective import Objective, best_by_value
from kimi_planner.money import usd
from kimi_planner.plan.draws import stream
from kimi_planner.rich import Page, Shown
from kimi_planner.workload.quantity import Array

_PLACES = 4  # of the cost of one task, for people
_IN_SHORT = ("rule", "kept_share", "cost_usd", "success_rate", "net_usd")


@dataclass(frozen=True)
class Rule:
    """Which tasks are answered by the cheap model.

    Attributes
    ----------
    before, after
        Least scores at which it is asked at all, and at which its answer is kept; ``None`` where the
        score is not looked at.
    strong_alone
        Whether the strong model answers every task.
    """

    before: float | None = None
    after: float | None = None
    strong_alone: bool = False

    def words(self, cheap: str, strong: str) -> str:
        """Return it in words."""
        if self.strong_alone:
            return f"{strong} alone"
        said = [
            f"{name} is at least {least:.4g}"
            for name, least in (("score_before", self.before), ("score_after", self.after))
            if least is not None
        ]
        return f"{cheap} where {' and '.join(said)}, else {strong}" if said else f"{cheap} alone"


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """The best rule at a value, and what one brought on items that it was not chosen by.

    Attributes
    ----------
    rule
        The best one on all items.
    tested, single
        The best one, and the better of the two models alone, on one half of the items.
    items
        The number of the others, on which these two were tested.
    success_rate, cost_usd, net_usd
        Of a task under the tested rule, on the others.
    net_interval
        Of the net value.
    gain_usd, gain_interval
        Net value beyond that of the single model.
    """

    rule: Rule
    tested: Rule
    single: str
    items: int
    success_rate: float
    cost_usd: float
    net_usd: float
    net_interval: tuple[float, float]
    gain_usd: float
    gain_interval: tuple[float, float]


@dataclass(frozen=True, kw_only=True, repr=False)
class RoutingCurve(Shown, Planned):
    """Cost and success of a task at every threshold of a score.

    Attributes
    ----------
    workload, cheap, strong
        Whose tasks, and ids of the two models.
    objective
        What a solved task is worth.
    confidence
        Of the intervals.
    rules
        All that were tried, the cheap and the strong model alone first.
    solved, item_usd : ndarray, shape (n_rules, n_items)
        Whether an item is solved under a rule, and what it costs, USD.
    kept : ndarray, shape (n_rules,)
        Share of items that the cheap model answers.
    """

    workload: str
    cheap: str
    strong: str
    objective: Objective
    confidence: float
    rules: tuple[Rule, ...]
    solved: Array
    item_usd: Array
    kept: Array

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per rule, in words and as ``before`` and ``after``.

        Columns: ``kept_share`` of tasks that the cheap model answers, ``cost_usd`` and
        ``success_rate`` of a task with ``…_low`` and ``…_high``, ``net_usd``, NaN where no value
        is stated, and ``on_frontier``.
        """
        count = self.solved.shape[1]
        solved = self.solved.sum(axis=1)
        trials = (Trials(successes=some, trials=count) for some in solved.tolist())
        laws = (SuccessRate.of_trials("", one) for one in trials)
        rates = [law.interval(self.confidence) for law in laws]
        cost = self.item_usd.mean(axis=1)
        ends = [self._interval(row) for row in self.item_usd]
        net = self.objective.net_usd(solved / count, cost)
        return pd.DataFrame(
            {
                "rule": [self._words(rule) for rule in self.rules],
                "before": [rule.before for rule in self.rules],
                "after": [rule.after for rule in self.rules],
                "kept_share": self.kept,
                "cost_usd": cost,
                "cost_low_usd": [low for low, _ in ends],
                "cost_high_usd": [high for _, high in ends],
                "success_rate": solved / count,
                "success_rate_low": [ends[0] for ends in rates if ends],
                "success_rate_high": [ends[1] for ends in rates if ends],
                "net_usd": net if self.objective.is_stated else np.nan,
                "on_frontier": non_dominated(cost.tolist(), solved.tolist()),
            }
        ).astype({"before": float, "after": float})

    @cached_property
    def by_value(self) -> tuple[tuple[Rule, float], ...]:
        """The rules that are best for some value of a solved task, with the least such value, USD."""
        count = self.solved.shape[1]
        solved, cost = self.solved.sum(axis=1).tolist(), self.item_usd.mean(axis=1).tolist()
        points = {
            f"{place:06}": (Fraction(solved[place], count), Fraction(cost[place]))
            for place in np.flatnonzero(non_dominated(cost, solved))
        }
        found = best_by_value(points, self.objective)
        return tuple((self.rules[int(one.model)], float(one.from_usd)) for one in found)

    @property
    def best(self) -> HeldOut | None:
        """The best rule at the stated value; ``None`` where none is stated."""
        return self._held_out(self.objective) if self.objective.is_stated else None

    def at(self, value_usd: Decimal | int | float | str) -> HeldOut:
        """Return the best rule where a solved task is worth so much, and what it brings.

        Raises
        ------
        SettingError
            If it is no number from 0.
        """
        value = per_task("value_usd", value_usd)
        return self._held_out(
            Objective(value_usd=Fraction(value), failure_usd=self.objective.failure_usd)
        )

    def _held_out(self, objective: Objective) -> HeldOut:
        """Choose on half of the items, and look at the others."""
        nets = objective.net_usd(self.solved, self.item_usd)
        count = nets.shape[1]
        rng = stream(self.projection.seed, self.workload, self.cheap, self.strong, "halves")
        first, other = np.split(rng.permutation(count), [count // 2])
        tested, alone = (int(some[:, first].mean(axis=1).argmax()) for some in (nets, nets[:2]))
        net, gain = nets[tested, other], nets[tested, other] - nets[alone, other]
        value = objective.value_usd or Fraction(0)
        return HeldOut(
            rule=[rule for rule, least in self.by_value if least <= value][-1],
            tested=self.rules[tested],
            single=(self.cheap, self.strong)[alone],
            items=len(other),
            success_rate=float(self.solved[tested, other].mean()),
            cost_usd=float(self.item_usd[tested, other].mean()),
            net_usd=float(net.mean()),
            net_interval=self._interval(net),
            gain_usd=float(gain.mean()),
            gain_interval=self._interval(gain),
        )

    def _interval(self, amounts: Array) -> tuple[float, float]:
        """Return the interval of a mean over items, by Student's t.

        Half an item is added at the least and half at the greatest amount, as Jeffreys' law adds them
        to what was solved and failed: the amounts of few items show too little of their spread.
        """
        weights = np.append(np.ones(len(amounts)), [0.5, 0.5])
        known = np.append(amounts, [amounts.min(), amounts.max()])
        mean = float(np.average(known, weights=weights))
        error = float(np.average((known - mean) ** 2, weights=weights)) / len(amounts)
        width = float(stdtrit(len(amounts) - 1, (1 + self.confidence) / 2)) * error**0.5
        return mean - width, mean + width

    def sentences(self) -> list[str]:
        """Return the best rule at the stated value, else at which value which one is."""
        best = self.best
        if best is None:
            rules = "; ".join(
                f"from {usd(value, _PLACES)} {self.currency} a solved task, {self._words(rule)}"
                for rule, value in self.by_value
            )
            return [f"{self.workload}: {rules}."]
        low, high = (usd(end, _PLACES) for end in best.gain_interval)
        chance = best.gain_interval[0] <= 0 <= best.gain_interval[1]
        told = ", which these items do not tell from chance" * chance
        return [
            f"{self.workload}: {self._words(best.rule)}.",
            f"A rule chosen so by half of the items solves {100 * best.success_rate:.1f}% of the other "
            f"{best.items:,} at {usd(best.cost_usd, _PLACES)} {self.currency} a task: "
            f"{usd(best.gain_usd, _PLACES)} {self.currency} of net value beyond {best.single} alone "
            f"({100 * self.confidence:g}% interval {low} to {high}){told}.",
        ]

    def _words(self, rule: Rule) -> str:
        return rule.words(self.cheap, self.strong)

    def page(self) -> Page:
        """Return the rules that no other beats, the cheapest first."""
        return Page(
            title=f"Mean cost of a task of {self.workload} in {self.currency}, and share of tasks that succeed, by "
            "rule; no other rule is cheaper and as good",
            frame=self.frame[self.frame["on_frontier"]].sort_values("cost_usd", kind="stable"),
            columns=_IN_SHORT,
            notes=(*self.sentences(), *self.notes),
            provenance=self.provenance,
            currency=self.currency,
        )
