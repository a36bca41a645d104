"""A report in one form or several, written to a folder: all of it, or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from kimi_planner.arguments import public
from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.errors import SettingError, did_you_mean, shown
from kimi_planner.report.focus.charges import NOT_STATED
from kimi_planner.report.tables import Section
from kimi_planner.safe import csv_text
from kimi_planner.writes import write_files

__all__ = ["DEFAULT_FORMS", "chosen_forms", "rendered", "write_report"]

#: From a form of the report to its file; the form CSV has a second one, of the budget.
FILES = {
    "html": "report.html",
    "xlsx": "report.xlsx",
    "markdown": "report.md",
    "csv": "report.csv",
    "json": "report.json",
    "focus": "focus.csv",
}
BUDGET_CSV = "budget.csv"
DEFAULT_FORMS = ("html", "markdown")


@public
def write_report(
    recommendation: Recommendation,
    folder: str | Path,
    forms: str | Iterable[str] = DEFAULT_FORMS,
    *,
    sections: Sequence[Section] = (),
    account_id: str = NOT_STATED,
    account_name: str | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Write a budget report on a plan.

    Parameters
    ----------
    recommendation : Recommendation
        The plan, as `recommend` returns it.
    folder : str or Path
        Where to write; made if it is not there.
    forms : str or iterable of str
        ``"html"``, one self-contained page; ``"xlsx"``, a workbook whose totals follow its prices and
        assumptions; ``"markdown"``; ``"csv"``, with the budget by month in a file of its own; ``"json"``; ``"focus"``, FOCUS 1.2 rows marked as a
        forecast.
    sections : sequence of Section
        Further parts of page, Markdown and JSON, such as :func:`plan_sections` returns.
    account_id, account_name : str, optional
        Billing account of the FOCUS rows.
    overwrite : bool
        Whether files that are there with other content may be replaced.

    Returns
    -------
    list of Path
        The files written: ``report.html``, ``report.xlsx`` and so on. All are written, or none.

    Raises
    ------
    SettingError
        If a form is not known.
    FileError
        If a file cannot be written, or is there with other content and ``overwrite`` is false.
    MissingExtraError
        If the extra ``[report]`` is needed and not installed.

    Examples
    --------
    >>> import tempfile
    >>> import kimi_planner as kp
    >>> chat = kp.Workload(name="chat", requests_per_day=1000, prompt_tokens=2000, completion_tokens=300)
    >>> plan = kp.project(chat, 1, "2027-01", as_of="2026-11-28", catalog="2026-06")
    >>> folder = tempfile.mkdtemp()
    >>> [path.name for path in write_report(kp.recommend(chat, projection=plan), folder, ["csv"])]
    ['report.csv', 'budget.csv']
    """
    contents = rendered(
        recommendation,
        forms,
        sections=sections,
        account_id=account_id,
        account_name=account_name,
    )
    files = {Path(folder) / name: content for name, content in contents.items()}
    write_files(files, overwrite=overwrite)
    return list(files)


def rendered(
    recommendation: Recommendation,
    forms: str | Iterable[str],
    *,
    sections: Sequence[Section] = (),
    account_id: str = NOT_STATED,
    account_name: str | None = None,
) -> dict[str, bytes]:
    """Return the content of each file of a report, by its name.

    Raises
    ------
    SettingError
        If a form is not known, or none is named.
    """
    contents = {
        FILES[form]: _content(form, recommendation, sections, (account_id, account_name))
        for form in chosen_forms(forms)
    }
    if FILES["csv"] in contents:
        contents[BUDGET_CSV] = csv_text(recommendation.budget_matrix.frame)
    return {
        name: content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace")
        for name, content in contents.items()
    }


def chosen_forms(forms: str | Iterable[str]) -> tuple[str, ...]:
    """Return the forms of a report that are named, each once.

    Raises
    ------
    SettingError
        If one is not known, or none is named.
    """
    chosen = tuple(dict.fromkeys([forms] if isinstance(forms, str) else forms))
    for form in chosen:
        if form not in FILES:
            raise SettingError(
                f"{shown(form)} is no form of a report.{did_you_mean(str(form), FILES)} Known: "
                f"{', '.join(FILES)}."
            )
    if not chosen:
        raise SettingError(
            f"No form of a report is given; name at least one of {', '.join(FILES)}."
        )
    return chosen


def _content(
    form: str,
    plan: Recommendation,
    sections: Sequence[Section],
    account: tuple[str, str | None],
) -> str | bytes:
    match form:
        case "html":
            from kimi_planner.report.html import html_report

            return html_report(plan, sections)
        case "xlsx":
            from kimi_planner.report.xlsx.workbook import xlsx_report

            return xlsx_report(plan, sections)
        case "markdown":
            from kimi_planner.report.text import markdown_report

            return markdown_report(plan, sections)
        case "csv":
            from kimi_planner.report.json_form import planned_frame

            return csv_text(planned_frame(plan))
        case "json":
            from kimi_planner.report.json_form import plan_json

            return plan_json(plan, sections)
    from kimi_planner.report.focus.charges import focus_csv
    from kimi_planner.report.focus.forecast import focus_forecast

    account_id, name = account
    return focus_csv(
        focus_forecast(
            plan.projection,
            plan.best,
            number=plan.booked,
            account_id=account_id,
            account_name=name,
        )
    )
