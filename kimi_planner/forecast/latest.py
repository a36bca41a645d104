"""Where will the month, quarter or year end: what was spent, and what is to come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from kimi_planner.arguments import public
from kimi_planner.catalog import Catalog, load_catalog
from kimi_planner.errors import SettingError, UsageError, shown
from kimi_planner.forecast.estimate import LatestEstimate, PlannedSpend
from kimi_planner.forecast.horizon import Period, period_of
from kimi_planner.forecast.result import SpendForecast
from kimi_planner.forecast.rows import rows_of
from kimi_planner.forecast.spend import forecast_spend
from kimi_planner.money import exact_decimal, from_units, plain, rounded, total, whole_parts
from kimi_planner.notes import Note, note
from kimi_planner.plan.dated import happening
from kimi_planner.plan.projection import Projection
from kimi_planner.reconcile.actual import NOT_STATED
from kimi_planner.reconcile.planned import Plan
from kimi_planner.reconcile.read_plan import Choice, plan_of, prices_beside
from kimi_planner.series.moments import DAY, at, moment_of, moment_text
from kimi_planner.usage.read import read_usage
from kimi_planner.usage.totals.spend import keys_to_price, spend_by
from kimi_planner.usage.totals.stream import total_usage
from kimi_planner.workload.inputs import chosen_day

ALL = "all"
RECENT_DAYS = 28
PLACES = 6  # of an expected amount, USD
LONG_WEEKEND = pd.Timedelta(days=3)
_LONGEST = 3660.0  # days that a forecast looks ahead
_SLOWEST = 3.0  # times as long as at the log's pace that a balance is followed

Part = tuple[str, str]
Source = pd.DataFrame | str | Path | Iterable[str | Path]


@public
def latest_estimate(
    usage: Source,
    budget: Decimal | float | str | None = None,
    until: object = "month end",
    *,
    plan: Projection | str | Path | None = None,
    by: str | None = None,
    balance: Decimal | float | str | None = None,
    model: str | None = None,
    choice: Choice | None = None,
    since: object = None,
    start: object = None,
    end: object = None,
    as_of: date | str | None = None,
    catalog: Catalog | str | Path | None = None,
    planned_catalog: Catalog | str | Path | None = None,
    alias: Mapping[str, str] | None = None,
    on_error: Literal["raise", "skip"] = "raise",
) -> LatestEstimate:
    """Estimate what a month, quarter or year will end at, against a budget and a plan.

    Spend up to the end of the log is exact, each row at the prices of its day; the rest is a forecast
    from the whole log.

    Parameters
    ----------
    usage : DataFrame, path or iterable of path
        A usage frame or log with dates, as :func:`read_usage` takes it.
    budget : Decimal, float or str, optional
        Budget of the whole period, USD.
    until : str or day
        ``"month end"``, ``"quarter end"`` or ``"year end"``, in UTC, of the last day of the log; or a
        day, the last one that counts.
    plan : Projection or path, optional
        What :func:`project` returns, an approved plan, or a file of ``plan --format json`` or
        ``--format csv``; its bookable number is what is planned. Months that the period holds in part count in proportion to their days.
    by : str, optional
        The column of the log that names the workload of a call.
    balance : Decimal, float or str, optional
        Prepaid balance at the end of the log, USD.
    model : str, optional
        Price every row as this model; otherwise as the model its row names.
    choice : str or mapping of str to str, optional
        The model that was planned, for all workloads or for each; the recommended one if not given.
    since : day, optional
        First day of the period, if it is another.
    start, end : time, optional
        What the log covers, ``[start, end)``; from its first row to one gap after its last if not
        given.
    as_of : date, datetime or str, optional
        The day whose knowledge of prices counts; today if not given.
    catalog : Catalog, str or Path, optional
        Prices; if not given, the default catalog, or where that lacks models of the plan, the plan's.
    planned_catalog : Catalog, str or Path, optional
        Whose prices the plan was made with, where they are not the ones it names.
    alias : mapping of str to str, optional
        From a name of a model in the log to the id of the catalog that it means.
    on_error : {"raise", "skip"}
        What to do with a bad row: stop, or leave it out and count it.

    Returns
    -------
    LatestEstimate
        ``expected_usd``, ``quantile(q)``, ``budget``, ``plan``, ``balance_days`` and ``frame``, by
        workload and model.

    Raises
    ------
    UsageError
        If the log cannot be read, has no dates, or has rows outside of ``start`` and ``end``.
    TooLittleUsageError
        If the log holds too little to forecast from.
    SettingError
        If the period, an amount or the plan cannot be read.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, or states no price for it.

    Notes
    -----
    Only the total is forecast, so only it has a range. Its expected amount is divided among
    workloads and models in proportion to what each spent in the last 28 days of the log, to a
    millionth of a dollar, so that the parts add up to it.

    A log that begins later than the period, by more than its longest time without calls or three
    days, does not hold all of the spend: what was before is not taken as zero, and chances are lower
    bounds.

    Examples
    --------
    >>> calls = pd.DataFrame({"timestamp": pd.date_range("2026-11-01", "2026-11-21", freq="h"),
    ...                       "prompt_tokens": 5_000, "completion_tokens": 500})
    >>> found = latest_estimate(calls, budget=3, model="kimi-k2", as_of=date(2026, 11, 21))
    >>> found.actual_usd, found.budget.day
    (Decimal('3.7518'), datetime.date(2026, 11, 17))
    """
    as_of = chosen_day(as_of)
    of_plan = None if plan is None else plan_of(plan, choice, planned_catalog)
    prices = (
        load_catalog(catalog, as_of=as_of)
        if of_plan is None
        else prices_beside(of_plan, catalog, as_of)
    )
    source = usage if isinstance(usage, pd.DataFrame | str | Path) else list(usage)
    frame = read_usage(source, on_error=on_error, keep=[by] if by else ())
    frame.attrs |= getattr(source, "attrs", {})
    begun, ended, first = _covered(rows_of(frame, model, prices, alias), start, end)
    last = (ended - pd.Timedelta(1, "us") if end is not None else frame["timestamp"].max()).date()
    period = period_of(until, last, begun.date(), since)
    balance_usd, rest = _amount("balance", balance), period.end - ended

    def ahead_for(length: pd.Timedelta) -> SpendForecast:
        return forecast_spend(
            frame, length, model, start, end, as_of=as_of, catalog=prices, alias=alias
        )

    ahead = ahead_for(rest) if rest >= pd.Timedelta(seconds=1) else None
    spend = _by_day(frame, by, model, prices, alias)
    if of_plan is not None and of_plan.catalog.currency != prices.currency:
        raise SettingError(
            f"The plan is in {of_plan.catalog.currency}, and the log is priced in {prices.currency}. Hold it "
            f"against the plan with reconcile, which takes the list in {of_plan.catalog.currency}."
        )
    planned, plans = (None, {}) if of_plan is None else _planned(of_plan, period, by=by)
    inside = spend[spend["day"] >= period.start]
    daily = [(day, plain(total(cells["total_usd"]))) for day, cells in inside.groupby("day")]
    lasts = None
    if balance_usd is not None:
        pace = float(total(spend["total_usd"])) / ((ended - begun).total_seconds() / DAY)
        days = _SLOWEST * float(balance_usd) / pace if pace else _LONGEST
        lasts = ahead_for(pd.Timedelta(days=min(max(days, 1.0), _LONGEST)))
    notes: list[Note] = []
    if first > period.begin:
        notes.append(
            note("spent_before_unknown", begun=moment_text(begun), start=str(period.start))
        )
    if (ended + pd.Timedelta(days=1)).date() <= as_of and ahead:
        notes.append(note("log_ends_early", ended=moment_text(ended), day=str(as_of)))
    if planned and planned.usd is None:
        notes.append(note("plan_lacks_months", source=planned.source, period=period.name))
    elif planned and set(period.months().values()) != {1}:
        notes.append(note("plan_in_proportion"))
    notes += of_plan.notes if of_plan else ()
    if ahead and of_plan and of_plan.projection:
        coming = [
            one.words
            for one in happening(of_plan.projection, of_plan.models)
            if one.day < period.until and (one.last or one.day) > last
        ]
        notes += [note("plan_ahead", what="; ".join(coming))] if coming else []
    if ahead:
        notes.append(note("parts_in_proportion", days=RECENT_DAYS))
    notes += ahead.notes if ahead else spend.attrs["notes"]
    return LatestEstimate(
        period=period,
        begun=begun,
        ended=ended,
        is_whole=first <= period.begin,
        ahead=ahead,
        frame=_parts(spend, period, last, ahead, plans),
        daily=pd.DataFrame(daily, columns=["day", "actual_usd"]),
        budget_usd=_amount("budget", budget),
        planned=planned,
        balance_usd=balance_usd,
        balance_ahead=lasts,
        source=str(frame.attrs.get("source", "usage frame")),
        catalog=prices,
        as_of=as_of,
        notes=tuple(notes),
    )


def _amount(name: str, value: Any) -> Decimal | None:
    """Return an amount of USD that was given, not negative."""
    with suppress(ValueError):
        if value is None or exact_decimal(value) >= 0:
            return None if value is None else exact_decimal(value)
    raise SettingError(f"{name} is {shown(value)}. Give an amount of USD from 0.")


def _covered(
    rows: Any, start: object, end: object
) -> tuple[pd.Timestamp, pd.Timestamp, pd.Timestamp]:
    """Return what a log covers, and from when on it may have covered time without calls."""
    if not rows.dated:
        raise UsageError(
            f"{rows.source}: the log counts from its own start and has no dates, so its month is not "
            "known. Give a log with dates, or forecast a length of time with forecast_spend."
        )
    times = pd.to_datetime(rows.micros, unit="us", utc=True)
    begun: Any = times[0] if start is None else moment_of("start", start, dated=True)
    ended: Any = at(rows.end, dated=True) if end is None else moment_of("end", end, dated=True)
    if not begun <= times[0] <= times[-1] < ended:
        raise UsageError(
            f"{rows.source}: rows from {moment_text(times[0])} to {moment_text(times[-1])} are not "
            f"inside of start and end ({moment_text(begun)} to {moment_text(ended)}). Give what the "
            "log covers."
        )
    gap = pd.Timedelta(int(np.diff(rows.micros).max(initial=0)), "us")
    return begun, ended, begun if start is not None else begun - min(gap, LONG_WEEKEND)


def _by_day(
    frame: pd.DataFrame,
    by: str | None,
    model: str | None,
    prices: Catalog,
    alias: Mapping[str, str] | None,
) -> pd.DataFrame:
    """Return exact spend by ``day``, ``workload`` and ``model``."""
    keys = ("day", *(["model"] if model is None else []), *([by] if by else []))
    needed = keys_to_price(keys, None if model is None else [model], prices)
    totals = total_usage(frame, needed)
    spend = spend_by(totals, by=keys, models=model, catalog=prices, alias=alias)
    spend = spend[spend["total_usd"].notna()].copy()  # the forecast says which models have no price
    spend["workload"] = spend[by].fillna(NOT_STATED).astype(str) if by else ALL
    spend["model"] = spend["model" if model is None else "priced_as"]
    spend["day"] = spend["day"].map(date.fromisoformat)
    return spend


def _parts(
    spend: pd.DataFrame,
    period: Period,
    last: date,
    ahead: SpendForecast | None,
    plans: Mapping[Part, Decimal],
) -> pd.DataFrame:
    """Return the table by workload and model; what is expected ahead is divided exactly."""
    actual = _sums(spend[spend["day"] >= period.start])
    recent = _sums(spend[spend["day"] > last - timedelta(RECENT_DAYS)])
    if not any(recent.values()):  # nothing of late; what is to come is like all there was
        recent = _sums(spend)
    keys = list(dict.fromkeys([*actual, *(recent if ahead else {}), *plans]))
    whole = Fraction(total(recent.values())) or Fraction(1)
    shares = {str(n): Fraction(recent.get(key, 0)) / whole for n, key in enumerate(keys)}
    expected = 0 if ahead is None else round(Fraction(ahead.mean) * 10**PLACES)
    units = whole_parts({n: share * expected for n, share in shares.items()}, expected)
    rows = []
    for key, share, unit in zip(keys, shares.values(), units.values(), strict=True):
        spent, come = actual.get(key, Decimal(0)), from_units(unit, PLACES)
        rows.append((*key, spent, float(share), come, total([spent, come]), plans.get(key)))
    columns = [
        "workload",
        "model",
        "actual_usd",
        "share_ahead",
        "ahead_usd",
        "expected_usd",
        "planned_usd",
    ]
    return pd.DataFrame(rows, columns=columns, dtype=object).astype({"share_ahead": np.float64})


def _sums(spend: pd.DataFrame) -> dict[Part, Decimal]:
    """Return exact spend by workload and model, the largest first."""
    groups = spend.groupby(["workload", "model"], sort=False)["total_usd"]
    sums = {(str(name), str(model)): plain(total(amounts)) for (name, model), amounts in groups}
    return dict(sorted(sums.items(), key=lambda one: -one[1]))


def _planned(
    plan: Plan, period: Period, *, by: str | None
) -> tuple[PlannedSpend, dict[Part, Decimal]]:
    """Return what a plan has for a period, months in proportion to their days, and its parts."""
    months = period.months()
    if not set(months) <= set(plan.months):
        return PlannedSpend(source=plan.source, usd=None, range_usd=None, path=()), {}
    parts: dict[Part, Fraction] = {}
    day, spent, path = period.start, Fraction(0), [(period.start, 0.0)]
    for month, share in months.items():
        for name, model in plan.models.items():
            amount = plan.amount(name, month) * share
            key = (name if by else ALL, model)
            parts[key] = parts.get(key, Fraction(0)) + amount
            spent += amount
        day = min(period.until, (day.replace(day=1) + timedelta(31)).replace(day=1))
        path.append((day, round(float(spent), PLACES)))
    limits = plan.range_of(list(plan.models), months)
    low_high = None if limits is None else (round(limits[0], PLACES), round(limits[1], PLACES))
    planned = PlannedSpend(
        source=f"{plan.source} ({plan.measure})",
        usd=rounded(spent),
        range_usd=low_high,
        path=tuple(path),
    )
    return planned, {key: rounded(amount) for key, amount in parts.items()}
