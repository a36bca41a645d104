"""P10 and P90 of what a page moves, against closed forms of the same workload planned anew."""

from datetime import date

import pytest
from planned import dated_catalog

from kimi_planner import Workload, project
from kimi_planner.billing.meters import TOKEN_METERS
from kimi_planner.plan import what_if
from kimi_planner.report.ranges import REASONING, Ranges
from kimi_planner.report.settings import OUTPUTS, Settings

PLACES = {key: place for place, key in enumerate([*TOKEN_METERS, REASONING])}
INPUT, OUTPUT = 2.00, 10.00  # USD for a million tokens, of the catalog below
CALLS = 30 * 1000  # of June
FACTOR = {"p10": 0.4, "p50": 1, "p90": 2.5}


def chat(**fields):
    """Return 1,000 calls a day of certain size."""
    stated = {"requests_per_day": 1000, "prompt_tokens": 200, "completion_tokens": 100} | fields
    return Workload(name="chat", reasoning_tokens=0, **stated)


@pytest.fixture
def ranges(tmp_path):
    """Return the multiples of a workload, its spend at a factor on the output, and P10 and P90 by them."""
    scope = {"as_of": date(2026, 6, 1), "catalog": dated_catalog(tmp_path), "n_paths": 4000}

    def ranges(workload, output):
        plan = project(workload, 1, "2026-06", **scope)
        told = Ranges(Settings(plan, workload)).of(plan.specs[0], PLACES)
        [at] = told["at"][OUTPUTS.index(output)]
        [moved] = what_if(workload, output=output)
        bill = project(moved, 1, "2026-06", **scope).of("m").bill
        means = {key: float(bill[key].sum()) for key in ("input", "output")}
        multiples = told["multiples"][at][0]
        ends = [sum(end[0][PLACES[key]] * usd for key, usd in means.items()) for end in multiples]
        return told, ends

    return ranges


@pytest.mark.parametrize("output", OUTPUTS)
def test_a_limit_narrows_the_range_of_longer_answers(ranges, output):
    """Answers of 100 tokens, times 0.4 to 2.5 for all of them, cost at most the 150 that a limit leaves."""
    told, ends = ranges(
        chat(
            completion_tokens={"p50": 100, "p90": 100.0001, "mean_factor": FACTOR}, max_tokens=150
        ),
        output,
    )
    for end, factor in zip(ends, (0.4, 2.5), strict=True):
        tokens = min(100 * float(output) * factor, 150)
        assert end == pytest.approx(CALLS * (200 * INPUT + tokens * OUTPUT) / 1e6, rel=0.005)
    assert len(told["multiples"]) > 1


def test_settings_that_move_no_range_share_one(ranges):
    """Answers of a certain mean are cut alike on each path: only the traffic has a range."""
    traffic = {"p10": 800, "p50": 1000, "p90": 1250}
    told, ends = ranges(chat(requests_per_day=traffic, max_tokens=150), "3")
    assert told["at"] == [[0]] * len(OUTPUTS)
    assert len(told["multiples"]) == 1
    for end, calls in zip(ends, (800, 1250), strict=True):
        usd = 30 * calls * (200 * INPUT + 150 * OUTPUT) / 1e6
        assert end == pytest.approx(usd, rel=0.005)
