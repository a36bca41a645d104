"""A picture of context fit: what requests need against the window they get."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from kimi_planner.plot.style import INK, MUTED, axes, budget_line, caption, literal, styled
from kimi_planner.projection import ContextFit

__all__ = ["context_fit"]

_NEED = ["p01_tokens", "p10_tokens", "p50_tokens", "p90_tokens", "p99_tokens"]


def context_fit(fit: ContextFit, *, ax: Axes | None = None) -> Axes:
    """Draw what the requests of each workload need against the context window.

    Parameters
    ----------
    fit : ContextFit
        What `context_fit` returned.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes
        For each workload a thin line from P1 to P99 and a thick one from P10 to P90 of prompt and
        reserved output, a dot at the median, and the share that fits; tokens, logarithmic. Models
        for which a workload needs the same share one line.
    """
    with styled():
        ax = axes(ax)
        rows = _distinct(fit.frame)
        for place, row in enumerate(rows.to_dict("records")):
            needs = [float(row[name]) for name in _NEED]
            ax.plot([needs[0], needs[-1]], [place, place], color=MUTED, linewidth=1.5)
            ax.plot(
                [needs[1], needs[3]],
                [place, place],
                color="#0072b2",
                linewidth=7,
                solid_capstyle="butt",
            )
            ax.plot(
                [needs[2]], [place], color="white", marker="o", markersize=6, markeredgecolor=INK
            )
            ax.annotate(
                _share_text(float(row["fit_share"])),
                xy=(1, place),
                xycoords=("axes fraction", "data"),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
                annotation_clip=False,
            )
        if (fit.frame["p99_tokens"] > 0).any():
            ax.set_xscale("log")
        for window in sorted(set(fit.frame["context_window_tokens"].dropna().astype(int))):
            budget_line(ax, f"window {window:,}", window, vertical=True)
        ax.set_yticks(range(len(rows)), labels=[literal(text) for text in rows["label"]])
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        ax.xaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))
        ax.set_xlabel("tokens of prompt and reserved output in one request")
        ax.set_title("Context fit: what a request needs")
        caption(
            ax,
            "Dot: median. Thick: P10 to P90. Thin: P1 to P99. "
            f"Catalog {fit.catalog_version}, seed {fit.seed}.",
        )
        return ax


def _distinct(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each group of models that a workload needs the same of."""
    keys = ["workload", "context_window_tokens", "fit_share", *_NEED]
    groups = frame.groupby(keys, sort=False, dropna=False)["model"].agg(list).reset_index()
    alone = groups["workload"].map(groups["workload"].value_counts()) == 1
    names = groups["model"].map(", ".join)
    groups["label"] = groups["workload"].where(alone, groups["workload"] + "\n" + names)
    return groups


def _share_text(share: float) -> str:
    if share != share:  # noqa: PLR0124 - NaN is not itself
        return "window not stated"
    return "all fit" if share == 1 else f"{share:.1%} fit" if share < 0.9995 else "over 99.9% fit"
