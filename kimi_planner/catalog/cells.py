"""One table of a catalog file, or of one of limits: its values, checked, and the line that a fault stands on."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, fields
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from kimi_planner.catalog.provenance import Source
from kimi_planner.errors import shown, unknown
from kimi_planner.toml_file import TomlFile, TomlTable

MAX_PRICE_PLACES = 9

Form = TypeVar("Form")


class Cells(TomlTable):
    """The values of one table."""

    def __post_init__(self) -> None:
        if not isinstance(self.values, dict):
            raise self.fail(None, f"{self.name} must be a table, not {shown(self.values)}.")

    def into(self, form: type[Form], readers: Mapping[str, Reader]) -> Form:
        """Return a dataclass of the values; what no reader is given for is text."""
        every: Any = fields(form)  # type: ignore[arg-type]  # only dataclasses are asked for
        stated = [one.name for one in every if one.name in self or one.default is MISSING]
        return form(**{key: readers.get(key, Cells.text)(self, key) for key in stated})

    def text(self, key: str) -> str:
        """Return a value that must be there and be text."""
        value = self.values.get(key)
        if isinstance(value, str) and value.strip():
            return value
        if key not in self:
            raise self.fail(key, f"{key} is missing.")
        raise self.fail(key, f"{key} is {shown(value)}; it must be text.")

    def one_of(self, key: str, known: Collection[str], what: str) -> str:
        """Return one of the known words."""
        word = self.text(key)
        if word not in known:
            raise self.fail(key, unknown(f"unknown {what}", word, known))
        return word

    def words(self, key: str) -> list[str]:
        """Return a list of words."""
        words = self.values[key]
        if not isinstance(words, list) or not all(isinstance(word, str) and word for word in words):
            raise self.fail(key, f"{key} must be a list of words.")
        return words

    def day(self, key: str) -> date:
        """Return a date that must be there."""
        day = self.values.get(key)
        if type(day) is not date:
            raise self.wrong(key, "Write a date: 2026-11-24.")
        return day

    def whole(self, key: str, most: int, of: str = "tokens, such as 128000") -> int:
        """Return a whole number from 1 of what ``of`` says."""
        number = self.values[key]
        if type(number) is not int or not 0 < number <= most:
            raise self.fail(key, f"{shown(number)} is not a whole number of {of}.")
        return number

    def flag(self, key: str) -> bool | None:
        """Return true or false, or ``None`` where the key is not there."""
        value = self.values.get(key)
        if key in self and not isinstance(value, bool):
            raise self.wrong(key, "Write true or false.")
        return value

    def amount(self, key: str, what: str = "USD per 1M tokens", noun: str = "price") -> Decimal:
        """Return a decimal written as a string, such as ``"2.50"``."""
        value = self.values.get(key)
        if not isinstance(value, str):
            raise self.wrong(key, f'Write {noun}s as decimal strings, such as "2.50".')
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", value):
            raise self.wrong(key, f'A {noun} is a decimal number of {what}, such as "2.50".')
        places = value.partition(".")[2].rstrip("0")
        if len(places) > MAX_PRICE_PLACES:
            raise self.wrong(key, f"At most {MAX_PRICE_PLACES} decimal places are supported.")
        return Decimal(value if len(value) <= 60 else value.rstrip("0"))


#: Returns the checked value of a key.
Reader = Callable[[Cells, str], Any]


def read_sources(toml: TomlFile, what: str, check: Callable[[Cells], None]) -> dict[str, Source]:
    """Return the sources of a file, by key; ``check`` refuses keys that they do not have."""
    tables = toml.data.get("sources")
    if not isinstance(tables, dict) or not tables:
        raise toml.fault(
            f"no [sources.…] table. Say where the {what} were found and when.", at=toml.path
        )
    found = {}
    for key, entry in tables.items():
        row = Cells(toml, entry, f"sources.{key}")
        check(row)
        found[key] = Source(
            key=key,
            title=row.text("title"),
            checked_on=row.day("checked_on"),
            verified=row.flag("verified"),
        )
    return found


def rows_of(toml: TomlFile, table: str, known: Collection[str]) -> list[Cells]:
    """Return the tables of a list at the top of the file, none where it is not there."""
    entries = toml.data.get(table, [])
    if not isinstance(entries, list):
        raise toml.fault(f"{table} must be written [[{table}]].", at=toml.where(key=table))
    rows = [Cells(toml, entry, table, number) for number, entry in enumerate(entries)]
    for row in rows:
        row.refuse_unknown(known)
    return rows
