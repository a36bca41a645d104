"""Numbered lines of a log, plain or packed, a block of them in memory at a time."""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from kimi_planner.errors import UsageError, Where, shown
from kimi_planner.files import no_such_file, not_utf8
from kimi_planner.limits import LINE_BYTES
from kimi_planner.packed import STANDARD_INPUT, DamagedFileError, Progress, open_unpacked
from kimi_planner.usage.paths import refuse_start

#: Bad rows that are kept as messages.
MAX_REJECTED_SHOWN = 20

_BLOCK_BYTES = 1 << 22
#: Marks at the beginning of a file, and what they mean; those of 32 bits begin like those of 16.
_MARKS = {
    codecs.BOM_UTF8: None,
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


@dataclass
class Rejects:
    """Where bad rows go: raised at once, or left out and counted, the first of them kept as messages."""

    skip: bool
    messages: list[str] = field(default_factory=list)
    count: int = 0

    @classmethod
    def of(cls, on_error: str) -> Rejects:
        """Return where bad rows go by the name of what to do with them.

        Raises
        ------
        UsageError
            If it is not ``"raise"`` or ``"skip"``.
        """
        if not isinstance(on_error, str) or on_error not in ("raise", "skip"):
            raise UsageError(f"on_error is {shown(on_error)}. Use 'raise' or 'skip'.")
        return cls(skip=on_error == "skip")

    def add(self, where: Where, problem: str) -> None:
        """Record a bad row, or stop the run.

        Raises
        ------
        UsageError
            If bad rows are not to be skipped.
        """
        if not self.skip:
            raise UsageError(problem, at=where)
        self.count += 1
        if len(self.messages) < MAX_REJECTED_SHOWN:
            self.messages.append(f"{where}: {problem}")

    def add_each(self, rows: Sequence[int], add: Callable[[int], None]) -> None:
        """Record bad rows that stand one after the other: the first one by one, and the number of the others."""
        for row in rows[:MAX_REJECTED_SHOWN]:
            add(row)
        self.count += max(len(rows) - MAX_REJECTED_SHOWN, 0)

    def join(self, other: Rejects) -> None:
        """Add those of a later part."""
        self.count += other.count
        self.messages = (self.messages + other.messages)[:MAX_REJECTED_SHOWN]


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive lines of a file, without their line ends.

    Attributes
    ----------
    first
        Number of the first line, from 1.
    text
        Their text, a line feed between two.
    is_open
        Whether this is the last line of a file that does not end in a line end: it may be cut off,
        or still being written.
    raw
        The same as UTF-8, where it was read so.
    """

    first: int
    text: str
    is_open: bool = False
    raw: bytes | None = None

    @property
    def length(self) -> int:
        """Return the number of lines; counting line feeds in text takes several times as long."""
        signs = np.frombuffer(self.encoded, dtype=np.uint8)
        return int(np.count_nonzero(signs == ord("\n"))) + 1

    @property
    def encoded(self) -> bytes:
        """Return the text as UTF-8."""
        return self.text.encode() if self.raw is None else self.raw

    @property
    def lines(self) -> list[str]:
        """Return the lines one by one; an empty one stands for a blank line."""
        return self.text.split("\n")


def line_blocks(path: Path, progress: Progress | None = None) -> Iterator[Block]:
    """Yield the lines of a UTF-8 file, a few megabytes at a time.

    Parameters
    ----------
    path : Path
        A file, plain, gzip or zstd; ``-`` is standard input.
    progress : callable, optional
        Told how far the file is read.

    Raises
    ------
    UsageError
        If the file is missing, damaged, not UTF-8, or has a line of absurd length.
    MissingExtraError
        If it is packed with zstd and no reader of it is installed.
    """
    number = 1
    try:
        size = 0 if path == STANDARD_INPUT else path.stat().st_size
        with open_unpacked(path) as handle:
            done, parts = 0, [b""]
            in_utf8: Callable[[bytes], bytes] = bytes
            while raw := handle.read(_BLOCK_BYTES):
                if done == 0 and number == 1 and parts == [b""]:
                    raw, in_utf8 = _unmarked(raw, path)
                raw = in_utf8(raw)
                end = raw.rfind(b"\n")
                rest = raw[end + 1 :]
                if end >= 0:
                    whole = b"".join([*parts, memoryview(raw)[:end]])
                    del raw  # texts may be long: none is held twice
                    block = Block(number, _decoded(path, number, whole), raw=whole)
                    number += block.length
                    yield block
                    del block, whole
                    parts = []
                parts.append(rest)
                if sum(map(len, parts)) > LINE_BYTES:
                    raise UsageError(
                        f"longer than {LINE_BYTES:,} bytes. Is this one record per line?",
                        at=Where(path, number),
                    )
                if progress is not None:
                    at = _place(handle.fileno())
                    progress(at - done, size)
                    done = at
            if rest := b"".join(parts):
                yield Block(number, _decoded(path, number, rest, is_open=True), is_open=True)
    except DamagedFileError as error:
        raise UsageError(str(error), at=Where(path, number - 1, "after line")) from None
    except FileNotFoundError:
        raise no_such_file(path, UsageError) from None
    except (OSError, ValueError) as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"cannot be read ({error}).", at=path) from None


def first_line(blocks: Iterator[Block]) -> tuple[str, Iterator[Block]]:
    """Return the first line that is not blank, and the blocks from its own on; empty without one."""
    for block in blocks:
        for line in block.lines:
            if line.strip():
                return line, _again([block], blocks)
    return "", blocks


def _again(held: list[Block], blocks: Iterator[Block]) -> Iterator[Block]:
    yield held.pop()  # unlike `chain`, which keeps it
    yield from blocks


def _unmarked(raw: bytes, path: Path) -> tuple[bytes, Callable[[bytes], bytes]]:
    """Return the bytes after the mark of a file, and what makes UTF-8 of them in which LF ends lines."""
    refuse_start(raw[:300], path)
    is_cr = b"\n" not in raw and b"\r" in raw[:-1]  # as spreadsheets still offer for a Macintosh
    for mark, encoding in _MARKS.items():
        if raw.startswith(mark):
            decoder = None if encoding is None else codecs.getincrementaldecoder(encoding)("strict")
            return raw[len(mark) :], partial(_in_utf8, decoder, is_cr)
    if raw[:200].count(0) > 20:
        raise UsageError(
            "not UTF-8: it has many zero bytes, as UTF-16 without a mark does. Save the file as UTF-8.",
            at=Where(path, 1),
        )
    return raw, partial(_in_utf8, None, is_cr)


def _in_utf8(decoder: codecs.IncrementalDecoder | None, is_cr: bool, raw: bytes) -> bytes:
    raw = raw if decoder is None else decoder.decode(raw).encode()
    return raw.replace(b"\r", b"\n") if is_cr else raw


def _decoded(path: Path, number: int, raw: bytes, *, is_open: bool = False) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        if is_open and error.reason == "unexpected end of data":
            return raw[: error.start].decode("utf-8")
        raise not_utf8(error, path, number, UsageError) from None


def _place(descriptor: int) -> int:
    """Return how many bytes of the file on disk are read; 0 where that is no question."""
    with suppress(OSError):
        return os.lseek(descriptor, 0, os.SEEK_CUR)
    return 0
