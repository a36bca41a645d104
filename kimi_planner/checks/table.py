"""One table of the configuration, read key by key; every problem names file, line and key."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from pathlib import Path

from kimi_planner.boundary import beyond
from kimi_planner.errors import is_whole, shown
from kimi_planner.money import exact_decimal
from kimi_planner.toml_file import TomlTable

MOST_DIGITS = 20  # of an amount, before and after the point


class Table(TomlTable):
    """A table of the configuration."""

    def inner(self, key: str) -> str:
        """Return the full name of a table inside this one."""
        return f"{self.name}.{key}" if self.name else key

    def table(self, key: str) -> Table:
        """Return a table inside this one."""
        value = self.values[key]
        if not isinstance(value, dict):
            raise self.wrong(key, f"Write it as the table [{self.inner(key)}].")
        return Table(self.toml, value, self.inner(key))

    def tables(self, key: str) -> list[Table]:
        """Return an array of tables inside this one."""
        entries = self.values.get(key, [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise self.wrong(key, f"Write it as [[{self.inner(key)}]] tables.")
        return [
            Table(self.toml, entry, self.inner(key), number) for number, entry in enumerate(entries)
        ]

    def text(self, key: str) -> str:
        """Return text that is not blank."""
        value = self.values[key]
        if not (isinstance(value, str) and value.strip()):
            raise self.wrong(key, "It must be text.")
        return value

    def file(self, key: str) -> str:
        """Return the name of a file that may be read."""
        value = self.text(key)
        self._refuse_beyond(key, value)
        return value

    def _refuse_beyond(self, key: str, path: str) -> None:
        if why := beyond(self.toml.path.parent / path):
            raise self.fail(key, f"{key}: {shown(path)} {why}.")

    def one_of(self, key: str, allowed: Collection[str]) -> str:
        """Return one of some words."""
        value: str = self.values[key]
        if value not in allowed:
            raise self.wrong(key, f"It must be one of {', '.join(allowed)}.")
        return value

    def whole(self, key: str, most: int | None = None, least: int = 1) -> int:
        """Return a whole number from ``least`` to ``most``."""
        value = self.values[key]
        if not is_whole(value, least, most):
            bound = "" if most is None else f" to {most}"
            raise self.wrong(key, f"It must be a whole number from {least}{bound}.")
        return value

    def amount(self, key: str, what: str = "an amount in USD") -> Decimal:
        """Return a number from 0."""
        try:
            amount = exact_decimal(self.values[key])
        except ValueError:
            raise self.wrong(key, f"It must be {what}.") from None
        if amount < 0:
            raise self.wrong(key, "It cannot be negative.")
        if amount and not -MOST_DIGITS < amount.adjusted() < MOST_DIGITS:
            raise self.wrong(key, f"It must have fewer than {MOST_DIGITS} digits on each side.")
        return amount

    def share(self, key: str) -> Decimal:
        """Return a number above 0 and up to 1."""
        value = self.amount(key, "a share, such as 0.9")
        if not 0 < value <= 1:
            raise self.wrong(key, "It must be a share above 0 and up to 1, such as 0.9.")
        return value

    def texts(self, key: str, example: str) -> tuple[str, ...]:
        """Return a list of texts; one alone needs no list."""
        texts = self.values.get(key)
        texts = [texts] if isinstance(texts, str) else texts
        if not isinstance(texts, list) or not all(isinstance(text, str) and text for text in texts):
            raise self.wrong(key, f"Give a list such as {example}.")
        return tuple(texts)

    def globs(self, key: str) -> tuple[str, ...]:
        """Return globs relative to the file, at least one."""
        paths = self.texts(key, '["prompts/**/*.md"]')
        if not paths or any(Path(path).is_absolute() for path in paths):
            raise self.wrong(key, "Give at least one path, relative to this file.")
        if not all(_is_glob(path) for path in paths):
            raise self.wrong(key, 'Name files; ** stands alone between slashes: "prompts/**/*.md".')
        for path in paths:
            self._refuse_beyond(key, path)
        return tuple(paths)


def _is_glob(pattern: str) -> bool:
    parts = Path(pattern).parts
    return bool(parts) and not any("**" in part and part != "**" for part in parts)
