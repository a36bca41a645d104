"""The second catalog: the public line-up, value by value, held against the packages it cites."""

from datetime import date
from decimal import Decimal

import pytest

from kimi_planner.catalog import load_catalog

# Published in November 2026: input, cache read, write for 5 minutes, for an hour, output, window.
ROWS = {
    "kimi-k3.1-pro": ("2.00", "0.20", "2.00", "4.00", "10.00", 1_048_576),
    "kimi-k3.1-pro-highspeed": ("4.00", "0.20", "4.00", "8.00", "20.00", 1_048_576),
    "kimi-k3": ("3.00", "0.30", "3.00", "6.00", "15.00", 1_048_576),
    "kimi-k2.7-code": ("0.95", "0.19", None, None, "4.00", 262_144),
    "kimi-k2.7-code-highspeed": ("1.90", "0.38", None, None, "8.00", 262_144),
    "kimi-k2.6": ("0.95", "0.16", None, None, "4.00", 262_144),
    "kimi-k2.5": ("0.60", "0.10", None, None, "3.00", 262_144),
    "kimi-k2-0905-preview": ("0.60", "0.15", None, None, "2.50", 262_144),
    "kimi-k2-0711-preview": ("0.60", "0.15", None, None, "2.50", 131_072),
    "kimi-k2-thinking": ("0.60", "0.15", None, None, "2.50", 262_144),
    "kimi-k2-turbo-preview": ("1.15", "0.15", None, None, "8.00", 262_144),
    "kimi-k2-thinking-turbo": ("1.15", "0.15", None, None, "8.00", 262_144),
}
FIELDS = (
    "input_usd_per_mtok",
    "cached_input_usd_per_mtok",
    "cache_write_5m_usd_per_mtok",
    "cache_write_1h_usd_per_mtok",
    "output_usd_per_mtok",
)


@pytest.fixture
def public():
    return load_catalog("2026-11-public")


def test_prices_and_windows_are_the_published_ones(public):
    """Twelve models, each price to the cent; what is not published is unknown, not zero."""
    assert public.ids == tuple(ROWS)
    for model in public:
        *prices, window = ROWS[model.id]
        assert [getattr(model, name) and str(getattr(model, name)) for name in FIELDS] == prices
        assert model.context_window_tokens == window


def test_it_agrees_with_the_package_that_it_cites(public):
    """Every model, price and window that it has is the same in genai-prices 0.2.3."""
    genai_prices = pytest.importorskip("genai_prices", reason="genai-prices is not installed")
    if genai_prices.__version__ != "0.2.3":
        pytest.skip("another version of genai-prices is installed")
    cited = load_catalog("genai-prices")
    for model in public:
        other = cited.model(model.id)
        assert model.context_window_tokens == other.context_window_tokens
        assert [getattr(model, name) for name in FIELDS] == [
            getattr(other, name) for name in FIELDS
        ]
        assert (other.status == "deprecated") == (model.status != "offered")


def test_the_lifecycle_is_stated_and_gaps_stay_gaps(public):
    """Five models retired on one day, one is called deprecated, the others are offered."""
    retired = [model.id for model in public if model.retired_on == date(2026, 5, 25)]
    assert retired == [name for name in ROWS if name.startswith("kimi-k2-")]
    assert all(public.model(name).replaced_by == "kimi-k2.6" for name in retired)
    assert public.model("kimi-k2.5").status == "deprecated"
    assert public.model("kimi-k2.5").retired_on is None
    assert public.model("kimi-k3").released_on == date(2026, 7, 16)
    assert public.model("kimi-k3").default_output_tokens == 131_072
    assert all(model.max_output_tokens is None for model in public)


def test_a_batch_price_is_published_for_one_model_only(public):
    """Moonshot's page has kimi-k2.5 alone; for K3 none is known."""
    assert {model.id: model.batch_multiplier for model in public if model.batch_multiplier} == {
        "kimi-k2.5": Decimal("0.60")
    }


def test_every_known_conflict_stands_beside_the_choice(public):
    """Cache writes, batch, web search, tax and lifecycle: the other value and the reason are kept."""
    found = {
        (one.model, one.field.split(",")[0]): (one.chosen, one.other) for one in public.conflicts
    }
    assert found["kimi-k3", "cache_write_5m_usd_per_mtok"] == ("2026-10-07", "2026-10-15")
    assert found["kimi-k2.5", "batch_multiplier"] == ("0.60", "0.50")
    assert found[None, "fees: web search"] == ("0.005", "0.004")
    assert found[None, "tax"] == ("excluded", "included") == (public.tax, "included")
    assert found["kimi-k2.5", "status"] == ("deprecated", "removed")
    assert all(one.reason for one in public.conflicts)


def test_yuan_are_a_list_of_their_own(public):
    """The price list in CNY is kept for what it is, and is no price of a model."""
    (price,) = public.list_prices
    assert (price.model, price.currency) == ("kimi-k3", "CNY")
    amounts = (price.input_per_mtok, price.cached_input_per_mtok, price.output_per_mtok)
    assert amounts == (Decimal(20), Decimal(2), Decimal(100))
    assert public.currency == "USD"


def test_reports_of_a_source_are_told_from_the_source(public):
    """A value that rests on a report says so; prices rest on what was read."""
    assert not public.sources["retirement"].verified
    assert "in a report of it" in str(public.sources["batch"])
    for model in public:
        for name in FIELDS:
            if name in model.sources:
                assert public.sources[model.sources[name]].verified
