"""The result of routing: every single model and cascade, and which of them are worth it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from decimal import Decimal
from itertools import repeat

import numpy as np
import pandas as pd

from kimi_planner.choose.choice import Exclusion
from kimi_planner.choose.planned import Planned
from kimi_planner.choose.routing.detector import Detector
from kimi_planner.choose.routing.tree import BreakEven
from kimi_planner.choose.routing.uncertain import Interval, Intervals
from kimi_planner.errors import ScenarioError, shown
from kimi_planner.money import usd
from kimi_planner.rich import frame_html, page_html

__all__ = ["Cascades", "Route"]

PLACES = 6  # of the cost of one task, for people

_IN_SHORT = (
    "route",
    "cost_usd",
    "success_rate",
    "cost_per_success_usd",
    "calls",
    "on_frontier",
)


@dataclass(frozen=True, kw_only=True)
class Route:
    """One model, or a cascade of two, and what is expected of a task on it.

    Attributes
    ----------
    models
        Model ids in the order in which they are asked.
    cost_usd
        Expected cost of a task, checks and retries included; exact for plain numbers.
    success_rate
        Share of tasks that end with a right answer.
    false_accepted_share
        Share of tasks that end with a wrong answer which the detector let through.
    calls
        Expected calls of a task: models asked, times the turns of a conversation; retries not
        counted.
    escalated_share
        Share of all tasks that are sent on to the second model.
    cost_per_success_usd
        Expected cost for each right answer; ``None`` if there is none.
    on_frontier
        Whether no other route costs at most as much and succeeds at least as often, and is better
        in one of them.
    break_even_cost, break_even_per_success
        At which success rates of the first model the cascade costs less than its second model alone,
        for a task and for a success; ``None`` for a single model.
    intervals
        Of cost, success rate and cost per success; ``None`` where success rates are given.
    """

    models: tuple[str, ...]
    cost_usd: Decimal
    success_rate: float
    false_accepted_share: float
    calls: float
    escalated_share: float
    cost_per_success_usd: Decimal | None
    on_frontier: bool
    break_even_cost: BreakEven | None
    break_even_per_success: BreakEven | None
    intervals: Intervals | None

    @property
    def name(self) -> str:
        """The models with arrows between them."""
        return " → ".join(self.models)


@dataclass(frozen=True, kw_only=True)
class Cascades(Planned):
    """Every single model and every cascade of two for the tasks of a workload.

    Attributes
    ----------
    routes
        Single models first, in the order of the catalog.
    workload
        Name of the workload. A task is one of its requests, or a conversation if it has turns.
    success_rates
        Model id to the success rate that the result rests on.
    detector
        What checks the answers.
    confidence
        Of the intervals.
    exclusions
        Models that take no part, with every reason.
    projection
        What prices and paths rest on.
    notes
        What was assumed, in words.
    """

    routes: tuple[Route, ...]
    workload: str
    success_rates: Mapping[str, float]
    detector: Detector
    confidence: float
    exclusions: tuple[Exclusion, ...]

    @property
    def frontier(self) -> tuple[Route, ...]:
        """The routes that no other beats, cheapest first."""
        kept = (route for route in self.routes if route.on_frontier)
        return tuple(sorted(kept, key=lambda route: (route.cost_usd, len(route.models))))

    @property
    def cheapest_per_success(self) -> Route | None:
        """The route with the least cost for each right answer, the shorter one of equals."""
        known = [
            (route.cost_per_success_usd, len(route.models), place)
            for place, route in enumerate(self.routes)
            if route.cost_per_success_usd is not None
        ]
        return self.routes[min(known)[2]] if known else None

    def of(self, *models: str) -> Route:
        """Return the route through these models.

        Raises
        ------
        ScenarioError
            If there is none.
        """
        for route in self.routes:
            if route.models == models:
                return route
        raise ScenarioError(
            f"No route {shown(models)}. Name one or two of {', '.join(self.success_rates)}."
        )

    @property
    def frame(self) -> pd.DataFrame:
        """One row per route.

        Columns: ``route``, ``steps``, ``first_model``, ``last_model``, ``cost_usd``,
        ``exact_cost_usd`` as a decimal, ``success_rate``, ``false_accepted_share``, ``calls``,
        ``escalated_share`` of all tasks, ``cost_per_success_usd``, ``on_frontier``, ``break_even_cost`` and ``break_even_per_success`` as
        rates, with ``…_holds`` as "above" that rate, "always" or "never"; and the intervals,
        ``cost_low_usd``, ``cost_high_usd``, ``success_rate_low``, ``success_rate_high``,
        ``cost_per_success_low_usd`` and ``cost_per_success_high_usd``, NaN where rates are given.
        """
        rows = []
        for route in self.routes:
            per_success = route.cost_per_success_usd
            rows.append(
                {
                    "route": route.name,
                    "steps": len(route.models),
                    "first_model": route.models[0],
                    "last_model": route.models[-1],
                    "cost_usd": float(route.cost_usd),
                    "exact_cost_usd": route.cost_usd,
                    "success_rate": route.success_rate,
                    "false_accepted_share": route.false_accepted_share,
                    "calls": route.calls,
                    "escalated_share": route.escalated_share,
                    "cost_per_success_usd": np.nan if per_success is None else float(per_success),
                    "on_frontier": route.on_frontier,
                    **_break_even("break_even_cost", route.break_even_cost),
                    **_break_even("break_even_per_success", route.break_even_per_success),
                    **_interval_columns(route.intervals),
                }
            )
        return pd.DataFrame(rows)

    def sentences(self) -> list[str]:
        """Return what a reader needs first: the best routes, where they break even, who is left out."""
        said = []
        best = self.cheapest_per_success
        if best is not None and best.cost_per_success_usd is not None:
            known = best.intervals
            said.append(
                f"{self.workload}: {best.name} costs the least for each success, "
                f"{usd(best.cost_per_success_usd, PLACES)} USD"
                f"{'' if known is None else self._usd_range(known.per_success)}; "
                f"{100 * best.success_rate:.1f}%{'' if known is None else _range(known.success)} of its "
                "tasks succeed."
            )
        points = ", ".join(
            f"{route.name} ({usd(route.cost_usd, PLACES)} USD a task, {100 * route.success_rate:.1f}%)"
            for route in self.frontier
        )
        said.append(f"No other route is cheaper and at least as good as {points}.")
        said += [
            f"{route.name} costs less than {route.models[-1]} alone where the success rate of "
            f"{route.models[0]} is {even}; it is {100 * self.success_rates[route.models[0]]:.1f}%."
            for route in self.frontier
            if (even := route.break_even_cost) is not None and even.rate is not None
        ]
        said += [f"{one.model} takes no part: {'; '.join(one.reasons)}." for one in self.exclusions]
        return said

    def _usd_range(self, ends: Interval) -> str:
        low, high = (
            "any amount" if math.isinf(end) else usd(Decimal(repr(end)), PLACES) for end in ends
        )
        return f" ({100 * self.confidence:g}% interval {low} to {high})"

    def __repr__(self) -> str:
        return f"<Cascades: {self.sentences()[0]} {self.provenance}>"

    def _repr_html_(self) -> str:
        shown = frame_html(self.frame.sort_values("cost_usd", kind="stable"), _IN_SHORT)
        return page_html(shown, notes=(*self.sentences(), *self.notes), provenance=self.provenance)


def _range(ends: Interval) -> str:
    return f" ({100 * ends[0]:.1f}% to {100 * ends[1]:.1f}%)"


def _interval_columns(known: Intervals | None) -> dict[str, float]:
    names = ("cost_{}_usd", "success_rate_{}", "cost_per_success_{}_usd")
    pairs = repeat((math.nan, math.nan), 3) if known is None else astuple(known)
    return {
        name.format(end): value
        for name, pair in zip(names, pairs, strict=True)
        for end, value in zip(("low", "high"), pair, strict=True)
    }


def _break_even(name: str, even: BreakEven | None) -> dict[str, object]:
    return {
        name: np.nan if even is None or even.rate is None else even.rate,
        f"{name}_holds": None if even is None else even.holds,
    }
