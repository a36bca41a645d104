"""Counts meet what was billed, and the labels say of how many bills that is true."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from kimi_planner import estimate, load_catalog
from kimi_planner.catalog import catalog_versions
from kimi_planner.files import data_dir
from kimi_planner.tokens.chat import template_on
from kimi_planner.tokens.evidence import EVIDENCE_FILE, Evidence, evidence, kinds_of
from kimi_planner.tokens.requests import Request, reply_of

BILLS = Path(__file__).parents[2] / "shared" / "data" / "recorded_bills.jsonl"
pytestmark = pytest.mark.skipif(
    not BILLS.exists(), reason=f"recorded bills are not at {BILLS.name} beside the checkout"
)

#: The name of a model where it was served, and Moonshot's own id of it.
IDS = {
    "moonshotai/kimi-k2-0905": "kimi-k2-0905-preview",
    "moonshotai/kimi-k2.5-0127": "kimi-k2.5",
}
#: Hosts whose bills are Moonshot's, or made as Moonshot makes them.
HOSTS = ("Moonshot AI", "Moonshot (reference oracle)", "api.moonshot.", "AtlasCloud")
#: Days of rows that have none: those of the report, or of the documentation they are from.
DAYS = {
    "kimi-k2-0905-preview": date(2025, 9, 14),
    "kimi-k2-0711-preview": date(2025, 7, 11),
    "kimi-k3": date(2026, 9, 1),
    "kimi-k2.6": date(2026, 11, 28),
    "kimi-k2.7-code": date(2026, 11, 28),
}
#: Replies to a call of this tool are public, their requests are not: they are inferred.
PING = {
    "name": "ping",
    "description": "Return pong",
    "parameters": {"type": "object", "properties": {}},
}
INFERRED = [
    {
        "id": f"{model}-ping",
        "host": "a recorded reply, its request inferred",
        "hosted_model": model,
        "request": {
            "messages": [{"role": "user", "content": "Call the ping tool."}],
            "tools": [{"type": "function", "function": PING}],
        },
        "usage": {"prompt_tokens": 41},
    }
    for model in ("kimi-k2.6", "kimi-k2.7-code")
]
#: What a client sends that is not of the request.
OF_CLIENT = ("model", "usage", "provider", "stream", "stream_options")
NEWEST = load_catalog(catalog_versions()[-1])

#: A report of September 2026 in which no effort message was billed, and a question of which a
#: suffix was not recorded.
NO_EFFORT, SUFFIX = 67, 5
CAUSE = "One report of September 2026 was billed without the message of effort."


class Bill:
    """One recorded call, and what is counted of it on its day."""

    def __init__(self, row: dict[str, Any]) -> None:
        self.id, self.usage, self.reply = row["id"], row["usage"], row.get("reply")
        self.host = row["host"]
        self.model = IDS.get(row["hosted_model"], row["hosted_model"])
        stated = re.findall(r"20\d\d-\d\d-\d\d", row.get("commit") or "")
        self.day = date.fromisoformat(stated[-1]) if stated else DAYS[self.model]
        self.stated_day = stated[-1] if stated else None
        self.body = {key: value for key, value in row["request"].items() if key not in OF_CLIENT}
        self.body["model"] = self.model
        self.suffix = SUFFIX if "aime" in (row.get("path") or "") else 0
        self.count = estimate(self.body, reply=self.reply, as_of=self.day, catalog=NEWEST)
        self.rule = template_on(NEWEST.model(self.model), self.day).rule

    @property
    def explained(self) -> int:
        """Tokens by which the prompt differs for a cause that is in the data."""
        no_effort = self.id == "kimi-k3-170" and "reasoning_effort" not in self.body
        return self.suffix - (NO_EFFORT if no_effort else 0)

    def kinds(self) -> Iterator[tuple[str, bool, bool]]:
        """Yield each kind of which this is a bill: whether it is met, and whether it is explained."""
        request = Request.of(self.body)
        off = self.usage["prompt_tokens"] - self.count.prompt_tokens
        if not self.suffix:  # else the request is not known
            for kind in kinds_of(request, self.rule):
                yield kind, off == 0, off == self.explained != 0
        if self.reply is not None:
            calls = reply_of(self.reply).calls
            met = self.usage["completion_tokens"] == self.count.completion_tokens
            yield "reply with tool calls" if calls else "reply", met, False


def bills() -> list[Bill]:
    rows = map(json.loads, BILLS.read_text("utf-8").splitlines())
    return [Bill(row) for row in rows if row["host"].startswith(HOSTS)] + [*map(Bill, INFERRED)]


@pytest.fixture(scope="module")
def recorded() -> list[Bill]:
    return bills()


def test_every_recorded_bill_is_met(recorded: list[Bill]) -> None:
    """Prompt and reply to the token on their day, or off by exactly what is known to be missing."""
    for bill in recorded:
        found = bill.usage["prompt_tokens"] - bill.count.prompt_tokens
        assert found == bill.explained, bill.id
        if bill.reply is not None:
            assert bill.count.completion_tokens == bill.usage["completion_tokens"], bill.id
    assert sum(bill.explained == 0 for bill in recorded) > 70


def test_moonshot_reports_reasoning_tokens_as_counted(recorded: list[Bill]) -> None:
    """Where Moonshot itself reports them."""
    for bill in recorded:
        details = bill.usage.get("completion_tokens_details") or {}
        if "reasoning_tokens" in details and bill.host.startswith("api.moonshot"):
            assert bill.count.reasoning_tokens == details["reasoning_tokens"], bill.id


def test_labels_rest_on_these_bills(recorded: list[Bill], request: pytest.FixtureRequest) -> None:
    """The file of evidence is what these bills show; --update-golden writes it."""
    cells: dict[tuple[str, str, str], list[tuple[Bill, bool, bool]]] = defaultdict(list)
    for bill in recorded:
        for kind, met, explained in bill.kinds():
            cells[bill.model, bill.rule.template, kind].append((bill, met, explained))
    rows = []
    for (model, template, kind), found in sorted(cells.items()):
        days = sorted(bill.stated_day for bill, *_ in found if bill.stated_day)
        explained = sum(one for *_, one in found)
        rows.append(
            Evidence(
                model=model,
                template=template,
                kind=kind,
                met=sum(met for _, met, _ in found),
                recorded=len(found),
                explained=explained,
                hosts=tuple(sorted({bill.host for bill, *_ in found})),
                first_day=days[0] if days else None,
                last_day=days[-1] if days else None,
                cause=CAUSE if explained else "",
            )
        )
    if request.config.getoption("update_golden"):
        text = ",\n ".join(json.dumps(asdict(row), ensure_ascii=False) for row in rows)
        (data_dir() / EVIDENCE_FILE).write_text(f"[{text}]\n", "utf-8")
        evidence.cache_clear()
    assert tuple(rows) == evidence()
