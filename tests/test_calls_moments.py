"""Moments of the cost of a conversation against closed forms, exact sums and brute force."""

import math

import numpy as np
import pytest
from scipy import stats

from kimi_planner.calls.moments import ConversationMoments, SampleMoments
from kimi_planner.catalog import Profile
from kimi_planner.workload import Workload
from kimi_planner.workload.quantity import Empirical

Z90 = stats.norm.ppf(0.9)
PLAIN = {"name": "w", "requests_per_day": 1, "prompt_tokens": 2000, "completion_tokens": 500}
INPUT, OUTPUT = 1.2, 3.6


def moments_of(reasons=True, prices=(INPUT, OUTPUT), **changes):
    sizes = Workload(**PLAIN | changes).resolve().sizes.on(Profile(reasons))
    return ConversationMoments(sizes).at(*prices)


def of_values(values, weights=None):
    """Return mean and central moments at mean 1, by their definition."""
    mean = np.average(values, weights=weights)
    return (mean, *(np.average((values / mean - 1) ** k, weights=weights) for k in (2, 3, 4)))


def four(moments):
    return moments.mean, moments.variance, moments.third, moments.fourth


def lognormal_cumulants(p50, p90):
    """Return the first four cumulants by the raw moments ``m^k exp(k^2 s^2 / 2)``."""
    variance = (math.log(p90 / p50) / Z90) ** 2
    one, two, three, fourth = (p50**k * math.exp(k * k * variance / 2) for k in (1, 2, 3, 4))
    second = two - one**2
    third = three - 3 * one * two + 2 * one**3
    central = fourth - 4 * one * three + 6 * one**2 * two - 3 * one**4
    return np.array([one, second, third, central - 3 * second**2])


@pytest.mark.parametrize("spread", [1.2, 2, 4])
def test_prompt_answer_and_reasoning_are_lognormal(spread):
    """Cumulants of independent lognormals add, each times its price to the power of the order.

    Of a moment of order k, what lies above 7.5 - k sigma on the normal scale is left out.
    """
    found = moments_of(
        prompt_tokens={"p50": 2000, "p90": 2000 * spread},
        completion_tokens={"p50": 500, "p90": 500 * spread},
        reasoning_tokens={"p50": 900, "p90": 900 * spread},
    )
    medians = (2000 * INPUT, 500 * OUTPUT, 900 * OUTPUT)
    mean, second, third, fourth = sum(lognormal_cumulants(p50, p50 * spread) for p50 in medians)
    expected = (mean, second / mean**2, third / mean**3, (fourth + 3 * second**2) / mean**4)
    for order, (ours, exact) in enumerate(zip(four(found), expected, strict=True), 1):
        beyond = stats.norm.sf(7.5 - order * math.log(spread) / Z90)
        assert ours == pytest.approx(exact, rel=1e-6 + 2 * beyond)
    assert found.smooth == pytest.approx(found.variance, rel=1e-9)


def test_only_a_model_that_reasons_pays_for_thought():
    """Without reasoning its spread is not in the cost."""
    thought = {"reasoning_tokens": {"p50": 900, "p90": 4000}}
    assert moments_of(reasons=False, **thought) == moments_of(reasons=False)
    assert moments_of(**thought).variance > 0


@pytest.mark.parametrize(
    "turns",
    [
        Empirical.from_values([1, 2, 7], [5, 3, 2], given="counts"),
        5,
        {"mean": 3},
        {"mean": 4, "sd": 0.8},
    ],
    ids=["counts", "plain", "geometric", "rounded"],
)
def test_plain_sizes_are_a_sum_over_turns(turns):
    """Costs of 1, 2, 3, … calls, weighted by the shares of their numbers."""
    quantity = Workload(**PLAIN, turns=turns).resolve().sizes.turns
    drawn = np.rint(quantity.ppf((np.arange(4_000_000) + 0.5) / 4_000_000))
    numbers, counts = np.unique(drawn, return_counts=True)
    history = 300 + 500  # a question and an answer, sent again at each later turn
    costs = numbers * (2000 * INPUT + 500 * OUTPUT) + history * INPUT * numbers * (numbers - 1) / 2
    found = moments_of(turns=turns, followup_tokens=300)
    assert four(found) == pytest.approx(of_values(costs, counts), rel=2e-3)
    assert found.smooth == 0


def test_sizes_of_a_log_are_their_values():
    """Every value of prompts and answers with every other, and none of it is smooth."""
    prompts, answers = np.array([200.0, 2000, 30_000]), np.array([50.0, 700])
    found = moments_of(
        prompt_tokens=Empirical.from_values(prompts, [70, 25, 5], given="log"),
        completion_tokens=Empirical.from_values(answers, [60, 40], given="log"),
    )
    costs = (prompts * INPUT)[:, None] + answers * OUTPUT
    weights = np.outer([0.7, 0.25, 0.05], [0.6, 0.4])
    assert four(found) == pytest.approx(of_values(costs.ravel(), weights.ravel()), rel=1e-9)
    assert found.smooth == 0
    scaled = {"p50": 500, "p90": 1500}
    mixed = moments_of(
        prompt_tokens=Empirical.from_values(prompts, given="log"), completion_tokens=scaled
    )
    second = lognormal_cumulants(500 * OUTPUT, 1500 * OUTPUT)[1]
    assert mixed.smooth == pytest.approx(second / mixed.mean**2, rel=1e-4)


def lognormal(rng, p50, p90, size):
    return p50 * np.exp(math.log(p90 / p50) / Z90 * rng.standard_normal(size))


def conversations(rng, count, cap):
    """Bill conversations of three calls on average, one call after the other."""
    turns = rng.geometric(1 / 3, count)
    history, cost = lognormal(rng, 1800, 3000, count), np.zeros(count)
    for turn in range(1, turns.max() + 1):
        alive = np.flatnonzero(turns >= turn)
        if turn > 1:
            history[alive] += lognormal(rng, 300, 500, len(alive))
        thought = np.minimum(lognormal(rng, 300, 900, len(alive)), cap)
        answer = np.minimum(lognormal(rng, 250, 700, len(alive)), cap - thought)
        cost[alive] += history[alive] * INPUT + (answer + thought) * OUTPUT
        history[alive] += answer
    return cost


@pytest.mark.parametrize("cap", [math.inf, 600])
def test_conversations_as_brute_force_bills_them(cap):
    """Turns, history, reasoning and a cap: each moment within four standard errors, 32 batches."""
    rng = np.random.default_rng(11)
    costs = conversations(rng, 3_200_000, cap)
    found = moments_of(
        prompt_tokens={"p50": 1800, "p90": 3000},
        followup_tokens={"p50": 300, "p90": 500},
        completion_tokens={"p50": 250, "p90": 700},
        reasoning_tokens={"p50": 300, "p90": 900},
        turns={"mean": 3},
        max_tokens=None if cap == math.inf else cap,
    )
    batches = np.array([of_values(part) for part in costs.reshape(32, -1)])
    errors = batches.std(axis=0) / math.sqrt(32)
    for ours, expected, error in zip(four(found), of_values(costs), errors, strict=True):
        assert ours == pytest.approx(expected, abs=4 * error + 3e-4 * expected)
    assert 0 < found.smooth < found.variance


def test_drawn_conversations_are_their_own_moments():
    """Prompt and completion of drawn conversations that go together, at any prices."""
    rng = np.random.default_rng(3)
    prompt = lognormal(rng, 2000, 6000, 10_000)
    completion = 0.2 * prompt + lognormal(rng, 300, 900, 10_000)
    uncut = ConversationMoments(
        Workload(**PLAIN | {"prompt_tokens": {"p50": 2000, "p90": 6000}}).resolve().sizes
    )
    drawn = SampleMoments(prompt, completion, uncut)
    for prices in ((INPUT, OUTPUT), (1, 0), (0, 7)):
        expected = of_values(prompt * prices[0] + completion * prices[1])
        assert four(drawn.at(*prices)) == pytest.approx(expected, rel=1e-9)
    found = drawn.at(INPUT, OUTPUT)
    assert found.smooth == pytest.approx(found.variance)


def test_moments_do_not_depend_on_the_unit_of_prices():
    """Prices by the token or by the million give the same spread; free calls have none."""
    sizes = {"prompt_tokens": {"p50": 2000, "p90": 6000}, "turns": {"mean": 3}}
    dear, cheap = moments_of(**sizes), moments_of(prices=(INPUT / 1e6, OUTPUT / 1e6), **sizes)
    assert four(dear)[1:] == pytest.approx(four(cheap)[1:], rel=1e-12)
    assert dear.mean == pytest.approx(1e6 * cheap.mean, rel=1e-12)
    assert four(moments_of(prices=(0, 0), **sizes)) == (0, 0, 0, 0)
