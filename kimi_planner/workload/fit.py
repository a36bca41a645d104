"""From a usage log to workloads: sizes of calls, traffic with its range and rhythm, cache and mix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from functools import cached_property, reduce
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.billing.dated import Prices
from kimi_planner.billing.meters import FEE
from kimi_planner.catalog import load_catalog
from kimi_planner.errors import WorkloadError, shown, unknown
from kimi_planner.notes import Note, note
from kimi_planner.series.moments import DAY, Moment, moment_text
from kimi_planner.usage.read import read_usage
from kimi_planner.workload.ahead import (
    Ahead,
    ahead,
    correlation_of,
    growth_ahead,
    level_ahead,
    mean_factor,
)
from kimi_planner.workload.measured import LOGGED_KEYS, logged_tokens, per_request
from kimi_planner.workload.model import FIELDS
from kimi_planner.workload.quantity import Scaled
from kimi_planner.workload.resolve import UNITS
from kimi_planner.workload.rhythm import Rhythm, rhythm_of

SHORT_LOG_DAYS = 14
NOT_STATED = "(not stated)"
_WRITTEN = {"written_5m_tokens": "five_minutes", "written_1h_tokens": "one_hour"}
_PLACES = Decimal("1e-9")
_LATE = 0.1  # of a log, before the first call of a workload: it began with that call


def fitted(
    frame: pd.DataFrame,
    name: str | None,
    by: str | Sequence[str] | None,
    known: Mapping[str, Any],
    alias: Mapping[str, str] | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield the fields of workloads as a usage log shows them, ``known`` ones as they are.

    Of one workload for the whole log, or of one for each value of some columns.

    Raises
    ------
    WorkloadError
        If it is not said which of the two, or a field or a column is not known.
    """
    if (name is None) == (by is None):
        raise WorkloadError("Give name, for one workload of the whole log, or by.")
    for key in known:
        if key not in FIELDS:
            about = f"workload {shown(name or by)}: unknown field"
            raise WorkloadError(unknown(about, key, FIELDS))
    columns = [] if by is None else [by] if isinstance(by, str) else list(by)
    if by is not None and not columns:
        raise WorkloadError(f"by is {shown(by)}. Name a column, or leave it out for one workload.")
    checked = read_usage(frame, keep=[one for one in columns if one in frame and one != "model"])
    checked.attrs["source"] = frame.attrs.get("source", "usage frame")
    if name is None:
        yield from _fitted_by(checked, columns, known, alias)
    else:
        yield {"name": name, **Fit(_renamed(checked, alias), known).fields}


def _fitted_by(
    frame: pd.DataFrame,
    columns: Sequence[str],
    known: Mapping[str, Any],
    alias: Mapping[str, str] | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield the fields of a workload for each value of some columns, its name among them.

    Calls in batches are workloads of their own. All have the correlation at which they are together
    as uncertain as the whole log.

    Raises
    ------
    WorkloadError
        If there is no such column.
    """
    for column in columns:
        if column not in frame:
            raise WorkloadError(
                f"by is {shown(column)}, which the frame does not have: {', '.join(map(str, frame))}. Read "
                f"the log with keep=[{column!r}]."
            )
    frame = _renamed(frame, alias)
    stated = [frame[one].astype(object).where(frame[one].notna(), NOT_STATED) for one in columns]
    names = reduce(lambda *both: both[0] + " / " + both[1], [one.astype(str) for one in stated])
    keys = pd.concat(stated, axis=1).drop_duplicates()
    joined = names[keys.index]
    if len(columns) > 1 and joined.duplicated().any():
        raise WorkloadError(
            f"by is {', '.join(columns)}, of which different values make one name: "
            f"{shown(joined[joined.duplicated()].iloc[0])}. Write one of them otherwise in the log."
        )
    if "batch" in frame:
        both = frame["batch"].groupby(names).transform("nunique") > 1
        names = names.mask(both & frame["batch"], names + " (batch)")
    whole = Fit(frame, known)
    fits = {}
    for name, rows in frame.groupby(names, sort=False):
        if rows["requests"].any():
            rows.attrs = {**frame.attrs, "source": f"{whole.source}, {name}"}
            fits[str(name)] = Fit(rows, known, whole)
    shared = {}
    if whole.is_timed and len(fits) > 1:
        parts = [one.calls for one in fits.values()]
        tokens = frame[["prompt_tokens", "completion_tokens"]].sum(axis=1).groupby(names).sum()
        calls = frame["requests"].groupby(names).sum()
        weight = names.map(tokens / calls.where(calls > 0, 1)).to_numpy(dtype=np.float64)
        shared["correlation"] = correlation_of(
            ahead(frame, whole.requests * weight, "tokens"),
            parts,
            np.array([float(tokens[name] / calls[name]) for name in fits]),
        )
    for name, one in fits.items():
        yield {"name": name, **shared, **one.fields}


@dataclass(frozen=True)
class Fit:
    """What one log, or part of one, shows of a workload.

    Attributes
    ----------
    frame
        The calls.
    known
        Fields that are known better.
    whole
        The log that the calls are part of.
    """

    frame: pd.DataFrame
    known: Mapping[str, Any]
    whole: Fit | None = None

    def __post_init__(self) -> None:
        if not self.requests.any():
            raise WorkloadError(f"{self.source}: no row has a call. A workload is fitted to calls.")

    @property
    def source(self) -> str:
        """Name of the log."""
        return str(self.frame.attrs.get("source", "usage frame"))

    @property
    def requests(self) -> Any:
        """Requests of each row."""
        return self.frame["requests"].to_numpy(dtype=np.float64)

    @property
    def knows_traffic(self) -> bool:
        """Whether traffic is known better than the log shows it, in any unit."""
        return not set(UNITS).isdisjoint(self.known)

    @cached_property
    def is_timed(self) -> bool:
        """Whether the log tells when its calls came.

        Raises
        ------
        WorkloadError
            If it does not, and traffic is not known otherwise.
        """
        if self.whole is not None:
            return self.whole.is_timed
        times, silent = self.frame["timestamp"], int(self.frame["timestamp"].isna().sum())
        if not silent and times.min() < times.max():
            return True
        if self.knows_traffic:
            return False
        said = f"{silent} rows have no timestamp" if silent else "all rows have the same timestamp"
        raise WorkloadError(
            f"{self.source}: {said}, so traffic per day cannot be told. Pass requests_per_day=…."
        )

    @cached_property
    def rhythm(self) -> Rhythm:
        """When the calls come."""
        return rhythm_of(self.frame)

    @cached_property
    def calls(self) -> Ahead:
        """What may follow, in calls."""
        return ahead(self.frame, self.requests, "calls", self._bounds)

    @property
    def fields(self) -> dict[str, Any]:
        """Fields of a workload."""
        given = f"{int(self.requests.sum()):,} calls"
        source = f"Fitted to {given} in {self.source}"
        sizes = {key: per_request(self.frame, key, given=given) for key in LOGGED_KEYS}
        fields: dict[str, Any] = {**sizes}
        fields |= self._shares()
        models = set(self.frame["model"])
        if len(models) == 1 and isinstance(model := models.pop(), str):
            fields["tokens_of"] = model
        if self.is_timed:
            if not self.knows_traffic:
                fields["requests_per_day"] = level_ahead(self.calls, self.rhythm.usual)
                fields["growth_per_month"] = growth_ahead(self.calls)
                source += (
                    f"; traffic is that of the month after {moment_text(self.calls.observed.end)}"
                )
            fields |= self.rhythm.fields
            for key, size in sizes.items():
                tokens = logged_tokens(self.frame, key)
                if size is not None and (factor := self._factor(tokens, self.requests)):
                    fields[key] = Scaled(size, factor)
            cached = self.frame["cached_tokens"].to_numpy(dtype=np.float64, na_value=np.nan)
            prompt = self.frame["prompt_tokens"].to_numpy(dtype=np.float64)
            if factor := self._factor(cached, prompt):
                most = 1 - sum(map(float, fields.get("written_share", {}).values()))
                share = fields["cached_share"]
                fields["cached_share"] = {
                    name: float(f"{min(share * times, most):.6g}") for name, times in factor.items()
                }
        return {**fields, "source": f"{source}.", "notes": tuple(self._notes()), **self.known}

    @cached_property
    def _bounds(self) -> tuple[Moment, Moment] | None:
        """What the log covers: that of the whole, but for time before a workload that began late."""
        if self.whole is None:
            return None
        seen = self.whole.calls.observed
        start: Any = seen.start
        first: Any = self.frame["timestamp"].min()
        late = (first - start).total_seconds() > _LATE * seen.seconds
        return first if late else start, seen.end

    def _factor(self, tokens: Any, base: Any) -> Any:
        """Return the uncertain factor on the ratio of tokens to calls, or to others, if there is one.

        Tokens are NaN in rows that do not state them.
        """
        stated = ~np.isnan(tokens)
        if not tokens[stated].any():
            return None
        bounds = self.calls.observed.start, self.calls.observed.end
        above, below = (
            ahead(self.frame, np.nan_to_num(amounts), "tokens", bounds, stated)
            for amounts in (tokens, base)
        )
        return mean_factor(above, below)

    def _shares(self) -> dict[str, Any]:
        """Return what is a share of the tokens or of the calls, where the log states it."""
        frame = self.frame
        fields: dict[str, Any] = {}
        stated = frame["cached_tokens"].notna().to_numpy(dtype=bool)
        prompt = int(frame.loc[stated, "prompt_tokens"].sum())
        if prompt:
            fields["cached_share"] = int(frame.loc[stated, "cached_tokens"].sum()) / prompt
        whole = int(frame["prompt_tokens"].sum())
        written = {
            kind: _part(frame[column].sum(), whole)
            for column, kind in _WRITTEN.items()
            if column in frame and frame[column].any()
        }
        if written:
            fields["written_share"] = written
        fees = {
            str(column).removeprefix(FEE): _part(frame[column].sum(), int(self.requests.sum()))
            for column in frame
            if str(column).startswith(FEE) and frame[column].any()
        }
        if fees:
            fields["fees_per_request"] = fees
        if "batch" in frame and frame["batch"].all():
            fields["batch"] = True
        return fields

    def _notes(self) -> Iterator[Note]:
        """Yield what the fields do not say."""
        frame, rows = self.frame, len(self.frame)
        if silent := int(frame["cached_tokens"].isna().sum()):
            yield note("unstated", silent=silent, rows=rows, what="cached")
        if 0 < (silent := int(frame["reasoning_tokens"].isna().sum())) < rows:
            yield note("sized_by_others", silent=silent, rows=rows)
        if (self.requests > 1).any():
            yield note("windows")
        models = frame["requests"].groupby(frame["model"].fillna(NOT_STATED)).sum()
        if len(models) > 1:
            yield note("model_mix", mix=_mix(models))
        if "batch" in frame and not frame["batch"].all() and frame["batch"].any():
            share = float(self.requests @ frame["batch"]) / self.requests.sum()
            yield note("batch_mix", share=share)
        if not self.knows_traffic and (days := self.calls.observed.seconds / DAY) < SHORT_LOG_DAYS:
            yield note("traffic_extended", span=_duration(days))


def _renamed(frame: pd.DataFrame, alias: Mapping[str, str] | None) -> pd.DataFrame:
    """Return a log whose models have the names of the catalog, as far as it has them."""
    prices = Prices(catalog=load_catalog(), alias=alias)
    names = {name: prices.named(name) for name in frame["model"].dropna().unique()}
    return frame.assign(model=frame["model"].replace(names))


def _part(amount: Any, whole: int) -> Decimal:
    """Return a part of a whole, rounded down so that parts are never more than it."""
    return (Decimal(int(amount)) / whole).quantize(_PLACES, ROUND_DOWN)


def _mix(models: pd.Series[int]) -> str:
    shares = (models / models.sum()).sort_values(ascending=False, kind="stable")
    return ", ".join(f"{share:.0%} {name}" for name, share in shares.items())


def _duration(days: float) -> str:
    if days >= 2:
        return f"{days:.1f} days"
    hours = days * 24
    return f"{hours:.1f} hours" if hours >= 2 else f"{hours * 60:.0f} minutes"
