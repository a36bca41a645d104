"""Numbers for texts depend on the text alone."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_planner.usage.ids import numbers_of

TEXTS = st.lists(st.text(max_size=20) | st.text(min_size=100, max_size=300), max_size=30)


@given(TEXTS, st.integers(0, 5))
def test_a_text_has_its_number_wherever_it_stands(texts: list[str], start: int) -> None:
    """Lists, columns of Arrow and parts of them are hashed alike, each text by itself."""
    pa = pytest.importorskip("pyarrow")
    whole = numbers_of(texts)
    alone = [int(numbers_of([text])[0]) for text in texts]
    assert whole.tolist() == alone
    if texts:
        column = pa.array(texts, pa.string())[start:]
        assert numbers_of(column).tolist() == alone[start:]


@given(st.sets(st.text(max_size=200), max_size=60))
def test_texts_that_differ_have_other_numbers(texts: set[str]) -> None:
    """Only the empty text is 0."""
    numbers = dict(zip(texts, numbers_of(list(texts)).tolist(), strict=True))
    assert len(set(numbers.values())) == len(texts)
    assert all((number == 0) == (text == "") for text, number in numbers.items())


def test_counted_texts_never_meet() -> None:
    """Ids that differ in few bits are the hardest to tell apart; every bit is used by half of them."""
    numbers = numbers_of([f"call-{n:012x}" for n in range(1_000_000)])
    assert len(np.unique(numbers)) == len(numbers)
    share = np.unpackbits(numbers.view(np.uint8).reshape(-1, 8), axis=1).mean(axis=0)
    assert np.all(abs(share - 0.5) < 0.005)  # 10 standard errors


def test_another_process_has_the_same_numbers() -> None:
    """Workers of a cluster must agree."""
    code = "from kimi_planner.usage.ids import numbers_of as n; print(n(['chatcmpl-1', 'x' * 200]).tolist())"
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert runs == {f"{numbers_of(['chatcmpl-1', 'x' * 200]).tolist()}\n"}
