"""Choosing: what rules a model out, how the others rank, and what quality costs."""

from kimi_planner.lazy import public_names

__all__, __getattr__, __dir__ = public_names(
    __name__,
    {
        "choose.breakdown": "RequestCosts cost_per_request",
        "choose.choice": "Choice Exclusion",
        "choose.effect": "CatalogEffect catalog_effect",
        "choose.evaluations": "Evaluations Item Trials read_evaluations",
        "choose.flip": "Flip",
        "choose.frontier": "QualityFrontier quality_frontier",
        "choose.portfolios": "Portfolio PortfolioFrontier portfolio portfolio_frontier",
        "choose.ranking": "recommend",
        "choose.recommendation": "Recommendation",
        "choose.requirements": "Requirements",
        "choose.routing": "Cascades Detector cascades",
        "choose.success": "Settling SuccessCost SuccessCosts cost_per_success",
        "choose.thinking": "ThinkingBreakEven thinking_pays",
    },
)
