"""Counting a random part of a corpus: an expected total, and an interval that holds."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import BinaryIO

from kimi_planner.billing.corpus.inputs import Source
from kimi_planner.billing.corpus.records import (
    Reading,
    Record,
    Reject,
    read_records,
    record_of_line,
)
from kimi_planner.billing.corpus.result import CorpusCount, FileCount
from kimi_planner.billing.corpus.tally import Tally, costs
from kimi_planner.errors import (
    FileError,
    KimiPlannerError,
    MissingExtraError,
    planning,
    shown,
    whole,
)
from kimi_planner.limits import LINE_BYTES
from kimi_planner.packed import Progress
from kimi_planner.tokens.engine import DEFAULT

PER_STRETCH = 3
WANTED_BLOCKS = 600
MIN_BLOCKS = 60
BLOCK_BYTES = (1_024, 1_048_576)
LINE_END_WITHIN = 65_536
CONFIDENCE = 0.95

_LINE_START = re.compile(rb"\n(?=[ \t]*\S)")
_INSIDE_CHARACTER = re.compile(rb"[\x80-\xbf]*")


@dataclass
class Block:
    """Consecutive rows that are counted together or not at all.

    Attributes
    ----------
    stretch
        Which stretch of the corpus it belongs to.
    size, tokens
        Bytes of its rows, and their tokens.
    """

    stretch: int
    size: int
    tokens: int


class Frame:
    """The corpus as stretches of blocks; says block by block which are counted, three of each stretch.

    Attributes
    ----------
    length
        Blocks in a stretch; the last one may have fewer.
    blocks
        How many were asked about so far.
    total_bytes
        Bytes of the corpus so far, counted or not.
    """

    def __init__(self, share: float, seed: int) -> None:
        self.length = max(PER_STRETCH + 1, round(PER_STRETCH / share))
        self.blocks = 0
        self.total_bytes = 0
        self._rng = Random(seed)  # noqa: S311 - a sample, not a secret
        self._chosen: set[int] = set()

    @property
    def stretch(self) -> int:
        """The stretch of the block last asked about."""
        return (self.blocks - 1) // self.length

    def takes_next(self) -> bool:
        """Whether the next block is counted."""
        place = self.blocks % self.length
        if place == 0:
            self._chosen = set(self._rng.sample(range(self.length), PER_STRETCH))
        self.blocks += 1
        return place in self._chosen

    def lengths(self) -> list[int]:
        """Return how many blocks each stretch has."""
        whole, rest = divmod(self.blocks, self.length)
        return [self.length] * whole + ([rest] if rest else [])


def sample_corpus(
    sources: Sequence[Source],
    reading: Reading,
    share: float,
    seed: int,
    progress: Progress | None,
) -> CorpusCount | None:
    """Count a share of a corpus; ``None`` if it is so small that all of it should be counted.

    Raises
    ------
    FileError
        If ``share`` is not above 0 and below 1, or ``seed`` is no whole number from 0.
    """
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share < 1:
        raise FileError(f"sample is {shown(share)}. It must be a share above 0 and below 1.")
    whole("seed", seed, fault=FileError)
    on_disk = sum(source.size for source in sources)
    block_bytes = block_bytes_for(on_disk, share)
    if on_disk / block_bytes * share < MIN_BLOCKS:
        return None
    frame = Frame(share, seed)
    tally = Tally(DEFAULT)
    parts: list[tuple[int, int, FileCount]] = []
    files = []
    for source in sources:
        file = FileCount(path=source.name, form=source.form, rows=None, tokens=None)
        files.append(file)
        own, bytes_before = [], frame.total_bytes
        seekable = not source.is_stream and source.form in ("text", "jsonl")
        walk = walk_places if seekable else _walk_through
        try:
            for size, records in walk(source, reading, block_bytes, frame):
                part = FileCount(path=file.path, form=file.form)
                for record in records:
                    tally.add(part, record)
                own.append((frame.stretch, size, part))
        except MissingExtraError:
            raise
        except KimiPlannerError as error:
            tally.flush()
            for *_, part in own:
                tally.drop(part)
            tally.reject(str(error))
            own, frame.total_bytes = [], bytes_before
        file.size_bytes = sum(part.size_bytes for *_, part in own)
        file.rejected = sum(part.rejected for *_, part in own)
        parts += own
        if progress is not None:
            progress(source.size, on_disk)
    by_model = tally.by_model()
    drawn = [Block(stretch, size, part.tokens or 0) for stretch, size, part in parts]
    total, margin = ratio_interval(drawn, frame.lengths(), frame.total_bytes)
    counted = sum(block.tokens for block in drawn)
    scale = total / counted if counted else 0.0
    scaled = Counter({model: round(tokens * scale) for model, tokens in by_model.items()})
    return CorpusCount(
        tokens=round(total),
        low=max(counted, math.floor(total - margin)),
        high=math.ceil(total + margin),
        share_read=sum(block.size for block in drawn) / max(1, frame.total_bytes),
        rows=sum(part.rows or 0 for *_, part in parts),
        size_bytes=frame.total_bytes,
        files=tuple(files),
        rejected=tally.rejected,
        messages=tuple(tally.messages),
        cost_usd=costs(scaled, reading.catalog, reading.model),
        catalog_version=reading.catalog.version,
        seed=seed,
    )


def block_bytes_for(size: int, share: float) -> int:
    """Return the bytes of a block, so that a share of so many bytes has enough of them."""
    low, high = BLOCK_BYTES
    return min(high, max(low, int(size * share / WANTED_BLOCKS)))


def ratio_interval(
    drawn: Sequence[Block], lengths: Sequence[int], total_bytes: int
) -> tuple[float, float]:
    """Return the expected total of tokens, and the half width of its 95% interval.

    Parameters
    ----------
    drawn : sequence of Block
        The blocks that were counted.
    lengths : sequence of int
        Blocks in each stretch, counted or not.
    total_bytes : int
        Bytes of the whole corpus.

    Notes
    -----
    Combined ratio estimator of a stratified sample, its variance linearised, with
    Satterthwaite's degrees of freedom (Cochran, Sampling Techniques, 1977, sections 6.11 and 5.4).
    """
    with planning():
        import numpy as np
        from scipy.special import stdtrit

    size, tokens = (np.array([getattr(one, name) for one in drawn]) for name in ("size", "tokens"))
    if not size.any():
        return 0.0, 0.0
    stretches, place, n = np.unique(
        [block.stretch for block in drawn], return_inverse=True, return_counts=True
    )
    length = np.array(lengths)[stretches]
    weight = (length / n)[place]
    bytes_seen = weight @ size
    rate = float(weight @ tokens / bytes_seen)
    errors = tokens - rate * size
    errors -= (np.bincount(place, errors) / n)[place]
    degrees = np.maximum(1, n - 1)
    variances = length * (length - n) * np.bincount(place, errors**2) / degrees / n
    variance = variances.sum()
    if not variance:
        return rate * total_bytes, 0.0
    freedom = variance**2 / (variances**2 / degrees).sum()
    margin = stdtrit(freedom, (1 + CONFIDENCE) / 2) * math.sqrt(variance) / bytes_seen
    return rate * total_bytes, float(margin) * total_bytes


def walk_places(
    source: Source, reading: Reading, block_bytes: int, frame: Frame
) -> Iterator[tuple[int, list[Record | Reject]]]:
    """Go from place to place in a file; yield the size and records of the chosen blocks."""
    edge = _line_edge if source.form == "jsonl" else _text_edge
    frame.total_bytes += source.size
    try:
        with source.path.open("rb") as handle:
            for start in range(0, source.size, block_bytes):
                if frame.takes_next():
                    first, last = (
                        edge(handle, place) if 0 < place < source.size else place
                        for place in (start, min(start + block_bytes, source.size))
                    )
                    handle.seek(first)
                    raw = handle.read(last - first)
                    yield last - first, _records_in(source, reading, raw, first)
    except OSError as error:
        raise FileError(f"cannot be read ({error}).", at=source.name) from None


def _records_in(source: Source, reading: Reading, raw: bytes, first: int) -> list[Record | Reject]:
    place = f"{source.name} from byte {first:,}"
    if source.form == "jsonl":
        return [record_of_line(place, line, reading) for line in raw.split(b"\n") if line.strip()]
    if not raw:
        return []
    try:
        text = raw.decode("utf-8-sig" if first == 0 else "utf-8")
    except UnicodeDecodeError as error:
        return [Reject(f"{place}: not UTF-8 ({error.reason}). Save the file as UTF-8.", len(raw))]
    return [Record([text], len(raw))]


def _line_edge(handle: BinaryIO, place: int) -> int:
    """Return where the first line that begins at ``place`` or later begins."""
    handle.seek(place - 1)
    handle.readline(LINE_BYTES)
    return handle.tell()


def _text_edge(handle: BinaryIO, place: int) -> int:
    """Return where a text may be cut at ``place`` or later without changing its tokens.

    That is before a line that is not blank; or, where none begins near, before any character.
    """
    handle.seek(place)
    near = handle.read(LINE_END_WITHIN)
    line = _LINE_START.search(near)
    if line:
        return place + line.end()
    within = _INSIDE_CHARACTER.match(near)
    return place + (within.end() if within else 0)


def _walk_through(
    source: Source, reading: Reading, block_bytes: int, frame: Frame
) -> Iterator[tuple[int, list[Record | Reject]]]:
    """Read a file that has no places to go to; yield the size and records of the chosen blocks."""
    filled = block_bytes
    takes = False
    block: list[Record | Reject] = []
    for record in read_records(source, reading):
        if filled >= block_bytes:
            if takes:
                yield filled, block  # before the next block is asked about
            takes, block, filled = frame.takes_next(), [], 0
        frame.total_bytes += record.size
        filled += record.size
        if takes:
            block.append(record)
    if takes:
        yield filled, block
