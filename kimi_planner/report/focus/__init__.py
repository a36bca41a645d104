"""FOCUS 1.2 rows of token charges: of what a log cost, and, marked, of what a plan expects."""

from kimi_planner.report.focus.charges import NOT_STATED, focus_csv
from kimi_planner.report.focus.forecast import focus_forecast
from kimi_planner.report.focus.usage import focus_usage

__all__ = ["NOT_STATED", "focus_csv", "focus_forecast", "focus_usage"]
