"""Risk of caps against closed forms, brute force and hand counts."""

import math
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import kimi_planner as kp
from kimi_planner.calls.caps import cap_notes, cap_risk
from kimi_planner.calls.sizes import CallSizes
from kimi_planner.errors import SettingError, UnknownModelError

THINKS = "kimi-k2-5-thinking"
Z90 = stats.norm.ppf(0.9)


def workload(**changes):
    fields = {"name": "w", "requests_per_day": 10, "prompt_tokens": 1000, "completion_tokens": 100}
    return kp.Workload(**fields | changes)


def lognormal(p50, p90):
    return stats.lognorm(s=math.log(p90 / p50) / Z90, scale=p50)


def rows(sizes, model=THINKS, caps=None):
    return cap_risk(sizes, model, caps).frame.to_dict("records")


def test_a_certain_answer_after_lognormal_thought_has_a_closed_form():
    """Cut where the thought leaves less than the answer needs, empty where it leaves nothing."""
    thought = lognormal(900, 3000)
    sizes = workload(reasoning_tokens={"p50": 900, "p90": 3000})
    for one in rows(sizes, caps=[500, 1000, 4096, 20_000]):
        cap = one["max_tokens"]
        assert one["cut_share"] == pytest.approx(thought.sf(cap - 100), abs=2 / 32_768)
        assert one["empty_share"] == pytest.approx(thought.sf(cap), abs=2 / 32_768)
        assert one["empty_tokens"] == pytest.approx(cap * one["empty_share"])
        assert one["empty_answer_usd"] == pytest.approx((1000 * 3.5 + cap * 10.5) / 1e6)
        assert one["empty_answer_input_usd"] == pytest.approx(1000 * 3.5 / 1e6)
        assert one["empty_answer_output_usd"] == pytest.approx(cap * 10.5 / 1e6)
        for share in (5, 1):
            expected = thought.ppf(1 - share / 100) + 100
            assert one[f"cap_for_{share}_percent"] == pytest.approx(expected, rel=2e-3)


def test_models_that_do_not_reason_cut_only_the_answer():
    """Without reasoning nothing is empty, and the cut share is the tail of the visible text."""
    sizes = workload(
        completion_tokens={"p50": 250, "p90": 700}, reasoning_tokens={"p50": 900, "p90": 3000}
    )
    (one,) = rows(sizes, "kimi-k2", 600)
    assert one["cut_share"] == pytest.approx(lognormal(250, 700).sf(600), abs=2 / 32_768)
    assert (one["empty_share"], one["empty_tokens"]) == (0, 0)
    assert math.isnan(one["empty_answer_usd"])
    assert not [
        name for name in one if name.startswith("empty_answer_") and name != "empty_answer_usd"
    ]


@pytest.mark.parametrize("uncertain", [{}, {"mean_factor": {"p50": 1, "p90": 1.8}}])
def test_two_lognormals_are_convolved(uncertain):
    """Shares and least caps agree with a million drawn answers; 4 standard errors."""
    sizes = workload(
        completion_tokens={"p50": 600, "p90": 2200} | uncertain,
        reasoning_tokens={"p50": 2500, "p90": 9000} | uncertain,
    )
    rng = np.random.default_rng(1)
    n = 1_000_000
    spread = 1.8 ** (rng.standard_normal((2, n)) / Z90) if uncertain else np.ones((2, 1))
    visible, thought = (
        lognormal(p50, p90).ppf(rng.random(n)) * factor
        for (p50, p90), factor in zip(((600, 2200), (2500, 9000)), spread, strict=True)
    )
    for one in rows(sizes, caps=[2000, 16_384]):
        cap = one["max_tokens"]
        for name, happens in (("cut", visible + thought > cap), ("empty", thought >= cap)):
            share = happens.mean()
            error = math.sqrt(share * (1 - share) / n)
            assert one[f"{name}_share"] == pytest.approx(share, abs=4 * error + 1e-4)
        for share in (5, 1):
            expected = np.quantile(visible + thought, 1 - share / 100)
            assert one[f"cap_for_{share}_percent"] == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(
    ("cap", "cut", "empty"), [(1000, 0, 0), (999, 1, 0), (901, 1, 0), (900, 1, 1), (1, 1, 1)]
)
def test_certain_numbers_are_cut_or_not(cap, cut, empty):
    """A thought of 900 and an answer of 100 fit a cap of 1,000; at 900 nothing is answered."""
    (one,) = rows(workload(reasoning_tokens=900), caps=cap)
    assert (one["cut_share"], one["empty_share"]) == (cut, empty)
    assert (one["cap_for_5_percent"], one["cap_for_1_percent"]) == (1000, 1000)


def test_no_text_to_say_is_not_an_empty_answer():
    """Answers that have no visible text anyway are cut, but miss nothing."""
    (one,) = rows(workload(completion_tokens=0, reasoning_tokens=900), caps=500)
    assert (one["cut_share"], one["empty_share"]) == (1, 0)


def test_the_least_cap_is_the_least():
    """One token less than the cap for 1% or 5% cuts more than that."""
    sizes = workload(
        completion_tokens={"p50": 250, "p90": 700}, reasoning_tokens={"p50": 900, "p90": 3000}
    )
    (one,) = rows(sizes, caps=10)
    for share in (5, 1):
        least = one[f"cap_for_{share}_percent"]
        at, below = rows(sizes, caps=[least, least - 1])
        assert at["cut_share"] <= share / 100 < below["cut_share"]


def test_a_higher_cap_cuts_no_more():
    """Cut and empty shares fall as the cap rises, and cut is never below empty."""
    sizes = workload(
        completion_tokens={"p50": 250, "p90": 700}, reasoning_tokens={"p50": 900, "p90": 3000}
    )
    frame = cap_risk(sizes, THINKS, [2**k for k in range(16)]).frame
    assert frame["cut_share"].is_monotonic_decreasing
    assert frame["empty_share"].is_monotonic_decreasing
    assert (frame["cut_share"] >= frame["empty_share"]).all()


def test_each_workload_has_its_own_cap():
    """Without caps a workload's max_tokens counts; without that nothing is cut."""
    found = cap_risk([workload(max_tokens=50), workload(name="v")])
    frame = found.frame
    assert frame["workload"].tolist() == ["w"] * 4 + ["v"] * 4
    assert frame["max_tokens"].isna().tolist() == [False] * 4 + [True] * 4
    assert frame["cut_share"].tolist() == [1] * 4 + [0] * 4
    assert frame["cap_for_1_percent"].tolist() == [100] * 8
    assert repr(found).count("kimi-k2") == 8
    assert "<table" in found._repr_html_()


def test_an_empty_answer_costs_its_whole_prompt():
    """In a conversation the mean prompt has the history as the cap leaves it."""
    sizes = workload(turns=3, followup_tokens=10, reasoning_tokens=900)
    one, other = rows(sizes, caps=[1000, 950])
    assert one["empty_answer_usd"] == pytest.approx(((1000 + 110) * 3.5 + 1000 * 10.5) / 1e6)
    assert other["empty_answer_usd"] == pytest.approx(((1000 + 60) * 3.5 + 950 * 10.5) / 1e6)


def test_an_empty_answer_has_the_mean_prompt_of_uncertain_sizes():
    """Uncertain means and turns are in it: a question and what the cap leaves of an answer a turn."""
    spread = {"p50": 600, "p90": 2200, "mean_factor": {"p50": 1, "p90": 1.8}}
    sizes = workload(
        turns={"mean": 4, "sd": 2}, prompt_tokens=spread, followup_tokens=spread,
        completion_tokens=spread, reasoning_tokens=spread,
    )  # fmt: skip
    (one,) = rows(sizes, caps=2000)
    calls = CallSizes.of(replace(sizes, max_tokens=2000).resolve().sizes, None).drawn()
    usd = calls.prompt.mean() * 3.5 / 1e6
    assert one["empty_answer_input_usd"] == pytest.approx(usd, rel=0.01)
    assert one["empty_answer_output_usd"] == pytest.approx(2000 * 10.5 / 1e6)


def test_the_risk_agrees_with_what_is_billed():
    """Reasoning at the cap in the expected tokens is what the empty answers spend, and no more."""
    sizes = workload(
        completion_tokens={"p50": 250, "p90": 700}, reasoning_tokens={"p50": 900, "p90": 3000},
        max_tokens=2000,
    )  # fmt: skip
    (one,) = rows(sizes)
    calls = CallSizes.of(sizes.resolve().sizes, None).drawn()
    assert one["empty_share"] == pytest.approx((calls.answer <= 0).mean(), abs=1e-4)
    assert one["cut_share"] == pytest.approx((calls.completion >= 2000).mean(), abs=5e-3)


def test_risks_worth_saying_are_notes():
    """A cap that cuts 1% or empties 0.1% of answers is one sentence with the models it cuts on."""
    specs = kp.load_catalog().models
    thoughtful = workload(reasoning_tokens={"p50": 900, "p90": 3000}, max_tokens=4096)
    thought = lognormal(900, 3000)
    assert tuple(cap_notes([thoughtful], specs)) == (
        f"max_tokens 4096 cuts {thought.sf(3996):.1%} of answers on {THINKS} and leaves "
        f"{thought.sf(4096):.1%} empty but billed: w.",
    )
    assert tuple(cap_notes([workload(max_tokens=99)], specs)) == (
        f"max_tokens 99 cuts 100.0% of answers on kimi-k2-5, {THINKS}, kimi-k2, kimi-k2-instruct: w.",
    )
    quiet = [workload(), workload(max_tokens=100), replace(thoughtful, max_tokens=60_000)]
    assert tuple(cap_notes(quiet, specs)) == ()
    assert tuple(cap_notes([thoughtful], [specs[0]])) == ()


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"workloads": []}, SettingError, "at least one"),
        ({"models": "kimi-k9"}, UnknownModelError, "kimi-k9"),
        ({"caps": []}, SettingError, "No caps"),
        ({"caps": 0}, SettingError, "cap is 0"),
        ({"caps": [100, 1.5]}, SettingError, "cap is 1.5"),
        ({"caps": True}, SettingError, "cap is True"),
        ({"caps": "4096"}, SettingError, "cap is '4096'"),
    ],
)
def test_bad_arguments_are_one_clear_error(arguments, error, words):
    """Each argument out of bounds is named in one line."""
    with pytest.raises(error, match=words):
        cap_risk(**{"workloads": workload()} | arguments)


def test_a_factor_that_is_certain_multiplies():
    """A mean_factor of one plain number scales every answer."""
    (one,) = rows(workload(reasoning_tokens={"p50": 900, "p90": 3000, "mean_factor": Decimal(2)}), caps=4096)  # fmt: skip
    assert one["empty_share"] == pytest.approx(lognormal(1800, 6000).sf(4096), abs=2 / 32_768)
    assert not pd.isna(one["cap_for_1_percent"])


@pytest.mark.parametrize(("share", "said"), [(0.011, 1), (0.009, 0)])
def test_one_answer_in_a_hundred_cut_is_said(share, said):
    """Where a cap cuts the 1% and a little more, and where a little less."""
    cap = round(lognormal(300, 900).isf(share))
    answers = workload(completion_tokens={"p50": 300, "p90": 900}, max_tokens=cap)
    assert len([*cap_notes([answers], [kp.load_catalog().model("kimi-k2")])]) == said


@pytest.mark.parametrize(("share", "said"), [(0.0012, 1), (0.0008, 0)])
def test_one_answer_in_a_thousand_empty_is_said(share, said):
    """Where thought takes the whole cap 0.1% of the time and a little more, or a little less."""
    cap = round(lognormal(900, 3000).isf(share))
    thoughtful = workload(
        completion_tokens=1, reasoning_tokens={"p50": 900, "p90": 3000}, max_tokens=cap
    )
    assert len([*cap_notes([thoughtful], [kp.load_catalog().model(THINKS)])]) == said


def test_an_empty_answer_costs_where_a_model_may_reason():
    """On a model that qualifies if it reasons, a call may spend its cap; on one that does not, none does."""
    asked = kp.Workload(
        name="w", requests_per_day=10, prompt_tokens=100, completion_tokens=100,
        reasoning_tokens={"p50": 300, "p90": 2000}, max_tokens=1024, needs=["reasoning"],
    )  # fmt: skip
    for needs, is_known in ((["reasoning"], True), ([], False)):
        rows = cap_risk(replace(asked, needs=needs), models=["kimi-k2-5"], catalog="2026-06").frame
        assert rows["empty_answer_usd"].notna().all() == is_known
