"""The words of pictures: shortened, rounded, drawn as they are written, and in place of a picture."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from matplotlib.axes import Axes

from kimi_planner.arguments import public
from kimi_planner.money import usd_text
from kimi_planner.plot.style import can_draw

NAME_CHARS = 30
NOTHING = "nothing is spent"
_MOST_LISTED = 12
_ROW_CHARS = 140  # of a name that is broken into lines


@public
def alt_text(ax: Axes) -> str:
    """Return what a picture shows, in words with its numbers, for those who cannot see it.

    Parameters
    ----------
    ax : Axes
        What a picture of this package returned.

    Returns
    -------
    str
        Empty if no picture of this package was drawn there.

    Examples
    --------
    >>> from kimi_planner import Workload, project
    >>> from kimi_planner.plot import monthly_spend
    >>> chat = Workload(name="chat", requests_per_day=1000, prompt_tokens=2000, completion_tokens=300)
    >>> plan = project(chat, 3, "2027-01", "kimi-k2", as_of="2026-11-28", catalog="2026-06")
    >>> alt_text(monthly_spend(plan, "chat"))
    'Average monthly spend of chat by model, P50: kimi-k2 104 USD, range not given.'
    """
    return str(ax.get_label())


def literal(text: str) -> str:
    """Return what draws as the text itself.

    Between dollar signs matplotlib reads mathematics; a character that no installed font has is
    written as its code.
    """
    return _drawable(text).replace("$", r"\$")


def short(name: str, chars: int = NAME_CHARS) -> str:
    """Return a name, its middle left out if it is long."""
    text = " ".join(_drawable(name).split())
    if len(text) <= chars:
        return text
    tail = chars // 3
    return f"{text[: chars - tail - 1]}…{text[-tail:]}"


def distinct(names: Iterable[str], chars: int = _ROW_CHARS) -> list[str]:
    """Return names, the middle of long ones left out as far as all that differ still do.

    >>> distinct(["a" * 9 + "1" + "b" * 9, "a" * 9 + "2" + "b" * 9], 12)
    ['aaaaaaaaa1…bbbbb', 'aaaaaaaaa2…bbbbb']
    """
    every = list(names)
    longest = max(map(len, every), default=0)
    for most in range(chars, longest):
        shortened = [short(name, most) for name in every]
        if len(set(shortened)) == len(set(every)):
            return shortened
    return ["\n".join(map(_drawable, name.split("\n"))) for name in every]


def _drawable(text: str) -> str:
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(
        char if char == "\n" or can_draw(char) else char.encode("unicode_escape").decode()
        for char in text
    )


def listed(parts: Iterable[str]) -> str:
    """Return parts of a sentence in a row; how many of a long list are left out is said."""
    every = list(parts)
    rest = len(every) - _MOST_LISTED
    return "; ".join(every[:_MOST_LISTED]) + (f"; and {rest} more" if rest > 0 else "")


def dollars(amount: Decimal | float) -> str:
    """Return an amount of USD in whole dollars from 100 on, else as `usd_text` writes it.

    >>> dollars(12345.6), dollars(4.5), dollars(0.0042), dollars(0)
    ('12,346', '4.50', '0.004200', '0')
    """
    return usd_text(amount, whole_from=100) if amount else "0"


def least(names: Iterable[str], amounts: Iterable[float], unit: str = "") -> str:
    """Return which of several costs least and how much; nothing if there is no single least.

    >>> least(["a", "b"], [3, 2], " USD"), least(["a", "b"], [2, 2]), least(["a"], [0])
    ('b costs least, 2.00 USD', '', 'nothing is spent')
    """
    ranked = sorted(zip(amounts, names, strict=True))
    if not ranked[-1][0]:
        return NOTHING
    if len(ranked) < 2 or not ranked[0][0] < ranked[1][0]:
        return ""
    amount, name = ranked[0]
    return f"{name} costs least, {dollars(amount)}{unit}"


def resting(notes: Iterable[str], provenance: str, chars: int = 330) -> str:
    """Return what a picture rests on; how many of many notes are left out is said."""
    kept, rest = "", 0
    for note in notes:
        if rest or len(kept) + len(note) > chars:
            rest += 1
        else:
            kept += f"{note} "
    more = f"{rest} more note{'s' if rest > 1 else ''} with the result. " if rest else ""
    return f"{kept}{more}{provenance}"


def at_most(share: float) -> str:
    """Return a share in percent that is never rounded to none or all of it."""
    if share in {0, 1}:
        return f"{share:.0%}"
    return "<1%" if share < 0.01 else ">99%" if share > 0.99 else f"{share:.0%}"
