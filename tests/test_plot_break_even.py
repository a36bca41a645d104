"""The picture of a break-even map has the colour of the cheapest model at every point."""

import numpy as np
import pytest
from legible import assert_legible, said
from pictured import AS_OF, PUBLIC, awkward, closed

from kimi_planner import Workload, load_catalog, plot
from kimi_planner.choose import break_even_map

__all__ = ["closed"]

RATES = {"kimi-k2": 0.3, "kimi-k2-5-thinking": 0.95}


@pytest.fixture(scope="module")
def split():
    workload = Workload(
        name="w", requests_per_day=1, prompt_tokens=1000, completion_tokens=500,
        reasoning_tokens=1000,
    )  # fmt: skip
    return break_even_map(workload, models=list(RATES), success_rates=RATES, as_of=AS_OF)


def test_colours_and_lines_are_those_of_the_map(split):
    """The colours tell the cheapest model at every point, the lines stand at gaps that occur."""
    ax = plot.break_even_map(split)
    mesh, lines = ax.collections[:2]
    assert len(np.unique(split.cheapest)) == 2
    drawn = mesh.get_array().reshape(split.cheapest.shape)
    np.testing.assert_array_equal(drawn, split.cheapest)
    assert all(split.gap_usd.min() < level < split.gap_usd.max() for level in lines.levels)
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["kimi-k2", "kimi-k2-5-thinking", "runner-up costs more by", "this workload"]


def test_the_workload_is_marked_where_it_lies(split):
    """The cross stands at 2 reasoning tokens for each of a third of visible output."""
    ax = plot.break_even_map(split)
    [cross] = [line for line in ax.lines if line.get_marker() == "X"]
    assert float(cross.get_xdata()[0]) == pytest.approx(2)
    assert float(cross.get_ydata()[0]) == pytest.approx(1 / 3)
    assert "The workload lies at 33% output and 2 reasoning tokens" in plot.alt_text(ax)


def test_a_workload_that_is_not_on_the_map_is_not_marked():
    """A workload that says nothing of reasoning has no cross."""
    workload = Workload(name="w", requests_per_day=1, prompt_tokens=10, completion_tokens=5)
    ax = plot.break_even_map(break_even_map(workload, as_of=AS_OF))
    assert not [line for line in ax.lines if line.get_marker() == "X"]
    assert "is not on the map" in plot.alt_text(ax)
    assert "USD a request" in said(ax)


def test_break_even_maps_are_legible(split):
    """Two models with lines between them, and twelve, can be read in every size."""
    assert_legible(lambda ax: plot.break_even_map(split, ax=ax))
    models = [spec.id for spec in load_catalog(PUBLIC)]
    rates = {model: 0.3 + 0.05 * place for place, model in enumerate(models)}
    wide = break_even_map(
        awkward()[0], models=models, success_rates=rates, as_of=AS_OF, catalog=PUBLIC, n_paths=200
    )
    assert_legible(lambda ax: plot.break_even_map(wide, ax=ax))
