"""What it will cost, whether it fits, and which recharge tier allows it."""

from kimi_planner.projection.calendar import Month, month_range
from kimi_planner.projection.fit import ContextFit, context_fit
from kimi_planner.projection.peaks import Peaks
from kimi_planner.projection.result import Projection, Spend
from kimi_planner.projection.spend import DEFAULT_PATHS, project
from kimi_planner.projection.throughput import throughput
from kimi_planner.projection.tiers import Throughput

__all__ = [
    "DEFAULT_PATHS",
    "ContextFit",
    "Month",
    "Peaks",
    "Projection",
    "Spend",
    "Throughput",
    "context_fit",
    "month_range",
    "project",
    "throughput",
]
