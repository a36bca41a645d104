"""How well forecasts from a log hold: coverage and scores on real request traces, against peers.

Run ``python -m benchmarks.calibration --traces DIR [--json]``. From every origin, a part of a trace
is shown to each method, which states the total spend of a stretch that follows:

- a trace of an hour: 10, 20, 30 and 50% of it are shown, and the same length, half and twice of it
  follow, and once all the rest;
- a trace of days: 1, 2, 3, 5 and 7 days are shown, and 1, 3 and 7 days follow.

Peers: the mean alone; a compound Poisson process; a negative binomial process of independent
stretches; a block bootstrap of stretches. CRPS is the mean of the quantile loss over 100 quantiles,
times two; that of the mean alone is its absolute error. A simulated stationary Poisson workload
shows what is lost where the simplest model is right.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from kimi_planner import forecast_spend, read_usage
from kimi_planner.usage.priced import total_cost

MODEL = "kimi-k2"
DAY = 86_400.0
SHARES = (np.arange(100) + 0.5) / 100
RANGES = {80: (0.1, 0.9), 90: (0.05, 0.95)}
ORIGINS = 12
STRETCHES = 60
RESAMPLES = 1_000
POISSON_TRACES, EVERY = 120, 7  # of each trace every seventh origin, so that they overlap little

Quantiles = Callable[[np.ndarray], np.ndarray]


def cases(seconds: float) -> Iterator[tuple[float, float, float]]:
    """Yield origin, seconds shown and seconds that follow."""
    if seconds < 2 * DAY:
        for part in (0.1, 0.2, 0.3, 0.5):
            shown = part * seconds
            for ratio in (0.5, 1.0, 2.0):
                room = seconds - shown * (1 + ratio)
                for origin in np.linspace(0, room, ORIGINS) if room > 0 else [0.0][: room >= 0]:
                    yield origin, shown, ratio * shown
            yield 0.0, shown, seconds - shown
    else:
        for days in (1, 2, 3, 5, 7):
            for ahead in (1, 3, 7):
                for origin in np.arange(0, seconds / DAY - days - ahead + 1e-9):
                    yield origin * DAY, days * DAY, ahead * DAY


def peers(offsets: np.ndarray, usd: np.ndarray, calls: np.ndarray, shown: float, ahead: float):
    """Return the quantile functions of the peers."""
    expected = usd.sum() * ahead / shown
    stretches = np.histogram(offsets, np.linspace(0, shown, STRETCHES + 1), weights=usd)[0]
    width = shown / STRETCHES
    single = (usd**2 / calls).sum() * ahead / shown
    clustered = max(stretches.var(ddof=1), 1e-12) * ahead / width
    rng = np.random.default_rng(0)
    block = max(1, round(STRETCHES ** (1 / 3)))
    needed = max(1, round(ahead / width))
    blocks = -(-needed // block)
    starts = rng.integers(0, STRETCHES - block + 1, (RESAMPLES, blocks))
    drawn = stretches[starts[..., None] + np.arange(block)].reshape(RESAMPLES, -1)[:, :needed]
    totals = drawn.sum(axis=1) * ahead / (needed * width)
    return {
        "mean": lambda q: np.full(len(q), expected),
        "poisson": lambda q: stats.gamma.ppf(q, expected**2 / single, scale=single / expected),
        "negative_binomial": lambda q: stats.gamma.ppf(
            q, expected**2 / clustered, scale=clustered / expected
        ),
        "block_bootstrap": lambda q: np.quantile(totals, q),
    }


def score(quantiles: Quantiles, truth: float) -> dict[str, float]:
    """Return coverage, interval score and CRPS of one forecast."""
    result = {}
    for level, (low, high) in RANGES.items():
        bottom, top = quantiles(np.array([low, high])).tolist()
        result[f"covers_{level}"] = float(bottom <= truth <= top)
        miss = max(bottom - truth, 0.0) + max(truth - top, 0.0)
        result[f"interval_score_{level}"] = top - bottom + miss / low
    error = truth - quantiles(SHARES)
    result["crps"] = float(2 * np.maximum(SHARES * error, (SHARES - 1) * error).mean())
    return result


def scores_of(
    frame: pd.DataFrame, seconds: float, chosen: slice = slice(None)
) -> dict[str, list[dict[str, float]]]:
    """Return the scores of all methods at the chosen origins of one trace."""
    offsets = frame["timestamp"].dt.total_seconds().to_numpy()
    order = np.argsort(offsets, kind="stable")
    frame, offsets = frame.iloc[order].reset_index(drop=True), offsets[order]
    usd = np.array(
        [3.6, 1.2] @ frame[["completion_tokens", "prompt_tokens"]].to_numpy(float).T / 1e6
    )
    if not np.isclose(usd.sum(), float(total_cost(frame, MODEL).total_usd)):
        raise SystemExit("the prices of the benchmark are not those of the catalog")
    calls = frame["requests"].to_numpy(float)
    scores: dict[str, list[dict[str, float]]] = {}
    for origin, shown, ahead in list(cases(seconds))[chosen]:
        first, last, after = np.searchsorted(
            offsets, [origin, origin + shown, origin + shown + ahead]
        )
        if not usd[first:last].sum() > 0:
            continue
        truth = usd[last:after].sum()
        forecast = forecast_spend(
            frame.iloc[first:last],
            pd.Timedelta(seconds=ahead),
            MODEL,
            start=origin,
            end=origin + shown,
        )
        methods = {
            "kimi_planner": lambda q, made=forecast: np.asarray(made.quantile(q)),
            **peers(offsets[first:last] - origin, usd[first:last], calls[first:last], shown, ahead),
        }
        for name, quantiles in methods.items():
            scores.setdefault(name, []).append(score(quantiles, truth))
    return scores


def means(tables: list[dict[str, list[dict[str, float]]]]) -> dict[str, dict[str, float]]:
    """Return the average scores of all methods over all origins."""
    together = {name: [row for table in tables for row in table[name]] for name in tables[0]}
    return {
        name: {"origins": len(rows), **pd.DataFrame(rows).mean().to_dict()}
        for name, rows in together.items()
    }


def stationary(number: int) -> tuple[pd.DataFrame, float]:
    """Return an hour of calls at random times, of random or equal sizes."""
    rng = np.random.default_rng(number)
    count = rng.poisson((0.1, 1.0, 3.0)[number % 3] * 3600)
    sizes = rng.lognormal(7, 0.8, count) if number % 2 else np.full(count, 1000.0)
    frame = pd.DataFrame(
        {
            "timestamp_s": np.sort(rng.uniform(0, 3600, count)),
            "prompt_tokens": np.ceil(sizes).astype(int),
            "completion_tokens": np.ceil(sizes / 4).astype(int),
        }
    )
    return read_usage(frame), 3600.0


def average(tables: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Average over traces; scores relative to those of the mean alone."""
    result: dict[str, dict[str, float]] = {}
    for name in tables[0]:
        rows = [
            {
                "covers_80": table[name]["covers_80"],
                "covers_90": table[name]["covers_90"],
                **{
                    key: table[name][key] / table["mean"][key]
                    for key in ("crps", "interval_score_80", "interval_score_90")
                },
            }
            for table in tables
        ]
        result[name] = {
            **pd.DataFrame(rows).mean().to_dict(),
            "least_covers_80": min(row["covers_80"] for row in rows),
        }
    return result


def main() -> None:
    """Print the scores."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--traces", type=Path, required=True, help="folder of request traces")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    logs = sorted(options.traces.glob("*.csv.gz"))
    if not logs:
        raise SystemExit(f"no trace *.csv.gz in {options.traces}")
    real = {}
    for path in logs:
        frame = read_usage(path)
        times = frame["timestamp"].dt.total_seconds()
        steps = np.diff(np.unique(times))
        width = float(np.median(steps)) if (frame["requests"] > 1).any() else 0.0
        real[path.name] = means([scores_of(frame, float(times.max()) + width)])
        print(f"{path.name} done", file=sys.stderr)
    poisson = average(
        [
            means(
                [
                    scores_of(*stationary(number), slice(number % EVERY, None, EVERY))
                    for number in range(POISSON_TRACES)
                ]
            )
        ]
    )
    report = {
        "traces": real,
        "average": average(list(real.values())),
        "stationary_poisson": poisson,
        "model": MODEL,
    }
    if options.json:
        print(json.dumps(report, indent=2))
        return
    for title, table in [*real.items(), ("average over traces, scores relative to the mean alone", report["average"]), ("stationary Poisson", poisson)]:  # fmt: skip
        print(f"\n{title}\n{pd.DataFrame(table).T.round(3).to_string()}")


if __name__ == "__main__":
    main()
