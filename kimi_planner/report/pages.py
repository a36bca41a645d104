"""Pages that stand by themselves: a template, one style, pictures inside, and a policy that lets nothing load."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kimi_planner import plot
from kimi_planner.errors import MissingExtraError
from kimi_planner.safe import on_one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_PARTS = Path(__file__).with_name("page")


def page_of(template: str, scripts: Sequence[str] = (), **values: Any) -> str:
    """Return a page without any reference to another file.

    Parameters
    ----------
    template
        The name of its file.
    scripts
        Files that its only script is made of; its policy lets nothing else run or load.
    values
        What the template shows.

    Raises
    ------
    MissingExtraError
        If Jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, FileSystemLoader
    except ImportError:
        raise MissingExtraError.of("Jinja2", "report") from None
    script = "\n".join(['"use strict";\n', *map(_text, scripts)]) if scripts else ""
    environment = Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_seen,
        loader=FileSystemLoader(_PARTS),
    )
    page = environment.get_template(template)
    style = _text("page.css") + _palette()
    return page.render(**values, style=style, script=script, policy=_policy(script))


def _text(name: str) -> str:
    return (_PARTS / name).read_text(encoding="utf-8")


def _seen(value: Any) -> Any:
    """Make what cannot be seen in a text visible; markup of our own is left as it is."""
    return on_one_line(value) if type(value) is str else value


def _policy(script: str) -> str:
    allowed = "default-src 'none'; style-src 'unsafe-inline'"
    digest = b64encode(sha256(script.encode()).digest()).decode()
    return f"{allowed}; script-src 'sha256-{digest}'" if script else allowed


def drawn(draw: Callable[[], Iterable[Axes]]) -> list[tuple[str | None, str]]:
    """Return pictures in words and as SVG, whatever style the reader's own pictures have."""
    from kimi_planner.plot.style import unaffected

    with unaffected():
        return [(plot.alt_text(ax), _svg(ax)) for ax in draw()]


def _colours() -> dict[str, str]:
    """Return the colours of pictures on light paper, each with the one that it is on dark paper."""
    from kimi_planner.plot.theme import DARK, LIGHT

    light, dark = ([*astuple(one)[:-1], *one.series] for one in (LIGHT, DARK))
    return {**dict(zip(light, dark, strict=True)), LIGHT.paper: "var(--paper)"}


def _palette() -> str:
    """Return the style that gives the colours of pictures their values in a light and a dark page."""
    pairs = [(_name(light), light, dark) for light, dark in _colours().items()]
    light = " ".join(f"{name}: {colour};" for name, colour, _ in pairs)
    dark = " ".join(f"{name}: {colour};" for name, _, colour in pairs)
    is_dark = "@media screen and (prefers-color-scheme: dark)"
    return f":root {{ {light} }}\n{is_dark} {{ :root {{ {dark} }} }}\n"


def _name(colour: str) -> str:
    return f"--drawn-{colour[1:]}"


def _svg(ax: Axes) -> str:
    """Return the picture that an Axes is on as SVG, and close it."""
    import matplotlib as mpl
    from matplotlib import pyplot as plt
    from matplotlib.figure import Figure

    figure = ax.figure
    assert isinstance(figure, Figure), "a picture of its own"  # noqa: S101 - narrows the type
    text = StringIO()
    with mpl.rc_context({"svg.hashsalt": "kimi_planner", "svg.fonttype": "path"}):
        figure.savefig(
            text, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None}
        )
    plt.close(figure)
    svg, known = text.getvalue(), _colours()
    return re.sub(
        r"(?<=: )#[0-9a-f]{6}\b",
        lambda found: f"var({_name(found[0])})" if found[0] in known else found[0],
        svg[svg.index("<svg") :],
    )
