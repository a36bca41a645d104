"""The prices that the rows of a log are billed at, as whole numbers of one unit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.catalog import Catalog, ModelSpec
from kimi_planner.errors import UnknownModelError, UsageError

__all__ = ["Tariff", "tariff_of"]


@dataclass(frozen=True)
class Tariff:
    """Prices of several models in one unit, and which of them each row is priced at.

    Attributes
    ----------
    specs
        The models.
    input, cached, output
        Units for one token, one number for each model.
    codes : ndarray of int64, shape (n_rows,), or None
        Place of each row's model among ``specs``; ``None`` if there is one model.
    """

    specs: tuple[ModelSpec, ...]
    input: tuple[int, ...]
    cached: tuple[int, ...]
    output: tuple[int, ...]
    places: int
    codes: np.ndarray[Any, Any] | None = None

    @classmethod
    def of(cls, specs: Iterable[ModelSpec], codes: np.ndarray[Any, Any] | None = None) -> Tariff:
        """Write the prices of models in the smallest unit that any of them needs."""
        specs = tuple(specs)
        rates = [spec.rates() for spec in specs]
        places = max(one.places for one in rates)
        scale = [10 ** (places - one.places) for one in rates]

        def units(kind: str) -> tuple[int, ...]:
            return tuple(
                getattr(one, kind) * factor for one, factor in zip(rates, scale, strict=True)
            )

        return cls(specs, units("input"), units("cached"), units("output"), places, codes)

    @property
    def largest(self) -> int:
        """The most units that a token costs."""
        return max(*self.input, *self.cached, *self.output)

    @property
    def saved(self) -> tuple[int, ...]:
        """Units that a prompt token costs more, or less, for being cached."""
        return tuple(cached - full for cached, full in zip(self.cached, self.input, strict=True))


def tariff_of(checked: pd.DataFrame, model: str | None, catalog: Catalog) -> Tariff:
    """Return the prices of a checked frame's rows.

    Raises
    ------
    UsageError
        If a row names no model and none is given.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, or states no price for it.
    """
    if model is not None:
        return Tariff.of([catalog.model(model)])
    codes, names = pd.factorize(checked["model"])
    unnamed = np.flatnonzero(codes < 0)
    if len(unnamed):
        raise UsageError(
            f"Row {unnamed[0]} of the usage frame names no model ({len(unnamed)} such rows). "
            "Pass model=… to price every row as one model."
        )
    specs = []
    for place, name in enumerate(names):
        try:
            specs.append(catalog.model(name))
        except UnknownModelError as error:
            rows = np.flatnonzero(codes == place)
            raise UnknownModelError(
                f"{len(rows)} usage rows, the first row {rows[0]}: {error}"
            ) from None
    return Tariff.of(specs, codes if len(specs) > 1 else None)
