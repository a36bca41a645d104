"""What happened: usage records, and the readers that turn a log into one checked frame."""

from kimi_planner.usage.frame import COLUMNS
from kimi_planner.usage.read import read_usage
from kimi_planner.usage.record import UsageRecord

__all__ = ["COLUMNS", "UsageRecord", "read_usage"]
