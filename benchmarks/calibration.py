"""How often what followed lay in the stated range: on real traffic, source by source, and simulated.

Run ``python -m benchmarks.calibration --traffic DIR [--json]``. What is said of a source was measured
with constants that were learned without its whole file (`benchmarks.learn_spread`): no claim rests
on traffic that was learned from. The constants that ship were learned from all of it. CRPS is
relative to the mean alone, whose CRPS is its absolute error.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.learn_spread import by_left_out, by_source, scores
from benchmarks.traffic import DAY, FILES, Cases, gathered, how_to_get, real, tried
from kimi_planner.series.spread import learned

HOURS = 120
SERIES, GROWTHS, NOISE, DAILY_CALLS = 100, (0.05, 0.15), 0.1, 1000
GROWN = ((122, 91), (365, 91))


def stationary(number: int) -> tuple[pd.DataFrame, float]:
    """Return an hour of calls at random times, of random or equal sizes; the variance of a second.

    The variance is that of spend in USD, at the prices of the benchmarks' model.
    """
    rng = np.random.default_rng(number)
    rate = (0.1, 1.0, 3.0)[number % 3]
    count = rng.poisson(rate * 3600)
    sizes = rng.lognormal(7, 0.8, count) if number % 2 else np.full(count, 1000.0)
    prompt, completion = np.ceil(sizes).astype(int), np.ceil(sizes / 4).astype(int)
    seconds = np.sort(rng.uniform(0, 3600, count))
    frame = pd.DataFrame(
        {"timestamp_s": seconds, "prompt_tokens": prompt, "completion_tokens": completion}
    )
    return frame, float((((1.2 * prompt + 3.6 * completion) / 1e6) ** 2).mean() * rate)


def poisson() -> Cases:
    """Return forecasts of hours in which calls come at random."""
    rows = []
    for number in range(HOURS):
        frame, variance = stationary(number)
        rows += tried("stationary Poisson", "simulated", frame, variance=variance)
    return gathered(rows)


def growing() -> Cases:
    """Return forecasts of days whose calls grow by some per cent a month."""
    rng, rows = np.random.default_rng(11), []
    for growth in GROWTHS:
        for shown, ahead in GROWN:
            for _ in range(SERIES):
                days = np.arange(shown + ahead)
                level = DAILY_CALLS * (1 + growth) ** (days / 30.4375)
                calls = rng.poisson(level * rng.normal(1, NOISE, len(days)).clip(0.1)) + 1
                frame = pd.DataFrame(
                    {
                        "timestamp_s": days * DAY,
                        "requests": calls,
                        "prompt_tokens": calls * 1000,
                        "completion_tokens": calls * 250,
                    }
                )
                name = f"{growth:.0%} a month, {ahead} days from {shown}"
                rows += tried(name, "simulated", frame, chosen=[(0.0, shown * DAY, ahead * DAY)])
    return gathered(rows)


def main() -> None:
    """Print coverage."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--traffic", type=Path, required=True, help="folder of traffic files")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    cases = real(options.traffic)
    table = scores(cases, by_left_out(cases))
    rows = by_source(table)
    month = table[(table["days_shown"] == 10) & (table["days_ahead"] == 20)]
    monthly = by_source(month)
    even, grown = (scores(made, learned().ranges(made.traits)) for made in (poisson(), growing()))
    measures = ["covers_80", "covers_90", "crps"]
    report = {
        "left_out": rows.to_dict("index"),
        "average": rows[measures].mean().to_dict(),
        "deviation_between_sources": rows[measures].std().to_dict(),
        "least": rows[measures].min().to_dict(),
        "sources_under_60": int((rows["covers_80"] < 0.6).sum()),
        "month_to_date": {
            "by_source": monthly["covers_80"].to_dict(),
            "average": monthly["covers_80"].mean(),
            "of_cases": month["covers_80"].mean(),
            "cases": len(month),
        },
        "stationary_poisson": {
            "covers_80": even["covers_80"].mean(),
            "covers_90": even["covers_90"].mean(),
            "width_to_ideal": even["width_to_ideal"].mean(),
        },
        "growth": by_source(grown)["covers_80"].to_dict(),
        "files": {name: vars(file) for name, file in FILES.items()},
    }
    if options.json:
        print(json.dumps(report, indent=2))
        return
    print(f"Each file left out in turn:\n{rows.round(3).to_string()}")
    for key in ("average", "deviation_between_sources", "least"):
        print(f"{key:>25}: " + ", ".join(f"{k} {v:.2f}" for k, v in report[key].items()))
    print(f"sources under 60%: {report['sources_under_60']}")
    print(f"\nMonth to date, 10 days shown and 20 ahead:\n{monthly.round(3).to_string()}")
    print(
        f"average {report['month_to_date']['average']:.2f}, of cases {month.covers_80.mean():.2f}"
    )
    for key in ("stationary_poisson", "growth"):
        print(f"\n{key}: " + ", ".join(f"{k} {v:.2f}" for k, v in report[key].items()))
    print("\n" + "\n".join(map(how_to_get, FILES)))


if __name__ == "__main__":
    main()
