"""What counts rest on: recorded bills by model and kind of request, and how many of them are met."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from kimi_planner.catalog import ModelSpec
from kimi_planner.catalog.rendering import Rendering
from kimi_planner.files import data_dir
from kimi_planner.tokens.messages import Image
from kimi_planner.tokens.requests import Request

#: How a count is known: recorded bills of that kind are met; it follows the published template; or
#: it may be off by the range it states.
Exactness = Literal["billed", "template", "estimate"]

EVIDENCE_FILE = "evidence.json"

#: What a table of evidence shows of every model.
EVIDENCE_KINDS = ("plain", "tools", "tool history", "images", "reply", "reply with tool calls")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Recorded bills of one model that share something.

    Attributes
    ----------
    model, template
        The model that was billed, and the family of its chat template.
    kind
        What the requests have in common: ``"plain"``, ``"tools"``, ``"tool history"``, ``"images"``
        and so on; or that they are replies.
    met, explained, recorded
        Bills that the count meets to the token, those of which a cause of the difference is known,
        and all.
    hosts, first_day, last_day
        Who billed, and when; days are missing where none is recorded.
    cause
        Of the explained ones, in one sentence.
    """

    model: str
    template: str
    kind: str
    met: int
    recorded: int
    explained: int = 0
    hosts: tuple[str, ...] = ()
    first_day: str | None = None
    last_day: str | None = None
    cause: str = ""

    @property
    def holds(self) -> bool:
        """Whether every bill is met, or its difference has a known cause."""
        return self.met > 0 and self.met + self.explained == self.recorded


@lru_cache(maxsize=1)
def evidence() -> tuple[Evidence, ...]:
    """Return all that is recorded, as ``data/evidence.json`` has it; tests write and check it."""
    rows = json.loads((data_dir() / EVIDENCE_FILE).read_text("utf-8"))
    return tuple(Evidence(**{**row, "hosts": tuple(row.get("hosts", ()))}) for row in rows)


def judged(spec: ModelSpec, template: str, kinds: Iterable[str]) -> tuple[Exactness, list[str]]:
    """Return what a count with some kinds of content rests on, in a word and in sentences.

    Bills of the model itself count first, else those of its family, which is said.
    """
    word: Exactness = "billed"
    why = []
    for kind in kinds:
        rows = _bills(spec, template, kind)
        if not rows or not all(row.holds for row in rows):
            word = "template"
            why.append(
                f"No bill of {spec.id} or its family with {kind} is recorded; the published template "
                "is followed."
                if not rows
                else f"Bills with {kind} are met in part only: {_told(rows)}."
            )
            continue
        own = rows[0].model == spec.id
        family = "" if own else f" of the same family as {spec.id}"
        why.append(f"Recorded bills with {kind} are met to the token{family}: {_told(rows)}.")
        why += [row.cause for row in rows if row.cause]
    return word, why


def _bills(spec: ModelSpec, template: str, kind: str) -> list[Evidence]:
    """Return what is recorded of a model, else of its family."""
    rows = [row for row in evidence() if row.template == template and row.kind == kind]
    return [row for row in rows if row.model == spec.id] or rows


def evidence_rows(specs: Iterable[ModelSpec]) -> list[dict[str, str]]:
    """Return what counts of some models rest on, a row for each model and kind of content.

    Returns
    -------
    list of dict
        ``model``, ``catalog``, ``kind``, ``exactness`` (empty where the model has no such thing)
        and ``evidence`` in words.
    """
    rows = []
    for spec in specs:
        rule = spec.rendering(None)
        off = ["thinking off"] if rule.thinking == "off" else []
        for kind in EVIDENCE_KINDS:
            if kind == "images" and spec.can("vision") is False:
                word, said = "", "sees no images"
            else:
                word, _ = judged(spec, rule.template, [kind, *off])
                said = _told(_bills(spec, rule.template, kind)) or "no bill recorded"
                if kind == "images" and spec.can("vision") is None:
                    said += "; that it sees images is not stated"
                if off and not _bills(spec, rule.template, *off):
                    said += "; none with thinking off"
            row = {"model": spec.id, "catalog": spec.catalog_version, "kind": kind}
            rows.append({**row, "exactness": word, "evidence": said})
    return rows


def _told(rows: Iterable[Evidence]) -> str:
    parts = []
    for row in rows:
        explained = f" and {row.explained} explained" if row.explained else ""
        parts.append(
            f"{row.met}{explained} of {row.recorded} of {row.model} ({', '.join(row.hosts)})"
        )
    return ", ".join(parts)


def kinds_of(request: Request, rule: Rendering) -> Iterator[str]:
    """Yield what a request has that bills may or may not have shown; ``plain`` if it has nothing."""
    last = request.messages[-1]
    kinds = {
        "tools": bool(request.tools),
        "tool history": any(one.calls or one.role == "tool" for one in request.messages),
        "images": any(isinstance(part, Image) for one in request.messages for part in one.parts),
        "names": any(one.name for one in request.messages),
        "tools of a system message": any(one.tools for one in request.messages),
        "an answer to be continued": last.partial,
        "tool_choice": request.tool_choice != "auto",
        "response_format": request.response_format != "text",
        "reasoning_effort": request.effort is not None and rule.default_effort is not None,
        "thinking off": rule.thinking == "off"
        if request.thinking is None
        else rule.thinking in ("on", "off") and not request.thinking,
        "kept reasoning": request.keeps_reasoning and rule.keeps_reasoning == "asked",
    }
    named = [kind for kind, given in kinds.items() if given]
    yield from named or ["plain"]
