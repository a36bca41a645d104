"""Exit codes of every command, and what they say; `docs/exit-codes.md` has the same table."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """How a command ended. What is unknown is never a pass; nor is a command that did not end."""

    PASSED = 0, "passed: all that was asked for is done, and no limit is exceeded"
    OVER = 1, "over: a limit is exceeded: a budget, a chance, an age"
    BAD_INPUT = 2, "bad input: a file, an option or a value cannot be used"
    CANNOT_TELL = 3, "cannot tell: something is missing or unknown, or was left out"
    INTERNAL = 70, "internal error: `KIMI_PLANNER_DEBUG=1` shows the traceback"
    INTERRUPTED = 130, "stopped by Ctrl-C"
    NO_READER = 141, "nobody reads what is printed: a closed pipe"

    meaning: str

    def __new__(cls, code: int, meaning: str) -> Exit:
        """Return a code with its meaning."""
        made = int.__new__(cls, code)
        made._value_ = code
        made.meaning = meaning
        return made
