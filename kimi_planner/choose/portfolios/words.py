"""What a portfolio says: its spend and worth, how sure that is, and where other models would be used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import ROUND_UP, Decimal
from typing import TYPE_CHECKING

from kimi_planner.choose.advice import clauses_of
from kimi_planner.choose.aim import Aim
from kimi_planner.choose.portfolios.question import Question
from kimi_planner.money import usd, usd_text
from kimi_planner.notes import Note, note, noted
from kimi_planner.plan.spend import Spend
from kimi_planner.rich import share_text as chance_text

if TYPE_CHECKING:
    from kimi_planner.choose.portfolios.result import Portfolio


def said(found: Portfolio) -> list[str]:
    """Return the answer in sentences: spend, worth, how sure, and what was taken into account."""
    if found.spend is None:
        return [_why_not(found)]
    return [
        _spends(found, found.spend),
        _worth(found),
        _how_sure(found),
        *_as_tried(found),
        *_beside(found.question, found.shares),
        *_notes(found),
    ]


def _spends(found: Portfolio, spend: Spend) -> str:
    if spend.exact_usd is not None:
        spread, risk = "; nothing is uncertain", ""
    else:
        p10, p50, p90 = (usd(found.spend_usd(at) or Decimal(0)) for at in (10, 50, 90))
        spread = f" (P10 {p10}, P50 {p50}, P90 {p90})"
        chance = spend.chance_over(found.budget_usd_per_month)
        risk = f" The chance that some month exceeds the budget is {chance_text(chance)}."
    return (
        f"{usd(found.budget_usd_per_month)} {found.question.currency} a month serve every workload. The dearest month, "
        f"{found.dearest_month}, spends {usd(found.spend_usd() or Decimal(0))} {found.question.currency} at "
        f"P{found.percentile:g} of all workloads together{spread}.{risk}"
    )


def _worth(found: Portfolio) -> str:
    frame = found.frame
    tasks, solved = frame["tasks_per_month"].sum(), frame["successes_per_month"].sum()
    net = f", worth {usd(frame['value'].sum())} {found.question.currency} less failures and spend"
    return (
        f"An average month is expected to bring {solved:,.0f} successes of {tasks:,.0f} "
        f"tasks{net * found.question.in_usd}, {_source(found)}."
    )


def _source(found: Portfolio) -> str:
    aims = found.question.aims
    untried = ", ".join(
        f"{name} on {model}"
        for name, model in found._by_model
        if not aims[name].rates[model].trials
    )
    public = f" and, for {untried}, published results"
    return f"by the success rates measured in {found.question.source}{public * bool(untried)}"


def _how_sure(found: Portfolio) -> str:
    what = "split or assignment" if found.question.allow_split else "assignment"
    more, proof = "", "this is proved"
    if not found.proven_optimal:
        more = f" by more than {share_text(found.gap or 0.0)}"
        proof = "this is the bound that the search proved"
    return (
        f"No {what} within the budget does better{more}: {proof}. As far as the trials tell, no other "
        "model of one workload, within the budget, is worth more with probability "
        f"{chance_text(found.chance_best or 0.0)}."
    )


def _notes(found: Portfolio) -> Iterator[Note]:
    yield from found.question.unused
    if found.question.tier is not None:
        yield note("keeps_tier", tier=found.question.tier.tier)
        peaks = found.question.traffic and found.question.traffic.peaks.values()
        unknown = dict.fromkeys(key for one in peaks or () for key in one.unknown)
        yield from noted("peaks_may_be_higher", keys=unknown)
    for one in found.question.recommendation.choices:
        if (words := clauses_of(one)) and one.model in found.shares.get(one.workload, ()):
            clauses = " and ".join(words)
            yield note("conditional", conditions=clauses, models=one.model, workloads=one.workload)
    if any(len(used) > 1 for used in found.shares.values()):
        yield note("split_spread")


def _why_not(found: Portfolio) -> str:
    asked, least, possible = found.question, found.least_budget_usd, found.least_possible_usd
    if unserved := asked.recommendation.without_model:
        return (
            f"No portfolio: no model qualifies for {', '.join(unserved)}. Every "
            "workload must be served."
        )
    if unknown := asked.without_model:
        return (
            "No portfolio: nothing tells how often the models succeed that qualify for "
            f"{', '.join(unknown)}."
        )
    if least is None or possible is None:
        tier = "" if asked.tier is None else f" of tier {asked.tier.tier}"
        return f"No portfolio: no assignment keeps the limits{tier}."
    budget = f"{usd(found.budget_usd_per_month)} {asked.currency} a month at P{found.percentile:g}"
    needed = f"{least_text(least)} {asked.currency}"
    if least == possible:
        return f"{budget} cannot serve every workload. The least budget that can is {needed}."
    if possible > found.budget_usd_per_month:
        return (
            f"{budget} cannot serve every workload. {needed} can; nothing below {usd(possible)} "
            f"{asked.currency} can."
        )
    return (
        f"No assignment within {budget} was found, and it is not proved that there is none. "
        f"{needed} serve every workload."
    )


def _as_tried(found: Portfolio) -> Iterator[str]:
    """Yield where worth counts another cost of a task than the budget, which is of the plan."""
    for name, used in found.shares.items():
        for model in used if found.question.in_usd else ():
            if words := found.question.aims[name].as_tried(model):
                yield f"{name} on {model}: {words}; worth counts the first, the budget the second."


def _beside(asked: Question, shares: Mapping[str, Mapping[str, Decimal]]) -> Iterator[str]:
    """Yield for each workload on one model why that is not the model that is recommended for it."""
    best = asked.recommendation.best
    for name, used in shares.items():
        model, *more = used
        if not more and model != best[name]:
            why = _instead(asked.aims[name], model, best[name], in_usd=asked.in_usd)
            yield f"{name} is on {model}, by itself it would be on {best[name]}, {why}."


def _instead(aim: Aim, model: str, other: str, *, in_usd: bool) -> str:
    """Return why a model is used and not the recommended one, with the value that separates them."""
    points = aim.worth.points
    if other not in points:
        return "of which nothing tells how often it succeeds"
    price = aim.objective.switching_usd(points[other], points[model])
    if in_usd or points[model][0] <= points[other][0]:
        return "which this budget or its limits do not reach"
    worth = usd_text(max(float(price), 0.0))
    return f"which is cheaper; it is the better of the two if a solved task is worth more than {worth} {aim.projection.currency}"


def least_text(amount: Decimal) -> str:
    """Return a least budget for people, rounded up so that it is enough."""
    return usd(up_to_cents(amount))


def up_to_cents(amount: Decimal) -> Decimal:
    """Round a budget up to a cent, so that what it was for stays within it."""
    return amount.quantize(Decimal("0.01"), rounding=ROUND_UP)


def share_text(share: float) -> str:
    """Return a small share in percent, rounded up, two digits at least.

    >>> share_text(0.00423), share_text(0.0000012)
    ('0.43%', '0.00012%')
    """
    percent = Decimal(repr(share)) * 100
    places = max(2, 1 - percent.adjusted()) if percent else 2
    return f"{percent.quantize(Decimal(1).scaleb(-places), rounding=ROUND_UP):f}%"
