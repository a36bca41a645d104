"""Changes of a content at random, each of the kind that people, programs or strangers make."""

from __future__ import annotations

import csv
import io
import json
import random
import re
from collections.abc import Iterator
from typing import Any

#: What stands where something else was meant.
ODD = (
    "", "0", "-1", "1e999999", "-1e-999999", "nan", "Infinity", "9" * 5_000, "0x" + "f" * 5_000,
    str(2**63), str(2**63 - 1), str(-(2**63) - 1), "1e308", "9999-12-31T23:59:59Z", "0001-01-01",
    "2026-13-45", "Dec-26", "\0", "\ud800", "\u202e\u2066", "\x1b[2J", "\U000323b0's", "=cmd()",
    "'''", '"""', "{{", "}}", "{%", "%s", "${", "[" * 80, "{" * 80, "&a", "*a", "<<: *a", "- ",
    "../../x", "file://x", "/dev/zero", "null", "true", "\n", "\r\n", "\t", ",", ";", "\ufeff",
    "kimi-k9", "tokens", "usage", "<|im_end|>", "x" * 3_000, "\u200b", "一" * 500,
)  # fmt: skip
ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 5, 2**63, -(2**63) - 1, 10**30, 10**400, 0.5, 1e308, float("nan"),
    float("inf"), "", "5", "x", [], {}, [[]], [{}], {"a": 1}, "\ud800", "9999-12-31", "0001-01-01",
    "2026-11", "kimi-k2", "\0", "9" * 5_000, ["x"] * 50, {str(n): n for n in range(60)},
)  # fmt: skip


#: Stands for a key that stands there already.
AGAIN = "\0again"


def changed(chance: random.Random, content: bytes) -> bytes:
    """Return a content changed in a few places, as its form allows or not."""
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3, 8))):
        content = chance.choice(CHANGES)(chance, content)
    return content


def of_json(chance: random.Random, content: bytes) -> bytes:
    """Change a value or a key of JSON, also where a document is on each line."""
    try:
        lines = content.decode().split("\n")
        at = chance.randrange(len(lines))
        whole = not lines[at].startswith(("{", "[")) or len(lines) == 1
        document = json.loads(content if whole else lines[at])
    except ValueError:
        return of_tokens(chance, content)
    places = list(nodes(document)) if isinstance(document, dict | list) else []
    if not places:
        return content
    holder, key = chance.choice(places)
    how, again = chance.randrange(6), None
    if how == 0:
        del holder[key]
    elif how == 1 and isinstance(holder, dict):
        holder[chance.choice(ODD)] = holder.pop(key)
    elif how == 2:
        holder[key] = [holder[key]] if chance.random() < 0.5 else {str(key): holder[key]}
    elif how == 3:
        other, name = chance.choice(places)
        holder[key] = json.loads(json.dumps(other[name]))
    elif how == 4 and isinstance(holder, dict):
        again = key
        holder[AGAIN] = chance.choice((holder[key], *ODD_VALUES))
    else:
        holder[key] = chance.choice(ODD_VALUES)
    text = json.dumps(document)
    if again is not None:
        text = text.replace(json.dumps(AGAIN), json.dumps(again), 1)
    if not whole:
        lines[at] = text
        text = "\n".join(lines)
    return text.encode()


def nodes(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every place of a JSON value: what holds it, and its key there."""
    waiting = [value]
    while waiting:
        holder = waiting.pop()
        keys: Any = holder if isinstance(holder, dict) else range(len(holder))
        for key in list(keys):
            yield holder, key
            if isinstance(holder[key], dict | list):
                waiting.append(holder[key])


def of_tokens(chance: random.Random, content: bytes) -> bytes:
    """Put something odd in place of a word, a number or a text, or beside it."""
    text = content.decode("utf-8", "surrogateescape")
    ends = [at for at in range(1, len(text)) if text[at].isalnum() != text[at - 1].isalnum()]
    if not ends:
        return content
    at = chance.randrange(len(ends))
    start, end = ends[at], ends[min(at + chance.randrange(3), len(ends) - 1)]
    odd = chance.choice(ODD)
    return (text[:start] + odd + text[end:]).encode("utf-8", "surrogatepass")


def of_lines(chance: random.Random, content: bytes) -> bytes:
    """Repeat, drop or move a line, or cut the rest off."""
    lines = content.split(b"\n")
    at, how = chance.randrange(len(lines)), chance.randrange(4)
    line = lines.pop(at)
    if how == 0:
        lines[at:at] = [line] * chance.choice((2, 3, 100))
    elif how == 1:
        lines.insert(chance.randrange(len(lines) + 1), line)
    elif how == 2:
        lines = [*lines[:at], line[: chance.randrange(len(line) + 1)]]
    return b"\n".join(lines)


def of_new_fields(chance: random.Random, content: bytes) -> bytes:
    """Repeat a line of JSON many times, each time with a field of its own."""
    lines = content.split(b"\n")
    at, name = chance.randrange(len(lines)), chance.choice(("u", "tokens_of_", "x.cost_", "usage"))
    line = lines[at]
    if not line.startswith(b"{"):
        return of_lines(chance, content)
    deep = chance.random() < 0.5
    lines[at : at + 1] = [
        line.replace(
            b"{",
            json.dumps({"by": {f"{name}{n}": n}} if deep else {f"{name}{n}": n})[:-1].encode()
            + b", ",
            1,
        )
        for n in range(chance.choice((5, 300)))
    ]
    return b"\n".join(lines)


def of_spreadsheet(chance: random.Random, content: bytes) -> bytes:
    """Write a table as a spreadsheet saves it: other signs between cells and in numbers, a mark before it."""
    try:
        rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
    except (ValueError, csv.Error):
        return of_tokens(chance, content)
    sign = chance.choice((",", ";", "\t"))
    if chance.random() < 0.5:
        rows = [[re.sub(r"^(-?\d+)\.(\d+)$", r"\1,\2", cell) for cell in row] for row in rows]
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=sign, lineterminator="\r\n", quoting=chance.choice((0, 1))).writerows(
        rows
    )
    text = chance.choice(("", "", f"sep={sign}\r\n")) + out.getvalue()
    return text.encode(chance.choice(("utf-8-sig", "utf-8", "utf-16", "cp1252")), "replace")


def of_bytes(chance: random.Random, content: bytes) -> bytes:
    """Change, drop or add bytes."""
    at = chance.randrange(len(content) + 1)
    drop = chance.choice((0, 0, 1, 4, 50))
    return content[:at] + chance.randbytes(chance.choice((0, 1, 1, 4))) + content[at + drop :]


CHANGES = (
    of_json,
    of_json,
    of_tokens,
    of_tokens,
    of_lines,
    of_bytes,
    of_new_fields,
    of_spreadsheet,
)
