"""Prompts as a file holds them, with what they count to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from kimi_planner.catalog import Catalog
from kimi_planner.checks.budgets import PromptBudget
from kimi_planner.checks.results import Place
from kimi_planner.errors import RequestError, Where, restated, whole
from kimi_planner.files import parsed_json, read_text
from kimi_planner.notes import Note, note

__all__ = ["MAX_PROMPT_BYTES", "Prompt", "body_prompt", "template_prompts"]

MAX_PROMPT_BYTES = 100_000_000
_RESERVED = ("max_completion_tokens", "max_tokens")  # of a body; the older name comes second


@dataclass(frozen=True, kw_only=True)
class Prompt(Place):
    """A prompt that was counted.

    Attributes
    ----------
    path, line, name
        The file, and line and name of the prompt in it; ``None`` if it is the whole file.
    kind, model
        How it was counted, and the model that it is sent to; ``None`` if nobody says.
    tokens, low
        The most that it may have, and the least; ``tokens`` is ``None`` if that has no bound.
    reserved
        Output tokens that its body reserves, else the model by default; ``None`` if neither says.
    variables, unbound
        Its variables and loops, and those that leave it without a bound.
    notes
        What the reader must know of how it was read, in words.
    """

    kind: str
    tokens: int | None
    low: int
    reserved: int | None = None
    variables: tuple[str, ...] = ()
    unbound: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What it is known by from one run to the next; its line is no part of that."""
        return (self.path, self.name or "", self.kind, self.model or "")


def body_prompt(name: str, path: Path, budget: PromptBudget, catalog: Catalog, day: date) -> Prompt:
    """Return the body of a request as a prompt, written as the API does on a day.

    Raises
    ------
    FileError, RequestError
        If the file cannot be read, or is no body that can be counted.
    UnknownModelError
        If the catalog does not have its model.
    """
    from kimi_planner.tokens.chat import count_prompt

    text = read_text(path, limit=MAX_PROMPT_BYTES)
    advice = "A request body is one JSON object."
    body = parsed_json(text, path, advice, fault=RequestError)
    with restated(at=path):
        if not isinstance(body, Mapping) or "messages" not in body:
            raise RequestError("no messages. A request body has the key 'messages'.")
        model = budget.model or body.get("model") or budget.default_model
        if not isinstance(model, str):
            raise RequestError(f"no model. Name one in the body, or as model in {budget.where}.")
        reserved = next((body[key] for key in _RESERVED if body.get(key) is not None), None)
        if reserved is not None:
            whole("max_tokens", reserved, 1, fault=RequestError)
        spec = catalog.model(model)
        count = count_prompt(body, spec, as_of=day)
    return Prompt(
        path=name,
        kind="request",
        model=model,
        tokens=count.high,
        low=count.low,
        reserved=spec.default_output_tokens if reserved is None else reserved,
    )


def template_prompts(name: str, path: Path, budget: PromptBudget) -> Iterator[Prompt]:
    """Yield the prompts inside a file, each with its line; the second of a name is ``name#2``.

    Raises
    ------
    FileError, RequestError
        If the file cannot be read, or a template in it is malformed.
    """
    from kimi_planner.tokens.prompts.ranges import token_range
    from kimi_planner.tokens.prompts.read import read_templates

    seen: Counter[str] = Counter()
    for one in read_templates(path, names=budget.names, style=budget.style):
        seen[one.name] += 1
        again = f"#{seen[one.name]}" if seen[one.name] > 1 else ""
        with restated(at=Where(path, one.line), of=RequestError):
            spread = token_range(one, budget.variables)
        yield Prompt(
            path=name,
            line=one.line if one.name else None,
            name=f"{one.name}{again}" or None,
            kind="templates",
            model=budget.model or budget.default_model,
            tokens=spread.high,
            low=spread.low,
            variables=one.variables,
            unbound=spread.unknown,
            notes=tuple(
                note("of_prompt", where=f"{name} line {one.line}", said=said) for said in one.notes
            ),
        )
