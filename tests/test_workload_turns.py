"""Whole turns by mean and standard deviation against a sum over days of chance, and simulation."""

import math

import numpy as np
import pytest

from kimi_planner.errors import WorkloadError
from kimi_planner.plan.simulation import project
from kimi_planner.workload import WholeTurns, Workload
from kimi_planner.workload.turns import turn_means

PLAIN = {"name": "w", "requests_per_day": 900, "prompt_tokens": 100, "completion_tokens": 10}


def turns(mean, sd):
    return Workload(**PLAIN, turns={"mean": mean, "sd": sd}).turns


def sample_of_later(mean, sd, size=1_000_000):
    """Draw a lognormal number of later turns."""
    variance = math.log1p((sd / (mean - 1)) ** 2)
    normal = np.random.default_rng(3).standard_normal(size)
    return (mean - 1) * np.exp(math.sqrt(variance) * normal - variance / 2)


def drawn(mean, sd, size):
    """Round it at random, so that its mean stays."""
    return 1 + np.floor(sample_of_later(mean, sd, size) + np.random.default_rng(4).random(size))


@pytest.mark.parametrize(("mean", "sd"), [(1.2, 0.5), (1.5, 2), (4, 1), (6, 2), (20, 30)])
def test_the_mean_is_met_and_turns_are_whole(mean, sd):
    """Every share is a whole number from 1, their mean the one given, as in a simulation."""
    found = turns(mean, sd)
    assert isinstance(found, WholeTurns)
    assert found.mean == pytest.approx(mean, rel=1e-6)
    values = found.ppf((np.arange(200_000) + 0.5) / 200_000)
    assert (values == np.rint(values)).all()
    assert values.min() == 1
    assert (np.diff(values) >= 0).all()
    sample = drawn(mean, sd, 1_000_000)
    for count in (1, 2, 3, 5, 9):
        assert (values > count).mean() == pytest.approx((sample > count).mean(), abs=2e-3)
    assert values.mean() == pytest.approx(mean, rel=2e-3)
    rounding = 0.25 - ((sample_of_later(mean, sd) % 1 - 0.5) ** 2).mean()
    later = mean - 1
    pairs = (sd**2 + later**2 + rounding + later) / 2  # of T = 1 + R: E[R (R + 1)] / 2
    assert turn_means(found) == pytest.approx((mean, pairs), rel=2e-3)


def test_the_bill_follows_the_mean_and_the_pairs():
    """A mean prompt is the first one and what the earlier turns added, by the law of the turns."""
    workload = Workload(**PLAIN, followup_tokens=50, turns={"mean": 3, "sd": 2})
    spend = project(workload, months=1, start="2026-11", models="kimi-k2", n_paths=100).of(
        "kimi-k2"
    )
    sample = drawn(3, 2, 2_000_000)
    pairs = (sample * (sample - 1) / 2).mean()
    assert spend.prompt_tokens[0] / 27_000 == pytest.approx(100 + pairs / 3 * 60, rel=3e-3)


def test_it_says_how_it_was_given_and_refuses_no_room():
    """The numbers are repeated; a mean of one leaves no room for a spread."""
    assert turns(4, 1.5).describe() == "mean 4, sd 1.5, whole turns"
    with pytest.raises(WorkloadError, match="turns: a mean of 1 leaves no room for an sd"):
        turns(1, 0.5)
    assert turns(4, 0).is_certain
