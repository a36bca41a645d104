"""The look of all pictures: colours told apart by everybody, fonts for every letter, a slide."""

from itertools import combinations

import matplotlib as mpl
import numpy as np
import pytest
from legible import contrast
from matplotlib import font_manager
from matplotlib import pyplot as plt
from pictured import closed

from kimi_planner.plot import style, theme

__all__ = ["closed"]

# Full colour-vision deficiency on linear RGB: G. M. Machado, M. M. Oliveira, L. A. F. Fernandes,
# "A Physiologically-based Model for Simulation of Color Vision Deficiency", IEEE Transactions on
# Visualization and Computer Graphics 15 (6), 2009, severity 1.0.
EYES = {
    "usual": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}
# From linear sRGB to CIE XYZ (IEC 61966-2-1), and its white.
XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)


def linear(color):
    """Return a colour as linear RGB (IEC 61966-2-1)."""
    rgb = np.array(mpl.colors.to_rgb(color))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    """Return linear RGB as CIE L*a*b*."""
    ratio = XYZ @ np.clip(rgb, 0, 1) / (XYZ @ np.ones(3))
    x, y, z = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


ROLES = ("within", "over", "budget", "band")
PAPERS = {"light": "#ffffff", "dark": "#000000", "grey": "#bfbfbf", "notebook": "#111111"}


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("paper", PAPERS)
def test_colours_are_told_apart_by_every_eye(eyes, paper):
    """Any two that meet are far apart in L*a*b*, also with red or green cones missing."""
    colors = theme.Theme.on(PAPERS[paper])
    for group in (
        [getattr(colors, role) for role in ROLES],
        colors.series,
        list(theme.PARTS.values()),
    ):
        seen = [lab(EYES[eyes] @ linear(color)) for color in group]
        for one, other in combinations(seen, 2):
            assert np.linalg.norm(one - other) > 15


def test_the_matrices_leave_white_as_it_is():
    """Rows add up to 1, so that a slip in a digit is seen."""
    for matrix in EYES.values():
        np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=2e-6)


@pytest.mark.parametrize("paper", ["light", "dark"])
def test_colours_differ_in_grey(paper):
    """Parts of a bar differ by a step that a grey print keeps, and so do less and more."""
    colors = theme.Theme.on(PAPERS[paper])
    lightness = sorted(lab(linear(color))[0] for color in theme.PARTS.values())
    assert np.diff(lightness).min() > 6
    assert abs(lab(linear(colors.within))[0] - lab(linear(colors.over))[0]) > 15


def test_a_colour_has_one_meaning():
    """What a bar is billed for has none of the colours of amounts, limits and ranges."""
    for paper in PAPERS.values():
        colors = theme.Theme.on(paper)
        roles = [getattr(colors, role) for role in (*ROLES, "ink", "muted", "paper")]
        assert len({*roles, *theme.PARTS.values()}) == len(roles) + len(theme.PARTS)


@pytest.mark.parametrize("paper", PAPERS)
def test_words_stand_out_from_the_paper(paper):
    """Text has a contrast of at least 4.5 to 1 with what it is written on (WCAG 2, level AA)."""
    colors = theme.Theme.on(PAPERS[paper])
    for role in ("ink", "muted", "budget"):
        assert contrast(getattr(colors, role), colors.paper) >= 4.5


@pytest.mark.parametrize(
    ("face", "text", "ink"),
    [("none", "black", "#1b1b1b"), ("none", "white", "#f2f2f2"), ("#222222", "black", "#f2f2f2")],
)
def test_the_ink_is_that_for_the_paper(face, text, ink):
    """On clear paper the reader's colour of text tells, else the paper itself."""
    with plt.rc_context({"figure.facecolor": face, "axes.facecolor": face, "text.color": text}):
        inside, around = theme.Theme.of(plt.figure().add_subplot())
    assert (inside.ink, around.ink) == (ink, ink)


def test_every_letter_that_a_font_has_is_drawn():
    """The answer is that of the font itself."""
    assert style.can_draw("é")
    assert style.can_draw("→")
    font = font_manager.get_font(font_manager.findfont("DejaVu Sans"))
    if len(style.families()) == 1:
        assert style.can_draw("支") == bool(font.get_char_index(ord("支")))
    assert not style.can_draw("\x07")


@pytest.mark.parametrize(
    ("limits", "texts"),
    [
        ((0, 0.11), ["0.00", "0.02", "0.04", "0.06", "0.08", "0.10"]),
        ((0, 26_000), ["0", "5,000", "10,000", "15,000", "20,000", "25,000"]),
        ((-4, 4), ["-4", "-2", "0", "2", "4"]),
    ],
)
def test_ticks_are_round_and_written_in_full(limits, texts):
    """A tick never reads as another number than the one it stands at."""
    ax = plt.subplots()[1]
    ax.set_xlim(limits)
    style.count_axis(ax, "x")
    places = [one for one in ax.get_xticks() if limits[0] <= one <= limits[1]]
    found = [ax.xaxis.get_major_formatter()(place) for place in places]
    assert found == texts
    assert [float(text.replace(",", "")) for text in found] == pytest.approx(places)
