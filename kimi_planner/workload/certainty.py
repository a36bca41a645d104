"""How sure a number is that has no range of its own: measured, estimated or guessed.

The factors are the widest accuracy ranges of AACE International's recommended practice 18R-97, whose
ranges hold about 8 outcomes of 10. They were drawn from capital projects: no such study of token
traffic is published, so a range of one's own is better.
"""

from __future__ import annotations

from typing import NamedTuple

from kimi_planner.workload.quantity import (
    ONE,
    Constant,
    Quantity,
    Scaled,
    SplitLognormal,
    number_text,
)


class Certainty(NamedTuple):
    """Factors on a number at its P10 and P90; the number itself is the median.

    Attributes
    ----------
    low, high
        The factors.
    source
        Which estimates have them.
    """

    low: float
    high: float
    source: str

    def __str__(self) -> str:
        return f"P10 times {number_text(self.low)}, P90 times {number_text(self.high)}"

    def of_level(self, level: Quantity) -> Quantity:
        """Return a level with this range, if it has none."""
        if not isinstance(level, Constant) or not level.value:
            return level
        return self._around(level)

    def of_size(self, size: Quantity) -> Quantity:
        """Return a size whose mean has this range, if it has none."""
        if size.factor is not None or size.mean == 0:
            return size
        return Scaled(size, self._around(ONE))

    def _around(self, number: Constant) -> SplitLognormal:
        ends = (number.mean * self.low, number.mean, number.mean * self.high)
        return SplitLognormal.from_percentiles(*ends, f"{number.describe()}, {self}")


#: What the words stand for.
CERTAINTIES = {
    "measured": Certainty(0.9, 1.15, "AACE 18R-97, class 1, checked against a full definition"),
    "estimate": Certainty(0.8, 1.3, "AACE 18R-97, class 3, for a budget"),
    "guess": Certainty(0.5, 2.0, "AACE 18R-97, class 5, from a concept alone"),
}
