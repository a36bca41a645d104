"""The cost of a request in parts, against the exact cost of a call and the spend of a plan."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import partial

import choosing
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimi_planner import cost, load_catalog, load_workloads, project
from kimi_planner.choose import cost_per_request
from kimi_planner.choose.breakdown import PARTS
from kimi_planner.errors import PriceNotFoundError, SettingError, UnknownModelError

AS_OF = date(2026, 11, 25)
PUBLIC = load_catalog("2026-11-public", as_of=AS_OF)
THINKS = "kimi-k2-5-thinking"
MODELS = ("kimi-k2-5", THINKS, "kimi-k2", "kimi-k2-instruct")
plain = partial(choosing.plain, reasoning_tokens=1500, cached_share=0.4)


def split(workload, models=None, **scenario):
    return cost_per_request(workload, models, **{"as_of": AS_OF} | scenario)


def usd(found):
    return {part.part: part.cost_usd for part in found.parts}


@settings(max_examples=20, deadline=None)
@given(
    prompt=st.integers(0, 50).map(lambda count: 100 * count),
    cached=st.integers(0, 100),
    visible=st.integers(0, 5000),
    thought=st.integers(0, 9000),
)
def test_parts_are_those_of_the_exact_cost_of_a_call(prompt, cached, visible, thought):
    """On every model, to the last digit; reasoning is spent by the model that reasons alone."""
    workload = plain(
        prompt_tokens=prompt,
        completion_tokens=visible,
        reasoning_tokens=thought,
        cached_share=Decimal(cached) / 100,
    )
    found = split(workload)
    for model in MODELS:
        spent = thought if model == THINKS else 0
        usage = {
            "prompt_tokens": prompt,
            "completion_tokens": visible + spent,
            "prompt_tokens_details": {"cached_tokens": prompt * cached // 100},
        }
        call, one = cost(usage, model), found.of("w", model)
        parts = usd(one)
        assert one.is_exact
        assert list(parts) == [part for part in PARTS if part not in ("cache_write", "fees")]
        assert parts["uncached_input"] == call.input_usd
        assert parts["cached_input"] == call.cached_usd
        assert parts["visible_output"] + parts["reasoning"] == call.output_usd
        alone = cost({"prompt_tokens": 0, "completion_tokens": spent}, model)
        assert parts["reasoning"] == alone.output_usd
        assert one.total_usd == call.total_usd


def test_cache_writes_and_fees_are_parts_of_their_own():
    """As the cost of a call bills them, at the prices of each kind of writing."""
    workload = plain(
        written_share={"five_minutes": 0.3, "one_hour": 0.1},
        fees_per_request={"web search": 0.2},
        reasoning_tokens=0,
    )
    one = split(workload, "kimi-k3", catalog=PUBLIC).of("w", "kimi-k3")
    usage = {
        "prompt_tokens": 2000,
        "completion_tokens": 500,
        "prompt_tokens_details": {"cached_tokens": 800},
        "written_5m_tokens": 600,
        "written_1h_tokens": 200,
    }
    call = cost(usage, "kimi-k3", catalog=PUBLIC)
    parts = usd(one)
    assert list(parts) == list(PARTS)
    assert parts["cache_write"] == call.cache_write_usd > 0
    assert parts["uncached_input"] == call.input_usd
    assert parts["cached_input"] == call.cached_usd
    assert parts["fees"] == Decimal("0.005") / 5
    assert one.total_usd == call.total_usd + Decimal("0.001")
    tokens = {part.part: part.tokens for part in one.parts}
    assert tokens == {
        "uncached_input": 400,
        "cached_input": 800,
        "cache_write": 800,
        "visible_output": 500,
        "reasoning": 0,
        "fees": None,
    }


SPREAD = {
    "prompt_tokens": {"p50": 1800, "p90": 6000, "mean_factor": {"p10": 0.8, "p50": 1, "p90": 1.3}},
    "completion_tokens": {"p50": 250, "p90": 700},
    "reasoning_tokens": {"p50": 900, "p90": 3000},
    "cached_share": {"p10": 0.2, "p50": 0.4, "p90": 0.5},
}
WRITES = {"written_share": {"five_minutes": 0.3, "one_hour": 0.3}}
KINDS = {
    "sizes": SPREAD,
    "conversations": SPREAD | {"turns": {"mean": 4}, "max_tokens": 1000},
    "retries": SPREAD | {"retry_share": {"p10": 0.01, "p50": 0.02, "p90": 0.05}},
    "writes and fees": SPREAD | WRITES | {"fees_per_request": {"web search": 0.5}},
    "calls that do not fit": SPREAD | {"prompt_tokens": {"p50": 90_000, "p90": 300_000}},
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_total_is_the_spend_of_a_plan_for_each_of_its_requests(kind):
    """Over the same scenarios; with certain traffic only single calls and retries add chance."""
    workload = plain(**KINDS[kind], requests_per_day=100_000)
    catalog = PUBLIC if "fees_per_request" in KINDS[kind] else load_catalog()
    models = ("kimi-k3",) if catalog is PUBLIC else ("kimi-k2", THINKS)
    plan = project(workload, 2, "2026-12", models=models, as_of=AS_OF, catalog=catalog)
    found = cost_per_request(workload, projection=plan)
    exactly = 1e-4 if kind == "retries" else 1e-12
    for model in models:
        spend, one = plan.of(model, "w"), found.of("w", model)
        assert not one.is_exact
        per_request = spend.mean()[0] / spend.requests[0]
        assert float(one.total_usd) == pytest.approx(per_request, rel=1e-4)
        tokens = {part.part: float(part.tokens or 0) for part in one.parts}
        prompt = sum(tokens[part] for part in PARTS[:3] if part in tokens)
        for total, name in (
            (prompt, "prompt_tokens"),
            (tokens["cached_input"], "cached_tokens"),
            (tokens["visible_output"] + tokens["reasoning"], "completion_tokens"),
            (tokens["reasoning"], "reasoning_tokens"),
        ):
            expected = getattr(spend, name)[0] / spend.requests[0]
            assert total == pytest.approx(expected, rel=exactly)


def test_uncertain_traffic_is_independent_of_what_a_request_costs():
    """Mean spend over mean requests, within four standard errors of their chance correlation."""
    workload = plain(**SPREAD, requests_per_day={"p10": 8e4, "p50": 1e5, "p90": 1.4e5})
    plan = project(workload, 1, "2026-12", models=THINKS, as_of=AS_OF)
    spend = plan.of(THINKS, "w")
    total = float(cost_per_request(workload, projection=plan).of("w", THINKS).total_usd)
    spread = spend.usd[0].std() / spend.usd[0].mean()
    error = spread**2 / 2 / np.sqrt(plan.n_paths)  # at most: a product of two spreads
    assert spend.mean()[0] / spend.requests[0] == pytest.approx(total, rel=4 * error)
    assert 4 * error < 0.005


def test_a_spread_between_requests_alone_has_the_closed_mean():
    """Lognormal prompts: the parts are prices times means of the distribution."""
    workload = plain(prompt_tokens={"mean": 3200, "sd": 900}, cached_share=None)
    one = split(workload, "kimi-k2").of("w", "kimi-k2")
    parts = {part: float(amount) for part, amount in usd(one).items()}
    assert parts["uncached_input"] == pytest.approx(3200 * 1.2e-6, rel=1e-9)
    assert parts["visible_output"] == pytest.approx(500 * 3.6e-6, rel=1e-12)
    assert parts["cached_input"] == 0


def test_traffic_that_is_uncertain_leaves_a_request_exact():
    """The cost of one request rests on its sizes and shares alone."""
    busy = plain(
        requests_per_day={"p10": 8, "p50": 10, "p90": 14},
        retry_share={"p10": 0.01, "p50": 0.02, "p90": 0.05},
    )
    exact = split(plain()).costs
    assert split(busy).costs == exact
    assert all(one.is_exact for one in exact)


def test_prices_are_those_of_the_first_day():
    """A change in the middle of the first month plays no part, one from its first day does."""
    change = {"date": "2026-12-16", "factor": 2}
    halfway = split(plain(price_changes=[change]), start="2026-12")
    assert halfway.costs == split(plain()).costs
    at_once = split(plain(price_changes=[change | {"date": "2026-12-01"}]), start="2026-12")
    for one, before in zip(at_once.costs, halfway.costs, strict=True):
        assert one.total_usd == 2 * before.total_usd
    assert "Prices are those of 2026-12-01." in halfway.notes


def test_parts_of_the_example_add_up_to_their_totals():
    """All workloads and models, with what the frame says."""
    found = split(load_workloads(), ("kimi-k2", THINKS), n_paths=200)
    assert len(found.costs) == 5 * 2
    for one in found.costs:
        assert one.total_usd == sum(usd(one).values())
        assert one.is_exact == (one.workload == "draft-generation")
    frame = found.frame
    assert list(frame) == ["workload", "model", "part", "tokens", "cost_usd", "exact_usd"]
    sums = frame.groupby(["workload", "model"])["cost_usd"].sum()
    for (workload, model), total in sums.items():
        assert total == pytest.approx(float(found.of(workload, model).total_usd), rel=1e-12)
    assert frame["exact_usd"].notna().sum() == 2 * 4
    assert "billed as input" in " ".join(found.notes)
    assert found.provenance in " ".join(repr(found).split())
    assert "<table" in found._repr_html_()


def test_models_of_a_given_plan_can_be_chosen():
    """In the order of the call, without projecting again."""
    plan = project(plain(), months=1, as_of=AS_OF)
    found = cost_per_request(plain(), ["kimi-k2", THINKS], projection=plan)
    assert [one.model for one in found.costs] == ["kimi-k2", THINKS]
    assert found.projection is plan
    with pytest.raises(SettingError, match="No 'w' on model 'kimi-k2-5'"):
        found.of("w", "kimi-k2-5")


def test_what_a_plan_refuses_is_refused():
    """Unknown models, workloads that a plan lacks, and fees that no catalog states."""
    plan = project(plain(), months=1, as_of=AS_OF)
    with pytest.raises(UnknownModelError, match="kimi-k9"):
        split(plain(), "kimi-k9")
    with pytest.raises(SettingError, match="no workload 'v'"):
        cost_per_request(plain(name="v"), projection=plan)
    with pytest.raises(SettingError, match="seed cannot change"):
        cost_per_request(plain(), projection=plan, seed=3)
    with pytest.raises(PriceNotFoundError, match="web search"):
        split(plain(fees_per_request={"web search": 1}))


def test_equal_seeds_give_equal_parts():
    """And another seed others, where something is drawn."""
    workload = replace(plain(), **SPREAD)
    first, again, other = (split(workload, seed=seed, n_paths=200) for seed in (1, 1, 2))
    assert first.costs == again.costs
    assert np.isclose(float(first.costs[0].total_usd), float(other.costs[0].total_usd), rtol=0.05)
