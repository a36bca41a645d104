"""Rate limits and fees: what a file of them holds, and reading it or refusing what breaks a rule."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

from kimi_planner.arguments import public
from kimi_planner.catalog import Source
from kimi_planner.catalog.cells import Cells, Reader, read_sources, rows_of
from kimi_planner.errors import LimitsError, did_you_mean, is_whole, shown
from kimi_planner.files import data_dir
from kimi_planner.rich import Page, Shown
from kimi_planner.toml_file import read_toml

#: What a tier limits.
LIMITS = ("concurrency", "requests_per_minute", "tokens_per_minute", "tokens_per_day")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """What an account may send once its recharges add up to an amount.

    Attributes
    ----------
    tier
        Number of the tier, from 0.
    cumulative_recharge_usd
        What must have been recharged in total, USD. It is credit, not a fee.
    concurrency
        Most requests in work at the same time.
    requests_per_minute, tokens_per_minute, tokens_per_day
        Most requests and tokens; ``None`` means unlimited.
    source
        Key of the source that states it.
    """

    tier: int
    cumulative_recharge_usd: Decimal
    concurrency: int | None
    requests_per_minute: int | None
    tokens_per_minute: int | None
    tokens_per_day: int | None
    source: str

    def allowed(self, limit: str) -> float:
        """Return one of the limits as a number, infinity where there is none."""
        value = getattr(self, limit)
        return float("inf") if value is None else float(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """What is charged for a call besides its tokens, as a range where sources differ; USD."""

    name: str
    low_usd_per_call: Decimal
    high_usd_per_call: Decimal
    note: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How a limit is applied, in one line, and what that means for a planner."""

    name: str
    rule: str
    note: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Limits(Shown):
    """One version of rate limits and fees.

    Attributes
    ----------
    version
        Name of the version; every result that rests on it prints it.
    tiers
        From the lowest up; a higher one never allows less.
    fees, rules
        Fees beside tokens, and how the limits are applied.
    sources
        Where the values were found, by key.
    sha256
        Digest of the file's bytes.
    """

    version: str
    currency: str
    tiers: tuple[Tier, ...]
    fees: tuple[Fee, ...]
    rules: tuple[Rule, ...]
    sources: Mapping[str, Source]
    sha256: str

    def page(self) -> Page:
        """Return the limits of each tier."""
        names = ("requests_per_minute", "tokens_per_minute", "tokens_per_day")
        rows = [
            {
                "tier": one.tier,
                "recharged_usd": one.cumulative_recharge_usd,
                "concurrency": "unlimited" if one.concurrency is None else f"{one.concurrency:,}",
                **{
                    name: "unlimited"
                    if one.allowed(name) == float("inf")
                    else f"{one.allowed(name):,.0f}"
                    for name in names
                },
            }
            for one in self.tiers
        ]
        return Page(
            title="Limits of each recharge tier; the recharge is credit, not a fee",
            frame=rows,
            provenance=f"Limits {self.version} (sha256 {self.sha256[:12]}), checked on {self.checked_on}.",
        )

    def __iter__(self) -> Iterator[Tier]:
        return iter(self.tiers)

    @property
    def checked_on(self) -> date:
        """The day on which somebody last compared the tiers with their source."""
        days = [self.sources[tier.source].checked_on for tier in self.tiers]
        return min(day for day in days if day is not None)

    def fee(self, name: str) -> Fee:
        """Return the fee with exactly this name.

        Raises
        ------
        LimitsError
            If there is none.
        """
        for fee in self.fees:
            if fee.name == name:
                return fee
        names = [fee.name for fee in self.fees]
        raise LimitsError(
            f"Unknown fee {shown(name)}. Limits {self.version} have {', '.join(names) or 'none'}."
            f"{did_you_mean(str(name), names)}"
        )


DEFAULT_VERSION = "2026-11"
MAX_LIMIT = 10**12
_AMOUNTS = ("cumulative_recharge_usd", "low_usd_per_call", "high_usd_per_call")


def limits_versions() -> tuple[str, ...]:
    """Return the versions that ship with the package, oldest first."""
    return tuple(sorted(path.stem for path in (data_dir() / "limits").glob("*.toml")))


@public
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
    sources = read_sources(toml, "limits", _refuse_other_keys)
    top = Cells(toml, toml.data)
    top.refuse_unknown(("version", "currency", "sources", "tiers", "fees", "rules"))
    currency = top.text("currency")
    if currency != "USD":
        raise top.wrong("currency", "Amounts must be in USD.")
    readers: dict[str, Reader] = {
        "tier": _number,
        "source": lambda row, key: _own_source(row, key, sources),
        **dict.fromkeys(LIMITS, _limit),
        **dict.fromkeys(_AMOUNTS, _usd),
    }
    rows = rows_of(toml, "tiers", Tier.__dataclass_fields__)
    if not rows:
        raise LimitsError("no [[tiers]]. Limits state at least one tier.", at=path)
    tiers = tuple(row.into(Tier, readers) for row in rows)
    _check_order(rows, tiers)
    fees = rows_of(toml, "fees", Fee.__dataclass_fields__)
    rules = rows_of(toml, "rules", Rule.__dataclass_fields__)
    return Limits(
        version=top.text("version"),
        currency=currency,
        tiers=tiers,
        fees=tuple(_fee(row, readers) for row in fees),
        rules=tuple(row.into(Rule, readers) for row in rules),
        sources=sources,
        sha256=sha256(path.read_bytes()).hexdigest(),
    )


def _refuse_other_keys(source: Cells) -> None:
    if set(source.values) != {"title", "checked_on"}:
        raise source.fail(None, "a source needs exactly the keys title, checked_on.")


def _own_source(row: Cells, key: str, sources: Mapping[str, Source]) -> str:
    source = row.text(key)
    if source not in sources:
        raise row.fail(key, f"source {source!r} has no table [sources.{source}].")
    return source


def _number(row: Cells, key: str) -> int:
    given = row.values.get(key)
    if type(given) is not int or given != row.index:
        raise row.wrong(key, f"Tiers are numbered in order from 0; this one is {row.index}.")
    return given


def _limit(row: Cells, key: str) -> int | None:
    value = row.values.get(key)
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


def _fee(row: Cells, readers: Mapping[str, Reader]) -> Fee:
    fee = row.into(Fee, readers)
    low, high = fee.low_usd_per_call, fee.high_usd_per_call
    if low > high:
        raise row.fail(None, f"low_usd_per_call ({low}) is above high_usd_per_call ({high}).")
    return fee


def _usd(row: Cells, key: str) -> Decimal:
    value = row.values.get(key)
    if not isinstance(value, str) or not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value):
        raise row.wrong(key, 'Write amounts as decimal strings, such as "0.005".')
    return Decimal(value)
