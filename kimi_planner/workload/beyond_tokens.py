"""What a request causes beside plain tokens: fees by the call, and tokens written to a cache."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from kimi_planner.errors import WorkloadError, restated, shown
from kimi_planner.workload.check import check_keys, refused
from kimi_planner.workload.parse import parse_quantity
from kimi_planner.workload.quantity import Constant, number_text

_KINDS = ("five_minutes", "one_hour")


@dataclass(frozen=True)
class WrittenShare:
    """Share of prompt tokens that are written to a cache.

    Attributes
    ----------
    five_minutes, one_hour
        Share written for that long, 0 to 1; ``None`` if not given.
    """

    five_minutes: Decimal | None = None
    one_hour: Decimal | None = None

    @property
    def total(self) -> Decimal:
        """Share written for any time."""
        return (self.five_minutes or Decimal(0)) + (self.one_hour or Decimal(0))

    def __str__(self) -> str:
        given = ((self.five_minutes, "for 5 minutes"), (self.one_hour, "for an hour"))
        return ", ".join(
            f"{number_text(share)} {words}" for share, words in given if share is not None
        )


def parse_written_share(value: Any) -> WrittenShare:
    """Return the shares that a table names.

    Raises
    ------
    WorkloadError
        If it is no such table, or its shares are out of bounds or more than the whole prompt.
    """
    if isinstance(value, WrittenShare):
        value = {kind: share for kind, share in vars(value).items() if share is not None}
    if not isinstance(value, Mapping) or not value:
        advice = "Give a table such as { five_minutes = 0.3, one_hour = 0.1 }."
        raise refused("written_share", value, advice)
    check_keys("written_share", value, _KINDS)
    written = WrittenShare(**{k: _plain("written_share", k, share) for k, share in value.items()})
    if written.total > 1:
        raise WorkloadError(
            f"written_share is {written}, which is more than the whole prompt. The two may be 1 together."
        )
    return written


def parse_fees_per_request(value: Any) -> tuple[tuple[str, Decimal], ...]:
    """Return the fees of a request as pairs of a name and how often it is due.

    Raises
    ------
    WorkloadError
        If it is no table from names to plain numbers from 0.
    """
    try:
        fees = dict(value)
    except (TypeError, ValueError):
        fees = None
    if fees is None or not all(isinstance(name, str) and name.strip() for name in fees):
        advice = "Give a table from the name of a fee to how many of them a call causes, such as "
        raise refused("fees_per_request", value, f'{advice}{{ "web search" = 0.2 }}.')
    return tuple(
        (name, _plain(f"fees_per_request, {shown(name)}", "times_per_request", count))
        for name, count in fees.items()
    )


def _plain(where: str, key: str, value: Any) -> Decimal:
    with restated(of=WorkloadError, about=where):
        quantity = None if isinstance(value, Mapping) else parse_quantity(key, value)
        if not isinstance(quantity, Constant):
            raise refused(key, value, "Give one plain number, the mean.")
        return quantity.value
