"""Entries inside of what is logged: pages, exports, envelopes, streams."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from kimi_planner.errors import UsageError, shown
from kimi_planner.usage.dialects import spelled

__all__ = ["Unwrapping"]

#: Fields that are lists of entries, or of more such lists.
_LISTS = frozenset((
    "data", "results", "result", "spans", "resource_spans", "scope_spans", "batches", "calls", "runs", "traces",
    "instrumentation_library_spans", "observations", "generations", "events", "logs", "items", "rows", "hits",
    "records", "daily", "weekly", "monthly", "sessions", "session", "blocks", "model_breakdowns", "activity",
    "entries", "objects", "usage_events",
))  # fmt: skip
#: Those that are nothing else.
_BUILT = ("resource_spans", "scope_spans", "results")
#: Objects in which such lists may be.
_INSIDE = frozenset(("data", "trace", "result", "attributes", "response_data"))
#: What of a list's holder also holds of its entries.
_SHARED = frozenset((
    "start_time", "end_time", "starting_at", "ending_at", "date", "month", "week", "timestamp", "session_id",
    "trace_id", "last_activity",
))  # fmt: skip
_TEXTS = frozenset(("log", "line", "message", "msg", "text_payload"))
_EVENTS = frozenset(("message", "params", "payload", "event"))
#: Objects from a model to what it used.
_BY_MODEL = ("summary.usage", "breakdown.models", "model_usage")
_PAGE_OF = (
    ("page", "total_pages"),
    ("current_page", "total_pages"),
    ("page", "pages"),
    ("page", "page_count"),
)


@lru_cache(maxsize=1 << 12)
def _is_plain(keys: tuple[str, ...]) -> bool:
    names = set(map(spelled, keys))
    parallel = {"input_lens", "output_lens"} <= names
    wraps = (
        _LISTS
        | _INSIDE
        | _TEXTS
        | _EVENTS
        | {
            "type",
            "tags",
            "summary",
            "breakdown",
            "model_usage",
            "resource_logs",
            "resource_metrics",
        }
    )
    return not parallel and not names & wraps


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

    def entries(self, value: Any) -> Iterator[Any]:
        """Yield the entries that a JSON value holds: itself, or those of a page, a bucket or an export.

        Raises
        ------
        UsageError
            If an export is not built as one.
        """
        if type(value) is not dict or _is_plain(tuple(value)):
            yield value
            return
        names = {spelled(key): key for key in value}
        is_reply = isinstance(value.get("usage"), dict) and "op_name" not in names
        if is_reply and value.get("type") != "message_delta":
            yield value
            return
        for unwrap in (
            self._text,
            self._stream,
            self._event,
            self._parallel,
            self._by_model,
            self._lists,
        ):
            inner = unwrap(value, names)
            if inner is not None:
                yield from inner
                return
        yield self._with_mappings(value, names)

    def _text(self, value: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[Any] | None:
        """Return the entry that is logged as text, also in pieces, as Docker cuts it."""
        for name in _TEXTS & names.keys():
            text = value[names[name]]
            stream = value.get("stream")
            if type(text) is not str or not (
                text[:1] == "{" or (name == "log" and stream in ("stdout", "stderr"))
            ):
                continue
            text = self._texts.pop(stream, "") + text
            if (
                name == "log"
                and stream is not None
                and not text.endswith("\n")
                and len(text) >= 1 << 14
            ):
                self._texts[stream] = text
                return iter(())
            try:
                return self.entries(json.loads(text))
            except (ValueError, RecursionError):
                if text.lstrip().startswith("{"):
                    raise UsageError(
                        f"{names[name]} is no whole JSON value: {shown(text)}."
                    ) from None
                self.other()
                return iter(())
        return None

    def _stream(self, value: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[Any] | None:
        """Return the usage so far of a streamed Anthropic message."""
        kind = value.get("type")
        if kind == "message_start" and isinstance(value.get("message"), dict):
            self._message = value["message"]
        elif kind == "message_delta" and isinstance(value.get("usage"), dict):
            before, now = self._message.get("usage") or {}, value["usage"]
            self._message = {
                **self._message,
                "usage": before | {k: v for k, v in now.items() if v is not None},
            }
        elif kind in (
            "message_stop",
            "content_block_delta",
            "content_block_start",
            "content_block_stop",
            "ping",
            "message_delta",
        ):
            self.other()
            return iter(())
        else:
            return None
        kept: dict[str, Any] = {
            key: self._message[key] for key in ("id", "model", "usage") if key in self._message
        }
        shared = {key: value[key] for key in ("timestamp", "created", "created_at") if key in value}
        chunk: dict[str, Any] = {"type": "message_chunk", **shared, **kept}
        return iter((chunk,))

    def _event(self, value: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[Any] | None:
        """Return the payload of an event, also of one inside another."""
        if isinstance(value.get("type"), str) and isinstance(value.get("payload"), dict):
            payload = value["payload"]
            inner = payload.get("event")
            shared = {key: one for key, one in value.items() if spelled(key) in _SHARED}
            if isinstance(inner, dict):
                return self.entries({**shared, **inner})
            return iter(({**shared, "type": value["type"], **payload},))
        for name in _EVENTS & names.keys():
            inner = value[names[name]]
            if (
                isinstance(inner, dict)
                and isinstance(inner.get("type"), str)
                and isinstance(inner.get("payload"), dict)
            ):
                shared = {key: one for key, one in value.items() if spelled(key) in _SHARED}
                return self.entries({**shared, **inner})
        return None

    def _parallel(self, value: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[Any] | None:
        """Return the calls of a benchmark that writes a list for each field."""
        if not {"input_lens", "output_lens"} <= names.keys():
            return None
        prompts, completions = value[names["input_lens"]], value[names["output_lens"]]
        if not (
            isinstance(prompts, list)
            and isinstance(completions, list)
            and len(prompts) == len(completions)
        ):
            raise UsageError("input_lens and output_lens are not lists of one length.")
        for name, lens in (("total_input_tokens", prompts), ("total_output_tokens", completions)):
            total = value.get(name)
            if (
                total is not None
                and all(isinstance(one, int) for one in lens)
                and total != sum(lens)
            ):
                raise UsageError(
                    f"{name} ({shown(total)}) is not the sum of its list ({sum(lens)})."
                )
        model = value.get("model_id") or value.get("model")
        return iter([
            {"model": model, "prompt_tokens": one, "completion_tokens": other}
            for one, other in zip(prompts, completions, strict=True)
        ])  # fmt: skip

    def _by_model(self, value: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[Any] | None:
        """Return an entry for each model, where they add up to the whole; else the whole."""
        for path in _BY_MODEL:
            holder: Any = value
            for part in path.split("."):
                key = (
                    next((key for key in holder if spelled(key) == part), None)
                    if isinstance(holder, dict)
                    else None
                )
                holder = holder[key] if key is not None else None
            if (
                not isinstance(holder, dict)
                or not holder
                or not all(isinstance(one, dict) for one in holder.values())
            ):
                continue
            rest = {key: one for key, one in value.items() if spelled(key) != path.split(".")[0]}
            if path == "breakdown.models":
                parts = [one.get("metrics", one) for one in holder.values()]
                whole = value.get("metrics", {})
                counts = [
                    key
                    for key, one in whole.items()
                    if isinstance(one, int) and not isinstance(one, bool)
                ]
                if any(
                    sum(part.get(key, 0) or 0 for part in parts) != whole[key] for key in counts
                ):
                    return iter(
                        ({**rest, "model": next(iter(holder)) if len(holder) == 1 else None},)
                    )
                return iter(
                    [
                        {**rest, "model": name, "metrics": part}
                        for name, part in zip(holder, parts, strict=True)
                    ]
                )
            return iter([{**rest, "model": name, "usage": part} for name, part in holder.items()])
        return None

    def _lists(self, value: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[Any] | None:
        """Return the entries of lists, each with what their holder says of all."""
        if {"resource_logs", "resource_metrics"} & names.keys():
            self.other()
            return iter(())
        if {"span_id", "context"} & names.keys():
            return None
        shared = {
            key: one
            for name, key in names.items()
            if name in _SHARED and not isinstance(one := value[key], dict | list)
        }
        if "results" in names and ("start_time" in names or "starting_at" in names):
            self._bucket(value, names)
            shared |= {"num_model_requests": None} if value.get("object") == "bucket" else {}
        for name in sorted(_LISTS & names.keys()):
            inner = value[names[name]]
            if (
                name in _BUILT
                and not _is_built(inner)
                and (name != "results" or not isinstance(inner, dict))
            ):
                raise UsageError(f"{names[name]} is {shown(inner)}. It must be a list of objects.")
            if isinstance(inner, list) and (
                not inner or any(isinstance(one, dict | list) for one in inner)
            ):
                self._paged(value)
                if name == "model_breakdowns" and not _adds_up(value, inner):
                    return None
                return self._of_list(inner, shared)
        for name in sorted(_INSIDE & names.keys()):
            inner = value[names[name]]
            if (
                isinstance(inner, dict)
                and (name != "attributes" or "spans" in inner)
                and len(inner)
            ):
                if (
                    name in ("data", "result")
                    and ("id" in names or "type" in names)
                    and "attributes" not in inner
                ):
                    continue
                self._paged(value)
                return self.entries(inner)
        return None

    def _of_list(self, inner: list[Any], shared: Mapping[str, Any]) -> Iterator[Any]:
        for one in inner:
            if isinstance(one, dict):
                yield from self.entries(
                    {**{k: v for k, v in shared.items() if k not in one}, **one} if shared else one
                )
            elif isinstance(one, list):
                yield from self._of_list(one, shared)
            else:
                yield one

    def _bucket(self, value: Mapping[str, Any], names: Mapping[str, str]) -> None:
        results = value[names["results"]]
        if not isinstance(results, list) or not all(isinstance(one, dict) for one in results):
            raise UsageError(f"results is {shown(results)}. A bucket has a list of objects.")
        start, end = (
            next((value[names[one]] for one in pair if one in names), None)
            for pair in (("start_time", "starting_at"), ("end_time", "ending_at"))
        )
        self.cover(start, end)

    def _paged(self, value: Mapping[str, Any]) -> None:
        """Tell which page of how many this is, where it says so."""
        for holder in (
            value,
            *(
                value[key]
                for key in value
                if spelled(key)
                in ("meta", "metadata", "pagination", "page", "links", "paging", "result_info")
                and isinstance(value[key], dict)
            ),
        ):
            names = {spelled(key): one for key, one in holder.items()}
            for page, pages in _PAGE_OF:
                if isinstance(names.get(page), int) and isinstance(names.get(pages), int):
                    self.page(names[page], names[pages], None)
                    break
            size, total = (next((names[key] for key in keys if isinstance(names.get(key), int)), None)
                           for keys in (("page_size", "per_page", "limit", "count"), ("total", "total_items", "total_count")))  # fmt: skip
            if (
                total is not None
                and size
                and not any(isinstance(names.get(key), int) for key in ("total_pages", "pages"))
            ):
                self.page(
                    names.get("page", 1) if isinstance(names.get("page", 1), int) else 1,
                    -(-total // size),
                    None,
                )
            more = names.get("has_more", names.get("has_next_page"))
            follows = next(
                (
                    names[key]
                    for key in (
                        "next_page",
                        "next_cursor",
                        "next_page_token",
                        "next",
                        "after",
                        "cursor",
                        "next_page_url",
                    )
                    if key in names
                ),
                None,
            )
            if isinstance(more, bool) or isinstance(follows, str):
                self.page(None, None, more if isinstance(more, bool) else True)

    def _with_mappings(self, value: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
        """Return an entry whose attributes are a mapping, also where OTLP or Jaeger list them."""
        for name in ("attributes", "tags"):
            held = value.get(name)
            if (
                isinstance(held, list)
                and held
                and all(isinstance(one, dict) and "key" in one for one in held)
            ):
                value = {**value, name: {str(one["key"]): _typed(one.get("value")) for one in held}}
            elif (
                name == "attributes"
                and held is not None
                and not isinstance(held, dict | str)
                and held != []
            ):
                raise UsageError(
                    f"attributes is {shown(held)}. A span has a mapping, or a list of keys."
                )
        return value


def _is_built(inner: Any) -> bool:
    return inner is None or (
        isinstance(inner, list) and all(isinstance(one, dict) for one in inner)
    )


def _adds_up(value: Mapping[str, Any], parts: list[Any]) -> bool:
    """Whether the parts of a day add up to it."""
    counts = [
        key
        for key, one in value.items()
        if type(one) is int and "okens" in key and "otal" not in key
    ]
    return all(sum(part.get(key, 0) or 0 for part in parts) == value[key] for key in counts)


def _typed(value: Any) -> Any:
    """Return a value of OTLP, which writes whole numbers as text so that 64 bits survive JSON."""
    if not isinstance(value, dict):
        return value
    if "intValue" in value:
        whole = value["intValue"]
        return (
            int(whole)
            if isinstance(whole, str) and whole.isdecimal() and len(whole) < 20
            else whole
        )
    return next(
        (value[kind] for kind in ("stringValue", "doubleValue", "boolValue") if kind in value), None
    )
