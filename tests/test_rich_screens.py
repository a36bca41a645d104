"""Every result is one screen in a terminal and in a notebook, and says what its numbers are."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from drawn import CARD, PAIRS, PUBLIC, RESULTS, case, result
from pictured import AS_OF, closed

import kimi_planner
from kimi_planner import cost, estimate, load_catalog, project, recommend
from kimi_planner.capacity import load_limits
from kimi_planner.catalog.diff import diff_catalogs
from kimi_planner.choose import read_public_results
from kimi_planner.plan import approved_toml, booked, budget_matrix, cap_risk, read_plan
from kimi_planner.report import check_invoice, reconcile
from kimi_planner.rich import Page, Shown
from kimi_planner.tokens import (
    PromptTemplate,
    audit,
    count_corpus,
    token_range,
    tokens_from_bytes,
)
from kimi_planner.tokens.prompts.parts import Variable
from kimi_planner.usage import cached_share_from_log, cost_rows, read_prefix_log, total_usage
from kimi_planner.workload import Workload

__all__ = ["closed"]

USAGE = {"prompt_tokens": 1000, "completion_tokens": 100, "cached_tokens": 10}
REQUEST = {"model": "kimi-k2", "messages": [{"role": "user", "content": "hi"}]}
PROMPT = PromptTemplate(name="P", path="p.py", line=1, parts=("Answer in ", Variable("unit")))
TEXTS = {
    "call.jsonl": '{"request": {"model": "kimi-k2", "messages": [{"role": "user", "content": "hi"}]}, '
    '"usage": {"prompt_tokens": 27}}',
    "trace.jsonl": '{"timestamp": 0, "input_length": 1024, "hash_ids": [1, 2]}\n'
    '{"timestamp": 9000, "input_length": 1024, "hash_ids": [1, 3]}',
}


def of_file(read, text, name="file.txt"):
    """Return what is read from a file of a text."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(text, encoding="utf-8")
        return read(path)


def log(c):
    """Return the calls of two days of November on two models."""
    days = ["2026-11-01T00:00Z", "2026-11-02T23:00Z"]
    return pd.DataFrame(
        {"timestamp": days, "model": PAIRS[c.catalog], "prompt_tokens": [9_000_000, 500_000], "completion_tokens": 90_000}
    )  # fmt: skip


def reconciled(c):
    """Return two workloads held against a log that has one of them, and another."""
    models = PAIRS[c.catalog]
    plan = project(c.workloads, 1, "2026-11", models, as_of=AS_OF, n_paths=100, catalog=c.catalog)
    names = dict(zip(models, [c.workload.name, "search"], strict=True))
    return reconcile(
        plan, log(c), choice=models[0], workload=names, pro_rata=True, catalog=c.catalog
    )


def invoiced(c):
    """Return a bill of one meter beside the log, with tax."""
    lines = (
        "month,model,meter,quantity,amount_usd",
        f"2026-11,{PAIRS[c.catalog][0]},input,9500000,15",
        "2026-11,,tax,,2",
    )
    return of_file(lambda path: check_invoice(path, log(c), catalog=c.catalog), "\n".join(lines))


def approved(c):
    """Return a plan of record."""
    chosen = dict.fromkeys(c.projection.names, c.models[0])
    return of_file(read_plan, approved_toml(c.projection, chosen), "plan.toml")


@cache
def chosen(c):
    """Return the choice for both workloads."""
    return recommend(c.workloads, projection=c.projection, evaluations=c.tried)


OTHERS = {
    "workload": lambda c: c.workload,
    "recommendation": chosen,
    "card": lambda c: chosen(c).cards[0],
    "audit": lambda c: of_file(audit, TEXTS["call.jsonl"]),
    "corpus": lambda c: of_file(count_corpus, "Say hi."),
    "size": lambda c: tokens_from_bytes(4000, "english"),
    "range": lambda c: token_range(PROMPT),
    "prefixes": lambda c: of_file(read_prefix_log, TEXTS["trace.jsonl"]),
    "cached": lambda c: cached_share_from_log(of_file(read_prefix_log, TEXTS["trace.jsonl"])),
    "rows": lambda c: cost_rows(log(c), catalog=c.catalog),
    "totals": lambda c: total_usage(log(c), ["month", "model"]),
    "reconciliation": reconciled,
    "invoice": invoiced,
    "plan file": approved,
    "published": lambda c: read_public_results(),
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


#: What is given to a function, a part of a result, or live: none is a result by itself.
VALUES = """
    Behaviour Best Booking CardRow Choice Conflict Correspondence Detector Exchange Exclusion Explorer
    Fee Item ListPrice Objective PricePeriod Profile PromptTemplate Quantity Rating Rendering
    Requirements Scenario Section Source SuccessCost SuccessRate Tier Trials
"""


def test_no_result_is_forgotten():
    """What functions return and groups hold is looked at below, or stands among the values."""
    groups = [kimi_planner, *(getattr(kimi_planner, name) for name in dir(kimi_planner))]
    public = [getattr(group, name) for group in groups for name in getattr(group, "__all__", ())]
    named = {one.__name__ for one in public if isinstance(one, type)}
    named -= {
        one.__name__ for one in public if isinstance(one, type) and issubclass(one, Exception)
    }
    for one in public:
        if callable(one) and not isinstance(one, type):
            named |= set(re.findall(r"[A-Z]\w+", str(one.__annotations__["return"])))
    own = {
        name
        for module in map(sys.modules.get, [*sys.modules])
        if module is not None and module.__name__.startswith("kimi_planner")
        for name, value in vars(module).items()
        if isinstance(value, type) and value.__module__.startswith("kimi_planner")
    }
    looked_at = {type(found(name, CARD)).__name__ for name in [*RESULTS, *OTHERS]}
    assert named & own - looked_at == set(VALUES.split())
    assert {one.__name__ for one in Shown.__subclasses__()} == looked_at


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


def test_money_that_adds_up_has_its_total():
    """The last row of a recommendation, a bridge and a check of an invoice is the sum of those above."""
    c = case("usual", CARD)
    [*_, last] = repr(chosen(c)).split("\n\n")[1].split("\n")
    assert last.split()[:3] == ["all", "–", f"{chosen(c).booked.usd / 2:,.2f}"]
    for shown in (reconciled(c), invoiced(c)):
        page = shown.page()
        frame = pd.DataFrame(page.frame)
        assert re.search(r"\nall  ", repr(shown))
        for name in page.columns:
            if "usd" in name:
                *parts, whole = frame[name]
                assert sum(parts) == whole


def test_what_has_no_room_is_counted_and_is_there_when_asked_for():
    """Notes and rows that are left out are said with their number; without a limit all stand there."""
    rows = [{"name": f"row {number} {40 * 'x'}", "usd": number} for number in range(50)]
    page = Page(title="USD", frame=rows, notes=[f"note {number}" for number in range(40)])
    text, whole, html = page.text(), page.text(None), page.html()
    assert len(text.split("\n")) <= 30
    assert "… 34 more" in text
    assert re.search(r"- \d+ more in \.page\(\)\.notes$", text)
    assert "more with --details" in page.text("with --details")
    assert all(row["name"] in whole for row in rows)
    assert whole.count("- note") == 40
    assert html.count("<tr>") + html.count("<li>") == 30
    assert re.search(r"<li>\d+ more in", html)


def test_what_counting_returns_shows_itself_without_pandas():
    """In a small installation a count, a cost and an audit print as they do beside pandas."""
    script = f"""
import sys
sys.modules["pandas"] = None
from kimi_planner import cost, estimate
from kimi_planner.tokens import audit, tokens_from_bytes
row = {{"request": {REQUEST!r}, "usage": {{"prompt_tokens": 10}}}}
for one in (cost({USAGE!r}, "kimi-k2"), estimate({REQUEST!r}), audit([row]), tokens_from_bytes(9, "english")):
    print(one.page().text())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "USD on kimi-k2, exact" in done.stdout
    assert "Of 1 prompts" in done.stdout


def test_tokens_that_no_row_states_are_not_shown_as_none():
    """Cached tokens of a model whose rows do not state them are a dash, those that are stated add up."""
    rows = log(case("usual", CARD)).assign(cached_tokens=[None, 7])
    lines = [line.split() for line in repr(total_usage(rows, "model")).split("\n")]
    cells = {line[0]: line[4] for line in lines if len(line) > 4 and line[1] in "12"}
    assert cells == {"kimi-k2": "–", "kimi-k2-5-thinking": "7", "all": "7"}
