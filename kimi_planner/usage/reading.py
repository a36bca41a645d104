"""Rows of a usage frame, made of a table of entries as its dialect says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.billing.meters import FEE
from kimi_planner.boundary import quoted
from kimi_planner.errors import UsageError, Where
from kimi_planner.usage.account import unread
from kimi_planner.usage.dialects import GENERIC, PARTS, Dialect, spelled, tables
from kimi_planner.usage.doubled_keys import mentions_usage
from kimi_planner.usage.fields import Fields
from kimi_planner.usage.frame import WRITTEN, checked_rows
from kimi_planner.usage.ids import call_ids, tree_nodes
from kimi_planner.usage.kinds import counts_of_kinds
from kimi_planner.usage.rows import LeftOut, Rows
from kimi_planner.usage.table import (
    Count,
    Table,
    as_count,
    as_objects,
    is_text,
    stated,
)
from kimi_planner.usage.times import arrow_times, is_stamp

__all__ = ["read_table"]

_NO_USAGE = "no usage object, so the call's cost is unknown. Log `usage` with every reply."
_BATCH = ("batch", "message_batch")
_PLAIN_TIERS = (None, *_BATCH, "standard", "default", "auto", "unspecified")
_LENGTH_OF_DAY = len("2026-01-01")
_PARTED = re.compile(r"[0-9]{1,3}(?:[.,][0-9]{3})+")
#: Counts that are no columns of a frame, which are checked by themselves.
_ASIDE = ("total_tokens", "written_tokens")
Counts = dict[str, Count]


def read_table(table: Table, dialect: Dialect, rows: Rows, *, name: str = "") -> None:
    """Keep the calls of a table of entries, and count what else it has.

    Raises
    ------
    UsageError
        If a field that looks like usage was not read.
    """
    rows.found(name or dialect.form or dialect.name)
    reading = _Reading(table, dialect, rows)
    reading.leave_out()
    reading.keep()


class _Reading:
    """One table as it is read.

    Attributes
    ----------
    alive
        Which entries are still rows.
    unsaid
        Which entries are no rows because they state no tokens by a name that is known.
    silent_chunk
        Which entries are chunks of a stream that say nothing of its usage.
    """

    def __init__(self, table: Table, dialect: Dialect, rows: Rows) -> None:
        self.table, self.dialect, self.rows = table, dialect, rows
        self.fields = Fields(table, dialect, rows)
        self.alive = np.ones(len(table), dtype=bool)
        self.nodes = tree_nodes(self.fields)
        self.ids, self.is_chunk = call_ids(self.fields)
        self.silent_chunk = self.unsaid = self.fields.none()

    # --- which entries are rows

    def leave_out(self) -> None:
        """Leave out what is no call, what failed, and what states nothing."""
        dialect, says = self.dialect, self.fields.says
        for path, values in dialect.calls.items():
            self._drop(says(path, values, other=True), LeftOut.OTHER)
        for path, values in dialect.other.items():
            self._drop(says(path, values), LeftOut.OTHER)
        for path, values in dialect.failed.items():
            self._drop(says(path, values), LeftOut.FAILED)
        for path in dialect.json:
            self._refuse_text(path)
        count = self.fields.count
        self.counts = self._kinds() if dialect.kinds else {name: count(name) for name in PARTS}
        self.counts["requests"] = count("requests")
        self._refuse_all(self.fields.conflicts)
        for name, known in self.counts.items():
            self._refuse_all({
                row: f"{name} is {quoted(value)}. It must be a whole number"
                + (", and may be two here. Write it without separators." if _PARTED.fullmatch(str(value)) else ".")
                for row, value in known.odd.items() if isinstance(value, str) or (name in _ASIDE and not isinstance(value, float))
            })  # fmt: skip
        for name in _ASIDE:
            self._refuse(self.counts[name].numbers < 0, f"{name} is negative. It cannot be.")
        self._drop_silent()

    def _drop(self, mask: Any, why: LeftOut) -> None:
        self.rows.left_out[why] += int((mask & self.alive).sum())
        self.alive &= ~mask

    def _refuse_all(self, problems: Mapping[int, str]) -> None:
        for row, problem in problems.items():
            if self.alive[row]:
                self.alive[row] = False
                self.rows.refuse(int(self.table.lines[row]), problem)

    def _refuse(self, mask: Any, problem: str) -> None:
        self._refuse_all(dict.fromkeys(np.flatnonzero(mask).tolist(), problem))

    def _refuse_text(self, path: str) -> None:
        """Refuse what is no object where one must be, as it may hold counts."""
        column = self.table.get(path)
        values = [] if column is None else as_objects(column)
        self._refuse_all({
            row: f"{path} is {quoted(value)}. It must be a JSON object."
            for row, value in enumerate(values) if value is not None and value not in ("null", "{}")
        })  # fmt: skip

    def _drop_silent(self) -> None:
        """Take out the entries without counts: chunks of a stream, failures, what is no call."""
        dialect, fields, alive = self.dialect, self.fields, self.alive
        prompt, completion = self.counts["prompt_tokens"], self.counts["completion_tokens"]
        silent = prompt.missing & completion.missing
        silent[[*prompt.odd, *completion.odd]] = False
        nothing = (completion.numbers == 0) & ((prompt.numbers == 0) | completion.missing)
        nothing &= ~(silent & self.is_chunk)
        nothing[[*prompt.odd, *completion.odd]] = False
        if nothing.any():
            self._drop(nothing & fields.failed(), LeftOut.FAILED)
        if not (silent & alive).any() or (self.table.is_text and dialect.name == GENERIC):
            return
        path, _, values = (dialect.silent_unless or "").partition("=")
        speaks = fields.says(path, values.split("|")) if values else fields.has(path)
        self.silent_chunk = silent & self.is_chunk & ~speaks
        names = fields.objects("call_id")
        for row in np.flatnonzero(self.silent_chunk & alive).tolist():
            self.rows.open(self.ids[row], int(self.table.lines[row]), str(names[row]))
        alive &= ~self.silent_chunk
        silent &= ~self.silent_chunk
        if dialect.silent != "other":
            speaks = ~self._events() if dialect.name == GENERIC else ~fields.none()
        if dialect.kinds:
            self.rows.unstated += int((silent & ~speaks & alive).sum())
        self.unsaid = silent & ~speaks & alive
        self._drop(self.unsaid, LeftOut.OTHER)
        for row in np.flatnonzero(silent & alive).tolist():
            general = self.rows.unknown(self.table, row) if dialect.name == GENERIC else _NO_USAGE
            self._refuse_all({row: dialect.silent_said or general})

    def _events(self) -> Any:
        """Return which entries are events that tell nothing of a call: of a type, without a model."""
        named = self.fields.has("type") | self.fields.has("event")
        named &= ~self.fields.has("model")
        for row in np.flatnonzero(named).tolist() if self.table.entries else ():
            named[row] = not mentions_usage(self.table.entries[row])
        return named

    # --- the rows

    def keep(self) -> None:
        """Check the calls that are left, and keep the good ones."""
        fields, rows, counts = self.fields, self.rows, self.counts
        clock, stamps = self._clock()
        models = self._models()
        raw: dict[str, Any] = {} if stamps is None else {clock: stamps}
        raw["model"] = models
        for name, count in zip(WRITTEN, _written(counts), strict=True):
            counts[name] = count
        if "cached_tokens" in self.dialect.requires:
            self._refuse(
                counts["cached_tokens"].missing & self.alive,
                "cached_tokens are missing, and the prompt is stated without them. Export them too.",
            )
        self._add_up()
        if self.dialect.windows:
            self._windows(stamps)
        requests = counts["requests"]
        ones = Count(np.where(requests.missing, 1, requests.numbers), fields.none(), requests.odd)
        frame_counts = {"requests": ones} | {
            name: counts[name] for name in (*PARTS[:4], *WRITTEN)
            if name not in WRITTEN or counts[name].odd or not counts[name].missing.all()
        } | self._fees()  # fmt: skip
        batch = self._batch()
        if batch is not None:
            raw["batch"] = batch
        cost = self._cost()
        kept = {name: column for name in rows.kept if (column := self._kept(name)) is not None}
        has = {
            name
            for name, column in (("timestamp", stamps), ("logged_cost_usd", cost))
            if column is not None
        }
        has |= set() if requests.missing.all() else {"requests"}
        self._account(has)
        at = np.flatnonzero(self.alive)
        every: Any = slice(None) if len(at) == len(self.table) else at
        lines = np.asarray(self.table.lines)[at]

        def where(row: int) -> Where:
            return rows.where(int(lines[row])) if row >= 0 else Where(rows.file)

        chosen = at
        if len(at):
            columns = {name: _taken(column, every) for name, column in raw.items()}
            columns |= {name: count.column(every) for name, count in frame_counts.items()}
            checked, good = checked_rows(pd.DataFrame(columns), where, rows.problems)
            chosen = at[good]
            hidden = {"_line": lines[good], "_file": rows.file_number, "_id": self.ids[chosen]}
            hidden |= {"_chunk": self.is_chunk[chosen], "_node": 0, "_parent": 0}
            if self.nodes is not None:
                hidden |= {"_node": self.nodes[0][chosen], "_parent": self.nodes[1][chosen]}
            if cost is not None:
                hidden["_cost"] = cost[chosen]
            extra = {name: _taken(column, chosen) for name, column in kept.items()}
            rows.keep(checked.assign(**hidden, **extra))
        bad = self.is_chunk & ~self.silent_chunk
        bad[chosen] = False
        rows.refused.update(self.ids[bad].tolist())
        rows.keep_nodes(self.nodes)

    def _clock(self) -> tuple[str, Any]:
        """Return the times as a column of a frame, and its name."""
        fields, relative = self.fields, self.dialect.relative
        seconds = fields.values("timestamp_s")
        dates = None if relative and seconds is not None else fields.values("timestamp")
        if seconds is None or (dates is not None and not stated(seconds).any()):
            return "timestamp", arrow_times(dates) if is_text(dates) else dates
        if dates is not None:
            pairs = enumerate(zip(as_objects(seconds), as_objects(dates), strict=True))
            for row, (second, date) in pairs:
                if self.alive[row] and (second is not None or date is not None):
                    self.rows.clock(int(self.table.lines[row]), is_relative=second is not None)
        if not relative or "timestamp_s" in self.rows.renamed:
            return "timestamp_s", seconds
        if is_stamp(as_objects(seconds[:1])[0], least=1e8 if relative == "s" else 1e11):
            return "timestamp", seconds
        if relative == "s":
            return "timestamp_s", seconds
        values = as_objects(seconds)
        self._refuse_all({
            row: f"timestamp is {quoted(value)}. This form counts whole milliseconds from its start; if these "
            'are seconds, say so: map={"timestamp_s": "timestamp"} (--map timestamp_s=timestamp).'
            for row, value in enumerate(values) if type(value) is float and value % 1
        })  # fmt: skip
        return "timestamp_s", [
            value / 1000 if type(value) in (int, float) else value for value in values
        ]

    def _models(self) -> Any:
        column = self.fields.values("model")
        if column is None:
            return np.full(len(self.table), None, dtype=object)
        if is_text(column):
            coded = column.dictionary_encode()
            words = [*map(_model_name, coded.dictionary.to_pylist())]
            return np.array([*words, None], dtype=object)[:-1][np.asarray(coded.indices)]
        values = as_objects(column)
        self._refuse_all({
            row: f"model is {quoted(value)}. A model id is text."
            for row, value in enumerate(values) if type(value) not in (str, type(None))
        })  # fmt: skip
        share = self.rows.models.setdefault
        names = np.empty(len(values), dtype=object)
        names[:] = [
            share(value, _model_name(value)) if type(value) is str else None for value in values
        ]
        return names

    def _fees(self) -> Counts:
        fees = {
            path: as_count(self.table.columns[path])
            for path in self.table.columns
            if path.startswith(FEE)
        }
        self.fields.read.update(fees)
        searches = self.fields.count("fee_web_search")
        return fees | ({f"{FEE}web search": searches} if searches.numbers.any() else {})

    def _batch(self) -> Any:
        """Return which calls were part of a batch, ``None`` if none says so."""
        names = [*self.fields.paths("batch"), *self.fields.paths("tier"), *self.dialect.batch_if]
        if not any(name in self.table.columns or name in self.table.names for name in names):
            return None
        flags = np.array([*self.fields.objects("batch"), None], dtype=object)[:-1]
        tiers = self.fields.objects("tier")
        self.rows.tiers.update(
            tier for tier, alive in zip(tiers, self.alive, strict=True)
            if alive and isinstance(tier, str) and tier not in _PLAIN_TIERS
        )  # fmt: skip
        flags[[tier in _BATCH for tier in tiers]] = True
        for name in self.dialect.batch_if:
            flags[self.fields.has(name)] = True
        return flags if any(flag is not None for flag in flags) else None

    def _cost(self) -> Any:
        if self.fields.values("logged_cost_usd") is None:
            return None
        values = pd.Series(self.fields.objects("logged_cost_usd"), dtype=object)
        if not self.table.commas:
            values = values.str.replace(",", ".")
        currencies = self.fields.objects("currency")
        is_usd = np.array([str(one or "usd").lower() == "usd" for one in currencies], dtype=bool)
        numbers = pd.to_numeric(values, errors="coerce").where(is_usd)
        return numbers.to_numpy(dtype=float, na_value=np.nan)

    def _kept(self, name: str) -> Any:
        """Return a column that is kept beside those of a usage frame."""
        path = name if name in self.table.columns else self.table.names.get(spelled(name))
        if path is None:
            return None
        self.fields.read.add(path)
        return as_objects(self.table.columns[path])

    def _account(self, has: set[str]) -> None:
        seen, fault = unread(
            self.table, self.dialect, self.fields.read, self.counts, self.rows.ignored_names,
            alive=self.alive | self.unsaid, has=has,
        )  # fmt: skip
        self.rows.unread.update(seen)
        if fault is not None:
            raise UsageError(fault[1], at=self.rows.where(fault[0]))

    # --- windows

    def _windows(self, starts: Any) -> None:
        """Leave out windows without requests, and note what the others cover."""
        prompt, requests = self.counts["prompt_tokens"], self.counts["requests"]
        if "requests" in self.dialect.requires:
            self._refuse(
                requests.missing & self.alive,
                "num_model_requests is missing, so it is not known how many calls these are. Export it too.",
            )
        self.rows.windows_unstated += int((requests.missing & self.alive).sum())
        empty = (requests.numbers == 0) & ~requests.missing & (prompt.numbers == 0)
        self._drop(empty, LeftOut.OTHER)
        if starts is None:
            return
        ends = self.fields.objects("end")
        for start, end in dict.fromkeys(
            (start, end) for start, end in zip(as_objects(starts), ends, strict=True)
            if isinstance(start, str | int | float) and isinstance(end, str | int | float | None)
        ):  # fmt: skip
            is_day = end is None and isinstance(start, str) and len(start) == _LENGTH_OF_DAY
            if end is not None or is_day:
                self.rows.cover(start, end, days=int(is_day))

    # --- arithmetic

    def _kinds(self) -> Counts:
        under = str(self.dialect.kinds)
        paths = {
            name.removeprefix(f"{under}."): path
            for name, path in self.table.names.items()
            if name.startswith(f"{under}.") and not self.rows.is_ignored(path)
        }
        self.fields.read.update(paths.values())
        columns = {name: self.table.columns[path] for name, path in paths.items()}
        counts, faults = counts_of_kinds(columns, under, len(self.table))
        self._refuse_text(under)
        self._refuse_all(faults)
        return {name: counts.get(name, Count.unstated(len(self.table))) for name in PARTS}

    def _exclusive(self, parts: Any) -> Any:
        """Return which entries say prompt tokens without those that are cached and written."""
        how, told, none = self.dialect.exclusive, tables()["told"], self.fields.none()
        if isinstance(how, bool):
            return none | how
        read = {spelled(path): path for path in self.fields.read}
        if how == "provider":
            words = [str(one).lower() for one in self.fields.objects("provider")]
            is_told = np.array([any(one in word for one in told["providers"]) for word in words])
            olds = [one for path, one in read.items() if path.endswith(tuple(told["old_names"]))]
            is_old = np.logical_or.reduce(
                [none, *(stated(self.table.columns[one]) for one in olds)]
            )
            return is_told & (is_old | (parts > self.counts["prompt_tokens"].numbers))
        mask = none.copy()
        for path in read:
            front, _, name = path.rpartition(".")
            front = f"{front}." if front else ""
            if name in told["prompt"]:
                parts_of, not_if = (
                    np.logical_or.reduce([self.fields.has(front + one) for one in told[key]])
                    for key in ("parts", "unless")
                )
                mask |= parts_of & ~not_if & stated(self.table.columns[read[path]])
            elif name == "prompt_tokens":
                none |= stated(self.table.columns[read[path]])
        return mask & ~none

    def _add_up(self) -> None:
        """Add cached and written tokens to the prompts that leave them out; a stated total decides."""
        prompt, completion, cached, reasoning, total = (self.counts[name] for name in PARTS[:5])
        written = sum(self.counts[name].numbers for name in WRITTEN)
        parts = cached.numbers + written
        exclusive = self._exclusive(parts)
        for path, values in self.dialect.exclusive_if.items():
            exclusive |= self.fields.says(path, values)
        if not isinstance(self.dialect.exclusive, bool):  # a total that leaves them out decides
            exclusive &= (
                total.missing
                | (parts > prompt.numbers)
                | (total.numbers != prompt.numbers + completion.numbers)
            )
        lone = completion.missing & ~prompt.missing
        if lone.any():  # an embedding has no completion
            embeds = (total.numbers == prompt.numbers) & ~total.missing
            for name in ("gen_ai.operation.name", "type", "call_type", "event", "object"):
                embeds |= np.array(
                    ["embedding" in (word or "") for word in self.fields.words(name)]
                )
            completion.missing &= ~(lone & embeds)
        base, out = prompt.numbers, completion.numbers
        add = np.where(exclusive, parts, 0)
        if not total.missing.all():
            asked = ~total.missing & ~prompt.missing & ~completion.missing & self.alive
            asked[[*prompt.odd, *completion.odd, *total.odd]] = False
            fits = (total.numbers == base + add + out) | (exclusive & (total.numbers == base + out))
            wrong = asked & ~fits
            for more, extra in (
                (0, 0),
                (parts, 0),
                (written, 0),
                (cached.numbers, 0),
                (0, 1),
                (parts, 1),
            ):
                if not wrong.any():
                    break
                outside = completion.numbers + extra * reasoning.numbers
                fits = wrong & (total.numbers == base + more + outside)
                add, out = np.where(fits, more, add), np.where(fits, outside, out)
                wrong &= ~fits
            self._refuse_all({
                row: f"total_tokens ({total.numbers[row]}) is not prompt_tokens + completion_tokens "
                f"({base[row] + add[row]} + {out[row]})."
                for row in np.flatnonzero(wrong).tolist()
            })  # fmt: skip
        prompt.numbers, completion.numbers = base + add, out


def _written(counts: Counts) -> tuple[Count, Count]:
    """Return what was written to a cache for five minutes and an hour; what states no time, for five."""
    five, hour, whole = (counts[f"written_{one}tokens"] for one in ("5m_", "1h_", ""))
    rest = np.maximum(whole.numbers - hour.numbers, five.numbers)
    return Count(rest, whole.missing & five.missing, five.odd), hour


def _taken(values: Any, at: Any) -> Any:
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
