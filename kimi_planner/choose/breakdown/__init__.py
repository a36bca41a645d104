"""The expected cost of one request, split into what it is billed for."""

from kimi_planner.choose.breakdown.build import cost_per_request, request_costs
from kimi_planner.choose.breakdown.result import PARTS, RequestCost, RequestCosts, RequestPart

__all__ = [
    "PARTS",
    "RequestCost",
    "RequestCosts",
    "RequestPart",
    "cost_per_request",
    "request_costs",
]
