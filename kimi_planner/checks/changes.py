"""A prompt or a workload then and now, and why it costs more: parts that add up exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import TYPE_CHECKING, Generic, TypeVar

from kimi_planner.checks.baseline import PromptEntry, WorkloadEntry
from kimi_planner.money import EXACT, TOKENS_PER_MTOK, plain

if TYPE_CHECKING:
    from kimi_planner.reconcile.causes import Factors

__all__ = ["Change", "PromptChange", "WorkloadChange", "prompt_change", "workload_change"]

Entry = TypeVar("Entry", PromptEntry, WorkloadEntry)


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
    """

    old: Entry | None
    new: Entry | None
    line: int | None = None
    causes: Mapping[str, Decimal] = field(default_factory=dict)

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

    @property
    def state(self) -> str:
        """``new``, ``gone``, ``changed`` or ``unchanged``."""
        if self.both is None:
            return "gone" if self.new is None else "new"
        return "unchanged" if self.old == self.new else "changed"


@dataclass(frozen=True, kw_only=True)
class PromptChange(Change[PromptEntry]):
    """A prompt then and now; its causes, tokens and price, are those of the cost of one call."""

    @property
    def tokens(self) -> int:
        """Change of its tokens; 0 if it came or went."""
        return self.both[1].tokens - self.both[0].tokens if self.both else 0

    @property
    def usd(self) -> Decimal | None:
        """Change of the cost of one call, where both are known."""
        if self.both is None:
            return None
        before, after = (one.cost_usd for one in self.both)
        return None if before is None or after is None else after - before


@dataclass(frozen=True, kw_only=True)
class WorkloadChange(Change[WorkloadEntry]):
    """A workload then and now over the same months; its causes are those of all of them."""

    @property
    def usd(self) -> Decimal | None:
        """Change of the mean spend in a month, where both are known."""
        if self.both is None:
            return None
        return (self.both[1].mean_usd - self.both[0].mean_usd) / self.both[1].months


def prompt_change(
    old: PromptEntry | None, new: PromptEntry | None, line: int | None = None
) -> PromptChange:
    """Return a change of a prompt with its causes.

    A cost is tokens times price, so the part of each is its own change at the mean of the other,
    before and after: the mean over both orders of changing them.
    """
    causes: dict[str, Decimal] = {}
    if old is not None and new is not None:
        before, after = old.input_usd_per_mtok, new.input_usd_per_mtok
        if before is not None and after is not None:
            with localcontext(EXACT):
                half = Decimal("0.5") / TOKENS_PER_MTOK
                causes = {
                    "tokens": plain((new.tokens - old.tokens) * (before + after) * half),
                    "price": plain((after - before) * (new.tokens + old.tokens) * half),
                }
    return PromptChange(old=old, new=new, line=line, causes=causes)


def workload_change(
    old: WorkloadEntry | None, new: WorkloadEntry | None, line: int | None = None
) -> WorkloadChange:
    """Return a change of a workload with its causes, by their Shapley values.

    What the mean spend has beyond requests times tokens times prices stands under ``other``: fees
    by the call, price changes on the way, and that a dear month may be a busy one.
    """
    causes: dict[str, Decimal] = {}
    if old is not None and new is not None:
        from kimi_planner.reconcile.causes import shapley
        from kimi_planner.reconcile.rounding import exact_parts

        before, after = _factors(old), _factors(new)
        parts = shapley(before, after)
        beyond = (Fraction(new.mean_usd) - after.usd()) - (Fraction(old.mean_usd) - before.usd())
        causes = exact_parts({
            "traffic": parts["traffic"],
            "tokens": parts["prompt"] + parts["answer"] + parts["reasoning"],
            "cache": parts["cache"],
            "price": parts["price"],
            "other": beyond,
        })  # fmt: skip
    return WorkloadChange(old=old, new=new, line=line, causes=causes)


def _factors(entry: WorkloadEntry) -> Factors:
    from kimi_planner.reconcile.causes import Factors, Prices

    requests, prompt = Fraction(entry.requests), Fraction(entry.prompt_tokens)
    a_call = 1 / requests if requests else Fraction(0)
    reasoning = Fraction(entry.reasoning_tokens)
    prices = (
        entry.input_usd_per_mtok,
        entry.cached_input_usd_per_mtok,
        entry.output_usd_per_mtok,
    )
    return Factors(
        traffic=requests,
        mix=(Fraction(1),),
        prompt=(prompt * a_call,),
        answer=((Fraction(entry.completion_tokens) - reasoning) * a_call,),
        reasoning=(reasoning * a_call,),
        cache=(Fraction(entry.cached_tokens) / prompt if prompt else Fraction(0),),
        price=(Prices(*(Fraction(price) / TOKENS_PER_MTOK for price in prices)),),
    )
