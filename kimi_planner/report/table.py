"""What a report is made of: tables of text, and sections that hold them, the same for every form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from kimi_planner.money import signed_usd, usd
from kimi_planner.safe import on_one_line
from kimi_planner.workload.fields import MAX_NAME_CHARS

_WIDEST = 14  # columns that can still be read beside each other
#: Stands after an amount that is above its budget.
OVER = "!"


@dataclass(frozen=True)
class Table:
    """Headers and rows of text; ``right`` holds the columns to align right.

    ``title`` says what the rows are where the text around them does not, and the last ``foot`` rows
    are sums of those above, ``is_upright`` whether rows and columns are exchanged. Every cell is on one line, cut where it is very long, and shows what cannot be seen in it.
    """

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: frozenset[int] = frozenset()
    title: str = ""
    foot: int = 0
    is_upright: bool = False

    def __post_init__(self) -> None:
        rows = tuple(tuple(map(on_one_line, row)) for row in self.rows)
        object.__setattr__(self, "headers", tuple(map(on_one_line, self.headers)))
        object.__setattr__(self, "rows", rows)

    @property
    def narrow(self) -> Table:
        """The same for a page or a terminal: upright where it is too wide for them."""
        return self.upright if len(self.headers) > _WIDEST else self

    @property
    def upright(self) -> Table:
        """The same with rows and columns exchanged where that makes it narrower; else as it is.

        Examples
        --------
        >>> Table(("w", "1", "2", "3"), (("a", "4", "5", "6"),), frozenset({1, 2, 3})).upright.rows
        (('1', '4'), ('2', '5'), ('3', '6'))
        """
        if len(self.rows) + 1 >= len(self.headers):
            return self
        headers, *rows = zip(self.headers, *self.rows, strict=True)
        right = frozenset(range(1, len(headers)))
        return Table(headers, tuple(rows), right, title=self.title, is_upright=True)


def steps_table(
    step: str,
    names: Iterable[str],
    rows: Mapping[str, Iterable[Decimal]],
    ends: Sequence[str],
    title: str,
) -> Table:
    """Return the steps from one amount to another, the names of which are given, for each of several."""
    cells = tuple(
        (
            name.removesuffix("_usd").replace("_", " "),
            *(usd(one) if name in ends else signed_usd(one) for one in amounts),
        )
        for name, amounts in rows.items()
    )
    headers = (step, *map(name_text, names))
    return Table(headers, cells, frozenset(range(1, len(headers))), title=title, foot=1)


@dataclass(frozen=True)
class Section:
    """A part of a report.

    Attributes
    ----------
    title, sentences, tables
        What people read.
    drawn
        Results, each after the name of the function of `plot` that draws it.
    data
        The same as plain data, by key of the JSON form.
    """

    title: str
    sentences: tuple[str, ...]
    tables: tuple[Table, ...]
    drawn: tuple[tuple[str, Any], ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)


def name_text(name: str) -> str:
    """Return a name that an earlier report or a log has, as long as one of a workload may be."""
    return on_one_line(name, MAX_NAME_CHARS)
