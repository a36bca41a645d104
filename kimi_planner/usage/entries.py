"""Entries inside of what is logged: pages, exports, envelopes, streams."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from kimi_planner.boundary import quoted
from kimi_planner.errors import UsageError
from kimi_planner.usage.dialects import spelled
from kimi_planner.usage.doubled_keys import check_keys
from kimi_planner.usage.pages import page_of
from kimi_planner.usage.table import number_of

#: Fields that are lists of entries, or of more such lists.
_LISTS = frozenset((
    "data", "results", "result", "spans", "resource_spans", "scope_spans", "batches", "calls", "runs", "traces",
    "instrumentation_library_spans", "observations", "generations", "events", "logs", "items", "rows", "hits",
    "records", "daily", "weekly", "monthly", "sessions", "session", "blocks", "model_breakdowns", "model_breakdown", "activity",
    "entries", "objects", "usage_events",
))  # fmt: skip
#: Those that are nothing else.
_BUILT = ("resource_spans", "scope_spans", "results")
#: Objects in which such lists may be.
_INSIDE = frozenset(("data", "trace", "result", "attributes", "response_data", "projects"))
#: What of a list's holder also holds of its entries.
_SHARED = frozenset((
    "start_time", "end_time", "starting_at", "ending_at", "date", "month", "week", "timestamp", "session_id",
    "trace_id", "last_activity",
))  # fmt: skip
_TEXTS = frozenset(("log", "line", "message", "msg", "text_payload"))
_LOGGED_AT = ("time", "timestamp", "ts")
_EVENTS = frozenset(("message", "params", "payload", "event"))
#: Objects from a model to what it used.
_BY_MODEL = ("summary.usage", "breakdown.models", "model_usage", "usage_metadata")
_SIGNALS = frozenset(("resource_logs", "resource_metrics"))
_LENS = ("input_lens", "output_lens")
_TELLING = _LISTS | _INSIDE | _TEXTS | _EVENTS | _SIGNALS | {*_LENS, "type", "tags"}
_HEADS = frozenset(path.partition(".")[0] for path in _BY_MODEL)
_OF_STREAM = frozenset((
    "message_start", "message_delta", "message_stop", "content_block_start", "content_block_delta",
    "content_block_stop", "ping",
))  # fmt: skip
#: What OTLP calls a value by its type, and values that are several.
_VALUES = ("int_value", "string_value", "double_value", "bool_value")
_LISTED = frozenset(("array_value", "kvlist_value", "bytes_value"))
#: Docker cuts longer lines into pieces.
_PIECE = 1 << 14

Names = Mapping[str, str]
Entry = Mapping[str, Any]


@lru_cache(maxsize=1 << 12)
def is_plain(keys: tuple[str, ...]) -> bool:
    """Return whether an entry with these fields has no others in it."""
    return not set(map(spelled, keys)) & (_TELLING | _HEADS)


@dataclass
class Unwrapping:
    """Takes entries out of what is logged; what one line says may hold for the next.

    Attributes
    ----------
    cover
        Told start and end of each window that the log covers, also of one without requests.
    page
        Told number and number of pages, or whether there are more.
    other
        Told that something is no entry.
    """

    cover: Callable[[Any, Any], None]
    page: Callable[[Any, Any, Any], None]
    other: Callable[[], None]
    _texts: dict[Any, str] = field(default_factory=dict)
    _message: dict[str, Any] = field(default_factory=dict)
    _input: dict[str, Any] = field(default_factory=dict)

    def entries(self, value: Any) -> Iterator[Any]:
        """Yield the entries that a JSON value holds: itself, or those of a page, a bucket or an export.

        Raises
        ------
        UsageError
            If an export is not built as one.
        """
        if type(value) is dict and value and all(map(_is_named, value, value.values())):
            yield from self._of_list([*value.values()], {})
            return
        if type(value) is not dict or is_plain(tuple(value)):
            yield value
            return
        names = {spelled(key): key for key in value}
        is_reply = (
            isinstance(value.get("usage"), dict) and not {"op_name", "model_usage"} & names.keys()
        )
        if is_reply and value.get("type") != "message_delta":
            yield value
            return
        ways = (self._text, self._stream, self._event, self._parallel, self._by_model, self._lists)
        for unwrap in ways:
            inner = unwrap(value, names)
            if inner is not None:
                yield from inner
                return
        yield _with_mapping(value)

    def _none(self) -> Iterator[Any]:
        self.other()
        return iter(())

    def _text(self, value: Entry, names: Names) -> Iterator[Any] | None:
        """Return the entry that is logged as text, also in pieces, as Docker cuts it."""
        stream = value.get("stream")
        for name in _TEXTS & names.keys():
            text = value[names[name]]
            is_docker = name == "log" and stream in ("stdout", "stderr")
            if type(text) is not str or not (is_docker or text.startswith("{")):
                continue
            text = self._texts.pop(stream, "") + text
            if is_docker and len(text) >= _PIECE and not text.endswith("\n"):
                self._texts[stream] = text
                return iter(())
            if not text.lstrip().startswith("{"):
                return self._none()
            when = next((value[names[one]] for one in _LOGGED_AT if one in names), None)
            try:
                inner = json.loads(text)
                check_keys(text, inner)
                return self.entries({"logged_at": when, **inner} if when is not None else inner)
            except UsageError:
                raise
            except (ValueError, RecursionError):
                said = f"{names[name]} is {quoted(text)}, no whole JSON value."
                raise UsageError(said) from None
        return None

    def _stream(self, value: Entry, names: Names) -> Iterator[Any] | None:
        """Return the usage so far of a streamed message; the start of one counts no output yet."""
        kind = value.get("type")
        if not isinstance(kind, str) or not (kind in _OF_STREAM or kind.startswith("response.")):
            return None
        chunk: dict[str, Any] = {"type": "message_chunk"}
        if isinstance(reply := value.get("response"), dict):
            return iter((reply | chunk,))
        if isinstance(message := value.get("message"), dict):
            before = held if isinstance(held := message.get("usage"), dict) else {}
            self._message = {key: message[key] for key in ("id", "model") if key in message}
            self._input = {key: one for key, one in before.items() if key != "output_tokens"}
        elif isinstance(usage := value.get("usage"), dict):
            now = {key: one for key, one in usage.items() if one is not None}
            chunk["usage"] = self._input | now
        else:
            return self._none()
        shared = {key: value[key] for key in ("timestamp", "created", "created_at") if key in value}
        return iter((chunk | shared | self._message,))

    def _event(self, value: Entry, names: Names) -> Iterator[Any] | None:
        """Return the payload of an event, also of one inside another."""
        shared = {key: one for key, one in value.items() if spelled(key) in _SHARED}
        if _is_event(value):
            inner = value["payload"].get("event")
            if isinstance(inner, dict):
                return self.entries({**shared, **inner})
            return iter(({**shared, "type": value["type"], **value["payload"]},))
        for name in _EVENTS & names.keys():
            if _is_event(inner := value[names[name]]):
                return self.entries({**shared, **inner})
        return None

    def _parallel(self, value: Entry, names: Names) -> Iterator[Any] | None:
        """Return the calls of a benchmark that writes a list for each field."""
        if not names.keys() >= set(_LENS):
            return None
        lists = [value[names[name]] for name in _LENS]
        if not all(isinstance(one, list) for one in lists) or len(lists[0]) != len(lists[1]):
            raise UsageError("input_lens and output_lens are not lists of one length.")
        for name, lens in zip(("total_input_tokens", "total_output_tokens"), lists, strict=True):
            total = value.get(name)
            if total is not None and all(type(one) is int for one in lens) and total != sum(lens):
                raise UsageError(
                    f"{name} ({quoted(total)}) is not the sum of its list ({sum(lens)})."
                )
        model = value.get("model_id") or value.get("model")
        return iter([
            {"model": model, "prompt_tokens": prompt, "completion_tokens": completion}
            for prompt, completion in zip(*lists, strict=True)
        ])  # fmt: skip

    def _by_model(self, value: Entry, names: Names) -> Iterator[Any] | None:
        """Return an entry for each model, where they add up to the whole; else the whole."""
        for path in _BY_MODEL:
            head, _, tail = path.partition(".")
            holder = value.get(names.get(head, ""))
            holder = holder.get(tail) if tail and isinstance(holder, dict) else holder
            if not isinstance(holder, dict) or not holder:
                continue
            parts: dict[str, Any] = {
                model: one.get("metrics", one) if isinstance(one, dict) else None
                for model, one in holder.items()
            }
            if not all(isinstance(part, dict) for part in parts.values()):
                continue
            rest = {key: one for key, one in value.items() if spelled(key) != head}
            name = "metrics" if head == "breakdown" else "usage"
            rest.pop(name, None)
            whole = value.get(name)
            if isinstance(whole, dict) and not _adds_up(whole, list(parts.values())):
                model = next(iter(parts)) if len(parts) == 1 else None
                return iter(({**rest, name: whole, "model": model},))
            return iter([{**rest, "model": model, name: part} for model, part in parts.items()])
        return None

    def _lists(self, value: Entry, names: Names) -> Iterator[Any] | None:
        """Return the entries of lists, each with what their holder says of all."""
        if _SIGNALS & names.keys():
            return self._none()
        if {"span_id", "context"} & names.keys():
            return None
        plain = {
            name: key for name, key in names.items() if not isinstance(value[key], dict | list)
        }
        shared = {key: value[key] for name, key in plain.items() if name in _SHARED}
        if "results" in names and {"start_time", "starting_at"} & names.keys():
            shared |= {"num_model_requests": None} if value.get("object") == "bucket" else {}
            self._bucket(value, names)
        for name in sorted(_LISTS & names.keys()):
            inner = value[names[name]]
            is_list = isinstance(inner, list)
            if name in _BUILT and not (inner is None or (is_list and _are_objects(inner))):
                if name != "results" or not isinstance(inner, dict):
                    said = f"{names[name]} is {quoted(inner)}. It must be a list of objects."
                    raise UsageError(said)
            elif is_list and (not inner or any(isinstance(one, dict | list) for one in inner)):
                if name == "model_breakdowns" and not _adds_up(value, inner):
                    return None
                self._paged(value)
                return self._of_list(inner, shared)
        for name in sorted(_INSIDE & names.keys()):
            inner = value[names[name]]
            if (
                not isinstance(inner, dict)
                or not inner
                or (name == "attributes" and "spans" not in inner)
            ):
                continue
            is_own = name in ("data", "result") and "attributes" not in inner
            if is_own and {"id", "type", "custom_id"} & names.keys():
                continue
            self._paged(value)
            if all(map(_are_objects, inner.values())):  # by the name of a project
                return self._of_list([*inner.values()], shared)
            return self.entries(inner)
        return None

    def _of_list(self, inner: list[Any], shared: Entry) -> Iterator[Any]:
        for one in inner:
            if isinstance(one, dict):
                yield from self.entries({**shared, **one} if shared else one)
            elif isinstance(one, list):
                yield from self._of_list(one, shared)
            else:
                yield one

    def _bucket(self, value: Entry, names: Names) -> None:
        if not _are_objects(results := value[names["results"]]):
            raise UsageError(f"results is {quoted(results)}. A bucket has a list of objects.")
        start, end = (
            next((value[names[one]] for one in pair if one in names), None)
            for pair in (("start_time", "starting_at"), ("end_time", "ending_at"))
        )
        self.cover(start, end)

    def _paged(self, value: Entry) -> None:
        for page in page_of(value):
            self.page(*page)


def _is_event(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    return isinstance(value.get("type"), str) and isinstance(value.get("payload"), dict)


def _is_named(name: str, value: Any) -> bool:
    """Whether a name is the id of what stands there, as in a mapping of replies."""
    return type(value) is dict and value.get("id") == name


def _are_objects(inner: Any) -> bool:
    return isinstance(inner, list) and all(isinstance(one, dict) for one in inner)


def _adds_up(whole: Entry, parts: list[Entry]) -> bool:
    """Whether parts add up to a whole in every count but its total."""
    alike = [{spelled(key): one for key, one in part.items()} for part in parts]
    return all(
        sum(_number(part.get(spelled(key))) for part in alike) == _number(one)
        for key, one in whole.items()
        if one is not None and spelled(key).endswith(("tokens", "requests")) and "total" not in key
    )


def _number(value: Any) -> float:
    """Return a number, also of text, 0 for none, and for what is no number one that equals nothing."""
    number = number_of(value) if isinstance(value, str) else value or 0
    return number if isinstance(number, int | float) else math.nan


def _with_mapping(value: dict[str, Any]) -> dict[str, Any]:
    """Return an entry whose attributes are a mapping, also where OTLP or Jaeger list them."""
    for name in ("attributes", "tags"):
        held = value.get(name)
        if _are_objects(held) and held and all("key" in one for one in held):
            value = {
                **value,
                name: {str(one["key"]): _typed(one.get("value", one)) for one in held},
            }
        elif name == "attributes" and held and not isinstance(held, dict | str):
            raise UsageError(
                f"attributes is {quoted(held)}. A span has a mapping, or a list of keys."
            )
    return value


def _typed(value: Any) -> Any:
    """Return a value of OTLP, which writes whole numbers as text so that 64 bits survive JSON."""
    if not isinstance(value, dict):
        return value
    names = {spelled(name): one for name, one in value.items()}
    return next(
        (names[kind] for kind in _VALUES if kind in names),
        None if _LISTED & names.keys() else value,
    )
