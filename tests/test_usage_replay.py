"""Replayed prefix logs against a cache walked request by request, and against a Poisson stream."""

import math
import re

import numpy as np
import pytest

from kimi_planner.errors import UsageError
from kimi_planner.usage import cached_share_from_log
from kimi_planner.usage.prefix_log import PrefixLog


def log_of(requests, block_tokens=512):
    """Return the log of (seconds, prompt tokens, block ids) triples."""
    seconds, prompts, blocks = zip(*requests, strict=True)
    return PrefixLog(
        seconds=np.array(seconds, dtype=np.float64),
        prompt_tokens=np.array(prompts, dtype=np.int64),
        blocks=np.array([block for one in blocks for block in one], dtype=np.int64),
        offsets=np.cumsum([0, *map(len, blocks)]).astype(np.int64),
        block_tokens=block_tokens,
    )


def walked(requests, minutes, block_tokens, chunk):
    """Serve the requests from a dictionary of last uses."""
    used, cached = {}, []
    for seconds, prompt, blocks in requests:
        found = 0
        for block in blocks:
            if block not in used or seconds - used[block] > minutes * 60:
                break
            found += 1
        cached.append(min(found * block_tokens, prompt) // chunk * chunk)
        used.update(dict.fromkeys(blocks, seconds))
    return cached


def random_requests(rng, n, block_tokens):
    """Draw requests that share prefixes as conversations and system prompts do."""
    tree, requests, time = [[]], [], 0.0
    for _ in range(n):
        time += float(rng.choice([0, 1, 60, 400])) * round(rng.random(), 1)
        base = tree[rng.integers(len(tree))]
        path = base[: rng.integers(len(base) + 1)]
        path = path + [int(rng.integers(10**9)) for _ in range(rng.integers(0, 4))]
        tree.append(path)
        short = int(rng.integers(0, block_tokens)) if path else 0
        requests.append((time, max(0, len(path) * block_tokens - short), path))
    return requests


@pytest.mark.parametrize(("block", "chunk"), [(512, 256), (512, 512), (16, 256), (300, 256)])
def test_every_request_is_served_as_a_walk_serves_it(block, chunk):
    """Cached tokens of 30 random logs agree request by request, for each lifetime."""
    lifetimes = (0, 1, 5, 30, math.inf)
    for seed in range(30):
        requests = random_requests(np.random.default_rng(seed), 80, block)
        found = cached_share_from_log(log_of(requests, block), lifetimes, chunk_tokens=chunk)
        for minutes in lifetimes:
            expected = walked(requests, minutes, block, chunk)
            assert found.cached_tokens[minutes].tolist() == expected


def test_a_conversation_by_hand():
    """The second call finds the first one's blocks, the third comes too late for five minutes."""
    requests = [(0, 1000, [1, 2]), (60, 1500, [1, 2, 3]), (1000, 1500, [1, 2, 3]), (1000, 600, [1, 9])]  # fmt: skip
    found = cached_share_from_log(log_of(requests))
    assert found.cached_tokens[5].tolist() == [0, 1024, 0, 512]
    assert found.cached_tokens[30].tolist() == [0, 1024, 1280, 512]
    assert found.share(5) == 1536 / 4600
    frame = found.frame.set_index("lifetime_minutes")
    assert frame.loc[30, "cached_tokens"] == 2816
    assert frame.loc[5, "hit_share"] == 0.5
    assert list(frame.index) == [5, 10, 30, math.inf]
    assert re.search(r"\n +5 +4,600 +1,536 +33\.4% +50%\n", repr(found))


def test_a_block_named_twice_is_not_its_own_past():
    """A prompt that names a block twice finds neither unless an earlier request used it."""
    requests = [(0, 1024, [7, 7]), (10, 1024, [7, 7])]
    found = cached_share_from_log(log_of(requests), 5)
    assert found.cached_tokens[5].tolist() == [0, 1024]


def test_one_token_that_is_found_is_a_hit():
    """Where the cache holds single tokens, a prompt of one that came before is served whole."""
    found = cached_share_from_log(log_of([(0, 1, [1]), (1, 1, [1])]), 5, chunk_tokens=1)
    assert (found.share(5), found.frame["hit_share"].tolist()) == (0.5, [0.5])


@pytest.mark.parametrize("rate", [0.02, 0.1, 1.0])
def test_a_poisson_stream_has_the_closed_form(rate):
    """A shared prefix is found with probability 1 - exp(-rate x lifetime); 4 standard errors."""
    n = 20_000
    seconds = np.random.default_rng(3).exponential(60 / rate, n).cumsum()
    found = cached_share_from_log(log_of([(time, 700, [1]) for time in seconds]), (5, 30))
    for minutes in (5, 30):
        hit = 1 - math.exp(-rate * minutes)
        error = math.sqrt(hit * (1 - hit) / n)
        assert found.share(minutes) == pytest.approx(512 / 700 * hit, abs=4 * error + 1e-4)


def test_a_longer_life_caches_no_less():
    """The share rises with the lifetime, and never reaches past the prompt."""
    requests = random_requests(np.random.default_rng(99), 3000, 512)
    found = cached_share_from_log(log_of(requests), [0, 1, 2, 5, 10, 30, 60, math.inf])
    shares = [found.share(minutes) for minutes in found.cached_tokens]
    assert shares == sorted(shares)
    assert 0 < shares[1] < shares[-1] < 1
    for tokens in found.cached_tokens.values():
        assert (tokens <= found.prompt_tokens).all()
        assert (tokens % 256 == 0).all()


def test_an_empty_log_caches_nothing():
    """No request, or requests without blocks, have a share of 0."""
    nothing = np.array([], dtype=np.int64)
    empty = PrefixLog(
        seconds=nothing.astype(float), prompt_tokens=nothing, blocks=nothing, offsets=np.array([0])
    )
    assert cached_share_from_log(empty).share(5) == 0
    assert cached_share_from_log(log_of([(0, 5, []), (1, 5, [])])).share(5) == 0
    assert cached_share_from_log(empty).frame["hit_share"].tolist() == [0] * 4


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lifetime_minutes": -1}, "lifetime_minutes is -1"),
        ({"lifetime_minutes": math.nan}, "lifetime_minutes is nan"),
        ({"lifetime_minutes": [5, "x"]}, "lifetime_minutes is 'x'"),
        ({"lifetime_minutes": True}, "lifetime_minutes is True"),
        ({"chunk_tokens": 0}, "chunk_tokens is 0"),
        ({"chunk_tokens": 1.5}, "chunk_tokens is 1.5"),
        ({"log": log_of([(5, 1, []), (4, 1, [])])}, "Request 2 of the log is earlier"),
    ],
)
def test_bad_arguments_are_one_clear_error(change, words):
    """Each argument out of bounds is named with its value."""
    with pytest.raises(UsageError, match=words):
        cached_share_from_log(**{"log": log_of([(0, 600, [1])])} | change)


def test_a_lifetime_that_was_not_replayed_is_refused():
    """A share is given only for lifetimes that were asked for."""
    found = cached_share_from_log(log_of([(0, 600, [1])]), 5)
    with pytest.raises(UsageError, match="7 minutes, only with 5"):
        found.share(7)
