"""What is drawn once per path: each uncertain number of a load, from a stream of its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from kimi_planner.workload.quantity import Array, Quantity, midpoints
from kimi_planner.workload.resolve import UNITS, Load, factor_key

#: What may move together with the same of other workloads: level and growth.
TOGETHER = (*UNITS, "growth_per_month")
#: A fraction where all is exact, else a float, or an array over paths.
Number = Any
Places = NDArray[np.int64]
#: Whose number, and its name; a price change is of no one workload, so that of all is ``""``.
Key = tuple[str, str]


@dataclass(frozen=True)
class Draws:
    """The uncertain numbers of one load, the same for every model.

    Attributes
    ----------
    drawn
        From the name of a quantity to its value: an array over paths of shape (n_paths,), or one
        number where it is certain.
    number
        The type of numbers that are certain: ``Fraction`` where all is exact, else ``float``.
    """

    drawn: Mapping[str, Number]
    number: Callable[[Any], Any]

    @classmethod
    def exact(cls, load: Load) -> Draws:
        """Return the numbers of a load as fractions; an uncertain one counts with its mean."""
        return cls(
            {name: one.as_number(Fraction) for name, one in load.quantities().items()}, Fraction
        )

    @classmethod
    def draw(cls, load: Load, seed: int, n_paths: int) -> Draws:
        """Draw the numbers of a load, each stratified.

        A stream is named by seed, workload and quantity; that of a price change by seed and change,
        so that it is the same for all workloads. Level and growth share a part with those of other
        loads, as far as the load's correlation says.
        """

        def values(owner: str, name: str, quantity: Quantity) -> Array:
            order: Places = stream(seed, owner, name).permutation(n_paths)
            if load.correlation and name in TOGETHER:
                shared = UNITS[0] if name in UNITS else name
                common = stream(seed, "", shared).permutation(n_paths)
                order = _moving_together(order, common, load.correlation)
            return quantity.spread(n_paths)[order]

        return cls.at(load, values)

    @classmethod
    def at(cls, load: Load, values: Callable[[str, str, Quantity], Array | float]) -> Draws:
        """Return the numbers of a load, uncertain ones as a function of owner and name says.

        The owner is the workload; of a price change, which is the same for all, it is ``""``.
        """
        drawn: dict[str, Number] = {name: one.mean for name, one in load.quantities().items()}
        for (owner, name), quantity in uncertain(load).items():
            drawn[name] = values(owner, name, quantity)
        return cls(drawn, float)

    def __getitem__(self, name: str) -> Number:
        return self.drawn[name]

    def factors(self, keys: Mapping[str, Any]) -> dict[str, Number]:
        """Return the factors on the means of token quantities, by their keys."""
        return {key: self.drawn[factor_key(key)] for key in keys}


def uncertain(load: Load) -> dict[Key, Quantity]:
    """Return the numbers of a load that differ between paths."""
    changes = {change.key for change in load.price_changes}
    return {
        ("" if name in changes else load.name, name): quantity
        for name, quantity in load.quantities().items()
        if not quantity.is_certain
    }


def mean_of(values: Number) -> Number:
    """Return the mean over paths of an array, or the number itself."""
    return float(values.mean()) if isinstance(values, np.ndarray) else values


def _moving_together(own: Places, common: Places, correlation: float) -> Places:
    """Return an order that has a part in common with that of others, each place taken once."""
    scores = ndtri(midpoints(len(own)))
    mixed = math.sqrt(correlation) * scores[common] + math.sqrt(1 - correlation) * scores[own]
    ranks: Places = np.argsort(np.argsort(mixed, kind="stable"), kind="stable")
    return ranks


def stream(seed: int, *names: str) -> np.random.Generator:
    """Return the random stream of these names."""
    digest = sha256("\x1f".join(names).encode()).digest()
    return np.random.default_rng([seed, *np.frombuffer(digest, dtype=np.uint32).tolist()])
