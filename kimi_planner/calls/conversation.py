"""One conversation turn by turn: what it sends and costs, and where it outgrows the window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.arguments import public
from kimi_planner.billing.call import cached_price_notes
from kimi_planner.billing.tariff import Tariff
from kimi_planner.calls.notes import reserved_notes, window_notes
from kimi_planner.calls.overflow import carry_out, first_overflows
from kimi_planner.calls.sizes import CallSizes
from kimi_planner.calls.turns import QUANTILES, CallPrice, Expected, turn_frame, whole_conversations
from kimi_planner.catalog import Catalog, ModelSpec, load_catalog
from kimi_planner.errors import SettingError
from kimi_planner.notes import Note, note
from kimi_planner.rich import Page, Shown
from kimi_planner.workload import Workload
from kimi_planner.workload.currency import in_currency_of
from kimi_planner.workload.inputs import check_seed, chosen_workloads
from kimi_planner.workload.overflow import Overflow

DEFAULT_SUMMARY_TOKENS = 2000


@dataclass(frozen=True, kw_only=True, repr=False)
class Conversation(Shown):
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
        One row for each policy, of which ``price_all`` knows no limit, the summary being of 2,000 tokens if the policy in
        force names no other length: ``calls_per_conversation``, summaries included;
        ``made_share`` of the calls asked for; ``whole_share`` of conversations with every call made;
        ``summaries_per_conversation``; mean, P10, P50 and P90 of ``usd`` per conversation, fees,
        cache writes and the share of retries included; the mean by meter, such as
        ``mean_input_usd``, which sum to ``mean_usd``.
    first_overflow : dict of str to int, or empty
        P10, P50 and P90 of the first turn whose full history does not fit, over the conversations
        that have one.
    never_overflows_share
        Share of conversations that never get there; NaN if the window is not known.
    catalog_version, seed
        What the result rests on.
    currency
        What amounts are in.
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
    currency: str = "USD"
    notes: tuple[Note, ...] = ()

    @property
    def mean_usd(self) -> float:
        """Mean cost of a conversation under the policy, USD."""
        return float(self.policies.query("policy == @self.policy")["mean_usd"].iloc[0])

    def page(self) -> Page:
        """Return what turns send and cost, the first of them and the last."""
        window, overflow = self.context_window_tokens, self.first_overflow
        limit = "window not stated" if window is None else f"window {window:,} tokens"
        turn = f"turn {overflow['p50']} at P50" if overflow else "none"
        return Page(
            title=f"Conversation of {self.workload} on {self.model}: {self.mean_usd:,.4g} {self.currency} on "
            f"average, policy {self.policy}, {limit}, first call that does not fit: {turn}",
            frame=self.frame,
            columns=(
                "turn", "reach_share", "fit_share", "p50_prompt_tokens", "p90_prompt_tokens", "mean_usd",
                "mean_cumulative_usd",
            ),
            notes=self.notes,
            provenance=f"Catalog {self.catalog_version}, seed {self.seed}. What other policies cost "
            "stands in .policies.",
            currency=self.currency,
        )  # fmt: skip


@public
def conversation(
    workload: Workload,
    model: str,
    *,
    turns: Any = None,
    policy: Any = None,
    as_of: date | str | None = None,
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
    as_of : date, datetime or str, optional
        The day whose prices count; those of the month of publication if not given.
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
    SettingError
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

    Examples
    --------
    >>> from kimi_planner import Workload
    >>> chat = Workload(name="chat", conversations_per_day=10, turns=3, prompt_tokens=1000,
    ...     followup_tokens=100, completion_tokens=200)
    >>> conversation(chat, "kimi-k2", catalog="2026-06").frame["mean_prompt_tokens"].tolist()
    [1000.0, 1300.0, 1600.0]
    """
    chosen = chosen_workloads(workload)
    if len(chosen) != 1:
        raise SettingError(f"{len(chosen)} workloads. A conversation is followed for one.")
    check_seed(seed)
    asked = _asked(chosen[0], turns, policy)
    catalog = in_currency_of(chosen, load_catalog(catalog, as_of=as_of))
    spec = catalog.model(model)
    window = spec.context_window_tokens
    load = asked.resolve()
    price = CallPrice(load, Tariff.of(spec.in_plans(), catalog.fees).map(float))
    calls = CallSizes.on(load.sizes, spec.profile)
    sample = calls.drawn(seed)
    expected = Expected.of(calls.sizes, seed)
    overflow = load.sizes.overflow
    late = sample.turn[first_overflows(sample, window)]
    summary = Overflow("summarise", overflow.summary_tokens or DEFAULT_SUMMARY_TOKENS)
    policies = (Overflow(), Overflow("reject"), Overflow("drop_oldest"), summary)
    return Conversation(
        workload=asked.name,
        model=spec.id,
        policy=str(overflow),
        context_window_tokens=window,
        frame=turn_frame(sample, carry_out(sample, window, overflow), window, price, expected),
        policies=pd.DataFrame(
            [
                {
                    "policy": str(one),
                    **whole_conversations(sample, carry_out(sample, window, one), price, expected),
                }
                for one in policies
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
        currency=catalog.currency,
        notes=tuple(_notes(asked, spec, overflows=len(late) > 0)),
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


def _notes(workload: Workload, spec: ModelSpec, *, overflows: bool) -> Iterator[Note]:
    yield from window_notes([spec])
    yield from reserved_notes([workload], [spec])
    if workload.cached_share is not None:
        silent = cached_price_notes([spec], workloads=workload.name)
        yield from silent
        if overflows and not silent:
            yield note("mean_cached_share", workloads=workload.name)
    if workload.resolve().sizes.turns.mean > 1 and workload.followup_tokens is None:
        yield note("no_followup_tokens", workloads=workload.name)
