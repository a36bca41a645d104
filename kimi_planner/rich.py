"""Results as HTML in a notebook: tables in the notebook's own colours, light or dark.

No colour is set, so that the theme's hold; only alignment and weight are ours.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from html import escape
from typing import TYPE_CHECKING, Any

from kimi_planner.money import exact_decimal, usd
from kimi_planner.safe import on_one_line

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["frame_html", "page_html", "share_text", "stated", "table_html"]

_NUMBER = ' style="text-align:right;font-variant-numeric:tabular-nums"'
_WORDS = ' style="text-align:left"'
_NAMES = ' style="text-align:left;white-space:nowrap"'
_NAME_CHARS = 32  # of names that do not break
_SHARES = ("gap", "share", "chance", "probability", "rate", "relative")


def page_html(
    *tables: str, title: str = "", notes: Iterable[str] = (), provenance: str = ""
) -> str:
    """Return tables with what they say above, and what they rest on below.

    Parameters
    ----------
    *tables
        HTML of each table.
    title, provenance
        Plain text; left out where empty.
    notes
        Plain text, one point each.
    """
    points = "".join(f"<li>{_text(note)}</li>" for note in notes)
    return "".join(
        (
            f"<p><b>{_text(title)}</b></p>" if title else "",
            *tables,
            f"<ul>{points}</ul>" if points else "",
            f"<p><small>{_text(provenance)}</small></p>" if provenance else "",
        )
    )


def table_html(
    headers: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[int] = ()
) -> str:
    """Return a table of plain text; ``right`` holds the places of the columns of numbers."""
    rows, places = list(rows), frozenset(right)

    def look(place: int) -> str:
        if place in places:
            return _NUMBER
        return _NAMES if all(len(row[place]) <= _NAME_CHARS for row in rows) else _WORDS

    looks = [look(place) for place in range(len(headers))]

    def line(tag: str, cells: Sequence[str], extra: str = "") -> str:
        return "".join(
            f"<{tag}{extra}{look}>{_text(cell)}</{tag}>"
            for look, cell in zip(looks, cells, strict=True)
        )

    body = "".join(f"<tr>{line('td', row)}</tr>" for row in rows)
    head = line("th", headers, ' scope="col"')
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def frame_html(frame: pd.DataFrame, columns: Sequence[str] | None = None) -> str:
    """Return a frame as a table, its numbers written as their column's name says they are read.

    Parameters
    ----------
    frame : DataFrame
        Columns with ``usd`` in their names are money, those of shares and chances are shown in
        percent, whole numbers with their thousands separated; what is missing is a dash.
    columns : sequence of str, optional
        Which of them, in which order; all if not given.
    """
    names = list(frame.columns if columns is None else columns)
    known = frame.astype(object).where(frame.notna(), None)
    values = {name: known[name].tolist() for name in names}
    is_words = [any(isinstance(one, str | bool) for one in values[name]) for name in names]
    right = [place for place, words in enumerate(is_words) if not words]
    cells = [[_cell(str(name), value) for value in values[name]] for name in names]
    headers = [_header(str(name)) for name in names]
    return table_html(headers, zip(*cells, strict=True), right)


def stated(value: object) -> str:
    """Return a value of a catalog, and in words that there is none."""
    return "not stated" if value is None else str(value)


def share_text(share: float) -> str:
    """Return a share in percent; neither 0% nor 100% unless it is."""
    if math.isnan(share):
        return "unknown"
    if 0 < share < 0.001:
        return "<0.1%"
    if 0.999 < share < 1:
        return ">99.9%"
    return f"{usd(100 * exact_decimal(share), 1)}%".replace(".0%", "%")


def _text(text: str) -> str:
    return escape(on_one_line(text))


def _header(name: str) -> str:
    return " ".join(
        word.upper() if re.fullmatch(r"usd|p\d\d", word) else word for word in name.split("_")
    )


def _cell(name: str, value: Any) -> str:
    if value is None or (isinstance(value, float | Decimal) and math.isnan(value)):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Decimal | float):
        return _number(name.split("_"), value)
    return str(value)


def _number(parts: list[str], value: Decimal | float) -> str:
    size = abs(float(value))
    if math.isinf(size):
        return "no bound"
    if "usd" in parts:
        return usd(value) if size >= 1 or size == 0 else f"{Decimal(f'{value:.4g}'):f}"
    if any(share in parts for share in _SHARES):
        return share_text(float(value))
    return f"{value:,.0f}" if size >= 100 else f"{value:.4g}"
