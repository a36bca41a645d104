"""The picture of a conversation shows how it grows, and where it no longer fits."""

from dataclasses import replace

import numpy as np
from legible import said
from pictured import LONG, PUBLIC, closed

from kimi_planner import Workload, plot
from kimi_planner.calls.conversation import conversation

__all__ = ["closed"]

PLAIN = Workload(
    name="plain", requests_per_day=1, prompt_tokens=30_000, completion_tokens=100, turns=6
)
SPREAD = Workload(
    name=LONG,
    requests_per_day=1,
    prompt_tokens={"p50": 5000, "p90": 20_000},
    completion_tokens={"p50": 400, "p90": 1500},
    turns={"mean": 20},
    followup_tokens=3000,
    max_tokens=4096,
)


def test_plain_turns_grow_by_hand():
    """Each turn sends the history: 30,000, 60,100, … tokens; the fifth needs 150,500 and is refused."""
    result = conversation(PLAIN, "kimi-k2", policy="reject")
    ax = plot.conversation_growth(result)
    growth = ax.lines[0].get_ydata()
    np.testing.assert_array_equal(growth[:4], [30_000, 60_100, 90_200, 120_300])
    assert np.isnan(growth[4:]).all()
    heights = {line.get_ydata()[0] for line in ax.lines if line.get_linestyle() == "--"}
    places = {line.get_xdata()[0] for line in ax.lines if line.get_linestyle() == "--"}
    assert 128_000 in heights
    assert 5 in places
    assert "turn 5 does not fit" in said(ax)
    assert "band" not in said(ax).lower()  # where none is drawn
    assert "30,000 in turn 1 to 120,300 in turn 4" in plot.alt_text(ax)


def test_turns_that_are_priced_whole_go_on_beyond_the_window():
    """The fifth and sixth turn are drawn as they are priced, and the line says where they no longer fit."""
    ax = plot.conversation_growth(conversation(PLAIN, "kimi-k2"))
    growth = ax.lines[0].get_ydata()
    np.testing.assert_array_equal(growth, [30_000 + 30_100 * turn for turn in range(6)])
    assert "turn 5 does not fit" in said(ax)


def test_a_window_far_above_is_named_and_not_drawn():
    """A short conversation is not flattened by a window of a million tokens."""
    workload = Workload(name="w", requests_per_day=1, prompt_tokens=1000, completion_tokens=100)
    ax = plot.conversation_growth(conversation(workload, "kimi-k3", turns=3, catalog=PUBLIC))
    assert ax.get_ylim()[1] < 5000
    assert "none outgrows the window of 1,048,576 tokens" in ax.get_title(loc="left")


def test_the_first_overflow_is_that_of_the_result():
    """The line stands at the median of the first turn that does not fit, the band on P10 to P90."""
    result = conversation(SPREAD, "kimi-k2")
    ax = plot.conversation_growth(result)
    marked = [line.get_xdata()[0] for line in ax.lines if line.get_linestyle() == "--"]
    assert result.first_overflow["p50"] in marked
    key = [text.get_text() for text in ax.get_legend().get_texts()]
    assert key == ["P10 to P90", "first turn that does not fit, P10 to P90"]
    assert f"P90 {result.first_overflow['p90']}" in plot.alt_text(ax)


def test_a_turn_that_few_conversations_reach_is_no_limit():
    """Where one in ten thousand outgrows the window, no line stands at the turn; the title says how many."""
    rare = replace(SPREAD, turns=3, prompt_tokens={"p50": 5000, "p90": 20_000})
    result = conversation(rare, "kimi-k2")
    assert 0.9 < result.never_overflows_share < 1
    ax = plot.conversation_growth(result)
    assert not [
        line for line in ax.lines if line.get_linestyle() == "--" and line.get_xdata()[0] > 1
    ]
    assert "of conversations outgrow the window of 128,000 tokens, first in turn" in " ".join(
        ax.get_title(loc="left").split()
    )
