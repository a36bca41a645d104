"""Options that several commands share, and the scenario they describe."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import wraps
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kimi_planner.choose.evaluations import Evaluations
    from kimi_planner.choose.recommendation import Recommendation
    from kimi_planner.choose.requirements import Requirements

__all__ = [
    "account_options",
    "as_of_option",
    "comma_separated",
    "evaluations_option",
    "force_option",
    "form_option",
    "model_names",
    "off_screen",
    "parsed_date",
    "png",
    "print_or_write",
    "recommendation_of",
    "requirement_options",
    "save_picture",
    "scenario_options",
    "workloads_argument",
    "write",
    "write_all",
]

Command = TypeVar("Command", bound=Callable[..., Any])


def parsed_date(
    _context: click.Context, _option: click.Parameter, value: str | None
) -> date | None:
    """Read a date as the command line spells it."""
    try:
        return None if value is None else date.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a date. Write it as 2026-11-24.") from None


as_of_option = click.option(
    "--as-of",
    callback=parsed_date,
    help="Day whose prices count, such as 2026-11-24; today if not given.",
)
force_option = click.option(
    "--force", is_flag=True, help="Overwrite files that are there with other content."
)
workloads_argument = click.argument("workloads", required=False, type=click.Path(path_type=Path))


def form_option(*forms: str) -> Callable[[Command], Command]:
    """Return the option for the form of what is printed; it arrives as ``form``, the first if not given."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(forms),
        default=forms[0],
        show_default=True,
        help="Form of what is printed.",
    )


_SCENARIO = (
    click.option(
        "--catalog", help="Version of the catalog, the path of a TOML file, or genai-prices."
    ),
    click.option(
        "--batch", is_flag=True, help="Every call is in a batch, on models with a price for that."
    ),
    click.option(
        "--also-in",
        help="Another currency to show totals in, the rate and its day: EUR=0.92@2026-11-24.",
    ),
    click.option("--models", help="Model ids, separated by commas; all if not given."),
    click.option(
        "--months", type=int, default=12, show_default=True, help="Number of calendar months."
    ),
    click.option(
        "--start", help="First month, such as 2026-11; the month after --as-of if not given."
    ),
    as_of_option,
    click.option("--seed", type=int, default=0, show_default=True, help="Seed of the scenarios."),
    click.option(
        "--paths", type=int, default=10_000, show_default=True, help="Number of scenarios."
    ),
)


_ACCOUNT = (
    click.option(
        "--account-id",
        default="not stated",
        show_default=True,
        help="BillingAccountId of FOCUS rows.",
    ),
    click.option("--account-name", help="BillingAccountName of FOCUS rows; else empty."),
)

_REQUIREMENTS = (
    click.option(
        "--need",
        "needs",
        multiple=True,
        help="A capability every model must have; may be repeated.",
    ),
    click.option(
        "--min-fit",
        type=float,
        default=0.99,
        show_default=True,
        metavar="SHARE",
        help="Least share of requests that must fit.",
    ),
    click.option(
        "--percentile",
        type=float,
        default=50,
        show_default=True,
        help="Percentile of the month's spend that must stay in budget.",
    ),
)


def evaluations_option(*, required: bool = False) -> Callable[[Command], Command]:
    """Add the option that names a file of evaluations."""
    return click.option(
        "--evaluations",
        required=required,
        type=click.Path(path_type=Path),
        help="CSV file with the columns workload, model, successes and trials.",
    )


def scenario_options(command: Command) -> Command:
    """Add the options that describe a scenario; they arrive as one dict, ``scenario``."""

    @wraps(command)
    def gathered(**options: Any) -> Any:
        scenario = {
            "catalog": _derived(
                options.pop("catalog"), options.pop("batch"), options.pop("also_in")
            ),
            "models": options.pop("models"),
            "months": options.pop("months"),
            "start": options.pop("start"),
            "as_of": options.pop("as_of"),
            "seed": options.pop("seed"),
            "n_paths": options.pop("paths"),
        }
        return command(scenario=scenario, **options)

    return _with(_SCENARIO, cast(Command, gathered))


def requirement_options(command: Command) -> Command:
    """Add the options that say what a model must be able to do, and how well it was seen to do it."""
    return _with(_REQUIREMENTS, command)


def account_options(command: Command) -> Command:
    """Add the options that say whose bill FOCUS rows are on."""
    return _with(_ACCOUNT, command)


def _with(options: Iterable[Callable[[Any], Any]], command: Command) -> Command:
    """Add options, which the help shows in this order."""
    wrapped: Any = command
    for option in reversed(tuple(options)):
        wrapped = option(wrapped)
    return cast(Command, wrapped)


def _derived(catalog: str | None, batch: bool, also_in: str | None) -> Any:
    """Return the catalog, with batch prices and in another currency too if that is asked for."""
    if not batch and also_in is None:
        return catalog
    from kimi_planner.catalog import load_catalog

    found = load_catalog(catalog)
    if batch:
        found = found.in_batch()
    if also_in is None:
        return found
    currency, _, rest = also_in.partition("=")
    rate, _, day = rest.partition("@")
    try:
        on = date.fromisoformat(day)
    except ValueError:
        raise click.BadParameter(
            f"--also-in is {also_in!r}. Write currency, rate and day: EUR=0.92@2026-11-24."
        ) from None
    return found.in_currency(currency, rate=rate, on=on)


def recommendation_of(
    path: Path | None,
    scenario: dict[str, Any],
    requirements: Requirements | None = None,
    evaluations: Evaluations | None = None,
) -> Recommendation:
    """Load workloads, project them and choose, as the options say."""
    from kimi_planner.catalog import load_catalog
    from kimi_planner.choose.ranking import recommend
    from kimi_planner.workload import load_workloads

    settings = {
        **scenario,
        "catalog": load_catalog(scenario["catalog"]),
        "models": model_names(scenario["models"]),
    }
    return recommend(load_workloads(path), requirements, evaluations=evaluations, **settings)


def model_names(text: str | None) -> list[str] | None:
    """Return the model ids of an option, ``None`` if it was not given."""
    return None if text is None else comma_separated(text)


def comma_separated(text: str) -> list[str]:
    """Return what stands between commas.

    >>> comma_separated("kimi-k2, kimi-k2-5,")
    ['kimi-k2', 'kimi-k2-5']
    """
    return [name.strip() for name in text.split(",") if name.strip()]


def print_or_write(text: str, path: Path | None) -> None:
    """Write text to a file, or print it as it is if none is named."""
    if path is None:
        click.echo(text, nl=False)
    else:
        write(path, text)


def write(path: Path, text: str) -> None:
    """Write a file, all of it or nothing, and name it on stderr."""
    from kimi_planner.writes import write_text

    write_text(path, text)
    click.echo(f"wrote {path}", err=True)


def write_all(folder: Path, files: Mapping[str, str | bytes], *, force: bool) -> None:
    """Write files into a folder, all or none, and name them on stderr."""
    from kimi_planner.writes import write_files

    contents = {
        folder / name: content
        if isinstance(content, bytes)
        else content.encode("utf-8", "backslashreplace")
        for name, content in files.items()
    }
    write_files(contents, overwrite=force)
    for path in contents:
        click.echo(f"wrote {path}", err=True)


def off_screen() -> None:
    """Let pictures be drawn where there is no screen; call it before anything that draws."""
    import matplotlib as mpl

    mpl.use("Agg")


def png(ax: Axes) -> bytes:
    """Return the picture that an Axes is on as PNG, and close it."""
    from matplotlib import pyplot as plt
    from matplotlib.figure import Figure

    picture = BytesIO()
    if isinstance(ax.figure, Figure):
        ax.figure.savefig(
            picture, format="png", dpi=150, bbox_inches="tight", metadata={"Software": None}
        )
        plt.close(ax.figure)
    return picture.getvalue()


def save_picture(ax: Axes, path: Path) -> None:
    """Write the picture that an Axes is on as PNG, close it, and name the file on stderr."""
    from kimi_planner.writes import write_files

    write_files({path: png(ax)}, overwrite=True)
    click.echo(f"wrote {path}", err=True)
