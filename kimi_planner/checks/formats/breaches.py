"""What did not pass, worst first, and what a service knows a breach by from one run to the next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from hashlib import sha256

from kimi_planner.checks.results import CheckResult, Outcome, ordered
from kimi_planner.checks.run import CheckReport

__all__ = ["breaches", "fingerprinted"]


def breaches(report: CheckReport) -> list[CheckResult]:
    """Return what did not pass, and warnings, worst first."""
    return ordered(one for one in report.results if one.outcome is not Outcome.PASSED)


def fingerprinted(report: CheckReport) -> Iterator[tuple[CheckResult, str]]:
    """Yield each breach with what it is known by: not its line or its size, which change."""
    seen: Counter[str] = Counter()
    for one in breaches(report):
        parts = (one.rule, one.path, one.name or "", one.model or "", one.subject)
        digest = sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
        seen[digest] += 1
        yield one, f"{digest}:{seen[digest]}"
