"""The rows of a log in the order of time, and what each cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kimi_planner.billing.meters import ByMeter
from kimi_planner.catalog import Catalog
from kimi_planner.errors import PriceNotFoundError
from kimi_planner.series.moments import micros
from kimi_planner.series.observed import Observed, TimedRows, timed_rows
from kimi_planner.usage.row_costs import RowCosts, cost_rows


@dataclass(frozen=True, kw_only=True)
class LogRows(TimedRows):
    """Rows of a log and what they cost, USD.

    Attributes
    ----------
    costs
        What each row costs exactly, also by meter, in the order of the log.
    """

    costs: RowCosts

    def bill(self, observed: Observed) -> ByMeter:
        """Return the spend of what was observed by meter, exact, USD."""
        bounds = [micros(observed.start), micros(observed.end)]
        low, high = np.searchsorted(self.micros, bounds).tolist()
        bills = self.costs.by_meter()
        return ByMeter({key: bills.usd(key, self.order[low:high]) for key in bills.units})


def rows_of(
    frame: pd.DataFrame,
    model: str | None,
    catalog: Catalog,
    alias: Mapping[str, str] | None = None,
) -> LogRows:
    """Return the rows of a checked usage frame, each at the prices of its day; only those with one.

    Raises
    ------
    UsageError
        If rows have no time, or name no model where none is given.
    UnknownModelError, PriceNotFoundError
        If the catalog does not have ``model``, or states no price for it, or for any model of the log.
    """
    costs = cost_rows(frame, model, catalog=catalog, alias=alias)
    # a forecast has no last digit
    usd = costs.units.astype(np.float64) * 10.0**-costs.places
    rows = timed_rows(frame, usd, "spend", costs.is_priced)
    if not len(rows.micros):
        raise PriceNotFoundError(f"{rows.source}: nothing is priced. {costs.notes[-1]}")
    return LogRows(**vars(rows), costs=costs)
