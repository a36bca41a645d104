"""A report as SARIF 2.1.0: one result for each breach, an empty list where there is none.

Form: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import sha256
from os import fsencode
from typing import Any
from urllib.parse import quote

import kimi_planner
from kimi_planner.checks.formats.visible import json_text, visible
from kimi_planner.checks.results import RULES, CheckResult, Outcome, ordered
from kimi_planner.checks.run import CheckReport

__all__ = ["render"]

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_PLACES = {name: place for place, name in enumerate(RULES)}


def render(report: CheckReport) -> str:
    """Return the report as SARIF; a warning has its level, all else that did not pass is an error."""
    found = [one for one in ordered(report.results) if one.outcome is not Outcome.PASSED]
    rules = [{"id": name, "shortDescription": {"text": words}} for name, words in RULES.items()]
    driver = {"name": "kimi-planner", "version": kimi_planner.__version__, "rules": rules}
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "results": list(_results(found)),
            }
        ],
    }
    return json_text(log) + "\n"


def _results(found: Iterable[CheckResult]) -> Iterator[dict[str, Any]]:
    seen: Counter[str] = Counter()
    for one in found:
        print_ = _fingerprint(one)
        seen[print_] += 1
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
            "partialFingerprints": {"kimiPlanner/v1": f"{print_}:{seen[print_]}"},
        }


def _uri(path: str) -> str:
    """Return a path as a relative reference; a first part with a colon would be a scheme."""
    try:
        spelled = fsencode(path)
    except UnicodeEncodeError:  # no name that a file system gave
        spelled = visible(path).encode()
    return quote(spelled, safe="/-._~")


def _fingerprint(result: CheckResult) -> str:
    """Return what a breach is known by: not its line or its size, which change."""
    parts = (result.rule, result.path, result.name or "", result.model or "", result.subject)
    return sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
