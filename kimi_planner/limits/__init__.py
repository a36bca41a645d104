"""Rate limits by recharge tier, and fees beside tokens: versioned files, every value sourced."""

from kimi_planner.limits.load import DEFAULT_VERSION, limits_versions, load_limits
from kimi_planner.limits.model import LIMITS, Fee, Limits, Rule, Tier

__all__ = [
    "DEFAULT_VERSION",
    "LIMITS",
    "Fee",
    "Limits",
    "Rule",
    "Tier",
    "limits_versions",
    "load_limits",
]
