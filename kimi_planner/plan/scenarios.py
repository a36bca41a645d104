"""What is drawn once per scenario: each uncertain number of a workload, from a stream of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from kimi_planner.workload import Quantity, Workload
from kimi_planner.workload.parse import TOKEN_KEYS
from kimi_planner.workload.quantity import Array, midpoints

__all__ = ["BETWEEN_SCENARIOS", "Scenarios", "factor_key", "scenario_quantities", "stream"]

#: Quantities of a workload whose spread is over scenarios.
BETWEEN_SCENARIOS = ("requests_per_day", "growth_per_month", "cached_share", "retry_share")


def factor_key(key: str) -> str:
    """Return the name of the uncertain factor on the mean of a token quantity."""
    return f"{key}.mean_factor"


def scenario_quantities(workload: Workload) -> dict[str, Quantity]:
    """Return every quantity that is drawn once per scenario, by its name."""
    given = {key: workload.quantity(key) for key in BETWEEN_SCENARIOS}
    for key in TOKEN_KEYS:
        quantity = workload.quantity(key)
        given[factor_key(key)] = None if quantity is None else quantity.factor
    for event in workload.dated_events:
        given[f"events.{event.name}"] = event.factor or event.extra_requests
    for change in workload.dated_price_changes:
        given[change.key] = change.factor
    return {name: quantity for name, quantity in given.items() if quantity is not None}


@dataclass(frozen=True)
class Scenarios:
    """The scenarios of one workload, the same for every model.

    Attributes
    ----------
    drawn : mapping of str to ndarray, shape (n_paths,) or (1,)
        From the name of a quantity to its value in each scenario; one value if it is certain.
    """

    drawn: Mapping[str, Array]

    @classmethod
    def draw(cls, workload: Workload, seed: int, n_paths: int) -> Scenarios:
        """Draw the scenarios of a workload, each quantity stratified.

        A stream is named by seed, workload and quantity; that of a price change by seed and change,
        so that it is the same for all workloads.
        """
        places = midpoints(n_paths)
        changes = {change.key for change in workload.dated_price_changes}

        def one(name: str, quantity: Quantity) -> Array:
            if quantity.is_certain:
                return np.full(1, quantity.mean)
            owner = "" if name in changes else workload.name
            return stream(seed, owner, name).permutation(quantity.ppf(places))

        quantities = scenario_quantities(workload)
        return cls({name: one(name, quantity) for name, quantity in quantities.items()})

    def value(self, name: str, default: float = 0.0) -> Array:
        """Return a quantity by scenario, shape (n_paths,) or (1,)."""
        return self.drawn.get(name, np.full(1, default))

    @property
    def factors(self) -> dict[str, Array]:
        """From the key of a token quantity to the factor on its mean."""
        return {
            key: self.drawn[factor_key(key)] for key in TOKEN_KEYS if factor_key(key) in self.drawn
        }


def stream(seed: int, *names: str) -> np.random.Generator:
    """Return the random stream of these names."""
    digest = sha256("\x1f".join(names).encode()).digest()
    return np.random.default_rng([seed, *np.frombuffer(digest, dtype=np.uint32).tolist()])
