"""Exact money: the one place where decimals, integers and floats meet.

A price is a decimal number of US dollars per million tokens, such as ``2.50``. Written as an
integer number of *units*, with a unit small enough that every price of a model is whole, the cost
of any whole number of tokens is an integer product, so nothing is ever rounded.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow, Rounded, localcontext
from fractions import Fraction
from typing import Any, TypeVar

from kimi_planner.errors import shown
from kimi_planner.limits import DIGITS

TOKENS_PER_MTOK = 1_000_000

#: USD from which on an estimate is written without cents.
ESTIMATED = 1000

#: A context in which a result is either exact or an error. Sums and products of decimals are
#: always representable; the precision is a bound on memory, not on accuracy.
EXACT = Context(
    prec=50_000, Emax=100_000, Emin=-100_000, traps=[InvalidOperation, Inexact, Overflow]
)

_LONG = 40  # digits of an amount that are no longer read
_ROUNDED = Context(prec=60, Emax=100_000, Emin=-100_000, traps=[])  # for a seventh, say


def exact_decimal(value: int | float | str | Decimal) -> Decimal:
    """Return the decimal number that ``value`` spells.

    A float means the shortest decimal that names it: ``0.35`` is 0.35, not the binary fraction.

    Raises
    ------
    ValueError
        If ``value`` is not a finite number, or spells none, or has digits without end.
    """
    if isinstance(value, bool):
        raise ValueError(f"{value!r} is not a number")
    try:
        number = Decimal(repr(float(value)) if isinstance(value, float) else value)
    except (InvalidOperation, TypeError, ValueError) as error:
        raise ValueError(f"{shown(value)} is not a number") from error
    if not number.is_finite():
        raise ValueError(f"{value!r} is not a finite number")
    _, digits, exponent = number.as_tuple()
    if max(len(digits), abs(int(exponent))) > DIGITS:
        raise ValueError(f"{shown(value)} has more than {DIGITS:,} digits, which cannot be meant")
    return number


def decimal_places(number: Decimal) -> int:
    """Return how many digits ``number`` has after the point, trailing zeros left out."""
    exponent = number.normalize(EXACT).as_tuple().exponent
    assert isinstance(exponent, int), "finite by construction"  # noqa: S101 - narrows the type
    return max(0, -exponent)


def to_units(number: Decimal, places: int) -> int:
    """Return ``number`` as a whole number of units of ``10**-places``.

    Raises
    ------
    ValueError
        If ``number`` has more than ``places`` digits after the point.
    """
    units = number.scaleb(places, EXACT)
    if units != units.to_integral_value():
        raise ValueError(f"{number} has more than {places} decimal places")
    return int(units)


def from_units(units: int, places: int) -> Decimal:
    """Return ``units * 10**-places`` exactly, without trailing zeros after the point."""
    return plain(Decimal(units).scaleb(-places, EXACT))


def from_fraction(number: Fraction) -> Decimal:
    """Return a fraction as the decimal it is, or to 60 digits where no decimal spells it."""
    rest = number.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    with localcontext(EXACT if rest == 1 else _ROUNDED):
        return plain(Decimal(number.numerator) / Decimal(number.denominator))


def as_decimal(amount: Fraction | float) -> Decimal:
    """Return an amount as a decimal: a fraction as the one it is, a float as the shortest."""
    return from_fraction(amount) if isinstance(amount, Fraction) else exact_decimal(float(amount))


def plain(number: Decimal) -> Decimal:
    """Return the same number without trailing zeros after the point or a power of ten."""
    short = number.normalize(EXACT)
    exponent = short.as_tuple().exponent
    return (
        short.quantize(Decimal(1), context=EXACT)
        if isinstance(exponent, int) and exponent > 0
        else short
    )


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Return the exact sum of decimals, however many digits it needs."""
    with localcontext(EXACT):
        return sum(amounts, Decimal(0))


def named(name: str, currency: str) -> str:
    """Return the name of an amount with a currency in the place of USD.

    >>> named("actual_usd", "EUR"), named("workload", "EUR")
    ('actual_eur', 'workload')
    """
    return "_".join(currency.lower() if part == "usd" else part for part in name.split("_"))


def at_rate(amount: Any, rate: Decimal) -> Any:
    """Return an amount in another currency: exact where it is, ``None`` where it is not known.

    >>> at_rate(Decimal("2.50"), Decimal("0.92")), at_rate(2.0, Decimal("0.5")), at_rate(None, Decimal(1))
    (Decimal('2.3'), 1.0, None)
    """
    if amount is None:
        return None
    if isinstance(amount, float):
        return amount * float(rate)
    with localcontext(EXACT):
        return plain(amount * rate)


def cents(amount: Decimal) -> Decimal:
    """Return an amount of USD in whole cents, rounded as `usd` writes it.

    >>> cents(Decimal("1234.565"))
    Decimal('1234.57')
    """
    return Decimal(usd(amount).replace(",", ""))


def usd(amount: Decimal | float, places: int = 2) -> str:
    """Return an amount of US dollars for people: thousands separated, rounded half up.

    An amount of more digits than anybody reads is a power of ten.

    >>> usd(Decimal("1234.565")), usd(Decimal("1e400"))
    ('1,234.57', '1.00e+400')
    """
    exact = amount if isinstance(amount, Decimal) else Decimal(repr(float(amount)))
    if exact.adjusted() >= _LONG:
        return f"{exact:.2e}"
    with localcontext(EXACT) as context:
        context.traps[Inexact] = False
        context.traps[Rounded] = False
        context.rounding = "ROUND_HALF_UP"
        rounded = exact.quantize(Decimal(1).scaleb(-places))
    return f"{rounded:z,f}"


def usd_text(amount: Decimal | float, whole_from: float = math.inf) -> str:
    """Return an amount of USD with the digits that matter: cents from 1 on, four digits below.

    What is estimated is written without cents from some amount on.

    >>> usd_text(1234.5), usd_text(1234.5, whole_from=1000), usd_text(-0.0012347), usd_text(0)
    ('1,234.50', '1,235', '-0.001235', '0.00')
    >>> usd_text(math.inf)
    'unknown'
    """
    size: Any = abs(amount)
    if not size < math.inf:  # no number, too
        return "unknown"
    if size >= whole_from:
        return usd(amount, 0)
    return usd(amount, 2 if size >= 1 or not size else 3 - math.floor(math.log10(size)))


def signed_usd(amount: Decimal | float) -> str:
    """Return an amount with its sign; none where it is zero as written.

    >>> signed_usd(3), signed_usd(-3), signed_usd(0.001)
    ('+3.00', '-3.00', '0.00')
    """
    text = usd(amount)
    return text if text.startswith("-") or not text.strip("0.") else f"+{text}"


PLACES = 12
Number = TypeVar("Number", Fraction, Decimal)


def exact_parts(parts: Mapping[str, Fraction]) -> dict[str, Decimal]:
    """Return fractions that add up to a finite decimal as decimals that add up to it too.

    Where all of them are finite decimals they stay exact. Otherwise each is rounded to the 12th
    place or to the last one of the sum, as `whole_parts` does it.
    """
    whole = sum(parts.values(), Fraction(0))
    exact = {name: decimal_of(part) for name, part in parts.items()}
    known = {name: amount for name, amount in exact.items() if amount is not None}
    if len(known) == len(parts):
        return known
    places = max(PLACES, decimal_places(from_fraction(whole)))
    units = {name: part * 10**places for name, part in parts.items()}
    whole_units = whole_parts(units, int(whole * 10**places))
    return {name: from_units(unit, places) for name, unit in whole_units.items()}


def in_cents(parts: Mapping[str, Number], whole: Decimal | None = None) -> dict[str, Decimal]:
    """Return amounts of USD in whole cents, which add up to a whole; to their sum if not given."""
    if whole is None:
        whole = from_fraction(sum(map(Fraction, parts.values()), Fraction(0)))
    units = int(cents(whole) * 100)
    each = whole_parts({name: 100 * Fraction(part) for name, part in parts.items()}, units)
    return {name: Decimal(unit).scaleb(-2) for name, unit in each.items()}


def whole_parts(parts: Mapping[str, Number], whole: int) -> dict[str, int]:
    """Return numbers rounded, half to even, so that they add up to ``whole``.

    What rounding left over is given, one unit each, to those that it moved the most.
    """
    nearest = {name: round(part) for name, part in parts.items()}
    left = whole - sum(nearest.values())
    step = 1 if left > 0 else -1
    by_error = sorted(parts, key=lambda name: (nearest[name] - parts[name]) * step)
    for place in range(abs(left)):
        nearest[by_error[place % len(by_error)]] += step
    return nearest


def decimal_of(amount: Fraction) -> Decimal | None:
    """Return a fraction as a decimal, or ``None`` if it has no end."""
    exact = from_fraction(amount)
    return exact if Fraction(exact) == amount else None


def rounded(amount: Fraction) -> Decimal:
    """Return a fraction as a decimal, rounded half to even at the 12th place if it has no end."""
    exact = decimal_of(amount)
    return from_units(round(amount * 10**PLACES), PLACES) if exact is None else exact
