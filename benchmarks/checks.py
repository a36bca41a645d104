"""How long a check of many prompt files takes, against bare counting of the same files, and ``init``.

``python -m benchmarks.checks`` prints a table, ``--json`` the same as JSON. Each figure is the median
of whole processes, taken in turn: start, import, read, count, report. The files are pieces of the
texts of this repository, drawn with a fixed seed. ``init`` is timed on a repository of code,
configuration and prompts, twice as many files: the modules of this package, each with a prompt of its
own, TypeScript, YAML, JSON and Markdown in equal parts.

The bare scripts list the same glob, read each file and add up its tokens: one with
`kimi_planner.count_tokens`, which proves its vocabulary as the check does, one with splintr alone,
which trusts it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.in_ci import in_turn, seconds

ROOT = Path(__file__).resolve().parents[1]
GLOB = "prompts/**/*.md"
CONFIG = f"""
model = "kimi-k2"
[[prompts]]
paths = ["{GLOB}"]
max_tokens = 100_000
"""
BARE_OURS = f"""
from pathlib import Path
from kimi_planner import count_tokens
paths = sorted(Path().glob("{GLOB}"))
print(sum(count_tokens(path.read_text(encoding="utf-8")) for path in paths))
"""
BARE_SPLINTR = f"""
from pathlib import Path
import splintr
count = splintr.Tokenizer.from_pretrained("kimi_k2").encode_flat
paths = sorted(Path().glob("{GLOB}"))
print(sum(len(count(path.read_text(encoding="utf-8"))) // 4 for path in paths))
"""
CHECK = [sys.executable, "-m", "kimi_planner", "check"]
RUNS = {
    "bare count_tokens": [sys.executable, "-c", BARE_OURS],
    "bare splintr": [sys.executable, "-c", BARE_SPLINTR],
    "check": CHECK,
    "check, SARIF": [*CHECK, "--format", "sarif"],
    "check, with a baseline": [*CHECK, "--baseline"],
}


def lay_out(folder: Path, files: int, chars: int) -> int:
    """Write prompts of about so many characters; return their bytes."""
    sources = sorted(ROOT.glob("kimi_planner/**/*.py")) + sorted(ROOT.glob("*.md"))
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    rng, size = Random(0), 0  # noqa: S311 - texts, not secrets
    for number in range(files):
        start, length = (
            rng.randrange(len(text) - 2 * chars),
            rng.randint(chars // 2, 3 * chars // 2),
        )
        path = folder / "prompts" / f"{number % 20:02}" / f"{number:04}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text[start : start + length], encoding="utf-8")
        size += path.stat().st_size
    (folder / "kimi-planner.toml").write_text(CONFIG, encoding="utf-8")
    return size


def lay_out_repository(folder: Path, files: int) -> None:
    """Write a repository of code in which prompts stand, without a configuration."""
    modules = sorted((ROOT / "kimi_planner").rglob("*.py"))
    words = "You are a careful analyst. Answer in at most three short sentences, and name sources."
    texts = {
        "py": lambda n: (
            modules[n % len(modules)].read_text("utf-8") + f"\nPROMPT_{n} = '{words}'\n"
        ),
        "ts": lambda n: (
            f"export const prompt{n} = `{words} ${{x}}`;\n" + "const y = { a: 1 };\n" * 50
        ),
        "yaml": lambda n: (
            f"system_prompt: {words}\n" + "".join(f"key{k}: {k}\n" for k in range(50))
        ),
        "json": lambda n: json.dumps({"prompt": words, "values": list(range(n % 99))}),
        "md": lambda n: f"{words}\n" * 20,
    }
    (folder / ".git").mkdir()
    for number in range(files):
        ending, text = list(texts.items())[number % len(texts)]
        above = "prompts" if ending == "md" else "src"
        path = folder / above / f"{number % 40:02}" / f"file{number:04}.{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(number), encoding="utf-8")


def measure(files: int, chars: int, runs: int) -> dict[str, Any]:
    """Measure every process in turn."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # installed packages are compiled
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        folder, repository = Path(one), Path(other)
        size = lay_out(folder, files, chars)
        lay_out_repository(repository, 2 * files)
        subprocess.run(
            [*CHECK, "--update-baseline"], cwd=folder, check=True, capture_output=True,
            env=environment,
        )  # fmt: skip
        times = in_turn(
            {
                what: (lambda command=command: seconds(command, folder, environment))
                for what, command in RUNS.items()
            },
            runs,
        )
        init = [*CHECK[:-1], "init"]
        times["init"] = [seconds(init, repository, environment) for _ in range(min(runs, 3))]
    found: dict[str, Any] = {"files": files, "bytes": size}
    for kind, at in (("", 0), ("processor_", 1)):  # the second is steady on a busy machine
        medians = {
            what: statistics.median(pair[at] for pair in pairs) for what, pairs in times.items()
        }
        bare = medians["bare count_tokens"]
        found[f"{kind}seconds"] = medians
        found[f"{kind}times_bare"] = {what: median / bare for what, median in medians.items()}
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1_000)
    parser.add_argument("--chars", type=int, default=2_000, help="mean length of a file")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = measure(options.files, options.chars, options.runs)
    if options.json:
        print(json.dumps(found, indent=2))
        return
    print(
        f"{found['files']:,} files, {found['bytes']:,} bytes; medians of {options.runs} processes"
    )
    print(f"{'':24}   seconds  times bare   processor  times bare")
    for what in found["seconds"]:
        columns = [
            found[f"{kind}{column}"][what]
            for kind in ("", "processor_")
            for column in ("seconds", "times_bare")
        ]
        print("{:24} {:9.3f} {:10.2f} {:12.3f} {:10.2f}".format(what, *columns))


if __name__ == "__main__":
    main()
