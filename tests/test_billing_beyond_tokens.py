"""What is billed beside plain tokens: cache writes, batches and fees by the call."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_planner import Workload, cost, load_catalog, project
from kimi_planner.errors import PriceNotFoundError, UsageError

PUBLIC = load_catalog("2026-11-public")
USAGE = {
    "prompt_tokens": 10_000,
    "completion_tokens": 500,
    "prompt_tokens_details": {"cached_tokens": 4_000},
}


def written(five, hour):
    """Return the usage with tokens written to a cache."""
    return USAGE | {"written_5m_tokens": five, "written_1h_tokens": hour}


def test_written_tokens_cost_the_price_of_writing_instead_of_input():
    """Of 6,000 uncached tokens 1,000 and 2,000 are written: each at its own price, the rest as input."""
    bill = cost(written(1_000, 2_000), "kimi-k3", catalog=PUBLIC)
    assert bill.input_usd == 3_000 * Decimal("3.00") / 1_000_000
    assert bill.cache_write_usd == (1_000 * Decimal("3.00") + 2_000 * Decimal("6.00")) / 1_000_000
    assert bill.cached_usd == 4_000 * Decimal("0.30") / 1_000_000
    assert bill.output_usd == 500 * Decimal("15.00") / 1_000_000
    parts = (bill.input_usd, bill.cache_write_usd, bill.cached_usd, bill.output_usd)
    assert bill.total_usd == sum(parts)
    assert bill.notes == ()


@given(st.integers(0, 3_000), st.integers(0, 3_000))
def test_without_a_price_of_writing_written_tokens_are_input(five, hour):
    """The total is that of the same call without writing, and the gap is said."""
    plain = cost(USAGE, "kimi-k2.6", catalog=PUBLIC)
    bill = cost(written(five, hour), "kimi-k2.6", catalog=PUBLIC)
    assert bill.total_usd == plain.total_usd
    assert len(bill.notes) == bool(five) + bool(hour)
    if hour:
        assert "for 1 hour of kimi-k2.6; such tokens are billed as input" in bill.notes[-1]


def test_a_batch_is_billed_at_its_share_of_every_price():
    """Sixty per cent of input, cached and output; fees stay whole."""
    full = cost(USAGE, "kimi-k2.5", catalog=PUBLIC)
    bill = cost(USAGE, "kimi-k2.5", catalog=PUBLIC, batch=True, fees={"web search": 3})
    assert bill.total_usd == full.total_usd * Decimal("0.60") + 3 * Decimal("0.005")
    assert bill.fees_usd == Decimal("0.015")
    none = cost(USAGE, "kimi-k2.5", catalog=PUBLIC, fees={"web search": 0})
    assert (none.total_usd, none.fees_usd) == (full.total_usd, 0)
    assert bill.usd["batch_output"] == full.usd["output"] * Decimal("0.60")
    assert bill.output_usd == bill.usd["batch_output"]


def test_what_the_catalog_lacks_is_an_error_and_no_zero():
    """No batch price, no fee of that name, more written than was sent: each is refused in words."""
    with pytest.raises(PriceNotFoundError, match="no batch price for 'kimi-k3'"):
        cost(USAGE, "kimi-k3", catalog=PUBLIC, batch=True)
    with pytest.raises(PriceNotFoundError, match=r"no fee 'web search'.*It has none"):
        cost(USAGE, "kimi-k2", fees={"web search": 1})
    with pytest.raises(PriceNotFoundError, match="Catalog 2026-06 states no batch price"):
        load_catalog().in_batch()
    with pytest.raises(UsageError, match="only 6000 prompt tokens were not cached"):
        cost(written(6_001, 0), "kimi-k3", catalog=PUBLIC)
    for five, hour, words in ((-1, 0, "cannot be negative"), (0, 1.5, "must be a whole number")):
        with pytest.raises(UsageError, match=words):
            cost(written(five, hour), "kimi-k3", catalog=PUBLIC)
    with pytest.raises(UsageError, match="whole number from 0"):
        cost(USAGE, "kimi-k3", catalog=PUBLIC, fees={"web search": -1})


def test_usage_of_writes_for_an_hour_costs_the_price_of_an_hour():
    """A usage object of Anthropic's form with a million of them: 4.00 USD, and 200 output tokens."""
    usage = {
        "input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation_input_tokens": 1_000_000,
        "cache_creation": {"ephemeral_1h_input_tokens": 1_000_000},
        "output_tokens": 200,
    }
    bill = cost(usage, "kimi-k3.1-pro", catalog=PUBLIC)
    assert bill.total_usd == Decimal("4.002")
    assert bill.usd == {"input": 0, "output": Decimal("0.002"), "cache_write_1h": 4}


def test_a_plan_in_batches_has_the_models_with_a_batch_price():
    """The spend is that share, to the last digit, and the models left out are named."""
    workload = Workload(name="w", requests_per_day=1000, prompt_tokens=900, completion_tokens=90)
    day = date(2026, 11, 25)
    batched = PUBLIC.in_batch()
    assert batched.ids == ("kimi-k2.5",)
    assert "without kimi-k3.1-pro" in batched.derived_from[-1]
    full, less = (
        project(workload, months=2, as_of=day, models="kimi-k2.5", catalog=one)
        for one in (PUBLIC, batched)
    )
    expected = tuple(amount * Decimal("0.60") for amount in full.spend["w", "kimi-k2.5"].exact_usd)
    assert less.spend["w", "kimi-k2.5"].exact_usd == expected
    assert any("web search, 0.005 USD a call" in note for note in less.notes)
