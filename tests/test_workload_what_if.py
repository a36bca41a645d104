"""What if: factors on the numbers of a workload, held against workloads written with them."""

from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from kimi_planner.errors import SettingError, WorkloadError
from kimi_planner.plan.simulation import project
from kimi_planner.workload import Workload, example_path, load_workloads, what_if
from kimi_planner.workload.quantity import Empirical

NOVEMBER = {"months": 1, "start": "2026-11", "as_of": date(2026, 10, 24), "n_paths": 400}
THINKS = "kimi-k2-5-thinking"


def workload(**changes):
    fields = {
        "name": "w",
        "requests_per_day": 1000,
        "prompt_tokens": 2000,
        "completion_tokens": 500,
        "reasoning_tokens": 800,
    }
    return Workload(**fields | changes)


def spend(workloads, model=THINKS):
    return project(workloads, models=model, **NOVEMBER).of(model)


def test_no_factor_changes_nothing():
    """Factors of 1 give workloads that are equal to the given ones."""
    given = load_workloads(example_path())
    assert what_if(given) == given


def test_plain_numbers_give_the_bill_computed_by_hand():
    """Traffic, output and reasoning each multiply their own part of an exact bill."""
    [changed] = what_if(workload(), traffic="1.2", output="1.5", reasoning=0.5)
    requests = 30 * 1000 * Decimal("1.2")
    a_call = 2000 * Decimal("3.50") + (500 * Decimal("1.5") + 800 * Decimal("0.5")) * Decimal(
        "10.50"
    )
    assert spend(changed).exact_usd == (requests * a_call / 1_000_000,)


@pytest.mark.parametrize(
    ("given", "doubled"),
    [
        ({"p50": 300, "p90": 900}, {"p50": 600, "p90": 1800}),
        ({"p10": 100, "p50": 300, "p90": 900}, {"p10": 200, "p50": 600, "p90": 1800}),
        ({"mean": 400, "sd": 90}, {"mean": 800, "sd": 180}),
        (
            {"p50": 300, "p90": 900, "mean_factor": {"p10": 0.8, "p50": 1, "p90": 1.3}},
            {"p50": 600, "p90": 1800, "mean_factor": {"p10": 0.8, "p50": 1, "p90": 1.3}},
        ),
    ],
)
def test_a_range_is_the_range_written_with_its_percentiles_multiplied(given, doubled):
    """A doubled answer spends what a workload that states the doubled percentiles does."""
    [changed] = what_if(workload(completion_tokens=given), output=2)
    written = workload(completion_tokens=doubled)
    np.testing.assert_allclose(spend(changed).usd, spend(written).usd, rtol=1e-12)


def test_values_of_a_log_are_multiplied_one_by_one():
    """An empirical quantity keeps its shares and multiplies its values."""
    log = Empirical.from_values([100, 200, 200, 500], given="log")
    [changed] = what_if(workload(completion_tokens=log), output=3)
    assert changed.completion_tokens.values.tolist() == [300, 600, 1500]
    assert changed.completion_tokens.mean == pytest.approx(750)
    assert changed.completion_tokens.describe().startswith("log, times 3")


def test_more_traffic_reaches_ranges_and_the_extra_requests_of_events():
    """Twice the traffic is twice the expected requests of a month, events included."""
    event = {"name": "sale", "date": "2026-11-20", "extra_requests": 6000}
    given = workload(requests_per_day={"p10": 800, "p50": 1000, "p90": 1400}, events=(event,))
    [changed] = what_if(given, traffic=2)
    np.testing.assert_allclose(spend(changed).requests, 2 * spend(given).requests, rtol=1e-12)


def test_longer_answers_lengthen_the_history_and_meet_the_cap():
    """Prompts of later calls grow with the answer, and an answer never passes max_tokens."""
    chat = workload(turns=3, followup_tokens=100, max_tokens=1500)
    longer = spend(what_if(chat, output=2)[0], "kimi-k2")
    calls = 30 * 1000
    # per conversation of 3 calls: 3 first prompts, 3 follow-ups, and 3 answers of 1,000 resent
    assert longer.prompt_tokens.tolist() == [calls * (2000 + 100 + 1000)]
    capped = spend(what_if(chat, output=9)[0], "kimi-k2")
    assert capped.completion_tokens.tolist() == [calls * 1500]


def test_a_cached_share_replaces_what_was_worked_out():
    """The share that is given holds, also where a cache was described."""
    given = workload(cache={"prefix_tokens": 1500}, requests_per_day=50)
    [changed] = what_if(given, cached_share=0.4)
    assert changed.cache is None
    assert changed.cached_share.value == Decimal("0.4")


def test_a_worked_out_cached_share_follows_the_traffic():
    """More traffic keeps the shared prefix in the cache more often."""
    given = workload(cache={"prefix_tokens": 1500}, requests_per_day=50)
    [changed] = what_if(given, traffic=20)
    assert changed.cached_share.mean > given.cached_share.mean


@pytest.mark.parametrize("value", [-1, "x", float("nan"), True, None])
def test_a_factor_is_a_number_from_zero(value):
    """Anything else is refused by name."""
    with pytest.raises(WorkloadError, match=r"output is .* a number from 0 upwards"):
        what_if(workload(), output=value)


def test_nothing_times_zero_is_nothing():
    """A factor of zero leaves no answer at all, whatever the range was."""
    for given in ({"p50": 300, "p90": 900}, {"mean": 400, "sd": 90}, 7):
        [changed] = what_if(workload(completion_tokens=given), output=0)
        assert spend(changed, "kimi-k2").completion_tokens.tolist() == [0]


@pytest.mark.parametrize("given", [5, None, ["w"], [workload(), 3]])
def test_something_else_than_a_workload_is_refused(given):
    """It is named, and never an error from inside."""
    with pytest.raises(SettingError, match="Give Workload objects or the path of a workload file"):
        what_if(given)
