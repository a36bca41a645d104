"""The break-even map, point by point against the exact cost of a call."""

from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from kimi_planner import cost, load_catalog, load_workloads, project
from kimi_planner.choose import break_even_map, cost_per_request, read_evaluations
from kimi_planner.errors import EvaluationError, ScenarioError, UnknownModelError
from kimi_planner.workload import Workload

AS_OF = date(2026, 11, 25)
PUBLIC = load_catalog("2026-11-public", as_of=AS_OF)
FLAGSHIP, THINKS = "kimi-k2-5", "kimi-k2-5-thinking"
PAIR = (FLAGSHIP, THINKS)
SHARES = (0.0, 0.1, 0.25, 0.5, 1.0)
MULTIPLIERS = (0.0, 0.5, 1.0, 4.0)


def plain(**changes):
    fields = {
        "name": "w",
        "requests_per_day": 1000,
        "prompt_tokens": 3000,
        "completion_tokens": 1000,
        "reasoning_tokens": 2500,
    }
    return Workload(**fields | changes)


PLAN = project(plain(), months=1, start="2026-12", as_of=AS_OF)


def mapped(workload=None, **changes):
    settings = {"output_share": SHARES, "reasoning_multiplier": MULTIPLIERS} | changes
    if workload is None:
        return break_even_map(plain(), projection=PLAN, **settings)
    return break_even_map(workload, as_of=AS_OF, **settings)


def call(model, share, multiplier, cached=0, **beyond):
    """Return the exact cost of the call at a point of a map of 4,000 tokens."""
    visible = round(4000 * share)
    thought = round(visible * multiplier) if beyond.pop("reasons", model == THINKS) else 0
    usage = {
        "prompt_tokens": 4000 - visible,
        "completion_tokens": visible + thought,
        "prompt_tokens_details": {"cached_tokens": round(cached * (4000 - visible))},
    }
    return cost(usage, model, **beyond).total_usd


def test_every_point_is_the_exact_cost_of_its_call():
    """All four models; to within the rounding of floats."""
    found = mapped()
    assert found.models == PLAN.models
    assert found.cost_usd.shape == (4, 5, 4)
    assert found.tokens == 4000
    for model, costs in zip(found.models, found.cost_usd, strict=True):
        expected = [[float(call(model, one, by)) for by in MULTIPLIERS] for one in SHARES]
        np.testing.assert_allclose(costs, expected, rtol=1e-14)


def test_cached_and_written_prompts_and_fees_count_at_every_point():
    """As the cost of a call bills them."""
    workload = plain(
        cached_share=0.5,
        written_share={"one_hour": 0.25},
        fees_per_request={"web search": 1},
    )
    models = ("kimi-k3", "kimi-k2.6")
    found = mapped(workload, models=models, catalog=PUBLIC)
    for model, costs in zip(models, found.cost_usd, strict=True):
        for one, row in zip(SHARES, costs, strict=True):
            expected = [
                call(
                    model, one, by, 0.5, catalog=PUBLIC, written_1h=round(1000 * (1 - one)),
                    fees={"web search": 1}, reasons=PUBLIC.model(model).reasons,
                )
                for by in MULTIPLIERS
            ]  # fmt: skip
            np.testing.assert_allclose(row, np.array(expected, dtype=float), rtol=1e-13)


def test_the_workload_itself_lies_on_the_map():
    """At its own point each model costs what one of its requests does."""
    assert mapped().here == (0.25, 2.5)
    here = mapped(output_share=[0.25], reasoning_multiplier=[2.5])
    costs = cost_per_request(plain(), projection=PLAN)
    for model, point in zip(here.models, here.cost_usd[:, 0, 0], strict=True):
        assert point == pytest.approx(float(costs.of("w", model).total_usd), rel=1e-14)
    silent = plain(reasoning_tokens=None)
    assert mapped(silent).here == (0.25, None)


def test_by_the_cost_of_a_request_the_lowest_prices_win_everywhere():
    """The gap is that to the runner-up, in USD and relative."""
    found = mapped()
    assert {found.models[place] for place in found.cheapest.flat} == {"kimi-k2"}
    np.testing.assert_allclose(found.gap_relative, 0.25, rtol=1e-12)
    cheapest = found.cost_usd[found.models.index("kimi-k2")]
    np.testing.assert_allclose(found.gap_usd, 0.25 * cheapest, rtol=1e-12)
    assert found.success_rates is None
    assert found.value_usd is found.cost_usd


def test_with_success_rates_the_map_is_of_the_cost_of_a_success():
    """The cheapest and the gap at every point, by sorting exact quotients."""
    rates = {FLAGSHIP: 0.3, THINKS: 0.9, "kimi-k2": 0.1}
    found = mapped(success_rates=rates)
    assert found.models == (FLAGSHIP, THINKS, "kimi-k2")
    assert "kimi-k2-instruct is left out: no success rate among those given." in found.notes
    winners = set()
    for row, share in enumerate(SHARES):
        for column, by in enumerate(MULTIPLIERS):
            values = {
                model: call(model, share, by) / Decimal(str(rates[model])) for model in found.models
            }
            first, second = sorted(values, key=values.__getitem__)[:2]
            winners.add(first)
            assert found.models[found.cheapest[row, column]] == first
            gap = values[second] - values[first]
            assert found.gap_usd[row, column] == pytest.approx(float(gap), rel=1e-11, abs=1e-18)
            assert found.gap_relative[row, column] == pytest.approx(
                float(gap / values[first]), rel=1e-11, abs=1e-12
            )
    assert len(winners) > 1, "a map with one colour decides nothing"


def test_the_break_even_multiplier_is_where_two_models_cost_the_same():
    """For each success, by the exact cost of a call at that reasoning."""
    found = mapped(models=PAIR, success_rates={FLAGSHIP: 0.3, THINKS: 0.9})
    where = found.break_even_multiplier(THINKS, FLAGSHIP)
    assert np.isnan(where[0]), "without a visible token there is nothing to multiply"
    for share, by in zip(SHARES[1:], where[1:], strict=True):
        visible = 4000 * share
        thinks = (3.5 * (4000 - visible) + 10.5 * visible * (1 + by)) / 0.9
        flagship = (2.5 * (4000 - visible) + 7.5 * visible) / 0.3
        assert thinks == pytest.approx(flagship, rel=1e-12)
    np.testing.assert_allclose(where, found.break_even_multiplier(FLAGSHIP, THINKS))
    assert np.isnan(mapped().break_even_multiplier(THINKS, FLAGSHIP)).all()


def test_a_pair_has_a_signed_difference_and_the_success_it_takes():
    """Without success rates: what thinking costs more, and how much better it must be for that."""
    found = mapped(models=PAIR)
    more = found.difference_usd(THINKS, FLAGSHIP)
    ratio = found.needed_ratio(THINKS, FLAGSHIP)
    np.testing.assert_array_equal(more, -found.difference_usd(FLAGSHIP, THINKS))
    assert more.min() > 0
    for row, share in enumerate(SHARES):
        for column, by in enumerate(MULTIPLIERS):
            costs = [float(call(model, share, by)) for model in PAIR]
            assert more[row, column] == pytest.approx(costs[1] - costs[0], rel=1e-12)
            assert ratio[row, column] == pytest.approx(costs[1] / costs[0], rel=1e-12)
    row, column = 2, 3  # at a success of the flagship of 0.2, thinking must have so much
    rates = {FLAGSHIP: 0.2, THINKS: 0.2 * ratio[row, column]}
    even = mapped(models=PAIR, success_rates=rates).difference_usd(THINKS, FLAGSHIP)
    assert abs(even[row, column]) < 1e-15


def test_a_model_that_never_succeeds_is_never_the_cheapest():
    """Its cost of a success is without end."""
    found = mapped(models=PAIR, success_rates={FLAGSHIP: 0, THINKS: 0.5})
    assert np.isinf(found.value_usd[0]).all()
    assert (found.cheapest == 1).all()


def test_evaluations_give_the_success_rates():
    """The posterior means; untried models are left out in words."""
    frame = pd.DataFrame({"workload": "w", "model": PAIR, "successes": [3, 9], "trials": [10, 10]})
    found = mapped(evaluations=read_evaluations(frame))
    assert found.success_rates.tolist() == pytest.approx([3.5 / 11, 9.5 / 11], rel=1e-15)
    assert "kimi-k2 is left out: no success rate in evaluations." in found.notes


def test_models_that_cannot_serve_are_left_out_unless_named():
    """A named one stays, and what rules it out is said."""
    workload = plain(needs=["vision"])
    with pytest.raises(ScenarioError, match=r"two models or more; kimi-k2-5 is left .*'vision'"):
        mapped(workload)
    found = mapped(workload, models=PAIR)
    assert found.models == PAIR
    words = (
        "kimi-k2-5-thinking does not qualify: catalog 2026-06 does not state that it has 'vision'."
    )
    assert words in found.notes


def test_a_workload_with_ranges_is_mapped_at_its_means():
    """Means of the sizes, nothing cut off by max_tokens, shares at their means."""
    workload = load_workloads()[1]
    found = break_even_map(workload, models=PAIR, as_of=AS_OF, n_paths=200)
    prompt, visible = (
        workload.quantity(key).mean for key in ("prompt_tokens", "completion_tokens")
    )
    assert found.tokens == pytest.approx(prompt + visible, rel=1e-12)
    assert found.here[0] == pytest.approx(visible / (prompt + visible), rel=1e-12)
    assert found.cost_usd.shape == (2, 19, 21)


def test_the_map_shows_itself():
    """A tidy frame, a short text, and what it rests on."""
    found = mapped(models=PAIR)
    frame = found.frame
    assert list(frame) == ["model", "output_share", "reasoning_multiplier", "cost_usd", "cost_per_success_usd"]  # fmt: skip
    assert len(frame) == 2 * 5 * 4
    assert frame["cost_per_success_usd"].isna().all()
    row = frame.query("model == @THINKS and output_share == 0.25 and reasoning_multiplier == 4")
    assert row["cost_usd"].item() == pytest.approx(float(call(THINKS, 0.25, 4)), rel=1e-14)
    assert found.provenance == PLAN.provenance
    assert "cost of a request, 5 x 4: kimi-k2-5, kimi-k2-5-thinking." in repr(found)
    with pytest.raises(ScenarioError, match="no model 'kimi-k2'"):
        found.difference_usd("kimi-k2", FLAGSHIP)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"output_share": []}, ScenarioError, "output_share is"),
        ({"output_share": [0.5, 0.5]}, ScenarioError, "rising"),
        ({"output_share": [0.5, 1.5]}, ScenarioError, "from 0 to 1"),
        ({"output_share": [[0.5]]}, ScenarioError, "rising"),
        ({"output_share": "half"}, ScenarioError, "'half'"),
        ({"reasoning_multiplier": [-1, 2]}, ScenarioError, "rising numbers from 0"),
        ({"reasoning_multiplier": [0, float("nan")]}, ScenarioError, "rising"),
        ({"reasoning_multiplier": [0, float("inf")]}, ScenarioError, "rising"),
        ({"models": THINKS}, ScenarioError, "two models or more"),
        ({"success_rates": {THINKS: 2}}, EvaluationError, "from 0 to 1"),
        ({"success_rates": {}}, EvaluationError, "No success rate"),
    ],
)
def test_bad_input_is_one_error_with_a_remedy(changes, error, words):
    """Each fault is named in one line."""
    with pytest.raises(error, match=words) as caught:
        mapped(**changes)
    assert "\n" not in str(caught.value)


def test_requests_without_tokens_have_no_map():
    """There is nothing to take a share of."""
    with pytest.raises(ScenarioError, match="no tokens"):
        mapped(plain(prompt_tokens=0, completion_tokens=0))


def test_models_that_never_succeed_have_no_difference():
    """Infinity less infinity is not known, and said so without a warning; else it is infinite."""
    some = mapped(success_rates={"kimi-k2": 0, FLAGSHIP: 0, THINKS: 0.9})
    assert np.isnan(some.difference_usd("kimi-k2", FLAGSHIP)).all()
    assert (some.difference_usd("kimi-k2", THINKS) == np.inf).all()
    assert np.isinf(some.gap_usd).all()
    assert np.isnan(some.break_even_multiplier("kimi-k2", FLAGSHIP)).all()
    none = mapped(success_rates={FLAGSHIP: 0, THINKS: 0})
    assert np.isnan(none.gap_usd).all()
    assert np.isnan(none.gap_relative).all()


def test_evaluations_of_a_misspelled_model_are_refused():
    """As everywhere else that evaluations are used."""
    frame = pd.DataFrame(
        {"workload": "w", "model": [FLAGSHIP, "kimi-k2.5"], "successes": 1, "trials": 2}
    )
    with pytest.raises(UnknownModelError, match="row 2"):
        mapped(evaluations=read_evaluations(frame))
