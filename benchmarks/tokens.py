"""How fast tokens are counted, against others on the same texts in one run.

``python -m benchmarks.tokens`` prints a table, ``--json`` the same as JSON. Each figure is the
median of several fresh processes, taken in turn. ``--quick`` takes less of everything,
``--cache DIR`` keeps the packages that the texts come from (360 MB).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.corpus import PARTS, prepare, read_texts

WARM_UP = "antidisestablishmentarianism 你好"
BARE_SPLINTR = """
import sys, splintr
tokenizer = splintr.Tokenizer.from_pretrained("kimi_k2")
total = 0
for name in sys.argv[1:]:
    with open(name, encoding="utf-8") as handle:
        total += len(tokenizer.encode_ordinary(handle.read()))
print(total)
"""
BARE_TIKTOKEN = """
import sys, tiktoken
from tiktoken.load import load_tiktoken_bpe
ranks = load_tiktoken_bpe(sys.argv[1])
encoding = tiktoken.Encoding("k", pat_str=sys.argv[2], mergeable_ranks=ranks, special_tokens={})
total = 0
for name in sys.argv[3:]:
    with open(name, encoding="utf-8") as handle:
        total += len(encoding.encode_ordinary(handle.read()))
print(total)
"""


def tiktoken_loop() -> Callable[[list[str]], int]:
    """Count with tiktoken, a text at a time."""
    from kimi_planner.tokens.engine import tiktoken_encoding

    encode = tiktoken_encoding().encode_ordinary
    return lambda texts: sum(len(encode(text)) for text in texts)


def tiktoken_batch() -> Callable[[list[str]], int]:
    """Count with tiktoken's batch call on all cores."""
    from kimi_planner.tokens.engine import tiktoken_encoding

    encode = tiktoken_encoding().encode_ordinary_batch
    cores = os.cpu_count() or 1
    return lambda texts: sum(map(len, encode(texts, num_threads=cores)))


def splintr_raw() -> Callable[[list[str]], int]:
    """Count with splintr's own batch call."""
    import splintr

    encode = splintr.Tokenizer.from_pretrained("kimi_k2").encode_batch_flat
    return lambda texts: len(encode(texts)[0]) // 4


def fastokens_raw() -> Callable[[list[str]], int]:
    """Count with fastokens' own batch call."""
    from kimi_planner.tokens.engine import FastokensEngine

    encode = FastokensEngine()._tokenizer.encode_batch_flat
    return lambda texts: len(encode(texts)[0]) // 4


def ours(engine_name: str | None) -> Callable[[list[str]], int]:
    """Count with `count_tokens_batch`; without a name, with the engine that it chooses."""
    from kimi_planner import count_tokens_batch

    return lambda texts: int(count_tokens_batch(texts, engine_name=engine_name).sum())


def native_raw() -> Callable[[list[str]], int]:
    """Count with the batch call of our own engine, without the checks of the public function."""
    from kimi_planner.tokens.engine import engine

    count = engine("native").count_batch
    return lambda texts: sum(count(texts))


COUNTERS: dict[str, Callable[[], Callable[[list[str]], int]]] = {
    "tiktoken loop": tiktoken_loop,
    "tiktoken batch": tiktoken_batch,
    "splintr raw": splintr_raw,
    "fastokens raw": fastokens_raw,
    "native raw": native_raw,
    "kimi_planner": lambda: ours(None),
    "kimi_planner on splintr": lambda: ours("splintr"),
    "kimi_planner on fastokens": lambda: ours("fastokens"),
}


BEST = "best of tiktoken"
RATIOS = (
    ("kimi_planner", BEST),
    ("kimi_planner", "native raw"),
    ("kimi_planner on splintr", BEST),
    ("kimi_planner on splintr", "splintr raw"),
    ("kimi_planner on fastokens", BEST),
    ("kimi_planner on fastokens", "fastokens raw"),
)


def measure_counter(name: str, part: str, folder: str) -> dict[str, float]:
    """Count the texts once cold and once warm in this process; loading is not timed."""
    texts = read_texts(Path(folder), part)
    size = sum(len(text.encode()) for text in texts)
    count = COUNTERS[name]()
    count([WARM_UP])
    seconds, tokens = [], 0
    for _ in range(2):
        start = time.perf_counter()
        tokens = count(texts)
        seconds.append(time.perf_counter() - start)
    return {"tokens": tokens, "bytes": size, "cold": size / seconds[0], "warm": size / seconds[1]}


def measure_latency(folder: str) -> dict[str, float]:
    """Return the time of one prompt of 200 characters that was not seen before, in microseconds."""
    import splintr

    from kimi_planner import count_tokens
    from kimi_planner.tokens.engine import tiktoken_encoding

    prompts = [text[:200] for text in read_texts(Path(folder), "natural")[::9]]
    raw = splintr.Tokenizer.from_pretrained("kimi_k2").encode_flat
    reference = tiktoken_encoding().encode_ordinary
    calls: dict[str, Callable[[str], Any]] = {
        "kimi_planner": count_tokens,
        "splintr raw": raw,
        "tiktoken": reference,
    }
    found = {}
    for name, call in calls.items():
        call(WARM_UP)
        times = []
        for prompt in prompts:
            start = time.perf_counter()
            call(prompt)
            times.append(time.perf_counter() - start)
        found[name] = statistics.median(times) * 1e6
    return found


def peak_mb() -> float:
    """Return the most memory this process has had; Linux keeps it apart from its parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure_memory(path: str) -> dict[str, float]:
    """Count a JSONL file in this process; return peak memory in MB, seconds and tokens."""
    from kimi_planner.tokens import count_corpus

    start = time.perf_counter()
    counted = count_corpus(path, field="text")
    return {
        "peak_mb": peak_mb(),
        "seconds": time.perf_counter() - start,
        "tokens": counted.tokens,
    }


def fresh(*arguments: str) -> dict[str, float]:
    """Run one measurement in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.tokens", "--one", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def throughput(runs: int, folder: Path) -> dict[str, Any]:
    """Measure every counter on every part, in turn, each in fresh processes."""
    found: dict[str, Any] = {}
    for part in PARTS:
        samples: dict[str, list[dict[str, float]]] = {name: [] for name in COUNTERS}
        for _ in range(runs):
            for name, got in samples.items():
                got.append(fresh("counter", name, part, str(folder)))
        totals = {name: got[0]["tokens"] for name, got in samples.items()}
        if len(set(totals.values())) > 1:
            raise SystemExit(f"the counts of {part} differ: {totals}")
        rows = {
            name: {
                key: statistics.median(one[key] for one in got) / 1e6 for key in ("cold", "warm")
            }
            for name, got in samples.items()
        }
        rows[BEST] = {
            key: max(rows[f"tiktoken {way}"][key] for way in ("loop", "batch"))
            for key in ("cold", "warm")
        }
        found[part] = {
            "mb": samples["tiktoken loop"][0]["bytes"] / 1e6,
            "mb_per_second": rows,
            "ratios_cold": {
                f"{name} / {peer}": rows[name]["cold"] / rows[peer]["cold"] for name, peer in RATIOS
            },
        }
    return found


def small_files(runs: int, folder: Path) -> dict[str, Any]:
    """Time whole processes that count 50 files of 5,000 characters."""
    import splintr

    from kimi_planner.tokens import vocabulary

    ranks = folder / "tiktoken.model"
    ranks.write_bytes(vocabulary.model_file())
    files = []
    code = "".join(read_texts(folder, "code")[:100])
    for number, text in enumerate(code[k * 5_000 :][:5_000] for k in range(50)):
        path = folder / f"{number}.txt"
        path.write_text(text, encoding="utf-8")
        files.append(str(path))
    commands = {
        "splintr script": [sys.executable, "-c", BARE_SPLINTR, *files],
        "tiktoken script": [
            sys.executable, "-c", BARE_TIKTOKEN, str(ranks), splintr.KIMI_PATTERN, *files,
        ],
        "kimi-planner count": [str(Path(sys.executable).with_name("kimi-planner")), "count", *files],
    }  # fmt: skip
    times: dict[str, list[float]] = {name: [] for name in commands}
    totals = set()
    for _ in range(runs):
        for name, command in commands.items():
            start = time.perf_counter()
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            times[name].append(time.perf_counter() - start)
            totals.add(int(done.stdout.split("tokens in")[0].split()[-1].replace(",", "")))
    if len(totals) > 1:
        raise SystemExit(f"the counts of the small files differ: {totals}")
    medians = {name: statistics.median(got) for name, got in times.items()}
    mine = medians["kimi-planner count"]
    return {
        "milliseconds": {name: seconds * 1000 for name, seconds in medians.items()},
        "ratios": {
            "kimi-planner / splintr script": mine / medians["splintr script"],
            "kimi-planner / tiktoken script": mine / medians["tiktoken script"],
        },
    }


def memory(folder: Path, sizes: list[int]) -> dict[str, Any]:
    """Measure peak memory at growing sizes of JSONL input."""
    texts = read_texts(folder, "natural")
    found = {}
    for size in sizes:
        path = folder / f"{size}.jsonl"
        written = 0
        with path.open("w", encoding="utf-8") as handle:
            number = 0
            while written < size:
                row = {"id": number, "text": f"{number} {texts[number % len(texts)]}"}
                line = json.dumps(row, ensure_ascii=False) + "\n"
                handle.write(line)
                written += len(line.encode())
                number += 1
        found[f"{size / 1e6:,.0f} MB"] = fresh("memory", str(path))
        path.unlink()
    return found


def starts(runs: int) -> dict[str, float]:
    """Measure the seconds of a whole process that counts one word with each engine."""
    found = {}
    for name in ("native", "splintr", "fastokens", "tiktoken"):
        code = f"from kimi_planner.tokens.engine import engine; engine({name!r}).count('word')"
        times = []
        for _ in range(runs):
            begun = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            times.append(time.perf_counter() - begun)
        found[name] = statistics.median(times)
    return found


def bulk_pays_from(found: dict[str, Any]) -> float:
    """Return the megabytes of cold natural text from which fastokens pays where native is not."""
    speeds = found["throughput"]["natural"]["mb_per_second"]
    default, bulk = (speeds[f"kimi_planner on {name}"]["cold"] for name in ("splintr", "fastokens"))
    extra: float = found["start_seconds"]["fastokens"] - found["start_seconds"]["splintr"]
    return extra / (1 / default - 1 / bulk)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--one", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        kind, *rest = options.one
        one = {"counter": measure_counter, "memory": measure_memory, "latency": measure_latency}
        print(json.dumps(one[kind](*rest)))
        return
    runs = 3 if options.quick else 5
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        packages = options.cache or folder
        packages.mkdir(parents=True, exist_ok=True)
        prepare(packages.resolve(), folder)
        found: dict[str, Any] = {
            "cores": os.cpu_count(),
            "throughput": throughput(runs, folder),
            "small_files": small_files(3 * runs, folder),
            "latency_us_of_200_characters": fresh("latency", str(folder)),
            "start_seconds": starts(runs),
            "memory": memory(folder, [10**7, 10**8 if options.quick else 10**9]),
        }
        found["bulk_pays_from_mb"] = bulk_pays_from(found)
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        for line in lines_of(found):
            print(line)


def lines_of(found: Any, indent: str = "") -> list[str]:
    """Return nested figures as indented lines."""
    lines = []
    for key, value in found.items():
        if isinstance(value, dict):
            lines += [f"{indent}{key}", *lines_of(value, indent + "  ")]
        else:
            lines.append(
                f"{indent}{key}: {value:,.3g}" if value < 1000 else f"{indent}{key}: {value:,.0f}"
            )
    return lines


if __name__ == "__main__":
    main()
