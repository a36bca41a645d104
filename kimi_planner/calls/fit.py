"""Context fit: which share of calls leaves room for its answer in the window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from kimi_planner.arguments import public
from kimi_planner.calls.caps import cut_shares
from kimi_planner.calls.overflow import first_overflows
from kimi_planner.calls.sizes import CallSizes
from kimi_planner.catalog import Catalog, load_catalog
from kimi_planner.errors import SettingError, shown
from kimi_planner.rich import Page, Shown
from kimi_planner.workload.drawn import CallSample
from kimi_planner.workload.inputs import Workloads, check_seed, chosen_models, chosen_workloads
from kimi_planner.workload.quantity import Array
from kimi_planner.workload.resolve import Sizes

CURVE_SHARES = (0.01, 0.1, 0.5, 0.9, 0.99)
_FIRST = {f"first_overflow_p{round(100 * q)}": q for q in (0.1, 0.5, 0.9)}
_QUANTILES = [f"p{round(share * 100):02d}_tokens" for share in CURVE_SHARES]


class Served(NamedTuple):
    """Which calls of a workload a model serves.

    Attributes
    ----------
    fit_share
        Share of calls that fit its window; NaN if that is unknown.
    refused_share
        Share of calls that its window refuses, those after them in a conversation included.
    cut_share, empty_share
        Shares of answers that ``max_tokens`` cuts, and that it leaves empty but billed.
    """

    fit_share: float
    refused_share: float
    cut_share: float
    empty_share: float


@dataclass(frozen=True, kw_only=True, repr=False)
class ContextFit(Shown):
    """Context fit of workloads on models.

    Attributes
    ----------
    frame : DataFrame
        One row per workload and model: ``workload``, ``model``, ``context_window_tokens``,
        ``fit_share`` of calls whose prompt and reserved output fit the window, ``refused_share``
        of those that it refuses under the workload's policy, ``cut_share`` and ``empty_share`` of
        answers that ``max_tokens`` cuts and leaves empty; quantiles ``p01_tokens`` to
        ``p99_tokens`` of what calls need; ``overflow_share`` of conversations that come to a
        turn that does not fit, and ``first_overflow_p10``, ``_p50`` and ``_p90`` of that turn over
        these, missing where there are none.
    catalog_version, seed
        What the result rests on.
    needed_tokens
        From (workload name, model id) to what the drawn calls need, in rising order.

    Examples
    --------
    >>> import kimi_planner as kp
    >>> chat = kp.Workload(
    ...     name="chat", requests_per_day=9, prompt_tokens={"p50": 90_000, "p90": 125_000},
    ...     completion_tokens=500, max_tokens=4_096,
    ... )
    >>> fit = kp.context_fit(chat, "kimi-k2", catalog="2026-06", seed=0)
    >>> round(fit.share("chat", "kimi-k2"), 2), round(fit.of("chat", "kimi-k2").refused_share, 2)
    (0.89, 0.11)
    >>> fit.curve([64_000, 200_000]).round(2)
      workload    model  window_tokens  fit_share
    0     chat  kimi-k2        64000.0       0.06
    1     chat  kimi-k2       200000.0       1.00
    """

    frame: pd.DataFrame
    catalog_version: str
    seed: int
    needed_tokens: Mapping[tuple[str, str], Array] = field(repr=False, compare=False)

    def share(self, workload: str, model: str) -> float:
        """Return the share of calls that fit, NaN if the model's window is unknown.

        Raises
        ------
        SettingError
            If the fit has no such workload or model.
        """
        return self.of(workload, model).fit_share

    def of(self, workload: str, model: str) -> Served:
        """Return which calls of a workload a model serves.

        Raises
        ------
        SettingError
            If the fit has no such workload or model.
        """
        found = self._served.get((workload, model))
        if found is None:
            names, models = (", ".join(self.frame[key].unique()) for key in ("workload", "model"))
            raise SettingError(
                f"The fit has no workload {shown(workload)} on model {shown(model)}. It has "
                f"{names} on {models}."
            )
        return found

    @cached_property
    def _served(self) -> dict[tuple[str, str], Served]:
        columns = (self.frame[key] for key in ("workload", "model", *Served._fields))
        return {
            (name, model): Served(*map(float, shares))
            for name, model, *shares in zip(*columns, strict=True)
        }

    def curve(self, windows: ArrayLike) -> pd.DataFrame:
        """Return the share of calls that would fit windows of other sizes.

        Parameters
        ----------
        windows : array_like
            Sizes in tokens.

        Returns
        -------
        DataFrame
            ``workload``, ``model``, ``window_tokens`` and ``fit_share``, one row for each.

        Raises
        ------
        SettingError
            If one is no number of tokens.
        """
        try:
            sizes = np.asarray(windows, dtype=float).ravel()
        except (TypeError, ValueError):
            sizes = np.array([np.nan])
        if not (sizes >= 0).all():
            raise SettingError(f"windows is {shown(windows)}. Give sizes in tokens, from 0.")
        return pd.concat(
            [
                pd.DataFrame(
                    {
                        "workload": workload,
                        "model": model,
                        "window_tokens": sizes,
                        "fit_share": np.searchsorted(needed, sizes, side="right") / len(needed),
                    }
                )
                for (workload, model), needed in self.needed_tokens.items()
            ],
            ignore_index=True,
        )

    def page(self) -> Page:
        """Return the share of calls that fits, and what they need."""
        return Page(
            title="Share of calls whose prompt and reserved output fit the window, and tokens that "
            "they need",
            frame=self.frame,
            columns=(
                "workload", "model", "context_window_tokens", "fit_share", "p50_tokens", "p99_tokens"
            ),
            provenance=f"Catalog {self.catalog_version}, seed {self.seed}.",
        )  # fmt: skip


@public
def context_fit(
    workloads: Workloads,
    models: str | Sequence[str] | None = None,
    *,
    seed: int = 0,
    catalog: Catalog | str | Path | None = None,
) -> ContextFit:
    """Tell which share of calls fits the context window of each model.

    Parameters
    ----------
    workloads : Workload, iterable of Workload, or path of a workload file
        What is sent.
    models : str or sequence of str, optional
        Model ids; all of the catalog if not given.
    seed : int
        Seed of the drawn requests.
    catalog : Catalog, str or Path, optional
        Context windows; the default catalog if not given.

    Returns
    -------
    ContextFit
        Shares over at least 65,536 drawn requests (fewer conversations if they are long).

    Raises
    ------
    SettingError
        If there is no workload or model, two workloads share a name, or the seed is negative.
    UnknownModelError
        If the catalog has no such model.

    Notes
    -----
    A call fits if prompt tokens + reserved output <= window; reserved is ``max_tokens`` where
    it is given, else the answer itself, with its reasoning on models that reason, and at least the
    output tokens that the model reserves by default, where the catalog states them.

    Examples
    --------
    >>> import kimi_planner as kp
    >>> chat = kp.Workload(name="chat", requests_per_day=9, prompt_tokens={"p50": 90_000, "p90": 125_000},
    ...     completion_tokens=500, max_tokens=4_096)
    >>> fit = context_fit(chat, "kimi-k2", catalog="2026-06", seed=0)
    >>> round(float(fit.of("chat", "kimi-k2").fit_share), 2)
    0.89
    """
    catalog = load_catalog(catalog)
    chosen, specs = chosen_workloads(workloads), chosen_models(catalog, models)
    check_seed(seed)
    rows, needed = [], {}
    for workload in chosen:
        found: dict[Sizes, tuple[CallSample, Array, dict[str, float]]] = {}
        for spec in specs:
            calls = CallSizes.on(workload.resolve().sizes, spec.profile)
            sizes, window = calls.sizes, calls.window
            if sizes not in found:
                sample = CallSizes.of(sizes, None).drawn(seed)
                tokens = np.sort(sample.prompt + sample.reserved)
                values = np.quantile(tokens, CURVE_SHARES).tolist()
                found[sizes] = sample, tokens, dict(zip(_QUANTILES, values, strict=True))
            sample, tokens, quantiles = found[sizes]
            cut, empty = cut_shares(sizes)
            needed[workload.name, spec.id] = tokens
            rows.append(
                {
                    "workload": workload.name,
                    "model": spec.id,
                    "context_window_tokens": window,
                    "fit_share": np.nan if window is None else float((tokens <= window).mean()),
                    "refused_share": calls.overflow_shares[1],
                    "cut_share": cut,
                    "empty_share": empty,
                    **quantiles,
                    **_first_overflow(sample, window),
                }
            )
    frame = pd.DataFrame(rows).astype(dict.fromkeys(("context_window_tokens", *_FIRST), "Int64"))
    return ContextFit(frame=frame, catalog_version=catalog.version, seed=seed, needed_tokens=needed)


def _first_overflow(sample: CallSample, window: int | None) -> dict[str, Any]:
    """Return the share of conversations with a turn that does not fit, and quantiles of that turn."""
    late = sample.turn[first_overflows(sample, window)]
    turns = (
        np.quantile(late, [*_FIRST.values()], method="inverted_cdf") if len(late) else [pd.NA] * 3
    )
    share = np.nan if window is None else len(late) / int(sample.conversation[-1] + 1)
    return {"overflow_share": share, **dict(zip(_FIRST, turns, strict=True))}
