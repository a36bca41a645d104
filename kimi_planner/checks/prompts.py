"""Prompts of a repository: found, and counted together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kimi_planner.catalog import Catalog
from kimi_planner.checks.budgets import CheckConfig, PromptBudget
from kimi_planner.checks.globs import files
from kimi_planner.checks.results import Place
from kimi_planner.errors import KimiPlannerError, RequestError, shown
from kimi_planner.files import read_text
from kimi_planner.tokens.engine import bulk_engine
from kimi_planner.tokens.text import count_many, count_tokens

__all__ = ["Prompt", "find_prompts"]

MAX_PROMPT_BYTES = 100_000_000
# Characters; below, one core has counted them by the time that all cores are ready.
BATCH_FROM = 10_000_000
_RESERVED = ("max_completion_tokens", "max_tokens")  # of a body; the older name comes second


@dataclass(frozen=True, kw_only=True)
class Prompt:
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
        Output tokens that its body reserves; ``None`` if it does not say.
    unbound
        Variables and loops that leave it without a bound.
    notes
        What the reader must know of how it was read, in words.
    """

    path: str
    line: int | None = None
    name: str | None = None
    kind: str
    model: str | None
    tokens: int | None
    low: int
    reserved: int | None = None
    unbound: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What it is known by from one run to the next; its line is no part of that."""
        return (self.path, self.name or "", self.kind, self.model or "")

    @property
    def place(self) -> Place:
        """Where its results belong."""
        return Place(path=self.path, line=self.line, name=self.name, model=self.model)


def find_prompts(config: CheckConfig) -> list[tuple[PromptBudget, list[Prompt]]]:
    """Return what each budget is for, in the order of the configuration.

    Raises
    ------
    FileError, RequestError
        If a file cannot be read, or is no body of a request though its budget says so.
    """
    found = [(one, files(config.folder, one.paths, one.exclude)) for one in config.prompts]
    counts = _text_counts({
        name: path for budget, named in found if budget.kind == "text" for name, path in named
    })  # fmt: skip
    return [(budget, list(_prompts(budget, named, counts, config))) for budget, named in found]


def _text_counts(paths: Mapping[str, Path]) -> dict[str, int]:
    texts = [read_text(path, limit=MAX_PROMPT_BYTES) for path in paths.values()]
    size = sum(map(len, texts))
    if size < BATCH_FROM:
        counts = list(map(count_tokens, texts))
    else:
        counts = count_many(texts, bulk_engine(size))
    return dict(zip(paths, counts, strict=True))


def _prompts(
    budget: PromptBudget,
    named: Sequence[tuple[str, Path]],
    counts: Mapping[str, int],
    config: CheckConfig,
) -> Iterator[Prompt]:
    for name, path in named:
        if budget.kind == "request":
            yield _request(name, path, budget, config.catalog)
        elif budget.kind == "templates":
            yield from _templates(name, path, budget)
        else:
            yield Prompt(
                path=name,
                kind=budget.kind,
                model=budget.model or budget.default_model,
                tokens=counts[name],
                low=counts[name],
            )


def _request(name: str, path: Path, budget: PromptBudget, catalog: Catalog) -> Prompt:
    import json

    from kimi_planner.tokens.chat import count_prompt

    try:
        body = json.loads(read_text(path, limit=MAX_PROMPT_BYTES))
    except (json.JSONDecodeError, RecursionError) as error:
        raise RequestError(
            f"{path}: not JSON ({error}). A request body is one JSON object."
        ) from None
    if not isinstance(body, Mapping) or "messages" not in body:
        raise RequestError(f"{path}: no messages. A request body has the key 'messages'.")
    model = budget.model or body.get("model") or budget.default_model
    if not isinstance(model, str):
        raise RequestError(
            f"{path}: no model. Name one in the body, or as model in {budget.where}."
        )
    reserved = next((body[key] for key in _RESERVED if body.get(key) is not None), None)
    if reserved is not None and (type(reserved) is not int or reserved < 1):
        raise RequestError(
            f"{path}: max_tokens is {shown(reserved)}. It must be a whole number from 1."
        )
    try:
        count = count_prompt(body["messages"], catalog.model(model), body.get("tools"))
    except KimiPlannerError as error:
        raise type(error)(f"{path}: {error}") from None
    return Prompt(
        path=name, kind="request", model=model, tokens=count.high, low=count.low, reserved=reserved
    )


def _templates(name: str, path: Path, budget: PromptBudget) -> Iterator[Prompt]:
    """Yield the prompts inside a file, each with its line; the second of a name is ``name#2``."""
    from kimi_planner.tokens.prompts import read_templates, token_range

    seen: Counter[str] = Counter()
    for one in read_templates(path, names=budget.names, style=budget.style):
        seen[one.name] += 1
        again = f"#{seen[one.name]}" if seen[one.name] > 1 else ""
        try:
            spread = token_range(one, budget.variables)
        except RequestError as error:
            raise RequestError(f"{path} line {one.line}: {error}") from None
        yield Prompt(
            path=name,
            line=one.line if one.name else None,
            name=f"{one.name}{again}" or None,
            kind="templates",
            model=budget.model or budget.default_model,
            tokens=spread.high,
            low=spread.low,
            unbound=spread.unknown,
            notes=tuple(f"{name} line {one.line}: {note}" for note in one.notes),
        )
