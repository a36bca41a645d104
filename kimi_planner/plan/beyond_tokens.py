"""What a plan bills beside plain tokens: fees by the call, and what is said of cache writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from kimi_planner.catalog import Catalog, ModelSpec
from kimi_planner.errors import PriceNotFoundError, did_you_mean, shown
from kimi_planner.notes import Note, note, noted
from kimi_planner.plan.calendar import Month
from kimi_planner.workload import Workload
from kimi_planner.workload.resolve import Load

_LIKELY = np.array([1 - 1e-4])  # of paths, as the bounds of a quantity have it


def check_fees(catalog: Catalog, load: Load) -> None:
    """Refuse a fee that the catalog does not state.

    Raises
    ------
    PriceNotFoundError
        Naming the workload and the fee.
    """
    known = [fee.name for fee in catalog.fees]
    for name in load.fees:
        if name not in known:
            stated = f"It states {', '.join(known)}." if known else "It states no fee at all."
            raise PriceNotFoundError(
                f"workload {shown(load.name)}: fees_per_request names {shown(name)}, a fee that "
                f"catalog {catalog.version} does not state, so it cannot be billed. {stated}"
                f"{did_you_mean(name, known)} Leave it out, or plan with a catalog that states it."
            )


def unbilled_notes(
    catalog: Catalog, specs: Sequence[ModelSpec], workloads: Sequence[Workload]
) -> Iterator[Note]:
    """Say which fees and cache writes are not in the spend, and of which workloads if not of all."""
    for fee in catalog.fees:
        silent = [one.name for one in workloads if fee.name not in dict(one.fees)]
        if silent or not workloads:
            of = _of(silent, workloads)
            yield note("fee_not_billed", fee=fee.name, usd=fee.usd_per_call, workloads=of)
    dearer = [
        f"{spec.id} {price} instead of {full}"
        for spec in specs
        if (price := spec.cache_write_1h_usd_per_mtok) is not None
        and (full := spec.input_usd_per_mtok) is not None
        and price > full
    ]
    silent = [one.name for one in workloads if one.written is None or one.written.one_hour is None]
    if dearer and (silent or not workloads):
        of = _of(silent, workloads)
        yield note("hour_not_billed", prices=dearer, currency=catalog.currency, workloads=of)


def written_notes(
    workloads: Sequence[Workload], specs: Sequence[ModelSpec], months: Sequence[Month]
) -> Iterator[Note]:
    """Say where written tokens are billed as input, and where a path has no room for them."""
    first, last = months[0].first, months[-1].last
    for kind, words, price in (
        ("five_minutes", "5 minutes", "cache_write_5m_usd_per_mtok"),
        ("one_hour", "1 hour", "cache_write_1h_usd_per_mtok"),
    ):
        names = [one.name for one in workloads if one.written and getattr(one.written, kind)]
        silent = {}
        for spec in specs if names else ():
            days = (first, *(day for day in spec.price_days if first < day <= last))
            unstated = [getattr(spec.on(day), price) is None for day in days]
            if any(unstated):
                silent[spec.id] = "" if all(unstated) else " on some days"
        yield from noted(
            "no_write_price",
            catalog=specs[0].catalog_version,
            lifetimes=words,
            models=silent,
            where=[f"{model}{days}" for model, days in silent.items()],
            workloads=names,
        )
    full = []
    for workload in workloads:
        cached = workload.given("cached_share")
        if workload.written is None or cached is None or cached.is_certain:
            continue
        if float(cached.ppf(_LIKELY)[0]) + float(workload.written.total) > 1:
            full.append(workload.name)
    yield from noted("less_written", workloads=full)


def _of(silent: Sequence[str], workloads: Sequence[Workload]) -> Sequence[str]:
    """Return names of workloads, none where they are all of them."""
    return () if len(silent) == len(workloads) else silent
