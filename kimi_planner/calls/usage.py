"""What calls of a load use by meter: cached and written parts of the prompt, fees, batches."""

from __future__ import annotations

from typing import Any

import numpy as np

from kimi_planner.billing.meters import Usage, fee_key
from kimi_planner.workload.resolve import Load

#: A fraction where all is exact, else a float or an array.
Number = Any


def tokens_used(
    load: Load, prompt: Number, completion: Number, reasoning: Number = 0, *, cached: Number
) -> Usage:
    """Return the tokens of calls by meter.

    Parameters
    ----------
    load : Load
        Whose calls.
    prompt, completion, reasoning : number or ndarray
        Tokens, all of one type of number.
    cached : number or ndarray
        Share of the prompt served from cache. Where it leaves too little of the prompt, only the
        rest is written to a cache.
    """
    number = type(cached) if not hasattr(cached, "dtype") else float
    five, hour = number(load.written_5m), number(load.written_1h)
    if five or hour:
        room = np.minimum(number(1), (1 - cached) / (five + hour))
        five, hour = five * room, hour * room
    return Usage.of(
        prompt,
        completion,
        cached=prompt * cached,
        written_5m=prompt * five,
        written_1h=prompt * hour,
        reasoning=reasoning,
        requests=0,
        batch=load.is_batch,
    )


def fees_used(load: Load, number: Any = float) -> Usage:
    """Return the fees that one request causes, and the request."""
    fees = {fee_key(name): number(count) for name, count in load.fees.items()}
    return Usage(fees, requests=number(1))
