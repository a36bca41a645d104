"""Which form a CSV log has, told by its header."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from kimi_planner.errors import UsageError, Where, did_you_mean, shown
from kimi_planner.usage.frame import COLUMNS

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
    is_json
        Whether its rows are read as the JSON form of the same export, as cells hold more than a value.
    fails_at_zero
        Whether a call without completion tokens failed, and was not billed.
    """

    name: str
    needs: Set[str]
    names: Mapping[str, str] = field(default_factory=dict)
    is_json: bool = False
    fails_at_zero: bool = False


#: In the order in which they are tried.
_FORMS = (
    CsvForm("Langfuse observations", {"usage_details"}, is_json=True),
    CsvForm("Langfuse observations", {"usageDetails"}, is_json=True),
    CsvForm("LiteLLM spend logs", {"startTime", "prompt_tokens"}, is_json=True),
    CsvForm("OpenAI usage export", {"num_model_requests", "start_time"}, is_json=True),
    CsvForm(
        "BurstGPT trace",
        {"Timestamp", "Request tokens", "Response tokens"},
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
        {"TIMESTAMP", "ContextTokens", "GeneratedTokens"},
        {
            "timestamp": "TIMESTAMP",
            "prompt_tokens": "ContextTokens",
            "completion_tokens": "GeneratedTokens",
        },
    ),
    CsvForm("usage CSV", {"prompt_tokens", "completion_tokens"}),
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
