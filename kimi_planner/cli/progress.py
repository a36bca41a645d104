"""A bar on stderr while files are read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

__all__ = ["progress"]


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None] | None]:
    """Show a bar on stderr while reading, if that is a terminal.

    Yields
    ------
    callable or None
        To be called with the bytes read since the last call, and the bytes of all, or of the file
        where each is told of alone.
    """
    if not sys.stderr.isatty():
        yield None
        return
    with ExitStack() as stack:
        bars: list[ProgressBar[int]] = []

        def advance(step: int, total: int) -> None:
            if not bars:
                bar = click.progressbar(length=total, file=sys.stderr, label=label)
                bars.append(stack.enter_context(bar))
            [bar] = bars
            if bar.length is not None and bar.pos + step > bar.length:
                bar.length += total  # the next file
            bar.update(step)

        yield advance
