"""A team's own evaluations: how often each model succeeds at the tasks of a workload."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from kimi_planner.errors import EvaluationError, FileError, shown

__all__ = ["Evaluations", "Trials", "read_evaluations"]


@dataclass(frozen=True, kw_only=True)
class Trials:
    """Tasks of a workload that one model was tried on, and how many it solved."""

    successes: int
    trials: int

    @property
    def mean(self) -> float:
        """Expected success rate: the mean of its posterior under Jeffreys' prior, Beta(½, ½)."""
        return (self.successes + 0.5) / (self.trials + 1)


@dataclass(frozen=True, kw_only=True)
class Evaluations:
    """Results of evaluations by workload and model.

    Attributes
    ----------
    trials
        From (workload name, model id) to its trials.
    source
        Where they come from, for messages and reports.
    """

    trials: Mapping[tuple[str, str], Trials]
    source: str

    def of(self, workload: str, model: str) -> Trials | None:
        """Return the trials of a model on a workload, ``None`` if it was not tried."""
        return self.trials.get((workload, model))


def read_evaluations(source: str | Path | pd.DataFrame) -> Evaluations:
    """Read results of evaluations.

    Parameters
    ----------
    source : str, Path or DataFrame
        A CSV file, or a frame, with the columns ``workload``, ``model``, ``successes`` and
        ``trials``.

    Raises
    ------
    EvaluationError
        If a column is missing, a number is out of bounds, or a pair stands twice.
    FileError
        If the file cannot be read.
    """
    name = "evaluations" if isinstance(source, pd.DataFrame) else str(source)
    if isinstance(source, pd.DataFrame):
        frame: Any = source
    else:
        try:
            frame = pd.read_csv(source, dtype={"workload": str, "model": str})
        except (OSError, ValueError) as error:
            raise FileError(f"{name}: cannot be read as CSV ({error}).") from None
    missing = [key for key in ("workload", "model", "successes", "trials") if key not in frame]
    if missing:
        raise EvaluationError(f"{name}: no column {missing[0]!r}. It has {', '.join(frame)}.")
    trials: dict[tuple[str, str], Trials] = {}
    for line, row in enumerate(frame.to_dict("records"), 2):
        successes, tried = row["successes"], row["trials"]
        if not (successes == int(successes) and tried == int(tried) and 0 <= successes <= tried):
            raise EvaluationError(
                f"{name}, line {line}: {shown(successes)} successes of {shown(tried)} trials. Give "
                "whole numbers, successes from 0 to trials."
            )
        key = (row["workload"], row["model"])
        if key in trials:
            raise EvaluationError(f"{name}, line {line}: {key[0]} on {key[1]} stands twice.")
        trials[key] = Trials(successes=int(successes), trials=int(tried))
    return Evaluations(trials=trials, source=name)
