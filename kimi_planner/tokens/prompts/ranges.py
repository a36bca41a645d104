"""The range of tokens of a prompt whose variables are filled within declared ranges.

Tokens do not add up across a seam: a value may join the words of the template that it touches. So
the text is split where the pattern always cuts (`seams`). Between two such places without a
variable the count is exact. A stretch with variables has at least one token. It has at most one for
each byte of the words at its seams and of values that bytes bound; where tokens bound a value, about
those of its parts and what was measured of seams, if that is less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import floor, inf
from typing import TypeAlias

from kimi_planner.arguments import public
from kimi_planner.errors import RequestError
from kimi_planner.rich import Page, Shown
from kimi_planner.tokens.pieces import MAX_CHUNK_CHARS
from kimi_planner.tokens.prompts.parts import (
    Choice,
    Part,
    Parts,
    PromptTemplate,
    Repeat,
    every_part,
)
from kimi_planner.tokens.prompts.seams import (
    PROMPT_TOKENS,
    first_cut,
    last_cut,
    seam_after_a_value,
    seam_before_a_value,
    size_bytes,
    tokens_before_a_value,
)
from kimi_planner.tokens.prompts.values import Declaration, ValueRange, declaration_of
from kimi_planner.tokens.text import count_tokens

#: Ends that a walk tells apart; beyond, each counts as a stretch of any text of its bytes.
MAX_WAYS = 1_000

_NOTHING = ValueRange(max_bytes=0)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TokenRange(Shown):
    """The tokens of a prompt, however its variables are filled.

    Attributes
    ----------
    fixed_low, fixed_high
        Exact tokens with every variable left empty; they differ only by branches and loops. A loop
        whose items are not declared does not run.
    low, high
        Fewest and most tokens of the filled prompt; ``high`` is ``None`` where a variable has no
        declared upper end.
    typical
        Tokens with every variable of its typical size, in the longest branches; ``high`` where no
        typical size is declared.
    unknown
        Names of those variables and loops.
    """

    fixed_low: int
    fixed_high: int
    low: int
    high: int | None
    typical: int | None
    unknown: tuple[str, ...] = ()

    def page(self) -> Page:
        """Return the range in words."""
        typical = f"; typically {self.typical:,}" if self.typical != self.high else ""
        return Page(title=f"{self}{typical}")

    def __str__(self) -> str:
        fixed = f"{self.fixed_low:,}"
        if self.fixed_high != self.fixed_low:
            fixed += f" to {self.fixed_high:,}"
        if self.high == self.low:
            return f"{self.low:,} {'token' if self.low == 1 else 'tokens'}"
        if self.high is None:
            return (
                f"{self.low:,} tokens or more ({fixed} fixed; "
                f"no upper end declared for {', '.join(self.unknown)})"
            )
        return f"{self.low:,} to {self.high:,} tokens ({fixed} fixed)"


@public
def token_range(
    template: PromptTemplate,
    variables: Mapping[str, Declaration] | None = None,
) -> TokenRange:
    """Return the range of tokens of a prompt.

    Parameters
    ----------
    template : PromptTemplate
        The prompt.
    variables : mapping of str to ValueRange, mapping or int, optional
        What each variable may hold, by its name or a pattern of names, of which the first that matches
        counts: ``{"document": {"max_tokens": 20000}, "*_id": 12}``; a number is ``max_tokens``. Names that
        the prompt does not have are no mistake.

    Returns
    -------
    TokenRange
        Exact tokens of the fixed text, and the least and most of the filled prompt.

    Raises
    ------
    RequestError
        If a declaration is malformed, or the fixed text has more than 400,000 characters, which the
        model's tokenizer cuts at places that depend on the values.

    Notes
    -----
    The lower end holds whatever the values are, within what is declared; so does the upper end where
    ``values``, or bytes and characters, alone bound every variable. Where ``max_tokens`` does, the upper
    end adds what was measured at seams, a few tokens a prompt: `benchmarks.seams` finds no drawn value
    that exceeds it, and somebody who looks for one may. All of it is for filled prompts
    that the model's tokenizer does not cut by its rule for extreme texts: up to 400,000 characters, and
    no 25,000 without a change between white space and others.

    Examples
    --------
    >>> from kimi_planner.tokens.prompts.parts import PromptTemplate, Variable
    >>> prompt = PromptTemplate(
    ...     name="P", path="p.py", line=1, parts=("Answer in one ", Variable("unit"), " only.")
    ... )
    >>> print(token_range(prompt, {"unit": {"values": ["word", "short sentence"]}}))
    6 to 7 tokens (6 fixed)
    >>> print(token_range(prompt))
    5 tokens or more (6 fixed; no upper end declared for unit)
    """
    given = variables or {}
    declared = {
        name: ValueRange.of(given[key], key)
        for name in template.variables
        if (key := declaration_of(name, given)) is not None
    }
    if template.text is not None:
        tokens = count_tokens(template.text)
        return TokenRange(
            fixed_low=tokens, fixed_high=tokens, low=tokens, high=tokens, typical=tokens
        )
    fixed = sum(len(part) for part in every_part(template.parts) if isinstance(part, str))
    if fixed > MAX_CHUNK_CHARS:
        raise RequestError(
            f"{template.where}: more than {MAX_CHUNK_CHARS:,} characters of fixed text beside "
            "variables. Split the prompt."
        )
    fixed_low, fixed_high = _Walk(declared, _EMPTY).ends(template.parts)
    walk = _Walk(declared, _IN_TOKENS)
    low, high = walk.ends(template.parts)
    sizes = declared.values()
    if walk.has_values and high < inf:
        in_bytes = _Walk(declared, _IN_BYTES).ends(template.parts)[1]
        in_tokens = [one for one in sizes if one.most < one.size_bytes]
        high = min(high, in_bytes) if in_tokens else in_bytes  # which is sure
    typical = high
    if any(size.typical_tokens is not None or size.typical_items is not None for size in sizes):
        typical = min(high, _Walk(declared, _TYPICAL).ends(template.parts)[1])
    return TokenRange(
        fixed_low=fixed_low,
        fixed_high=int(fixed_high),
        low=low,
        high=None if high == inf else floor(high),
        typical=None if typical == inf else floor(typical),
        unknown=tuple(walk.unknown),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """What the most tokens of a stretch with variables are put together from.

    Attributes
    ----------
    value
        Of a value; ``None`` where values are empty.
    before, after
        Of a text where a value follows it, and where it follows a value.
    prompt
        Of the prompt as a whole, if it has any value.
    """

    value: Callable[[ValueRange], float] | None
    before: Callable[[str], float] = count_tokens
    after: Callable[[str], float] = count_tokens
    prompt: float = 0


_EMPTY = _Rule(value=None, before=size_bytes, after=size_bytes)
_IN_BYTES = _Rule(value=lambda one: one.size_bytes, before=size_bytes, after=size_bytes)
_IN_TOKENS = _Rule(
    value=lambda one: one.most,
    before=lambda text: tokens_before_a_value(text) + seam_before_a_value(text),
    after=lambda text: tokens_before_a_value(text) + seam_after_a_value(text),
    prompt=PROMPT_TOKENS,
)
#: A last space becomes part of the word that follows it.
_TYPICAL = _Rule(
    value=lambda one: one.typical, before=lambda text: count_tokens(text.removesuffix(" "))
)


@dataclass(frozen=True, slots=True)
class _Tail:
    """What lies behind the last sure cut.

    Attributes
    ----------
    text
        Fixed text that is not counted yet; empty if ``is_open``.
    is_open
        Whether a variable lies there. Its most tokens are counted already, its fewest are not.
    is_empty
        Whether what is open may be empty.
    within
        Tokens that an open stretch surely has between the words at its seams.
    """

    text: str = ""
    is_open: bool = False
    is_empty: bool = True
    within: int = 0

    @property
    def least(self) -> int:
        return self.within + (not self.is_empty)


# Fewest and most tokens before each tail that a way through the prompt can have.
_Ways: TypeAlias = dict[_Tail, tuple[int, float]]
_Way: TypeAlias = tuple[_Tail, tuple[int, float]]


class _Walk:
    """A walk through the parts of a prompt that keeps all ways with the same tail as one."""

    def __init__(self, declared: Mapping[str, ValueRange], rule: _Rule) -> None:
        self._declared = declared
        self._rule = rule
        self.has_values = False
        self.unknown: dict[str, None] = {}

    def ends(self, parts: Parts) -> tuple[int, float]:
        """Return the fewest and the most tokens of the whole."""
        ways = self._through(parts, {_Tail(): (0, 0)})
        found = [
            (low + tail.least, high)
            if tail.is_open
            else (low + count_tokens(tail.text), high + count_tokens(tail.text))
            for tail, (low, high) in ways.items()
        ]
        seams = self._rule.prompt if self.has_values else 0
        return min(low for low, _ in found), max(high for _, high in found) + seams

    def _through(self, parts: Parts, ways: _Ways) -> _Ways:
        for part in parts:
            ways = self._step(part, ways)
        return ways

    def _step(self, part: Part, ways: _Ways) -> _Ways:
        if isinstance(part, str):
            return self._merged(self._with_text(tail, ends, part) for tail, ends in ways.items())
        if isinstance(part, Choice):
            return self._merged(
                way for branch in part.branches for way in self._through(branch, ways).items()
            )
        declared = self._declared.get(part.name)
        if isinstance(part, Repeat):
            if declared is not None and declared.max_items is not None:
                return self._repeated(part, ways, declared)
        elif declared is not None and declared.values is not None:
            texts = ("",) if self._rule.value is None else declared.values
            return self._merged(way for text in texts for way in self._step(text, ways).items())
        if self._rule.value is None:
            return ways
        bounds = ValueRange() if declared is None or isinstance(part, Repeat) else declared
        if bounds.most == inf:
            self.unknown[part.name] = None
        self.has_values = True
        return self._merged(self._with_value(tail, ends, bounds) for tail, ends in ways.items())

    def _repeated(self, part: Repeat, ways: _Ways, items: ValueRange) -> _Ways:
        least, most = items.min_items, items.max_items or 0
        if self._rule is _TYPICAL and items.typical_items is not None:
            least = most = items.typical_items
        done = [ways]
        for _ in range(most):
            done.append(self._through(part.body, done[-1]))
        return self._merged(way for ways in done[least:] for way in ways.items())

    def _merged(self, ways: Iterable[_Way]) -> _Ways:
        found: _Ways = {}
        for tail, (low, high) in ways:
            known = found.get(tail, (low, high))
            found[tail] = min(known[0], low), max(known[1], high)
        if len(found) <= MAX_WAYS or all(tail.is_open for tail in found):
            return found
        self.has_values = True
        return self._merged(self._with_value(tail, ends, _NOTHING) for tail, ends in found.items())

    def _with_text(self, tail: _Tail, ends: tuple[int, float], text: str) -> _Way:
        low, high = ends
        if tail.is_open:
            cut = first_cut(text)
            high += self._rule.after(text if cut is None else text[:cut])
            if cut is None:
                empty = tail.is_empty and not text
                return _Tail(is_open=True, is_empty=empty, within=tail.within), (low, high)
            low += tail.within + 1  # some text lies before the cut
            text = text[cut:]
        else:
            text = tail.text + text
        cut = last_cut(text)
        if cut is not None:
            tokens = count_tokens(text[:cut])
            low, high, text = low + tokens, high + tokens, text[cut:]
        return _Tail(text), (low, high)

    def _with_value(self, tail: _Tail, ends: tuple[int, float], value: ValueRange) -> _Way:
        low, high = ends
        of_value = 0 if self._rule.value is None else self._rule.value(value)
        empty = tail.is_empty if tail.is_open else not tail.text
        opened = _Tail(
            is_open=True,
            is_empty=empty and value.min_tokens == 0,
            within=tail.within + value.within,
        )
        return opened, (low, high + self._rule.before(tail.text) + of_value)
