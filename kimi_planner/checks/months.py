"""What prompts cost in a month, and what a change of them adds to it: by the plan of their calls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

from kimi_planner.checks.baseline import DIGITS, PromptEntry
from kimi_planner.checks.budgets import WorkloadBudget
from kimi_planner.checks.calls import MONTHS, Months, Sent
from kimi_planner.checks.changes import SHORT, MonthChange, PromptChange
from kimi_planner.checks.growth import WITH_CHANGES, month_words
from kimi_planner.checks.results import CheckResult, Measure, Place
from kimi_planner.checks.workloads import held_spend
from kimi_planner.errors import PriceNotFoundError, UnknownModelError
from kimi_planner.money import from_fraction, plain, total

if TYPE_CHECKING:
    from kimi_planner.plan.spend import Spend


@dataclass(frozen=True)
class Added:
    """What a change of a prompt adds to a month.

    Attributes
    ----------
    change
        The change.
    old, new
        What was and is sent of it in all months; ``None`` where it was not or is no more.
    """

    change: PromptChange
    old: Sent | None
    new: Sent | None


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

    def _sides(self, change: PromptChange) -> tuple[Sent | None, Sent | None] | None:
        """Return what is sent then and now; ``None`` where how often it is sent, or the price, is not known."""
        sides: list[Sent | None] = []
        for entry, known in (
            (change.old, (self._before, self._now)),
            (change.new, (self._now,)),
        ):
            sent = None if entry is None else self._sent(entry, change.entry, known)
            if entry is not None and sent is None:
                return None
            sides.append(sent)
        return sides[0], sides[1]

    def _sent(self, entry: PromptEntry, newer: PromptEntry, known: Sequence[Months]) -> Sent | None:
        """Return the first that is known, by the prompt's own file or by that it moved to."""
        try:
            tried = (one.sent(entry, like) for one in known for like in (entry, newer))
            return next((one for one in tried if one is not None), None)
        except (PriceNotFoundError, UnknownModelError) as error:
            self.unknown[newer.path] = error.reason
            return None

    @cached_property
    def by_prompt(self) -> list[PromptChange]:
        """The changes, each with what it adds to a month where that is known."""
        found = {id(one.change): one for one in self.every}
        return [
            replace(one, month=month_of([moved])) if (moved := found.get(id(one))) else one
            for one in self._changes
        ]

    @cached_property
    def every(self) -> list[Added]:
        """What each change adds where that is known."""
        return [
            Added(change, *sides)
            for change in self._changes
            if change.state != "unchanged" and (sides := self._sides(change))
        ]

    @cached_property
    def total(self) -> MonthChange | None:
        """What all of them add together; ``None`` where none is known."""
        return month_of(self.every) if self.every else None

    def results(self) -> Iterator[CheckResult]:
        """Hold what is added together, and workloads with the changed prompts, against their limits."""
        config, total = self._now.config, self.total
        limit = config.growth.max_growth_usd_per_month
        if total is not None and limit is not None:
            place = Place(path=config.path.name)
            measure = Measure(place, "month-growth", "growth of a month", limit)
            yield measure.held(
                total.usd, month_words(total), f"+{plain(limit):f} USD a month", beside=False
            )
        for workloads in config.workloads:
            changes = [one for one in self._changes if self._is_of(one, workloads)]
            if changes:
                yield from self._held(config.overridden(workloads, workloads.path), changes)

    def _is_of(self, change: PromptChange, workloads: WorkloadBudget) -> bool:
        budget = self._now.budget(change.entry.path)
        if change.state == "unchanged" or budget is None:
            return False
        return self._now.is_for(budget, workloads)

    def _held(
        self, workloads: WorkloadBudget, changes: Sequence[PromptChange]
    ) -> Iterator[CheckResult]:
        """Hold a workload, whose sizes are those of before, with what prompts have more or less now."""
        from kimi_planner.plan.spend import Spend

        plans, model = self._now.plans, workloads.model
        new = [one.new for one in changes if one.new is not None and one.new.model == model]
        here = {(one.path, one.name) for one in new}  # also what had another model before
        old = [
            one.old
            for one in changes
            if one.old is not None
            and (one.old.model == model or (one.old.path, one.old.name) in here)
        ]
        try:
            parts = [plans.projection(workloads).of(model, workloads.name)]
            for entries, sign in ((new, 1), (old, -1)):
                for entry in entries:
                    sent = self._now.sent(replace(entry, model=model), entry, workloads.months)
                    parts += [] if sent is None else [sent.spend.times(Decimal(sign))]
        except PriceNotFoundError:
            return  # its own budget says so
        place, spend = plans.place(workloads, workloads.name), Spend.together(parts)
        for percentile, limit in workloads.spend_limits if len(parts) > 1 else ():
            yield held_spend(workloads, plans, place, percentile, limit, spend, given=WITH_CHANGES)


def month_of(moved: Sequence[Added]) -> MonthChange:
    """Return what changes add to a month together, the mean of all months."""
    from kimi_planner.money import exact_parts
    from kimi_planner.plan.spend import Spend
    from kimi_planner.reconcile.billed import NOTHING, Billed
    from kimi_planner.reconcile.causes import difference

    then, now = Fraction(0), Fraction(0)
    causes: dict[str, Fraction] = defaultdict(Fraction)
    tokens: dict[
        int, tuple[Spend, int]
    ] = {}  # of the same calls together, as there may be many prompts
    for one in moved:
        for side, sign in ((one.old, -1), (one.new, 1)):
            if side is not None:
                _, known = tokens.get(id(side.a_token), (side.a_token, 0))
                tokens[id(side.a_token)] = side.a_token, known + sign * side.tokens
        before, after = (
            NOTHING if side is None else Billed.in_month(side.spend, 0)
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
    parts = exact_parts({name: part / MONTHS for name, part in causes.items()})
    added = Spend.together([Sent(*some).spend for some in tokens.values()])
    ends = [added.quantile(q)[0] / MONTHS for q in (0.1, 0.9)] if added.is_ranged else []
    p10, p90 = (plain(Decimal(f"{end:.{DIGITS}g}")) for end in ends) if ends else (None, None)
    return MonthChange(
        old_usd=from_fraction(then / MONTHS),
        new_usd=from_fraction(now / MONTHS),
        usd=plain(total(parts.values())),
        p10_usd=p10,
        p90_usd=p90,
        causes={name: part for name, part in parts.items() if part},
    )
