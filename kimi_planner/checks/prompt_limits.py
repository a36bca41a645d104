"""Prompts held against their budgets: tokens, cost, and share of the context window."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import cache

from kimi_planner.billing.call import Cost
from kimi_planner.billing.meters import Usage
from kimi_planner.billing.tariff import Tariff
from kimi_planner.catalog import Catalog, ModelSpec
from kimi_planner.checks.budgets import PromptBudget
from kimi_planner.checks.prompts import Prompt
from kimi_planner.checks.results import CheckResult, held, unknown
from kimi_planner.errors import PriceNotFoundError
from kimi_planner.money import plain

__all__ = ["SpecsOfDay", "hold_prompt"]


class SpecsOfDay:
    """Models with the prices of a day; the day is asked for only where a price is."""

    def __init__(self, catalog: Catalog, day: date) -> None:
        self._catalog = catalog
        self._day = day
        self.of = cache(self._of)

    def tariff(self, model: str) -> Tariff:
        """Return the prices of a model.

        Raises
        ------
        PriceNotFoundError
            If the catalog states no input or no output price on that day.
        """
        return Tariff.of(self.of(model))

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
        call = Cost.of(Usage.of(prompt.tokens, output), specs.tariff(prompt.model))
    except PriceNotFoundError as error:
        return unknown(prompt.place, rule=rule, subject=subject, limit=limit, message=str(error))
    answer = f" with {output:,} tokens of output" if whole_call else ""
    return held(
        prompt.place,
        rule=rule,
        subject=subject,
        value=call.total_usd,
        limit=limit,
        measured=f"{_named(prompt)}{call.total_usd:f} USD a call{answer} on {prompt.model}",
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
