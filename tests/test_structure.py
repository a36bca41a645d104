"""The structure of the package: data flows one way, names are public on purpose, docstrings run."""

import ast
import dataclasses
import doctest
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

import kimi_planner
from kimi_planner.workload import Constant

PACKAGE = Path(kimi_planner.__file__).parent

#: A module imports only from its own part and from the parts on lines above it.
LAYERS = (
    {"errors", "limits"},
    {"lazy", "arguments", "boundary"},
    {"notes"},
    {"money", "files", "json_text", "safe", "writes"},
    {"csv_file", "packed", "streams", "toml_file"},
    {"rich"},
    {"catalog"},
    {"tokens"},
    {"pandas"},
    {"billing"},
    {"usage"},
    {"dask"},
    {"series"},
    {"workload"},
    {"calls"},
    {"plan"},
    {"reconcile"},
    {"forecast"},
    {"capacity"},
    {"choose"},
    {"plot"},
    {"report"},
    {"checks"},
    {"cli"},
    {"pytest_plugin"},
)
RANK = {part: rank for rank, layer in enumerate(LAYERS) for part in layer}
SOURCES = sorted(PACKAGE.rglob("*.py"))
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages([str(PACKAGE)], "kimi_planner.")
    if not module.name.endswith("__main__")
)


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported_parts(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the direction"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("kimi_planner.")}
    return found & set(RANK)


def test_every_part_has_its_place():
    """A new part of the package must be given a place in the direction of imports."""
    parts = {part_of(path) for path in SOURCES} - {"__init__", "__main__"}
    assert parts == set(RANK)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path):
    """A module imports only from parts that stand above its own."""
    part = part_of(path)
    if part in ("__init__", "__main__"):
        return
    upwards = {name for name in imported_parts(path) if name != part and RANK[name] >= RANK[part]}
    assert not upwards, f"{path.name} in {part} imports from {sorted(upwards)}"


PRICE = re.compile(r"usd_per_mtok|(^|_)(price|rate)s?($|_)|tariff")
AMOUNT = re.compile(r"tokens|prompt|completion|output|cached|written|reasoning|answer|usage|calls")


def priced_by_hand(source: str) -> list[str]:
    """Return the products of a price and an amount."""

    def names(node: ast.AST) -> list[str]:
        every = list(ast.walk(node))
        return [one.id for one in every if isinstance(one, ast.Name)] + [
            one.attr for one in every if isinstance(one, ast.Attribute)
        ]

    return [
        ast.unparse(node)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.MatMult)
        for one, other in ((node.left, node.right), (node.right, node.left))
        if any(map(PRICE.search, names(one))) and any(map(AMOUNT.search, names(other)))
    ]


def test_a_bill_has_one_home():
    """Only `billing` multiplies a price by tokens."""
    assert priced_by_hand("usd = spec.price('input') * 1 + tokens * rates.output_usd_per_mtok")
    assert priced_by_hand("usd = prompt_tokens @ prices")
    found = {
        str(path.relative_to(PACKAGE)): products
        for path in SOURCES
        if part_of(path) != "billing"
        and (products := priced_by_hand(path.read_text(encoding="utf-8")))
    }
    assert not found


def test_public_names_are_sorted_and_there():
    """Every public name exists, once, and `__all__` is sorted."""
    assert kimi_planner.__all__ == sorted(set(kimi_planner.__all__))
    for name in kimi_planner.__all__:
        assert getattr(kimi_planner, name) is not None
    assert set(kimi_planner.__all__) <= set(dir(kimi_planner))


def test_a_public_name_of_a_part_is_its_group():
    """A part of the package, once imported, would stand where a function of its name does."""
    for name in set(kimi_planner.__all__) & set(RANK):
        assert getattr(kimi_planner, name) is importlib.import_module(f"kimi_planner.{name}")


def test_the_top_level_can_be_read_at_a_glance():
    """Tab completion shows what most people need, and groups for the rest."""
    assert len(dir(kimi_planner)) <= 30
    assert {*kimi_planner.__all__, "__version__"} == set(dir(kimi_planner))


GROUPS = [name for name in kimi_planner.__all__ if name in RANK]


@pytest.mark.parametrize("group", GROUPS)
def test_names_of_a_group_are_there(group):
    """Every public name of a group exists, and no module of the group hides it."""
    package = getattr(kimi_planner, group)
    for name in package.__all__:
        value = getattr(package, name)
        assert not isinstance(value, type(importlib)), f"{group}.{name} is a module"
        assert f"kimi_planner.{group}.{name}" not in MODULES, "an import of it would hide the name"
        assert name in dir(package)


#: What is added to while something is read or searched; everything else is a value.
ADDED_TO = {
    "billing.corpus.result.FileCount",
    "billing.corpus.sample.Block",
    "checks.found._Search",
    "checks.globs.Files",
    "checks.proposal._Group",
    "plot.lettering.Words",
    "report.coefficients._Shapes",
    "tokens.messages.Findings",
    "tokens.prompts.parts.Allowance",
    "tokens.requests.Request",
    "tokens.templates.tools._Scope",
    "usage.entries.Unwrapping",
    "usage.lines.Rejects",
    "usage.repeats.Twice",
    "usage.rows.Problems",
    "usage.rows.Rows",
    "usage.table.Count",
    "usage.table.Table",
    "usage.totals.stream.Part",
}


def is_frozen(value: type) -> bool:
    return value.__dataclass_params__.frozen


def test_values_do_not_change():
    """A result can be shared and kept: it is what it was when it was made."""
    classes = {
        value
        for name in MODULES
        for value in vars(importlib.import_module(name)).values()
        if isinstance(value, type)
        and dataclasses.is_dataclass(value)
        and value.__module__.startswith("kimi_planner.")
    }
    names = {f"{one.__module__}.{one.__name__}" for one in classes if not is_frozen(one)}
    assert {name.removeprefix("kimi_planner.") for name in names} == ADDED_TO
    assert len(classes) > 250


def test_what_is_public_is_made_by_name():
    """A field that is added breaks no call: those of public classes are given by name."""
    values = [getattr(kimi_planner, name) for name in kimi_planner.__all__]
    values += [getattr(group, name) for group in values for name in getattr(group, "__all__", ())]
    public = {one for one in values if isinstance(one, type) and dataclasses.is_dataclass(one)}
    fields = [(one, field) for one in public for field in dataclasses.fields(one) if field.init]
    assert [f"{one.__name__}.{field.name}" for one, field in fields if not field.kw_only] == []
    assert len(public) > 60


def test_unknown_name_is_an_attribute_error():
    """A misspelled public name fails as in any other module."""
    with pytest.raises(AttributeError, match="count_token"):
        kimi_planner.count_token  # noqa: B018 - the access is the test


class Examples(doctest.DocTestFinder):
    """Finds the examples of decorated functions too."""

    def _from_module(self, module, value):
        return super()._from_module(module, inspect.unwrap(value))


@pytest.mark.parametrize("name", MODULES)
def test_declared_names_and_examples(name):
    """Every name in `__all__` exists, and every example in a docstring gives what it says."""
    module = importlib.import_module(name)
    for public in getattr(module, "__all__", ()):
        assert hasattr(module, public), f"{name} has no {public}"
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for example in Examples().find(module):
        runner.run(example)
    plt.close("all")
    assert runner.summarize().failed == 0


def test_public_callables_have_full_docstrings():
    """Every public function says what it takes, returns and raises."""
    for name in kimi_planner.__all__:
        value = getattr(kimi_planner, name)
        if not callable(value):
            continue
        text = value.__doc__ or ""
        assert text.strip(), name
        if not isinstance(value, type) and inspect.signature(value).parameters:
            for section in ("Parameters\n", "Raises\n"):
                assert section in text, f"{name}: no section {section.strip()}"


def test_nothing_that_users_call_lacks_an_example():
    """What is public shows how it is called; that the examples run is tested above."""
    groups = [kimi_planner, *(getattr(kimi_planner, group) for group in GROUPS)]
    functions = [
        value
        for group in groups
        for name in group.__all__
        if inspect.isfunction(value := getattr(group, name))
    ]
    constructed = [
        value
        for group in groups
        for name in group.__all__
        if inspect.isclass(value := getattr(group, name)) and hasattr(value.__init__, "__wrapped__")
    ]
    assert len(functions) > 70
    assert len(constructed) > 4
    lacking = {one.__name__ for one in functions + constructed if "Examples\n" not in one.__doc__}
    assert lacking == set()


def test_version_is_said_once():
    """The package and its metadata name the same version."""
    from importlib.metadata import version

    assert version("kimi-planner") == kimi_planner.__version__


def test_counting_in_a_fresh_process_stays_light():
    """Importing the package and counting tokens loads none of the heavy libraries."""
    script = (
        "import sys, kimi_planner; assert kimi_planner.count_tokens('x') == 1; "
        "print([name for name in ('pandas', 'scipy', 'matplotlib', 'click') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


TYPES = {
    "project": lambda: kimi_planner.project(None),
    "project text": lambda: kimi_planner.project("workloads.toml"),
    "context_fit": lambda: kimi_planner.context_fit(5),
    "recommend": lambda: kimi_planner.recommend(kimi_planner.load_workloads(), {"needs": []}),
    "load_workloads": lambda: kimi_planner.load_workloads(5),
    "price_usage": lambda: kimi_planner.price_usage("usage.csv"),
    "count_corpus": lambda: kimi_planner.tokens.count_corpus(None),
    "load_catalog": lambda: kimi_planner.load_catalog(2026),
    "load_limits": lambda: kimi_planner.capacity.load_limits(2026),
    "throughput": lambda: kimi_planner.capacity.throughput(5),
    "notes": lambda: kimi_planner.Workload(
        name="w", requests_per_day=1, prompt_tokens=1, completion_tokens=1, notes="text"
    ),
    "constant": lambda: kimi_planner.Workload(
        name="w", requests_per_day=Constant(Decimal(-5)), prompt_tokens=1, completion_tokens=1
    ),
}


@pytest.mark.parametrize("call", TYPES.values(), ids=TYPES.keys())
def test_a_wrong_type_is_an_error_of_ours(call):
    """A value of the wrong type is named in one line, with what to give instead."""
    with pytest.raises(kimi_planner.KimiPlannerError) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_catalog_can_be_named_wherever_one_is_taken():
    """A version stands for its catalog in every function, as on the command line."""
    usage = {"prompt_tokens": 1, "completion_tokens": 1}
    named = kimi_planner.cost(usage, "kimi-k2", catalog="2026-06")
    assert named == kimi_planner.cost(usage, "kimi-k2", catalog=kimi_planner.load_catalog())
    fit = kimi_planner.context_fit(kimi_planner.load_workloads(), catalog="2026-06")
    assert fit.catalog_version == "2026-06"
    with pytest.raises(kimi_planner.KimiPlannerError, match="2020-01"):
        kimi_planner.count_messages([{"role": "user", "content": "x"}], "k", catalog="2020-01")


def test_numbers_of_numpy_are_numbers():
    """A workload takes numbers as numpy and pandas return them."""
    numbers = {"requests_per_day": np.int64(5), "prompt_tokens": np.float64(0.5)}
    workload = kimi_planner.Workload(name="w", completion_tokens=np.int32(7), **numbers)
    assert workload.requests_per_day.value == 5
    assert workload.prompt_tokens.value == Decimal("0.5")


def test_every_promise_of_security_has_its_test():
    """A sentence of the security page names tests, and each of them is there."""
    root = PACKAGE.parent
    text = (root / "docs" / "security.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| [A-Z][^|]*[.] \| (.+) \|$", text, re.MULTILINE)
    assert len(rows) >= 16
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    tests = "".join(path.read_text(encoding="utf-8") for path in (root / "tests").glob("test_*.py"))
    assert {name for name in named if f"def {name}(" not in tests} == set()
    assert all("`test_" in row for row in rows)
