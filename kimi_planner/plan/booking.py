"""The bookable number: the one amount of a plan that goes into a budget, and its parts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from kimi_planner.arguments import public
from kimi_planner.catalog import Exchange
from kimi_planner.errors import SettingError, shown
from kimi_planner.money import (
    EXACT,
    exact_decimal,
    from_fraction,
    from_units,
    total,
    usd,
    whole_parts,
)
from kimi_planner.rich import Page, Shown

if TYPE_CHECKING:
    from kimi_planner.plan.projection import Projection


PLACES = 6  # of a simulated amount, USD
MEAN = "mean"
#: The most that each may be.
_LIMITS = {"contingency_percent": 1000, "tax_percent": 100, "credit_usd_per_month": 10**12}


@public
@dataclass(frozen=True, kw_only=True)
class Booking:
    """Which number of a plan is booked.

    Attributes
    ----------
    book
        ``"mean"``, or a percentile such as ``"p50"`` or ``"p80"`` of the total of the plan.
    contingency_percent
        What is added to it, from 0 to 1,000 percent.
    tax_percent, credit_usd_per_month
        Lines of their own below it: what the vendor takes off each month, at most all of it, and the
        tax on the rest. Budgets are held against what is booked, without them.

    Examples
    --------
    >>> Booking(book="p80", contingency_percent=10).words
    'P80 plus 10% contingency'
    """

    book: str = MEAN
    contingency_percent: Decimal | int | float | str = 0
    tax_percent: Decimal | int | float | str = 0
    credit_usd_per_month: Decimal | int | float | str = 0

    def __post_init__(self) -> None:
        if not isinstance(self.book, str) or not re.fullmatch(r"mean|p[1-9]\d?", self.book):
            raise SettingError(
                f'book is {shown(self.book)}. Give "mean", "p50", "p80" or another percentile.'
            )
        for name, most in _LIMITS.items():
            given = getattr(self, name)
            try:
                number = exact_decimal(given)
            except ValueError:
                number = Decimal(-1)
            if not 0 <= number <= most:
                unit = "percent" if name.endswith("percent") else "USD"
                raise SettingError(
                    f"{name} is {shown(given)}. Give a number of {unit} from 0 to {most:,}."
                )
            object.__setattr__(self, name, number)

    @property
    def is_expected(self) -> bool:
        """Whether it is the mean, with nothing added."""
        return self.book == MEAN and not self.contingency_percent

    @property
    def words(self) -> str:
        """Its name, the same in every output."""
        name = self.book.replace("p", "P")
        added = format(Decimal(self.contingency_percent).normalize(), "f")
        return f"{name} plus {added}% contingency" if self.contingency_percent else name


#: What is booked if nothing is said: what is expected, which alone adds up.
EXPECTED = Booking()


@dataclass(frozen=True, kw_only=True, repr=False)
class Booked(Shown):
    """The bookable number of a plan, and what of it falls to each workload and month.

    Attributes
    ----------
    booking
        Which number it is.
    cells
        From (workload, month) to USD; they add up to `usd` exactly. A percentile, which does not add
        up by itself, is divided in proportion to the mean.
    currency
        Of all its amounts.
    """

    booking: Booking
    cells: Mapping[tuple[str, str], Decimal]
    currency: str = "USD"

    @property
    def usd(self) -> Decimal:
        """The bookable number of the whole plan, USD."""
        return total(self.cells.values())

    def page(self) -> Page:
        """Return what of the number falls to each workload."""
        by_workload = {**self.by_workload, "all": self.usd}
        return Page(
            title=f"{usd(self.usd)} {self.currency} to book over {len(self.by_month)} months: {self.booking.words}",
            frame=[{"workload": name, "usd": amount} for name, amount in by_workload.items()],
            currency=self.currency,
        )

    @property
    def by_month(self) -> dict[str, Decimal]:
        """What of it falls to each month, USD."""
        return self._summed(1)

    @property
    def by_workload(self) -> dict[str, Decimal]:
        """What of it falls to each workload, USD."""
        return self._summed(0)

    def at_rates(self, exchange: Exchange) -> Booked:
        """Return the same in another currency, each month at the rate of its first day."""
        rates = exchange.of_months({month for _, month in self.cells})
        with localcontext(EXACT):
            cells = {cell: amount * rates[cell[1]] for cell, amount in self.cells.items()}
        return replace(self, cells=cells, currency=exchange.currency)

    def _summed(self, key: int) -> dict[str, Decimal]:
        names = dict.fromkeys(cell[key] for cell in self.cells)
        return {
            name: total(amount for cell, amount in self.cells.items() if cell[key] == name)
            for name in names
        }

    @property
    def sentence(self) -> str:
        """The number, what it is and over which months, in words."""
        months = self.by_month
        if not months:
            return "No model qualifies for any workload, so there is nothing to book."
        first, last = min(months), max(months)
        text = f"To book: {usd(self.usd)} {self.currency} ({self.booking.words}) "
        if len(months) == 1:
            return f"{text}in {first}."
        dearest = max(months, key=lambda month: months[month])
        return (
            f"{text}over {len(months)} months, {first} to {last}: {usd(self.usd / len(months))} in the "
            f"average month, {usd(months[dearest])} in the dearest, {dearest}."
        )


@public
def booked(projection: Projection, choice: Mapping[str, str]) -> Booked:
    """Return the bookable number of workloads, each on the model chosen for it.

    Parameters
    ----------
    projection : Projection
        The plan; its ``booking`` says which number.
    choice : mapping of str to str
        Workload name to model id.

    Returns
    -------
    Booked
        The total and its parts. Exact decimals where nothing is uncertain, otherwise to a millionth
        of a dollar.

    Raises
    ------
    SettingError
        If the projection has no such workload or model.

    Examples
    --------
    >>> from kimi_planner import Workload, project
    >>> chat = Workload(name="chat", requests_per_day=1000, prompt_tokens=2000, completion_tokens=300)
    >>> plan = project(chat, 1, "2027-01", "kimi-k2", as_of="2026-11-28", catalog="2026-06")
    >>> booked(plan, {"chat": "kimi-k2"}).usd
    Decimal('107.88')
    """
    booking = projection.booking
    spends = {name: projection.of(model, name) for name, model in choice.items()}
    factor = 1 + Fraction(exact_decimal(booking.contingency_percent)) / 100
    months = list(map(str, projection.months))
    means = {
        (name, month): amount
        for name, spend in spends.items()
        for month, amount in zip(months, spend.exact_usd or spend.mean().tolist(), strict=True)
    }
    exact = {cell: Fraction(exact_decimal(amount)) * factor for cell, amount in means.items()}
    whole: Any = projection.mix(choice).over_months() if choice else None
    if whole is None or booking.book == MEAN or whole.is_exact:
        cells = {
            cell: from_fraction(amount)
            if spends[cell[0]].is_exact
            else from_units(round(amount * 10**PLACES), PLACES)
            for cell, amount in exact.items()
        }
        return Booked(booking=booking, cells=cells, currency=projection.catalog.currency)
    share = int(booking.book.removeprefix("p")) / 100
    amount = Fraction(float(whole.quantile(share)[0])) * factor
    units, mean = round(amount * 10**PLACES), sum(exact.values())
    keys = dict(enumerate(exact))
    parts = {
        str(n): exact[cell] * units / mean if mean else Fraction(0) for n, cell in keys.items()
    }
    shares = whole_parts(parts, units)
    return Booked(
        booking=booking,
        cells={cell: from_units(shares[str(n)], PLACES) for n, cell in keys.items()},
        currency=projection.catalog.currency,
    )
