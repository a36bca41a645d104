"""Budgets are compared with: every workload stays in every total, and what is over is said first."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimi_planner.catalog import CAPABILITIES, catalog_versions, load_catalog
from kimi_planner.choose import Requirements, recommend
from kimi_planner.choose.ranking import dearest_unmatched
from kimi_planner.errors import UnknownModelError, WorkloadError
from kimi_planner.workload import Workload, load_workloads

AUTUMN = {"months": 2, "start": "2026-11", "as_of": date(2026, 10, 24), "n_paths": 100}
CALL_USD = Decimal("0.0042")  # 2,000 tokens in at 1.20, 500 out at 3.60
DAYS = 61


def chat(name="chat", requests_per_day=500, **changes):
    sizes = {"prompt_tokens": 2000, "completion_tokens": 500}
    return Workload(name=name, requests_per_day=requests_per_day, **sizes | changes)


def choose(workloads, requirements=None, **scenario):
    return recommend(workloads, requirements, **AUTUMN | scenario)


def total(found):
    """Return the spend of the whole plan, to the last digit where it is certain."""
    spend = found.projection.mix(found.best).over_months()
    return spend.exact_usd[0] if spend.exact_usd else spend.quantile(0.5)[0]


def test_a_workload_over_its_budget_stays_in_the_total():
    """20 cents over in one of two months: the total is the sum of both, and the gap comes first."""
    over = chat("over", budget_usd_per_month="64.90")
    found = choose([over, chat("small", 100)])
    assert total(found) == 600 * DAYS * CALL_USD == Decimal("153.72")
    assert found.best == {"over": "kimi-k2", "small": "kimi-k2"}
    assert found.without_model == ()
    [gap] = found.over_budget
    assert (gap.workload, gap.month, gap.months) == ("over", "2026-12", ("2026-12",))
    assert gap.spend_usd == 31 * 500 * CALL_USD == Decimal("65.10")
    assert gap.gap_usd == Decimal("0.20")
    assert gap.traffic_factor == Decimal("0.996927803")  # 64.90 / 65.10, nine digits down
    assert gap.cheaper == ()
    assert found.sentences()[0] == (
        "over: 0.20 USD over the budget of 64.90 on kimi-k2 (P50 65.10 in 2026-12); back with 0.31% "
        "less traffic, or a budget of 65.10."
    )
    assert 31 * 500 * CALL_USD * (1 - Decimal("0.0031")) <= Decimal("64.90")


def test_more_traffic_never_makes_the_plan_cheaper():
    """Twice the calls of one workload add its bill once more, whatever its budget is."""
    parts = [chat("a", budget_usd_per_month=70), chat("b", 100)]
    doubled = [replace(parts[0], requests_per_day=1000), parts[1]]
    assert total(choose(doubled)) - total(choose(parts)) == 500 * DAYS * CALL_USD


def test_all_months_over_are_named():
    """Both months of a pinned model are over; the cheaper model is the first way back."""
    found = choose(chat(budget_usd_per_month=70, model="kimi-k2-5"), models="kimi-k2")
    [gap] = found.over_budget
    assert gap.months == ("2026-11", "2026-12")
    assert gap.cheaper == ("kimi-k2",)
    assert gap.spend_usd == 31 * 500 * Decimal("0.00875")
    assert (
        "in 2026-12, 2 months over from 2026-11 on); back with kimi-k2 in its place" in gap.sentence
    )


def test_a_budget_of_all_is_for_those_without_one():
    """The common budget is held against workloads that have none of their own."""
    parts = [chat("own", budget_usd_per_month=300), chat("none")]
    found = choose(parts, Requirements(budget_usd_per_month=60))
    assert [gap.workload for gap in found.over_budget] == ["none"]


def test_the_percentile_decides_whether_a_range_is_over():
    """A range of 126 at P50 and 1.6 times that at P90 is over a budget of 150 at P90 alone."""
    sizes = chat(requests_per_day={"p50": 1000, "p90": 1600}, budget_usd_per_month=150)
    scenario = {"months": 1, "models": "kimi-k2", "n_paths": 10_000}
    assert choose(sizes, **scenario).over_budget == ()
    [gap] = choose(sizes, Requirements(budget_percentile=90), **scenario).over_budget
    assert float(gap.spend_usd) == pytest.approx(126 * 1.6, rel=0.01)


@given(
    levels=st.lists(st.integers(1, 3000), min_size=1, max_size=4),
    budgets=st.lists(st.integers(1, 500) | st.none(), min_size=4, max_size=4),
)
@settings(max_examples=20)
def test_removing_a_budget_never_changes_a_total(levels, budgets):
    """The total is that of every workload, with budgets and without."""
    with_budgets = [
        chat(str(place), level, budget_usd_per_month=budget)
        for place, (level, budget) in enumerate(zip(levels, budgets, strict=False))
    ]
    without = [replace(one, budget_usd_per_month=None) for one in with_budgets]
    assert total(choose(with_budgets)) == total(choose(without)) == sum(levels) * DAYS * CALL_USD


WORDS = sorted(CAPABILITIES)


@given(
    needs=st.lists(st.sampled_from(WORDS), unique=True, min_size=1),
    stated=st.lists(st.sets(st.sampled_from(WORDS)), min_size=4, max_size=4),
    tokens=st.sampled_from([0, 300]),
)
@settings(max_examples=40)
def test_asking_for_more_never_lowers_a_cost(needs, stated, tokens):
    """Each need that is added leaves the bill or raises it, whatever the catalog states.

    Reasoning is given: where it is not known, the bill is only the least that it may be.
    """
    base = load_catalog()
    specs = zip(base.models, stated, strict=True)
    models = tuple(replace(spec, capabilities=frozenset(able)) for spec, able in specs)
    catalog = replace(base, models=models)
    bills = [
        total(choose(chat(needs=needs[:count], reasoning_tokens=tokens), catalog=catalog))
        for count in range(len(needs) + 1)
    ]
    assert bills == sorted(bills)


@pytest.mark.parametrize("version", catalog_versions())
@pytest.mark.parametrize("reasoning", [{}, {"reasoning_tokens": 900}], ids=["unknown", "given"])
def test_asking_for_more_never_lowers_a_cost_of_a_shipped_catalog(version, reasoning):
    """Every set of up to three needs against each smaller one, whether reasoning is given or not."""
    catalog = load_catalog(version)
    able = sorted({word for spec in catalog for word in spec.capabilities})
    sets = [frozenset(some) for size in range(4) for some in combinations(able, size)]
    winter = {"catalog": catalog, "months": 1, "start": "2026-12", "as_of": date(2026, 11, 28)}
    bills = {
        needs: total(choose(chat(needs=sorted(needs), **reasoning), **winter)) for needs in sets
    }
    for needs, bill in bills.items():
        for word in needs:
            assert bill >= bills[needs - {word}], (needs, word)


@given(
    costs=st.lists(st.integers(0, 9), min_size=1, max_size=6),
    lacking=st.lists(st.sets(st.sampled_from("abc")), min_size=6, max_size=6),
    more=st.sampled_from("abc"),
)
def test_the_model_that_no_cheaper_one_matches(costs, lacking, more):
    """It is the dearest of the cheapest for each part of what is asked, by brute force."""
    models = {
        str(place): (cost, frozenset(lacking[place] - {more})) for place, cost in enumerate(costs)
    }
    asked = [set(), *({one} for one in "abc"), {"a", "b"}, {"a", "c"}, {"b", "c"}, {"a", "b", "c"}]
    able = ([cost for cost, lacks in models.values() if not lacks & part] for part in asked)
    assert models[dearest_unmatched(models)][0] == max(min(some) for some in able if some)


@pytest.mark.parametrize("version", ["2026-06", "2026-11-public-2"])
def test_every_workload_of_the_example_has_a_model(version):
    """On each card each workload is planned, and every condition of its model is named."""
    found = choose(load_workloads(), catalog=load_catalog(version), as_of=date(2026, 11, 24), start="2026-12")  # fmt: skip
    assert list(found.best) == [one.name for one in load_workloads()]
    assert found.without_model == ()
    for workload, decision in zip(found.workloads, found.decisions, strict=True):
        spec = found.projection.catalog.model(decision.model)
        unstated = [word for word in workload.needs if spec.can(word) is None]
        assert decision.conditions == tuple(f"it has {word}" for word in unstated)
        assert all(f"it has {word}" in decision.why for word in unstated)


def test_tools_that_no_card_states_leave_conditional_models():
    """Nobody states tools on the default card: all rank by spend, on that condition."""
    found = choose(chat(needs=["tools"]))
    assert [one.model for one in found.choices] == ["kimi-k2", "kimi-k2-instruct", "kimi-k2-5", "kimi-k2-5-thinking"]  # fmt: skip
    assert {one.conditions for one in found.choices} == {("it has tools",)}
    assert found.exclusions == ()
    assert found.sentences() == [
        "chat: kimi-k2, 64.05 USD a month (mean); 16.01 less than kimi-k2-instruct; qualifies if it has tools."
    ]


def test_what_is_assumed_is_no_condition():
    """An assumption of the workload, or a catalog with the capability, takes the condition away."""
    for found in (
        choose(chat(needs=["tools"], assume=["tools"])),
        choose(chat(needs=["tools"]), catalog=load_catalog().with_capability("tools")),
    ):
        assert {one.conditions for one in found.choices} == {()}


def test_a_model_that_states_it_comes_before_a_cheaper_one_that_does_not():
    """Vision is stated of kimi-k2-5 alone; the cheaper ones are named with their condition."""
    found = choose(chat(needs=["vision"]))
    assert [one.model for one in found.choices] == ["kimi-k2-5", "kimi-k2", "kimi-k2-instruct", "kimi-k2-5-thinking"]  # fmt: skip
    [said] = found.sentences()
    assert said == (
        "chat: kimi-k2-5, 133.44 USD a month (mean); no other qualifies for sure; kimi-k2 is 69.39 "
        "less and qualifies if it has vision."
    )


def lacking(*words):
    base = load_catalog()
    return replace(base, models=tuple(replace(one, lacks=frozenset(words)) for one in base.models))


def test_what_is_stated_not_to_be_there_excludes():
    """All lack video: the workload is planned all the same, and the least change is named."""
    found = choose([chat(needs=["video"]), chat("other")], catalog=lacking("video"))
    assert found.without_model == ("chat",)
    assert total(found) == 1000 * DAYS * CALL_USD
    [decision, _] = found.decisions
    assert decision.basis == "none qualifies"
    assert decision.reasons == ("catalog 2026-06 states that it lacks 'video'",)
    assert decision.why == (
        "kimi-k2, 64.05 USD a month (mean); no model qualifies; the least change: kimi-k2 would if video "
        "were not needed"
    )


def test_a_pinned_model_is_planned_whatever_ranks_first():
    """The workload names its model: it is in the total, also where the models do not name it."""
    found = choose([chat(model="kimi-k2-5"), chat("b", 100)], models=["kimi-k2"])
    assert found.best == {"chat": "kimi-k2-5", "b": "kimi-k2"}
    assert found.decisions[0].basis == "pinned"
    assert total(found) == DAYS * (500 * Decimal("0.00875") + 100 * CALL_USD)
    pinned = choose(chat(model="kimi-k2", needs=["video"]), catalog=lacking("video"))
    assert pinned.sentences() == [
        "chat: kimi-k2, 64.05 USD a month (mean), pinned; it does not qualify: catalog 2026-06 states that "
        "it lacks 'video'."
    ]


def test_a_pin_that_is_no_model_is_refused():
    """The name of a model is text, and one that the catalog has."""
    with pytest.raises(UnknownModelError, match=r"workload 'chat': Unknown model 'kimi-k9'"):
        choose(chat(model="kimi-k9"))
    with pytest.raises(WorkloadError, match=r"workload 'chat': model is 3\. It must be text"):
        chat(model=3)
    with pytest.raises(
        WorkloadError, match=r"unknown capability 'tool' in assume\. Did you mean 'tools'"
    ):
        chat(assume=["tool"])


def test_a_model_whose_reasoning_is_not_stated_is_not_cheaper_for_that():
    """Twice the price of every meter is twice the bill, with a note, and it ranks behind."""
    catalog = load_catalog("2026-11-public")
    found = choose(
        chat(reasoning_tokens=1200, cached_share=0.5, needs=["reasoning"]),
        catalog=catalog,
        models=["kimi-k2.7-code", "kimi-k2.7-code-highspeed"],
        start="2026-12",
        as_of=date(2026, 11, 24),
    )
    once, twice = (found.projection.of(model).over_months() for model in found.projection.models)
    assert found.best == {"chat": "kimi-k2.7-code"}
    assert [2 * usd for _, usd in once.bill] == [usd for _, usd in twice.bill]
    [code, fast] = found.choices
    assert (code.conditions, fast.conditions) == ((), ("it has reasoning",))
    assert any("kimi-k2.7-code-highspeed" in note.models for note in found.notes)
