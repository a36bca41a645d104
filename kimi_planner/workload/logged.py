"""From a usage log to a quantity: how a token count differs between its calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kimi_planner.workload.quantity import Empirical

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LOGGED_KEYS", "per_request"]

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
    calls = frame[frame["requests"] > 0]
    counts = calls[key].astype("Float64")
    if key == "completion_tokens" and calls["reasoning_tokens"].notna().any():
        counts = counts - calls["reasoning_tokens"].astype("Float64")
    known = counts.notna().to_numpy(dtype=bool)
    if not known.any():
        return None
    requests = calls["requests"].to_numpy(dtype=np.float64)[known]
    tokens = counts.to_numpy(dtype=np.float64, na_value=np.nan)[known]
    return Empirical.from_values(tokens / requests, requests, given=given)
