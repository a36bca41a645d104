"""Fractions as decimals: exact where they have an end, else rounded so that sums still hold."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar

from kimi_planner.money import cents, decimal_places, from_fraction, from_units

__all__ = ["decimal_of", "exact_parts", "in_cents", "rounded", "whole_parts"]

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
