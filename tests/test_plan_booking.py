"""The bookable number: one amount, the same wherever a plan is written, and its exact parts."""

import csv
import io
import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimi_planner import Workload, project, recommend
from kimi_planner.errors import SettingError
from kimi_planner.money import total, usd
from kimi_planner.plan import Booking, booked
from kimi_planner.report import reconcile
from kimi_planner.report.tables import OVER_BUDGET, budgets_table
from kimi_planner.report.write import rendered

AS_OF = date(2026, 11, 24)
RANGE = {"p10": 500, "p50": 1000, "p90": 3000}


def chat(level=RANGE, name="chat"):
    return Workload(name=name, requests_per_day=level, prompt_tokens=1800, completion_tokens=250)


def planned(booking=None, *workloads, **options):
    return recommend(
        workloads or (chat(), chat(1000, "plain")),
        **{
            "months": 3,
            "as_of": AS_OF,
            "models": ["kimi-k2"],
            "n_paths": 400,
            "booking": booking,
            **options,
        },
    )


BOOKINGS = st.builds(
    Booking,
    book=st.sampled_from(["mean", "p50", "p80", "p90"]),
    contingency_percent=st.sampled_from([0, 5, Decimal("12.5")]),
)


def cents(amount):
    return usd(amount).replace(",", "")


@settings(max_examples=8, deadline=None)
@given(booking=BOOKINGS, level=st.sampled_from([1000, RANGE]))
def test_the_bookable_number_is_the_same_in_every_form(tmp_path_factory, booking, level):
    """Text, Markdown, HTML, workbook, JSON, FOCUS and reconcile state one amount, to the cent."""
    plan = planned(booking, chat(level), chat(1000, "plain"))
    number = booked(plan.projection, plan.best)
    amount = cents(number.usd)
    files = rendered(plan, ["html", "xlsx", "markdown", "json", "focus"])
    assert f"To book: {usd(number.usd)} USD ({booking.words})" in files["report.md"].decode()
    assert f"To book: {usd(number.usd)} USD ({booking.words})" in files["report.html"].decode()
    data = json.loads(files["report.json"])
    assert cents(Decimal(data["bookable"]["usd"])) == amount
    assert total(Decimal(row["usd"]) for row in data["bookable"]["parts"]) == number.usd
    rows = csv.DictReader(io.StringIO(files["focus.csv"].decode()))
    assert total(Decimal(row["BilledCost"]) for row in rows) == number.usd
    sheet = openpyxl.load_workbook(io.BytesIO(files["report.xlsx"]), data_only=True)["Summary"]
    cells = list(sheet.iter_rows(values_only=True))
    whole = [one[0] for one in cells].index("whole plan")
    assert (cells[whole - 1][1], cents(cells[whole][1])) == ("to book", amount)
    assert any(str(one[0]).endswith(f"to book: {booking.words}.") for one in cells)
    path = tmp_path_factory.mktemp("plan") / "plan.json"
    path.write_bytes(files["report.json"])
    log = [
        {"timestamp": f"{month}-{day:02d}", "model": "kimi-k2", "prompt_tokens": 10, "team": name}
        | {"completion_tokens": 1}
        for month in plan.projection.months
        for day in (1, month.days)
        for name in plan.best
    ]
    frame = pd.DataFrame(log)
    for source in (plan.projection, path):
        held = reconcile(source, frame, workload="team", choice=plan.best)
        assert cents(held.planned_usd) == amount
        assert held.planned_usd + held.difference_usd == held.actual_usd


def test_a_percentile_is_of_the_total_and_its_parts_add_up():
    """P80 of all months and workloads together, not a sum of percentiles; contingency comes on top."""
    plan = planned(Booking(book="p80", contingency_percent=10))
    paths = plan.projection.mix(plan.best).over_months().usd[0]
    number = plan.booked
    assert float(number.usd) == pytest.approx(np.quantile(paths, 0.8) * 1.1, abs=1e-6)
    assert total(number.by_month.values()) == total(number.by_workload.values()) == number.usd
    mean = plan.projection.mix(plan.best).mean()
    assert [float(one) for one in number.by_month.values()] == pytest.approx(
        (mean / mean.sum() * float(number.usd)).tolist(), abs=1e-5
    )


def test_plain_numbers_are_booked_to_the_last_digit():
    """Nothing is uncertain, so every percentile is the bill; contingency multiplies it exactly."""
    bill = sum(  # calls of each day at the card's prices
        Decimal(days * 1000) * (1800 * Decimal("1.20") + 250 * Decimal("3.60")) / 10**6
        for days in (31, 31, 28)
    )
    for book in ("mean", "p50", "p80"):
        number = planned(Booking(book=book, contingency_percent="7.5"), chat(1000)).booked
        assert number.usd == bill * Decimal("1.075")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"book": "p100"}, 'Give "mean"'),
        ({"book": 80}, 'Give "mean"'),
        ({"contingency_percent": -1}, "percent from 0"),
        ({"contingency_percent": "much"}, "percent from 0"),
    ],
)
def test_what_cannot_be_booked_is_refused(values, said):
    """A number that is no percentile, or no percentage, is named with what may stand there."""
    with pytest.raises(SettingError, match=said):
        Booking(**values)


def test_the_sentence_says_month_and_year_apart():
    """The total, the average month and the dearest month are told apart, by name."""
    words = planned(None, chat(1000)).booked.sentence
    assert words == (
        "To book: 275.40 USD (mean) over 3 months, 2026-12 to 2027-02: 91.80 in the average month, "
        "94.86 in the dearest, 2026-12."
    )


def test_one_month_has_no_average():
    """A plan of one month states that month alone."""
    assert planned(None, chat(1000), months=1).booked.sentence == (
        "To book: 94.86 USD (mean) in 2026-12."
    )


def test_nothing_is_booked_without_a_model():
    """A plan none of whose workloads has a model books nothing, and says so."""
    plan = planned(None, chat(1000))
    assert booked(plan.projection, {}).sentence.endswith("nothing to book.")
    assert project(chat(1000), 1, models="kimi-k2", as_of=AS_OF).booking.is_expected


def test_average_and_dearest_month_stand_apart_beside_a_budget():
    """A budget holds for any month, so the month that breaks it stands there, and not the average alone."""
    load = replace(chat(), growth_per_month=Decimal("0.02"))
    spend = planned(None, load, months=12).projection.of("kimi-k2", "chat")
    average = float(spend.over_months().quantile(0.9)[0]) / 12
    month, dearest = spend.worst_month(0.9)
    budget = round((average + float(dearest)) / 2)
    plan = planned(None, replace(load, budget_usd_per_month=budget), months=12)
    table = budgets_table(plan)
    row = dict(zip(table.headers, table.rows[0], strict=True))
    assert row["average month P90"] == usd(average)
    assert average < budget
    assert row["dearest month P90"] == f"{usd(dearest)} in {plan.projection.months[month]}"
    assert dearest > budget
    assert float(row[OVER_BUDGET].rstrip("%")) > 10
    single = planned(None, replace(load, budget_usd_per_month=budget), months=1)
    assert "average" not in " ".join(budgets_table(single).headers)
