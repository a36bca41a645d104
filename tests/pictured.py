"""Results to draw: an ordinary one of each kind, and such as strain a picture."""

from datetime import date
from functools import cache

import matplotlib as mpl
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from kimi_planner import Workload, load_catalog, load_workloads, project, recommend
from kimi_planner.choose import read_evaluations

mpl.use("Agg")

AS_OF = date(2026, 11, 24)
PUBLIC = "2026-11-public"
LONG = "the nightly summary of every support ticket of the EMEA region with $ in_it"
LASTING = "kimi-k3.1-pro-highspeed"
NAMES = (LONG, "支付对账", r"a_b $\bad{$ x", "short")
PLAIN = Workload(
    name="plain",
    requests_per_day=10,
    prompt_tokens=10,
    completion_tokens=10,
    budget_usd_per_month=5,
)
ZERO = Workload(name="zero", requests_per_day=0, prompt_tokens=0, completion_tokens=0)


@pytest.fixture(autouse=True)
def closed():
    """Close every figure after a test."""
    yield
    plt.close("all")


@cache
def example():
    """Return the workloads of the shipped example."""
    return tuple(load_workloads())


@cache
def awkward():
    """Return workloads with names that are long, not Latin, or look like mathematics."""
    return tuple(
        Workload(
            name=name,
            requests_per_day={"p10": 800, "p50": 1000 * place, "p90": 1500 * place},
            prompt_tokens={"p50": 1800, "p90": 6000},
            completion_tokens={"p50": 250, "p90": 700},
            reasoning_tokens={"p50": 900, "p90": 3000},
            cached_share=0.4,
            budget_usd_per_month=2500,
        )
        for place, name in enumerate(NAMES, 1)
    )


@cache
def plan(months=4):
    """Return a recommendation for the example."""
    return recommend(example(), months=months, as_of=AS_OF, n_paths=400)


@cache
def wide():
    """Return a projection of two awkward workloads on all twelve models of the public catalog."""
    models = [spec.id for spec in load_catalog(PUBLIC)]
    assert len(models) == 12
    return project(awkward()[:2], months=2, models=models, as_of=AS_OF, n_paths=200, catalog=PUBLIC)


@cache
def lasting():
    """Return a projection of a long name on a long name over three years."""
    return project(
        awkward()[0], months=36, models=LASTING, as_of=AS_OF, n_paths=200, catalog=PUBLIC
    )


@cache
def certain(workload):
    """Return a projection of a workload of plain numbers over one month."""
    return project(workload, months=1, as_of=AS_OF)


@cache
def measured(names=None):
    """Return evaluations of the example, or of workloads of these names on twelve models."""
    if names is None:
        solved = {"kimi-k2": 20, "kimi-k2-5": 33, "kimi-k2-5-thinking": 38, "kimi-k2-instruct": 21}
        names = tuple(workload.name for workload in example())
    else:
        solved = {spec.id: 10 + 2 * place for place, spec in enumerate(load_catalog(PUBLIC))}
    rows = [(name, model, count, 40) for name in names for model, count in solved.items()]
    return read_evaluations(
        pd.DataFrame(rows, columns=["workload", "model", "successes", "trials"])
    )
