"""The vocabulary is Moonshot's published one, and nothing else passes for it."""

from __future__ import annotations

import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable
from hashlib import sha256

import pytest
import splintr

from kimi_planner.errors import VocabularyError
from kimi_planner.tokens import engine, vocabulary

# Moonshot's ``tiktoken.model`` as published.
PUBLISHED_SHA256 = "b6c497a7469b33ced9c38afb1ad6e47f03f5e5dc05f15930799210ec050c5103"
PUBLISHED_BYTES = 2_795_286

Tokens = list[bytes]


def file_of(tokens: Tokens) -> bytes:
    """Write tokens as Moonshot does: a line ``base64(token bytes) rank`` for each."""
    return b"".join(b64encode(token) + b" %d\n" % rank for rank, token in enumerate(tokens))


@pytest.fixture(scope="module")
def published() -> bytes:
    """Return the published file, rebuilt from the ranks that the engines use."""
    ranks = vocabulary.ranks()
    return file_of(sorted(ranks, key=ranks.__getitem__))


def swapped(tokens: Tokens) -> Tokens:
    """Exchange the ranks of two tokens."""
    return [*tokens[:1000], tokens[1001], tokens[1000], *tokens[1002:]]


def misspelt(tokens: Tokens) -> Tokens:
    """Change the last byte of the last token."""
    return [*tokens[:-1], tokens[-1][:-1] + b"\x00"]


def shorter(tokens: Tokens) -> Tokens:
    """Leave the last token out."""
    return tokens[:-1]


def test_ranks_are_those_of_the_published_file(published: bytes) -> None:
    """The ranks, written as Moonshot writes them, give the published file to the byte."""
    assert len(published) == PUBLISHED_BYTES
    assert sha256(published).hexdigest() == PUBLISHED_SHA256 == vocabulary.SHA256
    assert list(vocabulary.ranks().values()) == list(range(163_584))
    assert vocabulary.RANKS == 163_584


def test_published_file_is_written_as_moonshot_writes_it() -> None:
    """A token's line is its bytes in base64, a space, its rank and a newline."""
    assert vocabulary.published_file([b"!", b"\xff\x00", b"a" * 60]) == file_of(
        [b"!", b"\xff\x00", b"a" * 60]
    )


def test_stream_digest_follows_from_the_published_file(published: bytes) -> None:
    """The quick digest is that of the published tokens, each followed by a byte of no other token."""
    lines = [line.split() for line in published.splitlines()]
    tokens = [b64decode(token) for token, _ in lines]
    assert [int(rank) for _, rank in lines] == list(range(len(tokens)))
    assert [token for token in tokens if b"\xc0" in token] == [b"\xc0"]
    stream = b"".join(token + b"\xc0" for token in tokens)
    assert sha256(stream).hexdigest() == vocabulary.STREAM_SHA256


@pytest.mark.parametrize("tamper", [swapped, misspelt, shorter])
def test_a_tampered_tokenizer_is_refused(
    monkeypatch: pytest.MonkeyPatch, published: bytes, tamper: Callable[[Tokens], Tokens]
) -> None:
    """One token moved, changed or missing is enough to refuse the package."""
    tokens = tamper([b64decode(line.split()[0]) for line in published.splitlines()])
    tokenizer = splintr.Tokenizer.from_bytes(file_of(tokens), splintr.KIMI_PATTERN, {})

    class Package:
        @staticmethod
        def from_pretrained(_: str) -> splintr.Tokenizer:
            return tokenizer

    monkeypatch.setattr(splintr, "Tokenizer", Package)
    with pytest.raises(VocabularyError, match=r"sha256 b6c497a7469b….*pip install"):
        vocabulary._proven.__wrapped__()


@pytest.mark.parametrize("name", ["cl100k_base", "o200k_base", "no_such_vocabulary"])
def test_another_vocabulary_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A smaller, a larger or no vocabulary under the name gives the same plain error."""
    monkeypatch.setattr(vocabulary, "PATTERN_NAME", name)
    with pytest.raises(VocabularyError, match="does not hold Moonshot's vocabulary"):
        vocabulary._proven.__wrapped__()


def test_ranks_are_proven_by_the_published_sha256_too(
    monkeypatch: pytest.MonkeyPatch, published: bytes
) -> None:
    """The ranks handed to tiktoken are checked against the published file itself."""
    tokens = swapped([b64decode(line.split()[0]) for line in published.splitlines()])
    tokenizer = splintr.Tokenizer.from_bytes(file_of(tokens), splintr.KIMI_PATTERN, {})
    monkeypatch.setattr(vocabulary, "proven_tokenizer", lambda: tokenizer)
    with pytest.raises(VocabularyError, match="does not hold Moonshot's vocabulary"):
        vocabulary.ranks.__wrapped__()


def test_special_tokens_are_moonshots() -> None:
    """Every special token that has a name has the id that splintr, too, knows it by."""
    named = {
        token: rank
        for token, rank in splintr.Tokenizer.from_pretrained("kimi_k2").special_tokens().items()
        if rank <= 163_839 and "reserved_token" not in token
    }
    assert named == vocabulary.SPECIAL_TOKENS
    assert len(named) == 23


@pytest.mark.parametrize(
    ("token", "rank"),
    [
        ("[BOS]", 163_584),
        ("<|im_end|>", 163_586),
        ("<|im_user|>", 163_587),
        ("<|im_assistant|>", 163_588),
        ("<|im_system|>", 163_594),
        ("<|im_middle|>", 163_601),
        ("<think>", 163_606),
        ("</think>", 163_607),
        ("[PAD]", 163_839),
    ],
)
def test_the_tiktoken_encoding_knows_special_tokens_when_asked(token: str, rank: int) -> None:
    """The encoding gives a special token its published id, and only to who asks for it."""
    encoding = engine.tiktoken_encoding()
    assert encoding.encode(token, allowed_special="all") == [rank]
    assert rank not in encoding.encode_ordinary(token)
    assert encoding.n_vocab == 163_840


def test_the_cutting_pattern_is_the_one_the_bills_were_checked_with() -> None:
    """The pattern keeps Han apart and digits in threes, and has not changed since."""
    pattern = vocabulary.pattern()
    assert pattern.startswith(r"[\p{Han}]+|")
    assert r"\p{N}{1,3}" in pattern
    assert sha256(pattern.encode()).hexdigest().startswith("de5781783b193d5c")


def test_loading_ahead_gives_the_same_engine() -> None:
    """What is loaded in the background is what counts later, in a fresh process."""
    code = (
        "from kimi_planner.tokens import engine; engine.load_ahead(); "
        "import kimi_planner as kp; print(kp.count_tokens('Hello, world!'), "
        "list(engine._built) == [engine.DEFAULT])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "4 True"
