"""What a plan expects, as FOCUS rows that are marked as a forecast."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.arguments import public
from kimi_planner.billing.meters import Amounts, ByMeter
from kimi_planner.billing.tariff import Tariff
from kimi_planner.catalog import Exchange
from kimi_planner.errors import SettingError, shown
from kimi_planner.money import EXACT, exact_decimal, total
from kimi_planner.plan.booking import Booked
from kimi_planner.plan.budget import BudgetMatrix, budget_matrix
from kimi_planner.plan.calendar import Month
from kimi_planner.plan.projection import Projection
from kimi_planner.plan.spend import Spend
from kimi_planner.report.focus.charges import COSTS, NOT_STATED, charges_of, frame_of, other_charge

_PLACES = 6  # of a dollar, as in the JSON form of a plan


@public
def focus_forecast(
    projection: Projection,
    choice: Mapping[str, str] | str,
    *,
    percentile: int | None = None,
    number: Booked | None = None,
    exchange: Exchange | None = None,
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
    exchange : Exchange, optional
        Rates at which the charges of each month are billed in another currency than they are priced in,
        as :attr:`Catalog.exchange` has them.
    account_id, account_name : str, optional
        Whose bill it would be, as the provider has it.

    Returns
    -------
    DataFrame
        As :func:`focus_usage` returns it, with ``x_IsForecast`` true, ``x_Measure`` ``expected``,
        ``percentile`` or the name of the bookable number, and ``x_Percentile``. ``Tags`` has the
        workload, and its owner and cost centre where they are stated. Add up rows of one percentile only; percentiles of
        months and workloads do not add up to percentiles of their total.

    Raises
    ------
    SettingError
        If the plan has no such workload or model, or the percentile is out of bounds.

    Notes
    -----
    ``ListCost`` is whole tokens at the price of the month's first day. ``BilledCost`` is what the
    plan says of each meter, to a millionth of a dollar, with changes of price inside the month.
    What launches and changes of price to come cost is in the rows of their months, and in no row of its own,
    in which it would count twice: ``BilledCost`` less ``ListCost`` is what changes of price do. A
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
    measure = "expected" if percentile is None else "percentile"
    if number is not None and not number.booking.is_expected:
        measure = number.booking.words
    mark = {
        "BillingCurrency": projection.catalog.currency,
        "x_IsForecast": "true",
        "x_Percentile": percentile,
        "x_Measure": measure,
    }
    rows = [
        row
        for name, model in chosen.items()
        for row in _charges(projection, name, model, percentile, number, mark)
    ]
    if number is not None:
        matrix = budget_matrix(projection, chosen, number)
        rows = [*rows, *_others(projection.months, matrix, rows, mark)]
    return frame_of(rows, account_id, account_name, exchange)


def _others(
    months: Sequence[Month],
    matrix: BudgetMatrix,
    rows: Sequence[Mapping[str, Any]],
    mark: Mapping[str, Any],
) -> Iterator[dict[str, Any]]:
    """Yield the credits and the tax of each month, where the plan has some.

    The tax on each kind of cost is that on the same kind of the month's other charges, as FOCUS
    has it: rules ListCost-C-007-C, ContractedCost-C-007-C and EffectiveCost-C-009-C of version 1.2.
    """
    percent = exact_decimal(matrix.booking.tax_percent)
    _, words, _ = matrix.lines(matrix.whole)
    for month in months:
        credit = matrix.credits.get(str(month), Decimal(0)).copy_negate()
        if credit:
            yield other_charge(month, "Credit", "credits", dict.fromkeys(COSTS, credit), mark)
        usage = [row for row in rows if row["ChargePeriodStart"].startswith(str(month))]
        with localcontext(EXACT):
            tax = {
                cost: (total(row[cost] for row in usage) + credit) * percent / 100 for cost in COSTS
            }
        if any(tax.values()):
            yield other_charge(month, "Tax", words, tax, mark)


def _charges(
    projection: Projection,
    name: str,
    model: str,
    percentile: int | None,
    number: Booked | None,
    mark: Mapping[str, Any],
) -> Iterator[dict[str, Any]]:
    spend, spec = projection.of(model, name), projection.catalog.model(model)
    [load] = (one for one in projection.workloads if one.name == name)
    labels = {"workload": name, "owner": load.owner, "cost_centre": load.cost_centre}
    tags = {key: label for key, label in labels.items() if label}
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
            tags=tags,
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
