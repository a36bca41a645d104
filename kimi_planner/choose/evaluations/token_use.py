"""How many tokens a model needs for tasks whose sizes are stated once for all models."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import permutations

import numpy as np
from scipy.special import ndtri

from kimi_planner.catalog import ModelSpec
from kimi_planner.choose.evaluations.public import shipped_results
from kimi_planner.notes import Note, note, noted
from kimi_planner.workload import Workload
from kimi_planner.workload.quantity import Array, midpoints
from kimi_planner.workload.reasoning import reasoning_of

_P90 = 1.2815515655446004


@dataclass(frozen=True, kw_only=True)
class TokenUse:
    """A factor on the tokens that a workload states, lognormal.

    Attributes
    ----------
    factor
        Its median.
    error
        Standard deviation of its logarithm.
    reference
        The model whose tokens the stated ones are taken to be.
    """

    factor: float
    error: float
    reference: str

    @property
    def range(self) -> tuple[float, float]:
        """P10 and P90 of the factor."""
        spread = math.exp(_P90 * self.error)
        return self.factor / spread, self.factor * spread

    def draws(self, count: int, rng: np.random.Generator) -> Array:
        """Return ``count`` equally likely factors in random order."""
        return rng.permutation(self.factor * np.exp(self.error * ndtri(midpoints(count))))


def token_use(workload: Workload, spec: ModelSpec) -> TokenUse | None:
    """Return how many times the stated tokens a model is expected to need, ``None`` if just these.

    Notes
    -----
    A workload states its tokens once, whatever the model. Where published costs of the same tasks
    tell that two models need different numbers of them, the stated ones are taken as those of the
    model that they were measured on (``tokens_of``), else that the workload names (``model``), else of
    the one with the most published costs; for the others they
    are multiplied by the published ratio, whose error is that of `PublicResults.token_error`. Where
    the catalog itself says how much a model reasons for its answer, its tokens are its own already.

    Examples
    --------
    >>> from kimi_planner.catalog import load_catalog
    >>> catalog = load_catalog("2026-11-public-3")
    >>> coding = Workload(name="coding", requests_per_day=9, prompt_tokens=900, completion_tokens=244,
    ...                   reasoning_tokens=300)
    >>> use = token_use(coding, catalog.model("kimi-k2-thinking"))
    >>> f"{use.factor:.2f} times those of {use.reference}"
    '2.15 times those of kimi-k2.5'
    >>> token_use(coding, catalog.model("kimi-k2.5")) is None
    True
    """
    public = shipped_results()
    effects = public.token_effects.models
    if spec.id not in effects or reasoning_of(workload, spec).words:
        return None
    stated = (workload.tokens_of, workload.model, max(effects, key=public.costs_of))
    reference = next(model for model in stated if model is not None and model in effects)
    if effects[spec.id] == effects[reference]:
        return None
    factor = math.exp(effects[spec.id] - effects[reference])
    return TokenUse(factor=factor, error=public.token_error, reference=reference)


def token_notes(workload: Workload, specs: Iterable[ModelSpec]) -> Iterator[Note]:
    """Yield for which models stated tokens are multiplied, and for which they are taken as they are."""
    same = []
    for spec in specs:
        use = token_use(workload, spec)
        if use is None:
            same.append(spec.id)
            continue
        low, high = use.range
        yield note(
            "token_use",
            workloads=workload.name,
            models=spec.id,
            factor=use.factor,
            low=low,
            high=high,
            reference=use.reference,
        )
    if len(same) > 1:
        yield from noted(
            "one_token_count", workloads=workload.name, models=same, most=_most_times()
        )


@cache
def _most_times() -> float:
    """Return the greatest ratio of tokens of two models on the same published test."""
    gaps = [
        one.log_tokens - other.log_tokens
        for one, other in permutations(shipped_results().results, 2)
        if one.test == other.test
    ]
    return math.exp(np.nanmax(gaps))
