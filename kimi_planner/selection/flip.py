"""One number of a plan, and the value of it at which the answer changes."""

from __future__ import annotations

from collections.abc import Iterable
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
        The model that costs the same at that value; ``None`` where the budget is met instead.
    what
        ``"input price"``, ``"output price"``, ``"discount"``, ``"output share"``,
        ``"reasoning multiplier"``, ``"cached share"``, ``"volume"`` or ``"budget volume"``.
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
    """Return the flips in few sentences: the best against the next in the ranking, and the budget."""
    said: dict[tuple[str, str | None], list[Flip]] = {}
    for flip in found:
        said.setdefault((flip.workload, flip.against), []).append(flip)
    sentences = []
    compared = set()
    for (workload, against), some in said.items():
        if against is not None and workload in compared:
            continue  # with a model that its budget excludes
        clauses = [flip.clause for flip in some if flip.clause]
        if against is None:
            sentences.append(f"{workload}: {clauses[0] if clauses else some[0].words}.")
            continue
        compared.add(workload)
        pair = f"{against} and {some[0].model}"
        sentences.append(
            f"{workload}: {pair} would cost the same if {', or if '.join(clauses)}."
            if clauses
            else f"{workload}: {some[0].words}."
            if len(some) == 1
            else f"{workload}: no price, share or volume alone makes {pair} cost the same."
        )
    return sentences
