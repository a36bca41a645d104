"""The boundary of trust: what a configuration that others wrote may read, and what it did read.

Every file that the package opens for one is named to `opening` first. Inside of `Boundary.held` that refuses
what does not lie below a root, links resolved; outside of it nothing is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from os.path import abspath, islink, join, split
from pathlib import Path

from kimi_planner.errors import FileError, KimiPlannerError, shown

#: What lets a configuration read and write everywhere.
ALLOW_OUTSIDE = "--allow-outside"
_PACKAGE = Path(__file__).resolve().parent
#: Of the package itself, which holds its data, or lies beside them.
_OURS = (_PACKAGE, _PACKAGE.parent / "data")
_held: ContextVar[Boundary | None] = ContextVar("boundary", default=None)


class Boundary:
    """What may be read.

    Parameters
    ----------
    root : Path, optional
        The folder below which files lie that may be read; all may be if it is not given.

    Attributes
    ----------
    read : set of str
        Files that were read, links resolved.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = None if root is None else root.resolve()
        self.read: set[str] = set()
        self._folders: dict[str, tuple[str, bool]] = {}

    @contextmanager
    def held(self) -> Iterator[None]:
        """Refuse inside what lies outside of the root; do not yield inside, the caller would be held too."""
        token = _held.set(self)
        try:
            yield
        finally:
            _held.reset(token)

    def why_not(self, path: Path) -> str | None:
        """Return why a file may not be read or written, ``None`` if it may.

        Whether there is such a file makes no difference.
        """
        return self._resolved(path)[1]

    def _resolved(self, path: Path) -> tuple[str, str | None]:
        """Return a path with links resolved, and why it may not be read.

        A folder is looked at once, as a check reads many files of it.
        """
        folder, name = split(path)
        try:
            if name.casefold() in ("", "..", ".git") or islink(path):
                return str(path.resolve()), self._why_not(path.resolve())
            if folder not in self._folders:
                real = Path(folder).resolve()
                self._folders[folder] = str(real), self._why_not(real) is None
        except (OSError, RuntimeError, ValueError):  # a circle of links, a NUL
            return str(path), "cannot be a path"
        real_folder, is_free = self._folders[folder]
        spelled = join(real_folder, name)
        return spelled, None if is_free else self._why_not(Path(spelled))

    def _why_not(self, real: Path) -> str | None:
        if self.root is None:
            return None
        if any(real.is_relative_to(one) for one in _OURS):
            return None
        if not real.is_relative_to(self.root):
            return (
                "lies outside of the repository, or of the folder of a configuration that is in none, "
                f"links resolved. Move it there, or pass {ALLOW_OUTSIDE} if you trust the configuration"
            )
        if any(part.casefold() == ".git" for part in real.relative_to(self.root).parts):
            return f"belongs to Git, which may keep credentials. Pass {ALLOW_OUTSIDE} to read it"
        return None

    def enter(self, path: Path, fault: type[KimiPlannerError]) -> None:
        """Keep that a file is read, or refuse it as `opening` says."""
        spelled, why = self._resolved(path)
        if why:
            raise fault(f"{why}.", at=path)
        self.read.add(spelled)

    def refuse_to_write(self, path: Path) -> None:
        """Raise if a name leads to another place than it says.

        Whoever runs a check may name a file anywhere; no link in the repository may lead it out.

        Raises
        ------
        FileError
            If the file lies below the root by its name, and does not with links resolved.
        """
        is_inside = self.root is not None and Path(abspath(path)).is_relative_to(self.root)
        if is_inside and (why := self.why_not(path)):
            raise FileError(f"{why}.", at=path)


def opening(path: Path, fault: type[KimiPlannerError] = FileError) -> None:
    """Say that a file is about to be read, or a folder to be listed.

    Raises
    ------
    FileError
        Or another ``fault``, if it lies beyond the boundary that is held.
    """
    if boundary := _held.get():
        boundary.enter(path, fault)


def beyond(path: Path) -> str | None:
    """Return why a file may not be read or written where this is called, ``None`` if it may."""
    boundary = _held.get()
    return None if boundary is None else boundary.why_not(path)


def quoted(value: object, limit: int = 60) -> str:
    """Return what stands in a file as messages show it: not at all where a boundary is held.

    Who reads the report of a check is not always who may read the file.

    >>> quoted("12 a")
    "'12 a'"
    >>> with Boundary(Path()).held():
    ...     quoted("12 a")
    "'\u2026'"
    """
    boundary = _held.get()
    is_withheld = boundary is not None and boundary.root is not None
    return "'\u2026'" if is_withheld else shown(value, limit)
