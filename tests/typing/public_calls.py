"""Calls as users write them, held against the types that they see; checked, never run."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import assert_type

import pandas as pd

import kimi_planner as kp

count: int = kp.count_tokens("text")
counts = kp.count_tokens_batch(["one", "two"])
prompt: int = kp.count_messages([{"role": "user", "content": "hi"}], model="kimi-k2")
reply: int = kp.tokens.count_completion("text", model="kimi-k2")
estimate = kp.estimate({"model": "kimi-k2", "messages": []}, completion_tokens=10)
cost = kp.cost({"prompt_tokens": 1, "completion_tokens": 2}, model="kimi-k2", as_of="2026-11-28")
assert_type(cost.total_usd, Decimal)

catalog = kp.load_catalog("2026-06")
assert_type(catalog.model("kimi-k2").id, str)
kp.load_catalog(Path("catalog.toml"))
assert_type(catalog.with_discount("0.1"), kp.catalog.Catalog)

workloads = kp.load_workloads("workloads.toml")
assert_type(workloads, list[kp.Workload])
workload = kp.Workload(
    name="chat",
    requests_per_day={"p10": 1, "p50": 2, "p90": 3},
    prompt_tokens=pd.Series([1, 2]),
    completion_tokens={"mean": 30, "sd": 3},
    needs=("tools",),
)
plan = kp.project(workloads, months=12, start="2027-01", models="kimi-k2", as_of=date(2026, 11, 28))
kp.project("workloads.toml")
kp.project(Path("workloads.toml"), models=["kimi-k2", "kimi-k2-5"])
assert_type(plan.quantile([0.1, 0.9]), pd.DataFrame)
fit = kp.context_fit(workload)
assert_type(fit.share("chat", "kimi-k2"), float)
choice = kp.recommend([workload], kp.choose.Requirements(needs=("vision",)), projection=plan)
assert_type(choice.best, dict[str, str])
booked = kp.plan.booked(plan, choice.best)

usage = kp.read_usage("usage.jsonl")
assert_type(usage, pd.DataFrame)
priced = kp.price_usage(usage, model="kimi-k2")
fitted: kp.Workload = kp.Workload.from_usage(usage, name="chat")
several: list[kp.Workload] = kp.Workload.from_usage(usage, by="model")
forecast = kp.forecast_spend(usage, "30 days")
assert_type(forecast.quantile(0.9), float)
assert_type(forecast.interval(0.8), tuple[float, float])
latest = kp.latest_estimate(usage, 9000, "month end")
assert_type(latest.quantile(0.9), float)
assert_type(latest.against("9000").chance, float)
totals = kp.usage.spend_by("logs/", by="model")

axes = kp.plot.spend_fan(plan, choice.best)
axes.set_title("Spend")
paths = kp.write_report(choice, "report", ["csv"])
