"""When a model that reasons before it answers pays."""

from kimi_planner.choose.thinking.build import thinking_pays
from kimi_planner.choose.thinking.result import ThinkingBreakEven

__all__ = ["ThinkingBreakEven", "thinking_pays"]
