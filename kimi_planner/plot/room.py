"""How large words are set, and how many of them, until what is drawn has its height."""

from __future__ import annotations

_SIZES = (1.0, 0.92, 0.84, 0.76, 0.68)  # of words beside rows, until these fit
_AROUND = ((330, False), (0, False), (0, True))  # characters of notes; whether a key is brief
_TALL = 0.35  # of a place, at least, for what is drawn


class Room:
    """What words take of a place, in steps from all of them in full size.

    Attributes
    ----------
    rows
        How many rows are shown.
    is_bare
        Whether what a picture rests on is left out, as one row is too much beside it.
    """

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self.relax()

    def relax(self) -> None:
        """Begin anew with all words in full size."""
        self.rows, self._size, self._around, self.is_bare = self._rows, 0, 0, False

    @property
    def scale(self) -> float:
        """What words beside rows are multiplied with."""
        return _SIZES[self._size]

    @property
    def note_chars(self) -> int:
        """How many characters of notes are written."""
        return _AROUND[self._around][0]

    @property
    def is_brief(self) -> bool:
        """Whether each sign of a key gets a line only."""
        return _AROUND[self._around][1]

    def tighten(self, have: float, need: float, cell: float) -> bool:
        """Take one step if what is drawn is too low, and tell whether there was one.

        Parameters
        ----------
        have, need
            The height of the axes, and what their rows need; points.
        cell
            The height of the place that axes and words share, points.
        """
        is_full = bool(self._rows) and have < need - 1
        if (have < _TALL * cell or is_full) and self._around < len(_AROUND) - 1:
            self._around += 1
            return True
        if not is_full:
            return False
        last = len(_SIZES) - 1
        if self._size < last:
            fits = have / need * self.scale
            smaller = range(self._size + 1, last)
            self._size = next((step for step in smaller if _SIZES[step] <= fits), last)
            return True
        fitting = max(1, int(have * self.rows / need))
        if fitting < self.rows:
            self.rows = fitting
        elif not self.is_bare:
            self.is_bare = True
        else:
            return False
        return True
