"""A projection as rows of plain data, with usage and spend by meter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from kimi_planner.plan.projection import QUANTILES, Projection
from kimi_planner.plan.spend import Spend

#: Of the JSON form; rises when a key changes its meaning or goes away, new keys may appear at any time.
FORMAT = 1


def plan_rows(projection: Projection) -> list[dict[str, Any]]:
    """Return the rows of a projection's frame, each with its usage and its spend by meter."""
    turns = {one.name: one.resolve().sizes.turns.mean for one in projection.workloads}
    parts = [part for spend in projection.spend.values() for part in _by_meter(spend)]
    return [
        {**row, "turns": turns[row["workload"]], **part}  # type: ignore[dict-item]  # names of columns are text
        for row, part in zip(projection.frame.to_dict("records"), parts, strict=True)
    ]


def together_rows(projection: Projection, choice: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return what some workloads are expected to cost together by month, each on its model."""
    if not choice:
        return []
    spend = projection.mix(choice)
    columns = {"month": [str(month) for month in projection.months], "mean_usd": spend.mean()}
    columns |= {name: spend.quantile(q) for name, q in QUANTILES.items()}
    return pd.DataFrame({**columns, **_to_date(spend)}).to_dict("records")  # type: ignore[return-value]  # names of columns are text


def _by_meter(spend: Spend) -> list[dict[str, Any]]:
    used, to_date = spend.usage, _to_date(spend)
    return [
        {
            **{name: float(column[place]) for name, column in to_date.items()},
            "usage": {
                "requests": used.requests[place],
                "reasoning": used.reasoning[place],
                **{key: amounts[place] for key, amounts in used},
            },
            "bill_usd": {key: amounts[place] for key, amounts in spend.bill},
            "list_bill_usd": {key: amounts[place] for key, amounts in spend.list_bill},
        }
        for place in range(len(spend.usd))
    ]


def _to_date(spend: Spend) -> dict[str, Any]:
    """Return the range of the spend from the first month to each."""
    return {"p10_to_date_usd": spend.to_date(0.1), "p90_to_date_usd": spend.to_date(0.9)}
