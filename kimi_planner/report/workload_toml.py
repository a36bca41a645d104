"""Workloads that were fitted to a log, as a workload file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kimi_planner.workload import Empirical, Workload
from kimi_planner.workload.written import digits, workloads_toml


def fitted_toml(
    workloads: Sequence[Workload], folder: Path = Path(), log: Path | None = None
) -> str:
    """Return fitted workloads as TOML.

    Parameters
    ----------
    workloads : sequence of Workload
        As :meth:`Workload.from_usage` returns them.
    folder : Path
        Where the file will stand; the path of the log is written relative to it.
    log : Path, optional
        The log, if one workload was fitted to all of it: sizes of calls are then read from it
        whenever the file is loaded. Without it they are written as mean and standard deviation.

    Returns
    -------
    str
        A file that `load_workloads` reads; what the numbers leave out stands in comments.
    """
    where = None if log is None else Path(os.path.relpath(log, folder)).as_posix()

    def measured(values: Empirical) -> Any:
        if where is not None:
            return {"from": where}
        masses = np.diff(values.shares, prepend=0.0)
        spread = float(masses @ (values.values - values.mean) ** 2) ** 0.5
        mean = digits(values.mean)
        return {"mean": mean, "sd": digits(spread)} if spread else mean

    return workloads_toml(workloads, measured=measured, notes=True)
