"""Options that several commands share, and what a plan is made with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from functools import reduce, wraps
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from kimi_planner.choose.evaluations.read import Evaluations
    from kimi_planner.plan.plan_file import PlanFile


Command = TypeVar("Command", bound=Callable[..., Any])
Name = TypeVar("Name", str, Path)
Value = TypeVar("Value")

#: What an option may name.
PATH = click.Path(path_type=Path)
FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)


def comma_separated(
    _context: click.Context, _option: click.Parameter, value: str | None
) -> tuple[str, ...] | None:
    """Read what stands between commas, ``None`` if the option was not given.

    >>> comma_separated(None, None, "kimi-k2, kimi-k2-5,")
    ('kimi-k2', 'kimi-k2-5')
    """
    if value is None:
        return None
    return tuple(name.strip() for name in value.split(",") if name.strip())


def by_name(
    pairs: Iterable[tuple[Name, Value]], option: click.Parameter | None = None
) -> dict[Name, Value]:
    """Return what was given for each name, the same wherever a name was given more than once."""
    given: dict[Name, Value] = {}
    for name, value in pairs:
        if given.setdefault(name, value) != value:
            problem = f"'{name}' is given twice, as {given[name]!r} and as {value!r}. Keep one."
            raise click.BadParameter(problem, param=option)
    return given


class Share(click.FloatRange):
    """A share from 0 to 1, of which NaN is none, though it lies neither below nor above."""

    def __init__(self) -> None:
        super().__init__(0, 1)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return a share, or fail."""
        share: float = super().convert(value, param, ctx)
        if isnan(share):
            self.fail(f"{value} is no number from 0 to 1.", param, ctx)
        return share


def parsed_date(
    _context: click.Context, _option: click.Parameter, value: str | None
) -> date | None:
    """Read a date as the command line spells it."""
    try:
        return None if value is None else date.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a date. Write it as 2026-11-24.") from None


as_of = click.option(
    "--as-of",
    callback=parsed_date,
    help="Day whose prices count, such as 2026-11-24; today if not given.",
)
rules_of = click.option(
    "--as-of",
    callback=parsed_date,
    help="Day whose rules and prices count; the latest ones if not given.",
)
force = click.option(
    "--force", is_flag=True, help="Overwrite files that are there with other content."
)
workloads = click.argument("workloads", required=False, type=PATH)


def form(*forms: str) -> Callable[[Command], Command]:
    """Return the option for the form of what is printed; it arrives as ``form``, the first if not given."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(forms),
        default=forms[0],
        help="Form of what is printed.",
    )


def group(*options: Callable[[Any], Any]) -> Callable[[Command], Command]:
    """Return what adds several options, which the help shows in this order."""

    def added(command: Command) -> Command:
        return reduce(lambda wrapped, option: option(wrapped), reversed(options), command)

    return added


def gathered(
    into: str, made: Callable[..., Any], *options: Callable[[Any], Any]
) -> Callable[[Command], Command]:
    """Return what adds several options, which arrive as one argument: what is made of them."""
    added = group(*options)
    names = [str(one.name) for one in click.command()(added(lambda: None)).params]

    def gathering(command: Command) -> Command:
        @wraps(command)
        def together(**values: Any) -> Any:
            given = {name: values.pop(name) for name in names}
            return command(**{into: made(**given)}, **values)

        return added(cast(Command, together))

    return gathering


def _in_currencies(catalog: str | None, also_in: tuple[str, ...]) -> Any:
    """Return the catalog that is named, with the rates and lists at which amounts are shown too."""
    if not also_in:
        return catalog
    from kimi_planner.catalog import load_catalog

    found = load_catalog(catalog)
    for text in also_in:
        currency, _, rest = text.partition("=")
        rate, _, day = rest.partition("@")
        if rest == "list":
            found = found.with_list(currency)
            continue
        try:
            on = date.fromisoformat(day)
        except ValueError:
            raise click.BadParameter(
                f"--also-in is {text!r}. Write currency, rate and day: EUR=0.92@2026-11-24, or a list "
                "of the catalog: CNY=list."
            ) from None
        found = found.in_currency(currency, rate=rate, on=on)
    return found


def _at_rates(*, catalog: str | None, also_in: tuple[str, ...]) -> Any:
    """Return the catalog of what is no plan, which other currencies have by a rate only."""
    for text in also_in:
        if text.endswith("=list"):
            raise click.BadParameter(
                f"--also-in is {text!r}, and only a plan is shown at a list. Give a rate and its day: "
                f"{text.removesuffix('list')}7.10@2026-11-24."
            )
    return _in_currencies(catalog, also_in)


def _planned(*, catalog: str | None, batch: bool, also_in: tuple[str, ...], **given: Any) -> Any:
    """Return what a plan is made with, with batch prices and in other currencies too if that is asked for."""
    found = _in_currencies(catalog, also_in)
    if batch:
        from kimi_planner.catalog import load_catalog

        found = load_catalog(found).in_batch()
    return {**given, "catalog": found}


_also_in = click.option(
    "--also-in",
    multiple=True,
    help="Another currency to show amounts in: EUR=0.92@2026-11-24, once for each rate with its "
    "first day; of a plan also CNY=list, at the price list of the catalog.",
)


def catalog(words: str) -> Callable[[Command], Command]:
    """Return the options for the catalog of what is no plan, and for rates to show its amounts at."""
    return gathered("catalog", _at_rates, click.option("--catalog", help=words), _also_in)


#: What a plan is made with: catalog, models, months, day, seed and paths.
terms = gathered(
    "terms",
    _planned,
    click.option(
        "--catalog", help="Version of the catalog, the path of a TOML file, or genai-prices."
    ),
    click.option(
        "--batch", is_flag=True, help="Every call is in a batch, on models with a price for that."
    ),
    _also_in,
    click.option(
        "--models",
        callback=comma_separated,
        help="Model ids, separated by commas; all if not given.",
    ),
    click.option("--months", default=12, help="Number of calendar months."),
    click.option(
        "--start", help="First month, such as 2026-11; the month after --as-of if not given."
    ),
    as_of,
    click.option("--seed", default=0, help="Seed of the paths."),
    click.option("--paths", "n_paths", default=10_000, help="Number of paths."),
)


#: Whose bill FOCUS rows are on.
account = gathered(
    "account",
    dict,
    click.option("--account-id", default="not stated", help="BillingAccountId of FOCUS rows."),
    click.option("--account-name", help="BillingAccountName of FOCUS rows; else empty."),
)

#: What a model must be able to do, and how well it was seen to do it.
requirements = group(
    click.option(
        "--need",
        "needs",
        multiple=True,
        help="A capability every model must have; may be repeated.",
    ),
    click.option(
        "--min-fit",
        "min_fit_share",
        default=0.99,
        metavar="SHARE",
        help="Least share of calls that must fit.",
    ),
    click.option(
        "--min-answers",
        "min_answer_share",
        default=0.9,
        metavar="SHARE",
        help="Least share of calls whose answer max_tokens does not leave empty.",
    ),
    click.option(
        "--percentile",
        "budget_percentile",
        type=float,
        default=50,
        help="Percentile of the month's spend that is held against the budget.",
    ),
)


def _evaluations(
    _context: click.Context, _option: click.Parameter, value: Path | None
) -> Evaluations | None:
    if value is None:
        return None
    from kimi_planner.choose.evaluations.read import read_evaluations

    return read_evaluations(value)


def evaluations(*, required: bool = False) -> Callable[[Command], Command]:
    """Add the option that names a file of evaluations; they arrive read."""
    return click.option(
        "--evaluations",
        required=required,
        type=PATH,
        callback=_evaluations,
        help="CSV file with the columns workload, model, successes and trials.",
    )


#: What the bookable number is.
booking = gathered(
    "booking",
    dict,
    click.option(
        "--book",
        metavar="NUMBER",
        help="The bookable number: mean, p50, p80 or another percentile of the plan's total.",
    ),
    click.option(
        "--contingency",
        "contingency_percent",
        metavar="PERCENT",
        help="What is added to the bookable number.",
    ),
    click.option("--tax", "tax_percent", metavar="PERCENT", help="Tax, a line of its own."),
    click.option(
        "--credit",
        "credit_usd_per_month",
        metavar="USD",
        help="What the vendor takes off each month, a line of its own.",
    ),
)


def plan_file(
    path: Path | None, settings: dict[str, Any], booking: dict[str, Any]
) -> tuple[PlanFile, dict[str, Any]]:
    """Return a workload file and how it is planned: as its options say, else as the file does."""
    from kimi_planner.plan.plan_file import read_plan

    file = read_plan(path)
    context = click.get_current_context()
    given = {
        name: value
        for name, value in settings.items()
        if name != "catalog" and context.get_parameter_source(name) is not ParameterSource.DEFAULT
    }
    stated = {name: value for name, value in booking.items() if value is not None}
    return file, {
        **file.settings(settings["catalog"]),
        **given,
        "booking": replace(file.booking, **stated),
    }
