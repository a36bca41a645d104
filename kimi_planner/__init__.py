"""Plan the monthly spend, context fit and choice of Kimi models.

What most people need stands here; the rest is in groups: `tokens`, `usage`, `catalog`, `plan`,
`forecast`, `capacity`, `choose`, `report` and `plot`. Names are imported on first use, so that
counting tokens loads neither pandas nor matplotlib.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kimi_planner import capacity, catalog, choose, forecast, plan, plot, report, tokens, usage
    from kimi_planner.billing.call import cost
    from kimi_planner.billing.estimate import estimate
    from kimi_planner.calls.fit import context_fit
    from kimi_planner.catalog import load_catalog
    from kimi_planner.choose.ranking import recommend
    from kimi_planner.errors import KimiPlannerError
    from kimi_planner.forecast.spend import forecast_spend
    from kimi_planner.plan.simulation import project
    from kimi_planner.report.write import write_report
    from kimi_planner.tokens.chat import count_messages
    from kimi_planner.tokens.text import count_tokens, count_tokens_batch
    from kimi_planner.usage.priced import price_usage
    from kimi_planner.usage.read import read_usage
    from kimi_planner.workload import Workload, load_workloads

__version__ = "0.1.0"

__all__ = [
    "KimiPlannerError",
    "Workload",
    "capacity",
    "catalog",
    "choose",
    "context_fit",
    "cost",
    "count_messages",
    "count_tokens",
    "count_tokens_batch",
    "estimate",
    "forecast",
    "forecast_spend",
    "load_catalog",
    "load_workloads",
    "plan",
    "plot",
    "price_usage",
    "project",
    "read_usage",
    "recommend",
    "report",
    "tokens",
    "usage",
    "write_report",
]

#: Where each name lives; a group is a package of that name.
_HOMES = {
    "KimiPlannerError": "errors",
    "Workload": "workload",
    "context_fit": "calls.fit",
    "cost": "billing.call",
    "count_messages": "tokens.chat",
    "count_tokens": "tokens.text",
    "count_tokens_batch": "tokens.text",
    "estimate": "billing.estimate",
    "forecast_spend": "forecast.spend",
    "load_catalog": "catalog",
    "load_workloads": "workload",
    "price_usage": "usage.priced",
    "project": "plan.simulation",
    "read_usage": "usage.read",
    "recommend": "choose.ranking",
    "write_report": "report.write",
}


def __getattr__(name: str) -> Any:
    if name not in __all__ and name != "billing":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"kimi_planner.{_HOMES.get(name, name)}")
    value = getattr(module, name) if name in _HOMES else module
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*(name for name in globals() if name.startswith("__")), *__all__})
