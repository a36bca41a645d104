"""Where two amounts become the same: the value, with as many digits as make them so to the cent."""

from __future__ import annotations

from collections.abc import Callable
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    localcontext,
)
from functools import lru_cache

__all__ = ["Bills", "leading", "meeting_factor", "switch_over"]

#: Two amounts at a value, USD.
Bills = Callable[[Decimal], tuple[Decimal, Decimal]]

_CENT = Decimal("0.01")
_CLOSE = Decimal("0.0005")  # USD
_TINY = Decimal("1e-7")  # USD
_DIGITS = Context(prec=60, rounding=ROUND_HALF_EVEN)
_MILLIONTH = Decimal("0.000001")
_FAR = 1000  # times the planned value
_FARTHEST = 10**9
_MOST_PLACES = 17
_STEPS = 12
_NEAR = Decimal("1e-10")
_JUMP = Decimal("1e-7")  # less is what whole thousandths of tokens leave
_PARTS = (Decimal("0.25"), Decimal("0.5"), Decimal("0.75"))


def switch_over(
    bills: Bills,
    planned: Decimal,
    lowest: Decimal = Decimal(0),
    *,
    places: int = 2,
    parts: int = 1,
) -> Decimal | None:
    """Return the value at which another amount gets the lower one, ``None`` if there is none.

    Parameters
    ----------
    bills : callable
        The two amounts at a value.
    planned : Decimal
        The value of the plan, which the search starts from.
    lowest : Decimal
        The least value. Amounts that are the same at it alone do not change their order.
    places : int
        Least digits after the point.
    parts : int
        Equal parts of the amounts, such as months, that must be the same to the cent too.

    Notes
    -----
    Where the amounts are straight lines, as they mostly are in tokens, the value is where the lines
    meet. Otherwise it is found by Brent's method between values at which one and
    the other is the lower. Where one of them jumps over the other, such as a bill whose calls are
    all refused from some size on, they are the same nowhere.
    """
    bills = lru_cache(maxsize=None)(bills)
    root = _root(bills, planned, lowest)
    if root is None:
        return None
    for more in range(places, _MOST_PLACES):
        for value in _around(root, more):
            is_near = lowest <= value and abs(value - root) <= abs(root) * _MILLIONTH
            if is_near and _same_to_the_cent(*bills(value), parts):  # others are not worked out
                return value
    return root.quantize(Decimal(1).scaleb(-_MOST_PLACES), context=_DIGITS)


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
        ``None`` if the amount is nothing, or no factor of a billion brings it to the limit.

    Notes
    -----
    The factor is scaled by what is missing until the amount is the limit to a part in 10^10, which
    a few steps do where the two are nearly in proportion.
    """
    if planned <= 0:
        return None
    value, at = Decimal(1), planned
    with localcontext(_DIGITS):
        for _ in range(_STEPS):
            value = leading(value * limit / at, 14)
            if value > _FARTHEST:
                return None
            at = amount(value)
            if at <= 0 or abs(at - limit) <= limit * _NEAR:
                break
        return leading(value, 9, rounding=ROUND_DOWN)


def leading(value: Decimal, digits: int = 4, *, rounding: str = ROUND_HALF_EVEN) -> Decimal:
    """Return a number with so many leading digits."""
    return Context(prec=digits, rounding=rounding).plus(value)


def _same_to_the_cent(first: Decimal, second: Decimal, parts: int) -> bool:
    """Return whether two amounts, and their equal parts, are the same when rounded to cents.

    Bills that are a cent at all values say nothing; so they must be close in themselves too. A bill
    of just half a cent more may have no other that rounds as it does, in all and by part: a
    ten-millionth of a dollar apart is the same.
    """
    size, apart = max(abs(first), abs(second)), abs(first - second)
    if apart > min(_CLOSE, size * Decimal("0.00001")):
        return False
    if apart <= min(_TINY, size * Decimal("1e-9")):
        return True
    with localcontext(_DIGITS):
        return all(
            (first / count).quantize(_CENT) == (second / count).quantize(_CENT)
            for count in (1, parts)
        )


def _around(root: Decimal, places: int) -> list[Decimal]:
    """Return the two values with so many digits that lie around a root, the nearer one first.

    Where a bill ends in half a cent, only one side of it rounds to the same cent.
    """
    unit = Decimal(1).scaleb(-places)
    both = {root.quantize(unit, way, context=_DIGITS) for way in (ROUND_FLOOR, ROUND_CEILING)}
    return sorted(both, key=lambda value: (abs(value - root), value))


def _root(bills: Bills, planned: Decimal, lowest: Decimal) -> Decimal | None:
    def gap(value: Decimal) -> Decimal:
        with localcontext(_DIGITS):
            first, second = bills(value)
            return first - second

    def is_root(value: Decimal, least: Decimal = Decimal(0)) -> bool:
        size = max(abs(amount) for amount in bills(value))
        return abs(gap(value)) <= max(min(Decimal("0.0001"), size * Decimal("1e-9")), least)

    def crossing(low: Decimal, high: Decimal) -> Decimal | None:
        from scipy.optimize import brentq

        found = brentq(
            lambda x: float(gap(Decimal(repr(x)))), float(low), float(high),
            xtol=1e-13 * max(1.0, float(high)), rtol=1e-13,
        )  # fmt: skip
        value = Decimal(repr(float(found)))
        return value if is_root(value, _JUMP) else None

    def nearest(root: Decimal) -> Decimal | None:
        """Return the crossing that comes first on the way from the plan to one."""
        last = planned
        for part in _PARTS if gap(planned) else ():
            at = planned + (root - planned) * part
            if gap(at) * gap(planned) < 0:
                return crossing(min(last, at), max(last, at))
            last = at
        return root

    far = max(planned, Decimal(1))
    met = _meeting(lowest, gap(lowest), far, gap(far))
    if met is not None and lowest < met and is_root(met):
        return nearest(met)
    around = (Decimal("0.02"), Decimal("0.2"))  # where lines are nearly straight
    near = [] if met is None else [(met * (1 - by), met * (1 + by)) for by in around]
    for low, high in (*near, (planned, far * _FAR), (lowest, planned)):
        if lowest <= low < high and gap(low) * gap(high) < 0:
            found = crossing(low, high)
            return None if found is None else nearest(found)
    return None


def _meeting(low: Decimal, at_low: Decimal, high: Decimal, at_high: Decimal) -> Decimal | None:
    """Return where a straight line through two points is 0, ``None`` if it is level."""
    with localcontext(_DIGITS):
        return None if at_low == at_high else low + (high - low) * at_low / (at_low - at_high)
