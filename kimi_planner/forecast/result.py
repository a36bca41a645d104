"""The result of a forecast: quantiles of the total spend ahead, and what they rest on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import overload

import numpy as np
import pandas as pd

from kimi_planner.billing.meters import ByMeter
from kimi_planner.catalog import Catalog
from kimi_planner.errors import SettingError, UsageError, shown
from kimi_planner.forecast.horizon import Horizon
from kimi_planner.forecast.past import PastForecast, past_text
from kimi_planner.money import ESTIMATED, usd_text
from kimi_planner.notes import Note
from kimi_planner.rich import Page, Shown
from kimi_planner.series.growth import Growth
from kimi_planner.series.intervals import Array
from kimi_planner.series.mixture import METHOD, Mixture
from kimi_planner.series.moments import NUMBER, Moment, moment_text
from kimi_planner.series.observed import Observed
from kimi_planner.series.spread import Ranges
from kimi_planner.writes import write_text

_TAIL = 1e-12
QUANTILES = {"p05_usd": 0.05, "p10_usd": 0.1, "p50_usd": 0.5, "p90_usd": 0.9, "p95_usd": 0.95}


@dataclass(frozen=True, kw_only=True, repr=False)
class SpendForecast(Shown):
    """Total spend from the end of a log to a horizon.

    Attributes
    ----------
    model
        Model id that every call is priced as; ``None`` if each as its row names.
    observed
        What the log shows: ``start``, ``end``, ``calls``, and its ``total``, USD.
    bill
        What the log was billed by meter, exact, USD.
    horizon
        How far ahead: ``until``, ``seconds`` and, in words, ``text``.
    steps : ndarray, shape (n_steps,), seconds
        Lengths of the stretches that were forecast, each from the end of the log; the last is the
        horizon.
    mixture
        What the log itself shows of each, growth taken off, relative to the observed level.
    growth
        Growth that is assumed: ``per_month()``, and ``per_month(1)`` a standard deviation above it.
    unlearned
        What each may hold, before anything was learned from earlier forecasts of the source.
    factor
        What its width is multiplied by since then.
    past
        Those earlier forecasts, with the outcomes that are known.
    source, catalog, as_of
        The log, and the prices.
    seed, n_paths
        ``None``: the forecast is computed in closed form, without random draws.
    notes
        What the range leaves out, in words.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from kimi_planner import forecast_spend
    >>> calls = pd.DataFrame({"timestamp": pd.date_range("2026-11-01", "2026-11-21", freq="h"),
    ...                       "prompt_tokens": 5_000, "completion_tokens": 500})
    >>> ahead = forecast_spend(calls, "7 days", "kimi-k2", as_of="2026-11-21", catalog="2026-06")
    >>> low, high = ahead.interval(0.8)
    >>> low == ahead.quantile(0.1) < ahead.mean < high
    True
    >>> with TemporaryDirectory() as folder:
    ...     ahead.record(Path(folder) / "forecasts.jsonl")
    ...     sorted(path.name for path in Path(folder).iterdir())
    ['forecasts.jsonl']
    """

    model: str | None
    observed: Observed
    bill: ByMeter
    horizon: Horizon
    steps: Array
    mixture: Mixture
    growth: Growth
    unlearned: Ranges
    factor: float = 1.0
    past: tuple[PastForecast, ...] = ()
    source: str
    catalog: Catalog
    as_of: date
    notes: tuple[Note, ...] = ()
    seed: None = None
    n_paths: None = None
    method: str = METHOD

    @property
    def until(self) -> Moment:
        """End of the horizon: a UTC time, or a Timedelta since the log began."""
        return self.horizon.until

    @property
    def mean(self) -> float:
        """Expected total spend, USD."""
        return float(self._level[-1] * self.ranges.mean[-1])

    @property
    def ranges(self) -> Ranges:
        """What each step may hold, relative to the observed level."""
        return replace(self.unlearned, scale=self.factor * self.unlearned.scale)

    @property
    def hurst(self) -> float:
        """Expected Hurst exponent: 0.5 if calls come at random, towards 1 for long memory."""
        known = np.where(np.isnan(self.mixture.hurst), 0.5, self.mixture.hurst)
        return float(self.mixture.weights @ known)

    @overload
    def quantile(self, q: float) -> float: ...

    @overload
    def quantile(self, q: Iterable[float]) -> Array: ...

    def quantile(self, q: float | Iterable[float]) -> float | Array:
        """Return quantiles of the total spend over the horizon.

        Parameters
        ----------
        q : float or iterable of float
            Between 0 and 1, 1e-12 from them at least.

        Returns
        -------
        float or ndarray, USD
            A number for one quantile, else an array of the same length.

        Raises
        ------
        SettingError
            If a quantile is out of bounds.
        """
        try:
            shares = np.asarray([q] if isinstance(q, NUMBER) else list(q), dtype=np.float64)
        except (OverflowError, TypeError, ValueError):
            shares = np.array([np.nan])
        if shares.ndim != 1 or not ((shares >= _TAIL) & (shares <= 1 - _TAIL)).all():
            raise SettingError(
                f"quantile is {shown(q)}. It must lie between 0 and 1, {_TAIL} from them at least."
            )
        amounts = np.asarray(self._level[-1] * self.ranges.last.quantile(shares)[0])
        return float(amounts[0]) if isinstance(q, NUMBER) else amounts

    def interval(self, level: float = 0.8) -> tuple[float, float]:
        """Return the central range that holds the total with this probability, USD."""
        if not isinstance(level, NUMBER) or not 0 < level < 1:
            raise SettingError(f"level is {shown(level)}. It must lie between 0 and 1.")
        low, high = np.asarray(
            self.quantile([round(0.5 - level / 2, 12), round(0.5 + level / 2, 12)])
        ).tolist()
        return low, high

    @cached_property
    def frame(self) -> pd.DataFrame:
        """Cumulative spend at each step ahead.

        One row per step: ``until``, ``mean_usd``, ``p05_usd``, ``p10_usd``, ``p50_usd``,
        ``p90_usd`` and ``p95_usd`` of all that is spent from the end of the log until then. A total
        does not fall as time goes on, so no step is above a later one.
        """
        amounts = self._level[:, None] * self.ranges.quantile(np.array(list(QUANTILES.values())))
        ends = [self.observed.end + pd.Timedelta(seconds=step) for step in self.steps[:-1].tolist()]
        mean = _rising(self._level * self.ranges.mean)
        quantiles = dict(zip(QUANTILES, _rising(amounts).T, strict=True))
        return pd.DataFrame({"until": [*ends, self.until], "mean_usd": mean, **quantiles})

    def by_meter(self) -> pd.DataFrame:
        """Return the expected total spend by meter.

        Only the total is forecast: the meters keep the proportions in which the observed stretch of
        the log was billed. Should the mix of tokens or of models change, or prices, so do they.

        Returns
        -------
        DataFrame
            One row per ``meter`` that the log was billed for, and the ``usd`` expected of it; they
            sum to `mean`.

        Examples
        --------
        >>> from kimi_planner.forecast import forecast_spend
        >>> calls = pd.DataFrame({"timestamp_s": range(0, 3600, 4), "prompt_tokens": 6_000,
        ...                       "completion_tokens": 500})
        >>> ahead = forecast_spend(calls, "1h", "kimi-k2", 0, 3600, as_of=date(2026, 11, 24))
        >>> ahead.by_meter().round(2)
            meter   usd
        0   input  6.49
        1  output  1.62
        """
        bill = self.bill
        rows = [(key, float(amount / bill.total) * self.mean) for key, amount in bill if amount]
        return pd.DataFrame(rows, columns=["meter", "usd"])

    def record(self, path: str | Path) -> None:
        """Keep this forecast, the earlier ones and the outcomes that the log shows in a file.

        Pass the same file as ``past`` to the next forecast of this source. A forecast of the same
        stretch that is there already stays as it is.

        Parameters
        ----------
        path : str or Path
            JSON lines; all that the file held was given as ``past``, or it is replaced.

        Raises
        ------
        UsageError
            If the log has no dates.
        FileError
            If the file cannot be written.
        """
        if not isinstance(self.until, pd.Timestamp):
            raise UsageError(
                f"{self.source}: only forecasts from a log with dates can be recorded."
            )
        made = PastForecast(
            model=self.model,
            start=self.observed.end.isoformat(),
            until=self.until.isoformat(),
            median_usd=float(self._level[-1] * self.unlearned.middle[-1]),
            scale=float(self.unlearned.scale[-1]),
        )
        stretch = (made.model, made.bounds)
        new = [made] if all((one.model, one.bounds) != stretch for one in self.past) else []
        write_text(path, past_text([*self.past, *new]))

    @property
    def _level(self) -> Array:
        """Spend in each step if it goes on as observed, USD."""
        return np.asarray(self.observed.total / self.observed.seconds * self.steps)

    @property
    def sentence(self) -> str:
        """The answer: the expected total and the range that holds it with 80%."""
        low, high = self.interval(0.8)
        return (
            f"Next {self.horizon.text.removeprefix('1 ')}: {usd_text(self.mean, ESTIMATED)} {self.catalog.currency} expected; 80% range {usd_text(low, ESTIMATED)} to "
            f"{usd_text(high, ESTIMATED)} {self.catalog.currency}"
        )

    @property
    def provenance(self) -> str:
        """Log, prices, day and method in one paragraph."""
        seen = self.observed
        return (
            f"{seen.calls:,} calls from {moment_text(seen.start)} to {moment_text(seen.end)} in "
            f"{self.source}, priced as {self.model or 'their own models'}. Catalog "
            f"{self.catalog.version} (sha256 {self.catalog.sha256[:12]}), as of {self.as_of}. No random "
            f"draws. {self.method}."
        )

    def page(self) -> Page:
        """Return the answer, and all that is spent from the end of the log until each step ahead."""
        words = self.frame.assign(until=self.frame["until"].map(moment_text))
        words[words.columns[1:]] = words[words.columns[1:]].map(usd_text, whole_from=ESTIMATED)
        end = moment_text(self.observed.end)
        return Page(
            title=f"{self.sentence}. Below, {self.catalog.currency} of all that is spent from {end} on, with percentiles",
            frame=words,
            notes=self.notes,
            provenance=self.provenance,
            currency=self.catalog.currency,
        )


def _rising(amounts: Array) -> Array:
    """Return amounts, each held below those of later steps."""
    return np.asarray(np.minimum.accumulate(amounts[::-1], axis=0)[::-1])
