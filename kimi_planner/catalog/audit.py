"""Holding a catalog against what is known of it: the hash it was published with, and its age."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Literal

from kimi_planner.catalog.catalog import Catalog
from kimi_planner.catalog.load import catalog_path, load_catalog, published_sha256
from kimi_planner.errors import CatalogError, whole
from kimi_planner.notes import counted
from kimi_planner.toml_file import read_toml

Status = Literal["passed", "stale", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at, and what was found, in words.

    Attributes
    ----------
    days
        Age of the source that was checked the longest ago, where that of every source is known.
    """

    what: str
    status: Status
    words: str
    days: int | None = None


def audit_catalog(
    version: str | Path | None, as_of: date, max_age_days: int | None = None
) -> tuple[Catalog, tuple[Finding, ...]]:
    """Load a catalog and hold it against its rules, its published hash and its age.

    Parameters
    ----------
    version : str, Path or None
        What :func:`load_catalog` takes.
    as_of : date
        The day of the audit.
    max_age_days : int, optional
        Most days since somebody last checked each source; no limit if not given.

    Raises
    ------
    CatalogError
        If the catalog breaks a rule, or a source was checked after ``as_of``; the message names
        file and line.
    """
    if max_age_days is not None:
        whole("max_age_days", max_age_days, fault=CatalogError)
    catalog = load_catalog(version)
    path = catalog_path(version)
    _refuse_future(catalog, path, as_of)
    conflicts = counted(len(catalog.conflicts), "conflict")
    return catalog, (
        Finding(
            what="keys and sources",
            status="passed",
            words=f"{len(catalog)} models, every value sourced, {conflicts} listed",
        ),
        Finding(what="hash", status="passed", words=_hash(catalog, path)),
        _age(catalog, as_of, max_age_days),
    )


def _refuse_future(catalog: Catalog, path: Path | None, as_of: date) -> None:
    for source in catalog.sources.values():
        if source.checked_on is not None and source.checked_on > as_of:
            where = catalog.version
            if path is not None:
                where = read_toml(path).where(f"sources.{source.key}", None, "checked_on")
            raise CatalogError(
                f"checked_on is {source.checked_on}, after {as_of}. Correct the date, or audit the "
                "catalog as of a later day.",
                at=where,
            )


def _hash(catalog: Catalog, path: Path | None) -> str:
    if path is None:
        return f"sha256 {catalog.sha256[:12]} of what was read; it is no file of this package"
    digest = sha256(path.read_bytes()).hexdigest()
    if published_sha256().get(catalog.version) == digest:
        return f"sha256 {digest[:12]}, as it was published"
    return f"sha256 {digest[:12]}; no published version, so there is none to hold it against"


def _age(catalog: Catalog, as_of: date, max_age_days: int | None) -> Finding:
    days = {key: one.checked_on for key, one in catalog.sources.items()}
    undated = [key for key, day in days.items() if day is None]
    status: Status = "passed"
    if undated:
        words = f"nobody says when {', '.join(undated)} was checked, so its age cannot be told"
        status = "passed" if max_age_days is None else "unknown"
        return Finding(what="age", status=status, words=words)
    ages = {key: (as_of - day).days for key, day in days.items() if day is not None}
    oldest = max(ages, key=lambda key: ages[key])
    words = f"{oldest} was checked {counted(ages[oldest], 'day')} ago, on {days[oldest]}"
    if max_age_days is not None:
        stale = [key for key, age in ages.items() if age > max_age_days]
        if stale:
            status = "stale"
            words += (
                f", more than {counted(max_age_days, 'day')}. Compare {', '.join(stale)} again, and publish "
                "what you find as a new version"
            )
        else:
            words += f"; at most {counted(max_age_days, 'day')} are allowed"
    return Finding(what="age", status=status, words=words, days=ages[oldest])
