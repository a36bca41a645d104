"""A plan as one self-contained HTML page: no network, pictures inside, a panel that recomputes."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kimi_planner import plot
from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.errors import MissingExtraError
from kimi_planner.report.contents import answer_sections, basis_sections
from kimi_planner.report.pictures import pictures
from kimi_planner.report.sentences import headlines, horizon
from kimi_planner.report.summary import key_figures
from kimi_planner.report.table import Section
from kimi_planner.report.tables import BASES
from kimi_planner.report.what_if import Panel
from kimi_planner.safe import on_one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["html_report", "svg_of"]

_PARTS = Path(__file__).with_name("page")
_SCRIPTS = ("sort.js", "decimal.js", "chart.js", "what_if.js")


def html_report(recommendation: Recommendation, sections: Sequence[Section] = ()) -> str:
    """Return the report as one HTML page.

    Parameters
    ----------
    recommendation : Recommendation
        The plan.
    sections : sequence of Section
        Further parts, such as a comparison with actual spend.

    Returns
    -------
    str
        A page without any reference to another file. Its own script sorts tables and plans
        other settings of each workload; its policy lets nothing else run or load.

    Raises
    ------
    MissingExtraError
        If Jinja2 is not installed.
    """
    try:
        from jinja2 import Environment
    except ImportError:
        raise MissingExtraError.of("Jinja2", "report") from None
    projection = recommendation.projection
    template, style, *scripts = (
        (_PARTS / name).read_text(encoding="utf-8")
        for name in ("page.html.j2", "page.css", *_SCRIPTS)
    )
    script = '"use strict";\n\n' + "\n".join(scripts)
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, finalize=_seen)
    page = environment.from_string(template)
    return page.render(
        recommendation=recommendation,
        projection=projection,
        catalog=projection.catalog,
        horizon=horizon(projection),
        bases=BASES,
        headlines=headlines(recommendation),
        figures=key_figures(recommendation),
        answer=answer_sections(recommendation, sections),
        basis=basis_sections(recommendation),
        pictures=_drawn(recommendation, sections),
        panel=Panel(recommendation),
        style=style,
        script=script,
        policy=_policy(script),
    )


def _seen(value: Any) -> Any:
    """Make what cannot be seen in a text visible; markup of our own is left as it is."""
    return on_one_line(value) if type(value) is str else value


def _policy(script: str) -> str:
    digest = b64encode(sha256(script.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"


def _drawn(
    recommendation: Recommendation, sections: Sequence[Section]
) -> list[tuple[str | None, str]]:
    from kimi_planner.plot.style import unaffected

    with unaffected():
        drawn = pictures(recommendation, sections).values()
        return [(plot.alt_text(ax), svg_of(ax)) for ax in drawn]


def svg_of(ax: Axes) -> str:
    """Return the picture that an Axes is on as SVG, and close it."""
    import matplotlib as mpl
    from matplotlib import pyplot as plt
    from matplotlib.figure import Figure

    figure = ax.figure
    assert isinstance(figure, Figure), "a picture of its own"  # noqa: S101 - narrows the type
    text = StringIO()
    with mpl.rc_context({"svg.hashsalt": "kimi_planner", "svg.fonttype": "path"}):
        figure.savefig(
            text, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None}
        )
    plt.close(figure)
    svg = text.getvalue()
    return svg[svg.index("<svg") :]
