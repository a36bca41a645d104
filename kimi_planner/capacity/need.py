"""Throughput: what the busiest hour of a plan sends, against the rate limits of an account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from kimi_planner.arguments import public
from kimi_planner.calls.notes import reserved_notes
from kimi_planner.capacity.limits import Limits, load_limits
from kimi_planner.capacity.peaks import PeakPlan, Peaks
from kimi_planner.capacity.tiers import ALL, Throughput
from kimi_planner.catalog import Catalog, ModelSpec, Profile
from kimi_planner.errors import SettingError, WorkloadError, restated
from kimi_planner.notes import Note, note, noted
from kimi_planner.plan.scope import scope_of
from kimi_planner.plan.simulation import DEFAULT_PATHS, projected
from kimi_planner.workload import Quantity, Workload
from kimi_planner.workload.inputs import Workloads, check_between
from kimi_planner.workload.model import Given
from kimi_planner.workload.parse import parse_quantity


@public
def throughput(
    workloads: Workloads,
    models: str | Sequence[str] | None = None,
    *,
    limits: Limits | str | Path | None = None,
    percentile: float = 90,
    minutes_within: float = 0.99,
    peak_hour_share: Given | None = None,
    output_tokens_per_second: Given | None = None,
    months: int = 12,
    start: str | date | None = None,
    as_of: date | str | None = None,
    seed: int = 0,
    n_paths: int = DEFAULT_PATHS,
    catalog: Catalog | str | Path | None = None,
) -> Throughput:
    """Tell which recharge tier allows the traffic of workloads, and from when lower ones do not.

    Parameters
    ----------
    workloads : Workload, iterable of Workload, or path of a workload file
        What may happen.
    models : str or sequence of str, optional
        Model ids; all of the catalog if not given.
    limits : Limits, str or Path, optional
        Rate limits by tier; the latest that ship if not given.
    percentile : float
        Percentile of paths to plan for, from 0 to 100.
    minutes_within : float
        Share of minutes of the busiest hour that must stay within a limit, between 0 and 1; the
        same share of days for tokens per day.
    peak_hour_share : number or quantity, optional
        Share of a day's calls in its busiest hour, for workloads that do not say it themselves.
        Without it the day is taken as even, and the result says that the need is at least that.
    output_tokens_per_second : number or quantity, optional
        How fast one answer is written; a spread is over paths. Without it nothing is known of
        the requests in work at the same time.
    months, start, as_of, seed, n_paths, catalog
        As for `project`, and with the same paths.

    Returns
    -------
    Throughput
        Peaks by workload, model and month, the tier they need, and what lower tiers would throttle.

    Raises
    ------
    SettingError
        If a date, the horizon, the seed or another number is out of bounds.
    LimitsError
        If the limits are malformed or do not exist.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, or is not yet in force on that day.

    Notes
    -----
    Calls of the busiest hour of a month's busiest day arrive independently of each other, so a
    minute has a Poisson number of them, and their tokens are its compound. A call counts its prompt
    and ``max_tokens``, as the limits say. Where that is not given it counts its answer, or the output
    that the model reserves by default, if the catalog states that and it is more; a call
    that does not fit its model's window is shortened as the workload's overflow policy says, or
    counts in full where it is refused. Requests
    in work are Poisson too, with the mean of arrivals per second times the seconds of an answer
    (Little's law; exact for any spread of these seconds when nothing waits).

    Examples
    --------
    >>> from kimi_planner import Workload
    >>> chat = Workload(name="chat", requests_per_day=1000, prompt_tokens=2000, completion_tokens=300,
    ...     peak_hour_share=0.1)
    >>> need = throughput(chat, "kimi-k2", months=1, start="2027-01", as_of="2026-11-28")
    >>> need.tier("kimi-k2").tier
    1
    """
    scope = scope_of(
        workloads, models, months, start, as_of, seed=seed, n_paths=n_paths, catalog=catalog
    )
    if scope.currency != "USD":
        raise SettingError(
            f"The workloads are in {scope.currency}, and what tiers are recharged with is stated in USD. Give "
            "them in USD."
        )
    check_between("percentile", percentile, 100)
    check_between("minutes_within", minutes_within, 0.999999, low=0.5)
    limits = load_limits(limits)
    plan = PeakPlan(
        scope=scope,
        limits=limits,
        path_share=percentile / 100,
        minutes_within=minutes_within,
        peak_hour_share=_parsed("peak_hour_share", peak_hour_share),
        output_tokens_per_second=_parsed("output_tokens_per_second", output_tokens_per_second),
    )
    priced = tuple(spec for spec in scope.specs if _has_prices(spec))
    return Throughput(
        **scope.parts,
        peaks=_all_peaks(plan),
        projection=projected(replace(scope, specs=priced)) if priced else None,
        limits=limits,
        percentile=percentile,
        minutes_within=minutes_within,
        notes=_notes(plan),
    )


def _all_peaks(plan: PeakPlan) -> dict[tuple[str, str], Peaks]:
    """Return the peaks of each workload and of all together.

    Models differ only in their profiles.
    """
    scope = plan.scope
    profiles = {spec.id: spec.profile for spec in scope.specs}
    found: dict[tuple[str, Profile], Peaks] = {}
    for profile in dict.fromkeys(profiles.values()):
        traffic = {one.name: plan.traffic(one, profile) for one in scope.workloads}
        unknown = {one.name: _unknown(plan, one, profile) for one in scope.workloads}
        for name, one in traffic.items():
            found[name, profile] = plan.peaks([one], unknown[name])
        every = dict.fromkeys(key for keys in unknown.values() for key in keys)
        found[ALL, profile] = plan.peaks(list(traffic.values()), tuple(every))
    names = (*scope.names, ALL)
    return {(name, model): found[name, profiles[model]] for name in names for model in profiles}


def _unknown(plan: PeakPlan, workload: Workload, model: Profile) -> tuple[str, ...]:
    """Return what was not given, so that a peak is at least what is computed."""
    timed = plan.output_tokens_per_second is not None
    answer_counts = workload.max_tokens is None and model.reserves is None
    missing = {
        "peak_hour_share": workload.peak_hour_share is None and plan.peak_hour_share is None,
        "max_tokens": answer_counts,
        "reasoning_tokens": model.reasons is not False
        and workload.reasoning_tokens is None
        and model.thinks(workload.reasoning_effort) is None
        and (timed or answer_counts),
        "output_tokens_per_second": not timed,
    }
    return tuple(key for key, is_missing in missing.items() if is_missing)


def _notes(plan: PeakPlan) -> tuple[Note, ...]:
    """Return one sentence for each thing that a reader of the result must know."""
    scope = plan.scope

    def without(key: str) -> list[str]:
        return [
            one.name
            for one in scope.workloads
            if any(key in _unknown(plan, one, spec.profile) for spec in scope.specs)
        ]

    limits, is_timed = plan.limits, plan.output_tokens_per_second is not None
    later = "_later" if scope.as_of < limits.checked_on else ""
    uniform = [one.name for one in scope.workloads if one.weekday_profile is None]
    thinkers = [spec.id for spec in scope.specs if spec.reasons is not False]
    unpriced = [spec.id for spec in scope.specs if not _has_prices(spec)]
    thoughtless = without("reasoning_tokens")
    return (
        *noted("no_peak_hour", workloads=without("peak_hour_share")),
        *noted("no_weekdays", workloads=uniform),
        *noted("need_without_cap", workloads=without("max_tokens")),
        *reserved_notes(scope.workloads, scope.specs),
        *noted("need_without_reasoning", models=thinkers, workloads=thoughtless),
        note("in_work" if is_timed else "no_speed"),
        note("independent_calls"),
        note(f"limits_checked{later}", limits=limits.version, day=limits.checked_on),
        *(
            note("rule", rule=f"{one.name[0].upper()}{one.name[1:]}: {one.rule}. {one.note}")
            for one in limits.rules
            if one.name != "context window"  # a matter of fit, not of traffic
        ),
        *noted("no_price", catalog=scope.catalog.version, models=unpriced),
    )


def _has_prices(spec: ModelSpec) -> bool:
    return None not in (spec.input_usd_per_mtok, spec.output_usd_per_mtok)


def _parsed(key: str, value: Given | None) -> Quantity | None:
    if value is None:
        return None
    with restated(of=WorkloadError, fault=SettingError):
        return parse_quantity(key, value, Path())
