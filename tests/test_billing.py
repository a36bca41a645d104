"""Exact cost: by hand, by column and in total, to the last digit."""

from decimal import Decimal
from fractions import Fraction

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimi_planner import cost, load_catalog, price_usage, read_usage
from kimi_planner.billing.record import UsageRecord
from kimi_planner.catalog import Catalog, ModelSpec, Source
from kimi_planner.errors import PriceNotFoundError, UnknownModelError, UsageError
from kimi_planner.usage import cost_rows, total_usage
from kimi_planner.usage.priced import total_cost

MODELS = ["kimi-k2-5", "kimi-k2-5-thinking", "kimi-k2", "kimi-k2-instruct"]
CARD = {
    "kimi-k2-5": (Decimal("2.50"), Decimal("7.50")),
    "kimi-k2-5-thinking": (Decimal("3.50"), Decimal("10.50")),
    "kimi-k2": (Decimal("1.20"), Decimal("3.60")),
    "kimi-k2-instruct": (Decimal("1.50"), Decimal("4.50")),
}
LARGEST = 10**15
COST_COLUMNS = ("input_usd", "cached_usd", "output_usd", "total_usd")


def priced(**prices):
    """Return a catalog of one model, ``own``, with these prices."""
    source = Source(key="own", title="a test", checked_on=pd.Timestamp(2026, 6, 1).date())
    model = ModelSpec(
        id="own",
        catalog_version="own-1",
        **{f"{name}_usd_per_mtok": Decimal(price) for name, price in prices.items()},
    )
    return Catalog(
        version="own-1", published="2026-06", currency="USD", source=source, models=(model,),
        sha256="",
    )  # fmt: skip


def usage(prompt, completion, cached=None):
    return {"prompt_tokens": prompt, "completion_tokens": completion, "cached_tokens": cached}


@pytest.mark.parametrize(
    ("model", "tokens", "by_hand"),
    [
        ("kimi-k2", (2000, 500), Decimal("1.20") * 2000 / 1_000_000 + Decimal("3.60") * 500 / 1_000_000),
        ("kimi-k2-5", (1, 1), Decimal("2.50") / 1_000_000 + Decimal("7.50") / 1_000_000),
        ("kimi-k2-5-thinking", (128_000, 0), Decimal("3.50") * 128_000 / 1_000_000),
        ("kimi-k2-instruct", (0, 777), Decimal("4.50") * 777 / 1_000_000),
        ("kimi-k2", (0, 0), Decimal(0)),
        ("kimi-k2-5", (10**15, 10**15), Decimal("2.50") * 10**9 + Decimal("7.50") * 10**9),
    ],
)  # fmt: skip
def test_a_call_costs_what_arithmetic_says(model, tokens, by_hand):
    """Price per million times tokens, each kind apart, nothing rounded."""
    found = cost(usage(*tokens), model)
    assert found.total_usd == by_hand
    assert found.input_usd == CARD[model][0] * tokens[0] / 1_000_000
    assert found.output_usd == CARD[model][1] * tokens[1] / 1_000_000
    assert (found.model, found.catalog_version, found.notes) == (model, "2026-06", ())


def test_an_amount_reads_plainly():
    """An amount is a plain number of dollars, without idle zeros."""
    assert str(cost(usage(2000, 500), "kimi-k2").total_usd) == "0.0042"
    assert str(cost(usage(1, 0), "kimi-k2").total_usd) == "0.0000012"
    assert str(cost(usage(10**12, 0), "kimi-k2").total_usd) == "1200000"


def test_without_a_cached_price_cached_tokens_are_billed_as_input_and_it_says_so():
    """The card states no cached price: the total does not change, and the note names the gap."""
    found = cost(usage(1000, 10, cached=600), "kimi-k2")
    assert found.input_usd == Decimal("1.20") * 400 / 1_000_000
    assert found.cached_usd == Decimal("1.20") * 600 / 1_000_000
    assert found.total_usd == cost(usage(1000, 10), "kimi-k2").total_usd
    assert found.notes == (
        "Catalog 2026-06 states no cached-input price for kimi-k2; cached tokens are billed as input.",
    )


@pytest.mark.parametrize("cached_price", ["0.15", "0"])
def test_a_cached_price_holds_for_the_cached_part_only(cached_price):
    """Cached tokens are a part of the prompt at their own price, which may be nothing."""
    catalog = priced(input="0.60", cached_input=cached_price, output="2.50")
    found = cost(usage(1000, 10, cached=600), "own", catalog=catalog)
    assert found.total_usd == (
        Decimal("0.60") * 400 / 1_000_000
        + Decimal(cached_price) * 600 / 1_000_000
        + Decimal("2.50") * 10 / 1_000_000
    )
    assert found.notes == ()
    assert catalog.model("own").cached_input_usd_per_mtok == Decimal(cached_price)


@pytest.mark.parametrize("known", ["input", "output"])
def test_an_unknown_price_is_an_error_and_never_zero(known):
    """If the catalog lacks a price, the error names model, price and remedy, in every form."""
    catalog = priced(**{known: "1.00"})
    missing = {"input": "output", "output": "input"}[known]
    said = rf"own-1 states no {missing} price for 'own'.*add {missing}_usd_per_mtok"
    frame = read_usage(pd.DataFrame([usage(1, 1, 0)]))
    with pytest.raises(PriceNotFoundError, match=said):
        cost(usage(1, 1), "own", catalog=catalog)
    with pytest.raises(PriceNotFoundError, match=said):
        price_usage(frame, "own", catalog=catalog)
    with pytest.raises(PriceNotFoundError, match=said):
        total_cost(frame, "own", catalog=catalog)


def test_more_cached_than_prompt_is_refused():
    """A contradiction is refused for one call and for a frame."""
    with pytest.raises(UsageError, match=r"cached_tokens \(6\) cannot exceed prompt_tokens \(5\)"):
        cost(usage(5, 0, cached=6), "kimi-k2")
    with pytest.raises(UsageError, match=r"row 0: cached_tokens \(6\) cannot exceed"):
        price_usage(pd.DataFrame([usage(5, 0, cached=6)]), "kimi-k2")


def test_an_unknown_model_is_refused():
    """The error names the nearest model; in a frame its rows have no cost, and it is said how many."""
    with pytest.raises(UnknownModelError, match=r"Did you mean 'kimi-k2-5'\?"):
        cost(usage(1, 1), "kimi-k2.5")
    frame = pd.DataFrame([usage(1, 1) | {"model": name} for name in ("kimi-k2", "k9", "k9")])
    priced = price_usage(frame)
    assert priced["priced_as"][0] == "kimi-k2"
    columns = ["priced_as", *(name for name in priced if name.endswith("_usd"))]
    assert all(priced[name].isna().tolist() == [False, True, True] for name in columns)
    [said] = priced.attrs["notes"]
    assert "2 rows of k9. Unknown model 'k9'" in said
    costs = cost_rows(frame)
    assert costs.is_priced.tolist() == [True, False, False]
    assert costs.to_decimal().tolist() == priced["total_usd"].tolist()
    assert costs.total_usd == priced["total_usd"][0]
    unknown = price_usage(frame[1:])
    assert unknown[["input_usd", "output_usd", "total_usd"]].isna().all(axis=None)
    with pytest.raises(UnknownModelError, match="k9"):
        price_usage(frame, "k9")


def test_a_row_that_names_no_model_needs_one():
    """Nothing is priced as a model nobody named."""
    frame = pd.DataFrame([usage(1, 1) | {"model": name} for name in ("kimi-k2", None, None)])
    with pytest.raises(UsageError, match=r"Row 1 .* names no model \(2 such rows\)"):
        price_usage(frame)
    assert price_usage(frame, "kimi-k2")["priced_as"].tolist() == ["kimi-k2"] * 3


def test_rows_are_priced_as_the_model_they_name():
    """Mixed logs are priced row by row; labels, other columns and the given frame stay."""
    frame = pd.DataFrame(
        [usage(100, 10) | {"model": model, "team": n} for n, model in enumerate(MODELS * 2)],
        index=list("abcdefgh"),
    )
    before = frame.copy()
    found = price_usage(frame)
    assert found.index.tolist() == list("abcdefgh")
    assert found["team"].tolist() == list(range(8))
    assert found["priced_as"].tolist() == MODELS * 2
    assert found["total_usd"].tolist() == [
        (CARD[model][0] * 100 + CARD[model][1] * 10) / 1_000_000 for model in MODELS * 2
    ]
    pd.testing.assert_frame_equal(frame, before)


counts = st.integers(0, 300_000) | st.integers(0, LARGEST)
calls = st.tuples(counts, counts, st.none() | st.floats(0, 1)).map(
    lambda call: usage(call[0], call[1], call[2] if call[2] is None else int(call[2] * call[0]))
)
prices = st.decimals(0, 999_999_999, places=9).map(lambda price: f"{price:f}")


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(calls, min_size=1, max_size=12),
    prices=st.none() | st.fixed_dictionaries({"input": prices, "output": prices}, optional={"cached_input": prices}),
)  # fmt: skip
def test_columns_calls_and_totals_agree_to_the_last_digit(rows, prices):
    """A priced frame equals exact fractions and a loop of single calls, beyond 64-bit products."""
    catalog, model = (priced(**prices), "own") if prices else (load_catalog(), "kimi-k2-5")
    given_prices = prices or {"input": "2.50", "output": "7.50"}
    per_token = {name: Fraction(price) / 1_000_000 for name, price in given_prices.items()}
    frame = read_usage(pd.DataFrame(rows).astype("Int64"))
    found = price_usage(frame, model, catalog=catalog)
    for row, call in zip(found.itertuples(), rows, strict=True):
        cached = call["cached_tokens"] or 0
        expected = {
            "input_usd": (call["prompt_tokens"] - cached) * per_token["input"],
            "cached_usd": cached * per_token.get("cached_input", per_token["input"]),
            "output_usd": call["completion_tokens"] * per_token["output"],
        }
        expected["total_usd"] = sum(expected.values())
        one = cost(call, model, catalog=catalog)
        for name, amount in expected.items():
            assert Fraction(getattr(row, name)) == amount
            assert str(getattr(row, name)) == str(getattr(one, name))
    whole = total_cost(frame, model, catalog=catalog)
    for name in COST_COLUMNS:
        assert Fraction(getattr(whole, name)) == sum(map(Fraction, found[name]))


def test_products_beyond_64_bits_are_exact():
    """The largest counts at the finest and highest price are neither wrapped nor rounded."""
    catalog = priced(input="999999999.999999999", output="0.000000001")
    frame = read_usage(pd.DataFrame([usage(LARGEST, LARGEST), usage(1, 1)]))
    found = price_usage(frame, "own", catalog=catalog)
    assert [str(amount) for amount in found["input_usd"]] == [
        "999999999999999999",
        "999.999999999999999",
    ]
    assert found["output_usd"][1] == Decimal("0.000000000000001")
    assert (
        Fraction(total_cost(frame, "own", catalog=catalog).total_usd)
        == (LARGEST + 1) * (Fraction("999999999.999999999") + Fraction("0.000000001")) / 1_000_000
    )


@pytest.mark.parametrize("rows", [1, 20_000])
def test_a_total_does_not_overflow(rows):
    """The counts of a long log are summed exactly, past the largest 64-bit integer."""
    frame = pd.DataFrame(
        {"prompt_tokens": [LARGEST] * rows, "completion_tokens": [LARGEST - 1] * rows}
    )
    whole = total_cost(read_usage(frame), "kimi-k2")
    assert whole.input_usd == Decimal("1.20") * LARGEST * rows / 1_000_000
    assert whole.output_usd == Decimal("3.60") * (LARGEST - 1) * rows / 1_000_000


@settings(max_examples=50, deadline=None)
@given(
    call=calls,
    more=st.integers(0, 10**6),
    kind=st.sampled_from(["prompt_tokens", "completion_tokens"]),
)
def test_a_cost_is_additive_and_never_falls_as_tokens_grow(call, more, kind):
    """More tokens of a kind cost exactly their own price more."""
    call["prompt_tokens"] //= 2
    call["completion_tokens"] //= 2
    call["cached_tokens"] = (call["cached_tokens"] or 0) // 2
    price = CARD["kimi-k2-5"][kind == "completion_tokens"]
    before = cost(call, "kimi-k2-5").total_usd
    after = cost(call | {kind: call[kind] + more}, "kimi-k2-5").total_usd
    assert after - before == price * more / 1_000_000


def test_every_form_of_usage_costs_the_same():
    """A record, a mapping of the OpenAI form and a mapping of Kimi's are one call."""
    details = {"prompt_tokens_details": {"cached_tokens": 4}}
    forms = [
        UsageRecord(prompt_tokens=10, completion_tokens=5, cached_tokens=4),
        {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15} | details,
        usage(10, 5, cached=4) | details,
    ]
    by_hand = (Decimal("1.20") * 10 + Decimal("3.60") * 5) / 1_000_000
    assert {cost(form, "kimi-k2").total_usd for form in forms} == {by_hand}


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.tuples(calls, st.sampled_from(MODELS)), min_size=1, max_size=20))
def test_integer_costs_of_rows_are_the_decimals(rows):
    """Rows of mixed models, as integers of one unit, equal the decimals of a priced frame."""
    frame = read_usage(pd.DataFrame([call | {"model": model} for call, model in rows]))
    priced = price_usage(frame)
    found = cost_rows(frame)
    assert found.to_decimal().tolist() == priced["total_usd"].tolist()
    assert Fraction(found.total_usd) == sum(map(Fraction, priced["total_usd"]))
    assert list(found.notes) == priced.attrs["notes"]
    one = cost_rows(frame, "kimi-k2-5")
    assert one.total_usd == total_cost(frame, "kimi-k2-5").total_usd


def test_integer_costs_pass_64_bits():
    """Rows whose cost, or whose sum, needs more than 64 bits are exact."""
    rows = pd.DataFrame([usage(LARGEST, LARGEST)] * 3)
    fine = priced(input="0.000000001", output="999999999.999999999", cached_input="999.999")
    found = cost_rows(rows, "own", catalog=fine)
    assert found.units.dtype == object
    assert found.total_usd == total_cost(rows, "own", catalog=fine).total_usd
    card = cost_rows(pd.DataFrame([usage(LARGEST, LARGEST)] * 1_000), "kimi-k2-5")
    assert card.units.dtype == "int64"
    assert card.total_usd == 1_000 * LARGEST * Decimal(10) / 1_000_000


def test_a_priced_frame_says_how_cached_tokens_were_billed():
    """The note of a single call stands in the frame too, once for all models, after older notes."""
    frame = read_usage(pd.DataFrame([usage(9, 1, 5) | {"model": name} for name in MODELS]))
    frame.attrs["notes"] = ["An older note."]
    assert price_usage(frame).attrs["notes"] == [
        "An older note.",
        f"Catalog 2026-06 states no cached-input price for {', '.join(MODELS)}; cached tokens are "
        "billed as input.",
    ]
    uncached = read_usage(pd.DataFrame([usage(9, 1, 0)]))
    assert price_usage(uncached, "kimi-k2").attrs["notes"] == []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("prompt_tokens", -1),
        ("completion_tokens", LARGEST + 1),
        ("cached_tokens", 11),
        ("reasoning_tokens", 3),
        ("reasoning_tokens", -1),
        ("requests", 0),
    ],
)
@pytest.mark.parametrize(
    "call",
    [
        lambda frame: price_usage(frame, "kimi-k2"),
        lambda frame: cost_rows(frame, "kimi-k2"),
        lambda frame: total_cost(frame, "kimi-k2"),
        lambda frame: total_usage(frame, "model"),
    ],
    ids=["price_usage", "cost_rows", "total_cost", "total_usage"],
)
def test_a_frame_that_was_spoilt_is_refused_however_it_is_priced(column, value, call):
    """A frame has been read once, but what was changed since is looked at again, at its row."""
    one = usage(10, 2, 4) | {"reasoning_tokens": 1}
    frame = read_usage(pd.DataFrame([one] * 40_000))
    call(frame)
    frame.loc[39_999, column] = value
    with pytest.raises(UsageError, match=f"row 39999: .*{column}|row 39999: .*requests"):
        call(frame)
