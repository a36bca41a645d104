"""The pictures of a plan, each with its words for those who cannot see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimi_planner import plot
from kimi_planner.selection import Recommendation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["pictures"]


def pictures(recommendation: Recommendation) -> dict[str, tuple[str, Axes]]:
    """Draw the pictures of a plan.

    Returns
    -------
    dict of str to (str, Axes)
        File name without ending, to what the picture shows in words and its Axes.
    """
    projection = recommendation.projection
    drawn = {}
    if recommendation.best:
        drawn["spend_fan"] = (
            "Monthly spend with each workload on its recommended model: median, and the range from "
            "the 10th to the 90th percentile.",
            plot.spend_fan(projection, recommendation.best),
        )
    drawn["monthly_spend"] = (
        "Average monthly spend if all workloads ran on one model, with range and budget.",
        plot.monthly_spend(projection),
    )
    drawn["context_fit"] = (
        "Tokens that requests of each workload need, against the context window.",
        plot.context_fit(recommendation.fit),
    )
    drawn["cost_vs_reasoning"] = (
        "Monthly spend of each model against its rated reasoning depth.",
        plot.cost_vs_reasoning(projection),
    )
    return drawn
