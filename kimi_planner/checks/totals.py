"""Groups of prompts held together: their tokens, and by how many they grew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from kimi_planner.checks.budgets import CheckConfig, Matching
from kimi_planner.checks.prompts import Prompt
from kimi_planner.checks.results import CheckResult, Measure, Place, percent_more
from kimi_planner.checks.unused import unused_globs
from kimi_planner.errors import Where
from kimi_planner.money import plain

if TYPE_CHECKING:
    from kimi_planner.checks.baseline import Baseline


@dataclass(frozen=True, kw_only=True)
class TotalBudget(Matching):
    """A budget for some prompts together.

    Attributes
    ----------
    name
        What they are called in results.
    max_tokens
        Most tokens of all of them.
    max_growth_tokens, max_growth_percent
        By how much they may grow since what a check is compared with.
    warn_fraction, where
        As of a prompt's budget.
    """

    name: str
    max_tokens: int | None = None
    max_growth_tokens: int | None = None
    max_growth_percent: Decimal | None = None
    warn_fraction: Decimal | None = None
    where: Where


def hold_totals(
    prompts: Iterable[Prompt], unread: Set[str], config: CheckConfig
) -> Iterator[CheckResult]:
    """Hold the tokens of each group against its limit; a prompt of several budgets counts once.

    What cannot be read is a result of its own, and matches a glob as what is read does.
    """
    every = {one.key: one for one in prompts}.values()
    paths = {one.path for one in every} | unread
    for total in config.totals:
        what = "no checked file matches {} of " + total.name
        yield from unused_globs(total.paths, paths, what, config.place(total.where))
        if total.max_tokens is None:
            continue
        group = [one for one in every if total.has(one.path)]
        measure = _measure(total, config, "total-tokens", "tokens together", total.max_tokens)
        least = sum(one.low for one in group)
        unbound = [one for one in group if one.tokens is None]
        if not unbound or least > total.max_tokens:
            tokens = least if unbound else sum(one.tokens or 0 for one in group)
            words = f"{total.name}: {tokens:,} {'or more ' * bool(unbound)}tokens in all"
            yield measure.held(Decimal(tokens), words, f"{total.max_tokens:,}")
        else:
            places = ", ".join(dict.fromkeys(one.path for one in unbound))
            yield measure.unknown(
                f"{total.name}: at least {least:,} tokens in all, and no upper end of {places}"
            )


def hold_total_growth(old: Baseline, new: Baseline, config: CheckConfig) -> Iterator[CheckResult]:
    """Hold what each group grew by, with all prompts that came and went, against its limits."""
    for total in config.totals:
        before, after = (
            Decimal(sum(one.tokens for one in moment.prompts if total.has(one.path)))
            for moment in (old, new)
        )
        limits = (
            (total.max_growth_tokens, after - before, " tokens"),
            (total.max_growth_percent, percent_more(before, after), "%"),
        )
        for limit, value, unit in limits:
            if limit is not None:
                measure = _measure(total, config, "total-growth", "growth together", limit)
                words = f"{total.name}: {before:,} -> {after:,} tokens in all"
                yield measure.held(value, words, f"+{plain(Decimal(limit)):f}{unit}", beside=False)


def _measure(
    total: TotalBudget, config: CheckConfig, rule: str, subject: str, limit: Decimal | int
) -> Measure:
    place = Place(path=config.path.name, line=total.where.line, name=total.name)
    return Measure(place, rule, subject, Decimal(limit), total.warn_fraction)
