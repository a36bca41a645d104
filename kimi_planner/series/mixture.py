"""How future spend follows from observed spend: many ways in which traffic may vary, weighed.

Each way is a model of spend per stretch: a level that is not known, and a covariance of what comes
on top. The log says how likely each is, and each says what a future stretch may bring; the forecast
is their mixture. Nothing here is random.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product

import numpy as np
from scipy.linalg import cholesky
from scipy.linalg.blas import dtrsv
from scipy.special import gammaln, stdtr

from kimi_planner.series.intervals import Array, Covariance, bursts, cycle, power_law, white
from kimi_planner.series.moments import DAY
from kimi_planner.series.observed import Observed

METHOD = (
    "Bayesian mixture of Poisson and regular arrivals, white noise, bursts, fractional Gaussian noise "
    "and level drift by Hurst exponent, daily and weekly rhythm; spread on a square-root scale learned "
    "from public series of many kinds"
)

# What is believed before the log is seen. The simple ways first: calls that come at random, or more
# evenly than that, at a constant rate; then stretches that vary by more than their calls.
_POISSON, _REGULAR, _WHITE = 0.15, 0.15, 0.15
_CORRELATED = {  # kind and its number, the Hurst exponent or the share of the log that a burst lasts
    **{("power", hurst): 0.30 / 2 for hurst in (0.2, 0.35)},
    **{("bursts", share): 0.14 / 3 for share in (0.01, 0.03, 0.1)},
    **{("power", hurst): 0.09 / 5 for hurst in (0.6, 0.7, 0.8, 0.9, 1.0)},
    **{("power", hurst): 0.02 / 3 for hurst in (1.1, 1.25, 1.5)},
}
_WHITE_SHARES = (0.0, 0.5, 0.8)
_DAILY_SHARES = ((0.0, 0.10), (0.4, 0.25), (0.7, 0.30), (0.9, 0.35))
_WEEKLY_SHARES = ((0.0, 0.40), (0.3, 0.35), (0.6, 0.25))
_DAY_HARMONICS = (1.0, 0.5, 0.25, 0.125)
WEEK_HARMONICS = (1.0, 0.6, 0.4, 0.2, 0.2)
_FREEDOM = 2.0  # degrees of freedom of the prior on a variance
_LEAST_VARIANCE = 1e-4  # of a stretch, relative to the level squared
_LEAST_LEVEL = 0.05  # of the observed one
_NEGLIGIBLE = 1e-5
_ROUNDING = 1e-9
_SHARE_ERROR = 1e-11  # of what `stdtr` returns


@dataclass(frozen=True)
class Mixture:
    """What the spend of future stretches may be, relative to the observed level.

    Attributes
    ----------
    weights, hurst, freedom : ndarray, shape (n_models,)
        Weight of each way to vary; its Hurst exponent, NaN where calls alone vary; degrees of
        freedom of its spread.
    centre, scale : ndarray, shape (n_models, n_targets)
        Where each target lies, 1 for the observed level, and how widely.
    """

    weights: Array
    hurst: Array
    freedom: Array
    centre: Array
    scale: Array

    @property
    def mean(self) -> Array:
        """Expected relative level of each target, shape (n_targets,)."""
        return np.asarray(self.weights @ np.maximum(self.centre, _LEAST_LEVEL))

    def __getitem__(self, chosen: slice) -> Mixture:
        """Return the same for some of the targets."""
        return replace(self, centre=self.centre[:, chosen], scale=self.scale[:, chosen])

    def quantile(self, shares: Array) -> Array:
        """Return relative levels, shape (n_targets, n_shares)."""
        # by target, share and way; a copy, as a sum over other strides would be rounded otherwise
        middle = np.maximum(self.centre, _LEAST_LEVEL).T.copy()[:, None]
        sigma = np.sqrt(np.log1p((self.scale.T.copy()[:, None] / middle) ** 2))
        place = np.log(middle) - sigma**2 / 2
        lows, highs = (place - 12 * sigma).min(axis=-1), (place + 12 * sigma).max(axis=-1)
        sigma, freedom = np.maximum(sigma, 1e-12), self.freedom
        peak = np.exp(gammaln((freedom + 1) / 2) - gammaln(freedom / 2)) / np.sqrt(freedom * np.pi)
        points = np.zeros((*middle.shape[:1], len(shares))) + (place @ self.weights)
        for _ in range(
            60
        ):  # Newton's, and halves where that leaves what is known to hold the point
            steps = (points[..., None] - place) / sigma
            # Not a matrix product, whose rounding depends on how many shares are asked for at once.
            over = (stdtr(freedom, steps) * self.weights).sum(axis=-1) - shares
            near = np.abs(over) < _SHARE_ERROR
            if near.all():
                break
            dense = peak / sigma * (1 + steps**2 / freedom) ** (-(freedom + 1) / 2) * self.weights
            lows, highs = np.where(over < 0, points, lows), np.where(over < 0, highs, points)
            tangent = points - over / np.maximum(dense.sum(axis=-1), 1e-300)
            inside = (lows < tangent) & (tangent < highs)
            points = np.where(near, points, np.where(inside, tangent, (lows + highs) / 2))
        certain = ~(sigma.max(axis=-1) > 1e-12)
        return np.where(certain, self.mean[:, None], np.exp(points))


def weigh(observed: Observed, targets: Sequence[float]) -> Mixture:
    """Return what may be spent in each target, which begins where the log ends.

    Parameters
    ----------
    observed : Observed
        The log.
    targets : sequence of float
        Lengths of the future stretches, seconds.
    """
    count = len(observed.amounts)
    level = observed.amounts.mean()
    differences = _contrasts(observed.amounts / level)
    poisson = observed.call_squares / count / level**2
    ahead = tuple(round(target / observed.seconds, 12) for target in targets)
    noise = _joint("white", 0.5, count, ahead)
    spread = noise.diagonal()[count - 1 :]
    fits = [
        (weight, np.nan, observed.heaviness, np.ones(len(ahead)), np.sqrt(variance * spread))
        for weight, variance in _certain(observed, poisson, differences)
    ]
    size = _FREEDOM / 2 * 1.5 * max(poisson, _LEAST_VARIANCE)
    # Stretches that are all equal fit the smoothest drift best, and show none: calls alone are left.
    ways = (
        _ways(observed, count, ahead, noise) if np.ptp(observed.amounts) > _ROUNDING * level else ()
    )
    fits += [_fit(weight, hurst, joint, differences, size) for weight, hurst, joint in ways]
    logs, *rest = map(np.array, zip(*fits, strict=True))
    weights = np.exp(logs - logs.max())
    keep = weights > _NEGLIGIBLE * weights.sum()
    hurst, freedom, centre, scale = (column[keep] for column in rest)
    return Mixture(
        weights=weights[keep] / weights[keep].sum(),
        hurst=hurst,
        freedom=freedom,
        centre=centre,
        scale=scale,
    )


def _certain(
    observed: Observed, poisson: float, differences: Array
) -> Iterator[tuple[float, float]]:
    """Yield log weight and variance of the ways whose variance the calls themselves tell."""
    regular = poisson - len(observed.amounts) / observed.calls
    for prior, variance in ((_POISSON, poisson), (_REGULAR, max(regular, poisson / 4))):
        fit = len(differences) * np.log(variance) + differences @ differences / variance
        yield np.log(prior) - fit / 2, variance


def _ways(
    observed: Observed, count: int, ahead: tuple[float, ...], noise: Array
) -> Iterator[tuple[float, float, Array]]:
    """Yield prior weight, Hurst exponent and covariance of the ways whose variance is unknown."""
    unit = observed.seconds
    stretch = unit / count
    days = _DAILY_SHARES if unit >= 0.999 * DAY and not observed.by_day else ((0.0, 1.0),)
    weeks = _WEEKLY_SHARES if unit >= 6.99 * DAY and stretch < 3 * DAY else ((0.0, 1.0),)
    daily = _scaled(cycle(DAY / unit, _DAY_HARMONICS), count, ahead) if len(days) > 1 else noise
    weekly = (
        _scaled(cycle(7 * DAY / unit, WEEK_HARMONICS), count, ahead) if len(weeks) > 1 else noise
    )
    without_rhythm = [(_WHITE, 0.5, noise)]
    for ((kind, number), weight), share in product(_CORRELATED.items(), _WHITE_SHARES):
        mixed = noise * share + _joint(kind, number, count, ahead) * (1 - share)
        hurst = number if kind == "power" else 0.5
        without_rhythm.append((weight / len(_WHITE_SHARES), hurst, mixed))
    for (day_share, day_prior), (week_share, week_prior) in product(days, weeks):
        rest = (1 - day_share) * (1 - week_share)
        rhythm = daily * day_share + weekly * ((1 - day_share) * week_share)
        for weight, hurst, mixed in without_rhythm:
            yield day_prior * week_prior * weight, hurst, mixed * rest + rhythm


def _fit(
    prior: float, hurst: float, joint: Array, differences: Array, size: float
) -> tuple[float, float, float, Array, Array]:
    """Return log weight, exponent, freedom, centre and scale, the unknown variance integrated out."""
    count = len(differences)
    root = cholesky(joint[:count, :count] + 1e-9 * np.eye(count), lower=True, check_finite=False)
    # Column by column: for all at once BLAS starts threads, which cost far more than they save.
    seen = dtrsv(root, differences, lower=1)
    shared = np.stack([dtrsv(root, column, lower=1) for column in joint[count:, :count]], axis=1)
    freedom = _FREEDOM + count
    squares = 2 * size + seen @ seen
    weight = (
        np.log(prior)
        - np.log(np.diag(root)).sum()
        - freedom / 2 * np.log(squares / 2)
        + gammaln(freedom / 2)
        - gammaln(_FREEDOM / 2)
        + _FREEDOM / 2 * np.log(size)
    )
    left = np.maximum(joint.diagonal()[count:] - (shared**2).sum(axis=0), 1e-12)
    return weight, hurst, freedom, 1 + seen @ shared, np.sqrt(left * squares / freedom)


def _contrasts(values: Array) -> Array:
    """Return orthonormal differences along the first axis, one fewer: what is left without the mean.

    A Householder reflection puts the mean in the first place, from which it is taken away.
    """
    count = len(values)
    mirror = np.full(count, count**-0.5)
    mirror[0] += 1.0
    along = mirror @ values / (mirror @ mirror)
    return np.asarray((values - 2 * np.multiply.outer(mirror, along))[1:])


@lru_cache(maxsize=512)
def _joint(kind: str, number: float, count: int, ahead: tuple[float, ...]) -> Array:
    covariance = {"white": lambda _: white, "power": power_law, "bursts": bursts}[kind](number)
    return _scaled(covariance, count, ahead)


def _scaled(covariance: Covariance, count: int, ahead: tuple[float, ...]) -> Array:
    """Return what `_raw` does, scaled so that the stretches vary by one on average."""
    raw = _raw(covariance, count, ahead)
    return np.asarray(raw * ((count - 1) / raw.diagonal()[: count - 1].sum()))


def _raw(covariance: Covariance, count: int, ahead: tuple[float, ...]) -> Array:
    """Return the covariance of ``count`` stretches of ``[0, 1)`` and of targets from 1 on.

    The mean of the stretches is taken off both: first are the ``count - 1`` differences that are
    left of the stretches, then what each target is above that mean.
    """
    edges = np.linspace(0.0, 1.0, count + 1)
    start = np.append(edges[:-1], np.ones(len(ahead)))
    end = np.append(edges[1:], 1.0 + np.array(ahead))

    def without_mean(values: Array) -> Array:
        stretches, targets = values[:count], values[count:]
        return np.concatenate([_contrasts(stretches), targets - stretches.mean(axis=0)])

    return without_mean(without_mean(covariance(start, end, start, end)).T)
