"""Derived catalogs: other prices, exactly, and said wherever they are used."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_planner import Workload, cost, load_catalog, project, recommend
from kimi_planner.catalog import ALL_PRICES
from kimi_planner.errors import CatalogError, UnknownModelError
from kimi_planner.report.comparisons import plan_sections
from kimi_planner.report.register import source_sentences
from kimi_planner.report.text import plan_text

CARD, PUBLIC = load_catalog(), load_catalog("2026-11-public")
LISTED = load_catalog("2026-11-public-3")
USAGE = {"prompt_tokens": 2000, "completion_tokens": 500}


@given(st.decimals(0, 1, places=6), st.sampled_from([CARD, PUBLIC]))
def test_a_discount_is_exact_on_every_price_of_every_day(share, catalog):
    """Each stated price, flat or dated, is that share lower; an unknown one stays unknown."""
    found = catalog.with_discount(share)
    for old, new in zip(catalog, found, strict=True):
        pairs = [(old, new), *zip(old.price_periods, new.price_periods, strict=True)]
        for before, after in pairs:
            for name in ALL_PRICES:
                price = getattr(before, name)
                assert getattr(after, name) == (None if price is None else price * (1 - share))
        assert new.catalog_version == found.version


def test_a_discount_can_be_for_some_models():
    """Only the named models change, and the version names them in the order of the catalog."""
    found = CARD.with_discount("0.125", models=["kimi-k2", "kimi-k2-5"])
    assert found.version == "2026-06 + 12.5% off on kimi-k2-5, kimi-k2"
    assert found.model("kimi-k2").input_usd_per_mtok == Decimal("1.05")
    assert found.model("kimi-k2-instruct").input_usd_per_mtok == Decimal("1.50")
    assert CARD.with_discount(1).version == "2026-06 + 100% off"
    assert CARD.with_discount("-0.2").version == "2026-06 + 20% more"


def test_a_price_can_be_set_or_made_unknown():
    """What is named changes, on every day; the rest stays, and None is unknown, not zero."""
    found = PUBLIC.with_price("kimi-k3", input_usd_per_mtok="2.00", cached_input_usd_per_mtok=None)
    for day in (date(2026, 8, 1), date(2026, 12, 1)):
        model = found.model("kimi-k3").on(day)
        assert (model.input_usd_per_mtok, model.output_usd_per_mtok) == (2, 15)
        assert model.cached_input_usd_per_mtok is None
    assert found.version == "2026-11-public + kimi-k3 at input 2.00, cached input unknown"


def test_a_derived_catalog_says_what_it_was_derived_from():
    """Version, digest, steps, bills and reports name the origin; the origin itself is untouched."""
    found = CARD.with_discount("0.1").with_price("kimi-k2", output_usd_per_mtok=3)
    assert found.derived_from == (
        f"from catalog 2026-06 (sha256 {CARD.sha256[:12]})",
        "10% off",
        "kimi-k2 at output 3",
    )
    assert found.sha256 not in (CARD.sha256, CARD.with_discount("0.1").sha256)
    assert found == CARD.with_discount("0.1").with_price("kimi-k2", output_usd_per_mtok=3)
    assert CARD.model("kimi-k2").output_usd_per_mtok == Decimal("3.60")
    assert source_sentences(found)[0].startswith("Derived prices, not published ones: from catalog")
    bill = cost(USAGE, "kimi-k2", catalog=found)
    assert bill.catalog_version == found.version
    assert bill.total_usd == (2000 * Decimal("1.08") + 500 * 3) / 1_000_000
    workload = Workload(name="w", requests_per_day=1, prompt_tokens=1, completion_tokens=1)
    plan = recommend(workload, months=1, as_of=date(2026, 11, 24), catalog=found)
    assert f"Catalog {found.version} (sha256" in plan_text(plan)


def test_a_plan_scales_with_the_discount():
    """The bill of plain numbers is that share lower, to the last digit."""
    workload = Workload(name="w", requests_per_day=997, prompt_tokens=1013, completion_tokens=101)
    plain, cheaper = (
        project(workload, months=3, as_of=date(2026, 11, 24), catalog=one)
        for one in (CARD, CARD.with_discount("0.3"))
    )
    for key, spend in plain.spend.items():
        assert cheaper.spend[key].exact_usd == tuple(
            amount * Decimal("0.7") for amount in spend.exact_usd
        )


@given(st.decimals("0.000001", 1000, places=6), st.sampled_from([CARD, PUBLIC]))
def test_another_currency_stands_beside_and_never_in_a_sum(rate, catalog):
    """Prices, costs, version and hash stay; a rate holds from its day on, the first before it too."""
    found = catalog.in_currency("EUR", rate=rate, on=date(2026, 11, 24))
    assert found.currency == "USD"
    assert (found.version, found.sha256, found.models) == (
        catalog.version,
        catalog.sha256,
        catalog.models,
    )
    later = found.in_currency("EUR", rate=2, on=date(2027, 1, 1))
    days = (date(2026, 1, 1), date(2026, 12, 31), date(2027, 1, 1), date(2028, 1, 1))
    assert [later.exchanges[0].at(day) for day in days] == [rate, rate, 2, 2]
    bill = cost(USAGE, catalog.ids[0], catalog=found)
    assert bill.total_usd == cost(USAGE, catalog.ids[0], catalog=catalog).total_usd
    assert found.sources["exchange_eur"].checked_on == date(2026, 11, 24)


def test_a_report_shows_its_total_in_the_other_currency():
    """The exact total times the rate, with the rate and its day; a range has its range."""
    euros = CARD.in_currency("EUR", rate="0.5", on=date(2026, 11, 24))
    workload = Workload(name="w", requests_per_day=1000, prompt_tokens=1000, completion_tokens=0)
    plan = recommend(workload, months=1, as_of=date(2026, 11, 24), catalog=euros)
    assert plan.best == {"w": "kimi-k2"}
    text = " ".join(plan_text(plan, plan_sections(plan)).split())
    assert "37.20 USD (range not given) in 2026-12" in text
    assert "18.60 EUR (range not given) in 2026-12. At 0.5 EUR per USD on 2026-11-24" in text
    ranged = Workload(
        name="w",
        requests_per_day={"p10": 5e5, "p50": 1e6, "p90": 2e6},
        prompt_tokens=1000,
        completion_tokens=0,
    )
    plan = recommend(ranged, months=1, as_of=date(2026, 11, 24), catalog=euros, n_paths=200)
    p50 = plan.projection.summary().set_index("model").loc["kimi-k2", "p50_usd"]
    assert f"P50 {p50 / 2:,.0f} EUR (P10 " in plan_text(plan, plan_sections(plan))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: CARD.with_discount(1.5), "The discount is 1.5. It is a share such as 0.1, at most 1"),
        (lambda: CARD.in_currency("euro", rate=1, on=date(2026, 1, 1)), "Give three letters other than USD"),
        (lambda: CARD.in_currency("USD", rate=1, on=date(2026, 1, 1)), "Give three letters other than USD"),
        (lambda: CARD.in_currency("EUR", rate=0, on=date(2026, 1, 1)), "The rate is 0. It lies above 0"),
        (lambda: CARD.in_currency("EUR", rate=1, on=date(2026, 1, 1)).in_currency("EUR", rate=2, on=date(2026, 1, 1)), "Two rates of EUR are of 2026-01-01, 1 and 2. Keep one."),
        (lambda: CARD.in_currency("EUR", rate="x", on=date(2026, 1, 1)), "'x' is not a number"),
        (lambda: CARD.in_currency("EUR", rate=1, on="today"), "Give a day: datetime.date"),
        (lambda: LISTED.in_currency("CNY", rate=7, on=date(2026, 1, 1)).with_list("CNY"), "by a rate and by the list"),
        (lambda: LISTED.with_list("CNY").in_currency("CNY", rate=7, on=date(2026, 1, 1)), "by a rate and by the list"),
        (lambda: CARD.with_discount("a lot"), "Give 0.1 for 10% off"),
        (lambda: CARD.with_discount(float("nan")), "not a finite number"),
        (lambda: CARD.with_price("kimi-k2"), "No price is given for 'kimi-k2'"),
        (lambda: CARD.with_price("kimi-k2", input_usd=1), "Did you mean 'input_usd_per_mtok'?"),
        (lambda: CARD.with_price("kimi-k2", input_usd_per_mtok=-1), "between 0 and 1,000,000"),
        (lambda: CARD.with_price("kimi-k2", input_usd_per_mtok=[]), "is not a number"),
    ],
)  # fmt: skip
def test_a_derived_catalog_out_of_its_bounds_is_refused(call, said):
    """One line names the value and what is allowed."""
    with pytest.raises(CatalogError) as caught:
        call()
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_derived_catalog_of_an_unknown_model_is_refused():
    """The model is named with the nearest id."""
    for call in (
        lambda: CARD.with_price("kimi-k9", input_usd_per_mtok=1),
        lambda: CARD.with_discount("0.1", models="kimi-k9"),
    ):
        with pytest.raises(UnknownModelError, match="kimi-k9"):
            call()
