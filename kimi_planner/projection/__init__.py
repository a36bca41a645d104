"""What it will cost and whether it fits: monthly spend over scenarios, and context fit."""

from kimi_planner.projection.calendar import Month, month_range
from kimi_planner.projection.call_notes import call_notes
from kimi_planner.projection.caps import CapRisk, cap_risk
from kimi_planner.projection.conversation import Conversation, conversation
from kimi_planner.projection.fit import ContextFit, context_fit
from kimi_planner.projection.forecast import SpendForecast, forecast_spend
from kimi_planner.projection.result import Projection, Spend
from kimi_planner.projection.sensitivity import Sensitivity, sensitivity
from kimi_planner.projection.spend import DEFAULT_PATHS, project

__all__ = [
    "DEFAULT_PATHS",
    "CapRisk",
    "ContextFit",
    "Conversation",
    "Month",
    "Projection",
    "Sensitivity",
    "Spend",
    "SpendForecast",
    "call_notes",
    "cap_risk",
    "context_fit",
    "conversation",
    "forecast_spend",
    "month_range",
    "project",
    "sensitivity",
]
