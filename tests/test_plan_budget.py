"""The budget matrix: parts, sums, budgets and what is over them, against sums made by hand."""

import csv
import io
import json
from datetime import date
from decimal import Decimal

import openpyxl
import pytest

from kimi_planner import KimiPlannerError, Workload, load_workloads, project, recommend
from kimi_planner.plan import Booking, approved_toml, booked, budget_matrix, read_plan
from kimi_planner.report.budget import budget_sentence, budget_tables, span_name
from kimi_planner.report.write import rendered

AS_OF = date(2026, 11, 24)
A_DAY = Decimal("1.2") * 2 + Decimal("3.6") / 2  # USD of 1,000 calls of 2,000 and 500 tokens


def calls(name, a_day=1000, **fields):
    return Workload(
        name=name, requests_per_day=a_day, prompt_tokens=2000, completion_tokens=500, **fields
    )


def matrix_of(*workloads, months=12, start="2027-01", booking=None):
    plan = project(
        workloads, months, start, "kimi-k2", AS_OF, n_paths=200, catalog="2026-06", booking=booking
    )
    return budget_matrix(plan, dict.fromkeys(plan.names, "kimi-k2"))


def test_a_year_has_months_quarters_and_one_total():
    """Each quarter stands after its last month and adds up its days; the total is the year."""
    matrix = matrix_of(calls("w"))
    names = [span.name for span in matrix.spans]
    assert names[:5] == ["2027-01", "2027-02", "2027-03", "2027 Q1", "2027-04"]
    assert names[-2:] == ["2027 Q4", "total"]
    assert len(names) == 12 + 4 + 1
    amounts = dict(zip(names, map(matrix.total.usd, matrix.spans), strict=True))
    assert amounts["2027-02"] == 28 * A_DAY
    assert amounts["2027 Q1"] == 90 * A_DAY
    assert amounts["total"] == 365 * A_DAY


def test_parts_of_quarters_and_years_say_so():
    """A plan across two years has a column for each of them; a part of a quarter says how much of it."""
    matrix = matrix_of(calls("w"), months=14, start="2026-11")
    names = [span_name(span) for span in matrix.spans]
    assert "2026 Q4 (2 months)" in names
    assert "2026 (2 months)" not in names  # its two months stand beside it, with their sum
    assert names[-2:] == ["2027", "total"]
    one = matrix_of(calls("w"), months=1)
    assert [span.name for span in one.spans] == ["2027-01"]


def test_budget_variance_and_head_room():
    """A budget holds for each month; variance is booked less budget, head-room what the dearest leaves."""
    low, none = calls("low", budget_usd_per_month=125), calls("none", 10)
    matrix = matrix_of(low, none, months=3)
    row, without = matrix.rows
    assert row.budget(matrix.whole) == 375
    assert row.variance(matrix.whole) == 90 * A_DAY - 375
    assert row.head_room == (125 - 31 * A_DAY, "2027-01")
    assert without.variance(matrix.whole) is without.head_room is None
    assert matrix.total.budget(matrix.whole) is None  # not the sum of those that are known
    [table] = budget_tables(matrix)
    february, march = (table.headers.index(name) for name in ("2027-02", "2027-03"))
    assert table.rows[0][february] == "117.60"
    assert table.rows[0][march] == "130.20 !"
    assert table.rows[1][-4:] == ("no budget", "", "", "")
    assert "! stands after" in budget_sentence(matrix)


def test_owners_and_cost_centres_are_added_up():
    """Workloads of one owner and cost centre are one row; what is not stated is named so."""
    matrix = matrix_of(
        calls("a", owner="Care", cost_centre="4711", budget_usd_per_month=200),
        calls("b", 500, owner="Care", cost_centre="4711", budget_usd_per_month=100),
        calls("c"),
        months=2,
    )
    assert [row.name for row in matrix.by_cost_centre] == ["c", "a, b"]
    both = matrix.by_cost_centre[1]
    assert both.usd(matrix.whole) == 59 * A_DAY * Decimal("1.5")
    assert both.budget(matrix.whole) == 600
    by_workload, by_centre = budget_tables(matrix)
    assert by_workload.rows[2][:4] == ("c", "not stated", "not stated", "kimi-k2")
    assert by_centre.rows[1][:3] == ("4711", "Care", "a, b")
    assert matrix_of(calls("a")).by_cost_centre == ()


@pytest.mark.parametrize("book", ["mean", "p80"])
def test_the_matrix_is_the_bookable_number(book):
    """Rows, columns and totals are those of the bookable number, to the last digit."""
    number = Booking(book=book, contingency_percent=10)
    plan = recommend(load_workloads(), months=7, as_of=AS_OF, n_paths=300, booking=number)
    whole = booked(plan.projection, plan.best)
    matrix = plan.budget_matrix
    assert matrix.total.usd(matrix.whole) == whole.usd
    assert matrix.total.by_month == whole.by_month
    assert {row.name: row.usd(matrix.whole) for row in matrix.rows} == whole.by_workload
    frame = matrix.frame
    months = frame[(frame["level"] == "month") & (frame["workload"] != "all")]
    assert sum(months["usd"]) == pytest.approx(whole.usd)
    assert number.words in matrix.sentence


@pytest.mark.parametrize("field", ["owner", "cost_centre"])
def test_labels_are_short_text(field):
    """An owner or a cost centre is a line of text; a number or a break is refused by its name."""
    assert getattr(calls("w", **{field: "4711"}), field) == "4711"
    for value in (4711, "a\nb", "x" * 300):
        with pytest.raises(KimiPlannerError, match=field):
            calls("w", **{field: value})


def test_credits_and_tax_are_lines_below_what_is_booked():
    """A credit takes off at most what is booked, tax is on the rest; budgets are held without them."""
    number = Booking(tax_percent=19, credit_usd_per_month=100)
    late = calls("w", starts_on="2027-01-16", budget_usd_per_month=125)
    matrix = matrix_of(late, months=2, booking=number)
    january, february = 16 * A_DAY, 28 * A_DAY
    assert january < 100 < february
    [first, second, _] = matrix.spans
    off = {first.name: january, second.name: Decimal(100)}
    for span, booked_usd in ((first, january), (second, february)):
        credit, tax, pay = matrix.lines(span).values()
        assert credit == -off[span.name]
        assert tax == (booked_usd - off[span.name]) * Decimal("0.19")
        assert pay == booked_usd + credit + tax
    assert matrix.lines(matrix.whole)["to pay"] == sum(
        matrix.lines(one)["to pay"] for one in (first, second)
    )
    assert matrix.rows[0].variance(matrix.whole) == january + february - 250
    [table] = budget_tables(matrix)
    assert [row[0] for row in table.rows[-3:]] == ["credits", "tax, 19%", "to pay"]
    lines = matrix.frame[matrix.frame["line"] != "booked"]
    assert list(lines["line"].unique()) == ["credits", "tax, 19%", "to pay"]
    assert not matrix_of(calls("w"), months=2).has_lines


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [("tax_percent", 101, "from 0 to 100"), ("tax_percent", "a lot", "Give a number of percent"),
     ("credit_usd_per_month", -1, "Give a number of USD from 0 to")],
)  # fmt: skip
def test_tax_and_credits_have_bounds(field, value, words):
    """What cannot be is named with what is allowed."""
    with pytest.raises(KimiPlannerError, match=words) as caught:
        Booking(**{field: value})
    assert str(caught.value).startswith(f"{field} is ")


def approved(plan, path):
    """Write an approved plan and return its path."""
    text = approved_toml(plan.projection, plan.best, folder=path.parent, to=path.parent)
    path.write_text(text, encoding="utf-8")
    return path


def test_every_form_has_credits_and_tax(tmp_path):
    """The file's tax and credit are read, kept by an approved plan, and stand in each form."""
    path = tmp_path / "w.toml"
    path.write_text(
        'tax_percent = 19\ncredit_usd_per_month = 10.5\n[[workload]]\nname = "w"\nmodel = "kimi-k2"\n'
        "requests_per_day = 1000\nprompt_tokens = 2000\ncompletion_tokens = 500\n", encoding="utf-8",
    )  # fmt: skip
    file = read_plan(path)
    settings = {"months": 2, "start": "2027-01", "as_of": AS_OF, "catalog": "2026-06"}
    plan = recommend(file.workloads, **settings, booking=file.booking)
    assert read_plan(approved(plan, tmp_path / "plan.toml")).booking == file.booking
    files = rendered(plan, ("markdown", "html", "csv", "json", "focus", "xlsx"))
    pay = 59 * A_DAY - 21 + (59 * A_DAY - 21) * Decimal("0.19")
    assert plan.budget_matrix.lines(plan.budget_matrix.whole)["to pay"] == pay
    for name in ("report.md", "report.html"):
        assert f"{pay:,.2f}" in files[name].decode()
    rows = [*csv.DictReader(io.StringIO(files["budget.csv"].decode()))]
    assert {row["usd"] for row in rows if (row["line"], row["period"]) == ("to pay", "total")} == {
        f"{pay.normalize():f}"
    }
    data = json.loads(files["report.json"])["budget"]["rows"]
    assert [row["usd"] for row in data if (row["line"], row["period"]) == ("credits", "total")] == [
        "-21.0"
    ]
    focus = [*csv.DictReader(io.StringIO(files["focus.csv"].decode()))]
    assert sum(Decimal(row["BilledCost"]) for row in focus) == pay
    assert {row["ChargeCategory"] for row in focus} == {"Usage", "Credit", "Tax"}
    assert all(not row["PricingQuantity"] for row in focus if row["ChargeCategory"] != "Usage")
    sheet = openpyxl.load_workbook(io.BytesIO(files["report.xlsx"]), data_only=True)["Budget"]
    [cells] = (row for row in sheet.iter_rows(values_only=True) if row[0] == "to pay")
    assert float(pay) in [pytest.approx(cell) for cell in cells if isinstance(cell, float)]
