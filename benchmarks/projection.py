"""How fast scenarios are simulated, logs priced and read, against bare peers in the same run.

``python -m benchmarks.projection`` projects one workload with ranges over twelve months on one
model, and draws as many gamma numbers as there are scenario-months; then it prices and reads a log
as `benchmarks.pricing` and `benchmarks.usage` do. ``--json`` prints JSON, ``--simulation`` leaves
out the logs. Run it with ``OMP_NUM_THREADS=1`` for one core.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from datetime import date
from time import process_time
from typing import Any

import numpy as np

from benchmarks import pricing, usage
from kimi_planner import Workload, project

MONTHS = 12
REPEATS = 5
AS_OF = date(2026, 11, 1)


def workload(per_month: float) -> Workload:
    """Return a workload whose traffic, growth and sizes have ranges."""
    level = per_month / 30.4375
    return Workload(
        name="benchmark",
        requests_per_day={"p10": 0.8 * level, "p50": level, "p90": 1.4 * level},
        prompt_tokens={"p50": 1800, "p90": 6000},
        completion_tokens={"p50": 250, "p90": 700},
        growth_per_month={"p10": 0.0, "p50": 0.04, "p90": 0.08},
    )


def fastest(runs: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Return the shortest time of each, in seconds of CPU; they take turns."""
    found = dict.fromkeys(runs, float("inf"))
    for _ in range(REPEATS):
        for name, run in runs.items():
            start = process_time()
            run()
            found[name] = min(found[name], process_time() - start)
    return found


def measure(n_paths: int) -> dict[str, float]:
    """Return rates and ratios for a number of scenarios."""
    rng = np.random.default_rng(0)
    shapes = np.full((MONTHS, n_paths), 20.0)

    def plan(per_month: float) -> Callable[[], Any]:
        asked = workload(per_month)
        return lambda: project(asked, MONTHS, models="kimi-k2", as_of=AS_OF, n_paths=n_paths)

    seconds = fastest(
        {
            "thousand": plan(1e3),
            "billion": plan(1e9),
            "standard_gamma": lambda: rng.standard_gamma(20.0, (MONTHS, n_paths)),
            "gamma": lambda: rng.gamma(shapes),
        }
    )
    months = MONTHS * n_paths
    return {
        "n_paths": n_paths,
        "scenario_months_per_second": months / seconds["thousand"],
        "numpy_standard_gamma_per_second": months / seconds["standard_gamma"],
        "numpy_gamma_per_second": months / seconds["gamma"],
        "time_over_standard_gamma": seconds["thousand"] / seconds["standard_gamma"],
        "time_over_gamma": seconds["thousand"] / seconds["gamma"],
        "time_at_1e9_over_1e3_requests": seconds["billion"] / seconds["thousand"],
    }


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--simulation", action="store_true")
    options = parser.parse_args()
    found: dict[str, Any] = {}
    if not options.simulation:  # reading first: its processes inherit the peak memory of this one
        found["reading"] = usage.run(1_000_000, 1)
        found["pricing"] = pricing.measure(10_000_000)
    found["simulation"] = [measure(n_paths) for n_paths in (10_000, 100_000, 1_000_000)]
    if options.json:
        print(json.dumps(found, indent=2))
        return
    for one in found["simulation"]:
        print(*(f"{key} {value:,.3g}" for key, value in one.items()))
    if not options.simulation:
        print(
            *(
                f"{key} {found['pricing'][key]:.3g}"
                for key in ("total_over_float", "rows_over_float")
            )
        )
        print(usage.table(found["reading"]))


if __name__ == "__main__":
    main()
