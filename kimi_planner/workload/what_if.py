"""What if: the same workloads with more traffic, longer answers, more reasoning or another cache."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, localcontext
from typing import Any

from kimi_planner.arguments import public
from kimi_planner.errors import WorkloadError
from kimi_planner.money import EXACT, exact_decimal
from kimi_planner.workload.certainty import CERTAINTIES
from kimi_planner.workload.check import refused
from kimi_planner.workload.inputs import Workloads, chosen_workloads
from kimi_planner.workload.model import Workload
from kimi_planner.workload.quantity import (
    Constant,
    Empirical,
    Quantity,
    Scaled,
    SplitLognormal,
    SplitNormal,
    number_text,
)
from kimi_planner.workload.resolve import UNITS

Number = Decimal | int | float | str

#: What of a distribution grows with its values.
_IN_PROPORTION = {
    SplitLognormal: ("median",),
    SplitNormal: ("median", "sigma_low", "sigma_high", "low", "high"),
    Empirical: ("values",),
}


@public
def what_if(
    workloads: Workloads,
    *,
    traffic: Number = 1,
    output: Number = 1,
    reasoning: Number = 1,
    cached_share: Any = None,
) -> list[Workload]:
    """Return workloads with some of their numbers changed, to be planned beside the given ones.

    Parameters
    ----------
    workloads : Workload, iterable of Workload, or path of a workload file
        What may happen.
    traffic : number
        Factor on the requests, conversations or documents, and on the extra requests of events.
    output : number
        Factor on the tokens of the visible answer.
    reasoning : number
        Factor on the tokens of reasoning, where they are given.
    cached_share : number or quantity, optional
        Share of prompt tokens served from cache, instead of what was given or worked out.

    Returns
    -------
    list of Workload
        In the order given, with the same names, so that the same seed draws the same paths.

    Raises
    ------
    WorkloadError
        If something is no workload, or a factor is not a number from 0 upwards or breaks a rule of a
        field.

    Notes
    -----
    A range is multiplied at each of its percentiles. What follows from a number is worked out anew:
    the history that a longer answer leaves in the prompts of later calls, the answers that
    ``max_tokens`` cuts, and the share that a cache serves at another traffic.

    Examples
    --------
    >>> plain = Workload(name="w", requests_per_day=100, prompt_tokens=900, completion_tokens=200)
    >>> [doubled] = what_if(plain, output="2")
    >>> doubled.completion_tokens.describe()
    '400'
    """
    factors = {
        **dict.fromkeys(UNITS, _factor("traffic", traffic)),
        "completion_tokens": _factor("output", output),
        "reasoning_tokens": _factor("reasoning", reasoning),
    }
    return [_changed(workload, factors, cached_share) for workload in chosen_workloads(workloads)]


def per_prompt_token(workload: Workload) -> Workload:
    """Return the same calls with a prompt of one token each, resent in each turn, and nothing else.

    What they cost is what a token costs that every call of the workload has in its prompt. The names
    are the same, so that the same seed draws the same paths.

    Examples
    --------
    >>> chat = Workload(name="w", requests_per_day=100, prompt_tokens=900, completion_tokens=200)
    >>> per_prompt_token(chat).prompt_tokens.describe()
    '1'
    """
    turns = workload.given("turns")
    is_single = turns is None or (isinstance(turns, Constant) and turns.value == 1)
    level = getattr(workload, workload.unit)
    if workload.certainty is not None:  # of the traffic; the size of the prompt is known
        level = CERTAINTIES[workload.certainty].of_level(level)
    changes: dict[str, Any] = {
        "prompt_tokens": 1,
        "completion_tokens": 0,
        "reasoning_tokens": 0,
        "followup_tokens": None if is_single else 0,
        "max_tokens": None,
        "fees_per_request": {},
        "certainty": None,
        "model": None,
        "cached_share": workload.cached_share,
        "cache": None,
        workload.unit: level,
    }
    return replace(workload, **changes)


def _factor(name: str, value: Number) -> Decimal:
    try:
        factor = exact_decimal(value)
    except ValueError:
        factor = Decimal(-1)
    if factor < 0:
        raise refused(name, value, "It must be a number from 0 upwards.")
    return factor


def _changed(workload: Workload, factors: dict[str, Decimal], cached_share: Any) -> Workload:
    changes: dict[str, Any] = {}
    for key, factor in factors.items():
        quantity = workload.given(key)
        if quantity is not None and factor != 1:
            changes[key] = times(quantity, factor)
    traffic = factors[UNITS[0]]
    if traffic != 1:
        changes["events"] = tuple(
            event
            if event.extra_requests is None
            else replace(event, extra_requests=times(event.extra_requests, traffic))
            for event in workload.dated_events
        )
    if cached_share is not None:
        changes |= {"cached_share": cached_share, "cache": None}
    return replace(workload, **changes)


def times(quantity: Quantity, factor: Decimal) -> Quantity:
    """Return a quantity whose every value is multiplied by a factor."""
    if isinstance(quantity, Constant):
        with localcontext(EXACT):
            return Constant(quantity.value * factor)
    if isinstance(quantity, Scaled):
        size = times(quantity.size, factor)
        return size if factor == 0 else Scaled(size, quantity.scale)
    if not isinstance(quantity, SplitLognormal | SplitNormal | Empirical):
        raise WorkloadError(
            f"{quantity.describe()} cannot be multiplied by {number_text(factor)}. Give the changed "
            "quantity itself."
        )
    if factor == 0:
        return Constant(Decimal(0))
    names = _IN_PROPORTION[type(quantity)]
    changed: dict[str, Any] = {name: getattr(quantity, name) * float(factor) for name in names}
    changed["given"] = f"{quantity.given}, times {number_text(factor)}"
    return replace(quantity, **changed)
