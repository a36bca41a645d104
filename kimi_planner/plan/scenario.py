"""Scenarios: named variants of a plan, over the same months and paths, side by side with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from kimi_planner.arguments import public
from kimi_planner.errors import SettingError, WorkloadError, restated, shown, unknown
from kimi_planner.money import total
from kimi_planner.plan.booking import Booked, booked
from kimi_planner.plan.calendar import Month
from kimi_planner.plan.projection import QUANTILES, Projection
from kimi_planner.plan.simulation import replanned
from kimi_planner.plan.spend import Spend
from kimi_planner.rich import Page, Shown
from kimi_planner.workload import Workload, what_if
from kimi_planner.workload.fields import MAX_NAME_CHARS, parse_field
from kimi_planner.workload.inputs import chosen_workloads
from kimi_planner.workload.model import FIELDS
from kimi_planner.workload.written import measured_in, stated

#: The plan as it is.
BASE = "plan"
FACTORS = ("traffic", "output", "reasoning")
_FIXED = (
    *("name", "source", "notes", "owner", "cost_centre", "budget_usd_per_month", "needs"),
    *("value_usd_per_success", "failure_usd", "seconds_at_most", "tokens_of"),
)
_KEYS = ("name", "set", "from", "to", "workloads")


@public
@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A named variant of a plan.

    Attributes
    ----------
    name
        What the team calls it.
    changes
        ``set`` in a file: factors ``traffic``, ``output`` and ``reasoning``, as :func:`what_if` takes
        them, and fields of a workload with another value.
    first, last
        The months that it holds for, both included; ``from`` and ``to`` in a file. All of the plan
        before or after where one is ``None``.
    workloads
        Names of those that it changes; all of them where ``None``.

    Examples
    --------
    >>> Scenario(name="March doubled", changes={"traffic": 2}, first="2027-03", last="2027-03").words
    'traffic × 2, 2027-03'
    """

    name: str
    changes: Mapping[str, Any]
    first: str | None = None
    last: str | None = None
    workloads: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        name = self.name
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise SettingError(
                f"The name of a scenario is {shown(name)}. It must be text that can be printed."
            )
        if name == BASE or len(name) > MAX_NAME_CHARS:
            raise SettingError(f"A scenario cannot be named {shown(name)}. Give another name.")
        if not isinstance(self.changes, Mapping) or not self.changes:
            raise self._fault(f"set is {shown(self.changes)}. Give a table: {{ traffic = 2 }}")
        allowed = (*FACTORS, *(one for one in FIELDS if one not in _FIXED))
        for key in self.changes:
            if key not in allowed:
                about = f"scenario {shown(name)}: set has"
                raise SettingError(unknown(about, key, allowed))
        object.__setattr__(self, "changes", _parsed(name, self.changes))
        for key, month in (("from", self.first), ("to", self.last)):
            if month is not None and not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", str(month)):
                raise self._fault(f"{key} is {shown(month)}. Write a month: 2027-03")
        if self.first and self.last and self.last < self.first:
            raise self._fault(f"to ({self.last}) is before from ({self.first})")

    @classmethod
    def of(cls, table: Any, folder: Path = Path()) -> Scenario:
        """Return the scenario that a table of a file describes.

        Raises
        ------
        SettingError
            If it breaks a rule; the message names the scenario and the key.
        """
        if not isinstance(table, Mapping):
            raise SettingError("scenario must be written as [[scenario]] tables.")
        for key in table:
            if key not in _KEYS:
                about = f"scenario {shown(table.get('name'))}: unknown key"
                raise SettingError(unknown(about, key, _KEYS))
        names = table.get("workloads")
        if isinstance(names, str):
            names = [names]
        changes = table.get("set")
        if isinstance(changes, Mapping):
            changes = _parsed(table.get("name"), changes, folder)
        return cls(
            name=table.get("name"),  # type: ignore[arg-type]  # checked when it is made
            changes=changes,  # type: ignore[arg-type]  # checked when it is made
            first=table.get("from"),
            last=table.get("to"),
            workloads=None if names is None else tuple(names),
        )

    @property
    def words(self) -> str:
        """What it changes and when, in words."""
        parts = [
            f"{key} {'×' if key in FACTORS else '='} {_text(value)}"
            for key, value in self.changes.items()
        ]
        if self.first or self.last:
            ends = dict.fromkeys([self.first or "the begin", self.last or "the end"])
            parts.append(" to ".join(ends))
        if self.workloads is not None:
            parts.append(f"of {', '.join(self.workloads)}")
        return ", ".join(parts)

    def written(self, logs: str = "") -> dict[str, Any]:
        """Return the table of a file that describes it; see :func:`workloads_toml` for ``logs``."""
        table = {
            "name": self.name,
            "set": {
                key: stated(key, value, measured_in(logs)) for key, value in self.changes.items()
            },
            "from": self.first,
            "to": self.last,
            "workloads": None if self.workloads is None else list(self.workloads),
        }
        return {key: value for key, value in table.items() if value is not None}

    def holds(self, months: Sequence[Month]) -> list[bool]:
        """Return for each month whether it holds."""
        first, last = self.first or "0000-00", self.last or "9999-99"
        return [first <= str(month) <= last for month in months]

    def applied(self, workloads: Iterable[Workload]) -> list[Workload]:
        """Return the workloads as they are in the scenario, wherever it holds.

        Raises
        ------
        SettingError
            If there is no such workload, or a changed one breaks a rule.
        """
        chosen = list(chosen_workloads(workloads))
        names = [one.name for one in chosen]
        for name in self.workloads or ():
            if name not in names:
                about = f"scenario {shown(self.name)}: there is no workload"
                raise SettingError(unknown(about, name, names, "There is"))
        return [
            self._changed(one) if self.workloads is None or one.name in self.workloads else one
            for one in chosen
        ]

    def _changed(self, workload: Workload) -> Workload:
        factors = {key: value for key, value in self.changes.items() if key in FACTORS}
        values = {key: value for key, value in self.changes.items() if key not in FACTORS}
        if "cached_share" in values:
            values.setdefault("cache", None)
        with restated(about=f"scenario {shown(self.name)}", of=WorkloadError, fault=SettingError):
            [scaled] = what_if(workload, **factors)
            return replace(scaled, **values)

    def _fault(self, text: str) -> SettingError:
        return SettingError(f"scenario {shown(self.name)}: {text}.")

    def of_plan(self, projection: Projection) -> Projection:
        """Return the plan under this scenario, on the same paths; other months are as they were.

        Raises
        ------
        SettingError
            If it holds in no month of the plan, or for no workload of it.
        """
        inside = self.holds(projection.months)
        if not any(inside):
            raise self._fault(
                f"it holds in no month of the plan ({projection.months[0]} to {projection.months[-1]})"
            )
        workloads = self.applied(projection.workloads)
        changed = replanned(
            projection,
            [new for new, old in zip(workloads, projection.workloads, strict=True) if new != old],
        )
        outside = [not one for one in inside]
        spend = {
            cell: spend
            if cell not in changed.spend
            else changed.spend[cell]
            if all(inside)
            else Spend.together([spend.in_months(outside), changed.spend[cell].in_months(inside)])
            for cell, spend in projection.spend.items()
        }
        return replace(projection, workloads=tuple(workloads), spend=spend)


def _parsed(name: Any, changes: Mapping[str, Any], folder: Path = Path()) -> dict[str, Any]:
    """Return fields of a workload as they are kept, and factors as they are."""
    with restated(about=f"scenario {shown(name)}", of=WorkloadError, fault=SettingError):
        return {
            key: parse_field(key, value, folder) if key in FIELDS else value
            for key, value in changes.items()
        }


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return value.describe() if hasattr(value, "describe") else str(value)


@dataclass(frozen=True, kw_only=True, repr=False)
class ScenarioComparison(Shown):
    """A plan and its scenarios, side by side.

    Attributes
    ----------
    projections
        From the name of a scenario to the plan under it; first the plan itself, ``"plan"``.
    scenarios
        What each of the others changes.
    choice
        Workload to model; a scenario that names another model has that.
    """

    projections: Mapping[str, Projection]
    scenarios: tuple[Scenario, ...]
    choice: Mapping[str, str]

    def choice_in(self, name: str) -> dict[str, str]:
        """Return the model of each workload in a scenario.

        Raises
        ------
        SettingError
            If there is no such scenario.
        """
        if name not in self.projections:
            raise SettingError(unknown("There is no scenario", name, self.projections))
        base = {one.name: one.model for one in self.projections[BASE].workloads}
        return {
            one.name: one.model
            if one.model and one.model != base[one.name]
            else self.choice[one.name]
            for one in self.projections[name].workloads
            if one.name in self.choice
        }

    @cached_property
    def booked(self) -> dict[str, Booked]:
        """The bookable number in each scenario."""
        return {
            name: booked(projection, self.choice_in(name))
            for name, projection in self.projections.items()
        }

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per scenario, the plan first.

        Columns: ``scenario``, ``changes`` in words, ``usd``, the bookable number of all months,
        ``difference_usd`` from the plan and ``difference_share`` of it, ``dearest_month`` and
        ``dearest_month_usd``, what of the number falls to it, and ``mean_usd``, ``p10_usd``,
        ``p50_usd``, ``p90_usd`` of all months.
        """
        words = {BASE: "", **{one.name: one.words for one in self.scenarios}}
        base = self.booked[BASE].usd
        rows = []
        for name, projection in self.projections.items():
            number = self.booked[name]
            months = number.by_month
            dearest = max(months, key=lambda month: months[month])
            more = total([number.usd, base.copy_negate()])
            spend = projection.mix(self.choice_in(name)).over_months()
            rows.append(
                {
                    "scenario": name,
                    "changes": words[name],
                    "usd": number.usd,
                    "difference_usd": more,
                    "difference_share": float(more / base) if base else None,
                    "dearest_month": dearest,
                    "dearest_month_usd": months[dearest],
                    "mean_usd": float(spend.mean()[0]),
                    **{key: float(spend.quantile(q)[0]) for key, q in QUANTILES.items()},
                }
            )
        return pd.DataFrame(rows)

    def page(self) -> Page:
        """Return what is booked under each scenario."""
        plan = self.projections[BASE]
        return Page(
            title=f"Bookable {plan.currency} of all {len(plan.months)} months under each scenario ({plan.booking.words}), "
            "and percentiles over paths",
            frame=self.frame,
            columns=(
                "scenario", "changes", "usd", "difference_usd", "difference_share", "p10_usd", "p90_usd"
            ),
            provenance=plan.provenance,
            currency=plan.currency,
        )  # fmt: skip


def chosen_scenarios(scenarios: Iterable[Scenario]) -> tuple[Scenario, ...]:
    """Return the scenarios as a tuple.

    Raises
    ------
    SettingError
        If two share a name, or one is something else.
    """
    chosen = tuple(scenarios)
    for scenario in chosen:
        if not isinstance(scenario, Scenario):
            raise SettingError(f"{shown(scenario)} is no scenario. Give Scenario(…).")
    names = [one.name for one in chosen]
    if len(set(names)) < len(names):
        raise SettingError(f"Two scenarios have one name: {', '.join(names)}.")
    return chosen


@public
def compare_scenarios(
    projection: Projection, scenarios: Iterable[Scenario], choice: Mapping[str, str] | str
) -> ScenarioComparison:
    """Plan named variants beside a plan, over the same months and paths.

    Parameters
    ----------
    projection : Projection
        The plan.
    scenarios : iterable of Scenario
        Its variants.
    choice : str or mapping of str to str
        One model for all workloads, or workload name to model id.

    Raises
    ------
    SettingError
        If one holds in no month of the plan, names a workload that it does not have, or has the name
        of another; if a model is not in the plan.

    Examples
    --------
    >>> from kimi_planner import Workload, project
    >>> chat = Workload(name="w", requests_per_day=10, prompt_tokens=9000, completion_tokens=500)
    >>> plan = project(chat, 2, "2027-03", "kimi-k2", as_of="2026-11-24", catalog="2026-06")
    >>> march = Scenario(name="March doubled", changes={"traffic": 2}, last="2027-03")
    >>> compare_scenarios(plan, [march], "kimi-k2").frame[["scenario", "usd", "difference_usd"]]
            scenario     usd difference_usd
    0           plan   7.686          0.000
    1  March doubled  11.592          3.906
    """
    if isinstance(choice, str):
        choice = dict.fromkeys(projection.names, choice)
    projection.mix(choice)  # a model that the plan does not have is said before anything is drawn
    chosen = chosen_scenarios(scenarios)
    projections = {BASE: projection, **{one.name: one.of_plan(projection) for one in chosen}}
    return ScenarioComparison(projections=projections, scenarios=chosen, choice=choice)
