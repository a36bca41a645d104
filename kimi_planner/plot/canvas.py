"""Where a picture is drawn, and which words are to stand around it.

No word stands inside the axes, so that none lies on what is drawn: names of rows are to the left,
amounts and names of lines to the right, names of upright limits and what colours mean above.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from matplotlib import pyplot as plt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.transforms import Bbox, TransformedBbox

from kimi_planner.errors import SettingError
from kimi_planner.plot.arrange import arrange
from kimi_planner.plot.layout import root_of
from kimi_planner.plot.lettering import Beside, Lettering, Limit, Words
from kimi_planner.plot.style import HEIGHT, TEXT, WIDTH, families
from kimi_planner.plot.theme import Theme
from kimi_planner.plot.words import distinct

_SIGN = 0.1  # of the width of axes, beyond which no sign reaches
_FEW = 6  # rows that a figure of the usual height holds well; with fewer it is lower


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
            raise SettingError(
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
        self._title, self._caption, self._has_labels = title, caption, labels
        self._words = Words()
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
        """Name the rows from top to bottom; names stay different however long they are.

        They are at least ``pitch`` points apart.
        """
        self._words.names, self._words.pitch = distinct(names), pitch

    def beside(self, text: str, y: float, *, is_bold: bool = False) -> None:
        """Write an amount to the right of the axes, at a height in data."""
        if self._has_labels:
            self._words.beside.append(Beside(text, y, self._around.ink, is_bold))

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
            self._words.limits.append(Limit(text, value, around))
        else:
            self._words.beside.append(Beside(text, value, around))

    def finish(
        self,
        title: str,
        lead: str,
        words: str,
        *,
        answer: str = "",
        notes: Iterable[str] = (),
        provenance: str = "",
        key: Sequence[tuple[str, Artist]] = (),
    ) -> Axes:
        """Write all words where they fit, and return the axes.

        Parameters
        ----------
        title, answer
            What is shown and of what, above; and what it comes to, below that.
        lead, notes, provenance
            What is drawn, what it rests on, and the catalog and seed, below. Where there is little
            room, notes are counted and not written.
        words
            What :func:`alt_text` returns.
        key
            What colours and signs mean.
        """
        ax, said = self.ax, self._words
        said.topic, said.answer = title, answer
        if self._title is not None:
            said.topic, said.answer = "", self._title
        said.caption, said.lead, said.notes = self._caption, lead, list(notes)
        said.provenance, said.key = provenance, key
        said.xlabel, said.ylabel = ax.get_xlabel(), ax.get_ylabel()
        ax.set_label(words.strip())
        # Half a dot at the end of an axis reads as another sign; rows that are not shown stay hidden.
        beyond = TransformedBbox(Bbox.from_extents(-_SIGN, 0, 1 + _SIGN, 1), ax.transAxes)
        for line in ax.lines:
            if line.get_marker() != "None":
                line.set_clip_box(beyond)
        if said.names:
            ax.set_axisbelow(True)
            ax.grid(axis="y", color=self.theme.muted, alpha=0.2, linewidth=0.5)
            if self._is_own:
                low = min(len(said.names), _FEW) / _FEW
                root_of(ax).set_figheight(HEIGHT * (0.6 + 0.4 * low))
        arrange(Lettering(ax, said, self._around, is_own=self._is_own, redraw=self.redraw))
        return ax
