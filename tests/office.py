"""Workbooks in tests: where cells are, and LibreOffice as a calculator: changes of a workbook's cells, and what others are then."""

import io
import os
import shutil
import subprocess
from datetime import date

import openpyxl
import pytest
from openpyxl.utils import get_column_letter

#: Calculate every formula when a file is opened; and the profile is complete, with the macro below.
SETTINGS = """<?xml version="1.0"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode"
 oor:op="fuse"><value>0</value></prop></item>
<item oor:path="/org.openoffice.Setup/Office"><prop oor:name="ooSetupInstCompleted"
 oor:op="fuse"><value>true</value></prop></item></oor:items>"""
LIBRARIES = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE library:libraries PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "libraries.dtd">
<library:libraries xmlns:library="http://openoffice.org/2000/library"
 xmlns:xlink="http://www.w3.org/1999/xlink"><library:library library:name="Standard"
 library:link="false"/></library:libraries>"""
LIBRARY = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE library:library PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "library.dtd">
<library:library xmlns:library="http://openoffice.org/2000/library" library:name="Standard"
 library:readonly="false" library:passwordprotected="false">
<library:element library:name="Moves"/></library:library>"""
MODULE = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE script:module PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "module.dtd">
<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Moves"
 script:language="StarBasic">
Sub Main(moves As String, answers As String)
  Dim book, cell, entry, parts, options(0) As New com.sun.star.beans.PropertyValue
  options(0).Name = "Hidden" : options(0).Value = True
  Open moves For Input As #1
  Open answers For Output As #2
  Do While Not Eof(#1)
    Line Input #1, entry
    parts = Split(entry, Chr(9))
    Select Case parts(0)
    Case "open"
      book = StarDesktop.loadComponentFromURL(parts(1), "_blank", 0, options())
    Case "close"
      book.close(True)
    Case "calculate"
      book.calculateAll()
    Case Else
      cell = book.Sheets.getByName(parts(1)).getCellRangeByName(parts(2))
      Select Case parts(0)
      Case "number" : cell.Value = Val(parts(3))
      Case "formula" : cell.Formula = parts(3)
      Case "text" : cell.String = parts(3)
      Case "ask"
        If cell.Type = com.sun.star.table.CellContentType.TEXT Then
          Print #2, cell.String
        ElseIf cell.getError() &lt;&gt; 0 Then
          Print #2, "error " &amp; cell.getError()
        ElseIf cell.Type = com.sun.star.table.CellContentType.FORMULA And cell.FormulaResultType2 = 2 Then
          Print #2, cell.String
        Else
          Print #2, Str(cell.Value)
        End If
      End Select
    End Select
  Loop
  Close #1 : Close #2
End Sub
</script:module>"""


class Cells:
    """Where the cells of a workbook are, by what stands before and above them."""

    def __init__(self, content):
        self.book = openpyxl.load_workbook(io.BytesIO(content))

    def at(self, sheet, row, head, *, under=None):
        """Return the place right of a text in the first columns and below a head."""
        cells = self.book[sheet]
        row = row if isinstance(row, tuple) else (row,)
        heads = [
            (n, c) for n in range(1, cells.max_row + 1) for c in range(1, cells.max_column + 1)
            if cells.cell(n, c).value == head and (under is None or cells.cell(n, 1).value == under)
        ]  # fmt: skip
        first, column = heads[0]
        found = next(
            n for n in range(first + 1, cells.max_row + 1)
            if tuple(cells.cell(n, c).value for c in range(1, len(row) + 1)) == row
        )  # fmt: skip
        return sheet, f"{get_column_letter(column)}{found}"

    def price(self, model, meter):
        """Return the place of a price, or of a fee."""
        cells = self.book["Prices"]
        row = next(
            n for n in range(5, cells.max_row + 1)
            if (cells.cell(n, 1).value, cells.cell(n, 3).value) == (model, meter)
        )  # fmt: skip
        return "Prices", f"E{row}"

    def factor(self, name):
        """Return the place of a factor on everything."""
        cells = self.book["Assumptions"]
        return "Assumptions", f"B{next(n for n in range(1, 20) if cells.cell(n, 1).value == name)}"

    def formulas(self):
        """Return the place of every formula."""
        return [
            (sheet.title, cell.coordinate)
            for sheet in self.book for row in sheet.iter_rows() for cell in row
            if cell.data_type == "f"
        ]  # fmt: skip


def office():
    """Return the program, or skip the test where it is missing."""
    found = shutil.which("soffice") or shutil.which("libreoffice")
    if found is None:
        pytest.skip("no LibreOffice on this machine")
    return found


def printed(folder, books):
    """Return the text of each page that workbooks print, by their names, as it is laid out."""
    if shutil.which("pdftotext") is None:
        pytest.skip("no poppler on this machine")
    for name, content in books.items():
        (folder / f"{name}.xlsx").write_bytes(content)
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    files = [str(folder / f"{name}.xlsx") for name in books]
    command = [office(), profile, "--headless", "--convert-to", "pdf", "--outdir", str(folder)]
    subprocess.run([*command, *files], check=True, capture_output=True, timeout=240)
    return {name: _pages(folder / f"{name}.pdf") for name in books}


def _pages(path):
    shown = subprocess.run(
        ["pdftotext", "-layout", str(path), "-"], check=True, capture_output=True, timeout=60
    )
    return shown.stdout.decode().split("\f")[:-1]


def answered(folder, books, asks, moves):
    """Change cells of workbooks and return what others are then.

    Parameters
    ----------
    folder : Path
        Where to work.
    books : dict of str to bytes
        Workbooks by name.
    asks : dict of str to list of (sheet, cell)
        What to read of each.
    moves : dict of str to list of dict
        For each workbook, the changes to try one after the other: (sheet, cell) to a number, a text,
        a day or ``None`` for an empty cell. Each starts from the workbook as it was.

    Returns
    -------
    dict of str to list of list
        The answers of each try: numbers, or text.
    """
    program = office()
    profile = folder / "profile" / "user"
    called = [program, f"-env:UserInstallation={profile.parent.as_uri()}", "--headless"]

    def run(*arguments):
        environment = {**os.environ, "HOME": str(folder)}
        subprocess.run(
            [*called, *arguments], check=True, capture_output=True, timeout=240, env=environment
        )

    (profile / "basic" / "Standard").mkdir(parents=True)
    (profile / "registrymodifications.xcu").write_text(SETTINGS, encoding="utf-8")
    (profile / "basic" / "script.xlc").write_text(LIBRARIES, encoding="utf-8")
    (profile / "basic" / "Standard" / "script.xlb").write_text(LIBRARY, encoding="utf-8")
    (profile / "basic" / "Standard" / "Moves.xba").write_text(MODULE, encoding="utf-8")
    script = []
    for name, content in books.items():
        path = folder / f"{name}.xlsx"
        path.write_bytes(content)
        script.append(f"open\t{path.as_uri()}")
        before = _contents(path)
        for changes in moves[name]:
            script += [_written(place, value) for place, value in changes.items()]
            script.append("calculate")
            script += [f"ask\t{sheet}\t{cell}" for sheet, cell in asks[name]]
            script += [_written(place, before(place)) for place in changes]
        script.append("close")
    (folder / "moves").write_text("\n".join(script) + "\n", encoding="utf-8")
    macro = f'macro:///Standard.Moves.Main("{folder / "moves"}","{folder / "answers"}")'
    run("--norestore", macro)
    lines = iter((folder / "answers").read_text(encoding="utf-8").splitlines())
    return {
        name: [[_value(next(lines)) for _ in asks[name]] for _ in moves[name]] for name in books
    }


def _contents(path):
    """Return what tells the content of a cell of a workbook: a value, or a formula."""
    book = openpyxl.load_workbook(path)
    return lambda place: book[place[0]][place[1]].value


def _written(place, value):
    sheet, cell = place
    if isinstance(value, date):
        value = (date(value.year, value.month, value.day) - date(1899, 12, 30)).days
    if value is None:
        return f"formula\t{sheet}\t{cell}\t"
    if isinstance(value, str):
        form = "formula" if value.startswith("=") else "text"
        return f"{form}\t{sheet}\t{cell}\t{value}"
    return f"number\t{sheet}\t{cell}\t{float(value)!r}"


def _value(line):
    try:
        return float(line)
    except ValueError:
        return line
