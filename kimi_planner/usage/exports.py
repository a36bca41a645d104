"""What gateways and dashboards export: OpenAI usage buckets, LiteLLM spend logs, Langfuse."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from kimi_planner.billing.record import read_counts
from kimi_planner.errors import UsageError, shown
from kimi_planner.usage.row import Call, LeftOut, More, Row, more_of

__all__ = [
    "is_bucket",
    "is_langfuse",
    "is_litellm",
    "is_window",
    "read_langfuse",
    "read_litellm",
    "read_window",
    "windows_of",
]

_GENERATIONS = ("GENERATION", "EMBEDDING")


def is_bucket(entry: Mapping[str, Any]) -> bool:
    """Whether this is a bucket of OpenAI's organisation usage export."""
    return "results" in entry and "start_time" in entry


def windows_of(bucket: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the results of a bucket, each with the bucket's start.

    Raises
    ------
    UsageError
        If its results are no list of objects.
    """
    results = bucket["results"]
    if not isinstance(results, list) or not all(isinstance(one, Mapping) for one in results):
        raise UsageError(f"results is {shown(results)}. A bucket has a list of objects.")
    for result in results:
        yield {
            **result,
            "start_time": bucket["start_time"],
            "num_model_requests": result.get("num_model_requests"),
        }


def is_window(entry: Mapping[str, Any]) -> bool:
    """Whether this is a result of such a bucket."""
    return "num_model_requests" in entry


def read_window(entry: Mapping[str, Any]) -> Row | LeftOut:
    """Return a row of all requests of one window; cached tokens are part of the input tokens.

    Raises
    ------
    UsageError
        If it has no counts of tokens, such as an export of costs.
    """
    requests, prompt = entry.get("num_model_requests"), entry.get("input_tokens")
    if prompt is None or requests is None:
        missing = "input_tokens" if prompt is None else "num_model_requests"
        raise UsageError(
            f"{missing} is missing. Export completions usage (/v1/organization/usage/completions)."
        )
    if requests == 0:
        return LeftOut.OTHER
    return (
        None, False, entry.get("start_time"), entry.get("model") or None, requests, prompt,
        entry.get("output_tokens", 0), entry.get("input_cached_tokens"), None, None,
        more_of(entry, batch=str(entry.get("batch")).lower() == "true"),
    )  # fmt: skip


def is_litellm(entry: Mapping[str, Any]) -> bool:
    """Whether this is a row of LiteLLM's spend logs."""
    return "startTime" in entry and "prompt_tokens" in entry


def read_litellm(entry: Mapping[str, Any]) -> Row | LeftOut:
    """Return the row of a spend log; cached tokens stand in its ``metadata``.

    ``metadata.usage_object`` is the provider's own usage object, ``additional_usage_values`` what
    it has beside the three totals. Answers from LiteLLM's own cache were never sent, and failures
    have no tokens: both are left out.

    Raises
    ------
    UsageError
        If a count is missing or the metadata is not readable.
    """
    metadata = _object(entry, "metadata")
    if str(entry.get("cache_hit")).lower() == "true":
        return LeftOut.OTHER
    totals = {
        name: entry.get(name) for name in ("prompt_tokens", "completion_tokens", "total_tokens")
    }
    if "failure" in (entry.get("status"), metadata.get("status")) and not any(totals.values()):
        return LeftOut.FAILED
    parts = {**_object(metadata, "additional_usage_values"), **_object(metadata, "usage_object")}
    usage = {**parts, **totals}
    return (
        entry.get("request_id"),
        False,
        entry["startTime"],
        entry.get("model") or None,
        1,
        *read_counts(usage),
        more_of(usage, batch=usage.get("service_tier") == "batch"),
    )


def is_langfuse(entry: Mapping[str, Any]) -> bool:
    """Whether this is an observation that Langfuse exports."""
    return "usage_details" in entry or "usageDetails" in entry


def read_langfuse(entry: Mapping[str, Any]) -> Row | LeftOut:
    """Return the row of a generation; other observations are left out.

    Raises
    ------
    UsageError
        If a generation that did not fail has no usage, or its kinds of usage contradict its total.
    """
    kind = entry.get("type")
    if kind is not None and str(kind).upper() not in _GENERATIONS:
        return LeftOut.OTHER
    details = _object(entry, "usage_details" if "usage_details" in entry else "usageDetails")
    if not details:
        if kind is None:
            return LeftOut.OTHER
        if entry.get("level") == "ERROR":
            return LeftOut.FAILED
        raise UsageError("a generation without usage_details, so its cost is unknown.")
    model = entry.get("provided_model_name") or entry.get("providedModelName") or entry.get("model")
    return Call(
        entry.get("id"),
        False,
        entry.get("start_time") or entry.get("startTime"),
        model or None,
        1,
        *_langfuse_counts(details),
        more=_langfuse_written(details),
    )


def _langfuse_counts(details: Mapping[str, Any]) -> tuple[int, int, int | None, int | None]:
    """Return prompt, completion, cached and reasoning tokens of Langfuse's kinds of usage.

    Langfuse means every kind to exclude the others: ``input`` is what was not cached, and all kinds
    add up to ``total``. Clients that send inclusive numbers are recognised by a total that only
    ``input`` and ``output`` add up to.

    Raises
    ------
    UsageError
        If the total is neither, or a number is not whole.
    """
    for name, value in details.items():
        if type(value) is not int or value < 0:
            raise UsageError(f"usage_details.{name} is {shown(value)}. It must be a whole number.")
    sides = {
        side: {name: value for name, value in details.items() if _side(name) == side}
        for side in ("input", "output")
    }
    if not any(sides.values()):
        raise UsageError(
            f"usage_details has neither input nor output: {shown(dict(details))}. It must say tokens."
        )
    added = {side: sum(kinds.values()) for side, kinds in sides.items()}
    inclusive = {side: kinds.get(side, added[side]) for side, kinds in sides.items()}
    total = details.get("total")
    other = sum(details.values()) - sum(added.values()) - (total or 0)
    choices = [(added["input"], added["output"]), (inclusive["input"], inclusive["output"]),
               (inclusive["input"], added["output"]), (added["input"], inclusive["output"])]  # fmt: skip
    fitting = [pair for pair in choices if total in (None, sum(pair), sum(pair) + other)]
    if not fitting:
        raise UsageError(
            f"usage_details.total ({total}) is neither the sum of all kinds ({sum(choices[0])}) nor input "
            f"+ output ({sum(choices[1])})."
        )
    return (*fitting[0], _part(sides["input"], "cache"), _part(sides["output"], "reasoning"))


def _langfuse_written(details: Mapping[str, int]) -> More:
    """Return what was written to a cache; a kind that does not say for an hour is for five minutes."""
    kinds = {name: value for name, value in details.items() if _is_write(name)}
    hour = sum(value for name, value in kinds.items() if "1h" in name)
    return (sum(kinds.values()) - hour, hour, False) if kinds else None


def _is_write(kind: str) -> bool:
    return "creation" in kind or "write" in kind


def _side(kind: str) -> str | None:
    if kind == "total":
        return None
    if "input" in kind or "cache" in kind or kind.startswith("prompt"):
        return "input"
    if "output" in kind or "reasoning" in kind or kind.startswith("completion"):
        return "output"
    return None


def _part(kinds: Mapping[str, int], word: str) -> int | None:
    """Return the tokens of the kinds that have a word in their name, ``None`` without any.

    What was written to a cache (``cache_creation_input_tokens``) was not served from it.
    """
    found = [value for name, value in kinds.items() if word in name and not _is_write(name)]
    return sum(found) if found else None


def _object(holder: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return an object inside another, also where it is JSON text; empty if it is not there."""
    value = holder.get(name)
    if value is None or value == "":
        return {}
    if isinstance(value, str):
        with suppress(ValueError, RecursionError):
            value = json.loads(value)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UsageError(f"{name} is {shown(value)}. It must be a JSON object.")
    return value
