"""The look of all pictures: colours told apart by everybody, fonts for every letter, a slide."""

from itertools import combinations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib import pyplot as plt
from pictured import closed

from kimi_planner.plot import slide, style

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


def luminance(color):
    """Return the relative luminance of WCAG 2."""
    return float(linear(color) @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("eyes", EYES)
def test_colours_are_told_apart_by_every_eye(eyes):
    """Any two colours are far apart in L*a*b*, also with red or green cones missing."""
    seen = [lab(EYES[eyes] @ linear(color)) for color in style.COLORS]
    for one, other in combinations(seen, 2):
        assert np.linalg.norm(one - other) > 15


def test_the_matrices_leave_white_as_it_is():
    """Rows add up to 1, so that a slip in a digit is seen."""
    for matrix in EYES.values():
        np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=2e-6)


def test_colours_rise_in_luminance():
    """From the first to the last each is lighter by a step that a grey print keeps."""
    lightness = [lab(linear(color))[0] for color in style.COLORS]
    assert np.diff(lightness).min() > 6
    assert abs(luminance(style.WITHIN) - luminance(style.OVER)) > 0.25


@pytest.mark.parametrize("color", [style.INK, style.MUTED, style.BUDGET])
def test_words_stand_out_from_the_paper(color):
    """Text has a contrast of at least 4.5 to 1 with white (WCAG 2, level AA)."""
    assert 1.05 / (luminance(color) + 0.05) >= 4.5


def test_the_seventh_of_many_has_the_first_colour():
    """Models beyond the palette are told apart by their names."""
    names = [str(number) for number in range(8)]
    assert style.color_of(names, "6") == style.color_of(names, "0")


def test_a_slide_is_a_full_screen():
    """It saves to 1,920 by 1,080 pixels, at any setting of the caller."""
    ax = slide()
    assert ax.figure.canvas.get_width_height() == (1920, 1080)
    # The width of a slide shows text of 9 points as large as 15 points of a slide of 13.33 inches.
    assert style.SMALL * 13.33 / style.WIDTH > 14


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
