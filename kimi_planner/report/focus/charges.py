"""One charge for what was used of a model and meter in a period, as a row of FOCUS 1.2.

The FinOps Open Cost and Usage Specification is at https://focus.finops.org; the keys of
``SkuPriceDetails`` are those drafted for version 1.5, and ``x_`` those of our own. A batch has the
pricing category ``Standard``, as its price is agreed beforehand: ``Dynamic`` is for prices that the
provider moves, ``Committed`` for discounts on a commitment.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd

from kimi_planner.billing.call import bill_of
from kimi_planner.billing.meters import METERS, Usage, title_of
from kimi_planner.billing.tariff import Tariff
from kimi_planner.money import from_units, plain
from kimi_planner.plan.calendar import Month
from kimi_planner.safe import csv_text

__all__ = [
    "COLUMNS",
    "NOT_STATED",
    "Charge",
    "charges_of",
    "focus_csv",
    "frame_of",
]

#: The account where nobody says it; the column must not be null.
NOT_STATED = "not stated"
#: Those that every FOCUS 1.2 file has, and then others.
COLUMNS = (
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ContractedCost",
    "EffectiveCost",
    "InvoiceIssuerName",
    "ListCost",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "ServiceCategory",
    "ServiceName",
    "ChargeFrequency",
    "ConsumedQuantity",
    "ConsumedUnit",
    "InvoiceId",
    "ListUnitPrice",
    "PricingCategory",
    "ServiceSubcategory",
    "SkuId",
    "SkuMeter",
    "SkuPriceDetails",
    "SkuPriceId",
    "Tags",
    "x_CatalogVersion",
    "x_IsForecast",
    "x_Percentile",
    "x_Scenario",
)
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
_ACTUAL = {"x_IsForecast": "false", "x_Percentile": None, "x_Scenario": None}
_ACTIONS = {
    "input": {"TokenCacheAction": "Uncached"},
    "cached": {"TokenCacheAction": "Read"},
    "cache_write_5m": {"TokenCacheAction": "Write", "x_CacheLifetime": "5 minutes"},
    "cache_write_1h": {"TokenCacheAction": "Write", "x_CacheLifetime": "1 hour"},
}


@dataclass(frozen=True, kw_only=True)
class Charge:
    """What was used of one meter or fee in one period.

    Attributes
    ----------
    quantity
        Tokens, or calls of a fee.
    first, end
        First day, and first day after the last one.
    since
        The first day of its price, where the catalog dates it.
    mark
        The columns that tell actual from forecast.
    billed_usd
        What is billed if that is not the list cost.
    """

    tariff: Tariff
    meter: str
    quantity: int
    first: date
    end: date
    tags: Mapping[str, str]
    since: date | None = None
    mark: Mapping[str, Any] = field(default_factory=lambda: _ACTUAL)
    billed_usd: Decimal | None = None

    @property
    def list_usd(self) -> Decimal:
        """The quantity at the list price, exact."""
        return bill_of([(self.tariff, Usage({self.meter: self.quantity}))])[self.meter]

    def row(self) -> dict[str, Any]:
        """Return the charge by the columns of FOCUS, all but those of the account."""
        listed = self.list_usd
        billed = listed if self.billed_usd is None else self.billed_usd
        month = Month(self.first.year, self.first.month)
        model, catalog = self.tariff.model, self.tariff.catalog_version
        unstated = self.meter in METERS and not self.tariff.states(self.meter)
        title = title_of(self.meter)
        return {
            **_SAME,
            **self.mark,
            **self._priced(),
            "BilledCost": billed,
            "BillingPeriodEnd": _point(month.next.first),
            "BillingPeriodStart": _point(month.first),
            "ChargeDescription": f"{model}, {title}"
            f"{'; no price of it is stated, billed as input' if unstated else ''}",
            "ChargePeriodEnd": _point(self.end),
            "ChargePeriodStart": _point(self.first),
            "ConsumedQuantity": Decimal(self.quantity),
            "ContractedCost": listed,
            "EffectiveCost": billed,
            "InvoiceId": None,  # neither a log nor a plan knows of an invoice
            "ListCost": listed,
            "SkuId": model,
            "SkuPriceId": f"{catalog}/{model}/{self.meter}{f'/{self.since}' if self.since else ''}",
            "Tags": _json(dict(self.tags)),
            "x_CatalogVersion": catalog,
        }

    def _priced(self) -> dict[str, Any]:
        """Return what differs between tokens, batches of them, and calls of a fee."""
        title, model = title_of(self.meter).title(), self.tariff.model
        meter = METERS.get(self.meter)
        if meter is None:
            return {
                "ConsumedUnit": "Requests",
                "ListUnitPrice": plain(self.tariff.price(self.meter)),
                "PricingQuantity": Decimal(self.quantity),
                "PricingUnit": "Requests",
                "SkuMeter": title,
                "SkuPriceDetails": _json({"ModelId": model}),
            }
        details = {
            "ModelId": model,
            "TokenDirection": meter.direction,
            **_ACTIONS.get(meter.plain or meter.key, {}),
            **({"x_Batch": "true"} if meter.plain else {}),
        }
        return {
            "ConsumedUnit": "Tokens",
            "ListUnitPrice": plain(self.tariff.usd_per_mtok(self.meter)),
            "PricingQuantity": from_units(self.quantity, 6),
            "PricingUnit": "1000000 Tokens",
            "SkuMeter": f"{title} Tokens",
            "SkuPriceDetails": _json(details),
        }


def charges_of(tariff: Tariff, usage: Usage, **common: Any) -> Iterator[Charge]:
    """Yield a charge for each meter that was used; no token is in two."""
    order = [*METERS, *(key for key, _ in usage if key not in METERS)]
    for key in order:
        if usage[key]:
            yield Charge(tariff=tariff, meter=key, quantity=usage[key], **common)


def frame_of(charges: Iterable[Charge], account_id: str, account_name: str | None) -> pd.DataFrame:
    """Return charges as a frame: amounts are exact decimals, what is null is ``None``."""
    account = {"BillingAccountId": account_id, "BillingAccountName": account_name}
    rows = [account | charge.row() for charge in charges]
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)


def focus_csv(frame: pd.DataFrame) -> str:
    """Return FOCUS rows as CSV: amounts without exponents, nulls empty, text harmless."""
    return csv_text(
        frame.map(lambda value: _spelled(value) if isinstance(value, Decimal) else value)
    )


def _spelled(number: Decimal) -> str:
    """Return a decimal that readers take for one, also where it is whole."""
    text = format(number, "f")
    return text if "." in text else f"{text}.0"


def _point(day: date) -> str:
    return f"{day}T00:00:00Z"


def _json(data: Mapping[str, str]) -> str:
    return json.dumps(data, ensure_ascii=False, sort_keys=True)
