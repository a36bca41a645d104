"""The sheets of totals: by month on the planned models, and by workload on every model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from kimi_planner.billing.meters import FEE, METERS, title_of
from kimi_planner.money import TOKENS_PER_MTOK
from kimi_planner.report.xlsx.book import Sheet, cell
from kimi_planner.report.xlsx.inputs import Inputs
from kimi_planner.report.xlsx.live import Line, Live, price_factor

__all__ = ["BY_MODEL", "MONTHLY", "Totals", "usd_of"]

MONTHLY, BY_MODEL = "Monthly", "By model"
HEADER = 2
_MONTH, _FIRST_AMOUNT = 2, 4
_WORDS = {"requests": "requests", "prompt": "prompt tokens", "reasoning": "of output: reasoning"}
_FACTORS_SAID = (
    "Tokens and calls by meter are to the right on the screen, not on paper. Grey columns are what the plan has beside the assumptions and prices: days of traffic with growth "
    "and events; tokens against those of the mean call; prices where they change on the way."
)


def usd_of(key: str) -> str:
    """Return the name of the column of what a meter costs."""
    return f"USD of {key}"


@dataclass(frozen=True)
class Totals:
    """Writes the two sheets, and knows where their amounts are."""

    live: Live
    inputs: Inputs

    @cached_property
    def columns(self) -> dict[str, int]:
        """Column of what is spent, which is printed, then of each amount and factor."""
        meters = self.live.meters
        spent = ["requests", *map(usd_of, meters), "spend", "a month"]
        factors = (f"x {name}" for name in self.live.factors)
        names = [*spent, "prompt", *meters, "reasoning", *factors]
        return {name: column for column, name in enumerate(names, _FIRST_AMOUNT)}

    @cached_property
    def months(self) -> dict[str, tuple[int, int]]:
        """First and last row of the months of each workload."""
        count = len(self.live.recommendation.projection.months)
        return {
            name: (HEADER + 1 + place * count, HEADER + (place + 1) * count)
            for place, name in enumerate(self.live.by_month)
        }

    @property
    def rows(self) -> tuple[int, int]:
        """First and last row of all months."""
        return HEADER + 1, HEADER + sum(map(len, self.live.by_month.values()))

    def column(self, name: str = "spend", rows: tuple[int, int] | None = None) -> str:
        """Return the range of an amount of months, for other sheets; ``"month"`` is their dates."""
        column = _MONTH if name == "month" else self.columns[name]
        return _range(rows or self.rows, column, MONTHLY)

    def write_monthly(self, sheet: Sheet) -> None:
        """Write a row for each workload and month on the planned model."""
        projection, best = self.live.recommendation.projection, self.live.recommendation.best
        sheet.text(0, 0, "By month, each workload on its planned model", "title")
        self._write_header(sheet, ("workload", "model", "month", "days"), last="")
        row = HEADER
        sums: dict[str, float] = {}
        for name, lines in self.live.by_month.items():
            for month, line in zip(projection.months, lines, strict=True):
                row += 1
                sheet.texts(row, name, best[name])
                sheet.month(row, _MONTH, month.first)
                sheet.number(row, 3, month.days, "count")
                for key, value in self._write_line(sheet, row, line, name, best[name]).items():
                    sums[key] = sums.get(key, 0.0) + value
        row += 1
        sheet.texts(row, "all", *[""] * (self.columns["spend"] - 1), style="total_text")
        for name in (*map(usd_of, self.live.meters), "spend"):
            column = self.columns[name]
            total = f"SUM({_range(self.rows, column)})" if sums else "0"
            sheet.formula(row, column, total, sums.get(name, 0.0), "total_money")
        self._finish(sheet, row + 2, self.columns["spend"])

    def write_by_model(self, sheet: Sheet) -> None:
        """Write a row for each workload and model over all months."""
        plan = self.live.recommendation
        projection, months = plan.projection, len(plan.projection.months)
        ranked = {(one.workload, one.model): one for one in plan.choices}
        planned = {one.workload: one.basis for one in plan.decisions}
        sheet.text(
            0, 0, f"By workload and model, {months} month{'s' if months > 1 else ''}", "title"
        )
        self._write_header(sheet, ("workload", "model", "choice", "fits"), last="USD a month")
        spent, a_month = self.columns["spend"], self.columns["a month"]
        row = HEADER
        of_model = dict.fromkeys(projection.models, 0.0)
        for (name, model), line in self.live.by_model.items():
            row += 1
            chosen = plan.best.get(name) == model
            choice = ranked.get((name, model))
            words = "excluded" if choice is None else choice.if_words or "qualifies"
            style = "strong" if chosen else "text"
            sheet.texts(row, name, model, planned[name] if chosen else words, style=style)
            sheet.number(row, 3, plan.fit.share(name, model), "fit")
            rows = self.months[name] if chosen else None
            usd = self._write_line(sheet, row, line, name, model, rows)["spend"]
            sheet.formula(row, a_month, f"{cell(row, spent)}/{months}", usd / months, "money")
            of_model[model] += usd
        every = HEADER + 1, row
        row += 2
        sheet.text(row, 0, "All workloads on one model", "heading")
        for model, amount in of_model.items():
            row += 1
            sheet.text(row, 1, model, "total_text")
            # "=" takes ids that differ in case for the same
            same = f"EXACT({_range(every, 1)},{cell(row, 1)})"
            summed = f"SUMPRODUCT({same}*{_range(every, spent)})"
            sheet.formula(row, spent, summed, amount, "total_money")
            a_share = f"{cell(row, spent)}/{months}"
            sheet.formula(row, a_month, a_share, amount / months, "total_money")
        self._finish(sheet, row + 2, a_month)

    def _write_header(self, sheet: Sheet, names: tuple[str, ...], last: str) -> None:
        words = {usd_of(key): f"{title_of(key)} USD" for key in self.live.meters}
        words |= {
            key: f"{title_of(key)}{' calls' * key.startswith(FEE)}" for key in self.live.meters
        }
        words |= _WORDS | {"spend": "spend USD", "a month": last}
        words |= {f"x {name}": f"{_titled(name)} x" for name in self.live.factors}
        words["x requests"] = "days of traffic"
        sheet.header(HEADER, (*names, *(words[name] for name in self.columns)), texts=3)

    def _write_line(
        self,
        sheet: Sheet,
        row: int,
        line: Line,
        workload: str,
        model: str,
        months: tuple[int, int] | None = None,
    ) -> dict[str, float]:
        """Write amounts and spend as formulas of assumptions, prices and factors; return them.

        Where the months of the workload stand on the other sheet, they are sums of those.
        """
        meters = self.live.assumed[workload].meters
        used, usd = line.usage, {usd_of(key): line.usd[key] for key in meters.values()}
        values = {"requests": used.requests, "prompt": used.prompt, "reasoning": used.reasoning}
        values |= {key: used[key] for key in meters.values()}
        values |= usd | {"spend": line.usd.total}
        formulas = (
            self._formulas(row, line, workload, model)
            if months is None
            else {name: f"SUM({self.column(name, months)})" for name in values}
        )
        for name, value in values.items():
            style = "money" if name in usd or name == "spend" else "count"
            sheet.formula(row, self.columns[name], formulas[name], value, style)
        if months is None:
            for name in self.live.factors:
                sheet.number(row, self.columns[f"x {name}"], line.factors.get(name, 1.0), "factor")
        return values

    def _formulas(self, row: int, line: Line, workload: str, model: str) -> dict[str, str]:
        at = {name: cell(row, column) for name, column in self.columns.items()}
        given = {
            name: f"{place}*{at[f'x {name}']}" if f"x {name}" in at else place
            for name, place in self.inputs.assumed(workload).items()
        }
        meters = self.live.assumed[workload].meters
        shared = [meters[key] for key in self.live.shares]
        calls = at["requests"]
        formulas = {
            "requests": f"{given['requests']}*traffic_factor",
            "prompt": f"{calls}*{given['prompt']}",
            "reasoning": f"{calls}*{given['reasoning']}*reasoning_factor",
            **{meters[key]: f"{at['prompt']}*{given[key]}" for key in self.live.shares},
            meters["input"]: f"MAX(0,{'-'.join([at['prompt'], *(at[key] for key in shared)])})",
            meters["output"]: f"{calls}*{given['answer']}*answer_factor+{at['reasoning']}",
            **{key: f"{calls}*{given[key]}" for key in self.live.fees},
        }
        for key in meters.values():
            bill = f"{at[key]}*{self.inputs.price(model, key)}"
            if key in METERS:
                bill += f"/{TOKENS_PER_MTOK}"
            factor = f"x {price_factor(key)}"
            if line.usd[key] and not line.listed[key]:
                bill = repr(line.usd[key])  # free on the first day: no factor makes it what it is
            elif factor in at:
                bill += f"*{at[factor]}"
            formulas[usd_of(key)] = bill
        formulas["spend"] = "+".join(at[usd_of(key)] for key in meters.values())
        return formulas

    def _finish(self, sheet: Sheet, row: int, last_column: int) -> None:
        sheet.paragraph(row, _FACTORS_SAID, "muted", columns=last_column + 1)
        sheet.table_page(HEADER, 2)
        sheet.raw.print_area(0, 0, row, last_column)


def _titled(factor: str) -> str:
    """Return what people call a factor."""
    key = factor.removeprefix(price_factor(""))
    return factor.replace(key, title_of(key)) if key in METERS else factor


def _range(rows: tuple[int, int], column: int, sheet: str | None = None) -> str:
    first, last = (cell(row, column, sheet) for row in rows)
    return f"{first}:{last.rpartition('!')[2]}"
