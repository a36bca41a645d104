"""One row of a log, before it is checked."""

from __future__ import annotations

from enum import Enum
from typing import Any, NamedTuple

from kimi_planner.billing.record import read_written

__all__ = ["Call", "LeftOut", "More", "OpenStream", "Row", "more_of"]

#: One call or window as a form reads it: id, whether it is a chunk of a stream, time, model,
#: requests, prompt, completion, cached, reasoning and stated total tokens, and what few calls have.
#: A plain tuple, because millions of them are made; a time counted from the start of the log is a
#: ``timedelta``.
Row = tuple[Any, ...]

#: Tokens written to a cache for five minutes and for an hour, and whether the call was in a batch;
#: ``None`` where a call has none of it.
More = tuple[Any, Any, bool] | None


class Call(NamedTuple):
    """The places of a :data:`Row`."""

    id: Any = None
    is_chunk: Any = False
    when: Any = None
    model: Any = None
    requests: Any = 1
    prompt: Any = None
    completion: Any = None
    cached: Any = None
    reasoning: Any = None
    total: Any = None
    more: Any = None


def more_of(usage: Any, *, batch: bool = False) -> More:
    """Return what few calls have: tokens written to a cache, and whether it was in a batch."""
    written = read_written(usage)
    return (*written, batch) if batch or written != (None, None) else None


class LeftOut(Enum):
    """Why an entry is no row, though nothing is wrong with it."""

    FAILED = "failures"
    OTHER = "other_entries"


class OpenStream(str):
    """Id of a stream whose chunk has no usage; another chunk of it must have."""

    __slots__ = ()
