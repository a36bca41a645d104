"""Requests with the prefix blocks of their prompts, as logs in Mooncake's form have them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["PrefixLog"]


@dataclass(frozen=True)
class PrefixLog:
    """Requests in the order of their times, with the blocks of their prompts.

    Attributes
    ----------
    seconds : ndarray of float64, shape (n,)
        Time of each request.
    prompt_tokens : ndarray of int64, shape (n,)
        All input tokens.
    blocks : ndarray of int64, shape (m,)
        Ids of all prompts' blocks, request by request. Equal ids mean equal text up to the end of
        the block.
    offsets : ndarray of int64, shape (n + 1,)
        Request ``k`` has ``blocks[offsets[k]:offsets[k + 1]]``.
    block_tokens
        Tokens of a block; the last one of a prompt may have fewer.
    """

    seconds: NDArray[np.float64]
    prompt_tokens: NDArray[np.int64]
    blocks: NDArray[np.int64]
    offsets: NDArray[np.int64]
    block_tokens: int = 512
