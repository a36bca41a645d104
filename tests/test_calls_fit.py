"""Context fit against hand arithmetic, closed forms and loops over turns."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from kimi_planner.calls.fit import context_fit
from kimi_planner.catalog import load_catalog
from kimi_planner.errors import SettingError, UnknownModelError
from kimi_planner.workload import Workload, load_workloads

WINDOW = 128_000
THINKS = "kimi-k2-5-thinking"
MODELS = ["kimi-k2-5", THINKS, "kimi-k2", "kimi-k2-instruct"]
Z90 = stats.norm.ppf(0.9)


def workload(**changes):
    fields = {"name": "w", "requests_per_day": 10, "prompt_tokens": 1000, "completion_tokens": 100}
    return Workload(**fields | changes)


def row(found, model):
    (one,) = found.frame.query("model == @model").to_dict("records")
    return one


@pytest.mark.parametrize(
    ("prompt", "changes", "fits"),
    [
        (WINDOW - 100, {}, True),
        (WINDOW - 99, {}, False),
        (WINDOW - 4096, {"max_tokens": 4096}, True),
        (WINDOW - 4095, {"max_tokens": 4096}, False),
        (WINDOW - 50, {"max_tokens": 50}, True),  # less is reserved than the answer would take
        (WINDOW - 49, {"max_tokens": 50}, False),
        (WINDOW, {"completion_tokens": 0}, True),
        (WINDOW + 1, {"completion_tokens": 0}, False),
    ],
)
def test_plain_sizes_on_both_sides_of_the_window(prompt, changes, fits):
    """Prompt + max_tokens, or the answer without it, fits at exactly 128,000 and not one above."""
    sizes = workload(prompt_tokens=prompt, **changes)
    found = context_fit(sizes)
    assert found.frame["model"].tolist() == MODELS
    needed = prompt + changes.get("max_tokens", changes.get("completion_tokens", 100))
    for model in MODELS:
        assert found.share("w", model) == float(fits)
        one = row(found, model)
        assert {one[f"p{share}_tokens"] for share in ("01", "10", "50", "90", "99")} == {needed}
        assert one["context_window_tokens"] == WINDOW
        assert one["overflow_share"] == 1 - fits
        assert pd.isna(one["first_overflow_p50"]) if fits else one["first_overflow_p50"] == 1


@pytest.mark.parametrize(("thought", "fits"), [(26_900, True), (26_901, False)])
def test_reasoning_takes_room_on_the_thinking_model_only(thought, fits):
    """The chain of thought is reserved where a model reasons, and nowhere else."""
    found = context_fit(
        workload(prompt_tokens=101_000, completion_tokens=100, reasoning_tokens=thought)
    )
    assert [found.share("w", model) for model in MODELS] == [1.0, float(fits), 1.0, 1.0]
    capped = workload(prompt_tokens=101_000, reasoning_tokens=thought, max_tokens=27_000)
    assert context_fit(capped).share("w", THINKS) == 1.0


@pytest.mark.parametrize("p90", [60_000, 128_000, 300_000])
@pytest.mark.parametrize("reserve", [4096, 60_000])
def test_lognormal_prompts_fit_as_often_as_the_closed_form_says(p90, reserve):
    """The share and the quantiles are those of a lognormal, to the grid of 65,536 drawn requests."""
    found = context_fit(workload(prompt_tokens={"p50": 30_000, "p90": p90}, max_tokens=reserve))
    prompts = stats.lognorm(s=math.log(p90 / 30_000) / Z90, scale=30_000)
    one = row(found, "kimi-k2")
    assert one["fit_share"] == pytest.approx(prompts.cdf(WINDOW - reserve), abs=2 / 65_536)
    for share in ("01", "10", "50", "90", "99"):
        expected = prompts.ppf(int(share) / 100) + reserve
        assert one[f"p{share}_tokens"] == pytest.approx(expected, rel=1e-3)


def test_an_uncertain_mean_widens_what_requests_need():
    """A factor on the mean multiplies the sizes: the product of two lognormals, 4 standard errors."""
    found = context_fit(
        workload(
            prompt_tokens={"p50": 60_000, "p90": 90_000, "mean_factor": {"p50": 1, "p90": 1.6}},
            completion_tokens=0,
        )
    )
    sigma = math.hypot(math.log(1.5), math.log(1.6)) / Z90
    share = stats.norm.cdf(math.log(WINDOW / 60_000) / sigma)
    error = math.sqrt(share * (1 - share) / 65_536)
    assert found.share("w", "kimi-k2") == pytest.approx(share, abs=4 * error)


def test_two_quantities_written_alike_have_factors_of_their_own():
    """Prompt and answer with the same numbers stay independent, as brute force has them."""
    alike = {"p50": 40_000, "p90": 40_001, "mean_factor": {"p50": 1, "p90": 2}}
    found = context_fit(workload(prompt_tokens=alike, completion_tokens=dict(alike)))
    rng = np.random.default_rng(3)
    factors = 2 ** (rng.standard_normal((2, 1_000_000)) / Z90)
    share = (40_000 * factors.sum(axis=0) <= WINDOW).mean()
    error = math.sqrt(share * (1 - share) / 65_536)
    assert found.share("w", "kimi-k2") == pytest.approx(share, abs=5 * error)


def test_a_cap_leaves_an_answer_what_the_thought_has_not_spent():
    """The history of a capped conversation grows by the rest of the cap, as brute force has it."""
    found = context_fit(
        workload(
            turns=2,
            prompt_tokens=60_000,
            followup_tokens=45_000,
            completion_tokens={"p50": 6000, "p90": 12_000},
            reasoning_tokens={"p50": 8000, "p90": 20_000},
            max_tokens=20_000,
        )
    )
    z = np.random.default_rng(6).standard_normal((2, 1_000_000)) / Z90
    thought = np.minimum(8000 * 2.5 ** z[0], 20_000)
    answers = {THINKS: np.minimum(6000 * 2 ** z[1], 20_000 - thought), "kimi-k2": 6000 * 2 ** z[1]}
    for model, answer in answers.items():
        share = (60_000 + 45_000 + answer + 20_000 <= WINDOW).mean()
        error = math.sqrt(share * (1 - share) / 65_536)
        assert found.share("w", model) == pytest.approx((1 + share) / 2, abs=5 * error / 2)


def walked(rng, turns, window=WINDOW):
    """Walk drawn conversations turn by turn; return the first turn of each that no longer fits."""
    first = []
    for length in turns:
        prompt = 1000 * 6 ** (rng.standard_normal() / Z90)
        for turn in range(1, length + 1):
            answer = 600 * 5 ** (rng.standard_normal() / Z90)
            if prompt + answer > window:
                first.append(turn)
                break
            prompt += answer + 1200 * 4 ** (rng.standard_normal() / Z90)
    return np.array(first)


AGENT = {
    "prompt_tokens": {"p50": 1000, "p90": 6000},
    "followup_tokens": {"p50": 1200, "p90": 4800},
    "completion_tokens": {"p50": 600, "p90": 3000},
}


def test_the_turn_that_overflows_is_that_of_whole_conversations():
    """Quantiles over conversations walked apart: the median is far before that of median sizes."""
    one = row(context_fit(workload(turns=100, **AGENT)), "kimi-k2")
    first = walked(np.random.default_rng(1), [100] * 4000)
    of_medians = (WINDOW - 1000 - 600) // 1800 + 2
    for name, q in (("p10", 0.1), ("p50", 0.5), ("p90", 0.9)):
        assert one[f"first_overflow_{name}"] == pytest.approx(np.quantile(first, q), abs=1)
    assert one["first_overflow_p50"] < of_medians / 1.7
    assert one["overflow_share"] == 1


def test_conversations_that_end_before_they_overflow_do_not_count():
    """The share that gets to such a turn is that of lengths drawn apart; 4 standard errors."""
    one = row(context_fit(workload(turns={"mean": 30}, **AGENT)), "kimi-k2")
    lengths = np.random.default_rng(2).geometric(1 / 30, 20_000)
    first = walked(np.random.default_rng(3), lengths)
    share = len(first) / 20_000
    error = math.sqrt(share * (1 - share) / 20_000)
    assert one["overflow_share"] == pytest.approx(share, abs=4 * error)
    assert one["first_overflow_p50"] == pytest.approx(np.quantile(first, 0.5), abs=1)


@pytest.mark.parametrize("changes", [{}, {"turns": 1}, {"turns": {"mean": 1}}])
def test_a_single_call_overflows_at_its_first_turn(changes):
    """A workload of single calls that are too large: each is a conversation that never fits."""
    found = context_fit(workload(prompt_tokens=200_000, **changes))
    assert (found.frame["first_overflow_p90"] == 1).all()
    assert (found.frame["fit_share"] == 0).all()
    assert (found.frame["refused_share"] == 1).all()


def test_each_turn_of_a_conversation_is_a_request():
    """Of ten calls whose history grows by 20,000 tokens those up to the window fit, as counted."""
    found = context_fit(workload(turns=10, prompt_tokens=10_000, followup_tokens=19_900))
    needed = [10_000 + 20_000 * k + 100 for k in range(10)]
    assert found.share("w", "kimi-k2") == sum(tokens <= WINDOW for tokens in needed) / 10
    assert row(found, "kimi-k2")["first_overflow_p50"] == 7
    assert row(found, "kimi-k2")["refused_share"] == 0.4
    assert row(found, "kimi-k2")["p50_tokens"] == pytest.approx(np.median(needed), abs=10_000)


def test_conversations_that_end_at_random_fit_as_the_geometric_law_says():
    """Requests of geometric conversations are themselves geometric in their turn; 4 standard errors."""
    found = context_fit(workload(turns={"mean": 4}, prompt_tokens=10_000, followup_tokens=19_900))
    share = 1 - 0.75**6  # requests in turns 1 to 6 of all requests
    error = math.sqrt(share * (1 - share) / 65_536)
    assert found.share("w", "kimi-k2") == pytest.approx(share, abs=4 * error)


def test_long_conversations_are_sampled_within_bounds():
    """Ten thousand turns each are judged on about a million requests, by exact arithmetic."""
    found = context_fit(workload(turns=10_000, followup_tokens=0), "kimi-k2")
    fitting = math.floor((WINDOW - 1000 - 100) / 100) + 1
    assert found.share("w", "kimi-k2") == pytest.approx(fitting / 10_000, rel=1e-12)


def test_an_unknown_window_is_not_a_number(tmp_path):
    """Where the catalog states no window nothing is guessed: the share is NaN, the rest missing."""
    path = tmp_path / "catalog.toml"
    path.write_text("""
        version = "test"
        published = "2026-06"
        currency = "USD"
        source = "card"
        [sources.card]
        title = "A card of this test"
        checked_on = 2026-06-01
        [[models]]
        id = "m"
        input_usd_per_mtok = "1"
        output_usd_per_mtok = "1"
        [models.sources]
        card = ["id", "input_usd_per_mtok", "output_usd_per_mtok"]
    """)
    found = context_fit(workload(turns=3), catalog=load_catalog(path))
    assert math.isnan(found.share("w", "m"))
    one = row(found, "m")
    assert pd.isna(one["context_window_tokens"])
    assert pd.isna(one["first_overflow_p50"])
    assert one["p99_tokens"] > 0


def test_a_larger_window_fits_no_less():
    """The share rises with the window and reaches one."""
    catalog = load_catalog()
    base = catalog.model("kimi-k2")
    windows = [1000, 2000, 4000, 8000, 10**8]
    models = tuple(replace(base, id=str(size), context_window_tokens=size) for size in windows)
    sizes = workload(prompt_tokens={"p50": 1800, "p90": 6000})
    found = context_fit(sizes, catalog=replace(catalog, models=models))
    shares = [found.share("w", str(size)) for size in windows]
    assert shares == sorted(shares)
    assert len(set(shares)) == len(windows)
    assert shares[-1] == 1


def test_the_seed_decides_and_workloads_do_not_disturb_each_other():
    """The same seed gives the same frame, alone or in company; another seed other draws."""
    parts = load_workloads()
    together = context_fit(parts, seed=4).frame
    alone = context_fit(parts[0], seed=4).frame
    pd.testing.assert_frame_equal(together.iloc[: len(alone)], alone)
    assert not context_fit(parts[0], seed=5).frame.equals(alone)
    assert together["workload"].unique().tolist() == [part.name for part in parts]
    assert together["fit_share"].between(0, 1).all()


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"workloads": []}, SettingError, ["No workloads", "at least one"]),
        ({"workloads": [workload(), workload()]}, SettingError, ["w, w", "unique"]),
        ({"workloads": ["w"]}, SettingError, ["'w'", "path of a workload file"]),
        ({"models": []}, SettingError, ["No models", "at least one"]),
        ({"models": "kimi-k9"}, UnknownModelError, ["'kimi-k9'", "kimi-k2-instruct"]),
        ({"seed": -1}, SettingError, ["seed is -1", "from 0"]),
        ({"seed": "x"}, SettingError, ["seed is 'x'", "whole number"]),
    ],
)
def test_bad_arguments_are_one_clear_error(arguments, error, words):
    """Each argument out of bounds is named with its value and what is allowed."""
    with pytest.raises(error) as caught:
        context_fit(**{"workloads": workload()} | arguments)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(("name", "model"), [("v", "kimi-k2"), ("w", "kimi-k9")])
def test_a_share_that_is_not_there_is_refused(name, model):
    """A workload or model that the fit does not hold is one error that names those it holds."""
    with pytest.raises(SettingError, match=rf"'{name}' on model '{model}'. It has w on kimi-k2-5,"):
        context_fit(workload()).share(name, model)


def test_shares_that_a_cap_cuts_stand_beside_the_fit():
    """900 tokens of reasoning spend a cap of 512: every answer is empty on the model that reasons."""
    found = context_fit(workload(reasoning_tokens=900, max_tokens=512))
    served = found.of("w", THINKS)
    assert (served.cut_share, served.empty_share, served.fit_share) == (1, 1, 1)
