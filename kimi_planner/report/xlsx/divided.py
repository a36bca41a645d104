"""How the spend of a workload is divided: among prompts, answers and reasoning; and otherwise than planned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kimi_planner.plan.draws import uncertain
from kimi_planner.report.xlsx.inputs import Inputs
from kimi_planner.report.xlsx.lines import Totals, usd_of
from kimi_planner.report.xlsx.live import Live
from kimi_planner.report.xlsx.rates import Rates
from kimi_planner.report.xlsx.sheet import Shown
from kimi_planner.report.xlsx.spread import QUANTILES
from kimi_planner.workload.quantity import Array


@dataclass(frozen=True)
class Divided:
    """The formulas of that, from the sheets of lines and rates."""

    live: Live
    inputs: Inputs
    totals: Totals
    rates: Rates

    def spent(self, name: str, mean: str, spent: Sequence[str]) -> list[Shown]:
        """Return what is spent on prompts, answers and reasoning, in the cells given, and its quantiles."""
        live = self.live
        line = live.lines[name, live.recommendation.best[name]]
        keys = [key for key in line.usd if live.plain_of(key) == "output"]
        usd, tokens = (
            "+".join(f"SUM({self.totals.column(name, title(key))})" for key in keys)
            for title in (usd_of, str)
        )
        thought = f"SUM({self.totals.column(name, 'reasoning')})"
        whole = live.planned(name).over_months()
        quantiles = [
            (self.rates.spread(name, one, spent), float(whole.quantile(q)[0]), "grey_money")
            for one, q in QUANTILES.items()
        ]
        formulas = (
            f"{mean}-{spent[1]}-{spent[2]}",
            f"{usd}-{spent[2]}",
            f"IF({tokens}=0,0,({usd})*{thought}/({tokens}))",
        )
        split = live.split(name, live.recommendation.best[name])
        parts = zip(formulas, split, strict=True)
        return [*((formula, value, "grey_money") for formula, value in parts), *quantiles]

    def shape(self, name: str, mean: str, months: str) -> str:
        """Return the formula of how far spend is divided otherwise than planned among meters and months.

        Where only the level of traffic varies, all of them move alike, and it makes no difference.
        """
        live = self.live
        line = live.lines[name, live.recommendation.best[name]]
        spent, load = float(line.spend.sum()) or 1.0, live.loads[name]
        parts = [
            f"ABS(SUM({self.totals.column(name, usd_of(key))})/{mean}-{float(usd.sum()) / spent!r})"
            for key, usd in line.usd.items()
        ]
        by_month = np.array([float(line.spend[rows].sum()) for rows in live.month_rows]) / spent
        parts.append(distance(f"{months}/{mean}", by_month))
        own, best = self.inputs.assumed(name), live.recommendation.best[name]
        alike = {load.traffic.unit, "retry_share"}
        even = [
            model
            for model, spec in live.specs.items()
            if {key for _, key in uncertain(load.on(spec.profile))} <= alike
        ]
        pure = f'{own["certainty"]}="{live.assumed[name].certainty}"' if best in even else "FALSE"
        if best in even and len(even) < len(live.specs):
            pure = f'AND({pure},EXACT({own["model"]},"{best}"))'
        return f"IF(OR({mean}=0,{pure}),0,{'+'.join(parts)})"


def distance(shares: str, planned: Sequence[float] | Array) -> str:
    """Return the formula of how far a column is from the numbers that it had."""
    numbers = ";".join(repr(float(one)) for one in planned)
    return f"SUMPRODUCT(ABS({shares}-{{{numbers}}}))"
