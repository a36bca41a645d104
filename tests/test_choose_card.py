"""The card of a workload: all functions give one answer, or name the price that separates two models."""

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import partial
from itertools import pairwise

import choosing
import numpy as np
import pandas as pd
import pytest
from choosing import tried
from hypothesis import given, settings
from hypothesis import strategies as st

from kimi_planner import load_catalog, load_workloads, project, recommend
from kimi_planner.choose import (
    Requirements,
    cost_per_success,
    portfolio,
    read_evaluations,
    read_public_results,
    thinking_pays,
)
from kimi_planner.choose.objective import best_by_value
from kimi_planner.errors import EvaluationError, SettingError
from kimi_planner.report.json_form import plan_data
from kimi_planner.report.text import recommendation_text

NOVEMBER = {"months": 1, "start": "2026-11", "as_of": date(2026, 10, 24)}
MODELS = ("kimi-k2-5", "kimi-k2-5-thinking", "kimi-k2", "kimi-k2-instruct")
#: Its reasoning is known.
plain = partial(choosing.plain, reasoning_tokens=0)


def timed(seconds, model="kimi-k2"):
    """Return trials of workload w whose items state how long they took."""
    rows = [("w", model, f"q{n}", 1, value) for n, value in enumerate(seconds)]
    return read_evaluations(
        pd.DataFrame(rows, columns=["workload", "model", "item", "success", "seconds"])
    )


def card(workload, evaluations=None, requirements=None, **more):
    """Return the card of one workload."""
    options = {"published": False} | NOVEMBER | more
    found = recommend(workload, requirements, evaluations=evaluations, **options)
    return found.cards[0]


@pytest.fixture(scope="module")
def example():
    """Return the shipped example with its trials."""
    return load_workloads(), read_evaluations()


@pytest.fixture(scope="module")
def plan(example):
    return project(example[0], months=3, start="2027-01", as_of=date(2026, 11, 25), n_paths=1000)


@pytest.mark.parametrize("value", [None, "0.01", "0.10", "0.15", "0.30", "2"])
def test_on_the_example_all_functions_give_one_answer(example, plan, value):
    """Choice, card, costs per success and thinking name one model at every value of a success."""
    workloads, trials = example
    chosen = [replace(one, value_usd_per_success=value) for one in workloads]
    found = recommend(chosen, projection=plan, evaluations=trials)
    costs = cost_per_success(chosen, trials, projection=plan)
    assert costs.best == found.best == {one.workload: one.model for one in found.cards}
    for workload in chosen[:2]:
        pair = ["kimi-k2-5", "kimi-k2-5-thinking"]
        thinking = thinking_pays(workload, *pair, evaluations=trials, projection=plan)
        points = found.aims[workload.name].worth.points
        assert dict(thinking.hull) == dict(best_by_value({model: points[model] for model in pair}))
        if value is not None:
            nets = found.aims[workload.name].worth.net_usd
            assert thinking.pays is (nets[pair[1]] > nets[pair[0]])


def check_that_a_portfolio_agrees(chosen, trials, plan):
    """With ample money each model is the recommended one, or without a value the one is named that separates both."""
    found = recommend(chosen, projection=plan, evaluations=trials)
    bought = portfolio(chosen, 10**9, evaluations=trials, projection=plan, fit=found.fit)
    for workload in chosen:
        model, best = bought.assignment[workload.name], found.best[workload.name]
        if model == best:
            continue
        assert workload.value_usd_per_success is None
        [said] = (one for one in bought.sentences() if one.startswith(f"{workload.name} is on "))
        price = Decimal(said.split("more than ")[1].split(" USD")[0])
        for factor, better in ((Decimal("0.999"), best), (Decimal("1.001"), model)):
            near = replace(workload, value_usd_per_success=price * factor)
            [card] = recommend(near, projection=plan, evaluations=trials).cards
            nets = {row.model: row.net_usd_per_month for row in card.rows}
            assert max((best, model), key=nets.get) == better


@pytest.mark.parametrize("value", [None, "0.01", "0.05", "0.15", "0.30", "2"])
def test_a_portfolio_of_the_example_agrees_with_its_cards(example, plan, value):
    workloads, trials = example
    chosen = [replace(one, value_usd_per_success=value) for one in workloads]
    check_that_a_portfolio_agrees(chosen, trials, plan)


@pytest.mark.parametrize("value", [None, "0.10", "1", "5", "50"])
def test_on_public_runs_all_functions_give_one_answer(value):
    """Tasks of three benchmarks that were solved by three models of one agent, as published."""
    published = [one for one in read_public_results().results if one.agent == "OpenHands"]
    tests = ("SWE-bench Verified", "GAIA", "SWE-bench Multimodal")
    base, models = load_catalog("2026-11-public-3"), ("kimi-k2.5", "kimi-k2.6", "kimi-k2-thinking")
    offered = [replace(base.model(one), status="offered", retired_on=None) for one in models]
    rows = [
        (one.benchmark, model, round(one.items * one.solved_percent / 100), one.items)
        for one in published
        for model in one.models
        if one.benchmark in tests and model in models
    ]
    assert len(rows) == 9
    columns = ["workload", "model", "successes", "trials"]
    trials = read_evaluations(pd.DataFrame(rows, columns=columns))
    chosen = [plain(name=name, prompt_tokens=40_000, value_usd_per_success=value) for name in tests]
    settings = {"months": 1, "start": "2026-12", "as_of": "2026-11-28", "n_paths": 500}
    plan = project(chosen, catalog=replace(base, models=tuple(offered)), **settings)
    check_that_a_portfolio_agrees(chosen, trials, plan)
    found = recommend(chosen, projection=plan, evaluations=trials)
    assert cost_per_success(chosen, trials, projection=plan).best == found.best
    assert {one.model for one in found.choices} == set(models)


def test_at_the_price_that_separates_two_models_of_the_example_both_are_worth_the_same(
    example, plan
):
    """To the cent of a month, in a choice that is made again with that value."""
    workloads, trials = example
    found = recommend(workloads, projection=plan, evaluations=trials)
    for workload in workloads:
        hull = best_by_value(found.aims[workload.name].worth.points)
        for before, after in pairwise(hull):
            value = replace(workload, value_usd_per_success=float(after.from_usd))
            [again] = recommend(value, projection=plan, evaluations=trials).cards
            nets = {row.model: row.net_usd_per_month for row in again.rows}
            assert nets[before.model] == pytest.approx(nets[after.model], abs=0.005)


COUNTS = st.integers(0, 40)


@settings(max_examples=12, deadline=None)
@given(
    solved=st.lists(COUNTS, min_size=4, max_size=4),
    failure=st.sampled_from([None, "0.002"]),
    prompt=st.integers(1, 20_000),
)
def test_on_generated_workloads_the_choice_changes_at_the_prices_that_are_named(
    solved, failure, prompt
):
    """In fractions: at a price two models are worth the same; below it one, above it the other is chosen."""
    given_workload = plain(prompt_tokens=prompt, failure_usd=failure)
    trials = tried(
        **{
            model.removeprefix("kimi-").replace("-", "_"): (count, 40)
            for model, count in zip(MODELS, solved, strict=True)
        }
    )
    trials = replace(
        trials, trials={("w", model): one for (_, model), one in trials.trials.items()}
    )
    options = {"evaluations": trials, "published": False, **NOVEMBER}
    found = recommend(given_workload, **options)
    aim = found.aims["w"]
    hull = best_by_value(aim.worth.points, aim.objective)
    assert found.best["w"] == hull[0].model
    cost = {model: Fraction(found.projection.of(model).exact_usd[0]) / 30_000 for model in MODELS}
    success = {
        model: Fraction(2 * count + 1, 82) for model, count in zip(MODELS, solved, strict=True)
    }
    for before, after in pairwise(hull):
        stake = after.from_usd + Fraction(aim.objective.failure_usd)
        one, other = (stake * success[x.model] - cost[x.model] for x in (before, after))
        assert one == other
        assert one == max(stake * success[model] - cost[model] for model in MODELS)
        if not after.from_usd:
            continue
        for factor, expected in ((Fraction(999, 1000), before), (Fraction(1001, 1000), after)):
            end = [x.from_usd for x in hull if x.from_usd > after.from_usd]
            if factor > 1 and end and after.from_usd * factor >= end[0]:
                continue
            if factor < 1 and after.from_usd * factor <= before.from_usd:
                continue
            valued = replace(given_workload, value_usd_per_success=float(after.from_usd * factor))
            assert recommend(valued, **options).best == {"w": expected.model}


def test_a_card_says_what_to_choose_why_and_when_another():
    """By hand: 0.0042 and 0.00875 USD a task, 30.5 and 90.5 of 101 expected to be solved."""
    found = card(plain(), tried(k2=(30, 100), k2_5=(90, 100)), models=["kimi-k2", "kimi-k2-5"])
    price = Fraction("0.00455") / Fraction(60, 101)
    assert f"{float(price):.6f}" == "0.007659"
    rng = np.random.default_rng(1)
    gain = rng.beta(90.5, 10.5, 200_000) - rng.beta(30.5, 70.5, 200_000)
    ends = np.quantile(0.00455 / gain, [0.05, 0.95])
    said = re.search(r"\(90%: ([\d.]+) to ([\d.]+)\)", found.sentences[1])
    assert [float(end) for end in said.groups()] == pytest.approx(ends.tolist(), rel=0.01)
    assert found.sentences == (
        "Choose kimi-k2: the cheapest, 136.50 USD a month less than kimi-k2-5.",
        f"Choose kimi-k2-5 instead if a solved task is worth more than 0.007659 USD {said[0]}.",
        "No value of a solved task is stated (value_usd_per_success), so models rank by cost. "
        "Time to answer is not known of any model.",
    )
    row = found.rows[1]
    assert (row.bookable_usd_per_month, row.is_measured) == (Fraction("262.5"), True)
    assert row.success_low < row.success_rate < row.success_high
    assert row.success_source == "90 of 100 tasks in evaluations"
    assert (row.net_usd_per_month, row.chance_best, row.chance_over_budget) == (None,) * 3
    assert row.best_from_usd == pytest.approx(float(price), rel=1e-12)


def test_a_model_that_is_never_the_best_is_named():
    """Dearer and no better than what two others reach together, whatever a solved task is worth."""
    counts = {"k2": (30, 100), "k2_instruct": (31, 100), "k2_5": (90, 100)}
    found = card(plain(), tried(**counts))
    assert "Never the best, whatever a solved task is worth: kimi-k2-instruct." in found.sentences
    assert [row.best_from_usd is None for row in found.rows] == [False, True, False, True]


def test_a_model_of_unknown_success_is_neither_first_nor_out():
    """Where a value decides, it ranks after the others, and the success that it would need is said."""
    given_workload = plain(value_usd_per_success="0.05")
    found = card(given_workload, tried(k2=(30, 100), k2_5=(90, 100)))
    assert found.model == "kimi-k2-5"
    assert [row.model for row in found.rows[:2]] == ["kimi-k2-5", "kimi-k2"]
    other = next(row for row in found.rows if row.model == "kimi-k2-instruct")
    assert (other.success_rate, other.net_usd_per_month) == (None, None)
    net = 0.05 * 90.5 / 101 - 0.00875
    needed = (net + 0.00525) / 0.05
    assert f"it is the best above a success of {100 * needed:.1f}%" in other.condition
    assert "Success is not known of kimi-k2-instruct, kimi-k2-5-thinking" in found.sentences[-1]


def test_published_results_alone_are_said_to_be_little():
    """Without own trials a rate is that of benchmarks, with a wide interval and its source."""
    found = card(plain(), published=True)
    row = next(row for row in found.rows if row.model == "kimi-k2")
    assert not row.is_measured
    assert "published results" in row.success_source
    assert row.success_high - row.success_low > 0.4
    assert "what published results say, which is little" in found.sentences[-1]
    with pytest.raises(
        EvaluationError, match=r"published is 'all'\. Give what read_public_results"
    ):
        card(plain(), published="all")


def test_an_unknown_speed_is_a_condition_and_a_known_one_decides():
    """Nine of ten items within 20 s, or not; a catalog's tokens a second are the least that it takes."""
    limited = plain(seconds_at_most=20)
    unknown = recommend(limited, published=False, **NOVEMBER)
    assert {one.conditions for one in unknown.choices} == {
        ("nine of ten answers come within 20 s",)
    }
    quick = card(limited, timed([5] * 9 + [19, 25]))
    assert (quick.model, quick.rows[0].condition) == ("kimi-k2", "")
    assert (quick.rows[0].p50_seconds, quick.rows[0].p90_seconds) == (5, 19)
    slow = recommend(limited, evaluations=timed([5, 30, 30]), published=False, **NOVEMBER)
    [out] = slow.exclusions
    assert out.reasons == (
        "nine of ten answers take up to 30.0 s (measured on 3 items); they must come within 20 s",
    )
    asked = Requirements(seconds_at_most=7)
    later = NOVEMBER | {"start": "2026-12", "as_of": date(2026, 11, 25), "published": False}
    later |= {"models": "kimi-k3.1-pro", "catalog": "2026-11-public-3"}
    [out] = recommend(plain(completion_tokens=610), asked, **later).exclusions
    assert "up to at least 10.0 s (61 tokens a second, catalog 2026-11-public-3)" in out.reasons[0]
    [able] = recommend(plain(completion_tokens=61), asked, **later).choices
    assert able.conditions == ("its first token is soon enough to answer within 7 s",)


def test_the_quicker_model_is_named_where_both_are_known():
    """It is the one to choose where answers must come sooner than the choice gives them."""
    rows = [
        ("w", model, f"q{n}", 1, seconds)
        for model, seconds in (("kimi-k2", 9), ("kimi-k2-5", 4))
        for n in range(20)
    ]
    frame = pd.DataFrame(rows, columns=["workload", "model", "item", "success", "seconds"])
    found = card(plain(), read_evaluations(frame), models=["kimi-k2", "kimi-k2-5"])
    assert (
        "kimi-k2-5 instead if nine of ten answers must come within less than 9.0 s"
        in found.sentences[1]
    )


def test_common_values_hold_where_a_workload_states_none():
    """A value of the requirements is that of a workload without its own, and never replaces one."""
    asked = Requirements(value_usd_per_success="0.05", failure_usd=1)
    own = plain(value_usd_per_success="0.001", failure_usd=0)
    trials = tried(k2=(30, 100), k2_5=(90, 100))
    assert card(plain(), trials, asked).model == "kimi-k2-5"
    assert card(own, trials, asked).model == "kimi-k2"
    with pytest.raises(SettingError, match="value_usd_per_success is 0"):
        Requirements(value_usd_per_success=0)


@pytest.mark.parametrize("catalog", ["2026-06", "2026-11-public-3"])
@pytest.mark.parametrize("value", [None, "0.30"])
def test_a_card_fits_a_screen_on_every_catalog(example, catalog, value):
    """30 lines of 80 characters at the most, whatever the catalog; --details cuts nothing."""
    asked = Requirements(value_usd_per_success=value, seconds_at_most=60)
    found = recommend(
        example[0], asked, evaluations=None, catalog=catalog, n_paths=200,
        months=2, start="2027-01", as_of=date(2026, 11, 25),
    )  # fmt: skip
    text = recommendation_text(found)
    for one in found.cards:
        lines = repr(one).splitlines()
        assert len(lines) <= 30
        assert max(map(len, lines)) <= 80
        assert "\n".join(lines[:6]) in text
    whole = " ".join(recommendation_text(found, details=True).split())
    for one in found.cards:
        assert all(" ".join(sentence.split()) in whole for sentence in one.sentences)
        assert all(row.model in whole for row in one.rows)


def test_every_form_shows_the_same_card(example, plan):
    """Notebook, JSON and terminal have its rows and sentences, one of each model."""
    found = recommend(example[0], projection=plan, evaluations=example[1])
    data = plan_data(found)["cards"]
    for one, plain_data in zip(found.cards, data, strict=True):
        assert plain_data["sentences"] == list(one.sentences)
        assert [row["model"] for row in plain_data["rows"]] == [row.model for row in one.rows]
        assert {row.model for row in one.rows} == set(plan.models)
        assert one.frame["model"].tolist() == [row.model for row in one.rows]
        html = one._repr_html_()
        assert f"<b>{one.workload}: {one.model}. USD" in html
        assert one.sentences[0].split(":")[0] in html


def test_beside_a_model_of_unknown_success_one_that_is_known_is_named_without_a_value():
    """No value is stated, so that none can be pointed to."""
    agent = plain(prompt_tokens=6000, turns=30, followup_tokens=900, reasoning_tokens=None)
    options = {"catalog": "2026-11-public-3", "start": "2026-12", "as_of": date(2026, 11, 28)}
    found = card(agent, published=True, **options)
    rows = {row.model: row for row in found.rows}
    assert rows[found.model].success_rate is None
    said = " ".join(found.sentences)
    assert "kimi-k2.6 instead if success must be known." in said
    assert "value stated" not in said


def test_a_model_that_was_the_only_one_asked_about_is_no_winner():
    """Where one model is planned nothing is said of others; where they do not qualify that is said."""
    alone = recommend(plain(), models="kimi-k2", **NOVEMBER)
    assert "no other model was asked about" in alone.cards[0].sentences[0]
    needs = Requirements(needs=("reasoning",))
    beaten = recommend(plain(), needs, models=["kimi-k2-5-thinking", "kimi-k2"], **NOVEMBER)
    assert "was asked about" not in beaten.cards[0].sentences[0]
