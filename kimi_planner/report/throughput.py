"""Peaks and tiers as text for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from kimi_planner.capacity.limits import LIMITS
from kimi_planner.capacity.tiers import ALL, Throughput
from kimi_planner.money import usd
from kimi_planner.report.table import Table
from kimi_planner.report.text import listed, plain
from kimi_planner.rich import share_text

_HEADERS = ("concurrency", "requests/min", "tokens/min", "tokens/day")
_SPANS = ("minutes", "time", "days")


def throughput_text(result: Throughput) -> str:
    """Return the answer for a terminal: the sentence, peaks, tiers, notes, provenance."""
    sentences = [
        " ".join(filter(None, (result.needed(*group), result.prepaid(*group))))
        for group in result.alike()
    ]
    parts = [
        "\n".join(sentences),
        f"Highest peaks of {result.months[0]} to {result.months[-1]}: P{result.percentile:g} over "
        f"paths, not exceeded in {result.minutes_within * 100:g}% of the minutes of the busiest "
        "hour.",
        plain(peaks_table(result)),
    ]
    for group in result.alike():
        parts += [
            f"All workloads together on {_names(result, group)}, by tier:",
            plain(tiers_table(result, group[0])),
        ]
    return "\n\n".join([*parts, listed("What to know:", result.notes), result.provenance])


def peaks_table(result: Throughput) -> Table:
    """Return the peaks of each workload and of all together; models with equal peaks share a row."""
    summary = result.summary()
    rows = []
    for name in (*result.names, ALL):
        mine = summary[summary["workload"] == name].set_index("model")
        for group in _groups(mine[[*LIMITS, "at_least"]]):
            row = mine.loc[group[0]].to_dict()
            least = ">= " if row["at_least"] else ""
            tier = "above all" if pd.isna(row["tier"]) else f"{least}{row['tier']}"
            rows.append(
                (
                    name if name != ALL else "all together",
                    _names(result, group),
                    *(_number(row[limit]) for limit in LIMITS),
                    tier,
                    row["because_of"].replace("_", " "),
                )
            )
    headers = ("workload", "model", *_HEADERS, "tier", "because of")
    return Table(headers, tuple(rows), frozenset({2, 3, 4, 5, 6}))


def tiers_table(result: Throughput, model: str) -> Table:
    """Return what each tier allows, and how all workloads together on a model would fare in it."""
    found = result.by_tier()
    mine = found[(found["workload"] == ALL) & (found["model"] == model)].to_dict("records")
    rows = [
        (
            str(tier.tier),
            usd(tier.cumulative_recharge_usd, 0),
            *(_allowed(getattr(tier, limit)) for limit in LIMITS),
            "not" if pd.isna(row["throttled_from"]) else row["throttled_from"],
            *(share_text(row[f"{span}_over_share"]) for span in _SPANS),
        )
        for tier, row in zip(result.limits, mine, strict=True)
    ]
    over = [f"{span} over" for span in _SPANS]
    headers = ("tier", "recharge USD", *_HEADERS, "throttled from", *over)
    return Table(headers, tuple(rows), frozenset({0, 1, 2, 3, 4, 5, 7, 8, 9}))


def _allowed(most: int | None) -> str:
    return "unlimited" if most is None else f"{most:,}"


def _names(result: Throughput, models: Sequence[str]) -> str:
    return "any model" if len(models) == len(result.models) else ", ".join(models)


def _groups(rows: pd.DataFrame) -> list[list[str]]:
    """Return groups of models whose rows are the same to nine digits."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for model, row in rows.to_dict("index").items():
        shown = (f"{one:.9g}" if isinstance(one, float) else str(one) for one in row.values())
        groups.setdefault(tuple(shown), []).append(str(model))
    return list(groups.values())


def _number(value: float) -> str:
    return "unknown" if pd.isna(value) else f"{value:,.0f}"
