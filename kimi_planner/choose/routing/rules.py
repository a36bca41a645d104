"""Rules that send tasks to a strong model by a score, and what each brings item by item."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from kimi_planner.workload.quantity import Array

__all__ = ["Rule", "outcome_of", "rules_of"]

_SHARES = np.arange(1, 13) / 13  # of tasks below a threshold


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


def rules_of(scores: Sequence[Array | None]) -> Iterator[Rule]:
    """Yield the models alone, then every two thresholds, evenly spread over what the scores are."""
    yield Rule()
    yield Rule(strong_alone=True)
    grids: list[list[float | None]] = []
    for score in scores:
        known: list[float] = []
        if score is not None:
            found = np.quantile(score, _SHARES, method="higher")
            known = np.unique(found[found > score.min()]).tolist()
        grids.append([None, *known])
    for before, after in product(*grids):
        if (before, after) != (None, None):
            yield Rule(before, after)


def outcome_of(
    rule: Rule,
    scores: Sequence[Array | None],
    solved: Sequence[Array],
    usd_of: Sequence[Array],
    score_usd: Sequence[float],
) -> tuple[Array, Array, float]:
    """Return which items are solved under a rule, what each costs, and the share that is kept."""
    nobody = np.zeros(len(solved[0]), dtype=bool)
    asked = nobody if rule.strong_alone else ~nobody
    cost = np.zeros(len(asked))
    if rule.before is not None and scores[0] is not None:
        asked = scores[0] >= rule.before
        cost += score_usd[0]
    kept = asked
    if rule.after is not None and scores[1] is not None:
        kept = asked & (scores[1] >= rule.after)
        cost += score_usd[1] * asked
    cost += usd_of[0] * asked + usd_of[1] * ~kept
    return np.where(kept, *solved), cost, float(kept.mean())
