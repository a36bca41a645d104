"""``kimi-planner usage forecast``: what it prints and writes, and with which exit code."""

import io
import json
import sys

import numpy as np
import pandas as pd
import pytest

from kimi_planner import forecast_spend, read_usage

AS_OF = ("--as-of", "2026-11-24")


@pytest.fixture
def log(run, tmp_path):
    """Write nine days of hourly windows, quiet at night."""
    hours = np.arange(9 * 24)
    requests = np.rint(300 - 200 * np.cos(2 * np.pi * (hours - 3) / 24)).astype(int)
    pd.DataFrame(
        {
            "timestamp": pd.Timestamp("2026-11-01T00:00:00Z") + pd.to_timedelta(hours, unit="h"),
            "model": np.where(hours % 3, "kimi-k2", "kimi-k2-5"),
            "requests": requests,
            "prompt_tokens": requests * (1500 + hours % 7 * 40),
            "completion_tokens": requests * 300,
        }
    ).to_csv(tmp_path / "log.csv", index=False)
    return "log.csv"


@pytest.fixture
def hour(run, tmp_path):
    """Write an hour of calls that has no dates and names no model."""
    seconds = np.random.default_rng(2).uniform(0, 3600, 400).round(3)
    frame = pd.DataFrame(
        {"timestamp_s": np.sort(seconds), "prompt_tokens": 1200, "completion_tokens": 250}
    )
    frame.to_csv(tmp_path / "hour.csv", index=False)
    return "hour.csv"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("usage_forecast.txt", ["log.csv", "--horizon", "1 month"]),
        ("usage_forecast.json", ["log.csv", "--horizon", "7 days", "--start", "2026-11-01",
                                 "--end", "2026-11-10", "--format", "json"]),
        ("usage_forecast_hour.txt", ["hour.csv", "--horizon", "2h", "--model", "kimi-k2", "--start", "0",
                                     "--end", "3600"]),
    ],
)  # fmt: skip
def test_whole_outputs_are_as_reviewed(run, log, hour, golden, name, arguments):
    """What people and programs read is what was last reviewed, word for word."""
    code, out, err = run("usage", "forecast", *arguments, *AS_OF)
    assert (code, err) == (0, "")
    golden(name, out)


def test_json_has_the_numbers_of_the_library(run, log):
    """Amounts are those of forecast_spend, to a millionth of a dollar."""
    code, out, _ = run("usage", "forecast", log, "--horizon", "3 days", "--format", "json", *AS_OF)
    data = json.loads(out)
    found = forecast_spend(read_usage(log), "3 days", as_of=pd.Timestamp("2026-11-24").date())
    assert code == 0
    assert data["mean_usd"] == round(found.mean, 6)
    assert data["p90_usd"] == round(found.quantile(0.9), 6) == data["steps"][-1]["p90_usd"]
    assert data["steps"][-1]["until"] == data["horizon"]["until"] == "2026-11-13T00:00:00Z"
    assert data["horizon"]["seconds"] == 3 * 86_400
    assert data["observed"]["calls"] == found.observed.calls
    assert (data["format"], data["seed"], data["model"]) == (1, None, None)


def test_several_logs_are_one(run, log):
    """A log cut into two files has the forecast of the whole."""
    rows = pd.read_csv(log)
    rows.iloc[:100].to_csv("b.csv", index=False)
    rows.iloc[100:].to_csv("a.csv", index=False)
    options = ["--horizon", "3 days", "--format", "csv", *AS_OF]
    _, whole, _ = run("usage", "forecast", log, *options)
    code, parts, _ = run("usage", "forecast", "a.csv", "b.csv", *options)
    assert (code, parts) == (0, whole)
    rows = pd.read_csv(io.StringIO(whole))
    assert list(rows) == [
        "until",
        "mean_usd",
        "p05_usd",
        "p10_usd",
        "p50_usd",
        "p90_usd",
        "p95_usd",
    ]
    assert len(rows) == 12


def test_a_folder_gets_the_forecast_and_its_picture(run, log, tmp_path):
    """--out writes JSON, CSV and PNG, the same bytes each time."""
    options = ["--horizon", "7 days", "--format", "json", *AS_OF]
    code, out, err = run("usage", "forecast", log, *options, "--out", "made")
    assert code == 0
    assert err.count("wrote made") == 3
    assert (tmp_path / "made" / "forecast.json").read_text(encoding="utf-8") == out
    picture = (tmp_path / "made" / "forecast.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    run("usage", "forecast", log, *options, "--out", "again")
    assert (tmp_path / "again" / "forecast.png").read_bytes() == picture


def test_recorded_forecasts_are_kept_with_their_outcomes(run, log, tmp_path):
    """--record keeps each forecast, adds what a later log shows, and says from when on it learns."""
    options = ["--horizon", "1 day", "--record", "past.jsonl", *AS_OF]
    for day in ("06", "07", "08", "09"):
        code, out, _ = run("usage", "forecast", log, *options, "--end", f"2026-11-{day}")
        assert code == 0
    assert "As 3 earlier forecasts came out" in out
    kept = [json.loads(line) for line in (tmp_path / "past.jsonl").read_text().splitlines()]
    assert [row["start"][:10] for row in kept] == [f"2026-11-0{day}" for day in range(6, 10)]
    assert [row["outcome_usd"] is not None for row in kept] == [True, True, True, False]
    (tmp_path / "past.jsonl").write_text("nothing\n", encoding="utf-8")
    code, out, err = run("usage", "forecast", log, *options)
    assert (code, out) == (2, "")
    assert "past.jsonl line 1: 'nothing' is not a recorded forecast" in err


def test_bad_rows_stop_or_are_said(run, hour, tmp_path):
    """A bad row is exit code 2 with its line, or is left out and noted."""
    with (tmp_path / hour).open("a", encoding="utf-8") as handle:
        handle.write("3600,-5,1\n")
    options = [hour, "--horizon", "1h", "--model", "kimi-k2", *AS_OF]
    code, out, err = run("usage", "forecast", *options)
    assert (code, out) == (2, "")
    assert "hour.csv line 402: prompt_tokens is -5" in err
    code, out, _ = run("usage", "forecast", *options, "--on-error", "skip")
    assert code == 0
    assert "Bad rows of the log, left out: 1." in out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["none.csv", "--horizon", "1h"], 3, "no spend from 0 s to 2 s"),
        (["once.csv", "--horizon", "1h"], 3, "all rows have the same timestamp"),
        (["hour.csv", "--horizon", "1h", "--start", "7200", "--end", "9000"], 3, "no spend from"),
        (["hour.csv", "--horizon", "1h", "--as-of", "2020-01-01"], 3, "no price for 2020-01-01"),
        (["hour.csv", "--horizon", "soon"], 2, "horizon is 'soon'"),
        (["hour.csv", "--horizon", "0 days"], 2, "at least a second"),
        (["hour.csv"], 2, "--horizon"),
        (["hour.csv", "--horizon", "1h", "--start", "2026-11-01"], 2, "seconds since the log began"),
        (["log.csv", "--horizon", "1h", "--end", "3600"], 2, "a UTC time"),
        (["absent.csv", "--horizon", "1h"], 2, "no such file"),
        (["hour.csv", "--horizon", "1h", "--model", "kimi-9"], 2, "Unknown model 'kimi-9'"),
        (["hour.csv", "--horizon", "1h", "--model", ""], 2, "Unknown model ''"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("log", "hour")
def test_what_fails_says_why(run, arguments, code, said):
    """Too little to tell is exit code 3, bad input 2, each with one line on stderr."""
    for name, rows in (("none.csv", [(0, 0, 0), (1, 0, 0)]), ("once.csv", [(5, 100, 10)])):
        columns = ["timestamp_s", "prompt_tokens", "completion_tokens"]
        pd.DataFrame(rows, columns=columns).to_csv(name, index=False)
    model = [] if "--model" in arguments else ["--model", "kimi-k2"]
    as_of = [] if "--as-of" in arguments else AS_OF
    found, out, err = run("usage", "forecast", *arguments, *model, *as_of)
    assert (found, out) == (code, "")
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["forecast", "log.csv", "log.csv.gz", "--horizon", "1h", *AS_OF],
        ["price", "log.csv", "log.parquet", "log.csv.gz"],
        ["fit", "log.csv", "--name", "chat"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_terminal_sees_a_bar_while_logs_are_read(run, log, monkeypatch, arguments):
    """A bar is drawn on stderr if that is a terminal, and reaches the end."""
    frame = pd.read_csv(log)
    frame.to_parquet("log.parquet")
    frame.to_csv("log.csv.gz", index=False)
    monkeypatch.setattr(type(sys.stderr), "isatty", lambda _: True)
    code, _, err = run("usage", *arguments)
    assert code == 0
    assert "reading" in err
    assert "100%" in err
