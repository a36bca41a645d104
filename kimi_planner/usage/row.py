"""One row of a log, before it is checked."""

from __future__ import annotations

from enum import Enum
from typing import Any, NamedTuple

__all__ = ["Call", "LeftOut", "OpenStream", "Row"]

#: One call or window as a form reads it: id, whether it is a chunk of a stream, time, model,
#: requests, prompt, completion, cached, reasoning and stated total tokens. A plain tuple, because
#: millions of them are made; a time counted from the start of the log is a ``timedelta``.
Row = tuple[Any, ...]


class Call(NamedTuple):
    """The places of a :data:`Row`."""

    id: Any
    is_chunk: Any
    when: Any
    model: Any
    requests: Any
    prompt: Any
    completion: Any
    cached: Any
    reasoning: Any
    total: Any


class LeftOut(Enum):
    """Why an entry is no row, though nothing is wrong with it."""

    FAILED = "failures"
    OTHER = "other_entries"


class OpenStream(str):
    """Id of a stream whose chunk has no usage; another chunk of it must have."""

    __slots__ = ()
