"""``kimi-planner check``: budgets in CI."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kimi_planner.boundary import ALLOW_OUTSIDE
from kimi_planner.checks.formats.render import FORMATS
from kimi_planner.cli import options
from kimi_planner.cli.writing import write
from kimi_planner.errors import ConfigError

if TYPE_CHECKING:
    from kimi_planner.checks.baseline import Baseline
    from kimi_planner.checks.budgets import CheckConfig
    from kimi_planner.checks.run import CheckReport
    from kimi_planner.notes import Note


def _outputs(
    _context: click.Context, option: click.Parameter, given: tuple[str, ...]
) -> dict[Path, str | None]:
    """Return files by path with the form that is named before them, ``None`` where none is."""
    named = [(one, *one.partition("=")) for one in given]
    forms = (
        (Path(path), form) if form in FORMATS and path else (Path(whole), None)
        for whole, form, _, path in named
    )
    return options.by_name(forms, option)


@click.command("check")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option(
    "--config",
    "configs",
    type=options.PATH,
    multiple=True,
    help="TOML file with the table [tool.kimi-planner], or with its keys at the top; may be given "
    "more than once. kimi-planner.toml or pyproject.toml of this folder if not given.",
)
@options.as_of
@options.form(*FORMATS)
@click.option(
    "--output",
    "outputs",
    metavar="[FORM=]FILE",
    multiple=True,
    callback=_outputs,
    help="File to write the report to, in the form that is named, else that its name ends with (.sarif, "
    ".gitlab.json, .md, .xml, .json, .txt), else that of --format; may be given more than once. The form "
    "of --format is printed, unless a file has it.",
)
@click.option(
    "--quiet", is_flag=True, help="Print only what did not pass, and not what is written."
)
@click.option(
    "--baseline",
    is_flag=False,
    flag_value="",
    help="Compare with a baseline; without a path, with the one that the configuration names.",
)
@click.option(
    "--base",
    metavar="REF",
    help="Compare with a commit of Git, such as origin/main, in place of a baseline: with the last that "
    "HEAD shares with it. Nothing is checked out or run.",
)
@click.option(
    "--update-baseline",
    is_flag=True,
    help="Write what there is now as the baseline. Growth is then shown, not held against.",
)
@click.option(
    ALLOW_OUTSIDE,
    "allow_outside",
    is_flag=True,
    help="Let a configuration that you trust read and write outside of its repository.",
)
@click.option(
    "--coverage",
    is_flag=True,
    help="Say what became of every matched file, and which texts that look like prompts were not "
    "counted.",
)
def command(
    *,
    files: tuple[Path, ...],
    configs: tuple[Path, ...],
    as_of: date | None,
    form: str,
    outputs: dict[Path, str | None],
    quiet: bool,
    baseline: str | None,
    base: str | None,
    update_baseline: bool,
    allow_outside: bool,
    coverage: bool,
) -> None:
    """Hold prompts, workloads and the catalog against the budgets in [tool.kimi-planner].

    With FILES, or folders, nothing is said but of these, such as those that a commit changes: not of coverage, of
    the catalog, or of lines of the configuration that do nothing. If one of them is the configuration
    itself, the check is of all. Paths are shown as seen from the root of the repository.

    Exit codes: 0 all passed, 1 a budget is exceeded, 2 bad input, 3 cannot tell.
    """
    from kimi_planner.checks.config import load_config
    from kimi_planner.checks.results import worst
    from kimi_planner.checks.run import Check

    loaded = [
        load_config(one, allow_outside=allow_outside)
        for one in dict.fromkeys(configs) or [_configuration()]
    ]
    if files and (update_baseline or coverage):
        raise ConfigError("--update-baseline and --coverage are of all files. Name none.")
    loaded = [one.for_files(files) for one in loaded] if files else loaded
    if baseline and len(loaded) > 1:
        raise ConfigError("--baseline with a path is for one --config. Let each name its own.")
    accepted = [Path(baseline) if baseline else one.folder / one.baseline for one in loaded]
    if (baseline is not None or update_baseline) and len(set(accepted)) < len(accepted):
        raise ConfigError("two configurations name one baseline. Name another in one of them.")
    for one, path in zip(loaded, accepted, strict=True):
        one.boundary.refuse_to_write(path)
        for output in outputs:
            one.boundary.refuse_to_write(output)
    if base is not None and (baseline is not None or update_baseline):
        raise ConfigError("--base compares with Git, and a baseline is a file. Give one of them.")
    checks = [Check(one, as_of) for one in loaded]
    others = _others(loaded, accepted if baseline is not None else None, base, as_of)
    reports = [
        check.report(known, may_grow=update_baseline, coverage=coverage, notes=notes)
        for check, (known, notes) in zip(checks, others, strict=True)
    ]
    read = {str(path.resolve()) for path in accepted}.union(*(one.boundary.read for one in loaded))
    if overwritten := next((one for one in outputs if str(one.resolve()) in read), None):
        raise ConfigError(
            "this check reads it, and would overwrite it. Name another file, or exclude it.",
            at=overwritten,
        )
    report = _together(reports, [_base(one.folder) for one in loaded])
    _write(report, form, outputs, quiet=quiet)
    for check, path in zip(checks, accepted, strict=True) if update_baseline else ():
        if check.unread:
            click.echo(f"did not write {path}: correct the bad input first", err=True)
        else:
            from kimi_planner.checks.baseline_file import baseline_text

            write(path, baseline_text(check.moment), force=True, quiet=quiet)
    is_part = all(one.only is not None for one in loaded)
    if is_part and not report.results:  # no budget is for these files
        return
    sys.exit(max(worst(one.results) for one in reports).exit_code)


def _configuration() -> Path:
    """Return the configuration of this folder."""
    from kimi_planner.checks.config import CONFIG_FILE, find_config

    path = find_config(Path())
    if path is None:
        raise ConfigError(
            f"no configuration: there is no {CONFIG_FILE} in {Path.cwd()}, and no table "
            "[tool.kimi-planner] in a pyproject.toml. Propose one with: kimi-planner init. Or name one "
            "with --config."
        )
    return path


def _others(
    loaded: list[CheckConfig], accepted: list[Path] | None, base: str | None, as_of: date | None
) -> list[tuple[Baseline | None, tuple[Note, ...]]]:
    """Return what each configuration is compared with, and what must be known of that."""
    if base is not None:
        from kimi_planner.checks.base import bases

        return [(one.moment, one.notes) for one in bases(base, loaded, as_of)]
    if accepted is not None:
        from kimi_planner.checks.baseline_file import read_baseline

        return [(read_baseline(path), ()) for path in accepted]
    return [(None, ()) for _ in loaded]


def _together(reports: list[CheckReport], bases: list[str]) -> CheckReport:
    """Return all reports as one, with paths as seen from the root."""
    if len(reports) == 1 and not bases[0]:  # most checks; comparing has more to import
        return reports[0]
    from kimi_planner.checks.together import rooted, together

    return together([rooted(one, base) for one, base in zip(reports, bases, strict=True)])


def _write(
    report: CheckReport, form: str, outputs: Mapping[Path, str | None], *, quiet: bool
) -> None:
    """Print the report, unless a file has its form, and write it to files."""
    from kimi_planner.checks.formats.render import form_of_file, render
    from kimi_planner.checks.formats.text import failures

    forms = {path: named or form_of_file(path.name, form) for path, named in outputs.items()}
    if quiet:
        click.echo(failures(report), nl=False)
    elif form not in forms.values():
        click.echo(render(report, form), nl=False)
    for path, named in forms.items():  # each for a reader of its own, who has it if another fails
        write(path, render(report, named), force=True, quiet=quiet)
    if form == "github":
        _write_summary(report)


def _base(folder: Path) -> str:
    """Return the folder of a configuration as seen from the root of the repository, ``""`` if it is it."""
    from kimi_planner.files import repository

    real = folder.resolve()
    workspace = Path(os.environ.get("GITHUB_WORKSPACE") or real).resolve()
    is_ours = workspace != real and real.is_relative_to(workspace)
    root = workspace if is_ours else repository(folder) or Path.cwd()
    name = Path(os.path.relpath(real, root)).as_posix()
    return "" if name == "." else name


def _write_summary(report: CheckReport) -> None:
    """Add to the summary of a step, which other commands of it may have begun."""
    from kimi_planner.checks.formats.github import MAX_SUMMARY_BYTES, step_summary
    from kimi_planner.errors import FileError

    name = os.environ.get("GITHUB_STEP_SUMMARY")
    if not name:
        return
    try:
        with Path(name).open("a", encoding="utf-8", newline="\n") as file:
            file.write(step_summary(report, MAX_SUMMARY_BYTES - file.tell()))
    except OSError as error:
        raise FileError(f"{name}: cannot be written ({error.strerror}).") from None
