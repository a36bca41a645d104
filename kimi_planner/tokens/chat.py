"""Counting chat: what the API bills as prompt and as completion, and how exactly that is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kimi_planner.arguments import public
from kimi_planner.catalog import Catalog, ModelSpec, load_catalog
from kimi_planner.errors import RequestError, day_of, shown
from kimi_planner.tokens.images import Size, image_size, image_tokens, most_image_tokens
from kimi_planner.tokens.messages import Doubt, Image, Message
from kimi_planner.tokens.requests import Request, reply_of
from kimi_planner.tokens.templates import template_of
from kimi_planner.tokens.templates.pieces import Piece
from kimi_planner.tokens.text import count_tokens

if TYPE_CHECKING:
    from kimi_planner.tokens.evidence import Exactness
    from kimi_planner.tokens.templates import Template


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
    refused
        Why the API will refuse the request, one sentence each.
    ignored
        What in the request no template writes.
    """

    tokens: int
    low: int
    high: int
    exactness: Exactness
    why: tuple[str, ...]
    refused: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyCount:
    """Completion tokens of a reply, and how exactly they are known.

    Attributes
    ----------
    tokens
        What is expected on the bill.
    reasoning_tokens
        The part of them that is reported as reasoning.
    exactness, why
        As in `PromptCount`.
    """

    tokens: int
    reasoning_tokens: int
    exactness: Exactness
    why: tuple[str, ...]


@public
def count_messages(
    messages: Sequence[Mapping[str, Any]],
    model: str,
    tools: Sequence[Mapping[str, Any]] | None = None,
    as_of: object = None,
    *,
    thinking: Mapping[str, Any] | None = None,
    reasoning_effort: str | None = None,
    tool_choice: str | Mapping[str, Any] | None = None,
    response_format: Mapping[str, Any] | None = None,
    generation_prompt: bool = True,
    image_sizes: Mapping[str, Size] | None = None,
    catalog: Catalog | str | Path | None = None,
) -> int:
    """Count the prompt tokens that a conversation is billed.

    Parameters
    ----------
    messages : sequence of mapping
        Chat-completions messages: ``role``, ``content`` (text, or a list of parts), ``name``,
        ``tool_calls``, ``tool_call_id``, ``reasoning_content``, ``tools``, ``partial``.
    model : str
        Model id in the catalog; it decides the chat template.
    tools : sequence of mapping, optional
        Tool declarations.
    as_of : date, datetime or str, optional
        The day of the call, whose rules count; the latest ones if not given.
    thinking, reasoning_effort, tool_choice, response_format : optional
        As in the body of the request.
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
        If a message or a tool is malformed.
    UnknownModelError
        If the catalog has no such model.

    Notes
    -----
    The form is that of the chat templates Moonshot publishes with the weights, checked against
    recorded bills of the hosted API, which adds no default system prompt. How exact a count is
    for a given request: :func:`estimate`. Counts are Moonshot's; other hosts bill other templates.

    Examples
    --------
    >>> count_messages([{"role": "user", "content": "你好，我叫李雷，1+1等于多少？"}], model="kimi-k2")
    19
    """
    spec = load_catalog(catalog).model(model)
    body: dict[str, Any] = {"messages": messages}
    if tools:
        body["tools"] = tools
    options = (
        ("thinking", thinking),
        ("reasoning_effort", reasoning_effort),
        ("tool_choice", tool_choice),
        ("response_format", response_format),
    )
    body |= {key: value for key, value in options if value is not None}
    template = template_on(spec, as_of)
    request = Request.of(body)
    pieces = [*template.prompt(request)]
    if not generation_prompt:
        del pieces[-len(template.generation_prompt) :]
    return count_pieces(pieces, template, image_sizes, request.doubts)


def count_prompt(
    body: Mapping[str, Any],
    spec: ModelSpec,
    *,
    as_of: object = None,
    image_sizes: Mapping[str, Size] | None = None,
) -> PromptCount:
    """Count the prompt of a request's body, and say how exact that is.

    Raises
    ------
    RequestError
        If a message or a tool is malformed.
    """
    from kimi_planner.tokens.evidence import judged, kinds_of  # a bare count needs none

    template = template_on(spec, as_of)
    rule = template.rule
    request = Request.of(body)
    pieces = [*template.prompt(request)]
    images = any(isinstance(piece, Image) for piece in pieces)
    if images and spec.can("vision") is False:
        request.refused.append(
            f"{spec.id} does not see images, says catalog {spec.catalog_version}."
        )
    elif images and spec.can("vision") is None:
        said = f"Catalog {spec.catalog_version} does not state that {spec.id} sees images."
        request.doubts.append(Doubt(said))
    tokens = count_pieces(pieces, template, image_sizes, request.doubts)
    low, high = _range(tokens, request.doubts, spec)
    exactness, why = judged(spec, rule.template, kinds_of(request, rule))
    if request.doubts:
        exactness = "estimate" if low < high else "template"
    return PromptCount(
        tokens=tokens,
        low=low,
        high=high,
        exactness=exactness,
        why=(*dict.fromkeys([*(doubt.why for doubt in request.doubts), *why]),),
        refused=tuple(request.refused),
        ignored=tuple(request.ignored),
    )


def prompt_parts(
    body: Mapping[str, Any], spec: ModelSpec, as_of: object = None
) -> tuple[list[str], int]:
    """Return the texts of a prompt, and the number of tokens beside them."""
    template = template_on(spec, as_of)
    request = Request.of(body)
    return _parts(template.prompt(request), template, None, request.doubts)


@public
def count_completion(
    content: str | Mapping[str, Any] | None,
    model: str,
    *,
    reasoning: str = "",
    tool_calls: Sequence[Mapping[str, Any]] | None = None,
    as_of: object = None,
    catalog: Catalog | str | Path | None = None,
) -> int:
    """Count the completion tokens that a reply is billed.

    Parameters
    ----------
    content : str, mapping or None
        The visible answer; or the whole reply, a message with ``content``, ``reasoning_content`` or
        ``reasoning``, and ``tool_calls``.
    model : str
        Model id in the catalog; it decides the chat template.
    reasoning : str
        The chain of thought before it, where the model has one.
    tool_calls : sequence of mapping, optional
        The reply's tool calls, each with ``id`` and ``function``.
    as_of : date, datetime or str, optional
        The day of the call, whose rules count; the latest ones if not given.
    catalog : Catalog, str or Path, optional
        Where to look the model up; the default catalog if not given.

    Returns
    -------
    int
        ``usage.completion_tokens`` of the reply: its text and the end token, which one that ends in
        tool calls has not; for K2.5 also ``<think>`` and ``</think>``, which the hosted API bills as
        completion; for K3 the marks of its elements.

    Raises
    ------
    RequestError
        If ``content``, ``reasoning`` or a tool call is malformed.
    UnknownModelError
        If the catalog has no such model.

    Examples
    --------
    >>> count_completion(" 你好，李雷！1+1等于2。如果你有其他问题，请随时提问！", model="kimi-k2")
    21
    """
    spec = load_catalog(catalog).model(model)
    if isinstance(content, Mapping):
        message = reply_of(content)
    elif isinstance(content, str) or (content is None and tool_calls):
        message = reply_of(
            {"content": content, "reasoning_content": reasoning, "tool_calls": tool_calls}
        )
    else:
        raise RequestError(
            f"content must be text, not {type(content).__name__} ({shown(content)}). "
            "Only a reply with tool calls may have none."
        )
    return count_reply(message, spec, as_of).tokens


def count_reply(message: Message, spec: ModelSpec, as_of: object = None) -> ReplyCount:
    """Count a reply that is understood, and say how exact that is."""
    from kimi_planner.tokens.evidence import judged

    template = template_on(spec, as_of)
    kind = "reply with tool calls" if message.calls else "reply"
    exactness, why = judged(spec, template.rule.template, [kind])
    return ReplyCount(
        tokens=count_pieces(template.completion(message), template),
        reasoning_tokens=template.reasoning_tokens(message),
        exactness=exactness,
        why=tuple(why),
    )


def template_on(spec: ModelSpec, as_of: object) -> Template:
    """Return the template of a model on a day given in any form; the latest if none is given."""
    day = None if as_of is None else day_of("as_of", as_of, fault=RequestError)
    return template_of(spec.rendering(day))


def count_pieces(
    pieces: Iterable[Piece],
    template: Template,
    image_sizes: Mapping[str, Size] | None = None,
    doubts: list[Doubt] | None = None,
) -> int:
    """Return the tokens of a rendering; what is not known of it goes into the doubts."""
    texts, fixed = _parts(pieces, template, image_sizes, [] if doubts is None else doubts)
    return fixed + sum(map(count_tokens, texts))


def _parts(
    pieces: Iterable[Piece],
    template: Template,
    image_sizes: Mapping[str, Size] | None,
    doubts: list[Doubt],
) -> tuple[list[str], int]:
    """Part the texts of a rendering from the tokens that are known without counting."""
    texts, fixed = [], 0
    for piece in pieces:
        if isinstance(piece, str):
            texts.append(piece)
        elif isinstance(piece, int):
            fixed += piece
        elif isinstance(piece, Image):
            most = template.rule.image_patches
            size = image_size(piece.url, image_sizes)
            if size is None:
                fixed += most_image_tokens(most) + 1
                said = (
                    f"The image {shown(piece.url, 80)} is not at hand and is not fetched, so the most "
                    "that one can have is counted. Give its pixels: image_sizes={url: (width, height)}."
                )
                doubts.append(Doubt(said, 1 - most_image_tokens(most), 4))
            else:
                texts.append(template.image_label(*size))
                fixed += image_tokens(*size, max_patches=most)
        else:
            fixed += 1
    return texts, fixed


def _range(tokens: int, doubts: Iterable[Doubt], spec: ModelSpec) -> tuple[int, int]:
    low, high = tokens, tokens
    for doubt in doubts:
        low += doubt.low
        high += doubt.high or 0
        if doubt.high is None:
            high = max(high, spec.context_window_tokens or 0)
    return max(0, low), high
