"""Lines of the configuration that do nothing: each must be for something that was checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any

from kimi_planner.checks.budgets import CheckConfig
from kimi_planner.checks.globs import matches
from kimi_planner.checks.prompts import Prompt
from kimi_planner.checks.results import CheckResult, Place, unused
from kimi_planner.errors import Where, did_you_mean, shown


def unused_overrides(
    prompts: Iterable[Prompt], unread: Set[str], config: CheckConfig
) -> Iterator[CheckResult]:
    """Yield a result for each glob of an override that no checked file matches."""
    paths = {prompt.path for prompt in prompts} | unread
    paths |= {budget.path for budget in config.workloads}
    what = "no checked file matches the override {}"
    for override in config.overrides:
        yield from unused_globs(override.paths, paths, what, config.place(override.where))


def unused_globs(
    globs: Iterable[str], paths: Iterable[str], what: str, place: Place
) -> Iterator[CheckResult]:
    """Yield a result for each glob that matches none of some paths; ``what`` has room for it."""
    for glob in globs:
        if not any(matches(path, [glob]) for path in paths):
            yield unused(place, what.format(shown(glob)))


def unused_variables(
    prompts: Iterable[Prompt],
    wheres: Mapping[str, Where],
    declared: Mapping[str, Any],
    config: CheckConfig,
) -> Iterator[CheckResult]:
    """Yield a result for each declaration that is for no variable of the prompts.

    Parameters
    ----------
    wheres : mapping of str to Where
        The declarations to look at, and where each is said.
    declared : mapping of str to declaration
        Those and all others that may come before them.
    """
    if not wheres:
        return
    from kimi_planner.tokens.prompts.values import declaration_of

    known = {name for prompt in prompts for name in prompt.variables}
    used = {declaration_of(name, declared) for name in known}
    for name, where in wheres.items():
        if name not in used:
            what = f"no prompt has the variable {shown(name)}.{did_you_mean(name, known)}"
            yield unused(config.place(where), what)
