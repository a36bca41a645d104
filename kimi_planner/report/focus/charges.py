"""One charge for the tokens of a model and meter in a period, as a row of FOCUS 1.2.

The FinOps Open Cost and Usage Specification is at https://focus.finops.org; the keys of
``SkuPriceDetails`` are those drafted for version 1.5.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd

from kimi_planner.catalog import ModelSpec
from kimi_planner.money import from_units, plain
from kimi_planner.plan.calendar import Month
from kimi_planner.safe import csv_text

__all__ = [
    "COLUMNS",
    "MANDATORY",
    "NOT_STATED",
    "Account",
    "Charge",
    "Forecast",
    "charges_of",
    "focus_csv",
    "frame_of",
]

#: The account where nobody says it; the column must not be null.
NOT_STATED = "not stated"
#: Columns that every FOCUS 1.2 file has.
MANDATORY = (
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
)
COLUMNS = (
    *MANDATORY,
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
    "ConsumedUnit": "Tokens",
    "InvoiceIssuerName": _PROVIDER,
    "PricingCategory": "Standard",
    "PricingUnit": "1000000 Tokens",
    "ProviderName": _PROVIDER,
    "PublisherName": _PROVIDER,
    "ServiceCategory": "AI and Machine Learning",
    "ServiceName": "Kimi API",
    "ServiceSubcategory": "Generative AI",
}
#: From a meter to its name and its details.
_METERS = {
    "input": ("Input Tokens", {"TokenDirection": "Input", "TokenCacheAction": "Uncached"}),
    "cached": ("Cached Input Tokens", {"TokenDirection": "Input", "TokenCacheAction": "Read"}),
    "output": ("Output Tokens", {"TokenDirection": "Output"}),
}
_PRICES = {
    "input": "input_usd_per_mtok",
    "cached": "cached_input_usd_per_mtok",
    "output": "output_usd_per_mtok",
}


@dataclass(frozen=True, kw_only=True)
class Account:
    """Whose bill it is.

    Attributes
    ----------
    id, name
        As the provider has them.
    """

    id: str
    name: str | None


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What marks a row as no actual: the scenario, and its percentile if it has one."""

    scenario: str
    percentile: int | None = None


@dataclass(frozen=True, kw_only=True)
class Charge:
    """Tokens of one meter in one period.

    Attributes
    ----------
    first, end
        First day, and first day after the last one.
    billed_usd
        What is billed if that is not the list cost.
    """

    spec: ModelSpec
    meter: str
    tokens: int
    first: date
    end: date
    tags: Mapping[str, str]
    forecast: Forecast | None = None
    billed_usd: Decimal | None = None

    @property
    def list_usd(self) -> Decimal:
        """Tokens times the list price, exact."""
        rates = self.spec.rates()
        return from_units(self.tokens * int(getattr(rates, self.meter)), rates.places)

    def row(self, account: Account) -> dict[str, Any]:
        """Return the charge by the columns of FOCUS."""
        name, details = _METERS[self.meter]
        billed = self.list_usd if self.billed_usd is None else self.billed_usd
        month = Month(self.first.year, self.first.month)
        model, catalog = self.spec.id, self.spec.catalog_version
        silent = self.meter == "cached" and self.spec.cached_input_usd_per_mtok is None
        note = "; no cached price is stated, billed as input" if silent else ""
        return {
            **_SAME,
            "BilledCost": billed,
            "BillingAccountId": account.id,
            "BillingAccountName": account.name,
            "BillingPeriodEnd": _point(month.next.first),
            "BillingPeriodStart": _point(month.first),
            "ChargeDescription": f"{model}, {name.lower()}{note}",
            "ChargePeriodEnd": _point(self.end),
            "ChargePeriodStart": _point(self.first),
            "ConsumedQuantity": Decimal(self.tokens),
            "ContractedCost": self.list_usd,
            "EffectiveCost": billed,
            "InvoiceId": None,  # neither a log nor a plan knows of an invoice
            "ListCost": self.list_usd,
            "ListUnitPrice": self._unit_price(),
            "PricingQuantity": from_units(self.tokens, 6),
            "SkuId": model,
            "SkuMeter": name,
            "SkuPriceDetails": _json({"ModelId": model, **details}),
            "SkuPriceId": f"{catalog}/{model}/{self.meter}",
            "Tags": _json(dict(self.tags)),
            "x_CatalogVersion": catalog,
            "x_IsForecast": "false" if self.forecast is None else "true",
            "x_Percentile": None if self.forecast is None else self.forecast.percentile,
            "x_Scenario": None if self.forecast is None else self.forecast.scenario,
        }

    def _unit_price(self) -> Decimal:
        price = getattr(self.spec, _PRICES[self.meter])
        full = self.spec.input_usd_per_mtok if price is None else price
        return plain(Decimal(full or 0))


def charges_of(
    spec: ModelSpec, prompt: int, cached: int, completion: int, **common: Any
) -> Iterator[Charge]:
    """Yield a charge for each meter that has tokens; no token is in two."""
    for meter, tokens in (("input", prompt - cached), ("cached", cached), ("output", completion)):
        if tokens:
            yield Charge(spec=spec, meter=meter, tokens=tokens, **common)


def frame_of(charges: Iterable[Charge], account: Account) -> pd.DataFrame:
    """Return charges as a frame: amounts are exact decimals, what is null is ``None``."""
    rows = [charge.row(account) for charge in charges]
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


def day_after(day: date) -> date:
    """Return the next day."""
    return day + timedelta(days=1)


def _point(day: date) -> str:
    return f"{day}T00:00:00Z"


def _json(data: Mapping[str, str]) -> str:
    return json.dumps(data, ensure_ascii=False, sort_keys=True)
