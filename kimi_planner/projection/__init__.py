"""What it will cost and whether it fits: monthly spend over scenarios, and context fit."""

from kimi_planner.projection.calendar import Month, month_range
from kimi_planner.projection.call_notes import call_notes
from kimi_planner.projection.caps import CapRisk, cap_risk
from kimi_planner.projection.conversation import Conversation, conversation
from kimi_planner.projection.fit import ContextFit, context_fit
from kimi_planner.projection.result import Projection, Spend
from kimi_planner.projection.spend import DEFAULT_PATHS, project

__all__ = [
    "DEFAULT_PATHS",
    "CapRisk",
    "ContextFit",
    "Conversation",
    "Month",
    "Projection",
    "Spend",
    "call_notes",
    "cap_risk",
    "context_fit",
    "conversation",
    "month_range",
    "project",
]
