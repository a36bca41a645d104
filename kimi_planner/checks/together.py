"""Reports as a repository sees them: paths from its root, and several configurations as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from posixpath import join, normpath
from typing import Any

from kimi_planner.checks.coverage import Coverage
from kimi_planner.checks.growth import Comparison, by_size
from kimi_planner.checks.run import CheckReport


def rooted(report: CheckReport, base: str) -> CheckReport:
    """Return a report with its paths as seen from the root of the repository.

    Parameters
    ----------
    report : CheckReport
        Its paths are relative to the configuration.
    base : str
        Folder of the configuration below the root, ``""`` if it is the root.
    """
    if not base:
        return report

    def below(path: str) -> str:
        return normpath(join(base, path))

    def moved(change: Any) -> Any:
        entries = {
            name: replace(entry, path=below(entry.path))
            for name, entry in (("old", change.old), ("new", change.new))
            if entry is not None
        }
        return replace(change, **entries)

    comparison = report.comparison and replace(
        report.comparison,
        baseline=below(report.comparison.baseline)
        if report.comparison.is_file
        else report.comparison.baseline,
        prompts=tuple(map(moved, report.comparison.prompts)),
        workloads=tuple(map(moved, report.comparison.workloads)),
    )
    coverage = report.coverage and replace(
        report.coverage,
        files=tuple(replace(one, path=below(one.path)) for one in report.coverage.files),
        left_out=tuple(replace(one, path=below(one.path)) for one in report.coverage.left_out),
    )
    results = tuple(replace(one, path=below(one.path)) for one in report.results)
    return replace(report, results=results, comparison=comparison, coverage=coverage)


def together(reports: Sequence[CheckReport]) -> CheckReport:
    """Return reports of several configurations as one; what several of them say is said once."""
    if len(reports) == 1:
        return reports[0]
    known = [one.comparison for one in reports if one.comparison is not None]
    comparison = Comparison(
        baseline=", ".join(dict.fromkeys(one.baseline for one in known)),
        prompts=tuple(sorted(chain.from_iterable(one.prompts for one in known), key=by_size)),
        workloads=tuple(sorted(chain.from_iterable(one.workloads for one in known), key=by_size)),
        unchanged=sum(one.unchanged for one in known),
        below=sum(one.below for one in known),
        notes=tuple(dict.fromkeys(chain.from_iterable(one.notes for one in known))),
    )
    if added := tuple(chain.from_iterable(one.added for one in known)):
        from kimi_planner.checks.months import month_of

        comparison = replace(comparison, added=added, month=month_of(added))
    accounts = [one.coverage for one in reports if one.coverage is not None]
    coverage = Coverage(
        files=tuple(chain.from_iterable(one.files for one in accounts)),
        left_out=tuple(chain.from_iterable(one.left_out for one in accounts)),
        counted_tokens=sum(one.counted_tokens for one in accounts),
    )
    return CheckReport(
        results=tuple(chain.from_iterable(one.results for one in reports)),
        comparison=comparison if known else None,
        notes=tuple(dict.fromkeys(chain.from_iterable(one.notes for one in reports))),
        coverage=coverage if accounts else None,
        catalog="; ".join(dict.fromkeys(one.catalog for one in reports)),
    )
