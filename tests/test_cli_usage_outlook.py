"""``kimi-planner usage outlook``: what it prints and writes, and with which exit code."""

import json

import pytest
from test_forecast_latest import hourly, recommended

from kimi_planner import latest_estimate
from kimi_planner.cli.usage import command as usage
from kimi_planner.report.json_form import plan_json

__all__ = ["recommended"]

AS_OF = ("--as-of", "2026-11-21")


@pytest.fixture
def log(run, recommended, tmp_path):
    """Write a log of seven weeks and a plan from its last month on."""
    hourly().to_csv(tmp_path / "log.csv", index=False)
    (tmp_path / "plan.json").write_text(plan_json(recommended), encoding="utf-8")
    return "log.csv"


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_each_form_has_the_numbers_of_the_library(run, log, form):
    """Exact to date, and every limit that was asked for."""
    limits = ["--budget", "450", "--plan", "plan.json", "--balance", "100", "--by", "team"]
    code, out, err = run("usage", "outlook", log, *limits, "--format", form, *AS_OF)
    assert (code, err) == (0, "")
    found = latest_estimate(log, 450, plan="plan.json", balance=100, by="team", as_of=AS_OF[1])
    if form == "json":
        data = json.loads(out)
        assert data["actual_usd"] == str(found.actual_usd)
        assert data["p90_usd"] == round(found.quantile(0.9), 6)
        assert data["budget"]["chance"] == found.budget.chance
        assert data["plan"]["usd"] == format(found.plan.usd, "f")
        assert data["balance_days"]["p50"] == round(found.balance_days["p50"], 6)
        assert len(data["parts"]) == 6
        assert sum(float(row["actual_usd"]) for row in data["days"]) == pytest.approx(
            float(found.actual_usd)
        )
        assert data["sentences"] == list(found.sentences)
        assert (data["format"], data["seed"], data["ended"]) == (1, None, "2026-11-21T00:00:00Z")
    else:
        for sentence in (*found.sentences, *found.notes):
            assert sentence in out.replace("&gt;", ">")
        assert "tickets" in out
        assert ("# Latest estimate, November 2026" in out) is (form == "markdown")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--budget", "100", "--fail-above", "0.2"], 1),
        (["--budget", "9000", "--fail-above", "0.2"], 0),
        (["--budget", "100"], 0),
        (["--plan", "plan.json", "--fail-above", "0.5"], 1),
        (["--plan", "plan.json", "--budget", "9000", "--fail-above", "0.5"], 0),
        (["--plan", "plan.json", "--since", "2026-10-01", "--fail-above", "0.2"], 3),  # not planned
        (["--start", "2026-10-01", "--budget", "9000", "--until", "year end", "--fail-above", "0.2"], 3),
        (["--start", "2026-10-01", "--budget", "100", "--until", "year end", "--fail-above", "0.2"], 1),
    ],
)  # fmt: skip
def test_the_exit_code_is_the_answer(run, log, options, expected):
    """1 above the share, 3 where spend or plan is not known, 0 within."""
    code, out, err = run("usage", "outlook", log, *options, *AS_OF)
    assert (code, err) == (expected, "")
    assert "USD spent" in out


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--fail-above", "0.2"], 2, "needs --budget or --plan"),
        (["--fail-above", "20", "--budget", "9"], 2, "--fail-above"),
        (["--budget", "lots"], 2, "budget is 'lots'"),
        (["--until", "soon"], 2, "until is 'soon'"),
        (["--by", "tem"], 2, "no column 'tem'"),
        (["--plan", "log.csv"], 2, "not a plan"),
        (["--as-of", "2020-01-01"], 3, "no price for 2020-01-01"),
    ],
)
def test_what_fails_says_why(run, log, options, code, said):
    """Bad input is exit code 2, an unknown price 3, each with one line on stderr."""
    as_of = [] if "--as-of" in options else AS_OF
    found, out, err = run("usage", "outlook", log, *options, *as_of)
    assert (found, out) == (code, "")
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.usefixtures("log")
def test_too_little_to_forecast_from_is_not_a_pass(run, tmp_path):
    """A single row is exit code 3."""
    hourly()[:1].to_csv(tmp_path / "once.csv", index=False)
    code, out, err = run("usage", "outlook", "once.csv", "--budget", "9", "--fail-above", "0.2", *AS_OF)  # fmt: skip
    assert (code, out) == (3, "")
    assert "same timestamp" in err


def test_a_folder_gets_the_estimate_and_its_picture(run, log, tmp_path):
    """--out writes JSON, Markdown, page, workbook and PNG, the same bytes each time."""
    options = ["--budget", "450", "--format", "json", *AS_OF]
    code, out, err = run("usage", "outlook", log, *options, "--out", "made")
    assert code == 0
    assert err.count("wrote made") == 5
    assert (tmp_path / "made" / "outlook.json").read_text(encoding="utf-8") == out
    picture = (tmp_path / "made" / "outlook.png").read_bytes()
    run("usage", "outlook", log, *options, "--out", "again")
    assert (tmp_path / "again" / "outlook.png").read_bytes() == picture


def test_bad_rows_are_left_out_and_said(run, log, tmp_path):
    """They are counted, with a column of the log and without one."""
    with (tmp_path / log).open("a", encoding="utf-8") as handle:
        handle.write("2026-11-20T23:30:00Z,kimi-k2,chat,1,-5,1\n")
    for options in ([], ["--by", "team"]):
        code, _, err = run("usage", "outlook", log, *options, *AS_OF)
        assert (code, "prompt_tokens is -5" in err) == (2, True)
        code, out, _ = run("usage", "outlook", log, *options, "--on-error", "skip", *AS_OF)
        assert code == 0
        assert "Bad rows of the log, left out: 1." in out


def test_a_log_of_unknown_columns_is_told_what_they_are(run, log, tmp_path):
    """Renamed columns and names of models give what the same log in the known form gives."""
    frame = hourly()
    names = {"timestamp": "when", "model": "engine", "prompt_tokens": "asked"}
    frame["model"] = "our-kimi"
    frame.rename(columns=names).to_csv(tmp_path / "own.csv", index=False)
    maps = [part for column, field in names.items() for part in ("--map", f"{column}={field}")]
    own = ("--alias", "our-kimi=kimi-k2", "--format", "json", "--by", "team", *AS_OF)
    told = json.loads(run("usage", "outlook", "own.csv", *maps, *own)[1])
    plain = ("--model", "kimi-k2", "--format", "json", "--by", "team", *AS_OF)
    same = json.loads(run("usage", "outlook", log, *plain)[1])
    assert float(told["actual_usd"]) > 0
    for key in ("actual_usd", "expected_usd", "p90_usd"):
        assert told[key] == same[key]
    code, _, err = run("usage", "outlook", "own.csv", *own)
    assert code == 2
    assert "--map prompt_tokens=NAME" in err
    (tmp_path / "both.csv").write_text("asked,answered\n1,2\n", encoding="utf-8")
    _, _, err = run("usage", "outlook", "both.csv")
    assert "Say which it is: --map prompt_tokens=NAME --map completion_tokens=NAME, in" in err


def test_every_command_of_a_log_reads_any_log():
    """Renaming, ignoring and aliases are there wherever a log is."""
    for name, command in usage.commands.items():
        options = {option.name for option in command.params}
        assert {"renamed", "ignored", "alias"} <= options, name
