"""Which change of one rule would explain a bill: what a prompt or a reply would count to with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import count, pairwise
from typing import TYPE_CHECKING, Any

from kimi_planner.catalog.rendering import Rendering
from kimi_planner.tokens.chat import count_pieces
from kimi_planner.tokens.images import Size
from kimi_planner.tokens.logged import LoggedCall
from kimi_planner.tokens.messages import Message
from kimi_planner.tokens.requests import Request
from kimi_planner.tokens.templates import template_of
from kimi_planner.tokens.templates.pieces import Piece, Special

if TYPE_CHECKING:
    from kimi_planner.tokens.templates import Template


#: The system prompt that the template of the open weights of K2 puts where there is none.
DEFAULT_SYSTEM = "You are Kimi, an AI assistant created by Moonshot AI."


Change = Callable[[Request, Rendering], Iterable[Piece]]


def _ruled(**changes: Any) -> Change:
    return lambda request, rule: template_of(replace(rule, **changes)).prompt(request)


def _ids_as_sent(request: Request, rule: Rendering) -> Iterator[Piece]:
    for piece in template_of(rule).prompt(request):
        if isinstance(piece, str):
            yield re.sub(r"\A(## Return of )?functions\.(?=[^:\n]+:\d)", r"\1", piece)
        else:
            yield piece


def _ids_by_number(request: Request, rule: Rendering) -> Iterable[Piece]:
    number, ids = count(), dict[str, str]()
    for message in request.messages:
        for call in message.calls:
            ids.setdefault(call.id, f"{call.name}:{next(number)}")
    request.messages = tuple(
        replace(
            message,
            calls=tuple(replace(call, id=ids[call.id]) for call in message.calls),
            call_id=ids.get(message.call_id, message.call_id),
        )
        for message in request.messages
    )
    return template_of(rule).prompt(request)


def _no_line_break(request: Request, rule: Rendering) -> Iterator[Piece]:
    for before, piece in pairwise([0, *template_of(rule).prompt(request)]):
        after_image = before is Special.END_MEDIA and isinstance(piece, str)
        yield piece.removeprefix("\n") if after_image and isinstance(piece, str) else piece


def _default_system(request: Request, rule: Rendering) -> Iterable[Piece]:
    if request.messages[0].role != "system":
        request.messages = (Message("system", parts=(DEFAULT_SYSTEM,)), *request.messages)
    return template_of(rule).prompt(request)


def _no_effort(request: Request, rule: Rendering) -> Iterable[Piece]:
    request.effort = None
    return _ruled(default_effort=None)(request, rule)


def _with(extra: int) -> Change:
    return lambda request, rule: [*template_of(rule).prompt(request), extra]


def _no_header(request: Request, rule: Rendering) -> Iterable[Piece]:
    template = template_of(rule)
    return [*template.prompt(request)][: -len(template.generation_prompt)]


#: What would explain a prompt, and the pieces that it has then. Earlier ones are told first.
_CHANGES: dict[str, Change] = {
    "tools in JSON, the form of another day": _ruled(tools="json"),
    "tools in TypeScript, the form of another day": _ruled(tools="typescript"),
    "ids of calls as they were sent": _ids_as_sent,
    "ids of calls written name:n": _ids_by_number,
    "no message of effort": _no_effort,
    "no line break after an image": _no_line_break,
    "reasoning of the history kept": _ruled(keeps_reasoning="always"),
    "thinking on": _ruled(thinking="always"),
    "thinking off": _ruled(thinking="off"),
    "a default system prompt": _default_system,
    "the prefill <think> billed as prompt": _with(1),
    "the prefill <think></think> billed as prompt": _with(2),
    "without the tokens that ask for an answer": _no_header,
}


def prompt_causes(
    body: Mapping[str, Any], rule: Rendering, sizes: Mapping[str, Size] | None
) -> Iterator[tuple[str, int]]:
    """Yield what would explain a prompt, and its tokens then."""
    for name, change in _CHANGES.items():
        yield name, count_pieces(change(Request.of(body), rule), template_of(rule), sizes)


def reply_causes(
    call: LoggedCall, messages: list[Message], template: Template, counted: int
) -> Iterator[tuple[str, int]]:
    """Yield what would explain a reply, and its tokens then."""
    finished = [reply.get("finish_reason") for reply in call.replies if isinstance(reply, Mapping)]
    if "length" in finished:
        yield "cut at its limit", counted - finished.count("length")
    calls = sum(bool(message.calls) for message in messages)
    if calls:
        yield "an end token after calls of tools", counted + calls
        sent = [
            re.sub(r"\Afunctions\.", "", piece) if isinstance(piece, str) else piece
            for message in messages
            for piece in template.completion(message)
        ]
        yield "ids of calls as they were sent", count_pieces(sent, template)
    if not any(message.reasoning for message in messages) and call.reasoning_tokens:
        for unseen in (call.reasoning_tokens, call.reasoning_tokens - 1):
            yield "reasoning that is not in the log", counted + unseen
    without = [
        piece
        for message in messages
        for piece in template.completion(message)
        if piece not in (Special.THINK, Special.END_THINK)
    ]
    yield "no marks of thinking", count_pieces(without, template)
    yield "no end token", counted - len(messages)
