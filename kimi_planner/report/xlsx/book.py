"""A workbook and its sheets: styles, cells of harmless text, formulas with their values, print."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from io import BytesIO
from textwrap import wrap
from typing import Any

from kimi_planner.errors import MissingExtraError
from kimi_planner.report.table import OVER, Table
from kimi_planner.safe import on_one_line

__all__ = ["Book", "Sheet", "cell", "span"]

_INPUT = {"bg_color": "#FFF6D6", "font_color": "#0B3D91", "border": 1, "border_color": "#E0CF94"}
_TOTAL = {"bold": True, "top": 1, "border_color": "#7F7F7F"}
_MUTED = {"font_color": "#6B6B6B"}
_MONEY, _COUNT, _PRICE, _FACTOR, _SHARE = "#,##0.00", "#,##0", "#,##0.00####", "0.000000", "0.0%"
_WHOLE, _SIGNED = "#,##0", "+#,##0;-#,##0;0"
_OVER = {"bg_color": "#FBE3E0", "font_color": "#9C1C12", "bold": True}
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
    "unknown": {**_MUTED, "align": "right"},
    "aside": {**_MUTED, "align": "left", "indent": 1},
    "month": {"num_format": "yyyy-mm", "align": "left"},
    "count": {"num_format": _COUNT},
    "money": {"num_format": _MONEY},
    "big": {"num_format": _COUNT, "bold": True, "font_size": 14},
    "right": {"align": "right"},
    "remark": _MUTED,
    "muted_right": {**_MUTED, "align": "right"},
    "sum": {"num_format": _WHOLE, "bg_color": "#F2F5F8"},
    "whole_right": {"num_format": _WHOLE, "align": "right"},
    "signed_money": {"num_format": "+#,##0.00;-#,##0.00;0.00", "align": "right"},
    "chance": {"num_format": _CHANCE},
    "chance_right": {"num_format": _CHANCE, "align": "right"},
    "planned_chance": {"num_format": _CHANCE, **_MUTED},
    "over_money": {"num_format": _MONEY, **_OVER},
    "money_right": {"num_format": _MONEY, "align": "right"},
    "total_money_right": {"num_format": _MONEY, "align": "right", **_TOTAL},
    "fit": {"num_format": _FIT},
    "factor": {"num_format": _FACTOR, **_MUTED},
    "planned": {"num_format": _MONEY, **_MUTED},
    "price": {"num_format": _PRICE},
    "input_price": {"num_format": _PRICE, **_INPUT},
    "input_count": {"num_format": "#,##0.0", **_INPUT},
    "input_factor": {"num_format": "0.00", **_INPUT},
    "input_share": {"num_format": _SHARE, **_INPUT},
    "input_money": {"num_format": _MONEY, **_INPUT},
    "input_date": {"num_format": "yyyy-mm-dd", "align": "left", **_INPUT},
    "input_text": {"align": "left", **_INPUT},
    "date": {"num_format": "yyyy-mm-dd", "align": "left"},
    "share": {"num_format": _SHARE},
    "whole": {"num_format": _WHOLE},
    "signed": {"num_format": _SIGNED},
    "total_whole": {"num_format": _WHOLE, **_TOTAL},
    "total_sum": {"num_format": _WHOLE, **_TOTAL},
    "total_whole_right": {"num_format": _WHOLE, "align": "right", **_TOTAL},
    "total_signed": {"num_format": _SIGNED, **_TOTAL},
    "big_share": {"num_format": _CHANCE, "bold": True, "font_size": 14},
    "big_signed": {"num_format": _SIGNED, "bold": True, "font_size": 14},
    "total_text": _TOTAL,
    "total_money": {"num_format": _MONEY, **_TOTAL},
}  # fmt: skip
_LINES: dict[str, dict[str, Any]] = {
    "P10": {"color": "#7AA5D2", "dash_type": "dash"}, "P50": {"color": "#1F4E79"},
    "P90": {"color": "#7AA5D2", "dash_type": "dash"}, "budget": {"color": "#9C1C12"},
}  # fmt: skip
_LINE_POINTS = 15
_TEXT_WIDTH = 0.9  # of a letter, against the digit that widths are measured in
_HIGH = {"title": 24, "big": 20, "big_share": 20, "big_signed": 20}


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
        self._over = self._book.add_format(_OVER)

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
        return Sheet(raw, self.styles, widths, self._over)

    def column_chart(self, series: Sequence[Mapping[str, Any]], title: str) -> Any:
        """Return a chart of stacked columns; a series without colour only lifts what stands on it."""
        chart = self._book.add_chart({"type": "column", "subtype": "stacked"})
        for one in series:
            colour = one.get("colour")
            fill = {"none": True} if colour is None else {"color": colour}
            chart.add_series(
                {"name": one["name"], "categories": one["categories"], "values": one["values"],
                 "fill": fill, "gap": 40}
            )  # fmt: skip
        chart.set_title({"name": title, "name_font": {"size": 11}})
        chart.set_legend({"none": True})
        chart.set_y_axis(
            {
                "num_format": "#,##0",
                "major_gridlines": {"visible": True, "line": {"color": "#DDDDDD"}},
            }
        )
        chart.set_size({"width": 900, "height": 340})
        return chart

    def line_chart(self, series: Sequence[tuple[str, str, str]], title: str) -> Any:
        """Return a chart of lines: name, categories and values of each."""
        chart = self._book.add_chart({"type": "line"})
        for name, categories, values in series:
            line = {"width": 2.25 if name == "P50" else 1.25, **_LINES.get(name, {})}
            chart.add_series(
                {"name": name, "categories": f"={categories}", "values": f"={values}", "line": line}
            )
        chart.set_title({"name": title, "name_font": {"size": 11}})
        chart.set_legend({"position": "bottom"})
        chart.set_x_axis({"num_format": "mm-dd", "date_axis": True})
        chart.set_y_axis(
            {
                "num_format": "#,##0",
                "min": 0,
                "major_gridlines": {"visible": True, "line": {"color": "#DDDDDD"}},
            }
        )
        chart.set_size({"width": 900, "height": 360})
        return chart

    def define(self, name: str, place: str) -> None:
        """Give a cell a name for formulas."""
        self._book.define_name(name, f"={place}")

    def finished(self) -> bytes:
        """Return the bytes of the workbook; nothing can be added after that."""
        self._book.close()
        return self._bytes.getvalue()


class Sheet:
    """One sheet. Rows and columns count from 0; text is never taken for a formula or a link."""

    def __init__(
        self, raw: Any, styles: dict[str, Any], widths: Sequence[float], over: Any
    ) -> None:
        self.raw = raw
        self._over = over
        self._styles = styles
        self._widths = widths
        self._lines: dict[int, int] = {}

    def style(self, name: str) -> Any:
        """Return the format of a style."""
        return self._styles[name]

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

    def limit(self, row: int, column: int, most: float | None = None, *, least: float = 0) -> None:
        """Let a cell take numbers from a bound on only, and up to another if there is one."""
        rule: dict[str, Any] = {"validate": "decimal", "criteria": ">=", "value": least}
        if most is not None:
            rule = {"validate": "decimal", "criteria": "between", "minimum": least, "maximum": most}
        self.raw.data_validation(row, column, row, column, rule)

    def choice(self, row: int, column: int, source: str | Sequence[str]) -> None:
        """Let a cell take what a list has: texts, or a range of cells."""
        listed = f"={source}" if isinstance(source, str) else list(source)
        self.raw.data_validation(row, column, row, column, {"validate": "list", "source": listed})

    def day(self, row: int, column: int, day: date | None, style: str = "date") -> None:
        """Write a day, or leave its cell empty; one that can be changed takes days only."""
        if day is None:
            self.raw.write_blank(row, column, None, self._styles[style])
        else:
            self.raw.write_datetime(row, column, datetime.combine(day, time()), self._styles[style])

    def days_only(self, row: int, column: int) -> None:
        """Let a cell take days, and nothing."""
        rule = {"validate": "date", "criteria": "between", "minimum": date(2000, 1, 1),
                "maximum": date(2199, 12, 31)}  # fmt: skip
        self.raw.data_validation(row, column, row, column, rule)

    def flag_over(self, rows: tuple[int, int], columns: tuple[int, int], rule: str) -> None:
        """Show cells as over the budget where a formula of the first of them holds."""
        self.raw.conditional_format(
            rows[0], columns[0], rows[1], columns[1],
            {"type": "formula", "criteria": f"={rule}", "format": self._over},
        )  # fmt: skip

    def month(self, row: int, column: int, first: date) -> None:
        """Write a month."""
        self.raw.write_datetime(row, column, datetime.combine(first, time()), self._styles["month"])

    def formula(self, row: int, column: int, formula: str, value: float | str, style: str) -> None:
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
        if last:
            self.raw.merge_range(row, 0, row, last, "", self._styles[style])
        self.raw.write_string(row, 0, text, self._styles[style])
        return row + 1

    def _heighten(self, row: int, text: str, width: float) -> None:
        """Make a row as high as its text needs; programs do not do so for merged cells."""
        lines = len(wrap(text, int(width / _TEXT_WIDTH)))
        self._lines[row] = max(self._lines.get(row, 1), lines)
        if self._lines[row] > 1:
            self.raw.set_row(row, min(400, _LINE_POINTS * self._lines[row]))

    def table(self, row: int, table: Table) -> int:
        """Write a table of text, its amounts as numbers; return the row after it."""
        for column, name in enumerate(table.headers):
            left = "header_beside" if column else "header"
            self.text(row, column, name, "header_right" if column in table.right else left)
        foot = row + 1 + len(table.rows) - table.foot
        for at, texts in enumerate(table.rows, row + 1):
            for column, text in enumerate(texts):
                amount = _amount(text) if column in table.right else None
                if amount is None:
                    usual = "right" if column in table.right else "beside" if column else "text"
                    self.text(at, column, text, "total_text" if at >= foot else usual)
                else:
                    signed = "signed_money" if text[0] in "+-" else "money"
                    usual = "over_money" if text.endswith(OVER) else signed
                    self.number(at, column, amount, "total_money" if at >= foot else usual)
        return row + 1 + len(table.rows)

    def table_page(self, header_row: int, frozen_columns: int) -> None:
        """Keep the header in sight, on the screen and on every printed page."""
        self.raw.freeze_panes(header_row + 1, frozen_columns)
        self.raw.repeat_rows(header_row)


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
    first, last = (cell(row, column, sheet) for row in rows)
    return f"{first}:{last.rpartition('!')[2]}"
