"""The documentation site: `python -m sphinx -W -b html docs site`; every warning is an error in CI."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from sphinx.application import Sphinx

import kimi_planner
from kimi_planner.cli import _cli

project = "kimi_planner"
release = version = kimi_planner.__version__
html_title = f"kimi_planner {release}"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["conf.py"]
html_theme = "furo"
html_show_sourcelink = False
html_show_copyright = False
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
suppress_warnings = ["myst.xref_ambiguous"]
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_attr_annotations = False
autodoc_typehints = "none"  # types stand in the docstrings, with units
autodoc_member_order = "bysource"
autodoc_class_signature = "separated"
copybutton_exclude = ".linenos, .gp"

DOCS = Path(__file__).parent
#: Pages that lie elsewhere in the repository.
ELSEWHERE = {
    "data.md": "data/README.md",
    "reporting.md": "SECURITY.md",
    "changes.md": "CHANGELOG.md",
}
TOP = "kimi_planner"
GROUPS = [
    TOP,
    *(
        f"{TOP}.{name}"
        for name in kimi_planner.__all__
        if inspect.ismodule(getattr(kimi_planner, name))
    ),
]
_FILE = re.compile(r'^```(?P<language>\w+) title="(?P<title>[^"]+)"$', re.MULTILINE)


def setup(app: Sphinx) -> None:
    """Write the made pages first, and show the names of files above their text."""
    app.connect("builder-inited", lambda _: write_pages())
    app.connect("source-read", name_files)


def name_files(_: Sphinx, __: str, source: list[str]) -> None:
    """Turn the title of a block, which other viewers of Markdown pass over, into its caption."""
    text = _FILE.sub(r"```{code-block} \g<language>\n:caption: \g<title>\n", source[0])
    for page, path in ELSEWHERE.items():
        text = text.replace(f"../{path}", page)
    source[0] = text.replace("{code-block} csv", "{code-block} text")


def write_pages() -> None:
    """Write a page for each group of public names, their index, and the command line."""
    (DOCS / "reference").mkdir(exist_ok=True)
    pages = {f"reference/{short(group)}.md": group_page(group) for group in GROUPS}
    pages |= {"reference/index.md": index_page(), "reference/commands.md": commands_page()}
    for page, path in ELSEWHERE.items():
        text = (DOCS.parent / path).read_text(encoding="utf-8")
        text = text.replace("](../docs/", "](").replace("](docs/", "](")
        for other, place in ELSEWHERE.items():
            text = text.replace(f"]({place}", f"]({other}")
        pages[page] = text
    for name, text in pages.items():  # a page that is as it was need not be read again
        if not (DOCS / name).is_file() or (DOCS / name).read_text(encoding="utf-8") != text:
            (DOCS / name).write_text(text, encoding="utf-8")


def short(group: str) -> str:
    """Return the name of a group without that of the package."""
    return group.removeprefix(f"{TOP}.")


def public_of(group: str) -> dict[str, Any]:
    """Return the public functions and classes of a group."""
    module = importlib.import_module(group)
    names = {name: getattr(module, name) for name in module.__all__}
    return {
        name: value
        for name, value in names.items()
        if inspect.isroutine(value) or inspect.isclass(value)
    }


def first_line(value: Any) -> str:
    """Return the first sentence of a docstring."""
    return (inspect.getdoc(value) or "").split("\n", 1)[0]


def spelled(group: str, name: str) -> str:
    """Return how a reader calls a name."""
    return f"kp.{name}" if group == TOP else f"kp.{short(group)}.{name}"


def target(group: str, name: str) -> str:
    """Return where a name stands; case alone does not tell targets apart."""
    return f"{spelled(group, name)}{'-class' if name[0].isupper() else ''}"


def group_page(group: str) -> str:
    """Return the page of a group: each name with its docstring."""
    parts = [f"# {group}", first_line(importlib.import_module(group))]
    for name, value in public_of(group).items():
        directive = "autoclass" if inspect.isclass(value) else "autofunction"
        options = ":members:\n" if inspect.isclass(value) else ""
        parts += [
            f"({target(group, name)})=\n## {spelled(group, name)}",
            f"```{{eval-rst}}\n.. {directive}:: {group}.{name}\n"
            + (f"   {options}" if options else "")
            + "   :no-index:\n```",
        ]
    return "\n\n".join(parts) + "\n"


def index_page() -> str:
    """Return the list of every public name, with the first sentence of its docstring."""
    parts = ["# Reference", "Written from the docstrings; `kp` is `import kimi_planner as kp`."]
    for group in GROUPS:
        rows = [
            f"| [`{spelled(group, name)}`](#{target(group, name)}) | {first_line(value)} |"
            for name, value in public_of(group).items()
        ]
        parts += [
            f"## [{group}]({short(group)}.md)",
            "\n".join(["| name | what it is |", "|---|---|", *rows]),
        ]
    toc = "\n".join(["```{toctree}", ":hidden:", "", *(short(group) for group in GROUPS), "```"])
    return "\n\n".join([*parts, toc]) + "\n"


def commands_of(
    command: click.Command, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield a command and all below it, with the words that call them."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None:
                yield from commands_of(below, (*path, name))


def commands_page() -> str:
    """Return the help of every command, as the command itself prints it."""
    parts = ["# Command line", "The help of each command, as it prints it itself."]
    for path, command in commands_of(_cli, ("kimi-planner",)):
        context = click.Context(
            command, info_name=" ".join(path), max_content_width=88, terminal_width=88
        )
        parts += [f"## {' '.join(path)}", f"```text\n{command.get_help(context)}\n```"]
    return "\n\n".join(parts) + "\n"
