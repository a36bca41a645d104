"""What a log says that was not read: counted, and refused where it looks like usage."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np

from kimi_planner.boundary import quoted
from kimi_planner.errors import UsageError
from kimi_planner.usage.dialects import spelled
from kimi_planner.usage.fields import Fields
from kimi_planner.usage.table import DOUBTFUL, Count, Table, as_count, as_objects, parsed, stated
from kimi_planner.usage.times import is_stamp

#: What a name is about, by the beginnings of its words; the first that fits counts.
_ABOUT = {
    "cost": ("cost", "spend", "spent", "price", "usd"),
    "requests": ("requests", "calls", "num_req", "nreq", "invocations", "executions"),
    "cache": ("cach",),
    "tokens": ("token", "tok", "reasoning", "thinking"),
    "time": ("time", "date", "created", "ts", "when", "start", "begin"),
}
_SHORT = 3
#: What a query calls the number of rows that it adds up.
_ROWS = re.compile(
    "^(?:count|cnt|row_count|num_rows)$|request_?count|(?:count|num|number|total)_(?:of_)?request"
)
_CACHE = frozenset(("cache", "cached"))
#: Limits, rates and parts of a count that no meter bills apart.
_NO_USAGE = re.compile(
    r"(?:^|[._])(?:max|min|per|ratio|limit|rate|ttl|ttft|audio|image|text|video|prediction|tool_use|budget|window"
    r"|remaining|unlimited|saved|version|index|first|latency|duration|elapsed|ms|seconds|retries|modality|multiplier|throughput|unit|avg|average|mean|median|p50|p90|p95|p99)(?:$|[._])"
)
#: What says of an entry that it was answered from a cache.
_HIT = re.compile(r"(?:^|[._])(?:cached|hit|from_cache|cache_status)$")
#: Counts by what their names have in them, where they stand in a list or in text.
_HIDDEN = {
    "reasoning_tokens": re.compile("reasoning"),
    "written_1h_tokens": re.compile("ephemeral"),
    "written_5m_tokens": re.compile("creation|write"),
    "cached_tokens": re.compile("cached|cache_read|cache_hit"),
    "prompt_tokens": re.compile("tokens?$|^(?:in|out)put|^prompt|^completion"),
}
_YES = ("true", "hit", "yes", "semantic hit")
#: Parts of all requests, where those are stated.
_OUTCOMES = frozenset(("successful", "success", "failed", "failure", "error", "errors"))
_HOLDS_COUNTS = re.compile("usage|token|metrics|cache")


def account_for(
    fields: Fields, counts: Mapping[str, Count], *, alive: Any, has: Collection[str]
) -> None:
    """Count how often each field that was not read is stated.

    Parameters
    ----------
    fields : Fields
        What a log says, and what of it was read.
    counts : mapping
        What was read, by name; a field that says the same again is passed over.
    alive : ndarray of bool
        Which entries are rows.
    has : collection of str
        Which of ``timestamp``, ``requests`` and ``logged_cost_usd`` were read.

    Raises
    ------
    UsageError
        If one looks like usage that may not be passed over.
    """
    table, rows = fields.table, fields.rows
    objects = {path.rpartition(".")[0] for path in fields.read} - {""}
    for path, column in table.columns.items():
        times = 0 if path in fields.read else int(stated(column).sum())
        if not times:
            continue
        rows.unread[path] += times
        name = _name_of(table, path)
        if fields.dialect.is_harmless(name) or rows.is_ignored(path) or rows.is_ignored(name):
            continue
        front = path.rpartition(".")[0]
        is_inside = front in objects and _HOLDS_COUNTS.search(front.lower()) is not None
        what = _looks_like(name, is_inside=is_inside, has=has)
        row = None if what is None else _odd_row(column, name, what, counts, alive)
        if row is None:
            what = what or "cache"
            row = _hiding_row(column, name, counts, alive)
        if row is None:
            continue
        value, canonical = as_objects(column)[row], _canonical(what, name)
        remedy = (
            "An answer from a gateway's own cache is not billed: leave it out of the log, or say that it was, "
            if what == "cache" and _is_hit(name, value)
            else f'Say what it is: map={{"{canonical}": "{path}"}} (--map {canonical}={path}), or '
        )
        raise UsageError(
            f"{path} is {quoted(value)}, which looks like {what} and was not read. "
            f'{remedy}ignore=["{path}"] (--ignore {path}).',
            at=rows.where(int(table.lines[row])),
        )


def _name_of(table: Table, path: str) -> str:
    name = spelled(path)
    bare = name.partition(".")[2]
    return bare if table.names.get(bare) == path else name


def _looks_like(name: str, *, is_inside: bool, has: Collection[str]) -> str | None:
    words = re.split(r"[._]", name)
    about = next(
        (what for what, stems in _ABOUT.items() if any(_fits(word, stems) for word in words)),
        "time" if name.endswith("_at") else "requests" if _ROWS.search(name) else None,
    )
    if _NO_USAGE.search(name) or (about == "cost" and "logged_cost_usd" in has):
        return None
    if about == "requests" and "requests" in has and _OUTCOMES.intersection(words):
        return None
    if about == "time" and "timestamp" in has:
        return None
    return about or ("tokens" if is_inside else None)


def _fits(word: str, stems: tuple[str, ...]) -> bool:
    """Whether a word begins with a stem, or has a long one anywhere, as where nothing parts the words."""
    return word.startswith(stems) or any(len(stem) > _SHORT and stem in word for stem in stems)


def _canonical(what: str | None, name: str) -> str:
    words = set(re.split(r"[._]", name))
    if what == "cache":
        return "written_5m_tokens" if words & {"write", "creation", "written"} else "cached_tokens"
    if what == "tokens":
        if words & {"reasoning", "thinking"}:
            return "reasoning_tokens"
        is_output = words & {"output", "completion", "out", "generated", "response"}
        return "completion_tokens" if is_output else "prompt_tokens"
    return {"requests": "requests", "cost": "logged_cost_usd", "time": "timestamp"}[str(what)]


def _odd_row(
    column: Any, name: str, what: str, counts: Mapping[str, Count], alive: Any
) -> int | None:
    """Return the first row whose value says something that was not read elsewhere."""
    if what == "cache" and _HIT.search(name):
        values = enumerate(as_objects(column))
        row = next((row for row, one in values if alive[row] and _is_hit(name, one)), None)
        if row is not None:
            return row
    if isinstance(column, list) and set(map(type, column)) <= {bool, type(None), list}:
        return None
    if str(getattr(column, "type", "")).startswith(("list", "bool", "null")):
        return None
    if what == "time":
        stamps = enumerate(as_objects(column))
        return next((row for row, one in stamps if alive[row] and is_stamp(one)), None)
    count = as_count(column)
    odd = [
        row
        for row, value in count.odd.items()
        if alive[row]
        and (
            (type(value) is float and abs(value) > 0)
            or (type(value) is str and DOUBTFUL.fullmatch(value))
        )
    ]
    says = (count.numbers != 0) & alive
    if says.any() and what != "cost":
        for same in _same(name, what, counts):
            says &= count.numbers != same
    rows = [*odd, *np.flatnonzero(says)[:1].tolist()]
    return min(rows) if rows else None


def _hiding_row(column: Any, name: str, counts: Mapping[str, Count], alive: Any) -> int | None:
    """Return the first row with counts in a list or in text, where none is looked for, that it does not state."""
    kind = str(getattr(column, "type", ""))
    types = set(map(type, column)) if isinstance(column, list) else set()
    is_text = (kind == "string" or str in types) and _HOLDS_COUNTS.search(name) is not None
    if not (is_text or list in types or "struct" in kind):
        return None
    for row, value in enumerate(as_objects(column)):
        held = parsed(value) if is_text else value
        if alive[row] and any(not counts[field].numbers[row] for field in _hidden(held)):
            return row
    return None


def _hidden(value: Any) -> Iterator[str]:
    """Yield which counts stand in a list or an object."""
    for one in value if isinstance(value, list) else ():
        yield from _hidden(one)
    for key, one in value.items() if isinstance(value, dict) else ():
        if type(one) is int and one:
            name = spelled(key)
            yield from (field for field, stem in _HIDDEN.items() if stem.search(name))
        else:
            yield from _hidden(one)


def _is_hit(name: str, value: Any) -> bool:
    return _HIT.search(name) is not None and str(value).strip().lower() in _YES


def _same(name: str, what: str, counts: Mapping[str, Count]) -> list[Any]:
    """Return what was read that a field of this name may say again."""
    words = set(re.split(r"[._]", name))

    def of(field: str) -> Any:
        return counts[field].numbers if field in counts else 0

    prompt, completion, cached = of("prompt_tokens"), of("completion_tokens"), of("cached_tokens")
    written = of("written_tokens") + 0
    lived = of("written_5m_tokens") + of("written_1h_tokens")
    if what == "requests":
        requests = counts.get("requests")
        return [] if requests is None else [np.where(requests.missing, 1, requests.numbers)]
    if words & {"reasoning", "thinking", "thoughts"}:
        return [of("reasoning_tokens")]
    if words & {"miss", "uncached", "other"} or {"no", "cache"} <= words:
        return [prompt - cached, prompt - cached - lived]
    if words & {"write", "creation", "written", "created"}:
        return [written, lived, of("written_5m_tokens"), of("written_1h_tokens")]
    if words & _CACHE or words & {"hit", "read"}:
        return [cached]
    if words & {"prompt", "input", "in", "request", "context"}:
        return [prompt, prompt - cached, prompt - cached - lived]
    if words & {"completion", "output", "out", "response", "generated"}:
        return [completion, completion - of("reasoning_tokens")]
    return [prompt + completion]
