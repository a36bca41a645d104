"""The workbook: recalculated by LibreOffice it is the plan; its risk follows; it holds what it must."""

import io
import re
import sys
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import openpyxl
import pytest
from office import Cells, answered, printed
from planned import budget_meeting

from kimi_planner import KimiPlannerError, Workload, load_catalog, load_workloads, recommend
from kimi_planner.billing.meters import title_of
from kimi_planner.plan import Booking, Scenario
from kimi_planner.report.budget import span_name
from kimi_planner.report.comparisons import plan_sections
from kimi_planner.report.json_form import plan_json
from kimi_planner.report.xlsx.workbook import xlsx_report
from kimi_planner.rich import risk_text
from kimi_planner.workload import example_path

AS_OF = date(2026, 11, 24)
SHEETS = [
    "Summary", "Budget", "By month", "By model", "Choice", "Assumptions", "Prices", "Risk",
    "Catalog and sources", "Prices by month", "Lines", "Rates", "Spread", "Paths",
]  # fmt: skip
CERTAIN = Workload(
    name="certain", requests_per_day=1000, prompt_tokens=2000, completion_tokens=500,
    reasoning_tokens=300, cached_share=0.25, budget_usd_per_month=400,
    growth_per_month=0.1, retry_share=0.02, owner="Care", cost_centre="4711",
)  # fmt: skip


TAXED = Booking(book="p80", contingency_percent=10, tax_percent=19, credit_usd_per_month=50)
SPREAD_OUT = {"starts_on": "2027-01-20", "ends_on": "2027-02-11"}


def planned(workloads, catalog=None, **options):
    settings = {"months": 3, "as_of": AS_OF, "n_paths": 1000, "catalog": catalog, **options}
    return recommend(workloads, **settings)


def discounted_cache():
    """Return the catalog with prices of cached tokens, so that their share counts, and rates."""
    catalog = load_catalog()
    for spec in catalog:
        cached = spec.input_usd_per_mtok / 4
        catalog = catalog.with_price(spec.id, cached_input_usd_per_mtok=cached)
    euros = catalog.in_currency("EUR", rate="0.92", on=AS_OF)
    return euros.in_currency("GBP", rate="0.79", on=AS_OF)


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
    """Return plans by name: the example, one with a rhythm, plain numbers, fees and writes, levers."""
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
        "documents": planned(
            [
                replace(
                    CERTAIN,
                    name=name,
                    requests_per_day=None,
                    documents=documents,
                    turns={"mean": 3},
                    growth_per_month=0,
                    **dates,
                )
                for name, documents, dates in (
                    ("once", 9000, {}),
                    ("spread", {"p10": 8e3, "p50": 9e3, "p90": 2e4}, SPREAD_OUT),
                    ("month", 9000, {"starts_on": "2027-02-03"}),
                )
            ],
            discounted_cache(),
        ),
        "events": planned(
            [
                replace(
                    CERTAIN,
                    requests_per_day=0,
                    events=({"name": "load", "date": "2027-01-15", "extra_requests": 5000},),
                )
            ],
            discounted_cache(),
        ),
        "booked": planned(example, booking=TAXED),
    }


@pytest.fixture(scope="module")
def books(plans):
    return {name: xlsx_report(plan) for name, plan in plans.items()}


def in_months(content, name, months):
    """Return the places of what is booked for a workload in each month."""
    return [Cells(content).at("Budget", name, str(month)) for month in months]


@pytest.fixture(scope="module")
def calculated(books, tmp_path_factory):
    """Return every formula of every book as LibreOffice calculates it, by book and place."""
    asks = {name: Cells(content).formulas() for name, content in books.items()}
    moves = {name: [{}] for name in books}
    answers = answered(tmp_path_factory.mktemp("books"), books, asks, moves)
    return {name: dict(zip(asks[name], answers[name][0], strict=True)) for name in books}


NAMES = [
    "example",
    "seasonal",
    "certain",
    "beyond",
    "dated",
    "twins",
    "documents",
    "events",
    "booked",
]


@pytest.mark.parametrize("name", NAMES)
def test_values_in_the_file_are_those_of_its_formulas(books, calculated, name):
    """What a program shows that does not calculate is what one that does arrives at."""
    stored = openpyxl.load_workbook(io.BytesIO(books[name]), data_only=True)
    assert len(calculated[name]) > 50
    for (sheet, cell), value in calculated[name].items():
        here = stored[sheet][cell].value
        if hasattr(here, "date"):
            here = (here.date() - date(1899, 12, 30)) / timedelta(days=1)
        if isinstance(value, str):
            assert value == (here or ""), (sheet, cell)
        else:
            assert value == pytest.approx(here, rel=1e-9, abs=1e-9), (sheet, cell)


@pytest.mark.parametrize("name", NAMES)
def test_the_book_is_the_plan_to_the_cent(plans, books, calculated, name):
    """Every month, every model, every meter and every total is what Python says, by LibreOffice."""
    plan, cells, of = plans[name], Cells(books[name]), calculated[name]
    months, best = plan.projection.months, plan.best
    for (workload, month), amount in plan.booked.cells.items():
        assert of[cells.at("Budget", workload, month)] == pytest.approx(float(amount), abs=0.005)
    for span in plan.budget_matrix.spans:
        row = plan.budget_matrix.total
        assert of[cells.at("Budget", "all", span_name(span))] == pytest.approx(
            float(row.usd(span)), abs=0.005
        )
    for row in plan.projection.summary().to_dict("records"):
        place = cells.at("By model", (row["workload"], row["model"]), "spend USD")
        assert of[place] == pytest.approx(row["mean_usd"], abs=0.005)
    whole = plan.projection.mix(best).over_months()
    for words, q in (("P10", 0.1), ("P50", 0.5), ("P90", 0.9)):
        value = of[cells.at("Risk", "all", words)]
        if whole.is_ranged:
            assert value == pytest.approx(float(whole.quantile(q)[0]), abs=0.005)
        else:
            assert value == "range not given"
    meters = plan.projection.by_meter()
    chosen = meters[[best[row.workload] == row.model for row in meters.itertuples()]]
    for meter, usd in chosen.groupby("meter")["usd"].sum().items():
        words = f"{title_of(meter)}{', calls' * meter.startswith('fee: ')}"
        assert of[cells.at("Summary", words, "mean USD")] == pytest.approx(usd, abs=0.005)
    assert len(months) == sum(span.level == "month" for span in plan.budget_matrix.spans)


@pytest.mark.parametrize("name", ["example", "certain", "booked"])
def test_chances_are_the_plan(plans, books, calculated, name):
    """The chance of breaking a budget is that of the simulation, for each workload and for all."""
    plan, cells, of = plans[name], Cells(books[name]), calculated[name]
    head = "chance any month is over budget"
    for workload, model in plan.best.items():
        budget = plan.projection.budget(workload)
        chance = plan.projection.of(model, workload).chance_over(budget)
        assert of[cells.at("Risk", workload, head)] == pytest.approx(chance, abs=1e-9)
    chance = plan.projection.mix(plan.best).chance_over(plan.projection.budget())
    assert of[cells.at("Risk", "all", head)] == pytest.approx(chance, abs=1e-9)


def test_a_budget_that_is_met_to_the_cent_is_not_broken():
    """A bill of 107.88 USD, which no float spells, does not exceed a budget of 107.88 on any sheet."""
    chat = Workload(
        name="chat", requests_per_day=1000, prompt_tokens=2000, completion_tokens=300,
        reasoning_tokens=0, budget_usd_per_month="107.88",
    )  # fmt: skip
    content = xlsx_report(planned([chat], models=["kimi-k2"], months=1, start="2027-01"))
    stored = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    for sheet in ("Risk", "Summary"):
        place = Cells(content).at(sheet, "chat", "chance any month is over budget")
        assert stored[sheet][place[1]].value == 0, sheet


def test_risk_follows_the_cells(plans, books, tmp_path):
    """Twice the prices are twice the range and Python's chances; a certainty has Python's range."""
    plan, content = plans["example"], books["example"]
    cells = Cells(content)
    heads = ("P10", "P50", "P90", "chance any month is over budget")
    rows = [*plan.names, "all"]
    asks = [cells.at("Risk", row, head) for row in rows for head in heads]
    prices = {(model, meter) for model in set(plan.best.values()) for meter in ("input", "output")}
    doubled = {
        cells.price(*key): 2 * cells.book["Prices"][cells.price(*key)[1]].value for key in prices
    }
    head = "certainty of numbers without a range"
    guess = {cells.at("Assumptions", "draft-generation", head, under="workload"): "guess"}
    answers = answered(tmp_path, {"e": content}, {"e": asks}, {"e": [doubled, guess]})["e"]
    found = [dict(zip(asks, answer, strict=True)) for answer in answers]
    spends = {name: plan.projection.of(model, name) for name, model in plan.best.items()}
    spends["all"] = plan.projection.mix(plan.best)
    for name, spend in spends.items():
        budget = plan.projection.budget(None if name == "all" else name)
        for words, q in (("P10", 0.1), ("P50", 0.5), ("P90", 0.9)):
            value = found[0][cells.at("Risk", name, words)]
            if spend.is_ranged:
                assert value == pytest.approx(2 * float(spend.over_months().quantile(q)[0]))
        chance = spend.chance_over(budget / 2)
        assert found[0][cells.at("Risk", name, heads[-1])] == pytest.approx(chance, abs=0.01)
    [drafts] = (one for one in plan.workloads if one.name == "draft-generation")
    guessed = planned([replace(drafts, certainty="guess", model=plan.best[drafts.name])])
    spend = guessed.projection.of(plan.best[drafts.name], drafts.name)
    for words, q in (("P10", 0.1), ("P50", 0.5), ("P90", 0.9)):
        value = found[1][cells.at("Risk", drafts.name, words)]
        assert value == pytest.approx(float(spend.over_months().quantile(q)[0]), abs=0.005)
    chance = spend.chance_over(drafts.budget_usd_per_month)
    assert found[1][cells.at("Risk", drafts.name, heads[-1])] == pytest.approx(chance, abs=0.02)
    assert found[1][cells.at("Risk", "all", "P90")] > found[0][cells.at("Risk", "all", "P90")] / 2


def test_a_spend_that_is_the_least_has_no_upper_end(tmp_path):
    """Where nobody knows how much a model reasons, its P90 is not known, until tokens are put in."""
    workload = replace(
        CERTAIN, requests_per_day={"p10": 80, "p50": 100, "p90": 150}, reasoning_tokens=None,
        model="kimi-k2-5-thinking",
    )  # fmt: skip
    plan = planned([workload], models=["kimi-k2-5", "kimi-k2-5-thinking"], n_paths=300)
    assert plan.projection.reasoning(workload.model).is_least
    content = xlsx_report(plan)
    cells = Cells(content)
    asks = [cells.at("Risk", "certain", head) for head in ("P10", "P50", "P90")]
    asks.append(cells.at("Summary", "certain", "P90"))
    model, tokens = (
        cells.at("Assumptions", "certain", head, under="workload")
        for head in ("model", "reasoning tokens a call")
    )
    tries = [{}, {model: "kimi-k2-5"}, {tokens: 10}]
    least, *others = answered(tmp_path, {"c": content}, {"c": asks}, {"c": tries})["c"]
    assert (least[0], *least[2:]) == ("at least", "not known", "not known")
    for row in others:
        assert row[0] < row[1] < row[2] == row[3]
    stored = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    assert [stored[sheet][cell].value for sheet, cell in asks] == [
        "at least", pytest.approx(least[1]), "not known", "not known",
    ]  # fmt: skip


def test_a_chance_that_is_the_least_says_so(tmp_path):
    """Where the spend is the least, so is the chance, but for a certainty: on paper as the page has it."""
    budgets, books, chances = (1, 300, 400, 9999), {}, []
    for budget in budgets:
        workload = replace(
            CERTAIN, requests_per_day={"p10": 800, "p50": 1000, "p90": 1500}, reasoning_tokens=None,
            model="kimi-k2-5-thinking", growth_per_month=0, budget_usd_per_month=budget,
        )  # fmt: skip
        plan = planned([workload], models=["kimi-k2-5", "kimi-k2-5-thinking"], n_paths=300)
        chances.append(plan.projection.of(workload.model).chance_over(Decimal(budget)))
        books[f"b{budget}"] = xlsx_report(plan)
    assert (chances[0], chances[-1]) == (1, 0)
    pages = printed(tmp_path, books)
    for budget, chance in zip(budgets, chances, strict=True):
        shown = [one for one in pages[f"b{budget}"] if re.search("(Summary|Risk), page", one)]
        said = risk_text(chance, is_least=True)
        assert ("at least" in said) == (chance < 1)
        # of the workload, of all and as planned, on two sheets
        text = " ".join(" ".join(shown).split()).replace(".0%", "%")
        assert text.count(f" {said} ") >= 5


def test_over_the_budget_is_never_beside_no_chance(plans, books, tmp_path):
    """Plain numbers that a price lifts over the budget are over it for sure, and the status says so."""
    plan, cells = plans["certain"], Cells(books["certain"])
    asks = [cells.at("Risk", "certain", "chance any month is over budget"),
            cells.at("Summary", "certain", "booked is")]  # fmt: skip
    price = cells.price(plan.best["certain"], "output")
    tries = [{}, {price: 90}]
    answers = answered(tmp_path, {"c": books["certain"]}, {"c": asks}, {"c": tries})["c"]
    assert answers == [[0, "within"], [1, "OVER"]]


def test_a_text_that_is_no_model_costs_nothing_made_up(books, tmp_path):
    """Where a cell names no model of the plan, what rests on it is an error, not another's number."""
    cells = Cells(books["example"])
    place = cells.at("Assumptions", "image-questions", "model", under="workload")
    asks = [
        cells.at("Budget", name, "total") for name in ("image-questions", "draft-generation", "all")
    ]
    [[image, drafts, every]] = answered(
        tmp_path, {"e": books["example"]}, {"e": asks}, {"e": [{place: "kimi-k9"}]}
    )["e"]
    assert str(image).startswith("error")
    assert str(every).startswith("error")
    assert drafts > 0


def test_another_currency_stands_beside_the_total(plans, books, calculated):
    """Where a rate is given, what is booked is shown at it too, as a formula."""
    cells = Cells(books["certain"])
    for currency, rate in (("EUR", 0.92), ("GBP", 0.79)):
        place = cells.at("Summary", f"in {currency}", "to book")
        booked = rate * float(plans["certain"].booked.usd)
        assert calculated["certain"][place] == pytest.approx(booked)
        against = calculated["certain"][cells.at("Summary", f"in {currency}", "budget")]
        assert against == pytest.approx(rate * 3 * 400)


def test_scenarios_and_waterfalls_have_sheets(plans):
    """Comparisons stand on sheets of their own, marked as of the plan, numbers as numbers."""
    plan = plans["certain"]
    month = str(plan.projection.months[0])
    march = Scenario(name="doubled", changes={"traffic": 2}, first=month)
    sections = plan_sections(plan, [march])
    book = openpyxl.load_workbook(io.BytesIO(xlsx_report(plan, sections)))
    cells = [cell.value for row in book["Scenarios"].iter_rows() for cell in row]
    assert "As of the plan: these numbers do not follow the cells." in cells
    assert 2 * float(plan.booked.usd) == pytest.approx(
        max(one for one in cells if isinstance(one, float)), abs=0.01
    )


def test_sheets_sources_and_inputs(books):
    """Every sheet is there; each price has its source and the day it was checked."""
    book = openpyxl.load_workbook(io.BytesIO(books["example"]))
    assert book.sheetnames == SHEETS
    rows = [[cell.value for cell in row] for row in book["Prices"].iter_rows(min_row=5)]
    for spec in load_catalog():
        prices = {row[2]: row[4:] for row in rows if row[0] == spec.id}
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
    """The column of models is as wide as the longest id, that of workloads as a long name."""
    plan = planned([replace(CERTAIN, name="x" * 30)], load_catalog("2026-11-public"), n_paths=100)
    book = openpyxl.load_workbook(io.BytesIO(xlsx_report(plan)))
    longest = max(map(len, plan.projection.models))
    for name, workload, model in (
        ("Summary", "A", "K"), ("By month", "A", "B"), ("By model", "A", "B"), ("Prices", None, "A")
    ):  # fmt: skip
        widths = book[name].column_dimensions
        assert widths[model].width > longest
        assert workload is None or widths[workload].width > 30
    sheet = book["Assumptions"]
    [head] = (one for one in sheet[10] if one.value == "cached input, share of the prompt")
    assert sheet.row_dimensions[head.row].height >= 3 * 15


def test_a_year_is_read_on_two_pages(tmp_path):
    """The budget of a year prints on two pages of A4, each with the workloads, cut after a quarter."""
    catalogs = ("2026-06", "2026-11-public-3")
    books = {name: xlsx_report(budget_meeting(name)) for name in catalogs}
    for pages in printed(tmp_path, books).values():
        [first, second] = (page for page in pages if "Budget, page" in page)
        for text, begins, ends in ((first, "2027-01", "2027 Q2"), (second, "2027-07", "head-room")):
            heads = next(line for line in text.splitlines() if line.startswith("workload "))
            assert begins in heads
            assert heads.endswith(ends)
            shown = {line.split(" ")[0] for line in text.splitlines()}
            assert shown >= {"chat", "coding", "drafts", "images", "all"}
        assert sum("Summary, page" in page for page in pages) == 1
        assert len(pages) < 25


def test_totals_have_no_number_of_their_own(books):
    """Every amount in USD that the budget, the months and the models show is a formula."""
    book = openpyxl.load_workbook(io.BytesIO(books["example"]))
    for name, head in (("Budget", "total"), ("By month", "spend USD"), ("By model", "spend USD")):
        [column] = {
            c.column for row in book[name].iter_rows(max_row=4) for c in row if c.value == head
        }
        kinds = [cell.data_type for cell in book[name][openpyxl.utils.get_column_letter(column)]]
        assert kinds.count("f") >= 7
        assert "n" not in [
            k
            for k, cell in zip(
                kinds, book[name][openpyxl.utils.get_column_letter(column)], strict=True
            )
            if cell.value is not None
        ]


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
    assert "certain" in [cell.value for cell in book["Budget"]["A"]]


def test_a_workload_over_its_budget_is_in_the_totals():
    """What is over its budget stands with the others, flagged, and the whole plan is the sum of both."""
    plan = recommend(
        [replace(CERTAIN, name="dear", budget_usd_per_month=1), CERTAIN], months=1, as_of=AS_OF
    )
    content = xlsx_report(plan)
    cells, book = Cells(content), openpyxl.load_workbook(io.BytesIO(content), data_only=True)

    def value(*place):
        sheet, cell = cells.at(*place)
        return book[sheet][cell].value

    assert [value("Summary", name, "booked is") for name in ("dear", "certain")] == [
        "OVER",
        "within",
    ]
    amount = 2 * plan.projection.of(plan.best["certain"], "certain").mean()[0]
    assert value("Budget", "all", "2026-12") == pytest.approx(float(amount))
    assert value("Summary", "whole plan", "variance") == pytest.approx(float(amount) - 401)


def test_a_single_month_is_summed_up_once():
    """The whole plan is the month: no quarter and no total beside it."""
    plan = recommend(load_workloads(), months=1, as_of=AS_OF, n_paths=300)
    book = openpyxl.load_workbook(io.BytesIO(xlsx_report(plan)))
    heads = [cell.value for cell in book["Budget"][4]]
    assert heads[4:] == ["budget a month", "2026-12", "budget", "variance", "head-room"]


def test_a_waterfall_floats_from_end_to_end(plans, tmp_path):
    """A change of plan is drawn from the booked number before to the one after, each step on the last."""
    before = planned([replace(CERTAIN, requests_per_day=500)])
    path = tmp_path / "before.json"
    path.write_text(plan_json(before), encoding="utf-8")
    plan = planned([replace(CERTAIN, model=before.best["certain"])])
    sections = plan_sections(plan, previous=path)
    book = openpyxl.load_workbook(io.BytesIO(xlsx_report(plan, sections)))
    sheet = book["Waterfall"]
    assert len(sheet._charts) == 1
    [head] = (cell for row in sheet.iter_rows() for cell in row if cell.value == "below")
    rows = [
        [sheet.cell(row, column).value for column in (1, *range(head.column, head.column + 4))]
        for row in range(head.row + 1, sheet.max_row + 1)
        if sheet.cell(row, head.column).value is not None
    ]
    assert (rows[0][0], rows[-1][0]) == ("before", "after")
    assert rows[0][2] == pytest.approx(float(before.booked.usd), abs=0.005)
    assert rows[-1][2] == pytest.approx(float(plan.booked.usd), abs=0.005)
    reached = rows[0][2]
    for _, below, end, more, less in rows[1:-1]:
        assert end == 0
        assert below == pytest.approx(min(reached, reached + more - less), abs=0.005)
        reached += more - less
    assert reached == pytest.approx(rows[-1][2], abs=0.02)
