"""The result of splitting requests: parts that add up to the cost of one, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pandas as pd

from kimi_planner.choose.planned import Planned
from kimi_planner.errors import ScenarioError, shown
from kimi_planner.money import plain, total
from kimi_planner.rich import Page, Shown

__all__ = ["PARTS", "RequestCost", "RequestCosts", "RequestPart"]

#: What a request is billed for, in the order in which it is shown.
PARTS = ("uncached_input", "cached_input", "cache_write", "visible_output", "reasoning", "fees")


@dataclass(frozen=True, kw_only=True)
class RequestPart:
    """One part of the cost of a request.

    Attributes
    ----------
    part
        One of `PARTS`.
    tokens
        Expected tokens of a request; ``None`` for fees, which have none.
    cost_usd
        What they cost.
    """

    part: str
    tokens: Decimal | None
    cost_usd: Decimal


@dataclass(frozen=True, kw_only=True)
class RequestCost:
    """The expected cost of one request of a workload on a model.

    Attributes
    ----------
    parts
        What it is billed for; cache writes and fees only where the workload has them.
    is_exact
        Whether every number it rests on is plain, so that it is exact to the last digit.
    """

    workload: str
    model: str
    parts: tuple[RequestPart, ...]
    is_exact: bool

    @property
    def total_usd(self) -> Decimal:
        """Sum of the parts, exactly."""
        return plain(total(part.cost_usd for part in self.parts))


@dataclass(frozen=True, kw_only=True, repr=False)
class RequestCosts(Shown, Planned):
    """The expected cost of one request of each workload on each model.

    Attributes
    ----------
    costs
        In the order of workloads and models.
    projection
        What they rest on: paths, prices and models.
    notes
        What the reader must know, in words.
    """

    costs: tuple[RequestCost, ...]

    def of(self, workload: str, model: str) -> RequestCost:
        """Return the cost of a request of one workload on one model.

        Raises
        ------
        ScenarioError
            If there is none.
        """
        for one in self.costs:
            if (one.workload, one.model) == (workload, model):
                return one
        known = ", ".join(f"{one.workload} on {one.model}" for one in self.costs)
        raise ScenarioError(f"No {shown(workload)} on model {shown(model)}. There is {known}.")

    @property
    def frame(self) -> pd.DataFrame:
        """One row per workload, model and part.

        Columns: ``workload``, ``model``, ``part``, expected ``tokens``, ``cost_usd``, and
        ``exact_usd``, the cost as an exact decimal where nothing is uncertain.
        """
        return pd.DataFrame(
            [
                {
                    "workload": one.workload,
                    "model": one.model,
                    "part": part.part,
                    "tokens": np.nan if part.tokens is None else float(part.tokens),
                    "cost_usd": float(part.cost_usd),
                    "exact_usd": part.cost_usd if one.is_exact else None,
                }
                for one in self.costs
                for part in one.parts
            ]
        )

    def page(self) -> Page:
        """Return what a request costs on each model, by what is billed."""
        table = self.frame.pivot_table(
            index=["workload", "model"], columns="part", values="cost_usd", sort=False
        )
        table["total"] = table.sum(axis=1)
        table.columns = [f"{part}_usd" for part in table.columns]
        return Page(
            title="Mean cost of one request in USD, by what is billed",
            frame=table.reset_index(),
            notes=self.notes,
            provenance=self.provenance,
        )
