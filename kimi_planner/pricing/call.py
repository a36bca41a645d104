"""The exact cost of one call, or of a total of tokens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from kimi_planner.catalog import Catalog, ModelSpec, load_catalog
from kimi_planner.money import from_units, plain, total
from kimi_planner.usage.record import UsageRecord

__all__ = ["COST_COLUMNS", "Cost", "cached_price_notes", "cost", "cost_of_tokens"]

COST_COLUMNS = ("input_usd", "cached_usd", "output_usd", "total_usd")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a call, or a number of calls, costs.

    Attributes
    ----------
    input_usd, cached_usd, output_usd
        Uncached prompt tokens, cached prompt tokens, completion tokens; exact, never rounded.
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
    notes: tuple[str, ...] = ()

    @property
    def total_usd(self) -> Decimal:
        """Sum of the three parts."""
        return plain(total((self.input_usd, self.cached_usd, self.output_usd)))


def cost(usage: Any, model: str, *, catalog: Catalog | str | Path | None = None) -> Cost:
    """Return the exact cost of one call.

    Parameters
    ----------
    usage : UsageRecord, mapping or object
        The call's usage object, in any form that :meth:`UsageRecord.of` reads.
    model : str
        Model id in the catalog.
    catalog : Catalog, str or Path, optional
        Whose prices; the default catalog if not given.

    Returns
    -------
    Cost
        Decimals in USD; nothing is rounded.

    Raises
    ------
    UsageError
        If the usage object is malformed.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, or states no price for it.

    Notes
    -----
    ``(prompt - cached) * input + cached * cached_input + completion * output``, prices per
    1,000,000 tokens from the catalog. Without a cached price, cached tokens are billed as input.

    Examples
    --------
    >>> cost({"prompt_tokens": 2000, "completion_tokens": 500}, model="kimi-k2").total_usd
    Decimal('0.0042')
    """
    record = UsageRecord.of(usage)
    spec = load_catalog(catalog).model(model)
    return cost_of_tokens(
        record.prompt_tokens, record.cached_tokens or 0, record.completion_tokens, spec
    )


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


def cached_price_notes(specs: Iterable[ModelSpec]) -> tuple[str, ...]:
    """Say of which models cached tokens are billed as input, as the catalog has no price for them."""
    silent = [spec for spec in specs if spec.cached_input_usd_per_mtok is None]
    if not silent:
        return ()
    return (
        f"Catalog {silent[0].catalog_version} states no cached-input price for "
        f"{', '.join(spec.id for spec in silent)}; cached tokens are billed as input.",
    )
