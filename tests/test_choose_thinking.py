"""When thinking pays: break-even values that hold when the workload is costed again with them."""

import math
from dataclasses import replace
from datetime import date
from decimal import Decimal, localcontext
from fractions import Fraction

import pandas as pd
import pytest
from scipy import integrate, stats

from kimi_planner import Workload, project
from kimi_planner.choose import cost_per_success, read_evaluations, thinking_pays
from kimi_planner.errors import EvaluationError, ScenarioError, UnknownModelError

PLAN = {"months": 1, "start": "2026-11", "as_of": date(2026, 10, 24)}
PLAIN, THINKS = "kimi-k2-5", "kimi-k2-5-thinking"


def workload(**changes):
    fields = {
        "name": "w",
        "requests_per_day": 1000,
        "prompt_tokens": 2000,
        "completion_tokens": 500,
        "reasoning_tokens": 1000,
    }
    return Workload(**fields | changes)


def tried(plain, thinking, total=100):
    rows = [("w", PLAIN, plain, total), ("w", THINKS, thinking, total)]
    return read_evaluations(
        pd.DataFrame(rows, columns=["workload", "model", "successes", "trials"])
    )


def pays(given=None, evaluations=None, **more):
    return thinking_pays(given or workload(), PLAIN, THINKS, evaluations=evaluations, **PLAN | more)


def exact_task(given, model, tokens):
    """Return the exact monthly bill / requests with so many reasoning tokens."""
    changed = replace(given, reasoning_tokens=tokens)
    bill = project(changed, models=model, **PLAN).of(model)
    return Fraction(bill.exact_usd[0]) / 30_000


def as_decimal(number):
    with localcontext() as context:
        context.prec = 40
        return Decimal(number.numerator) / Decimal(number.denominator)


@pytest.mark.parametrize("value", [None, "0.05"])
@pytest.mark.parametrize(
    "given",
    [
        workload(),
        workload(max_tokens=4000),
        workload(max_tokens=1400),
        workload(turns=3, followup_tokens=70, max_tokens=9000),
        workload(cached_share=0.4, retry_share=0.1, max_tokens=30_000),
    ],
    ids=["open", "capped", "cut today", "turns", "cached"],
)
def test_costed_again_at_the_break_even_the_models_are_equal(given, value):
    """At the exact multiplier, cost per success (or value less cost) is the same to 30 digits."""
    found = pays(given, tried(40, 65), value_per_success_usd=value)
    assert isinstance(found.multiplier, Fraction)
    turns = Fraction(given.given("turns").value) if given.given("turns") else 1
    tokens = as_decimal(1000 * found.multiplier)
    thinking = turns * exact_task(given, THINKS, tokens)
    plain = turns * exact_task(given, PLAIN, 1000)
    if value is None:
        gap = thinking / Fraction(65, 100) - plain / Fraction(40, 100)
    else:
        worth = Fraction(value)
        gap = (worth * Fraction(65, 100) - thinking) - (worth * Fraction(40, 100) - plain)
    assert abs(gap) < Fraction(1, 10**30)


def test_the_break_even_by_hand():
    """2,000 + 500 tokens: 0.00875 USD plain; thinking is 0.01225 and 0.0105 by 1,000 of reasoning."""
    found = pays(evaluations=tried(40, 70))
    assert found.plain_usd_per_task == pytest.approx(0.00875, rel=1e-14)
    assert found.thinking_usd_per_task == pytest.approx(0.02275, rel=1e-14)
    target = Fraction("0.00875") * Fraction(70, 40)
    assert found.multiplier == (target - Fraction("0.01225")) / Fraction("0.0105")
    assert found.rate_needed == pytest.approx(0.4 * 0.02275 / 0.00875, rel=1e-12)
    assert found.pays is False
    assert "No success rate" in found.sentences()[1]
    assert found.curve["cost_per_task_usd"].tolist() == pytest.approx(
        [0.01225 + 0.0105 * k / 4 for k in range(17)], rel=1e-12
    )
    assert found.curve["success_ratio_needed"][4] == pytest.approx(2.6, rel=1e-12)
    assert found.curve["success_gain_needed"][4] == pytest.approx(0.4 * 1.6, rel=1e-12)


def test_at_the_rate_needed_the_models_are_equal():
    """A thinking model of exactly that success rate has the plain one's cost per success."""
    given = workload(reasoning_tokens=125)  # thinking costs 0.0135625 USD, 1.55 times as much
    found = pays(given, tried(400, 700, 1000))
    assert found.rate_needed == pytest.approx(0.62, rel=1e-12)
    assert found.pays is True
    equal = cost_per_success(given, tried(400, 620, 1000), models=[PLAIN, THINKS], **PLAN)
    first, second = equal.frame["cost_per_success_usd"]
    assert first == pytest.approx(second, rel=1e-12)
    by_value = pays(given, tried(400, 700, 1000), value_per_success_usd=1)
    assert by_value.rate_needed == pytest.approx(0.4 + 0.0135625 - 0.00875, rel=1e-12)


def test_uncertain_sizes_are_costed_again_too():
    """With ranges and a cap, the projection with that many more tokens meets it to the cent."""
    size = {"p50": 800, "p90": 2500, "mean_factor": {"p10": 0.8, "p50": 1, "p90": 1.3}}
    given = workload(reasoning_tokens=size, max_tokens=4096)
    found = pays(given, tried(45, 90), n_paths=2000)
    scaled = {"p50": 800 * found.multiplier, "p90": 2500 * found.multiplier}
    again = workload(reasoning_tokens=size | scaled, max_tokens=4096)
    costs = cost_per_success(
        again, tried(45, 90), models=[PLAIN, THINKS], n_paths=2000, **PLAN
    ).frame
    first, second = costs["cost_per_success_usd"]
    assert first == pytest.approx(second, rel=2e-3)
    assert found.multiplier_low < found.multiplier < found.multiplier_high
    today = cost_per_success(given, tried(45, 90), n_paths=2000, **PLAN).frame
    assert today["cost_per_task_usd"].tolist() == [
        found.plain_usd_per_task,
        found.thinking_usd_per_task,
    ]


def test_no_break_even_is_said():
    """Too dear without reasoning, too cheap at any, or no reasoning stated: each has its sentence."""
    dear = pays(evaluations=tried(80, 90))
    assert dear.multiplier is None
    assert "dearer even without any reasoning" in dear.multiplier_reason
    assert dear.multiplier_low == 0.0
    cheap = pays(workload(max_tokens=1600), tried(10, 90))
    assert "any amount of reasoning" in cheap.multiplier_reason
    assert cheap.multiplier_high == math.inf
    silent = pays(workload(reasoning_tokens=None), tried(50, 90))
    assert "states no reasoning tokens" in silent.multiplier_reason
    nothing = pays(evaluations=tried(0, 90))
    assert nothing.multiplier is None
    assert "above 0" in nothing.multiplier_reason


def test_without_evaluations_only_the_gain_needed_is_told():
    """No rates: no probability and no multiplier, but how many times as many it must solve."""
    found = pays()
    assert (found.chance, found.multiplier, found.rate_needed, found.pays) == (None,) * 4
    assert "2.6 times as many" in found.sentences()[1]
    assert "a judgement, not a measurement" in found.notes[0]
    assert found.curve["success_gain_needed"].isna().all()
    worth = pays(value_per_success_usd=Decimal("0.14"))
    assert worth.curve["success_gain_needed"][4] == pytest.approx(0.014 / 0.14, rel=1e-12)
    assert "10.0% of all tasks more" in worth.sentences()[1]


def test_the_chance_is_that_of_two_betas():
    """Plain numbers: the probability that thinking pays is the integral over both rates."""
    given = workload(reasoning_tokens=125)
    plain, thinking = stats.beta(40.5, 60.5), stats.beta(66.5, 34.5)
    expected, _ = integrate.quad(lambda p: plain.pdf(p) * thinking.sf(1.55 * p), 0, 1)
    found = pays(given, tried(40, 66))
    assert found.chance == pytest.approx(expected, abs=0.02)
    gain = 0.0135625 - 0.00875
    expected, _ = integrate.quad(lambda p: plain.pdf(p) * thinking.sf(p + gain / 0.02), 0, 1)
    by_value = pays(given, tried(40, 66), value_per_success_usd=0.02)
    assert by_value.chance == pytest.approx(expected, abs=0.02)


def test_which_model_reasons_is_the_catalog_s_to_say():
    """Models the wrong way round, unknown models and bad values are errors of ours."""
    with pytest.raises(ScenarioError, match="states that kimi-k2-5-thinking has 'reasoning'"):
        thinking_pays(workload(), THINKS, PLAIN, **PLAN)
    with pytest.raises(ScenarioError, match="does not state that kimi-k2 has 'reasoning'"):
        thinking_pays(workload(), PLAIN, "kimi-k2", **PLAN)
    with pytest.raises(UnknownModelError):
        thinking_pays(workload(), PLAIN, "kimi-k9", **PLAN)
    plan = project(workload(), models=PLAIN, **PLAN)
    with pytest.raises(UnknownModelError, match="projection has no model 'kimi-k2-5-thinking'"):
        thinking_pays(workload(), PLAIN, THINKS, projection=plan)
    for value in (0, -1, math.nan, "much", True):
        with pytest.raises(ScenarioError, match="value_per_success_usd"):
            pays(value_per_success_usd=value)
    with pytest.raises(EvaluationError, match="no results for ww"):
        pays(workload(name="ww"), tried(1, 2))
    assert "Evaluations of w are not used" in pays(workload(name="chat"), tried(1, 2)).notes[0]
    with pytest.raises(ScenarioError, match="Give one Workload"):
        pays([workload()])


def test_it_reads_well():
    """Its words name the models, the multiplier with its interval, and what it rests on."""
    found = pays(evaluations=tried(40, 70))
    assert "90% interval" in found.sentences()[2]
    assert "Catalog 2026-06" in repr(found)
    assert "<table" in found._repr_html_()


def test_where_the_window_cuts_the_line_it_is_searched():
    """Refused requests bend the cost; the break-even is still that of the workload costed again."""
    sizes = {"p50": 60_000, "p90": 125_000}
    given = workload(prompt_tokens=sizes, reasoning_tokens={"mean": 3000, "sd": 800})
    found = pays(given, tried(45, 70), n_paths=200)
    again = replace(
        given, reasoning_tokens={"mean": 3000 * found.multiplier, "sd": 800 * found.multiplier}
    )
    costs = cost_per_success(again, tried(45, 70), models=[PLAIN, THINKS], n_paths=200, **PLAN)
    first, second = costs.frame["cost_per_success_usd"]
    assert first == pytest.approx(second, rel=2e-3)
    assert any("do not fit the window" in note for note in found.notes)
    assert len([note for note in found.notes if "do not fit" in note]) == 1


def test_where_the_plain_model_solves_nothing_any_success_pays():
    """But none at all does not."""
    found = pays(evaluations=tried(0, 0))
    assert found.pays is False
    assert "at any success rate above 0; kimi-k2-5 has 0.0%" in found.sentences()[1]
    assert pays(evaluations=tried(0, 1)).pays is True


def test_models_are_named_once():
    """Others would be left out without a word."""
    with pytest.raises(ScenarioError, match="Leave models out"):
        pays(models=["kimi-k2"])
