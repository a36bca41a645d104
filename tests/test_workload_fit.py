"""Workloads fitted to a log: a frame with a known answer, and a real trace."""

import csv
import gzip
from datetime import date

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from kimi_planner import plot, project, read_usage
from kimi_planner.errors import UsageError, WorkloadError
from kimi_planner.workload import Workload

mpl.use("Agg")
START = pd.Timestamp("2026-01-05", tz="UTC")


def percentiles(quantity):
    """Return P10, P50 and P90."""
    return quantity.ppf(np.array([0.1, 0.5, 0.9])).tolist()


def calls(count, every, **columns):
    """Return a log of calls at one distance from each other."""
    times = START + pd.Timedelta(every) * np.arange(count)
    base = {"timestamp": times, "prompt_tokens": 100, "completion_tokens": 10}
    return pd.DataFrame(base | columns)


def test_a_log_with_a_known_answer():
    """Traffic, sizes, visible answers, reasoning and cached share are those the log was made with."""
    k = np.arange(2880)  # one each 10 minutes for 20 days
    frame = calls(
        2880,
        "10min",
        prompt_tokens=1000 + 10 * (k % 101),
        cached_tokens=400 + 4 * (k % 101),
        completion_tokens=250 + k % 7,
        reasoning_tokens=200,
    )
    fitted = Workload.from_usage(frame, "bot")
    assert fitted.name == "bot"
    assert percentiles(fitted.requests_per_day) == pytest.approx([24 * 6] * 3, rel=0.01)
    assert fitted.prompt_tokens.mean == pytest.approx(frame["prompt_tokens"].mean())
    assert fitted.completion_tokens.mean == pytest.approx(50 + (k % 7).mean())
    assert fitted.completion_tokens.ppf(np.array([0.0, 1.0])).tolist() == [50, 56]
    assert fitted.reasoning_tokens.mean == pytest.approx(200)
    assert fitted.cached_share.mean == pytest.approx(0.4)
    end = "2026-01-25 00:00 UTC"
    source = f"Fitted to 2,880 calls in usage frame; traffic is that of the month after {end}."
    assert fitted.source == source
    assert {one.factor for one in (fitted.reasoning_tokens, fitted.turns)} == {None}
    assert fitted.notes == ()


def test_order_and_rate_do_not_matter():
    """A shuffled log of two days gives the traffic of those two days, and says how short it is."""
    frame = calls(97, "30min")
    fitted = Workload.from_usage(frame.sample(frac=1, random_state=3), "w")
    assert fitted.requests_per_day == Workload.from_usage(frame, "w").requests_per_day
    low, middle, high = percentiles(fitted.requests_per_day)
    assert low < 48 < high
    assert middle == pytest.approx(48, rel=0.01)
    assert "unstated" in [note.code for note in fitted.notes]
    assert any("2.0 days of traffic" in note and "rhythm" in note for note in fitted.notes)
    assert (fitted.cached_share, fitted.reasoning_tokens) == (None, None)


def test_windows_count_their_requests():
    """Rows of several requests weigh as many; the last window lasts as long as the others."""
    frame = calls(
        4,
        "6h",
        requests=[3, 1, 0, 6],
        prompt_tokens=[300, 500, 0, 1200],
        completion_tokens=[30, 40, 0, 60],
    )
    fitted = Workload.from_usage(frame, "w")
    low, _, high = percentiles(fitted.requests_per_day)
    assert low < 3 + 1 + 0 + 6 < high
    assert fitted.prompt_tokens.mean == pytest.approx((300 + 500 + 1200) / (3 + 1 + 6))
    assert fitted.completion_tokens.mean == pytest.approx((30 + 40 + 60) / (3 + 1 + 6))
    assert any("averages of a row" in note for note in fitted.notes)


def test_a_cached_share_is_of_the_rows_that_state_it():
    """Rows that do not say how much was cached are left out of the share, and the notes say so."""
    frame = calls(3, "8h", cached_tokens=pd.array([50, None, 10], dtype="Int64"))
    fitted = Workload.from_usage(frame, "w")
    low, middle, high = percentiles(fitted.cached_share)
    assert low < (50 + 10) / (100 + 100) < high
    assert abs(middle - 0.3) < abs(middle - 0.2)
    even = frame.assign(cached_tokens=pd.array([50, None, 50], dtype="Int64"))
    assert Workload.from_usage(even, "w").cached_share.mean == pytest.approx(0.5)
    assert "1 of 3 rows do not state cached tokens" in fitted.notes[0]


def test_answers_are_sized_by_the_rows_that_state_their_reasoning():
    """Reasoning is not counted twice where only every second row states it."""
    stated = pd.array([1000, None] * 10, dtype="Int64")
    frame = calls(20, "1h", completion_tokens=1100, reasoning_tokens=stated)
    fitted = Workload.from_usage(frame, "w", requests_per_day=1)
    assert (fitted.completion_tokens.mean, fitted.reasoning_tokens.mean) == (100, 1000)
    assert any(note.startswith("10 of 20 rows do not state reasoning") for note in fitted.notes)
    model, days = "kimi-k2-5-thinking", 30
    spend = project(fitted, 1, "2026-11", model, as_of=date(2026, 11, 24)).of(model)
    assert spend.completion_tokens[0] == pytest.approx(1100 * days)


def test_what_is_known_better_replaces_what_the_log_shows():
    """Given fields are taken as they are; with traffic given, the log needs no times."""
    traffic = {"p10": 800, "p50": 1000, "p90": 1500}
    frame = calls(5, "1h").drop(columns="timestamp")
    fitted = Workload.from_usage(frame, "w", requests_per_day=traffic, needs=["json"], max_tokens=9)
    expected = Workload(name="x", requests_per_day=traffic, prompt_tokens=1, completion_tokens=1)
    assert fitted.requests_per_day == expected.requests_per_day
    assert (fitted.needs, fitted.max_tokens) == (("json",), 9)
    assert fitted.prompt_tokens.mean == 100


@pytest.mark.parametrize(
    ("frame", "error", "words"),
    [
        (calls(5, "1h").drop(columns="timestamp"), WorkloadError, ["5 rows have no timestamp", "Pass requests_per_day="]),
        (calls(5, "0h"), WorkloadError, ["same timestamp", "Pass requests_per_day="]),
        (calls(1, "1h"), WorkloadError, ["same timestamp", "Pass requests_per_day="]),
        (calls(5, "1h", prompt_tokens=-1), UsageError, ["prompt_tokens is -1", "cannot be negative"]),
        (calls(5, "1h", cached_tokens=101), UsageError, ["cached_tokens (101)", "prompt_tokens (100)"]),
        (calls(5, "1h").drop(columns="prompt_tokens"), UsageError, ["no column 'prompt_tokens'"]),
        (calls(5, "1h").iloc[:0], UsageError, ["no rows"]),
        (calls(4, "6h", requests=0, prompt_tokens=0, completion_tokens=0), WorkloadError, ["no row has a call"]),
    ],
    ids=["no times", "one time", "one call", "negative", "contradiction", "no column", "empty", "idle"],
)  # fmt: skip
def test_a_log_that_cannot_tell_is_refused(frame, error, words):
    """A log without times, calls or sound rows is one error that says what to do."""
    with pytest.raises(error) as caught:
        Workload.from_usage(frame, "w")
    for word in words:
        assert word in str(caught.value)


@pytest.fixture(scope="module")
def rows(trace):
    with gzip.open(trace, "rt", encoding="utf-8", newline="") as handle:
        found = list(csv.DictReader(handle))
    return {key: np.array([float(row[key]) for row in found]) for key in found[0]}


def test_a_real_trace_keeps_its_means(trace, rows):
    """Sizes and traffic of a fitted trace are those of a plain loop over its file."""
    fitted = Workload.from_usage(read_usage(trace), "conversations")
    seconds = rows["timestamp_s"]
    per_second = (len(seconds) - 1) / (seconds.max() - seconds.min())
    low, middle, high = percentiles(fitted.requests_per_day)
    assert low < 86_400 * per_second < high
    assert middle == pytest.approx(86_400 * per_second, rel=0.02)
    for key in ("prompt_tokens", "completion_tokens"):
        found = fitted.given(key)
        assert found.mean == pytest.approx(rows[key].mean(), rel=1e-12)
        shares = np.array([0.1, 0.5, 0.9, 0.99])
        expected = np.quantile(rows[key], shares, method="inverted_cdf")
        assert found.ppf(shares).tolist() == expected.tolist()
    assert str(trace) in fitted.source
    assert any("29 minutes of traffic" in note for note in fitted.notes)


def test_a_real_trace_becomes_a_plan_with_a_picture(trace, rows):
    """The plan's mean is days x calls x mean cost of the file's calls, and it can be drawn."""
    fitted = Workload.from_usage(read_usage(trace), "conversations", requests_per_day=1000)
    plan = project(fitted, months=2, as_of=date(2026, 10, 5), n_paths=1000)
    prices = {"kimi-k2-5": (2.5, 7.5), "kimi-k2-5-thinking": (3.5, 10.5), "kimi-k2": (1.2, 3.6), "kimi-k2-instruct": (1.5, 4.5)}  # fmt: skip
    for model, (prompt, completion) in prices.items():
        call = prompt * rows["prompt_tokens"] + completion * rows["completion_tokens"]
        for month, days in enumerate((30, 31)):
            expected = 1000 * days * call.mean() / 1e6
            noise = call.std() / call.mean() / np.sqrt(1000 * days) / np.sqrt(1000)
            # within 5 standard errors of a mean over 1,000 months
            assert plan.of(model).mean()[month] == pytest.approx(expected, rel=5 * noise)
    axes = plot.monthly_spend(plan, "conversations")
    axes.figure.canvas.draw()
    assert [text.get_text() for text in axes.get_yticklabels()] == list(prices)
    # the traffic is certain, the means of tokens are not: the bar is the median
    medians = [np.median(plan.of(model).usd.sum(axis=0)) / 2 for model in prices]
    assert [bar.get_width() for bar in axes.patches] == pytest.approx(medians)
    plt.close(axes.figure)


def test_a_field_that_is_not_known_is_refused():
    """A misspelt field is an error of ours that names the right one."""
    calls = pd.DataFrame({"prompt_tokens": [2000], "completion_tokens": [500]})
    with pytest.raises(WorkloadError, match=r"unknown field 'growth'.*Known: name"):
        Workload.from_usage(calls, "w", requests_per_day=1, growth=0.1)


def test_values_that_make_one_name_are_not_one_workload():
    """What stands between two columns may stand in a value too."""
    calls = {"model": "kimi-k2", "prompt_tokens": 9, "completion_tokens": 1}
    times = pd.date_range("2026-11-01", periods=4, freq="12h", tz="UTC")
    frame = pd.DataFrame(calls, index=range(4)).assign(timestamp=times)
    frame["a"], frame["b"] = ["x / y", "x / y", "x", "x"], ["z", "z", "y / z", "y / z"]
    with pytest.raises(WorkloadError, match=r"by is a, b, .* make one name: 'x / y / z'\."):
        Workload.from_usage(frame, by=["a", "b"])
    frame["b"] = ["z", "z", "y", "z"]
    assert [one.name for one in Workload.from_usage(frame, by=["a", "b"])] == [
        "x / y / z", "x / y", "x / z"
    ]  # fmt: skip
