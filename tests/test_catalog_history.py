"""Dated prices: which hold on a day, what was known when, and plans across a change."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_planner import Workload, price_usage, project, recommend
from kimi_planner.billing.tariff import Tariff
from kimi_planner.catalog import PricePeriod, load_catalog
from kimi_planner.errors import CatalogError, PriceNotFoundError
from kimi_planner.usage import spend_by

HEAD = """
version = "own"
published = "2026-06"
currency = "USD"
source = "s"
[sources.s]
title = "a list"
checked_on = 2026-11-24
[[models]]
id = "m"
context_window_tokens = 1000000
"""
FIRST = """
[[models.prices]]
effective_from = 2026-07-01
input_usd_per_mtok = "1.00"
output_usd_per_mtok = "4.00"
source = "s"
"""
SECOND = """
[[models.prices]]
effective_from = 2026-12-11
known_on = 2026-11-20
input_usd_per_mtok = "2.00"
cached_input_usd_per_mtok = "0.50"
output_usd_per_mtok = "8.00"
source = "s"
"""
TAIL = '[models.sources]\ns = ["id", "context_window_tokens"]\n'
PLAIN = Workload(name="w", requests_per_day=1000, prompt_tokens=1000, completion_tokens=100)


def catalog_of(tmp_path, *periods, tail=TAIL):
    path = tmp_path / "own.toml"
    path.write_text("".join([HEAD, *periods, tail]), encoding="utf-8")
    return path


def test_a_start_is_included_and_an_end_is_not(tmp_path):
    """On the day of a change the new price holds, on the first day after an end none does."""
    ends = FIRST.replace('source = "s"', 'effective_to = 2026-12-01\nsource = "s"')
    catalog = load_catalog(catalog_of(tmp_path, ends, SECOND))
    model = catalog.model("m")
    for day, price in {
        date(2026, 6, 30): None,
        date(2026, 7, 1): "1.00",
        date(2026, 11, 30): "1.00",
        date(2026, 12, 1): None,
        date(2026, 12, 10): None,
        date(2026, 12, 11): "2.00",
        date(2099, 1, 1): "2.00",
    }.items():
        assert model.on(day).input_usd_per_mtok == (price and Decimal(price)), day
    with pytest.raises(PriceNotFoundError, match=r"no input price for 'm' on 2026-12-05"):
        Tariff.of(model.on(date(2026, 12, 5)))


@given(st.lists(st.dates(date(2026, 1, 1), date(2027, 12, 31)), unique=True, min_size=1), st.data())
def test_the_last_period_begun_holds(starts, data):
    """Whatever the periods, a day's price is that of the latest start not after it."""
    spec = load_catalog().model("kimi-k2")
    periods = tuple(
        PricePeriod(source="card", effective_from=day, input_usd_per_mtok=Decimal(number))
        for number, day in enumerate(sorted(starts), 1)
    )
    day = data.draw(st.dates(date(2025, 12, 1), date(2028, 1, 31)))
    begun = sum(start <= day for start in starts)
    found = replace(spec, price_periods=periods).on(day)
    assert found.input_usd_per_mtok == (Decimal(begun) if begun else None)
    assert found.cached_input_usd_per_mtok is None
    assert found.on(day) is found


def test_a_plan_across_a_change_uses_each_price_for_its_days(tmp_path):
    """December has ten days at the first price and twenty-one at the second, to the last digit."""
    path = catalog_of(tmp_path, FIRST, SECOND)
    plan = project(PLAIN, months=2, as_of=date(2026, 11, 24), catalog=path)
    first = 1000 * (1000 * Decimal("1.00") + 100 * Decimal("4.00")) / 1_000_000
    second = 1000 * (1000 * Decimal("2.00") + 100 * Decimal("8.00")) / 1_000_000
    assert plan.spend["w", "m"].exact_usd == (10 * first + 21 * second, 31 * second)
    assert any(
        "m, prices from 2026-12-11 on: input_usd_per_mtok 1.00 -> 2.00" in note
        for note in plan.notes
    )


def test_a_change_is_used_from_the_day_on_which_it_was_known(tmp_path):
    """A plan made before the new price was known keeps the old one; prices of the day are shown."""
    path = catalog_of(tmp_path, FIRST, SECOND)
    before = project(PLAIN, months=2, as_of=date(2026, 11, 19), catalog=path)
    first = 1000 * (1000 * Decimal("1.00") + 100 * Decimal("4.00")) / 1_000_000
    assert before.spend["w", "m"].exact_usd == (31 * first, 31 * first)
    shown = load_catalog(path, as_of=date(2026, 12, 11)).model("m")
    assert (shown.input_usd_per_mtok, shown.priced_on) == (Decimal("2.00"), date(2026, 12, 11))


def test_a_change_in_the_workload_file_goes_on_top(tmp_path):
    """A factor of the workload multiplies whatever the catalog's price of the day is."""
    path = catalog_of(tmp_path, FIRST, SECOND)
    half = Workload(
        name="w",
        requests_per_day=1000,
        prompt_tokens=1000,
        completion_tokens=100,
        price_changes=[{"date": date(2026, 12, 1), "factor": 0.5}],
    )
    plain, halved = (
        project(one, months=3, as_of=date(2026, 11, 24), catalog=path).spend["w", "m"].exact_usd
        for one in (PLAIN, half)
    )
    assert halved == tuple(amount / 2 for amount in plain)


def test_a_log_without_dates_is_billed_at_the_prices_of_one_day_and_says_so(tmp_path):
    """Rows and totals take the day that is given, else the one that the catalog was loaded for."""
    path = catalog_of(tmp_path, FIRST, SECOND)
    frame = pd.DataFrame({"model": ["m"], "prompt_tokens": [1_000_000], "completion_tokens": [0]})
    for day, price in ((date(2026, 12, 1), 1), (date(2026, 12, 11), 2)):
        for options in (
            {"catalog": load_catalog(path, as_of=day)},
            {"catalog": path, "as_of": day},
        ):
            priced = price_usage(frame, **options)
            assert priced["total_usd"].tolist() == [Decimal(price)]
            note = f"Rows of m without a date are billed at the prices of {day}."
            assert note in priced.attrs["notes"]
            spend = spend_by(frame, by=(), **options)
            assert spend["total_usd"].tolist() == [Decimal(price)]
            assert note in spend.attrs["notes"]
    dated = frame.assign(timestamp="2026-12-11T00:00:00Z")
    assert price_usage(dated, catalog=path, as_of=date(2026, 12, 1))["total_usd"].tolist() == [2]


def test_without_dates_nothing_changes():
    """A catalog without dated prices is the same object on every day."""
    card = load_catalog()
    assert card.on(date(2026, 11, 24)) is card
    assert load_catalog(card, as_of=date(2030, 1, 1)) is card
    with pytest.raises(PriceNotFoundError, match="starts in 2026-06"):
        load_catalog(as_of=date(2026, 5, 31))


def test_uncertain_plans_cross_a_change_too(tmp_path):
    """With a range of traffic the mean of each month is calendar days times the price of the day."""
    path = catalog_of(tmp_path, FIRST, SECOND)
    ranged = Workload(
        name="w",
        requests_per_day={"p10": 900, "p50": 1000, "p90": 1100},
        prompt_tokens=1000,
        completion_tokens=100,
    )
    plan = project(ranged, months=2, as_of=date(2026, 11, 24), catalog=path)
    december, january = plan.spend["w", "m"].mean()
    assert december == pytest.approx(10 * 1.4 + 21 * 2.8, rel=2e-3)
    assert january == pytest.approx(31 * 2.8, rel=2e-3)


def test_what_a_plan_leaves_out_of_the_catalog_is_said():
    """Tax, fees, dearer cache writes and reserved tokens are notes; for the card there is none."""
    notes = project(PLAIN, months=1, as_of=date(2026, 11, 24), catalog="2026-11-public").notes
    for words in (
        "Prices of catalog 2026-11-public are without tax.",
        "Not in the spend: web search, 0.005 USD a call.",
        "kimi-k3.1-pro 4.00 instead of 2.00, kimi-k3.1-pro-highspeed 8.00 instead of 4.00, kimi-k3 6.00",
        "a call on kimi-k3 reserves 131,072 tokens of its window, or its answer where that is longer: w.",
    ):
        assert any(words in note for note in notes), words
    card = project(PLAIN, months=1, as_of=date(2026, 11, 24)).notes
    assert not [note for note in card if "tax" in note or "Not in the spend" in note]


def test_a_retired_model_is_not_offered():
    """Left out by default and said so; named, it is planned but excluded with the reason."""
    day = date(2026, 11, 24)
    plan = project(PLAIN, months=1, as_of=day, catalog="2026-11-public")
    assert "kimi-k2-thinking" not in plan.models
    assert "kimi-k2.6" in plan.models
    (note,) = [
        one for one in plan.notes if one.startswith("Left out, as retired before 2026-12-01")
    ]
    assert "kimi-k2-0905-preview" in note
    chosen = recommend(
        PLAIN,
        months=1,
        as_of=day,
        catalog="2026-11-public",
        models=["kimi-k2-thinking", "kimi-k2.5", "kimi-k2.6"],
    )
    reasons = {one.model: one.reasons for one in chosen.exclusions}
    assert reasons == {
        "kimi-k2-thinking": ("retired from 2026-05-25 on; its source names kimi-k2.6 instead",),
        "kimi-k2.5": ("deprecated, says catalog 2026-11-public",),
    }
    assert chosen.best == {"w": "kimi-k2.6"}


def test_a_model_that_goes_during_the_plan_is_excluded(tmp_path):
    """Retirement on the last day of a plan counts, on the day after it does not."""
    for day, gone in (("2026-12-31", True), ("2027-01-01", False)):
        text = SECOND.replace("2026-12-11", "2026-07-01").replace("known_on = 2026-11-20\n", "")
        tail = TAIL.replace('"id",', '"id", "retired_on",')
        path = catalog_of(tmp_path, f"retired_on = {day}\n{text}", tail=tail)
        found = recommend(PLAIN, months=1, as_of=date(2026, 11, 24), catalog=path)
        assert bool(found.exclusions) == gone


FAULTS = {
    "flat and dated": ('input_usd_per_mtok = "3.00"\n' + FIRST, TAIL, 12, "input_usd_per_mtok stands beside"),
    "out of order": (SECOND + FIRST, TAIL, 22, "Write periods in order"),
    "overlap": (FIRST.replace('source', 'effective_to = 2027-01-01\nsource') + SECOND, TAIL, 21, "Two prices cannot hold on one day"),
    "end first": (FIRST.replace('source', 'effective_to = 2026-07-01\nsource'), TAIL, 17, "not after effective_from"),
    "no start": (FIRST + SECOND.replace("effective_from = 2026-12-11\n", ""), TAIL, 19, "effective_from is missing"),
    "known in the future": (FIRST + SECOND.replace("2026-11-20", "2027-11-20"), TAIL, None, "known_on is 2027-11-20, after the last check"),
    "unknown key": (FIRST + SECOND.replace("known_on", "know_on"), TAIL, 21, "Did you mean 'known_on'?"),
    "second price as float": (FIRST + SECOND.replace('"2.00"', "2.00"), TAIL, 22, "input_usd_per_mtok is 2.00"),
    "unknown source": (FIRST + SECOND.replace('"s"', '"t"'), TAIL, 25, "unknown source 't'"),
    "one table": (FIRST.replace("[[models.prices]]", "[models.prices]"), TAIL, 13, "must be written [[models.prices]]"),
}  # fmt: skip


@pytest.mark.parametrize(("periods", "tail", "line", "said"), FAULTS.values(), ids=FAULTS.keys())
def test_a_dated_price_that_breaks_a_rule_is_refused_with_its_line(
    tmp_path, periods, tail, line, said
):
    """Periods in disorder, overlapping or malformed are one error with the line of the fault."""
    path = catalog_of(tmp_path, periods, tail=tail)
    with pytest.raises(CatalogError) as caught:
        load_catalog(path)
    words = str(caught.value)
    assert said in words
    assert "\n" not in words
    if line:
        assert words.startswith(f"{path} line {line}: "), words
