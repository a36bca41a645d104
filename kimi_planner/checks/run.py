"""A whole check: prompts, workloads and catalog against budgets and baseline; never prints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from kimi_planner.checks.budgets import CheckConfig
from kimi_planner.checks.coverage import Coverage, hold_coverage
from kimi_planner.checks.found import Found, find_prompts
from kimi_planner.checks.prompt_limits import SpecsOfDay, hold_prompt
from kimi_planner.checks.prompts import Prompt, Reader, read_file
from kimi_planner.checks.results import CheckResult, Outcome
from kimi_planner.checks.unused import unused_overrides, unused_variables
from kimi_planner.checks.workloads import Plans, hold_workloads
from kimi_planner.errors import PriceNotFoundError
from kimi_planner.notes import Note, counted, note

if TYPE_CHECKING:  # most checks have no baseline, and a check should start quickly
    from kimi_planner.checks.baseline import Baseline, Entry, WorkloadEntry
    from kimi_planner.checks.calls import Months
    from kimi_planner.checks.changes import PromptChange, WorkloadChange
    from kimi_planner.checks.growth import Comparison
    from kimi_planner.checks.months import MonthsOfChanges


Given = ParamSpec("Given")
Result = TypeVar("Result")

MAX_PLACES = 5  # that a note names; it counts the others


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """What came of a check.

    Attributes
    ----------
    results
        In the order of the configuration.
    comparison
        What changed since the baseline, if there was one to compare with.
    notes
        What the reader must know beside the results, in words.
    coverage
        What became of every file, if that was asked for.
    catalog
        Version and start of the sha256 of the catalog.
    """

    results: tuple[CheckResult, ...]
    comparison: Comparison | None = None
    notes: tuple[Note, ...] = ()
    coverage: Coverage | None = None
    catalog: str = ""


def _held(method: Callable[Concatenate[Check, Given], Result]) -> Callable[..., Result]:
    """Let a method read only what the configuration may."""

    @wraps(method)
    def within(check: Check, *args: Given.args, **options: Given.kwargs) -> Result:
        with check.config.boundary.held():
            return method(check, *args, **options)

    return within


class Check:
    """A check that is being made; what is counted or projected for one thing serves the others.

    Parameters
    ----------
    config : CheckConfig
        The budgets.
    as_of : date, optional
        The day whose prices and rules count; today if not given.
    read : callable
        What reads the prompts inside a file, as :func:`read_file` does.
    """

    def __init__(
        self, config: CheckConfig, as_of: date | None = None, read: Reader = read_file
    ) -> None:
        self.config = config
        self._read = read
        self.as_of = date.today() if as_of is None else as_of  # noqa: DTZ011 - the checker's own day
        self._specs = SpecsOfDay(config.catalog, self.as_of)
        self._plans = Plans(config, self.as_of)

    @cached_property
    @_held
    def found(self) -> list[Found]:
        """What each budget of prompts is for."""
        return find_prompts(self.config, self.as_of, self._read)

    @property
    def prompts(self) -> Iterator[Prompt]:
        """Every prompt that was counted, once for each budget that it is subject to."""
        for found in self.found:
            yield from found.prompts

    @cached_property
    @_held
    def unread(self) -> frozenset[str]:
        """Files and folders that cannot be read, so that nobody can tell what became of them."""
        faults = [fault for found in self.found for fault in found.faults]
        faults += filter(None, map(self._plans.fault, self.config.workloads))
        return frozenset(fault.path for fault in faults if fault.rule == "bad-input")

    @_held
    def results(self) -> Iterator[CheckResult]:
        """Return a result for every limit and thing, in the order of the configuration.

        A file that cannot be read is one result, however many budgets name it.

        Raises
        ------
        ConfigError
            If a budget names a workload or a tier that there is not.
        """
        kept, said = [], set()
        for result in self._results():
            if result.outcome is Outcome.INVALID:
                if result in said:
                    continue
                said.add(result)
            kept.append(result)
        return iter(kept)

    def notes(self) -> Iterator[Note]:
        """Yield what the reader must know of prompts."""
        said: dict[Note, dict[str, None]] = {}
        for prompt in self.prompts:
            for one in prompt.notes:
                line = "" if prompt.line is None else f" line {prompt.line}"
                said.setdefault(one, {})[f"{prompt.path}{line}"] = None
        for one, places in said.items():
            first = list(places)[:MAX_PLACES]
            rest = len(places) - len(first)
            where = ", ".join(first) + (f" and {rest:,} more" if rest else "")
            yield note("of_prompt", where=where, said=one)
        left_out = self.coverage.left_out
        if left_out:
            texts, tokens = counted(len(left_out), "text"), self.coverage.left_out_tokens
            yield note("texts_left_out", texts=texts, tokens=tokens)

    @cached_property
    def coverage(self) -> Coverage:
        """What became of every file that budgets of prompts match."""
        return Coverage.of(
            (state for found in self.found for state in found.files),
            self.prompts,
            (one for found in self.found for one in found.left_out),
        )

    def _results(self) -> Iterator[CheckResult]:
        for found in self.found:
            yield from found.faults
            for prompt in found.prompts:
                yield from hold_prompt(
                    prompt, self.config.overridden(found.budget, prompt.path), self._specs
                )
        for workloads in self.config.workloads:
            yield from hold_workloads(
                self.config.overridden(workloads, workloads.path), self._plans
            )
        if self.config.totals:
            from kimi_planner.checks.totals import hold_totals

            yield from hold_totals(self.prompts, self.unread, self.config)
        is_whole = self.config.only is None
        if is_whole and any(one.has_calls for one in self.config.prompts):
            yield from self.months.faults()
        if self.config.catalog_checks is not None:
            from kimi_planner.checks.catalogs import hold_catalog

            yield from hold_catalog(self.config.catalog_checks, self.config, self.as_of)
        if self.config.min_coverage is not None and self.config.prompts:
            yield hold_coverage(self.coverage, self.config.min_coverage, self.config.path.name)
        if not is_whole:
            return
        yield from unused_overrides(self.prompts, self.unread, self.config)
        if not self.unread:
            wheres = self.config.variables_where
            yield from unused_variables(self.prompts, wheres, self.config.variables, self.config)

    @_held
    def report(
        self,
        baseline: Baseline | None = None,
        *,
        may_grow: bool = False,
        coverage: bool = False,
        notes: Iterable[Note] = (),
    ) -> CheckReport:
        """Return what came of the check.

        Parameters
        ----------
        baseline : Baseline, optional
            What to compare with. What it has of files that cannot be read is left out.
        may_grow : bool
            Whether growth is only shown, not held against what is allowed.
        coverage : bool
            Whether to say what became of every file.
        notes : iterable of Note
            What the reader must know of the baseline.
        """
        results, comparison, notes = list(self.results()), None, [*self.notes(), *notes]
        if baseline is not None:
            from kimi_planner.checks.growth import compare, hold_growth

            only = self.config.only
            baseline = baseline if only is None else baseline.only(only)
            known = baseline.without(self.unread)
            if known != baseline:
                notes.append(note("not_compared", paths=sorted(self.unread)))
            prompts, workloads = self.changes(known)
            added = self._added(known, prompts)
            if added is not None:
                prompts = added.by_prompt
                notes += (
                    note("no_month", path=path, why=why) for path, why in added.unknown.items()
                )
            comparison = compare(known, self.moment, self.config, prompts, workloads)
            if added is not None:
                comparison = replace(comparison, added=tuple(added.every), month=added.total)
            if not may_grow:
                from kimi_planner.checks.totals import hold_total_growth

                results += hold_growth(prompts, workloads, self.config)
                results += hold_total_growth(known, self.moment, self.config)
                results += [] if added is None else added.results()
        return CheckReport(
            results=tuple(results),
            comparison=comparison,
            notes=tuple(notes),
            coverage=self.coverage if coverage else None,
            catalog=f"{self.config.catalog.version} (sha256 {self.config.catalog.sha256[:12]})",
        )

    @_held
    def _added(self, old: Baseline, prompts: list[PromptChange]) -> MonthsOfChanges | None:
        """Return what changes of prompts add to a month, ``None`` if nobody says how often they are sent."""
        if not any(one.has_calls for one in self.config.prompts):
            return None
        from kimi_planner.checks.months import MonthsOfChanges

        return MonthsOfChanges(self.months, old.months, prompts)

    @cached_property
    def months(self) -> Months:
        """What prompts cost in a month."""
        from kimi_planner.checks.calls import Months

        return Months(self.config, self.as_of, self._plans)

    @cached_property
    @_held
    def moment(self) -> Baseline:
        """What prompts and workloads are now, without those of files that cannot be read."""
        from kimi_planner.checks.baseline import Baseline, prompt_entry

        return Baseline.of(
            self.config.catalog,
            self.config.seed,
            (prompt_entry(prompt, self._specs) for prompt in self.prompts),
            self._workload_entries({}),
        ).without(self.unread)

    @_held
    def changes(self, old: Baseline) -> tuple[list[PromptChange], list[WorkloadChange]]:
        """Return what became of everything that was in the baseline, or is now."""
        from kimi_planner.checks.changes import prompt_change, workload_change
        from kimi_planner.checks.content import renamed

        lines = {prompt.key: prompt.line for prompt in self.prompts}
        pairs = list(_paired(old.prompts, self.moment.prompts))
        gone = [then for then, now in pairs if then is not None and now is None]
        new = [now for then, now in pairs if then is None and now is not None]
        moved = list(renamed(gone, new))
        if moved:
            known = {id(entry) for pair in moved for entry in pair}
            pairs = [*moved, *(pair for pair in pairs if not known & set(map(id, pair)))]
        prompts = [
            prompt_change(then, now, lines.get(now.key) if now else None) for then, now in pairs
        ]
        entries = self._workload_entries({one.key: one for one in old.workloads})
        workloads = [
            workload_change(then, now, self._plans.line(now.path, now.name) if now else None)
            for then, now in _paired(old.workloads, entries)
        ]
        return prompts, workloads

    def _workload_entries(
        self, planned: dict[tuple[str, str, str], WorkloadEntry]
    ) -> Iterator[WorkloadEntry]:
        """Yield what workloads are; over the months of the baseline where it has them.

        What has no price or cannot be read has no entry; its budget says so.
        """
        from kimi_planner.checks.baseline import workload_entry

        for budget in self.config.workloads:
            if self._plans.fault(budget) is not None:
                continue
            for workload in self._plans.workloads(budget):
                old = planned.get((budget.path, workload.name, budget.model))
                try:
                    projection = self._plans.projection(
                        budget, old.start if old else None, old.months if old else None
                    )
                except PriceNotFoundError:
                    continue
                yield workload_entry(projection, budget.path, workload.name)


def _paired(
    old: Iterable[Entry], new: Iterable[Entry]
) -> Iterator[tuple[Entry | None, Entry | None]]:
    """Yield each thing as it was and as it is, ``None`` where it was not or is no more."""
    then, now = ({one.key: one for one in entries} for entries in (old, new))
    for key in sorted(then.keys() | now.keys()):
        yield then.get(key), now.get(key)
