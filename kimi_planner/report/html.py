"""A plan as one self-contained HTML page: no network, no scripts, pictures inside."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from kimi_planner.errors import MissingExtraError
from kimi_planner.report.pictures import pictures
from kimi_planner.report.tables import (
    assumptions_table,
    catalog_table,
    exclusions_table,
    months_table,
    source_sentences,
    spend_table,
    totals_sentence,
)
from kimi_planner.selection import Recommendation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["html_report"]


def html_report(recommendation: Recommendation) -> str:
    """Return the report as one HTML page.

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
    template = Path(__file__).with_name("page.html.j2").read_text(encoding="utf-8")
    page = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(template)
    return page.render(
        recommendation=recommendation,
        projection=projection,
        catalog=projection.catalog,
        total=totals_sentence(recommendation),
        months=months_table(recommendation),
        spend=spend_table(recommendation),
        exclusions=exclusions_table(recommendation),
        assumptions=assumptions_table(projection),
        prices=catalog_table(projection.catalog),
        sources=source_sentences(projection.catalog),
        pictures=[(words, _svg(ax)) for words, ax in pictures(recommendation).values()],
    )


def _svg(ax: Axes) -> str:
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
