"""Flip points: at each of them a new projection gives both models the same bill, to the cent."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from random import Random

import pytest

from kimi_planner.capacity.need import throughput
from kimi_planner.catalog import load_catalog
from kimi_planner.choose import Requirements, recommend
from kimi_planner.choose.switch import switch_over
from kimi_planner.plan.simulation import project
from kimi_planner.workload import Workload, what_if

AS_OF = date(2026, 10, 24)
THINKS = "kimi-k2-5-thinking"
NOVEMBER = {"months": 1, "start": "2026-11", "as_of": AS_OF}
CENT = Decimal("0.01")
PRICES = ("input_usd_per_mtok", "cached_input_usd_per_mtok", "output_usd_per_mtok")


def plain(**changes):
    fields = {
        "name": "w",
        "requests_per_day": 1000,
        "prompt_tokens": 2000,
        "completion_tokens": 500,
    }
    return Workload(**fields | changes)


def priced(**models):
    """Return a catalog with prices of models as input, cached, output; underscores are dashes."""
    catalog = load_catalog()
    for model, prices in models.items():
        catalog = catalog.with_price(
            model.replace("_", "-"), **dict(zip(PRICES, prices, strict=True))
        )
    return catalog


def choose(workload, catalog=None, models=None, requirements=None, **scenario):
    settings = NOVEMBER | {"n_paths": 300} | scenario
    return recommend(workload, requirements, catalog=catalog, models=models, **settings)


def flip(found, what, against=None):
    [one] = [
        one for one in found.flips if one.what == what and against in (None, one.against)
    ]  # fmt: skip
    return one


def amount(projection, model):
    """Return the exact bill, or expected tokens times prices where something is uncertain."""
    spend = projection.of(model)
    if spend.exact_usd is not None:
        return sum(spend.exact_usd)
    spec = projection.catalog.model(model)
    prompt, cached, output = (
        Decimal(float(getattr(spend, key).sum()))
        for key in ("prompt_tokens", "cached_tokens", "completion_tokens")
    )
    hit = spec.cached_input_usd_per_mtok
    full = spec.input_usd_per_mtok
    rest = output * spec.output_usd_per_mtok
    expected = ((prompt - cached) * full + cached * (full if hit is None else hit) + rest) / 10**6
    assert float(expected) == pytest.approx(float(spend.mean().sum()), rel=2e-3)  # of few paths
    return expected


def moved(one, value, found):
    """Return the workload with the number of a flip moved to a value."""
    [workload] = found.projection.workloads
    key = "reasoning" if one.what == "reasoning multiplier" else "traffic"
    return what_if(workload, **{key: value})[0]


def bills(one, value, found):
    """Return what both models of a flip cost in a new projection."""
    plan = found.projection
    settings = {"start": str(plan.months[0]), "months": len(plan.months), "as_of": plan.as_of}
    again = project(
        moved(one, value, found), models=[one.model, one.against], catalog=plan.catalog,
        seed=plan.seed, n_paths=plan.n_paths, **settings,
    )  # fmt: skip
    return amount(again, one.model), amount(again, one.against)


def check(found, least=1):
    """Every flip with a value has equal bills there, and another cheaper model on either side."""
    flips = [one for one in found.flips if one.value is not None and one.against is not None]
    assert len(flips) >= least
    months = len(found.projection.months)
    for one in flips:
        first, second = bills(one, one.value, found)
        for parts in (1, months):
            assert (first / parts).quantize(CENT) == (second / parts).quantize(CENT), one.sentence
        below, above = (bills(one, one.value * Decimal(by), found) for by in ("0.99", "1.005"))
        assert (below[0] - below[1]) * (above[0] - above[1]) < 0, one.sentence
    return len(flips)


def test_the_reasoning_multiplier_by_hand():
    """60 x 1 + 15 x 2 + 30 x 2 of reasoning are 150 USD; 262.50 is met at 2.875 times as much."""
    catalog = priced(kimi_k2_5_thinking=(1, None, 2))
    found = choose(plain(reasoning_tokens=1000), catalog, [THINKS, "kimi-k2-5"])
    assert found.best == {"w": THINKS}
    one = flip(found, "reasoning multiplier")
    assert one.value == Decimal("2.875")
    assert one.sentence == f"w: kimi-k2-5 costs the same as {THINKS} at 2.875 times the reasoning tokens."  # fmt: skip
    check(found)


def test_the_volume_at_which_the_budget_is_met():
    """126 USD in 30 days; a budget of 150 is met at 150 / 126 times the traffic, to the cent."""
    found = choose(plain(budget_usd_per_month=150), models="kimi-k2")
    one = flip(found, "budget volume")
    assert float(one.value) == pytest.approx(150 / 126, rel=1e-6)
    assert one.against is None
    [changed] = what_if(plain(), traffic=one.value)
    bill = amount(project(changed, models="kimi-k2", **NOVEMBER), "kimi-k2")
    assert bill.quantize(CENT) == 150
    assert one.sentence.startswith("w: kimi-k2 stays within the budget of 150.00 USD up to 1.19047")
    assert one.sentence.endswith("times the traffic (P50 spend of the worst month).")


@pytest.mark.parametrize("percentile", [50, 90])
def test_the_volume_of_an_uncertain_workload(percentile):
    """The worst month's spend at the percentile is the budget there, to the cent."""
    sizes = plain(
        requests_per_day={"p50": 1000, "p90": 1600}, completion_tokens={"p50": 400, "p90": 900},
        growth_per_month=0.05,
    )  # fmt: skip
    asked = Requirements(budget_percentile=percentile, budget_usd_per_month=400)
    found = choose(sizes, models="kimi-k2", requirements=asked, months=2)
    value = flip(found, "budget volume").value
    again = project(
        what_if(sizes, traffic=value), models="kimi-k2", n_paths=300, **NOVEMBER | {"months": 2}
    )
    assert again.of("kimi-k2").worst_month(percentile / 100)[1].quantize(CENT) == 400


def test_budgets_and_pins_turn_no_order():
    """60 + 30 + 180 of reasoning are 270 USD, met at 172.5 / 180 of it, whatever the budget is."""
    catalog = priced(kimi_k2_5_thinking=(1, None, 2))
    sizes = plain(reasoning_tokens=3000, budget_usd_per_month=265)
    found = choose(sizes, catalog, ["kimi-k2-5", THINKS])
    assert found.best == {"w": "kimi-k2-5"}
    one = flip(found, "reasoning multiplier")
    assert (one.against, float(one.value)) == (THINKS, pytest.approx(172.5 / 180, rel=1e-6))
    check(found)
    pinned = choose(replace(sizes, model=THINKS), catalog, ["kimi-k2-5", THINKS])
    assert [one.what for one in pinned.flips] == ["budget volume"]


def test_another_than_the_next_may_come_first():
    """With little to reason about, the third costs 60 x 0.5 + 15 x 1 + 120 and is met by the first at 126."""
    catalog = priced(kimi_k2_5_thinking=("0.5", None, 1))
    found = choose(plain(reasoning_tokens=4000), catalog)
    assert [one.model for one in found.choices][:2] == ["kimi-k2", "kimi-k2-instruct"]
    one = flip(found, "reasoning multiplier")
    assert (one.against, one.value) == (THINKS, Decimal("0.675"))
    assert found.flip_sentences() == [
        f"w: {THINKS} and kimi-k2 would cost the same if reasoning were 0.675 times as long."
    ]
    check(found)


def test_what_has_no_flip_is_said_in_words():
    """Models that do not reason, prices without a cache: nothing of these changes the order."""
    found = choose(plain(), models=["kimi-k2", "kimi-k2-instruct"])
    never = [flip(found, what) for what in ("reasoning multiplier", "volume")]
    assert [(one.value, one.words) for one in never] == [
        (None, "neither kimi-k2 nor kimi-k2-instruct reasons, so reasoning changes nothing"),
        (None, "both bills grow alike with volume, so it never changes their order"),
    ]
    assert found.flip_sentences() == [f"w: {never[0].words}; {never[1].words}."]
    thinks = choose(plain(), models=["kimi-k2", THINKS])
    one = flip(thinks, "reasoning multiplier")
    assert "no reasoning tokens are given, so how much" in one.words
    assert one.planned is None
    dear = choose(plain(reasoning_tokens=10), models=["kimi-k2", THINKS])
    assert flip(dear, "reasoning multiplier").words == f"no amount of reasoning makes {THINKS} the cheaper one"  # fmt: skip


def test_no_value_that_would_be_below_nothing():
    """Where amounts meet below 0 alone there is no such value; a bound that they meet at is none."""
    lines = [lambda x: (60 + x, Decimal(50)), lambda x: (50 + x, Decimal(50))]
    assert [switch_over(line, Decimal(5)) for line in lines] == [None, None]


def test_models_that_cost_the_same_are_said_to():
    """At the same prices there is nothing to move; at no traffic both bills are 0."""
    catalog = priced(kimi_k2=(1, None, 1), kimi_k2_instruct=(1, None, 1))
    for sizes in (plain(), plain(requests_per_day=0)):
        found = choose(sizes, catalog, ["kimi-k2", "kimi-k2-instruct"])
        [one] = found.flips
        assert (one.what, one.planned, one.value) == ("volume", 1, 1)
        assert "kimi-k2 and kimi-k2-instruct cost the same" in one.sentence


GENERATED = range(4)


def generated(seed):
    """Draw a catalog whose order depends on the mix of tokens, and sizes of a workload."""
    rng = Random(seed)

    def price(low, high):
        return round(Decimal(rng.uniform(low, high)), 2)

    catalog = priced(
        kimi_k2=(price(0.5, 1), None, price(3, 6)),
        kimi_k2_5=(price(1, 2), price(0.05, 0.2), price(1, 3)),
        kimi_k2_5_thinking=(price(0.3, 1), price(0.01, 0.2), price(1, 2)),
    )
    sizes = {
        "requests_per_day": rng.randint(100, 100_000),
        "prompt_tokens": rng.randint(100, 9000),
        "completion_tokens": rng.randint(10, 2000),
        "reasoning_tokens": rng.randint(10, 3000),
        "cached_share": round(rng.uniform(0, 0.9), 2),
        "retry_share": round(rng.uniform(0, 0.1), 3),
    }
    return catalog, sizes


PAIRS = (["kimi-k2-5", THINKS], ["kimi-k2", THINKS])


@pytest.mark.parametrize("seed", GENERATED)
def test_flips_of_drawn_plain_workloads(seed):
    """Bills to the last digit, of three months, over drawn prices, sizes and volumes."""
    catalog, sizes = generated(seed)
    assert sum(check(choose(plain(**sizes), catalog, models, months=3), 0) for models in PAIRS)


@pytest.mark.parametrize("seed", GENERATED)
def test_flips_of_drawn_uncertain_workloads(seed):
    """Expected tokens times prices, where traffic, tokens, and cached share have ranges."""
    catalog, sizes = generated(seed)
    for key in ("prompt_tokens", "completion_tokens", "reasoning_tokens"):
        sizes[key] = {"mean": sizes[key], "sd": sizes[key] / 2}
    level, share = sizes["requests_per_day"], sizes["cached_share"]
    sizes["requests_per_day"] = {"p10": level / 2, "p50": level, "p90": 1.5 * level}
    sizes["cached_share"] = {"p50": share, "p90": (1 + share) / 2}
    assert sum(check(choose(plain(**sizes), catalog, models), 0) for models in PAIRS)


def test_a_bill_of_a_million_is_the_same_to_the_cent():
    """A stated factor has as many digits as a bill of a million USD a month needs."""
    catalog, _ = generated(1)
    sizes = plain(requests_per_day=12_345_678, prompt_tokens=2011, completion_tokens=499, reasoning_tokens=501)  # fmt: skip
    found = choose(sizes, catalog, ["kimi-k2-5", THINKS])
    assert max(one.p50_usd_per_month for one in found.choices) > 1e6
    check(found)


def test_flips_where_bills_are_no_straight_lines():
    """A cap on the answer, turns that resend answers, and a window bend the bills."""
    catalog = priced(kimi_k2=(1, None, 4), kimi_k2_5_thinking=("0.95", None, "2.5"))
    sizes = plain(
        turns=6, followup_tokens=300, max_tokens=4000, prompt_tokens=20_000,
        reasoning_tokens={"mean": 1500, "sd": 1500}, completion_tokens={"mean": 900, "sd": 800},
    )  # fmt: skip
    found = choose(sizes, catalog, ["kimi-k2", THINKS], Requirements(min_fit_share=0))
    one = flip(found, "reasoning multiplier")
    first, second = bills(one, one.value, found)
    assert first.quantize(CENT) == second.quantize(CENT), one.sentence
    gaps = [first - second for first, second in (bills(one, Decimal(at), found) for at in (0, 1))]
    straight = gaps[0] / (gaps[0] - gaps[1])
    assert abs(straight / one.value - 1) > Decimal("0.01")


def test_a_cache_whose_share_depends_on_traffic():
    """More traffic keeps the cache warm, so the model with a cached price gets cheaper."""
    catalog = priced(kimi_k2=("1", None, 1), kimi_k2_5=("1.3", "0.1", 1))
    sizes = plain(requests_per_day=20, prompt_tokens=4000, cache={"prefix_tokens": 3000})
    found = choose(sizes, catalog, ["kimi-k2", "kimi-k2-5"])
    one = flip(found, "volume")
    assert found.best == {"w": "kimi-k2"}
    assert one.value > 1
    assert "as the cache then serves another share" in one.words
    first, second = bills(one, one.value, found)
    assert first.quantize(CENT) == second.quantize(CENT)


def test_the_budget_volume_of_ranges_is_within_the_budget_and_a_little_more_is_not():
    """At the stated traffic the percentile keeps the budget, and one part in 10^8 above breaks it."""
    workload = plain(
        requests_per_day={"p10": 500, "p50": 900, "p90": 2000},
        completion_tokens={"p50": 300, "p90": 1500},
        growth_per_month={"p10": 0, "p50": 0.02, "p90": 0.1},
        budget_usd_per_month=400,
    )
    found = choose(workload, requirements=Requirements(budget_percentile=90), months=4)
    one = flip(found, "budget volume")
    plan = NOVEMBER | {"months": 4, "models": found.best["w"], "n_paths": 300}
    for factor, keeps in ((one.value, True), (one.value * Decimal("1.00000001"), False)):
        again = project(what_if(workload, traffic=factor), **plan)
        assert (again.of(found.best["w"]).worst_month(0.9)[1] <= 400) is keeps


def test_a_bill_of_half_a_cent_is_met_on_the_side_that_rounds_alike():
    """1.005 rounds to 1.00, as what is lower does: of the values around a third of it, the lower."""
    assert switch_over(lambda x: (3 * x, Decimal("1.005")), Decimal(1)) == Decimal("0.335")
    found = switch_over(lambda x: (Decimal("3.3") * x, Decimal("1.005")), Decimal(1))
    assert found == Decimal("0.3045454")


def test_the_nearest_of_several_crossings():
    """Amounts that cross at 2, 3 and 8 turn at 2 on the way up from 1, at 8 on the way down from 10."""

    def amounts(x):
        return 1000 + (x - 2) * (x - 3) * (x - 8), Decimal(1000)

    for planned, turn in ((1, 2), (10, 8)):
        found = switch_over(amounts, Decimal(planned))
        assert float(found) == pytest.approx(turn, abs=1e-6)


def test_a_bill_that_jumps_is_nowhere_the_same():
    """From 25.5 times the reasoning on every call is refused and costs nothing: that is no flip."""
    found = choose(plain(prompt_tokens=500, completion_tokens=0, reasoning_tokens=5000), models=["kimi-k2", THINKS])  # fmt: skip
    one = flip(found, "reasoning multiplier")
    assert (one.value, one.words) == (
        None,
        f"no amount of reasoning makes {THINKS} the cheaper one",
    )


def test_a_best_that_no_longer_qualifies_there_is_said():
    """Both cost the same at 12,300 tokens of reasoning, with which 119,000 and 500 more do not fit."""
    catalog = priced(kimi_k2_5_thinking=(1, None, 2))
    sizes = plain(prompt_tokens=119_000, reasoning_tokens=4000)
    found = choose(sizes, catalog, ["kimi-k2", THINKS])
    assert found.best == {"w": THINKS}
    one = flip(found, "reasoning multiplier")
    assert one.value == Decimal("3.075")
    assert f"where {THINKS} no longer qualifies: only 0.00% of requests fit" in one.words
    assert f"times as long (where {THINKS} no longer qualifies)" in found.flip_sentences()[0]


def test_a_best_that_breaks_its_tier_there_is_said():
    """937 calls a minute of 5,375 tokens are over five million; those of the other are 2,500."""
    catalog = priced(kimi_k2_5_thinking=(1, None, 2))
    sizes = plain(requests_per_day=1_350_000, reasoning_tokens=1000)
    found = choose(sizes, catalog, [THINKS, "kimi-k2-5"], Requirements(tier=5))
    one = flip(found, "reasoning multiplier")
    assert one.value == Decimal("2.875")
    assert one.words.endswith(
        f"where {THINKS} no longer qualifies: it breaks the tokens per minute of the tier"
    )


def test_the_volume_at_which_a_budget_far_away_is_met():
    """A million USD are 7,936.5 times the bill of 126."""
    found = choose(plain(budget_usd_per_month=10**6), models="kimi-k2")
    assert float(flip(found, "budget volume").value) == pytest.approx(1e6 / 126, rel=1e-6)


@pytest.mark.parametrize(
    "sizes",
    [
        {"peak_hour_share": 0.1},
        {"max_tokens": 16_000, "events": [{"name": "e", "date": "2026-11-05", "factor": 3}]},
        {
            "requests_per_day": {"p50": 900, "p90": 2000},
            "completion_tokens": {"p50": 300, "p90": 900},
        },
    ],
)
def test_the_volume_at_which_a_tier_is_exceeded(sizes):
    """A new throughput plan is within the tier there, and breaks it a little above."""
    found = choose(plain(**sizes), requirements=Requirements(tier=1))
    one = flip(found, "tier volume")
    assert (one.against, one.planned, one.unit) == (None, 1, "times the traffic")
    broken = []
    for more in ("1", "1.00001"):
        changed = what_if(plain(**sizes), traffic=one.value * Decimal(more))
        peaks = throughput(changed, one.model, n_paths=300, **NOVEMBER)
        broken.append({limit for _, limit in peaks.of(one.model, "w").exceeded(peaks.limits.tiers[1])})  # fmt: skip
    assert broken[0] == set()
    [limit] = broken[1]
    assert f"stays within the limits of tier 1 up to {one.value:,f}".rstrip("0") in one.words
    assert one.words.endswith(f"times the traffic (P90 peak of {limit.replace('_', ' ')})")
    assert any("stays within the limits of tier 1" in said for said in found.flip_sentences())


def test_no_traffic_reaches_no_tier():
    """Nothing times anything is nothing; without a tier nothing is said of one."""
    found = choose(plain(requests_per_day=0), requirements=Requirements(tier=0))
    assert flip(found, "tier volume").words == "no volume brings kimi-k2 to the limits of tier 0"
    assert not [one for one in choose(plain()).flips if one.what == "tier volume"]
