"""A picture of a conversation that grows towards the context window."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from kimi_planner.calls.conversation import Conversation
from kimi_planner.plot.layout import finish, limit
from kimi_planner.plot.style import BUDGET, INK, RANGE, axes, count_axis, styled
from kimi_planner.plot.words import at_most, dollars, short

__all__ = ["conversation_growth"]

_BEYOND = 1.3  # the window is named at the right if prompts grow so many times beyond it
_FAR = 4  # windows so many times above the P90 are named and not drawn


@styled()
def conversation_growth(conversation: Conversation, *, ax: Axes | None = None) -> Axes:
    """Draw the prompt of a conversation turn by turn against the context window.

    Parameters
    ----------
    conversation : Conversation
        What `conversation` returned.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes
        A line at the P50 of prompt tokens of calls made, a band from P10 to P90; a line at the
        window, and one at the P50 of the first turn that does not fit. A window far above is named
        only.
    """
    frame, window = conversation.frame, conversation.context_window_tokens
    overflow = conversation.first_overflow
    top = float(frame["p90_prompt_tokens"].max())
    far = window is not None and not overflow and window > _FAR * top
    made = frame[frame["p50_prompt_tokens"].notna()]
    reserved = frame["p50_reserved_tokens"].dropna()
    ax = axes(ax)
    turns = frame["turn"]
    ax.fill_between(
        turns, frame["p10_prompt_tokens"], frame["p90_prompt_tokens"], color=RANGE, linewidth=0
    )
    ax.plot(turns, frame["p50_prompt_tokens"], color=INK, linewidth=2, marker="o", markersize=3)
    last = max([1, *made["turn"], *overflow.values()])  # later ones are asked for, none is made
    ax.set_xlim(0.5, float(last) + 0.5)
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    if window is not None and not far:
        side = "right" if top > _BEYOND * window else "left"  # where the prompts are not
        limit(ax, f"window {window:,} tokens", window, vertical=False, side=side)
        top = max(top, float(window))
    ax.set_ylim(0, 1.12 * top or 1.0)
    count_axis(ax, "y")
    ax.set(xlabel="turn of the conversation", ylabel="prompt tokens of the call")
    limits = []
    wide = bool(overflow) and overflow["p90"] > overflow["p10"]
    if overflow:
        if wide:
            ax.axvspan(overflow["p10"], overflow["p90"], color=BUDGET, alpha=0.12, linewidth=0)
        text = f"turn {overflow['p50']} does not fit"
        limits = [limit(ax, text, overflow["p50"], vertical=True)]
    answer = _answer(conversation)
    room = f" (P50 {reserved.iloc[0]:,.0f} tokens)" if len(reserved) else ""
    finish(
        ax,
        f"Conversation growth: {short(conversation.workload, 22)} on {conversation.model}\n{answer}",
        "Line: P50 of calls made. "
        + "Band: P10 to P90. " * bool((made["p90_prompt_tokens"] > made["p10_prompt_tokens"]).any())
        + "Red band: P10 to P90 of the first turn that does not fit. " * wide
        + f"A call fits if its prompt and reserved output{room} are at most the window; if not, the "
        f"policy is {conversation.policy}. Catalog {conversation.catalog_version}, seed "
        f"{conversation.seed}.",
        f"Conversation growth of {conversation.workload} on {conversation.model}: {answer}. Prompt "
        "tokens, P50: "
        + (
            " to ".join(
                f"{row['p50_prompt_tokens']:,.0f} in turn {row['turn']:.0f}"
                for row in made.iloc[[0, -1]].to_dict("records")
            )
            if len(made)
            else "none, no call is made"
        )
        + f". A conversation costs {dollars(conversation.mean_usd)} USD on average.",
        limits=limits,
    )
    return ax


def _answer(conversation: Conversation) -> str:
    window, overflow = conversation.context_window_tokens, conversation.first_overflow
    if window is None:
        return "the window is not stated, so none is too long"
    if not overflow:
        return f"none outgrows the window of {window:,} tokens"
    never = conversation.never_overflows_share
    spread = f"P10 {overflow['p10']}, P90 {overflow['p90']}"
    return (
        f"first turn that does not fit: {overflow['p50']} ({spread}); "
        f"{at_most(never)} of conversations never get there"
    )
