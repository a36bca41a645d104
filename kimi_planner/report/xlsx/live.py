"""What of a plan becomes a formula: numbers to change, and what the plan has beside them.

Spend is ``requests x tokens of a call x price``. A plan has more: calendars, growth, events and
retries, calls that grow with their conversation, dated prices. For each line of a sheet this is one
factor for each number, so that every line is the plan's own to the last digit and still follows
the numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from kimi_planner.catalog import ModelSpec
from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.money import TOKENS_PER_MTOK, total
from kimi_planner.plan.projection import Projection
from kimi_planner.plan.spend import TOKEN_TOTALS, Spend

__all__ = ["Assumed", "Line", "Prices", "assumed_of", "lines_of", "prices_of"]

_DIGITS = 12  # of an assumption; a float has no more to rely on


@dataclass(frozen=True, kw_only=True)
class Prices:
    """Prices of a model on the first day of the plan, USD per 1,000,000 tokens.

    Attributes
    ----------
    cached
        ``None`` where none is stated: cached tokens are billed as input.
    source, checked
        Where they come from, and when somebody last looked.
    """

    model: str
    name: str
    input: Decimal
    cached: Decimal | None
    output: Decimal
    source: str
    checked: str

    def usd(self, prompt: float, cached: float, completion: float) -> float:
        """Return what tokens cost."""
        price = self.input if self.cached is None else self.cached
        uncached = (prompt - cached) * float(self.input)
        amount = uncached + cached * float(price) + completion * float(self.output)
        return amount / TOKENS_PER_MTOK


@dataclass(frozen=True, kw_only=True)
class Assumed:
    """Numbers of one workload that a reader of the workbook can change.

    Attributes
    ----------
    requests_per_day
        Its mean.
    prompt_tokens, answer_tokens, reasoning_tokens
        Of a mean call as billed, on the recommended model; reasoning on a model that reasons.
    cached_share
        Of the prompt tokens.
    fees
        Name of a fee to how many of them a request causes.
    """

    workload: str
    model: str | None
    requests_per_day: float
    prompt_tokens: float
    cached_share: float
    answer_tokens: float
    reasoning_tokens: float
    fees: Mapping[str, Decimal]
    fee_usd: Decimal
    source: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """What the plan expects of a workload on a model in a month, or in all of them.

    Attributes
    ----------
    requests, prompt, cached, completion, reasoning
        Expected totals.
    fees_usd, spend_usd
        Fees, and all of the spend.
    per_level
        Requests in days of ``requests_per_day``.
    prompt_factor, cached_factor, answer_factor, reasoning_factor
        Tokens of a call against the assumed ones.
    money_factor
        Spend without fees against tokens times prices.
    beside_usd
        Spend that no tokens or prices explain; 0 but where prices are 0.
    """

    requests: float
    prompt: float
    cached: float
    completion: float
    reasoning: float
    fees_usd: float
    spend_usd: float
    per_level: float
    prompt_factor: float
    cached_factor: float
    answer_factor: float
    reasoning_factor: float
    money_factor: float
    beside_usd: float


def prices_of(projection: Projection) -> list[Prices]:
    """Return the prices of every projected model, in their order."""
    first = projection.months[0].first
    found = []
    for spec in (one.on(first) for one in projection.specs):
        given, written = spec.input_usd_per_mtok, spec.output_usd_per_mtok
        assert given is not None and written is not None, "the plan is priced"  # noqa: S101, PT018 - narrows the types
        source = projection.catalog.sources.get(_source_key(spec), projection.catalog.source)
        found.append(
            Prices(
                model=spec.id,
                name=spec.name or "",
                input=given,
                cached=spec.cached_input_usd_per_mtok,
                output=written,
                source=source.title,
                checked=source.check,
            )
        )
    return found


def _source_key(spec: ModelSpec) -> str:
    begun = [one for one in spec.price_periods if spec.priced_on and one.starts_by(spec.priced_on)]
    return begun[-1].source if begun else spec.sources.get("input_usd_per_mtok", "")


def assumed_of(recommendation: Recommendation) -> list[Assumed]:
    """Return the numbers to change, for every workload that the recommendation is about."""
    projection, best = recommendation.projection, recommendation.best
    thinkers = [spec.id for spec in projection.specs if spec.reasons]
    days = sum(month.days for month in projection.months)
    known_fees = {fee.name: fee.usd_per_call for fee in projection.catalog.fees}
    found = []
    for workload in projection.workloads:
        if workload.name not in recommendation.names:
            continue
        model = best.get(workload.name)
        sums = _sums(projection.of(model or projection.models[0], workload.name))
        thought = _sums(projection.of(thinkers[0], workload.name)) if thinkers else None
        level = workload.given("requests_per_day")
        found.append(
            Assumed(
                workload=workload.name,
                model=model,
                requests_per_day=_short((level.mean if level else 0) or sums["requests"] / days),
                prompt_tokens=_per(sums["prompt_tokens"], sums["requests"]),
                cached_share=_per(sums["cached_tokens"], sums["prompt_tokens"]),
                answer_tokens=_per(
                    sums["completion_tokens"] - sums["reasoning_tokens"], sums["requests"]
                ),
                reasoning_tokens=_per(thought["reasoning_tokens"], thought["requests"])
                if thought
                else 0.0,
                fees=dict(workload.fees),
                fee_usd=total(count * known_fees[name] for name, count in workload.fees),
                source=workload.source or "not given",
            )
        )
    return found


def lines_of(spend: Spend, assumed: Assumed, prices: Prices, *, reasons: bool) -> list[Line]:
    """Return a line for each month of a spend."""
    amounts = spend.mean().tolist()
    fee = float(assumed.fee_usd)
    found = []
    for k, amount in enumerate(amounts):
        requests, prompt, cached, completion, reasoning = (
            float(getattr(spend, name)[k]) for name in TOKEN_TOTALS
        )
        by_tokens = prices.usd(prompt, cached, completion)
        rest = amount - requests * fee
        found.append(
            Line(
                requests=requests,
                prompt=prompt,
                cached=cached,
                completion=completion,
                reasoning=reasoning,
                fees_usd=requests * fee,
                spend_usd=amount,
                per_level=_factor(requests, assumed.requests_per_day),
                prompt_factor=_factor(prompt, requests * assumed.prompt_tokens),
                cached_factor=_factor(cached, prompt * assumed.cached_share),
                answer_factor=_factor(completion - reasoning, requests * assumed.answer_tokens),
                reasoning_factor=_factor(reasoning, requests * assumed.reasoning_tokens)
                if reasons
                else 0.0,
                money_factor=_factor(rest, by_tokens),
                beside_usd=0.0 if by_tokens else rest,
            )
        )
    return found


def _sums(spend: Spend) -> dict[str, float]:
    whole = spend.over_months()
    return {name: float(getattr(whole, name)[0]) for name in TOKEN_TOTALS}


def _per(amount: float, count: float) -> float:
    return _short(amount / count) if count else 0.0


def _short(number: float) -> float:
    return float(f"{number:.{_DIGITS}g}")


def _factor(amount: float, base: float) -> float:
    """Return the factor between two numbers, 1 where they differ by rounding or there is none."""
    factor = amount / base if base else 1.0
    return 1.0 if abs(factor - 1) < 10**-_DIGITS else factor
