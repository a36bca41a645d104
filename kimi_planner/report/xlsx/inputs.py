"""The sheets whose cells can be changed: prices, and assumptions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from kimi_planner.billing.meters import FEE, METERS, fee_key, title_of
from kimi_planner.catalog import ModelSpec
from kimi_planner.report.tables import assumptions_table, source_sentences
from kimi_planner.report.xlsx.book import Book, Sheet, cell
from kimi_planner.report.xlsx.live import Live

__all__ = ["ASSUMPTIONS", "PRICES", "Inputs"]

PRICES, ASSUMPTIONS = "Prices", "Assumptions"
_FIRST_PRICE, _PRICE = 3, 3
_BATCH = "batch_multiplier"
_FACTORS = (
    ("traffic_factor", "traffic x", "All requests, times this."),
    ("answer_factor", "answers x", "Tokens of all visible answers, times this."),
    ("reasoning_factor", "reasoning x", "Tokens of all chains of thought, times this."),
)
_FIRST_FACTOR = 4
_HEADER = _FIRST_FACTOR + len(_FACTORS) + 1
_WORDS = {
    "requests": "requests a day, mean",
    "prompt": "prompt tokens a call",
    "answer": "answer tokens a call",
    "reasoning": "reasoning tokens a call",
}


@dataclass(frozen=True)
class Inputs:
    """Writes the two sheets, and knows where their cells are."""

    live: Live

    @cached_property
    def _prices(self) -> dict[tuple[str, str], int]:
        """Row of each price, by model and meter; of a fee, the model is empty."""
        live = self.live
        batch = [_BATCH, *live.batches] if live.batches else []
        keys = [(model, key) for model in live.tariffs for key in (*live.plain, *batch)]
        keys += [("", fee_key(fee.name)) for fee in live.recommendation.projection.catalog.fees]
        return {key: row for row, key in enumerate(keys, _FIRST_PRICE + 1)}

    def price(self, model: str, key: str) -> str:
        """Return the cell of a price."""
        return self._price(model, key, PRICES)

    def _price(self, model: str, key: str, sheet: str | None = None) -> str:
        return cell(self._prices["" if key.startswith(FEE) else model, key], _PRICE, sheet)

    def assumed(self, workload: str) -> dict[str, str]:
        """Return the cells of what is assumed of a workload, by name."""
        row = _HEADER + 1 + list(self.live.assumed).index(workload)
        names = self.live.assumed[workload].values
        return {name: cell(row, column, ASSUMPTIONS) for column, name in enumerate(names, 1)}

    def write_prices(self, sheet: Sheet) -> None:
        """Write a row for each price of each model, the fees, and what is said of the sources."""
        projection = self.live.recommendation.projection
        catalog, first = projection.catalog, projection.months[0].first
        sheet.text(0, 0, f"Prices: catalog {catalog.version}", "title")
        sheet.paragraph(
            1,
            f"USD per 1,000,000 tokens, or per call of a fee, on {first}. Change a yellow cell, and "
            "every total follows.",
            "muted",
        )
        sheet.header(_FIRST_PRICE, ("model", "name", "meter", "USD"), texts=3)
        for column, name in enumerate(("checked on", "source", "note"), start=4):
            sheet.text(_FIRST_PRICE, column, name, "header_beside")
        specs = {spec.id: spec.on(first) for spec in projection.specs}
        fees = {fee_key(fee.name): fee for fee in catalog.fees}
        row = _FIRST_PRICE
        for (model, key), row in self._prices.items():
            sheet.texts(row, model or "any", specs[model].name or "" if model else "")
            if key in fees:
                source, note = fees[key].source, fees[key].note
                sheet.text(row, 2, f"{title_of(key)}, a call")
                sheet.number(row, _PRICE, float(fees[key].usd_per_call), "input_price")
            else:
                source, note = _source(specs[model], key), self._write_price(sheet, row, model, key)
            if key not in self.live.batches:
                sheet.limit(row, _PRICE)
            stated = catalog.sources.get(source, catalog.source)
            if key in fees or not note:
                sheet.text(row, 4, stated.check.removeprefix("checked on "), "beside")
                sheet.text(row, 5, stated.title, "beside")
            sheet.text(row, 6, note, "beside")
        row += 2
        for sentence in source_sentences(catalog):
            row = sheet.paragraph(row, sentence)
        if catalog.tax:
            sheet.paragraph(row, f"Tax: {catalog.tax}.")
        sheet.table_page(_FIRST_PRICE, 1)

    def _write_price(self, sheet: Sheet, row: int, model: str, key: str) -> str:
        """Write one price of a model, and return what is to be noted of it."""
        tariff = self.live.tariffs[model]
        if key == _BATCH:
            sheet.text(row, 2, "batch, times the price")
            sheet.number(row, _PRICE, float(tariff.batch or 0), "input_price")
            return ""
        sheet.text(row, 2, title_of(key))
        meter, price = METERS[key], float(tariff.usd_per_mtok(key))
        if meter.plain is not None:
            formula = f"{self._price(model, meter.plain)}*{self._price(model, _BATCH)}"
            sheet.formula(row, _PRICE, formula, price, "price")
            return f"{title_of(meter.plain)} times that of a batch"
        if meter.stands_in is not None and not tariff.states(key):
            sheet.formula(row, _PRICE, self._price(model, meter.stands_in), price, "input_price")
            return f"not stated: billed as {title_of(meter.stands_in)}"
        sheet.number(row, _PRICE, price, "input_price")
        return ""

    def write_assumptions(self, book: Book, sheet: Sheet) -> None:
        """Write what can be changed, then every assumption as it was given."""
        sheet.text(0, 0, "Assumptions", "title")
        sheet.paragraph(
            1,
            "Change a yellow cell, and every total follows in proportion. Limits of answers, context "
            "windows and the history of conversations are not worked out anew: plan again for these.",
            "muted",
        )
        sheet.text(_FIRST_FACTOR - 1, 0, "What if", "heading")
        for place, (name, words, meaning) in enumerate(_FACTORS):
            row = _FIRST_FACTOR + place
            sheet.text(row, 0, words)
            sheet.number(row, 1, 1.0, "input_factor")
            sheet.limit(row, 1)
            sheet.text(row, 2, meaning, "aside")
            book.define(name, cell(row, 1, ASSUMPTIONS))
        live = self.live
        titles = _WORDS | {key: f"{title_of(key)}, share of the prompt" for key in live.shares}
        titles |= {key: f"{title_of(key)}, calls a request" for key in live.fees}
        names = list(next(iter(live.assumed.values())).values)
        sheet.header(_HEADER, ("workload", *(titles[name] for name in names)), texts=1)
        sheet.text(_HEADER, len(names) + 1, "source", "header_beside")
        row = _HEADER
        for row, (workload, assumed) in enumerate(live.assumed.items(), _HEADER + 1):
            sheet.text(row, 0, workload)
            for column, (name, value) in enumerate(assumed.values.items(), 1):
                share, fee = name in live.shares, name in live.fees
                style = "input_share" if share else "input_price" if fee else "input_count"
                sheet.number(row, column, value, style)
                sheet.limit(row, column, 1 if share else None)
            sheet.text(row, len(names) + 1, assumed.source, "beside")
        row = sheet.paragraph(
            row + 1,
            "Tokens are those of a mean call as billed: with the history that a conversation sends "
            "again, after its limits, and with retries.",
            "muted",
        )
        sheet.text(row + 1, 0, "As they were given", "heading")
        table = assumptions_table(live.recommendation.projection)
        row += 2
        sheet.header(
            row, (*table.headers[:2], "", table.headers[2], *[""] * (len(names) - 2)), texts=8
        )
        for line, texts in enumerate(table.rows, row + 1):
            for column, text in zip((0, 1, 3), texts, strict=True):
                sheet.text(line, column, text)


def _source(spec: ModelSpec, key: str) -> str:
    """Return the key of the source of a price: that of the period that has begun, or the model's."""
    name = key if key == _BATCH else METERS[key].price
    begun = [one for one in spec.price_periods if spec.priced_on and one.starts_by(spec.priced_on)]
    dated = bool(begun) and getattr(begun[-1], name, None) is not None
    return begun[-1].source if dated else spec.sources.get(name, "")
