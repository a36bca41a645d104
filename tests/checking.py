"""Repositories to check, laid out in a folder, and reports of them."""

from __future__ import annotations

import os
import subprocess
from datetime import date
from decimal import Decimal
from pathlib import Path

from kimi_planner.checks.config import load_config
from kimi_planner.checks.results import CheckResult, Outcome
from kimi_planner.checks.run import Check, CheckReport

AS_OF = date(2026, 10, 31)

#: A certain workload: 1,000 calls a day of 2,000 prompt tokens, half of them cached, and 500 more.
WORKLOADS = """
[[workload]]
name = "chat"
requests_per_day = {requests}
prompt_tokens = {prompt}
completion_tokens = 500
cached_share = {cached}
"""

_CATALOG = """
version = "own"
published = "2026-06"
currency = "USD"
source = "card"
[sources.card]
title = "A card"
checked_on = {checked_on}
[[models]]
id = "m"
{values}
[models.sources]
card = {stated}
"""


def catalog(checked_on: str = "2026-10-01", **changes: str | None) -> str:
    """Return a catalog of one model; a value that is ``None`` is not stated."""
    known: dict[str, str | None] = {
        "name": '"M"',
        "context_window_tokens": "1000",
        "input_usd_per_mtok": '"2.00"',
        "cached_input_usd_per_mtok": '"0.50"',
        "output_usd_per_mtok": '"8.00"',
        "tokenizer": '"kimi-k2"',
        "chat_template": '"kimi-k2"',
    }
    stated = {key: value for key, value in {**known, **changes}.items() if value is not None}
    values = "\n".join(f"{key} = {value}" for key, value in stated.items())
    names = str(["id", *stated]).replace("'", '"')
    return _CATALOG.format(checked_on=checked_on, values=values, stated=names)


def workloads(requests: int = 1000, prompt: int = 2000, cached: str = "0.5") -> str:
    """Return a file of one certain workload."""
    return WORKLOADS.format(requests=requests, prompt=prompt, cached=cached)


def lay_out(folder: Path, config: str, **files: str) -> Path:
    """Write a configuration of its own and files beside it; ``__`` in a name is a folder."""
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    path = folder / "kimi-planner.toml"
    path.write_text(config, encoding="utf-8")
    return path


def check_of(path: Path) -> Check:
    """Return the check of a configuration on a certain day."""
    return Check(load_config(path), AS_OF)


def results_of(path: Path) -> list[CheckResult]:
    """Return the results of a configuration on a certain day."""
    return list(check_of(path).results())


def report_of(*results: CheckResult) -> CheckReport:
    """Return a report of made results."""
    return CheckReport(results=results, catalog="2026-06 (sha256 0123)")


def over(path: str = "p.md", by: int = 1, **values: object) -> CheckResult:
    """Return a made result of a prompt that is over its limit of 100 tokens."""
    known = {
        "rule": "prompt-tokens",
        "subject": "tokens",
        "outcome": Outcome.OVER,
        "value": Decimal(100 + by),
        "limit": Decimal(100),
        "message": f"{100 + by} tokens, limit 100",
        "model": "kimi-k2",
    }
    return CheckResult(path=path, **{**known, **values})


def git(folder: Path, *words: str) -> str:
    """Run Git as a user of its own, without the configuration of this machine."""
    known = {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        **{
            f"GIT_{who}_{what}": "a@b.c"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        },
    }
    done = subprocess.run(["git", "-C", str(folder), *words], env=os.environ | known,
                          capture_output=True, text=True, check=True)  # fmt: skip
    return done.stdout.strip()
