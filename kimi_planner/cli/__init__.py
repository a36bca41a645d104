"""The command line: parse, call, print. Commands are imported when they are called."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from kimi_planner import __version__
from kimi_planner.cli.exits import Exit
from kimi_planner.cli.group import Commands
from kimi_planner.errors import KimiPlannerError, PriceNotFoundError, TooLittleUsageError, planning
from kimi_planner.streams import drop

__all__ = ["main"]


_COMMANDS = {
    "catalog": "Show the price and capability catalogs.",
    "check": "Hold prompts and workloads against their budgets.",
    "count": "Count the tokens of text files and requests.",
    "estimate": "Estimate requests: tokens, cost, fit, and how exact that is.",
    "init": "Propose the configuration of a check for a repository.",
    "plan": "Project monthly spend and context fit.",
    "portfolio": "Assign a model to every workload under one budget.",
    "recommend": "Choose a model for each workload.",
    "report": "Write a budget report.",
    "usage": "Price a log, forecast from it, fit a workload to it, hold it against a plan.",
    "throughput": "Tell which recharge tier the traffic needs.",
}

_SETTINGS = {"help_option_names": ["-h", "--help"], "show_default": True}


class _Commands(Commands):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"kimi_planner.cli.{name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


def _print_version(context: click.Context, _option: click.Parameter, asked: bool) -> None:
    if not asked:
        return
    from kimi_planner.tokens.engine import DEFAULT
    from kimi_planner.tokens.native import SWITCH

    off = f", as {SWITCH} is set" if os.environ.get(SWITCH) else ""
    click.echo(f"kimi-planner, version {__version__}, counting by {DEFAULT}{off}")
    context.exit()


@click.group(cls=_Commands, context_settings=_SETTINGS)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and what counts.",
)
def _cli() -> None:
    """Plan what Kimi models will cost, whether calls fit, and which model to choose.

    Exit codes: 0 passed, 1 a budget is exceeded, 2 bad input or usage, 3 cannot tell, 70 internal
    error.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit; every error of ours is one line on stderr."""
    try:
        code = _run(sys.argv[1:] if arguments is None else list(arguments))
    except BrokenPipeError:
        drop(sys.stdout, sys.stderr)
        code = Exit.NO_READER
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    try:  # not _cli.main, which gives a closed pipe the exit code of an exceeded budget
        with planning(), _cli.make_context("kimi-planner", arguments) as context:
            _cli.invoke(context)
        return 0
    except click.exceptions.Exit as stopped:
        return stopped.exit_code
    except KimiPlannerError as error:
        unknown = isinstance(error, PriceNotFoundError | TooLittleUsageError)
        return _fail(str(error), Exit.CANNOT_TELL if unknown else Exit.BAD_INPUT)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return Exit.BAD_INPUT
    except click.ClickException as error:
        command = (
            error.ctx.command_path
            if isinstance(error, click.UsageError) and error.ctx
            else "kimi-planner"
        )
        return _fail(f"{error.format_message()} See {command} --help.", Exit.BAD_INPUT)
    except (KeyboardInterrupt, click.Abort):
        return _fail("stopped.", Exit.INTERRUPTED)
    except BrokenPipeError:
        raise
    except OSError as error:  # a disk that is full, a name that is too long
        name = "" if error.filename is None else f"{error.filename}: "
        return _fail(
            f"{name}cannot be read or written ({error.strerror or error}).", Exit.BAD_INPUT
        )
    except Exception as error:  # Python would exit with 1, which says that a budget is exceeded
        if os.environ.get("KIMI_PLANNER_DEBUG"):
            import traceback

            traceback.print_exc()
        what = f"{type(error).__name__}: {error}".rstrip(" .:")
        return _fail(f"internal error: {what}. Please report it, with the command.", Exit.INTERNAL)


def _fail(message: str, code: int) -> int:
    from kimi_planner.safe import error_line

    click.echo(error_line(f"kimi-planner: {' '.join(message.split())}"), err=True)
    return code
