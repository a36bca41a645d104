"""Prompts as a file holds them, with what they count to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from kimi_planner.catalog import Catalog
from kimi_planner.checks.budgets import PromptBudget
from kimi_planner.checks.results import Place
from kimi_planner.errors import FileError, RequestError, Where, restated, whole
from kimi_planner.files import read_text
from kimi_planner.json_text import parsed_json
from kimi_planner.limits import TEXT_BYTES
from kimi_planner.notes import Note
from kimi_planner.tokens.prompts.forms import BRACES_NOTE, might_have_placeholders
from kimi_planner.tokens.text import count_tokens

if TYPE_CHECKING:
    from kimi_planner.tokens.prompts.parts import PromptFile


#: What reads the prompts inside a file.
Reader: TypeAlias = "Callable[..., PromptFile]"
_RESERVED = ("max_completion_tokens", "max_tokens")  # of a body; the older name comes second


@dataclass(frozen=True, kw_only=True)
class LeftOut(Place):
    """A text that looks like a prompt and was not counted.

    Attributes
    ----------
    tokens
        Of its fixed text.
    """

    tokens: int


@dataclass(frozen=True, kw_only=True)
class Prompt(Place):
    """A prompt that was counted.

    Attributes
    ----------
    path, line, name
        The file, and line and name of the prompt in it; ``None`` if it is the whole file.
    kind, model
        How it was counted, and the model that it is sent to; ``None`` if nobody says.
    fixed_tokens
        Of its text, without what is filled in.
    tokens, low, typical_tokens
        The most that it may have, the least, and what it usually has, which is what it costs;
        ``tokens`` is ``None`` if that has no bound, ``typical_tokens`` where it is no other number.
    is_fixed
        Whether these are of its fixed text alone.
    reserved
        Output tokens that its body reserves, else the model by default; ``None`` if neither says.
    variables, unbound
        Its variables and loops, and those that leave it without a bound.
    text
        Its fixed text.
    notes
        What the reader must know of how it was read, in words.
    """

    kind: str
    tokens: int | None
    low: int
    typical_tokens: int | None = None
    fixed_tokens: int = 0
    is_fixed: bool = False
    reserved: int | None = None
    variables: tuple[str, ...] = ()
    unbound: tuple[str, ...] = ()
    text: str = field(default="", repr=False)
    notes: tuple[Note, ...] = ()

    @property
    def billed_tokens(self) -> int | None:
        """What it costs money for: what it usually has, else the most."""
        return self.tokens if self.typical_tokens is None else self.typical_tokens

    @property
    def recorded_kind(self) -> str:
        """How it is known in a baseline: ``"fixed"`` where only its fixed text can be compared."""
        return "fixed" if self.is_fixed or self.tokens is None else self.kind

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What it is known by from one run to the next; its line is no part of that."""
        return (self.path, self.name or "", self.recorded_kind, self.model or "")


def text_prompt(name: str, text: str, tokens: int, budget: PromptBudget) -> Prompt:
    """Return a whole file as a prompt."""
    return Prompt(
        path=name,
        kind="text",
        model=budget.model or budget.default_model,
        tokens=tokens,
        low=tokens,
        fixed_tokens=tokens,
        text=text,
        notes=(BRACES_NOTE,) if might_have_placeholders(text) else (),
    )


def body_prompts(
    name: str, path: Path, budget: PromptBudget, catalog: Catalog, day: date
) -> Iterator[Prompt]:
    """Yield the body of a request as a prompt, or that of each line, as the API writes it on a day.

    A line may be a request of a batch, which has its body under ``body``; it is named by its
    ``custom_id``, else by its number.

    Raises
    ------
    FileError, RequestError
        If the file cannot be read, or is no body that can be counted.
    UnknownModelError
        If the catalog does not have its model.
    """
    text = read_text(path, limit=TEXT_BYTES)
    if path.suffix.lower() != ".jsonl":
        body = parsed_json(text, path, "A request body is one JSON object.", fault=RequestError)
        yield _body_prompt(body, Place(path=name), Where(path), budget, catalog, day)
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            where = Where(path, number)
            with restated(at=where):
                row = parsed_json(line, "", "A line is one JSON object.", fault=RequestError)
            named = row.get("custom_id") if isinstance(row, Mapping) else None
            place = Place(path=name, line=number, name=str(named or f"line {number}"))
            body = row.get("body", row) if isinstance(row, Mapping) else row
            yield _body_prompt(body, place, where, budget, catalog, day)


def _body_prompt(
    body: object, place: Place, where: Where, budget: PromptBudget, catalog: Catalog, day: date
) -> Prompt:
    import json  # most checks read no body

    from kimi_planner.tokens.chat import count_prompt

    with restated(at=where):
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
        path=place.path,
        line=place.line,
        name=place.name,
        kind="request",
        model=model,
        tokens=count.high,
        low=count.low,
        fixed_tokens=count.low,
        text=json.dumps(body["messages"], ensure_ascii=False),
        reserved=spec.default_output_tokens if reserved is None else reserved,
    )


def is_body(path: Path) -> bool:
    """Whether a JSON file, or the first line of one, is the body of a request, as far as it says."""
    try:
        text = read_text(path, limit=TEXT_BYTES)
        if path.suffix.lower() == ".jsonl":
            text = next((line for line in text.split("\n") if line.strip()), "")
        row = parsed_json(text, path, "")
    except FileError:
        return False  # whoever reads it says what is wrong
    body = row.get("body", row) if isinstance(row, Mapping) else None
    return isinstance(body, Mapping) and "messages" in body and "model" in body


def read_file(path: Path, **how: Any) -> PromptFile:
    """Return what a file holds; its reader is imported where there is one to read."""
    from kimi_planner.tokens.prompts.read import read_file

    return read_file(path, **how)


def template_prompts(
    name: str, path: Path, budget: PromptBudget, read: Reader
) -> tuple[tuple[Prompt, ...], tuple[LeftOut, ...], PromptFile]:
    """Return the prompts inside a file, what looks like one, and all that its reader says.

    Each has its line; the second of a name is ``name#2``.

    Raises
    ------
    FileError, RequestError
        If the file cannot be read, or a template in it is malformed.
    """
    from kimi_planner.tokens.prompts.parts import fixed_text
    from kimi_planner.tokens.prompts.ranges import token_range

    file = read(path, names=budget.names, style=budget.style, shown_as=name)
    is_fixed = budget.hold == "fixed"
    seen: Counter[tuple[str, str]] = Counter()
    prompts = []
    for one in file.prompts:
        seen[one.path, one.name] += 1
        number = seen[one.path, one.name]
        again = f"#{number}" if number > 1 else ""
        with restated(at=Where(path, one.line), of=RequestError):
            spread = token_range(one, budget.declared)
        prompt = Prompt(
            path=one.path,
            line=one.line if one.name or again else None,
            name=f"{one.name}{again}" or None,
            kind="templates",
            model=budget.model or budget.default_model,
            tokens=spread.fixed_high if is_fixed else spread.high,
            low=spread.fixed_low if is_fixed else spread.low,
            typical_tokens=None if is_fixed or spread.typical == spread.high else spread.typical,
            fixed_tokens=spread.fixed_high,
            is_fixed=is_fixed,
            variables=one.variables,
            unbound=() if is_fixed else spread.unknown,
            text=fixed_text(one.parts),
            notes=one.notes,
        )
        prompts.append(prompt)
    left_out = (
        LeftOut(
            path=one.path, line=one.line, name=one.name, tokens=count_tokens(fixed_text(one.parts))
        )
        for one in file.left_out
    )
    return tuple(prompts), tuple(left_out), file
