"""The forms of usage logs, as data: where each states what, and by which fields it is told."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from typing import Any

from kimi_planner.files import data_dir

#: The last dialect, of whatever has the names of a usage object.
GENERIC = "usage objects"
#: The counts of a usage object.
PARTS = (
    "prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens", "total_tokens",
    "written_tokens", "written_5m_tokens", "written_1h_tokens",
)  # fmt: skip
_FRONT = ("attributes", "span_attributes", "properties", "tags")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_MOST_SHAPES = 10_000
_known: dict[Any, Dialect] = {}
_SIGNS = re.compile(r"[^a-z0-9.\u0080-\uffff]+")


@lru_cache(maxsize=1 << 14)
def spelled(name: str) -> str:
    """Return a name or path as the dialects spell it.

    Examples
    --------
    >>> spelled("promptTokensDetails.cachedTokens"), spelled("Request tokens")
    ('prompt_tokens_details.cached_tokens', 'request_tokens')
    """
    return ".".join(
        _SIGNS.sub("_", part).strip("_") for part in _HUMP.sub("_", name).lower().split(".")
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dialect:
    """One form of log entries; ``data/dialects.toml`` says what each field means."""

    name: str
    needs: tuple[tuple[str, ...], ...]
    under: tuple[str, ...] = ("",)
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    calls: Mapping[str, frozenset[str]] = field(default_factory=dict)
    other: Mapping[str, frozenset[str]] = field(default_factory=dict)
    failed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    exclusive: bool | str = "told"
    exclusive_if: Mapping[str, frozenset[str]] = field(default_factory=dict)
    relative: str | None = None
    silent: str = "error"
    silent_unless: str | None = None
    silent_said: str | None = None
    chunks: bool = False
    windows: bool = False
    kinds: str | None = None
    form: str = ""
    json: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    batch_if: tuple[str, ...] = ()
    harmless: tuple[str, ...] = ()

    def paths(self, field_name: str) -> Iterator[str]:
        """Yield where a field may stand, in the order in which its names are tried."""
        own = self.names.get(field_name, ())
        usage = tables()["usage"].get(field_name, ())
        prefixes = [f"{prefix}." if prefix else "" for prefix in self.under if prefix != "*"]
        yield from (prefix + name for prefix in prefixes for name in own)
        yield from own
        general = (
            *(prefix + name for prefix in prefixes for name in usage),
            *tables()["entry"].get(field_name, ()),
        )
        yield from (name for name in general if not self.is_harmless(name))

    def is_harmless(self, path: str) -> bool:
        """Whether a field need not be read, though its name looks like usage."""
        return any(fnmatchcase(path, pattern) for pattern in self.harmless)


@cache
def tables() -> Mapping[str, Any]:
    """Return the data file as it is written."""
    return tomllib.loads((data_dir() / "dialects.toml").read_text(encoding="utf-8"))


@cache
def dialects() -> tuple[Dialect, ...]:
    """Return all dialects in the order in which they are tried; the last one fits everything."""
    return tuple(map(_dialect, tables()["dialect"]))


def _dialect(entry: Mapping[str, Any]) -> Dialect:
    own = set(Dialect.__dataclass_fields__)
    fields: dict[str, Any] = {key: _frozen(value) for key, value in entry.items() if key in own}
    fields["names"] = {key: tuple(value) for key, value in entry.items() if key not in own}
    for key in ("calls", "other", "failed", "exclusive_if"):
        said = entry.get(key, {})
        fields[key] = {path: frozenset(values) for path, values in said.items()}
    return Dialect(**fields)


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def value_at(entry: Mapping[str, Any], path: str) -> Any:
    """Return what an entry has at a path, ``None`` if that is nothing."""
    for key, value in entry.items():
        name = spelled(key)
        if name == path or (path.endswith("*") and name.startswith(path[:-1])):
            return True if value is None else value
        if type(value) is not dict:
            continue
        inner = value_at(value, path) if name in _FRONT else None
        if inner is None and path.startswith(f"{name}."):
            inner = value_at(value, path[len(name) + 1 :])
        if inner is not None:
            return inner
    return None


def _fits(dialect: Dialect, entry: Mapping[str, Any]) -> bool:
    return any(all(_has(entry, need) for need in needs) for needs in dialect.needs)


def _has(entry: Mapping[str, Any], need: str) -> bool:
    path, sign, wanted = need.partition("=")
    value = value_at(entry, path)
    return value == wanted if sign else value is not None


@lru_cache(maxsize=1 << 12)
def candidates(
    keys: tuple[str, ...],
) -> tuple[Dialect | None, tuple[Dialect, ...], tuple[str, ...]]:
    """Return the dialect of all entries with these fields, or else those that may fit, and by which fields."""
    names = {spelled(key): key for key in keys}
    heads = {name.split(".")[0] for name in names}
    folded = [key for name, key in names.items() if name in _FRONT]
    possible: list[Dialect] = []
    asked = set(folded)
    for dialect in dialects():
        wanted = [[need.partition("=")[0] for need in needs] for needs in dialect.needs]
        near = [
            paths
            for paths in wanted
            if folded or {path.split(".")[0].rstrip("*") for path in paths} <= heads
        ]
        if not possible and any(all(need in names for need in needs) for needs in dialect.needs):
            return dialect, (), ()
        if near:
            possible.append(dialect)
            parts = {path.split(".")[0] for paths in near for path in paths}
            asked.update(key for name, key in names.items() if name in parts)
    return None, tuple(possible), tuple(asked)


def dialect_of(entry: Mapping[str, Any]) -> Dialect:
    """Return the dialect of an entry, told by its fields."""
    keys = tuple(entry)
    dialect, possible, asked = candidates(keys)
    if dialect is not None:
        return dialect
    shape = (keys, *(_shape(entry[key]) for key in asked))
    known = _known.get(shape)
    if known is None:
        if len(_known) > _MOST_SHAPES:
            _known.clear()
        known = _known[shape] = next(one for one in possible if _fits(one, entry))
    return known


def _shape(value: Any) -> Any:
    """Return what of a field tells a dialect: the fields in it, or its text."""
    return tuple(value) if type(value) is dict else value if type(value) is str else None


def dialect_of_columns(columns: Iterable[str]) -> Dialect:
    """Return the dialect of a table, told by the paths of its columns."""
    entry: dict[str, Any] = {}
    for path in columns:
        entry[path] = True
        entry.setdefault(path.split(".")[0], True)
    return dialect_of(entry)
