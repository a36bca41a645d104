"""A model in the ranking of a workload, one that is ruled out, and what a choice has of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from kimi_planner.capacity.tiers import Throughput
from kimi_planner.choose.requirements import Requirements
from kimi_planner.plan.projection import Projection

__all__ = ["Choice", "Exclusion", "Ranked"]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One model in the ranking of a workload.

    Attributes
    ----------
    rank
        1 for the cheapest that qualifies, or for the highest score if there are weights.
    p10_usd_per_month, p50_usd_per_month, p90_usd_per_month
        Average spend of a month, percentiles over scenarios.
    fit_share
        Share of requests that fit the context window.
    more_than_best_usd, less_than_next_usd
        Difference of the P50 to the best and to the next in the ranking; below 0 where a cheaper
        one ranks lower.
    score
        Weighted score from 0 to 1, a judgement, not a measurement; ``None`` without weights.
    """

    workload: str
    rank: int
    model: str
    p10_usd_per_month: float
    p50_usd_per_month: float
    p90_usd_per_month: float
    fit_share: float
    more_than_best_usd: float
    less_than_next_usd: float | None
    score: float | None = None


@dataclass(frozen=True, kw_only=True)
class Exclusion:
    """A model that does not qualify for a workload, and every reason in words."""

    workload: str
    model: str
    reasons: tuple[str, ...]


class Ranked(Protocol):
    """What is asked of a choice: the ranking, what it rests on, and what was required."""

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The ranking of each workload, best first."""

    @property
    def exclusions(self) -> tuple[Exclusion, ...]:
        """Models that do not qualify."""

    @property
    def requirements(self) -> Requirements:
        """What was asked."""

    @property
    def projection(self) -> Projection:
        """What the ranking rests on."""

    @property
    def throughput(self) -> Throughput | None:
        """What a tier was held against, if one was asked for."""

    @property
    def best(self) -> Mapping[str, str]:
        """Workload name to the model ranked first."""
