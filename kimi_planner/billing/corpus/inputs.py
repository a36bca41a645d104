"""What a corpus is made of: files found by path, folder or glob, and their forms."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kimi_planner.errors import FileError, KimiPlannerError, MissingExtraError, shown, unknown
from kimi_planner.files import globbed, no_such_file
from kimi_planner.limits import TEXT_BYTES
from kimi_planner.packed import PACKED_MAGIC, STANDARD_INPUT, DamagedFileError, open_unpacked

Form = Literal["text", "jsonl", "json", "csv", "parquet"]
FORMS: tuple[Form, ...] = ("text", "jsonl", "json", "csv", "parquet")

_SUFFIXES: dict[str, Form] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
}
_PACKED = {".gz", ".zst"}
SNIFFED_BYTES = 4096


@dataclass(frozen=True)
class Source:
    """One file of a corpus.

    Attributes
    ----------
    path
        Where it is.
    form
        How its texts stand in it.
    size
        Bytes on disk.
    is_stream
        Whether it can only be read from its start: it is compressed, or standard input.
    """

    path: Path
    form: Form
    size: int
    is_stream: bool

    @property
    def name(self) -> str:
        """The path as text that can be printed and stored, whatever its bytes."""
        return os.fsencode(self.path).decode("utf-8", "backslashreplace")


def find_sources(
    paths: str | Path | Iterable[str | Path], *, form: Form | None, field: str | None
) -> tuple[list[Source], list[Path]]:
    """Return the files that paths name, and the binary files in folders, which are left out.

    Parameters
    ----------
    paths : path or iterable of path
        Files, folders (all files in them at any depth, hidden ones left out) and globs; ``-`` is
        standard input.
    form : {"text", "jsonl", "json", "csv", "parquet"}, optional
        Form of every file; if not given, told by each name's ending. CSV without a ``field`` is
        text, and so is JSON that is no request.
    field : str or None
        The column or field that holds the text.

    Raises
    ------
    FileError
        If a path names no file, or the form is unknown.
    """
    if form is not None and form not in FORMS:
        raise FileError(unknown("Unknown form", form, FORMS, "Forms:"))
    listed = [paths] if isinstance(paths, str | Path) else paths
    if not isinstance(listed, Iterable):
        raise FileError(f"paths is {shown(paths)}. Give a path or a list of paths.")
    sources: dict[Path, Source] = {}
    binary: list[Path] = []
    for path in map(Path, listed):
        files = _files_of(path)
        if not files:
            raise no_such_file(path)
        for file in files:
            source, is_binary = _source(file, form, field)
            if is_binary and path.is_dir():
                binary.append(file)
            else:
                sources[file] = source
    if not sources:
        raise FileError("No text files. A corpus has at least one.")
    return list(sources.values()), binary


def _files_of(path: Path) -> list[Path]:
    if path == STANDARD_INPUT:
        return [path]
    if path.is_dir():
        files = []
        for folder, folders, names in os.walk(path):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            files += [Path(folder, name) for name in sorted(names) if not name.startswith(".")]
        return [file for file in files if file.is_file()]
    if path.exists():
        return [path]
    return [one for one in globbed(path) if one.is_file()]


def _source(path: Path, form: Form | None, field: str | None) -> tuple[Source, bool]:
    """Return a file as a source, and whether it is binary: no form that is read has NUL bytes."""
    if path == STANDARD_INPUT:
        return Source(path, form or "text", 0, is_stream=True), False
    inner = [suffix for suffix in map(str.lower, path.suffixes) if suffix not in _PACKED]
    told = _SUFFIXES.get(inner[-1] if inner else "", "text")
    if told == "csv" and field is None:
        told = "text"
    try:
        size = path.stat().st_size
        with path.open("rb") as handle:
            start = handle.read(SNIFFED_BYTES)
    except OSError:  # said when it is to be read, so that other files still count
        return Source(path, form or told, 0, is_stream=False), False
    if inner[-1:] == [".json"] and form is None and size <= TEXT_BYTES and _is_request(path):
        told = "json"
    is_stream = start.startswith(PACKED_MAGIC)
    source = Source(path, form or told, size, is_stream)
    if is_stream and source.form == "text":
        try:
            with open_unpacked(path) as handle:
                start = handle.read(SNIFFED_BYTES)
        except (DamagedFileError, OSError, MissingExtraError):
            start = b""  # said when it is read
    return source, source.form == "text" and b"\0" in start


def _is_request(path: Path) -> bool:
    """Whether a file is one JSON object with a request, which counts as the prompt it is billed."""
    from kimi_planner.tokens.logged import body_in, read_rows  # text alone needs no templates

    try:
        with open_unpacked(path) as handle:
            if b"messages" not in handle.read():
                return False
        ((_, row),) = read_rows(path)
        messages = body_in(row)["messages"]
        return isinstance(messages, list) and bool(messages) and isinstance(messages[0], dict)
    except (KimiPlannerError, OSError, ValueError):  # unreadable, or not one row
        return False
