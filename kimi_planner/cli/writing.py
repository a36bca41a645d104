"""What commands print and write, and the pictures among it."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kimi_planner.safe import error_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["off_screen", "png", "print_or_write", "write", "write_all"]


def print_or_write(text: str, path: Path | None, *, force: bool) -> None:
    """Write text to a file, or print it as it is if none is named."""
    if path is None:
        click.echo(text, nl=False)
    else:
        write(path, text, force=force)


def write(path: Path, text: str, *, force: bool, quiet: bool = False) -> None:
    """Write a file, all of it or nothing, and name it on stderr unless that is to be quiet."""
    from kimi_planner.writes import write_text

    write_text(path, text, overwrite=force)
    if not quiet:
        click.echo(error_line(f"wrote {path}"), err=True)


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
        click.echo(error_line(f"wrote {path}"), err=True)


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
