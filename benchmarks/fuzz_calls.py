"""Calls of every public function and method with values that do not fit, drawn at random.

``python -m benchmarks.fuzz_calls --calls 10000 --seed 0`` prints how many calls were answered and refused,
and every fault: an error that is none of ours or has several lines, a warning, an amount that cannot
be, more than 10 seconds of a processor or a gigabyte. The calls of a seed are the same everywhere.
"""

from __future__ import annotations

import argparse
import contextlib
import inspect
import math
import random
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import kimi_planner as kp
from benchmarks.fuzz import Outcome, Reader, given, limited

#: Where the value of others of that name would not do.
NOT_GIVEN = (
    "forecast_spend.start", "latest_estimate.start", "latest_estimate.choice", "reconcile.start", "reconcile.workload",
    "SpendForecast.record.path", "example_path.name", "read_evaluations.source", "read_public_results.source",
    "load_workloads.path", "read_plan.path", "cascades.evaluations",
)  # fmt: skip
SHOWN = 200  # characters of what is told of a call
PLAN = {
    "months": 1,
    "start": "2026-12",
    "as_of": "2026-11-28",
    "n_paths": 100,
    "catalog": "2026-06",
}
DAYS = (
    None, pd.NaT, pd.Timestamp("2026-11-01", tz="Pacific/Kiritimati"), pd.Timestamp.max, pd.Timestamp.min,
    pd.Period("2026-11"), np.datetime64("NaT"), np.datetime64("2026-11-01"), datetime(2026, 11, 1, tzinfo=UTC),
    datetime(2026, 11, 1, 23, tzinfo=timezone(timedelta(hours=14))), datetime(9999, 12, 31, tzinfo=UTC), date.max, date.min,
    date(2026, 11, 1), timedelta.max, "2026-11", "2026-13-01", "9999-12-31", "2026-11-01T00:00:00+14:00",
)  # fmt: skip
NUMBERS = (
    True, 0, 1, -1, 1.5, 1e308, 1e-320, 10**18, 10**400, -(10**400), math.nan, math.inf, -math.inf, 1 + 2j,
    Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("1E+999999"), Decimal(-1), Fraction(1, 3),
    Fraction(10**400), np.float64("nan"), np.float32(0.5), np.int64(-(2**63)), np.uint64(2**64 - 1), np.True_,
    pd.NA, np.array(3), range(3),
)  # fmt: skip
TEXTS = (
    "", " ", "5", "nan", "1e400", "\u0661\u0662", "\ud800", "a\0b", "a\nb", "x" * 100_000, "=1+1", "chat", "kimi-k2",
    "all", "plan", "mean", "../..", "/dev/null", "-1 day", "99999999 months", b"bytes", bytearray(b"a"),
    Path("none"), Path("a\0b"), np.str_("5"),
)  # fmt: skip
HELD = (
    [], {}, (), set(), [None], [1, "a"], ["kimi-k2"] * 2, (0.9, 0.1), [[1]], {1: 2}, {"chat": None}, {"chat": math.nan},
    {"p50": 10, "p90": 5}, {"p10": -1, "p50": 2}, {"p50": "1", "p90": "2"}, {"p50": 0, "p90": 10**400},
    {"mean": 1, "sd": -1}, {"mean": 1e-300, "sd": 1e300}, {"from": None}, {"kimi-k2": "0.5"}, {None: None},
)  # fmt: skip
MAKERS: tuple[Callable[[], Any], ...] = (
    object, lambda: object, lambda: len, lambda: iter([]), lambda: (n for n in range(3)), lambda: ValueError("x"),
    lambda: np.array([None, 1]), lambda: np.array([[1, 2], [3, 4]]), lambda: np.array(["a"]), pd.DataFrame,
    lambda: pd.Series([1, None]), lambda: pd.Series(["a"]), lambda: pd.Series([10**400]), lambda: pd.Index([1, 2]),
    lambda: pd.DataFrame([[1, 2]], columns=["prompt_tokens"] * 2), lambda: [chat()] * 2,
)  # fmt: skip


def chat() -> kp.Workload:
    """Return a sound workload."""
    return kp.Workload(
        name="chat",
        requests_per_day={"p10": 5, "p50": 9, "p90": 30},
        prompt_tokens={"p50": 900, "p90": 2000},
        completion_tokens=90,
    )


def wrong(chance: random.Random) -> Any:
    """Return a value that hardly any argument takes."""
    values = chance.choice((DAYS, NUMBERS, TEXTS, HELD, MAKERS))
    value = chance.choice(values)
    return value() if values is MAKERS else value


def spoilt(chance: random.Random, value: Any) -> Any:
    """Return a wrong value, or one with something wrong in it."""
    if chance.random() < 0.5:
        if isinstance(value, dict) and value:
            return {**value, chance.choice(list(value)): wrong(chance)}
        if isinstance(value, list) and value:
            return [spoilt(chance, value[0]), *value[1:]]
        if isinstance(value, pd.DataFrame) and len(value):
            name = chance.choice(list(value.columns))
            cells = [*value[name].iloc[1:], wrong(chance)]
            column = np.empty(len(value), dtype=object)
            column[:-1], column[-1] = cells[:-1], cells[-1]
            return value.assign(**{str(name): column})
    return wrong(chance)


def sound() -> dict[str, Any]:
    """Return sound values by the names of arguments; some are of one function alone."""
    from kimi_planner.plan import Scenario

    models = [f"kimi-k2{end}" for end in ("-5", "-5-thinking", "", "-instruct")]
    times = pd.date_range("2026-11-01", periods=60, freq="2h", tz="UTC")
    calls = {"timestamp": times, "model": "kimi-k2", "prompt_tokens": 900, "completion_tokens": 90}
    log = pd.DataFrame(calls)
    log.to_csv("log.csv", index=False)
    tried = [("chat", model, 60 + 10 * n, 100) for n, model in enumerate(models)]
    tasks = [("chat", model, n, n % 5 < 3, n % 7) for model in models[:2] for n in range(40)]
    read = kp.choose.read_evaluations
    columns = ["workload", "model", "item", "success", "score_after"]
    body = {"model": "kimi-k2", "messages": [{"role": "user", "content": "Hello"}]}
    plan, frame = kp.project(chat(), **PLAN), kp.read_usage(log)
    return {
        **PLAN, "workloads": chat(), "workload": chat(), "name": "chat", "projection": plan, "before": plan,
        "after": plan, "before_choice": "kimi-k2", "after_choice": "kimi-k2", "choice": {"chat": "kimi-k2"},
        "model": "kimi-k2", "models": models[:2], "frame": frame, "source": log, "log": frame, "usage": frame,
        "horizon": "5 days", "old": "2026-06", "new": "2026-11-public-3", "planned": plan, "actual": frame,
        "scenarios": [Scenario(name="double", changes={"traffic": 2})], "changes": {"traffic": 2}, "text": "Hello",
        "evaluations": read(pd.DataFrame(tried, columns=["workload", "model", "successes", "trials"])),
        "routing_curve.evaluations": read(pd.DataFrame(tasks, columns=columns)), "texts": ["a", None],
        "success_rates": dict.fromkeys(models, 0.5), "messages": body["messages"], "request": body, "n": 100,
        "detector": kp.choose.Detector(false_accept="0.05", false_reject="0.1"), "path": "log.csv", "content": "Hello",
        **dict.fromkeys(NOT_GIVEN), "Workload.source": "", "cost.usage": {"prompt_tokens": 1000, "completion_tokens": 200}, "paths": "log.csv", "folder": "out",
        "plain_model": "kimi-k2", "thinking_model": "kimi-k2-5-thinking", "cheap": models[0], "strong": models[1],
        "budget_usd_per_month": 50, "kind": kp.tokens.size_kinds()[0], "best_by_value.models": {"a": (1, 2), "b": (2, 3)},
        "requests_per_day": 9, "prompt_tokens": 900, "completion_tokens": 90, "false_accept": 0.1, "false_reject": 0.1,
        "percentile": 50, "q": 0.5, "currency": "CNY", "rate": 7, "success": 0.5, "cost_usd": 1, "net_usd": 1, "confidence": 0.9,
        "invoice": "log.csv", "successes": 3, "trials": 5, "rates": ((date(2026, 11, 1), Decimal(7)),), "limit_usd": 9,
    }  # fmt: skip


def results(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what calls return, by type: their methods are called too, and others take them."""
    work, plan, frame, choice = (
        values[key] for key in ("workload", "projection", "frame", "choice")
    )
    tried, curve = values["evaluations"], values["routing_curve.evaluations"]
    asked = {key: PLAN[key] for key in ("months", "start", "as_of")}
    made = [
        plan, work, tried, values["scenarios"][0], values["detector"], kp.load_catalog("2026-06"), kp.context_fit(work),
        kp.recommend(work, projection=plan), kp.plan.booked(plan, choice), kp.plan.budget_matrix(plan, choice),
        kp.plan.cap_risk(work, "kimi-k2"), kp.plan.conversation(work, "kimi-k2", catalog="2026-06"),
        kp.plan.compare_plans(plan, plan, before_choice="kimi-k2", after_choice="kimi-k2"),
        kp.plan.compare_scenarios(plan, values["scenarios"], choice), kp.plan.sensitivity(work, "kimi-k2", **asked),
        kp.choose.cost_per_request(work, projection=plan), kp.choose.cost_per_success(work, tried, projection=plan),
        kp.choose.catalog_effect(work, "2026-06", "2026-11-public-3", n_paths=100, **asked),
        kp.choose.portfolio_frontier(work, evaluations=tried, projection=plan),
        kp.choose.portfolio(work, 50, evaluations=tried, projection=plan), kp.choose.quality_frontier(plan, tried),
        kp.choose.routing_curve(work, "kimi-k2-5", "kimi-k2-5-thinking", curve, projection=plan),
        kp.choose.cascades(work, detector=values["detector"], success_rates=values["success_rates"], projection=plan),
        kp.choose.SuccessRate(model="kimi-k2", alpha=1.0, beta=1.0), kp.choose.Objective(failure_usd=Fraction(1)),
        kp.choose.read_public_results(), kp.capacity.throughput(work, "kimi-k2", **PLAN), kp.capacity.load_limits(),
        kp.forecast_spend(frame, "5 days"), kp.latest_estimate(frame, 100), kp.usage.total_usage(frame),
        kp.catalog.diff_catalogs("2026-06", "2026-11-public-3"), kp.plan.read_plan(), kp.estimate(values["request"], 9),
        kp.catalog.Exchange(currency="CNY", rates=values["rates"]), kp.cost(values["cost.usage"], "kimi-k2"),
    ]  # fmt: skip
    return {type(one).__name__: one for one in made}


def subjects() -> dict[str, tuple[Callable[..., Any], dict[str, Any]]]:
    """Return what is called, with sound arguments as far as they are known."""
    values = sound()
    known = results(values)
    called = {}
    for group in (kp, *filter(inspect.ismodule, (getattr(kp, name) for name in kp.__all__))):
        for name in group.__all__ if group is not kp.plot else ():
            one = getattr(group, name)
            if inspect.isfunction(one) or hasattr(getattr(one, "__init__", None), "__wrapped__"):
                called[name] = one
    for kind, made in known.items():
        for name, member in inspect.getmembers(type(made)):
            if not name.startswith("_") and (
                inspect.isfunction(member) or inspect.ismethod(member)
            ):
                called[f"{kind}.{name}"] = getattr(made, name)
    return {name: (one, _arguments(name, one, values, known)) for name, one in called.items()}


def _arguments(
    name: str, called: Callable[..., Any], values: Mapping[str, Any], known: Mapping[str, Any]
) -> dict[str, Any]:
    arguments = {}
    asked = inspect.signature(called).parameters
    for key, one in asked.items():
        kind = str(getattr(one.annotation, "__forward_arg__", one.annotation)).partition(" |")[0]
        if f"{name}.{key}" in values:
            arguments[key] = values[f"{name}.{key}"]
        elif kind in known or key in values:
            arguments[key] = known[kind] if kind in known else values[key]
        elif one.default is not one.empty:
            arguments[key] = one.default
    if "workload" in arguments and asked["workload"].annotation in ("str", "str | None"):
        arguments["workload"] = "chat"
    return arguments


def fuzz_calls(calls: int, seed: int = 0, *, first: int = 0) -> Outcome:
    """Make calls in a folder of their own, and return what became of them."""
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), limited():
        whole = subjects()
        names = sorted(whole)
        for number in range(first, first + calls):
            chance = random.Random(f"{seed} {number}")  # noqa: S311 - the same every time
            name = names[number % len(names)]
            called, arguments = whole[name]
            drawn = chance.sample(list(arguments), min(len(arguments), chance.choice((1, 1, 2))))
            changed = {key: spoilt(chance, arguments[key]) for key in drawn}

            def answer(_: Path, called: Any = called, asked: Any = arguments | changed) -> None:
                _sound(called(**asked))

            with warnings.catch_warnings():
                warnings.simplefilter("error")
                fault = given(Reader(answer, (), ()), Path(), name, outcome)
            if fault is not None:
                outcome.faults.append(f"call {number}, {name}: {fault} {_told(changed)}")
    return outcome


def _sound(result: Any) -> None:
    """Raise if an amount of a result is endless or missing."""
    for value in result if isinstance(result, tuple | list) else [result]:
        if isinstance(value, float | Decimal) and not math.isfinite(value):
            raise ArithmeticError(f"a result is {value}")


def _told(changed: Mapping[str, Any]) -> str:
    def parts() -> Iterator[str]:
        for key, value in changed.items():
            with contextlib.suppress(Exception):
                yield f"{key}={value!r}"[:SHOWN].replace("\n", " ")

    return f"({', '.join(parts())})"


def main() -> None:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    asked = parser.parse_args()
    outcome = fuzz_calls(asked.calls, asked.seed, first=asked.first)
    print(f"{outcome.read.total():,} answered, {outcome.refused.total():,} refused")
    print(*outcome.faults, sep="\n")
    raise SystemExit(bool(outcome.faults))


if __name__ == "__main__":
    main()
