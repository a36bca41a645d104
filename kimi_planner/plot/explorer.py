"""An explorer for notebooks: sliders that move the numbers of a plan, and a picture that follows."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING, Any

from kimi_planner.arguments import public
from kimi_planner.errors import MissingExtraError
from kimi_planner.plan.projection import Projection
from kimi_planner.plan.scenario import BASE, Scenario
from kimi_planner.plan.simulation import project, replanned
from kimi_planner.plot.theme import LIGHT
from kimi_planner.plot.words import dollars, short
from kimi_planner.rich import page_html
from kimi_planner.workload import what_if
from kimi_planner.workload.inputs import Workloads

if TYPE_CHECKING:
    from ipywidgets import VBox

__all__ = ["explore"]

_ALL = "all workloads"
_PLANNED = "as planned"
_NAMES, _BAR, _WIDTH, _ROW = 210, 320, 760, 32  # pixels


@public
def explore(
    workloads: Workloads,
    *,
    n_paths: int = 500,
    scenarios: Iterable[Scenario] = (),
    **settings: Any,
) -> VBox:
    """Show sliders for traffic, output, reasoning and cache, and the spend they lead to.

    Parameters
    ----------
    workloads : Workload, iterable of Workload, or path of a workload file
        What may happen.
    n_paths : int
        Number of paths.
    scenarios : iterable of Scenario
        Named variants of the plan to choose from; what is moved holds in them too.
    **settings
        Passed to `project`: ``months``, ``start``, ``models``, ``as_of``, ``seed``, ``catalog``.

    Returns
    -------
    VBox
        Widgets that a notebook shows. Moving one projects the chosen workload again, and redraws the
        picture and the table.

    Raises
    ------
    MissingExtraError
        If ipywidgets is not installed.
    ScenarioError, UnknownModelError, PriceNotFoundError
        As `project` does.

    Notes
    -----
    Amounts are those of `project` with as few paths, which also follows fewer conversations where a
    window cuts some: they differ from those of many paths by about 2% there.

    Examples
    --------
    >>> from kimi_planner import Workload
    >>> chat = Workload(name="chat", requests_per_day=1000, prompt_tokens=2000, completion_tokens=300)
    >>> sliders = explore(chat, months=1, start="2027-01", as_of="2026-11-28")  # in a notebook
    """
    try:
        import ipywidgets
    except ImportError:
        raise MissingExtraError.of("ipywidgets", "notebook") from None
    plan = project(workloads, n_paths=n_paths, **settings)
    variants = {one.name: one for one in scenarios}
    planned = plan
    whose = ipywidgets.Dropdown(
        options=[(_ALL, None), *((name, name) for name in plan.names)], description="workload"
    )
    factors = {
        name: ipywidgets.FloatSlider(
            1.0, min=0, max=most, step=0.05, description=name, continuous_update=False
        )
        for name, most in {"traffic": 4, "output": 3, "reasoning": 3}.items()
    }
    cached = ipywidgets.SelectionSlider(
        options=[_PLANNED, *(f"{share}%" for share in range(0, 101, 5))],
        description="cached",
        continuous_update=False,
    )
    variant = ipywidgets.Dropdown(options=[BASE, *variants], description="scenario")
    shown = ipywidgets.HTML()

    def redraw(_: object = None) -> None:
        moves = {name: round(slider.value, 6) for name, slider in factors.items()}
        chosen = [one for one in plan.workloads if whose.value in (None, one.name)]
        share = None if cached.value == _PLANNED else int(cached.value[:-1]) / 100
        moved = what_if(chosen, **moves, cached_share=share)
        rest = [one for one in plan.workloads if one not in chosen]
        changed = replanned(plan, moved if variant.value == BASE else [*moved, *rest])
        words = ", ".join(f"{name} × {value:g}" for name, value in moves.items())
        if variant.value != BASE:
            changed = variants[variant.value].of_plan(changed)
            words += f", {variant.value}"
        if share is not None:
            words += f", cached share {cached.value}"
        shown.value = _picture(changed, planned, whose.value, words)

    controls = [whose, *[variant] * bool(variants), *factors.values(), cached]
    for control in controls:
        control.observe(redraw, names="value")
    redraw()
    notes = ipywidgets.HTML(page_html(notes=plan.notes))
    return ipywidgets.VBox([*controls, shown, notes])


def _picture(changed: Projection, planned: Projection, workload: str | None, moved: str) -> str:
    """Return bars as SVG in the notebook's own font and colours; what a figure takes is too long."""
    rows = [
        (
            model,
            *changed.average_month((0.1, 0.5, 0.9), model, workload).tolist(),
            float(planned.average_month((0.5,), model, workload)[0]),
        )
        for model in planned.models
    ]
    budget = planned.budget(workload)
    scale = _BAR / (max([*(max(row[1:]) for row in rows), float(budget or 0)]) or 1.0)
    drawn = []
    for place, (model, p10, p50, p90, before) in enumerate(rows):
        y = _ROW * place + 28
        low, middle, high, was = (_NAMES + scale * usd for usd in (p10, p50, p90, before))
        spread = f" ({dollars(p10)} to {dollars(p90)})" if p90 > p10 else ""
        drawn.append(
            f'<text x="{_NAMES - 8}" y="{y + 5}" text-anchor="end">{escape(short(model))}</text>'
            f'<rect x="{_NAMES}" y="{y - 9}" width="{middle - _NAMES:.2f}" height="18" fill="{LIGHT.within}"/>'
            f'<path d="M{low:.2f} {y}H{high:.2f}" stroke="currentColor" stroke-width="3"/>'
            f'<path d="M{was:.2f} {y - 13}V{y + 13}" stroke="{LIGHT.over}" stroke-width="4"/>'
            f'<text x="{_NAMES + _BAR + 12}" y="{y + 5}">{dollars(p50)}{spread}</text>'
        )
    height = _ROW * len(rows) + 20
    if budget is not None:
        x = _NAMES + scale * float(budget)
        drawn.append(
            f'<path d="M{x:.2f} 14V{height}" stroke="{LIGHT.budget}" stroke-width="2" stroke-dasharray="5 3"/>'
            f'<text x="{x:.2f}" y="11" text-anchor="middle">budget {dollars(budget)}</text>'
        )
    words = "; ".join(f"{row[0]} {dollars(row[2])}" for row in rows)
    return (
        f"<p><b>{escape(workload or 'all workloads on one model')}</b>, {moved}: USD per month, average "
        "over the months planned</p>"
        f'<svg viewBox="0 0 {_WIDTH} {height}" width="100%" style="max-width:{_WIDTH}px" role="img" '
        f'font-size="13" fill="currentColor" aria-label="{escape(words)} USD a month">'
        f"{''.join(drawn)}</svg>"
        "<p><small>Bar: P50 over scenarios. Line: P10 to P90. Upright mark: P50 as planned. "
        f"{escape(planned.provenance)}</small></p>"
    )
