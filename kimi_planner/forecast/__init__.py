"""Spend ahead of a log: how much, and how sure that is."""

from kimi_planner.lazy import public_names

__all__, __getattr__, __dir__ = public_names(
    __name__,
    {
        "forecast.estimate": "LatestEstimate",
        "forecast.latest": "latest_estimate",
        "forecast.result": "SpendForecast",
        "forecast.spend": "forecast_spend",
    },
)
