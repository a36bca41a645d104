"""The chat template of Kimi K2.5, K2.6 and K2.7: K2's, with marks around every thought."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from kimi_planner.tokens.messages import Message
from kimi_planner.tokens.requests import Request
from kimi_planner.tokens.templates.k2 import K2
from kimi_planner.tokens.templates.pieces import Piece, Special
from kimi_planner.tokens.text import count_tokens


class K25(K2):
    """The template of one model on one day.

    Notes
    -----
    While thinking is on, the messages after the last answer without tool calls keep their
    reasoning; K2.6 keeps all if the request asks for it, K2.7 always. The ``<think>`` that the
    template adds to the generation prompt is billed as completion. A line break follows an image.
    """

    after_media: ClassVar[tuple[Piece, ...]] = ("\n",)

    def thought(self, message: Message, *, reasoning: bool) -> Iterator[Piece]:
        """Yield the marks, and between them the chain of thought if it is kept."""
        yield Special.THINK
        if reasoning and message.reasoning:
            yield message.reasoning
        yield Special.END_THINK

    def reasoning_tokens(self, message: Message) -> int:
        """Return the ``reasoning_tokens`` that the API reports of a reply."""
        return count_tokens(message.reasoning)

    def kept_reasoning(self, request: Request) -> frozenset[int]:
        """Return the places of the messages whose reasoning is written again."""
        if not self._thinks(request):
            return frozenset()
        places = range(len(request.messages))
        keeps = self.rule.keeps_reasoning
        if keeps == "always" or (keeps == "asked" and request.keeps_reasoning):
            return frozenset(places)
        answered = [
            place
            for place in places
            if request.messages[place].role == "assistant" and not request.messages[place].calls
        ]
        return frozenset(places[answered[-1] + 1 :] if answered else places)

    def judge(self, request: Request) -> None:
        """Say what the API will refuse, and what options may add."""
        if self.rule.thinking == "always" and request.thinking is False:
            request.ignored["thinking"] = None
        if self.rule.keeps_reasoning == "at work" and request.keeps_reasoning:
            request.ignored["thinking.keep"] = None
        if self._thinks(request):
            if request.tool_choice in ("required", "function"):
                request.refused.append(
                    "With thinking on, the API refuses a tool_choice that forces a call."
                )
            if any(message.calls and not message.reasoning for message in request.messages):
                request.refused.append(
                    "With thinking on, the API refuses an assistant's message that has tool_calls "
                    "and no reasoning_content."
                )
        super().judge(request)

    def _thinks(self, request: Request) -> bool:
        """Whether the answer to a request has a chain of thought."""
        if self.rule.thinking == "always" or request.thinking is None:
            return self.rule.thinking in ("on", "always")
        return request.thinking
