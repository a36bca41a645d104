"""What a bill has lines for: one registry, and amounts that add and multiply by it.

A meter that is added here appears in every price, usage, bill and report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import localcontext
from typing import Any, TypeVar

from kimi_planner.money import EXACT

#: Tokens, calls or US dollars: int, Decimal, Fraction, float or ndarray; all are treated alike.
Number = Any
FEE = "fee: "
_BATCH = "batch_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """One line of a bill.

    Attributes
    ----------
    key, title
        Its name in data, and for people.
    direction
        ``"Input"`` for a part of the prompt, ``"Output"`` for a part of the completion.
    price
        The field of a catalog that states its price, USD per 1,000,000 tokens.
    stands_in
        The meter whose price holds where the catalog states none for this one; ``None`` if the
        cost cannot be told then.
    plain
        The meter of the same tokens outside of a batch; ``None`` if this is one.
    """

    key: str
    title: str
    direction: str
    price: str
    stands_in: str | None = None
    plain: str | None = None


_PLAIN = tuple(
    Meter(
        key=key,
        title=title,
        direction="Output" if key == "output" else "Input",
        price=f"{price}_usd_per_mtok",
        stands_in=stands_in,
    )
    for key, title, price, stands_in in (
        ("input", "input", "input", None),
        ("cached", "cached input", "cached_input", "input"),
        ("cache_write_5m", "cache writes for 5 minutes", "cache_write_5m", "input"),
        ("cache_write_1h", "cache writes for 1 hour", "cache_write_1h", "input"),
        ("output", "output", "output", None),
    )
)

#: Every meter of tokens by its key; those of a batch after the plain ones.
METERS: Mapping[str, Meter] = {one.key: one for one in _PLAIN} | {
    _BATCH + one.key: replace(
        one, key=_BATCH + one.key, title=f"{one.title} in batches", plain=one.key
    )
    for one in _PLAIN
}
TOKEN_METERS = tuple(meter.key for meter in _PLAIN)

Amounts = TypeVar("Amounts", bound="ByMeter")


def fee_key(name: str) -> str:
    """Return the key of a fee by the call, such as ``"web search"``."""
    return FEE + name


def title_of(key: str) -> str:
    """Return what people call a meter or a fee."""
    return METERS[key].title if key in METERS else key.removeprefix(FEE)


@dataclass(frozen=True)
class ByMeter:
    """Amounts by meter: tokens and calls of a usage, or US dollars of a bill.

    Attributes
    ----------
    amounts
        From the key of a meter or fee to a number of any type, or an array; 0 is left out.
    """

    amounts: Mapping[str, Number]

    def __iter__(self) -> Iterator[tuple[str, Number]]:
        return iter(self.amounts.items())

    def __getitem__(self, key: str) -> Number:
        return self.amounts.get(key, 0)

    def __add__(self: Amounts, other: Amounts) -> Amounts:
        with localcontext(EXACT):
            keys = dict.fromkeys((*self.amounts, *other.amounts))
            return replace(self, amounts={key: self[key] + other[key] for key in keys})

    def __mul__(self: Amounts, factor: Number) -> Amounts:
        with localcontext(EXACT):
            return self.map(lambda one: one * factor)

    def map(self: Amounts, convert: Any) -> Amounts:
        """Return the same with every number converted."""
        return replace(self, amounts={key: convert(one) for key, one in self})

    @property
    def total(self) -> Number:
        """The sum over all meters."""
        with localcontext(EXACT):
            return sum(self.amounts.values(), 0)


@dataclass(frozen=True)
class Usage(ByMeter):
    """What is used: tokens by meter, and calls of each fee.

    Attributes
    ----------
    requests
        API calls.
    reasoning
        The part of the output tokens that is reasoning.
    """

    requests: Number = 0
    reasoning: Number = 0

    @classmethod
    def of(
        cls,
        prompt: Number,
        completion: Number,
        *,
        cached: Number = 0,
        written_5m: Number = 0,
        written_1h: Number = 0,
        reasoning: Number = 0,
        requests: Number = 1,
        fees: Mapping[str, Number] | None = None,
        batch: bool = False,
    ) -> Usage:
        """Return the usage of calls.

        Parameters
        ----------
        prompt, completion : number or ndarray
            All input and all output tokens.
        cached, written_5m, written_1h : number or ndarray
            Parts of the prompt: served from a cache, written to one for five minutes or an hour.
        reasoning : number or ndarray
            Part of the completion.
        requests : number or ndarray
            API calls.
        fees : mapping of str to number, optional
            From the name of a fee to how often it is due.
        batch : bool
            Whether the calls are part of a batch.

        Examples
        --------
        >>> Usage.of(1000, 50, cached=400).amounts
        {'input': 600, 'cached': 400, 'output': 50}
        """
        with localcontext(EXACT):
            parts = {
                "input": prompt - cached - written_5m - written_1h,
                "cached": cached,
                "cache_write_5m": written_5m,
                "cache_write_1h": written_1h,
                "output": completion,
            }
        due = {fee_key(name): count for name, count in (fees or {}).items()}
        prefix = _BATCH if batch else ""
        used = {prefix + key: part for key, part in parts.items()} | due
        kept = {key: one for key, one in used.items() if type(one) is not int or one}
        return cls(kept, requests, reasoning)

    def __add__(self, other: Usage) -> Usage:
        return replace(
            super().__add__(other),
            requests=self.requests + other.requests,
            reasoning=self.reasoning + other.reasoning,
        )

    def map(self, convert: Any) -> Usage:
        """Return the same with every number converted."""
        return replace(
            super().map(convert),
            requests=convert(self.requests),
            reasoning=convert(self.reasoning),
        )

    def part(self, *plain: str) -> Number:
        """Return the tokens of some plain meters, those of batches included."""
        return self.only(*plain).total

    def only(self, *plain: str) -> Usage:
        """Return the tokens of some plain meters alone, those of batches included."""
        keys = [prefix + key for key in plain for prefix in ("", _BATCH)]
        return Usage({key: self.amounts[key] for key in keys if key in self.amounts})

    @property
    def prompt(self) -> Number:
        """All input tokens."""
        return self.part(*(key for key in TOKEN_METERS if METERS[key].direction == "Input"))

    @property
    def cached(self) -> Number:
        """Input tokens served from a cache."""
        return self.part("cached")

    @property
    def completion(self) -> Number:
        """All output tokens."""
        return self.part("output")
