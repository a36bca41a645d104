"""What became of every matched file: counted, skipped or unknown; and what was not counted."""

import json
from decimal import Decimal

import checking
import pytest

from kimi_planner import count_messages, count_tokens
from kimi_planner.checks.formats.render import render
from kimi_planner.checks.results import Outcome

LONG = (
    "You are a careful analyst. Read the question twice, answer in at most three short sentences, "
    "and name the source of every number that you use."
)
HEAD = 'model = "kimi-k2"\n[[prompts]]\npaths = ["p/**"]\nmax_tokens = 100\n'


def check(folder, config=HEAD, **files):
    return checking.check_of(checking.lay_out(folder, config, **files))


def test_four_prompts_in_odd_places_are_four_prompts(tmp_path):
    """A module whose prompts have no telling names is over its limit four times, not once passed."""
    code = (
        "def build(q):\n    return f'''LONG {q}'''\n"
        "M = [SystemMessage(content='''LONG''')]\n"
        "T = PromptTemplate.from_template('''LONG''')\n"
        "ODD = '''LONG'''\n"
    ).replace("LONG", LONG * 40)
    results = list(check(tmp_path, p__a_dot_py=code).results())
    assert [one.outcome for one in results] == [Outcome.OVER] * 4
    assert [one.line for one in results] == [2, 3, 4, 5]
    assert min(one.value for one in results) > 1000


FORMS = {
    "p__a_dot_prompty": ("---\nname: x\ndescription: y\n---\nsystem:\nBe kind.\n", "Be kind."),
    "p__a_dot_ts": ("const aPrompt: string = `Be kind.`;\n", "Be kind."),
    "p__a_dot_py": ("A_PROMPT = 'Be kind.'\n", "Be kind."),
    "p__a_dot_ipynb": (
        json.dumps({"cells": [{"cell_type": "code", "source": "A_PROMPT = 'Be kind.'"}]}),
        "Be kind.",
    ),
    "p__a_dot_yaml": ("a_prompt: Be kind.\n", "Be kind."),
    "p__a_dot_md": ("Be kind.", "Be kind."),
    "p__a_dot_jsonl": (json.dumps({"a_prompt": "Be kind."}), "Be kind."),
}


@pytest.mark.parametrize("name", FORMS)
def test_files_are_read_as_the_endings_of_their_names_say(tmp_path, name):
    """Without a kind none of what stands around a prompt is counted."""
    if name.endswith("ts"):
        pytest.importorskip("tree_sitter_typescript", reason="needs the extra templates")
    content, text = FORMS[name]
    (result,) = check(tmp_path, **{name: content}).results()
    assert result.value == count_tokens(text)


def test_bodies_and_batches_are_counted_as_they_are_billed(tmp_path):
    """A body, and each line of a batch at its line, by its own id."""
    messages = [{"role": "user", "content": "Be kind."}]
    body = {"model": "kimi-k2", "messages": messages}
    rows = [{"custom_id": f"r{n}", "method": "POST", "body": body} for n in (1, 2)]
    text = "\n".join(map(json.dumps, rows)) + "\n"
    found = list(check(tmp_path, p__a_dot_json=json.dumps(body), p__b_dot_jsonl=text).results())
    assert {one.value for one in found} == {count_messages(messages, "kimi-k2")}
    assert [(one.path, one.line, one.name) for one in found] == [
        ("p/a.json", None, None), ("p/b.jsonl", 1, "r1"), ("p/b.jsonl", 2, "r2"),
    ]  # fmt: skip
    broken = check(tmp_path, HEAD + 'kind = "request"\n', p__b_dot_jsonl=text + "{\n")
    bad = next(one for one in broken.results() if one.path == "p/b.jsonl")
    assert (bad.outcome, bad.line) == (Outcome.INVALID, 3)


def test_braces_in_a_whole_file_are_said(tmp_path):
    """They count as text, and a note says so."""
    (said,) = check(tmp_path, p__a_dot_md="Answer {{input}}.").notes()
    assert said.startswith("p/a.md: names in braces are counted as text")


FILES = {
    "p__a_dot_py": f"A_PROMPT = 'Be kind.'\nlog({LONG!r})\n",
    "p__none_dot_py": "x = 1\n",
    "p__bad_dot_py": "x = (\n",
    "p__old_dot_md": "Be old.",
    "p__ignored_dot_md": "Be gone.",
    "_dot_gitignore": "ignored.md\n",
}
ACCOUNT = [
    ("p/a.py", "counted", "1 prompt"),
    ("p/bad.py", "unknown", "not Python ('(' was never closed). Correct that line."),
    ("p/ignored.md", "skipped", ".gitignore names it"),
    ("p/none.py", "skipped", "no prompt is found in it"),
    ("p/old.md", "skipped", "exclude names it"),
]


def test_every_matched_file_is_in_the_account(tmp_path):
    """Counted, skipped or unknown, with the reason; a text that was not counted at its line."""
    made = check(tmp_path, HEAD + 'exclude = ["p/old*"]\n', **FILES)
    account = made.coverage
    assert [(one.path, one.state, one.why) for one in account.files] == ACCOUNT
    (text,) = account.left_out
    assert (text.path, text.line, text.name, text.tokens) == (
        "p/a.py", 2, "log(0)", count_tokens(LONG),
    )  # fmt: skip
    assert account.counted_tokens == count_tokens("Be kind.")
    tokens = count_tokens(LONG)
    assert f"Not counted, though they look like prompts: 1 text with {tokens} tokens" in [
        one.split(";")[0] for one in made.notes()
    ]


def test_what_another_budget_counts_is_not_left_out(tmp_path):
    """A text that one budget takes by its name is counted, whatever the names of another are."""
    code = f"A = {LONG!r}\nB = {LONG + ' Again.'!r}\n"
    config = "".join(
        f'[[prompts]]\npaths = ["p/*"]\nmax_tokens = 99\nnames = ["{name}"]\n' for name in "ab"
    )
    assert check(tmp_path, config, p__a_dot_py=code).coverage.share == 1


def test_too_small_a_share_fails(tmp_path):
    """Below `min_coverage` the check is over, exactly at it within; without prompts nobody can tell."""
    files = {"p__a_dot_py": f"A = {LONG!r}\nlog({LONG!r})\n"}
    for least, outcome in (("0.5", Outcome.PASSED), ("0.51", Outcome.OVER)):
        (_, covered) = check(tmp_path, f"min_coverage = {least}\n{HEAD}", **files).results()
        assert (covered.rule, covered.outcome) == ("prompt-coverage", outcome)
        assert covered.value == Decimal("0.5")
    assert covered.message.startswith("50.0% of the tokens of texts that look like prompts")
    nothing = list(
        check(tmp_path / "b", f"min_coverage = 1\n{HEAD}", p__a_dot_py="x = 1").results()
    )
    assert [one.outcome for one in nothing] == [Outcome.UNKNOWN] * 2


def test_a_name_that_takes_nothing_is_bad_input(tmp_path):
    """A glob of names is a line of the configuration as any other."""
    files = {"p__a_dot_py": f"A = {LONG!r}\n"}
    made = check(tmp_path, HEAD + 'names = ["a", "agnets.*"]\n', **files)
    unused = next(one for one in made.results() if one.rule == "unused-setting")
    assert "no prompt is named 'agnets.*'" in unused.message


def test_prompts_that_cannot_be_read_are_unknown(tmp_path):
    """What a file names and only running something would give is no pass."""
    text = "prompts: [file://made.py, Be kind.]\nproviders: [x]\n"
    unknown, passed = sorted(
        check(tmp_path, p__a_dot_yaml=text).results(), key=lambda one: -one.outcome
    )
    assert (unknown.outcome, unknown.line) == (Outcome.UNKNOWN, 1)
    assert passed.outcome is Outcome.PASSED


def test_a_file_that_another_leads_to_is_counted_once(tmp_path):
    """Whether or not the budget matches it too."""
    files = {
        "p__c_dot_yaml": "prompts: [file://t/a.txt]\nproviders: [x]\n", "p__t__a_dot_txt": "Be kind.",
    }  # fmt: skip
    for paths in ("p/**", "p/*.yaml"):
        found = list(check(tmp_path, HEAD.replace("p/**", paths), **files).results())
        assert [(one.path, one.outcome) for one in found] == [("p/t/a.txt", Outcome.PASSED)]


def test_the_account_is_shown_where_it_is_asked_for(tmp_path, monkeypatch, invoke):
    """As text, JSON and Markdown; without the option there is only a note."""
    path = checking.lay_out(tmp_path, HEAD, p__a_dot_py=FILES["p__a_dot_py"])
    monkeypatch.chdir(tmp_path)
    code, text, _ = invoke("check", "--coverage", "--as-of", "2026-10-31")
    assert code == 0
    counted, left_out = count_tokens("Be kind."), count_tokens(LONG)
    share = counted / (counted + left_out)
    assert f"Coverage: {share:.1%}, {counted} of {counted + left_out} tokens" in text
    assert f"  not counted  p/a.py:2: log(0), {left_out} tokens\n" in text
    report = checking.check_of(path).report(coverage=True)
    account = json.loads(render(report, "json"))["coverage"]
    assert account["left_out"][0]["line"] == 2
    assert account["files"] == [{"path": "p/a.py", "state": "counted", "why": "1 prompt"}]
    assert "| <code>p/a.py:2</code> | <code>log(0)</code> |" in render(report, "markdown")
    assert "coverage" not in json.loads(render(checking.check_of(path).report(), "json"))
