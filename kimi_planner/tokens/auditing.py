"""Counts held against a log of your own: what is met, and which rule would explain the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kimi_planner.arguments import public
from kimi_planner.catalog import Catalog, ModelSpec, load_catalog
from kimi_planner.catalog.aliases import catalog_id
from kimi_planner.errors import KimiPlannerError, RequestError, needs, shown
from kimi_planner.rich import Page, Shown
from kimi_planner.tokens.causes import prompt_causes, reply_causes
from kimi_planner.tokens.chat import count_prompt, count_reply, template_on
from kimi_planner.tokens.images import Size
from kimi_planner.tokens.logged import LoggedCall, call_in, read_rows
from kimi_planner.tokens.requests import reply_of

if TYPE_CHECKING:
    import pandas as pd


EXACT, IN_RANGE, UNKNOWN = "exact", "within the stated range", "unknown"
#: So many calls of a model that differ by the same number have something in common.
LEAST_ALIKE = 3
MAX_MESSAGES = 1_000
_KEYS = ("model", "what", "cause")
_SUMS = ("calls", "billed_tokens", "counted_tokens", "difference_tokens")


@dataclass(frozen=True, slots=True)
class Audited:
    """The prompt or the reply of one call.

    Attributes
    ----------
    place
        Its row of the log, from 1, or file and line.
    model, what
        The model, and ``"prompt"`` or ``"reply"``.
    billed_tokens, counted_tokens
        What the log says, and the count.
    cause
        ``"exact"``, ``"within the stated range"``, the rule that would explain the difference, or
        ``"unknown"``.
    """

    place: str
    model: str
    what: str
    billed_tokens: int
    counted_tokens: int
    cause: str

    @property
    def difference(self) -> int:
        """Billed tokens above the count."""
        return self.billed_tokens - self.counted_tokens


@dataclass(frozen=True, kw_only=True, repr=False)
class Audit(Shown):
    """Counts held against bills.

    Attributes
    ----------
    calls
        Every prompt and every reply that was billed and counted.
    left_out, messages
        Rows that could not be held against a bill, and why, at most the first 1,000.
    catalog_version
        Whose templates.
    """

    calls: tuple[Audited, ...]
    left_out: int
    messages: tuple[str, ...]
    catalog_version: str

    def of(self, what: str, cause: str | None = None) -> list[Audited]:
        """Return the prompts or the replies, of one cause if it is given."""
        return [call for call in self.calls if call.what == what and cause in (None, call.cause)]

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each model, prompts or replies, and cause, with calls and tokens."""
        with needs("pandas"):
            import pandas as pd

        return pd.DataFrame(self._rows, columns=[*_KEYS, *_SUMS])

    @property
    def _rows(self) -> list[dict[str, Any]]:
        groups: dict[tuple[str, str, str], list[Audited]] = {}
        for call in self.calls:
            groups.setdefault((call.model, call.what, call.cause), []).append(call)
        rows = [dict(zip(_KEYS, key, strict=True)) | _summed(some) for key, some in groups.items()]
        return sorted(rows, key=lambda row: (row["model"], row["what"], -row["calls"]))

    def sentence(self) -> str:
        """Return how many prompts and replies are met or explained, in words."""
        parts = []
        for what in ("prompt", "reply"):
            calls = self.of(what)
            if not calls:
                continue
            exact, unknown = len(self.of(what, EXACT)), len(self.of(what, UNKNOWN))
            explained = len(calls) - exact - unknown
            sums = _summed(calls)
            noun = {"prompt": "prompts", "reply": "replies"}[what]
            parts.append(
                f"of {len(calls):,} {noun} {exact:,} are exact, {explained:,} explained, {unknown:,} "
                f"unknown ({sums['counted_tokens']:,} tokens counted, {sums['billed_tokens']:,} billed)"
            )
        if not parts:
            parts = ["no call has a request and its usage"]
        if self.left_out:
            parts.append(f"{self.left_out:,} rows left out")
        said = "; ".join(parts)
        return f"{said[0].upper()}{said[1:]}. Catalog {self.catalog_version}."

    def __str__(self) -> str:
        return self.sentence()

    def page(self) -> Page:
        """Return the sentence, and tokens by model, prompts or replies and cause, and in all."""
        whole = {"model": "all", **_summed(self.calls)}
        return Page(
            title=self.sentence(),
            frame=[*self._rows, *[whole] * bool(self.calls)],
            columns=("model", "what", *_SUMS, "cause"),
            notes=self.messages,
        )


def _summed(calls: Collection[Audited]) -> dict[str, int]:
    return {
        "calls": len(calls),
        "billed_tokens": sum(call.billed_tokens for call in calls),
        "counted_tokens": sum(call.counted_tokens for call in calls),
        "difference_tokens": sum(call.difference for call in calls),
    }


@public
def audit(
    log: str | Path | Iterable[Mapping[str, Any]],
    model: str | Mapping[str, str] | None = None,
    as_of: object = None,
    *,
    image_sizes: Mapping[str, Size] | None = None,
    catalog: Catalog | str | Path | None = None,
) -> Audit:
    """Hold counts against a log that has requests and what was billed for them.

    Parameters
    ----------
    log : path or iterable of mapping
        A file of JSON lines or JSON, or its rows: each with a request (``request``, ``body``,
        ``input``, ``messages`` and so on), its ``usage``, and perhaps the reply.
    model : str or mapping, optional
        Model of every row, or from a model's name in the log to its id in the catalog; the log's
        own names, as the catalog knows them, if not given.
    as_of : date, datetime or str, optional
        The day whose rules count for all; each row's own day if not given, else the latest rules.
    image_sizes : mapping of str to (int, int), optional
        Width and height in pixels of images that are not local, by address.
    catalog : Catalog, str or Path, optional
        Whose templates; the default catalog if not given.

    Returns
    -------
    Audit
        How many prompts and replies are met, and the rest by the one rule whose change would
        explain it.

    Raises
    ------
    FileError
        If the log cannot be read. Rows that cannot be understood are left out, with the reason.

    Notes
    -----
    A rule is named where counting with it changed, and nothing else, gives what was billed: that
    is evidence of a cause, no proof. Counts are Moonshot's; other hosts bill other templates.

    Examples
    --------
    >>> request = {"model": "kimi-k2", "messages": [{"role": "user", "content": "Say hi."}]}
    >>> print(audit([{"request": request, "usage": {"prompt_tokens": 10}}]))
    Of 1 prompts 1 are exact, 0 explained, 0 unknown (10 tokens counted, 10 billed). Catalog 2026-06.
    """
    catalog = load_catalog(catalog)
    if not isinstance(log, Iterable | Path):
        raise RequestError(f"log is {shown(log)}. Give a file, or its rows.")
    rows: Iterable[tuple[str, Any]] = (
        read_rows(log)
        if isinstance(log, str | Path)
        else ((f"row {number}", row) for number, row in enumerate(log, start=1))
    )
    calls: list[Audited] = []
    messages: list[str] = []
    left_out = 0
    for place, row in rows:
        try:
            call = call_in(row)
            spec = _spec(call, model, catalog)
            calls += [
                *_held(place, call, spec, as_of or call.day, image_sizes)
            ]  # all of it or nothing
        except KimiPlannerError as error:
            left_out += 1
            messages += [f"{place}: {error}"] if len(messages) < MAX_MESSAGES else []
    return Audit(
        calls=tuple(_alike(calls)),
        left_out=left_out,
        messages=tuple(messages),
        catalog_version=catalog.version,
    )


def _spec(call: LoggedCall, model: str | Mapping[str, str] | None, catalog: Catalog) -> ModelSpec:
    named = call.body.get("model")
    if isinstance(model, Mapping):
        named = model.get(str(named), named)
    elif model is not None:
        named = model
    if not isinstance(named, str):
        raise RequestError(f"model is {shown(named)}. Name one in the row, or pass model=….")
    return catalog.model(catalog_id(named, catalog) or named)


def _held(
    place: str,
    call: LoggedCall,
    spec: ModelSpec,
    day: object,
    sizes: Mapping[str, Size] | None,
) -> Iterator[Audited]:
    """Yield the prompt and the reply of a call, each with its cause."""
    if call.prompt_tokens is None:
        raise RequestError("no usage with prompt_tokens. The row holds no bill.")
    prompt = count_prompt(call.body, spec, as_of=day, image_sizes=sizes)
    cause = EXACT
    if prompt.tokens != call.prompt_tokens:
        rule = template_on(spec, day).rule
        in_range = prompt.low <= call.prompt_tokens <= prompt.high
        cause = _first(
            prompt_causes(call.body, rule, sizes),
            call.prompt_tokens,
            IN_RANGE if in_range else _by_host(call),
        )
    yield Audited(str(place), spec.id, "prompt", call.prompt_tokens, prompt.tokens, cause)
    if call.replies and call.completion_tokens is not None:
        yield _reply(str(place), call, spec, day, call.completion_tokens)


def _first(causes: Iterable[tuple[str, int]], billed: int, otherwise: str) -> str:
    """Return the first cause with which a count is what was billed."""
    return next((name for name, tokens in causes if tokens == billed), otherwise)


def _by_host(call: LoggedCall) -> str:
    host = call.host or "moonshot"
    return UNKNOWN if "moonshot" in host.lower() else f"the template of another host ({host[:40]})"


def _reply(place: str, call: LoggedCall, spec: ModelSpec, day: object, billed: int) -> Audited:
    messages = [reply_of(reply) for reply in call.replies]
    counted = sum(count_reply(message, spec, day).tokens for message in messages)
    cause = EXACT
    if counted != billed:
        template = template_on(spec, day)
        causes = reply_causes(call, messages, template, counted)
        cause = _first(causes, billed, _by_host(call))
    return Audited(place, spec.id, "reply", billed, counted, cause)


def _alike(calls: Iterable[Audited]) -> Iterator[Audited]:
    """Name what unknown differences have in common: the same number on several calls of a model."""
    calls = list(calls)

    def key(call: Audited) -> tuple[str, str, int]:
        return call.model, call.what, call.difference

    times = Counter(key(call) for call in calls if call.cause == UNKNOWN)
    for call in calls:
        if call.cause == UNKNOWN and times[key(call)] >= LEAST_ALIKE:
            same = f"always {call.difference:+,} tokens: text that is not in the log, or another template"
            yield replace(call, cause=same)
        else:
            yield call
