"""An explorer for notebooks: sliders that move the numbers of a plan, and a picture that follows."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any

from kimi_planner.errors import MissingExtraError
from kimi_planner.plan.response import Moved, Response, response
from kimi_planner.plan.simulation import project
from kimi_planner.rich import frame_html, page_html
from kimi_planner.workload import Workload

if TYPE_CHECKING:
    from ipywidgets import VBox

__all__ = ["explore"]

_ALL = "all workloads"
_PLANNED = "as planned"
_STOPS = (0.5, 0.75, 1.5, 2, 3)
_DPI = 90


def explore(
    workloads: Workload | Iterable[Workload], *, n_paths: int = 2_000, **scenario: Any
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
        Widgets that a notebook shows. Moving one redraws the picture and the table; ranges move in
        proportion to the expected spend.

    Raises
    ------
    MissingExtraError
        If ipywidgets is not installed.
    ScenarioError, UnknownModelError, PriceNotFoundError
        As `project` does.

    Notes
    -----
    Expected tokens at the stops of the sliders are worked out once, in seconds; a move only
    multiplies.
    """
    try:
        import ipywidgets
    except ImportError:
        raise MissingExtraError.of("ipywidgets", "notebook") from None
    plan = project(workloads, n_paths=n_paths, **scenario)
    moves = response(plan, outputs=_STOPS, reasonings=(0, *_STOPS))
    names = moves.projection.names
    whose = ipywidgets.Dropdown(
        options=[(_ALL, None), *((name, name) for name in names)], description="workload"
    )
    traffic = _slider(ipywidgets, "traffic", [number / 20 for number in range(81)], 1.0, "× {:g}")
    output = _slider(ipywidgets, "output", moves.outputs, 1, "× {}")
    reasoning = _slider(ipywidgets, "reasoning", moves.reasonings, 1, "× {}")
    cached = _slider(
        ipywidgets, "cached", [_PLANNED, *(number / 20 for number in range(21))], _PLANNED, "{:.0%}"
    )
    shown = ipywidgets.HTML()
    controls = {
        "workload": whose,
        "traffic": traffic,
        "output": output,
        "reasoning": reasoning,
        "cached_share": cached,
    }

    def redraw(_: object = None) -> None:
        chosen = {name: control.value for name, control in controls.items()}
        if chosen["cached_share"] == _PLANNED:
            del chosen["cached_share"]
        moved = moves.at(**chosen)
        picture = b64encode(_drawn(moved, _reach(moves, moved.workload))).decode()
        shown.value = (
            f'<img src="data:image/png;base64,{picture}" alt="{escape(_words(moved))}" '
            f'style="max-width:100%">{frame_html(moved.frame)}'
        )

    for control in controls.values():
        control.observe(redraw, names="value")
    redraw()
    notes = ipywidgets.HTML(page_html(notes=moves.notes))
    return ipywidgets.VBox([*controls.values(), shown, notes])


def _slider(ipywidgets: Any, name: str, stops: Iterable[Any], at: Any, form: str) -> Any:
    options = [(stop if stop == _PLANNED else form.format(stop), stop) for stop in stops]
    return ipywidgets.SelectionSlider(
        options=options, value=next(stop for _, stop in options if stop == at), description=name
    )


def _reach(moves: Response, workload: str | None) -> float:
    """Return a fixed end of the axis, so that bars can be seen to grow."""
    planned = moves.at(workload)
    budget = float(planned.budget_usd_per_month or 0)
    return 1.5 * max(float(planned.frame["p90_usd_per_month"].max()), budget)


def _drawn(moved: Moved, reach: float) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from kimi_planner import plot

    figure = Figure(figsize=(8, 3.6), dpi=_DPI, layout="constrained")
    canvas: Any = FigureCanvasAgg(figure)
    plot.what_if(moved, reach=reach, ax=figure.add_subplot())
    figure.set_layout_engine("none")  # the picture has laid itself out already
    buffer = BytesIO()
    canvas.print_png(buffer, pil_kwargs={"compress_level": 1})
    return buffer.getvalue()


def _words(moved: Moved) -> str:
    rows = moved.frame.to_dict("records")
    return "; ".join(
        f"{row['model']} {row['expected_usd_per_month']:,.0f} USD a month" for row in rows
    )
