"""What a cap on the output cuts: answers that end early, and answers that are empty but billed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from kimi_planner.arguments import public
from kimi_planner.billing.tariff import Tariff
from kimi_planner.calls.turns import Expected
from kimi_planner.calls.usage import fees_used, tokens_used
from kimi_planner.catalog import Catalog, Fee, ModelSpec, load_catalog
from kimi_planner.errors import SettingError, is_whole, shown
from kimi_planner.notes import Note, note
from kimi_planner.rich import Page, Shown
from kimi_planner.workload import Workload
from kimi_planner.workload.check import MAX_RESERVED_TOKENS
from kimi_planner.workload.inputs import Workloads, chosen_models, chosen_workloads
from kimi_planner.workload.quantity import Array, midpoints
from kimi_planner.workload.resolve import Load, Part, Sizes

WORTH_SAYING = {"cut": 0.01, "empty": 0.001}  # shares of answers from which a note is made
_NODES = 32_768
_FACTOR_NODES = 512


@dataclass(frozen=True, kw_only=True, repr=False)
class CapRisk(Shown):
    """What a cap on completion tokens does to the answers of workloads on models.

    Attributes
    ----------
    frame : DataFrame
        One row per workload, model and cap: ``workload``, ``model``, ``max_tokens``, missing for no
        cap; ``cut_share`` of answers whose reasoning and visible text together exceed it;
        ``empty_share`` of those in which reasoning alone spends it, so that nothing is answered;
        ``empty_tokens``, completion tokens billed for empty answers, per call on average;
        ``empty_answer_usd``, the cost of one such call with its mean prompt and its fees, on models
        that reason;
        ``cap_for_5_percent`` and ``cap_for_1_percent``, the least caps that cut at most 5% and 1%;
        then ``empty_answer_usd`` by meter, such as ``empty_answer_output_usd``, which sum to it; a
        meter that such a call does not use is missing.
    catalog_version
        Whose models and prices.
    """

    frame: pd.DataFrame
    catalog_version: str

    def page(self) -> Page:
        """Return how often caps cut an answer or leave it empty, and what an empty one costs."""
        return Page(
            title="Share of answers that a cap on completion tokens cuts or leaves empty, and the cost of "
            "an empty one",
            frame=self.frame,
            columns=(
                "workload", "model", "max_tokens", "cut_share", "empty_share", "empty_answer_usd",
                "cap_for_1_percent",
            ),
            provenance=f"Catalog {self.catalog_version}.",
        )  # fmt: skip


@public
def cap_risk(
    workloads: Workloads,
    models: str | Sequence[str] | None = None,
    caps: int | Iterable[int] | None = None,
    *,
    catalog: Catalog | str | Path | None = None,
) -> CapRisk:
    """Tell how often a cap on the output cuts an answer or leaves it empty.

    Parameters
    ----------
    workloads : Workload, iterable of Workload, or path of a workload file
        What is sent.
    models : str or sequence of str, optional
        Model ids; all of the catalog if not given.
    caps : int or iterable of int, optional
        Values of ``max_tokens``; each workload's own if not given.
    catalog : Catalog, str or Path, optional
        Models and prices; the default catalog if not given.

    Returns
    -------
    CapRisk
        Shares of single calls, uncertain means included.

    Raises
    ------
    SettingError
        If there is no workload, model or cap, or a cap is no whole number from 1.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, or states no price for it.

    Notes
    -----
    Reasoning and visible text are independent. Each is represented by 32,768 equally likely values,
    and the two are convolved exactly, so a share is accurate to about one in 32,768. A model that
    does not reason spends no reasoning and leaves no answer empty.

    Examples
    --------
    >>> from kimi_planner import Workload
    >>> chat = Workload(name="chat", requests_per_day=1000, prompt_tokens=2000,
    ...     completion_tokens={"p50": 300, "p90": 900}, max_tokens=900)
    >>> risk = cap_risk(chat, "kimi-k2", catalog="2026-06").frame
    >>> round(float(risk["cut_share"].iloc[0]), 3)
    0.1
    """
    catalog = load_catalog(catalog)
    chosen, specs = chosen_workloads(workloads), chosen_models(catalog, models)
    asked = _checked_caps(caps)
    rows: list[dict[str, object]] = []
    for workload in chosen:
        load = workload.resolve()
        for spec in specs:
            for cap in (workload.max_tokens,) if asked is None else asked:
                rows.append(_row(load, spec, cap, catalog.fees))
    columns = dict.fromkeys(("max_tokens", "cap_for_5_percent", "cap_for_1_percent"), "Int64")
    return CapRisk(frame=pd.DataFrame(rows).astype(columns), catalog_version=catalog.version)


def cap_notes(workloads: Sequence[Workload], specs: Sequence[ModelSpec]) -> Iterator[Note]:
    """Yield one sentence for each workload and model whose own cap cuts 1% of answers or more.

    Models that cut the same shares are named together.
    """
    for workload in workloads:
        cap = workload.max_tokens
        if cap is None:
            continue
        models: dict[Sizes, list[str]] = {}
        for spec in specs:
            models.setdefault(workload.resolve().sizes.on(spec.profile), []).append(spec.id)
        for sizes, ids in models.items():
            lengths = _Lengths.of(sizes)
            cut, empty = lengths.share_over(cap), lengths.empty_share(cap)
            if cut < WORTH_SAYING["cut"] and empty < WORTH_SAYING["empty"]:
                continue
            yield note(
                "answers_empty" if empty else "answers_cut",
                cap=cap,
                cut=cut,
                empty=empty,
                models=ids,
                workloads=workload.name,
            )


def cut_shares(sizes: Sizes) -> tuple[float, float]:
    """Return the shares of answers that the cap of sizes cuts, and of those that it leaves empty."""
    if sizes.cap is None:
        return 0.0, 0.0
    lengths = _Lengths.of(sizes)
    return lengths.share_over(sizes.cap), lengths.empty_share(sizes.cap)


def enough_tokens(sizes: Sizes) -> int:
    """Return the least cap that cuts at most 1% of answers."""
    return _Lengths.of(sizes).cap_for(0.01)


@dataclass(frozen=True)
class _Lengths:
    """Equally likely lengths of visible text and of reasoning, ascending."""

    visible: Array
    reasoning: Array

    @staticmethod
    @lru_cache(maxsize=64)
    def of(sizes: Sizes) -> _Lengths:
        *_, visible, reasoning = sizes.parts
        return _Lengths(_equally_likely(visible), _equally_likely(reasoning))

    def share_over(self, cap: float) -> float:
        """Return the share of answers longer than the cap, reasoning included."""
        within = np.searchsorted(self.visible, cap - self.reasoning, side="right")
        return 1 - float(within.mean()) / len(self.visible)

    def empty_share(self, cap: float) -> float:
        """Return the share of answers that have text to say, but no token left to say it."""
        spent = len(self.reasoning) - np.searchsorted(self.reasoning, cap, side="left")
        says = float((self.visible > 0).mean())
        return float(spent) / len(self.reasoning) * says

    def cap_for(self, share: float) -> int:
        """Return the least cap, from 1, that cuts at most this share."""
        longest = max(1, int(np.ceil(self.visible[-1] + self.reasoning[-1])))
        return 1 + bisect_left(range(1, longest), -share, key=lambda cap: -self.share_over(cap))


def _equally_likely(part: Part) -> Array:
    quantity, factor = part.size, part.factor
    if quantity.is_certain:
        return np.array([quantity.mean])
    if factor.is_certain:
        return quantity.spread(_NODES) * factor.mean
    products = np.sort(
        np.outer(factor.spread(_FACTOR_NODES), quantity.spread(_FACTOR_NODES)).ravel()
    )
    return products[(midpoints(_NODES) * len(products)).astype(np.int64)]


def _row(load: Load, spec: ModelSpec, cap: int | None, fees: Sequence[Fee]) -> dict[str, object]:
    lengths, limit = _Lengths.of(load.sizes.on(spec.profile)), np.inf if cap is None else cap
    empty, reasons = lengths.empty_share(limit), spec.profile.reasons_for(load.sizes.needs)
    return {
        "workload": load.name,
        "model": spec.id,
        "max_tokens": cap,
        "cut_share": lengths.share_over(limit),
        "empty_share": empty,
        "empty_tokens": empty * (cap or 0),
        "empty_answer_usd": np.nan,
        "cap_for_5_percent": lengths.cap_for(0.05),
        "cap_for_1_percent": lengths.cap_for(0.01),
        **({} if cap is None or reasons is False else _empty_answer(load, spec, cap, fees)),
    }


def _empty_answer(load: Load, spec: ModelSpec, cap: int, fees: Sequence[Fee]) -> dict[str, float]:
    """Return the cost of a call that spends its cap, with its mean prompt, every call fitting."""
    calls = Expected.of(replace(load.sizes, cap=cap).on(spec.profile), seed=0)
    prompt = calls.prompt_of(1 + calls.pairs / calls.turns)
    used = tokens_used(load, prompt, float(cap), cached=load.cached.mean) + fees_used(load)
    bill = Tariff.of(spec.in_plans(), fees).map(float).bill(used)
    meters = {f"empty_answer_{key}_usd": bill[key] for key, amount in used if amount}
    return {"empty_answer_usd": bill.total} | meters


def _checked_caps(caps: object) -> tuple[int, ...] | None:
    if caps is None:
        return None
    asked = (caps,) if isinstance(caps, str) or not isinstance(caps, Iterable) else tuple(caps)
    if not asked:
        raise SettingError("No caps. Give at least one, or leave caps out for the workloads' own.")
    for cap in asked:
        if not is_whole(cap, 1, MAX_RESERVED_TOKENS):
            raise SettingError(
                f"a cap is {shown(cap)}. It must be a whole number of tokens from 1."
            )
    return asked
