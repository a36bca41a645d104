"""Totals of many conversations against an FFT of the discretised cost, simulation and closed forms."""

import math

import numpy as np
import pytest
from scipy import stats

from kimi_planner.calls.law import CostLaw, conversation_law
from kimi_planner.calls.sizes import CallSizes
from kimi_planner.catalog import Profile
from kimi_planner.plan.noise import Cells, Noise, SingleCalls, cell_means, moments_are_enough
from kimi_planner.workload import Workload
from kimi_planner.workload.quantity import Empirical

Z90 = stats.norm.ppf(0.9)
SHARES = np.array([0.1, 0.25, 0.5, 0.75, 0.9, 0.95])
PLAIN = {"name": "w", "requests_per_day": 1, "prompt_tokens": 2000, "completion_tokens": 500}
CELLS = Cells.of(10_000)
INPUT, OUTPUT = 1.2, 3.6


def sizes_of(reasons=False, **changes):
    return Workload(**PLAIN | changes).resolve().sizes.on(Profile(reasons))


def law_of(reasons=False, **changes):
    return conversation_law(sizes_of(reasons, **changes), INPUT, OUTPUT)


def quantiles(law, count, *, at_random=True):
    """Return quantiles of the total over scenarios, relative to its mean."""
    factors = cell_means(law, count, CELLS.bounds, at_random=at_random)
    return np.quantile(factors[CELLS.sorted], SHARES)


def compound_quantiles(masses, step, mean, count, *, at_random=True):
    """Return the same from masses on multiples of a step, by one transform of all of them."""
    one = np.fft.rfft(masses)
    total = np.fft.irfft(np.exp(count * (one - 1)) if at_random else one**count, len(masses))
    reached = np.cumsum(np.maximum(total, 0))
    return np.interp(SHARES, reached, (np.arange(len(masses)) + 0.5) * step) / (count * mean)


def lognormal_masses(median, spread, step, size):
    ends = (np.arange(size + 1) - 0.5) * step
    sigma = math.log(spread) / Z90
    reached = stats.norm.cdf(np.log(np.maximum(ends, 1e-300) / median) / sigma)
    return np.diff(reached)


@pytest.mark.parametrize("at_random", [True, False])
@pytest.mark.parametrize("spread", [2, 4, 10])
@pytest.mark.parametrize(("count", "tolerance"), [(1000, 1e-3), (10, 1e-2)])
def test_single_calls_as_the_transform_says(spread, count, tolerance, at_random):
    """P10 to P95 of prompt and answer, both lognormal, to 0.1% at 1,000 calls and 1% at ten."""
    sigma = math.log(spread) / Z90
    mean = (2000 * INPUT + 500 * OUTPUT) * math.exp(sigma**2 / 2)
    size = 2**20
    far = stats.norm.ppf(1 - 1e-5 / count)
    step = (3 * count * mean + 2400 * math.exp(sigma * far)) / size
    masses = np.fft.irfft(
        np.fft.rfft(lognormal_masses(2000 * INPUT, spread, step, size))
        * np.fft.rfft(lognormal_masses(500 * OUTPUT, spread, step, size)),
        size,
    )
    expected = compound_quantiles(masses, step, mean, count, at_random=at_random)
    law = law_of(
        prompt_tokens={"p50": 2000, "p90": 2000 * spread},
        completion_tokens={"p50": 500, "p90": 500 * spread},
    )
    assert quantiles(law, count, at_random=at_random) == pytest.approx(expected, rel=tolerance)


def lognormal(rng, p50, p90, size):
    return p50 * np.exp(math.log(p90 / p50) / Z90 * rng.standard_normal(size))


def conversations(rng, count, cap):
    """Bill conversations of four calls on average, one call after the other."""
    turns = rng.geometric(1 / 4, count)
    history, cost = lognormal(rng, 1800, 6000, count), np.zeros(count)
    alive = np.arange(count)
    for turn in range(1, turns.max() + 1):
        alive = alive[turns[alive] >= turn]
        if turn > 1:
            history[alive] += lognormal(rng, 120, 400, len(alive))
        thought = np.minimum(lognormal(rng, 300, 900, len(alive)), cap)
        answer = np.minimum(lognormal(rng, 250, 700, len(alive)), cap - thought)
        cost[alive] += history[alive] * INPUT + (answer + thought) * OUTPUT
        history[alive] += answer
    return cost


@pytest.mark.parametrize("cap", [math.inf, 900])
def test_conversations_as_simulation_and_transform_say(cap):
    """P10 to P95 with turns, history, reasoning and a cap; a million conversations billed by hand.

    Their mean and standard deviation have errors of a few tenths of a percent, which the mean of
    the total shares: hence 0.2% at 250 conversations and 1% at three.
    """
    costs = conversations(np.random.default_rng(5), 1_000_000, cap)
    law = law_of(
        reasons=True,
        prompt_tokens={"p50": 1800, "p90": 6000},
        followup_tokens={"p50": 120, "p90": 400},
        completion_tokens={"p50": 250, "p90": 700},
        reasoning_tokens={"p50": 300, "p90": 900},
        turns={"mean": 4},
        max_tokens=None if cap == math.inf else cap,
    )
    relative = costs / costs.mean()
    assert law.second == pytest.approx((relative**2).mean(), rel=0.02)
    for count, tolerance in [(250, 2e-3), (3, 1e-2)]:
        size = 2**17
        step = 3 * (count + 40) * costs.mean() / size
        masses = np.bincount(np.rint(costs / step).astype(int), minlength=size)[:size] / len(costs)
        expected = compound_quantiles(masses, step, costs.mean(), count)
        assert quantiles(law, count) == pytest.approx(expected, rel=tolerance)


@pytest.mark.parametrize("spread", [2, 10])
def test_moments_are_those_of_the_lognormal(spread):
    """Raw moments of one cost, far into the tail, by the closed form."""
    law = law_of(prompt_tokens={"p50": 1000, "p90": 1000 * spread}, completion_tokens=0)
    variance = (math.log(spread) / Z90) ** 2
    assert law.second == pytest.approx(math.exp(variance), rel=1e-4)
    assert law.third == pytest.approx(
        math.exp(3 * variance), rel=2e-2
    )  # half of it above z = 5.4, the nodes end at 7.5
    assert law.weights @ law.values == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize("count", [0.3, 3, 10, 1000])
def test_calls_of_one_cost_are_poisson(count):
    """Where every call costs the same, the total has the quantiles of the Poisson distribution."""
    law = law_of()
    assert law.is_constant
    factors = np.sort(cell_means(law, count, CELLS.bounds, at_random=True)[CELLS.sorted])
    shares = np.array([0.103, 0.2537, 0.5031, 0.7533, 0.9011, 0.9519])
    found = factors[(shares * len(factors)).astype(int)]
    assert found * count == pytest.approx(stats.poisson(count).ppf(shares), abs=1e-9)
    assert (cell_means(law, 3.0, CELLS.bounds, at_random=False) == 1).all()


@pytest.mark.parametrize("at_random", [True, False])
@pytest.mark.parametrize("spread", [1.5, 3, 30, 300])
def test_the_mean_is_kept(spread, at_random):
    """The mean over scenarios is that of the total, at any number of calls and any spread."""
    law = law_of(prompt_tokens={"p50": 1000, "p90": 1000 * spread})
    for n_paths in (100, 333, 10_007):
        cells = Cells.of(n_paths)
        assert cells.bounds[0] == 0
        assert cells.bounds[-1] == 1
        for count in (0.01, 3.1, 40.7, 3000, 1e6, 1e12):
            factors = cell_means(law, count, cells.bounds, at_random=at_random)
            assert factors[cells.sorted].mean() == pytest.approx(1, rel=1e-6)
            assert (np.diff(factors) >= -1e-9).all()
            assert factors[0] >= 0


def test_a_fraction_of_a_call_is_one_more_or_less():
    """A certain number of 3.1 calls is 3 calls in nine months of ten, else 4."""
    law = law_of(prompt_tokens={"p50": 1000, "p90": 1001})
    calls = cell_means(law, 3.1, CELLS.bounds, at_random=False)[CELLS.sorted] * 3.1
    assert np.rint(calls).mean() == pytest.approx(3.1, abs=1e-3)
    assert set(np.rint(calls)) == {3, 4}


@pytest.mark.parametrize("count", [1e5, 1e7, 1e10])
def test_large_numbers_are_normal(count):
    """The spread of many calls is that of the second moment, on both sides of every change of method."""
    law = law_of(prompt_tokens={"p50": 2000, "p90": 6000}, completion_tokens={"p50": 9, "p90": 20})
    factors = cell_means(law, count, CELLS.bounds, at_random=True)[CELLS.sorted]
    assert factors.std() == pytest.approx(math.sqrt(law.second / count), rel=2e-3)
    skewness = law.third / law.second**1.5 / math.sqrt(count)
    assert stats.skew(factors) == pytest.approx(skewness, abs=0.02 * skewness + 2e-3)


def test_numbers_between_rows_are_as_good():
    """Scenarios whose number of calls lies between two rows of the table are off by less than 0.1%."""
    law = law_of(
        prompt_tokens={"p50": 2000, "p90": 8000}, completion_tokens={"p50": 500, "p90": 2000}
    )
    counts = np.geomspace(300, 5000, 10_000)
    noise = Noise.of(law, [counts], CELLS, at_random=True)
    assert len(noise.counts) < 25
    for share in (0.1, 0.5, 0.9):
        cell = np.uint16(share * len(CELLS.bounds))
        usd = counts.copy()
        noise.apply(usd, counts, np.full(len(counts), cell))
        for place in (0, 777, 5005, 9999):
            direct = cell_means(law, counts[place], CELLS.bounds, at_random=True)[cell]
            assert usd[place] == pytest.approx(counts[place] * direct, rel=1e-3)
        assert (np.diff(usd) >= 0).all()


def test_a_scenario_with_more_calls_costs_more():
    """In one share of the distribution the total never falls as the number of calls rises."""
    law = law_of(prompt_tokens={"p50": 1000, "p90": 20_000})
    counts = np.concatenate([np.zeros(1), np.geomspace(1e-6, 1e9, 9_999)])
    noise = Noise.of(law, [counts], CELLS, at_random=True)
    for cell in (0, 40, 2000, 4000, 4095):
        usd = counts.copy()
        noise.apply(usd, counts, np.full(len(counts), cell, dtype=np.uint16))
        assert usd[0] == 0
        assert (np.diff(usd) >= -1e-6 * usd[1:]).all()


@pytest.mark.parametrize("sd", [0.2, 2])
def test_long_conversations_of_nearly_one_cost_have_a_law(sd):
    """Twelve calls that resend certain answers: nearly all of the cost is alike, and none is lost."""
    law = law_of(reasons=True, turns=12, completion_tokens=4000, reasoning_tokens={"mean": 10, "sd": sd})  # fmt: skip
    assert law.weights.sum() == pytest.approx(1, rel=1e-12)
    assert float(law.weights @ law.values) == pytest.approx(1, rel=1e-9)
    assert law.weights[abs(law.values - 1) < 0.02].sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("turns", [{"mean": 4}, {"mean": 6, "sd": 2}, 12])
def test_plain_sizes_have_a_law_to_the_longest_conversation(turns):
    """Costs that spread by their turns alone: mean and second moment are those of the closed form."""
    law = law_of(turns=turns, completion_tokens=50)
    assert law.weights @ law.values == pytest.approx(1, rel=1e-9)
    assert law.weights @ law.values**2 == pytest.approx(law.second, rel=1e-4)


def test_a_log_has_a_law_to_its_largest_value():
    """Costs of logged prompts reach the largest of them, and their mean and second moment are right."""
    values = np.rint(lognormal(np.random.default_rng(2), 1000, 4000, 1000))
    law = law_of(prompt_tokens=Empirical.from_values(values, given="log"))
    cost = values * INPUT + 500 * OUTPUT
    assert law.values.max() == pytest.approx(cost.max() / cost.mean(), rel=0.01)
    assert law.weights @ law.values == pytest.approx(1, rel=1e-9)
    assert law.second == pytest.approx((cost**2).mean() / cost.mean() ** 2, rel=1e-3)


def test_the_dearest_conversation_of_a_sample_is_in_the_total():
    """One in a hundred costs a thousand times as much: quantiles to two of the cheap ones."""
    law = CostLaw.of_sample(np.array([1000.0] + [1.0] * 99))
    masses = np.zeros(2**14)
    masses[[1, 1000]] = 0.99, 0.01
    expected = compound_quantiles(masses, 1, 10.99, 10)
    assert quantiles(law, 10) == pytest.approx(expected, abs=2 / 109.9)


COUNTS = (3, 10, 30, 100, 300.5, 1e3, 1e4, 1e5, 1e6)


class Parts:
    """Masses of the parts of a cost on a ring of multiples of a step, as transforms."""

    def __init__(self, step, size):
        self.step, self.size = step, size

    def lognormal(self, median, spread, most=math.inf):
        """Return that of a lognormal amount that is cut at the most it can be."""
        ends = (np.arange(self.size + 1) - 0.5) * self.step
        sigma = math.log(spread) / Z90
        reached = stats.norm.cdf(np.log(np.maximum(ends, 1e-300) / median) / sigma)
        return self.cut(np.diff(reached), most)

    def values(self, amounts, weights):
        """Return that of certain values, each shared by the two points around it."""
        masses = np.zeros(self.size)
        left, part = np.divmod(np.asarray(amounts) / self.step, 1)
        np.add.at(masses, left.astype(int), weights * (1 - part))
        np.add.at(masses, left.astype(int) + 1, weights * part)
        return np.fft.rfft(masses)

    def cut(self, masses, most):
        if most < math.inf:
            place = round(most / self.step)
            masses[place] += masses[place + 1 :].sum()
            masses[place + 1 :] = 0
        return np.fft.rfft(masses)


def cost_of_prompt_and_answer(spread):
    def cost(parts):
        return parts.lognormal(2000 * INPUT, spread) * parts.lognormal(500 * OUTPUT, spread)

    return cost


def cost_of_turns(chances):
    """Return a conversation of plain questions and lognormal prompts and answers, turn by turn."""

    def cost(parts):
        found, before = 0, 1
        for resent, chance in enumerate(chances):
            scale = OUTPUT + resent * INPUT
            before = before * parts.lognormal(500 * scale, 2)
            if resent:
                before = before * parts.values([300 * resent * INPUT], [1.0])
            if chance:
                found = found + chance * before * parts.lognormal(2000 * (resent + 1) * INPUT, 3)
        return found

    return cost


def cost_under_a_cap(parts):
    """Return a plain prompt, and thought and answer that are cut together."""
    both = parts.lognormal(300 * OUTPUT, 3) * parts.lognormal(250 * OUTPUT, 2.8)
    masses = np.fft.irfft(both, parts.size)
    return parts.cut(masses, 900 * OUTPUT) * parts.values([2000 * INPUT], [1.0])


def cost_of_an_answer_under_a_cap(parts):
    answer = parts.lognormal(500 * OUTPUT, 4, 800 * OUTPUT)
    return answer * parts.lognormal(2000 * INPUT, 1.5)


def cost_of_two_sizes(parts):
    return parts.values(np.array([200, 20_000]) * INPUT + 500 * OUTPUT, np.array([0.9, 0.1]))


def both(spread):
    return {
        "prompt_tokens": {"p50": 2000, "p90": 2000 * spread},
        "completion_tokens": {"p50": 500, "p90": 500 * spread},
    }


TURNS = {"prompt_tokens": both(3)["prompt_tokens"], "followup_tokens": 300, "completion_tokens": both(2)["completion_tokens"]}  # fmt: skip
GEOMETRIC = 0.5 ** np.arange(1, 26)
COSTS = {
    **{f"spread {one}": (both(one), cost_of_prompt_and_answer(one)) for one in (1.05, 1.2, 1.5, 2, 3, 4, 6, 10)},
    "plain": ({}, lambda parts: parts.values([2000 * INPUT + 500 * OUTPUT], [1.0])),
    "two calls on average": (TURNS | {"turns": {"mean": 2}}, cost_of_turns(GEOMETRIC)),
    "five calls": (TURNS | {"turns": 5}, cost_of_turns([0, 0, 0, 0, 1])),
    "a cap on thought and answer": (
        {"completion_tokens": {"p50": 250, "p90": 700}, "reasoning_tokens": {"p50": 300, "p90": 900}, "max_tokens": 900},
        cost_under_a_cap,
    ),
    "a cap on the answer": (
        {"prompt_tokens": both(1.5)["prompt_tokens"], "completion_tokens": both(4)["completion_tokens"], "max_tokens": 800},
        cost_of_an_answer_under_a_cap,
    ),
    "two sizes": ({"prompt_tokens": Empirical.from_values([200, 20_000], [9, 1], given="log")}, cost_of_two_sizes),
}  # fmt: skip


def transformed(cost, mean, spread, count, *, at_random):
    """Return quantiles of the total of a number of conversations, relative to its mean.

    The ring is 40 standard deviations of the total long, and its steps are at most half a cost: what
    comes round it is rarer than counts. The mean is that of the masses, as each step of rounding
    counts as often as there are calls.
    """
    size = 2 ** max(17, math.ceil(math.log2(80 * spread)))
    parts = Parts(40 * mean * spread / size, size)
    one = cost(parts)
    values = np.arange(size) * parts.step
    mean = np.fft.irfft(one, size) @ values
    if at_random:
        total = np.exp(count * (one - 1))
    else:
        total = one ** math.floor(count) * (1 - count % 1 + count % 1 * one)
    first = round(count * mean / parts.step) - size // 2
    reached = np.cumsum(np.maximum(np.roll(np.fft.irfft(total, size), -(first % size)), 0))
    return np.interp(SHARES, reached, values + (first + 0.5) * parts.step) / (count * mean)


def test_a_rare_call_that_costs_most_is_in_the_ends():
    """Of a thousand calls one has 100,000 tokens, the others 100: how many of a hundred do is binomial."""
    prompts = Empirical.from_values([100, 100_000], [999, 1], given="log")
    law = law_of(prompt_tokens=prompts, completion_tokens=0)
    found = quantiles(law, 100, at_random=False)
    large = stats.binom.ppf(SHARES, 100, 0.001)
    assert found == pytest.approx((100 * 100 + large * 99_900) / (100 * 199.9), abs=0.02)


def test_the_law_of_calls_is_that_of_a_closed_form_where_there_is_one():
    """A lognormal cost has the second moment ``exp(s^2)``, which 65,536 draws miss by a thousandth."""
    calls = CallSizes(sizes_of(prompt_tokens={"p50": 2000, "p90": 8000}, completion_tokens=0), None)
    law = calls.law(INPUT, OUTPUT)
    assert law.second == pytest.approx(math.exp((math.log(4) / Z90) ** 2), rel=1e-6)
    assert law.values @ law.weights == pytest.approx(1, rel=1e-9)


def test_conversations_too_long_for_one_have_the_law_of_a_sample():
    """Of 200 calls that resend what was said; what costs nothing has none."""
    sizes = sizes_of(turns=200, completion_tokens={"p50": 500, "p90": 900})
    law = CallSizes(sizes, None).law(INPUT, OUTPUT)
    moments = CallSizes(sizes, None).moments(INPUT, OUTPUT)
    assert law.values @ law.weights == pytest.approx(1, rel=1e-9)
    assert law.second - 1 == pytest.approx(moments.variance, rel=0.1)
    assert CallSizes(sizes, None).law(0.0, 0.0) is None


@pytest.mark.parametrize("at_random", [True, False])
@pytest.mark.parametrize("name", COSTS)
def test_three_moments_are_taken_where_they_hold(name, at_random):
    """P10 to P95 to 0.1% of the computed law and of the transform, wherever moments are taken."""
    changes, cost = COSTS[name]
    calls = CallSizes(sizes_of("reasoning_tokens" in changes, **changes), None)
    moments, law = calls.moments(INPUT, OUTPUT), calls.law(INPUT, OUTPUT)
    order = np.arange(10_000)[None]
    taken = []
    for count in COUNTS:
        if not moments_are_enough(moments, count, at_random=at_random):
            continue
        taken.append(count)
        usd = np.ones((1, 10_000))
        single = SingleCalls(np.array([[count]]), order, at_random=at_random)
        single.apply(usd, calls, [(INPUT, OUTPUT)])
        found = np.quantile(usd, SHARES)
        assert found == pytest.approx(quantiles(law, count, at_random=at_random), rel=1e-3)
        second = moments.variance + at_random
        if second:
            spread = math.sqrt(second * count)
            expected = transformed(cost, moments.mean, spread, count, at_random=at_random)
            assert found == pytest.approx(expected, rel=1e-3)
    assert taken[-1] == 1e6
