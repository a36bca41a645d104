"""Times in logs: ISO 8601, seconds to nanoseconds since 1970, or seconds since the log began."""

from __future__ import annotations

import re
from typing import Any, Literal

import numpy as np
import pandas as pd

_STAMP = re.compile(r"(?:19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}")
_STROKES = re.compile(r"[0-9]{4}/[0-9]{2}/[0-9]{2}(?:[ T]|$)")
_SECONDS_FROM = 1e8  # March 1973; every number of eight digits is below, and may be a date
_MILLISECONDS_FROM = 1e11  # as seconds this is the year 5138
_EPOCH_LIMIT = 9e12  # as milliseconds this is the year 2255
_MISSING = np.iinfo(np.int64).min  # NumPy's missing time, and missing length of time
_NANOSECONDS_TO = 9 * 10**18
_WHOLE_FLOATS = 2.0**53
#: From, below, and the factor that makes microseconds of it.
_SCALES = (
    (10**8, 10**11, 1_000_000, 1),
    (10**11, 9 * 10**12, 1_000, 1),
    (10**14, 9 * 10**15, 1, 1),
    (10**17, _NANOSECONDS_TO, 1, 1_000),
)
_OFFSET = re.compile("[Zz+-]")
_RELATIVE_LIMIT = 9e9  # seconds, 285 years


def as_times(column: pd.Series[Any], *, relative: bool) -> pd.Series[Any]:
    """Return UTC times, or Timedeltas where the log counts from its own start, in microseconds.

    A value that cannot be read becomes missing.

    Parameters
    ----------
    column : Series
        Times, numbers or text, one form per value.
    relative : bool
        Whether numbers are seconds from the start of the log.
    """
    if pd.api.types.is_timedelta64_dtype(column.dtype):
        return column if column.dt.unit == "us" else column.dt.round("us").dt.as_unit("us")
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return pd.to_datetime(column, utc=True)
    if not relative and pd.api.types.is_signed_integer_dtype(column.dtype):
        return _epochs(column)
    if not relative and (dates := _dates(column)) is not None:
        return dates
    numbers = as_numbers(column)
    if relative:
        near = numbers.where(numbers.abs() < _RELATIVE_LIMIT)
        return pd.Series(_micros(near).view("m8[us]"), index=column.index)
    whole = column.map(_whole)
    epochs = _epochs(whole.astype("Int64"))
    fractions = numbers.where(whole.isna() & (numbers >= _SECONDS_FROM) & (numbers < _EPOCH_LIMIT))
    seconds = fractions.where(fractions < _MILLISECONDS_FROM, fractions / 1000)
    epochs = epochs.fillna(_moments(_micros(seconds), column.index))
    words = column.where(column.map(_is_dated)).astype(object)
    if not words.notna().any():
        return epochs
    return epochs.fillna(_parsed(words, "coerce"))


def arrow_times(column: Any) -> Any:
    """Return text of Arrow as UTC times where all of it is one form of ISO 8601, else as it is."""
    import pyarrow as pa
    import pyarrow.compute as pc

    empty = pc.equal(column, "")
    filled = pc.if_else(empty, None, column)
    for kind in (pa.timestamp("us", "UTC"), pa.timestamp("us")):
        try:
            times = pc.cast(filled, kind).cast(pa.timestamp("us"))
        except pa.ArrowInvalid:
            continue
        if (pc.min(pc.utf8_length(filled)).as_py() or 0) < len("2026-01-01"):
            break
        return pd.Series(times.to_numpy(zero_copy_only=False)).dt.tz_localize("UTC")
    return column


def is_stamp(value: Any, *, least: float = _SECONDS_FROM) -> bool:
    """Whether a value looks like a date, or like a number since 1970 from ``least`` on."""
    if isinstance(value, str):
        if not value.isdecimal():
            return _STAMP.match(value) is not None
        value = int(value)
    return type(value) in (int, float) and least <= value < _NANOSECONDS_TO


def _have_offsets(words: pd.Series[Any]) -> np.ndarray[Any, Any]:
    """Return which times name an offset; one that is no text knows its own."""
    if words.dtype != object:
        return words.str.slice(10).str.contains(_OFFSET.pattern).to_numpy(dtype=bool)
    return np.array([not isinstance(one, str) or bool(_OFFSET.search(one, 10)) for one in words])


def _micros(seconds: pd.Series[Any]) -> np.ndarray[Any, Any]:
    """Return seconds as whole microseconds, to the nearest."""
    known = seconds.notna().to_numpy()
    micros = np.full(len(seconds), _MISSING)
    given = seconds.to_numpy()[known]
    whole = np.floor(given)
    micros[known] = (whole * 1e6 + np.rint((given - whole) * 1e6)).astype(np.int64)
    return micros


def _moments(micros: np.ndarray[Any, Any], index: pd.Index[Any]) -> pd.Series[Any]:
    """Return UTC times of microseconds since 1970."""
    return pd.Series(micros.view("M8[us]"), index=index).dt.tz_localize("UTC")


def _epochs(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return UTC times of whole seconds, milliseconds, microseconds or nanoseconds since 1970."""
    missing = column.isna().to_numpy(dtype=bool)
    whole = (
        column.to_numpy(dtype=np.int64, na_value=0) if missing.any() else column.to_numpy(np.int64)
    )
    stamps = np.full(len(whole), _MISSING)
    for low, high, times, over in _SCALES:
        here = (whole >= low) & (whole < high)
        stamps[here] = whole[here] * times // over
    return _moments(stamps, column.index)


def _dates(column: pd.Series[Any]) -> pd.Series[Any] | None:
    """Return the times of a column that is all text, dated as ISO 8601 does, else ``None``."""
    if column.dtype == object:
        if set(map(type, column)) != {str} or {value[4:5] for value in column} != {"-"}:
            return None
    elif not pd.api.types.is_string_dtype(column) or not (column.str[4:5] == "-").all():
        return None
    try:
        return _parsed(column, "raise")
    except ValueError:
        return None


def _parsed(words: pd.Series[Any], errors: Literal["raise", "coerce"]) -> pd.Series[Any]:
    """Return UTC times of text in ISO 8601; what has no offset is UTC, whatever stands before it."""
    if words.dtype == object:
        # map() would make a column of times of nothing but times
        words = pd.Series([*map(_as_iso, words)], words.index, dtype=object)

    def parse(part: pd.Series[Any]) -> pd.Series[Any]:
        return pd.to_datetime(part, utc=True, format="ISO8601", errors=errors).dt.as_unit("us")

    has_offset = _have_offsets(words)
    if has_offset.all() or not has_offset.any():
        return parse(words)
    # pandas 2.2 gives a time without an offset that of the one before it, so they are read apart.
    times = parse(words.where(has_offset).astype(object))
    return times.fillna(parse(words.mask(has_offset).astype(object)))


def _as_iso(word: Any) -> Any:
    """Return a time that names UTC, or has its year first and strokes after it, as ISO 8601 has it."""
    if not isinstance(word, str):
        return word
    if _STROKES.match(word):
        word = word.replace("/", "-", 2)
    return f"{word[:-4]}Z" if word.endswith((" UTC", " GMT")) else word


def _whole(value: object) -> int | None:
    """Return a whole number that may be an epoch, of a number or of text."""
    if type(value) is str and value.isdecimal() and 8 < len(value) < 20:
        value = int(value)
    if type(value) is float and value.is_integer() and value < _WHOLE_FLOATS:
        value = int(value)
    return value if type(value) is int and 0 <= value < _NANOSECONDS_TO else None


def as_numbers(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return the numbers of a column as float64, NaN for everything else."""
    if pd.api.types.is_any_real_numeric_dtype(column.dtype):
        return column.astype(np.float64)
    return column.map(_number).astype(np.float64)


def _number(value: object) -> float:
    try:
        return np.nan if isinstance(value, bool | np.bool_) else float(value)  # type: ignore[arg-type]  # else it raises
    except (TypeError, ValueError, OverflowError):
        return np.nan


def _is_dated(value: object) -> bool:
    """Whether this is a time, or text that may be one: pandas also reads ``now`` as a time."""
    if isinstance(value, str):
        return re.match(r"[0-9]{4}.*[-/]|[0-9]{8}$", value) is not None
    return hasattr(value, "year")
