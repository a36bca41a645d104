"""The sheet of assumptions: what can be changed of each workload, its events, and prices to come."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from kimi_planner.billing.meters import METERS, title_of
from kimi_planner.report.register import assumptions_table
from kimi_planner.report.xlsx.book import Book
from kimi_planner.report.xlsx.live import Live
from kimi_planner.report.xlsx.scope import CERTAINTY
from kimi_planner.report.xlsx.sheet import Sheet, cell, span
from kimi_planner.report.xlsx.traffic import EventCells
from kimi_planner.workload.dated import PriceChange

ASSUMPTIONS, RATES, PATH = "Assumptions", "Rates", "Prices by month"
CONTINGENCY = "contingency"
_FACTORS = (
    ("traffic_factor", "traffic x", "All calls, times this."),
    ("answer_factor", "answers x", "Tokens of all visible answers, times this."),
    ("reasoning_factor", "reasoning x", "Tokens of all chains of thought, times this."),
    (CONTINGENCY, "contingency", "Added to the number that is booked."),
)
_FIRST_FACTOR = 4
_HEADER = _FIRST_FACTOR + len(_FACTORS) + 1
_WORDS = {
    "model": "model", "certainty": "certainty of numbers without a range", "starts": "starts on",
    "ends": "ends on", "requests": "calls a day, mean", "growth": "growth a month",
    "prompt": "prompt tokens a call", "answer": "answer tokens a call",
    "reasoning": "reasoning tokens a call", "batch": "share of calls in batches",
    "budget": "budget a month", "place": "place of the model", "sure": "place of its certainty",
}  # fmt: skip
_SAID = (
    "Change a yellow cell: budget, risk and every total follow. Limits of answers, context windows, the history of "
    "conversations and what a cache serves are not worked out anew: plan again for these."
)
_TOKENS = (
    "Tokens are those of a mean call as billed: with the history that a conversation sends again, after its limits, and "
    "with retries. A range of growth counts with its mean once that is changed. Reasoning that is assumed is in proportion "
    "to the answer, until a number is put in: then each model that thinks uses that."
)
_EVENTS = ("workload", "event", "from", "to", "what", "size")
_CHANGES = ("of workloads", "model", "from", "", "what", "value")


@dataclass(frozen=True)
class Inputs:
    """Writes the sheet, and knows where its cells are."""

    live: Live

    @cached_property
    def columns(self) -> dict[str, int]:
        """Column of what is assumed of a workload; two at last are worked out from others."""
        of_call = [name for name in self.live.amounts if name != "requests"]
        batch = ["batch"] * bool(self.live.batches)
        names = ["model", "certainty", "starts", "ends", "requests", "growth", *of_call, *batch]
        return {name: at for at, name in enumerate([*names, "budget", "place", "sure"], 1)}

    def row(self, workload: str) -> int:
        """Return the row of a workload."""
        return _HEADER + 1 + list(self.live.workloads).index(workload)

    def assumed(self, workload: str) -> dict[str, str]:
        """Return the cells of what is assumed of a workload, by name."""
        return self._assumed[workload]

    @cached_property
    def _assumed(self) -> dict[str, dict[str, str]]:
        return {
            workload: {
                name: cell(self.row(workload), column, ASSUMPTIONS)
                for name, column in self.columns.items()
            }
            for workload in self.live.workloads
        }

    @cached_property
    def _events(self) -> dict[tuple[str, str], int]:
        """Row of each event, by workload and name."""
        first = _HEADER + len(self.live.workloads) + 5
        keys = [
            (name, event.name)
            for name, workload in self.live.workloads.items()
            for event in workload.dated_events
        ]
        return {key: row for row, key in enumerate(keys, first)}

    def events(self, workload: str, *, added: bool) -> list[EventCells]:
        """Return the cells of events: of those that add calls, or of those that multiply traffic."""
        rows = [
            self._events[workload, event.name]
            for event in self.live.workloads[workload].dated_events
            if (event.factor is None) == added
        ]
        return [EventCells(*(cell(row, at, ASSUMPTIONS) for at in (2, 3, 5))) for row in rows]

    @cached_property
    def _changes(self) -> dict[tuple[int, int, str], int]:
        """Row of each number of a price change, by list, place in it and price; a factor's is ``""``."""
        first = _HEADER + len(self.live.workloads) + 5 + (len(self._events) or -3) + 3
        keys = [
            (many, place, price)
            for many, changes in enumerate(self.live.changes)
            for place, change in enumerate(changes)
            for price in (change.prices or ("",))
        ]
        return {key: row for row, key in enumerate(keys, first)}

    def change_day(self, many: int, place: int) -> str:
        """Return the cell with the first day of a price change."""
        row = next(row for key, row in self._changes.items() if key[:2] == (many, place))
        return cell(row, 2, ASSUMPTIONS)

    def change(self, many: int, place: int, price: str = "") -> str:
        """Return the cell with the factor of a price change, or with one of its prices."""
        return cell(self._changes[many, place, price], 5, ASSUMPTIONS)

    @property
    def models(self) -> str:
        """The range with the ids of the models."""
        return span((4, 3 + len(self.live.specs)), self.list_column, RATES)

    @property
    def list_column(self) -> int:
        """Column of the list of models on the sheet of rates."""
        return 3 + 2 * (len(self.live.amounts) + 1) + 38  # after names, rates and spreads

    def write(self, book: Book, sheet: Sheet) -> None:
        """Write what can be changed, then every assumption as it was given."""
        live, width = self.live, self.columns["budget"] + 1
        sheet.text(0, 0, "Assumptions", "title")
        sheet.paragraph(1, _SAID, "grey_wrapped", columns=width)
        sheet.text(_FIRST_FACTOR - 1, 0, "What if", "heading")
        percent = float(live.recommendation.projection.booking.contingency_percent) / 100
        for row, (name, words, meaning) in enumerate(_FACTORS, _FIRST_FACTOR):
            sheet.text(row, 0, words)
            is_share = name == CONTINGENCY
            sheet.entry(row, 1, percent if is_share else 1.0, "share" if is_share else "money")
            sheet.text(row, 2, meaning, "grey_left")
            book.define(name, cell(row, 1, ASSUMPTIONS))
        titles = _WORDS | {key: f"{title_of(key)}, share of the prompt" for key in live.shares}
        titles |= {key: f"{title_of(key)}, times a call" for key in live.fees}
        sheet.header(_HEADER, ("workload", *(titles[name] for name in self.columns)), texts=5)
        for name in live.workloads:
            self._write_workload(sheet, name)
        row = self.row(list(live.workloads)[-1]) + 1
        row = sheet.paragraph(row, _TOKENS, "grey_wrapped", columns=width)
        self._write_events(sheet)
        self._write_changes(sheet)
        row = max([row, *self._events.values(), *self._changes.values()]) + 2
        sheet.text(row, 0, "As they were given", "heading")
        table = assumptions_table(live.recommendation.projection)
        sheet.header(row + 1, table.headers, texts=3)
        for at, texts in enumerate(table.rows, row + 2):
            sheet.texts(at, *texts)
        sheet.raw.freeze_panes(0, 1)
        sheet.page((row + 1 + len(table.rows), width - 1))

    def _write_workload(self, sheet: Sheet, name: str) -> None:
        live, row, columns = self.live, self.row(name), self.columns
        assumed, budget = live.assumed[name], live.limit(name)
        best, own = live.recommendation.best[name], self.assumed(name)
        sheet.text(row, 0, name)
        for key, text, known in (
            ("model", best, self.models),
            ("certainty", assumed.certainty, CERTAINTY),
        ):
            sheet.text(row, columns[key], text, "input_left")
            sheet.choice(row, columns[key], known)
        write_day = sheet.day_entry if assumed.is_dated else sheet.day
        for key, day in (("starts", assumed.starts), ("ends", assumed.ends)):
            write_day(row, columns[key], day)
        sheet.entry(row, columns["growth"], assumed.growth, "share", least=-0.99)
        for key, value in assumed.values.items():
            style = "share" if key in live.shares else "price" if key in live.fees else "tenths"
            most = 1 if key in live.shares else None
            sheet.entry(row, columns[key], value, style, most=most)
        if live.batches:
            sheet.entry(row, columns["batch"], assumed.batch, "share", most=1)
        sheet.entry(row, columns["budget"], None if budget is None else float(budget), "money")
        # "=" and MATCH take ids that differ in case for the same
        found = f"SUMPRODUCT(EXACT({self.models},{own['model']})*(ROW({self.models})-4))"
        place = f"IF({found}=0,NA(),{found})"  # another text is no model, and nothing is made up
        at = list(live.specs).index(best)
        sheet.formula(row, columns["place"], place, at + 1, "grey_factor")
        words = ",".join(f'"{one}"' for one in CERTAINTY)
        sure = f"MATCH({own['certainty']},{{{words}}},0)"
        value = CERTAINTY.index(assumed.certainty) + 1
        sheet.formula(row, columns["sure"], sure, value, "grey_factor")

    def _write_events(self, sheet: Sheet) -> None:
        if not self._events:
            return
        first = min(self._events.values())
        sheet.text(first - 2, 0, "Events", "heading")
        sheet.header(first - 1, _EVENTS, texts=5)
        for name, workload in self.live.workloads.items():
            for event in workload.dated_events:
                row = self._events[name, event.name]
                sheet.texts(row, name, event.name)
                sheet.day_entry(row, 2, event.first)
                sheet.day_entry(row, 3, event.last)
                sheet.text(row, 4, "extra calls" if event.factor is None else "traffic times")
                sheet.entry(row, 5, event.size.mean, "price")

    def _write_changes(self, sheet: Sheet) -> None:
        if not self._changes:
            return
        first = min(self._changes.values())
        sheet.text(first - 2, 0, "Changes of price", "heading")
        sheet.header(first - 1, _CHANGES, texts=5)
        days = span((4, 3 + len(self.live.periods)), 0, PATH)
        for (many, place, price), row in self._changes.items():
            change = self.live.changes[many][place]
            sheet.texts(row, self._whose(many), change.model or "all models")
            if cell(row, 2, ASSUMPTIONS) == self.change_day(many, place):
                sheet.day(row, 2, max(change.day, self.live.periods[0].first), "input_date")
                sheet.choice(row, 2, days)
            sheet.text(row, 4, _meter_of(price, self.live.currency))
            sheet.entry(row, 5, _number(change, price), "price")

    def _whose(self, many: int) -> str:
        if len(self.live.changes) == 1:
            return "all"
        return ", ".join(one for one in self.live.workloads if self.live.list_of(one) == many)


def _meter_of(price: str, currency: str) -> str:
    """Return the words for a price of a change."""
    titles = {meter.price: title_of(key) for key, meter in METERS.items() if meter.plain is None}
    return f"{titles[price]}, {currency} per million" if price else "every price times"


def _number(change: PriceChange, price: str) -> float:
    if price:
        return float(change.prices[price])
    assert change.factor is not None, "one of the two is given"  # noqa: S101 - narrows the type
    return change.factor.mean
