"""How fast the explorer follows its sliders, against drawing its picture alone.

``python -m benchmarks.explorer`` moves every slider of the shipped example to each of its stops and
prints the median and the longest redraw: numbers, picture as PNG, and table. The peer in the same
run is matplotlib drawing bars of the same size as PNG, without anything to compute.
"""

from __future__ import annotations

import argparse
import json
from datetime import date
from io import BytesIO
from statistics import median
from time import perf_counter

import matplotlib as mpl
from matplotlib.figure import Figure

from kimi_planner import load_workloads
from kimi_planner.plot import explore

AS_OF = date(2026, 11, 24)
SLIDERS = ("traffic", "output", "reasoning", "cached")


def redraws() -> list[float]:
    """Return the seconds of each redraw."""
    box = explore(load_workloads(), as_of=AS_OF)
    found = []
    for control in box.children:
        if getattr(control, "description", "") in SLIDERS:
            for stop in range(len(control.options)):
                if stop == control.index:
                    continue
                begun = perf_counter()
                control.index = stop
                found.append(perf_counter() - begun)
    return found


def bare_pictures(count: int = 30) -> list[float]:
    """Return the seconds of each of so many bare bar charts of the same size."""
    found = []
    for _ in range(count):
        begun = perf_counter()
        figure = Figure(figsize=(8, 3.6), dpi=90, layout="constrained")
        figure.add_subplot().barh(range(4), [1.0, 2.0, 3.0, 4.0])
        figure.savefig(BytesIO(), format="png")
        found.append(perf_counter() - begun)
    return found


def main() -> None:
    """Print the redraws and their ratio to the bare picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    mpl.use("Agg")
    bare_pictures(3)
    ours, bare = redraws(), bare_pictures()
    result = {
        "redraws": len(ours),
        "median_ms": 1000 * median(ours),
        "longest_ms": 1000 * max(ours),
        "bare_picture_ms": 1000 * median(bare),
        "ratio": median(ours) / median(bare),
    }
    if as_json:
        print(json.dumps(result, indent=2))
        return
    print(
        f"{result['redraws']} redraws: median {result['median_ms']:.0f} ms, longest "
        f"{result['longest_ms']:.0f} ms; {result['ratio']:.1f} times a bare bar chart of "
        f"{result['bare_picture_ms']:.0f} ms"
    )


if __name__ == "__main__":
    main()
