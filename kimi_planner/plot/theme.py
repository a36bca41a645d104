"""Colours by what they mean, on light and on dark paper."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb, to_rgba

#: What a request is billed for, lightest last; parts that meet in a bar are far apart in grey.
PARTS = {
    "uncached_input": "#00502f",
    "cached_input": "#74c69d",
    "cache_write": "#2c8560",
    "visible_output": "#a678bd",
    "reasoning": "#3d1053",
    "fees": "#f2e8cf",
}
_MIDDLE = 0.18  # luminance that has the same contrast with black and with white
_READABLE = 4.6  # of text with its paper; WCAG 2 asks for 4.5 (level AA)


@dataclass(frozen=True)
class Theme:
    """One meaning for each colour.

    Attributes
    ----------
    paper, ink, muted
        What is drawn on; what is written and the middle of a range; what stands behind.
    within, over
        An amount, or one that is less than another; one that is more, or beyond a limit.
    budget
        A limit: a budget, a window, a break-even.
    band
        A range of a line, darkest where it is most likely.
    series
        Lines side by side, which differ in dashes too.
    """

    paper: str = "#ffffff"
    ink: str = "#1b1b1b"
    muted: str = "#6b6b6b"
    within: str = "#0072b2"
    over: str = "#e69f00"
    budget: str = "#b3261e"
    band: str = "#9fc5e8"
    series: tuple[str, ...] = ("#1b1b1b", "#8c5a2b", "#c51b8a", "#3b3bb3")

    @classmethod
    def on(cls, paper: str) -> Theme:
        """Return the colours that can be told apart on a paper, its text readable."""
        light = luminance(paper) > _MIDDLE
        base = replace(LIGHT if light else DARK, paper=paper)
        return replace(
            base,
            muted=_readable(base.muted, base),
            budget=_readable(base.budget, base),
        )

    @classmethod
    def of(cls, ax: Axes) -> tuple[Theme, Theme]:
        """Return the colours inside axes, and those of the words around them."""
        figure: Any = ax.figure
        settings = mpl.rcParams
        faces: list[Any] = [figure.get_facecolor(), settings["figure.facecolor"]]
        is_bright = luminance(to_hex(settings["text.color"])) > _MIDDLE
        shown = [face for face in faces if to_rgba(face)[3] > 0]
        around = to_hex(shown[0]) if shown else "#000000" if is_bright else "#ffffff"
        face: Any = ax.get_facecolor()
        inside = to_hex(face) if to_rgba(face)[3] > 0 else around
        return cls.on(inside), cls.on(around)


LIGHT = Theme()
DARK = Theme(
    paper="#000000",
    ink="#f2f2f2",
    muted="#a6a6a6",
    within="#3d9bd9",
    over="#ffc04d",
    budget="#ff6b5e",
    band="#24506f",
    series=("#f2f2f2", "#d9a066", "#ff7ac8", "#9f9fff"),
)


def luminance(color: str) -> float:
    """Return the relative luminance of WCAG 2."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in to_rgb(color)
    ]
    return sum(part * weight for part, weight in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


def contrast(one: str, other: str) -> float:
    """Return the contrast of WCAG 2 of two colours, from 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _readable(color: str, theme: Theme) -> str:
    """Return a colour, moved towards the ink as far as text of it needs to be read."""
    for step in range(10):
        mixed = [
            (1 - step / 10) * part + step / 10 * ink
            for part, ink in zip(to_rgb(color), to_rgb(theme.ink), strict=True)
        ]
        moved = to_hex((mixed[0], mixed[1], mixed[2]))
        if contrast(moved, theme.paper) >= _READABLE:
            return moved
    return theme.ink
