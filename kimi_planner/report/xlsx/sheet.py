"""A sheet of a workbook: cells of harmless text, formulas with their values, entries, print."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from itertools import pairwise
from textwrap import wrap
from typing import Any

from kimi_planner.report.table import OVER, Table
from kimi_planner.safe import on_one_line

#: What a number is written as beside the live one, by part of the style of that.
_AS_PLANNED = {
    "money": "money",
    "whole": "money",
    "more": "change",
    "change": "change",
    "chance": "chance",
}
_LINE_POINTS = 15
#: Of a page of A4 across at seven points, of a digit, and beside each column, pixels; the widest that a program
#: without the font of the workbook takes.
_PAGE, _DIGIT, _PADDING = 1613.0, 9.0, 6.5
_TEXT_WIDTH = 0.9  # of a letter, against the digit that widths are measured in
_HIGH = {"title": 24, "big": 20}  # rows of these parts of a style, in points


#: Formula, value and style of a cell.
Shown = tuple[str, float | str, str]


@dataclass(frozen=True)
class Sheet:
    """One sheet. Rows and columns count from 0; text is never taken for a formula or a link."""

    raw: Any
    style: Callable[[str], Any]
    _define: Callable[[str, str], None]
    _widths: Sequence[float]
    _lines: dict[int, int] = field(default_factory=dict)
    # written last, when the width of the first page is known
    _paragraphs: list[tuple[int, int, str, str]] = field(default_factory=list)

    def text(self, row: int, column: int, text: str, style: str = "text") -> None:
        """Write text, harmless and far shorter than a cell can hold."""
        text = on_one_line(text)
        self.raw.write_string(row, column, text, self.style(style))
        self._raise(row, style)
        if style.startswith(("wrapped", "header")):
            self._heighten(row, text, self._widths[column])

    def texts(self, row: int, *texts: str, style: str = "text") -> None:
        """Write texts from the first column on."""
        for column, text in enumerate(texts):
            self.text(row, column, text, style)

    def number(self, row: int, column: int, value: float, style: str) -> None:
        """Write a number."""
        self.raw.write_number(row, column, value, self.style(style))
        self._say_sure(row, column, style)

    def numbers(self, row: int, column: int, values: Iterable[float]) -> None:
        """Write what formulas look up, from a cell to the right."""
        self.raw.write_row(row, column, map(float, values), self.style("grey_factor"))

    def column(self, row: int, column: int, values: Iterable[float]) -> None:
        """Write what formulas look up, from a cell downwards."""
        self.raw.write_column(row, column, map(float, values), self.style("grey_factor"))

    def entry(
        self,
        row: int,
        column: int,
        value: float | None,
        style: str,
        *,
        least: float = 0,
        most: float | None = None,
    ) -> None:
        """Write a number that can be changed, within bounds; or leave its cell empty."""
        style = f"input_{style}"
        if value is None:
            self.raw.write_blank(row, column, None, self.style(style))
        else:
            self.number(row, column, value, style)
        rule: dict[str, Any] = {"validate": "decimal", "criteria": ">=", "value": least}
        if most is not None:
            rule |= {"criteria": "between", "minimum": least, "maximum": most}
        self.raw.data_validation(row, column, row, column, rule)

    def choice(self, row: int, column: int, source: str | Sequence[str]) -> None:
        """Let a cell take what a list has: texts, or a range of cells."""
        listed = f"={source}" if isinstance(source, str) else list(source)
        self.raw.data_validation(row, column, row, column, {"validate": "list", "source": listed})

    def day(self, row: int, column: int, day: date | None, style: str = "date") -> None:
        """Write a day, or leave its cell empty."""
        if day is None:
            self.raw.write_blank(row, column, None, self.style(style))
        else:
            self.raw.write_datetime(row, column, datetime.combine(day, time()), self.style(style))

    def day_entry(self, row: int, column: int, day: date | None) -> None:
        """Write a day that can be changed, or leave its cell empty; it takes days only."""
        self.day(row, column, day, "input_date")
        rule = {"validate": "date", "criteria": "between"}
        ends = {"minimum": date(2000, 1, 1), "maximum": date(2199, 12, 31)}
        self.raw.data_validation(row, column, row, column, rule | ends)

    def flag_over(self, row: int, columns: tuple[int, int], rule: str) -> None:
        """Show cells of a row as over the budget where a formula of the first of them holds."""
        rules = {"type": "formula", "criteria": f"={rule}", "format": self.style("over")}
        self.raw.conditional_format(row, columns[0], row, columns[1], rules)

    def flag_least(self, row: int, column: int, words: str, over: str = "over_") -> None:
        """Let a chance below 1, not yet written, say that it is the least where words hold that tell it."""
        chance = cell(row, column)
        for bounds, style in (
            (f"{chance}>=0.9995", f"{over}surest"),
            (f"{chance}>0.5", f"{over}least"),
            (f"{chance}<=0.5", "least"),
        ):
            rule = f"=AND(ISNUMBER({chance}),{chance}<1,{bounds},{words})"
            rules = {"type": "formula", "criteria": rule, "format": self.style(style)}
            self.raw.conditional_format(row, column, row, column, rules)

    def opening(self, title: str, said: str = "", columns: int = 0) -> None:
        """Write the title of the sheet and what is to be said of it, over several columns if so."""
        self.text(0, 0, title, "title")
        if columns:
            self.paragraph(1, said, "grey_wrapped", columns=columns)
        else:
            self.text(1, 0, said, "grey")

    def formula(self, row: int, column: int, formula: str, value: float | str, style: str) -> None:
        """Write a formula, and the value that programs show which do not calculate.

        In braces it is one over whole columns, whose value is one number.
        """
        if formula.startswith("{"):
            place, formula = (row, column, row, column), f"{{={formula[1:]}"
            self.raw.write_array_formula(*place, formula, self.style(style), value)
        else:
            self.raw.write_formula(row, column, f"={formula}", self.style(style), value)
        self._say_sure(row, column, style)
        self._raise(row, style)

    def formulas(self, row: int, column: int, shown: Iterable[Shown]) -> None:
        """Write formulas from a cell to the right."""
        for at, one in enumerate(shown, column):
            self.formula(row, at, *one)

    def planned(self, row: int, column: int, shown: Iterable[Shown]) -> None:
        """Write the values of formulas in grey, from a cell to the right."""
        for at, (_, value, style) in enumerate(shown, column):
            if isinstance(value, str):
                self.text(row, at, value, "grey_right")
            else:
                [form] = (_AS_PLANNED[part] for part in style.split("_") if part in _AS_PLANNED)
                self.number(row, at, value, f"grey_{form}")

    def _say_sure(self, row: int, column: int, style: str) -> None:
        """Let a chance say 100% only where it is; its own format has no room for a third condition.

        Such a chance is as red as one above a half: of two rules for a cell, the first counts alone.
        """
        if style.endswith("chance"):
            look = self.style("sure" if style.startswith("grey") else "over_sure")
            rule = {"type": "cell", "criteria": ">=", "value": 0.9995, "format": look}
            self.raw.conditional_format(row, column, row, column, rule)

    def _raise(self, row: int, style: str) -> None:
        high = _HIGH.get(style.partition("_")[0])
        if high is not None:
            self.raw.set_row(row, high)

    def header(self, row: int, names: Iterable[str], *, at: int = 0, texts: int = 0) -> None:
        """Write the headers of a table from a column on; those after the texts are of numbers."""
        for place, name in enumerate(names):
            self.text(row, at + place, name, "header" if place < texts else "header_right")

    def paragraph(self, row: int, text: str, style: str = "wrapped", *, columns: int = 0) -> int:
        """Write a text over several columns of the first page, as high as it needs; return the next row."""
        last = (columns or len(self._widths)) - 1
        self._paragraphs.append((row, last, on_one_line(text), style))
        return row + 1

    def _write_paragraphs(self, breaks: Sequence[int]) -> None:
        for row, most, text, style in self._paragraphs:
            last = min([most, *(one - 1 for one in breaks)])
            self._heighten(row, text, sum(self._widths[: last + 1]))
            if last:
                self.raw.merge_range(row, 0, row, last, "", self.style(style))
            self.raw.write_string(row, 0, text, self.style(style))

    def _heighten(self, row: int, text: str, width: float) -> None:
        """Make a row as high as its text needs; programs do not do so for merged cells."""
        lines = len(wrap(text, int(width / _TEXT_WIDTH)))
        self._lines[row] = max(self._lines.get(row, 1), lines)
        if self._lines[row] > 1:
            self.raw.set_row(row, min(400, _LINE_POINTS * self._lines[row]))

    def table(self, row: int, table: Table) -> int:
        """Write a table of text, its amounts as numbers; return the row after it."""
        for column, name in enumerate(table.headers):
            side = "right" if column in table.right else "left" if column else "text"
            self.text(row, column, name, f"header_{side}")
        foot = row + 1 + len(table.rows) - table.foot
        for at, texts in enumerate(table.rows, row + 1):
            total = "total_" * (at >= foot)
            for column, text in enumerate(texts):
                amount = _amount(text) if column in table.right else None
                if amount is None:
                    side = "wrapped_right" if column in table.right else "wrapped_left"
                    usual = side if column else "text"
                    self.text(at, column, text, "total" if total else usual)
                else:
                    signed = "change" if text[0] in "+-" else "money"
                    over = "_over" * text.endswith(OVER)
                    self.number(at, column, amount, f"{total}{signed}{over}")
        return row + 1 + len(table.rows)

    def page(
        self,
        last: tuple[int, int],
        head: int | None = None,
        frozen: int = 0,
        breaks: Sequence[int] = (),
        top: int = 0,
    ) -> None:
        """Print up to a row and column; keep a header and the first columns in sight.

        A wide sheet is cut before columns, those that stay in sight on each page: before given ones, else
        where letters would be smaller than seven points. Each page is a print range of its own: where a
        sheet is fitted to pages, breaks do not count. What stands above ``top`` is on the first page alone.
        """
        keys = max(frozen, 1)
        breaks = breaks or self._cuts(last[1], keys)
        self._write_paragraphs(breaks)
        if head is not None:
            self.raw.freeze_panes(head + 1, frozen)
            self.raw.repeat_rows(head)
        if not breaks:
            self.raw.print_area(0, 0, *last)
            return
        name, ends = self.raw.get_name(), [0, *breaks, last[1] + 1]
        areas = [
            block(((head or top) if first else 0, last[0]), (first, end - 1), name)
            for first, end in pairwise(ends)
        ]
        self.raw.repeat_columns(0, keys - 1)
        self._define(f"{name}!_xlnm.Print_Area", ",".join(areas))

    def _cuts(self, last: int, keys: int) -> list[int]:
        """Return the columns before which a page begins, so that all can be read on paper.

        Of as many pages as that takes, the widest is as narrow as it can be: none has a column alone.
        """
        wide = [_DIGIT * one + _PADDING for one in self._widths[: last + 1]]
        tried = [_filled(wide, keys, _PAGE * part / 100) for part in range(100, 0, -1)]
        return [cuts for cuts in tried if len(cuts) == len(tried[0])][-1]


def _filled(wide: Sequence[float], keys: int, most: float) -> list[int]:
    """Return the columns before which pages of a width are full, the first columns being on each."""
    cuts, used = list[int](), 0.0
    for column, width in enumerate(wide):
        if used + width > most and column > keys:
            cuts.append(column)
            used = sum(wide[:keys])
        used += width
    return cuts


def _amount(text: str) -> float | None:
    """Return the number that a cell of a table spells, if it is nothing but one."""
    text = text.removesuffix(f" {OVER}").replace(",", "")
    return float(text) if re.fullmatch(r"[+-]?\d+\.\d\d", text) else None


def cell(row: int, column: int, sheet: str | None = None) -> str:
    """Return the address of a cell for a formula, absolute where a sheet is named.

    Examples
    --------
    >>> cell(4, 2), cell(4, 2, "By model")
    ('C5', "'By model'!$C$5")
    """
    from xlsxwriter.utility import quote_sheetname, xl_rowcol_to_cell

    if sheet is None:
        return str(xl_rowcol_to_cell(row, column))
    address = xl_rowcol_to_cell(row, column, row_abs=True, col_abs=True)
    return f"{quote_sheetname(sheet)}!{address}"


def span(rows: tuple[int, int], column: int, sheet: str | None = None) -> str:
    """Return the range of a column for a formula.

    Examples
    --------
    >>> span((4, 9), 2), span((4, 9), 2, "By model")
    ('C5:C10', "'By model'!$C$5:$C$10")
    """
    return block(rows, (column, column), sheet)


def block(rows: tuple[int, int], columns: tuple[int, int], sheet: str | None = None) -> str:
    """Return the range from the first row and column to the last.

    Examples
    --------
    >>> block((4, 9), (1, 2), "By model")
    "'By model'!$B$5:$C$10"
    """
    first, last = (cell(row, column, sheet) for row, column in zip(rows, columns, strict=True))
    return f"{first}:{last.rpartition('!')[2]}"
