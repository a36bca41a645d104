"""A plan as one self-contained HTML page: no network, pictures inside, a panel that recomputes."""

from __future__ import annotations

from collections.abc import Sequence

from kimi_planner.choose.choice import BASES
from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.report.contents import answer_sections, basis_sections
from kimi_planner.report.pages import drawn, page_of
from kimi_planner.report.pictures import pictures
from kimi_planner.report.sentences import headlines, horizon
from kimi_planner.report.summary import key_figures
from kimi_planner.report.table import Section
from kimi_planner.report.what_if import Panel

_SCRIPTS = ("sort.js", "decimal.js", "chart.js", "ranges.js", "what_if.js")


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
    projection = recommendation.projection
    return page_of(
        "page.html.j2",
        _SCRIPTS,
        recommendation=recommendation,
        projection=projection,
        catalog=projection.catalog,
        horizon=horizon(projection),
        bases=BASES,
        headlines=headlines(recommendation),
        figures=key_figures(recommendation),
        answer=answer_sections(recommendation, sections),
        basis=basis_sections(recommendation),
        pictures=drawn(lambda: pictures(recommendation, sections).values()),
        panel=Panel(recommendation),
    )
