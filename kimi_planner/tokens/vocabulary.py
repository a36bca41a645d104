"""Moonshot's published Kimi vocabulary, read from `splintr-rs` and proven by its sha256.

Kimi K2, K2.5 and later models share one byte-level BPE vocabulary of 163,584 ranks. Moonshot AI
publishes the ranks as ``tiktoken.model``: a line ``base64(token bytes) rank`` for each.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from kimi_planner.errors import VocabularyError

if TYPE_CHECKING:
    import splintr


RANKS = 163_584

#: sha256 of Moonshot's ``tiktoken.model`` (2,795,286 bytes), which :func:`ranks` rebuilds.
SHA256 = "b6c497a7469b33ced9c38afb1ad6e47f03f5e5dc05f15930799210ec050c5103"

#: sha256 of all tokens in rank order, each followed by the byte 0xC0. That byte is in no token but
#: its own, so the stream fixes every token and its rank. It says what ``SHA256`` says (a test
#: derives it from the published file) at a tenth of the time, because it is one decoding call.
STREAM_SHA256 = "64b9129e18548a4bde059cd7bc4e7a58841c43bc090e00f0467af4ed9a8185a3"

#: sha256 of the pattern in Moonshot's tokenizer code, which cuts a text before the ranks apply.
PATTERN_SHA256 = "de5781783b193d5ccf5b1b28edfa70fa816ce78d54603fdc422cfd8d4ea4411f"

PATTERN_NAME = "kimi_k2"

#: Moonshot's special tokens. Text from a user that spells one of them is ordinary text.
SPECIAL_TOKENS = {
    "[BOS]": 163584,
    "[EOS]": 163585,
    "<|im_end|>": 163586,
    "<|im_user|>": 163587,
    "<|im_assistant|>": 163588,
    "<|start_header_id|>": 163590,
    "<|end_header_id|>": 163591,
    "[EOT]": 163593,
    "<|im_system|>": 163594,
    "<|tool_calls_section_begin|>": 163595,
    "<|tool_calls_section_end|>": 163596,
    "<|tool_call_begin|>": 163597,
    "<|tool_call_argument_begin|>": 163598,
    "<|tool_call_end|>": 163599,
    "<|im_middle|>": 163601,
    "<|media_begin|>": 163602,
    "<|media_content|>": 163603,
    "<|media_end|>": 163604,
    "<|media_pad|>": 163605,
    "<think>": 163606,
    "</think>": 163607,
    "[UNK]": 163838,
    "[PAD]": 163839,
}


def pattern() -> str:
    """Return the regular expression that cuts text into pieces before the ranks are applied.

    Raises
    ------
    VocabularyError
        If the installed package has another one.
    """
    import splintr

    text = str(splintr.KIMI_PATTERN)
    _prove(text.encode(), PATTERN_SHA256)
    return text


def proven_tokenizer() -> splintr.AnyTokenizer:
    """Return splintr's tokenizer after checking that it holds Moonshot's ranks.

    Only its ``encode_ordinary`` treats special spellings in user text as text.

    Raises
    ------
    VocabularyError
        If the installed package holds another vocabulary.
    """
    return _proven()[0]


def proven_stream() -> bytes:
    """Return all tokens in rank order, each followed by the byte 0xC0, proven by their sha256.

    Raises
    ------
    VocabularyError
        If the installed package holds another vocabulary.
    """
    return _proven()[1]


@lru_cache(maxsize=1)
def _proven() -> tuple[splintr.AnyTokenizer, bytes]:
    import splintr

    try:
        tokenizer = splintr.Tokenizer.from_pretrained(PATTERN_NAME)
        stream = _stream(tokenizer)
    except ValueError:  # there is none of that name, or it has fewer ranks
        stream = b""
    _prove(stream, STREAM_SHA256)
    pattern()  # is proven as well
    return tokenizer, stream


@lru_cache(maxsize=1)
def ranks() -> dict[bytes, int]:
    """Return the ranks, proven by the sha256 of the published file.

    Returns
    -------
    dict of bytes to int
        Token bytes to rank, 163,584 entries; the form that tiktoken takes.

    Raises
    ------
    VocabularyError
        If the file does not have Moonshot's sha256.
    """
    return {token: rank for rank, token in enumerate(_proven_tokens()[0])}


def model_file() -> bytes:
    """Return the bytes of Moonshot's ``tiktoken.model``, proven by their sha256.

    Raises
    ------
    VocabularyError
        If they do not have Moonshot's sha256.
    """
    return _proven_tokens()[1]


def _proven_tokens() -> tuple[list[bytes], bytes]:
    tokenizer = proven_tokenizer()
    tokens = [tokenizer.decode_bytes([rank]) for rank in range(RANKS)]
    file = published_file(tokens)
    _prove(file, SHA256)
    return tokens, file


def published_file(tokens: list[bytes]) -> bytes:
    """Return the bytes of ``tiktoken.model`` for tokens given in rank order."""
    from binascii import b2a_base64

    return b"".join(
        b"%s %d\n" % (b2a_base64(token, newline=False), rank) for rank, token in enumerate(tokens)
    )


def _stream(tokenizer: Any) -> bytes:
    separator = 124  # rank of the byte 0xC0
    ids = [separator] * (2 * RANKS)
    ids[::2] = range(RANKS)
    stream: bytes = tokenizer.decode_bytes(ids)
    return stream


def _prove(found: bytes, digest: str) -> None:
    if sha256(found).hexdigest() == digest:
        return
    import splintr

    version = getattr(splintr, "__version__", "unknown")
    raise VocabularyError(
        f"splintr-rs {version} does not hold Moonshot's vocabulary (sha256 {SHA256[:12]}…), so counts "
        "would be wrong. Install a tested version: pip install 'splintr-rs==0.22.0'."
    )
