"""What the what-if panel of a page starts from: numbers to compute with, ranges, and a file to export."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from kimi_planner.billing.meters import METERS, TOKEN_METERS, fee_key, title_of
from kimi_planner.catalog import ModelSpec
from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.errors import WorkloadError
from kimi_planner.money import named
from kimi_planner.report.coefficients import Coefficients
from kimi_planner.report.price_moves import BOXES, text
from kimi_planner.report.ranges import ENDS, ends_of
from kimi_planner.report.settings import OUTPUTS, Settings
from kimi_planner.safe import on_one_line
from kimi_planner.workload import Workload
from kimi_planner.workload.currency import written_in
from kimi_planner.workload.quantity import Constant, Quantity
from kimi_planner.workload.reasoning import reasoning_of
from kimi_planner.workload.written import (
    currency_line,
    measured_in,
    price_change_blocks,
    toml_lines,
    toml_value,
    workload_table,
)

#: Fields that a factor of the panel multiplies.
_SCALED = {"completion_tokens": "output", "reasoning_tokens": "reasoning"}
_NUMBERS = re.compile(r"(?:^|(?<=[ \[]))(\d[\d.]*)")  # of a quantity in TOML, keys left out
_HERE = "\ue000"  # in no text that can be printed


@dataclass(frozen=True)
class Panel:
    """What a page needs to plan the workloads of a recommendation anew, each bill as the plan's own."""

    recommendation: Recommendation

    @property
    def workloads(self) -> tuple[Workload, ...]:
        """Those that the recommendation is about."""
        return self.recommendation.workloads

    def json(self) -> str:
        """Return the numbers as JSON that can stand inside a page."""
        plan, best = self.recommendation.projection, self.recommendation.best
        fees = [fee_key(fee.name) for fee in plan.catalog.fees]
        coefficients = [Coefficients(Settings(plan, one), fees) for one in self.workloads]
        told = [one.data() for one in coefficients]
        whole = plan.mix(best)
        data = {
            "months": list(map(str, plan.months)),
            "currency": plan.currency,
            "ends": ends_of(whole) if whole.is_ranged else None,
            "outputs": OUTPUTS,
            "boxes": [title_of(key) for key in BOXES],
            "fields": [named(METERS[key].price, plan.currency) for key in BOXES],
            "tokens": len(TOKEN_METERS),
            "thought": len(TOKEN_METERS) + len(fees),
            "models": [
                {
                    "id": spec.id,
                    "toml": toml_value(spec.id),
                    "boxes": _common([of["models"][place].pop("boxes") for of in told]),
                    "batch": spec.batch_multiplier and text(spec.batch_multiplier),
                }
                for place, spec in enumerate(plan.specs)
            ],
            "workloads": [
                {**self._described(one), **of} for one, of in zip(coefficients, told, strict=True)
            ],
            "file": self._file(),
        }
        shown = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
        return shown.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")

    def _described(self, numbers: Coefficients) -> dict[str, Any]:
        plan, settings = self.recommendation.projection, numbers.settings
        workload = settings.workload
        load, budget = settings.load, plan.budget(workload.name)
        growth, closed = load.traffic.growth, self._closed(workload)
        reasons = {
            one.model: "; ".join(one.reasons)
            for one in self.recommendation.exclusions
            if one.workload == workload.name
        }
        return {
            "key": workload.name,
            "name": on_one_line(workload.name),
            "model": plan.models.index(self.recommendation.best[workload.name]),
            "batch": workload.batch,
            "budget": None if budget is None else text(budget),
            "least": [plan.reasoning(model, workload.name).is_least for model in plan.models],
            "growth": text(100 * growth.value) if isinstance(growth, Constant) else "",
            "growthWords": _percent(growth),
            "cachedWords": _percent(load.cached),
            "stops": [text(share) for share in numbers.stops],
            "reasonings": _settings(settings),
            "isScaled": settings.is_scaled,
            "thinks": [settings.thinks(spec.profile) for spec in plan.specs],
            "thoughts": [self._planned(settings, spec) for spec in plan.specs],
            "held": None if workload.cache is None else text(numbers.cached),
            "excluded": [reasons.get(model, "") for model in plan.models],
            "closed": list(closed),
            "notes": [
                f"{name.capitalize()} stays as planned: {why}." for name, why in closed.items()
            ],
        }

    def _planned(self, settings: Settings, spec: ModelSpec) -> str:
        """Return in words how much a model reasons as planned, or that it does not."""
        if not settings.thinks(spec.profile):
            return f"{on_one_line(spec.id)} does not think"
        told = reasoning_of(settings.workload, spec).words
        stated = settings.workload.given("reasoning_tokens")
        return f"as planned: {told if stated is None else _tokens(stated.mean)}"

    def _closed(self, workload: Workload) -> dict[str, str]:
        """Return what of a workload cannot be moved, and why."""
        fields = {"traffic": workload.unit, "output": "completion_tokens"}
        closed = {
            name: f"{key} is measured in a log"
            for name, key in fields.items()
            if any(
                workload.name == table["name"] and not _scalable(table[key])
                for table in self._tables or ()
            )
        }
        if workload.unit == "documents":
            closed["growth"] = "documents are worked through once"
        return closed

    @cached_property
    def _tables(self) -> list[dict[str, Any]] | None:
        """What a file states for each workload; ``None`` where it cannot."""
        try:
            price_change_blocks(self.workloads)
            return [workload_table(one, measured_in("")) for one in self.workloads]
        except WorkloadError:
            return None

    def _file(self) -> dict[str, Any] | None:
        """Return the workload file in lines, their numbers apart where a factor multiplies them."""
        if self._tables is None:
            return None
        lines = []
        for workload, table in zip(self.workloads, self._tables, strict=True):
            factors = {workload.unit: "traffic", "events": "traffic", **_SCALED}
            stated = table | {"model": self.recommendation.best[workload.name]}
            if "source" in stated:  # as long as the page shows it
                stated["source"] = on_one_line(stated["source"])
            lines.append(
                [
                    [key, factors[key], _parts(key, value)]
                    if key in factors and _scalable(value)
                    else [key, None, [toml_lines(written_in({key: value}, workload.currency))]]
                    for key, value in stated.items()
                ]
            )
        return {
            "head": self._head(),
            "tables": lines,
            "changes": price_change_blocks(self.workloads),
            "start": self.recommendation.projection.months[0].first.isoformat(),
        }

    def _head(self) -> str:
        plan = self.recommendation.projection
        booking = plan.booking
        booked = {"book": booking.book, "contingency_percent": booking.contingency_percent}
        return (
            f"# Changed in a report on catalog {plan.catalog.listed_in.version}. The same numbers again:\n"
            f"# kimi-planner plan FILE --catalog {plan.catalog.listed_in.version} --as-of {plan.as_of} "
            f"--start {plan.months[0]} --months {len(plan.months)} --seed {plan.seed} "
            f"--paths {plan.n_paths}\n{currency_line(self.workloads)}{toml_lines(booked)}\n\n"
        )


def _common(boxes: list[list[Any]]) -> list[Any]:
    """Return the prices that all workloads begin with; those that differ cannot be changed."""
    return [
        one[0] if one.count(one[0]) == len(one) else ["differs"] for one in zip(*boxes, strict=True)
    ]


def _percent(share: Quantity) -> str:
    if share.is_certain:
        return f"{100 * share.mean:.4g}%"
    low, high = (100 * share.ppf(np.array(ENDS))).tolist()
    return f"{low:.3g}% to {high:.3g}%"


def _settings(settings: Settings) -> list[list[str]]:
    """Return settings of reasoning, each with its words; the first is as planned."""
    stated = settings.workload.given("reasoning_tokens")
    planned, *others = settings.reasonings
    if not settings.is_scaled or stated is None:
        return [[planned, ""], *([one, _tokens(float(one))] for one in others)]
    return [
        [planned, ""],
        *([one, f"× {one}: {_tokens(float(one) * stated.mean)}"] for one in others),
    ]


def _tokens(count: float) -> str:
    return f"{count:,.4g} tokens a call" if count < 1000 else f"{count:,.0f} tokens a call"


def _scalable(value: Any) -> bool:
    return not (isinstance(value, Mapping) and "from" in value)


def _parts(key: str, value: Any) -> list[str | list[str]]:
    """Return ``key = value`` in parts: text, and quantities whose every second part is a number."""
    shown: Any = _HERE
    quantities = [value]
    if key == "events":
        quantities = [one["extra_requests"] for one in value if "extra_requests" in one]
        shown = [one | dict.fromkeys(one.keys() & {"extra_requests"}, _HERE) for one in value]
    first, *rest = toml_lines({key: shown}).split(toml_value(_HERE))
    parts: list[str | list[str]] = [first]
    for quantity, after in zip(quantities, rest, strict=True):
        size, mark, factor = toml_value(quantity).partition(", mean_factor")
        numbers = _NUMBERS.split(size)
        parts += [[*numbers[:-1], numbers[-1] + mark + factor], after]
    return parts
