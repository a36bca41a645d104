"""The difference of two catalogs, and what it does to workloads: for people and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import is_dataclass
from typing import Any

import pandas as pd

from kimi_planner.catalog import ModelSpec
from kimi_planner.catalog.diff import CatalogDiff, Change, Counterpart
from kimi_planner.choose.effect import CatalogEffect
from kimi_planner.money import usd
from kimi_planner.report.json_form import as_data, dumped, form_of
from kimi_planner.report.table import Table
from kimi_planner.report.text import escaped, markdown, plain

_COLUMNS = {
    "input_usd_per_mtok": "input",
    "cached_input_usd_per_mtok": "cached input",
    "output_usd_per_mtok": "output",
    "context_window_tokens": "window",
}
#: Other fields that move money or rule a model out; the JSON form has every field.
_SAID = (
    "max_output_tokens", "default_output_tokens", "cache_write_5m_usd_per_mtok",
    "cache_write_1h_usd_per_mtok", "batch_multiplier", "capabilities", "lacks", "reasoning_efforts",
    "output_tokens_per_second", "behaviour", "renderings",
)  # fmt: skip
_STATUS = ("status", "retired_on")
_HEAD = ("currency", "tax", "base_url")


def diff_text(
    diff: CatalogDiff, effect: CatalogEffect | None = None, *, in_markdown: bool = False
) -> str:
    """Return a diff on one screen, as plain text or as Markdown.

    Parameters
    ----------
    diff : CatalogDiff
        What differs.
    effect : CatalogEffect, optional
        What that does to workloads.
    in_markdown : bool
        Whether to write Markdown.
    """
    if diff.is_empty:
        return f"{diff.old} and {diff.new} are the same.\n"
    parts: list[str | Table] = [_summary(diff)]
    told, both = {*_COLUMNS, *_STATUS}, _in_both(diff)
    moved = [pair for pair in both if told & {one.field for one in pair.changes}]
    same = [pair.old for pair in both if pair not in moved]
    if moved:
        parts += ["In both:", _pairs_table(diff, moved)]
    if same:
        parts += [f"The same prices, window and status in both: {', '.join(same)}."]
    if diff.counterparts:
        parts += [
            "Counterparts, as the catalog states them:",
            _pairs_table(diff, diff.counterparts),
        ]
    paired = {name for one in diff.counterparts for name in (one.old, one.new)}
    for version, specs in ((diff.old, diff.removed), (diff.new, diff.added)):
        alone = [spec for spec in specs if spec.id not in paired]
        if alone:
            parts += [f"Only in {version}:", _models_table(alone)]
    parts += ["\n".join(_other_sentences(diff))]
    if effect is not None:
        parts += ["Effect on the workloads, USD a month on average:", _effect_table(effect)]
        parts += ["\n".join([*effect.notes, effect.provenance])]
    if in_markdown:
        heading = f"# Catalog {escaped(diff.old)} → {escaped(diff.new)}"
        return "\n\n".join([heading, *(_in_markdown(one) for one in parts if one)]) + "\n"
    return "".join(
        f"{plain(one)}\n\n" if isinstance(one, Table) else f"{one}\n" for one in parts if one
    )


def diff_json(diff: CatalogDiff, effect: CatalogEffect | None = None) -> str:
    """Return a diff as JSON text; prices are decimal strings, what is not stated is null."""
    data = {
        "old": diff.old,
        "new": diff.new,
        "removed": [spec.id for spec in diff.removed],
        "added": [spec.id for spec in diff.added],
        "changed": [_change(one) for one in diff.changed],
        "counterparts": [
            as_data(one) | {"changes": [_change(change) for change in one.changes]}
            for one in diff.counterparts
        ],
        "head": [_change(one) for one in diff.head],
        "effect": effect
        and {
            **{name: getattr(effect, name) for name in ("as_of", "seed", "n_paths", "months")},
            "rows": as_data(effect.frame, 6),
            "notes": effect.notes,
        },
    }
    return dumped(form_of(data))


def _summary(diff: CatalogDiff) -> str:
    return (
        f"{diff.old} -> {diff.new}: {_models(len(diff.common))} in both, {len(diff.removed)} only in "
        f"{diff.old}, {len(diff.added)} only in {diff.new}. Prices are USD per 1M tokens."
    )


def _models(number: int) -> str:
    return "1 model" if number == 1 else f"{number or 'no'} models"


def _in_both(diff: CatalogDiff) -> list[Counterpart]:
    changes = {name: [one for one in diff.changed if one.model == name] for name in diff.common}
    return [
        Counterpart(old=one, new=one, reason="", changes=tuple(some))
        for one, some in changes.items()
    ]


def _pairs_table(diff: CatalogDiff, pairs: Sequence[Counterpart]) -> Table:
    cells = []
    for pair in pairs:
        by_field = {one.field: one for one in pair.changes}
        values = (_arrow(by_field[key]) if key in by_field else "same" for key in _COLUMNS)
        status = [by_field[key].new for key in _STATUS if key in by_field and by_field[key].new]
        cells.append((pair.old, pair.new, *values, " ".join(map(str, status)) or "-"))
    return Table((diff.old, diff.new, *_COLUMNS.values(), "now"), tuple(cells))


def _models_table(specs: Sequence[ModelSpec]) -> Table:
    rows = tuple(
        (
            spec.id,
            *(_shown(getattr(spec, key)) for key in _COLUMNS),
            f"retired {spec.retired_on}" if spec.retired_on else _shown(spec.status),
        )
        for spec in specs
    )
    return Table(("model", *_COLUMNS.values(), "status"), rows, frozenset({1, 2, 3, 4}))


def _other_sentences(diff: CatalogDiff) -> list[str]:
    """Say what no column of the tables has: capabilities, other fields, conflicts."""
    said = []
    for pair in (*_in_both(diff), *diff.counterparts):
        name = pair.old if pair.old == pair.new else f"{pair.old} -> {pair.new}"
        words = [
            _capabilities(one)
            if one.field in ("capabilities", "lacks")
            else f"{_name(one.field)} {_arrow(one)}"
            for one in pair.changes
            if one.field in _SAID
        ]
        if any(one.field == "price_periods" and one.old and one.new for one in pair.changes):
            words.append("other dates of its prices")
        if words:
            said.append(f"{name}: {'; '.join(words)}.")
    words = [f"{_name(one.field)} {_arrow(one)}" for one in diff.head if one.field in _HEAD]
    if words:
        said.append(f"The catalogs: {'; '.join(words)}.")
    gone, come = diff.conflicts
    for version, conflicts in ((diff.old, gone), (diff.new, come)):
        if conflicts:
            fields_ = ", ".join(
                " ".join(filter(None, (one.model, one.field.split(",")[0]))) for one in conflicts
            )
            said.append(f"Sources of {version} contradict each other on {fields_}.")
    return said


def _capabilities(change: Change) -> str:
    gone, come = sorted(change.old - change.new), sorted(change.new - change.old)
    lack = "the lack of " if change.field == "lacks" else ""
    words = [f"states {lack}{', '.join(come)}"] if come else []
    words += [f"does not state {lack}{', '.join(gone)}"] if gone else []
    return " but ".join(words)


def _name(field: str) -> str:
    return field.removesuffix("_usd_per_mtok").replace("_", " ")


def _arrow(change: Change) -> str:
    """Return ``old -> new (+x%)``."""
    text = f"{_shown(change.old)} -> {_shown(change.new)}"
    relative = change.relative
    return text if relative is None else f"{text} ({100 * relative:+.0f}%)"


def _shown(value: Any) -> str:
    if value is None or value in ((), frozenset(), ""):
        return "not stated"
    if isinstance(value, tuple | frozenset):
        if all(isinstance(one, str) for one in value):
            return ", ".join(value if isinstance(value, tuple) else sorted(value))
        return "; ".join(map(str, value))
    if is_dataclass(value):
        return str(getattr(value, "rating", value))
    return f"{value:,}" if isinstance(value, int) else str(value)


def _effect_table(effect: CatalogEffect) -> Table:
    """Return each pair over all workloads, then the best model of each workload."""
    frame, diff = effect.frame, effect.diff
    rows = []
    pairs = frame[frame["pair"] != "recommended"]
    for (old, new), part in pairs.groupby(["old_model", "new_model"], sort=False):
        before, after = (part[f"{side}_usd_per_month"].sum(skipna=False) for side in ("old", "new"))
        rows.append(("all workloads", str(old), str(new), *_amounts(before, after)))
    for row in frame[frame["pair"] == "recommended"].to_dict("records"):
        old, new = (str(row[f"{side}_model"]) for side in ("old", "new"))
        amounts = _amounts(row["old_usd_per_month"], row["new_usd_per_month"])
        rows.append((f"{row['workload']}, best", old, new, *amounts))
    headers = ("workload", diff.old, diff.new, "USD before", "USD after", "difference")
    return Table(headers, tuple(rows), frozenset({3, 4, 5}))


def _amounts(old: Any, new: Any) -> tuple[str, str, str]:
    before, after = ("unknown" if pd.isna(one) else usd(float(one)) for one in (old, new))
    if "unknown" in (before, after):
        return before, after, "unknown"
    share = f" ({100 * (new / old - 1):+.0f}%)" if old else ""
    return before, after, f"{'+' if new >= old else ''}{usd(float(new - old))}{share}"


def _in_markdown(part: str | Table) -> str:
    if isinstance(part, Table):
        return markdown(part)
    return (
        "\n".join(f"- {escaped(line)}" for line in part.splitlines())
        if "\n" in part
        else escaped(part)
    )


def _change(one: Change) -> dict[str, Any]:
    change: dict[str, Any] = as_data(one)
    return change | {"relative": None if one.relative is None else round(float(one.relative), 6)}
