"""Requests and replies as the API understands them, from any body that clients send.

What no chat template writes is ignored and named; what the API is known to refuse is said; only
what cannot be understood at all is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from kimi_planner.errors import RequestError, shown
from kimi_planner.tokens.blocks import chat_body, chat_messages, plain
from kimi_planner.tokens.messages import Doubt, Findings, Message, tools_of

#: What does not move the count: sampling, streaming, routing, limits and labels.
_QUIET = frozenset(
    [
        "model",
        "max_tokens",
        "max_completion_tokens",
        "n",
        "stream",
        "stream_options",
        "temperature",
        "top_p",
        "seed",
        "stop",
        "user",
        "presence_penalty",
        "frequency_penalty",
        "logprobs",
        "top_logprobs",
        "logit_bias",
        "metadata",
        "store",
        "service_tier",
        "prompt_cache_key",
        "safety_identifier",
        "parallel_tool_calls",
        "usage",
        "provider",
    ]
)
_READ = frozenset(
    [
        "messages",
        "tools",
        "functions",
        "tool_choice",
        "function_call",
        "response_format",
        "thinking",
        "reasoning_effort",
        "extra_body",
        "system",
        "input",
    ]
)
#: Every key of a body that is known.
BODY_KEYS = _QUIET | _READ
CHOICES = ("auto", "none", "required")
_CHOICE_TYPES = {"auto": "auto", "none": "none", "any": "required"}
FORMATS = ("text", "json_object", "json_schema")


_OF_RESPONSES = Doubt(
    "The form of Responses is counted as the chat that it stands for; no bill of it is recorded."
)
_OF_ANTHROPIC = Doubt(
    "Anthropic's form is counted as the chat that it stands for; no bill of it is recorded."
)


@dataclass(slots=True, kw_only=True)
class Request(Findings):
    """The body of a chat completion, understood.

    Attributes
    ----------
    messages, tools
        What is sent.
    thinking
        Whether the request switches the chain of thought on or off; ``None`` if it does neither.
    keeps_reasoning
        Whether it asks to keep the reasoning of past turns (``thinking.keep``).
    effort
        Its ``reasoning_effort``; ``None`` if it gives none that is known.
    tool_choice
        ``"auto"``, ``"none"``, ``"required"``, or ``"function"`` for one that is named.
    response_format, response_schema
        ``"text"``, ``"json_object"`` or ``"json_schema"``, and its schema.
    """

    messages: tuple[Message, ...] = ()
    tools: tuple[Mapping[str, Any], ...] = ()
    thinking: bool | None = None
    keeps_reasoning: bool = False
    effort: str | None = None
    tool_choice: str = "auto"
    response_format: str = "text"
    response_schema: Any = None

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Request:
        """Understand a body.

        Raises
        ------
        RequestError
            If it has no messages, or one of them or a tool cannot be understood; the message's
            number from 0 is named.
        """
        body = chat_body(body)
        given = body.get("messages")
        if isinstance(given, str | bytes | Mapping) or not isinstance(given, Sequence):
            raise RequestError(f"messages must be a list of messages, not {type(given).__name__}.")
        if not given:
            raise RequestError("messages is empty. A request has at least one message.")
        request = cls()
        if len(body) > 1:
            request._read_options(body)
        if body.get("input", given) is None:
            request.doubts.append(_OF_RESPONSES)
        if body.get("previous_response_id"):
            said = "The conversation before it (previous_response_id) is not in the request."
            request.doubts.append(Doubt(said, 0, None))
        messages = []
        if body.get("system"):
            messages.append(request.message({"role": "system", "content": body["system"]}))
            request.doubts.append(_OF_ANTHROPIC)
        for number, message in enumerate(given):
            try:
                last = number == len(given) - 1
                chat = chat_messages(message)
                if chat is None:
                    messages.append(request.message(message, last=last))
                    continue
                messages += [request.message(part, last=last) for part in chat]
                if _OF_ANTHROPIC not in request.doubts:
                    request.doubts.append(_OF_ANTHROPIC)
            except RequestError as error:
                raise RequestError(f"Message {number}: {error}") from None
        if any(message.calls or message.role == "tool" for message in messages):
            messages = [*request._with_ids(messages)]
        request.messages = tuple(messages)
        return request

    def _with_ids(self, messages: Iterable[Message]) -> Iterator[Message]:
        """Give calls that have no id the one that the API would have given, and results theirs."""
        number, known, open_ = count(), set[str](), list[str]()
        for given in messages:
            message = given
            if message.role != "tool":
                self._refuse_unanswered(open_)
                open_ = []
            if message.calls:
                numbered = zip(message.calls, number, strict=False)
                open_ = [call.id or f"{call.name}:{place}" for call, place in numbered]
                known.update(open_)
                if not all(call.id for call in message.calls):
                    said = "A call without an id is counted with one as the API gives it, name:n."
                    self.doubts.append(Doubt(said, -sum(map(len, open_)), len(open_)))
                    named = zip(message.calls, open_, strict=True)
                    calls = tuple(replace(call, id=identity) for call, identity in named)
                    message = replace(message, calls=calls)
            elif message.role == "tool":
                if not message.call_id:
                    message = replace(message, call_id=open_[0] if open_ else "")
                if message.call_id in open_:
                    open_.remove(message.call_id)
                elif message.call_id not in known:
                    self.refused.append(
                        f"The tool's result for {shown(message.call_id)} answers no call before it: "
                        "the API knows no such tool_call_id."
                    )
            yield message
        self._refuse_unanswered(open_)

    def _refuse_unanswered(self, ids: Sequence[str]) -> None:
        if ids:
            self.refused.append(
                f"The call {shown(ids[0])} has no result right after it: the API refuses that."
            )

    def _read_options(self, body: Mapping[str, Any]) -> None:
        more = body.get("extra_body")
        if isinstance(more, Mapping):  # of a client, which sends what is in it beside the rest
            body = {**body, **more}
        for key, value in body.items():
            if key not in _READ and key not in _QUIET and value is not None:
                self.ignore(key)
        self.tools = tools_of(body)
        self._read_thinking(body.get("thinking"))
        effort = body.get("reasoning_effort")
        if effort in ("low", "high", "max", "none"):
            self.effort = effort
        elif effort is not None:
            self.ignored[f"reasoning_effort {shown(effort)}"] = None
        choice = body.get("tool_choice", body.get("function_call"))
        if choice in CHOICES:
            self.tool_choice = choice
        elif isinstance(choice, Mapping):
            self.tool_choice = _CHOICE_TYPES.get(str(choice.get("type")), "function")
        elif choice is not None:
            self.ignored[f"tool_choice {shown(choice)}"] = None
        form = body.get("response_format")
        kind = form.get("type") if isinstance(form, Mapping) else form
        if kind in FORMATS:
            self.response_format = kind
            self.response_schema = _schema(form) if kind == "json_schema" else None
        elif kind is not None:
            self.ignored[f"response_format {shown(kind)}"] = None

    def _read_thinking(self, thinking: Any) -> None:
        kind, keep = (
            (thinking.get("type"), thinking.get("keep"))
            if isinstance(thinking, Mapping)
            else (thinking, None)
        )
        if kind in ("enabled", "disabled"):
            self.thinking = kind == "enabled"
        elif kind is not None:
            self.ignored[f"thinking {shown(kind)}"] = None
        if keep == "all":
            self.keeps_reasoning = True
        elif keep is not None:
            self.ignored[f"thinking.keep {shown(keep)}"] = None
        if isinstance(thinking, Mapping):
            for key in thinking:
                if key not in ("type", "keep"):
                    self.ignore(f"thinking.{key}")


def reply_of(reply: Any) -> Message:
    """Understand a reply: a message, a choice or a whole completion, with reasoning in any spelling.

    Raises
    ------
    RequestError
        If there is no message in it, or its content, reasoning or calls cannot be understood.
    """
    if isinstance(reply, str):
        return Message("assistant", parts=(reply,))
    reply = plain(reply)
    choices = reply.get("choices") if isinstance(reply, Mapping) else None
    if isinstance(choices, Sequence) and choices:
        reply = choices[0]
    if isinstance(reply, Mapping) and isinstance(reply.get("message"), Mapping):
        reply = reply["message"]
    if not isinstance(reply, Mapping):
        raise RequestError(f"The reply is {shown(reply)}. Give the assistant's message.")
    reply = {**reply, "role": "assistant"}
    (said,) = chat_messages(reply) or [reply]
    message = Findings().message(said)
    if any(not isinstance(part, str) for part in message.parts):
        raise RequestError("The reply holds an image. Only text is billed as a completion.")
    return message


def _schema(form: Any) -> Any:
    given = form.get("json_schema") if isinstance(form, Mapping) else None
    return given.get("schema", given) if isinstance(given, Mapping) else given
