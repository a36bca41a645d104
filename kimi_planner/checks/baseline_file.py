"""The file of a baseline: the same bytes for the same content, and every fault named."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from kimi_planner.billing.meters import FEE, METERS
from kimi_planner.checks.baseline import Baseline, Entry, PromptEntry, WorkloadEntry, first_of_each
from kimi_planner.checks.content import Content
from kimi_planner.errors import FileError, shown
from kimi_planner.files import read_text
from kimi_planner.json_text import parsed_json
from kimi_planner.limits import TEXT_BYTES
from kimi_planner.money import exact_decimal

SCHEMA = 2
#: Left out of the file where there is none.
_OPTIONAL = {"content", "typical_tokens"}
MOST_DIGITS = 40  # of a number, before and after the point
_REMEDY = "Write it anew with: kimi-planner check --update-baseline."


def baseline_text(baseline: Baseline) -> str:
    """Return the bytes of the file: sorted, one entry a line, the same for the same content."""
    head = {
        "schema": SCHEMA,
        "kimi_planner": baseline.version,
        "catalog": {"version": baseline.catalog, "sha256": baseline.sha256},
        "seed": baseline.seed,
        "paths": baseline.paths,
    }
    lines = [f"  {json.dumps(key)}: {_json(value)}," for key, value in head.items()]
    prompts = _array("prompts", baseline.prompts)
    workloads = _array("workloads", baseline.workloads)
    return "\n".join(["{", *lines, f"{prompts},", workloads, "}"]) + "\n"


def _array(name: str, entries: Sequence[object]) -> str:
    rows = ",".join(f"\n    {_json(as_text(_stated(one)))}" for one in entries)
    return f'  "{name}": [{rows}\n  ]' if rows else f'  "{name}": []'


def _stated(entry: object) -> dict[str, Any]:
    """Return what the file states of an entry."""
    return {
        key: value
        for key, value in vars(entry).items()
        if value is not None or key not in _OPTIONAL
    }


def as_text(value: object) -> Any:
    """Return a value of an entry with its decimals, also those by meter, and its content as text."""
    if isinstance(value, Mapping):
        return {key: as_text(amount) for key, amount in value.items()}
    if isinstance(value, Content):
        return value.digits
    return f"{value:f}" if isinstance(value, Decimal) else value


def _json(value: object) -> str:
    # what is not ASCII is escaped, so that no name in the file can hide or turn text around
    return json.dumps(value).replace("\x7f", "\\u007f")


def read_baseline(path: Path) -> Baseline:
    """Read a baseline.

    Raises
    ------
    FileError
        If the file cannot be read or is not a baseline.
    """
    if not path.is_file():
        raise FileError(
            "no baseline. Write one with: kimi-planner check --update-baseline.", at=path
        )
    text = read_text(path, limit=TEXT_BYTES)

    def wrong(what: str) -> FileError:
        return FileError(f"{what}. {_REMEDY}", at=path)

    data = parsed_json(text, path, _REMEDY)
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema != SCHEMA:
        raise wrong(f"schema is {shown(schema)}. This version reads {SCHEMA}")
    try:
        return Baseline(
            version=_text(data["kimi_planner"]),
            catalog=_text(data["catalog"]["version"]),
            sha256=_text(data["catalog"]["sha256"]),
            seed=_optional(_whole)(data["seed"]),
            paths=_optional(_whole)(data["paths"]),
            prompts=first_of_each(_entry(PromptEntry, one) for one in data["prompts"]),
            workloads=first_of_each(_entry(WorkloadEntry, one) for one in data["workloads"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise wrong(f"not a baseline ({type(error).__name__}: {error})") from None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{shown(value)} is not text")
    return value


def _whole(value: object) -> int:
    if type(value) is not int or value < 0:
        raise TypeError(f"{shown(value)} is not a whole number")
    return value


def _decimal(value: object) -> Decimal:
    return _number(_text(value))


@cache  # most prompts of a repository have one price
def _number(text: str) -> Decimal:
    number = exact_decimal(text)
    if number < 0 or (number and not -MOST_DIGITS < number.adjusted() < MOST_DIGITS):
        raise ValueError(f"{shown(text)} is negative, or out of all bounds")
    return number


def _decimals(value: object) -> dict[str, Decimal]:
    if not isinstance(value, dict):
        raise TypeError(f"{shown(value)} is no amounts by meter")
    return {_meter(key): _decimal(amount) for key, amount in value.items()}


def _meter(key: str) -> str:
    if key not in METERS and not key.startswith(FEE):
        raise ValueError(f"there is no meter {shown(key)}")
    return key


def _optional(read: Callable[[object], Any]) -> Callable[[object], Any]:
    return lambda value: None if value is None else read(value)


_READ: Mapping[str, Callable[[object], Any]] = {
    "str": _text,
    "str | None": _optional(_text),
    "int": _whole,
    "Content": lambda value: Content(recorded=_text(value)),
    "int | None": _optional(_whole),
    "Decimal": _decimal,
    "Decimal | None": _optional(_decimal),
    "Mapping[str, Decimal]": _decimals,
}
#: How each field of an entry is read.
_READERS: Mapping[type[Any], Mapping[str, Callable[[object], Any]]] = {
    kind: {field.name: _READ[str(field.type)] for field in fields(kind)}
    for kind in (PromptEntry, WorkloadEntry)
}


def _entry(kind: type[Entry], row: object) -> Entry:
    if not isinstance(row, dict):
        raise TypeError(f"{shown(row)} is no entry")
    readers = _READERS[kind]
    if extra := sorted(row.keys() - readers.keys()):
        raise ValueError(f"unknown key {extra[0]!r}")
    return kind(**{
        name: read(row[name])
        for name, read in readers.items()
        if name in row or name not in _OPTIONAL
    })  # fmt: skip
