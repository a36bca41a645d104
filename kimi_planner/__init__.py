"""Plan the monthly spend, context fit and choice of Kimi models.

Names are imported on first use, so that counting tokens loads neither pandas nor matplotlib.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kimi_planner import plot
    from kimi_planner.catalog import Catalog, ModelSpec, catalog_versions, load_catalog
    from kimi_planner.catalog.diff import CatalogDiff, diff_catalogs
    from kimi_planner.effect import CatalogEffect, catalog_effect
    from kimi_planner.errors import KimiPlannerError
    from kimi_planner.limits import Limits, Tier, load_limits
    from kimi_planner.pricing import Cost, cost, cost_rows, price_usage
    from kimi_planner.pricing.sources import total_usage
    from kimi_planner.pricing.spend import spend_by
    from kimi_planner.pricing.totals import UsageTotals
    from kimi_planner.projection import (
        CapRisk,
        ContextFit,
        Conversation,
        Projection,
        Sensitivity,
        SpendForecast,
        Throughput,
        cap_risk,
        context_fit,
        conversation,
        forecast_spend,
        project,
        sensitivity,
        throughput,
    )
    from kimi_planner.reconciliation import Reconciliation, reconcile
    from kimi_planner.request import Estimate, estimate
    from kimi_planner.selection import (
        Evaluations,
        Recommendation,
        Requirements,
        read_evaluations,
        recommend,
    )
    from kimi_planner.tokens.chat import count_completion, count_messages
    from kimi_planner.tokens.corpus import CorpusCount, count_corpus
    from kimi_planner.tokens.prompts import (
        PromptTemplate,
        TokenRange,
        read_templates,
        token_range,
    )
    from kimi_planner.tokens.sizes import SizeEstimate, size_kinds, tokens_from_bytes
    from kimi_planner.tokens.text import count_tokens, count_tokens_batch
    from kimi_planner.usage.prefix_log import PrefixLog, read_prefix_log
    from kimi_planner.usage.read import read_usage
    from kimi_planner.usage.record import UsageRecord
    from kimi_planner.usage.replay import CachedFromLog, cached_share_from_log
    from kimi_planner.workload import Quantity, Workload, load_workloads

__version__ = "0.1.0"

__all__ = [
    "CachedFromLog",
    "CapRisk",
    "Catalog",
    "CatalogDiff",
    "CatalogEffect",
    "ContextFit",
    "Conversation",
    "CorpusCount",
    "Cost",
    "Estimate",
    "Evaluations",
    "KimiPlannerError",
    "Limits",
    "ModelSpec",
    "PrefixLog",
    "Projection",
    "PromptTemplate",
    "Quantity",
    "Recommendation",
    "Reconciliation",
    "Requirements",
    "Sensitivity",
    "SizeEstimate",
    "SpendForecast",
    "Throughput",
    "Tier",
    "TokenRange",
    "UsageRecord",
    "UsageTotals",
    "Workload",
    "cached_share_from_log",
    "cap_risk",
    "catalog_effect",
    "catalog_versions",
    "context_fit",
    "conversation",
    "cost",
    "cost_rows",
    "count_completion",
    "count_corpus",
    "count_messages",
    "count_tokens",
    "count_tokens_batch",
    "diff_catalogs",
    "estimate",
    "forecast_spend",
    "load_catalog",
    "load_limits",
    "load_workloads",
    "plot",
    "price_usage",
    "project",
    "read_evaluations",
    "read_prefix_log",
    "read_templates",
    "read_usage",
    "recommend",
    "reconcile",
    "sensitivity",
    "size_kinds",
    "spend_by",
    "throughput",
    "token_range",
    "tokens_from_bytes",
    "total_usage",
]

_HOMES = {
    "CachedFromLog": "usage.replay",
    "CapRisk": "projection",
    "Catalog": "catalog",
    "CatalogDiff": "catalog.diff",
    "CatalogEffect": "effect",
    "ContextFit": "projection",
    "Conversation": "projection",
    "CorpusCount": "tokens.corpus",
    "Cost": "pricing",
    "Estimate": "request",
    "Evaluations": "selection",
    "KimiPlannerError": "errors",
    "Limits": "limits",
    "ModelSpec": "catalog",
    "PrefixLog": "usage.prefix_log",
    "Projection": "projection",
    "PromptTemplate": "tokens.prompts",
    "Quantity": "workload",
    "Recommendation": "selection",
    "Reconciliation": "reconciliation",
    "Requirements": "selection",
    "Sensitivity": "projection",
    "SizeEstimate": "tokens.sizes",
    "SpendForecast": "projection",
    "Throughput": "projection",
    "Tier": "limits",
    "TokenRange": "tokens.prompts",
    "UsageRecord": "usage.record",
    "UsageTotals": "pricing.totals",
    "Workload": "workload",
    "cached_share_from_log": "usage.replay",
    "cap_risk": "projection",
    "catalog_effect": "effect",
    "catalog_versions": "catalog",
    "context_fit": "projection",
    "conversation": "projection",
    "cost": "pricing",
    "cost_rows": "pricing",
    "count_completion": "tokens.chat",
    "count_corpus": "tokens.corpus",
    "count_messages": "tokens.chat",
    "count_tokens": "tokens.text",
    "count_tokens_batch": "tokens.text",
    "diff_catalogs": "catalog.diff",
    "estimate": "request",
    "forecast_spend": "projection",
    "load_catalog": "catalog",
    "load_limits": "limits",
    "load_workloads": "workload",
    "price_usage": "pricing",
    "project": "projection",
    "read_evaluations": "selection",
    "read_prefix_log": "usage.prefix_log",
    "read_templates": "tokens.prompts",
    "read_usage": "usage.read",
    "recommend": "selection",
    "reconcile": "reconciliation",
    "sensitivity": "projection",
    "size_kinds": "tokens.sizes",
    "spend_by": "pricing.spend",
    "throughput": "projection",
    "token_range": "tokens.prompts",
    "tokens_from_bytes": "tokens.sizes",
    "total_usage": "pricing.sources",
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
