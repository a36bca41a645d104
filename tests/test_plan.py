"""Projected spend against hand arithmetic, closed forms and brute force, request by request."""

import math
from datetime import date
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from kimi_planner.catalog import load_catalog
from kimi_planner.errors import (
    PriceNotFoundError,
    SettingError,
    UnknownModelError,
    WorkloadError,
)
from kimi_planner.plan.calendar import Month, month_range
from kimi_planner.plan.simulation import project
from kimi_planner.workload import Workload, load_workloads

AS_OF = date(2026, 10, 24)
PRICES = {  # USD per 1,000,000 tokens: input, output
    "kimi-k2-5": (Decimal("2.50"), Decimal("7.50")),
    "kimi-k2-5-thinking": (Decimal("3.50"), Decimal("10.50")),
    "kimi-k2": (Decimal("1.20"), Decimal("3.60")),
    "kimi-k2-instruct": (Decimal("1.50"), Decimal("4.50")),
}
THINKS = "kimi-k2-5-thinking"
MILLION = Decimal(1_000_000)
Z90 = stats.norm.ppf(0.9)
PLAIN = {
    "name": "w",
    "requests_per_day": 1000,
    "prompt_tokens": 2000,
    "completion_tokens": 500,
}


def plain(**changes):
    return Workload(**PLAIN | changes)


def plan(workloads, **scenario):
    return project(workloads, **{"months": 1, "as_of": AS_OF} | scenario)


def exact(workload, model, **scenario):
    return plan(workload, models=model, **scenario).of(model).exact_usd


@pytest.mark.parametrize(
    ("model", "usd"),
    [
        ("kimi-k2-5", "262.50"),
        ("kimi-k2-5-thinking", "367.50"),
        ("kimi-k2", "126.00"),
        ("kimi-k2-instruct", "157.50"),
    ],
)
def test_the_hand_computed_bill_of_november(model, usd):
    """30 days of 1,000 requests of 2,000 and 500 tokens cost the same at every percentile."""
    projection = plan(plain(), start="2026-11")
    (row,) = projection.frame.query("model == @model").to_dict("records")
    assert row["exact_usd"] == Decimal(usd)
    for column in ("mean_usd", "p10_usd", "p50_usd", "p90_usd"):
        assert row[column] == float(usd)
    assert projection.of(model).usd.tolist() == [[float(usd)]]
    assert (row["month"], row["days"], row["requests"]) == ("2026-11", 30, 30_000)
    assert (row["prompt_tokens"], row["completion_tokens"]) == (60_000_000, 15_000_000)
    assert (row["cached_tokens"], row["reasoning_tokens"]) == (0, 0)
    for q in (0, 0.1, 0.99, 1):
        assert (projection.quantile(q)["spend_usd"] == projection.frame["mean_usd"]).all()


CALL = (2000 * Decimal("1.20") + 500 * Decimal("3.60")) / MILLION
BY_HAND = {
    "28 days": ({}, {"start": "2027-02"}, [28 * 1000 * CALL]),
    "29 days": ({}, {"start": "2028-02"}, [29 * 1000 * CALL]),
    "over the new year": ({}, {"start": date(2026, 12, 31), "months": 3}, [31 * 1000 * CALL, 31 * 1000 * CALL, 28 * 1000 * CALL]),
    "growth": ({"growth_per_month": Decimal("0.04")}, {"start": "2026-11", "months": 4}, [days * 1000 * CALL * Decimal("1.04") ** k for k, days in enumerate((30, 31, 31, 28))]),
    "shrinking": ({"growth_per_month": -0.5}, {"start": "2026-11", "months": 2}, [30 * 1000 * CALL, 31 * 500 * CALL]),
    "cached share without a price": ({"cached_share": 0.35}, {"start": "2026-11"}, [30 * 1000 * CALL]),
    "a third of a request": ({"requests_per_day": Decimal("0.3333333333")}, {"start": "2026-11"}, [30 * Decimal("0.3333333333") * CALL]),
    "cut by the cap": ({"max_tokens": 200}, {"start": "2026-11"}, [30 * 1000 * (2000 * Decimal("1.20") + 200 * Decimal("3.60")) / MILLION]),
    "below the cap": ({"max_tokens": 4096}, {"start": "2026-11"}, [30 * 1000 * CALL]),
    "turns": ({"turns": 3}, {"start": "2026-11"}, [30_000 / Decimal(3) * ((2000 + 4500 + 7000) * Decimal("1.20") + 3 * 500 * Decimal("3.60")) / MILLION]),
    "turns with follow-ups": ({"turns": 4, "followup_tokens": 100}, {"start": "2026-11"}, [7500 * ((2000 + 2600 + 3200 + 3800) * Decimal("1.20") + 4 * 500 * Decimal("3.60")) / MILLION]),
    "turns, capped": ({"turns": 2, "max_tokens": 100}, {"start": "2026-11"}, [15_000 * ((2000 + 4100) * Decimal("1.20") + 2 * 100 * Decimal("3.60")) / MILLION]),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "scenario", "usd"), BY_HAND.values(), ids=BY_HAND.keys())
def test_plain_numbers_give_the_hand_computed_bill(changes, scenario, usd):
    """Calendar, growth, cache, cap and turns follow exact decimal arithmetic, to the last digit."""
    assert exact(plain(**changes), "kimi-k2", **scenario) == tuple(usd)


@pytest.mark.parametrize(
    ("changes", "thought", "answer"),
    [({}, 1500, 500), ({"max_tokens": 1800}, 1500, 300), ({"max_tokens": 900}, 900, 0)],
)
def test_reasoning_is_spent_by_the_thinking_model_only(changes, thought, answer):
    """Only the thinking model bills the chain of thought; a cap cuts thought first, then answer."""
    projection = plan(plain(reasoning_tokens=1500, **changes), start="2026-11")
    for model, (prompt, completion) in PRICES.items():
        spent = thought + answer if model == THINKS else min(500, changes.get("max_tokens", 500))
        usd = 30_000 * (2000 * prompt + spent * completion) / MILLION
        assert projection.of(model).exact_usd == (usd,)
        assert projection.of(model).completion_tokens == 30_000 * spent
        expected = 30_000 * thought if model == THINKS else 0
        assert projection.of(model).reasoning_tokens == expected


def test_reasoning_is_dropped_from_the_history():
    """A later turn resends the visible answers of the earlier ones, not their reasoning."""
    workload = plain(turns=3, reasoning_tokens=1500)
    prompt, completion = PRICES[THINKS]
    conversation = (2000 + 4500 + 7000) * prompt + 3 * (500 + 1500) * completion
    assert exact(workload, THINKS, start="2026-11") == (10_000 * conversation / MILLION,)


CATALOG = """
version = "test"
published = "2026-06"
currency = "USD"
source = "card"
[sources.card]
title = "A card of this test"
checked_on = 2026-06-01
"""


@pytest.fixture
def catalog(tmp_path):
    def catalog(*models):
        text = CATALOG
        for values in models:
            stated = {"id": "m"} | values  # no window, so that every call fits
            lines = "".join(
                f"{key} = {value if isinstance(value, int | list) else repr(value)}\n"
                for key, value in stated.items()
            )
            text += f"[[models]]\n{lines}[models.sources]\ncard = {list(stated)}\n"
        path = tmp_path / "catalog.toml"
        path.write_text(text, encoding="utf-8")
        return load_catalog(path)

    return catalog


def priced(prompt="2", completion="3", **more):
    return {"input_usd_per_mtok": prompt, "output_usd_per_mtok": completion} | more


def test_cached_tokens_have_a_price_of_their_own(catalog):
    """The cached share of the prompt is billed at the cached price, the rest at the input price."""
    prices = catalog(priced("0.60", "2.50", cached_input_usd_per_mtok="0.15"))
    projection = plan(plain(cached_share=0.35, turns=2), start="2026-11", catalog=prices)
    prompt = 15_000 * (2000 + 4500)
    usd = (
        prompt * Decimal("0.65") * Decimal("0.60")
        + prompt * Decimal("0.35") * Decimal("0.15")
        + 30_000 * 500 * Decimal("2.50")
    ) / MILLION
    assert projection.of("m").exact_usd == (usd,)
    assert projection.of("m").cached_tokens[0] == pytest.approx(0.35 * prompt)
    assert not any("cached" in note for note in projection.notes)


@pytest.mark.parametrize("missing", ["input", "output"])
def test_a_price_that_is_not_stated_is_not_guessed(catalog, missing):
    """A model without an input or output price cannot be projected, certain or not."""
    prices = priced()
    del prices[f"{missing}_usd_per_mtok"]
    stated = catalog(prices)
    for workload in (plain(), plain(requests_per_day={"p50": 1, "p90": 2})):
        with pytest.raises(PriceNotFoundError, match=f"no {missing} price for 'm'"):
            plan(workload, catalog=stated)


DECIMALS = st.decimals(0, 10_000, places=3)


@given(
    requests=DECIMALS,
    prompt=DECIMALS,
    completion=DECIMALS,
    growth=st.decimals("-0.9", 2, places=4),
    months=st.integers(1, 14),
    first=st.integers(0, 35),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_any_plain_workload_equals_the_formula(requests, prompt, completion, growth, months, first):
    """Days x requests x price x tokens, in exact decimals, for every model and month."""
    workload = plain(
        requests_per_day=requests,
        prompt_tokens=prompt,
        completion_tokens=completion,
        growth_per_month=growth,
    )
    start = date(2027 + first // 12, first % 12 + 1, 1)
    projection = plan(workload, start=start, months=months)
    for model, (input_price, output_price) in PRICES.items():
        call = prompt * input_price + completion * output_price
        for k, usd in enumerate(projection.of(model).exact_usd):
            year, month = divmod(start.month - 1 + k, 12)
            begins = date(start.year + year, month + 1, 1)
            ends = date(start.year + year + (month == 11), (month + 1) % 12 + 1, 1)
            days = (ends - begins).days
            difference = usd - days * requests * (1 + growth) ** k * call / MILLION
            assert abs(difference) <= abs(usd) * Decimal("1e-25")  # of the formula's 28 digits


def lognormal_mean(p50, p90):
    return p50 * math.exp((math.log(p90 / p50) / Z90) ** 2 / 2)


def test_uncertain_traffic_gives_its_own_percentiles_of_spend():
    """With certain sizes spend is proportional to lognormal traffic: quantiles and mean by formula.

    Tolerance 1e-4: the scenarios are stratified, so only the grid of 20,000 shares separates them;
    of 3,000 billion calls, the random number of them is too little to see.
    """
    workload = plain(requests_per_day={"p50": 10**11, "p90": 16 * 10**10})
    spend = plan(workload, start="2026-11", n_paths=20_000).of("kimi-k2")
    closed = stats.lognorm(s=math.log(1.6) / Z90, scale=float(30 * 10**11 * CALL))
    shares = [0.05, 0.1, 0.5, 0.9, 0.95]
    found = [spend.quantile(q)[0] for q in shares]
    assert found == pytest.approx(closed.ppf(shares), rel=1e-4)
    assert spend.mean()[0] == pytest.approx(closed.mean(), rel=1e-4)
    assert spend.requests[0] == pytest.approx(30e8 * lognormal_mean(1000, 1600), rel=1e-4)
    assert spend.exact_usd is None


def test_traffic_times_factors_is_a_product_of_lognormals():
    """Independent factors multiply; the logarithms' variances add. Within 4 standard errors."""
    n = 20_000
    workload = plain(
        requests_per_day={"p50": 1000, "p90": 1600},
        prompt_tokens={"p50": 2000, "p90": 2000, "mean_factor": {"p50": 1, "p90": 1.5}},
        completion_tokens=0,
    )
    spend = plan(workload, start="2026-11", models="kimi-k2", n_paths=n).of("kimi-k2")
    sigma = math.hypot(math.log(1.6), math.log(1.5)) / Z90
    closed = stats.lognorm(s=sigma, scale=30_000 * 2000 * 1.2 / 1e6)
    for q in (0.1, 0.5, 0.9):
        value = closed.ppf(q)
        error = math.sqrt(q * (1 - q) / n) / closed.pdf(value)
        assert spend.quantile(q)[0] == pytest.approx(value, abs=4 * error)
    assert spend.mean()[0] == pytest.approx(closed.mean(), abs=4 * closed.std() / math.sqrt(n))


@pytest.mark.parametrize("followup", [None, 100])
def test_an_uncertain_mean_follows_the_history(followup):
    """The factor on first prompts holds for follow-ups too, unless these have numbers of their own."""
    factor = {"p10": 0.5, "p50": 1, "p90": 3}
    workload = plain(
        prompt_tokens={"p50": 2000, "p90": 2000, "mean_factor": factor},
        completion_tokens=0,
        turns=3,
        followup_tokens=followup,
    )
    spend = plan(workload, start="2026-11").of("kimi-k2")
    for q, scale in ((0.1, 0.5), (0.5, 1), (0.9, 3)):
        added = 2000 * scale if followup is None else followup
        usd = 10_000 * (3 * 2000 * scale + 3 * added) * 1.2 / 1e6
        assert spend.quantile(q)[0] == pytest.approx(usd, rel=1e-3)


def test_uncertain_growth_compounds():
    """Month k has the quantile of growth to the power k, as spend rises with growth."""
    growth = {"p10": 0.01, "p50": 0.05, "p90": 0.15}
    spend = plan(plain(growth_per_month=growth), months=13, start="2026-11").of("kimi-k2")
    for q, rate in ((0.1, 0.01), (0.5, 0.05), (0.9, 0.15)):
        usd = spend.quantile(q)
        assert usd[0] == pytest.approx(float(30_000 * CALL), rel=1e-12)
        assert usd[12] == pytest.approx(float(30_000 * CALL) * (1 + rate) ** 12, rel=1e-3)


def test_an_uncertain_cached_share_is_priced_by_scenario(catalog):
    """The cheaper the cached tokens, the lower the bill: P90 of spend is P10 of the share."""
    prices = catalog(priced("1", "1", cached_input_usd_per_mtok="0.25"))
    workload = plain(cached_share={"p10": 0.2, "p50": 0.5, "p90": 0.6}, completion_tokens=0)
    spend = plan(workload, start="2026-11", catalog=prices).of("m")
    for q, share in ((0.1, 0.6), (0.5, 0.5), (0.9, 0.2)):
        assert spend.quantile(q)[0] == pytest.approx(60 * (1 - 0.75 * share), rel=1e-3)


def capped_mean(p50, p90, cap):
    """Return the closed form of ``E[min(X, cap)]`` for a lognormal X."""
    if cap <= 0:
        return 0.0
    sigma = math.log(p90 / p50) / Z90
    z = math.log(cap / p50) / sigma
    below = lognormal_mean(p50, p90) * stats.norm.cdf(z - sigma)
    return below + cap * stats.norm.sf(z)


@pytest.mark.parametrize("cap", [300, 900, 4096, 16_384])
def test_a_cap_cuts_the_mean_as_the_closed_form_says(cap):
    """Answers, and thoughts with answers, are cut at max_tokens: means by formula, to 0.1%."""
    answer, thought = {"p50": 250, "p90": 700}, {"p50": 900, "p90": 5000}
    workload = plain(completion_tokens=answer, reasoning_tokens=thought, max_tokens=cap)
    projection = plan(workload, start="2026-11", n_paths=100)
    quick = projection.of("kimi-k2").completion_tokens[0] / 30_000
    assert quick == pytest.approx(capped_mean(250, 700, cap), rel=1e-3)
    sigma = math.log(5000 / 900) / Z90
    both = integrate.quad(
        lambda z: (
            stats.norm.pdf(z)
            * (
                min(900 * math.exp(sigma * z), cap)
                + capped_mean(250, 700, cap - 900 * math.exp(sigma * z))
            )
        ),
        *(-8, 8),
        points=[math.log(cap / 900) / sigma],
        limit=200,
    )[0]
    thinking = projection.of(THINKS)
    assert thinking.completion_tokens[0] / 30_000 == pytest.approx(both, rel=1e-3)
    expected = capped_mean(900, 5000, cap)
    assert thinking.reasoning_tokens[0] / 30_000 == pytest.approx(expected, rel=1e-3)


def test_a_cap_under_an_uncertain_mean():
    """In each scenario the cap cuts the scaled answers: the P90 of spend has the P90 of the factor."""
    factor = {"p10": 0.5, "p50": 1, "p90": 2}
    answers = {"p50": 250, "p90": 700, "mean_factor": factor}
    workload = plain(requests_per_day=10_000_000, prompt_tokens=0, completion_tokens=answers, max_tokens=600)  # fmt: skip
    spend = plan(workload, start="2026-11", models="kimi-k2").of("kimi-k2")
    for q, scale in ((0.1, 0.5), (0.5, 1), (0.9, 2)):
        expected = 3e8 * 3.6 / 1e6 * capped_mean(250 * scale, 700 * scale, 600)
        assert spend.quantile(q)[0] == pytest.approx(expected, rel=3e-3)


def test_turns_with_a_spread_are_rounded_to_whole_ones():
    """Turns are a lognormal number rounded, at least 1; the mean prompt follows from their law."""
    workload = plain(turns={"p50": 2.2, "p90": 6}, followup_tokens=100, completion_tokens=50)
    counts = np.arange(1, 3000)
    law = np.diff(stats.lognorm(s=math.log(6 / 2.2) / Z90, scale=2.2).cdf(counts + 0.5), prepend=0)
    turns, pairs = (law * counts).sum(), (law * counts * (counts - 1) / 2).sum()
    prompt = plan(workload, start="2026-11").of("kimi-k2").prompt_tokens[0] / 30_000
    assert prompt == pytest.approx(2000 + pairs / turns * (100 + 50), rel=1e-3)


def draw_lognormal(rng, p50, p90, size):
    return p50 * np.exp(math.log(p90 / p50) / Z90 * rng.standard_normal(size))


def conversations_by_hand(rng, count, mean_turns, thinks):
    """Bill conversations request by request: the history grows by follow-up and visible answer."""
    first = draw_lognormal(rng, 1800, 6000, count)
    prompt_total, completion_total = np.zeros(count), np.zeros(count)
    turns = rng.geometric(1 / mean_turns, count)
    history = first
    for turn in range(1, turns.max() + 1):
        alive = turn <= turns
        if turn > 1:
            history = history + draw_lognormal(rng, 120, 400, count)
        answer = draw_lognormal(rng, 250, 700, count)
        thought = draw_lognormal(rng, 600, 2000, count) if thinks else 0.0
        prompt_total += np.where(alive, history, 0)
        completion_total += np.where(alive, answer + thought, 0)
        history = history + answer
    price = [float(part) for part in PRICES[THINKS if thinks else "kimi-k2"]]
    return (prompt_total * price[0] + completion_total * price[1]) / 1e6


def calls_by_hand(rng, count, spread):
    prompt = draw_lognormal(rng, 2000, 2000 * spread, count)
    completion = draw_lognormal(rng, 500, 500 * spread, count)
    return (prompt * 1.2 + completion * 3.6) / 1e6


def hold_against_brute_force(spend, months, tolerance=4):
    """Compare mean, standard deviation and percentiles in standard errors of both simulations."""
    paths, n, m = spend.usd[0], spend.usd.shape[1], len(months)
    both = math.sqrt(1 / n + 1 / m)
    mean, sd = months.mean(), months.std()
    assert paths.mean() == pytest.approx(mean, abs=tolerance * both * sd)
    fourth = ((months - mean) ** 4).mean() / sd**4
    assert paths.std() == pytest.approx(sd, rel=tolerance * both * math.sqrt((fourth - 1) / 4))
    density = stats.gaussian_kde(months[:4000])
    for q in (0.1, 0.5, 0.9):
        value = np.quantile(months, q)
        error = math.sqrt(q * (1 - q)) * both / density(value).item()
        assert np.quantile(paths, q) == pytest.approx(value, abs=tolerance * error), q


@pytest.mark.parametrize("per_day", [1, 10])
def test_single_calls_add_the_noise_of_a_brute_force_month(per_day):
    """With few calls the month's spread is that of its single calls. Within 4 standard errors."""
    workload = plain(
        requests_per_day=per_day,
        prompt_tokens={"p50": 2000, "p90": 5000},
        completion_tokens={"p50": 500, "p90": 1250},
    )
    n = 10_000
    spend = plan(workload, start="2026-11", models="kimi-k2", n_paths=n).of("kimi-k2")
    rng = np.random.default_rng(11)
    calls = calls_by_hand(rng, n * 30 * per_day, 2.5)
    hold_against_brute_force(spend, calls.reshape(n, -1).sum(axis=1))


@pytest.mark.parametrize("model", ["kimi-k2", THINKS])
def test_conversations_cost_what_brute_force_says(model):
    """Turns with growing history, reasoning dropped, request by request. Within 4 standard errors."""
    workload = Workload(
        name="chat",
        requests_per_day=16,  # 480 calls, 120 conversations in November
        prompt_tokens={"p50": 1800, "p90": 6000},
        followup_tokens={"p50": 120, "p90": 400},
        completion_tokens={"p50": 250, "p90": 700},
        reasoning_tokens={"p50": 600, "p90": 2000},
        turns={"mean": 4},
    )
    n = 5000
    spend = plan(workload, start="2026-11", models=model, n_paths=n).of(model)
    costs = conversations_by_hand(np.random.default_rng(12), n * 120, 4, model == THINKS)
    hold_against_brute_force(spend, costs.reshape(n, -1).sum(axis=1))


def test_each_month_has_the_spread_of_its_own_prices():
    """A month after a change from dear input to dear output is as one in which it always held."""
    workload = {"completion_tokens": {"p50": 200, "p90": 1500}, "requests_per_day": 10}
    change = {"input_usd_per_mtok": "0.01", "output_usd_per_mtok": 100}

    def spend(day, **scenario):
        changed = plain(**workload, price_changes=[{"date": day, **change}])
        return plan(changed, start="2026-12", months=2, models="kimi-k2", **scenario).of("kimi-k2")

    after, always = spend("2027-01-01"), spend("2026-11-01")
    assert np.sort(after.usd[1]) == pytest.approx(np.sort(always.usd[1]), rel=1e-6)
    assert after.usd[0].std() / after.usd[0].mean() < 0.8 * after.usd[1].std() / after.usd[1].mean()


@pytest.mark.parametrize(("per_day", "p90"), [(1, 30_000), (1, 300_000), (0.1, 30_000)])
def test_heavy_tails_do_not_move_the_mean(per_day, p90, catalog):
    """However skewed single calls are, the mean of spend is calls x mean cost, to 1e-6."""
    workload = plain(requests_per_day=per_day, prompt_tokens={"p50": 1000, "p90": p90})
    endless = catalog(priced("1.20", "3.60"))
    spend = plan(workload, start="2026-11", catalog=endless, n_paths=10_000).of("m")
    expected = 30 * per_day * (lognormal_mean(1000, p90) * 1.2 + 500 * 3.6) / 1e6
    assert spend.mean()[0] == pytest.approx(expected, rel=1e-6)
    assert spend.usd.min() >= 0


def test_noise_vanishes_as_traffic_grows():
    """A million calls a day have a hundredth of the relative spread of a hundred a day."""
    sizes = {"prompt_tokens": {"p50": 2000, "p90": 5000}}

    def relative(per_day):
        usd = plan(plain(requests_per_day=per_day, **sizes), models="kimi-k2").of("kimi-k2").usd
        return usd.std() / usd.mean()

    assert relative(1_000_000) == pytest.approx(relative(100) / 100, rel=0.05)


UNCERTAIN = {
    "requests_per_day": {"p10": 60, "p50": 100, "p90": 170},
    "prompt_tokens": {"p50": 1800, "p90": 6000, "mean_factor": {"p50": 1, "p90": 1.3}},
    "completion_tokens": {"p50": 250, "p90": 700},
    "reasoning_tokens": {"p50": 600, "p90": 2000},
    "cached_share": {"mean": 0.3, "sd": 0.1},
    "growth_per_month": {"p10": 0, "p50": 0.05, "p90": 0.1},
    "turns": {"mean": 3},
}


def uncertain(**changes):
    return plain(**UNCERTAIN | changes)


def scaled(value, by):
    return {key: part if key == "mean_factor" else part * by for key, part in value.items()}


@pytest.mark.parametrize(
    "key", ["requests_per_day", "prompt_tokens", "completion_tokens", "reasoning_tokens", "turns"]
)
def test_spend_rises_with_traffic_and_tokens(key):
    """More calls or longer ones cost more at the mean and at every percentile of every month."""
    few = plan(uncertain(), months=3, n_paths=2000)
    many = plan(uncertain(**{key: scaled(UNCERTAIN[key], 1.5)}), months=3, n_paths=2000)
    for model in PRICES:
        free = key == "reasoning_tokens" and model != THINKS
        for q in (0.05, 0.1, 0.5, 0.9, 0.95):
            low, high = few.of(model).quantile(q), many.of(model).quantile(q)
            assert (high == low).all() if free else (high > low).all()


@pytest.mark.parametrize("higher", [priced("3", "3"), priced("2", "4"), priced("9", "9")])
def test_spend_rises_with_prices(catalog, higher):
    """A higher price of any kind raises the mean and every percentile."""
    prices = catalog(priced(id="cheap"), higher | {"id": "dear"})
    projection = plan(uncertain(), catalog=prices, n_paths=2000)
    for q in (0.05, 0.1, 0.5, 0.9, 0.95):
        assert projection.of("dear").quantile(q) > projection.of("cheap").quantile(q)
    assert projection.of("dear").mean() > projection.of("cheap").mean()


def test_spend_adds_over_workloads_and_months():
    """Together, mixed over models and over the horizon, spend is the sum scenario by scenario."""
    parts = [uncertain(name="a"), uncertain(name="b", turns=1), plain(name="c")]
    projection = plan(parts, months=4, n_paths=500)
    for model in PRICES:
        usd = sum(projection.of(model, name).usd for name in "abc")
        assert projection.of(model).usd == pytest.approx(usd, rel=1e-14)
        horizon = projection.of(model).over_months()
        assert horizon.usd[0] == pytest.approx(usd.sum(axis=0), rel=1e-14)
        assert horizon.exact_usd is None
    mixed = projection.mix({"a": "kimi-k2", "c": "kimi-k2-5"})
    two = projection.of("kimi-k2", "a").usd + projection.of("kimi-k2-5", "c").usd
    assert mixed.usd == pytest.approx(two, rel=1e-14)


def test_exact_bills_add_exactly():
    """Sums of plain workloads stay decimals, over workloads and months."""
    third = plain(name="b", requests_per_day=Decimal("0.1"), prompt_tokens=Decimal("0.7"))
    projection = plan([plain(), third], months=2, start="2026-11")
    call = (Decimal("0.7") * Decimal("1.20") + 500 * Decimal("3.60")) / MILLION
    assert projection.of("kimi-k2").exact_usd == (
        30_000 * CALL + 3 * call,
        31_000 * CALL + Decimal("3.1") * call,
    )
    total = projection.of("kimi-k2").over_months().exact_usd
    assert total == (61_000 * CALL + Decimal("6.1") * call,)


def test_percentiles_are_ordered():
    """P10, P50 and P90 never cross, in the months, the totals and the summary."""
    projection = plan(load_workloads(), months=6, n_paths=500)
    for frame in (projection.frame, projection.totals(), projection.summary()):
        assert (frame["p10_usd"] <= frame["p50_usd"]).all()
        assert (frame["p50_usd"] <= frame["p90_usd"]).all()
        assert np.isfinite(frame["mean_usd"]).all()


@pytest.mark.parametrize(
    "changes", [{"requests_per_day": 0}, {"prompt_tokens": 0, "completion_tokens": 0}]
)
def test_nothing_costs_nothing(changes):
    """Zero calls, or calls of no tokens, cost exactly zero, also where other numbers are uncertain."""
    certain = plan(plain(**changes), months=2)
    growing = plain(**changes, growth_per_month={"p50": 0.1, "p90": 0.3})
    for model in PRICES:
        assert certain.of(model).exact_usd == (0, 0)
        assert not plan(growing, months=2).of(model).usd.any()


def test_a_workload_is_not_changed_by_its_neighbours():
    """Adding, dropping or reordering workloads and models leaves the others' scenarios as they are."""
    alone = plan(uncertain(name="a"), models="kimi-k2", n_paths=300)
    more = plan([uncertain(name="b", turns=1), uncertain(name="a")], n_paths=300)
    assert more.of("kimi-k2", "a").usd.tobytes() == alone.of("kimi-k2").usd.tobytes()
    assert more.of("kimi-k2", "b").usd.tobytes() != alone.of("kimi-k2").usd.tobytes()


def test_the_seed_decides_the_scenarios():
    """The same seed gives the same bytes, another seed other ones; plain numbers have none."""

    def drawn(workload, seed):
        return plan(workload, months=2, seed=seed, n_paths=300).of(THINKS).usd.tobytes()

    assert drawn(uncertain(), 7) == drawn(uncertain(), 7)
    assert drawn(uncertain(), 7) != drawn(uncertain(), 8)
    assert drawn(plain(), 7) == drawn(plain(), 8)


def test_scenarios_of_different_workloads_are_independent():
    """Two workloads with the same numbers differ only by name, and their paths do not correlate."""
    projection = plan([uncertain(name="a"), uncertain(name="b")], models="kimi-k2")
    a, b = (projection.of("kimi-k2", name).usd[0] for name in "ab")
    assert abs(np.corrcoef(a, b)[0, 1]) < 4 / math.sqrt(len(a))
    assert a.std() == pytest.approx(b.std(), rel=0.1)


NO_RANGE = (
    "Nothing uncertain is stated, so spend is one number, its range not given; state ranges, or "
    "certainty: {}."
)
MEANS = (
    "No mean_factor is given, so the range does not show that tokens per call may be more or less "
    "on average: {}."
)


@pytest.mark.parametrize(
    ("changes", "models", "said"),
    [
        ({}, "kimi-k2", [NO_RANGE.format("w")]),
        ({"prompt_tokens": {"p50": 1, "p90": 2}}, "kimi-k2", [NO_RANGE.format("w")]),
        ({"growth_per_month": {"p50": 0, "p90": 0.1}}, "kimi-k2", [
            "Traffic is one plain number, so the range does not show that it may differ: w.",
            MEANS.format("w"),
        ]),
        ({"requests_per_day": {"p50": 1, "p90": 2}}, "kimi-k2", [
            "Growth is one plain number, so the range does not show that it may differ: w.",
            MEANS.format("w"),
        ]),
        ({
            "requests_per_day": {"p50": 1, "p90": 2},
            "growth_per_month": {"p50": 0, "p90": 0.1},
            "prompt_tokens": {"p50": 9, "p90": 20, "mean_factor": {"p50": 1, "p90": 1.2}},
        }, "kimi-k2", []),
        ({}, THINKS, [
            NO_RANGE.format("w"),
            "reasoning_tokens is not given and no data tell how much kimi-k2-5-thinking reasons, so spend there is at least what is shown; it ranks after what is known: w.",
        ]),
        ({"reasoning_tokens": 9, "cached_share": 0.5, "turns": 2, "notes": ("half of it",)}, THINKS, [
            NO_RANGE.format("w"),
            "Catalog 2026-06 states no cached-input price for kimi-k2-5-thinking; cached tokens are billed as input: w.",
            "followup_tokens is not given, so each later turn adds as much as the first prompt: w.",
            "w: half of it.",
        ]),
    ],
)  # fmt: skip
def test_notes_say_which_range_is_not_given(changes, models, said):
    """What the range leaves out is said in one sentence each, and nothing that does not apply."""
    assert list(plan(plain(**changes), models=models).notes) == said


def test_what_lies_outside_of_the_plan_is_said():
    """A workload without a day in the plan, or an event without one, is not silently nothing."""
    event = {"name": "sale", "date": "2027-06-01", "factor": 2}
    gone, early = plain(ends_on="2026-01-31"), plain(starts_on="2028-01-01")
    assert plan(gone).notes[1] == (
        "It has traffic only outside of the plan (any day to 2026-01-31), so it costs nothing: w."
    )
    assert "(2028-01-01 to any day), so it costs nothing: w." in plan(early).notes[1]
    said = "These events lie outside of the plan and count for nothing: sale (w)."
    assert said in plan(plain(events=[event]), start="2026-11", months=7).notes
    assert said not in plan(plain(events=[event]), start="2026-11", months=8).notes


def test_a_cached_price_to_come_is_not_denied():
    """Where a price change states a cached price, the note says until when there is none."""
    change = {"date": "2027-01-01", "cached_input_usd_per_mtok": "0.1"}
    workload = plain(cached_share=0.5, price_changes=[change])
    (note,) = [one for one in plan(workload, models="kimi-k2").notes if "cached-input" in one]
    assert note == (
        "Catalog 2026-06 states no cached-input price for kimi-k2; cached tokens are billed as input "
        "until one is given: w."
    )


def test_a_mean_of_turns_that_cannot_be_met_is_said():
    """Rounding to whole turns from 1 upwards changes the mean, and the note says to what."""
    rng = np.random.default_rng(1)
    drawn = draw_lognormal(rng, 1.2, 4, 2_000_000)
    mean = np.clip(np.rint(drawn), 1, 10_000).mean()
    followup = {"followup_tokens": 5, "turns": {"p50": 1.2, "p90": 4}}
    (note,) = [one for one in plan(plain(**followup)).notes if one.startswith("Turns")]
    said = float(note.split("mean is ")[1].split(",")[0])
    assert said == pytest.approx(mean, rel=0.01)
    assert f"not {lognormal_mean(1.2, 4):.4g}: w." in note
    assert not [one for one in plan(plain(turns={"mean": 2, "sd": 9})).notes if "Turns" in one]
    assert not [one for one in plan(plain(turns={"mean": 4})).notes if one.startswith("Turns")]


def test_notes_name_every_workload_they_are_about():
    """Workloads that lack the same range share one sentence."""
    parts = [plain(name="a"), plain(name="b"), plain(name="c", requests_per_day={"p50": 1, "p90": 2})]  # fmt: skip
    assert plan(parts, models="kimi-k2").notes == (
        NO_RANGE.format("a, b"),
        "Growth is one plain number, so the range does not show that it may differ: c.",
        MEANS.format("c"),
    )


@pytest.mark.parametrize(
    ("scenario", "error", "words"),
    [
        ({"months": 0}, SettingError, ["months is 0", "from 1 to 120"]),
        ({"months": 121}, SettingError, ["months is 121", "from 1 to 120"]),
        ({"months": 1.5}, SettingError, ["months is 1.5", "whole number"]),
        ({"months": True}, SettingError, ["months is True", "whole number"]),
        ({"start": "2026-13"}, SettingError, ["start is '2026-13'", "2026-11"]),
        ({"start": date(9999, 6, 1)}, SettingError, ["start is 9999-06", "2099-12"]),
        ({"start": "November"}, SettingError, ["start is 'November'", "2026-11"]),
        ({"start": 202611}, SettingError, ["start is 202611", "2026-11"]),
        ({"start": "2026-11-01"}, SettingError, ["start is '2026-11-01'", "2026-11"]),
        ({"seed": -1}, SettingError, ["seed is -1", "from 0"]),
        ({"seed": 1.0}, SettingError, ["seed is 1.0", "whole number"]),
        ({"seed": None}, SettingError, ["seed is None", "whole number"]),
        ({"n_paths": 99}, SettingError, ["n_paths is 99", "from 100"]),
        ({"n_paths": 10**7}, SettingError, ["n_paths is 10000000", "1000000"]),
        ({"models": "kimi-k9"}, UnknownModelError, ["'kimi-k9'", "2026-06 has kimi-k2-5"]),
        ({"models": ["kimi-k2", "kimi-k2.5"]}, UnknownModelError, ["Did you mean 'kimi-k2-5'?"]),
        ({"models": []}, SettingError, ["No models", "at least one"]),
        ({"as_of": date(2026, 5, 31)}, PriceNotFoundError, ["no price for 2026-05-31", "2026-06", "later"]),
        ({"as_of": "2026-13-24"}, SettingError, ["as_of is '2026-13-24'", "datetime.date"]),
        ({"as_of": pd.NaT}, SettingError, ["as_of is NaT", "datetime.date"]),
        ({"workloads": []}, SettingError, ["No workloads", "at least one"]),
        ({"workloads": [plain(), plain()]}, SettingError, ["Two workloads", "w, w", "unique"]),
        ({"workloads": 3}, SettingError, ["3", "path of a workload file"]),
        ({"workloads": ["w"]}, SettingError, ["'w'", "path of a workload file"]),
        ({"workloads": [PLAIN]}, SettingError, ["{'name': 'w'", "Workload"]),
    ],
)  # fmt: skip
def test_a_bad_scenario_is_one_clear_error(scenario, error, words):
    """Each argument out of bounds is one line with the value and what is allowed."""
    with pytest.raises(error) as caught:
        plan(**{"workloads": plain()} | scenario)
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_a_projection_refuses_what_it_does_not_hold():
    """Unknown names, quantiles out of bounds and an empty choice are one clear error each."""
    projection = plan(plain(), models="kimi-k2")
    for ask, words in [
        (lambda: projection.of("kimi-k2", "v"), ["'v'", "w on kimi-k2"]),
        (lambda: projection.of("kimi-k2-5"), ["'kimi-k2-5'", "w on kimi-k2"]),
        (lambda: projection.budget("v"), ["'v'", "w"]),
        (lambda: projection.mix({}), ["empty", "at least one workload"]),
        (lambda: projection.quantile(1.1), ["quantile is 1.1", "between 0 and 1"]),
        (lambda: projection.quantile([0.5, math.nan]), ["quantile is nan", "between 0 and 1"]),
        (lambda: projection.quantile("half"), ["quantile is 'h'", "between 0 and 1"]),
    ]:
        with pytest.raises(SettingError) as caught:
            ask()
        for word in words:
            assert word in str(caught.value)


def test_months_follow_the_calendar():
    """The first month is the one given, or else the one after as_of; years turn over."""
    assert month_range(None, 2, date(2026, 11, 30)) == (Month(2026, 12), Month(2027, 1))
    assert [str(month) for month in month_range("2099-12", 2, AS_OF)] == ["2099-12", "2100-01"]
    assert [Month(2026, m).days for m in range(1, 13)] == [
        31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31,
    ]  # fmt: skip
    assert [Month(year, 2).days for year in (2000, 2027, 2028, 2100)] == [29, 28, 29, 28]
    covered = month_range("2026-01", 120, AS_OF)
    assert all(a < b for a, b in pairwise(covered))
    assert sum(month.days for month in covered) == (date(2036, 1, 1) - date(2026, 1, 1)).days


def test_the_summary_is_about_the_whole_horizon():
    """Totals, averages per month, budget and the chance that some month exceeds it, by hand."""
    traffic = {"p50": 1000, "p90": 1600}
    workload = plain(requests_per_day=traffic, budget_usd_per_month=170)
    projection = plan(workload, months=2, start="2026-11", models="kimi-k2", n_paths=20_000)
    (row,) = projection.summary().to_dict("records")
    sigma = math.log(1.6) / Z90
    assert row["p90_usd"] == pytest.approx(61 * float(CALL) * 1600, rel=1e-3)
    assert row["p90_usd_per_month"] == pytest.approx(30.5 * float(CALL) * 1600, rel=1e-3)
    chance = stats.norm.sf(math.log(170 / (31_000 * float(CALL))) / sigma)  # December is the dearer
    assert row["chance_over_budget"] == pytest.approx(chance, abs=1e-3)
    assert row["budget_usd_per_month"] == 170
    assert math.isnan(plan(plain(), models="kimi-k2").summary()["chance_over_budget"][0])


def test_a_model_on_which_nothing_is_uncertain_has_an_exact_bill():
    """Uncertain reasoning, or an uncertain cached share without a price, leave plain bills exact."""
    workload = plain(
        reasoning_tokens={"p50": 900, "p90": 3000}, cached_share={"p50": 0.3, "p90": 0.4}
    )
    projection = plan(workload, start="2026-11")
    for model, (prompt, completion) in PRICES.items():
        usd = 30_000 * (2000 * prompt + 500 * completion) / MILLION
        assert projection.of(model).exact_usd == (None if model == THINKS else (usd,))
    cached = projection.of("kimi-k2").cached_tokens[0]
    assert cached == pytest.approx(30_000 * 2000 * 0.3, rel=1e-3)
    assert not projection.of(THINKS).is_ranged  # sizes differ between calls; no mean is uncertain


def test_long_conversations_of_uncertain_length_stay_bounded():
    """A few absurdly long conversations neither exhaust memory nor make spend infinite."""
    workload = plain(turns={"p50": 2, "p90": 9000}, followup_tokens=1)
    spend = plan(workload, models="kimi-k2", n_paths=100).of("kimi-k2")
    assert np.isfinite(spend.usd).all()


def test_the_average_month_is_that_of_the_summary():
    """Its quantiles are the summary's; those of a certain spend are all the same."""
    projection = project(load_workloads(), 3, "2026-12", "kimi-k2", date(2026, 11, 24), n_paths=200)
    found = projection.average_month([0.1, 0.5, 0.9], "kimi-k2")
    row = projection.summary(together=True).iloc[0]
    assert found.tolist() == [row[f"p{share}_usd_per_month"] for share in (10, 50, 90)]
    with pytest.raises(SettingError, match="no workload 'v'"):
        projection.average_month([0.5], "kimi-k2", "v")
    certain = projection.average_month([0.1, 0.9], "kimi-k2", "draft-generation")
    assert certain[0] == certain[1]


@pytest.mark.parametrize(("p90", "said"), [(14, True), (12, False)])
def test_turns_that_are_no_mean_of_whole_turns_are_said(p90, said):
    """Whole turns have a mean 1.0% above that of the range, and 0.9% above."""
    chat = plain(turns={"p50": 3, "p90": p90}, followup_tokens=10)
    assert said is any("Turns are whole" in one for one in plan(chat).notes)


def moving(correlation: object, sigma: float = 2.0) -> list[Workload]:
    """Return two workloads whose levels are lognormal."""
    level = {"p50": 1_000, "p90": 1_000 * sigma}
    return [
        Workload(
            name=name,
            requests_per_day=level,
            prompt_tokens=1_000,
            completion_tokens=100,
            correlation=correlation,
        )
        for name in ("a", "b")
    ]


def levels(workloads: list[Workload]) -> np.ndarray:
    """Return the normal scores of their spend in one month, a row for each."""
    found = plan(workloads, models="kimi-k2", n_paths=20_000)
    usd = np.array([found.of("kimi-k2", one.name).usd[0] for one in workloads])
    return np.log(usd)


@pytest.mark.parametrize("correlation", [0.3, 0.8])
def test_workloads_move_together_as_far_as_is_said(correlation: float) -> None:
    """Scores of lognormal levels have the correlation that is stated, each its own law."""
    together, apart = levels(moving(correlation)), levels(moving(0))
    assert np.corrcoef(together)[0, 1] == pytest.approx(correlation, abs=0.02)
    assert np.corrcoef(apart)[0, 1] == pytest.approx(0, abs=0.02)
    for one, other in zip(together, apart, strict=True):
        assert np.quantile(one, [0.1, 0.5, 0.9]) == pytest.approx(np.quantile(other, [0.1, 0.5, 0.9]), rel=1e-3)  # fmt: skip


def test_workloads_that_move_as_one_add_their_quantiles() -> None:
    """With a correlation of 1 the P90 of the sum is the sum of the P90s."""
    one = plan(moving(1), models="kimi-k2", n_paths=20_000)
    parts = [one.of("kimi-k2", name).quantile(0.9)[0] for name in "ab"]
    assert one.of("kimi-k2").quantile(0.9)[0] == pytest.approx(sum(parts), rel=1e-3)
    alone = plan(moving(0), models="kimi-k2", n_paths=20_000)
    assert alone.of("kimi-k2").quantile(0.9)[0] < 0.95 * sum(parts)


@pytest.mark.parametrize("value", [-0.1, 1.5, "half", None, True])
def test_a_correlation_is_a_share(value: object) -> None:
    """What is none is refused with its bounds."""
    with pytest.raises(WorkloadError, match="correlation"):
        moving(value)
