"""What a reader of a plan needs first, on one screen of a terminal; all else stands below it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.report.sentences import largest, least_sentence, totals_sentence
from kimi_planner.rich import risk_text, share_text
from kimi_planner.safe import on_one_line

LINES, COLUMNS = 25, 100
_OVER, _OPEN, _CHECKS = 4, 3, 4  # lines of each part at the most; the models get the rest
_FEW = 0.01  # a smaller share of calls not served is said last
#: Notes on what may move the money, the gravest first.
_GRAVE = ("reasoning_unknown", "no_followup_tokens", "no_price", "no_window", "goes")


def first_screen(recommendation: Recommendation) -> str:
    """Return bookable number, total, budgets, models, conditions and what to check, on 25 lines of 100 columns.

    Parts that are too long are cut, and say how much is left out.
    """
    over = [one.sentence for one in recommendation.over_budget]
    decisions = recommendation.decisions
    opened = [f"{one.workload}: {word}" for one in decisions for word in one.open]
    before = [
        _wrapped(recommendation.booked.sentence, 2),
        *filter(None, [_wrapped(least_sentence(recommendation), 2)]),
        _wrapped(totals_sentence(recommendation), 3),
        _part(f"Over budget: {len(over) or _riskiest(recommendation)}.", over, _OVER, wrap=2),
    ]
    checks = list(_checks(recommendation))
    after = [
        _part("Conditional, as the catalog does not state it:", opened, _OPEN) if opened else [],
        _part("Check first:", checks, _CHECKS) if checks else [],
    ]
    room = LINES - 1 - sum(map(len, (*before, *after)))
    models = [f"{one.workload}: {one.spend}" for one in decisions]
    by_value = any(aim.by_value for aim in recommendation.aims.values())
    basis = (
        "net value of a task" if by_value else "cost alone; recommend shows success and time too"
    )
    parts = [*before, _part(f"Model of each workload: by {basis}", models, room), *after]
    return "\n".join(line for part in parts for line in part)


def _riskiest(recommendation: Recommendation) -> str:
    """Return that no budget is broken, at which percentile, and how likely the likeliest one is."""
    requirements = recommendation.requirements
    projection, best = recommendation.projection, recommendation.best
    chances = {
        workload.name: projection.of(best[workload.name], workload.name).chance_over(budget)
        for workload in recommendation.workloads
        if (budget := requirements.budget(workload.budget_usd_per_month)) is not None
    }
    none = f"none at P{requirements.budget_percentile:g}" if chances else "none"
    name = max(chances, key=chances.__getitem__, default="")
    if not chances.get(name):
        return none
    is_least = projection.reasoning(best[name], name).is_least
    chance = risk_text(chances[name], is_least=is_least)
    return f"{none}; in some month with a chance of {chance} {name}"


def _checks(recommendation: Recommendation) -> Iterator[str]:
    """Yield what most deserves a second look: slips, calls not served, the largest spend, grave notes."""
    yield from (note for note in recommendation.notes if note.code.startswith("check_"))
    few = []
    for decision in recommendation.decisions:
        served = recommendation.fit.of(decision.workload, decision.model)
        is_small = max(served.refused_share, served.empty_share) < _FEW and not decision.reasons
        for words in decision.unserved:
            said = f"{decision.workload}: {words}"
            if is_small:
                few.append(said)
            else:
                yield said
    best, (name, share) = recommendation.best, largest(recommendation)
    if len(best) > 1 and share:
        [workload] = (one for one in recommendation.workloads if one.name == name)
        words = f"{share_text(share)} of the spend"
        yield f"{name}: {words}; source: {workload.source or 'not given'}"
    for code in _GRAVE:
        for note in recommendation.notes:
            planned = {best[name] for name in note.workloads or best if name in best}
            if note.code == code and (not note.models or planned & set(note.models)):
                yield note
    yield from few


def _part(title: str, sentences: Sequence[str], most: int, wrap: int = 1) -> list[str]:
    """Return a title and as many lines of sentences as there is room for."""
    lines: list[str] = []
    for place, sentence in enumerate(sentences):
        more = _wrapped(sentence, wrap, indent="  ")
        left = len(sentences) - place
        if len(lines) + len(more) > most - (left > 1):
            lines.append(f"  and {left} more, below")
            break
        lines += more
    return [*_wrapped(title, 1), *lines]


def _wrapped(sentence: str, most: int, indent: str = "") -> list[str]:
    """Return a sentence on at most so many lines, cut where it is longer."""
    return textwrap.wrap(
        on_one_line(sentence),
        COLUMNS,
        initial_indent=indent,
        subsequent_indent=2 * indent,
        max_lines=most,
        placeholder=" …",
    )
