"""Where one model becomes worth more than another: a map over output share and reasoning."""

from kimi_planner.choose.break_even.build import break_even_map
from kimi_planner.choose.break_even.result import BreakEvenMap

__all__ = ["BreakEvenMap", "break_even_map"]
