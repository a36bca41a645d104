"""Fees and cache writes in a plan, against the exact cost of single calls."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimi_planner import cost, load_catalog, load_workloads, project
from kimi_planner.errors import PriceNotFoundError, WorkloadError
from kimi_planner.plan import sensitivity
from kimi_planner.plan.bill import LoadPlan
from kimi_planner.plan.calendar import month_range
from kimi_planner.plan.draws import Draws
from kimi_planner.report.register import assumptions_table
from kimi_planner.workload import Workload
from kimi_planner.workload.beyond_tokens import WrittenShare

AS_OF = date(2026, 11, 25)
PUBLIC = load_catalog("2026-11-public", as_of=AS_OF)
SEARCH = Decimal("0.005")
K3 = "kimi-k3"
PLAIN = {
    "name": "w",
    "requests_per_day": 1000,
    "prompt_tokens": 2000,
    "completion_tokens": 500,
    "reasoning_tokens": 0,
    "cached_share": 0.4,
}
WRITES = {"written_share": {"five_minutes": 0.3, "one_hour": 0.1}}
FEES = {"fees_per_request": {"web search": 0.2}}
USAGE = {
    "prompt_tokens": 2000,
    "completion_tokens": 500,
    "prompt_tokens_details": {"cached_tokens": 800},
}


def plain(**changes):
    return Workload(**PLAIN | changes)


def plan(workloads, models=K3, months=1, start="2026-12", catalog=PUBLIC):
    return project(
        workloads, months, start, models=models, as_of=AS_OF, catalog=catalog, n_paths=500
    )


def exact(workload, model=K3, **scenario):
    return plan(workload, model, **scenario).spend["w", model].exact_usd


def of_calls(count, model=K3, **written):
    usage = USAGE | {f"{key}_tokens": tokens for key, tokens in written.items()}
    return count * cost(usage, model, catalog=PUBLIC).total_usd


def bill_of(workload, seed_paths):
    """Return the bill of a workload on K3 in December."""
    load = workload.resolve()
    months = month_range("2026-12", 1, AS_OF)
    scenarios = Draws.draw(load, 0, seed_paths)
    return LoadPlan(load, months, PUBLIC.fees, scenarios).on(PUBLIC.model(K3))


def left_out(notes):
    return [note for note in notes if note.startswith("Not in the spend")]


@settings(max_examples=30)
@given(
    prompt=st.integers(1, 1000).map(lambda count: 100 * count),
    completion=st.integers(0, 5000),
    shares=st.tuples(*[st.integers(0, 33)] * 3),
    searches=st.integers(0, 9),
)
def test_a_plain_plan_is_its_calls_times_the_cost_of_one(prompt, completion, shares, searches):
    """To the last digit, for any tokens, cached and written shares and fees."""
    cached, five, hour = (prompt * share // 100 for share in shares)
    usage = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "prompt_tokens_details": {"cached_tokens": cached},
        "written_5m_tokens": five,
        "written_1h_tokens": hour,
    }
    call = cost(usage, K3, catalog=PUBLIC, fees={"web search": searches})
    as_shares = [Decimal(share) / 100 for share in shares]
    workload = plain(
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_share=as_shares[0],
        written_share={"five_minutes": as_shares[1], "one_hour": as_shares[2]},
        fees_per_request={"web search": searches},
    )
    assert exact(workload) == (31_000 * call.total_usd,)


def test_retries_cause_fees_and_writes_again():
    """Two in a hundred calls are sent twice; one in five has a search."""
    found = exact(plain(**WRITES, **FEES, retry_share=0.02))
    tokens = of_calls(31_620, written_5m=600, written_1h=200)
    assert found == (tokens + 31_620 * SEARCH / 5,)


def test_each_day_has_its_own_price_of_writing():
    """Writing has a price from 7 October on; the six days before it is input, and that is said."""
    result = plan(plain(**WRITES), start="2026-10")
    expected = of_calls(6_000) + of_calls(25_000, written_5m=600, written_1h=200)
    assert result.spend["w", K3].exact_usd == (expected,)
    for kind in ("5 minutes", "1 hour"):
        assert (
            f"Catalog 2026-11-public states no price for writing to a cache for {kind} of kimi-k3 on "
            "some days; such tokens are billed as input: w."
        ) in result.notes


@pytest.mark.parametrize(("tax", "said"), [("excluded", 1), ("included", 0), (None, 0)])
def test_prices_without_tax_are_said_to_be_so(tax, said):
    """Of a catalog that says nothing of tax, nothing is said either."""
    notes = plan(plain(), catalog=replace(PUBLIC, tax=tax)).notes
    assert sum("tax" in str(note) for note in notes) == said


def test_without_a_price_of_writing_written_tokens_are_input():
    """The spend is that without writing, and only the kind that is written is named."""
    written = plain(written_share={"five_minutes": 0.6})
    result = plan(written, "kimi-k2.6")
    assert result.spend["w", "kimi-k2.6"].exact_usd == exact(plain(), "kimi-k2.6")
    said = [note for note in result.notes if "billed as input" in note]
    assert said == [
        "Catalog 2026-11-public states no price for writing to a cache for 5 minutes of kimi-k2.6; such "
        "tokens are billed as input: w."
    ]


def test_changed_prices_change_those_of_writing_and_no_fee():
    """A factor multiplies writes, also an uncertain one; a new input price only replaces input."""
    change = {"date": date(2026, 12, 1), "model": K3}
    tokens, fees = of_calls(31_000, written_5m=600, written_1h=200), 31_000 * SEARCH / 5
    doubled = plain(**WRITES, **FEES, price_changes=(change | {"factor": 2},))
    assert exact(doubled) == (2 * tokens + fees,)
    drawn = plain(
        **WRITES, **FEES, price_changes=(change | {"factor": {"p10": 1, "p50": 2, "p90": 4}},)
    )
    bill = bill_of(drawn, 100)
    factor = bill.plan.draws[drawn.dated_price_changes[0].key]
    assert bill.expected_usd()[0] == pytest.approx(factor * float(tokens) + float(fees), rel=1e-12)
    dearer = plain(**WRITES, price_changes=(change | {"input_usd_per_mtok": 5},))
    assert exact(dearer) == (tokens + 31_000 * 400 * Decimal(2) / 1_000_000,)
    unstated = plain(price_changes=(change | {"model": "kimi-k2.6", "input_usd_per_mtok": 5},))
    same = replace(unstated, written_share=WrittenShare(Decimal("0.3")))
    assert exact(same, "kimi-k2.6") == exact(unstated, "kimi-k2.6")


@pytest.mark.parametrize(
    ("written", "is_ranged"),
    [
        ({}, False),
        ({"five_minutes": 0.3}, True),
        ({"one_hour": 0.3}, True),
        ({"five_minutes": 0.0}, False),
    ],
)
def test_what_is_cached_matters_where_the_rest_is_written(written, is_ranged):
    """At one price of input the cached share changes nothing of the bill, unless it leaves more to write."""
    spec = replace(
        PUBLIC.model(K3), price_periods=(), priced_on=None, cached_input_usd_per_mtok=None,
        cache_write_5m_usd_per_mtok=Decimal(9), cache_write_1h_usd_per_mtok=Decimal(9),
    )  # fmt: skip
    catalog = replace(PUBLIC, models=(spec,))
    workload = plain(cached_share={"p50": 0.7, "p90": 0.95}, written_share=written or None)
    spend = plan(workload, catalog=catalog).spend["w", K3]
    assert (spend.is_ranged, spend.exact_usd is None) == (is_ranged, is_ranged)


def test_a_scenario_writes_no_more_than_was_not_cached():
    """Each scenario costs what such a call costs; where little is left to write, it is shared out."""
    workload = plain(
        prompt_tokens=1_000_000,
        completion_tokens=0,
        max_tokens=1,  # without a limit the model reserves more than the window has left
        cached_share={"p50": 0.5, "p90": 0.8},
        **WRITES,
        fees_per_request={"web search": 1},
    )
    bill = bill_of(workload, 200)
    shares = bill.plan.draws["cached_share"]
    expected = []
    for share in shares:
        cached = round(share * 1_000_000)
        part = min(1.0, (1_000_000 - cached) / 400_000)
        usage = {
            "prompt_tokens": 1_000_000,
            "completion_tokens": 0,
            "prompt_tokens_details": {"cached_tokens": cached},
            "written_5m_tokens": int(part * 300_000),
            "written_1h_tokens": int(part * 100_000),
        }
        call = cost(usage, K3, catalog=PUBLIC, fees={"web search": 1})
        expected.append(float(call.total_usd))
    assert min(shares) < 0.6 < max(shares)
    assert bill.expected_usd()[0] / 31_000 == pytest.approx(np.array(expected), abs=2e-5)
    said = "only the rest is written to a cache: w."
    assert any(said in note for note in plan(workload).notes)
    assert not any(said in note for note in plan(plain(**WRITES)).notes)


def test_ranges_keep_the_mean_and_rise_with_fees_and_writes():
    """The mean of drawn spend is requests x cost of a call; each part adds to every percentile."""
    ranged = plain(requests_per_day={"p50": 1000, "p90": 1500})
    spends = [plan(replace(ranged, **one)).spend["w", K3] for one in ({}, WRITES, WRITES | FEES)]
    call = of_calls(1, written_5m=600, written_1h=200) + SEARCH / 5
    requests = 31 * ranged.requests_per_day.mean
    assert spends[2].mean()[0] == pytest.approx(requests * float(call), rel=2e-3)
    for less, more in pairwise(spends):
        assert np.all(more.usd > less.usd)


def test_sensitivity_rests_on_the_same_bill():
    """Its spend at the medians is that of a plan of plain medians, fees and writes included."""
    ranged = plain(requests_per_day={"p50": 1000, "p90": 1500}, **WRITES, **FEES)
    found = sensitivity(ranged, K3, 1, "2026-12", as_of=AS_OF, catalog=PUBLIC)
    assert found.base_usd_per_month == pytest.approx(float(exact(plain(**WRITES, **FEES))[0]))
    with pytest.raises(PriceNotFoundError, match="states no fee at all"):
        sensitivity(ranged, "kimi-k2", 1, as_of=AS_OF)


def test_what_is_in_the_spend_is_not_said_to_be_left_out():
    """Each workload for itself: what it does not state is still named, a stated zero is not."""
    search = "Not in the spend{}: web search, 0.005 USD a call."
    hour = (
        "Not in the spend{}: prompts kept in a cache for an hour, whose tokens cost USD per 1M kimi-k3 "
        "6.00 instead of 3.00."
    )
    none = plain(name="v")
    some = plain(fees_per_request={"web search": 0}, written_share={"five_minutes": 0.1})
    assert left_out(plan(none).notes) == [search.format(""), hour.format("")]
    assert left_out(plan(some).notes) == [hour.format("")]
    assert left_out(plan(plain(**WRITES, **FEES)).notes) == []
    both = plan([plain(**WRITES, **FEES), none]).notes
    assert left_out(both) == [search.format(" of v"), hour.format(" of v")]


def test_an_unstated_fee_is_an_error_and_no_zero():
    """A fee that the catalog does not have, and a catalog that has none."""
    with pytest.raises(
        PriceNotFoundError,
        match=r"^workload 'w': .*'web serch'.*It states web search\. Did you mean 'web search'\?",
    ):
        plan(plain(fees_per_request={"web serch": 1}))
    with pytest.raises(PriceNotFoundError, match=r"catalog 2026-06 .*It states no fee at all\."):
        plan(plain(**FEES), "kimi-k2", catalog=None)


@pytest.mark.parametrize(
    ("faulty", "words"),
    [
        ({"written_share": 0.3}, "Give a table such as"),
        ({"written_share": {}}, "Give a table such as"),
        ({"written_share": {"five_minute": 0.3}}, "Did you mean 'five_minutes'"),
        ({"written_share": {"one_hour": -0.1}}, "one_hour is -0.1. It cannot be negative"),
        ({"written_share": {"one_hour": 1.1}}, "It must lie between 0 and 1"),
        ({"written_share": {"one_hour": {"p50": 0.1, "p90": 0.2}}}, "Give one plain number"),
        ({"written_share": {"one_hour": 0.5, "five_minutes": 0.6}}, "more than the whole prompt"),
        (
            {"written_share": {"one_hour": 0.61}},
            r"cached_share \(0.4 on average\) and written_share",
        ),
        (
            {"cached_share": {"p50": 0.5, "p90": 0.6}, "written_share": {"one_hour": 0.61}},
            "Cached tokens are not written",
        ),
        ({"fees_per_request": 3}, "from the name of a fee"),
        ({"fees_per_request": {7: 3}}, "from the name of a fee"),
        ({"fees_per_request": {"web search": -1}}, "'web search': .* cannot be negative"),
        ({"fees_per_request": {"web search": "1"}}, "It must be a number"),
        ({"fees_per_request": {"web search": True}}, "It must be a number"),
        ({"fees_per_request": {"web search": float("nan")}}, "not a finite number"),
        ({"fees_per_request": {"web search": {"mean": 1, "sd": 1}}}, "Give one plain number"),
    ],
)
def test_faulty_values_are_refused(faulty, words):
    """The message names workload and field, and says what to give."""
    with pytest.raises(WorkloadError, match=rf"^workload 'w': .*{words}"):
        plain(**faulty)


def test_a_file_gives_the_same_workload_and_errors_with_lines(tmp_path):
    """Read from TOML as given in code, shown among the assumptions; a fault is named by its line."""
    path = tmp_path / "plan.toml"
    text = """[[workload]]
name = "w"
requests_per_day = 1000
prompt_tokens = 2000
completion_tokens = 500
reasoning_tokens = 0
cached_share = 0.4
written_share = { five_minutes = 0.3, one_hour = 0.1 }
fees_per_request = { "web search" = 0.2 }
"""
    path.write_text(text)
    (workload,) = load_workloads(path)
    assert workload == plain(**WRITES, **FEES)
    assert workload == replace(workload)
    rows = assumptions_table(plan(workload)).rows
    assert ("w", "written_share", "0.3 for 5 minutes, 0.1 for an hour") in rows
    assert ("w", "fees_per_request", "web search 0.2") in rows
    path.write_text(text.replace("0.2 }", "-0.2 }"))
    with pytest.raises(WorkloadError, match=r"plan.toml line 9: workload 'w': fees_per_request"):
        load_workloads(path)


def test_spend_by_meter_is_the_hand_computed_bill():
    """Each meter has its amount and its price; one that is not used has no row."""
    month = plan([plain(**WRITES, **FEES)]).by_meter()
    calls = 31_000
    wanted = {
        "input": (400, "3"),
        "cached": (800, "0.3"),
        "cache_write_5m": (600, "3"),
        "cache_write_1h": (200, "6"),
        "output": (500, "15"),
    }
    assert month["meter"].tolist() == [*wanted, "fee: web search"]
    for row in month[:-1].itertuples():
        tokens, usd_per_mtok = wanted[row.meter]
        assert row.amount == calls * tokens
        assert row.usd == float(calls * tokens * Decimal(usd_per_mtok) / 1_000_000)
    fee = month.iloc[-1]
    assert (fee["amount"], fee["usd"]) == (calls / 5, float(calls * SEARCH / 5))
    without = plan([plain(cached_share=0)]).by_meter()
    assert without["meter"].tolist() == ["input", "output"]


def test_meters_sum_to_the_mean_whatever_is_uncertain():
    """Ranges, batches, dated and uncertain prices: the rows of a month are its expected spend."""
    changes = ({"date": "2026-12-10", "factor": {"p10": 0.6, "p50": 0.8, "p90": 1.1}},)
    ranged = plain(
        cached_share={"p10": 0.2, "p50": 0.4, "p90": 0.7},
        requests_per_day={"p10": 500, "p50": 1000, "p90": 2500},
        growth_per_month={"p10": 0, "p50": 0.05, "p90": 0.2},
        price_changes=changes,
        **FEES,
    )
    batched = replace(ranged, name="batched", batch=True)
    projected = plan([ranged, batched], models="kimi-k2.5", months=3)
    frame = projected.by_meter()
    sums = frame.groupby(["workload", "model", "month"])["usd"].sum()
    for row in projected.frame.itertuples():
        assert sums[row.workload, row.model, row.month] == pytest.approx(row.mean_usd, rel=1e-12)
    batches = frame[frame["workload"] == "batched"]["meter"].unique().tolist()
    assert batches == ["batch_input", "batch_cached", "batch_output", "fee: web search"]
