"""Rows of a usage frame, made of a table of entries as its dialect says."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.billing.meters import FEE
from kimi_planner.boundary import quoted
from kimi_planner.errors import Where
from kimi_planner.usage.account import account_for
from kimi_planner.usage.dialects import GENERIC, PARTS, Dialect, spelled
from kimi_planner.usage.doubled_keys import mentions_usage
from kimi_planner.usage.fields import Fields
from kimi_planner.usage.frame import WRITTEN, checked_rows
from kimi_planner.usage.ids import call_ids, tree_nodes
from kimi_planner.usage.kinds import counts_of_kinds
from kimi_planner.usage.rows import LeftOut, Rows
from kimi_planner.usage.sums import Counts, add_up, written
from kimi_planner.usage.table import Count, Table, as_count, as_objects
from kimi_planner.usage.values import batch_of, clock_of, cost_of, models_of, taken

_NO_USAGE = "no usage object, so the call's cost is unknown. Log `usage` with every reply."
_LENGTH_OF_DAY = len("2026-01-01")
_PARTED = re.compile(r"[0-9]{1,3}(?:[.,][0-9]{3})+")
#: Counts that are no columns of a frame, which are checked by themselves.
_ASIDE = ("total_tokens", "written_tokens")


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


def _odd_number(name: str, odd: Mapping[int, Any], row: int) -> str:
    is_parted = _PARTED.fullmatch(str(odd[row])) is not None
    remedy = ", and may be two here. Write it without separators." if is_parted else "."
    return f"{name} is {quoted(odd[row])}. It must be a whole number{remedy}"


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
            self._refuse_each(
                [row for row, value in known.odd.items() if isinstance(value, str) or (name in _ASIDE and not isinstance(value, float))],
                partial(_odd_number, name, known.odd),
            )  # fmt: skip
        for name in _ASIDE:
            self._refuse(self.counts[name].numbers < 0, f"{name} is negative. It cannot be.")
        self._drop_silent()

    def _drop(self, mask: Any, why: LeftOut) -> None:
        self.rows.left_out[why] += int((mask & self.alive).sum())
        self.alive &= ~mask

    def _refuse_all(self, problems: Mapping[int, str]) -> None:
        self._refuse_each([*problems], problems.__getitem__)

    def _refuse(self, mask: Any, problem: str) -> None:
        self._refuse_each(np.flatnonzero(mask).tolist(), lambda _: problem)

    def _refuse_each(self, rows: list[int], problem: Callable[[int], str]) -> None:
        rows = sorted(row for row in rows if self.alive[row])
        self.alive[rows] = False
        lines = self.table.lines
        self.rows.problems.add_each(
            rows, lambda row: self.rows.refuse(int(lines[row]), problem(row))
        )

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
        is_general = dialect.name == GENERIC
        self._refuse_each(
            np.flatnonzero(silent & alive).tolist(),
            lambda row: dialect.silent_said or (self.rows.unknown(self.table, row) if is_general else _NO_USAGE),
        )  # fmt: skip

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
        clock, stamps, wrong = clock_of(fields, self.alive)
        self._refuse_all(wrong)
        models, wrong = models_of(fields)
        self._refuse_all(wrong)
        raw: dict[str, Any] = {} if stamps is None else {clock: stamps}
        raw["model"] = models
        for name, count in zip(WRITTEN, written(counts), strict=True):
            counts[name] = count
        if "cached_tokens" in self.dialect.requires:
            self._refuse(
                counts["cached_tokens"].missing & self.alive,
                "cached_tokens are missing, and the prompt is stated without them. Export them too.",
            )
        self._refuse_all(add_up(fields, counts, self.alive))
        if self.dialect.windows:
            self._windows(stamps)
        requests = counts["requests"]
        ones = Count(np.where(requests.missing, 1, requests.numbers), fields.none(), requests.odd)
        frame_counts = {"requests": ones} | {
            name: counts[name] for name in (*PARTS[:4], *WRITTEN)
            if name not in WRITTEN or counts[name].odd or not counts[name].missing.all()
        } | self._fees()  # fmt: skip
        batch = batch_of(fields, self.alive)
        if batch is not None:
            raw["batch"] = batch
        cost = cost_of(fields)
        kept = {name: column for name in rows.kept if (column := self._kept(name)) is not None}
        has = {
            name
            for name, column in (("timestamp", stamps), ("logged_cost_usd", cost))
            if column is not None
        }
        has |= set() if requests.missing.all() else {"requests"}
        account_for(fields, counts, alive=self.alive | self.unsaid, has=has)
        at = np.flatnonzero(self.alive)
        every: Any = slice(None) if len(at) == len(self.table) else at
        lines = np.asarray(self.table.lines)[at]

        def where(row: int) -> Where:
            return rows.where(int(lines[row])) if row >= 0 else Where(rows.file)

        chosen = at
        if len(at):
            columns = {name: taken(column, every) for name, column in raw.items()}
            columns |= {name: count.column(every) for name, count in frame_counts.items()}
            checked, good = checked_rows(pd.DataFrame(columns), where, rows.problems)
            chosen = at[good]
            hidden = {"_line": lines[good], "_file": len(rows.files) - 1, "_id": self.ids[chosen]}
            hidden |= {"_chunk": self.is_chunk[chosen], "_node": 0, "_parent": 0}
            if self.nodes is not None:
                hidden |= {"_node": self.nodes[0][chosen], "_parent": self.nodes[1][chosen]}
            if cost is not None:
                hidden["_cost"] = cost[chosen]
            extra = {name: taken(column, chosen) for name, column in kept.items()}
            rows.keep(checked.assign(**hidden, **extra))
        bad = self.is_chunk & ~self.silent_chunk
        bad[chosen] = False
        rows.refused.update(self.ids[bad].tolist())
        rows.keep_nodes(self.nodes)

    def _fees(self) -> Counts:
        fees = {
            path: as_count(self.table.columns[path])
            for path in self.table.columns
            if path.startswith(FEE)
        }
        self.fields.read.update(fees)
        searches = self.fields.count("fee_web_search")
        return fees | ({f"{FEE}web search": searches} if searches.numbers.any() else {})

    def _kept(self, name: str) -> Any:
        """Return a column that is kept beside those of a usage frame."""
        path = name if name in self.table.columns else self.table.names.get(spelled(name))
        if path is None:
            return None
        self.fields.read.add(path)
        return as_objects(self.table.columns[path])

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
