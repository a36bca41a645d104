"""Packed files: their bytes, unpacked as they are read, and never more of them than can be meant."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import Any, BinaryIO

from kimi_planner.boundary import opening
from kimi_planner.errors import FileError, needs
from kimi_planner.limits import UNPACKED_BYTES, UNPACKED_LINE, UNPACKED_TIMES

#: Standard input, as a path.
STANDARD_INPUT = Path("-")
#: Called with the bytes on disk done since the last call, and the bytes of all that is to be read.
Progress = Callable[[int, int], None]
#: What unpacks, not yet entered, and what it raises where the data is damaged or cut off.
Unpacker = tuple[Any, tuple[type[Exception], ...]]


class DamagedFileError(FileError):
    """Compressed data is damaged or cut off; the message has no place, for its reader to add."""


def _gzip(packed: BinaryIO) -> Unpacker:
    import gzip
    import zlib

    return gzip.GzipFile(fileobj=packed), (EOFError, gzip.BadGzipFile, zlib.error)


def _zstd(packed: BinaryIO) -> Unpacker:
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    with needs(name, "corpora"):
        zstd = import_module(name)
    return zstd.ZstdFile(packed), (EOFError, zstd.ZstdError)


def _bz2(packed: BinaryIO) -> Unpacker:
    import bz2

    return bz2.BZ2File(packed), (EOFError, OSError, ValueError)


def _xz(packed: BinaryIO) -> Unpacker:
    import lzma

    return lzma.LZMAFile(packed), (EOFError, lzma.LZMAError)


def _zip(packed: BinaryIO) -> Unpacker:
    import zipfile
    import zlib

    @contextmanager
    def only() -> Iterator[Any]:
        with zipfile.ZipFile(packed) as archive:
            names = zipped_files(archive)
            if len(names) != 1:
                raise DamagedFileError(
                    f"this is a zip of {len(names)} files. Unpack it and read the files in it."
                )
            with archive.open(names[0]) as file:
                yield file

    damage = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError)
    return only(), (EOFError, *damage)


#: How packed files begin, to the name of their kind and what unpacks it.
_KINDS: dict[bytes, tuple[str, Callable[[Any], Unpacker]]] = {
    b"\x1f\x8b": ("gzip", _gzip),
    b"\x28\xb5\x2f\xfd": ("zstd", _zstd),
    b"BZh": ("bz2", _bz2),
    b"\xfd7zX": ("xz", _xz),
    b"PK\x03\x04": ("zip", _zip),
}
PACKED_MAGIC = tuple(_KINDS)


@contextmanager
def open_unpacked(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading its bytes, unpacked if it begins as gzip, bz2, xz, zstd or zip does.

    A zip has one file. ``-`` is standard input, of which no zip is unpacked.

    Raises
    ------
    DamagedFileError
        If the compressed data turns out to be damaged or cut off while it is read, or is a zip of several files.
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
        kind, unpacker = next(
            (one for magic, one in _KINDS.items() if start.startswith(magic)), ("", None)
        )
        if unpacker is None or (is_given and unpacker is _zip):
            yield plain
            return
        counted = _Counted(plain)
        opened, damage = unpacker(BufferedReader(counted))
        try:
            with opened as unpacked:
                yield BufferedReader(_Counted(unpacked, counted))
        except damage as error:
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
