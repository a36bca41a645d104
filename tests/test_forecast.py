"""Forecasts from a log: what may be given, what comes back, and what must not matter."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from functools import partial

import numpy as np
import pandas as pd
import pytest

import kimi_planner
from kimi_planner import load_catalog, price_usage, read_usage
from kimi_planner.errors import (
    KimiPlannerError,
    PriceNotFoundError,
    SettingError,
    TooLittleUsageError,
    UnknownModelError,
    UsageError,
)
from kimi_planner.files import data_dir
from kimi_planner.forecast.horizon import horizon_of, length_text
from kimi_planner.forecast.rows import rows_of
from kimi_planner.series.moments import at, micros, moment_of
from kimi_planner.usage.priced import total_cost

AS_OF = date(2026, 11, 24)
MIDNIGHT = pd.Timestamp("2026-11-02T00:00:00Z")
HOUR, DAY = 3600, 86_400
COLUMNS = ["mean_usd", "p05_usd", "p10_usd", "p50_usd", "p90_usd", "p95_usd"]

forecast_spend = partial(kimi_planner.forecast_spend, as_of=AS_OF)


def calls(seconds, prompt=1000, completion=200, *, dated=False, **columns):
    """Return a usage frame of calls at these seconds, of a dated log or of one without dates."""
    seconds = np.asarray(seconds, dtype=float)
    times = (
        {"timestamp": MIDNIGHT + pd.to_timedelta(seconds, unit="s")}
        if dated
        else {"timestamp_s": seconds}
    )
    return pd.DataFrame(
        {**times, "prompt_tokens": prompt, "completion_tokens": completion, **columns}
    )


def random_calls(count=150, seconds=HOUR, seed=3, **options):
    """Return calls at random times, of random sizes."""
    rng = np.random.default_rng(seed)
    return calls(
        np.sort(rng.uniform(0, seconds, count)).round(3),
        rng.integers(100, 5000, count),
        rng.integers(10, 500, count),
        **options,
    )


def windows(starts, width=600, clients=3, seed=4, **options):
    """Return windows with a row for each of several clients."""
    rng = np.random.default_rng(seed)
    starts = np.repeat(np.asarray(starts) * width, clients)
    requests = rng.integers(5, 50, len(starts))
    return calls(starts, 1000 * requests, 200 * requests, requests=requests, **options)


def check(forecast):
    """Hold a forecast against what every forecast must be; return it."""
    frame = forecast.frame
    amounts = frame[COLUMNS].to_numpy()
    assert np.isfinite(amounts).all()
    assert (amounts > 0).all()
    assert (np.diff(amounts, axis=0) >= 0).all(), "totals do not fall with time"
    assert (np.diff(amounts[:, 1:], axis=1) >= 0).all(), "quantiles are in order"
    shares = [0.001, 0.05, 0.1, 0.5, 0.9, 0.95, 0.999]
    quantiles = forecast.quantile(shares)
    assert np.isfinite(quantiles).all()
    assert (np.diff(quantiles) >= 0).all()
    assert (quantiles > 0).all()
    assert frame["until"].is_monotonic_increasing
    assert frame["until"].iloc[-1] == forecast.until
    np.testing.assert_array_equal(amounts[-1, 1:], quantiles[1:-1])
    assert amounts[-1, 0] == forecast.mean
    return forecast


HORIZONS = [
    ("36h", 36 * HOUR, "36 hours"),
    ("7 days", 7 * DAY, "7 days"),
    (" 1 DAY ", DAY, "1 day"),
    ("2 weeks", 14 * DAY, "14 days"),
    ("1w", 7 * DAY, "7 days"),
    ("90m", 5400, "90 minutes"),
    ("01:30:00", 5400, "90 minutes"),
    ("P2D", 2 * DAY, "2 days"),
    (timedelta(hours=5), 5 * HOUR, "5 hours"),
    (pd.Timedelta(days=3), 3 * DAY, "3 days"),
    (np.timedelta64(2, "D"), 2 * DAY, "2 days"),
    (np.timedelta64(90, "s"), 90, "90 seconds"),
    (120, 120, "2 minutes"),
    (np.int64(1), 1, "1 second"),
    (4.5 * DAY, 4.5 * DAY, "4.5 days"),
    (np.float32(HOUR), HOUR, "1 hour"),
]


@pytest.mark.parametrize(("horizon", "seconds", "text"), HORIZONS, ids=str)
def test_horizons_may_be_written_in_many_ways(horizon, seconds, text):
    """Text, timedeltas and seconds are read as the same lengths, after both kinds of log."""
    for end in (pd.Timedelta(hours=1), MIDNIGHT):
        assert horizon_of(end, horizon) == (end + pd.Timedelta(seconds=seconds), seconds, text)


def test_months_are_those_of_the_calendar():
    """Months after a date end on that day of a month, or on its last; without dates they are mean ones."""
    end = pd.Timestamp("2027-01-31T12:00:00Z")
    assert horizon_of(end, "1 month").until == pd.Timestamp("2027-02-28T12:00:00Z")
    assert horizon_of(end, "3 MONTHS").until == pd.Timestamp("2027-04-30T12:00:00Z")
    assert horizon_of(end, "12mo").seconds == 365 * DAY
    relative = horizon_of(pd.Timedelta(0), "12 months")
    assert relative.seconds == 365.25 * DAY
    assert relative.text == "12 months"
    assert horizon_of(end, "1 month").text == "1 month"


@pytest.mark.parametrize(
    "horizon",
    [
        0, -5, 0.5, "0 days", "-3 days", "0 months", "-1 month", "1.5 months", "999 months", "11 years",
        float("nan"), float("inf"), 1e300, "", "soon", "5", "1e9999999s", "nat", "99999999999 weeks",
        None, True, [7], pd.NaT, np.timedelta64("NaT"), np.timedelta64(3), np.timedelta64(3, "M"),
        timedelta(days=-1), timedelta(microseconds=1), timedelta(days=4000), b"7 days", "1 day; rm -rf",
    ],
    ids=str,
)  # fmt: skip
def test_horizons_that_are_none_are_refused(horizon):
    """Zero, negative, missing and absurd horizons are errors that show the value."""
    for end in (pd.Timedelta(hours=1), MIDNIGHT, pd.Timestamp("9999-12-31", tz="UTC")):
        with pytest.raises(SettingError, match=r"^horizon is "):
            horizon_of(end, horizon)


def test_a_horizon_past_the_calendar_is_refused():
    """A date that cannot be written is an error of ours."""
    for horizon in ("30 months", "900 days"):
        with pytest.raises(SettingError, match="horizon is"):
            horizon_of(pd.Timestamp.max.tz_localize("UTC"), horizon)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.25, "0.25 seconds"), (1770, "29.5 minutes"), (80_700, "22.4 hours"), (86_400 * 730, "730 days"),
     (86_400, "1 day"), (90_000, "25 hours")],
)  # fmt: skip
def test_lengths_in_words(seconds, text):
    """A length is written in the largest unit that fits it."""
    assert length_text(seconds) == text


START_FORMS = [
    "2026-11-02",
    "2026-11-02T00:00:00",
    "2026-11-02T00:00:00Z",
    "2026-11-02 08:00:00+08:00",
    date(2026, 11, 2),
    datetime(2026, 11, 2),  # noqa: DTZ001 - a time without an offset is UTC
    datetime(2026, 11, 2, tzinfo=UTC),
    datetime(2026, 11, 1, 19, tzinfo=timezone(timedelta(hours=-5))),
    np.datetime64("2026-11-02"),
    pd.Timestamp("2026-11-02"),
    pd.Timestamp("2026-11-02T08:00:00", tz="Asia/Shanghai"),
]


@pytest.mark.parametrize("start", START_FORMS, ids=repr)
def test_bounds_of_a_dated_log(start):
    """Dates, datetimes and text of any offset are the same moment; without one they are UTC."""
    assert moment_of("start", start, dated=True) == MIDNIGHT


@pytest.mark.parametrize(
    "bound", [90, 90.0, np.int32(90), "90", "90s", "0 days 00:01:30", timedelta(seconds=90),
              pd.Timedelta(seconds=90), np.timedelta64(90, "s")], ids=repr,
)  # fmt: skip
def test_bounds_of_a_log_without_dates(bound):
    """Seconds, and lengths of time in any form, count from the start of the log."""
    moment = moment_of("end", bound, dated=False)
    assert moment == pd.Timedelta(seconds=90)
    assert at(micros(moment), dated=False) == moment


@pytest.mark.parametrize(
    ("bound", "dated"),
    [
        (5, True), (1.0, True), (True, True), ("now", True), ("today", True), ("yesterday", True), ("5", True),
        (timedelta(1), True), (pd.NaT, True), (np.datetime64("NaT"), True), ("2026-13-01", True), (b"x", True),
        (MIDNIGHT, False), ("2026-11-02", False), (date(2026, 11, 2), False), (True, False), ([], False),
        (float("nan"), False), (float("inf"), False), (pd.NaT, False), ("", False), ("nan", False), (1e300, False),
    ],
    ids=str,
)  # fmt: skip
def test_bounds_of_the_wrong_kind_are_refused(bound, dated):
    """A bound that the log cannot be held against is an error that says what the log needs."""
    needed = "a UTC time" if dated else "seconds since the log began"
    with pytest.raises(UsageError, match=f"^end is .* This log needs {needed}"):
        forecast_spend(random_calls(dated=dated), "1h", "kimi-k2", end=bound)


def test_bounds_cut_the_log():
    """Rows before start and from end on are left out, counted, and said."""
    log = calls(range(0, HOUR, 60), dated=True)
    end = MIDNIGHT + pd.Timedelta(minutes=50)
    found = check(
        forecast_spend(log, "1h", "kimi-k2", MIDNIGHT + pd.Timedelta(minutes=10), end),
    )
    assert (found.observed.calls, found.observed.rows_outside) == (40, 20)
    assert found.until == end + pd.Timedelta(hours=1)
    assert "Rows outside start and end, left out: 20." in found.notes
    inside = log.iloc[10:50]
    assert found.observed.total == pytest.approx(float(total_cost(inside, "kimi-k2").total_usd))
    with pytest.raises(UsageError, match=r"start .* must be before end"):
        forecast_spend(log, "1h", "kimi-k2", end, MIDNIGHT)


def test_meters_ahead_are_billed_as_those_observed():
    """Only rows within start and end count, on whatever models they are, in any order."""
    first = calls(range(0, HOUR, 60), 9000, 1, model="kimi-k2-5")
    second = calls(range(HOUR, 2 * HOUR, 30), 1000, 200, cached_tokens=400, model="kimi-k2")
    third = calls(range(HOUR, 2 * HOUR, 60), 3000, 100, cached_tokens=0, model="kimi-k2-5")
    log = pd.concat([first.assign(cached_tokens=0), second, third])
    priced = price_usage(read_usage(pd.concat([second, third])))
    bill = {meter: priced[f"{meter}_usd"].sum() for meter in ("input", "cached", "output")}
    for seed in (1, 2):
        shuffled = log.sample(frac=1, random_state=seed)
        found = check(forecast_spend(shuffled, "3h", None, HOUR, 2 * HOUR))
        assert {meter: usd for meter, usd in found.bill if usd} == bill
        factor = found.mean / found.observed.total
        frame = found.by_meter()
        assert frame["meter"].tolist() == [*bill]
        expected = [float(usd) * factor for usd in bill.values()]
        assert frame["usd"].tolist() == pytest.approx(expected, rel=1e-12)
        assert frame["usd"].sum() == pytest.approx(found.mean, rel=1e-12)


def test_the_span_of_a_log_that_does_not_say():
    """It reaches from the first row to one mean gap, or one window, after the last; a note says so."""
    found = forecast_spend(calls(range(10, 110, 10)), "1m", "kimi-k2")
    assert (found.observed.start, found.observed.end) == (
        pd.Timedelta(seconds=10),
        pd.Timedelta(seconds=110),
    )
    assert any("told from its first and last row" in note for note in found.notes)
    found = forecast_spend(windows(range(12)), "1h", "kimi-k2")
    assert found.observed.end == pd.Timedelta(seconds=12 * 600)
    told = forecast_spend(calls(range(10, 110, 10)), "1m", "kimi-k2", 0, 120)
    assert not any("told from" in note for note in told.notes)


@pytest.mark.parametrize(
    ("places", "width"),
    [
        (np.arange(50), 600),
        (np.flatnonzero(np.random.default_rng(1).random(800) < 0.12), 600),  # most are absent
        (np.concatenate([np.arange(24) + 144 * day for day in range(9)]), 600),  # only by day
        (np.append(np.arange(40), 40 + 1 / 600), 600),  # one row a second late
        ([3], 0),
    ],
    ids=["all", "sparse", "by day", "late row", "one"],
)
def test_the_width_of_windows_is_told_from_the_gaps(places, width):
    """The width is that of the windows even where most have no row."""
    frame = read_usage(windows(places))
    assert rows_of(frame, "kimi-k2", load_catalog()).window == width * 1_000_000


def test_windows_without_a_common_gap_last_the_median_gap():
    """Times that no width explains leave the median gap."""
    seconds = np.array([0, 100, 233, 401, 577, 801.5, 1000.7])
    frame = read_usage(calls(seconds, requests=5))
    assert rows_of(frame, "kimi-k2", load_catalog()).window == 172_000_000


def test_windows_are_spent_evenly_over_their_width():
    """The spend of stretches that cut through windows adds up, and is shared by length."""
    log = windows(range(12), clients=2)
    found = check(forecast_spend(log, "1h", "kimi-k2", 0, 12 * 600))
    assert found.observed.total == pytest.approx(float(total_cost(log, "kimi-k2").total_usd))
    usd = (log["prompt_tokens"] * 1.2 + log["completion_tokens"] * 3.6).to_numpy() / 1e6
    by_window = usd.reshape(12, 2).sum(axis=1)
    halves = np.repeat(by_window / 2, 2).reshape(8, 3).sum(axis=1)  # 8 stretches of 1.5 windows
    np.testing.assert_allclose(found.observed.amounts, halves)


LOGS = {
    "one call": (calls([5]), {"start": 0, "end": 10}),
    "one call, heavy": (calls([5], 10**15, 10**15), {"start": 0, "end": 10}),
    "two calls": (calls([0, 7]), {}),
    "two calls, far apart": (calls([0, 2e6]), {}),
    "all at one time": (calls([5] * 40), {"start": 0, "end": HOUR}),
    "one window": (windows([0]), {"start": 0, "end": 600}),
    "long gap": (calls([*range(100), *range(50_000, 50_100)]), {}),
    "some without tokens": (calls(range(50), [0, 100] * 25, 0), {}),
    "tiny": (calls(range(50), 1, 0), {}),
    "huge": (calls(range(50), 10**15, 10**15, requests=10**9), {}),
    "one of all the spend": (calls(range(300), [10**9, *[1] * 299], 0), {}),
    "growing": (calls(np.sqrt(np.arange(400)) * 100), {}),
    "dying": (calls((np.arange(200) / 20) ** 4), {"start": 0, "end": 20_000}),
    "steep decline": (calls(np.arange(400), np.geomspace(10**7, 1, 400).astype(int), 0), {}),
    "cached not stated": (calls(range(50), cached_tokens=[None, 100] * 25), {}),
    "starts below zero": (calls(range(-50, 50)), {}),
    "two years of days": (windows(range(730), DAY, 1, dated=True), {}),
    "a year and more of sparse calls": (calls(np.arange(60) * 9.3 * DAY, dated=True), {}),
    "ten days of few calls": (calls(np.arange(40) * 0.25 * DAY, dated=True), {}),
}  # fmt: skip


@pytest.mark.parametrize("horizon", ["1s", "40 months"])
@pytest.mark.parametrize("name", LOGS)
def test_any_log_has_a_forecast(name, horizon):
    """Odd logs, and horizons far shorter or longer, give finite, positive, ordered amounts."""
    log, bounds = LOGS[name]
    check(forecast_spend(log, horizon, "kimi-k2", **bounds))


def test_a_steady_log_goes_on_as_it_was():
    """Calls at a fixed pace are expected to cost as much again, more surely than random ones."""
    log = calls(range(0, HOUR, 10))
    random = random_calls(len(log)).assign(prompt_tokens=1000, completion_tokens=200)
    found, other = (check(forecast_spend(one, "1h", "kimi-k2", 0, HOUR)) for one in (log, random))
    low, high = found.interval()
    assert abs(found.mean - float(total_cost(log, "kimi-k2").total_usd)) < 0.02 * (high - low)
    lower, higher = other.interval()
    assert high - low < 0.7 * (higher - lower)


def test_the_order_of_rows_does_not_matter():
    """Shuffled rows give the same bytes, of calls and of windows of several clients."""
    for log in (random_calls(), windows(range(30)), calls(np.repeat(range(50), 4), range(200))):
        frames = [
            forecast_spend(log.sample(frac=1, random_state=seed), "2h", "kimi-k2").frame
            for seed in range(2)
        ]
        frames.append(forecast_spend(log, "2h", "kimi-k2").frame)
        for frame in frames[1:]:
            pd.testing.assert_frame_equal(frame, frames[0], check_exact=True)


def test_amounts_follow_tokens_and_prices(tmp_path):
    """Twice the tokens, or twice the prices, are twice the spend at every quantile."""
    log = random_calls()
    once = forecast_spend(log, "2h", "kimi-k2").frame[COLUMNS]
    tokens = ["prompt_tokens", "completion_tokens"]
    twice = forecast_spend(log.assign(**{name: 2 * log[name] for name in tokens}), "2h", "kimi-k2")
    pd.testing.assert_frame_equal(twice.frame[COLUMNS], 2 * once, check_exact=True)
    card = (data_dir() / "catalogs" / "2026-06.toml").read_text(encoding="utf-8")
    doubled = re.sub(
        r'(_usd_per_mtok = )"([0-9.]+)"', lambda m: f'{m[1]}"{2 * float(m[2]):.4f}"', card
    )
    path = tmp_path / "doubled.toml"
    path.write_text(doubled, encoding="utf-8")
    dearer = forecast_spend(log, "2h", "kimi-k2", catalog=path)
    pd.testing.assert_frame_equal(dearer.frame[COLUMNS], 2 * once, rtol=1e-12)


def test_the_date_of_a_log_does_not_matter():
    """A log moved by whole days, or told without dates, has the same amounts ahead."""
    log = random_calls(seconds=3 * DAY, dated=True)
    first = forecast_spend(log, "5 days", "kimi-k2")
    later = log.assign(timestamp=log["timestamp"] + pd.Timedelta(days=45))
    relative = random_calls(seconds=3 * DAY)
    for other in (later, relative):
        found = forecast_spend(other, "5 days", "kimi-k2")
        pd.testing.assert_frame_equal(found.frame[COLUMNS], first.frame[COLUMNS], check_exact=True)
    assert forecast_spend(later, "5 days", "kimi-k2").until == first.until + pd.Timedelta(days=45)


def test_every_row_is_priced_as_its_own_model():
    """Without a model the observed spend is the sum over models, to rounding."""
    log = random_calls(model=["kimi-k2", "kimi-k2-5-thinking", "kimi-k2-5"] * 50)
    found = check(forecast_spend(log, "1h"))
    assert found.observed.total == pytest.approx(float(price_usage(log)["total_usd"].sum()))
    assert "priced as their own models" in found.provenance
    as_one = forecast_spend(log, "1h", "kimi-k2")
    assert as_one.observed.total == pytest.approx(float(total_cost(log, "kimi-k2").total_usd))


def test_what_cannot_be_priced_is_said():
    """Missing and unknown models, and prices that are not stated, are errors or left out and said."""
    log = random_calls()
    with pytest.raises(UsageError, match="150 such rows"):
        forecast_spend(log, "1h")
    with pytest.raises(UsageError, match="149 such rows"):
        forecast_spend(log.assign(model=["kimi-k2", *[None] * 149]), "1h")
    with pytest.raises(UnknownModelError, match="kimi-k2"):
        forecast_spend(log, "1h", "kimi-k22")
    mixed = log.assign(model=["kimi-k2", "kimi-k3"] * 75)
    ahead = forecast_spend(mixed, "1h")
    assert ahead.observed.calls == 75
    assert ahead.notes[-1].code == "not_priced"
    assert "75 rows of kimi-k3" in ahead.notes[-1]
    assert forecast_spend(mixed, "1h", alias={"kimi-k3": "kimi-k2"}).observed.calls == 150
    with pytest.raises(PriceNotFoundError, match="150 rows of kimi-k3"):
        forecast_spend(log.assign(model="kimi-k3"), "1h")
    with pytest.raises(PriceNotFoundError, match="has no price for 2020"):
        kimi_planner.forecast_spend(log, "1h", "kimi-k2", as_of=date(2020, 1, 1))


@pytest.mark.parametrize(
    ("log", "options", "error", "said"),
    [
        (calls(range(9), 0, 0), {}, TooLittleUsageError, "no spend from 0 s to 9 s"),
        (calls(range(9)), {"start": 20, "end": 30}, TooLittleUsageError, "no spend from 20 s to 30 s"),
        (calls([4]), {}, TooLittleUsageError, "same timestamp"),
        (calls([4] * 9), {"start": 0}, TooLittleUsageError, "same timestamp"),
        (calls(range(9)), {"start": 20}, UsageError, "start .20 s. must be before end .9 s."),
        (calls([*range(9), 3e9]), {}, UsageError, "reaches from 0 s to 3,000,000,000 s, more than 50 years"),
        (calls(range(9)).drop(columns="timestamp_s"), {}, UsageError, "9 rows have no timestamp"),
        (calls(range(9)).iloc[:0], {}, UsageError, "no rows"),
        (calls(range(9), -1), {}, UsageError, "prompt_tokens is -1"),
        (calls([0, np.inf]), {}, UsageError, "timestamp"),
        ("log.csv", {}, UsageError, "Read a log first"),
        (None, {}, UsageError, "Read a log first"),
        (calls(range(9)), {"as_of": "24.11.2026"}, SettingError, "as_of is '24.11.2026'"),
        (calls(range(9)), {"as_of": 0}, SettingError, "as_of is 0"),
        (calls(range(9)), {"catalog": "1999-01"}, KimiPlannerError, "1999-01"),
    ],
)  # fmt: skip
def test_logs_that_tell_nothing_are_refused(log, options, error, said):
    """A log without spend, time or rows is an error that says what is missing."""
    with pytest.raises(error, match=said):
        forecast_spend(log, "1h", "kimi-k2", **options)


def test_hours_after_a_long_log_follow_its_last_days():
    """A horizon under two days after four weeks or more uses the last 14 days, and says so."""
    steady = windows(range(40 * 6), 4 * HOUR, 1, dated=True)
    more = steady.assign(
        **{
            name: np.where(np.arange(len(steady)) < 20 * 6, steady[name], 3 * steady[name])
            for name in ("prompt_tokens", "completion_tokens", "requests")
        }
    )
    found = check(forecast_spend(more, "6h", "kimi-k2"))
    assert found.observed.seconds == 14 * DAY
    assert found.notes[0].startswith("Only the last 14 days are used")
    assert not any("Rows outside" in note for note in found.notes)
    recent = forecast_spend(more.iloc[-14 * 6 :], "6h", "kimi-k2")
    assert found.mean == pytest.approx(recent.mean)
    longer = check(forecast_spend(more, "2 days", "kimi-k2"))
    assert longer.observed.seconds == 40 * DAY
    assert not any("Only the last" in note for note in longer.notes)


def test_hours_after_a_log_that_ends_in_silence():
    """If the last 14 days have too few calls, whole days are followed, and a note says so."""
    log = windows(range(30 * 24), HOUR, 1, dated=True)
    found = check(forecast_spend(log, "6h", "kimi-k2", end="2026-12-31"))
    assert found.observed.seconds == 59 * DAY
    assert found.notes[0].startswith("The last 14 days hold too few calls")


HOURLY = windows(range(28 * 24), HOUR, 1, dated=True)


@pytest.mark.parametrize(
    ("log", "horizon", "bounds", "code", "is_said"),
    [
        (HOURLY, "47h", {}, "recent_days", True),
        (HOURLY, "48h", {}, "recent_days", False),
        (HOURLY.iloc[2:], "6h", {}, "recent_days", False),
        (random_calls(99), "1h", {}, "few_calls", True),
        (random_calls(100), "1h", {}, "few_calls", False),
        (random_calls(), "3h", {"start": 0, "end": HOUR}, "far_ahead", False),
        (random_calls(), "181min", {"start": 0, "end": HOUR}, "far_ahead", True),
        (random_calls(), "1h", {"start": 0, "end": 23.9 * HOUR}, "no_day", True),
        (random_calls(), "1h", {"start": 0, "end": DAY}, "no_day", False),
        (random_calls(), "1h", {"start": 0, "end": DAY}, "no_week", True),
        (random_calls(), "1h", {"start": 0, "end": 6.9 * DAY}, "no_week", True),
        (random_calls(), "1h", {"start": 0, "end": 7 * DAY}, "no_week", False),
    ],
)
def test_what_is_said_of_a_forecast_begins_where_it_says(log, horizon, bounds, code, is_said):
    """Two days, four weeks, a hundred calls, three times the log, a day, a week: to the step."""
    result = forecast_spend(log, horizon, "kimi-k2", **bounds)
    assert (code in {note.code for note in result.notes}) is is_said


def notes(*arguments, **options):
    return " ".join(forecast_spend(*arguments, **options).notes)


def test_notes_say_what_the_range_leaves_out():
    """Few calls, long horizons, short logs and bad rows are said; a plain case is not."""
    assert "Only 20 calls to forecast from" in notes(random_calls(20), "1h", "kimi-k2")
    assert "Only 1 call to forecast from" in notes(calls([5]), "1h", "kimi-k2", 0, 9)
    assert "The horizon is 24 times as long" in notes(random_calls(), "1 day", "kimi-k2", 0, HOUR)
    short = notes(random_calls(), "1h", "kimi-k2", 0, HOUR)
    assert "shorter than a day" in short
    assert "Only" not in short
    assert "times as long" not in short
    week = notes(random_calls(seconds=2 * DAY), "1 day", "kimi-k2")
    assert "shorter than a week" in week
    assert "shorter than a day" not in week
    log = random_calls()
    log.attrs["rejected"] = 1234
    assert "Bad rows of the log, left out: 1,234." in notes(log, "1h", "kimi-k2")


@pytest.fixture(scope="module")
def found():
    log = random_calls(dated=True)
    log.attrs["source"] = "logs/<b>May</b> & June.csv"
    return forecast_spend(log, "3h", "kimi-k2")


def test_quantiles_and_ranges(found):
    """One quantile is a number, several are an array; ranges are central and nest."""
    assert isinstance(found.quantile(0.5), float)
    assert found.quantile(np.float32(0.5)) == found.quantile(0.5)
    assert found.quantile([0.5]).shape == (1,)
    assert found.quantile([]).shape == (0,)
    assert found.interval() == tuple(found.quantile([0.1, 0.9]))
    (low, high), (lower, higher) = found.interval(0.5), found.interval(0.95)
    assert lower < low < found.quantile(0.5) < high < higher
    assert low < found.mean < high
    assert found.frame["p90_usd"].iloc[-1] == found.quantile(0.9)


@pytest.mark.parametrize(
    "q", [0, 1, -0.1, 1.1, float("nan"), "0.5", None, True, [0.5, 1], [[0.5]], [None], [1e-300]]
)
def test_quantiles_out_of_bounds_are_refused(found, q):
    """A quantile that is none is an error that shows it."""
    with pytest.raises(SettingError, match=r"quantile is .* between 0 and 1"):
        found.quantile(q)
    if not isinstance(q, list):
        with pytest.raises(SettingError, match=r"level is .* between 0 and 1"):
            found.interval(q)


def test_what_a_forecast_says_of_itself(found):
    """Sentence, repr and provenance name amounts, prices, day and that nothing is drawn."""
    low, high = found.interval()
    sentence = f"Next 3 hours: {found.mean:.2f} USD expected; 80% range {low:.2f} to {high:.2f} USD"
    assert found.sentence == sentence
    assert repr(found).startswith(f"{sentence}.")
    assert f"\n{found.until:%Y-%m-%d %H:%M} UTC  " in repr(found)
    for words in (
        "150 calls from 2026-11-02 00:0",
        "logs/<b>May</b> & June.csv",
        "priced as kimi-k2",
        f"Catalog 2026-06 (sha256 {found.catalog.sha256[:12]}), as of 2026-11-24",
        "No random draws",
    ):
        assert words in found.provenance
    assert found.seed is None
    assert found.n_paths is None
    assert 0 < found.hurst < 1.5


def test_the_notebook_form_escapes_the_name_of_the_log(found):
    """What a log is called is text, not markup; every note and the answer are there."""
    html = found._repr_html_()
    assert "&lt;b&gt;May&lt;/b&gt; &amp; June.csv" in html
    assert "<b>May" not in html
    assert found.sentence in html
    assert html.count("<tr") == 1 + len(found.frame)
    assert html.count("<li>") == len(found.notes)
