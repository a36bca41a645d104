"""What a configuration allows: budgets of prompts, workloads and the catalog, and growth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from os.path import relpath
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from kimi_planner.boundary import Boundary
from kimi_planner.catalog import Catalog
from kimi_planner.checks.globs import is_among, matches
from kimi_planner.checks.results import Place
from kimi_planner.errors import Where

if TYPE_CHECKING:
    from kimi_planner.checks.totals import TotalBudget


Kind = TypeVar("Kind", "PromptBudget", "WorkloadBudget", "Growth")


@dataclass(frozen=True, kw_only=True)
class Matching:
    """What is for the files that match some paths.

    Attributes
    ----------
    paths, exclude
        Globs, relative to the configuration, and those of files to leave out.
    """

    paths: tuple[str, ...]
    exclude: tuple[str, ...] = ()

    def has(self, path: str) -> bool:
        """Whether it is for a file."""
        return matches(path, self.paths) and not matches(path, self.exclude)


@dataclass(frozen=True, kw_only=True)
class PromptBudget(Matching):
    """A budget for each file that matches some paths.

    Attributes
    ----------
    kind
        ``"text"`` for whole files, ``"request"`` for bodies of chat completions, or ``"templates"``
        for prompts inside code and configuration; if ``None``, what the name and the file say.
    names, style, variables
        Of templates: globs of the names to take, how texts are filled, and what each variable may
        hold, by name or pattern, as :func:`token_range` takes it.
    default_variables
        The same for all budgets; what this one says comes first.
    hold
        What of a template is held: ``"filled"``, all that it may have, or ``"fixed"``, its text alone.
    model, default_model
        Whose template and prices: what the budget itself names, then the body's own model, then
        the default of the configuration; ``None`` where not given.
    max_tokens, max_usd
        Most prompt tokens of a file, and most that sending it once may cost as input.
    completion_tokens
        Output tokens reserved for a call; a body's own limit if not given.
    max_usd_per_call
        Most that prompt and reserved output may cost.
    max_context_share
        Most of the context window that they may take, from 0 to 1.
    workload, workload_file
        The workload whose every call has each of these prompts in it, and the file that it is in;
        those of the budgets of workloads if ``None``.
    calls_per_month, cached_share
        How often each is sent in a month instead, as a workload states it, and the share of its tokens
        that a cache serves.
    warn_fraction
        The fraction of a limit above which a value within it is a warning; none if ``None``.
    where
        File and line of the budget.
    """

    kind: str | None = None
    names: tuple[str, ...] | None = None
    style: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    default_variables: Mapping[str, Any] = field(default_factory=dict)
    hold: str = "filled"
    model: str | None = None
    default_model: str | None = None
    max_tokens: int | None = None
    max_usd: Decimal | None = None
    completion_tokens: int | None = None
    max_usd_per_call: Decimal | None = None
    max_context_share: Decimal | None = None
    workload: str | None = None
    workload_file: str | None = None
    calls_per_month: Any = None
    cached_share: Decimal | None = None
    warn_fraction: Decimal | None = None
    where: Where

    @property
    def has_calls(self) -> bool:
        """Whether it says how often its prompts are sent."""
        return self.workload is not None or self.calls_per_month is not None

    @property
    def declared(self) -> dict[str, Any]:
        """What variables may hold, that of all budgets included."""
        own = dict(self.variables)
        return own | {key: one for key, one in self.default_variables.items() if key not in own}


@dataclass(frozen=True, kw_only=True)
class WorkloadBudget:
    """A budget for a workload file, or for one workload in it.

    Attributes
    ----------
    path, name
        The file, and the workload in it; all workloads together if ``name`` is ``None``.
    model
        Model id.
    percentile, max_usd_per_month
        Which percentile of each month's spend must stay within which amount.
    max_p50_usd_per_month, max_p90_usd_per_month
        The same for these two percentiles.
    approved
        An approved plan, relative to the configuration, whose bookable number must not be exceeded:
        over its months, on its models, and with its seed and contingency.
    min_fit_share
        The least share of each workload's calls that must fit the context window.
    tier
        The rate-limit tier of the account, which must be enough.
    peak_hour_share, output_tokens_per_second
        What the need of a tier depends on, for workloads that do not say it.
    months
        How many months are projected.
    warn_fraction, where
        As of a prompt's budget.
    """

    path: str
    name: str | None = None
    model: str
    percentile: float = 90.0
    months: int = 12
    max_usd_per_month: Decimal | None = None
    max_p50_usd_per_month: Decimal | None = None
    max_p90_usd_per_month: Decimal | None = None
    approved: str | None = None
    min_fit_share: Decimal | None = None
    tier: int | None = None
    peak_hour_share: Decimal | None = None
    output_tokens_per_second: Decimal | None = None
    warn_fraction: Decimal | None = None
    where: Where

    @property
    def spend_limits(self) -> tuple[tuple[float, Decimal], ...]:
        """Percentiles of monthly spend and what they must stay within."""
        limits = (
            (self.percentile, self.max_usd_per_month),
            (50.0, self.max_p50_usd_per_month),
            (90.0, self.max_p90_usd_per_month),
        )
        return tuple((percentile, limit) for percentile, limit in limits if limit is not None)


@dataclass(frozen=True, kw_only=True)
class CatalogBudget:
    """How old the price catalog may be, and how far from another source.

    Attributes
    ----------
    max_age_days
        Most days since each source was last checked.
    against, max_drift_percent
        Another catalog, and by how much a price may differ from it.
    """

    max_age_days: int | None = None
    against: str | None = None
    max_drift_percent: Decimal | None = None
    where: Where


@dataclass(frozen=True, kw_only=True)
class Growth:
    """How much prompts and workloads may grow since the baseline.

    Attributes
    ----------
    max_growth_percent
        Most percent of a prompt's cost (of its tokens, where it has no price), and of a workload's
        mean spend.
    max_growth_tokens, max_growth_usd
        Most tokens, and USD for one call, of a prompt.
    max_growth_usd_per_month
        Most USD of a workload's mean spend.
    max_new_tokens
        Most tokens of a prompt that was not there.
    ignore_below_tokens, ignore_below_usd, ignore_below_usd_per_month
        Changes smaller than these are not reported.
    """

    max_growth_percent: Decimal | None = None
    max_growth_tokens: int | None = None
    max_growth_usd: Decimal | None = None
    max_growth_usd_per_month: Decimal | None = None
    max_new_tokens: int | None = None
    ignore_below_tokens: int | None = None
    ignore_below_usd: Decimal | None = None
    ignore_below_usd_per_month: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class Override:
    """Other limits for some paths.

    Attributes
    ----------
    values
        Field of a budget or of the growth to its value.
    """

    paths: tuple[str, ...]
    values: Mapping[str, Any]
    where: Where


@dataclass(frozen=True, kw_only=True)
class CheckConfig:
    """What a configuration asks for.

    Attributes
    ----------
    path
        Where it was read from; paths in it are relative to its folder.
    catalog, catalog_name
        Whose prices, and what :func:`load_catalog` was given for it.
    prompts, workloads, totals, catalog_checks
        The budgets.
    workload_files
        Paths of all budgets of workloads, also where those of some files alone are asked for.
    growth, overrides
        What may grow, and other limits for some paths, of which the last that matches wins.
    baseline
        Path of the baseline, relative to the configuration.
    variables, variables_where
        What variables of all templates may hold, and where each is said.
    min_coverage
        The least share of the tokens of prompts, and of what looks like one, that must be counted.
    seed
        Seed of the projections.
    boundary
        What it may read.
    only
        The files and folders to check, relative to the configuration, ``None`` for all. Nothing is said of the
        others, nor of what needs all: coverage, the catalog and lines of it that do nothing.
    """

    path: Path
    catalog: Catalog
    catalog_name: str | Path | None = None
    prompts: tuple[PromptBudget, ...] = ()
    workloads: tuple[WorkloadBudget, ...] = ()
    workload_files: tuple[str, ...] = ()
    totals: tuple[TotalBudget, ...] = ()
    catalog_checks: CatalogBudget | None = None
    growth: Growth = Growth()
    overrides: tuple[Override, ...] = ()
    baseline: str = "kimi-planner-baseline.json"
    variables: Mapping[str, Any] = field(default_factory=dict)
    variables_where: Mapping[str, Where] = field(default_factory=dict)
    min_coverage: Decimal | None = None
    seed: int = 0
    boundary: Boundary = field(default_factory=Boundary, compare=False)
    only: frozenset[str] | None = None

    def for_files(self, paths: Iterable[Path]) -> CheckConfig:
        """Return the configuration for some files and folders alone; as it is, if it is one of them."""
        real = {path.resolve() for path in paths}
        if self.path.resolve() in real:
            return self
        folder = self.folder.resolve()
        names = frozenset(Path(relpath(one, folder)).as_posix() for one in real)
        return replace(
            self,
            only=names,
            workloads=tuple(one for one in self.workloads if is_among(one.path, names)),
            totals=(),
            catalog_checks=None,
            min_coverage=None,
        )

    @property
    def folder(self) -> Path:
        """What paths are relative to."""
        return self.path.parent

    def place(self, where: Where) -> Place:
        """Return a line of the configuration as the place of a result."""
        return Place(path=self.path.name, line=where.line)

    @property
    def models(self) -> dict[str, Where]:
        """Models that budgets name, and where each is named first."""
        named = [(one.model or one.default_model, one.where) for one in self.prompts]
        named += [(one.model, one.where) for one in self.workloads]
        found: dict[str, Where] = {}
        for name, where in named:
            if name is not None:
                found.setdefault(name, where)
        return found

    def overridden(self, one: Kind, path: str) -> Kind:
        """Return a budget, or the growth, as it is for one path."""
        if not self.overrides:
            return one
        names = {known.name for known in fields(one)}
        values: dict[str, Any] = {}
        for override in self.overrides:
            if matches(path, override.paths):
                values |= {key: value for key, value in override.values.items() if key in names}
        return replace(one, **values) if values else one
