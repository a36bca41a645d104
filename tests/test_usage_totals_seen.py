"""Which calls were seen, against a plain mapping."""

from __future__ import annotations

import pickle
from random import Random

import numpy as np
import pytest

from kimi_planner.errors import UsageError
from kimi_planner.usage.totals import seen as module
from kimi_planner.usage.totals.seen import Seen


def batches(seed: int) -> list[np.ndarray]:
    """Return batches of calls of few ids, some of which have other counts than before."""
    rng, place = Random(seed), 0
    ids = [rng.randrange(-(2**63), 2**63) for _ in range(rng.choice([1, 30, 3_000]))]
    made = []
    for _ in range(rng.randint(1, 8)):
        rows = []
        for _ in range(rng.randint(0, 500)):
            one = rng.choice(ids)
            rows.append((one, one // 2 + (rng.random() < 0.05), place))
            place += 1
        made.append(np.array(rows, dtype=np.int64).reshape(-1, 3).T)
    return made


@pytest.mark.parametrize("seed", range(40))
def test_the_first_of_each_id_is_new(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was moved to disk, and however the log is cut."""
    monkeypatch.setattr(module, "_IN_MEMORY", 1_000)
    monkeypatch.setattr(module, "_BLOCK", 24 * 7)
    firsts: dict[int, tuple[int, int]] = {}
    other: dict[int, int] = {}
    calls = Seen()
    for batch in batches(seed):
        expected = []
        for one, mark, place in batch.T.tolist():
            expected.append(one not in firsts)
            known = firsts.setdefault(one, (mark, place))
            if known[0] != mark:
                other[place] = known[1]
        assert calls.add(batch).tolist() == expected
    assert dict(calls.contradictions()) == other
    assert list(calls.contradictions()) == []
    again = pickle.loads(pickle.dumps(calls))
    assert sorted(again.calls.T.tolist()) == sorted([one, *rest] for one, rest in firsts.items())


def test_what_is_added_while_contradictions_are_told_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Wherever in what was written they were just read."""
    monkeypatch.setattr(module, "_BLOCK", 24 * 2)
    calls = Seen()
    calls.add(np.array([[5, 5, 6, 7], [1, 2, 1, 1], [0, 1, 2, 3]], dtype=np.int64))
    assert next(calls.contradictions()) == (1, 0)
    assert calls.add(np.array([[8, 5], [1, 1], [4, 5]], dtype=np.int64)).tolist() == [True, False]
    assert calls.calls.T.tolist() == [[5, 1, 0], [6, 1, 2], [7, 1, 3], [8, 1, 4]]


def test_a_full_disk_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit is no fault of the log."""
    calls = Seen()

    def full(_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(calls._file, "write", full)
    with pytest.raises(UsageError, match=r"No space left on device\). Name another one: TMPDIR"):
        calls.add(np.ones((3, 1), dtype=np.int64))
