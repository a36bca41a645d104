"""The HTML report in a real browser: alone, accessible, sortable, and computing what Python does."""

import re
import shutil
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from html.parser import HTMLParser

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import Phase, given, seed, settings
from matplotlib import pyplot as plt
from planned import UNCERTAIN, as_planned, dated_catalog

from kimi_planner import Workload, load_catalog, load_workloads, recommend
from kimi_planner.billing.meters import METERS, TOKEN_METERS
from kimi_planner.billing.tariff import Tariff
from kimi_planner.choose import Evaluations, Trials
from kimi_planner.money import from_fraction, usd
from kimi_planner.plan import what_if
from kimi_planner.plan.simulation import project
from kimi_planner.report.html import html_report
from kimi_planner.report.pictures import pictures
from kimi_planner.report.summary import key_figures
from kimi_planner.report.tables import Section, Table, months_table, totals_sentence
from kimi_planner.report.text import markdown_report, plan_text
from kimi_planner.report.what_if import OUTPUTS, REASONINGS

mpl.use("Agg")
AS_OF = date(2026, 11, 24)
PLAN = {"months": 3, "as_of": AS_OF, "n_paths": 300}
HOSTILE = "</script><script>alert(1)</script><!-- &\"' ${x}"


@pytest.fixture(scope="module")
def recommendation():
    return recommend(load_workloads(), **PLAN)


@pytest.fixture(scope="module")
def browser():
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield running
        running.close()


class Opened:
    """A page in a tab, with every message and every request it made."""

    def __init__(self, browser, path, **options):
        self.problems, self.requests = [], []
        self.tab = browser.new_page(viewport={"width": 1000, "height": 900}, **options)
        self.tab.on("console", lambda message: self.problems.append(message.text))
        self.tab.on("pageerror", lambda error: self.problems.append(str(error)))
        self.tab.on("request", lambda request: self.requests.append(request.url))
        self.tab.on("dialog", lambda dialog: self.problems.append(dialog.message))
        self.tab.goto(path.as_uri())

    def set(self, name, value):
        self.tab.evaluate(
            "([id, value]) => { const one = document.getElementById(id); one.value = value;"
            " one.dispatchEvent(new Event('input', {bubbles: true})); }",
            [name, str(value)],
        )

    def price(self, model, kind, value):
        self.tab.get_by_label(f"{model}, {kind} price", exact=True).fill(value)

    def spend(self):
        return self.tab.eval_on_selector_all(
            "#spend tr",
            "rows => rows.map(row => [...row.cells].slice(1).map(cell => cell.textContent))",
        )


@pytest.fixture(scope="module")
def path(recommendation, tmp_path_factory):
    made = tmp_path_factory.mktemp("report") / "report.html"
    made.write_text(html_report(recommendation), encoding="utf-8")
    return made


@pytest.fixture
def page(browser, path):
    opened = Opened(browser, path)
    yield opened
    opened.tab.close()


class Outline(HTMLParser):
    """Collects tags and the addresses that a page refers to."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.addresses = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for key, value in attrs if key in ("src", "href", "xlink:href")]


def test_html_is_one_page_by_itself(path):
    """The page refers to nothing outside itself, and has its own two script elements only."""
    page = Outline(path.read_text(encoding="utf-8"))
    assert not {"link", "img", "iframe"} & set(page.tags)
    assert page.tags.count("script") == 2
    assert all(address.startswith("#") for address in page.addresses)


def test_the_same_plan_gives_the_same_bytes(recommendation, path):
    """Nothing in the page depends on when or where it is written."""
    again = recommend(load_workloads(), **PLAN)
    assert html_report(again) == path.read_text(encoding="utf-8")


def test_settings_of_a_reader_change_no_byte(recommendation):
    """A matplotlibrc, a style sheet or a dark notebook: the report is the same, and the settings stay."""
    plain = html_report(recommendation)
    own = {"text.usetex": True, "font.size": 21, "axes.facecolor": "red", "savefig.dpi": 20,
           "savefig.facecolor": "blue", "svg.fonttype": "none", "lines.linewidth": 9}  # fmt: skip
    with plt.style.context(["dark_background", own]):
        before = mpl.rcParams.copy()
        assert html_report(recommendation) == plain
        assert mpl.rcParams.copy() == before


def test_the_page_opens_without_an_error_or_a_request(page, path):
    """Chromium has nothing to say, asks for nothing, and shows every picture at a legible size."""
    assert page.tab.inner_text("h1") == "Kimi API budget"
    pictures = page.tab.locator("figure svg")
    boxes = [pictures.nth(number).bounding_box() for number in range(pictures.count())]
    assert len(boxes) >= 3
    assert all(box["width"] > 500 and box["height"] > 250 for box in boxes)
    assert page.tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert (page.problems, page.requests) == ([], [path.as_uri()])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_barrier_that_axe_finds(browser, path, scheme):
    """The scan for accessibility finds nothing, in either theme."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is missing")
    opened = Opened(browser, path, color_scheme=scheme)
    background = opened.tab.evaluate("getComputedStyle(document.body).backgroundColor")
    # axe is injected by the browser's own protocol, which the page's policy does not bind
    found = axe.Axe().run(opened.tab)
    opened.tab.close()
    assert found.response["violations"] == []
    assert len(found.response["passes"]) > 20
    assert background == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(22, 25, 28)")


def bills(projection, workloads=None, catalog=None):
    """Return what the page shall show: the expected spend of a month, by workload and model."""
    if workloads is not None:
        scenario = {"as_of": AS_OF, "n_paths": projection.n_paths, "months": len(projection.months)}
        catalog = catalog or projection.catalog
        projection = project(workloads, models=projection.models, catalog=catalog, **scenario)
    months = len(projection.months)
    return [
        [
            usd(
                sum(spend.exact_usd) / months
                if spend.exact_usd
                else float(spend.bill.total.sum()) / months
            )
            for spend in (projection.spend[name, model] for model in projection.models)
        ]
        for name in projection.names
    ]


@pytest.mark.parametrize(
    ("traffic", "output", "reasoning"),
    [(100, "1", "1"), (135, "0.5", "2"), (400, "3", "0"), (0, "1", "1")],
)
def test_factors_give_what_python_computes_to_the_cent(
    page, recommendation, traffic, output, reasoning
):
    """Each cell is the bill of the changed workloads, written as reports write money."""
    page.set("traffic", traffic)
    page.set("output", OUTPUTS.index(output))
    page.set("reasoning", REASONINGS.index(reasoning))
    changed = what_if(
        load_workloads(), traffic=Decimal(traffic) / 100, output=output, reasoning=reasoning
    )
    assert page.spend() == bills(recommendation.projection, changed)


@pytest.fixture(scope="module")
def every_meter():
    """Return plain workloads that use every meter, on a catalog that states or lacks its prices."""
    plain = Workload(
        name="w",
        requests_per_day=1000,
        prompt_tokens=2000,
        completion_tokens=500,
        reasoning_tokens=900,
        cached_share=0.35,
        written_share={"five_minutes": 0.1, "one_hour": 0.2},
        fees_per_request={"web search": 0.3},
        turns=3,
        max_tokens=2500,
    )
    catalog = load_catalog("2026-11-public")
    models = (
        replace(one, status=None, batch_multiplier=one.batch_multiplier or Decimal("0.5"))
        for one in catalog
        if one.id in ("kimi-k2.5", "kimi-k3")
    )
    workloads = [plain, replace(plain, name="batched", batch=True)]
    return workloads, replace(catalog, models=tuple(models))


def test_prices_and_factors_give_the_plan_of_changed_numbers(browser, tmp_path, every_meter):
    """With prices and factors changed, plain workloads have the exact bill of a new projection."""
    workloads, catalog = every_meter
    plan = recommend(workloads, **{**PLAN, "catalog": catalog})
    made = tmp_path / "plain.html"
    made.write_text(html_report(plan), encoding="utf-8")
    page = Opened(browser, made)
    assert page.spend() == bills(plan.projection)
    page.set("traffic", 120)
    page.set("output", OUTPUTS.index("1.5"))
    changes = {
        "output": ("output_usd_per_mtok", "13.987654321"),
        "cached input": ("cached_input_usd_per_mtok", "0.123"),
        "cache writes for 1 hour": ("cache_write_1h_usd_per_mtok", "7.5"),
    }
    changed = catalog.with_price("kimi-k3", **dict(changes.values()))
    fee = replace(catalog.fees[0], usd_per_call=Decimal("0.0123"))
    changed = replace(changed, fees=(fee,))
    for meter, (_, price) in changes.items():
        page.price("kimi-k3", meter, price)
        batch = Decimal(price) * changed.model("kimi-k3").batch_multiplier
        page.price("kimi-k3", f"{meter} in batches", str(batch))
    page.tab.get_by_label("web search, USD a call", exact=True).fill("0.0123")
    expected = bills(plan.projection, what_if(workloads, traffic="1.2", output="1.5"), changed)
    assert page.spend() == expected
    total = sum(
        Decimal(expected[row][plan.projection.models.index(model)].replace(",", ""))
        for row, model in enumerate(plan.best.values())
    )
    found = re.search(r"([\d,.]+) USD a month", page.tab.inner_text("#answer"))[1]
    assert abs(Decimal(found.replace(",", "")) - total) <= Decimal("0.01")
    page.tab.click("text=Back to the plan")
    page.tab.locator("#answer", has_text="as planned").wait_for()
    assert page.problems == []
    page.tab.close()


def test_every_meter_that_occurs_has_a_box(browser, tmp_path, every_meter):
    """A meter without a price of its own follows the box of the one that stands in for it."""
    workloads, catalog = every_meter
    made = tmp_path / "meters.html"
    made.write_text(html_report(recommend(workloads, **{**PLAN, "catalog": catalog})), "utf-8")
    page = Opened(browser, made)
    titles = [meter.title for meter in METERS.values()]
    heads = page.tab.locator("#price-heads th").all_inner_texts()
    assert heads == ["model", *titles]
    for spec in catalog:
        tariff = Tariff.of(spec)
        for key, meter in METERS.items():
            boxes = page.tab.get_by_label(f"{spec.id}, {meter.title} price", exact=True)
            assert boxes.count() == tariff.states(key)
            if tariff.states(key):
                assert Decimal(boxes.input_value()) == tariff.usd_per_mtok(key)
    before = page.spend()
    page.price("kimi-k2.5", "input in batches", "9")
    changed = page.spend()
    spend = project(workloads[1], **{**PLAN, "catalog": catalog}).of("kimi-k2.5")
    billed = ("batch_input", "batch_cache_write_5m", "batch_cache_write_1h")
    dearer = sum(spend.usage[key].sum() for key in billed) * Fraction(9 - Decimal("0.36"))
    rise = Fraction(dearer, 3_000_000)
    column = [one.id for one in catalog].index("kimi-k2.5")
    assert Decimal(changed[1][column].replace(",", "")) == pytest.approx(
        Decimal(before[1][column].replace(",", "")) + Decimal(float(rise)), abs=Decimal("0.011")
    )
    assert changed[0] == before[0]
    page.tab.close()


def drawn(number):
    """Return workloads of a generator, always the same, and as many with a number that has a range."""
    loads = []

    @seed(0)
    @settings(max_examples=number, database=None, deadline=None, phases=[Phase.generate])
    @given(as_planned(reasons=True))
    def draw(planned):
        loads.append(planned[0])

    draw()
    # prices that one workload changes on a model close its boxes, so those of the others stay open
    changed = [
        replace(
            load,
            price_changes=[replace(one, model="moved") for one in load.dated_price_changes],
        )
        for load in loads
    ]
    ranges = [
        replace(load, **{key: UNCERTAIN[key]})
        for load, key in zip(changed, list(UNCERTAIN) * number, strict=False)
    ]
    return [replace(load, name=f"w{n}") for n, load in enumerate(changed + ranges)]


DRAWN = {"months": 3, "start": "2026-06", "as_of": date(2026, 6, 1), "n_paths": 200}


@pytest.fixture(scope="module")
def drawn_plan(tmp_path_factory):
    """Return a plan of drawn workloads, on prices moved by a workload, by a day, and by nothing."""
    folder = tmp_path_factory.mktemp("drawn")
    own, cut, silent = (
        dated_catalog(folder, **options)
        for options in ({"reasons": True}, {"reasons": True, "cut": "2026-07-10"}, {})
    )
    models = {"moved": own, "cut": cut, "open": own, "silent": silent}
    named = tuple(replace(one.model("m"), id=name) for name, one in models.items())
    return recommend(drawn(12), catalog=replace(own, models=named), **DRAWN)


@pytest.fixture(scope="module")
def drawn_path(drawn_plan, tmp_path_factory):
    made = tmp_path_factory.mktemp("drawn") / "drawn.html"
    made.write_text(html_report(drawn_plan), encoding="utf-8")
    return made


def months_mean(projection, pairs):
    """Return the expected spend of a month of some workloads on a model each, as reports write it."""
    bills = (projection.spend[pair].bill.total.sum() for pair in pairs)
    return usd(from_fraction(sum(map(Fraction, bills)) / len(projection.months)))


@pytest.mark.parametrize(
    ("traffic", "output", "reasoning"),
    [(100, "1", "1"), (65, "1.5", "3"), (240, "0.5", "0"), (5, "3", "0.5"), (0, "2", "2")],
)
def test_drawn_workloads_have_the_bill_of_python(
    browser, drawn_path, drawn_plan, traffic, output, reasoning
):
    """Writes, fees, batches, retries, turns, caps and ranges: by workload, in all, and by meter."""
    page, catalog = Opened(browser, drawn_path), drawn_plan.projection.catalog
    page.set("traffic", traffic)
    page.set("output", OUTPUTS.index(output))
    page.set("reasoning", REASONINGS.index(reasoning))
    changed = what_if(
        drawn_plan.projection.workloads,
        traffic=Decimal(traffic) / 100,
        output=output,
        reasoning=reasoning,
    )

    def holds(catalog):
        plan = project(changed, models=drawn_plan.projection.models, catalog=catalog, **DRAWN)
        assert page.spend() == [
            [months_mean(plan, [(name, model)]) for model in plan.models] for name in plan.names
        ]
        assert page.tab.locator("#sums td").all_inner_texts()[1:] == [
            months_mean(plan, [(name, model) for name in plan.names]) for model in plan.models
        ]
        answer = months_mean(plan, drawn_plan.best.items())
        assert f"models: {answer} USD a month" in page.tab.inner_text("#answer")
        return plan

    plan = holds(catalog)
    prices = dict(zip(TOKEN_METERS, ("3.7", "0.123456789", "0.9", "6", "13.98"), strict=True))
    for model in ("open", "silent"):
        fields = {METERS[key].price: price for key, price in prices.items()}
        catalog = catalog.with_price(model, **fields)
        for key, price in prices.items():
            batch = Decimal(price) * catalog.model(model).batch_multiplier
            page.price(model, METERS[key].title, price)
            page.price(model, METERS[f"batch_{key}"].title, str(batch))
    fee = replace(catalog.fees[0], usd_per_call=Decimal("0.0123"))
    page.tab.get_by_label("web search, USD a call", exact=True).fill("0.0123")
    holds(replace(catalog, fees=(fee,)))

    # a meter alone at a price of a million shows its tokens; a fee at 1 USD its calls
    boxes = {key: f"open, {meter.title} price" for key, meter in METERS.items()}
    boxes["fee: web search"] = "web search, USD a call"
    for label in boxes.values():
        page.tab.get_by_label(label, exact=True).fill("0")
    column = plan.models.index("open")
    used = [plan.of("open", name).usage for name in plan.names]
    for key, label in boxes.items():
        box = page.tab.get_by_label(label, exact=True)
        box.fill("1" if key.startswith("fee") else "1000000")
        assert [row[column] for row in page.spend()] == [
            usd(float(np.sum(amounts[key])) / 3) for amounts in used
        ]
        box.fill("0")
    assert page.problems == []
    page.tab.close()


def test_what_is_no_price_is_said_and_changes_nothing(page):
    """A price that cannot be read is marked, and the numbers stay."""
    before = page.spend()
    page.price("kimi-k2", "input", "cheap")
    assert "no number" in page.tab.inner_text("#answer")
    box = page.tab.get_by_label("kimi-k2, input price", exact=True)
    assert box.get_attribute("aria-invalid") == "true"
    assert page.spend() == before
    page.price("kimi-k2", "input", ".5")
    half = page.spend()
    page.price("kimi-k2", "input", "0.50")
    assert page.spend() == half != before


def test_tables_sort_by_value_with_the_keyboard(page):
    """A head is a button: once for rising, twice for falling, totals stay below."""
    table = page.tab.locator("table", has_text="Each workload on its planned model")
    button = table.locator("th button", has_text="P90")
    button.focus()
    page.tab.keyboard.press("Enter")

    def column():
        cells = table.locator("tbody td:nth-child(4)").all_inner_texts()
        return [float(cell.replace(",", "")) for cell in cells]

    assert column() == sorted(column())
    page.tab.keyboard.press("Enter")
    assert column() == sorted(column(), reverse=True)
    assert table.locator("th", has_text="P90").get_attribute("aria-sort") == "descending"
    assert table.locator("tfoot").inner_text().startswith("all 3 months")


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_it_prints(browser, path, paper):
    """On paper the panel is left out, and no table is wider than the page."""
    opened = Opened(browser, path)
    opened.tab.emulate_media(media="print")
    assert not opened.tab.is_visible("#what-if")
    width = {"A4": 688, "Letter": 710}[paper]  # CSS pixels between margins of 14 mm
    opened.tab.set_viewport_size({"width": width, "height": 900})
    wide = opened.tab.eval_on_selector_all(
        "table", "tables => tables.map(one => one.getBoundingClientRect().right)"
    )
    assert max(wide) <= width
    # a button in a head would keep Chromium from repeating the head on the next page
    buttons = opened.tab.locator("th button")
    assert {one.evaluate("it => getComputedStyle(it).display") for one in buttons.all()} == {
        "contents"
    }
    assert opened.tab.pdf(format=paper).startswith(b"%PDF")
    opened.tab.close()


def test_hostile_names_run_nothing(browser, tmp_path):
    """A name with markup is text in the page, in its pictures and in its numbers."""
    workload = Workload(
        name=HOSTILE, requests_per_day=5, prompt_tokens=10, completion_tokens=10, source=HOSTILE
    )
    made = tmp_path / "hostile.html"
    text = HOSTILE + "\u2028\0"
    section = Section(text, (text,), (Table((text,), ((text,),)), Table((text,), ())))
    made.write_text(html_report(recommend(workload, **PLAN), [section]), encoding="utf-8")
    page = Opened(browser, made)
    assert page.problems == []
    assert "</script><script>alert(1)" in page.tab.inner_text("#spend th")
    assert page.tab.locator("script").count() == 2
    page.tab.close()


@pytest.mark.parametrize("width", [375, 1000])
def test_nothing_but_tables_is_wider_than_the_screen(browser, path, tmp_path, width):
    """On a telephone and on a desk, with names as long as can be, only tables scroll sideways."""
    long = Workload(name="x" * 200, requests_per_day=5, prompt_tokens=10, completion_tokens=10)
    made = tmp_path / "long.html"
    table = Table(("w", "x" * 200, "y"), (("a", "1", "2"),) * 2, frozenset({1, 2}))
    section = Section("Long", (), (table,))
    made.write_text(html_report(recommend(long, **PLAN), [section]), encoding="utf-8")
    for one in (path, made):
        opened = Opened(browser, one)
        opened.tab.set_viewport_size({"width": width, "height": 900})
        assert opened.tab.evaluate("document.documentElement.scrollWidth") == width
        over = opened.tab.eval_on_selector_all(
            "th button", "all => all.map(one => one.offsetWidth - one.parentElement.clientWidth)"
        )
        assert max(over) <= 0
        opened.tab.close()


@pytest.mark.parametrize("catalog", [None, "2026-11-public"])
def test_no_table_of_the_example_scrolls_on_a_desk(browser, tmp_path, catalog):
    """At 1,000 pixels every column of every table is in sight, and no field is broken at a mark."""
    made = tmp_path / "example.html"
    plan = recommend(load_workloads(), catalog=catalog, **PLAN)
    made.write_text(html_report(plan), encoding="utf-8")
    page = Opened(browser, made)
    over = page.tab.eval_on_selector_all(
        ".scroll", "all => all.map(one => one.scrollWidth - one.clientWidth)"
    )
    assert max(over) <= 0
    lines = page.tab.locator("td.name").evaluate_all(
        """all => all.map(cell => {
            const range = document.createRange();
            range.selectNodeContents(cell);
            return new Set([...range.getClientRects()].map(box => box.top)).size;
        })"""
    )
    assert max(lines) == 1
    page.tab.close()


def test_a_price_may_begin_with_its_point(page):
    """Half a dollar is 0.5 or .5; a point alone is no price."""
    page.price("kimi-k2", "input", "0.5")
    half = page.spend()
    page.price("kimi-k2", "input", "1.20")
    assert page.spend() != half
    page.price("kimi-k2", "input", ".5")
    assert page.spend() == half
    page.price("kimi-k2", "input", ".")
    assert "no number" in page.tab.inner_text("#answer")


def test_a_plan_of_one_month_is_called_by_its_name():
    """One month is no range of months, and no total stands below its only row."""
    plan = recommend(load_workloads(), **{**PLAN, "months": 1})
    texts = [markdown_report(plan), plan_text(plan), html_report(plan).partition("<svg")[0]]
    for text in texts:
        assert "1 months" not in text
        assert "2026-12 to 2026-12" not in text.replace(plan.projection.provenance, "")
    assert len(months_table(plan).rows) == 1
    figures = key_figures(plan)
    assert [name for name, _, _ in figures] == [
        "To book", "2026-12", "Budget a month", "Largest workload"
    ]  # fmt: skip
    assert "the month costs more" in figures[2][2]
    assert "USD (P10" in totals_sentence(plan)
    assert totals_sentence(plan).endswith(" in 2026-12.")


@pytest.mark.parametrize(
    ("budgets", "said"),
    [
        ([None, None], ("none", "no workload has a budget")),
        ([None, 9], ("not told", "1 of 2 workloads has no budget")),
        ([None, 9, None], ("not told", "2 of 3 workloads have no budget")),
        ([8, 9], ("17 USD", "0% chance that some month costs more")),
    ],
)
def test_a_budget_is_a_sum_of_all_or_none(budgets, said):
    """A sum of some budgets would be no budget of the plan."""
    plan = recommend(
        [
            Workload(
                name=f"w{place}", requests_per_day=5, prompt_tokens=10, completion_tokens=10,
                budget_usd_per_month=budget,
            )
            for place, budget in enumerate(budgets)
        ],
        **PLAN,
    )  # fmt: skip
    assert key_figures(plan)[3] == ("Budget a month", *said)


@pytest.mark.parametrize(("name", "is_drawn"), [(None, False), ("other", False), ("w", True)])
def test_quality_is_drawn_where_a_model_was_tried(name, is_drawn):
    """A picture without a point is left out."""
    trials = {(name, "kimi-k2"): Trials(successes=15, trials=20)}
    tried = None if name is None else Evaluations(trials=trials, source="team.csv")
    workload = Workload(name="w", requests_per_day=5, prompt_tokens=10, completion_tokens=10)
    drawn = pictures(recommend(workload, evaluations=tried, **PLAN))
    assert "monthly_spend" in drawn
    assert ("cost_vs_quality" in drawn) is is_drawn
    plt.close("all")


def test_a_page_on_models_that_do_not_qualify_says_so(browser, tmp_path):
    """Where no model qualifies the figures are those of the planned one, and the panel computes."""
    workload = Workload(
        name="w", requests_per_day=10**6, prompt_tokens=200_000, completion_tokens=1000
    )
    made = tmp_path / "none.html"
    made.write_text(html_report(recommend(workload, **PLAN)), encoding="utf-8")
    page = Opened(browser, made)
    assert page.problems == []
    assert "no model qualifies for w" in page.tab.inner_text("main")
    assert "kimi-k2" in page.tab.inner_text("#answer") or page.spend() != []
    page.tab.close()


def test_more_sections_stand_in_the_page(recommendation):
    """A comparison is shown with its title, its table and its sentences."""
    table = Table(("workload", "change"), (("support-chat", "+12.0%"),), frozenset({1}))
    section = Section("Since the last report", ("Prices rose.",), (table,))
    text = html_report(recommendation, [section])
    assert re.search(r"<h2>Since the last report</h2>\s*<ul>\s*<li>Prices rose\.</li>", text)
    assert "+12.0%" in text
    assert text.index("Since the last report") < text.index("<h2>Pictures</h2>")


def test_short_names_stay_on_one_line_on_a_desk(page):
    """Names of workloads, models and fields are not broken while there is room for them."""
    for name in ("coding-assistant", "kimi-k2-5-thinking", "budget_usd_per_month"):
        cells = page.tab.locator("td.name").filter(has_text=name)
        assert cells.count() > 1
        assert set(cells.evaluate_all("all => all.map(it => getComputedStyle(it).whiteSpace)")) == {
            "nowrap"
        }


def test_prices_that_cannot_move_are_not_offered(browser, tmp_path):
    """Where a plan has a change of price, its boxes are closed and a note says why; spend is whole."""
    change = {"date": "2027-01-01", "factor": 0.5}
    [first, *_] = load_workloads()
    made = tmp_path / "changing.html"
    changing = replace(first, price_changes=(change,))
    plan = recommend(changing, **PLAN)
    made.write_text(html_report(plan), encoding="utf-8")
    page = Opened(browser, made)
    assert page.tab.get_by_label("kimi-k2, input price", exact=True).is_disabled()
    assert "support-chat on kimi-k2" in page.tab.inner_text("#price-notes")
    assert page.spend() == bills(plan.projection)
    page.set("traffic", 50)
    halved = project(what_if(changing, traffic="0.5"), **PLAN)
    assert page.spend() == bills(halved)
    page.tab.close()
