"""A plan as one self-contained HTML page: no network, pictures inside, a panel that recomputes."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from kimi_planner.choose.choice import BASES
from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.money import total, usd
from kimi_planner.plan.spend import NO_RANGE, Spend
from kimi_planner.report.contents import answer_sections, basis_sections
from kimi_planner.report.pages import drawn, page_of
from kimi_planner.report.pictures import pictures
from kimi_planner.report.sentences import headlines, horizon, largest, spread_of
from kimi_planner.report.table import Section
from kimi_planner.report.what_if import Panel
from kimi_planner.rich import risk_text, share_text

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


def key_figures(recommendation: Recommendation) -> list[tuple[str, str, str]]:
    """Return name, value and words of what matters most."""
    projection, best = recommendation.projection, recommendation.best
    spend = projection.mix(best)
    months = len(projection.months)
    whole = spend.over_months()
    number = recommendation.booked
    dearest = max(number.by_month.items(), key=lambda month: month[1])
    words = f"; dearest month {usd(dearest[1], 0)} in {dearest[0]}" if months > 1 else ""
    booked = ("To book", f"{usd(number.usd)} {number.currency}", f"{number.booking.words}{words}")
    spends = [("Average month", *_figure(whole, months, number.currency))] * (months > 1)
    name = f"All {months} months" if months > 1 else str(projection.months[0])
    most, share = largest(recommendation)
    return [
        booked,
        *spends,
        (name, *_figure(whole, 1, number.currency)),
        ("Budget a month", *_budget(recommendation, spend)),
        ("Largest workload", most, f"{share_text(share)} of the expected spend, on {best[most]}"),
    ]


def _figure(spend: Spend, parts: int, currency: str) -> tuple[str, str]:
    p10, p50, p90 = spread_of(spend, parts)
    if not spend.is_ranged:
        return f"{usd(p50)} {currency}", NO_RANGE
    span = f"P50; 8 of 10 outcomes: {usd(p10, 0)} to {usd(p90, 0)}"
    return f"{usd(p50, 0)} {currency}", span


def _budget(recommendation: Recommendation, spend: Spend) -> tuple[str, str]:
    projection = recommendation.projection
    budgets = [projection.budget(name) for name in recommendation.best]
    without = sum(budget is None for budget in budgets)
    if without == len(budgets):
        return "none", "no workload has a budget"
    if without:
        have = "has" if without == 1 else "have"
        return "not told", f"{without} of {len(budgets)} workloads {have} no budget"
    whole = total(budget for budget in budgets if isinstance(budget, Decimal))
    least = [
        projection.reasoning(model, name).is_least for name, model in recommendation.best.items()
    ]
    chance = risk_text(spend.chance_over(whole), is_least=any(least))
    which = "some" if len(projection.months) > 1 else "the"
    return (
        f"{usd(whole, 0)} {projection.currency}",
        f"{chance} chance that {which} month costs more",
    )
