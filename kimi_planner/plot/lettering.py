"""The words around axes, written for the place that these have at the moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.text import Annotation
from matplotlib.transforms import ScaledTranslation

from kimi_planner.plot.layout import (
    apart,
    cell_of,
    fit_axes,
    key_above,
    margins_of,
    points,
    root_of,
    rows_of,
    shared_out,
    size_of,
    wrapped,
)
from kimi_planner.plot.room import Room
from kimi_planner.plot.style import HEAD, SMALL, TEXT, TINY, families
from kimi_planner.plot.theme import Theme
from kimi_planner.plot.words import literal, resting, short

_GAP = 6.0  # points between the axes and their words
_KEY = 40.0  # points of a sign in a key, and of wide letters
_FULL = 0.9  # of a line: letters are not all of one width
_SIGNS = 4  # in a brief key
_LIMIT = 13.0  # points of a row of names of limits
_LEAST_ROWS = 3  # that axes have room for: a single bar is no wall
_INNER = 0.3  # of the width, at least, for what is drawn
_LEAST_WIDTH = 90.0  # points of a title
_NARROW = 360.0  # points, below which title and caption are set smaller


@dataclass(frozen=True)
class Beside:
    """A text to the right of the axes, at a height in data."""

    text: str
    y: float
    color: str
    is_bold: bool = False


@dataclass(frozen=True)
class Limit:
    """The name of an upright line, at its place in data."""

    text: str
    x: float
    color: str


@dataclass
class Words:
    """All that is to be written around axes, as `Canvas` takes it."""

    topic: str = ""
    answer: str = ""
    caption: str | None = None
    lead: str = ""
    notes: list[str] = field(default_factory=list)
    provenance: str = ""
    key: Sequence[tuple[str, Artist]] = ()
    names: list[str] = field(default_factory=list)
    pitch: float = 0.0
    beside: list[Beside] = field(default_factory=list)
    limits: list[Limit] = field(default_factory=list)
    xlabel: str = ""
    ylabel: str = ""


class Lettering:
    """Words, and the axes that they are written around.

    Attributes
    ----------
    slot
        What axes in no grid were given, as a share of their figure.
    is_own
        Whether the figure is the picture's own, and may grow.
    room
        How large words are, and how many of them there are.
    left
        Height that the words leave to the axes, points.
    """

    def __init__(
        self,
        ax: Axes,
        words: Words,
        theme: Theme,
        *,
        is_own: bool,
        redraw: Callable[[], None] | None,
    ) -> None:
        self.ax, self.words, self.is_own = ax, words, is_own
        self.slot = ax.get_position(original=True)
        self.room, self.left = Room(len(words.names)), 0.0
        self._theme, self._redraw = theme, redraw
        self._written: list[Any] = []
        self._row = 0.0  # points that a row needs
        self._margins = (0.0, 0.0, 0.0)  # points beyond the axes: to the left, right and below

    def write(self) -> None:
        """Write all words for the place that the axes have now."""
        for artist in self._written:
            artist.remove()
        self._written = []
        left = self._margins[0]
        fit_axes(self.ax, self.words.xlabel, self.words.ylabel, left, self._reach())
        self._write_sides(left)
        self._measure()
        self._write_around()
        if self._redraw is not None:
            self._redraw()

    def _write_sides(self, ticks: float) -> None:
        """Write names of rows and amounts, broken where the axes would be too narrow."""
        ax, names, scale = self.ax, self.words.names, self.room.scale
        name_size, side_size = TEXT * scale, SMALL * scale
        shown = names[: self.room.rows]
        sides = [one for one in self.words.beside if not names or one.y < len(shown)]
        room = (1 - _INNER) * self.cell()[0] - 3 * _GAP - (0.0 if names else ticks)
        left, right = shared_out(
            room,
            1.1 * max((size_of(ax, name, fontsize=name_size)[0] for name in names), default=0.0),
            1.1 * max((size_of(ax, one.text, fontsize=side_size)[0] for one in sides), default=0.0),
        )
        broken = [wrapped(ax, name, left, fontsize=name_size) for name in shown]
        if names:
            ax.set_yticks(range(len(broken)), labels=[literal(name) for name in broken])
            spare = max(0, _LEAST_ROWS - len(names)) / 2
            ax.set_ylim(len(broken) - 0.5 + spare, -0.5 - spare)
            for tick in ax.get_yticklabels():
                tick.set(fontfamily=list(families()), fontsize=name_size)
        texts = [wrapped(ax, one.text, right, fontsize=side_size) for one in sides]
        heights = [size_of(ax, text, fontsize=side_size)[1] for text in texts]
        named = [size_of(ax, name, fontsize=name_size)[1] for name in broken]
        self._row = max([self.words.pitch * scale, *(high + 4 for high in [*heights, *named])])
        levels = [one.y for one in sides]
        if not names and texts:
            inner, to = ax.get_window_extent(), ax.transData
            pixels = [float(to.transform((0, y))[1]) for y in levels]
            gap = (max(heights) + 2) / points(ax)
            moved = apart(pixels, gap, inner.y0, inner.y1)
            levels = [float(to.inverted().transform((inner.x0, at))[1]) for at in moved]
        for text, one, level in zip(texts, sides, levels, strict=True):
            self._write(
                text,
                (1, level),
                (8, 0),
                xycoords=("axes fraction", "data"),
                va="center",
                fontsize=side_size,
                color=one.color,
                weight="bold" if one.is_bold else "normal",
            )

    def _write_around(self) -> None:
        """Write the names of limits, the key, the title and the caption."""
        ax, width, (left, _, bottom) = self.ax, self._reach(), self._margins
        small = 1.0 if self.cell()[0] > _NARROW else 0.85
        above = _GAP + _LIMIT * self._write_limits(left, width)
        if self.words.key:
            font = {"fontsize": SMALL, "labelcolor": self._theme.ink}
            room = width - _KEY
            key = [(self._line(name, room, fontsize=SMALL), sign) for name, sign in self._signs()]
            above += key_above(ax, key, (left, above), width, **font) + _GAP
        start = ScaledTranslation(-left / 72, 0, root_of(ax).dpi_scale_trans)
        head: dict[str, Any] = {"fontsize": HEAD * small, "weight": "bold"}
        topic = self._line(self.words.topic, 2 * _FULL * width, **head)
        text = wrapped(ax, f"{topic}\n{self.words.answer}".strip("\n"), width, **head)
        look: dict[str, Any] = {**head, "color": self._theme.ink}
        title = ax.set_title(literal(text), loc="left", pad=above + 2, **look)
        title.set_transform(title.get_transform() + start)
        around = above + 2 + size_of(ax, text, **head)[1] + bottom
        if caption := self._caption():
            tiny = {"fontsize": TINY * small}
            text = wrapped(ax, caption, width, **tiny)
            look = {"xycoords": "axes fraction", "va": "top", "color": self._theme.muted, **tiny}
            self._write(text, (0, 0), (-left, -bottom - _GAP - 1), **look)
            around += _GAP + 1 + size_of(ax, text, **tiny)[1]
        self.left = self.cell()[1] - around

    def _signs(self) -> Sequence[tuple[str, Artist]]:
        return self.words.key[:_SIGNS] if self.room.is_brief else self.words.key

    def _line(self, text: str, width: float, **font: Any) -> str:
        """Return a text, its middle left out if words are to be brief and it is longer."""
        wide = size_of(self.ax, text, **font)[0]
        if not self.room.is_brief or wide <= width:
            return text
        return short(text, int(len(text) * width / wide))

    def _write_limits(self, left: float, width: float) -> int:
        """Write names of upright limits in rows in which they do not overlap; return how many."""
        ax, inner = self.ax, self.ax.get_window_extent()
        starts, ends = [], []
        limits = sorted(self.words.limits, key=lambda one: one.x)
        for one in limits:
            wide = size_of(ax, one.text, fontsize=SMALL)[0]
            at = float(ax.transData.transform((one.x, 0))[0] - inner.x0) * points(ax)
            starts.append(max(-left, min(at - wide / 2, width - left - wide)))
            ends.append(starts[-1] + wide)
        rows = rows_of(list(zip(starts, ends, strict=True)), _GAP)
        look: dict[str, Any] = {"xycoords": "axes fraction", "va": "bottom", "fontsize": SMALL}
        for row, start, one in zip(rows, starts, limits, strict=True):
            self._write(one.text, (0, 1), (start, 3 + _LIMIT * row), color=one.color, **look)
        return max(rows, default=-1) + 1

    def _caption(self) -> str:
        words, missing = self.words, ""
        if hidden := len(words.names) - self.room.rows:
            missing = f"{hidden} of {len(words.names)} rows do not fit here; taller axes show them."
        if hidden := len(words.key) - len(self._signs()):
            missing = f"{hidden} of {len(words.key)} lines are not named; taller axes name them."
        below = words.caption
        if below is None:
            provenance = "" if self.room.is_bare else words.provenance
            rest = resting(words.notes, provenance, self.room.note_chars)
            below = " ".join(filter(None, (words.lead, rest)))
        return " ".join(filter(None, (missing, below))).strip()

    def _write(
        self, text: str, at: tuple[float, float], offset: tuple[float, float], **look: Any
    ) -> None:
        self._written.append(
            self.ax.annotate(
                literal(text),
                at,
                xytext=offset,
                textcoords="offset points",
                annotation_clip=False,
                ha="left",
                **look,
            )
        )

    def _measure(self) -> None:
        beside: list[Annotation] = [one for one in self._written if one.xy[0] == 1]
        self._margins = margins_of(self.ax, beside)

    def _reach(self) -> float:
        """Return how wide the axes are with names and amounts: titles must not make them narrower."""
        inner, (left, right, _) = self.ax.get_window_extent(), self._margins
        return max(_LEAST_WIDTH, min(self.cell()[0], left + inner.width * points(self.ax) + right))

    def cell(self) -> tuple[float, float]:
        """Return the width and height of the place that the axes have in their figure, points."""
        return cell_of(self.ax, self.slot)

    def need(self) -> float:
        """Return the height that the rows shown need, points; 0 without rows."""
        return self.room.rows * self._row

    def tighten(self, have: float) -> bool:
        """Take one step to smaller and fewer words if axes of a height are too low for them."""
        return self.room.tighten(have, self.need(), self.cell()[1])

    def is_there(self) -> bool:
        """Tell whether the axes still hold the words, and were not cleared."""
        return not self._written or self._written[-1] in self.ax.texts

    def geometry(self) -> tuple[int, ...]:
        """Measure all that the places of words depend on, in whole pixels."""
        self._measure()
        return tuple(map(round, (*self.ax.get_window_extent().extents, *self._margins)))
