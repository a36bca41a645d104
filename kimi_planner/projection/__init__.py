"""What it will cost, whether it fits, and which recharge tier allows it."""

from kimi_planner.projection.calendar import Month, month_range
from kimi_planner.projection.call_notes import call_notes
from kimi_planner.projection.caps import CapRisk, cap_risk
from kimi_planner.projection.conversation import Conversation, conversation
from kimi_planner.projection.fit import ContextFit, context_fit
from kimi_planner.projection.forecast import SpendForecast, forecast_spend
from kimi_planner.projection.paths import Spend
from kimi_planner.projection.peaks import Peaks
from kimi_planner.projection.response import Moved, Response, response
from kimi_planner.projection.result import Projection
from kimi_planner.projection.sensitivity import Sensitivity, sensitivity
from kimi_planner.projection.spend import DEFAULT_PATHS, project
from kimi_planner.projection.throughput import throughput
from kimi_planner.projection.tiers import Throughput

__all__ = [
    "DEFAULT_PATHS",
    "CapRisk",
    "ContextFit",
    "Conversation",
    "Month",
    "Moved",
    "Peaks",
    "Projection",
    "Response",
    "Sensitivity",
    "Spend",
    "SpendForecast",
    "Throughput",
    "call_notes",
    "cap_risk",
    "context_fit",
    "conversation",
    "forecast_spend",
    "month_range",
    "project",
    "response",
    "sensitivity",
    "throughput",
]
