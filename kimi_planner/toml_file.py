"""TOML files that know their lines: every fault of a key names file and line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property
from pathlib import Path
from typing import Any

from kimi_planner.errors import FileError, KimiPlannerError, Where, shown, unknown
from kimi_planner.files import read_text
from kimi_planner.limits import DEPTH, TOML_BYTES

_NESTED_TOO_DEEPLY = re.compile(
    rf"""(?:[\[{{]\s*+){{{DEPTH}}}"""
    rf"""|(?<![\w"'-])(?:[\w"'-]++\s*+\.\s*+){{{DEPTH}}}"""
)

_HEADER = re.compile(r"\s*(?P<open>\[{1,2})\s*(?P<name>[^\[\]]*?)\s*\]")
_KEY = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([\w-]+))\s*(?:[.=]|$)""")


class TomlFile:
    """A parsed TOML file that can say on which line a key stands.

    Attributes
    ----------
    path
        Where it was read from.
    data
        The parsed document; numbers with a point are exact decimals.
    fault
        The error that is raised for what is wrong in it.
    """

    def __init__(
        self,
        path: Path,
        text: str,
        data: dict[str, Any],
        fault: type[KimiPlannerError] = FileError,
    ) -> None:
        self.path, self.data, self.fault = path, data, fault
        self._lines = text.split("\n")
        self._keys: dict[tuple[str, int], dict[str, int]] = {}
        self._spelled: Callable[[str], str] = str

    def renamed(self, key_of: Callable[[str], str], spelled: Callable[[str], str]) -> TomlFile:
        """Return the file with other keys in every table; ``spelled`` says how one stands in the text."""

        def changed(value: Any) -> Any:
            if isinstance(value, dict):
                return {key_of(key): changed(part) for key, part in value.items()}
            return [*map(changed, value)] if isinstance(value, list) else value

        made = TomlFile(self.path, "\n".join(self._lines), changed(self.data), self.fault)
        made._spelled = spelled
        return made

    def line_of(self, key: str) -> Where:
        """Return the first line that begins with a key or has it in braces, or just the file."""
        found = re.compile(rf"(?:^|[{{,])\s*{re.escape(key)}\s*=")
        lines = (number for number, line in enumerate(self._lines, 1) if found.search(line))
        return Where(self.path, next(lines, None))

    def where(self, table: str = "", index: int | None = None, key: str | None = None) -> Where:
        """Return ``FILE line N`` for a key, or for the header of its table, or just the file.

        Parameters
        ----------
        table
            Name of the table, ``""`` for the top of the file.
        index
            Which one, from 0, when ``table`` is an array of tables.
        key
            The key to find inside that table.
        """
        found = self._headers.get((table, 1 if index is None else 2), []) if table else [-1]
        nth = (index or 0) if table else 0
        if nth >= len(found):
            return Where(self.path)
        line = None if key is None else self._keys_below(table, found[nth]).get(self._spelled(key))
        if line is None:
            line = found[nth] if table else None
        return Where(self.path, None if line is None else line + 1)

    @cached_property
    def _headers(self) -> dict[tuple[str, int], list[int]]:
        """From name and number of brackets to the lines of the headers of tables."""
        headers: dict[tuple[str, int], list[int]] = {}
        for number, line in enumerate(self._lines):
            if match := _HEADER.match(line):
                headers.setdefault((match["name"], len(match["open"])), []).append(number)
        return headers

    def _keys_below(self, table: str, header: int) -> dict[str, int]:
        """Return the line on which each key of a table stands first, as its own or as a table."""
        known = self._keys.get((table, header))
        if known is not None:
            return known
        keys = self._keys[table, header] = {}
        prefix = f"{table}." if table else ""
        inside = True
        for number in range(header + 1, len(self._lines)):
            line = self._lines[number]
            match = _HEADER.match(line)
            if match and match["name"].startswith(prefix):
                match = _KEY.match(match["name"], len(prefix))
            elif match or not inside:
                match = None
            else:
                match = _KEY.match(line)
            if match and (inside or line.lstrip().startswith("[")):
                keys.setdefault(next(filter(None, match.groups()), ""), number)
            if line.lstrip().startswith("["):
                inside = bool(table)
                if table and f"[{prefix}" not in line:
                    break
        return keys


@dataclass(frozen=True)
class TomlTable:
    """One table of a TOML file, and the errors that name the file and the line in it.

    Attributes
    ----------
    values
        What the table holds.
    name, index
        Its name, ``""`` for the top of the file, and which one it is of an array of tables.
    """

    toml: TomlFile
    values: Mapping[str, Any]
    name: str = ""
    index: int | None = None

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def where(self, key: str | None = None) -> Where:
        """Return file and line of a key, or of the table's header."""
        return self.toml.where(self.name, self.index, key)

    def fail(self, key: str | None, problem: str) -> KimiPlannerError:
        """Return the error that says what is wrong with a key, or with all of the table."""
        return self.toml.fault(problem, at=self.where(key))

    def wrong(self, key: str, allowed: str) -> KimiPlannerError:
        """Return the error that says what a key is and what it may be."""
        found = f"is {shown(self.values[key])}" if key in self else "is missing"
        return self.fail(key, f"{key} {found}. {allowed}")

    def refuse_unknown(self, known: Collection[str]) -> None:
        """Raise the error of the file, naming line and nearest key, if there is any other key."""
        for key in self.values:
            if key not in known:
                said = unknown("unknown key", key, sorted(known), "Known keys:")
                raise self.fail(key, said)


def read_toml(path: str | Path, fault: type[KimiPlannerError] = FileError) -> TomlFile:
    """Parse a TOML file, floats as exact decimals.

    Raises
    ------
    FileError
        Or another ``fault``, if the file cannot be read, is empty or is not TOML; the message names file and line.
    """
    path = Path(path)
    return parsed_toml(read_text(path, limit=TOML_BYTES, fault=fault), path, fault)


def parsed_toml(text: str, path: Path, fault: type[KimiPlannerError] = FileError) -> TomlFile:
    """Parse TOML as `read_toml` does, of a file that need not be there.

    Raises
    ------
    FileError
        Or another ``fault``, if it is empty or not TOML.
    """
    if not text.strip():
        raise fault("the file is empty. It must hold TOML.", at=path)
    if too_deep := _NESTED_TOO_DEEPLY.search(text):
        line = text.count("\n", 0, too_deep.start()) + 1
        raise fault(
            f"nested more than {DEPTH} deep, which cannot be meant.",
            at=Where(path, line),
        )
    try:
        data = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        message, place = _toml_fault(str(error), text)
        raise fault(f"not TOML ({message}). Correct that line.", at=Where(path, place)) from None
    except InvalidOperation:
        raise fault("a number has more digits than can be meant.", at=path) from None
    except (RecursionError, ValueError) as error:
        raise fault(f"not TOML that can be read ({error}).", at=path) from None
    return TomlFile(path, text, data, fault)


def _toml_fault(message: str, text: str) -> tuple[str, int]:
    """Return what the parser says is wrong with a text, and in which line."""
    place = re.search(r" \(at line (\d+), column \d+\)$", message)
    if place:
        return message[: place.start()], int(place[1])
    return message.removesuffix(" (at end of document)"), text.rstrip("\n").count("\n") + 1
