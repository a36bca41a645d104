"""Which tests run which lines of the package, and how long each takes.

Its hooks are a plugin of pytest, in every process of it. PYTEST_DONT_REWRITE: it asserts nothing.
"""

from __future__ import annotations

import ast
import gc
import json
import os
import re
import shutil
import sys
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import _lru_cache_wrapper
from pathlib import Path

import pytest

from benchmarks.faults import PACKAGES, ROOT, Mutant

CASES = 16  # of a test that has many, and 20 that hypothesis generates
MODULES = tuple(f"kimi_planner.{package}" for package in PACKAGES)
STRUCTURE = "tests/test_structure.py"
FILES = 4  # whose tests come first
IMPORT_SECONDS = 0.3  # what another file of tests costs, about
CLOCK = pytest.StashKey[float]()
CACHES = pytest.StashKey[list["_lru_cache_wrapper[object]"]]()


@dataclass(frozen=True)
class Lines:
    """Which tests run each line of each file; none, by the name of "", is the import of a module.

    Attributes
    ----------
    seconds
        Of a processor that each test takes.
    tests
        By file and line.
    importers
        The files that import from each file.
    """

    seconds: dict[str, float]
    tests: Mapping[str, Mapping[int, frozenset[str]]]
    importers: Mapping[str, set[str]]

    def of(self, mutant: Mutant) -> set[str]:
        """Return the tests that run a statement."""
        lines = self.tests.get(mutant.path, {})
        return set().union(*(lines.get(n, ()) for n in range(mutant.first, mutant.last + 1)))

    def of_import(self, mutant: Mutant) -> set[str]:
        """Return the tests that run what a statement makes at import, or a line that names it.

        Also those that look at all modules, and those that have the name of its own.
        """
        tree = ast.parse((ROOT / mutant.path).read_text(encoding="utf-8"))
        inside = [one for one in ast.walk(tree) if isinstance(one, ast.stmt) and holds(one, mutant)]
        names = {name for one in inside[-1:] for name in made_by(one)}
        last = max([mutant.last, *(one.end_lineno or 0 for one in inside[-1:])])
        body = range(mutant.first, last + 1)
        found = {one for number in body for one in self.tests[mutant.path].get(number, ())}
        word = re.compile(rf"\b({'|'.join(map(re.escape, names)) or '$.'})\b")
        for path in {mutant.path, *self.importers.get(mutant.path, ())}:
            for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").split("\n"), 1):
                if word.search(line):
                    found |= self.tests.get(path, {}).get(number, frozenset())
        every = {
            one
            for one in self.seconds
            if f"[{mutant.module}" in one or (file_of(one) == STRUCTURE and "[" not in one)
        }
        return found | every

    def within(self, tests: set[str], seconds: float) -> list[str]:
        """Return as many tests as take that long with their files, the quickest first.

        Those that look at all modules, and those of the files that have most, come before others.
        """
        known = tests & self.seconds.keys()
        most = dict(Counter(map(file_of, known)).most_common(FILES))

        def rank(test: str) -> tuple[bool, bool, float, str]:
            file = file_of(test)
            return file != STRUCTURE, file not in most, self.seconds[test], test

        taken: list[str] = []
        files: set[str] = set()
        for test in sorted(known, key=rank):
            seconds -= self.seconds[test] + IMPORT_SECONDS * (file_of(test) not in files)
            if seconds < 0 and taken:
                break
            taken.append(test)
            files.add(file_of(test))
        return taken


def holds(node: ast.stmt, mutant: Mutant) -> bool:
    """Whether a fault is in a statement, or in its decorators."""
    first = min(one.lineno for one in (node, *getattr(node, "decorator_list", ())))
    return first <= mutant.first <= (node.end_lineno or first)


def made_by(node: ast.stmt) -> set[str]:
    """Return the names that a statement makes."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return {node.name}
    targets = getattr(node, "targets", [getattr(node, "target", node)])
    return {one.id for some in targets for one in ast.walk(some) if isinstance(one, ast.Name)}


def file_of(test: str) -> str:
    """Return the file of a test."""
    return test.partition("::")[0]


def importers() -> dict[str, set[str]]:
    """Return the files that import from each file."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / "kimi_planner").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module is not None:
                imported = f"{node.module.replace('.', '/')}.py"
                found.setdefault(imported, set()).add(str(path.relative_to(ROOT)))
    return found


def copied(folder: Path) -> Path:
    """Copy the checkout, and make the copy what this process and those that it starts import."""
    left_out = shutil.ignore_patterns(".git", ".venv*", "site", ".*_cache", ".hypothesis")
    tree = Path(shutil.copytree(ROOT, folder / "tree", ignore=left_out))
    os.chdir(tree)
    sys.path[:] = [str(tree), *(path for path in sys.path if path not in ("", str(ROOT)))]
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    return tree


def measure(folder: Path, tests: Sequence[str], workers: int) -> None:
    """Run files of tests in a copy of the checkout, and keep there what each test runs."""
    copied(folder)
    times = Times()
    options = ["--cov=kimi_planner", "--cov-context=test", "--cov-report=", f"-n{workers}", "-q"]
    plugins = ["-p", "benchmarks.lines", "-p", "no:cacheprovider"]
    pytest.main([*options, *plugins, *tests], plugins=[times])
    passed = {test: times.seconds[test] for test in times.seconds.keys() - times.failed}
    (folder / "seconds.json").write_text(json.dumps(passed))


def read(folder: Path) -> Lines:
    """Read what was measured."""
    from coverage import CoverageData

    data = CoverageData(str(folder / "tree" / ".coverage"))
    data.read()
    seconds = json.loads((folder / "seconds.json").read_text())
    of_file: dict[str, set[str]] = {}
    for test in seconds:
        of_file.setdefault(file_of(test), set()).add(test)

    def tests(context: str) -> set[str]:
        test, _, phase = context.rpartition("|")
        # what a fixture of a file does is done for the first of its tests only
        return of_file.get(file_of(test), set()) if phase == "setup" else {test}

    lines = {
        str(Path(path).relative_to(folder / "tree")): {
            number: frozenset[str]().union(*map(tests, contexts))
            for number, contexts in data.contexts_by_lineno(path).items()
        }
        for path in data.measured_files()
    }
    return Lines(seconds, lines, importers())


class Times:
    """A plugin of pytest: how long each test takes, and which do not pass."""

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
    """Find the caches of the packages."""
    session.stash[CACHES] = [
        one
        for one in gc.get_objects()
        if isinstance(one, _lru_cache_wrapper) and str(one.__module__).startswith(MODULES)
    ]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Empty the caches, which would hide that a later test runs a line too."""
    for cache in item.session.stash[CACHES]:
        cache.cache_clear()


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
