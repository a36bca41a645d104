"""What a file of prompts is, by the ending of its name; naming it imports no reader."""

from __future__ import annotations

from pathlib import PurePath

__all__ = ["SCRIPTS", "form_of"]

#: Forms that a grammar of scripts reads.
SCRIPTS = ("typescript", "tsx", "javascript")

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


def form_of(path: PurePath) -> str | None:
    """Return what holds prompts inside a file; ``None`` if it is one itself.

    >>> form_of(PurePath("app/agent.py")), form_of(PurePath("prompts/a.md"))
    ('python', None)
    """
    return _FORMS.get(path.suffix.lower())
