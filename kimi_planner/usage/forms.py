"""Which form an entry of a log has, told by its fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kimi_planner.errors import UsageError, shown
from kimi_planner.usage import exports, replies, spans, traces
from kimi_planner.usage.row import LeftOut, OpenStream, Row

__all__ = ["FORMS", "REPLIES", "Form", "entries_of", "form_of", "is_plain_reply"]

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Form:
    """One form of log entries.

    Attributes
    ----------
    name
        What it is called in messages and in ``attrs``.
    fits
        Whether an entry has this form.
    read
        The row of an entry, or why it is none.
    """

    name: str
    fits: Callable[[Entry], bool]
    read: Callable[[Entry], Row | OpenStream | LeftOut]


REPLIES = Form("replies", replies.is_reply, replies.read_reply)

#: In the order in which they are tried: a form with fields of its own before more general ones.
FORMS = (
    Form("Langfuse observations", exports.is_langfuse, exports.read_langfuse),
    Form("LiteLLM spend logs", exports.is_litellm, exports.read_litellm),
    REPLIES,
    Form("OpenAI usage export", exports.is_window, exports.read_window),
    Form("usage objects", replies.is_usage, replies.read_reply),
    Form("Mooncake trace", traces.is_mooncake, traces.read_mooncake),
    Form("OpenTelemetry GenAI spans", spans.is_span, spans.read_span),
    Form("requests", replies.is_request, replies.refuse_request),
)


#: What ``object`` says in replies of chat completions; nothing else that is read says so.
_CHAT = ("chat.completion", "chat.completion.chunk")


def is_plain_reply(value: Any) -> bool:
    """Whether a value is surely a reply, without asking every form."""
    return type(value) is dict and value.get("object") in _CHAT


def form_of(entry: Entry) -> Form:
    """Return the form of an entry.

    Raises
    ------
    UsageError
        If no form fits; the message says what was found and which forms exist.
    """
    for form in FORMS:
        if form.fits(entry):
            return form
    known = ", ".join(form.name for form in FORMS[:-1])
    raise UsageError(
        "no usage object, so the call's cost is unknown. Log `usage` with every reply. "
        f"Found: {shown(', '.join(map(str, entry)) or 'nothing')}. Forms that are read: {known}."
    )


def entries_of(value: Any, cover: Callable[[Any, Any], None]) -> Iterator[Any]:
    """Yield the entries that a JSON value holds: itself, or those of a page, a bucket or an export.

    Parameters
    ----------
    value : object
        A JSON value.
    cover : callable
        Told start and end of each window that the value covers, also of one without requests.

    Raises
    ------
    UsageError
        If an export is not built as one.
    """
    if not isinstance(value, dict):
        yield value
    elif spans.is_export(value):
        yield from spans.spans_of(value)
    elif exports.is_bucket(value):
        cover(value["start_time"], value.get("end_time"))
        yield from exports.windows_of(value)
    elif isinstance(value.get("data"), list) and not replies.is_reply(value):
        for one in value["data"]:
            yield from entries_of(one, cover)
    else:
        yield value
