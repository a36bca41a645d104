"""Results in words, for every form that people read; and what did not pass, as services know it again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import sha256

from kimi_planner.checks.coverage import Coverage
from kimi_planner.checks.results import CheckResult, Outcome, ordered
from kimi_planner.checks.run import CheckReport
from kimi_planner.notes import counted


def result_line(result: CheckResult) -> str:
    """Return a result on one line: outcome, place, message."""
    line = f":{result.line}" if result.line is not None else ""
    return f"{result.outcome.name:<7}  {result.path}{line}: {result.message}"


def summary(results: Iterable[CheckResult]) -> str:
    """Return how many checks there were and how many did not pass."""
    found = Counter(result.outcome for result in results)
    failed = sum(number for outcome, number in found.items() if not outcome.passes)
    warned = found[Outcome.WARNING]
    warnings = f", {counted(warned, 'warning')}" if warned else ""
    return f"{counted(found.total(), 'check')}, {failed:,} not passed{warnings}"


def covered(coverage: Coverage) -> str:
    """Return in a sentence how much of what looks like a prompt was counted."""
    states = Counter(file.state for file in coverage.files)
    files = ", ".join(f"{states[state]:,} {state}" for state in ("counted", "skipped", "unknown"))
    if coverage.share is None:
        return f"Coverage: no prompt was counted; files: {files}."
    every = coverage.counted_tokens + coverage.left_out_tokens
    return (
        f"Coverage: {float(coverage.share):.1%}, {coverage.counted_tokens:,} of {every:,} tokens of "
        f"texts that look like prompts; files: {files}."
    )


def coverage_lines(coverage: Coverage) -> list[str]:
    """Return what became of each file, and each text that was not counted, a line each."""
    files = [f"{one.state:<7}  {one.path}: {one.why}" for one in coverage.files]
    texts = [
        f"not counted  {one.path}:{one.line}: {one.name}, {one.tokens:,} tokens"
        for one in coverage.left_out
    ]
    return [covered(coverage), *(f"  {line}" for line in (*files, *texts))]


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
