"""Where the fields of a call stand in a table of entries, as its dialect says."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any

import numpy as np

from kimi_planner.usage.dialects import Dialect, spelled, tables
from kimi_planner.usage.rows import Rows
from kimi_planner.usage.table import SAID, Count, Table, as_count, as_objects, stated

#: By which it is told that a path lies inside of what was said, or is of the first of a list.
_INSIDE = SAID | {"0"}


@cache
def _names_of(dialect: Dialect, field: str) -> tuple[str, ...]:
    return tuple(dialect.paths(field))


@cache
def wanted_of(dialect: Dialect) -> tuple[str, ...]:
    """Return the paths of a dialect that lie inside of what was said in a call, or of a list."""
    fields = {*tables()["usage"], *tables()["entry"], *dialect.names}
    paths = {path for field in fields for path in dialect.paths(field)}
    paths |= {
        *dialect.calls,
        *dialect.other,
        *dialect.failed,
        *dialect.within,
        *dialect.exclusive_if,
    }
    return tuple(sorted(path for path in paths if _INSIDE.intersection(path.split("."))))


class Fields:
    """The fields of a table, and which of its columns were read.

    Attributes
    ----------
    read
        Paths of the columns that were read.
    conflicts
        By row, what one column says against another of the same meaning.
    """

    def __init__(self, table: Table, dialect: Dialect, rows: Rows) -> None:
        self.table, self.dialect, self.rows = table, dialect, rows
        self.read: set[str] = set()
        self.conflicts: dict[int, str] = {}
        self._fronts = self._objects_of_counts() if "*" in dialect.under else []
        #: What holds them may say whose they are, where the entry itself does not.
        self._holders = [front.rpartition(".")[0] for front in self._fronts if "." in front]

    def __len__(self) -> int:
        return len(self.table)

    def none(self) -> Any:
        """Return that no entry is meant."""
        return np.zeros(len(self), dtype=bool)

    def _objects_of_counts(self) -> list[str]:
        """Return the objects that have both counts of a call, for a dialect that does not say which."""
        fronts = [
            {
                path.removesuffix(f".{name}")
                for path in self.table.names
                for name in tables()["usage"][field]
                if path.endswith(f".{name}")
            }
            for field in ("prompt_tokens", "completion_tokens")
        ]
        return sorted(fronts[0] & fronts[1])

    def paths(self, field: str) -> list[str]:
        """Return the columns in which a field may stand, in the order in which they are asked."""
        renamed = self.rows.renamed
        if field in renamed:
            wanted = spelled(renamed[field])
            for name, path in self.table.names.items():
                if renamed[field] == path or name == wanted or name.endswith(f".{wanted}"):
                    return [path]
        general = tables()["usage"].get(field, ())
        names = [
            *_names_of(self.dialect, field),
            *(f"{front}.{name}" for front in self._fronts for name in general),
            *(
                f"{holder}.{name}"
                for holder in self._holders
                for name in tables()["entry"].get(field, ())
            ),
        ]
        found = dict.fromkeys(self.table.names[one] for one in names if one in self.table.names)
        taken = {spelled(path) for path in renamed.values()}
        return [
            path for path in found if spelled(path) not in taken and not self.rows.is_ignored(path)
        ]

    def count(self, field: str) -> Count:
        """Return a count, of the first name that is stated; another must not say something else."""
        known, before = Count.unstated(len(self)), ""
        for path in self.paths(field):
            count = as_count(self.table.columns[path], commas=self.table.commas)
            if count.missing.all() and not count.odd:
                continue
            self.read.add(path)
            if not before:
                known, before = count, path
                continue
            differ = ~known.missing & ~count.missing & (known.numbers != count.numbers)
            differ[[*known.odd, *count.odd]] = False
            for row in np.flatnonzero(differ).tolist() if field != "total_tokens" else ():
                self.conflicts[row] = (
                    f"{before} says {known.numbers[row]} and {path} says {count.numbers[row]}, and both "
                    f'are {field}. Say which counts: map={{"{field}": "{before}"}}, ignore=["{path}"] '
                    f"(--map {field}={before} --ignore {path})."
                )
            known = known.or_else(count)
        return known

    def values(self, field: str) -> Any:
        """Return values of any type, of the first name that is stated; ``None`` without any."""
        known: Any = None
        for path in self.paths(field):
            column = self.table.columns[path]
            self.read.add(path)
            if known is None:
                known = as_objects(column) if isinstance(column, list) else column
            elif not stated(known).all():
                pairs = zip(as_objects(known), as_objects(column), strict=True)
                known = [other if value is None else value for value, other in pairs]
        return known

    def objects(self, field: str) -> list[Any]:
        """Return values of any type, ``None`` where an entry has none."""
        values = self.values(field)
        return [None] * len(self) if values is None else as_objects(values)

    def words(self, path: str) -> list[str | None]:
        """Return what stands at one path, as text in lower case."""
        column = self.table.get(path)
        if column is None:
            return [None] * len(self)
        self.read.add(self.table.names[path])
        return [
            None if value is None else str(value).strip('"').lower() for value in as_objects(column)
        ]

    def says(self, path: str, values: Collection[str], *, other: bool = False) -> Any:
        """Return which entries have one of the values at a path, or a value that is none of them."""
        if path not in self.table.names:
            return self.none()
        words = self.words(path)
        return np.array([word is not None and (word in values) != other for word in words], bool)

    def has(self, path: str) -> Any:
        """Return which entries have a value at a path."""
        column = self.table.get(path)
        return self.none() if column is None else stated(column)

    def failed(self) -> Any:
        """Return which entries say that their call failed."""
        said = tables()["failures"]
        mask = self.none()
        for name in said["names"]:
            mask |= self.says(name, said["status"])
        for name in (one for one in said["http"] if one in self.table.names):
            mask |= np.array([(word or "")[:1] in ("4", "5", "-") for word in self.words(name)])
        for name in (one for one in said["present"] if one in self.table.names):
            mask |= np.array(
                [word not in (None, "null", "false", "{}") for word in self.words(name)]
            )
        return mask
