"""Prompts held against their budgets: tokens, cost, and share of the context window."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import cache

from kimi_planner.billing.meters import Usage
from kimi_planner.billing.tariff import Tariff
from kimi_planner.catalog import Catalog, ModelSpec
from kimi_planner.checks.budgets import PromptBudget
from kimi_planner.checks.prompts import Prompt
from kimi_planner.checks.results import CheckResult, Measure, in_percent
from kimi_planner.errors import PriceNotFoundError
from kimi_planner.money import plain


class SpecsOfDay:
    """Models with the prices of a day; the day is asked for only where a price is."""

    def __init__(self, catalog: Catalog, day: date) -> None:
        self._catalog = catalog
        self._day = day
        self.of = cache(self._of)
        self.usd = cache(self._usd)
        self._tariff = cache(lambda model: Tariff.of(self.of(model)))

    def _usd(self, model: str, prompt_tokens: int, completion_tokens: int = 0) -> Decimal:
        """Return the exact cost of a call.

        Raises
        ------
        PriceNotFoundError
            If the catalog states no input or no output price on that day.
        """
        usage = Usage.of(prompt_tokens, completion_tokens)
        return plain(Decimal(self._tariff(model).bill(usage).total))

    def _of(self, model: str) -> ModelSpec:
        """Return the model.

        Raises
        ------
        PriceNotFoundError
            If the catalog was not yet published on that day.
        """
        return self._catalog.on(self._day).model(model)


def hold_prompt(prompt: Prompt, budget: PromptBudget, specs: SpecsOfDay) -> Iterator[CheckResult]:
    """Hold a prompt against each limit of its budget."""
    limits = (
        ("prompt-tokens", "tokens", _tokens, budget.max_tokens, "{:,}".format),
        ("prompt-cost", "prompt cost", _cost, budget.max_usd, "{:f}".format),
        ("call-cost", "call cost", _call_cost, budget.max_usd_per_call, "{:f}".format),
        ("context-share", "context share", _context, budget.max_context_share, in_percent),
    )
    for rule, subject, measured, most, in_words in limits:
        if most is None:
            continue
        limit = Decimal(most)
        measure = Measure(prompt, rule, subject, limit, budget.warn_fraction)
        try:
            value, words = measured(prompt, budget, specs)
        except PriceNotFoundError as error:
            yield measure.unknown(str(error))
        else:
            yield measure.held(value, f"{_named(prompt)}{words}", in_words(limit))


def _tokens(prompt: Prompt, budget: PromptBudget, _specs: SpecsOfDay) -> tuple[Decimal, str]:
    if prompt.tokens is not None:
        return Decimal(prompt.tokens), f"{_range(prompt)} {'fixed ' * prompt.is_fixed}tokens"
    if budget.max_tokens is None or prompt.low <= budget.max_tokens:
        raise PriceNotFoundError(_boundless(prompt))
    return Decimal(prompt.low), f"{prompt.low:,} or more tokens"


def _cost(prompt: Prompt, _budget: PromptBudget, specs: SpecsOfDay) -> tuple[Decimal, str]:
    model, tokens = _known(prompt, "so there is no price", prompt.billed_tokens)
    usd = specs.usd(model, tokens)
    return usd, f"{usd:f} USD a call{_typical(prompt)} on {model}"


def _call_cost(prompt: Prompt, budget: PromptBudget, specs: SpecsOfDay) -> tuple[Decimal, str]:
    model, tokens = _known(prompt, "so there is no price", prompt.billed_tokens)
    output = _reserved(prompt, budget)
    if output is None:
        raise PriceNotFoundError(
            f"{_named(prompt)}neither completion_tokens nor the body says how much output to "
            "reserve, so the cost of a call cannot be told"
        )
    usd, size = specs.usd(model, tokens, output), _typical(prompt)
    return usd, f"{usd:f} USD a call{size} with {output:,} tokens of output on {model}"


def _context(prompt: Prompt, budget: PromptBudget, specs: SpecsOfDay) -> tuple[Decimal, str]:
    model, tokens = _known(prompt, "so its window is unknown", prompt.tokens)
    window = specs.of(model).context_window_tokens
    if not window:
        raise PriceNotFoundError(f"the catalog states no context window for {model}")
    output = _reserved(prompt, budget) or 0
    share = Decimal(tokens + output) / window
    answer = f" and {output:,} of output" if output else ""
    taken = f"{_range(prompt)} tokens{answer}"
    return share, f"{taken} are {float(share):.2%} of the {window:,} of {model}"


def _typical(prompt: Prompt) -> str:
    return "" if prompt.typical_tokens is None else f" of {prompt.typical_tokens:,} typical tokens"


def _known(prompt: Prompt, so: str, tokens: int | None) -> tuple[str, int]:
    """Return model and tokens; where one of them is not known, neither is what rests on it."""
    if prompt.model is None:
        raise PriceNotFoundError(f"{_named(prompt)}no model is named, {so}")
    if tokens is None:
        raise PriceNotFoundError(_boundless(prompt))
    return prompt.model, tokens


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
        f"{', '.join(prompt.unbound)}; declare it in variables of the budget, or hold the fixed text"
    )
