"""What a report says of a plan in whole sentences: totals, ranges, traffic, and what happens when."""

from __future__ import annotations

from kimi_planner.catalog import Exchange
from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.money import signed_usd, usd
from kimi_planner.plan.dated import dated
from kimi_planner.plan.projection import Projection
from kimi_planner.plan.spend import NO_RANGE, Spend
from kimi_planner.report.currency import InCurrency, in_currencies
from kimi_planner.workload.quantity import number_text


def horizon(projection: Projection) -> str:
    """Return the months of a plan in words: one of them, or the first to the last."""
    first, last = projection.months[0], projection.months[-1]
    return str(first) if first == last else f"{first} to {last}"


def amounts_words(shown: InCurrency) -> str:
    """Return what the amounts of a plan are that are neither a month's nor its total."""
    projection, currency = shown.projection, shown.currency
    if len(projection.months) == 1:
        return f"{currency} in {horizon(projection)}"
    return f"{currency} a month, average of {horizon(projection)}"


def spread_of(spend: Spend, parts: int = 1) -> tuple[float, float, float]:
    """Return P10, P50 and P90 of the first month, or of a part of it."""
    p10, p50, p90 = (float(spend.quantile(q)[0]) / parts for q in (0.1, 0.5, 0.9))
    return p10, p50, p90


def headlines(recommendation: Recommendation) -> list[str]:
    """Return what stands above all else: what to book and to pay, totals, and how to read them."""
    own = InCurrency(recommendation)
    said = [own.booked.sentence, _to_pay(own), totals_sentence(recommendation)]
    for other in in_currencies(recommendation):
        if other.recommendation.best:
            said += [f"{other.to_book} {other.basis}", _to_pay(other)]
    said.insert(1, least_sentence(recommendation))
    return [*filter(None, [*said, _ranges(own), dependence_sentence(recommendation)])]


def _to_pay(shown: InCurrency) -> str:
    """Say what is to pay where credits or tax stand below what is booked."""
    matrix = shown.matrix
    if not matrix.has_lines:
        return ""
    off, tax, to_pay = matrix.lines(matrix.whole).items()
    lines = [f"less {usd(-off[1])} of credits"] * bool(off[1])
    lines += [f"plus {usd(tax[1])} of {tax[0]}"] * bool(tax[1])
    return (
        f"To pay: {usd(to_pay[1])} {shown.currency}, which is what is booked {' and '.join(lines)}."
    )


def totals_sentence(
    recommendation: Recommendation,
    exchange: Exchange | None = None,
    *,
    whose: str = "All workloads",
) -> str:
    """Return the whole plan in one sentence; ``whose`` says of what it is the plan."""
    shown = InCurrency(recommendation, exchange)
    spend, months = shown.planned.over_months(), len(shown.projection.months)
    text = f"{whose} on their planned models: {_range(shown, spend, 1)} "
    text += (
        f"over {months} months, {_range(shown, spend, months)} a month on average."
        if months > 1
        else f"in {horizon(shown.projection)}."
    )
    if recommendation.without_model:
        text += f" Of them no model qualifies for {', '.join(recommendation.without_model)}."
    return text


def _range(shown: InCurrency, spend: Spend, parts: int) -> str:
    p10, p50, p90 = spread_of(spend, parts)
    if not spend.is_ranged:
        return f"{usd(p50)} {shown.currency} ({NO_RANGE})"
    return f"P50 {usd(p50, 0)} {shown.currency} (P10 {usd(p10, 0)}, P90 {usd(p90, 0)})"


def _ranges(shown: InCurrency) -> str:
    """Say how the ranges of a plan are to be read; nothing where nothing has a range."""
    if not shown.planned.is_ranged:
        return ""
    return (
        "Each total is a P50: half of the simulated outcomes cost more, half less, and 8 of 10 lie "
        "between P10 and P90. Means add up; the P50s of workloads or months do not."
    )


def dependence_sentence(recommendation: Recommendation) -> str:
    """Return how much the range of the total rests on whether workloads move together.

    Empty where fewer than two of them have a range. The end of full dependence is the sum of the
    workloads' own quantiles.
    """
    projection, best = recommendation.projection, recommendation.best
    spends = [projection.of(model, name).over_months() for name, model in best.items()]
    if sum(spend.is_ranged for spend in spends) < 2:
        return ""
    shares = dict.fromkeys(one.correlation for one in recommendation.workloads)
    moving = (
        f"with a correlation of {', '.join(map(str, shares))} of their levels and growth, as stated"
        if any(shares)
        else "independently of each other"
    )
    low, _, high = spread_of(projection.mix(best).over_months())
    lows, _, highs = map(sum, zip(*map(spread_of, spends), strict=True))
    currency = projection.catalog.currency
    return (
        f"The range of the total takes workloads to move {moving}: P10 {usd(low, 0)} to P90 "
        f"{usd(high, 0)} {currency}. If all of them moved as one, it would be {usd(lows, 0)} to "
        f"{usd(highs, 0)}; a correlation in the file states what lies between."
    )


def least_sentence(recommendation: Recommendation) -> str:
    """Return whose spend is the least of what it may be, and so each total; empty where all is known."""
    projection = recommendation.projection
    least: dict[str, list[str]] = {}
    for name, model in recommendation.best.items():
        if projection.reasoning(model, name).is_least:
            least.setdefault(model, []).append(name)
    if not least:
        return ""
    models = "; ".join(f"{model} for {', '.join(names)}" for model, names in least.items())
    return (
        f"At least: how much {models} reasons is not known, so what is planned of it, and all totals, are "
        "the least."
    )


def traffic_sentences(recommendation: Recommendation) -> list[str]:
    """Return the expected calls of each workload, retries being calls too, and its conversations."""
    projection, said = recommendation.projection, []
    for name in recommendation.names:
        spend = projection.of(projection.models[0], name)
        calls, talks = (
            number_text(round(float(sum(one)) / len(projection.months)))
            for one in (spend.requests, spend.conversations)
        )
        also = f", {talks} conversations" * (calls != talks)
        said.append(f"{name}: {calls} calls{also} a month on average.")
    return said


def largest(recommendation: Recommendation) -> tuple[str, float]:
    """Return the workload that is expected to spend the most, and its share of all."""
    projection, best = recommendation.projection, recommendation.best
    means = {name: float(projection.of(model, name).mean().sum()) for name, model in best.items()}
    name = max(means, key=lambda one: means[one])
    return name, means[name] / (sum(means.values()) or 1.0)


def date_sentences(recommendation: Recommendation) -> list[str]:
    """Return what happens on a day of the plan and what it is worth, first things first."""
    projection = recommendation.projection
    return [
        f"{one.words}."
        if one.usd is None
        else f"{one.words}: {signed_usd(one.usd)} {projection.catalog.currency} of the expected spend."
        for one in dated(projection, recommendation.best)
    ]
