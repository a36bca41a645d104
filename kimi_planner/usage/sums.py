"""Prompt tokens with those that were cached and written, whichever of them a log states apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from kimi_planner.usage.dialects import PARTS, spelled, tables
from kimi_planner.usage.fields import Fields
from kimi_planner.usage.frame import WRITTEN
from kimi_planner.usage.table import Count, stated

Counts = dict[str, Count]


def written(counts: Counts) -> tuple[Count, Count]:
    """Return what was written to a cache for five minutes and an hour; what states no time, for five."""
    five, hour, whole = (counts[f"written_{one}tokens"] for one in ("5m_", "1h_", ""))
    rest = np.maximum(whole.numbers - hour.numbers, five.numbers)
    return Count(rest, whole.missing & five.missing, five.odd), hour


def add_up(fields: Fields, counts: Counts, alive: Any) -> dict[int, str]:
    """Add cached and written tokens, in place, to the prompts that leave them out; a stated total decides.

    Returns what is wrong, by row.
    """
    prompt, completion, cached, reasoning, total = (counts[name] for name in PARTS[:5])
    written = sum(counts[name].numbers for name in WRITTEN)
    parts = cached.numbers + written
    exclusive = _exclusive(fields, counts, parts)
    for path, values in fields.dialect.exclusive_if.items():
        exclusive |= fields.says(path, values)
    if not isinstance(fields.dialect.exclusive, bool):  # a total that leaves them out decides
        exclusive &= (
            total.missing
            | (parts > prompt.numbers)
            | (total.numbers != prompt.numbers + completion.numbers)
        )
    lone = completion.missing & ~prompt.missing
    if lone.any():  # an embedding has no completion
        embeds = (total.numbers == prompt.numbers) & ~total.missing
        for name in ("gen_ai.operation.name", "type", "call_type", "event", "object"):
            embeds |= np.array(["embedding" in (word or "") for word in fields.words(name)])
        completion.missing &= ~(lone & embeds)
    problems: dict[int, str] = {}
    base, out = prompt.numbers, completion.numbers
    add = np.where(exclusive, parts, 0)
    if not total.missing.all():
        asked = ~total.missing & ~prompt.missing & ~completion.missing & alive
        asked[[*prompt.odd, *completion.odd, *total.odd]] = False
        fits = (total.numbers == base + add + out) | (exclusive & (total.numbers == base + out))
        wrong = asked & ~fits
        for more, extra in (
            (0, 0),
            (parts, 0),
            (written, 0),
            (cached.numbers, 0),
            (0, 1),
            (parts, 1),
        ):
            if not wrong.any():
                break
            outside = completion.numbers + extra * reasoning.numbers
            fits = wrong & (total.numbers == base + more + outside)
            add, out = np.where(fits, more, add), np.where(fits, outside, out)
            wrong &= ~fits
        problems = {
            row: f"total_tokens ({total.numbers[row]}) is not prompt_tokens + completion_tokens "
            f"({base[row] + add[row]} + {out[row]})."
            for row in np.flatnonzero(wrong).tolist()
        }
    prompt.numbers, completion.numbers = base + add, out
    return problems


def _exclusive(fields: Fields, counts: Counts, parts: Any) -> Any:
    """Return which entries say prompt tokens without those that are cached and written."""
    how, told, none = fields.dialect.exclusive, tables()["told"], fields.none()
    if isinstance(how, bool):
        return none | how
    read = {spelled(path): path for path in fields.read}
    if how == "provider":
        words = [str(one).lower() for one in fields.objects("provider")]
        is_told = np.array([any(one in word for one in told["providers"]) for word in words])
        olds = [one for path, one in read.items() if path.endswith(tuple(told["old_names"]))]
        is_old = np.logical_or.reduce([none, *(stated(fields.table.columns[one]) for one in olds)])
        return is_told & (is_old | (parts > counts["prompt_tokens"].numbers))
    mask = none.copy()
    for path in read:
        front, _, name = path.rpartition(".")
        front = f"{front}." if front else ""
        if name in told["prompt"]:
            parts_of, not_if = (
                np.logical_or.reduce([fields.has(front + one) for one in told[key]])
                for key in ("parts", "unless")
            )
            mask |= parts_of & ~not_if & stated(fields.table.columns[read[path]])
        elif name == "prompt_tokens":
            none |= stated(fields.table.columns[read[path]])
    return mask & ~none
