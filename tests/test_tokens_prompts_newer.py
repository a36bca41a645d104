"""Python that is newer than the Python that reads it gives the same prompts."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from kimi_planner.errors import RequestError
from kimi_planner.tokens.prompts import newer
from kimi_planner.tokens.prompts.newer import parse_python
from kimi_planner.tokens.prompts.parts import Variable
from kimi_planner.tokens.prompts.python import python_templates

pytest.importorskip("tree_sitter_python", reason="needs the extra templates")

NEW = '''\
type Names[T] = list[T]
class Box[T: (int, str)]:
    """Doc."""
def first[
    T, *Ts,
](items: list[T]) -> T:
    try:
        return items[0]
    except KeyError, IndexError:
        raise
A_PROMPT = f"Hi {user["name"]}, {f"{"you"} are"} {{kept}} \\t{count:>{wide}} {kind!r}" " twice"
B_PROMPT = rf"""raw \\n {
    user  # a comment
}"""
C_PROMPT = "after"
odd = f"{a["b"]} is marked"  # kimi-planner: prompt
'''


def test_newer_syntax_is_read():
    """Type parameters, aliases, nested quotes, comments in fields, and exceptions in a row."""
    prompts = python_templates(NEW, "p.py").prompts
    assert [(one.name, one.line, one.parts) for one in prompts] == [
        ("A_PROMPT", 11, (
            "Hi ", Variable("user['name']"), ", you are {kept} \t", Variable("count:>{wide}"), " ",
            Variable("kind!r"), " twice",
        )),
        ("B_PROMPT", 12, ("raw \\n ", Variable("user"))),
        ("C_PROMPT", 15, ("after",)),
        ("odd", 16, (Variable("a['b']"), " is marked")),
    ]  # fmt: skip


OLD = (
    'x = f"a {b} {{c}} {d!r} {e:>{f}} {g=} {h:.2f}" "i" f"{j}"\n',
    "def f(a):\n    return f'''{a}\n\\n{a + 1}''' + 'b'\n",
    'y = (f"{1}"\n     rf"\\d{2}")\n',
    "z = rf\"\\{1}\" f'''\"{2}\" \\n'''\n",
)


@pytest.mark.parametrize("source", OLD)
def test_what_is_put_together_is_what_ast_makes(source):
    """On syntax that both know, the tree has the same texts and fields as `ast` gives."""
    made = newer._Newer(source).tree()
    assert ast.unparse(_merged(made)) == ast.unparse(_merged(ast.parse(source)))


def _merged(tree):
    """Return a tree with texts that touch put together, and empty ones left out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            values = []
            for value in node.values:
                if (
                    isinstance(value, ast.Constant)
                    and values
                    and isinstance(values[-1], ast.Constant)
                ):
                    values[-1] = ast.Constant(values[-1].value + value.value)
                elif not (isinstance(value, ast.Constant) and value.value == ""):
                    values.append(value)
            node.values = values
    return tree


def test_what_no_python_reads_is_an_error_at_its_line():
    """A fault is still named as this Python names it."""
    with pytest.raises(RequestError, match=r"p\.py line 2: not Python"):
        python_templates('type X = int\nA_PROMPT = f"{"\n', "p.py")


def test_without_the_reader_the_fault_stands(monkeypatch):
    """Nothing is guessed where tree-sitter is not installed."""
    monkeypatch.setitem(sys.modules, "tree_sitter", None)
    with pytest.raises(SyntaxError):
        parse_python("def f(:\n")


@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_other_pythons_find_the_same_prompts(version):
    """The same texts, variables and lines from another interpreter, where there is one."""
    pythons = sorted(Path.home().glob(f".pyenv/versions/{version}*/bin/python"))
    if not pythons:
        pytest.skip(f"needs Python {version}")
    code = (
        "import sys; sys.path[:0] = [sys.argv[1]]\n"
        "from kimi_planner.tokens.prompts.python import python_templates\n"
        "print([(p.name, p.line, p.parts) for p in python_templates(sys.argv[2], 'p.py').prompts])"
    )
    source = NEW.replace("KeyError, IndexError", "(KeyError, IndexError)")
    root = str(Path(newer.__file__).parents[3])
    done = subprocess.run(
        [pythons[-1], "-c", code, root, source], capture_output=True, text=True, check=False
    )
    prompts = python_templates(source, "p.py").prompts
    assert done.stdout == f"{[(one.name, one.line, one.parts) for one in prompts]}\n", done.stderr
