"""What spend responds to: what is used at each stop, and what it costs at any traffic and prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.catalog import Catalog, ModelSpec
from kimi_planner.errors import ScenarioError, shown
from kimi_planner.money import EXACT, exact_decimal, plain
from kimi_planner.notes import Note
from kimi_planner.plan.projection import QUANTILES, Projection
from kimi_planner.workload.quantity import Array

__all__ = ["Amounts", "Key", "Moved", "Response", "factor"]

Key = tuple[str, str, Decimal, Decimal]  # workload, model, factors on output and on reasoning


@dataclass(frozen=True, kw_only=True)
class Amounts:
    """What a workload is expected to use on one model over the months of a plan.

    Attributes
    ----------
    uncached, cached, output
        Thousandths of tokens billed at the catalog's three prices.
    other_usd
        What does not move with these prices: fees, and all of the spend where prices change within
        the plan, are uncertain, or are of cache writes.
    """

    uncached: int
    cached: int
    output: int
    other_usd: Decimal

    @property
    def is_fixed(self) -> bool:
        """Whether no price moves it."""
        return not (self.uncached or self.cached or self.output) and self.other_usd > 0

    def with_cached(self, share: Decimal) -> Amounts:
        """Return the same with a share of the prompt served from cache, to thousandths of tokens."""
        prompt = self.uncached + self.cached
        with localcontext(EXACT):
            cached = int((prompt * share).to_integral_value(ROUND_HALF_EVEN))
        return replace(self, uncached=prompt - cached, cached=cached)

    def usd(self, spec: ModelSpec) -> Decimal:
        """Return the expected spend at the prices of a model, exact."""
        rates = spec.rates()
        units = (
            self.uncached * rates.input + self.cached * rates.cached + self.output * rates.output
        )
        with localcontext(EXACT):
            return plain(Decimal(units).scaleb(-rates.places - 3) + self.other_usd)


@dataclass(frozen=True, kw_only=True)
class Moved:
    """Spend of a month on each model, with the numbers of a plan moved by factors.

    Attributes
    ----------
    frame : DataFrame
        ``model``, ``expected_usd_per_month``, and ``p10_usd_per_month`` to ``p90_usd_per_month``,
        which are the plan's over scenarios, moved in proportion to the expected spend.
    workload
        The workload, or ``None`` for all together.
    budget_usd_per_month
        The budget, if there is one.
    factors
        What was moved, and by how much.
    provenance
        What the plan rests on.
    """

    frame: pd.DataFrame
    workload: str | None
    budget_usd_per_month: Decimal | None
    factors: Mapping[str, Decimal]
    provenance: str

    def __repr__(self) -> str:
        moved = ", ".join(f"{name} {value}" for name, value in self.factors.items())
        return f"<Moved: {self.workload or 'all workloads'} at {moved}. {self.provenance}>"


@dataclass(frozen=True, kw_only=True)
class Response:
    """Expected spend of workloads on models, at factors on traffic, output, reasoning and prices.

    Attributes
    ----------
    projection
        The plan at factors of 1.
    outputs, reasonings
        The stops: factors on the tokens of visible answers, and of reasoning.
    amounts
        From (workload, model, output, reasoning) to what is used over all months.
    notes
        What the numbers leave out, in words.
    """

    projection: Projection
    outputs: tuple[Decimal, ...]
    reasonings: tuple[Decimal, ...]
    amounts: Mapping[Key, Amounts]
    notes: tuple[Note, ...]

    def usd(
        self,
        workload: str,
        model: str,
        *,
        traffic: Any = 1,
        output: Any = 1,
        reasoning: Any = 1,
        cached_share: Any = None,
        catalog: Catalog | None = None,
    ) -> Decimal:
        """Return the expected spend of a month in USD, the average of the plan's months.

        Parameters
        ----------
        workload, model : str
            One of the projection's.
        traffic : number
            Factor on the requests.
        output, reasoning : number
            Factors on visible answers and reasoning; stops of this result.
        cached_share : number, optional
            Share of all prompt tokens served from cache; as planned if not given.
        catalog : Catalog, optional
            Where to take prices from, such as `Catalog.with_price` gives; the projection's own if
            not given.

        Returns
        -------
        Decimal
            Exact but for the division by the number of months, which is to 50 digits.

        Raises
        ------
        ScenarioError
            If there is no such workload, model or stop, or a number is out of its bounds.
        """
        found = self._amounts(workload, model, output, reasoning)
        if cached_share is not None:
            found = found.with_cached(_share(cached_share))
        spec = next(one for one in self.projection.specs if one.id == model)
        if catalog is not None:
            spec = catalog.model(model)
        with localcontext(EXACT):
            amount = found.usd(spec) * factor("traffic", traffic)
        with localcontext() as context:
            context.prec = 50
            return amount / len(self.projection.months)

    def at(
        self,
        workload: str | None = None,
        *,
        traffic: Any = 1,
        output: Any = 1,
        reasoning: Any = 1,
        cached_share: Any = None,
    ) -> Moved:
        """Return the spend of a month on each model with these factors.

        Parameters
        ----------
        workload : str, optional
            One workload; all together on one model if not given.
        traffic, output, reasoning, cached_share
            As for `usd`.

        Returns
        -------
        Moved
            Expected spend, and the plan's range moved in the same proportion.
        """
        projection = self.projection
        names = projection.names if workload is None else (workload,)
        factors = {"traffic": traffic, "output": output, "reasoning": reasoning}
        rows = []
        for model in projection.models:
            total, paths = Decimal(0), np.zeros(1)
            for name in names:
                usd = self.usd(name, model, **factors, cached_share=cached_share)
                planned = self.usd(name, model)
                total += usd
                paths = paths + self._paths[name, model] * (
                    float(usd / planned) if planned else 0.0
                )
            ranges = np.quantile(paths, list(QUANTILES.values())).tolist()
            quantiles = (f"{key}_per_month" for key in QUANTILES)
            rows.append(
                {
                    "model": model,
                    "expected_usd_per_month": float(total),
                    **dict(zip(quantiles, ranges, strict=True)),
                }
            )
        cached = {} if cached_share is None else {"cached_share": cached_share}
        return Moved(
            frame=pd.DataFrame(rows),
            workload=workload,
            budget_usd_per_month=projection.budget(workload),
            factors={key: factor(key, value) for key, value in (factors | cached).items()},
            provenance=projection.provenance,
        )

    @cached_property
    def _paths(self) -> dict[tuple[str, str], Array]:
        """Average spend of a month by scenario."""
        return {key: spend.usd.mean(axis=0) for key, spend in self.projection.spend.items()}

    def _amounts(self, workload: str, model: str, output: Any, reasoning: Any) -> Amounts:
        key = (workload, model, factor("output", output), factor("reasoning", reasoning))
        if not isinstance(model, str) or not isinstance(workload, str) or key not in self.amounts:
            raise ScenarioError(
                f"There is no response of {shown(workload)} on {shown(model)} at output {output} and "
                f"reasoning {reasoning}. Output has the stops {', '.join(map(str, self.outputs))}, "
                f"reasoning {', '.join(map(str, self.reasonings))}."
            )
        return self.amounts[key]


def _share(value: Any) -> Decimal:
    share = factor("cached_share", value)
    if share > 1:
        raise ScenarioError(f"cached_share is {shown(value)}. It must lie between 0 and 1.")
    return share


def factor(name: str, value: Any) -> Decimal:
    """Return a factor as a decimal.

    Raises
    ------
    ScenarioError
        If it is no number from 0 upwards.
    """
    try:
        number = exact_decimal(value)
    except ValueError:
        number = Decimal(-1)
    if number < 0:
        raise ScenarioError(f"{name} is {shown(value)}. It must be a number from 0 upwards.")
    return number.normalize()
