"""The numbers that the what-if panel of a page computes with: amounts by meter, and prices."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from kimi_planner.billing.meters import FEE, METERS, fee_key, title_of
from kimi_planner.billing.tariff import Tariff
from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.money import as_decimal, plain
from kimi_planner.plan.bill import Bill
from kimi_planner.workload import Workload, what_if

__all__ = ["OUTPUTS", "REASONINGS", "Panel"]

#: Factors on visible output and on reasoning that the panel offers.
OUTPUTS = ("0.5", "1", "1.5", "2", "3")
REASONINGS = ("0", "0.5", "1", "1.5", "2", "3")
_ONE = "1"

#: Thousandths of tokens or calls by meter over all months; and what the tokens cost where no price
#: of the page moves it, else ``None``.
Cell = tuple[dict[str, int], Decimal | None]


@dataclass(frozen=True)
class Panel:
    """What workloads use on each model at each factor, each bill worked out as the plan's own is."""

    recommendation: Recommendation

    @property
    def workloads(self) -> tuple[Workload, ...]:
        """Those that the recommendation is about."""
        return self.recommendation.workloads

    @cached_property
    def fixed(self) -> list[tuple[str, str]]:
        """Workloads and models whose spend no price of the page moves, as their prices change."""
        projection = self.recommendation.projection
        first, last = projection.months[0].first, projection.months[-1].last
        return [
            (workload.name, spec.id)
            for workload in self.workloads
            for spec in projection.specs
            if any(change.day <= last for change in workload.resolve().changes_of(spec.id))
            or any(first < day <= last for day in spec.price_days)
        ]

    @cached_property
    def cells(self) -> dict[tuple[str, str], list[list[Cell]]]:
        """By workload and model, a row for each output; one cell where reasoning changes nothing."""
        projection = self.recommendation.projection
        found: dict[tuple[str, str], list[list[Cell]]] = {
            (name, model): [[] for _ in OUTPUTS]
            for name in self.recommendation.names
            for model in projection.models
        }
        for workload in self.workloads:
            thinks = workload.given("reasoning_tokens") is not None
            for row, output in enumerate(OUTPUTS):
                for reasoning in REASONINGS if thinks else (_ONE,):
                    [changed] = what_if(workload, output=output, reasoning=reasoning)
                    plan = projection.plan_of(changed)
                    for spec in projection.specs:
                        reasons = spec.profile.reasons_for(workload.needs)
                        if reasoning == _ONE or reasons is not False:
                            cell = self._cell(plan.on(spec))
                            found[workload.name, spec.id][row].append(cell)
        return found

    def _cell(self, bill: Bill) -> Cell:
        amounts = {key: round(1000 * amount.sum()) for key, amount in bill.usage()}
        if (bill.plan.load.name, bill.spec.id) not in self.fixed:
            return amounts, None
        usd = sum(usd.sum() for key, usd in bill.by_meter(bill.tariffs) if key in METERS)
        return amounts, as_decimal(usd)

    @cached_property
    def meters(self) -> list[str]:
        """Meters and fees that occur, and plain input, whose price stands in for others."""
        cells = (cell for rows in self.cells.values() for row in rows for cell in row)
        used = {key for amounts, _ in cells for key, amount in amounts.items() if amount}
        used |= {key.replace(METERS[key].plain or key, "input") for key in used if key in METERS}
        fees = (fee_key(fee.name) for fee in self.recommendation.projection.catalog.fees)
        return [key for key in (*METERS, *fees) if key in used]

    @property
    def notes(self) -> list[str]:
        """What the panel does not move, in words."""
        notes = []
        if self.fixed:
            pairs = ", ".join(f"{name} on {model}" for name, model in self.fixed)
            notes.append(
                "Prices that change in the plan, or are uncertain, stay as planned, so their boxes are "
                f"closed: {pairs}."
            )
        cached = [one.name for one in self.workloads if one.cache is not None]
        if cached:
            names = ", ".join(cached)
            notes.append(f"The cached share stays as it is at the planned traffic: {names}.")
        return notes

    def json(self) -> str:
        """Return the numbers as JSON that can stand inside a page."""
        projection, best = self.recommendation.projection, self.recommendation.best
        first, fees = projection.months[0].first, projection.catalog.fees
        tariffs = [Tariff.of(spec.in_plans().on(first), fees) for spec in projection.specs]
        data = {
            "months": len(projection.months),
            "outputs": OUTPUTS,
            "reasonings": REASONINGS,
            "meters": [
                {"title": title_of(key)}
                | ({"fee": _text(tariffs[0].price(key))} if key.startswith(FEE) else {})
                for key in self.meters
            ],
            "models": [
                {
                    "id": tariff.model,
                    "fixed": any(model == tariff.model for _, model in self.fixed),
                    "prices": [self._price(tariff, key) for key in self.meters if key in METERS],
                }
                for tariff in tariffs
            ],
            "workloads": [
                {
                    "name": name,
                    "recommended": projection.models.index(best[name]),
                    "amounts": [
                        [[self._amounts(*cell) for cell in row] for row in self.cells[name, model]]
                        for model in projection.models
                    ],
                }
                for name in self.recommendation.names
            ],
        }
        text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
        return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")

    def _price(self, tariff: Tariff, key: str) -> str | int:
        """Return a price, USD per million tokens; or the place of the meter whose price stands in."""
        meter = METERS[key]
        if meter.stands_in is None or tariff.states(key):
            return _text(tariff.usd_per_mtok(key))
        return self.meters.index(key.replace(meter.plain or key, meter.stands_in))

    def _amounts(self, amounts: dict[str, int], usd: Decimal | None) -> list[str]:
        """Return the amount of each meter that prices move, and at last the USD that stay."""
        moved = [key if usd is None or key.startswith(FEE) else "" for key in self.meters]
        return [*(str(amounts.get(key, 0)) for key in moved), _text(usd or Decimal(0))]


def _text(number: Decimal) -> str:
    return f"{plain(number):f}"
