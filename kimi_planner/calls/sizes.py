"""The calls of a load on one kind of model: what they use on average, and how they differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import Any

import numpy as np

from kimi_planner.calls.expected import CallTokens, free_tokens
from kimi_planner.calls.law import CostLaw, conversation_law
from kimi_planner.calls.moments import ConversationMoments, Moments, SampleMoments
from kimi_planner.calls.overflow import billed_calls, carry_out, first_overflows
from kimi_planner.calls.windowed import DRAWN_CALLS, largest_factors, may_reach, windowed_tokens
from kimi_planner.catalog import Profile
from kimi_planner.workload.drawn import CallSample, Drawn
from kimi_planner.workload.overflow import Overflow
from kimi_planner.workload.quantity import Array
from kimi_planner.workload.resolve import Sizes
from kimi_planner.workload.turns import turn_means

_CONVERSATIONS = 16_384


@dataclass(frozen=True)
class CallSizes:
    """The calls of a load on models of one window; what is worked out of them is kept.

    Attributes
    ----------
    sizes
        As the load has them on the model: without reasoning if it does not reason.
    window
        Context window in tokens, or ``None``.
    drawn_calls
        About how many calls are drawn where a window cuts some and no closed form tells them.
    """

    sizes: Sizes
    window: int | None
    drawn_calls: int = DRAWN_CALLS

    @staticmethod
    @lru_cache(maxsize=64)
    def of(sizes: Sizes, window: int | None, drawn_calls: int = DRAWN_CALLS) -> CallSizes:
        """Return the calls on models of a window; the same where models make no difference."""
        return CallSizes(sizes, window, drawn_calls)

    @classmethod
    def on(cls, sizes: Sizes, model: Profile, drawn_calls: int = DRAWN_CALLS) -> CallSizes:
        """Return the calls of a load on a model."""
        return cls.of(sizes.on(model), model.window, drawn_calls)

    def tokens(
        self, factors: Mapping[str, Any] | None = None, number: Callable[[Any], Any] = float
    ) -> CallTokens:
        """Return what a call is expected to use, at factors on uncertain means.

        ``number`` is ``Fraction`` for exact numbers, where no size has a spread.
        """
        window = self.sizes.overflow.billed_window(self.window)
        if window is None:
            return free_tokens(self.sizes, factors or {}, number)
        return windowed_tokens(self.sizes, factors or {}, window, number, self.drawn_calls)

    def drawn(self, seed: int = 0) -> CallSample:
        """Draw calls with their full history, uncertain means included."""
        return Drawn.draw(self.sizes, np.random.default_rng(seed), uncertain_means=True).calls()

    def billed(self, rng: np.random.Generator) -> CallSample:
        """Draw calls as they are billed in the window, means being as given."""
        return billed_calls(Drawn.draw(self.sizes, rng).calls(), self.window, self.sizes.overflow)

    @cached_property
    def _drawn(self) -> Drawn:
        """Conversations that tell what the window does, where a closed form does not."""
        turns = turn_means(self.sizes.turns)[0]
        return Drawn.draw(
            self.sizes,
            np.random.default_rng(0),
            uncertain_means=True,
            most=min(_CONVERSATIONS, int(self.drawn_calls / 2 / turns)),
        )

    @cached_property
    def overflow_shares(self) -> tuple[float, float]:
        """Shares of calls that the window changes or refuses, and that it refuses.

        Of calls that are priced whole all that it would refuse.
        """
        if self.window is None or not may_reach(
            self.sizes, largest_factors(self.sizes), self.window
        ):
            return 0.0, 0.0
        sample = self._drawn.calls()
        policy = self.sizes.overflow
        asked = Overflow("reject") if policy.policy == "price_all" else policy
        carried = carry_out(sample, self.window, asked)
        whole = carried.made & (carried.prompt == sample.prompt)
        return 1 - float(whole.mean()), 1 - float(carried.made.mean())

    @cached_property
    def overflows(self) -> bool:
        """Whether some drawn call does not fit the window, means being as given."""
        return self._over is not None

    @cached_property
    def _over(self) -> CallSample | None:
        """Drawn calls, where the window does not hold some."""
        if self.window is None or not may_reach(self.sizes, {}, self.window):
            return None
        sample = self._drawn.calls({})
        return sample if len(first_overflows(sample, self.window)) else None

    @cached_property
    def _cut(self) -> tuple[Array, Array] | None:
        """Prompt and completion tokens of drawn conversations, where the window cuts some."""
        window = self.sizes.overflow.billed_window(self.window)
        if window is None or self._over is None:
            return None
        return _sums(billed_calls(self._over, window, self.sizes.overflow))

    @cached_property
    def moments(self) -> Callable[[float, float], Moments]:
        """How the cost of a conversation is spread, at what a prompt and an output token cost."""
        uncut = ConversationMoments(self.sizes)
        return cache((uncut if self._cut is None else SampleMoments(*self._cut, uncut)).at)

    def law(self, prompt_weight: float, output_weight: float) -> CostLaw | None:
        """Return the distribution of the cost of a conversation; ``None`` if it costs nothing."""
        if self._cut is None:
            found = conversation_law(self.sizes, prompt_weight, output_weight)
            if found is not None:
                return found
        prompt, completion = self._cut or _sums(
            Drawn.draw(self.sizes, np.random.default_rng(0)).calls()
        )
        return CostLaw.of_sample(prompt * prompt_weight + completion * output_weight)


def _sums(calls: CallSample) -> tuple[Array, Array]:
    """Return prompt and completion tokens of conversations."""
    return calls.sums(calls.prompt), calls.sums(calls.completion)
