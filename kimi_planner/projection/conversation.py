"""One conversation turn by turn: what it sends and costs, and where it outgrows the window."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.catalog import Catalog, ModelSpec, load_catalog
from kimi_planner.errors import ScenarioError
from kimi_planner.projection.inputs import check_seed, chosen_workloads
from kimi_planner.projection.means import free_tokens
from kimi_planner.projection.overflow import Carried, carry_out, first_overflows
from kimi_planner.projection.windowed import control_mean
from kimi_planner.workload import Constant, Workload
from kimi_planner.workload.drawn import CallSample, Drawn, followup_key, parts, turn_means, turns_of
from kimi_planner.workload.overflow import Overflow
from kimi_planner.workload.quantity import Array, midpoints

__all__ = ["Conversation", "conversation"]

DEFAULT_SUMMARY_TOKENS = 2000
QUANTILES = {"p10": 0.1, "p50": 0.5, "p90": 0.9}
LEAST_SHARE = 0.001  # of conversations, for a turn to have a row
_FACTOR_DRAWS = 1024


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """What the conversations of a workload send to a model, turn by turn.

    Attributes
    ----------
    workload, model, policy
        Name of the workload, model id, and what happens to a call that does not fit.
    context_window_tokens
        The model's window; ``None`` if the catalog does not state it, then there is no limit here.
    frame : DataFrame
        One row per turn that at least 0.1% of conversations reach: ``reach_share`` of conversations
        that ask for it; ``fit_share`` of those whose full history fits; ``made_share`` whose call is
        made under the policy; mean, P10, P50 and P90 of ``prompt_tokens``, ``completion_tokens`` and
        ``reserved_tokens`` of calls made; ``mean_usd`` of the turn, a refused call costing nothing;
        mean and quantiles of ``cumulative_usd`` of a conversation up to and with the turn.
    policies : DataFrame
        One row for no limit and for each policy: ``calls_per_conversation``, summaries included;
        ``made_share`` of the calls asked for; ``whole_share`` of conversations with every call made;
        ``summaries_per_conversation``; mean, P10, P50 and P90 of ``usd`` per conversation.
    first_overflow : dict of str to int, or empty
        P10, P50 and P90 of the first turn whose full history does not fit, over the conversations
        that have one.
    never_overflows_share
        Share of conversations that never get there; NaN if the window is not known.
    catalog_version, seed
        What the result rests on.
    notes
        What was assumed, in words.
    """

    workload: str
    model: str
    policy: str
    context_window_tokens: int | None
    frame: pd.DataFrame
    policies: pd.DataFrame
    first_overflow: dict[str, int]
    never_overflows_share: float
    catalog_version: str
    seed: int
    notes: tuple[str, ...] = ()

    @property
    def mean_usd(self) -> float:
        """Mean cost of a conversation under the policy, USD."""
        return float(self.policies.query("policy == @self.policy")["mean_usd"].iloc[0])

    def __repr__(self) -> str:
        return (
            f"<Conversation of {self.workload} on {self.model}, {self.policy}: "
            f"{self.mean_usd:.4g} USD on average. Catalog {self.catalog_version}, seed {self.seed}.>"
        )

    def _repr_html_(self) -> str:
        from html import escape

        tables = (table.to_html(index=False, escape=True) for table in (self.frame, self.policies))
        return "".join(tables) + "".join(f"<p>{escape(note)}</p>" for note in self.notes)


@dataclass(frozen=True)
class _Prices:
    """USD of one prompt token, at the mean cached share, and of one completion token."""

    prompt: float
    completion: float

    def of(self, carried: Carried) -> Array:
        """Return the cost of each call, with the summary before it."""
        usd: Array = (
            carried.billed_prompt * self.prompt + carried.billed_completion * self.completion
        )
        return usd


def conversation(
    workload: Workload,
    model: str,
    *,
    turns: Any = None,
    policy: Any = None,
    catalog: Catalog | str | Path | None = None,
    seed: int = 0,
) -> Conversation:
    """Follow the conversations of a workload on a model, turn by turn.

    Parameters
    ----------
    workload : Workload
        What is sent.
    model : str
        Model id.
    turns : int or mapping, optional
        Calls per conversation, in place of the workload's.
    policy : str, mapping or Overflow, optional
        What happens to a call that does not fit, in place of the workload's ``overflow``.
    catalog : Catalog, str or Path, optional
        Window and prices; the default catalog if not given.
    seed : int
        Seed of the drawn conversations.

    Returns
    -------
    Conversation
        Over 65,536 drawn conversations, fewer if they are long.

    Raises
    ------
    ScenarioError
        If there is not exactly one workload, or the seed is negative.
    WorkloadError
        If turns or policy have no form that a workload can have.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, or states no price for it.

    Notes
    -----
    Means are closed forms up to the first turn that overflows; where a policy has changed a call
    they are means over the drawn conversations, with the closed form as a control variate. Every
    call has the workload's mean cached share.
    """
    chosen = chosen_workloads(workload)
    if len(chosen) != 1:
        raise ScenarioError(f"{len(chosen)} workloads. A conversation is followed for one.")
    check_seed(seed)
    asked = _asked(chosen[0], turns, policy)
    catalog = load_catalog(catalog)
    spec = catalog.model(model)
    window = spec.context_window_tokens
    rates = spec.rates()
    share = asked.quantity("cached_share")
    cached = 0.0 if share is None else share.mean
    unit = 10.0**-rates.places
    prices = _Prices(
        (rates.input + cached * (rates.cached - rates.input)) * unit, rates.output * unit
    )
    drawn = Drawn.draw(asked, spec.reasons, np.random.default_rng(seed), uncertain_means=True)
    sample = drawn.calls()
    expected = _Expected.of(asked, spec.reasons, seed)
    overflow = asked.overflow_policy
    late = sample.turn[first_overflows(sample, window)]
    summary = Overflow("summarise", overflow.summary_tokens or DEFAULT_SUMMARY_TOKENS)
    rows = [("no limit", None, overflow)] + [
        (str(one), window, one) for one in (Overflow("reject"), Overflow("drop_oldest"), summary)
    ]
    return Conversation(
        workload=asked.name,
        model=spec.id,
        policy=str(overflow),
        context_window_tokens=window,
        frame=_turn_frame(sample, carry_out(sample, window, overflow), window, prices, expected),
        policies=pd.DataFrame(
            [
                {"policy": name, **_whole(sample, carry_out(sample, limit, one), prices, expected)}
                for name, limit, one in rows
            ]
        ),
        first_overflow={
            name: int(np.quantile(late, q, method="inverted_cdf")) for name, q in QUANTILES.items()
        }
        if len(late)
        else {},
        never_overflows_share=np.nan
        if window is None
        else 1 - len(late) / int(sample.conversation[-1] + 1),
        catalog_version=catalog.version,
        seed=seed,
        notes=_notes(asked, spec, overflows=len(late) > 0),
    )


def _asked(workload: Workload, turns: Any, policy: Any) -> Workload:
    """Return the workload with the turns and the policy asked for."""
    changes: dict[str, Any] = {}
    if turns is not None:
        changes["turns"] = turns
        if turns == 1:
            changes["followup_tokens"] = None
    if policy is not None:
        changes["overflow"] = policy
    return replace(workload, **changes)


@dataclass(frozen=True)
class _Expected:
    """Expected tokens without a limit: of the first call, added by each turn, and turns."""

    prompt: float
    added: float
    completion: float
    turns: float
    pairs: float

    @classmethod
    def of(cls, workload: Workload, reasons: bool, seed: int) -> _Expected:
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

    def turn_usd(self, turn: int, prices: _Prices) -> float:
        """Return the expected cost of a turn."""
        return (
            self.prompt + (turn - 1) * self.added
        ) * prices.prompt + self.completion * prices.completion

    def usd(self, prices: _Prices) -> float:
        """Return the expected cost of a conversation."""
        prompt = self.turns * self.prompt + self.pairs * self.added
        return prompt * prices.prompt + self.turns * self.completion * prices.completion


def _turn_frame(
    sample: CallSample, carried: Carried, window: int | None, prices: _Prices, expected: _Expected
) -> pd.DataFrame:
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


def _whole(
    sample: CallSample, carried: Carried, prices: _Prices, expected: _Expected
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


def _notes(workload: Workload, spec: ModelSpec, *, overflows: bool) -> tuple[str, ...]:
    notes = []
    if spec.context_window_tokens is None:
        notes.append(
            f"Catalog {spec.catalog_version} states no context window for {spec.id}, so no call is "
            "taken to be too large."
        )
    if workload.cached_share is not None and spec.cached_input_usd_per_mtok is None:
        notes.append(
            f"Catalog {spec.catalog_version} states no cached-input price, so cached tokens are billed "
            "as input."
        )
    elif workload.cached_share is not None and overflows:
        notes.append(
            "Every call has the mean cached share, also after its history was cut or summarised, "
            "which changes the prefix that the cache knows."
        )
    turns = workload.quantity("turns")
    several = turns is not None and not (isinstance(turns, Constant) and turns.value == 1)
    if several and followup_key(workload) == "prompt_tokens":
        notes.append(
            "followup_tokens is not given, so each later turn adds as much as the first prompt."
        )
    return tuple(notes)
