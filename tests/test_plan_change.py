"""What changed between two plans: each cause has what it caused, and the steps add up to the cent."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimi_planner import Workload, project, recommend
from kimi_planner.errors import SettingError
from kimi_planner.money import total
from kimi_planner.plan import Booking, approved_toml, booked, compare_plans
from kimi_planner.plot import plan_change
from kimi_planner.report.changed import change_data, change_section
from kimi_planner.report.comparisons import plan_sections
from kimi_planner.report.json_form import plan_json
from kimi_planner.report.text import markdown_report, section_text

AS_OF = date(2026, 11, 24)
RANGE = {"p10": 500, "p50": 1000, "p90": 3000}
PLAIN = Workload(name="w", requests_per_day=1000, prompt_tokens=2000, completion_tokens=500)


def plan(*workloads, models=("kimi-k2", "kimi-k2-5"), **options):
    settings = {"months": 2, "start": "2026-12", "as_of": AS_OF, "n_paths": 200, **options}
    return project(workloads, models=models, **settings)


def steps(before, after, before_model="kimi-k2", after_model="kimi-k2", **options):
    change = compare_plans(before, after, before_choice=before_model, after_choice=after_model)
    return dict(change.steps(**options).to_numpy().tolist())


def test_each_cause_has_what_it_caused():
    """One number moved is one step, worked by hand: 62 days of calls at the card's prices."""
    before = plan(PLAIN)
    usd = 62 * 1000 * (2000 * Decimal("1.20") + 500 * Decimal("3.60")) / 10**6
    assert steps(before, before) == {"before": usd, "after": usd}
    moved = {
        "traffic": (replace(PLAIN, requests_per_day=1500), usd / 2),
        "prompt tokens": (
            replace(PLAIN, prompt_tokens=3000), 62 * 1000 * 1000 * Decimal("1.20") / 10**6
        ),
        "answer tokens": (
            replace(PLAIN, completion_tokens=400), 62 * 1000 * -100 * Decimal("3.60") / 10**6
        ),
        "price": (
            replace(PLAIN, price_changes=[{"date": "2026-12-01", "factor": Decimal("1.5")}]), usd / 2
        ),
    }  # fmt: skip
    for cause, (load, more) in moved.items():
        assert steps(before, plan(load)) == {"before": usd, cause: more, "after": usd + more}


def test_a_model_that_changed_is_the_mix():
    """The same calls on another model: all of the difference is the model."""
    both = plan(PLAIN)
    found = steps(both, both, after_model="kimi-k2-5")
    assert found["model mix"] == found["after"] - found["before"]
    assert found.keys() == {"before", "model mix", "after"}


def test_workloads_and_months_come_and_go():
    """A workload or month that one plan does not have is a step of its own."""
    other = replace(PLAIN, name="other", requests_per_day=10)
    before, after = plan(PLAIN), plan(other, months=3)
    found = compare_plans(before, after, before_choice="kimi-k2", after_choice="kimi-k2")
    parts = found.frame.groupby("cause")["usd"].agg(total)
    usd = {name: booked(one, {load.name: "kimi-k2"}).by_month for name, one, load in (
        ("before", before, PLAIN), ("after", after, other))}  # fmt: skip
    assert parts["gone workload"] == -total(usd["before"].values())
    assert parts["new workload"] == usd["after"]["2026-12"] + usd["after"]["2027-01"]
    assert parts["months"] == usd["after"]["2027-02"]
    assert found.names == ("w", "other")
    with pytest.raises(SettingError, match="Neither plan has a workload 'x'"):
        found.steps("x")


def test_no_traffic_on_one_side_is_traffic():
    """A workload that starts a month later has no size of a call in the first one."""
    late = replace(PLAIN, starts_on="2027-01-01")
    found = steps(plan(PLAIN), plan(late))
    assert found["traffic"] == found["after"] - found["before"] < 0
    assert steps(plan(late), plan(PLAIN))["traffic"] == -found["traffic"]


def test_another_bookable_number_is_reserve():
    """The same plan booked higher: all of the difference is what lies above what is expected."""
    load = replace(PLAIN, requests_per_day=RANGE)
    high = Booking(book="p80", contingency_percent=10)
    before, after = plan(load), plan(load, booking=high)
    found = steps(before, after)
    number = booked(after, {"w": "kimi-k2"}).usd
    assert found["after"] == round(number, 2)
    assert found["reserve"] == found["after"] - found["before"]


NUMBERS = st.sampled_from([700, 1000, RANGE, {"p50": 900, "p90": 1400}])
LOADS = st.builds(
    Workload,
    name=st.just("w"),
    requests_per_day=NUMBERS,
    prompt_tokens=NUMBERS,
    completion_tokens=NUMBERS,
    cached_share=st.sampled_from([None, Decimal("0.3"), {"p50": 0.1, "p90": 0.4}]),
    growth_per_month=st.sampled_from([0, Decimal("0.1")]),
    turns=st.sampled_from([1, 3]),
)
BOOKINGS = st.builds(
    Booking,
    book=st.sampled_from(["mean", "p50", "p80"]),
    contingency_percent=st.sampled_from([0, Decimal("7.5")]),
)


@settings(max_examples=25, deadline=None)
@given(
    loads=st.tuples(LOADS, LOADS, LOADS),
    bookings=st.tuples(BOOKINGS, BOOKINGS),
    model=st.sampled_from(["kimi-k2", "kimi-k2-5"]),
)
def test_steps_add_up_to_the_cent(loads, bookings, model):
    """For any two plans the steps lead from one bookable number to the other, and back again."""
    second = replace(loads[2], name="second")
    plans = plan(loads[0], second, booking=bookings[0]), plan(loads[1], second, booking=bookings[1])
    change = compare_plans(*plans, before_choice="kimi-k2", after_choice=model)
    for workload in (None, "w", "second"):
        found = change.steps(workload)["usd"]
        assert total(found[:-1]) == found.iloc[-1]
        assert all(one == round(one, 2) for one in found)
    summary = change.summary()
    assert (summary[["w", "second"]].sum(axis=1) == summary["all"]).all()
    assert total(change.frame["usd"]) == change.after_usd - change.before_usd
    number = booked(plans[1], dict.fromkeys(("w", "second"), model)).usd
    assert abs(Fraction(change.after_usd) - Fraction(number)) < Fraction(1, 10**4)
    back = compare_plans(*plans[::-1], before_choice=model, after_choice="kimi-k2")
    sides = [one.frame.groupby(["workload", "cause"])["usd"].agg(total) for one in (change, back)]
    for key, usd in sides[0].items():
        assert float(usd) == pytest.approx(-float(sides[1].get(key, 0)), abs=1e-6)


@pytest.fixture
def approved(tmp_path):
    path = tmp_path / "plan-2027.toml"
    load = replace(PLAIN, requests_per_day=RANGE)
    path.write_text(approved_toml(plan(load), {"w": "kimi-k2"}), encoding="utf-8")
    return path


def changed(**options):
    load = replace(PLAIN, requests_per_day={**RANGE, "p50": 1200}, max_tokens=400)
    settings = {"months": 2, "start": "2026-12", "as_of": AS_OF, "n_paths": 200, **options}
    return recommend(load, models=["kimi-k2"], booking=Booking(book="p80"), **settings)


def test_a_plan_is_told_against_an_approved_one(approved):
    """Steps, the assumptions behind them, and what the plans rest on, in text, Markdown and JSON."""
    now = changed(seed=3)
    section = plan_sections(now, previous=approved)[0]
    steps, moved = section.tables
    assert [row[0] for row in steps.rows] == [
        "before",
        "traffic",
        "answer tokens",
        "reserve",
        "after",
    ]
    assert {row[1:] for row in moved.rows} == {
        ("requests_per_day", "p10 500, p50 1,000, p90 3,000", "p10 500, p50 1,200, p90 3,000", "traffic"),
        ("max_tokens", "not given", "400", "answer tokens"),
    }  # fmt: skip
    assert "Seed: 0 -> 3." in section.sentences
    assert "Booked: mean -> P80." in section.sentences
    [(name, change)] = section.drawn
    data = json.loads(json.dumps(change_data(change)))
    assert name == "plan_change"
    assert [one["step"] for one in data["steps"]] == [row[0] for row in steps.rows]
    assert {one["step"] for one in data["assumptions"]} == {"traffic", "answer tokens"}
    for text in (section_text(section), markdown_report(now, [section])):
        assert text.index("USD to book, all months, by cause") < text.index(
            "Assumptions that changed"
        )


def test_an_earlier_report_states_no_assumptions(tmp_path):
    """Of a report in JSON the steps are told, and that its assumptions are not in it."""
    path = tmp_path / "report.json"
    path.write_text(plan_json(changed()), encoding="utf-8")
    change = compare_plans(path, plan(PLAIN), after_choice="kimi-k2")
    assert change.before_usd == pytest.approx(changed().booked.usd, abs=Decimal("1e-6"))
    assert "does not state its assumptions" in " ".join(change_section(change).sentences)
    [(_, drawn)] = plan_sections(changed(), previous=path)[0].drawn
    assert list(drawn.steps()["step"]) == ["before", "after"]


def test_the_picture_says_every_step(approved):
    """Each step has a bar, its name and its amount; the words are those of the table."""
    [(_, change)] = plan_sections(changed(), previous=approved)[0].drawn
    ax = plan_change(change)
    names = [tick.get_text() for tick in ax.get_yticklabels()]
    assert names == list(change.steps()["step"])
    bars = [patch.get_width() for patch in ax.patches]
    assert bars == pytest.approx(list(map(float, change.steps()["usd"])))
    lefts = [patch.get_x() for patch in ax.patches][1:-1]
    assert lefts[0] == pytest.approx(bars[0])


@pytest.mark.parametrize("catalog", ["2026-06", "2026-11-public-3"])
def test_plans_with_batches_are_compared(catalog):
    """A batch that reads nothing from a cache has no price of that, with a batch price and without."""
    model = "kimi-k2" if catalog == "2026-06" else "kimi-k2.6"
    nightly = Workload(
        name="nightly", requests_per_day=4000, prompt_tokens={"p50": 3500, "p90": 12000},
        completion_tokens=300, batch=True, certainty="measured", model=model,
    )  # fmt: skip
    plans = [
        project(one, 1, "2026-12", model, as_of="2026-11-28", catalog=catalog, n_paths=500)
        for one in (nightly, replace(nightly, requests_per_day=6000))
    ]
    means = [float(plan.of(model, "nightly").mean()[0]) for plan in plans]
    steps = compare_plans(*plans).steps()
    before, *causes, after = map(float, steps["usd"])
    assert [before, after] == pytest.approx(means, abs=0.01)
    assert sum(causes) == pytest.approx(after - before, abs=1e-6)
