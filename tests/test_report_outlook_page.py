"""The month-end page: the tables of a latest estimate, and their forms, hold the same numbers."""

import io
import re
from datetime import date
from decimal import Decimal

import numpy as np
import openpyxl
import pandas as pd
import pytest
from click.testing import CliRunner
from legible import contrast
from opened import Opened

from kimi_planner import latest_estimate
from kimi_planner.cli.outlook import outlook
from kimi_planner.report.outlook import days_table, limits_table, outlook_markdown
from kimi_planner.report.outlook_page import outlook_page, outlook_xlsx

AS_OF = "2026-11-24"


@pytest.fixture(scope="module")
def log():
    """Return a log of seven weeks of calls every hour, a little uneven."""
    hours = pd.date_range("2026-10-01", "2026-11-18", freq="h", tz="UTC", inclusive="left")
    tokens = np.random.default_rng(1).integers(3_000_000, 5_000_000, len(hours))
    return pd.DataFrame(
        {
            "timestamp": hours,
            "model": "kimi-k2",
            "prompt_tokens": tokens,
            "completion_tokens": 600_000,
        }
    )


@pytest.fixture(scope="module")
def estimate(log):
    return latest_estimate(log, 4500, as_of=AS_OF, catalog="2026-06")


def number(text):
    return Decimal(text.replace(",", "").replace("+", "").removesuffix(" !"))


def test_days_are_spent_then_forecast(log, estimate):
    """Each day to the end of the log adds what it cost; then the quantiles run to those of the end."""
    rows = days_table(estimate).rows
    assert [row[0] for row in rows] == [str(date(2026, 11, day)) for day in range(1, 31)]
    assert [row[1] for row in rows] == ["spent"] * 17 + ["forecast"] * 13
    day = log["timestamp"].dt.date == date(2026, 11, 2)
    cost = Decimal("1.2") * int(log["prompt_tokens"][day].sum()) + Decimal("3.6") * 24 * 600_000
    assert number(rows[1][2]) == pytest.approx(cost / 10**6, abs=Decimal("0.005"))
    assert number(rows[16][4]) == pytest.approx(estimate.actual_usd, abs=Decimal("0.005"))
    for column, q in ((3, 0.1), (4, 0.5), (5, 0.9)):
        amounts = [number(row[column]) for row in rows]
        assert amounts == sorted(amounts)
        assert float(amounts[-1]) == pytest.approx(estimate.quantile(q), abs=0.005)


def test_the_breach_is_where_the_estimate_says(estimate):
    """The first day whose P50 leaves less than nothing of the budget is the day of the limit."""
    rows = days_table(estimate).rows
    over = [row[0] for row in rows if row[6].endswith("!")]
    assert over[0] == str(estimate.budget.day)
    assert over == [row[0] for row in rows if number(row[6]) < 0]
    [row] = limits_table(estimate).rows
    assert row[6:8] == (str(estimate.budget.day), str(estimate.budget.earliest_day))


def test_a_day_that_the_log_ends_on_is_one_row(log):
    """What was spent of it stands beside where it will end; no day is in two rows."""
    part = log[log["timestamp"] < "2026-11-17T20:00Z"]
    found = latest_estimate(part, 4500, as_of=AS_OF, catalog="2026-06")
    rows = days_table(found).rows
    assert [row[0] for row in rows] == [str(date(2026, 11, day)) for day in range(1, 31)]
    assert rows[16][1] == "spent in part"
    assert number(rows[16][2]) == pytest.approx(
        found.daily["actual_usd"].iloc[-1], abs=Decimal("0.005")
    )
    assert number(rows[16][4]) > found.actual_usd > number(rows[15][4])


@pytest.mark.parametrize(
    ("scheme", "width", "media"),
    [
        ("light", 375, "screen"),
        ("light", 1440, "screen"),
        ("dark", 375, "screen"),
        ("dark", 768, "screen"),
        ("dark", 768, "print"),
    ],
)
def test_the_page_is_read_by_anyone(browser, estimate, tmp_path, scheme, width, media):
    """Axe finds no barrier, nothing is wider than the screen, and no number is broken in two."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is missing")
    path = tmp_path / "outlook.html"
    path.write_text(outlook_page(estimate), encoding="utf-8")
    opened = Opened(browser, path, color_scheme=scheme)
    opened.tab.set_viewport_size({"width": width, "height": 900})
    opened.tab.emulate_media(media=media, color_scheme=scheme)
    assert axe.Axe().run(opened.tab).response["violations"] == []
    assert opened.tab.evaluate("document.documentElement.scrollWidth") == width
    assert _scrolled(opened) == []
    heights = opened.tab.locator("td.number").evaluate_all(
        """all => all.filter(one => one.textContent).map(one => {
            const range = document.createRange();
            range.selectNodeContents(one);
            return new Set([...range.getClientRects()].map(box => box.top)).size;
        })"""
    )
    assert len(heights) > 60
    assert max(heights) == 1
    assert (opened.problems, opened.requests) == ([], [path.as_uri()])
    opened.tab.close()


def _scrolled(opened):
    """Return what of a page is wider than its place, so that a reader must move it sideways."""
    return opened.tab.locator(":is(.scroll, .picture)").evaluate_all(
        """all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.ariaLabel)"""
    )


def test_a_month_with_every_limit_is_held_on_a_telephone(browser, log, tmp_path):
    """Amounts of six digits, a plan and a balance: nothing is to be moved sideways, and no amount is cut."""
    dear = log.assign(completion_tokens=log["completion_tokens"] * 100)
    found = latest_estimate(dear, 450_000, balance=90_000, as_of=AS_OF, catalog="2026-06")
    path = tmp_path / "dear.html"
    path.write_text(outlook_page(found), encoding="utf-8")
    opened = Opened(browser, path)
    opened.tab.set_viewport_size({"width": 375, "height": 900})
    assert opened.tab.evaluate("document.documentElement.scrollWidth") == 375
    assert _scrolled(opened) == []
    shown = opened.tab.locator("td.number").evaluate_all(
        """all => all.filter(one => one.textContent && one.checkVisibility()).map(one => {
            const range = document.createRange();
            range.selectNodeContents(one);
            return range.getBoundingClientRect().right;
        })"""
    )
    assert len(shown) > 60
    assert max(shown) <= 375
    opened.tab.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 375])
def test_the_picture_has_the_colours_of_the_page(browser, estimate, tmp_path, scheme, width):
    """One picture is seen; its paper is the page's, and each word and line of it stands out from that."""
    path = tmp_path / "outlook.html"
    path.write_text(outlook_page(estimate), encoding="utf-8")
    opened = Opened(browser, path, color_scheme=scheme)
    opened.tab.set_viewport_size({"width": width, "height": 900})
    assert opened.tab.locator(".picture").filter(visible=True).count() == 1
    paper, colours = opened.tab.evaluate(
        """() => {
            const shown = [...document.querySelectorAll(".picture")].find(one => one.checkVisibility());
            const drawn = [...shown.querySelectorAll("svg path, svg use")].map(one => getComputedStyle(one));
            return [getComputedStyle(document.body).backgroundColor,
                    [...new Set(drawn.flatMap(one => [one.fill, one.stroke]))]];
        }"""
    )
    seen = {one for one in colours if one.startswith("rgb")} - {"rgb(0, 0, 0)"}
    assert paper in seen
    rest = [contrast(_hex(one), _hex(paper)) for one in seen - {paper}]
    assert len(rest) >= 4
    assert min(rest) > 1.5, "a band"
    assert sum(one >= 4.5 for one in rest) >= 3, "ink, words behind, and the budget"
    opened.tab.emulate_media(media="print")
    assert opened.tab.locator(".picture").filter(visible=True).count() == 1
    fill = opened.tab.locator(".picture path").first.evaluate("it => getComputedStyle(it).fill")
    assert fill == "rgb(255, 255, 255)"
    opened.tab.close()


def _hex(colour):
    return "#" + "".join(f"{int(part):02x}" for part in re.findall(r"\d+", colour))


def test_without_a_budget_nothing_is_held_against(log):
    """No limit is made up: the table of limits is empty, that of days has no column of a budget."""
    found = latest_estimate(log, as_of=AS_OF, catalog="2026-06")
    assert not limits_table(found).rows
    assert days_table(found).headers[-1] == "P90 to date"


def test_a_year_is_shown_by_month(log):
    """Of a long period the table has the end of each month."""
    found = latest_estimate(
        log, 60_000, "year end", as_of=AS_OF, catalog="2026-06", since="2026-08-01"
    )
    days = [row[0] for row in days_table(found).rows]
    assert days == ["2026-10-31", "2026-11-30", "2026-12-31"]


def test_page_markdown_and_workbook_hold_the_same_numbers(estimate):
    """Every amount of the tables stands in all three; the page has a picture in words and no script."""
    page, text = outlook_page(estimate), outlook_markdown(estimate)
    sheet = openpyxl.load_workbook(io.BytesIO(outlook_xlsx(estimate)))["Month end"]
    numbers = {
        round(c.value, 2)
        for row in sheet.iter_rows()
        for c in row
        if isinstance(c.value, int | float)
    }
    for row in (*days_table(estimate).rows, *limits_table(estimate).rows):
        for amount in re.findall(r"[\d,]+\.\d\d", " ".join(row)):
            assert amount in page
            assert amount in text
            assert numbers & {float(number(amount)), -float(number(amount))}
    assert "<script" not in page
    assert '<div class="picture level" role="img" tabindex="0" aria-label="' in page
    assert outlook_page(estimate) == page
    assert outlook_xlsx(estimate) == outlook_xlsx(estimate)


def test_the_command_writes_the_page(log, tmp_path):
    """`usage outlook --out` writes estimate, page, workbook and picture."""
    path = tmp_path / "log.csv"
    log.to_csv(path, index=False)
    arguments = [str(path), "--budget", "4500", "--as-of", AS_OF, "--out", str(tmp_path / "o")]
    done = CliRunner().invoke(outlook, arguments)
    assert done.exit_code == 0, done.output
    names = {file.name for file in (tmp_path / "o").iterdir()}
    assert names == {f"outlook.{end}" for end in ("json", "md", "html", "xlsx", "png")}
