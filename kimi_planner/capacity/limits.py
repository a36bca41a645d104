"""What a file of limits holds: tiers, fees, rules, and the sources that state them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from kimi_planner.catalog import Source
from kimi_planner.errors import LimitsError, did_you_mean, shown
from kimi_planner.rich import Page, Shown

__all__ = ["LIMITS", "Fee", "Limits", "Rule", "Tier"]

#: What a tier limits.
LIMITS = ("concurrency", "requests_per_minute", "tokens_per_minute", "tokens_per_day")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """What an account may send once its recharges add up to an amount.

    Attributes
    ----------
    tier
        Number of the tier, from 0.
    cumulative_recharge_usd
        What must have been recharged in total, USD. It is credit, not a fee.
    concurrency
        Most requests in work at the same time.
    requests_per_minute, tokens_per_minute, tokens_per_day
        Most requests and tokens; ``None`` means unlimited.
    source
        Key of the source that states it.
    """

    tier: int
    cumulative_recharge_usd: Decimal
    concurrency: int | None
    requests_per_minute: int | None
    tokens_per_minute: int | None
    tokens_per_day: int | None
    source: str

    def allowed(self, limit: str) -> float:
        """Return one of the limits as a number, infinity where there is none."""
        value = getattr(self, limit)
        return float("inf") if value is None else float(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """What is charged for a call besides its tokens, as a range where sources differ; USD."""

    name: str
    low_usd_per_call: Decimal
    high_usd_per_call: Decimal
    note: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How a limit is applied, in one line, and what that means for a planner."""

    name: str
    rule: str
    note: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Limits(Shown):
    """One version of rate limits and fees.

    Attributes
    ----------
    version
        Name of the version; every result that rests on it prints it.
    tiers
        From the lowest up; a higher one never allows less.
    fees, rules
        Fees beside tokens, and how the limits are applied.
    sources
        Where the values were found, by key.
    sha256
        Digest of the file's bytes.
    """

    version: str
    currency: str
    tiers: tuple[Tier, ...]
    fees: tuple[Fee, ...]
    rules: tuple[Rule, ...]
    sources: Mapping[str, Source]
    sha256: str

    def page(self) -> Page:
        """Return the limits of each tier."""
        names = ("requests_per_minute", "tokens_per_minute", "tokens_per_day")
        rows = [
            {
                "tier": one.tier,
                "recharged_usd": one.cumulative_recharge_usd,
                "concurrency": "unlimited" if one.concurrency is None else f"{one.concurrency:,}",
                **{
                    name: "unlimited"
                    if one.allowed(name) == float("inf")
                    else f"{one.allowed(name):,.0f}"
                    for name in names
                },
            }
            for one in self.tiers
        ]
        return Page(
            title="Limits of each recharge tier; the recharge is credit, not a fee",
            frame=rows,
            provenance=f"Limits {self.version} (sha256 {self.sha256[:12]}), checked on {self.checked_on}.",
        )

    def __iter__(self) -> Iterator[Tier]:
        return iter(self.tiers)

    @property
    def checked_on(self) -> date:
        """The day on which somebody last compared the tiers with their source."""
        days = [self.sources[tier.source].checked_on for tier in self.tiers]
        return min(day for day in days if day is not None)

    def fee(self, name: str) -> Fee:
        """Return the fee with exactly this name.

        Raises
        ------
        LimitsError
            If there is none.
        """
        for fee in self.fees:
            if fee.name == name:
                return fee
        names = [fee.name for fee in self.fees]
        raise LimitsError(
            f"Unknown fee {shown(name)}. Limits {self.version} have {', '.join(names) or 'none'}."
            f"{did_you_mean(str(name), names)}"
        )
