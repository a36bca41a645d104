"""Statistics of drawn conversations: by turn, and of each as a whole."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.calls.means import free_tokens
from kimi_planner.calls.overflow import Carried, carry_out
from kimi_planner.calls.windowed import control_mean
from kimi_planner.catalog import Rates
from kimi_planner.workload import Workload
from kimi_planner.workload.drawn import CallSample, parts, turn_means, turns_of
from kimi_planner.workload.overflow import Overflow
from kimi_planner.workload.quantity import Array, midpoints

__all__ = ["QUANTILES", "Expected", "TokenPrices", "turn_frame", "whole_conversations"]

QUANTILES = {"p10": 0.1, "p50": 0.5, "p90": 0.9}
LEAST_SHARE = 0.001  # of conversations, for a turn to have a row
_FACTOR_DRAWS = 1024


@dataclass(frozen=True)
class TokenPrices:
    """USD of one prompt token, at the mean cached share, and of one completion token."""

    prompt: float
    completion: float

    @classmethod
    def at(cls, rates: Rates, cached_share: float) -> TokenPrices:
        """Return the prices of a model, cached tokens at their own price."""
        unit = 10.0**-rates.places
        mixed = rates.input + cached_share * (rates.cached - rates.input)
        return cls(mixed * unit, rates.output * unit)

    def of(self, carried: Carried) -> Array:
        """Return the cost of each call, with the summary before it."""
        usd: Array = (
            carried.billed_prompt * self.prompt + carried.billed_completion * self.completion
        )
        return usd


@dataclass(frozen=True)
class Expected:
    """Expected tokens without a limit: of the first call, added by each turn, and turns."""

    prompt: float
    added: float
    completion: float
    turns: float
    pairs: float

    @classmethod
    def of(cls, workload: Workload, reasons: bool, seed: int) -> Expected:
        """Return them for a workload, uncertain means included."""
        rng = np.random.default_rng(seed)
        one = replace(workload, turns=1, followup_tokens=None)
        first, followup, visible, reasoning = parts(workload, reasons)
        factors = {
            key: rng.permutation(part.factor.ppf(midpoints(_FACTOR_DRAWS)))
            for key, part in (
                ("completion_tokens", visible),
                ("reasoning_tokens", reasoning),
            )
            if part.factor is not None
        }
        tokens = free_tokens(one, reasons, factors)
        completion = float(tokens.completion.mean())
        answer = completion - float(tokens.reasoning.mean())
        opening, question = (
            part.mean * (1.0 if part.factor is None else part.factor.mean)
            for part in (first, followup)
        )
        return cls(opening, question + answer, completion, *turn_means(turns_of(workload)))

    def turn_usd(self, turn: int, prices: TokenPrices) -> float:
        """Return the expected cost of a turn."""
        return (
            self.prompt + (turn - 1) * self.added
        ) * prices.prompt + self.completion * prices.completion

    def usd(self, prices: TokenPrices) -> float:
        """Return the expected cost of a conversation."""
        prompt = self.turns * self.prompt + self.pairs * self.added
        return prompt * prices.prompt + self.turns * self.completion * prices.completion


def turn_frame(
    sample: CallSample,
    carried: Carried,
    window: int | None,
    prices: TokenPrices,
    expected: Expected,
) -> pd.DataFrame:
    """Return one row per turn that at least 0.1% of conversations reach.

    Parameters
    ----------
    sample : CallSample
        Calls with their full history.
    carried : Carried
        What became of them.
    window : int or None
        The context window in tokens.
    prices : TokenPrices
        What a token costs.
    expected : Expected
        Means without a limit, the control of what is drawn.
    """
    usd, free_usd = prices.of(carried), prices.of(carry_out(sample, None, Overflow()))
    so_far, free_so_far = np.zeros((2, int(sample.conversation[-1]) + 1))
    asked = np.bincount(sample.turn)[1:]
    order = np.split(np.argsort(sample.turn, kind="stable"), np.cumsum(asked)[:-1])
    rows, through = [], 0.0
    for turn, calls in enumerate(order, 1):
        if len(calls) < LEAST_SHARE * asked[0]:
            break
        made = calls[carried.made[calls]]
        fits = np.nan
        if window is not None:
            fits = float((sample.prompt[calls] + sample.reserved[calls] <= window).mean())
        one = expected.turn_usd(turn, prices)
        through += one
        owner = sample.conversation[calls]
        so_far[owner] += usd[calls]
        free_so_far[owner] += free_usd[calls]
        prompt, completion = _spread(carried.prompt[made]), _spread(carried.completion[made])
        if len(made) == len(calls):
            prompt["mean"] = control_mean(
                carried.prompt[made],
                sample.prompt[made],
                expected.prompt + (turn - 1) * expected.added,
            )
            completion["mean"] = expected.completion
        rows.append(
            {
                "turn": turn,
                "reach_share": len(calls) / asked[0],
                "fit_share": fits,
                "made_share": len(made) / len(calls),
                **_named(prompt, "prompt_tokens"),
                **_named(completion, "completion_tokens"),
                **_named(_spread(sample.reserved[made]), "reserved_tokens"),
                "mean_usd": control_mean(usd[calls], free_usd[calls], one),
                **_named(_spread(so_far[owner]), "cumulative_usd"),
                "mean_cumulative_usd": control_mean(so_far[owner], free_so_far[owner], through),
            }
        )
    return pd.DataFrame(rows)


def whole_conversations(
    sample: CallSample, carried: Carried, prices: TokenPrices, expected: Expected
) -> dict[str, float]:
    """Return what a policy does to whole conversations."""

    def by_conversation(values: Any) -> Array:
        return np.bincount(sample.conversation, weights=values).astype(np.float64)

    usd = by_conversation(prices.of(carried))
    free = by_conversation(prices.of(carry_out(sample, None, Overflow())))
    refused, summaries = by_conversation(~carried.made), carried.summary_completion > 0
    conversations = len(usd)
    made_share = float(carried.made.mean())
    return {
        "calls_per_conversation": expected.turns * made_share + summaries.sum() / conversations,
        "made_share": made_share,
        "whole_share": float((refused == 0).mean()),
        "summaries_per_conversation": float(summaries.sum() / conversations),
        **_named(_spread(usd), "usd"),
        "mean_usd": control_mean(usd, free, expected.usd(prices)),
    }


def _spread(values: Any) -> dict[str, float]:
    if not len(values):
        return dict.fromkeys(("mean", *QUANTILES), np.nan)
    quantiles = np.quantile(values, list(QUANTILES.values()))
    return {"mean": float(values.mean()), **dict(zip(QUANTILES, quantiles.tolist(), strict=True))}


def _named(spread: dict[str, float], unit: str) -> dict[str, float]:
    return {f"{name}_{unit}": value for name, value in spread.items()}
