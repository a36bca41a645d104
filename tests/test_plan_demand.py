"""Calendar of traffic, retries and price changes against sums over single days by hand."""

import math
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kimi_planner.errors import UnknownModelError, WorkloadError
from kimi_planner.plan.simulation import project
from kimi_planner.workload import Event, PriceChange, Workload, load_workloads

AS_OF = date(2026, 10, 24)
CALL = (2000 * Decimal("1.20") + 500 * Decimal("3.60")) / 1_000_000
PLAIN = {"name": "w", "requests_per_day": 1000, "prompt_tokens": 2000, "completion_tokens": 500}
WEEK = [Decimal(one) for one in ("1.2", "1.2", "1.2", "1.1", "1.0", "0.3", "0")]  # sums to 6
Z90 = stats.norm.ppf(0.9)


def plain(**changes):
    return Workload(**PLAIN | changes)


def plan(workloads, **scenario):
    asked = {"months": 1, "start": "2026-11", "as_of": AS_OF, "models": "kimi-k2", "n_paths": 1000}
    return project(workloads, **asked | scenario)


def exact(workload, **scenario):
    return plan(workload, **scenario).of("kimi-k2").exact_usd


def days(first, last):
    while first <= last:
        yield first
        first += timedelta(days=1)


def november():
    return days(date(2026, 11, 1), date(2026, 11, 30))


BY_HAND = {
    "first and last day": (
        {"starts_on": date(2026, 11, 10), "ends_on": "2026-11-12"}, {}, [3000 * CALL]),
    "begins later than the plan": (
        {"starts_on": date(2026, 12, 31), "growth_per_month": Decimal("0.5")}, {"months": 3},
        [0, 1000 * CALL, 31 * 1500 * CALL]),
    "began before the plan": (
        {"starts_on": date(2026, 9, 15), "growth_per_month": Decimal("0.5")}, {},
        [30 * 2250 * CALL]),
    "ended before the plan": ({"ends_on": date(2026, 10, 31)}, {}, [0]),
    "weekdays": (
        {"weekday_profile": WEEK}, {},
        [sum(1000 * WEEK[day.weekday()] * 7 for day in november()) * CALL / 6]),
    "one day is doubled": (
        {"events": [{"name": "launch", "date": date(2026, 11, 3), "factor": 2}]}, {},
        [31_000 * CALL]),
    "traffic stops": (
        {"events": [{"name": "leave", "from": "2026-11-21", "to": "2026-12-05", "factor": 0}]},
        {"months": 2}, [20_000 * CALL, 26_000 * CALL]),
    "events of one day multiply": (
        {"events": [{"name": "a", "date": "2026-11-03", "factor": 2},
                    {"name": "b", "from": "2026-11-02", "to": "2026-11-03", "factor": Decimal("1.5")}]},
        {}, [(28 + Decimal("1.5") + 3) * 1000 * CALL]),
    "extra requests are split by days": (
        {"events": [{"name": "fair", "from": "2026-11-28", "to": "2026-12-02", "extra_requests": 500}],
         "growth_per_month": 1}, {"months": 2}, [30_300 * CALL, 62_200 * CALL]),
    "retries": ({"retry_share": Decimal("0.02")}, {}, [30_600 * CALL]),
    "prices fall in the month": (
        {"price_changes": [{"date": "2026-11-11", "factor": Decimal("0.5")}]}, {},
        [(10 + 20 * Decimal("0.5")) * 1000 * CALL]),
    "changes follow each other": (
        {"price_changes": [{"date": "2026-12-01", "output_usd_per_mtok": "1.80"},
                           {"date": "2026-11-01", "factor": 2}]}, {"months": 2},
        [60_000 * CALL, 31_000 * (2000 * Decimal("2.40") + 500 * Decimal("1.80")) / 1_000_000]),
    "another model's price": (
        {"price_changes": [{"date": "2026-11-01", "model": "kimi-k2-5", "factor": 9}]}, {},
        [30_000 * CALL]),
    "weekdays weigh the price": (
        {"weekday_profile": WEEK, "price_changes": [{"date": "2026-11-16", "factor": 3}]}, {},
        [sum(1000 * WEEK[day.weekday()] * 7 * (3 if day.day >= 16 else 1) for day in november())
         * CALL / 6]),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "scenario", "usd"), BY_HAND.values(), ids=BY_HAND.keys())
def test_plain_numbers_give_the_bill_by_hand(changes, scenario, usd):
    """Days, weekdays, events, retries and price changes of plain numbers are exact decimals."""
    found = exact(plain(**changes), **scenario)
    if "weekday_profile" in changes:  # sevenths of a sixth
        assert found == pytest.approx(usd, rel=Decimal("1e-27"))
    else:
        assert list(found) == usd


def test_a_week_has_the_mean_of_its_days():
    """Four whole weeks of February have 28 times the requests of an average day, exactly."""
    for profile in (WEEK, [1] * 7, [7, 0, 0, 0, 0, 0, 0]):
        workload = plain(weekday_profile=profile)
        assert exact(workload, start="2027-02") == (28_000 * CALL,)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(
    profile=st.lists(st.decimals(0, 9, places=1), min_size=7, max_size=7).filter(any),
    begins=st.integers(0, 80),
    lasts=st.integers(0, 80),
    event=st.tuples(st.integers(0, 60), st.integers(0, 20), st.decimals(0, 5, places=2)),
    change=st.tuples(st.integers(0, 95), st.decimals(0, 3, places=2)),
    growth=st.decimals("-0.5", 1, places=2),
)
def test_a_month_is_the_sum_of_its_days(profile, begins, lasts, event, change, growth):
    """Any calendar equals a loop over days in fractions, and equals the simulated expectation."""
    origin = date(2026, 11, 1)
    first = origin + timedelta(days=begins)
    last = first + timedelta(days=lasts)
    event_first = min(first + timedelta(days=event[0]), last)
    event_last = min(event_first + timedelta(days=event[1]), last)
    changed_on = origin + timedelta(days=change[0])
    fields = {
        "starts_on": first, "ends_on": last, "weekday_profile": profile, "growth_per_month": growth,
        "events": [{"name": "e", "from": event_first, "to": event_last, "factor": event[2]}],
        "price_changes": [{"date": changed_on, "factor": change[1]}],
    }  # fmt: skip
    usd = [Fraction(0)] * 3
    for day in days(first, last):
        month = 12 * (day.year - 2026) + day.month - 11
        if month > 2:
            break
        grown = (1 + Fraction(growth)) ** (month - (12 * (first.year - 2026) + first.month - 11))
        weight = Fraction(profile[day.weekday()]) * 7 / sum(map(Fraction, profile))
        happening = Fraction(event[2]) if event_first <= day <= event_last else 1
        price = Fraction(change[1]) if day >= changed_on else 1
        usd[month] += 1000 * grown * weight * happening * price * Fraction(CALL)
    found = exact(plain(**fields), months=3)
    for amount, expected in zip(found, usd, strict=True):
        assert abs(Fraction(amount) - expected) <= abs(expected) * Fraction(1, 10**50)
    growing = fields | {"growth_per_month": {"p10": growth, "p50": growth, "p90": growth + 1}}
    drawn = plan(plain(**growing), months=3, n_paths=100).of("kimi-k2")
    assert drawn.usd.min(axis=1) == pytest.approx([float(amount) for amount in usd], rel=1e-9)


def test_an_uncertain_event_is_drawn_once():
    """Extra requests over two months are one number in each scenario, split by days."""
    extra = {"p10": 2e9, "p50": 4e9, "p90": 9e9}
    event = {"name": "sale", "from": "2026-11-27", "to": "2026-12-02", "extra_requests": extra}
    workload = plain(requests_per_day=0, events=[event])
    spend = plan(workload, months=2, n_paths=5000).of("kimi-k2")
    assert spend.usd[0] / 4 == pytest.approx(spend.usd[1] / 2, rel=1e-9)
    for q, number in ((0.1, 2e9), (0.5, 4e9), (0.9, 9e9)):
        assert spend.quantile(q)[0] == pytest.approx(number * 4 / 6 * float(CALL), rel=1e-3)


def test_an_uncertain_factor_multiplies_its_days_only():
    """A day of 30 is multiplied by the factor of the scenario; the others are as usual."""
    event = {"name": "day", "date": "2026-11-20", "factor": {"p10": 1, "p50": 3, "p90": 5}}
    spend = plan(plain(events=[event]), n_paths=5000).of("kimi-k2")
    for q, factor in ((0.1, 1), (0.5, 3), (0.9, 5)):
        assert spend.quantile(q)[0] == pytest.approx((29 + factor) * 1000 * float(CALL), rel=1e-3)


def test_uncertain_retries_multiply_the_bill():
    """The share of retries is drawn once per scenario, and counts in requests and tokens too."""
    spend = plan(plain(retry_share={"p10": 0.01, "p50": 0.02, "p90": 0.05}), n_paths=5000).of(
        "kimi-k2"
    )
    for q, share in ((0.1, 0.01), (0.5, 0.02), (0.9, 0.05)):
        assert spend.quantile(q)[0] == pytest.approx(30_000 * (1 + share) * float(CALL), rel=1e-4)
    assert spend.prompt_tokens[0] == pytest.approx(spend.requests[0] * 2000, rel=1e-12)
    assert 30_300 < spend.requests[0] < 31_500


def test_an_uncertain_price_is_the_same_for_all_workloads():
    """The factor on prices is one number in each scenario, whichever workload it bills."""
    change = {"date": "2026-11-16", "factor": {"p10": 0.5, "p50": 1, "p90": 2}}
    parts = [plain(name=name, price_changes=[change]) for name in "ab"]
    projection = plan(parts, n_paths=5000)
    a, b = (projection.of("kimi-k2", name).usd[0] for name in "ab")
    assert (a == b).all()
    assert a.std() > 0
    for q, factor in ((0.1, 0.5), (0.5, 1), (0.9, 2)):
        expected = (15 + 15 * factor) * 1000 * float(CALL)
        assert projection.of("kimi-k2", "a").quantile(q)[0] == pytest.approx(expected, rel=1e-3)


def test_stated_prices_end_an_uncertain_factor():
    """A price stated later holds as it is; a price not stated keeps the factor."""
    changes = [
        {"date": "2026-11-01", "factor": {"p10": 0.5, "p50": 1, "p90": 2}},
        {"date": "2026-12-01", "input_usd_per_mtok": "1"},
    ]
    for tokens, spread in ((("prompt_tokens", 2000), False), (("completion_tokens", 500), True)):
        sizes = {"prompt_tokens": 0, "completion_tokens": 0} | dict([tokens])
        spend = plan(plain(**sizes, price_changes=changes), months=2).of("kimi-k2")
        assert spend.usd[0].std() > 0
        assert (spend.usd[1].std() > 1e-9 * spend.usd[1].mean()) == spread


def test_the_number_of_calls_is_poisson_only_around_a_range():
    """A plain number of calls is certain; a range adds the variance of a Poisson number."""
    n = 20_000
    certain = plan(plain(requests_per_day=1, growth_per_month={"p50": 0, "p90": 0.1}), n_paths=n)
    assert certain.of("kimi-k2").usd[0] == pytest.approx(30 * float(CALL), rel=1e-12)
    level = {"p50": 1, "p90": 1.2}
    usd = plan(plain(requests_per_day=level), n_paths=n).of("kimi-k2").usd[0] / float(CALL)
    sigma = math.log(1.2) / Z90
    mean = 30 * math.exp(sigma**2 / 2)
    assert usd.mean() == pytest.approx(mean, rel=2e-3)
    variance = mean + mean**2 * math.expm1(sigma**2)
    assert usd.var() == pytest.approx(variance, rel=5 * math.sqrt(2 / n))


FILE = """
[[price_change]]
date = 2027-01-15
factor = { p10 = 0.8, p50 = 0.9, p90 = 1.0 }

[[price_change]]
date = 2027-02-01
model = "kimi-k2"
input_usd_per_mtok = "1.10"
cached_input_usd_per_mtok = "0.11"
output_usd_per_mtok = "3.30"

[[workload]]
name = "w"
requests_per_day = { p10 = 800, p50 = 1000, p90 = 1500 }
prompt_tokens = { p50 = 2000, p90 = 5000, mean_factor = { p10 = 0.8, p50 = 1.0, p90 = 1.3 } }
completion_tokens = { mean = 500, sd = 100 }
cached_share = { p50 = 0.3, p90 = 0.4 }
growth_per_month = { p50 = 0.02, p90 = 0.05 }
starts_on = 2026-11-15
ends_on = 2027-06-30
weekday_profile = [1.2, 1.2, 1.2, 1.1, 1.0, 0.3, 0.2]
retry_share = { p50 = 0.01, p90 = 0.03 }
turns = { mean = 3, sd = 2 }
followup_tokens = 100
[[workload.events]]
name = "launch"
date = 2027-01-10
factor = { p10 = 2, p50 = 3, p90 = 6 }
[[workload.events]]
name = "import"
from = 2027-02-01
to = 2027-02-10
extra_requests = 50000

[[workload]]
name = "v"
requests_per_day = 10
prompt_tokens = 20
completion_tokens = 30
"""
KEYWORDS = {
    "name": "w",
    "requests_per_day": {"p10": 800, "p50": 1000, "p90": 1500},
    "prompt_tokens": {"p50": 2000, "p90": 5000, "mean_factor": {"p10": 0.8, "p50": 1, "p90": 1.3}},
    "completion_tokens": {"mean": 500, "sd": 100},
    "cached_share": {"p50": 0.3, "p90": 0.4},
    "growth_per_month": {"p50": 0.02, "p90": 0.05},
    "starts_on": date(2026, 11, 15),
    "ends_on": date(2027, 6, 30),
    "weekday_profile": (1.2, 1.2, 1.2, 1.1, 1.0, 0.3, 0.2),
    "retry_share": {"p50": 0.01, "p90": 0.03},
    "turns": {"mean": 3, "sd": 2},
    "followup_tokens": 100,
    "events": [
        {"name": "launch", "date": "2027-01-10", "factor": {"p10": 2, "p50": 3, "p90": 6}},
        {"name": "import", "from": "2027-02-01", "to": "2027-02-10", "extra_requests": 50_000},
    ],
    "price_changes": [
        {"date": "2027-02-01", "model": "kimi-k2", "input_usd_per_mtok": "1.10",
         "cached_input_usd_per_mtok": "0.11", "output_usd_per_mtok": "3.30"},
        {"date": "2027-01-15", "factor": {"p10": 0.8, "p50": 0.9, "p90": 1.0}},
    ],
}  # fmt: skip


@pytest.fixture
def load(tmp_path):
    def load(text):
        path = tmp_path / "plan.toml"
        path.write_text(text, encoding="utf-8")
        return load_workloads(path)

    return load


def test_a_file_says_what_keywords_say(load):
    """Every field means the same in a file and in Python, units and digits included."""
    first, second = load(FILE)
    assert first == Workload(**KEYWORDS)
    assert second.price_changes == first.price_changes
    assert [type(one) for one in (*first.events, *first.price_changes)] == [Event] * 2 + [PriceChange] * 2  # fmt: skip
    assert first.weekday_profile[0] == Decimal("1.2")
    assert first.price_changes[1].prices["input_usd_per_mtok"] == Decimal("1.10")
    again = Workload(**{key: getattr(first, key) for key in KEYWORDS})
    assert again == first
    left = plan([first, second], months=4).of("kimi-k2")
    right = plan([again, second], months=4).of("kimi-k2")
    assert left.usd.tobytes() == right.usd.tobytes()


def test_notes_and_assumptions_name_dates_and_changes(load):
    """The reader is told of price changes, and of retries and events without a range."""
    projection = plan(load(FILE), months=4)
    said = "\n".join(projection.notes)
    assert "Prices change from 2027-01-15, all models: times p10 0.8, p50 0.9, p90 1." in said
    assert "Prices change from 2027-02-01, kimi-k2: input 1.10 per 1M tokens" in said
    assert "An event's size is one plain number" in said
    assert "share of retries" not in said
    assert "Poisson" in projection.method
    dates = dict(projection.workloads[0].dates())
    assert dates["starts_on"] == "2026-11-15"
    assert dates["weekday_profile"].startswith("Mon 1.2, Tue 1.2")
    assert dates["event import"] == "2027-02-01 to 2027-02-10: extra calls 50,000"
    retried = plan(plain(retry_share=0.01, requests_per_day={"p50": 1, "p90": 2}))
    assert any("share of retries is one plain number" in note for note in retried.notes)


def event(**changes):
    return {"events": [{"name": "e", "date": "2026-11-03", "factor": 2} | changes]}


def change(**fields):
    return {"price_changes": [{"date": "2026-11-03"} | fields]}


REFUSED = [
    ({"starts_on": "2026-02-30"}, "starts_on is '2026-02-30'. It must be a date"),
    ({"starts_on": 5}, "starts_on is 5. It must be a date"),
    ({"ends_on": "1999-01-01"}, "ends_on is 1999-01-01. It must lie in the years"),
    ({"starts_on": "2027-01-02", "ends_on": "2027-01-01"}, "ends_on (2027-01-01) is before"),
    ({"weekday_profile": [1, 2]}, "weekday_profile is [1, 2]. Give seven numbers"),
    ({"weekday_profile": [0] * 7}, "Give seven numbers"),
    ({"weekday_profile": [1] * 6 + [-1]}, "Give seven numbers"),
    ({"weekday_profile": [1] * 6 + ["x"]}, "weekday_profile: 'x' is not a number"),
    ({"weekday_profile": [1] * 6 + [1e-200]}, "Round it to 20 places"),
    ({"events": "launch"}, "events is 'launch'. It must be a list of tables"),
    ({"events": [3]}, "events has 3. Each must be a table"),
    (event(name=" "), "Each event needs a name"),
    (event(faktor=3), "event 'e' has an unknown key 'faktor'. Did you mean 'factor'?"),
    (event(to="2026-11-04"), "event 'e': give date, or from and to"),
    (event(date="soon"), "event 'e': date is 'soon'"),
    (event(extra_requests=3), "event 'e': give factor or extra_requests"),
    (event(factor=-1), "event 'e': factor is -1. It cannot be negative"),
    ({"events": event()["events"] * 2}, "two are named 'e'"),
    (event() | {"starts_on": "2026-11-04"}, "event 'e' lies outside of the days with traffic"),
    ({"events": [{"name": "e", "from": "2026-11-04", "to": "2026-11-03", "factor": 2}]}, "Put them in order"),
    ({"retry_share": 1.5}, "retry_share is 1.5. It must lie between 0 and 1"),
    (change(), "price_change of 2026-11-03: give factor, or new prices"),
    (change(factor=2, input_usd_per_mtok="1"), "give factor, or new prices"),
    (change(factor="x"), "price_change of 2026-11-03: factor is 'x'"),
    (change(input_usd_per_mtok="-1"), "input_usd_per_mtok is -1. It must lie between 0"),
    (change(output_usd_per_mtok="free"), "output_usd_per_mtok: 'free' is not a number"),
    (change(model=3, factor=2), "model is 3. It must be a model id"),
    (change(price=3), "price_change has an unknown key 'price'"),
    ({"price_changes": change(factor=2)["price_changes"] * 2}, "two are of 2026-11-03 for all models"),
    ({"price_changes": [{"factor": 2}]}, "price_change: date is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "said"), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_meant_is_refused(changes, said):
    """Each fault is one line with the workload, the value and the remedy."""
    with pytest.raises(WorkloadError) as caught:
        plain(**changes)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("workload 'w': ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('date = 2027-01-15', 'date = "x"', " line 2: price_change: date is 'x'"),
        ('"1.10"', '"ten"', " line 6: price_change of 2027-02-01: input_usd_per_mtok: 'ten' is not"),
        ("factor = { p10 = 2,", "factor = { p10 = 9,", " line 26: workload 'w': event 'launch': factor: percentiles"),
        ("retry_share = { p50 = 0.01", "retry_share = { p50 = 2", " line 23: workload 'w': retry_share.p50 is 2"),
        ("ends_on = 2027-06-30", "ends_on = 2026-06-30", " line 13: workload 'w': ends_on (2026-06-30) is before"),
        ("[[price_change]]\ndate = 2027-01-15", "[[price_changes]]\ndate = 2027-01-15", " line 2: unknown key 'price_changes'. Did you mean 'price_change'?"),
    ],
)  # fmt: skip
def test_a_fault_in_a_file_has_its_line(load, tmp_path, old, new, said):
    """Dates, prices and events in a file are named with file and line."""
    assert old in FILE
    with pytest.raises(WorkloadError) as caught:
        load(FILE.replace(old, new, 1))
    assert str(caught.value).removeprefix(str(tmp_path / "plan.toml")).startswith(said)


def test_a_price_change_names_a_model_of_the_catalog():
    """A misspelled model would change nothing, so it is refused."""
    workload = plain(price_changes=[{"date": "2027-01-01", "model": "kimi-k3", "factor": 2}])
    with pytest.raises(UnknownModelError, match="kimi-k3"):
        plan(workload)


UNCERTAIN = {
    "requests_per_day": {"p10": 60, "p50": 100, "p90": 170},
    "prompt_tokens": {"p50": 1800, "p90": 6000},
    "completion_tokens": {"p50": 250, "p90": 700},
    "growth_per_month": {"p10": 0, "p50": 0.05, "p90": 0.1},
    "retry_share": {"p50": 0.01, "p90": 0.05},
    "turns": {"mean": 3, "sd": 2},
}


@pytest.mark.parametrize(
    "changes",
    [
        *({key: {part: 1.5 * value for part, value in UNCERTAIN[key].items()}}
          for key in ("requests_per_day", "prompt_tokens", "completion_tokens", "retry_share")),
        {"growth_per_month": {"p10": 0.01, "p50": 0.06, "p90": 0.11}},
        {"events": [{"name": "e", "date": "2026-11-20", "factor": 2}]},
        {"events": [{"name": "e", "date": "2026-11-20", "extra_requests": {"p50": 9, "p90": 30}}]},
        {"price_changes": [{"date": "2026-11-20", "factor": {"p10": 1, "p50": 1.1, "p90": 2}}]},
        {"price_changes": [{"date": "2026-11-20", "output_usd_per_mtok": "4"}]},
    ],
)  # fmt: skip
def test_more_of_anything_costs_more_in_every_scenario(changes):
    """More calls, longer ones or higher prices never make one scenario cheaper."""
    # A factor below 1 in the lowest scenarios of a lognormal lowers a price; it is left out.
    few = plan(plain(**UNCERTAIN), months=3).of("kimi-k2").usd
    many = plan(plain(**UNCERTAIN | changes), months=3).of("kimi-k2").usd
    usual = many >= few * (1 - 1e-9)
    share = 0.9 if "price_changes" in changes and "factor" in changes["price_changes"][0] else 1
    assert usual.mean() >= share
    assert many.mean() > few.mean()


def test_no_traffic_costs_nothing():
    """Zero calls cost zero, whatever else is uncertain."""
    for changes in (
        {"requests_per_day": 0},
        {"ends_on": "2026-10-01"},
        {"events": [{"name": "e", "from": "2026-11-01", "to": "2027-01-31", "factor": 0}]},
    ):
        workload = plain(**UNCERTAIN | changes)
        assert not plan(workload, months=3).of("kimi-k2").usd.any()


def test_a_dated_workload_changes_no_other():
    """Events and price changes of one workload leave the scenarios of another as they are."""
    changed = Workload(**KEYWORDS)
    alone = plan(plain(name="v", **UNCERTAIN), months=4)
    both = plan([changed, plain(name="v", **UNCERTAIN)], months=4)
    assert both.of("kimi-k2", "v").usd.tobytes() == alone.of("kimi-k2").usd.tobytes()
    total = both.of("kimi-k2", "v").usd + both.of("kimi-k2", "w").usd
    assert (both.of("kimi-k2").usd == total).all()


def test_a_longer_plan_keeps_its_first_months():
    """The scenarios of a month do not depend on how many months follow."""
    short, long = (plan(plain(**UNCERTAIN), months=months).of("kimi-k2").usd for months in (2, 5))
    assert short.tobytes() == long[:2].tobytes()
