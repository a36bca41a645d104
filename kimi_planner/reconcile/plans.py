"""What changed between two plans: the difference of their bookable numbers, by cause."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import pandas as pd

from kimi_planner.arguments import public
from kimi_planner.errors import SettingError, unknown
from kimi_planner.money import exact_parts, in_cents, rounded, total, usd
from kimi_planner.notes import Note
from kimi_planner.plan.projection import Projection
from kimi_planner.reconcile.causes import CAUSES, divided
from kimi_planner.reconcile.planned import Plan
from kimi_planner.reconcile.read_plan import Choice, plan_of
from kimi_planner.reconcile.result import ALL, RESERVE, Compared, parts_frame
from kimi_planner.rich import Page, Shown
from kimi_planner.workload.currency import common_currency

NEW = "new workload"
GONE = "gone workload"
#: Months that one of the plans does not have.
MONTHS = "months"
PRICE = "price"
_PRICES = CAUSES[-2:]
_ENDS = ("before", "after")
ORDER = (*CAUSES[:-2], PRICE, NEW, GONE, MONTHS, RESERVE)


@dataclass(frozen=True, kw_only=True, repr=False)
class PlanChange(Shown):
    """What made one plan cost other than another.

    Attributes
    ----------
    before, after
        The plans, read.
    compared
        Every workload in every month, what was booked before as planned, and after as actual; its
        parts add up to the difference exactly.
    """

    before: Plan
    after: Plan
    compared: tuple[Compared, ...]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per month, workload and cause: ``month``, ``workload``, ``cause``, ``usd``.

        ``usd`` is an exact decimal; the rows add up to after minus before.
        """
        return parts_frame(self.compared)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the workloads of either plan."""
        return tuple(dict.fromkeys(cell.workload for cell in self.compared))

    @property
    def currency(self) -> str:
        """What amounts are in."""
        return self.after.catalog.currency

    @property
    def before_usd(self) -> Decimal:
        """The bookable number before."""
        return total(cell.planned_usd for cell in self.compared)

    @property
    def after_usd(self) -> Decimal:
        """The bookable number after."""
        return total(cell.actual_usd for cell in self.compared)

    @property
    def notes(self) -> tuple[Note, ...]:
        """What the reader must know of the two plans."""
        return tuple(dict.fromkeys((*self.before.notes, *self.after.notes)))

    @property
    def provenance(self) -> str:
        """Both plans and their catalogs in one line."""
        return " ".join(
            f"{words}: {plan.source} ({plan.measure}), catalog {plan.catalog.version} (sha256 "
            f"{plan.catalog.sha256[:12]}), {plan.months[0]} to {plan.months[-1]}."
            for words, plan in (("Before", self.before), ("After", self.after))
        )

    def steps(self, workload: str | None = None) -> pd.DataFrame:
        """Return the way from one bookable number to the other.

        Parameters
        ----------
        workload : str, optional
            One workload; all of them if not given.

        Returns
        -------
        DataFrame
            ``step`` and ``usd``, decimals of whole cents: ``before``, each cause that occurs, and
            ``after``. The causes add up to after minus before, to the cent.

        Raises
        ------
        SettingError
            If neither plan has such a workload.
        """
        summary = self.summary()
        if workload is not None and workload not in self.names:
            said = unknown("Neither plan has a workload", workload, self.names, "There is")
            raise SettingError(said)
        usd = summary[workload or ALL]
        return usd[(usd != 0) | usd.index.isin(_ENDS)].rename("usd").reset_index()

    def summary(self) -> pd.DataFrame:
        """Return the steps of each workload, and of ``all``, as columns of whole cents.

        The columns of the workloads add up to that of ``all``, row by row.
        """
        ends = [
            in_cents({name: self._sum(name, side) for name in self.names})
            for side in ("planned_usd", "actual_usd")
        ]
        columns = {}
        for name in self.names:
            was, now = (side[name] for side in ends)
            parts = dict.fromkeys(ORDER, Fraction(0))
            for cell in self.compared:
                for cause, amount in cell.parts.items() if cell.workload == name else ():
                    parts[cause] += Fraction(amount)
            columns[name] = {_ENDS[0]: was, **in_cents(parts, now - was), _ENDS[1]: now}
        order = (_ENDS[0], *ORDER, _ENDS[1])
        columns[ALL] = {step: total(one[step] for one in columns.values()) for step in order}
        frame = pd.DataFrame(columns, dtype=object)
        frame.index.name = "step"
        return frame[(frame != 0).any(axis=1) | frame.index.isin(_ENDS)]

    def _sum(self, name: str, side: str) -> Decimal:
        return total(getattr(cell, side) for cell in self.compared if cell.workload == name)

    def page(self) -> Page:
        """Return the steps from one bookable number to the other."""
        before, after = usd(self.before_usd), usd(self.after_usd)
        return Page(
            title=f"Bookable {self.currency} of all months, {before} before to {after} after, by cause",
            frame=self.steps(),
            notes=self.notes,
            provenance=self.provenance,
            currency=self.currency,
        )


@public
def compare_plans(
    before: Projection | str | Path,
    after: Projection | str | Path,
    *,
    before_choice: Choice | None = None,
    after_choice: Choice | None = None,
) -> PlanChange:
    """Say what made the bookable number of one plan other than that of another.

    Parameters
    ----------
    before, after : Projection or path
        What :func:`project` returns, an approved plan, or a file of ``plan --format json``.
    before_choice, after_choice : str or mapping of str to str, optional
        The model of each workload; that of an approved plan, or the recommended one of a JSON plan, if
        not given.

    Raises
    ------
    FileError, CatalogError, SettingError
        If a plan cannot be read, or it is not told on which model a workload was planned.

    Notes
    -----
    Each month of a workload is split as `reconcile` splits it, the later plan in the place of what
    happened, so the parts need no order. ``price`` is all that prices did; ``reserve`` is what the
    bookable number has above what is expected: another percentile, contingency, or another range.

    Examples
    --------
    >>> from kimi_planner import Workload, project
    >>> plans = [
    ...     project(
    ...         Workload(
    ...             name="w", requests_per_day=calls, prompt_tokens=9000, completion_tokens=500
    ...         ),
    ...         1, "2027-03", "kimi-k2", as_of="2026-11-24", catalog="2026-06",
    ...     )
    ...     for calls in (10, 15)
    ... ]
    >>> compare_plans(*plans).steps()
          step   usd
    0   before  3.91
    1  traffic  1.95
    2    after  5.86
    """
    later = plan_of(after, after_choice, None)
    plans = plan_of(before, before_choice, None, later.catalog), later
    common_currency(plan.catalog.currency for plan in plans)
    months = sorted({month for plan in plans for month in plan.months})
    names = dict.fromkeys(name for plan in plans for name in plan.models)
    cells = tuple(_compared(*plans, name, month) for month in months for name in names)
    return PlanChange(before=plans[0], after=plans[1], compared=cells)


def _compared(before: Plan, after: Plan, name: str, month: str) -> Compared:
    """Return what a workload costs more in a month, by cause."""
    ends = before.amount(name, month), after.amount(name, month)
    parts = {RESERVE: after.reserve(name, month) - before.reserve(name, month)}
    expected = ends[1] - ends[0] - parts[RESERVE]
    if not {month} <= set(before.months) & set(after.months):
        parts = {MONTHS: ends[1] - ends[0]}
    elif name not in before.models or name not in after.models:
        parts = {NEW if name in after.models else GONE: ends[1] - ends[0]}
    else:
        old, new = before.models[name], after.models[name]
        planned = {model: before.billed(name, model, month) for model in dict.fromkeys([old, new])}
        later = after.billed(name, new, month)
        if planned[old].usage.requests and later.usage.requests:
            tariffs = {model: after.billed(name, model, month).tariff for model in planned}
            parts |= divided(old, planned, {new: later}, tariffs)
            parts[PRICE] = sum((parts.pop(cause) for cause in _PRICES), Fraction(0))
        else:
            parts["traffic"] = expected
    # rounding moves the ends by less than what is written; so does the largest part
    largest = max(parts, key=lambda cause: abs(parts[cause]))
    was, now = map(rounded, ends)
    parts[largest] += Fraction(now) - ends[1] - (Fraction(was) - ends[0])
    return Compared(
        month=month,
        workload=name,
        covered=1.0,
        planned_usd=was,
        actual_usd=now,
        range=None,
        parts={cause: usd for cause, usd in exact_parts(parts).items() if usd},
    )
