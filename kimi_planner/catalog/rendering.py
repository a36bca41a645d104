"""How the API writes a request to a model before it counts it: rules with a day, like prices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

#: Most patches of an image that a rule may name.
MAX_PATCHES = 10_000_000

#: Families of chat templates, each a module of ``tokens/templates``.
CHAT_TEMPLATES = ("kimi-k2", "kimi-k2.5", "kimi-k3")

ToolsForm = Literal["json", "typescript", "json or typescript"]
Thinking = Literal["none", "off", "on", "always"]
Keeps = Literal["at work", "asked", "always"]

#: Fields of a rule that are one of some words.
RENDERING_WORDS = {
    "tools": ("json", "typescript", "json or typescript"),
    "thinking": ("none", "off", "on", "always"),
    "keeps_reasoning": ("at work", "asked", "always"),
    "default_effort": ("low", "high", "max"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """How requests to a model are written from a day on, until the next rule starts.

    Attributes
    ----------
    template
        Family of the chat template: ``"kimi-k2"``, ``"kimi-k2.5"`` or ``"kimi-k3"``.
    effective_from
        The first day; ``None`` for as long as the model exists.
    tools
        How tools are declared: compact JSON, TypeScript, or one of the two and nobody knows which.
    thinking
        Whether answers have a chain of thought: ``"none"`` where the template knows none, ``"off"``
        or ``"on"`` where a request can switch it, ``"always"`` where it cannot.
    keeps_reasoning
        Which reasoning of the history is written again: that of answers which are still at work
        with tools, all of it if ``thinking.keep`` asks for it, or always all.
    default_effort
        The ``reasoning_effort`` of a request that names none; ``None`` if there is no such thing.
    image_patches
        Most patches of 14 pixels that an image has after it is scaled down.
    source
        Key of the source that states the rule; empty where it follows from the template alone.
    """

    template: str
    effective_from: date | None = None
    tools: ToolsForm = "typescript"
    thinking: Thinking = "none"
    keeps_reasoning: Keeps = "at work"
    default_effort: str | None = None
    image_patches: int = 16_384
    source: str = ""

    def __str__(self) -> str:
        """Return the rule in words, led by its first day."""
        start = f"from {self.effective_from}" if self.effective_from else "from the start"
        effort = f", effort {self.default_effort} by default" if self.default_effort else ""
        return (
            f"{start}: {self.template}, tools as {self.tools}, "
            f"thinking {self.thinking}, keeps reasoning {self.keeps_reasoning}{effort}, "
            f"at most {self.image_patches:,} patches an image"
        )

    def starts_by(self, day: date) -> bool:
        """Whether the rule holds already on a day, if no later one does."""
        return self.effective_from is None or self.effective_from <= day

    @classmethod
    def of(cls, template: str, *, reasons: bool) -> Rendering:
        """Return the rule of a family for a model of which the catalog states no more."""
        if template == "kimi-k2":
            return cls(template=template)
        if template == "kimi-k2.5":
            return cls(template=template, thinking="on" if reasons else "off")
        return cls(
            template=template,
            tools="json",
            thinking="always",
            keeps_reasoning="always",
            default_effort="max",
            image_patches=65_536,
        )
