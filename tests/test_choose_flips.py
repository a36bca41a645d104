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
    """Return workload and catalog with the number of a flip moved to a value, by hand."""
    [workload], catalog = found.projection.workloads, found.projection.catalog
    if one.what in ("input price", "output price"):
        name = f"{one.what.split()[0]}_usd_per_mtok"
        return workload, catalog.with_price(one.model, **{name: value})
    if one.what == "discount":
        dearer = max((one.model, one.against), key=lambda model: amount(found.projection, model))
        old = {name: getattr(catalog.model(dearer), name) for name in PRICES}
        new = {name: price * (1 - value) for name, price in old.items() if price is not None}
        return workload, catalog.with_price(dearer, **new)
    if one.what == "output share":
        prompt, output = workload.prompt_tokens, workload.completion_tokens
        if prompt.is_certain:
            total = prompt.value + output.value
            sizes = {"prompt_tokens": total * (1 - value), "completion_tokens": total * value}
        else:
            total = prompt.mean + output.mean
            sizes = {
                "prompt_tokens": {
                    "mean": total * float(1 - value),
                    "sd": total * float(1 - value) / 2,
                },
                "completion_tokens": {"mean": total * float(value), "sd": total * float(value) / 2},
            }
        return replace(workload, **sizes), catalog
    key = {"reasoning multiplier": "reasoning", "cached share": "cached_share"}.get(one.what, "traffic")  # fmt: skip
    return what_if(workload, **{key: value})[0], catalog


def bills(one, value, found):
    """Return what both models of a flip cost in a new projection."""
    workload, catalog = moved(one, value, found)
    plan = found.projection
    settings = {"start": str(plan.months[0]), "months": len(plan.months), "as_of": plan.as_of}
    again = project(
        workload, models=[one.model, one.against], catalog=catalog, seed=plan.seed,
        n_paths=plan.n_paths, **settings,
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
    return {one.what for one in flips}


def test_prices_flip_where_the_bills_by_hand_meet():
    """60 and 15 million tokens at 1.20 and 3.60 are 126; 157.50 is met at 1.725 or 5.70 USD."""
    found = choose(plain())
    assert found.best == {"w": "kimi-k2"}
    assert flip(found, "input price").value == Decimal("1.725")
    assert flip(found, "output price").value == Decimal("5.70")
    assert flip(found, "discount").value == Decimal("0.2")
    assert flip(found, "output price").sentence == (
        "w: kimi-k2 costs the same as kimi-k2-instruct if kimi-k2's output price rises from 3.60 to "
        "5.70 USD per million tokens."
    )
    assert flip(found, "discount").sentence == (
        "w: kimi-k2-instruct costs the same as kimi-k2 with 20% off all its prices."
    )
    check(found, least=3)


def test_the_output_share_by_hand():
    """At 1 and 4 against 2 and 2 USD, bills are the same where a third of the tokens are output."""
    catalog = priced(kimi_k2=(1, None, 4), kimi_k2_5=(2, None, 2))
    found = choose(plain(), catalog, ["kimi-k2", "kimi-k2-5"])
    one = flip(found, "output share")
    assert one.planned == Decimal("0.2")
    assert float(one.value) == pytest.approx(1 / 3, rel=1e-6)
    assert one.sentence.startswith(
        "w: kimi-k2-5 costs the same as kimi-k2 if the output share rises from 20% to 33.333"
    )
    check(found, least=4)


def test_the_reasoning_multiplier_by_hand():
    """60 x 1 + 15 x 2 + 30 x 2 of reasoning are 150 USD; 262.50 is met at 2.875 times as much."""
    catalog = priced(kimi_k2_5_thinking=(1, None, 2))
    found = choose(plain(reasoning_tokens=1000), catalog, [THINKS, "kimi-k2-5"])
    assert found.best == {"w": THINKS}
    one = flip(found, "reasoning multiplier")
    assert one.value == Decimal("2.875")
    assert one.sentence == f"w: kimi-k2-5 costs the same as {THINKS} at 2.875 times the reasoning tokens."  # fmt: skip
    check(found, least=4)


def test_the_cached_share_by_hand():
    """60 M at 3, cached 0.30, against 60 M at 2, cached 2: the same where 1 / 2.7 is cached."""
    catalog = priced(kimi_k2=(2, 2, 5), kimi_k2_5=(3, "0.3", 5))
    found = choose(plain(cached_share=0.1), catalog, ["kimi-k2", "kimi-k2-5"])
    one = flip(found, "cached share")
    assert one.planned == Decimal("0.1")
    assert float(one.value) == pytest.approx(1 / 2.7, rel=2e-6)
    assert "from cache goes from 10% to 37.037" in one.sentence
    assert flip(found, "output share").value is None  # all output costs the same, and never less
    check(found, least=4)


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


def test_the_cheapest_that_only_the_budget_excludes_is_a_rival_too():
    """Of two over the budget the cheaper one is compared with, beside the next in the ranking."""
    found = choose(plain(budget_usd_per_month=200))
    assert {one.against for one in found.flips} == {"kimi-k2-instruct", "kimi-k2-5", None}
    assert flip(found, "discount", "kimi-k2-5").value == Decimal("0.52")
    needs = choose(plain(budget_usd_per_month=130, needs=["json"]))
    assert needs.flips == ()  # none qualifies, so there is no best
    assert [one.what for one in found.flips if one.against == "kimi-k2-5"] == ["discount"]
    check(found, least=4)  # a dearer kimi-k2 meets kimi-k2-instruct before it meets kimi-k2-5


def test_what_has_no_flip_is_said_in_words():
    """Prices in one proportion, no reasoning, no cached price: nothing of these changes the order."""
    found = choose(plain(), models=["kimi-k2", "kimi-k2-instruct"])
    for what in ("output share", "reasoning multiplier", "cached share", "volume"):
        assert flip(found, what).value is None
    words = "no output share makes kimi-k2-instruct the cheaper one"
    assert flip(found, "output share").words == words
    assert found.flip_sentences() == [
        "w: kimi-k2-instruct and kimi-k2 would cost the same if kimi-k2's input price were 1.725 "
        "instead of 1.20, or if kimi-k2's output price were 5.7 instead of 3.60, or if "
        "kimi-k2-instruct were 20% cheaper."
    ]
    thinks = choose(plain(), models=["kimi-k2", THINKS])
    assert "no reasoning tokens are given, so how much" in flip(thinks, "reasoning multiplier").words  # fmt: skip
    dear = choose(plain(reasoning_tokens=10), models=["kimi-k2", THINKS])
    assert flip(dear, "reasoning multiplier").words == f"no amount of reasoning makes {THINKS} the cheaper one"  # fmt: skip


def test_no_price_that_would_be_below_nothing():
    """Where amounts meet below 0 alone there is no such value; a bound that they meet at is none."""
    lines = [lambda x: (60 + x, Decimal(50)), lambda x: (50 + x, Decimal(50))]
    assert [switch_over(line, Decimal(5)) for line in lines] == [None, None]


def test_models_that_cost_the_same_are_said_to():
    """At the same prices there is nothing to move; at no traffic both bills are 0."""
    catalog = priced(kimi_k2=(1, None, 1), kimi_k2_instruct=(1, None, 1))
    for sizes in (plain(), plain(requests_per_day=0)):
        found = choose(sizes, catalog, ["kimi-k2", "kimi-k2-instruct"])
        [one] = found.flips
        assert "kimi-k2 and kimi-k2-instruct cost the same" in one.sentence


def test_prices_that_change_within_the_plan_have_no_flip():
    """No one price holds for the whole plan, and the sentence says so."""
    change = {"model": "kimi-k2", "date": "2026-11-15", "factor": 0.9}
    found = choose(plain(price_changes=[change]), models=["kimi-k2", "kimi-k2-instruct"])
    assert flip(found, "input price").words == "no one input price of kimi-k2 holds for the whole plan"  # fmt: skip
    assert flip(found, "input price").value is None
    assert flip(found, "discount").value is not None  # of the other, whose prices stay


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


PAIRS = (["kimi-k2", "kimi-k2-5"], ["kimi-k2-5", THINKS], ["kimi-k2", THINKS])


@pytest.mark.parametrize("seed", GENERATED)
def test_flips_of_drawn_plain_workloads(seed):
    """Bills to the last digit, of three months, over drawn prices, sizes and volumes."""
    catalog, sizes = generated(seed)
    for models in PAIRS:
        check(choose(plain(**sizes), catalog, models, months=3), least=2)


@pytest.mark.parametrize("seed", GENERATED)
def test_flips_of_drawn_uncertain_workloads(seed):
    """Expected tokens times prices, where traffic, tokens, and cached share have ranges."""
    catalog, sizes = generated(seed)
    for key in ("prompt_tokens", "completion_tokens", "reasoning_tokens"):
        sizes[key] = {"mean": sizes[key], "sd": sizes[key] / 2}
    level, share = sizes["requests_per_day"], sizes["cached_share"]
    sizes["requests_per_day"] = {"p10": level / 2, "p50": level, "p90": 1.5 * level}
    sizes["cached_share"] = {"p50": share, "p90": (1 + share) / 2}
    for models in PAIRS:
        check(choose(plain(**sizes), catalog, models), least=2)


def test_a_bill_of_a_million_is_the_same_to_the_cent():
    """A stated price has as many digits as a bill of a million USD a month needs."""
    catalog, _ = generated(1)
    sizes = plain(requests_per_day=12_345_678, prompt_tokens=2011, completion_tokens=499, reasoning_tokens=501)  # fmt: skip
    found = choose(sizes, catalog, ["kimi-k2-5", THINKS])
    assert max(one.p50_usd_per_month for one in found.choices) > 1e6
    assert check(found) >= {"input price", "output price", "discount"}


def test_flips_where_bills_are_no_straight_lines():
    """A cap on the answer, turns that resend answers, and a window bend the bills."""
    catalog = priced(kimi_k2=(1, None, 4), kimi_k2_5_thinking=("0.95", None, "2.5"))
    sizes = plain(
        turns=6, followup_tokens=300, max_tokens=4000, prompt_tokens=20_000,
        reasoning_tokens={"mean": 1500, "sd": 1500}, completion_tokens={"mean": 900, "sd": 800},
    )  # fmt: skip
    found = choose(sizes, catalog, ["kimi-k2", THINKS], Requirements(min_fit_share=0))
    flips = [one for one in found.flips if one.what in ("reasoning multiplier", "output price")]
    for one in flips:
        assert one.value is not None, one.sentence
        first, second = bills(one, one.value, found)
        assert first.quantize(CENT) == second.quantize(CENT), one.sentence
    one = flip(found, "reasoning multiplier")
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


def test_another_than_the_next_may_come_first():
    """Of 0.90 and 5, 1.2 and 4.5, 2 and 2 USD the first leads below 1/11 of output, the last above 1/3."""
    catalog = priced(
        kimi_k2=(1, None, 4), kimi_k2_instruct=("1.2", None, "4.5"), kimi_k2_5=(2, None, 2),
        kimi_k2_5_thinking=("0.9", None, 5),
    )  # fmt: skip
    models = ["kimi-k2", "kimi-k2-instruct", "kimi-k2-5"]
    one = flip(choose(plain(), catalog, models), "output share")
    assert (one.against, float(one.value)) == ("kimi-k2-5", pytest.approx(1 / 3, rel=1e-6))
    found = choose(plain(), catalog)
    below, above = (one for one in found.flips if one.what == "output share")
    assert (below.against, above.against) == (THINKS, "kimi-k2-5")
    assert float(below.value) == pytest.approx(1 / 11, rel=1e-6)
    assert "would cost the same if output were about 33.33% of prompt" in found.flip_sentences()[1]
    check(found, least=5)


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
        found = switch_over(amounts, Decimal(planned), highest=Decimal(12))
        assert float(found) == pytest.approx(turn, abs=1e-6)


def test_a_bill_that_jumps_is_nowhere_the_same():
    """From 25.5 times the reasoning on every call is refused and costs nothing: that is no flip."""
    found = choose(plain(prompt_tokens=500, completion_tokens=0, reasoning_tokens=5000), models=["kimi-k2", THINKS])  # fmt: skip
    one = flip(found, "reasoning multiplier")
    assert (one.value, one.words) == (
        None,
        f"no amount of reasoning makes {THINKS} the cheaper one",
    )


def test_a_bill_that_ends_in_half_a_cent_has_a_price_of_few_digits():
    """72,004.275 USD, and 24,001.425 a month, round as no other amount does; a price is found still."""
    sizes = plain(requests_per_day=50_000, prompt_tokens=1, completion_tokens=4000)
    catalog = load_catalog("2026-11-public")
    models, later = ["kimi-k2.7-code", "kimi-k3.1-pro-highspeed"], date(2026, 11, 26)
    found = choose(sizes, catalog, models, months=3, start="2026-12", as_of=later)
    assert -flip(found, "discount").value.as_tuple().exponent <= 12
    one = flip(found, "discount")
    _, catalog = moved(one, one.value, found)
    again = project(sizes, 3, "2026-12", models, later, catalog=catalog)
    assert abs(amount(again, models[0]) - amount(again, models[1])) < Decimal("1e-7")


def test_a_rival_that_does_not_qualify_there_is_no_flip():
    """262.50 USD are met at 2.875 times the reasoning, but they are over a budget of 200."""
    catalog = priced(kimi_k2_5_thinking=(1, None, 2))
    sizes = plain(reasoning_tokens=1000, budget_usd_per_month=200)
    found = choose(sizes, catalog, [THINKS, "kimi-k2-5"])
    one = flip(found, "reasoning multiplier")
    assert one.value is None
    assert one.words == (
        f"kimi-k2-5 costs the same as {THINKS} at 2.875 times the reasoning tokens, but kimi-k2-5 does "
        "not qualify there: P50 spend in 2026-11 is 262.50 USD, 62.50 over the budget of 200.00"
    )
    assert float(flip(found, "discount").value) == pytest.approx(112.5 / 262.5, rel=1e-6)


def test_a_best_that_no_longer_qualifies_there_is_said():
    """Where both cost the same on average, the P90 of the uncertain one is over the budget."""
    catalog = priced(kimi_k2_5_thinking=(1, None, 2))
    thinking = {"p50": 900, "p90": 1500, "mean_factor": {"p10": 0.5, "p50": 1, "p90": 2}}
    asked = Requirements(budget_percentile=90, budget_usd_per_month=300)
    found = choose(plain(reasoning_tokens=thinking), catalog, [THINKS, "kimi-k2-5"], asked)
    one = flip(found, "reasoning multiplier")
    assert one.value > 1
    assert f"where {THINKS} no longer qualifies: P90 spend in 2026-11 is" in one.words
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


WEIGHTS = {"cost": 2, "reasoning": 1}


def test_a_weighted_choice_turns_where_the_score_does():
    """126 USD score 2 of 3; 367.50 and the best rating score as much at 252 USD, 31.43% off."""
    found = choose(plain(), requirements=Requirements(weights=WEIGHTS))
    assert [one.model for one in found.choices][:2] == ["kimi-k2", THINKS]
    one = flip(found, "discount")
    assert (one.against, one.by) == (THINKS, "score")
    assert float(one.value) == pytest.approx(1 - 252 / 367.5, abs=1e-7)
    assert one.words == f"{THINKS} scores the same as kimi-k2 with 31.42857% off all its prices"
    price = flip(found, "input price")  # the cheapest of the same rating takes over first
    assert (price.against, price.by, price.value) == ("kimi-k2-instruct", "cost", Decimal("1.725"))
    assert f"w: {THINKS} and kimi-k2 would score the same if" in found.flip_sentences()[1]


def scored(found, one, value):
    """Return the ranking of a new choice with the number of a score's flip moved to a value."""
    [workload], catalog = found.projection.workloads, found.projection.catalog
    if one.what == "discount":
        old = {name: getattr(catalog.model(one.against), name) for name in PRICES}
        new = {name: price * (1 - value) for name, price in old.items() if price is not None}
        catalog = catalog.with_price(one.against, **new)
    else:
        workload, catalog = moved(one, value, found)
    return {
        choice.model: choice.score
        for choice in choose(workload, catalog, found.projection.models, found.requirements).choices
    }


@pytest.mark.parametrize("seed", range(6))
def test_flips_of_drawn_weighted_choices(seed):
    """At each value a new choice has both scores the same; before it the best is first, then not."""
    catalog, sizes = generated(seed)
    rng = Random(seed)
    weights = {"cost": rng.randint(4, 9), "reasoning": rng.randint(2, 4), "speed": 1}
    found = choose(plain(**sizes), catalog, None, Requirements(weights=weights, min_fit_share=0))
    turns = [one for one in found.flips if one.value is not None]
    assert any(one.by == "score" for one in turns)
    for one in turns:
        scores = scored(found, one, one.value)
        assert scores[one.model] == pytest.approx(scores[one.against], abs=2e-7), one.sentence
        way = one.value - one.planned
        for part, first in (("0.3", one.model), ("0.99", one.model), ("1.001", one.against)):
            ranking = scored(found, one, one.planned + way * Decimal(part))
            assert next(iter(ranking)) == first, one.sentence


def test_a_score_without_a_weight_of_cost_never_turns():
    """By ratings alone no price, share or volume matters, and each says so; a tie goes by spend."""
    asked = Requirements(weights={"reasoning": 1})
    found = choose(plain(), requirements=asked)
    assert found.best == {"w": THINKS}
    words = f"cost has no weight, so no price, share or volume turns the scores of {THINKS} and kimi-k2-5"  # fmt: skip
    assert {(one.value, one.words) for one in found.flips} == {(None, words)}
    assert len(found.flips) == 7
    assert found.flip_sentences() == [f"w: {words}."]
    tied = choose(plain(), models=["kimi-k2", "kimi-k2-instruct"], requirements=asked)
    assert flip(tied, "discount").value == Decimal("0.2")
    check(tied, least=3)


def test_a_better_score_that_only_the_budget_excludes():
    """262.50 USD are within a budget of 200 at 0.7619 times the traffic, and then it ranks first."""
    asked = Requirements(weights={"reasoning": 1}, budget_usd_per_month=200)
    found = choose(plain(), requirements=asked)
    one = flip(found, "budget volume", "kimi-k2-5")
    assert float(one.value) == pytest.approx(200 / 262.5, rel=1e-8)
    assert one.words.startswith(
        "kimi-k2-5 would rank before kimi-k2, and stay within the budget of"
    )
    off = flip(found, "discount", "kimi-k2-5")
    assert float(off.value) == pytest.approx(1 - 200 / 262.5, abs=1e-6)
    assert f"w: {off.words}; {one.words}." in found.flip_sentences()
    for less, best in (("1", "kimi-k2-5"), ("0.9999", "kimi-k2")):
        _, catalog = moved(off, off.value * Decimal(less), found)
        assert choose(plain(), catalog, requirements=asked).best == {"w": best}
    for more, best in (("1", "kimi-k2-5"), ("1.00001", "kimi-k2")):
        [changed] = what_if(plain(), traffic=one.value * Decimal(more))
        assert choose(changed, requirements=asked).best == {"w": best}


def test_a_score_that_ties_over_the_budget_turns_where_the_budget_is_met():
    """At 4.8% off 367.50 USD score as 262.50 do, but only 18.4% off are within a budget of 300."""
    weights = {"cost": 1, "reasoning": 1, "speed": 0.5}
    asked = Requirements(weights=weights, budget_usd_per_month=300)
    found = choose(plain(), models=["kimi-k2-5", THINKS], requirements=asked)
    one = flip(found, "discount")
    assert float(one.value) == pytest.approx(1 - 300 / 367.5, abs=1e-6)
    assert found.flip_sentences()[0] == (
        f"w: {THINKS} is within the budget with 18.3674% off all its prices, and ranks before kimi-k2-5."
    )
    for less, best in (("1", THINKS), ("0.9999", "kimi-k2-5")):
        _, catalog = moved(one, one.value * Decimal(less), found)
        again = choose(plain(), catalog, ["kimi-k2-5", THINKS], asked)
        assert again.best == {"w": best}


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
    assert flip(found, "tier volume").words == "no volume brings kimi-k2-5 to the limits of tier 0"
    assert not [one for one in choose(plain()).flips if one.what == "tier volume"]
