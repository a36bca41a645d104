"""A small table in a CSV file, as a program or a spreadsheet of any country saves one."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

from kimi_planner.errors import FileError, KimiPlannerError, Where
from kimi_planner.limits import LINE_BYTES

_SIGNS = ",;\t"


class CsvTable:
    r"""The rows of a CSV file by the names of its columns, each with its line.

    Which sign parts the cells is told by the first line; ``sep=;`` may stand above it. Rows without a
    cell that is filled are blank lines, and cells without one that stand beyond the columns are none.

    Parameters
    ----------
    text : str
        What the file holds.
    path : str or Path
        Its name.
    fault : type
        The error that is raised.

    Attributes
    ----------
    columns : tuple of str
        Empty if the file is.
    sign : str
        What parts the cells.

    Raises
    ------
    FileError
        Or another ``fault``, if it is not CSV, or a row has not as many cells as the header.

    Examples
    --------
    >>> table = CsvTable("sep=;\na;b\n1;2\n;\n", "t.csv")
    >>> table.columns, [row for _, row in table]
    (('a', 'b'), [{'a': '1', 'b': '2'}])
    """

    def __init__(
        self, text: str, path: str | Path, fault: type[KimiPlannerError] = FileError
    ) -> None:
        self._path, self._fault = path, fault
        start = re.match(r"[\r\n]*(?:sep=.?[\r\n]+)?\s*", text)
        top = re.split(r"[\r\n]", text[start.end() if start else 0 :], maxsplit=1)[0]
        self.sign = max(_SIGNS, key=top.count)
        self._rows = self._filled(text, skipped=1 if text.lstrip("\r\n")[:4] == "sep=" else 0)
        _, header = next(self._rows, (None, []))
        while header and not header[-1].strip():
            header.pop()
        self.columns = tuple(name.strip() for name in header)

    def __iter__(self) -> Iterator[tuple[Where, dict[str, str]]]:
        """Yield each row that is left."""
        number = len(self.columns)
        for where, cells in self._rows:
            if len(cells) < number or any(cell.strip() for cell in cells[number:]):
                problem = f"{len(cells)} fields where the header has {number}. Correct the row."
                raise self._fault(problem, at=where)
            yield where, dict(zip(self.columns, cells, strict=False))

    def _filled(self, text: str, skipped: int) -> Iterator[tuple[Where, list[str]]]:
        csv.field_size_limit(min(sys.maxsize, LINE_BYTES))
        reader = csv.reader(StringIO(text, newline=""), delimiter=self.sign, strict=True)
        line = 1
        try:
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    if not skipped:
                        yield Where(self._path, line), cells
                    skipped = 0
                line = reader.line_num + 1
        except csv.Error as error:
            raise self._fault(f"not CSV ({error}).", at=Where(self._path, line)) from None
