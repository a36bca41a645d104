"""From a usage log to the spend ahead of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from kimi_planner.arguments import public
from kimi_planner.catalog import Catalog, load_catalog
from kimi_planner.errors import TooLittleUsageError, UsageError, shown
from kimi_planner.forecast.horizon import horizon_of
from kimi_planner.forecast.past import FEWEST, read_past, width_learned, with_outcomes
from kimi_planner.forecast.result import SpendForecast
from kimi_planner.forecast.rows import LogRows, rows_of
from kimi_planner.notes import Note, counted, note
from kimi_planner.rich import changed_text
from kimi_planner.series.moments import DAY, moment_of
from kimi_planner.series.observed import LONG_LOG_DAYS, Observed, observe
from kimi_planner.series.spread import ahead_of, learned
from kimi_planner.usage.read import read_usage
from kimi_planner.workload.inputs import chosen_day

STEPS = 12
FEW_CALLS = 100
RECENT_DAYS = 14
NEAR_DAYS = 2
FAR_AHEAD = 3  # times the log


@public
def forecast_spend(
    frame: pd.DataFrame,
    horizon: object,
    model: str | None = None,
    start: object = None,
    end: object = None,
    *,
    past: str | Path | None = None,
    as_of: date | str | None = None,
    catalog: Catalog | str | Path | None = None,
    alias: Mapping[str, str] | None = None,
) -> SpendForecast:
    """Forecast the total spend from the end of a log to a horizon.

    Parameters
    ----------
    frame : DataFrame
        A usage frame as :func:`read_usage` returns it: a row per call, or per window of time with
        the number of its ``requests``. Time without a row is time without calls.
    horizon : str, timedelta or number
        How far ahead: ``"36h"``, ``"7 days"``, ``"2 weeks"``, ``"3 months"``, a timedelta, or
        seconds; from a second to ten years.
    model : str, optional
        Price every row as this model; otherwise as the model its row names.
    start, end : time, optional
        What the log covers, ``[start, end)``; from its first row to one gap after its last if not
        given. Times for a dated log; Timedeltas or seconds for one that counts from its own start.
    past : str or Path, optional
        A file of earlier forecasts of the same source, which :meth:`SpendForecast.record` wrote. The
        outcomes that this log shows are added; from the third on the width of the range follows
        them. A file that is not there yet holds none.
    as_of : date, datetime or str, optional
        The day whose prices hold for a log without dates, and whose knowledge of prices counts;
        today if not given. A row with a date is billed at the prices of its day.
    catalog : Catalog, str or Path, optional
        Prices; the default catalog if not given.
    alias : mapping of str to str, optional
        From a name of a model in the log to the id of the catalog that it means. The usual prefixes
        and spellings need none.

    Returns
    -------
    SpendForecast
        ``quantile(q)`` and ``mean`` of the total, ``frame`` with steps on the way.

    Raises
    ------
    UsageError
        If the frame is malformed, has rows without a time or without a model to price them as, or
        ``start`` and ``end`` cannot be read; if ``past`` holds something else, or the log has no
        dates.
    TooLittleUsageError
        If the log holds no spend, or a single time and ``end`` is not given.
    SettingError
        If the horizon cannot be read or is out of bounds.
    UnknownModelError, PriceNotFoundError
        If the catalog does not have ``model``, or states no price for it, or for any model of the log.

    Notes
    -----
    The log is cut into equal stretches. Requests that cluster, drift and follow the clock make
    future totals far less certain than a Poisson process would; how much is read from how the
    stretches vary at every scale: a mixture over Hurst exponents (fractional Gaussian noise, whose
    sums have the variance ``t**(2 H)``, and level drift above 1), bursts of several lengths, shares
    of memoryless noise, and daily and weekly rhythms, weighed by the likelihood of the differences
    between stretches, the level being unknown. Where the calls look independent, the Poisson process
    takes most of the weight.

    How far the future strays from the median of that mixture was learned from public series of many
    kinds: on a square-root scale a Student t whose scale follows from the mixture's own, from how
    spend varies between eighths of the log and from how many calls there are; a rhythm that the log
    is too short to show and the noise of single calls are added. `data/forecast_spread.toml` holds the
    few constants, and what the range covered of each source when its file was left out. Growth is
    projected from ten days on, shrunk towards none and fading.

    The forecast is computed, not drawn: the same calls give the same numbers, in whatever order they
    stand. If a log is 28 days or longer and the horizon shorter than 2 days, its last 14 days are
    used.

    Examples
    --------
    >>> calls = pd.DataFrame({"timestamp_s": range(0, 3600, 4), "prompt_tokens": 5_000,
    ...                       "completion_tokens": 500})
    >>> ahead = forecast_spend(calls, "1h", "kimi-k2", 0, 3600, as_of=date(2026, 11, 24))
    >>> low, high = ahead.interval(0.8)
    >>> low < ahead.mean < high
    True
    """
    if not isinstance(frame, pd.DataFrame):
        raise UsageError(
            f"The usage frame is {shown(frame)}. Read a log first: forecast_spend(read_usage(path), …)."
        )
    as_of = chosen_day(as_of)
    catalog = load_catalog(catalog, as_of=as_of)
    checked = read_usage(frame)
    checked.attrs["source"] = frame.attrs.get("source", "usage frame")
    rows = rows_of(checked, model, catalog, alias)
    whole = observe(
        rows,
        None if start is None else moment_of("start", start, dated=rows.dated),
        None if end is None else moment_of("end", end, dated=rows.dated),
    )
    ahead = horizon_of(whole.end, horizon)
    observed, notes = part_to_use(rows, whole, ahead.seconds)
    if past is not None and not rows.dated:
        raise UsageError(
            f"{rows.source}: past needs a log with dates, as outcomes are found by them."
        )
    known = with_outcomes(() if past is None else read_past(past), rows, whole, model)
    factor, outcomes = width_learned(known, model)
    rejected = frame.attrs.get("rejected")
    steps = np.linspace(0, ahead.seconds, STEPS + 1)[1:]
    mixture, growth, traits = ahead_of(observed, steps)
    return SpendForecast(
        model=model,
        observed=observed,
        bill=rows.bill(observed),
        horizon=ahead,
        steps=steps,
        mixture=mixture,
        growth=growth,
        unlearned=learned().ranges(traits),
        factor=factor,
        past=known,
        source=rows.source,
        catalog=catalog,
        as_of=as_of,
        notes=(
            *notes,
            *_notes(observed, whole, ahead.seconds, told=start is not None and end is not None),
            growth.note,
            *([] if past is None else [_past_note(factor, outcomes)]),
            *rows.costs.notes,
            *([note("bad_rows", rows=rejected)] if rejected else ()),
        ),
    )


def part_to_use(rows: LogRows, whole: Observed, ahead: float) -> tuple[Observed, list[Note]]:
    """Return the part of a log to forecast from, and why it is not all of it.

    A long log is cut into days, which cannot say what the next hours bring.
    """
    if whole.seconds < LONG_LOG_DAYS * DAY or ahead >= NEAR_DAYS * DAY:
        return whole, []
    try:
        recent = observe(rows, whole.end - pd.Timedelta(days=RECENT_DAYS), whole.end)
    except TooLittleUsageError:
        recent = whole
    if recent.by_day:
        return whole, [note("whole_days", days=RECENT_DAYS)]
    return recent, [note("recent_days", days=RECENT_DAYS)]


def _notes(observed: Observed, whole: Observed, ahead: float, *, told: bool) -> Iterator[Note]:
    """Yield what a reader of the forecast must know, in sentences."""
    if observed.calls < FEW_CALLS:
        yield note("few_calls", calls=counted(observed.calls, "call"))
    if ahead > FAR_AHEAD * whole.seconds:
        yield note("far_ahead", times=ahead / whole.seconds, known=FAR_AHEAD)
    if observed.seconds < 0.999 * DAY:
        yield note("no_day", rhythm=float(np.exp(learned().day)))
    elif observed.seconds < 6.99 * DAY:
        yield note("no_week", part=float(np.exp(learned().week)))
    if not told:
        yield note("no_ends")
    if whole.rows_outside:
        yield note("rows_outside", rows=whole.rows_outside)


def _past_note(factor: float, outcomes: int) -> Note:
    """Return what earlier forecasts did to the range."""
    if outcomes < FEWEST:
        return note("past_few", outcomes=outcomes, fewest=FEWEST)
    change = changed_text(factor, "wider", "narrower")
    return note("past", outcomes=outcomes, change=change)
