"""Plan the monthly spend, context fit and choice of Kimi models.

Names are imported on first use, so that counting tokens loads neither pandas nor matplotlib.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kimi_planner import plot
    from kimi_planner.catalog import Catalog, ModelSpec, catalog_versions, load_catalog
    from kimi_planner.errors import KimiPlannerError
    from kimi_planner.pricing import Cost, cost, price_usage
    from kimi_planner.projection import ContextFit, Projection, context_fit, project
    from kimi_planner.request import Estimate, estimate
    from kimi_planner.selection import Recommendation, Requirements, recommend
    from kimi_planner.tokens.chat import count_completion, count_messages
    from kimi_planner.tokens.corpus import CorpusCount, count_corpus
    from kimi_planner.tokens.sizes import SizeEstimate, size_kinds, tokens_from_bytes
    from kimi_planner.tokens.text import count_tokens, count_tokens_batch
    from kimi_planner.usage.prefix_log import PrefixLog, read_prefix_log
    from kimi_planner.usage.read import read_usage
    from kimi_planner.usage.record import UsageRecord
    from kimi_planner.workload import Quantity, Workload, load_workloads

__version__ = "0.1.0"

__all__ = [
    "Catalog",
    "ContextFit",
    "CorpusCount",
    "Cost",
    "Estimate",
    "KimiPlannerError",
    "ModelSpec",
    "PrefixLog",
    "Projection",
    "Quantity",
    "Recommendation",
    "Requirements",
    "SizeEstimate",
    "UsageRecord",
    "Workload",
    "catalog_versions",
    "context_fit",
    "cost",
    "count_completion",
    "count_corpus",
    "count_messages",
    "count_tokens",
    "count_tokens_batch",
    "estimate",
    "load_catalog",
    "load_workloads",
    "plot",
    "price_usage",
    "project",
    "read_prefix_log",
    "read_usage",
    "recommend",
    "size_kinds",
    "tokens_from_bytes",
]

_HOMES = {
    "Catalog": "catalog",
    "ContextFit": "projection",
    "CorpusCount": "tokens.corpus",
    "Cost": "pricing",
    "Estimate": "request",
    "KimiPlannerError": "errors",
    "ModelSpec": "catalog",
    "PrefixLog": "usage.prefix_log",
    "Projection": "projection",
    "Quantity": "workload",
    "Recommendation": "selection",
    "Requirements": "selection",
    "SizeEstimate": "tokens.sizes",
    "UsageRecord": "usage.record",
    "Workload": "workload",
    "catalog_versions": "catalog",
    "context_fit": "projection",
    "cost": "pricing",
    "count_completion": "tokens.chat",
    "count_corpus": "tokens.corpus",
    "count_messages": "tokens.chat",
    "count_tokens": "tokens.text",
    "count_tokens_batch": "tokens.text",
    "estimate": "request",
    "load_catalog": "catalog",
    "load_workloads": "workload",
    "price_usage": "pricing",
    "project": "projection",
    "read_prefix_log": "usage.prefix_log",
    "read_usage": "usage.read",
    "recommend": "selection",
    "size_kinds": "tokens.sizes",
    "tokens_from_bytes": "tokens.sizes",
}


def __getattr__(name: str) -> Any:
    if name == "plot":
        return import_module("kimi_planner.plot")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"kimi_planner.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
