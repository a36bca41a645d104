"""When a model that reasons before it answers pays."""

from kimi_planner.selection.thinking.build import thinking_pays
from kimi_planner.selection.thinking.result import ThinkingBreakEven

__all__ = ["ThinkingBreakEven", "thinking_pays"]
