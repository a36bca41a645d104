"""How fast a log is priced exactly, against floats of numpy on the same rows in one run.

``python -m benchmarks.pricing`` prints a table, ``--json`` the same as JSON; ``--rows`` sets the
size of the log. Each time is the best of several runs, taken in turn. The peers get arrays of
float64 that are ready to multiply and check nothing; the exact calls start from the frame and look
at every row. "Float dot" is a matrix of tokens times prices; "float sums" adds up columns first,
which is the least that a total on one model can cost.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner import load_catalog
from kimi_planner.usage.priced import total_cost
from kimi_planner.usage.row_costs import cost_rows
from kimi_planner.usage.totals.columns import counts_of
from kimi_planner.usage.totals.spend import spend_by
from kimi_planner.usage.totals.stream import total_usage

MODEL = "kimi-k2-5"
ROUNDS = 5


def log_of(rows: int) -> pd.DataFrame:
    """Return a log of four models over three months, as `read_usage` would."""
    rng = np.random.default_rng(0)
    prompt = rng.lognormal(7.5, 1.0, rows).astype(np.int64) + 1
    completion = rng.lognormal(5.5, 1.0, rows).astype(np.int64) + 1
    cached = (prompt * rng.random(rows) * 0.6).astype(np.int64)
    models = np.array(load_catalog().ids, dtype=object)
    seconds = np.sort(rng.integers(0, 90 * 86_400, rows))
    return pd.DataFrame(
        {
            "timestamp": pd.Timestamp("2026-06-01", tz="UTC")
            + pd.to_timedelta(seconds, unit="s").as_unit("us"),
            "model": models[rng.integers(0, len(models), rows)],
            "requests": np.ones(rows, np.int64),
            "prompt_tokens": prompt,
            "cached_tokens": pd.array(cached, dtype="Int64"),
            "completion_tokens": completion,
            "reasoning_tokens": pd.array([pd.NA] * rows, dtype="Int64"),
        }
    )


def best(calls: dict[str, Callable[[], Any]]) -> tuple[dict[str, float], dict[str, Any]]:
    """Return the shortest time of each call in seconds, and its last answer."""
    seconds: dict[str, float] = {}
    answers: dict[str, Any] = {}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            start = time.perf_counter()
            answers[name] = call()
            spent = time.perf_counter() - start
            seconds[name] = min(seconds.get(name, spent), spent)
    return seconds, answers


def measure(rows: int) -> dict[str, Any]:
    """Price one log in every way."""
    frame = log_of(rows)
    spec = load_catalog().model(MODEL)
    integers = [
        frame[name].to_numpy(dtype=np.int64)
        for name in ("prompt_tokens", "cached_tokens", "completion_tokens")
    ]
    floats = np.stack(integers, axis=1).astype(np.float64)
    floats[:, 0] -= floats[:, 1]
    columns_of = [np.ascontiguousarray(column) for column in floats.T]
    prices = np.array([2.5, 2.5, 7.5]) / 1e6
    columns = ["prompt_tokens", "cached_tokens", "completion_tokens"]

    price_of = {
        spec.id: (float(spec.input_usd_per_mtok or 0), float(spec.output_usd_per_mtok or 0))
        for spec in load_catalog()
    }

    def by_model() -> Any:
        codes, names = pd.factorize(frame["model"])
        inputs, outputs = np.array([price_of[name] for name in names]).T
        return (inputs[codes] * integers[0] + outputs[codes] * integers[2]) / 1e6

    def from_frame() -> Any:
        matrix = frame[columns].to_numpy(dtype=np.float64)
        return matrix @ np.array([2.5, 0.0, 7.5]) / 1e6

    seconds, answers = best(
        {
            "float dot, rows": lambda: floats @ prices,
            "float dot, total": lambda: float((floats @ prices).sum()),
            "float columns, rows": lambda: (
                columns_of[0] * prices[0] + columns_of[1] * prices[1] + columns_of[2] * prices[2]
            ),
            "float sums, total": lambda: sum(
                float(column.sum()) * price
                for column, price in zip(columns_of, prices, strict=True)
            ),
            "float dot from the frame, rows": from_frame,
            "floats by model, rows": by_model,
            "look at every row": lambda: counts_of(frame),
            "exact total": lambda: total_cost(frame, MODEL).total_usd,
            "exact rows": lambda: cost_rows(frame, MODEL),
            "exact rows, four models": lambda: cost_rows(frame),
            "exact totals by month and model": lambda: total_usage(frame),
            "exact totals on four models": lambda: spend_by(
                frame, by=["month"], models=load_catalog().ids
            ),
        }
    )
    exact = answers["exact total"]
    by_hand = (
        sum(int(one) for one in integers[0].tolist()) * Decimal(str(spec.input_usd_per_mtok))
        + sum(int(one) for one in integers[2].tolist()) * Decimal(str(spec.output_usd_per_mtok))
    ) / 1_000_000
    return {
        "rows": rows,
        "seconds": seconds,
        "exact_usd": str(exact),
        "by_hand_usd": str(by_hand.normalize()),
        "rows_add_up": answers["exact rows"].total_usd == exact == by_hand,
        "float_usd": repr(answers["float dot, total"]),
        "float_error_usd": str(Decimal(answers["float dot, total"]) - exact),
        "total_over_float": seconds["exact total"] / seconds["float dot, total"],
        "rows_over_float": seconds["exact rows"] / seconds["float dot, rows"],
        "total_over_float_sums": seconds["exact total"] / seconds["float sums, total"],
        "rows_over_float_columns": seconds["exact rows"] / seconds["float columns, rows"],
        "rows_over_float_from_frame": seconds["exact rows"]
        / seconds["float dot from the frame, rows"],
        "four_models_over_float": seconds["exact rows, four models"]
        / seconds["floats by model, rows"],
    }


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rows", type=int, default=10_000_000)
    options = parser.parse_args()
    found = measure(options.rows)
    if options.json:
        print(json.dumps(found, indent=2))
        return
    for name, value in found.pop("seconds").items():
        print(f"{name:<36} {value * 1e3:9.1f} ms")
    for name, value in found.items():
        print(f"{name:<36} {value}")


if __name__ == "__main__":
    main()
