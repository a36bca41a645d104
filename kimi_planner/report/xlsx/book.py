"""A workbook and its sheets: styles, cells of harmless text, formulas with their values, print."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from io import BytesIO
from textwrap import wrap
from typing import Any

from kimi_planner.errors import MissingExtraError
from kimi_planner.safe import on_one_line

__all__ = ["Book", "Sheet", "cell"]

_INPUT = {"bg_color": "#FFF6D6", "font_color": "#0B3D91", "border": 1, "border_color": "#E0CF94"}
_TOTAL = {"bold": True, "top": 1, "border_color": "#7F7F7F"}
_MUTED = {"font_color": "#6B6B6B"}
_MONEY, _COUNT, _PRICE, _FACTOR, _SHARE = "#,##0.00", "#,##0", "#,##0.00####", "0.000000", "0.0%"
# Neither 0% nor 100% is shown unless it is.
_CHANCE = '[=0]0%;[<0.001]"<0.1%";0.0%'
_FIT = '[=1]100%;[>0.999]">99.9%";0.0%'
_STYLES: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 16},
    "heading": {"bold": True, "font_size": 12, "font_color": "#1F4E79"},
    "header": {"bold": True, "bg_color": "#DCE8F3", "bottom": 1, "text_wrap": True},
    "header_beside": {"bold": True, "bg_color": "#DCE8F3", "bottom": 1, "align": "left", "indent": 1},
    "header_right": {"bold": True, "bg_color": "#DCE8F3", "bottom": 1, "text_wrap": True, "align": "right"},
    "text": {},
    "strong": {"bold": True},
    "wrapped": {"text_wrap": True},
    "beside": {"text_wrap": True, "align": "left", "indent": 1},
    "muted": {**_MUTED, "text_wrap": True},
    "aside": {**_MUTED, "align": "left", "indent": 1},
    "month": {"num_format": "yyyy-mm", "align": "left"},
    "count": {"num_format": _COUNT},
    "money": {"num_format": _MONEY},
    "big": {"num_format": _COUNT, "bold": True, "font_size": 14},
    "chance": {"num_format": _CHANCE},
    "fit": {"num_format": _FIT},
    "factor": {"num_format": _FACTOR, **_MUTED},
    "planned": {"num_format": _MONEY, **_MUTED},
    "price": {"num_format": _PRICE},
    "input_price": {"num_format": _PRICE, **_INPUT},
    "input_count": {"num_format": "#,##0.0", **_INPUT},
    "input_factor": {"num_format": "0.00", **_INPUT},
    "input_share": {"num_format": _SHARE, **_INPUT},
    "total_text": _TOTAL,
    "total_money": {"num_format": _MONEY, **_TOTAL},
}  # fmt: skip
_LINE_POINTS = 15
_TEXT_WIDTH = 0.9  # of a letter, against the digit that widths are measured in
_HIGH = {"title": 24, "big": 20}


class Book:
    """A workbook in memory; the same content gives the same bytes.

    Raises
    ------
    MissingExtraError
        If XlsxWriter is not installed.
    """

    def __init__(self, title: str, day: date, footer: str) -> None:
        try:
            from xlsxwriter import Workbook
        except ImportError:
            raise MissingExtraError.of("XlsxWriter", "report") from None
        self._bytes = BytesIO()
        self._book = Workbook(self._bytes, {"in_memory": True, "strings_to_urls": False})
        self._book.set_properties({"title": title, "created": datetime.combine(day, time())})
        self._footer = on_one_line(footer, 200).replace("&", "+")  # which begins a code there
        self.styles = {
            name: self._book.add_format({"font_name": "Calibri", "valign": "top", **style})
            for name, style in _STYLES.items()
        }

    def sheet(self, name: str, widths: Sequence[float]) -> Sheet:
        """Add a sheet, columns as wide as given, in characters."""
        raw = self._book.add_worksheet(name)
        for column, width in enumerate(widths):
            raw.set_column(column, column, width)
        raw.hide_gridlines(2)
        raw.set_landscape()
        raw.set_paper(9)  # A4
        raw.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
        raw.fit_to_pages(1, 0)
        raw.set_footer(f"&L&8{self._footer}&R&8&A, page &P of &N")
        return Sheet(raw, self.styles, widths)

    def define(self, name: str, place: str) -> None:
        """Give a cell a name for formulas."""
        self._book.define_name(name, f"={place}")

    def finished(self) -> bytes:
        """Return the bytes of the workbook; nothing can be added after that."""
        self._book.close()
        return self._bytes.getvalue()


class Sheet:
    """One sheet. Rows and columns count from 0; text is never taken for a formula or a link."""

    def __init__(self, raw: Any, styles: dict[str, Any], widths: Sequence[float]) -> None:
        self.raw = raw
        self._styles = styles
        self._widths = widths
        self._lines: dict[int, int] = {}

    def text(self, row: int, column: int, text: str, style: str = "text") -> None:
        """Write text, harmless and far shorter than a cell can hold."""
        text = on_one_line(text)
        self.raw.write_string(row, column, text, self._styles[style])
        if style in _HIGH:
            self.raw.set_row(row, _HIGH[style])
        if style in ("beside", "header", "header_right"):
            self._heighten(row, text, self._widths[column])

    def texts(self, row: int, *texts: str, style: str = "text") -> None:
        """Write texts from the first column on."""
        for column, text in enumerate(texts):
            self.text(row, column, text, style)

    def number(self, row: int, column: int, value: float, style: str) -> None:
        """Write a number."""
        self.raw.write_number(row, column, value, self._styles[style])

    def limit(self, row: int, column: int, most: float | None = None) -> None:
        """Let a cell take numbers from 0 only, and up to a bound if there is one."""
        rule: dict[str, Any] = {"validate": "decimal", "criteria": ">=", "value": 0}
        if most is not None:
            rule = {"validate": "decimal", "criteria": "between", "minimum": 0, "maximum": most}
        self.raw.data_validation(row, column, row, column, rule)

    def month(self, row: int, column: int, first: date) -> None:
        """Write a month."""
        self.raw.write_datetime(row, column, datetime.combine(first, time()), self._styles["month"])

    def formula(self, row: int, column: int, formula: str, value: float, style: str) -> None:
        """Write a formula, and the value that programs show which do not calculate."""
        self.raw.write_formula(row, column, f"={formula}", self._styles[style], value)
        if style in _HIGH:
            self.raw.set_row(row, _HIGH[style])

    def header(self, row: int, names: Iterable[str], *, at: int = 0, texts: int = 0) -> None:
        """Write the headers of a table from a column on; those after the texts are of numbers."""
        for place, name in enumerate(names):
            self.text(row, at + place, name, "header" if place < texts else "header_right")

    def paragraph(self, row: int, text: str, style: str = "wrapped", *, columns: int = 0) -> int:
        """Write a text over several columns, as high as it needs; return the next row."""
        last = (columns or len(self._widths)) - 1
        text = on_one_line(text)
        self._heighten(row, text, sum(self._widths[: last + 1]))
        self.raw.merge_range(row, 0, row, last, "", self._styles[style])
        self.raw.write_string(row, 0, text, self._styles[style])
        return row + 1

    def _heighten(self, row: int, text: str, width: float) -> None:
        """Make a row as high as its text needs; programs do not do so for merged cells."""
        lines = len(wrap(text, int(width / _TEXT_WIDTH)))
        self._lines[row] = max(self._lines.get(row, 1), lines)
        if self._lines[row] > 1:
            self.raw.set_row(row, min(400, _LINE_POINTS * self._lines[row]))

    def table_page(self, header_row: int, frozen_columns: int) -> None:
        """Keep the header in sight, on the screen and on every printed page."""
        self.raw.freeze_panes(header_row + 1, frozen_columns)
        self.raw.repeat_rows(header_row)


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
