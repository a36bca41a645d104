"""The texts of a proposal: a configuration with today's counts, and a stub of a workload for each call of a model."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from kimi_planner.checks.prompts import LeftOut, Prompt
from kimi_planner.errors import FileError
from kimi_planner.files import read_text
from kimi_planner.limits import TEXT_BYTES
from kimi_planner.safe import on_one_line
from kimi_planner.tokens.prompts.forms import SCRIPTS, form_of

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


#: Calls of the clients of OpenAI, Anthropic, LiteLLM, Ollama, CrewAI and the AI SDK.
_CALL = re.compile(
    r"(?<![\w.])(?!def\b|function\b)((?:\w+\.)*(?:chat\.completions\.(?:create|parse|stream)|ChatCompletion\.a?create|"
    r"responses\.(?:create|parse|stream)|messages\.(?:create|stream)|litellm\.a?completion|ollama\.chat|"
    r"crew\(\)\.kickoff)|(?:generate|stream)(?:Text|Object))\s*\("
)
_STUBS_HEAD = """\
# Places that call a model. What they send is counted; how often they do, and how long answers are, is
# for you to say: take the marks off, fill in what is empty, then: kimi-planner plan workloads.toml
"""


@dataclass(frozen=True, kw_only=True)
class CallSite:
    """A place that calls a model.

    Attributes
    ----------
    path, line
        Where it stands.
    call
        How it is spelled.
    """

    path: str
    line: int
    call: str


def call_sites(files: Iterable[tuple[str, Path]]) -> Iterator[CallSite]:
    """Yield the places of some files, by name and path, that call a model."""
    for name, path in files:
        if form_of(path) not in ("python", *SCRIPTS):
            continue
        try:
            text = read_text(path, limit=TEXT_BYTES)
        except FileError:  # the check of it says why
            continue
        for found in _CALL.finditer(text):
            start = text.rfind("\n", 0, found.start()) + 1
            if not text[start : found.start()].lstrip().startswith(("#", "//", "*")):
                yield CallSite(path=name, line=text.count("\n", 0, start) + 1, call=found[1])


def workload_stubs(sites: Sequence[CallSite], prompts: Sequence[Prompt]) -> str:
    """Return a workload file, all of it comments, with a stub for each place; ``""`` without any."""
    if not sites:
        return ""
    return _STUBS_HEAD + "".join(_stub(one, prompts) for one in sites)


def _stub(site: CallSite, prompts: Sequence[Prompt]) -> str:
    here = {(one.line, one.name): one.fixed_tokens for one in prompts if one.path == site.path}
    tokens = sum(here.values())
    sent = f"of the {len(here):,} prompts of this file" if here else "no prompt stands in this file"
    name = re.sub(r"\W+", "-", site.path.rpartition(".")[0]).strip("-")
    return "\n".join([
        "",
        f"# {json.dumps(site.path, ensure_ascii=False)[1:-1]} line {site.line}: {site.call}",
        "# [[workload]]",
        f"# name = {json.dumps(f'{name}-{site.line}', ensure_ascii=False)}",
        "# requests_per_day =",
        f"# prompt_tokens = {tokens or ''}".rstrip() + f"  # {sent}; add what is filled in",
        "# completion_tokens =",
        "",
    ])  # fmt: skip
