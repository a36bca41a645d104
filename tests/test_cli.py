"""The command line: what it prints, where, and with which exit code."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from kimi_planner import __version__, count_tokens, load_catalog, load_workloads
from kimi_planner.files import data_dir
from kimi_planner.tokens.engine import DEFAULT

DATES = ("--as-of", "2026-11-24", "--start", "2026-12")
EXAMPLE_TRIALS = data_dir() / "evaluations" / "example.csv"
PLAIN = """
[[workload]]
name = "plain"
requests_per_day = 1000
prompt_tokens = 2000
completion_tokens = 500
"""
SPREAD = PLAIN.replace("1000", "{ p10 = 800, p50 = 1000, p90 = 1500 }")


@pytest.fixture
def plain(tmp_path):
    path = tmp_path / "plain.toml"
    path.write_text(PLAIN, encoding="utf-8")
    return path


def test_plan_of_plain_numbers_is_the_hand_computed_bill(run, plain):
    """30 days x 1,000 calls x the cost of a call, to the cent, in every column."""
    code, out, err = run(
        "plan", plain, "--start", "2026-11", "--as-of", "2026-10-01", "--months", 1,
        "--format", "json",
    )  # fmt: skip
    assert (code, err) == (0, "")
    plan = json.loads(out)
    expected = {
        "kimi-k2-5": ("262.5", 262.50),
        "kimi-k2-5-thinking": ("367.5", 367.50),
        "kimi-k2": ("126", 126.00),
        "kimi-k2-instruct": ("157.5", 157.50),
    }
    for row in plan["spend"]:
        exact, amount = expected.pop(row["model"])
        assert row["exact_usd"] == exact
        assert {row[f"{q}_usd"] for q in ("p10", "p50", "p90", "mean")} == {amount}
        assert (row["month"], row["days"]) == ("2026-11", 30)
    assert not expected


def test_plan_without_a_file_plans_the_example(run, tmp_path):
    """Without a file the shipped example is planned, and --out holds the plan and its pictures."""
    code, out, err = run("plan", *DATES, "--paths", 200, "--out", tmp_path / "plan")
    assert code == 0
    for name in ("support-chat", "coding-assistant", "invoice-extraction", "draft-generation"):
        assert name in out
    assert "Catalog 2026-06" in out
    assert "as of 2026-11-24, seed 0, 200 paths" in out
    written = sorted(path.name for path in (tmp_path / "plan").iterdir())
    assert written == [
        "context_fit.png", "monthly_spend.png",
        "plan.csv", "plan.json", "spend_fan.png",
    ]  # fmt: skip
    assert err.count("wrote ") == len(written)
    for path in (tmp_path / "plan").glob("*.png"):
        assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("plan.txt", ["plan"]),
        ("plan.md", ["plan", "--format", "markdown"]),
        ("recommend.txt", ["recommend", "--percentile", "90"]),
        ("catalog.txt", ["catalog", "show"]),
        ("throughput.txt", ["throughput", "--peak-hour-share", "0.15"]),
    ],
)
def test_whole_outputs_are_as_reviewed(run, golden, name, arguments):
    """What people read is what was last reviewed, word for word."""
    scenario = [] if name == "catalog.txt" else [*DATES, "--months", "3", "--paths", "1000"]
    code, out, _ = run(*arguments, *scenario)
    assert code == 0
    golden(name, out)


def test_plan_as_csv_has_a_row_for_each_workload_model_and_month(run):
    """CSV has the tidy frame, unrounded."""
    code, out, _ = run("plan", *DATES, "--months", 3, "--paths", 200, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert len(rows) == 5 * 4 * 3
    assert {row["month"] for row in rows} == {"2026-12", "2027-01", "2027-02"}


def test_plan_for_named_models_only(run, plain):
    """--models chooses models and their order."""
    code, out, _ = run("plan", plain, *DATES, "--models", "kimi-k2-5, kimi-k2", "--format", "json")
    models = [row["model"] for row in json.loads(out)["summary"] if row["workload"] == "plain"]
    assert (code, models) == (0, ["kimi-k2-5", "kimi-k2"])


def test_markdown_plan_is_a_report(run, plain):
    """Markdown has the whole report with its provenance."""
    code, out, _ = run("plan", plain, *DATES, "--format", "markdown")
    assert code == 0
    assert out.startswith("# Kimi API budget\n")
    assert "| plain" in out
    assert "Catalog 2026-06" in out


def test_the_same_seed_writes_the_same_bytes(run, tmp_path):
    """Another process with the same command writes byte-identical files; another seed does not."""
    (tmp_path / "spread.toml").write_text(SPREAD, encoding="utf-8")
    command = ["plan", "spread.toml", *DATES, "--paths", "300", "--seed"]
    for seed in "78":
        assert run(*command, seed, "--out", seed)[0] == 0
    subprocess.run(
        [sys.executable, "-m", "kimi_planner", *command, "7", "--out", "again"],
        check=True,
        capture_output=True,
        env={**os.environ, "PYTHONHASHSEED": "1", "MPLBACKEND": "agg"},
    )
    first, again, other = (
        {path.name: path.read_bytes() for path in Path(out).iterdir()}
        for out in ("7", "again", "8")
    )
    assert first == again
    assert first["plan.json"] != other["plan.json"]


def test_recommend_says_which_and_why(run):
    """Each of the example's choices on a card of 80 columns, the rest with --details."""
    code, out, _ = run("recommend", *DATES, "--paths", 500, "--evaluations", EXAMPLE_TRIALS)
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    head, *cards, foot = re.split(r"\n\n(?=[a-z-]+: kimi|booked: )", out)
    assert head.startswith("To book: ")
    assert [card.partition(":")[0] for card in cards] == [one.name for one in load_workloads()]
    assert cards[1].startswith("coding-assistant: kimi-k2-5-thinking. USD of an average month")
    assert "Choose kimi-k2-5-thinking: no other qualifies for sure." in cards[1]
    assert "a solved task is worth less than 0.1" in " ".join(cards[1].split())
    assert "--details" in foot
    code, out, _ = run("recommend", *DATES, "--paths", 500, "--details")
    assert code == 0
    assert "less and qualifies if it has vision" in out
    assert "What the ranges leave out:" in out


def test_a_value_on_the_command_line_decides(run, plain, tmp_path):
    """With what a solved task is worth, and what a failed one costs, another model is the best."""
    tried = tmp_path / "tried.csv"
    tried.write_text(
        "workload,model,successes,trials\nplain,kimi-k2,30,100\nplain,kimi-k2-5,90,100\n"
    )
    asked = ("recommend", plain, *DATES, "--evaluations", tried, "--format", "json")
    for options, best in (
        ((), "kimi-k2"),
        (("--value", "1"), "kimi-k2-5"),
        (("--value", "0.001"), "kimi-k2"),
        (("--value", "0.001", "--failure", "1"), "kimi-k2-5"),
    ):
        found = json.loads(run(*asked, *options)[1])
        assert found["recommended"] == {"plain": best}
        assert found["cards"][0]["model"] == best
    _, out, _ = run("recommend", plain, *DATES, "--value", "1", "--seconds", "30")
    assert "nine of ten answers come within 30 s" in " ".join(out.split())


def test_recommend_takes_requirements(run, plain):
    """A needed capability makes conditions, and a budget is compared with."""
    code, out, _ = run(
        "recommend", plain, *DATES, "--need", "json", "--budget", "200", "--format", "json"
    )
    found = json.loads(out)
    assert code == 0
    assert found["recommended"] == {"plain": "kimi-k2-instruct"}
    conditions = {one["model"]: one["conditions"] for one in found["ranking"]}
    assert conditions["kimi-k2-instruct"] == []
    assert conditions["kimi-k2"] == ["it has json"]
    assert found["exclusions"] == found["over_budget"] == []


def test_what_is_decided_on_the_command_line_is_planned(run, plain):
    """A pin and an assumption change the plan; what names no workload or pair is refused."""
    code, out, _ = run("plan", plain, *DATES, "--choose", "plain=kimi-k2-5", "--format", "json")
    [decision] = json.loads(out)["decisions"]
    assert (code, decision["model"], decision["basis"]) == (0, "kimi-k2-5", "pinned")
    asked = ("--need", "tools", "--assume", "tools")
    code, out, _ = run("recommend", plain, *DATES, *asked, "--format", "json")
    assert (code, json.loads(out)["decisions"][0]["conditions"]) == (0, [])
    code, _, err = run("plan", plain, *DATES, "--choose", "plane=kimi-k2")
    assert code == 2
    assert (
        "--choose names workload 'plane', which the file does not have. Did you mean 'plain'" in err
    )
    code, _, err = run("plan", plain, *DATES, "--choose", "kimi-k2")
    assert code == 2
    assert "Write it as NAME=MODEL" in err


@pytest.mark.parametrize("command", ["plan", "recommend", "report"])
def test_a_budget_fails_a_command_only_if_that_is_asked_for(run, tmp_path, command):
    """Over its budget a plan is made and ends with 0; with the option it is made and ends with 1."""
    path = tmp_path / "over.toml"
    path.write_text(
        '[[workload]]\nname = "w"\nrequests_per_day = 1000\nprompt_tokens = 2000\n'
        "completion_tokens = 500\nbudget_usd_per_month = 1\n"
    )
    out = ("--out", tmp_path / "out", "--force") if command == "report" else ()
    code, text, _ = run(command, path, *DATES, "--months", 1, *out)
    assert code == 0
    assert "129.20 USD over the budget of 1.00 on kimi-k2" in text
    assert run(command, path, *DATES, "--months", 1, *out, "--fail-over-budget")[:2] == (1, text)
    kept = (command, path, *DATES, "--months", 1, *out, "--fail-over-budget")
    path.write_text(path.read_text().replace("= 1\n", "= 1000\n"))
    assert run(*kept)[0] == 0


def test_the_first_screen_has_all_that_is_decided(run, tmp_path):
    """25 lines of 100 columns hold total, budgets, models, conditions and checks, of many workloads too."""
    text = "".join(
        f'[[workload]]\nname = "{"long-name-of-a-workload-" * 3}{place}"\nrequests_per_day = 1000\n'
        'prompt_tokens = 2000\ncompletion_tokens = 500\nbudget_usd_per_month = 1\nneeds = ["tools"]\n'
        for place in range(30)
    )
    (tmp_path / "many.toml").write_text(text)
    for path in ((), (tmp_path / "many.toml",)):
        _, out, _ = run("plan", *path, *DATES, "--paths", 300)
        screen, _, below = out.partition("\n\n")
        lines = screen.splitlines()
        assert len(lines) <= 25
        assert max(map(len, lines)) <= 100
        titles = [
            "All workloads on their planned models",
            "Over budget: ",
            "Model of each workload:",
        ]
        titles += ["Conditional, as the catalog does not state it:", "Check first:"]
        places = [
            next(at for at, line in enumerate(lines) if line.startswith(one)) for one in titles
        ]
        assert places == sorted(places)
        assert below
    assert "Over budget: 30." in screen
    assert "more, below" in screen


def test_recommend_takes_ratings_tiers_and_evaluations(run, plain, tmp_path):
    """Each option reaches the choice."""
    tried = tmp_path / "tried.csv"
    tried.write_text("workload,model,successes,trials\nplain,kimi-k2,9,10\nplain,kimi-k2-5,5,10\n")
    options = ("--evaluations", tried, "--min-success", "0.8", "--tier", "5")
    code, out, _ = run("recommend", plain, *DATES, *options, "--min-speed", "2")
    assert code == 0
    assert "plain: kimi-k2" in out
    code, out, _ = run("recommend", plain, *DATES, *options, "--min-speed", "2", "--details")
    assert f"it was not tried in {tried}" in out
    assert "its expected success rate is 50.00% (5 of 10 tasks solved); 80.00% must be" in out
    assert "its speed is rated 1; at least 2 must be" in out
    code, out, _ = run("recommend", plain, *DATES, "--min-reasoning", 3, "--format", "json")
    found = json.loads(out)
    assert found["recommended"] == {"plain": "kimi-k2-5-thinking"}


def test_count_files_and_standard_input(run, tmp_path, monkeypatch):
    """Counts are of the text itself; a dash is standard input; costs are of the total."""
    (tmp_path / "a.txt").write_text("你好，世界", encoding="utf-8")
    text = b"Say hello to <|im_end|>."
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    code, out, _ = run("count", tmp_path / "a.txt", "-", "--format", "json", "--model", "kimi-k2")
    found = json.loads(out)
    tokens = [count_tokens("你好，世界"), count_tokens(text.decode())]
    assert code == 0
    assert [row["tokens"] for row in found["files"]] == tokens
    assert found["tokens"] == found["low"] == found["high"] == sum(tokens)
    assert Decimal(found["input_usd"]["kimi-k2"]) == sum(tokens) * Decimal("1.20") / 1_000_000


def test_count_as_a_table(run, tmp_path):
    """The table has a line for each file, the total, and the cost on each model."""
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("hello", encoding="utf-8")
    code, out, err = run("count", tmp_path)
    assert (code, err) == (0, "")
    assert out.splitlines()[:3] == [
        f"1  {tmp_path / 'a.txt'}",
        f"1  {tmp_path / 'b.txt'}",
        "2 tokens in 2 rows of 2 files.",
    ]
    assert "0.000005 USD as input to kimi-k2-5\n" in out


def test_count_a_column_to_a_file(run, tmp_path):
    """A column of CSV is counted, and what is printed goes to a file."""
    rows = tmp_path / "rows.csv"
    rows.write_text("id,prompt\n1,hello\n2,你好\n", encoding="utf-8")
    out = tmp_path / "count.csv"
    code, printed, err = run("count", rows, "--field", "prompt", "--format", "csv", "--out", out)
    assert (code, printed, err) == (0, "", f"wrote {out}\n")
    (row,) = csv.DictReader(io.StringIO(out.read_text(encoding="utf-8")))
    assert (row["rows"], row["tokens"]) == ("2", "2")


def test_count_says_what_it_could_not_count(run, tmp_path):
    """Rows that cannot be read are named on stderr, and the exit code says so."""
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"t": "hello"}\n{broken\n', encoding="utf-8")
    code, out, err = run("count", rows, "--field", "t")
    assert code == 3
    assert "1 could not be counted and are not in it." in out
    assert f"{rows} line 2: not JSON" in err
    assert err.endswith("1 could not be counted\n")


def test_count_a_sample(run, tmp_path):
    """A sample prints its interval, how much it read, and its seed."""
    path = tmp_path / "big.md"
    path.write_text("".join(f"line {n} of some text\n" for n in range(60_000)), encoding="utf-8")
    code, out, _ = run("count", path, "--sample", "10%", "--seed", "4")
    assert code == 0
    assert "tokens (95%), 10% read." in out
    assert "Catalog 2026-06, seed 4." in out
    code, _, err = run("count", path, "--sample", "200%")
    assert code == 2
    assert "'200%' is not a share. Write it as 2% or 0.02." in err


def test_counting_loads_no_heavy_library():
    """The command that counts imports neither pandas nor numpy for a few small files."""
    code = (
        "import sys; from kimi_planner.cli import main\n"
        f"try: main(['count', {__file__!r}])\n"
        "except SystemExit: print([n for n in ('numpy', 'pandas', 'scipy') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_catalog_list_and_show(run):
    """The catalogs are listed; one is shown with its prices, sources, gaps and conflicts."""
    code, out, _ = run("catalog", "list")
    assert (code, out.split()[0]) == (0, "2026-06")
    code, out, _ = run("catalog", "show", "2026-06")
    assert code == 0
    for words in ("2.50", "10.50", "128,000", "Conflict in base_url", "cached_input_usd_per_mtok"):
        assert words in out
    code, out, _ = run("catalog", "show", "--format", "json")
    found = json.loads(out)
    assert code == 0
    assert [model["id"] for model in found["models"]] == list(load_catalog().ids)
    assert found["models"][2]["input_usd_per_mtok"] == "1.20"
    for model, spec in zip(found["models"], load_catalog(), strict=True):
        said = (model["tokenizer"], model["chat_template"])
        assert said == (spec.tokenizer, spec.chat_template)


def test_report_writes_both_files_and_says_the_total(run, tmp_path):
    """One HTML page and one Markdown file, named on stderr; the total in one sentence on stdout."""
    code, out, err = run("report", *DATES, "--paths", 300, "--out", tmp_path)
    assert code == 0
    assert out.startswith("To book: ")
    assert "\nAll workloads on their planned models: " in out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "report.md"]
    assert err.splitlines() == [f"wrote {tmp_path / n}" for n in ("report.html", "report.md")]


def test_throughput_as_json(run, plain):
    """JSON has the tiers, peaks and what is unknown; exact amounts are strings, gaps are null."""
    arguments = [
        "throughput",
        plain,
        *DATES,
        "--months",
        2,
        "--models",
        "kimi-k2",
        "--format",
        "json",
    ]
    code, out, err = run(*arguments)
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert found["limits"]["version"] == "2026-11"
    assert found["tiers"][1]["cumulative_recharge_usd"] == "10"
    assert [tier["tokens_per_day"] for tier in found["tiers"]] == [1_500_000, *["unlimited"] * 5]
    assert len(found["peaks"]) == 2 * 1 * 2 * 4
    (every,) = [row for row in found["summary"] if row["workload"] == "all"]
    assert (every["tier"], every["at_least"], every["concurrency"]) == (1, True, None)
    assert every["unknown"] == "peak_hour_share, max_tokens, output_tokens_per_second"
    assert [row["throttled_from"] for row in found["by_tier"]][:2] == ["2026-12", None]
    code, out, _ = run(*arguments, "--output-tokens-per-second", 50, "--peak-hour-share", 0.2)
    (every,) = [row for row in json.loads(out)["summary"] if row["workload"] == "all"]
    assert (code, every["concurrency"]) == (0, 3)  # 99% of a Poisson number of mean 0.56


def test_throughput_names_bad_options(run, plain, tmp_path):
    """Bad numbers and limits end with code 2, a catalog not yet in force with 3, in one line."""
    for option, value, said in (
        ("--percentile", "101", "percentile is 101"),
        ("--peak-hour-share", "2", "peak_hour_share is 2"),
        ("--limits", "2001-01", "Unknown limits '2001-01'"),
        ("--limits", tmp_path / "no.toml", "no such file"),
    ):
        code, out, err = run("throughput", plain, *DATES, option, value)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert said in err
    code, _, err = run("throughput", plain, "--as-of", "2026-05-31")
    assert (code, err.count("\n")) == (3, 1)


def test_version_and_help(run):
    """The version is the package's; help names every command; no arguments are a usage error."""
    code, out, _ = run("--version")
    assert (code, out) == (0, f"kimi-planner, version {__version__}, counting by {DEFAULT}\n")
    code, out, _ = run("--help")
    assert code == 0
    for command in (
        "catalog",
        "check",
        "count",
        "estimate",
        "plan",
        "recommend",
        "report",
        "throughput",
    ):
        assert f"\n  {command} " in out
    assert run()[0] == 2


def test_interrupt_ends_quietly(run, monkeypatch, plain):
    """Ctrl-C ends with one line and code 130."""

    def interrupted(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("kimi_planner.choose.ranking.recommend", interrupted)
    code, out, err = run("plan", plain)
    assert (code, out, err.strip()) == (130, "", "kimi-planner: stopped.")


def test_a_closed_pipe_is_no_error():
    """A reader that stops early, such as `head`, gets no traceback."""
    command = f"{sys.executable} -m kimi_planner catalog show | head -c 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("m", "")


@pytest.mark.parametrize("arguments", [["catalog", "show"], ["--help"], ["no-such-command"]])
def test_a_closed_pipe_does_not_read_as_a_breach(arguments):
    """Without a reader the exit code is that of SIGPIPE, never 1, and nothing is printed."""
    reader, writer = os.pipe()
    os.close(reader)
    stderr = writer if arguments == ["no-such-command"] else subprocess.PIPE
    done = subprocess.run(
        [sys.executable, "-m", "kimi_planner", *arguments],
        stdout=writer,
        stderr=stderr,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr or b"") == (141, b"")


def test_an_internal_error_does_not_read_as_a_breach(run, monkeypatch, plain):
    """What nobody expected is one line and exit code 70; the traceback only when asked for."""

    def broken(*_arguments, **_options):
        raise RuntimeError("no such\nthing.")

    monkeypatch.setattr("kimi_planner.choose.ranking.recommend", broken)
    monkeypatch.delenv("KIMI_PLANNER_DEBUG", raising=False)
    line = (
        "kimi-planner: internal error: RuntimeError: no such thing. "
        "Please report it, with the command.\n"
    )
    assert run("plan", plain) == (70, "", line)
    monkeypatch.setenv("KIMI_PLANNER_DEBUG", "1")
    code, _, err = run("plan", plain)
    assert code == 70
    assert err.startswith("Traceback")
    assert err.endswith(line)
