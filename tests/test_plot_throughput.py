"""The picture of throughput shows each tier against its limit."""

import numpy as np
import pytest
from legible import said
from matplotlib import pyplot as plt
from pictured import AS_OF, LONG, closed

from kimi_planner import Workload, plot
from kimi_planner.capacity import throughput
from kimi_planner.errors import SettingError

__all__ = ["closed"]


@pytest.mark.parametrize("calls", [0, 100, 100_000, 20_000_000])
def test_throughput_shows_each_tier_against_its_limit(calls):
    """A bar for each tier ends at its used share; the title names the tier that is needed."""
    workload = Workload(
        name="w", requests_per_day=calls, prompt_tokens=900, completion_tokens=10, max_tokens=100
    )
    result = throughput(workload, "kimi-k2", months=2, as_of=AS_OF, n_paths=200)
    given = plt.subplots()[1]
    ax = plot.throughput(result, ax=given)
    assert ax is given
    shares = result.by_tier().query("workload == 'all'")["used_share"]
    assert [bar.get_width() for bar in ax.patches] == pytest.approx(np.maximum(shares, 1e-3))
    tier = result.tier("kimi-k2")
    answer = "no published tier allows it" if tier is None else f"needs at least tier {tier.tier}"
    assert answer in " ".join(ax.get_title(loc="left").split())
    assert said(ax).count("throttled from 2026-12") == int((shares > 1).sum())
    assert "credit and not a fee" in said(ax)


def test_throughput_of_a_workload_that_is_not_there():
    """An unknown workload is refused."""
    workload = Workload(name=LONG, requests_per_day=1, prompt_tokens=1, completion_tokens=1)
    result = throughput(workload, "kimi-k2", months=1, as_of=AS_OF, n_paths=100)
    with pytest.raises(SettingError, match="no workload 'v'"):
        plot.throughput(result, workload="v")
