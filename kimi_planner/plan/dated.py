"""What has a date in a plan, and what it is worth: starts, launches, and changes of price."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

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
    """

    day: date
    words: str
    usd: float | None = None


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
    start, until = projection.months[0].first, projection.months[-1].next.first
    workloads = [one for one in projection.workloads if one.name in choice]
    worth: dict[tuple[date, str], float | None] = {}
    for load in workloads:
        for one in _of(projection, load, choice[load.name], start):
            key = one.day, one.words
            before = worth.get(key, 0.0)  # a change of price concerns several workloads
            worth[key] = None if before is None or one.usd is None else before + one.usd
    found = [Dated(*key, usd) for key, usd in worth.items() if start <= key[0] < until]
    return sorted(found, key=lambda one: one.day)


def _of(projection: Projection, load: Workload, model: str, start: date) -> Iterator[Dated]:
    for day, verb in ((load.starts_on, "starts"), (load.ends_on, "ends")):
        if isinstance(day, date):
            yield Dated(day, f"{load.name} {verb} on {day}")
    for event in load.dated_events:
        if event.last >= start:
            without = tuple(one for one in load.dated_events if one != event)
            worth = _worth(projection, load, replace(load, events=without), model)
            words = f"{load.name}, {event.name}, {event.describe()}"
            yield Dated(max(event.first, start), words, worth)
    for change in load.dated_price_changes:
        if change.model in (None, model):
            others = tuple(one for one in load.dated_price_changes if one != change)
            usd = _worth(projection, load, replace(load, price_changes=others), model)
            yield Dated(change.day, f"Price {change.describe()}", usd)
    for day in projection.catalog.model(model).price_days:
        words = f"Price from {day}, {model}: as catalog {projection.catalog.version} has it"
        yield Dated(day, words)


def _worth(projection: Projection, load: Workload, without: Workload, model: str) -> float:
    """Return the expected spend of a workload less that of the same without something."""
    [spec] = (one for one in projection.specs if one.id == model)
    other = replanned(replace(projection, specs=(spec,)), [without])
    return float(projection.of(model, load.name).mean().sum() - other.of(model).mean().sum())
