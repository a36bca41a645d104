"""A picture of a conversation that grows towards the context window."""

from __future__ import annotations

from typing import Unpack

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from kimi_planner.calls.conversation import Conversation
from kimi_planner.plot.canvas import Canvas
from kimi_planner.plot.marks import swatch
from kimi_planner.plot.panel import Panel, picture
from kimi_planner.plot.style import count_axis
from kimi_planner.plot.words import at_most, dollars

_FAINT = 0.12
_RARE = 0.1  # of conversations, below which a turn that does not fit is not drawn
_FAR = 4  # windows so many times above the P90 are named and not drawn


@picture
def conversation_growth(conversation: Conversation, **panel: Unpack[Panel]) -> Axes:
    """Draw the prompt of a conversation turn by turn against the context window.

    Parameters
    ----------
    conversation : Conversation
        What `conversation` returned.

    Returns
    -------
    Axes
        A line at the P50 of prompt tokens of calls made, a band from P10 to P90; a line at the
        window, and one at the P50 of the first turn that does not fit. A window far above is named
        only.

    Examples
    --------
    >>> from kimi_planner import Workload
    >>> from kimi_planner.plan import conversation
    >>> chat = Workload(name="chat", conversations_per_day=10, turns=3, prompt_tokens=1000,
    ...     followup_tokens=100, completion_tokens=200)
    >>> conversation_growth(conversation(chat, "kimi-k2", catalog="2026-06")).get_xlabel()
    'turn of the conversation'
    """
    frame, window = conversation.frame, conversation.context_window_tokens
    overflow = conversation.first_overflow
    top = float(frame["p90_prompt_tokens"].max())
    is_rare = conversation.never_overflows_share > 1 - _RARE
    far = window is not None and (is_rare or not overflow) and window > _FAR * top
    made = frame[frame["p50_prompt_tokens"].notna()]
    reserved = frame["p50_reserved_tokens"].dropna()
    canvas = Canvas(**panel)
    ax, theme = canvas.ax, canvas.theme
    turns = frame["turn"]
    ends = frame["p10_prompt_tokens"], frame["p90_prompt_tokens"]
    key: list[tuple[str, Artist]] = []
    ax.fill_between(turns, *ends, color=theme.band, linewidth=0)
    if (made["p90_prompt_tokens"] > made["p10_prompt_tokens"]).any():
        key.append(("P10 to P90", swatch(theme, theme.band)))
    median = frame["p50_prompt_tokens"]
    ax.plot(turns, median, color=theme.ink, linewidth=2, marker="o", markersize=3)
    if is_rare:  # a line at a turn that few reach would read as a limit for all
        overflow = {}
    last = max([1, *made["turn"], *overflow.values()])  # later ones are asked for, none is made
    ax.set_xlim(0.5, float(last) + 0.5)
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
    if window is not None and not far:
        canvas.limit(f"window {window:,}", window, is_upright=False)
        top = max(top, float(window))
    ax.set_ylim(0, 1.12 * top or 1.0)
    count_axis(ax, "y")
    ax.set(xlabel="turn of the conversation", ylabel="prompt tokens of the call")
    if overflow:
        if overflow["p90"] > overflow["p10"]:
            span = overflow["p10"], overflow["p90"]
            ax.axvspan(*span, color=theme.budget, alpha=_FAINT, linewidth=0)
            key.append(
                ("first turn that does not fit, P10 to P90", swatch(theme, theme.budget, _FAINT))
            )
        canvas.limit(f"turn {overflow['p50']} does not fit", overflow["p50"])
    answer = _answer(conversation)
    room = f" (P50 {reserved.iloc[0]:,.0f} tokens)" if len(reserved) else ""
    return canvas.finish(
        f"Conversation growth: {conversation.workload} on {conversation.model}",
        "Line: P50 of calls made. "
        + f"A call fits if its prompt and reserved output{room} are at most the window; if not, the "
        f"policy is {conversation.policy}.",
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
        + f". A conversation costs {dollars(conversation.mean_usd)} {conversation.currency} on average.",
        answer=answer,
        provenance=f"Catalog {conversation.catalog_version}, seed {conversation.seed}.",
        key=key,
    )


def _answer(conversation: Conversation) -> str:
    window, overflow = conversation.context_window_tokens, conversation.first_overflow
    if window is None:
        return "the window is not stated, so none is too long"
    if not overflow:
        return f"none outgrows the window of {window:,} tokens"
    never = conversation.never_overflows_share
    spread = f"P10 {overflow['p10']}, P90 {overflow['p90']}"
    outgrown = f"{at_most(1 - never)} of conversations outgrow" if never else "all outgrow"
    return f"{outgrown} the window of {window:,} tokens, first in turn {overflow['p50']} ({spread})"
