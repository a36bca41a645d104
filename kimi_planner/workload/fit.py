"""What a usage log tells about a workload: sizes of calls, traffic, cached share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from kimi_planner.errors import WorkloadError
from kimi_planner.notes import Note, note
from kimi_planner.workload.logged import LOGGED_KEYS, per_request

__all__ = ["fitted_fields"]

SHORT_LOG_DAYS = 14


def fitted_fields(frame: pd.DataFrame, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a workload as a usage frame shows them, ``known`` ones as they are."""
    source = str(frame.attrs.get("source", "usage frame"))
    requests = int(frame["requests"].sum())
    if not requests:
        raise WorkloadError(f"{source}: no row has a request. A workload is fitted to calls.")
    given = f"{requests:,} calls"
    fields: dict[str, Any] = {"source": f"Fitted to {given} in {source}."}
    notes: list[Note] = []
    for key in LOGGED_KEYS:
        if (found := per_request(frame, key, given=given)) is not None:
            fields[key] = found
    stated = frame["cached_tokens"].notna().to_numpy(dtype=bool)
    prompt = int(frame.loc[stated, "prompt_tokens"].sum())
    if prompt:
        fields["cached_share"] = int(frame.loc[stated, "cached_tokens"].sum()) / prompt
    silent = int((~stated).sum())
    if silent:
        notes.append(note("unstated", silent=silent, rows=len(frame), what="cached"))
    silent = int(frame["reasoning_tokens"].isna().sum())
    if 0 < silent < len(frame):
        notes.append(note("sized_by_others", silent=silent, rows=len(frame)))
    if (frame["requests"] > 1).any():
        notes.append(note("windows"))
    if "requests_per_day" not in known:
        days = _observed_days(frame, source)
        fields["requests_per_day"] = float(f"{requests / days:.6g}")
        if days < SHORT_LOG_DAYS:
            notes.append(note("traffic_extended", span=_duration(days)))
    return {**fields, "notes": tuple(notes), **known}


def _observed_days(frame: pd.DataFrame, source: str) -> float:
    times = frame["timestamp"].dropna()
    if len(times) < len(frame):
        raise WorkloadError(
            f"{source}: {len(frame) - len(times)} rows have no timestamp, so traffic per day cannot be "
            "told. Pass requests_per_day=…."
        )
    span = (times.max() - times.min()).total_seconds() / 86_400
    distinct = times.drop_duplicates().sort_values()
    if span <= 0:
        raise WorkloadError(
            f"{source}: all rows have the same timestamp, so traffic per day cannot be told. "
            "Pass requests_per_day=…."
        )
    if (frame["requests"] > 1).any():  # rows are windows; the last one lasts as long as the others
        return float(span + pd.Timedelta(distinct.diff().median()).total_seconds() / 86_400)
    return float(span * len(frame) / (len(frame) - 1))


def _duration(days: float) -> str:
    if days >= 2:
        return f"{days:.1f} days"
    hours = days * 24
    return f"{hours:.1f} hours" if hours >= 2 else f"{hours * 60:.0f} minutes"
