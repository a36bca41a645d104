"""What totals of tokens cost: by month, by model, or on models that did not serve them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from kimi_planner.billing.call import (
    COST_COLUMNS,
    Cost,
    cached_price_notes,
    cost_of_tokens,
    dated_price_notes,
)
from kimi_planner.catalog import Catalog, ModelSpec, load_catalog
from kimi_planner.errors import UnknownModelError, UsageError
from kimi_planner.money import plain, total
from kimi_planner.notes import Note, note
from kimi_planner.usage.totals.group import DERIVED, TOTALS
from kimi_planner.usage.totals.result import UsageTotals, whole_column
from kimi_planner.usage.totals.sources import total_usage

__all__ = ["spend_by"]


def spend_by(
    source: UsageTotals | pd.DataFrame | str | Path,
    by: str | Sequence[str] = ("month", "model"),
    models: str | Iterable[str] | None = None,
    *,
    catalog: Catalog | str | Path | None = None,
    on_error: Literal["raise", "skip"] = "raise",
) -> pd.DataFrame:
    """Return what a log cost, exactly, by month, model or any column.

    Parameters
    ----------
    source : UsageTotals, DataFrame or path
        What :func:`total_usage` takes, or what it returned.
    by : str or sequence of str
        The keys of the result.
    models : str or iterable of str, optional
        Price all of the log as each of these models; otherwise every row as the model it names.
    catalog : Catalog, str or Path, optional
        Whose prices; the default catalog if not given.
    on_error : {"raise", "skip"}
        What to do with a bad row: stop, or leave it out and count it.

    Returns
    -------
    DataFrame
        The keys, ``priced_as`` where ``models`` are given, the totals of :class:`UsageTotals` as
        integers, and ``input_usd``, ``cached_usd``, ``output_usd``, ``total_usd`` as exact
        decimals. ``attrs`` has ``source``, ``rejected``, ``left_out``, ``catalog_version`` and
        ``notes``.

    Raises
    ------
    UsageError
        If the source is malformed, a row names no model and none is given, or ``models`` is empty.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, or states no price for it.

    Examples
    --------
    >>> calls = pd.DataFrame({"prompt_tokens": [2000, 1000], "completion_tokens": [500, 0]})
    >>> spend_by(calls, by=(), models=["kimi-k2", "kimi-k2-5"])["total_usd"].tolist()
    [Decimal('0.0054'), Decimal('0.01125')]
    """
    catalog = load_catalog(catalog)
    keys = (by,) if isinstance(by, str) else tuple(by)
    specs_asked = None if models is None else catalog.select(models)
    if specs_asked == ():
        raise UsageError("No models. Name at least one, or leave models out for those of the rows.")
    needed = keys if models is not None or "model" in keys else (*keys, "model")
    totals = (
        source.over(needed)
        if isinstance(source, UsageTotals)
        else total_usage(source, needed, on_error=on_error)
    )
    rows: dict[tuple[Any, ...], list[tuple[dict[str, int], ModelSpec]]] = {}
    if specs_asked is None:
        place = totals.by.index("model")
        specs = _named_models(totals, catalog)
        for cell, sums in _cells(totals):
            rows.setdefault(cell[: len(keys)], []).append((sums, specs[cell[place]]))
    else:
        for cell, sums in _cells(totals):
            for spec in specs_asked:
                rows[(*cell, spec.id)] = [(sums, spec)]
    names = keys if models is None else (*keys, "priced_as")
    frame = pd.DataFrame(
        {
            **{
                name: pd.Series([row[n] for row in rows], dtype=object)
                for n, name in enumerate(names)
            },
            **{
                name: whole_column(sum(sums[name] for sums, _ in parts) for parts in rows.values())
                for name in TOTALS
            },
        }
    )
    costs = [[_cost(*part) for part in parts] for parts in rows.values()]
    for name in COST_COLUMNS:
        frame[name] = pd.Series(
            [plain(total(getattr(one, name) for one in parts)) for parts in costs], dtype=object
        )
    frame.attrs = {
        "source": totals.source,
        "rejected": totals.rejected,
        "rejected_examples": list(totals.rejected_examples),
        "left_out": dict(totals.left_out),
        "catalog_version": catalog.version,
        "notes": _notes(totals, [part for parts in rows.values() for part in parts]),
    }
    return frame


def _cells(totals: UsageTotals) -> list[tuple[tuple[Any, ...], dict[str, int]]]:
    frame = totals.frame
    keys = [frame[name].tolist() for name in totals.by]
    rows: Iterable[tuple[Any, ...]] = zip(*keys, strict=True) if keys else [()] * len(frame)
    return [(cell, dict(zip(TOTALS, totals.cells[cell], strict=True))) for cell in rows]


def _named_models(totals: UsageTotals, catalog: Catalog) -> dict[str, ModelSpec]:
    specs = {}
    for (name,), sums in totals.over("model").cells.items():
        if name is None:
            raise UsageError(
                f"{sums[0]:,} rows of the log name no model. Pass models=… to price every row as one "
                "model."
            )
        try:
            specs[name] = catalog.model(name)
        except UnknownModelError as error:
            raise UnknownModelError(f"{sums[0]:,} usage rows: {error}") from None
    return specs


def _cost(sums: dict[str, int], spec: ModelSpec) -> Cost:
    return cost_of_tokens(
        sums["prompt_tokens"], sums["cached_tokens"], sums["completion_tokens"], spec
    )


def _notes(totals: UsageTotals, parts: list[tuple[dict[str, int], ModelSpec]]) -> list[Note]:
    """Say what the reader must know of the prices, and of what the log does not state."""
    cached = dict.fromkeys(spec.id for sums, spec in parts if sums["cached_tokens"])
    specs = {spec.id: spec for _, spec in parts}
    notes = [
        *cached_price_notes(specs[name] for name in cached),
        *dated_price_notes(specs.values()),
    ]
    sums = totals.total
    priced = any(spec.cached_input_usd_per_mtok is not None for spec in specs.values())
    for what in ("cached", "reasoning"):
        if silent := sums[f"rows_without_{what}"]:
            code = "cached_unstated" if priced and what == "cached" else "unstated"
            notes.append(note(code, silent=silent, rows=sums["rows"], what=what))
    for key in DERIVED.keys() & set(totals.by):
        if undated := totals.over(key).cells.get((None,)):
            notes.append(note("no_date", rows=undated[0], what=key))
    return notes
