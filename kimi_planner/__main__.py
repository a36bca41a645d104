"""The command line's entry: ``kimi-planner``, or ``python -m kimi_planner``."""

from __future__ import annotations

import gc
import sys

from kimi_planner.streams import open_streams

_COUNTING = ("check", "count", "init")
_COLLECT_AT = 200_000  # new objects; importing makes many, and none of them is garbage


def main() -> None:
    """Run the command line and exit.

    Commands that count start loading the vocabulary before the rest of them is imported.
    """
    gc.set_threshold(_COLLECT_AT)
    open_streams()
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
