"""What is learned from earlier forecasts of a source: what is kept, what is read, and how ranges change."""

import json
from dataclasses import replace
from datetime import date
from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import kimi_planner
from kimi_planner.errors import UsageError
from kimi_planner.forecast.past import PastForecast, past_text, read_past, width_learned
from kimi_planner.series.spread import from_score

HOURS = 4
USD = (1.2 * 1000 + 3.6 * 200) / 1e6  # of a call

forecast_spend = partial(kimi_planner.forecast_spend, model="kimi-k2", as_of=date(2026, 11, 24))


def service(drift, days, seed):
    """Return windows of a service whose level drifts from day to day, and the calls in each day."""
    rng = np.random.default_rng(seed)
    level = np.zeros(days)
    for day in range(1, days):
        level[day] = 0.9 * level[day - 1] + rng.normal(0, drift)
    windows = 24 // HOURS
    calls = rng.poisson(400 * np.repeat(np.exp(level), windows)) + 1
    starts = pd.to_timedelta(np.arange(days * windows) * HOURS, unit="h")
    frame = pd.DataFrame(
        {
            "timestamp": pd.Timestamp("2026-01-01", tz="UTC") + starts,
            "requests": calls,
            "prompt_tokens": calls * 1000,
            "completion_tokens": calls * 200,
        }
    )
    return frame, calls.reshape(days, windows).sum(axis=1) * USD


def after(frame, first, days, path):
    """Forecast the day after some days of a log, which learns from the file, and keep it there."""
    start = pd.Timestamp("2026-01-01", tz="UTC") + pd.Timedelta(days=first)
    end = start + pd.Timedelta(days=days)
    log = frame[(frame["timestamp"] >= start) & (frame["timestamp"] < end)]
    made = forecast_spend(log, "1 day", start=start, end=end, past=path)
    made.record(path)
    return made


@pytest.mark.parametrize("drift", [0.08, 0.44])
def test_services_that_drift_more_or_less_both_end_near_80(drift, tmp_path):
    """After fifteen outcomes the 80% ranges of a calm and of a wild service hold 72 to 88%."""
    held, factors = [], []
    for seed in range(3):
        frame, usd = service(drift, 50, seed)
        for first in range(42):
            made = after(frame, first, 7, tmp_path / f"{seed}.jsonl")
            low, high = made.interval(0.8)
            if first >= 15:
                held.append(low <= usd[first + 7] <= high)
        factors.append(made.factor)
    assert 0.72 <= np.mean(held) <= 0.88, factors


def test_outcomes_are_exact_and_learned_from_the_third_on(tmp_path):
    """A later log adds what was spent; two outcomes change nothing; each forecast is kept once."""
    frame, usd = service(0.2, 20, 1)
    path = tmp_path / "past.jsonl"
    for first in range(4):
        made = after(frame, first, 7, path)
        assert sum(one.outcome_usd is not None for one in made.past) == first
        assert (made.factor == 1) == (first < 3)
        assert len(read_past(path)) == first + 1
    outcomes = [one.outcome_usd for one in made.past]
    assert outcomes == pytest.approx(usd[7:10])
    again = after(frame, 3, 7, path)
    assert len(read_past(path)) == 4, "the same stretch is kept once"
    assert again.factor == made.factor
    [note] = (one for one in made.notes if "As 3 earlier forecasts came out" in one)
    assert (" wider than" if made.factor > 1 else " narrower than") in note
    low, high = made.unlearned.last.quantile(np.array([0.1, 0.9]))[0]
    learned, unlearned = np.log(made.quantile(0.9) / made.quantile(0.1)), np.log(high / low)
    assert (learned > unlearned) == (made.factor > 1)


def test_part_of_a_stretch_is_no_outcome(tmp_path):
    """A log that ends before the horizon, or begins after its start, tells nothing of it."""
    frame, _ = service(0.1, 30, 2)
    path = tmp_path / "past.jsonl"
    forecast_spend(frame.iloc[:60], "10 days", past=path).record(path)
    for log in (frame.iloc[:110], frame.iloc[61:]):
        (made,) = forecast_spend(log, "1 day", past=path).past
        assert made.outcome_usd is None
    (made,) = forecast_spend(frame, "1 day", past=path).past
    assert made.outcome_usd == pytest.approx(frame["requests"].iloc[60:120].sum() * USD)


def test_what_is_known_of_a_forecast_is_kept(tmp_path):
    """An outcome that stands there is not told anew, and a log of another model tells none."""
    frame, _ = service(0.1, 30, 2)
    path = tmp_path / "past.jsonl"
    forecast_spend(frame.iloc[:60], "1 day", past=path).record(path)
    (other,) = forecast_spend(frame, "1 day", model="kimi-k2-5", past=path).past
    assert (other.model, other.outcome_usd) == ("kimi-k2", None)
    (known,) = read_past(path)
    path.write_text(past_text([replace(known, outcome_usd=7.5)]), encoding="utf-8")
    (made,) = forecast_spend(frame, "1 day", past=path).past
    assert made.outcome_usd == 7.5


def test_a_file_that_is_not_there_holds_none_and_logs_without_dates_cannot(tmp_path):
    """No file is no past, said in a note; a log that counts from its own start is refused."""
    frame, _ = service(0.1, 8, 3)
    made = forecast_spend(frame, "1 day", past=tmp_path / "none.jsonl")
    assert made.past == ()
    assert any("Earlier forecasts whose outcome is known: 0." in note for note in made.notes)
    relative = frame.assign(timestamp_s=np.arange(len(frame)) * 14_400).drop(columns="timestamp")
    with pytest.raises(UsageError, match="past needs a log with dates"):
        forecast_spend(relative, "1 day", past=tmp_path / "none.jsonl")
    with pytest.raises(UsageError, match="with dates can be recorded"):
        forecast_spend(relative, "1 day").record(tmp_path / "none.jsonl")


def days_of(scores, model="kimi-k2", scale=0.2):
    """Return forecasts of one day after another whose outcomes had these scores."""
    days = pd.date_range("2026-01-01", periods=len(scores) + 1, tz="UTC")
    return [
        PastForecast(
            model=model,
            start=days[index].isoformat(),
            until=days[index + 1].isoformat(),
            median_usd=50.0,
            scale=scale,
            outcome_usd=float(50 * from_score(np.array([score]))[0]),
        )
        for index, score in enumerate(scores)
    ]


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
def test_many_outcomes_give_the_true_width(factor):
    """Outcomes as wide as a multiple of what was stated have that factor, within its sampling error."""
    steps = stats.t.ppf((np.arange(400) + 0.5) / 400, 5)
    found, outcomes = width_learned(days_of(factor * 0.2 * steps), "kimi-k2")
    assert outcomes == 400
    assert found == pytest.approx(factor, rel=0.03)


def test_few_outcomes_move_the_width_a_little():
    """Three outcomes far out widen, three near narrow, both less than many of them would."""
    near, far = (width_learned(days_of([size * 0.2] * 3), "kimi-k2")[0] for size in (0.1, 4.0))
    assert 0.4 < near < 0.9
    assert 1.5 < far < 4


def test_overlapping_stretches_count_for_what_they_do_not_share():
    """Twenty forecasts of one and the same day teach as much as one of it; other models none."""
    once = days_of([0.5, 0.4, 0.9])
    often = [*once[:2], *[once[2]] * 20]
    assert width_learned(often, "kimi-k2")[0] == pytest.approx(width_learned(once, "kimi-k2")[0])
    assert width_learned(once, "kimi-k2-5") == (1.0, 0)
    open_ = [replace(made, outcome_usd=None) for made in once]
    assert width_learned(open_, "kimi-k2") == (1.0, 0)


@pytest.mark.parametrize(
    "line",
    ["{", "[]", "7", "{}", '{"model": null}', '{"start": "soon"}', '{"scale": 0}', '{"median_usd": "x"}',
     '{"median_usd": -1}', '{"outcome_usd": -1}', '{"until": "2020-01-01T00:00:00+00:00"}', '{"more": 1}'],
)  # fmt: skip
def test_lines_that_are_no_forecast_are_refused(line, tmp_path):
    """A line that was not recorded is an error with its number and its text."""
    path = tmp_path / "past.jsonl"
    (good,) = days_of([0.1])
    values = json.loads(past_text([good]))
    if line.startswith('{"') and line != '{"model": null}':
        line = json.dumps(values | json.loads(line))
    path.write_text(past_text([good]) + line + "\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"past.jsonl line 2: .* is not a recorded forecast"):
        read_past(path)


def test_what_is_kept_is_read_as_it_was(tmp_path):
    """Forecasts written and read are the same, outcomes that are not known stay so."""
    past = (*days_of([0.1, -0.3]), replace(days_of([0.2], None)[0], outcome_usd=None))
    path = tmp_path / "past.jsonl"
    path.write_text(past_text(past), encoding="utf-8")
    assert read_past(path) == past
