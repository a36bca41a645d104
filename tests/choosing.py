"""A workload of plain numbers to choose a model for, and trials of models on it."""

import pandas as pd

from kimi_planner import Workload
from kimi_planner.choose import read_evaluations


def plain(**changes):
    """Return a workload of plain numbers, so that its bill is a product."""
    fields = {
        "name": "w",
        "requests_per_day": 1000,
        "prompt_tokens": 2000,
        "completion_tokens": 500,
    }
    return Workload(**fields | changes)


def tried(**counts):
    """Return trials of workload w, from a short name of a model to successes and trials."""
    rows = [("w", f"kimi-{name.replace('_', '-')}", *both) for name, both in counts.items()]
    return read_evaluations(
        pd.DataFrame(rows, columns=["workload", "model", "successes", "trials"])
    )
