"""The card of a workload: cost, success, time and risk of every model, and what to choose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import pandas as pd

from kimi_planner.choose.advice import clauses_of, instead, never_best, not_known, why_first
from kimi_planner.choose.aim import Aim
from kimi_planner.choose.answer_time import AnswerTime, answer_time
from kimi_planner.choose.choice import Choice, Decision
from kimi_planner.choose.saving import first_words
from kimi_planner.choose.success.result import source_text
from kimi_planner.money import usd
from kimi_planner.plan.booking import booked
from kimi_planner.rich import Page, Shown, share_text

if TYPE_CHECKING:
    from kimi_planner.choose.recommendation import Recommendation


CONFIDENCE = 0.9


@dataclass(frozen=True, kw_only=True)
class CardRow:
    """One model on the card of a workload.

    Attributes
    ----------
    model, rank
        Its id; 1 for the first of the ranking, ``None`` for one that does not qualify.
    bookable_usd_per_month
        The bookable number of the workload on this model, of an average month.
    p10_usd_per_month, p50_usd_per_month, p90_usd_per_month
        Average spend of a month, percentiles over paths.
    success_rate, success_low, success_high, is_measured, success_source
        Expected success of a task with its 90% interval, whether it was tried by the team, and what it
        rests on; ``None`` if not known.
    p50_seconds, p90_seconds, time_is_least, time_source
        Seconds within which half and nine of ten answers are complete, whether they may be more, and
        what that rests on; ``None`` if not known.
    chance_over_budget
        Probability that some month is over the budget; ``None`` without a budget.
    cost_per_task_usd
        Expected cost of a task, as its trials tell it, else as planned.
    net_usd_per_month, chance_best
        Expected net value of an average month, and the probability that no other model has more;
        ``None`` where no value of a success is stated or success is not known.
    best_from_usd
        Value of a solved task from which on it is the best of those that qualify, if what is open holds;
        ``None`` for one that never is, and where success is not known.
    is_least
        Whether nobody knows how much it reasons, so that spend and its chance to break the budget are the least.
    is_open
        Whether something must be true, that is not known, so that it qualifies or is where it ranks.
    condition
        What that is, or why it does not qualify, and what else differs from the plan, in words.
    """

    model: str
    rank: int | None
    bookable_usd_per_month: Decimal
    p10_usd_per_month: float
    p50_usd_per_month: float
    p90_usd_per_month: float
    success_rate: float | None
    success_low: float | None
    success_high: float | None
    is_measured: bool
    success_source: str
    p50_seconds: float | None
    p90_seconds: float | None
    time_is_least: bool
    time_source: str
    chance_over_budget: float | None
    cost_per_task_usd: float
    net_usd_per_month: float | None
    chance_best: float | None
    best_from_usd: float | None
    is_least: bool
    is_open: bool
    condition: str

    @property
    def is_ranged(self) -> bool:
        """Whether its spend has a range; without one, percentiles are the mean."""
        return self.p10_usd_per_month < self.p90_usd_per_month


@dataclass(frozen=True, kw_only=True, repr=False)
class Card(Shown):
    """What decides on the model of a workload, on one screen.

    Attributes
    ----------
    workload, model
        Its name, and the model that it is planned on.
    rows
        Every model, the ranking first, then those that do not qualify.
    sentences
        Which model to choose and why, when to choose another one, and what is not known.
    book
        Which number is bookable, in words.
    provenance
        What the numbers rest on.
    currency
        Of all amounts.
    """

    workload: str
    model: str
    rows: tuple[CardRow, ...]
    sentences: tuple[str, ...]
    book: str
    provenance: str
    currency: str = "USD"

    @property
    def frame(self) -> pd.DataFrame:
        """One row per model, with the attributes of `CardRow` as columns."""
        return pd.DataFrame(list(self.rows)).astype({"rank": "Int64"})

    @property
    def headers(self) -> tuple[str, ...]:
        """Heads of the columns of `cells`; what is known of no model has none."""
        every = ("model", "booked", "P10-P90", "net", "success", "over", "answer")
        return tuple(every[place] for place in self._places)

    @property
    def legend(self) -> str:
        """What the columns are, in words."""
        words = {
            1: f"booked: {self.book}, {self.currency} a month",
            3: f"net: value of what is solved less spend and failures, {self.currency} a month",
            4: "success: expected, with its 90% interval, * by published results alone",
            5: "over: chance that some month is over its budget, + for at least that",
            6: "answer: seconds of half and of nine of ten answers, + for more than that",
        }
        marks = ["?: on a condition, x: does not qualify"] * any(
            row.is_open or row.rank is None for row in self.rows
        )
        return "; ".join([*(words[place] for place in self._places if place in words), *marks])

    @property
    def _places(self) -> list[int]:
        """The columns of which something is known."""
        known = {
            3: any(row.net_usd_per_month is not None for row in self.rows),
            4: any(row.success_rate is not None for row in self.rows),
            5: any(row.chance_over_budget is not None for row in self.rows),
            6: any(row.p50_seconds is not None for row in self.rows),
        }
        return [place for place in range(7) if known.get(place, True)]

    def cells(self) -> list[tuple[str, ...]]:
        """Return the rows for people, an unknown being called so."""
        rows = map(_cells, self.rows)
        return [tuple(cells[place] for place in self._places) for cells in rows]

    def conditions(self) -> list[str]:
        """Return on what models qualify, and why others do not, those alike together."""
        alike: dict[str, list[str]] = {}
        for row in self.rows:
            alike.setdefault(row.condition, []).append(row.model)
        return [f"{', '.join(models)}: {words}" for words, models in alike.items() if words]

    def page(self) -> Page:
        """Return every model with what it costs and brings, and what to choose."""
        return Page(
            title=f"{self.workload}: {self.model}. {self.currency} of an average month on each model",
            frame=[dict(zip(self.headers, cells, strict=True)) for cells in self.cells()],
            numbers=self.headers[1:],
            notes=(*self.sentences, *self.conditions()),
            provenance=f"{self.legend}. {self.provenance}",
        )


def card_of(recommendation: Recommendation, name: str) -> Card:
    """Return the card of a workload."""
    aim, ranked = recommendation.aims[name], recommendation.ranking(name)
    [decision] = (one for one in recommendation.decisions if one.workload == name)
    out = [one for one in recommendation.exclusions if one.workload == name]
    choices = {one.model: one for one in ranked}
    said: dict[str, str] = {}
    for one in ranked:
        clauses = " and ".join(clauses_of(one))
        more = (f"qualifies if {clauses}" * bool(clauses), _needed(aim, ranked, one))
        said[one.model] = "; ".join(filter(None, [*more, aim.as_tried(one.model)]))
    said |= {one.model: f"does not qualify: {'; '.join(one.reasons)}" for one in out}
    specs = {spec.id: spec for spec in recommendation.projection.specs}
    timed = {
        model: answer_time(aim.workload, specs[model], aim.rates[model].trials) for model in said
    }
    return Card(
        workload=name,
        model=decision.model,
        rows=tuple(
            _row(recommendation, aim, model, choices.get(model), timed[model], said[model])
            for model in said
        ),
        sentences=tuple(_sentences(recommendation, aim, decision, ranked, timed)),
        book=recommendation.projection.booking.words,
        currency=recommendation.projection.currency,
        provenance=f"{source_text(recommendation.evaluations)} {recommendation.projection.provenance}",
    )


def _row(
    recommendation: Recommendation,
    aim: Aim,
    model: str,
    choice: Choice | None,
    time: AnswerTime | None,
    condition: str,
) -> CardRow:
    projection, name = recommendation.projection, aim.workload.name
    budget = recommendation.requirements.budget(aim.workload.budget_usd_per_month)
    best_from = dict(aim.worth.hull(one.model for one in recommendation.ranking(name)))
    rate = aim.rates[model]
    low, high = rate.interval(CONFIDENCE) or (None, None)
    has_net = aim.by_value and not aim.is_unknown(model)
    months = len(projection.months)
    return CardRow(
        model=model,
        rank=None if choice is None else choice.rank,
        bookable_usd_per_month=booked(projection, {name: model}).usd / months,
        p10_usd_per_month=aim.rows[model]["p10_usd_per_month"],
        p50_usd_per_month=aim.rows[model]["p50_usd_per_month"],
        p90_usd_per_month=aim.rows[model]["p90_usd_per_month"],
        success_rate=rate.mean,
        success_low=low,
        success_high=high,
        is_measured=rate.trials is not None,
        success_source=rate.source,
        p50_seconds=None if time is None else time.p50_seconds,
        p90_seconds=None if time is None else time.p90_seconds,
        time_is_least=time is not None and time.is_least,
        time_source="" if time is None else time.source,
        chance_over_budget=None
        if budget is None
        else projection.of(model, name).chance_over(budget),
        cost_per_task_usd=float(aim.cost_usd(model)),
        net_usd_per_month=aim.month_value(model) if has_net else None,
        chance_best=aim.worth.chance_best[model] if has_net else None,
        best_from_usd=None if model not in best_from else float(best_from[model]),
        is_least=bool(aim.rows[model]["is_least"]),
        is_open=choice is not None and bool(clauses_of(choice) or aim.is_unknown(model)),
        condition=condition,
    )


def _needed(aim: Aim, ranked: Sequence[Choice], one: Choice) -> str:
    """Return the success from which a model would be the best of which it is not known, if it decides."""
    if not aim.is_unknown(one.model):
        return ""
    best = max(
        (aim.worth.net_usd[other.model] for other in ranked if not aim.is_unknown(other.model)),
        default=None,
    )
    if best is None:
        return "its success is not known"
    needed = float(aim.objective.needed_success(aim.cost_usd(one.model), best))
    if needed > 1:
        return "its success is not known, and none would make it the best"
    return f"its success is not known; it is the best above a success of {share_text(max(needed, 0.0))}"


def _sentences(
    recommendation: Recommendation,
    aim: Aim,
    decision: Decision,
    ranked: Sequence[Choice],
    timed: dict[str, AnswerTime | None],
) -> Iterator[str]:
    chosen = decision.model
    qualifies = f" ({ranked[0].if_words})" if decision.conditions else ""
    if decision.basis == "none qualifies":
        yield f"No model qualifies; planned on {chosen}: {decision.unserved[-1]}."
    elif decision.basis == "pinned":
        first = ranked[0] if ranked else None
        yield f"{chosen} is pinned{first_words(chosen, first, decision.first_saves_usd_per_month, f'{recommendation.projection.currency} a month ')}."
    else:
        yield f"Choose {chosen}{qualifies}: {why_first(aim, ranked)}."
    yield from (
        f"{over.words}."
        for over in recommendation.over_budget
        if over.workload == aim.workload.name
    )
    others = [*instead(aim, chosen, ranked), *_faster(chosen, ranked, timed)]
    if others:
        yield f"Choose {'; '.join(others)}."
    if never := never_best(aim, ranked):
        yield f"{never}."
    models = [one.model for one in ranked] or [chosen]
    if unknown := list(not_known(aim, models, timed)):
        yield f"{'. '.join(unknown)}."


def _faster(
    chosen: str, ranked: Sequence[Choice], timed: dict[str, AnswerTime | None]
) -> Iterator[str]:
    """Yield which model answers sooner, where that is known of both."""
    own = timed.get(chosen)
    known = [
        (time.p90_seconds, one.model)
        for one in ranked
        if (time := timed[one.model]) is not None and not time.is_least
    ]
    if own is None or not known or min(known)[0] >= own.p90_seconds:
        return
    yield f"{min(known)[1]} instead if nine of ten answers must come within less than {own.p90_seconds:,.1f} s"


def _cells(row: CardRow) -> tuple[str, ...]:
    spread = f"{usd(row.p10_usd_per_month, 0)}-{usd(row.p90_usd_per_month, 0)}"
    if not row.is_ranged:
        spread = "not given"
    success = "unknown"
    if (
        row.success_rate is not None
        and row.success_low is not None
        and row.success_high is not None
    ):
        ends = f"{100 * row.success_low:.0f}-{100 * row.success_high:.0f}"
        success = f"{100 * row.success_rate:.0f}% ({ends}){'*' * (not row.is_measured)}"
    time = "unknown"
    if row.p50_seconds is not None and row.p90_seconds is not None:
        time = f"{row.p50_seconds:,.0f}-{row.p90_seconds:,.0f}{'+' * row.time_is_least}"
    chance = row.chance_over_budget
    over = "unknown" if chance is None else share_text(chance) + "+" * (row.is_least and chance < 1)
    net = "unknown"
    if row.net_usd_per_month is not None:
        net = f"{'-' * (row.net_usd_per_month < 0)}{usd(abs(row.net_usd_per_month), 0)}"
    mark = " x" if row.rank is None else " ?" if row.is_open else ""
    return row.model + mark, usd(row.bookable_usd_per_month), spread, net, success, over, time
