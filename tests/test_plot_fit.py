"""The picture of context fit marks the windows, and names the shares."""

from legible import said
from pictured import ZERO, closed, plan

from kimi_planner import Workload, context_fit, plot

__all__ = ["closed"]


def test_context_fit_marks_the_window():
    """The line stands at 128,000 tokens; each workload has its share in words."""
    ax = plot.context_fit(plan().fit)
    windows = [line.get_xdata()[0] for line in ax.lines if line.get_linestyle() == "--"]
    assert windows == [128_000]
    assert "window 128,000" in said(ax)
    assert said(ax).count("fit") >= len(plan().projection.names)
    row = plan().fit.frame.iloc[0]
    assert f"{row['p50_tokens']:,.0f} tokens" in plot.alt_text(ax)


def test_context_fit_of_requests_of_nothing():
    """Requests without a token have no place on a logarithmic axis, and no warning."""
    assert plot.context_fit(context_fit(ZERO)).get_xscale() == "linear"


def test_context_fit_parts_models_that_differ():
    """A workload that needs more on the model that reasons has a row for each."""
    workload = Workload(
        name="thinks", requests_per_day=1, prompt_tokens=100_000, completion_tokens=1_000,
        reasoning_tokens=50_000,
    )  # fmt: skip
    ax = plot.context_fit(context_fit(workload))
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["thinks: kimi-k2-5 and 2 more", "thinks: kimi-k2-5-thinking"]
    assert "all fit" in said(ax)
    assert "none fit" in said(ax)
