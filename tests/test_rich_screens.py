"""Every result is one screen in a terminal and in a notebook, and says what its numbers are."""

import re

import pytest
from drawn import CARD, PUBLIC, RESULTS, case, result
from pictured import AS_OF, closed

from kimi_planner import cost, estimate, load_catalog, recommend
from kimi_planner.capacity import load_limits
from kimi_planner.catalog.diff import diff_catalogs
from kimi_planner.plan import booked, budget_matrix, cap_risk
from kimi_planner.rich import Page
from kimi_planner.workload import Workload

__all__ = ["closed"]

USAGE = {"prompt_tokens": 1000, "completion_tokens": 100, "cached_tokens": 10}
REQUEST = {"model": "kimi-k2", "messages": [{"role": "user", "content": "hi"}]}
OTHERS = {
    "workload": lambda c: c.workload,
    "recommendation": lambda c: recommend(
        c.workloads, projection=c.projection, evaluations=c.tried
    ),
    "portfolio": lambda c: result("portfolio_frontier", "usual", c.catalog).points[0],
    "step": lambda c: result("portfolio_frontier", "usual", c.catalog).next_100_usd(50),
    "booked": lambda c: booked(c.projection, dict.fromkeys(c.projection.names, c.models[0])),
    "budget": lambda c: budget_matrix(c.projection, dict.fromkeys(c.projection.names, c.models[0])),
    "caps": lambda c: cap_risk(c.workloads, catalog=c.catalog),
    "evaluations": lambda c: c.tried,
    "spend": lambda c: c.projection.of(c.models[0]),
    "catalog": lambda c: load_catalog(c.catalog),
    "model": lambda c: load_catalog(c.catalog).model(c.models[0]),
    "diff": lambda c: diff_catalogs(CARD, PUBLIC),
    "limits": lambda c: load_limits(),
    "cost": lambda c: cost(USAGE, model=c.models[0], as_of=AS_OF, catalog=c.catalog),
    "estimate": lambda c: estimate(REQUEST),
}


def found(name, catalog):
    if name in OTHERS:
        return OTHERS[name](case("usual", catalog))
    return result(name, "usual", catalog)


def lines_of(text):
    """Return how many lines of 80 characters a terminal shows."""
    return sum(max(1, -(-len(line) // 80)) for line in text.split("\n"))


@pytest.mark.parametrize("catalog", [CARD, PUBLIC])
def test_every_result_is_one_screen(catalog):
    """At most 30 lines of 80 characters, as many rows in a notebook, a unit, and no raw objects."""
    for name in [*RESULTS, *OTHERS]:
        shown = found(name, catalog)
        text, page = repr(shown), shown._repr_html_()
        assert lines_of(text) <= 30, name
        rows = page.count("<tr>") + page.count("<li>")
        assert rows <= 30, f"{name}: {rows} rows"
        assert page.split("</tr>")[0].count("<th") <= 12, name
        for form in (text, page):
            assert re.search(r"USD|token|%|tasks", form), name
            assert not re.search(r"\w+\(\w+=|Decimal\(|object at 0x|array\(", form), name


def test_a_long_table_shows_its_ends_and_what_is_between():
    """Of 204 turns the first and the last stand there, and how many are left out."""
    from kimi_planner.calls.conversation import conversation

    chat = Workload(
        name="chat",
        requests_per_day=1,
        prompt_tokens=100,
        completion_tokens=10,
        turns={"mean": 30},
    )
    made = conversation(chat, "kimi-k2")
    assert len(made.frame) > 100
    text = repr(made)
    assert f"… {len(made.frame) - 16} more" in text
    assert f"{made.mean_usd:.4g} USD on average" in text
    assert re.search(rf"\n *{made.frame['turn'].iloc[-1]:.0f} ", text)
    assert made._repr_html_().count("<tr>") == 18


def test_a_plan_says_that_it_averages_months_and_has_a_total():
    """The unit stands above, and all workloads together come first."""
    plan = case("usual", CARD).projection
    lines = repr(plan).split("\n")
    assert lines[0].startswith("Spend in USD per month, average of the 2 months, percentiles over")
    whole = plan.summary(together=True).iloc[0]
    first = next(place for place, line in enumerate(lines) if plan.models[0] in line)
    assert f"{whole['p50_usd_per_month']:,.2f}" in lines[first]
    assert lines[first].startswith("all ")


def test_heads_of_many_columns_stand_on_several_lines():
    """A column of money keeps its place on 80 characters, and words give way to it, still told apart."""
    rows = [
        {"model": f"kimi-k2-07{number}1-preview", "why it was not taken": 30 * "a word ",
         **{f"p{share}_usd_per_month": 1234.5 for share in (10, 50, 90)}}
        for number in range(2)
    ]  # fmt: skip
    lines = Page(title="Spend", frame=rows).text().split("\n")
    assert max(map(len, lines)) <= 80
    heads = [line.split() for line in lines[2:5]]
    assert heads[:2] == [["P10", "USD", "P50", "USD", "P90", "USD"], ["per"] * 3]
    assert heads[2] == ["model", "why", "it", "was", "not", "taken", *["month"] * 3]
    assert [line.split()[0] for line in lines[5:7]] == [row["model"] for row in rows]
    assert all(line.endswith("1,234.50  1,234.50  1,234.50") for line in lines[5:7])


def test_a_workload_says_what_its_ranges_mean():
    """The mean of each quantity stands beside what was given, by hand for plain numbers."""
    chat = Workload(
        name="chat", requests_per_day=7, prompt_tokens={"mean": 90, "sd": 30}, completion_tokens=5
    )
    assert repr(chat).startswith(
        "<Workload chat: requests per day 7; prompt tokens mean 90, sd 30 (mean 90)"
    )
    assert "<td" in chat._repr_html_()


def test_a_difference_of_catalogs_is_prices_and_windows():
    """Each row is a price or a window that differs, with the change in percent."""
    text = repr(diff_catalogs(CARD, PUBLIC))
    assert re.search(r"kimi-k2-5 → kimi-k2\.5 +input_usd_per_mtok +2\.50 +0\.60 +-76%", text)
    assert repr(diff_catalogs(CARD, CARD)).startswith("Catalog 2026-06 to 2026-06: no difference")
