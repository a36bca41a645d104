"""The exact cost of one call, or of a total of calls, by meter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from kimi_planner.arguments import public
from kimi_planner.billing.meters import FEE, METERS, ByMeter, Usage
from kimi_planner.billing.record import UsageRecord
from kimi_planner.billing.tariff import Tariff
from kimi_planner.catalog import Catalog, ModelSpec, load_catalog
from kimi_planner.errors import UsageError, shown
from kimi_planner.money import plain, total
from kimi_planner.notes import Note, noted
from kimi_planner.rich import Page, Shown

#: How long tokens that are written to a cache stay there, by their meter.
LIFETIMES = {"cache_write_5m": "5 minutes", "cache_write_1h": "1 hour"}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Cost(Shown):
    """What a call, or a number of calls, costs.

    Attributes
    ----------
    usd
        From the key of a meter or fee to USD; exact, never rounded.
    model, catalog_version
        Whose prices.
    notes
        What the reader must know, such as a cached price that the catalog does not state.
    """

    usd: Mapping[str, Decimal]
    model: str
    catalog_version: str
    notes: tuple[Note, ...] = ()

    def page(self) -> Page:
        """Return the cost by meter."""
        return Page(
            title=f"{self.total_usd:f} USD on {self.model}, exact",
            frame=[{"meter": key, "exact": f"{amount:f} USD"} for key, amount in self.usd.items()],
            notes=self.notes,
            provenance=f"Catalog {self.catalog_version}.",
        )

    @classmethod
    def of(cls, usage: Usage, tariff: Tariff) -> Cost:
        """Return the cost of whole numbers of tokens, however large."""
        return cls(
            usd=bill_of([(tariff, usage)]),
            model=tariff.model,
            catalog_version=tariff.catalog_version,
            notes=unstated_notes([(tariff, usage)]),
        )

    def _of(self, *keys: str) -> Decimal:
        plain_keys = {key: METERS[key].plain or key for key in self.usd if key in METERS}
        return plain(total(self.usd[key] for key, one in plain_keys.items() if one in keys))

    @property
    def input_usd(self) -> Decimal:
        """Prompt tokens neither cached nor written to a cache."""
        return self._of("input")

    @property
    def cached_usd(self) -> Decimal:
        """Prompt tokens served from a cache."""
        return self._of("cached")

    @property
    def cache_write_usd(self) -> Decimal:
        """Prompt tokens written to a cache."""
        return self._of("cache_write_5m", "cache_write_1h")

    @property
    def output_usd(self) -> Decimal:
        """Completion tokens."""
        return self._of("output")

    @property
    def fees_usd(self) -> Decimal:
        """Fees by the call."""
        return plain(total(usd for key, usd in self.usd.items() if key.startswith(FEE)))

    @property
    def total_usd(self) -> Decimal:
        """Sum of all meters."""
        return plain(total(self.usd.values()))


def bill_of(parts: Iterable[tuple[Tariff, Usage]]) -> dict[str, Decimal]:
    """Return the exact cost of usages together by meter, each at its own prices."""
    bill = sum((tariff.bill(usage) for tariff, usage in parts), ByMeter({}))
    usd = {key: plain(Decimal(amount)) for key, amount in bill}
    return {"input": Decimal(0), "output": Decimal(0)} | usd


def usd_columns(keys: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the columns of a bill and the meters in each: fees in one, the total of all last."""
    used = {"input", "cached", "output", *keys}
    columns: dict[str, tuple[str, ...]] = {f"{key}_usd": (key,) for key in METERS if key in used}
    if fees := tuple(key for key in used if key.startswith(FEE)):
        columns["fees_usd"] = fees
    return columns | {"total_usd": tuple(used)}


@public
def cost(
    usage: Any,
    model: str,
    *,
    as_of: date | str | None = None,
    catalog: Catalog | str | Path | None = None,
    batch: bool = False,
    fees: Mapping[str, int] | None = None,
) -> Cost:
    """Return the exact cost of one call.

    Parameters
    ----------
    usage : UsageRecord, mapping or object
        The call's usage object, in any form that :meth:`UsageRecord.of` reads; with the tokens
        written to a cache where it states them.
    model : str
        Model id in the catalog.
    as_of : date, datetime or str, optional
        The day of the call, whose prices count; those of the catalog's month of publication if not
        given.
    catalog : Catalog, str or Path, optional
        Whose prices; the default catalog if not given.
    batch : bool
        Whether the call was part of a batch.
    fees : mapping of str to int, optional
        From the name of a fee in the catalog, such as ``"web search"``, to how often it is due.

    Returns
    -------
    Cost
        Decimals in USD by meter; nothing is rounded.

    Raises
    ------
    UsageError
        If the usage object is malformed, or more is written to a cache than was not cached.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, states no price for it or no such fee, or no batch price
        for a batch.

    Notes
    -----
    Each meter's amount times its price. Cached tokens without a price of their own are billed as
    input, and so are tokens written to a cache. In a batch every price of a token is multiplied;
    fees are not.

    Examples
    --------
    >>> cost({"prompt_tokens": 2000, "completion_tokens": 500}, model="kimi-k2").total_usd
    Decimal('0.0042')
    """
    record = UsageRecord.of(usage)
    for name, count in (fees or {}).items():
        if type(count) is not int or count < 0:
            raise UsageError(
                f"Fee {name!r} is due {shown(count)} times; give a whole number from 0."
            )
    catalog = load_catalog(catalog, as_of=as_of)
    usage_by_meter = record.as_usage(fees, batch=batch)
    return Cost.of(usage_by_meter, Tariff.of(catalog.model(model), catalog.fees))


def unstated_notes(parts: Iterable[tuple[Tariff, Usage]]) -> tuple[Note, ...]:
    """Say which meters of some usages are billed at what stands in for a price."""
    silent: dict[str, dict[str, str]] = {}
    for tariff, usage in parts:
        for key in tariff.unstated(usage):
            silent.setdefault(key, {})[tariff.model] = tariff.catalog_version
    cached = silent.get("cached", {})
    notes = noted("no_cached_price", catalog=dict.fromkeys(cached.values()), models=cached)
    for key, lifetime in LIFETIMES.items():
        models = silent.get(key, {})
        notes += noted(
            "no_write_price",
            catalog=dict.fromkeys(models.values()),
            lifetimes=lifetime,
            models=models,
            where=models,
        )
    return notes


def cached_price_notes(
    specs: Iterable[ModelSpec], code: str = "no_cached_price", **about: Any
) -> tuple[Note, ...]:
    """Say of which models cached tokens are billed as input, as the catalog has no price for them."""
    silent = [spec for spec in specs if spec.cached_input_usd_per_mtok is None]
    versions = dict.fromkeys(spec.catalog_version for spec in silent)
    return noted(code, catalog=versions, models=[spec.id for spec in silent], **about)
