"""A report in one form or several, written to a folder: all of it, or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from kimi_planner.arguments import public
from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.errors import SettingError, did_you_mean, shown
from kimi_planner.report.focus.charges import NOT_STATED
from kimi_planner.report.table import Section
from kimi_planner.safe import csv_text
from kimi_planner.writes import write_files

#: From a form of the report to its file; the form CSV has two more, of the budget and of what is said.
FILES = {
    "html": "report.html",
    "xlsx": "report.xlsx",
    "markdown": "report.md",
    "csv": "report.csv",
    "json": "report.json",
    "focus": "focus.csv",
}
BUDGET_CSV, STATEMENTS_CSV = "budget.csv", "statements.csv"
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
        assumptions; ``"markdown"``; ``"csv"``, with the budget by month and what the report says in files of their own; ``"json"``; ``"focus"``, FOCUS 1.2 rows marked as a
        forecast, in each other currency too in a file of its own.
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
    ['report.csv', 'budget.csv', 'statements.csv']
    """
    contents = rendered(
        recommendation, forms, sections=sections, account_id=account_id, account_name=account_name
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
    contents: dict[str, str | bytes] = {}
    for form in chosen_forms(forms):
        contents |= _files(form, recommendation, sections, (account_id, account_name))
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


def _files(
    form: str, plan: Recommendation, sections: Sequence[Section], account: tuple[str, str | None]
) -> dict[str, str | bytes]:
    """Return the files of a form by their names; some have one more for the budget, or a currency."""
    name = FILES[form]
    match form:
        case "html":
            from kimi_planner.report.html import html_report

            return {name: html_report(plan, sections)}
        case "xlsx":
            from kimi_planner.report.xlsx.workbook import xlsx_report

            return {name: xlsx_report(plan, sections)}
        case "markdown":
            from kimi_planner.report.text import markdown_report

            return {name: markdown_report(plan, sections)}
        case "csv":
            from kimi_planner.report.contents import statements
            from kimi_planner.report.currencies import planned_frames

            frames = *planned_frames(plan), statements(plan, sections)
            return dict(zip((name, BUDGET_CSV, STATEMENTS_CSV), map(csv_text, frames), strict=True))
        case "json":
            from kimi_planner.report.json_form import plan_json

            return {name: plan_json(plan, sections)}
    from kimi_planner.report.currency import InCurrency, in_currencies
    from kimi_planner.report.focus.charges import focus_csv
    from kimi_planner.report.focus.forecast import focus_forecast

    shown = [InCurrency(plan), *(one for one in in_currencies(plan) if one.recommendation.best)]
    names = [name, *(f"focus-{one.currency.lower()}.csv" for one in shown[1:])]
    return {
        file: focus_csv(
            focus_forecast(
                one.recommendation.projection,
                one.recommendation.best,
                number=one.recommendation.booked,
                exchange=one.exchange,
                account_id=account[0],
                account_name=account[1],
            )
        )
        for file, one in zip(names, shown, strict=True)
    }
