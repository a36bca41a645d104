"""How spend responds to factors: at every stop it is what a plan with changed workloads gives."""

from datetime import date
from decimal import Decimal

import pytest

from kimi_planner.catalog import load_catalog
from kimi_planner.errors import ScenarioError
from kimi_planner.plan.response import response
from kimi_planner.plan.simulation import project
from kimi_planner.workload import Workload, example_path, load_workloads, what_if

AS_OF = date(2026, 10, 24)
PLAN = {"as_of": AS_OF, "n_paths": 300, "months": 3}
THINKS = "kimi-k2-5-thinking"
STOPS = {"outputs": (Decimal("0.5"), 2), "reasonings": (0, 3)}


def by_hand(projection, workload, model):
    """Multiply the expected tokens of a plan by the prices of its catalog, a month."""
    spend = projection.of(model, workload)
    spec = next(one for one in projection.specs if one.id == model)
    tokens = {
        "input_usd_per_mtok": spend.prompt_tokens - spend.cached_tokens,
        "cached_input_usd_per_mtok": spend.cached_tokens,
        "output_usd_per_mtok": spend.completion_tokens,
    }
    usd = Decimal(0)
    for price, amounts in tokens.items():
        rate = getattr(spec, price) or spec.input_usd_per_mtok
        usd += Decimal(repr(float(amounts.sum()))) * rate / 1_000_000
    return usd / len(projection.months)


def test_every_stop_of_the_example_is_the_plan_of_changed_workloads():
    """Expected spend agrees to the cent with projections of what_if, at each pair of factors."""
    workloads = load_workloads(example_path())
    found = response(project(workloads, **PLAN), **STOPS)
    for output, reasoning in ((1, 1), (2, 0), (Decimal("0.5"), 3)):
        changed = project(what_if(workloads, output=output, reasoning=reasoning), **PLAN)
        for workload in changed.names:
            for model in changed.models:
                usd = found.usd(workload, model, output=output, reasoning=reasoning)
                by_plan = by_hand(changed, workload, model)
                assert usd == pytest.approx(by_plan, abs=Decimal("0.005"))


def test_expected_spend_is_the_mean_of_the_plan_but_for_chance():
    """At factors of 1 it lies within four standard errors of the simulated mean."""
    workloads = load_workloads(example_path())
    projection = project(workloads, as_of=AS_OF, months=2, n_paths=4000)
    found = response(projection, outputs=(), reasonings=())
    for workload in projection.names:
        spend = projection.of("kimi-k2", workload).over_months()
        mean, sd = float(spend.usd.mean()) / 2, float(spend.usd.std()) / 2
        error = sd / len(spend.usd[0]) ** 0.5
        assert float(found.usd(workload, "kimi-k2")) == pytest.approx(mean, abs=4 * error + 1e-6)


def test_plain_numbers_give_the_bill_to_the_last_digit():
    """Traffic, output, reasoning and prices together are the hand-made bill of the changed plan."""
    plain = Workload(
        name="w",
        requests_per_day=1000,
        prompt_tokens=2000,
        completion_tokens=500,
        reasoning_tokens=800,
        cached_share=0.25,
    )
    catalog = load_catalog("2026-06")
    scenario = {"months": 1, "start": "2026-11", "as_of": AS_OF, "models": THINKS}
    found = response(project(plain, catalog=catalog, **scenario), outputs=[1.5], reasonings=[2])
    dearer = catalog.with_price(THINKS, output_usd_per_mtok="12.34")
    changed = what_if(plain, traffic=1.1, output=1.5, reasoning=2)
    bill = project(changed, catalog=dearer, **scenario).of(THINKS).exact_usd[0]
    given = found.usd("w", THINKS, traffic="1.1", output=1.5, reasoning=2, catalog=dearer)
    assert given == bill
    by_hand = 30 * 1100 * (2000 * Decimal("3.50") + (750 + 1600) * Decimal("12.34")) / 1_000_000
    assert given == by_hand


def test_prices_that_change_within_the_plan_do_not_move_and_it_is_said():
    """A plan with a price change keeps its spend whatever the catalog, and a note names it."""
    change = {"date": "2027-01-01", "factor": 0.5}
    plain = Workload(
        name="w",
        requests_per_day=10,
        prompt_tokens=2000,
        completion_tokens=500,
        price_changes=(change,),
    )
    catalog = load_catalog("2026-06")
    projection = project(plain, catalog=catalog, **PLAN)
    found = response(projection, outputs=[2])
    dearer = catalog.with_price("kimi-k2", output_usd_per_mtok="99")
    before = sum(projection.of("kimi-k2").exact_usd) / 3
    assert found.usd("w", "kimi-k2") == pytest.approx(before)
    assert found.usd("w", "kimi-k2", catalog=dearer) == found.usd("w", "kimi-k2")
    assert "w on kimi-k2" in found.notes[0]


def test_fees_are_billed_by_the_request():
    """A fee stays what it is when answers grow, and grows with traffic."""
    searching = Workload(
        name="w",
        requests_per_day=100,
        prompt_tokens=1000,
        completion_tokens=100,
        fees_per_request={"web search": 1},
    )
    catalog = load_catalog("2026-11-public")
    [fee] = [one.usd_per_call for one in catalog.fees if one.name == "web search"]
    scenario = {"months": 1, "start": "2026-12", "as_of": date(2026, 11, 24)}
    projection = project(searching, models="kimi-k2.6", catalog=catalog, **scenario)
    found = response(projection, outputs=[2], reasonings=[])
    spec = catalog.model("kimi-k2.6")
    tokens = (1000 * spec.input_usd_per_mtok + 200 * spec.output_usd_per_mtok) / 1_000_000
    assert found.usd("w", "kimi-k2.6", output=2, traffic=2) == 2 * 3100 * (tokens + fee)


def test_what_is_not_a_stop_is_refused_with_the_stops():
    """The message names the factors there are."""
    plain = Workload(name="w", requests_per_day=10, prompt_tokens=2000, completion_tokens=500)
    found = response(project(plain, **PLAN), outputs=[2], reasonings=[])
    with pytest.raises(ScenarioError, match=r"at output 3 .* stops 1, 2"):
        found.usd("w", "kimi-k2", output=3)
    with pytest.raises(ScenarioError, match="traffic is -1"):
        found.usd("w", "kimi-k2", traffic=-1)
    with pytest.raises(ScenarioError, match="output is nan"):
        response(project(plain, **PLAN), outputs=[float("nan")])
    with pytest.raises(ScenarioError, match=r"^outputs is 5\. Give a list of factors\."):
        response(project(plain, **PLAN), outputs=5)
    with pytest.raises(ScenarioError, match=r"projection is 'x'\. Give what project returns"):
        response("x")
    with pytest.raises(ScenarioError, match=r"no response of 'w' on \['kimi-k2'\]"):
        found.usd("w", ["kimi-k2"])
