"""OpenTelemetry spans with GenAI attributes, flat or as OTLP writes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kimi_planner.errors import UsageError, shown
from kimi_planner.usage.row import Call, LeftOut, Row

__all__ = ["is_export", "is_span", "read_span", "spans_of"]

#: Operations that are one call of a model. Others, such as ``invoke_agent``, repeat on a parent
#: span what their calls used.
CALLS = ("chat", "text_completion", "generate_content", "embeddings")
_INPUT = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens")
_OUTPUT = ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens")
_CACHED = ("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens")
_WRITTEN = ("gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_creation_input_tokens")
_TIERS = ("openai.response.service_tier", "gen_ai.openai.response.service_tier")
_REASONING = ("gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens")
_TIMES = ("startTimeUnixNano", "start_time_unix_nano", "start_time", "startTime", "timestamp")
_ERROR_CODES = (2, "2", "STATUS_CODE_ERROR", "ERROR")


def is_export(entry: Mapping[str, Any]) -> bool:
    """Whether this is an export of OTLP, with the spans of several resources."""
    return "resourceSpans" in entry or "resource_spans" in entry


def is_span(entry: Mapping[str, Any]) -> bool:
    """Whether this is a span, or the flat attributes of one."""
    return "attributes" in entry or any(name.startswith("gen_ai.") for name in entry)


def spans_of(export: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the spans of an OTLP export.

    Raises
    ------
    UsageError
        If it is not built as one.
    """
    for resource in _list(export, "resourceSpans", "resource_spans"):
        for scope in _list(resource, "scopeSpans", "scope_spans"):
            yield from _list(scope, "spans")


def read_span(span: Mapping[str, Any]) -> Row | LeftOut:
    """Return the row of a span that is a call of a model.

    The model is the one that answered (``gen_ai.response.model``), which is the one billed; only
    without it the one that was asked for. Input tokens include cached ones. A call that two
    libraries have traced has one ``gen_ai.response.id``, which then is its id.

    Raises
    ------
    UsageError
        If a call that did not fail states no tokens.
    """
    stated = span.get("attributes", span)
    attributes = _plain(stated)
    operation = attributes.get("gen_ai.operation.name")
    prompt, completion = _first(attributes, _INPUT), _first(attributes, _OUTPUT)
    if operation not in (*CALLS, None):
        return LeftOut.OTHER
    if prompt is None and completion is None:
        if operation is None:
            return LeftOut.OTHER
        if "error.type" in attributes or _has_failed(span):
            return LeftOut.FAILED
        raise UsageError(
            f"a span of operation {operation!r} without gen_ai.usage.input_tokens, so the call's cost "
            "is unknown. Record usage on every span of a call."
        )
    if prompt is None or (completion is None and operation != "embeddings"):
        missing = _INPUT[0] if prompt is None else _OUTPUT[0]
        raise UsageError(f"{missing} is missing from the span. A call has both.")
    written, in_batch = _first(attributes, _WRITTEN), _first(attributes, _TIERS) == "batch"
    return Call(
        id=attributes.get("gen_ai.response.id") or _span_id(span),
        when=_whole(_first(span, _TIMES)),
        model=attributes.get("gen_ai.response.model") or attributes.get("gen_ai.request.model"),
        prompt=prompt,
        completion=0 if completion is None else completion,
        cached=_first(attributes, _CACHED),
        reasoning=_first(attributes, _REASONING),
        more=(written, None, in_batch) if in_batch or written is not None else None,
    )


def _plain(attributes: Any) -> Mapping[str, Any]:
    """Return attributes as a mapping, from OTLP's list of keys and typed values too."""
    if isinstance(attributes, Mapping):
        return attributes
    if not isinstance(attributes, list) or not all(isinstance(one, Mapping) for one in attributes):
        raise UsageError(
            f"attributes is {shown(attributes)}. A span has a mapping, or a list of keys."
        )
    return {str(one.get("key")): _value(one.get("value")) for one in attributes}


def _value(typed: Any) -> Any:
    if not isinstance(typed, Mapping):
        return typed
    if "intValue" in typed:
        return _whole(typed["intValue"])
    return next((typed[kind] for kind in ("stringValue", "doubleValue") if kind in typed), None)


def _whole(value: Any) -> Any:
    """Return the number that OTLP writes as text, so that 64 bits survive JSON."""
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 20 else value


def _first(values: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((values[name] for name in names if values.get(name) is not None), None)


def _has_failed(span: Mapping[str, Any]) -> bool:
    status = span.get("status")
    if isinstance(status, Mapping):
        status = status.get("code", status.get("status_code"))
    return status in _ERROR_CODES


def _span_id(span: Mapping[str, Any]) -> str | None:
    """Return trace and span id: a span id by itself is unique only within its trace."""
    context = span.get("context")
    holder = context if isinstance(context, Mapping) else span
    one = _first(holder, ("spanId", "span_id"))
    return f"{_first(holder, ('traceId', 'trace_id'))}/{one}" if isinstance(one, str) else None


def _list(holder: Any, *names: str) -> list[Any]:
    found = _first(holder, names) if isinstance(holder, Mapping) else holder
    if found is None:
        return []
    if not isinstance(found, list):
        raise UsageError(f"{names[0]} is {shown(found)}. It must be a list.")
    return found
