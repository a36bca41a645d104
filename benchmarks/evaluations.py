"""Whether intervals and probabilities that rest on evaluations keep their word.

``python -m benchmarks.evaluations [--json]`` takes about two and a half minutes on an idle core. It prints:

- how often the 90% interval of a cost per success holds the true one: exactly, by enumerating every
  count, at rates from 0.3 to 0.95; with an uncertain cost of a task; and by simulation where the
  tokens of the items are given, which cost more or less when solved;
- how often the 90% intervals of cascades hold the true cost, success rate and cost per success, by
  simulation, with trials of their own, where bounds are told, and with common items of shared difficulty;
- how often the model said to have the highest net value has it, by the probability that was told, with
  trials of their own and with common items.

Everything goes through `read_evaluations`, `cost_per_success` and `cascades`, without published results.
How often a choice is the best one on items that it did not see is what `benchmarks.choices` tells.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from datetime import date
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from kimi_planner import Workload, project
from kimi_planner.choose import Cascades, Detector, SuccessCosts, cascades, cost_per_success
from kimi_planner.choose import read_evaluations as read
from kimi_planner.plan import Projection

RATES = np.round(np.arange(0.30, 0.9501, 0.01), 2)
COUNTS = (20, 50, 100, 200, 400)
MODELS = ("kimi-k2", "kimi-k2-instruct")
ENDS = ["cost_per_success_low_usd", "cost_per_success_high_usd"]
INPUT, OUTPUT = 1.2e-6, 3.6e-6
VALUE, EXTRA = 0.01, 0.00105  # USD of a solved task, and what a task costs more on the second model
N_PATHS = 1_000


def planned(**changes: Any) -> tuple[Workload, Projection]:
    """Return a workload of one call a task, and its projection on two models."""
    fields = {"requests_per_day": 100, "prompt_tokens": 2000, "completion_tokens": 500}
    fields["value_usd_per_success"] = VALUE
    workload = Workload(name="w", **fields | changes)
    plan = project(workload, 1, "2026-12", list(MODELS), date(2026, 11, 1), n_paths=N_PATHS)
    return workload, plan


def summed(plan: tuple[Workload, Projection], counts: list[tuple[int, int]]) -> SuccessCosts:
    """Return the costs per success of as many models as there are pairs of successes and trials."""
    rows = [("w", model, *both) for model, both in zip(MODELS, counts, strict=False)]
    frame = pd.DataFrame(rows, columns=["workload", "model", "successes", "trials"])
    return cost_per_success(plan[0], read(frame), projection=plan[1], published=False)


def coverage_by_count() -> Iterator[dict[str, Any]]:
    """Yield exact coverage by number of trials, over rates; for a certain and an uncertain cost."""
    factor = {"p10": 0.8, "p50": 1.0, "p90": 1.3}
    certain = planned()
    uncertain = planned(
        prompt_tokens=0, completion_tokens={"mean": 500, "sd": 100, "mean_factor": factor}
    )
    scale = uncertain[0].given("completion_tokens").factor.ppf((np.arange(200) + 0.5) / 200)
    costs = {"certain": np.array([2000 * INPUT + 500 * OUTPUT]), "uncertain": 500 * OUTPUT * scale}
    for kind, plan in (("certain", certain), ("uncertain", uncertain)):
        for count in COUNTS:
            solved = np.arange(count + 1)
            ends = np.array(
                [summed(plan, [(int(s), count)]).frame[ENDS].to_numpy()[0] for s in solved]
            )
            chance = stats.binom.pmf(solved[:, None], count, RATES)
            truth = costs[kind] / RATES[:, None]  # rates by costs
            held = (ends[:, 0, None, None] <= truth) & (truth <= ends[:, 1, None, None])
            covered = (chance[:, :, None] * held).sum(axis=0).mean(axis=1)
            yield {
                "cost of a task": kind,
                "trials": count,
                "mean": covered.mean(),
                "least": covered.min(),
                "most": covered.max(),
                "rates_in_88_to_92": ((covered >= 0.88) & (covered <= 0.92)).mean(),
            }


def coverage_by_item(rng: np.random.Generator, runs: int) -> Iterator[dict[str, Any]]:
    """Yield coverage where items have tokens of lognormal sizes that depend on success."""
    plan = planned()
    for count, sigma in ((20, 0.5), (50, 0.5), (50, 0.8), (200, 0.8), (200, 1.0)):
        hits = 0
        for _ in range(runs):
            rate, factor = rng.uniform(0.3, 0.95), rng.choice([0.5, 1.0, 2.0])
            solved = rng.random(count) < rate
            sizes = (
                20_000 * np.exp(sigma * rng.standard_normal(count)) * np.where(solved, factor, 1)
            )
            frame = pd.DataFrame(
                {
                    "workload": "w",
                    "model": MODELS[0],
                    "item": np.arange(count),
                    "success": solved,
                    "prompt_tokens": 0,
                    "completion_tokens": np.rint(sizes).astype(int),
                }
            )
            found = cost_per_success(plan[0], read(frame), projection=plan[1], published=False)
            low, high = found.frame.set_index("model").loc[MODELS[0], ENDS]
            mean = 20_000 * OUTPUT * np.exp(sigma**2 / 2)
            hits += low <= mean * (factor + (1 - rate) / rate) <= high
        yield {"items": count, "sigma": sigma, "runs": runs, "covered": hits / runs}


def coverage_of_routes(rng: np.random.Generator, runs: int) -> Iterator[dict[str, Any]]:
    """Yield how often the intervals of a single model and of a cascade hold what is true.

    What is true is walked through on 100,000 tasks, of which the trials are a sample.
    """
    models = ("kimi-k2", "kimi-k2-5")
    workload = planned()[0]
    plan = project(workload, 1, "2026-12", list(models), date(2026, 11, 1), n_paths=N_PATHS)
    detector = Detector(false_accept=0.1, false_reject=0.05, cost_usd="0.0003")
    usual, own = rng.standard_normal(100_000), rng.standard_normal((2, 100_000))
    for kind, share, count in product(("common items", "own items"), (0.0, 0.5, 0.85), (20, 200)):
        held: dict[tuple[int, str], list[bool]] = {}
        for _ in range(runs):
            rates = rng.uniform(0.3, 0.95, 2)
            noise = share**0.5 * usual + (1 - share) ** 0.5 * own
            solved = dict(zip(models, noise < stats.norm.ppf(rates)[:, None], strict=True))
            tried = [rng.integers(0, len(usual), count)] * 2
            if kind == "own items":
                tried = [rng.integers(0, len(usual), count) for _ in models]
            names = [
                f"{place if kind == 'own items' else ''}#{at}"
                for place in range(2)
                for at in range(count)
            ]
            frame = pd.DataFrame(
                {
                    "workload": "w",
                    "model": np.repeat(models, count),
                    "item": names,
                    "success": np.concatenate(
                        [solved[model][some] for model, some in zip(models, tried, strict=True)]
                    ),
                }
            )
            found = cascades(
                workload,
                detector=detector,
                evaluations=read(frame),
                published=False,
                projection=plan,
            )
            for steps in (1, 2):
                route = found.of(*models[:steps])
                cost, success = walked(found, route.models, solved)
                known = route.intervals
                for name, ends, truth in (
                    ("cost", known.cost, cost),
                    ("success", known.success, success),
                    ("per success", known.per_success, cost / success),
                ):
                    held.setdefault((steps, name), []).append(
                        ends[0] - 1e-12 <= truth <= ends[1] + 1e-12
                    )
        yield {
            "trials": kind,
            "shared difficulty": share,
            "count": count,
            **{f"{steps}: {name}": np.mean(one) for (steps, name), one in held.items()},
        }


def walked(found: Cascades, models: tuple[str, ...], solved: dict[str, Any]) -> tuple[float, float]:
    """Return cost and success of a route, step by step over tasks."""
    left: Any = 1.0
    cost = success = 0.0
    for step, model in enumerate(models, 1):
        cost += float(np.mean(left)) * float(found.of(model).cost_usd)
        onward = left * 0.0
        if step < len(models):
            cost += float(np.mean(left)) * float(found.detector.cost_usd)
            rejected = float(found.detector.false_reject), 1 - float(found.detector.false_accept)
            onward = left * np.where(solved[model], *rejected)
        success += float(np.mean((left - onward) * solved[model]))
        left = onward
    return cost, success


def told_and_true(
    rng: np.random.Generator, runs: int, *, common: float | None
) -> Iterator[tuple[float, bool]]:
    """Yield the probability told for the model said to be the cheapest, and whether it is.

    With ``common`` both models are tried on the same items, whose difficulty correlates so much.
    Only cases are taken whose counts leave it open, which is a choice by what is known, not by what
    is true, so that it spoils no probability.
    """
    plan = planned()
    taken = 0
    while taken < runs:
        count, rates = int(rng.integers(20, 400)), rng.uniform(0.3, 0.95, 2)
        usual = rng.standard_normal(count)
        own = rng.standard_normal((2, count))
        share = common or 0.0
        noise = share**0.5 * usual + (1 - share) ** 0.5 * own
        solved = noise < stats.norm.ppf(rates)[:, None]
        seen = (solved.sum(axis=1) + 0.5) / (count + 1)
        error = ((1 - share) * (seen * (1 - seen) / count).sum()) ** 0.5
        if abs(seen[1] - seen[0] - EXTRA / VALUE) > 2 * error:
            continue
        taken += 1
        if common is None:
            found = summed(plan, [(int(one.sum()), count) for one in solved])
        else:
            frame = pd.DataFrame(
                {
                    "workload": "w",
                    "model": np.repeat(MODELS, count),
                    "item": np.tile(np.arange(count), 2),
                    "success": solved.ravel(),
                }
            )
            found = cost_per_success(plan[0], read(frame), projection=plan[1], published=False)
        best = max(found.rows, key=lambda row: row.chance_best)
        truly = MODELS[int(VALUE * (rates[1] - rates[0]) > EXTRA)]
        yield best.chance_best, best.model == truly


def calibration(rng: np.random.Generator, runs: int) -> Iterator[dict[str, Any]]:
    """Yield how often it was right by the probability told."""
    for kind, common in (("own items", None), ("common items", 0.7)):
        told, true = np.array(list(told_and_true(rng, runs, common=common)), dtype=float).T
        for low, high in ((0.5, 0.8), (0.8, 0.9), (0.9, 0.95), (0.95, 1.0)):
            some = (told >= low) & (told < high)
            yield {
                "trials": kind,
                "told": f"{low} to {high}",
                "cases": int(some.sum()),
                "told_mean": told[some].mean(),
                "right": true[some].mean(),
                "standard_error": (told * (1 - told))[some].sum() ** 0.5 / some.sum(),
            }


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    rng = np.random.default_rng(2026)
    report = {
        "coverage": list(coverage_by_count()),
        "coverage_by_item": list(coverage_by_item(rng, 400)),
        "coverage_of_routes": list(coverage_of_routes(rng, 400)),
        "calibration": list(calibration(rng, 1000)),
    }
    if options.json:
        print(json.dumps(report, indent=2, default=float))
        return
    for title, rows in report.items():
        print(f"\n{title}\n{pd.DataFrame(rows).round(3).to_string(index=False)}")


if __name__ == "__main__":
    main()
