"""What of a workbook goes on paper: wide sheets are cut, so that letters stay readable."""

import io
import re
import zipfile
from datetime import date
from itertools import combinations

import pytest

from kimi_planner.report.xlsx.book import Book

#: Of A4 across without the margins, inches, and of a digit of DejaVu Sans at eleven points, pixels of 1/96.
ACROSS, DIGIT = 11.69 - 2 * 0.5, 9.0


def areas(widths, last, frozen):
    """Return the columns of each page that a sheet of some widths prints, and those on every page."""
    book = Book("Title", date(2026, 11, 28), "")
    sheet = book.sheet("Wide", widths)
    sheet.page((9, last), 3, frozen)
    with zipfile.ZipFile(io.BytesIO(book.finished())) as made:
        names = made.read("xl/workbook.xml").decode()
    printed = re.search(r"Print_Area[^>]*>([^<]+)<", names)[1]
    found = re.findall(r"\$([A-Z]+)\$\d+:\$([A-Z]+)\$\d+", printed)
    number = {chr(65 + at): at for at in range(26)}
    repeated = re.search(r"Print_Titles[^>]*>([^<]+)<", names)[1]
    kept = re.search(r"\$([A-Z]):\$([A-Z])", repeated)
    return [range(number[a], number[b] + 1) for a, b in found], number[kept[2]] + 1 if kept else 0


@pytest.mark.parametrize(
    ("widths", "frozen"), [([20] * 5, 1), ([20] * 20, 2), ([30, 25, *[12] * 20], 2), ([110], 0)]
)
def test_every_page_can_be_read(widths, frozen):
    """Fitted to the width of a page, eleven points are seven or more, names being on each page."""
    pages, kept = areas(widths, len(widths) - 1, frozen)
    assert [column for page in pages for column in page] == [*range(len(widths))]
    for place, page in enumerate(pages):
        columns = [*(range(kept) if place else ()), *page]
        inches = sum(DIGIT * widths[one] + 5 for one in columns) / 96
        assert 11 * min(1, ACROSS / inches) >= 7
    assert kept == (frozen if len(pages) > 1 else 0)
    assert (len(pages) > 1) == (sum(widths) > 172)


@pytest.mark.parametrize(
    ("widths", "frozen"), [([28, 25, *[16] * 9], 2), ([20] * 20, 2), ([22, *[12.5] * 14, 30], 1)]
)
def test_no_column_has_a_page_for_itself(widths, frozen):
    """Of as many pages, the widest is as narrow as the best of all ways to cut the sheet, to a hundredth."""
    pages, _ = areas(widths, len(widths) - 1, frozen)

    def widest(cuts):
        ends = zip((0, *cuts), (*cuts, len(widths)), strict=True)
        kept = sum(DIGIT * one + 6.5 for one in widths[:frozen])
        return max(
            kept * (first > 0) + sum(DIGIT * one + 6.5 for one in widths[first:end])
            for first, end in ends
        )

    every = combinations(range(frozen + 1, len(widths)), len(pages) - 1)
    assert widest([page.start for page in pages[1:]]) <= min(map(widest, every)) + 16.13
