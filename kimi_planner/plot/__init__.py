"""Pictures of results: each takes ``ax`` and returns the Axes, and does no arithmetic of its own.

Each is drawn on a figure of its own, on :func:`slide`, or on any axes; a figure with
``layout="constrained"`` leaves room for all words. :func:`alt_text` tells what a picture shows.
"""

from kimi_planner.plot.distribution import spend_distribution
from kimi_planner.plot.fit import context_fit
from kimi_planner.plot.forecast import forecast
from kimi_planner.plot.spend import monthly_spend, spend_fan
from kimi_planner.plot.style import slide
from kimi_planner.plot.throughput import throughput
from kimi_planner.plot.tornado import tornado
from kimi_planner.plot.tradeoff import cost_vs_reasoning
from kimi_planner.plot.words import alt_text

__all__ = [
    "alt_text",
    "context_fit",
    "cost_vs_reasoning",
    "forecast",
    "monthly_spend",
    "slide",
    "spend_distribution",
    "spend_fan",
    "throughput",
    "tornado",
]
