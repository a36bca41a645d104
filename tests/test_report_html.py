"""The HTML report in a real browser: alone, accessible, sortable, and computing what Python does."""

import re
from datetime import date
from html.parser import HTMLParser

import matplotlib as mpl
import pytest
from matplotlib import pyplot as plt
from opened import Opened
from planned import budget_meeting

from kimi_planner import Workload, load_catalog, load_workloads, recommend
from kimi_planner.choose import Evaluations, Trials
from kimi_planner.money import usd
from kimi_planner.report.comparisons import plan_sections
from kimi_planner.report.html import html_report, key_figures
from kimi_planner.report.pictures import pictures
from kimi_planner.report.sentences import totals_sentence
from kimi_planner.report.table import Section, Table
from kimi_planner.report.tables import months_table
from kimi_planner.report.text import markdown_report, plan_text

mpl.use("Agg")
AS_OF = date(2026, 11, 24)
PLAN = {"months": 3, "as_of": AS_OF, "n_paths": 300}
HOSTILE = "</script><script>alert(1)</script><!-- &\"' ${x}"


@pytest.fixture(scope="module")
def plan():
    return recommend(load_workloads(), **PLAN)


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


def test_the_same_plan_gives_the_same_bytes(plan, path):
    """Nothing in the page depends on when or where it is written."""
    again = recommend(load_workloads(), **PLAN)
    assert html_report(again) == path.read_text(encoding="utf-8")


def test_settings_of_a_reader_change_no_byte(plan):
    """A matplotlibrc, a style sheet or a dark notebook: the report is the same, and the settings stay."""
    plain = html_report(plan)
    own = {"text.usetex": True, "font.size": 21, "axes.facecolor": "red", "savefig.dpi": 20,
           "savefig.facecolor": "blue", "svg.fonttype": "none", "lines.linewidth": 9}  # fmt: skip
    with plt.style.context(["dark_background", own]):
        before = mpl.rcParams.copy()
        assert html_report(plan) == plain
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


@pytest.fixture(scope="module")
def meeting(tmp_path_factory):
    """Return the page of a budget meeting on the newer catalog, in another currency and at a list too."""
    catalog = load_catalog("2026-11-public-3").with_list("CNY")
    plan = budget_meeting(catalog.in_currency("EUR", rate="0.92", on=AS_OF))
    made = tmp_path_factory.mktemp("meeting") / "report.html"
    made.write_text(html_report(plan, plan_sections(plan)), encoding="utf-8")
    return made


@pytest.mark.parametrize(
    ("of", "scheme", "width", "media"),
    [
        ("path", "light", 768, "screen"),
        ("path", "dark", 1440, "screen"),
        ("path", "dark", 768, "print"),
        ("meeting", "light", 1440, "screen"),
        ("meeting", "dark", 375, "screen"),
        ("meeting", "light", 768, "print"),
    ],
)
def test_no_barrier_that_axe_finds(request, browser, of, scheme, width, media):
    """The scan for accessibility finds nothing, in either theme, on any screen, and as printed."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is missing")
    opened = Opened(browser, request.getfixturevalue(of), color_scheme=scheme)
    opened.tab.set_viewport_size({"width": width, "height": 900})
    opened.tab.emulate_media(media=media, color_scheme=scheme)
    background = opened.tab.evaluate("getComputedStyle(document.body).backgroundColor")
    opened.tab.evaluate("document.querySelectorAll('details').forEach(one => (one.open = true))")
    # axe is injected by the browser's own protocol, which the page's policy does not bind
    found = axe.Axe().run(opened.tab)
    opened.tab.close()
    assert found.response["violations"] == []
    assert len(found.response["passes"]) > 20
    is_light = scheme == "light" or media == "print"
    assert background == ("rgb(255, 255, 255)" if is_light else "rgb(22, 25, 28)")


def test_months_of_a_chart_are_named_below_their_bars_on_a_telephone(browser, meeting):
    """The first month and each third after it, whatever the axis: below its bar, and on the screen."""
    opened = Opened(browser, meeting)
    opened.tab.set_viewport_size({"width": 375, "height": 900})
    opened.tab.evaluate("document.querySelectorAll('details').forEach(one => (one.open = true))")
    for traffic in ("100", "140"):
        opened.move(("chat, traffic, %", traffic))
        charts = opened.tab.locator(".plot").evaluate_all(
            """all => all.map(plot => [...plot.querySelectorAll(".month small")]
                .filter(one => getComputedStyle(one).visibility === "visible")
                .map(one => {
                    const [text, column] = [document.createRange(), one.parentElement.getBoundingClientRect()];
                    text.selectNodeContents(one);
                    const box = text.getBoundingClientRect();
                    return [one.textContent, (box.left + box.right - column.left - column.right) / 2, box.right];
                }))"""
        )
        assert len(charts) == 5
        for labels in charts:
            assert [name for name, _, _ in labels] == ["27-01", "27-04", "27-07", "27-10"]
            assert max(abs(off) for _, off, _ in labels) < 1
            assert max(right for _, _, right in labels) <= 375
    opened.tab.close()


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


@pytest.fixture(scope="module")
def year(tmp_path_factory):
    made = tmp_path_factory.mktemp("year") / "report.html"
    plan = recommend(load_workloads(), **{**PLAN, "months": 12})
    made.write_text(html_report(plan), encoding="utf-8")
    return made


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_it_prints(browser, path, year, paper):
    """On paper the panel is left out, and no table is wider than the page."""
    width = {"A4": 688, "Letter": 710}[paper]  # CSS pixels between margins of 14 mm
    for file in (path, year):
        opened = Opened(browser, file)
        opened.tab.emulate_media(media="print")
        assert not opened.tab.is_visible("#what-if")
        opened.tab.set_viewport_size({"width": width, "height": 900})
        wide = opened.tab.eval_on_selector_all(
            "table", "tables => tables.map(one => one.getBoundingClientRect().right)"
        )
        assert max(wide) <= width
        opened.tab.close()
    opened = Opened(browser, path)
    opened.tab.emulate_media(media="print")
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
    assert "</script><script>alert(1)" in page.tab.inner_text("#compared th")
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
    plan = recommend(workload, **PLAN)
    made.write_text(html_report(plan), encoding="utf-8")
    page = Opened(browser, made)
    assert page.problems == []
    assert "no model qualifies for w" in page.tab.inner_text("main")
    mean = plan.projection.of(plan.best["w"], "w").exact_usd
    assert page.move()["rows"]["compared"][0][1] == usd(sum(mean) / len(mean))
    page.tab.close()


def test_more_sections_stand_in_the_page(plan):
    """A comparison is shown with its title, its table and its sentences."""
    table = Table(("workload", "change"), (("support-chat", "+12.0%"),), frozenset({1}))
    section = Section("Since the last report", ("Prices rose.",), (table,))
    text = html_report(plan, [section])
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
