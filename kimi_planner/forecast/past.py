"""Earlier forecasts of a source and what followed them, from which the width of later ones follows.

They are kept as JSON lines, which `SpendForecast.record` writes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from kimi_planner.errors import UsageError, shown
from kimi_planner.files import read_text
from kimi_planner.forecast.rows import LogRows
from kimi_planner.json_text import loaded
from kimi_planner.series.intervals import Array
from kimi_planner.series.moments import micros
from kimi_planner.series.observed import Observed
from kimi_planner.series.spread import Constants, score_of

FEWEST = 3
_DIFFER = 0.6  # standard deviation, between services, of the logarithm of their spread
_FACTORS = np.exp(np.linspace(-2.0, 2.0, 161))


@dataclass(frozen=True, kw_only=True)
class PastForecast:
    """A forecast as it was made, before anything was learned from earlier ones.

    Attributes
    ----------
    model
        Model id that every call was priced as; ``None`` if each as its row named.
    start, until
        The stretch, ISO 8601 in UTC.
    median_usd, scale
        Its median, and how widely scores vary.
    outcome_usd
        What was spent, ``None`` while no log shows all of the stretch.
    """

    model: str | None
    start: str
    until: str
    median_usd: float
    scale: float
    outcome_usd: float | None = None

    @property
    def bounds(self) -> tuple[int, int]:
        """Start and end in microseconds since 1970."""
        return micros(pd.Timestamp(self.start)), micros(pd.Timestamp(self.until))


def read_past(path: str | Path) -> tuple[PastForecast, ...]:
    """Return the forecasts that a file keeps; none if there is no file yet.

    Raises
    ------
    UsageError
        If a line is not a forecast, with its number.
    """
    path = Path(path)
    if not path.exists():
        return ()
    found = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        try:
            made = PastForecast(**loaded(line))
            low, high = made.bounds
            usd = made.median_usd if made.outcome_usd is None else made.outcome_usd
            if not (low < high and made.median_usd > 0 and made.scale > 0 and usd >= 0):
                raise ValueError
        except (TypeError, ValueError, AttributeError):
            raise UsageError(
                f"{path} line {number}: {shown(line)} is not a recorded forecast. Remove the line, or "
                "name a file that --record wrote."
            ) from None
        found.append(made)
    return tuple(found)


def past_text(past: Sequence[PastForecast]) -> str:
    """Return forecasts as the file keeps them."""
    return "".join(json.dumps(asdict(made)) + "\n" for made in past)


def with_outcomes(
    past: Sequence[PastForecast], rows: LogRows, whole: Observed, model: str | None
) -> tuple[PastForecast, ...]:
    """Return forecasts with the outcomes that a log shows; one that shows part of a stretch does not.

    Those of another model keep what they have.
    """
    first, last = micros(whole.start), micros(whole.end)

    def shown_by_log(made: PastForecast) -> PastForecast:
        low, high = made.bounds
        if made.outcome_usd is not None or made.model != model or low < first or high > last:
            return made
        begin, end = np.searchsorted(rows.micros, [low, high])
        return replace(made, outcome_usd=float(rows.amounts[begin:end].sum()))

    return tuple(map(shown_by_log, past))


def width_learned(past: Sequence[PastForecast], model: str | None) -> tuple[float, int]:
    """Return the factor on the width of ranges, and of how many outcomes it was learned.

    Notes
    -----
    The mean of the factor given the outcomes, each a Student t of its scale times the factor, which
    is lognormal before. Of stretches that overlap each counts for the part that it does not share.
    """
    done = [made for made in past if made.outcome_usd is not None and made.model == model]
    if len(done) < FEWEST:
        return 1.0, len(done)
    low, high = np.array([made.bounds for made in done], dtype=np.float64).T
    shared = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
    counts = (high - low) / np.maximum(shared, 0.0).sum(axis=1)
    ratio = np.array([made.outcome_usd for made in done], dtype=np.float64)
    scores = score_of(ratio / np.array([made.median_usd for made in done]))
    steps = scores / np.array([made.scale for made in done])
    freedom = Constants.freedom
    tails: Array = np.log1p((steps / _FACTORS[:, None]) ** 2 / freedom)
    fit = -(np.log(_FACTORS)[:, None] + (freedom + 1) / 2 * tails) @ counts
    fit -= np.log(_FACTORS) ** 2 / 2 / _DIFFER**2
    weights = np.exp(fit - fit.max())
    return float(weights @ _FACTORS / weights.sum()), len(done)
