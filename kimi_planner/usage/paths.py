"""The files of a log: named one by one, as a pattern, or as a folder."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from kimi_planner.boundary import opening
from kimi_planner.errors import UsageError, shown
from kimi_planner.files import globbed

__all__ = ["LogFile", "files_of"]

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
