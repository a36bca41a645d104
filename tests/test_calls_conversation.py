"""Conversations turn by turn against arithmetic series, brute force and hand-made windows."""

import math
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import kimi_planner as kp
from kimi_planner.calls.conversation import conversation
from kimi_planner.calls.windowed import control_mean
from kimi_planner.errors import KimiPlannerError, SettingError, UnknownModelError, WorkloadError

Z90 = stats.norm.ppf(0.9)
PRICES = {"kimi-k2": (1.2, 3.6), "kimi-k2-5-thinking": (3.5, 10.5)}


def workload(**changes):
    fields = {"name": "w", "requests_per_day": 10, "prompt_tokens": 1000, "completion_tokens": 100}
    return kp.Workload(**fields | changes)


def catalog(window, **changes):
    base = kp.load_catalog()
    spec = replace(base.model("kimi-k2"), context_window_tokens=window, **changes)
    return replace(base, models=(spec,))


@pytest.mark.parametrize("model", PRICES)
def test_certain_turns_are_an_arithmetic_series(model):
    """Prompts grow by question and visible answer each turn, and every cost is its exact product."""
    thought = 900 if model == "kimi-k2-5-thinking" else 0
    sizes = workload(turns=6, followup_tokens=80, reasoning_tokens=900)
    found = conversation(sizes, model)
    price, output = PRICES[model]
    frame = found.frame
    prompts = 1000 + 180 * np.arange(6)
    for name in ("mean", "p10", "p50", "p90"):
        assert frame[f"{name}_prompt_tokens"].tolist() == prompts.tolist()
        assert (frame[f"{name}_completion_tokens"] == 100 + thought).all()
        assert (frame[f"{name}_reserved_tokens"] == 100 + thought).all()
    usd = (prompts * price + (100 + thought) * output) / 1e6
    np.testing.assert_allclose(frame["mean_usd"], usd, rtol=1e-12)
    for name in ("mean", "p10", "p50", "p90"):
        np.testing.assert_allclose(frame[f"{name}_cumulative_usd"], usd.cumsum(), rtol=1e-12)
    assert frame["turn"].tolist() == [1, 2, 3, 4, 5, 6]
    assert (frame[["reach_share", "fit_share", "made_share"]] == 1).all(axis=None)
    assert found.mean_usd == pytest.approx(usd.sum(), rel=1e-12)
    assert (found.first_overflow, found.never_overflows_share) == ({}, 1)


def test_the_mean_so_far_is_the_sum_of_the_means():
    """Where no call is refused, whatever the sizes: by the means of question and answer, turn by turn."""
    sizes = workload(
        turns=5, prompt_tokens={"p50": 900, "p90": 2500}, followup_tokens=150,
        completion_tokens={"p50": 250, "p90": 700},
    )  # fmt: skip
    frame = conversation(sizes, "kimi-k2").frame
    first, answer = (
        p50 * math.exp((math.log(p90 / p50) / 1.2815515655446004) ** 2 / 2)
        for p50, p90 in ((900, 2500), (250, 700))
    )
    price, output = PRICES["kimi-k2"]
    usd = ((first + (150 + answer) * np.arange(5)) * price + answer * output) / 1e6
    np.testing.assert_allclose(frame["mean_usd"], usd, rtol=1e-4)
    np.testing.assert_allclose(frame["mean_cumulative_usd"], usd.cumsum(), rtol=1e-4)


@pytest.mark.parametrize("unit", [1e6, 1.0, 1e-6, 1e-12])
def test_a_mean_is_corrected_alike_in_every_unit(unit):
    """In proportion to the control; not at all by one that is the same but for its rounding."""
    rng = np.random.default_rng(0)
    control = unit * rng.lognormal(size=100)
    expected = 1.5 * control.mean()
    assert control_mean(3 * control, control, expected) == pytest.approx(3 * expected, rel=1e-12)
    same = np.where(np.arange(100) % 2, unit, np.nextafter(unit, np.inf))
    assert control_mean(control, same, 2 * unit) == pytest.approx(control.mean(), rel=1e-12)


LONG = {
    "prompt_tokens": {"p50": 900, "p90": 2500},
    "followup_tokens": {"p50": 150, "p90": 400},
    "completion_tokens": {"p50": 250, "p90": 700},
    "turns": {"mean": 6},
    "max_tokens": 1200,
}


def brute_force(window, n=60_000):
    """Return cost and turns of conversations that end at their first call that does not fit."""
    rng = np.random.default_rng(5)
    usd, first, turns = np.zeros(n), np.full(n, np.inf), rng.geometric(1 / 6, n)
    history = np.zeros(n)
    for turn in range(1, turns.max() + 1):
        z = rng.standard_normal((2, n)) / Z90
        question = 900 * (2500 / 900) ** z[0] if turn == 1 else 150 * (400 / 150) ** z[0]
        answer = np.minimum(250 * 2.8 ** z[1], 1200)
        asks = turns >= turn
        over = asks & (history + question + 1200 > window) & np.isinf(first)
        first[over] = turn
        made = asks & np.isinf(first)
        usd += made * ((history + question) * 1.2 + answer * 3.6) / 1e6
        history += question + answer
    return usd, first, turns


def test_rejecting_conversations_cost_what_brute_force_says():
    """Cost per conversation, its quantiles and the first overflow are those of plain simulation."""
    found = conversation(workload(**LONG), "kimi-k2", catalog=catalog(5000))
    usd, first, turns = brute_force(5000)
    n = len(usd)
    one = found.policies.set_index("policy").loc["reject"]
    assert one["mean_usd"] == pytest.approx(usd.mean(), abs=5 * usd.std() / math.sqrt(n))
    for name, q in (("p10", 0.1), ("p50", 0.5), ("p90", 0.9)):
        assert one[f"{name}_usd"] == pytest.approx(np.quantile(usd, q), rel=0.03)
        assert found.first_overflow[name] == np.quantile(first[np.isfinite(first)], q, method="inverted_cdf")  # fmt: skip
    share = np.isinf(first).mean()
    assert found.never_overflows_share == pytest.approx(share, abs=5 * math.sqrt(share * (1 - share) / n))  # fmt: skip
    made = np.minimum(turns, first - 1).sum() / turns.sum()
    assert one["made_share"] == pytest.approx(made, abs=0.01)
    assert one["calls_per_conversation"] == pytest.approx(6 * made, abs=0.06)
    assert one["whole_share"] == pytest.approx(share, abs=0.01)
    fourth = found.frame.set_index("turn").loc[4]
    assert fourth["reach_share"] == pytest.approx((5 / 6) ** 3, abs=1e-4)
    here = turns >= 4
    assert fourth["fit_share"] == pytest.approx((first[here] > 4).mean(), abs=0.02)


def test_reject_ends_where_the_others_go_on():
    """Five turns in a window of 1,000 by hand: calls made, summaries and cost of each policy."""
    sizes = workload(prompt_tokens=500, followup_tokens=100, turns=5)
    found = conversation(
        sizes, "kimi-k2", policy={"summarise_to_tokens": 150}, catalog=catalog(1000)
    )
    table = found.policies.set_index("policy")
    prompts = {
        "price_all": [500, 700, 900, 1100, 1300],
        "reject": [500, 700, 900],
        "drop_oldest": [500, 700, 900, 500, 700],
        "summarise to 150 tokens": [500, 700, 900, 850, 250, 450],
    }
    for name, calls in prompts.items():
        output = 100 * min(5, len(calls)) + (150 if "summarise" in name else 0)
        usd = (sum(calls) * 1.2 + output * 3.6) / 1e6
        for column in ("mean_usd", "p10_usd", "p50_usd", "p90_usd"):
            assert table.loc[name, column] == pytest.approx(usd, rel=1e-12)
        assert table.loc[name, "calls_per_conversation"] == len(calls)
        assert table.loc[name, "whole_share"] == (name != "reject")
        assert table.loc[name, "summaries_per_conversation"] == ("summarise" in name)
    assert found.policy == "summarise to 150 tokens"
    assert found.mean_usd == table.loc[found.policy, "mean_usd"]
    assert found.first_overflow == {"p10": 4, "p50": 4, "p90": 4}
    assert found.never_overflows_share == 0
    assert found.frame["fit_share"].tolist() == [1, 1, 1, 0, 0]
    assert found.frame["made_share"].tolist() == [1] * 5
    assert found.frame["mean_prompt_tokens"].tolist() == [500, 700, 900, 250, 450]
    fourth = (850 + 250) * 1.2 + (150 + 100) * 3.6
    assert found.frame["mean_usd"][3] == pytest.approx(fourth / 1e6, rel=1e-12)


def test_turns_that_are_refused_have_no_sizes():
    """After a refusal nothing is sent: shares and costs are 0, sizes missing."""
    found = conversation(workload(turns=3, overflow="reject"), "kimi-k2", catalog=catalog(1100))
    later = found.frame.iloc[1:]
    assert (later["made_share"] == 0).all()
    assert (later["mean_usd"] == 0).all()
    assert later["p50_prompt_tokens"].isna().all()
    assert (later["mean_cumulative_usd"] == found.frame["mean_usd"][0]).all()


def test_the_plan_and_the_conversation_agree():
    """A projected month is its number of conversations times the mean cost of one."""
    from datetime import date

    sizes = workload(**LONG, overflow="drop_oldest")
    small = catalog(5000)
    found = conversation(sizes, "kimi-k2", catalog=small)
    month = kp.project(sizes, start="2026-11", months=1, as_of=date(2026, 10, 1), catalog=small)
    assert month.of("kimi-k2").mean()[0] == pytest.approx(30 * 10 / 6 * found.mean_usd, rel=0.01)


def test_uncertain_means_and_cached_tokens_are_in_the_mean():
    """Factors multiply the means and the cached share lowers the input price, in closed form."""
    uncertain = {"mean_factor": {"p50": 1, "p90": 2}}
    factor = math.exp((math.log(2) / Z90) ** 2 / 2)
    sizes = workload(
        turns={"mean": 3}, cached_share=0.5, followup_tokens={"p50": 50, "p90": 50} | uncertain,
        completion_tokens={"p50": 100, "p90": 100} | uncertain,
    )  # fmt: skip
    prices = catalog(128_000, cached_input_usd_per_mtok=Decimal("0.30"))
    found = conversation(sizes, "kimi-k2", catalog=prices)
    prompt = 3 * 1000 + 3 * 2 * (50 + 100) * factor
    expected = (prompt * (1.2 + 0.3) / 2 + 3 * 100 * factor * 3.6) / 1e6
    assert found.mean_usd == pytest.approx(expected, rel=2e-3)
    assert found.notes == ()


def test_turns_and_policy_can_be_asked_for():
    """Turns and policy of the call replace those of the workload, follow-ups of none are dropped."""
    sizes = workload(turns={"mean": 4}, followup_tokens=10)
    assert len(conversation(sizes, "kimi-k2", turns=7).frame) == 7
    assert len(conversation(sizes, "kimi-k2", turns=1).frame) == 1
    assert conversation(sizes, "kimi-k2", policy="drop_oldest").policy == "drop_oldest"
    geometric = conversation(sizes, "kimi-k2").frame
    assert geometric["reach_share"].iloc[-1] >= 0.001
    assert geometric["reach_share"].iloc[-1] * 0.75 < 0.0015


def test_what_is_not_stated_is_said():
    """Unknown window, cached price and follow-ups are notes, and shares of the unknown are NaN."""
    found = conversation(workload(turns=300, cached_share=0.2), "kimi-k2", catalog=catalog(None))
    assert math.isnan(found.never_overflows_share)
    assert found.frame["fit_share"].isna().all()
    assert (found.frame["made_share"] == 1).all()
    words = ["no context window for kimi-k2", "no cached-input price", "followup_tokens is not given"]  # fmt: skip
    assert [word in note for word, note in zip(words, found.notes, strict=True)] == [True] * 3
    priced = catalog(2000, cached_input_usd_per_mtok=Decimal("0.3"))
    late = conversation(workload(turns=3, cached_share=0.2), "kimi-k2", catalog=priced)
    assert "prefix that the cache knows" in late.notes[0]


def test_the_seed_decides():
    """The same seed gives the same tables, another other draws; the object shows itself."""
    first, again, other = (conversation(workload(**LONG), "kimi-k2", seed=seed) for seed in (1, 1, 2))  # fmt: skip
    pd.testing.assert_frame_equal(first.frame, again.frame)
    pd.testing.assert_frame_equal(first.policies, again.policies)
    assert not first.frame.equals(other.frame)
    assert "USD on average" in repr(first)
    assert "<table" in first._repr_html_()


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"workload": []}, SettingError, "at least one"),
        ({"workload": [workload(), workload(name="v")]}, SettingError, "2 workloads"),
        ({"model": "kimi-k9"}, UnknownModelError, "kimi-k9"),
        ({"model": ["kimi-k2"]}, UnknownModelError, "kimi-k2"),
        ({"turns": 0}, WorkloadError, "turns is 0"),
        ({"turns": 2.5}, WorkloadError, "whole"),
        ({"policy": "drop"}, WorkloadError, "overflow is 'drop'"),
        ({"policy": {"summarise_to_tokens": 0}}, WorkloadError, "summarise_to_tokens is 0"),
        ({"policy": {"summarise_to_tokens": True}}, WorkloadError, "summarise_to_tokens is True"),
        ({"policy": {"words": 5}}, WorkloadError, "overflow is"),
        ({"seed": -1}, SettingError, "seed is -1"),
        ({"catalog": "2020-01"}, KimiPlannerError, "2020-01"),
    ],
)
def test_bad_arguments_are_one_clear_error(arguments, error, words):
    """Each argument out of bounds is named in one line."""
    with pytest.raises(error, match=words) as caught:
        conversation(**{"workload": workload(), "model": "kimi-k2"} | arguments)
    assert "\n" not in str(caught.value)
