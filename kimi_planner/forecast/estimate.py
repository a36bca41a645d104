"""The result of a latest estimate: spent to date, what is to come, and what that means for limits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from itertools import accumulate

import numpy as np
import pandas as pd

from kimi_planner.catalog import Catalog
from kimi_planner.errors import SettingError
from kimi_planner.forecast.horizon import Period
from kimi_planner.forecast.result import SpendForecast
from kimi_planner.money import ESTIMATED, exact_decimal, plain, total, usd, usd_text
from kimi_planner.notes import Note
from kimi_planner.rich import Page, Shown, share_text
from kimi_planner.series.moments import DAY, moment_text

#: At which the distribution of what is to come is read, and what stands for shares beyond them.
_TAIL = np.array([0.001, 0.002, 0.005])
_SHARES = np.concatenate([_TAIL, np.linspace(0.01, 0.99, 99), 1 - _TAIL[::-1]])
_BEYOND = (0.0005, 0.9995)


@dataclass(frozen=True, kw_only=True)
class PlannedSpend:
    """What a plan has for a period.

    Attributes
    ----------
    source
        The plan.
    usd
        Expected spend; ``None`` where the plan lacks a month of the period.
    range_usd
        Its P10 and P90, ``None`` if not stated.
    path
        Days, and what is planned from the begin of the period until each of them.
    """

    source: str
    usd: Decimal | None
    range_usd: tuple[float, float] | None
    path: tuple[tuple[date, float], ...]


@dataclass(frozen=True, kw_only=True)
class Limit:
    """The end of a period against a budget or a plan.

    Attributes
    ----------
    usd
        The limit for the period.
    gap_usd
        Expected end minus limit; negative if it ends below.
    chance
        That the end is above the limit; 0.0005 where it is below 0.1%, 0.9995 where it is above
        99.9%, 0 and 1 only where that is certain.
    is_lower_bound
        Whether spend before the log is not known, so that the chance is at least this and days are
        not later than these.
    day, earliest_day
        The first days on which the P50 and the P90 of cumulative spend pass the limit; both that on
        which spend did where it has; ``None`` where they do not within the period.
    left_usd_per_day
        What may be spent on each day left; zero once the limit is passed, ``None`` where no day is.
    """

    usd: Decimal
    gap_usd: Decimal
    chance: float
    is_lower_bound: bool
    day: date | None
    earliest_day: date | None
    left_usd_per_day: float | None


@dataclass(frozen=True, kw_only=True, repr=False)
class LatestEstimate(Shown):
    """Spend of a period: exact to the end of the log, forecast from there on.

    Attributes
    ----------
    period
        ``name``, ``start`` and ``until``, the first day after it.
    begun, ended
        What the log covers, UTC.
    is_whole
        Whether the log covers the period from its begin.
    ahead
        The forecast of the rest; ``None`` if there is no rest.
    frame
        One row per ``workload`` and ``model``: ``actual_usd``, ``share_ahead`` of what is to come,
        ``ahead_usd``, ``expected_usd``, their sum, and ``planned_usd``.
    daily
        One row per ``day`` of the period with calls: ``actual_usd``.
    budget_usd, planned
        What it is held against.
    balance_usd, balance_ahead
        Prepaid balance at the end of the log, and the forecast of how it is spent.
    source, catalog, as_of
        The log, and the prices.
    seed, n_paths
        ``None``: nothing is drawn.
    notes
        What is not in it, and what is assumed.

    Examples
    --------
    >>> from kimi_planner import latest_estimate
    >>> calls = pd.DataFrame({"timestamp": pd.date_range("2026-11-01", "2026-11-21", freq="h"),
    ...                       "prompt_tokens": 5_000, "completion_tokens": 500})
    >>> month = latest_estimate(calls, model="kimi-k2", as_of="2026-11-21", catalog="2026-06")
    >>> month.actual_usd < month.quantile(0.1) < month.quantile(0.9)
    True
    >>> limit = month.against(3)
    >>> limit.chance, limit.gap_usd > 0
    (1.0, True)
    """

    period: Period
    begun: pd.Timestamp
    ended: pd.Timestamp
    is_whole: bool
    ahead: SpendForecast | None
    frame: pd.DataFrame
    daily: pd.DataFrame
    budget_usd: Decimal | None
    planned: PlannedSpend | None
    balance_usd: Decimal | None
    balance_ahead: SpendForecast | None
    source: str
    catalog: Catalog
    as_of: date
    notes: tuple[Note, ...] = ()
    seed: None = None
    n_paths: None = None

    @cached_property
    def actual_usd(self) -> Decimal:
        """Spend of the period up to the end of the log, exact."""
        return plain(total(self.frame["actual_usd"]))

    @cached_property
    def expected_ahead_usd(self) -> Decimal:
        """Mean of what is to come, to a millionth of a dollar."""
        return total(self.frame["ahead_usd"])

    @property
    def expected_usd(self) -> Decimal:
        """Expected spend of the whole period: what was spent, and the mean of the rest."""
        return total([self.actual_usd, self.expected_ahead_usd])

    def quantile(self, q: float) -> float:
        """Return a quantile of the spend of the whole period, USD; ``q`` between 0 and 1."""
        return float(self.actual_usd) + (float(self.ahead.quantile(q)) if self.ahead else 0.0)

    def against(self, limit_usd: Decimal | float | str) -> Limit:
        """Hold the end of the period against an amount.

        Raises
        ------
        SettingError
            If it is no number.
        """
        try:
            limit = exact_decimal(limit_usd)
        except ValueError as error:
            raise SettingError(f"limit_usd: {error}. Give an amount of USD.") from None
        left = total([limit, -self.actual_usd])
        days = (self.period.end - self.ended).total_seconds() / DAY
        if left < 0:
            chance = 1.0
            day = earliest = self._passed(limit)
        elif self.ahead is None:
            chance, day, earliest = 0.0, None, None
        else:
            amounts = np.asarray(self.ahead.quantile(_SHARES))
            below = float(np.interp(float(left), amounts, _SHARES, *_BEYOND))
            chance = round(1 - below, 6)
            day, earliest = (self._day(name, left) for name in ("p50_usd", "p90_usd"))
        return Limit(
            usd=limit,
            gap_usd=total([self.expected_usd, -limit]),
            chance=chance,
            is_lower_bound=not self.is_whole and chance < 1,
            day=day,
            earliest_day=earliest,
            left_usd_per_day=round(max(0.0, float(left)) / days, 6) if self.ahead else None,
        )

    @cached_property
    def budget(self) -> Limit | None:
        """The end against the budget, ``None`` if there is none."""
        return None if self.budget_usd is None else self.against(self.budget_usd)

    @cached_property
    def plan(self) -> Limit | None:
        """The end against the plan, ``None`` if there is none or it lacks a month."""
        planned = None if self.planned is None else self.planned.usd
        return None if planned is None else self.against(planned)

    @cached_property
    def balance_days(self) -> dict[str, float | None] | None:
        """Days from the end of the log until the balance is spent, by ``p10``, ``p50`` and ``p90``.

        ``None`` where it lasts three times as long as at the pace of the log, or beyond ten years; no
        mapping if no balance is given.
        """
        if self.balance_usd is None or self.balance_ahead is None:
            return None
        ends = {"p10": "p90_usd", "p50": "p50_usd", "p90": "p10_usd"}  # soonest where most is spent
        amount = float(self.balance_usd)
        return {q: _days(self.balance_ahead, name, amount) for q, name in ends.items()}

    @property
    def sentences(self) -> tuple[str, ...]:
        """The answer: the end of the period, and how it compares with each limit."""
        low, high = (usd_text(self.quantile(q), ESTIMATED) for q in (0.1, 0.9))
        currency = self.catalog.currency
        begin = "" if self.is_whole else f" from {moment_text(self.begun)} on"
        said = [
            f"{self.period.name}: {usd(self.actual_usd)} {currency} spent{begin} to {moment_text(self.ended)}, "
            + (
                f"{usd(self.expected_usd)} {currency} expected at its end; 80% range {low} to {high} {currency}"
                if self.ahead
                else "which is all of it"
            )
        ]
        for what, limit in (("Budget", self.budget), (self._plan_text, self.plan)):
            said += [] if limit is None else [_limit_text(what, limit, currency)]
        if self.balance_days is not None:
            ends = self.balance_days.values()
            p10, p50, p90 = ("very many" if one is None else f"{one:,.1f}" for one in ends)
            said.append(
                f"Balance of {usd(self.balance_usd or 0)} {currency}: spent in {p50} days (P10 {p10}, P90 {p90})"
            )
        return tuple(f"{one}." for one in said)

    @property
    def provenance(self) -> str:
        """Log, prices and day in one paragraph."""
        plan = f" Plan {self.planned.source}." if self.planned else ""
        return (
            f"{self.source}, {moment_text(self.begun)} to {moment_text(self.ended)}.{plan} Catalog "
            f"{self.catalog.version} (sha256 {self.catalog.sha256[:12]}), as of {self.as_of}. No random "
            "draws."
        )

    def page(self) -> Page:
        """Return the sentences, and what was spent and is to come by workload and model."""
        return Page(
            title=" ".join(self.sentences),
            frame=self.frame,
            notes=self.notes,
            provenance=self.provenance,
            currency=self.catalog.currency,
        )

    @property
    def _plan_text(self) -> str:
        """What the plan is called, with its range where that is stated."""
        stated = self.planned.range_usd if self.planned else None
        return "Plan" if stated is None else "Plan (P10 {}, P90 {})".format(*map(usd, stated))

    def _passed(self, limit: Decimal) -> date | None:
        """Return the day on which spend passed a limit."""
        spent = list(accumulate(self.daily["actual_usd"], lambda *both: total(both)))
        over = (day for day, usd in zip(self.daily["day"], spent, strict=True) if usd > limit)
        return next(over, None)

    def _day(self, name: str, left: Decimal) -> date | None:
        """Return the day on which a quantile of what is to come passes what is left."""
        days = _days(self.ahead, name, float(left)) if self.ahead else None
        return None if days is None else (self.ended + pd.Timedelta(days=days)).date()


def _days(ahead: SpendForecast, name: str, amount: float) -> float | None:
    """Return the days until a quantile of cumulative spend passes an amount, if it does."""
    amounts = np.concatenate([[0.0], ahead.frame[name].to_numpy()])
    days = float(np.interp(amount, amounts, np.concatenate([[0.0], ahead.steps]))) / DAY
    return days if amounts[-1] > amount else None


def _limit_text(what: str, limit: Limit, currency: str) -> str:
    """Return a limit in words."""
    side = "above" if limit.gap_usd > 0 else "below"
    least = "at least " if limit.is_lower_bound else ""
    text = (
        f"{what} of {usd(limit.usd)} {currency}: {least}{share_text(limit.chance)} chance to end above; expected "
        f"end {usd(abs(limit.gap_usd))} {currency} {side}"
    )
    if limit.chance == 1:
        text += f"; passed on {limit.day}"
    elif limit.earliest_day:
        text += f"; passed on {limit.day} (P50)" if limit.day else "; not passed at P50"
        text += f", at the earliest {limit.earliest_day} (P90)"
    if limit.left_usd_per_day is not None:
        text += f"; {usd_text(limit.left_usd_per_day, ESTIMATED)} {currency} a day left"
    return text
