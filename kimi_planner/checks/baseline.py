"""The baseline: what prompts and workloads were when somebody last accepted them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, TypeVar

import kimi_planner
from kimi_planner.catalog import Catalog
from kimi_planner.checks.content import Content
from kimi_planner.checks.prompt_limits import SpecsOfDay
from kimi_planner.checks.prompts import Prompt
from kimi_planner.errors import PriceNotFoundError
from kimi_planner.money import from_fraction, plain, total

if TYPE_CHECKING:
    from kimi_planner.checks.calls import Months
    from kimi_planner.plan.projection import Projection


DIGITS = 12  # of a simulated figure: machines may differ in the last ones of a float


@dataclass(frozen=True, kw_only=True)
class PromptEntry:
    """A prompt as it was.

    Attributes
    ----------
    kind
        ``"text"``, ``"request"``, ``"templates"``, or ``"fixed"`` where the tokens are those of the
        fixed text of a template.
    tokens, low_tokens, typical_tokens
        The most that it may have, the least, and what it usually has, which is what it costs;
        ``None`` where that is the most.
    input_usd_per_mtok, cost_usd
        Price of its model, and its cost as input of one call; ``None`` where there is no price.
    content
        What it says, by which it is known again under another name; no part of what makes two
        entries equal.
    """

    path: str
    name: str | None
    kind: str
    model: str | None
    tokens: int
    low_tokens: int
    input_usd_per_mtok: Decimal | None
    cost_usd: Decimal | None
    typical_tokens: int | None = None
    content: Content = field(default=Content(), compare=False)

    @property
    def billed_tokens(self) -> int:
        """What it costs money for: what it usually has, else the most."""
        return self.tokens if self.typical_tokens is None else self.typical_tokens

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
    requests, reasoning_tokens
        Expected totals.
    usage, usd
        Expected tokens, fees and spend by meter; the bill where nothing is uncertain.
    p50_usd, p90_usd
        Spend over paths; the bill where nothing is uncertain.
    """

    path: str
    name: str
    model: str
    start: str
    months: int
    requests: Decimal
    reasoning_tokens: Decimal
    usage: Mapping[str, Decimal]
    usd: Mapping[str, Decimal]
    p50_usd: Decimal
    p90_usd: Decimal

    @property
    def mean_usd(self) -> Decimal:
        """Expected spend."""
        return plain(total(self.usd.values()))

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
    source
        What it is called where it is no file; no part of what makes two equal.
    months
        How often prompts were sent, where that is known; neither.
    """

    version: str
    catalog: str
    sha256: str
    seed: int | None
    paths: int | None
    prompts: tuple[PromptEntry, ...] = ()
    workloads: tuple[WorkloadEntry, ...] = ()
    source: str = field(default="", compare=False)
    months: Months | None = field(default=None, compare=False)

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

    def without(self, paths: Set[str]) -> Baseline:
        """Return the baseline without what is in some files and folders."""
        return self._where(paths.isdisjoint) if paths else self

    def only(self, paths: Set[str]) -> Baseline:
        """Return what the baseline has of some files."""
        return self._where(lambda above: not paths.isdisjoint(above))

    def _where(self, is_kept: Callable[[set[str]], bool]) -> Baseline:
        """Return what is in files of which, with the folders above them, something is true."""

        def kept(entry: PromptEntry | WorkloadEntry) -> bool:
            return is_kept({entry.path, *map(str, PurePosixPath(entry.path).parents)})

        return replace(
            self,
            prompts=tuple(filter(kept, self.prompts)),
            workloads=tuple(filter(kept, self.workloads)),
        )


Entry = TypeVar("Entry", PromptEntry, WorkloadEntry)


def first_of_each(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return entries sorted, of two with one key the first."""
    found = {one.key: one for one in reversed(list(entries))}
    return tuple(found[key] for key in sorted(found))


def prompt_entry(prompt: Prompt, specs: SpecsOfDay) -> PromptEntry:
    """Return what is kept of a prompt; of one whose tokens have no bound, that of its fixed text."""
    tokens = prompt.fixed_tokens if prompt.tokens is None else prompt.tokens
    billed = tokens if prompt.billed_tokens is None else prompt.billed_tokens
    price = cost = None
    if prompt.model is not None:
        with suppress(PriceNotFoundError):
            cost = specs.usd(prompt.model, billed)
            price = specs.of(prompt.model).input_usd_per_mtok
    return PromptEntry(
        path=prompt.path,
        name=prompt.name,
        kind=prompt.recorded_kind,
        model=prompt.model,
        tokens=tokens,
        low_tokens=min(prompt.low, tokens),
        input_usd_per_mtok=price,
        cost_usd=cost,
        typical_tokens=None if billed == tokens else billed,
        content=Content(prompt.text),
    )


def workload_entry(projection: Projection, path: str, name: str) -> WorkloadEntry:
    """Return what is kept of a workload; the projection is of one model."""
    from kimi_planner.reconcile.billed import Billed

    (model,) = projection.models
    spend = projection.of(model, name).over_months()
    billed = Billed.in_month(spend, 0)
    if spend.exact_usd is None:
        p50, p90 = (plain(Decimal(f"{spend.quantile(q)[0]:.{DIGITS}g}")) for q in (0.5, 0.9))
    else:
        p50 = p90 = spend.exact_usd[0]
    return WorkloadEntry(
        path=path,
        name=name,
        model=model,
        start=str(projection.months[0]),
        months=len(projection.months),
        requests=from_fraction(billed.usage.requests),
        reasoning_tokens=from_fraction(billed.usage.reasoning),
        usage={key: from_fraction(amount) for key, amount in billed.usage if amount},
        usd={key: from_fraction(usd) for key, usd in billed.bill if usd},
        p50_usd=p50,
        p90_usd=p90,
    )
