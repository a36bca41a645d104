"""Writes that are all or nothing: of one file, or of several."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import time

from kimi_planner.errors import FileError

#: How names of files end that are being written; one this old was left by a writer that was killed.
_UNFINISHED = ".kimi-planner-part"
_LEFT_SECONDS = 3600


def write_text(path: str | Path, text: str, *, overwrite: bool = True) -> None:
    """Write UTF-8 text to ``path``, all of it or nothing.

    Raises
    ------
    FileError
        As :func:`write_files`.
    """
    content = text.encode("utf-8", "backslashreplace")
    write_files({Path(path): content}, overwrite=overwrite)


def write_files(files: Mapping[Path, bytes], *, overwrite: bool = False) -> None:
    """Write several files, all of them or none as far as a file system allows.

    A link stays one, and what it points to is written; a file that is there keeps its mode; a device or a
    pipe is written to as it is. Once this returns, the content is on disk.

    Raises
    ------
    FileError
        If a folder or file cannot be written to, or a file is there with other content and
        ``overwrite`` is false.
    """
    for path in files:
        with _named(path):
            is_folder = path.is_dir()
        if is_folder:
            raise FileError(f"cannot be written: {path} is a folder. Name another place.")
    if not overwrite:
        for path, content in files.items():
            if path.is_file() and not _holds(path, content):
                raise FileError(
                    f"{path} is there already, with other content. Name another place, or overwrite "
                    "it: --force, in Python overwrite=True."
                )
    with _removed_at_the_end() as temporary:
        parts: dict[Path, tuple[Path, Path]] = {}
        for path, content in files.items():
            with _named(path):
                if path.exists() and not path.is_file():  # a device or a pipe: nothing to replace
                    path.write_bytes(content)
                    continue
                target = path.resolve()
                parts[path] = target, _part(target, content, temporary)
        olds: dict[Path, Path | None] = {}
        try:
            for path, (target, part) in parts.items():
                with _named(path):
                    olds[target] = _second_name(target, temporary)
                    part.replace(target)
        except BaseException:
            for target, old in olds.items():
                with suppress(OSError):
                    target.unlink(missing_ok=True) if old is None else old.replace(target)
            raise
    for folder in {target.parent for target, _ in parts.values()}:
        with suppress(OSError):  # not every system opens folders
            number = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(number)
            finally:
                os.close(number)


def _part(target: Path, content: bytes, temporary: list[Path]) -> Path:
    """Write a new file beside where it is to stand."""
    from tempfile import mkstemp  # reading needs none of what it imports

    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(f".*{_UNFINISHED}"):
        with suppress(OSError):
            if time() - left.stat().st_mtime > _LEFT_SECONDS:
                left.unlink()
    number, name = mkstemp(dir=target.parent, prefix=f".{target.name[:80]}.", suffix=_UNFINISHED)
    temporary.append(Path(name))
    with open(number, "wb") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
    mask = os.umask(0)
    os.umask(mask)
    mode = target.stat().st_mode & 0o7777 if target.exists() else 0o666 & ~mask
    temporary[-1].chmod(mode)
    return temporary[-1]


def _second_name(target: Path, temporary: list[Path]) -> Path | None:
    """Give a file that is there another name too, by which it is put back; ``None`` if there is none."""
    if not target.exists():
        return None
    old = target.with_name(f".{target.name[:80]}.{os.getpid()}.old{_UNFINISHED}")
    temporary.append(old)
    with suppress(OSError):
        old.unlink(missing_ok=True)
        old.hardlink_to(target)
        return old
    old.write_bytes(target.read_bytes())  # where files have one name
    return old


@contextmanager
def _removed_at_the_end() -> Iterator[list[Path]]:
    temporary: list[Path] = []
    try:
        yield temporary
    finally:
        for path in temporary:
            with suppress(OSError):
                path.unlink(missing_ok=True)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    # A link that leads to itself is a RuntimeError, a name with a NUL a ValueError.
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise FileError(f"cannot be written ({reason}).", at=path) from None


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except OSError:  # not for us to read
        return False
