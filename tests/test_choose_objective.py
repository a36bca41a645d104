"""The objective of every choice, against brute force in fractions."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_planner import Workload
from kimi_planner.choose.objective import Objective, best_by_value
from kimi_planner.errors import WorkloadError

SHARES = st.fractions(0, 1, max_denominator=40)
COSTS = st.fractions(0, 2, max_denominator=40)
MODELS = st.dictionaries(st.sampled_from("abcdef"), st.tuples(SHARES, COSTS), min_size=1)
FAILURES = st.fractions(0, 3, max_denominator=8)


def workload(**more):
    """Return a workload of one call a day."""
    return Workload(name="w", requests_per_day=1, prompt_tokens=1, completion_tokens=1, **more)


def nets(models, failure, value):
    """Return the net value of a task on each model, as the formula says it."""
    return {
        model: value * success - failure * (1 - success) - cost
        for model, (success, cost) in models.items()
    }


@given(models=MODELS, failure=FAILURES, value=st.fractions(0, 20, max_denominator=30))
def test_at_every_value_the_model_that_is_named_has_the_highest_net_value(models, failure, value):
    """The model of the hull at a value is one of those that brute force finds best there."""
    hull = best_by_value(models, Objective(failure_usd=failure))
    best = [one.model for one in hull if one.from_usd <= value][-1]
    worth = nets(models, failure, value)
    assert worth[best] == max(worth.values())


@given(models=MODELS, failure=FAILURES)
def test_at_a_switching_price_two_models_are_worth_the_same(models, failure):
    """In fractions, so that not even a rounding is between them; prices rise along the hull."""
    hull = best_by_value(models, Objective(failure_usd=failure))
    assert [one.from_usd for one in hull] == sorted({one.from_usd for one in hull} | {0})
    for before, after in pairwise(hull):
        worth = nets(models, failure, after.from_usd)
        assert worth[before.model] == worth[after.model] == max(worth.values())


@given(success=SHARES, cost=COSTS, failure=FAILURES, value=COSTS)
def test_the_net_value_is_the_same_in_fractions_and_floats(success, cost, failure, value):
    """Value x p - failure x (1 - p) - cost, and the success that a net value needs leads back."""
    objective = Objective(value_usd=value, failure_usd=failure)
    net = value * success - failure * (1 - success) - cost
    assert objective.net_usd(success, cost) == net
    assert objective.net_usd(float(success), float(cost)) == pytest.approx(float(net), abs=1e-12)
    if value + failure:
        assert objective.needed_success(cost, net) == success


def test_what_a_workload_states_is_the_objective():
    """No value is not a value of 0: then nothing ranks by it."""
    assert not Objective.of(workload()).is_stated
    stated = Objective.of(workload(value_usd_per_success="0.80", failure_usd=0.2))
    assert (stated.value_usd, stated.failure_usd) == (Fraction(4, 5), Fraction(1, 5))
    assert stated.stake_usd == 1
    assert Objective.of(workload(failure_usd=1)).is_stated
    assert workload(seconds_at_most=2.5).seconds_at_most == Decimal("2.5")


@pytest.mark.parametrize("key", ["value_usd_per_success", "failure_usd", "seconds_at_most"])
@pytest.mark.parametrize("value", [-1, "much", float("inf"), float("nan"), "1e13", True])
def test_an_amount_that_is_none_is_refused_by_name(key, value):
    """Each with the field and the value."""
    with pytest.raises(WorkloadError, match=f"workload 'w': {key}"):
        workload(**{key: value})


def test_an_answer_in_no_time_cannot_be_asked_for():
    """A limit of zero seconds would rule every model out."""
    with pytest.raises(WorkloadError, match=r"seconds_at_most is 0\. It must be above 0"):
        workload(seconds_at_most=0)
