"""What commands print and write, how far they are, and the pictures among it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kimi_planner.safe import error_line

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar
    from matplotlib.axes import Axes


def print_or_write(text: str, path: Path | None, *, force: bool) -> None:
    """Write text to a file, or print it as it is if none is named."""
    if path is None:
        click.echo(text, nl=False)
    else:
        write(path, text, force=force)


def write(path: Path, text: str, *, force: bool, quiet: bool = False) -> None:
    """Write a file, all of it or nothing, and name it on stderr unless that is to be quiet."""
    write_all({path: text}, force=force, quiet=quiet)


def write_all(files: Mapping[Path, str | bytes], *, force: bool, quiet: bool = False) -> None:
    """Write files, all or none, and name them on stderr unless that is to be quiet."""
    from kimi_planner.writes import write_files

    contents = {
        path: content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace")
        for path, content in files.items()
    }
    write_files(contents, overwrite=force)
    for path in () if quiet else contents:
        click.echo(error_line(f"wrote {path}"), err=True)


def inside(folder: Path, files: Mapping[str, str | bytes]) -> dict[Path, str | bytes]:
    """Return files of a folder by their paths."""
    return {folder / name: content for name, content in files.items()}


def off_screen() -> None:
    """Draw where there is no screen, and the same whatever a reader's settings of matplotlib are.

    Call it before anything that draws.
    """
    import matplotlib as mpl

    mpl.rcdefaults()
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


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None] | None]:
    """Show a bar on stderr while reading, if that is a terminal.

    Yields
    ------
    callable or None
        To be called with the bytes read since the last call, and the bytes of all, or of the file
        where each is told of alone.
    """
    if not sys.stderr.isatty():
        yield None
        return
    with ExitStack() as stack:
        bars: list[ProgressBar[int]] = []

        def advance(step: int, total: int) -> None:
            if not bars:
                bar = click.progressbar(length=total, file=sys.stderr, label=label)
                bars.append(stack.enter_context(bar))
            [bar] = bars
            if bar.length is not None and bar.pos + step > bar.length:
                bar.length += total  # the next file
            bar.update(step)

        yield advance
