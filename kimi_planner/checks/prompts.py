"""Prompts of a repository: found, counted in one batch, and held against their budgets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

from kimi_planner.catalog import Catalog, ModelSpec
from kimi_planner.checks.budgets import CheckConfig, PromptBudget
from kimi_planner.checks.globs import files
from kimi_planner.checks.results import CheckResult, Place, held, unknown
from kimi_planner.errors import KimiPlannerError, PriceNotFoundError, RequestError, shown
from kimi_planner.files import read_text
from kimi_planner.money import from_units, plain
from kimi_planner.tokens.engine import bulk_engine
from kimi_planner.tokens.text import count_many, count_tokens

__all__ = ["Prompt", "SpecsOfDay", "find_prompts", "hold_prompt"]

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


class SpecsOfDay:
    """Models with the prices of a day; the day is asked for only where a price is."""

    def __init__(self, catalog: Catalog, day: date) -> None:
        self._catalog = catalog
        self._day = day
        self.of = cache(self._of)

    def _of(self, model: str) -> ModelSpec:
        """Return the model.

        Raises
        ------
        PriceNotFoundError
            If the catalog was not yet published on that day.
        """
        return self._catalog.on(self._day).model(model)


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


def hold_prompt(prompt: Prompt, budget: PromptBudget, specs: SpecsOfDay) -> Iterator[CheckResult]:
    """Hold a prompt against each limit of its budget."""
    if budget.max_tokens is not None:
        yield _tokens(prompt, budget, budget.max_tokens)
    if budget.max_usd is not None:
        yield _cost(prompt, budget, budget.max_usd, specs)
    if budget.max_usd_per_call is not None:
        yield _cost(prompt, budget, budget.max_usd_per_call, specs, whole_call=True)
    if budget.max_context_share is not None:
        yield _context(prompt, budget, budget.max_context_share, specs)


def _tokens(prompt: Prompt, budget: PromptBudget, limit: int) -> CheckResult:
    surely_over = prompt.low > limit
    if prompt.tokens is None and not surely_over:
        return unknown(
            prompt.place,
            rule="prompt-tokens",
            subject="tokens",
            limit=Decimal(limit),
            message=_boundless(prompt),
        )
    spread = f"{prompt.low:,} or more" if prompt.tokens is None else _range(prompt)
    return held(
        prompt.place,
        rule="prompt-tokens",
        subject="tokens",
        value=Decimal(prompt.low if prompt.tokens is None else prompt.tokens),
        limit=Decimal(limit),
        measured=f"{_named(prompt)}{spread} tokens",
        allowed=f"{limit:,}",
        warn_fraction=budget.warn_fraction,
    )


def _cost(
    prompt: Prompt,
    budget: PromptBudget,
    limit: Decimal,
    specs: SpecsOfDay,
    *,
    whole_call: bool = False,
) -> CheckResult:
    rule, subject = ("call-cost", "call cost") if whole_call else ("prompt-cost", "prompt cost")
    output = _reserved(prompt, budget) if whole_call else 0
    try:
        if prompt.model is None:
            raise PriceNotFoundError(f"{_named(prompt)}no model is named, so there is no price")
        if prompt.tokens is None:
            raise PriceNotFoundError(_boundless(prompt))
        if output is None:
            raise PriceNotFoundError(
                f"{_named(prompt)}neither completion_tokens nor the body says how much output to "
                "reserve, so the cost of a call cannot be told"
            )
        rates = specs.of(prompt.model).rates()
    except PriceNotFoundError as error:
        return unknown(prompt.place, rule=rule, subject=subject, limit=limit, message=str(error))
    price = from_units(prompt.tokens * rates.input + output * rates.output, rates.places)
    answer = f" with {output:,} tokens of output" if whole_call else ""
    return held(
        prompt.place,
        rule=rule,
        subject=subject,
        value=price,
        limit=limit,
        measured=f"{_named(prompt)}{price:f} USD a call{answer} on {prompt.model}",
        allowed=f"{limit:f}",
        warn_fraction=budget.warn_fraction,
    )


def _context(
    prompt: Prompt, budget: PromptBudget, limit: Decimal, specs: SpecsOfDay
) -> CheckResult:
    why, window = "", None
    if prompt.model is None:
        why = f"{_named(prompt)}no model is named, so its window is unknown"
    elif prompt.tokens is None:
        why = _boundless(prompt)
    else:
        try:
            window = specs.of(prompt.model).context_window_tokens
        except PriceNotFoundError as error:
            why = str(error)
    if prompt.tokens is None or not window:
        return unknown(
            prompt.place,
            rule="context-share",
            subject="context share",
            limit=limit,
            message=why or f"the catalog states no context window for {prompt.model}",
        )
    output = _reserved(prompt, budget) or 0
    share = Decimal(prompt.tokens + output) / window
    answer = f" and {output:,} of output" if output else ""
    return held(
        prompt.place,
        rule="context-share",
        subject="context share",
        value=share,
        limit=limit,
        measured=(
            f"{_named(prompt)}{_range(prompt)} tokens{answer} are {float(share):.2%} of the "
            f"{window:,} of {prompt.model}"
        ),
        allowed=f"{plain(limit * 100):f}%",
        warn_fraction=budget.warn_fraction,
    )


def _reserved(prompt: Prompt, budget: PromptBudget) -> int | None:
    return prompt.reserved if budget.completion_tokens is None else budget.completion_tokens


def _named(prompt: Prompt) -> str:
    return f"{prompt.name}: " if prompt.name else ""


def _range(prompt: Prompt) -> str:
    least = f"{prompt.low:,} to " if prompt.tokens != prompt.low else ""
    return f"{least}{prompt.tokens:,}"


def _boundless(prompt: Prompt) -> str:
    return (
        f"{_named(prompt)}at least {prompt.low:,} tokens, and no upper end declared for "
        f"{', '.join(prompt.unbound)}; declare it in variables of the budget"
    )
