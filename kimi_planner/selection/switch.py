"""Where two amounts become the same: the value, with as many digits as make them so to the cent."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal, localcontext
from functools import lru_cache

from scipy.optimize import brentq

__all__ = [
    "DIGITS",
    "Bills",
    "leading",
    "meeting_factor",
    "rounded",
    "same_to_the_cent",
    "switch_over",
]

#: Two amounts in USD at a value.
Bills = Callable[[Decimal], tuple[Decimal, Decimal]]

_CENT = Decimal("0.01")
_CLOSE = Decimal("0.0005")  # USD
#: To divide with.
DIGITS = Context(prec=60, rounding=ROUND_HALF_EVEN)
_FAR = 1000  # times the planned value, where nothing else bounds it
_MOST_PLACES = 40
_STEPS = 12
_NEAR = Decimal("1e-10")


def switch_over(
    bills: Bills,
    planned: Decimal,
    lowest: Decimal = Decimal(0),
    highest: Decimal | None = None,
    *,
    places: int = 2,
    parts: int = 1,
) -> Decimal | None:
    """Return the value at which another amount gets the lower one, ``None`` if there is none.

    Parameters
    ----------
    bills : callable
        The two amounts in USD at a value.
    planned : Decimal
        The value of the plan, which the search starts from.
    lowest, highest : Decimal
        Bounds of the value; ``highest`` is none where any value is possible. Amounts that are the
        same at a bound alone do not change their order.
    places : int
        Least digits after the point.
    parts : int
        Number of months that the amounts are of; their average is the same to the cent too.

    Notes
    -----
    Where the amounts are straight lines, as they are in prices and mostly in tokens, the value is
    where the lines meet. Otherwise it is found by Brent's method between values at which one and
    the other is the lower.
    """
    bills = lru_cache(maxsize=None)(bills)
    root = _root(bills, planned, lowest, highest)
    if root is None:
        return None
    for more in range(places, _MOST_PLACES):
        value = rounded(root, more)
        if lowest <= value and (highest is None or value <= highest):
            # A bill that is a cent at all values says nothing; so it must be close in itself too.
            first, second = bills(value) if _may_be_close(root, value) else (Decimal(0), _CENT)
            if same_to_the_cent(first, second, parts) and _gap_is_small(first, second):
                return value
    return root


def meeting_factor(
    amount: Callable[[Decimal], Decimal], planned: Decimal, limit: Decimal
) -> Decimal | None:
    """Return the largest factor to nine digits with which an amount keeps a limit.

    Parameters
    ----------
    amount : callable
        The amount at a factor, nearly in proportion to it; ``planned`` is that at 1.
    limit : Decimal
        What it must not exceed.

    Returns
    -------
    Decimal or None
        ``None`` if the amount is nothing, or no factor of 1,000 brings it to the limit.

    Notes
    -----
    The factor is scaled by what is missing until the amount is the limit to a part in 10^10, which
    a few steps do where the two are nearly in proportion.
    """
    if planned <= 0:
        return None
    value, at = Decimal(1), planned
    with localcontext(DIGITS):
        for _ in range(_STEPS):
            value = leading(value * limit / at, 14)
            if value > _FAR:
                return None
            at = amount(value)
            if at <= 0 or abs(at - limit) <= limit * _NEAR:
                break
        return leading(value, 9, rounding=ROUND_DOWN)


def leading(value: Decimal, digits: int = 4, *, rounding: str = ROUND_HALF_EVEN) -> Decimal:
    """Return a number with so many leading digits."""
    return Context(prec=digits, rounding=rounding).plus(value)


def rounded(value: Decimal, places: int) -> Decimal:
    """Return a number with so many digits after the point."""
    return value.quantize(Decimal(1).scaleb(-places), context=DIGITS)


def same_to_the_cent(first: Decimal, second: Decimal, parts: int = 1) -> bool:
    """Return whether two amounts, and their equal parts, are the same when rounded to cents."""
    with localcontext(DIGITS):
        return all(
            (first / count).quantize(_CENT) == (second / count).quantize(_CENT)
            for count in (1, parts)
        )


def _may_be_close(root: Decimal, value: Decimal) -> bool:
    """Return whether a rounded value is worth working out: it is right to a millionth."""
    return abs(value - root) <= abs(root) * Decimal("0.000001")


def _gap_is_small(first: Decimal, second: Decimal) -> bool:
    return abs(first - second) <= min(_CLOSE, max(abs(first), abs(second)) * Decimal("0.00001"))


def _root(
    bills: Bills, planned: Decimal, lowest: Decimal, highest: Decimal | None
) -> Decimal | None:
    def gap(value: Decimal) -> Decimal:
        with localcontext(DIGITS):
            first, second = bills(value)
            return first - second

    def is_root(value: Decimal) -> bool:
        size = max(abs(amount) for amount in bills(value))
        return abs(gap(value)) <= min(Decimal("0.0001"), size * Decimal("1e-9"))

    def inside(value: Decimal) -> bool:
        return lowest <= value and (highest is None or value <= highest)

    def between(value: Decimal) -> bool:
        return lowest < value and value != highest and inside(value)

    far = highest if highest is not None else max(planned, Decimal(1))
    met = _meeting(lowest, gap(lowest), far, gap(far))
    if met is not None and between(met) and is_root(met):
        return met
    top = far if highest is not None else far * _FAR
    around = (Decimal("0.02"), Decimal("0.2"))  # where lines are nearly straight
    near = [] if met is None else [(met * (1 - by), met * (1 + by)) for by in around]
    for low, high in (*near, (planned, top), (lowest, planned)):
        if inside(low) and inside(high) and low < high and gap(low) * gap(high) < 0:
            found = brentq(
                lambda x: float(gap(Decimal(repr(x)))), float(low), float(high),
                xtol=1e-13 * max(1.0, float(high)), rtol=1e-13,
            )  # fmt: skip
            return Decimal(repr(float(found)))
    return None


def _meeting(low: Decimal, at_low: Decimal, high: Decimal, at_high: Decimal) -> Decimal | None:
    """Return where a straight line through two points is 0, ``None`` if it is level."""
    with localcontext(DIGITS):
        return None if at_low == at_high else low + (high - low) * at_low / (at_low - at_high)
