"""The glossary explains what the commands print: each head of a table, and each word of the trade."""

import re
from pathlib import Path

import pytest
from commands import DRAWN, TRIALS, lay_out
from pages import fences, run_ours

from kimi_planner.notes import SENTENCES

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "glossary.md").read_text(encoding="utf-8")
START = (DOCS / "index.md").read_text(encoding="utf-8")
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
    "about", "above", "across", "add", "after", "again", "against", "agents", "ahead", "aime",
    "alike", "all", "almost", "alone", "already", "also", "although", "always", "among", "amount",
    "and", "another", "any", "anything", "are", "around", "arrive", "ask", "asked", "awaited",
    "away", "back", "because", "become", "been", "before", "begin", "behind", "being", "below",
    "beside", "besides", "better", "between", "beyond", "both", "bring", "but", "buys", "call",
    "can", "cannot", "change", "chat", "chats", "cheapest", "choose", "close", "come", "compare",
    "could", "daily", "data", "day", "did", "differ", "does", "done", "down", "each", "early",
    "either", "else", "end", "enough", "even", "ever", "every", "everything", "exceeded", "exceeds",
    "far", "few", "file", "find", "first", "fitted", "for", "found", "fractional", "from", "full",
    "further", "gaussian", "gave", "generated", "generates", "get", "give", "given", "good",
    "great", "group", "had", "half", "has", "have", "held", "help", "here", "high", "how",
    "however", "inside", "instead", "into", "itself", "just", "keep", "kept", "known", "last",
    "late", "later", "least", "left", "less", "let", "life", "like", "line", "list", "little",
    "long", "look", "low", "made", "make", "many", "may", "mean", "meant", "might", "more", "most",
    "move", "moved", "much", "must", "name", "near", "need", "never", "new", "next", "noise",
    "none", "nor", "not", "nothing", "november", "now", "nowhere", "off", "often", "old", "once",
    "one", "only", "onto", "open", "order", "other", "others", "our", "out", "outside", "over",
    "own", "page", "part", "past", "per", "place", "point", "problems", "projected", "proportion",
    "put", "rather", "read", "recorded", "regular", "replies", "reply", "rest", "row", "ruled",
    "run", "said", "same", "say", "scale", "scaled", "scope", "see", "seen", "series", "set",
    "short", "should", "show", "shown", "side", "since", "single", "small", "smaller", "some",
    "something", "soon", "stand", "still", "such", "take", "taken", "tax", "tell", "than", "that",
    "the", "their", "them", "themselves", "then", "there", "these", "they", "thing", "this",
    "those", "though", "three", "through", "time", "together", "told", "too", "toward", "try",
    "two", "under", "unlimited", "until", "upon", "use", "used", "user", "usually", "very", "was",
    "way", "week", "well", "were", "what", "whatever", "when", "where", "whether", "which", "while",
    "white", "who", "whole", "whose", "why", "will", "with", "within", "without", "word", "work",
    "would", "write", "written", "year", "yet", "you", "your",
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


def lines_of_heads(said):
    """Return the lines of an output that stand above a rule."""
    lines = said.splitlines()
    return [
        lines[number - 1]
        for number, line in enumerate(lines)
        if line.strip() and set(line) <= {"-", " "}
    ]


def heads_of(said):
    """Return the heads of the tables of an output."""
    return {head for line in lines_of_heads(said) for head in re.split(r"\s{2,}", line.strip())}


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


def unexplained(said):
    """Return the words of an output that are neither in the glossary nor plain."""
    known = {stem for word in re.findall(r"[a-z]+", PAGE.lower()) for stem in stems(word)} | PLAIN
    text = re.sub(r"\S*[-_/.=][A-Za-z0-9]\S*", " ", said)  # ids, keys, paths, days
    words = set(re.findall(r"\b[a-z]{3,}\b", text.lower()))
    assert len(words) > 10
    return {word for word in words if known.isdisjoint(stems(word))}


@pytest.mark.parametrize("name", RUNS)
def test_every_word_is_explained_or_plain(outputs, name):
    """What stands in sentences and notes is in the glossary too, but for what every reader knows."""
    assert unexplained(outputs[name]) == set()


def test_every_word_of_the_first_plan_is_explained():
    """Who starts with the first page finds each word of what it prints."""
    first = next(fence for fence in fences(START) if fence.title == "Output")
    assert unexplained(first.body) == {"invoices"}  # a workload


@pytest.mark.parametrize("name", RUNS)
def test_a_call_is_called_a_call(outputs, name):
    """Sentences count calls; requests are fields, columns, and what tiers limit in a minute."""
    heads = lines_of_heads(outputs[name])
    sentences = " ".join(line for line in outputs[name].splitlines() if line not in heads)
    assert re.findall(r"\brequests\b(?! (?:per|a) minute|/min)", sentences) == []


def test_a_note_counts_calls():
    """No note has another word for them."""
    assert [said for said in SENTENCES.values() if re.search(r"\brequests\b", said)] == []
