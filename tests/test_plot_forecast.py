"""The picture of a forecast shows its quantiles, and as long a time before."""

import numpy as np
import pandas as pd
import pytest
from legible import said, words
from pictured import AS_OF, closed

from kimi_planner import forecast_spend, plot
from kimi_planner.money import usd

__all__ = ["closed"]


def forecast(horizon="7 days", hours=9 * 24, dated=True, **options):
    """Return a forecast from hourly windows, of a dated log or of one without dates."""
    place = np.arange(hours)
    requests = np.rint(300 - 200 * np.cos(2 * np.pi * place / 24)).astype(int) + place % 5
    times = (
        {"timestamp": pd.Timestamp("2026-11-01T00:00:00Z") + pd.to_timedelta(place, unit="h")}
        if dated
        else {"timestamp_s": place * 3600}
    )
    tokens = {"prompt_tokens": 1500 * requests, "completion_tokens": 300 * requests}
    log = pd.DataFrame({**times, "requests": requests, **tokens})
    return forecast_spend(log, horizon, "kimi-k2", as_of=AS_OF, **options)


def test_forecast_shows_the_quantiles_and_as_long_a_time_before():
    """The line is the P50 of each step, the bands its quantiles; the grey line is what was spent."""
    result = forecast()
    ax = plot.forecast(result)
    ahead, past, now = ax.lines
    np.testing.assert_allclose(ahead.get_ydata(), [0, *result.frame["p50_usd"]])
    for band, (low, high) in zip(
        ax.collections, [("p05_usd", "p95_usd"), ("p10_usd", "p90_usd")], strict=True
    ):
        heights = band.get_paths()[0].vertices[:, 1]
        assert set(np.round(heights, 9)) == set(
            np.round([0, *result.frame[low], *result.frame[high]], 9)
        )
    end = pd.Timestamp("2026-11-10", tz="UTC").timestamp() / 86_400
    assert (past.get_xdata()[-1], ahead.get_xdata()[0], now.get_xdata()[0]) == (end, end, end)
    assert (end - past.get_xdata()[0], ahead.get_xdata()[-1] - end) == pytest.approx((7, 7))
    assert past.get_ydata()[0] == 0
    assert past.get_ydata()[-1] == pytest.approx(result.observed.total * 7 / 9, rel=0.01)
    assert (np.diff(past.get_ydata()) >= 0).all()
    assert ax.get_title(loc="left") == result.sentence
    text = said(ax)
    assert f"P90 {usd(result.quantile(0.9), 0)}" in text
    assert "P50 of what follows" in words(ax)
    assert f"before: {usd(past.get_ydata()[-1], 0)} USD in 7 days" in words(ax)
    assert "No random draws" in text


def test_forecast_of_a_log_without_dates_counts_its_own_time():
    """The axis has a unit that fits; a log shorter than the horizon is shown whole."""
    result = forecast("5 days", 24, dated=False)
    ax = plot.forecast(result)
    assert ax.get_xlabel() == "days since the log began"
    assert ax.lines[1].get_xdata()[0] == 0
    assert ax.lines[1].get_ydata()[-1] == pytest.approx(result.observed.total)
    assert ax.lines[0].get_xdata()[-1] == pytest.approx(6)
    assert any("in 1 day" in text for text in words(ax))
    assert plot.forecast(forecast("2h", 9, dated=False)).get_xlabel().startswith("hours")
