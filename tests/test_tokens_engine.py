"""All engines give the ids that tiktoken gives to the pieces that Moonshot's code cuts."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import groupby
from pathlib import Path

import generated
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kimi_planner.errors import RequestError
from kimi_planner.tokens import native
from kimi_planner.tokens.engine import (
    _MARKS,
    DEFAULT,
    ENGINES,
    FASTOKENS_FROM,
    bulk_engine,
    engine,
    tiktoken_encoding,
)
from kimi_planner.tokens.pieces import cut as pieces
from kimi_planner.tokens.text import count_tokens, count_tokens_batch
from kimi_planner.tokens.vocabulary import RANKS, SPECIAL_TOKENS, proven_tokenizer, ranks

steady = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

HERE = [name for name in ENGINES if name != "native" or native.is_built()]
SPELLINGS = [*SPECIAL_TOKENS, "<|think|>", "<|im_start|>", "<|reserved_token_163589|>"]
CODE = ["def f(x):\n", "    return x[1:]\n", "\t", "  ", "{'a': 0x1F}", "!=", "// ", "\r\n", "1e-9"]
EMOJI = ["😀", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇨🇳", "👍🏽", "❤️", "e\u0301"]

mixed_scripts = st.text(
    "aZ 9éßñ你好，。こんにちは안녕привет नमस्ते مرحبا สวัสดี\t\n'’\u3000\x00", max_size=120
)
fragments = st.lists(
    st.one_of(
        st.text(max_size=60),
        mixed_scripts,
        st.sampled_from([*SPELLINGS, *CODE, *EMOJI]),
        st.builds(str.__mul__, st.text(min_size=1, max_size=3), st.integers(1, 3_000)),
    ),
    max_size=8,
)
texts = fragments.map("".join)
surrogates = st.text(st.characters(categories=["Cs", "Lu", "Zs", "So"]), max_size=60)
# Runs around the limit, around half of it, and enough of them to pass 400,000 characters.
extreme_texts = st.lists(
    st.builds(
        str.__mul__,
        st.sampled_from([" ", "\n", "\u3000", "\x1c", "\x85", "a", "你", "\u200b", "\ud83d"]),
        st.sampled_from([1, 2, 12_499, 12_501, 24_999, 25_000, 25_001, 50_001, 99_999, 150_001]),
    ),
    max_size=9,
).map("".join)


def cut(text: str) -> Iterator[str]:
    """Cut a text every 400,000 characters, and in those every run after 25,000 characters."""
    for start in range(0, len(text), 400_000):
        piece = ""
        for _, characters in groupby(text[start : start + 400_000], str.isspace):
            run = "".join(characters)
            while len(run) > 25_000:
                yield piece + run[:25_000]
                piece, run = "", run[25_000:]
            piece += run
        yield piece


@lru_cache
def reference_piece(piece: str) -> list[int]:
    """Return tiktoken's ids of a piece; old versions of it take seconds for a long one."""
    return tiktoken_encoding().encode_ordinary(piece)


def reference_ids(text: str) -> list[int]:
    """Return tiktoken's ids of the cut text, with special spellings as ordinary text."""
    return [rank for piece in cut(text) for rank in reference_piece(piece)]


def ids(text: str, engine_name: str = DEFAULT) -> list[int]:
    """Return the ids that an engine of the package gives a text."""
    return [rank for piece in pieces(text) for rank in engine(engine_name).encode(piece)]


@steady
@given(texts)
def test_engines_agree_on_any_text(text: str) -> None:
    """Scripts, emoji, code, long pieces and special spellings have tiktoken's ids everywhere."""
    expected = tiktoken_encoding().encode_ordinary(text)
    assert ids(text) == ids(text, "splintr") == ids(text, "tiktoken") == expected
    assert count_tokens(text) == count_tokens(text, engine_name="tiktoken") == len(expected)


@steady
@given(surrogates)
def test_lone_surrogates_count_as_tiktoken_counts_them(text: str) -> None:
    """A surrogate without its partner becomes the replacement character, as in tiktoken."""
    assert ids(text) == tiktoken_encoding().encode_ordinary(text)


def test_engines_agree_on_the_standard_library() -> None:
    """Some hundred Python files, undecodable bytes included, have tiktoken's ids."""
    library = Path(sysconfig.get_path("stdlib"))
    files = sorted(path for path in library.rglob("*.py") if "site-packages" not in path.parts)
    chosen = files[:: max(1, len(files) // 300)]
    assert len(chosen) >= 100
    for path in chosen:
        text = path.read_bytes().decode("utf-8", "surrogateescape")
        assert ids(text) == tiktoken_encoding().encode_ordinary(text), path.name


@pytest.mark.parametrize("engine_name", HERE)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_special_spellings_are_ordinary_text(engine_name: str, spelling: str) -> None:
    """What a user spells like a special token is cut into ordinary tokens, never one id."""
    text = f"a{spelling}{spelling} b"
    assert ids(text, engine_name) == tiktoken_encoding().encode_ordinary(text)
    assert max(ids(text, engine_name)) < 163_584
    assert count_tokens(spelling, engine_name=engine_name) > 1


@settings(steady, max_examples=30)
@given(extreme_texts)
def test_extreme_texts_are_cut_as_moonshot_cuts_them(text: str) -> None:
    """Pieces are those of a plain reading of the rule: 400,000 characters, runs of 25,000."""
    assert list(pieces(text)) == list(cut(text))


@pytest.mark.parametrize("length", [0, 1, 25_000, 25_001, 399_999, 400_000, 400_001, 1_200_000])
@pytest.mark.parametrize("pattern", ["ab ", "a", " ", "x" * 24_999 + " ", "\n" * 25_001 + "你"])
def test_pieces_around_the_limits(pattern: str, length: int) -> None:
    """A text of any length is cut at the same places as by the plain reading, and nothing is lost."""
    text = (pattern * (length // len(pattern) + 1))[:length]
    assert list(pieces(text)) == list(cut(text))
    assert "".join(pieces(text)) == text


@pytest.mark.parametrize("before", [0, 1, 2, 600, 6_250, 12_499, 12_500, 12_501, 300_001])
def test_the_shortest_run_that_is_cut(before: int) -> None:
    """Wherever it starts, a run of 25,001 is cut before its last character, and one of 25,000 is not."""
    start = ("x " * before)[before:]
    run = "y" * 25_000
    assert list(pieces(start + run)) == [start + run]
    assert list(pieces(start + run + "y z")) == [start + run, "y z"]


def test_a_million_spaces_count_as_recorded() -> None:
    """Cutting makes 3,960 tokens of what would be 3,907."""
    spaces = " " * 1_000_000
    assert count_tokens(spaces) == len(reference_ids(spaces)) == 3_960
    assert len(proven_tokenizer().encode_ordinary(spaces)) == 3_907


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("你好世界" * 250_000, id="han"),
        pytest.param(
            "".join(random.Random(7).choices("abcdefghijkl", k=50_000)) * 20, id="letters"
        ),
        pytest.param("=-" * 500_000, id="punctuation"),
        pytest.param("x" + "\ud83d\ude00" * 300_000, id="pairs cut in two"),
    ],
)
def test_a_megabyte_without_a_break(text: str) -> None:
    """A text with nowhere to cut is counted as the reference counts its pieces of 25,000."""
    assert ids(text) == reference_ids(text)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        ("\x00", [b"\x00"]),
        ("\ud800", ["\ufffd".encode()]),
        ("a\x00\udfff b", [b"a", b"\x00", "\ufffd".encode(), b" b"]),
        ("Hello, 你好 12345", [b"Hello", b",", b" ", "你好".encode(), b" ", b"123", b"45"]),
    ],
)
def test_small_texts_have_known_tokens(text: str, tokens: list[bytes]) -> None:
    """The empty text has no tokens; NUL is one; a lone surrogate is the replacement character."""
    expected = [ranks()[token] for token in tokens]
    assert ids(text) == ids(text, "tiktoken") == expected
    assert count_tokens(text) == len(expected)


@pytest.mark.parametrize("text", [None, 3, b"bytes", ["a"], float("nan")])
def test_what_is_not_text_is_refused(text: object) -> None:
    """The error names the type and shows the value."""
    with pytest.raises(RequestError, match=f"must be str, not {type(text).__name__}"):
        count_tokens(text)  # type: ignore[arg-type]


def test_an_unknown_engine_is_refused() -> None:
    """The error names the engines that there are."""
    with pytest.raises(RequestError, match=r"'gigatoken'.*native, splintr, tiktoken"):
        count_tokens("x", engine_name="gigatoken")


@settings(steady, max_examples=50)
@given(st.lists(st.one_of(texts, surrogates), max_size=12))
def test_a_batch_counts_as_a_loop(batch: list[str]) -> None:
    """Counting many texts at once gives the count of each, as int64, in order."""
    counts = count_tokens_batch(batch)
    assert counts.dtype == np.int64
    assert counts.tolist() == [len(reference_ids(text)) for text in batch]


@pytest.mark.parametrize("form", [list, tuple, iter, np.array, pd.Series])
def test_a_batch_takes_any_iterable(form: Callable[[list[str]], Iterable[str]]) -> None:
    """Lists, iterators, arrays and Series are counted alike."""
    batch = ["one", "", "two words", "你好"]
    assert count_tokens_batch(form(batch)).tolist() == [count_tokens(text) for text in batch]


def test_an_empty_batch_has_no_counts() -> None:
    """No texts give an empty array of the same type."""
    counts = count_tokens_batch([])
    assert counts.shape == (0,)
    assert counts.dtype == np.int64


@pytest.mark.parametrize(("bad", "kind"), [(None, "NoneType"), (b"x", "bytes"), (2.5, "float")])
def test_a_batch_names_the_position_of_a_bad_element(bad: object, kind: str) -> None:
    """The error says which element is not text."""
    with pytest.raises(RequestError, match=f"Text 2 must be str, not {kind}"):
        count_tokens_batch(iter(["a", "b", bad, "c"]))  # type: ignore[list-item]


def test_one_text_is_not_a_batch() -> None:
    """A string is not taken for a batch of characters."""
    with pytest.raises(RequestError, match="count_tokens"):
        count_tokens_batch("abc")


@pytest.mark.parametrize(
    "statement",
    [
        "kimi_planner.count_tokens('x')",
        "kimi_planner.count_tokens_batch(['x'])",
        "kimi_planner.count_messages([{'role': 'user', 'content': 'x'}], model='kimi-k2-5')",
        "kimi_planner.tokens.count_completion('x', model='kimi-k2')",
    ],
)
def test_counting_loads_no_table_or_picture_library(statement: str) -> None:
    """Counting in a fresh process imports neither pandas nor scipy nor matplotlib."""
    code = f"import kimi_planner, sys; {statement}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert "kimi_planner.tokens.engine" in loaded
    assert loaded.isdisjoint({"pandas", "scipy", "matplotlib", "tiktoken"})


def test_every_special_spelling_has_a_mark() -> None:
    """The quick search for special spellings misses none that splintr would match."""
    spellings = proven_tokenizer().special_tokens()
    assert set(SPECIAL_TOKENS) <= set(spellings)
    for spelling, rank in spellings.items():
        assert any(mark in spelling for mark in _MARKS), spelling
        assert rank >= RANKS


@steady
@given(st.lists(st.one_of(texts, surrogates), min_size=1, max_size=8))
@pytest.mark.parametrize("engine_name", HERE)
def test_a_batch_counts_as_one_by_one(engine_name: str, batch: list[str]) -> None:
    """The batch call of every engine gives what its call for one text gives, marks and all."""
    expected = [engine("tiktoken").count(text) for text in batch]
    assert engine(engine_name).count_batch(batch) == expected
    assert [engine(engine_name).count(text) for text in batch] == expected


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_counts_large_batches() -> None:
    """A child of a process whose counting threads run counts on its own, and does not wait."""
    code = (
        "import os, sys, kimi_planner as kp\n"
        "texts = ['some words of text ' * 50] * 2000\n"
        "before = kp.count_tokens_batch(texts).sum()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    os._exit(0 if kp.count_tokens_batch(texts).sum() == before else 1)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], timeout=60, check=False)
    assert done.returncode == 0


def test_the_bulk_engine_is_chosen_by_size_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without our own engine much text goes to fastokens, where it is installed."""
    monkeypatch.setattr("kimi_planner.tokens.engine.DEFAULT", "splintr")
    assert bulk_engine(FASTOKENS_FROM - 1) == "splintr"
    assert bulk_engine(FASTOKENS_FROM) == "fastokens"
    monkeypatch.setattr("kimi_planner.tokens.engine.find_spec", lambda _: None)
    assert bulk_engine(FASTOKENS_FROM) == "splintr"
    monkeypatch.setattr("kimi_planner.tokens.engine.DEFAULT", "native")
    assert bulk_engine(FASTOKENS_FROM) == "native"


def test_every_engine_agrees_on_twenty_thousand_texts() -> None:
    """Words of many scripts, white space, emoji and special spellings, and random Unicode."""
    drawn = []
    for seed in range(20_000):
        rng = random.Random(seed)
        if seed % 4:
            drawn.append(generated.text(rng, 12))
        else:
            points = rng.choices(range(1, 0x11000 if seed % 8 else 0x500), k=rng.randint(0, 30))
            drawn.append("".join(map(chr, points)))
    expected = [engine("tiktoken").count(text) for text in drawn]
    for engine_name in HERE:
        assert count_tokens_batch(drawn, engine_name=engine_name).tolist() == expected
        assert engine(engine_name).count_batch(drawn) == expected


FORKED = """
import os, signal, sys, threading, time
import kimi_planner as kp
thread = threading.Thread(target=kp.count_tokens, args=("hello there",))
thread.start()
time.sleep(float(sys.argv[1]))
child = os.fork()
if child == 0:
    signal.alarm(20)
    os._exit(0 if kp.count_tokens("hello there") == 2 else 1)
thread.join()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize("moment", [0, 0.02, 0.04, 0.08])
def test_a_fork_during_the_first_count_waits_for_nobody(moment: float) -> None:
    """The thread that builds the engine does not live on in the child, which counts all the same."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED, str(moment)], timeout=60, check=False
    )
    assert done.returncode == 0


def test_every_character_of_unicode_counts_alike() -> None:
    """Also the newest letters, which tables of an engine may lack: before 's a letter is one piece."""
    texts = [f"{chr(code)}'s" for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    expected = list(map(engine("tiktoken").count, texts))
    for name in HERE:
        assert engine(name).count_batch(texts) == expected
        for text in ("\U000323b0's", "\U00016ff2b 你\U0002b73a"):
            assert engine(name).count(text) == engine("tiktoken").count(text)
