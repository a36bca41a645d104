"""The busiest day of a month: by hand, and the same paths as the plan of spend."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from kimi_planner import Workload, load_workloads, project
from kimi_planner.capacity import throughput
from kimi_planner.capacity.peaks import busiest_day_calls
from kimi_planner.plan.calendar import month_range
from kimi_planner.plan.draws import Draws

AS_OF = date(2026, 11, 24)
MONTHS = month_range("2026-12", 4, AS_OF)


def workload(**dated):
    """Return 1,000 calls a day that grow by 10%, with dated fields."""
    return Workload(
        name="w",
        requests_per_day=1_000,
        growth_per_month=0.1,
        prompt_tokens=10,
        completion_tokens=1,
        **dated,
    )


def calls(one, months=MONTHS):
    load = one.resolve()
    return busiest_day_calls(load, months, Draws.draw(load, seed=0, n_paths=100))[:, 0]


def event(first, last, **effect):
    return {"name": f"from {first}", "from": first, "to": last, **effect}


def test_an_even_week_grows_by_month():
    """Without a profile each day has the mean, which grows from the first month."""
    assert calls(workload()) == pytest.approx([1_000, 1_100, 1_210, 1_331])


def test_the_busiest_weekday_is_its_weight_over_the_mean():
    """Five equal working days have 7/5 of the mean."""
    profile = (1, 1, 1, 1, 1, 0, 0)
    assert calls(workload(weekday_profile=profile))[0] == pytest.approx(1_400)
    steep = (2, 1, 1, 1, 1, 0.5, 0.5)
    assert calls(workload(weekday_profile=steep))[0] == pytest.approx(2_000)


def test_only_days_with_traffic_count():
    """A start and an end leave out months, and weekdays that are not reached; growth waits."""
    late = workload(starts_on=date(2027, 1, 30), weekday_profile=(1, 1, 1, 1, 1, 0.5, 0.5))
    # 30 and 31 January 2027 are a Saturday and a Sunday.
    weekend, week = 0.5 * 7 / 6, 7 / 6
    assert calls(late) == pytest.approx([0, 1_000 * weekend, 1_100 * week, 1_210 * week])
    early = workload(ends_on=date(2027, 1, 1))
    assert calls(early) == pytest.approx([1_000, 1_100, 0, 0])
    running = workload(starts_on=date(2026, 10, 5))
    assert calls(running)[0] == pytest.approx(1_210)


def test_events_lift_the_days_they_cover():
    """A factor multiplies its days, extra requests are spread evenly over theirs, both add up."""
    sale = event(date(2027, 1, 10), date(2027, 1, 11), factor=3)
    assert calls(workload(events=(sale,))) == pytest.approx([1_000, 3_300, 1_210, 1_331])
    load = event(date(2027, 1, 11), date(2027, 1, 20), extra_requests=5_000)
    both = workload(events=(sale, load))
    assert calls(both) == pytest.approx([1_000, 3_300 + 500, 1_210, 1_331])
    quiet = event(date(2026, 12, 1), date(2026, 12, 24), factor=0.5)
    assert calls(workload(events=(quiet,)))[0] == pytest.approx(1_000)


def test_retries_are_calls():
    """A tenth of calls sent again is a tenth more calls."""
    assert calls(workload(retry_share=0.1))[0] == pytest.approx(1_100)


def test_the_paths_are_those_of_the_plan():
    """Without dated fields, the days of a month have the calls that the plan of spend expects."""
    paths = 300
    example = load_workloads()
    plan = project(example, 4, "2026-12", "kimi-k2", AS_OF, 7, n_paths=paths).frame
    days = np.array([[month.days] for month in MONTHS])
    for one in example:
        load = one.resolve()
        found = busiest_day_calls(load, MONTHS, Draws.draw(load, 7, paths)) * days
        planned = plan.loc[plan["workload"] == one.name, "requests"]
        np.testing.assert_allclose(found.mean(axis=1), planned, rtol=1e-9)


def test_dated_fields_reach_the_tier():
    """A day of eight times the traffic needs the tier that eight times the traffic needs."""
    usual = Workload(name="w", requests_per_day=100_000, prompt_tokens=10, completion_tokens=1)
    sale = event(date(2026, 12, 5), date(2026, 12, 5), factor=8)
    lifted = replace(usual, events=(sale,))
    settings = {"models": "kimi-k2", "months": 1, "as_of": AS_OF, "n_paths": 100}
    assert throughput(usual, **settings).tier("kimi-k2").tier == 1
    assert throughput(lifted, **settings).tier("kimi-k2").tier == 3
