"""A team's own evaluations: how often each model succeeds at the tasks of a workload."""

from kimi_planner.choose.evaluations.read import Evaluations, Item, Trials, read_evaluations

__all__ = ["Evaluations", "Item", "Trials", "read_evaluations"]
