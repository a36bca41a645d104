"""The command line's entry: ``kimi-planner``, or ``python -m kimi_planner``."""

from __future__ import annotations

import gc
import os
import sys
from io import TextIOWrapper

_COUNTING = ("check", "count", "init")
_COLLECT_AT = 200_000  # new objects; importing makes many, and none of them is garbage


class _Terminal(TextIOWrapper):
    """Standard output on a terminal, which obeys what stands in names of others."""

    def write(self, text: str) -> int:
        from kimi_planner.safe import visible

        return super().write(visible(text))


def main() -> None:
    """Run the command line and exit.

    Commands that count start loading the vocabulary before the rest of them is imported.
    """
    gc.set_threshold(_COLLECT_AT)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by who started this
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - until the end
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a name that the terminal cannot show is no failure
            stream.reconfigure(errors="backslashreplace")
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.isatty():
        encoding = sys.stdout.encoding
        sys.stdout = _Terminal(
            sys.stdout.detach(), encoding, "backslashreplace", line_buffering=True
        )
    try:
        if sys.argv[1:2] and sys.argv[1] in _COUNTING:
            from kimi_planner.tokens.engine import load_ahead

            load_ahead()
        from kimi_planner.cli import main as run

        run()
    except KeyboardInterrupt:  # while still importing; a running command says it itself
        sys.stderr.write("kimi-planner: stopped.\n")
        sys.exit(130)
    finally:
        gc.freeze()  # at the end Python would look for garbage among all that was imported


if __name__ == "__main__":
    main()
