"""The cached share worked out: closed forms, a simulated stream of calls, and bad tables."""

import math
from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from scipy import stats

import kimi_planner as kp
from kimi_planner.errors import WorkloadError
from kimi_planner.workload import load_workloads
from kimi_planner.workload.caching import Cache, CachedShare

Z90 = stats.norm.ppf(0.9)


def workload(cache, **changes):
    fields = {
        "name": "w",
        "requests_per_day": 1440,
        "prompt_tokens": 2000,
        "completion_tokens": 100,
    }
    return kp.Workload(**fields | {"cache": cache} | changes)  # fmt: skip


def share(cache, **changes):
    return workload(cache, **changes).cached_share


@pytest.mark.parametrize("per_day", [10, 144, 1440, 100_000])
@pytest.mark.parametrize("lifetime", [5, 10, 30])
def test_single_calls_have_a_closed_form(per_day, lifetime):
    """Five whole chunks of a 1,500-token prefix are served with probability 1 - exp(-rate x life)."""
    found = share({"prefix_tokens": 1500, "lifetime_minutes": lifetime}, requests_per_day=per_day)
    hit = 1 - math.exp(-per_day / 1440 * lifetime)
    assert found.mean == pytest.approx(5 * 256 / 2000 * hit, rel=1e-12)
    assert found.is_certain


def test_the_share_is_uncertain_as_the_lifetime_is():
    """Quantiles are the closed form at the quantiles of a uniform lifetime, 5 to 30 unless given."""
    found = share({"prefix_tokens": 1500}, requests_per_day=144)
    q = np.array([0.0, 0.1, 0.5, 0.9, 1.0])
    expected = 1280 / 2000 * (1 - np.exp(-0.1 * (5 + 25 * q)))
    np.testing.assert_allclose(found.ppf(q), expected, rtol=1e-12)
    mean = 1280 / 2000 * (1 - (math.exp(-0.5) - math.exp(-3)) / 2.5)
    assert found.mean == pytest.approx(mean, rel=1e-6)
    assert not found.is_certain


@pytest.mark.parametrize(
    ("prefix", "chunks"), [(0, 0), (255, 0), (256, 1), (511, 1), (512, 2), (2000, 7), (9000, 7)]
)
def test_only_whole_chunks_of_the_prompt_are_cached(prefix, chunks):
    """A prefix counts in chunks of 256 tokens, and no further than the prompt goes."""
    found = share({"prefix_tokens": prefix}, requests_per_day=10**7)
    assert found.mean == pytest.approx(chunks * 256 / 2000, rel=1e-9)


def test_a_conversation_by_hand():
    """Three turns, a gap within the lifetime in 60%: the prompt before, else the shared prefix."""
    gaps = {"p50": 4, "p90": 20}
    within = stats.norm.cdf(math.log(10 / 4) / (math.log(5) / Z90))
    found = share(
        {"prefix_tokens": 600, "lifetime_minutes": 10, "turn_gap_minutes": gaps},
        turns=3, followup_tokens=400, requests_per_day=144,
    )  # fmt: skip
    sigma = math.log(5) / Z90
    short = 4 * math.exp(sigma**2 / 2) * stats.norm.cdf(math.log(10 / 4) / sigma - sigma)
    kept = 10 + 2 * (short + (1 - within) * 10)  # minutes for which three calls keep the prefix
    hit = 1 - math.exp(-144 / 1440 / 3 * kept)
    before = [7 * 256, 9 * 256]  # of prompts of 2,000 and 2,500 tokens
    cached = 512 * hit + sum(within * whole + (1 - within) * hit * 512 for whole in before)
    assert found.mean == pytest.approx(cached / (2000 + 2500 + 3000), rel=1e-4)


def test_a_gap_that_is_not_given_counts_no_history():
    """Without turn_gap_minutes only the shared prefix of every call is cached."""
    found = share({"prefix_tokens": 600, "lifetime_minutes": 10}, turns=3, followup_tokens=400)
    hit = 1 - math.exp(-10)
    assert found.mean == pytest.approx(3 * 512 * hit / 7500, rel=1e-9)


@pytest.mark.parametrize("lifetime", [5, 12])
def test_the_share_is_that_of_a_simulated_stream(lifetime):
    """Conversations that start at random are served by a cache as the formula says; within 2%."""
    rng = np.random.default_rng(7)
    turns, days, per_day = 4, 60, 400
    gaps = {"p50": 3, "p90": 15}
    starts = np.sort(rng.random(days * per_day // turns)) * days * 1440
    pauses = 3 * 5 ** (rng.standard_normal((len(starts), turns - 1)) / Z90)
    times = np.column_stack([starts, starts[:, None] + pauses.cumsum(axis=1)])
    prompts = np.empty(times.shape)
    prompts[:, 0] = 700 * 3 ** (rng.standard_normal(len(starts)) / Z90) + 0
    for turn in range(1, turns):
        prompts[:, turn] = prompts[:, turn - 1] + 150 + 300
    events = sorted((times[i, k], i, k) for i in range(len(starts)) for k in range(turns))
    last_call, cached = -math.inf, 0.0
    for time, i, k in events:
        if k and pauses[i, k - 1] <= lifetime:
            cached += prompts[i, k - 1] // 256 * 256
        elif time - last_call <= lifetime:
            cached += min(prompts[i, k], 600) // 256 * 256
        last_call = time
    found = share(
        {"prefix_tokens": 600, "lifetime_minutes": lifetime, "turn_gap_minutes": gaps},
        turns=turns, requests_per_day=per_day, prompt_tokens={"p50": 700, "p90": 2100},
        followup_tokens=150, completion_tokens=300,
    )  # fmt: skip
    assert found.mean == pytest.approx(cached / prompts.sum(), rel=0.02)


def test_more_traffic_and_longer_lives_cache_more():
    """The share never falls with traffic, lifetime or prefix, and stays a share."""
    table = {"prefix_tokens": 1500, "turn_gap_minutes": {"p50": 5, "p90": 20}}
    sizes = {"turns": {"mean": 4}, "prompt_tokens": {"p50": 900, "p90": 4000}}
    lives = share(table, **sizes).at(np.linspace(0, 60, 61))
    assert (np.diff(lives) >= 0).all()
    assert lives[0] == 0
    rates = [share(table, **sizes, requests_per_day=10**k).mean for k in range(8)]
    assert rates == sorted(rates)
    prefixes = [share(table | {"prefix_tokens": 300 * k}, **sizes).mean for k in range(8)]
    assert prefixes == sorted(prefixes)
    assert all(0 <= one <= 1 for one in (*rates, *prefixes))


def test_the_plan_bills_the_share():
    """A derived share is priced by scenario: P90 of spend has P10 of the lifetime."""
    base = kp.load_catalog()
    spec = replace(base.model("kimi-k2"), cached_input_usd_per_mtok=Decimal("0.30"))
    sizes = workload({"prefix_tokens": 1500}, requests_per_day=144, completion_tokens=0)
    found = kp.project(
        sizes, start="2026-11", months=1, as_of=date(2026, 10, 1),
        catalog=replace(base, models=(spec,)),
    ).of("kimi-k2")  # fmt: skip
    for q in (0.1, 0.5, 0.9):
        cached = 0.64 * (1 - math.exp(-0.1 * (5 + 25 * (1 - q))))
        usd = 30 * 144 * 2000 * (1.2 * (1 - cached) + 0.3 * cached) / 1e6
        assert found.quantile(q)[0] == pytest.approx(usd, rel=1e-3)


def test_a_changed_workload_has_its_share_anew():
    """Replacing traffic works the share out again, and the table survives."""
    first = workload({"prefix_tokens": 1500})
    second = replace(first, requests_per_day=10)
    assert second.cache == first.cache == Cache(1500)
    assert isinstance(second.cached_share, CachedShare)
    assert second.cached_share.mean < first.cached_share.mean
    with pytest.raises(WorkloadError, match="cached_share and cache"):
        replace(first, cached_share=0.5)


def test_a_file_has_the_table(tmp_path):
    """The table form is read from a file, and what is wrong in it is named with its line."""
    text = """[[workload]]
name = "w"
requests_per_day = 1000
prompt_tokens = 2000
completion_tokens = 100
turns = 3
overflow = { summarise_to_tokens = 700 }
cache = { prefix_tokens = 1500, lifetime_minutes = [2, 8], turn_gap_minutes = { p50 = 2, p90 = 9 } }
"""
    path = tmp_path / "w.toml"
    path.write_text(text)
    (one,) = load_workloads(path)
    assert one.cache.lifetime_minutes == (2, 8)
    assert one.overflow.summary_tokens == 700
    described = one.cached_share.describe()
    assert "prefix 1,500, kept 2 to 8 minutes, turns p50 2, p90 9 minutes apart" in described
    path.write_text(text.replace("[2, 8]", "[8, 2]"))
    with pytest.raises(WorkloadError, match=r"w.toml line 8.*lifetime_minutes is \[8, 2\]"):
        load_workloads(path)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (5, "cache is 5"),
        ({}, "prefix_tokens is missing"),
        ({"prefix_token": 5}, "Did you mean 'prefix_tokens'"),
        ({"prefix_tokens": -1}, "prefix_tokens is -1"),
        ({"prefix_tokens": 1.5}, "prefix_tokens is 1.5"),
        ({"prefix_tokens": True}, "prefix_tokens is True"),
        ({"prefix_tokens": 5, "lifetime_minutes": -1}, "lifetime_minutes is -1"),
        ({"prefix_tokens": 5, "lifetime_minutes": [1, 2, 3]}, "lifetime_minutes is"),
        ({"prefix_tokens": 5, "lifetime_minutes": math.nan}, "lifetime_minutes is nan"),
        ({"prefix_tokens": 5, "lifetime_minutes": "5"}, "lifetime_minutes is '5'"),
        ({"prefix_tokens": 5, "turn_gap_minutes": -2}, "turn_gap_minutes is -2"),
    ],
)
def test_bad_tables_are_one_clear_error(table, words):
    """Each part of the table out of bounds is named with its value."""
    with pytest.raises(WorkloadError, match=words.replace("[", r"\[")) as caught:
        workload(table)
    assert "workload 'w'" in str(caught.value)
