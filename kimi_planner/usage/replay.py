"""How much of a log's prompts a prefix cache would have served."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kimi_planner.arguments import public
from kimi_planner.errors import UsageError, is_number, shown, whole
from kimi_planner.rich import Page, Shown
from kimi_planner.usage.prefix_log import PrefixLog

if TYPE_CHECKING:
    import pandas as pd


#: Prefixes are kept in whole chunks of this many tokens, as observed on Kimi endpoints.
CHUNK_TOKENS = 256
LIFETIMES = (5.0, 10.0, 30.0, math.inf)

Counts = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, repr=False)
class CachedFromLog(Shown):
    """Prompt tokens of a log that a cache serves, by the lifetime of what it keeps.

    Attributes
    ----------
    cached_tokens : mapping of float to ndarray of int64, shape (n,)
        From lifetime in minutes, infinite for an unlimited one, to cached tokens of each request.
    prompt_tokens : ndarray of int64, shape (n,)
        All input tokens of each request.
    chunk_tokens
        What cached tokens are a multiple of.
    """

    cached_tokens: Mapping[float, Counts]
    prompt_tokens: Counts
    chunk_tokens: int

    def share(self, lifetime_minutes: float) -> float:
        """Return the cached share of all prompt tokens.

        Raises
        ------
        UsageError
            If the log was not replayed with this lifetime.
        """
        if lifetime_minutes not in self.cached_tokens:
            known = ", ".join(f"{minutes:g}" for minutes in self.cached_tokens)
            raise UsageError(
                f"The log was not replayed with a lifetime of {shown(lifetime_minutes)} minutes, only "
                f"with {known}."
            )
        total = int(self.prompt_tokens.sum())
        return int(self.cached_tokens[lifetime_minutes].sum()) / total if total else 0.0

    @property
    def frame(self) -> pd.DataFrame:
        """One row per lifetime.

        Columns: ``lifetime_minutes``, ``prompt_tokens``, ``cached_tokens``, ``cached_share`` of the
        tokens, and ``hit_share`` of calls that find anything.
        """
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "lifetime_minutes": minutes,
                    "prompt_tokens": int(self.prompt_tokens.sum()),
                    "cached_tokens": int(tokens.sum()),
                    "cached_share": self.share(minutes),
                    "hit_share": float((tokens > 0).mean()) if len(tokens) else 0.0,
                }
                for minutes, tokens in self.cached_tokens.items()
            ]
        )

    def page(self) -> Page:
        """Return what is cached at each lifetime."""
        return Page(
            title=f"Prompt tokens of {len(self.prompt_tokens):,} calls that a prefix cache serves, by the "
            f"minutes that it keeps a prefix; chunks of {self.chunk_tokens:,} tokens",
            frame=self.frame,
        )


@public
def cached_share_from_log(
    log: PrefixLog,
    lifetime_minutes: float | Iterable[float] = LIFETIMES,
    *,
    chunk_tokens: int = CHUNK_TOKENS,
) -> CachedFromLog:
    r"""Replay a log against a prefix cache without limit of size.

    Parameters
    ----------
    log : PrefixLog
        Requests with the blocks of their prompts, in the order of their times.
    lifetime_minutes : float or iterable of float
        How long a block stays after its last use; ``inf`` for ever.
    chunk_tokens : int
        A request's cached tokens are rounded down to whole chunks of this size.

    Returns
    -------
    CachedFromLog
        For each request and lifetime the longest prefix of blocks that an earlier request used.

    Raises
    ------
    UsageError
        If a lifetime is negative or no number, the chunk is no whole number from 1, or the log is
        not in order.

    Notes
    -----
    A request uses a block together with all before it, so a prefix is never older than what extends
    it, and one pass over the age of each block, its time since the use before, serves every
    lifetime. Requests of the same time count in the order of the log. The work is one sort of the
    blocks, and linear beyond it.

    Examples
    --------
    >>> from kimi_planner.usage import read_prefix_log
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "trace.jsonl"
    >>> _ = path.write_text(
    ...     '{"timestamp": 0, "input_length": 1024, "hash_ids": [1, 2]}\n'
    ...     '{"timestamp": 9000, "input_length": 1024, "hash_ids": [1, 3]}\n'
    ... )
    >>> cached_share_from_log(read_prefix_log(path), 5).share(5)
    0.25
    """
    lifetimes = _checked_lifetimes(lifetime_minutes)
    whole("chunk_tokens", chunk_tokens, 1, fault=UsageError)
    late = np.flatnonzero(np.diff(log.seconds) < 0)
    if len(late):
        raise UsageError(
            f"Request {late[0] + 2} of the log is earlier than the one before it. Sort the log by time."
        )
    ages = _ages(log)
    held = np.diff(log.offsets)
    cached: dict[float, Counts] = {}
    for minutes in lifetimes:
        misses = np.append(np.flatnonzero(~(ages <= minutes * 60)), len(ages))
        first_miss = misses[np.searchsorted(misses, log.offsets[:-1])]
        found = np.minimum(first_miss - log.offsets[:-1], held)
        tokens = np.minimum(found * log.block_tokens, log.prompt_tokens)
        cached[minutes] = tokens // chunk_tokens * chunk_tokens
    return CachedFromLog(
        cached_tokens=cached, prompt_tokens=log.prompt_tokens, chunk_tokens=chunk_tokens
    )


def _ages(log: PrefixLog) -> NDArray[np.float64]:
    """Return for each block the seconds since an earlier request used it, NaN if none did."""
    if not len(log.blocks):
        return np.empty(0)
    request = np.repeat(np.arange(len(log.prompt_tokens)), np.diff(log.offsets))
    order = np.argsort(log.blocks, kind="stable")
    block, user = log.blocks[order], request[order]
    other_block = np.append(True, block[1:] != block[:-1])
    other_user = np.append(True, user[1:] != user[:-1])
    since = np.append(np.nan, log.seconds[user[1:]] - log.seconds[user[:-1]])
    since[other_block] = np.nan
    # a block that a request names twice is as old the second time as the first
    first = np.maximum.accumulate(np.where(other_block | other_user, np.arange(len(order)), 0))
    ages = np.empty(len(order))
    ages[order] = since[first]
    return ages


def _checked_lifetimes(lifetime_minutes: float | Iterable[float]) -> tuple[float, ...]:
    lifetimes = (
        tuple(lifetime_minutes) if isinstance(lifetime_minutes, Iterable) else (lifetime_minutes,)
    )
    for minutes in lifetimes:
        if not is_number(minutes) or not minutes >= 0:
            raise UsageError(
                f"lifetime_minutes is {shown(minutes)}. It must be a number of minutes from 0, or inf."
            )
    return tuple(dict.fromkeys(map(float, lifetimes)))
