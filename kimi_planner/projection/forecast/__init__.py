"""Spend of the coming hours, days or months, from a log of what was spent."""

from kimi_planner.projection.forecast.forecast import forecast_spend
from kimi_planner.projection.forecast.result import SpendForecast

__all__ = ["SpendForecast", "forecast_spend"]
