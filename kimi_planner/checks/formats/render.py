"""Choosing a form by its name, or by that of the file for it; only the chosen one is imported."""

from __future__ import annotations

from importlib import import_module

from kimi_planner.checks.run import CheckReport

#: Name of a form to its module.
FORMATS = {
    "text": "text",
    "json": "json_form",
    "markdown": "markdown",
    "github": "github",
    "sarif": "sarif",
    "junit": "junit",
    "gitlab": "gitlab",
}
#: How the name of a file ends to its form.
_ENDINGS = {
    ".gitlab.json": "gitlab",
    ".json": "json",
    ".markdown": "markdown",
    ".md": "markdown",
    ".sarif": "sarif",
    ".txt": "text",
    ".xml": "junit",
}


def form_of_file(name: str, asked: str) -> str:
    """Return the form of a file: what its name says, or what is asked for where that says less.

    >>> form_of_file("out.sarif", "github"), form_of_file("out.json", "sarif"), form_of_file("out", "junit")
    ('sarif', 'sarif', 'junit')
    """
    form = next((form for end, form in _ENDINGS.items() if name.lower().endswith(end)), asked)
    return asked if form == "json" and asked in ("sarif", "gitlab") else form


def render(report: CheckReport, form: str) -> str:
    """Return a report in one of `FORMATS`.

    Parameters
    ----------
    report : CheckReport
        What came of the check.
    form : str
        Key of `FORMATS`.
    """
    text: str = import_module(f"kimi_planner.checks.formats.{FORMATS[form]}").render(report)
    return text
