"""What a finance lead asks of a report, answered from each of its files alone, for a fiscal year."""

import csv
import html
import io
import json
import re
import tomllib
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from planned import insurer_year

from kimi_planner import recommend
from kimi_planner.money import signed_usd, usd
from kimi_planner.report.first_screen import first_screen
from kimi_planner.report.text import plan_text
from kimi_planner.report.write import rendered

FILE = Path(__file__).parent / "data" / "insurer-year.toml"
FORMS = ("markdown", "csv", "json", "html", "xlsx", "focus")
QUARTERS = ("2027 Q2", "2027 Q3", "2027 Q4", "2028 Q1")


@pytest.fixture(scope="module", params=["2026-06", "2026-11-public-3"])
def report(request):
    plan = insurer_year(request.param)
    return plan, rendered(plan, FORMS)


def records(content):
    return list(csv.DictReader(io.StringIO(content.decode())))


def cells(files):
    """Return the rows of each sheet of the workbook, as values."""
    book = openpyxl.load_workbook(io.BytesIO(files["report.xlsx"]), data_only=True)
    return {
        name: [[*row] for row in book[name].iter_rows(values_only=True)] for name in book.sheetnames
    }


def texts(files):
    """Return what people read in words in each form, on one line."""
    page = re.sub(r"<(script|style).*?</\1>", "", files["report.html"].decode(), flags=re.S)
    found = {
        "report.md": re.sub(r"\\(.)", r"\1", html.unescape(files["report.md"].decode())),
        "report.html": html.unescape(re.sub(r"<[^>]*>", "", page)),
        "statements.csv": " ".join(row["words"] for row in records(files["statements.csv"])),
        "report.xlsx": " ".join(
            str(cell) for rows in cells(files).values() for row in rows for cell in row if cell
        ),
    }
    return {name: " ".join(text.split()) for name, text in found.items()}


def booked_by(plan, key):
    """Return what is booked for the workloads of each owner or cost centre, added up by hand."""
    sums = defaultdict(Decimal)
    for (name, month), amount in plan.booked.cells.items():
        [load] = (one for one in plan.workloads if one.name == name)
        sums[getattr(load, key), month] += amount
    return sums


def test_what_the_year_and_each_quarter_cost(report):
    """Each file has the number to book, and its quarters, which are the sums of their months."""
    plan, files = report
    whole, months = plan.booked.usd, plan.booked.by_month
    quarters = [sum(list(months.values())[at : at + 3]) for at in range(0, 12, 3)]
    assert sum(quarters) == whole
    for text in texts(files).values():
        assert f"To book: {usd(whole)} USD (P80 plus 5% contingency)" in text
    rows = {row["period"]: row for row in records(files["budget.csv"]) if row["workload"] == "all"}
    data = json.loads(files["report.json"])["budget"]["rows"]
    stated = {row["period"]: row for row in data if row["workload"] == "all"}
    sheet = next(row for row in cells(files)["Budget"] if row[0] == "all")
    heads = next(row for row in cells(files)["Budget"] if row[0] == "workload")
    charged = defaultdict(Decimal)
    for row in records(files["focus.csv"]):
        year, month = row["ChargePeriodStart"].split("-")[:2]
        charged[f"{year} Q{(int(month) + 2) // 3}"] += Decimal(row["BilledCost"])
    table = files["report.md"].decode().partition("\nBudget by month\n")[2].partition("\n\n#")[0]
    for name, amount in zip((*QUARTERS, "total"), (*quarters, whole), strict=True):
        assert Decimal(rows[name]["usd"]) == Decimal(stated[name]["usd"]) == amount
        assert sheet[heads.index(name)] == pytest.approx(float(amount), abs=0.005)
        if name != "total":
            assert charged[name] == amount
        assert usd(amount) in next(
            line for line in table.splitlines() if line.startswith(f"| {name} ")
        )


@pytest.mark.parametrize("key", ["owner", "cost_centre"])
def test_what_each_owner_and_cost_centre_pays(report, key):
    """An owner with two cost centres is one sum in each file, and each cost centre is one."""
    plan, files = report
    wanted = booked_by(plan, key)
    totals = defaultdict(Decimal)
    for (name, _), amount in wanted.items():
        totals[name] += amount
    assert len(totals) == (3 if key == "owner" else 4)
    title = f"Budget by {key.replace('_', ' ')}"
    for name in ("report.md", "report.html"):
        part = (
            files[name]
            .decode()
            .partition(f"\n{title}\n" if name == "report.md" else f">{title}<")[2]
        )
        assert all(usd(amount) in part.partition("## ")[0].partition("</table>")[0] for amount in totals.values())  # fmt: skip
    charged = defaultdict(Decimal)
    for row in records(files["focus.csv"]):
        charged[json.loads(row["Tags"])[key], row["ChargePeriodStart"][:7]] += Decimal(row["BilledCost"])  # fmt: skip
    assert charged == wanted
    sheet = cells(files)["Budget"]
    begin = next(at for at, row in enumerate(sheet) if row[0] == f"By {title.removeprefix('Budget by ')}")  # fmt: skip
    heads, column = sheet[begin + 1], 1 if key == "owner" else 2
    rows = {row[column]: row for row in sheet[begin + 2 : begin + 2 + len(totals)]}
    for name, amount in totals.items():
        assert rows[name][heads.index("total")] == pytest.approx(float(amount), abs=0.005)


def test_who_is_over_when_and_how_sure_that_is(report):
    """Each file names the workload over its budget, its first month, and the share of paths over it."""
    plan, files = report
    [over] = plan.over_budget
    spend = plan.projection.of(plan.best["policy-assistant"], "policy-assistant")
    p50 = [float(one) for one in spend.quantile(0.5)]
    assert over.workload == "policy-assistant"
    assert list(over.months) == [str(month) for month, one in zip(plan.projection.months, p50, strict=True) if one > 1300]  # fmt: skip
    assert over.months[0] == "2027-07"
    assert float(over.gap_usd) == pytest.approx(max(p50) - 1300)
    booked = {
        month: usd for (name, month), usd in plan.booked.cells.items() if name == over.workload
    }
    above = [month for month, amount in booked.items() if amount > 1300]
    for text in texts(files).values():
        assert over.words in text
        assert f"policy-assistant is booked above its budget in {len(above)} months of 12, first in {above[0]}, by the most in 2027-07: {usd(booked['2027-07'] - 1300)} USD." in text  # fmt: skip
    chances = {
        row["period"]: float(row["chance_over_budget"])
        for row in records(files["budget.csv"])
        if row["workload"] == over.workload
    }
    is_over = spend.usd > 1300
    assert chances["2027-07"] == pytest.approx(is_over[3].mean(), abs=1e-9)
    assert chances["2027 Q3"] == pytest.approx(is_over[3:6].any(axis=0).mean(), abs=1e-9)
    assert chances["total"] == over.chance == pytest.approx(is_over.any(axis=0).mean(), abs=1e-9)


def test_what_is_booked_above_a_budget_is_said_though_its_p50_is_not():
    """Of the newer models one workload is above its budget by what is booked alone, and every file says so."""
    plan = insurer_year("2026-11-public-3")
    assert [one.workload for one in plan.over_budget] == ["policy-assistant"]
    amount = sum(
        usd for (name, _), usd in plan.booked.cells.items() if name == "underwriting-notes"
    )
    assert amount > 12_000
    for text in texts(rendered(plan, FORMS)).values():
        assert "underwriting-notes is booked above its budget in 12 months of 12, first in 2027-04" in text  # fmt: skip
        assert f"Over all 12 months it is {usd(amount - 12_000)} over its budget." in text


def test_what_the_launch_and_the_price_change_cost(report):
    """Each file has both with their days; the amounts are those of the plan less that without them."""
    plan, files = report
    projection = plan.projection

    def mean(workloads):
        again = recommend(workloads, catalog=projection.catalog, models=list(projection.models), months=12, start="2027-04", as_of="2026-11-24", n_paths=500)  # fmt: skip
        return float(again.projection.mix(plan.best).mean().sum())

    whole = mean(plan.workloads)
    launch = whole - mean([replace(one, events=()) for one in plan.workloads])
    prices = whole - mean([replace(one, price_changes=()) for one in plan.workloads])
    assert launch > 0 > prices
    said = [
        f"policy-assistant, app launch, 2027-07-05 to 2027-07-31: traffic times p10 1.6, p50 2.2, p90 3.5: {signed_usd(launch)} USD",
        f"Price from 2027-10-15, all models: times 0.85: {signed_usd(prices)} USD",
    ]
    for text in texts(files).values():
        assert all(f"{one} of the expected spend." in text for one in said)
    dates = json.loads(files["report.json"])["dates"]
    assert [one["day"] for one in dates] == ["2027-07-05", "2027-10-15"]
    assert [one["usd"] for one in dates] == pytest.approx([launch, prices], abs=1e-5)


def test_which_model_to_take_and_what_it_saves(report):
    """Where another model is pinned, each file says which ranks first, and what it would save in all."""
    plan, files = report
    first = plan.ranking("claims-triage")[0].model
    again = [replace(one, model=first) if one.name in ("claims-triage", "policy-assistant") else one for one in plan.workloads]  # fmt: skip
    other = recommend(again, projection=replace(plan.projection, workloads=tuple(again)))
    saved = plan.booked.usd - other.booked.usd
    means = [float(one.projection.mix(one.best).mean().sum()) for one in (plan, other)]
    assert saved > 10_000
    words = (
        f"With the first of each ranking (claims-triage, policy-assistant on {first}) {usd(other.booked.usd)} USD would be to "
        f"book over 12 months, {usd(saved)} less; expected spend would be {usd(means[0] - means[1])} less."
    )
    for text in (*texts(files).values(), " ".join(plan_text(plan).split())):
        assert words in text
    screen = first_screen(plan)  # a line of it may be cut
    for one in plan.decisions:
        if one.first != one.model:
            assert f"pinned; {usd(one.first_saves_usd_per_month)} less on" in screen
    data = json.loads(files["report.json"])
    assert Decimal(data["saving"]["less_booked_usd"]) == saved
    assert {one["first"] for one in data["decisions"]} == {first}
    ranked = {row["model"]: row["rank"] for row in records(files["report.csv"]) if row["workload"] == "claims-triage"}  # fmt: skip
    assert ranked == {first: "1", plan.best["claims-triage"]: "2"}


def test_one_difference_between_two_models(report):
    """The sentences, the column of the table and JSON name one difference: that of the means."""
    plan, files = report
    for name, pinned in (("claims-triage", True), ("translations", False)):
        first, second = plan.ranking(name)
        less = usd(second.mean_usd_per_month - first.mean_usd_per_month)
        text = texts(files)["report.md"]
        means = (plan.projection.of(one.model, name).mean().sum() / 12 for one in (second, first))
        assert usd(float(next(means)) - float(next(means))) == less
        assert (f"{less} USD a month less on {first.model}, which ranks first." if pinned else f"{less} less than {second.model}") in text  # fmt: skip
        table = files["report.md"].decode().partition("## By workload and model")[2]
        row = next(line for line in table.splitlines() if line.startswith(f"| {name} ") and f" {second.model} " in line)  # fmt: skip
        assert row.rstrip(" |").endswith(f"pinned, +{less}" if pinned else f"+{less}")
        ranking = json.loads(files["report.json"])["ranking"]
        [mine] = (one for one in ranking if (one["workload"], one["rank"]) == (name, 2))
        assert usd(mine["more_than_best_usd"]) == less


def test_what_is_assumed(report):
    """Every key of the workload file is in the assumptions of each file, by its name."""
    plan, files = report
    stated = tomllib.loads(FILE.read_text(encoding="utf-8"))["workload"]
    pairs = {(one["name"], key) for one in stated for key in one if key not in ("name", "events")}
    assert len(pairs) > 30
    table = files["report.md"].decode().partition("## Assumptions")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if line.startswith("|")]  # fmt: skip
    assert pairs <= {(row[0], row[1]) for row in rows}
    said = [row for row in records(files["statements.csv"]) if row["part"] == "Assumptions"]
    assert pairs <= {(row["workload"], row["item"]) for row in said}
    sheet = cells(files)["Assumptions"]
    assert pairs <= {(row[0], row[1]) for row in sheet}
    assert all(one["certainty"] in {row[2] for row in rows if row[0] == one["name"]} for one in stated if "certainty" in one)  # fmt: skip
    provenance = plan.projection.provenance
    assert all(
        provenance in text for name, text in texts(files).items() if name != "statements.csv"
    )
