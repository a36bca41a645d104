"""From a number or a table to a quantity: which forms a key may have, and within which bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from pathlib import Path

import numpy as np

from kimi_planner.errors import UsageError, WorkloadError, did_you_mean, shown
from kimi_planner.money import exact_decimal
from kimi_planner.workload.logged import LOGGED_KEYS, per_request
from kimi_planner.workload.quantity import (
    Z90,
    Beta,
    Constant,
    Geometric,
    Quantity,
    Scaled,
    SplitLognormal,
    SplitNormal,
    number_text,
)

__all__ = ["QUANTITIES", "Kind", "parse_quantity"]

MAX_SPREAD = 1_000_000
MAX_PLACES = 100  # far above any float of use, far below what exact arithmetic holds


class Kind(Enum):
    """What values a quantity can take."""

    POSITIVE = "a positive number"
    SHARE = "a share from 0 to 1"
    RATE = "a rate such as 0.04 for 4%"


@dataclass(frozen=True)
class Bounds:
    """What is plausible for one key."""

    kind: Kind
    low: Decimal
    high: Decimal


_TOKENS = Bounds(Kind.POSITIVE, Decimal(0), Decimal(10**8))

#: Every quantity of a workload.
QUANTITIES = {
    "requests_per_day": Bounds(Kind.POSITIVE, Decimal(0), Decimal(10**12)),
    "prompt_tokens": _TOKENS,
    "completion_tokens": _TOKENS,
    "reasoning_tokens": _TOKENS,
    "followup_tokens": _TOKENS,
    "turns": Bounds(Kind.POSITIVE, Decimal(1), Decimal(10_000)),
    "cached_share": Bounds(Kind.SHARE, Decimal(0), Decimal(1)),
    "peak_hour_share": Bounds(Kind.SHARE, Decimal("0.0416"), Decimal(1)),  # an even day has 1/24
    "output_tokens_per_second": Bounds(Kind.POSITIVE, Decimal("0.001"), Decimal(10**6)),
    "growth_per_month": Bounds(Kind.RATE, Decimal("-0.99"), Decimal(10)),
    "mean_factor": Bounds(Kind.POSITIVE, Decimal("0.001"), Decimal(1000)),
}
TOKEN_KEYS = (*LOGGED_KEYS, "followup_tokens")
_FORMS = (
    frozenset({"p50", "p90"}),
    frozenset({"p10", "p50", "p90"}),
    frozenset({"mean", "sd"}),
    frozenset({"from"}),
)
_FORM_KEYS = frozenset({"p10", "p50", "p90", "mean", "sd", "from", "mean_factor"})


def parse_quantity(key: str, value: object, folder: Path) -> Quantity:
    """Return the quantity that a number or a table describes.

    Parameters
    ----------
    key : str
        Its name in a workload; decides which values are plausible.
    value : number, mapping or Quantity
        A plain number, ``{p50, p90}``, ``{p10, p50, p90}``, ``{mean, sd}``, ``{from}``, or
        for ``turns`` also ``{mean}``.
    folder : Path
        What a path in ``from`` is relative to.

    Raises
    ------
    WorkloadError
        If the form is not one of these, or a number is not plausible.
    """
    bounds = QUANTITIES[key]
    if isinstance(value, Constant):
        return Constant(_bounded(key, value.value, bounds))
    if isinstance(value, Quantity):
        return value
    if not isinstance(value, Mapping):
        return Constant(_bounded(key, value, bounds))
    for name in value:
        if name not in _FORM_KEYS:
            raise WorkloadError(
                f"{key} has an unknown key {shown(name)}.{did_you_mean(str(name), _FORM_KEYS)} "
                f"Known keys: {', '.join(sorted(_FORM_KEYS))}."
            )
    if "mean_factor" in value:
        if key not in TOKEN_KEYS:
            raise WorkloadError(f"{key} cannot have a mean_factor; only token quantities can.")
        try:
            factor = parse_quantity("mean_factor", value["mean_factor"], folder)
        except WorkloadError as error:
            raise WorkloadError(f"{key}: {error}") from None
        size = {name: part for name, part in value.items() if name != "mean_factor"}
        return Scaled(parse_quantity(key, size, folder), factor)
    form = frozenset(value)
    if key == "turns" and form == {"mean"}:
        return Geometric(float(_bounded("turns.mean", value["mean"], bounds)))
    if form not in _FORMS:
        raise WorkloadError(
            f"{key} has the keys {', '.join(sorted(form)) or 'none'}. Give a plain number, {{p50, p90}}, "
            "{p10, p50, p90}, {mean, sd} or {from}."
        )
    if "from" in value:
        return _from_log(key, value["from"], folder)
    numbers = {
        name: _bounded(f"{key}.{name}", number, _part(bounds, name))
        for name, number in value.items()
    }
    return _distribution(key, numbers, bounds)


def _part(bounds: Bounds, name: str) -> Bounds:
    return Bounds(bounds.kind, Decimal(0), bounds.high) if name == "sd" else bounds


def _bounded(key: str, value: object, bounds: Bounds) -> Decimal:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise WorkloadError(f"{key} is {shown(value)}. It must be a number: {bounds.kind.value}.")
    try:
        number = exact_decimal(value)
    except ValueError as error:
        raise WorkloadError(f"{key}: {error}. It must be {bounds.kind.value}.") from None
    if number < 0 <= bounds.low:
        raise WorkloadError(f"{key} is {shown(number)}. It cannot be negative.")
    if not bounds.low <= number <= bounds.high:
        low, high = number_text(bounds.low), number_text(bounds.high)
        raise WorkloadError(f"{key} is {shown(number)}. It must lie between {low} and {high}.")
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -MAX_PLACES:
        raise WorkloadError(
            f"{key} is {shown(number)}. It may have at most {MAX_PLACES} decimal places; round it."
        )
    return number


def _distribution(key: str, numbers: dict[str, Decimal], bounds: Bounds) -> Quantity:
    given = ", ".join(f"{name} {number_text(numbers[name])}" for name in sorted(numbers))
    parts = {name: float(number) for name, number in numbers.items()}
    if "mean" in parts:
        mean, sd = parts["mean"], parts["sd"]
        if sd == 0:
            return Constant(numbers["mean"])
        return _from_mean_sd(key, mean, sd, bounds, given)
    p50, p90 = parts["p50"], parts["p90"]
    p10 = parts.get("p10")
    if (p10 is not None and p10 > p50) or p50 > p90:
        raise WorkloadError(f"{key}: percentiles must not fall ({given}). Put them in order.")
    if p50 == p90 and p10 in (None, p50):
        return Constant(numbers["p50"])
    if bounds.kind is Kind.POSITIVE:
        least = p50 if p10 is None else p10
        if least == 0:
            raise WorkloadError(
                f"{key}: a percentile is 0 ({given}), which a positive spread cannot meet. "
                'Give a small number, or {from = "log.csv"}.'
            )
        if p90 / least > MAX_SPREAD:
            raise WorkloadError(
                f"{key}: p90 is over {MAX_SPREAD:,} times the least percentile ({given})."
            )
        return SplitLognormal.from_percentiles(
            p50**2 / p90 if p10 is None else p10, p50, p90, given
        )
    mirrored = 2 * p50 - p90 if p10 is None else p10
    return SplitNormal(
        median=p50,
        sigma_low=(p50 - mirrored) / Z90,
        sigma_high=(p90 - p50) / Z90,
        low=float(bounds.low),
        high=float(bounds.high),
        given=given,
    )


def _from_mean_sd(key: str, mean: float, sd: float, bounds: Bounds, given: str) -> Quantity:
    if bounds.kind is Kind.RATE:
        low, high = float(bounds.low), float(bounds.high)
        return SplitNormal(
            median=mean, sigma_low=sd, sigma_high=sd, low=low, high=high, given=given
        )
    if mean == 0 or (bounds.kind is Kind.SHARE and mean == 1):
        raise WorkloadError(
            f"{key}: a mean of {number_text(mean)} leaves no room for an sd ({given})."
        )
    if sd / mean > MAX_SPREAD:
        raise WorkloadError(f"{key}: sd is over {MAX_SPREAD:,} times the mean ({given}).")
    if bounds.kind is Kind.POSITIVE:
        return SplitLognormal.from_mean_sd(mean, sd, given)
    try:
        return Beta.from_mean_sd(mean, sd, given)
    except ValueError as error:
        raise WorkloadError(f"{key}: {error} ({given}).") from None


def _from_log(key: str, path: object, folder: Path) -> Quantity:
    from kimi_planner.usage.read import read_usage

    if not isinstance(path, str) or not path:
        raise WorkloadError(f"{key}.from is {shown(path)}. It must be the path of a usage log.")
    if key not in LOGGED_KEYS:
        raise WorkloadError(f"{key} cannot be taken from a log. Only {', '.join(LOGGED_KEYS)} can.")
    try:
        found = per_request(read_usage(folder / path), key, given=f"log {path}")
    except UsageError as error:
        raise WorkloadError(f"{key}.from: {error}") from None
    if found is None:
        raise WorkloadError(f"{key}.from: {path} does not say how many {key} a call has.")
    return found
