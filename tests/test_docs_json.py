"""The page of the JSON forms names every key that a command prints, and no key that none prints."""

import json
import re
from pathlib import Path

import pytest
from commands import DRAWN, TRIALS, lay_out
from pages import run_ours

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
INTRODUCTION, *_PARTS = re.split(r"^## `kimi-planner ([a-z ]+)`.*$", PAGE, flags=re.MULTILINE)
SECTIONS = dict(zip(_PARTS[::2], _PARTS[1::2], strict=True))

ALSO = ("--also-in", "EUR=0.92@2026-11-24")
PLAN = ("plan", "workloads.toml", *DRAWN, "--start", "2026-11")
#: Under each section what prints it: all its keys are there in one of these together.
RUNS = {
    "plan": [
        (*PLAN, "--previous", "before.json", *ALSO),
        (*PLAN, "--also-in", "CNY=7.10@2026-11-24"),
    ],
    "recommend": [("recommend", "workloads.toml", *DRAWN, *ALSO)],
    "portfolio": [("portfolio", *DRAWN, "--budget", "40000", "--evaluations", TRIALS, "--frontier", *ALSO)],
    "throughput": [("throughput", *DRAWN, *ALSO)],
    "check": [("check", "--coverage")],
    "usage price": [("usage", "price", "usage.jsonl", *ALSO)],
    "usage forecast": [("usage", "forecast", "usage.jsonl", "--horizon", "30 days", *DRAWN[:2], *ALSO)],
    "usage outlook": [("usage", "outlook", "usage.jsonl", "--budget", "20", *DRAWN[:2], *ALSO)],
    "usage reconcile": [("usage", "reconcile", "before.json", "usage.jsonl", "--invoice", "invoice.csv", *ALSO)],
    "count": [("count", "p.md", *ALSO), ("count", "--audit", "log.jsonl")],
    "estimate": [("estimate", "request.json", *ALSO)],
    "catalog evidence": [("catalog", "evidence")],
    "catalog show": [("catalog", "show"), ("catalog", "show", "2026-11-public-3")],
    "catalog diff": [("catalog", "diff", "2026-06", "2026-11-public-3", "--workloads", "workloads.toml", *DRAWN)],
}  # fmt: skip
#: Pages that sections refer to.
REFERRED = {"check": "docs/checks.md", "catalog show": "data/README.md"}
#: Objects whose keys are names of the reader's own, or ids: workloads, models, meters, sources.
NAMED = {"recommended", "input_usd", "usage", "bill_usd", "list_bill_usd", "rates", "sources"}
METERS = {"bill_usd", "list_bill_usd"}
#: Values of whatever a catalog may have.
VALUES = {"old", "new"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Write what the commands are called with."""
    return lay_out(tmp_path_factory.mktemp("json"))


def printed(*arguments):
    code, said, fault = run_ours([*arguments, "--format", "json"])
    assert code in (0, 1, 3), fault
    return json.loads(said)


def keys_of(value, below=""):
    """Yield the keys of an object and of all in it, but for those that are names of the reader's own."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if below not in NAMED:
                yield key
            if key not in VALUES:
                yield from keys_of(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from keys_of(inner, below)


def amounts_of(value):
    """Yield the simulated amounts of an object, but for those by meter, which are not rounded."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, float) and "usd" in key:
                yield key, inner
            elif key not in METERS:
                yield from amounts_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from amounts_of(inner)


def in_usd(key):
    """Return a key that is named by another currency as it is in USD."""
    return re.sub(r"(^|_)(?:eur|cny)(?=_|$)", r"\1usd", key)


def words_of(text):
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return set(re.findall(r"[A-Za-z0-9_]+", " ".join(re.findall(r"`([^`]+)`", text))))


def test_every_section_is_run():
    """A command that gets a section here gets a run too."""
    assert set(SECTIONS) == set(RUNS)


@pytest.mark.parametrize("name", SECTIONS)
def test_the_keys_of_a_command_are_those_that_are_documented(name, folder, monkeypatch):
    """What is printed is named in the section, and what its table names is printed."""
    monkeypatch.chdir(folder)
    before = folder / "before.json"
    if not before.exists():
        before.write_text(
            json.dumps(printed("plan", "previous.toml", *DRAWN, "--start", "2026-11"))
        )
    objects = [printed(*arguments) for arguments in RUNS[name]]
    text = INTRODUCTION + SECTIONS["plan"] + SECTIONS[name]  # some keys are as for `plan`
    text += (ROOT / REFERRED[name]).read_text(encoding="utf-8") if name in REFERRED else ""
    words, keys = words_of(text), {key for one in objects for key in keys_of(one)}
    assert sorted(key for key in keys if words.isdisjoint({key, in_usd(key)})) == []
    rows = re.findall(r"^\| (`[^|]+) \|", SECTIONS[name], re.MULTILINE)
    documented = {word for row in rows for word in re.findall(r"`([^`]+)`", row)}
    assert sorted(documented - set().union(*objects)) == []
    assert [key for one in objects for key, usd in amounts_of(one) if usd != round(usd, 6)] == []
