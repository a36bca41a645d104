"""What may happen: quantities with ranges, in workloads that are written down or fitted to a log."""

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

__all__ = [
    "QUANTITY_FIELDS",
    "Beta",
    "Constant",
    "Empirical",
    "Geometric",
    "Quantity",
    "Scaled",
    "SplitLognormal",
    "SplitNormal",
    "Workload",
    "example_path",
    "load_workloads",
]
