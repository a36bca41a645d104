"""What prompts cost in a month, and what a change of them adds to it: by the plan of their calls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

from kimi_planner.checks.baseline import PromptEntry
from kimi_planner.checks.budgets import CheckConfig, PromptBudget, WorkloadBudget
from kimi_planner.checks.changes import SHORT, MonthChange, PromptChange
from kimi_planner.checks.growth import month_words
from kimi_planner.checks.results import CheckResult, Measure, Place, invalid
from kimi_planner.checks.workloads import Plans, held_spend
from kimi_planner.errors import (
    ConfigError,
    FileError,
    PriceNotFoundError,
    UnknownModelError,
    UsageError,
    WorkloadError,
    restated,
)
from kimi_planner.money import from_fraction, plain, total

if TYPE_CHECKING:
    from kimi_planner.plan.spend import Spend
    from kimi_planner.workload import Workload

__all__ = ["Months", "MonthsOfChanges"]

MONTHS = 12
DIGITS = 12  # of a simulated figure, as in a baseline


class Months:
    """What a token of a prompt costs in each month, by the budget of its file.

    Parameters
    ----------
    config : CheckConfig
        Whose budgets say how often prompts are sent.
    as_of : date
        The day whose prices and knowledge count.
    plans : Plans
        Workload files of the configuration.
    """

    def __init__(self, config: CheckConfig, as_of: date, plans: Plans) -> None:
        self.config = config
        self.plans = plans
        self._as_of = as_of
        self._workloads: dict[int, Workload] = {}
        self._spends: dict[tuple[int, str, int], Spend] = {}

    @cached_property
    def budgets(self) -> list[PromptBudget]:
        """Budgets that say how often their prompts are sent."""
        return [one for one in self.config.prompts if one.has_calls]

    def faults(self) -> Iterator[CheckResult]:
        """Yield a result for each workload file that cannot be read; read all others.

        Raises
        ------
        ConfigError
            If a budget names a workload that there is not, or states no number of calls.
        """
        for budget in self.budgets:
            try:
                self._workload(budget)
            except (FileError, UsageError, WorkloadError) as error:
                yield invalid(self._files(budget)[0], error)

    def budget(self, path: str) -> PromptBudget | None:
        """Return the budget that says how often the prompts of a file are sent."""
        return next((one for one in self.budgets if one.has(path)), None)

    def spend(self, entry: PromptEntry, like: PromptEntry, months: int = MONTHS) -> Spend | None:
        """Return what a prompt costs in each month, ``None`` if nobody says how often it is sent.

        Parameters
        ----------
        entry : PromptEntry
            The prompt.
        like : PromptEntry
            It, or what it became: the one whose file is looked for among the budgets.

        Raises
        ------
        PriceNotFoundError
            If its model has no price.
        """
        budget = self.budget(like.path)
        if budget is None or entry.model is None:
            return None
        key = (id(budget), entry.model, months)
        if key not in self._spends:
            self._spends[key] = self._per_token(budget, entry.model, months)
        a_token = self._spends[key]
        spend = a_token.times(Decimal(entry.billed_tokens))
        # so many tokens of the same calls, not so many calls
        return replace(spend, usage=replace(spend.usage, requests=a_token.usage.requests))

    def _per_token(self, budget: PromptBudget, model: str, months: int) -> Spend:
        from kimi_planner.plan.simulation import project
        from kimi_planner.workload.what_if import per_prompt_token

        try:
            workload = self._workload(budget)
        except (FileError, UsageError, WorkloadError) as error:
            raise PriceNotFoundError(error.reason) from None
        projection = project(
            [per_prompt_token(workload)],
            months,
            None,
            model,
            self._as_of,
            self.config.seed,
            catalog=self.config.catalog,
        )
        return projection.of(model)

    def _workload(self, budget: PromptBudget) -> Workload:
        if id(budget) not in self._workloads:
            self._workloads[id(budget)] = (
                self._stated(budget) if budget.workload is None else self._named(budget)
            )
        return self._workloads[id(budget)]

    def _stated(self, budget: PromptBudget) -> Workload:
        from kimi_planner.workload import Workload

        with restated(at=budget.where, of=WorkloadError, fault=ConfigError):
            return Workload(
                name="calls",
                requests_per_month=budget.calls_per_month,
                prompt_tokens=1,
                completion_tokens=0,
                cached_share=budget.cached_share,
            )

    def _named(self, budget: PromptBudget) -> Workload:
        files = self._files(budget)
        for path in files:
            for one in self.plans.of_file(path):
                if one.name == budget.workload:
                    return one
        raise ConfigError(
            f"no workload is named {budget.workload!r} in {', '.join(files) or 'any budget'}. Correct "
            "the name, or say where it is: workload_file.",
            at=budget.where,
        )

    def _files(self, budget: PromptBudget) -> list[str]:
        named = [one.path for one in self.config.workloads]
        return list(
            dict.fromkeys(named if budget.workload_file is None else [budget.workload_file])
        )

    def is_for(self, budget: PromptBudget, workloads: WorkloadBudget) -> bool:
        """Whether the calls of a budget of prompts are among those of a budget of workloads."""
        return (
            budget.workload is not None
            and workloads.path in self._files(budget)
            and workloads.name in (None, budget.workload)
            and any(one.name == budget.workload for one in self.plans.of_file(workloads.path))
        )


@dataclass(frozen=True)
class _Moved:
    """A change with its spend then and now in each month; ``None`` where it was not or is no more."""

    change: PromptChange
    old: Spend | None
    new: Spend | None

    @property
    def difference(self) -> Spend:
        from kimi_planner.plan.spend import Spend

        parts = [] if self.new is None else [self.new]
        return Spend.together(parts if self.old is None else [*parts, self.old.times(Decimal(-1))])


class MonthsOfChanges:
    """What changes of prompts add to a month.

    Parameters
    ----------
    now, before : Months
        How often prompts are sent now, and were; ``before`` is ``None`` where nobody kept that.
    changes : iterable of PromptChange
        What became of every prompt.

    Attributes
    ----------
    unknown
        Prompts whose price is not known, and why.
    """

    def __init__(self, now: Months, before: Months | None, changes: Iterable[PromptChange]) -> None:
        self._now = now
        self._before = now if before is None else before
        self.unknown: dict[str, str] = {}
        self._changes = list(changes)

    def _spends(
        self, change: PromptChange, months: int
    ) -> tuple[Spend | None, Spend | None] | None:
        """Return the spend then and now; ``None`` where how often it is sent, or the price, is not known."""
        sides: list[Spend | None] = []
        for entry, known in (
            (change.old, (self._before, self._now)),
            (change.new, (self._now,)),
        ):
            spend = None if entry is None else self._spend(entry, change.entry, known, months)
            if entry is not None and spend is None:
                return None
            sides.append(spend)
        return sides[0], sides[1]

    def _spend(
        self, entry: PromptEntry, newer: PromptEntry, known: Sequence[Months], months: int
    ) -> Spend | None:
        """Return the first spend that is known, by the prompt's own file or by that it moved to."""
        try:
            tried = (one.spend(entry, like, months) for one in known for like in (entry, newer))
            return next((one for one in tried if one is not None), None)
        except (PriceNotFoundError, UnknownModelError) as error:
            self.unknown[newer.path] = error.reason
            return None

    def _moved(self, changes: Iterable[PromptChange], months: int = MONTHS) -> Iterator[_Moved]:
        for change in changes:
            if change.state != "unchanged" and (sides := self._spends(change, months)):
                yield _Moved(change, *sides)

    @cached_property
    def by_prompt(self) -> list[PromptChange]:
        """The changes, each with what it adds to a month where that is known."""
        found = {id(one.change): one for one in self._every}
        return [
            replace(one, month=_month([moved])) if (moved := found.get(id(one))) else one
            for one in self._changes
        ]

    @cached_property
    def _every(self) -> list[_Moved]:
        return list(self._moved(self._changes))

    @cached_property
    def total(self) -> MonthChange | None:
        """What all of them add together; ``None`` where none is known."""
        return _month(self._every) if self._every else None

    def results(self) -> Iterator[CheckResult]:
        """Hold what is added together, and workloads with the changed prompts, against their limits."""
        config, total = self._now.config, self.total
        limit = config.growth.max_growth_usd_per_month
        if total is None:
            return
        if limit is not None:
            place = Place(path=config.path.name)
            measure = Measure(place, "month-growth", "growth of a month", limit)
            yield measure.held(
                total.usd, month_words(total), f"+{plain(limit):f} USD a month", beside=False
            )
        for workloads in config.workloads:
            changes = [one.change for one in self._every if self._is_of(one.change, workloads)]
            if changes:
                yield from self._held(config.overridden(workloads, workloads.path), changes)

    def _is_of(self, change: PromptChange, workloads: WorkloadBudget) -> bool:
        budget = self._now.budget(change.entry.path)
        is_model = change.entry.model == workloads.model
        return budget is not None and is_model and self._now.is_for(budget, workloads)

    def _held(
        self, workloads: WorkloadBudget, changes: Sequence[PromptChange]
    ) -> Iterator[CheckResult]:
        from kimi_planner.plan.spend import Spend

        plans = self._now.plans
        try:
            spend = plans.projection(workloads).of(workloads.model, workloads.name)
        except PriceNotFoundError:
            return  # its own budget says so
        moved = [one.difference for one in self._moved(changes, workloads.months)]
        spend = Spend.together([spend, *moved])
        place, given = plans.place(workloads, workloads.name), " with the changed prompts"
        for percentile, limit in workloads.spend_limits:
            yield held_spend(workloads, plans, place, percentile, limit, spend, given=given)


def _month(moved: Sequence[_Moved]) -> MonthChange:
    """Return what changes add to a month together, the mean of all months."""
    from kimi_planner.plan.rounding import exact_parts
    from kimi_planner.plan.spend import Spend
    from kimi_planner.reconcile.billed import NOTHING, Billed
    from kimi_planner.reconcile.causes import difference

    added = Spend.together([one.difference for one in moved])
    months, then, now = len(added.usd), Fraction(0), Fraction(0)
    causes: dict[str, Fraction] = defaultdict(Fraction)
    for one in moved:
        before, after = (
            NOTHING if side is None else Billed.in_month(side.over_months(), 0)
            for side in (one.old, one.new)
        )
        then, now = then + before.bill.total, now + after.bill.total
        if one.old is None:
            causes["new"] += after.bill.total
        elif one.new is None:
            causes["gone"] -= before.bill.total
        else:
            for cause, part in difference(before, after).items():
                causes[SHORT.get(cause, cause)] += part
    parts = exact_parts({name: part / months for name, part in causes.items()})
    ends = []
    if added.is_ranged:
        whole = added.over_months()
        ends = [Decimal(f"{whole.quantile(q)[0] / months:.{DIGITS}g}") for q in (0.1, 0.9)]
    return MonthChange(
        old_usd=from_fraction(then / months),
        new_usd=from_fraction(now / months),
        usd=plain(total(parts.values())),
        p10_usd=plain(ends[0]) if ends else None,
        p90_usd=plain(ends[1]) if ends else None,
        causes={name: part for name, part in parts.items() if part},
    )
