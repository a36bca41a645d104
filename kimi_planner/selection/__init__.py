"""Choosing: what rules a model out, how the others rank, and what quality costs."""

from kimi_planner.selection.break_even import (
    BreakEvenMap,
    break_even_map,
)
from kimi_planner.selection.breakdown import (
    RequestCosts,
    cost_per_request,
)
from kimi_planner.selection.choice import Choice, Exclusion
from kimi_planner.selection.evaluations import Evaluations, Item, Trials, read_evaluations
from kimi_planner.selection.flip import Flip
from kimi_planner.selection.frontier import (
    QualityFrontier,
    quality_frontier,
)
from kimi_planner.selection.portfolio import (
    Portfolio,
    PortfolioFrontier,
    portfolio,
    portfolio_frontier,
)
from kimi_planner.selection.ranking import (
    recommend,
)
from kimi_planner.selection.recommendation import Recommendation
from kimi_planner.selection.requirements import (
    Requirements,
)
from kimi_planner.selection.routing import (
    Cascades,
    Detector,
    cascades,
)
from kimi_planner.selection.success import Settling, SuccessCost, SuccessCosts, cost_per_success
from kimi_planner.selection.thinking import ThinkingBreakEven, thinking_pays

__all__ = [
    "BreakEvenMap",
    "Cascades",
    "Choice",
    "Detector",
    "Evaluations",
    "Exclusion",
    "Flip",
    "Item",
    "Portfolio",
    "PortfolioFrontier",
    "QualityFrontier",
    "Recommendation",
    "RequestCosts",
    "Requirements",
    "Settling",
    "SuccessCost",
    "SuccessCosts",
    "ThinkingBreakEven",
    "Trials",
    "break_even_map",
    "cascades",
    "cost_per_request",
    "cost_per_success",
    "portfolio",
    "portfolio_frontier",
    "quality_frontier",
    "read_evaluations",
    "recommend",
    "thinking_pays",
]
