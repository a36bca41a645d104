"""One message of a chat as the API understands it, whichever client wrote it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kimi_planner.errors import RequestError, shown
from kimi_planner.tokens.blocks import plain

_READ_OF_MESSAGE = frozenset(
    [
        "role",
        "name",
        "content",
        "reasoning_content",
        "reasoning",
        "reasoning_details",
        "tool_calls",
        "function_call",
        "tool_call_id",
        "tools",
        "partial",
    ]
)
_QUIET_OF_MESSAGE = frozenset(["refusal", "annotations", "audio", "id", "index"])
_IMAGES = ("image_url", "image", "input_image")
_VIDEOS = ("video_url", "video", "input_video")
_PARTS = (*_IMAGES, *_VIDEOS, "text")
#: Where the content of a part stands, and what says no more than its type.
_READ_OF_PART = frozenset(
    [
        *("type", *_PARTS, "source", "source_type", "url", "data", "base64", "file_id"),
        *("mime_type", "media_type", "annotations", "id", "index"),
    ]
)
_ROLES = ("system", "user", "assistant", "tool")


@dataclass(frozen=True, slots=True)
class Doubt:
    """What is not known of a count: a sentence, and the tokens by which it may differ.

    Attributes
    ----------
    why
        What is not known.
    low, high
        The least and the most that is to be added to the count; ``high`` is ``None`` where nothing
        but the context window bounds it.
    """

    why: str
    low: int = 0
    high: int | None = 0


@dataclass(frozen=True, slots=True)
class Image:
    """An image in a message, by the address that the request gives."""

    url: str


@dataclass(frozen=True, slots=True)
class Video:
    """A video in a message, whose tokens are not published."""


Part = str | Image | Video


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call of an assistant's message: its id, its function, its arguments as they are sent."""

    id: str
    name: str
    arguments: Any

    @property
    def text(self) -> str:
        """The arguments as text."""
        return self.arguments if isinstance(self.arguments, str) else _json(self.arguments)


@dataclass(frozen=True, slots=True)
class Message:
    """One message.

    Attributes
    ----------
    role, name
        Who speaks; ``name`` is empty where none is given.
    parts
        Its content: texts, images, videos.
    reasoning
        The chain of thought before it.
    calls
        Tool calls of an assistant.
    call_id
        Which call a tool's result answers.
    tools
        Tools that a system message adds.
    partial
        Whether it is to be continued.
    """

    role: str
    name: str = ""
    parts: tuple[Part, ...] = ()
    reasoning: str = ""
    calls: tuple[Call, ...] = ()
    call_id: str = ""
    tools: tuple[Mapping[str, Any], ...] = ()
    partial: bool = False


@dataclass(slots=True, kw_only=True)
class Findings:
    """What is to be said of a request.

    Attributes
    ----------
    ignored
        Keys and values that no template writes, in the order in which they stand.
    refused
        Why the API will refuse it, one sentence each.
    doubts
        What is not known of its count.
    """

    ignored: dict[str, None] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)

    def ignore(self, key: object, of: str = "") -> None:
        """Name a key that no template writes."""
        name = key if isinstance(key, str) and len(key) <= 60 else shown(key)
        self.ignored[f"{name}{of}"] = None

    def message(self, message: Any, *, last: bool = False) -> Message:
        """Understand a message; ``last`` if it is the last of its request."""
        message = plain(message)
        if not isinstance(message, Mapping):
            raise RequestError(f"it must be a mapping with role and content, not {shown(message)}.")
        role = message.get("role")
        if not isinstance(role, str) or not role:
            raise RequestError(f"role is {shown(role)}. Use system, user, assistant or tool.")
        parts = tuple(self._parts(message.get("content")))
        if len(message) == 2 and "content" in message and role in _ROLES[:3]:  # nearly all
            return Message(role, parts=parts)
        for key, value in message.items():
            if key not in _READ_OF_MESSAGE and key not in _QUIET_OF_MESSAGE and value is not None:
                self.ignore(key, " of a message")
        name, call_id = _text_or_none(message, "name"), _text_or_none(message, "tool_call_id")
        if role == "function":
            role, name = "tool", ""
            said = (
                "The older form of a tool's result, role 'function', is counted as the newer one."
            )
            self.doubts.append(Doubt(said, -8, 8))
        elif role == "tool" and not call_id:
            self.refused.append("A tool's result names its call: the API asks for a tool_call_id.")
        if role not in _ROLES:
            self._odd_role(role)
        calls, partial = tuple(_calls(message)), bool(message.get("partial"))
        if calls and role != "assistant":
            self.ignore("tool_calls", f" of a message of role {role[:20]}")
            calls = ()
        if partial and not (last and role == "assistant"):
            self.ignore("partial", " of a message that is not the last, or not the assistant's")
            partial = False
        reasoning = self._reasoning(message)
        return Message(role, name, parts, reasoning, calls, call_id, tools_of(message), partial)

    def _reasoning(self, message: Mapping[str, Any]) -> str:
        """Return the chain of thought, whichever client spelt it."""
        for key in ("reasoning_content", "reasoning"):
            if text := _text_or_none(message, key):
                return text
        details = message.get("reasoning_details")
        if not isinstance(details, Sequence) or isinstance(details, str):
            return ""
        texts = []
        for part in details:
            said = part.get("text") or part.get("summary") if isinstance(part, Mapping) else None
            if isinstance(said, str):
                texts.append(said)
            else:
                kind = part.get("type") if isinstance(part, Mapping) else part
                self.ignored[f"a part of reasoning_details of type {shown(kind)}"] = None
        return "".join(texts)

    def _odd_role(self, role: str) -> None:
        self.doubts.append(
            Doubt(
                f"No bill has a message of role {shown(role)}; it is counted as the template writes it."
            )
        )

    def _parts(self, content: Any) -> Iterator[Part]:
        if content is None:
            return
        if isinstance(content, str):
            yield content
            return
        if not isinstance(content, Sequence):
            raise RequestError(f"content is {shown(content)}. It must be text or a list of parts.")
        for part in content:
            yield self._part(part)

    def _part(self, part: Any) -> Part:
        if isinstance(part, str):
            return part
        if not isinstance(part, Mapping):
            raise RequestError(f"a part is {shown(part)}. It must be a mapping with a type.")
        kind = part.get("type")
        address = part.get("image_url", part.get("video_url"))
        inner = [key for key in address if key != "url"] if isinstance(address, Mapping) else []
        for key in [*part, *inner]:
            if key not in _READ_OF_PART and kind in _PARTS:
                self.ignore(key, " of a part")
        if kind == "text":
            return _text_of(part, "text")
        if kind in _IMAGES:
            return Image(_address(part, kind))
        if kind in _VIDEOS:
            self.doubts.append(
                Doubt(
                    "How many tokens a video has is not published: the window is the bound.",
                    0,
                    None,
                )
            )
            return Video()
        text = part.get("text")
        if not isinstance(text, str):
            self.ignored[f"a part of type {shown(kind)}"] = None
            return ""
        return text


def tools_of(body: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Return the tools of a body or a message, and those of the older form ``functions`` as such."""
    tools = body.get("tools")
    older = body.get("functions")
    if not tools and not older:
        return ()
    for given in (tools, older):
        if given is not None and (
            isinstance(given, str | bytes | Mapping) or not isinstance(given, Sequence)
        ):
            raise RequestError(f"tools must be a list of declarations, not {type(given).__name__}.")
    listed = [*(tools or ()), *({"type": "function", "function": one} for one in older or ())]
    return tuple(_tool(number, tool) for number, tool in enumerate(listed))


def _tool(number: int, given: Any) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise RequestError(f"Tool {number} must be a mapping, not {shown(given)}.")
    tool: Mapping[str, Any] = given
    function = tool.get("function")
    schema = tool.get("input_schema")
    if tool.get("type", "function") != "function" and schema is None:
        return tool
    if function is None and isinstance(tool.get("name"), str):  # the form of another interface
        function = {
            key: value
            for key, value in tool.items()
            if key not in ("type", "input_schema", "cache_control")
        }
        function |= {} if schema is None else {"parameters": schema}
        tool = {"type": "function", "function": function}
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise RequestError(
            f"Tool {number}: function is {shown(function)}. It must be a mapping with a name."
        )
    return tool


def _calls(message: Mapping[str, Any]) -> Iterator[Call]:
    calls = message.get("tool_calls")
    if calls is not None and (isinstance(calls, str) or not isinstance(calls, Sequence)):
        raise RequestError(f"tool_calls is {shown(calls)}. It must be a list.")
    older = message.get("function_call")
    listed: Iterable[Any] = calls or ([{"function": older}] if older else ())
    for call in listed:
        function = call.get("function", call) if isinstance(call, Mapping) else None
        if not isinstance(function, Mapping):
            raise RequestError(f"the tool call {shown(call)} has no function.")
        identity, name = call.get("id") or "", function.get("name") or ""
        if not isinstance(identity, str) or not isinstance(name, str):
            raise RequestError(f"the tool call {shown(call)} has an id or a name that is no text.")
        if not identity and not name:
            raise RequestError(f"the tool call {shown(call)} has neither id nor name.")
        arguments = function.get("arguments")
        written = Call(identity, name, "" if arguments is None else arguments)
        _ = written.text  # cannot be written as JSON: said here, with the message's number
        yield written


def _address(part: Mapping[str, Any], kind: str) -> str:
    """Return the address of an image part: that of its own type, or a source with data."""
    value = part.get(kind, part.get("image_url"))
    if isinstance(value, Mapping):
        value = value.get("url")
    if value is None:
        source = part.get("source")
        value = _source(source if isinstance(source, Mapping) else part)
    if not isinstance(value, str):
        raise RequestError(f"the address of an image is {shown(value)}. It must be text.")
    return value


def _source(source: Mapping[str, Any]) -> Any:
    data = source.get("data", source.get("base64"))
    if isinstance(data, str):
        return f"data:image;base64,{data}"
    return source.get("url", source.get("file_id"))


def _text_of(mapping: Mapping[str, Any], key: str) -> str:
    value = mapping.get(key)
    if not isinstance(value, str):
        raise RequestError(f"{key} is {shown(value)}. It must be text.")
    return value


def _text_or_none(mapping: Mapping[str, Any], key: str) -> str:
    return "" if mapping.get(key) is None else _text_of(mapping, key)


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise RequestError(f"arguments cannot be written as JSON ({error}).") from None
