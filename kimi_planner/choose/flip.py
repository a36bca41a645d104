"""One number of a plan, and the value of it at which the answer changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

__all__ = ["Flip", "flip_sentences"]


@dataclass(frozen=True, kw_only=True)
class Flip:
    """A number of a plan, and the value of it at which the answer changes.

    Attributes
    ----------
    workload, model
        The workload and the model that ranks first for it.
    against
        The model that costs the same at that value; ``None`` where the best meets its budget or its
        tier instead.
    what
        ``"reasoning multiplier"``, ``"volume"``, ``"budget volume"`` or ``"tier volume"``.
    unit
        Unit of the values.
    planned, value
        The value in the plan, and the one at which the answer changes, with as many digits as make
        the two amounts the same to the cent; ``None`` if there is no such value.
    words
        The same in words.
    clause
        The value in short, to four digits, for a sentence that goes on; empty if there is none.
    """

    workload: str
    model: str
    against: str | None
    what: str
    unit: str
    planned: Decimal | None
    value: Decimal | None
    words: str
    clause: str = ""

    @property
    def sentence(self) -> str:
        """The words, with the name of the workload."""
        return f"{self.workload}: {self.words}."


def flip_sentences(found: Iterable[Flip]) -> list[str]:
    """Return the flips in few sentences: those against one model together, budget and tier alone."""
    together: dict[str, dict[str | None, list[Flip]]] = {}
    for flip in found:
        together.setdefault(flip.workload, {}).setdefault(flip.against, []).append(flip)
    return [
        f"{workload}: {sentence}."
        for workload, rivals in together.items()
        for sentence in _of_workload(rivals)
    ]


def _of_workload(rivals: dict[str | None, list[Flip]]) -> Iterator[str]:
    alone, others = rivals.pop(None, []), list(rivals.values())
    turning = [some for some in others if any(flip.value is not None for flip in some)]
    for some in turning or others[:1]:
        yield _against(some)
    for flip in alone:
        yield flip.clause or flip.words


def _against(some: list[Flip]) -> str:
    """Return where one model costs the same as the best, or why nothing makes it."""
    moves = [flip.clause for flip in some if flip.clause and flip.what != "budget volume"]
    if moves:
        return (
            f"{some[0].against} and {some[0].model} would cost the same if {', or if '.join(moves)}"
        )
    return "; ".join(flip.words for flip in some if flip.value is not None) or "; ".join(
        flip.words for flip in some
    )
