"""Results in a notebook: tables without colours of their own, numbers as people read them."""

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser

import pandas as pd
import pytest

from kimi_planner.calls.conversation import conversation
from kimi_planner.calls.fit import context_fit
from kimi_planner.capacity.need import throughput
from kimi_planner.catalog import catalog_versions, load_catalog
from kimi_planner.choose import (
    Detector,
    cascades,
    cost_per_request,
    cost_per_success,
    portfolio,
    portfolio_frontier,
    quality_frontier,
    read_evaluations,
    recommend,
    thinking_pays,
)
from kimi_planner.plan.simulation import project
from kimi_planner.rich import Page, changed_text, share_text
from kimi_planner.workload import Workload, example_path, load_workloads

AS_OF = date(2026, 10, 24)


class Cells(HTMLParser):
    """Collects the text of every cell, and every attribute that sets a colour."""

    def __init__(self, page):
        super().__init__()
        self.cells, self.heads, self.colours, self.depth = [], [], [], 0
        self.open = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.colours += [value for _, value in attrs if "color" in (value or "")]
        self.colours += [value for name, value in attrs if name in ("bgcolor", "border")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.cells.append(data)
            if self.open[-1] == "th":
                self.heads.append(data)


def test_numbers_are_written_as_their_columns_are_read():
    """Money has cents and thousands, shares are percent, tokens are whole, nothing is a dash."""
    frame = pd.DataFrame(
        {
            "workload": ["a", "b"],
            "p50_usd_per_month": [12345.678, 0.00123],
            "exact_usd": [Decimal("7.125"), None],
            "chance_over_budget": [0.25, float("nan")],
            "prompt_tokens": [1234567.0, 2.5],
            "rank": [1, 2],
        }
    )
    cells = Cells(Page(frame=frame).html()).cells
    assert cells == [
        "workload", "P50 USD per month", "exact USD", "chance over budget", "prompt tokens", "rank",
        "a", "12,345.68", "7.13", "25%", "1,234,567", "1",
        "b", "0.001230", "–", "–", "2.5", "2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0%"),
        (0.0004, "<0.1%"),
        (0.5, "50%"),
        (0.1234, "12.3%"),
        (0.0435, "4.4%"),  # half up, as a spreadsheet does
        (0.9999, ">99.9%"),
        (1, "100%"),
    ],
)
def test_a_share_is_none_or_all_only_if_it_is(share, text):
    """Rounding never turns a small chance into none."""
    assert share_text(share) == text


def test_names_stay_text():
    """What a name spells is shown, not acted on."""
    rows = [{"<b>": "<script>alert(1)</script>"}]
    page = Page(title="<i>", frame=rows, notes=["<img src=x>"], provenance="&").html()
    for tag in ("<script", "<img", "<i>", "<b><"):
        assert tag not in page
    assert "&lt;script&gt;" in page


def chosen_results(plan, workload):
    rates = {"kimi-k2": 0.5, "kimi-k2-5": 0.8, "kimi-k2-5-thinking": 0.93, "kimi-k2-instruct": 0.55}
    detector = Detector(false_accept="0.05", false_reject="0.1")
    rows = [(workload.name, model, int(100 * rate), 100) for model, rate in rates.items()]
    tried = read_evaluations(
        pd.DataFrame(rows, columns=["workload", "model", "successes", "trials"])
    )
    yield quality_frontier(plan, tried)
    yield cost_per_request(workload, projection=plan)
    yield cost_per_success(workload, projection=plan)
    yield cascades(workload, detector=detector, success_rates=rates, projection=plan)
    yield portfolio(workload, 300, evaluations=tried, projection=plan)
    yield portfolio_frontier(workload, [1, 5, 9], evaluations=tried, projection=plan)
    thinks = replace(workload, reasoning_tokens=90)
    yield thinking_pays(thinks, "kimi-k2-5", "kimi-k2-5-thinking", as_of=AS_OF)


def shown_results():
    workloads = load_workloads(example_path())
    plan = {"as_of": AS_OF, "n_paths": 400}
    chat = Workload(
        name="c", requests_per_day=9, prompt_tokens=50, completion_tokens=9, turns={"mean": 3}
    )
    yield project(workloads, **plan)
    yield recommend(workloads, **plan)
    yield context_fit(workloads)
    yield throughput(workloads, **plan)
    yield conversation(chat, "kimi-k2")
    yield from chosen_results(project(chat, n_paths=400, as_of=AS_OF), chat)
    for version in catalog_versions():
        yield load_catalog(version)


def test_results_have_tables_in_the_colours_of_the_notebook():
    """Every tag is closed, and no colour is set."""
    for result in shown_results():
        page = Cells(result._repr_html_())
        assert page.cells
        assert page.colours == []
        assert page.open == []
        assert not {"nan", "<na>", "nat"} & {cell.lower() for cell in page.cells}
        assert not [cell for cell in page.cells if re.fullmatch(r"[\d.]+e-\d+", cell)]
        assert "_" not in "".join(page.heads)


def test_a_catalog_says_what_it_does_not_state():
    """A price that is missing is named so, never shown as zero or left empty."""
    cells = Cells(load_catalog("2026-06")._repr_html_()).cells
    row = cells[cells.index("kimi-k2") :][:6]
    assert row == ["kimi-k2", "Kimi K2 Standard", "1.20", "not stated", "3.60", "128,000"]


def test_columns_without_room_on_a_line_stand_below_the_same_rows():
    """Two blocks of even width, each led by what names a row; none is dropped, no line is too long."""
    names = [f"amount no {place}" for place in range(8)]
    rows = [
        {"model": model, "workload": work, **{name: f"{model[-1]}{work}{name[-1]}," * 3 for name in names}}
        for model in ("kimi-k2", "kimi-k3") for work in "ab"
    ]  # fmt: skip
    lines = Page(title="Amounts", frame=rows, numbers=names, notes=["A note."]).text().split("\n")
    assert max(map(len, lines)) <= 80
    assert [line.split() for line in lines if line.startswith("kimi-k3")] == [
        ["kimi-k3", work, *(f"3{work}{place}," * 3 for place in part)]
        for part in (range(4), range(4, 8))
        for work in "ab"
    ]
    assert "- A note." in lines


def test_columns_that_find_no_room_on_the_screen_are_named():
    """A second block that would not leave 30 lines is named in one line."""
    rows = [{"row": str(row), **{f"amount {place}": "1," * 10 for place in range(6)}} for row in range(16)]  # fmt: skip
    text = Page(title="Amounts", frame=rows).text()
    assert "Also: amount 3, amount 4, amount 5." in text
    assert len(text.split("\n")) <= 30


@pytest.mark.parametrize(
    ("factor", "text"),
    [
        (Decimal("0.59"), "41% less"),
        (Decimal("0.585"), "42% less"),
        (Decimal("0.996927803"), "0.31% less"),
        (Decimal("0.01313"), "98.7% less"),
        (Decimal("0.5"), "50% less"),
        (Decimal("0.05"), "95% less"),
        (1.3, "30% more"),
        (2.5, "150% more"),
        (1, "0% more"),
    ],
)
def test_a_factor_is_said_as_its_change(factor, text):
    """What is less is never said to be too little: what is left is at most the factor."""
    assert changed_text(factor) == text
    if text.endswith("less"):
        assert 0 < 1 - Decimal(text.split("%")[0]) / 100 <= factor
