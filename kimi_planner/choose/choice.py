"""A model in the ranking of a workload, and one that is ruled out."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Choice", "Exclusion"]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One model in the ranking of a workload.

    Attributes
    ----------
    rank
        1 for the cheapest that qualifies.
    p10_usd_per_month, p50_usd_per_month, p90_usd_per_month
        Average spend of a month, percentiles over scenarios.
    fit_share
        Share of requests that fit the context window.
    more_than_best_usd, less_than_next_usd
        Difference of the P50 to the best and to the next in the ranking.
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


@dataclass(frozen=True, kw_only=True)
class Exclusion:
    """A model that does not qualify for a workload, and every reason in words."""

    workload: str
    model: str
    reasons: tuple[str, ...]
