"""One report, one set of numbers: every form of generated plans, read back and compared cell by cell."""

import csv
import html
import io
import json
import re
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser
from random import Random

import openpyxl
import pytest

from kimi_planner import Workload, load_catalog, recommend
from kimi_planner.billing.meters import title_of
from kimi_planner.plan import Booking
from kimi_planner.report.budget import span_name
from kimi_planner.report.comparisons import plan_sections
from kimi_planner.report.text import plan_text
from kimi_planner.report.write import rendered

CENT = Decimal("0.01")
FORMS = ("markdown", "csv", "json", "html", "xlsx", "focus")
#: From a catalog to two of its models, the dearer one first.
MODELS = {"2026-06": ("kimi-k2-5", "kimi-k2"), "2026-11-public-3": ("kimi-k3", "kimi-k2.6")}


def workload(rng, number, models, budgets):
    """Return a workload with some of all that moves money: ranges, growth, a launch, a price change."""
    level = rng.choice([700, 5000, 40_000])
    plain = {
        "completion_tokens": rng.choice([90, 400]),
        "prompt_tokens": rng.choice([650, 2500, 12_000]),
    }
    some = {
        "requests_per_day": rng.choice([level, {"p10": 0.8 * level, "p50": level, "p90": 1.4 * level}]),
        "growth_per_month": rng.choice([0, 0.04, {"p10": 0, "p50": 0.03, "p90": 0.08}]),
        "certainty": rng.choice([None, "estimate"]),
        "events": rng.choice([(), ({"name": "launch", "from": "2027-01-12", "to": "2027-02-14", "factor": 2.5},)]),
        "starts_on": rng.choice([None, "2027-01-05"]),
        "cached_share": rng.choice([None, 0.35]),
        "reasoning_tokens": rng.choice([None, 300]),
        "owner": rng.choice(["", "Care & Co"]),
        "budget_usd_per_month": rng.choice([300, 3000, 30_000]) if budgets else None,
    }  # fmt: skip
    return Workload(
        name=f"{rng.choice(['chat', 'a_b|c', '*x*'])} {number}", model=rng.choice(models),
        price_changes=({"date": "2027-02-15", "factor": 0.9},), **plain,
        **{key: value for key, value in some.items() if value is not None},
    )  # fmt: skip


@pytest.fixture(scope="module", params=range(6))
def report(request):
    """Return a plan and its report in every form, in other currencies at rates, and at a list if there is one."""
    rng, version = Random(request.param), list(MODELS)[request.param % 2]
    catalog = load_catalog(version).in_currency("EUR", rate="0.92", on=date(2026, 11, 24))
    catalog = catalog.in_currency("EUR", rate="0.875", on=date(2027, 2, 1))
    catalog = catalog.in_currency("GBP", rate="0.79", on=date(2026, 11, 24))
    if catalog.list_prices:
        catalog = catalog.with_list("CNY")
    booking = Booking(
        book=rng.choice(["mean", "p80"]), contingency_percent=rng.choice([0, 5]),
        tax_percent=rng.choice([0, 19]), credit_usd_per_month=rng.choice([0, 200]),
    )  # fmt: skip
    budgets = rng.random() < 0.8
    loads = [workload(rng, n, MODELS[version], budgets) for n in range(rng.randint(1, 4))]
    plan = recommend(
        loads, months=rng.choice([1, 3, 12, 14]), start="2027-01", as_of=date(2026, 11, 24),
        n_paths=400, models=list(MODELS[version]), catalog=catalog, booking=booking,
    )  # fmt: skip
    sections = plan_sections(plan)
    return plan, sections, rendered(plan, FORMS, sections=sections)


class Page(HTMLParser):
    """Collects the tables of a page that stand in it without a script, each with its caption or heading."""

    def __init__(self, page):
        super().__init__()
        self.tables, self.text, self.is_panel, self.heading = [], None, False, ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag == "section":
            self.is_panel = dict(attrs).get("id") == "what-if"
        elif tag == "table" and not self.is_panel:
            self.tables.append([self.heading, []])
        elif tag == "tr" and not self.is_panel:
            self.tables[-1][1].append([])
        elif tag in ("td", "th", "caption", "h2"):
            self.text = ""

    def handle_endtag(self, tag):
        if tag in ("td", "th", "caption", "h2") and self.text is not None:
            if tag == "h2":
                self.heading = self.text
            elif not self.is_panel and tag == "caption":
                self.tables[-1][0] = self.text
            elif not self.is_panel:
                self.tables[-1][1][-1].append(self.text.strip())
            self.text = None

    def handle_data(self, data):
        if self.text is not None:
            self.text += data


def unescaped(text):
    return html.unescape(re.sub(r"\\(.)", r"\1", text.strip()))


def markdown_tables(text):
    """Return the tables of Markdown, each with the line above it."""
    tables, above = [], ""
    for line in text.splitlines():
        if line.startswith("|"):
            if not tables or tables[-1][0] is not above:
                tables.append((above, []))
            cells = [unescaped(cell) for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            if not set("".join(cells)) <= set("-: "):
                tables[-1][1].append(cells)
        elif line:
            above = unescaped(line).removeprefix("## ")
    return tables


def amount(text):
    """Return the number of a cell, its mark left out."""
    return Decimal(text.removesuffix(" !").replace(",", "").replace("+", ""))


def is_same(text, number):
    """Tell whether a cell is a number, rounded to the cent; JSON has rounded to a millionth before."""
    return abs(amount(text) - Decimal(str(number))) <= CENT / 2 + Decimal("1e-6")


def records(content):
    return list(csv.DictReader(io.StringIO(content.decode())))


def table(report, title):
    """Return the rows of the first table of Markdown with a title that begins so; its own currency comes first."""
    tables = markdown_tables(report[2]["report.md"].decode())
    return next(rows for above, rows in tables if above.startswith(title))


def test_page_and_markdown_are_the_same_tables(report):
    """The page has every table of Markdown and no other, in its order, with every cell."""
    _, _, files = report
    page = [(title, rows) for title, rows in Page(files["report.html"].decode()).tables]
    assert len(page) > 8
    for (title, rows), (above, cells) in zip(
        page, markdown_tables(files["report.md"].decode()), strict=True
    ):
        assert title == above
        assert rows == cells


def test_terminal_has_the_same_tables(report):
    """Spend of workloads on models, and every table of another currency, row by row."""
    plan, sections, _ = report
    lines = {" ".join(line.split()) for line in plan_text(plan, sections).splitlines()}
    wanted = [table(report, "USD "), *(rows for part in sections for rows in tables_of(part))]
    for rows in wanted:
        for row in rows:
            assert " ".join(" ".join(row).split()) in lines


def tables_of(section):
    return [[one.headers, *one.rows] for one in (table.narrow for table in section.tables)]


def test_data_has_the_same_budget(report):
    """CSV and JSON have each workload, period and line exactly; Markdown rounds it to the cent."""
    plan, sections, files = report
    matrix, data = plan.budget_matrix, json.loads(files["report.json"])
    rows = {
        (row["workload"], row["period"], row["line"]): row for row in records(files["budget.csv"])
    }
    names = {span.name: span_name(span) for span in matrix.spans}
    budget = table(report, "Budget by month")
    if budget[0][1] not in names.values() and budget[0][0] == "workload":
        turned = len(matrix.spans) > 6
        budget = list(zip(*budget, strict=True)) if turned else budget
    at = {row[0]: dict(zip(budget[0], row, strict=True)) for row in budget}
    for row in data["budget"]["rows"]:
        mine = rows[row["workload"], row["period"], row["line"]]
        for name in ("usd", "budget_usd", "variance_usd"):
            assert (mine[name] or None) == row[name] or Decimal(mine[name]) == Decimal(row[name])
        line = row["workload"] if row["line"] == "booked" else row["line"]
        if line == "all" and len(plan.best) == 1:  # then it is the row of its only workload
            continue
        if line not in at:  # what is nothing in all periods has no line
            assert Decimal(row["usd"]) == 0
            continue
        assert is_same(at[line][names[row["period"]]], row["usd"])
        if line == "all" and row["budget_usd"] is not None:
            for name in ("budget", "variance"):
                assert is_same(at[name][names[row["period"]]], row[f"{name}_usd"])
    for section in sections:
        [(key, other)] = section.data.items()
        own = key.removeprefix("in_")
        for row in other["budget"]:
            mine = rows[row["workload"], row["period"], row["line"]]
            if row["workload"] != "all" or not other["missing"]:
                assert Decimal(mine[own]) == Decimal(row[own])
                assert (mine[f"budget_{own}"] or None) == row[f"budget_{own}"]


def test_data_has_the_same_spend(report):
    """JSON and CSV are one set of rows; months, meters and models of Markdown are theirs to the cent."""
    plan, sections, files = report
    data = json.loads(files["report.json"])
    for row, mine in zip(data["spend"], records(files["report.csv"]), strict=True):
        for name in ("requests", "prompt_tokens", "mean_usd", "p10_usd", "p50_usd", "p90_usd"):
            assert float(mine[name]) == row[name]
        assert (mine["exact_usd"] or None) == row["exact_usd"]
        assert (mine["planned"] == "True") is (plan.best[row["workload"]] == row["model"])
    months = table(report, "Each workload on its planned model, USD")
    for row, mine in zip(months[1:], data["together"], strict=False):
        assert row[0] == mine["month"]
        is_ranged = row[1] != "not given"
        keys = (
            ("p10_usd", "p50_usd", "p90_usd", "mean_usd") if is_ranged else ("p50_usd", "mean_usd")
        )
        for text, key in zip(row[1:] if is_ranged else (row[2], row[4]), keys, strict=True):
            assert is_same(text, mine[key])
    count = len(plan.projection.months)
    bills = [row for row in data["spend"] if plan.best[row["workload"]] == row["model"]]
    meters = table(report, "Mean spend on the planned models, USD")
    for row in meters[1 : 1 + len(plan.best)]:
        for head, text in zip(meters[0][2:-1], row[2:-1], strict=True):
            mine = [
                float(usd)
                for bill in bills
                if bill["workload"] == row[0]
                for key, usd in bill["bill_usd"].items()
                if title_of(key) == head
            ]
            assert is_same(text, sum(mine) / count)
    summary = {(row["workload"], row["model"]): row for row in data["summary"]}
    spend = table(report, "USD ")
    for row in spend[1:]:
        mine = dict(zip(spend[0], row, strict=True))
        for head in ("P10", "P50", "P90"):
            if mine[head] not in ("not given", "at least", "not known"):
                assert is_same(mine[head], summary[row[0], row[1]][f"{head.lower()}_usd_per_month"])
    for section in sections:
        [(key, other)] = section.data.items()
        own = key.removeprefix("in_")
        mine = {(row["workload"], row["model"], row["month"]): row for row in records(files["report.csv"])}  # fmt: skip
        for row in other["spend"]:
            cell = mine[row["workload"], row["model"], row["month"]]
            assert all(
                float(cell[f"{q}_{own}"]) == row[f"{q}_{own}"] for q in ("mean", "p10", "p90")
            )


def test_another_currency_is_each_month_at_its_rate(report):
    """Every amount in EUR is that in USD times the rate of its month, 0.92 and from February on 0.875."""
    _, _, files = report
    for row in records(files["report.csv"]):
        rate = 0.92 if row["month"] < "2027-02" else 0.875
        for name in ("mean", "p10", "p50", "p90"):
            assert float(row[f"{name}_eur"]) == pytest.approx(float(row[f"{name}_usd"]) * rate, abs=2e-6)  # fmt: skip
    for row in records(files["budget.csv"]):
        if row["level"] == "month":
            rate = Decimal("0.92" if row["period"] < "2027-02" else "0.875")
            assert Decimal(row["eur"]) == Decimal(row["usd"]) * rate


def test_charges_add_up_to_the_budget(report):
    """In each file of FOCUS, in its currency, the charges of a workload and month are what is booked."""
    _, _, files = report
    budget = records(files["budget.csv"])
    for name, content in files.items():
        if not name.startswith("focus"):
            continue
        own = name.removeprefix("focus").removesuffix(".csv").removeprefix("-") or "usd"
        charges = {}
        for row in records(content):
            assert row["BillingCurrency"].lower() == own
            line = {"Credit": "credits", "Tax": "tax"}.get(row["ChargeCategory"], "booked")
            key = json.loads(row["Tags"]).get("workload", "all"), row["ChargePeriodStart"][:7], line
            charges[key] = charges.get(key, 0) + Decimal(row["BilledCost"])
        wanted = {
            (row["workload"], row["period"], row["line"].partition(",")[0]): Decimal(row[own])
            for row in budget
            if row["level"] == "month" and row[own]
            if (row["workload"] == "all") is (row["line"] != "booked") and row["line"] != "to pay"
        }
        booked = {key: usd for key, usd in wanted.items() if usd}
        assert {key: usd for key, usd in charges.items() if key in booked} == booked


def test_workbook_has_the_same_values(report):
    """The budget of the workbook is that of the plan, and its other currencies are the tables of the page."""
    plan, sections, files = report
    book = openpyxl.load_workbook(io.BytesIO(files["report.xlsx"]), data_only=True)
    rows = [list(row) for row in book["Budget"].iter_rows(values_only=True)]
    start = next(n for n, row in enumerate(rows) if row[0] == "workload")
    cells = {row[0]: dict(zip(rows[start], row, strict=True)) for row in rows[start + 1 :]}
    matrix = plan.budget_matrix
    every = matrix.rows if len(matrix.rows) == 1 else (*matrix.rows, matrix.total)
    for row in every:
        for span in matrix.spans:
            assert cells[row.name][span_name(span)] == pytest.approx(float(row.usd(span)), abs=1e-4)
        if row.budgets is not None:
            figures = (row.budget(matrix.whole), row.variance(matrix.whole), row.head_room[0])
            for head, usd in zip(("budget", "variance", "head-room"), figures, strict=True):
                assert cells[row.name][head] == pytest.approx(float(usd), abs=1e-4)
    summary = {row[0]: row for row in book["Summary"].iter_rows(values_only=True)}
    for exchange in plan.projection.catalog.exchanges:
        shown = matrix.at_rates(exchange)
        total, whole = shown.total, shown.whole
        to_book, budget, variance = summary[f"in {exchange.currency}"][1:4]
        assert to_book == pytest.approx(float(total.usd(whole)), abs=1e-4)
        if total.budgets is None:
            assert (budget, variance) == ("not told", None)
        else:
            assert budget == pytest.approx(float(total.budget(whole)), abs=1e-4)
            assert variance == pytest.approx(float(total.variance(whole)), abs=1e-4)
    found = {
        value if isinstance(value, str) else round(Decimal(str(value)), 2)
        for sheet in book.sheetnames
        if sheet.startswith(("In ", "Beside"))
        for row in book[sheet].iter_rows(values_only=True)
        for value in row
        if value is not None
    }
    for rows in (rows for section in sections for rows in tables_of(section)):
        for text in (cell for row in rows for cell in row if cell):
            is_amount = re.fullmatch(r"[+-]?[\d,]+\.\d\d( !)?", text)
            assert text in found or (is_amount and amount(text) in found)


def test_prices_are_listed_of_the_models_in_play(report):
    """A report on two models lists the prices of these two, not of the whole catalog."""
    plan, _, _ = report
    assert [row[0] for row in table(report, "Prices in USD")[1:]] == list(plan.projection.models)


def test_ranges_and_chances_are_the_same(report):
    """The workbook's ranges of workloads and months, and its chances, are those of JSON."""
    plan, _, files = report
    data = json.loads(files["report.json"])
    book = openpyxl.load_workbook(io.BytesIO(files["report.xlsx"]), data_only=True)
    rows = {}
    for row in book["Risk"].iter_rows(values_only=True):
        key = f"{row[0]:%Y-%m}" if hasattr(row[0], "date") else row[0]
        rows.setdefault(key, row)
    chosen = [one for one in data["summary"] if plan.best.get(one["workload"]) == one["model"]]
    assert len(chosen) == len(plan.best)
    for one in chosen:
        _, _, _, mean, *ends, _, budget, chance = rows[one["workload"]][:10]
        stated = [one[f"{name}_usd"] for name in ("p10", "p50", "p90")]
        assert mean == pytest.approx(one["mean_usd"], abs=0.005)
        assert ends == (
            pytest.approx(stated, abs=0.005) if one["range_given"] else ["range not given"] * 3
        )
        if one["budget_usd_per_month"] is not None:
            assert budget == float(one["budget_usd_per_month"])
            assert chance == pytest.approx(one["chance_over_budget"], abs=1e-6)
    for one in data["together"]:
        stated = [one[f"{name}_usd"] for name in ("mean", "p10", "p50", "p90")]
        assert list(rows[one["month"]][3:7]) == pytest.approx(stated, abs=0.005)
