"""What the days of a log show: weekdays, the busiest hour, and days far off the rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.series.intervals import Array
from kimi_planner.series.moments import DAY
from kimi_planner.series.observed import timed_rows

_LEAST_WEEKS, _LEAST_DAYS, _LEAST_CALLS, _LEAST_ROWS = 2, 3, 100, 6
_EVENT_DAYS = 28  # that a log has at the least for a day to be far off the rest
_NEAR = 10  # days on each side, by which a day is judged
_FAR, _LEAST_FACTOR = 5.0, 2.0  # robust standard deviations, and times, that make an event
_MOST_FACTOR = 1000.0
_RARE = 1 / 20  # of the days: what happens more often is how the service is
_HOUR = 3600


@dataclass(frozen=True)
class Rhythm:
    """When calls come.

    Attributes
    ----------
    fields
        ``weekday_profile``, ``events`` and ``peak_hour_share`` of a workload, where the log shows
        them.
    usual
        Share of the calls that would have come had no day been far off the rest.
    """

    fields: dict[str, Any] = field(default_factory=dict)
    usual: float = 1.0


def rhythm_of(frame: pd.DataFrame) -> Rhythm:
    """Return when the calls of a checked usage frame come, in UTC; nothing of a log without dates.

    Notes
    -----
    Only whole days count. The profile of weekdays needs two weeks, and is drawn towards an even one
    by as much as weeks differ. A day is an event if it is at least twice or half of what the days
    around it lead to expect, and five robust standard deviations off; if more than one day in twenty
    is, or one is more than a thousand times as busy, none is an event. Busiest hours need three days
    of a hundred calls in six rows.
    """
    requests = frame["requests"].to_numpy(dtype=np.float64)
    rows = timed_rows(frame, requests, "calls")
    if not rows.dated or rows.micros[0] == rows.micros[-1]:
        return Rhythm()
    seconds = rows.micros // 1_000_000
    first = int(-(-(seconds[0] - _HOUR) // int(DAY)))
    count = int((rows.end // 1_000_000 + _HOUR) // DAY) - first
    day = seconds // int(DAY) - first
    inside = (day >= 0) & (day < count)
    if count < _LEAST_DAYS:
        return Rhythm()
    hours = np.bincount(
        (day * 24 + seconds // _HOUR % 24)[inside], rows.amounts[inside], count * 24
    ).reshape(count, 24)
    daily = hours.sum(axis=1)
    fields: dict[str, Any] = {}
    factors = _far_off(daily) if count >= _EVENT_DAYS else np.ones(count)
    if (factors != 1).any():
        fields["events"] = _events(factors, daily, first)
    if profile := _weekdays(np.where(factors == 1, daily, np.nan), first):
        fields["weekday_profile"] = profile
    stated = np.bincount(day[inside], minlength=count)
    full = (daily >= _LEAST_CALLS) & (stated >= _LEAST_ROWS)
    if rows.window <= _HOUR * 1_000_000 and full.sum() >= _LEAST_DAYS:
        busiest = np.quantile(hours[full].max(axis=1) / daily[full], [0.1, 0.5, 0.9])
        fields["peak_hour_share"] = {
            name: float(f"{share:.4g}")
            for name, share in zip(("p10", "p50", "p90"), busiest, strict=True)
        }
    more = (daily - daily / np.where(factors > 0, factors, 1.0)).sum()
    return Rhythm(fields, 1 - float(more) / float(requests.sum()))


def _weekdays(daily: Array, first: int) -> tuple[float, ...] | None:
    """Return the traffic from Monday to Sunday, 1 for an average day; NaN for days that do not count."""
    weeks = len(daily) // 7
    blocks = daily[len(daily) - 7 * weeks :].reshape(weeks, 7)
    blocks = blocks[blocks.sum(axis=1) > 0]
    if len(blocks) < _LEAST_WEEKS:
        return None
    shares = blocks / blocks.mean(axis=1, keepdims=True)
    means = shares.mean(axis=0)
    noise, spread = shares.var(axis=0, ddof=1).mean() / len(shares), means.var(ddof=1)
    if spread <= noise:
        return None
    profile = 1 + (1 - noise / spread) * (means - 1)
    monday = (first + len(daily) - 7 * weeks + 3) % 7  # 1970 began on a Thursday
    return tuple(np.roll(profile, monday).round(4).tolist())


def _far_off(daily: Array) -> Array:
    """Return what the traffic of each day is multiplied by, 1 for a usual one."""
    weeks = len(daily) // 7
    blocks = daily[: 7 * weeks].reshape(weeks, 7)
    level = np.median(blocks, axis=1, keepdims=True)
    rough = np.median(blocks / np.maximum(level, 1e-9), axis=0)
    of_week = np.resize(rough, len(daily))
    even = daily / np.maximum(of_week, 1e-9)
    near = np.pad(even, _NEAR, mode="reflect")
    usual = np.median(np.lib.stride_tricks.sliding_window_view(near, 2 * _NEAR + 1), axis=1)
    expected = usual * of_week
    apart = np.log(np.maximum(daily, 0.5) / np.maximum(expected, 0.5))
    noise = np.hypot(1.4826 * np.median(np.abs(apart)), 1 / np.sqrt(np.maximum(expected, 1.0)))
    far = np.abs(apart) > np.maximum(_FAR * noise, np.log(_LEAST_FACTOR))
    factors = daily / np.maximum(expected, 0.5)
    if far.mean() > _RARE or factors[far].max(initial=0.0) > _MOST_FACTOR:
        far[:] = False
    return np.where(far, factors, 1.0)


def _events(factors: Array, daily: Array, first: int) -> tuple[dict[str, Any], ...]:
    """Return days that follow each other, all busy or all quiet, as one event each."""
    side = np.sign(factors - 1)
    cuts = np.flatnonzero(np.diff(side)) + 1
    found = []
    for days in np.split(np.arange(len(side)), cuts):
        if side[days[0]]:
            usual = (daily[days] / np.maximum(factors[days], 1e-9)).sum()
            begin, end = (date.fromordinal(719_163 + first + int(days[at])) for at in (0, -1))
            found.append(
                {
                    "name": f"{'busy' if side[days[0]] > 0 else 'quiet'} {begin}",
                    **({"date": begin} if begin == end else {"from": begin, "to": end}),
                    "factor": float(f"{daily[days].sum() / usual if usual else 0:.4g}"),
                }
            )
    return tuple(found)
