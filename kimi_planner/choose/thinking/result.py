"""The result of `thinking_pays`: where the models are equal, as numbers and in words."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import isinf

import pandas as pd

from kimi_planner.choose.objective import Best, Objective
from kimi_planner.choose.success.result import chance_text, interval_text
from kimi_planner.money import named, usd_text
from kimi_planner.notes import Note
from kimi_planner.rich import Page, Shown


@dataclass(frozen=True, kw_only=True, repr=False)
class ThinkingBreakEven(Shown):
    """When a model that reasons pays on a workload.

    Attributes
    ----------
    plain_usd_per_task, thinking_usd_per_task
        Expected cost of a task with the workload's reasoning tokens.
    plain_rate, thinking_rate
        Expected success; ``None`` where nothing tells it.
    objective
        What a solved task is worth.
    hull
        The models that are best for some value of a solved task, from which value on; at each of
        these values both are worth the same. Empty without the success of both.
    switching_low_usd, switching_high_usd
        90% interval of the value from which on thinking is better, by what is known of success; infinite
        where it may never be.
    multiplier
        Factor on the workload's reasoning tokens at which the two are equal; thinking pays below it.
        An exact fraction where all numbers are plain. ``None`` if there is none:
        ``multiplier_reason`` says why.
    multiplier_low, multiplier_high
        Its 90% interval: from 0 where thinking may be dearer without any reasoning, to infinity where
        it may be cheaper at any amount. ``None`` without a value and the success of both.
    rate_needed
        Success of the thinking model at which the two are equal with today's reasoning; above 1
        if none would do, 0 or below if any would, ``None`` without a value or the plain model's success.
    chance
        Probability that thinking pays today; ``None`` without a value and the success of both.
    curve : DataFrame
        By ``multiplier`` the ``cost_per_task_usd`` of thinking, the ``success_gain_needed`` at the
        value, the difference in success at which it breaks even, and ``switching_usd``, the value of
        a solved task at which it does.
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
    objective: Objective
    curve: pd.DataFrame
    provenance: str
    notes: tuple[Note, ...] = ()
    currency: str = "USD"

    hull: tuple[Best, ...] = ()
    switching_low_usd: float | None = None
    switching_high_usd: float | None = None
    multiplier: Fraction | float | None = None
    multiplier_low: float | None = None
    multiplier_high: float | None = None
    multiplier_reason: str = "it needs a value of a solved task and the success of both models"
    rate_needed: float | None = None
    chance: float | None = None

    @property
    def switching_usd(self) -> Fraction | float | None:
        """Value of a solved task from which on thinking is better; ``None`` if there is none, or none is known."""
        found = dict(self.hull).get(self.thinking_model)
        return found if found is None or isinstance(found, Fraction) else float(found)

    @property
    def pays(self) -> bool | None:
        """Whether thinking pays with today's reasoning at the value and the expected success."""
        if self.thinking_rate is None or self.rate_needed is None:
            return None
        return self.thinking_rate > self.rate_needed

    def sentences(self) -> list[str]:
        """Return the break-even in words."""
        said = [
            f"{self.workload}: a task costs {usd_text(self.plain_usd_per_task)} {self.currency} on "
            f"{self.plain_model} and {usd_text(self.thinking_usd_per_task)} {self.currency} on {self.thinking_model}.",
            *([self._by_value()] if self.hull else []),
        ]
        if not self.objective.is_stated:
            if not self.hull:
                said.append(
                    "Whether thinking pays is not known without the success of both models; state "
                    f"{named('value_usd_per_success', self.currency)} to learn the gain that it needs."
                )
            return said
        stake = f"at {usd_text(float(self.objective.stake_usd))} {self.currency} for a solved task instead of a failed one"
        if self.rate_needed is None:
            gain = self.thinking_usd_per_task - self.plain_usd_per_task
            share = gain / float(self.objective.stake_usd)
            return [
                *said,
                f"Thinking breaks even {stake} if it solves {share:.1%} of all tasks more.",
            ]
        need = f"Thinking breaks even {stake} at a success rate of {self.rate_needed:.1%}"
        if self.rate_needed > 1:
            need = f"No success rate lets thinking break even {stake}"
        elif self.rate_needed <= 0:
            need = f"Thinking pays {stake} at any success rate"
        has = f"{self.plain_model} has {self.plain_rate:.1%}"
        if self.thinking_rate is not None:
            has += f", {self.thinking_model} {self.thinking_rate:.1%}"
        said.append(f"{need}; {has}.")
        if self.multiplier is not None:
            said.append(
                f"It pays up to {_reasoning(float(self.multiplier))} the reasoning of the workload"
                f"{self._interval()}."
            )
        else:
            said.append(f"There is no break-even in reasoning: {self.multiplier_reason}.")
        if self.chance is not None:
            said.append(f"Thinking pays today with probability {chance_text(self.chance)}.")
        return said

    def _by_value(self) -> str:
        """Return for which values of a solved task thinking is the better one, in words."""
        if len(self.hull) == 1:
            return f"{self.hull[0].model} is the better one at any value of a solved task."
        first, second = self.hull
        low, high = self.switching_low_usd, self.switching_high_usd
        interval = ""
        if second.model == self.thinking_model and low is not None and high is not None:
            interval = f" ({interval_text((low, high))})"
        return (
            f"{second.model} is the better one if a solved task is worth more than "
            f"{usd_text(float(second.from_usd))} {self.currency}{interval}, else {first.model}."
        )

    def _interval(self) -> str:
        if self.multiplier_low is None or self.multiplier_high is None:
            return ""
        ends = (self.multiplier_low, self.multiplier_high)
        low, high = (_reasoning(end).removesuffix(" of") for end in ends)
        return f" (90% interval {low} to {high})"

    def page(self) -> Page:
        """Return what thinking must be worth as it reasons more."""
        return Page(
            title=f"What {self.thinking_model} costs and must bring on {self.workload}, by factor on its "
            "reasoning tokens",
            frame=self.curve.iloc[::4],  # all of it is in `curve`
            notes=(*self.sentences(), *self.notes),
            provenance=self.provenance,
            currency=self.currency,
        )


def _reasoning(factor: float) -> str:
    """Return a factor on reasoning in words, below 1 as a share of it.

    >>> _reasoning(12.71), _reasoning(0.59), _reasoning(float("inf"))
    ('12.7 times', '59% of', 'any')
    """
    if isinf(factor):
        return "any"
    return f"{100 * factor:.3g}% of" if factor < 1 else f"{factor:.3g} times"
