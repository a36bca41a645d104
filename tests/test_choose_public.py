"""Published results as weak evidence: the fit, what it is worth, and how own trials outweigh it."""

import re
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit, logit

from kimi_planner import Workload, load_catalog
from kimi_planner.choose import (
    cost_per_success,
    read_evaluations,
    read_public_results,
)
from kimi_planner.choose.evaluations.rates import success_rates
from kimi_planner.choose.evaluations.token_use import token_use
from kimi_planner.errors import EvaluationError

LINE_UP = load_catalog("2026-11-public-3")
CARD = load_catalog("2026-06")


def published(rows, **changes):
    """Return results of rows of test, model, items and percent solved."""
    fields = {
        "agent": "agent",
        "usd_per_item": "",
        "input_usd_per_mtok": "",
        "output_usd_per_mtok": "",
        "seconds_per_item": None,
        "reported_by": "others",
        "read_on": "2026-11-29",
        "source": "https://example.org",
    }
    frame = pd.DataFrame(rows, columns=["benchmark", "models", "items", "solved_percent"])
    frame["published_as"] = frame["models"]
    return read_public_results(frame.assign(**fields | changes))


def own(*rows):
    """Return evaluations of rows of model, successes and trials."""
    frame = pd.DataFrame(rows, columns=["model", "successes", "trials"])
    return read_evaluations(frame.assign(workload="w"))


def specs(*models, catalog=LINE_UP):
    return [catalog.model(model) for model in models]


#: Rates that are additive on the scale of log odds: three tests, three models, two of them missing.
LEVELS, STRENGTHS = {"a": -1.0, "b": 0.3, "c": 1.2}, {"x": 0.5, "y": 0.0, "z": -0.5}
ADDITIVE = [
    (test, model, 1_000_000, f"{100 * expit(level + strength):.6f}")
    for test, level in LEVELS.items()
    for model, strength in STRENGTHS.items()
    if (test, model) not in {("a", "z"), ("c", "x")}
]


def test_models_are_compared_on_the_tests_that_they_share():
    """An additive law with holes is found again, though the mean rates rank the models otherwise."""
    effects = published(ADDITIVE).effects
    for one, other in (("x", "y"), ("y", "z")):
        gap = effects.models[one] - effects.models[other]
        assert gap == pytest.approx(STRENGTHS[one] - STRENGTHS[other], abs=0.03)
    assert effects.tests["b", "agent"] - effects.tests["a", "agent"] == pytest.approx(1.3, abs=0.03)


def test_the_worth_of_a_result_is_the_least_that_its_misses_allow():
    """Against a grid of laws of another implementation, on predictions made again in the test.

    Each test counts once; of the 90% interval of the likelihood the lower end is taken.
    """
    public = read_public_results()
    held = {"alone": [], "beside": []}
    for test in {one.test for one in public.results}:
        rest = [one for one in public.results if one.test != test]
        there = [one for one in public.results if one.test == test]
        models, tests = (list(dict.fromkeys(pick)) for pick in ([o.models for o in rest], [o.test for o in rest]))  # fmt: skip
        rows = np.array(
            [
                [1.0 * (one.test == t) for t in tests] + [1.0 * (one.models == m) for m in models]
                for one in rest
            ]
        )
        shrink = np.vstack([rows, np.hstack([np.zeros((len(models), len(tests))), 0.05**0.5 * np.eye(len(models))])])  # fmt: skip
        odds = {one: float(logit((one.items * one.solved_percent / 100 + 0.5) / (one.items + 1))) for one in public.results}  # fmt: skip
        fit = np.linalg.lstsq(shrink, np.array([odds[one] for one in rest] + [0.0] * len(models)))[
            0
        ]
        strength = dict(zip(models, fit[len(tests) :], strict=True))
        for one in there:
            if one.models not in strength:
                continue
            rate = float(expit(fit[: len(tests)] + strength[one.models]).mean())
            held["alone"].append((one, rate))
            others = [
                odds[o] - strength[o.models] for o in there if o is not one and o.models in strength
            ]
            if others:
                rate = float(expit(np.mean(others) + strength[one.models]))
                held["beside"].append((one, rate))
    grid = np.exp(np.linspace(0, 4, 2001))
    for found, pairs in zip(public.weights, held.values(), strict=True):
        count = Counter(one.test for one, _ in pairs)
        logs = sum(
            stats.betabinom.logpmf(
                round(one.items * one.solved_percent / 100),
                one.items,
                grid * rate,
                grid * (1 - rate),
            )
            / count[one.test]
            for one, rate in pairs
        )
        least = grid[logs >= logs.max() - stats.chi2.ppf(0.9, 1) / 2][0]
        assert found == pytest.approx(least, rel=0.03)


def test_intervals_that_rest_on_published_results_hold_what_was_left_out():
    """Each benchmark in turn is the team's own workload: 90% intervals hold its rates, with and without trials.

    By the results of the other benchmarks alone, with 30 trials of the model, and with 50 of the other
    models in it. Few benchmarks make the shares rough: 31, 31 and 26 rates, in part 20 draws of each.
    """
    public, rng = read_public_results(), np.random.default_rng(4)
    held = {"published": [], "own": [], "others": []}
    for test in public.effects.tests:
        rest = replace(public, results=tuple(r for r in public.results if r.test != test))
        there = [r for r in public.results if r.test == test and r.models[0] in rest.effects.models]
        for row, way in product(there, held):
            true, model = row.solved_percent / 100, row.models[0]
            others = [other for other in there if other is not row]
            if way == "others" and not others:
                continue
            for _ in range(1 if way == "published" else 20):
                tried = {"own": [(row, 30)], "others": [(other, 50) for other in others]}
                rows = [
                    (one.models[0], rng.binomial(count, one.solved_percent / 100), count)
                    for one, count in tried.get(way, [])
                ]
                evaluations = own(*rows) if rows else None
                rate = success_rates("w", specs(*(one.models[0] for one in there)), evaluations, rest)[model]  # fmt: skip
                held[way].append(rate.interval(0.9)[0] <= true <= rate.interval(0.9)[1])
    shares = {way: np.mean(some) for way, some in held.items()}
    assert len(held["published"]) == 31
    assert all(0.87 <= share <= 0.93 for share in shares.values()), shares


def test_published_results_count_as_a_handful_of_items():
    """Tests differ so much that 500 published items are worth few of one's own; more beside others."""
    alone, beside = read_public_results().weights
    assert 2 < alone < 5
    assert alone < beside < 10
    sure = published([(t, m, 100, 50) for t in "abcd" for m in "xyz"])
    assert min(sure.weights) > 10 * beside  # results that never miss are taken at their word


def test_own_trials_alone_have_jeffreys_law():
    """Without published results nothing changes: Beta(s + ½, n - s + ½)."""
    rate = success_rates("w", specs("kimi-k2.6"), own(("kimi-k2.6", 31, 40)))["kimi-k2.6"]
    law = stats.beta(31.5, 9.5)
    assert (rate.alpha, rate.beta, rate.public_items) == (31.5, 9.5, 0)
    assert rate.interval(0.9) == pytest.approx(law.ppf([0.05, 0.95]), rel=1e-9)
    assert rate.draws(1000) == pytest.approx(law.ppf((np.arange(1000) + 0.5) / 1000), rel=1e-9)
    assert rate.source == "31 of 40 tasks in evaluations"


def test_own_trials_outweigh_published_results_as_they_grow():
    """The mean moves from the published rate to the measured one by w / (w + n), exactly."""
    public = read_public_results()
    prior = success_rates("w", specs("kimi-k2.5"), public=public)["kimi-k2.5"]
    weight = Fraction(prior.alpha) + Fraction(prior.beta)
    assert float(weight) == pytest.approx(public.weights[0], rel=1e-12)
    for trials in (10, 100, 1000):
        found = success_rates("w", specs("kimi-k2.5"), own(("kimi-k2.5", 0, trials)), public)["kimi-k2.5"]  # fmt: skip
        share = weight / (weight + trials)
        assert found.mean == pytest.approx(float(share * Fraction(prior.mean)), rel=1e-12)
        assert found.source.index(f"0 of {trials:,} tasks") < found.source.index("published")


def test_trials_of_other_models_tell_how_hard_the_tasks_are():
    """A model that was not tried moves with one that was, by the published difference of the two."""
    public = published(ADDITIVE)
    catalog = [type("Spec", (), {"id": m, "reasoning_depth": None, "speed": None}) for m in "xyz"]
    for solved in (100, 800):
        found = success_rates("w", catalog, own(("y", solved, 1000)), public)
        expected = expit(logit((solved + 0.5) / 1001) + 0.5)
        assert found["x"].mean == pytest.approx(expected, abs=0.01)
        assert found["x"].public_items > public.weights[0]


def test_what_nobody_measured_is_a_judgement_and_has_no_rate():
    """Ratings are named as what they are; no rate is made of them, and none without them."""
    found = success_rates("w", specs("kimi-k2-5", catalog=CARD), public=read_public_results())
    rate = found["kimi-k2-5"]
    assert rate.is_judgement
    assert (rate.mean, rate.interval(0.9), rate.draws(5)) == (None, None, None)
    assert "reasoning depth" in rate.source
    assert "a judgement" in rate.source
    rate = success_rates("w", specs("kimi-k3"), public=read_public_results())["kimi-k3"]
    assert rate.source.endswith("none")


def test_shipped_results_are_of_models_that_catalogs_have():
    """Both catalogs have published results, each row has a source, and the counts can be."""
    public = read_public_results()
    known = {*LINE_UP.ids, *CARD.ids}
    for one in public.results:
        assert known.issuperset(one.models)
        assert re.fullmatch(r"https://\S+", one.source)
    assert {"kimi-k2.5", "kimi-k2.6", "kimi-k2-5-thinking"} <= public.effects.models.keys()
    counted = {"kimi-k2.6": 123, "kimi-k2.5": 105, "kimi-k2-thinking": 72}  # item by item
    for model, solved in counted.items():
        [row] = [one for one in public.of(model) if one.benchmark == "GAIA"]
        assert round(row.items * row.solved_percent / 100) == solved


BAD = {
    "no column": ({"drop": "agent"}, "no column 'agent'"),
    "unknown column": ({"rate": 1}, "unknown column 'rate'"),
    "no name": ({"source": " "}, "row 1: source is empty"),
    "items": ({"items": "0"}, "row 1: items is '0'"),
    "percent": ({"solved_percent": "101"}, "row 1: solved_percent is '101'"),
    "negative": ({"usd_per_item": "-1"}, "row 1: usd_per_item is '-1'"),
    "day": ({"read_on": "29.11.2026"}, "row 1: read_on is '29.11.2026'"),
    "reporter": ({"reported_by": "me"}, "row 1: reported_by is 'me'"),
}


@pytest.mark.parametrize(("changes", "message"), BAD.values(), ids=BAD.keys())
def test_bad_rows_of_published_results_are_named(changes, message):
    """One line with the place, the column and the value."""
    row = {
        "benchmark": "b", "agent": "a", "published_as": "m", "models": "m", "items": "5",
        "solved_percent": "50", "usd_per_item": "1", "input_usd_per_mtok": "", "output_usd_per_mtok": "", "seconds_per_item": "1", "reported_by": "maker",
        "read_on": "2026-11-29", "source": "s",
    }  # fmt: skip
    changes = dict(changes)
    row.pop(changes.pop("drop", ""), None)
    with pytest.raises(EvaluationError, match=message) as caught:
        read_public_results(pd.DataFrame([row | changes]))
    assert "\n" not in str(caught.value)


def test_a_result_that_stands_twice_is_refused():
    """The same model on the same test by the same agent counts once."""
    with pytest.raises(EvaluationError, match="row 2: m on b by agent stands twice"):
        published([("b", "m", 5, 50), ("b", "m", 5, 60)])
    with pytest.raises(EvaluationError, match="no results"):
        published([])


def test_published_costs_tell_how_many_tokens_models_need():
    """Ratios of cost over those of prices, as published: 4.6, 2.9 and 1.8 on three benchmarks."""
    public = read_public_results()
    rows = {(one.published_as, one.test): one for one in public.results}
    expected = {"SWE-bench Verified": 4.6, "SWT-bench Verified": 2.94, "GAIA": 1.8}
    for benchmark, ratio in expected.items():
        test = (benchmark, "OpenHands")
        thinking, plain = rows["Kimi-K2-Thinking", test], rows["Kimi-K2.5", test]
        assert thinking.usd_per_item / plain.usd_per_item == pytest.approx(ratio, rel=0.01)
        prices = (0.60 * 2.50) ** 0.5 / (0.60 * 3.00) ** 0.5
        tokens = np.exp(thinking.log_tokens - plain.log_tokens)
        assert tokens == pytest.approx(ratio / prices, rel=0.01)
    effects = public.token_effects.models
    assert 1.5 < np.exp(effects["kimi-k2-thinking"] - effects["kimi-k2.5"]) < 3
    law = [(t, m, 100, 50) for t in "abc" for m in "xy"]
    exact = published(law, usd_per_item=[1, 2, 3, 6, 5, 10], input_usd_per_mtok=1, output_usd_per_mtok=4)  # fmt: skip
    gap = exact.token_effects.models["y"] - exact.token_effects.models["x"]
    assert np.exp(gap) == pytest.approx(2, rel=0.02)
    assert exact.token_error < 0.05


SWE = {"requests_per_day": 100, "prompt_tokens": 20_000, "completion_tokens": 600}

SOLVED = {"kimi-k2.5": 344, "kimi-k2-thinking": 346, "kimi-k2-5": 350, "kimi-k2": 340}


def per_success(*models, catalog="2026-11-public-3", **changes):
    workload = Workload(name="w", **SWE | {"reasoning_tokens": 2_000} | changes)
    tried = own(*((model, SOLVED[model], 500) for model in models))
    return cost_per_success(workload, tried, models=models, catalog=catalog, months=1)


def test_equal_tokens_never_settle_what_published_costs_deny():
    """At the successes of SWE-bench, 346 against 344 of 500, the thinking model is not the cheaper."""
    found = per_success("kimi-k2.5", "kimi-k2-thinking", value_usd_per_success="0.05")
    costs = {row.model: row for row in found.rows}
    assert found.best == {"w": "kimi-k2.5"}
    assert 0.02 < costs["kimi-k2-thinking"].chance_best < 0.4
    ratio = costs["kimi-k2-thinking"].cost_per_task_usd / costs["kimi-k2.5"].cost_per_task_usd
    assert 1.8 < ratio < 4.6
    assert any("2.1 times (1 to 4.4) the tokens that are stated, as those of kimi-k2.5" in said for said in found.notes)  # fmt: skip


def test_the_factor_on_tokens_is_lognormal_around_the_published_ratio():
    """Its mean is median x exp(s²/2), for the spread that left-out benchmarks show."""
    [thinking] = specs("kimi-k2-thinking")
    use = token_use(Workload(name="w", **SWE, reasoning_tokens=9), thinking)
    drawn = use.draws(20_000, np.random.default_rng(0))
    assert drawn.mean() == pytest.approx(use.factor * np.exp(use.error**2 / 2), rel=0.01)
    assert np.quantile(drawn, [0.1, 0.9]) == pytest.approx(use.range, rel=0.01)


def test_stated_tokens_are_those_of_the_model_that_a_workload_names():
    """Then the other one needs fewer by the same ratio; a catalog's own reasoning is not doubled."""
    plain, thinking = specs("kimi-k2.5", "kimi-k2-thinking")
    usual = token_use(Workload(name="w", **SWE, reasoning_tokens=9), thinking)
    named = Workload(name="w", **SWE, reasoning_tokens=9, model="kimi-k2-thinking")
    assert token_use(named, thinking) is None
    assert token_use(named, plain).factor == pytest.approx(1 / usual.factor, rel=1e-12)
    measured = Workload(name="w", **SWE, reasoning_tokens=9, tokens_of="kimi-k2-thinking")
    assert token_use(measured, plain) == token_use(named, plain)
    log = pd.DataFrame(
        {"model": "kimi-k2-thinking", "prompt_tokens": [9, 9], "completion_tokens": 5}
    )
    assert Workload.from_usage(log, name="w", requests_per_day=1).tokens_of == "kimi-k2-thinking"
    mixed = log.assign(model=["kimi-k2-thinking", "kimi-k2.5"])
    assert Workload.from_usage(mixed, name="w", requests_per_day=1).tokens_of is None
    assert token_use(Workload(name="w", **SWE), thinking) is None


def test_one_count_of_tokens_for_all_models_is_said_to_be_an_assumption():
    """Where nothing published compares the models; not where the items tell what they cost."""
    found = per_success("kimi-k2-5", "kimi-k2", catalog="2026-06")
    assert any("are taken to need the same tokens" in said and "up to 6.0 times" in said for said in found.notes)  # fmt: skip
    items = pd.DataFrame(
        {
            "workload": "w",
            "model": np.repeat(["kimi-k2-5", "kimi-k2"], 4),
            "item": [*range(4)] * 2,
            "success": [1, 0, 1, 1, 1, 0, 0, 1],
            "cost_usd": ["0.10", "0.30", "0.20", "0.20", "0.1", "0.1", "0.1", "0.1"],
        }
    )
    workload = Workload(name="w", **SWE)
    found = cost_per_success(workload, read_evaluations(items), models=["kimi-k2-5", "kimi-k2"], months=1)  # fmt: skip
    assert [row.cost_per_task_usd for row in found.rows] == pytest.approx([0.1, 0.2])
    assert not any("same tokens" in said for said in found.notes)
    for model in ("kimi-k2-5", "kimi-k2"):
        said = f"w: a task costs what its items were billed on {model}, at the prices of that time."
        assert said in found.notes
