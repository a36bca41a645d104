"""The exact cost of one call, or of a total of tokens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

from kimi_planner.billing.record import UsageRecord
from kimi_planner.catalog import PRICES, Catalog, ModelSpec, load_catalog
from kimi_planner.errors import PriceNotFoundError, UsageError, shown
from kimi_planner.money import EXACT, from_units, plain, total
from kimi_planner.notes import Note, note, noted

__all__ = [
    "COST_COLUMNS",
    "Cost",
    "cached_price_notes",
    "cost",
    "cost_of_tokens",
    "dated_price_notes",
]

COST_COLUMNS = ("input_usd", "cached_usd", "output_usd", "total_usd")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a call, or a number of calls, costs.

    Attributes
    ----------
    input_usd, cached_usd, output_usd
        Uncached prompt tokens, cached prompt tokens, completion tokens; exact, never rounded.
    cache_write_usd, fees_usd
        Prompt tokens written to a cache, which are not in ``input_usd``; fees by the call.
    model, catalog_version
        Whose prices.
    notes
        What the reader must know, such as a cached price that the catalog does not state.
    """

    input_usd: Decimal
    cached_usd: Decimal
    output_usd: Decimal
    model: str
    catalog_version: str
    notes: tuple[Note, ...] = ()
    cache_write_usd: Decimal = Decimal(0)
    fees_usd: Decimal = Decimal(0)

    @property
    def total_usd(self) -> Decimal:
        """Sum of the parts."""
        parts = (self.input_usd, self.cached_usd, self.output_usd)
        return plain(total((*parts, self.cache_write_usd, self.fees_usd)))


def cost(
    usage: Any,
    model: str,
    *,
    catalog: Catalog | str | Path | None = None,
    batch: bool = False,
    written_5m: int = 0,
    written_1h: int = 0,
    fees: Mapping[str, int] | None = None,
) -> Cost:
    """Return the exact cost of one call.

    Parameters
    ----------
    usage : UsageRecord, mapping or object
        The call's usage object, in any form that :meth:`UsageRecord.of` reads.
    model : str
        Model id in the catalog.
    catalog : Catalog, str or Path, optional
        Whose prices; the default catalog if not given.
    batch : bool
        Whether the call was part of a batch.
    written_5m, written_1h : int
        Prompt tokens, not cached before, that were written to a cache for five minutes or an hour.
    fees : mapping of str to int, optional
        From the name of a fee in the catalog, such as ``"web search"``, to how often it is due.

    Returns
    -------
    Cost
        Decimals in USD; nothing is rounded.

    Raises
    ------
    UsageError
        If the usage object is malformed, or more is written to a cache than was not cached.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, states no price for it or no such fee, or no batch price
        for a batch.

    Notes
    -----
    ``(prompt - cached) * input + cached * cached_input + completion * output``, prices per
    1,000,000 tokens from the catalog. Without a cached price, cached tokens are billed as input.
    Tokens written to a cache are billed at the price of writing instead of input; without one, as
    input. Fees are on top, also in a batch.

    Examples
    --------
    >>> cost({"prompt_tokens": 2000, "completion_tokens": 500}, model="kimi-k2").total_usd
    Decimal('0.0042')
    """
    record = UsageRecord.of(usage)
    catalog = load_catalog(catalog)
    spec = catalog.model(model)
    if batch:
        spec = _in_batch(catalog, spec)
    cached = record.cached_tokens or 0
    found = cost_of_tokens(record.prompt_tokens, cached, record.completion_tokens, spec)
    if written_5m or written_1h:
        found = _with_writes(found, record.prompt_tokens - cached, (written_5m, written_1h), spec)
    return replace(found, fees_usd=_fees(catalog, fees)) if fees else found


def _in_batch(catalog: Catalog, spec: ModelSpec) -> ModelSpec:
    if spec.batch_multiplier is None:
        raise PriceNotFoundError(
            f"Catalog {catalog.version} states no batch price for {spec.id!r}, so the cost of a batch cannot "
            "be told. Add batch_multiplier in a new catalog version."
        )
    return catalog.in_batch().model(spec.id)


def _with_writes(found: Cost, uncached: int, written: tuple[int, int], spec: ModelSpec) -> Cost:
    """Bill some of the uncached tokens as written to a cache, instead of as input."""
    for count in written:
        if type(count) is not int or count < 0:
            raise UsageError(
                f"{shown(count)} tokens written to a cache; give a whole number from 0."
            )
    if sum(written) > uncached:
        raise UsageError(
            f"{sum(written)} tokens are written to a cache, but only {uncached} prompt tokens were not "
            "cached. Written tokens are part of the prompt."
        )
    full = spec.input_usd_per_mtok
    prices = (spec.cache_write_5m_usd_per_mtok, spec.cache_write_1h_usd_per_mtok)
    silent = [
        kind
        for kind, count, price in zip(("5 minutes", "1 hour"), written, prices, strict=True)
        if count and price is None
    ]
    unpriced = noted(
        "no_write_price",
        catalog=spec.catalog_version,
        lifetimes=silent,
        models=spec.id,
        where=spec.id,
    )
    assert full is not None, "the cost is known"  # noqa: S101 - narrows the type
    with localcontext(EXACT):
        writes = sum(
            (
                count * (full if price is None else price)
                for count, price in zip(written, prices, strict=True)
            ),
            Decimal(0),
        )
        return replace(
            found,
            input_usd=plain(((uncached - sum(written)) * full).scaleb(-6)),
            cache_write_usd=plain(writes.scaleb(-6)),
            notes=found.notes + unpriced,
        )


def _fees(catalog: Catalog, fees: Mapping[str, int]) -> Decimal:
    known = {fee.name: fee.usd_per_call for fee in catalog.fees}
    amounts = []
    for name, count in fees.items():
        if name not in known:
            raise PriceNotFoundError(
                f"Catalog {catalog.version} states no fee {shown(name)}, so it cannot be billed. It has "
                f"{', '.join(known) or 'none'}."
            )
        if type(count) is not int or count < 0:
            raise UsageError(
                f"Fee {name!r} is due {shown(count)} times; give a whole number from 0."
            )
        amounts.append(count * known[name])
    return plain(total(amounts))


def cost_of_tokens(prompt: int, cached: int, completion: int, spec: ModelSpec) -> Cost:
    """Return the exact cost of whole numbers of tokens, however large, on one model."""
    rates = spec.rates()
    return Cost(
        input_usd=from_units((prompt - cached) * rates.input, rates.places),
        cached_usd=from_units(cached * rates.cached, rates.places),
        output_usd=from_units(completion * rates.output, rates.places),
        model=spec.id,
        catalog_version=spec.catalog_version,
        notes=cached_price_notes([spec]) if cached else (),
    )


def dated_price_notes(specs: Iterable[ModelSpec]) -> tuple[Note, ...]:
    """Say which models have other prices on other days than those that a log is billed at."""
    return tuple(
        note("prices_differ", models=spec.id, day=spec.priced_on)
        for spec in specs
        if len({tuple(getattr(one, name) for name in PRICES) for one in spec.price_periods}) > 1
    )


def cached_price_notes(
    specs: Iterable[ModelSpec], code: str = "no_cached_price", **about: Any
) -> tuple[Note, ...]:
    """Say of which models cached tokens are billed as input, as the catalog has no price for them."""
    silent = [spec for spec in specs if spec.cached_input_usd_per_mtok is None]
    versions = dict.fromkeys(spec.catalog_version for spec in silent)
    return noted(code, catalog=versions, models=[spec.id for spec in silent], **about)
