"""Pictures of context fit: what requests need against the window, and what other windows would do."""

from __future__ import annotations

from math import isnan
from typing import Unpack

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator

from kimi_planner.calls.fit import ContextFit
from kimi_planner.plot.canvas import Canvas
from kimi_planner.plot.marks import bar, look_of_dot
from kimi_planner.plot.panel import Panel, picture
from kimi_planner.plot.style import count_axis, percent_axis
from kimi_planner.plot.words import listed, short

_NEED = ["p01_tokens", "p10_tokens", "p50_tokens", "p90_tokens", "p99_tokens"]
_MOST_NAMED = 2
_LINES = ("-", "--", ":", "-.")
_POINTS = 200


@picture
def context_fit(fit: ContextFit, **panel: Unpack[Panel]) -> Axes:
    """Draw what the requests of each workload need against the context window.

    Parameters
    ----------
    fit : ContextFit
        What `context_fit` returned.

    Returns
    -------
    Axes
        For each workload a thin line from P1 to P99 and a thick one from P10 to P90 of prompt and
        reserved output, a dot at the median, and the share that fits; tokens, logarithmic. Models
        for which a workload needs the same share one line.

    Examples
    --------
    >>> import kimi_planner as kp
    >>> chat = kp.Workload(name="chat", requests_per_day=1000, prompt_tokens=2000, completion_tokens=300)
    >>> ax = context_fit(kp.context_fit(chat, catalog="2026-06"))
    """
    rows = _distinct(fit.frame).to_dict("records")
    canvas = Canvas(**panel)
    ax, theme = canvas.ax, canvas.theme
    for place, row in enumerate(rows):
        needs = [float(row[name]) for name in _NEED]
        ax.plot([needs[0], needs[-1]], [place, place], color=theme.ink, linewidth=1.5, zorder=0.9)
        bar(canvas, place, needs[3] - needs[1], theme.band, needs[1], height=0.3)
        ax.plot(needs[2], place, **look_of_dot(canvas))
        canvas.beside(share_text(float(row["fit_share"])), place)
    canvas.rows([row["label"] for row in rows])
    if (fit.frame["p99_tokens"] > 0).any():
        ax.set_xscale("log")
    _limits(canvas, fit.frame)
    token_axis(ax)
    ax.set_xlabel("tokens of prompt and reserved output in one call")
    return canvas.finish(
        "Context fit: what a call needs",
        "Dot: median. Thick: P10 to P90. Thin: P1 to P99.",
        "Tokens that a call needs, median, and the share that fits the context window: "
        + listed(
            f"{row['workload']} on {several(row['model'])} {row['p50_tokens']:,.0f} tokens, "
            f"{share_text(float(row['fit_share']))}"
            for row in rows
        )
        + ".",
        answer=_answer(fit.frame),
        provenance=f"Catalog {fit.catalog_version}, seed {fit.seed}.",
    )


def _answer(frame: pd.DataFrame) -> str:
    """Return where the smallest share fits, or that all calls do."""
    known = frame[frame["fit_share"].notna()].sort_values("fit_share", kind="stable")
    if not len(known):
        return "no window is stated"
    row = known.iloc[0]
    if row["fit_share"] == 1:
        return "all calls fit" + " where a window is stated" * (len(known) < len(frame))
    share = share_text(float(row["fit_share"]))
    return f"tightest: {short(row['workload'])} on {row['model']}, {share}"


def windows(frame: pd.DataFrame) -> list[int]:
    """Return the context windows of the models, each once, in rising order."""
    return sorted(set(frame["context_window_tokens"].dropna().astype(int)))


def _limits(canvas: Canvas, frame: pd.DataFrame) -> None:
    for window in windows(frame):
        canvas.limit(f"window {window:,}", window)


def token_axis(ax: Axes) -> None:
    """Write whole tokens on the x axis, powers of ten if it is logarithmic."""
    count_axis(ax, "x")
    if ax.get_xscale() == "log":
        ax.xaxis.set_major_locator(LogLocator(10, numticks=6))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _brief(value)))
        low, high = ax.get_xlim()
        ax.set_xlim(10 ** _floor_log(low), high)


def _brief(tokens: float) -> str:
    for unit, name in ((1_000_000, "M"), (1_000, "k")):
        if tokens >= unit:
            return f"{tokens / unit:,.0f}{name}"
    return f"{tokens:.0f}"


def _floor_log(value: float) -> int:
    return len(f"{int(value)}") - 1


def share_text(share: float) -> str:
    """Return a share of calls that fit, in words that never round some to none or all."""
    if isnan(share):
        return "window not stated"
    if share in {0, 1}:
        return "all fit" if share else "none fit"
    if share >= 0.9995:
        return "over 99.9% fit"
    return f"{share:.1%} fit" if share >= 0.0005 else "under 0.1% fit"


def _distinct(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each group of models that a workload needs the same of."""
    keys = ["workload", "context_window_tokens", "fit_share", *_NEED]
    groups = frame.groupby(keys, sort=False, dropna=False)["model"].agg(list).reset_index()
    alone = groups["workload"].map(groups["workload"].value_counts()) == 1
    names = groups["model"].map(several)
    groups["label"] = groups["workload"].where(alone, groups["workload"] + ": " + names)
    return groups


def several(models: list[str]) -> str:
    """Return the names of models, or the first and how many more."""
    if len(models) <= _MOST_NAMED:
        return ", ".join(models)
    return f"{models[0]} and {len(models) - 1} more"


@picture
def context_fit_curve(fit: ContextFit, **panel: Unpack[Panel]) -> Axes:
    """Draw the share of calls that fit against the size of the window.

    Parameters
    ----------
    fit : ContextFit
        What `context_fit` returned.

    Returns
    -------
    Axes
        A line for each workload, and each group of models on which it needs the same; the windows of
        the models are marked. Tokens, logarithmic.

    Examples
    --------
    >>> import kimi_planner as kp
    >>> chat = kp.Workload(name="chat", requests_per_day=1000, prompt_tokens=2000, completion_tokens=300)
    >>> ax = context_fit_curve(kp.context_fit(chat, catalog="2026-06"))
    """
    marked = windows(fit.frame)
    most = max([*marked, float(fit.frame["p99_tokens"].max()), 2.0])
    least = max(1.0, min(float(fit.frame["p01_tokens"].min()), most / 2))
    sizes = np.union1d(np.geomspace(10 ** _floor_log(least), 1.1 * most, _POINTS), marked)
    curves: dict[tuple[str, bytes], list[str]] = {}
    shares = {}
    for (workload, model), one in fit.curve(sizes).groupby(["workload", "model"], sort=False):
        values = one["fit_share"].to_numpy()
        curves.setdefault((str(workload), values.tobytes()), []).append(str(model))
        shares[str(workload), values.tobytes()] = values
    counts = {name: sum(one == name for one, _ in curves) for name, _ in curves}
    canvas = Canvas(**panel)
    ax, colors = canvas.ax, canvas.theme.series
    key = []
    for number, (curve, models) in enumerate(curves.items()):
        style = _LINES[number % len(_LINES)]  # one on another is seen through its gaps
        color = colors[(number + number // len(_LINES)) % len(colors)]
        (line,) = ax.plot(sizes, shares[curve], color=color, linestyle=style, linewidth=2)
        name = curve[0]
        key.append((f"{name}: {several(models)}" if counts[name] > 1 else name, line))
    ax.set_xscale("log")
    ax.set_xlim(sizes[0], sizes[-1])
    token_axis(ax)
    ax.set_ylim(0, 1.02)
    percent_axis(ax)
    ax.grid(axis="y", color=canvas.theme.muted, alpha=0.15)
    ax.set(xlabel="context window, tokens", ylabel="share of calls that fit")
    _limits(canvas, fit.frame)
    return canvas.finish(
        "Context fit by window size",
        "A call fits if its prompt and reserved output are at most the window.",
        "Share of calls that fit the windows of the models: "
        + listed(
            f"{row['workload']} on {row['model']} {share_text(float(row['fit_share']))}, half of the "
            f"calls need at most {row['p50_tokens']:,.0f} tokens"
            for row in fit.frame.to_dict("records")
        )
        + ".",
        answer=_answer(fit.frame),
        provenance=f"Catalog {fit.catalog_version}, seed {fit.seed}.",
        key=key,
    )
