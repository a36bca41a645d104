"""A report as SARIF 2.1.0: one result for each breach, an empty list where there is none.

Form: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from os import fsencode
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import kimi_planner
from kimi_planner.checks.formats.lines import fingerprinted
from kimi_planner.checks.formats.visible import json_text, visible
from kimi_planner.checks.results import RULES, Outcome
from kimi_planner.checks.run import CheckReport

if TYPE_CHECKING:
    from kimi_planner.checks.growth import Comparison


SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_PLACES = {name: place for place, name in enumerate(RULES)}


def render(report: CheckReport) -> str:
    """Return the report as SARIF; a warning has its level, all else that did not pass is an error."""
    rules = [{"id": name, "shortDescription": {"text": words}} for name, words in RULES.items()]
    driver = {"name": "kimi-planner", "version": kimi_planner.__version__, "rules": rules}
    added = {} if report.comparison is None else _added(report.comparison)
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                **added,
                "results": list(_results(report)),
            }
        ],
    }
    return json_text(log) + "\n"


def _added(comparison: Comparison) -> dict[str, Any]:
    """Return what changed prompts add to a month as a property of the run, if that is known."""
    from kimi_planner.checks.formats.changed import headline

    lines = headline(comparison)
    return {"properties": {"month": lines[0]}} if lines else {}


def _results(report: CheckReport) -> Iterator[dict[str, Any]]:
    for one, fingerprint in fingerprinted(report):
        region = {} if one.line is None else {"region": {"startLine": one.line}}
        yield {
            "ruleId": one.rule,
            "ruleIndex": _PLACES[one.rule],
            "level": "warning" if one.outcome is Outcome.WARNING else "error",
            "message": {"text": visible(one.message)},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": _uri(one.path)},
                        **region,
                    }
                }
            ],
            "partialFingerprints": {"kimiPlanner/v1": fingerprint},
        }


def _uri(path: str) -> str:
    """Return a path as a relative reference; a first part with a colon would be a scheme."""
    try:
        spelled = fsencode(path)
    except UnicodeEncodeError:  # no name that a file system gave
        spelled = visible(path).encode()
    return quote(spelled, safe="/-._~")
