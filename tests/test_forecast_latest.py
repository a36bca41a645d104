"""Latest estimates: exact to date, in parts that add up, and chances that come true."""

from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from planned import dated_catalog

import kimi_planner as kp
from kimi_planner.errors import KimiPlannerError, TooLittleUsageError
from kimi_planner.forecast.horizon import period_of
from kimi_planner.money import total
from kimi_planner.report.json_form import plan_json

AS_OF = date(2026, 11, 21)
MODELS = ("kimi-k2", "kimi-k2-5")


def hourly(start="2026-10-01", end="2026-11-21", seed=0, **columns):
    """Return hourly windows of three workloads on two models, [start, end), at random."""
    rng = np.random.default_rng(seed)
    times = pd.date_range(start, end, freq="h", tz="UTC", inclusive="left")
    requests = rng.poisson(200, len(times)) + 1
    drawn = {
        "timestamp": times,
        "model": rng.choice(MODELS, len(times)),
        "team": rng.choice(["chat", "tickets", "search"], len(times), p=[0.6, 0.3, 0.1]),
        "requests": requests,
        "prompt_tokens": requests * rng.integers(900, 2000, len(times)),
        "completion_tokens": requests * rng.integers(90, 300, len(times)),
    }
    return pd.DataFrame(drawn | columns)


def steady(start="2026-11-01", end="2026-11-21", **columns):
    """Return a log of three dollars at each full hour, 72 USD a day."""
    times = pd.date_range(start, end, freq="h", tz="UTC", inclusive="left")
    log = {"timestamp": times, "model": "kimi-k2", "prompt_tokens": 2_500_000}
    return pd.DataFrame(log | {"completion_tokens": 0} | columns)


def estimate(log, *limits, **options):
    return kp.latest_estimate(log, *limits, **{"as_of": AS_OF, **options})


@pytest.mark.parametrize("seed", range(4))
def test_parts_add_up_to_the_exact_cost_and_the_forecast(seed):
    """Of each workload and model the log's exact cost, and together the mean to a millionth."""
    log = hourly(seed=seed)
    found = estimate(log, by="team")
    inside = log[log["timestamp"] >= "2026-11-01"]
    cost = kp.price_usage(kp.read_usage(inside)).assign(team=inside["team"].to_numpy())
    parts = found.frame.set_index(["workload", "model"])
    assert len(parts) == 6
    for key, rows in cost.groupby(["team", "priced_as"]):
        assert parts.loc[key, "actual_usd"] == total(rows["total_usd"])
    assert found.actual_usd == total(parts["actual_usd"]) == total(cost["total_usd"])
    assert total(found.daily["actual_usd"]) == found.actual_usd
    ahead = kp.forecast_spend(kp.read_usage(log), "10 days", as_of=AS_OF)
    assert float(found.expected_ahead_usd) == pytest.approx(ahead.mean, abs=1e-6)
    assert total(parts["ahead_usd"]) == found.expected_ahead_usd
    assert total(parts["expected_usd"]) == found.expected_usd
    assert found.quantile(0.9) == pytest.approx(float(found.actual_usd) + ahead.quantile(0.9))


def test_each_day_has_its_own_prices(tmp_path):
    """Ten days at 2.00 USD and ten at 1.60 USD a million tokens, of 2.5 millions an hour."""
    catalog = dated_catalog(tmp_path, "2026-11-11")
    found = estimate(steady(), model="m", catalog=catalog)
    assert found.actual_usd == 10 * 24 * Decimal("2.5") * (Decimal("2.00") + Decimal("1.60"))
    assert found.daily["actual_usd"].tolist() == 10 * [120] + 10 * [96]


def test_what_is_to_come_is_divided_as_the_last_28_days_were():
    """A workload that stopped before has no share, and one that is new a larger one."""
    log = hourly()
    log.loc[log["timestamp"] < "2026-10-24", "team"] = "stopped"
    found = estimate(log, by="team")
    recent = log[log["timestamp"] >= "2026-10-24"]
    cost = kp.price_usage(kp.read_usage(recent)).assign(team=recent["team"].to_numpy())
    of_chat = total(cost.loc[cost["team"] == "chat", "total_usd"]) / total(cost["total_usd"])
    chat = found.frame[found.frame["workload"] == "chat"]
    assert chat["share_ahead"].sum() == pytest.approx(float(of_chat))
    assert "stopped" not in set(found.frame["workload"])
    assert "parts_in_proportion" in {note.code for note in found.notes}
    after_a_pause = estimate(steady(end="2026-11-05"), end="2026-12-20", until="year end", since="2026-11-01")  # fmt: skip
    assert after_a_pause.frame["share_ahead"].tolist() == [1.0]


def test_a_row_belongs_to_the_period_that_it_stands_in_in_utc():
    """The last microsecond of October is not November's, and a time with an offset is converted."""
    log = steady("2026-10-31", "2026-11-03")
    edges = log.iloc[:2].assign(
        timestamp=pd.to_datetime(["2026-10-31T23:59:59.999999Z", "2026-11-01T00:00:00.000000Z"])
    )
    assert estimate(pd.concat([log, edges])).actual_usd == 3 * 49
    local = log["timestamp"].dt.tz_convert("Asia/Shanghai")
    assert estimate(log.assign(timestamp=local)).actual_usd == 3 * 48
    words = log.assign(timestamp=local.map(lambda time: time.isoformat()))
    assert estimate(words).daily["day"].tolist() == [date(2026, 11, 1), date(2026, 11, 2)]
    assert estimate(log.assign(timestamp=local.dt.tz_localize(None))).actual_usd == 3 * 56


@pytest.mark.parametrize(
    ("until", "since", "name", "start", "after"),
    [
        ("month end", None, "November 2026", date(2026, 11, 1), date(2026, 12, 1)),
        ("Quarter end", None, "Q4 2026", date(2026, 10, 1), date(2027, 1, 1)),
        ("year end", None, "2026", date(2026, 1, 1), date(2027, 1, 1)),
        ("2026-11-30", None, "2026-09-09 to 2026-11-30", date(2026, 9, 9), date(2026, 12, 1)),
        (datetime(2026, 12, 24, 9, tzinfo=UTC), "2026-04-01", "2026-04-01 to 2026-12-24", date(2026, 4, 1), date(2026, 12, 25)),
        (date(2026, 11, 20), None, "2026-09-09 to 2026-11-20", date(2026, 9, 9), date(2026, 11, 21)),
    ],
)  # fmt: skip
def test_periods_are_whole_days_around_the_last_of_the_log(until, since, name, start, after):
    """Month, quarter and year are those of the calendar; a day counts itself."""
    period = period_of(until, date(2026, 11, 20), date(2026, 9, 9), since)
    assert (period.name, period.start, period.until) == (name, start, after)
    days = sum(share * pd.Period(month).days_in_month for month, share in period.months().items())
    assert days == (after - start).days


@pytest.mark.parametrize("month", range(1, 13))
def test_every_month_has_its_end(month):
    """The end of December is in the next year, and each quarter has three months."""
    last = date(2027, month, 28)
    ends = pd.Timestamp(last) + pd.offsets.MonthBegin(), pd.Timestamp(last) + pd.offsets.QuarterBegin(startingMonth=1)  # fmt: skip
    assert period_of("month end", last, last).until == ends[0].date()
    assert period_of("quarter end", last, last).until == ends[1].date()
    assert period_of("year end", last, last).until == date(2028, 1, 1)


def test_limits_are_met_as_a_steady_log_says():
    """Three dollars an hour pass 1,800 in the first hour of November 26, and end at 2,160."""
    found = estimate(steady(), 1800, balance=720)
    budget = found.budget
    assert found.actual_usd == 1440
    assert float(found.expected_usd) == pytest.approx(2160, rel=0.01)
    assert budget.day in (date(2026, 11, 25), date(2026, 11, 26))
    assert budget.earliest_day <= budget.day
    assert float(budget.gap_usd) == pytest.approx(360, rel=0.05)
    assert budget.left_usd_per_day == pytest.approx(36)
    days = found.balance_days
    assert days["p10"] <= days["p50"] <= days["p90"]
    assert days["p50"] == pytest.approx(10, rel=0.02)
    passed = estimate(steady(), "1437.5").budget
    assert (passed.chance, passed.left_usd_per_day) == (1, 0)
    assert passed.day == passed.earliest_day == date(2026, 11, 20)
    far = estimate(steady(), 10**6, balance=10**6)
    assert (far.budget.chance, far.budget.day, far.budget.earliest_day) == (0.0005, None, None)
    assert set(far.balance_days.values()) == {None}
    assert "very many" in far.sentences[-1]
    assert estimate(steady(), balance=0).balance_days["p90"] == 0


def test_a_balance_of_years_is_found():
    """The forecast is made as long as it takes."""
    days = estimate(steady(), balance=72 * 400).balance_days
    assert 200 < days["p10"] < 400 < (days["p90"] or np.inf)


@pytest.mark.parametrize("q", [0.0015, 0.05, 0.2, 0.5, 0.8, 0.987])
def test_a_chance_is_what_a_quantile_leaves_above(q):
    """The chance to end above the P80 is 20%."""
    found = estimate(hourly())
    assert found.against(found.quantile(q)).chance == pytest.approx(1 - q, abs=0.001)


def test_chances_come_true_on_simulated_months():
    """Of months at random and months whose level drifts by 3 and 8% a day, a fifth ends above P80."""
    rng = np.random.default_rng(16)
    above = []
    call = {"prompt_tokens": 1500, "completion_tokens": 300}
    of_call = kp.cost(call, "kimi-k2").total_usd
    for number in range(90):
        drift, history = (0.0, 0.03, 0.08)[number % 3], 31 * (number % 2)
        seen = int(rng.integers(8, 22))
        hours = np.arange((history + 30) * 24)
        level = np.exp(rng.normal(0, drift, history + 30).cumsum())[hours // 24]
        requests = rng.poisson(40 * level * (1 - 0.5 * np.cos(hours * np.pi / 12)))
        start = pd.Timestamp("2026-11-01", tz="UTC") - pd.Timedelta(days=history)
        log = pd.DataFrame(
            {
                "timestamp": start + pd.to_timedelta(hours, unit="h"),
                "model": "kimi-k2",
                "requests": requests,
                **{name: tokens * requests for name, tokens in call.items()},
            }
        )
        end = start + pd.Timedelta(days=history + seen)
        known = log[(log["timestamp"] < end) & (requests > 0)]
        found = estimate(known, start=start, end=end)
        limit = found.against(found.quantile(0.8))
        assert limit.chance == pytest.approx(0.2, abs=0.001)
        above.append(int(requests[history * 24 :].sum()) * of_call > limit.usd)
    assert 0.12 <= np.mean(above) <= 0.30


def test_a_period_that_is_over_has_no_forecast():
    """All of it is known: no range, no days left, and a limit is passed or not."""
    found = estimate(steady(end="2026-12-01"), 2400, end="2026-12-01", balance=24)
    assert (found.ahead, found.expected_ahead_usd) == (None, 0)
    assert found.expected_usd == found.actual_usd == 2160
    assert found.quantile(0.1) == found.quantile(0.9) == 2160
    assert (found.budget.chance, found.budget.day, found.budget.left_usd_per_day) == (0, None, None)
    assert found.against(2159).day == date(2026, 11, 30)
    assert [found.against(one).chance for one in (2160, "2160.5", "2159.99")] == [0, 0, 1]
    assert "which is all of it" in found.sentences[0]
    assert estimate(steady(end="2026-12-01")).ahead is None


def test_the_period_is_that_of_the_last_day_that_the_log_covers():
    """Up to its end where one is given, though nothing was called on it; else of its last call."""
    log = steady(start="2026-11-20", end="2026-12-01")
    found = estimate(log, end="2026-12-03", as_of="2026-12-03")
    assert (found.period.name, found.actual_usd) == ("December 2026", 0)
    assert estimate(log, as_of="2026-12-03").period.name == "November 2026"


def test_spend_before_the_log_is_not_zero():
    """A log that begins late says so, and chances are at least this."""
    log = steady("2026-11-06")
    found = estimate(log, 1440)
    assert not found.is_whole
    assert "spent_before_unknown" in {note.code for note in found.notes}
    assert found.budget.is_lower_bound
    assert "from 2026-11-06 00:00 UTC on" in found.sentences[0]
    assert "at least" in found.sentences[1]
    assert not estimate(log, 10).budget.is_lower_bound  # it is passed whatever was before


def test_a_log_that_rests_at_weekends_may_begin_on_the_first_working_day():
    """Time without calls as long as another in the log is no gap, but a stated start is believed."""
    log = steady("2026-10-19")
    log = log[log["timestamp"].dt.day_of_week < 5]
    of_month = log[log["timestamp"] >= "2026-11-01"]  # a Sunday
    assert estimate(of_month).is_whole
    assert not estimate(of_month, start="2026-11-02").is_whole
    assert not estimate(of_month[of_month["timestamp"] >= "2026-11-05"]).is_whole


def test_a_log_that_ends_before_the_day_says_so():
    """What was spent since is forecast, and that is not the same as known."""
    log = steady()
    assert "log_ends_early" not in {note.code for note in estimate(log).notes}
    assert "log_ends_early" in {note.code for note in estimate(log, as_of="2026-11-24").notes}


@pytest.fixture(scope="module")
def recommended():
    """Return a plan of three months from November on."""
    workloads = [
        kp.Workload(
            name=name, requests_per_day={"p50": 2000, "p90": 2600}, prompt_tokens=1500, completion_tokens=200
        )
        for name in ("chat", "tickets")
    ]  # fmt: skip
    return kp.recommend(
        workloads, months=3, start="2026-11", models=MODELS, as_of=AS_OF, n_paths=200
    )


def test_the_end_is_held_against_the_plan(recommended, tmp_path):
    """The plan's month by workload and model, from a projection and from its file alike."""
    file = tmp_path / "plan.json"
    file.write_text(plan_json(recommended), encoding="utf-8")
    projection = recommended.projection
    found = estimate(hourly(), plan=file, by="team")
    mean = projection.mix(recommended.best).mean()
    assert float(found.plan.usd) == pytest.approx(mean[0])
    assert total(found.frame["planned_usd"].dropna()) == found.plan.usd
    low, high = np.quantile(projection.mix(recommended.best).usd[0], (0.1, 0.9))
    assert found.planned.range_usd == pytest.approx((low, high))
    same = estimate(hourly(), plan=projection, choice=recommended.best)
    assert same.plan.usd == found.plan.usd
    assert same.plan.chance == found.plan.chance
    assert set(same.frame["workload"]) == {"all"}
    half = estimate(hourly(), plan=file, since="2026-11-16")
    assert float(half.plan.usd) == pytest.approx(mean[0] / 2)
    assert "plan_in_proportion" in {note.code for note in half.notes}
    two = estimate(hourly(), plan=file, since="2026-11-01", until="2026-12-31")
    assert float(two.plan.usd) == pytest.approx(mean[:2].sum())
    assert [day for day, _ in two.planned.path] == [date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1)]  # fmt: skip


def test_what_the_plan_has_ahead_is_said_not_to_be_forecast():
    """A launch and a price to come, or a launch that goes on, are in the plan and not in the log's pace."""
    events = [
        {"name": "past", "date": "2026-11-03", "factor": 2},
        {"name": "going on", "from": "2026-11-19", "to": "2026-11-24", "factor": 2},
        {"name": "to come", "date": "2026-11-27", "factor": 2},
        {"name": "after", "date": "2026-12-03", "factor": 2},
    ]
    load = kp.Workload(
        name="chat", requests_per_day=2000, prompt_tokens=1500, completion_tokens=200, events=events,
        price_changes=({"date": "2026-11-25", "factor": 0.9},),
    )  # fmt: skip
    plan = kp.project(load, 2, "2026-11", "kimi-k2", as_of=AS_OF)
    [said] = [note for note in estimate(hourly(), plan=plan).notes if note.code == "plan_ahead"]
    for words in (
        "going on",
        "to come, 2026-11-27",
        "Price from 2026-11-25, all models: times 0.9",
    ):
        assert words in said
    assert "past" not in said
    assert "after" not in said


def test_a_plan_that_lacks_a_month_is_no_plan_of_the_year(recommended):
    """A month without a plan is not one planned at zero."""
    found = estimate(hourly(), until="quarter end", plan=recommended.projection, choice="kimi-k2")
    assert found.plan is None
    assert found.planned.usd is None
    assert "plan_lacks_months" in {note.code for note in found.notes}


def test_a_log_may_be_a_file_or_several(tmp_path):
    """The same numbers come of a frame, of its file, and of two halves of it."""
    log = hourly()
    log.to_csv(tmp_path / "log.csv", index=False)
    log[:700].to_csv(tmp_path / "a.csv", index=False)
    log[700:].to_csv(tmp_path / "b.csv", index=False)
    of_frame = estimate(log, by="team")
    for source in (tmp_path / "log.csv", [tmp_path / "a.csv", tmp_path / "b.csv"]):
        found = estimate(source, by="team")
        assert found.actual_usd == of_frame.actual_usd
        pd.testing.assert_frame_equal(found.frame, of_frame.frame)


def test_a_call_in_two_logs_is_not_counted_twice(tmp_path):
    """Nor where its parts are shown by a column."""
    log = steady().assign(call_id=lambda rows: rows.index.map(str), team="a")
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for file in files:
        log.to_csv(file, index=False)
    assert estimate(files).actual_usd == 1440
    found = estimate(files, by="team")
    assert found.frame["actual_usd"].sum() == found.actual_usd == 1440


def test_a_workload_that_is_not_stated_is_named_so():
    """Its spend stays in the sum."""
    log = hourly()
    log.loc[::2, "team"] = None
    found = estimate(log, by="team", model="kimi-k2")
    assert "(not stated)" in set(found.frame["workload"])
    assert set(found.frame["model"]) == {"kimi-k2"}
    assert total(found.frame["actual_usd"]) == found.actual_usd


def test_it_prints_and_shows_itself():
    """On a screen, and as a table in a notebook."""
    found = estimate(hourly(), 500, by="team")
    assert repr(found).startswith("November 2026: ")
    page = found._repr_html_()
    assert "tickets" in page
    assert found.sentences[0].split(";")[0] in page
    assert "Budget of 500.00 USD" in page


@pytest.mark.parametrize(
    ("log", "options", "said"),
    [
        (pd.DataFrame({"timestamp_s": [0, 60], "prompt_tokens": 9, "completion_tokens": 9}), {"model": "kimi-k2"}, "no dates"),
        (steady(), {"until": "soon"}, "until is 'soon'"),
        (steady(), {"until": "2026-11-10"}, "ends on 2026-11-20, which is not between 2026-11-01 and 2026-11-10. Give a later until"),
        (steady(), {"until": date.max}, "until is 9999-12-31"),
        (steady(), {"since": "2026-11-25"}, "earlier since"),
        (steady(), {"budget": -1}, "budget is -1"),
        (steady(), {"balance": "many"}, "balance is 'many'"),
        (steady(), {"by": "tem"}, "no column 'tem'"),
        (steady(), {"end": "2026-11-19"}, "not inside of start and end"),
        (steady(), {"start": "2026-11-02"}, "not inside of start and end"),
        (steady(), {"model": "kimi-9"}, "kimi-9"),
        (steady(), {"plan": "absent.json"}, "absent.json"),
        (steady()[:0], {}, "no rows"),
    ],
)  # fmt: skip
def test_bad_input_is_named(log, options, said):
    """Each with what to give instead, in one line."""
    with pytest.raises(KimiPlannerError, match=said) as caught:
        estimate(log, **options)
    assert "\n" not in str(caught.value)


def test_a_limit_is_an_amount():
    """Words are refused; a part of a dollar, and none at all, are amounts."""
    assert estimate(steady(), "0.5", balance="0.25").budget.usd == Decimal("0.5")
    assert estimate(steady(), 0).budget.chance == 1
    with pytest.raises(KimiPlannerError, match="limit_usd"):
        estimate(steady()).against("much")


def test_a_single_call_between_a_start_and_an_end_is_a_log():
    """It is spent to the last digit, and the days around it are what it is forecast from."""
    log = pd.DataFrame(
        {"timestamp": ["2026-11-20T10:00Z"], "prompt_tokens": 1000, "completion_tokens": 10}
    )
    found = estimate(log, model="kimi-k2", start="2026-11-19", end="2026-11-21")
    assert found.actual_usd == (1000 * Decimal("1.20") + 10 * Decimal("3.60")) / 1_000_000


def test_a_log_too_short_to_forecast_from_is_told():
    """One moment, or no spend at all."""
    with pytest.raises(TooLittleUsageError, match="same timestamp"):
        estimate(steady()[:1])
    with pytest.raises(TooLittleUsageError, match="no spend"):
        estimate(steady(prompt_tokens=0))
