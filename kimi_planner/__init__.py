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
    from kimi_planner.explorer import explore
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
    from kimi_planner.report.focus import focus_forecast, focus_usage
    from kimi_planner.report.write import write_report
    from kimi_planner.request import Estimate, estimate
    from kimi_planner.selection import (
        BreakEvenMap,
        Cascades,
        Detector,
        Evaluations,
        Portfolio,
        PortfolioFrontier,
        QualityFrontier,
        Recommendation,
        RequestCosts,
        Requirements,
        SuccessCosts,
        ThinkingBreakEven,
        break_even_map,
        cascades,
        cost_per_request,
        cost_per_success,
        portfolio,
        portfolio_frontier,
        quality_frontier,
        read_evaluations,
        recommend,
        thinking_pays,
    )
    from kimi_planner.tokens.chat import count_completion, count_messages
    from kimi_planner.tokens.corpus import CorpusCount, count_corpus
    from kimi_planner.tokens.prompts import PromptTemplate, TokenRange, read_templates, token_range
    from kimi_planner.tokens.sizes import SizeEstimate, size_kinds, tokens_from_bytes
    from kimi_planner.tokens.text import count_tokens, count_tokens_batch
    from kimi_planner.usage.prefix_log import PrefixLog, read_prefix_log
    from kimi_planner.usage.read import read_usage
    from kimi_planner.usage.record import UsageRecord
    from kimi_planner.usage.replay import CachedFromLog, cached_share_from_log
    from kimi_planner.workload import Quantity, Workload, load_workloads, what_if

__version__ = "0.1.0"

__all__ = [
    "BreakEvenMap",
    "CachedFromLog",
    "CapRisk",
    "Cascades",
    "Catalog",
    "CatalogDiff",
    "CatalogEffect",
    "ContextFit",
    "Conversation",
    "CorpusCount",
    "Cost",
    "Detector",
    "Estimate",
    "Evaluations",
    "KimiPlannerError",
    "Limits",
    "ModelSpec",
    "Portfolio",
    "PortfolioFrontier",
    "PrefixLog",
    "Projection",
    "PromptTemplate",
    "QualityFrontier",
    "Quantity",
    "Recommendation",
    "Reconciliation",
    "RequestCosts",
    "Requirements",
    "Sensitivity",
    "SizeEstimate",
    "SpendForecast",
    "SuccessCosts",
    "ThinkingBreakEven",
    "Throughput",
    "Tier",
    "TokenRange",
    "UsageRecord",
    "UsageTotals",
    "Workload",
    "break_even_map",
    "cached_share_from_log",
    "cap_risk",
    "cascades",
    "catalog_effect",
    "catalog_versions",
    "context_fit",
    "conversation",
    "cost",
    "cost_per_request",
    "cost_per_success",
    "cost_rows",
    "count_completion",
    "count_corpus",
    "count_messages",
    "count_tokens",
    "count_tokens_batch",
    "diff_catalogs",
    "estimate",
    "explore",
    "focus_forecast",
    "focus_usage",
    "forecast_spend",
    "load_catalog",
    "load_limits",
    "load_workloads",
    "plot",
    "portfolio",
    "portfolio_frontier",
    "price_usage",
    "project",
    "quality_frontier",
    "read_evaluations",
    "read_prefix_log",
    "read_templates",
    "read_usage",
    "recommend",
    "reconcile",
    "sensitivity",
    "size_kinds",
    "spend_by",
    "thinking_pays",
    "throughput",
    "token_range",
    "tokens_from_bytes",
    "total_usage",
    "what_if",
    "write_report",
]

_HOMES = {
    "BreakEvenMap": "selection",
    "CachedFromLog": "usage.replay",
    "CapRisk": "projection",
    "Cascades": "selection",
    "Catalog": "catalog",
    "CatalogDiff": "catalog.diff",
    "CatalogEffect": "effect",
    "ContextFit": "projection",
    "Conversation": "projection",
    "CorpusCount": "tokens.corpus",
    "Cost": "pricing",
    "Detector": "selection",
    "Estimate": "request",
    "Evaluations": "selection",
    "KimiPlannerError": "errors",
    "Limits": "limits",
    "ModelSpec": "catalog",
    "Portfolio": "selection",
    "PortfolioFrontier": "selection",
    "PrefixLog": "usage.prefix_log",
    "Projection": "projection",
    "PromptTemplate": "tokens.prompts",
    "QualityFrontier": "selection",
    "Quantity": "workload",
    "Recommendation": "selection",
    "Reconciliation": "reconciliation",
    "RequestCosts": "selection",
    "Requirements": "selection",
    "Sensitivity": "projection",
    "SizeEstimate": "tokens.sizes",
    "SpendForecast": "projection",
    "SuccessCosts": "selection",
    "ThinkingBreakEven": "selection",
    "Throughput": "projection",
    "Tier": "limits",
    "TokenRange": "tokens.prompts",
    "UsageRecord": "usage.record",
    "UsageTotals": "pricing.totals",
    "Workload": "workload",
    "break_even_map": "selection",
    "cached_share_from_log": "usage.replay",
    "cap_risk": "projection",
    "cascades": "selection",
    "catalog_effect": "effect",
    "catalog_versions": "catalog",
    "context_fit": "projection",
    "conversation": "projection",
    "cost": "pricing",
    "cost_per_request": "selection",
    "cost_per_success": "selection",
    "cost_rows": "pricing",
    "count_completion": "tokens.chat",
    "count_corpus": "tokens.corpus",
    "count_messages": "tokens.chat",
    "count_tokens": "tokens.text",
    "count_tokens_batch": "tokens.text",
    "diff_catalogs": "catalog.diff",
    "estimate": "request",
    "explore": "explorer",
    "focus_forecast": "report.focus",
    "focus_usage": "report.focus",
    "forecast_spend": "projection",
    "load_catalog": "catalog",
    "load_limits": "limits",
    "load_workloads": "workload",
    "portfolio": "selection",
    "portfolio_frontier": "selection",
    "price_usage": "pricing",
    "project": "projection",
    "quality_frontier": "selection",
    "read_evaluations": "selection",
    "read_prefix_log": "usage.prefix_log",
    "read_templates": "tokens.prompts",
    "read_usage": "usage.read",
    "recommend": "selection",
    "reconcile": "reconciliation",
    "sensitivity": "projection",
    "size_kinds": "tokens.sizes",
    "spend_by": "pricing.spend",
    "thinking_pays": "selection",
    "throughput": "projection",
    "token_range": "tokens.prompts",
    "tokens_from_bytes": "tokens.sizes",
    "total_usage": "pricing.sources",
    "what_if": "workload",
    "write_report": "report.write",
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
