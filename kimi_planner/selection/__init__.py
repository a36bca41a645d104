"""Choosing: what rules a model out, how the others rank, and what quality costs."""

from kimi_planner.selection.evaluations import Evaluations, Trials, read_evaluations
from kimi_planner.selection.portfolio import (
    Portfolio,
    PortfolioFrontier,
    portfolio,
    portfolio_frontier,
)
from kimi_planner.selection.ranking import recommend
from kimi_planner.selection.recommendation import Choice, Exclusion, Recommendation
from kimi_planner.selection.requirements import Requirements

__all__ = [
    "Choice",
    "Evaluations",
    "Exclusion",
    "Portfolio",
    "PortfolioFrontier",
    "Recommendation",
    "Requirements",
    "Trials",
    "portfolio",
    "portfolio_frontier",
    "read_evaluations",
    "recommend",
]
