"""Results on one screen: as text in a terminal, and as HTML in a notebook.

In a notebook no colour is set, so that those of its theme hold, light or dark; only alignment and weight
are ours.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from kimi_planner.arguments import guard_methods
from kimi_planner.money import exact_decimal, named, usd, usd_text
from kimi_planner.safe import on_one_line

if TYPE_CHECKING:
    import pandas as pd


_NUMBER = ' style="text-align:right;font-variant-numeric:tabular-nums"'
_WORDS = ' style="text-align:left"'
_NAMES = ' style="text-align:left;white-space:nowrap"'
_NAME_CHARS = 32  # of names that do not break
_MOST_ROWS = 16  # of a table; what is left out is counted
_MOST_LINES, _LINE = 30, 80  # of a screen of text, and characters on a line
_NO_END = 10**6  # characters on a line where nothing is cut
_PART = 8  # lines of a title, a note and a provenance
_AROUND = 7  # lines of head, blanks and a note around the rows of a table
_REST = "in .page().notes"
_CELL, _LEAST_CELL = 34, 20  # characters of a cell of text on a screen, and where room is short
_DIGITS = re.compile(r"[-+]?[\d,.]+%?")
_SHARES = ("gap", "share", "chance", "probability", "rate", "relative", "success", "quality")


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a result shows of itself on one screen.

    Attributes
    ----------
    title
        What the numbers are, with their unit, and the total.
    frame, columns
        The table, also as rows, and which of its columns, all if not given. Columns with ``usd`` in
        their names are money, those of shares and chances are shown in percent, whole numbers with
        their thousands separated; what is missing is a dash.
    numbers
        Columns of text that are lined up as numbers are.
    notes, provenance
        What the reader must know, and what it rests on.
    currency
        What stands in the heads of columns of money.
    """

    title: str = ""
    frame: pd.DataFrame | Sequence[Mapping[str, Any]] | None = None
    columns: Sequence[str] | None = None
    numbers: Sequence[str] = ()
    notes: Iterable[str] = ()
    provenance: str = ""
    currency: str = "USD"

    def html(self) -> str:
        """Return it for a notebook: at most 30 rows of a table and notes together."""
        table, notes, room = "", list(self.notes), _MOST_LINES
        if self.frame is not None:
            headers, rows, right = self._cells(_MOST_ROWS)
            table = _table_html(headers, rows, right)
            room -= len(rows) + 1
        if len(notes) > room:
            notes[room - 1 :] = [f"{len(notes) - room + 1} more {_REST}"]
        points = "".join(f"<li>{_text(note)}</li>" for note in notes)
        return "".join(
            (
                f"<p><b>{_text(self.title)}</b></p>" if self.title else "",
                table,
                f"<ul>{points}</ul>" if points else "",
                f"<p><small>{_text(self.provenance)}</small></p>" if self.provenance else "",
            )
        )

    def text(self, rest: str | None = _REST) -> str:
        """Return it for a terminal.

        Parameters
        ----------
        rest : str, optional
            Where to find what has no room on 30 lines of 80 characters, in words; ``None`` to cut
            nothing.
        """
        is_whole = rest is None
        head, foot = _filled(self.title, is_whole), _filled(self.provenance, is_whole)
        if self.frame is not None:
            room = _MOST_LINES - len(head) - len(foot) - _AROUND
            cells = self._cells(None if is_whole else min(_MOST_ROWS, room))
            head += ["", *_table_text(*cells, _NO_END if is_whole else _LINE, room), ""]
        notes = [_filled(note, is_whole, "- ") for note in self.notes]
        kept: list[str] = []
        room = _MOST_LINES - len(head) - len(foot) - 1
        for place, lines in enumerate(notes):
            if not is_whole and len(kept) + len(lines) > room:
                kept.append(f"- {len(notes) - place} more {rest}")
                break
            kept += lines
        return "\n".join([*head, *kept, *foot]).rstrip()

    def _cells(self, most: int | None) -> tuple[list[str], list[tuple[str, ...]], list[int]]:
        """Return heads and cells in words, and where numbers are; of many rows the first and the last."""
        frame = () if self.frame is None else self.frame
        most = len(frame) if most is None else most
        left_out, kept = len(frame) - most, [*range(len(frame))]
        if left_out > 1:
            kept[most - 1 : -1] = []
        if isinstance(frame, Sequence):  # which needs no pandas
            some = [frame[place] for place in kept]
            names = list(self.columns or dict.fromkeys(name for row in some for name in row))
            values = {name: [row.get(name) for row in some] for name in names}
        else:
            known = frame.iloc[kept].astype(object)
            known = known.where(known.notna(), None)
            names = list(known.columns if self.columns is None else self.columns)
            values = {name: known[name].tolist() for name in names}
        right = [
            place
            for place, name in enumerate(names)
            if name in self.numbers or not any(map(_is_words, values[name]))
        ]
        cells = [[_cell(str(name), value) for value in values[name]] for name in names]
        rows = list(zip(*cells, strict=True))
        if left_out > 1:
            rows.insert(-1, (f"… {left_out} more", *([""] * (len(names) - 1))))
        heads = [_header(named(str(name), self.currency)) for name in names]
        return heads, rows, right


class Shown(ABC):
    """A result that shows itself as a page; a call that does not fit one of its methods is named."""

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        guard_methods(cls)

    @abstractmethod
    def page(self) -> Page:
        """Return what it shows of itself on one screen."""

    def __repr__(self) -> str:
        return self.page().text()

    def _repr_html_(self) -> str:
        return self.page().html()


def _filled(text: str, is_whole: bool, mark: str = "") -> list[str]:
    return wrap(
        mark + on_one_line(text),
        _LINE,
        subsequent_indent=" " * len(mark),
        max_lines=None if is_whole else _PART,
        placeholder=" …",
        break_on_hyphens=False,  # the name of a model is one word
    )


def _table_text(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Sequence[int],
    line: int,
    room: int,
) -> list[str]:
    """Return the lines of a table; columns that have no room on a line stand below, or are named there.

    ``room`` is how many lines it may have to stand below.
    """
    most = _CELL if line == _LINE else line
    lines = [[on_one_line(cell) for cell in row] for row in rows]
    least = [max(map(len, head.split()), default=0) for head in headers]
    widths = [
        max(head, *(min(most, len(cell)) for cell in column)) if column else head
        for head, *column in zip(least, *lines, strict=True)
    ]
    words = [place for place in range(len(widths)) if place not in right]
    while sum(widths) + 2 * (len(widths) - 1) > line:  # the widest column of words gives way
        place = max(words, key=widths.__getitem__, default=0)
        if not words or widths[place] <= max(_LEAST_CELL, least[place]):
            break
        widths[place] -= 1
    cells = [[*map(shorten, row, widths)] for row in lines]
    heads = [wrap(head, width) for head, width in zip(headers, widths, strict=True)]

    def block(places: Sequence[int]) -> list[str]:
        high = max(len(heads[place]) for place in places)
        rows = zip(*([""] * (high - len(heads[at])) + heads[at] for at in places), strict=True)
        return [
            "  ".join(
                cell.rjust(widths[place]) if place in right else cell.ljust(widths[place])
                for place, cell in zip(places, row, strict=True)
            ).rstrip()
            for row in [*rows, *([row[place] for place in places] for row in cells)]
        ]

    keys = 1  # columns that name a row
    while keys in words and len({tuple(row[:keys]) for row in rows}) < len(rows):
        keys += 1
    text, below = list[str](), _blocks(widths, line, keys)
    for number, places in enumerate(below):
        lines_of = [*[""] * bool(text), *block(places)]
        if text and len(text) + len(lines_of) > room:
            rest = ", ".join(headers[at] for one in below[number:] for at in one[keys:])
            return text + _filled(f"Also: {rest}.", False)
        text += lines_of
    return text


def _blocks(widths: Sequence[int], line: int, keys: int) -> list[list[int]]:
    """Return which columns stand side by side, keys in every block, in few and even blocks."""

    def filled(most: int) -> list[list[int]]:
        blocks = [[*range(keys)]]
        for place in range(keys, len(widths)):
            wide = sum(widths[at] + 2 for at in [*blocks[-1], place]) - 2
            if len(blocks[-1]) > keys and (wide > line or len(blocks[-1]) >= keys + most):
                blocks.append([*range(keys)])
            blocks[-1].append(place)
        return blocks

    fewest = len(filled(len(widths)))
    return next(made for most in range(1, len(widths) + 1) if len(made := filled(most)) == fewest)


def shorten(text: str, most: int) -> str:
    """Return a text, its middle left out if it is long."""
    return text if len(text) <= most else f"{text[: most - 9]}…{text[-8:]}"


def _table_html(headers: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int]) -> str:
    def look(place: int) -> str:
        if place in right:
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


def _is_words(value: object) -> bool:
    """Tell whether a value is none to be lined up by its digits."""
    return isinstance(value, bool) or (isinstance(value, str) and not _DIGITS.fullmatch(value))


def stated(value: object) -> str:
    """Return a value of a catalog, and in words that there is none."""
    return "not stated" if value is None else str(value)


def risk_text(share: float, *, is_least: bool = False) -> str:
    """Return a chance in words; of spend that is the least, as nobody knows all of it, it is the least too."""
    return f"{'at least ' * (is_least and share < 1)}{share_text(share)}"


def share_text(share: float) -> str:
    """Return a share in percent; neither 0% nor 100% unless it is."""
    if math.isnan(share):
        return "unknown"
    if 0 < share < 0.001:
        return "<0.1%"
    if 0.999 < share < 1:
        return ">99.9%"
    return f"{usd(100 * exact_decimal(share), 1)}%".replace(".0%", "%")


def changed_text(factor: Decimal | float, more: str = "more", less: str = "less") -> str:
    """Return a factor as the change that it is; two digits of it, or of what is left if that is less.

    They are rounded up, so that what is less by as much is enough.

    >>> changed_text(0.59), changed_text(0.996927803), changed_text(0.01313), changed_text(1.3, "wider")
    ('41% less', '0.31% less', '98.7% less', '30% wider')
    """
    exact = exact_decimal(factor)
    change, smaller = abs(exact - 1), min(abs(exact - 1), exact)
    step = Decimal(1).scaleb(min(-2, smaller.adjusted() - 1))
    percent = 100 * change.quantize(step, rounding=ROUND_UP)
    return f"{percent.normalize():f}% {less if exact < 1 else more}"


def _text(text: str) -> str:
    from html import escape  # which a check, that shows no page, need not load

    return escape(on_one_line(text))


def _header(name: str) -> str:
    return " ".join(
        word.upper() if re.fullmatch(r"usd|cny|p\d\d", word) else word for word in name.split("_")
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
        return usd_text(value)
    if any(share in parts for share in _SHARES):
        return share_text(float(value))
    return number_cell(value)


def number_cell(value: Decimal | float) -> str:
    """Return a number without a unit: whole from 100 on, else with four digits."""
    return f"{value:,.0f}" if abs(float(value)) >= 100 else f"{value:.4g}"
