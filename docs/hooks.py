"""Pages of the documentation that are written from the code: the reference and the command line."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from mkdocs.structure.files import File, Files

import kimi_planner
from kimi_planner.cli import _cli

#: A heading for what stands at the top; the groups have the first line of their own docstrings.
TOP = "kimi_planner"
GROUPS = [TOP, *(f"{TOP}.{name}" for name in kimi_planner.__all__ if inspect.ismodule(getattr(kimi_planner, name)))]
ROOT = Path(__file__).parent.parent


def on_files(files: Files, config: Any) -> Files:
    """Add a page for each group of public names, their index, and the command line."""
    pages = {f"reference/{short(group)}.md": group_page(group) for group in GROUPS}
    pages["reference/index.md"] = index_page()
    pages["reference/commands.md"] = commands_page()
    pages["data.md"] = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Let links to the page of the data files, which lives beside them, lead to it on the site."""
    return markdown.replace("](../data/README.md", "](data.md").replace("](../docs/", "](")


def short(group: str) -> str:
    """Return the name of a group without that of the package."""
    return group.removeprefix(f"{TOP}.")


def public_of(group: str) -> dict[str, Any]:
    """Return the public names of a group that are no groups themselves."""
    module = importlib.import_module(group)
    names = {name: getattr(module, name) for name in module.__all__}
    return {name: value for name, value in names.items() if not inspect.ismodule(value)}


def first_line(value: Any) -> str:
    """Return the first sentence of a docstring."""
    return (inspect.getdoc(value) or "").split("\n", 1)[0]


def group_page(group: str) -> str:
    """Return the page of a group: each name with its docstring, from the module it lives in."""
    entries = [
        f"::: {value.__module__}.{name}" for name, value in public_of(group).items() if hasattr(value, "__module__")
    ]
    intro = first_line(importlib.import_module(group))
    return "\n\n".join([f"# {group}", intro, *entries]) + "\n"


def index_page() -> str:
    """Return the list of every public name, with the first sentence of its docstring."""
    parts = ["# Reference", "Written from the docstrings. All names of a group are reached as `kp.<group>.<name>`."]
    for group in GROUPS:
        rows = [
            f"| [`{name}`]({short(group)}.md#{value.__module__}.{name}) | {first_line(value)} |"
            for name, value in public_of(group).items()
            if hasattr(value, "__module__")
        ]
        parts += [f"## {group}", "\n".join(["| name | what it is |", "|---|---|", *rows])]
    return "\n\n".join(parts) + "\n"


def commands_of(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
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
        context = click.Context(command, info_name=" ".join(path), max_content_width=96, terminal_width=96)
        parts += [f"## {' '.join(path)}", f"```text\n{command.get_help(context)}\n```"]
    return "\n\n".join(parts) + "\n"
