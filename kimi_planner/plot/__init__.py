"""Pictures of results: each takes ``ax`` and returns the Axes, and does no arithmetic of its own."""

from kimi_planner.plot.fit import context_fit
from kimi_planner.plot.forecast import forecast
from kimi_planner.plot.spend import monthly_spend, spend_fan
from kimi_planner.plot.throughput import throughput
from kimi_planner.plot.tornado import tornado
from kimi_planner.plot.tradeoff import cost_vs_reasoning
from kimi_planner.plot.what_if import what_if

__all__ = [
    "context_fit",
    "cost_vs_reasoning",
    "forecast",
    "monthly_spend",
    "spend_fan",
    "throughput",
    "tornado",
    "what_if",
]
