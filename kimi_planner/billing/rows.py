"""The exact cost of many rows at once, as whole numbers of one small unit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from kimi_planner.billing.meters import TOKEN_METERS, Usage
from kimi_planner.billing.tariff import Tariff
from kimi_planner.money import from_units, to_units

_INT64_SAFE = 2**62
_BLOCK = 32_768  # rows taken at a time, so that what is computed stays in the processor's cache

Integers = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowBills:
    """What each row of a log costs.

    Attributes
    ----------
    units : mapping of str to ndarray of int64, shape (n_rows,)
        By meter; Python integers where 64 bits do not hold them.
    places
        One unit is ``10**-places`` USD.
    parts : tuple of (Tariff, Usage)
        For each price which meters its rows use, as 1.
    """

    units: Mapping[str, Integers]
    places: int
    parts: tuple[tuple[Tariff, Usage], ...] = ()

    def usd(self, key: str, rows: Any = slice(None)) -> Decimal:
        """Return the exact sum of a meter over some rows, all if not given."""
        return from_units(_exact_sum(self.units[key][rows]), self.places)

    def of(self, keys: Iterable[str]) -> Integers:
        """Return the cost of each row over some meters, 0 for those that no row uses."""
        first, *others = self.units.values()
        together = np.zeros_like(first, dtype=np.result_type(first, *others))
        for key in keys:
            if key in self.units:
                together += self.units[key]
        return together


def bill_rows(
    usage: Usage, tariffs: Sequence[Tariff], codes: Integers | None, *, together: bool = False
) -> RowBills:
    """Return the exact cost of each row.

    Parameters
    ----------
    usage : Usage
        Arrays of int64, shape (n_rows,), by meter.
    tariffs : sequence of Tariff
        The prices that occur.
    codes : ndarray of int, shape (n_rows,), or None
        Place of each row's tariff; ``None`` if there is one.
    together : bool
        One sum over all meters, under the key ``"total"``, instead of each.

    Raises
    ------
    PriceNotFoundError
        If a tariff has no price for a meter that its rows use.
    """
    largest = {key: int(amount.max()) if len(amount) else 0 for key, amount in usage}
    used = {
        key: _which(key, amount, tariffs, codes) if largest[key] else set() for key, amount in usage
    }
    each_places = (
        one.places(key for key in used if n in used[key]) for n, one in enumerate(tariffs)
    )
    places = max(each_places, default=0)
    prices = {
        key: [to_units(one.price(key), places) if n in rows else 0 for n, one in enumerate(tariffs)]
        for key, rows in used.items()
    }
    most = sum(amount * max(prices[key], default=0) for key, amount in largest.items())
    kind: Any = np.int64 if most < _INT64_SAFE else object
    length = max(len(amount) for _, amount in usage)
    keys = ["total"] if together else list(used)
    units = {key: np.zeros(length, dtype=kind) for key in keys}
    meters = [
        (amount, np.array(prices[key], dtype=kind), units["total" if together else key])
        for key, amount in usage
        if used[key]
    ]
    for start in range(0, length, _BLOCK):
        rows = slice(start, start + _BLOCK)
        for amount, price, into in meters:
            each = price[0] if codes is None else price[codes[rows]]
            into[rows] += amount[rows].astype(kind, copy=False) * each
    parts = [
        (one, Usage({key: 1 for key, rows in used.items() if n in rows}))
        for n, one in enumerate(tariffs)
    ]
    return RowBills(units=units, places=places, parts=tuple(parts))


def _which(
    key: str, amount: Integers, tariffs: Sequence[Tariff], codes: Integers | None
) -> set[int]:
    """Return the tariffs that are needed for a meter in use; all if they all state it."""
    if codes is None or all(one.states(key) and key in TOKEN_METERS for one in tariffs):
        return set(range(len(tariffs)))
    return set(np.flatnonzero(np.bincount(codes[amount != 0], minlength=len(tariffs))).tolist())


def _exact_sum(units: Integers) -> int:
    if units.dtype == object:
        return int(units.sum())
    high, low = int((units >> 32).sum()), int((units & 0xFFFFFFFF).sum())
    return (high << 32) + low  # halves of 64 bits do not overflow
