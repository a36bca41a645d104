"""The sheets of spend: by month on the model that each workload has, and by workload on every model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from kimi_planner.billing.meters import FEE, METERS, title_of
from kimi_planner.money import TOKENS_PER_MTOK
from kimi_planner.plan.demand import Period
from kimi_planner.report.xlsx.book import Sheet, block, cell, span
from kimi_planner.report.xlsx.inputs import Inputs
from kimi_planner.report.xlsx.live import Live
from kimi_planner.report.xlsx.prices import Prices
from kimi_planner.report.xlsx.rates import Rates
from kimi_planner.report.xlsx.scope import batch_of
from kimi_planner.report.xlsx.traffic import added_formula, days_formula, growth_formula

__all__ = ["BY_MODEL", "MONTHLY", "Totals", "usd_of"]

MONTHLY, BY_MODEL = "By month", "By model"
HEADER = 2
_MONTH, _FROM, _FIRST_AMOUNT = 2, 3, 4
#: Titles and styles of the columns that traffic is worked out in.
_TRAFFIC = {
    "to": ("to", "date"), "first": ("first day with traffic", "date"), "last": ("last day", "date"),
    "days": ("days of traffic", "grey_factor"), "growth": ("growth x", "grey_factor"),
    "level": ("calls of the level", "whole"), "extra": ("calls of events", "whole"),
}  # fmt: skip
_WORDS = {
    "requests": "requests", "prompt": "prompt tokens", "reasoning": "of output: reasoning",
    "spend": "spend USD", **{key: title for key, (title, _) in _TRAFFIC.items()},
}  # fmt: skip
_SAID = (
    "Days of traffic, growth, calls, and tokens by meter are to the right on the screen, not on paper. A month "
    "is cut where a price changes."
)


def usd_of(key: str) -> str:
    """Return the name of the column of what a meter costs."""
    return f"USD of {key}"


@dataclass(frozen=True)
class Totals:
    """Writes the two sheets, and knows where their amounts are."""

    live: Live
    inputs: Inputs
    prices: Prices
    rates: Rates

    @cached_property
    def columns(self) -> dict[str, int]:
        """Column of what is spent, which is printed, then of what it is worked out from."""
        meters = self.live.meters
        spent = ["requests", *map(usd_of, meters), "spend"]
        names = [*spent, *_TRAFFIC, "prompt", *meters, "reasoning"]
        return {name: column for column, name in enumerate(names, _FIRST_AMOUNT)}

    def _rows(self, *workloads: str) -> tuple[int, int]:
        """Return the rows from the first to the last of workloads."""
        count, names = len(self.live.periods), list(self.live.workloads)
        first, last = (names.index(name) for name in (workloads[0], workloads[-1]))
        return HEADER + 1 + count * first, HEADER + count * (last + 1)

    def column(self, workload: str, name: str = "spend") -> str:
        """Return the range of an amount of a workload, for other sheets."""
        return span(self._rows(workload), self.columns[name], MONTHLY)

    def every(self, name: str = "spend") -> str:
        """Return the range of an amount of all workloads."""
        return span(self._rows(*self.live.workloads), self.columns[name], MONTHLY)

    def month(self, workload: str, month: int) -> str:
        """Return the formula of what a workload spends in a month."""
        first, *_, last = (self._rows(workload)[0] + at for at in 2 * self.live.month_rows[month])
        if first == last:
            return cell(first, self.columns["spend"], MONTHLY)
        return f"SUM({span((first, last), self.columns['spend'], MONTHLY)})"

    def write_monthly(self, sheet: Sheet) -> None:
        """Write a row for each workload and period on the model that it has."""
        live, last = self.live, self.columns["spend"]
        sheet.text(0, 0, "By month, each workload on its model", "title")
        self._write_header(sheet, ("workload", "model", "month", "from"), 4)
        chosen = {
            name: live.lines[key] for key in live.recommendation.best.items() for name in key[:1]
        }
        for name in live.workloads:
            for at, period in enumerate(live.periods):
                self._write_period(sheet, self._rows(name)[0] + at, name, at, period)
        row = self._rows(*live.workloads)[1] + 1
        sheet.texts(row, "all", *[""] * (last - 1), style="total")
        for key in (*map(usd_of, live.meters), "spend"):
            amount = sum(float(live.amount(line, key).sum()) for line in chosen.values())
            total = f"SUM({span((HEADER + 1, row - 1), self.columns[key])})"
            sheet.formula(row, self.columns[key], total, amount, "total_money")
        sheet.paragraph(row + 2, _SAID, "grey_wrapped", columns=last + 1)
        sheet.page((row + 2, last), HEADER, 2)

    def _write_period(self, sheet: Sheet, row: int, name: str, at: int, period: Period) -> None:
        live, own = self.live, self.inputs.assumed(name)
        model = live.recommendation.best[name]
        sheet.text(row, 0, name)
        sheet.formula(row, 1, own["model"], model, "text")
        sheet.day(row, _MONTH, period.first.replace(day=1), "month")
        sheet.day(row, _FROM, period.first)
        place = self._places(row)
        formulas = self._traffic(name, place, cell(row, _FROM), at)
        values = {key: live.calls[name][key][at] for key in formulas}
        sheet.day(row, self.columns["to"], period.last)
        for key, formula in formulas.items():
            sheet.formula(row, self.columns[key], formula, float(values[key]), _TRAFFIC[key][1])
        used = partial(self._used, name, own["rates"], place["level"], place["extra"])
        formulas = self._tokens(name, used, place)
        prices = self.prices.of_period(live.list_of(name), at)
        for key in live.meters:
            column = f"({own['place']}-1)*{self.prices.width}+"
            bill = f"{place[key]}*"
            if key in METERS:
                column += str(live.priced.index(key) + 1)
                bill += f"INDEX({prices},{column})/{TOKENS_PER_MTOK}"
            else:
                bill += self.prices.fee(key)
            formulas[usd_of(key)] = bill + self._beside_at(row, name, key, own["place"])
        self._write_amounts(sheet, row, (name, model), formulas, at)
        self._write_beside(sheet, row, name, at)

    def _places(self, row: int) -> dict[str, str]:
        return {key: cell(row, column) for key, column in self.columns.items()}

    def _traffic(self, name: str, place: Mapping[str, str], since: str, at: int) -> dict[str, str]:
        """Return the formulas of days, growth and calls in a period."""
        live, own, assumed = self.live, self.inputs.assumed(name), self.live.assumed[name]
        factors, added = (self.inputs.events(name, added=one) for one in (False, True))
        days, scale = (place["first"], place["last"]), live.calls[name]["scale"][at]
        grown = self.rates.grown(name) if assumed.grown else ""
        level = f"{own['requests']}*traffic_factor*{place['days']}*{place['growth']}"
        return {
            "first": f"MAX({since},{own['starts']})",
            "last": f'IF({own["ends"]}="",{place["to"]},MIN({place["to"]},{own["ends"]}))',
            "days": days_formula(*days, live.traffic(name).weekdays, factors),
            "growth": growth_formula(since, own, live.months[0].first, assumed.growth, grown),
            "level": level if scale == 1 else f"{level}*{float(scale)!r}",
            "extra": f"traffic_factor*({added_formula(*days, added)})",
        }

    def _used(self, name: str, rates: str, level: str, extra: str, key: str) -> str:
        """Return the formula of what calls of the level, and those of events, use."""
        used = f"{level}*{self.rates.at(key, rates)}"
        if not self.live.has_extra(name):
            return used
        return f"({used}+{extra}*{self.rates.at(key, rates, is_extra=True)})"

    def _tokens(
        self,
        name: str,
        used: Callable[[str], str],
        place: Mapping[str, str],
        least: str = "MAX(0,{})",
    ) -> dict[str, str]:
        """Return the formulas of calls, tokens by meter and fees, from what is used of each rate."""
        live, own = self.live, self.inputs.assumed(name)
        shares = {key: f"{used(key)}*{own['prompt']}*{own[key]}" for key in live.shares}
        answer = f"{used('answer')}*{own['answer']}*answer_factor"
        tokens = {
            **shares,
            "input": least.format("-".join([place["prompt"], *shares.values()])),
            "output": f"({answer}+{place['reasoning']})",
        }
        if live.batches:
            tokens = {
                one: f"{part}*{formula}"
                for key, formula in tokens.items()
                for one, part in ((key, f"(1-{own['batch']})"), (batch_of(key), own["batch"]))
            }
        return {
            "requests": used("requests"),
            "prompt": f"{used('prompt')}*{own['prompt']}",
            "reasoning": f"{used('reasoning')}*{own['reasoning']}*reasoning_factor",
            **tokens,
            **{key: f"{used(key)}*{own[key]}" for key in live.fees},
        }

    def _write_amounts(
        self,
        sheet: Sheet,
        row: int,
        key: tuple[str, str],
        formulas: Mapping[str, str],
        at: int | None = None,
    ) -> None:
        """Write what a workload uses and spends on a model in a period, or in all."""
        live, place = self.live, self._places(row)
        spend = "+".join(place[usd_of(meter)] for meter in live.meters)
        for name, formula in {**formulas, "spend": spend}.items():
            style = "money" if name == "spend" or name.startswith("USD of ") else "whole"
            values = live.amount(live.lines[key], name)
            value = float(np.sum(values) if at is None else values[at])
            sheet.formula(row, self.columns[name], formula, value, style)

    # what the plan has beside its means

    @cached_property
    def _beside(self) -> dict[str, int]:
        """Column of the first factor beside the means, by workload: of each model and meter."""
        first = _FIRST_AMOUNT + len(self.columns) + 1
        return {name: first for name, _ in self.live.beside}

    def _beside_at(self, row: int, name: str, key: str, model: str) -> str:
        """Return the formula of what the spend on a meter is of that of the means, as a factor."""
        if name not in self._beside:
            return ""
        first, meters = self._beside[name], [*self.live.plain, *self.live.fees]
        factors = block((row, row), (first, first + len(meters) * len(self.live.specs) - 1))
        at = f"({model}-1)*{len(meters)}+{meters.index(self.live.plain_of(key)) + 1}"
        return f"*{self._as_planned(name, f'INDEX({factors},{at})')}"

    def _as_planned(self, name: str, factor: str) -> str:
        """Return the formula of a factor that holds while a range of growth does."""
        assumed, own = self.live.assumed[name], self.inputs.assumed(name)
        return f"IF({own['growth']}={assumed.growth!r},{factor},1)" if assumed.grown else factor

    def _write_beside(self, sheet: Sheet, row: int, name: str, at: int) -> None:
        if name in self._beside:
            month = next(n for n, rows in enumerate(self.live.month_rows) if at in rows)
            factors = [self.live.beside.get((name, model), {}) for model in self.live.specs]
            plain = [*self.live.plain, *self.live.fees]
            numbers = [one[key][month] if one else 1.0 for one in factors for key in plain]
            sheet.numbers(row, self._beside[name], numbers)

    # every model

    def write_by_model(self, sheet: Sheet) -> None:
        """Write a row for each workload and model over all months."""
        plan, live = self.live.recommendation, self.live
        months, spent = len(live.months), self.columns["spend"]
        ranked = {(one.workload, one.model): one for one in plan.choices}
        planned = {one.workload: one.basis for one in plan.decisions}
        sheet.text(0, 0, f"By workload and model, {months} month{'s' * (months > 1)}", "title")
        self._write_header(sheet, ("workload", "model", "choice of the plan", "fits"), 3)
        of_model = dict.fromkeys(live.specs, 0.0)
        for row, (key, line) in enumerate(live.lines.items(), HEADER + 1):
            name, model = key
            chosen, choice = plan.best.get(name) == model, ranked.get(key)
            words = "excluded" if choice is None else choice.if_words or "qualifies"
            style = "strong" if chosen else "text"
            sheet.texts(row, name, model, planned[name] if chosen else words, style=style)
            sheet.number(row, 3, plan.fit.share(name, model), "fit")
            self._write_amounts(sheet, row, key, self._of_model(name, model, row))
            of_model[model] += float(line.spend.sum())
        every, below = (HEADER + 1, row), row + 2
        sheet.text(below, 0, "All workloads on one model", "heading")
        for row, (model, amount) in enumerate(of_model.items(), below + 1):
            sheet.texts(row, "", model, *[""] * (spent - 2), style="total")
            same = f"EXACT({span(every, 1)},{cell(row, 1)})"
            summed = f"SUMPRODUCT({same}*{span(every, spent)})"
            sheet.formula(row, spent, summed, amount, "total_money")
        sheet.page((row, spent), HEADER, 2)

    def _of_model(self, name: str, model: str, row: int) -> dict[str, str]:
        """Return the formulas of what all months of a workload use and cost on a model."""
        live, place = self.live, self._places(row)
        calls = [self.column(name, key) for key in ("level", "extra")]
        rates = self.rates.row(name, model, self.inputs.assumed(name)["certainty"])
        by_period = partial(self._used, name, rates, *calls)
        in_all = partial(self._used, name, rates, *(f"SUM({one})" for one in calls))
        formulas, parts = (self._tokens(name, used, place) for used in (in_all, by_period))
        nested = place | {key: f"({parts[key]})" for key in ("prompt", "reasoning")}
        # MAX makes one number of a column: what is below 0 is left out by the sum of all
        tokens = self._tokens(name, by_period, nested, "({})")
        lines = live.lines[name, model], live.lines_of_means[name, model]
        usd, means = (live.by_plain(line.usd) for line in lines)
        for key in live.meters:
            if key in METERS:
                prices = self.prices.over_periods(live.list_of(name), model, key)
                bill = f"({place[key]}>0)*SUMPRODUCT({tokens[key]}*{prices})/{TOKENS_PER_MTOK}"
            else:
                bill = f"{place[key]}*{self.prices.fee(key)}"
            plain = live.plain_of(key)
            beside = float(usd[plain].sum()) / (float(means[plain].sum()) or 1.0) or 1.0
            if abs(beside - 1) > 1e-12:
                bill += f"*{self._as_planned(name, repr(beside))}"
            formulas[usd_of(key)] = bill
        return formulas

    def _write_header(self, sheet: Sheet, names: tuple[str, ...], texts: int) -> None:
        words = {usd_of(key): f"{title_of(key)} USD" for key in self.live.meters}
        words |= {
            key: f"{title_of(key)}{' calls' * key.startswith(FEE)}" for key in self.live.meters
        }
        words |= _WORDS
        sheet.header(HEADER, (*names, *(words[name] for name in self.columns)), texts=texts)
