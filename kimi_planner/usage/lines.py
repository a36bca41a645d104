"""Numbered lines of a log, plain or gzip, one in memory at a time."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kimi_planner.errors import UsageError

__all__ = ["RawLog", "Rejects", "numbered_lines"]

MAX_LINE_BYTES = 64_000_000
_GZIP_MAGIC = b"\x1f\x8b"


@dataclass
class Rejects:
    """Where bad rows go: raised at once, or left out and kept as messages."""

    skip: bool
    messages: list[str] = field(default_factory=list)

    def add(self, message: str) -> None:
        """Record a bad row, or stop the run.

        Raises
        ------
        UsageError
            If bad rows are not to be skipped.
        """
        if not self.skip:
            raise UsageError(message)
        self.messages.append(message)


@dataclass(frozen=True)
class RawLog:
    """Columns as a reader found them, before the checks.

    Attributes
    ----------
    columns
        Canonical name to one value per row.
    lines
        The line on which each row stood.
    ignored
        Names of columns that are not part of a usage frame.
    relative_time
        Whether ``timestamp`` counts seconds from the start of the log.
    """

    columns: dict[str, Any]
    lines: list[int]
    ignored: list[str] = field(default_factory=list)
    relative_time: bool = False


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield ``(line number, text)`` of a UTF-8 file.

    Raises
    ------
    UsageError
        If the file is missing, damaged, not UTF-8, or has a line of absurd length.
    """
    number = 0
    try:
        with path.open("rb") as plain:
            zipped = plain.peek(2)[:2] == _GZIP_MAGIC
            handle = gzip.open(plain) if zipped else plain  # noqa: SIM115 - closed with `plain`
            while raw := handle.readline(MAX_LINE_BYTES + 1):
                number += 1
                if len(raw) > MAX_LINE_BYTES:
                    raise UsageError(
                        f"{path} line {number}: longer than {MAX_LINE_BYTES:,} bytes. "
                        "Is this one record per line?"
                    )
                yield number, raw.decode("utf-8-sig" if number == 1 else "utf-8")
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UsageError(
            f"{path} after line {number}: the gzip data is damaged or cut off ({error}). Copy the file again."
        ) from None
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} line {number}: not UTF-8 (byte 0x{error.object[error.start]:02x}). Save the file as UTF-8."
        ) from None
    except FileNotFoundError:
        raise UsageError(
            f"{path}: no such file. Check the path; it is relative to {Path.cwd()}."
        ) from None
    except (OSError, ValueError) as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"{path}: cannot be read ({error}).") from None
