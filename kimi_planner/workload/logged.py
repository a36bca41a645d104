"""From a usage log to a quantity: how a token count differs between its calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kimi_planner.workload.quantity import Empirical

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LOGGED_KEYS", "logged_tokens", "per_request"]

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
