"""Every figure that the documentation states, measured and written into one page.

``python -m benchmarks.all`` runs the benchmarks one after the other and writes docs/runs.md:
what each prints, with the machine, the day and the commit; ``--quick`` leaves out those that need
more than a few minutes, packages of texts or series of traffic, and says so. Nothing of the package
is tuned to these figures. ``--only NAME`` runs some of them, and writes nothing. A benchmark that ends in
an error is told with it, after all others, and the page is not written.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from datetime import date
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "runs.md"
#: From benchmark to its arguments in a full and in a quick run; ``None`` is left out.
RUNS: dict[str, tuple[list[str], list[str] | None]] = {
    "plan": ([], []),
    "portfolio": ([], []),
    "pricing": ([], ["--rows", "2000000"]),
    "usage": ([], ["--quick"]),
    "checks": ([], ["--runs", "5"]),
    "in_ci": ([], ["--repeats", "7"]),
    "evaluations": ([], None),
    "choices": ([], []),
    "sampling": ([], None),
    "tokens": ([], None),
    "calibration": (["--traffic", "TRAFFIC"], None),
}


def main() -> None:
    """Run them, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.all", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="+", choices=RUNS)
    parser.add_argument("--traffic", help="folder of traffic files, for calibration")
    options = parser.parse_args()
    parts, failed = [_heading()], list[str]()
    for name, (full, quick) in RUNS.items():
        if options.only and name not in options.only:
            continue
        arguments = quick if options.quick else full
        if arguments is None or ("TRAFFIC" in arguments and options.traffic is None):
            parts.append(_section(name, "", "Not measured in this run."))
            continue
        given = [options.traffic if one == "TRAFFIC" else one for one in arguments]
        print(f"benchmarks.{name}", file=sys.stderr)
        done = subprocess.run(
            [sys.executable, "-m", f"benchmarks.{name}", *given],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        failed += [name] * bool(done.returncode)
        shown = " ".join("DIR" if one == "TRAFFIC" else one for one in arguments)
        parts.append(_section(name, shown, f"```text\n{done.stdout.rstrip()}\n```"))
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")
    text = "\n\n".join(parts) + "\n"
    if options.only:
        print(text)
    else:
        PAGE.write_text(text, encoding="utf-8")


def _heading() -> str:
    commit = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    machine = f"{platform.system()} on {platform.machine()}, {os.cpu_count()} cores"
    return (
        "# Measured, run by run\n\nWritten by `python -m benchmarks.all`, each figure against a peer on the same "
        f"work in one run. {date.today()}, commit {commit or 'not known'}, Python "  # noqa: DTZ011
        f"{platform.python_version()}, {machine}. Ratios carry over to other machines, times do not."
    )


def _section(name: str, arguments: str, body: str) -> str:
    title = (import_module(f"benchmarks.{name}").__doc__ or "").partition("\n")[0].rstrip(".")
    command = f"`python -m benchmarks.{name}{' ' * bool(arguments)}{arguments}`"
    return f"## {title}\n\n{command}\n\n{body}"


if __name__ == "__main__":
    main()
