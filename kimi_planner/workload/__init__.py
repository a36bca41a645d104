"""What may happen: quantities with ranges, in workloads that are written down or fitted to a log."""

from kimi_planner.workload.dated import Event, PriceChange
from kimi_planner.workload.load import example_path, load_workloads
from kimi_planner.workload.model import QUANTITY_FIELDS, Workload
from kimi_planner.workload.quantity import (
    Beta,
    Constant,
    Empirical,
    Geometric,
    Quantity,
    Scaled,
    SplitLognormal,
    SplitNormal,
)
from kimi_planner.workload.turns import WholeTurns
from kimi_planner.workload.what_if import what_if

__all__ = [
    "QUANTITY_FIELDS",
    "Beta",
    "Constant",
    "Empirical",
    "Event",
    "Geometric",
    "PriceChange",
    "Quantity",
    "Scaled",
    "SplitLognormal",
    "SplitNormal",
    "WholeTurns",
    "Workload",
    "example_path",
    "load_workloads",
    "what_if",
]
