"""Which uncertain number matters most: what each does to the spend alone, and its share of variance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.arguments import public
from kimi_planner.catalog import Catalog, Fee, ModelSpec
from kimi_planner.errors import SettingError, shown, unknown
from kimi_planner.plan.beyond_tokens import check_fees
from kimi_planner.plan.bill import LoadPlan
from kimi_planner.plan.calendar import Month
from kimi_planner.plan.demand import periods_of
from kimi_planner.plan.draws import Draws, Key, uncertain
from kimi_planner.plan.noise import compound_cumulants
from kimi_planner.plan.scope import scope_of
from kimi_planner.plan.simulation import DEFAULT_PATHS
from kimi_planner.rich import Page, Shown
from kimi_planner.workload import Quantity, Workload
from kimi_planner.workload.inputs import Workloads, check_price_changes
from kimi_planner.workload.quantity import Array
from kimi_planner.workload.resolve import Load

REMAINDER = "interactions and single calls"
_COLUMNS = [
    "workload",
    "input",
    "given",
    "low_usd_per_month",
    "high_usd_per_month",
    "variance_share",
]
_POINTS = 2**14
_ENDS = 1e-12, 1 - 1e-12  # a point on the edge of the cube may have no finite quantile
_ROUNDING = 1e-12


@dataclass(frozen=True, kw_only=True, repr=False)
class Sensitivity(Shown):
    """What each uncertain number does to the spend of workloads on their models.

    Attributes
    ----------
    frame : DataFrame
        One row per uncertain number, the widest first: ``workload`` (``"all"`` for a price change),
        ``input``, ``given``, ``low_usd_per_month`` and ``high_usd_per_month`` (average spend over
        the months with that number at the lower and the upper quantile, all others at their
        medians), and ``variance_share`` of the spend that it explains by itself. The last row holds
        the rest of the variance: what numbers do together, and single calls. Shares are estimates:
        one of about nothing may be a little below 0.
    base_usd_per_month : float
        Average spend with every number at its median.
    q
        The two quantiles.
    title, provenance
        What was asked about, and what the result rests on.
    currency
        Of every amount, also of those with ``usd`` in their names.
    """

    frame: pd.DataFrame
    base_usd_per_month: float
    q: tuple[float, float]
    title: str
    provenance: str
    currency: str = "USD"

    def page(self) -> Page:
        """Return what each uncertain number does to the spend."""
        return Page(
            title=f"What the spend of {self.title} depends on most: {self.currency} per month with one number at "
            f"its P{100 * self.q[0]:g} and P{100 * self.q[1]:g}, {self.base_usd_per_month:,.2f} with all at P50",
            frame=self.frame,
            provenance=self.provenance,
            currency=self.currency,
        )


@public
def sensitivity(
    workloads: Workloads,
    model: str | Mapping[str, str],
    months: int = 12,
    start: str | date | None = None,
    as_of: date | str | None = None,
    seed: int = 0,
    *,
    q: tuple[float, float] = (0.1, 0.9),
    catalog: Catalog | str | Path | None = None,
) -> Sensitivity:
    """Tell which uncertain numbers the spend of workloads depends on most.

    Parameters
    ----------
    workloads : Workload, iterable of Workload, or path of a workload file
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
    SettingError
        If a date, the horizon, the seed, the quantiles or the choice of models is out of bounds.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, or states no price for it on that day.

    Notes
    -----
    The share of variance is Sobol's index of first order, ``Var(E[Y | X]) / Var(Y)``, of the spend
    ``Y`` over the whole horizon, by the estimator of Saltelli et al. (2010) on 16,384 scrambled
    Sobol points: ``E[f(B) (f(A with X of B) - f(A))]``, where ``f`` is the spend expected of the
    workloads that ``X`` concerns. Months given the path are independent; their variance is that
    of a compound sum.

    Examples
    --------
    >>> from kimi_planner import Workload
    >>> chat = Workload(name="chat", requests_per_day={"p10": 700, "p50": 1000, "p90": 1600},
    ...     prompt_tokens=2000, completion_tokens=300)
    >>> drivers = sensitivity(chat, "kimi-k2", 1, "2027-01", "2026-11-28", catalog="2026-06").frame
    >>> float(drivers["variance_share"].round(2).iloc[0])
    1.0
    """
    low, high = _checked_quantiles(q)
    scope = scope_of(
        workloads, None, months, start, as_of, seed=seed, n_paths=DEFAULT_PATHS, catalog=catalog
    )
    catalog, covered = scope.catalog, scope.months
    check_price_changes(catalog, scope.workloads)
    parts = []
    for workload, name in _choices(scope.workloads, model):
        check_fees(catalog, load := workload.resolve())
        parts.append(_Part(load, catalog.model(name), covered, catalog.fees))
    explained, variance = _variances(parts, seed)
    base = float(sum(part.usd({}) for part in parts))
    rows = []
    for key, alone in explained.items():
        concerned = [part for part in parts if key in part.inputs]
        rest = base - sum(part.usd({}) for part in concerned)
        at_low, at_high = (
            float(rest + sum(part.usd({key: share}) for part in concerned)) / len(covered)
            for share in (low, high)
        )
        given = concerned[0].inputs[key].describe()
        rows.append((key[0] or "all", key[1], given, at_low, at_high, alone / variance))
    rows.sort(key=lambda row: -abs(row[4] - row[3]))  # by the width of the range
    remainder = 1 - sum(row[5] for row in rows) if variance else 0.0
    rows.append(("all", REMAINDER, "", np.nan, np.nan, remainder))
    models = list(dict.fromkeys(part.spec.id for part in parts))
    names = parts[0].load.name if len(parts) == 1 else f"{len(parts)} workloads"
    return Sensitivity(
        frame=pd.DataFrame(rows, columns=_COLUMNS),
        base_usd_per_month=base / len(covered),
        q=(low, high),
        title=f"{names} on {models[0] if len(models) == 1 else 'the models chosen'}",
        provenance=(
            f"Catalog {catalog.version} (sha256 {catalog.sha256[:12]}), as of {scope.as_of}, seed {seed}, "
            f"{covered[0]} to {covered[-1]}."
        ),
        currency=scope.currency,
    )


def _checked_quantiles(q: tuple[float, float]) -> tuple[float, float]:
    is_pair = isinstance(q, Sequence) and len(q) == 2
    if not is_pair or not all(isinstance(one, int | float) for one in q) or not 0 < q[0] < q[1] < 1:
        raise SettingError(
            f"q is {shown(q)}. Give two numbers between 0 and 1, such as (0.1, 0.9)."
        )
    return float(q[0]), float(q[1])


def _choices(
    workloads: Sequence[Workload], model: str | Mapping[str, str]
) -> list[tuple[Workload, str]]:
    if isinstance(model, str):
        return [(workload, model) for workload in workloads]
    names = [workload.name for workload in workloads]
    if not isinstance(model, Mapping) or not model:
        raise SettingError(f"model is {shown(model)}. Give a model id, or workload to model id.")
    for name in model:
        if name not in names:
            raise SettingError(unknown("model names the workload", name, names, "There are"))
    return [(workload, model[workload.name]) for workload in workloads if workload.name in model]


class _Part:
    """A load on the model chosen for it."""

    def __init__(
        self, load: Load, spec: ModelSpec, months: tuple[Month, ...], fees: tuple[Fee, ...]
    ) -> None:
        self.load, self.spec, self.months, self.fees = load.on(spec.profile), spec, months, fees
        self.inputs: dict[Key, Quantity] = uncertain(self.load)

    def plan(self, shares: Mapping[Key, Any]) -> LoadPlan:
        """Return the plan with each uncertain number at its share, or else at its median."""

        def value(owner: str, name: str, quantity: Quantity) -> Array:
            share = np.clip(shares.get((owner, name), 0.5), *_ENDS)
            return np.squeeze(quantity.ppf(np.atleast_1d(share)))[()]

        return LoadPlan(self.load, self.months, self.fees, Draws.at(self.load, value))

    def usd(self, shares: Mapping[Key, Any]) -> Array:
        """Return the spend expected over the horizon."""
        months = self.plan(shares).on(self.spec).expected_usd()
        return np.squeeze(np.asarray(sum(months), dtype=np.float64))

    def noise(self, shares: Mapping[Key, Any]) -> float:
        """Return the variance of what single calls add to the spend, its mean over the points."""
        plan = self.plan(shares)
        bill, calls = plan.on(self.spec), plan.requests(periods_of(self.months))
        at_random = not self.load.traffic.level.is_certain
        noise = 0.0
        expected = bill.expected_usd().astype(np.float64).reshape(len(self.months), -1)
        for usd, weights, count in zip(expected, bill.weights, calls, strict=True):
            few = np.divide(bill.turns, count, where=usd > 0, out=np.zeros_like(usd))
            second, *_ = compound_cumulants(bill.sizes.moments(*weights), at_random)
            noise += second * float(np.mean(usd**2 * few))
        return noise


def _variances(parts: Sequence[_Part], seed: int) -> tuple[dict[Key, float], float]:
    """Return the variance of the spend that each number explains by itself, and that of all.

    Numbers that no bill rests on are left out, such as reasoning on a model that does not reason.
    """
    from scipy.stats import qmc  # slow to import

    inputs = list(dict.fromkeys(key for part in parts for key in part.inputs))
    if not inputs:
        return {}, sum(part.noise({}) for part in parts)
    points = qmc.Sobol(2 * len(inputs), bits=64, rng=seed).random(_POINTS).T
    first = dict(zip(inputs, points[: len(inputs)], strict=True))
    second = dict(zip(inputs, points[len(inputs) :], strict=True))
    spends = np.empty((len(parts), 2, _POINTS))
    for spend, part in zip(spends, parts, strict=True):
        spend[0], spend[1] = part.usd(first), part.usd(second)
    explained = {}
    for key in inputs:
        concerned = [at for at, part in enumerate(parts) if key in part.inputs]
        moved = sum(parts[at].usd(first | {key: second[key]}) for at in concerned)
        before, after = spends[concerned].sum(axis=0)
        effect = moved - before
        if np.abs(effect).max() > _ROUNDING * before.max():
            explained[key] = float(np.mean((after - spends[concerned].sum(axis=0).mean()) * effect))
    shared = any(not owner for owner, _ in inputs)  # else workloads are independent
    variance = spends.sum(axis=0).var() if shared else spends.var(axis=(1, 2)).sum()
    return explained, float(variance) + sum(part.noise(first) for part in parts)
