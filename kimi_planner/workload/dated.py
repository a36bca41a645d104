"""What has a date in a workload: events of traffic, and changes of price."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from kimi_planner.catalog.derived import usd_price
from kimi_planner.catalog.model import PRICES
from kimi_planner.errors import CatalogError, WorkloadError, restated, shown
from kimi_planner.workload.check import check_keys, refused
from kimi_planner.workload.parse import parse_quantity
from kimi_planner.workload.quantity import Quantity

_EVENT_KEYS = sorted({"name", "date", "from", "to", "factor", "extra_requests"})
_CHANGE_KEYS = sorted({"date", "model", "factor", *PRICES})


@dataclass(frozen=True, kw_only=True)
class Event:
    """Days on which traffic is not as usual.

    Attributes
    ----------
    name
        What the team calls it; unique in a workload.
    first, last
        Its days, both included; ``date``, or ``from`` and ``to``, in a file.
    factor
        What the traffic of each of these days is multiplied by.
    extra_requests
        Calls over the whole event on top of the usual ones, the same number each day; they do not
        grow. Either this or ``factor`` is given; a spread is over paths.
    """

    name: str
    first: date
    last: date
    factor: Quantity | None = None
    extra_requests: Quantity | None = None

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.last - self.first).days + 1

    @property
    def size(self) -> Quantity:
        """The factor, or the extra calls."""
        given = self.extra_requests if self.factor is None else self.factor
        assert given is not None, "one of the two is given"  # noqa: S101 - narrows the type
        return given

    def describe(self) -> str:
        """Return days and effect, for a table of assumptions."""
        days = f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"
        effect = "extra calls" if self.factor is None else "traffic times"
        return f"{days}: {effect} {self.size.describe()}"


@dataclass(frozen=True, kw_only=True)
class PriceChange:
    """Prices that differ from the catalog's from a day on.

    Attributes
    ----------
    day
        The first day of the new prices; ``date`` in a file.
    model
        Whose prices; every model's if ``None``.
    prices
        From ``input_usd_per_mtok``, ``cached_input_usd_per_mtok`` or ``output_usd_per_mtok`` to USD
        per 1,000,000 tokens; what is not named stays as it was.
    factor
        What every price is multiplied by instead; a spread is over paths, and is drawn once for
        all workloads.
    """

    day: date
    model: str | None = None
    prices: Mapping[str, Decimal] = field(default_factory=dict)
    factor: Quantity | None = None

    @property
    def key(self) -> str:
        """What tells the change from others of the same day."""
        return f"price_change {self.day} {self.model or 'all models'}"

    def describe(self) -> str:
        """Return day, model and new prices in words."""
        whose = self.model or "all models"
        if self.factor is not None:
            return f"from {self.day}, {whose}: times {self.factor.describe()}"
        new = ", ".join(
            f"{name.removesuffix('_usd_per_mtok').replace('_', ' ')} {price} per 1M tokens"
            for name, price in self.prices.items()
        )
        return f"from {self.day}, {whose}: {new}"


def parse_date(key: str, value: Any) -> date:
    """Return a day given as a date, or as text such as ``"2027-03-01"``.

    Raises
    ------
    WorkloadError
        If it is no day from 2000 to 2199.
    """
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        with suppress(ValueError):  # no such day
            value = date.fromisoformat(value)
    if not isinstance(value, date) or isinstance(value, datetime):
        raise refused(key, value, "It must be a date such as 2027-03-01.")
    if not 2000 <= value.year < 2200:
        raise refused(key, value, "It must lie in the years 2000 to 2199.")
    return value


def parse_events(value: Any, folder: Path = Path()) -> tuple[Event, ...]:
    """Return the events that a list of tables describes.

    Raises
    ------
    WorkloadError
        If one is malformed, or two have one name.
    """
    events = _parse_list("events", value, Event, lambda table: _event(table, folder))
    names = [event.name for event in events]
    for name in names:
        if names.count(name) > 1:
            raise WorkloadError(f"events: two are named {shown(name)}. Names must be unique.")
    return events


def parse_price_changes(value: Any, folder: Path = Path()) -> tuple[PriceChange, ...]:
    """Return the price changes that a list of tables describes, in the order of their days.

    Raises
    ------
    WorkloadError
        If one is malformed, or two are of one day and model.
    """
    changes = _parse_list(
        "price_changes", value, PriceChange, lambda table: _price_change(table, folder)
    )
    keys = [change.key for change in changes]
    for change in changes:
        if keys.count(change.key) > 1:
            raise WorkloadError(
                f"price_change: two are of {change.day} for {change.model or 'all models'}. Write "
                "what they do together as one."
            )
    return tuple(sorted(changes, key=lambda change: change.day))


Parsed = TypeVar("Parsed")


def _parse_list(
    key: str, value: Any, kind: type[Parsed], parse: Callable[[Mapping[str, Any]], Parsed]
) -> tuple[Parsed, ...]:
    if not isinstance(value, list | tuple):
        raise refused(key, value, "It must be a list of tables.")
    for one in value:
        if not isinstance(one, kind | Mapping):
            raise WorkloadError(f"{key} has {shown(one)}. Each must be a table.")
    return tuple(one if isinstance(one, kind) else parse(one) for one in value)


def _event(table: Mapping[str, Any], folder: Path) -> Event:
    name = table.get("name")
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise refused("events: the name", name, "Each event needs a name.")
    what = f"event {shown(name)}"
    check_keys(what, table, _EVENT_KEYS)
    ends = [key for key in ("date", "from", "to") if key in table]
    if ends not in (["date"], ["from", "to"]):
        raise WorkloadError(f"{what}: give date, or from and to.")
    first, last = (parse_date(f"{what}: {key}", table[key]) for key in (ends[0], ends[-1]))
    if last < first:
        raise WorkloadError(f"{what}: to ({last}) is before from ({first}). Put them in order.")
    if ("factor" in table) == ("extra_requests" in table):
        raise WorkloadError(f"{what}: give factor or extra_requests, one of the two.")
    effect = "factor" if "factor" in table else "extra_requests"
    with restated(of=WorkloadError, about=what):
        quantity = parse_quantity(effect, table[effect], folder)
    return Event(name=name, first=first, last=last, **{effect: quantity})


def _price_change(table: Mapping[str, Any], folder: Path) -> PriceChange:
    check_keys("price_change", table, _CHANGE_KEYS)
    if "date" not in table:
        raise WorkloadError("price_change: date is missing.")
    day = parse_date("price_change: date", table["date"])
    what = f"price_change of {day}"
    model = table.get("model")
    if model is not None and (not isinstance(model, str) or not model.strip()):
        raise refused(f"{what}: model", model, "It must be a model id.")
    with restated(of=CatalogError, fault=WorkloadError):
        prices = {key: usd_price(f"{what}: {key}", table[key]) for key in PRICES if key in table}
    if bool(prices) == ("factor" in table):
        raise WorkloadError(f"{what}: give factor, or new prices ({', '.join(PRICES)}).")
    if "factor" not in table:
        return PriceChange(day=day, model=model, prices=prices)
    with restated(of=WorkloadError, about=what):
        return PriceChange(
            day=day, model=model, factor=parse_quantity("factor", table["factor"], folder)
        )
