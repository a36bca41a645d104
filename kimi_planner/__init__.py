"""Plan the monthly spend, context fit and choice of Kimi models.

What most people need stands here; the rest is in groups: `tokens`, `usage`, `catalog`, `plan`,
`forecast`, `capacity`, `choose`, `report` and `plot`. Names are imported on first use, so that
counting tokens loads neither pandas nor matplotlib.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimi_planner.lazy import public_names

if TYPE_CHECKING:
    from kimi_planner import capacity as capacity
    from kimi_planner import catalog as catalog
    from kimi_planner import choose as choose
    from kimi_planner import forecast as forecast
    from kimi_planner import plan as plan
    from kimi_planner import plot as plot
    from kimi_planner import report as report
    from kimi_planner import tokens as tokens
    from kimi_planner import usage as usage
    from kimi_planner.billing.call import cost as cost
    from kimi_planner.billing.estimate import estimate as estimate
    from kimi_planner.calls.fit import context_fit as context_fit
    from kimi_planner.catalog import load_catalog as load_catalog
    from kimi_planner.choose.ranking import recommend as recommend
    from kimi_planner.errors import KimiPlannerError as KimiPlannerError
    from kimi_planner.forecast.latest import latest_estimate as latest_estimate
    from kimi_planner.forecast.spend import forecast_spend as forecast_spend
    from kimi_planner.plan.simulation import project as project
    from kimi_planner.report.write import write_report as write_report
    from kimi_planner.tokens.chat import count_messages as count_messages
    from kimi_planner.tokens.text import count_tokens as count_tokens
    from kimi_planner.tokens.text import count_tokens_batch as count_tokens_batch
    from kimi_planner.usage.priced import price_usage as price_usage
    from kimi_planner.usage.read import read_usage as read_usage
    from kimi_planner.workload import Workload as Workload
    from kimi_planner.workload import load_workloads as load_workloads

__version__ = "0.2.0"

#: Groups, and where each other name lives.
__all__, __getattr__, __dir__ = public_names(
    __name__,
    {
        "": "capacity catalog choose forecast plan plot report tokens usage",
        "billing.call": "cost",
        "billing.estimate": "estimate",
        "calls.fit": "context_fit",
        "catalog": "load_catalog",
        "choose.ranking": "recommend",
        "errors": "KimiPlannerError",
        "forecast.latest": "latest_estimate",
        "forecast.spend": "forecast_spend",
        "plan.simulation": "project",
        "report.write": "write_report",
        "tokens.chat": "count_messages",
        "tokens.text": "count_tokens count_tokens_batch",
        "usage.priced": "price_usage",
        "usage.read": "read_usage",
        "workload": "Workload load_workloads",
    },
)
