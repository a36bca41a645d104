"""What a call reserves without a limit: the model's default counts for fit wherever fit counts."""

import math
from dataclasses import replace
from datetime import date
from fractions import Fraction

import checking
import matplotlib.pyplot as plt
import numpy as np
import pytest

from kimi_planner import plot
from kimi_planner.calls.conversation import conversation
from kimi_planner.calls.fit import context_fit
from kimi_planner.calls.overflow import carry_out
from kimi_planner.calls.sizes import CallSizes
from kimi_planner.capacity.need import throughput
from kimi_planner.catalog import Profile, load_catalog
from kimi_planner.checks.config import load_config
from kimi_planner.checks.results import Outcome
from kimi_planner.checks.run import Check
from kimi_planner.choose import Requirements, recommend
from kimi_planner.choose.breakdown import cost_per_request
from kimi_planner.choose.success.tried import overflow_notes
from kimi_planner.plan.simulation import project
from kimi_planner.workload import Workload

MODEL = "kimi-k3"
WINDOW, DEFAULT = 1_048_576, 131_072
ROOM = WINDOW - DEFAULT
CATALOGS = ["2026-11-public", "2026-11-public-2"]
SCENARIO = {
    "months": 1,
    "start": date(2026, 12, 1),
    "as_of": date(2026, 11, 28),
    "n_paths": 200,
}


def workload(prompt, **changes):
    fields = {"name": "w", "requests_per_day": 10, "completion_tokens": 100, "overflow": "reject"}
    return Workload(**fields | {"prompt_tokens": prompt} | changes)


def planned(asked, catalog):
    return project([asked], models=[MODEL], catalog=catalog, **SCENARIO)


EDGES = [(950_000, False), (ROOM + 1, False), (ROOM, True), (900_000, True)]


@pytest.fixture(params=CATALOGS)
def catalog(request):
    return request.param


@pytest.mark.parametrize(("prompt", "fits"), EDGES)
def test_context_fit_counts_the_default(catalog, prompt, fits):
    """917,504 prompt tokens fit on K3 without a limit, and not one more."""
    found = context_fit(workload(prompt), [MODEL], catalog=catalog)
    assert found.share("w", MODEL) == float(fits)
    assert set(found.frame.filter(regex="^p").iloc[0]) == {prompt + DEFAULT}


@pytest.mark.parametrize(("prompt", "fits"), EDGES)
def test_a_plan_refuses_what_does_not_fit(catalog, prompt, fits):
    """Refused calls cost nothing and the plan says so; others cost what their tokens do, exactly."""
    found = planned(workload(prompt), catalog)
    requests = 10 * 31
    price = Fraction(3) * prompt + Fraction(15) * 100
    expected = requests * price / 10**6 if fits else 0
    assert list(map(Fraction, found.of(MODEL).exact_usd)) == [expected]
    codes = [one.code for one in found.notes]
    assert ("calls_reject" in codes) is not fits
    (said,) = [str(one) for one in found.notes if one.code == "default_reserved"]
    assert "reserves 131,072 tokens of its window, or its answer where that is longer" in said


@pytest.mark.parametrize(("prompt", "fits"), EDGES)
def test_an_uncertain_plan_refuses_it_too(catalog, prompt, fits):
    """The quadrature of single calls counts the default as the exact walk does."""
    sizes = workload(prompt, completion_tokens={"p50": 100, "p90": 300}).resolve().sizes
    calls = CallSizes.on(sizes, load_catalog(catalog).model(MODEL).profile)
    assert (float(calls.tokens().prompt) == pytest.approx(prompt * fits)) is True
    assert calls.overflow_shares == ((0.0, 0.0) if fits else (1.0, 1.0))
    assert calls.overflows is not fits


@pytest.mark.parametrize(("prompt", "fits"), EDGES)
def test_a_conversation_counts_the_default(catalog, prompt, fits):
    """The first turn is made where its prompt leaves the default reservation, and only there."""
    found = conversation(workload(prompt, turns=2, followup_tokens=0), MODEL, catalog=catalog)
    first = found.frame.iloc[0]
    assert (first["fit_share"], first["made_share"]) == (float(fits), float(fits))
    assert found.first_overflow.get("p50", 2) == (2 if fits else 1)
    assert [one.code for one in found.notes].count("default_reserved") == 1
    if fits:
        assert first["p50_reserved_tokens"] == DEFAULT


@pytest.mark.parametrize(("prompt", "fits"), EDGES)
def test_a_model_without_room_is_not_recommended(catalog, prompt, fits):
    """The window rules the model out, and says that no request fits."""
    found = recommend(
        [workload(prompt)], Requirements(tier=5), models=[MODEL], catalog=catalog, **SCENARIO
    )
    assert [one.code for one in found.notes].count("default_reserved") == 1
    reasons = [reason for one in found.exclusions for reason in one.reasons]
    assert any("of calls fit its window" in reason for reason in reasons) is not fits


@pytest.mark.parametrize("prompt", [prompt for prompt, _ in EDGES])
@pytest.mark.parametrize("overflow", ["reject", "drop_oldest"])
def test_peaks_count_the_default(catalog, prompt, overflow):
    """A token limit counts what a call reserves: as much as with a limit of the same size."""
    asked = workload(prompt, overflow=overflow)
    results = [
        throughput([one], models=[MODEL], catalog=catalog, **SCENARIO)
        for one in (asked, replace(asked, max_tokens=DEFAULT))
    ]
    said = ["default_reserved" in [one.code for one in result.notes] for result in results]
    assert said == [True, False]
    plain, limited = (result.peaks["w", MODEL] for result in results)
    assert "max_tokens" not in plain.unknown
    assert plain.highest("tokens_per_day") == limited.highest("tokens_per_day") > DEFAULT


def test_a_limit_of_the_workload_counts_instead():
    """max_tokens is what is reserved, also where it is far below the default."""
    asked = workload(950_000, max_tokens=4096)
    assert context_fit(asked, [MODEL], catalog=CATALOGS[0]).share("w", MODEL) == 1.0
    assert planned(asked, CATALOGS[0]).of(MODEL).exact_usd[0] > 0


def test_an_answer_that_is_longer_counts_as_it_is():
    """The default cuts nothing that is known, so the larger of both is what has to fit."""
    longer = DEFAULT + 1000
    for prompt, share in ((WINDOW - longer, 1.0), (WINDOW - longer + 1, 0.0)):
        asked = workload(prompt, completion_tokens=longer)
        assert context_fit(asked, [MODEL], catalog=CATALOGS[0]).share("w", MODEL) == share


@pytest.mark.parametrize("overflow", ["reject", "drop_oldest", {"summarise_to_tokens": 300}])
def test_drawn_conversations_are_those_of_a_reservation_by_hand(overflow):
    """The policies see a reservation of max(default, answer), whatever the sizes."""
    asked = workload(
        {"p50": 700, "p90": 900},
        completion_tokens={"p50": 80, "p90": 300},
        turns=6,
        followup_tokens=50,
        overflow=overflow,
    )
    calls = CallSizes.on(asked.resolve().sizes, Profile(reasons=False, window=1500, reserves=200))
    sample = calls.drawn(3)
    plain = CallSizes.on(asked.resolve().sizes, Profile(reasons=False, window=1500)).drawn(3)
    by_hand = replace(plain, reserved=np.maximum(plain.completion, 200))
    policy = calls.sizes.overflow
    found, expected = (carry_out(one, 1500, policy) for one in (sample, by_hand))
    for name in ("made", "prompt", "completion", "summary_prompt", "summary_completion"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    assert 0 < found.made.mean() <= 1


def test_the_quadrature_agrees_with_drawn_calls():
    """Expected tokens in closed form against the mean over drawn single calls, near the edge."""
    asked = workload({"p50": 900, "p90": 1400}, completion_tokens={"p50": 150, "p90": 400})
    calls = CallSizes.on(asked.resolve().sizes, Profile(reasons=False, window=1500, reserves=250))
    billed = calls.billed(np.random.default_rng(0))
    tokens = calls.tokens()
    for found, drawn in ((tokens.prompt, billed.prompt), (tokens.completion, billed.completion)):
        error = drawn.std() / math.sqrt(len(drawn))
        assert float(found) == pytest.approx(drawn.mean(), abs=5 * error)


def test_a_model_without_a_default_is_as_before():
    """Where the catalog states no default reservation, the answer alone is counted."""
    asked = workload(WINDOW - 100)
    found = context_fit(asked, ["kimi-k3.1-pro"], catalog=CATALOGS[1])
    assert found.share("w", "kimi-k3.1-pro") == 1.0


@pytest.mark.parametrize(("prompt", "fits"), EDGES)
def test_a_check_of_workloads_counts_the_default(catalog, tmp_path, prompt, fits):
    """A repository that asks every request to fit fails its check where the default has no room."""
    config = f'catalog = "{catalog}"\nmodel = "{MODEL}"\n[[workloads]]\npath = "w.toml"\n'
    text = checking.workloads(requests=10, prompt=prompt, cached="0")
    path = checking.lay_out(tmp_path, f"{config}min_fit_share = 1\n", w_dot_toml=text)
    (result,) = Check(load_config(path), SCENARIO["as_of"]).results()
    assert result.outcome is (Outcome.PASSED if fits else Outcome.OVER)


@pytest.mark.parametrize(("prompt", "fits"), EDGES)
def test_pictures_of_fit_count_the_default(catalog, prompt, fits):
    """The picture says the share that fits, and its curve steps at prompt and default together."""
    found = context_fit(workload(prompt), [MODEL], catalog=catalog)
    ax = plot.context_fit(found)
    said = f"{prompt + DEFAULT:,} tokens, {'all fit' if fits else 'none fit'}"
    assert said in plot.alt_text(ax)
    plt.close(ax.figure)
    curve = found.curve([prompt + DEFAULT - 1, prompt + DEFAULT])
    assert curve["fit_share"].tolist() == [0.0, 1.0]


@pytest.mark.parametrize(("prompt", "fits"), EDGES)
def test_other_results_follow(catalog, prompt, fits):
    """What rests on a plan does too: the cost of a request, and the note on refused tasks."""
    costs = cost_per_request(workload(prompt), MODEL, catalog=catalog, **SCENARIO)
    usd = costs.of("w", MODEL).total_usd
    assert float(usd) == pytest.approx(fits * (3 * prompt + 15 * 100) / 10**6)
    spec = load_catalog(catalog).model(MODEL)
    assert bool(overflow_notes(workload(prompt), [spec])) is not fits
