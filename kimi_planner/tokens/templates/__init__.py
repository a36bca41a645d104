"""Chat templates, one module for each family: a request as the pieces that become tokens."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias, cast

from kimi_planner.catalog.rendering import Rendering

if TYPE_CHECKING:
    from kimi_planner.tokens.templates.k2 import K2
    from kimi_planner.tokens.templates.k3 import K3

    Template: TypeAlias = K2 | K3

__all__ = ["template_of"]

#: Module and class of each family; one is imported when it is asked for.
_FAMILIES = {"kimi-k2": ("k2", "K2"), "kimi-k2.5": ("k25", "K25"), "kimi-k3": ("k3", "K3")}


def template_of(rule: Rendering) -> Template:
    """Return the template of a rule."""
    module, name = _FAMILIES[rule.template]
    family = getattr(import_module(f"{__name__}.{module}"), name)
    return cast("Template", family(rule))
