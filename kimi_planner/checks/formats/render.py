"""Choosing a form by its name; only the chosen one is imported."""

from __future__ import annotations

from importlib import import_module

from kimi_planner.checks.run import CheckReport

__all__ = ["FORMATS", "render"]

#: Name of a form to its module.
FORMATS = {
    "text": "text",
    "json": "json_form",
    "markdown": "markdown",
    "github": "github",
    "sarif": "sarif",
    "junit": "junit",
}


def render(report: CheckReport, form: str, base: str = "") -> str:
    """Return a report in one of `FORMATS`.

    Parameters
    ----------
    report : CheckReport
        What came of the check.
    form : str
        Key of `FORMATS`.
    base : str
        Folder of the configuration below the root of the repository; annotations and locations are
        relative to that root.
    """
    text: str = import_module(f"kimi_planner.checks.formats.{FORMATS[form]}").render(report, base)
    return text
