"""Text of others made harmless where it is shown: on a line, in a CSV cell, in a spreadsheet."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from kimi_planner.limits import ERROR_CHARS

if TYPE_CHECKING:
    import pandas as pd


#: Most characters of a text of others on a line of a report.
MAX_LINE_CHARS = 2_000
#: Most characters that a cell of a spreadsheet can hold.
MAX_CELL_CHARS = 32_767

# Controls but tab and line ends; marks that have no width or turn the direction of writing; halves
# of characters. The two joiners stay: Persian and pictures of families need them.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
# Some spreadsheets take the full-width signs of East Asia for the others.
_FORMULA = re.compile(r"'*\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")


def on_one_line(text: str, limit: int = MAX_LINE_CHARS) -> str:
    r"""Return text on one line, what cannot be seen in it as escapes, cut to ``limit`` characters.

    Examples
    --------
    >>> on_one_line("a\u202eb\n c")
    'a\\u202eb c'
    """
    return _cut(_line(text[: 4 * limit]), limit)  # first the faster step: an escape only lengthens


def error_line(text: str) -> str:
    r"""Return an error on one line of `ERROR_CHARS`: its start says where, its end what to do.

    Examples
    --------
    >>> error_line("a.csv: \x1b[2J is bad.")
    'a.csv: \\x1b[2J is bad.'
    """
    line = _line(text if len(text) <= 4 * ERROR_CHARS else text[:ERROR_CHARS] + text[-ERROR_CHARS:])
    end = ERROR_CHARS // 3
    return line if len(line) <= ERROR_CHARS else f"{line[: ERROR_CHARS - end - 3]} … {line[-end:]}"


def csv_cell(text: str) -> str:
    """Return the text as a CSV cell that no spreadsheet takes for a formula.

    What begins as a formula, after any white space, is led by an apostrophe; so is what begins with
    an apostrophe and goes on as a formula, so that `as_written` undoes nothing but this.

    Examples
    --------
    >>> csv_cell("=1+1")
    "'=1+1"
    """
    text = _cut(visible(text[:MAX_CELL_CHARS]), MAX_CELL_CHARS - 1)
    return f"'{text}" if _FORMULA.match(text) else text


def as_written(cell: str) -> str:
    """Return the text that `csv_cell` made a cell of.

    Examples
    --------
    >>> as_written("'=1+1"), as_written("'quoted'")
    ('=1+1', "'quoted'")
    """
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell[1:]) else cell


def csv_text(frame: pd.DataFrame) -> str:
    """Return a frame as CSV; text cells and headers are harmless, numbers as they are."""

    def harmless(value: Any) -> Any:
        return csv_cell(value) if isinstance(value, str) else value

    harmless_frame = frame.copy(deep=False)
    for place, dtype in enumerate(frame.dtypes):
        if dtype.kind not in "biufmM":
            column = [harmless(one) for one in frame.iloc[:, place]]
            harmless_frame.isetitem(place, column)
    harmless_frame.columns = [harmless(name) for name in frame.columns]
    text: str = harmless_frame.to_csv(index=False, lineterminator="\n")
    return text


def _line(text: str) -> str:
    return visible(re.sub(r"[\t\r\n ]*[\t\r\n][\t\r\n ]*", " ", text))


def visible(text: str) -> str:
    """Return text with what cannot be seen in it as escapes; lines and tabs stay."""
    return _UNSEEN.sub(lambda found: _escape(ord(found[0])), text)


def _escape(code: int) -> str:
    return (
        f"\\x{code:02x}"
        if code < 0x100
        else f"\\u{code:04x}"
        if code < 0x10000
        else f"\\U{code:08x}"
    )


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
