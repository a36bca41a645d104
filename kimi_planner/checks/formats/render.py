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
