"""A workload: what may happen in a month, as a team describes it or a log shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

from kimi_planner.arguments import public
from kimi_planner.errors import WorkloadError, restated, shown, unknown
from kimi_planner.rich import Page, Shown, number_cell
from kimi_planner.workload.beyond_tokens import WrittenShare
from kimi_planner.workload.caching import Cache, CachedShare
from kimi_planner.workload.consistent import refuse_contradictions, refuse_full_prompt
from kimi_planner.workload.currency import USD
from kimi_planner.workload.dated import Event, PriceChange
from kimi_planner.workload.fields import parse_field
from kimi_planner.workload.measured import Values
from kimi_planner.workload.overflow import Overflow, parse_overflow
from kimi_planner.workload.parse import QUANTITIES
from kimi_planner.workload.quantity import Quantity
from kimi_planner.workload.resolve import UNITS, Load, resolve

if TYPE_CHECKING:
    import pandas as pd


#: What a quantity may be given as.
Given = Quantity | int | float | Decimal | Mapping[str, Any] | Values


@public
@dataclass(frozen=True, kw_only=True, repr=False)
class Workload(Shown):
    """One kind of work that a team sends to a model.

    Quantities are given as a plain number (certain), ``{p50, p90}`` or ``{p10, p50, p90}`` (these
    percentiles are met exactly), ``{mean, sd}`` or ``{from}`` (a usage log), and are kept as
    :class:`Quantity`. Token quantities and ``turns`` may also be a list or a Series of values, or
    ``{from, column}`` of a table.

    Attributes
    ----------
    name
        What the team calls it; unique in a plan.
    requests_per_day
        Calls per calendar day in the first month, the mean over a week; a spread is over paths.
        A plain number is the certain number of calls; with a spread, calls come at random (Poisson)
        around the level of the path. It or one of the next three is given.
    conversations_per_day
        The same of conversations: each is as many calls as ``turns`` says.
    requests_per_month
        Calls of a whole calendar month, however many days it has.
    documents
        Documents, or other tasks, that are worked through once: evenly from ``starts_on``, or else
        the first day of the plan, to ``ends_on``, or else the end of that month. Each is a
        conversation of ``turns`` calls. What comes every night or month is given by day or month.
    prompt_tokens
        Input tokens of a call, cached ones included; of a conversation's first call if there are
        ``turns``. A spread is between calls.
    completion_tokens
        Tokens of the visible answer.
    reasoning_tokens
        Tokens of the chain of thought, spent only by models that reason or may; ``None`` if not
        known. Then a model spends what the catalog says of its behaviour, where it does.
    reasoning_effort
        ``"low"``, ``"high"`` or ``"max"`` as requests state it; each model's default if not given.
    certainty
        How sure the level of traffic and the means of token quantities are that have no range of
        their own: ``"measured"``, ``"estimate"`` or ``"guess"``; see ``CERTAINTIES``. ``None`` for
        no range.
    max_tokens
        Output reserved by a call; counts for the fit, and caps what is billed. Without it a call
        reserves its answer, and at least what its model reserves by default.
    cached_share
        Share of prompt tokens served from cache; a spread is over paths.
    cache
        What to work ``cached_share`` out from, if it is not given: ``prefix_tokens`` that every
        prompt begins with, ``lifetime_minutes`` (5 to 30 if not given) and ``turn_gap_minutes``;
        kept as :class:`Cache`.
    written_share
        Share of prompt tokens, none of them served from cache, that are written to one:
        ``{five_minutes, one_hour}``, plain numbers; kept as :class:`WrittenShare`. They are billed
        at the price of writing instead of input, or as input where the catalog states none.
    fees_per_request
        From the name of a fee in the catalog, such as ``"web search"``, to how many of them a
        request causes on average, refused ones included, a plain number; kept as pairs. A retry
        causes them again.
    growth_per_month
        Growth of traffic from month to month, 0.04 for 4%, counted from the month of ``starts_on``,
        or else from the first month of the plan; a spread is over paths.
    starts_on, ends_on
        First and last day with traffic; before and after there is none.
    weekday_profile
        Traffic from Monday to Sunday, seven numbers relative to each other.
    events
        Days on which traffic is multiplied or has extra calls; :class:`Event`.
    retry_share
        Share of calls that are sent and billed a second time; a spread is over paths.
    turns
        Calls per conversation; each resends the history without its reasoning.
    followup_tokens
        New input tokens of each later call of a conversation; as ``prompt_tokens`` if not given.
    overflow
        What happens to a call that does not fit its model's window: ``"price_all"``, it counts with
        what serving it would cost; ``"reject"``, ``"drop_oldest"`` or
        ``{"summarise_to_tokens": n}``; kept as :class:`Overflow`.
    batch
        Whether the calls are sent in batches, at the catalog's batch price; a model of which none is
        stated is planned at the price of single calls.
    peak_hour_share
        Share of a day's calls in its busiest hour, 1/24 for an even day; a spread is over
        paths. ``None`` if not known. Counts for rate limits, not for spend.
    correlation
        How far level and growth of the traffic move with those of the other workloads that state
        it: 0 for not at all, 1 for as one. The correlation of two normal scores of each is the
        geometric mean of theirs. In a file it may stand at the top, for every workload.
    needs
        Capabilities that a model must have.
    assume
        Capabilities that a model counts as having where the catalog states neither that it has them
        nor that it lacks them; without that it qualifies only on that condition.
    model
        Id of the model that the workload runs on, where that is decided; the others still rank.
    tokens_of
        Id of the model whose tokens the sizes are, where they were measured on one: that of the log
        that it was fitted to. Others need as many times them as published costs tell, if they do.
    budget_usd_per_month
        What may be spent in any one month; compared with, and never a reason to leave the workload
        or a model out.
    value_usd_per_success
        What a task that is solved is worth, USD; ``None`` if not known. A task is a request, or a
        whole conversation where there are ``turns``. With it models rank by what they are worth.
    failure_usd
        What a task that is not solved costs beyond its calls, USD, such as the person who does it
        again; ``None`` if not known, and then nothing is added.
    seconds_at_most
        Seconds within which nine of ten answers must be complete. A model of which no speed is
        known qualifies on that condition.
    currency
        Of every amount, also of those with ``usd`` in their names; a plan in another one than USD is at the
        price list of the catalog in it. In a file it stands at the top, and amounts are named by it.
    price_changes
        Prices that differ from the catalog's from a day on; :class:`PriceChange`. In a file they
        stand at the top and hold for every workload.
    owner, cost_centre
        Who answers for the spend, and where it is booked, as reports show it.
    source
        Where the numbers come from.
    notes
        What the numbers leave out.

    Examples
    --------
    >>> chat = Workload(
    ...     name="support-chat",
    ...     requests_per_day={"p10": 3000, "p50": 4000, "p90": 6000},
    ...     prompt_tokens=1800,
    ...     completion_tokens={"p50": 250, "p90": 700},
    ... )
    >>> chat.prompt_tokens.mean, round(chat.completion_tokens.mean)
    (1800.0, 345)
    >>> chat.given("requests_per_day").describe(), chat.given("cached_share")
    ('p10 3,000, p50 4,000, p90 6,000', None)
    >>> chat.resolve().cached.mean
    0.0
    >>> Workload(
    ...     name="launch", documents=500, prompt_tokens=900, completion_tokens=90, starts_on="2027-03-01"
    ... ).dates()
    [('starts_on', '2027-03-01')]
    """

    name: str
    requests_per_day: Given | None = None
    conversations_per_day: Given | None = None
    requests_per_month: Given | None = None
    documents: Given | None = None
    prompt_tokens: Given
    completion_tokens: Given
    reasoning_tokens: Given | None = None
    reasoning_effort: str | None = None
    certainty: str | None = None
    max_tokens: int | None = None
    cached_share: Given | None = None
    cache: Cache | Mapping[str, Any] | None = None
    written_share: WrittenShare | Mapping[str, Any] | None = None
    fees_per_request: Mapping[str, Any] | tuple[tuple[str, Decimal], ...] = ()
    growth_per_month: Given = 0
    starts_on: date | str | None = None
    ends_on: date | str | None = None
    weekday_profile: tuple[Decimal | int | float, ...] | None = None
    events: tuple[Event | Mapping[str, Any], ...] = ()
    retry_share: Given | None = None
    turns: Given = 1
    followup_tokens: Given | None = None
    overflow: Overflow | str | Mapping[str, int] = "price_all"
    batch: bool = False
    peak_hour_share: Given | None = None
    correlation: Decimal | int | float = 0
    needs: tuple[str, ...] = ()
    assume: tuple[str, ...] = ()
    model: str | None = None
    tokens_of: str | None = None
    budget_usd_per_month: Decimal | int | float | str | None = None
    value_usd_per_success: Decimal | int | float | str | None = None
    failure_usd: Decimal | int | float | str | None = None
    seconds_at_most: Decimal | int | float | str | None = None
    currency: str = USD
    price_changes: tuple[PriceChange | Mapping[str, Any], ...] = ()
    owner: str = ""
    cost_centre: str = ""
    source: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        with restated(of=WorkloadError, about=f"workload {shown(self.name)}"):
            for field in fields(self):
                value = getattr(self, field.name)
                if value is not None or field.default is not None:
                    object.__setattr__(self, field.name, parse_field(field.name, value))
            refuse_contradictions(self)
            if isinstance(self.cache, Cache):
                load = resolve(self)
                share = CachedShare.of(load.sizes, load.traffic.per_day, self.cache)
                object.__setattr__(self, "cached_share", share)
            refuse_full_prompt(self)

    @overload
    @classmethod
    def from_usage(
        cls,
        frame: pd.DataFrame,
        name: str,
        *,
        by: None = None,
        alias: Mapping[str, str] | None = None,
        **known: Any,
    ) -> Workload: ...

    @overload
    @classmethod
    def from_usage(
        cls,
        frame: pd.DataFrame,
        name: None = None,
        *,
        by: str | Sequence[str],
        alias: Mapping[str, str] | None = None,
        **known: Any,
    ) -> list[Workload]: ...

    @classmethod
    def from_usage(
        cls,
        frame: pd.DataFrame,
        name: str | None = None,
        *,
        by: str | Sequence[str] | None = None,
        alias: Mapping[str, str] | None = None,
        **known: Any,
    ) -> Workload | list[Workload]:
        """Fit a workload to a usage log, or one to each part of it.

        Parameters
        ----------
        frame : DataFrame
            A usage frame as :func:`read_usage` returns it.
        name : str, optional
            Name of the workload; it or ``by`` is given.
        by : str or sequence of str, optional
            Columns of the log, such as ``"team"`` or ``"model"``: a workload for each of their
            values, and for the calls in batches of one that has both.
        alias : mapping of str to str, optional
            From a name of a model in the log to the id of the catalog that it means.
        **known
            Fields that are known better than the log shows them, such as
            ``requests_per_day={"p10": 800, "p50": 1000, "p90": 1500}``.

        Returns
        -------
        Workload or list of Workload
            Token quantities as the log shows them, with the uncertainty of their means; the traffic of
            the month after it, and growth, with the ranges that :func:`forecast_spend` has; weekdays,
            busiest hour and days far off the rest where the log is long enough to show them; the
            cached share with a range, what is written to a cache, batches and fees. Those of one log have
            the correlation at which they are together as uncertain as the whole.

        Raises
        ------
        UsageError
            If the frame or ``alias`` is malformed.
        UnknownModelError
            If ``alias`` names a model that the catalog does not have.
        WorkloadError
            If the log has no times to tell the traffic from, no such column, or a field is not known.

        Notes
        -----
        Growth counts from the first month of a plan, and its range is that at which a year of the plan
        is as wide as a year of the forecast. Calls of days far off the rest are events, not part of the level; its range allows
        for such days, as that of a forecast does.

        Examples
        --------
        >>> import pandas as pd
        >>> times = pd.date_range("2026-09-01", "2026-10-27", freq="h", tz="UTC", inclusive="left")
        >>> log = pd.DataFrame({"timestamp": times, "prompt_tokens": 900, "completion_tokens": 100,
        ...                     "team": ["search", "support"] * (len(times) // 2)})
        >>> [one.name for one in Workload.from_usage(log, by="team")]
        ['search', 'support']
        """
        from kimi_planner.workload.fit import fitted

        made = [cls(**one) for one in fitted(frame, name, by, known, alias)]
        return made[0] if by is None else made

    @cached_property
    def _load(self) -> Load:
        return resolve(self)

    def page(self) -> Page:
        """Return the fields that are stated, and the means that they imply."""
        return Page(
            title=f"Workload {self.name}, as given, with the means that it implies",
            frame=[
                {"field": name, "as given": given, "mean": mean}
                for name, given, mean in self._stated()
            ],
        )

    def __repr__(self) -> str:
        said = (
            f"{name} {given}" + ("" if mean in {"", given} else f" (mean {mean})")
            for name, given, mean in self._stated()
        )
        return f"<Workload {self.name}: {'; '.join(said)}>"

    def _stated(self) -> list[tuple[str, str, str]]:
        """Return the fields that are stated, in words: name, value as given, mean of a quantity."""
        stated = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "name"}
        defaults = {one.name: one.default for one in fields(self)}
        return [
            (
                key.replace("_", " "),
                value.describe() if isinstance(value, Quantity) else f"{value}",
                number_cell(value.mean) if isinstance(value, Quantity) else "",
            )
            for key, value in stated.items()
            if value is not None and value != defaults[key]
        ]

    def resolve(self) -> Load:
        """Return what the workload means: every number with a value."""
        return self._load

    def given(self, key: str) -> Quantity | None:
        """Return one of the quantities as it was written, or ``None`` if it was not.

        Raises
        ------
        WorkloadError
            If a workload has no such field.
        """
        if key not in FIELDS:
            raise WorkloadError(unknown("A workload has no field", key, FIELDS))
        value = getattr(self, key)
        return value if isinstance(value, Quantity) else None

    @property
    def overflow_policy(self) -> Overflow:
        """What happens to a call that does not fit."""
        return parse_overflow(self.overflow)

    @property
    def written(self) -> WrittenShare | None:
        """The shares written to a cache, checked."""
        return self.written_share if isinstance(self.written_share, WrittenShare) else None

    @property
    def fees(self) -> tuple[tuple[str, Decimal], ...]:
        """Names of fees and how often a request causes them, checked."""
        return self.fees_per_request if isinstance(self.fees_per_request, tuple) else ()

    @property
    def is_ranged(self) -> bool:
        """Whether something is stated to be uncertain, so that spend has a range."""
        return not all(one.is_certain for one in self.resolve().quantities().values())

    @property
    def dated_events(self) -> tuple[Event, ...]:
        """The events, checked."""
        return tuple(event for event in self.events if isinstance(event, Event))

    @property
    def dated_price_changes(self) -> tuple[PriceChange, ...]:
        """The price changes, checked, in the order of their days."""
        return tuple(change for change in self.price_changes if isinstance(change, PriceChange))

    def dates(self) -> list[tuple[str, str]]:
        """Return what has a date or a weekday, as pairs for a table of assumptions."""
        ends = {"starts_on": self.starts_on, "ends_on": self.ends_on}
        found = [(key, str(day)) for key, day in ends.items() if day is not None]
        if self.weekday_profile is not None:
            days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
            profile = zip(days, self.weekday_profile, strict=True)
            found.append(("weekday_profile", ", ".join(f"{day} {share}" for day, share in profile)))
        found += [(f"event {event.name}", event.describe()) for event in self.dated_events]
        found += [("price_change", change.describe()) for change in self.dated_price_changes]
        return found

    @property
    def first_day(self) -> date:
        """The first day that can have traffic."""
        return self.starts_on if isinstance(self.starts_on, date) else date.min

    @property
    def last_day(self) -> date:
        """The last day that can have traffic."""
        return self.ends_on if isinstance(self.ends_on, date) else date.max

    @property
    def unit(self) -> str:
        """Name of the field that gives the traffic."""
        return next(key for key in UNITS if getattr(self, key) is not None)


FIELDS = tuple(field.name for field in fields(Workload))
QUANTITY_FIELDS = tuple(name for name in FIELDS if name in QUANTITIES)
