"""Values that were measured, as a quantity: counts of the calls of a log, a list, a Series, or a column of a file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kimi_planner.boundary import quoted
from kimi_planner.errors import UsageError, WorkloadError, restated, shown
from kimi_planner.packed import STANDARD_INPUT
from kimi_planner.usage.read import read_usage
from kimi_planner.workload.check import refused
from kimi_planner.workload.columns import read_column
from kimi_planner.workload.quantity import Empirical, Quantity, number_text

if TYPE_CHECKING:
    import pandas as pd


#: Quantities of a workload that a log shows.
LOGGED_KEYS = ("prompt_tokens", "completion_tokens", "reasoning_tokens")


def per_request(frame: pd.DataFrame, key: str, *, given: str) -> Empirical | None:
    """Return how a token count differs between the calls of a log.

    Parameters
    ----------
    frame : DataFrame
        A usage frame as `read_usage` returns it. A row of several requests counts as that many
        requests of its average size.
    key : {"prompt_tokens", "completion_tokens", "reasoning_tokens"}
        In a workload, ``completion_tokens`` are the visible answer, so reasoning is taken off; if
        only some rows state it, the others do not tell how long their answer was.
    given : str
        Where the values come from, in words.

    Returns
    -------
    Empirical or None
        ``None`` if no row states this count.
    """
    tokens = logged_tokens(frame, key)
    known = ~np.isnan(tokens)
    if not known.any():
        return None
    requests = frame["requests"].to_numpy(dtype=np.float64)[known]
    return Empirical.from_values(tokens[known] / requests, requests, given=given)


def logged_tokens(frame: pd.DataFrame, key: str) -> NDArray[np.float64]:
    """Return the tokens that a workload calls by this key in each row; NaN where it does not say."""
    counts = frame[key].astype("Float64")
    if key == "completion_tokens" and frame["reasoning_tokens"].notna().any():
        counts = counts - frame["reasoning_tokens"].astype("Float64")
    tokens = counts.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(frame["requests"] > 0, tokens, np.nan)


class Column(Protocol):
    """A column of a frame, such as a Series."""

    def to_numpy(self) -> Any:
        """Return its values."""


#: What values may be given as.
Values = Sequence[Any] | NDArray[Any] | Column


def is_values(value: object) -> bool:
    """Whether something is a list, an array or a Series of values."""
    return isinstance(value, list | tuple | np.ndarray) or all(
        hasattr(value, name) for name in ("to_numpy", "__len__")
    )


def from_values(key: str, values: Any, low: Decimal, high: Decimal, given: str) -> Quantity:
    """Return the distribution of values, each equally likely.

    Raises
    ------
    WorkloadError
        If there is none, or one is missing, no number or not plausible; the message says which.
    """
    if hasattr(values, "columns"):
        raise WorkloadError(f"{key} is {shown(values)}. Give one column of it.")
    # a Series may hold missing values of types that become no float
    listed = values.astype("object").tolist() if hasattr(values, "astype") else list(values)
    numbers = np.full(len(listed), np.nan)
    for at, value in enumerate(listed):
        if not isinstance(value, bool | str):
            with suppress(TypeError, ValueError, OverflowError):  # what is missing stays no number
                numbers[at] = float(value)
    if not len(numbers):
        raise WorkloadError(f"{key} has no values ({given}). Give one at least.")
    bad = np.flatnonzero(~((numbers >= float(low)) & (numbers <= float(high))))
    if len(bad):
        raise WorkloadError(
            f"{key}, value {bad[0] + 1} of {len(numbers)} is {quoted(listed[bad[0]])} ({given}). Every value "
            f"must be a number from {number_text(low)} to {number_text(high)}; leave out rows without one."
        )
    return Empirical.from_values(numbers, given=given)


def from_file(
    key: str, path: object, column: object, folder: Path, low: Decimal, high: Decimal
) -> Quantity:
    """Return how a count differs between the calls of a usage log, or the rows of a table.

    Parameters
    ----------
    column
        Of a table in CSV, JSON lines or Parquet; ``None`` for a usage log, which is read for the key.

    Raises
    ------
    WorkloadError
        If the file or the column cannot be read, or does not state the count.
    """
    if not isinstance(path, str) or not path or folder / path == STANDARD_INPUT:
        raise refused(f"{key}.from", path, "It must be the path of a usage log or a table.")
    if column is not None:
        with restated(about=f"{key}.from", of=WorkloadError):
            values = read_column(folder / path, column)
        return from_values(key, values, low, high, f"column {json.dumps(column)} of {path}")
    if key not in LOGGED_KEYS:
        raise WorkloadError(
            f"{key} cannot be taken from a log. Only {', '.join(LOGGED_KEYS)} can; name a column of a "
            'table: { from = "calls.csv", column = "turns" }.'
        )
    with restated(about=f"{key}.from", of=UsageError, fault=WorkloadError):
        logged = per_request(read_usage(folder / path), key, given=f"log {path}")
    if logged is None:
        raise WorkloadError(f"{key}.from: {path} does not say how many {key} a call has.")
    return logged
