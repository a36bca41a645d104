"""Whether the recommended model was the best in truth, on items that the choice did not see.

``python -m benchmarks.choices [FILE ...] [--value USD ...] [--items N ...] [--runs N] [--json]``
reads evaluations item by item (``workload``, ``model``, ``item``, ``success``, ``cost_usd``), such as
public runs of several models on the same benchmark. Again and again it takes a few items as a team's
own evaluation, chooses a model by them, and looks what each model did on all the others: how often the
choice was the best one there by net value, what it lost a task against the best in hindsight, beside
the loss of a model picked blindly and of the cheapest one, and how likely the choice was said to be
the best. Items that were not billed on every model are left out. Without a file it draws models and
items whose truth is known: abilities and difficulties of an item-response law, failures that correlate,
costs that grow with difficulty.

It chooses as `recommend` does: success by `success_rates`, costs as billed, net value by `Objective`; by
own items alone, and with the published results that ship, but for those of the benchmark itself, which
it knows by the name of the workload.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner import Workload, load_catalog, project
from kimi_planner.choose import (
    Evaluations,
    PublicResults,
    read_evaluations,
    read_public_results,
)
from kimi_planner.choose.evaluations.rates import success_rates
from kimi_planner.choose.objective import Objective
from kimi_planner.choose.success.worth import worth_of

N_PATHS = 400
CATALOG = load_catalog("2026-11-public-3")
DRAWN = 20  # worlds that are drawn without a file


def billed(evaluations: Evaluations, workload: str) -> pd.DataFrame:
    """Return success and cost of the items that every model was tried and billed on."""
    rows = [
        (item, model, float(one.success), float(one.cost_usd))
        for (name, model), trials in evaluations.trials.items()
        for item, one in trials.items.items()
        if name == workload and one.cost_usd is not None
    ]
    frame = pd.DataFrame(rows, columns=["item", "model", "success", "usd"])
    return frame.pivot_table(index="item", columns="model").dropna()


def drawn(rng: np.random.Generator, count: int = 1000) -> pd.DataFrame:
    """Return items of a world with three models: dearer ones are often better, not always."""
    difficulty = rng.standard_normal(count)
    ability = np.sort(rng.normal(0.5, 1.0, 3)) + rng.normal(0, 0.3, 3)
    price = np.sort(rng.lognormal(-1, 0.8, 3))
    chance = 1 / (1 + np.exp(1.7 * (difficulty[:, None] - ability)))
    success = (rng.random((count, 3)) < chance).astype(float)
    usd = price * np.exp(0.5 * difficulty[:, None] + 0.7 * rng.standard_normal((count, 3)))
    models = pd.Index(["kimi-k2.5", "kimi-k2.6", "kimi-k2-thinking"], name="model")
    parts = {
        "success": pd.DataFrame(success, columns=models),
        "usd": pd.DataFrame(usd, columns=models),
    }
    return pd.concat(parts, axis=1)


def own(items: pd.DataFrame) -> Evaluations:
    """Return items as the evaluations of a team."""
    success, usd = (
        items[name].melt(value_name=name, ignore_index=False) for name in ("success", "usd")
    )
    frame = success.assign(
        workload="w",
        item=success.index.astype(str),
        success=success["success"].astype(int),
        cost_usd=usd["usd"].map(repr).to_numpy(),
    )
    return read_evaluations(frame)


def others(benchmark: str) -> PublicResults:
    """Return the published results that ship, but for those of the benchmark itself."""
    public = read_public_results()
    kept = (one for one in public.results if benchmark.lower() not in one.benchmark.lower())
    return replace(public, results=tuple(kept))


def choices(
    items: pd.DataFrame,
    value: float,
    count: int,
    rng: np.random.Generator,
    public: PublicResults | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield what each way to choose took, and what it lost on the items that were held back."""
    seen = rng.permutation(len(items)) < count
    rest = items[~seen]
    net = (value * rest["success"] - rest["usd"]).mean()
    workload = Workload(name="w", requests_per_day=1, prompt_tokens=1000, completion_tokens=1000, reasoning_tokens=0)  # fmt: skip
    models = list(net.index)
    plan = project(workload, 1, models=models, catalog=CATALOG, n_paths=N_PATHS)
    objective = Objective(value_usd=Fraction(str(value)))
    tried = own(items[seen])
    ways: Mapping[str, tuple[Any, Any]] = {"own items": (tried, None)}
    if public is not None:
        ways = {**ways, "own and published": (tried, public)}
    cheapest = str(items[seen]["usd"].mean().idxmin())
    for way, (evaluations, published) in ways.items():
        rates = success_rates("w", plan.specs, evaluations, published)
        worth = worth_of(workload, rates, plan, objective)
        if not worth.tried:
            raise SystemExit("no model of the file is in the catalog")
        best = max(worth.net_usd, key=lambda model: worth.net_usd[model])
        yield {
            "way": way,
            "value": value,
            "items": count,
            "right": best == net.idxmax(),
            "told": worth.chance_best[best],
            "lost_usd": float(net.max() - net[best]),
            "blind_usd": float(net.max() - net.mean()),
            "cheapest_usd": float(net.max() - net[cheapest]),
            "best_usd": float(net.max()),
        }


def summed(rows: list[dict[str, Any]], data: str) -> pd.DataFrame:
    """Return means over the runs, by way, value and number of items."""
    frame = pd.DataFrame(rows).groupby(["way", "value", "items"], sort=False).mean()
    return frame.reset_index().assign(data=data)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", metavar="FILE", help="evaluations item by item")
    parser.add_argument("--value", nargs="+", type=float, default=[0.1, 0.5, 2.0, 10.0])
    parser.add_argument("--items", nargs="+", type=int, default=[20, 50, 100])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    rng = np.random.default_rng(2026)
    tables = []
    for file in options.files:
        evaluations = read_evaluations(file)
        for name in dict.fromkeys(workload for workload, _ in evaluations.trials):
            items = billed(evaluations, name)
            rows = [
                row
                for value in options.value
                for count in options.items
                for _ in range(options.runs)
                for row in choices(items, value, count, rng, others(name))
            ]
            tables.append(summed(rows, f"{name}, {len(items)} items"))
    if not options.files:
        rows = []
        for _ in range(DRAWN):
            items = drawn(rng)
            rows += [
                row
                for value in options.value
                for count in options.items
                for _ in range(max(1, options.runs // DRAWN))
                for row in choices(items, value, count, rng)
            ]
        tables.append(summed(rows, f"{DRAWN} drawn worlds, no public run"))
    table = pd.concat(tables, ignore_index=True)
    if options.json:
        print(json.dumps(table.to_dict("records"), indent=2))
        return
    print(table.round(3).to_string(index=False))


if __name__ == "__main__":
    main()
