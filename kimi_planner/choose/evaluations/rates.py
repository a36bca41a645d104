"""Success rates of models on a workload: measured by evaluations or given, never guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
from scipy.special import betaincinv, logit

from kimi_planner.arguments import public
from kimi_planner.catalog import ModelSpec
from kimi_planner.choose.evaluations.public import PublicResults
from kimi_planner.choose.evaluations.read import Evaluations, Trials
from kimi_planner.errors import (
    EvaluationError,
    SettingError,
    UnknownModelError,
    did_you_mean,
    is_number,
    restated,
    shown,
    whole,
)
from kimi_planner.money import exact_decimal
from kimi_planner.notes import Note, note
from kimi_planner.plan.projection import Projection
from kimi_planner.workload.quantity import Array, midpoints

#: A share as a caller may give it.
Rate = Fraction | Decimal | float | int | str


def exact_share(name: str, value: Rate) -> Fraction:
    """Return a share as the fraction that it spells; ``0.35`` is 35/100.

    Raises
    ------
    EvaluationError
        If it is no number from 0 to 1.
    """
    try:
        share = Fraction(value if isinstance(value, Fraction) else exact_decimal(value))
    except ValueError:
        share = Fraction(-1)
    if not 0 <= share <= 1:
        raise EvaluationError(f"{name} is {shown(value)}. It must be a number from 0 to 1.")
    return share


def check_evaluations(evaluations: object) -> None:
    """Raise EvaluationError unless it is what `read_evaluations` returns."""
    if not isinstance(evaluations, Evaluations):
        raise EvaluationError(
            f"evaluations is {shown(evaluations)}. Give what read_evaluations returns."
        )


def check_names(evaluations: Evaluations, plan: Projection) -> tuple[Note, ...]:
    """Hold the names in evaluations to those of a plan; return which workloads it does not have.

    Raises
    ------
    EvaluationError
        If these are no evaluations, or of no workload of the plan, and a name is nearly that of one.
    UnknownModelError
        If the catalog has no such model.
    """
    check_evaluations(evaluations)
    for key in evaluations.trials:
        with restated(at=evaluations.place(key), of=UnknownModelError):
            plan.catalog.model(key[1])
    names = dict.fromkeys(name for name, _ in evaluations.trials)
    hints: dict[str, list[str]] = {}
    for name in names:
        if name not in plan.names:
            hints.setdefault(did_you_mean(name, plan.names), []).append(name)
    near = next(filter(None, hints), "")
    if near and not names.keys() & set(plan.names):
        raise EvaluationError(
            f"no results for {', '.join(plan.names)}. It has {', '.join(names)}.{near} Correct the "
            "name, or leave the evaluations out.",
            at=evaluations.source,
        )
    return tuple(note("no_such_workload", names=some, hint=hint) for hint, some in hints.items())


def check_confidence(confidence: object) -> None:
    """Raise SettingError unless it lies between 0 and 1."""
    if not is_number(confidence) or not 0 < confidence < 1:
        raise SettingError(f"confidence is {shown(confidence)}. It must lie between 0 and 1.")


@public
@dataclass(frozen=True, kw_only=True)
class SuccessRate:
    """What is known of a model's success at the tasks of a workload: a beta law, or nothing.

    Attributes
    ----------
    model
        Id of the model.
    alpha, beta
        Of the law: items solved and failed, with what stands for knowing nothing; ``None`` where
        nothing was measured or published, and only a judgement is left.
    trials
        The team's own, if there are any.
    public_items
        How many items published results count as in it; 0 where they say nothing.
    source
        Where it comes from, in words, the narrowest source first.

    Examples
    --------
    >>> SuccessRate.of_trials("kimi-k2", Trials(successes=3, trials=4)).mean
    0.7
    """

    model: str
    alpha: float | None = None
    beta: float | None = None
    trials: Trials | None = None
    public_items: float = 0.0
    source: str = ""

    @property
    def is_judgement(self) -> bool:
        """Whether nothing but the catalog's ratings is known, which are no rate."""
        return self.alpha is None

    @classmethod
    def of_trials(cls, model: str, trials: Trials) -> SuccessRate:
        """Return what trials alone tell: Jeffreys' law, Beta(s + ½, n - s + ½)."""
        failed = trials.trials - trials.successes
        return cls(model=model, alpha=trials.successes + 0.5, beta=failed + 0.5, trials=trials)

    @property
    def exact_mean(self) -> Fraction:
        """The expected rate of what is no judgement, as a fraction."""
        solved, failed = Fraction(self.alpha or 0), Fraction(self.beta or 0)
        return solved / (solved + failed)

    @property
    def mean(self) -> float | None:
        """The expected rate; ``None`` for a judgement."""
        return None if self.is_judgement else float(self.exact_mean)

    def quantiles(self, shares: Array) -> Array | None:
        """Return the rates below which it lies with these probabilities; ``None`` for a judgement."""
        if self.alpha is None or self.beta is None:
            return None
        return np.asarray(betaincinv(self.alpha, self.beta, shares))

    def draws(self, count: int) -> Array | None:
        """Return ``count`` equally likely rates, ascending; ``None`` for a judgement.

        Raises
        ------
        SettingError
            If ``count`` is none from 1 to 1,000,000.
        """
        whole("count", count, 1, 1_000_000, fault=SettingError)
        return self.quantiles(midpoints(count))

    def interval(self, confidence: float) -> tuple[float, float] | None:
        """Return the interval of the rate, from one tail to the other; ``None`` for a judgement.

        It reaches to 0 where nothing that was tried was solved, and to 1 where all was.

        Raises
        ------
        SettingError
            If ``confidence`` is not above 0 and below 1.

        Notes
        -----
        Brown, Cai and DasGupta, *Interval estimation for a binomial proportion* (2001). Of trials
        alone, coverage at a fixed rate swings with their number, as that of every interval that is read
        off a count; on average over rates it is the nominal one.
        """
        check_confidence(confidence)
        tail = (1 - confidence) / 2
        ends = self.quantiles(np.array([tail, 1 - tail]))
        if ends is None:
            return None
        low, high = ends.tolist()
        rate = None if self.trials is None else self.trials.rate
        return (0.0 if rate == 0 else low), (1.0 if rate == 1 else high)


def success_rates(
    workload: str,
    specs: Sequence[ModelSpec],
    evaluations: Evaluations | None = None,
    public: PublicResults | None = None,
) -> dict[str, SuccessRate]:
    """Return what is known of each model's success rate on a workload, and from where.

    Parameters
    ----------
    workload : str
        Its name in the evaluations.
    specs : sequence of ModelSpec
        The models.
    evaluations : Evaluations, optional
        The team's own.
    public : PublicResults, optional
        What :func:`read_public_results` returns: weak evidence, of other tasks.

    Returns
    -------
    dict of str to SuccessRate
        By model id. A model that neither was tried nor has published results is a judgement: it has
        no rate.

    Notes
    -----
    Own trials alone are Beta(s + ½, n - s + ½), Jeffreys' law. Published results stand for the ½:
    they count as the ``w`` items that `PublicResults` found, ``w p`` of them solved, and own items
    outweigh them as they grow in number. Where the team tried other models with published results
    on the same workload, these tell how hard its tasks are: ``p`` is what the published difference
    of the models makes of their rate. Otherwise ``p`` is the mean over the published tests.

    Examples
    --------
    >>> from kimi_planner.catalog import load_catalog
    >>> from kimi_planner.choose.evaluations.public import read_public_results
    >>> [spec] = [load_catalog("2026-11-public-3").model("kimi-k2.6")]
    >>> rate = success_rates("w", [spec], public=read_public_results())["kimi-k2.6"]
    >>> f"{rate.mean:.2f}, {rate.source}"
    '0.73, 7 published results, counted as 2.7 items'
    """
    tried = {
        spec.id: trials
        for spec in specs
        if evaluations is not None and (trials := evaluations.of(workload, spec.id))
    }
    return {
        spec.id: _success_rate(spec, tried, public, evaluations.source if evaluations else "")
        for spec in specs
    }


def _success_rate(
    spec: ModelSpec, tried: Mapping[str, Trials], public: PublicResults | None, source: str
) -> SuccessRate:
    trials = tried.get(spec.id)
    solved, failed = (
        (0, 0) if trials is None else (trials.successes, trials.trials - trials.successes)
    )
    said = [] if trials is None else [f"{solved:,} of {solved + failed:,} tasks in {source}"]
    weight, rate = (0.0, 0.5) if public is None else _published(spec.id, tried, public)
    if public is not None and weight:
        results = len(public.of(spec.id))
        said.append(
            f"{results} published result{'s' * (results != 1)}, counted as {weight:.1f} items"
        )
    if not said:
        ratings = ", ".join(
            f"{words} {rating.rating}"
            for words, rating in (("reasoning depth", spec.reasoning_depth), ("speed", spec.speed))
            if rating is not None
        )
        return SuccessRate(
            model=spec.id,
            source=f"nothing measured; ratings of the catalog, a judgement: {ratings or 'none'}",
        )
    prior = weight or 1.0
    return SuccessRate(
        model=spec.id,
        alpha=solved + prior * rate,
        beta=failed + prior * (1 - rate),
        trials=trials,
        public_items=weight,
        source="; ".join(said),
    )


def _published(
    model: str, tried: Mapping[str, Trials], public: PublicResults
) -> tuple[float, float]:
    """Return how many items published results of a model count as, and the share of them solved."""
    strengths = public.effects.models
    if model not in strengths:
        return 0.0, 0.5
    alone, beside = public.weights
    others = {one: trials for one, trials in tried.items() if one != model and one in strengths}
    if not others:
        return alone, public.effects.expected_rate(model, None)
    items = np.array([trials.trials for trials in others.values()])
    levels = [float(logit(trials.mean)) - strengths[one] for one, trials in others.items()]
    level = float(np.average(levels, weights=items))
    weight = 1 / (1 / beside + 1 / float(items.sum()))  # few items tell little of the level
    return max(alone, weight), public.effects.expected_rate(model, level)
