"""Calls in minutes: against simulated minutes, sums over Poisson counts, and closed forms."""

import numpy as np
import pytest
from scipy import stats

from kimi_planner.capacity.minutes import CallsInSpan, CallTokensInSpan


def simulated(calls, sizes, minutes, seed):
    """Return the tokens of each of many minutes, call by call."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(calls, minutes)
    owner = np.repeat(np.arange(minutes), counts)
    return np.bincount(owner, weights=rng.choice(sizes, len(owner)), minlength=minutes)


@pytest.mark.parametrize("calls", [0.05, 1.0, 4.0, 40.0])
@pytest.mark.parametrize("sigma", [0.5, 1.0])
def test_tokens_of_a_minute_are_as_simulated(calls, sigma):
    """The 90% and 99% minute lie within 6% of simulated ones, and the shares above them agree."""
    sizes = np.exp(8 + sigma * np.random.default_rng(3).standard_normal(100_000))
    tokens = simulated(calls, sizes, 200_000 if calls < 10 else 40_000, seed=4)
    spans = CallTokensInSpan.of(np.array([calls]), np.array([sizes.mean()]), sizes)
    for share in (0.9, 0.99):
        limit = np.quantile(tokens, share)
        assert spans.quantile(share)[0] == pytest.approx(limit, rel=0.06)
        if limit > 0:
            over = float((tokens > limit).mean())
            assert spans.share_over(limit)[0] == pytest.approx(over, rel=0.25)


@pytest.mark.parametrize("calls", [20.0, 300.0, 1e6])
def test_equal_sizes_are_a_scaled_poisson_number(calls):
    """Where each call has 1,000 tokens, a minute has 1,000 times a Poisson number of them."""
    spans = CallTokensInSpan.of(np.array([calls]), np.array([1000.0]), np.full(10, 1000.0))
    for share in (0.5, 0.9, 0.99, 0.999):
        exact = 1000 * stats.poisson.ppf(share, calls)
        assert spans.quantile(share)[0] == pytest.approx(exact, abs=2000 + 1e-3 * exact)


def test_exponential_sizes_are_a_sum_over_poisson_counts():
    """With exponential sizes the share over a limit is a sum of gamma tails, exactly."""
    sizes = stats.expon.ppf((np.arange(200_000) + 0.5) / 200_000) * 500
    for calls, limit in ((0.5, 1_500), (5, 6_000), (50, 34_000)):
        counts = np.arange(1, 400)
        exact = np.sum(stats.poisson.pmf(counts, calls) * stats.gamma.sf(limit / 500, counts))
        spans = CallTokensInSpan.of(np.array([calls]), np.array([500.0]), sizes)
        assert spans.share_over(limit)[0] == pytest.approx(exact, rel=0.08)


def test_share_over_and_quantile_are_inverse():
    """At the quantile of a share, the rest of the spans is above."""
    sizes = np.random.default_rng(1).gamma(2, 300, 10_000)
    calls = np.array([[0.5, 5.0, 50.0, 5e7]])
    spans = CallTokensInSpan.of(calls, np.array([600.0]), sizes)
    for share in (0.7, 0.9, 0.999):
        limit = spans.quantile(share)
        for place in range(calls.shape[1]):
            over = spans.share_over(limit[0, place])[0, place]
            assert over == pytest.approx(1 - share, rel=1e-3)


def test_nothing_is_sent_without_calls():
    """Without calls there are no tokens, no calls and nothing above any limit."""
    spans = CallTokensInSpan.of(np.zeros((1, 2)), np.array([500.0]), np.ones(3))
    assert spans.quantile(0.999).tolist() == [[0, 0]]
    assert spans.share_over(1).tolist() == [[0, 0]]
    assert CallsInSpan(np.zeros((1, 2))).peak(0.999, 0.5).tolist() == [0]
    empty = CallTokensInSpan.of(np.ones(1), np.zeros(1), np.zeros(3))
    assert empty.quantile(0.99).tolist() == [0]


def test_adding_spans_is_drawing_from_both():
    """Two kinds of calls together are one kind whose sizes are mixed in their proportion."""
    small, large = np.full(100, 100.0), np.full(100, 900.0)
    one = CallTokensInSpan.of(np.array([3.0]), np.array([100.0]), small)
    other = CallTokensInSpan.of(np.array([1.0]), np.array([900.0]), large)
    mixed = np.concatenate([np.tile(small, 3), large])
    whole = CallTokensInSpan.of(np.array([4.0]), np.array([300.0]), mixed)
    np.testing.assert_allclose((one + other).quantile(0.99), whole.quantile(0.99), rtol=1e-12)


def test_calls_are_poisson_numbers():
    """Quantile and tail are those of the cumulated probabilities, summed here."""
    mean = 7.5
    weights = np.exp(-mean) * np.cumprod(np.concatenate([[1], mean / np.arange(1, 60)]))
    below = np.cumsum(weights)
    calls = CallsInSpan(np.array([[mean]]))
    for share in (0.5, 0.9, 0.99):
        assert calls.peak(share, 0.5)[0] == np.searchsorted(below, share)
    assert calls.share_over(12)[0, 0] == pytest.approx(1 - below[12])
