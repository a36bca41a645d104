"""Which prices hold for a model on a day: each tariff made once, and what to say of those used."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from kimi_planner.billing.call import unstated_notes
from kimi_planner.billing.meters import METERS, Usage
from kimi_planner.billing.tariff import Tariff
from kimi_planner.catalog import Catalog
from kimi_planner.catalog.aliases import catalog_id
from kimi_planner.errors import UnknownModelError, UsageError, day_of, restated, shown
from kimi_planner.notes import Note, note


@dataclass(frozen=True, kw_only=True, eq=False)
class Prices:
    """The tariffs of a catalog by model and day.

    Attributes
    ----------
    catalog
        All of its prices count, whenever they became known.
    as_of
        The day whose prices hold for what has no date; the catalog's own if not given.
    alias
        Names of models in a log that the caller maps to ids of the catalog, before any other rule.
    """

    catalog: Catalog
    as_of: date | str | None = None
    alias: Mapping[str, str] | None = None
    _used: dict[tuple[str, int], Tariff] = field(default_factory=dict)
    _undated: dict[str, date] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)
    _said: dict[tuple[str, str], Note] = field(default_factory=dict)

    def __post_init__(self) -> None:
        alias = {} if self.alias is None else self.alias
        is_mapping = isinstance(alias, Mapping)
        if not is_mapping or not all(isinstance(one, str) for one in (*alias, *alias.values())):
            raise UsageError(
                f"alias is {shown(alias)}. Give names of the log and the ids of the catalog they mean: "
                '{"my-kimi": "kimi-k2"}.'
            )
        for name, meant in alias.items():
            with restated(about=f"alias of {shown(name)}", of=UnknownModelError):
                self.catalog.model(meant)
        if self.as_of is not None:
            day_of("as_of", self.as_of, fault=UsageError)

    def changes(self, models: Iterable[str]) -> tuple[date, ...]:
        """Return the days on which a price of some models starts or ends, ascending.

        A model that the catalog does not have has none.
        """
        names = {*models}.intersection(self.catalog.ids)
        return tuple(sorted({day for name in names for day in self.catalog.model(name).price_days}))

    def named(self, name: str) -> str:
        """Return the id of the model that a log's name says; the name itself if there is none."""
        if name not in self._names:
            meant = (self.alias or {}).get(name) or catalog_id(name, self.catalog) or name
            self._names[name] = meant
            if meant != name:
                version = self.catalog.version
                said = note("model_named", name=name, models=meant, catalog=version)
                self._said["model_named", name] = said
        return self._names[name]

    def leave_out(self, name: str, rows: int, why: Exception) -> None:
        """Note that rows of a model are not priced; `notes` will say so, once for each model."""
        known = self._said.get(("not_priced", name))
        rows += known.about["rows"] if known else 0
        self._said["not_priced", name] = note("not_priced", models=name, rows=rows, why=str(why))

    def on(self, model: str, day: date | None) -> Tariff:
        """Return the prices of a model on a day, the same object for days of one price.

        Raises
        ------
        UnknownModelError, PriceNotFoundError
            If the catalog has no such model, or states no price for it on that day.
        """
        spec = self.catalog.model(model)
        if day is None and spec.price_days:
            own = spec.priced_on or spec.price_days[0]
            day = own if self.as_of is None else day_of("as_of", self.as_of, fault=UsageError)
            self._undated[model] = day
        place = 0 if day is None else bisect_right(spec.price_days, day)
        if (model, place) not in self._used:
            dated = spec if day is None else spec.on(day)
            self._used[model, place] = Tariff.of(dated, self.catalog.fees)
        return self._used[model, place]

    def between(self, model: str, first: date, last: date) -> list[Tariff]:
        """Return the prices of a model that hold on some of the days from a first to a last."""
        changes = (day for day in self.changes([model]) if first < day <= last)
        return [self.on(model, day) for day in (first, *changes)]

    def notes(self, parts: Sequence[tuple[Tariff, Usage]]) -> tuple[Note, ...]:
        """Say what the reader must know of the prices at which some usages were billed.

        Also which names of a log were taken for which models, and which were not priced.
        """
        keys = {METERS[key].plain or key for _, usage in parts for key, _ in usage if key in METERS}
        notes = [*unstated_notes(parts)]
        for model in dict.fromkeys(model for model, _ in self._used):
            days = self.catalog.model(model).price_days
            held: list[tuple[list[object], str]] = []
            for (_, place), tariff in sorted(
                item for item in self._used.items() if item[0][0] == model
            ):
                prices = [tariff.price(key) for key in sorted(keys)]
                since = (
                    f"from {days[place - 1]} on" if place else f"before {days[0]}" if days else ""
                )
                if not held or held[-1][0] != prices:
                    held.append((prices, since))
            if len(held) > 1:
                told = " and ".join(since for _, since in held)
                notes.append(note("prices_by_day", models=model, days=told))
            if model in self._undated:
                notes.append(note("undated", models=model, day=self._undated[model]))
        return (*notes, *self._said.values())
