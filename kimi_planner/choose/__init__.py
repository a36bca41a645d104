"""Choosing: what rules a model out, how the others rank, and what quality costs."""

from kimi_planner.lazy import public_names

__all__, __getattr__, __dir__ = public_names(
    __name__,
    {
        "choose.breakdown": "RequestCosts cost_per_request",
        "choose.card": "Card CardRow",
        "choose.choice": "Choice Exclusion",
        "choose.effect": "CatalogEffect catalog_effect",
        "choose.evaluations.public": "PublicResults read_public_results",
        "choose.evaluations.rates": "SuccessRate",
        "choose.evaluations.read": "Evaluations Item Trials read_evaluations",
        "choose.frontier": "QualityFrontier quality_frontier",
        "choose.objective": "Objective best_by_value",
        "choose.portfolios.choose": "portfolio",
        "choose.portfolios.frontier": "PortfolioFrontier portfolio_frontier",
        "choose.portfolios.result": "Portfolio",
        "choose.ranking": "recommend",
        "choose.recommendation": "Recommendation",
        "choose.requirements": "Requirements",
        "choose.routing.build": "cascades",
        "choose.routing.by_score": "routing_curve",
        "choose.routing.curve": "RoutingCurve",
        "choose.routing.detector": "Detector",
        "choose.routing.result": "Cascades",
        "choose.success.build": "cost_per_success",
        "choose.success.result": "SuccessCost SuccessCosts",
        "choose.thinking.build": "thinking_pays",
        "choose.thinking.result": "ThinkingBreakEven",
    },
)
