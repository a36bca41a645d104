"""Places that call a model, by how clients are spelled, and a stub of a workload for each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kimi_planner.checks.prompts import Prompt
from kimi_planner.errors import FileError
from kimi_planner.files import read_text
from kimi_planner.limits import TEXT_BYTES
from kimi_planner.tokens.prompts.forms import SCRIPTS, form_of

__all__ = ["CallSite", "call_sites", "workload_stubs"]

#: Calls of the clients of OpenAI, Anthropic, LiteLLM, Ollama, CrewAI and the AI SDK.
_CALL = re.compile(
    r"(?<![\w.])(?!def\b|function\b)((?:\w+\.)*(?:chat\.completions\.(?:create|parse|stream)|ChatCompletion\.a?create|"
    r"responses\.(?:create|parse|stream)|messages\.(?:create|stream)|litellm\.a?completion|ollama\.chat|"
    r"crew\(\)\.kickoff)|(?:generate|stream)(?:Text|Object))\s*\("
)
_HEAD = """\
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
    return _HEAD + "".join(_stub(one, prompts) for one in sites)


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
