"""The glossary explains what the commands print: each head of a table, and each word of the trade."""

import re
from pathlib import Path

import pytest
from commands import DRAWN, TRIALS, lay_out
from pages import run_ours

PAGE = (Path(__file__).parents[1] / "docs" / "glossary.md").read_text(encoding="utf-8")
HEADS = re.findall(r"^\*\*(.+)\*\*$", PAGE, re.MULTILINE)
TERMS = {term.strip().lower() for line in HEADS for term in line.split(",")}
PUBLIC = ("--catalog", "2026-11-public-3")
RUNS = {
    "plan": ("plan", *DRAWN),
    "plan of public models": ("plan", *PUBLIC, *DRAWN),
    "plan with scenarios": ("plan", "workloads.toml", "--start", "2026-11", "--previous", "before.json", *DRAWN),
    "recommend": ("recommend", "--details", "--evaluations", TRIALS, "--value", "0.5", *DRAWN),
    "recommend of public models": ("recommend", "--details", *PUBLIC, *DRAWN),
    "portfolio": ("portfolio", "--budget", "40000", "--evaluations", TRIALS, "--frontier", *DRAWN),
    "throughput": ("throughput", *DRAWN),
    "price": ("usage", "price", "usage.jsonl"),
    "fit": ("usage", "fit", "usage.jsonl", "--name", "chat"),
    "forecast": ("usage", "forecast", "usage.jsonl", "--horizon", "30 days", *DRAWN[:2]),
    "outlook": ("usage", "outlook", "usage.jsonl", "--budget", "20", *DRAWN[:2]),
    "reconcile": ("usage", "reconcile", "before.json", "usage.jsonl"),
    "check": ("check", "--coverage"),
}  # fmt: skip
#: What every reader knows, and names of the reader's own; whoever adds a word here says that it is one.
PLAIN = {
    "about", "agents", "ahead", "aime", "alike", "alone", "arrive", "awaited", "better", "bring",
    "buys", "chat", "chats", "cheapest", "choose", "daily", "data", "differ", "exceeded", "exceeds",
    "fitted", "fractional", "gaussian", "generated", "generates", "held", "help", "instead", "life",
    "little", "move", "moved", "must", "noise", "november", "now", "problems", "projected",
    "proportion", "recorded", "regular", "reply", "replies", "ruled", "scale", "scaled", "scope",
    "series", "short", "since", "single", "tax", "tell", "this", "told", "try", "unlimited", "user",
    "whatever", "white", "work",
}  # fmt: skip
ENDINGS = ("ies", "es", "s", "ed", "ing", "ly", "d")


def stems(word):
    """Yield a word and what it may be a form of."""
    yield word
    yield from (
        word[: -len(end)] for end in ENDINGS if word.endswith(end) and len(word) > len(end) + 2
    )


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """Run every command; return what each prints."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(lay_out(tmp_path_factory.mktemp("glossary")))
        printed = {name: run_ours([*arguments]) for name, arguments in RUNS.items()}
    assert {name: fault for name, (code, _, fault) in printed.items() if code not in (0, 1)} == {}
    return {name: said for name, (_, said, _) in printed.items()}


def heads_of(said):
    """Return the heads of the tables of an output: what stands above a rule."""
    lines = said.splitlines()
    rules = [
        number for number, line in enumerate(lines) if line.strip() and set(line) <= {"-", " "}
    ]
    return {head for number in rules for head in re.split(r"\s{2,}", lines[number - 1].strip())}


def test_the_glossary_is_in_order():
    """A reader finds a word where the alphabet has it."""
    assert [head.lower() for head in HEADS] == sorted(head.lower() for head in HEADS)


@pytest.mark.parametrize("name", RUNS)
def test_every_head_of_a_table_is_a_term(outputs, name):
    """Without its unit, a head is a term of the glossary, or made of terms."""
    for head in heads_of(outputs[name]) - {"all", "chat"}:  # a workload, and all of them
        words = re.sub(r"\busd\b|/\w+", " ", head.lower().replace("_", " "))
        for term in sorted(TERMS, key=len, reverse=True):
            words = re.sub(rf"\b{re.escape(term)}(?:e?s)?\b", " ", words)
        assert not re.findall(r"[a-z0-9]+", words), f"{head!r}: {words.strip()!r} is no term"


@pytest.mark.parametrize("name", RUNS)
def test_every_word_is_explained_or_plain(outputs, name):
    """What stands in sentences and notes is in the glossary too, but for what every reader knows."""
    known = {stem for word in re.findall(r"[a-z]+", PAGE.lower()) for stem in stems(word)} | PLAIN
    text = re.sub(r"\S*[-_/.=][A-Za-z0-9]\S*", " ", outputs[name])  # ids, keys, paths, days
    words = set(re.findall(r"\b[a-z]{3,}\b", text.lower()))
    assert len(words) > 10
    assert sorted(word for word in words if known.isdisjoint(stems(word))) == []
