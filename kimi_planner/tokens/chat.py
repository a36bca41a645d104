"""Counting chat: what the API bills as prompt and as completion, and how exactly that is known."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from kimi_planner.catalog import Catalog, ModelSpec, load_catalog
from kimi_planner.errors import CatalogError, RequestError, shown
from kimi_planner.tokens.images import Size, image_size, image_tokens
from kimi_planner.tokens.template import (
    GENERATION_PROMPT,
    Image,
    Piece,
    completion_pieces,
    prompt_pieces,
    thinks,
)
from kimi_planner.tokens.text import count_tokens
from kimi_planner.tokens.tools import declared, declared_json

__all__ = [
    "Exactness",
    "PromptCount",
    "count_completion",
    "count_messages",
    "count_prompt",
    "prompt_parts",
]

#: How a count is known: it reproduces recorded bills; it follows the published template; or it
#: may be off by the range it states.
Exactness = Literal["billed", "template", "estimate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptCount:
    """Prompt tokens of a request, and how exactly they are known.

    Attributes
    ----------
    tokens
        What is expected on the bill.
    low, high
        Range of an estimate; both are ``tokens`` where the count is exact.
    exactness
        ``"billed"``, ``"template"`` or ``"estimate"``.
    why
        What the exactness rests on, one sentence each.
    """

    tokens: int
    low: int
    high: int
    exactness: Exactness
    why: tuple[str, ...]


def count_messages(
    messages: Sequence[Mapping[str, Any]],
    model: str,
    tools: Sequence[Mapping[str, Any]] | None = None,
    *,
    generation_prompt: bool = True,
    image_sizes: Mapping[str, Size] | None = None,
    catalog: Catalog | str | Path | None = None,
) -> int:
    """Count the prompt tokens that a conversation is billed.

    Parameters
    ----------
    messages : sequence of mapping
        Chat-completions messages: ``role``, ``content`` (text, or a list of parts), ``name``,
        ``tool_calls``, ``tool_call_id``, ``reasoning_content``.
    model : str
        Model id in the catalog; it decides the chat template.
    tools : sequence of mapping, optional
        Tool declarations.
    generation_prompt : bool
        Whether to count the tokens that ask for an answer. They are billed; Moonshot's
        ``estimate-token-count`` endpoint leaves them out.
    image_sizes : mapping of str to (int, int), optional
        Width and height in pixels of images that are not local, by address.
    catalog : Catalog, str or Path, optional
        Where to look the model up; the default catalog if not given.

    Returns
    -------
    int
        ``usage.prompt_tokens`` of the reply.

    Raises
    ------
    RequestError
        If a message or a tool is malformed, or an image is sent to a model that is not said to
        see images, or its size cannot be told.
    UnknownModelError
        If the catalog has no such model.

    Notes
    -----
    The form is that of the chat templates Moonshot publishes with the weights, checked against
    recorded bills of the hosted API, which adds no default system prompt. How exact a count is
    for a given request: :func:`estimate`.

    Examples
    --------
    >>> count_messages([{"role": "user", "content": "你好，我叫李雷，1+1等于多少？"}], model="kimi-k2")
    19
    """
    spec = load_catalog(catalog).model(model)
    return count_prompt(
        messages, spec, tools, generation_prompt=generation_prompt, image_sizes=image_sizes
    ).tokens


def count_prompt(
    messages: Sequence[Mapping[str, Any]],
    spec: ModelSpec,
    tools: Sequence[Mapping[str, Any]] | None = None,
    *,
    generation_prompt: bool = True,
    image_sizes: Mapping[str, Size] | None = None,
) -> PromptCount:
    """Count as :func:`count_messages` does, and say how exact that is."""
    pieces = _prompt(messages, spec, tools)
    if not generation_prompt:
        del pieces[-len(GENERATION_PROMPT) :]
    images = sum(isinstance(piece, Image) for piece in pieces)
    texts, fixed = _parts(pieces, image_sizes)
    tokens = fixed + sum(map(count_tokens, texts))
    in_json = bool(tools) and thinks(spec.chat_template or "") and not declared(tools or ())[1]
    # A template may write JSON with a space after every comma and colon, or without.
    spaces = count_tokens(json.dumps(list(tools or ()), ensure_ascii=False)) if in_json else 0
    exactness, why = _exactness(messages, spec, tools, images, in_json=in_json)
    return PromptCount(
        tokens=tokens,
        low=tokens,
        high=tokens + images + max(0, spaces - count_tokens(declared_json(tools or ()))),
        exactness=exactness,
        why=why,
    )


def prompt_parts(
    messages: Sequence[Mapping[str, Any]],
    spec: ModelSpec,
    tools: Sequence[Mapping[str, Any]] | None = None,
) -> tuple[list[str], int]:
    """Return the texts of a prompt, and the number of tokens beside them."""
    return _parts(_prompt(messages, spec, tools), None)


def count_completion(
    content: str | None,
    model: str,
    *,
    reasoning: str = "",
    tool_calls: Sequence[Mapping[str, Any]] | None = None,
    catalog: Catalog | str | Path | None = None,
) -> int:
    """Count the completion tokens that a reply is billed.

    Parameters
    ----------
    content : str or None
        The visible answer.
    model : str
        Model id in the catalog; it decides the chat template.
    reasoning : str
        The chain of thought before it, where the model has one.
    tool_calls : sequence of mapping, optional
        The reply's tool calls, each with ``id`` and ``function``.
    catalog : Catalog, str or Path, optional
        Where to look the model up; the default catalog if not given.

    Returns
    -------
    int
        ``usage.completion_tokens`` of the reply: its text and the end token; for K2.5 also
        ``<think>`` and ``</think>``, which the hosted API bills as completion. With thinking
        switched off that is inferred from bills with thinking on, not recorded.

    Raises
    ------
    RequestError
        If ``content``, ``reasoning`` or a tool call is malformed, or the template has no reasoning.
    UnknownModelError
        If the catalog has no such model.

    Examples
    --------
    >>> count_completion(" 你好，李雷！1+1等于2。如果你有其他问题，请随时提问！", model="kimi-k2")
    21
    """
    template = _template(load_catalog(catalog).model(model))
    if not isinstance(content, str) and not (content is None and tool_calls):
        raise RequestError(
            f"content must be text, not {type(content).__name__} ({shown(content)}). "
            "Only a reply with tool calls may have none."
        )
    if reasoning and not thinks(template):
        raise RequestError(f"Model {model!r} does not reason. Leave reasoning out.")
    message = {"content": content, "reasoning_content": reasoning, "tool_calls": tool_calls}
    texts, fixed = _parts(completion_pieces(message, template), None)
    return fixed + sum(map(count_tokens, texts))


def _template(spec: ModelSpec) -> str:
    if spec.chat_template is None:
        raise CatalogError(
            f"Catalog {spec.catalog_version} names no chat template for {spec.id!r}, so its messages "
            "cannot be counted. Add chat_template in a new catalog version."
        )
    return spec.chat_template


def _prompt(messages: Any, spec: ModelSpec, tools: Any) -> list[Piece]:
    pieces = [*prompt_pieces(messages, _template(spec), tools), *GENERATION_PROMPT]
    if "vision" not in spec.capabilities and any(isinstance(piece, Image) for piece in pieces):
        raise RequestError(
            f"Catalog {spec.catalog_version} does not state that {spec.id!r} sees images. "
            "Use a model with the capability vision, or leave the images out."
        )
    return pieces


def _parts(
    pieces: Iterable[Piece], image_sizes: Mapping[str, Size] | None
) -> tuple[list[str], int]:
    """Part the texts of a rendering from the tokens that are known without counting."""
    texts, fixed = [], 0
    for piece in pieces:
        if isinstance(piece, str):
            texts.append(piece)
        elif isinstance(piece, Image):
            fixed += image_tokens(*image_size(piece.url, image_sizes))
        else:
            fixed += 1
    return texts, fixed


def _exactness(
    messages: Sequence[Mapping[str, Any]],
    spec: ModelSpec,
    tools: Any,
    images: int,
    *,
    in_json: bool,
) -> tuple[Exactness, tuple[str, ...]]:
    """Say what a count rests on: recorded bills cover plain conversations only."""
    why = []
    if images:
        why.append(
            "Images follow the resize rule that public inference engines share; no bill is recorded, and "
            "a line break after each image may be billed too."
        )
    if in_json:
        why.append(
            "A tool has no TypeScript form, so the published template writes JSON; how it spaces that is "
            "not recorded."
        )
    elif tools:
        why.append(
            "Tools are declared as the published template does; one recorded bill of two later models "
            "agrees (41 tokens, its request inferred)."
            if thinks(spec.chat_template or "")
            else "Tools are declared as the published template does; no bill is recorded."
        )
    if any(
        message.get("tool_calls") or message.get("role") == "tool" or message.get("name")
        for message in messages
    ):
        why.append("Tool calls, tool results and names follow the published template.")
    if thinks(spec.chat_template or "") and not spec.reasons:
        why.append(
            "With thinking off, the end of the prompt is inferred from bills with thinking on."
        )
    if images or in_json:
        return "estimate", tuple(why)
    if why:
        return "template", tuple(why)
    return "billed", ("Recorded bills of plain conversations are reproduced to the token.",)
