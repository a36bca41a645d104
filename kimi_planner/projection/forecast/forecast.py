"""From a usage log to the spend ahead of it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from kimi_planner.catalog import Catalog, load_catalog
from kimi_planner.errors import ScenarioError, UsageError, shown
from kimi_planner.projection.forecast.horizon import horizon_end
from kimi_planner.projection.forecast.mixture import weigh
from kimi_planner.projection.forecast.observed import DAY, Observed, observe
from kimi_planner.projection.forecast.result import SpendForecast

__all__ = ["forecast_spend"]

STEPS = 12
FEW_CALLS = 100
LONG_AHEAD = 3  # times the log
RECENT_DAYS = 14
NEAR_DAYS = 2


def forecast_spend(
    frame: pd.DataFrame,
    horizon: object,
    model: str | None = None,
    start: object = None,
    end: object = None,
    *,
    as_of: date | None = None,
    catalog: Catalog | str | Path | None = None,
) -> SpendForecast:
    """Forecast the total spend from the end of a log to a horizon.

    Parameters
    ----------
    frame : DataFrame
        A usage frame as :func:`read_usage` returns it: a row per call, or per window of time with
        the number of its ``requests``. Time without a row is time without calls.
    horizon : str, timedelta or number
        How far ahead: ``"36h"``, ``"7 days"``, ``"3 months"``, a timedelta, or seconds.
    model : str, optional
        Price every row as this model; otherwise as the model its row names.
    start, end : time, optional
        What the log covers, ``[start, end)``; from its first row to one gap after its last if not
        given. Times for a dated log; Timedeltas or seconds for one that counts from its own start.
    as_of : date, optional
        The day whose prices count; today if not given.
    catalog : Catalog, str or Path, optional
        Prices; the default catalog if not given.

    Returns
    -------
    SpendForecast
        ``quantile(q)`` and ``mean`` of the total, ``frame`` with steps on the way.

    Raises
    ------
    UsageError
        If the frame is malformed, has rows without a time, or no spend.
    ScenarioError
        If the horizon cannot be read.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, or states no price for it.

    Notes
    -----
    The log is cut into equal stretches. Requests that cluster, drift and follow the clock make
    future totals far less certain than a Poisson process would; how much is read from how the
    stretches vary at every scale: a mixture over Hurst exponents (fractional Gaussian noise, whose
    sums have the variance ``t**(2 H)``, and level drift above 1), bursts of several lengths, shares
    of memoryless noise, and daily and weekly rhythms, weighed by the likelihood of the differences between stretches, the
    level being unknown. Where the calls look independent, the Poisson process takes most of the
    weight. The mixture is of Student's t distributions, put on a logarithmic scale that keeps spend
    positive.
    """
    from kimi_planner.usage.read import read_usage

    if not isinstance(frame, pd.DataFrame):
        raise UsageError(
            f"The usage frame is {shown(frame)}. Read a log first: forecast_spend(read_usage(path), …)."
        )
    source = str(frame.attrs.get("source", "usage frame"))
    checked = read_usage(frame)
    checked.attrs["source"] = source
    as_of = as_of or date.today()  # noqa: DTZ011 - a forecast is made on the forecaster's own day
    if not isinstance(as_of, date):
        raise ScenarioError(f"as_of is {shown(as_of)}. Give a datetime.date.")
    catalog = load_catalog(catalog)
    catalog.check_as_of(as_of)
    observed = observe(checked, model, catalog, start, end)
    until = horizon_end(observed.end, horizon)
    ahead = (until - observed.end).total_seconds()
    notes = []
    if observed.by_day and ahead < NEAR_DAYS * DAY:
        recent = observed.end - pd.Timedelta(days=RECENT_DAYS)
        observed = observe(checked, model, catalog, recent, observed.end)
        notes.append(
            f"Only the last {RECENT_DAYS} days are used, in stretches that show the hours of the day."
        )
    steps = np.linspace(0, ahead, STEPS + 1)[1:]
    return SpendForecast(
        model=model,
        observed=observed,
        steps=steps,
        mixture=weigh(observed, steps.tolist()),
        until=until,
        source=source,
        catalog=catalog,
        as_of=as_of,
        notes=(*notes, *_notes(checked, observed, ahead, start, end)),
    )


def _notes(
    frame: pd.DataFrame,
    observed: Observed,
    ahead: float,
    start: object,
    end: object,
) -> list[str]:
    """Return what a reader of the forecast must know, in sentences."""
    notes = []
    if observed.calls < FEW_CALLS:
        notes.append(f"The log has only {observed.calls:,} calls, so the range is wide.")
    if ahead > LONG_AHEAD * observed.seconds:
        notes.append(
            f"The horizon is {ahead / observed.seconds:,.0f} times as long as the log. Growth, seasons "
            "and changes of use that the log is too short to show are not in the range."
        )
    if observed.seconds < 0.999 * DAY:
        notes.append(
            "The log is shorter than a day. A daily rhythm of 12% is assumed in its place; if nights "
            "are quiet, give a log of whole days."
        )
    elif observed.seconds < 6.99 * DAY:
        notes.append(
            "The log is shorter than a week. A weekly rhythm of 3% is assumed in its place; if weekends "
            "are quiet, give a log of whole weeks."
        )
    if start is None or end is None:
        notes.append(
            "What the log covers is told from its first and last row. Pass start and end if calls were "
            "awaited before or after."
        )
    if observed.rows_outside:
        notes.append(f"{observed.rows_outside:,} rows lie outside start and end and are left out.")
    return notes
