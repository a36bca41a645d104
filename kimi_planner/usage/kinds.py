"""Kinds of usage that add up to a total, as Langfuse keeps them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from kimi_planner.boundary import quoted
from kimi_planner.usage.table import Count, as_count

#: What is counted beside tokens.
_NO_TOKENS = re.compile(
    "search|request|call|image|second|character|page|query|queries|duration|unit"
)
#: Words of which names of kinds are made; another may be a count that stands there twice.
_KNOWN = frozenset((
    "input", "output", "total", "prompt", "completion", "cache", "cached", "creation", "read", "write", "token", "tokens", "reasoning",
    "thinking", "audio", "text", "image", "video", "accepted", "rejected", "prediction", "details", "ephemeral", "5m", "1h", "priority",
))  # fmt: skip
_LIFETIME = re.compile(r"(?:^|_)(?:5m|1h)(?:_|$)")


def counts_of_kinds(
    columns: dict[str, Any], under: str, n: int
) -> tuple[dict[str, Count], dict[int, str]]:
    """Return the counts of a usage object whose kinds exclude each other, and what is wrong by row.

    Every kind is meant to exclude the others: ``input`` is what was not cached, and all kinds add
    up to ``total``. Clients that send inclusive numbers are told by a total to which only ``input``
    and ``output`` add up.
    """
    kinds = {path: as_count(column) for path, column in columns.items()}
    faults: dict[int, str] = {}
    stated = np.zeros(n, dtype=bool)
    for path, count in kinds.items():
        stated |= ~count.missing
        bad = {row: count.numbers[row] for row in np.flatnonzero(count.numbers < 0)} | count.odd
        for row, value in bad.items():
            number = value.item() if isinstance(value, np.generic) else value
            faults.setdefault(
                int(row), f"{under}.{path} is {quoted(number)}. It must be a whole number."
            )

    _leave_out_sums(kinds)

    def added(paths: list[str]) -> Count:
        values = sum((kinds[path].numbers for path in paths), np.zeros(n, dtype=np.int64))
        missing = np.logical_and.reduce(
            [kinds[path].missing for path in paths] or [np.ones(n, bool)]
        )
        return Count(values, missing)

    total = kinds.get("total", Count.unstated(n))
    for path, count in kinds.items():
        side = _side(path)
        if path == "total" or (side is None and _NO_TOKENS.search(path)):
            continue
        doubtful = count.numbers != 0
        if side is not None:
            is_known = _KNOWN.issuperset(re.split("[._]", path))
            doubtful &= total.missing & (not is_known)
        for row in np.flatnonzero(doubtful).tolist():
            faults.setdefault(
                row,
                f"{under}.{path} is {count.numbers[row]}, which is no known kind of input or output. "
                f'If it need not be read: ignore=["{under}.{path}"] (--ignore {under}.{path}).',
            )
    sides = {side: [path for path in kinds if _side(path) == side] for side in ("input", "output")}
    whole = {side: added(paths) for side, paths in sides.items()}
    bare = {side: kinds.get(side, sums).or_else(sums).numbers for side, sums in whole.items()}
    silent = whole["input"].missing & whole["output"].missing
    for row in np.flatnonzero(silent & stated).tolist():
        said = {path: int(one.numbers[row]) for path, one in kinds.items() if not one.missing[row]}
        faults.setdefault(
            row, f"{under} has neither input nor output: {quoted(said)}. It must say tokens."
        )
    rest = added([path for path in kinds if _side(path) is None and path != "total"]).numbers
    prompt, completion = whole["input"].numbers.copy(), whole["output"].numbers.copy()
    is_open = stated & ~total.missing
    choices = [(whole["input"].numbers, whole["output"].numbers), (bare["input"], bare["output"]),
               (bare["input"], whole["output"].numbers), (whole["input"].numbers, bare["output"])]  # fmt: skip
    for inside, outside in choices:
        both = inside + outside
        fits = is_open & ((total.numbers == both) | (total.numbers == both + rest))
        prompt[fits], completion[fits] = inside[fits], outside[fits]
        is_open &= ~fits
    for row in np.flatnonzero(is_open).tolist():
        faults.setdefault(
            row,
            f"{under}.total ({total.numbers[row]}) is neither the sum of all kinds "
            f"({(choices[0][0] + choices[0][1])[row]}) nor input + output ({(choices[1][0] + choices[1][1])[row]}).",
        )
    writes = [path for path in sides["input"] if _is_write(path)]
    hour = [path for path in writes if "1h" in path]
    return {
        "prompt_tokens": Count(prompt, silent),
        "completion_tokens": Count(completion, silent),
        "cached_tokens": added(
            [path for path in sides["input"] if "cache" in path and path not in writes]
        ),
        "reasoning_tokens": added([path for path in sides["output"] if "reasoning" in path]),
        "written_5m_tokens": added([path for path in writes if path not in hour]),
        "written_1h_tokens": added(hour),
    }, faults


def _leave_out_sums(kinds: dict[str, Count]) -> None:
    """Take for nothing the writes of any lifetime where those of each lifetime add up to them."""
    writes = [path for path in kinds if _is_write(path)]
    lived = [path for path in writes if _LIFETIME.search(path)]
    rest = [path for path in writes if path not in lived]
    if lived and rest:
        parts = sum(kinds[path].numbers for path in lived)
        restated = (sum(kinds[path].numbers for path in rest) == parts) & (parts > 0)
        for path in rest:
            count = kinds[path]
            kinds[path] = Count(np.where(restated, 0, count.numbers), count.missing, count.odd)


def _is_write(kind: str) -> bool:
    return _side(kind) == "input" and ("creation" in kind or "write" in kind)


def _side(kind: str) -> str | None:
    if kind == "total":
        return None
    if "input" in kind or "cache" in kind or kind.startswith("prompt"):
        return "input"
    if "output" in kind or "reasoning" in kind or kind.startswith("completion"):
        return "output"
    return None
