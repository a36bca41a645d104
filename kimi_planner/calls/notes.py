"""What the calls of a plan run into, in words: caps, windows, and how the cache was worked out."""

from __future__ import annotations

from collections.abc import Sequence

from kimi_planner.calls.caps import cap_notes
from kimi_planner.calls.sizes import CallSizes, Profile
from kimi_planner.catalog import ModelSpec
from kimi_planner.workload import Workload
from kimi_planner.workload.caching import CachedShare

__all__ = ["cache_notes", "call_notes", "overflow_notes"]

_SAYS = {
    "reject": "are refused, cost nothing and end their conversation",
    "drop_oldest": "lose the oldest of their history",
    "summarise": "have their history summarised first",
}


def call_notes(workloads: Sequence[Workload], specs: Sequence[ModelSpec]) -> tuple[str, ...]:
    """Return one sentence for each risk and assumption about single calls."""
    return (
        *overflow_notes(workloads, specs),
        *cap_notes(workloads, specs),
        *cache_notes(workloads),
    )


def overflow_notes(workloads: Sequence[Workload], specs: Sequence[ModelSpec]) -> tuple[str, ...]:
    """Return one sentence for each workload with calls that do not fit a window.

    Models that the same share of calls does not fit are named together.
    """
    notes = [
        f"Catalog {spec.catalog_version} states no context window for {spec.id}, so no call is taken "
        "to be too large."
        for spec in specs
        if spec.context_window_tokens is None
    ]
    windows = [spec for spec in specs if spec.context_window_tokens is not None]
    for workload in workloads:
        policy = workload.overflow_policy.policy
        said: dict[tuple[str, str], list[str]] = {}
        for spec in windows:
            sizes = CallSizes.of(workload.resolve().sizes, Profile.of(spec))
            changed, refused = map(_percent, sizes.overflow_shares)
            said.setdefault((changed, refused), []).append(spec.id)
        for (changed, refused), names in said.items():
            also = "" if policy == "reject" else f", and {refused} are refused"
            if changed != _percent(0):
                notes.append(
                    f"{changed} of calls do not fit the window of {', '.join(names)} and "
                    f"{_SAYS[policy]}{also}: {workload.name}."
                )
    return tuple(notes)


def cache_notes(workloads: Sequence[Workload]) -> tuple[str, ...]:
    """Return what the cached share of workloads assumes where it was worked out."""
    derived = {
        workload.name: workload.cached_share
        for workload in workloads
        if isinstance(workload.cached_share, CachedShare)
    }
    notes = []
    if derived:
        notes.append(
            "The cached share is worked out for conversations that start at random around the clock, at "
            "the mean traffic of a first month without growth or events, with a prefix that never "
            f"changes: {', '.join(derived)}."
        )
    without = [
        name
        for name, share in derived.items()
        if share.cache.turn_gap_minutes is None and share.earlier
    ]
    if without:
        notes.append(
            "cache.turn_gap_minutes is not given, so no history of a conversation counts as cached: "
            f"{', '.join(without)}."
        )
    return tuple(notes)


def _percent(share: float) -> str:
    return f"{100 * share:.2g}%" if share < 0.995 else f"{100 * share:.4g}%"
