"""The share of prompt tokens that a prefix cache serves, worked out from how calls arrive.

As observed on Kimi endpoints, the cache is automatic and by exact prefix, in chunks of 256 tokens
that live for 5 to 30 minutes after their last use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from kimi_planner.catalog import Profile
from kimi_planner.errors import WorkloadError, is_number
from kimi_planner.usage.replay import CHUNK_TOKENS
from kimi_planner.workload.check import check_keys, refused, whole_tokens
from kimi_planner.workload.drawn import Drawn
from kimi_planner.workload.parse import parse_quantity
from kimi_planner.workload.quantity import Array, Quantity, number_text
from kimi_planner.workload.resolve import Sizes
from kimi_planner.workload.turns import turn_means

LIFETIME_MINUTES = (5.0, 30.0)
MINUTES_PER_DAY = 1440
MAX_MINUTES = 10_000_000
_KEYS = ("prefix_tokens", "lifetime_minutes", "turn_gap_minutes")
_CONVERSATIONS = 8192
_GAPS = 20_000


@dataclass(frozen=True)
class Cache:
    """What is known of the calls that share a prefix.

    Attributes
    ----------
    prefix_tokens
        Tokens that every first prompt of the workload begins with: system prompt and tools.
    lifetime_minutes
        Least and most minutes that a chunk stays after its last use; uniform over paths.
    turn_gap_minutes
        Minutes between a call of a conversation and the next; ``None`` if not known.
    """

    prefix_tokens: int
    lifetime_minutes: tuple[float, float] = LIFETIME_MINUTES
    turn_gap_minutes: Quantity | None = None


@dataclass(frozen=True)
class CachedShare(Quantity):
    """The cached share of prompt tokens, uncertain because the lifetime of the cache is.

    Attributes
    ----------
    cache
        What it was worked out from.
    conversations_per_minute, turns
        Mean rate at which conversations start, around the clock, and mean calls of each.
    first, earlier, later
        Over all prompt tokens: whole chunks of the shared prefix in first calls, of the prompt
        before in later calls, and of the shared prefix in those.

    Notes
    -----
    Conversations start at random (a Poisson process of rate ``r``). One of ``T`` calls with gaps
    ``G`` keeps the shared prefix for ``K = L + (T - 1) E[min(G, L)]`` minutes, ``L`` being the
    lifetime, so another one finds it with probability ``1 - exp(-r K)``: for single calls
    ``1 - exp(-r L)``. A later call of a conversation finds all of the prompt before it where the gap
    between them is at most ``L``, else the shared prefix with that probability. The answer before it
    is not counted as cached, because a later prompt may not repeat it token for token as it was
    generated. The share rises with ``L``, so its quantiles are
    its values at the quantiles of ``L``.
    """

    cache: Cache
    conversations_per_minute: float
    turns: float
    first: float
    earlier: float
    later: float

    @classmethod
    def of(cls, sizes: Sizes, requests_per_day: float, cache: Cache) -> CachedShare:
        """Work the share out for the calls of a workload, from 8,192 drawn conversations."""
        rng = np.random.default_rng(0)  # points of an integral, the same for every workload
        sample = Drawn.draw(sizes.on(Profile(reasons=False)), rng, most=_CONVERSATIONS).calls()
        opens = sample.turn == 1
        prefix = _whole_chunks(np.minimum(sample.prompt, cache.prefix_tokens))
        before = np.where(opens, 0.0, np.roll(_whole_chunks(sample.prompt), 1))
        total = float(sample.prompt.sum()) or 1.0
        turns, _ = turn_means(sizes.turns)
        return cls(
            cache=cache,
            conversations_per_minute=requests_per_day / MINUTES_PER_DAY / turns,
            turns=turns,
            first=float(prefix[opens].sum()) / total,
            earlier=float(before.sum()) / total,
            later=float(prefix[~opens].sum()) / total,
        )

    @property
    def is_certain(self) -> bool:
        """Whether the lifetime is one number."""
        low, high = self.cache.lifetime_minutes
        return low == high

    def at(self, lifetime_minutes: Array) -> Array:
        """Return the share for lifetimes in minutes."""
        gaps, sums = self._gaps
        short = np.searchsorted(gaps, lifetime_minutes, side="right")
        soon = short / len(gaps)
        kept = lifetime_minutes + (self.turns - 1) * (
            sums[short] / len(gaps) + (1 - soon) * lifetime_minutes
        )
        prefix = -np.expm1(-self.conversations_per_minute * kept)
        share: Array = self.first * prefix
        share = share + soon * self.earlier + (1 - soon) * prefix * self.later
        return np.minimum(share, 1.0)

    def ppf(self, share: Array) -> Array:
        """Return the quantiles at the given shares of paths."""
        low, high = self.cache.lifetime_minutes
        return self.at(low + (high - low) * np.asarray(share, dtype=np.float64))

    def describe(self) -> str:
        """Return what it was worked out from."""
        low, high = (number_text(minutes) for minutes in self.cache.lifetime_minutes)
        lifetime = low if self.is_certain else f"{low} to {high}"
        gap = self.cache.turn_gap_minutes
        gaps = "" if gap is None else f", turns {gap.describe()} minutes apart"
        ends = (number_text(round(end, 4)) for end in self.ppf(np.array([0.0, 1.0])).tolist())
        return f"{' to '.join(ends)}: prefix {self.cache.prefix_tokens:,}, kept {lifetime} minutes{gaps}"

    @cached_property
    def _gaps(self) -> tuple[Array, Array]:
        """Gaps between turns, ascending, and the sum of those before each."""
        gap = self.cache.turn_gap_minutes
        gaps = np.array([np.inf]) if gap is None else gap.spread(_GAPS)
        return gaps, np.concatenate([[0.0], np.cumsum(gaps)])


def parse_cache(value: Any, folder: Path = Path()) -> Cache:
    """Return what a table says about the cache.

    Raises
    ------
    WorkloadError
        If a key is unknown or missing, or a value is not allowed; the message names it.
    """
    if isinstance(value, Cache):
        return value
    if not isinstance(value, Mapping):
        raise refused("cache", value, "Give a table: { prefix_tokens = 1500 }.")
    check_keys("cache", value, _KEYS)
    if "prefix_tokens" not in value:
        raise WorkloadError(
            "cache.prefix_tokens is missing: tokens that every prompt begins with, 0 if none."
        )
    gap = value.get("turn_gap_minutes")
    return Cache(
        prefix_tokens=whole_tokens("cache.prefix_tokens", value["prefix_tokens"], least=0),
        lifetime_minutes=_lifetime(value.get("lifetime_minutes", LIFETIME_MINUTES)),
        turn_gap_minutes=None if gap is None else parse_quantity("turn_gap_minutes", gap, folder),
    )


def _lifetime(value: Any) -> tuple[float, float]:
    ends = tuple(value) if isinstance(value, list | tuple) else (value, value)
    ends = tuple(float(end) if isinstance(end, Decimal) else end for end in ends)  # of a file
    if (
        len(ends) != 2
        or not all(map(is_number, ends))
        or not 0 <= ends[0] <= ends[1] <= MAX_MINUTES
    ):
        advice = "Give minutes, or the least and the most: [5, 30]."
        raise refused("cache.lifetime_minutes", value, advice)
    return float(ends[0]), float(ends[1])


def _whole_chunks(tokens: Array) -> Array:
    chunks: Array = np.floor(tokens / CHUNK_TOKENS) * CHUNK_TOKENS
    return chunks
