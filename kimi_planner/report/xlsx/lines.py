"""The sheets of spend: by month on the model that each workload has, and by workload on every model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np

from kimi_planner.billing.meters import FEE, METERS, title_of
from kimi_planner.money import TOKENS_PER_MTOK
from kimi_planner.plan.demand import Period
from kimi_planner.report.xlsx.book import Sheet, cell, span
from kimi_planner.report.xlsx.inputs import Inputs
from kimi_planner.report.xlsx.live import Line, Live
from kimi_planner.report.xlsx.prices import Prices
from kimi_planner.report.xlsx.rates import Rates
from kimi_planner.report.xlsx.traffic import days_formula, growth_formula, serial
from kimi_planner.workload.quantity import Array

__all__ = ["BY_MODEL", "MONTHLY", "Totals", "usd_of"]

MONTHLY, BY_MODEL = "By month", "By model"
HEADER = 2
_MONTH, _FROM, _FIRST_AMOUNT = 2, 3, 4
_WORDS = {
    "requests": "requests", "prompt": "prompt tokens", "reasoning": "of output: reasoning",
    "spend": "spend USD", "to": "to", "first": "first day with traffic", "last": "last day",
    "days": "days of traffic", "growth": "growth x", "level": "calls of the level",
    "extra": "calls of events",
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
        calls = ["to", "first", "last", "days", "growth", "level", "extra"]
        names = [*spent, *calls, "prompt", *meters, "reasoning"]
        return {name: column for column, name in enumerate(names, _FIRST_AMOUNT)}

    def rows(self, workload: str) -> tuple[int, int]:
        """Return the first and last row of a workload."""
        count = len(self.live.periods)
        first = HEADER + 1 + count * list(self.live.workloads).index(workload)
        return first, first + count - 1

    def column(self, workload: str, name: str = "spend") -> str:
        """Return the range of an amount of a workload, for other sheets."""
        return span(self.rows(workload), self.columns[name], MONTHLY)

    def every(self, name: str = "spend") -> str:
        """Return the range of an amount of all workloads."""
        names = list(self.live.workloads)
        rows = self.rows(names[0])[0], self.rows(names[-1])[1]
        return span(rows, self.columns[name], MONTHLY)

    def month(self, workload: str, month: int) -> str:
        """Return the formula of what a workload spends in a month."""
        first = self.rows(workload)[0]
        places = [first + at for at in self.live.month_rows[month]]
        if len(places) == 1:
            return cell(places[0], self.columns["spend"], MONTHLY)
        return f"SUM({span((places[0], places[-1]), self.columns['spend'], MONTHLY)})"

    @cached_property
    def _beside(self) -> dict[str, int]:
        """Column of the first factor beside the means, by workload: of each model and meter."""
        first = _FIRST_AMOUNT + len(self.columns) + 1
        return {name: first for name, _ in self.live.beside}

    def write_monthly(self, sheet: Sheet) -> None:
        """Write a row for each workload and period on the model that it has."""
        live = self.live
        sheet.text(0, 0, "By month, each workload on its model", "title")
        self._write_header(sheet, ("workload", "model", "month", "from"), 4)
        for name in live.workloads:
            line = live.lines[name, live.recommendation.best[name]]
            first = self.rows(name)[0]
            for at, period in enumerate(live.periods):
                self._write_period(sheet, first + at, name, at, period, line)
        row = first + len(live.periods)
        last = self.columns["spend"]
        sheet.texts(row, "all", *[""] * (last - 1), style="total_text")
        chosen = [live.lines[name, live.recommendation.best[name]] for name in live.workloads]
        for name in (*map(usd_of, live.meters), "spend"):
            amount = sum(float(np.sum(_amount(line, name))) for line in chosen)
            rows = HEADER + 1, row - 1
            total = f"SUM({span(rows, self.columns[name])})"
            sheet.formula(row, self.columns[name], total, amount, "total_money")
        sheet.paragraph(row + 2, _SAID, "muted", columns=last + 1)
        sheet.table_page(HEADER, 2)
        sheet.raw.print_area(0, 0, row + 2, last)

    def _write_period(
        self, sheet: Sheet, row: int, name: str, at: int, period: Period, line: Line
    ) -> None:
        live, calls, assumed = self.live, self.live.calls[name], self.live.assumed[name]
        own, place = (
            self.inputs.assumed(name),
            {key: cell(row, one) for key, one in self.columns.items()},
        )
        model = live.recommendation.best[name]
        sheet.text(row, 0, name)
        sheet.formula(row, 1, own["model"], model, "text")
        sheet.month(row, _MONTH, period.first.replace(day=1))
        sheet.day(row, _FROM, period.first)
        sheet.day(row, self.columns["to"], period.last)
        since = cell(row, _FROM)
        events = live.workloads[name].dated_events
        sizes = {event.name: self.inputs.event(name, event) for event in events}
        first = max(period.first, assumed.starts or period.first)
        last = min(period.last, assumed.ends or period.last)
        grown = self.rates.grown(name) if assumed.grown else ""
        weekdays = live.traffic(name).weekdays
        scale = f"*{float(calls.scale[at])!r}" if calls.scale[at] != 1 else ""
        days, extra = days_formula(place["first"], place["last"], weekdays, events, sizes)
        formulas: dict[str, tuple[str, date | float, str]] = {
            "first": (f"MAX({since},{own['starts']})", first, "date"),
            "last": (
                f'IF({own["ends"]}="",{place["to"]},MIN({place["to"]},{own["ends"]}))',
                last,
                "date",
            ),
            "days": (days, calls.days[at], "factor"),
            "growth": (
                growth_formula(since, own, live.periods[0].first, assumed.growth, grown),
                calls.growth[at],
                "factor",
            ),
            "level": (
                f"{own['requests']}*traffic_factor*{place['days']}*{place['growth']}{scale}",
                calls.level[at],
                "count",
            ),
            "extra": (f"traffic_factor*({extra})" if extra else "0", calls.extra[at], "count"),
        }
        for key, (formula, value, style) in formulas.items():
            number = serial(value) if isinstance(value, date) else float(value)
            sheet.formula(row, self.columns[key], formula, number, style)
        for key, formula in self._amounts(name, place, at, own["rates"], own["place"]).items():
            style = "money" if key == "spend" or key.startswith("USD of ") else "count"
            sheet.formula(row, self.columns[key], formula, float(_amount(line, key)[at]), style)
        self._write_beside(sheet, row, name, at)

    def _amounts(
        self, name: str, place: dict[str, str], at: int, rates: str, model: str
    ) -> dict[str, str]:
        """Return the formulas of a period: calls, tokens by meter, and what they cost."""
        live, meters = self.live, self.live.assumed[name].meters

        def used(key: str) -> str:
            level = f"{place['level']}*{self.rates.at(key, rates)}"
            if not live.has_extra(name):
                return level
            return f"({level}+{place['extra']}*{self.rates.at(key, rates, is_extra=True)})"

        formulas = {"requests": used("requests"), **self._tokens(name, used, place)}
        formulas[meters["input"]] = f"MAX(0,{formulas[meters['input']]})"
        prices = self.prices.of_period(live.list_of(name), at)
        for key in meters.values():
            bill = f"{place[key]}*"
            if key in METERS:
                column = f"({model}-1)*{self.prices.width}+{live.priced.index(key) + 1}"
                bill += f"INDEX({prices},{column})/{TOKENS_PER_MTOK}"
            else:
                bill += self.prices.fee(key)
            if name in self._beside:
                bill += f"*{self._beside_at(self.rows(name)[0] + at, name, key, model)}"
            formulas[usd_of(key)] = bill
        formulas["spend"] = "+".join(place[usd_of(key)] for key in meters.values())
        return formulas

    def _tokens(
        self, name: str, used: Callable[[str], str], place: Mapping[str, str]
    ) -> dict[str, str]:
        """Return the formulas of tokens by meter and of fees, from what is used of each rate."""
        live, own, meters = self.live, self.inputs.assumed(name), self.live.assumed[name].meters
        shares = [meters[key] for key in live.shares]
        return {
            "prompt": f"{used('prompt')}*{own['prompt']}",
            "reasoning": f"{used('reasoning')}*{own['reasoning']}*reasoning_factor",
            **{meters[key]: f"{used(key)}*{own['prompt']}*{own[key]}" for key in live.shares},
            meters["input"]: "-".join([place["prompt"], *(place[key] for key in shares)]),
            meters[
                "output"
            ]: f"{used('answer')}*{own['answer']}*answer_factor+{place['reasoning']}",
            **{key: f"{used(key)}*{own[key]}" for key in live.fees},
        }

    def _beside_at(self, row: int, name: str, key: str, model: str) -> str:
        """Return the formula of what the spend on a meter is of that of the means."""
        first = self._beside[name]
        count = len(self.live.meters)
        last = first + count * len(self.live.specs) - 1
        at = f"({model}-1)*{count}+{self.live.meters.index(key) + 1}"
        return self._as_planned(name, f"INDEX({cell(row, first)}:{cell(row, last)},{at})")

    def _as_planned(self, name: str, factor: str) -> str:
        """Return the formula of a factor that holds while a range of growth does."""
        assumed, own = self.live.assumed[name], self.inputs.assumed(name)
        return f"IF({own['growth']}={assumed.growth!r},{factor},1)" if assumed.grown else factor

    def _write_beside(self, sheet: Sheet, row: int, name: str, at: int) -> None:
        if name not in self._beside:
            return
        month = next(n for n, rows in enumerate(self.live.month_rows) if at in rows)
        column = self._beside[name]
        for model in self.live.specs:
            factors = self.live.beside.get((name, model), {})
            for key in self.live.meters:
                number = factors[key][month] if key in factors else 1.0
                sheet.number(row, column, number, "factor")
                column += 1

    def write_by_model(self, sheet: Sheet) -> None:
        """Write a row for each workload and model over all months."""
        plan, live = self.live.recommendation, self.live
        months = len(live.months)
        ranked = {(one.workload, one.model): one for one in plan.choices}
        planned = {one.workload: one.basis for one in plan.decisions}
        sheet.text(
            0, 0, f"By workload and model, {months} month{'s' if months > 1 else ''}", "title"
        )
        self._write_header(sheet, ("workload", "model", "choice of the plan", "fits"), 3)
        row = HEADER
        of_model = dict.fromkeys(live.specs, 0.0)
        for (name, model), line in live.lines.items():
            row += 1
            chosen = plan.best.get(name) == model
            choice = ranked.get((name, model))
            words = "excluded" if choice is None else choice.if_words or "qualifies"
            style = "strong" if chosen else "text"
            sheet.texts(row, name, model, planned[name] if chosen else words, style=style)
            sheet.number(row, 3, plan.fit.share(name, model), "fit")
            self._write_model(sheet, row, name, model, line)
            of_model[model] += float(line.spend.sum())
        every, spent = (HEADER + 1, row), self.columns["spend"]
        row += 2
        sheet.text(row, 0, "All workloads on one model", "heading")
        for model, amount in of_model.items():
            row += 1
            sheet.text(row, 1, model, "total_text")
            same = f"EXACT({span(every, 1)},{cell(row, 1)})"
            summed = f"SUMPRODUCT({same}*{span(every, spent)})"
            sheet.formula(row, spent, summed, amount, "total_money")
        sheet.table_page(HEADER, 2)
        sheet.raw.print_area(0, 0, row, spent)

    def _write_model(self, sheet: Sheet, row: int, name: str, model: str, line: Line) -> None:
        """Write what all months of a workload use and cost on a model."""
        live, own = self.live, self.inputs.assumed(name)
        place = {key: cell(row, one) for key, one in self.columns.items()}
        meters = live.assumed[name].meters
        levels, extras = self.column(name, "level"), self.column(name, "extra")
        rates = self.rates.row(name, model, own["certainty"])

        def used(key: str, level: str = f"SUM({levels})", extra: str = f"SUM({extras})") -> str:
            of_level = f"{level}*{self.rates.at(key, rates)}"
            if not live.has_extra(name):
                return of_level
            return f"({of_level}+{extra}*{self.rates.at(key, rates, is_extra=True)})"

        formulas = {"requests": used("requests"), **self._tokens(name, used, place)}
        formulas[meters["input"]] = f"MAX(0,{formulas[meters['input']]})"
        weights = dict.fromkeys(meters.values(), levels)
        if live.has_extra(name):  # tokens of these calls do not vary with the level

            def by_period(key: str) -> str:
                return used(key, levels, extras)

            parts = self._tokens(name, by_period, place)
            weights = self._tokens(
                name, by_period, place | {key: f"({part})" for key, part in parts.items()}
            )
        many = live.list_of(name)
        for key in meters.values():
            if key in METERS:
                path = self.prices.over_periods(many, model, key)
                total = f"SUMPRODUCT(({weights[key]})*1)"
                mean = f"IF({total}=0,0,SUMPRODUCT(({weights[key]})*{path})/{total})"
                bill = f"{place[key]}*{mean}/{TOKENS_PER_MTOK}"
            else:
                bill = f"{place[key]}*{self.prices.fee(key)}"
            value = float(live.lines_of_means[name, model].usd[key].sum())
            beside = float(line.usd[key].sum()) / value if value else 1.0
            if abs(beside - 1) > 1e-12:
                bill += f"*{self._as_planned(name, repr(beside))}"
            formulas[usd_of(key)] = bill
        formulas["spend"] = "+".join(place[usd_of(key)] for key in meters.values())
        for key, formula in formulas.items():
            style = "money" if key == "spend" or key.startswith("USD of ") else "count"
            value = float(np.sum(_amount(line, key)))
            sheet.formula(row, self.columns[key], formula, value, style)

    def _write_header(self, sheet: Sheet, names: tuple[str, ...], texts: int) -> None:
        words = {usd_of(key): f"{title_of(key)} USD" for key in self.live.meters}
        words |= {
            key: f"{title_of(key)}{' calls' * key.startswith(FEE)}" for key in self.live.meters
        }
        words |= _WORDS
        sheet.header(HEADER, (*names, *(words[name] for name in self.columns)), texts=texts)


def _amount(line: Line, name: str) -> Array:
    """Return an amount of a line by the name of its column."""
    if name == "spend":
        return line.spend
    key = name.removeprefix("USD of ")
    return line.usd[key] if key != name and key in line.usd else line.usage.get(name, np.zeros(1))
