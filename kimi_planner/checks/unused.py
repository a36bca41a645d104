"""Lines of the configuration that do nothing: each must be for something that was checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any

from kimi_planner.checks.budgets import CheckConfig
from kimi_planner.checks.globs import matches
from kimi_planner.checks.prompts import Prompt
from kimi_planner.checks.results import CheckResult, unused
from kimi_planner.errors import Where, did_you_mean, shown

__all__ = ["unused_overrides", "unused_variables"]


def unused_overrides(
    prompts: Iterable[Prompt], unread: Set[str], config: CheckConfig
) -> Iterator[CheckResult]:
    """Yield a result for each glob of an override that no checked file matches."""
    paths = {prompt.path for prompt in prompts} | unread
    paths |= {budget.path for budget in config.workloads}
    for override in config.overrides:
        for glob in override.paths:
            if not any(matches(path, [glob]) for path in paths):
                what = f"no checked file matches the override {shown(glob)}"
                yield unused(config.place(override.where), what)


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
