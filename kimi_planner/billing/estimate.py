"""One request before it is sent: its tokens, its cost, whether it fits, and how exact that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kimi_planner.arguments import public
from kimi_planner.billing.call import Cost
from kimi_planner.billing.dated import Prices
from kimi_planner.billing.meters import Usage
from kimi_planner.catalog import Catalog, load_catalog
from kimi_planner.errors import RequestError, day_of, shown, whole
from kimi_planner.money import usd
from kimi_planner.rich import Page, Shown
from kimi_planner.tokens.blocks import chat_body
from kimi_planner.tokens.chat import count_prompt, count_reply
from kimi_planner.tokens.evidence import Exactness
from kimi_planner.tokens.images import Size
from kimi_planner.tokens.requests import reply_of

_LIMITS = ("max_completion_tokens", "max_tokens")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Estimate(Shown):
    """What a request will use and cost.

    Attributes
    ----------
    model
        Model id.
    prompt_tokens, prompt_low, prompt_high
        What is expected on the bill, and its range where the count is an estimate.
    completion_tokens
        Tokens of all answers together, as the caller expects them; ``None`` if not given.
    reasoning_tokens
        What the API reports of them as reasoning, where a reply is given; else ``None``.
    answer_tokens
        Tokens of one of them.
    reserved_tokens
        Output that the API reserves for each answer: the request's limit, else the model's default;
        ``None`` if there is neither.
    context_window_tokens
        Of the model; ``None`` if the catalog does not state it.
    exactness
        ``"billed"`` (reproduces recorded bills), ``"template"`` (follows the published template) or
        ``"estimate"`` (may lie anywhere in its range).
    why
        What the exactness rests on, one sentence each.
    reply_exactness, reply_why
        The same of the completion, where a reply is given; else ``None`` and nothing.
    refused
        Why the API will refuse the request, one sentence each.
    ignored
        What in the request no chat template writes.
    cost
        Exact cost of the prompt and of ``completion_tokens``; without them, of the prompt alone.
    max_cost
        Cost if every answer is as long as the request allows, and the prompt as its range does;
        ``None`` without a limit.
    catalog_version
        Whose prices and window.
    """

    model: str
    prompt_tokens: int
    prompt_low: int
    prompt_high: int
    completion_tokens: int | None
    reasoning_tokens: int | None
    answer_tokens: int | None
    reserved_tokens: int | None
    context_window_tokens: int | None
    exactness: Exactness
    why: tuple[str, ...]
    reply_exactness: Exactness | None
    reply_why: tuple[str, ...]
    refused: tuple[str, ...]
    ignored: tuple[str, ...]
    cost: Cost
    max_cost: Cost | None
    catalog_version: str

    @property
    def room_tokens(self) -> int | None:
        """Tokens of the window that the prompt leaves for an answer; below 0 if it is too long."""
        window = self.context_window_tokens
        return None if window is None else window - self.prompt_high

    @property
    def fits(self) -> bool | None:
        """Whether prompt and reserved output fit the window; ``None`` if that cannot be told.

        Each answer has the window to itself. Without a reservation the answer that is expected
        counts in its place. Where only part of the prompt's range fits, it cannot be told.
        """
        window = self.context_window_tokens
        if window is None:
            return None
        needed = self.answer_tokens if self.reserved_tokens is None else self.reserved_tokens
        if self.prompt_low + (needed or 0) > window:
            return False
        return None if needed is None or self.prompt_high + needed > window else True

    def page(self) -> Page:
        """Return tokens, cost and fit, and what the count rests on."""
        most = [] if self.max_cost is None else [f"At most {usd(self.max_cost.total_usd, 6)} USD"]
        ignored = [f"Not counted: {one}" for one in self.ignored]
        return Page(title=str(self), notes=(*most, *self.refused, *ignored, *self.why))

    def __str__(self) -> str:
        words = {True: "fits", False: "does not fit", None: "fit unknown"}[self.fits]
        spread = f" ({self.prompt_low:,} to {self.prompt_high:,})"
        answer = "no answer" if self.completion_tokens is None else f"{self.completion_tokens:,}"
        return (
            f"{self.model}: prompt {self.prompt_tokens:,}"
            f"{spread if self.prompt_low < self.prompt_high else ''} + completion {answer} tokens, "
            f"{usd(self.cost.total_usd, 6)} USD, {words}; {self.exactness}. "
            f"Catalog {self.catalog_version}."
        )


@public
def estimate(
    request: Mapping[str, Any],
    completion_tokens: int | None = None,
    reply: Any = None,
    as_of: object = None,
    *,
    model: str | None = None,
    image_sizes: Mapping[str, Size] | None = None,
    catalog: Catalog | str | Path | None = None,
) -> Estimate:
    """Estimate a chat-completions request before it is sent, or what it was billed after.

    Parameters
    ----------
    request : mapping
        The body of the request: ``model``, ``messages``, and whatever else is sent.
    completion_tokens : int, optional
        Tokens expected of each answer, reasoning included.
    reply : mapping or str, optional
        The answer itself, in place of ``completion_tokens``: an assistant's message with content,
        reasoning and tool calls in any spelling, a choice, or a whole completion.
    as_of : date, datetime or str, optional
        The day of the call, whose rules and prices count; the latest rules and the prices of the
        catalog's month of publication if not given.
    model : str, optional
        Model id to use in place of the request's own.
    image_sizes : mapping of str to (int, int), optional
        Width and height in pixels of images that are not local, by address.
    catalog : Catalog, str or Path, optional
        Prices and windows; the default catalog if not given.

    Returns
    -------
    Estimate
        Tokens, exact cost in USD, fit, and how exact the count is.

    Raises
    ------
    RequestError
        If the request or the reply cannot be understood; the message names what.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, or states no price for it.

    Notes
    -----
    A request fits if prompt tokens + ``max_completion_tokens`` (older: ``max_tokens``) <= context
    window. ``n`` answers are billed ``n`` times; the prompt is billed once. Tokens and cost are
    those of Moonshot's API; other hosts bill other templates.

    Examples
    --------
    >>> request = {"model": "kimi-k2", "messages": [{"role": "user", "content": "Say hi."}]}
    >>> print(estimate(request, completion_tokens=3))
    kimi-k2: prompt 10 + completion 3 tokens, 0.000023 USD, fits; billed. Catalog 2026-06.
    """
    request = chat_body(request) if isinstance(request, Mapping) else request
    if not isinstance(request, Mapping) or "messages" not in request:
        raise RequestError(
            f"The request is {shown(request)}. Give the body of a chat completion, with its messages: "
            '{"model": "kimi-k2", "messages": [{"role": "user", "content": "Hi"}]}.'
        )
    name = model if model is not None else request.get("model")
    if not isinstance(name, str):
        raise RequestError(f"model is {shown(name)}. Name one in the request, or pass model=….")
    day = None if as_of is None else day_of("as_of", as_of, fault=RequestError)
    catalog = load_catalog(catalog)
    spec = catalog.model(name)
    tariff = Prices(catalog=catalog).on(name, day)
    prompt = count_prompt(request, spec, as_of=day, image_sizes=image_sizes)
    answers = _whole(request, "n") or 1
    limit = next((one for key in _LIMITS if (one := _whole(request, key)) is not None), None)
    reserved = spec.default_output_tokens if limit is None else limit
    given = None if reply is None else count_reply(reply_of(reply), spec, day)
    answer = None if given is None else given.tokens
    if given is None and completion_tokens is not None:
        answer = _expected(completion_tokens, limit)
    expected = None if answer is None else answers * answer

    def priced(prompt_tokens: int, completion: int) -> Cost:
        return Cost.of(Usage.of(prompt_tokens, completion), tariff)

    made = Estimate(
        model=name,
        prompt_tokens=prompt.tokens,
        prompt_low=prompt.low,
        prompt_high=prompt.high,
        completion_tokens=expected,
        reasoning_tokens=None if given is None else given.reasoning_tokens,
        answer_tokens=answer,
        reserved_tokens=reserved,
        context_window_tokens=spec.context_window_tokens,
        exactness=prompt.exactness,
        why=prompt.why,
        reply_exactness=None if given is None else given.exactness,
        reply_why=() if given is None else given.why,
        refused=prompt.refused,
        ignored=prompt.ignored,
        cost=priced(prompt.tokens, expected or 0),
        max_cost=None if limit is None else priced(prompt.high, answers * limit),
        catalog_version=catalog.version,
    )
    if made.fits is not False:
        return made
    return replace(made, refused=(*made.refused, _too_long(made)))


def _too_long(made: Estimate) -> str:
    output = made.answer_tokens if made.reserved_tokens is None else made.reserved_tokens
    window = f"the context window of {made.context_window_tokens:,} tokens."
    if output is None:
        return f"The prompt ({made.prompt_tokens:,}) alone is more than {window}"
    return f"Prompt ({made.prompt_tokens:,}) and output ({output:,}) are more than {window}"


def _whole(request: Mapping[str, Any], key: str) -> int | None:
    value = request.get(key)
    return None if value is None else whole(key, value, 1, fault=RequestError)


def _expected(completion_tokens: Any, limit: int | None) -> int:
    expected = whole("completion_tokens", completion_tokens, fault=RequestError)
    if limit is not None and expected > limit:
        raise RequestError(
            f"completion_tokens is {expected}, but the request allows {limit} for an answer. "
            "Raise the request's limit, or expect less."
        )
    return expected
