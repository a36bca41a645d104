"""How long planning takes, against NumPy's gamma draws and the bare imports, in one run.

``python -m benchmarks.plan`` prints a line for each measure: what was measured, the target, and
whether it is met. Times are processor time, each the least of a few repeats. No repeat finds what
an earlier one has kept, because its numbers differ a little, but where it says "again".
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from datetime import date
from resource import RUSAGE_CHILDREN, getrusage
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

import numpy as np

import kimi_planner as kp
from kimi_planner.workload import example_path

AS_OF = date(2026, 11, 24)
MODELS, MONTHS, PATHS = 4, 12, 10_000
REPEATS = 5
SIZES = ("prompt_tokens", "followup_tokens", "completion_tokens", "reasoning_tokens")
AGENT = {
    "name": "agent",
    "requests_per_day": {"p10": 2000, "p50": 3000, "p90": 5000},
    "prompt_tokens": {"p50": 6000, "p90": 20_000},
    "followup_tokens": {"p50": 1500, "p90": 6000},
    "completion_tokens": {"p50": 500, "p90": 1500},
    "reasoning_tokens": {"p50": 800, "p90": 3000},
    "turns": {"mean": 30, "sd": 20},
    "overflow": "drop_oldest",
}
UNCERTAIN = {
    "completion_tokens": AGENT["completion_tokens"] | {"mean_factor": {"p50": 1, "p90": 1.3}}
}
LEVEL = {"p10": 0.8, "p50": 1.0, "p90": 1.4}
MOVES = {"traffic": (1.5, 0.5), "output": (2.0, 0.5), "reasoning": (0.5, 2.0)}
BARE = "import pandas, scipy.special"
TRAFFIC = ("requests_per_day", "conversations_per_day")


def scaled(given: Any, factor: float) -> Any:
    """Return a number or range of a workload file, multiplied."""
    if not isinstance(given, dict):
        return given * factor
    return {key: one if key == "mean_factor" else one * factor for key, one in given.items()}


def varied(
    tables: list[dict[str, Any]],
    rng: np.random.Generator,
    volume: float,
    size: float,
    copies: int = 1,
) -> list[kp.Workload]:
    """Return copies of workloads, volume and sizes each multiplied by a factor up to those given."""
    found = []
    for number in range(copies):
        for table in tables:
            factors = dict.fromkeys(SIZES, size ** rng.uniform(-1, 1))
            factors |= dict.fromkeys(TRAFFIC, volume ** rng.uniform(-1, 1))
            changed = {key: scaled(table[key], by) for key, by in factors.items() if key in table}
            found.append(kp.Workload(**table | changed | {"name": f"{table['name']}-{number}"}))
    return found


def seconds(run: Callable[[], Any]) -> float:
    """Return the processor time of one run."""
    begun = process_time()
    run()
    return process_time() - begun


def projecting(workloads: list[kp.Workload], n_paths: int = PATHS) -> float:
    """Return the processor time of a projection on all models."""
    return seconds(lambda: kp.project(workloads, MONTHS, as_of=AS_OF, n_paths=n_paths))


def drawing(workloads: int) -> float:
    """Return the processor time of a gamma draw for each model, month and path of workloads."""
    rng = np.random.default_rng(0)
    return seconds(
        lambda: [rng.gamma(20.0, 1.0, MODELS * MONTHS * PATHS) for _ in range(workloads)]
    )


def processes() -> tuple[float, float]:
    """Return the processor time of ``kimi-planner plan`` and of the bare imports.

    Both are compiled beforehand, as installed packages are.
    """
    with TemporaryDirectory() as folder:
        env = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
        env.pop("PYTHONDONTWRITEBYTECODE", None)

        def spent(*arguments: str) -> float:
            before = getrusage(RUSAGE_CHILDREN)
            subprocess.run(
                [sys.executable, *arguments], env=env, stdout=subprocess.DEVNULL, check=True
            )
            after = getrusage(RUSAGE_CHILDREN)
            return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

        plan, bare = ("-m", "kimi_planner", "plan", "--as-of", str(AS_OF)), ("-c", BARE)
        times = [(spent(*plan), spent(*bare)) for _ in range(REPEATS + 1)][1:]
        return min(one for one, _ in times), min(one for _, one in times)


def exploring(workloads: list[kp.Workload]) -> tuple[float, float]:
    """Return the processor time until an explorer is ready, and that of its slowest move."""
    boxes: list[Any] = []
    ready = seconds(lambda: boxes.append(kp.plot.explore(workloads, as_of=AS_OF)))
    moves = [
        seconds(lambda name=name, stop=stop: boxes[0].set(**{name: stop}))
        for name, stops in MOVES.items()
        for stop in stops
    ]
    return ready, max(moves)


def results() -> Iterator[tuple[str, float, float, str]]:
    """Yield what was measured, the number, the most it may be, and its unit."""
    rng = np.random.default_rng(0)
    example = tomllib.loads(example_path().read_text("utf-8"))["workload"]
    near = 1 + 1e-6

    def fresh() -> list[kp.Workload]:
        return varied(example, rng, near, near)

    projecting(fresh())  # imports
    drawn = min(drawing(len(example)) for _ in range(REPEATS))
    usual = min(projecting(fresh()) for _ in range(REPEATS))
    yield "project, the example, over as many gamma draws", usual / drawn, 5, "times"
    plan, bare = processes()
    yield f"kimi-planner plan, over {BARE}", plan / bare, 2, "times"
    exploring(fresh())
    for name, agent in (
        ("an agent", AGENT),
        ("the same, its mean answer uncertain", AGENT | UNCERTAIN),
    ):
        explored = [exploring(varied([agent], rng, near, near)) for _ in range(REPEATS)]
        yield f"explore, {name}: ready", min(ready for ready, _ in explored), 1, "s"
        yield f"explore, {name}: slowest move", min(move for _, move in explored), 0.1, "s"
    many = min(projecting(varied(example, rng, 20, 2, copies=40)) for _ in range(2))
    yield "project, 200 workloads, over as many gamma draws", many / drawing(200), 5, "times"
    thousand, billion = (
        min(projecting(varied([table], rng, near, near)) for _ in range(REPEATS))
        for calls in (1e3, 1e9)
        for table in [
            {key: value for key, value in example[0].items() if key not in TRAFFIC}
            | {"requests_per_day": scaled(LEVEL, calls / 30.4)}
        ]
    )
    yield "project, 1e9 calls a month, over 1e3", billion / thousand, 1.2, "times"
    kept = fresh()
    many, few = (min(projecting(kept, paths) for _ in range(REPEATS)) for paths in (PATHS, 100))
    yield "project, 100 paths again", few, 0.03 + many / 10, "s"
    few = min(projecting(fresh(), 100) for _ in range(REPEATS))
    yield "project, 100 paths for the first time", few, 0.03 + usual / 10, "s"


def main() -> None:
    """Measure, and print."""
    for name, measured, target, unit in results():
        met = "met" if measured <= target else "NOT met"
        print(f"{name:64} {measured:6.3f} {unit:5}  target {target:.3g}, {met}", flush=True)


if __name__ == "__main__":
    main()
