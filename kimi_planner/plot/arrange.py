"""All pictures of a figure find their places together: what one needs moves the others."""

from __future__ import annotations

from functools import partial
from math import ceil

from matplotlib.axes import Axes

from kimi_planner.plot.layout import place_within, points, root_of
from kimi_planner.plot.lettering import Lettering

_KEPT = "_kimi_planner"  # where axes keep their words
_ROUNDS = 12
_LINES_HIGH = 190.0  # points of axes of their own figure that have no rows


def arrange(new: Lettering) -> None:
    """Write the words of a picture, and of those in the same figure, until nothing moves any more."""
    vars(new.ax)[_KEPT] = new
    root = root_of(new.ax)
    letterings = [one for ax in root.axes if (one := _of(ax)) is not None and one.is_there()]
    engine = root.get_layout_engine()
    find_places = root.draw_without_rendering if engine is None else partial(engine.execute, root)
    find_places()
    for one in letterings:
        one.room.relax()
        one.geometry()
    before: list[tuple[int, ...]] | None = None
    for _ in range(_ROUNDS):
        for one in letterings:
            one.write()
            while not one.is_own and one.tighten(one.left):
                one.write()
        find_places()
        for one in letterings:
            place_within(one.ax, one.slot)
        is_tighter = sum(map(_tighten, letterings)) > 0  # all of them
        now = [one.geometry() for one in letterings]
        if now == before and not is_tighter:
            return
        before = now


def _of(ax: Axes) -> Lettering | None:
    kept: Lettering | None = vars(ax).get(_KEPT)
    return kept


def _tighten(one: Lettering) -> bool:
    """Give the axes their height: a taller figure of their own, or smaller and fewer words."""
    have = one.ax.get_window_extent().height * points(one.ax)
    if not one.is_own:
        return one.tighten(have)
    need = one.need() or _LINES_HIGH
    if have >= need - 1:
        return False
    figure = root_of(one.ax)
    height = figure.get_figheight() + (need - have) / 72
    figure.set_figheight(ceil(10 * height) / 10)  # no matter how fonts are hinted
    return True
