"""How fast usage logs are read and added up, against polars on the same files in one run.

``python -m benchmarks.usage`` prints a table, ``--json`` the same as JSON. Every reader adds up the
tokens of each model, of each call once, told by its id. Each figure is the median processor time of
several fresh processes, taken in turn; a ratio is of the times of one turn. Memory is the peak of a
process at a twentieth of the rows and at all of them. ``--quick`` takes a twentieth of the rows.
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

ROWS = 4_000_000
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
            "call_id,timestamp,model,prompt_tokens,cached_tokens,completion_tokens,reasoning_tokens\n"
        )
        for n in range(rows):
            second = n // 9
            stamp = f"2026-01-{1 + second // 86_400:02d}T{second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d}Z"
            prompt, completion = 900 + n * 7919 % 4001, 40 + n * 104_729 % 911
            model = "kimi-k2" if n % 3 else "kimi-k2-5"
            log.write(f"call-{n:012x},{stamp},{model},{prompt},{prompt // 2},{completion},\n")


def write_parquet(path: Path, table: Path) -> None:
    """Write what stands in CSV as Parquet, a part at a time."""
    import pyarrow as pa
    from pyarrow import csv, parquet

    convert = csv.ConvertOptions(column_types={"reasoning_tokens": pa.int64()})
    with (
        csv.open_csv(table, convert_options=convert) as batches,
        parquet.ParquetWriter(path, batches.schema) as out,
    ):
        for batch in batches:
            out.write_batch(batch)


def ours(path: Path) -> dict[str, list[int]]:
    """Add up a log by model, each call once."""
    from kimi_planner.usage import total_usage

    sums = total_usage(path, by="model").frame
    return {row["model"]: [int(row[name]) for name in COUNTS] for row in sums.to_dict("records")}


def with_polars(path: Path) -> dict[str, list[int]]:
    """Add up the same with polars, lazily, each id once."""
    import polars as pl

    usage = pl.col("usage").struct
    if path.suffix == ".jsonl":
        schema = {
            "id": pl.String, "created": pl.Int64, "model": pl.String,
            "usage": pl.Struct({"prompt_tokens": pl.Int64, "completion_tokens": pl.Int64,
                                "prompt_tokens_details": pl.Struct({"cached_tokens": pl.Int64})}),
        }  # fmt: skip
        calls = pl.scan_ndjson(path, schema=schema).select(
            "id", "model", usage.field("prompt_tokens"), usage.field("completion_tokens"),
            cached_tokens=usage.field("prompt_tokens_details").struct.field("cached_tokens"),
        )  # fmt: skip
    else:
        scan = (
            pl.scan_csv(path, try_parse_dates=True)
            if path.suffix == ".csv"
            else pl.scan_parquet(path)
        )
        calls = scan.rename({"call_id": "id"})
    sums = calls.unique("id").group_by("model").agg(pl.col(COUNTS).sum()).collect()
    return {row[0]: list(row[1:]) for row in sums.iter_rows()}


COUNTS = ["prompt_tokens", "cached_tokens", "completion_tokens"]
FILES = {"JSON lines": "log.jsonl", "CSV": "log.csv", "Parquet": "log.parquet"}
READERS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    f"{name}, {reader}": (file, function)
    for name, file in FILES.items()
    for reader, function in (("polars", with_polars), ("kimi_planner", ours))
}
RATIOS = {f"{name}, kimi_planner": f"{name}, polars" for name in FILES}


def measure(name: str, folder: Path) -> dict[str, Any]:
    """Read once in this process; imports are not timed."""
    file, read = READERS[name]
    (folder / "tiny.csv").write_text(
        "model,prompt_tokens,completion_tokens\na,1,1\n", encoding="utf-8"
    )
    if read is ours:
        from kimi_planner import read_usage

        read_usage(folder / "tiny.csv")
    else:
        import polars as pl

        pl.scan_csv(folder / "tiny.csv").collect()
    start = time.process_time()
    sums = read(folder / file)
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"sums": sums, "seconds": seconds, "peak_mb": peak / 1024}


def write_logs(folder: Path, rows: int) -> None:
    """Write the same calls in every form."""
    write_replies(folder / "log.jsonl", rows)
    write_csv(folder / "log.csv", rows)
    write_parquet(folder / "log.parquet", folder / "log.csv")


def once(reader: str, folder: Path) -> dict[str, Any]:
    """Measure a reader in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.usage", "--one", reader, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def run(rows: int, turns: int) -> dict[str, Any]:
    """Return the figures of every reader, the ratios to polars, and how memory grows."""
    figures: dict[str, list[dict[str, Any]]] = {reader: [] for reader in READERS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_logs(folder, rows // 20)
        small = {reader: once(reader, folder)["peak_mb"] for reader in READERS}
        write_logs(folder, rows)
        for _ in range(turns):
            for reader in READERS:
                figures[reader].append(once(reader, folder))
    for reader, peer in RATIOS.items():
        if figures[reader][0]["sums"] != figures[peer][0]["sums"]:
            raise SystemExit(f"{reader} and {peer} differ")
    median = {
        reader: {
            key: statistics.median(one[key] for one in taken) for key in ("seconds", "peak_mb")
        }
        for reader, taken in figures.items()
    }
    ratios = {
        reader: statistics.median(
            one["seconds"] / other["seconds"]
            for one, other in zip(figures[reader], figures[peer], strict=True)
        )
        for reader, peer in RATIOS.items()
    }
    growth = {reader: median[reader]["peak_mb"] / small[reader] for reader in READERS}
    return {"rows": rows, "figures": median, "ratios": ratios, "memory_growth": growth}


def table(result: dict[str, Any]) -> str:
    """Return the figures as lines of text."""
    lines = [f"{'':28}{'us/row':>9}{'peak MB':>9}{'growth':>8}{'ratio':>7}"]
    for reader, figure in result["figures"].items():
        ratio = result["ratios"].get(reader)
        stated = "" if ratio is None else f"{ratio:.2f}"
        per_row = figure["seconds"] / result["rows"] * 1e6
        growth = result["memory_growth"][reader]
        lines.append(f"{reader:28}{per_row:9.2f}{figure['peak_mb']:9.0f}{growth:8.2f}{stated:>7}")
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
    result = run(ROWS // 20 if options.quick else ROWS, 1 if options.quick else TURNS)
    print(json.dumps(result, indent=2) if options.json else table(result))


if __name__ == "__main__":
    main()
