"""What rules a model out for a workload, every reason in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from kimi_planner.calls.fit import ContextFit
from kimi_planner.capacity.tiers import Throughput
from kimi_planner.catalog import ModelSpec
from kimi_planner.choose.choice import Exclusion
from kimi_planner.choose.evaluations.read import Evaluations
from kimi_planner.choose.given import known_tier
from kimi_planner.choose.requirements import Requirements
from kimi_planner.money import exact_decimal, usd
from kimi_planner.plan.projection import Projection
from kimi_planner.workload import Workload

__all__ = ["Rules", "over_budget"]


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What models are held against.

    Attributes
    ----------
    requirements
        What a model must meet; the needs and budgets of workloads always count.
    projection, fit
        Spend, and the share of calls that fit, of the workloads on the models.
    evaluations
        What ``min_success_rate`` is held against.
    throughput
        The peaks that ``tier`` is held against.
    """

    requirements: Requirements
    projection: Projection
    fit: ContextFit
    evaluations: Evaluations | None = None
    throughput: Throughput | None = None

    def against(self, workload: Workload, spec: ModelSpec) -> tuple[str, ...]:
        """Return every reason why a model does not qualify for a workload; none if it does."""
        over = over_budget(workload, spec.id, self.requirements, self.projection)
        return (
            *self._of_the_model(workload, spec),
            *self._of_the_window(workload, spec),
            *self._of_success(workload, spec),
            *self._of_the_tier(workload, spec),
            *filter(None, [over]),
        )

    def sort_out(
        self, workload: Workload, specs: Iterable[ModelSpec]
    ) -> tuple[list[ModelSpec], list[Exclusion]]:
        """Return the models that qualify for a workload, and the others with every reason."""
        reasons = [(spec, self.against(workload, spec)) for spec in specs]
        return [spec for spec, why in reasons if not why], [
            Exclusion(workload=workload.name, model=spec.id, reasons=why)
            for spec, why in reasons
            if why
        ]

    def _of_the_model(self, workload: Workload, spec: ModelSpec) -> Iterator[str]:
        """Yield what the catalog states of a model, or does not state, that rules it out."""
        asked, version = self.requirements, self.projection.catalog.version
        for word in dict.fromkeys((*workload.needs, *asked.needs)):
            if word not in spec.capabilities:
                yield f"catalog {version} does not state that it has {word!r}"
        for words, rating, least in (
            ("reasoning depth", spec.reasoning_depth, asked.min_reasoning_depth),
            ("speed", spec.speed, asked.min_speed),
        ):
            if least is not None and rating is None:
                yield f"catalog {version} does not rate its {words}; at least {least} must be"
            elif least is not None and rating is not None and rating.rating < least:
                yield f"its {words} is rated {rating.rating}; at least {least} must be"
        yield from filter(None, [spec.gone_by(self.projection.months[-1].last)])

    def _of_the_window(self, workload: Workload, spec: ModelSpec) -> Iterator[str]:
        if spec.context_window_tokens is None:
            yield f"catalog {self.projection.catalog.version} does not state its context window"
            return
        share, least = self.fit.share(workload.name, spec.id), self.requirements.min_fit_share
        if share < least:
            fits, must = _percents(share, least)
            yield (
                f"only {fits} of requests fit its window of {spec.context_window_tokens:,} tokens; "
                f"{must} must"
            )

    def _of_success(self, workload: Workload, spec: ModelSpec) -> Iterator[str]:
        least = self.requirements.min_success_rate
        if least is None or self.evaluations is None:
            return
        trials = self.evaluations.of(workload.name, spec.id)
        if trials is None:
            yield f"it was not tried in {self.evaluations.source}, so its success rate is not known"
        elif trials.mean < least:
            rate, must = _percents(trials.mean, least)
            yield (
                f"its expected success rate is {rate} ({trials.successes:,} of {trials.trials:,} tasks "
                f"solved); {must} must be"
            )

    def _of_the_tier(self, workload: Workload, spec: ModelSpec) -> Iterator[str]:
        """Yield each limit of a tier that the traffic breaks, in the month with the highest peak."""
        throughput = self.throughput
        if throughput is None:
            return
        tier = known_tier(throughput.limits, self.requirements.tier)
        peaks = throughput.of(spec.id, workload.name)
        needed = throughput.tier(spec.id, workload.name)
        remedy = "no published tier would do" if needed is None else f"tier {needed.tier} would do"
        for limit in dict.fromkeys(limit for _, limit in peaks.exceeded(tier)):
            month = throughput.months[int(peaks.peak[limit].argmax())]
            yield (
                f"its P{throughput.percentile:g} peak of {peaks.highest(limit):,.0f} "
                f"{_words(limit)} in {month} breaks tier {tier.tier}'s limit of "
                f"{tier.allowed(limit):,.0f}; {remedy}"
            )


def over_budget(
    workload: Workload, model: str, requirements: Requirements, projection: Projection
) -> str | None:
    """Return by how much the worst month is over the budget, ``None`` if it is not."""
    budget = requirements.budget(workload.budget_usd_per_month)
    if budget is None:
        return None
    percentile = requirements.budget_percentile
    worst, amount = projection.of(model, workload.name).worst_month(percentile / 100)
    if amount <= budget:
        return None
    places = _places(amount - budget)
    return (
        f"P{percentile:g} spend in {projection.months[worst]} is {usd(amount, places)} USD, "
        f"{usd(amount - budget, places)} over the budget of {usd(budget, places)}"
    )


def _words(limit: str) -> str:
    return "requests at the same time" if limit == "concurrency" else limit.replace("_", " ")


def _percents(share: float, least: float) -> tuple[str, str]:
    """Return a share that is too low and the least one in percent, so that they differ."""
    low, high = (100 * exact_decimal(x) for x in (share, least))
    places = _places(high - low)
    return f"{low:.{places}f}%", f"{high:.{places}f}%"


def _places(difference: Decimal) -> int:
    """Return how many decimal places show that two numbers differ, at least two."""
    return max(2, -difference.adjusted())
