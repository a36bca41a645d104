"""What every picture takes: where to draw, and which words to write around it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypedDict, cast

from matplotlib.axes import Axes

from kimi_planner.arguments import public
from kimi_planner.plot.style import styled

P = ParamSpec("P")

_DOCSTRING = """\
    ax : Axes, optional
        Where to draw; a new figure if not given. Several in one figure keep apart; with ``sharex``
        amounts have one scale.
    title, caption : str, optional
        Written above and below in place of the picture's own; ``""`` for none.
    labels : bool
        Whether numbers are written beside what is drawn.
"""


class Panel(TypedDict, total=False):
    """Settings that every picture has; their meaning stands in the docstring of each."""

    ax: Axes | None
    title: str | None
    caption: str | None
    labels: bool


def picture(draw: Callable[P, Axes]) -> Callable[P, Axes]:
    """Return a function that draws in the look of this package, its settings named and described."""
    signature = inspect.signature(draw)
    own = [one for one in signature.parameters.values() if one.kind is not one.VAR_KEYWORD]
    common = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for (name, kind), default in zip(
            Panel.__annotations__.items(), (None, None, None, True), strict=True
        )
    ]
    named = signature.replace(parameters=[*own, *common])

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Axes:
        with styled():
            return draw(*args, **kwargs)

    before, returns, after = (draw.__doc__ or "").partition("\n    Returns\n")
    if returns:
        drawn.__doc__ = f"{before}{_DOCSTRING}{returns}{after}"
    cast(Any, drawn).__signature__ = named
    return public(drawn)
