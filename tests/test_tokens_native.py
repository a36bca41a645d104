"""The engine in C: its classes of characters, what its shortcuts rest on, and its absence."""

from __future__ import annotations

import hashlib
import os
import random
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st
from test_tokens_engine import steady

from kimi_planner.errors import RequestError
from kimi_planner.tokens import native
from kimi_planner.tokens.engine import DEFAULT, engine, tiktoken_encoding
from kimi_planner.tokens.vocabulary import pattern, ranks

SOURCES = Path(native.__file__).parent
MARK = r"\p{M}"
UPPER = rf"[\p{{Lu}}\p{{Lt}}\p{{Lm}}\p{{Lo}}{MARK}&&[^\p{{Han}}]]"
LOWER = rf"[\p{{Ll}}\p{{Lm}}\p{{Lo}}{MARK}&&[^\p{{Han}}]]"
CLASSES = {r"\p{Han}": 1, UPPER: 2, LOWER: 4, r"\p{L}": 8, r"\p{N}": 16, r"\s": 32}
HEADER = """/* Classes of characters, as tiktoken's regular expressions know them: from each of these characters
 * on, up to the next. Han 1, upper 2, lower 4, letter 8, number 16, space 32, as pieces.h takes
 * them. Written by: pytest tests/test_tokens_native.py --update-golden */

static const struct {
  uint32_t first;
  uint8_t bits;
} CLASS_RUNS[] = {
"""

needs_library = pytest.mark.skipif(
    not native.is_built(), reason="the library is not compiled: there was no C compiler"
)


def characters_of(regex: str) -> set[int]:
    """Return the characters that tiktoken's regular expressions match by this one."""
    single_bytes = {bytes([byte]): byte for byte in range(256)}
    encoding = tiktoken.Encoding(
        "bytes", pat_str=regex, mergeable_ranks=single_bytes, special_tokens={}
    )
    found: set[int] = set()
    every = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    for start in range(0, len(every), 100_000):
        matched = bytes(encoding.encode_ordinary("".join(every[start : start + 100_000])))
        found.update(map(ord, matched.decode()))
    return found


def header() -> str:
    """Return classes.h as it has to be with the installed tiktoken."""
    bits = [0] * 0x110000
    for regex, bit in CLASSES.items():
        for code in characters_of(regex):
            bits[code] |= bit
    runs = [(0, bits[0])]
    runs += [(code + 1, now) for code, (last, now) in enumerate(pairwise(bits)) if last != now]
    lines = [""]
    for first, value in runs:
        cell = f"{{0x{first:X},{value}}},"
        if len(lines[-1]) + len(cell) > 98:
            lines.append("")
        lines[-1] += cell
    return HEADER + "\n".join(lines) + "\n};\n"


def test_the_classes_of_characters_are_tiktokens(request: pytest.FixtureRequest) -> None:
    """Every character of Unicode has the classes that the reference gives it."""
    path = SOURCES / "classes.h"
    expected = header()
    if request.config.getoption("update_golden"):
        path.write_text(expected, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == expected


def test_the_classes_are_those_that_the_pattern_names() -> None:
    """Nothing in Moonshot's expression is left that the classes do not say."""
    left = pattern().replace(UPPER, "").replace(LOWER, "").replace(r"\p{Han}", "")
    assert set(re.findall(r"\\p\{\w+\}|\\[sS]", left)) == {r"\p{L}", r"\p{N}", r"\s", r"\S"}


def test_only_the_letter_s_folds_to_another_character() -> None:
    """The contractions in either case are ASCII, with the long s beside."""
    for letter in "strevmldt":
        folded = {letter, letter.upper()} | ({"ſ"} if letter == "s" else set())
        assert characters_of(f"(?i:{letter})") == set(map(ord, folded))


@needs_library
def test_every_token_is_what_merging_makes_of_its_bytes() -> None:
    """A part that is a token may be counted as one: plain merging of the bytes gives it too."""
    known = ranks()

    def merged(token: bytes) -> list[bytes]:
        parts = [token[i : i + 1] for i in range(len(token))]
        while len(parts) > 1:
            pairs = [known.get(a + b, len(known)) for a, b in pairwise(parts)]
            best = min(pairs)
            if best == len(known):
                break
            at = pairs.index(best)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        return parts

    for token in random.Random(5).sample(sorted(known), 20_000):
        assert merged(token) == [token]


# Runs without a break, of scripts whose characters are one to four bytes long, and some between.
scripts = st.sampled_from(
    [
        "abcé",
        "привет",
        "ελληνικα",
        "العربية",
        "हिन्दी",
        "ไทยภาษา",
        "日本語のカタカナ",
        "한국어",
        "𠀀𠀁你",
        "😀🏳️‍🌈",
    ]
)
runs = st.lists(
    scripts.flatmap(lambda script: st.text(script, min_size=1, max_size=80)), max_size=6
).map("".join)


@needs_library
@steady
@given(runs)
def test_long_pieces_are_cut_where_no_token_crosses(text: str) -> None:
    """Runs of any script, mixed without a space, have tiktoken's ids and counts."""
    expected = tiktoken_encoding().encode_ordinary(text)
    assert engine("native").encode(text) == expected
    assert engine("native").count(text) == len(expected)


@needs_library
@steady
@given(st.text("aA'SsſtTrReElLvVmMdD \u0301\u0345ǅ5\n\r\t’", max_size=40))
def test_pieces_end_where_the_regular_expression_ends_them(text: str) -> None:
    """Contractions, capitals, marks, titles, digits and white space in any order agree."""
    assert engine("native").encode(text) == tiktoken_encoding().encode_ordinary(text)


@needs_library
@pytest.mark.parametrize("unit", ["ab", "你好世", "a\u0301", "=-", "\u0e01\u0e33", "\U00020000"])
@pytest.mark.parametrize("size", [12, 13, 28, 29, 95, 96, 97, 98, 300, 25_000])
def test_sizes_around_the_limits_of_each_way_to_merge(unit: str, size: int) -> None:
    """Short, remembered, few and many bytes: the counts agree before and after each limit."""
    text = (unit * size)[:size]
    for part in (text, text[: size // 2], text[: size // 3 + 1]):
        expected = tiktoken_encoding().encode_ordinary(part)
        assert engine("native").encode(part) == expected
        assert engine("native").count(part) == len(expected)
        # the second time from what was remembered
        assert engine("native").count_batch([part, part]) == [len(expected)] * 2


@needs_library
def test_chunks_on_threads_count_as_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many small chunks, empty texts among them, have the counts of single calls, in order."""
    rng = random.Random(3)
    texts = [
        rng.choice(["", "one two ", "你好世界", "a" * 40, "\ud800x"]) * (k % 9)
        for k in range(4_000)
    ]
    expected = [engine("native").count(text) for text in texts]
    assert engine("native").count_batch(texts) == expected
    monkeypatch.setattr(native, "_ALONE_CHARS", 0)
    monkeypatch.setattr(native, "_CHUNK_CHARS", 200)
    assert engine("native").count_batch(texts) == expected


@needs_library
def test_another_engine_changes_nothing_for_the_first() -> None:
    """The vocabulary is loaded once, however many engines are made of it."""
    first = engine("native")
    assert [native.NativeEngine().count("Hello, world!") for _ in range(3)] == [4, 4, 4]
    assert first.count("Hello, 你好 12345") == 7


@needs_library
def test_the_compiled_engine_is_the_default() -> None:
    """Where the library is, it counts."""
    assert DEFAULT == "native"
    assert engine() is engine("native")


def test_without_the_library_its_name_is_refused_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who asks for the engine by name is told how to get it."""
    monkeypatch.setattr(native, "library", lambda: None)
    assert not native.is_built()
    with pytest.raises(
        RequestError, match=r"'native' was not compiled.*C compiler.*install kimi-planner again"
    ):
        native.NativeEngine()


def test_without_the_library_splintr_counts() -> None:
    """A library that cannot be loaded is as good as none: the default is splintr, counts the same."""
    code = (
        "from kimi_planner.tokens import native; native.library = lambda: None; "
        "import kimi_planner as kp; from kimi_planner.tokens.engine import DEFAULT; "
        "print(DEFAULT, kp.count_tokens('Hello, world!'), kp.count_tokens_batch(['a b', '']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "splintr 4 [2 0]"


def test_the_engine_is_off_where_the_environment_says_so() -> None:
    """KIMI_PLANNER_NO_NATIVE counts at run time too: splintr counts the same, and the version says why."""
    environment = {**os.environ, "KIMI_PLANNER_NO_NATIVE": "1"}

    def run(*arguments: str) -> str:
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, check=True, env=environment
        ).stdout

    code = (
        "import kimi_planner as kp; from kimi_planner.errors import RequestError; "
        "print(kp.count_tokens('Hello, world!'))\n"
        "try: kp.count_tokens('a', engine_name='native')\n"
        "except RequestError as error: print(error)"
    )
    off = "The engine 'native' is off, as KIMI_PLANNER_NO_NATIVE is set. Unset it."
    assert run("-c", code).splitlines() == ["4", off]
    said = run("-m", "kimi_planner", "--version")
    assert said.endswith("counting by splintr, as KIMI_PLANNER_NO_NATIVE is set\n")


def test_a_broken_library_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is no library is no reason to fail."""
    (tmp_path / "counter.compiled").write_bytes(b"not a library")
    monkeypatch.setattr(native, "__file__", str(tmp_path / "__init__.py"))
    assert native.library.__wrapped__() is None


@needs_library
def test_a_part_of_the_library_is_passed_over(tmp_path: Path) -> None:
    """A file that was cut off while it was copied is not loaded, which on Linux ends the process."""
    code = (
        "import sys; from pathlib import Path; from kimi_planner.tokens import native\n"
        "whole, part = Path(native.__file__).with_name('counter.compiled').read_bytes(), Path(sys.argv[1])\n"
        "native.__file__ = str(part.with_name('__init__.py'))\n"
        "for size in [*range(0, len(whole), 997), len(whole) - 1, len(whole)]:\n"
        "    part.unlink(missing_ok=True)\n"  # one that is loaded stays in use
        "    part.write_bytes(whole[:size])\n"
        "    print(native.library.__wrapped__() is None)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "counter.compiled")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    *parts, whole = done.stdout.split()
    assert len(parts) > 40
    assert set(parts) == {"True"}
    assert whole == "False"


@needs_library
def test_a_library_with_a_hole_is_passed_over(tmp_path: Path) -> None:
    """A page of zeros, as a disk leaves after a power failure, is not loaded: it would end the process."""
    content = Path(native.__file__).with_name("counter.compiled").read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    (tmp_path / "counter.compiled.sha256").write_text(f"{digest}\n", encoding="ascii")
    code = (
        "import sys; from pathlib import Path; from kimi_planner.tokens import native\n"
        "part = Path(sys.argv[1], 'counter.compiled')\n"
        "whole = Path(native.__file__).with_name('counter.compiled').read_bytes()\n"
        "native.__file__ = str(part.with_name('__init__.py'))\n"
        "for at in [*range(0, len(whole), 4096), len(whole)]:\n"
        "    part.unlink(missing_ok=True)\n"
        "    part.write_bytes(whole[:at] + bytes(len(whole[at : at + 4096])) + whole[at + 4096 :])\n"
        "    print(native.library.__wrapped__() is None)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    *holes, whole = done.stdout.split()
    assert len(holes) > 10
    assert set(holes) == {"True"}
    assert whole == "False"
