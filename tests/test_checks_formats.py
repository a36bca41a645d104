"""The forms of a report: each readable by what reads it, and harmless with hostile names."""

import json
import re
from dataclasses import replace
from decimal import Decimal
from html import unescape
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import checking
import jsonschema
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kimi_planner.checks.baseline import PromptEntry, WorkloadEntry
from kimi_planner.checks.changes import prompt_change, workload_change
from kimi_planner.checks.formats.changed import prompt_line, workload_line
from kimi_planner.checks.formats.github import MAX_SUMMARY_BYTES, step_summary
from kimi_planner.checks.formats.markdown import MARK
from kimi_planner.checks.formats.render import FORMATS, render
from kimi_planner.checks.formats.visible import visible
from kimi_planner.checks.growth import Comparison
from kimi_planner.checks.results import RULES, Outcome
from kimi_planner.checks.run import CheckReport
from kimi_planner.checks.together import rooted

SARIF = json.loads(
    (Path(__file__).parent / "data" / "sarif-schema-2.1.0.json").read_text(encoding="utf-8")
)
HOSTILE = [
    "a|b.md",
    "line\nbreak.md",
    "\n::error::injected",
    "::set-output name=x::y",
    "x\n##[error]old form",
    "100%25,:%0A.md",
    "<script>alert(1)</script>.md",
    "<!-- --> `code` **bold** [x](http://e.x) @team #1 $m$.md",
    "</code></td>|---|",
    "\u202e\u2066turned\u2069.md",
    "nul\x00bell\x07esc\x1b[31m\x7f.md",
    "sep\u2028\u2029\u0085.md",
    "broken\udcff.md",
    "\ufffe\uffff]]>&amp;\"'.md",
    "very" * 3000 + ".md",
    "caf\u00e9 \u4f60\u597d.md",
]
HIDDEN = re.compile(
    r"[\u202a-\u202e\u2066-\u2069\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]"
)


def hostile_report():
    results = [
        checking.over(name, by=place, name=name, line=place + 1, message=f"{name} is over")
        for place, name in enumerate(HOSTILE)
    ]
    entry = {"kind": "text", "model": "m|\n::", "low_tokens": 1, "input_usd_per_mtok": None}
    changes = tuple(
        prompt_change(None, PromptEntry(path=name, name=name, tokens=1, cost_usd=None, **entry))
        for name in HOSTILE
    )
    comparison = Comparison(
        baseline=HOSTILE[2], prompts=changes, workloads=(), unchanged=0, below=0,
        notes=tuple(HOSTILE),
    )  # fmt: skip
    return CheckReport(
        results=tuple(results), comparison=comparison, notes=tuple(HOSTILE), catalog="c"
    )


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_hides_in_any_form(form):
    """No control, mark of direction or lone surrogate is left, and the bytes are the same twice."""
    text = render(hostile_report(), form)
    assert not HIDDEN.search(text)
    text.encode("utf-8")
    assert "\\u202e" in unescape(text)
    assert render(hostile_report(), form) == text
    assert "caf\u00e9" in text or form == "sarif"


def test_json_holds_names_as_they_are():
    """What is escaped in the text is whole again for who reads it."""
    data = json.loads(render(hostile_report(), "json"))
    assert {one["path"] for one in data["results"]} == set(HOSTILE)
    assert {one["new"]["path"] for one in data["baseline"]["prompts"]} == set(HOSTILE)
    assert data["format"] == 1


def test_every_line_of_a_terminal_is_one_result():
    """A line break in a name does not make a line of its own."""
    lines = render(hostile_report(), "text").splitlines()
    assert lines[-1] == f"{len(HOSTILE)} checks, {len(HOSTILE)} not passed"
    assert sum(line.startswith("OVER ") for line in lines) == len(HOSTILE)
    assert not any(line.startswith("::") for line in lines)


def runner(text):
    """Read lines as the runner of GitHub Actions does: commands, and what is printed."""
    commands, plain = [], []
    for line in text.splitlines():
        found = re.fullmatch(r"::(\w+) ([^\n]*?)::(.*)", line.strip())
        if line.strip().startswith("::") or "##[" in line:
            assert found, line
            properties = dict(one.split("=", 1) for one in found[2].split(","))
            commands.append((found[1], properties, found[3]))
        else:
            plain.append(line)
    return commands, plain


def test_annotations_are_ten_at_most_and_no_name_makes_another():
    """The ten worst are commands, the others lines; names cannot start a command or a property."""
    commands, plain = runner(render(hostile_report(), "github"))
    assert len(commands) == 10
    for command, properties, message in commands:
        assert command == "error"
        assert set(properties) == {"file", "line", "title"}
        assert "\n" not in message
    worst = HOSTILE[:-11:-1]
    shown = [unquote(properties["file"]) for _, properties, _ in commands]
    assert shown == [visible(name) for name in worst]
    assert f"{len(HOSTILE) - 10} more results without an annotation:" in plain


def test_annotations_name_the_place_below_the_root():
    """A configuration in a folder has its files annotated where they are in the repository."""
    report = checking.report_of(
        checking.over("p/a.md", line=7, message="50% over"),
        checking.over("/etc/b.md", outcome=Outcome.WARNING),
        checking.over("c.md", outcome=Outcome.PASSED),
    )
    lines = render(rooted(report, "sub"), "github").splitlines()
    assert lines[:2] == [
        "::error file=sub/p/a.md,line=7,title=kimi-planner prompt-tokens::50%25 over",
        "::warning file=/etc/b.md,title=kimi-planner prompt-tokens::101 tokens, limit 100",
    ]
    assert len(lines) == 3


def test_the_summary_of_a_step_stays_within_its_bytes():
    """8,000 breaches are cut to a mebibyte and counted; without room there is no summary."""
    report = checking.report_of(
        *(checking.over(f"p{n}.md", message="é" * 99) for n in range(8_000))
    )
    text = step_summary(report)
    assert MAX_SUMMARY_BYTES * 0.9 < len(text.encode()) <= MAX_SUMMARY_BYTES
    rows = sum(line.startswith("| **over**") for line in text.splitlines())
    assert f"{8_000 - rows:,} more rows left out." in text
    assert len(step_summary(report, 5_000).encode()) <= 5_000
    assert step_summary(report, 50) == ""


def sarif(report):
    log = json.loads(render(report, "sarif"))
    jsonschema.Draft4Validator(SARIF, format_checker=jsonschema.FormatChecker()).validate(log)
    return log["runs"][0]


def test_sarif_validates_with_and_without_results():
    """The official schema accepts it, hostile names included; a clean run has an empty list."""
    run = sarif(hostile_report())
    assert len(run["results"]) == len(HOSTILE)
    rules = [one["id"] for one in run["tool"]["driver"]["rules"]]
    assert rules == list(RULES)
    for one in run["results"]:
        assert rules[one["ruleIndex"]] == one["ruleId"]
        uri = one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert re.fullmatch(r"[\w\-.~/%]+", uri, re.ASCII)
        assert unquote(uri, errors="surrogateescape") in HOSTILE
    clean = sarif(checking.report_of(checking.over(outcome=Outcome.PASSED)))
    assert clean["results"] == []


def test_sarif_levels_lines_and_base():
    """A warning is one, what is unknown is an error; a result for all of a file has no region."""
    report = checking.report_of(
        checking.over("a.md", outcome=Outcome.WARNING, line=3),
        checking.over("b.md", outcome=Outcome.UNKNOWN, value=None),
    )
    run = sarif(rooted(report, "sub"))
    unknown, warning = run["results"]
    assert (unknown["level"], warning["level"]) == ("error", "warning")
    place = warning["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "sub/a.md"}, "region": {"startLine": 3}}
    assert "region" not in unknown["locations"][0]["physicalLocation"]


def test_fingerprints_outlive_lines_and_sizes():
    """A breach that moved or grew is the same; another file, rule or second one is not."""

    def prints(*results):
        return [one["partialFingerprints"]["kimiPlanner/v1"] for one in
                sarif(checking.report_of(*results))["results"]]  # fmt: skip

    (one,) = prints(checking.over(line=1, by=1))
    assert prints(checking.over(line=9, by=5)) == [one]
    assert prints(checking.over("q.md")) != [one]
    assert prints(checking.over(rule="prompt-cost")) != [one]
    twice = prints(checking.over(by=1), checking.over(by=2))
    assert twice[0] == one
    assert len(set(twice)) == 2


def test_gitlab_has_what_its_documentation_asks_for():
    """Each breach has the six documented fields, a line and a fingerprint of its own; none is a list."""
    report = checking.report_of(
        checking.over("a.md", line=3),
        checking.over("a.md", by=50, line=9),
        checking.over("b.md", outcome=Outcome.UNKNOWN),
        checking.over("c.md", outcome=Outcome.WARNING),
        checking.over("d.md", outcome=Outcome.INVALID),
        checking.over("e.md", outcome=Outcome.PASSED),
    )
    entries = json.loads(render(report, "gitlab"))
    fields = {"description", "check_name", "fingerprint", "severity", "location"}
    assert all(entry.keys() == fields for entry in entries)
    places = [(entry["location"], entry["severity"]) for entry in entries]
    assert places == [
        ({"path": path, "lines": {"begin": line}}, severity)
        for path, line, severity in (
            ("d.md", 1, "blocker"),
            ("b.md", 1, "critical"),
            ("a.md", 9, "major"),
            ("a.md", 3, "major"),
            ("c.md", 1, "minor"),
        )
    ]
    assert {entry["check_name"] for entry in entries} == {"prompt-tokens"}
    assert len({entry["fingerprint"] for entry in entries}) == len(entries)
    prints = [one["partialFingerprints"]["kimiPlanner/v1"] for one in sarif(report)["results"]]
    assert [entry["fingerprint"] for entry in entries] == prints
    assert json.loads(render(checking.report_of(), "gitlab")) == []


def test_a_prompt_has_one_annotation_with_all_that_is_wrong():
    """Three limits of one prompt are one annotation, worst first; another line is another prompt."""
    wrong = [
        checking.over("a.py", line=2, name="P", message="tokens: 101, 50%"),
        checking.over(
            "a.py", line=2, name="P", rule="prompt-cost", by=7, message="dear", model="m"
        ),
        checking.over("a.py", line=2, name="P", rule="context-share", outcome=Outcome.WARNING),
        checking.over("a.py", line=9, name="Q", outcome=Outcome.WARNING, message="near"),
    ]
    said = [
        line
        for line in render(checking.report_of(*wrong), "github").splitlines()
        if line[:2] == "::"
    ]
    assert said == [
        "::error file=a.py,line=2,title=kimi-planner prompt-cost%2C prompt-tokens%2C context-share"
        "::dear%0Atokens: 101, 50%25%0A101 tokens, limit 100",
        "::warning file=a.py,line=9,title=kimi-planner prompt-tokens::near",
    ]


def test_junit_has_a_case_for_each_prompt_and_model():
    """Limits of one prompt are one case, its worst outcome counts; another model is another case."""
    report = checking.report_of(
        checking.over("a.md", outcome=Outcome.PASSED),
        checking.over("a.md", rule="prompt-cost", message="dear"),
        checking.over("a.md", model="kimi-k2-5", outcome=Outcome.WARNING),
        checking.over("a.md", name="x", outcome=Outcome.UNKNOWN, value=None, message="who knows"),
        checking.over("b.md", outcome=Outcome.PASSED),
    )
    root = ET.fromstring(render(report, "junit").encode())
    cases = list(root.iter("testcase"))
    assert [(one.get("classname"), one.get("name")) for one in cases] == [
        ("a.md", "a.md [kimi-k2]"),
        ("a.md", "a.md [kimi-k2-5]"),
        ("a.md", "x [kimi-k2]"),
        ("b.md", "b.md [kimi-k2]"),
    ]
    assert [[child.tag for child in one] for one in cases] == [
        ["failure"], ["system-out"], ["error"], [],
    ]  # fmt: skip
    assert cases[0][0].get("message") == "dear"
    suite = root.find("testsuite")
    for one in (root, suite):
        assert [one.get(key) for key in ("tests", "failures", "errors")] == ["4", "1", "1"]


def test_junit_with_hostile_names_is_xml():
    """Control characters, which XML forbids even escaped, are spelled out."""
    root = ET.fromstring(render(hostile_report(), "junit").encode())
    assert {one.get("classname") for one in root.iter("testcase")} == set(map(visible, HOSTILE))


@settings(deadline=None)
@given(st.text(st.characters(), max_size=40))
@example("\ud800\x7f")
def test_any_name_is_harmless(name):
    """Whatever a file is called, XML and JSON parse, and lines and cells are as many as they should."""
    report = checking.report_of(checking.over(name, name=name, model=name, message=name))
    (case,) = ET.fromstring(render(report, "junit").encode()).iter("testcase")
    assert case.get("classname") == visible(name)
    for form in ("json", "sarif"):
        text = render(report, form)
        assert not HIDDEN.search(text)
        json.loads(text.encode())
    commands, plain = runner(render(report, "github"))
    assert (len(commands), plain) == (1, ["1 check, 1 not passed"])
    assert len(render(report, "text").splitlines()) == 2
    assert [len(row) for row in cells(render(report, "markdown"))] == [3, 3]


def cells(text):
    """Return the rows of the tables of a Markdown text as GitHub splits them."""
    return [
        [unescape(cell.strip()) for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in text.splitlines()
        if line.startswith("| ")
    ]


def test_the_comment_shows_hostile_names_as_text():
    """It starts with its mark, and names make no cell, tag, link, mention or comment."""
    text = render(hostile_report(), "markdown")
    assert text.startswith(f"{MARK}\n### kimi-planner: {len(HOSTILE)} checks")
    assert set(re.findall(r"<[^>]*>", text)) == {MARK, "<code>", "</code>"}
    for active in ("`", "@", "](", "http://", "<script", "$m"):
        assert active not in text
    rows = cells(text)
    assert {len(row) for row in rows} == {3, 4}
    shown = [re.sub(r"</?code>", "", row[1]) for row in rows if row[0] == "**over**"]
    assert len(shown) == len(HOSTILE)
    assert sorted(shown)[0].startswith("100%25,:%0A.md:")


def test_the_comment_renders():
    """A Markdown reader makes the tables of it, with every name in one cell as it is spelled."""
    mistune = pytest.importorskip("mistune")
    plugins = ["table", "strikethrough", "url"]
    html = mistune.create_markdown(escape=False, plugins=plugins)(
        render(hostile_report(), "markdown")
    )
    assert html.count("<table>") == 2
    assert html.count("<tr>") == 2 * (len(HOSTILE) + 1)
    tags = set(re.findall(r"<(/?\w+)", html)) - {"code", "/code"}
    structure = {"h3", "ul", "li", "p", "table", "thead", "tbody", "tr", "th", "td", "strong"}
    assert tags <= structure | {f"/{name}" for name in structure}
    assert set(re.findall(r"<strong>(.*?)</strong>", html)) == {
        "over", "Prompts since the baseline",
    }  # fmt: skip
    names = re.findall(r"<td><code>(.*?)</code></td>", html)
    assert unescape(names[-1]) == "a|b.md:1"


@pytest.mark.parametrize("number", [0, 1, 5_000])
def test_the_comment_fits_however_many_prompts(number):
    """5,000 breaches and 5,000 changes stay below 64 KB, the worst first, the rest counted."""
    results = [checking.over(f"prompts/{n:05}.md", by=n) for n in range(number)]
    changes = []
    for place in range(number):
        old, new = (
            PromptEntry(
                path=f"prompts/{place:05}.md", name=None, kind="text", model="m", tokens=tokens,
                low_tokens=tokens, input_usd_per_mtok=Decimal(2), cost_usd=Decimal(tokens) / 10**6,
            )
            for tokens in (100, 200 + place)
        )  # fmt: skip
        changes.append(prompt_change(old, new))
    comparison = Comparison(
        baseline="b.json", prompts=tuple(reversed(changes)), workloads=(), unchanged=0, below=3,
        notes=(),
    )  # fmt: skip
    report = CheckReport(results=tuple(results), comparison=comparison, catalog="c")
    text = render(report, "markdown")
    assert len(text.encode()) <= 64_000
    rows = cells(text)
    assert "3 changed by less than is reported" in text
    if number == 5_000:
        assert len(text.encode()) > 50_000
        over = sum(row[0] == "**over**" for row in rows)
        assert f"{5_000 - over:,} more rows left out." in text
        assert "prompts/04999.md" in rows[1][1]
        assert len(re.findall("more rows left out", text)) == 2


def test_causes_of_a_month_add_up_in_the_cents_that_are_shown():
    """The cents of the causes sum to the difference of the amounts as they are printed."""
    entry = {"path": "w", "name": "n", "model": "m", "start": "2026-11", "months": 7}
    usage = {
        "input": Decimal(2_222_222), "cached": Decimal(1_111_111), "output": Decimal(777_777),
    }  # fmt: skip
    usd = {"input": Decimal("4.321"), "cached": Decimal("0.012"), "output": Decimal("8.012")}
    for place in range(1, 12):
        old, new = (
            WorkloadEntry(
                **entry,
                requests=Decimal(1000 + shift),
                reasoning_tokens=Decimal(5 + shift),
                usage={key: amount + shift for key, amount in usage.items()},
                usd={key: amount + Decimal(shift) / 3 for key, amount in usd.items()},
                p50_usd=Decimal(1),
                p90_usd=Decimal(2),
            )
            for shift in (0, place)
        )
        line = workload_line(workload_change(old, new))
        before, after = (Decimal(one) for one in re.search(r"([\d.]+) -> ([\d.]+)", line).groups())
        causes = re.search(r"\): (.*);", line)[1]
        parts = [Decimal(one) for one in re.findall(r"[+-][\d.]+", causes)]
        assert sum(parts) == after - before, line


def test_a_change_of_a_prompt_in_words():
    """Old, new, percent, and the exact parts of the cost."""
    old, new = (
        PromptEntry(
            path="p.md", name="SYSTEM", kind="templates", model="kimi-k2", tokens=tokens,
            low_tokens=1, input_usd_per_mtok=Decimal(price),
            cost_usd=Decimal(price) * tokens / 10**6,
        )
        for tokens, price in ((1000, 1), (1500, 2))
    )  # fmt: skip
    assert prompt_line(prompt_change(old, new)) == (
        "p.md SYSTEM on kimi-k2: 1,000 -> 1,500 tokens (+50.0%), 0.001 -> 0.003 USD a call "
        "(+200.0%): tokens +0.00075, price +0.00125"
    )
    assert prompt_line(prompt_change(old, None)).startswith("gone: p.md SYSTEM on kimi-k2, 1,000")


def test_a_change_of_a_prompt_without_a_price_in_words():
    """Without a price nothing is said of one; where one side has it, both are shown."""
    old, new = (
        PromptEntry(
            path="p.md", name=None, kind="text", model=None, tokens=tokens, low_tokens=tokens,
            input_usd_per_mtok=None, cost_usd=None,
        )
        for tokens in (16, 33)
    )  # fmt: skip
    assert prompt_line(prompt_change(old, new)) == "p.md: 16 -> 33 tokens (+106.2%)"
    assert prompt_line(prompt_change(None, new)) == "new: p.md, 33 tokens"
    priced = replace(new, input_usd_per_mtok=Decimal(2), cost_usd=Decimal("0.000066"))
    assert prompt_line(prompt_change(old, priced)).endswith(
        "(+106.2%), no price -> 0.000066 USD a call"
    )
