"""Times in logs: ISO 8601, seconds or milliseconds since 1970, or seconds since the log began."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["as_times"]

_SECONDS_FROM = 1e8  # March 1973; every number of eight digits is below, and may be a date
_MILLISECONDS_FROM = 1e11  # as seconds this is the year 5138
_EPOCH_LIMIT = 9e12  # as milliseconds this is the year 2255
_RELATIVE_LIMIT = 9e9  # seconds, 285 years


def as_times(column: pd.Series[Any], *, relative: bool) -> pd.Series[Any]:
    """Return UTC times, or Timedeltas where the log counts from its own start.

    A value that cannot be read becomes missing.

    Parameters
    ----------
    column : Series
        Times, numbers or text, one form per value.
    relative : bool
        Whether numbers are seconds from the start of the log.
    """
    if pd.api.types.is_timedelta64_dtype(column.dtype):
        return column
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return pd.to_datetime(column, utc=True)
    numbers = _numbers(column)
    if relative:
        return pd.to_timedelta(numbers.where(numbers.abs() < _RELATIVE_LIMIT), unit="s")
    numbers = numbers.where((numbers >= _SECONDS_FROM) & (numbers < _EPOCH_LIMIT))
    seconds = numbers.where(numbers < _MILLISECONDS_FROM, numbers / 1000)
    epochs = pd.to_datetime(seconds, unit="s", utc=True).dt.round("us").dt.as_unit("us")
    words = column.where(column.map(_is_dated)).astype(object)
    if not words.notna().any():
        return epochs
    dated = pd.to_datetime(words, utc=True, format="ISO8601", errors="coerce").dt.as_unit("us")
    return epochs.fillna(dated)


def _numbers(column: pd.Series[Any]) -> pd.Series[Any]:
    if pd.api.types.is_any_real_numeric_dtype(column.dtype):
        return column.astype(np.float64)
    return column.map(_number).astype(np.float64)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return np.nan
    try:
        return float(value)
    except (ValueError, OverflowError):
        return np.nan


def _is_dated(value: object) -> bool:
    """Whether this is a time, or text that may be one: pandas also reads ``now`` as a time."""
    if isinstance(value, str):
        return re.match(r"[0-9]{4}.*-|[0-9]{8}$", value) is not None
    return hasattr(value, "year")
