"""A picture of how many requests would fit as the context window grows."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from kimi_planner.calls.fit import ContextFit
from kimi_planner.plot.fit import several, share_text, token_axis, windows
from kimi_planner.plot.layout import finish, limit
from kimi_planner.plot.style import COLORS, MUTED, axes, percent_axis, styled
from kimi_planner.plot.words import listed, short

__all__ = ["context_fit_curve"]

_LINES = ("-", "--", ":", "-.")
_DARK = COLORS[:4]  # a thin line in a lighter colour is lost on white
_POINTS = 200
_ROWS = 10  # of the axes, beside those of the key


def context_fit_curve(fit: ContextFit, *, ax: Axes | None = None) -> Axes:
    """Draw the share of requests that fit against the size of the window.

    Parameters
    ----------
    fit : ContextFit
        What `context_fit` returned.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes
        A line for each workload, and each group of models on which it needs the same; the windows of
        the models are marked. Tokens, logarithmic.
    """
    marked = windows(fit.frame)
    most = max([*marked, float(fit.frame["p99_tokens"].max()), 2.0])
    least = max(1.0, float(fit.frame["p01_tokens"].min()))
    sizes = np.union1d(np.geomspace(min(least, most / 2), 1.1 * most, _POINTS), marked)
    curves: dict[tuple[str, bytes], list[str]] = {}
    shares = {}
    for (workload, model), one in fit.curve(sizes).groupby(["workload", "model"], sort=False):
        values = one["fit_share"].to_numpy()
        curves.setdefault((str(workload), values.tobytes()), []).append(str(model))
        shares[str(workload), values.tobytes()] = values
    counts = {name: sum(one == name for one, _ in curves) for name, _ in curves}
    with styled():
        ax = axes(ax, rows=_ROWS + len(curves))
        key = []
        for number, (curve, models) in enumerate(curves.items()):
            color = _DARK[number % len(_DARK)]
            style = _LINES[number // len(_DARK) % len(_LINES)]
            (line,) = ax.plot(sizes, shares[curve], color=color, linestyle=style, linewidth=2)
            name = short(curve[0], 20)
            key.append((f"{name}: {several(models)}" if counts[curve[0]] > 1 else name, line))
        ax.set_xscale("log")
        ax.set_xlim(sizes[0], sizes[-1])
        token_axis(ax)
        ax.set_ylim(0, 1.02)
        percent_axis(ax)
        ax.grid(axis="y", color=MUTED, alpha=0.15)
        ax.set_ylabel("share of requests that fit")
        ax.set_xlabel("context window, tokens")
        rows = fit.frame.to_dict("records")
        finish(
            ax,
            "Context fit by window size",
            "A request fits if its prompt and reserved output are at most the window. "
            f"Catalog {fit.catalog_version}, seed {fit.seed}.",
            "Share of requests that fit the windows of the models: "
            + listed(
                f"{row['workload']} on {row['model']} {share_text(float(row['fit_share']))}, half of the "
                f"requests need at most {row['p50_tokens']:,.0f} tokens"
                for row in rows
            )
            + ".",
            limits=[limit(ax, f"window {one:,}", one, vertical=True) for one in marked],
            key=key,
        )
        return ax
