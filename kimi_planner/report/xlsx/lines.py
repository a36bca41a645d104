"""The sheets of spend: each workload on each model in each period; by month on its model; by model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kimi_planner.billing.meters import FEE, title_of
from kimi_planner.plan.demand import Period
from kimi_planner.report.xlsx.calls import PUT_IN
from kimi_planner.report.xlsx.inputs import Inputs
from kimi_planner.report.xlsx.live import Line, Live
from kimi_planner.report.xlsx.prices import Prices
from kimi_planner.report.xlsx.rates import Rates
from kimi_planner.report.xlsx.scope import batch_of
from kimi_planner.report.xlsx.sheet import Sheet, Shown, cell, span
from kimi_planner.report.xlsx.traffic import added_formula, days_formula, growth_formula

MONTHLY, BY_MODEL, LINES = "By month", "By model", "Lines"
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
    **{key: title for key, (title, _) in _TRAFFIC.items()},
}  # fmt: skip
_SAID = (
    "Days of traffic, growth, calls, and tokens by meter are to the right on the screen, not on paper. A month "
    "is cut where a price changes."
)
_LINES_SAID = (
    "Worked out from calls by month, rates of a call, assumptions and prices; not to be changed."
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
        names = [*spent, "prompt", *meters, "reasoning", *_TRAFFIC]
        return {name: column for column, name in enumerate(names, _FIRST_AMOUNT)}

    @property
    def _amounts(self) -> list[str]:
        """The columns of what is used and spent."""
        return list(self.columns)[: -len(_TRAFFIC)]

    def _places(self, row: int, sheet: str | None = None) -> dict[str, str]:
        return {key: cell(row, column, sheet) for key, column in self.columns.items()}

    def _rows(self, *workloads: str) -> tuple[int, int]:
        """Return the rows by month from the first to the last of workloads."""
        return self._range(list(self.live.workloads), workloads[0], workloads[-1])

    def _range(self, keys: list[Any], first: Any, last: Any) -> tuple[int, int]:
        """Return the rows of all periods from the first to the last of keys."""
        count = len(self.live.periods)
        return HEADER + 1 + count * keys.index(first), HEADER + count * (keys.index(last) + 1)

    def column(self, workload: str, name: str = "spend") -> str:
        """Return the range of an amount of a workload by period, for other sheets."""
        return span(self._rows(workload), self.columns[name], MONTHLY)

    def every(self, name: str = "spend") -> str:
        """Return the range of an amount of all workloads by period."""
        return span(self._rows(*self.live.workloads), self.columns[name], MONTHLY)

    def month(self, workload: str, month: int) -> str:
        """Return the formula of what a workload spends in a month."""
        first, rows = self._rows(workload)[0], self.live.month_rows[month]
        return f"SUM({span((first + rows[0], first + rows[-1]), self.columns['spend'], MONTHLY)})"

    def _lines(self, workload: str, *models: str) -> tuple[int, int]:
        """Return the rows of lines from the first to the last of models of a workload."""
        return self._range(list(self.live.lines), (workload, models[0]), (workload, models[-1]))

    # each workload on each model

    def write_lines(self, sheet: Sheet) -> None:
        """Write a row for each workload, model and period: what is used, times rates, times prices."""
        live = self.live
        sheet.opening("Lines, each workload on each model", _LINES_SAID)
        self._write_header(sheet, ("workload", "model", "", "from"), self._amounts)
        for key, line in live.lines.items():
            first, _ = self._lines(key[0], key[1])
            for at, period in enumerate(live.periods):
                row = first + at
                sheet.texts(row, *key)
                sheet.day(row, _FROM, period.first)
                sheet.formulas(row, _FIRST_AMOUNT, self._shown(line, self._line(*key, at, row), at))
        sheet.page((1, 9), HEADER, 2)

    def _shown(
        self, line: Line, formulas: Mapping[str, str], at: int | None = None
    ) -> Iterator[Shown]:
        """Yield what is used and spent in a period, or in all."""
        for key in self._amounts:
            values = line.amount(key)
            value = values.sum() if at is None else values[at]
            is_usd = key == "spend" or key.startswith("USD of ")
            yield formulas[key], float(value), "money" if is_usd else "whole"

    def _line(self, name: str, model: str, at: int, row: int) -> dict[str, str]:
        """Return the formulas of calls, tokens by meter and fees, and what they cost."""
        live, own, place = self.live, self.inputs.assumed(name), self._places(row)
        calls = self._places(self._rows(name)[0] + at, MONTHLY)

        def used(key: str) -> str:
            of_level = f"{calls['level']}*{self.rates.at(name, model, key)}"
            if not live.has_extra(name):
                return of_level
            return f"({of_level}+{calls['extra']}*{self.rates.at(name, model, key, added=True)})"

        reasoning, values = f"{used('reasoning')}*{own['reasoning']}", live.assumed[name].values
        if live.workloads[name].given("reasoning_tokens") is None:
            if values["answer"]:  # in proportion, as assumed
                reasoning += f"*answer_factor*{own['answer']}/{values['answer']!r}"
            planned = f"{own['reasoning']}={values['reasoning']!r}"
            reasoning = f"IF({planned},{reasoning},{used(PUT_IN)}*{own['reasoning']})"
        reasoning += "*reasoning_factor"
        shares = {key: f"{used(key)}*{own['prompt']}*{own[key]}" for key in live.shares}
        answer = f"{used('answer')}*{own['answer']}*answer_factor"
        tokens = {
            **shares,
            "input": f"MAX(0,{'-'.join([place['prompt'], *shares.values()])})",
            "output": f"({answer}+{place['reasoning']})",
        }
        if live.batches:
            tokens = {
                one: f"{part}*{formula}"
                for key, formula in tokens.items()
                for one, part in ((key, f"(1-{own['batch']})"), (batch_of(key), own["batch"]))
            }
        beside, bills = live.lines[name, model].beside, {}
        for key in live.meters:
            price = self.prices.at(live.list_of(name), model, key, at)
            factor = float(beside[key][at]) if key in beside else 1.0
            planned = repr(factor)
            if live.assumed[name].grown:  # holds while the range of growth does
                planned = f"IF({own['growth']}={live.assumed[name].growth!r},{factor!r},1)"
            bills[usd_of(key)] = f"{place[key]}*{price}{f'*{planned}' * (factor != 1)}"
        return {
            "requests": used("requests"),
            "prompt": f"{used('prompt')}*{own['prompt']}",
            "reasoning": reasoning,
            **tokens,
            **{key: f"{used(key)}*{own[key]}" for key in live.fees},
            **bills,
            "spend": "+".join(place[key] for key in bills),
        }

    # on the model that each has

    def write_monthly(self, sheet: Sheet) -> None:
        """Write a row for each workload and period on the model that it has."""
        live, last = self.live, self.columns["spend"]
        sheet.opening("By month, each workload on its model")
        self._write_header(sheet, ("workload", "model", "month", "from"), self.columns)
        best = live.recommendation.best.items()
        for name, model in best:
            for at, period in enumerate(live.periods):
                self._write_period(sheet, self._rows(name)[0] + at, (name, model), at, period)
        row = self._rows(*live.workloads)[1] + 1
        sheet.texts(row, "all", *[""] * (last - 1), style="total")
        for key in (*map(usd_of, live.meters), "spend"):
            amount = sum(float(live.lines[one].amount(key).sum()) for one in best)
            total = f"SUM({span((HEADER + 1, row - 1), self.columns[key])})"
            sheet.formula(row, self.columns[key], total, amount, "total_money")
        sheet.paragraph(row + 2, _SAID, "grey_wrapped", columns=last + 1)
        sheet.page((row + 2, last), HEADER, 2)

    def _write_period(
        self, sheet: Sheet, row: int, key: tuple[str, str], at: int, period: Period
    ) -> None:
        (name, model), live, own = key, self.live, self.inputs.assumed(key[0])
        sheet.text(row, 0, name)
        sheet.formula(row, 1, own["model"], model, "text")
        sheet.day(row, _MONTH, period.first.replace(day=1), "month")
        sheet.day(row, _FROM, period.first)
        sheet.day(row, self.columns["to"], period.last)
        lines = self._lines(name, *live.specs)
        place = f"({own['place']}-1)*{len(live.periods)}+{at + 1}"
        chosen = {
            one: f"INDEX({span(lines, column, LINES)},{place})"
            for one, column in self.columns.items()
        }
        sheet.formulas(row, _FIRST_AMOUNT, self._shown(live.lines[key], chosen, at))
        for one, formula in self._traffic(name, self._places(row), cell(row, _FROM), at).items():
            value = float(live.calls[name][one][at])
            sheet.formula(row, self.columns[one], formula, value, _TRAFFIC[one][1])

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

    # on every model

    def write_by_model(self, sheet: Sheet) -> None:
        """Write a row for each workload and model over all months."""
        plan, live = self.live.recommendation, self.live
        months, spent = len(live.months), self.columns["spend"]
        ranked = {(one.workload, one.model): one for one in plan.choices}
        planned = {one.workload: one.basis for one in plan.decisions}
        sheet.opening(f"By workload and model, {months} month{'s' * (months > 1)}")
        heads = ("workload", "model", "choice of the plan", "fits")
        self._write_header(sheet, heads, self._amounts)
        of_model = dict.fromkeys(live.specs, 0.0)
        for row, (key, line) in enumerate(live.lines.items(), HEADER + 1):
            name, model = key
            chosen, choice = plan.best.get(name) == model, ranked.get(key)
            words = "excluded" if choice is None else choice.if_words or "qualifies"
            style = "strong" if chosen else "text"
            sheet.texts(row, name, model, planned[name] if chosen else words, style=style)
            sheet.number(row, 3, plan.fit.share(name, model), "fit")
            summed = {
                one: f"SUM({span(self._lines(*key), column, LINES)})"
                for one, column in self.columns.items()
            }
            sheet.formulas(row, _FIRST_AMOUNT, self._shown(line, summed))
            of_model[model] += float(line.spend.sum())
        every, below = (HEADER + 1, row), row + 2
        sheet.text(below, 0, "All workloads on one model", "heading")
        for row, (model, amount) in enumerate(of_model.items(), below + 1):
            sheet.texts(row, "", model, *[""] * (spent - 2), style="total")
            same = f"EXACT({span(every, 1)},{cell(row, 1)})"
            total = f"SUMPRODUCT({same}*{span(every, spent)})"
            sheet.formula(row, spent, total, amount, "total_money")
        sheet.page((row, spent), HEADER, 2)

    def _write_header(self, sheet: Sheet, heads: tuple[str, ...], columns: Iterable[str]) -> None:
        words = {usd_of(key): f"{title_of(key)} {self.live.currency}" for key in self.live.meters}
        words |= {
            key: f"{title_of(key)}{' calls' * key.startswith(FEE)}" for key in self.live.meters
        }
        words |= _WORDS | {"spend": f"spend {self.live.currency}"}
        names = (words[name] for name in columns)
        sheet.header(HEADER, (*heads, *names), texts=len(heads) - (heads[-1] == "fits"))
