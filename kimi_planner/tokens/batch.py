"""Many texts at once: in chunks, on several threads."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from typing import TypeVar

Prepared = TypeVar("Prepared")


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def count_in_chunks(
    texts: list[str],
    prepare: Callable[[list[str]], Prepared],
    count: Callable[[Prepared], list[int]],
    *,
    chars: int,
    threads: int,
) -> list[int]:
    """Count chunks of about so many characters on threads; return the counts in order.

    What needs Python's lock belongs in ``prepare``, which runs here, one chunk after another, while
    the threads count what was prepared before. No more is prepared than they need next.
    """
    from concurrent.futures import Future, ThreadPoolExecutor

    counts: list[int] = []
    waiting: deque[Future[list[int]]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="kimi_planner counting")
    try:
        for chunk in _chunks(texts, chars):
            waiting.append(pool.submit(count, prepare(chunk)))
            if len(waiting) > threads + 1:
                counts += waiting.popleft().result()
        for one in waiting:
            counts += one.result()
    finally:
        pool.shutdown(cancel_futures=True)
    return counts


def _chunks(texts: list[str], chars: int) -> Iterator[list[str]]:
    start, held = 0, 0
    for end, text in enumerate(texts):
        if held >= chars:
            yield texts[start:end]
            start, held = end, 0
        held += len(text)
    yield texts[start:]
