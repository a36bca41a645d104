"""How fast usage logs are read, against the bare parser of the same lines in one run.

``python -m benchmarks.usage`` prints a table, ``--json`` the same as JSON. Each figure is the
median of several fresh processes, taken in turn; a ratio is of the times of one turn. ``--quick``
takes a tenth of the rows.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROWS = 1_000_000
TURNS = 3
ANSWER = "The parcel left the warehouse on Monday and arrives within three working days. " * 3


def write_replies(path: Path, rows: int) -> None:
    """Write chat completions as the API answers them, one on each line."""
    with path.open("w", encoding="utf-8") as log:
        for n in range(rows):
            prompt, completion = 900 + n * 7919 % 4001, 40 + n * 104_729 % 911
            reply = {
                "id": f"chatcmpl-{n:024x}",
                "object": "chat.completion",
                "created": 1_767_225_600 + n // 9,
                "model": "kimi-k2" if n % 3 else "kimi-k2-5",
                "choices": [
                    {
                        "index": 0,
                        "message": {"role": "assistant", "content": ANSWER},
                        "finish_reason": "stop",
                    }
                ],
                "usage": {
                    "prompt_tokens": prompt,
                    "completion_tokens": completion,
                    "total_tokens": prompt + completion,
                    "prompt_tokens_details": {"cached_tokens": prompt // 2},
                    "completion_tokens_details": {"reasoning_tokens": completion // 4},
                },
            }
            log.write(json.dumps(reply) + "\n")


def write_csv(path: Path, rows: int) -> None:
    """Write the canonical columns, one call on each line."""
    with path.open("w", encoding="utf-8") as log:
        log.write(
            "timestamp,model,prompt_tokens,cached_tokens,completion_tokens,reasoning_tokens\n"
        )
        for n in range(rows):
            second = n // 9
            stamp = f"2026-01-{1 + second // 86_400:02d}T{second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d}Z"
            prompt, completion = 900 + n * 7919 % 4001, 40 + n * 104_729 % 911
            model = "kimi-k2" if n % 3 else "kimi-k2-5"
            log.write(f"{stamp},{model},{prompt},{prompt // 2},{completion},\n")


def bare_json(path: Path) -> int:
    """Parse every line and keep nothing."""
    rows = 0
    with path.open(encoding="utf-8") as log:
        for line in log:
            json.loads(line)
            rows += 1
    return rows


def bare_csv(path: Path) -> int:
    """Read the same file with pandas, times parsed."""
    import pandas as pd

    return len(pd.read_csv(path, parse_dates=["timestamp"]))


def ours(path: Path) -> int:
    """Read with `read_usage`: parsed, checked, one row per call."""
    from kimi_planner import read_usage

    return len(read_usage(path))


def frame_again(path: Path) -> int:
    """Check a frame that was read, as pricing does; reading it is not timed."""
    from kimi_planner import read_usage

    frame = read_usage(path)
    start = time.perf_counter()
    rows = len(read_usage(frame))
    frame_again.seconds = time.perf_counter() - start  # type: ignore[attr-defined]
    return rows


READERS: dict[str, tuple[str, Callable[[Path], int]]] = {
    "json.loads loop": ("log.jsonl", bare_json),
    "read_usage, JSON lines": ("log.jsonl", ours),
    "pandas.read_csv": ("log.csv", bare_csv),
    "read_usage, CSV": ("log.csv", ours),
    "read_usage, its own frame": ("log.csv", frame_again),
}
RATIOS = {
    "read_usage, JSON lines": "json.loads loop",
    "read_usage, CSV": "pandas.read_csv",
}


def measure(name: str, folder: Path) -> dict[str, float]:
    """Read once in this process; imports are not timed."""
    import pandas as pd

    import kimi_planner.usage.read  # noqa: F401 - so that it is not timed

    file, read = READERS[name]
    pd.to_datetime(["2026-01-01T00:00:00Z"], utc=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    rows = read(folder / file)
    seconds = getattr(read, "seconds", time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "rows": rows,
        "seconds": seconds,
        "peak_mb": peak / 1024,
        "grown_mb": (peak - before) / 1024,
    }


def run(rows: int, turns: int) -> dict[str, Any]:
    """Return the figures of every reader and the ratios to the bare parsers."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_replies(folder / "log.jsonl", rows)
        write_csv(folder / "log.csv", rows)
        found: dict[str, list[dict[str, float]]] = {name: [] for name in READERS}
        for _ in range(turns):
            for reader in READERS:
                command = [sys.executable, "-m", "benchmarks.usage", "--one", reader, str(folder)]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                found[reader].append(json.loads(done.stdout))
        sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    figures = {
        reader: {
            key: statistics.median(one[key] for one in turns_of)
            for key in ("rows", "seconds", "peak_mb", "grown_mb")
        }
        for reader, turns_of in found.items()
    }
    ratios = {
        reader: statistics.median(
            one["seconds"] / other["seconds"]
            for one, other in zip(found[reader], found[peer], strict=True)
        )
        for reader, peer in RATIOS.items()
    }
    return {"rows": rows, "bytes": sizes, "figures": figures, "ratios": ratios}


def table(result: dict[str, Any]) -> str:
    """Return the figures as lines of text."""
    lines = [f"{'':28}{'us/row':>9}{'peak MB':>9}{'ratio':>7}"]
    for reader, figure in result["figures"].items():
        ratio = result["ratios"].get(reader)
        told = "" if ratio is None else f"{ratio:.2f}"
        per_row = figure["seconds"] / result["rows"] * 1e6
        lines.append(f"{reader:28}{per_row:9.2f}{figure['peak_mb']:9.0f}{told:>7}")
    return "\n".join(lines)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--one", nargs=2, metavar=("READER", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one[0], Path(options.one[1]))))
        return
    result = run(ROWS // 10 if options.quick else ROWS, 1 if options.quick else TURNS)
    print(json.dumps(result, indent=2) if options.json else table(result))


if __name__ == "__main__":
    main()
