"""A workbook: its styles, sheets, charts and names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from io import BytesIO
from typing import Any

from kimi_planner.errors import MissingExtraError
from kimi_planner.report.xlsx.sheet import Sheet
from kimi_planner.safe import on_one_line

#: What the words of a style mean, joined by ``_``; of two that say the same, the last counts.
_PARTS: dict[str, dict[str, Any]] = {
    "text": {},
    "title": {"bold": True, "font_size": 16},
    "heading": {"bold": True, "font_size": 12, "font_color": "#1F4E79"},
    "header": {"bold": True, "bg_color": "#DCE8F3", "bottom": 1, "text_wrap": True},
    "strong": {"bold": True},
    "big": {"bold": True, "font_size": 14},
    "total": {"bold": True, "top": 1, "border_color": "#7F7F7F"},
    "sum": {"bg_color": "#F2F5F8"},
    "grey": {"font_color": "#6B6B6B"},
    "over": {"bg_color": "#FBE3E0", "font_color": "#9C1C12", "bold": True},
    "input": {"bg_color": "#FFF6D6", "font_color": "#0B3D91", "border": 1, "border_color": "#E0CF94"},
    "wrapped": {"text_wrap": True},
    "left": {"align": "left", "indent": 1},
    "right": {"align": "right"},
    "month": {"num_format": "yyyy-mm", "align": "left"},
    "date": {"num_format": "yyyy-mm-dd", "align": "left"},
    "whole": {"num_format": "#,##0"},
    "tenths": {"num_format": "#,##0.0"},
    "money": {"num_format": "#,##0.00"},
    "price": {"num_format": "#,##0.00####"},
    "factor": {"num_format": "0.000000"},
    "share": {"num_format": "0.0%"},
    "more": {"num_format": "+#,##0;-#,##0;0", "align": "right"},
    "change": {"num_format": "+#,##0.00;-#,##0.00;0.00", "align": "right"},
    # Neither 0% nor 100% is shown unless it is.
    "chance": {"num_format": '[=0]0%;[<0.001]"<0.1%";0.0%', "align": "right"},
    "sure": {"num_format": '[=1]100%;">99.9%"'},
    "least": {"num_format": '[=0]"at least "0%;[<0.001]"at least <0.1%";"at least "0.0%'},
    "surest": {"num_format": '"at least >99.9%"'},
    "fit": {"num_format": '[=1]100%;[>0.999]">99.9%";0.0%'},
}  # fmt: skip
_LINES: dict[str, dict[str, Any]] = {
    "P10": {"color": "#7AA5D2", "dash_type": "dash"}, "P50": {"color": "#1F4E79", "width": 2.25},
    "P90": {"color": "#7AA5D2", "dash_type": "dash"}, "budget": {"color": "#9C1C12"},
}  # fmt: skip


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
        self._formats: dict[str, Any] = {}

    def style(self, name: str) -> Any:
        """Return the format of a style: the parts of its name, one on the other."""
        if name not in self._formats:
            parts = {"font_name": "Calibri", "valign": "top"}
            for part in name.split("_"):
                parts |= _PARTS[part]
            self._formats[name] = self._book.add_format(parts)
        return self._formats[name]

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
        return Sheet(raw, self.style, self.define, widths)

    def chart(
        self, form: str, series: Iterable[tuple[str, str, str, Mapping[str, Any]]], title: str
    ) -> Any:
        """Return a chart of lines or stacked columns: name, categories, values and look of each."""
        kind = {"type": form} | ({"subtype": "stacked"} if form == "column" else {})
        chart = self._book.add_chart(kind)
        for name, categories, values, look in series:
            ranges = {"categories": f"={categories}", "values": f"={values}"}
            chart.add_series({"name": name, **ranges, **look})
        chart.set_title({"name": title, "name_font": {"size": 11}})
        lines = {"visible": True, "line": {"color": "#DDDDDD"}}
        chart.set_y_axis({"num_format": "#,##0", "major_gridlines": lines})
        chart.set_legend({"position": "bottom"} if form == "line" else {"none": True})
        chart.set_size({"width": 900, "height": 340})
        return chart

    def line_chart(
        self, series: Iterable[tuple[str, str, str]], title: str, days: str = "mm-dd"
    ) -> Any:
        """Return a chart of quantiles and budget: name, days and values of each."""
        shown = ((*one, {"line": {"width": 1.25} | _LINES.get(one[0], {})}) for one in series)
        chart = self.chart("line", shown, title)
        chart.set_x_axis({"num_format": days, "date_axis": True})
        return chart

    def define(self, name: str, place: str) -> None:
        """Give a cell a name for formulas."""
        self._book.define_name(name, f"={place}")

    def finished(self) -> bytes:
        """Return the bytes of the workbook; nothing can be added after that."""
        self._book.close()
        return self._bytes.getvalue()
