"""Pictures of what better answers cost: of models, and of cascades of them."""

from __future__ import annotations

from typing import Unpack

from matplotlib.axes import Axes

from kimi_planner.choose.frontier import ModelQuality, QualityFrontier
from kimi_planner.choose.routing.result import Cascades, Route
from kimi_planner.plot.canvas import Canvas
from kimi_planner.plot.marks import CANNOT_SERVE, dot, sign_of
from kimi_planner.plot.panel import Panel, picture
from kimi_planner.plot.style import money_axis
from kimi_planner.plot.words import at_most, dollars, listed

_MOST_ROUTES = 16
_MOST_NAMED = 3
_BOUNDS = "what it is if failures are dependent, and if they are independent."
_UNBEATEN = "none as good is cheaper"


@picture
def cost_vs_quality(frontier: QualityFrontier, **panel: Unpack[Panel]) -> Axes:
    """Draw the monthly spend of each model, the best model on top, and which of them none beats.

    Parameters
    ----------
    frontier : QualityFrontier
        What `quality_frontier` returned.

    Returns
    -------
    Axes
        From the highest success rate to the lowest, a dot at the P50 of the average month and a line
        from P10 to P90 for each model; USD. A filled dot is a model that none beats, an open one is
        beaten, and a cross cannot serve. Models of unknown success rate come last, as squares.
        Beside each its success rate and its P50.

    Examples
    --------
    >>> import kimi_planner as kp
    >>> coding = kp.load_workloads()[1]  # of the shipped example, as are the evaluations
    >>> results = kp.choose.read_evaluations()
    >>> settings = {"months": 1, "start": "2027-01", "as_of": "2026-11-28", "n_paths": 200}
    >>> ax = cost_vs_quality(kp.choose.quality_frontier(kp.project(coding, **settings), results))
    """
    rows = sorted(
        frontier.models,
        key=lambda one: (-1.0 if one.quality is None else one.quality, -one.p50_usd_per_month),
        reverse=True,
    )
    canvas = Canvas(**panel)
    blue = canvas.theme.within
    looks = {
        _UNBEATEN: (blue, "o"),
        "beaten": (None, "o"),
        "no success rate known": (None, "s"),
        "cannot serve": (canvas.theme.ink, CANNOT_SERVE),
    }
    kinds = [_kind(one) for one in rows]
    money_axis(canvas.ax, "x", 1.05 * max(one.p90_usd_per_month for one in rows))
    for place, (one, kind) in enumerate(zip(rows, kinds, strict=True)):
        ends = one.p10_usd_per_month, one.p90_usd_per_month
        dot(canvas, place, one.p50_usd_per_month, ends, *looks[kind])
        rate = "unknown" if one.quality is None else at_most(one.quality)
        canvas.beside(f"{rate}, {dollars(one.p50_usd_per_month)}", place)
    canvas.rows([one.model for one in rows])
    canvas.ax.set_xlabel(f"{frontier.currency} per month, average over the months planned")
    of = frontier.workload or "all workloads on one model"
    known = [one for one in rows if one.quality is not None]
    best = [one for name in frontier.frontier for one in known if one.model == name]
    unknown = [one.model for one in rows if one.quality is None]
    missing = f" No success rate is known of {', '.join(unknown)}." if unknown else ""
    return canvas.finish(
        f"Cost against quality: {of}",
        "From the best down. Dot: P50. Line: P10 to P90. Beside it: success rate and P50."
        + missing,
        f"Monthly spend and success rate of {of}. Not beaten: "
        + (listed(_words(one, frontier.currency) for one in best) or "none")
        + ". Others: "
        + (listed(_words(one, frontier.currency) for one in known if one not in best) or "none")
        + f".{missing}",
        answer=_answer(frontier),
        provenance=frontier.provenance,
        key=[(text, sign_of(canvas, *look)) for text, look in looks.items() if text in kinds],
    )


def _answer(frontier: QualityFrontier) -> str:
    names = frontier.frontier
    if not names:
        return "no success rate is known of a model that can serve"
    if len(names) > _MOST_NAMED:
        return f"for {len(names)} of {len(frontier.models)} models none as good is cheaper"
    return f"none as good is cheaper than {' or '.join(names)}"


def _kind(one: ModelQuality) -> str:
    if not one.qualifies:
        return "cannot serve"
    if one.quality is None:
        return "no success rate known"
    return _UNBEATEN if one.on_frontier else "beaten"


def _words(one: ModelQuality, currency: str) -> str:
    able = "" if one.qualifies else ", cannot serve"
    return f"{one.model} {dollars(one.p50_usd_per_month)} {currency}, {one.quality:.2f}{able}"


@picture
def cascades(result: Cascades, **panel: Unpack[Panel]) -> Axes:
    """Draw the expected cost of a task on each model and on each cascade that none beats.

    Parameters
    ----------
    result : Cascades
        What `cascades` returned.

    Returns
    -------
    Axes
        From the highest success rate to the lowest, a dot at the cost of a task for a single model
        and a triangle for a cascade, filled where no other route is cheaper and at least as good;
        a line over the interval of the cost where rates are measured; USD. Beside each its success
        rate. Cascades that are beaten are counted below.

    Examples
    --------
    >>> import kimi_planner as kp
    >>> coding = kp.load_workloads()[1]  # of the shipped example, as are the evaluations
    >>> results = kp.choose.read_evaluations()
    >>> settings = {"months": 1, "start": "2027-01", "as_of": "2026-11-28", "n_paths": 200}
    >>> routes = kp.choose.cascades(coding, detector=kp.choose.Detector(false_accept=0.1,
    ...     false_reject=0.05), evaluations=results, **settings)
    >>> ax = cascades(routes)
    """
    best = result.frontier
    kept = {route.name: route for route in best[:_MOST_ROUTES]}
    kept |= {route.name: route for route in result.routes if len(route.models) == 1}
    rows = sorted(kept.values(), key=lambda one: (-one.success_rate, one.cost_usd))
    canvas = Canvas(**panel)
    blue = canvas.theme.within
    ends = [_ends(route) for route in rows]
    money_axis(canvas.ax, "x", 1.05 * max(high for _, high in ends))
    for place, (route, interval) in enumerate(zip(rows, ends, strict=True)):
        sign = "o" if len(route.models) == 1 else "^"
        color = blue if route.on_frontier else None
        dot(canvas, place, float(route.cost_usd), interval, color, sign)
        canvas.beside(_said(route), place)
    canvas.rows([route.name for route in rows])
    canvas.ax.set_xlabel(f"{result.currency} per task, mean, checks and retries included")
    cheapest = result.cheapest_per_success
    answer = f"{cheapest.name} costs least per success" if cheapest is not None else ""
    is_measured = any(route.intervals is not None for route in rows)
    hidden = len(result.routes) - len(rows)
    dearer = max(0, len(best) - _MOST_ROUTES)
    confidence = f"{100 * result.confidence:g}%"
    return canvas.finish(
        f"Models and cascades: {result.workload}",
        "From the best down. Beside it: share of tasks that succeed, in brackets "
        + (f"its {confidence} interval; line: {confidence} interval." * is_measured or _BOUNDS)
        + f" {hidden - dearer} beaten cascades are not drawn." * (hidden > dearer)
        + f" Nor are {dearer} dearer ones that none beats." * bool(dearer),
        f"Cost of a task and share that succeeds for {result.workload}. Not beaten: "
        + listed(
            f"{route.name} {dollars(route.cost_usd)} {result.currency}, {at_most(route.success_rate)}"
            for route in best
        )
        + "."
        + (f" {cheapest.name} costs least for each success." if cheapest is not None else ""),
        answer=answer,
        notes=result.notes,
        provenance=result.provenance,
        key=[
            ("single model", sign_of(canvas, blue)),
            ("cascade", sign_of(canvas, blue, "^")),
            ("beaten", sign_of(canvas)),
        ],
    )


def _ends(route: Route) -> tuple[float, float]:
    """Return the interval of the cost, or the cost itself where there is none."""
    cost = float(route.cost_usd)
    return (cost, cost) if route.intervals is None else route.intervals.cost


def _said(route: Route) -> str:
    text, ends = at_most(route.success_rate), route.success_if
    if route.intervals is not None:
        ends = route.intervals.success
    return text if ends is None else f"{text} ({100 * ends[0]:.0f} to {100 * ends[1]:.0f}%)"
