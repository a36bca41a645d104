"""What a choice aims at: the net value of a task, and the values at which another model is best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np

from kimi_planner.arguments import public
from kimi_planner.errors import SettingError, shown
from kimi_planner.workload import Workload
from kimi_planner.workload.quantity import Array

Number: TypeAlias = float | Fraction | Array
#: How often a model solves a task, and what that costs.
Known: TypeAlias = tuple[Number, Number]


@public
@dataclass(frozen=True, kw_only=True)
class Objective:
    """What a solved task is worth to a team, and what one costs that is not solved.

    Attributes
    ----------
    value_usd
        Worth of a solved task; ``None`` if it is not known. Then models are compared as at 0, and
        `best_by_value` tells from which value on another one is better.
    failure_usd
        What a task that is not solved costs beyond its calls.

    Notes
    -----
    The net value of a task is ``value x p - failure x (1 - p) - cost`` with the probability ``p``
    that it is solved and the expected cost of its calls. It is a straight line in ``p``, so that the
    expected probability is all that its expectation needs.

    Examples
    --------
    >>> objective = Objective(value_usd=Fraction(1, 2))
    >>> objective.net_usd(success=Fraction(3, 4), cost_usd=Fraction(1, 8))
    Fraction(1, 4)
    """

    value_usd: Fraction | None = None
    failure_usd: Fraction = Fraction(0)

    @classmethod
    def of(cls, workload: Workload) -> Objective:
        """Return what a workload states; no cost of a failure where none is stated."""
        value, failure = workload.value_usd_per_success, workload.failure_usd
        return cls(
            value_usd=Fraction(value) if isinstance(value, Decimal) else None,
            failure_usd=Fraction(failure) if isinstance(failure, Decimal) else Fraction(0),
        )

    @property
    def is_stated(self) -> bool:
        """Whether success counts: a value or a cost of a failure is stated."""
        return self.stake_usd > 0

    @property
    def stake_usd(self) -> Fraction:
        """What it changes whether a task is solved: its value, and the failure that is spared."""
        return (self.value_usd or Fraction(0)) + self.failure_usd

    def net_usd(self, success: Number, cost_usd: Number) -> Any:
        """Return the net value of a task.

        Parameters
        ----------
        success : number or ndarray
            Probability that it is solved.
        cost_usd : number or ndarray, USD
            Expected cost of its calls. Fractions give a fraction, floats a float.

        Raises
        ------
        SettingError
            If they are no numbers, or larger than a float holds.
        """
        stake, failure = self.stake_usd, self.failure_usd
        if isinstance(success, Fraction) and isinstance(cost_usd, Fraction | int):
            return stake * success - failure - cost_usd
        try:
            solved, cost = (np.asarray(one, dtype=np.float64) for one in (success, cost_usd))
        except (OverflowError, TypeError, ValueError):
            raise SettingError(
                f"success is {shown(success)}, cost_usd {shown(cost_usd)}. Give numbers."
            ) from None
        net = float(stake) * solved - float(failure) - cost
        return net if net.ndim else float(net)

    def needed_success(self, cost_usd: Number, net_usd: Number) -> Any:
        """Return the probability at which a task of a cost has a net value.

        Raises
        ------
        SettingError
            If nothing depends on whether a task is solved.
        """
        if not self.is_stated:
            raise SettingError(
                "No success is worth a cost where nothing depends on it. Give value_usd or failure_usd."
            )
        net: Any = net_usd
        return (net + self.failure_usd + cost_usd) / self.stake_usd

    def switching_usd(self, first: Known, second: Known) -> Any:
        """Return the value of a solved task at which two models have the same net value.

        Parameters
        ----------
        first, second : (success, cost_usd)
            What is known of each.

        Returns
        -------
        number or None
            ``difference of costs / difference of successes - failure``, exact if all is exact; below
            0 where the better one is also the one to take if nothing is gained; ``None`` where both
            succeed alike.

        Examples
        --------
        >>> half, all_but = (Fraction(1, 2), Fraction(1, 10)), (Fraction(3, 4), Fraction(1, 5))
        >>> Objective().switching_usd(half, all_but)
        Fraction(2, 5)
        """
        (solved, cost), (more, dearer) = cast("tuple[tuple[Any, Any], ...]", (first, second))
        gain = more - solved
        return None if gain == 0 else (dearer - cost) / gain - self.failure_usd


class Best(NamedTuple):
    """A model, and the value of a solved task from which on it is the best.

    Attributes
    ----------
    model
        Its id.
    from_usd
        That value; 0 for the one that is best if nothing is gained.
    """

    model: str
    from_usd: Any


@public
def best_by_value(
    models: Mapping[str, Known], objective: Objective | None = None
) -> tuple[Best, ...]:
    """Return the models that are best for some value of a solved task, from the least value on.

    Parameters
    ----------
    models : mapping of str to (success, cost_usd)
        Probability that a task is solved, and what it costs; fractions are compared exactly.
    objective : Objective, optional
        Whose cost of a failure counts; none if not given.

    Returns
    -------
    tuple of Best
        Those on the upper hull of success over cost. At each ``from_usd`` the net value of the model
        and of the one before it are the same. A model that is not in it is never the best. Of
        models that are the same in both, the first by name is told.

    Examples
    --------
    >>> known = {"a": (Fraction(1, 2), Fraction(1, 10)), "b": (Fraction(3, 5), Fraction(3, 5)),
    ...          "c": (Fraction(3, 4), Fraction(1, 5))}
    >>> [(one.model, str(one.from_usd)) for one in best_by_value(known)]
    [('a', '0'), ('c', '2/5')]
    """
    objective = Objective() if objective is None else objective
    failure = Objective(failure_usd=objective.failure_usd)
    left: dict[str, Any] = dict(sorted(models.items()))
    if not left:
        return ()
    now = max(left, key=lambda model: (failure.net_usd(*left[model]), left[model][0]))
    hull = [Best(now, Fraction(0))]
    while True:
        left = {model: at for model, at in left.items() if at[0] > left[now][0] or model == now}
        prices = {
            model: failure.switching_usd(left[now], at)
            for model, at in left.items()
            if model != now
        }
        if not prices:
            return tuple(hull)
        now = min(prices, key=lambda model: (prices[model], -left[model][0]))
        hull.append(Best(now, prices[now]))
