"""A team's own evaluations: how often each model succeeds at the tasks of a workload."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd

from kimi_planner.arguments import public
from kimi_planner.billing.record import UsageRecord
from kimi_planner.choose.evaluations.table import AMOUNTS, TOKENS, Table, is_missing
from kimi_planner.errors import EvaluationError, restated, shown
from kimi_planner.files import data_dir
from kimi_planner.money import exact_decimal
from kimi_planner.rich import Page, Shown

MAX_TRIALS = 10**12
_WORDS = {"1": True, "true": True, "0": False, "false": False}
_WHOLE = re.compile(r"\d{1,15}(\.0*)?", re.ASCII)

Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One task that a model was tried on.

    Attributes
    ----------
    success
        Whether the model solved it.
    usage
        What it really used, all calls of the task together; ``None`` if not given.
    cost_usd, seconds
        What it was billed, and how long it took; ``None`` if not given.
    score_before, score_after
        How sure one was that this model solves it: before it was asked, and when its answer was there;
        higher is surer. ``None`` if not given.
    """

    success: bool
    usage: UsageRecord | None = None
    cost_usd: Decimal | None = None
    seconds: Decimal | None = None
    score_before: Decimal | None = None
    score_after: Decimal | None = None


@public
@dataclass(frozen=True, kw_only=True)
class Trials:
    """Tasks of a workload that one model was tried on, and how many it solved.

    Attributes
    ----------
    items
        From the name of a task to its result; empty where only the numbers were given.

    Examples
    --------
    >>> Trials(successes=3, trials=4).rate
    0.75
    """

    successes: int
    trials: int
    items: Mapping[str, Item] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.trials:
            raise EvaluationError("trials is 0, which says nothing. Give at least one trial.")
        if not 0 <= self.successes <= self.trials:
            raise EvaluationError(
                f"{self.successes} successes of {self.trials} trials. Give at least one trial, and "
                "successes from 0 to trials."
            )

    @property
    def rate(self) -> float:
        """The success rate that was measured."""
        return self.successes / self.trials

    @property
    def mean(self) -> float:
        """Expected success rate: the mean of its posterior under Jeffreys' prior, Beta(½, ½)."""
        return (self.successes + 0.5) / (self.trials + 1)

    def has(self, name: str) -> bool:
        """Whether an attribute of `Item` was measured on every task, such as ``"usage"``."""
        return bool(self.items) and all(
            getattr(item, name) is not None for item in self.items.values()
        )

    def of_items(self, name: str) -> dict[str, float]:
        """Return an amount of each task; empty unless it was measured on every one."""
        items = self.items.items() if self.has(name) else ()
        return {task: float(getattr(item, name)) for task, item in items}


@dataclass(frozen=True, kw_only=True, repr=False)
class Evaluations(Shown):
    """Results of evaluations by workload and model.

    Attributes
    ----------
    trials
        From (workload name, model id) to its trials.
    source
        Where they come from, for messages and reports.
    places
        From (workload name, model id) to where its first row stands, for messages.
    """

    trials: Mapping[Key, Trials]
    source: str
    places: Mapping[Key, str] = field(default_factory=dict)

    def page(self) -> Page:
        """Return how many tasks each model solved of those tried."""
        rows = [
            {
                "workload": workload,
                "model": model,
                "successes": one.successes,
                "trials": one.trials,
                "success_rate": one.rate,
            }
            for (workload, model), one in self.trials.items()
        ]
        count = sum(one.trials for one in self.trials.values())
        return Page(
            title=f"Tasks solved of {count:,} tried, by workload and model",
            frame=rows,
            provenance=f"Evaluations: {self.source}.",
        )

    def of(self, workload: str, model: str) -> Trials | None:
        """Return the trials of a model on a workload, ``None`` if it was not tried."""
        return self.trials.get((workload, model))

    def place(self, key: Key) -> str:
        """Return where the results of a workload and model stand."""
        return self.places.get(key, self.source)


@public
def read_evaluations(source: str | Path | pd.DataFrame | None = None) -> Evaluations:
    """Read results of evaluations.

    Parameters
    ----------
    source : str, Path or DataFrame, optional
        A CSV file or a frame, in one of two forms; the shipped example for the shipped workloads if
        not given. Summary: ``workload``, ``model``, ``successes``,
        ``trials``, a row for each workload and model. By item: ``workload``, ``model``, ``item``,
        ``success`` (0, 1, true or false), a row for each task, and optionally what it used, all its
        calls together: ``prompt_tokens``, ``completion_tokens``, ``cached_tokens``,
        ``reasoning_tokens``; ``cost_usd``, ``seconds``; and how sure one was that it would be
        solved, ``score_before`` the call and ``score_after`` it. Each is there for every task of a
        workload and model, or for none.

    Returns
    -------
    Evaluations
        Trials by workload and model. Whether the catalog has a model is checked where it is used.

    Raises
    ------
    EvaluationError
        If a column is missing or unknown, the two forms are mixed, a value is out of its bounds, or
        a row stands twice.
    FileError
        If the file cannot be read, or is not UTF-8.

    Examples
    --------
    >>> results = read_evaluations()  # the shipped example
    >>> results.trials["coding-assistant", "kimi-k2-5"].trials
    120
    """
    if source is None:
        example = read_evaluations(data_dir() / "evaluations" / "example.csv")
        return replace(example, source="the shipped example")
    table = Table.of(source)
    with restated(at=table.source, of=EvaluationError):
        by_item = table.is_by_item()
    items: dict[Key, dict[str, Item]] = {}
    trials: dict[Key, Trials] = {}
    places: dict[Key, str] = {}
    for where, row in table.rows:
        with restated(at=where, fault=EvaluationError):
            key = (_name("workload", row), _name("model", row))
            if by_item:
                _add_item(items.setdefault(key, {}), f"{key[0]} on {key[1]}", row)
            elif key in trials:
                raise EvaluationError(
                    f"{key[0]} on {key[1]} stands twice, first in {places[key]}. Add them up."
                )
            else:
                trials[key] = Trials(
                    successes=_whole("successes", row), trials=_whole("trials", row)
                )
        places.setdefault(key, where)
    for key, known in items.items():
        solved = sum(item.success for item in known.values())
        trials[key] = Trials(successes=solved, trials=len(known), items=known)
    if not trials:
        raise EvaluationError("no results. Give a row below the header.", at=table.source)
    return Evaluations(trials=trials, source=table.source, places=places)


def _add_item(known: dict[str, Item], of: str, row: Mapping[str, Any]) -> None:
    name = _name("item", row)
    if name in known:
        raise EvaluationError(
            f"item {shown(name)} of {of} stands twice. Give each item once for a model; number "
            "repeated runs, such as 'a#2'."
        )
    item = known[name] = _item(row)
    first = next(iter(known.values()))
    for what, words in (("usage", "tokens are"), *((one, f"{one} is") for one in AMOUNTS)):
        if (getattr(item, what) is None) != (getattr(first, what) is None):
            raise EvaluationError(
                f"{words} given for some items of {of} and not for others. Give them for every item "
                "of the two, or for none."
            )


def _name(column: str, row: Mapping[str, Any]) -> str:
    value = row[column]
    if isinstance(value, int) and not isinstance(value, bool) and column == "item":
        return str(value)
    text = value.strip() if isinstance(value, str) else ""
    if not text:
        raise EvaluationError(f"{column} is {shown(value)}. Give a name.")
    return text


def _whole(column: str, row: Mapping[str, Any]) -> int:
    """Return a whole number from 0, given as a number or spelled as one."""
    value = row[column]
    text = str(value).strip()
    if isinstance(value, bool) or not _WHOLE.fullmatch(text) or int(float(text)) > MAX_TRIALS:
        raise EvaluationError(
            f"{column} is {shown(value)}. Give a whole number from 0 to {MAX_TRIALS:,}."
        )
    return int(text.partition(".")[0])


def _item(row: Mapping[str, Any]) -> Item:
    value = row["success"]
    success = _WORDS.get(str(value).strip().lower().removesuffix(".0"))
    if success is None:
        raise EvaluationError(f"success is {shown(value)}. Give 0, 1, true or false.")
    amounts: dict[str, Any] = {
        name: _amount(name, row[name])
        for name in AMOUNTS
        if name in row and not is_missing(row[name])
    }
    given = [name for name in TOKENS if name in row and not is_missing(row[name])]
    if not given:
        return Item(success=success, **amounts)
    for name in ("prompt_tokens", "completion_tokens"):
        if name not in given:
            raise EvaluationError(f"{name} is empty beside {given[0]}. Give both, or no tokens.")
    tokens = {name: _whole(name, row) for name in given}
    return Item(success=success, usage=UsageRecord(**tokens), **amounts)


def _amount(name: str, value: Any) -> Decimal:
    """Return a number from 0; scores may be below."""
    with restated(about=name, then=".", of=ValueError, fault=EvaluationError):
        amount = exact_decimal(value.strip() if isinstance(value, str) else value)
    if amount < 0 and not name.startswith("score"):
        raise EvaluationError(f"{name} is {shown(value)}. It must be at least 0.")
    return amount
