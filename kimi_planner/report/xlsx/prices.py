"""The sheets of prices: what can be changed, with its source, and what it makes of each period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import pairwise

from kimi_planner.billing.meters import METERS, fee_key, title_of
from kimi_planner.billing.tariff import Tariff
from kimi_planner.catalog import ModelSpec
from kimi_planner.money import TOKENS_PER_MTOK
from kimi_planner.report.xlsx.inputs import PATH, Inputs
from kimi_planner.report.xlsx.live import Live
from kimi_planner.report.xlsx.sheet import Sheet, cell

PRICES = "Prices"
_FIRST, _PRICE, _SINCE = 3, 4, 3
_BATCH = "batch_multiplier"
_PATH_ROW = 4
_SAID = (
    " per 1,000,000 tokens, or per call of a fee. Change a yellow cell, and every total follows; changes to come are on "
    "the sheet of assumptions."
)

#: Model, meter and first day of a price; of a fee, the model is empty.
Key = tuple[str, str, date]


@dataclass(frozen=True)
class Prices:
    """Writes the two sheets, and knows where their cells are."""

    live: Live
    inputs: Inputs

    @property
    def _begin(self) -> date:
        return self.live.months[0].first

    @cached_property
    def _rows(self) -> dict[Key, int]:
        """Row of each price: of the first day, and of each later one on which the catalog changes it."""
        keys: list[Key] = []
        for model, spec in self.live.specs.items():
            for key in (*self.live.plain, *[_BATCH] * bool(self.live.batches)):
                days = [
                    day for day in spec.price_days if self._begin < day <= self.live.months[-1].last
                ]
                keys.append((model, key, self._begin))
                keys += [
                    (model, key, day)
                    for before, day in pairwise([self._begin, *days])
                    if _stated(spec, key, day) != _stated(spec, key, before)
                ]
        fees = self.live.recommendation.projection.catalog.fees
        keys += [("", fee_key(fee.name), self._begin) for fee in fees]
        return {key: row for row, key in enumerate(keys, _FIRST + 1)}

    def _cell(self, model: str, key: str, day: date, sheet: str | None = PRICES) -> str:
        """Return the cell of the price that holds on a day."""
        found = [one for one in self._rows if one[:2] == (model, key) and one[2] <= day]
        return cell(self._rows[found[-1]], _PRICE, sheet)

    def _column(self, many: int, model: str, key: str) -> int:
        models, priced = list(self.live.specs), self.live.priced
        return 1 + (many * len(models) + models.index(model)) * len(priced) + priced.index(key)

    def at(self, many: int, model: str, key: str, at: int) -> str:
        """Return the formula of the USD of a token in a period, by list of changes; or of a fee."""
        if key not in METERS:
            return self._cell("", key, self._begin)
        return f"{cell(_PATH_ROW + at, self._column(many, model, key), PATH)}/{TOKENS_PER_MTOK}"

    def write(self, sheet: Sheet) -> None:
        """Write a row for each price of each model, and the fees."""
        catalog = self.live.recommendation.projection.catalog
        sheet.opening(f"Prices: catalog {catalog.version}", f"{catalog.currency}{_SAID}", 8)
        sheet.header(_FIRST, ("model", "name", "meter", "from", catalog.currency), texts=4)
        for column, name in enumerate(("checked on", "source", "note"), start=5):
            sheet.text(_FIRST, column, name, "header_left")
        fees = {fee_key(fee.name): fee for fee in catalog.fees}
        for (model, key, day), row in self._rows.items():
            sheet.day(row, _SINCE, day)
            if model:
                spec = self.live.specs[model].on(day)
                sheet.texts(row, model, spec.name or "")
                source, note = _source(spec, key), self._write_price(sheet, row, spec, key, day)
            else:
                fee = fees[key]
                source, note = fee.source, fee.note
                sheet.texts(row, "any", "", f"{title_of(key)}, a call")
                sheet.entry(row, _PRICE, float(fee.usd_per_call), "price")
            stated = catalog.sources.get(source, catalog.source)
            if not (model and note):
                sheet.text(row, 5, stated.check.removeprefix("checked on "), "wrapped_left")
                sheet.text(row, 6, stated.title, "wrapped_left")
            sheet.text(row, 7, note, "wrapped_left")
        sheet.page((row, 7), _FIRST, 1)

    def _write_price(self, sheet: Sheet, row: int, spec: ModelSpec, key: str, day: date) -> str:
        """Write one price of a model, and return what is to be noted of it."""
        tariff = _tariff(spec, day)
        is_batch = key == _BATCH
        sheet.text(row, 2, "batch, times the price" if is_batch else title_of(key))
        price = float((tariff.batch or 1) if is_batch else tariff.usd_per_mtok(key))
        sheet.entry(row, _PRICE, price, "price")
        if is_batch:
            return "" if spec.batch_multiplier else "not stated: planned as single calls"
        meter = METERS[key]
        if meter.stands_in is None or tariff.states(key):
            return ""
        other = self._cell(spec.id, meter.stands_in, day, None)
        sheet.formula(row, _PRICE, other, price, "input_price")
        return f"not stated: billed as {title_of(meter.stands_in)}"

    def write_path(self, sheet: Sheet) -> None:
        """Write the price of each meter in each period, as formulas of prices and their changes."""
        live = self.live
        sheet.opening(
            f"Prices by month, {live.currency} per 1,000,000 tokens",
            "Worked out from the sheets of prices and assumptions; a month is cut where a price changes.",
        )
        sheet.text(3, 0, "from", "header")
        for at, period in enumerate(live.periods):
            sheet.day(_PATH_ROW + at, 0, period.first)
        for (many, model), tariffs in live.tariffs_by_period.items():
            for key in live.priced:
                column = self._column(many, model, key)
                sheet.text(2, column, model, "header")
                sheet.text(3, column, title_of(key), "header_right")
                for row, (period, tariff) in enumerate(
                    zip(live.periods, tariffs, strict=True), _PATH_ROW
                ):
                    formula = self._formula(many, model, key, row, period.first)
                    sheet.formula(row, column, formula, tariff.usd_per_mtok(key), "price")
        sheet.page((1, 9), 3, 1)

    def _formula(self, many: int, model: str, key: str, row: int, day: date) -> str:
        """Return the formula of a price in a period: the catalog's, and the changes that have begun."""
        meter = METERS[key]
        if meter.plain is not None:
            plain = cell(row, self._column(many, model, meter.plain))
            return f"{plain}*{self._cell(model, _BATCH, day)}"
        is_stated = _tariff(self.live.specs[model], day).states(key)
        formula, since = self._cell(model, key, day), cell(row, 0)
        for place, change in enumerate(self.live.changes[many]):
            if change.model not in (None, model):
                continue
            begun = f"{self.inputs.change_day(many, place)}<={since}"
            if change.factor is not None:
                formula += f"*IF({begun},{self.inputs.change(many, place)},1)"
                continue
            stands_in = METERS[meter.stands_in].price if meter.stands_in else ""
            price = meter.price if meter.price in change.prices else "" if is_stated else stands_in
            if price in change.prices:
                formula = f"IF({begun},{self.inputs.change(many, place, price)},{formula})"
            is_stated = is_stated or meter.price in change.prices
        return formula


def _tariff(spec: ModelSpec, day: date) -> Tariff:
    return Tariff.of(spec.in_plans().on(day), ())


def _stated(spec: ModelSpec, key: str, day: date) -> object:
    """Return what the catalog says of a price on a day."""
    tariff = _tariff(spec, day)
    return tariff.batch if key == _BATCH else tariff.stated.get(key)


def _source(spec: ModelSpec, key: str) -> str:
    """Return the key of the source of a price: that of the period that has begun, or the model's."""
    name = key if key == _BATCH else METERS[key].price
    begun = [one for one in spec.price_periods if spec.priced_on and one.starts_by(spec.priced_on)]
    dated = bool(begun) and getattr(begun[-1], name, None) is not None
    return begun[-1].source if dated else spec.sources.get(name, "")
