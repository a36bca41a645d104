"""Cost per success: exact bills over measured rates, intervals and probabilities that keep their word."""

import math
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from choosing import plain
from choosing import tried as summary
from scipy import integrate, stats

from kimi_planner import cost, project
from kimi_planner.choose import Trials, cost_per_success, read_evaluations, recommend
from kimi_planner.choose.evaluations.rates import SuccessRate, success_rates
from kimi_planner.choose.objective import Objective
from kimi_planner.choose.success.worth import dependence, influence, worth_of
from kimi_planner.errors import EvaluationError, SettingError, UnknownModelError
from kimi_planner.plan import conversation

AS_OF = date(2026, 10, 24)
MONTH = {"months": 1, "start": "2026-11", "as_of": AS_OF}
PLAN = MONTH | {"published": False}
CALL = {"kimi-k2": 0.0042, "kimi-k2-instruct": 0.00525, "kimi-k2-5": 0.00875}


def by_item(**results):
    """Return evaluations by item: from a model's short name to a mapping of items to successes."""
    rows = [
        ("w", f"kimi-{name.replace('_', '-')}", item, success)
        for name, found in results.items()
        for item, success in found.items()
    ]
    return read_evaluations(pd.DataFrame(rows, columns=["workload", "model", "item", "success"]))


def rows(found):
    return {row.model: row for row in found.rows}


def worth(workload, evaluations, plan):
    """Return what models are worth, as `cost_per_success` has it, without the ranking."""
    rates = success_rates(workload.name, plan.specs, evaluations)
    found = worth_of(workload, rates, plan, Objective.of(workload))
    return found, found.drawn


def test_a_plain_bill_over_the_measured_rate():
    """The cost per success is the hand-made cost of a call times trials / successes."""
    found = cost_per_success(plain(), summary(k2=(60, 100), k2_5=(90, 100)), **PLAN)
    cheap, dear = rows(found)["kimi-k2"], rows(found)["kimi-k2-5"]
    assert cheap.cost_per_task_usd == pytest.approx(CALL["kimi-k2"], rel=1e-14)
    assert cheap.cost_per_success_usd == pytest.approx(CALL["kimi-k2"] * 100 / 60, rel=1e-14)
    assert dear.cost_per_success_usd == pytest.approx(CALL["kimi-k2-5"] * 100 / 90, rel=1e-14)
    assert (cheap.rank, dear.rank) == (1, 3)
    assert found.best == {"w": "kimi-k2"}
    assert found.notes[0] == "w was not tried on kimi-k2-5-thinking, kimi-k2-instruct."
    assert [said.code for said in found.notes[1:]] == ["one_token_count"]
    models = ["kimi-k2", "kimi-k2-instruct", "kimi-k2-5", "kimi-k2-5-thinking"]
    assert found.frame["model"].tolist() == models  # by cost, what may cost more last
    assert found.frame["successes"].dtype == "Int64"
    assert "Catalog 2026-06" in found.provenance
    assert found.provenance.startswith("Evaluations: evaluations.")


def test_a_certain_cost_leaves_the_interval_of_the_rate():
    """Where nothing else is uncertain, the interval is cost / quantile of the beta distribution."""
    for confidence in (0.5, 0.9, 0.99):
        found = cost_per_success(plain(), summary(k2=(33, 50)), confidence=confidence, **PLAN)
        row = found.rows[0]
        low, high = stats.beta(33.5, 17.5).interval(confidence)
        assert row.success_rate_low == pytest.approx(low, rel=1e-9)
        assert row.success_rate_high == pytest.approx(high, rel=1e-9)
        assert row.cost_per_success_low_usd == pytest.approx(CALL["kimi-k2"] / high, rel=2e-4)
        assert row.cost_per_success_high_usd == pytest.approx(CALL["kimi-k2"] / low, rel=2e-4)


def test_a_task_is_a_conversation_where_there_are_turns():
    """Three turns of plain numbers: their exact calls together are the cost of a task."""
    workload = plain(turns=3, followup_tokens=100)
    prompts = [2000, 2000 + 600, 2000 + 2 * 600]
    calls = [
        cost({"prompt_tokens": one, "completion_tokens": 500}, "kimi-k2").total_usd
        for one in prompts
    ]
    found = cost_per_success(workload, summary(k2=(1, 2)), **PLAN)
    assert found.rows[0].cost_per_task_usd == pytest.approx(float(sum(calls)), rel=1e-14)


def test_an_uncertain_number_of_turns_counts_with_its_mean():
    """A conversation of four turns on average costs what following it turn by turn does."""
    workload = plain(turns={"mean": 4}, followup_tokens=100)
    found = cost_per_success(workload, summary(k2=(1, 2)), **PLAN).rows[0]
    followed = conversation(workload, "kimi-k2").mean_usd
    assert found.cost_per_task_usd == pytest.approx(followed, rel=2e-3)


def test_retries_and_fees_belong_to_the_task():
    """A call that is repeated one time in five costs 1.2 of it; a fee by the call is on top."""
    found = cost_per_success(plain(retry_share=0.2), summary(k2=(1, 2)), **PLAN)
    assert found.rows[0].cost_per_task_usd == pytest.approx(1.2 * CALL["kimi-k2"], rel=1e-14)
    spread = cost_per_success(
        plain(retry_share=0.2, requests_per_day={"p50": 900, "p90": 1500}),
        summary(k2=(1, 2)),
        **PLAN,
    )
    assert spread.rows[0].cost_per_task_usd == pytest.approx(1.2 * CALL["kimi-k2"], rel=1e-12)


def test_expected_spend_over_expected_tasks():
    """With every kind of range, the cost of a task is the projection's spend / its requests."""
    workload = plain(
        requests_per_day={"p10": 800, "p50": 1000, "p90": 1400},
        prompt_tokens={"p50": 1800, "p90": 6000, "mean_factor": {"p10": 0.8, "p50": 1, "p90": 1.3}},
        cached_share={"p10": 0.2, "p50": 0.4, "p90": 0.6},
        growth_per_month={"p10": 0, "p50": 0.05, "p90": 0.1},
    )
    plan = project(workload, months=3, as_of=AS_OF, n_paths=4000, models="kimi-k2")
    found = cost_per_success(workload, summary(k2=(70, 100)), projection=plan)
    spend = plan.of("kimi-k2")
    expected = spend.mean().sum() / spend.requests.sum()
    assert found.rows[0].cost_per_task_usd == pytest.approx(expected, rel=1e-3)
    assert found.projection is plan


def test_the_interval_holds_the_scenarios_too():
    """An uncertain mean widens the interval to that of the product, by numerical integration."""
    factor = {"p10": 0.7, "p50": 1.0, "p90": 1.5}
    workload = plain(prompt_tokens=0, completion_tokens={"p50": 400, "p90": 900, "mean_factor": factor})  # fmt: skip
    found = cost_per_success(workload, summary(k2=(30, 50)), **PLAN).rows[0]
    scale = workload.given("completion_tokens").factor.ppf((np.arange(2000) + 0.5) / 2000)
    costs = scale * workload.given("completion_tokens").mean * 3.6e-6
    rate = stats.beta(30.5, 20.5)
    for end, share in (("low", 0.05), ("high", 0.95)):
        at = getattr(found, f"cost_per_success_{end}_usd")
        assert rate.sf(costs / at).mean() == pytest.approx(share, abs=0.01)


def test_nothing_solved_has_no_upper_bound():
    """Without a success the cost per success is unknown, said in words and never divided by zero."""
    found = cost_per_success(plain(), summary(k2=(0, 20), k2_5=(18, 20)), **PLAN)
    row = rows(found)["kimi-k2"]
    assert math.isnan(row.cost_per_success_usd)
    assert row.cost_per_success_high_usd == math.inf
    top = stats.beta(0.5, 20.5).ppf(0.95)
    assert row.cost_per_success_low_usd == pytest.approx(CALL["kimi-k2"] / top, rel=1e-3)
    assert row.success_rate_low == 0
    assert "without an upper bound" in " ".join(found.sentences())
    assert found.best == {"w": "kimi-k2"}  # the cheapest, and it is said when another is better
    assert "kimi-k2-5 instead if a solved task is worth more than 0.0" in " ".join(
        found.sentences()
    )
    valued = cost_per_success(plain(failure_usd="0.05"), summary(k2=(0, 20), k2_5=(18, 20)), **PLAN)
    assert valued.best == {"w": "kimi-k2-5"}


def test_everything_solved_may_always_be():
    """With all solved, the interval begins at the cost of a task itself."""
    row = cost_per_success(plain(), summary(k2=(20, 20)), **PLAN).rows[0]
    assert row.cost_per_success_low_usd == pytest.approx(CALL["kimi-k2"], rel=1e-14)
    assert row.success_rate_high == 1


def test_the_chance_of_being_the_best_is_that_of_two_betas():
    """Independent trials: the probability of a higher net value is the integral over both rates."""
    found = cost_per_success(
        plain(value_usd_per_success="0.01"), summary(k2=(60, 90), k2_instruct=(50, 60)), **PLAN
    )
    first, second = stats.beta(60.5, 30.5), stats.beta(50.5, 10.5)
    expected, _ = integrate.quad(lambda p: first.pdf(p) * second.cdf(p + 0.00105 / 0.01), 0, 1)
    chances = {model: row.chance_best for model, row in rows(found).items() if row.trials}
    assert sum(chances.values()) == pytest.approx(1)
    assert chances["kimi-k2"] == pytest.approx(expected, abs=4 * 0.5 / 10_000**0.5)


def test_common_items_are_compared_item_by_item():
    """Two models that solve the same items, one of them a few more, are told apart by these."""
    both = {f"q{n}": int(n < 60) for n in range(100)}
    more = {f"q{n}": int(n < 70) for n in range(100)}
    other = {f"r{n}": int(n < 70) for n in range(100)}
    given = plain(value_usd_per_success="0.05")
    apart, counted, paired = (
        rows(cost_per_success(given, tried, **PLAN))
        for tried in (
            by_item(k2=both, k2_instruct=other),
            summary(k2=(60, 100), k2_instruct=(70, 100)),
            by_item(k2=both, k2_instruct=more),
        )
    )
    better = "kimi-k2-instruct"
    assert apart[better].chance_best == counted[better].chance_best < paired[better].chance_best
    assert paired["kimi-k2"].cost_per_success_low_usd == pytest.approx(
        counted["kimi-k2"].cost_per_success_low_usd, rel=1e-12
    )


def test_net_values_meet_at_the_price_from_which_a_model_is_best():
    """At each value that is told, the model's net value is that of the one before, to 30 digits."""
    tried = summary(k2=(60, 100), k2_instruct=(70, 100), k2_5=(90, 100))
    found = rows(cost_per_success(plain(), tried, **PLAN))
    hull = sorted(
        (one for one in found.values() if one.best_from_usd >= 0), key=lambda one: one.best_from_usd
    )
    assert [one.model for one in hull] == ["kimi-k2", "kimi-k2-instruct", "kimi-k2-5"]
    solved = {"kimi-k2": 60, "kimi-k2-instruct": 70, "kimi-k2-5": 90}
    cost = {model: Fraction(str(usd)) for model, usd in CALL.items()}
    for one, other in pairwise(hull):
        p, q = (Fraction(2 * solved[x.model] + 1, 202) for x in (one, other))
        price = (cost[other.model] - cost[one.model]) / (q - p)
        assert price * p - cost[one.model] == price * q - cost[other.model]
        assert other.best_from_usd == pytest.approx(float(price), rel=1e-12)
        values = cost_per_success(plain(value_usd_per_success=other.best_from_usd), tried, **PLAN)
        first, second = (rows(values)[x.model].net_usd_per_task for x in (one, other))
        assert first == pytest.approx(second, abs=1e-15)


def test_the_choice_is_that_of_recommend():
    """Whatever a solved task is worth, both name one model, and it has the highest net value."""
    tried = summary(k2=(20, 100), k2_instruct=(30, 100), k2_5=(90, 100))
    for value in ("0.001", "0.008", "0.02", "1"):
        given = plain(value_usd_per_success=value)
        found = cost_per_success(given, tried, **PLAN)
        assert found.best == recommend(given, evaluations=tried, **PLAN).best
        nets = {one.model: one.net_usd_per_task for one in found.rows if one.trials}
        assert nets[found.best["w"]] == max(nets.values())
        assert rows(found)[found.best["w"]].rank == 1


def test_intervals_of_cost_per_success_and_of_value_cover_as_often_as_they_say():
    """Rates drawn from the law without knowledge, 500 times: both 90% intervals hold 87 to 93%."""
    rng = np.random.default_rng(12)
    given = plain(value_usd_per_success="0.02", failure_usd="0.005")
    plan = project(given, models="kimi-k2", n_paths=1000, **MONTH)
    held = {"cost": 0, "value": 0}
    for _ in range(500):
        count, rate = int(rng.integers(20, 200)), rng.beta(0.5, 0.5)
        found, (rates, costs) = worth(
            given, summary(k2=(int(rng.binomial(count, rate)), count)), plan
        )
        truth = {
            "cost": (costs / rates, CALL["kimi-k2"] / rate),
            "value": (
                found.objective.net_usd(rates, costs),
                0.025 * rate - 0.005 - CALL["kimi-k2"],
            ),
        }
        for name, (drawn, value) in truth.items():
            low, high = found.intervals(drawn, 0.9)["kimi-k2"]
            held[name] += low <= value <= high
    assert 0.87 <= held["cost"] / 500 <= 0.93
    assert 0.87 <= held["value"] / 500 <= 0.93


def test_dependence_is_the_correlation_of_the_bootstrap():
    """The correlation of two costs per success is that over resampled common items."""
    rng = np.random.default_rng(5)
    hard = rng.normal(size=300)
    wins = {
        name: {f"q{n}": int(hard[n] + rng.normal() < cut) for n in range(300)}
        for name, cut in (("k2", 0.4), ("k2_5", 1.0))
    }
    found = by_item(**wins)
    tried = [found.of("w", "kimi-k2"), found.of("w", "kimi-k2-5")]
    table = np.array([list(one.values()) for one in wins.values()], dtype=float)
    weights = rng.standard_exponential((4000, 300))
    logs = np.log((weights / weights.sum(axis=1, keepdims=True)) @ table.T)
    expected = np.corrcoef(logs.T)[0, 1]
    assert dependence([influence(one) for one in tried])[0, 1] == pytest.approx(expected, abs=0.05)


def tokens(results):
    return read_evaluations(
        pd.DataFrame(
            [("w", "kimi-k2", f"q{n}", *row) for n, row in enumerate(results)],
            columns=["workload", "model", "item", "success", "prompt_tokens", "completion_tokens"],
        )
    )


def test_items_with_tokens_cost_what_they_used():
    """Total exact cost / successes, whatever the workload projects."""
    used = [(1, 1000, 200), (0, 5000, 3000), (1, 800, 100), (1, 1200, 250)]
    found = rows(cost_per_success(plain(), tokens(used), **PLAN))["kimi-k2"]
    exact = sum(
        cost({"prompt_tokens": prompt, "completion_tokens": out}, "kimi-k2").total_usd
        for _, prompt, out in used
    )
    assert found.cost_basis == "measured"
    assert found.cost_per_task_usd == pytest.approx(float(exact) / 4, rel=1e-14)
    assert found.cost_per_success_usd == pytest.approx(float(exact / Decimal(3)), rel=1e-14)
    assert found.cost_per_success_low_usd < found.cost_per_success_usd
    assert found.cost_per_success_usd < found.cost_per_success_high_usd


def test_items_of_one_size_leave_the_interval_of_the_rate():
    """If every item costs the same, the interval is that of the same numbers without items."""
    used = [(int(n < 30), 2000, 500) for n in range(50)]
    by_tokens, by_number = (
        rows(cost_per_success(plain(), tried, **PLAN))["kimi-k2"]
        for tried in (tokens(used), summary(k2=(30, 50)))
    )
    for name in ("cost_per_success_low_usd", "cost_per_success_usd", "cost_per_success_high_usd"):
        assert getattr(by_tokens, name) == pytest.approx(getattr(by_number, name), rel=1e-9)


def test_cached_tokens_without_a_price_are_said():
    """A catalog without a cached price bills cached tokens as input, and the notes say so."""
    frame = pd.DataFrame(
        {
            "workload": "w",
            "model": "kimi-k2",
            "item": ["a", "b"],
            "success": [1, 0],
            "prompt_tokens": 1000,
            "completion_tokens": 10,
            "cached_tokens": 500,
        }
    )
    found = cost_per_success(plain(), read_evaluations(frame), **PLAN)
    assert any("no cached-input price" in note for note in found.notes)


def test_without_evaluations_it_is_a_judgement():
    """Models rank by cost alone, the ratings are listed, and the output says what they are."""
    found = cost_per_success(plain(), **PLAN)
    assert found.rows[0].model == "kimi-k2"
    costs = [row.cost_per_task_usd for row in found.rows]
    assert costs == sorted(costs)
    assert {row.basis for row in found.rows} == {"judged"}
    assert found.frame["cost_per_success_usd"].isna().all()
    assert found.frame["reasoning_depth"].notna().all()
    assert found.best == {"w": "kimi-k2"}
    for text in (found.sentences()[0], found.notes[0]):
        assert "a judgement, not a measurement" in text
    assert found.provenance.startswith("No evaluations.")


def test_workloads_without_evaluations_stand_beside_others():
    """Only the workload that was tried is measured."""
    both = [plain(), plain(name="other")]
    found = cost_per_success(both, summary(k2=(5, 9)), **PLAN)
    assert {(row.workload, row.basis) for row in found.rows if row.model == "kimi-k2"} == {
        ("w", "measured"),
        ("other", "judged"),
    }
    assert "other has no evaluations" in found.notes[-1]
    assert "<ul>" in found._repr_html_()


def test_what_does_not_match_is_refused_or_said():
    """Unknown models, workloads and contradictory arguments never pass unseen."""
    with pytest.raises(UnknownModelError, match="evaluations row 1: Unknown model 'kimi-k9'"):
        cost_per_success(plain(), summary(k9=(1, 2)), **PLAN)
    with pytest.raises(EvaluationError, match="Did you mean 'ww'"):
        cost_per_success(plain(name="ww"), summary(k2=(1, 2)), **PLAN)
    plan = project(plain(), models="kimi-k2", **MONTH)
    found = cost_per_success(plain(), summary(k2=(1, 2), k2_5=(1, 2)), projection=plan)
    assert found.notes == ("Evaluations of kimi-k2-5 are not used: it is not planned here.",)
    other = [plain(), plain(name="v")]
    with pytest.raises(SettingError, match="no workload 'v'"):
        cost_per_success(other, summary(k2=(1, 2)), projection=plan)
    with pytest.raises(SettingError, match="cannot change a projection"):
        cost_per_success(plain(), None, projection=plan, months=2)
    for confidence in (0, 1, math.nan, "0.9", True):
        with pytest.raises(SettingError, match="confidence"):
            cost_per_success(plain(), None, projection=plan, confidence=confidence)
    with pytest.raises(SettingError, match="seed"):
        cost_per_success(plain(), None, projection=plan, seed=-1)
    with pytest.raises(EvaluationError, match="read_evaluations"):
        cost_per_success(plain(), {"w": 1}, projection=plan)
    with pytest.raises(SettingError, match="no traffic"):
        cost_per_success(plain(ends_on="2026-10-31"), None, **PLAN)
    gone = plain(ends_on="2026-10-31", requests_per_day={"p50": 10, "p90": 20})
    with pytest.raises(SettingError, match="no traffic"):
        cost_per_success(gone, None, **PLAN)


def test_one_seed_one_result():
    """The same seed gives the same numbers, whatever other workloads are there."""
    trials = summary(k2=(30, 50), k2_5=(45, 50))
    first = cost_per_success(plain(), trials, seed=3, **PLAN)
    again = cost_per_success(iter([plain(name="v"), plain()]), trials, seed=3, **PLAN)
    assert first.rows == again.rows[4:]


def test_intervals_cover_as_often_as_they_say():
    """Exact coverage of the 90% interval over rates 0.3 to 0.95: 89 to 91% on average of rates."""
    rates = np.arange(0.30, 0.9501, 0.01)
    for count, least in ((20, 0.83), (50, 0.87), (100, 0.875), (400, 0.885)):
        solved = np.arange(count + 1)
        ends = np.array(
            [
                SuccessRate.of_trials("m", Trials(successes=int(s), trials=count)).interval(0.9)
                for s in solved
            ]
        )
        chance = stats.binom.pmf(solved[:, None], count, rates)
        inside = (ends[:, :1] <= rates) & (rates <= ends[:, 1:])
        covered = (chance * inside).sum(axis=0)
        assert 0.89 < covered.mean() < 0.91
        assert covered.min() > least


def test_a_told_chance_comes_true_as_often():
    """Over drawn rates and trials, the model said to be the best is so as often as was told."""
    rng = np.random.default_rng(11)
    plan = project(plain(), models=["kimi-k2", "kimi-k2-instruct"], n_paths=1000, **MONTH)
    given = plain(value_usd_per_success="0.01")
    told, true = [], []
    for _ in range(300):
        count = int(rng.integers(5, 60))
        rate = rng.beta(0.5, 0.5, 2)
        solved = rng.binomial(count, rate).tolist()
        if not any(solved):
            continue
        tried = summary(k2=(solved[0], count), k2_instruct=(solved[1], count))
        told.append(worth(given, tried, plan)[0].chance_best["kimi-k2"])
        true.append(0.01 * (rate[1] - rate[0]) < CALL["kimi-k2-instruct"] - CALL["kimi-k2"])
    chance, outcome = np.array(told), np.array(true, dtype=float)
    error = (chance * (1 - chance)).sum() ** 0.5
    assert abs((outcome - chance).sum()) < 3 * error
    unsure = (chance > 0.1) & (chance < 0.9)
    error = (chance * (1 - chance))[unsure].sum() ** 0.5
    assert unsure.sum() > 40
    assert abs((outcome - chance)[unsure].sum()) < 3 * error


def test_refused_requests_are_said():
    """A request that does not fit costs nothing and is a task all the same; the notes say so."""
    large = plain(prompt_tokens={"p50": 60_000, "p90": 140_000})
    found = cost_per_success(large, summary(k2=(5, 9)), models="kimi-k2", **PLAN)
    assert any("do not fit the window of kimi-k2." in note for note in found.notes)
    kept = plain(prompt_tokens={"p50": 60_000, "p90": 140_000}, overflow="drop_oldest", turns=2)
    assert cost_per_success(kept, summary(k2=(5, 9)), models="kimi-k2", **PLAN).notes == ()


def test_what_is_measured_beside_what_is_projected_is_said():
    """One model with tokens and one without rest on different costs, and the notes name them."""
    frame = pd.DataFrame(
        {
            "workload": "w",
            "model": ["kimi-k2", "kimi-k2", "kimi-k2-5"],
            "item": ["a", "b", "a"],
            "success": [1, 0, 1],
            "prompt_tokens": [10, 20, None],
            "completion_tokens": [10, 20, None],
        }
    )
    models = ["kimi-k2", "kimi-k2-5"]
    found = cost_per_success(plain(), read_evaluations(frame), models=models, **PLAN)
    assert found.notes == (
        "w: a task costs what its items used on kimi-k2, and what is projected on the others.",
    )
    assert [row.cost_basis for row in found.rows] == ["measured", "projected"]


def test_intervals_by_item_cover_where_cost_depends_on_success():
    """Lognormal tokens, twice as many when not solved: 300 intervals of 60 items, 4 standard errors."""
    rng = np.random.default_rng(8)
    plan = project(plain(), models="kimi-k2", n_paths=500, **MONTH)
    hits = 0
    for _ in range(300):
        solved = rng.random(60) < 0.7
        sizes = np.rint(5000 * np.exp(0.5 * rng.standard_normal(60)) * np.where(solved, 1, 2))
        items = tokens([(int(s), 0, int(n)) for s, n in zip(solved, sizes, strict=True)])
        found, (rates, costs) = worth(plain(), items, plan)
        low, high = found.intervals(costs / rates, 0.9)["kimi-k2"]
        truth = 5000 * math.exp(0.125) * 3.6e-6 * (1 + 2 * 0.3 / 0.7)
        hits += low <= truth <= high
    assert abs(hits / 300 - 0.9) < 4 * (0.09 / 300) ** 0.5


def test_tasks_that_cost_nothing_are_solved_for_nothing():
    """Whatever the success."""
    free = plain(prompt_tokens=0, completion_tokens=0)
    found = cost_per_success(free, summary(k2=(60, 100), k2_5=(90, 100)), **PLAN)
    assert [row.cost_per_success_usd for row in found.rows if row.trials] == [0, 0]
