"""Regular CSV in one go: pandas reads the cells, once it is sure that it reads them right."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["regular_columns"]

_COMMA, _LINE_FEED = ord(","), ord("\n")


def regular_columns(
    text: str, width: int, places: Mapping[str, int], kinds: Mapping[str, str]
) -> pd.DataFrame | None:
    """Return columns of CSV text, or ``None`` where each row needs a closer look.

    Parameters
    ----------
    text : str
        Lines of CSV without a header.
    width : int
        Number of cells that each row must have.
    places : mapping
        Names of the columns to read, and their places in a row.
    kinds : mapping
        ``category`` for columns of few texts, ``str`` for those of many; a column that is not named
        is numbers, or else, if it is called ``timestamp`` or ``timestamp_s``, text.

    Returns
    -------
    DataFrame or None
        Numbers as int64 or float64, text as objects; an empty cell is missing, and nothing else is.

    Notes
    -----
    Rows are regular if there are no quotes and each row has ``width - 1`` commas. Then the length of
    every cell is known, and a value that is missing where the cell has text was not understood.
    """
    if "\r" in text:
        text = text.removesuffix("\r").replace("\r\n", "\n")
    if '"' in text or "\r" in text or "\0" in text:
        return None
    raw = f"{text}\n".encode()
    is_empty = _empty_cells(raw, width)
    if is_empty is None:
        return None
    texts = {places[name]: kind for name, kind in kinds.items() if name in places}
    frame = _cells(raw, sorted(places.values()), width, texts)
    if frame is None or len(frame) != len(is_empty):
        return None
    columns = {}
    for name, place in places.items():
        empty = is_empty[:, place]
        column: Any = frame[place]
        if (column.isna().to_numpy() != empty).any():
            return None
        is_time = name in ("timestamp", "timestamp_s")
        if is_time and column.dtype == np.float64:
            # pandas reads a fraction to almost the last digit, Python to the last.
            exact = _cells(raw, [place], width, {place: "str"})
            if exact is None:
                return None
            column = exact[place].astype(object).mask(empty, "nan").astype(float)
        elif name in kinds or is_time:
            column = _words(column, empty)
        elif column.dtype not in (np.int64, np.float64):
            column = None
        if column is None:
            return None
        columns[name] = column
    return pd.DataFrame(columns)


def _empty_cells(raw: bytes, width: int) -> np.ndarray[Any, Any] | None:
    """Return which cells of each row are empty, ``None`` if a row has more or fewer cells."""
    signs = np.frombuffer(raw, dtype=np.uint8)
    ends = np.flatnonzero((signs == _COMMA) | (signs == _LINE_FEED))
    if len(ends) % width:
        return None
    table = signs[ends].reshape(-1, width)
    if (table[:, -1] != _LINE_FEED).any() or (table[:, :-1] != _COMMA).any():
        return None
    is_empty: np.ndarray[Any, Any] = np.diff(ends, prepend=-1) == 1
    return is_empty.reshape(-1, width)


def _words(column: pd.Series[Any], empty: np.ndarray[Any, Any]) -> pd.Series[Any] | None:
    """Return text with ``None`` for an empty cell; numbers, which times may be, as they are."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        if column.cat.categories.dtype == bool:  # pandas takes words for truth values
            return None
        words = [word.strip() or None for word in column.cat.categories]
        return pd.Series(np.array([*words, None], dtype=object)[column.cat.codes])
    if pd.api.types.is_numeric_dtype(column) or (column.dtype != object and not empty.any()):
        return column
    return column.astype(object).mask(empty, None)


def _cells(raw: bytes, wanted: list[int], width: int, kinds: dict[int, str]) -> pd.DataFrame | None:
    """Return the columns at the wanted places, ``None`` if pandas finds other cells than expected."""
    try:
        return pd.read_csv(
            BytesIO(raw),
            header=None,
            names=list(range(width)),
            usecols=wanted,
            dtype=kinds,
            index_col=False,
            keep_default_na=False,
            na_values=[""],
            low_memory=False,
            skip_blank_lines=False,
        )
    except (ValueError, OverflowError):
        return None
