"""Inputs of every form, changed at random, into every reader: each is read, or one error of ours.

``python -m benchmarks.fuzz --inputs 1000000 --seed 0`` prints how many inputs each reader took, how
many it refused, and every fault: another exception, more than 10 seconds of a processor or a gigabyte, or rows of a
log that are nowhere. The inputs of a seed are the same everywhere; ``--first`` begins in their midst,
``--only NAME`` takes one reader, ``--keep DIR`` writes the inputs of faults there.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import random
import resource
import signal
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from pathlib import Path
from types import FrameType
from typing import Any

import pandas as pd

import kimi_planner as kp
from benchmarks.fuzz_changes import changed, of_bytes
from kimi_planner.capacity.limits import load_limits
from kimi_planner.checks.baseline_file import read_baseline
from kimi_planner.checks.config import load_config
from kimi_planner.checks.run import Check
from kimi_planner.choose.evaluations.read import read_evaluations
from kimi_planner.errors import KimiPlannerError
from kimi_planner.files import data_dir
from kimi_planner.forecast.past import read_past
from kimi_planner.plan.plan_file import read_plan
from kimi_planner.reconcile.read_plan import plan_of
from kimi_planner.report.currencies import planned_frames
from kimi_planner.report.json_form import plan_json
from kimi_planner.safe import csv_text
from kimi_planner.tokens.images import image_size
from kimi_planner.tokens.prompts.ranges import token_range
from kimi_planner.tokens.prompts.read import read_templates
from kimi_planner.usage import read_prefix_log

DAY = date(2026, 11, 1)
SECONDS, BYTES = 10, 1 << 30
ROOT = Path(kp.__file__).parents[1]


@dataclass(frozen=True)
class Reader:
    """A reader, and what it is given.

    Attributes
    ----------
    read
        Reads a file, and raises if what it makes of it is not sound.
    suffixes
        How the file may be called.
    seeds
        Sound contents.
    """

    read: Callable[[Path], object]
    suffixes: tuple[str, ...]
    seeds: tuple[bytes, ...]


@dataclass
class Outcome:
    """What became of the inputs: how many each reader read and refused, and the faults."""

    read: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


class TooLongError(BaseException):
    """An input takes too long; no reader catches it."""


class UnsoundError(Exception):
    """What was read of an input cannot be."""


def fuzz(
    inputs: int, seed: int = 0, *, first: int = 0, only: str | None = None, keep: Path | None = None
) -> Outcome:
    """Give inputs to readers, each in its turn, and return what became of them."""
    outcome, every = Outcome(), readers()
    names = [only] if only else list(every)
    with tempfile.TemporaryDirectory() as folder, limited(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in range(first, first + inputs):
            chance = random.Random(f"{seed} {number}")  # noqa: S311 - the same every time
            name = names[number % len(names)]
            reader = every[name]
            suffix = chance.choice(reader.suffixes)
            content = changed(chance, chance.choice(reader.seeds))
            path = Path(folder, f"a{suffix}")
            path.write_bytes(packed(chance, content) if reader.read is usage else content)
            fault = given(reader, path, name, outcome)
            if fault is not None:
                outcome.faults.append(f"{name}, input {number}: {fault}")
                if keep is not None:
                    keep.mkdir(parents=True, exist_ok=True)
                    (keep / f"{name}-{seed}-{number}{suffix}").write_bytes(path.read_bytes())
    return outcome


def given(reader: Reader, path: Path, name: str, outcome: Outcome) -> str | None:
    """Give a file to a reader; return what is wrong with what it does, ``None`` if nothing is."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        reader.read(path)
        outcome.read[name] += 1
    except KimiPlannerError as error:
        outcome.refused[name] += 1
        if "\n" in str(error):
            return f"an error of several lines: {error!r}"
    except TooLongError:
        return f"more than {SECONDS} seconds"
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:300]
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    return None if more < BYTES else f"{more:,} bytes of memory"


@contextmanager
def limited() -> Iterator[None]:
    """End what takes too long inside."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGPROF, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGPROF, before)


def packed(chance: random.Random, content: bytes) -> bytes:
    """Return a content as it is, or packed and perhaps damaged."""
    if chance.random() < 0.95:
        return content
    whole = gzip.compress(content, mtime=0)
    return of_bytes(chance, whole) if chance.random() < 0.5 else whole


def usage(path: Path) -> None:
    """Read a log, bad rows left out; every row of it must be somewhere."""
    frame = kp.read_usage(path, on_error="skip")
    if (frame["cached_tokens"].fillna(0) > frame["prompt_tokens"]).any():
        raise UnsoundError("more tokens are cached than there are")
    said = frame.attrs
    content = path.read_bytes()
    if set(said["forms"]) == {"usage CSV"} and b'"' not in content and content[:2] != b"\x1f\x8b":
        lines = [one for one in content.replace(b"\r", b"").split(b"\n") if one]
        rows = len(lines) - 1 - lines[0].lstrip(b"\xef\xbb\xbf").startswith(b"sep=")
        told = len(frame) + said["incomplete_last_line"]
        told += sum(said[name] for name in ("rejected", "duplicates", "failures", "other_entries"))
        if rows != told:
            raise UnsoundError(f"{rows} rows, of which {told} are told")


def invoice(path: Path) -> None:
    """Hold an invoice to a log; what differs is the difference of its lines."""
    found = kp.report.check_invoice(path, LOG, catalog="2026-06")
    # decimals would be rounded to 28 digits here
    if found.difference_usd != sum(Fraction(line.difference_usd) for line in found.lines):
        raise UnsoundError(f"the lines do not add up to {found.difference_usd}")


def portfolio(planned: Mapping[str, Any]) -> Callable[[Path], None]:
    """Choose models by what evaluations say of them."""

    def reading(path: Path) -> None:
        found = kp.choose.portfolio(
            budget_usd_per_month=50, evaluations=read_evaluations(path), **planned
        )
        spend = found.spend_usd()
        if found.is_feasible and spend is not None and spend > found.budget_usd_per_month:
            raise UnsoundError(f"a budget of 50 USD buys {found.page().title}")

    return reading


def check(path: Path) -> None:
    """Hold a configuration to a file beside it."""
    (path.parent / "ok.md").write_text("ok", encoding="utf-8")
    list(Check(load_config(path), DAY).results())


def request(path: Path) -> None:
    """Estimate a request, with the reply that it may have."""
    body = json.loads(path.read_bytes())
    kp.estimate(body, as_of=DAY)


def plan(path: Path) -> None:
    """Read what was planned, all of it on one model where it names several."""
    plan_of(path, "kimi-k2", None)


def templates(path: Path) -> None:
    """Read prompts, and bound each of them."""
    for prompt in read_templates(path):
        token_range(prompt, {})


def image(path: Path) -> None:
    """Read the size of an image."""
    image_size(str(path))


def tolerant(read: Callable[[Path], object]) -> Callable[[Path], None]:
    """Pass over what is no JSON where the caller has parsed it."""

    def reading(path: Path) -> None:
        try:
            read(path)
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise KimiPlannerError(str(error).partition("\n")[0]) from None
        except ValueError as error:
            if "integer string conversion" not in str(error):
                raise
            raise KimiPlannerError(str(error)) from None

    return reading


def readers() -> Mapping[str, Reader]:
    """Return every reader by its name, with sound contents."""
    example = (data_dir() / "workloads" / "seasonal.toml").read_bytes()
    first = (data_dir() / "workloads" / "first-plan.toml").read_bytes()
    card = (data_dir() / "catalogs" / "2026-06.toml").read_bytes()
    tiers = next((data_dir() / "limits").glob("*.toml")).read_bytes()
    workload = kp.Workload(name="w", requests_per_day=10, prompt_tokens=9, completion_tokens=5)
    projection = kp.project([workload], months=2, start="2026-11", as_of=DAY, n_paths=100)
    choice = kp.recommend([workload], projection=projection)
    planned, table = plan_json(choice).encode(), csv_text(planned_frames(choice)[0]).encode()
    excel = b"\xef\xbb\xbf" + table.replace(b"\n", b"\r\n")
    chosen = {"workloads": [workload], "projection": projection, "fit": choice.fit}
    reads = {
        "usage": Reader(usage, (".jsonl", ".csv", ".json", ".log", ".tsv"), LOGS),
        "parquet": Reader(usage, (".parquet", ".arrow", ".parquet.gz", ".arrow.gz"), tables()),
        "invoice": Reader(invoice, (".csv",), INVOICES),
        "prefix log": Reader(read_prefix_log, (".jsonl",), PREFIXES),
        "workloads": Reader(read_plan, (".toml",), (example, first)),
        "configuration": Reader(check, (".toml",), CONFIGURATIONS),
        "catalog": Reader(kp.load_catalog, (".toml",), (card,)),
        "prices": Reader(kp.load_catalog, (".json",), PRICES),
        "tiers": Reader(load_limits, (".toml",), (tiers,)),
        "evaluations": Reader(read_evaluations, (".csv",), EVALUATIONS),
        "portfolio": Reader(portfolio(chosen), (".csv",), EVALUATIONS),
        "plan": Reader(plan, (".json", ".csv"), (planned, table, excel)),
        "baseline": Reader(read_baseline, (".json",), BASELINES),
        "forecasts": Reader(read_past, (".jsonl",), PAST),
        "request": Reader(tolerant(request), (".json",), REQUESTS),
        "image": Reader(image, (".png", ".bin"), images()),
        "corpus": Reader(
            kp.tokens.count_corpus, (".txt", ".jsonl", ".csv", ".json"), LOGS + REQUESTS
        ),
    }
    prompts = {
        f"prompts {suffix}": Reader(templates, (suffix,), seeds)
        for suffix, seeds in PROMPTS.items()
    }
    return reads | prompts


def tables() -> tuple[bytes, ...]:
    """Return a log as Parquet and as Arrow."""
    import pyarrow as pa
    from pyarrow import feather, parquet

    table = pa.table({
        "timestamp": ["2026-11-01T00:00:00Z"] * 3, "model": ["kimi-k2"] * 3,
        "prompt_tokens": [10, 20, 30], "completion_tokens": [1, 2, 3],
        "usage": [{"cached_tokens": 1}] * 3,
    })  # fmt: skip
    one, other = io.BytesIO(), io.BytesIO()
    parquet.write_table(table, one)
    feather.write_feather(table, other)
    return one.getvalue(), other.getvalue()


def images() -> tuple[bytes, ...]:
    """Return an image in each form that is often sent."""
    from PIL import Image

    picture, found = Image.new("RGB", (16, 16)), []  # no icon is smaller
    for form in ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM", "ICO"):
        buffer = io.BytesIO()
        picture.save(buffer, form)
        found.append(buffer.getvalue())
    return tuple(found)


LOGS = (
    b"timestamp,model,prompt_tokens,cached_tokens,completion_tokens\n"
    + b"".join(b"2026-11-%02dT00:00:00Z,kimi-k2,100,%d,5\n" % (day, day) for day in range(1, 9)),
    b'{"id": "a", "model": "kimi-k2", "created": 1767225600, "usage": {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 3}}}\n'
    b'{"id": "b", "model": "kimi-k2-5", "created": 1767225601, "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}\n',
    b'{"model": "kimi-k2", "input_tokens": 10, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 0, "output_tokens": 5}\n' * 2,
    json.dumps({"data": [{"start_time": 1767225600, "end_time": 1767312000, "results": [{"input_tokens": 10, "input_cached_tokens": 2, "output_tokens": 5, "num_model_requests": 3, "model": "kimi-k2"}]}]}, indent=1).encode(),
    json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{"spanId": "a", "startTimeUnixNano": "1767225600000000000", "attributes": [{"key": "gen_ai.usage.input_tokens", "value": {"intValue": "10"}}, {"key": "gen_ai.usage.output_tokens", "value": {"intValue": "5"}}, {"key": "gen_ai.request.model", "value": {"stringValue": "kimi-k2"}}]}]}]}]}).encode(),
    b'data: {"id": "a", "object": "chat.completion.chunk", "choices": [{"usage": {"prompt_tokens": 5, "completion_tokens": 2}}]}\n\ndata: [DONE]\n',
    b'startTime,model,prompt_tokens,completion_tokens,spend,metadata\n2026-11-01T00:00:00Z,kimi-k2,5,2,0.1,"{""usage_object"": {""prompt_tokens"": 5}}"\n',
)  # fmt: skip
LOG = pd.DataFrame({
    "timestamp": ["2026-11-01T00:00:00Z"] * 2, "model": ["kimi-k2", "kimi-k2-5"],
    "prompt_tokens": [2_000_000, 1_000_000], "completion_tokens": [100_000, 0],
})  # fmt: skip
INVOICES = (
    b'day,model,meter,quantity,amount_usd\n2026-11-01,kimi-k2,input,2000000,2.40\n2026-11-01,kimi-k2-5,input,"1,000,000",2.50\n2026-11-01,,tax,,0.10\n',
    b"month,model,meter,quantity,amount_usd\n2026-11,kimi-k2,output,100000,0.36\n",
)
PREFIXES = (
    b'{"timestamp": 0, "input_length": 1024, "output_length": 5, "hash_ids": [1, 2]}\n' * 2,
)
CONFIGURATIONS = (
    b'model = "kimi-k2"\nwarn_fraction = 0.9\n[[prompts]]\npaths = ["*.md"]\nmax_tokens = 5\nmax_usd = 1.5\nexclude = ["x.md"]\n[[overrides]]\npaths = ["ok.md"]\nmax_tokens = 9\n',
    b'[tool.kimi-planner]\nmodel = "kimi-k2"\nseed = 3\n[[tool.kimi-planner.prompts]]\nkind = "templates"\nstyle = "format"\npaths = ["**/*.md"]\nmax_tokens = 5\n[tool.kimi-planner.prompts.variables]\nx = { max_tokens = 5 }\n',
)  # fmt: skip
PRICES = (
    json.dumps({"moonshot/kimi-k2": {"input_cost_per_token": 6e-07, "output_cost_per_token": 2.5e-06, "max_input_tokens": 131072, "litellm_provider": "moonshot", "mode": "chat", "supports_vision": False}}).encode(),
)  # fmt: skip
PAST = (
    b'{"model": null, "start": "2026-01-01", "until": "2026-02-01", "median_usd": 5.5, "scale": 0.2, "outcome_usd": 6.0}\n',
)
EVALUATIONS = (
    b"workload,model,successes,trials\nw,kimi-k2,9,10\nw,kimi-k2-5,10,10\n",
    b"workload,model,item,success\nw,kimi-k2,a,1\nw,kimi-k2,b,0\n",
    b"workload,model,item,success,prompt_tokens,cached_tokens,completion_tokens,cost_usd,seconds,score_before\n"
    + b"".join(b"w,kimi-k2,i%d,%d,10,5,3,0.01,1.5,0.%d\n" % (n, n % 2, n) for n in range(9)),
)
BASELINES = (
    json.dumps({"schema": 2, "kimi_planner": "1", "catalog": {"version": "2026-06", "sha256": "0"}, "seed": None, "paths": None, "prompts": [{"path": "a.md", "name": None, "kind": "text", "model": "kimi-k2", "tokens": 5, "low_tokens": 5, "input_usd_per_mtok": "1.2", "cost_usd": "0.1", "content": ""}], "workloads": []}).encode(),
)  # fmt: skip
REQUESTS = (
    json.dumps({"model": "kimi-k2-5", "max_tokens": 50, "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": [{"type": "text", "text": "hi"}, {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]}, {"role": "assistant", "content": None, "tool_calls": [{"id": "f:0", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}]}, {"role": "tool", "tool_call_id": "f:0", "content": "x"}], "tools": [{"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object", "properties": {"a": {"type": "integer", "enum": [1, 2]}}, "required": ["a"]}}}]}).encode(),
    json.dumps({"model": "kimi-k2", "messages": [{"role": "user", "content": "hi"}], "temperature": 0.6, "response_format": {"type": "json_object"}}).encode(),
)  # fmt: skip
PROMPTS = {
    ".py": (b'SYSTEM_PROMPT = f"You are {name:>5}. Answer in {language!r}."\nmessages = [{"role": "user", "content": "Hello %s" % x}]\nT = ChatPromptTemplate.from_messages([("system", "You {a}")])\n', Path(__file__).read_bytes()[:6_000]),
    ".ts": (b"const systemPrompt = `You are ${name} who is ${a ? 'kind' : `odd ${b}`}`;\nconst m = [{role: 'user', content: 'hi ' + x}];\nfunction f<T>(a: T) { return dedent`x ${a}`; }\n",),
    ".js": (b"export const PROMPT = 'a' + `b ${c}`; // kimi-planner: prompt\n",),
    ".yaml": (b"prompts:\n  - file://a.txt\n  - &a [x, {y: z}]\nsystem_prompt: |\n  You are {{ name }}.\nagents:\n  w:\n    role: Writer\n    goal: >-\n      Write {topic}\nagain: *a\n",),
    ".json": (b'{"prompt": "You are {name}.", "messages": [{"role": "user", "content": "hi"}], "list": [1, null, true]}',),
    ".jsonl": (b'{"prompt": "You are {name}."}\n{"messages": [{"role": "user", "content": "hi"}]}\n',),
    ".toml": (b'[agents.writer]\nsystem_prompt = """You\nare"""\nn = 5\n[[x]]\nprompt = "a {b}"\n',),
    ".j2": (b"{% for x in xs %}{{ x|upper }}{% else %}none{% endfor %}{% if a == 'b' %}c{% elif d %}e{% endif %}\n{% set y = 5 %}{{ y + 2 ** 3 }}{% macro m(z) %}{{ z }}{% endmacro %}{% raw %}{{ x }}{% endraw %}",),
    ".prompty": (b"---\nname: x\nmodel:\n  api: chat\n---\nsystem:\nYou are {{name}}.\n\nuser:\n{{question}}\n",),
    ".ipynb": (json.dumps({"cells": [{"cell_type": "code", "source": ["PROMPT = 'You are'\n", "%time x\n"], "outputs": []}, {"cell_type": "markdown", "source": "x"}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode(),),
}  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", choices=sorted(readers()))
    parser.add_argument("--keep", type=Path)
    chosen = parser.parse_args(arguments)
    outcome = fuzz(
        chosen.inputs, chosen.seed, first=chosen.first, only=chosen.only, keep=chosen.keep
    )
    for name in sorted(outcome.read.keys() | outcome.refused.keys()):
        print(f"{name:<16} {outcome.read[name]:>9,} read {outcome.refused[name]:>9,} refused")
    print(*outcome.faults, sep="\n", end="\n" if outcome.faults else "")
    total = outcome.read.total() + outcome.refused.total()
    print(
        f"{chosen.inputs:,} inputs, {total:,} of them read or refused, {len(outcome.faults):,} faults"
    )
    return bool(outcome.faults)


if __name__ == "__main__":
    sys.exit(main())
