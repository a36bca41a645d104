"""How long a portfolio of 200 workloads by 4 models takes, against a bare program in the same run.

``python -m benchmarks.portfolio`` chooses 200 workloads by 4 models, with plain numbers and with
ranges, at P50 and P90, whole and split. The peer is one call of `scipy.optimize.milp` on the same
options with the mean spend of every month as the budget rows: it neither prices what it finds in
the scenarios, nor keeps a percentile, nor is exact. ``--json`` prints JSON. Run it with
``OMP_NUM_THREADS=1`` for one core.
"""

from __future__ import annotations

import argparse
import json
from decimal import Decimal
from time import perf_counter
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from kimi_planner.projection import Spend
from kimi_planner.selection.portfolio.problem import WHOLE, Option, Problem
from kimi_planner.selection.portfolio.program import silent
from kimi_planner.selection.portfolio.solve import best

WORKLOADS, MONTHS, N_PATHS = 200, 12, 10_000
PRICES = ("1.2", "1.5", "2.5", "3.5")
TOTALS = ("requests", "prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens")


def spend_of(usd: Any, exact: tuple[Decimal, ...] | None) -> Spend:
    """Return a spend without token totals."""
    return Spend(usd=usd, exact_usd=exact, **dict.fromkeys(TOTALS, np.zeros(len(usd))))


def problem(q: float, *, is_plain: bool, seed: int = 0) -> Problem:
    """Return 200 workloads of lognormal size, traffic that is uncertain by a quarter, and growth."""
    rng = np.random.default_rng(seed)
    options = []
    for _ in range(WORKLOADS):
        level = float(100 * np.exp(rng.normal(0, 1)))
        months = (1 + rng.uniform(-0.02, 0.08)) ** np.arange(MONTHS)
        rates = np.sort(rng.uniform(0.4, 0.97, len(PRICES)))
        traffic = np.exp(rng.normal(0, 0.25, N_PATHS))
        thought = 1 + rng.random() * np.exp(rng.normal(0, 0.3, N_PATHS))
        some = []
        for price, rate in zip(PRICES, rates, strict=True):
            thinks = price == PRICES[-1]
            if is_plain:
                usd = level * months * (1 + 0.5 * thinks)
                exact = tuple(Decimal(f"{one:.4f}") * Decimal(price) for one in usd)
                spend = spend_of(np.array([[float(one)] for one in exact]), exact)
            else:
                drawn = traffic * thought if thinks else traffic
                spend = spend_of(level * float(price) * months[:, None] * drawn, None)
            some.append(Option(price, 10 * level * float(rate), spend, np.zeros(0)))
        options.append(tuple(some))
    return Problem(tuple(options), q)


def bare(asked: Problem, budget: float, *, split: bool) -> float:
    """Return what one call of `milp` on mean spends finds."""
    flat = [one for some in asked.options for one in some]
    values = np.array([one.value for one in flat])
    means = np.array([one.spend.usd.mean(axis=1) for one in flat]).T
    one_each = np.repeat(np.eye(len(asked.options)), [len(some) for some in asked.options], axis=1)
    with silent():
        found = milp(
            -values,
            constraints=[
                LinearConstraint(one_each, 1, 1),
                LinearConstraint(means, -np.inf, budget),
            ],
            integrality=np.full(len(flat), 0 if split else 1),
            bounds=Bounds(0, 1),
            options={"mip_rel_gap": 0.0},
        )
    return float(-found.fun)


def measure(q: float, *, is_plain: bool, split: bool) -> dict[str, Any]:
    """Time one portfolio and its peer, the budget two fifths of the way to the dearest models."""
    asked = problem(q, is_plain=is_plain)
    low, high = (
        asked.worst(tuple({at: WHOLE} for _ in range(WORKLOADS)))[1] for at in (0, len(PRICES) - 1)
    )
    budget = low + (high - low) * Decimal("0.4")
    start = perf_counter()
    reduced = asked.reduced()
    found = best(reduced, budget, split=split)
    seconds = perf_counter() - start
    start = perf_counter()
    bare(asked, float(budget), split=split)
    peer = perf_counter() - start
    return {
        "workloads": "plain" if is_plain else "ranges",
        "percentile": 100 * q,
        "split": split,
        "seconds": seconds,
        "milp_seconds": peer,
        "time_over_milp": seconds / peer,
        "gap": found.bound / found.value - 1,
        "budget_used": float(reduced.worst(found.shares)[1] / budget) if found.shares else None,
    }


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    cases = [(0.5, True), (0.5, False), (0.9, False)]
    found = [
        measure(q, is_plain=is_plain, split=split)
        for q, is_plain in cases
        for split in (False, True)
    ]
    if options.json:
        print(json.dumps(found, indent=2))
        return
    for one in found:
        best_of = "proved" if one["gap"] <= 1e-6 else f"within {one['gap']:.2%}"
        print(
            f"{one['workloads']:7} P{one['percentile']:.0f} {'split' if one['split'] else 'whole'}: "
            f"{one['seconds']:.2f} s, {one['time_over_milp']:.1f} times milp, {best_of}, "
            f"{one['budget_used']:.4%} of the budget used"
        )


if __name__ == "__main__":
    main()
