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
        The model that costs, or scores, the same at that value; ``None`` where the best meets its
        budget or its tier instead.
    what
        ``"input price"``, ``"output price"``, ``"discount"``, ``"output share"``,
        ``"reasoning multiplier"``, ``"cached share"``, ``"volume"``, ``"budget volume"`` or
        ``"tier volume"``.
    unit
        Unit of the values.
    planned, value
        The value in the plan, and the one at which the answer changes, with as many digits as make
        the two amounts the same to the cent, or the two scores to a ten-millionth; ``None`` if there
        is no such value.
    words
        The same in words.
    clause
        The value in short, to four digits, for a sentence that goes on; empty if there is none.
    by
        What the two models are compared by: ``"cost"``, or ``"score"``, a judgement.
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
    by: str = "cost"

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
    alone = rivals.pop(None, [])
    discounts = [against for against, some in rivals.items() if "discount" in _numbers(some)]
    for against, some in rivals.items():
        turns = _numbers(flip for flip in some if flip.value is not None)
        # Another discount is on a model that its budget excludes.
        if turns - {"discount"} or against in discounts[:1] or not discounts:
            yield _against(some)
    for flip in alone:
        yield flip.clause or flip.words


def _numbers(some: Iterable[Flip]) -> set[str]:
    return {flip.what for flip in some}


def _against(some: list[Flip]) -> str:
    """Return where one model stands the same as the best, or that nothing makes it."""
    moves = [flip for flip in some if flip.clause and flip.what != "budget volume"]
    pair, by = f"{some[0].against} and {some[0].model}", some[0].by
    if moves:
        return f"{pair} would {by} the same if {', or if '.join(one.clause for one in moves)}"
    into_budget = [flip for flip in some if flip.value is not None]
    if into_budget or len({flip.words for flip in some}) == 1:
        return "; ".join(flip.words for flip in into_budget or some[:1])
    return f"no price, share or volume alone makes {pair} {by} the same"
