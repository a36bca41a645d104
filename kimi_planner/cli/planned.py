"""Workloads as a plan decides on them, and how a command on a plan ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kimi_planner.cli import options
from kimi_planner.cli.exits import Exit
from kimi_planner.cli.options import group

if TYPE_CHECKING:
    from kimi_planner.choose.recommendation import Recommendation
    from kimi_planner.plan.plan_file import PlanFile
    from kimi_planner.workload import Workload


def _pairs(
    _context: click.Context, option: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    """Read NAME=MODEL as often as it is given."""
    pairs = []
    for value in values:
        name, is_there, model = value.rpartition("=")
        if not is_there or not name.strip() or not model.strip():
            raise click.BadParameter(f"{value!r} is no pair. Write it as NAME=MODEL.")
        pairs.append((name.strip(), model.strip()))
    return options.by_name(pairs, option)


#: What is decided about workloads beside their file.
decisions = group(
    click.option(
        "--choose",
        "pins",
        multiple=True,
        callback=_pairs,
        metavar="NAME=MODEL",
        help="The model that a workload runs on, in place of its file's; may be repeated.",
    ),
    click.option(
        "--assume",
        multiple=True,
        metavar="CAPABILITY",
        help="A capability that counts as there where the catalog does not state it; may be repeated.",
    ),
)
#: A workload file, and all that says how it is planned.
plan = group(options.workloads, options.terms, options.booking, decisions)
fail_over_budget = click.option(
    "--fail-over-budget", is_flag=True, help="Exit with 1 if a workload is over its budget."
)


def decided(
    workloads: Sequence[Workload], pins: Mapping[str, str], assume: Iterable[str]
) -> list[Workload]:
    """Return the workloads of a file, with what the command line decides about them.

    Raises
    ------
    WorkloadError
        If the file has no such workload, or there is no such capability.
    """
    from kimi_planner.errors import WorkloadError, did_you_mean, shown

    names = [workload.name for workload in workloads]
    for name in pins:
        if name not in names:
            raise WorkloadError(
                f"--choose names workload {shown(name)}, which the file does not have."
                f"{did_you_mean(name, names)} It has {', '.join(names)}."
            )

    def changed(workload: Workload) -> Workload:
        changes: dict[str, Any] = {"model": pins.get(workload.name, workload.model)}
        return replace(workload, assume=(*workload.assume, *assume), **changes)

    return list(map(changed, workloads))


def recommended(
    *,
    workloads: Path | None,
    terms: dict[str, Any],
    booking: dict[str, Any],
    pins: Mapping[str, str],
    assume: Iterable[str],
    **choice: Any,
) -> tuple[PlanFile, Recommendation]:
    """Return a workload file, and what is recommended for its workloads, all as options say."""
    from kimi_planner.choose.ranking import recommend

    file, settings = options.plan_file(workloads, terms, booking)
    return file, recommend(decided(file.workloads, pins, assume), **choice, **settings)


def end(recommendation: Recommendation, fail_over_budget: bool) -> None:
    """Exit with 1 if that is asked for and a workload is over its budget."""
    if fail_over_budget and recommendation.over_budget:
        raise click.exceptions.Exit(Exit.OVER)
