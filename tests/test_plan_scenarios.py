"""Named scenarios: the plan with something changed, over the same months and paths."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimi_planner import Workload, project
from kimi_planner.errors import SettingError
from kimi_planner.plan import Booking, Scenario, booked, compare_scenarios
from kimi_planner.plot import alt_text, scenarios
from kimi_planner.report.comparisons import scenarios_section

AS_OF = date(2026, 11, 24)
RANGE = {"p10": 500, "p50": 1000, "p90": 3000}
PLAIN = Workload(
    name="w", requests_per_day=1000, prompt_tokens=2000, completion_tokens=500, reasoning_tokens=100
)
MODEL = "kimi-k2-5-thinking"
MARCH = Scenario(name="March doubled", changes={"traffic": 2}, first="2027-03", last="2027-03")


def plan(*workloads, **options):
    settings = {"months": 4, "start": "2027-01", "as_of": AS_OF, "n_paths": 200, **options}
    return project(workloads, models=[MODEL, "kimi-k2"], **settings)


def test_a_scenario_holds_in_its_months_alone():
    """March costs twice as much, to the last digit, and every other month what it did."""
    base = plan(PLAIN)
    under = MARCH.of_plan(base)
    before, after = (one.of(MODEL, "w").exact_usd for one in (base, under))
    assert after == (before[0], before[1], 2 * before[2], before[3])
    assert [one.name for one in under.workloads] == ["w"]


def test_reasoning_three_times_is_a_change_of_the_call():
    """Without months it holds for all of the plan; by hand 200 more tokens of output a call."""
    thrice = Scenario(name="thrice", changes={"reasoning": 3})
    base = plan(PLAIN)
    usd = [booked(one, {"w": MODEL}).usd for one in (base, thrice.of_plan(base))]
    price = base.catalog.model(MODEL).output_usd_per_mtok
    assert usd[1] - usd[0] == 120 * 1000 * 200 * price / 10**6


def test_a_cached_share_replaces_what_it_was_worked_out_from():
    """And a change of anything else leaves that as it is: by hand, at the prices of K2.6."""
    load = Workload(
        name="w", requests_per_day=1000, prompt_tokens=2000, completion_tokens=0,
        cache={"prefix_tokens": 1024},
    )  # fmt: skip
    settings = {"months": 1, "start": "2027-01", "as_of": AS_OF, "catalog": "2026-11-public"}
    base = project([load], models=["kimi-k2.6"], **settings)
    spec = base.catalog.model("kimi-k2.6")
    tokens = 1000 * 31 * 2000

    def usd(share):
        of_token = spec.cached_input_usd_per_mtok * share + spec.input_usd_per_mtok * (1 - share)
        return float(tokens * of_token / 10**6)

    share = base.workloads[0].resolve().cached.mean
    assert 0.4 < share < 0.5125, (
        "the whole chunks of a prefix of 1,024 of 2,000 tokens, if it is still there"
    )
    share = Decimal(repr(share))
    for changes, expected in (
        ({"cached_share": 0.25}, usd(Decimal("0.25"))),
        (
            {"completion_tokens": 100},
            usd(share) + float(31_000 * 100 * spec.output_usd_per_mtok / 10**6),
        ),
    ):
        under = Scenario(name="s", changes=changes).of_plan(base)
        january = float(under.of("kimi-k2.6", "w").mean()[0])
        assert january == pytest.approx(expected, rel=1e-3)


@settings(max_examples=15, deadline=None)
@given(
    level=st.sampled_from([1000, RANGE]),
    changes=st.sampled_from(
        [{"traffic": 2}, {"requests_per_day": 400}, {"completion_tokens": {"p50": 1, "p90": 900}}]
    ),
    month=st.integers(1, 4),
)
def test_the_months_of_a_scenario_are_those_of_the_changed_plan(level, changes, month):
    """Path by path, a month is that of the plan in which the change holds throughout, or of the plan."""
    load = replace(PLAIN, requests_per_day=level)
    base = plan(load)
    scenario = Scenario(name="s", changes=changes, first=f"2027-{month:02d}")
    under, whole = scenario.of_plan(base), plan(*scenario.applied([load]))
    width = base.n_paths
    spends = [np.broadcast_to(one.of(MODEL, "w").usd, (4, width)) for one in (base, whole, under)]
    expected = np.concatenate([spends[0][: month - 1], spends[1][month - 1 :]])
    assert np.allclose(spends[2], expected, rtol=1e-12)


def test_scenarios_stand_beside_the_plan():
    """The plan first, then each with its difference; what is booked follows the plan's own choice."""
    booking = Booking(book="p80", contingency_percent=10)
    base = plan(replace(PLAIN, requests_per_day=RANGE), replace(PLAIN, name="x"), booking=booking)
    dearer = Scenario(name="other model", changes={"model": MODEL}, workloads=("x",))
    found = compare_scenarios(base, [MARCH, dearer], "kimi-k2")
    frame = found.frame.set_index("scenario")
    assert list(frame.index) == ["plan", "March doubled", "other model"]
    assert found.choice_in("other model") == {"w": "kimi-k2", "x": MODEL}
    number = booked(MARCH.of_plan(base), dict.fromkeys(("w", "x"), "kimi-k2"))
    assert frame.loc["March doubled", "usd"] == number.usd
    assert frame.loc["March doubled", "dearest_month"] == "2027-03"
    assert frame.loc["plan", "difference_usd"] == 0
    assert (frame["usd"] - frame["difference_usd"]).nunique() == 1
    [table] = scenarios_section(found).tables
    assert [row[:2] for row in table.rows][1:] == [
        ("March doubled", "traffic × 2, 2027-03"),
        ("other model", f"model = {MODEL}, of x"),
    ]
    assert Decimal(scenarios_section(found).data["scenarios"][1]["usd"]) == number.usd
    words = alt_text(scenarios(found))
    assert "March doubled" in words
    assert "P80 plus 10% contingency" in words


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": ""}, "must be text"),
        ({"name": "plan"}, "cannot be named"),
        ({"changes": {}}, "Give a table"),
        ({"changes": {"trafic": 2}}, "Did you mean 'traffic'"),
        ({"changes": {"name": "x"}}, "set has 'name'"),
        ({"changes": {"prompt_tokens": -1}}, "cannot be negative"),
        ({"first": "2027"}, "Write a month"),
        ({"first": "2027-04"}, "is before from"),
    ],
)
def test_what_is_no_scenario_is_refused(changed, said):
    """Each rule is said when the scenario is made, with its name."""
    with pytest.raises(SettingError, match=said):
        replace(MARCH, **changed)


def test_a_scenario_must_meet_the_plan():
    """One that holds in no month or for no workload of the plan, and two of one name, are refused."""
    with pytest.raises(SettingError, match="holds in no month of the plan"):
        compare_scenarios(plan(PLAIN, months=2), [MARCH], MODEL)
    with pytest.raises(SettingError, match="Did you mean 'w'"):
        compare_scenarios(plan(PLAIN), [replace(MARCH, workloads=("ww",))], MODEL)
    with pytest.raises(SettingError, match="Two scenarios have one name"):
        compare_scenarios(plan(PLAIN), [MARCH, MARCH], MODEL)
    with pytest.raises(SettingError, match="is no scenario"):
        compare_scenarios(plan(PLAIN), ["March"], MODEL)
