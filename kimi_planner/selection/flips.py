"""What would change the answer: the values at which another model costs the same as the best."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_DOWN, Decimal

from kimi_planner.catalog import ModelSpec
from kimi_planner.errors import WorkloadError
from kimi_planner.money import usd
from kimi_planner.projection import project
from kimi_planner.selection.choice import Ranked
from kimi_planner.selection.flip import Flip
from kimi_planner.selection.pair import Pair
from kimi_planner.selection.reasons import over_budget
from kimi_planner.selection.switch import leading, meeting_factor
from kimi_planner.workload import Workload, what_if
from kimi_planner.workload.quantity import number_text

__all__ = ["flips"]

PRICE = "USD per million tokens"
#: Numbers of a workload that are moved, and their units.
MOVED = {
    "output share": "share",
    "reasoning multiplier": "times the reasoning tokens",
    "cached share": "share",
    "volume": "times the traffic",
}


def flips(recommendation: Ranked) -> tuple[Flip, ...]:
    """Return what would change the answer for each workload, one number moved at a time.

    Parameters
    ----------
    recommendation : Ranked
        A choice, such as `recommend` returns.

    Returns
    -------
    tuple of Flip
        For each workload the best model against the next in the ranking, and against the cheapest
        that only the budget excludes; and the traffic at which the best meets the budget.

    Notes
    -----
    Two models are compared by their expected spend over the plan's months: the mean over scenarios,
    in the scenarios of the plan. For plain numbers that is the exact bill. The budget is held against
    the worst month at its percentile, as in the choice.
    """
    projection = recommendation.projection
    specs = {spec.id: spec for spec in projection.specs}
    workloads = {workload.name: workload for workload in projection.workloads}
    found: list[Flip] = []
    for name, model in recommendation.best.items():
        workload = workloads[name]
        for other in _rivals(recommendation, workload, specs):
            pair = Pair(workload, specs[model], other, projection)
            found += _against(pair)
        found += _of_budget(recommendation, workload, model)
    return tuple(found)


def _rivals(
    recommendation: Ranked, workload: Workload, specs: dict[str, ModelSpec]
) -> Iterator[ModelSpec]:
    """Yield the next in the ranking, and the cheapest that only its budget excludes."""
    ranked = [one.model for one in recommendation.choices if one.workload == workload.name]
    yield from (specs[model] for model in ranked[1:2])
    requirements, projection = recommendation.requirements, recommendation.projection
    dear = [
        one.model
        for one in recommendation.exclusions
        if one.workload == workload.name
        and one.reasons == (over_budget(workload, one.model, requirements, projection),)
    ]
    if dear:
        spend = {model: projection.of(model, workload.name).mean().sum() for model in dear}
        yield specs[min(dear, key=lambda model: float(spend[model]))]


def _against(pair: Pair) -> Iterator[Flip]:
    """Yield each number at which the two models of a pair cost the same."""
    first, second = pair.bills()
    if first == second:
        same = f"cost the same, {usd(first / pair.months)} USD a month"
        sentence = f"{pair.names} {same}, so the order of the catalog decides"
        yield _flip(pair, "discount", "share", Decimal(0), Decimal(0), sentence)
        return
    yield from _of_prices(pair)
    moves = (_of_output_share, _of_reasoning, _of_cached_share, _of_volume)
    for (what, unit), of in zip(MOVED.items(), moves, strict=True):
        try:
            yield of(pair)
        except WorkloadError as error:  # a value on the way breaks a rule of the workload
            why = str(error).rstrip(".")
            yield _flip(pair, what, unit, None, None, f"what {what} does is not known: {why}")


def _flip(
    pair: Pair,
    what: str,
    unit: str,
    planned: Decimal | None,
    value: Decimal | None,
    text: str,
    *,
    clause: str = "",
) -> Flip:
    return Flip(
        workload=pair.workload.name,
        model=pair.best.id,
        against=pair.other.id,
        what=what,
        unit=unit,
        planned=planned,
        value=value,
        words=text,
        clause="" if value is None else clause,
    )


def _of_prices(pair: Pair) -> Iterator[Flip]:
    best, other = pair.best.id, pair.other.id
    for key in ("input", "output"):
        planned = pair.price(key)
        what, value = f"{key} price", None
        if pair.is_fixed(pair.best):
            text = f"no one {what} of {best} holds for the whole plan"
        elif (value := pair.price_switch(key)) is None:
            text = f"no {what} of {best} makes it cost the same as {other}"
        else:
            text = (
                f"{best} costs the same as {other} if {best}'s {what} {_moves(planned, value)} from "
                f"{usd_price(planned)} to {usd_price(value)} {PRICE}"
            )
        clause = (
            ""
            if value is None
            else f"{best}'s {what} were {_about(value)} instead of {usd_price(planned)}"
        )
        yield _flip(pair, what, PRICE, planned, value, text, clause=clause)
    dearer, cheaper = pair.by_cost()
    value = None if pair.is_fixed(dearer) else pair.discount_switch()
    text = (
        f"no one discount on {dearer.id} makes it cost the same as {cheaper.id}"
        if value is None
        else f"{dearer.id} costs the same as {cheaper.id} with {percent(value)} off all its prices"
    )
    clause = "" if value is None else f"{dearer.id} were {_about(100 * value)}% cheaper"
    yield _flip(pair, "discount", "share", Decimal(0), value, text, clause=clause)


def _of_output_share(pair: Pair) -> Flip:
    planned = pair.output_share
    dearer, cheaper = pair.by_cost()
    value = None if planned is None else pair.output_share_switch()
    if planned is None:
        text = "the output share cannot be moved, as there are no prompt or no output tokens"
    elif value is None:
        text = f"no output share makes {dearer.id} the cheaper one"
    else:
        way = "rises" if value > planned else "falls"
        text = (
            f"{dearer.id} costs the same as {cheaper.id} if the output share {way} from "
            f"{percent(planned, 1)} to {percent(value)} of prompt and visible output tokens"
        )
    clause = "" if value is None else f"output were {_about(100 * value)}% of prompt and answer"
    return _flip(pair, "output share", MOVED["output share"], planned, value, text, clause=clause)


def _of_reasoning(pair: Pair) -> Flip:
    dearer, cheaper = pair.by_cost()
    thinkers = [spec.id for spec in (pair.best, pair.other) if spec.reasons]
    planned = value = None
    if not thinkers:
        text = f"neither {pair.best.id} nor {pair.other.id} reasons, so reasoning changes nothing"
    elif pair.workload.quantity("reasoning_tokens") is None:
        text = f"no reasoning tokens are given, so how much {' or '.join(thinkers)} may reason is not known"  # fmt: skip
    else:
        planned, value = Decimal(1), pair.reasoning_switch()
        text = (
            f"no amount of reasoning makes {dearer.id} the cheaper one"
            if value is None
            else f"{dearer.id} costs the same as {cheaper.id} at {number_text(value)} times the "
            "reasoning tokens"
        )
    clause = "" if value is None else f"reasoning were {_about(value)} times as long"
    return _flip(
        pair,
        "reasoning multiplier",
        MOVED["reasoning multiplier"],
        planned,
        value,
        text,
        clause=clause,
    )


def _of_cached_share(pair: Pair) -> Flip:
    dearer, cheaper = pair.by_cost()
    planned, value = pair.cached_share, None
    if pair.caches_nothing:
        text = "neither has another price for cached tokens, so caching changes nothing"
    elif (value := pair.cached_share_switch()) is None:
        text = f"no cached share makes {dearer.id} the cheaper one"
    else:
        text = (
            f"{dearer.id} costs the same as {cheaper.id} if the share of prompt tokens from cache "
            f"goes from {percent(planned, 1)} to {percent(value)}"
        )
    clause = "" if value is None else f"{_about(100 * value)}% of prompts came from cache"
    return _flip(pair, "cached share", MOVED["cached share"], planned, value, text, clause=clause)


def _of_volume(pair: Pair) -> Flip:
    dearer, cheaper = pair.by_cost()
    value = None
    if pair.workload.cache is None or pair.caches_nothing:
        text = "both bills grow alike with volume, so it never changes their order"
    elif (value := pair.volume_switch()) is None:
        text = f"no volume makes {dearer.id} the cheaper one"
    else:
        text = (
            f"{dearer.id} costs the same as {cheaper.id} at {number_text(value)} times the traffic, as "
            "the cache then serves another share"
        )
    clause = "" if value is None else f"traffic were {_about(value)} times as high"
    return _flip(pair, "volume", MOVED["volume"], Decimal(1), value, text, clause=clause)


def _of_budget(recommendation: Ranked, workload: Workload, model: str) -> Iterator[Flip]:
    """Yield the traffic at which the worst month of the best model is as high as the budget."""
    requirements, projection = recommendation.requirements, recommendation.projection
    budget = requirements.budget(workload.budget_usd_per_month)
    if budget is None:
        return
    q = requirements.budget_percentile / 100

    def worst(traffic: Decimal) -> Decimal:
        plan = project(
            what_if(workload, traffic=traffic),
            len(projection.months),
            str(projection.months[0]),
            [model],
            projection.as_of,
            projection.seed,
            n_paths=projection.n_paths,
            catalog=projection.catalog,
        )
        return plan.of(model, workload.name).worst_month(q)[1]

    planned = projection.of(model, workload.name).worst_month(q)[1]
    value = meeting_factor(worst, planned, budget)
    what = f"P{requirements.budget_percentile:g} spend of the worst month"
    head = f"{model} stays within the budget of {usd(budget)} USD up to"
    yield Flip(
        workload=workload.name,
        model=model,
        against=None,
        what="budget volume",
        unit="times the traffic",
        planned=Decimal(1),
        value=value,
        words=f"no volume brings {model} to the budget of {usd(budget)} USD"
        if value is None
        else f"{head} {number_text(value)} times the traffic ({what})",
        clause=""
        if value is None
        else f"{head} {number_text(leading(value, rounding=ROUND_DOWN))} times the traffic ({what})",
    )


def _about(value: Decimal) -> str:
    """Return a number to four digits, and say so where it has more."""
    short = leading(value)
    return f"{'' if short == value else 'about '}{number_text(short)}"


def _moves(planned: Decimal, value: Decimal) -> str:
    return "rises" if value > planned else "falls"


def usd_price(price: Decimal) -> str:
    """Return a price with all its digits, at least two."""
    exponent = price.normalize().as_tuple().exponent
    return usd(price, max(2, -exponent if isinstance(exponent, int) else 2))


def percent(share: Decimal, places: int | None = None) -> str:
    """Return a share in percent, with all its digits if no number of them is asked for."""
    return f"{number_text(100 * share if places is None else round(100 * share, places))}%"
