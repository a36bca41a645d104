"""How expected spend responds to traffic, output, reasoning, caching and prices."""

from kimi_planner.plan.response.result import Amounts, Moved, Response
from kimi_planner.plan.response.stops import (
    OUTPUT_STOPS,
    REASONING_STOPS,
    expected_amounts,
    response,
)

__all__ = [
    "OUTPUT_STOPS",
    "REASONING_STOPS",
    "Amounts",
    "Moved",
    "Response",
    "expected_amounts",
    "response",
]
