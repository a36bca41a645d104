"""The picture of another catalog joins the old and the new spend."""

from dataclasses import replace

import numpy as np
import pytest
from legible import said
from pictured import AS_OF, NAMES, PUBLIC, awkward, closed

from kimi_planner import plot
from kimi_planner.choose import catalog_effect
from kimi_planner.errors import SettingError

__all__ = ["closed"]


@pytest.fixture(scope="module")
def effect():
    return catalog_effect(awkward()[:2], "2026-06", PUBLIC, months=1, as_of=AS_OF, n_paths=100)


def test_dots_stand_at_the_old_and_the_new_spend(effect):
    """Each pair of models has a dot at both amounts, and its change in words."""
    ax = plot.catalog_change(effect, NAMES[1])
    rows = effect.frame[effect.frame["workload"] == NAMES[1]]
    dots = [float(line.get_xdata()[0]) for line in ax.lines if line.get_marker() == "o"]
    expected = rows[["old_usd_per_month", "new_usd_per_month"]].to_numpy().ravel()
    assert dots == pytest.approx(expected.tolist())
    assert f"({rows['relative'].iloc[0]:+.0%})" in said(ax)
    assert f"{rows['old_model'].iloc[0]} → {rows['new_model'].iloc[0]}" in plot.alt_text(ax)


@pytest.mark.parametrize(
    ("relative", "words"), [(-0.0047, "(-0.5%)"), (0.0099, "(+1.0%)"), (0.0, ", unchanged")]
)
def test_a_small_change_keeps_its_sign(effect, relative, words):
    """A fall of less than a percent is no rise of nothing."""
    ax = plot.catalog_change(replace(effect, frame=effect.frame.assign(relative=relative)))
    assert words in said(ax)


def test_a_side_without_a_model_is_said(effect):
    """Where no model qualifies there is one dot less, and the word none."""
    unknown = {"old_model": None, "old_usd_per_month": np.nan, "relative": np.nan}
    ax = plot.catalog_change(replace(effect, frame=effect.frame.assign(**unknown)), NAMES[1])
    assert sum(line.get_marker() == "o" for line in ax.lines) == 5
    assert "none → " in said(ax)


def test_a_workload_that_is_not_there_is_refused(effect):
    """The message names those that are."""
    with pytest.raises(SettingError, match=r"No workload 'v'\. There is the nightly"):
        plot.catalog_change(effect, "v")
