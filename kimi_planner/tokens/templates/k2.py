"""The chat template of Kimi K2, as bills of Moonshot's API show it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import count
from typing import ClassVar

from kimi_planner.catalog.rendering import Rendering
from kimi_planner.tokens.messages import Call, Doubt, Message
from kimi_planner.tokens.requests import Request
from kimi_planner.tokens.templates.pieces import Piece, Special, content, joined
from kimi_planner.tokens.templates.tools import (
    compact_json,
    declared_json,
    declared_typescript,
    is_function,
)
from kimi_planner.tokens.text import count_tokens

#: What K3 bills for these; whether K2 and K2.5 bill anything is not recorded.
_CHOICE_TOKENS = {"required": 36, "none": 38, "function": 36}
_FORMAT_TOKENS = {"json_object": 47, "json_schema": 59}

_OPENERS = {"user": Special.USER, "assistant": Special.ASSISTANT}
_OF_API = re.compile(r"[^:]+:\d+")


class K2:
    """The template of one model on one day.

    Parameters
    ----------
    rule : Rendering
        How tools are declared, and what becomes of reasoning.

    Notes
    -----
    Ids of tool calls that the API returns, ``name:n``, are ``functions.name:n`` for the model, in
    the call and in the head of its result. A completion that ends in tool calls is billed without
    an end token.
    """

    generation_prompt: ClassVar[tuple[Piece, ...]] = (
        Special.ASSISTANT,
        "assistant",
        Special.MIDDLE,
    )
    after_media: ClassVar[tuple[Piece, ...]] = ()

    def __init__(self, rule: Rendering) -> None:
        self.rule = rule

    def prompt(self, request: Request) -> Iterator[Piece]:
        """Yield what is billed as the prompt; what is not known of it goes into the doubts."""
        self.judge(request)
        yield from self._declared(request)
        _doubt_ids(request)
        called = count()
        kept = self.kept_reasoning(request)
        for number, message in enumerate(request.messages):
            yield _OPENERS.get(message.role, Special.SYSTEM)
            yield message.name or message.role
            yield Special.MIDDLE
            if message.role == "assistant":
                ids = [_in_history(call, next(called)) for call in message.calls]
                yield from self.answer(message, ids, reasoning=number in kept)
            elif message.role == "tool":
                head = f"## Return of {_as_model(message.call_id)}\n"
                yield from joined([head, *self._content(message)])
            else:
                yield from joined(self._content(message))
            if message.tools:
                extra = count_tokens(declared_json(message.tools))
                said = "Whether tools of a system message are written is not published."
                request.doubts.append(Doubt(said, 0, extra))
            if message.partial:
                said = "No bill has a message that is to be continued (partial)."
                request.doubts.append(Doubt(said, 0, len(self.generation_prompt) + 1))
                return
            yield Special.END
        yield from self.generation_prompt

    @staticmethod
    def image_label(width: int, height: int) -> str:
        """Return the text before an image."""
        return "image"

    def completion(self, message: Message) -> Iterator[Piece]:
        """Yield what is billed as the completion."""
        ids = [_as_answered(call, number) for number, call in enumerate(message.calls)]
        yield from self.answer(message, ids, reasoning=True)
        if not message.calls:
            yield Special.END

    def reasoning_tokens(self, message: Message) -> int:
        """Return the ``reasoning_tokens`` that the API reports of a reply."""
        return 0

    def kept_reasoning(self, request: Request) -> frozenset[int]:
        """Return the places of the messages whose reasoning is written again."""
        return frozenset()

    def thought(self, message: Message, *, reasoning: bool) -> Iterator[Piece]:
        """Yield the chain of thought before an answer."""
        yield from ()

    def answer(self, message: Message, ids: Iterable[str], *, reasoning: bool) -> Iterator[Piece]:
        """Yield an assistant's reasoning, text and tool calls."""
        yield from self.thought(message, reasoning=reasoning)
        yield from joined(self._content(message))
        if message.calls:
            yield Special.CALLS
            for call, identity in zip(message.calls, ids, strict=True):
                yield from (Special.CALL, identity, Special.ARGUMENTS, call.text)
                yield Special.END_CALL
            yield Special.END_CALLS

    def judge(self, request: Request) -> None:
        """Say what the API will refuse, and what options may add: here, what K3 bills for them."""
        if self.rule.thinking == "none":
            if any(message.reasoning for message in request.messages):
                request.ignored["reasoning of a message"] = None
            if request.thinking:
                request.ignored["thinking"] = None
        if request.effort:
            request.ignored["reasoning_effort"] = None
        most = _CHOICE_TOKENS.get(request.tool_choice, 0) if request.tools else 0
        most += _FORMAT_TOKENS.get(request.response_format, 0)
        if request.response_format == "json_schema":
            most += count_tokens(compact_json(request.response_schema))
        if most:
            said = (
                "Whether tool_choice and response_format add tokens is not published for this model; "
                "for K3 they do."
            )
            request.doubts.append(Doubt(said, 0, most))

    def _content(self, message: Message) -> Iterator[Piece]:
        return content(message, after_media=self.after_media)

    def _declared(self, request: Request) -> Iterator[Piece]:
        if not request.tools:
            return
        functions = [tool for tool in request.tools if is_function(tool)]
        others = [tool for tool in request.tools if not is_function(tool)]
        if others:
            said = "How tools that are no functions ($web_search) are declared is not published."
            extra = count_tokens(declared_json(others))
            request.doubts.append(Doubt(said, 0 if functions else -extra - 4, extra))
        tools = functions or others
        written, form = declared_json(tools), self.rule.tools
        typescript = declared_typescript(functions) if form != "json" else ""
        if not typescript and form != "json":
            said = "A tool has no TypeScript form, so all are in JSON; its spaces are not recorded."
            spaced = declared_json(tools, spaces=True)
            request.doubts.append(Doubt(said, 0, count_tokens(spaced) - count_tokens(written)))
        elif form == "json or typescript":
            apart = count_tokens(typescript) - count_tokens(written)
            said = "The form of tools changed from JSON to TypeScript on a day that is not known."
            request.doubts.append(Doubt(said, min(0, apart), max(0, apart)))
        else:
            written = typescript or written
        yield from (Special.SYSTEM, "tool_declare", Special.MIDDLE, written, Special.END)


def _doubt_ids(request: Request) -> None:
    """Of ids that are not ``name:n`` no bill is recorded: they stay, or are written in that form."""
    apart = 0
    calls = (call for message in request.messages for call in message.calls)
    for number, call in enumerate(calls):
        if call.id and not _OF_API.fullmatch(call.id):
            times = 1 + sum(message.call_id == call.id for message in request.messages)
            answered = _as_answered(call, number)
            apart += times * (count_tokens(answered) - count_tokens(call.id))
    if apart:
        said = "No bill has ids of calls that are not name:n; they may be written in that form."
        request.doubts.append(Doubt(said, min(0, apart) - 2, max(0, apart) + 2))


def _as_model(identity: str) -> str:
    """Return an id of the request as the model sees it: ``name:n`` is of ``functions``."""
    of_api = _OF_API.fullmatch(identity) and not identity.startswith("functions.")
    return f"functions.{identity}" if of_api else identity


def _in_history(call: Call, number: int) -> str:
    return _as_model(call.id) or f"functions.{call.name}:{number}"


def _as_answered(call: Call, number: int) -> str:
    """Return the id that the model wrote, whatever became of it on the way."""
    return _as_model(call.id) if _OF_API.fullmatch(call.id) else f"functions.{call.name}:{number}"
