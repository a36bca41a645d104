"""How many small faults in the code the tests find.

``python -m benchmarks.mutants --sample 400 --seed 0`` takes places of the code at random, puts one of the
faults of cosmic-ray into each, runs the tests that come there, and prints the share that they find
and every fault that they do not. Needs ``pip install cosmic-ray pytest-cov``. Copies are changed, never
the checkout. ``--keep DIR`` holds which test runs which line, for the next sample of the same code;
``--out FILE`` writes the faults that were not found, and ``--again FILE --tests FILE ...`` tries those on
tests that are new.

Each place counts once, however many faults fit it. Annotations are left out, as they do not run, and so
is ``is`` for ``==`` with the same meaning. Where a line runs while modules are imported, the module is
imported anew, and tests of it and of its importers judge; else the code of its function is exchanged
in a process that has collected the tests. Tests come quickest first, as many as ``--seconds`` allow. A
test that takes ten times as long as before, and five seconds of a processor, has found the fault.
"""

from __future__ import annotations

import argparse
import ast
import gc
import json
import os
import random
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import _lru_cache_wrapper
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from types import CodeType, FunctionType

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("billing", "calls", "plan", "forecast", "usage", "checks")
#: Tests of pictures, pages, workbooks and tokens seldom come to these packages, and are slow.
TESTS = tuple(
    f"tests/test_{name}.py"
    for name in (
        "billing*", "calls*", "plan*", "forecast*", "usage*", "checks*", "workload*", "cli*", "reconcile*",
        "capacity*", "action_comment", "arguments", "bad_input", "boundary", "errors", "files", "limits", "money",
        "notes", "one_bill", "pytest_plugin", "rich", "structure", "values",
    )
)  # fmt: skip
#: The same meaning for every value that the package compares so.
SAME = ("Eq_Is", "Is_Eq", "NotEq_IsNot", "IsNot_NotEq")
CASES = 8  # of a test that has many
MODULES = tuple(f"kimi_planner.{package}" for package in PACKAGES)
IMPORT_SECONDS = 0.3  # what another file of tests costs, about
HEAVY = ("hypothesis", "matplotlib.pyplot", "pandas", "pyarrow", "scipy.stats")  # imported once
FAULT = 70  # how a process ends that could not run the tests


@dataclass(frozen=True)
class Mutant:
    """A fault: of a file, the lines of its statement, and which of the faults of an operator."""

    path: str
    first: int
    last: int
    operator: str
    occurrence: int

    def source(self, folder: Path) -> str:
        """Return the file with the fault."""
        from cosmic_ray.mutating import mutate_code
        from cosmic_ray.plugins import get_operator

        source = (folder / self.path).read_text(encoding="utf-8")
        changed = mutate_code(source, get_operator(self.operator)(), self.occurrence)
        return str(changed)

    def __str__(self) -> str:
        before = (ROOT / self.path).read_text(encoding="utf-8").splitlines()
        after = self.source(ROOT).splitlines()
        rows = [row for row in zip(before, after, strict=False) if row[0] != row[1]][:1]
        change = "".join(f"\n  - {old.strip()}\n  + {new.strip()}" for old, new in rows)
        return f"{self.path}:{self.first} {self.operator.partition('/')[2]}{change}"


@dataclass(frozen=True)
class Map:
    """Which tests run each line of each file, how long each takes, and what runs at import."""

    seconds: Mapping[str, float]
    lines: Mapping[str, Mapping[int, frozenset[str]]]

    def tests(self, mutant: Mutant, importers: Mapping[str, set[str]]) -> tuple[bool, set[str]]:
        """Return whether the line runs at import, and the tests that may find a fault of it."""
        lines = self.lines.get(mutant.path, {})
        contexts = {
            one for n in range(mutant.first, mutant.last + 1) for one in lines.get(n, frozenset())
        }
        if "" not in contexts:
            return False, contexts & self.seconds.keys()
        files = {mutant.path, *importers.get(mutant.path, ())}
        ran = {
            one for path in files for tests in self.lines.get(path, {}).values() for one in tests
        }
        return True, ran & self.seconds.keys()

    def within(self, tests: set[str], seconds: float) -> list[str]:
        """Return the quickest tests, as many as take that long, each file of them included."""
        taken: list[str] = []
        for test in sorted(tests, key=lambda one: (self.seconds[one], one)):
            new = test.partition("::")[0] not in {one.partition("::")[0] for one in taken}
            seconds -= self.seconds[test] + IMPORT_SECONDS * new
            if seconds < 0 and taken:
                break
            taken.append(test)
        return taken


def copied(folder: Path) -> Path:
    """Copy the checkout."""
    left_out = shutil.ignore_patterns(".git", ".venv*", "site", ".*_cache", ".hypothesis")
    return Path(shutil.copytree(ROOT, folder / "tree", ignore=left_out))


def enter(folder: Path) -> None:
    """Make a copy the tree that this process and those that it starts import."""
    os.chdir(folder)
    sys.path[:] = [str(folder), *(path for path in sys.path if path not in ("", str(ROOT)))]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    os.environ["OPENBLAS_NUM_THREADS"] = "1"


# What runs which line. The hooks are those of a plugin of pytest, in each of its processes.


def caches() -> list[_lru_cache_wrapper[object]]:
    """Return the caches of the packages, which would hide that a later test runs a line too."""
    return [
        one
        for one in gc.get_objects()
        if isinstance(one, _lru_cache_wrapper) and str(one.__module__).startswith(MODULES)
    ]


class Times:
    """How long each test takes that passes; caches are empty before each."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.failed: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add a phase of a test."""
        self.seconds[report.nodeid] += report.duration
        if not report.passed:
            self.failed.add(report.nodeid)


def pytest_collection(session: pytest.Session) -> None:
    """Generate the same cases every time, and do not look for the smallest that fails."""
    from hypothesis import Phase, settings

    phases = (Phase.explicit, Phase.generate)
    settings.register_profile(
        "mutants", deadline=None, derandomize=True, database=None, phases=phases, max_examples=20
    )
    settings.load_profile("mutants")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Take the first cases of each test, and those that name a module of the packages."""
    cases: Counter[str] = Counter()
    kept = []
    for item in items:
        test, _, case = item.nodeid.partition("[")
        cases[test] += 1
        if cases[test] <= CASES or case.startswith(MODULES):
            kept.append(item)
    items[:] = kept


def pytest_collection_finish(session: pytest.Session) -> None:
    """Find the caches."""
    session.stash[CACHES] = caches()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Take the time of a processor: others may use the machine."""
    report = yield
    now = sum(os.times()[:4])
    report.duration = now - item.session.stash.get(CLOCK, now)
    item.session.stash[CLOCK] = now
    return report


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Empty the caches."""
    for cache in item.session.stash[CACHES]:
        cache.cache_clear()


CLOCK = pytest.StashKey[float]()
CACHES = pytest.StashKey[list["_lru_cache_wrapper[object]"]]()


def measured(folder: Path, tests: Sequence[str], workers: int) -> None:
    """Run the tests, and write what each runs beside the copy."""
    enter(folder)
    times = Times()
    options = [
        f"--numprocesses={workers}",
        "--cov=kimi_planner",
        "--cov-context=test",
        "--cov-report=",
    ]
    plugins = ["-p", "benchmarks.mutants", "-p", "no:cacheprovider", "-q"]
    pytest.main([*options, *plugins, *tests], plugins=[times])
    passed = {test: times.seconds[test] for test in times.seconds.keys() - times.failed}
    (folder.parent / "seconds.json").write_text(json.dumps(passed))


def mapped(folder: Path) -> Map:
    """Read what was measured."""
    from coverage import CoverageData

    data = CoverageData(str(folder / ".coverage"))
    data.read()
    seconds = json.loads((folder.parent / "seconds.json").read_text())
    of_file: dict[str, set[str]] = {}
    for test in seconds:
        of_file.setdefault(test.partition("::")[0], set()).add(test)

    def tests(context: str) -> set[str]:
        test, _, phase = context.rpartition("|")
        # what a fixture of a file does is done for the first of its tests only
        return of_file.get(test.partition("::")[0], set()) if phase == "setup" else {test}

    lines = {
        str(Path(path).relative_to(folder)): {
            number: frozenset[str]().union(*map(tests, contexts))
            for number, contexts in data.contexts_by_lineno(path).items()
        }
        for path in data.measured_files()
    }
    return Map(seconds, lines)


def importers() -> dict[str, set[str]]:
    """Return the files that import from each file."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / "kimi_planner").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module is not None:
                imported = f"{node.module.replace('.', '/')}.py"
                found.setdefault(imported, set()).add(str(path.relative_to(ROOT)))
    return found


# The faults.


def sampled(count: int, seed: int) -> list[Mutant]:
    """Return one fault of each of so many places, all as likely."""
    chance = random.Random(seed)  # noqa: S311 - the same every time
    places = sorted(every().items())
    return [chance.choice(faults) for _, faults in chance.sample(places, min(count, len(places)))]


def every() -> dict[tuple[str, int, int], list[Mutant]]:
    """Return the faults of every place of the packages."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.plugins import get_operator, operator_names

    operators = {
        name: operator()
        for name in operator_names()
        if not (operator := get_operator(name)).arguments() and not name.endswith(SAME)
    }
    found: dict[tuple[str, int, int], list[Mutant]] = {}
    for package in PACKAGES:
        for path in sorted((ROOT / "kimi_planner" / package).rglob("*.py")):
            source, name = path.read_text(encoding="utf-8"), str(path.relative_to(ROOT))
            tree, nodes = ast.parse(source), list(ast_nodes(get_ast(source)))
            silent, lines = annotations(tree), statements(tree)
            for operator, mutator in operators.items():
                places = [place for node in nodes for place in mutator.mutation_positions(node)]
                for occurrence, (start, _) in enumerate(places):
                    if not any(first <= start < last for first, last in silent):
                        mutant = Mutant(name, *lines[start[0]], operator, occurrence)
                        found.setdefault((name, *start), []).append(mutant)
    return found


def annotations(tree: ast.AST) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return where annotations begin and end."""
    nodes = [
        getattr(node, name, None) for node in ast.walk(tree) for name in ("annotation", "returns")
    ]
    return [
        ((node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0))
        for node in nodes
        if node is not None
    ]


def statements(tree: ast.AST) -> dict[int, tuple[int, int]]:
    """Return the first and last line of the statement on each line; of a block, of its head."""
    found: dict[int, tuple[int, int]] = {}
    for node in ast.walk(tree):  # outer ones come first
        if isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):
            body = getattr(node, "body", None)
            first = node.pattern.lineno if isinstance(node, ast.match_case) else node.lineno
            decorators = getattr(node, "decorator_list", ())
            first = min([first, *(one.lineno for one in decorators)])
            last = max(first, body[0].lineno - 1) if body else node.end_lineno or first
            found |= dict.fromkeys(range(first, last + 1), (first, last))
    return found


# What the tests say.


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
    """A plugin of pytest that runs some tests, up to the first that fails; or does something else."""

    tests: Sequence[str]
    seconds: Mapping[str, float]
    loop: Callable[[pytest.Session], None] | None = None
    failed: str | None = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the test that fails."""
        if report.failed:
            self.failed = self.failed or report.nodeid

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run the tests."""
        if self.loop is not None:
            self.loop(session)
        else:
            self.run({item.nodeid: item for item in session.items})
        return True

    def run(self, items: Mapping[str, pytest.Item]) -> int:
        """Return 1 if a test fails."""
        found = [items[test] for test in self.tests if test in items]
        for item, following in zip(found, [*found[1:], None], strict=True):
            signal.setitimer(signal.ITIMER_PROF, 5 + 10 * self.seconds[item.nodeid])
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.failed:
                break
        signal.setitimer(signal.ITIMER_PROF, 0)
        return int(self.failed is not None)


@dataclass
class Judge:
    """Which mutants the tests find, in one process and one copy of the tree."""

    map: Map
    budget: float
    folder: Path = Path()
    sound: set[tuple[str, ...]] = field(default_factory=set)
    written: int = 0

    def __call__(self, share: Sequence[Mutant]) -> dict[Mutant, bool]:
        """Return of each whether it was found."""
        with tempfile.TemporaryDirectory() as folder:
            self.folder = copied(Path(folder))
            enter(self.folder)
            for name in HEAVY:
                import_module(name)

            chosen = {one: self.map.tests(one, importers()) for one in share}
            found = {
                mutant: self.anew(mutant, tests)
                for mutant, (at_import, tests) in chosen.items()
                if at_import
            }
            later = {
                mutant: tests for mutant, (at_import, tests) in chosen.items() if not at_import
            }

            def loop(session: pytest.Session) -> None:
                items = {item.nodeid: item for item in session.items}
                functions = [
                    one
                    for one in gc.get_objects()
                    if isinstance(one, FunctionType)
                    and one.__code__.co_filename.startswith(str(self.folder))
                ]
                for mutant, tests in later.items():
                    found[mutant] = self.exchanged(mutant, tests, items, functions)

            files = sorted({test.partition("::")[0] for tests in later.values() for test in tests})
            if files:
                self.pytest(files, Run((), {}, loop))
            return found

    def pytest(self, files: Sequence[str], plugin: Run) -> int:
        """Start pytest on these files."""
        options = ["-p", "benchmarks.mutants", "-p", "no:cacheprovider", "-p", "no:terminal", "-s"]
        base = f"--basetemp={self.folder.parent / 'base'}"
        return int(pytest.main([*options, base, *files], plugins=[plugin]))

    def anew(self, mutant: Mutant, tests: set[str]) -> bool:
        """Return whether tests find a fault of what runs at import."""
        path, kept = self.folder / mutant.path, self.folder.parent / "kept.py"
        chosen = self.map.within(tests, self.budget)
        files = sorted({test.partition("::")[0] for test in chosen})
        shutil.copy2(path, kept)

        def act() -> int:
            run = Run(chosen, self.map.seconds)
            ended = self.pytest(files, run)
            return int(run.failed is not None or ended not in (0, 5))

        if not chosen or (*files,) not in self.sound:
            if not chosen or forked(act):
                return self.told(mutant, FAULT, chosen)
            self.sound.add((*files,))
        path.write_text(mutant.source(self.folder), encoding="utf-8")
        # a time of its own, so that nothing compiled of another is taken for it
        self.written += 1
        os.utime(path, (self.written, self.written))
        try:
            return self.told(mutant, forked(act), chosen)
        finally:
            shutil.copy2(kept, path)

    def exchanged(
        self,
        mutant: Mutant,
        tests: set[str],
        items: Mapping[str, pytest.Item],
        functions: Sequence[FunctionType],
    ) -> bool:
        """Return whether tests find a fault of what runs in a function."""
        chosen = self.map.within(tests, self.budget)
        path = str(self.folder / mutant.path)
        codes = code_of(compile(mutant.source(self.folder), path, "exec", dont_inherit=True))
        changed = [
            (function, codes[key(function.__code__)])
            for function in functions
            if function.__code__.co_filename == path
            and codes.get(key(function.__code__), function.__code__) != function.__code__
        ]
        if not changed or not chosen:
            return self.told(mutant, FAULT, chosen)

        def act() -> int:
            for function, code in changed:
                function.__code__ = code
            return Run(chosen, self.map.seconds).run(items)

        return self.told(mutant, forked(act), chosen)

    def told(self, mutant: Mutant, ended: int, chosen: Sequence[str]) -> bool:
        """Say what came of a mutant, and return whether it was found."""
        said = {0: "not found", FAULT: "not tried"}.get(ended, "found")
        shown = mutant if said != "found" else f"{mutant.path}:{mutant.first}"
        print(f"{said:<9} {len(chosen):>5} tests {shown}", file=sys.stderr, flush=True)
        return said == "found"


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
    parser.add_argument(
        "--tests", nargs="+", help="files of tests, instead of those in this module"
    )
    parser.add_argument("--out", type=Path, help="where to write the faults that were not found")
    parser.add_argument("--again", type=Path, help="try these, instead of a sample")
    options = parser.parse_args()
    files = options.tests or sorted(str(p) for one in TESTS for p in Path().glob(one))
    if options.again is None:
        mutants = sampled(options.sample, options.seed)
    else:
        mutants = [Mutant(**one) for one in json.loads(options.again.read_text())]
    with tempfile.TemporaryDirectory() as temporary:
        keep = (options.keep or Path(temporary)).absolute()
        if not (keep / "seconds.json").exists():
            shutil.rmtree(keep / "tree", ignore_errors=True)
            tree = copied(keep)
            with ProcessPoolExecutor(1, get_context("fork")) as pool:
                pool.submit(measured, tree, files, options.workers).result()
        shares = [mutants[at :: options.workers] for at in range(options.workers)]
        judge = Judge(mapped(keep / "tree"), options.seconds)
        found: dict[Mutant, bool] = {}
        with ProcessPoolExecutor(options.workers, get_context("fork")) as pool:
            for verdicts in pool.map(judge, shares):
                found |= verdicts
    left = [mutant for mutant in mutants if not found[mutant]]
    print(*left, sep="\n", end="\n" * bool(left))
    for package in PACKAGES:
        of = [one for one in mutants if one.path.startswith(f"kimi_planner/{package}/")]
        print(f"{package:<9} {sum(map(found.get, of)):>4} of {len(of):>4}")  # type: ignore[arg-type]
    print(f"{len(mutants) - len(left)} of {len(mutants)} found, {1 - len(left) / len(mutants):.1%}")
    if options.out:
        options.out.write_text(json.dumps([asdict(mutant) for mutant in left]))


if __name__ == "__main__":
    main()
