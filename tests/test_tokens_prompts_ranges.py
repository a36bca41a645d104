"""The range of tokens of a prompt: held against filled prompts, counted whole."""

from itertools import chain
from random import Random

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from kimi_planner.errors import RequestError
from kimi_planner.tokens.prompts.parts import Choice, PromptTemplate, Repeat, Variable, joined
from kimi_planner.tokens.prompts.ranges import token_range
from kimi_planner.tokens.prompts.seams import first_cut, last_cut
from kimi_planner.tokens.prompts.values import ValueRange
from kimi_planner.tokens.text import count_tokens, count_tokens_batch
from kimi_planner.tokens.vocabulary import ranks

# Letters that merge, capitals, contractions, digits, marks, white space of every kind, Chinese,
# kana, combining marks, characters of four bytes and lone surrogates.
ATOMS = [
    *"abeilnorstuTHE019'.,:/*#{}_-\"<>|~ \n\r\t",
    *" 你好世界中文。，！？々〇かなカナー\u0301\u00e9ßſ😀\U00020000\u3000\x1c\x85\u00a0",
    "\ud83d",
    "\ude00",
    *(
        "the ",
        "ing",
        "'ll",
        "'S",
        "  ",
        "\n\n",
        "://",
        "====",
        "ation",
        "Inter",
        " international",
        "\r\n",
    ),
]
TEXTS = st.lists(st.sampled_from(ATOMS), max_size=8).map("".join) | st.text(max_size=6)
SETTINGS = settings(max_examples=200, deadline=None)


def prompt(*parts):
    return PromptTemplate(name="P", path="p.py", line=1, parts=joined(parts))


@SETTINGS
@given(TEXTS, TEXTS, TEXTS)
@example("a  ", "5", "x")
@example("a\n", " \n", "b")
@example("it", "'l", "l it's")
@example("!\n", "\n x", "y")
def test_halves_of_a_sure_cut_add_up(before, text, after):
    """Wherever a text is called surely cut, its halves count alone what they count together."""
    for cut in {first_cut(text), last_cut(text)} - {None}:
        left, right = before + text[:cut], text[cut:] + after
        assert count_tokens(left + right) == count_tokens(left) + count_tokens(right)


@SETTINGS
@given(st.lists(TEXTS, min_size=2, max_size=4), st.data())
def test_bounded_by_characters_a_filled_prompt_lies_in_the_range(texts, data):
    """Whatever values of declared length fill a prompt, its true count lies within the range."""
    values = [data.draw(TEXTS) for _ in texts[1:]]
    parts, filled = [texts[0]], texts[0]
    for number, (value, text) in enumerate(zip(values, texts[1:], strict=True)):
        parts += [Variable(str(number)), text]
        filled += value + text
    declared = {
        str(number): data.draw(
            st.sampled_from(
                [
                    {"max_chars": len(value) + data.draw(st.integers(0, 2))},
                    {"max_bytes": len(value.encode("utf-8", "surrogatepass"))},
                ]
            )
        )
        for number, value in enumerate(values)
    }
    found = token_range(prompt(*parts), declared)
    assert found.low <= count_tokens(filled) <= found.high
    assert found.fixed_low == found.fixed_high == count_tokens("".join(texts))
    assert found.low <= found.fixed_low <= found.high


@SETTINGS
@given(st.lists(TEXTS, min_size=2, max_size=3), st.lists(TEXTS, min_size=2, max_size=2), st.data())
def test_bounded_by_tokens_a_filled_prompt_lies_in_the_range(texts, values, data):
    """A value counted alone within its declared tokens keeps the filled prompt within the range."""
    word_bytes = data.draw(st.sampled_from([4, 12, 64]))
    parts, filled, declared = [texts[0]], texts[0], {}
    for number, (value, text) in enumerate(zip(values, texts[1:], strict=False)):
        ends = [value[: first_cut(value) or len(value)], value[last_cut(value) or 0 :]]
        assume(all(len(end.encode("utf-8", "surrogatepass")) <= word_bytes for end in ends))
        parts += [Variable(str(number)), text]
        filled += value + text
        tokens = count_tokens(value)
        declared[str(number)] = {
            "min_tokens": tokens,
            "max_tokens": tokens,
            "max_word_bytes": word_bytes,
        }
    found = token_range(prompt(*parts), declared)
    assert found.low <= count_tokens(filled) <= found.high


@SETTINGS
@given(
    TEXTS, st.lists(TEXTS, min_size=1, max_size=3), TEXTS, st.lists(TEXTS, min_size=1, max_size=3)
)
def test_listed_values_and_branches_are_exact(start, values, middle, branches):
    """With listed values and fixed branches the range is what counting every filled prompt gives."""
    parts = (start, Variable("x"), middle, Choice(tuple((branch,) for branch in branches)))
    found = token_range(prompt(*parts), {"x": {"values": values}})
    counts = [
        count_tokens(start + value + middle + branch) for value in values for branch in branches
    ]
    assert (found.low, found.high) == (min(counts), max(counts))


@SETTINGS
@given(TEXTS, TEXTS, st.integers(0, 2), st.integers(0, 3), TEXTS)
def test_a_loop_spans_its_items(start, body, least, more, end):
    """A loop of fixed text is exact from its fewest to its most items."""
    parts = (start, Repeat("items", (body,)), end)
    found = token_range(prompt(*parts), {"items": {"min_items": least, "max_items": least + more}})
    counts = [count_tokens(start + body * items + end) for items in range(least, least + more + 1)]
    assert (found.low, found.high) == (min(counts), max(counts))


PARTS = st.recursive(
    TEXTS | st.sampled_from("xyz").map(Variable),
    lambda inner: (
        st.lists(st.lists(inner, max_size=2).map(tuple), min_size=1, max_size=3).map(
            lambda branches: Choice(tuple(branches))
        )
        | st.lists(inner, max_size=2).map(lambda body: Repeat("items", tuple(body)))
    ),
    max_leaves=8,
)
VALUES = {
    "x": {"max_chars": 3},
    "y": {"values": ["", "a", " the ", "ing\n"]},
    "z": {"max_tokens": 3, "max_word_bytes": 30},
    "items": {"min_items": 0, "max_items": 2},
}


@SETTINGS
@given(st.lists(PARTS, max_size=4), st.data())
def test_any_way_through_a_prompt_lies_in_the_range(parts, data):
    """Any branches, items and values, inside each other, give a prompt within the range."""

    def filled(part):
        if isinstance(part, str):
            return part
        if isinstance(part, Choice):
            return "".join(map(filled, data.draw(st.sampled_from(part.branches))))
        if isinstance(part, Repeat):
            items = data.draw(st.integers(0, 2))
            return "".join(filled(one) for _ in range(items) for one in part.body)
        if part.name == "y":
            return data.draw(st.sampled_from(VALUES["y"]["values"]))
        value = data.draw(st.text(st.sampled_from("".join(ATOMS)), max_size=3))
        assume(part.name == "x" or count_tokens(value) <= 3)
        return value

    text = "".join(map(filled, parts))
    found = token_range(prompt(*parts), VALUES)
    assert found.low <= count_tokens(text) <= found.high


def test_an_undeclared_variable_leaves_the_upper_end_unknown():
    """Where nothing is declared there is no upper end, and the variable is named."""
    parts = ("Summarise:\n", Variable("text"), "\n", Repeat("shots", ("Example",)))
    found = token_range(prompt(*parts), {"other": {"max_tokens": 5}})
    assert found.high is None
    assert found.unknown == ("text", "shots")
    assert found.low <= found.fixed_low == count_tokens("Summarise:\n\n")
    assert "no upper end declared for text, shots" in str(found)


def test_isolated_variables_cost_what_they_declare():
    """The seams of one document add a few tokens at most to what is declared."""
    parts = ("Summarise the document.\n\n", Variable("document"), "\n\nAnswer in one sentence.")
    bounds = {"min_tokens": 1_000, "max_tokens": 20_000, "max_word_bytes": 30}
    found = token_range(prompt(*parts), {"document": bounds})
    fixed = count_tokens("Summarise the document.") + count_tokens("Answer in one sentence.")
    marks = len(".\n\n") + len("\n\n")
    assert found.high <= fixed + 20_000 + marks + 2
    assert found.low >= fixed + 1_000 - 2 * 30


def test_branches_that_could_be_many_stay_one_walk():
    """Forty conditions in a row are not two to the power of forty prompts."""
    parts = [Choice((("Yes please. ",), ("No. ",), ())) for _ in range(40)]
    found = token_range(prompt(*parts))
    assert found.low == 0
    assert found.high == count_tokens("Yes please. " * 40)


def test_branches_without_a_sure_cut_stay_few():
    """Thirty conditions inside one word are no billion prompts, and each lies in the range."""
    letters = "abcdefghijklmnopqrstuvwxyzABCD"
    found = token_range(prompt(*(Choice(((letter,), ())) for letter in letters)))
    for step in range(1, 12):
        assert found.low <= count_tokens(letters[::step]) <= found.high
    assert (found.low, found.high <= len(letters)) == (0, True)


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"max_token": 5}, "Did you mean 'max_tokens'"),
        ({"max_tokens": -1}, "whole number"),
        ({"max_tokens": True}, "whole number"),
        ({"max_tokens": 5.0}, "whole number"),
        ({"min_tokens": 6, "max_tokens": 5}, "above"),
        ({"min_tokens": 9, "max_chars": 2}, "cannot have"),
        ({"max_items": 10_000}, "up to 1,000"),
        ({"values": []}, "list texts"),
        ({"values": ["a"], "max_chars": 3}, "nothing beside"),
        ({}, "is no range"),
        ("20", "is no range"),
        (-20, "whole number"),
        ({"typical_tokens": 6, "max_tokens": 5}, "typical_tokens .6. is above max_tokens"),
        ({"min_items": 3, "typical_items": 2}, "above typical_items"),
        ({"typical_tokens": 9, "max_bytes": 8}, "cannot have"),
    ],
)
def test_a_wrong_declaration_is_named(declared, message):
    """A declaration that cannot be meant is an error that names the variable and the key."""
    with pytest.raises(RequestError, match=message) as caught:
        token_range(prompt("a ", Variable("x")), {"x": declared})
    assert "'x'" in str(caught.value)


def test_bytes_bound_more_tightly_than_characters():
    """A bound in bytes is as many tokens, one in characters four times as many."""
    parts = ("Dear ", Variable("x"))
    assert token_range(prompt(*parts), {"x": {"max_bytes": 9}}).high == 1 + 1 + 9
    assert token_range(prompt(*parts), {"x": {"max_chars": 9}}).high == 1 + 1 + 36
    assert token_range(prompt(*parts), {"x": {"max_chars": 9, "max_bytes": 7}}).high == 1 + 1 + 7


def test_a_range_can_be_given_as_an_object():
    """A checked range stands for its declaration."""
    given_range = ValueRange(max_chars=3)
    assert token_range(prompt("a", Variable("x")), {"x": given_range}).high == 1 + 12


def test_fixed_text_beyond_the_cut_of_extreme_texts_is_refused():
    """Where the model's own cut would move with the values, no range is claimed."""
    with pytest.raises(RequestError, match="400,000"):
        token_range(prompt("a " * 200_001, Variable("x")))
    assert token_range(prompt("a " * 200_001)).low == count_tokens("a " * 200_001)


PIECES = {
    "words": ["word ", "Dear ", "international ", "customer's ", "e-mail ", "OK "],
    "slices": ["gorithm", "riend", "tion", "ustomer", "nternational", "Int", "_id"],
    "digits": ["1", "22", "333", "4444", "٣", "²"],
    "mixed case": ["aB", "HTML", "parser", "iOS", "XMLHttp", "é", "ß"],
    "Chinese": ["的", "中国", "全心全意为人民", "々", "カナ", "。", "，"],
    "pictures": ["😀", "👩‍👩‍👧", "\u0301", "\U00020000", "\ud83d"],
    "white space": [" ", "  ", "\n", "\r\n", "\t", "\u3000", "    "],
    "marks": ["'s", "'", '"', "://", "====", "</", "**", "-", "_"],
}
FIXED = [
    ("Dear ", ", about order ", ":\n", "\nAnswer in ", " words, as ", "."),
    ('{"id": "', '", "user": "', '", "tags": [', "]}"),
    ("<doc>", "</doc>\n<doc>", "</doc>"),
    ("un", "able and re", "ing of ", "s the", " end"),
    ("请用", "回答：", "。谢谢"),
    ("Total:  ", "   ", "\n\n  ", "%"),
]


@pytest.mark.parametrize("texts", FIXED, ids=lambda texts: texts[0])
@pytest.mark.parametrize("size", [1, 2, 5, 20])
def test_the_upper_end_is_close_to_the_longest_filling(texts, size):
    """Of 20,000 fillings none lies above it, and it is at most 1.25 times the longest plus 4."""
    rng = Random(f"{texts}{size}")
    pools = []
    for pieces in (*PIECES.values(), list(chain.from_iterable(PIECES.values()))):
        for _ in range(60):
            value = ""
            for _ in range(size + 4):
                longer = value + rng.choice(pieces)
                if count_tokens(longer) <= size:
                    value = longer
            pools.append(value)
    filled = [
        texts[0] + "".join(rng.choice(pools) + text for text in texts[1:]) for _ in range(20_000)
    ]
    longest = max(count_tokens_batch(filled))
    parts = [part for at, text in enumerate(texts) for part in (Variable(f"v{at}"), text)][1:]
    high = token_range(prompt(*parts), {"v*": size}).high
    assert longest <= high <= 1.25 * longest + 4


def test_five_short_variables_cost_little_more_than_they_have():
    """Five variables of at most 5 tokens around short texts: 25, the texts, and a few of the seams."""
    parts = [part for at in range(5) for part in ("Dear ", Variable(f"name_{at}"), ",\n")]
    found = token_range(prompt(*parts), {"name_*": 5})
    texts = 5 * (count_tokens("Dear") + count_tokens(" ") + count_tokens(",\n"))
    assert texts + 25 <= found.high <= texts + 25 + 9


def test_no_single_token_of_the_vocabulary_lies_above_the_upper_end():
    """Every token as the value, also those that a space or a letter before them tears apart."""
    values = [text for rank in ranks() if "\ufffd" not in (text := rank.decode(errors="replace"))]
    values = [value for value in values if count_tokens(value) == 1]
    for before, after in (
        ("Dear ", ", hello"),
        ("\n\n", "\n"),
        ('"', '"'),
        ("(", ")"),
        ("un", "s"),
    ):
        high = token_range(prompt(before, Variable("x"), after), {"x": 1}).high
        counts = count_tokens_batch([before + value + after for value in values])
        assert max(counts) <= high


def test_a_pattern_declares_many_variables():
    """A variable's own name comes before patterns, of which the first that matches counts."""
    parts = (Variable("user_id"), "\n", Variable("team_id"), "\n", Variable("id"))
    declared = {
        "*_id": {"values": ["a b c"]},
        "team_id": {"values": ["a"]},
        "t*": 3,
        "?d": {"values": [""]},
    }
    assert token_range(prompt(*parts), declared).high == count_tokens("a b c\na\n")
    assert token_range(prompt(*parts), {"*_id": 5}).unknown == ("id",)


def test_a_typical_size_stands_beside_the_guaranteed_one():
    """Money goes by what a variable usually has; a loop has its typical items."""
    text = "Summarise the document. "
    found = token_range(
        prompt(text, Variable("x")), {"x": {"typical_tokens": 100, "max_tokens": 1000}}
    )
    usual = count_tokens(text.rstrip()) + 100  # the next word takes the last space
    assert found.typical == usual
    assert count_tokens(text) + 1000 <= found.high <= count_tokens(text) + 1005
    items = {"typical_items": 2, "max_items": 9}
    found = token_range(prompt("a", Repeat("items", ("\nbc",))), {"items": items})
    assert (found.typical, found.high) == (
        count_tokens("a" + "\nbc" * 2),
        count_tokens("a" + "\nbc" * 9),
    )
    only = token_range(prompt(text, Variable("x")), {"x": {"typical_tokens": 100}})
    assert (only.typical, only.high, only.unknown) == (usual, None, ("x",))
    assert token_range(prompt(text, Variable("x")), {"x": 9}).typical == count_tokens(text) + 9 + 4


def test_bytes_alone_are_a_guarantee_for_values_that_fall_apart():
    """Rare tokens in every variable lie within, though no sum of tokens would hold them."""
    values = ["YYYYMMDDHH", "VELOPMENT", "=*=*=*=*=*=*=*=*", " Pennsylvania"]
    parts = [part for at in range(4) for part in ("Dear ", Variable(f"v{at}"), "the\n")]
    for value in values:
        text = f"Dear {value}the\n" * 4
        assert count_tokens(text) <= token_range(prompt(*parts), {"v*": {"max_bytes": 16}}).high
    parts = ("international", Variable("x"), "isation of everything")
    assert token_range(prompt(*parts), {"x": {"max_bytes": 2}}).high == 13 + 2 + 7 + count_tokens(
        " of everything"
    )
