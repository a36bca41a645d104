"""Words of pictures: shortened, rounded, and drawn as they are written."""

import pytest
from matplotlib import pyplot as plt
from pictured import LONG, closed

from kimi_planner.plot import words

__all__ = ["closed"]


def test_long_names_lose_their_middle():
    """Start and end are kept, so that names that differ there stay different."""
    assert words.short("support") == "support"
    short = words.short(LONG)
    assert len(short) == 30
    assert short.startswith("the nightly")
    assert short.endswith("in_it")
    assert words.short("two\nlines") == "two lines"


@pytest.mark.parametrize("text", ["5$", r"a\$b", "$x$", "under_score", "{brace}", "50%"])
def test_a_text_is_drawn_letter_by_letter(text):
    """What matplotlib draws is no mathematics and has no escape left in it."""
    figure = plt.figure()
    drawn = figure.text(0, 0, words.literal(text))
    clean, mathematics = drawn._preprocess_math(drawn.get_text())
    assert not mathematics
    assert clean == text


def test_letters_without_a_font_are_written_as_their_code(monkeypatch):
    """Two names that no font can draw are still told apart, without a warning."""
    monkeypatch.setattr(words, "can_draw", lambda char: char.isascii() and char.isprintable())
    assert words.literal("支付") == r"\u652f\u4ed8"
    assert words.literal("🚀 1") == r"\U0001f680 1"
    assert words.literal("a\x07b") == r"a\x07b"


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0%"), (1, "100%"), (0.004, "<1%"), (0.996, ">99%"), (0.5, "50%"), (0.01, "1%")],
)
def test_shares_are_never_rounded_to_none_or_all(share, text):
    """Only a share of exactly 0 or 1 reads so."""
    assert words.at_most(share) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0"), (12345.6, "12,346"), (4.5, "4.50"), (0.0042, "0.004200"), (-3e-7, "-0.0000003000")],
)
def test_amounts_are_never_rounded_to_nothing(amount, text):
    """Small amounts keep four digits."""
    assert words.dollars(amount) == text


def test_lists_and_notes_say_what_they_leave_out():
    """Nothing is dropped silently."""
    assert words.listed("abc") == "a; b; c"
    assert words.listed(map(str, range(20))).endswith("; 11; and 8 more")
    assert words.resting(["One."], "Seed 0.") == "One. Seed 0."
    assert words.resting(["x" * 300, "y" * 99, "z"], "End.").endswith(
        "x 2 more notes with the result. End."
    )
