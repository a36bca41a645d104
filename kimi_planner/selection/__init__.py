"""Choosing: what rules a model out, how the others rank, and what quality costs."""

from kimi_planner.selection.evaluations import Evaluations, Item, Trials, read_evaluations
from kimi_planner.selection.ranking import recommend
from kimi_planner.selection.recommendation import Choice, Exclusion, Recommendation
from kimi_planner.selection.requirements import Requirements
from kimi_planner.selection.settle import Settling
from kimi_planner.selection.success import cost_per_success
from kimi_planner.selection.success_costs import SuccessCost, SuccessCosts
from kimi_planner.selection.thinking import thinking_pays
from kimi_planner.selection.thinking_result import ThinkingBreakEven

__all__ = [
    "Choice",
    "Evaluations",
    "Exclusion",
    "Item",
    "Recommendation",
    "Requirements",
    "Settling",
    "SuccessCost",
    "SuccessCosts",
    "ThinkingBreakEven",
    "Trials",
    "cost_per_success",
    "read_evaluations",
    "recommend",
    "thinking_pays",
]
