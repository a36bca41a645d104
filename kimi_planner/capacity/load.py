"""Limits files: find a version, read it, refuse whatever breaks a rule."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

from kimi_planner.capacity.limits import LIMITS, Fee, Limits, Rule, Tier
from kimi_planner.catalog import Source
from kimi_planner.errors import LimitsError, shown
from kimi_planner.files import data_dir, read_toml, refuse_unknown_keys

__all__ = ["DEFAULT_VERSION", "limits_versions", "load_limits"]

DEFAULT_VERSION = "2026-11"
MAX_LIMIT = 10**12

_TIER_KEYS = ("tier", "cumulative_recharge_usd", *LIMITS, "source")
_FEE_KEYS = ("name", "low_usd_per_call", "high_usd_per_call", "note", "source")
_RULE_KEYS = ("name", "rule", "note", "source")


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
        return _Reader(Path(name)).limits()
    if name not in limits_versions():
        raise LimitsError(
            f"Unknown limits {shown(version)}. Shipped versions: {', '.join(limits_versions())}. "
            "A file is given by its path, ending in .toml."
        )
    limits = _Reader(data_dir() / "limits" / f"{name}.toml").limits()
    if limits.version != name:
        raise LimitsError(f"Limits file {name}.toml says version {limits.version!r}. Rename one.")
    return limits


class _Reader:
    """One file while it is read."""

    def __init__(self, path: Path) -> None:
        self.toml = read_toml(path, LimitsError)
        self.path = path
        self.data = self.toml.data
        self.sources = self.read_sources()

    def limits(self) -> Limits:
        known = {"version", "currency", "sources", "tiers", "fees", "rules"}
        refuse_unknown_keys(self.data, known, toml=self.toml)
        currency = self.text(self.data, "currency")
        if currency != "USD":
            raise self.fail(f"currency is {currency!r}. Amounts must be in USD.", key="currency")
        tiers = tuple(
            self.tier(entry, number) for number, entry in self.tables("tiers", _TIER_KEYS)
        )
        if not tiers:
            raise LimitsError("no [[tiers]]. Limits state at least one tier.", at=self.path)
        self.check_order(tiers)
        fees = tuple(self.fee(entry, number) for number, entry in self.tables("fees", _FEE_KEYS))
        rules = tuple(
            Rule(**{key: self.text(entry, key, "rules", number) for key in _RULE_KEYS})
            for number, entry in self.tables("rules", _RULE_KEYS)
        )
        return Limits(
            version=self.text(self.data, "version"),
            currency=currency,
            tiers=tiers,
            fees=fees,
            rules=rules,
            sources=self.sources,
            sha256=sha256(self.path.read_bytes()).hexdigest(),
        )

    def fail(
        self, problem: str, table: str = "", number: int | None = None, key: str | None = None
    ) -> LimitsError:
        return LimitsError(problem, at=self.toml.where(table, number, key))

    def tables(self, name: str, keys: tuple[str, ...]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield the tables of an array, each with exactly the keys it must have."""
        entries = self.data.get(name, [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise self.fail(f"{name} must be written as [[{name}]] tables.", key=name)
        for number, entry in enumerate(entries):
            refuse_unknown_keys(entry, keys, toml=self.toml, table=name, index=number)
            for key in keys:
                if key not in entry:
                    raise self.fail(f"{key} is missing.", name, number)
            source = self.text(entry, "source", name, number)
            if source not in self.sources:
                raise self.fail(
                    f"source {source!r} has no table [sources.{source}].", name, number, "source"
                )
            yield number, entry

    def read_sources(self) -> dict[str, Source]:
        tables = self.data.get("sources")
        if not isinstance(tables, dict) or not tables:
            raise LimitsError(
                "no [sources.…] table. Say where the limits were found and when.", at=self.path
            )
        found = {}
        for key, entry in tables.items():
            table = f"sources.{key}"
            if not isinstance(entry, dict) or set(entry) != {"title", "checked_on"}:
                raise self.fail("a source needs exactly the keys title, checked_on.", table)
            checked_on = entry["checked_on"]
            if type(checked_on) is not date:
                raise self.fail(
                    f"checked_on is {shown(checked_on)}. Write a date: 2026-11-24.",
                    table,
                    key="checked_on",
                )
            found[key] = Source(
                key=key, title=self.text(entry, "title", table), checked_on=checked_on
            )
        return found

    def tier(self, entry: dict[str, Any], number: int) -> Tier:
        if type(entry["tier"]) is not int or entry["tier"] != number:
            raise self.fail(
                f"tier is {shown(entry['tier'])}. Tiers are numbered in order from 0; this one is {number}.",
                "tiers", number, "tier",
            )  # fmt: skip
        values: dict[str, int | None] = {}
        for key in LIMITS:
            value = entry[key]
            if value == "unlimited":
                values[key] = None
            elif type(value) is int and 0 < value <= MAX_LIMIT:
                values[key] = value
            else:
                raise self.fail(
                    f'{key} is {shown(value)}. Write a whole number from 1, or "unlimited".',
                    "tiers", number, key,
                )  # fmt: skip
        return Tier(
            tier=number,
            cumulative_recharge_usd=self.usd(entry, "cumulative_recharge_usd", "tiers", number),
            source=entry["source"],
            **values,
        )

    def check_order(self, tiers: tuple[Tier, ...]) -> None:
        """Refuse a tier that costs less than a lower one, or allows less."""
        for number in range(1, len(tiers)):
            lower, tier = tiers[number - 1 : number + 1]
            if tier.cumulative_recharge_usd <= lower.cumulative_recharge_usd:
                raise self.fail(
                    f"cumulative_recharge_usd of tier {number} is not above that of tier {number - 1}.",
                    "tiers", number, "cumulative_recharge_usd",
                )  # fmt: skip
            for key in LIMITS:
                if tier.allowed(key) < lower.allowed(key):
                    raise self.fail(
                        f"{key} of tier {number} is below that of tier {number - 1}. "
                        "A higher tier never allows less.",
                        "tiers", number, key,
                    )  # fmt: skip

    def fee(self, entry: dict[str, Any], number: int) -> Fee:
        low, high = (
            self.usd(entry, key, "fees", number)
            for key in ("low_usd_per_call", "high_usd_per_call")
        )
        if low > high:
            raise self.fail(
                f"low_usd_per_call ({low}) is above high_usd_per_call ({high}).", "fees", number
            )
        words = {key: self.text(entry, key, "fees", number) for key in ("name", "note", "source")}
        return Fee(low_usd_per_call=low, high_usd_per_call=high, **words)

    def usd(self, entry: Mapping[str, Any], key: str, table: str, number: int) -> Decimal:
        value = entry[key]
        if not isinstance(value, str) or not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value):
            raise self.fail(
                f'{key} is {shown(value)}. Write amounts as decimal strings, such as "0.005".',
                table, number, key,
            )  # fmt: skip
        return Decimal(value)

    def text(
        self, entry: Mapping[str, Any], key: str, table: str = "", number: int | None = None
    ) -> str:
        value = entry.get(key)
        if isinstance(value, str) and value.strip():
            return value
        problem = (
            f"{key} is {shown(value)}; it must be text." if key in entry else f"{key} is missing."
        )
        raise self.fail(problem, table, number, key if key in entry else None)
