"""What the pytest plugin adds to a run that does not use it, and how long the pre-commit hook takes.

``python -m benchmarks.in_ci`` times whole processes in turn: pytest on one empty test with and
without the plugin, and ``kimi-planner check`` on one prompt against a Python process that imports
nothing and one that counts the same file with tiktoken; ``--json`` prints JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import kimi_planner

ROOT = Path(kimi_planner.__file__).parents[1]
CONFIG = '[[prompts]]\npaths = ["prompt.md"]\nmax_tokens = 100000\n'
TIKTOKEN = (
    "import tiktoken; encoding = tiktoken.get_encoding('kimi_k2'); "
    "print(len(encoding.encode_ordinary(open('prompt.md').read())))"
)


def seconds(command: list[str], folder: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Return how long a process takes, and how much of it on a processor."""
    start = perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    taken = perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} failed with {process.returncode}")
    return taken, usage.ru_utime + usage.ru_stime


def in_turn(
    runs: dict[str, Callable[[], tuple[float, float]]], repeats: int
) -> dict[str, list[tuple[float, float]]]:
    """Time each run once in every round, after one round that is not counted."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for number in range(repeats + 1):
        for name, run in runs.items():
            taken = run()
            if number:
                found[name].append(taken)
    return found


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # The plugin as an installed package declares it, whatever is installed here.
        metadata = folder / "kimi_planner_plugin-0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: kimi-planner-plugin\n")
        (metadata / "entry_points.txt").write_text(
            "[pytest11]\nkimi_planner_measured = kimi_planner.pytest_plugin\n"
        )
        # What pytest compiles anew, as it does for every package with a plugin.
        (metadata / "RECORD").write_text(
            "kimi_planner/__init__.py,,\nkimi_planner/pytest_plugin.py,,\n"
        )
        work = folder / "work"
        work.mkdir()
        (work / "test_nothing.py").write_text("def test_nothing():\n    pass\n")
        (work / "kimi-planner.toml").write_text(CONFIG)
        (work / "prompt.md").write_text("Answer in one short sentence.\n" * 40)
        plain = {
            key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"
        }
        plain["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(folder)])
        pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        pytest += ["-p", "no:kimi_planner"]  # an installed one would be measured twice
        commands = {
            "pytest without": [*pytest, "-p", "no:kimi_planner_measured"],
            "pytest with": pytest,
            "bare Python": [sys.executable, "-c", "pass"],
            "tiktoken": [sys.executable, "-c", TIKTOKEN],
            "hook": [sys.executable, "-m", "kimi_planner", "check"],
        }
        runs = {
            key: (lambda command=command: seconds(command, work, plain))
            for key, command in commands.items()
        }
        found = in_turn(runs, options.repeats)
    result = {}
    for kind, at in (("", 0), ("processor_", 1)):  # the second is steady on a busy machine
        times = {key: [one[at] for one in pairs] for key, pairs in found.items()}
        medians = {key: median(one) for key, one in times.items()}
        pairs = zip(times["pytest with"], times["pytest without"], strict=True)
        result |= {
            f"plugin_added_{kind}ms": 1000 * median(one - other for one, other in pairs),
            f"plugin_{kind}ratio": medians["pytest with"] / medians["pytest without"],
            f"hook_{kind}s": medians["hook"],
            f"hook_longest_{kind}s": max(times["hook"]),
            f"hook_against_tiktoken_{kind}ratio": medians["hook"] / medians["tiktoken"],
            f"hook_against_bare_python_{kind}ratio": medians["hook"] / medians["bare Python"],
        }
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        for key, value in result.items():
            print(f"{key:<46} {value:.3f}")


if __name__ == "__main__":
    main()
