"""What a log cost: every meter, each row at the prices of its day, however the log is cut."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kimi_planner import cost, load_catalog, price_usage, read_usage
from kimi_planner.catalog import Catalog, PricePeriod
from kimi_planner.errors import PriceNotFoundError, UsageError
from kimi_planner.forecast.rows import rows_of
from kimi_planner.report import focus_usage
from kimi_planner.usage import cost_rows, spend_by, total_usage
from kimi_planner.usage.priced import total_cost

PUBLIC = load_catalog("2026-11-public")
CHANGE = date(2026, 12, 11)
FIRST = {"input": "2.00", "cached_input": "0.20", "cache_write_5m": "2.50", "cache_write_1h": "4.00", "output": "10.00"}  # fmt: skip
SECOND = {name: Decimal(price) * Decimal("0.8") for name, price in FIRST.items()}
BATCH = Decimal("0.6")
SEARCH = Decimal("0.005")
#: From a column of a log to its price.
PRICED = {
    "cached_tokens": "cached_input",
    "written_5m_tokens": "cache_write_5m",
    "written_1h_tokens": "cache_write_1h",
    "completion_tokens": "output",
}


def period(prices: dict, effective_from: date | None = None) -> PricePeriod:
    stated = {f"{name}_usd_per_mtok": Decimal(price) for name, price in prices.items()}
    return PricePeriod(source="s", effective_from=effective_from, **stated)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """Return two models of one price list: ``m`` is 20% cheaper from the middle of December on."""
    spec = replace(
        PUBLIC.model("kimi-k2.5"),
        id="m",
        batch_multiplier=BATCH,
        price_periods=(period(FIRST), period(SECOND, CHANGE)),
        priced_on=date(2026, 11, 30),
        **{f"{name}_usd_per_mtok": Decimal(price) for name, price in FIRST.items()},
    )
    return replace(
        PUBLIC, models=(spec, replace(spec, id="same", price_periods=(), priced_on=None))
    )


def log(rows: int = 400, seed: int = 0) -> pd.DataFrame:
    """Return calls from November to January with everything that a bill has lines for."""
    rng = np.random.default_rng(seed)
    prompt = rng.integers(0, 10_000, rows)
    cached = rng.integers(0, prompt + 1)
    five = rng.integers(0, prompt - cached + 1)
    seconds = rng.integers(0, 80 * 86_400, rows)
    times = pd.Timestamp("2026-11-15", tz="UTC") + pd.to_timedelta(seconds, unit="s").as_unit("us")
    return pd.DataFrame(
        {
            "timestamp": times,
            "model": np.array(["m", "same"], dtype=object)[rng.integers(0, 2, rows)],
            "requests": 1,
            "prompt_tokens": prompt,
            "cached_tokens": pd.array(cached, dtype="Int64"),
            "completion_tokens": rng.integers(0, 900, rows),
            "reasoning_tokens": pd.array([0] * rows, dtype="Int64"),
            "written_5m_tokens": five,
            "written_1h_tokens": rng.integers(0, prompt - cached - five + 1),
            "batch": rng.random(rows) < 0.3,
            "fee: web search": rng.integers(0, 4, rows),
            "team": np.array(["a", "b"], dtype=object)[rng.integers(0, 2, rows)],
        }
    )


def by_hand(row: dict, model: str | None = None) -> Decimal:
    """Return what a row costs, in decimals, without the package."""
    model = model or row["model"]
    prices = SECOND if model == "m" and row["timestamp"].date() >= CHANGE else FIRST
    tokens = {name: int(row[name]) for name in ("prompt_tokens", *PRICED)}
    uncached = tokens["prompt_tokens"] - sum(list(tokens.values())[1:4])
    amount = Decimal(prices["input"]) * uncached
    for name, price in PRICED.items():
        amount += Decimal(prices[price]) * tokens[name]
    amount *= BATCH if row["batch"] else 1
    return amount / 1_000_000 + SEARCH * int(row["fee: web search"])


def summed(frame: pd.DataFrame, *by: str, model: str | None = None) -> dict[tuple, Decimal]:
    sums: dict[tuple, Decimal] = defaultdict(Decimal)
    for row in frame.to_dict("records"):
        keys = row | {"month": f"{row['timestamp']:%Y-%m}", "day": f"{row['timestamp']:%Y-%m-%d}"}
        sums[tuple(keys[key] for key in by)] += by_hand(row, model)
    return dict(sums)


def found(spend: pd.DataFrame, *by: str) -> dict[tuple, Decimal]:
    return {tuple(row[key] for key in by): row["total_usd"] for row in spend.to_dict("records")}


def test_tokens_written_for_an_hour_cost_what_the_list_says():
    """A million of them and 200 tokens of output are 4.002 USD, in a call and in a log."""
    usage = {
        "prompt_tokens": 1_000_000,
        "completion_tokens": 200,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 1_000_000},
    }
    assert cost(usage, "kimi-k3.1-pro", catalog=PUBLIC).total_usd == Decimal("4.002")
    frame = pd.DataFrame(
        {"prompt_tokens": [10**6], "written_1h_tokens": [10**6], "completion_tokens": [200]}
    )
    priced = price_usage(frame, "kimi-k3.1-pro", catalog=PUBLIC)
    assert priced["cache_write_1h_usd"].tolist() == [Decimal(4)]
    assert priced["total_usd"].tolist() == [Decimal("4.002")]
    [spend] = spend_by(frame, (), "kimi-k3.1-pro", catalog=PUBLIC).to_dict("records")
    assert (spend["cache_write_1h_usd"], spend["total_usd"]) == (Decimal(4), Decimal("4.002"))


def test_each_row_is_billed_at_the_prices_of_its_day(catalog):
    """Row by row, by meter and in total, a log across a change costs what a loop says."""
    frame = log()
    hand = [by_hand(row) for row in frame.to_dict("records")]
    priced = price_usage(frame, catalog=catalog)
    assert priced["total_usd"].tolist() == hand
    meters = [name for name in priced if name.endswith("_usd") and name != "total_usd"]
    assert meters == [
        *(f"{key}_usd" for key in ("input", "cached", "cache_write_5m", "cache_write_1h", "output")),
        *(f"batch_{key}_usd" for key in ("input", "cached", "cache_write_5m", "cache_write_1h", "output")),
        "fees_usd",
    ]  # fmt: skip
    assert priced[meters].sum(axis=1).tolist() == hand
    rows = cost_rows(frame, catalog=catalog)
    assert rows.to_decimal().tolist() == hand
    assert rows.total_usd == sum(hand)
    bills = rows.by_meter()
    assert sum(bills.usd(key) for key in bills.units) == sum(hand)
    whole = total_cost(frame, "m", catalog=catalog)
    assert whole.total_usd == sum(by_hand(row, "m") for row in frame.to_dict("records"))
    ahead = rows_of(read_usage(frame), None, catalog)
    assert ahead.amounts.sum() == pytest.approx(float(sum(hand)))
    said = "Each row of m is billed at the prices of its day: those before 2026-12-11 and from 2026-12-11 on."
    for notes in (priced.attrs["notes"], rows.notes, whole.notes, ahead.costs.notes):
        assert said in notes
    november = frame[frame["timestamp"] < pd.Timestamp("2026-12-01", tz="UTC")]
    assert price_usage(november, catalog=catalog).attrs["notes"] == []


def test_prices_that_come_back_are_said_with_every_change(catalog):
    """Cheaper for a week, then as before, and the same again under another date: two changes are said."""
    last, same = date(2026, 12, 18), date(2026, 12, 25)
    periods = (period(FIRST), period(SECOND, CHANGE), period(FIRST, last), period(FIRST, same))
    models = (replace(catalog.model("m"), price_periods=periods),)
    days = ["2026-12-01", "2026-12-12", "2026-12-20", "2026-12-28"]
    frame = pd.DataFrame({"timestamp": pd.to_datetime(days, utc=True), "model": "m",
                          "prompt_tokens": 1_000_000, "completion_tokens": 0})  # fmt: skip
    priced = price_usage(frame, catalog=replace(catalog, models=models))
    assert priced["total_usd"].tolist() == [
        Decimal(text) for text in ("2.00", "1.60", "2.00", "2.00")
    ]
    said = "those before 2026-12-11 and from 2026-12-11 on and from 2026-12-18 on."
    assert any(note.endswith(said) for note in priced.attrs["notes"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Write the log in parts, of which some state no writes, no batch and no fee."""
    path, frame = tmp_path_factory.mktemp("log"), log()
    frame[:200].to_parquet(path / "a.parquet")
    frame[200:300].to_csv(path / "b.csv", index=False)
    frame[300:].to_csv(path / "c.csv.gz", index=False)
    return path


@pytest.mark.parametrize("by", [("month", "model"), ("team",), (), ("day",)])
def test_spend_is_that_of_each_day_however_the_log_is_read(catalog, folder, by):
    """From a frame, a file, a folder or a cluster, by any keys: the loop's amounts."""
    import dask.dataframe as dd

    import kimi_planner.dask

    hand = summed(log(), *by)
    keys = tuple(dict.fromkeys((*by, "model", "day")))
    parts = kimi_planner.dask.total_usage(dd.from_pandas(log(), npartitions=3), keys)
    files = kimi_planner.dask.total_usage(folder, keys)
    for source in (log(), folder, parts, files, total_usage(log(), keys)):
        spend = spend_by(source, by, catalog=catalog)
        assert found(spend, *by) == hand
        meters = [name for name in spend if name.endswith("_usd")]
        assert spend[meters[:-1]].sum(axis=1).tolist() == spend["total_usd"].tolist()
        assert any("at the prices of its day" in note for note in spend.attrs["notes"])
    as_one = spend_by(folder, by, ["m", "same"], catalog=catalog)
    for model in ("m", "same"):
        own = as_one[as_one["priced_as"] == model]
        assert found(own, *by) == summed(log(), *by, model=model)


def test_totals_that_add_up_days_of_different_prices_are_refused(catalog):
    """Months without a change need no days; where one has a change, the message says what to do."""
    frame = log()
    totals = total_usage(frame, ("month", "model"))
    with pytest.raises(UsageError, match=r"prices of m change on 2026-12-11.*by 'day' as well"):
        spend_by(totals, "month", catalog=catalog)
    with pytest.raises(UsageError, match="by 'day' as well"):
        spend_by(total_usage(frame, "model"), (), catalog=catalog)
    others = frame[frame["timestamp"].dt.month != 12]
    spend = spend_by(total_usage(others, ("month", "model")), "model", catalog=catalog)
    assert found(spend, "model") == summed(others, "model")
    moved = replace(
        catalog.model("m"), price_periods=(period(FIRST), period(SECOND, date(2026, 12, 1)))
    )
    by_month = spend_by(totals, "month", "m", catalog=replace(catalog, models=(moved,)))
    assert by_month["rows"].sum() == len(frame)
    # only writing to a cache got a price of its own in October
    plain = frame[["timestamp", "prompt_tokens", "completion_tokens"]].copy()
    plain["timestamp"] -= pd.Timedelta(days=60)
    spend = spend_by(total_usage(plain, ()), (), "kimi-k3", catalog=PUBLIC)
    assert not [note for note in spend.attrs["notes"] if "of its day" in note]


@pytest.mark.parametrize("relative", [False, True])
def test_rows_without_a_date_have_the_prices_of_a_named_day(catalog, relative):
    """They are billed as of the day that is given, else the catalog's, and it is said."""
    frame = pd.DataFrame({"prompt_tokens": [10**6], "completion_tokens": [0]})
    if relative:
        frame["timestamp_s"] = 5
    frame = read_usage(frame)
    for as_of, price in ((None, "2"), (date(2026, 12, 10), "2"), (CHANGE, "1.6")):
        options = {"as_of": as_of, "catalog": catalog}
        priced, spend = price_usage(frame, "m", **options), spend_by(frame, (), "m", **options)
        total = total_cost(frame, "m", **options)
        assert priced["total_usd"].tolist() == spend["total_usd"].tolist() == [Decimal(price)]
        assert total.total_usd == cost_rows(frame, "m", **options).total_usd == Decimal(price)
        said = f"Rows of m without a date are billed at the prices of {as_of or '2026-11-30'}."
        for notes in (priced.attrs["notes"], spend.attrs["notes"], total.notes):
            assert said in notes
    with pytest.raises(UsageError, match=r"as_of is 'soon'. Give a day: datetime.date"):
        price_usage(frame, "m", as_of="soon", catalog=catalog)
    dated = log()
    dated.loc[:3, "timestamp"] = pd.NaT
    with pytest.raises(UsageError, match="by 'day' as well"):
        spend_by(total_usage(dated[:9], ()), (), "m", as_of=date(2027, 1, 1), catalog=catalog)


def test_what_has_no_price_is_an_error_and_no_zero(catalog):
    """A batch without a batch price, a fee that nobody states, a day before all prices."""
    row = {"prompt_tokens": [5], "completion_tokens": [1]}
    for more, said in (({"batch": True}, "no batch price for 'kimi-k2'"), ({"fee: x": 1}, "no fee 'x'")):  # fmt: skip
        frame = pd.DataFrame(row).assign(**more)
        for price in (price_usage, cost_rows, total_cost):
            with pytest.raises(PriceNotFoundError, match=said):
                price(frame, "kimi-k2")
        with pytest.raises(PriceNotFoundError, match=said):
            spend_by(frame, (), "kimi-k2")
    early = pd.DataFrame(row).assign(timestamp="2026-07-01T00:00:00Z")
    for price in (price_usage, cost_rows, total_cost):
        with pytest.raises(PriceNotFoundError, match=r"no input price for 'kimi-k3' on 2026-07-01"):
            price(early, "kimi-k3", catalog=PUBLIC)


def test_totals_of_parts_with_other_columns_add_up_in_any_order():
    """A part that states no writes, batch or fee adds nothing to them; the order does not matter."""
    frame = log()
    bare = frame.drop(
        columns=["written_5m_tokens", "written_1h_tokens", "batch", "fee: web search"]
    )
    with_fee = frame.rename(columns={"fee: web search": "fee: other"})
    parts = [total_usage(one, ("day", "model")) for one in (frame, bare, with_fee)]
    one, two = parts[0] + parts[1] + parts[2], parts[2] + (parts[1] + parts[0])
    assert (one.columns, one.cells) == (two.columns, two.cells)
    total = one.total
    assert total["fee: web search"] == total["fee: other"] == frame["fee: web search"].sum()
    assert total["written_1h_tokens"] == 2 * frame["written_1h_tokens"].sum()
    assert total["batch_prompt_tokens"] == 2 * frame["prompt_tokens"][frame["batch"]].sum()
    assert total["prompt_tokens"] == 3 * frame["prompt_tokens"].sum()


@pytest.mark.parametrize("by", ["day", "month"])
def test_focus_has_a_row_for_every_meter_and_price(catalog, folder, by):
    """Quantities times unit prices are the list costs, exactly, and add up to the log's cost."""
    frame = log()
    hand = sum(map(by_hand, frame.to_dict("records")))
    rows = focus_usage(folder, by=by, tags="team", catalog=catalog)
    pd.testing.assert_frame_equal(rows, focus_usage(frame, by=by, tags="team", catalog=catalog))
    assert sum(rows["BilledCost"]) == hand
    assert (rows["PricingQuantity"] * rows["ListUnitPrice"]).tolist() == rows["ListCost"].tolist()
    tokens = rows[rows["PricingUnit"] == "1000000 Tokens"]
    assert sum(tokens["ConsumedQuantity"]) == int(frame[["prompt_tokens", "completion_tokens"]].sum().sum())  # fmt: skip
    fees = rows[rows["PricingUnit"] == "Requests"]
    assert set(fees["SkuMeter"]) == {"Web Search"}
    assert sum(fees["ConsumedQuantity"]) == int(frame["fee: web search"].sum())
    details = {row.SkuMeter: json.loads(row.SkuPriceDetails) for row in tokens.itertuples()}
    assert len(details) == 10
    assert {one["TokenCacheAction"] for one in details.values() if "TokenCacheAction" in one} == {"Uncached", "Read", "Write"}  # fmt: skip
    assert sum("x_Batch" in one for one in details.values()) == 5
    assert sum(one.get("x_CacheLifetime") == "1 hour" for one in details.values()) == 2
    assert not rows[["ChargePeriodStart", "SkuPriceId", "Tags"]].duplicated().any()
    for _, same in rows.groupby("SkuPriceId"):
        assert len(set(same["ListUnitPrice"])) == 1
    if by == "month":
        own = rows[(rows["SkuId"] == "m") & (rows["SkuMeter"] == "Input Tokens")]
        assert [one[:10] for one in own["ChargePeriodStart"].unique()] == ["2026-11-01", "2026-12-01", "2026-12-11", "2027-01-01", "2027-02-01"]  # fmt: skip
        december = own[own["ChargePeriodStart"] == "2026-12-01T00:00:00Z"]
        assert set(december["ChargePeriodEnd"]) == {"2026-12-11T00:00:00Z"}
        assert set(december["BillingPeriodEnd"]) == {"2027-01-01T00:00:00Z"}


USAGE = {"prompt_tokens": 100, "completion_tokens": 7}
SPAN = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 7}  # fmt: skip
WINDOW = {"num_model_requests": 3, "input_tokens": 100, "output_tokens": 7}


@pytest.mark.parametrize(
    ("entry", "written", "in_batch"),
    [
        ({"usage": USAGE | {"cache_creation_input_tokens": 30}}, (30, 0), False),
        ({"usage": USAGE | {"created_cache_tokens": 30}}, (30, 0), False),
        ({"usage": USAGE | {"prompt_tokens_details": {"cache_write_tokens": 30}}}, (30, 0), False),
        ({"usage": {"input_tokens": 60, "cache_read_input_tokens": 10, "cache_creation_input_tokens": 30, "output_tokens": 7,
                    "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20}}}, (10, 20), False),
        (USAGE | {"written_5m_tokens": 1, "written_1h_tokens": 2, "batch": True}, (1, 2), True),
        ({"usage": USAGE, "service_tier": "batch"}, (0, 0), True),
        ({"usage": USAGE | {"service_tier": "batch"}}, (0, 0), True),
        ({"custom_id": "a", "response": {"status_code": 200, "body": {"usage": USAGE}}}, (0, 0), True),
        (SPAN | {"gen_ai.usage.cache_creation.input_tokens": 30}, (30, 0), False),
        (SPAN | {"openai.response.service_tier": "batch"}, (0, 0), True),
        (WINDOW | {"batch": True}, (0, 0), True),
        ({"startTime": "2026-12-01T00:00:00Z", **USAGE, "metadata": {"usage_object": {"cache_creation_input_tokens": 30}}}, (30, 0), False),
        ({"type": "GENERATION", "usage_details": {"input": 60, "input_cache_creation": 10, "input_cache_creation_1h": 30, "output": 7}}, (10, 30), False),
    ],
)  # fmt: skip
def test_every_form_states_writes_and_batches_in_its_way(tmp_path, entry, written, in_batch):
    """Tokens written and batches are read where a form has them, in a document and by line."""
    path = tmp_path / "log.jsonl"
    other = {"usage": USAGE, "timestamp_s": None}
    path.write_text(f"{json.dumps(other)}\n{json.dumps(entry)}\n", encoding="utf-8")
    frame = read_usage(path)
    assert frame["prompt_tokens"].tolist() == [100, 100]
    for name, count in zip(("written_5m_tokens", "written_1h_tokens"), written, strict=True):
        assert frame.get(name, pd.Series([0, 0])).tolist() == [0, count]
        assert (name in frame) == bool(count)
    assert frame.get("batch", pd.Series([False, False])).tolist() == [False, in_batch]
    assert ("batch" in frame) == in_batch
    pd.testing.assert_frame_equal(read_usage(frame), frame)
    frame.drop(columns="timestamp").to_csv(tmp_path / "log.csv", index=False)
    again = read_usage(tmp_path / "log.csv")
    pd.testing.assert_frame_equal(again.drop(columns="timestamp"), frame.drop(columns="timestamp"))


@pytest.mark.parametrize(
    ("columns", "cells", "said"),
    [
        ("cached_tokens,written_5m_tokens,written_1h_tokens", "50,30,21", "51 tokens are written to a cache, but only 50"),
        ("written_1h_tokens", "-1", "written_1h_tokens is -1"),
        ("fee: web search", "0.5", "fee: web search is .?0.5"),
        ("batch", "perhaps", "batch is 'perhaps'. Write true or false"),
    ],
)  # fmt: skip
def test_contradictions_are_located(tmp_path, columns, cells, said):
    """What cannot be is an error with file and line, or is left out and counted."""
    path = tmp_path / "log.csv"
    rows = [",".join(["100", "7", *"0" * len(columns.split(","))]), f"100,7,{cells}"]
    path.write_text("\n".join([f"prompt_tokens,completion_tokens,{columns}", *rows, ""]))
    with pytest.raises(UsageError, match=f"log.csv line 3: .*{said}"):
        read_usage(path)
    assert read_usage(path, on_error="skip").attrs["rejected"] == 1
    with pytest.raises(UsageError, match=f"log.csv line 3: .*{said}"):
        total_usage(tmp_path, ())
    entry = USAGE | {"cached_tokens": 50, "written_5m_tokens": 51}
    (tmp_path / "log.jsonl").write_text(f"{json.dumps(USAGE)}\n{json.dumps(entry)}\n")
    with pytest.raises(UsageError, match=r"log.jsonl line 2: 51 tokens are written to a cache"):
        read_usage(tmp_path / "log.jsonl")
