"""A folder in which every command has something to do: workloads, a log, prompts, an invoice."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pages import run_ours

from kimi_planner.files import data_dir

TRIALS = str(data_dir() / "evaluations" / "example.csv")
FILES = {
    "workloads.toml": (
        '[[workload]]\nname = "chat"\nrequests_per_day = { p10 = 20, p50 = 24, p90 = 40 }\n'
        "prompt_tokens = 2000\ncompletion_tokens = 250\nbudget_usd_per_month = 2\n"
        '[[scenario]]\nname = "doubled"\nset = { traffic = 2 }\n'
    ),
    "previous.toml": (
        '[[workload]]\nname = "chat"\nrequests_per_day = 24\n'
        "prompt_tokens = 2000\ncompletion_tokens = 250\n"
    ),
    "request.json": '{"model": "kimi-k2", "messages": [{"role": "user", "content": "Say hi."}]}',
    "kimi-planner.toml": 'model = "kimi-k2"\n[[prompts]]\npaths = ["p.md"]\nmax_tokens = 9\n',
    "p.md": "Be brief.",
    "log.jsonl": (
        '{"request": {"model": "kimi-k2", "messages": [{"role": "user", "content": "Say hi."}]}, '
        '"usage": {"prompt_tokens": 10, "completion_tokens": 3}}'
    ),
    "invoice.csv": "month,model,meter,quantity,amount_usd\n2026-10,kimi-k2,input,1000000,1.20\n",
}
DRAWN = ("--as-of", "2026-11-28", "--paths", "500")


def lay_out(folder: Path) -> Path:
    """Write the files, a log of 45 days and a plan from before; return the folder."""
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    start = datetime(2026, 10, 1, tzinfo=UTC)
    with (folder / "usage.jsonl").open("w", encoding="utf-8") as log:
        for hour in range(24 * 45):
            calls = round(6 * (1.5 + math.sin(math.tau * hour / 24)))
            row = {
                "timestamp": (start + timedelta(hours=hour)).isoformat(),
                "model": "kimi-k2",
                "requests": calls,
                "prompt_tokens": 1500 * calls,
                "completion_tokens": 250 * calls,
            }
            log.write(json.dumps(row) + "\n")
    before = ("plan", str(folder / "previous.toml"), *DRAWN, "--start", "2026-11")
    _, plan, _ = run_ours([*before, "--format", "json"])
    (folder / "before.json").write_text(plan, encoding="utf-8")
    return folder
