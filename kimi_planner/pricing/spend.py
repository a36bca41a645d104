"""What totals of tokens cost: by month, by model, or on models that did not serve them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from kimi_planner.catalog import Catalog, ModelSpec, load_catalog
from kimi_planner.errors import UnknownModelError, UsageError, shown
from kimi_planner.money import plain, total
from kimi_planner.pricing.call import COST_COLUMNS, cost_of_tokens
from kimi_planner.pricing.group import TOTALS
from kimi_planner.pricing.totals import UsageTotals, total_usage, whole_column

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
        decimals. ``attrs`` has ``source``, ``rejected``, ``duplicates``, ``catalog_version`` and
        ``notes``.

    Raises
    ------
    UsageError
        If the source is malformed, or a row names no model and none is given.
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
    needed = keys if models is not None or "model" in keys else (*keys, "model")
    totals = (
        source.over(needed)
        if isinstance(source, UsageTotals)
        else total_usage(source, needed, on_error=on_error)
    )
    rows: dict[tuple[Any, ...], list[tuple[dict[str, int], ModelSpec]]] = {}
    if models is None:
        place = totals.by.index("model")
        for cell, sums in _cells(totals):
            spec = _named(cell[place], sums["rows"], catalog)
            rows.setdefault(cell[: len(keys)], []).append((sums, spec))
    else:
        for cell, sums in _cells(totals):
            for spec in catalog.select(models):
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
        "duplicates": totals.duplicates,
        "catalog_version": catalog.version,
        "notes": _notes(totals, [part for parts in rows.values() for part in parts], costs),
    }
    return frame


def _cells(totals: UsageTotals) -> list[tuple[tuple[Any, ...], dict[str, int]]]:
    rows = totals.frame[list(totals.by)].itertuples(index=False, name=None)
    return [(cell, dict(zip(TOTALS, totals.cells[cell], strict=True))) for cell in rows]


def _named(name: Any, rows: int, catalog: Catalog) -> ModelSpec:
    if name is None:
        raise UsageError(
            f"{rows:,} rows of the log name no model. Pass models=… to price every row as one model."
        )
    try:
        return catalog.model(name)
    except UnknownModelError as error:
        raise UnknownModelError(f"{rows:,} usage rows: {error}") from None


def _cost(sums: dict[str, int], spec: ModelSpec) -> Any:
    return cost_of_tokens(
        sums["prompt_tokens"], sums["cached_tokens"], sums["completion_tokens"], spec
    )


def _notes(
    totals: UsageTotals, parts: list[tuple[dict[str, int], ModelSpec]], costs: list[list[Any]]
) -> list[str]:
    notes = dict.fromkeys(note for row in costs for one in row for note in one.notes)
    silent = sum(totals.total[name] for name in ("rows_without_cached",))
    if silent and any(spec.cached_input_usd_per_mtok is not None for _, spec in parts):
        notes[
            f"{silent:,} of {totals.total['rows']:,} rows do not state cached tokens; all their prompt "
            "tokens are billed as uncached."
        ] = None
    if {"month", "day"} & set(totals.by):
        place = next(n for n, key in enumerate(totals.by) if key in ("month", "day"))
        undated = sum(sums[0] for cell, sums in totals.cells.items() if cell[place] is None)
        if undated:
            notes[
                f"{undated:,} rows have no date, so their {shown(totals.by[place])} is not known."
            ] = None
    return list(notes)
