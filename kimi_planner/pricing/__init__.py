"""Exact cost: of one call in decimals, of a whole log in integers, to the same last digit.

`call` prices one call, `rows` every row of a log, `totals` adds up the tokens of logs of any size
by month, model or any column, and `spend` prices those totals: a cost is linear in tokens, so the
cost of a total is the total of the costs, exactly.
"""

from kimi_planner.pricing.call import COST_COLUMNS, Cost, cost
from kimi_planner.pricing.rows import RowCosts, cost_rows, price_usage, total_cost

__all__ = [
    "COST_COLUMNS",
    "Cost",
    "RowCosts",
    "cost",
    "cost_rows",
    "price_usage",
    "total_cost",
]
