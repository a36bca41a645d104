"""The result of `thinking_pays`: where the models are equal, as numbers and in words."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import isinf

import pandas as pd

from kimi_planner.choose.success.result import small_usd
from kimi_planner.choose.success.settle import chance_text
from kimi_planner.notes import Note
from kimi_planner.rich import frame_html, page_html

__all__ = ["ThinkingBreakEven"]


@dataclass(frozen=True, kw_only=True)
class ThinkingBreakEven:
    """When a model that reasons pays on a workload.

    Attributes
    ----------
    plain_usd_per_task, thinking_usd_per_task
        Expected cost of a task with the workload's reasoning tokens.
    plain_rate, thinking_rate
        Success rates as measured; ``None`` if not tried.
    value_per_success_usd
        What a solved task is worth; ``None`` if it is the cost per success that counts.
    multiplier
        Factor on the workload's reasoning tokens at which the two are equal; thinking pays below it.
        An exact fraction where all numbers are plain. ``None`` if there is none:
        ``multiplier_reason`` says why.
    multiplier_low, multiplier_high
        Its 90% interval by the trials: from 0 where thinking may be dearer without any reasoning, to
        infinity where it may be cheaper at any amount. ``None`` without evaluations of both.
    rate_needed
        Success rate of the thinking model at which the two are equal with today's reasoning; above 1
        if none would do, 0 or below if any would, ``None`` if the plain rate is not known.
    chance
        Probability that thinking pays today; ``None`` without evaluations of both.
    curve : DataFrame
        By ``multiplier`` the ``cost_per_task_usd`` of thinking and the ``success_gain_needed``, the
        difference of the rates at which it breaks even; without a value also the
        ``success_ratio_needed``, their quotient, which needs no evaluations.
    provenance, notes
        What it rests on, and what it leaves out.
    """

    workload: str
    plain_model: str
    thinking_model: str
    plain_usd_per_task: float
    thinking_usd_per_task: float
    plain_rate: float | None
    thinking_rate: float | None
    value_per_success_usd: Decimal | None
    multiplier: Fraction | float | None
    multiplier_low: float | None
    multiplier_high: float | None
    multiplier_reason: str
    rate_needed: float | None
    chance: float | None
    curve: pd.DataFrame
    provenance: str
    notes: tuple[Note, ...] = ()

    @property
    def pays(self) -> bool | None:
        """Whether thinking pays with today's reasoning and the rates as measured."""
        if self.thinking_rate is None or self.rate_needed is None:
            return None
        return self.thinking_rate > self.rate_needed

    @property
    def measured_gain(self) -> float | None:
        """How much more often the thinking model succeeds, ``None`` if one of them was not tried."""
        if self.thinking_rate is None or self.plain_rate is None:
            return None
        return self.thinking_rate - self.plain_rate

    def sentences(self) -> list[str]:
        """Return the break-even in words."""
        said = [
            f"{self.workload}: a task costs {small_usd(self.plain_usd_per_task)} USD on "
            f"{self.plain_model} and {small_usd(self.thinking_usd_per_task)} USD on {self.thinking_model}."
        ]
        measure = "the cost per success"
        if self.value_per_success_usd is not None:
            measure = f"value less cost, at {self.value_per_success_usd} USD a success"
        breaks_even = f"Thinking breaks even in {measure}"
        if self.rate_needed is not None:
            need = f"{breaks_even} at a success rate of {self.rate_needed:.1%}"
            if self.rate_needed > 1:
                need = f"No success rate lets thinking break even in {measure}"
            elif self.rate_needed <= 0:
                above = " above 0" if self.rate_needed == 0 else ""
                need = f"Thinking pays in {measure} at any success rate{above}"
            has = f"{self.plain_model} has {self.plain_rate:.1%}"
            if self.thinking_rate is not None:
                has += f", {self.thinking_model} {self.thinking_rate:.1%}"
            said.append(f"{need}; {has}.")
        elif self.value_per_success_usd is not None:
            gain = self.thinking_usd_per_task - self.plain_usd_per_task
            share = gain / float(self.value_per_success_usd)
            said.append(f"{breaks_even} if it solves {share:.1%} of all tasks more.")
        elif self.plain_usd_per_task > 0:
            ratio = self.thinking_usd_per_task / self.plain_usd_per_task
            said.append(f"{breaks_even} if it solves {ratio:.3g} times as many.")
        if self.multiplier is not None:
            said.append(
                f"It pays up to {float(self.multiplier):.3g} times the reasoning of the workload"
                f"{self._interval()}."
            )
        else:
            said.append(f"There is no break-even in reasoning: {self.multiplier_reason}.")
        if self.chance is not None:
            said.append(f"Thinking pays today with probability {chance_text(self.chance)}.")
        return said

    def _interval(self) -> str:
        if self.multiplier_low is None or self.multiplier_high is None:
            return ""
        high = "any" if isinf(self.multiplier_high) else f"{self.multiplier_high:.3g}"
        return f" (90% interval {self.multiplier_low:.3g} to {high})"

    def __repr__(self) -> str:
        return f"<ThinkingBreakEven: {' '.join(self.sentences())} {self.provenance}>"

    def _repr_html_(self) -> str:
        return page_html(
            frame_html(self.curve),
            notes=(*self.sentences(), *self.notes),
            provenance=self.provenance,
        )
