"""The result of routing: every single model and cascade, and which of them are worth it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import repeat

import numpy as np
import pandas as pd

from kimi_planner.choose.basis import Planned
from kimi_planner.choose.choice import Exclusion
from kimi_planner.choose.objective import Best, Objective, best_by_value
from kimi_planner.choose.routing.detector import Detector, Passage
from kimi_planner.choose.routing.uncertain import Interval, Intervals
from kimi_planner.errors import SettingError, shown
from kimi_planner.money import from_fraction, usd
from kimi_planner.rich import Page, Shown

PLACES = 6  # of the cost of one task, for people

_IN_SHORT = (
    "route",
    "cost_usd",
    "success_rate",
    "success_if_dependent",
    "success_if_independent",
    "cost_per_success_usd",
    "on_frontier",
)


@dataclass(frozen=True, kw_only=True)
class Route:
    """One model, or a cascade of two, and what is expected of a task on it.

    Attributes
    ----------
    models
        Model ids in the order in which they are asked.
    passage
        Cost, success and what is sent on, in exact fractions; success between the next two where
        nothing tells, as far from each as public runs show.
    success_if
        Success rates if the worse model fails whatever the better one does, and if they fail
        independently; ``None`` where it is known, or there is one model.
    calls
        Expected calls of a task: models asked, times the turns of a conversation; retries not
        counted.
    on_frontier
        Whether no other route costs at most as much and succeeds at least as often, and is better
        in one of them.
    intervals
        Of cost, success rate and cost per success; ``None`` where success rates are given.
    """

    models: tuple[str, ...]
    passage: Passage[Fraction]
    success_if: Interval | None
    calls: float
    on_frontier: bool
    intervals: Intervals | None

    @property
    def name(self) -> str:
        """The models with arrows between them."""
        return " → ".join(self.models)

    @property
    def cost_usd(self) -> Decimal:
        """Expected cost of a task, checks and retries included; exact for plain numbers."""
        return from_fraction(self.passage.cost)

    @property
    def success_rate(self) -> float:
        """Share of tasks that end with a right answer."""
        return float(self.passage.success)

    @property
    def cost_per_success_usd(self) -> Decimal | None:
        """Expected cost for each right answer; ``None`` if there is none."""
        found = self.passage
        return from_fraction(found.cost / found.success) if found.success else None


@dataclass(frozen=True, kw_only=True, repr=False)
class Cascades(Shown, Planned):
    """Every single model and every cascade of two for the tasks of a workload.

    Attributes
    ----------
    routes
        Single models first, in the order of the catalog.
    workload
        Name of the workload. A task is one of its requests, or a conversation if it has turns.
    objective
        What a solved task is worth.
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
    objective: Objective
    success_rates: Mapping[str, float]
    detector: Detector
    confidence: float
    exclusions: tuple[Exclusion, ...]

    @property
    def frontier(self) -> tuple[Route, ...]:
        """The routes that no other beats, cheapest first."""
        kept = (route for route in self.routes if route.on_frontier)
        return tuple(sorted(kept, key=lambda route: (route.passage.cost, len(route.models))))

    @property
    def cheapest_per_success(self) -> Route | None:
        """The route with the least cost for each right answer, the shorter one of equals."""
        return min(
            (route for route in self.routes if route.cost_per_success_usd is not None),
            key=lambda route: (route.cost_per_success_usd, len(route.models)),
            default=None,
        )

    @cached_property
    def by_value(self) -> tuple[Best, ...]:
        """The routes that are best for some value of a solved task, from the least value on."""
        points = {route.name: (route.passage.success, route.passage.cost) for route in self.routes}
        return best_by_value(points, self.objective)

    @property
    def best(self) -> Route | None:
        """The route with the highest net value of a task; ``None`` where no value is stated."""
        if not self.objective.is_stated:
            return None
        value = self.objective.value_usd or Fraction(0)
        name = [one.model for one in self.by_value if one.from_usd <= value][-1]
        return next(route for route in self.routes if route.name == name)

    @property
    def best_if(self) -> tuple[Route, Route] | None:
        """The best route if failures are fully dependent, and if independent, where it is not the same."""
        dependent, independent = (
            max(self.routes, key=lambda route: self._net_if(route, end)) for end in (0, 1)
        )
        is_open = self.objective.is_stated and dependent != independent
        return (dependent, independent) if is_open else None

    def _net_if(self, route: Route, end: int) -> float:
        success = route.success_rate if route.success_if is None else route.success_if[end]
        return float(self.objective.net_usd(success, float(route.passage.cost)))

    def of(self, *models: str) -> Route:
        """Return the route through these models.

        Raises
        ------
        SettingError
            If there is none.
        """
        for route in self.routes:
            if route.models == models:
                return route
        raise SettingError(
            f"No route {shown(models)}. Name one or two of {', '.join(self.success_rates)}."
        )

    @property
    def frame(self) -> pd.DataFrame:
        """One row per route.

        Columns: ``route``, ``steps``, ``first_model``, ``last_model``, ``cost_usd``,
        ``exact_cost_usd`` as a decimal, ``success_rate``, ``success_if_dependent`` and
        ``success_if_independent``, NaN where it is known which, ``false_accepted_share``, ``calls``,
        ``escalated_share`` of all tasks, ``cost_per_success_usd``, ``on_frontier``, ``net_usd`` of a
        task, NaN where no value is stated; and the intervals,
        ``cost_low_usd``, ``cost_high_usd``, ``success_rate_low``, ``success_rate_high``,
        ``cost_per_success_low_usd`` and ``cost_per_success_high_usd``, NaN where rates are given.
        """
        rows = []
        for route in self.routes:
            found, per_success = route.passage, route.cost_per_success_usd
            unknown = (math.nan, math.nan) if route.success_if is None else route.success_if
            net = self.objective.net_usd(found.success, found.cost)
            rows.append(
                {
                    "route": route.name,
                    "steps": len(route.models),
                    "first_model": route.models[0],
                    "last_model": route.models[-1],
                    "cost_usd": float(found.cost),
                    "exact_cost_usd": route.cost_usd,
                    "success_rate": route.success_rate,
                    "success_if_dependent": unknown[0],
                    "success_if_independent": unknown[1],
                    "false_accepted_share": float(found.false_accepted),
                    "calls": route.calls,
                    "escalated_share": float(found.escalated),
                    "cost_per_success_usd": np.nan if per_success is None else float(per_success),
                    "on_frontier": route.on_frontier,
                    "net_usd": float(net) if self.objective.is_stated else np.nan,
                    **_interval_columns(route.intervals),
                }
            )
        return pd.DataFrame(rows)

    def sentences(self) -> list[str]:
        """Return what a reader needs first: what to choose at which value, and who is left out."""
        said = [self._choice()]
        per_success = self.cheapest_per_success
        if per_success is not None and per_success.cost_per_success_usd is not None:
            known = per_success.intervals
            ends = "" if known is None else self._usd_range(known.per_success)
            said.append(
                f"{per_success.name} costs the least for each success, "
                f"{usd(per_success.cost_per_success_usd, PLACES)} {self.currency}{ends}."
            )
        if self.best_if is not None:
            dependent, independent = (route.name for route in self.best_if)
            said.append(
                f"It hangs on what nobody measured: {dependent} if models fail the same tasks, {independent} "
                "if they fail independently."
            )
        points = ", ".join(self._point(route) for route in self.frontier)
        said.append(f"No other route is cheaper and at least as good as {points}.")
        said += [f"{one.model} takes no part: {'; '.join(one.reasons)}." for one in self.exclusions]
        return said

    def _choice(self) -> str:
        best = self.best
        if best is not None:
            net = self.objective.net_usd(best.passage.success, best.passage.cost)
            amount = usd(from_fraction(net), PLACES)
            return f"{self.workload}: choose {self._point(best)}, {amount} {self.currency} of net value a task."
        first, *others = self.by_value
        if not others:
            return f"{self.workload}: choose {first.model}, whatever a solved task is worth."
        told = "".join(
            f"; {one.model} where it is worth more than {usd(from_fraction(one.from_usd), PLACES)} {self.currency}"
            for one in others
        )
        return f"{self.workload}: choose {first.model} where a solved task is worth nothing{told}."

    def _point(self, route: Route) -> str:
        ends = route.intervals.success if route.intervals else route.success_if
        success = f"{100 * route.success_rate:.1f}%{_range(ends) if ends else ''}"
        return f"{route.name} ({usd(route.cost_usd, PLACES)} {self.currency} a task, {success})"

    def _usd_range(self, ends: Interval) -> str:
        low, high = (
            "any amount" if math.isinf(end) else usd(Decimal(repr(end)), PLACES) for end in ends
        )
        return f" ({100 * self.confidence:g}% interval {low} to {high})"

    def page(self) -> Page:
        """Return what each route costs and how often it succeeds, the cheapest first."""
        return Page(
            title=f"Mean cost of a task of {self.workload} in {self.currency}, and share of tasks that succeed",
            frame=self.frame.sort_values("cost_usd", kind="stable"),
            columns=_IN_SHORT,
            notes=(*self.sentences(), *self.notes),
            provenance=self.provenance,
            currency=self.currency,
        )


def _range(ends: Interval) -> str:
    return f", {100 * ends[0]:.1f}% to {100 * ends[1]:.1f}%"


def _interval_columns(known: Intervals | None) -> dict[str, float]:
    names = ("cost_{}_usd", "success_rate_{}", "cost_per_success_{}_usd")
    pairs = repeat((math.nan, math.nan), 3) if known is None else astuple(known)
    return {
        name.format(end): value
        for name, pair in zip(names, pairs, strict=True)
        for end, value in zip(("low", "high"), pair, strict=True)
    }
