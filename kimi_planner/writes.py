"""Writes that are all or nothing: of one file, or of several."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from kimi_planner.errors import FileError

__all__ = ["atomic_path", "write_files", "write_text"]


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it to ``path`` only if the block succeeds.

    Raises
    ------
    FileError
        If the folder or the file cannot be written to.
    """
    from tempfile import NamedTemporaryFile  # reading needs none of what it imports

    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix, delete=False
        ) as handle:
            temporary = Path(handle.name)
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
    except OSError as error:
        raise FileError(f"cannot be written ({error.strerror}).", at=path) from None
    try:
        yield temporary
        try:
            temporary.replace(path)
        except OSError as error:
            raise FileError(f"cannot be written ({error.strerror}).", at=path) from None
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text to ``path``, all of it or nothing."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")


def write_files(files: Mapping[Path, bytes], *, overwrite: bool = False) -> None:
    """Write several files, all of them or none as far as a file system allows.

    Raises
    ------
    FileError
        If a folder or file cannot be written to, or a file is there with other content and
        ``overwrite`` is false.
    """
    for path in files:
        if path.is_dir():
            raise FileError(f"{path} is a folder. Name another place.")
    if not overwrite:
        for path, content in files.items():
            if path.exists() and not _holds(path, content):
                raise FileError(
                    f"{path} is there already, with other content. Name another place, or pass --force "
                    "to overwrite it."
                )
    with ExitStack() as renames:
        for path, content in files.items():
            renames.enter_context(atomic_path(path)).write_bytes(content)


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except OSError:  # not for us to read
        return False
