"""One bill: every result that states USD is the plan by meter, and the plan is a loop over its days."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planned import UNCERTAIN, as_planned, dated_catalog, log_of_plan

import kimi_planner as kp
from kimi_planner.checks.baseline import workload_entry
from kimi_planner.choose.success.tried import task_cost
from kimi_planner.forecast.rows import rows_of
from kimi_planner.plan import cap_risk, conversation
from kimi_planner.report.json_form import plan_json
from kimi_planner.report.tables import meters_table
from kimi_planner.report.xlsx.live import Live

AS_OF = date(2026, 6, 1)
MONTHS = ("2026-06", "2026-07", "2026-08")
MILLION = 1_000_000
#: USD for a million tokens, and for a call of a fee.
LIST = {
    "input": Fraction(2),
    "cached": Fraction("0.2"),
    "cache_write_5m": Fraction("2.5"),
    "cache_write_1h": Fraction(4),
    "output": Fraction(10),
}
BATCH, SEARCH = Fraction("0.6"), Fraction("0.005")
CUT = Fraction("0.8")
#: From a column of a log to the meter of its tokens; the rest of the prompt is input.
COLUMNS = {
    "cached_tokens": "cached",
    "written_5m_tokens": "cache_write_5m",
    "written_1h_tokens": "cache_write_1h",
    "completion_tokens": "output",
}

Bill = dict[str, Fraction]


def by_hand(row: dict, factor: Fraction) -> Bill:
    """Return what a row of a log costs by meter, its prices being a factor on the list."""
    tokens = {meter: Fraction(row[column]) for column, meter in COLUMNS.items()}
    tokens["input"] = Fraction(row["prompt_tokens"]) - sum(list(tokens.values())[:3])
    prefix, factor = ("batch_", factor * BATCH) if row["batch"] else ("", factor)
    usd = {prefix + meter: many * LIST[meter] * factor / MILLION for meter, many in tokens.items()}
    usd["fee: web search"] = Fraction(row["fee: web search"]) * SEARCH
    return {meter: amount for meter, amount in usd.items() if amount}


def loop(log: pd.DataFrame, cut: date | None) -> dict[str, Bill]:
    """Return what a log costs by month and meter, day by day."""
    bills: dict[str, Bill] = {month: defaultdict(Fraction) for month in MONTHS}
    for row in log.to_dict("records"):
        day = row["timestamp"].date()
        for meter, usd in by_hand(row, CUT if cut and day >= cut else Fraction(1)).items():
            bills[f"{day:%Y-%m}"][meter] += usd
    return bills


def added(bills: list[Bill]) -> Bill:
    sums: Bill = defaultdict(Fraction)
    for bill in bills:
        for meter, usd in bill.items():
            sums[meter] += Fraction(usd)
    return dict(sums)


def nonzero(bill):
    return {meter: usd for meter, usd in bill.items() if usd}


def in_rows(frame: pd.DataFrame) -> Bill:
    """Return what rows of FOCUS bill by meter."""
    return added(
        [
            {row["SkuPriceId"].split("/")[2]: Fraction(row["BilledCost"])}
            for row in frame.to_dict("records")
        ]
    )


def columns_of(bill: Bill) -> Bill:
    """Return a bill by the columns in which tables of logs state USD."""
    return added(
        [{"fees" if meter.startswith("fee:") else meter: usd} for meter, usd in bill.items()]
    )


def in_columns(frame: pd.DataFrame) -> Bill:
    """Return the sums of a table's columns of USD, those that are nothing left out."""
    sums = {name.removesuffix("_usd"): sum(map(Fraction, frame[name])) for name in frame.columns if name.endswith("_usd")}  # fmt: skip
    assert sums.pop("total") == sum(sums.values())
    return {name: usd for name, usd in sums.items() if usd}


def meters_of(row: dict, name: str) -> dict[str, float]:
    """Return what the columns ``{name}_{meter}_usd`` of a row state by meter."""
    keys = [key for key in row if key.startswith(f"{name}_") and key.endswith("_usd")]
    keys.remove(f"{name}_usd")
    return {key.removeprefix(f"{name}_").removesuffix("_usd"): row[key] for key in keys}


class CameTrue:
    """A quarter exactly as planned: its plan, its log, and what the days cost by hand."""

    def __init__(self, folder, drawn, *, cut):
        self.load, call = drawn
        self.call = {**call, "batch": self.load.batch}
        cuts = date(2026, 7, 16), date(2026, 8, 11) if cut else None
        changed = cuts[0] if self.load.price_changes else cuts[1]
        self.catalog = dated_catalog(folder, changed and str(changed), reasons=True)
        self.planned_on = (
            dated_catalog(folder, reasons=True) if self.load.price_changes else self.catalog
        )
        self.log = log_of_plan(self.load, 3, call)
        self.by_month = loop(self.log, changed)
        self.bill = added(list(self.by_month.values()))
        self.usd = sum(self.bill.values(), Fraction(0))
        self.plan = kp.project(
            self.load, 3, "2026-06", ["m"], AS_OF, n_paths=100, catalog=self.planned_on
        )
        self.in_june = sum(self.by_month["2026-06"].values(), Fraction(0))

    def asked(self, days=None):
        """Return how many requests are asked for, retries not counted."""
        retries = self.load.resolve().traffic.retries.as_number(Fraction)
        return Fraction(sum(self.log["requests"][:days])) / (1 + retries)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("bill")


quarters = given(drawn=as_planned(reasons=True), cut=st.booleans())
a_few = settings(max_examples=40, deadline=None)


def about(bill):
    return pytest.approx({meter: float(usd) for meter, usd in bill.items()}, rel=1e-9)


@a_few
@quarters
def test_a_plan_is_a_loop_over_its_days(folder, drawn, cut):
    """By month and meter, to the last digit."""
    true = CameTrue(folder, drawn, cut=cut)
    spend = true.plan.of("m")
    for place, month in enumerate(MONTHS):
        by_hand = true.by_month[month]
        assert {meter: usd[place] for meter, usd in spend.bill if usd[place]} == by_hand
        assert Fraction(spend.exact_usd[place]) == sum(by_hand.values())
    assert true.plan.by_meter().groupby("meter").usd.sum().to_dict() == about(true.bill)


@a_few
@quarters
def test_a_log_costs_what_its_days_cost(folder, drawn, cut):
    """In every table of a log, for a bill, and against the plan that it makes true."""
    true = CameTrue(folder, drawn, cut=cut)
    log, catalog = true.log, true.catalog
    assert in_columns(kp.price_usage(log, catalog=catalog)) == columns_of(true.bill)
    assert in_columns(kp.usage.spend_by(log, "month", catalog=catalog)) == columns_of(true.bill)
    cost = kp.usage.total_cost(log, "m", catalog=catalog)
    assert {meter: Fraction(usd) for meter, usd in cost.usd.items() if usd} == true.bill
    assert rows_of(log, None, catalog).amounts.sum() == pytest.approx(float(true.usd), rel=1e-12)
    rows = kp.report.focus_usage(log, by="day", catalog=catalog)
    assert in_rows(rows) == true.bill
    assert {row["ChargePeriodStart"][:7] for row in rows.to_dict("records")} <= set(MONTHS)
    difference = kp.report.reconcile(true.plan, log, catalog=catalog)
    assert set(difference.frame["usd"]) <= {0}
    assert Fraction(difference.planned_usd) == Fraction(difference.actual_usd) == true.usd


@a_few
@quarters
def test_what_is_written_of_a_plan_is_the_plan(folder, drawn, cut):
    """FOCUS, whose rows are millionths of a dollar, JSON, the workbook, the page, a baseline."""
    true = CameTrue(folder, drawn, cut=cut)
    found = in_rows(kp.report.focus_forecast(true.plan, "m"))
    assert sum(found.values()) == true.usd
    assert all(abs(found[meter] - usd) < 3 * 6e-6 for meter, usd in true.bill.items())
    entry = workload_entry(true.plan, "w.toml", "w")
    assert {meter: Fraction(usd) for meter, usd in entry.usd.items()} == true.bill
    assert Fraction(entry.mean_usd) == true.usd
    advice = kp.recommend(
        true.load, months=3, start="2026-06", as_of=AS_OF, n_paths=100, catalog=true.planned_on
    )
    written = [row["bill_usd"] for row in json.loads(plan_json(advice))["spend"]]
    assert nonzero(added(written)) == true.bill
    live = Live(advice)
    usd = live.lines["w", "m"].usd
    assert nonzero({meter: part.sum() for meter, part in usd.items()}) == about(true.bill)
    starts = np.array([f"{period.first:%Y-%m}" for period in live.periods])
    for month in MONTHS:
        parts = {meter: part[starts == month].sum() for meter, part in usd.items()}
        assert nonzero(parts) == about(true.by_month[month])
    table = meters_table(advice)
    (row,) = table.rows
    shown = [float(cell.replace(",", "").removeprefix("$")) for cell in row[2:]]
    assert shown[-1] == pytest.approx(float(true.usd / 3), abs=0.006)


@a_few
@quarters
def test_a_call_a_conversation_and_a_task_cost_their_share(folder, drawn, cut):
    """Of the first month, whose prices they have, or of all, by what they say they are."""
    true = CameTrue(folder, drawn, cut=cut)
    load, plan, catalog = true.load, true.plan, true.planned_on
    turns = load.resolve().sizes.turns.as_number(Fraction)
    conversations = true.asked(30) / turns
    followed = conversation(load, "m", as_of=AS_OF, catalog=catalog)
    assert followed.mean_usd * float(conversations) == pytest.approx(float(true.in_june), rel=1e-9)
    [row] = followed.policies.query("policy == @followed.policy").to_dict("records")
    by_meter = {meter: usd * float(conversations) for meter, usd in meters_of(row, "mean").items()}
    assert nonzero(by_meter) == about(true.by_month["2026-06"])

    costs = kp.choose.cost_per_request(load, "m", projection=plan)
    assert any("Prices are those of" in said for said in costs.notes)
    one = costs.of("w", "m")
    assert sum(Fraction(part.cost_usd) for part in one.parts) == Fraction(one.total_usd)
    a_call = true.in_june / Fraction(sum(true.log["requests"][:30]))
    assert abs(Fraction(one.total_usd) - a_call) < Fraction(1, 10**15)

    assert task_cost(load, plan.specs[0], plan).exact_usd == true.usd / (true.asked() / turns)

    [risk] = cap_risk(load, "m", catalog=catalog).frame.to_dict("records")
    if cap := load.max_tokens:
        empty = by_hand({**true.call, "completion_tokens": cap}, Fraction(1))
        assert risk["empty_answer_usd"] == pytest.approx(float(sum(empty.values())), rel=1e-12)
        assert meters_of(risk, "empty_answer") == about(empty)
        assert sum(meters_of(risk, "empty_answer").values()) == pytest.approx(
            risk["empty_answer_usd"], rel=1e-12
        )


@a_few
@quarters
def test_a_forecast_keeps_the_proportions_of_its_log(folder, drawn, cut):
    """What was observed is the log's bill to the last digit; what is ahead of it, a factor on that."""
    true = CameTrue(folder, drawn, cut=cut)
    if not true.usd:
        with pytest.raises(kp.errors.TooLittleUsageError, match="no spend"):
            kp.forecast_spend(true.log, "30 days", as_of=AS_OF, catalog=true.catalog)
        return
    ahead = kp.forecast_spend(true.log, "30 days", as_of=AS_OF, catalog=true.catalog)
    seen = {meter: Fraction(usd) for meter, usd in ahead.bill}
    assert nonzero(seen) == true.bill
    factor = Fraction(ahead.mean) / true.usd
    found = ahead.by_meter().set_index("meter")["usd"]
    assert found.to_dict() == about({meter: usd * factor for meter, usd in true.bill.items()})
    assert found.sum() == pytest.approx(ahead.mean, rel=1e-12)


@a_few
@quarters
def test_a_portfolio_is_the_loops_of_its_workloads(folder, drawn, cut):
    """By workload, month and meter to the last digit, and all together."""
    true = CameTrue(folder, drawn, cut=cut)
    loads = [true.load, replace(true.load, name="v")]
    tried = pd.DataFrame({"workload": ["w", "v"], "model": "m", "successes": 8, "trials": 10})
    found = kp.choose.portfolio(
        loads, 10**9, evaluations=kp.choose.read_evaluations(tried), months=3, start="2026-06",
        models=["m"], as_of=AS_OF, n_paths=100, catalog=true.planned_on,
        requirements=kp.choose.Requirements(min_answer_share=0),
    )  # fmt: skip
    by_hand = {
        (name, "m", month, meter): float(usd)
        for name in ("w", "v")
        for month in MONTHS
        for meter, usd in true.by_month[month].items()
    }
    keys = ["workload", "model", "month", "meter"]
    assert nonzero(found.by_meter().set_index(keys)["usd"].to_dict()) == by_hand
    for place, month in enumerate(MONTHS):
        together = {meter: usd[place] for meter, usd in found.spend.bill if usd[place]}
        assert together == {meter: 2 * usd for meter, usd in true.by_month[month].items()}


@settings(max_examples=25, deadline=None)
@given(drawn=as_planned(reasons=True), name=st.sampled_from([*UNCERTAIN]))
def test_uncertain_numbers_have_one_bill_too(folder, drawn, name):
    """Meters sum to the mean of the scenarios, and keep the proportions that a call has."""
    load, call = drawn
    load = replace(load, **{name: UNCERTAIN[name]}, price_changes=())
    catalog = dated_catalog(folder, reasons=True)
    plan = kp.project(load, 2, "2026-06", ["m"], AS_OF, n_paths=200, catalog=catalog)
    spend = plan.of("m")
    bill = {meter: sum(map(float, usd)) for meter, usd in spend.bill}
    assert sum(bill.values()) == pytest.approx(plan.frame["mean_usd"].sum(), rel=1e-12)
    assert sum(bill.values()) == pytest.approx(spend.usd.mean(axis=1).sum(), rel=1e-4)
    by_call = by_hand({**call, "batch": load.batch}, Fraction(1))
    calls = float(sum(spend.requests))
    if name not in ("cached_share", "completion_tokens"):  # which change what a call costs
        assert nonzero(bill) == about({meter: usd * calls for meter, usd in by_call.items()})


def test_a_conversation_with_cache_writes_and_searches():
    """Two calls of 10,300: 3,090 cached, 1,030 input, 6,180 written, 500 output and a search each."""
    load = kp.Workload(
        name="w",
        requests_per_day=100,
        prompt_tokens=10_000,
        completion_tokens=500,
        cached_share=Decimal("0.3"),
        written_share={"one_hour": Decimal("0.6")},
        fees_per_request={"web search": 1},
        turns=2,
        followup_tokens=100,
    )
    found = conversation(load, "kimi-k3.1-pro", catalog="2026-11-public")
    assert found.mean_usd == pytest.approx(0.074796, rel=1e-12)
    plan = kp.project(load, 1, "2026-12", "kimi-k3.1-pro", catalog="2026-11-public")
    assert plan.of("kimi-k3.1-pro").exact_usd == (Decimal("0.074796") * 1_550,)
    rows = kp.report.focus_forecast(plan, "kimi-k3.1-pro")
    assert rows["BilledCost"].tolist() == rows["ListCost"].tolist()
    assert in_rows(rows)["output"] == Decimal("15.5")
