"""Routing: a cheap model first, a better one where a detector finds its answer wanting.

`detector` says how a detector errs, `together` how often models fail together, `tree` follows a
task through a cascade, `build` does so for every cascade, and `result` holds what came out.
"""

from kimi_planner.choose.routing.build import cascades
from kimi_planner.choose.routing.detector import Detector
from kimi_planner.choose.routing.result import Cascades, Route
from kimi_planner.choose.routing.tree import BreakEven

__all__ = ["BreakEven", "Cascades", "Detector", "Route", "cascades"]
