"""What a plan expects, as FOCUS rows that are marked as a forecast."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.arguments import public
from kimi_planner.billing.meters import Amounts, ByMeter
from kimi_planner.billing.tariff import Tariff
from kimi_planner.errors import SettingError, shown
from kimi_planner.money import EXACT, exact_decimal, total
from kimi_planner.plan.booking import Booked
from kimi_planner.plan.budget import budget_matrix
from kimi_planner.plan.projection import Projection
from kimi_planner.plan.spend import Spend
from kimi_planner.report.focus.charges import NOT_STATED, charges_of, frame_of, other_charge

__all__ = ["focus_forecast"]

_PLACES = 6  # of a dollar, as in the JSON form of a plan


@public
def focus_forecast(
    projection: Projection,
    choice: Mapping[str, str] | str,
    *,
    percentile: int | None = None,
    number: Booked | None = None,
    account_id: str = NOT_STATED,
    account_name: str | None = None,
) -> pd.DataFrame:
    """Return what a plan expects as rows of FOCUS 1.2: one per workload, month and meter.

    Parameters
    ----------
    projection : Projection
        The plan.
    choice : str or mapping of str to str
        The model for all workloads, or workload name to model.
    percentile : int, optional
        From 1 to 99: the month's spend at this percentile of the paths, and all meters of the
        month in proportion to what is expected of them; the expected spend if not given.
    number : Booked, optional
        The bookable number, in place of either: each month of a workload has its part of it.
    account_id, account_name : str, optional
        Whose bill it would be, as the provider has it.

    Returns
    -------
    DataFrame
        As :func:`focus_usage` returns it, with ``x_IsForecast`` true, ``x_Measure`` ``expected``,
        ``percentile`` or the name of the bookable number, and ``x_Percentile``. Add up rows of one percentile only; percentiles of
        months and workloads do not add up to percentiles of their total.

    Raises
    ------
    SettingError
        If the plan has no such workload or model, or the percentile is out of bounds.

    Notes
    -----
    ``ListCost`` is whole tokens at the price of the month's first day. ``BilledCost`` is what the
    plan says of each meter, to a millionth of a dollar, with changes of price inside the month. A
    percentile is one of the month's spend: each meter has its share of the mean, not a percentile
    of its own.

    Examples
    --------
    >>> from kimi_planner import Workload, project
    >>> chat = Workload(name="chat", requests_per_day=1000, prompt_tokens=2000, completion_tokens=300)
    >>> plan = project(chat, 1, "2027-01", "kimi-k2", as_of="2026-11-28", catalog="2026-06")
    >>> rows = focus_forecast(plan, "kimi-k2")
    >>> rows[["ChargeDescription", "BilledCost"]].values.tolist()
    [['kimi-k2, input', Decimal('74.4')], ['kimi-k2, output', Decimal('33.48')]]
    """
    if percentile is not None and (type(percentile) is not int or not 1 <= percentile <= 99):
        raise SettingError(f"percentile is {shown(percentile)}. Give a whole number from 1 to 99.")
    chosen = dict.fromkeys(projection.names, choice) if isinstance(choice, str) else dict(choice)
    rows = [
        row
        for name, model in chosen.items()
        for row in _charges(projection, name, model, percentile, number)
    ]
    if number is not None:
        rows += _others(projection, chosen, number)
    return frame_of(rows, account_id, account_name)


def _others(
    projection: Projection, choice: Mapping[str, str], number: Booked
) -> Iterator[dict[str, Any]]:
    """Yield the credits and the tax of each month, where the plan has some."""
    matrix = budget_matrix(projection, choice, number)
    mark = {"x_IsForecast": "true", "x_Percentile": None, "x_Measure": number.booking.words}
    for month in projection.months:
        [span] = (one for one in matrix.spans if one.name == str(month))
        off, tax, _ = matrix.lines(span).items()
        for category, (words, amount) in (("Credit", off), ("Tax", tax)):
            if amount:
                yield other_charge(month, category, words, amount, mark)


def _charges(
    projection: Projection, name: str, model: str, percentile: int | None, number: Booked | None
) -> Iterator[dict[str, Any]]:
    spend, spec = projection.of(model, name), projection.catalog.model(model)
    measure = "expected" if percentile is None else "percentile"
    if number is not None and not number.booking.is_expected:
        measure = number.booking.words
    mark = {"x_IsForecast": "true", "x_Percentile": percentile, "x_Measure": measure}
    for place, month in enumerate(projection.months):
        amount, scale = _amount(spend, place, percentile)
        if number is not None:
            amount = number.cells[name, str(month)]
        days = [day for day in spec.price_days if day <= month.first]
        charges = charges_of(
            Tariff.of(spec.in_plans().on(month.first), projection.catalog.fees),
            _in_month(spend.usage, place).map(lambda one, scale=scale: round(one * scale)),
            first=month.first,
            end=month.next.first,
            since=max(days, default=None),
            tags={"workload": name},
            mark=mark,
        )
        yield from _billed(charges, amount, _in_month(spend.bill, place))


def _in_month(amounts: Amounts, place: int) -> Amounts:
    """Return the amounts of one month, of arrays by month."""
    return amounts.map(lambda one: float(one[place]) if np.ndim(one) else one)


def _amount(spend: Spend, place: int, percentile: int | None) -> tuple[Decimal, float]:
    """Return what a month costs, and that against what is expected."""
    if spend.exact_usd is not None:
        return spend.exact_usd[place], 1.0
    mean = float(spend.mean()[place])
    amount = mean if percentile is None else float(spend.quantile(percentile / 100)[place])
    return exact_decimal(round(amount, _PLACES)), amount / mean if mean else 1.0


def _billed(
    charges: dict[str, dict[str, Any]], amount: Decimal, bill: ByMeter
) -> list[dict[str, Any]]:
    """Return the charges of a month with its amount spread by meter, adding up to it exactly."""
    rows = list(charges.values())
    if not rows or amount == total(row["ListCost"] for row in rows):
        return rows
    expected = [Fraction(bill[meter]) for meter in charges]
    whole = sum(expected)
    shares = [one / whole if whole else Fraction(1, len(rows)) for one in expected]
    amounts = [_rounded(share * Fraction(amount)) for share in shares[1:]]
    with localcontext(EXACT):
        amounts.insert(0, amount - sum(amounts, Decimal(0)))
    return [
        row | {"BilledCost": billed, "EffectiveCost": billed}
        for row, billed in zip(rows, amounts, strict=True)
    ]


def _rounded(amount: Fraction) -> Decimal:
    return Decimal(round(amount * 10**_PLACES)).scaleb(-_PLACES)
