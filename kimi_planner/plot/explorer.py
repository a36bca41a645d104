"""An explorer for notebooks: sliders that move the numbers of a plan, and a picture that follows."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import replace
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any

from kimi_planner.errors import MissingExtraError
from kimi_planner.plan.bill import LoadPlan
from kimi_planner.plan.projection import Projection
from kimi_planner.plan.scenarios import Scenarios
from kimi_planner.plan.simulation import project, simulate
from kimi_planner.rich import frame_html, page_html
from kimi_planner.workload import Workload, what_if

if TYPE_CHECKING:
    from ipywidgets import VBox

__all__ = ["explore"]

_ALL = "all workloads"
_PLANNED = "as planned"
_THIN = 10
_DPI = 90
_SHOWN = ("model", "mean_usd_per_month", *(f"p{share}_usd_per_month" for share in (10, 50, 90)))


def explore(
    workloads: Workload | Iterable[Workload], *, n_paths: int = 500, **scenario: Any
) -> VBox:
    """Show sliders for traffic, output, reasoning and cache, and the spend they lead to.

    Parameters
    ----------
    workloads : Workload or iterable of Workload
        What may happen.
    n_paths : int
        Number of scenarios.
    **scenario
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
    Where a window cuts conversations, a tenth of those that `project` draws are drawn, so amounts
    are its own to about 1%.
    """
    try:
        import ipywidgets
    except ImportError:
        raise MissingExtraError.of("ipywidgets", "notebook") from None
    plan = project(workloads, n_paths=n_paths, **scenario)
    planned = _projected(plan, plan.workloads)
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
        options=[(_PLANNED, None), *((f"{number:.0%}", number) for number in _SHARES)],
        description="cached",
        continuous_update=False,
    )
    shown = ipywidgets.HTML()

    def redraw(_: object = None) -> None:
        moves = {name: round(slider.value, 6) for name, slider in factors.items()}
        chosen = [one for one in plan.workloads if whose.value in (None, one.name)]
        changed = _projected(plan, what_if(chosen, **moves, cached_share=cached.value))
        words = ", ".join(f"{name} × {value:g}" for name, value in moves.items())
        if cached.value is not None:
            words += f", cached share {cached.value:.0%}"
        shown.value = _picture(changed, planned, whose.value, words)

    for control in (whose, *factors.values(), cached):
        control.observe(redraw, names="value")
    redraw()
    notes = ipywidgets.HTML(page_html(notes=plan.notes))
    return ipywidgets.VBox([whose, *factors.values(), cached, shown, notes])


_SHARES = tuple(number / 20 for number in range(21))


def _projected(plan: Projection, workloads: Sequence[Workload]) -> Projection:
    """Return the plan with other workloads, over the same months and scenarios, for a quick look."""
    spend = {}
    for workload in workloads:
        load = workload.resolve()
        load = replace(load, sizes=replace(load.sizes, thin=_THIN))
        scenarios = Scenarios.draw(load, plan.seed, plan.n_paths)
        bills = LoadPlan(load, plan.months, plan.catalog.fees, scenarios)
        spends = simulate(bills, plan.specs, plan.seed, plan.n_paths)
        spend |= {(load.name, model): one for model, one in zip(plan.models, spends, strict=True)}
    return replace(plan, workloads=tuple(workloads), spend=spend)


def _picture(changed: Projection, planned: Projection, workload: str | None, moved: str) -> str:
    """Return picture and table as HTML."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from kimi_planner import plot

    figure = Figure(figsize=(8, 3.6), dpi=_DPI, layout="constrained")
    canvas: Any = FigureCanvasAgg(figure)
    ax = plot.what_if(changed, planned, workload, moved=moved, ax=figure.add_subplot())
    figure.set_layout_engine("none")  # the picture has laid itself out already
    buffer = BytesIO()
    canvas.print_png(buffer, pil_kwargs={"compress_level": 1})
    summary = changed.summary(together=workload is None)
    return (
        f'<img src="data:image/png;base64,{b64encode(buffer.getvalue()).decode()}" '
        f'alt="{escape(plot.alt_text(ax))}" style="max-width:100%">{frame_html(summary, _SHOWN)}'
    )
