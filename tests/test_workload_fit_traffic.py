"""Traffic of a fitted workload: what was planted in a log is there, and a plan is as sure as a forecast."""

import gzip
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from kimi_planner import forecast_spend, project, read_usage
from kimi_planner.errors import UnknownModelError, UsageError, WorkloadError
from kimi_planner.series.growth import MONTH
from kimi_planner.workload import Workload

START = pd.Timestamp("2026-03-02", tz="UTC")  # a Monday
MODEL, AS_OF = "kimi-k2", date(2026, 10, 5)
SHARES = np.array([0.1, 0.5, 0.9])
WEEK = np.array([1.3, 1.3, 1.2, 1.2, 1.2, 0.4, 0.4])


def percentiles(quantity):
    """Return P10, P50 and P90."""
    return quantity.ppf(SHARES)


def hourly(days, calls, **columns):
    """Return a log with a row for each hour, all of a day's calls from 8 to 18 o'clock."""
    calls = np.repeat(np.round(np.asarray(calls) / 10).astype(int), 10)
    times = START + pd.to_timedelta(
        np.repeat(np.arange(days) * 24, 10) + np.tile(np.arange(8, 18), days), "h"
    )
    base = {
        "timestamp": times,
        "requests": calls,
        "prompt_tokens": 1000 * calls,
        "completion_tokens": 250 * calls,
    }
    ends = pd.DataFrame({"timestamp": [START], **dict.fromkeys(list(base)[1:], 0)})
    return pd.concat([ends, pd.DataFrame(base | columns)], ignore_index=True)


def noisy(rng, days, growth=0.0, level=4000.0, noise=0.05):
    """Return calls of days with this growth a month, weekdays and noise."""
    day = np.arange(days)
    even = level * (1 + growth) ** (day / MONTH) * WEEK[day % 7]
    return even * rng.normal(1, noise, days).clip(0.5)


def test_level_growth_and_weekdays_are_those_planted():
    """Of four months that grow by 5%, the ranges hold level and growth, and weekdays are met."""
    held = {"level": 0, "growth": 0}
    for seed in range(12):
        rng = np.random.default_rng(seed)
        fitted = Workload.from_usage(hourly(126, noisy(rng, 126, 0.05)), "w")
        level = 4000 * 1.05 ** ((126 + MONTH / 2) / MONTH)
        low, middle, high = percentiles(fitted.requests_per_day)
        held["level"] += low <= level <= high
        assert middle == pytest.approx(level, rel=0.1)
        low, middle, high = percentiles(fitted.growth_per_month)
        held["growth"] += low <= 0.05 <= high
        profile = np.array(fitted.weekday_profile, dtype=float)
        np.testing.assert_allclose(profile, WEEK, atol=0.05)
        assert fitted.events == ()
        share = percentiles(fitted.peak_hour_share)
        np.testing.assert_allclose(share, 0.1, atol=0.001)
    assert min(held.values()) >= 8


def test_a_launch_and_an_outage_are_events_and_not_the_level():
    """Days at four times and at a tenth of the usual are named with their factors."""
    usual = noisy(np.random.default_rng(1), 84)
    days = usual.copy()
    days[[40, 41, 42]] *= 4
    days[60] *= 0.1
    fitted = Workload.from_usage(hourly(84, days), "w")
    launch, outage = fitted.events
    first = START.date() + timedelta(40)
    assert (launch.name, launch.first, launch.last) == (
        f"busy {first}",
        first,
        first + timedelta(2),
    )
    assert launch.factor.mean == pytest.approx(4, rel=0.15)
    assert (outage.name, outage.days) == (f"quiet {START.date() + timedelta(60)}", 1)
    assert outage.factor.mean == pytest.approx(0.1, rel=0.2)
    without = Workload.from_usage(hourly(84, usual), "w")
    levels = [percentiles(one.requests_per_day)[1] for one in (fitted, without)]
    assert levels[0] == pytest.approx(levels[1], rel=0.03)


def test_days_that_are_often_far_off_are_how_a_service_is():
    """Spikes on one day in ten are no events."""
    days = noisy(np.random.default_rng(2), 90)
    days[::10] *= 5
    assert Workload.from_usage(hourly(90, days), "w").events == ()


@pytest.mark.parametrize("dated", [True, False])
def test_no_rhythm_is_read_where_none_is_shown(dated):
    """A log of a day and a half, or one without dates, has no weekdays, busiest hour or events."""
    frame = hourly(60, noisy(np.random.default_rng(3), 60))
    if dated:
        frame = frame[frame["timestamp"] < START + pd.Timedelta(hours=36)]
    else:
        seconds = (frame["timestamp"] - START).dt.total_seconds()
        frame = frame.drop(columns="timestamp").assign(timestamp_s=seconds)
    fitted = Workload.from_usage(frame, "w")
    assert (fitted.weekday_profile, fitted.peak_hour_share, fitted.events) == (None, None, ())


def test_even_weekdays_have_no_profile():
    """Weeks that differ by noise alone are not taken for a rhythm of weekdays."""
    rng = np.random.default_rng(4)
    none = [
        Workload.from_usage(hourly(56, 4000 * rng.normal(1, 0.1, 56)), "w").weekday_profile
        for _ in range(6)
    ]
    far = [abs(float(share) - 1) for profile in none if profile for share in profile]
    assert max(far, default=0) < 0.08


def test_means_of_tokens_are_as_uncertain_as_they_move():
    """Tokens per call that wander have a factor with a range; those that never differ have none."""
    rng = np.random.default_rng(5)
    frame = hourly(84, noisy(rng, 84))
    wander = np.exp(np.cumsum(rng.normal(0, 0.05, len(frame))) / 3)
    prompt = (frame["requests"] * 1000 * wander).astype(int)
    fitted = Workload.from_usage(frame.assign(prompt_tokens=prompt), "w")
    low, middle, high = percentiles(fitted.prompt_tokens.factor)
    assert low < middle < high
    assert high / low > 1.1
    assert fitted.completion_tokens.factor is None
    assert fitted.prompt_tokens.mean == pytest.approx(prompt.sum() / frame["requests"].sum())


def test_a_cached_share_is_as_uncertain_as_it_moves():
    """A share that wanders has a range around that of the log; with what is written it is at most all."""
    rng = np.random.default_rng(12)
    frame = cached(rng, hourly(60, noisy(rng, 60)))
    low, middle, high = percentiles(Workload.from_usage(frame, "w").cached_share)
    assert 0 < low < middle < high <= 1
    whole = frame["cached_tokens"].sum() / frame["prompt_tokens"].sum()
    assert middle == pytest.approx(whole, rel=0.3)
    frame["written_5m_tokens"] = frame["prompt_tokens"] - frame["cached_tokens"]
    fitted = Workload.from_usage(frame, "w")
    most = 1 - float(fitted.written_share.total)
    assert percentiles(fitted.cached_share)[2] == pytest.approx(most)


def test_cache_writes_fees_and_batches_are_shares_of_the_log():
    """What is written to a cache is a share of the prompt, a fee is due so often a request."""
    frame = hourly(30, noisy(np.random.default_rng(6), 30))
    extra = {
        "cached_tokens": frame["prompt_tokens"] // 2,
        "written_5m_tokens": frame["prompt_tokens"] // 4,
        "written_1h_tokens": frame["prompt_tokens"] // 10,
        "fee: web search": frame["requests"] // 5,
        "batch": True,
    }
    fitted = Workload.from_usage(frame.assign(**extra), "w")
    assert fitted.cached_share.mean == pytest.approx(0.5)
    written = fitted.written_share
    assert (written.five_minutes, written.one_hour) == (Decimal("0.25"), Decimal("0.1"))
    [(fee, often)] = fitted.fees_per_request
    due = int(extra["fee: web search"].sum())
    assert (fee, float(often)) == ("web search", pytest.approx(due / frame["requests"].sum()))
    assert fitted.batch is True
    half = Workload.from_usage(frame.assign(batch=frame.index % 2 == 0), "w")
    assert (half.batch, [note.code for note in half.notes].count("batch_mix")) == (False, 1)


def test_a_workload_for_each_value_of_a_column():
    """Parts of a log are workloads of their own, batches too, and share a correlation."""
    rng = np.random.default_rng(7)
    together = np.exp(np.cumsum(rng.normal(0, 0.03, 112)))
    teams = {"search": 6000, "support": 2000, None: 500}
    log = pd.concat(
        [
            hourly(
                112,
                together * noisy(rng, 112, level=level),
                team=team,
                model="our-kimi",
                batch=False,
            )
            for team, level in teams.items()
        ]
    )
    log.loc[(log["team"] == "support") & (log["timestamp"].dt.hour > 12), "batch"] = True
    log["batch"] = log["batch"].fillna(False).astype(bool)
    fitted = {
        one.name: one for one in Workload.from_usage(log, by="team", alias={"our-kimi": MODEL})
    }
    assert set(fitted) == {"search", "support", "support (batch)", "(not stated)"}
    assert [one.batch for one in fitted.values()].count(True) == 1
    [correlation] = {one.correlation for one in fitted.values()}
    assert correlation > 0.3
    calls = log.groupby("team")["requests"].sum()
    assert f"{calls['search']:,} calls" in fitted["search"].source
    models = Workload.from_usage(log, by=("team", "model"), alias={"our-kimi": MODEL})
    assert f"search / {MODEL}" in [one.name for one in models]


def test_independent_workloads_have_little_correlation():
    """Parts that wander each for itself are planned as good as independent."""
    rng = np.random.default_rng(8)
    wander = np.exp(np.cumsum(rng.normal(0, 0.03, (4, 112)), axis=1))
    parts = [hourly(112, walk * noisy(rng, 112), team=str(n)) for n, walk in enumerate(wander)]
    found = Workload.from_usage(pd.concat(parts), by="team")
    assert found[0].correlation < 0.5


def test_a_workload_that_began_late_is_judged_from_then_on():
    """Time before the first call of a team is no time without calls of it."""
    rng = np.random.default_rng(9)
    old, new = hourly(84, noisy(rng, 84), team="old"), hourly(84, noisy(rng, 84), team="new")
    late = new[new["timestamp"] >= START + pd.Timedelta(days=56)]
    fitted = {one.name: one for one in Workload.from_usage(pd.concat([old, late]), by="team")}
    assert percentiles(fitted["new"].requests_per_day)[1] == pytest.approx(4000, rel=0.1)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({}, WorkloadError, "Give name"),
        ({"name": "w", "by": "team"}, WorkloadError, "Give name"),
        ({"by": "teem"}, WorkloadError, "'teem'"),
        ({"name": "w", "alias": {"x": "kimi-k99"}}, UnknownModelError, "kimi-k99"),
        ({"name": "w", "alias": "x"}, UsageError, "alias"),
    ],
    ids=["neither", "both", "no column", "no model", "no mapping"],
)
def test_what_is_asked_for_is_checked(options, error, words):
    """A column or a model that is not there is an error that names it."""
    frame = hourly(3, [100, 100, 100], team="a")
    with pytest.raises(error, match=words):
        Workload.from_usage(frame, **options)


def ends_of_month(frame, model=MODEL, catalog=None):
    """Return P10, P50 and P90 of thirty days, of the plan of a fitted log and of its forecast."""
    options = {"as_of": AS_OF if catalog is None else date(2026, 11, 24), "catalog": catalog}
    plan = project(Workload.from_usage(frame, "w"), 1, "2027-04", model, n_paths=4000, **options)
    planned = np.quantile(plan.of(model).usd[0], SHARES)
    return planned, forecast_spend(frame, "30 days", model, **options).quantile(SHARES)


def cached(rng, frame):
    """Return a log of which a share of the prompt is cached that wanders."""
    share = 0.5 + 0.4 * np.tanh(np.cumsum(rng.normal(0, 0.15, len(frame))))
    return frame.assign(cached_tokens=(frame["prompt_tokens"] * share).astype(int))


GENERATED = {
    "grows": lambda rng: hourly(126, noisy(rng, 126, 0.08)),
    "wanders": lambda rng: hourly(90, 3000 * np.exp(np.cumsum(rng.normal(0, 0.05, 90)))),
    "two weeks": lambda rng: hourly(14, noisy(rng, 14)),
    "calls at random": lambda rng: pd.DataFrame(
        {
            "timestamp": START + pd.to_timedelta(np.sort(rng.uniform(0, 20, 5000)), "D"),
            "prompt_tokens": rng.lognormal(7, 1, 5000).astype(int) + 1,
            "completion_tokens": rng.lognormal(5, 1, 5000).astype(int) + 1,
        }
    ),
}


@pytest.mark.parametrize("make", GENERATED.values(), ids=GENERATED)
def test_a_plan_is_as_sure_as_the_forecast_of_its_log(make):
    """P10, P50 and P90 of the next month agree, whichever way they are asked for."""
    planned, ahead = ends_of_month(make(np.random.default_rng(10)))
    np.testing.assert_allclose(planned, ahead, rtol=0.15)


def test_a_plan_is_as_sure_where_the_cache_comes_and_goes():
    """At prices of which that of cached input is a small part, its share is what is not known."""
    rng = np.random.default_rng(13)
    frame = cached(rng, hourly(60, noisy(rng, 60)))
    frame["timestamp"] += pd.Timedelta(days=280)  # after the first prices
    planned, ahead = ends_of_month(frame, "kimi-k2.5", "2026-11-public-2")
    np.testing.assert_allclose(planned, ahead, rtol=0.15)


def test_a_year_of_the_plan_is_as_sure_as_a_year_of_the_forecast():
    """The range of growth takes the range of a month to that of a year."""
    frame = hourly(126, noisy(np.random.default_rng(11), 126, 0.03, noise=0.1))
    plan = project(Workload.from_usage(frame, "w"), 12, "2026-07", MODEL, as_of=AS_OF, n_paths=4000)
    planned = np.quantile(plan.of(MODEL).usd.sum(axis=0), SHARES)
    ahead = forecast_spend(frame, "12 months", MODEL, as_of=AS_OF).quantile(SHARES)
    np.testing.assert_allclose(planned, ahead, rtol=0.15)


SERIES = {
    "azure2023_code": False,
    "mooncake_conversation_first_half": False,
    "servegen_m-small_10min": False,
    "traffic/servegen_deepseek-r1_10min": False,
    "traffic/servegen_mm-image_10min": False,
    "traffic/nab_web_5min": True,
    "traffic/people_hourly": True,
    "traffic/bank_calls_5min": False,
    "traffic/m4_hourly": True,
    "traffic/daily": True,
}


@pytest.mark.parametrize(("name", "by_client"), SERIES.items(), ids=SERIES)
def test_a_plan_is_as_sure_as_the_forecast_of_a_real_log(traces, name, by_client):
    """P10, P50 and P90 of the next month agree on traffic of many kinds, each series for itself."""
    path = traces / f"{name}.csv.gz"
    if not path.is_file():
        pytest.skip(f"no trace {path.name} in {traces}")
    with gzip.open(path) as file:
        frame = pd.read_csv(file, dtype={"client": str})
    if "requests" not in frame:
        frame["timestamp_s"] -= frame["timestamp_s"].min()
    series = [rows for _, rows in frame.groupby("client")] if by_client else [frame]
    for rows in series:
        begun = np.floor(rows["timestamp_s"].min() / 86_400) * 86_400
        times = START + pd.to_timedelta((rows["timestamp_s"] - begun).round(3), "s")
        dated = rows.assign(timestamp=times).drop(columns="timestamp_s")
        planned, ahead = ends_of_month(read_usage(dated.drop(columns="client", errors="ignore")))
        np.testing.assert_allclose(
            planned, ahead, rtol=0.15, err_msg=f"{name} {rows.get('client')}"
        )


def test_a_log_whose_whole_weeks_are_idle_has_no_growth():
    """Calls on the first day of a month alone are no growth, nor a number that is none."""
    frame = hourly(33, [900, *[0] * 32])
    fitted = Workload.from_usage(frame, "w")
    assert percentiles(fitted.growth_per_month)[1] == pytest.approx(0)
    assert fitted.events == ()


def test_a_log_without_calls_is_refused():
    """No workload is fitted to rows without a request, by a column or not."""
    frame = hourly(3, [0, 0, 0], team="a")
    for options in ({"name": "w"}, {"by": "team"}):
        with pytest.raises(WorkloadError, match="no row has a call"):
            Workload.from_usage(frame, **options)
