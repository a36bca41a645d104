"""Where values come from, where sources contradict each other, and what they state beside prices."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from kimi_planner.arguments import public
from kimi_planner.errors import CatalogError, day_of

#: What is compared between two models on the same tasks.
MEASURED = ("output tokens", "reasoning tokens", "cost")

#: What reasoning may be compared with: the visible text that the same call ends with.
ANSWER = "answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a value was found.

    Attributes
    ----------
    key, title
        Name inside the catalog, and what a reader would look for.
    checked_on
        The day on which somebody last compared the values with it; ``None`` if it does not say.
    verified
        Whether that somebody read the source itself, and not a report of it; ``None`` if the
        catalog does not say.
    """

    key: str
    title: str
    checked_on: date | None
    verified: bool | None = None

    @property
    def check(self) -> str:
        """The day it was checked, in words, and whether only a report of it was read."""
        day = "a day that nobody states" if self.checked_on is None else str(self.checked_on)
        return day + (" (in a report of it)" if self.verified is False else "")

    def __str__(self) -> str:
        """Return the title and when it was checked."""
        return f"{self.title}, checked on {self.check}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """An ordinal judgement, 1 the least, with the words of the source that it rests on."""

    rating: int
    words: str
    reading: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How much a model needs for the same tasks, over what another one needs.

    Attributes
    ----------
    of
        What is compared: ``"output tokens"``, ``"reasoning tokens"``, or ``"cost"``, which also
        rests on prices and on how many tokens are read again and again.
    relative_to
        Id of the other model, of the same catalog; of reasoning tokens also ``"answer"``, the
        visible text that the same call ends with.
    effort
        The ``reasoning_effort`` that it holds for; ``None`` where there is no such thing.
    low, high
        Bounds of the ratio; ``None`` for one that the source does not state.
    on
        What was measured, in words.
    source
        Key of the source.
    """

    of: str
    relative_to: str
    on: str
    source: str
    low: Decimal | None = None
    high: Decimal | None = None
    effort: str | None = None

    @property
    def is_of_answer(self) -> bool:
        """Whether it tells how much a model reasons for each token of its answer."""
        return self.relative_to == ANSWER and None not in (self.low, self.high)

    @property
    def ratio(self) -> str:
        """The bounds in words."""
        if self.low is None or self.high is None:
            return f"at least {self.low}" if self.high is None else f"at most {self.high}"
        return f"about {self.low}" if self.low == self.high else f"{self.low} to {self.high}"

    def __str__(self) -> str:
        """Return the ratio in words."""
        effort = f" at effort {self.effort}" if self.effort else ""
        of = "those of the answer" if self.relative_to == ANSWER else f"that of {self.relative_to}"
        return f"{self.of} {self.ratio} times {of}{effort} ({self.on})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Two values that sources give for one field, the chosen one and the other.

    Attributes
    ----------
    model
        Whose field it is; ``None`` if it is one of the whole catalog.
    """

    field: str
    chosen: str
    chosen_where: str
    other: str
    other_where: str
    reason: str
    model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Correspondence:
    """A model of this catalog and its nearest counterpart in another one; stated, never guessed."""

    model: str
    catalog: str
    other: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """What is billed for each call of a service, on top of tokens.

    Attributes
    ----------
    usd_per_call
        USD for one call of it.
    source
        Key of the source.
    """

    name: str
    usd_per_call: Decimal
    note: str
    source: str


@public
@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """Rates that the user gave: amounts in USD are shown in another currency too, never added to it.

    Attributes
    ----------
    currency
        Its three letters.
    rates
        Days, and how much of it one USD is from then on, in the order of the days; before the first
        of them its rate holds.

    Examples
    --------
    >>> print(Exchange(currency="EUR", rates=((date(2026, 11, 24), Decimal("0.92")),)))
    0.92 EUR per USD on 2026-11-24
    """

    currency: str
    rates: tuple[tuple[date, Decimal], ...]

    def at(self, day: date | None) -> Decimal:
        """Return how much one USD is on a day; by the latest rate without one.

        Raises
        ------
        CatalogError
            If it is no day.
        """
        if day is not None:
            day = day_of("day", day, fault=CatalogError)
        begun = [rate for since, rate in self.rates if day is None or since <= day]
        return begun[-1] if begun else self.rates[0][1]

    def of_months(self, months: Iterable[str]) -> dict[str, Decimal]:
        """Return how much one USD is on the first day of each month such as ``2027-01``.

        Raises
        ------
        CatalogError
            If one is no month.
        """
        return {
            month: self.at(day_of("month", f"{month}-01", fault=CatalogError)) for month in months
        }

    def __str__(self) -> str:
        """Return the rates and their days."""
        (day, rate), *later = self.rates
        words = (f"; {one} from {since} on" for since, one in later)
        return f"{rate} {self.currency} per USD on {day}{''.join(words)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPrice:
    """A price list in another currency: shown beside the catalog's own, never added to it.

    Attributes
    ----------
    input_per_mtok, cached_input_per_mtok, output_per_mtok
        Amounts of ``currency`` per 1,000,000 tokens; ``None`` where the list does not say.
    """

    model: str
    currency: str
    source: str
    input_per_mtok: Decimal | None = None
    cached_input_per_mtok: Decimal | None = None
    output_per_mtok: Decimal | None = None
