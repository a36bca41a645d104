"""The what-if panel of a page, driven in Chromium: it and its exported file say what Python computes."""

import re
from collections import Counter
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from opened import Opened
from planned import budget_meeting, dated_catalog

from kimi_planner import Workload, context_fit, load_workloads, project, recommend
from kimi_planner.money import from_fraction, usd
from kimi_planner.plan import what_if
from kimi_planner.plan.spend import Spend
from kimi_planner.report.html import html_report
from kimi_planner.report.settings import OUTPUTS
from kimi_planner.rich import share_text

LOADS = (
    Workload(
        name='plain "<b>&\u00e9. x',
        requests_per_day=1000,
        prompt_tokens=2000,
        completion_tokens=500,
        reasoning_tokens=900,
        retry_share=0.25,
        cached_share=0.35,
        written_share={"five_minutes": 0.4, "one_hour": 0.2},
        fees_per_request={"web search": 0.3},
        turns=3,
        max_tokens=2500,
        growth_per_month=0.125,
        budget_usd_per_month=900,
    ),
    Workload(
        name="ranged",
        conversations_per_day={"p10": 800, "p50": 1000, "p90": 1400},
        prompt_tokens={"p50": 1800, "p90": 6000},
        completion_tokens={"p50": 300, "p90": 900, "mean_factor": {"p50": 1, "p90": 1.4}},
        reasoning_tokens={"mean": 900, "sd": 400},
        turns={"mean": 4},
        cached_share={"p50": 0.1, "p90": 0.5},
        growth_per_month={"p10": -0.1, "p50": 0.1, "p90": 0.5},
        batch=True,
        budget_usd_per_month=500,
    ),
    Workload(
        name="events",
        requests_per_month=90_000,
        prompt_tokens=[100, 900, 4000],
        completion_tokens=250,
        certainty="estimate",
        weekday_profile=(1, 1, 1, 1, 1, 0.5, 0),
        cache={"prefix_tokens": 60, "lifetime_minutes": [5, 30]},
        events=(
            {"name": "sale", "from": "2026-07-06", "to": "2026-07-10", "factor": {"p50": 2, "p90": 3}},
            {"name": "fair", "date": "2026-06-20", "extra_requests": 7000},
        ),
        starts_on="2026-06-10",
    ),
    Workload(name="archive", documents=50_000, prompt_tokens=6000, completion_tokens=700),
)  # fmt: skip
RICH = {"months": 3, "start": "2026-06", "as_of": date(2026, 6, 1), "n_paths": 2000}
SHIPPED = {"months": 3, "start": "2026-12", "as_of": date(2026, 11, 24), "n_paths": 2000}


#: How many moves are made one upon another, before the panel is put back to the plan.
TOGETHER = 6


def rich_plan(folder):
    """Return a plan with every meter and every way to change, on prices that change by a day."""
    own, cut, silent = (
        dated_catalog(folder, **options)
        for options in ({"reasons": True}, {"reasons": True, "cut": "2026-07-10"}, {})
    )
    models = {"moved": own, "cut": cut, "open": own, "silent": silent}
    named = tuple(replace(one.model("m"), id=name) for name, one in models.items())
    dear = replace(named[3], cached_input_usd_per_mtok=None, batch_multiplier=None)
    changes = (
        {"date": "2026-07-16", "model": "moved", "factor": 0.8},
        {"date": "2026-07-20", "model": "cut", "factor": {"p50": 1, "p90": 1.2}},
        {"date": "2026-08-01", "model": "open", "output_usd_per_mtok": 8},
    )
    loads = [replace(one, price_changes=changes) for one in LOADS]
    return recommend(loads, catalog=replace(own, models=(*named[:3], dear)), **RICH)


def shipped_plan(_):
    return recommend(load_workloads(), catalog="2026-11-public-3", **SHIPPED)


def year_plan(_):
    return recommend(load_workloads(), catalog="2026-06", **{**SHIPPED, "months": 12})


@pytest.fixture(scope="module", params=[rich_plan, shipped_plan], ids=["rich", "shipped"])
def plan(request, tmp_path_factory):
    return request.param(tmp_path_factory.mktemp("catalogs"))


def moves(page, number):
    """Yield open inputs of a panel by their labels, and values that they take."""
    random = Random(7)
    labels = page.tab.eval_on_selector_all(
        "#what-if :is(select:not(:disabled), input:enabled, select[aria-describedby])",
        "all => all.map(one => one.ariaLabel)",
    )
    values = {
        "model": map(str, range(page.tab.locator("#cards select").first.locator("option").count())),
        "sent": "01",
        "traffic, %": ("0", "5", "65", "100", "135", "240", "400"),
        "growth, % a month": ("", "0", "4", "-2.5", "12.5", "-60", ".25"),
        "visible output": map(str, range(len(OUTPUTS))),
        "cached share": ("", "0", "0.15", "0.35", "0.95", "1"),
        "price": ("0", "0.123456789", "2.50", "3.7", "13.98", "100", ".5"),
    }
    lists = {name: list(some) for name, some in values.items()}
    for name in random.choices([*lists, "reasoning"], k=number):
        label = random.choice([one for one in labels if one.endswith(name)])
        yield label, random.choice(lists.get(name) or stops(page, label))


def stops(page, label):
    """Return the values that a list of the panel offers."""
    options = page.tab.get_by_label(label, exact=True).locator("option")
    return options.evaluate_all("all => all.map(one => one.value)")


def read(text, folder):
    """Return the workloads of a file that a page offers."""
    file = folder / "workloads.toml"
    file.write_text(text, encoding="utf-8")
    return load_workloads(file)


def planned(workloads, plan, models):
    """Return the plan of workloads, over the months and paths of another."""
    scope = plan.projection
    settings = {"as_of": scope.as_of, "n_paths": scope.n_paths, "catalog": scope.catalog}
    return project(workloads, len(scope.months), str(scope.months[0]), models, **settings)


def by_month(spends):
    """Return the expected spend of each month and of all, as reports write it."""
    sums = [sum(map(Fraction, month)) for month in zip(*spends, strict=True)]
    return [usd(from_fraction(one)) for one in (*sums, sum(sums))]


def expected(projection, choice):
    """Return the expected spend of each workload and month."""
    return [
        list(map(Fraction, spend.exact_usd or spend.mean().tolist()))
        for spend in (projection.of(model, name) for name, model in choice.items())
    ]


def test_every_move_is_what_python_plans_of_the_exported_file(page, plan, tmp_path):
    """After each of 120 moves on each plan, all months of all workloads are those of `project`.

    P10 and P90 of each workload, and of all together, are close, as the page says of itself.
    """
    months, known = len(plan.projection.months), {}
    off, off_together, levers = [], [], Counter()
    for number, (label, value) in enumerate(moves(page, 120)):
        if number % TOGETHER == 0:
            page.tab.evaluate("document.querySelector('#what-if form').reset()")
        levers[label.split(", ", 1)[-1].split(" ")[-1]] += 1
        said = page.move((label, value))
        if said["values"] != [value]:  # no room beside what is written to a cache
            said = page.move((label, ""))
        if said["file"] is None:
            assert "No batch price is stated" in said["answer"]
            said = page.move(*((f"{name}, sent", "0") for name in plan.names))
        blocks = said["file"].split("\n\n")[1:]
        prices = tuple(one for one in blocks if one.startswith("[[price_change]]"))
        spends = []
        for workload, block in zip(read(said["file"], tmp_path), blocks, strict=False):
            if (block, prices) not in known:  # most moves are of one workload
                alone = planned(workload, plan, workload.model)
                [mean] = expected(alone, {workload.name: workload.model})
                known[block, prices] = mean, alone.of(workload.model, workload.name)
            spends.append(known[block, prices][0])
        assert said["rows"]["by-month"] == [by_month([one]) for one in spends]
        assert said["rows"]["by-month-all"] == [by_month(spends)]
        assert [row[1] for row in said["rows"]["compared"]] == [
            usd(from_fraction(sum(one) / months)) for one in spends
        ]
        parts = [known[block, prices][1] for block in blocks[: len(spends)]]
        for row, spread in zip(said["rows"]["compared"], parts, strict=True):
            off += errors(row_range(row), spread.over_months(), months)
        [row], whole = said["rows"]["compared-all"], Spend.together(parts)
        off_together += errors(row_range(row), whole.over_months(), months)
    assert page.problems == []
    assert len(levers) == 8
    assert min(levers.values()) >= 5, levers
    assert len(off) > 200
    assert len(off_together) == 240
    for amounts, usual, farthest in ((off, 0.013, 0.08), (off_together, 0.035, 0.05)):
        within = np.quantile(np.abs(amounts), [0.9, 1])
        assert within[0] < usual, "as the page says"
        assert within[1] < farthest, "of these moves; of others it was more, as the page says"


def row_range(row):
    """Return P10 and P90 of a row, none where it says none."""
    return (
        [float(text.replace(",", "")) for text in row[3].split(" to ")] if " to " in row[3] else []
    )


def errors(shown, spend, months):
    """Return how far amounts are from the quantiles of a spend, as shares of them."""
    if not shown or not spend.is_ranged:
        return []
    wanted = [spend.quantile(q)[0] / months for q in (0.1, 0.9)]
    return [one / two - 1 for one, two in zip(shown, wanted, strict=True) if two > 0.1]


def test_each_model_in_the_list_has_its_spend(page, plan, tmp_path):
    """The list of models says what each would cost with the settings, and which has no batch price."""
    name = plan.workloads[1].name
    page.move((f"{name}, sent", "0"))
    page.move((f"{name}, visible output", OUTPUTS.index("2")))
    page.move((f"{name}, growth, % a month", "7"))
    projection = planned(read(page.move()["file"], tmp_path), plan, plan.projection.models)
    models = page.tab.get_by_label(f"{name}, model", exact=True).locator("option")
    for text, model in zip(models.all_text_contents(), projection.models, strict=True):
        [mean] = expected(projection, {name: model})
        assert text.startswith(f"{model}: {usd(from_fraction(sum(mean) / 3))} a month")
    page.move((f"{name}, sent", "1"))
    for text, spec in zip(models.all_text_contents(), projection.specs, strict=True):
        assert ("no batch price" in text) is (spec.batch_multiplier is None)


def test_the_plan_stands_beside_every_move(page, plan):
    """As opened, spend, range, budget and head-room are those of the plan; planned ones stay."""
    projection = plan.projection
    months = len(projection.months)
    opened = page.move()["rows"]["compared"]
    for row, (name, model) in zip(opened, plan.best.items(), strict=True):
        spend = projection.of(model, name)
        over, [mean] = spend.over_months(), expected(projection, {name: model})
        usual = usd(from_fraction(sum(mean) / months))
        ends = [usd(over.quantile(q)[0] / months) for q in (0.1, 0.9)]
        budget = projection.budget(name)
        assert row == [
            usual,
            usual,
            "as planned",
            "at least the mean"
            if projection.reasoning(model, name).is_least
            else (" to ".join(ends) if spend.is_ranged else "not given"),
            "–" if budget is None else usd(budget),
            "–" if budget is None else usd(from_fraction(Fraction(budget) - max(mean))),
        ]
    whole = projection.mix(plan.best).over_months()
    ends = [usd(whole.quantile(q)[0] / months) for q in (0.1, 0.9)]
    assert page.move()["rows"]["compared-all"][0][3] == " to ".join(ends)
    for name in plan.names:
        page.move((f"{name}, traffic, %", "400"))
    assert [row[0] for row in page.move()["rows"]["compared"]] == [row[0] for row in opened]


@pytest.mark.parametrize("plan", [rich_plan, year_plan], indirect=True)
def test_a_range_follows_what_is_moved(page, plan, tmp_path):
    """With one workload doubled and another halved, P10 and P90 of all are near those of a new plan."""
    for name, value in zip(plan.names, ("200", "50"), strict=False):
        page.move((f"{name}, traffic, %", value))
    projection = planned(read(page.move()["file"], tmp_path), plan, plan.projection.models)
    whole = projection.mix(plan.best).over_months()
    shown = page.move()["rows"]["compared-all"][0][3].replace(",", "").split(" to ")
    for text, q in zip(shown, (0.1, 0.9), strict=True):
        assert float(text) == pytest.approx(whole.quantile(q)[0] / len(projection.months), rel=0.05)


@pytest.fixture(scope="module")
def meeting():
    """Return the plan of a budget meeting on models that think, mostly nobody having said how much."""
    return budget_meeting("2026-11-public-3", n_paths=200)


@pytest.fixture(scope="module")
def thinking(browser, meeting, tmp_path_factory):
    made = tmp_path_factory.mktemp("meeting") / "report.html"
    made.write_text(html_report(meeting), encoding="utf-8")
    page = Opened(browser, made)
    yield page
    assert page.problems == []
    page.tab.close()


def hints(page):
    """Return what stands below the levers of reasoning."""
    return page.tab.locator(".levers small").all_text_contents()


def without_reasoning(plan, models):
    """Return the mean of each workload in the average month, and what of it goes if none reasons."""
    scope = {
        "start": "2027-01",
        "as_of": "2026-11-24",
        "n_paths": 200,
        "catalog": plan.projection.catalog,
    }
    months = len(plan.projection.months)
    for workload, model in zip(plan.workloads, models, strict=True):
        spends = [
            project(one, months, models=model, **scope).of(model).mean().sum() / months
            for one in (workload, replace(workload, reasoning_tokens=0))
        ]
        yield spends[0] - spends[1]


def test_what_assumed_reasoning_costs_is_said(thinking, meeting):
    """It is what the plan is dearer by than one on which nothing is reasoned, to the cent."""
    thinking.tab.click("text=Back to the plan")
    said = [
        re.fullmatch(r"([\d,]+) a call on average: ([\d,.]+) USD a month of the spend.", one)
        for one in hints(thinking)
    ]
    assert [one[2] for one in said] == [
        usd(one) for one in without_reasoning(meeting, meeting.best.values())
    ]
    # 400 tokens of an answer, and a lognormal factor whose P10 and P90 are 0.88 and 10.6
    middle, sigma = (0.88 * 10.6) ** 0.5, np.log(10.6 / 0.88) / 2 / 1.2815515655446004
    mean = 400 * middle * np.exp(sigma**2 / 2)
    assert [int(one[1].replace(",", "")) for one in said[:2]] == [
        pytest.approx(mean, rel=0.15),
        2500,
    ]


def test_assumed_reasoning_is_moved_in_tokens_of_a_call(thinking, meeting, tmp_path):
    """A number that is put in is in the file, the link, the words and the budget line; months are Python's."""
    thinking.tab.click("text=Back to the plan")
    before = thinking.move()
    said = thinking.move(
        ("chat, reasoning", "4000"), ("drafts, reasoning", "250"), ("coding, reasoning", "0.5")
    )
    workloads = read(said["file"], tmp_path)
    assert [
        workload.reasoning_tokens and workload.reasoning_tokens.mean for workload in workloads
    ] == [4000, 1250, 250, None]
    again = planned(workloads, meeting, meeting.projection.models)
    spends = expected(again, meeting.best)
    assert said["rows"]["by-month"] == [by_month([one]) for one in spends]
    for row, was, workload, spend in zip(
        said["rows"]["compared"], before["rows"]["compared"], workloads, spends, strict=True
    ):
        assert row[0] == was[0]
        assert row[5] == usd(from_fraction(Fraction(workload.budget_usd_per_month) - max(spend)))
    dearest = usd(from_fraction(max(map(sum, zip(*spends, strict=True))) - 8500))
    assert f"The budget is 8,500.00; the dearest month is {dearest} over it." in said["answer"]
    assert thinking.tab.url.endswith(
        "#chat.reasoning=4000&coding.reasoning=0.5&drafts.reasoning=250"
    )
    assert thinking.tab.inner_text("#moved") == (
        "Changed: chat, reasoning 4,000 tokens a call; coding, reasoning × 0.5; drafts, reasoning 250 tokens a call."
    )
    # 4,000 tokens at 15 USD a million, of the calls of a month on average
    calls = again.of("kimi-k3", "chat").usage.requests
    prices = [
        15 if month < 6 else 15 * (1 - Decimal("0.1") * 17 / 31) if month == 6 else Decimal("13.5")
        for month in range(12)
    ]
    cost = (
        sum(
            float(count) * 4000 * float(price) / 1e6
            for count, price in zip(calls, prices, strict=True)
        )
        / 12
    )
    assert hints(thinking)[0].startswith("4,000 a call on average: ")
    shown = float(hints(thinking)[0].split(": ")[1].split(" ")[0].replace(",", ""))
    assert shown == pytest.approx(cost, rel=0.01), "growth within July is not even"


@pytest.mark.parametrize("plan", [rich_plan], indirect=True)
def test_a_model_that_does_not_think_closes_the_lever(browser, path, page, plan):
    """It says why, and what was set counts again once a model thinks: not before, in no file and no link."""
    name, places = plan.names[0], plan.projection.models
    lever = page.tab.get_by_label(f"{name}, reasoning", exact=True)
    page.move((f"{name}, model", str(places.index("moved"))))
    thought = page.move((f"{name}, reasoning", "2"))
    assert "reasoning_tokens = 1800" in thought["file"]
    silent = page.move((f"{name}, model", str(places.index("silent"))))
    assert lever.is_disabled()
    assert hints(page)[0] == "silent does not think: nothing is spent on it."
    assert "reasoning_tokens = 900" in silent["file"]
    assert "reasoning" not in page.tab.url
    assert "reasoning" not in page.tab.inner_text("#moved")
    back = page.move((f"{name}, model", str(places.index("moved"))))
    assert lever.is_enabled()
    assert (back["file"], back["rows"]) == (thought["file"], thought["rows"])
    other = Opened(browser, path, page.tab.get_attribute("#link", "href"))
    assert other.move()["rows"] == thought["rows"]

    other.tab.close()


@pytest.mark.parametrize("plan", [rich_plan], indirect=True)
def test_what_reasoning_leaves_unserved_is_said(page, plan, tmp_path):
    """A cap of 2,500 cuts and empties the shares of answers that Python says of the exported file."""
    name = plan.names[0]
    page.move((f"{name}, model", "0"))
    seen = set()
    for output, reasoning in ((1, "1"), (1, "2"), (4, "2"), (1, "3"), (4, "0.5")):
        said = page.move(
            (f"{name}, visible output", str(output)), (f"{name}, reasoning", reasoning)
        )
        workload = read(said["file"], tmp_path)[0]
        served = context_fit(
            workload, plan.projection.models[0], catalog=plan.projection.catalog
        ).of(workload.name, plan.projection.models[0])
        note = page.tab.locator("#cards details > .words").first.text_content()
        cut, empty = share_text(served.cut_share), share_text(served.empty_share)
        words = (
            f"With these settings max_tokens 2,500 cuts {cut} of answers and leaves {empty} empty."
        )
        assert (words in note) is (served.cut_share > 0), note
        assert "max_tokens" in note or not served.cut_share
        seen.add((cut, empty))
    assert seen == {("0%", "0%"), ("100%", "0%"), ("100%", "100%")}


def test_the_lever_of_reasoning_is_heard_and_worked_by_keys(thinking):
    """Its name is that of the workload and the lever; its value has the unit; what it costs describes it."""
    thinking.tab.click("text=Back to the plan")
    thinking.tab.evaluate("document.querySelectorAll('details').forEach(one => (one.open = true))")
    lever = thinking.tab.get_by_role("combobox", name="chat, reasoning", exact=True)
    lever.focus()
    for _ in range(4):
        thinking.tab.keyboard.press("ArrowDown")
    assert lever.evaluate("it => it.selectedOptions[0].textContent") == "1,000 tokens a call"
    assert lever.evaluate("it => it.closest('label').firstChild.textContent").strip() == "reasoning"
    described = lever.evaluate(
        "it => document.getElementById(it.getAttribute('aria-describedby')).textContent"
    )
    assert described == hints(thinking)[0]
    assert described.startswith("1,000 a call on average: ")
    assert "Changed: chat, reasoning 1,000 tokens a call." in thinking.tab.inner_text("#moved")
    thinking.tab.keyboard.press("Home")
    assert lever.evaluate("it => it.selectedOptions[0].textContent") == (
        "as planned: assumed, 0.88 to 10.6 times the answer"
    )
    assert thinking.tab.inner_text("#moved") == ""


def test_a_link_carries_the_settings(browser, path, page, plan):
    """The link opens the page with the same settings, and each move is in the address."""
    name, model = plan.names[0], plan.projection.models[0]
    page.move((f"{name}, traffic, %", "135"))
    page.move((f"{name}, growth, % a month", "-2.5"))
    page.move((f"{model}, output price", "12.5"))
    link = page.tab.get_attribute("#link", "href")
    assert page.tab.url.endswith(link)
    other = Opened(browser, path, link)
    assert other.move()["rows"]["by-month"] == page.move()["rows"]["by-month"]
    assert other.tab.get_by_label(f"{name}, traffic, %", exact=True).input_value() == "135"
    assert other.downloaded() == page.move()["file"]
    other.tab.click("text=Back to the plan")
    assert other.move()["rows"]["by-month-all"] != page.move()["rows"]["by-month-all"]
    assert other.tab.inner_text("#answer").count("as planned") == 1
    other.tab.go_back()
    assert other.problems == []
    other.tab.close()


@pytest.mark.parametrize("plan", [shipped_plan], indirect=True)
def test_a_link_of_others_does_no_harm(browser, path, plan):
    """What a plan does not know is said as text, and numbers that cannot be change nothing."""
    link = "#no+such%3Cb%3E.traffic=135&support-chat.model=99&support-chat.traffic=%3Cscript%3E"
    page = Opened(browser, path, link)
    assert "no such<b>.traffic, support-chat.model" in page.tab.inner_text("#unknown")
    assert page.move()["rows"]["compared"][0][2] == "as planned"
    page.tab.close()
    page = Opened(browser, path, "#support-chat.growth=%22%3E%3Cimg%20src%3Dx%3E")
    assert "no number that can be" in page.tab.inner_text("#answer")
    assert page.problems == []
    page.tab.close()


@pytest.mark.parametrize("plan", [shipped_plan], indirect=True)
def test_what_is_no_price_is_said_and_changes_nothing(page, plan):
    """A price that cannot be is marked, the numbers stay, and no link or file is offered."""
    before, label = page.move()["rows"]["by-month"], f"{plan.projection.models[0]}, input price"
    for value in ("cheap", ".", "1e3", "-1", "99999999"):
        page.move((label, value))
        assert "no number that can be" in page.tab.inner_text("#answer"), value
        assert page.tab.get_by_label(label, exact=True).get_attribute("aria-invalid") == "true"
        assert page.move()["rows"]["by-month"] == before, value
        assert page.tab.locator("#links").is_hidden()
        page.move((label, ".5"))
        half = page.move()["rows"]["by-month"]
        page.move((label, "0.50"))
        assert page.move()["rows"]["by-month"] == half != before
        assert page.tab.locator("#links").is_visible()
        page.tab.click("text=Back to the plan")
        assert page.move()["rows"]["by-month"] == before


@pytest.mark.parametrize("plan", [rich_plan], indirect=True)
def test_a_price_moves_a_model_whose_price_changes(page, plan):
    """At 99 USD for a million output tokens, a model with a planned change costs what it then does."""
    before = page.move()["rows"]["by-month"]
    name, model = plan.names[3], "moved"
    page.move((f"{name}, model", plan.projection.models.index(model)))
    planned = page.move()["rows"]["by-month"][3]
    page.move((f"{model}, output price", "99"))
    moved = page.move()["rows"]["by-month"][3]
    # 50,000 documents of 700 tokens, all in June, before the change of 16 July
    more = Fraction(50_000 * 700 * (99 - 10), 10**6)
    assert Decimal(moved[0].replace(",", "")) == Decimal(
        planned[0].replace(",", "")
    ) + from_fraction(more)
    assert before[:3] == page.move()["rows"]["by-month"][:3]


@pytest.mark.parametrize("plan", [shipped_plan], indirect=True)
def test_the_panel_is_worked_with_the_keyboard(page, plan):
    """A card opens with Enter, the next stops are its inputs, and an arrow moves the traffic."""
    page.tab.locator("#cards summary").first.focus()
    page.tab.keyboard.press("Enter")
    labels = []
    for _ in range(3):
        page.tab.keyboard.press("Tab")
        labels.append(page.tab.evaluate("document.activeElement.getAttribute('aria-label')"))
    assert labels == [f"{plan.names[0]}, {what}" for what in ("model", "sent", "traffic, %")]
    page.tab.keyboard.press("ArrowRight")
    assert page.tab.evaluate("document.activeElement.value") == "105"
    assert "traffic, % 105" in page.tab.inner_text("#cards .levers")
    assert "more" in page.move()["rows"]["compared"][0][2]


@pytest.mark.parametrize("plan", [shipped_plan], indirect=True)
def test_a_changed_panel_prints_without_its_inputs(page, plan):
    """On paper the panel is left out as long as it is the plan, and then shows results alone."""
    page.tab.emulate_media(media="print")
    assert page.tab.locator("#what-if").is_hidden()
    page.move((f"{plan.names[0]}, traffic, %", "150"))
    assert page.tab.inner_text("#moved") == f"Changed: {plan.names[0]}, traffic, % 150."
    assert page.tab.locator("#by-month").is_visible()
    assert page.tab.locator("#what-if form").is_hidden()


@pytest.mark.parametrize("plan", [year_plan], indirect=True)
def test_charts_are_read_on_any_screen(page):
    """Labels of charts have a legible size, none runs into another, and nothing leaves the screen."""
    page.tab.evaluate("document.querySelectorAll('details').forEach(one => (one.open = true))")
    for width in (375, 768, 1440):
        page.tab.set_viewport_size({"width": width, "height": 900})
        texts = page.tab.locator(".plot span:not(:empty), .plot small").filter(visible=True)
        sizes = texts.evaluate_all(
            "all => all.map(one => parseFloat(getComputedStyle(one).fontSize))"
        )
        assert min(sizes) >= 11, width
        boxes = (
            page.tab.locator(".plot")
            .first.locator("small")
            .evaluate_all(
                "all => all.filter(one => one.checkVisibility({visibilityProperty: true})).map(one => {"
                " const range = document.createRange(); range.selectNodeContents(one);"
                " const box = range.getBoundingClientRect(); return [box.left, box.right]; })"
            )
        )
        assert all(left > right for (_, right), (left, _) in pairwise(boxes)), width
        assert page.tab.evaluate("document.documentElement.scrollWidth") == width


def test_prices_that_a_file_cannot_state_are_not_offered_in_one(browser, tmp_path):
    """Where workloads have price changes of their own there is no file to export, and numbers move."""
    change = {"date": "2026-12-16", "factor": 0.5}
    first, second = load_workloads()[:2]
    plan = recommend([replace(first, price_changes=(change,)), second], **SHIPPED)
    made = tmp_path / "own.html"
    made.write_text(html_report(plan), encoding="utf-8")
    page = Opened(browser, made)
    assert page.tab.locator("#file").is_hidden()
    page.move((f"{first.name}, traffic, %", "50"))
    halved = what_if(plan.projection.workloads[0], traffic="0.5")
    spend = project(halved, **SHIPPED).of(plan.best[first.name])
    assert page.move()["rows"]["by-month"][0] == by_month(
        [list(map(Fraction, spend.mean().tolist()))]
    )
    assert page.problems == []
    page.tab.close()


def test_what_cannot_be_moved_is_closed_and_says_why(browser, tmp_path):
    """Sizes of a log, reasoning that is not stated, and a price that is uncertain by then stay."""
    log = tmp_path / "log.csv"
    rows = "".join(
        f"2026-11-0{day}T10:00:00Z,kimi-k2,{900 + day},{90 + day}\n" for day in range(1, 10)
    )
    log.write_text(f"timestamp,model,prompt_tokens,completion_tokens\n{rows}", encoding="utf-8")
    file = tmp_path / "w.toml"
    file.write_text(
        '[[workload]]\nname = "w"\nrequests_per_day = 500\nprompt_tokens = { from = "log.csv" }\n'
        'completion_tokens = { from = "log.csv" }\n[[price_change]]\ndate = 2026-12-01\n'
        'model = "kimi-k2-5"\nfactor = { p50 = 1, p90 = 1.2 }\n',
        encoding="utf-8",
    )
    plan = recommend(load_workloads(file), models=["kimi-k2", "kimi-k2-5"], **SHIPPED)
    made = tmp_path / "closed.html"
    made.write_text(html_report(plan), encoding="utf-8")
    page = Opened(browser, made)
    for name in ("visible output", "reasoning"):
        assert page.tab.get_by_label(f"w, {name}", exact=True).is_disabled()
    hint = "kimi-k2 does not think: nothing is spent on it."
    assert page.tab.locator(".levers small").text_content() == hint
    notes = page.tab.locator("#cards .words").text_content()
    assert "Output stays as planned: completion_tokens is measured in a log." in notes
    prices = page.tab.locator("#prices tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
    )
    assert prices[0] == ["kimi-k2", "", "as input", ""]
    assert prices[1][0] == "kimi-k2-5"
    assert re.fullmatch(r"[\d.]+, stays", prices[1][1])
    assert prices[1][2] == "as input, stays"
    page.move(("w, traffic, %", "150"), ("kimi-k2, input price", "9"))
    said = page.move(("w, model", "0"))
    [moved] = read(said["file"], tmp_path)
    alone = planned(moved, plan, "kimi-k2")
    assert said["rows"]["by-month"] == [by_month(expected(alone, {"w": "kimi-k2"}))]
    assert page.problems == []
    page.tab.close()
