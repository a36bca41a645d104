"""Files: the package's own data, packed ones, TOML that knows its lines."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property
from importlib import import_module
from io import BufferedReader, RawIOBase
from itertools import islice
from os import fstat
from pathlib import Path
from typing import Any, BinaryIO

from kimi_planner.boundary import opening
from kimi_planner.errors import (
    FileError,
    KimiPlannerError,
    Where,
    did_you_mean,
    needs,
    shown,
)
from kimi_planner.limits import (
    DEPTH,
    FILES,
    TOML_BYTES,
    UNPACKED_BYTES,
    UNPACKED_LINE,
    UNPACKED_TIMES,
)

__all__ = [
    "PACKED_MAGIC",
    "STANDARD_INPUT",
    "DamagedFileError",
    "Progress",
    "TomlFile",
    "TomlTable",
    "data_dir",
    "globbed",
    "no_such_file",
    "not_utf8",
    "open_unpacked",
    "parsed_toml",
    "read_text",
    "read_toml",
    "repository",
    "zipped_files",
]

#: Standard input, as a path.
STANDARD_INPUT = Path("-")
_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
#: What the files that :func:`open_unpacked` unpacks begin with.
PACKED_MAGIC = (_GZIP_MAGIC, _ZSTD_MAGIC, b"BZh", b"\xfd7zXZ", b"PK\x03\x04")
#: Called with the bytes on disk done since the last call, and the bytes of all that is to be read.
Progress = Callable[[int, int], None]
_NESTED_TOO_DEEPLY = re.compile(
    rf"""(?:[\[{{]\s*+){{{DEPTH}}}"""
    rf"""|(?<![\w"'-])(?:[\w"'-]++\s*+\.\s*+){{{DEPTH}}}"""
)

_HEADER = re.compile(r"\s*(?P<open>\[{1,2})\s*(?P<name>[^\[\]]*?)\s*\]")
_KEY = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([\w-]+))\s*(?:[.=]|$)""")


def data_dir() -> Path:
    """Return the folder of catalogs and example workloads.

    It lies inside the package in a wheel and beside it in a checkout or an editable install.
    """
    package = Path(__file__).parent
    inside = package / "data"
    return inside if inside.is_dir() else package.parent / "data"


def repository(folder: Path) -> Path | None:
    """Return the root of the Git repository that a folder lies in, ``None`` outside of one."""
    here = folder.resolve()
    return next((one for one in (here, *here.parents) if (one / ".git").exists()), None)


def globbed(
    pattern: str | Path, fault: type[KimiPlannerError] = FileError, *, folder: Path | None = None
) -> list[Path]:
    """Return what a glob means, sorted by name.

    Parameters
    ----------
    pattern : str or Path
        The glob; ``**`` is any number of folders.
    fault : type
        The error that is raised.
    folder : Path, optional
        What it is relative to, whatever its own name; hidden files count then, links to folders do not.

    Raises
    ------
    FileError
        If it means more files than can be meant.
    """
    from glob import iglob

    steps = Path(pattern).parts  # one ** after another would list a folder as often as it is deep
    once = [step for at, step in enumerate(steps) if step != "**" or steps[at - 1 : at] != ("**",)]
    name = str(Path(*once))
    try:
        every: Iterator[Any] = iglob(name, recursive=True) if folder is None else folder.glob(name)
        found = {Path(one) for one in islice(every, FILES + 1)}
    except (OSError, ValueError, NotImplementedError):  # too long a name, a NUL, an absolute one
        return []
    if len(found) > FILES:
        raise fault(f"{pattern} means more than {FILES:,} files and folders. Name fewer.")
    return sorted(found)


def no_such_file(path: str | Path, fault: type[KimiPlannerError] = FileError) -> KimiPlannerError:
    """Return the error that is raised for a path of nothing."""
    return fault(f"no such file. Check the path; it is relative to {Path.cwd()}.", at=path)


def not_utf8(
    error: UnicodeDecodeError,
    path: str | Path,
    first: int = 1,
    fault: type[KimiPlannerError] = FileError,
) -> KimiPlannerError:
    """Return the error that is raised for bytes that are no text; they begin in line ``first``."""
    line = first + error.object.count(b"\n", 0, error.start)
    byte = error.object[error.start]
    return fault(f"not UTF-8 (byte 0x{byte:02x}). Save the file as UTF-8.", at=Where(path, line))


def read_text(
    path: str | Path, *, limit: int | None = None, fault: type[KimiPlannerError] = FileError
) -> str:
    """Return the text of a UTF-8 file.

    Raises
    ------
    FileError
        Or another ``fault``, if the file is missing, a folder, unreadable, larger than ``limit`` bytes or not UTF-8.
    """
    path = path if isinstance(path, Path) else Path(path)  # a check reads thousands
    opening(path, fault)
    try:
        with open(path, "rb") as handle:
            size = fstat(handle.fileno()).st_size
            most = size if limit is None else min(size, limit)
            raw = handle.read(most + 1)  # not limit + 1, for which much memory would be cleared
            if len(raw) > size:  # a pipe has no size, and a file may have grown
                raw += handle.read() if limit is None else handle.read(limit)
    except FileNotFoundError:
        raise no_such_file(path, fault) from None
    except OSError as error:
        raise fault(f"cannot be read ({error.strerror}).", at=path) from None
    except ValueError as error:  # a NUL byte in the path
        raise fault(f"{str(path)!r}: cannot be a path ({error}).") from None
    if limit is not None and len(raw) > limit:
        raise fault(
            f"{max(size, len(raw)):,} bytes is more than the {limit:,} a file of this kind may have.",
            at=path,
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise not_utf8(error, path, fault=fault) from None


class DamagedFileError(FileError):
    """Compressed data is damaged or cut off; the message has no place, for its reader to add."""


@contextmanager
def open_unpacked(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading its bytes, unpacked if it begins as gzip, bz2, xz, zstd or zip does.

    Of a zip the first file is read. ``-`` is standard input, of which no zip is unpacked.

    Raises
    ------
    DamagedFileError
        If the compressed data turns out to be damaged or cut off while it is read.
    MissingExtraError
        If it is packed with zstd and no reader of it is installed.
    OSError
        If it cannot be opened or read.
    """
    is_given = path == STANDARD_INPUT
    if not is_given:
        opening(path)
    with nullcontext(sys.stdin.buffer) if is_given else path.open("rb") as plain:
        start = plain.peek(4) if isinstance(plain, BufferedReader) else b""
        counted = _Counted(plain)
        packed = BufferedReader(counted)
        if start.startswith(_GZIP_MAGIC):
            import gzip
            import zlib

            faults: tuple[type[Exception], ...] = (EOFError, gzip.BadGzipFile, zlib.error)
            opened: Any = gzip.GzipFile(fileobj=packed)
            kind = "gzip"
        elif start.startswith(_ZSTD_MAGIC):
            zstd = _zstd()
            faults = (EOFError, zstd.ZstdError)
            opened, kind = zstd.ZstdFile(packed), "zstd"
        elif start.startswith(b"BZh"):
            import bz2

            faults = (EOFError, OSError, ValueError)
            opened, kind = bz2.BZ2File(packed), "bz2"
        elif start.startswith(b"\xfd7zX"):
            import lzma

            faults = (EOFError, lzma.LZMAError)
            opened, kind = lzma.LZMAFile(packed), "xz"  # noqa: SIM115 - entered below
        elif start.startswith(b"PK\x03\x04") and not is_given:
            import zipfile
            import zlib

            faults = (
                EOFError,
                zipfile.BadZipFile,
                zlib.error,
                IndexError,
                NotImplementedError,
                RuntimeError,
            )
            opened, kind = _ZippedFile(packed), "zip"
        else:
            yield plain
            return
        try:
            with opened as unpacked:
                yield BufferedReader(_Counted(unpacked, counted))
        except faults as error:
            raise DamagedFileError(
                f"the {kind} data is damaged or cut off ({error}). Copy the file again."
            ) from None


class _Counted(RawIOBase):
    """Bytes of a file as they are read, counted; of a packed one, so many times those of the file."""

    def __init__(self, inner: Any, packed: _Counted | None = None) -> None:
        self.inner, self.packed, self.done = inner, packed, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return bool(self.inner.seekable())

    def seek(self, place: int, whence: int = 0) -> int:
        return int(self.inner.seek(place, whence))

    def fileno(self) -> int:
        return int(self.inner.fileno())

    def readinto(self, buffer: Any) -> int:
        number = int(self.inner.readinto(buffer))
        self.done += number
        if self.packed is None:
            return number
        self.done += UNPACKED_LINE * bytes(memoryview(buffer)[:number]).count(b"\n")
        if self.done > max(UNPACKED_BYTES, UNPACKED_TIMES * self.packed.done):
            raise DamagedFileError(
                f"unpacked it is more than {UNPACKED_TIMES} times as long, which no log is. Unpack "
                "it yourself, if you trust it."
            )
        return number


def zipped_files(archive: Any) -> list[str]:
    """Return the names of the files in a zip, without what macOS adds to each."""
    names = archive.namelist()
    return [name for name in names if not name.endswith("/") and not name.startswith("__MACOSX/")]


class _ZippedFile:
    """The first file of a zip, opened when it is entered, so that faults are told like others."""

    def __init__(self, plain: BinaryIO) -> None:
        self.plain = plain

    def __enter__(self) -> Any:
        import zipfile

        self.archive = zipfile.ZipFile(self.plain)
        self.file = self.archive.open(zipped_files(self.archive)[0])
        return self.file

    def __exit__(self, *_: object) -> None:
        self.file.close()
        self.archive.close()


def _zstd() -> Any:
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    with needs(name, "corpora"):
        return import_module(name)


class TomlFile:
    """A parsed TOML file that can say on which line a key stands.

    Attributes
    ----------
    path
        Where it was read from.
    data
        The parsed document; numbers with a point are exact decimals.
    fault
        The error that is raised for what is wrong in it.
    """

    def __init__(
        self,
        path: Path,
        text: str,
        data: dict[str, Any],
        fault: type[KimiPlannerError] = FileError,
    ) -> None:
        self.path, self.data, self.fault = path, data, fault
        self._lines = text.split("\n")
        self._keys: dict[tuple[str, int], dict[str, int]] = {}

    def where(self, table: str = "", index: int | None = None, key: str | None = None) -> Where:
        """Return ``FILE line N`` for a key, or for the header of its table, or just the file.

        Parameters
        ----------
        table
            Name of the table, ``""`` for the top of the file.
        index
            Which one, from 0, when ``table`` is an array of tables.
        key
            The key to find inside that table.
        """
        found = self._headers.get((table, 1 if index is None else 2), []) if table else [-1]
        nth = (index or 0) if table else 0
        if nth >= len(found):
            return Where(self.path)
        line = None if key is None else self._keys_below(table, found[nth]).get(key)
        if line is None:
            line = found[nth] if table else None
        return Where(self.path, None if line is None else line + 1)

    @cached_property
    def _headers(self) -> dict[tuple[str, int], list[int]]:
        """From name and number of brackets to the lines of the headers of tables."""
        headers: dict[tuple[str, int], list[int]] = {}
        for number, line in enumerate(self._lines):
            if match := _HEADER.match(line):
                headers.setdefault((match["name"], len(match["open"])), []).append(number)
        return headers

    def _keys_below(self, table: str, header: int) -> dict[str, int]:
        """Return the line on which each key of a table stands first, as its own or as a table."""
        known = self._keys.get((table, header))
        if known is not None:
            return known
        keys = self._keys[table, header] = {}
        prefix = f"{table}." if table else ""
        inside = True
        for number in range(header + 1, len(self._lines)):
            line = self._lines[number]
            match = _HEADER.match(line)
            if match and match["name"].startswith(prefix):
                match = _KEY.match(match["name"], len(prefix))
            elif match or not inside:
                match = None
            else:
                match = _KEY.match(line)
            if match and (inside or line.lstrip().startswith("[")):
                keys.setdefault(next(filter(None, match.groups()), ""), number)
            if line.lstrip().startswith("["):
                inside = bool(table)
                if table and f"[{prefix}" not in line:
                    break
        return keys


@dataclass(frozen=True)
class TomlTable:
    """One table of a TOML file, and the errors that name the file and the line in it.

    Attributes
    ----------
    values
        What the table holds.
    name, index
        Its name, ``""`` for the top of the file, and which one it is of an array of tables.
    """

    toml: TomlFile
    values: Mapping[str, Any]
    name: str = ""
    index: int | None = None

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def where(self, key: str | None = None) -> Where:
        """Return file and line of a key, or of the table's header."""
        return self.toml.where(self.name, self.index, key)

    def fail(self, key: str | None, problem: str) -> KimiPlannerError:
        """Return the error that says what is wrong with a key, or with all of the table."""
        return self.toml.fault(problem, at=self.where(key))

    def wrong(self, key: str, allowed: str) -> KimiPlannerError:
        """Return the error that says what a key is and what it may be."""
        found = f"is {shown(self.values[key])}" if key in self else "is missing"
        return self.fail(key, f"{key} {found}. {allowed}")

    def refuse_unknown(self, known: Collection[str]) -> None:
        """Raise the error of the file, naming line and nearest key, if there is any other key."""
        for key in self.values:
            if key not in known:
                near, every = did_you_mean(key, known), ", ".join(sorted(known))
                raise self.fail(key, f"unknown key {shown(key)}.{near} Known keys: {every}.")


def read_toml(path: str | Path, fault: type[KimiPlannerError] = FileError) -> TomlFile:
    """Parse a TOML file, floats as exact decimals.

    Raises
    ------
    FileError
        Or another ``fault``, if the file cannot be read, is empty or is not TOML; the message names file and line.
    """
    path = Path(path)
    return parsed_toml(read_text(path, limit=TOML_BYTES, fault=fault), path, fault)


def parsed_toml(text: str, path: Path, fault: type[KimiPlannerError] = FileError) -> TomlFile:
    """Parse TOML as `read_toml` does, of a file that need not be there.

    Raises
    ------
    FileError
        Or another ``fault``, if it is empty or not TOML.
    """
    if not text.strip():
        raise fault("the file is empty. It must hold TOML.", at=path)
    if too_deep := _NESTED_TOO_DEEPLY.search(text):
        line = text.count("\n", 0, too_deep.start()) + 1
        raise fault(
            f"nested more than {DEPTH} deep, which cannot be meant.",
            at=Where(path, line),
        )
    try:
        data = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        message, place = _toml_fault(str(error), text)
        raise fault(f"not TOML ({message}). Correct that line.", at=Where(path, place)) from None
    except InvalidOperation:
        raise fault("a number has more digits than can be meant.", at=path) from None
    except (RecursionError, ValueError) as error:
        raise fault(f"not TOML that can be read ({error}).", at=path) from None
    return TomlFile(path, text, data, fault)


def _toml_fault(message: str, text: str) -> tuple[str, int]:
    """Return what the parser says is wrong with a text, and in which line."""
    place = re.search(r" \(at line (\d+), column \d+\)$", message)
    if place:
        return message[: place.start()], int(place[1])
    return message.removesuffix(" (at end of document)"), text.rstrip("\n").count("\n") + 1
