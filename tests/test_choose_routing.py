"""Cascades of models, against enumerated decision trees, drawn tasks and brute force."""

from collections import Counter
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import partial
from itertools import permutations

import choosing
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kimi_planner import cost, load_workloads, project
from kimi_planner.choose import (
    Detector,
    Evaluations,
    Trials,
    cascades,
    cost_per_success,
    read_evaluations,
    read_public_results,
)
from kimi_planner.choose.evaluations.rates import SuccessRate, success_rates
from kimi_planner.choose.evaluations.read import Item
from kimi_planner.choose.routing.detector import follow
from kimi_planner.choose.routing.together import ByItems, ByPairs, Joint
from kimi_planner.choose.routing.uncertain import Uncertain
from kimi_planner.errors import CallError, EvaluationError, SettingError, UnknownModelError
from kimi_planner.notes import Note

AS_OF = date(2026, 11, 25)
FAST, CHEAP, FLAGSHIP, THINKS = "kimi-k2", "kimi-k2-instruct", "kimi-k2-5", "kimi-k2-5-thinking"
#: USD of 2,000 prompt and 500 visible tokens, with 1,500 of reasoning where a model reasons.
CALLS = {
    FAST: Fraction(2000 * 120 + 500 * 360, 10**8),
    CHEAP: Fraction(2000 * 150 + 500 * 450, 10**8),
    FLAGSHIP: Fraction(2000 * 250 + 500 * 750, 10**8),
    THINKS: Fraction(2000 * 350 + 2000 * 1050, 10**8),
}
RATES = {FAST: 0.55, CHEAP: 0.5, FLAGSHIP: 0.75, THINKS: 0.9}
CHECK = Detector(false_accept=0.15, false_reject=0.05, cost_usd="0.0003")
plain = partial(choosing.plain, reasoning_tokens=1500)
PLAN = project(plain(), months=1, start="2026-12", as_of=AS_OF)


def free(rates):
    """Return rescue rates of models that fail independently."""
    return {pair: rates[pair[1]] for pair in permutations(rates, 2)}


def route(detector=CHECK, rates=RATES, workload=None, **changes):
    """Return cascades of models that fail independently, unless something else is said."""
    changes = {"rescue_rates": free(rates)} | changes
    if workload is None:
        return cascades(plain(), detector=detector, success_rates=rates, projection=PLAN, **changes)
    return cascades(workload, detector=detector, success_rates=rates, as_of=AS_OF, **changes)


def walked(models, detector, chance):
    """Follow a task step by step: cost, success, false accepts and calls, exactly.

    ``chance`` gives the chance that a model solves a task, from it, its place and what the model
    before did.
    """
    accepts = {True: 1 - Fraction(detector.false_reject), False: Fraction(detector.false_accept)}
    spent = dict.fromkeys(("cost", "success", "false", "calls"), Fraction(0))

    def walk(place, weight, before):
        if not weight:
            return
        model = models[place]
        spent["calls"] += weight
        spent["cost"] += weight * CALLS[model]
        for solved in (True, False):
            right = chance(model, place, before)
            here = weight * (right if solved else 1 - right)
            if place == len(models) - 1:
                spent["success"] += here * solved
                continue
            spent["cost"] += here * Fraction(detector.cost_usd)
            spent["success"] += here * accepts[solved] * solved
            spent["false"] += here * accepts[solved] * (not solved)
            walk(place + 1, here * (1 - accepts[solved]), solved)

    walk(0, Fraction(1), None)
    return spent


def exact(number):
    return Fraction(str(number))


def test_every_single_model_and_ordered_cascade_is_there_once():
    """Four models make 4 + 12 routes, singles first."""
    found = [one.models for one in route().routes]
    assert found == [line for steps in (1, 2) for line in permutations(PLAN.models, steps)]


@settings(max_examples=15, deadline=None)
@given(
    rates=st.tuples(*[st.integers(0, 20)] * 4),
    errors=st.tuples(st.integers(0, 10), st.integers(0, 10)),
    cost=st.integers(0, 50),
)
def test_a_route_is_its_decision_tree_to_the_last_digit(rates, errors, cost):
    """Cost, success, false accepts and calls are those of a task followed step by step."""
    chances = {model: Fraction(rate, 20) for model, rate in zip(CALLS, rates, strict=True)}
    accept, reject = (Decimal(one) / 20 for one in errors)
    detector = Detector(false_accept=accept, false_reject=reject, cost_usd=Decimal(cost).scaleb(-5))
    for one in route(detector, chances).routes:
        tree = walked(one.models, detector, lambda model, *_: chances[model])
        assert Fraction(one.cost_usd) == tree["cost"]
        assert one.passage.success == tree["success"]
        assert one.passage.false_accepted == tree["false"]
        assert one.calls == float(tree["calls"])
        assert one.calls == pytest.approx(1 + float(one.passage.escalated), abs=1e-12)
        if tree["success"]:
            assert float(one.cost_per_success_usd) == float(tree["cost"] / tree["success"])
        else:
            assert one.cost_per_success_usd is None


@pytest.mark.parametrize("models", [(FAST, FLAGSHIP), (FAST, THINKS), (THINKS, FAST)])
def test_drawn_tasks_cost_and_succeed_as_told(models):
    """Half a million drawn tasks agree within four standard errors."""
    tasks = 500_000
    rng = np.random.default_rng(7)
    left, cost = np.ones(tasks, dtype=bool), np.zeros(tasks)
    right, wrong = np.zeros(tasks, dtype=bool), np.zeros(tasks, dtype=bool)
    for place, model in enumerate(models):
        solved = rng.random(tasks) < RATES[model]
        cost += left * float(CALLS[model])
        sent_on = np.zeros(tasks, dtype=bool)
        if place < len(models) - 1:
            cost += left * 0.0003
            sent_on = rng.random(tasks) < np.where(solved, 0.05, 0.85)
            wrong |= left & ~solved & ~sent_on
        right |= left & solved & ~sent_on
        left &= sent_on
    found = route().of(*models)
    for drawn, told in (
        (cost, float(found.cost_usd)),
        (right, found.success_rate),
        (wrong, float(found.passage.false_accepted)),
    ):
        assert abs(drawn.mean() - told) < 4 * drawn.std() / np.sqrt(tasks)


def test_the_frontier_is_what_no_other_route_beats():
    """Each route against each other, in exact numbers."""
    found = route()
    points = [
        (Fraction(one.cost_usd), walked(one.models, CHECK, lambda model, *_: exact(RATES[model]))["success"])
        for one in found.routes
    ]  # fmt: skip
    for (spent, success), one in zip(points, found.routes, strict=True):
        beaten = any(
            other_cost <= spent and other >= success and (other_cost, other) != (spent, success)
            for other_cost, other in points
        )
        assert one.on_frontier == (not beaten)
    costs = [one.cost_usd for one in found.frontier]
    assert costs == sorted(costs)
    assert len(costs) == found.frame["on_frontier"].sum() > 2


def test_a_perfect_detector_sends_on_failures_alone():
    """Success is that either model solves it; only what the first failed reaches the second."""
    found = route(Detector(false_accept=0, false_reject=0)).of(FAST, FLAGSHIP)
    assert found.success_rate == pytest.approx(1 - 0.45 * 0.25, abs=1e-15)
    assert found.passage.escalated == Fraction(45, 100)
    assert found.passage.false_accepted == 0


def test_a_detector_that_lets_all_through_leaves_the_first_model():
    """The cascade is its first model alone, and its check for nothing."""
    found = route(Detector(false_accept=1, false_reject=0, cost_usd="0.001"))
    for one in found.routes:
        alone = found.of(one.models[0])
        checks = Decimal("0.001") if len(one.models) > 1 else 0
        assert one.cost_usd == alone.cost_usd + checks
        assert (one.success_rate, one.calls) == (alone.success_rate, 1)
        if len(one.models) > 1:
            assert one.passage.false_accepted == 1 - alone.passage.success
    assert {len(one.models) for one in found.frontier} == {1}


def test_a_detector_that_sends_all_on_asks_every_model():
    """Every model is paid for, and the last one decides."""
    found = route(Detector(false_accept=0, false_reject=1, cost_usd="0.001"))
    for one in found.routes:
        steps = len(one.models)
        calls = sum(CALLS[model] for model in one.models)
        assert Fraction(one.cost_usd) == calls + Fraction(steps - 1, 1000)
        assert one.success_rate == RATES[one.models[-1]]
        assert one.calls == steps


@pytest.mark.parametrize("rates", [(0.55, 0.75), (0.75, 0.55), (0.5, 0.5), (1, 0.5), (0, 1)])
def test_where_nothing_tells_success_lies_between_dependence_and_independence(rates):
    """Both ends are decision trees: what the better one fails the worse fails too, or by chance."""
    models = (FAST, FLAGSHIP)
    a, b = (Fraction(str(rate)) for rate in rates)
    found = route(rates=dict(zip(models, rates, strict=True)), models=models, rescue_rates=None)
    one = found.of(*models)

    def nested(model, place, before):
        if before is None:
            return a
        if before:
            return min(Fraction(1), b / a)
        return max(Fraction(0), (b - a) / (1 - a))

    least = walked(models, CHECK, nested)["success"]
    most = walked(models, CHECK, lambda model, place, _: b if place else a)["success"]
    assert one.success_if == (float(least), float(most))
    assert one.passage.success == most - Fraction(7, 10) * (most - least)
    assert found.of(FAST).success_if is None
    assert found.notes[1].code == "unknown_dependence"
    row = found.frame.set_index("route").loc[one.name]
    assert (row["success_if_dependent"], row["success_if_independent"]) == one.success_if


@pytest.mark.parametrize(
    ("items", "first", "second", "rescued"), [(165, 105, 123, 29), (231, 159, 173, 17)]
)
def test_what_is_taken_lies_between_public_runs(items, first, second, rescued):
    """Kimi K2.5 and K2.6 on GAIA, and on a half of SWE-bench Verified: how many K2.6 solves of the rest."""
    rates = {FAST: Fraction(first, items), FLAGSHIP: Fraction(second, items)}
    perfect = Detector(false_accept=0, false_reject=0)
    found = route(perfect, rates, models=tuple(rates), rescue_rates=None).of(FAST, FLAGSHIP)
    least, most = found.success_if
    assert least < (first + rescued) / items < most
    assert abs(found.success_rate - (first + rescued) / items) < 0.05


@settings(max_examples=20, deadline=None)
@given(
    rates=st.tuples(*[st.integers(1, 19)] * 3), cost=st.integers(0, 40), failure=st.integers(0, 9)
)
def test_at_a_switching_price_two_routes_have_the_same_net_value(rates, cost, failure):
    """Exactly, as fractions; there no other route is better, by brute force over all of them."""
    models = (FAST, FLAGSHIP, THINKS)
    chances = {model: Fraction(rate, 20) for model, rate in zip(models, rates, strict=True)}
    detector = Detector(false_accept="0.1", false_reject="0.05", cost_usd=Decimal(cost).scaleb(-4))
    workload = plain(failure_usd=Decimal(failure).scaleb(-2) or None)
    found = cascades(workload, detector=detector, success_rates=chances, models=models, as_of=AS_OF)
    nets = {
        one.name: lambda value, one=one: (
            value * one.passage.success
            - Fraction(failure, 100) * (1 - one.passage.success)
            - one.passage.cost
        )
        for one in found.routes
    }
    for before, after in zip(found.by_value, found.by_value[1:], strict=False):
        value = Fraction(after.from_usd)
        assert nets[before.model](value) == nets[after.model](value)
        assert nets[after.model](value) == max(net(value) for net in nets.values())


def test_a_choice_that_hangs_on_dependence_says_so():
    """Between the ends another route is the best one; where items tell, nothing hangs on it."""
    workload, rates = plain(value_usd_per_success="0.03"), {FAST: 0.5, FLAGSHIP: 0.8}
    found = cascades(workload, detector=CHECK, success_rates=rates, as_of=AS_OF)
    nets = {
        end: {
            one.name: 0.03 * (one.success_if[end] if one.success_if else one.success_rate)
            - float(one.cost_usd)
            for one in found.routes
        }
        for end in (0, 1)
    }
    ends = [max(some, key=some.get) for some in nets.values()]
    assert [one.name for one in found.best_if] == ends
    assert len(set(ends)) == 2
    assert any(
        f"{ends[0]} if models fail the same tasks, {ends[1]}" in said for said in found.sentences()
    )
    known = cascades(
        workload, detector=CHECK, success_rates=rates, rescue_rates=free(rates), as_of=AS_OF
    )
    assert known.best_if is None


def test_the_stated_value_of_a_success_decides():
    """The route with the highest net value is chosen, and its net value told; else the prices are."""
    for value in ("0.001", "0.03", "5"):
        found = route(workload=plain(value_usd_per_success=value), start="2026-12")
        nets = {
            one.name: Fraction(value) * one.passage.success - one.passage.cost
            for one in found.routes
        }
        assert nets[found.best.name] == max(nets.values())
        assert found.sentences()[0].startswith(f"w: choose {found.best.name} (")
        assert found.frame["net_usd"].tolist() == [float(net) for net in nets.values()]
    found = route()
    assert found.best is None
    assert found.frame["net_usd"].isna().all()
    prices = [f"{one.model} where it is worth more than" for one in found.by_value[1:]]
    assert all(words in found.sentences()[0] for words in prices)


ONE_WAY, BACK = {(FAST, FLAGSHIP): Fraction(2, 4)}, {(FLAGSHIP, FAST): Fraction(1, 3)}


@pytest.mark.parametrize("rescue", [ONE_WAY, BACK, ONE_WAY | BACK])
def test_rescue_rates_are_those_of_tasks_that_models_share(rescue):
    """Either direction tells the other: a perfect detector ends with what either model solves."""
    first = [1, 1, 1, 1, 1, 1, 0, 0, 0, 0]
    second = [1, 1, 1, 1, 1, 0, 1, 1, 0, 0]
    found = route(
        Detector(false_accept=0, false_reject=0),
        {FAST: Fraction(6, 10), FLAGSHIP: Fraction(7, 10)},
        models=(FAST, FLAGSHIP),
        rescue_rates=rescue,
    )
    either = sum(a or b for a, b in zip(first, second, strict=True)) / 10
    assert found.of(FAST, FLAGSHIP).success_rate == either == 0.8
    assert found.of(FLAGSHIP, FAST).success_rate == 0.8
    named = ", ".join(f"{second} after {failed}" for failed, second in rescue)
    assert f"Rescue rates are given for {named}." in found.notes[1]


@settings(max_examples=15, deadline=None)
@given(rates=st.tuples(*[st.integers(1, 19)] * 2), place=st.integers(0, 10))
def test_a_task_with_rescue_rates_is_its_decision_tree(rates, place):
    """The second model depends on the first."""
    models = pair = (FAST, FLAGSHIP)
    chances = {model: Fraction(rate, 20) for model, rate in zip(models, rates, strict=True)}
    a, b = (chances[one] for one in pair)
    low, high = max(Fraction(0), (b - a) / (1 - a)), min(Fraction(1), b / (1 - a))
    rescue = {pair: low + (high - low) * Fraction(place, 10)}
    found = route(rates=chances, models=models, rescue_rates=rescue).of(*models)

    def chance(model, place, before):
        if before is None:
            return chances[model]
        return (b - (1 - a) * rescue[pair]) / a if before else rescue[pair]

    tree = walked(models, CHECK, chance)
    assert float(found.cost_usd) == pytest.approx(float(tree["cost"]), rel=1e-15)
    assert found.success_rate == float(tree["success"])
    assert found.passage.false_accepted == tree["false"]


def test_what_one_fails_is_harder_for_others():
    """A rescue rate below the success rate makes the cascade worse than independence says."""
    easy = route().of(FAST, FLAGSHIP)
    hard = route(rescue_rates={(FAST, FLAGSHIP): 0.6}).of(FAST, FLAGSHIP)
    assert hard.success_rate < easy.success_rate
    assert hard.cost_usd == easy.cost_usd


def test_a_model_that_cannot_serve_takes_no_part_and_the_result_says_why():
    """Needs, the context window and an unknown success rate each leave a model out in words."""
    found = route(workload=plain(needs=["vision"]), start="2026-12")
    assert found.exclusions == ()
    words = f"{THINKS}, {FAST}, {CHEAP} qualifies for w if it has vision."
    assert words in found.notes
    found = route(rates={FAST: 0.5, THINKS: 0.9})
    assert found.of(FAST, THINKS)
    assert {one.model: one.reasons for one in found.exclusions} == {
        FLAGSHIP: ("no success rate among those given",),
        CHEAP: ("no success rate among those given",),
    }
    with pytest.raises(SettingError, match=r"No model can take part .* fit its window"):
        route(workload=plain(prompt_tokens=200_000))


def test_a_budget_rules_no_model_out():
    """The last model of a cascade may be too dear for all of the traffic."""
    found = route(workload=plain(budget_usd_per_month=1))
    assert found.exclusions == ()


def test_retries_are_paid_at_both_steps():
    """Two in a hundred calls are sent twice."""
    found = route(workload=plain(retry_share=0.02))
    without = route()
    models = (FAST, FLAGSHIP)
    share = without.of(*models).passage.escalated
    calls = exact(1.02) * (CALLS[FAST] + share * CALLS[FLAGSHIP])
    assert float(found.of(*models).cost_usd) == pytest.approx(float(calls) + 0.0003, rel=1e-14)


def test_measured_rates_are_those_of_the_evaluations():
    """The mean of the posterior, and models that were not tried are named."""
    frame = pd.DataFrame(
        {"workload": "w", "model": [FAST, FLAGSHIP], "successes": [11, 18], "trials": [20, 20]}
    )
    evaluations = read_evaluations(frame)
    found = cascades(
        plain(), detector=CHECK, evaluations=evaluations, published=False, projection=PLAN
    )
    assert found.success_rates == pytest.approx({FLAGSHIP: 18.5 / 21, FAST: 11.5 / 21}, rel=1e-15)
    assert found.notes[0] == (
        "Success rates are those measured in evaluations, half a success and half a failure added where "
        "nothing is published."
    )
    assert {one.reasons for one in found.exclusions} == {("no success rate in the evaluations",)}
    with pytest.raises(
        EvaluationError, match="No success rate in the evaluations for workload 'v'"
    ):
        cascades(plain(name="v"), detector=CHECK, evaluations=evaluations, as_of=AS_OF)


def test_published_results_count_as_in_every_choice():
    """The rate of a model that was tried is that of `recommend`'s card, and how much they count is said."""
    frame = pd.DataFrame(
        {"workload": "w", "model": [FAST, FLAGSHIP], "successes": [11, 18], "trials": [20, 20]}
    )
    found = cascades(plain(), detector=CHECK, evaluations=read_evaluations(frame), projection=PLAN)
    alone = (18.5 / 21, 11.5 / 21)
    assert found.success_rates[FLAGSHIP] == alone[0]  # nothing is published of it
    assert found.success_rates[FAST] < alone[1]
    law = success_rates("w", PLAN.specs, read_evaluations(frame), read_public_results())[FAST]
    assert found.success_rates[FAST] == law.mean
    assert found.of(FAST).intervals.success == law.interval(0.9)
    assert found.notes[1].startswith("Published results count in success rates as up to 3 items")


def tried(solved):
    """Return evaluations that name the tasks: from model to task to whether it was solved."""
    trials = {
        ("w", model): Trials(
            successes=sum(tasks.values()),
            trials=len(tasks),
            items={name: Item(success=right) for name, right in tasks.items()},
        )
        for model, tasks in solved.items()
    }
    return Evaluations(trials=trials, source="tasks.csv")


def test_tasks_that_models_share_tell_what_they_fail_together():
    """Each task, and the prior's one that half all models solve and half none, through the tree."""
    rng = np.random.default_rng(3)
    hard = rng.random(40)
    solved = {
        model: {str(task): bool(rng.random() > hard[task] * by) for task in range(40)}
        for model, by in ((FAST, 1.2), (FLAGSHIP, 0.9), (THINKS, 0.5))
    }
    evaluations = tried(solved)
    found = cascades(plain(), detector=CHECK, evaluations=evaluations, projection=PLAN)
    for model in solved:
        assert found.success_rates[model] == pytest.approx(
            evaluations.of("w", model).mean, rel=1e-15
        )
    for one in found.routes[3:]:
        weights = Counter()
        for task in solved[FAST]:
            weights[tuple(solved[model][task] for model in one.models)] += Fraction(1, 41)
        for solved_by_all in (False, True):
            weights[(solved_by_all,) * len(one.models)] += Fraction(1, 82)
        tree = Counter()
        for pattern, weight in weights.items():
            sure = walked(one.models, CHECK, lambda _, place, __, p=pattern: Fraction(p[place]))
            tree.update({name: weight * amount for name, amount in sure.items()})
        assert float(one.cost_usd) == pytest.approx(float(tree["cost"]), rel=1e-15)
        assert one.success_rate == float(tree["success"])
        assert one.passage.false_accepted == tree["false"]
    assert "the 40 that all of them were tried on." in found.notes[1]
    easy = route(rates=found.success_rates, models=tuple(solved)).of(FAST, FLAGSHIP)
    assert found.of(FAST, FLAGSHIP).success_rate < easy.success_rate


def test_tasks_that_not_every_model_was_tried_on_are_left_out():
    """Rescue rates that are given go before tasks; without common tasks nothing tells."""
    tasks = {FAST: {"a": True, "b": False, "c": False}, FLAGSHIP: {"b": True, "c": True, "d": True}}
    found = cascades(plain(), detector=CHECK, evaluations=tried(tasks), projection=PLAN)
    assert found.success_rates == pytest.approx({FLAGSHIP: 2.5 / 3, FAST: 0.5 / 3}, rel=1e-15)
    assert "the 2 that all of them were tried on. 2 others are left out." in found.notes[1]
    given_ = cascades(
        plain(),
        detector=CHECK,
        evaluations=tried(tasks),
        rescue_rates={(FAST, FLAGSHIP): 0.9},
        published=False,
        projection=PLAN,
    )
    assert given_.success_rates == pytest.approx({FLAGSHIP: 3.5 / 4, FAST: 1.5 / 4}, rel=1e-15)
    apart = {FAST: {"a": True}, FLAGSHIP: {"b": True}}
    found = cascades(plain(), detector=CHECK, evaluations=tried(apart), projection=PLAN)
    assert "unknown_dependence" in [said.code for said in found.notes]


def test_a_conversation_is_a_task_with_all_its_turns():
    """Three calls that resend the history, each at its exact cost."""
    workload = plain(turns=3, followup_tokens=100)
    found = route(workload=workload, start="2026-12")
    for model in (FAST, THINKS):
        output = 2000 if model == THINKS else 500
        calls = [
            cost({"prompt_tokens": 2000 + 600 * turn, "completion_tokens": output}, model)
            for turn in range(3)
        ]
        assert found.of(model).cost_usd == sum(call.total_usd for call in calls)
        assert found.of(model).calls == 3


def test_ranges_give_finite_costs_and_the_same_result_for_the_same_seed():
    """The example workload with turns, ranges and a cached share."""
    support = load_workloads()[0]
    scenario = {"as_of": AS_OF, "n_paths": 500, "models": (FAST, FLAGSHIP)}
    rates = {FAST: 0.6, FLAGSHIP: 0.8}
    once, again = (
        cascades(support, detector=CHECK, success_rates=rates, **scenario) for _ in range(2)
    )
    assert once.routes == again.routes
    assert all(0 < one.cost_usd < 1 for one in once.routes)
    assert (
        "A task is a whole conversation; every model that is asked has one of its own."
        in once.notes
    )


def test_the_result_shows_itself():
    """A frame with a row for each route, a short text, a table, and what it rests on."""
    found = route(models=(FAST, FLAGSHIP))
    frame = found.frame
    assert frame["route"].tolist() == [FAST, FLAGSHIP, f"{FAST} → {FLAGSHIP}", f"{FLAGSHIP} → {FAST}"]  # fmt: skip
    assert (frame["escalated_share"] > 0).tolist() == [False, False, True, True]
    assert found.provenance == PLAN.provenance
    assert found.provenance in " ".join(repr(found).split())
    assert "<table" in found._repr_html_()
    first, second, *_ = found.sentences()
    assert first.startswith("w: choose kimi-k2 where a solved task is worth nothing; kimi-k2")
    assert second == "kimi-k2 costs the least for each success, 0.007636 USD."
    with pytest.raises(SettingError, match="No route"):
        found.of("kimi-k2-5", "kimi-k2-5")


BAD = {
    "no rates": ({"success_rates": None}, EvaluationError, "ratings of a catalog cannot tell"),
    "an unknown model": ({"success_rates": {"kimi-k3": 1}}, UnknownModelError, "'kimi-k3'"),
    "a rate above 1": ({"success_rates": {FAST: 1.2}}, EvaluationError, "kimi-k2 is 1.2"),
    "a rate that is none": ({"success_rates": {FAST: "often"}}, EvaluationError, "'often'"),
    "no mapping": ({"success_rates": [0.5]}, EvaluationError, "mapping"),
    "empty rates": ({"success_rates": {}}, EvaluationError, "No success rate among"),
    "a path": (
        {"success_rates": None, "evaluations": "e.csv"},
        EvaluationError,
        "read_evaluations",
    ),
    "rates twice": ({"evaluations": "e.csv"}, EvaluationError, "both given"),
    "no detector": ({"detector": 0.1}, CallError, "Give Detector"),
    "a rescue of one": ({"rescue_rates": {FAST: 0.5}}, EvaluationError, "Name two models"),
    "a rescue by itself": ({"rescue_rates": {(FAST, FAST): 0.5}}, EvaluationError, "two models"),
    "a rescue too good": (
        {"success_rates": {FAST: 0.2, FLAGSHIP: 0.4}, "rescue_rates": {(FAST, FLAGSHIP): 0.6}},
        EvaluationError,
        "between 0.25 and 0.5",
    ),
    "a rescue by nobody": ({"rescue_rates": {(FAST, "x"): 0.5}}, EvaluationError, "two models"),
    "rescues that contradict": (
        {"rescue_rates": {(FAST, FLAGSHIP): 0.6, (FLAGSHIP, FAST): 0.6}},
        EvaluationError,
        "contradict each other",
    ),
    "rescues in a list": ({"rescue_rates": [0.5]}, EvaluationError, "mapping"),
    "two workloads": ({"workload": [plain(), plain(name="v")]}, SettingError, "2 workloads"),
    "another workload": ({"workload": plain(name="v")}, SettingError, "no workload 'v'"),
    "an unknown model asked": ({"models": ["kimi-k3"]}, SettingError, "'kimi-k3'"),
    "no models": ({"models": []}, SettingError, "No models"),
    "a plan and months": ({"months": 2}, SettingError, "months cannot change"),
    "a plan that is none": ({"projection": 5}, CallError, "projection is 5"),
}


@pytest.mark.parametrize(("changes", "error", "words"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_one_error_with_a_remedy(changes, error, words):
    """Each fault is named in one line."""
    given_ = {"detector": CHECK, "success_rates": RATES, "projection": PLAN} | changes
    with pytest.raises(error, match=words) as caught:
        cascades(given_.pop("workload", plain()), **given_)
    assert "\n" not in str(caught.value)


def test_a_model_that_the_catalog_does_not_have_is_refused():
    """As in a projection."""
    with pytest.raises(UnknownModelError, match="kimi-k9"):
        cascades(plain(), detector=CHECK, success_rates=RATES, models="kimi-k9", as_of=AS_OF)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"false_accept": 1.1}, "false_accept is 1.1"),
        ({"false_reject": -0.1}, "false_reject is -0.1"),
        ({"false_reject": None}, "false_reject is None"),
        ({"false_accept": 0.6, "false_reject": 0.5}, "worse than chance"),
        ({"cost_usd": -1}, "cost_usd is -1"),
        ({"cost_usd": "free"}, "cost_usd: 'free' is not a number"),
    ],
)
def test_a_detector_out_of_bounds_is_refused(fields, words):
    """Shares from 0 to 1, together at most 1, and a cost from 0."""
    with pytest.raises(SettingError, match=words):
        Detector(**{"false_accept": 0.1, "false_reject": 0.1} | fields)


def summed(**counts):
    """Return evaluations of workload w: from model, spelled with underscores, to its counts."""
    rows = [("w", model.replace("_", "-"), *both) for model, both in counts.items()]
    frame = pd.DataFrame(rows, columns=["workload", "model", "successes", "trials"])
    return read_evaluations(frame)


TRIED = summed(kimi_k2=(11, 20), kimi_k2_5=(31, 40), kimi_k2_5_thinking=(9, 9), kimi_k2_instruct=(0, 7))  # fmt: skip
UNCERTAIN = plain(
    requests_per_day={"p10": 500, "p50": 1000, "p90": 1500},
    completion_tokens={
        "mean": 500,
        "sd": 100,
        "mean_factor": {"p10": 0.7, "p50": 1.0, "p90": 1.5},
    },
)


@pytest.mark.parametrize("workload", [plain(), UNCERTAIN], ids=["plain", "ranges"])
def test_a_single_model_has_the_intervals_of_its_cost_per_success(workload):
    """Also where a model solved all or none of its tasks; both rest on the same plan by default."""
    found = cascades(workload, detector=CHECK, evaluations=TRIED, as_of=AS_OF)
    costs = cost_per_success(workload, TRIED, as_of=AS_OF)
    assert found.projection.months == costs.projection.months
    for row in costs.rows:
        one = found.of(row.model)
        known = one.intervals
        assert float(one.cost_usd) == pytest.approx(row.cost_per_task_usd, rel=1e-12)
        assert known.success == (row.success_rate_low, row.success_rate_high)
        ends = (row.cost_per_success_low_usd, row.cost_per_success_high_usd)
        assert known.per_success == pytest.approx(ends, rel=1e-12 if workload is not UNCERTAIN else 0.03)  # fmt: skip
    frame = found.frame.set_index("route")
    assert frame.loc[CHEAP, "cost_per_success_high_usd"] == np.inf
    assert (frame["success_rate_low"] <= frame["success_rate"]).all()
    assert (frame["success_rate"] <= frame["success_rate_high"]).all()
    assert (frame["cost_low_usd"] <= frame["cost_usd"] * (1 + 1e-12)).all()
    assert (frame["cost_usd"] <= frame["cost_high_usd"] * (1 + 1e-12)).all()


def test_prices_that_change_count_by_their_traffic():
    """A price from the seventh month on: a task costs the mean of both, as `cost_per_success` says."""
    change = {"date": "2027-06-01", "model": FLAGSHIP, "factor": 0.5}
    workload = plain(price_changes=[change])
    scenario = {"start": "2026-12", "months": 12, "as_of": AS_OF}
    found = cascades(workload, detector=CHECK, evaluations=TRIED, **scenario)
    days = {"before": 182, "after": 183}
    mean = CALLS[FLAGSHIP] * (days["before"] + Fraction(days["after"], 2)) / 365
    assert float(found.of(FLAGSHIP).cost_usd) == pytest.approx(float(mean), rel=1e-15)
    row = next(
        one for one in cost_per_success(workload, TRIED, **scenario).rows if one.model == FLAGSHIP
    )
    assert row.cost_per_task_usd == float(found.of(FLAGSHIP).cost_usd)
    assert "The cost of a task is expected spend / expected tasks of 2026-12 to 2027-11." in found.notes  # fmt: skip


def test_that_either_of_two_models_solves_a_task_has_jeffreys_interval():
    """With common tasks and a perfect detector the posterior is a Beta distribution of its own."""
    rng = np.random.default_rng(11)
    solved = {
        model: {str(task): bool(one) for task, one in enumerate(rng.random(60) < rate)}
        for model, rate in ((FAST, 0.5), (FLAGSHIP, 0.6), (THINKS, 0.7))
    }
    found = cascades(
        plain(),
        detector=Detector(false_accept=0, false_reject=0),
        evaluations=tried(solved),
        projection=PLAN,
    )
    for models in [(FAST, FLAGSHIP), (FLAGSHIP, FAST), (THINKS, FAST)]:
        one = found.of(*models)
        either = sum(any(solved[model][task] for model in models) for task in solved[FAST])
        law = stats.beta(either + 0.5, 60 - either + 0.5)
        assert one.success_rate == pytest.approx(law.mean(), rel=1e-12)
        assert one.intervals.success == pytest.approx(law.ppf([0.05, 0.95]), abs=3e-3)
    pair = found.of(FAST, FLAGSHIP)
    fails = stats.beta(60.5 - sum(solved[FAST].values()), sum(solved[FAST].values()) + 0.5)
    cost = float(CALLS[FAST]) + fails.ppf([0.05, 0.95]) * float(CALLS[FLAGSHIP])
    assert pair.intervals.cost == pytest.approx(cost, rel=3e-3)


@pytest.mark.parametrize("rescue", [None, {(FAST, FLAGSHIP): 0.6}, {(FLAGSHIP, FAST): 0.4}])
def test_the_interval_of_a_cascade_is_that_of_drawn_rates_walked_through_it(rescue):
    """Rates from their Beta distributions, each draw followed step by step; rescue rates stay."""
    models = (FAST, FLAGSHIP)
    known = cascades(
        plain(), detector=CHECK, evaluations=TRIED, models=models, rescue_rates=rescue,
        published=False, projection=PLAN,
    ).of(*models).intervals  # fmt: skip
    rng = np.random.default_rng(5)
    first, second = rng.beta(11.5, 9.5, 200_000), rng.beta(31.5, 9.5, 200_000)
    saved = None
    if rescue == {(FAST, FLAGSHIP): 0.6}:
        saved = (1 - first) * 0.6
    elif rescue is not None:
        saved = second - (first - (1 - second) * 0.4)
    least, most = np.maximum(0, second - first), np.minimum(second, 1 - first)
    ends = [least, (1 - first) * second] if saved is None else [np.clip(saved, least, most)]
    sent_on = 0.05 * first + 0.85 * (1 - first)
    cost = float(CALLS[FAST]) + 0.0003 + sent_on * float(CALLS[FLAGSHIP])
    success = [0.95 * first + 0.05 * (second - end) + 0.85 * end for end in ends]
    for told, low, high in (
        (known.success, success[0], success[-1]),
        (known.cost, cost, cost),
        (known.per_success, cost / success[-1], cost / success[0]),
    ):
        drawn = np.quantile(low, 0.05), np.quantile(high, 0.95)
        assert told == pytest.approx(drawn, rel=6e-3)


def correlated(rng, first, second, share):
    """Return shares of tasks that neither, the second, the first and both solve, failures correlated."""
    spread = (first * (1 - first) * second * (1 - second)) ** 0.5
    both = min(first * second + share * spread, first, second)
    return np.array([1 - first - second + both, second - both, first - both, both])


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7])
@pytest.mark.parametrize("named", [True, False])
def test_intervals_of_routes_hold_the_truth_where_failures_correlate(share, named):
    """90% of what is true lies in them where items are named; at least as much where bounds are told.

    600 experiments of 150 tasks at rates of their own; a share of 0.9 has a standard error of 0.012.
    """
    rng = np.random.default_rng(18)
    usd = {FAST: np.array([0.004]), FLAGSHIP: np.array([0.009])}
    held = Counter()
    for run in range(600):
        rates = rng.uniform(0.35, 0.95, 2)
        cells = correlated(rng, *rates, share)
        places = rng.choice(4, 150, p=cells / cells.sum())
        if not named:  # the second model was tried on other tasks
            places = 2 * (places // 2) + rng.choice(4, 150, p=cells / cells.sum()) % 2
        solved = {FAST: places // 2, FLAGSHIP: places % 2}
        items = {
            model: {str(n): Item(success=bool(one)) for n, one in enumerate(some)}
            for model, some in solved.items()
        }
        trials = {
            model: Trials(successes=int(some.sum()), trials=150) for model, some in solved.items()
        }
        measured = {model: Fraction(2 * one.successes + 1, 302) for model, one in trials.items()}
        known = Uncertain(
            together=ByItems(items) if named else ByPairs(measured, None, list(RATES)),
            laws={model: SuccessRate.of_trials(model, one) for model, one in trials.items()},
            costs=usd,
            detector=CHECK,
            confidence=0.9,
            n_paths=400,
            stream=lambda *names, run=run: np.random.default_rng([run, *map(len, names)]),
        ).routes()[FAST, FLAGSHIP]
        _, rescued, _, both = cells
        truth = follow(
            Joint(first=rates[0], both=both, rescued=rescued), [0.004, 0.009], CHECK, float
        )
        for name, ends, true in (
            ("success", known.success, truth.success),
            ("cost", known.cost, truth.cost),
            ("per success", known.per_success, truth.cost / truth.success),
        ):
            held[name] += ends[0] <= true <= ends[1]
    shares = {name: count / 600 for name, count in held.items()}
    assert all(one >= 0.87 for one in shares.values())
    assert all(shares[name] <= 0.93 for name in (shares if named else ["cost"]))


def test_intervals_are_told_where_rates_are_measured_and_only_there():
    """In words and in the frame; narrower at a lower confidence; the same for the same seed."""
    found, again = (
        cascades(plain(), detector=CHECK, evaluations=TRIED, projection=PLAN) for _ in range(2)
    )
    assert found.routes == again.routes
    assert "% interval " in found.sentences()[1]
    half = cascades(plain(), detector=CHECK, evaluations=TRIED, projection=PLAN, confidence=0.5)
    for wide, narrow in zip(found.routes, half.routes, strict=True):
        assert wide.intervals.success[0] <= narrow.intervals.success[0]
        assert narrow.intervals.success[1] <= wide.intervals.success[1]
    given_ = route()
    assert all(one.intervals is None for one in given_.routes)
    assert given_.frame["success_rate_low"].isna().all()
    assert given_.notes[0] == "Success rates are those given, and have no interval."
    with pytest.raises(SettingError, match="confidence is 1"):
        route(confidence=1)


def test_a_task_costs_what_its_items_cost():
    """Tokens of items at the prices of the plan, as `cost_per_success` has it; their spread counts."""
    frame = pd.DataFrame(
        {
            "workload": "w",
            "model": np.repeat([FAST, FLAGSHIP], 4),
            "item": [*range(4), *range(4)],
            "success": [1, 0, 1, 0, 1, 1, 1, 0],
            "prompt_tokens": [9000, 9000, 9000, 13000] * 2,
            "completion_tokens": 5000,
        }
    )
    tried = read_evaluations(frame)
    found = cascades(plain(), detector=CHECK, evaluations=tried, projection=PLAN)
    mean = Fraction(10_000 * 120 + 5000 * 360, 10**8)
    assert float(found.of(FAST).cost_usd) == pytest.approx(float(mean), rel=1e-12)
    low, high = found.of(FAST).intervals.cost
    assert low < float(mean) < high
    rows = {row.model: row for row in cost_per_success(plain(), tried, projection=PLAN).rows}
    assert rows[FAST].cost_per_task_usd == pytest.approx(float(mean), rel=1e-12)
    assert "mean_of_items" in [said.code for said in found.notes if isinstance(said, Note)]
