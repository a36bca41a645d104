"""Context fit: which share of requests leaves room for its answer in the window."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from kimi_planner.calls.sizes import CallSizes
from kimi_planner.catalog import Catalog, load_catalog
from kimi_planner.errors import ScenarioError, shown
from kimi_planner.rich import frame_html
from kimi_planner.workload import Workload
from kimi_planner.workload.inputs import check_seed, chosen_models, chosen_workloads
from kimi_planner.workload.quantity import Array
from kimi_planner.workload.resolve import Sizes
from kimi_planner.workload.turns import MOST_TURNS, turn_means

__all__ = ["ContextFit", "context_fit"]

CURVE_SHARES = (0.01, 0.1, 0.5, 0.9, 0.99)
_QUANTILES = [f"p{round(share * 100):02d}_tokens" for share in CURVE_SHARES]


@dataclass(frozen=True, kw_only=True)
class ContextFit:
    """Context fit of workloads on models.

    Attributes
    ----------
    frame : DataFrame
        One row per workload and model: ``workload``, ``model``, ``context_window_tokens``,
        ``fit_share`` of requests whose prompt and reserved output fit the window, quantiles
        ``p01_tokens`` to ``p99_tokens`` of what they need, and ``first_overflow_turn``, the turn at
        which a conversation of median sizes no longer fits; missing without turns.
    catalog_version, seed
        What the result rests on.
    needed_tokens
        From (workload name, model id) to what the drawn requests need, in rising order.
    """

    frame: pd.DataFrame
    catalog_version: str
    seed: int
    needed_tokens: Mapping[tuple[str, str], Array] = field(repr=False, compare=False)

    def share(self, workload: str, model: str) -> float:
        """Return the share of requests that fit, NaN if the model's window is unknown.

        Raises
        ------
        ScenarioError
            If the fit has no such workload or model.
        """
        found = self._shares.get((workload, model))
        if found is None:
            names, models = (", ".join(self.frame[key].unique()) for key in ("workload", "model"))
            raise ScenarioError(
                f"The fit has no workload {shown(workload)} on model {shown(model)}. It has "
                f"{names} on {models}."
            )
        return found

    @cached_property
    def _shares(self) -> dict[tuple[str, str], float]:
        columns = (self.frame[key] for key in ("workload", "model", "fit_share"))
        return {(name, model): float(share) for name, model, share in zip(*columns, strict=True)}

    def curve(self, windows: ArrayLike) -> pd.DataFrame:
        """Return the share of requests that would fit windows of other sizes.

        Parameters
        ----------
        windows : array_like
            Sizes in tokens.

        Returns
        -------
        DataFrame
            ``workload``, ``model``, ``window_tokens`` and ``fit_share``, one row for each.
        """
        sizes = np.asarray(windows, dtype=float).ravel()
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

    def __repr__(self) -> str:
        return f"<ContextFit of {len(self.frame)} rows. Catalog {self.catalog_version}, seed {self.seed}.>"

    def _repr_html_(self) -> str:
        return frame_html(self.frame)


def context_fit(
    workloads: Workload | Iterable[Workload],
    models: str | Sequence[str] | None = None,
    *,
    seed: int = 0,
    catalog: Catalog | str | Path | None = None,
) -> ContextFit:
    """Tell which share of requests fits the context window of each model.

    Parameters
    ----------
    workloads : Workload or iterable of Workload
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
    ScenarioError
        If there is no workload or model, two workloads share a name, or the seed is negative.
    UnknownModelError
        If the catalog has no such model.

    Notes
    -----
    A request fits if prompt tokens + reserved output <= window; reserved is ``max_tokens`` where
    it is given, else the answer itself, with its reasoning on models that reason, and at least the
    output tokens that the model reserves by default, where the catalog states them.
    """
    catalog = load_catalog(catalog)
    chosen, specs = chosen_workloads(workloads), chosen_models(catalog, models)
    check_seed(seed)
    rows, needed = [], {}
    for workload in chosen:
        found: dict[Sizes, tuple[Array, dict[str, float]]] = {}
        for spec in specs:
            calls = CallSizes.on(workload.resolve().sizes, spec.profile)
            sizes, window = calls.sizes, calls.window
            if sizes not in found:
                sample = CallSizes.of(sizes, None).drawn(seed)
                tokens = np.sort(sample.prompt + sample.reserved)
                values = np.quantile(tokens, CURVE_SHARES).tolist()
                found[sizes] = tokens, dict(zip(_QUANTILES, values, strict=True))
            tokens, quantiles = found[sizes]
            needed[workload.name, spec.id] = tokens
            rows.append(
                {
                    "workload": workload.name,
                    "model": spec.id,
                    "context_window_tokens": window,
                    "fit_share": np.nan if window is None else float((tokens <= window).mean()),
                    **quantiles,
                    "first_overflow_turn": _first_overflow_turn(sizes, window),
                }
            )
    frame = pd.DataFrame(rows).astype(
        {"context_window_tokens": "Int64", "first_overflow_turn": "Int64"}
    )
    return ContextFit(frame=frame, catalog_version=catalog.version, seed=seed, needed_tokens=needed)


def _first_overflow_turn(sizes: Sizes, window: int | None) -> int | None:
    if window is None or turn_means(sizes.turns)[1] == 0:
        return None
    middle = np.array([0.5])
    prompt, followup, answer, thought = (float(one.size.ppf(middle)[0]) for one in sizes.parts)
    if sizes.cap is not None:
        answer = max(0.0, min(answer, sizes.cap - thought))
    reserved = float(sizes.reserved(answer + thought))
    growth = followup + answer
    if prompt + reserved > window:
        return 1
    turn = int((window - prompt - reserved) // growth) + 2 if growth else MOST_TURNS
    return turn if turn < MOST_TURNS else None
