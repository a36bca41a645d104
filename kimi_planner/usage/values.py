"""What calls state beside counts, as columns of a frame: times, models, batches, what was logged as cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.boundary import quoted
from kimi_planner.usage.fields import Fields
from kimi_planner.usage.table import as_objects, is_text, stated
from kimi_planner.usage.times import arrow_times, is_stamp

_BATCH = ("batch", "message_batch")
_PLAIN_TIERS = (None, *_BATCH, "standard", "default", "auto", "unspecified")


def clock_of(fields: Fields, alive: Any) -> tuple[str, Any, dict[int, str]]:
    """Return the name of the column of times, the times, and what is wrong with them by row."""
    relative, rows = fields.dialect.relative, fields.rows
    seconds = fields.values("timestamp_s")
    dates = None if relative and seconds is not None else fields.values("timestamp")
    if seconds is None or (dates is not None and not stated(seconds).any()):
        return "timestamp", arrow_times(dates) if is_text(dates) else dates, {}
    if dates is not None:
        pairs = enumerate(zip(as_objects(seconds), as_objects(dates), strict=True))
        for row, (second, date) in pairs:
            if alive[row] and (second is not None or date is not None):
                rows.clock(int(fields.table.lines[row]), is_relative=second is not None)
    if not relative or "timestamp_s" in rows.renamed:
        return "timestamp_s", seconds, {}
    if is_stamp(as_objects(seconds[:1])[0], least=1e8 if relative == "s" else 1e11):
        return "timestamp", seconds, {}
    if relative == "s":
        return "timestamp_s", seconds, {}
    values = as_objects(seconds)
    problems = {
        row: f"timestamp is {quoted(value)}. This form counts whole milliseconds from its start; if these "
        'are seconds, say so: map={"timestamp_s": "timestamp"} (--map timestamp_s=timestamp).'
        for row, value in enumerate(values)
        if type(value) is float and value % 1
    }
    seconds = [value / 1000 if type(value) in (int, float) else value for value in values]
    return "timestamp_s", seconds, problems


def models_of(fields: Fields) -> tuple[Any, dict[int, str]]:
    """Return the model that each entry names, and what is wrong with it by row."""
    column = fields.values("model")
    if column is None:
        return np.full(len(fields), None, dtype=object), {}
    if is_text(column):
        coded = column.dictionary_encode()
        words = [*map(_model_name, coded.dictionary.to_pylist())]
        return np.array([*words, None], dtype=object)[:-1][np.asarray(coded.indices)], {}
    values = as_objects(column)
    problems = {
        row: f"model is {quoted(value)}. A model id is text."
        for row, value in enumerate(values)
        if type(value) not in (str, type(None))
    }
    share = fields.rows.models.setdefault
    names = np.empty(len(values), dtype=object)
    names[:] = [
        share(value, _model_name(value)) if type(value) is str else None for value in values
    ]
    return names, problems


def batch_of(fields: Fields, alive: Any) -> Any:
    """Return which calls were part of a batch, ``None`` if none says so."""
    names = [*fields.paths("batch"), *fields.paths("tier"), *fields.dialect.batch_if]
    if not any(name in fields.table.columns or name in fields.table.names for name in names):
        return None
    flags = np.array([*fields.objects("batch"), None], dtype=object)[:-1]
    tiers = fields.objects("tier")
    fields.rows.tiers.update(
        tier for tier, counts in zip(tiers, alive, strict=True)
        if counts and isinstance(tier, str) and tier not in _PLAIN_TIERS
    )  # fmt: skip
    flags[[tier in _BATCH for tier in tiers]] = True
    for name in fields.dialect.batch_if:
        flags[fields.has(name)] = True
    return flags if any(flag is not None for flag in flags) else None


def cost_of(fields: Fields) -> Any:
    """Return what a log says that each entry cost, NaN where it does not, in USD; ``None`` without any."""
    if fields.values("logged_cost_usd") is None:
        return None
    values = pd.Series(fields.objects("logged_cost_usd"), dtype=object)
    if not fields.table.commas:
        values = values.str.replace(",", ".")
    currencies = fields.objects("currency")
    is_usd = np.array([str(one or "usd").lower() == "usd" for one in currencies], dtype=bool)
    numbers = pd.to_numeric(values, errors="coerce").where(is_usd)
    return numbers.to_numpy(dtype=float, na_value=np.nan)


def taken(values: Any, at: Any) -> Any:
    """Return the values of some rows as a column of a frame."""
    if str(getattr(values, "type", "")) == "int64" and not values.null_count:
        values = np.asarray(values)
    if isinstance(values, np.ndarray):
        return pd.Series(values[at], dtype=object) if values.dtype == object else values[at]
    if isinstance(values, pd.Series):
        return values.iloc[at].reset_index(drop=True)
    chosen = as_objects(values)
    chosen = chosen if isinstance(at, slice) else [chosen[row] for row in at.tolist()]
    if set(map(type, chosen)) == {int} and max(chosen) < 2**63 and min(chosen) > -(2**63):
        return np.array(chosen, dtype=np.int64)
    return pd.Series(chosen, dtype=object)


def _model_name(text: str) -> str | None:
    """Return a model's name without spaces and marks of quotation around it, ``None`` for nothing.

    Halves of characters, which no file can hold, are shown as what they are.
    """
    name = text.strip().strip('"') or None
    if name is None or name.isascii():
        return name
    return name.encode("utf-8", "backslashreplace").decode()
