"""Pictures of results: each takes ``ax`` and returns the Axes, and does no arithmetic of its own.

Each is drawn on a figure of its own or on any axes, in the colours of the reader's style, light or
dark, and takes ``title``, ``caption`` and ``labels``. :func:`alt_text` tells what a picture shows,
:func:`slide` writes one as large as a slide.
"""

from kimi_planner.lazy import public_names

__all__, __getattr__, __dir__ = public_names(
    __name__,
    {
        "plot.break_even": "thinking",
        "plot.change": "catalog_change",
        "plot.conversation": "conversation_growth",
        "plot.costs": "cost_per_request cost_per_success",
        "plot.distribution": "spend_distribution",
        "plot.drivers": "tornado",
        "plot.explorer": "Explorer explore",
        "plot.fit": "context_fit context_fit_curve",
        "plot.horizon": "forecast",
        "plot.month_end": "outlook",
        "plot.portfolio": "portfolio_frontier",
        "plot.quality": "cascades cost_vs_quality",
        "plot.routing": "routing_curve",
        "plot.compared": "scenarios",
        "plot.spend": "monthly_spend spend_fan",
        "plot.style": "slide",
        "plot.tiers": "throughput",
        "plot.waterfall": "plan_change",
        "plot.words": "alt_text",
    },
)
