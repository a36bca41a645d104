"""What differs between catalogs: turned round, applied, and what it does to workloads."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimi_planner import Workload, load_catalog, project
from kimi_planner.catalog import Conflict, Correspondence, PricePeriod, Rating, diff_catalogs
from kimi_planner.choose import catalog_effect
from kimi_planner.errors import CatalogError, PriceNotFoundError

CARD = load_catalog()
AS_OF = date(2026, 11, 25)
PLAIN = Workload(name="w", requests_per_day=1000, prompt_tokens=1000, completion_tokens=100)

prices = st.none() | st.decimals(0, 1000, places=4)
days = st.dates(date(2026, 1, 1), date(2027, 12, 31))


@st.composite
def models(draw, name):
    return replace(
        CARD.model("kimi-k2"),
        id=name,
        name=draw(st.sampled_from([None, "A", "B"])),
        input_usd_per_mtok=draw(prices),
        cached_input_usd_per_mtok=draw(prices),
        output_usd_per_mtok=draw(prices),
        cache_write_1h_usd_per_mtok=draw(prices),
        context_window_tokens=draw(st.none() | st.integers(1, 10**6)),
        capabilities=draw(st.frozensets(st.sampled_from(["text", "vision", "json"]))),
        speed=draw(st.none() | st.builds(Rating, rating=st.integers(1, 3), words=st.just("w"), reading=st.just("r"))),
        retired_on=draw(st.none() | days),
        price_periods=tuple(
            PricePeriod(source="card", effective_from=day, input_usd_per_mtok=Decimal(1))
            for day in sorted(draw(st.sets(days, max_size=2)))
        ),
    )  # fmt: skip


@st.composite
def catalogs(draw, version):
    names = draw(st.lists(st.sampled_from("abcdef"), unique=True, min_size=1))
    texts = dict.fromkeys(("chosen_where", "other_where", "reason"), "x")
    return replace(
        CARD,
        version=version,
        models=tuple(draw(models(name)) for name in names),
        tax=draw(st.sampled_from([None, "excluded"])),
        conflicts=tuple(
            Conflict(field=field, chosen="1", other="2", **texts)
            for field in draw(st.lists(st.sampled_from("pqr"), unique=True))
        ),
        correspondences=tuple(
            Correspondence(model=name, catalog="other", other=other, reason="stated")
            for name, other in draw(
                st.sets(st.tuples(st.sampled_from(names), st.sampled_from("abcdef")), max_size=3)
            )
        ),
    )


@settings(max_examples=50, deadline=None)
@given(catalogs("one"), catalogs("other"))
def test_a_diff_is_antisymmetric_and_gives_the_other_version(one, other):
    """Back is the reverse of forth, applied it is the other catalog, and there and back is nothing."""
    forth, back = diff_catalogs(one, other), diff_catalogs(other, one)
    assert forth.reversed() == back
    assert forth.reversed().reversed() == forth
    assert forth.apply(one) == other
    assert back.apply(forth.apply(one)) == one


@settings(max_examples=50, deadline=None)
@given(catalogs("one"))
def test_a_diff_with_itself_is_empty(one):
    """Nothing differs from itself, and nothing is what applying that changes."""
    found = diff_catalogs(one, one)
    assert found.is_empty
    assert (found.prices, found.contexts, found.counterparts) == ((), (), ())
    assert found.apply(one) == one


@settings(max_examples=50, deadline=None)
@given(catalogs("one"), catalogs("other"))
def test_every_difference_is_counted_once(one, other):
    """Models are removed, added or in both, and a price is a change exactly if it differs."""
    found = diff_catalogs(one, other)
    removed, added = ({spec.id for spec in part} for part in (found.removed, found.added))
    assert removed | {*found.common} == {*one.ids}
    assert added | {*found.common} == {*other.ids}
    assert not removed & added
    for name in found.common:
        old, new = one.model(name).output_usd_per_mtok, other.model(name).output_usd_per_mtok
        listed = [
            (c.old, c.new)
            for c in found.prices
            if (c.model, c.field) == (name, "output_usd_per_mtok")
        ]
        assert listed == ([(old, new)] if old != new else [])


def test_an_order_of_models_alone_is_a_difference():
    """A catalog with its models in another order is not the same, and the diff restores it."""
    turned = replace(CARD, models=CARD.models[::-1])
    found = diff_catalogs(CARD, turned)
    assert not found.is_empty
    assert found.apply(CARD).ids == turned.ids


def test_a_diff_is_applied_only_to_what_it_was_made_from():
    """Another catalog, or another price in the same place, is refused with the remedy."""
    found = diff_catalogs("2026-06", "2026-11-public")
    with pytest.raises(CatalogError, match="cannot be applied to 2026-11-public"):
        found.apply(load_catalog("2026-11-public"))
    for edited in (CARD.with_price("kimi-k2", input_usd_per_mtok=1), replace(CARD, tax="included")):
        with pytest.raises(CatalogError, match="Make the diff anew"):
            found.apply(edited)


def test_the_disagreement_with_the_card_is_told_by_stated_pairs():
    """No id is in both; four pairs are stated, with the old price, the new one and the share."""
    found = diff_catalogs("2026-06", "2026-11-public")
    assert found.common == ()
    assert len(found.removed) == 4
    assert {one.old for one in found.counterparts} == {*CARD.ids}
    (pair,) = [one for one in found.counterparts if one.old == "kimi-k2-5"]
    changes = {one.field: one for one in pair.changes}
    price = changes["input_usd_per_mtok"]
    assert (pair.new, price.old, price.new) == ("kimi-k2.5", Decimal("2.50"), Decimal("0.60"))
    assert price.relative == Decimal("-0.76")
    assert changes["cached_input_usd_per_mtok"].relative is None
    assert found.conflicts[0] == CARD.conflicts


def test_the_effect_is_the_difference_of_two_plans():
    """For plain numbers the amounts are those of two plans, to the last digit, for every pair."""
    found = catalog_effect(PLAIN, "2026-06", "2026-11-public", as_of=AS_OF, months=2)
    rows = found.frame.set_index(["pair", "old_model"])
    row = rows.loc["counterpart", "kimi-k2-5"]
    day = 1000 * (1000 * Decimal("2.50") + 100 * Decimal("7.50")) / 1_000_000
    assert row["old_usd_per_month"] == float(day * 62 / 2)
    new = 1000 * (1000 * Decimal("0.60") + 100 * Decimal("3.00")) / 1_000_000
    assert row["new_usd_per_month"] == float(new * 62 / 2)
    assert row["difference_usd_per_month"] == pytest.approx(float((new - day) * 31))
    best = found.frame.set_index("pair").loc["recommended"]
    assert (best["old_model"], best["new_model"]) == ("kimi-k2", "kimi-k2.6")
    said = "kimi-k2-5 and kimi-k2.5: only kimi-k2.5 is projected with reasoning tokens"
    assert any(said in note for note in found.notes)


def test_models_of_the_same_id_are_compared_as_such():
    """A discount shows as that share of the spend on every model, with the same scenarios."""
    ranged = Workload(
        name="w",
        requests_per_day={"p10": 900, "p50": 1000, "p90": 1200},
        prompt_tokens={"p50": 1000, "p90": 3000},
        completion_tokens=100,
    )
    found = catalog_effect(ranged, CARD, CARD.with_discount("0.25"), as_of=AS_OF, n_paths=200)
    same = found.frame[found.frame["pair"] == "same id"]
    assert list(same["old_model"]) == list(CARD.ids)
    assert same["relative"].to_numpy() == pytest.approx([-0.25] * 4)
    plan = project(ranged, as_of=AS_OF, n_paths=200).summary().set_index("model")
    assert same["old_usd_per_month"].tolist() == pytest.approx(
        plan.loc[list(CARD.ids), "mean_usd_per_month"].tolist()
    )


def test_what_has_no_price_is_named_and_never_zero():
    """A model whose price is unknown has no amount; a catalog without any is refused."""
    unknown = CARD.with_price("kimi-k2", input_usd_per_mtok=None)
    found = catalog_effect(PLAIN, CARD, unknown, as_of=AS_OF, months=1, n_paths=100)
    row = found.frame.set_index("old_model").loc["kimi-k2"].iloc[0]
    assert row["old_usd_per_month"] > 0
    assert row[["new_usd_per_month", "difference_usd_per_month"]].isna().all()
    assert [(one.code, one.models) for one in found.notes] == [("no_price", ("kimi-k2",))]
    for name in CARD.ids:
        unknown = unknown.with_price(name, output_usd_per_mtok=None)
    with pytest.raises(PriceNotFoundError, match="no price for any of its models"):
        catalog_effect(PLAIN, CARD, unknown, as_of=AS_OF)
