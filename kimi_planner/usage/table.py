"""Entries of a log as columns: one for each path, and whole numbers of them."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.billing.record import MAX_TOKENS
from kimi_planner.errors import UsageError
from kimi_planner.limits import DEPTH, TABLE_COLUMNS
from kimi_planner.usage.dialects import spelled
from kimi_planner.usage.doubled_keys import check_keys, check_literal

#: Objects of what was said in a call, in which no usage is looked for, unless a dialect names them.
SAID = frozenset((
    "choices", "messages", "content", "message", "input", "output", "inputs", "outputs", "tools",
    "delta", "arguments", "parameters", "prompt", "completion", "body", "request", "request_body",
    "response_body", "headers", "schema",
))  # fmt: skip
_FRONT = re.compile(r"^(?:attributes|span_attributes|properties|tags)\.")
_WHOLE = re.compile(r"[-+]?[0-9]{1,18}")
_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+")
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?inf")
#: Twelve, or twelve thousand: which of them depends on where it was written.
DOUBTFUL = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+")
_NOTHING: dict[str, Any] = {}
MOST_KEYS = 500
_LONGEST_OF_PYTHON = 100_000
_TELLING = re.compile(
    "tok|cach|req|call|cost|spen|price|usd|usage|time|creat|date|id|model|type|kind|status|err|tier|gen_ai|llm"
)


@dataclass
class Table:
    """Entries of one dialect, a column for each path.

    Attributes
    ----------
    lines
        The line of each entry.
    columns
        From the path, as the log spells it, to the values, ``None`` where an entry has none.
    names
        From the path, as the dialects spell it, to the same.
    is_text
        Whether every value is the text of a cell.
    commas
        Whether a comma in a number may part thousands, and not decimals.
    entries
        The entries, where it may be asked what else they hold.
    """

    lines: Any
    columns: dict[str, Any] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    is_text: bool = False
    commas: bool = True
    entries: list[Any] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.lines)

    def add(self, path: str, column: Any) -> None:
        """Add a column."""
        name = spelled(path)
        bare = _FRONT.sub("", name)
        known = self.names.get(bare)
        if known is not None and isinstance(column, list) and isinstance(self.columns[known], list):
            other = self.columns[known]
            if all(a is None or b is None for a, b in zip(other, column, strict=True)):
                self.columns[known] = [
                    b if a is None else a for a, b in zip(other, column, strict=True)
                ]
                return  # another spelling of the same name
        if len(self.columns) >= TABLE_COLUMNS:
            raise UsageError(f"more than {TABLE_COLUMNS:,} fields. A log may have as many.")
        self.columns[path] = column
        self.names.setdefault(name, path)
        self.names.setdefault(bare, path)

    def get(self, name: str) -> Any:
        """Return a column by the name that the dialects give it, ``None`` if there is none."""
        path = self.names.get(name)
        return None if path is None else self.columns[path]

    def open(
        self, dicts: Sequence[Any], wanted: Collection[str], front: str = "", depth: int = 0
    ) -> None:
        """Add a column for each path in entries; ``wanted`` are paths inside of what was said.

        Raises
        ------
        UsageError
            If entries are nested without end, or have more fields than any table.
        """
        if depth > DEPTH:
            row = next(row for row, one in enumerate(dicts) if one)
            raise UsageError(f"line {self.lines[row]}: nested more than {DEPTH} deep.")
        keys = list(dict.fromkeys(chain.from_iterable(dicts)))
        if len(keys) > MOST_KEYS:  # such as names of users: what tells nothing of usage is no field
            keys = [key for key in keys if _TELLING.search(key.lower())]
        for key in keys:
            path, name = f"{front}{key}", spelled(f"{front}{key}")
            inside = [one for one in wanted if one.startswith(f"{name}.")]
            if name in SAID and not inside:
                continue
            column: list[Any] = [one.get(key) for one in dicts]
            types = set(map(type, column))
            if list in types and any(one.startswith(f"{name}.0") for one in inside):
                self._open_firsts(column, inside, path)
                continue
            if str in types and (inside or name.endswith(JSON_CELLS)):
                column = [self._parsed(value, row) for row, value in enumerate(column)]
                types = set(map(type, column))
            if dict in types:
                self.open(
                    [one if type(one) is dict else _NOTHING for one in column],
                    wanted,
                    f"{path}.",
                    depth + 1,
                )
                if types <= {dict, type(None)}:
                    continue
                column = [None if type(one) is dict else one for one in column]
            self.add(path, column)

    def _parsed(self, value: Any, row: int) -> Any:
        try:
            return parsed(value)
        except UsageError as error:
            raise UsageError(f"line {self.lines[row]}: {error}") from None

    def _open_firsts(self, column: list[Any], inside: list[str], path: str) -> None:
        """Add what is wanted of the first element of lists."""
        firsts = [one[0] if type(one) is list and one else _NOTHING for one in column]
        dicts = [one if type(one) is dict else _NOTHING for one in firsts]
        name = f"{spelled(path)}.0"
        if any(type(one) is list for one in firsts):
            self._open_firsts(firsts, inside, f"{path}.0")
        if name in inside:
            self.add(f"{path}.0", [one if type(one) is str else None for one in firsts])
        for key in dict.fromkeys(chain.from_iterable(dicts)):
            part = f"{name}.{spelled(key)}"
            if any(one == part or one.startswith(f"{part}.") for one in inside):
                values = [one.get(key) for one in dicts]
                self.open(
                    [one if type(one) is dict else _NOTHING for one in values],
                    inside,
                    f"{path}.0.{key}.",
                )
                self.add(f"{path}.0.{key}", [None if type(one) is dict else one for one in values])


#: How names end of text that is JSON.
JSON_CELLS = (
    "metadata", "usage", "details", "other", "extra", "attributes", "metrics", "properties", "meta",
    "summary", "usage_object", "usage_values", "response", "span_data",
)  # fmt: skip


def parsed(value: Any) -> Any:
    """Return the object that text of JSON or of Python holds, anything else as it is.

    Raises
    ------
    UsageError
        If a count stands twice in it.
    """
    if type(value) is not str or value[:1] != "{":
        return value
    if value[:2] == "{'" and len(value) <= _LONGEST_OF_PYTHON:
        import ast

        made = None
        with suppress(ValueError, SyntaxError, RecursionError, MemoryError):
            tree = ast.parse(value, mode="eval")
            made = ast.literal_eval(tree)
        if made is not None:
            check_literal(tree)
            return made
    try:
        made = json.loads(value)
    except (ValueError, RecursionError):
        return value
    check_keys(value, made)
    return made


@dataclass
class Count:
    """Whole numbers, some of them missing, and what stands there instead of a number.

    Attributes
    ----------
    numbers, missing
        Arrays of int64, 0 where missing, and of bool.
    odd
        What is no whole number, by its row.
    """

    numbers: Any
    missing: Any
    odd: dict[int, Any] = field(default_factory=dict)

    @classmethod
    def unstated(cls, n: int) -> Count:
        """Return a count that no row states."""
        return cls(np.zeros(n, dtype=np.int64), np.ones(n, dtype=bool))

    def or_else(self, other: Count) -> Count:
        """Return this count, and another where it is missing."""
        numbers = np.where(self.missing, other.numbers, self.numbers)
        odd = {row: value for row, value in other.odd.items() if self.missing[row]}
        return Count(numbers, self.missing & other.missing, self.odd | odd)

    def column(self, rows: Any) -> Any:
        """Return the count of some rows as a column of a frame."""
        numbers, missing = self.numbers[rows], self.missing[rows]
        if self.odd:
            whole: Any = self.numbers.astype(object)
            whole[self.missing] = None
            for row, value in self.odd.items():
                whole[row] = value
            return pd.Series(whole[rows], dtype=object)
        return pd.arrays.IntegerArray(numbers, missing) if missing.any() else numbers


#: What compares with nothing at once, in a cell of a frame.
_ARRAYS = (np.ndarray, pd.Series, pd.DataFrame, pd.Index, pd.api.extensions.ExtensionArray)


def as_objects(column: Any) -> list[Any]:
    """Return values as a list, ``None`` for an empty text and for what is missing in a frame."""
    values = column if isinstance(column, list) else column.tolist()
    if isinstance(column, pd.Series):
        values = [
            np.asarray(one).tolist() if isinstance(one, _ARRAYS) else None if gone else one
            for one, gone in zip(values, column.isna(), strict=True)
        ]
    return [None if value == "" else value for value in values] if "" in values else values


def as_count(column: Any, *, commas: bool = True) -> Count:
    """Return a column as whole numbers; text is read where it can mean but one.

    ``commas`` is whether a comma may part thousands, and not decimals.
    """
    if isinstance(column, pd.Series):
        column = as_objects(column)
    if isinstance(column, np.ndarray):
        return Count(column, np.zeros(len(column), dtype=bool))
    if not isinstance(column, list):  # of Arrow
        count = _arrow_count(column)
        if count is not None:
            return count
        column = column.to_pylist()
    types = set(map(type, column))
    if types == {int} or types == {int, type(None)}:
        missing = np.array([value is None for value in column]) if len(types) > 1 else None
        with suppress(OverflowError):
            filled = column if missing is None else [value or 0 for value in column]
            numbers = np.fromiter(filled, np.int64, len(column))
            return Count(numbers, np.zeros(len(column), bool) if missing is None else missing)
    whole = [
        number_of(value, commas=commas) if type(value) is str else _whole(value) for value in column
    ]
    return Count(
        np.array([value if _fits(value) else 0 for value in whole], dtype=np.int64),
        np.array([value is None for value in whole], dtype=bool),
        {row: value for row, value in enumerate(whole) if value is not None and not _fits(value)},
    )


def _fits(value: Any) -> bool:
    return type(value) is int and abs(value) < 2**62


def is_text(column: Any) -> bool:
    """Whether a column is text of Arrow, in which an empty one is missing."""
    return str(getattr(column, "type", "")) == "string"


def equal(column: Any, value: str) -> Any:
    """Return which entries of a column are a text."""
    if not is_text(column):
        return np.array([other == value for other in as_objects(column)], dtype=bool)
    import pyarrow.compute as pc

    return np.asarray(pc.equal(column, value), dtype=bool)


def stated(column: Any) -> Any:
    """Return which entries have a value in a column."""
    if isinstance(column, list):
        return np.array([value is not None and value != "" for value in column], dtype=bool)
    if isinstance(column, np.ndarray | pd.Series):
        return np.asarray(pd.notna(column), dtype=bool)
    import pyarrow.compute as pc

    return np.asarray(pc.not_equal(column, "") if is_text(column) else pc.is_valid(column))


def _arrow_count(column: Any) -> Count | None:
    """Return a column of Arrow as whole numbers, ``None`` where some of it is none by itself."""
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = column
    if is_text(column):
        if any(pc.any(pc.match_substring(column, sign)).as_py() for sign in "xX"):
            return None  # Arrow reads 0x10 as 16
        try:
            whole = pc.cast(pc.if_else(pc.equal(column, ""), None, column), pa.int64())
        except pa.ArrowInvalid:
            return None
    elif not pa.types.is_integer(column.type) or pa.types.is_uint64(column.type):
        return None
    missing = np.asarray(pc.is_null(whole), dtype=bool)
    return Count(np.asarray(pc.fill_null(whole, 0)).astype(np.int64), missing)


def _whole(value: Any) -> Any:
    if isinstance(value, float | np.floating):
        number = float(value)
        return int(number) if number.is_integer() and abs(number) <= MAX_TOKENS else number
    return int(value) if isinstance(value, np.integer) else value


@lru_cache(maxsize=1 << 16)
def number_of(text: str, *, commas: bool = True) -> Any:
    """Return the whole number that text means, another number, or the text if it means none."""
    text = text.strip()
    if not text:
        return None
    if _WHOLE.fullmatch(text):
        return int(text)
    if commas and _GROUPED.fullmatch(text):
        return int(text.replace(",", ""))
    if DOUBTFUL.fullmatch(text) or not _NUMBER.fullmatch(text):
        return text
    return _whole(float(text))
