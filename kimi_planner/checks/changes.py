"""A prompt or a workload then and now, and why it costs more: parts that add up exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Generic, TypeVar

from kimi_planner.billing.meters import ByMeter, Usage
from kimi_planner.checks.baseline import PromptEntry, WorkloadEntry
from kimi_planner.money import usd

CAUSES = ("traffic", "tokens", "cache", "cache writes", "batch", "fees", "price")
#: Causes of a reconciliation that are one here.
SHORT = {
    "prompt tokens": "tokens",
    "answer tokens": "tokens",
    "reasoning tokens": "tokens",
    "unplanned price": "price",
}


Entry = TypeVar("Entry", PromptEntry, WorkloadEntry)


@dataclass(frozen=True, kw_only=True)
class MonthChange:
    """What one or more prompts add to a month, the mean of the projected months.

    Attributes
    ----------
    old_usd, new_usd, usd
        What they cost then and now, and the difference: means, or the bill where nothing is uncertain.
    p10_usd, p90_usd
        Of the difference, over paths; ``None`` where no range was given.
    causes
        Its parts: of prompts that changed by what changed, ``new`` and ``gone`` of others.
    """

    old_usd: Decimal
    new_usd: Decimal
    usd: Decimal
    p10_usd: Decimal | None
    p90_usd: Decimal | None
    causes: Mapping[str, Decimal]


@dataclass(frozen=True, kw_only=True)
class Change(Generic[Entry]):
    """A thing then and now.

    Attributes
    ----------
    old, new
        ``None`` where it was not, or is no more.
    line
        Where it is now; ``None`` for all of the file.
    causes
        What changed to its part in USD of the change; empty where that is unknown.
    month
        What a prompt adds to a month; ``None`` where nobody says how often it is sent.
    """

    old: Entry | None
    new: Entry | None
    line: int | None = None
    causes: Mapping[str, Decimal] = field(default_factory=dict)
    month: MonthChange | None = None

    @property
    def entry(self) -> Entry:
        """The newer of the two."""
        found = self.new or self.old
        assert found is not None, "one of the two is there"  # noqa: S101 - narrows the type
        return found

    @property
    def both(self) -> tuple[Entry, Entry] | None:
        """Then and now, ``None`` if it came or went."""
        return None if self.old is None or self.new is None else (self.old, self.new)

    @cached_property
    def state(self) -> str:
        """``new``, ``gone``, ``moved`` to another name or file, ``changed`` or ``unchanged``."""
        if self.both is None:
            return "gone" if self.new is None else "new"
        if self.both[0].key != self.both[1].key:
            return "moved"
        return "unchanged" if self.old == self.new else "changed"


class PromptChange(Change[PromptEntry]):
    """A prompt then and now; its causes, tokens and price, are those of the cost of one call."""

    @property
    def tokens(self) -> int:
        """Change of its tokens; 0 if it came or went."""
        return self.both[1].tokens - self.both[0].tokens if self.both else 0

    @property
    def costs(self) -> tuple[Decimal, Decimal] | None:
        """Cost of one call then and now, where both are known."""
        before, after = (one.cost_usd if one else None for one in (self.old, self.new))
        return None if before is None or after is None else (before, after)

    @property
    def usd(self) -> Decimal | None:
        """Change of the cost of one call, where both are known."""
        return self.costs[1] - self.costs[0] if self.costs else None


class WorkloadChange(Change[WorkloadEntry]):
    """A workload then and now over the same months; its causes are those of all of them."""

    @property
    def usd(self) -> Decimal | None:
        """Change of the mean spend in a month, where both are known."""
        if self.both is None:
            return None
        return (self.both[1].mean_usd - self.both[0].mean_usd) / self.both[1].months

    def monthly(self, total_usd: Decimal) -> str:
        """Return a total of all months as what it is in one, in words."""
        return usd(total_usd / self.entry.months)


def prompt_change(
    old: PromptEntry | None, new: PromptEntry | None, line: int | None = None
) -> PromptChange:
    """Return a change of a prompt with its causes, by their Shapley values."""
    if old is not None and old == new:
        none = {} if old.cost_usd is None else {"tokens": Decimal(0), "price": Decimal(0)}
        return PromptChange(old=old, new=new, line=line, causes=none)
    sides = [
        (Usage.of(one.billed_tokens, 0), {"input": one.cost_usd})
        for one in (old, new)
        if one is not None and one.cost_usd is not None
    ]
    return PromptChange(old=old, new=new, line=line, causes=_causes(sides, ("tokens", "price")))


def workload_change(
    old: WorkloadEntry | None, new: WorkloadEntry | None, line: int | None = None
) -> WorkloadChange:
    """Return a change of a workload with its causes, by their Shapley values."""
    sides = [
        (Usage(one.usage, one.requests, one.reasoning_tokens), one.usd)
        for one in (old, new)
        if one is not None
    ]
    return WorkloadChange(old=old, new=new, line=line, causes=_causes(sides, CAUSES))


def _causes(
    sides: Sequence[tuple[Usage, Mapping[str, Decimal]]], names: Sequence[str]
) -> dict[str, Decimal]:
    """Return what made the second of two usages with their bills cost more, if there are two."""
    if len(sides) < 2:
        return {}
    from kimi_planner.money import exact_parts
    from kimi_planner.reconcile.billed import Billed
    from kimi_planner.reconcile.causes import difference

    before, after = (Billed.of(usage, ByMeter(usd), ByMeter(usd)) for usage, usd in sides)
    sums = dict.fromkeys(names, Fraction(0))
    for cause, part in difference(before, after).items():
        if part:
            sums[SHORT.get(cause, cause)] += part
    return exact_parts(sums)
