"""Which uncertain number matters most: what each does to the spend alone, and its share of variance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.catalog import Catalog, ModelSpec, load_catalog
from kimi_planner.errors import ScenarioError, shown
from kimi_planner.plan.beyond_tokens import fees_usd
from kimi_planner.plan.bill import Bill, conversation_costs
from kimi_planner.plan.calendar import Month, month_range
from kimi_planner.plan.scenarios import Scenarios, scenario_quantities, stream
from kimi_planner.rich import frame_html, page_html
from kimi_planner.workload import Quantity, Workload
from kimi_planner.workload.inputs import (
    check_price_changes,
    check_seed,
    chosen_day,
    chosen_workloads,
)
from kimi_planner.workload.quantity import Array

__all__ = ["REMAINDER", "Sensitivity", "sensitivity"]

REMAINDER = "interactions and single calls"
_POINTS = 2**16
_BINS = 256


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    """What each uncertain number does to the spend of workloads on their models.

    Attributes
    ----------
    frame : DataFrame
        One row per uncertain number, the widest first: ``workload`` (``"all"`` for a price change),
        ``input``, ``given``, ``low_usd_per_month`` and ``high_usd_per_month`` (average spend over
        the months with that number at the lower and the upper quantile, all others at their
        medians), and ``variance_share`` of the spend that it explains by itself. The last row holds
        the rest of the variance: what numbers do together, and single calls.
    base_usd_per_month : float
        Average spend with every number at its median.
    q
        The two quantiles.
    title, provenance
        What was asked about, and what the result rests on.
    """

    frame: pd.DataFrame
    base_usd_per_month: float
    q: tuple[float, float]
    title: str
    provenance: str

    def __repr__(self) -> str:
        return f"<Sensitivity of {self.title}: {len(self.frame) - 1} inputs. {self.provenance}>"

    def _repr_html_(self) -> str:
        return page_html(frame_html(self.frame), title=self.title, provenance=self.provenance)


def sensitivity(
    workloads: Workload | Iterable[Workload],
    model: str | Mapping[str, str],
    months: int = 12,
    start: str | date | None = None,
    as_of: date | None = None,
    seed: int = 0,
    *,
    q: tuple[float, float] = (0.1, 0.9),
    catalog: Catalog | str | Path | None = None,
) -> Sensitivity:
    """Tell which uncertain numbers the spend of workloads depends on most.

    Parameters
    ----------
    workloads : Workload or iterable of Workload
        What may happen.
    model : str or mapping of str to str
        A model id for all workloads, or from workload to model id, such as `Recommendation.best`;
        workloads that are not in the mapping are left out.
    months, start, as_of, seed, catalog
        As for :func:`project`.
    q : tuple of float
        The two quantiles that each number is set to, all others at their medians.

    Returns
    -------
    Sensitivity
        A row for each number with a range that the bill rests on, and the rest of the variance.

    Raises
    ------
    ScenarioError
        If a date, the horizon, the seed, the quantiles or the choice of models is out of bounds.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, or states no price for it on that day.

    Notes
    -----
    The share of variance is Sobol's index of first order, ``Var(E[Y | X]) / Var(Y)``, of the spend
    ``Y`` over the whole horizon: the numbers are set to 65,536 points of a Kronecker sequence,
    shifted by the seed, and the spend expected at each is averaged within 256 equal shares of the
    number; of its own workload, as workloads are independent. Months given the scenario are
    independent; their variance is that of a compound sum.
    """
    catalog = load_catalog(catalog)
    chosen = chosen_workloads(workloads)
    check_seed(seed)
    low, high = _checked_quantiles(q)
    as_of = chosen_day(as_of)
    catalog = catalog.on(as_of)
    check_price_changes(catalog, chosen)
    parts = [
        (workload, catalog.model(name), fees_usd(catalog, workload))
        for workload, name in _choices(chosen, model)
    ]
    covered = month_range(start, months, as_of)
    inputs = _inputs([workload for workload, _, _ in parts])
    points = _points(inputs, seed)
    base = _spend(parts, covered, {key: np.full(1, 0.5) for key in inputs})
    rows: list[dict[str, Any]] = []
    drawn, noise = _drawn(parts, covered, points, seed)
    everything = sum(drawn.values(), np.zeros(1))
    variance = float(everything.var()) + noise
    for key, quantity in inputs.items():
        shares = {other: np.full(2, 0.5) for other in inputs} | {key: np.array([low, high])}
        ends = _spend(parts, covered, shares) / len(covered)
        if np.all(ends == base / len(covered)):
            continue  # such as reasoning on a model that does not reason
        rows.append(
            {
                "workload": key[0] or "all",
                "input": key[1],
                "given": quantity.describe(),
                "low_usd_per_month": float(ends[0]),
                "high_usd_per_month": float(ends[-1]),
                "variance_share": _first_order(points[key], drawn.get(key[0], everything))
                / (variance or 1.0),
            }
        )
    rows.sort(key=lambda row: -abs(row["high_usd_per_month"] - row["low_usd_per_month"]))
    explained = sum(row["variance_share"] for row in rows)
    rows.append(
        {
            "workload": "all",
            "input": REMAINDER,
            "given": "",
            "low_usd_per_month": np.nan,
            "high_usd_per_month": np.nan,
            "variance_share": max(0.0, 1 - explained) if variance else 0.0,
        }
    )
    models = list(dict.fromkeys(spec.id for _, spec, _ in parts))
    names = parts[0][0].name if len(parts) == 1 else f"{len(parts)} workloads"
    return Sensitivity(
        frame=pd.DataFrame(rows),
        base_usd_per_month=float(base[0]) / len(covered),
        q=(low, high),
        title=f"{names} on {models[0] if len(models) == 1 else 'the models chosen'}",
        provenance=(
            f"Catalog {catalog.version} (sha256 {catalog.sha256[:12]}), as of {as_of}, seed {seed}, "
            f"{covered[0]} to {covered[-1]}."
        ),
    )


Key = tuple[str, str]  # workload, or "" for all, and the name of the quantity
Part = tuple[Workload, ModelSpec, Decimal]  # the last: fees of a request in USD


def _checked_quantiles(q: tuple[float, float]) -> tuple[float, float]:
    words = "Give two numbers between 0 and 1, such as (0.1, 0.9)."
    if not isinstance(q, Sequence) or isinstance(q, str) or len(q) != 2:
        raise ScenarioError(f"q is {shown(q)}. {words}")
    if not all(isinstance(one, int | float) and 0 < one < 1 for one in q) or q[0] >= q[1]:
        raise ScenarioError(f"q is {shown(q)}. {words}")
    return float(q[0]), float(q[1])


def _choices(
    workloads: Sequence[Workload], model: str | Mapping[str, str]
) -> list[tuple[Workload, str]]:
    if isinstance(model, str):
        return [(workload, model) for workload in workloads]
    names = [workload.name for workload in workloads]
    if not isinstance(model, Mapping) or not model:
        raise ScenarioError(f"model is {shown(model)}. Give a model id, or workload to model id.")
    for name in model:
        if name not in names:
            raise ScenarioError(
                f"model names the workload {shown(name)}. There are {', '.join(names)}."
            )
    return [(workload, model[workload.name]) for workload in workloads if workload.name in model]


def _inputs(workloads: Sequence[Workload]) -> dict[Key, Quantity]:
    found: dict[Key, Quantity] = {}
    for workload in workloads:
        changes = {change.key for change in workload.dated_price_changes}
        for name, quantity in scenario_quantities(workload).items():
            if not quantity.is_certain:
                found["" if name in changes else workload.name, name] = quantity
    return found


def _points(inputs: Mapping[Key, Quantity], seed: int) -> dict[Key, Array]:
    """Return shares that fill the unit cube evenly: multiples of irrational steps, shifted.

    The steps are powers of the root of ``x**(d + 1) = x + 1``, which generalise the golden ratio.
    """
    root = 1.5
    for _ in range(60):
        root = (1 + root) ** (1 / (len(inputs) + 1))
    places = np.arange(_POINTS)
    return {
        key: (places * root ** -(number + 1.0) + stream(seed, *key, "shift").random()) % 1.0
        for number, key in enumerate(inputs)
    }


def _scenarios(workload: Workload, shares: Mapping[Key, Array]) -> Scenarios:
    drawn = {}
    for name, quantity in scenario_quantities(workload).items():
        share = shares.get((workload.name, name), shares.get(("", name)))
        drawn[name] = (
            np.full(1, quantity.mean)
            if share is None
            else quantity.ppf(np.clip(share, 1e-12, 1 - 1e-12))
        )
    return Scenarios(drawn)


def _spend(
    parts: Sequence[Part],
    months: Sequence[Month],
    shares: Mapping[Key, Array],
) -> Array:
    """Return the spend expected over the horizon, each number at its share."""
    total: Array = np.zeros(1)
    for workload, spec, fees in parts:
        bill = Bill.of(workload, spec, months, _scenarios(workload, shares), fees)
        for place in range(len(months)):
            total = total + bill.expected_usd(place)
    return total


def _drawn(
    parts: Sequence[Part],
    months: Sequence[Month],
    points: Mapping[Key, Array],
    seed: int,
) -> tuple[dict[str, Array], float]:
    """Return the spend of each workload at each point, and the variance of single calls."""
    drawn, noise = {}, 0.0
    for workload, spec, fees in parts:
        bill = Bill.of(workload, spec, months, _scenarios(workload, points), fees)
        relatives: dict[object, float] = {}
        total = np.zeros(1)
        for place, count in enumerate(bill.conversations()):
            kind = bill.kind(place)
            if kind not in relatives:
                law = conversation_costs(bill, place, stream(seed, workload.name, "sizes"))
                certain = 0.0 if bill.calls_at_random else 1.0
                relatives[kind] = 0.0 if law is None else law.second - certain
            usd = bill.expected_usd(place)
            total = total + usd
            noise += relatives[kind] * float(np.mean(usd**2 / np.maximum(count, 1e-300)))
        drawn[workload.name] = total
    return drawn, noise


def _first_order(shares: Array, total: Array) -> float:
    """Return the variance of the mean of a total given one number.

    With few numbers the points lie so evenly that the means of the bins need no correction for
    chance; with many, a share can be up to one in 256 too large.
    """
    place = np.minimum((shares * _BINS).astype(np.int64), _BINS - 1)
    counts = np.bincount(place, minlength=_BINS)
    means = np.bincount(place, np.broadcast_to(total, len(place)), minlength=_BINS) / counts
    return float(np.average((means - total.mean()) ** 2, weights=counts))
