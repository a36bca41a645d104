"""What every result that rests on a projection has."""

from __future__ import annotations

from dataclasses import dataclass

from kimi_planner.notes import Note
from kimi_planner.plan.projection import Projection

__all__ = ["Planned"]


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A result at the prices and on the paths of a projection.

    Attributes
    ----------
    projection
        The projection it rests on.
    notes
        What the numbers do not cover.
    """

    projection: Projection
    notes: tuple[Note, ...] = ()

    @property
    def provenance(self) -> str:
        """What the result rests on, in one line."""
        return self.projection.provenance
