"""Logs that name the blocks of each prompt, from which a prefix cache can be modelled."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kimi_planner.arguments import public
from kimi_planner.errors import UsageError, Where, is_whole, shown, whole
from kimi_planner.json_text import loaded
from kimi_planner.packed import Progress
from kimi_planner.rich import Page, Shown
from kimi_planner.usage.lines import line_blocks

#: Tokens that one of Mooncake's block ids stands for.
BLOCK_TOKENS = 512
_INT64 = 2**63


@dataclass(frozen=True, kw_only=True, repr=False)
class PrefixLog(Shown):
    """Calls with the blocks that their prompts are made of.

    Attributes
    ----------
    seconds : ndarray of float64, shape (n,)
        When each call came, in seconds from the start of the log.
    prompt_tokens : ndarray of int64, shape (n,)
        Tokens of each prompt.
    blocks : ndarray of int64, shape (m,)
        Ids of the blocks of all prompts, one prompt after the other. Equal ids in two prompts mean
        that both are equal from their start to the end of that block.
    offsets : ndarray of int64, shape (n + 1,)
        The blocks of call ``i`` are ``blocks[offsets[i]:offsets[i + 1]]``.
    block_tokens : int
        Tokens of a whole block; the last block of a prompt may have fewer.
    """

    seconds: np.ndarray[Any, np.dtype[np.float64]]
    prompt_tokens: np.ndarray[Any, np.dtype[np.int64]]
    blocks: np.ndarray[Any, np.dtype[np.int64]]
    offsets: np.ndarray[Any, np.dtype[np.int64]]
    block_tokens: int = BLOCK_TOKENS

    def __len__(self) -> int:
        """Return the number of calls."""
        return len(self.seconds)

    def blocks_of(self, call: int) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Return the block ids of one prompt, from its start.

        Raises
        ------
        UsageError
            If the log has no such call; the first is 0.
        """
        whole("call", call, 0, len(self) - 1, fault=UsageError)
        return self.blocks[self.offsets[call] : self.offsets[call + 1]]

    def page(self) -> Page:
        """Return how much it holds, and over what time."""
        span = f" over {np.ptp(self.seconds):,.0f} seconds" if len(self) else ""
        return Page(
            title=f"{len(self):,} calls{span}: {self.prompt_tokens.sum():,} prompt tokens in "
            f"{len(self.blocks):,} blocks of {self.block_tokens:,} tokens"
        )


@public
def read_prefix_log(
    path: str | Path, *, block_tokens: int = BLOCK_TOKENS, progress: Progress | None = None
) -> PrefixLog:
    r"""Read a log in Mooncake's form with its prefix blocks.

    Parameters
    ----------
    path : str or Path
        JSON lines with ``timestamp`` (milliseconds from the start of the log), ``input_length``
        and ``hash_ids``; plain, gzip or zstd. An incomplete last line is left out.
    block_tokens : int
        Tokens that a block id stands for; 512 in Mooncake's traces.
    progress : callable, optional
        Told the bytes on disk read since the last call, and the bytes of the file.

    Returns
    -------
    PrefixLog
        Calls in the order of the file; 8 bytes for each block id and 24 for each call.

    Raises
    ------
    UsageError
        If the file cannot be read, has no calls, or a line is malformed; the message names it.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "trace.jsonl"
    >>> _ = path.write_text(
    ...     '{"timestamp": 0, "input_length": 1024, "hash_ids": [1, 2]}\n'
    ...     '{"timestamp": 9000, "input_length": 1024, "hash_ids": [1, 3]}\n'
    ... )
    >>> len(read_prefix_log(path))
    2
    """
    if not is_whole(block_tokens, 1):
        raise UsageError(
            f"block_tokens is {shown(block_tokens)}. It must be a whole number above 0."
        )
    if not isinstance(path, str | Path):
        raise UsageError(f"path is {shown(path)}. Give the path of a log in Mooncake's form.")
    milliseconds, prompts = array("d"), array("q")
    blocks, offsets = array("q"), array("q", [0])
    for block in line_blocks(Path(path), progress):
        for number, line in enumerate(block.lines, block.first):
            if not line.strip():
                continue
            try:
                when, prompt, ids = _call(loaded(line), block_tokens)
            except UsageError as error:
                raise UsageError(str(error), at=Where(path, number)) from None
            except (ValueError, RecursionError) as error:
                if block.is_open:
                    continue
                raise UsageError(f"not JSON ({error}).", at=Where(path, number)) from None
            milliseconds.append(when)
            prompts.append(prompt)
            blocks.extend(ids)
            offsets.append(len(blocks))
    if not milliseconds:
        raise UsageError("no calls. A log in Mooncake's form has one on each line.", at=path)
    return PrefixLog(
        seconds=np.frombuffer(milliseconds, dtype=np.float64) / 1000,
        prompt_tokens=np.frombuffer(prompts, dtype=np.int64),
        blocks=np.frombuffer(blocks, dtype=np.int64) if blocks else np.empty(0, np.int64),
        offsets=np.frombuffer(offsets, dtype=np.int64),
        block_tokens=block_tokens,
    )


def _call(entry: Any, block_tokens: int) -> tuple[float, int, list[int]]:
    if not isinstance(entry, dict) or "hash_ids" not in entry:
        raise UsageError(
            f"no hash_ids in {shown(entry)}. Prefix blocks stand in logs of Mooncake's form: "
            "timestamp, input_length, hash_ids."
        )
    when: Any = entry.get("timestamp")
    prompt: Any = entry.get("input_length")
    ids: Any = entry["hash_ids"]
    if type(when) not in (int, float) or not 0 <= when < 1e15:
        raise UsageError(f"timestamp is {shown(when)}. It must be a number of milliseconds.")
    if type(prompt) is not int or not 0 <= prompt <= 10**15:
        raise UsageError(f"input_length is {shown(prompt)}. It must be a whole number of tokens.")
    if type(ids) is not list or not all(
        type(one) is int and -_INT64 <= one < _INT64 for one in ids
    ):
        raise UsageError(f"hash_ids is {shown(ids)}. It must be a list of whole numbers.")
    if len(ids) > -(-prompt // block_tokens):
        raise UsageError(
            f"{len(ids)} hash_ids are more than {prompt} tokens in blocks of {block_tokens} have. "
            "Pass block_tokens=… as the log was cut."
        )
    return when, prompt, ids
