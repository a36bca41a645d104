"""Chat templates, one module for each family: a request as the pieces that become tokens."""

from __future__ import annotations

from kimi_planner.catalog.rendering import Rendering
from kimi_planner.tokens.templates.k2 import K2
from kimi_planner.tokens.templates.k3 import K3
from kimi_planner.tokens.templates.k25 import K25

__all__ = ["Template", "template_of"]

Template = K2 | K3

_FAMILIES: dict[str, type[K2 | K3]] = {"kimi-k2": K2, "kimi-k2.5": K25, "kimi-k3": K3}


def template_of(rule: Rendering) -> Template:
    """Return the template of a rule."""
    return _FAMILIES[rule.template](rule)
