"""A picture of a forecast: what was spent before, and the fan of what is to come."""

from __future__ import annotations

from typing import Any, Unpack, cast

import numpy as np
import pandas as pd
from matplotlib import dates
from matplotlib.axes import Axes

from kimi_planner.forecast import SpendForecast
from kimi_planner.forecast.horizon import length_text
from kimi_planner.forecast.result import QUANTILES
from kimi_planner.plot.canvas import Canvas
from kimi_planner.plot.marks import swatch
from kimi_planner.plot.panel import Panel, picture
from kimi_planner.plot.style import money_axis
from kimi_planner.plot.words import dollars
from kimi_planner.series.intervals import Array

_DAY = 86_400.0
_UNITS = (("days", 2 * _DAY, _DAY), ("hours", 7_200, 3_600), ("minutes", 120, 60))
_BANDS = (("P05", "P95", 0.5), ("P10", "P90", 1.0))
_HEADROOM = 1.05


@picture
def forecast(result: SpendForecast, **panel: Unpack[Panel]) -> Axes:
    """Draw what is to be spent, beside what was spent in as long a time before.

    Parameters
    ----------
    result : SpendForecast
        What `forecast_spend` returned.

    Returns
    -------
    Axes
        Cumulative USD, twice from 0: a grey line for the last of the log, as long as the horizon or
        all of it; then the P50 in a band from P10 to P90, in a fainter one from P05 to P95.

    Examples
    --------
    >>> import pandas as pd
    >>> import kimi_planner as kp
    >>> hours = pd.date_range("2026-10-01", "2026-11-15", freq="h", tz="UTC")
    >>> log = pd.DataFrame({"timestamp": hours, "model": "kimi-k2", "prompt_tokens": 2000,
    ...     "completion_tokens": 300})
    >>> ax = forecast(kp.forecast_spend(log, "10 days", as_of="2026-11-28"))
    """
    before, spent = _spent(result)
    after = np.concatenate([[0.0], result.steps])
    steps = {name: np.concatenate([[0.0], result.frame[name].to_numpy()]) for name in QUANTILES}
    canvas, currency = Canvas(**panel), result.catalog.currency
    ax, muted = canvas.ax, canvas.theme.muted
    past, ahead = _places(result, before), _places(result, after)
    key = fan(canvas, ahead, steps)
    [line] = ax.plot(past, spent, color=muted, linewidth=2)
    ax.axvline(ahead[0], color=muted, linestyle=":", linewidth=1)
    ax.set_xlim(past[0], ahead[-1])
    money_axis(ax, "y", _HEADROOM * max(float(steps["p95_usd"][-1]), float(spent[-1])))
    length = length_text(-float(before[0]))
    text = f"before: {dollars(float(spent[-1]))} {currency} in {length}"
    _time_axis(ax, result)
    ax.set_ylabel(f"{currency}, cumulative")
    return canvas.finish(
        "",
        "",
        f"{result.sentence} {text[0].upper()}{text[1:]}.",
        answer=result.sentence,
        provenance=result.provenance,
        key=[(text, line), *key],
    )


def fan(canvas: Canvas, places: list[float], steps: dict[str, Any]) -> list[tuple[str, Any]]:
    """Draw the P50 in its bands, its ends named; return what its parts mean."""
    ax, theme = canvas.ax, canvas.theme
    named = {name.removesuffix("_usd").upper(): values for name, values in steps.items()}
    key: list[tuple[str, Any]] = []
    for low, high, alpha in _BANDS:
        ax.fill_between(places, named[low], named[high], color=theme.band, alpha=alpha, linewidth=0)
        key.append((f"{low} to {high}", swatch(theme, theme.band, alpha)))
    [line] = ax.plot(places, named["P50"], color=theme.ink, linewidth=2)
    for name in ("P90", "P50", "P10"):
        end = float(named[name][-1])
        canvas.beside(f"{name} {dollars(end)}", end)
    return [("P50 of what follows", line), *key]


def _spent(result: SpendForecast) -> tuple[Array, Array]:
    """Return times up to the end of the log, seconds, and the spend from the first of them on."""
    seen = result.observed
    length = min(seen.seconds, result.horizon.seconds)
    edges = np.linspace(-seen.seconds, 0.0, len(seen.amounts) + 1)
    times = np.concatenate([[-length], edges[edges > -length]])
    spent = np.interp(times, edges, np.concatenate([[0.0], np.cumsum(seen.amounts)]))
    return times, spent - spent[0]


def _places(result: SpendForecast, seconds: Array) -> list[float]:
    """Return where seconds from the end of the log stand: days since 1970, or in the log's unit."""
    end = result.observed.end
    if isinstance(end, pd.Timestamp):
        return [float(one) for one in (end.timestamp() + seconds) / _DAY]
    return [float(one) for one in (end.total_seconds() + seconds) / _unit(result)[1]]


def _unit(result: SpendForecast) -> tuple[str, float]:
    length = result.observed.seconds + result.horizon.seconds
    return next(((name, size) for name, least, size in _UNITS if length >= least), ("seconds", 1.0))


def _time_axis(ax: Axes, result: SpendForecast) -> None:
    if isinstance(result.observed.end, pd.Timestamp):
        day_axis(ax)
    else:
        ax.set_xlabel(f"{_unit(result)[0]} since the log began")


def day_axis(ax: Axes) -> None:
    """Write days since 1970 on the x axis as dates, the whole span below."""
    untyped = cast(Any, dates)
    locator = untyped.AutoDateLocator(maxticks=6)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(untyped.ConciseDateFormatter(locator, show_offset=False))
    first, last = (f"{day:%Y-%m-%d}" for day in untyped.num2date(ax.get_xlim()))
    ax.set_xlabel(f"{first} to {last}, UTC")
