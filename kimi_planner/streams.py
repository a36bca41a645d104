"""Standard output and standard errors of a program, which may be closed, full or read by nobody."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import TextIO


def open_streams() -> None:
    """Make the three streams of this process such that none of them decides how it ends.

    What was closed by who started it is there and empty. A name that an encoding does not have is no
    failure. An error of standard output names it, and one of standard errors is passed over, but for
    a pipe that nobody reads.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - until the end
    for name, kind in (("stdout", _Output), ("stderr", _Stream)):
        stream = getattr(sys, name)
        if isinstance(stream, TextIOWrapper):
            encoding, by_line = stream.encoding, stream.line_buffering
            made = kind(stream.detach(), encoding, "backslashreplace", line_buffering=by_line)
            setattr(sys, name, made)


def drop(*streams: TextIO) -> None:
    """Let what is still buffered go nowhere, which would fail at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in streams:
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


class _Stream(TextIOWrapper):
    def write(self, text: str) -> int:
        with self._failing():
            super().write(text)
        return len(text)

    def flush(self) -> None:
        with self._failing():
            super().flush()

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            drop(self)
            self._failed(error)

    def _failed(self, error: OSError) -> None:
        """Pass over what nobody can be told."""


class _Output(_Stream):
    def write(self, text: str) -> int:
        if self.isatty():  # a terminal obeys what stands in names of others
            from kimi_planner.safe import visible

            text = visible(text)
        return super().write(text)

    def _failed(self, error: OSError) -> None:
        raise OSError(error.errno, error.strerror, "standard output") from None
