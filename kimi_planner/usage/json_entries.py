"""Entries of a JSON log that wait to be read together, by their dialects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from kimi_planner.boundary import quoted
from kimi_planner.errors import UsageError
from kimi_planner.usage.dialects import GENERIC, Dialect, candidates, dialect_of
from kimi_planner.usage.doubled_keys import check_keys
from kimi_planner.usage.entries import Unwrapping, is_plain
from kimi_planner.usage.fields import wanted_of
from kimi_planner.usage.reading import read_table
from kimi_planner.usage.rows import LeftOut, Rows
from kimi_planner.usage.table import Table

#: Text whose entries are read together.
READ_CHARS = 1 << 21


class Entries:
    """Entries that wait to be read together, by their dialects."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.unwrapping = Unwrapping(rows.cover, rows.page, self.other)
        self._waiting: dict[str, tuple[Dialect, list[Any], list[int]]] = {}
        self._alike: dict[tuple[str, ...], tuple[list[Any], list[int]]] = {}

    def other(self) -> None:
        """Count something that is no entry."""
        self.rows.left_out[LeftOut.OTHER] += 1

    def take(self, value: Any, line: int, text: str) -> None:
        """Take the entries that a value holds, whatever their form; ``text`` is what it was read from."""
        try:
            check_keys(text, value)
        except UsageError as error:
            self.rows.refuse(line, error)
            return
        keys = tuple(value) if type(value) is dict else ()
        alike = self._alike.get(keys)
        if alike is not None:  # nearly all rows of a log
            alike[0].append(value)
            alike[1].append(line)
            return
        try:
            for entry in self.unwrapping.entries(value):
                if type(entry) is not dict:
                    self.rows.refuse(
                        line,
                        f"{quoted(entry)} is not an object. Each line must be one whole object.",
                    )
                    continue
                dialect = dialect_of(entry)
                waiting = self._waiting.setdefault(dialect.name, (dialect, [], []))
                waiting[1].append(entry)
                waiting[2].append(line)
                if entry is value and is_plain(keys) and candidates(keys)[0] is not None:
                    self._alike[keys] = waiting[1:]
        except UsageError as error:
            self.rows.refuse(line, error)
        except RecursionError:
            self.rows.refuse(line, "nested too deeply to be read.")

    def read(self) -> Iterator[pd.DataFrame]:
        """Read what waits, and yield the good rows."""
        waiting, self._waiting, self._alike = self._waiting, {}, {}
        for dialect, entries, lines in waiting.values():
            table = Table(lines)
            table.open(entries, wanted_of(dialect))
            if dialect.name == GENERIC:
                table.entries = entries
            read_table(table, dialect, self.rows)
        yield from self.rows.settle()
