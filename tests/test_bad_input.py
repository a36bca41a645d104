"""Bad input of every kind: one clear line on stderr with file, place, value and remedy; no traceback."""

import gzip
import json

import pytest

from kimi_planner.files import data_dir

GOOD = """
[[workload]]
name = "w"
requests_per_day = 1000
prompt_tokens = 2000
completion_tokens = 500
"""


def edited(old, new):
    assert old in GOOD
    return GOOD.replace(old, new)


@pytest.fixture
def fails(invoke):
    """Run a command that ends in one line; return its exit code and the line."""

    def fails(*arguments):
        code, out, err = invoke(*arguments)
        assert out == ""
        assert err.startswith("kimi-planner: ")
        assert err.count("\n") == 1
        assert "Traceback" not in err
        return code, err

    return fails


CASES = {
    "unknown key": (edited("prompt_tokens", "prompt_token"), ["line 5", "'prompt_token'", "'prompt_tokens'"]),
    "negative": (edited("1000", "-3"), ["line 4", "requests_per_day", "-3", "cannot be negative"]),
    "nan": (edited("2000", "nan"), ["line 5", "prompt_tokens", "NaN"]),
    "infinite": (edited("500", "inf"), ["line 6", "completion_tokens", "Infinity"]),
    "absurd": (edited("2000", "1e30"), ["line 5", "prompt_tokens", "between 0 and 100,000,000"]),
    "text": (edited("2000", '"many"'), ["line 5", "prompt_tokens", "'many'", "must be a number"]),
    "boolean": (edited("2000", "true"), ["line 5", "prompt_tokens", "True", "must be a number"]),
    "date": (edited("2000", "2026-01-01"), ["line 5", "prompt_tokens", "must be a number"]),
    "empty": ("", ["the file is empty"]),
    "only a comment": ("# nothing\n", ["no [[workload]]"]),
    "broken TOML": (GOOD + "needs = [\n", ["line 7", "not TOML"]),
    "not TOML at all": ("workload:\n  - name: w\n", ["line 1", "not TOML"]),
    "a table, no array": (GOOD.replace("[[workload]]", "[workload]"), ["[[workload]]"]),
    "missing key": (edited("completion_tokens = 500\n", ""), ["line 2", "completion_tokens is missing"]),
    "doubled name": (GOOD + GOOD, ["second workload", "'w'", "unique"]),
    "unordered percentiles": (edited("2000", "{ p50 = 9, p90 = 3 }"), ["line 5", "must not fall"]),
    "half a form": (edited("2000", "{ p50 = 9 }"), ["line 5", "prompt_tokens", "p50", "{p50, p90}"]),
    "unknown capability": (GOOD + 'needs = ["sight"]\n', ["line 7", "'sight'", "vision"]),
    "share above one": (GOOD + "cached_share = 1.5\n", ["line 7", "1.5", "between 0 and 1"]),
    "zero reserve": (GOOD + "max_tokens = 0\n", ["line 7", "max_tokens is 0"]),
    "budget of nothing": (GOOD + "budget_usd_per_month = 0\n", ["line 7", "above 0"]),
    "log that is not there": (edited("2000", '{ from = "no.csv" }'), ["line 5", "no.csv", "no such file"]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "words"), CASES.values(), ids=CASES.keys())
def test_a_bad_workload_file_is_one_clear_line(tmp_path, fails, text, words):
    """Each fault names the file, its line, the value and what to do."""
    path = tmp_path / "w.toml"
    path.write_text(text, encoding="utf-8")
    code, said = fails("plan", path)
    assert code == 2
    for word in [str(path), *words]:
        assert word in said


LOGS = {
    "more cached than prompt": ("prompt_tokens,cached_tokens,completion_tokens\n10,2,5\n10,11,5\n", ["line 3", "cached_tokens (11)", "prompt_tokens (10)"]),
    "negative": ("prompt_tokens,completion_tokens\n-4,5\n", ["line 2", "prompt_tokens is -4", "cannot be negative"]),
    "nan": ("prompt_tokens,completion_tokens\nnan,5\n", ["line 2", "prompt_tokens"]),
    "infinite": ("prompt_tokens,completion_tokens\n7,inf\n", ["line 2", "completion_tokens is inf"]),
    "absurd": ("prompt_tokens,completion_tokens\n7,9999999999999999\n", ["line 2", "completion_tokens", "cannot be meant"]),
    "empty": ("", ["empty"]),
    "header only": ("prompt_tokens,completion_tokens\n", ["no rows"]),
    "no such column": ("prompts,completion_tokens\n1,2\n", ["line 1", "prompt_tokens"]),
    "ragged": ("prompt_tokens,completion_tokens\n1,2,3\n", ["line 2", "3 fields"]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "words"), LOGS.values(), ids=LOGS.keys())
def test_a_bad_usage_log_is_one_clear_line(tmp_path, fails, text, words):
    """A fault in a log that a workload refers to names the log, its line and the value."""
    (tmp_path / "log.csv").write_text(text, encoding="utf-8")
    path = tmp_path / "w.toml"
    path.write_text(edited("2000", '{ from = "log.csv" }'), encoding="utf-8")
    code, said = fails("plan", path)
    assert code == 2
    for word in ["log.csv", *words]:
        assert word in said


def test_a_truncated_gzip_log_is_one_clear_line(tmp_path, fails):
    """A log cut off in its compressed data is refused, not read as far as it goes."""
    whole = gzip.compress(b"prompt_tokens,completion_tokens\n" + b"1,2\n" * 5000)
    (tmp_path / "log.csv.gz").write_bytes(whole[: len(whole) // 2])
    path = tmp_path / "w.toml"
    path.write_text(edited("2000", '{ from = "log.csv.gz" }'), encoding="utf-8")
    code, said = fails("plan", path)
    assert code == 2
    assert "log.csv.gz" in said
    assert "damaged or cut off" in said


def test_broken_utf8_names_the_line(tmp_path, fails):
    """A byte that is not UTF-8 is named with its line."""
    path = tmp_path / "w.toml"
    path.write_bytes(GOOD.encode() + b'source = "caf\xe9"\n')
    code, said = fails("plan", path)
    assert code == 2
    assert f"{path} line 7: not UTF-8 (byte 0xe9)" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--models", "kimi-k9"], ["Unknown model 'kimi-k9'", "kimi-k2-instruct"]),
        (["--models", "kimi-k2.5"], ["Did you mean 'kimi-k2-5'?"]),
        (["--catalog", "2025-01"], ["Unknown catalog '2025-01'", "2026-06"]),
        (["--months", "0"], ["months is 0", "1 to 120"]),
        (["--months", "many"], ["many", "--help"]),
        (["--start", "2026-13"], ["'2026-13'", "2026-11"]),
        (["--as-of", "24.11.2026"], ["24.11.2026", "2026-11-24"]),
        (["--seed", "-1"], ["seed is -1"]),
        (["--paths", "3"], ["n_paths is 3", "from 100"]),
        (["--format", "xml"], ["xml", "json"]),
        (
            ["--choose", "w=kimi-k2", "--choose", "w=kimi-k2-5"],
            ["'w' is given twice, as 'kimi-k2' and as 'kimi-k2-5'"],
        ),
        (
            ["--also-in", "EUR=1@2026-01-01", "--also-in", "EUR=2@2026-01-01"],
            ["Two rates of EUR are of 2026-01-01"],
        ),
        (["--bogus"], ["--bogus", "--help"]),
    ],
)
def test_a_bad_option_is_one_clear_line(fails, arguments, words):
    """A bad option names the value and what is allowed."""
    code, said = fails("plan", *arguments)
    assert code == 2
    for word in words:
        assert word in said


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("usage price log.csv --alias a=kimi-k2 --alias a=kimi-k2-5", "'a' is given twice"),
        ("usage price log.csv --map prompt_tokens=a --map prompt_tokens=b", "'prompt_tokens' is given twice"),
        ("check --output json=a.txt --output junit=a.txt", "'a.txt' is given twice, as 'json' and as 'junit'"),
        ("count log.jsonl --audit --model a=kimi-k2,a=kimi-k2-5", "'a' is given twice"),
        ("usage outlook log.csv --budget 5 --fail-above nan", "nan is no number from 0 to 1"),
    ],
)  # fmt: skip
def test_an_option_that_says_two_things_or_none_is_refused(fails, command, said):
    """The last of two would win in silence, and no chance is above what is no number."""
    code, line = fails(*command.split())
    assert code == 2
    assert said in line


@pytest.mark.parametrize(
    ("arguments", "near"),
    [(["pln"], "'plan'"), (["usage", "forcast"], "'forecast'"), (["catalog", "shwo"], "'show'")],
)
def test_a_misspelt_command_is_answered_with_the_nearest(fails, arguments, near):
    """Commands and those below them are named as options are."""
    code, said = fails(*arguments)
    assert code == 2
    assert f"No such command {arguments[-1]!r}. Did you mean {near}? Known: " in said


def test_a_folder_or_a_missing_file(tmp_path, fails):
    """What cannot be read is named."""
    assert fails("plan", tmp_path)[0] == 2
    code, said = fails("plan", tmp_path / "no.toml")
    assert code == 2
    assert "no such file" in said


def test_an_unknown_price_cannot_be_told(tmp_path, fails):
    """A catalog without an output price gives code 3, never a cost of zero."""
    text = (data_dir() / "catalogs" / "2026-06.toml").read_text(encoding="utf-8")
    text = text.replace('output_usd_per_mtok = "3.60"\n', "").replace(
        '"input_usd_per_mtok", "output_usd_per_mtok"', '"input_usd_per_mtok"'
    )
    for price in ("7.50", "10.50", "4.50"):
        text = text.replace(f'output_usd_per_mtok = "{price}"\n', "")
    catalog = tmp_path / "no-output.toml"
    catalog.write_text(text, encoding="utf-8")
    code, said = fails("plan", "--catalog", catalog, "--models", "kimi-k2")
    assert code == 3
    assert "states no output price for 'kimi-k2'" in said


def test_a_day_before_the_catalog_cannot_be_told(fails):
    """Prices are not carried back to a day on which they were not published."""
    code, said = fails("plan", "--as-of", "2026-05-31")
    assert code == 3
    assert "starts in 2026-06" in said


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("{", ["not JSON"]),
        ("[]", ["no messages"]),
        (json.dumps({"messages": []}), ["messages is empty"]),
        (json.dumps({"messages": [{"content": "x"}]}), ["Message 0", "role"]),
        ("[" * 100_000, ["not JSON", "nested"]),
        ("[1" + "0" * 5000 + "]", ["not JSON", "digits"]),
    ],
)
def test_a_bad_request_body_in_a_check(tmp_path, monkeypatch, invoke, body, words):
    """A request body that cannot be counted is a result with its file's name, and exit code 2."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.json").write_text(body, encoding="utf-8")
    config = tmp_path / "pyproject.toml"
    config.write_text(
        '[tool.kimi-planner]\nmodel = "kimi-k2"\n[[tool.kimi-planner.prompts]]\n'
        'paths = ["r.json"]\nkind = "request"\nmax_tokens = 5\n',
        encoding="utf-8",
    )
    code, out, err = invoke("check", "--config", config)
    assert (code, err) == (2, "")
    line, _ = out.splitlines()
    for word in ["INVALID  r.json:", *words]:
        assert word in line
