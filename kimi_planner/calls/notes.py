"""What the calls of a plan run into, in words: caps, windows, and how the cache was worked out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kimi_planner.calls.caps import cap_notes
from kimi_planner.calls.sizes import CallSizes
from kimi_planner.catalog import ModelSpec
from kimi_planner.notes import Note, note, noted
from kimi_planner.workload import Workload
from kimi_planner.workload.caching import CachedShare


def call_notes(workloads: Sequence[Workload], specs: Sequence[ModelSpec]) -> tuple[Note, ...]:
    """Return one sentence for each risk and assumption about single calls."""
    return (
        *overflow_notes(workloads, specs),
        *cap_notes(workloads, specs),
        *cache_notes(workloads),
    )


def window_notes(specs: Sequence[ModelSpec]) -> tuple[Note, ...]:
    """Say of which models no call is taken to be too large."""
    silent = [spec.id for spec in specs if spec.context_window_tokens is None]
    return noted("no_window", catalog=specs[0].catalog_version, models=silent)


def overflow_notes(workloads: Sequence[Workload], specs: Sequence[ModelSpec]) -> Iterator[Note]:
    """Yield one sentence for each workload with calls that do not fit a window.

    Models that the same share of calls does not fit are named together.
    """
    yield from window_notes(specs)
    windows = [spec for spec in specs if spec.context_window_tokens is not None]
    for workload in workloads:
        models: dict[tuple[str, str], list[str]] = {}
        for spec in windows:
            sizes = CallSizes.on(workload.resolve().sizes, spec.profile)
            changed, refused = map(_percent, sizes.overflow_shares)
            models.setdefault((changed, refused), []).append(spec.id)
        for (changed, refused), ids in models.items():
            if changed != _percent(0):
                yield note(
                    f"calls_{workload.overflow_policy.policy}",
                    changed=changed,
                    refused=refused,
                    models=ids,
                    workloads=workload.name,
                )


def reserved_notes(workloads: Sequence[Workload], specs: Sequence[ModelSpec]) -> Iterator[Note]:
    """Yield one sentence for each model that reserves a default where a workload sets no limit."""
    unlimited = [workload.name for workload in workloads if workload.max_tokens is None]
    for spec in specs:
        if (tokens := spec.default_output_tokens) is not None:
            yield from noted("default_reserved", models=spec.id, tokens=tokens, workloads=unlimited)


def cache_notes(workloads: Sequence[Workload]) -> tuple[Note, ...]:
    """Return what the cached share of workloads assumes where it was worked out."""
    derived = {
        workload.name: workload.cached_share
        for workload in workloads
        if isinstance(workload.cached_share, CachedShare)
    }
    without = [
        name
        for name, share in derived.items()
        if share.cache.turn_gap_minutes is None and share.earlier
    ]
    return (
        *noted("cached_share_derived", workloads=derived),
        *noted("no_turn_gap", workloads=without),
    )


def _percent(share: float) -> str:
    return f"{100 * share:.2g}%" if share < 0.995 else f"{100 * share:.4g}%"
