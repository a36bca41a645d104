"""A forecast of spend: as text for a terminal, and as JSON."""

from __future__ import annotations

from typing import Any

import pandas as pd

from kimi_planner.catalog import Exchange
from kimi_planner.forecast import SpendForecast
from kimi_planner.forecast.result import QUANTILES
from kimi_planner.money import ESTIMATED, usd_text
from kimi_planner.report.exchanged import beside, exchange_text
from kimi_planner.report.forecast_rates import OF_STEPS, exchange_steps
from kimi_planner.report.json_form import DIGITS, as_data, form_text, origin, rounded
from kimi_planner.report.table import Table
from kimi_planner.report.text import listed, plain
from kimi_planner.safe import csv_text
from kimi_planner.series.growth import TENTH
from kimi_planner.series.moments import Moment, moment_text


def forecast_text(forecast: SpendForecast) -> str:
    """Return a forecast for a terminal: the answer, steps on the way, notes, provenance."""
    currency = forecast.catalog.currency
    columns = ("p10_usd", "p50_usd", "p90_usd")
    table = Table(
        headers=("spend until", *(f"{name} {currency}" for name in ("P10", "P50", "P90"))),
        rows=tuple(
            (moment_text(row["until"]), *(usd_text(row[name], ESTIMATED) for name in columns))
            for row in forecast.frame.to_dict("records")
        ),
        right=frozenset({1, 2, 3}),
    )
    seen = forecast.observed
    parts = [
        f"{forecast.sentence}.",
        f"The log: {usd_text(seen.total, ESTIMATED)} {currency} from {moment_text(seen.start)} to "
        f"{moment_text(seen.end)}. From its end on:",
        plain(table),
        *(
            exchange_text(exchange, OF_STEPS, exchange_steps(forecast, exchange), ("until",))
            for exchange in forecast.catalog.exchanges
        ),
        listed("What to know:", forecast.notes),
        forecast.provenance,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def forecast_json(forecast: SpendForecast) -> str:
    """Return a forecast as JSON; amounts are numbers of USD, rounded to a millionth."""
    seen, ahead = forecast.observed, forecast.horizon
    steps = _plain_frame(forecast).to_dict("records")
    last = steps[-1]
    data = {
        **origin(forecast),
        "source": forecast.source,
        "model": forecast.model,
        "observed": {
            "start": _point(seen.start),
            "end": _point(seen.end),
            "seconds": seen.seconds,
            "calls": seen.calls,
            "total_usd": round(seen.total, DIGITS),
        },
        "horizon": {"text": ahead.text, "seconds": ahead.seconds, "until": _point(ahead.until)},
        **{name: last[name] for name in ("mean_usd", *QUANTILES)},
        "hurst": round(forecast.hurst, DIGITS),
        "growth_per_month": {
            name: round(forecast.growth.per_month(deviations), DIGITS)
            for name, deviations in (("expected", 0.0), ("p10", -TENTH), ("p90", TENTH))
        },
        "width_factor": round(forecast.factor, DIGITS),
        "steps": steps,
        **{name: getattr(forecast, name) for name in ("sentence", "notes", "method")},
    }
    return form_text(data, _others(forecast))


def forecast_csv(forecast: SpendForecast) -> str:
    """Return the steps of a forecast as CSV, amounts as in JSON, in other currencies beside."""
    rows = _plain_frame(forecast).to_dict("records")
    return csv_text(pd.DataFrame(beside(rows, _others(forecast).values())))


def _others(forecast: SpendForecast) -> dict[Exchange, list[dict[str, Any]]]:
    """Return the steps in each other currency as plain data."""
    return {
        one: as_data(exchange_steps(forecast, one, _point), DIGITS)
        for one in forecast.catalog.exchanges
    }


def _plain_frame(forecast: SpendForecast) -> Any:
    frame = rounded(forecast.frame)
    return frame.assign(until=[_point(one) for one in frame["until"]])


def _point(moment: Moment) -> Any:
    """Return a UTC time as ISO 8601, or seconds since the log began."""
    if isinstance(moment, pd.Timedelta):
        return moment.total_seconds()
    return moment.isoformat().replace("+00:00", "Z")
