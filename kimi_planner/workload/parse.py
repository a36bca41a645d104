"""From a number or a table to a quantity: which forms a key may have, and within which bounds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum
from pathlib import Path

import numpy as np
from scipy.special import ndtr, ndtri

from kimi_planner.errors import WorkloadError, is_number, restated, shown
from kimi_planner.workload.check import check_keys, exact_number, refused
from kimi_planner.workload.measured import LOGGED_KEYS, from_file, from_values, is_values
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
from kimi_planner.workload.turns import WholeTurns

MAX_SPREAD = 1_000_000
MAX_BEYOND = 0.05  # of a rate by mean and sd, outside of its bounds
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
    "conversations_per_day": Bounds(Kind.POSITIVE, Decimal(0), Decimal(10**12)),
    "requests_per_month": Bounds(Kind.POSITIVE, Decimal(0), Decimal(10**12)),
    "documents": Bounds(Kind.POSITIVE, Decimal(0), Decimal(10**12)),
    "prompt_tokens": _TOKENS,
    "completion_tokens": _TOKENS,
    "reasoning_tokens": _TOKENS,
    "followup_tokens": _TOKENS,
    "turns": Bounds(Kind.POSITIVE, Decimal(1), Decimal(10_000)),
    "cached_share": Bounds(Kind.SHARE, Decimal(0), Decimal(1)),
    "peak_hour_share": Bounds(Kind.SHARE, Decimal("0.0416"), Decimal(1)),  # an even day has 1/24
    "output_tokens_per_second": Bounds(Kind.POSITIVE, Decimal("0.001"), Decimal(10**6)),
    "growth_per_month": Bounds(Kind.RATE, Decimal("-0.99"), Decimal(10)),
    "retry_share": Bounds(Kind.SHARE, Decimal(0), Decimal(1)),
    "mean_factor": Bounds(Kind.POSITIVE, Decimal("0.001"), Decimal(1000)),
    "factor": Bounds(Kind.POSITIVE, Decimal(0), Decimal(1000)),  # of an event or a price change
    "extra_requests": Bounds(Kind.POSITIVE, Decimal(0), Decimal(10**12)),  # of an event
    "times_per_request": Bounds(Kind.POSITIVE, Decimal(0), Decimal(10**6)),  # of a fee
    "five_minutes": Bounds(Kind.SHARE, Decimal(0), Decimal(1)),  # of the prompt, written to a cache
    "one_hour": Bounds(Kind.SHARE, Decimal(0), Decimal(1)),
    "turn_gap_minutes": Bounds(Kind.POSITIVE, Decimal(0), Decimal(10**7)),
}
TOKEN_KEYS = (*LOGGED_KEYS, "followup_tokens")
_MEASURED = (*TOKEN_KEYS, "turns")
_FORMS = (
    {"p50", "p90"},
    {"p10", "p50", "p90"},
    {"mean", "sd"},
    {"from"},
    {"from", "column"},
)
_FORM_KEYS = sorted({"mean_factor"}.union(*_FORMS))


def parse_quantity(key: str, value: object, folder: Path = Path()) -> Quantity:
    """Return the quantity that a number or a table describes.

    Parameters
    ----------
    key : str
        Its name in a workload; decides which values are plausible.
    value : number, mapping, sequence or Quantity
        A plain number, ``{p50, p90}``, ``{p10, p50, p90}``, ``{mean, sd}``, ``{from}``, for
        ``turns`` also ``{mean}``; for these and tokens also ``{from, column}``, a list or a Series.
    folder : Path
        What a path in ``from`` is relative to.

    Raises
    ------
    WorkloadError
        If the form is not one of these, or a number is not plausible.
    """
    bounds = QUANTITIES[key]
    if isinstance(value, Constant):
        value = value.value
    if isinstance(value, Scaled):
        return _scaled(key, value.size, value.scale, folder)
    if isinstance(value, Quantity):
        return _in_bounds(key, value, bounds)
    if is_values(value):
        if key not in _MEASURED:
            raise refused(key, value, "Only token quantities and turns can be a list of values.")
        given = f"{len(value)} values"  # type: ignore[arg-type]  # a Series has a length too
        return from_values(key, value, bounds.low, bounds.high, given)
    if not isinstance(value, Mapping):
        return Constant(_bounded(key, value, bounds))
    _check_percentiles(key, value)
    check_keys(key, value, _FORM_KEYS)
    if "mean_factor" in value:
        size = {name: part for name, part in value.items() if name != "mean_factor"}
        return _scaled(key, size, value["mean_factor"], folder)
    form = set(value)
    if key == "turns" and form == {"mean"}:
        return Geometric(float(_bounded("turns.mean", value["mean"], bounds)))
    if form not in _FORMS:
        raise WorkloadError(
            f"{key} has the keys {', '.join(sorted(form)) or 'none'}. Give a plain number, {{p50, p90}}, "
            "{p10, p50, p90}, {mean, sd}, {from} or {from, column}."
        )
    if "from" in value:
        if "column" in value and key not in _MEASURED:
            raise refused(key, value, "Only token quantities and turns can be a column.")
        column = value.get("column")
        return from_file(key, value["from"], column, folder, bounds.low, bounds.high)
    from_zero = replace(bounds, low=Decimal(0))
    numbers = {
        name: _bounded(f"{key}.{name}", number, from_zero if name == "sd" else bounds)
        for name, number in value.items()
    }
    with restated(of=WorkloadError, about=key):
        return _distribution(key, numbers, bounds)


def _check_percentiles(key: str, value: Mapping[str, object]) -> None:
    """Say how to give another percentile than those that a quantity may be given by."""
    for name, at in value.items():
        if name in _FORM_KEYS or not re.fullmatch(r"p\d\d(\.\d+)?", str(name)):
            continue
        advice = "Give the values themselves: a list, or { from, column }."
        middle, share = value.get("p50"), float(name[1:]) / 100
        if share > 0.5 and is_number(middle) and is_number(at) and 0 < middle < at:
            p90 = middle * (at / middle) ** (Z90 / float(ndtri(share)))
            advice = f"If it is lognormal, give p90 = {p90:.4g}. {advice}"
        raise WorkloadError(f"{key} has {name}. Allowed are p10, p50 and p90. {advice}")


def _scaled(key: str, size: object, scale: object, folder: Path) -> Scaled:
    if key not in TOKEN_KEYS:
        raise WorkloadError(f"{key} cannot have a mean_factor; only token quantities can.")
    with restated(of=WorkloadError, about=key):
        factor = parse_quantity("mean_factor", scale, folder)
    return Scaled(parse_quantity(key, size, folder), factor)


def _in_bounds(key: str, quantity: Quantity, bounds: Bounds) -> Quantity:
    """Return a ready quantity whose likely values are plausible for the key."""
    least, median, most = quantity.ppf(np.array([1e-4, 0.5, 1 - 1e-4])).tolist()
    low, high = float(min(bounds.low, Decimal(0))), float(bounds.high)
    if not np.isfinite([least, median, most, quantity.mean]).all():
        raise refused(key, quantity, "Its values must be finite.")
    if least < low or median > high or (bounds.kind is Kind.SHARE and most > high):
        raise WorkloadError(
            f"{key} is {shown(quantity)}, from {number_text(least)} to {number_text(most)}. Its "
            f"values must lie between {number_text(low)} and {number_text(high)}."
        )
    return quantity


def _bounded(key: str, value: object, bounds: Bounds) -> Decimal:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise refused(key, value, f"It must be a number: {bounds.kind.value}.")
    number = exact_number(key, value, f"It must be {bounds.kind.value}.")
    if number < 0 <= bounds.low:
        raise refused(key, number, "It cannot be negative.")
    if not bounds.low <= number <= bounds.high:
        low, high = number_text(bounds.low), number_text(bounds.high)
        raise refused(key, number, f"It must lie between {low} and {high}.")
    if -int(number.as_tuple().exponent) > MAX_PLACES:
        advice = f"It may have at most {MAX_PLACES} decimal places; round it."
        raise refused(key, number, advice)
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
        raise WorkloadError(f"percentiles must not fall ({given}). Put them in order.")
    if p50 == p90 and p10 in (None, p50):
        return Constant(numbers["p50"])
    if bounds.kind is Kind.POSITIVE:
        least = p50 if p10 is None else p10
        if least == 0:
            raise WorkloadError(
                f"a percentile is 0 ({given}), which a positive spread cannot meet. "
                'Give a small number, or {from = "log.csv"}.'
            )
        if p90 / least > MAX_SPREAD:
            raise WorkloadError(f"p90 is over {MAX_SPREAD:,} times the least percentile ({given}).")
        return SplitLognormal.from_percentiles(
            p50**2 / p90 if p10 is None else p10, p50, p90, given
        )
    low, high = float(bounds.low), float(bounds.high)
    mirrored = 2 * p50 - p90 if p10 is None else p10
    return SplitNormal(p50, (p50 - mirrored) / Z90, (p90 - p50) / Z90, low, high, given)


def _from_mean_sd(key: str, mean: float, sd: float, bounds: Bounds, given: str) -> Quantity:
    if bounds.kind is Kind.RATE:
        low, high = float(bounds.low), float(bounds.high)
        beyond = ndtr((low - mean) / sd) + ndtr((mean - high) / sd)
        if beyond > MAX_BEYOND:
            raise WorkloadError(
                f"{beyond:.0%} of it would lie outside of {number_text(low)} to "
                f"{number_text(high)} ({given}). Give a smaller sd, or {{p10, p50, p90}}."
            )
        return SplitNormal(mean, sd, sd, low, high, given)
    if mean == 0 or (mean == 1 and (bounds.kind is Kind.SHARE or key == "turns")):
        raise WorkloadError(f"a mean of {number_text(mean)} leaves no room for an sd ({given}).")
    if sd / mean > MAX_SPREAD:
        raise WorkloadError(f"sd is over {MAX_SPREAD:,} times the mean ({given}).")
    if key == "turns":
        return WholeTurns(mean, sd, given)
    if bounds.kind is Kind.POSITIVE:
        return SplitLognormal.from_mean_sd(mean, sd, given)
    with restated(then=f" ({given}).", of=ValueError, fault=WorkloadError):
        return Beta.from_mean_sd(mean, sd, given)
