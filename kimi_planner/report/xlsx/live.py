"""What of a plan becomes a formula: its lines at the numbers of the cells, and what they leave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from kimi_planner.billing.meters import METERS, Usage
from kimi_planner.billing.tariff import Tariff
from kimi_planner.plan.bill import LoadPlan
from kimi_planner.plan.draws import Draws
from kimi_planner.plan.simulation import simulate
from kimi_planner.plan.spend import Spend
from kimi_planner.plan.tariffs import tariffs_of
from kimi_planner.report.xlsx.calls import SOME_TOKENS, CallRates, factor_of
from kimi_planner.report.xlsx.scope import CERTAINTY, NONE
from kimi_planner.workload.quantity import Array


@dataclass(frozen=True)
class Line:
    """What the plan expects of a workload on a model, by meter and period.

    Attributes
    ----------
    usage, usd
        What is used and spent.
    beside
        What the spend is of that of the means. Where growth, an event or a change of price has a
        range, it varies together with the rest.
    """

    usage: Mapping[str, Array]
    usd: Mapping[str, Array]
    beside: Mapping[str, Array]

    @property
    def spend(self) -> Array:
        """USD of each period."""
        return np.asarray(sum(self.usd.values()))

    def amount(self, name: str) -> Array:
        """Return an amount by the name of its column; what is not used is 0."""
        if name == "spend":
            return self.spend
        key = name.removeprefix("USD of ")
        amounts = self.usage if key == name else self.usd
        return amounts.get(key, np.zeros(len(self.spend)))


class Moved(NamedTuple):
    """What a reader makes certain that has a range in the plan."""

    growth: bool = False
    reasoning: bool = False


@dataclass(frozen=True)
class Live(CallRates):
    """The numbers of a workbook on a recommendation."""

    _simulated: dict[tuple[str, str, Moved], Spend] = field(default_factory=dict, init=False)
    _plans_at: dict[tuple[str, str, Moved], LoadPlan] = field(default_factory=dict, init=False)

    @cached_property
    def tariffs_by_period(self) -> dict[tuple[int, str], list[Tariff]]:
        """Prices in each period, by list of changes and model; uncertain changes at their means."""
        fees = self.recommendation.projection.catalog.fees
        found = {}
        for place, changes in enumerate(self.changes):
            name = next(one for one in self.workloads if self.list_of(one) == place)
            load = replace(self.loads[name], price_changes=tuple(changes))
            for model, spec in self.specs.items():
                tariffs = tariffs_of(load, spec, fees, self.periods, Draws.exact(load))
                found[place, model] = [one.map(float) for one in tariffs]
        return found

    @cached_property
    def lines(self) -> dict[tuple[str, str], Line]:
        """Each workload on each model by period, as the cells give it where they are as planned."""
        return {key: self._line(*key) for key in product(self.workloads, self.specs)}

    def _line(self, name: str, model: str) -> Line:
        usage, usd = self._of_means(name, model)
        bill, beside = self.spend(name, model).bill, {}
        for key in usd:
            alike = [one for one in usd if self.plain_of(one) == self.plain_of(key)]
            planned, means = (sum(amounts[one] for one in alike) for amounts in (bill, usd))
            beside[key] = self._beside(planned, means)
        return Line(usage, {key: one * beside[key] for key, one in usd.items()}, beside)

    def _beside(self, planned: Any, means: Any) -> Array:
        if not np.ndim(planned):
            return np.ones(len(means))
        factors = [
            factor_of(float(planned[month]), float(means[rows].sum()))
            for month, rows in enumerate(self.month_rows)
        ]
        return np.repeat(factors, list(map(len, self.month_rows)))

    def _of_means(self, name: str, model: str) -> tuple[dict[str, Array], dict[str, Array]]:
        """Return what is used and spent where every number is its mean."""
        assumed, calls = self.assumed[name], self.calls[name]
        level, extra = self.rates[name, model, assumed.certainty]
        values = assumed.values

        def used(key: str, *factors: float) -> Array:
            amount = calls["level"] * level[key] + calls["extra"] * extra[key]
            return np.asarray(amount * float(np.prod(factors)))

        prompt = used("prompt", values["prompt"])
        shares = {key: used(key, values["prompt"], values[key]) for key in self.shares}
        reasoning = used("reasoning", values["reasoning"])
        tokens = {
            "input": np.maximum(prompt - sum(shares.values()), 0),
            **shares,
            "output": used("answer", values["answer"]) + reasoning,
            **{key: used(key, values[key]) for key in self.fees},
        }
        billed = self.in_batches(tokens, assumed.batch)
        bills = [
            tariff.bill(Usage({key: float(one[at]) for key, one in billed.items()}))
            for at, tariff in enumerate(self.tariffs_by_period[self.list_of(name), model])
        ]
        usd = {key: np.array([float(bill[key]) for bill in bills]) for key in billed}
        others = {"requests": used("requests"), "prompt": prompt, "reasoning": reasoning}
        return {**others, **billed}, usd

    def spend(self, name: str, model: str) -> Spend:
        """Return the plan's own spend."""
        return self.recommendation.projection.of(model, name)

    def planned(self, name: str) -> Spend:
        """Return the spend of a workload on its planned model, or of all together, ``""``."""
        return self.spend(name, self.recommendation.best[name]) if name else self.together

    @cached_property
    def spends(self) -> dict[tuple[str, str], Spend]:
        """The spend of each workload on its planned model, by how sure its numbers are."""
        return {
            (name, certainty): self.spread_of(name, self.recommendation.best[name], certainty)
            for name in self.workloads
            for certainty in CERTAINTY
        }

    def spread_of(self, name: str, model: str, certainty: str, moved: Moved = Moved()) -> Spend:  # noqa: B008
        """Return the spend that tells how far it spreads, also where some of it is made certain.

        At another certainty, or where something is moved, that of the planned model stands for all.
        """
        model, moved = self.standing(name, model, certainty, moved)
        if not any(moved) and certainty == self.assumed[name].certainty:
            return self.spend(name, model)
        key, projection = (name, certainty, moved), self.recommendation.projection
        if key not in self._simulated:
            plan, spec = self._plan_at(*key), self.specs[model]
            [spend] = simulate(plan, [spec], projection.seed, projection.n_paths)
            self._simulated[key] = spend
        return self._simulated[key]

    def parts_of(self, name: str, model: str, certainty: str, moved: Moved) -> list[Array]:
        """Return what of `spread_of` each path spends on prompts, answers and reasoning over all months.

        Single calls are left out: what they add is independent of all else.
        """
        model, moved = self.standing(name, model, certainty, moved)
        bill = self._plan_at(name, certainty, moved).on(self.specs[model])
        used, usd = bill.per_request, {"Input": np.zeros(1), "Output": np.zeros(1)}
        for tariff, requests in zip(bill.tariffs, bill.requests, strict=True):
            for key, amount in tariff.bill(used):
                side = METERS[key].direction if key in METERS else "Input"
                usd[side] = usd[side] + np.asarray(amount * requests, dtype=float)
        thought = np.asarray(used.reasoning / (used.completion + 1e-300), dtype=float)
        return [usd["Input"], usd["Output"] * (1 - thought), usd["Output"] * thought]

    def split(self, name: str, model: str) -> list[float]:
        """Return what a workload spends on prompts, answers and reasoning, as the cells have it."""
        line = self.lines[name, model]
        keys = [key for key in line.usd if self.plain_of(key) == "output"]
        usd, tokens = (sum(float(one[key].sum()) for key in keys) for one in (line.usd, line.usage))
        reasoned = usd * float(line.usage["reasoning"].sum()) / tokens if tokens else 0.0
        return [float(line.spend.sum()) - usd, usd - reasoned, reasoned]

    def standing(self, name: str, model: str, certainty: str, moved: Moved) -> tuple[str, Moved]:
        """Return the model, and what is made certain, whose spread stands for another's."""
        assumed, is_open = self.assumed[name], self.workloads[name].reasoning_tokens is None
        moved = Moved(moved.growth and bool(assumed.grown), moved.reasoning and is_open)
        is_planned = not any(moved) and certainty == assumed.certainty
        return model if is_planned else self.recommendation.best[name], moved

    def _plan_at(self, name: str, certainty: str, moved: Moved) -> LoadPlan:
        key, workload = (name, certainty, moved), self.workloads[name]
        if key not in self._plans_at:
            if moved.growth:
                workload = replace(workload, growth_per_month=self.assumed[name].growth)
            if moved.reasoning:
                workload = replace(workload, reasoning_tokens=SOME_TOKENS)
            stated = None if certainty == NONE else certainty
            plan = self.recommendation.projection.plan_of(replace(workload, certainty=stated))
            self._plans_at[key] = plan
        return self._plans_at[key]

    @cached_property
    def together(self) -> Spend:
        """The spend of all workloads, each on its planned model."""
        return self.recommendation.projection.mix(self.recommendation.best)

    @cached_property
    def may_be_least(self) -> bool:
        """Whether some workload has a model, planned or not, on which its spend is the least."""
        return any(self.is_least(name, model) for name in self.workloads for model in self.specs)

    def is_least(self, name: str, model: str) -> bool:
        """Whether the spend of a workload on a model is the least, its reasoning being not known."""
        return self.recommendation.projection.reasoning(model, name).is_least

    def limit(self, name: str) -> Decimal | None:
        """Return the budget of a month of a workload; of all, ``""``, where each has one."""
        matrix = self.recommendation.budget_matrix
        rows = {one.name: one for one in matrix.rows}
        return (rows[name] if name else matrix.total).budget_usd
