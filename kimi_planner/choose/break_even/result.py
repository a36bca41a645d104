"""The result of a break-even map: costs of models over two axes, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kimi_planner.errors import ScenarioError, shown
from kimi_planner.plan.projection import Projection
from kimi_planner.workload.quantity import Array

__all__ = ["BreakEvenMap"]


@dataclass(frozen=True, kw_only=True)
class BreakEvenMap:
    """Cost of a request of each model over output share and reasoning.

    Attributes
    ----------
    workload
        Name of the workload.
    models
        Model ids; the first axis of the arrays.
    output_shares : ndarray, shape (rows,)
        Share of the visible answer in prompt and visible answer together.
    reasoning_multipliers : ndarray, shape (columns,)
        Reasoning tokens for each visible one, on models that reason.
    tokens : float
        Prompt and visible answer together, the same all over the map.
    cost_usd : ndarray, shape (models, rows, columns), USD
        Expected cost of one request.
    success_rates : ndarray, shape (models,), or None
        Success rate of each model, the same all over the map.
    here : tuple of float and (float or None)
        Where the workload itself lies: output share, and reasoning for each visible token, ``None``
        if it does not say.
    projection
        What prices rest on.
    notes
        What was assumed, in words.
    """

    workload: str
    models: tuple[str, ...]
    output_shares: Array
    reasoning_multipliers: Array
    tokens: float
    cost_usd: Array
    success_rates: Array | None
    here: tuple[float, float | None]
    projection: Projection
    notes: tuple[str, ...] = ()

    @property
    def provenance(self) -> str:
        """What the map rests on, in one line."""
        return self.projection.provenance

    @property
    def value_usd(self) -> Array:
        """Cost of a success where success rates are known, else of a request; as ``cost_usd``."""
        if self.success_rates is None:
            return self.cost_usd
        rates = self.success_rates[:, None, None]
        return _quotient(self.cost_usd, rates, np.inf)

    @property
    def cheapest(self) -> NDArray[np.intp]:
        """Place in ``models`` of the one with the least value, shape (rows, columns)."""
        return np.asarray(self.value_usd.argmin(axis=0))

    @property
    def gap_usd(self) -> Array:
        """How much more the runner-up costs than the cheapest, shape (rows, columns), USD.

        Infinite where only the cheapest ever succeeds, NaN where none does.
        """
        first, second = np.partition(self.value_usd, 1, axis=0)[:2]
        return _difference(second, first)

    @property
    def gap_relative(self) -> Array:
        """The gap as a share of the cheapest, NaN where that costs nothing or never succeeds."""
        least = self.value_usd.min(axis=0)
        return _quotient(self.gap_usd, np.where(np.isfinite(least), least, np.nan), np.nan)

    def difference_usd(self, model: str, other: str) -> Array:
        """Return how much more a model costs than another, below 0 where it costs less, USD.

        Infinite where one of them never succeeds, NaN where neither does.

        Raises
        ------
        ScenarioError
            If the map lacks one of them.
        """
        value = self.value_usd
        return _difference(value[self._place(model)], value[self._place(other)])

    def needed_ratio(self, model: str, other: str) -> Array:
        """Return how many times as often a model must succeed to cost the same for each success.

        It is the ratio of the costs of a request: success rates of the map play no part. NaN where
        the other costs nothing.

        Raises
        ------
        ScenarioError
            If the map lacks one of them.
        """
        mine, others = self.cost_usd[self._place(model)], self.cost_usd[self._place(other)]
        return _quotient(mine, others, np.nan)

    def break_even_multiplier(self, model: str, other: str) -> Array:
        """Return the reasoning at which two models have the same value, shape (rows,).

        It may lie outside of the map; NaN where no reasoning of at least 0 makes them equal, or any
        does.

        Raises
        ------
        ScenarioError
            If the map lacks one of them.
        """
        first, last = self.reasoning_multipliers[[0, -1]]
        difference = self.difference_usd(model, other)
        rise = _difference(difference[:, -1], difference[:, 0]) / (
            last - first if last > first else np.nan
        )
        ends = np.abs(self.value_usd[[self._place(model), self._place(other)]]).max(axis=(0, 2))
        flat = ~(np.abs(rise) > 1e-12 * ends)  # rounding alone
        found = first - difference[:, 0] / np.where(flat, np.nan, rise)
        return np.where(found >= 0, found, np.nan)

    def _place(self, model: str) -> int:
        if model not in self.models:
            raise ScenarioError(
                f"The map has no model {shown(model)}. It has {', '.join(self.models)}."
            )
        return self.models.index(model)

    @property
    def frame(self) -> pd.DataFrame:
        """One row per model, output share and multiplier.

        Columns: ``model``, ``output_share``, ``reasoning_multiplier``, ``cost_usd``, and
        ``cost_per_success_usd``, NaN without success rates.
        """
        index = pd.MultiIndex.from_product(
            [self.models, self.output_shares, self.reasoning_multipliers],
            names=["model", "output_share", "reasoning_multiplier"],
        )
        unknown = self.success_rates is None
        frame = pd.DataFrame(
            {
                "cost_usd": self.cost_usd.ravel(),
                "cost_per_success_usd": np.nan if unknown else self.value_usd.ravel(),
            },
            index=index,
        )
        return frame.reset_index()

    def __repr__(self) -> str:
        rows, columns = self.cost_usd.shape[1:]
        basis_of = "cost of a request" if self.success_rates is None else "cost of a success"
        return (
            f"<BreakEvenMap of {self.workload}, {basis_of}, {rows} x {columns}: "
            f"{', '.join(self.models)}. {self.provenance}>"
        )


def _difference(above: Array, below: Array) -> Array:
    """Return the difference; that of infinity and infinity is not known."""
    with np.errstate(invalid="ignore"):
        return np.asarray(above - below)


def _quotient(above: Array, below: Array, without: float) -> Array:
    """Return the quotient, or ``without`` where there is nothing to divide by."""
    found: Array = np.divide(above, below, out=np.full_like(above, without), where=below > 0)
    return found
