"""``kimi-planner usage``: what it prints, and with which exit code."""

import csv
import io
import json
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from kimi_planner import load_workloads, price_usage, project, read_usage
from kimi_planner.files import data_dir
from kimi_planner.usage.priced import total_cost
from kimi_planner.workload import Workload

HEADER = (
    "timestamp,model,requests,prompt_tokens,cached_tokens,completion_tokens,reasoning_tokens,team\n"
)
ROWS = [
    "2026-06-01T08:00:00Z,kimi-k2,2000,4000000,1000000,800000,,chat",
    "2026-06-12T09:30:00Z,kimi-k2,1000,1000000,0,100000,,chat",
    "2026-06-30T23:59:59Z,kimi-k2-5-thinking,500,1500000,,450000,350000,code",
    "2026-07-01T00:00:00Z,kimi-k2-5,2000,5000000,1000000,800000,,chat",
    "2026-07-15T12:00:00Z,kimi-k2,1000,1500000,300000,250000,,code",
]
PLAN = """
[[workload]]
name = "chat"
requests_per_day = 110
prompt_tokens = 1500
completion_tokens = 250
cached_share = 0.2

[[workload]]
name = "code"
requests_per_day = 25
prompt_tokens = 3000
completion_tokens = 200
reasoning_tokens = 600
"""


@pytest.fixture
def log(run, tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(HEADER + "\n".join(ROWS) + "\n", encoding="utf-8")
    return "log.csv"


@pytest.fixture
def unpriced(tmp_path):
    """Write the shipped catalog without its output prices."""
    card = (data_dir() / "catalogs" / "2026-06.toml").read_text(encoding="utf-8")
    lines = [line for line in card.splitlines() if not line.startswith("output_usd_per_mtok")]
    text = "\n".join(lines).replace(', "output_usd_per_mtok"', "")
    (tmp_path / "unpriced.toml").write_text(text, encoding="utf-8")


@pytest.fixture
def plan(run, tmp_path):
    (tmp_path / "workloads.toml").write_text(PLAN, encoding="utf-8")
    code, out, _ = run(
        "plan", "workloads.toml", "--as-of", "2026-06-01", "--start", "2026-06", "--months", 3,
        "--format", "json",
    )  # fmt: skip
    assert code == 0
    (tmp_path / "plan.json").write_text(out, encoding="utf-8")
    return "plan.json"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("usage_price.txt", ["price", "log.csv"]),
        ("usage_price_models.txt", ["price", "log.csv", "--models", "kimi-k2,kimi-k2-5", "--by", "team"]),
        ("usage_fit.toml", ["fit", "log.csv", "--name", "chat"]),
        ("usage_reconcile.txt", ["reconcile", "plan.json", "log.csv", "--workload", "team"]),
        ("usage_reconcile.json", [
            "reconcile", "plan.json", "log.csv", "--workload", "team", "--model", "chat=kimi-k2",
            "--model", "code=kimi-k2-5-thinking", "--pro-rata", "--format", "json",
        ]),
    ],
)  # fmt: skip
def test_whole_outputs_are_as_reviewed(run, log, plan, golden, name, arguments):
    """What people read is what was last reviewed, word for word."""
    code, out, err = run("usage", *arguments)
    assert (code, err) == (0, "")
    golden(name, out)


def test_price_adds_up_to_the_rows(run, log):
    """The totals of JSON are the sums of exact rows, and say what was left out."""
    frame = price_usage(read_usage(log))
    code, out, err = run("usage", "price", log, "--format", "json")
    data = json.loads(out)
    assert (code, err) == (0, "")
    assert Decimal(data["total_usd"]["all"]) == sum(frame["total_usd"])
    assert sum(Decimal(row["total_usd"]) for row in data["spend"]) == sum(frame["total_usd"])
    assert (data["format"], data["rejected"], data["by"]) == (1, 0, ["month", "model"])
    assert [row["requests"] for row in data["spend"]] == [3000, 500, 1000, 2000]
    code, out, _ = run(
        "usage", "price", log, "--model", "kimi-k2-5", "--by", "", "--format", "json"
    )
    [row] = json.loads(out)["spend"]
    assert Decimal(row["total_usd"]) == total_cost(frame, "kimi-k2-5").total_usd


def test_several_logs_and_folders_are_one(run, log, tmp_path):
    """Logs are added up; a folder is read as its files are."""
    folder = tmp_path / "more"
    folder.mkdir()
    pd.read_csv(log).to_parquet(folder / "a.parquet")
    _, once, _ = run("usage", "price", log, "--by", "", "--format", "csv")
    _, out, _ = run("usage", "price", log, "more", "--by", "", "--format", "csv")
    [one], [both] = (list(csv.DictReader(io.StringIO(text))) for text in (once, out))
    assert Decimal(both["total_usd"]) == 2 * Decimal(one["total_usd"])
    assert int(both["rows"]) == 10


def test_bad_rows_stop_or_are_counted(run, log, tmp_path):
    """A bad row is exit code 2 with its line, or is left out, counted and shown."""
    with (tmp_path / log).open("a", encoding="utf-8") as handle:
        handle.write("2026-07-16T12:00:00Z,kimi-k2,1,-5,0,1,,chat\n")
    code, out, err = run("usage", "price", log)
    assert (code, out) == (2, "")
    assert "log.csv line 7: prompt_tokens is -5" in err
    code, out, err = run("usage", "price", log, "--on-error", "skip")
    assert (code, err) == (0, "")
    assert "Left out: bad rows 1.\n  log.csv line 7: prompt_tokens is -5" in out
    code, out, err = run("usage", "price", log, "--on-error", "skip", "--format", "csv")
    assert (code, err) == (0, "bad rows left out: 1\n")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["price", "none.csv"], 2, "none.csv: no such file"),
        (["price"], 2, "Missing argument 'LOG...'"),
        (["price", "log.csv", "--model", "k9"], 2, "Unknown model 'k9'"),
        (["price", "log.csv", "--model", "a", "--models", "b"], 2, "exclude each other"),
        (["price", "log.csv", "--by", "tem"], 2, "Did you mean 'team'?"),
        (["price", "log.csv", "--alias", "k2"], 2, "alias is 'k2'. Give names of the log"),
        (["price", "log.csv", "--alias", "mine=k9"], 2, "alias of 'mine': Unknown model 'k9'"),
        (["fit", "log.csv"], 2, "Give --name, for one workload of the whole log, or --by"),
        (["fit", "log.csv", "--name", "w", "--by", "team"], 2, "Give --name"),
        (["fit", "log.csv", "--by", "teem"], 2, "'teem'"),
        (["reconcile", "plan.json", "log.csv"], 2, "The plan has 2 workloads"),
        (["reconcile", "log.csv", "log.csv"], 2, "not a plan"),
        (["reconcile", "plan.json", "log.csv", "--workload", "a=b", "--workload", "c"], 2, "KEY=VALUE"),
        (["reconcile", "plan.json", "log.csv", "--start", "June"], 2, "'June' is not a date"),
        (["nothing"], 2, "No such command 'nothing'"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("log", "plan")
def test_what_fails_says_why(run, arguments, code, said):
    """Bad input is exit code 2, with one line on stderr."""
    found = run("usage", *arguments)
    assert found[:2] == (code, "")
    assert said in found[2]
    assert found[2].count("\n") == 1


@pytest.mark.usefixtures("unpriced")
def test_what_is_not_priced_is_a_row_and_exit_code_3(run, log, plan, tmp_path):
    """Models without a price, or not in the catalog, have their tokens, no amount and a sentence."""
    code, out, err = run("usage", "price", log, "--catalog", "unpriced.toml")
    assert (code, err) == (3, "")
    assert "not priced" in out
    assert "states no output price" in out
    text = (tmp_path / log).read_text().replace("kimi-k2-5,", "gpt-x,")
    assert "gpt-x" in text
    (tmp_path / "other.csv").write_text(text)
    code, out, _ = run("usage", "price", "other.csv", "--format", "json")
    data = json.loads(out)
    assert "Total of what is priced: " in run("usage", "price", "other.csv")[1]
    [row] = [row for row in data["spend"] if row["model"] == "gpt-x"]
    assert (code, row["total_usd"], row["input_usd"]) == (3, None, None)
    assert row["prompt_tokens"] > 0
    priced = [Decimal(row["total_usd"]) for row in data["spend"] if row["total_usd"]]
    assert Decimal(data["total_usd"]["all"]) == sum(priced)
    code, out, err = run("usage", "price", "other.csv", "--format", "csv")
    assert (code, err.count("\n")) == (3, 1)
    [row] = [row for row in csv.DictReader(io.StringIO(out)) if row["model"] == "gpt-x"]
    assert row["total_usd"] == ""
    code, out, err = run("usage", "focus", "other.csv")
    assert (code, "gpt-x" in out, "rows of gpt-x" in err) == (3, False, True)
    arguments = ["usage", "reconcile", plan, "other.csv", "--workload", "team"]
    code, out, err = run(*arguments, "--model", "kimi-k2-5")
    assert (code, "rows of gpt-x" in out) == (3, True)
    assert run("usage", "forecast", "other.csv", "--horizon", "1 day")[0] == 3
    assert run("usage", "price", "other.csv", "--alias", "gpt-x=kimi-k2-5")[0] == 0
    assert run("usage", "fit", "other.csv", "--name", "team")[0] == 0


def test_a_fitted_workload_loads_and_has_the_means_of_the_log(run, tmp_path, log):
    """The file refers to the log by its path from the file, and plans as the log was."""
    frame = read_usage(log)
    code, out, err = run("usage", "fit", log, "--name", 'a "chat"', "--out", "plans/w.toml")
    assert (code, out, err) == (0, "", "wrote plans/w.toml\n")
    [workload] = load_workloads(tmp_path / "plans" / "w.toml")
    assert workload.name == 'a "chat"'
    requests = frame["requests"].sum()
    assert workload.prompt_tokens.mean == pytest.approx(frame["prompt_tokens"].sum() / requests)
    stated = frame.dropna(subset="cached_tokens")
    share = stated["cached_tokens"].sum() / stated["prompt_tokens"].sum()
    low, high = workload.cached_share.ppf(np.array([0.1, 0.9]))
    assert low < share < high
    fitted = type(workload).from_usage(frame, "fitted")
    for key in ("requests_per_day", "prompt_tokens", "completion_tokens", "reasoning_tokens"):
        assert getattr(workload, key).mean == getattr(fitted, key).mean
    text = (tmp_path / "plans" / "w.toml").read_text(encoding="utf-8")
    for note in fitted.notes:
        assert f"# {note}\n" in text
    assert project(workload, months=1, start="2026-08", n_paths=100).frame["mean_usd"].gt(0).all()


def test_a_file_of_workloads_by_a_column_is_what_was_fitted(run, tmp_path):
    """Traffic, rhythm, events, shares and fees are those of the log; sizes have its mean and spread."""
    hours = pd.date_range("2026-03-02", periods=24 * 56, freq="h", tz="UTC")
    rng = np.random.default_rng(1)
    busy = np.where(hours.day_of_week < 5, 60, 20) * np.where(hours.day_of_year == 100, 5, 1)
    parts = []
    for team, model in (("search", "our-kimi"), ('a "b"', "kimi-k2")):
        calls = rng.poisson(busy)
        prompt = calls * rng.integers(900, 1100, len(calls))
        parts.append(
            pd.DataFrame(
                {
                    "timestamp": hours,
                    "team": team,
                    "model": model,
                    "requests": calls,
                    "prompt_tokens": prompt,
                    "cached_tokens": prompt // 3,
                    "completion_tokens": 200 * calls,
                    "written_5m_tokens": prompt // 8,
                    "batch": team == "search",
                    "fee: web search": calls // 2,
                }
            )
        )
    pd.concat(parts).to_csv(tmp_path / "teams.csv", index=False)
    arguments = ["--by", "team,model", "--alias", "our-kimi=kimi-k2", "--out", "w.toml"]
    assert run("usage", "fit", "teams.csv", *arguments)[0] == 0
    read = load_workloads(tmp_path / "w.toml")
    frame = read_usage("teams.csv", keep=["team"])
    fitted = Workload.from_usage(frame, by=["team", "model"], alias={"our-kimi": "kimi-k2"})
    assert [one.name for one in read] == ["search / kimi-k2", 'a "b" / kimi-k2']
    sizes = ("prompt_tokens", "completion_tokens")
    for one, other in zip(read, fitted, strict=True):
        assert len(one.events) == 1
        for key in sizes:
            written, kept = one.given(key), other.given(key)
            assert written.mean == pytest.approx(kept.mean, rel=1e-9)
            assert written.spread(999).std() == pytest.approx(kept.spread(999).std(), rel=0.02)
            assert written.factor == kept.factor
        same = {key: getattr(other, key) for key in (*sizes, "notes")}
        assert replace(one, **same) == other


def test_reconcile_adds_up_in_every_form(run, log, plan):
    """JSON, CSV and their sums agree to the last digit."""
    arguments = ["usage", "reconcile", plan, log, "--workload", "team", "--format"]
    _, as_json, _ = run(*arguments, "json")
    _, as_csv, _ = run(*arguments, "csv")
    data = json.loads(as_json)
    rows = list(csv.DictReader(io.StringIO(as_csv)))
    assert rows == data["causes"]
    difference = Decimal(data["actual_usd"]) - Decimal(data["planned_usd"])
    assert Decimal(data["difference_usd"]) == difference
    assert sum(Decimal(row["usd"]) for row in rows) == difference
    assert Decimal(data["actual_usd"]) == sum(price_usage(read_usage(log))["total_usd"])
