"""The form of chat of Kimi K3 and K3.1: elements with attributes, each text encoded by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from kimi_planner.catalog.rendering import Rendering
from kimi_planner.tokens.messages import Call, Doubt, Message
from kimi_planner.tokens.requests import Request
from kimi_planner.tokens.templates.pieces import Piece, content
from kimi_planner.tokens.templates.tools import compact_json, is_function
from kimi_planner.tokens.text import count_tokens

_OPEN = 3  # an opening without attributes: its mark, a tag of one token, a separator
_CLOSE = 3
_ATTRIBUTE = 3  # a key, ="  and ", without the value
_END = 1
_ELEMENT = _OPEN + _CLOSE
#: What introduces declared tools and a schema, without the JSON and what closes it.
_TOOLS, _MORE_TOOLS = 34, 55
_EFFORTS = {"low": 68, "high": 68, "max": 67}
_CHOICES = {"required": 36, "none": 38}
_FORMATS = {"json_object": 47, "json_schema": 59}
_TYPES = {str: "string", bool: "boolean", int: "number", float: "number", type(None): "null"}


class K3:
    """The form of one model on one day.

    Parameters
    ----------
    rule : Rendering
        Its default effort.

    Notes
    -----
    The order is tools, effort, messages, choice of tools, form of the answer. The mark that opens
    the thought of the answer is billed as completion. Results of tools are put into the order of
    their calls, whose ids are not written.
    """

    generation_prompt: ClassVar[tuple[Piece, ...]] = (_OPEN + _ATTRIBUTE + 1,)

    def __init__(self, rule: Rendering) -> None:
        self.rule = rule

    def prompt(self, request: Request) -> Iterator[Piece]:
        """Yield what is billed as the prompt; what is not known of it goes into the doubts."""
        effort = request.effort or self.rule.default_effort
        thinks = effort != "none"
        if request.tools:
            yield from (_TOOLS, _fenced(request.tools))
            others = [tool for tool in request.tools if not is_function(tool)]
            if others:
                said = (
                    "How tools that are no functions ($web_search) are declared is not published."
                )
                extra = count_tokens(compact_json(others))
                alone = _TOOLS if len(others) == len(request.tools) else 0
                request.doubts.append(Doubt(said, -extra - alone, extra))
        if effort in _EFFORTS:
            yield _EFFORTS[effort]
        last = request.messages[-1]
        continued = last if last.partial and last.role == "assistant" else None
        for message in _in_order(request.messages[:-1] if continued else request.messages):
            yield from self._message(message, request, thinks=thinks)
        yield from self._options(request)
        yield from self.generation_prompt
        if continued:
            if continued.name:
                said = "Whether the name of an answer to be continued is written is not published."
                extra = _ATTRIBUTE + count_tokens(_escaped(continued.name))
                request.doubts.append(Doubt(said, 0, extra))
            if thinks and continued.reasoning.strip():
                has_content = any(continued.parts)
                yield from (_OPEN, continued.reasoning, _CLOSE if has_content else 0)
            if any(continued.parts):
                yield _OPEN
                yield from content(continued)

    @staticmethod
    def image_label(width: int, height: int) -> str:
        """Return the text before an image, with its pixels before it is scaled."""
        return f"image {width}x{height}"

    def completion(self, message: Message) -> Iterator[Piece]:
        """Yield what is billed as the completion: all of the assistant's message but its opening."""
        yield from self._answer(message, thinks=True)
        yield _CLOSE + _END

    def reasoning_tokens(self, message: Message) -> int:
        """Return the ``reasoning_tokens`` that the API reports of a reply: one more than its text."""
        return count_tokens(message.reasoning) + 1

    def _message(self, message: Message, request: Request, *, thinks: bool) -> Iterator[Piece]:
        if message.tools and message.role == "system":
            yield from (_MORE_TOOLS, _fenced(message.tools))
            if any(message.parts):
                said = (
                    "Whether a system message with tools has its content written is not published."
                )
                extra = _OPEN + _ATTRIBUTE + _CLOSE + _END + sum(map(count_tokens, _texts(message)))
                request.doubts.append(Doubt(said, 0, extra + 1))
            return
        role = message.role
        if role not in ("system", "user", "assistant", "tool"):
            said = f"Whether a message of another role ({role[:20]}) is written is not published."
            request.doubts.append(Doubt(said, -11 - sum(map(count_tokens, _texts(message))), 0))
        yield _OPEN + _ATTRIBUTE
        yield role
        if message.name and role != "tool":
            yield from (_ATTRIBUTE, _escaped(message.name))
        if role == "tool":
            yield from (_ATTRIBUTE, _escaped(message.name), _ATTRIBUTE, message.call_id)
        if role == "assistant":
            yield from self._answer(message, thinks=thinks)
        else:
            yield from content(message)
        yield _CLOSE + _END

    def _answer(self, message: Message, *, thinks: bool) -> Iterator[Piece]:
        if thinks:
            yield _ELEMENT
            if message.reasoning.strip():
                yield message.reasoning
        yield _ELEMENT
        yield from content(message)
        if message.calls:
            yield _ELEMENT
            for number, call in enumerate(message.calls, start=1):
                yield from (_ELEMENT + 2 * _ATTRIBUTE, _escaped(call.name or call.id), str(number))
                yield from _arguments(call)

    def _options(self, request: Request) -> Iterator[Piece]:
        if request.tool_choice in _CHOICES:
            yield _CHOICES[request.tool_choice]
        if request.tool_choice == "function":
            said = "What a tool_choice that names a function adds is not published."
            request.doubts.append(Doubt(said, 0, _CHOICES["required"] + 10))
        if request.response_format in _FORMATS:
            yield _FORMATS[request.response_format]
        if request.response_format == "json_schema":
            yield _fenced(request.response_schema)
        if request.thinking is False:
            request.ignored["thinking disabled, which the model does not know"] = None


def _in_order(messages: Sequence[Message]) -> Iterator[Message]:
    """Yield messages, results of tools in the order of their calls, each with its tool and place.

    A run of results of which one has no call stays as it is. Places go on from one run to the next
    until the assistant speaks again.
    """
    calls: Sequence[Call] = ()
    run: list[Message] = []
    given = 0
    for message in [*messages, None]:
        if message is not None and message.role == "tool":
            run.append(message)
            continue
        yield from _results(run, calls, given)
        given += len(run)
        run = []
        if message is not None:
            if message.role == "assistant":
                calls, given = message.calls, 0
            yield message


def _results(run: Sequence[Message], calls: Sequence[Call], given: int) -> Iterator[Message]:
    places: dict[str, int] = {}
    for place, call in enumerate(calls):
        if call.id:
            places.setdefault(call.id, place)
    if all(message.call_id in places for message in run):
        run = sorted(run, key=lambda message: places[message.call_id])
        names = [calls[places[message.call_id]].name for message in run]
    else:
        known = [call.name for call in calls[given:]] + [""] * len(run)
        names = [message.name or name for message, name in zip(run, known, strict=False)]
    for number, (message, name) in enumerate(zip(run, names, strict=True), start=given + 1):
        yield replace(message, name=name or message.name or "tool", call_id=str(number))


def _arguments(call: Call) -> Iterator[Piece]:
    """Yield an element for each argument; what is no JSON goes raw into one."""
    given = call.arguments
    if isinstance(given, str):
        if not given.strip():
            return
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            given = None
    if not isinstance(given, Mapping):
        yield from (_ELEMENT + _ATTRIBUTE, "object", call.text)
        return
    for key, value in given.items():
        kind = _TYPES.get(type(value), "object" if isinstance(value, Mapping) else "array")
        yield from (_ELEMENT + 2 * _ATTRIBUTE, _escaped(str(key)), kind)
        yield value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _fenced(value: Any) -> str:
    return compact_json(value) + "\n```"


def _escaped(value: str) -> str:
    return value.replace("&", "&amp;").replace('"', "&quot;")


def _texts(message: Message) -> Iterator[str]:
    return (part for part in message.parts if isinstance(part, str))
