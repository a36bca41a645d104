"""The picture of fit by window size agrees with the shares at the models' own windows."""

import numpy as np
import pytest
from legible import said
from pictured import closed, plan

from kimi_planner import Workload, context_fit, plot

__all__ = ["closed"]


def test_the_curve_passes_through_the_shares_of_the_models():
    """At the window of a model each curve has the share that fits it."""
    fit = plan().fit
    ax = plot.context_fit_curve(fit)
    curves = [line for line in ax.lines if len(line.get_xdata()) > 2]
    assert len(curves) == len(plan().projection.names)
    for line, name in zip(curves, plan().projection.names, strict=True):
        sizes, shares = line.get_xdata(), line.get_ydata()
        assert shares[list(sizes).index(128_000)] == pytest.approx(fit.share(name, "kimi-k2"))
        assert (np.diff(shares) >= 0).all()
    assert "window 128,000" in said(ax)


def test_requests_of_one_size_fit_all_at_once():
    """The curve of requests of 1,500 tokens steps from none to all there."""
    workload = Workload(name="w", requests_per_day=1, prompt_tokens=1000, completion_tokens=500)
    curve = context_fit(workload, "kimi-k2").curve([1499, 1500, 2000])
    assert curve["fit_share"].tolist() == [0, 1, 1]
    assert curve["window_tokens"].tolist() == [1499, 1500, 2000]
