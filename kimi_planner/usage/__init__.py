"""What happened: `record` for one call, `read` for logs of every supported form.

A log is read as `lines` in blocks. `json_log` takes entries out of them, `csv_log` cells, `arrow` what
is alike in one go: each a `table` of columns. `dialects` says which form it has and where its `fields`
stand, `reading` makes rows of it, `account` counts what was not read; `rows` keeps them a chunk at a
time, checked by `frame`, and `repeats` keeps one of each call.

Nothing is imported here, so that pricing one call does not load pandas.
"""

from kimi_planner.lazy import public_names

__all__, __getattr__, __dir__ = public_names(
    __name__,
    {
        "usage.prefix_log": "PrefixLog read_prefix_log",
        "usage.priced": "price_usage total_cost",
        "usage.row_costs": "cost_rows",
        "usage.read": "read_usage",
        "usage.replay": "CachedFromLog cached_share_from_log",
        "usage.totals.result": "UsageTotals",
        "usage.totals.stream": "total_usage",
        "usage.totals.spend": "spend_by",
    },
)
