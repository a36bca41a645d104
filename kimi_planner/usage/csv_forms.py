"""Which form a CSV log has, told by its header."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kimi_planner.errors import UsageError, Where, did_you_mean, shown
from kimi_planner.usage.exports import read_langfuse, read_litellm, read_window
from kimi_planner.usage.frame import COLUMNS
from kimi_planner.usage.row import LeftOut, OpenStream, Row

__all__ = ["CsvForm", "csv_form"]


@dataclass(frozen=True, slots=True)
class CsvForm:
    """One form of CSV logs.

    Attributes
    ----------
    name
        What it is called in messages and in ``attrs``.
    needs
        Columns by which it is told.
    names
        Its name of each canonical column that is called otherwise.
    read
        Reads a row as the JSON form of the same export does, where cells hold more than a value.
    fails_at_zero
        Whether a call without completion tokens failed, and was not billed.
    """

    name: str
    needs: frozenset[str]
    names: dict[str, str]
    read: Callable[[dict[str, Any]], Row | OpenStream | LeftOut] | None = None
    fails_at_zero: bool = False


_CANONICAL = CsvForm("usage CSV", frozenset({"prompt_tokens", "completion_tokens"}), {})
#: In the order in which they are tried.
_FORMS = (
    CsvForm("Langfuse observations", frozenset({"usage_details"}), {}, read_langfuse),
    CsvForm("Langfuse observations", frozenset({"usageDetails"}), {}, read_langfuse),
    CsvForm("LiteLLM spend logs", frozenset({"startTime", "prompt_tokens"}), {}, read_litellm),
    CsvForm(
        "OpenAI usage export", frozenset({"num_model_requests", "start_time"}), {}, read_window
    ),
    CsvForm(
        "BurstGPT trace",
        frozenset({"Timestamp", "Request tokens", "Response tokens"}),
        {
            "timestamp_s": "Timestamp",
            "model": "Model",
            "prompt_tokens": "Request tokens",
            "completion_tokens": "Response tokens",
        },
        fails_at_zero=True,
    ),
    CsvForm(
        "Azure LLM trace",
        frozenset({"TIMESTAMP", "ContextTokens", "GeneratedTokens"}),
        {
            "timestamp": "TIMESTAMP",
            "prompt_tokens": "ContextTokens",
            "completion_tokens": "GeneratedTokens",
        },
    ),
    _CANONICAL,
)


def csv_form(file: str, names: list[str], line: int) -> CsvForm:
    """Return the form of a CSV log with these columns.

    Raises
    ------
    UsageError
        If a column stands there twice, or no form fits.
    """
    doubled = {name for name in names if name and names.count(name) > 1}
    if doubled or {"timestamp", "timestamp_s"} <= set(names):
        both = ", ".join(sorted(doubled or {"timestamp", "timestamp_s"}))
        raise UsageError(
            f"the header names a column twice ({both}). Keep one.", at=Where(file, line)
        )
    for form in _FORMS:
        if form.needs <= set(names):
            return form
    needed = next(name for name in ("prompt_tokens", "completion_tokens") if name not in names)
    near = did_you_mean(needed, [name for name in names if name and name not in COLUMNS])
    others = ", ".join(dict.fromkeys(form.name for form in _FORMS[:-1]))
    raise UsageError(
        f"no column {needed!r}. Found: {shown(', '.join(names))}.{near} "
        f"A usage CSV has the columns {', '.join(COLUMNS)}. Other forms that are read: {others}.",
        at=Where(file, line),
    )
