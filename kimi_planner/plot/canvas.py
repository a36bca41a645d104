"""Where a picture is drawn, and the words around it: none is cut off, none lies on another.

No word stands inside the axes, so that none lies on what is drawn: names of rows are to the left,
amounts and names of lines to the right, names of upright limits and what colours mean above.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.transforms import ScaledTranslation

from kimi_planner.errors import ScenarioError
from kimi_planner.plot.layout import (
    apart,
    cell_of,
    fit_axes,
    key_above,
    margins_of,
    place_within,
    points,
    root_of,
    rows_of,
    shared_out,
    size_of,
    wrapped,
)
from kimi_planner.plot.style import HEAD, HEIGHT, SMALL, TEXT, TINY, WIDTH, families
from kimi_planner.plot.theme import Theme
from kimi_planner.plot.words import distinct, literal, resting

__all__ = ["Canvas"]

_GAP = 6.0  # points between the axes and their words
_LIMIT = 13.0  # points of a row of names of limits
_LINES_HIGH = 190.0  # points of axes of their own figure that have no rows
_LEAST_ROWS = 3  # that axes have room for: a single bar is no wall
_FEW = 6  # rows that a figure of the usual height holds well; with fewer it is lower
_INNER = 0.3  # of the width, at least, for what is drawn
_TALL = 0.35  # of the height
_LEAST_WIDTH = 90.0  # points of a title
_NARROW = 360.0  # points, below which title and caption are set smaller
_SIZES = (1.0, 0.92, 0.84, 0.76, 0.68)  # of words beside rows, until these fit
_NOTE_CHARS = (330, 120, 0)  # of notes in the caption, until what is drawn has its height
_ROUNDS = 12
_KEPT = "_kimi_planner"  # where axes keep their picture: one that joins a figure moves the others


@dataclass(frozen=True)
class _Side:
    """A text to the right of the axes, at a height in data."""

    text: str
    y: float
    look: dict[str, Any]


class Canvas:
    """Axes with their colours, and the words that are to stand around them.

    Parameters
    ----------
    ax
        Where to draw; a new figure if not given, which grows with its rows.
    title, caption
        In place of the picture's own; empty for none.
    labels
        Whether numbers are written beside what is drawn.

    Attributes
    ----------
    theme
        The colours inside the axes.
    slot
        What axes in no grid were given, as a share of their figure.
    redraw
        Called when the axes have their size: what depends on it is drawn there.
    """

    def __init__(
        self,
        *,
        ax: Axes | None = None,
        title: str | None = None,
        caption: str | None = None,
        labels: bool = True,
    ) -> None:
        if ax is not None and not isinstance(ax, Axes):
            raise ScenarioError(
                f"ax is of type {type(ax).__name__}. Give one Axes, such as plt.subplots()[1]."
            )
        self._is_own = ax is None
        if ax is None:
            figure = plt.figure(figsize=(WIDTH, HEIGHT), layout="constrained")
            ax = figure.add_subplot()
        elif root_of(ax).get_layout_engine() is None and ax.get_subplotspec() is not None:
            # What `plt.tight_layout` sets too; it cannot place subfigures.
            is_plain = not root_of(ax).subfigs
            root_of(ax).set_layout_engine("tight" if is_plain else "constrained")
        self.ax = ax
        self.theme, self._around = Theme.of(ax)
        self.slot = ax.get_position(original=True)
        self._title, self._caption, self._has_labels = title, caption, labels
        self._names: list[str] = []
        self._pitch = 0.0  # points between rows, at least
        self._sides: list[_Side] = []
        self._limits: list[tuple[str, float, str]] = []
        self._written: list[Any] = []
        self.relax()
        self.redraw: Callable[[], None] | None = None
        for name in ("left", "bottom"):
            ax.spines[name].set_color(self._around.muted)
        ax.spines[["right", "top"]].set_visible(False)
        for axis in (ax.xaxis, ax.yaxis):
            axis.label.set(size=TEXT, color=self._around.ink, family=list(families()))
            axis.set_tick_params(
                which="both", labelsize=TEXT, labelcolor=self._around.ink, color=self._around.muted
            )

    def rows(self, names: Iterable[str], *, pitch: float = 17.0) -> None:
        """Name the rows from top to bottom; names stay different however long they are."""
        self._names, self._pitch = distinct(names), pitch

    def beside(self, text: str, y: float, *, is_bold: bool = False) -> None:
        """Write an amount to the right of the axes, at a height in data."""
        if self._has_labels:
            self._sides.append(_Side(text, y, {"weight": "bold"} if is_bold else {}))

    def limit(
        self, text: str, value: float, *, is_upright: bool = True, color: str | None = None
    ) -> None:
        """Draw a limit across the axes, named above them or to their right."""
        inside, around = (
            color or self.theme.budget,
            self._around.ink if color else self._around.budget,
        )
        draw = self.ax.axvline if is_upright else self.ax.axhline
        draw(value, color=inside, linestyle="--", linewidth=1.5, zorder=3)
        if is_upright:
            self._limits.append((text, value, around))
        else:
            self._sides.append(_Side(text, value, {"color": around}))

    def finish(
        self,
        title: str,
        lead: str,
        words: str,
        *,
        notes: Iterable[str] = (),
        provenance: str = "",
        key: Sequence[tuple[str, Artist]] = (),
    ) -> Axes:
        """Write all words where they fit, and return the axes.

        Parameters
        ----------
        title
            The answer, above.
        lead, notes, provenance
            What is drawn, what it rests on, and the catalog and seed, below. Where there is little
            room, notes are counted and not written.
        words
            What :func:`alt_text` returns.
        key
            What colours and signs mean.
        """
        ax = self.ax
        self._title = title if self._title is None else self._title
        self._below = (lead, list(notes), provenance)
        self._key = key
        self._labels_of_axes = ax.get_xlabel(), ax.get_ylabel()
        ax.set_label(words)
        if self._names:
            ax.set_axisbelow(True)
            ax.grid(axis="y", color=self.theme.muted, alpha=0.2, linewidth=0.5)
            if self._is_own:
                low = min(len(self._names), _FEW) / _FEW
                root_of(ax).set_figheight(HEIGHT * (0.6 + 0.4 * low))
        vars(ax)[_KEPT] = self
        _arrange(root_of(ax))
        return ax

    def relax(self) -> None:
        """Begin anew with words in full size."""
        self._size = self._note_size = 0
        self._rows_shown = len(self._names)

    def write(self) -> None:
        """Write all words for the place that the axes have now."""
        for artist in self._written:
            artist.remove()
        self._written = []
        fit_axes(self.ax, *self._labels_of_axes, self._margins()[0], self._reach())
        self._write_sides()
        self._write_around()
        if self.redraw is not None:
            self.redraw()

    def _write_sides(self) -> None:
        """Write names of rows and amounts, broken where the axes would be too narrow."""
        ax, scale = self.ax, _SIZES[self._size]
        name_size, side_size = TEXT * scale, SMALL * scale
        ticks = 0.0 if self._names else self._margins()[0]
        room = (1 - _INNER) * self._width() - 3 * _GAP - ticks
        wide = max((size_of(ax, one, fontsize=name_size)[0] for one in self._names), default=0.0)
        far = max(
            (size_of(ax, one.text, fontsize=side_size)[0] for one in self._sides), default=0.0
        )
        left, right = shared_out(room, 1.1 * wide, 1.1 * far)
        shown = self._names[: self._rows_shown]
        names = [wrapped(ax, one, left, fontsize=name_size) for one in shown]
        if self._names:
            ax.set_yticks(range(len(names)), labels=[literal(one) for one in names])
            spare = max(0, _LEAST_ROWS - len(names)) / 2
            ax.set_ylim(len(names) - 0.5 + spare, -0.5 - spare)
            for tick in ax.get_yticklabels():
                tick.set(fontfamily=list(families()), fontsize=name_size)
        sides = [one for one in self._sides if not self._names or one.y < len(names)]
        texts = [wrapped(ax, one.text, right, fontsize=side_size) for one in sides]
        heights = [size_of(ax, one, fontsize=side_size)[1] for one in texts]
        named = [size_of(ax, one, fontsize=name_size)[1] for one in names]
        self._row = max([self._pitch * scale, *(one + 4 for one in [*heights, *named])])
        levels = [one.y for one in sides]
        if not self._names and texts:
            inner, to = ax.get_window_extent(), ax.transData
            pixels = [float(to.transform((0, y))[1]) for y in levels]
            gap = (max(heights) + 2) / points(ax)
            moved = apart(pixels, gap, inner.y0, inner.y1)
            levels = [float(to.inverted().transform((inner.x0, one))[1]) for one in moved]
        for text, side, level in zip(texts, sides, levels, strict=True):
            self._write(
                text,
                (1, level),
                (8, 0),
                xycoords=("axes fraction", "data"),
                va="center",
                fontsize=side_size,
                **{"color": self._around.ink, **side.look},
            )

    def _write_around(self) -> None:
        """Write the names of limits, the key, the title and the caption."""
        ax, width = self.ax, self._reach()
        left, _, bottom = self._margins()
        small = 1.0 if self._width() > _NARROW else 0.85
        above = _GAP + _LIMIT * self._write_limits(left, width)
        if self._key:
            font = {"fontsize": SMALL, "labelcolor": self._around.ink}
            above += key_above(ax, self._key, (left, above), width, **font) + _GAP
        start = ScaledTranslation(-left / 72, 0, root_of(ax).dpi_scale_trans)
        title = ax.set_title(
            literal(wrapped(ax, self._title or "", width, fontsize=HEAD * small, weight="bold")),
            loc="left",
            pad=above + 2,
            fontsize=HEAD * small,
            weight="bold",
            color=self._around.ink,
        )
        title.set_transform(title.get_transform() + start)
        if caption := self._caption_text():
            self._write(
                wrapped(ax, caption, width, fontsize=TINY * small),
                (0, 0),
                (-left, -bottom - _GAP - 1),
                xycoords="axes fraction",
                va="top",
                fontsize=TINY * small,
                color=self._around.muted,
            )

    def _write_limits(self, left: float, width: float) -> int:
        """Write names of upright limits in rows in which they do not overlap; return how many."""
        ax, inner = self.ax, self.ax.get_window_extent()
        placed = []
        for text, value, color in sorted(self._limits, key=lambda one: one[1]):
            wide = size_of(ax, text, fontsize=SMALL)[0]
            at = float(ax.transData.transform((value, 0))[0] - inner.x0) * points(ax)
            start = max(-left, min(at - wide / 2, width - left - wide))
            placed.append((start, start + wide, text, color))
        rows = rows_of([(start, end) for start, end, _, _ in placed], _GAP)
        look: dict[str, Any] = {"xycoords": "axes fraction", "va": "bottom", "fontsize": SMALL}
        for row, (start, _, text, color) in zip(rows, placed, strict=True):
            self._write(text, (0, 1), (start, 3 + _LIMIT * row), color=color, **look)
        return max(rows, default=-1) + 1

    def _caption_text(self) -> str:
        lead, notes, provenance = self._below
        hidden = len(self._names) - self._rows_shown
        missing = (
            f"{hidden} of {len(self._names)} rows do not fit here; taller axes show them. "
            if hidden
            else ""
        )
        if self._caption is not None:
            return (missing + self._caption).strip()
        most = _NOTE_CHARS[self._note_size]
        return " ".join(filter(None, (missing + lead, resting(notes, provenance, most)))).strip()

    def _write(
        self, text: str, at: tuple[float, float], offset: tuple[float, float], **look: Any
    ) -> Annotation:
        found = self.ax.annotate(
            literal(text),
            at,
            xytext=offset,
            textcoords="offset points",
            annotation_clip=False,
            **{"ha": "left", **look},
        )
        self._written.append(found)
        return found

    def _margins(self) -> tuple[float, float, float]:
        return margins_of(self.ax, [one for one in self._written if one.xy[0] == 1])

    def _width(self) -> float:
        return cell_of(self.ax, self.slot)[0]

    def _reach(self) -> float:
        """Return how wide the axes are with names and amounts: titles must not make them narrower."""
        left, right, _ = self._margins()
        inner = self.ax.get_window_extent().width * points(self.ax)
        return max(_LEAST_WIDTH, min(self._width(), left + inner + right))

    def tighten(self) -> bool:
        """Give the axes their height: a taller figure of their own, or smaller and fewer words."""
        have = self.ax.get_window_extent().height * points(self.ax)
        need = self._rows_shown * self._row if self._names else _LINES_HIGH
        if self._is_own:
            if have >= need - 1:
                return False
            figure = root_of(self.ax)
            height = figure.get_figheight() + (need - have) / 72
            figure.set_figheight(ceil(10 * height) / 10)  # no matter how fonts are hinted
            return True
        is_low = have < _TALL * cell_of(self.ax, self.slot)[1]
        is_full = bool(self._names) and have < need - 1
        if (is_low or is_full) and self._note_size < len(_NOTE_CHARS) - 1:
            self._note_size += 1
            return True
        if not is_full:
            return False
        if self._size < len(_SIZES) - 1:
            fits = have / self._rows_shown / self._row * _SIZES[self._size]
            smaller = range(self._size + 1, len(_SIZES) - 1)
            self._size = next((at for at in smaller if _SIZES[at] <= fits), len(_SIZES) - 1)
            return True
        fitting = max(1, int(have // self._row))
        if fitting >= self._rows_shown:
            return False
        self._rows_shown = fitting
        return True

    def is_there(self) -> bool:
        """Tell whether the axes still hold the words, and were not cleared."""
        return not self._written or self._written[-1] in self.ax.texts

    def geometry(self) -> tuple[int, ...]:
        """Return all that the places of words depend on, in whole pixels."""
        return tuple(map(round, (*self.ax.get_window_extent().extents, *self._margins())))


def _arrange(root: Figure) -> None:
    """Write all words of the pictures in a figure until nothing moves any more."""
    kept = [vars(ax).get(_KEPT) for ax in root.axes]
    canvases: list[Canvas] = [one for one in kept if one is not None and one.is_there()]
    before: list[tuple[int, ...]] | None = None
    engine = root.get_layout_engine()
    find_places = root.draw_without_rendering if engine is None else partial(engine.execute, root)
    find_places()
    for canvas in canvases:
        canvas.relax()
    for _ in range(_ROUNDS):
        for canvas in canvases:
            canvas.write()
        find_places()
        for canvas in canvases:
            place_within(canvas.ax, canvas.slot)
        is_tighter = sum(canvas.tighten() for canvas in canvases) > 0  # all of them
        now = [canvas.geometry() for canvas in canvases]
        if now == before and not is_tighter:
            return
        before = now
