"""The baseline: what prompts and workloads were when somebody last accepted them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

import kimi_planner
from kimi_planner.catalog import Catalog
from kimi_planner.checks.prompt_limits import SpecsOfDay
from kimi_planner.checks.prompts import Prompt
from kimi_planner.errors import PriceNotFoundError
from kimi_planner.money import TOKENS_PER_MTOK, plain

if TYPE_CHECKING:
    from kimi_planner.plan.projection import Projection

__all__ = [
    "Baseline",
    "Entry",
    "PromptEntry",
    "WorkloadEntry",
    "first_of_each",
    "prompt_entry",
    "workload_entry",
]

DIGITS = 12  # of a simulated figure: machines may differ in the last ones of a float


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
        plans = first_of_each(workloads)
        if plans:
            from kimi_planner.plan.simulation import DEFAULT_PATHS

            paths = DEFAULT_PATHS
        return cls(
            version=kimi_planner.__version__,
            catalog=catalog.version,
            sha256=catalog.sha256,
            seed=seed if plans else None,
            paths=paths,
            prompts=first_of_each(prompts),
            workloads=plans,
        )

    def without(self, paths: Collection[str]) -> Baseline:
        """Return the baseline without what is in some files."""
        return replace(
            self,
            prompts=tuple(one for one in self.prompts if one.path not in paths),
            workloads=tuple(one for one in self.workloads if one.path not in paths),
        )


Entry = TypeVar("Entry", PromptEntry, WorkloadEntry)


def first_of_each(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return entries sorted, of two with one key the first."""
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
