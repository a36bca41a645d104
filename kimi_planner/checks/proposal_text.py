"""The text of a proposed configuration: budgets with today's counts, and why files are left out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from kimi_planner.checks.prompts import LeftOut, Prompt
from kimi_planner.safe import on_one_line

__all__ = ["ProposedBudget", "configuration"]

_MOST_COVERAGE = Fraction(95, 100)  # asked for, so that the next message of a log breaks nothing
_SHOWN = 10  # variables
_HEAD = """\
# What prompts may have, from today's counts: kimi-planner check holds them against it.
# Every key: docs/checks.md of kimi_planner.
"""
_FIXED = 'hold = "fixed"  # counts the text without what is filled in; say how long that may be, and drop this:'


@dataclass(frozen=True, kw_only=True)
class ProposedBudget:
    """A budget that is proposed.

    Attributes
    ----------
    paths, exclude
        Globs, and those of files to leave out with the reason.
    prompts, left_out
        What is found by them.
    """

    paths: Sequence[str]
    exclude: Mapping[str, str]
    prompts: Sequence[Prompt]
    left_out: Sequence[LeftOut]


def configuration(budgets: Iterable[ProposedBudget], share: Fraction | None, headroom: int) -> str:
    """Return the text of a configuration.

    Parameters
    ----------
    budgets : iterable of ProposedBudget
        What stands in it.
    share : Fraction, optional
        The coverage that there is, asked for in twentieths.
    headroom : int, percent
        How far a limit lies above today's largest count.
    """
    least = Fraction(int(min(share or Fraction(0), _MOST_COVERAGE) * 20), 20)
    coverage = f"min_coverage = {float(least):g}\n" if least else ""
    return _HEAD + coverage + "".join(_table(one, headroom) for one in budgets)


def _table(budget: ProposedBudget, headroom: int) -> str:
    most = max(budget.prompts, key=lambda one: one.tokens or 0)
    tokens, number = most.tokens or 0, len(budget.prompts)
    lines = ["", "[[prompts]]", f"paths = {_list(budget.paths)}"]
    if budget.exclude:
        left_out = (f"  {_quoted(name)},  # {_said(why)}" for name, why in budget.exclude.items())
        lines += ["exclude = [", *left_out, "]"]
    of = f"{number:,} prompts, the largest in {most.path}" if number > 1 else most.path
    lines.append(f"max_tokens = {_room(tokens, headroom)}  # {tokens:,} today: {_said(of)}")
    if variables := sorted({name for one in budget.prompts for name in one.variables}):
        named = [f"# variables.{_quoted(name)} = {{ max_tokens = 0 }}" for name in variables]
        more = len(named) - _SHOWN
        lines += [_FIXED, *named[:_SHOWN], *([f"# and {more:,} more"] if more > 0 else [])]
    return "\n".join(lines) + "\n"


def _room(tokens: int, headroom: int) -> int:
    """Return a limit above a count, in two digits."""
    most = max(-(-tokens * (100 + headroom) // 100), tokens + 1)
    unit: int = 10 ** max(0, len(str(most)) - 2)
    return -(-most // unit) * unit


def _list(texts: Sequence[str]) -> str:
    if len(texts) == 1:
        return f"[{_quoted(texts[0])}]"
    return "[\n" + "".join(f"  {_quoted(text)},\n" for text in texts) + "]"


def _quoted(text: str) -> str:
    """Return text as a string of TOML, which is one of JSON but for the last control character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _said(text: str) -> str:
    return on_one_line(text, 160)
