"""Run the command line as ``python -m kimi_planner``."""

from kimi_planner.cli import main

if __name__ == "__main__":
    main()
