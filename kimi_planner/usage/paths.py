"""The files of a log: named one by one, as a pattern or as a folder, and what each turns out to be."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from kimi_planner.boundary import opening
from kimi_planner.errors import UsageError, shown
from kimi_planner.files import globbed
from kimi_planner.packed import zipped_files

#: What lies beside logs and is none, by its name.
_BESIDE = re.compile(
    r"(?:readme|licen[cs]e|changelog|notice|manifest|schema|makefile)\b.*"
    r"|.*\.(?:md|rst|html?|ya?ml|toml|ini|cfg|pdf|png|jpe?g|svg|py|sh|sql|ipynb|crc|md5|sha\d+\w*)",
    re.IGNORECASE,
)


class LogFile(NamedTuple):
    """A file of a log.

    Attributes
    ----------
    path
        Where it is.
    root
        The folder in which it was found, whose own folders may state columns; itself otherwise.
    is_log
        Whether it is to be read: what lies in a folder beside logs is passed over.
    """

    path: Path
    root: Path
    is_log: bool = True


def files_of(source: Any) -> list[LogFile]:
    """Return the files of a log, in order; a folder's, and those that fit a pattern, by name.

    Raises
    ------
    UsageError
        If it names no file, or a folder has no log. Names that start with a dot or an underscore,
        READMEs, manifests and the like are no logs.
    """
    several = [source] if isinstance(source, str | Path) else source
    if not isinstance(several, Iterable) or isinstance(several, bytes | Mapping):
        raise UsageError(f"source is {shown(source)}. Give the path of a log, or a DataFrame.")
    files: list[LogFile] = []
    for name in several:
        if not isinstance(name, str | Path):
            raise UsageError(f"source is {shown(source)}. Give paths of a log, or a DataFrame.")
        try:
            Path(name).is_dir()  # of a name that is too long Python says more than no
        except OSError as error:
            raise UsageError(f"cannot be read ({error.strerror}).", at=shown(str(name))) from None
        opening(Path(name), UsageError)
        matches = globbed(name, UsageError) if _is_pattern(name) else []
        for path in matches:
            files += _in_folder(path) if path.is_dir() else [_beside(path, path)]
        path = Path(name)
        if not matches:
            files += _in_folder(path) if path.is_dir() else [LogFile(path, path)]
    if not any(file.is_log for file in files):
        raise UsageError("source names no file. Give the path of a log, or a DataFrame.")
    return files


def _in_folder(folder: Path) -> Iterator[LogFile]:
    files = [
        _beside(path, folder)
        for path in globbed("**/*", UsageError, folder=folder)
        if path.is_file() and not any(part[0] in "._" for part in path.relative_to(folder).parts)
    ]
    if not any(file.is_log for file in files):
        raise UsageError("the folder has no logs in it.", at=folder)
    yield from files


def _beside(path: Path, root: Path) -> LogFile:
    return LogFile(path, root, not _BESIDE.fullmatch(path.name))


def _is_pattern(path: str | Path) -> bool:
    text = str(path)
    return glob.has_magic(text) and "\0" not in text and not Path(text).exists()


_STREAM = b"\xff\xff\xff\xff"
_ARROW = (b"PAR1", b"ARROW1", b"FEA1", _STREAM)
#: What files begin with that are not read, what they are, and what to do.
_OTHERS = (
    (b"SQLite format 3", "an SQLite database. Write its table as CSV: sqlite3 -header -csv FILE 'SELECT * FROM TABLE' > log.csv."),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook of the old form. Save the sheet as CSV."),
    (b"Obj\x01", "an Avro file. Convert it to Parquet or JSON lines."),
    (b"ORC", "an ORC file. Convert it to Parquet."),
    (b"DUCK", "a DuckDB database. Write its table: COPY table TO 'log.parquet'."),
    (b"7z\xbc\xaf", "a 7-Zip archive. Unpack it and read the file in it."),
    (b"Rar!", "a RAR archive. Unpack it and read the file in it."),
    (b"PK\x03\x04", "a zip on standard input. Unpack it first: unzip -p FILE."),
    (b"%PDF", "a PDF. Export the log as CSV or JSON."),
)  # fmt: skip
_PACKED = "a Parquet or Arrow file that is packed, or comes on standard input. Give it as a file, unpacked."


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as handle:
            return handle.read(300)
    except OSError:
        return b""


def is_arrow(path: Path) -> bool:
    """Whether a file is Parquet, Arrow or Feather."""
    return _start(path).startswith(_ARROW)


def is_stream(path: Path) -> bool:
    """Whether an Arrow file is a stream, which has no footer."""
    return _start(path).startswith(_STREAM)


def refuse_start(start: bytes, path: Path) -> None:
    """Say what unpacked bytes are, and what to do, if they begin no log that is read.

    Raises
    ------
    UsageError
        If it is a database, an archive, or a table inside of what packs it.
    """
    for magic, what in (*_OTHERS, *((arrow, _PACKED) for arrow in _ARROW)):
        if start.startswith(magic):
            raise UsageError(f"this is {what}", at=path)
    if start[257:262] == b"ustar":
        raise UsageError("this is a tar archive. Unpack it and read the files in it.", at=path)


def refuse_container(path: Path) -> None:
    """Say what a file is, and what to do, if it is no log that is read.

    Raises
    ------
    UsageError
        If it is a database, a workbook or an archive of several files.
    """
    start = _start(path)
    if not start.startswith((*_ARROW, b"PK")):
        refuse_start(start, path)
    if start.startswith(b"PK\x03\x04"):
        import zipfile

        try:
            with zipfile.ZipFile(path) as archive:
                names = zipped_files(archive)
        except (zipfile.BadZipFile, OSError) as error:
            raise UsageError(
                f"the zip data is damaged or cut off ({error}). Copy the file again.", at=path
            ) from None
        if any(name.startswith(("xl/", "xl\\")) for name in names):
            raise UsageError(
                "this is an Excel workbook. Save the sheet of the log as CSV.", at=path
            )
        if len(names) != 1:
            raise UsageError(
                f"this is a zip of {len(names)} files. Unpack it and read the files in it.", at=path
            )
