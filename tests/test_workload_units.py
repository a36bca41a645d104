"""Traffic in the unit that a team counts in, sizes as they were measured, and how sure both are."""

import math
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from kimi_planner import load_workloads, project
from kimi_planner.capacity import throughput
from kimi_planner.errors import WorkloadError
from kimi_planner.plan import Workload
from kimi_planner.plan.drivers import sensitivity
from kimi_planner.workload import what_if
from kimi_planner.workload.certainty import CERTAINTIES
from kimi_planner.workload.written import workloads_toml

SIZES = {"prompt_tokens": 2000, "completion_tokens": 500}
CALL = (2000 * Decimal("1.20") + 500 * Decimal("3.60")) / 1_000_000
SCENARIO = {"start": "2027-01", "months": 3, "models": "kimi-k2", "catalog": "2026-06"}
DAYS = (31, 28, 31)


def plan(workload, **scenario):
    return project(workload, **SCENARIO | {"n_paths": 2000, "seed": 0} | scenario)


def used(**fields):
    return plan(Workload(name="w", **SIZES | fields)).of("kimi-k2")


def amounts(spend):
    return spend.requests.tolist(), [float(one) for one in spend.conversations]


@pytest.mark.parametrize(
    ("fields", "calls", "conversations"),
    [
        ({"requests_per_day": 40}, [1240, 1120, 1240], [1240, 1120, 1240]),
        ({"requests_per_day": 40, "turns": 4}, [1240, 1120, 1240], [310, 280, 310]),
        ({"conversations_per_day": 10, "turns": 4}, [1240, 1120, 1240], [310, 280, 310]),
        ({"conversations_per_day": 10, "turns": 4, "retry_share": 0.5}, [1860, 1680, 1860], [310, 280, 310]),
        ({"requests_per_month": 900}, [900, 900, 900], [900, 900, 900]),
        ({"requests_per_month": 900, "weekday_profile": [1, 1, 1, 1, 1, 0, 0]}, [900, 900, 900], [900, 900, 900]),
        ({"requests_per_month": 3100, "starts_on": "2027-01-31", "ends_on": "2027-02-14"}, [100, 1550, 0], [100, 1550, 0]),
        ({"requests_per_month": 100, "growth_per_month": 1}, [100, 200, 400], [100, 200, 400]),
        ({"documents": 40_000}, [40_000, 0, 0], [40_000, 0, 0]),
        ({"documents": 40_000, "turns": 3}, [120_000, 0, 0], [40_000, 0, 0]),
        ({"documents": 900, "starts_on": "2027-02-10"}, [0, 900, 0], [0, 900, 0]),
        ({"documents": 590, "starts_on": "2027-01-01", "ends_on": "2027-02-28"}, [310, 280, 0], [310, 280, 0]),
        ({"documents": 400, "weekday_profile": [1, 0, 0, 0, 0, 0, 0]}, [400, 0, 0], [400, 0, 0]),
    ],
)  # fmt: skip
def test_each_unit_is_as_many_calls_and_conversations_as_counted_by_hand(
    fields, calls, conversations
):
    """A month has its calls however many days it has; documents are worked through once."""
    assert amounts(used(**fields)) == (calls, conversations)


@pytest.mark.parametrize("days", DAYS)
def test_a_month_of_calls_costs_the_bill_by_hand(days):
    """900 calls a month are 900 times a call in every month, to the last digit."""
    assert used(requests_per_month=900).exact_usd == (900 * CALL,) * 3


def test_chats_a_day_are_no_calls_a_day():
    """Ten thousand chats of four calls cost four times what ten thousand such calls would."""
    turns = {"turns": {"mean": 4}, "followup_tokens": 120}
    chats = used(conversations_per_day=10_000, **turns)
    calls = used(requests_per_day=10_000, **turns)
    assert chats.mean() == pytest.approx(4 * calls.mean())
    assert chats.conversations == pytest.approx([10_000 * days for days in DAYS])


@pytest.mark.parametrize("unit", ["conversations_per_day", "requests_per_month", "documents"])
def test_every_unit_works_wherever_traffic_counts(unit):
    """Peaks, what drives the range, twice the traffic, and a cache worked out from it."""
    fields = {
        unit: {"p50": 90_000, "p90": 180_000},
        "turns": {"mean": 3},
        "cache": {"prefix_tokens": 900},
    }
    workload = Workload(name="w", **SIZES, **fields)
    [doubled] = what_if(workload, traffic=2)
    once, twice = (plan(one).of("kimi-k2").requests for one in (workload, doubled))
    assert twice == pytest.approx(2 * once)
    peaks = throughput(workload, **SCENARIO | {"n_paths": 200})
    assert peaks.of("kimi-k2", "w").highest("requests_per_minute") > 0
    frame = sensitivity(workload, "kimi-k2", start="2027-01", months=3).frame
    assert unit in frame["input"].tolist()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "requests_per_day is missing. Give one of requests_per_day, conversations_per_day"),
        ({"documents": 4, "requests_per_day": 1}, "requests_per_day and documents are given"),
        ({"documents": 4, "growth_per_month": 0.1}, "documents are worked through once"),
        ({"requests_per_day": 1, "certainty": "sure"}, "Give one of measured, estimate, guess"),
        ({"requests_per_day": 1, "reasoning_effort": "hgih"}, "Did you mean 'high'"),
    ],
)
def test_what_cannot_be_meant_is_refused(fields, said):
    """One unit, and words that are known."""
    with pytest.raises(WorkloadError, match=re.escape(said)):
        Workload(name="w", **SIZES, **fields)


VALUES = [120, 300, 300, 2280]


@pytest.mark.parametrize(
    "values",
    [VALUES, tuple(VALUES), np.array(VALUES), pd.Series(VALUES), pd.Series(VALUES, dtype="Int64")],
)
def test_values_are_the_distribution(values):
    """A list or a Series is billed at its mean, 750 tokens; turns of 1 and 3 are 2 on average."""
    spend = used(requests_per_day=40, prompt_tokens=values)
    assert spend.mean() == pytest.approx([40 * d * (750 * 1.2 + 500 * 3.6) / 1e6 for d in DAYS])
    spend = used(requests_per_day=40, prompt_tokens=values, turns=[1, 3])
    assert spend.conversations == pytest.approx([40 * d / 2 for d in DAYS])


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_column_of_a_table_is_a_quantity(tmp_path, form):
    """A file names a column of a table beside it, in each form that tables are kept in."""
    table, path = pd.DataFrame({"words in": VALUES, "id": list("abcd")}), tmp_path / f"t.{form}"
    if form == "csv":
        table.to_csv(path, index=False)
    elif form == "jsonl":
        table.to_json(path, orient="records", lines=True)
    else:
        pytest.importorskip("pyarrow", reason="Parquet is read by pyarrow")
        table.to_parquet(path)
    file = tmp_path / "w.toml"
    file.write_text(
        '[[workload]]\nname = "w"\nrequests_per_day = 1\ncompletion_tokens = 5\n'
        f'prompt_tokens = {{ from = "t.{form}", column = "words in" }}\n',
        encoding="utf-8",
    )
    (workload,) = load_workloads(file)
    assert workload.prompt_tokens.ppf(np.array([0.2, 0.7, 0.9])).tolist() == [120, 300, 2280]
    assert workload.prompt_tokens.mean == 750


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([], "has no values"),
        ([5, -1], "value 2 of 2 is -1"),
        ([5, None], "value 2 of 2 is None"),
        (pd.Series([5, None, 7], dtype="Int64"), "value 2 of 3 is <NA>"),
        ([math.nan], "value 1 of 1 is nan"),
        (["5"], "value 1 of 1 is '5'"),
        ([5, 1e12], "value 2 of 2 is 1000000000000.0"),
        ({"from": "no.csv", "column": "a"}, "no.csv: no such file"),
        ({"p50": 3500, "p95": 12_000}, "Allowed are p10, p50 and p90. If it is lognormal, give p90 = 9141."),
    ],
)  # fmt: skip
def test_a_bad_value_is_named(values, said):
    """A value that is missing or no count is named with its place, and nothing is left out."""
    with pytest.raises(WorkloadError) as caught:
        Workload(name="w", requests_per_day=1, prompt_tokens=values, completion_tokens=1)
    assert said in str(caught.value)


def test_another_percentile_is_told_as_a_p90_that_meets_it():
    """The p90 in the answer to a p95 gives a distribution with exactly that p95."""
    workload = Workload(name="w", requests_per_day=1, completion_tokens=1, prompt_tokens={"p50": 3500, "p90": 9141})  # fmt: skip
    assert workload.prompt_tokens.ppf(np.array([0.95]))[0] == pytest.approx(12_000, rel=1e-3)


@pytest.mark.parametrize("word", CERTAINTIES)
def test_certainty_is_its_factors_on_what_has_no_range(word):
    """Level and means have the factors at P10 and P90, as their quantities say."""
    workload = Workload(name="w", requests_per_day=1000, certainty=word, **SIZES)
    low, high, _ = CERTAINTIES[word]
    quantities = workload.resolve().quantities()
    ends = {name: one.ppf(np.array([0.1, 0.5, 0.9])) for name, one in quantities.items()}
    assert ends["requests_per_day"] == pytest.approx([1000 * low, 1000, 1000 * high])
    for key in SIZES:
        assert ends[f"{key}.mean_factor"] == pytest.approx([low, 1, high])
    spend = plan(workload).of("kimi-k2")
    assert spend.is_ranged
    assert spend.quantile(0.1)[0] < 31_000 * float(CALL) < spend.quantile(0.9)[0]
    (said,) = [one for one in plan(workload).notes if one.code == "certainty"]
    assert said.workloads == ("w",)
    assert "AACE 18R-97" in said


def test_certainty_leaves_ranges_of_ones_own_alone():
    """A range that is given is the one that counts; a number with none gets the factors."""
    given = {"requests_per_day": {"p50": 9, "p90": 18}, "prompt_tokens": {"p50": 9, "p90": 12, "mean_factor": {"p50": 1, "p90": 1.5}}}  # fmt: skip
    sure = Workload(name="w", completion_tokens=500, **given)
    guess = Workload(name="w", completion_tokens=500, certainty="guess", **given)
    before, after = (one.resolve().quantities() for one in (sure, guess))
    assert {key: after[key] for key in before} == before
    assert set(after) - set(before) == {"completion_tokens.mean_factor"}


def test_the_less_sure_the_wider():
    """From measured to guessed the range of the same numbers grows on both sides."""
    ends = [
        [plan(Workload(name="w", requests_per_day=1000, certainty=word, **SIZES)).of("kimi-k2").quantile(q)[0] for q in (0.1, 0.9)]
        for word in ("measured", "estimate", "guess")
    ]  # fmt: skip
    assert ends[2][0] < ends[1][0] < ends[0][0] < ends[0][1] < ends[1][1] < ends[2][1]


def test_without_certainty_plain_numbers_stay_exact():
    """A workload that does not say how sure it is has the bill computed by hand."""
    spend = used(requests_per_day=Fraction(1000).numerator)
    assert spend.exact_usd == tuple(1000 * days * CALL for days in DAYS)


def test_a_file_that_is_written_states_units_values_and_how_sure(tmp_path):
    """Each new field is written as it was given, and read back the same."""
    path = tmp_path / "t.csv"
    path.write_text("a b\n5\n7\n", encoding="utf-8")
    text = (
        '[[workload]]\nname = "w"\ndocuments = 900\nprompt_tokens = [120, 300, 300]\n'
        'completion_tokens = { from = "t.csv", column = "a b" }\n'
        'reasoning_effort = "low"\ncertainty = "guess"\nturns = 2\n'
    )
    (tmp_path / "w.toml").write_text(text, encoding="utf-8")
    written = workloads_toml(load_workloads(tmp_path / "w.toml"))
    assert sorted(written.splitlines()) == sorted(text.splitlines())


def test_a_batch_without_a_price_of_its_own_costs_what_single_calls_do():
    """One workload in batches stops no plan: where no batch price is stated, the note says so."""
    workload = Workload(name="w", requests_per_day=1000, reasoning_tokens=0, batch=True, **SIZES)
    single = Workload(name="w", requests_per_day=1000, reasoning_tokens=0, **SIZES)
    scenario = {"catalog": "2026-11-public-3", "models": ["kimi-k2.5", "kimi-k3"]}
    batches, calls = (plan(one, **scenario) for one in (workload, single))
    for model, share in (("kimi-k2.5", Decimal("0.60")), ("kimi-k3", 1)):
        bills = [one.of(model).exact_usd for one in (batches, calls)]
        assert bills[0] == tuple(share * usd for usd in bills[1])
    (note,) = [one for one in batches.notes if one.code == "no_batch_price"]
    assert note.models == ("kimi-k3",)
