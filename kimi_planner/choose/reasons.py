"""What stands between a model and a workload: what it fails, and what the catalog leaves open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from kimi_planner.calls.caps import enough_tokens
from kimi_planner.calls.fit import ContextFit
from kimi_planner.calls.sizes import CallSizes
from kimi_planner.capacity.tiers import Throughput
from kimi_planner.catalog import ModelSpec
from kimi_planner.choose.answer_time import answer_time
from kimi_planner.choose.choice import Exclusion, Obstacle
from kimi_planner.choose.evaluations.read import Evaluations, Trials
from kimi_planner.choose.given import known_tier
from kimi_planner.choose.requirements import Requirements
from kimi_planner.money import exact_decimal
from kimi_planner.notes import Note
from kimi_planner.plan.projection import Projection
from kimi_planner.workload import Workload
from kimi_planner.workload.overflow import Overflow
from kimi_planner.workload.quantity import number_text


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What models are held against.

    Attributes
    ----------
    requirements
        What a model must meet; the needs of workloads always count.
    projection, fit
        Spend, and the shares of calls that fit and are answered, of the workloads on the models.
    evaluations
        What ``min_success_rate`` is held against.
    throughput
        The peaks that ``tier`` is held against.
    unused
        Which evaluations are of no workload of the plan.
    """

    requirements: Requirements
    projection: Projection
    fit: ContextFit
    evaluations: Evaluations | None = None
    throughput: Throughput | None = None
    unused: tuple[Note, ...] = ()

    def against(self, workload: Workload, spec: ModelSpec) -> tuple[Obstacle, ...]:
        """Return all that a model fails for a workload, and all that the catalog leaves open."""
        return (
            *self._of_the_model(workload, spec),
            *self._of_the_calls(workload, spec),
            *self._of_success(workload, spec),
            *self._of_time(workload, spec),
            *self._of_the_tier(workload, spec),
        )

    def sort_out(
        self, workload: Workload, specs: Iterable[ModelSpec]
    ) -> tuple[dict[str, tuple[Obstacle, ...]], list[Exclusion]]:
        """Return the models that qualify with their conditions, and the others with every reason."""
        able, unable = {}, []
        for spec in specs:
            obstacles = self.against(workload, spec)
            if all(one.is_open for one in obstacles):
                able[spec.id] = obstacles
            else:
                unable.append(Exclusion.of(workload.name, spec.id, obstacles))
        return able, unable

    def _of_the_model(self, workload: Workload, spec: ModelSpec) -> Iterator[Obstacle]:
        """Yield what the catalog states of a model, or does not state."""
        asked, version = self.requirements, self.projection.catalog.version
        for word in dict.fromkeys((*workload.needs, *asked.needs)):
            can = spec.can(word)
            if can is None and word not in workload.assume:
                yield Obstacle(word, f"it has {word}", is_open=True)
            elif can is False:
                yield Obstacle(word, f"catalog {version} states that it lacks {word!r}", f"{word} were not needed")  # fmt: skip
        for words, rating, least in (
            ("reasoning depth", spec.reasoning_depth, asked.min_reasoning_depth),
            ("speed", spec.speed, asked.min_speed),
        ):
            if least is not None and rating is None:
                yield Obstacle(words, f"its {words} is at least {least}", is_open=True)
            elif least is not None and rating is not None and rating.rating < least:
                yield Obstacle(
                    words,
                    f"its {words} is rated {rating.rating}; at least {least} must be",
                    f"a {words} of {rating.rating} were enough",
                )
        if gone := spec.gone_by(self.projection.months[-1].last):
            yield Obstacle("offered", gone, "it were still offered")

    def _of_the_calls(self, workload: Workload, spec: ModelSpec) -> Iterator[Obstacle]:
        """Yield what keeps calls from an answer: the window, and a cap that reasoning spends."""
        served, asked = self.fit.of(workload.name, spec.id), self.requirements
        policy = workload.overflow_policy
        share = 1 - served.refused_share if policy.shortens else served.fit_share
        if spec.context_window_tokens is None:
            yield Obstacle("window", "its context window holds the calls", is_open=True)
        elif share < asked.min_fit_share:
            fits, must = _percents(share, asked.min_fit_share)
            yield Obstacle(
                "window",
                f"only {fits} of calls fit its window of {spec.context_window_tokens:,} tokens"
                f"{f' under {policy}' * policy.shortens}; {must} must",
                "overflow were drop_oldest"
                if self._fits_shortened(workload, spec)
                else f"{fits} of calls that fit were enough",
            )
        if 1 - served.empty_share < asked.min_answer_share:
            sizes = workload.resolve().sizes
            answered, must = _percents(1 - served.empty_share, asked.min_answer_share)
            yield Obstacle(
                "answers",
                f"max_tokens {workload.max_tokens:,} leaves an answer to only {answered} of calls; "
                f"{must} must have one",
                f"max_tokens were {enough_tokens(CallSizes.on(sizes, spec.profile).sizes):,}",
            )

    def _fits_shortened(self, workload: Workload, spec: ModelSpec) -> bool:
        """Return whether enough calls are made where the oldest of their history is dropped."""
        sizes = replace(workload.resolve().sizes, overflow=Overflow("drop_oldest"))
        _, refused = CallSizes.on(sizes, spec.profile).overflow_shares
        return 1 - refused >= self.requirements.min_fit_share

    def _of_success(self, workload: Workload, spec: ModelSpec) -> Iterator[Obstacle]:
        least = self.requirements.min_success_rate
        if least is None or self.evaluations is None:
            return
        trials = self._trials(workload, spec)
        if trials is None:
            yield Obstacle(
                "success",
                f"it was not tried in {self.evaluations.source}, so its success rate is not known",
                "it had been tried and met the least success rate",
            )
        elif trials.mean < least:
            rate, must = _percents(trials.mean, least)
            yield Obstacle(
                "success",
                f"its expected success rate is {rate} ({trials.successes:,} of {trials.trials:,} tasks "
                f"solved); {must} must be",
                f"a success rate of {rate} were enough",
            )

    def _trials(self, workload: Workload, spec: ModelSpec) -> Trials | None:
        return None if self.evaluations is None else self.evaluations.of(workload.name, spec.id)

    def _of_time(self, workload: Workload, spec: ModelSpec) -> Iterator[Obstacle]:
        """Yield whether nine of ten answers are complete in time."""
        limit = self.requirements.aimed(workload).seconds_at_most
        if not isinstance(limit, Decimal):
            return
        within = f"within {number_text(limit)} s"
        time = answer_time(workload, spec, self._trials(workload, spec))
        if time is None:
            yield Obstacle("time", f"nine of ten answers come {within}", is_open=True)
        elif time.p90_seconds > limit:
            least = "at least " * time.is_least
            yield Obstacle(
                "time",
                f"nine of ten answers take up to {least}{time.p90_seconds:,.1f} s ({time.source}); they "
                f"must come {within}",
                f"{time.p90_seconds:,.1f} s were soon enough",
            )
        elif time.is_least:
            yield Obstacle(
                "time", f"its first token is soon enough to answer {within}", is_open=True
            )

    def _of_the_tier(self, workload: Workload, spec: ModelSpec) -> Iterator[Obstacle]:
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
            yield Obstacle(
                f"tier: {limit}",
                f"its P{throughput.percentile:g} peak of {peaks.highest(limit):,.0f} "
                f"{_words(limit)} in {month} breaks tier {tier.tier}'s limit of "
                f"{tier.allowed(limit):,.0f}; {remedy}",
                "its peaks were lower" if needed is None else f"the tier were {needed.tier}",
            )


def _words(limit: str) -> str:
    return "calls at the same time" if limit == "concurrency" else limit.replace("_", " ")


def _percents(share: float, least: float) -> tuple[str, str]:
    """Return a share that is too low and the least one in percent, so that they differ."""
    low, high = (100 * exact_decimal(x) for x in (share, least))
    places = max(2, -(high - low).adjusted())
    return f"{low:.{places}f}%", f"{high:.{places}f}%"
