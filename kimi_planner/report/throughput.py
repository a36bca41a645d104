"""Peaks and tiers: as text for a terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from kimi_planner.capacity.limits import LIMITS
from kimi_planner.capacity.tiers import ALL, Throughput
from kimi_planner.catalog import Exchange
from kimi_planner.money import usd
from kimi_planner.report.exchanged import exchange_text, exchanged
from kimi_planner.report.json_form import DIGITS, as_data, form_text, origin
from kimi_planner.report.table import Table
from kimi_planner.report.text import listed, plain
from kimi_planner.rich import share_text

_HEADERS = ("concurrency", "requests/min", "tokens/min", "tokens/day")
AT_FIRST = "at the rate of the first day of the plan"
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
    parts += [
        exchange_text(exchange, AT_FIRST, recharges(result, exchange), ("tier",))
        for exchange in result.catalog.exchanges
    ]
    return "\n\n".join([*parts, listed("What to know:", result.notes), result.provenance])


def throughput_json(result: Throughput) -> str:
    """Return peaks and tiers as JSON text, keys in a fixed order; unknown values are null."""
    limits = result.limits
    frames = {"peaks": result.frame, "summary": result.summary(), "by_tier": result.by_tier()}
    data = {
        "limits": {name: getattr(limits, name) for name in ("version", "sha256", "checked_on")},
        **origin(result),
        "months": result.months,
        "percentile": result.percentile,
        "minutes_within": result.minutes_within,
        "tiers": [
            {key: "unlimited" if part is None else part for key, part in as_data(tier).items()}
            for tier in limits
        ],
        **as_data(frames, DIGITS),
        "notes": result.notes,
    }
    return form_text(data, {one: recharges(result, one) for one in result.catalog.exchanges})


def recharges(result: Throughput, exchange: Exchange) -> list[dict[str, Any]]:
    """Return the recharge of each tier in another currency."""
    rows = [
        {"tier": one.tier, "cumulative_recharge_usd": one.cumulative_recharge_usd}
        for one in result.limits
    ]
    return exchanged(rows, exchange, lambda _: result.months[0].first)


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
