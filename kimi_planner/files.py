"""Files: where the package's own data lie, what a glob means, and text and JSON with every fault named."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from os import fstat
from pathlib import Path
from typing import Any

from kimi_planner.boundary import opening
from kimi_planner.errors import FileError, KimiPlannerError, Where
from kimi_planner.limits import FILES


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
