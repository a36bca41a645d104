"""What a solved task costs on each model, how sure that is, and what would settle it."""

from kimi_planner.choose.success.build import cost_per_success
from kimi_planner.choose.success.result import SuccessCost, SuccessCosts
from kimi_planner.choose.success.settle import Settling

__all__ = ["Settling", "SuccessCost", "SuccessCosts", "cost_per_success"]
