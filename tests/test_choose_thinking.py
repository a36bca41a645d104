"""When thinking pays: break-even values that hold when the workload is costed again with them."""

import math
from dataclasses import replace
from datetime import date
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from choosing import plain
from scipy import integrate, stats

from kimi_planner import project
from kimi_planner.choose import cost_per_success, read_evaluations, recommend, thinking_pays
from kimi_planner.choose.evaluations.rates import success_rates
from kimi_planner.choose.objective import Objective
from kimi_planner.choose.success.worth import worth_of
from kimi_planner.errors import EvaluationError, SettingError, UnknownModelError

PLAN = {"months": 1, "start": "2026-11", "as_of": date(2026, 10, 24)}
PLAIN, THINKS = "kimi-k2-5", "kimi-k2-5-thinking"


def workload(**changes):
    return plain(**{"reasoning_tokens": 1000} | changes)


def tried(plain, thinking, total=100):
    rows = [("w", PLAIN, plain, total), ("w", THINKS, thinking, total)]
    return read_evaluations(
        pd.DataFrame(rows, columns=["workload", "model", "successes", "trials"])
    )


def pays(given=None, evaluations=None, **more):
    settings = {"published": False} | PLAN | more
    return thinking_pays(given or workload(), PLAIN, THINKS, evaluations=evaluations, **settings)


def expected(successes, total=100):
    """Return the success that trials make expected, with half a success and half a failure more."""
    return Fraction(2 * successes + 1, 2 * total + 2)


def exact_task(given, model, tokens):
    """Return the exact monthly bill / requests with so many reasoning tokens."""
    changed = replace(given, reasoning_tokens=tokens)
    bill = project(changed, models=model, **PLAN).of(model)
    return Fraction(bill.exact_usd[0]) / 30_000


def as_decimal(number):
    with localcontext() as context:
        context.prec = 40
        return Decimal(number.numerator) / Decimal(number.denominator)


@pytest.mark.parametrize(
    "given",
    [
        workload(),
        workload(max_tokens=4000),
        workload(max_tokens=1400),
        workload(turns=3, followup_tokens=70, max_tokens=9000),
        workload(cached_share=0.4, retry_share=0.1, max_tokens=30_000, failure_usd="0.01"),
    ],
    ids=["open", "capped", "cut today", "turns", "cached"],
)
def test_costed_again_at_the_break_even_the_models_are_equal(given):
    """At the exact multiplier, and at the exact value, both have the same net value to 30 digits."""
    found = pays(given, tried(40, 65), value_usd_per_success="0.05")
    assert isinstance(found.multiplier, Fraction)
    turns = Fraction(given.given("turns").value) if given.given("turns") else 1
    failure = Fraction(given.failure_usd or 0)
    plain, today = (turns * exact_task(given, model, 1000) for model in (PLAIN, THINKS))
    again = turns * exact_task(given, THINKS, as_decimal(1000 * found.multiplier))
    before, after = expected(40), expected(65)
    for value, thinking in (("0.05", again), (found.switching_usd, today)):
        stake = Fraction(value) + failure
        assert abs((stake * after - thinking) - (stake * before - plain)) < Fraction(1, 10**30)


def test_the_break_even_by_hand():
    """2,000 + 500 tokens: 0.00875 USD plain; thinking is 0.01225 and 0.0105 by 1,000 of reasoning."""
    found = pays(evaluations=tried(40, 70), value_usd_per_success="0.04")
    gain = expected(70) - expected(40)
    assert found.plain_usd_per_task == pytest.approx(0.00875, rel=1e-14)
    assert found.thinking_usd_per_task == pytest.approx(0.02275, rel=1e-14)
    assert found.switching_usd == Fraction("0.014") / gain
    target = Fraction("0.00875") + Fraction("0.04") * gain
    assert found.multiplier == (target - Fraction("0.01225")) / Fraction("0.0105")
    assert found.rate_needed == pytest.approx(float(expected(40)) + 0.014 / 0.04, rel=1e-12)
    assert found.pays is False
    assert found.curve["cost_per_task_usd"].tolist() == pytest.approx(
        [0.01225 + 0.0105 * k / 4 for k in range(17)], rel=1e-12
    )
    assert found.curve["success_gain_needed"][4] == pytest.approx(0.35, rel=1e-12)
    assert found.curve["switching_usd"][4] == pytest.approx(0.014 / float(gain), rel=1e-12)
    assert pays(evaluations=tried(40, 70), value_usd_per_success="0.004").rate_needed > 1


def test_without_a_value_the_answer_is_the_value_from_which_thinking_pays():
    """No verdict by the cost per success: the models, the price that separates them, its interval."""
    found = pays(evaluations=tried(40, 70))
    assert (found.chance, found.multiplier, found.rate_needed, found.pays) == (None,) * 4
    price = 0.014 / float(expected(70) - expected(40))
    assert float(found.switching_usd) == pytest.approx(price, rel=1e-12)
    assert found.switching_low_usd < price < found.switching_high_usd
    said = f"{THINKS} is the better one if a solved task is worth more than 0.04713 USD"
    assert said in found.sentences()[1]
    assert found.curve["success_gain_needed"].isna().all()
    worse = pays(evaluations=tried(70, 40))
    assert worse.switching_usd is None
    assert worse.sentences()[1] == f"{PLAIN} is the better one at any value of a solved task."


def test_the_value_that_separates_two_models_is_as_uncertain_as_it_says():
    """Rates drawn from the law without knowledge, 600 times: 5% lie below the 5% end, as it says."""
    rng, given = np.random.default_rng(4), workload(reasoning_tokens=125)
    plan = project(given, models=[PLAIN, THINKS], n_paths=1000, **PLAN)
    below = above = 0
    for _ in range(600):
        rates = rng.beta(0.5, 0.5, 2)
        results = tried(*rng.binomial(60, rates).tolist(), 60)
        known = success_rates("w", plan.specs, results)
        found = worth_of(given, known, plan, Objective())
        prices = found.switching_usd(PLAIN, THINKS)
        low, high = np.quantile(prices, [0.05, 0.95], method="inverted_cdf")
        gain = rates[1] - rates[0]
        price = (0.0135625 - 0.00875) / gain if gain > 0 else math.inf
        below += price < low
        above += price > high
    assert abs(below / 600 - 0.05) < 0.03
    assert above / 600 < 0.08  # an end that is infinite is never passed


def test_the_value_of_the_workload_counts():
    """As an argument, or as the workload states it: one answer, that of the choice."""
    results = tried(40, 70)
    stated = workload(value_usd_per_success="0.2", failure_usd="0.1")
    found = pays(stated, results)
    assert found.pays is True
    assert found.objective == Objective.of(stated)
    again = pays(workload(failure_usd="0.1"), results, value_usd_per_success="0.2")
    assert again.sentences() == found.sentences()
    for value, best in (("0.01", PLAIN), ("0.2", THINKS)):
        given = replace(stated, value_usd_per_success=value, failure_usd=None)
        settings = {"models": [PLAIN, THINKS], "published": False, **PLAN}
        assert recommend(given, evaluations=results, **settings).best == {"w": best}
        assert pays(given, results).pays is (best == THINKS)


def test_at_the_rate_needed_the_models_are_equal():
    """A thinking model that is expected to solve that share has the plain one's net value."""
    given = workload(reasoning_tokens=125, value_usd_per_success="0.04")  # 0.0135625 USD
    found = pays(given, tried(400, 700, 1000))
    gain = (0.0135625 - 0.00875) / 0.04
    assert found.rate_needed == pytest.approx(float(expected(400, 1000)) + gain, rel=1e-12)
    assert found.pays is True


def test_uncertain_sizes_are_costed_again_too():
    """With ranges and a cap, the projection with that many more tokens meets it."""
    size = {"p50": 800, "p90": 2500, "mean_factor": {"p10": 0.8, "p50": 1, "p90": 1.3}}
    given = workload(reasoning_tokens=size, max_tokens=4096, value_usd_per_success="0.06")
    found = pays(given, tried(45, 90), n_paths=2000)
    scaled = {"p50": 800 * found.multiplier, "p90": 2500 * found.multiplier}
    settings = {"models": [PLAIN, THINKS], "published": False, "n_paths": 2000, **PLAN}
    again = replace(given, reasoning_tokens=size | scaled)
    first, second = cost_per_success(again, tried(45, 90), **settings).frame["net_usd_per_task"]
    assert first == pytest.approx(second, abs=2e-4)
    assert found.multiplier_low < found.multiplier < found.multiplier_high
    today = cost_per_success(given, tried(45, 90), **settings).frame.set_index("model")
    assert today["cost_per_task_usd"].to_dict() == {
        PLAIN: found.plain_usd_per_task,
        THINKS: found.thinking_usd_per_task,
    }


def test_no_break_even_is_said():
    """Too dear without reasoning, too cheap at any, or no reasoning stated: each has its sentence."""
    dear = pays(evaluations=tried(80, 90), value_usd_per_success="0.02")
    assert dear.multiplier is None
    assert "dearer even without any reasoning" in dear.multiplier_reason
    assert dear.multiplier_low == 0.0
    cheap = pays(workload(max_tokens=1600), tried(10, 90), value_usd_per_success=1)
    assert "any amount of reasoning" in cheap.multiplier_reason
    assert cheap.multiplier_high == math.inf
    silent = pays(workload(reasoning_tokens=None), tried(50, 90), value_usd_per_success=1)
    assert "states no reasoning tokens" in silent.multiplier_reason


def test_without_evaluations_only_the_gain_needed_is_told():
    """No success is known: no probability and no multiplier, but how many more it must solve."""
    found = pays()
    assert (found.chance, found.multiplier, found.rate_needed, found.pays) == (None,) * 4
    assert found.switching_usd is None
    assert "not known without the success of both" in found.sentences()[1]
    assert "a judgement, not a measurement" in found.notes[0]
    worth = pays(value_usd_per_success=Decimal("0.14"))
    assert worth.curve["success_gain_needed"][4] == pytest.approx(0.014 / 0.14, rel=1e-12)
    assert "10.0% of all tasks more" in worth.sentences()[1]


def test_the_chance_is_that_of_two_betas():
    """Plain numbers: the probability that thinking pays is the integral over both rates."""
    given = workload(reasoning_tokens=125)
    plain, thinking = stats.beta(40.5, 60.5), stats.beta(66.5, 34.5)
    gain = 0.0135625 - 0.00875
    expected, _ = integrate.quad(lambda p: plain.pdf(p) * thinking.sf(p + gain / 0.02), 0, 1)
    found = pays(given, tried(40, 66), value_usd_per_success=0.02)
    assert found.chance == pytest.approx(expected, abs=0.02)


def test_which_model_reasons_is_the_catalog_s_to_say():
    """Models the wrong way round, unknown models and bad values are errors of ours."""
    with pytest.raises(SettingError, match="states that kimi-k2-5-thinking has 'reasoning'"):
        thinking_pays(workload(), THINKS, PLAIN, **PLAN)
    with pytest.raises(SettingError, match="does not state that kimi-k2 has 'reasoning'"):
        thinking_pays(workload(), PLAIN, "kimi-k2", **PLAN)
    with pytest.raises(UnknownModelError):
        thinking_pays(workload(), PLAIN, "kimi-k9", **PLAN)
    plan = project(workload(), models=PLAIN, **PLAN)
    with pytest.raises(UnknownModelError, match="projection has no model 'kimi-k2-5-thinking'"):
        thinking_pays(workload(), PLAIN, THINKS, projection=plan)
    for value in (0, -1, math.nan, "much", True):
        with pytest.raises(SettingError, match="value_usd_per_success"):
            pays(value_usd_per_success=value)
    with pytest.raises(EvaluationError, match="no results for ww"):
        pays(workload(name="ww"), tried(1, 2))
    assert "Evaluations of w are not used" in pays(workload(name="chat"), tried(1, 2)).notes[0]
    with pytest.raises(SettingError, match="Give one Workload"):
        pays([workload()])


def test_it_reads_well():
    """Its words name the models, the multiplier with its interval, and what it rests on."""
    found = pays(evaluations=tried(40, 70), value_usd_per_success="0.04")
    assert "90% interval" in found.sentences()[3]
    assert "Catalog 2026-06" in repr(found)
    assert "<table" in found._repr_html_()


def test_where_the_window_cuts_the_line_it_is_searched():
    """Refused requests bend the cost; the break-even is still that of the workload costed again."""
    sizes = {"p50": 60_000, "p90": 125_000}
    given = workload(prompt_tokens=sizes, reasoning_tokens={"mean": 3000, "sd": 800})
    given = replace(given, value_usd_per_success=1)
    found = pays(given, tried(45, 70), n_paths=200)
    again = replace(
        given, reasoning_tokens={"mean": 3000 * found.multiplier, "sd": 800 * found.multiplier}
    )
    settings = {"models": [PLAIN, THINKS], "n_paths": 200, "published": False, **PLAN}
    first, second = cost_per_success(again, tried(45, 70), **settings).frame["net_usd_per_task"]
    assert first == pytest.approx(second, abs=2e-3)
    assert any("do not fit the window" in note for note in found.notes)
    assert len([note for note in found.notes if "do not fit" in note]) == 1


def test_models_are_named_once():
    """Others would be left out without a word."""
    with pytest.raises(SettingError, match="Leave models out"):
        pays(models=["kimi-k2"])
