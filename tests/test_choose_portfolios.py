"""Portfolios against brute force, linear programs and hand-made bills; bounds, frontier and words."""

import itertools
import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import trapezoid
from scipy.optimize import linprog
from scipy.stats import beta

from kimi_planner import Workload, load_catalog, load_workloads, project, recommend
from kimi_planner.billing.meters import ByMeter, Usage
from kimi_planner.capacity import throughput
from kimi_planner.choose import Requirements, cost_per_success, read_evaluations
from kimi_planner.choose.portfolios.bounds import branch, budget_row, cover, hindsight
from kimi_planner.choose.portfolios.choose import next_usd
from kimi_planner.choose.portfolios.choose import portfolio as with_published
from kimi_planner.choose.portfolios.frontier import portfolio_frontier as frontier_with_published
from kimi_planner.choose.portfolios.least import least
from kimi_planner.choose.portfolios.problem import WHOLE, Option, Problem
from kimi_planner.choose.portfolios.solve import best
from kimi_planner.choose.portfolios.words import least_text, share_text
from kimi_planner.cli import main
from kimi_planner.errors import CallError, EvaluationError, SettingError, UnknownModelError
from kimi_planner.plan.spend import Spend

#: By own trials alone, which can be done by hand.
portfolio = partial(with_published, published=False)
portfolio_frontier = partial(frontier_with_published, published=False)

AS_OF = date(2026, 10, 24)
NOVEMBER = {"months": 1, "start": "2026-11", "as_of": AS_OF}
K25, THINKS, K2, INSTRUCT = MODELS = (
    "kimi-k2-5",
    "kimi-k2-5-thinking",
    "kimi-k2",
    "kimi-k2-instruct",
)
#: Cost of 30 days of `plain` on each model, by hand.
BILLS = {K2: 126, INSTRUCT: Decimal("157.5"), K25: Decimal("262.5"), THINKS: Decimal("367.5")}


def spend_of(usd, exact=None):
    bill = ByMeter({"input": usd.mean(axis=1) if exact is None else np.array(exact, dtype=object)})
    return Spend(
        usd=usd,
        usage=Usage({}),
        bill=bill,
        list_bill=bill,
        conversations=usd[:, 0],
        is_ranged=usd.shape[1] > 1,
    )


def certain(amounts):
    exact = [Fraction(amount) for amount in amounts]
    return spend_of(np.array([[float(amount)] for amount in exact]), exact)


def generated(rng, kind, *, workloads=4, models=3, months=2, paths=150, limits=0, is_net=False):
    """Return a problem of options whose worth and spend are drawn; some models cross in some paths.

    A net value may be below 0.
    """
    options = []
    for place in range(workloads):
        shared = np.exp(rng.normal(0, 0.4, (months, paths)))
        some = []
        for model in range(min(models, int(rng.integers(1, models + 3)))):
            price = int(rng.integers(1, 60))
            if kind == "plain" or (kind == "mixed" and place % 2):
                factors = [Decimal(int(rng.integers(8, 13))) / 10 for _ in range(months)]
                spend = certain(price * factor for factor in factors)
            else:
                own = np.exp(rng.normal(0, 0.4, (months, paths)))
                spend = spend_of(price * (shared if rng.random() < 0.6 else own))
            load = rng.integers(1, 9, limits) / (4.5 * workloads)
            worth = float(rng.integers(0, 40) - (30 if is_net else 0))
            some.append(Option(f"m{model}", worth, spend, load))
        options.append(tuple(some))
    return Problem(tuple(options), float(rng.choice([0.1, 0.5, 0.75, 0.9, 1.0])))


def every(problem):
    """Return every assignment with its spend, worth and mean spend, by the definition alone."""
    found = []
    for places in itertools.product(*(range(len(some)) for some in problem.options)):
        chosen = [some[place] for some, place in zip(problem.options, places, strict=True)]
        together = Spend.together([one.spend for one in chosen])
        load = sum(one.load for one in chosen)
        if (load <= 1 + 1e-9).all():
            worth = sum(one.value for one in chosen)
            mean = sum(one.mean_usd for one in chosen)
            found.append((together.worst_month(problem.q)[1], worth, mean))
    return found


def drawn_budget(rng, spends):
    """Return the spend of some assignment to the last digit, or a budget around all of them."""
    low, high = min(spends), max(spends)
    if rng.random() < 0.5:
        return spends[rng.integers(len(spends))]
    return max(Decimal(1), low + (high - low) * Decimal(repr(float(rng.uniform(-0.2, 1.1)))))


@pytest.mark.parametrize("limits", [0, 2], ids=["", "limits"])
@pytest.mark.parametrize("kind", ["plain", "mixed", "uncertain"])
@pytest.mark.parametrize("is_net", [False, True], ids=["successes", "net"])
def test_small_portfolios_equal_brute_force(kind, limits, is_net):
    """Worth, mean spend and least budget are those of all assignments tried one by one, proved."""
    for seed in range(30):
        rng = np.random.default_rng([seed, limits])
        problem = generated(rng, kind, limits=limits, is_net=is_net)
        tried = every(problem)
        reduced = problem.reduced()
        lowest = least(reduced)
        if not tried:
            assert lowest.shares is None
            assert best(reduced, Decimal(10**6)).shares is None
            continue
        assert lowest.usd == min(spend for spend, _, _ in tried)
        assert lowest.is_proven
        budget = drawn_budget(rng, [spend for spend, _, _ in tried])
        within = [(worth, -mean) for spend, worth, mean in tried if spend <= budget]
        found = best(reduced, budget)
        if not within:
            assert (found.shares, found.bound) == (None, -np.inf), seed
            continue
        assert found.value == max(within)[0], seed
        assert found.bound <= found.value + 1e-9 * (1 + abs(found.value)), seed
        assert reduced.mean_usd(found.shares) == pytest.approx(-max(within)[1], rel=1e-12), seed
        assert reduced.worst(found.shares)[1] <= budget
        assert reduced.value(found.shares) == found.value


@pytest.mark.parametrize("seed", range(3))
def test_seven_uncertain_workloads_equal_brute_force(seed):
    """Among 2,187 assignments with ranges the best is found and proved."""
    rng = np.random.default_rng(seed)
    options = []
    for _ in range(7):
        level, factor = rng.uniform(20, 60), np.exp(rng.normal(0, 0.3, (1, 400)))
        rates = np.sort(rng.uniform(0.4, 0.97, 3))
        options.append(
            tuple(
                Option("m", level * rate, spend_of(level * price * factor), np.zeros(0))
                for price, rate in zip((1.2, 2.5, 3.5), rates, strict=True)
            )
        )
    problem = Problem(tuple(options), 0.9)
    tried = every(problem)
    budget = sorted(spend for spend, _, _ in tried)[700]
    found = best(problem, budget)
    assert found.value == max(worth for spend, worth, _ in tried if spend <= budget)
    assert found.bound <= found.value * (1 + 1e-9)


@pytest.mark.parametrize("kind", ["plain", "uncertain"])
def test_leaving_out_beaten_models_loses_nothing(kind):
    """A model that another beats in every scenario is in no better assignment."""
    for seed in range(20):
        problem = generated(np.random.default_rng(seed), kind, workloads=3)
        reduced = problem.reduced()
        before, after = every(problem), every(reduced)
        for budget in {spend for spend, _, _ in before}:
            assert max(worth for spend, worth, _ in before if spend <= budget) == max(
                worth for spend, worth, _ in after if spend <= budget
            )


def test_shares_equal_a_linear_program():
    """Where nothing is uncertain, shares are worth what a linear program over them is worth."""
    for seed in range(60):
        rng = np.random.default_rng(seed)
        problem = generated(rng, "plain", limits=seed % 2)
        flat = [one for some in problem.options for one in some]
        row_of = np.repeat(np.arange(4), [len(some) for some in problem.options])
        spend = np.array([one.spend.usd[:, 0] for one in flat]).T
        load = np.array([one.load for one in flat]).T
        low = max(1.0, spend[0].min() * 4)
        budget = Decimal(int(rng.uniform(low, 150)))
        oracle = linprog(
            [-one.value for one in flat],
            A_ub=np.vstack([spend, load]),
            b_ub=[float(budget)] * len(spend) + [1.0] * len(load),
            A_eq=(row_of == np.arange(4)[:, None]).astype(float),
            b_eq=np.ones(4),
        )
        found = best(problem.reduced(), budget, split=True)
        if oracle.status == 2:
            assert found.shares is None, seed
            continue
        assert found.value == pytest.approx(-oracle.fun, rel=2e-6), seed
        assert found.bound >= -oracle.fun * (1 - 1e-9)
        assert problem.reduced().worst(found.shares)[1] <= budget
        for used in found.shares:
            assert sum(used.values()) == 1
            assert all(share % Decimal("1e-6") == 0 and share > 0 for share in used.values())


def test_no_shares_are_worth_more_than_the_bound():
    """Under uncertainty shares keep the budget in truth, and drawn ones never beat the bound."""
    tried = 0
    for seed in range(15):
        rng = np.random.default_rng(seed)
        problem = generated(rng, "mixed", workloads=3).reduced()
        spends = [spend for spend, _, _ in every(problem)]
        budget = min(spends) + (max(spends) - min(spends)) * Decimal("0.4")
        found = best(problem, budget, split=True)
        assert problem.worst(found.shares)[1] <= budget
        for _ in range(60):
            shares = tuple(
                dict(enumerate(map(Decimal, rng.dirichlet(np.full(len(some), 0.4)))))
                for some in problem.options
            )
            if problem.worst(shares)[1] <= budget:
                tried += 1
                assert problem.value(shares) <= found.bound * (1 + 1e-9)
    assert tried > 100


@pytest.mark.parametrize("q", [0.0, 0.3, 0.5, 0.9, 1.0])
def test_bounds_hold_for_every_assignment(q):
    """Every assignment within a budget meets the row and stays below the bound with hindsight."""
    for seed in range(12):
        problem = replace(generated(np.random.default_rng(seed), "uncertain", months=1), q=q)
        tried = every(problem)
        costs = problem.costs(0)
        values = [np.array([one.value for one in some]) for some in problem.options]
        budget = float(sorted(spend for spend, _, _ in tried)[len(tried) // 2])
        row = budget_row(costs, q, budget)
        point = [np.full(len(some), 1 / len(some)) for some in problem.options]
        bound = hindsight(costs, values, q, budget, point).bound
        places = itertools.product(*(range(len(some)) for some in problem.options))
        starts = np.cumsum([0, *(len(some) for some in problem.options)])[:-1]
        for chosen, (spend, worth, _) in zip(places, tried, strict=True):
            if float(spend) <= budget:
                assert row.weights[starts + chosen].sum() <= row.most * (1 + 1e-12)
                assert worth <= bound * (1 + 1e-12) + 1e-9


@pytest.mark.parametrize("kind", ["plain", "mixed", "uncertain"])
def test_a_cut_rules_out_only_what_is_over_the_budget(kind):
    """A cut from one assignment over the budget rules that out, and no assignment within it."""
    ruled_out = 0
    for seed in range(15):
        problem = generated(np.random.default_rng(seed), kind, months=1)
        costs = problem.costs(0)
        means = [cost.mean(axis=1) for cost in costs]
        starts = np.cumsum([0, *(len(some) for some in problem.options)])[:-1]
        places = list(itertools.product(*(range(len(some)) for some in problem.options)))
        spends = [float(spend) for spend, _, _ in every(problem)]
        budget = sorted(spends)[len(spends) // 2]
        over = [place for place, spend in enumerate(spends) if spend > budget]
        if not over:
            continue
        first = min(over, key=lambda place: spends[place])
        row = cover(costs, problem.q, budget, places[first], means)
        out = [row.weights[starts + chosen].sum() > row.most for chosen in places]
        assert out[first]
        assert all(spend > budget for spend, is_out in zip(spends, out, strict=True) if is_out)
        ruled_out += sum(out)
    assert ruled_out > 60


def test_a_visit_of_too_many_says_so():
    """When the partial assignments are more than may be looked at, nothing is claimed of the rest."""
    problem = generated(np.random.default_rng(1), "uncertain", months=1)
    costs = problem.costs(0)
    values = [np.array([one.value for one in some]) for some in problem.options]
    found = hindsight(costs, values, problem.q, 1e6, [np.ones(len(some)) for some in values])
    visited = []
    settings = {"least_value": lambda: -np.inf, "visit": visited.append}
    assert branch(found, costs, values, nodes=10_000, **settings)
    assert sorted(map(tuple, visited)) == list(
        itertools.product(*(range(len(some)) for some in problem.options))
    )
    assert not branch(found, costs, values, nodes=len(visited), **settings)


def large(kind, q, workloads=200, models=4):
    rng = np.random.default_rng(3)
    options = []
    for _ in range(workloads):
        level = float(np.exp(rng.normal(0, 1)) * 100)
        rates = np.sort(rng.uniform(0.4, 0.97, models))
        factor = np.exp(rng.normal(0, 0.25, (1, 300)))
        some = []
        for price, rate in zip(("1.2", "1.5", "2.5", "3.5"), rates, strict=True):
            usd = Decimal(f"{level:.6f}") * Decimal(price)
            spend = certain([usd]) if kind == "plain" else spend_of(float(usd) * factor)
            some.append(Option(price, level * float(rate), spend, np.zeros(0)))
        options.append(tuple(some))
    return Problem(tuple(options), q).reduced()


def test_two_hundred_workloads_by_four_models_are_proved():
    """Plain numbers are proved to the best, which is just below what shares would be worth."""
    problem = large("plain", 0.5)
    low, high = (problem.worst(tuple({at: WHOLE} for _ in range(200)))[1] for at in (0, 3))
    budget = (low + high) / 2
    found = best(problem, budget)
    assert found.bound == pytest.approx(found.value, rel=1e-9)
    assert problem.worst(found.shares)[1] <= budget
    shares = best(problem, budget, split=True)
    assert found.value <= shares.bound <= found.value * 1.0005
    assert shares.bound <= shares.value * (1 + 1e-6)


@pytest.mark.parametrize("q", [0.5, 0.9])
def test_many_uncertain_workloads_come_with_a_bound(q):
    """What cannot be proved is stated: the assignment keeps the budget and the gap is small."""
    problem = large("uncertain", q, workloads=100)
    low, high = (problem.worst(tuple({at: WHOLE} for _ in range(100)))[1] for at in (0, 3))
    budget = (low + high) / 2
    found = best(problem, budget)
    assert problem.worst(found.shares)[1] <= budget
    assert found.value <= found.bound <= found.value * 1.03
    again = best(problem, budget)
    assert (again.shares, again.bound) == (found.shares, found.bound)


def test_the_solver_prints_nothing(capfd):
    """Nothing but our own output may stand on stdout, where a program may read JSON."""
    problem = large("plain", 0.5, workloads=60)
    budget = problem.worst(tuple({1: WHOLE} for _ in range(60)))[1]
    best(problem, budget)
    assert capfd.readouterr() == ("", "")


def plain(name="w", **changes):
    """Return a workload of plain numbers, whose reasoning is known."""
    fields = {"requests_per_day": 1000, "prompt_tokens": 2000, "completion_tokens": 500}
    fields |= {"reasoning_tokens": 0}
    return Workload(name=name, **fields | changes)


def rates(*rows):
    frame = pd.DataFrame(rows, columns=["workload", "model", "successes", "trials"])
    return read_evaluations(frame)


ALL_TRIED = rates(
    *(
        (name, model, solved, 100)
        for name in ("a", "b", "w", "<w>")
        for model, solved in zip(MODELS, (80, 90, 50, 60), strict=True)
    )
)

#: Tried so often that noise explains no difference.
OFTEN_TRIED = rates(
    *(
        (name, model, solved, 100_000)
        for name in ("a", "b")
        for model, solved in zip(MODELS, (80_000, 90_000, 50_000, 60_000), strict=True)
    )
)


def test_the_assignment_is_the_best_of_all_by_the_mix_of_the_projection():
    """With ranges, the answer is that of all 16 mixes of the projection, priced together."""
    chosen = [
        plain("a", requests_per_day={"p10": 800, "p50": 1000, "p90": 1500}),
        plain("b", requests_per_day={"p10": 200, "p50": 700, "p90": 1500}, growth_per_month=0.1),
    ]
    projection = project(chosen, months=3, start="2026-11", as_of=AS_OF, n_paths=500)
    mean = {model: ALL_TRIED.of("a", model).mean for model in MODELS}
    for budget in (300, 420, 600, 900):
        worths = {}
        for pair in itertools.product(MODELS, repeat=2):
            spend = projection.mix(dict(zip("ab", pair, strict=True)))
            if spend.quantile(0.9).max() <= budget:
                worths[pair] = sum(
                    projection.of(model, name).requests.mean() * mean[model]
                    for name, model in zip("ab", pair, strict=True)
                )
        found = portfolio(
            chosen, budget, percentile=90, projection=projection, evaluations=ALL_TRIED
        )
        assert found.is_feasible == bool(worths)
        if worths:
            assert tuple(found.assignment.values()) == max(worths, key=worths.get)
            assert found.value == pytest.approx(max(worths.values()), rel=1e-12)
            assert found.proven_optimal
            assert found.spend_usd() <= budget


@pytest.mark.parametrize("digit", ["0", "-1e-9", "-1e-20"])
def test_a_budget_equal_to_the_bill_is_enough(digit):
    """The budget holds to the last digit: one that is lower by the last digit buys less."""
    chosen = [plain("a"), plain("b", requests_per_day=500)]
    bill = BILLS[K25] + BILLS[THINKS] / 2
    found = portfolio(chosen, bill + Decimal(digit), evaluations=ALL_TRIED, **NOVEMBER)
    exact = {"a": K25, "b": THINKS}
    assert (found.assignment == exact) == (digit == "0")
    if digit == "0":
        assert found.spend_usd() == found.budget_usd_per_month == bill
        assert found.value == pytest.approx(30_000 * 80.5 / 101 + 15_000 * 90.5 / 101)
    assert found.proven_optimal


def test_the_least_budget_is_said_when_the_budget_is_too_low():
    """A budget that cannot serve all is named with the least that can, to the last digit."""
    chosen = [plain("a"), plain("b", model=INSTRUCT)]
    found = portfolio(chosen, "283.49", evaluations=ALL_TRIED, **NOVEMBER)
    assert not found.is_feasible
    assert found.assignment == {}
    assert (found.least_budget_usd, found.least_possible_usd) == (Decimal("283.5"),) * 2
    assert found.sentences() == [
        "283.49 USD a month at P50 cannot serve every workload. The least budget that can is "
        "283.50 USD."
    ]
    assert (found.value, found.bound, found.gap, found.spend_usd(), found.dearest_month) == (
        None,
    ) * 5
    assert found.proven_optimal
    assert portfolio(chosen, found.least_budget_usd, evaluations=ALL_TRIED, **NOVEMBER).is_feasible


def test_every_month_keeps_the_budget():
    """A budget of November's bill is too low for December, which has a day more."""
    found = portfolio(
        plain(), 126, models=K2, months=2, start="2026-11", as_of=AS_OF, evaluations=ALL_TRIED
    )
    assert found.least_budget_usd == Decimal(126) / 30 * 31
    found = portfolio(
        plain(),
        found.least_budget_usd,
        models=K2,
        months=2,
        start="2026-11",
        as_of=AS_OF,
        evaluations=ALL_TRIED,
    )
    assert found.dearest_month == "2026-12"


def test_half_of_a_workload_moves_where_it_may_be_split():
    """A budget halfway between two bills sends half of the requests to the dearer model."""
    tried = rates(("w", K2, 50, 100), ("w", K25, 80, 100))
    budget = (BILLS[K2] + BILLS[K25]) / 2
    found = portfolio(plain(), budget, evaluations=tried, allow_split=True, **NOVEMBER)
    assert found.assignment == {"w": {K2: Decimal("0.5"), K25: Decimal("0.5")}}
    assert found.spend_usd() == budget
    assert found.value == pytest.approx(15_000 * (50.5 + 80.5) / 101)
    assert found.frame["share"].sum() == 1
    by_model = found.by_meter().groupby("model")["usd"].sum().to_dict()
    assert by_model == {K2: float(BILLS[K2] / 2), K25: float(BILLS[K25] / 2)}
    assert any("spends that share" in sentence for sentence in found.sentences())
    whole = portfolio(plain(), budget, evaluations=tried, **NOVEMBER)
    assert whole.assignment == {"w": K2}


def test_a_model_that_was_not_tried_takes_no_part():
    """Unknown is not a success: a model without trials is excluded in words, however cheap."""
    found = portfolio(plain(), 1000, evaluations=rates(("w", K25, 9, 10)), **NOVEMBER)
    assert found.assignment == {"w": K25}
    assert {one.model for one in found.exclusions} == {K2, INSTRUCT, THINKS}
    untried = "it was not tried on this workload in evaluations, and no published result counts"
    assert found.exclusions[0].reasons == (untried,)
    assert "measured in evaluations." in " ".join(found.sentences())


def test_a_model_with_published_results_takes_part_and_is_called_so():
    """As for `recommend`, whose models and success are the same."""
    options = {
        "catalog": "2026-11-public-3",
        "months": 1,
        "start": "2026-12",
        "as_of": "2026-11-28",
    }
    tried = rates(("w", "kimi-k3", 9, 10))
    chosen = plain(value_usd_per_success=5)
    found = with_published(chosen, 10**9, evaluations=tried, **options)
    card = recommend(chosen, evaluations=tried, **options)
    known = [row for row in card.cards[0].rows if row.rank and row.success_rate]
    untried = [row.model for row in known if not row.is_measured]
    assert untried
    assert not {one.model for one in found.exclusions} & set(untried)
    alone = portfolio(chosen, 10**9, evaluations=tried, **options)
    assert alone.assignment == {"w": "kimi-k3"}
    only = plain(model=untried[0])
    unknown = portfolio(only, 10**9, evaluations=tried, **options).sentences()
    assert unknown == [
        "No portfolio: nothing tells how often the models succeed that qualify for w."
    ]
    said = with_published(only, 10**9, evaluations=tried, **options).sentences()
    assert any(f"for w on {untried[0]}, published results" in sentence for sentence in said)


def test_a_model_on_a_condition_takes_no_part_beside_one_without():
    """Money enough buys the model that is recommended, which is not one that may not qualify."""
    chosen = valued("a", 1, needs=["json"])
    found = portfolio(chosen, 10_000, evaluations=OFTEN_TRIED, **NOVEMBER)
    best = recommend(chosen, evaluations=OFTEN_TRIED, published=False, **NOVEMBER).best
    assert found.assignment == best == {"a": INSTRUCT}
    left_out = {one.model: one.reasons for one in found.exclusions}
    assert left_out[THINKS] == ("it qualifies if it has json, and kimi-k2-instruct whether or not",)


def test_conditions_are_said_and_what_is_lacking_rules_models_out():
    """Needs count as for recommend, with the same words; own budgets rule nothing out."""
    found = portfolio(
        plain(budget_usd_per_month=200),
        1000,
        requirements=Requirements(needs=("tools",)),
        evaluations=ALL_TRIED,
        **NOVEMBER,
    )
    assert found.exclusions == ()
    assert f"{found.assignment['w']} qualifies for w if it has tools." in " ".join(
        found.sentences()
    )
    base = load_catalog()
    lacking = replace(base, models=tuple(replace(one, lacks=frozenset({"tools"})) for one in base))
    found = portfolio(
        plain(needs=["tools"]), 1000, evaluations=ALL_TRIED, catalog=lacking, **NOVEMBER
    )
    assert found.sentences() == [
        "No portfolio: no model qualifies for w. Every workload must be served."
    ]
    assert found.proven_optimal
    assert "no model qualifies" in repr(found)
    assert found.by_meter().empty


def test_a_tier_limits_all_workloads_together():
    """Peaks add up against the tier: what none may send alone, two may not send together."""
    chosen = [plain("a", requests_per_day=200_000), plain("b", requests_per_day=200_000)]
    traffic = throughput(chosen, **NOVEMBER)
    needed = [traffic.tier(K2, name).tier for name in ("a", "b", "all")]
    assert needed[0] == needed[1] < needed[2]
    alone = portfolio(chosen[0], 10**6, tier=needed[0], evaluations=ALL_TRIED, **NOVEMBER)
    assert alone.is_feasible
    assert f"limits of tier {needed[0]}" in " ".join(alone.sentences())
    both = portfolio(chosen, 10**6, tier=needed[0], evaluations=ALL_TRIED, **NOVEMBER)
    assert both.sentences() == [
        f"No portfolio: no assignment keeps the limits of tier {needed[0]}."
    ]
    assert portfolio(
        chosen, 10**6, tier=needed[2], traffic=traffic, evaluations=ALL_TRIED, **NOVEMBER
    ).is_feasible


def test_models_alike_are_taken_in_the_order_of_the_catalog():
    """A workload without requests costs and is worth nothing: the first model serves it."""
    found = portfolio(plain(requests_per_day=0), 1, evaluations=ALL_TRIED, **NOVEMBER)
    assert found.assignment == {"w": K25}
    assert (found.value, found.gap, found.proven_optimal) == (0, 0, True)


def test_the_frontier_has_every_step():
    """Few assignments: the budgets are those of the undominated of all assignments, and no others."""
    chosen = [plain("a"), plain("b", requests_per_day=700)]
    found = portfolio_frontier(chosen, evaluations=ALL_TRIED, **NOVEMBER)
    mean = {model: ALL_TRIED.of("a", model).mean for model in MODELS}
    pairs = {
        (BILLS[one] + BILLS[other] * Decimal("0.7"), 30_000 * mean[one] + 21_000 * mean[other])
        for one, other in itertools.product(MODELS, repeat=2)
    }
    front = sorted(
        (spend, worth)
        for spend, worth in pairs
        if not any(s <= spend and w > worth for s, w in pairs)
    )
    assert [one.spend_usd() for one in found.points] == [spend for spend, _ in front]
    assert found.frame["value"].tolist() == pytest.approx([worth for _, worth in front])
    assert found.frame["proven_optimal"].all()
    assert found.frame["moves"].iloc[0] == ""
    assert len(found.sentences()) == len(front)


def test_what_the_next_100_usd_buy():
    """The next 100 USD are told in successes and moves, or how much the next step takes."""
    tried = rates(("w", K2, 50, 100), ("w", K25, 80, 100), ("w", THINKS, 90, 100))
    frontier = portfolio_frontier(plain(), (200, 1000), evaluations=tried, **NOVEMBER)
    step = frontier.next_100_usd(200)
    assert step.sentence() == (
        f"+100.00 USD a month: {30_000 * 30 / 101:,.0f} more expected successes a month: w moves "
        "from kimi-k2 to kimi-k2-5."
    )
    assert step.more_value == pytest.approx(30_000 * 30 / 101)
    step = frontier.next_100_usd(130)
    assert (step.needed_usd, step.moves) == (Decimal("262.5"), ())
    assert step.sentence().endswith("the next better assignment takes 132.50 USD more.")
    assert "no budget does better" in frontier.next_100_usd(1000).sentence()
    assert frontier.next_100_usd(20).sentence() == (
        "+100.00 USD a month: 120.00 USD do not serve every workload."
    )
    assert next_usd(frontier.next_100_usd(20).after).sentence() == (
        "+100.00 USD a month: 220.00 USD serve every workload."
    )


def test_more_budget_is_never_worth_less():
    """Along a frontier of shares under uncertainty, worth rises and each point keeps its budget."""
    chosen = load_workloads()[:4]
    free = [replace(one, budget_usd_per_month=None) for one in chosen]
    tried = rates(
        *(
            (one.name, model, solved, 100)
            for one in free
            for model, solved in zip(MODELS, (80, 90, 50, 60), strict=True)
        )
    )
    found = portfolio_frontier(
        free, percentile=90, evaluations=tried, allow_split=True, months=2, as_of=AS_OF, n_paths=300,
    )  # fmt: skip
    values = found.frame["value"]
    assert (values.diff().dropna() >= -1e-9 * values.max()).all()
    assert len(found.points) > 5
    for one in found.points:
        assert one.spend_usd() <= one.budget_usd_per_month
        assert one.bound >= one.value
        by_meter = one.by_meter()
        by_month = by_meter.groupby("month")["usd"].sum()
        assert by_month.to_list() == pytest.approx(one.spend.mean().tolist(), rel=1e-12)
        in_frame = one.frame.set_index(["workload", "model"])["mean_usd_per_month"]
        by_model = by_meter.groupby(["workload", "model"])["usd"].sum() / 2
        assert by_model.to_dict() == pytest.approx(in_frame.to_dict(), rel=1e-12)


def test_a_result_shows_itself_without_colours():
    """A notebook gets the sentences, a table and the provenance; text in it is escaped."""
    found = portfolio(plain("<w>"), 300, evaluations=ALL_TRIED, **NOVEMBER)
    shown = found._repr_html_()
    assert "&lt;w&gt;" in shown
    assert "<w>" not in shown
    assert found.provenance in shown
    assert "color" not in shown
    assert repr(found).startswith("300.00 USD a month serve every workload.")
    frontier = portfolio_frontier(plain("<w>"), evaluations=ALL_TRIED, **NOVEMBER)
    assert "color" not in frontier._repr_html_()
    assert repr(frontier).startswith("The best portfolio of 4 budgets, ")


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"budget_usd_per_month": 0}, "above 0"),
        ({"budget_usd_per_month": "much"}, "not a number"),
        ({"budget_usd_per_month": float("nan")}, "finite"),
        ({"percentile": 101}, "percentile"),
        ({"percentile": True}, "percentile"),
        ({"tier": 9}, "tiers 0, 1"),
        ({"n_paths": 1}, "n_paths"),
    ],
)
def test_bad_questions_are_named(options, word):
    """What is out of bounds is named with its value and what to give instead."""
    scenario = {"evaluations": ALL_TRIED} | ({} if "projection" in options else NOVEMBER)
    with pytest.raises(SettingError, match=word):
        portfolio(plain("a"), **{"budget_usd_per_month": 300} | scenario | options)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"requirements": {}}, "Give Requirements"),
        ({"projection": 5}, r"Give what project\(\) returns"),
        ({"fit": 5}, r"Give what context_fit\(\) returns"),
        ({"tier": 1, "traffic": 5}, r"Give what throughput\(\) returns"),
    ],
)
def test_what_is_no_result_is_named(options, word):
    """Something else in the place of a result is named, with where to get one."""
    plan = {"evaluations": ALL_TRIED} | ({} if "projection" in options else NOVEMBER)
    with pytest.raises(CallError, match=word):
        portfolio(plain("a"), 300, **plan | options)


def test_evaluations_of_a_misspelled_workload_are_said():
    """One name that is misspelled is said; if all are, the evaluations are of something else."""
    tried = rates(("support", K2, 5, 9), ("suport", K25, 9, 9))
    found = portfolio(plain("support"), 300, evaluations=tried, **NOVEMBER)
    said = "Evaluations of suport are not used: there is no such workload here. Did you mean 'support'?"
    assert said in found.sentences()
    with pytest.raises(EvaluationError, match="Did you mean 'support'"):
        portfolio(plain("support"), 300, evaluations=rates(("suport", K2, 5, 9)), **NOVEMBER)


def test_evaluations_of_a_misspelled_model_are_refused_with_their_place():
    """A model that takes no part because of a typing error would be a silent loss."""
    with pytest.raises(EvaluationError, match="read_evaluations"):
        portfolio(plain(), 300, evaluations={}, **NOVEMBER)
    with pytest.raises(UnknownModelError, match=r"row 2: Unknown model 'kimi-k2\.5'"):
        portfolio(
            plain(), 300, evaluations=rates(("w", K2, 5, 9), ("w", "kimi-k2.5", 5, 9)), **NOVEMBER
        )


def test_the_frontier_of_many_workloads_ends_at_the_best():
    """With too many assignments for every step, a grid runs up to the best assignment of all."""
    chosen = [plain(f"w{k}", requests_per_day=100 + 37 * k) for k in range(8)]
    tried = rates(
        *(
            (one.name, model, 50 + 10 * place, 100)
            for one in chosen
            for place, model in enumerate((K2, INSTRUCT, K25, THINKS))
        )
    )
    found = portfolio_frontier(chosen, evaluations=tried, **NOVEMBER)
    assert len(found.points) == 20
    assert found.points[-1].assignment == {one.name: THINKS for one in chosen}
    low, high = (found.points[place].spend_usd() for place in (0, -1))
    for place, one in enumerate(found.points):
        even = Fraction(low) + Fraction(high - low) * place / 19
        assert 0 <= Fraction(one.budget_usd_per_month) - even < Fraction(1, 100)
    assert found.frame["proven_optimal"].all()


@pytest.mark.parametrize("budget", ["1e30", 10**400])
def test_a_budget_without_measure_buys_the_best(budget):
    """Even one that no float holds."""
    assert portfolio(plain("a"), budget, evaluations=ALL_TRIED, **NOVEMBER).assignment == {
        "a": THINKS
    }


def test_a_budget_of_many_digits_is_short():
    """A number that nobody reads is a power of ten, and a chance that is small is not none."""
    found = portfolio(plain("a"), "1" + 400 * "0", evaluations=ALL_TRIED, **NOVEMBER)
    assert found.sentences()[0].startswith("1.00e+400 USD a month serve every workload.")
    assert 50 * "0" not in found._repr_html_()
    spend = spend_of(np.append(np.full(9_999, 1.0), 3.0)[np.newaxis])
    risky = replace(found, budget_usd_per_month=Decimal(2), spend=spend)
    assert risky.sentences()[0].endswith("exceeds the budget is <0.1%.")


def test_a_part_of_a_success_is_not_said_to_be_none():
    """Two significant digits below ten."""
    tried = rates(("w", K2, 50, 100), ("w", K25, 80, 100))
    few = plain(requests_per_day=0.02)
    step = next_usd(portfolio(few, "0.003", evaluations=tried, **NOVEMBER))
    assert f"{step.more_value:.2g} more expected successes a month" in step.sentence()
    assert 0 < step.more_value < 1


def test_a_frontier_needs_budgets_and_models():
    """No budgets, or a workload that no model can serve, is an error that says so."""
    with pytest.raises(SettingError, match="budgets is empty"):
        portfolio_frontier(plain(), (), evaluations=ALL_TRIED, **NOVEMBER)
    for budgets in (500, "500"):
        with pytest.raises(SettingError, match="Give a list of them"):
            portfolio_frontier(plain(), budgets, evaluations=ALL_TRIED, **NOVEMBER)
    with pytest.raises(SettingError, match="no model qualifies for w"):
        portfolio_frontier(plain(prompt_tokens=200_000), evaluations=ALL_TRIED, **NOVEMBER)
    projection = project(plain(), **NOVEMBER)
    with pytest.raises(SettingError, match="cannot change a projection"):
        portfolio(plain(), 300, projection=projection, months=3, evaluations=ALL_TRIED)


def test_a_least_success_rate_holds_for_portfolios_too():
    """A model below it takes no part, and a model that was not tried has one reason, not two."""
    tried = rates(("w", K2, 50, 100), ("w", K25, 80, 100))
    asked = Requirements(min_success_rate=0.7)
    found = portfolio(plain(), 10_000, evaluations=tried, requirements=asked, **NOVEMBER)
    assert found.assignment == {"w": K25}
    reasons = {one.model: one.reasons for one in found.exclusions}
    assert "expected success rate is 50.00%" in reasons[K2][0]
    assert len(reasons[THINKS]) == 1


def test_a_bound_is_rounded_up():
    """A gap is never shown smaller than it is."""
    assert share_text(0.00421) == "0.43%"
    assert share_text(0.1) == "10.00%"


@pytest.mark.parametrize("form", ["table", "json"])
def test_the_command_says_what_the_function_does(form, capsys, tmp_path):
    """The command prints the same portfolio, as text for people or as JSON for programs."""
    tried, workloads = tmp_path / "tried.csv", tmp_path / "workloads.toml"
    tried.write_text(
        "workload,model,successes,trials\n"
        + "".join(f"a,{model},{9 - place},10\n" for place, model in enumerate(MODELS))
    )
    workloads.write_text(
        '[[workload]]\nname = "a"\nrequests_per_day = { p10 = 800, p50 = 1000, p90 = 1500 }\n'
        "prompt_tokens = 2000\ncompletion_tokens = 500\n"
    )
    arguments = ["portfolio", str(workloads), "--budget", "230", "--percentile", "90"]
    arguments += ["--paths", "200", "--months", "1", "--as-of", "2026-11-24"]
    arguments += ["--evaluations", str(tried), "--frontier", "--format", form]
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    out = capsys.readouterr().out
    assert stopped.value.code == 0
    found = with_published(
        load_workloads(workloads), 230, percentile=90, months=1, n_paths=200,
        as_of=date(2026, 11, 24), evaluations=read_evaluations(tried),
    )  # fmt: skip
    if form == "table":
        assert out.startswith("\n".join(found.sentences()))
        assert "What each budget buys (P90 of the dearest month):" in out
        assert out.endswith(f"{found.provenance}\n")
        return
    data = json.loads(out)
    assert {row["workload"]: row["model"] for row in data["assignment"]} == found.assignment
    assert data["value"] == pytest.approx(found.value, abs=1e-6)
    assert data["budget_usd_per_month"] == "230"
    assert data["frontier"][0]["is_feasible"] is True
    assert data["next"]["sentence"] == next_usd(found).sentence()
    assert data["sentences"] == found.sentences()


def test_a_conversation_that_is_solved_counts_once():
    """Turns and retries are requests, not tasks: successes are those of `cost_per_success`."""
    chosen = plain(turns=4, followup_tokens=100, retry_share=0.25)
    tried = rates(("w", K2, 50, 100), ("w", K25, 80, 100))
    found = portfolio(chosen, 10_000, evaluations=tried, **NOVEMBER)
    row = found.frame.iloc[0]
    assert row["requests_per_month"] == 30_000 * 1.25
    assert row["tasks_per_month"] == 7_500
    assert found.value == pytest.approx(7_500 * 80.5 / 101, rel=1e-12)
    assert f"{7_500 * 80.5 / 101:,.0f} successes of 7,500 tasks" in found.sentences()[1]
    costs = cost_per_success(chosen, tried, projection=found.projection)
    spend = next(one for one in costs.rows if one.model == K25).cost_per_task_usd * 7_500
    assert spend == pytest.approx(row["mean_usd_per_month"], rel=1e-12)


def test_successes_of_a_long_conversation_do_not_outbid_those_of_single_requests():
    """With money for one better model, the workload with more tasks gets it, whatever its calls."""
    chosen = [plain("a", turns=10, followup_tokens=10), plain("b", requests_per_day=400)]
    tried = rates(
        ("a", K2, 50, 100), ("a", K25, 80, 100), ("b", K2, 50, 100), ("b", K25, 80, 100)
    )  # fmt: skip
    lowest = portfolio(
        chosen, 10**6, models=K2, evaluations=tried, months=1, start="2026-11", as_of=AS_OF
    )
    top = portfolio(
        chosen, 10**6, models=K25, evaluations=tried, months=1, start="2026-11", as_of=AS_OF
    )
    more = max(
        (top.projection.of(K25, name).exact_usd[0] - lowest.projection.of(K2, name).exact_usd[0])
        for name in "ab"
    )
    found = portfolio(chosen, lowest.spend_usd() + more, evaluations=tried, **NOVEMBER)
    assert found.assignment == {"a": K2, "b": K25}


def test_an_optimum_is_proven_to_a_millionth():
    """A bound that is further off proves nothing."""
    found = portfolio(plain("a"), 300, evaluations=ALL_TRIED, **NOVEMBER)
    assert replace(found, bound=found.value * (1 + 9e-7)).proven_optimal
    assert not replace(found, bound=found.value * (1 + 2e-6)).proven_optimal


def test_least_budgets_are_rounded_up_to_a_cent():
    """What is said to be enough is enough, and not a cent more."""
    assert least_text(Decimal("12.301")) == "12.31"
    assert least_text(Decimal("12.31")) == "12.31"


def valued(name, value, **changes):
    return plain(name, value_usd_per_success=value, **changes)


def test_net_value_is_the_best_of_all_mixes():
    """Where a solved task has a value, the answer is the mix with the highest net value within the budget."""
    chosen = [
        valued("a", "0.02", requests_per_day={"p10": 800, "p50": 1000, "p90": 1500}),
        valued("b", "0.2", failure_usd="0.05", growth_per_month=0.1),
    ]
    projection = project(chosen, months=3, start="2026-11", as_of=AS_OF, n_paths=300)
    for budget in (300, 420, 600, 900):
        nets = {}
        for pair in itertools.product(MODELS, repeat=2):
            if projection.mix(dict(zip("ab", pair, strict=True))).quantile(0.9).max() > budget:
                continue
            net = 0.0
            for workload, model in zip(chosen, pair, strict=True):
                spend = projection.of(model, workload.name)
                solved = float(OFTEN_TRIED.of("a", model).mean)
                value = float(workload.value_usd_per_success)
                failure = float(workload.failure_usd or 0)
                task = value * solved - failure * (1 - solved)
                net += spend.requests.mean() * task - spend.mean().mean()
            nets[pair] = net
        found = portfolio(
            chosen, budget, percentile=90, projection=projection, evaluations=OFTEN_TRIED
        )
        assert found.is_feasible == bool(nets)
        if nets:
            assert tuple(found.assignment.values()) == max(nets, key=nets.get)
            assert found.value == pytest.approx(max(nets.values()), rel=1e-9)
            assert found.frame["value"].sum() == pytest.approx(found.value, rel=1e-9)
            assert found.proven_optimal


def test_money_is_not_spent_for_less_than_it_brings():
    """A budget that would buy more successes is left where they are worth less than they cost."""
    tried = rates(("a", K2, 50, 100), ("a", K25, 80, 100))
    cheap, dear = (
        portfolio(valued("a", value), 10_000, evaluations=tried, **NOVEMBER)
        for value in ("0.01", "0.02")
    )
    # 136.50 USD more for 30,000 x 30 / 101 more solved tasks: 0.0153 USD each.
    assert (cheap.assignment, dear.assignment) == ({"a": K2}, {"a": K25})
    step = next_usd(portfolio(valued("a", "0.02"), 200, evaluations=tried, **NOVEMBER))
    gain = Decimal("0.02") * 30_000 * 30 / 101 - Decimal("136.5")
    assert step.sentence() == (
        f"+100.00 USD a month: {gain:.2f} USD more net value a month: a moves from kimi-k2 to "
        "kimi-k2-5."
    )


def test_what_noise_explains_moves_nothing():
    """One more draft in a hundred is no reason to spend; sixty more contracts are."""
    tried = rates(
        ("drafts", K2, 88, 100), ("drafts", K25, 89, 100),
        ("contracts", K2, 31, 120), ("contracts", K25, 93, 120),
    )  # fmt: skip
    chosen = [plain("drafts", requests_per_day=20_000), plain("contracts", requests_per_day=50)]
    found = portfolio(chosen, 10_000, evaluations=tried, **NOVEMBER)
    assert found.assignment == {"drafts": K2, "contracts": K25}
    tight = BILLS[K2] * 20 + BILLS[K25] / 20
    assert portfolio(chosen, tight, evaluations=tried, **NOVEMBER).assignment == found.assignment


def test_a_move_for_net_value_that_noise_may_explain_is_called_so():
    """Net value is less the cost already, so that it decides; how likely it is better, by integration."""
    tried = rates(("w", K2, 88, 100), ("w", K25, 89, 100))
    step = next_usd(portfolio(valued("w", 1), 200, evaluations=tried, **NOVEMBER))
    assert step.moves == ("w moves from kimi-k2 to kimi-k2-5",)
    needed = 136.5 / 30_000
    grid = np.linspace(0, 1 - needed, 200_001)
    better = beta(88.5, 12.5).pdf(grid) * beta(89.5, 11.5).sf(grid + needed)
    assert step.chance_better == pytest.approx(float(trapezoid(better, grid)), abs=0.02)
    assert "more net value a month, which noise may explain (better with prob" in step.sentence()


def test_the_chance_of_being_the_best_is_that_of_the_trials():
    """It is the probability that one beta law lies above the other, by integration."""
    tried = rates(("w", K2, 50, 100), ("w", K25, 58, 100))
    found = portfolio(plain(), 10_000, evaluations=tried, **NOVEMBER)
    assert found.assignment == {"w": K25}
    grid = np.linspace(0, 1, 200_001)
    higher = float(trapezoid(beta(50.5, 50.5).cdf(grid) * beta(58.5, 42.5).pdf(grid), grid))
    # 2,000 draws: within four standard errors.
    assert found.chance_best == pytest.approx(higher, abs=4 * (higher * (1 - higher) / 2000) ** 0.5)
    alone = portfolio(plain(), 150, evaluations=tried, **NOVEMBER)
    assert (alone.assignment, alone.chance_best) == ({"w": K2}, 1.0)
    assert "is worth more with probability" in alone.sentences()[2]


def test_values_are_given_for_all_workloads_or_for_none():
    """Successes and USD do not add up, and no worth is made up."""
    with pytest.raises(SettingError, match=r"a state what .* b do not: USD and successes"):
        portfolio([valued("a", 1), plain("b")], 500, evaluations=ALL_TRIED, **NOVEMBER)
    asked = Requirements(value_usd_per_success=Decimal(1))
    found = portfolio(
        [valued("a", 1), plain("b")], 5000, evaluations=ALL_TRIED, requirements=asked, **NOVEMBER
    )
    assert found.question.in_usd
