"""Reasoning is as stated, else as data have it, else said to be unknown; never nothing by silence."""

import math
import re
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimi_planner import load_catalog, project, recommend
from kimi_planner.catalog.load import catalog_path
from kimi_planner.plan import Workload
from kimi_planner.plan.drivers import sensitivity
from kimi_planner.plot import monthly_spend
from kimi_planner.report.first_screen import first_screen
from kimi_planner.report.json_form import plan_data
from kimi_planner.report.text import markdown_report, plan_text
from kimi_planner.rich import share_text

PUBLIC, DATA = "2026-11-public", "2026-11-public-3"
SCENARIO = {"start": "2026-12", "months": 1, "as_of": "2026-11-28", "n_paths": 2000}
CODE, FAST = "kimi-k2.7-code", "kimi-k2.7-code-highspeed"
K3 = {"input": Decimal(3), "output": Decimal(15)}
LEAST = ("not known, at least this", "not stated, at least this")


def workload(**changes):
    plain = {"requests_per_day": 1000, "prompt_tokens": 2000, "completion_tokens": 400}
    return Workload(name="w", **plain | changes)


def plan(model, catalog=DATA, **changes):
    return project(workload(**changes), models=model, catalog=catalog, **SCENARIO)


def of_k3(reasoning):
    return 31_000 * (2000 * K3["input"] + (400 + reasoning) * K3["output"]) / 1_000_000


def test_a_model_of_which_reasoning_is_not_stated_spends_what_the_workload_states():
    """A model twice as dear on every meter costs twice as much, and never comes first."""
    found = recommend(
        workload(reasoning_tokens=1200), catalog=PUBLIC, models=[FAST, CODE], **SCENARIO
    )
    by_hand = 31_000 * (2000 * Decimal("0.95") + 1600 * Decimal("4.00")) / 1_000_000
    assert found.projection.of(CODE).exact_usd == (by_hand,)
    assert found.projection.of(FAST).exact_usd == (2 * by_hand,)
    assert found.best == {"w": CODE}
    rows = found.projection.summary().set_index("model")["reasoning"]
    assert rows.to_dict() == {CODE: "", FAST: "as given, if it reasons"}
    assert any(
        note.code == "reasoning_not_stated" and note.models == (FAST,) for note in found.notes
    )


def test_reasoning_that_is_not_given_has_the_range_of_the_data():
    """P10, P50 and P90 of spend are those of 0.88, their geometric mean, and 10.6 times the answer."""
    made = plan("kimi-k3")
    ends = {0.1: 0.88, 0.5: math.sqrt(0.88 * 10.6), 0.9: 10.6}
    for q, ratio in ends.items():
        expected = float(of_k3(Decimal(ratio) * 400))
        assert made.of("kimi-k3").quantile(q)[0] == pytest.approx(expected, rel=2e-3)
    assert made.of("kimi-k3").is_ranged
    (said,) = [note for note in made.notes if note.code == "reasoning_assumed"]
    assert "0.88 to 10.6 times the answer" in said
    frame = sensitivity(workload(), "kimi-k3", start="2026-12", months=1, catalog=DATA).frame
    assert frame["input"][0] == "reasoning_tokens.mean_factor"


@pytest.mark.parametrize("tokens", [0, 1, 1200])
def test_what_the_workload_states_counts_and_not_the_data(tokens):
    """Also that there is none; the bill is exact, and nothing is assumed."""
    made = plan("kimi-k3", reasoning_tokens=tokens)
    assert made.of("kimi-k3").exact_usd == (of_k3(tokens),)
    assert made.reasoning("kimi-k3") == ("", False)


def test_an_effort_has_data_of_its_own():
    """The default effort is the one that was recorded; of another one nothing is known."""
    assert plan("kimi-k3", reasoning_effort="max").reasoning("kimi-k3").words.startswith("assumed")
    low = plan("kimi-k3", reasoning_effort="low")
    assert low.reasoning("kimi-k3") == (LEAST[0], True)
    assert low.of("kimi-k3").exact_usd == (of_k3(0),)


def test_an_effort_that_a_model_does_not_know_is_said(tmp_path):
    """A catalog may state fewer efforts than a workload may name."""
    text = catalog_path(DATA).read_text(encoding="utf-8")
    path = tmp_path / "fewer.toml"
    path.write_text(text.replace('["low", "high", "max"]', '["high", "max"]'), encoding="utf-8")
    made = plan("kimi-k3", path, reasoning_effort="low")
    assert [note.models for note in made.notes if note.code == "effort_unknown"] == [("kimi-k3",)]


def test_what_is_planned_at_the_least_is_said_first_and_no_chance_is_a_pass():
    """Totals, gaps and chances of a model of which nobody knows how much it reasons are the least."""
    load = workload(model="kimi-k3.1-pro", requests_per_day={"p10": 900, "p50": 1000, "p90": 1200}, budget_usd_per_month=260)  # fmt: skip
    found = recommend(load, models=["kimi-k3.1-pro", "kimi-k2.6"], catalog=DATA, **SCENARIO)
    whole = "At least: how much kimi-k3.1-pro for w reasons is not known"
    page = markdown_report(found)
    assert whole in page.partition("## ")[0]
    assert whole in " ".join(first_screen(found).split())
    share = found.projection.of("kimi-k3.1-pro", "w").chance_over(260)
    assert 0 < share < 0.5
    words = f"at least {share_text(share)}"
    assert words in first_screen(found)
    assert page.count(words) >= 2  # its budget, and its row among all models
    assert f"{share_text(share)}+" in page  # its card
    ax = monthly_spend(found.projection, "w")
    assert "within the budget, of 1 not known" in " ".join(ax.get_title(loc="left").split())
    over = recommend(workload(model="kimi-k3.1-pro", requests_per_day=load.requests_per_day, budget_usd_per_month=200), catalog=DATA, models=["kimi-k3.1-pro"], **SCENARIO)  # fmt: skip
    [one] = over.over_budget
    assert one.words.startswith("at least ")


def test_a_model_of_which_reasoning_is_not_known_keeps_no_budget_for_sure():
    """It is no model to change to because its least is within the budget."""
    load = workload(model="kimi-k2.6", prompt_tokens=500, completion_tokens=2000, budget_usd_per_month=700)  # fmt: skip
    found = recommend(load, models=["kimi-k3.1-pro", "kimi-k2.6"], catalog=DATA, **SCENARIO)
    assert found.projection.of("kimi-k3.1-pro", "w").worst_month(0.5)[1] < 700
    [one] = found.over_budget
    assert one.cheaper == ()


@pytest.mark.parametrize(
    ("catalog", "model"), [("2026-06", "kimi-k2-5-thinking"), (DATA, "kimi-k3.1-pro")]
)
def test_what_nobody_knows_is_said_in_the_row_and_ranks_last(catalog, model):
    """However cheap it looks without reasoning, it comes after what is known, and says at least."""
    cheap = load_catalog(catalog, as_of=SCENARIO["as_of"]).with_price(
        model, input_usd_per_mtok="0.001", output_usd_per_mtok="0.001"
    )
    found = recommend(workload(), catalog=cheap, **SCENARIO)
    known = [one for one in found.choices if not one.is_least]
    unknown = [one for one in found.choices if one.is_least]
    assert model in [one.model for one in unknown]
    assert max(one.rank for one in known) < min(one.rank for one in unknown)
    assert known[-1].less_than_next_usd is None
    for text in (plan_text(found), markdown_report(found)):
        rows = [row for row in text.splitlines() if re.match(rf"\W*w\W+{model}\b(?! is)", row)]
        assert rows
        assert all(LEAST[0] in row for row in rows)
    (row,) = [row for row in plan_data(found)["summary"] if row["model"] == model]
    assert (row["reasoning"] in LEAST) is row["is_least"] is True
    only = recommend(workload(), catalog=cheap, models=model, **SCENARIO)
    assert f"reasoning {LEAST[0]}" in only.sentences()[0]


MODELS = ("kimi-k3", "kimi-k2.6", "kimi-k2.5", CODE, FAST, "kimi-k3.1-pro", "kimi-k2-thinking")


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(MODELS), st.sampled_from([PUBLIC, DATA]), st.integers(0, 20_000))
def test_money_that_comes_when_reasoning_is_stated_was_in_the_range_or_said_to_be_missing(
    model, catalog, tokens
):
    """A range of zero width is the least, and says so, or what is stated changes nothing."""
    silent, stated = (plan(model, catalog, **more) for more in ({}, {"reasoning_tokens": tokens}))
    if silent.of(model).is_ranged:
        return
    low = silent.of(model).mean()[0]
    after = stated.of(model).mean()[0]
    assert after >= low
    assert after == low or silent.reasoning(model).is_least


@pytest.mark.parametrize("tokens", [700, {"p50": 700, "p90": 2000}])
def test_a_capability_that_becomes_stated_changes_no_money(tokens):
    """That a model reasons, stated after the plan, leaves the plan as it was."""
    before = plan(FAST, PUBLIC, reasoning_tokens=tokens).of(FAST)
    after = plan(FAST, DATA, reasoning_tokens=tokens).of(FAST)
    assert after.mean() == pytest.approx(before.mean())


def test_the_ratios_that_are_derived_follow_from_those_they_name():
    """Q (1 + r) - 1, rounded to two digits: as many output tokens, less the answer."""
    ratio = {
        model.id: (float(one.low), float(one.high))
        for model in load_catalog(DATA)
        for one in model.behaviour
        if one.relative_to == "answer"
    }
    low, high = ratio["kimi-k2.5"]

    def less_the_answer(q, r):
        return q * (1 + r) - 1

    assert ratio["kimi-k2.6"] == pytest.approx((2059 / 5189, less_the_answer(2.08, high)), rel=0.01)
    assert ratio[CODE] == pytest.approx([0.7 * one for one in ratio["kimi-k2.6"]], rel=0.01)
    assert ratio["kimi-k2-thinking"] == pytest.approx(
        (less_the_answer(1.80 / 1.20, low), less_the_answer(4.59 / 0.87, high)), rel=0.03
    )


def test_drawn_reasoning_is_the_same_on_every_model_of_the_same_share():
    """On a path where one model reasons much, the others do too: one quantity, drawn once."""
    made = project(workload(), models=["kimi-k3", "kimi-k2.6"], catalog=DATA, **SCENARIO)
    usd = [made.of(model).usd[0] for model in made.models]
    assert np.corrcoef(np.argsort(np.argsort(usd[0])), np.argsort(np.argsort(usd[1])))[0, 1] > 0.999
    assert re.fullmatch(r"assumed, .* times the answer", made.reasoning("kimi-k2.6").words)


def test_a_model_that_qualifies_if_it_reasons_is_priced_as_if_it_did():
    """Money and condition go together: no model is cheap for a need because it would not meet it."""
    for needs, tokens in (((), 0), (("reasoning",), 1200)):
        made = plan("kimi-k2-5", "2026-06", reasoning_tokens=1200, needs=needs)
        by_hand = 31_000 * (2000 * Decimal("2.50") + (400 + tokens) * Decimal("7.50")) / 1_000_000
        assert made.of("kimi-k2-5").exact_usd == (by_hand,)
        assert made.reasoning("kimi-k2-5").words == ("as given, if it reasons" if needs else "")
