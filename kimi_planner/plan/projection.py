"""The result of a projection: paths of spend, and the tables that are read off them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.errors import SettingError, shown, unknown
from kimi_planner.money import total
from kimi_planner.notes import Note
from kimi_planner.plan.bill import LoadPlan
from kimi_planner.plan.booking import EXPECTED, Booking
from kimi_planner.plan.notes import plan_notes
from kimi_planner.plan.scope import Scope
from kimi_planner.plan.spend import TOKEN_TOTALS, Spend
from kimi_planner.rich import Page, Shown
from kimi_planner.workload import Workload
from kimi_planner.workload.quantity import Array
from kimi_planner.workload.reasoning import Reasoning, reasoning_of

QUANTILES = {"p10_usd": 0.1, "p50_usd": 0.5, "p90_usd": 0.9}
#: Columns of a summary, and what they are called where the unit is said above.
IN_SHORT = {
    "workload": "workload",
    "model": "model",
    **{f"{name}_per_month": name for name in QUANTILES},
    "budget_usd_per_month": "budget_usd",
    "chance_over_budget": "chance_over_budget",
    "reasoning": "reasoning",
}


@dataclass(frozen=True, kw_only=True, repr=False)
class Projection(Shown, Scope):
    """Projected spend of workloads on models over calendar months.

    Attributes
    ----------
    workloads, specs, months
        What was projected: workloads, models, and calendar months.
    spend
        From (workload name, model id) to its paths.
    catalog, as_of, seed, n_paths
        What the result rests on; the same four give the same result.
    method
        How the spend was computed, in words.
    booking
        Which number of it is booked; see :func:`booked`.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from kimi_planner import Workload, project
    >>> chat = Workload(
    ...     name="chat", requests_per_day={"p10": 80, "p50": 100, "p90": 150},
    ...     prompt_tokens=1800, completion_tokens=300, budget_usd_per_month=12,
    ... )
    >>> plan = project(chat, 2, "2027-01", "kimi-k2", as_of="2026-11-28", catalog="2026-06")
    >>> plan.mix({"chat": "kimi-k2"}).mean().round(2).tolist()
    [10.98, 9.92]
    >>> plan.quantile([0.5, 0.9])[["month", "q", "spend_usd"]].round(2)
         month    q  spend_usd
    0  2027-01  0.5      10.06
    1  2027-02  0.5       9.12
    2  2027-01  0.9      15.05
    3  2027-02  0.9      13.59
    >>> plan.average_month([0.1, 0.9], "kimi-k2", "chat").round(2).tolist()
    [7.65, 14.32]
    >>> plan.totals()[["model", "month", "p90_usd"]].round(2)
         model    month  p90_usd
    0  kimi-k2  2027-01    15.05
    1  kimi-k2  2027-02    13.59
    >>> plan.budget("chat"), plan.reasoning("kimi-k2", "chat").is_least
    (Decimal('12'), False)
    >>> plan.plan_of(replace(chat, batch=True)).load.is_batch
    True
    """

    spend: Mapping[tuple[str, str], Spend]
    method: str = ""
    booking: Booking = EXPECTED

    @cached_property
    def notes(self) -> tuple[Note, ...]:
        """What the ranges leave out and what is taken for granted, in words."""
        return plan_notes(self.workloads, self.specs, self.months, self.catalog)

    def plan_of(self, workload: Workload) -> LoadPlan:
        """Return the plan of a workload, also of a changed one, on the paths of this projection."""
        return LoadPlan.of(workload.resolve(), self.months, self.catalog, self.seed, self.n_paths)

    def of(self, model: str, workload: str | None = None) -> Spend:
        """Return the spend of one workload, or of all together, on one model.

        Raises
        ------
        SettingError
            If the projection has no such workload or model.

        Examples
        --------
        >>> from kimi_planner import Workload, project
        >>> chat = Workload(
        ...     name="chat", requests_per_day=100, prompt_tokens=1800, completion_tokens=300
        ... )
        >>> plan = project(chat, 2, "2027-01", "kimi-k2", as_of="2026-11-28", catalog="2026-06")
        >>> plan.of("kimi-k2", "chat").mean().round(3).tolist()
        [10.044, 9.072]
        """
        names = self.names if workload is None else (workload,)
        for name in names:
            if (name, model) not in self.spend:
                raise SettingError(
                    f"The projection has no workload {shown(name)} on model {shown(model)}. It has "
                    f"{', '.join(self.names)} on {', '.join(self.models)}."
                )
        return Spend.together([self.spend[name, model] for name in names])

    def mix(self, choice: Mapping[str, str]) -> Spend:
        """Return the spend of all workloads together, each on the model chosen for it.

        Parameters
        ----------
        choice : mapping of str to str
            Workload name to model id, for the workloads to include.
        """
        if not choice:
            raise SettingError("The choice is empty. Name a model for at least one workload.")
        return Spend.together([self.of(model, name) for name, model in choice.items()])

    @property
    def frame(self) -> pd.DataFrame:
        """One row per workload, model and month.

        Columns: ``workload``, ``model``, ``month``, ``days``, expected ``requests`` and tokens,
        ``mean_usd``, ``p10_usd``, ``p50_usd``, ``p90_usd`` over paths, ``range_given``, without
        which these are all the mean, and ``exact_usd``, the bill as an exact decimal where nothing
        is uncertain.
        """
        return self._monthly(self.spend)

    def totals(self) -> pd.DataFrame:
        """Return the rows of `frame` for all workloads together, one per model and month."""
        return self._monthly({("all", model): self.of(model) for model in self.models})

    def by_meter(self) -> pd.DataFrame:
        """Return what is used and what it costs, by meter.

        Returns
        -------
        DataFrame
            One row per workload, model, month and meter that is used: ``workload``, ``model``,
            ``month``, ``meter``, the expected ``amount``, in tokens or, of a fee, in calls, and the
            expected ``usd``. The meters of a month sum to its ``mean_usd``.

        Examples
        --------
        >>> from kimi_planner.plan import Workload, project
        >>> chat = Workload(
        ...     name="chat", requests_per_day=1000, prompt_tokens=2000, completion_tokens=500
        ... )
        >>> plan = project(chat, months=1, start="2026-12", models="kimi-k2", catalog="2026-06")
        >>> plan.by_meter()[["meter", "amount", "usd"]]
            meter      amount   usd
        0   input  62000000.0  74.4
        1  output  15500000.0  55.8
        """
        rows = [
            (*of, str(month), key, float(spend.usage[key][place]), float(spend.bill[key][place]))
            for of, spend in self.spend.items()
            for place, month in enumerate(self.months)
            for key in spend.meters
        ]
        return pd.DataFrame(rows, columns=["workload", "model", "month", "meter", "amount", "usd"])

    def summary(self, *, together: bool = False) -> pd.DataFrame:
        """Return one row per workload and model for the whole horizon.

        Parameters
        ----------
        together : bool
            One row per model instead, for all workloads together.

        Returns
        -------
        DataFrame
            ``workload``, ``model``, ``reasoning`` where it is assumed or not known, ``is_least`` where the amounts
            are the least that they may be, ``mean_usd``, ``p10_usd``, ``p50_usd``, ``p90_usd``,
            ``range_given`` and ``exact_usd`` of the total over all months; amounts but the last also ``…_per_month``, divided
            by the number of months; ``budget_usd_per_month``, and ``chance_over_budget`` that some
            month exceeds it. The quantiles are over paths.

        Examples
        --------
        >>> from kimi_planner import Workload, project
        >>> chat = Workload(
        ...     name="chat", requests_per_day=100, prompt_tokens=1800, completion_tokens=300
        ... )
        >>> plan = project(chat, 2, "2027-01", "kimi-k2", as_of="2026-11-28", catalog="2026-06")
        >>> plan.summary()[["model", "mean_usd", "exact_usd"]]
             model  mean_usd exact_usd
        0  kimi-k2    19.116    19.116
        """
        rows = []
        for name in (None,) if together else self.names:
            budget = self.budget(name)
            for model in self.models:
                spend = self.of(model, name)
                row: dict[str, Any] = {"workload": name or "all", "model": model}
                row["reasoning"], row["is_least"] = self.reasoning(model, name)
                row |= {key: one for key, (one,) in _statistics(spend.over_months()).items()}
                for key in ("mean_usd", *QUANTILES):
                    row[f"{key}_per_month"] = row[key] / len(self.months)
                row["budget_usd_per_month"] = budget
                row["chance_over_budget"] = np.nan if budget is None else spend.chance_over(budget)
                rows.append(row)
        return pd.DataFrame(rows)

    def average_month(self, q: Sequence[float], model: str, workload: str | None = None) -> Array:
        """Return quantiles over paths of the average spend of a month.

        Parameters
        ----------
        q : sequence of float
            Between 0 and 1.
        model : str
            A model id.
        workload : str, optional
            One workload; all together if not given.

        Returns
        -------
        ndarray, shape (len(q),), USD
            All the same where nothing is uncertain.

        Raises
        ------
        SettingError
            If the projection has no such workload or model, or a quantile is out of bounds.
        """
        spend = self.of(model, workload).over_months()
        return np.array([spend.quantile(share)[0] for share in _shares(q)]) / len(self.months)

    def quantile(self, q: float | Iterable[float]) -> pd.DataFrame:
        """Return quantiles of monthly spend over paths.

        Parameters
        ----------
        q : float or iterable of float
            Between 0 and 1.

        Returns
        -------
        DataFrame
            ``workload``, ``model``, ``month``, ``q`` and ``spend_usd``, one row for each.

        Raises
        ------
        SettingError
            If a quantile is out of bounds.
        """
        rows = [
            (*of, str(month), share, usd)
            for of, spend in self.spend.items()
            for share in _shares(q)
            for month, usd in zip(self.months, spend.quantile(share).tolist(), strict=True)
        ]
        return pd.DataFrame(rows, columns=["workload", "model", "month", "q", "spend_usd"])

    def reasoning(self, model: str, workload: str | None = None) -> Reasoning:
        """Tell where the reasoning of a workload, or of any of them, on a model is from.

        What makes the spend the least that it may be comes first.

        Raises
        ------
        SettingError
            If the projection has no such workload.
        UnknownModelError
            If the catalog has no such model.
        """
        spec = self.catalog.model(model)
        said = [reasoning_of(one, spec) for one in self._asked(workload)]
        return max(said, key=lambda one: (one.is_least, bool(one.words)))

    def budget(self, workload: str | None = None) -> Decimal | None:
        """Return the monthly budget of a workload, or of all if every one has a budget.

        Raises
        ------
        SettingError
            If the projection has no such workload.
        """
        named = self._asked(workload)
        given = [one.budget_usd_per_month for one in named]
        budgets = [budget for budget in given if isinstance(budget, Decimal)]
        return total(budgets) if len(budgets) == len(named) else None

    def _asked(self, workload: str | None) -> list[Workload]:
        """Return the workload of a name, or all of them."""
        if workload is not None and workload not in self.names:
            said = unknown("The projection has no workload", workload, self.names, "It has")
            raise SettingError(said)
        return [one for one in self.workloads if workload in (None, one.name)]

    def _monthly(self, spends: Mapping[tuple[str, str], Spend]) -> pd.DataFrame:
        tables = [
            pd.DataFrame(
                {
                    "workload": name,
                    "model": model,
                    "month": [str(month) for month in self.months],
                    "days": [month.days for month in self.months],
                    **{key: getattr(spend, key).astype(float) for key in TOKEN_TOTALS},
                    **_statistics(spend),
                }
            )
            for (name, model), spend in spends.items()
        ]
        return pd.concat(tables, ignore_index=True)

    def page(self) -> Page:
        """Return spend by workload and model, with the total of all workloads on one model."""
        every = [self.summary(together=True)] * (len(self.names) > 1)
        rows = pd.concat([*every, self.summary()], ignore_index=True)
        months = (
            f"average of the {len(self.months)} months" if len(self.months) > 1 else "one month"
        )
        return Page(
            title=f"Spend in {self.currency} per month, {months}, percentiles over paths: {len(self.names)} "
            f"workloads on {len(self.models)} models" + ", first all together on one" * bool(every),
            frame=rows[list(IN_SHORT)].rename(columns=IN_SHORT),
            columns=list(IN_SHORT.values()),
            notes=self.notes,
            provenance=self.provenance,
            currency=self.currency,
        )


def _shares(q: float | Iterable[float]) -> list[float]:
    """Return quantiles as a list, each checked."""
    shares = list(q) if isinstance(q, Iterable) else [q]
    for share in shares:
        if not isinstance(share, int | float) or not 0 <= share <= 1:
            raise SettingError(f"quantile is {shown(share)}. It must lie between 0 and 1.")
    return shares


def _statistics(spend: Spend) -> dict[str, Sequence[Any]]:
    return {
        "mean_usd": spend.mean().tolist(),
        **{name: spend.quantile(q).tolist() for name, q in QUANTILES.items()},
        "range_given": [spend.is_ranged] * len(spend.usd),
        "exact_usd": spend.exact_usd or [None] * len(spend.usd),
    }
