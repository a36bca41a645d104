"""The baseline: what prompts and workloads were when somebody last accepted them, as one file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import kimi_planner
from kimi_planner.catalog import Catalog
from kimi_planner.checks.prompts import Prompt, SpecsOfDay
from kimi_planner.errors import FileError, PriceNotFoundError, shown
from kimi_planner.files import read_text
from kimi_planner.money import TOKENS_PER_MTOK, exact_decimal, plain

if TYPE_CHECKING:
    from kimi_planner.projection import Projection

__all__ = [
    "Baseline",
    "PromptEntry",
    "WorkloadEntry",
    "baseline_text",
    "prompt_entry",
    "read_baseline",
    "workload_entry",
]

SCHEMA = 1
MAX_BYTES = 100_000_000
MOST_DIGITS = 40  # of a number, before and after the point
DIGITS = 12  # of a simulated figure: machines may differ in the last ones of a float
_REMEDY = "Write it anew with: kimi-planner check --update-baseline."


@dataclass(frozen=True, kw_only=True)
class PromptEntry:
    """A prompt as it was.

    Attributes
    ----------
    tokens, low_tokens
        The most that it may have, and the least.
    input_usd_per_mtok, cost_usd
        Price of its model, and its cost as input of one call; ``None`` where there is no price.
    """

    path: str
    name: str | None
    kind: str
    model: str | None
    tokens: int
    low_tokens: int
    input_usd_per_mtok: Decimal | None
    cost_usd: Decimal | None

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What it is known by from one run to the next."""
        return (self.path, self.name or "", self.kind, self.model or "")


@dataclass(frozen=True, kw_only=True)
class WorkloadEntry:
    """A workload as it was: totals over all its months.

    Attributes
    ----------
    start, months
        The first month, and how many.
    requests, prompt_tokens, cached_tokens, completion_tokens, reasoning_tokens
        Expected totals.
    input_usd_per_mtok, cached_input_usd_per_mtok, output_usd_per_mtok
        Prices in the first month.
    mean_usd, p50_usd, p90_usd
        Spend over scenarios; three times the bill where nothing is uncertain.
    """

    path: str
    name: str
    model: str
    start: str
    months: int
    requests: Decimal
    prompt_tokens: Decimal
    cached_tokens: Decimal
    completion_tokens: Decimal
    reasoning_tokens: Decimal
    input_usd_per_mtok: Decimal
    cached_input_usd_per_mtok: Decimal
    output_usd_per_mtok: Decimal
    mean_usd: Decimal
    p50_usd: Decimal
    p90_usd: Decimal

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is known by from one run to the next."""
        return (self.path, self.name, self.model)


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What was accepted.

    Attributes
    ----------
    version
        Version of this package that wrote it.
    catalog, sha256
        Whose prices.
    seed, paths
        What the projections rest on; ``None`` without workloads.
    """

    version: str
    catalog: str
    sha256: str
    seed: int | None
    paths: int | None
    prompts: tuple[PromptEntry, ...] = ()
    workloads: tuple[WorkloadEntry, ...] = ()

    @classmethod
    def of(
        cls,
        catalog: Catalog,
        seed: int,
        prompts: Iterable[PromptEntry],
        workloads: Iterable[WorkloadEntry],
    ) -> Baseline:
        """Return the baseline of this moment; of two entries with one key the first counts."""
        paths = None
        plans = _first_of_each(workloads)
        if plans:
            from kimi_planner.projection.spend import DEFAULT_PATHS

            paths = DEFAULT_PATHS
        return cls(
            version=kimi_planner.__version__,
            catalog=catalog.version,
            sha256=catalog.sha256,
            seed=seed if plans else None,
            paths=paths,
            prompts=_first_of_each(prompts),
            workloads=plans,
        )


Entry = TypeVar("Entry", PromptEntry, WorkloadEntry)


def _first_of_each(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    found: dict[tuple[str, ...], Entry] = {}
    for one in entries:
        found.setdefault(one.key, one)
    return tuple(found[key] for key in sorted(found))


def prompt_entry(prompt: Prompt, specs: SpecsOfDay) -> PromptEntry | None:
    """Return what is kept of a prompt, ``None`` if its tokens have no bound."""
    if prompt.tokens is None:
        return None
    price = None
    if prompt.model is not None:
        try:
            price = specs.of(prompt.model).input_usd_per_mtok
        except PriceNotFoundError:
            price = None
    return PromptEntry(
        path=prompt.path,
        name=prompt.name,
        kind=prompt.kind,
        model=prompt.model,
        tokens=prompt.tokens,
        low_tokens=prompt.low,
        input_usd_per_mtok=price,
        cost_usd=None if price is None else plain(price * prompt.tokens / TOKENS_PER_MTOK),
    )


def workload_entry(projection: Projection, path: str, name: str) -> WorkloadEntry:
    """Return what is kept of a workload; the projection is of one model."""
    (spec,) = projection.specs
    spec = spec.on(projection.months[0].first)
    rates = spec.rates()
    spend = projection.of(spec.id, name).over_months()
    exact = None if spend.exact_usd is None else spend.exact_usd[0]

    def kept(value: float) -> Decimal:
        return plain(Decimal(f"{value:.{DIGITS}g}"))

    def price(units: int) -> Decimal:
        return plain(Decimal(units).scaleb(6 - rates.places))

    return WorkloadEntry(
        path=path,
        name=name,
        model=spec.id,
        start=str(projection.months[0]),
        months=len(projection.months),
        requests=kept(spend.requests[0]),
        prompt_tokens=kept(spend.prompt_tokens[0]),
        cached_tokens=kept(spend.cached_tokens[0]),
        completion_tokens=kept(spend.completion_tokens[0]),
        reasoning_tokens=kept(spend.reasoning_tokens[0]),
        input_usd_per_mtok=price(rates.input),
        cached_input_usd_per_mtok=price(rates.cached),
        output_usd_per_mtok=price(rates.output),
        mean_usd=kept(spend.mean()[0]) if exact is None else plain(exact),
        p50_usd=kept(spend.quantile(0.5)[0]) if exact is None else plain(exact),
        p90_usd=kept(spend.quantile(0.9)[0]) if exact is None else plain(exact),
    )


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
    prompts = _array("prompts", [_json(_values(one)) for one in baseline.prompts])
    workloads = _array("workloads", [_json(_values(one)) for one in baseline.workloads])
    return "\n".join(["{", *lines, f"{prompts},", workloads, "}"]) + "\n"


def _array(name: str, rows: list[str]) -> str:
    inner = ",".join(f"\n    {row}" for row in rows)
    return f'  "{name}": [{inner}\n  ]' if rows else f'  "{name}": []'


def _values(entry: PromptEntry | WorkloadEntry) -> dict[str, Any]:
    return {
        name: f"{value:f}" if isinstance(value, Decimal) else value
        for name, value in vars(entry).items()
    }


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
            f"{path}: no baseline. Write one with: kimi-planner check --update-baseline."
        )
    text = read_text(path, limit=MAX_BYTES)
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FileError(f"{path}: not JSON ({error}). {_REMEDY}") from None
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema != SCHEMA:
        raise FileError(
            f"{path}: schema is {shown(schema)}. This version reads {SCHEMA}. {_REMEDY}"
        )
    try:
        return Baseline(
            version=_text(data["kimi_planner"]),
            catalog=_text(data["catalog"]["version"]),
            sha256=_text(data["catalog"]["sha256"]),
            seed=_optional(_whole)(data["seed"]),
            paths=_optional(_whole)(data["paths"]),
            prompts=_first_of_each(_entry(PromptEntry, one) for one in data["prompts"]),
            workloads=_first_of_each(_entry(WorkloadEntry, one) for one in data["workloads"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise FileError(
            f"{path}: not a baseline ({type(error).__name__}: {error}). {_REMEDY}"
        ) from None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{shown(value)} is not text")
    return value


def _whole(value: object) -> int:
    if type(value) is not int or value < 0:
        raise TypeError(f"{shown(value)} is not a whole number")
    return value


def _decimal(value: object) -> Decimal:
    number = exact_decimal(_text(value))
    if number < 0 or (number and not -MOST_DIGITS < number.adjusted() < MOST_DIGITS):
        raise ValueError(f"{shown(value)} is negative, or out of all bounds")
    return number


def _optional(read: Callable[[object], Any]) -> Callable[[object], Any]:
    return lambda value: None if value is None else read(value)


_READ: Mapping[str, Callable[[object], Any]] = {
    "str": _text,
    "str | None": _optional(_text),
    "int": _whole,
    "Decimal": _decimal,
    "Decimal | None": _optional(_decimal),
}


def _entry(kind: type[Entry], row: object) -> Entry:
    if not isinstance(row, dict):
        raise TypeError(f"{shown(row)} is no entry")
    known = {field.name: str(field.type) for field in fields(kind)}
    if extra := sorted(set(row) - set(known)):
        raise ValueError(f"unknown key {extra[0]!r}")
    return kind(**{name: _READ[type_](row[name]) for name, type_ in known.items()})
