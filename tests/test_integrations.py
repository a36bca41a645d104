"""Counting where people already are: pandas, Dask on a cluster, tiktoken."""

from __future__ import annotations

import subprocess
import sys
from random import Random
from typing import Any

import generated
import numpy as np
import pandas as pd
import pytest

import kimi_planner.pandas
from kimi_planner import count_tokens, count_tokens_batch
from kimi_planner.errors import RequestError
from kimi_planner.tokens.engine import tiktoken_encoding

TEXTS = [generated.text(Random(seed), 30) for seed in range(3_000)]


@pytest.fixture(scope="module")
def expected() -> list[int]:
    """Count one by one, on one core."""
    return [count_tokens(text) for text in TEXTS]


@pytest.mark.parametrize("dtype", ["object", "str", "category"])
def test_a_pandas_column_is_counted(expected: list[int], dtype: str) -> None:
    """The accessor counts every text and keeps index and name."""
    assert isinstance(pd.Series(dtype=object).kimi, kimi_planner.pandas.KimiAccessor)
    frame = pd.DataFrame({"prompt": TEXTS}, index=range(5, 5 + len(TEXTS)))
    counts = frame["prompt"].astype(dtype).kimi.count_tokens()
    assert counts.tolist() == expected
    assert counts.index.equals(frame.index)
    assert (counts.name, counts.dtype) == ("prompt", pd.Int64Dtype())


def test_a_missing_text_has_no_count() -> None:
    """Missing is not empty: it has a missing count, and a sum leaves it out."""
    counts = pd.Series(["two words", None, "", np.nan, pd.NA], dtype=object).kimi.count_tokens()
    assert counts.isna().tolist() == [False, True, False, True, True]
    assert counts[0] == count_tokens("two words")
    assert counts[2] == 0
    assert pd.Series([], dtype=object).kimi.count_tokens().empty


def test_what_is_no_text_is_refused() -> None:
    """A number in a column of text is an error with its label, not a guess."""
    with pytest.raises(RequestError, match="Row 'b': 3 is not text"):
        pd.Series(["x", 3], index=["a", "b"], dtype=object).kimi.count_tokens()
    with pytest.raises(RequestError, match=r"^Row 7: b'x' is not text"):
        pd.Series(["x", b"x"], index=np.array([0, 7])).kimi.count_tokens()
    with pytest.raises(RequestError, match=r"^Row 'x{58}…: 3 is not text"):
        pd.Series([3], index=["x" * 1_000]).kimi.count_tokens()


def test_one_core_all_cores_and_a_cluster_agree(expected: list[int], cluster: Any) -> None:
    """A local cluster of two worker processes gives the numbers of one core and of all."""
    import dask.dataframe as dd

    import kimi_planner.dask

    assert kimi_planner.dask.DaskKimiAccessor is not None
    assert count_tokens_batch(TEXTS).tolist() == expected
    frame = pd.DataFrame({"prompt": TEXTS})
    parts = dd.from_pandas(frame, npartitions=7)
    counts = parts["prompt"].kimi.count_tokens()
    assert cluster.compute(counts, sync=True).tolist() == expected
    assert cluster.compute(counts.sum(), sync=True) == sum(expected)


def test_tiktoken_knows_the_encoding_offline() -> None:
    """`tiktoken.get_encoding("kimi_k2")` gives the vocabulary without kimi_planner being imported."""
    code = (
        "import socket, tiktoken\n"
        "socket.socket.connect = None\n"
        "encoding = tiktoken.get_encoding('kimi_k2')\n"
        "print(encoding.name, encoding.n_vocab, encoding.encode('你好 hello', disallowed_special=()))"
    ).replace("\\\n", "\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    ids = tiktoken_encoding().encode_ordinary("你好 hello")
    assert done.stdout.strip() == f"kimi_k2 163840 {ids}"
