"""Planned against actual: the parts add up exactly, and each cause gets what it caused."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planned import as_planned, dated_catalog, log_of_plan

from kimi_planner import Workload, project, recommend
from kimi_planner.billing.meters import ByMeter, Usage
from kimi_planner.errors import KimiPlannerError, PriceNotFoundError, SettingError, UsageError
from kimi_planner.files import data_dir
from kimi_planner.money import decimal_of, exact_parts
from kimi_planner.reconcile.billed import Billed
from kimi_planner.reconcile.causes import (
    CAUSES,
    Factors,
    difference,
    factors_of,
    keys_of,
    prices_of,
    shape_of,
    shapley,
    spend_of,
)
from kimi_planner.report import reconcile
from kimi_planner.report.json_form import plan_json
from kimi_planner.report.reconciled import reconciliation_text
from kimi_planner.usage import total_usage

AS_OF = date(2026, 6, 1)
INPUT, OUTPUT = Decimal("1.20"), Decimal("3.60")  # kimi-k2 on the card, USD a million
small = st.fractions(0, 10, max_denominator=50)
shares = st.fractions(0, 1, max_denominator=20)


@st.composite
def factors(draw: st.DrawFn) -> Factors:
    """Draw the factors of a workload on a model."""
    parts = [draw(small) for _ in range(4)]
    tokens = {"cached": parts[0], "written_5m": parts[1], "written_1h": parts[2]}
    answer, reasoning = draw(small), draw(small)
    calls = {
        "prompt": sum(parts),
        "completion": answer + reasoning,
        "reasoning": reasoning,
        "requests": draw(small) + 1,
        **tokens,
    }
    plain = Usage.of(**calls, fees={"web search": draw(small)})  # type: ignore[arg-type]
    usage = plain + Usage.of(**calls, batch=True) * draw(small)  # type: ignore[arg-type]
    shape = shape_of(usage)
    keys = [*keys_of(shape_of(Usage.of(1, 1, batch=True))), "fee: web search"]
    prices = [{key: draw(small) for key in keys} for _ in range(2)]
    return factors_of(shape, draw(small), draw(shares), *prices)


@settings(max_examples=50, deadline=None)
@given(factors=factors(), usage=st.data())
def test_factors_are_the_usage_at_its_prices(factors: Factors, usage: st.DataObject) -> None:
    """Taken apart into factors and multiplied again, a usage costs what its meters cost."""
    parts = usage.draw(st.lists(st.integers(0, 99), min_size=14, max_size=14))
    whole = Usage.of(
        sum(parts[:4]), sum(parts[4:6]), cached=parts[1], written_5m=parts[2], written_1h=parts[3],
        reasoning=parts[5], requests=parts[6] + 1, fees={"web search": parts[7]},
    ) + Usage.of(
        sum(parts[8:12]), parts[12], cached=parts[9], written_5m=parts[10], written_1h=parts[11],
        requests=parts[13], batch=True,
    )  # fmt: skip
    prices = factors["planned price change"]
    nothing = dict.fromkeys(prices, Fraction(0))
    again = factors_of(shape_of(whole), whole.requests, Fraction(1), prices, nothing)
    assert spend_of(again) == sum(amount * prices[key] for key, amount in whole)


@settings(max_examples=10, deadline=None)
@given(planned=factors(), actual=factors())
def test_parts_add_up_and_swap_their_signs(planned: Factors, actual: Factors) -> None:
    """The parts are the whole difference, as fractions; from log to plan they are the negatives."""
    parts = shapley(planned, actual)
    assert tuple(parts) == CAUSES
    assert sum(parts.values()) == spend_of(actual) - spend_of(planned)
    back = shapley(actual, planned)
    assert back == {name: -part for name, part in parts.items()}


@settings(max_examples=10, deadline=None)
@given(planned=factors(), actual=factors(), names=st.permutations(CAUSES))
def test_parts_are_the_mean_over_all_orders(
    planned: Factors, actual: Factors, names: list[str]
) -> None:
    """Replacing four factors in each of their 24 orders and averaging gives the same parts."""
    chosen = names[:4]
    after = {**planned, **{name: actual[name] for name in chosen}}
    sums = dict.fromkeys(CAUSES, Fraction(0))
    for order in permutations(chosen):
        now = planned
        for name in order:
            step = {**now, name: after[name]}
            sums[name] += Fraction(1, 24) * (spend_of(step) - spend_of(now))
            now = step
    assert shapley(planned, after) == sums


@settings(max_examples=20, deadline=None)
@given(planned=factors(), actual=factors(), name=st.sampled_from(CAUSES))
def test_one_change_is_one_cause(planned: Factors, actual: Factors, name: str) -> None:
    """If only one factor changed, the whole difference is its own; without change all is zero."""
    assert set(shapley(planned, planned).values()) == {0}
    after = {**planned, name: actual[name]}
    parts = shapley(planned, after)
    assert parts == {**dict.fromkeys(CAUSES, 0), name: spend_of(after) - spend_of(planned)}


@settings(max_examples=100, deadline=None)
@given(
    parts=st.lists(st.fractions(-9, 9, max_denominator=999), min_size=1, max_size=7),
    whole=st.decimals(-9, 9, places=15),
)
def test_rounded_parts_still_add_up(parts: list[Fraction], whole: Decimal) -> None:
    """Parts become decimals that add up to the last digit, each within a unit, signs mirrored."""
    named = {str(n): part for n, part in enumerate(parts)}
    named["rest"] = Fraction(whole) - sum(parts)
    found = exact_parts(named)
    assert sum(map(Fraction, found.values())) == Fraction(whole)
    for name, amount in found.items():
        assert abs(Fraction(amount) - named[name]) <= Fraction(1, 10**12)
    mirrored = exact_parts({name: -part for name, part in named.items()})
    assert mirrored == {name: -amount for name, amount in found.items()}


def test_decimals_without_an_end_are_told() -> None:
    """A fraction is a decimal only if its denominator has no other prime than 2 and 5."""
    assert decimal_of(Fraction(3, 40)) == Decimal("0.075")
    assert str(decimal_of(Fraction(1_200))) == "1200"
    assert decimal_of(Fraction(1, 3)) is None


def workload(name: str = "chat", **changed: object) -> Workload:
    """Return a workload of plain numbers: 100 calls a day of 1,000 and 200 tokens."""
    given = {"requests_per_day": 100, "prompt_tokens": 1_000, "completion_tokens": 200}
    return Workload(name=name, **{**given, **changed})  # type: ignore[arg-type]


def plan(*workloads: Workload, months: int = 1, **options: object):
    """Project from June 2026."""
    return project(workloads, months=months, start="2026-06", as_of=AS_OF, n_paths=100, **options)


def served(
    calls: int = 3_000,
    prompt: int = 1_000,
    completion: int = 200,
    model: str | None = "kimi-k2",
    month: int = 6,
    **columns: object,
) -> pd.DataFrame:
    """Return a log of a whole month, two rows, as totals of calls of one size."""
    halves = [calls // 2, calls - calls // 2]
    frame = pd.DataFrame(
        {
            "timestamp": [f"2026-{month:02}-01T00:00:00Z", f"2026-{month:02}-{28 + 2 * (month != 2)}T23:00:00Z"],
            "model": model,
            "requests": halves,
            "prompt_tokens": [half * prompt for half in halves],
            "completion_tokens": [half * completion for half in halves],
            **{name: [half * value for half in halves] if type(value) is int else value for name, value in columns.items()},
        }
    )  # fmt: skip
    return frame[frame["requests"] > 0]


def causes(found) -> dict[str, Decimal]:
    """Return the parts that are not zero, over all months and workloads."""
    sums = found.frame.groupby("cause", sort=False)["usd"].sum()
    assert sum(sums) == found.difference_usd == found.actual_usd - found.planned_usd
    return {cause: usd for cause, usd in sums.items() if usd}


def test_a_month_as_planned_has_no_parts() -> None:
    """The log of exactly what was planned differs in nothing, to the last digit."""
    found = reconcile(plan(workload()), served(), choice="kimi-k2")
    assert causes(found) == {}
    assert found.planned_usd == found.actual_usd == 3_000 * (INPUT * 1_000 + OUTPUT * 200) / 10**6
    assert set(found.frame["cause"]) == set(CAUSES)


CALL = (INPUT * 1_000 + OUTPUT * 200) / 10**6
CHANGES = {
    "traffic": (served(calls=4_500), {"traffic": 1_500 * CALL}),
    "prompt": (served(prompt=1_500), {"prompt tokens": 3_000 * INPUT * 500 / 10**6}),
    "answer": (served(completion=150), {"answer tokens": -3_000 * OUTPUT * 50 / 10**6}),
    "model": (
        served(model="kimi-k2-5"),
        {"model mix": 3_000 * (Decimal("1.30") * 1_000 + Decimal("3.90") * 200) / 10**6},
    ),
    "traffic and prompt": (  # each half of the joint change
        served(calls=6_000, prompt=2_000),
        {
            "traffic": 3_000 * (INPUT * 1_500 + OUTPUT * 200) / 10**6,
            "prompt tokens": 4_500 * INPUT * 1_000 / 10**6,
        },
    ),
}


@pytest.mark.parametrize(("log", "expected"), CHANGES.values(), ids=CHANGES.keys())
def test_a_change_is_found_by_hand(log: pd.DataFrame, expected: dict[str, Decimal]) -> None:
    """Changes whose parts can be computed by hand are found to the last digit."""
    assert causes(reconcile(plan(workload()), log, choice="kimi-k2")) == expected


def own_catalog(folder: Path, **prices: str) -> Path:
    """Write the shipped catalog with other prices of `kimi-k2`."""
    text = (data_dir() / "catalogs" / "2026-06.toml").read_text(encoding="utf-8")
    head, mark, tail = text.partition('id = "kimi-k2"\n')
    for name, price in prices.items():
        if name == "cached_input":
            tail = tail.replace(
                '"input_usd_per_mtok"', '"input_usd_per_mtok", "cached_input_usd_per_mtok"', 1
            )
            mark += f'cached_input_usd_per_mtok = "{price}"\n'
        else:
            start = tail.index(f"{name}_usd_per_mtok = ")
            tail = (
                tail[:start] + f'{name}_usd_per_mtok = "{price}"' + tail[tail.index("\n", start) :]
            )
    path = folder / "own.toml"
    path.write_text(head + mark + tail, encoding="utf-8")
    return path  # fmt: skip


def test_a_price_change_is_price_alone(tmp_path: Path) -> None:
    """With the same calls and another catalog, the whole difference is price that nobody planned."""
    dearer = own_catalog(tmp_path, input="2.00")
    found = reconcile(plan(workload()), served(), choice="kimi-k2", catalog=dearer)
    assert causes(found) == {"unplanned price": 3_000 * (Decimal(2) - INPUT) * 1_000 / 10**6}
    back = reconcile(plan(workload(), catalog=dearer), served(), choice="kimi-k2")
    assert causes(back) == {"unplanned price": -3_000 * (Decimal(2) - INPUT) * 1_000 / 10**6}


def test_cache_is_a_cause_where_it_has_a_price(tmp_path: Path) -> None:
    """More cached tokens than planned save the difference of the two prices."""
    catalog = own_catalog(tmp_path, cached_input="0.20")
    planned = plan(workload(cached_share=0.25), catalog=catalog)
    found = reconcile(planned, served(cached_tokens=750), choice="kimi-k2", catalog=catalog)
    assert causes(found) == {"cache": -3_000 * (INPUT - Decimal("0.20")) * 500 / 10**6}
    silent = reconcile(planned, served(), choice="kimi-k2", catalog=catalog)
    assert set(causes(silent)) == {"cache"}
    assert any("2 of 2 rows do not state cached tokens" in note for note in silent.notes)


def test_reasoning_is_split_where_the_log_states_it() -> None:
    """Reasoning has a part of its own if every row states it, and is said to be joined if not."""
    planned = plan(workload(reasoning_tokens=300))
    model = "kimi-k2-5-thinking"
    more = served(completion=900, model=model, reasoning_tokens=700)
    found = reconcile(planned, more, choice=model)
    assert causes(found) == {"reasoning tokens": 3_000 * Decimal("10.50") * 400 / 10**6}
    joined = reconcile(planned, more.drop(columns="reasoning_tokens"), choice=model)
    assert causes(joined) == {"answer tokens": 3_000 * Decimal("10.50") * 400 / 10**6}
    assert any("chat do not state reasoning tokens" in note for note in joined.notes)


def test_a_model_that_was_not_chosen_is_sized_by_the_plan() -> None:
    """Traffic that moves to a model that thinks is mix, with the reasoning planned for it."""
    planned = plan(workload(reasoning_tokens=300))
    log = pd.concat(
        [
            served(calls=1_500, reasoning_tokens=0),
            served(calls=1_500, completion=500, model="kimi-k2-5-thinking", reasoning_tokens=300),
        ]
    )
    thinking = (Decimal("3.50") * 1_000 + Decimal("10.50") * 500) / 10**6
    found = reconcile(planned, log, choice="kimi-k2")
    assert causes(found) == {"model mix": 1_500 * (thinking - CALL)}


def test_a_model_that_got_no_calls_is_sized_by_the_others() -> None:
    """Calls on the chosen model are taken to have grown as the others did; it still does not think."""
    planned = plan(workload(reasoning_tokens=300))
    log = served(prompt=1_500, completion=900, model="kimi-k2-5-thinking", reasoning_tokens=700)
    found = causes(reconcile(planned, log, choice="kimi-k2"))
    of_input, of_output = Decimal("3.50"), Decimal("10.50")
    mean_prompt, mean_thought = 1_250, 500  # of planned and actual
    assert found == {
        "model mix": 3_000
        * ((of_input - INPUT) * mean_prompt + (of_output - OUTPUT) * 200 + of_output * mean_thought)
        / 10**6,
        "prompt tokens": 3_000 * 500 * (of_input + INPUT) / 2 / 10**6,
        "reasoning tokens": 3_000 * 400 * of_output / 2 / 10**6,
    }
    only = plan(workload(), models="kimi-k2")  # says nothing for another model
    other = causes(reconcile(only, served(prompt=1_500, model="kimi-k2-5")))
    assert other == {
        "model mix": 3_000 * (Decimal("1.30") * mean_prompt + Decimal("3.90") * 200) / 10**6,
        "prompt tokens": 3_000 * 500 * (Decimal("2.50") + INPUT) / 2 / 10**6,
    }


def test_nothing_planned_or_seen_is_dropped() -> None:
    """A workload of one side only is a row of its own, with its whole amount."""
    log = pd.concat(
        [
            served(tag="chat"),
            served(calls=10, tag="surprise"),
            served(calls=20, tag=None),
        ]
    )
    planned = plan(workload(), workload("idle"), models="kimi-k2")
    found = reconcile(planned, log, workload="tag")
    months = found.months.set_index("workload")
    assert months["difference_usd"].to_dict() == {
        "chat": 0,
        "idle": -3_000 * CALL,
        "surprise": 10 * CALL,
        "(not stated)": 20 * CALL,
    }
    rows = found.frame[found.frame["usd"] != 0].set_index("workload")
    assert rows["cause"].to_dict() == {
        "idle": "not seen",
        "surprise": "unplanned",
        "(not stated)": "unplanned",
    }
    assert "Calls that belong to no workload stand as (not stated)." in found.notes
    summary = found.summary().set_index("workload")
    assert summary.loc["all", "not_seen_usd"] == -3_000 * CALL
    assert summary.loc["all", "difference_usd"] == found.difference_usd
    assert "batch_usd" not in summary


def test_workloads_are_told_by_model() -> None:
    """A mapping from model to workload stands for a column."""
    log = pd.concat([served(), served(model="kimi-k2-5"), served(model="kimi-k2-instruct")])
    planned = plan(workload("a"), workload("b"))
    found = reconcile(
        planned,
        log,
        choice={"a": "kimi-k2", "b": "kimi-k2-5"},
        workload={"kimi-k2": "a", "kimi-k2-5": "b"},
    )
    assert set(causes(found)) == {"unplanned"}
    assert found.months["workload"].tolist() == ["a", "b", "(not stated)"]


def test_the_model_may_be_the_workload() -> None:
    """A log that names its workloads where others name the model is priced as the model given."""
    planned = plan(workload("kimi-k2"), workload("idle"), models="kimi-k2")
    for model in (None, "kimi-k2"):
        found = reconcile(planned, served(), workload="model", model=model)
        assert causes(found) == {"not seen": -3_000 * CALL}


def test_months_that_are_covered_in_part_are_said() -> None:
    """The plan is scaled only when asked, and months outside of the log are named, not compared."""
    planned = plan(workload(), months=3)
    log = pd.concat([served(), served(calls=1_000, month=7)])
    log["timestamp"] = log["timestamp"].replace("2026-07-30T23:00:00Z", "2026-07-10T23:00:00Z")
    found = reconcile(planned, log, choice="kimi-k2")
    assert found.notes[:2] == (
        "The log covers 10 of the 31 days of 2026-07; the plan is not scaled to them.",
        "Planned months that the log does not cover are not compared: 2026-08, 5.95 USD.",
    )
    assert causes(found) == {"traffic": -2_100 * CALL}
    scaled = reconcile(planned, log, choice="kimi-k2", pro_rata=True)
    assert scaled.months["covered_share"].tolist() == [1.0, 10 / 31]
    assert causes(scaled) == {}
    kept = reconcile(planned, log, choice="kimi-k2", end=date(2026, 9, 1))
    assert causes(kept) == {"traffic": -2_100 * CALL, "not seen": -3_100 * CALL}
    early = reconcile(planned, served(month=5), choice="kimi-k2", end=date(2026, 6, 16))
    assert "15 of the 30 days of 2026-06" in early.notes[0]
    assert set(causes(early)) == {"unplanned", "not seen"}


def test_every_form_of_plan_and_log_agrees(tmp_path: Path) -> None:
    """Projection, JSON and CSV; frame, file, folder and totals give the same parts."""
    workloads = [workload(), workload("drafts", requests_per_day=50, growth_per_month=0.1)]
    chosen = recommend(workloads, months=2, start="2026-06", as_of=AS_OF, n_paths=100)
    log = pd.concat([served(calls=3_333, tag="chat"), served(prompt=777, tag="drafts", month=7)])
    as_json, as_csv = tmp_path / "plan.json", tmp_path / "plan.csv"
    as_json.write_text(plan_json(chosen), encoding="utf-8")
    chosen.projection.frame.to_csv(as_csv, index=False)
    folder = tmp_path / "logs"
    folder.mkdir()
    log.to_csv(folder / "log.csv", index=False)
    wanted = reconcile(chosen.projection, log, choice=chosen.best, workload="tag")
    assert set(wanted.frame["usd"].map(bool)) == {True, False}
    for planned in (chosen.projection, as_json, as_csv):
        choice = None if planned is as_json else chosen.best
        for actual in (folder, folder / "log.csv", total_usage(log, ["model", "tag", "month"])):
            found = reconcile(planned, actual, choice=choice, workload="tag")
            pd.testing.assert_frame_equal(found.frame, wanted.frame)
            assert found.summary().equals(wanted.summary())
    assert "csv does not say which catalog" in " ".join(
        reconcile(as_csv, log, choice=chosen.best, workload="tag").notes
    )


@settings(max_examples=25, deadline=None)
@given(drawn=as_planned(), cut=st.booleans())
def test_a_plan_that_comes_true_is_zero_in_every_cause(
    tmp_path_factory: pytest.TempPathFactory,
    drawn: tuple[Workload, dict[str, Fraction]],
    cut: bool,
) -> None:
    """A quarter exactly as planned, also where prices change on the way, differs in nothing at all."""
    folder = tmp_path_factory.mktemp("true")
    load, call = drawn
    planned_cut = world_cut = "2026-08-11" if cut else None
    if load.price_changes:
        planned_cut, world_cut = None, "2026-07-16"
    planned = project(
        load, 3, "2026-06", ["m"], AS_OF, n_paths=100, catalog=dated_catalog(folder, planned_cut)
    )
    found = reconcile(planned, log_of_plan(load, 3, call), catalog=dated_catalog(folder, world_cut))
    assert set(found.frame["usd"]) <= {0}
    assert found.planned_usd == found.actual_usd == sum(planned.of("m").exact_usd or ())


def searching(**changed: object) -> Workload:
    """Return 100 calls a day of two turns with cache writes and a search each, plain numbers."""
    given = {
        "requests_per_day": 100,
        "prompt_tokens": 10_000,
        "completion_tokens": 500,
        "written_share": {"one_hour": Decimal("0.6")},
        "fees_per_request": {"web search": 1},
        "turns": 2,
        "followup_tokens": 100,
    }
    return Workload(name="w", **{**given, **changed})  # type: ignore[arg-type]


def searched(calls: int = 3_000, **changed: object) -> pd.DataFrame:
    """Return a June of such calls: a prompt of 10,300, of which 6,180 are written."""
    usual = {"written_1h_tokens": 6_180, "cached_tokens": 0, "reasoning_tokens": 0}
    columns: dict[str, object] = {**usual, "fee: web search": 1, **changed}
    return served(calls, 10_300, 500, "m", **columns)  # type: ignore[arg-type]


SEARCHED = Decimal("0.04296")  # USD: 4,120 input, 6,180 written, 500 output, one search
BEYOND = {
    "nothing": (searched(), {}),
    "twice the traffic": (searched(6_000), {"traffic": 3_000 * SEARCHED}),
    "no writes": (searched(written_1h_tokens=0), {"cache writes": -3_000 * 2 * Decimal("0.00618")}),
    "three searches": (
        searched(**{"fee: web search": 3}),
        {"fees": 3_000 * 2 * Decimal("0.005")},
    ),
    "a batch": (
        searched(batch=True),
        {"batch": -3_000 * (SEARCHED - Decimal("0.005")) * Decimal("0.4")},
    ),
    "a cache": (
        searched(cached_tokens=1_000),
        {"cache": -3_000 * Decimal("1.8") * Decimal("0.001")},
    ),
}


@pytest.mark.parametrize(("log", "expected"), BEYOND.values(), ids=BEYOND.keys())
def test_writes_fees_and_batches_are_causes(
    tmp_path: Path, log: pd.DataFrame, expected: dict[str, Decimal]
) -> None:
    """What is beyond prompts and answers is planned by meter, and differs for its own reason alone."""
    catalog = dated_catalog(tmp_path)
    planned = plan(searching(), catalog=catalog)
    found = reconcile(planned, log, catalog=catalog)
    assert found.planned_usd == 3_000 * SEARCHED
    assert causes(found) == expected


CHANGE = {"price_changes": [{"date": "2026-06-01", "factor": 0.8}]}
TOKENS = SEARCHED - Decimal("0.005")
CAME = {
    "it did not come": (None, {"planned price change": 3_000 * TOKENS / 5}),
    "it came": ("2026-06-01", {}),
    "it came in the middle of the month": (
        "2026-06-16",
        {"planned price change": 3_000 * TOKENS / 10},
    ),
}


@pytest.mark.parametrize(("cut", "expected"), CAME.values(), ids=CAME.keys())
def test_a_planned_price_change_is_a_cause_as_far_as_it_did_not_come(
    tmp_path: Path, cut: str | None, expected: dict[str, Decimal]
) -> None:
    """A fifth less from June on was planned: what of it did not come has one name, in a file too."""
    catalog = dated_catalog(tmp_path)
    load = searching(**CHANGE)
    file = tmp_path / "plan.json"
    chosen = recommend([load], months=1, start="2026-06", as_of=AS_OF, n_paths=100, catalog=catalog)
    file.write_text(plan_json(chosen), encoding="utf-8")
    for planned in (chosen.projection, file):
        found = reconcile(
            planned,
            searched(),
            choice="m",
            catalog=dated_catalog(tmp_path, cut),
            planned_catalog=catalog,
        )
        assert causes(found) == expected


def test_a_price_that_fell_further_than_planned_is_unplanned_beyond(tmp_path: Path) -> None:
    """Planned are 10% less, 20% come: nothing of the plan stayed out, and the rest was not planned."""
    catalog = dated_catalog(tmp_path)
    load = searching(price_changes=[{"date": "2026-06-01", "factor": 0.9}])
    found = reconcile(
        plan(load, catalog=catalog), searched(), catalog=dated_catalog(tmp_path, "2026-06-01")
    )
    assert causes(found) == {"unplanned price": -3_000 * TOKENS / 10}


def test_a_meter_that_the_plan_did_not_use_has_the_price_it_would_have_had(tmp_path: Path) -> None:
    """Where a planned cut came, caching that nobody planned is cache alone, at the cut price."""
    load = workload(**CHANGE, fees_per_request={"web search": 1})
    planned = plan(load, catalog=dated_catalog(tmp_path))
    log = served(model="m", cached_tokens=500, **{"fee: web search": 1})
    found = reconcile(planned, log, catalog=dated_catalog(tmp_path, "2026-06-01"))
    assert causes(found) == {"cache": -3_000 * 500 * Decimal("1.44") / 10**6}


def test_an_uncertain_plan_that_comes_true_is_zero_in_every_cause(tmp_path: Path) -> None:
    """Answers that differ from call to call and uncertain growth: what is expected has no parts."""
    catalog = dated_catalog(tmp_path)
    planned = plan(
        searching(
            growth_per_month={"p10": 0.01, "p50": 0.03, "p90": 0.06},
            completion_tokens={"mean": 500, "sd": 100},
        ),
        catalog=catalog,
    )
    month = planned.of("m")
    assert not month.is_exact
    found = reconcile(planned, searched(), catalog=catalog)
    assert causes(found) == {}
    assert found.planned_usd == 3_000 * SEARCHED
    assert float(month.mean()[0]) == pytest.approx(float(found.planned_usd), rel=1e-12)


def test_a_meter_that_neither_used_has_the_price_of_its_twin() -> None:
    """Input in a batch here, cached input outside of one there: what lies between has a price."""
    batched, cached = (
        Billed.of(usage, ByMeter(bill), ByMeter(bill))
        for usage, bill in (
            (Usage.of(10, 0, batch=True), {"batch_input": Decimal(6)}),
            (Usage.of(10, 0, cached=10), {"cached": Decimal(1)}),
        )
    )
    prices = prices_of(batched, cached, ["input", "cached", "batch_input", "batch_cached"])[0]
    dear, cheap = Fraction(6, 10), Fraction(1, 10)
    assert prices == {"input": dear, "cached": cheap, "batch_input": dear, "batch_cached": cheap}
    parts = difference(batched, cached)
    assert sum(parts.values()) == -5
    assert {cause for cause, part in parts.items() if part} == {"cache"}


def uncertain(name: str) -> Workload:
    """Return a workload that is planned with a range."""
    return workload(name, requests_per_day={"p10": 80, "p50": 100, "p90": 130})


def test_the_actual_is_placed_in_the_range_of_the_plan(tmp_path: Path) -> None:
    """Each month, workload and all together lie inside P10 to P90 or not; a file says the same."""
    chosen = recommend(
        [uncertain("a"), uncertain("b")], months=3, start="2026-06", as_of=AS_OF, n_paths=500,
        models="kimi-k2",
    )  # fmt: skip
    file = tmp_path / "plan.json"
    file.write_text(plan_json(chosen), encoding="utf-8")
    logs = [
        served(calls=int(30 * a), tag=name, month=month)
        for name, sizes in (("a", (100, 100)), ("b", (60, 160)))
        for month, a in zip((6, 7), sizes, strict=True)
    ]
    log = pd.concat(logs)
    log["timestamp"] = log["timestamp"].replace("2026-07-30T23:00:00Z", "2026-07-31T23:00:00Z")
    spend = chosen.projection.mix({"a": "kimi-k2", "b": "kimi-k2"}).usd[:2].sum(axis=0)
    wanted = np.quantile(spend, [0.1, 0.9])
    for planned in (chosen.projection, file):
        found = reconcile(planned, log, choice="kimi-k2", workload="tag")
        months = found.months.set_index(["workload", "month"])["position"]
        assert months.to_dict() == {
            ("a", "2026-06"): "inside", ("b", "2026-06"): "below",
            ("a", "2026-07"): "inside", ("b", "2026-07"): "above",
        }  # fmt: skip
        summary = found.summary().set_index("workload")
        assert summary["position"].to_dict() == {"a": "inside", "b": "inside", "all": "inside"}
        assert found.position == "inside"
        assert summary.loc["all", ["p10_usd", "p90_usd"]].tolist() == pytest.approx(
            wanted, abs=1e-6
        )
        assert "Against P10 to P90 of the plan: a inside" in reconciliation_text(found)
    one = chosen.projection.of("kimi-k2", "a").usd[1] * 10 / 31
    part = reconcile(
        chosen.projection, served(calls=1_600, tag="a"), workload="tag", choice="kimi-k2",
        start=date(2026, 6, 1), end=date(2026, 7, 11), pro_rata=True,
    )  # fmt: skip
    july = part.months.set_index(["workload", "month"]).loc[("a", "2026-07")]
    assert july[["p10_usd", "p90_usd"]].tolist() == pytest.approx(np.quantile(one, [0.1, 0.9]))


def test_a_range_that_the_plan_does_not_have_is_not_shown(tmp_path: Path) -> None:
    """A plan of plain numbers, a month covered in part, and months that a file does not add up."""
    log = pd.concat([served(month=month) for month in (6, 7)])
    certain = reconcile(plan(workload()), served(), choice="kimi-k2")
    assert certain.position is None
    assert "P10" not in reconciliation_text(certain)
    part = reconcile(plan(uncertain("a"), months=2), log, choice="kimi-k2")  # July 31 is missing
    assert part.months["position"].tolist() == ["inside", None]
    assert part.position is None
    file = tmp_path / "plan.csv"
    plan(uncertain("a"), months=2).frame.to_csv(file, index=False)
    full = reconcile(file, log, choice="kimi-k2", end=date(2026, 8, 1))
    assert full.months["position"].tolist() == ["inside", "inside"]
    assert full.position is None
    scaled = reconcile(file, log, choice="kimi-k2", pro_rata=True)
    assert scaled.months["position"].tolist() == ["inside", None]


def test_a_file_reconciles_as_exactly_as_the_plan(tmp_path: Path) -> None:
    """Elevenths of calls, writes, fees and a price change survive a JSON plan to the last digit."""
    catalog = dated_catalog(tmp_path)
    load = searching(weekday_profile=[5, 4, 4, 4, 3, 1, 1], retry_share=0.2, **CHANGE)
    chosen = recommend(
        [load, uncertain("u")], months=2, start="2026-06", as_of=AS_OF, n_paths=100, catalog=catalog
    )
    file = tmp_path / "plan.json"
    file.write_text(plan_json(chosen), encoding="utf-8")
    row = json.loads(file.read_text(encoding="utf-8"))["spend"][0]
    assert "/" in row["usage"]["requests"]
    assert row["usage"].keys() - {"requests", "reasoning"} == row["bill_usd"].keys()
    log = pd.concat([searched(2_000, tag="w"), served(2_000, model="m", tag="u")])
    found = [
        reconcile(
            planned, log, choice="m", workload="tag", catalog=catalog, planned_catalog=catalog
        )
        for planned in (chosen.projection, file)
    ]
    assert all(causes(one) for one in found)
    pd.testing.assert_frame_equal(found[0].frame, found[1].frame)
    pd.testing.assert_frame_equal(found[0].months.iloc[:, :4], found[1].months.iloc[:, :4])


def test_a_plan_without_meters_says_what_it_cannot_tell(tmp_path: Path) -> None:
    """A CSV plan has spend, and no writes or fees: they stand under one cause, and a note says so."""
    catalog = dated_catalog(tmp_path)
    file = tmp_path / "plan.csv"
    plan(searching(), catalog=catalog).frame.to_csv(file, index=False)
    found = reconcile(file, searched(), catalog=catalog, planned_catalog=catalog)
    assert found.planned_usd == found.actual_usd
    assert any("plan.csv states no usage by meter" in note for note in found.notes)


def test_only_rounding_is_forgiven_to_a_plan_without_meters(tmp_path: Path) -> None:
    """A millionth of a dollar is how a file rounds; what is more is a planned change of price."""
    frame = plan(workload(), models="kimi-k2").frame
    file = tmp_path / "plan.csv"
    for usd, part in (
        ("0.000001", {}),
        ("0.000002", {"planned price change": Decimal("-0.000002")}),
    ):
        frame.assign(exact_usd=3_000 * CALL + Decimal(usd)).to_csv(file, index=False)
        assert causes(reconcile(file, served())) == part


def test_conversations_are_not_told_apart_from_prompts(tmp_path: Path) -> None:
    """Where conversations were planned and prompts differ, a note says what that may come from."""
    catalog = dated_catalog(tmp_path)
    planned = plan(searching(), catalog=catalog)
    said = "what longer or shorter ones of w resend stands under prompt tokens"
    longer = reconcile(planned, served(3_000, 20_000, 500, "m"), catalog=catalog)
    assert any(said in note for note in longer.notes)
    same = reconcile(planned, searched(), catalog=catalog)
    assert not any(said in note for note in same.notes)


def test_an_unseen_model_is_cached_as_the_others_were(tmp_path: Path) -> None:
    """If all went to another model and 40% was cached there, the planned one would have cached 40%."""
    catalog = own_catalog(tmp_path, cached_input="0.20")
    planned = plan(workload(cached_share=0.1), catalog=catalog)
    log = served(model="kimi-k2-5", cached_tokens=400)
    found = causes(reconcile(planned, log, choice="kimi-k2", catalog=catalog))
    of_input = Decimal("2.50")  # of the other model, whose cached tokens cost the same
    saved = (INPUT - Decimal("0.20")) * 1_000
    mean_saved = saved * Decimal("0.25")  # of 10% planned and 40% seen
    assert found == {
        "model mix": 3_000
        * ((of_input - INPUT) * 1_000 + mean_saved + (Decimal("7.50") - OUTPUT) * 200) / 10**6,
        "cache": -3_000 * saved * Decimal("0.3") / 2 / 10**6,
    }  # fmt: skip


MALFORMED = {
    "usage that is no object": ({"usage": 5}, "row 1: usage, bill_usd, list_bill_usd are no amounts"),
    "a bill that is missing": ({"bill_usd": None}, "are no amounts by meter"),
    "a meter that is not known": ({"usage": {"requests": "1", "inptu": "1"}}, "no meter 'inptu'"),
    "no number": ({"usage": {"requests": "many"}}, "row 1: usage of requests"),
    "a negative amount": ({"bill_usd": {"input": "-1"}}, "It cannot be negative"),
    "nothing over nothing": ({"usage": {"input": "1/0"}}, "row 1: usage of input"),
}  # fmt: skip


@pytest.mark.parametrize(("changed", "said"), MALFORMED.values(), ids=MALFORMED.keys())
def test_amounts_by_meter_are_checked(
    tmp_path: Path, changed: dict[str, object], said: str
) -> None:
    """A damaged row of a plan is named, with what is wrong in it."""
    chosen = recommend(workload(), months=1, start="2026-06", as_of=AS_OF, models="kimi-k2")
    data = json.loads(plan_json(chosen))
    data["spend"][0] |= changed
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(KimiPlannerError, match=said) as caught:
        reconcile(file, served())
    assert "\n" not in str(caught.value)


def refusals(folder: Path) -> dict[str, tuple[type[KimiPlannerError], str, object]]:
    """Return calls that must fail, with what they must say."""
    one, two = plan(workload()), plan(workload("a"), workload("b"), models="kimi-k2")
    not_plan, other = folder / "not.json", folder / "other.json"
    not_plan.write_text('{"format": 1}')
    data = json.loads(plan_json(recommend(workload(), months=1, start="2026-06", as_of=AS_OF)))
    data["catalog"]["sha256"] = "0" * 64
    other.write_text(json.dumps(data))
    row = one.frame.assign(requests=-1.0)
    row.to_csv(folder / "negative.csv", index=False)
    one.frame.assign(requests="1,000.0").to_csv(folder / "separators.csv", index=False)
    one.frame.assign(requests="1e999999999").to_csv(folder / "endless.csv", index=False)
    doubled = pd.concat([one.frame, one.frame.tail(1).assign(requests=7)])
    doubled.to_csv(folder / "doubled.csv", index=False)
    return {
        "which workload": (SettingError, "2 workloads .a, b.*name of a column", lambda: reconcile(two, served())),
        "which model": (SettingError, "Say which of them", lambda: reconcile(one, served())),
        "unknown model": (SettingError, "Did you mean 'kimi-k2-5'", lambda: reconcile(one, served(), choice="kimi-k2.5")),
        "unknown workload": (SettingError, "no workload 'chit'. Did you mean 'chat'", lambda: reconcile(one, served(), choice={"chit": "kimi-k2"})),
        "not a plan": (KimiPlannerError, r"not\.json: not a plan", lambda: reconcile(not_plan, served())),
        "another catalog": (KimiPlannerError, "another file of catalog 2026-06", lambda: reconcile(other, served())),
        "negative": (KimiPlannerError, r"negative\.csv row 3: requests is .-1", lambda: reconcile(folder / "negative.csv", served(), choice="kimi-k2")),
        "separators": (KimiPlannerError, r"separators\.csv row 3: requests: '1,000\.0' is not a number\. Write", lambda: reconcile(folder / "separators.csv", served(), choice="kimi-k2")),
        "digits without end": (KimiPlannerError, r"endless\.csv row 3: requests: '1e999999999' has more than", lambda: reconcile(folder / "endless.csv", served(), choice="kimi-k2")),
        "second row": (KimiPlannerError, r"doubled\.csv row 5: a second row of 'chat', '[\w-]+', '2026-06'\. Keep one\.", lambda: reconcile(folder / "doubled.csv", served(), choice="kimi-k2")),
        "no such plan": (KimiPlannerError, "no such file", lambda: reconcile(folder / "none.json", served())),
        "a number": (SettingError, "Give a Projection", lambda: reconcile(5, served())),
        "no month in common": (SettingError, "no month in common", lambda: reconcile(one, served(month=1), choice="kimi-k2")),
        "outside": (SettingError, "2026-06-01 to 2026-06-30, outside of 2026-06-02", lambda: reconcile(one, served(), choice="kimi-k2", start=date(2026, 6, 2))),
        "a wrong day": (SettingError, "end is 'July'", lambda: reconcile(one, served(), choice="kimi-k2", end="July")),
        "no model": (UsageError, "2 rows state no model", lambda: reconcile(one, served(model=None), choice="kimi-k2")),
        "no dates": (UsageError, "the log has no dates", lambda: reconcile(one, served().drop(columns="timestamp"), choice="kimi-k2")),
        "unknown served": (PriceNotFoundError, "2 rows of k9. Unknown model 'k9'", lambda: reconcile(one, served(model="k9"), choice="kimi-k2")),
    }  # fmt: skip


@pytest.mark.parametrize("sign", [";", "\t"])
def test_a_plan_that_a_spreadsheet_saved_is_the_same(tmp_path: Path, sign: str) -> None:
    """Another sign between cells, a mark of the encoding, empty cells below and beside."""
    one = plan(workload())
    one.frame.to_csv(tmp_path / "plan.csv", index=False)
    text = one.frame.to_csv(index=False, sep=sign).replace("\n", f"{sign}{sign}\n")
    other = tmp_path / "saved.csv"
    other.write_text(f"sep={sign}\n{text}{sign}{sign}\n", encoding="utf-8-sig")
    frames = [
        reconcile(path, served(), choice="kimi-k2").summary()
        for path in (tmp_path / "plan.csv", other)
    ]
    pd.testing.assert_frame_equal(*frames)


REFUSED = (
    "which workload", "which model", "unknown model", "unknown workload", "not a plan",
    "another catalog", "negative", "separators", "digits without end", "second row", "no such plan", "a number", "no month in common", "outside",
    "a wrong day", "no model", "no dates", "unknown served",
)  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_compared_is_refused(tmp_path: Path, case: str) -> None:
    """Nothing is guessed: what is missing is named in one line, with a remedy."""
    cases = refusals(tmp_path)
    assert set(cases) == set(REFUSED)
    error, said, call = cases[case]
    with pytest.raises(error, match=said) as caught:
        call()  # type: ignore[operator]
    assert "\n" not in str(caught.value)


def test_a_model_can_be_given_for_all_rows() -> None:
    """A log that names no model is compared as the model that the caller names."""
    found = reconcile(plan(workload()), served(model=None), choice="kimi-k2", model="kimi-k2")
    assert causes(found) == {}


def test_it_shows_itself_in_a_notebook() -> None:
    """HTML has table, notes and provenance, escaped; the text form has both amounts."""
    found = reconcile(plan(workload("a <b> & c"), models="kimi-k2"), served(calls=5), pro_rata=True)
    page = found._repr_html_()
    assert "a &lt;b&gt; &amp; c" in page
    assert page.count("<b>") == 1
    assert found.provenance.split(",")[0] in page
    assert found.actual_usd == Decimal("0.0096")
    assert "0.009600 actual" in repr(found)
