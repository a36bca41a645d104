"""What the busiest hour of a plan sends, against the rate limits of an account."""

from kimi_planner.lazy import public_names

__all__, __getattr__, __dir__ = public_names(
    __name__,
    {
        "capacity.limits": "Limits Tier load_limits",
        "capacity.need": "throughput",
        "capacity.tiers": "Throughput",
    },
)
