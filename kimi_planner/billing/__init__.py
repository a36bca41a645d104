"""What a bill has lines for, what each costs, and the cost of one call."""

from kimi_planner.lazy import public_names

__all__, __getattr__, __dir__ = public_names(
    __name__,
    {
        "billing.call": "Cost cost",
        "billing.estimate": "Estimate estimate",
        "billing.record": "UsageRecord",
    },
)
