"""Plans of plain numbers, what a call of them uses by hand, and the log in which they come true."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pandas as pd
from hypothesis import strategies as st

from kimi_planner import Workload, load_catalog, load_workloads, recommend
from kimi_planner.catalog import Catalog
from kimi_planner.plan import Booking

DATED = """
version = "own"
published = "2026-05"
currency = "USD"
source = "card"

[sources.card]
title = "A card"
checked_on = 2026-05-01

[[fees]]
name = "web search"
usd_per_call = "0.005"
note = "On top."
source = "card"

[[models]]
id = "m"
batch_multiplier = "0.6"
has = ["text"{able}]
lacks = [{lacks}]
context_window_tokens = 262144

[[models.prices]]
effective_from = 2026-01-01
input_usd_per_mtok = "2.00"
cached_input_usd_per_mtok = "0.20"
cache_write_5m_usd_per_mtok = "2.50"
cache_write_1h_usd_per_mtok = "4.00"
output_usd_per_mtok = "10.00"
source = "card"
{more}
[models.sources]
card = ["id", "batch_multiplier", "has", "lacks", "context_window_tokens"]
"""
CUT = """
[[models.prices]]
effective_from = {day}
known_on = 2026-05-01
input_usd_per_mtok = "1.60"
cached_input_usd_per_mtok = "0.16"
cache_write_5m_usd_per_mtok = "2.00"
cache_write_1h_usd_per_mtok = "3.20"
output_usd_per_mtok = "8.00"
source = "card"
"""

#: Numbers that nobody knows for sure, by the field of a workload.
UNCERTAIN = {
    "requests_per_day": {"p50": 1000, "p90": 3000},
    "growth_per_month": {"p10": -0.1, "p50": 0.1, "p90": 0.5},
    "retry_share": {"p50": 0.1, "p90": 0.5},
    "cached_share": {"p50": 0.1, "p90": 0.5},
    "completion_tokens": {"p50": 300, "p90": 900},
}


def dated_catalog(folder: Path, cut: str | None = None, *, reasons: bool = False) -> Catalog:
    """Return a catalog of one model with every price, a fifth lower from a day on if one is given."""
    path = folder / f"own-{cut}-{reasons}.toml"
    more, able, lacks = CUT.format(day=cut) if cut else "", "", '"reasoning"'
    if reasons:
        able, lacks = f", {lacks}", ""
    path.write_text(DATED.format(more=more, able=able, lacks=lacks), encoding="utf-8")
    return load_catalog(path)


def log_of_plan(load: Workload, months: int, call: dict[str, Fraction]) -> pd.DataFrame:
    """Return the log, a row a day, of calls exactly as planned from June 2026 on.

    ``call`` has what a call uses; the traffic is that of the workload, retries included.
    """
    rows = []
    traffic = load.resolve().traffic
    growth, retries, level = (
        one.as_number(Fraction)  # exact
        for one in (traffic.growth, traffic.retries, traffic.level)
    )
    for day in pd.date_range("2026-06-01", periods=months * 31, tz="UTC"):
        if day < pd.Timestamp("2026-06-01", tz="UTC") + pd.DateOffset(months=months):
            calls = level * (1 + growth) ** (day.month - 6) * (1 + retries)
            counts = {"requests": calls, **{name: calls * each for name, each in call.items()}}
            assert all(count.denominator == 1 for count in counts.values())
            rows.append({"timestamp": day, **{name: int(count) for name, count in counts.items()}})
    return pd.DataFrame(rows).assign(model="m", batch=load.batch)


@st.composite
def as_planned(draw: st.DrawFn, *, reasons: bool = False) -> tuple[Workload, dict[str, Fraction]]:
    """Draw a workload of plain numbers, and by hand what a call of it uses; all daily counts whole.

    ``reasons`` tells whether its model does.
    """
    prompt, answer, followup = (100 * draw(st.integers(0, 50)) for _ in range(3))
    reasoning, turns = 100 * draw(st.integers(0, 5)), draw(st.sampled_from([1, 2, 3]))
    cached, five, hour = (Decimal(draw(st.sampled_from(["0", "0.1", "0.25"]))) for _ in range(3))
    searches = Decimal(draw(st.sampled_from(["0", "0.5", "2"])))
    cap = draw(st.sampled_from([None, 200, 1_000]))
    load = Workload(
        name="w",
        requests_per_day=800 * draw(st.integers(1, 9)),
        growth_per_month=draw(st.sampled_from([0, 0.5, 1])),
        retry_share=draw(st.sampled_from([0, 0.25])),
        prompt_tokens=prompt,
        completion_tokens=answer,
        reasoning_tokens=reasoning,
        max_tokens=cap,
        **({"turns": turns, "followup_tokens": followup} if turns > 1 else {}),
        cached_share=cached,
        written_share={"five_minutes": five, "one_hour": hour},
        fees_per_request={"web search": searches} if searches else {},
        batch=draw(st.booleans()),
        price_changes=draw(st.sampled_from([[], [{"date": "2026-07-16", "factor": 0.8}]])),
    )
    thought = min(reasoning, cap or reasoning) if reasons else 0
    answer = min(answer, cap - thought) if cap else answer
    whole = prompt + Fraction(turns - 1, 2) * (followup + answer)
    call = {
        "prompt_tokens": whole,
        "cached_tokens": whole * Fraction(cached),
        "written_5m_tokens": whole * Fraction(five),
        "written_1h_tokens": whole * Fraction(hour),
        "completion_tokens": Fraction(answer + thought),
        "reasoning_tokens": Fraction(thought),
        "fee: web search": Fraction(searches),
    }
    return load, call


#: Models of the newer catalog in the place of those of the default one.
NEWER = {"kimi-k2-5": "kimi-k3", "kimi-k2": "kimi-k2.6"}


def budget_meeting(catalog="2026-06", **options):
    """Return the plan of a budget meeting: four workloads of a year on two models of a catalog."""
    return _year("budget-meeting", NEWER, catalog, {"start": "2027-01"} | options)


def insurer_year(catalog="2026-06", **options):
    """Return the plan of a fiscal year that is booked at P80 plus 5%, on two models of a catalog."""
    scope = {"start": "2027-04", "booking": Booking(book="p80", contingency_percent=5)}
    return _year("insurer-year", NEWER | {"kimi-k2-5": "kimi-k3.1-pro"}, catalog, scope | options)


def _year(file, newer, catalog, options):
    """Return the plan of twelve months of a workload file, on the models it names or newer ones."""
    workloads = load_workloads(Path(__file__).parent / "data" / f"{file}.toml")
    models = list(dict.fromkeys(one.model for one in workloads if one.model))
    if "kimi-k2-5" not in load_catalog(catalog).ids:
        workloads = [replace(one, model=newer.get(one.model)) for one in workloads]
        models = [newer[one] for one in models]
    scope = {"months": 12, "as_of": "2026-11-24", "n_paths": 500, "models": models}
    return recommend(workloads, catalog=catalog, **scope | options)
