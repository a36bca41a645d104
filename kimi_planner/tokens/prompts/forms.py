"""What a file of prompts is, by the ending of its name or by its text; imports no reader."""

from __future__ import annotations

import re
from pathlib import PurePath

from kimi_planner.notes import note

#: Said of a text that has names in braces and no known style.
BRACES_NOTE = note("braces_as_text")

#: Forms that a grammar of scripts reads.
SCRIPTS = ("typescript", "tsx", "javascript")
#: Forms of which a parser makes a tree.
CODE = ("python", "jinja", "prompty", *SCRIPTS)

_FORMS = {
    ".py": "python",
    ".ipynb": "notebook",
    ".prompty": "prompty",
    ".json": "json",
    ".jsonl": "lines",
    ".toml": "toml",
    **dict.fromkeys((".yaml", ".yml"), "yaml"),
    **dict.fromkeys((".jinja", ".jinja2", ".j2"), "jinja"),
    **dict.fromkeys((".ts", ".mts", ".cts"), "typescript"),
    ".tsx": "tsx",
    **dict.fromkeys((".js", ".mjs", ".cjs", ".jsx"), "javascript"),
}

_BRACES = re.compile(r"\{\s*[A-Za-z_][\w.]*\s*\}")


def form_of(path: PurePath) -> str | None:
    """Return what holds prompts inside a file; ``None`` if it is one itself.

    >>> form_of(PurePath("app/agent.py")), form_of(PurePath("prompts/a.md"))
    ('python', None)
    """
    return _FORMS.get(path.suffix.lower())


def might_have_placeholders(text: str) -> bool:
    """Whether a text has names in braces, so that it may be a template that is filled elsewhere."""
    return _BRACES.search(text) is not None
