"""Starting a version of a catalog from another one."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from kimi_planner.catalog.load import catalog_path, load_catalog
from kimi_planner.errors import CatalogError, shown
from kimi_planner.files import read_text

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")


def draft_catalog(version: str, origin: str | Path | None, as_of: date) -> str:
    """Return the text of a new version: that of another one, with its own name and month.

    The days on which sources were checked stay as they are, since nobody has compared them yet.

    Parameters
    ----------
    version : str
        Name of the new version.
    origin : str, Path or None
        The version, or the file, that it starts from; the default one if not given.
    as_of : date
        The day on which it is started; its month is when the version is published.

    Raises
    ------
    CatalogError
        If the name is none, or the origin is no catalog in the form of this package.
    """
    if not _NAME.fullmatch(version):
        raise CatalogError(
            f"The version is {shown(version)}. Use letters, digits, points, dashes: 2027-01."
        )
    source = load_catalog(origin)
    path = catalog_path(origin)
    if path is None:
        raise CatalogError(
            f"{source.version} is no file in the form of this package. Start from one, and write what "
            "differs into it."
        )
    text = read_text(path)
    for key, value in (("version", version), ("published", f"{as_of:%Y-%m}")):
        text, found = re.subn(rf"(?m)^(\s*{key}\s*=\s*).*$", rf'\g<1>"{value}"', text, count=1)
        if not found:
            raise CatalogError(f"{key} stands on no line of its own. Write it on one.", at=path)
    return text
