"""One request before it is sent: its tokens, its cost, whether it fits, and how exact that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kimi_planner.billing.call import Cost, cost
from kimi_planner.catalog import Catalog, load_catalog
from kimi_planner.errors import RequestError, shown, whole
from kimi_planner.money import usd
from kimi_planner.tokens.chat import Exactness, count_prompt
from kimi_planner.tokens.images import Size

__all__ = ["Estimate", "estimate"]

_LIMITS = ("max_completion_tokens", "max_tokens")
# What may change the prompt in a way that no published template and no recorded bill shows.
_SILENT = ("response_format", "tool_choice", "prediction")


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a request will use and cost.

    Attributes
    ----------
    model
        Model id.
    prompt_tokens, prompt_low, prompt_high
        What is expected on the bill, and its range where the count is an estimate.
    completion_tokens
        Tokens of all answers together, as the caller expects them; ``None`` if not given.
    answer_tokens
        Tokens of one of them.
    reserved_tokens
        Output that the request reserves for each answer; ``None`` if it sets no limit.
    context_window_tokens
        Of the model; ``None`` if the catalog does not state it.
    exactness
        ``"billed"`` (reproduces recorded bills), ``"template"`` (follows the published template) or
        ``"estimate"`` (may lie anywhere in its range).
    why
        What the exactness rests on, one sentence each.
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
    answer_tokens: int | None
    reserved_tokens: int | None
    context_window_tokens: int | None
    exactness: Exactness
    why: tuple[str, ...]
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

        Each answer has the window to itself. Without a limit in the request the answer that is
        expected counts in its place.
        """
        room = self.room_tokens
        if room is None or room < 0:
            return None if room is None else False
        needed = self.answer_tokens if self.reserved_tokens is None else self.reserved_tokens
        return None if needed is None else needed <= room

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


def estimate(
    request: Mapping[str, Any],
    completion_tokens: int | None = None,
    *,
    model: str | None = None,
    image_sizes: Mapping[str, Size] | None = None,
    catalog: Catalog | str | Path | None = None,
) -> Estimate:
    """Estimate a chat-completions request before it is sent.

    Parameters
    ----------
    request : mapping
        The body of the request: ``model``, ``messages``, and whatever else is sent.
    completion_tokens : int, optional
        Tokens expected of each answer, reasoning included.
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
        If the request is malformed; the message names what.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, or states no price for it.

    Notes
    -----
    A request fits if prompt tokens + ``max_completion_tokens`` (older: ``max_tokens``) <= context
    window. ``n`` answers are billed ``n`` times; the prompt is billed once.

    Examples
    --------
    >>> request = {"model": "kimi-k2", "messages": [{"role": "user", "content": "Say hi."}]}
    >>> print(estimate(request, completion_tokens=3))
    kimi-k2: prompt 10 + completion 3 tokens, 0.000023 USD, fits; billed. Catalog 2026-06.
    """
    if not isinstance(request, Mapping) or "messages" not in request:
        raise RequestError(
            f"The request {shown(request)} has no messages. Give the body of a chat completion."
        )
    if request.get("functions"):
        raise RequestError("functions is an older form that is not counted. Use tools.")
    name = model if model is not None else request.get("model")
    if not isinstance(name, str):
        raise RequestError(f"model is {shown(name)}. Name one in the request, or pass model=….")
    catalog = load_catalog(catalog)
    spec = catalog.model(name)
    prompt = count_prompt(request["messages"], spec, request.get("tools"), image_sizes=image_sizes)
    answers = _whole(request, "n") or 1
    limits = [limit for key in _LIMITS if (limit := _whole(request, key)) is not None]
    reserved = limits[0] if limits else None
    answer = None if completion_tokens is None else _expected(completion_tokens, reserved)
    expected = None if answer is None else answers * answer
    unseen = _unseen(request)

    def priced(prompt_tokens: int, completion: int) -> Cost:
        tokens = {"prompt_tokens": prompt_tokens, "completion_tokens": completion}
        return cost(tokens, name, catalog=catalog)

    return Estimate(
        model=name,
        prompt_tokens=prompt.tokens,
        prompt_low=prompt.low,
        prompt_high=prompt.high,
        completion_tokens=expected,
        answer_tokens=answer,
        reserved_tokens=reserved,
        context_window_tokens=spec.context_window_tokens,
        exactness="template" if unseen and prompt.exactness == "billed" else prompt.exactness,
        why=(*prompt.why, *unseen),
        cost=priced(prompt.tokens, expected or 0),
        max_cost=None if reserved is None else priced(prompt.high, answers * reserved),
        catalog_version=catalog.version,
    )


def _whole(request: Mapping[str, Any], key: str) -> int | None:
    value = request.get(key)
    return None if value is None else whole(key, value, 1, fault=RequestError)


def _expected(completion_tokens: Any, reserved: int | None) -> int:
    expected = whole("completion_tokens", completion_tokens, fault=RequestError)
    if reserved is not None and expected > reserved:
        raise RequestError(
            f"completion_tokens is {expected}, but the request allows {reserved} for an answer. "
            "Raise the request's limit, or expect less."
        )
    return expected


def _unseen(request: Mapping[str, Any]) -> tuple[str, ...]:
    named = [key for key in _SILENT if request.get(key) not in (None, "auto", "none")]
    if not named:
        return ()
    return (f"Whether {', '.join(named)} adds prompt tokens is not published.",)
