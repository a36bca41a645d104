"""Every form of a report totals every workload of the file, whatever its budget, needs or pin."""

import csv
import io
import json
import re
from datetime import date
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimi_planner import recommend
from kimi_planner.choose import Requirements
from kimi_planner.money import usd
from kimi_planner.report.first_screen import first_screen
from kimi_planner.report.write import rendered
from kimi_planner.workload import Workload

MONTHS = 2
WORKLOADS = st.fixed_dictionaries(
    {
        "requests_per_day": st.integers(1, 5000),
        "prompt_tokens": st.integers(1, 9000) | st.just(200_000),
        "completion_tokens": st.integers(1, 900),
        "budget_usd_per_month": st.none() | st.integers(1, 500),
        "needs": st.sampled_from([(), ("tools",), ("vision", "json")]),
        "model": st.none() | st.just("kimi-k2-5"),
    }
)


@given(sizes=st.lists(WORKLOADS, min_size=1, max_size=4), least=st.sampled_from([None, 3]))
@settings(max_examples=6)
def test_every_form_totals_every_workload(sizes, least):
    """JSON, CSV, FOCUS, workbook, Markdown, page and first screen have the sum over the workloads."""
    asked = [Workload(name=f"w{place}", **one) for place, one in enumerate(sizes)]
    plan = recommend(
        asked, Requirements(min_speed=least), months=MONTHS, as_of=date(2026, 11, 24), n_paths=100
    )
    assert list(plan.best) == [one.name for one in asked]
    total = sum(
        amount
        for name, model in plan.best.items()
        for amount in plan.projection.of(model, name).exact_usd
    )
    files = rendered(plan, ("json", "csv", "focus", "xlsx", "markdown", "html"))
    rows = {
        name: list(csv.DictReader(io.StringIO(files[name].decode())))
        for name in ("report.csv", "focus.csv")
    }
    data = json.loads(files["report.json"])
    summary = {(row["workload"], row["model"]): row["exact_usd"] for row in data["summary"]}
    book = openpyxl.load_workbook(io.BytesIO(files["report.xlsx"]), data_only=True)["Summary"]
    whole = next(row for row in book.iter_rows(values_only=True) if row[0] == "whole plan")
    assert total == sum(Decimal(summary[pair]) for pair in data["recommended"].items())
    assert total == sum(
        Decimal(row["exact_usd"]) for row in rows["report.csv"] if row["planned"] == "True"
    )
    costs = [
        Decimal(row["EffectiveCost"]) for row in rows["focus.csv"] if row["x_Measure"] == "expected"
    ]
    assert sum(costs) == pytest.approx(total, rel=Decimal("1e-12"))
    assert whole[1] == pytest.approx(float(total), rel=1e-9)
    assert Decimal(data["bookable"]["usd"]) == pytest.approx(total, abs=Decimal("1e-6"))
    for text in (files["report.md"].decode(), first_screen(plan)):
        assert f"planned models: {usd(total)} USD" in " ".join(text.split())
    page = files["report.html"].decode()
    whole_plan = re.search(rf"all {MONTHS} months</td>(.*?)</tr>", page, re.S)
    assert f">{usd(total)}</td>" in whole_plan[1]
