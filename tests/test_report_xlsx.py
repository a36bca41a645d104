"""The workbook: recalculated by LibreOffice it is the plan, and it follows prices and assumptions."""

import io
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date
from decimal import Decimal

import openpyxl
import pytest

from kimi_planner import KimiPlannerError, Workload, load_catalog, load_workloads, recommend
from kimi_planner.billing.meters import title_of
from kimi_planner.billing.tariff import Tariff
from kimi_planner.report.xlsx.workbook import xlsx_report
from kimi_planner.workload import example_path

AS_OF = date(2026, 11, 24)
SHEETS = ["Summary", "Monthly", "By model", "Choice", "Assumptions", "Prices"]
#: Settings of LibreOffice: calculate every formula when a file is opened.
ALWAYS = """<?xml version="1.0"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode"
 oor:op="fuse"><value>0</value></prop></item></oor:items>"""
CERTAIN = Workload(
    name="certain", requests_per_day=1000, prompt_tokens=2000, completion_tokens=500,
    reasoning_tokens=300, cached_share=0.25, budget_usd_per_month=400,
    growth_per_month=0.1, retry_share=0.02,
)  # fmt: skip


def planned(workloads, catalog=None, **options):
    settings = {"months": 3, "as_of": AS_OF, "n_paths": 1000, "catalog": catalog, **options}
    return recommend(workloads, **settings)


def discounted_cache():
    """Return the catalog with prices of cached tokens, so that their share counts, and a rate."""
    catalog = load_catalog()
    for spec in catalog:
        cached = spec.input_usd_per_mtok / 4
        catalog = catalog.with_price(spec.id, cached_input_usd_per_mtok=cached)
    return catalog.in_currency("EUR", rate="0.92", on=AS_OF)


def twins():
    """Return a catalog of two models whose ids differ in case only."""
    spec, other, *_ = load_catalog()
    return replace(load_catalog(), models=(spec, replace(other, id=spec.id.upper())))


def batching():
    """Return the public catalog, its model with a batch price still recommended."""
    public = load_catalog("2026-11-public")
    models = (replace(one, status=None) if one.id == "kimi-k2.5" else one for one in public)
    return replace(public, models=tuple(models))


@pytest.fixture(scope="module")
def plans():
    """Return plans by name: the example, one with a rhythm, plain numbers, and fees and writes."""
    example = load_workloads()
    seasonal = load_workloads(example_path().with_name("seasonal.toml"))
    public = load_catalog("2026-11-public")
    fee = public.fees[0]
    beyond = replace(
        CERTAIN,
        written_share={"five_minutes": 0.1, "one_hour": 0.2},
        fees_per_request={fee.name: 0.5},
    )
    batched = replace(beyond, name="batched", batch=True)
    free = public.with_price("kimi-k2.6", cached_input_usd_per_mtok="0")
    prices = {"input_usd_per_mtok": "0.50", "cached_input_usd_per_mtok": "0.1"}
    dated = (
        {"date": "2027-01-15", "factor": {"p10": 0.7, "p50": 0.8, "p90": 1.1}},
        {"date": "2027-02-01", **prices, "model": "kimi-k2.6"},
    )
    return {
        "example": planned(example),
        "seasonal": planned(seasonal, months=4),
        "certain": planned([CERTAIN], discounted_cache()),
        "beyond": planned([beyond, batched], batching(), models="kimi-k2.5"),
        "dated": planned([replace(beyond, name="dated", price_changes=dated)], free),
        "twins": planned([CERTAIN], twins()),
    }


@pytest.fixture(scope="module")
def books(plans):
    return {name: xlsx_report(plan) for name, plan in plans.items()}


def row_of(sheet, name, column=1):
    """Return the first row whose cell in a column has this text."""
    return next(r for r in range(1, sheet.max_row + 1) if sheet.cell(r, column).value == name)


def column_of(sheet, name, row=3):
    """Return the first column of this name."""
    return next(c for c in range(1, sheet.max_column + 1) if sheet.cell(row, c).value == name)


def with_prices(book, prices):
    """Set prices: model and meter, or fee, to USD."""
    sheet = book["Prices"]
    rows = {tuple(sheet.cell(r, c).value for c in (1, 3)): r for r in range(5, sheet.max_row + 1)}
    for key, price in prices.items():
        sheet.cell(rows[key], 4).value = price


def with_assumption(book, workload, name, value):
    sheet = book["Assumptions"]
    column = 2 if name is None else column_of(sheet, name, row=9)
    sheet.cell(row_of(sheet, workload), column).value = value


DOUBLED = {("kimi-k2", "input"): 2.4, ("kimi-k2", "output"): 7.2}
MOVED = {
    ("kimi-k2", "input"): 1.3,
    ("kimi-k2", "output"): 3.1,
    ("kimi-k2-5-thinking", "input"): 4.0,
    ("kimi-k2-5-thinking", "output"): 9.0,
}
ALL_THREE = {
    ("kimi-k2", "input"): 1.3,
    ("kimi-k2", "cached input"): 0.2,
    ("kimi-k2", "output"): 3.1,
}
WRITES = {
    ("kimi-k2.5", "cache writes for 5 minutes"): 3.5,
    ("kimi-k2.5", "batch, times the price"): 0.7,
    ("any", "web search, a call"): 0.05,
}
FIELDS = {
    "input": "input_usd_per_mtok",
    "cached input": "cached_input_usd_per_mtok",
    "output": "output_usd_per_mtok",
}
CHANGES = {
    ("example", "doubled"): lambda book: with_prices(book, DOUBLED),
    ("example", "moved"): lambda book: with_prices(book, MOVED),
    ("certain", "moved"): lambda book: with_prices(book, ALL_THREE),
    ("certain", "cached"): lambda book: with_assumption(
        book, "certain", "cached input, share of the prompt", 0.5
    ),
    ("certain", "level"): lambda book: with_assumption(
        book, "certain", "requests a day, mean", 1500
    ),
    ("certain", "traffic"): lambda book: with_assumption(book, "traffic x", None, 1.5),
    ("certain", "answers"): lambda book: with_assumption(book, "answers x", None, 2),
    ("certain", "reasoning"): lambda book: with_assumption(book, "reasoning x", None, 3),
    ("beyond", "moved"): lambda book: with_prices(book, WRITES),
}


@pytest.fixture(scope="module")
def recalculated(books, tmp_path_factory):
    """Recalculate every book, as it is and changed, in one run of LibreOffice."""
    soffice = shutil.which("soffice") or shutil.which("libreoffice")
    if soffice is None:
        pytest.skip("no LibreOffice on this machine")
    folder = tmp_path_factory.mktemp("books")
    paths = {}
    for name, change in {**{(name, "as it is"): None for name in books}, **CHANGES}.items():
        book = openpyxl.load_workbook(io.BytesIO(books[name[0]]))  # saving drops the values
        if change is not None:
            change(book)
        paths[name] = folder / f"{'-'.join(name).replace(' ', '_')}.xlsx"
        book.save(paths[name])
    settings = folder / "profile" / "user" / "registrymodifications.xcu"
    settings.parent.mkdir(parents=True)
    settings.write_text(ALWAYS, encoding="utf-8")
    subprocess.run(
        [soffice, f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless",
         "--convert-to", "xlsx", "--outdir", folder / "out", *paths.values()],
        check=True, capture_output=True, timeout=180, env={**os.environ, "HOME": str(folder)},
    )  # fmt: skip
    return {
        name: openpyxl.load_workbook(folder / "out" / path.name, data_only=True)
        for name, path in paths.items()
    }


def monthly(book):
    """Return the spend of each workload and month on the sheet of months."""
    sheet = book["Monthly"]
    spend = column_of(sheet, "spend USD") - 1
    rows = sheet.iter_rows(min_row=4, max_row=sheet.max_row, values_only=True)
    return {(row[0], f"{row[2]:%Y-%m}"): row[spend] for row in rows if isinstance(row[2], date)}


def of_models(book):
    """Return the rows of workloads and models, and the column of their spend."""
    sheet = book["By model"]
    rows = [row for row in sheet.iter_rows(min_row=4, values_only=True) if row[1]]
    return rows, column_of(sheet, "spend USD") - 1


def expected(plan):
    """Return the mean spend of each workload and month on its recommended model."""
    months = plan.projection.months
    return {
        (name, str(month)): amount
        for name, model in plan.best.items()
        for month, amount in zip(months, plan.projection.of(model, name).mean(), strict=True)
    }


def to_the_cent(found, wanted):
    assert found.keys() == wanted.keys()
    for key, amount in wanted.items():
        assert found[key] == pytest.approx(float(amount), abs=0.005), key


NAMES = ["example", "seasonal", "certain", "beyond", "dated", "twins"]


@pytest.mark.parametrize("name", NAMES)
def test_the_book_is_the_plan_to_the_cent(plans, recalculated, name):
    """Every month, every model and every total is what Python says, calculated by LibreOffice."""
    plan, book = plans[name], recalculated[name, "as it is"]
    to_the_cent(monthly(book), expected(plan))
    rows, spend = of_models(book)
    summary = plan.projection.summary().set_index(["workload", "model"])["mean_usd"].to_dict()
    to_the_cent({row[:2]: row[spend] for row in rows if row[0]}, summary)
    together = plan.projection.summary(together=True).set_index("model")["mean_usd"].to_dict()
    to_the_cent({row[1]: row[spend] for row in rows if not row[0]}, together)
    whole = plan.projection.mix(plan.best).over_months()
    row = [cell.value for cell in book["Summary"][row_of(book["Summary"], "whole plan")]]
    quantiles = [float(whole.quantile(q)[0]) for q in (0.1, 0.5, 0.9)]
    assert row[2] == pytest.approx(float(whole.mean()[0]), abs=0.005)
    if whole.is_ranged:
        assert row[3:6] == pytest.approx(quantiles, abs=0.005)
    else:
        assert row[3:6] == ["range not given", None, None]


@pytest.mark.parametrize("name", NAMES)
def test_every_meter_is_the_plan_to_the_cent(plans, recalculated, name):
    """Columns of amounts and of USD, and the sums of the first sheet, are the plan's by meter."""
    plan, sheet = plans[name], recalculated[name, "as it is"]["Monthly"]
    frame = plan.projection.by_meter()
    chosen = frame[[plan.best[row.workload] == row.model for row in frame.itertuples()]]
    rows = {
        (row[0], f"{row[2]:%Y-%m}"): row
        for row in sheet.iter_rows(min_row=4, values_only=True)
        if isinstance(row[2], date)
    }
    for row in chosen.itertuples():
        title = title_of(row.meter)
        amount = f"{title} calls" if row.meter.startswith("fee: ") else title
        found = rows[row.workload, row.month]
        assert found[column_of(sheet, amount) - 1] == pytest.approx(row.amount, rel=1e-9)
        assert found[column_of(sheet, f"{title} USD") - 1] == pytest.approx(row.usd, abs=0.005)
    summary = recalculated[name, "as it is"]["Summary"]
    for meter, usd in chosen.groupby("meter")["usd"].sum().items():
        words = f"{title_of(meter)}{', calls' * meter.startswith('fee: ')}"
        assert summary.cell(row_of(summary, words), 3).value == pytest.approx(usd, abs=0.005)


@pytest.mark.parametrize("name", NAMES)
def test_values_in_the_file_are_those_of_its_formulas(books, recalculated, name):
    """What a program shows that does not calculate is what one that does arrives at."""
    stored = openpyxl.load_workbook(io.BytesIO(books[name]), data_only=True)
    formulas = openpyxl.load_workbook(io.BytesIO(books[name]))
    found = 0
    for sheet in formulas:
        for cell in (one for row in sheet.iter_rows() for one in row if one.data_type == "f"):
            value = stored[sheet.title][cell.coordinate].value
            calculated = recalculated[name, "as it is"][sheet.title][cell.coordinate].value
            assert calculated == pytest.approx(value, rel=1e-9, abs=1e-9), cell.coordinate
            found += 1
    assert found > 50


def test_another_currency_stands_beside_the_total(plans, recalculated):
    """Where a rate is given, the total is shown at it too, as a formula."""
    sheet = recalculated["certain", "as it is"]["Summary"]
    whole = float(plans["certain"].projection.mix(plans["certain"].best).over_months().mean()[0])
    assert sheet.cell(row_of(sheet, "whole plan, EUR"), 3).value == pytest.approx(0.92 * whole)


def repriced(plan, prices):
    """Return the plan at other prices, each workload on the model it had."""
    catalog = plan.projection.catalog
    for (model, meter), price in prices.items():
        catalog = catalog.with_price(model, **{FIELDS[meter]: str(price)})
    workloads = plan.projection.workloads
    moved = planned(workloads, catalog, models=sorted(set(plan.best.values())))
    return {
        (name, str(month)): float(amount)
        for name, model in plan.best.items()
        for month, amount in zip(
            moved.projection.months, moved.projection.of(model, name).mean(), strict=True
        )
    }


def test_one_factor_on_prices_moves_totals_to_the_cent(plans, recalculated):
    """Doubling the prices of a model doubles what Python says, to the cent; P90 follows too."""
    book = recalculated["example", "doubled"]
    to_the_cent(monthly(book), repriced(plans["example"], DOUBLED))
    sheet = book["Summary"]
    row = [cell.value for cell in sheet[row_of(sheet, "support-chat")]]
    spend = plans["example"].projection.of("kimi-k2", "support-chat").over_months()
    assert row[5] == pytest.approx(2 * float(spend.quantile(0.9)[0]) / 3, abs=0.005)


def test_prices_move_totals_as_python_does(plans, recalculated):
    """Changed prices give Python's bill to the cent for plain numbers, and to 0.001% for drawn ones."""
    found = monthly(recalculated["example", "moved"])
    wanted = repriced(plans["example"], MOVED)
    for key, amount in wanted.items():
        assert found[key] == pytest.approx(amount, rel=1e-5), key
    plain = {key: one for key, one in wanted.items() if key[0] == "draft-generation"}
    to_the_cent({key: found[key] for key in plain}, plain)
    to_the_cent(
        monthly(recalculated["certain", "moved"]),
        repriced(plans["certain"], ALL_THREE),
    )


def test_a_fee_and_a_batch_move_by_themselves(plans, recalculated):
    """A changed fee, multiplier or price of writes changes its meters and no other, to the cent."""
    before, after = (recalculated["beyond", name]["Monthly"] for name in ("as it is", "moved"))
    frame = plans["beyond"].projection.by_meter()
    tariff = Tariff.of(plans["beyond"].projection.specs[0])
    batch, writes = Decimal("0.7") / tariff.batch, Decimal("3.5") / tariff.usd_per_mtok("input")
    factors = {"cache_write_5m": writes, "fee: web search": Decimal("0.05") / Decimal("0.005")}
    for meter, usd in frame.groupby("meter")["usd"].sum().items():
        factor = factors.get(meter.removeprefix("batch_"), 1)
        factor *= batch if meter.startswith("batch_") else 1
        column = column_of(before, f"{title_of(meter)} USD")
        for sheet, times in ((before, 1), (after, factor)):
            assert sheet.cell(row_of(sheet, "all"), column).value == pytest.approx(
                usd * float(times), abs=0.005
            ), meter


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ("cached", {"cached_share": 0.5}),
        ("level", {"requests_per_day": 1500}),
        ("traffic", {"requests_per_day": 1500}),
        ("answers", {"completion_tokens": 1000}),
        ("reasoning", {"reasoning_tokens": 900}),
    ],
)
def test_assumptions_move_totals_as_python_does(plans, recalculated, change, fields):
    """A changed assumption gives the bill of a workload with that number, on every model."""
    moved = planned([replace(CERTAIN, **fields)], plans["certain"].projection.catalog)
    rows, spend = of_models(recalculated["certain", change])
    summary = moved.projection.summary().set_index(["workload", "model"])["mean_usd"].to_dict()
    to_the_cent({row[:2]: row[spend] for row in rows if row[0]}, summary)


def test_sheets_sources_and_inputs(books):
    """The five sheets are there; each price has its source and the day it was checked."""
    book = openpyxl.load_workbook(io.BytesIO(books["example"]))
    assert book.sheetnames == SHEETS
    rows = [[cell.value for cell in row] for row in book["Prices"].iter_rows(min_row=5)]
    for spec in load_catalog():
        prices = {row[2]: row[3:] for row in rows if row[0] == spec.id}
        assert list(prices) == ["input", "cached input", "output"]
        for meter, stated in (
            ("input", spec.input_usd_per_mtok),
            ("output", spec.output_usd_per_mtok),
        ):
            assert prices[meter][0] == float(stated)
            assert prices[meter][1] == "2026-11-24"
            assert prices[meter][2].startswith("Kimi API price and capability card")
        assert prices["cached input"][1:] == [None, None, "not stated: billed as input"]
    texts = {str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row}
    for workload in load_workloads():
        assert workload.source in texts
    for sheet in book:
        assert sheet.page_setup.orientation == "landscape"
        assert str(sheet.page_setup.paperSize) == "9"
        assert sheet.sheet_properties.pageSetUpPr.fitToPage


def test_the_summary_is_one_page_until_that_is_unreadable(books):
    """A page holds the sheet of an ordinary plan; that of very many workloads takes several."""
    workloads = [replace(CERTAIN, name=f"w{n}") for n in range(60)]
    many = xlsx_report(planned(workloads, n_paths=100))
    fits = [
        openpyxl.load_workbook(io.BytesIO(book))["Summary"].page_setup.fitToHeight
        for book in (books["example"], many)
    ]
    assert fits in ([None, 0], [1, 0])


def test_names_and_heads_are_whole():
    """The column of models is as wide as the longest id, a head as high as its words need."""
    plan = planned([replace(CERTAIN, name="x" * 30)], load_catalog("2026-11-public"), n_paths=100)
    book = openpyxl.load_workbook(io.BytesIO(xlsx_report(plan)))
    longest = max(map(len, plan.projection.models))
    for name, workload, model in (
        ("Summary", "A", "B"), ("Monthly", "A", "B"), ("By model", "A", "B"), ("Prices", None, "A")
    ):  # fmt: skip
        widths = book[name].column_dimensions
        assert widths[model].width > longest
        assert workload is None or widths[workload].width > 30
    sheet = book["Assumptions"]
    [head] = (one for one in sheet["D"] if one.value == "cached input, share of the prompt")
    assert sheet.row_dimensions[head.row].height == 3 * 15


def test_totals_have_no_number_of_their_own(books):
    """Every amount in USD that the plan shows is a formula."""
    book = openpyxl.load_workbook(io.BytesIO(books["example"]))
    for sheet in (book["Monthly"], book["By model"]):
        spend = column_of(sheet, "spend USD") - 1
        spends = [row[spend] for row in sheet.iter_rows(min_row=4) if row[1].value]
        assert len(spends) >= 15
        assert {cell.data_type for cell in spends} == {"f"}


def test_inputs_take_no_nonsense(books):
    """Every yellow cell takes numbers from 0 only, a share none above 1."""
    book = openpyxl.load_workbook(io.BytesIO(books["example"]))
    for name in ("Assumptions", "Prices"):
        sheet = book[name]
        yellow = {
            cell.coordinate for row in sheet.iter_rows() for cell in row
            if cell.fill.fgColor.rgb == "FFFFF6D6"
        }  # fmt: skip
        ruled = {str(rule.sqref): rule for rule in sheet.data_validations.dataValidation}
        assert yellow == ruled.keys()
    rules = book["Assumptions"].data_validations.dataValidation
    assert sum(rule.formula2 == "1" for rule in rules) == len(load_workloads())


def test_without_the_extra_the_remedy_is_named(plans, monkeypatch):
    """Where XlsxWriter is not installed, the error says how to install it."""
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(KimiPlannerError, match=r"extra \[report\] adds with: pip install "):
        xlsx_report(plans["certain"])


def test_the_same_plan_gives_the_same_bytes(plans, books):
    """A workbook written again is the same file, byte for byte."""
    assert xlsx_report(plans["example"]) == books["example"]


def test_hostile_text_is_text():
    """Names and sources that look like formulas, links or controls are plain text cells."""
    names = ['=HYPERLINK("http://x.invalid","open")', "@SUM(1)", "http://x.invalid", "{=1+1}"]
    workloads = [
        Workload(
            name=name, requests_per_day=5, prompt_tokens=10, completion_tokens=10,
            source="=1+1\u202e\x07" + "x" * 10_000_000,
        )
        for name in names
    ]  # fmt: skip
    data = xlsx_report(recommend(workloads, months=1, as_of=AS_OF))
    assert len(data) < 200_000
    book = openpyxl.load_workbook(io.BytesIO(data))
    texts = [c for sheet in book for row in sheet.iter_rows() for c in row if c.data_type == "s"]
    for name in names:
        assert name in {cell.value for cell in texts}
    assert any(cell.value.startswith(r"=1+1\u202e\x07xxx") for cell in texts)
    assert max(len(cell.value) for cell in texts) <= 2000
    for sheet in book:
        assert not any(cell.hyperlink for row in sheet.iter_rows() for cell in row)
        formulas = [c.value for row in sheet.iter_rows() for c in row if c.data_type == "f"]
        assert not any("HYPERLINK" in str(one) or "SUM(1)" in str(one) for one in formulas)


def test_no_model_qualifies():
    """A plan on a model that does not qualify says so, and is in the totals all the same."""
    plan = recommend(replace(CERTAIN, prompt_tokens=10**6), months=1, as_of=AS_OF)
    book = openpyxl.load_workbook(io.BytesIO(xlsx_report(plan)))
    texts = [str(cell.value) for row in book["Summary"].iter_rows() for cell in row if cell.value]
    assert any("no model qualifies; the least change" in text for text in texts)
    assert monthly(book).keys() == {("certain", "2026-12")}


def test_a_workload_over_its_budget_is_in_the_totals():
    """What is over its budget stands with the others, and the whole plan is the sum of both."""
    plan = recommend(
        [replace(CERTAIN, name="dear", budget_usd_per_month=1), CERTAIN], months=1, as_of=AS_OF
    )
    data = io.BytesIO(xlsx_report(plan))
    book = openpyxl.load_workbook(data, data_only=True)
    assert monthly(book).keys() == {("dear", "2026-12"), ("certain", "2026-12")}
    sheet = book["Summary"]
    assert sheet.cell(row_of(sheet, "dear"), 2).value == plan.best["dear"]
    amount = 2 * plan.projection.of(plan.best["certain"], "certain").mean()[0]
    assert sheet.cell(row_of(sheet, "whole plan"), 3).value == pytest.approx(float(amount))


def test_a_single_month_is_summed_up_once():
    """The whole plan is the month: one row, with its budget and the chance of more."""
    plan = recommend(load_workloads(), months=1, as_of=AS_OF, n_paths=300)
    book = openpyxl.load_workbook(io.BytesIO(xlsx_report(plan)))
    sheet = book["Summary"]
    words = [cell.value for cell in sheet["A"]]
    assert "a month on average" not in words
    assert "month" not in words
    row = row_of(sheet, "whole plan")
    assert sheet.cell(row, 7).value == 39750
    assert 0 <= sheet.cell(row, 8).value <= 1
