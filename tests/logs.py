"""Usage logs in tests: entries as lines, and what was counted in a frame of them."""

import json

import pandas as pd

COUNTS = ["requests", "prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens"]
WITH_WRITTEN = [*COUNTS, "written_5m_tokens", "written_1h_tokens"]


def lines(*entries):
    """Return entries as JSON, one on each line."""
    return "".join(f"{json.dumps(entry)}\n" for entry in entries)


def counts(frame):
    """Return the counts as tuples, None where the log does not say."""
    rows = frame[COUNTS].astype(object).itertuples(index=False)
    return [tuple(None if value is pd.NA else int(value) for value in row) for row in rows]


def totals(frame):
    """Return the sums, None where no row states a count."""
    return tuple(
        0 if name not in frame and name.startswith("written")
        else None if frame[name].isna().all() else int(frame[name].sum())
        for name in WITH_WRITTEN
    )  # fmt: skip
