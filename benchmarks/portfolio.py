"""How long a portfolio of 200 workloads by 4 models takes, against a bare program in the same run.

``python -m benchmarks.portfolio`` chooses 200 workloads by 4 models, with plain numbers and with
ranges, at P50 and P90, whole and split. The peer is one call of `scipy.optimize.milp` on the same
options with the mean spend of every month as the budget rows: it neither prices what it finds in
the scenarios, nor keeps a percentile, nor is exact. Then the same size goes through `portfolio`, in two parts: the
projection and fit that it rests on, and the choice with those at hand. Times are of the processor.
``--json`` prints JSON. Run it with ``OMP_NUM_THREADS=1`` for one core.
"""

from __future__ import annotations

import argparse
import json
from datetime import date
from decimal import Decimal
from fractions import Fraction
from time import process_time
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, milp

import kimi_planner as kp
from kimi_planner.billing.meters import ByMeter, Usage
from kimi_planner.choose.portfolios.problem import WHOLE, Option, Problem
from kimi_planner.choose.portfolios.program import silent
from kimi_planner.choose.portfolios.solve import best
from kimi_planner.plan.spend import Spend

WORKLOADS, MONTHS, N_PATHS = 200, 12, 10_000
PRICES = ("1.2", "1.5", "2.5", "3.5")


def spend_of(usd: Any, exact: tuple[Decimal, ...] | None) -> Spend:
    """Return a spend on one meter, without tokens."""
    months = usd.mean(axis=1) if exact is None else np.array([Fraction(one) for one in exact])
    bill = ByMeter({"output": months})
    return Spend(usd=usd, usage=Usage({}), bill=bill, list_bill=bill, conversations=usd[:, 0])


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
    start = process_time()
    reduced = asked.reduced()
    found = best(reduced, budget, split=split)
    seconds = process_time() - start
    start = process_time()
    bare(asked, float(budget), split=split)
    peer = process_time() - start
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


def public(kind: str) -> dict[str, Any]:
    """Time 200 workloads by 4 models through the public functions."""
    rng = np.random.default_rng(0)
    workloads = [asked(f"w{place}", kind, rng) for place in range(WORKLOADS)]
    models = [spec.id for spec in kp.load_catalog()][:4]
    rates = np.sort(rng.uniform(0.4, 0.97, (WORKLOADS, 4)))
    tried = kp.choose.read_evaluations(
        pd.DataFrame(
            {
                "workload": np.repeat([one.name for one in workloads], 4),
                "model": models * WORKLOADS,
                "successes": (200 * rates).astype(int).ravel(),
                "trials": 200,
            }
        )
    )
    start = process_time()
    plan = kp.project(workloads, MONTHS, "2026-12", models, date(2026, 11, 25), n_paths=N_PATHS)
    fit = kp.context_fit(workloads, models)
    projected = process_time() - start
    low, high = (
        sum(
            end(float(plan.of(model, one.name).quantile(0.9).max()) for model in models)
            for one in workloads
        )
        for end in (min, max)
    )
    start = process_time()
    budget = round(low + 0.4 * (high - low), 2)
    found = kp.choose.portfolio(
        workloads, budget, percentile=90, evaluations=tried, projection=plan, fit=fit
    )
    return {
        "workloads": kind,
        "projection_seconds": projected,
        "choice_seconds": process_time() - start,
        "proven_optimal": found.proven_optimal,
    }


def asked(name: str, kind: str, rng: np.random.Generator) -> kp.Workload:
    """Return a workload of plain numbers, with ranges of traffic alone, or of sizes too."""
    level, prompt, thought = (
        1000 * float(np.exp(rng.normal())),
        *rng.integers(300, 2000, 2).tolist(),
    )
    traffic: Any = {"p10": 0.8 * level, "p50": level, "p90": 1.4 * level}
    growth: Any = {"p10": 0.0, "p50": 0.03, "p90": 0.06}
    if kind == "plain":
        traffic, growth = round(level), 0.03
    sizes: dict[str, Any] = {"prompt_tokens": prompt, "completion_tokens": 300}
    sizes["reasoning_tokens"] = thought
    if kind == "ranges of sizes too":
        sizes = {key: {"p50": size, "p90": 2 * size} for key, size in sizes.items()}
    return kp.Workload(name=name, requests_per_day=traffic, growth_per_month=growth, **sizes)


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
    kinds = ("plain", "ranges of traffic", "ranges of sizes too")
    through = [public(kind) for kind in kinds]
    if options.json:
        print(json.dumps({"choice": found, "public": through}, indent=2))
        return
    for one in found:
        best_of = "proved" if one["gap"] <= 1e-6 else f"within {one['gap']:.2%}"
        print(
            f"{one['workloads']:7} P{one['percentile']:.0f} {'split' if one['split'] else 'whole'}: "
            f"{one['seconds']:.2f} s, {one['time_over_milp']:.1f} times milp, {best_of}, "
            f"{one['budget_used']:.4%} of the budget used"
        )
    for one in through:
        print(
            f"portfolio, {one['workloads']}: {one['projection_seconds']:.2f} s of projection and fit, "
            f"{one['choice_seconds']:.2f} s of choice, "
            f"{'proved' if one['proven_optimal'] else 'with a bound'}"
        )


if __name__ == "__main__":
    main()
