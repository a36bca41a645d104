"""How many small faults of the code the tests find.

``python -m benchmarks.mutants --sample 400 --seed 0`` takes places of the code at random, puts one of the
faults of cosmic-ray into each, runs tests that come there, and prints the share that they find and
every fault that they do not. Needs ``pip install cosmic-ray pytest-cov``. Copies are changed, never the
checkout. ``--keep DIR`` holds which test runs which line, for another sample of the same code;
``--out FILE`` writes the faults that were not found, and ``--again FILE --tests FILE ...`` tries those on
tests that are new.

Each place counts once, however many faults fit it. Annotations are left out, as they do not run, and so
is ``is`` for ``==``. Where a line runs while modules are imported, its module is imported anew, and
tests of it and of its importers judge; else the code of its function is exchanged in a process that has
collected the tests. Tests come quickest first, as many as ``--seconds`` allow. One that takes ten times
as long as it did, and five seconds, has found the fault; one that fails without it has not.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from types import CodeType, FunctionType

import pytest

from benchmarks.faults import PACKAGES, Mutant, sampled
from benchmarks.lines import Lines, copied, file_of, measure, read

#: Tests of pictures, pages, workbooks and tokens seldom come to these packages, and are slow.
TESTS = (
    "billing*", "calls*", "plan*", "forecast*", "usage*", "checks*", "workload*", "cli*", "reconcile*", "capacity*",
    "action_comment", "arguments", "bad_input", "boundary", "errors", "files", "limits", "money", "notes",
    "one_bill", "pytest_plugin", "rich", "structure", "values",
)  # fmt: skip
HEAVY = ("hypothesis", "matplotlib.pyplot", "pandas", "pyarrow", "scipy.stats")  # imported once
IMPORT = "import"  # what fails if no test can start
FOUND, FAULT = 1, 70  # how a process ends whose tests fail, and one that could not run them


def forked(act: Callable[[], int]) -> int:
    """Return what a function returns in a process of its own, minus the signal that ends it."""
    process = os.fork()
    if not process:
        code = FAULT
        try:
            signal.alarm(900)
            null = os.open(os.devnull, os.O_RDWR)
            os.dup2(null, 1)
            os.dup2(null, 2)
            code = act()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


@dataclass
class Run:
    """A plugin of pytest that runs some tests, up to the first that fails."""

    tests: Sequence[str]
    lines: Lines
    failed: str = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the test that fails."""
        if report.failed:
            self.failed = self.failed or report.nodeid

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run the tests in their order here."""
        self.run({item.nodeid: item for item in session.items})
        return True

    def run(self, items: Mapping[str, pytest.Item]) -> None:
        """Run those of the tests that were collected."""
        found = [items[test] for test in self.tests if test in items]
        for item, following in zip(found, [*found[1:], None], strict=True):
            signal.setitimer(signal.ITIMER_PROF, 5 + 10 * self.lines.seconds[item.nodeid])
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.failed:
                break
        signal.setitimer(signal.ITIMER_PROF, 0)


@dataclass
class Judge:
    """Which faults the tests find, in one process and one copy of the checkout."""

    lines: Lines
    seconds: float
    tree: Path = Path()
    sound: set[str] = field(default_factory=lambda: {IMPORT})
    written: int = 0

    def __call__(self, mutants: Sequence[Mutant]) -> dict[Mutant, bool]:
        """Return of each whether it was found."""
        with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("w") as null:
            self.tree = copied(Path(folder))
            for name in HEAVY:
                import_module(name)
            found = {
                mutant: "" in self.lines.of(mutant) and self.imported(mutant) for mutant in mutants
            }
            tests = {one: self.lines.of(one) for one in mutants}
            files = {file_of(test) for some in tests.values() if "" not in some for test in some}
            with redirect_stdout(null):
                if files:  # without any pytest would take all
                    self.pytest(files, Exchange(self, found))
            return found

    def pytest(self, files: set[str], plugin: object) -> int:
        """Start pytest on these files."""
        options = ["-qq", "-s", "-p", "benchmarks.lines", "-p", "no:cacheprovider"]
        options += [
            f"--basetemp={self.tree.parent / 'base'}",
            "-W",
            "ignore:Module already imported",
        ]
        return int(pytest.main([*options, *sorted(files)], plugins=[plugin]))

    def imported(self, mutant: Mutant) -> bool:
        """Return whether tests find a fault of what runs at import."""
        path, kept = self.tree / mutant.path, self.tree.parent / "kept.py"
        source = mutant.source()
        shutil.copy2(path, kept)
        self.written += 1

        def act(tests: Sequence[str], with_fault: bool) -> str:
            if with_fault:
                path.write_text(source, encoding="utf-8")
                # a time of its own, so that nothing compiled of another is taken for it
                os.utime(path, (self.written, self.written))
            else:
                shutil.copy2(kept, path)
            run = Run(tests, self.lines)
            ended = self.pytest({file_of(test) for test in tests}, run)
            return run.failed or ("" if ended in (0, 5) else IMPORT)

        try:
            return self.judged(mutant, self.lines.of_import(mutant), act)
        finally:
            shutil.copy2(kept, path)

    def exchanged(
        self,
        mutant: Mutant,
        items: Mapping[str, pytest.Item],
        functions: Sequence[FunctionType],
    ) -> bool:
        """Return whether tests find a fault of what runs in a function."""
        path = str(self.tree / mutant.path)
        codes = code_of(mutant.code(path))
        changed = [
            (one, code)
            for one in functions
            if one.__code__.co_filename == path
            and (code := codes.get(key(one.__code__), one.__code__)) != one.__code__
        ]

        def act(tests: Sequence[str], with_fault: bool) -> str:
            for function, code in changed if with_fault else ():
                function.__code__ = code
            run = Run(tests, self.lines)
            items[tests[0]].config.pluginmanager.register(run)
            run.run(items)
            return run.failed

        return self.judged(mutant, self.lines.of(mutant) if changed else set(), act)

    def judged(
        self, mutant: Mutant, tests: set[str], act: Callable[[Sequence[str], bool], str]
    ) -> bool:
        """Return whether a test finds a fault; one that fails without it is left out."""
        note = self.tree.parent / "failed"

        def run(tests: Sequence[str], with_fault: bool) -> int:
            note.write_text(act(tests, with_fault))
            return FOUND if note.stat().st_size else 0

        while chosen := self.lines.within(tests, self.seconds):
            ended = forked(partial(run, chosen, True))
            if ended != FOUND or (failed := note.read_text()) in self.sound:
                break
            if not forked(partial(run, chosen[: chosen.index(failed) + 1], False)):
                self.sound.add(failed)
                break
            self.lines.seconds.pop(failed)
        said = {0: "not found", FAULT: "not tried"}.get(ended if chosen else FAULT, "found")
        shown = f"{mutant.path}:{mutant.first}" if said == "found" else mutant
        print(f"{said}, {len(chosen)} tests: {shown}", file=sys.stderr, flush=True)
        return said == "found"


@dataclass
class Exchange:
    """A plugin of pytest that exchanges functions once the tests are collected."""

    judge: Judge
    found: dict[Mutant, bool]

    def pytest_internalerror(self, excrepr: object) -> None:
        """Tell why faults are left that nobody judged."""
        print(excrepr, file=sys.stderr, flush=True)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Judge each fault that is not judged yet."""
        items = {item.nodeid: item for item in session.items}
        for mutant in self.found:
            import_module(mutant.module)  # some are imported by what needs them only
        functions = [one for one in gc.get_objects() if isinstance(one, FunctionType)]
        for mutant, found in self.found.items():
            if not found and "" not in self.judge.lines.of(mutant):
                self.found[mutant] = self.judge.exchanged(mutant, items, functions)
        return True


def key(code: CodeType) -> tuple[str, int]:
    """Return what a function keeps when another line is changed."""
    return code.co_qualname, code.co_firstlineno


def code_of(module: CodeType) -> dict[tuple[str, int], CodeType]:
    """Return the code of every function in a module; of two on a line that share a name, none."""
    found: dict[tuple[str, int], CodeType] = {}
    waiting, twice = [module], set()
    while waiting:
        for inner in waiting.pop().co_consts:
            if isinstance(inner, CodeType):
                twice |= {key(inner)} & found.keys()
                found[key(inner)] = inner
                waiting.append(inner)
    return {name: code for name, code in found.items() if name not in twice}


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=__doc__)
    parser.add_argument("--sample", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=20, help="of tests, for each fault")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--keep", type=Path, help="folder that holds which test runs which line")
    parser.add_argument("--tests", nargs="+", help="files of tests, instead of all that come there")
    parser.add_argument("--out", type=Path, help="where to write the faults that were not found")
    parser.add_argument("--again", type=Path, help="try these, instead of a sample")
    options = parser.parse_args()
    if options.again is None:
        mutants = sampled(options.sample, options.seed)
    else:
        mutants = [Mutant(**one) for one in json.loads(options.again.read_text())]
    tests = options.tests or [str(p) for one in TESTS for p in Path().glob(f"tests/test_{one}.py")]
    with tempfile.TemporaryDirectory() as temporary:
        keep = (options.keep or Path(temporary)).absolute()
        if not (keep / "seconds.json").exists():
            with ProcessPoolExecutor(1, get_context("fork")) as pool:
                pool.submit(measure, keep, sorted(tests), options.workers).result()
        shares = [mutants[at :: options.workers] for at in range(options.workers)]
        with ProcessPoolExecutor(options.workers, get_context("fork")) as pool:
            judged = list(pool.map(Judge(read(keep), options.seconds), shares))
    found = {mutant for verdicts in judged for mutant in verdicts if verdicts[mutant]}
    left = [mutant for mutant in mutants if mutant not in found]
    print(*left, sep="\n", end="\n" * bool(left))
    for package in PACKAGES:
        some = [one for one in mutants if one.path.startswith(f"kimi_planner/{package}/")]
        print(f"{package:<9} {len(found.intersection(some)):>4} of {len(some):>4}")
    print(f"{'together':<9} {len(found):>4} of {len(mutants):>4}, {len(found) / len(mutants):.1%}")
    if options.out:
        options.out.write_text(json.dumps([asdict(mutant) for mutant in left]))


if __name__ == "__main__":
    main()
