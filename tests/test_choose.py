"""The choice of a model: every reason against, the ranking, and budgets met to the last digit."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from choosing import plain

from kimi_planner.calls.fit import context_fit
from kimi_planner.capacity.need import throughput
from kimi_planner.catalog import load_catalog
from kimi_planner.choose import Evaluations, Requirements, Trials, recommend
from kimi_planner.errors import CallError, EvaluationError, SettingError, UnknownModelError
from kimi_planner.plan.simulation import project
from kimi_planner.workload import load_workloads

AS_OF = date(2026, 10, 24)
THINKS = "kimi-k2-5-thinking"
BILLS = {"kimi-k2": 126.0, "kimi-k2-instruct": 157.5, "kimi-k2-5": 262.5, THINKS: 367.5}
NOVEMBER = {"months": 1, "start": "2026-11", "as_of": AS_OF}


def choose(workloads, requirements=None, **scenario):
    return recommend(workloads, requirements, **NOVEMBER | scenario)


def excluded(found):
    return {one.model: one.reasons for one in found.exclusions}


def ranking(found, workload="w"):
    return [one.model for one in found.choices if one.workload == workload]


def test_models_rank_by_spend_with_differences_to_best_and_next():
    """All qualify: cheapest first, ranks from 1, and each difference is that of the hand-made bills."""
    found = choose(plain())
    assert ranking(found) == list(BILLS)
    assert found.exclusions == ()
    assert found.best == {"w": "kimi-k2"}
    assert found.without_model == ()
    rows = found.frame.to_dict("records")
    assert [row["rank"] for row in rows] == [1, 2, 3, 4]
    for column in ("p10_usd_per_month", "p50_usd_per_month", "p90_usd_per_month"):
        assert [row[column] for row in rows] == list(BILLS.values())
    assert [row["more_than_best_usd"] for row in rows] == [0, 31.5, 136.5, 241.5]
    assert [one.less_than_next_usd for one in found.choices] == [
        31.5,
        105,
        None,
        None,
    ]  # how much the last one reasons is not known
    assert [row["fit_share"] for row in rows] == [1.0] * 4
    assert found.sentences() == ["w: kimi-k2, 126.00 USD a month (mean); 31.50 less than kimi-k2-instruct."]  # fmt: skip


def test_equal_spend_ranks_by_name():
    """Models that cost the same rank by name, whatever the order of the catalog, and it is said."""
    found = choose(plain(requests_per_day=0, reasoning_tokens=0))
    assert ranking(found) == ["kimi-k2", "kimi-k2-5", THINKS, "kimi-k2-instruct"]
    assert "of equal ones the first by name is taken" in found.cards[0].sentences[0]


def test_a_tie_is_no_difference_of_nothing():
    """What costs the same to the cent is said to, not to cost 0.00 less."""
    catalog = load_catalog().with_price("kimi-k2-instruct", input_usd_per_mtok="1.20", output_usd_per_mtok="3.60")  # fmt: skip
    said = "w: kimi-k2, 126.00 USD a month (mean); the same as kimi-k2-instruct; of equal ones the first by name is taken."
    assert choose(plain(), catalog=catalog).sentences() == [said]


def test_the_ranking_is_by_p50_of_the_average_month():
    """Over two months of unequal days the P50 is the sum of the bills by two."""
    found = choose(plain(), months=2, models=["kimi-k2-5", "kimi-k2"])
    assert ranking(found) == ["kimi-k2", "kimi-k2-5"]
    assert found.choices[0].p50_usd_per_month == pytest.approx(61 * 4.2 / 2, rel=1e-14)
    assert found.choices[0].less_than_next_usd == pytest.approx(61 * (8.75 - 4.2) / 2, rel=1e-12)


STATED = {
    "kimi-k2": {"text", "streaming"},
    "kimi-k2-instruct": {"text", "streaming", "json"},
    "kimi-k2-5": {"text", "streaming", "vision"},
    THINKS: {"text", "streaming", "reasoning"},
}


@pytest.mark.parametrize(
    ("needs", "first"),
    [
        (["vision"], "kimi-k2-5"),
        (["reasoning"], THINKS),
        (["json"], "kimi-k2-instruct"),
        (["text", "streaming"], "kimi-k2"),
        (["vision", "json"], "kimi-k2-5"),  # the dearest of the cheapest for either
        (["tools"], "kimi-k2"),
    ],
)
@pytest.mark.parametrize("asked_by", ["workload", "requirements"])
def test_a_capability_that_is_not_stated_is_a_condition(needs, first, asked_by):
    """What the card states qualifies outright, what it does not on a condition; none is excluded."""
    if asked_by == "workload":
        found = choose(plain(needs=needs))
    else:
        found = choose(plain(), Requirements(needs=tuple(needs)))
    assert found.best == {"w": first}
    assert found.exclusions == ()
    assert {one.model: one.conditions for one in found.choices} == {
        model: tuple(f"it has {word}" for word in needs if word not in words)
        for model, words in STATED.items()
    }
    assert sorted(ranking(found)[1:], key=list(BILLS).index) == sorted(
        ranking(found)[1:], key=lambda model: BILLS[model]
    )


def test_a_need_asked_twice_is_one_condition():
    """Workload and requirements may need the same; one word is one condition, text is one word."""
    found = choose(plain(needs=["json"]), Requirements(needs="json"))
    assert found.choices[1].conditions == ("it has json",)


def test_every_reason_is_given_in_words():
    """Capability and fit each have their sentence at once; the plan is what serving all would cost."""
    sizes = plain(
        turns=10, prompt_tokens=10_000, followup_tokens=19_500, needs=["vision"],
        budget_usd_per_month=100,
    )  # fmt: skip
    catalog = load_catalog()
    models = tuple(replace(one, lacks=frozenset({"vision"}) - one.capabilities) for one in catalog)
    found = choose(sizes, catalog=replace(catalog, models=models))
    assert found.without_model == ("w",)
    assert found.best == {"w": "kimi-k2-5"}
    prompts = sum(10_000 + 20_000 * turn for turn in range(10))
    bill = 3000 * (prompts * Decimal("2.50") + 10 * 500 * Decimal("7.50")) / 1_000_000
    assert bill == Decimal("7612.5")
    late = sum(10_000 + 20_000 * turn for turn in range(6, 10))
    assert 3000 * (late * Decimal("2.50") + 4 * 500 * Decimal("7.50")) / 1_000_000 == 4845
    assert found.sentences() == [
        "w: 7,512.50 USD over the budget of 100.00 on kimi-k2-5 (P50 7,612.50 in 2026-11); back with "
        "98.7% less traffic, or a budget of 7,612.50.",
        "w: kimi-k2-5, 7,612.50 USD a month (mean); its window refuses 40% of calls, 4,845.00 USD a month "
        "to serve, in the spend (overflow: price_all); no model qualifies; the least change: kimi-k2-5 would "
        "if overflow were drop_oldest.",
    ]
    fits = "only 60.00% of calls fit its window of 128,000 tokens; 99.00% must"
    assert excluded(found) == {
        "kimi-k2-5": (fits,),
        **dict.fromkeys(
            (THINKS, "kimi-k2", "kimi-k2-instruct"),
            ("catalog 2026-06 states that it lacks 'vision'", fits),
        ),
    }
    assert found.frame.empty
    assert list(found.frame.columns)[:3] == ["workload", "rank", "model"]


def test_a_reason_shows_as_many_digits_as_tell_the_numbers_apart():
    """What is short by very little is not rounded to what was asked."""
    sizes = plain(turns=10, prompt_tokens=10_000, followup_tokens=19_500)
    found = choose(sizes, Requirements(min_fit_share=0.600001))
    assert excluded(found)["kimi-k2"] == (
        "only 60.0000% of calls fit its window of 128,000 tokens; 60.0001% must",
    )
    found = choose(plain(budget_usd_per_month="125.9996"))
    assert found.sentences()[0].startswith(
        "w: 0.0004 USD over the budget of 125.9996 on kimi-k2 (P50 126.0000 in 2026-11); back with "
    )


@pytest.mark.parametrize(
    ("least", "qualifies"), [(0.6, True), (0.61, False), (0, True), (1, False)]
)
def test_the_share_that_must_fit(least, qualifies):
    """A share of exactly what must fit is enough; less is refused with both numbers."""
    sizes = plain(turns=10, prompt_tokens=10_000, followup_tokens=19_500)  # turns 1 to 6 fit
    found = choose(sizes, Requirements(min_fit_share=least))
    assert (ranking(found) != []) == qualifies
    for reasons in excluded(found).values():
        assert reasons == (
            f"only 60.00% of calls fit its window of 128,000 tokens; {least:.2%} must",
        )


def test_an_unknown_window_is_a_condition():
    """A model whose window the catalog does not state qualifies if it holds the calls."""
    catalog = load_catalog()
    first, *others = catalog.models
    found = choose(
        plain(),
        catalog=replace(catalog, models=(replace(first, context_window_tokens=None), *others)),
    )
    conditional = {one.model: one.conditions for one in found.choices if one.conditions}
    assert conditional == {"kimi-k2-5": ("its context window holds the calls",)}


@pytest.mark.parametrize(
    ("changes", "bill"),
    [
        ({}, "126.00"),
        ({"requests_per_day": 100, "prompt_tokens": 1, "completion_tokens": 0}, "0.0036"),
        ({"requests_per_day": 700, "prompt_tokens": 1, "completion_tokens": 1}, "0.1008"),
        ({"requests_per_day": 10, "prompt_tokens": 100_000, "completion_tokens": 10_000}, "46.8"),
        ({"requests_per_day": Decimal("0.1"), "prompt_tokens": 3, "completion_tokens": 7}, "0.0000864"),
        ({"requests_per_day": 333, "prompt_tokens": 777, "completion_tokens": 111}, str(30 * 333 * (777 * Decimal("1.20") + 111 * Decimal("3.60")) / 1_000_000)),
        ({"reasoning_tokens": {"p50": 900, "p90": 3000}}, "126.00"),
        ({"cached_share": {"p50": 0.3, "p90": 0.4}}, "126.00"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("where", ["workload", "requirements"])
def test_a_bill_equal_to_the_budget_is_not_over_it(changes, bill, where):
    """A budget of exactly the bill is kept; one that is lower in the last digit is not."""
    exact = Decimal(bill)
    lower = exact - Decimal(1).scaleb(exact.as_tuple().exponent)
    for budget, keeps in (
        (exact, True),
        (str(bill), True),
        (float(bill), True),
        (lower, False),
    ):
        given = {"budget_usd_per_month": budget}
        sizes = plain(**changes, **(given if where == "workload" else {}))
        asked = Requirements(min_fit_share=0, **({} if where == "workload" else given))
        found = choose(sizes, asked, models="kimi-k2", n_paths=100)
        assert ranking(found) == ["kimi-k2"]
        assert (found.over_budget == ()) == keeps, budget
    found = project(plain(**changes, budget_usd_per_month=exact), models="kimi-k2", **NOVEMBER)
    assert found.of("kimi-k2").worst_month(0.9) == (0, exact)
    assert found.of("kimi-k2").chance_over(exact) == 0
    assert found.of("kimi-k2").chance_over(lower) == 1


def test_the_dearest_month_is_held_against_the_budget():
    """Of November, December and a growing January the last is over, and is named."""
    sizes = plain(growth_per_month=0.1, budget_usd_per_month=145)
    [gap] = choose(sizes, models="kimi-k2", months=3).over_budget
    bill = Decimal("4.2") * 31 * Decimal("1.21")
    assert bill == gap.spend_usd == Decimal("157.542")
    assert (gap.month, gap.gap_usd) == ("2027-01", bill - 145)


def test_every_workload_is_planned_also_where_no_model_qualifies():
    """The workload is named and planned on the model that lacks the least; the other keeps its own."""
    gone = load_catalog()
    models = tuple(replace(one, lacks=frozenset({"video"})) for one in gone)
    found = choose([plain(name="a"), plain(name="b", needs=["video"])], catalog=replace(gone, models=models))  # fmt: skip
    assert found.best == {"a": "kimi-k2", "b": "kimi-k2"}
    assert found.without_model == ("b",)
    assert "b: kimi-k2, 126.00 USD a month (mean); no model qualifies" in " ".join(
        repr(found).split()
    )


def test_results_at_hand_are_used():
    """A given projection and fit are what the ranking rests on, and change nothing of it."""
    parts = load_workloads()
    projection = project(parts, months=2, as_of=AS_OF, n_paths=200, seed=3)
    fit = context_fit(parts, seed=3)
    given = recommend(parts, projection=projection, fit=fit)
    assert given.projection is projection
    assert given.fit is fit
    own = recommend(parts, months=2, as_of=AS_OF, n_paths=200, seed=3)
    assert own.choices == given.choices
    assert own.exclusions == given.exclusions
    some = recommend(parts[1], projection=projection, fit=fit)
    assert set(some.best) == {parts[1].name}
    assert some.without_model == ()


def test_results_for_something_else_are_refused():
    """A projection or fit that lacks a workload, or that contradicts a scenario, is one error."""
    projection = project(plain(), n_paths=100, models="kimi-k2", **NOVEMBER)
    with pytest.raises(SettingError, match=r"The projection has no workload 'v'.* It has w"):
        recommend(plain(name="v"), projection=projection)
    with pytest.raises(SettingError, match="The fit has no workload 'w' on model 'kimi-k2'"):
        recommend(plain(), projection=projection, fit=context_fit(plain(name="v")))
    with pytest.raises(SettingError, match=r"^months cannot change a projection"):
        recommend(plain(), projection=projection, months=3)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("min_fit_share", -0.01, ["is -0.01", "between 0 and 1"]),
        ("min_fit_share", 1.01, ["is 1.01", "between 0 and 1"]),
        ("min_fit_share", float("nan"), ["is nan", "between 0 and 1"]),
        ("min_fit_share", True, ["is True", "between 0 and 1"]),
        ("min_fit_share", "all", ["is 'all'", "between 0 and 1"]),
        ("budget_percentile", -1, ["is -1", "between 0 and 100"]),
        ("budget_percentile", 100.5, ["is 100.5", "between 0 and 100"]),
        ("budget_usd_per_month", 0, ["is 0", "above 0"]),
        ("budget_usd_per_month", -5, ["is -5", "above 0"]),
        ("budget_usd_per_month", float("inf"), ["inf", "not a finite number"]),
        ("budget_usd_per_month", "much", ["'much'", "not a number"]),
        ("budget_usd_per_month", True, ["True", "not a number"]),
        ("needs", ("sight",), ["'sight'", "Known: json"]),
        ("needs", ("reasonning",), ["'reasonning'", "Did you mean 'reasoning'?"]),
        ("needs", (["json"],), ["['json']", "Known: json"]),
        ("needs", "sight", ["'sight'", "Known: json"]),
        ("needs", 3, ["is 3", "list of capabilities"]),
    ],
)
def test_a_requirement_out_of_bounds_is_refused(field, value, words):
    """Each fault of a requirement is one SettingError with field, value and what is allowed."""
    with pytest.raises(SettingError) as caught:
        Requirements(**{field: value})
    assert "\n" not in str(caught.value)
    for word in [field, *words]:
        assert word in str(caught.value)


@pytest.mark.parametrize(("field", "value"), [("min_fit_share", 0), ("min_fit_share", 1.0), ("budget_percentile", 0), ("budget_percentile", 100), ("needs", [])])  # fmt: skip
def test_requirements_on_their_bounds_are_allowed(field, value):
    """The ends of each range can be asked for."""
    assert ranking(choose(plain(budget_usd_per_month=1000), Requirements(**{field: value}))) != []


@pytest.mark.parametrize(
    ("workloads", "scenario", "error", "word"),
    [
        ([], {}, SettingError, "No workloads"),
        ([plain(), plain()], {}, SettingError, "unique"),
        (plain(), {"months": 0}, SettingError, "months is 0"),
        (plain(), {"models": "kimi-k9"}, UnknownModelError, "kimi-k9"),
    ],
)
def test_a_bad_scenario_is_refused(workloads, scenario, error, word):
    """What a projection refuses, a recommendation refuses in the same words."""
    with pytest.raises(error, match=word):
        choose(workloads, **scenario)


def test_a_least_rating_rules_models_out():
    """Ratings of 2, 3, 1, 1 and 2, 1, 3, 2: what is rated lower is named with both numbers."""
    found = choose(plain(), Requirements(min_reasoning_depth=2))
    assert ranking(found) == ["kimi-k2-5", THINKS]
    reason = "its reasoning depth is rated 1; at least 2 must be"
    assert excluded(found) == {"kimi-k2": (reason,), "kimi-k2-instruct": (reason,)}
    found = choose(plain(), Requirements(min_speed=3, min_reasoning_depth=1))
    assert ranking(found) == ["kimi-k2"]
    assert excluded(found)[THINKS] == ("its speed is rated 1; at least 3 must be",)


def test_a_rating_that_is_not_stated_is_a_condition():
    """A model that nobody rated qualifies if it is rated as asked."""
    catalog = load_catalog()
    first, *others = catalog.models
    unknown = replace(catalog, models=(replace(first, speed=None), *others))
    found = choose(plain(), Requirements(min_speed=1), catalog=unknown)
    conditional = {one.model: one.conditions for one in found.choices if one.conditions}
    assert conditional == {"kimi-k2-5": ("its speed is at least 1",)}


def tried(**successes):
    """Return evaluations of twenty tasks on each model."""
    rows = {
        ("w", model.replace("_", "-")): Trials(successes=count, trials=20)
        for model, count in successes.items()
    }
    return Evaluations(trials=rows, source="team.csv")


def test_a_least_success_rate_rules_models_out():
    """The expected rate of 15 in 20 is 15.5 / 21 = 73.81%; what was not tried is not known."""
    evaluations = tried(kimi_k2=15, kimi_k2_5=18)
    found = choose(plain(), Requirements(min_success_rate=0.8), evaluations=evaluations)
    assert ranking(found) == ["kimi-k2-5"]
    unknown = ("it was not tried in team.csv, so its success rate is not known",)
    assert excluded(found) == {
        "kimi-k2": ("its expected success rate is 73.81% (15 of 20 tasks solved); 80.00% must be",),
        "kimi-k2-instruct": unknown,
        THINKS: unknown,
    }
    exactly = Requirements(min_success_rate=15.5 / 21)
    assert "kimi-k2" in ranking(choose(plain(), exactly, evaluations=evaluations))
    assert found.evaluations is evaluations


def test_evaluations_alone_rule_nothing_out():
    """They matter where a least rate is asked for; without them such a rate is refused."""
    assert ranking(choose(plain(), evaluations=tried(kimi_k2=0))) == list(BILLS)
    with pytest.raises(SettingError, match="min_success_rate needs evaluations"):
        choose(plain(), Requirements(min_success_rate=0.5))
    with pytest.raises(EvaluationError, match="Give what read_evaluations returns"):
        choose(plain(), evaluations={"w": 1})


def test_a_tier_that_the_traffic_breaks_rules_models_out():
    """The reason has the limit, the peak, the month, and the lowest tier that would do."""
    busy = plain(name="busy", requests_per_day=400_000, peak_hour_share=0.1, growth_per_month=0.2)
    found = choose([plain(), busy], Requirements(tier=1), months=2)
    peaks = throughput([plain(), busy], months=2, start="2026-11", as_of=AS_OF)
    assert ranking(found) == list(BILLS)
    assert ranking(found, "busy") == []
    for one in found.exclusions:
        assert one.workload == "busy"
        need = peaks.of(one.model, "busy").highest("requests_per_minute")
        assert need > 400_000 * 1.2 * 0.1 / 60
        needed = peaks.tier(one.model, "busy").tier
        assert one.reasons[0] == (
            f"its P90 peak of {need:,.0f} requests per minute in 2026-12 breaks tier 1's limit of "
            f"200; tier {needed} would do"
        )
    enough = choose([plain(), busy], Requirements(tier=needed), months=2)
    assert enough.exclusions == ()


def test_a_tier_says_what_is_not_known_of_it():
    """Where traffic is over every tier it says so; what peaks leave out is among the notes."""
    found = choose(plain(requests_per_day=10**8), Requirements(tier=5))
    assert all(reasons[0].endswith("; no published tier would do") for reasons in excluded(found).values())  # fmt: skip
    assert any("peak_hour_share" in note for note in found.notes)
    assert choose(plain()).throughput is None
    with pytest.raises(SettingError, match=r"tier is 9\. Limits .* have tiers 0, 1, 2, 3, 4, 5"):
        choose(plain(), Requirements(tier=9))


def test_a_whole_number_may_be_spelt_as_a_float():
    """A tier of 1.0 is tier 1."""
    asked = Requirements(tier=1.0, min_speed=1.0)
    assert repr((asked.tier, asked.min_speed)) == "(1, 1)"


@pytest.mark.parametrize("given", ["projection", "fit"])
@pytest.mark.parametrize("value", ["x", 0, {}])
def test_something_else_than_a_result_is_refused(given, value):
    """A projection or a fit that is none is one error with what to give."""
    with pytest.raises(
        CallError, match=rf"^recommend\(\): {given} is .*\. Give what .*\(\) returns\."
    ):
        recommend(plain(), **{given: value})


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("min_reasoning_depth", 1.5, "min_reasoning_depth is 1.5. It must be a whole number"),
        ("min_speed", -1, "min_speed is -1"),
        ("min_speed", True, "min_speed is True"),
        ("tier", "one", "tier is 'one'"),
        ("tier", float("nan"), "tier is nan"),
        ("min_success_rate", 1.5, "min_success_rate is 1.5. It must lie between 0 and 1"),
    ],
)
def test_a_newer_requirement_out_of_bounds_is_refused(field, value, words):
    """Ratings, tiers and rates have their bounds, and say them."""
    with pytest.raises(SettingError, match=words):
        Requirements(**{field: value})


def test_a_policy_that_makes_calls_fit_serves_them():
    """Four of ten calls lose the oldest of their history: all are made, and the model qualifies."""
    sizes = plain(turns=10, prompt_tokens=10_000, followup_tokens=19_500, overflow="drop_oldest")
    assert ranking(choose(sizes)) == list(BILLS)
    found = choose(replace(sizes, prompt_tokens=200_000))
    assert excluded(found)["kimi-k2"] == (
        "only 0.00% of calls fit its window of 128,000 tokens under drop_oldest; 99.00% must",
    )


def test_a_cap_that_reasoning_spends_leaves_no_answer():
    """900 tokens of reasoning under a cap of 512: the model that answers nothing does not qualify."""
    sizes = plain(reasoning_tokens=900, max_tokens=512)
    found = choose(sizes, models=[THINKS])
    assert excluded(found) == {
        THINKS: ("max_tokens 512 leaves an answer to only 0.00% of calls; 90.00% must have one",)
    }
    assert found.sentences()[0].endswith(
        f"no model qualifies; the least change: {THINKS} would if max_tokens were 1,400."
    )
    assert ranking(choose(replace(sizes, max_tokens=1400), models=[THINKS])) == [THINKS]
    assert ranking(choose(sizes, Requirements(min_answer_share=0), models=[THINKS])) == [THINKS]


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("price_all", "its window refuses 40% of calls, {late} USD a month to serve, in the spend (overflow: price_all)"),
        ("reject", "its window refuses 40% of calls, {late} USD a month to serve, not in the spend (overflow: reject)"),
        ({"summarise_to_tokens": 127_990}, "its window refuses 40% of calls (overflow: summarise to 127,990 tokens)"),
    ],
)  # fmt: skip
def test_what_is_not_served_stands_with_the_policy_in_force(policy, said):
    """Calls 7 to 10 of a conversation, priced by hand, with whether the spend has them."""
    sizes = plain(turns=10, prompt_tokens=10_000, followup_tokens=19_500, overflow=policy)
    late = 3000 * (640_000 * Decimal("1.20") + 4 * 500 * Decimal("3.60")) / 1_000_000
    found = choose(sizes, Requirements(min_fit_share=0), models=["kimi-k2"])
    [decision] = found.decisions
    assert said.format(late=f"{late:,.2f}") in decision.unserved
