"""Pictures of results: each takes ``ax`` and returns the Axes, and does no arithmetic of its own.

Each is drawn on a figure of its own, on :func:`slide`, or on any axes; a figure with
``layout="constrained"`` leaves room for all words. :func:`alt_text` tells what a picture shows.
"""

from kimi_planner.plot.cascades import cascades
from kimi_planner.plot.change import catalog_change
from kimi_planner.plot.conversation import conversation_growth
from kimi_planner.plot.distribution import spend_distribution
from kimi_planner.plot.explorer import explore
from kimi_planner.plot.fit import context_fit
from kimi_planner.plot.fit_curve import context_fit_curve
from kimi_planner.plot.forecast import forecast
from kimi_planner.plot.portfolio import portfolio_frontier
from kimi_planner.plot.quality import cost_vs_quality
from kimi_planner.plot.request import cost_per_request
from kimi_planner.plot.spend import monthly_spend, spend_fan
from kimi_planner.plot.style import slide
from kimi_planner.plot.success import cost_per_success
from kimi_planner.plot.thinking import thinking
from kimi_planner.plot.throughput import throughput
from kimi_planner.plot.tornado import tornado
from kimi_planner.plot.what_if import what_if
from kimi_planner.plot.words import alt_text

__all__ = [
    "alt_text",
    "cascades",
    "catalog_change",
    "context_fit",
    "context_fit_curve",
    "conversation_growth",
    "cost_per_request",
    "cost_per_success",
    "cost_vs_quality",
    "explore",
    "forecast",
    "monthly_spend",
    "portfolio_frontier",
    "slide",
    "spend_distribution",
    "spend_fan",
    "thinking",
    "throughput",
    "tornado",
    "what_if",
]
