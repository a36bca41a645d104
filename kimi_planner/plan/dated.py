"""What has a date in a plan, and what it is worth: starts, launches, and changes of price."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from kimi_planner.plan.projection import Projection
from kimi_planner.plan.simulation import replanned
from kimi_planner.workload import Workload


@dataclass(frozen=True)
class Dated:
    """Something that happens on a day of a plan.

    Attributes
    ----------
    day
        Its first day within the plan.
    words
        What happens.
    usd
        Expected spend of the plan with it, less that without; ``None`` where there is no plan without it.
    last
        Its last day, where it ends.
    """

    day: date
    words: str
    usd: float | None = None
    last: date | None = None


def dated(projection: Projection, choice: Mapping[str, str]) -> list[Dated]:
    """Return what happens in a plan, each workload on its model, first things first.

    Parameters
    ----------
    projection : Projection
        The plan.
    choice : mapping of str to str
        Workload name to model id.

    Examples
    --------
    >>> from kimi_planner.plan import Workload, project
    >>> chat = Workload(name="chat", requests_per_day=1000, prompt_tokens=1000, completion_tokens=0,
    ...     events=({"name": "launch", "date": "2027-01-05", "factor": 3},))
    >>> plan = project(chat, 1, "2027-01", "kimi-k2", as_of="2026-11-28", catalog="2026-06")
    >>> [(one.words, round(one.usd, 2)) for one in dated(plan, {"chat": "kimi-k2"})]
    [('chat, launch, 2027-01-05: traffic times 3', 2.4)]
    """
    worth: dict[Happening, float | None] = {}
    for one, load, without in _all(projection, choice):
        before = worth.get(one, 0.0)  # a change of price concerns several workloads
        usd = None if without is None else _worth(projection, load, without, choice[load.name])
        worth[one] = None if before is None or usd is None else before + usd
    return [Dated(one.day, one.words, usd, one.last) for one, usd in worth.items()]


def happening(projection: Projection, choice: Mapping[str, str]) -> list[Dated]:
    """Return the same without what it is worth, which needs no plan without it."""
    once = dict.fromkeys(one for one, _, _ in _all(projection, choice))
    return [Dated(one.day, one.words, last=one.last) for one in once]


class Happening(NamedTuple):
    """What has a day in a plan, whatever it is worth."""

    day: date
    words: str
    last: date | None = None


#: What happens, to which workload, and the workload without it where there is such a one.
_Found = tuple[Happening, Workload, Workload | None]


def _all(projection: Projection, choice: Mapping[str, str]) -> list[_Found]:
    """Return what happens within a plan, first things first."""
    start, until = projection.months[0].first, projection.months[-1].next.first
    found = [
        one
        for load in projection.workloads
        if load.name in choice
        for one in _of(projection, load, choice[load.name], start)
        if start <= one[0].day < until
    ]
    return sorted(found, key=lambda one: one[0].day)


def _of(projection: Projection, load: Workload, model: str, start: date) -> Iterator[_Found]:
    for day, verb in ((load.starts_on, "starts"), (load.ends_on, "ends")):
        if isinstance(day, date):
            yield Happening(day, f"{load.name} {verb} on {day}"), load, None
    for event in load.dated_events:
        if event.last >= start:
            without = tuple(one for one in load.dated_events if one != event)
            words = f"{load.name}, {event.name}, {event.describe()}"
            when = Happening(max(event.first, start), words, event.last)
            yield when, load, replace(load, events=without)
    for change in load.dated_price_changes:
        if change.model in (None, model):
            others = tuple(one for one in load.dated_price_changes if one != change)
            when = Happening(change.day, f"Price {change.describe()}")
            yield when, load, replace(load, price_changes=others)
    for day in projection.catalog.model(model).price_days:
        words = f"Price from {day}, {model}: as catalog {projection.catalog.version} has it"
        yield Happening(day, words), load, None


def _worth(projection: Projection, load: Workload, without: Workload, model: str) -> float:
    """Return the expected spend of a workload less that of the same without something."""
    [spec] = (one for one in projection.specs if one.id == model)
    other = replanned(replace(projection, specs=(spec,)), [without])
    return float(projection.of(model, load.name).mean().sum() - other.of(model).mean().sum())
