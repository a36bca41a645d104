"""How many more trials would tell which of two models is the cheaper per success."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from scipy.special import ndtr

from kimi_planner.workload.quantity import Array

__all__ = ["MOST_TRIALS", "Leader", "Settling", "chance_text", "trials_to_settle"]

#: More trials than this are none that a team would make.
MOST_TRIALS = 10**9


@dataclass(frozen=True, kw_only=True)
class Leader:
    """One of the two models that lead a workload.

    Attributes
    ----------
    trials
        The number of its trials so far.
    log_usd : ndarray, shape (n_paths,) or (1,)
        Logarithm of its cost per success by path, at the success rate that was measured.
    log_error
        Standard error of that logarithm by its trials.
    """

    trials: int
    log_usd: Array
    log_error: float


@dataclass(frozen=True, kw_only=True)
class Settling:
    """Whether the two leading models of a workload can be told apart.

    Attributes
    ----------
    workload, first, second
        The workload, the model with the lowest cost per success, and the next.
    chance
        Probability that the first is cheaper per success than the second.
    target
        Probability at which it counts as settled.
    more_trials
        Further trials, half of them on each model, after which the probability reaches the target
        if the rates stay as measured; 0 if it does already, ``None`` if no number does.
    """

    workload: str
    first: str
    second: str
    chance: float
    target: float
    more_trials: int | None

    def sentence(self) -> str:
        """Return it in words."""
        start = f"{self.workload}: {self.first} is cheaper per success than {self.second} with "
        start += f"probability {chance_text(self.chance)}"
        if self.more_trials == 0:
            return f"{start}, which settles it."
        if self.more_trials is None:
            return f"{start}; no number of trials would settle it at {self.target:.2f}."
        return (
            f"{start}; about {self.more_trials:,} more trials, half of them on each, would settle it at "
            f"{self.target:.2f} if the rates stay as they are."
        )


def chance_text(chance: float) -> str:
    """Return a probability for people; never a certainty, which trials do not give.

    >>> chance_text(0.873), chance_text(0.9996), chance_text(0.0)
    ('0.87', 'above 0.99', 'below 0.01')
    """
    if chance > 0.99:
        return "above 0.99"
    return "below 0.01" if chance < 0.01 else f"{chance:.2f}"


def trials_to_settle(
    first: Leader, second: Leader, correlation: float, target: float
) -> int | None:
    """Return how many more trials, half on each, give the first model the target probability.

    Parameters
    ----------
    first, second : Leader
        The models; the first is the cheaper as measured.
    correlation : float
        Of their errors, where they were tried on the same items; further trials are alike.
    target : float
        Probability above ½ that the first is the cheaper.

    Returns
    -------
    int or None
        An even number; ``None`` if more than a billion would be needed.

    Notes
    -----
    With ``d`` the difference of the logarithms on a path and ``e`` its standard error after
    ``h`` more trials on each, the probability is the mean over paths of ``Φ(d / e)``, where each
    variance falls as ``n / (n + h)``. With one path and ``n`` trials of each model that gives
    ``n + h = n (z e / d)²``. New trials fall out by chance, so that about half of the time the
    probability is still below the target then.
    """
    difference = second.log_usd - first.log_usd

    def reaches(half: int) -> bool:
        errors = [
            one.log_error * (one.trials / (one.trials + half)) ** 0.5 for one in (first, second)
        ]
        product = correlation * errors[0] * errors[1]
        error = max(errors[0] ** 2 + errors[1] ** 2 - 2 * product, 1e-300) ** 0.5
        return float(ndtr(difference / error).mean()) >= target

    if reaches(0):
        return 0
    low, high = 0, 1
    while not reaches(high):
        low, high = high, 2 * high
        if 2 * high > MOST_TRIALS:
            return None
    return 2 * bisect_left(range(high), True, lo=low + 1, key=reaches)
