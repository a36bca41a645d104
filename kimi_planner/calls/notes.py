"""What the calls of a plan run into, in words: caps, windows, and how the cache was worked out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from kimi_planner.calls.caps import cap_notes
from kimi_planner.calls.overflow import carry_out, first_overflows
from kimi_planner.calls.windowed import largest_factors, may_reach
from kimi_planner.catalog import ModelSpec
from kimi_planner.notes import Note, note, noted
from kimi_planner.workload import Workload
from kimi_planner.workload.caching import CachedShare
from kimi_planner.workload.drawn import Drawn

__all__ = ["cache_notes", "call_notes", "overflow_notes", "window_notes"]


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
        shares: dict[tuple[bool, int], tuple[str, str]] = {}
        models: dict[tuple[str, str], list[str]] = {}
        for spec in windows:
            kind = spec.reasons, spec.window
            if kind not in shares:
                shares[kind] = _shares(workload, *kind)
            models.setdefault(shares[kind], []).append(spec.id)
        for (changed, refused), ids in models.items():
            if changed != _percent(0):
                yield note(
                    f"calls_{workload.overflow_policy.policy}",
                    changed=changed,
                    refused=refused,
                    models=ids,
                    workloads=workload.name,
                )


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


def _shares(workload: Workload, reasons: bool, window: int) -> tuple[str, str]:
    """Return in words the shares of calls that the policy changes or refuses, and that it refuses."""
    if not may_reach(workload, reasons, largest_factors(workload), window):
        return _percent(0), _percent(0)
    sample = Drawn.draw(workload, reasons, np.random.default_rng(0), uncertain_means=True).calls()
    if not len(first_overflows(sample, window)):
        return _percent(0), _percent(0)
    carried = carry_out(sample, window, workload.overflow_policy)
    whole = carried.made & (carried.prompt == sample.prompt)
    return _percent(1 - float(whole.mean())), _percent(1 - float(carried.made.mean()))


def _percent(share: float) -> str:
    return f"{100 * share:.2g}%" if share < 0.995 else f"{100 * share:.4g}%"
