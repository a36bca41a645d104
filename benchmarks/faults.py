"""Small faults of the code, at random: those that cosmic-ray would put into it."""

from __future__ import annotations

import ast
import random
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from types import CodeType
from warnings import catch_warnings

ROOT = Path(__file__).parents[1]
PACKAGES = ("billing", "calls", "plan", "forecast", "usage", "checks")
#: The same meaning for every value that the packages compare so.
SAME = ("Eq_Is", "Is_Eq", "NotEq_IsNot", "IsNot_NotEq")


@dataclass(frozen=True)
class Mutant:
    """A file with a fault.

    Attributes
    ----------
    path
        The file, from the root of the checkout.
    first, last
        The lines of the statement; of a block, those of its head.
    operator, occurrence
        A kind of fault that cosmic-ray knows, and which of those of the file.
    """

    path: str
    first: int
    last: int
    operator: str
    occurrence: int

    @property
    def module(self) -> str:
        """The module's name."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @cache  # noqa: B019 - of a sample, read by all who judge it
    def source(self) -> str:
        """Return the file with its fault."""
        from cosmic_ray.mutating import mutate_code
        from cosmic_ray.plugins import get_operator

        text = (ROOT / self.path).read_text(encoding="utf-8")
        return str(mutate_code(text, get_operator(self.operator)(), self.occurrence))

    def code(self, path: str) -> CodeType:
        """Return the file with its fault, compiled; what Python warns of is the fault's."""
        with catch_warnings(action="ignore", category=SyntaxWarning):
            return compile(self.source(), path, "exec", dont_inherit=True)

    def compiles(self) -> bool:
        """Return whether the file is Python: ``*`` is no product where arguments are listed.

        Where the name of an exception has a dot, cosmic-ray (8.7) fails to replace it.
        """
        try:
            self.code(self.path)
        except (SyntaxError, AttributeError):
            return False
        return True

    def __str__(self) -> str:
        before = (ROOT / self.path).read_text(encoding="utf-8").splitlines()
        pairs = zip(before, self.source().splitlines(), strict=False)
        old, new = next((pair for pair in pairs if pair[0] != pair[1]), ("", ""))
        operator = self.operator.partition("/")[2]
        return f"{self.path}:{self.first} {operator}\n  - {old.strip()}\n  + {new.strip()}"


def sampled(count: int, seed: int) -> list[Mutant]:
    """Return one fault of each of so many places, all as likely; what is no Python is no fault."""
    chance = random.Random(seed)  # noqa: S311 - the same every time
    places = sorted(every().items())
    chance.shuffle(places)
    mutants = (chance.choice(faults) for _, faults in places)
    return list(islice(filter(Mutant.compiles, mutants), count))


def every() -> dict[tuple[str, int, int], list[Mutant]]:
    """Return the faults of every place of the packages: a file, a line and a column."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.plugins import get_operator, operator_names

    operators = {
        name: operator()
        for name in operator_names()
        if not (operator := get_operator(name)).arguments() and not name.endswith(SAME)
    }
    found: dict[tuple[str, int, int], list[Mutant]] = {}
    for path in (
        path for name in PACKAGES for path in (ROOT / "kimi_planner" / name).rglob("*.py")
    ):
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
    """Return where annotations begin and end; they do not run."""
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
            head = node.pattern if isinstance(node, ast.match_case) else node
            first = min(one.lineno for one in (head, *getattr(node, "decorator_list", ())))
            last = max(first, body[0].lineno - 1) if body else head.end_lineno or first
            found |= dict.fromkeys(range(first, last + 1), (first, last))
    return found
