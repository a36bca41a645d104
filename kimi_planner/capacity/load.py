"""Limits files: find a version, read it, refuse whatever breaks a rule."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

from kimi_planner.capacity.limits import LIMITS, Fee, Limits, Rule, Tier
from kimi_planner.catalog import Source
from kimi_planner.catalog.cells import Cells, rows_of
from kimi_planner.errors import LimitsError, is_whole, shown
from kimi_planner.files import TomlFile, data_dir, read_toml

__all__ = ["DEFAULT_VERSION", "limits_versions", "load_limits"]

DEFAULT_VERSION = "2026-11"
MAX_LIMIT = 10**12


def limits_versions() -> tuple[str, ...]:
    """Return the versions that ship with the package, oldest first."""
    return tuple(sorted(path.stem for path in (data_dir() / "limits").glob("*.toml")))


def load_limits(version: str | Path | Limits | None = None) -> Limits:
    """Load rate limits and fees.

    Parameters
    ----------
    version : str, Path or Limits, optional
        A shipped version such as ``"2026-11"``, or the path of a TOML file of the same form. The
        default is the latest that ships. Limits are returned as they are.

    Raises
    ------
    LimitsError
        If there is no such version, or the file breaks a rule; the message names file and line.

    Examples
    --------
    >>> load_limits("2026-11").tiers[1].requests_per_minute
    200
    """
    if isinstance(version, Limits):
        return version
    name = DEFAULT_VERSION if version is None else str(version)
    if isinstance(version, Path) or "/" in name or "\\" in name or name.endswith(".toml"):
        return _read(Path(name))
    if name not in limits_versions():
        raise LimitsError(
            f"Unknown limits {shown(version)}. Shipped versions: {', '.join(limits_versions())}. "
            "A file is given by its path, ending in .toml."
        )
    limits = _read(data_dir() / "limits" / f"{name}.toml")
    if limits.version != name:
        raise LimitsError(f"Limits file {name}.toml says version {limits.version!r}. Rename one.")
    return limits


def _read(path: Path) -> Limits:
    toml = read_toml(path, LimitsError)
    sources = _sources(toml)
    top = Cells(toml, toml.data)
    top.refuse_unknown(("version", "currency", "sources", "tiers", "fees", "rules"))
    currency = top.text("currency")
    if currency != "USD":
        raise top.wrong("currency", "Amounts must be in USD.")
    rows = _rows(toml, "tiers", Tier, sources)
    if not rows:
        raise LimitsError("no [[tiers]]. Limits state at least one tier.", at=path)
    tiers = tuple(_tier(row, number) for number, row in enumerate(rows))
    _check_order(rows, tiers)
    return Limits(
        version=top.text("version"),
        currency=currency,
        tiers=tiers,
        fees=tuple(_fee(row) for row in _rows(toml, "fees", Fee, sources)),
        rules=tuple(
            Rule(**{key: row.text(key) for key in row.values})
            for row in _rows(toml, "rules", Rule, sources)
        ),
        sources=sources,
        sha256=sha256(path.read_bytes()).hexdigest(),
    )


def _sources(toml: TomlFile) -> dict[str, Source]:
    tables = toml.data.get("sources")
    if not isinstance(tables, dict) or not tables:
        raise LimitsError(
            "no [sources.…] table. Say where the limits were found and when.", at=toml.path
        )
    found = {}
    for key, entry in tables.items():
        row = Cells(toml, entry, f"sources.{key}")
        if set(row.values) != {"title", "checked_on"}:
            raise row.fail(None, "a source needs exactly the keys title, checked_on.")
        found[key] = Source(key=key, title=row.text("title"), checked_on=row.day("checked_on"))
    return found


def _rows(
    toml: TomlFile, table: str, form: type[Tier | Fee | Rule], sources: Mapping[str, Source]
) -> list[Cells]:
    """Return the tables of an array, each with exactly the keys it must have."""
    rows = rows_of(toml, table, form.__dataclass_fields__)
    for row in rows:
        for key in form.__dataclass_fields__:
            if key not in row:
                raise row.fail(None, f"{key} is missing.")
        source = row.text("source")
        if source not in sources:
            raise row.fail("source", f"source {source!r} has no table [sources.{source}].")
    return rows


def _tier(row: Cells, number: int) -> Tier:
    given = row.values["tier"]
    if type(given) is not int or given != number:
        raise row.wrong("tier", f"Tiers are numbered in order from 0; this one is {number}.")
    return Tier(
        tier=number,
        cumulative_recharge_usd=_usd(row, "cumulative_recharge_usd"),
        source=row.text("source"),
        **{key: _limit(row, key) for key in LIMITS},
    )


def _limit(row: Cells, key: str) -> int | None:
    value = row.values[key]
    if value == "unlimited":
        return None
    if not is_whole(value, 1, MAX_LIMIT):
        raise row.wrong(key, 'Write a whole number from 1, or "unlimited".')
    return value


def _check_order(rows: list[Cells], tiers: tuple[Tier, ...]) -> None:
    """Refuse a tier that costs less than a lower one, or allows less."""
    for row, (lower, tier) in zip(rows[1:], pairwise(tiers), strict=True):
        if tier.cumulative_recharge_usd <= lower.cumulative_recharge_usd:
            key = "cumulative_recharge_usd"
            raise row.fail(
                key, f"{key} of tier {tier.tier} is not above that of tier {lower.tier}."
            )
        for key in LIMITS:
            if tier.allowed(key) < lower.allowed(key):
                raise row.fail(
                    key,
                    f"{key} of tier {tier.tier} is below that of tier {lower.tier}. "
                    "A higher tier never allows less.",
                )


def _fee(row: Cells) -> Fee:
    low, high = _usd(row, "low_usd_per_call"), _usd(row, "high_usd_per_call")
    if low > high:
        raise row.fail(None, f"low_usd_per_call ({low}) is above high_usd_per_call ({high}).")
    words = {key: row.text(key) for key in ("name", "note", "source")}
    return Fee(low_usd_per_call=low, high_usd_per_call=high, **words)


def _usd(row: Cells, key: str) -> Decimal:
    value = row.values[key]
    if not isinstance(value, str) or not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value):
        raise row.wrong(key, 'Write amounts as decimal strings, such as "0.005".')
    return Decimal(value)
