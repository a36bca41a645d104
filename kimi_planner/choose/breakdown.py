"""The expected cost of one request, split into parts that add up to it exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.arguments import public
from kimi_planner.billing.call import cached_price_notes
from kimi_planner.calls.usage import fees_used
from kimi_planner.catalog import ModelSpec
from kimi_planner.choose.basis import Planned, basis
from kimi_planner.errors import SettingError, shown
from kimi_planner.money import as_decimal, plain, total
from kimi_planner.notes import note, noted
from kimi_planner.plan.beyond_tokens import written_notes
from kimi_planner.plan.bill import Bill, LoadPlan
from kimi_planner.plan.draws import mean_of
from kimi_planner.plan.projection import Projection
from kimi_planner.rich import Page, Shown
from kimi_planner.workload import Workload
from kimi_planner.workload.inputs import Workloads
from kimi_planner.workload.quantity import ONE, ZERO

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
        SettingError
            If there is none.
        """
        for one in self.costs:
            if (one.workload, one.model) == (workload, model):
                return one
        known = ", ".join(f"{one.workload} on {one.model}" for one in self.costs)
        raise SettingError(f"No {shown(workload)} on model {shown(model)}. There is {known}.")

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
            title=f"Mean cost of one call in {self.currency}, by what is billed",
            frame=table.reset_index(),
            notes=self.notes,
            provenance=self.provenance,
            currency=self.currency,
        )


@public
def cost_per_request(
    workloads: Workloads,
    models: str | Sequence[str] | None = None,
    *,
    projection: Projection | None = None,
    **settings: Any,
) -> RequestCosts:
    """Split the expected cost of one request into what it is billed for.

    Parameters
    ----------
    workloads : Workload, iterable of Workload, or path of a workload file
        What is sent.
    models : str or sequence of str, optional
        Model ids; all of the projection, or of the catalog but the retired ones, if not given.
    projection : Projection, optional
        A result for the same workloads, if it is at hand; otherwise one month is projected.
    **settings
        Passed to :func:`project`: ``months``, ``start``, ``as_of``, ``seed``, ``n_paths``,
        ``catalog``.

    Returns
    -------
    RequestCosts
        For each workload and model uncached input, cached input, visible output and reasoning,
        and cache writes and fees where the workload has them, USD.

    Raises
    ------
    SettingError
        If a setting is out of its bounds, or a given projection lacks a workload or a model.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, or states no price for it.

    Notes
    -----
    A request is one call that is asked for. One that its model's window refuses costs its fees
    alone, one that needs a summary first has both. A retry is a request of its own. Prices are
    those of the first day of the first month. Where a number that the cost rests on has a range,
    the cost is the mean over the paths of the projection; plain numbers give exact decimals.
    The parts add up to the total exactly in both cases.

    Examples
    --------
    >>> from datetime import date
    >>> plain = Workload(
    ...     name="w", requests_per_day=10, prompt_tokens=2000, completion_tokens=500
    ... )
    >>> costs = cost_per_request(plain, "kimi-k2", as_of=date(2026, 11, 25))
    >>> costs.of("w", "kimi-k2").total_usd
    Decimal('0.0042')
    """
    chosen, specs, projection = basis(workloads, models, projection, settings)
    costs = [one for workload in chosen for one in _request_costs(workload, specs, projection)]
    first = projection.months[:1]
    drawn = dict.fromkeys(one.workload for one in costs if not one.is_exact)
    cached = [workload.name for workload in chosen if workload.cached_share is not None]
    return RequestCosts(
        costs=tuple(costs),
        projection=projection,
        notes=(
            note("prices_of_day", day=first[0].first),
            *noted("means", paths=projection.n_paths, workloads=drawn),
            *cached_price_notes(specs, workloads=cached),
            *written_notes(chosen, specs, first),
        ),
    )


def _request_costs(
    workload: Workload, specs: Sequence[ModelSpec], projection: Projection
) -> list[RequestCost]:
    """Return the expected cost of a request of one workload on each model."""
    load = workload.resolve()
    one_request = replace(  # how many there are, and how often, does not change what one costs
        load, traffic=replace(load.traffic, level=ONE, growth=ZERO, retries=ZERO, events=())
    )
    plan = LoadPlan.of(
        one_request,
        projection.months[:1],
        projection.catalog,
        projection.seed,
        projection.n_paths,
    )
    costs = []
    for spec in specs:
        bill = plan.on(spec)
        parts = [
            RequestPart(part=part, tokens=tokens, cost_usd=usd)
            for part, (tokens, usd) in _parts(bill).items()
            if part != "cache_write" or load.written_5m or load.written_1h
        ]
        if load.fees:
            fees = bill.tariffs[0].bill(fees_used(load, plan.draws.number)).total
            parts.append(RequestPart(part="fees", tokens=None, cost_usd=_decimal(fees)))
        costs.append(
            RequestCost(
                workload=workload.name, model=spec.id, parts=tuple(parts), is_exact=bill.is_exact
            )
        )
    return costs


def _parts(bill: Bill) -> dict[str, tuple[Decimal, Decimal]]:
    """Return tokens and cost of each part of a request, at the prices of the first day."""
    tokens = bill.plan.tokens(bill.spec)
    nothing = 0 * tokens.prompt
    prompt = bill.tokens(tokens.prompt, nothing)
    split = {
        "uncached_input": prompt.only("input"),
        "cached_input": prompt.only("cached"),
        "cache_write": prompt.only("cache_write_5m", "cache_write_1h"),
        "visible_output": bill.tokens(nothing, tokens.completion - tokens.reasoning).only("output"),
        "reasoning": bill.tokens(nothing, tokens.reasoning).only("output"),
    }
    return {
        part: (_decimal(used.total), _decimal(bill.tariffs[0].bill(used).total))
        for part, used in split.items()
    }


def _decimal(amount: Any) -> Decimal:
    return plain(as_decimal(mean_of(amount)))
