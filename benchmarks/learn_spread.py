"""Learn how far the future strays from a log, from series whose future is known.

Run ``python -m benchmarks.learn_spread --traffic DIR``; it writes ``data/forecast_spread.toml``. The
likelihood of the outcomes is greatest at the constants, every source weighing the same, with a weak
prior. What the file says of each source was measured with constants learned without its whole file.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from benchmarks.traffic import FILES, Cases, real
from kimi_planner.series.spread import PATH, Constants, Ranges, score_of

#: What is believed before, and how strongly, in units of the average log likelihood.
#: Of calls a second little is made: what counts as a call differs between kinds of sources.
BELIEVED = np.array([-1.8, 0.6, 0.25, 0.0, -1.2, 0.0, 1.0])
STRENGTH = np.array([0.0, 0.02, 0.6, 2.0, 0.006, 0.006, 0.02])
SHARES = (np.arange(40) + 0.5) / 40
PLACES = 3


def weights(source: np.ndarray) -> np.ndarray:
    """Return a weight for each case, so that every source weighs the same."""
    _, which, counts = np.unique(source, return_inverse=True, return_counts=True)
    return 1 / counts[which] / len(counts)


def learn(cases: Cases) -> Constants:
    """Return the constants that make the outcomes most likely."""
    shares = weights(cases.source)

    def loss(values: np.ndarray) -> float:
        made = Constants(*values)
        ranges = made.ranges(cases.traits)
        steps = score_of(cases.ratio / ranges.middle) / ranges.scale
        tails = (made.freedom + 1) / 2 * np.log1p(steps**2 / made.freedom)
        fit = shares @ (np.log(ranges.scale) + np.log(ranges.middle) / 2 + tails)
        return fit + STRENGTH @ (values - BELIEVED) ** 2

    found = minimize(loss, BELIEVED, method="BFGS", options={"gtol": 1e-4})
    return Constants(*found.x.round(PLACES))


def by_left_out(cases: Cases, make: Callable[[Cases], Constants] = learn) -> Ranges:
    """Return the range of each case, by constants learned without the file that it is from."""
    middle, scale = np.empty(len(cases.ratio)), np.empty(len(cases.ratio))
    for file in np.unique(cases.file):
        out = cases.file == file
        ranges = make(cases[~out]).ranges(cases[out].traits)
        middle[out], scale[out] = ranges.middle, ranges.scale
    return Ranges(middle, scale, Constants.freedom)


def scores(cases: Cases, ranges: Ranges) -> pd.DataFrame:
    """Return coverage, width and CRPS of each case; ``mean_alone`` is the CRPS of the level alone."""
    low, lower, upper, high = ranges.quantile(np.array([0.05, 0.1, 0.9, 0.95])).T
    error = cases.ratio[:, None] - ranges.quantile(SHARES)
    return pd.DataFrame(
        {
            "source": cases.source,
            "days_shown": cases.shown / 86_400,
            "days_ahead": cases.ahead / 86_400,
            "covers_80": (lower <= cases.ratio) & (cases.ratio <= upper),
            "covers_90": (low <= cases.ratio) & (cases.ratio <= high),
            "width": upper - lower,
            "width_to_ideal": (upper - lower) / cases.ideal,
            "crps": 2 * np.maximum(SHARES * error, (SHARES - 1) * error).mean(axis=1),
            "mean_alone": np.abs(cases.ratio - 1),
        }
    )


def by_source(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each source: cases, coverage, median width, CRPS relative to the mean alone."""
    groups = table.groupby("source", sort=False)
    crps = groups["crps"].sum() / groups["mean_alone"].sum()
    means = groups[["covers_80", "covers_90"]].mean()
    return means.assign(width_80=groups["width"].median(), crps=crps, cases=groups.size())


def toml_of(cases: Cases) -> str:
    """Return the file that ships."""
    made = learn(cases)
    left_out = by_source(scores(cases, by_left_out(cases)))
    lines = [
        "# Written by `python -m benchmarks.learn_spread`; do not edit.",
        f"learned_on = {datetime.now(tz=UTC).date()}",
        "",
        "[constants]",
        *(
            f'{name} = "{value:g}"'
            for name, value in zip(vars(made), made.learned.tolist(), strict=False)
        ),
    ]
    for name, file in FILES.items():
        lines += ["", "[[files]]", f'name = "{name}.csv.gz"', f'sha256 = "{file.sha256}"']
    for source, row in left_out.iterrows():
        lines += ["", "[[left_out]]", f'source = "{source}"', f"cases = {row['cases']:.0f}"]
        lines += [f'{key} = "{row[key]:.3f}"' for key in ("covers_80", "covers_90", "crps")]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the constants."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--traffic", type=Path, required=True, help="folder of traffic files")
    parser.add_argument("--out", type=Path, default=PATH, help="file to write")
    options = parser.parse_args()
    options.out.write_text(toml_of(real(options.traffic)), encoding="utf-8")
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
