"""Published results of benchmarks: what they say of a model's success at other tasks, and how little."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import betaln, expit, logit

from kimi_planner.arguments import public
from kimi_planner.choose.evaluations.table import Table, is_missing
from kimi_planner.errors import EvaluationError, restated, shown
from kimi_planner.files import data_dir
from kimi_planner.rich import Page, Shown

_AMOUNTS = ("usd_per_item", "input_usd_per_mtok", "output_usd_per_mtok", "seconds_per_item")
_NAMES = ("benchmark", "agent", "published_as", "source")
_NUMBER = re.compile(r"\d{1,9}(\.\d{1,9})?", re.ASCII)
#: Of the effects of models, so small that it decides nothing but what no result tells.
_RIDGE = 0.05
_LEAST, _MOST = 1.0, 1000.0  # items that a published result may count as
_DROP = 1.353  # of the logarithm of the likelihood, at the ends of a 90% interval


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicResult:
    """What somebody published of one model on one benchmark.

    Attributes
    ----------
    benchmark, agent
        The tasks, and the program that put them to the model.
    published_as, models
        The model as the source calls it, and ids of catalogs that it stands for.
    items, solved_percent
        How many tasks there were, and the share that was solved.
    usd_per_item, seconds_per_item
        Cost and time of a task, where they are published.
    input_usd_per_mtok, output_usd_per_mtok
        The prices that the cost rests on.
    reported_by
        ``"maker"`` of the model, or ``"others"``.
    read_on, source
        The day somebody read it, and where.
    """

    benchmark: str
    agent: str
    published_as: str
    models: tuple[str, ...]
    items: int
    solved_percent: float
    usd_per_item: float | None
    input_usd_per_mtok: float | None
    output_usd_per_mtok: float | None
    seconds_per_item: float | None
    reported_by: str
    read_on: date
    source: str

    @property
    def test(self) -> tuple[str, str]:
        """The benchmark and the agent: what two results must share to be compared."""
        return self.benchmark, self.agent

    @property
    def logit(self) -> float:
        """Logarithm of the odds of a solved task, half a task added to both sides."""
        solved = self.items * self.solved_percent / 100
        return float(logit((solved + 0.5) / (self.items + 1)))

    @property
    def log_tokens(self) -> float:
        """Logarithm of the cost of a task over the geometric mean of both prices; NaN if one is not known."""
        amounts = self.usd_per_item, self.input_usd_per_mtok, self.output_usd_per_mtok
        if not all(amounts):
            return math.nan
        usd, price_in, price_out = np.log(np.array(amounts, dtype=float)).tolist()
        return float(usd - (price_in + price_out) / 2)


_COLUMNS = tuple(PublicResult.__dataclass_fields__)
_LOGIT, _LOG_TOKENS = attrgetter("logit"), attrgetter("log_tokens")


@dataclass(frozen=True)
class Effects:
    """An additive fit: what a test, and what a model, adds to a number.

    Attributes
    ----------
    tests, models
        From test and from published name to its effect; those of models are close to 0 on average.
    """

    tests: Mapping[tuple[str, str], float]
    models: Mapping[str, float]

    @classmethod
    def of(
        cls, results: Sequence[PublicResult], number: Callable[[PublicResult], float]
    ) -> Effects:
        """Fit by least squares, so that models are compared on the tests that they share."""
        tests = list(dict.fromkeys(one.test for one in results))
        models = list(dict.fromkeys(one.models for one in results))
        design = np.zeros((len(results), len(tests) + len(models)))
        for row, one in zip(design, results, strict=True):
            row[tests.index(one.test)] = row[len(tests) + models.index(one.models)] = 1.0
        ridge = np.diag([1e-9] * len(tests) + [_RIDGE] * len(models))
        numbers = np.array([number(one) for one in results])
        found = np.linalg.solve(design.T @ design + ridge, design.T @ numbers).tolist()
        named = zip(models, found[len(tests) :], strict=True)
        return cls(
            dict(zip(tests, found, strict=False)),
            {model: effect for ids, effect in named for model in ids},
        )

    def expected_rate(self, model: str, level: float | None) -> float:
        """Return a model's success rate: at a level, or on average over the tests."""
        levels = np.array(list(self.tests.values()) if level is None else [level])
        return float(expit(levels + self.models[model]).mean())


@dataclass(frozen=True, kw_only=True, repr=False)
class PublicResults(Shown):
    """Published results, and what they are worth for tasks that nobody published.

    Attributes
    ----------
    results
        In the order of the file.
    source
        The file, for messages.

    Notes
    -----
    The logarithm of the odds is taken as what a test adds plus what a model adds. How far that
    misleads is measured by leaving out one test at a time and predicting it from the others: the
    misses are those of a beta-binomial law of ``w`` items, each test counting once. Taken is the least
    ``w`` in its 90% interval by likelihood, as few tests tell little of it. It is ``w`` of the
    model alone, or of the model together with what others did in the test that was left out, which
    tells how hard it is.
    """

    results: tuple[PublicResult, ...]
    source: str

    def page(self) -> Page:
        """Return the results, with the share of tasks that was solved."""
        models = {one.published_as for one in self.results}
        return Page(
            title=f"Percent of tasks solved, as published: {len(self.results)} results of {len(models)} models",
            frame=pd.DataFrame(list(self.results)),
            columns=("published_as", "benchmark", "agent", "items", "solved_percent", "read_on"),
            provenance=f"Read from {self.source}.",
        )

    @cached_property
    def effects(self) -> Effects:
        """What tests and models add to the logarithm of the odds of success."""
        return Effects.of(self.results, _LOGIT)

    @cached_property
    def weights(self) -> tuple[float, float]:
        """Items that a published result counts as: alone, and beside others of the same tasks."""
        held = list(_left_out(self.results, _LOGIT))
        alone = [(one, rest.expected_rate(one.models[0], None)) for one, rest, _ in held]
        beside = [
            (one, rest.expected_rate(one.models[0], level))
            for one, rest, level in held
            if level is not None
        ]
        return _items_worth(alone), _items_worth(beside)

    @cached_property
    def token_effects(self) -> Effects:
        """What tests and models add to the logarithm of the tokens of a task."""
        return Effects.of(self._costed, _LOG_TOKENS)

    @cached_property
    def token_error(self) -> float:
        """How far that misses on a test that was left out: root of the mean square, in logarithms."""
        misses = [
            one.log_tokens - level - rest.models[one.models[0]]
            for one, rest, level in _left_out(self._costed, _LOG_TOKENS)
            if level is not None
        ]
        return float(np.sqrt(np.mean(np.square(misses)))) if misses else math.inf

    @property
    def _costed(self) -> tuple[PublicResult, ...]:
        return tuple(one for one in self.results if not math.isnan(one.log_tokens))

    def of(self, model: str) -> tuple[PublicResult, ...]:
        """Return the results that stand for a model of a catalog."""
        return tuple(one for one in self.results if model in one.models)

    def costs_of(self, model: str) -> int:
        """Return how many published costs of a task there are of a model."""
        return sum(model in one.models for one in self._costed)


def _left_out(
    results: Sequence[PublicResult], number: Callable[[PublicResult], float]
) -> Iterator[tuple[PublicResult, Effects, float | None]]:
    """Yield each result with the effects of all other tests, and what its test adds by others in it."""
    for test in dict.fromkeys(one.test for one in results):
        rest = Effects.of([one for one in results if one.test != test], number)
        there = [one for one in results if one.test == test and one.models[0] in rest.models]
        for one in there:
            levels = [
                number(other) - rest.models[other.models[0]] for other in there if other is not one
            ]
            yield one, rest, float(np.mean(levels)) if levels else None


def _items_worth(predicted: Sequence[tuple[PublicResult, float]]) -> float:
    """Return how few items a beta law may have and still miss as these predictions did."""
    if not predicted:
        return _LEAST
    counts = np.array([one.items for one, _ in predicted], dtype=float)
    solved = counts * [one.solved_percent / 100 for one, _ in predicted]
    rates = np.array([rate for _, rate in predicted])
    tests = [one.test for one, _ in predicted]
    shares = np.array([1 / tests.count(test) for test in tests])
    items = np.geomspace(_LEAST, _MOST, 601)
    yes, no = items[:, None] * rates, items[:, None] * (1 - rates)
    likely = (betaln(yes + solved, no + counts - solved) - betaln(yes, no)) @ shares
    return float(items[likely >= likely.max() - _DROP][0])


@public
def read_public_results(source: str | Path | pd.DataFrame | None = None) -> PublicResults:
    """Read published results of benchmarks.

    Parameters
    ----------
    source : str, Path or DataFrame, optional
        A CSV file or a frame with the columns that ``data/README.md`` has; those that ship if not
        given.

    Returns
    -------
    PublicResults
        Weak evidence of success rates, and of costs of a task.

    Raises
    ------
    EvaluationError
        If a column is missing or unknown, a value is out of its bounds, or a row stands twice.
    FileError
        If the file cannot be read, or is not UTF-8.

    Examples
    --------
    >>> public = read_public_results()
    >>> [f"{one.benchmark}, {one.agent}: {one.solved_percent}%" for one in public.of("kimi-k2.6")][:2]
    ['SWE-bench Verified, OpenHands: 74.6%', 'SWT-bench Verified, OpenHands: 70.4%']
    """
    path = data_dir() / "evaluations" / "public.csv"
    table = Table.of(path if source is None else source)
    with restated(at=table.source, of=EvaluationError):
        table.check(_COLUMNS, _COLUMNS)
    found: dict[tuple[Any, ...], PublicResult] = {}
    for where, row in table.rows:
        with restated(at=where, fault=EvaluationError):
            result = _result(
                {name: "" if is_missing(row[name]) else str(row[name]).strip() for name in _COLUMNS}
            )
            if (result.test, result.models) in found:
                raise EvaluationError(
                    f"{result.published_as} on {result.benchmark} by {result.agent} stands twice. "
                    "Leave one of them out."
                )
        found[result.test, result.models] = result
    if not found:
        raise EvaluationError("no results. Give a row below the header.", at=table.source)
    name = "the shipped public results" if source is None else table.source
    return PublicResults(results=tuple(found.values()), source=name)


@lru_cache(maxsize=1)
def shipped_results() -> PublicResults:
    """Return the published results that ship, read once."""
    return read_public_results()


def public_results(given: PublicResults | bool) -> PublicResults | None:
    """Return the published results that count: those given, those that ship, or none.

    Raises
    ------
    EvaluationError
        If it is neither of these.
    """
    if isinstance(given, PublicResults):
        return given
    if not isinstance(given, bool):
        raise EvaluationError(
            f"published is {shown(given)}. Give what read_public_results returns, or True or False."
        )
    return shipped_results() if given else None


def _result(row: Mapping[str, str]) -> PublicResult:
    for name in (*_NAMES, "models"):
        if not row[name]:
            raise EvaluationError(f"{name} is empty. Give a name.")
    if row["reported_by"] not in ("maker", "others"):
        raise EvaluationError(f"reported_by is {shown(row['reported_by'])}. Give maker or others.")
    try:
        read_on = date.fromisoformat(row["read_on"])
    except ValueError:
        raise EvaluationError(f"read_on is {shown(row['read_on'])}. Give YYYY-MM-DD.") from None
    given: dict[str, Any] = {name: row[name] for name in _NAMES}
    given |= {name: _number(name, row) if row[name] else None for name in _AMOUNTS}
    return PublicResult(
        **given,
        models=tuple(row["models"].split()),
        items=int(_number("items", row, 1)),
        solved_percent=_number("solved_percent", row, 0, 100),
        reported_by=row["reported_by"],
        read_on=read_on,
    )


def _number(name: str, row: Mapping[str, str], low: float = 0, high: float = 1e9) -> float:
    text = row[name]
    if not _NUMBER.fullmatch(text) or not low <= float(text) <= high:
        raise EvaluationError(f"{name} is {shown(text)}. Give a number from {low:g} to {high:g}.")
    return float(text)
