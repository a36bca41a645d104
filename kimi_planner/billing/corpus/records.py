"""Records of a file, one in memory at a time: texts, chat bodies, cells of a column."""

from __future__ import annotations

import codecs
import csv
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import TextIOWrapper
from typing import Any, BinaryIO

from kimi_planner.billing.corpus.inputs import Source
from kimi_planner.catalog import Catalog
from kimi_planner.errors import (
    FileError,
    KimiPlannerError,
    RequestError,
    Where,
    needs,
    restated,
    shown,
)
from kimi_planner.files import not_utf8
from kimi_planner.json_text import loaded
from kimi_planner.limits import LINE_BYTES
from kimi_planner.packed import DamagedFileError, open_unpacked
from kimi_planner.tokens.pieces import MAX_CHUNK_CHARS

_READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Record:
    """One thing to count.

    Attributes
    ----------
    texts
        Ordinary text, counted piece by piece.
    fixed_tokens
        Tokens beside the text: marks of a chat template, images.
    size
        Bytes of the record in the unpacked file.
    model
        Model whose template was applied; ``None`` for plain text, which costs the same on all.
    is_new
        Whether a row begins here; a long text comes in several records.
    """

    texts: list[str]
    size: int
    fixed_tokens: int = 0
    model: str | None = None
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that cannot be counted, in one line with its place and the reason."""

    message: str
    size: int


@dataclass(frozen=True, slots=True)
class Reading:
    """How rows become records.

    Attributes
    ----------
    field
        The column, or the dotted path in a JSON object, that holds the text; ``None`` where rows
        are chat bodies.
    model
        Model id for chat bodies; their own if ``None``.
    catalog
        Where models are looked up.
    as_of
        The day whose rules count for chat bodies; the latest ones if ``None``.
    """

    field: str | None
    model: str | None
    catalog: Catalog
    as_of: object = None


def read_records(source: Source, reading: Reading) -> Iterator[Record | Reject]:
    """Yield the records of a file, and the rows that cannot be counted.

    Raises
    ------
    FileError
        If the file as a whole cannot be read on; the message names file and line.
    """
    readers = {"text": _texts, "jsonl": _json_lines, "json": _json, "csv": _cells}
    try:
        yield from readers.get(source.form, _column)(source, reading)
    except DamagedFileError as error:
        raise FileError(str(error), at=source.name) from None
    except OSError as error:
        raise FileError(f"cannot be read ({error}).", at=source.name) from None


def _texts(source: Source, _reading: Reading) -> Iterator[Record]:
    """Yield a text in the chunks into which the model's own rule cuts it first."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    waiting, lines, is_new = "", 1, True
    with open_unpacked(source.path) as handle:
        while True:
            raw = handle.read(_READ_BYTES)
            try:
                waiting += decoder.decode(raw, final=not raw)
            except UnicodeDecodeError as error:
                raise not_utf8(error, source.name, lines + waiting.count("\n")) from None
            while len(waiting) > MAX_CHUNK_CHARS or (not raw and (waiting or is_new)):
                chunk, waiting = waiting[:MAX_CHUNK_CHARS], waiting[MAX_CHUNK_CHARS:]
                lines += chunk.count("\n")
                yield Record([chunk], len(chunk.encode("utf-8", "surrogatepass")), is_new=is_new)
                is_new = False
            if not raw:
                return


def _json_lines(source: Source, reading: Reading) -> Iterator[Record | Reject]:
    with open_unpacked(source.path) as handle:
        for number, raw in _lines(source, handle):
            if raw.strip():
                yield record_of_line(f"{source.name} line {number}", raw, reading)


def _json(source: Source, reading: Reading) -> Iterator[Record | Reject]:
    from kimi_planner.tokens.logged import read_rows

    for place, row in read_rows(source.path):
        raw = (
            row
            if isinstance(row, bytes)
            else json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass")
        )
        yield record_of_line(place, raw, reading)


def record_of_line(place: str, raw: bytes, reading: Reading) -> Record | Reject:
    """Return what one line of JSON holds."""
    try:
        try:
            row = loaded(raw)
        except (ValueError, RecursionError) as error:
            raise RequestError(f"not JSON ({error}). Each line must be one whole value.") from None
        if reading.field is not None:
            return Record([_text_at(row, reading.field)], len(raw))
        return _chat_record(row, len(raw), reading)
    except KimiPlannerError as error:
        return Reject(f"{place}: {error}", len(raw))


def _lines(source: Source, handle: BinaryIO) -> Iterator[tuple[int, bytes]]:
    number = 0
    while raw := handle.readline(LINE_BYTES + 1):
        number += 1
        if len(raw) > LINE_BYTES:
            raise FileError(
                f"longer than {LINE_BYTES:,} bytes. Is this one record per line?",
                at=Where(source.name, number),
            )
        yield (
            number,
            raw.removeprefix(codecs.BOM_UTF8),
        )  # also further down, where files were joined


def _text_at(row: Any, field: str) -> str:
    """Return the text at a dotted path, such as ``messages.0.content``."""
    value = row
    for key in field.split("."):
        if isinstance(value, Mapping) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            raise RequestError(f"no field {shown(field)} in {shown(row)}.")
    if not isinstance(value, str):
        raise RequestError(f"the field {field!r} is {shown(value)}. It must be text.")
    return value


def _chat_record(row: Any, size: int, reading: Reading) -> Record:
    from kimi_planner.tokens.chat import prompt_parts  # text alone needs no templates
    from kimi_planner.tokens.logged import body_in

    with restated(of=RequestError, then=" For other rows name a field."):
        body = body_in(row)
    model = reading.model or body.get("model")
    if not isinstance(model, str):
        raise RequestError(f"model is {shown(model)}. Name one in the row, or give --model.")
    spec = reading.catalog.model(model)
    texts, fixed = prompt_parts(body, spec, reading.as_of)
    return Record(texts, size, fixed, model)


def _cells(source: Source, reading: Reading) -> Iterator[Record | Reject]:
    csv.field_size_limit(min(sys.maxsize, LINE_BYTES))
    tabs = ".tsv" in [suffix.lower() for suffix in source.path.suffixes]
    with open_unpacked(source.path) as handle:
        text = TextIOWrapper(handle, encoding="utf-8-sig", newline="")
        rows = csv.reader(text, delimiter="\t" if tabs else ",", strict=True)
        try:
            header = next(rows, [])
            place = _column_place(source, header, reading.field)
            for row in rows:
                if not row:
                    continue
                if len(row) == len(header):
                    yield Record([row[place]], len(row[place].encode("utf-8", "surrogatepass")))
                else:
                    yield Reject(
                        f"{source.name} line {rows.line_num}: {len(row)} fields where the header has "
                        f"{len(header)}. Correct the row.",
                        sum(map(len, row)),
                    )
        except csv.Error as error:
            raise FileError(f"not CSV ({error}).", at=Where(source.name, rows.line_num)) from None
        except UnicodeDecodeError as error:
            raise FileError(
                f"{source.name} after line {rows.line_num}: not UTF-8 (byte "
                f"0x{error.object[error.start]:02x}). Save the file as UTF-8."
            ) from None


def _column_place(source: Source, names: list[str], field: str | None) -> int:
    if field not in names:
        found = ", ".join(names) or "none"
        raise FileError(f"no column {shown(field)}. Columns: {found}.", at=source.name)
    if names.count(field) > 1:
        raise FileError(f"two columns are named {shown(field)}. Rename one.", at=source.name)
    return names.index(field)


def _column(source: Source, reading: Reading) -> Iterator[Record | Reject]:
    with needs("pyarrow", "corpora"):
        import pyarrow
        import pyarrow.parquet
    try:
        table = pyarrow.parquet.ParquetFile(source.path)
        _column_place(source, table.schema_arrow.names, reading.field)
        number = 0
        for batch in table.iter_batches(batch_size=1024, columns=[reading.field]):
            for value in batch.column(0).to_pylist():
                number += 1
                if isinstance(value, str):
                    yield Record([value], len(value.encode("utf-8", "surrogatepass")))
                else:
                    yield Reject(
                        f"{source.name} row {number}: {reading.field} is {shown(value)}. It must be text.",
                        0,
                    )
    except (pyarrow.ArrowException, UnicodeDecodeError) as error:
        raise FileError(f"not Parquet, or damaged ({error}).", at=source.name) from None
