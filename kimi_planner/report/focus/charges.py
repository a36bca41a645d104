"""One charge for what was used of a model and meter in a period, as a row of FOCUS 1.2.

The FinOps Open Cost and Usage Specification is at https://focus.finops.org; the keys of
``SkuPriceDetails`` are those drafted for version 1.5, and ``x_`` those of our own. A batch has the
pricing category ``Standard``, as its price is agreed beforehand: ``Dynamic`` is for prices that the
provider moves, ``Committed`` for discounts on a commitment.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd

from kimi_planner.billing.call import bill_of
from kimi_planner.billing.meters import METERS, Usage, title_of
from kimi_planner.billing.tariff import Tariff
from kimi_planner.catalog import Exchange
from kimi_planner.money import at_rate, from_units, plain
from kimi_planner.plan.calendar import Month
from kimi_planner.safe import csv_text

#: The account where nobody says it; the column must not be null.
NOT_STATED = "not stated"
#: Those that every FOCUS 1.2 file has, and then others.
COLUMNS = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd",
    "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd",
    "ChargePeriodStart", "ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost",
    "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "ServiceCategory",
    "ServiceName", "ChargeFrequency", "ConsumedQuantity", "ConsumedUnit", "InvoiceId",
    "ListUnitPrice", "PricingCategory", "ServiceSubcategory", "SkuId", "SkuMeter",
    "SkuPriceDetails", "SkuPriceId", "Tags", "x_CatalogVersion", "x_IsForecast", "x_Percentile",
    "x_Measure",
)  # fmt: skip
#: Those of amounts, and what of them FOCUS also states in the currency of the prices.
COSTS = ("BilledCost", "ContractedCost", "EffectiveCost", "ListCost")
PRICED = {
    "PricingCurrency": "BillingCurrency",
    "PricingCurrencyEffectiveCost": "EffectiveCost",
    "PricingCurrencyListUnitPrice": "ListUnitPrice",
}
_PROVIDER = "Moonshot AI"
_SAME = {
    "BillingCurrency": "USD",
    "ChargeCategory": "Usage",
    "ChargeClass": None,
    "ChargeFrequency": "Usage-Based",
    "InvoiceIssuerName": _PROVIDER,
    "PricingCategory": "Standard",
    "ProviderName": _PROVIDER,
    "PublisherName": _PROVIDER,
    "ServiceCategory": "AI and Machine Learning",
    "ServiceName": "Kimi API",
    "ServiceSubcategory": "Generative AI",
}
#: What marks a row as actual.
_ACTUAL = {"x_IsForecast": "false", "x_Percentile": None, "x_Measure": None}
_ACTIONS = {
    "input": {"TokenCacheAction": "Uncached"},
    "cached": {"TokenCacheAction": "Read"},
    "cache_write_5m": {"TokenCacheAction": "Write", "x_CacheLifetime": "5 minutes"},
    "cache_write_1h": {"TokenCacheAction": "Write", "x_CacheLifetime": "1 hour"},
}


def charges_of(
    tariff: Tariff,
    usage: Usage,
    *,
    first: date,
    end: date,
    since: date | None,
    tags: Mapping[str, str],
    mark: Mapping[str, Any] = _ACTUAL,
) -> dict[str, dict[str, Any]]:
    """Return what was used of each meter and fee in a period, by the columns of FOCUS.

    No token is in two. The columns of the account are left to :func:`frame_of`.

    Parameters
    ----------
    first, end
        First day, and first day after the last one.
    since
        The first day of the price, where the catalog dates it.
    mark
        The columns that tell actual from forecast.
    """
    period = {
        **_of_month(Month(first.year, first.month)),
        **mark,
        "ChargePeriodEnd": _point(end),
        "ChargePeriodStart": _point(first),
        "InvoiceId": None,  # neither a log nor a plan knows of an invoice
        "SkuId": tariff.model,
        "Tags": _json(tags),
        "x_CatalogVersion": tariff.catalog_version,
    }
    dated = f"/{since}" if since else ""
    order = [*METERS, *(key for key, _ in usage if key not in METERS)]
    return {key: period | _metered(tariff, key, usage[key], dated) for key in order if usage[key]}


def other_charge(
    month: Month, category: str, words: str, costs: Mapping[str, Decimal], mark: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a credit or a tax of a month, by the columns of FOCUS: amounts without any quantity."""
    return {
        **_of_month(month),
        **mark,
        **costs,
        "ChargeCategory": category,
        "ChargeDescription": words,
        "ChargeFrequency": "Recurring",
        "PricingCategory": None,
        "Tags": _json({}),
    }


def _of_month(month: Month) -> dict[str, Any]:
    """Return the columns that the charges of a whole month have alike."""
    ends = {"End": _point(month.next.first), "Start": _point(month.first)}
    periods = {f"{of}Period{name}": ends[name] for of in ("Billing", "Charge") for name in ends}
    return {**_SAME, **periods}


def _metered(tariff: Tariff, key: str, quantity: int, dated: str) -> dict[str, Any]:
    """Return the columns that differ between tokens, batches of them, and calls of a fee."""
    meter, model, title = METERS.get(key), tariff.model, title_of(key)
    unstated = meter is not None and not tariff.states(key)
    row = {
        **dict.fromkeys(COSTS, bill_of([(tariff, Usage({key: quantity}))])[key]),
        "ChargeDescription": f"{model}, {title}"
        f"{'; no price of it is stated, billed as input' if unstated else ''}",
        "ConsumedQuantity": Decimal(quantity),
        "SkuPriceId": f"{tariff.catalog_version}/{model}/{key}{dated}",
    }
    if meter is None:
        return row | {
            "ConsumedUnit": "Requests",
            "ListUnitPrice": plain(tariff.price(key)),
            "PricingQuantity": Decimal(quantity),
            "PricingUnit": "Requests",
            "SkuMeter": title.title(),
            "SkuPriceDetails": _json({"ModelId": model}),
        }
    details = {
        "ModelId": model,
        "TokenDirection": meter.direction,
        **_ACTIONS.get(meter.plain or meter.key, {}),
        **({"x_Batch": "true"} if meter.plain else {}),
    }
    return row | {
        "ConsumedUnit": "Tokens",
        "ListUnitPrice": plain(tariff.usd_per_mtok(key)),
        "PricingQuantity": from_units(quantity, 6),
        "PricingUnit": "1000000 Tokens",
        "SkuMeter": f"{title.title()} Tokens",
        "SkuPriceDetails": _json(details),
    }


def _billed_in(row: Mapping[str, Any], exchange: Exchange) -> dict[str, Any]:
    """Return a charge as it is billed in another currency than it is priced in."""
    [rate] = exchange.of_months([row["ChargePeriodStart"][:7]]).values()
    billed = {name: at_rate(row.get(name), rate) for name in (*COSTS, "ListUnitPrice")}
    priced = {name: row.get(own) for name, own in PRICED.items()}
    return {**row, **priced, **billed, "BillingCurrency": exchange.currency}


def frame_of(
    rows: Sequence[Mapping[str, Any]],
    account_id: str,
    account_name: str | None,
    exchange: Exchange | None,
) -> pd.DataFrame:
    """Return charges as a frame: amounts are exact decimals, what is null is ``None``.

    Where rates are given, each is billed at that of the first day of its month.
    """
    account = {"BillingAccountId": account_id, "BillingAccountName": account_name}
    billed = [_billed_in(row, exchange) for row in rows] if exchange else rows
    columns = [*COLUMNS, *(PRICED if exchange and rows else ())]
    return pd.DataFrame([{**account, **row} for row in billed], columns=columns, dtype=object)


def focus_csv(frame: pd.DataFrame) -> str:
    """Return FOCUS rows as CSV: amounts without exponents, nulls empty, text harmless."""
    return csv_text(
        frame.map(lambda value: _spelled(value) if isinstance(value, Decimal) else value)
    )


def _spelled(number: Decimal) -> str | Decimal:
    """Return a decimal that readers take for one, also where it is whole; a credit stays a number."""
    text = format(number, "f")
    text = text if "." in text else f"{text}.0"
    return Decimal(text) if number < 0 else text  # a text that begins with a minus is no number


def _point(day: date) -> str:
    return f"{day}T00:00:00Z"


def _json(data: Mapping[str, str]) -> str:
    return json.dumps(dict(data), ensure_ascii=False, sort_keys=True)
