"""Statistics of drawn conversations: by turn, and of each as a whole."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.billing.meters import ByMeter
from kimi_planner.billing.tariff import Tariff
from kimi_planner.calls.expected import free_tokens
from kimi_planner.calls.overflow import Carried
from kimi_planner.calls.usage import fees_used, tokens_used
from kimi_planner.calls.windowed import control_mean
from kimi_planner.workload.drawn import CallSample
from kimi_planner.workload.quantity import ONE, Array
from kimi_planner.workload.resolve import Load, Sizes
from kimi_planner.workload.turns import turn_means

QUANTILES = {"p10": 0.1, "p50": 0.5, "p90": 0.9}
LEAST_SHARE = 0.001  # of conversations, for a turn to have a row
_FACTOR_DRAWS = 1024


@dataclass(frozen=True)
class CallPrice:
    """What calls of a load cost at the prices of a model, the share of retries included.

    Attributes
    ----------
    load
        Whose calls; each has its mean cached share.
    tariff
        Prices as floats.
    """

    load: Load
    tariff: Tariff

    def bill(self, prompt: Any, completion: Any, requests: Any = 1) -> ByMeter:
        """Return the cost of calls by meter, from their tokens."""
        load = self.load
        tokens = tokens_used(load, prompt, completion, cached=load.cached.mean)
        used = tokens + fees_used(load) * requests
        return self.tariff.bill(used * (1 + load.traffic.retries.mean))

    def of(self, carried: Carried) -> Array:
        """Return the cost of each call asked for, with the summary before it."""
        usd: Array = self.bill(carried.billed_prompt, carried.billed_completion).total
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
    def of(cls, sizes: Sizes, seed: int) -> Expected:
        """Return them for the calls on a model, uncertain means included."""
        rng = np.random.default_rng(seed)
        factors = {
            key: rng.permutation(factor.spread(_FACTOR_DRAWS))
            for key, factor in sizes.factors.items()
            if key in (sizes.visible.key, sizes.reasoning.key)
        }
        tokens = free_tokens(replace(sizes, turns=ONE), factors)
        completion = float(np.mean(tokens.completion))
        answer = completion - float(np.mean(tokens.reasoning))
        opening, question = (
            part.size.mean * part.factor.mean for part in (sizes.first, sizes.followup)
        )
        return cls(opening, question + answer, completion, *turn_means(sizes.turns))

    def prompt_of(self, turn: float) -> float:
        """Return the expected prompt of a turn, or of a call from the mean of its turn."""
        return self.prompt + (turn - 1) * self.added


def turn_frame(
    sample: CallSample,
    carried: Carried,
    window: int | None,
    price: CallPrice,
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
    price : CallPrice
        What calls cost.
    expected : Expected
        Means without a limit, the control of what is drawn.
    """
    usd, free_usd = price.of(carried), price.bill(sample.prompt, sample.completion).total
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
        one = float(price.bill(expected.prompt_of(turn), expected.completion).total)
        through += one
        owner = sample.conversation[calls]
        so_far[owner] += usd[calls]
        free_so_far[owner] += free_usd[calls]
        row = {
            "turn": turn,
            "reach_share": len(calls) / asked[0],
            "fit_share": fits,
            "made_share": len(made) / len(calls),
            **_spread(carried.prompt[made], "prompt_tokens"),
            **_spread(carried.completion[made], "completion_tokens"),
            **_spread(sample.reserved[made], "reserved_tokens"),
            "mean_usd": control_mean(usd[calls], free_usd[calls], one),
            **_spread(so_far[owner], "cumulative_usd"),
            "mean_cumulative_usd": control_mean(so_far[owner], free_so_far[owner], through),
        }
        if len(made) == len(calls):
            row["mean_prompt_tokens"] = control_mean(
                carried.prompt[made], sample.prompt[made], expected.prompt_of(turn)
            )
            row["mean_completion_tokens"] = expected.completion
        rows.append(row)
    return pd.DataFrame(rows)


def whole_conversations(
    sample: CallSample, carried: Carried, price: CallPrice, expected: Expected
) -> dict[str, Any]:
    """Return what a policy does to whole conversations."""
    usd = sample.sums(price.of(carried))
    summaries = carried.summary_completion > 0
    made_share = float(carried.made.mean())
    turns = expected.turns
    prompt = turns * expected.prompt + expected.pairs * expected.added
    prompt, completion = (
        control_mean(sample.sums(billed), sample.sums(free), whole)
        for billed, free, whole in (
            (carried.billed_prompt, sample.prompt, prompt),
            (carried.billed_completion, sample.completion, turns * expected.completion),
        )
    )
    bill = price.bill(prompt, completion, turns)
    return {
        "calls_per_conversation": turns * made_share + float(summaries.sum()) / len(usd),
        "made_share": made_share,
        "whole_share": float((sample.sums((~carried.made).astype(int)) == 0).mean()),
        "summaries_per_conversation": float(summaries.sum()) / len(usd),
        **_spread(usd, "usd"),
        "mean_usd": float(bill.total),
        **{f"mean_{key}_usd": float(amount) for key, amount in bill},
    }


def _spread(values: Any, unit: str) -> dict[str, float]:
    names = [f"{name}_{unit}" for name in ("mean", *QUANTILES)]
    if not len(values):
        return dict.fromkeys(names, np.nan)
    quantiles = np.quantile(values, list(QUANTILES.values()))
    return dict(zip(names, (float(values.mean()), *quantiles.tolist()), strict=True))
