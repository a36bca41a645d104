"""The result of a choice: the ranking of each workload, and what rules the other models out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from kimi_planner.calls.caps import WORTH_SAYING
from kimi_planner.calls.fit import ContextFit, Served
from kimi_planner.capacity.tiers import Throughput
from kimi_planner.choose.advice import why_first
from kimi_planner.choose.aim import Aim
from kimi_planner.choose.budgets import OverBudget, over_budgets
from kimi_planner.choose.card import Card, card_of
from kimi_planner.choose.choice import Choice, Decision, Exclusion
from kimi_planner.choose.evaluations.public import PublicResults
from kimi_planner.choose.evaluations.read import Evaluations
from kimi_planner.choose.requirements import Requirements
from kimi_planner.choose.saving import Saving, first_saves, first_words, saving_of
from kimi_planner.errors import SettingError, unknown
from kimi_planner.money import usd
from kimi_planner.notes import Note
from kimi_planner.plan.booking import Booked, booked
from kimi_planner.plan.budget import BudgetMatrix, budget_matrix
from kimi_planner.plan.projection import Projection
from kimi_planner.plan.refused import refused_usd
from kimi_planner.rich import Page, Shown, share_text
from kimi_planner.workload import Workload

_ENDS = ("p10_usd_per_month", "p90_usd_per_month")
#: What of the card of a workload is shown beside those of others.
_IN_SHORT = ("model", "bookable_usd_per_month", *_ENDS, "chance_over_budget")


@dataclass(frozen=True, kw_only=True, repr=False)
class Recommendation(Shown):
    """Which model each workload should use.

    Attributes
    ----------
    choices
        The ranking of each workload, best first.
    exclusions
        Models that do not qualify.
    fallback
        The model that a workload is planned on for which none qualifies, by its name.
    aims
        What decides for a workload, by its name: its objective, and what is known of success.
    requirements
        What was asked.
    projection, fit
        What the ranking rests on.
    throughput, evaluations
        What a tier and a least success rate were held against, where they were asked for.
    published
        Published results that success rests on beside the team's own; ``None`` if they do not count.
    unused
        Which evaluations are of no workload of the projection.

    Examples
    --------
    >>> from kimi_planner import Workload, recommend
    >>> chat = Workload(name="chat", requests_per_day=1000, prompt_tokens=2000, completion_tokens=300)
    >>> choice = recommend(chat, months=1, start="2027-01", as_of="2026-11-28", catalog="2026-06")
    >>> choice.sentences()
    ['chat: kimi-k2, 107.88 USD a month (mean); 26.97 less than kimi-k2-instruct.']
    >>> choice.chosen() == choice.sentences()  # no budget is broken
    True
    >>> [(one.rank, one.model) for one in choice.ranking("chat")]
    [(1, 'kimi-k2'), (2, 'kimi-k2-instruct'), (3, 'kimi-k2-5'), (4, 'kimi-k2-5-thinking')]
    """

    choices: tuple[Choice, ...]
    exclusions: tuple[Exclusion, ...]
    fallback: Mapping[str, str]
    aims: Mapping[str, Aim]
    requirements: Requirements
    projection: Projection
    fit: ContextFit
    throughput: Throughput | None = None
    evaluations: Evaluations | None = None
    published: PublicResults | None = None
    unused: tuple[Note, ...] = ()

    @property
    def best(self) -> dict[str, str]:
        """Workload name to the model it is planned on, every workload being in it."""
        return {one.workload: one.model for one in self.decisions}

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:
        """The model of each workload and why, in the order of `names`."""
        return tuple(map(self._decided, self.workloads))

    @cached_property
    def cards(self) -> tuple[Card, ...]:
        """What decides for each workload on one screen, in the order of `names`."""
        return tuple(card_of(self, name) for name in self.names)

    @cached_property
    def booked(self) -> Booked:
        """The bookable number, every workload on its model."""
        return booked(self.projection, self.best)

    @cached_property
    def budget_matrix(self) -> BudgetMatrix:
        """The bookable number by workload and month, with quarters, totals and budgets."""
        return budget_matrix(self.projection, self.best, self.booked)

    @property
    def without_model(self) -> tuple[str, ...]:
        """Workloads for which no model qualifies; they are planned all the same."""
        ranked = {choice.workload for choice in self.choices}
        return tuple(name for name in self.names if name not in ranked)

    @cached_property
    def over_budget(self) -> tuple[OverBudget, ...]:
        """Workloads whose planned spend is over their budget in some month; see `OverBudget`."""
        return tuple(over_budgets(self))

    @cached_property
    def saving(self) -> Saving | None:
        """What the first of each ranking would save where another model is pinned; see `Saving`."""
        return saving_of(self)

    @property
    def workloads(self) -> tuple[Workload, ...]:
        """Those that a model is chosen for, in the order of `names`."""
        return tuple(one for one in self.projection.workloads if one.name in self.names)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the workloads, in the order of the projection, which may hold others too."""
        asked = {one.workload for one in self.choices} | {one.workload for one in self.exclusions}
        return tuple(name for name in self.projection.names if name in asked)

    @property
    def notes(self) -> tuple[Note, ...]:
        """What the spend and the choice leave out, in words."""
        notes = self.projection.notes + (self.throughput.notes if self.throughput else ())
        return tuple(dict.fromkeys(notes + self.unused))  # some concern both

    @property
    def frame(self) -> pd.DataFrame:
        """One row per workload and qualifying model, best first."""
        return pd.DataFrame(self.choices, columns=list(Choice.__dataclass_fields__))

    def sentences(self) -> list[str]:
        """Return what is over its budget, the choice for each workload, and what another one would save."""
        return [*(one.sentence for one in self.over_budget), *self.chosen()]

    def chosen(self) -> list[str]:
        """Return the choice for each workload in one sentence, and what the first of the rankings would save."""
        said = [f"{one.workload}: {one.why}." for one in self.decisions]
        return [*said, *([self.saving.sentence] if self.saving else [])]

    def ranking(self, workload: str) -> list[Choice]:
        """Return the models that qualify for a workload, best first; none may.

        Raises
        ------
        SettingError
            If no model was to be chosen for such a workload.
        """
        if workload not in self.names:
            raise SettingError(unknown("There is no workload", workload, self.names, "There are"))
        return [choice for choice in self.choices if choice.workload == workload]

    def _decided(self, workload: Workload) -> Decision:
        name, ranked = workload.name, self.ranking(workload.name)
        model = workload.model or (ranked[0].model if ranked else self.fallback[name])
        choice = next((one for one in ranked if one.model == model), None)
        out = [one for one in self.exclusions if (one.workload, one.model) == (name, model)]
        basis = "pinned" if workload.model else "recommended" if choice else "none qualifies"
        aim = self.aims[name]
        spend = f"{model}, {usd(aim.mean_usd(model))} {self.projection.currency} a month (mean)"
        said = self.projection.reasoning(model, name).words
        reasoning = f"reasoning {said}" if said else ""
        reasons = tuple(reason for one in out for reason in one.reasons)
        amount = refused_usd(self.projection, workload, model)
        unserved = list(unserved_words(self.fit.of(name, model), amount, workload))
        cheaper: list[str] = []
        first = ranked[0] if ranked else None
        saves = first_saves(aim, model, first)
        if basis == "pinned":
            spend += f", pinned{first_words(model, first, saves)}"
            unserved += [f"it does not qualify: {'; '.join(reasons)}"] * bool(reasons)
        elif choice is None:
            unserved += ["no model qualifies", self._least_change(name)]
        else:
            spend += f"; {why_first(aim, ranked, is_short=True)}"
            cheaper = _cheaper(ranked)
        return Decision(
            workload=name,
            model=model,
            basis=basis,
            spend=spend,
            first=first.model if first else None,
            first_saves_usd_per_month=saves,
            open=(*filter(None, [choice.if_words if choice else "", reasoning]), *cheaper),
            unserved=tuple(unserved),
            conditions=choice.conditions if choice else (),
            reasons=reasons,
        )

    def _least_change(self, name: str) -> str:
        """Return the fewest changes that make a model qualify for a workload, in words."""
        out = [one for one in self.exclusions if one.workload == name]
        least = min(
            out,
            key=lambda one: (
                len(one.changes), len(one.conditions), self.projection.of(one.model, name).mean().sum()
            ),
        )  # fmt: skip
        return f"the least change: {least.model} would if {' and '.join((*least.changes, *least.conditions))}"

    def page(self) -> Page:
        """Return the model of each workload and what it spends, with that of all together."""
        months = len(self.projection.months)
        rows = [
            {"workload": card.workload}
            | {name: getattr(row, name) for name in _IN_SHORT if row.is_ranged or name not in _ENDS}
            for card in self.cards
            for row in card.rows
            if row.model == card.model
        ]
        if len(rows) > 1:
            average = self.projection.mix(self.best).over_months()
            ends = [float(average.quantile(q)[0]) / months for q in (0.1, 0.9)]
            whole = {"workload": "all", "bookable_usd_per_month": self.booked.usd / months}
            rows.append(whole | dict(zip(_ENDS, ends, strict=True)) if average.is_ranged else whole)
        return Page(
            title=f"{self.booked.sentence} Below, {self.projection.currency} of an average month, percentiles over paths.",
            frame=rows,
            columns=("workload", *_IN_SHORT),
            notes=(*self.sentences(), *self.notes),
            provenance=self.cards[0].provenance,
            currency=self.projection.currency,
        )


def _cheaper(ranked: Sequence[Choice]) -> list[str]:
    """Return which model is cheaper than the first of a ranking, and why it is not the first."""
    cheapest = min(ranked, key=lambda one: one.mean_usd_per_month)
    less = usd(ranked[0].mean_usd_per_month - cheapest.mean_usd_per_month)
    words = " and ".join(
        filter(None, [cheapest.if_words, "its reasoning is not in that" * cheapest.is_least])
    )
    return [f"{cheapest.model} is {less} less and {words}"] * (bool(words) and less != "0.00")


def unserved_words(served: Served, amount: float | None, workload: Workload) -> Iterator[str]:
    """Yield which calls a model does not serve as they are asked for, and what of it is priced.

    ``amount`` is what serving those costs a month that its window refuses, ``None`` if not known.
    """
    if served.refused_share:
        policy = workload.overflow_policy
        place = "not in" if policy.policy == "reject" else "in"
        to_serve = (
            ""
            if amount is None or usd(amount) == "0.00"  # fewer than the draws of spend tell
            else f", {usd(amount)} {workload.currency} a month to serve, {place} the spend"
        )
        refused = share_text(served.refused_share)
        yield f"its window refuses {refused} of calls{to_serve} (overflow: {policy})"
    if served.cut_share >= WORTH_SAYING["cut"] or served.empty_share >= WORTH_SAYING["empty"]:
        yield (
            f"max_tokens {workload.max_tokens:,} cuts {share_text(served.cut_share)} of answers and "
            f"leaves {share_text(served.empty_share)} empty"
        )
