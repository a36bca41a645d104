"""How much a model reasons: as the workload says, or else as its catalog does, or nobody knows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from kimi_planner.catalog import Behaviour, ModelSpec, Profile
from kimi_planner.workload.quantity import Constant, Quantity, Scaled, SplitLognormal

if TYPE_CHECKING:
    from kimi_planner.workload.model import Workload


class Reasoning(NamedTuple):
    """Where the reasoning of a workload on a model is from.

    Attributes
    ----------
    words
        Empty where the model does not reason, or the workload says how much it does.
    is_least
        Whether nothing tells how much it reasons, so that its spend is at least the amount.
    """

    words: str = ""
    is_least: bool = False


def thought(answer: Quantity, behaviour: Behaviour) -> Quantity:
    """Return reasoning tokens that are so many times those of an answer, as a catalog has it.

    The bounds are P10 and P90 of a lognormal factor on the mean, drawn once per path.
    """
    low, high = float(behaviour.low or 0), float(behaviour.high or 0)
    size = answer.size if isinstance(answer, Scaled) else answer
    if low == high and behaviour.low is not None:
        return Scaled(size, Constant(behaviour.low))
    middle = math.sqrt(low * high)
    return Scaled(size, SplitLognormal.from_percentiles(low, middle, high, behaviour.ratio))


def may_reason(workload: Workload, model: Profile) -> bool:
    """Whether a model spends on the reasoning of a workload: it does, or nothing says that it does not.

    Examples
    --------
    >>> from kimi_planner.catalog import load_catalog
    >>> from kimi_planner.workload import Workload
    >>> chat = Workload(name="w", requests_per_day=9, prompt_tokens=900, completion_tokens=200)
    >>> catalog = load_catalog("2026-06")
    >>> [may_reason(chat, catalog.model(name).profile) for name in ("kimi-k2", "kimi-k2-5-thinking")]
    [False, True]
    """
    return model.reasons_for(workload.needs) is not False


def reasoning_of(workload: Workload, spec: ModelSpec) -> Reasoning:
    """Tell where the reasoning of a workload on a model is from.

    Examples
    --------
    >>> from kimi_planner.catalog import load_catalog
    >>> from kimi_planner.workload import Workload
    >>> chat = Workload(name="w", requests_per_day=9, prompt_tokens=900, completion_tokens=200)
    >>> reasoning_of(chat, load_catalog("2026-06").model("kimi-k2-5-thinking"))
    Reasoning(words='not known, at least this', is_least=True)
    """
    reasons = spec.profile.reasons_for(workload.needs)
    if reasons is False or (reasons and workload.reasoning_tokens is not None):
        return Reasoning()
    if workload.reasoning_tokens is not None:
        return Reasoning("as given, if it reasons")
    behaviour = spec.profile.thinks(workload.reasoning_effort)
    if behaviour is None:
        return Reasoning(f"not {'known' if reasons else 'stated'}, at least this", is_least=True)
    return Reasoning(f"assumed, {behaviour.ratio} times the answer")
