"""What the what-if panel of a page starts from: numbers to compute with, ranges, and a file to export."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kimi_planner.billing.meters import METERS, TOKEN_METERS, fee_key, title_of
from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.errors import WorkloadError
from kimi_planner.plan.spend import Spend
from kimi_planner.report.coefficients import BOXES, OUTPUTS, REASONINGS, Coefficients, text
from kimi_planner.safe import on_one_line
from kimi_planner.workload import Workload
from kimi_planner.workload.quantity import Array, Constant, Quantity
from kimi_planner.workload.written import (
    digits,
    measured_in,
    price_change_blocks,
    toml_lines,
    toml_value,
    workload_table,
)

__all__ = ["Panel"]

_ENDS = (0.1, 0.9)
_NEAR = 0.02  # share of paths around a percentile whose mean tells what each part has of it
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
        coefficients = [Coefficients(plan, one, fees) for one in self.workloads]
        told = [one.data() for one in coefficients]
        ranges = _Ranges.of({name: plan.spend[name, model] for name, model in best.items()})
        data = {
            "months": list(map(str, plan.months)),
            "outputs": OUTPUTS,
            "reasonings": REASONINGS,
            "boxes": [title_of(key) for key in BOXES],
            "fields": [METERS[key].price for key in BOXES],
            "tokens": len(TOKEN_METERS),
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
                {
                    **self._described(one),
                    **of,
                    **self._ranges(one.workload.name, ranges),
                }
                for one, of in zip(coefficients, told, strict=True)
            ],
            "file": self._file(),
        }
        shown = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
        return shown.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")

    def _ranges(self, name: str, ranges: _Ranges) -> dict[str, Any]:
        """Return the ranges on each model; alone it has none where nobody knows how much it reasons."""
        plan = self.recommendation.projection
        least = [plan.reasoning(model, name).is_least for model in plan.models]
        return {
            "least": least,
            "ranges": [
                ranges.factors(plan.spend[name, model], is_least=is_least)
                for model, is_least in zip(plan.models, least, strict=True)
            ],
        }

    def _described(self, numbers: Coefficients) -> dict[str, Any]:
        plan, workload = self.recommendation.projection, numbers.workload
        load, budget = workload.resolve(), plan.budget(workload.name)
        growth, closed = load.traffic.growth, self._closed(numbers)
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
            "growth": text(100 * growth.value) if isinstance(growth, Constant) else "",
            "growthWords": _percent(growth),
            "cachedWords": _percent(load.cached),
            "stops": [text(share) for share in numbers.stops],
            "held": None if workload.cache is None else text(numbers.cached),
            "excluded": [reasons.get(model, "") for model in plan.models],
            "closed": list(closed),
            "notes": [
                f"{name.capitalize()} stays as planned: {why}." for name, why in closed.items()
            ],
        }

    def _closed(self, numbers: Coefficients) -> dict[str, str]:
        """Return what of a workload cannot be moved, and why."""
        workload = numbers.workload
        fields = {"traffic": workload.unit, "output": "completion_tokens"}
        if numbers.has_reasoning:
            fields["reasoning"] = "reasoning_tokens"
        closed = {
            name: f"{key} is measured in a log"
            for name, key in fields.items()
            if any(
                workload.name == table["name"] and not _scalable(table[key])
                for table in self._tables or ()
            )
        }
        if not numbers.has_reasoning:
            closed["reasoning"] = "the workload does not state it"
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
                    if key in factors
                    else [key, None, [toml_lines({key: value})]]
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
            f"# Changed in a report on catalog {plan.catalog.version}. The same numbers again:\n"
            f"# kimi-planner plan FILE --catalog {plan.catalog.version} --as-of {plan.as_of} "
            f"--start {plan.months[0]} --months {len(plan.months)} --seed {plan.seed} "
            f"--paths {plan.n_paths}\n{toml_lines(booked)}\n\n"
        )


def _common(boxes: list[list[Any]]) -> list[Any]:
    """Return the prices that all workloads begin with; those that differ cannot be changed."""
    return [
        one[0] if one.count(one[0]) == len(one) else ["differs"] for one in zip(*boxes, strict=True)
    ]


def _percent(share: Quantity) -> str:
    if share.is_certain:
        return f"{100 * share.mean:.4g}%"
    low, high = (100 * share.ppf(np.array(_ENDS))).tolist()
    return f"{low:.3g}% to {high:.3g}%"


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


@dataclass(frozen=True)
class _Ranges:
    """How far P10 and P90 of a plan are from its mean, and what each part of it has of that.

    Attributes
    ----------
    together : ndarray, shape (1 + n_months, n_paths), USD
        Spend of the plan over all months, and in each; ``None`` where no range was given.
    near
        For each end and row, the paths around that percentile.
    """

    together: Array | None
    near: tuple[NDArray[np.intp], ...]

    @classmethod
    def of(cls, spends: Mapping[str, Spend]) -> _Ranges:
        """Return the ranges of workloads on their planned models."""
        whole = Spend.together(list(spends.values()))
        if not whole.is_ranged:
            return cls(None, ())
        usd = _with_total(whole.usd)
        order, n_paths = np.argsort(usd, axis=1, kind="stable"), usd.shape[1]
        bands = (slice(int((q - _NEAR) * n_paths), int((q + _NEAR) * n_paths) + 1) for q in _ENDS)
        return cls(usd, tuple(order[:, band] for band in bands))

    def factors(self, spend: Spend, *, is_least: bool) -> list[list[list[float]] | None]:
        """Return what the mean of a spend is multiplied by, for P10 and P90, all months and each.

        First for the spend alone, then for its part in the plan: the mean of the spend where the plan
        is around that percentile, which is how fast a percentile of a sum grows with one of its
        parts. The parts of a plan add up to its percentile. ``None`` where no range was given.
        """
        if self.together is None:
            return [None, None]
        means = np.concatenate([[spend.mean().sum()], spend.mean()])
        over = spend.over_months()
        usd = np.broadcast_to(_with_total(spend.usd), self.together.shape)
        alone = [np.concatenate([over.quantile(q), spend.quantile(q)]) for q in _ENDS]
        parts = []
        for q, near in zip(_ENDS, self.near, strict=True):
            whole = np.take_along_axis(self.together, near, axis=1).mean(axis=1)
            scale = _share(np.quantile(self.together, q, axis=1), whole)
            parts.append(np.take_along_axis(usd, near, axis=1).mean(axis=1) * scale)
        return [
            [_short(_share(end, means)) for end in ends] if ends else None
            for ends in (alone if spend.is_ranged and not is_least else [], parts)
        ]


def _with_total(usd: Array) -> Array:
    return np.concatenate([usd.sum(axis=0, keepdims=True), usd])


def _share(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _short(values: Array) -> list[float]:
    return [float(digits(value)) for value in values.tolist()]
