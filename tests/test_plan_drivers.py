"""Sensitivity against plain Monte Carlo, closed forms of lognormals, and hand arithmetic."""

import math
from datetime import date

import numpy as np
import pytest
from scipy import stats

from kimi_planner import project
from kimi_planner.errors import SettingError, UnknownModelError
from kimi_planner.plan import sensitivity
from kimi_planner.plan.drivers import REMAINDER
from kimi_planner.workload import Workload, load_workloads

AS_OF = date(2026, 11, 1)
Z90 = stats.norm.ppf(0.9)
PRODUCT = {
    "name": "w",
    "requests_per_day": {"p50": 10**9, "p90": 16 * 10**8},
    "prompt_tokens": {"p50": 2000, "p90": 2000, "mean_factor": {"p50": 1, "p90": 1.5}},
    "completion_tokens": 0,
    "retry_share": 0,
}


def of(workloads, model="kimi-k2", **scenario):
    return sensitivity(workloads, model, **{"as_of": AS_OF, "months": 3} | scenario)


def shares(result):
    return {
        (row["workload"], row["input"]): row["variance_share"]
        for row in result.frame.to_dict("records")
    }


def factor(p90):
    return {"mean_factor": {"p10": 0.75, "p50": 1, "p90": p90}}


#: Eight uncertain numbers of one bill; the first ``n`` of them are asked about.
UNCERTAIN = {
    "requests_per_day": {"p10": 6e8, "p50": 9e8, "p90": 15e8},
    "growth_per_month": {"p10": 0.0, "p50": 0.05, "p90": 0.12},
    "reasoning_tokens.mean_factor": {"p50": 2500, "p90": 2500} | factor(1.33),
    "prompt_tokens.mean_factor": {"p50": 6000, "p90": 6000} | factor(1.5),
    "completion_tokens.mean_factor": {"p50": 600, "p90": 600} | factor(2.5),
    "retry_share": {"p10": 0.01, "p50": 0.1, "p90": 0.4},
    "events.sale": {"p10": 1.0, "p50": 3.0, "p90": 9.0},
    "prices": {"p10": 0.7, "p50": 0.9, "p90": 1.0},
}


def by_input(result):
    return dict(zip(result.frame["input"], result.frame["variance_share"], strict=True))


def uncertain_of(workload):
    quantities = workload.resolve().quantities()
    return {name: one for name, one in quantities.items() if not one.is_certain}


def with_uncertain(count):
    """Return a workload of which so many numbers are uncertain, in the order of `UNCERTAIN`."""
    fields = {"requests_per_day": 9e8, "prompt_tokens": 6000, "completion_tokens": 600, "reasoning_tokens": 2500}  # fmt: skip
    for key, given in list(UNCERTAIN.items())[:count]:
        if key == "events.sale":
            fields["events"] = [{"name": "sale", "from": "2027-01-10", "to": "2027-02-08", "factor": given}]  # fmt: skip
        elif key == "prices":
            fields["price_changes"] = [{"date": "2027-03-01", "factor": given}]
        else:
            fields[key.removesuffix(".mean_factor")] = given
    return Workload(name="w", **fields)


def billed(drawn):
    """Return the bill of a year from November 2026, by hand, at any values of its numbers."""

    def factor_of(key):
        return drawn.get(f"{key}_tokens.mean_factor", 1)

    call = (
        6000 * factor_of("prompt") * 3.5
        + (600 * factor_of("completion") + 2500 * factor_of("reasoning")) * 10.5
    ) * (1 + drawn.get("retry_share", 0))
    changes = [one for name, one in drawn.items() if name.startswith("price")]
    usual = (30, 31, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31)
    sale = (0, 0, 22, 8)
    usd = 0
    for month, days in enumerate(usual):
        special = sale[month] if month < len(sale) else 0
        weighted = days + special * (drawn.get("events.sale", 1) - 1)
        price = changes[0] if changes and month >= 4 else 1
        level = (
            drawn.get("requests_per_day", 9e8) * (1 + drawn.get("growth_per_month", 0.0)) ** month
        )
        usd = usd + level * weighted * call * price
    return usd


@pytest.mark.parametrize("count", [2, 3, 5, 8])
def test_shares_as_plain_monte_carlo_says(count):
    """Of two to eight numbers, within four standard errors of independent draws of the bill.

    What one number explains is the covariance of two bills that share it and nothing else.
    """
    workload = with_uncertain(count)
    found = by_input(of(workload, "kimi-k2-5-thinking", months=12, start="2026-11"))
    quantities = uncertain_of(workload)
    assert len(quantities) == count
    rng = np.random.default_rng(count)
    size = 400_000

    def draw():
        return {name: one.ppf(rng.random(size)) for name, one in quantities.items()}

    first, second = draw(), draw()
    usd = billed(first)
    off = usd - usd.mean()
    for name in quantities:
        other = billed(second | {name: first[name]})
        products = off * (other - usd.mean()) / usd.var()
        error = products.std() / math.sqrt(size)
        assert found[name] == pytest.approx(products.mean(), abs=4 * error)


def test_shares_of_the_example_are_not_more_than_all():
    """Level, growth and reasoning of a reasoning model: shares once summed to 1.26, unseen."""
    (workload,) = [one for one in load_workloads() if one.name == "coding-assistant"]
    for seed in range(3):
        found = shares(of(workload, "kimi-k2-5-thinking", months=12, seed=seed))
        assert found[workload.name, "reasoning_tokens.mean_factor"] < 0.03
        assert found["all", REMAINDER] > 0.03  # level and growth multiply
        assert sum(found.values()) == pytest.approx(1)


def test_the_estimator_is_that_of_scipy():
    """On the same points, the indices of `scipy.stats.sobol_indices`."""
    workload = with_uncertain(3)
    found = by_input(of(workload, "kimi-k2-5-thinking", months=12, start="2026-11", seed=4))
    quantities = uncertain_of(workload)
    indices = stats.sobol_indices(
        func=lambda values: billed(dict(zip(quantities, values, strict=True))),
        n=2**14,
        dists=list(quantities.values()),
        rng=4,
    )
    for name, index in zip(quantities, indices.first_order, strict=True):
        assert found[name] == pytest.approx(index, abs=1e-6)


def test_shares_of_a_sum_have_a_closed_form():
    """Factors on prompt, answer and reasoning at a certain number of calls only add up."""
    parts = {  # tokens, price, P90 of the factor on their mean
        "prompt_tokens": (6000, 3.5, 1.2),
        "completion_tokens": (600, 10.5, 2),
        "reasoning_tokens": (2500, 10.5, 1.1),
    }
    workload = Workload(
        name="w",
        requests_per_day=10**6,
        **{
            key: {"p50": tokens, "p90": tokens, "mean_factor": {"p50": 1, "p90": p90}}
            for key, (tokens, _, p90) in parts.items()
        },
    )
    found = shares(of(workload, "kimi-k2-5-thinking"))
    variances = {}
    for key, (tokens, price, p90) in parts.items():
        square = (math.log(p90) / Z90) ** 2
        variances[key] = (tokens * price) ** 2 * math.exp(square) * math.expm1(square)
    for key, variance in variances.items():
        share = variance / sum(variances.values())
        assert found["w", f"{key}.mean_factor"] == pytest.approx(share, abs=0.003)
    assert found["all", REMAINDER] == pytest.approx(0, abs=0.003)


def test_shares_of_workloads_that_share_a_price():
    """A price change moves all workloads at once: the variance of a product with their sum."""
    change = [{"date": "2026-11-01", "factor": {"p50": 1, "p90": 1.3}}]
    levels = {"a": 1.2, "b": 1.5, "c": 1.7}
    parts = [
        Workload(
            name=name,
            requests_per_day={"p50": 10**9, "p90": p90 * 10**9},
            prompt_tokens=2000,
            completion_tokens=0,
            price_changes=change,
        )
        for name, p90 in levels.items()
    ]
    found = shares(of(parts, start="2026-11"))
    squares = {name: (math.log(p90) / Z90) ** 2 for name, p90 in levels.items()}
    means = {name: math.exp(one / 2) for name, one in squares.items()}
    variances = {name: means[name] ** 2 * math.expm1(one) for name, one in squares.items()}
    mean, price = sum(means.values()), (math.log(1.3) / Z90) ** 2
    spread = math.expm1(price)
    whole = sum(variances.values()) * (1 + spread) + mean**2 * spread
    for name, variance in variances.items():
        assert found[name, "requests_per_day"] == pytest.approx(variance / whole, abs=0.005)
    (ours,) = [one for key, one in found.items() if key[0] == "all" and key[1] != REMAINDER]
    assert ours == pytest.approx(mean**2 * spread / whole, abs=0.005)
    rest = spread * sum(variances.values()) / whole
    assert found["all", REMAINDER] == pytest.approx(rest, abs=0.01)


def test_shares_of_a_product_of_lognormals():
    """Sobol's first-order indices of independent lognormal factors have a closed form."""
    found = shares(of(Workload(**PRODUCT), months=1))
    traffic, tokens = ((math.log(p90) / Z90) ** 2 for p90 in (1.6, 1.5))
    whole = math.expm1(traffic + tokens)
    assert found["w", "requests_per_day"] == pytest.approx(math.expm1(traffic) / whole, abs=0.005)
    factor = found["w", "prompt_tokens.mean_factor"]
    assert factor == pytest.approx(math.expm1(tokens) / whole, abs=0.005)
    rest = math.expm1(traffic) * math.expm1(tokens) / whole
    assert found["all", REMAINDER] == pytest.approx(rest, abs=0.005)


def test_shares_of_few_calls_are_mostly_single_calls():
    """What a Poisson number of calls of one cost adds is its mean; the rest is the level's."""
    level = {"p50": 1, "p90": 1.2}
    workload = Workload(**PRODUCT | {"requests_per_day": level, "prompt_tokens": 2000})
    found = shares(of(workload, months=1, start="2026-11"))
    mean = 30 * math.exp((math.log(1.2) / Z90) ** 2 / 2)
    between = mean**2 * math.expm1((math.log(1.2) / Z90) ** 2)
    assert found["w", "requests_per_day"] == pytest.approx(between / (between + mean), abs=0.005)


def test_bars_are_the_bill_at_the_quantiles():
    """Each number alone at its P10 and P90, all others at P50, is the plain bill of these numbers."""
    result = of(Workload(**PRODUCT), start="2026-11")
    million = 10**9 * (30 + 31 + 31) / 3 * 2000 * 1.2 / 1e6
    assert result.base_usd_per_month == pytest.approx(million, rel=1e-9)
    traffic, tokens, rest = result.frame.to_dict("records")
    assert traffic["input"] == "requests_per_day"
    assert traffic["high_usd_per_month"] == pytest.approx(1.6 * million, rel=1e-9)
    assert traffic["low_usd_per_month"] == pytest.approx(million / 1.6, rel=1e-9)
    assert tokens["high_usd_per_month"] == pytest.approx(1.5 * million, rel=1e-9)
    assert (rest["input"], rest["given"]) == (REMAINDER, "")
    wide = of(Workload(**PRODUCT), start="2026-11", q=(0.5, 0.9)).frame
    assert wide["low_usd_per_month"][0] == pytest.approx(million, rel=1e-9)


def test_shares_are_stable_under_the_seed():
    """Two seeds give the same bars, and shares that differ by less than 0.02."""
    first, second = (of(load_workloads(), "kimi-k2-5-thinking", seed=seed) for seed in (1, 2))
    one, two = shares(first), shares(second)
    assert one.keys() == two.keys()
    assert max(abs(one[key] - two[key]) for key in one) < 0.02
    assert sum(one.values()) == pytest.approx(1)
    assert first.frame["high_usd_per_month"].equals(second.frame["high_usd_per_month"])
    again = of(load_workloads(), "kimi-k2-5-thinking", seed=1)
    assert again.frame.equals(first.frame)


def test_the_variance_is_that_of_the_projection():
    """The share of one number times the variance of projected spend is what that number moves."""
    workload = Workload(
        name="w",
        requests_per_day={"p50": 5, "p90": 8},
        prompt_tokens={"p50": 2000, "p90": 6000},
        completion_tokens=100,
    )
    found = shares(of(workload, months=1, start="2026-11"))
    usd = project(workload, 1, "2026-11", "kimi-k2", AS_OF, n_paths=100_000).of("kimi-k2").usd[0]
    level = (math.log(1.6) / Z90) ** 2
    mean = usd.mean()
    expected = mean**2 * math.expm1(level) / usd.var()
    assert found["w", "requests_per_day"] == pytest.approx(expected, abs=0.01)


def test_a_price_change_is_one_input_of_all_workloads():
    """The factor on prices moves the sum of the workloads, and stands in the frame once."""
    change = [{"date": "2026-11-01", "factor": {"p50": 1, "p90": 1.2}}]
    parts = [Workload(**PRODUCT | {"name": name, "price_changes": change}) for name in "ab"]
    result = of(parts, start="2026-11")
    (row,) = result.frame.query("workload == 'all' and input != @REMAINDER").to_dict("records")
    assert row["high_usd_per_month"] == pytest.approx(1.2 * result.base_usd_per_month, rel=1e-9)
    assert row["given"] == "p50 1, p90 1.2"


def test_models_can_be_chosen_for_each_workload():
    """A choice names its workloads; those it leaves out are left out."""
    parts = [Workload(**PRODUCT | {"name": name}) for name in "abc"]
    result = of(parts, {"a": "kimi-k2", "b": "kimi-k2-5"}, start="2026-11")
    base = [of(parts[k], model, start="2026-11").base_usd_per_month for k, model in enumerate(["kimi-k2", "kimi-k2-5"])]  # fmt: skip
    assert result.base_usd_per_month == pytest.approx(sum(base))
    assert set(result.frame["workload"]) == {"a", "b", "all"}
    assert " of 2 workloads on the models chosen depends " in result.page().title
    assert " of 3 workloads on kimi-k2 depends " in of(parts, start="2026-11").page().title


def test_plain_numbers_have_nothing_to_vary():
    """Without a range there are no bars, and the base is the bill."""
    workload = Workload(name="w", requests_per_day=1000, prompt_tokens=2000, completion_tokens=500)
    result = of(workload, months=1, start="2026-11")
    assert result.frame["input"].tolist() == [REMAINDER]
    assert result.frame["variance_share"].tolist() == [0]
    assert result.base_usd_per_month == pytest.approx(126)
    assert "with all at P50" in repr(result)
    longer = of(workload, months=3, start="2026-11").page()
    assert longer.provenance.endswith("as of 2026-11-01, seed 0, 2026-11 to 2027-01.")
    assert np.isnan(result.frame["low_usd_per_month"][0])


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        ({"q": (0.9, 0.1)}, SettingError, "q is (0.9, 0.1)"),
        ({"q": 0.1}, SettingError, "q is 0.1"),
        ({"q": (0, 1)}, SettingError, "between 0 and 1"),
        ({"model": "kimi-k9"}, UnknownModelError, "kimi-k9"),
        ({"model": {}}, SettingError, "model is {}"),
        ({"model": {"v": "kimi-k2"}}, SettingError, "names the workload 'v'. There are w"),
        ({"seed": -1}, SettingError, "seed is -1"),
        ({"months": 0}, SettingError, "months is 0"),
        ({"as_of": "today"}, SettingError, "as_of is 'today'"),
        ({"as_of": 20261101}, SettingError, "Give a day"),
        ({"workloads": []}, SettingError, "No workloads"),
    ],
)
def test_what_cannot_be_meant_is_refused(asked, error, words):
    """Each argument out of bounds is one clear error."""
    with pytest.raises(error) as caught:
        of(**{"workloads": Workload(**PRODUCT)} | asked)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_numbers_without_an_effect_are_left_out():
    """Reasoning has no bar on a model that does not reason, nor an event outside of the plan."""
    event = {"name": "later", "date": "2030-01-01", "factor": {"p50": 1, "p90": 5}}
    reasoning = {"p50": 500, "p90": 900, "mean_factor": {"p50": 1, "p90": 2}}
    asked = Workload(**PRODUCT, reasoning_tokens=reasoning, events=[event])
    factor = ("w", "reasoning_tokens.mean_factor")
    assert factor in shares(of(asked, "kimi-k2-5-thinking"))
    assert not {factor, ("w", "events.later")} & set(shares(of(asked)))
