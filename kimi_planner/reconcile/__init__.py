"""Planned against actual: what made the difference, summing to it exactly.

`planned` reads a plan, `actual` a log, `causes` splits the difference of one workload in one
month, `compare` does so for all of them, and `result` holds what came out.
"""

from kimi_planner.lazy import public_names

__all__, __getattr__, __dir__ = public_names(
    __name__,
    {"reconcile.compare": "reconcile", "reconcile.result": "Reconciliation"},
)
