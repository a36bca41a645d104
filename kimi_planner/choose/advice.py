"""The sentences that decide: which model to choose, why, and when to choose another one instead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from kimi_planner.choose.aim import Aim
from kimi_planner.choose.choice import Choice
from kimi_planner.choose.saving import less_words
from kimi_planner.choose.success.result import chance_text, interval_text
from kimi_planner.choose.success.worth import Worth
from kimi_planner.money import named, usd, usd_text

_MOST_NAMED = 3


def clauses_of(choice: Choice) -> tuple[str, ...]:
    """Return on what a model is what it seems: conditions, and that its spend is not the least only."""
    return choice.conditions + ("its reasoning adds nothing to its spend",) * choice.is_least


def why_first(aim: Aim, ranked: Sequence[Choice], *, is_short: bool = False) -> str:
    """Return why the first of a ranking is it, in a clause; a short one stands after its spend."""
    first = ranked[0]
    alike = [one for one in ranked[1:] if bool(clauses_of(one)) == bool(clauses_of(first))]
    rivals = [one for one in alike if not aim.is_unknown(one.model)]
    if not rivals:
        if len(ranked) == 1:
            return f"no other model {'qualifies' if len(aim.rows) > 1 else 'was asked about'}"
        no_other = "success is known of no other that qualifies"
        return no_other if alike else "no other qualifies for sure"
    second = rivals[0]
    tie = _same(aim, first.model, second.model)
    if aim.by_value and not aim.is_unknown(first.model):
        net, other = (float(aim.worth.net_usd[one.model]) for one in (first, second))
        more = tie or f"{usd_text(net - other)} more than {second.model}"
        if is_short:
            return f"net value of a task {usd_text(net)}, {more}"
        chance = chance_text(aim.worth.chance_best[first.model])
        return f"net value {usd_text(net)} {aim.projection.currency} a task, {more}; the best with probability {chance}"
    if tie:
        return tie if is_short else f"it costs {tie}"
    less = aim.mean_usd(second.model) - aim.mean_usd(first.model)
    than = f"{less_words(less, '' if is_short else f'{aim.projection.currency} a month ')}{' as' if usd(abs(less)) == '0.00' else ' than'} {second.model}"
    if less > 0:
        return than if is_short else f"the cheapest, {than}"
    return f"{than}, the cheapest by tried or published costs"


def _same(aim: Aim, first: str, second: str) -> str:
    """Return that two models are equal to the cent of a month, and what then decides; else nothing."""
    (_, one, success, _), (_, other, less, _) = aim.order(first), aim.order(second)
    if usd(abs(float(other) - float(one)) * float(aim.tasks)) != "0.00":
        return ""
    decides = "first by name" if success == less else "one that succeeds more often"
    if one != other:
        decides = "first by less than a cent"
    return f"the same as {second}; of equal ones the {decides} is taken"


def instead(aim: Aim, chosen: str, ranked: Sequence[Choice]) -> Iterator[str]:
    """Yield for which values of a solved task another model is the better one, in clauses.

    Those that qualify for sure are compared with the chosen one; of those on a condition, the ones
    that would be the best of all if it holds.
    """
    clauses = {one.model: clauses_of(one) for one in ranked}
    sure = [model for model in clauses if not clauses[model] or model == chosen]
    spans = _spans(sure, aim) | {
        model: span
        for model, span in _spans(clauses, aim).items()
        if clauses[model] and model != chosen
    }
    value = aim.objective.value_usd
    for model, span in spans.items():
        if model == chosen:
            continue
        is_at = value is not None and span.low <= value and (span.high is None or value < span.high)
        worth = [] if is_at else list(_worth(span, aim.worth, aim.projection.currency))
        if not worth and value is None and chosen not in aim.worth.points:
            worth = ["success must be known"]
        parts = [*clauses[model], *worth]
        condition = f" if {' and '.join(parts)}" if parts else ", at the value stated"
        yield f"{model} instead{condition}"


def never_best(aim: Aim, ranked: Sequence[Choice]) -> str:
    """Return which models are the best for no value of a solved task, in a clause; else nothing."""
    models = [one.model for one in ranked]
    best = _spans(models, aim)
    never = [model for model in models if model in aim.worth.points and model not in best]
    return f"Never the best, whatever a solved task is worth: {', '.join(never)}" if never else ""


class _Span(NamedTuple):
    """Between which values of a solved task a model is the best, and the models that are below and above."""

    low: Any
    high: Any
    before: str | None
    model: str
    after: str | None


def _spans(models: Iterable[str], aim: Aim) -> dict[str, _Span]:
    """Return from which to which value of a solved task each model is the best."""
    hull = aim.worth.hull(models)
    names, prices = [one.model for one in hull], [one.from_usd for one in hull]
    spans = zip(
        prices, [*prices[1:], None], [None, *names], names, [*names[1:], None], strict=False
    )
    return {span.model: span for span in map(_Span._make, spans)}


def _worth(span: _Span, worth: Worth, currency: str) -> Iterator[str]:
    """Yield between which values a solved task is worth, if that matters; one with its 90% interval."""
    if span.before is not None and span.after is not None:
        ends = " to ".join(usd_text(float(end)) for end in (span.low, span.high))
        yield f"a solved task is worth {ends} {currency}"
    elif span.before is not None:
        interval = interval_text(worth.switching_interval(span.before, span.model))
        yield f"a solved task is worth more than {usd_text(float(span.low))} {currency} ({interval})"
    elif span.after is not None:
        interval = interval_text(worth.switching_interval(span.model, span.after))
        yield f"a solved task is worth less than {usd_text(float(span.high))} {currency} ({interval})"


def not_known(aim: Aim, models: Sequence[str], timed: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is not compared, as nothing is known of it or nothing says what it is worth."""
    missing = [model for model in models if aim.rates[model].is_judgement]
    public = [one for one in models if aim.rates[one].trials is None and one not in missing]
    if missing:
        yield f"Success is not known of {_some(missing, models)}"
    if public:
        of = "the others" if len(public) + len(missing) == len(models) else _some(public, models)
        of = of if missing or len(public) < len(models) else _all(models)
        yield f"Success of {of} is what published results say, which is little"
    if not aim.objective.is_stated:
        key = named("value_usd_per_success", aim.projection.currency)
        yield f"No value of a solved task is stated ({key}), so models rank by cost"
    if slow := [model for model in models if timed.get(model) is None]:
        yield f"Time to answer is not known of {_some(slow, models)}"


def _some(some: Sequence[str], models: Sequence[str]) -> str:
    """Return some of the models in words: their names where they are few."""
    if len(some) == len(models):
        return _all(models, "any model")
    return ", ".join(some) if len(some) <= _MOST_NAMED else f"{len(some)} of {len(models)} models"


def _all(models: Sequence[str], words: str = "all models") -> str:
    return words if len(models) > 1 else models[0]
