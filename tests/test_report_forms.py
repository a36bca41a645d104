"""One report, one set of numbers: what each form says of the budget, read back and compared."""

import csv
import io
import json
import re
from decimal import Decimal
from html.parser import HTMLParser

import openpyxl
import pytest
from planned import budget_meeting

from kimi_planner.plan import Booking
from kimi_planner.report.budget import span_name
from kimi_planner.report.write import rendered

CENT = Decimal("0.01")


class Tables(HTMLParser):
    """Collects the rows of every table of a page."""

    def __init__(self, page):
        super().__init__()
        self.rows, self.cell = [], None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.cell = ""

    def handle_endtag(self, tag):
        if tag in ("td", "th") and self.cell is not None:
            self.rows[-1].append(self.cell.strip())
            self.cell = None

    def handle_data(self, data):
        if self.cell is not None:
            self.cell += data


def amount(text):
    """Return the number of a cell, its mark left out."""
    return Decimal(text.removesuffix(" !").replace(",", "").replace("+", ""))


@pytest.fixture(
    scope="module",
    params=[("2026-06", "mean"), ("2026-06", "p80"), ("2026-11-public-3", "mean")],
    ids="-".join,
)
def report(request):
    """Return the plan of a budget meeting and its report in every form."""
    catalog, book = request.param
    plan = budget_meeting(catalog, booking=Booking(book=book, contingency_percent=5))
    return plan, rendered(plan, ("markdown", "csv", "json", "html", "xlsx", "focus"))


NAMES = ("chat", "coding", "drafts", "images", "all")


def matrix_in(rows):
    """Return the budget by workload and column from rows of text, whichever way it is turned."""
    found = {}
    for at, row in enumerate(rows):
        if row[:1] == ["workload"] and "total" in row:
            for line in rows[at + 1 : at + 7]:
                found |= {(line[0], head): cell for head, cell in zip(row, line, strict=True)}
            return found
        if row[:6] == ["workload", *NAMES]:
            for line in rows[at + 1 : at + 25]:
                found |= {
                    (name, line[0]): cell for name, cell in zip(NAMES, line[1:], strict=False)
                }
            return found
    return found


def test_every_form_has_the_same_budget(report):
    """Markdown, page, CSV, JSON, workbook and FOCUS say the same of each workload, month and sum."""
    plan, files = report
    matrix = plan.budget_matrix
    spans = {span.name: span_name(span) for span in matrix.spans}
    exact = {
        (row.name, span.name): row.usd(span)
        for row in (*matrix.rows, matrix.total)
        for span in matrix.spans
    }
    lines = files["report.md"].decode().splitlines()
    markdown = [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in lines
        if line.startswith("|")
    ]
    for rows in (markdown, Tables(files["report.html"].decode()).rows):
        shown = matrix_in(rows)
        for (name, span), usd in exact.items():
            assert abs(amount(shown[name, spans[span]]) - usd) <= CENT / 2, (name, span)
    rows = list(csv.DictReader(io.StringIO(files["budget.csv"].decode())))
    assert {(row["workload"], row["period"]): Decimal(row["usd"]) for row in rows} == exact
    data = json.loads(files["report.json"])["budget"]["rows"]
    assert {(row["workload"], row["period"]): Decimal(row["usd"]) for row in data} == exact
    sheet = openpyxl.load_workbook(io.BytesIO(files["report.xlsx"]), data_only=True)["Budget"]
    book = [
        ["" if one is None else one for one in row] for row in sheet.iter_rows(values_only=True)
    ]
    at = next(n for n, row in enumerate(book) if row[0] == "workload")
    for row in book[at + 1 : at + 6]:
        for span, head in spans.items():
            value = row[book[at].index(head)]
            assert value == pytest.approx(float(exact[row[0], span]), abs=1e-4)
    charges = {}
    for row in csv.DictReader(io.StringIO(files["focus.csv"].decode())):
        key = json.loads(row["Tags"])["workload"], row["ChargePeriodStart"][:7]
        charges[key] = charges.get(key, 0) + Decimal(row["BilledCost"])
    months = {
        key: usd
        for key, usd in exact.items()
        if re.fullmatch(r"\d{4}-\d\d", key[1]) and key[0] != "all"
    }
    assert charges == {key: usd for key, usd in months.items() if usd}


def test_every_form_has_the_same_budgets_and_variances(report):
    """Budget, variance and head-room of each workload are one number in text, data and workbook."""
    plan, files = report
    matrix = plan.budget_matrix
    found = matrix_in(Tables(files["report.html"].decode()).rows)
    rooms = {
        one["workload"]: one for one in json.loads(files["report.json"])["budget"]["head_room"]
    }
    sheet = openpyxl.load_workbook(io.BytesIO(files["report.xlsx"]), data_only=True)["Budget"]
    book = [list(row) for row in sheet.iter_rows(values_only=True)]
    start = next(n for n, row in enumerate(book) if row[0] == "workload")
    cells = {
        row[0]: dict(zip(book[start], row, strict=True)) for row in book[start + 1 : start + 6]
    }
    for row in (*matrix.rows, matrix.total):
        budget, variance = row.budget(matrix.whole), row.variance(matrix.whole)
        room, month = row.head_room
        for head, usd in (("budget", budget), ("variance", variance), ("head-room", room)):
            assert abs(amount(found[row.name, head]) - usd) <= CENT / 2
            assert cells[row.name][head] == pytest.approx(float(usd), abs=1e-4)
        assert found[row.name, "in"] == month
        assert (Decimal(rooms[row.name]["usd"]), rooms[row.name]["month"]) == (room, month)
    over = {row.name for row in matrix.rows if row.head_room[0] < 0}
    assert "chat" in over
    assert {one.workload for one in plan.over_budget} <= over


def test_prices_are_listed_of_the_models_in_play(report):
    """A report on two models lists the prices of these two, not of the whole catalog."""
    plan, files = report
    lines = files["report.md"].decode().split("## Prices")[1].splitlines()
    models = [line.split("|")[1].strip() for line in lines if line.startswith("|")][2:]
    assert sorted(models) == sorted(plan.projection.models)


def test_ranges_and_chances_are_the_same(report):
    """The workbook's ranges of workloads and months, and its chances, are those of JSON."""
    plan, files = report
    data = json.loads(files["report.json"])
    book = openpyxl.load_workbook(io.BytesIO(files["report.xlsx"]), data_only=True)
    rows = {}
    for row in book["Risk"].iter_rows(values_only=True):
        key = f"{row[0]:%Y-%m}" if hasattr(row[0], "date") else row[0]
        rows.setdefault(key, row)
    chosen = [one for one in data["summary"] if plan.best.get(one["workload"]) == one["model"]]
    assert len(chosen) == 4
    for one in chosen:
        _, _, _, mean, *ends, _, budget, chance = rows[one["workload"]][:10]
        stated = [one[f"{name}_usd"] for name in ("p10", "p50", "p90")]
        assert mean == pytest.approx(one["mean_usd"], abs=0.005)
        assert ends == (
            pytest.approx(stated, abs=0.005) if one["range_given"] else ["range not given"] * 3
        )
        assert budget == float(one["budget_usd_per_month"])
        assert chance == pytest.approx(one["chance_over_budget"], abs=1e-6)
    for one in data["together"]:
        stated = [one[f"{name}_usd"] for name in ("mean", "p10", "p50", "p90")]
        assert list(rows[one["month"]][3:7]) == pytest.approx(stated, abs=0.005)
