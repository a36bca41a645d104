"""The result of a throughput plan: peaks, the tier that allows them, and what the others would not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from kimi_planner.capacity.limits import LIMITS, Limits, Tier
from kimi_planner.capacity.peaks import Peaks
from kimi_planner.errors import SettingError, shown
from kimi_planner.money import usd
from kimi_planner.notes import Note
from kimi_planner.plan.projection import Projection
from kimi_planner.plan.scope import Scope
from kimi_planner.rich import Page, Shown

#: The name under which all workloads together stand.
ALL = "all"


@dataclass(frozen=True, kw_only=True, repr=False)
class Throughput(Shown, Scope):
    """Peak traffic of workloads on models against the tiers of an account.

    Attributes
    ----------
    workloads, specs, months
        What was planned: workloads, models, and calendar months.
    peaks
        From (workload name, model id) to its peaks; the name ``"all"`` is all together.
    projection
        Spend of the models that have prices, ``None`` if none has.
    limits, catalog, as_of, seed, n_paths
        What the result rests on.
    percentile
        The percentile of paths that peaks stand for.
    minutes_within
        The share of minutes of the busiest hour that stay within a peak.
    notes
        What is unknown, and how the limits are read, in words.
    """

    peaks: Mapping[tuple[str, str], Peaks]
    projection: Projection | None
    limits: Limits
    percentile: float
    minutes_within: float
    notes: tuple[Note, ...] = ()

    @property
    def provenance(self) -> str:
        """Limits, catalog, day, seed, paths and months in one line."""
        limits = f"Limits {self.limits.version} (sha256 {self.limits.sha256[:12]})"
        return f"{limits}, catalog {self._rests_on}"

    def of(self, model: str, workload: str = ALL) -> Peaks:
        """Return the peaks of one workload, or of all together, on one model.

        Raises
        ------
        SettingError
            If the result has no such workload or model.
        """
        if (workload, model) not in self.peaks:
            raise SettingError(
                f"The result has no workload {shown(workload)} on model {shown(model)}. It has "
                f"{', '.join(self.names)} and {ALL} on {', '.join(self.models)}."
            )
        return self.peaks[workload, model]

    def tier(self, model: str, workload: str = ALL) -> Tier | None:
        """Return the lowest tier whose limits allow every month, ``None`` if no tier does."""
        peaks = self.of(model, workload)
        return next((tier for tier in self.limits if not any(peaks.exceeded(tier))), None)

    def binding(self, model: str, workload: str = ALL) -> tuple[str, ...]:
        """Return the limits that the tier below the needed one would break."""
        needed = self.tier(model, workload)
        tiers = self.limits.tiers
        below = tiers[-1] if needed is None else tiers[max(0, needed.tier - 1)]
        broken = {limit for _, limit in self.of(model, workload).exceeded(below)}
        return tuple(limit for limit in LIMITS if limit in broken)

    @property
    def frame(self) -> pd.DataFrame:
        """One row per workload, model, month and limit.

        Columns: ``workload``, ``model``, ``month``, ``limit``, whose name is the unit of ``p50``,
        the need at the median of the paths, and ``peak``, at the percentile planned for, both
        missing if not known; ``tier``, the lowest that allows the peak, missing if none does.
        """
        rows = [
            {
                "workload": name,
                "model": model,
                "month": str(month),
                "limit": limit,
                "p50": float(peaks.median[limit][place]) if limit in peaks.median else None,
                "peak": need,
                "tier": None if need is None else self._tier_for(limit, need),
            }
            for (name, model), peaks in self.peaks.items()
            for place, month in enumerate(self.months)
            for limit in LIMITS
            for need in [float(peaks.peak[limit][place]) if limit in peaks.peak else None]
        ]
        return pd.DataFrame(rows).astype({"p50": "float64", "peak": "float64", "tier": "Int64"})

    def summary(self) -> pd.DataFrame:
        """Return one row per workload and model for the whole horizon.

        Returns
        -------
        DataFrame
            ``workload``, ``model``; the highest need of any month, ``concurrency`` to
            ``tokens_per_day``, missing if not known; ``tier``, the lowest that allows it, missing if
            none does; ``because_of``, the limits that the tier below would break; ``at_least``,
            whether something is ``unknown``, so that the need may be higher;
            ``cumulative_recharge_usd`` of the tier; ``spend_usd``, the P50 of the plan's own spend
            over all months; and ``unspent_usd``, what remains of the recharge after that.
        """
        rows = []
        for (name, model), peaks in self.peaks.items():
            tier, spend = self.tier(model, name), self.spend_usd(model, name)
            recharge = None if tier is None else tier.cumulative_recharge_usd
            rows.append(
                {
                    "workload": name,
                    "model": model,
                    **{limit: peaks.highest(limit) for limit in LIMITS},
                    "tier": None if tier is None else tier.tier,
                    "because_of": ", ".join(self.binding(model, name)),
                    "at_least": bool(peaks.unknown),
                    "unknown": ", ".join(peaks.unknown),
                    "cumulative_recharge_usd": recharge,
                    "spend_usd": spend,
                    "unspent_usd": None
                    if recharge is None or spend is None
                    else max(0.0, float(recharge) - spend),
                }
            )
        numbers = dict.fromkeys((*LIMITS, "spend_usd", "unspent_usd"), "float64")
        return pd.DataFrame(rows).astype({**numbers, "tier": "Int64"})

    def by_tier(self) -> pd.DataFrame:
        """Return one row per workload, model and tier.

        Returns
        -------
        DataFrame
            ``workload``, ``model``, ``tier``, ``cumulative_recharge_usd``; ``throttled_from``, the
            first month whose peak exceeds a limit, missing if none does; ``tightest_limit`` and its
            ``used_share``, the highest peak divided by the limit, of those that are known;
            ``minutes_over_share``, ``time_over_share`` and ``days_over_share``, the share of
            minutes of the busiest hour that exceed requests or tokens per minute, of its time that
            exceeds the concurrency, and of days that exceed tokens per day, in the month with the
            highest peak; mean over paths.
        """
        rows = []
        for (name, model), peaks in self.peaks.items():
            for tier in self.limits:
                first = min((place for place, _ in peaks.exceeded(tier)), default=None)
                used = {
                    limit: float(need.max()) / tier.allowed(limit)
                    for limit, need in peaks.peak.items()
                }
                tightest = max(used, key=lambda limit: used[limit])
                concurrency, *minutes, days = (peaks.over.get((tier.tier, one)) for one in LIMITS)
                rows.append(
                    {
                        "workload": name,
                        "model": model,
                        "tier": tier.tier,
                        "cumulative_recharge_usd": tier.cumulative_recharge_usd,
                        "throttled_from": None if first is None else str(self.months[first]),
                        "tightest_limit": tightest,
                        "used_share": used[tightest],
                        "minutes_over_share": max(share for share in minutes if share is not None),
                        "time_over_share": concurrency,
                        "days_over_share": days,
                    }
                )
        return pd.DataFrame(rows).astype({"time_over_share": "float64"})

    def spend_usd(self, model: str, workload: str = ALL) -> float | None:
        """Return the P50 of the spend over all months, USD, ``None`` if a price is not known."""
        if self.projection is None or model not in self.projection.models:
            return None
        spend = self.projection.of(model, None if workload == ALL else workload)
        return float(spend.over_months().quantile(0.5)[0])

    def alike(self) -> list[tuple[str, ...]]:
        """Return groups of models on which all workloads have the same peaks, to nine digits."""
        groups: dict[tuple[object, ...], list[str]] = {}
        for model in self.models:
            peaks = self.of(model)
            needs = (peaks.highest(limit) for limit in LIMITS)
            key = (*(None if need is None else f"{need:.9g}" for need in needs), peaks.unknown)
            groups.setdefault(key, []).append(model)
        return [tuple(group) for group in groups.values()]

    def needed(self, model: str, *alike: str) -> str:
        """Return in one sentence which tier all workloads together need on models alike, and why."""
        models, peaks, tier = (model, *alike), self.of(model), self.tier(model)
        reasons = ", ".join(limit.replace("_", " ") for limit in self.binding(model))
        of_all = len(models) > 1 and set(models) == set(self.models)
        on = "On any model" if of_all else f"On {', '.join(models)}"
        if tier is None:
            return (
                f"{on} no published tier allows all workloads together, because of {reasons} above tier "
                f"{self.limits.tiers[-1].tier}. Ask for limits of your own."
            )
        least = "at least " if peaks.unknown else ""
        why = f", because of {reasons}" if reasons else ""
        return f"{on} all workloads together need {least}tier {tier.tier}{why}."

    def prepaid(self, model: str, *alike: str) -> str | None:
        """Return in one sentence what must be recharged for that tier, beside the plan's spend."""
        models, tier = (model, *alike), self.tier(model)
        if tier is None:
            return None
        recharge = tier.cumulative_recharge_usd
        text = f"It takes {recharge:,f} USD of recharges in total, which is credit that calls are paid from"
        spends = [spend for one in models if (spend := self.spend_usd(one)) is not None]
        if not spends:
            return f"{text}; what the plan spends is not known."
        least, most = (f"{usd(amount, 0)}" for amount in (min(spends), max(spends)))
        spent = least if least == most else f"{least} to {most}"
        span = f"{self.months[0]} to {self.months[-1]}" if len(self.months) > 1 else self.months[0]
        rest = float(recharge) - min(spends)
        compared = f"up to {usd(rest)} USD would be left" if rest > 0 else "which uses all of it"
        return f"{text}; the plan spends {spent} USD (P50) in {span}, {compared}."

    def _tier_for(self, limit: str, need: float) -> int | None:
        return next((tier.tier for tier in self.limits if need <= tier.allowed(limit)), None)

    def page(self) -> Page:
        """Return the tier that each model needs, and why."""
        return Page(
            title=f"Highest need at P{self.percentile:g} over paths, and the lowest recharge tier that allows it",
            frame=self.summary(),
            columns=(
                "workload", "model", "requests_per_minute", "tokens_per_minute", "tier", "because_of",
                "cumulative_recharge_usd", "spend_usd",
            ),
            notes=self.notes,
            provenance=self.provenance,
        )  # fmt: skip
