"""The pictures of a plan."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from kimi_planner import plot
from kimi_planner.choose.frontier import quality_frontier
from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.report.table import Section

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def pictures(recommendation: Recommendation, sections: Iterable[Section] = ()) -> dict[str, Axes]:
    """Draw the pictures of a plan, and of its comparisons; `plot.alt_text` tells what each shows.

    Returns
    -------
    dict of str to Axes
        By file name without ending. Cost against quality is drawn where the choice has evaluations
        of a model.
    """
    projection = recommendation.projection
    drawn = {"spend_fan": plot.spend_fan(projection, recommendation.best)}
    drawn["monthly_spend"] = plot.monthly_spend(projection)
    drawn["context_fit"] = plot.context_fit(recommendation.fit)
    if recommendation.evaluations is not None:
        frontier = quality_frontier(
            projection,
            recommendation.evaluations,
            workload=_largest(recommendation),
            published=recommendation.published or False,
        )
        if any(one.quality is not None for one in frontier.models):
            drawn["cost_vs_quality"] = plot.cost_vs_quality(frontier)
    for name, result in (one for section in sections for one in section.drawn):
        drawn[name] = getattr(plot, name)(result)
    return drawn


def _largest(recommendation: Recommendation) -> str:
    """Return the workload that costs the most on its planned model; models that serve all are few."""
    projection, best = recommendation.projection, recommendation.best
    return max(best, key=lambda name: projection.average_month([0.5], best[name], name)[0])
