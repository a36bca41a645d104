"""Tokens expected of text whose size and kind are known, but not the text itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from math import ceil, floor
from pathlib import Path
from typing import Any, Literal

from kimi_planner.arguments import public
from kimi_planner.errors import FileError, RequestError, shown, unknown
from kimi_planner.files import data_dir
from kimi_planner.rich import Page, Shown
from kimi_planner.tokens.vocabulary import SHA256
from kimi_planner.toml_file import TomlTable, read_toml

MAX_BYTES = 10**15
_RATIOS = tuple(f"tokens_per_byte_{name}" for name in ("p10", "p50", "p90", "mean"))
_FORMS: dict[str, type] = {"version": str, "measured_on": date, "vocabulary_sha256": str}
_FORMS |= {"piece_bytes": int, "kinds": list}
_ROW_FORMS: dict[str, type] = dict.fromkeys(("kind", "title", *_RATIOS), str)
_ROW_FORMS |= {"bytes": int, "pieces": int, "source": list}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SizeEstimate(Shown):
    """Tokens expected of a text of known size.

    Attributes
    ----------
    tokens
        What to plan with: bytes x mean tokens per byte of the kind, in whole tokens.
    low, high
        Tokens at P10 and P90 of tokens per byte over pieces of prompt size, rounded outwards.
    kind
        Kind of text, one of :func:`size_kinds`.
    exactness
        Always ``"estimate"``: the text itself was not counted.
    why
        What the numbers rest on, in one sentence.
    """

    tokens: int
    low: int
    high: int
    kind: str
    exactness: Literal["estimate"] = "estimate"
    why: str

    def page(self) -> Page:
        """Return the tokens with their range, and what they rest on."""
        return Page(
            title=f"{self.tokens:,} tokens (P10 {self.low:,}, P90 {self.high:,}) of {self.kind}, an estimate",
            notes=(self.why,),
        )


@public
def size_kinds() -> tuple[str, ...]:
    """Return the kinds of text whose tokens per byte are known, languages first.

    Examples
    --------
    >>> sorted(size_kinds())[:3]
    ['arabic', 'base64', 'c']
    """
    return tuple(_shipped())


@public
def tokens_from_bytes(n: int, kind: str) -> SizeEstimate:
    """Estimate the tokens of a text from its size.

    Parameters
    ----------
    n : int, bytes
        Size of the text in UTF-8, as a file system gives it, from 0 to 10**15.
    kind : str
        Language or content, one of :func:`size_kinds`, such as ``"english"`` or ``"json"``.

    Returns
    -------
    SizeEstimate
        Tokens, with a range.

    Raises
    ------
    RequestError
        If ``n`` is not such a number, or the kind is not known.
    FileError
        If the table of tokens per byte is not well formed.

    Notes
    -----
    The range is that of one document of about prompt size: four in five of the measured pieces of
    4,000 bytes lie in it. The mean of many documents is known better, but the range is not narrowed
    for that: they may differ together from what was measured, ``data/tokens_per_byte.toml``.

    Examples
    --------
    >>> found = tokens_from_bytes(4_000, "base64")
    >>> found.low < found.tokens < found.high
    True
    """
    rows = _shipped()
    row = rows.get(kind) if isinstance(kind, str) else None
    if row is None:
        raise RequestError(unknown("Unknown kind", kind, rows, "Known kinds:"))
    if type(n) is not int or not 0 <= n <= MAX_BYTES:
        raise RequestError(f"n is {shown(n)}. It must be a whole number of bytes, 0 to 10**15.")
    low, _, high, mean = (n * Decimal(row[key]) for key in _RATIOS)
    packages = ", ".join(source.split(" (")[0] for source in row["source"])
    why = (
        f"{row['title']}: {row['tokens_per_byte_mean']} tokens per byte, low and high at P10 and P90 "
        f"over {row['pieces']:,} pieces of prompt size, measured on {packages}."
    )
    return SizeEstimate(tokens=round(mean), low=floor(low), high=ceil(high), kind=kind, why=why)


@lru_cache(maxsize=1)
def _shipped() -> dict[str, dict[str, Any]]:
    return _read(data_dir() / "tokens_per_byte.toml")


def _read(path: Path) -> dict[str, dict[str, Any]]:
    toml = read_toml(path)
    top = TomlTable(toml, toml.data)
    _check_forms(top, _FORMS)
    if toml.data["vocabulary_sha256"] != SHA256:
        raise top.fail(
            "vocabulary_sha256", "measured with another vocabulary. Measure the table again."
        )
    rows: dict[str, dict[str, Any]] = {}
    for number, row in enumerate(toml.data["kinds"]):
        table = TomlTable(toml, row, "kinds", number)
        _check_forms(table, _ROW_FORMS)
        if wrong := [row[key] for key in _RATIOS if not re.fullmatch(r"[01]\.\d+", row[key])]:
            raise table.fail(None, f'{wrong[0]!r} is not a decimal such as "0.2345".')
        p10, p50, p90, mean = (Decimal(row[key]) for key in _RATIOS)
        if not (0 < p10 <= p50 <= p90 <= 1 and p10 <= mean <= p90):
            raise table.fail(None, "it must hold that 0 < p10 <= p50 and mean <= p90 <= 1.")
        if not all(isinstance(source, str) and source for source in row["source"]):
            raise table.fail(None, "source must list packages in words.")
        if row["kind"] in rows:
            raise table.fail(None, f"duplicate kind {row['kind']!r}. Kinds must be unique.")
        rows[row["kind"]] = row
    return rows


def _check_forms(table: TomlTable, forms: dict[str, type]) -> None:
    if not isinstance(table.values, dict):
        reason = f"{table.name} must be tables, not {shown(table.values)}."
        raise FileError(reason, at=table.toml.path)
    table.refuse_unknown(forms)
    for key, form in forms.items():
        value = table.values.get(key)
        if type(value) is not form or not value or (isinstance(value, int) and value < 1):
            raise table.fail(
                key, f"{key} is {shown(value)}; it must be {form.__name__}, not empty."
            )
