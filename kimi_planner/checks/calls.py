"""How often prompts are sent, as budgets say, and what a token of each costs in a month by the plan of that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

from kimi_planner.checks.baseline import PromptEntry
from kimi_planner.checks.budgets import CheckConfig, PromptBudget, WorkloadBudget
from kimi_planner.checks.results import CheckResult, invalid
from kimi_planner.checks.workloads import Plans
from kimi_planner.errors import (
    ConfigError,
    FileError,
    PriceNotFoundError,
    UsageError,
    WorkloadError,
    restated,
)

if TYPE_CHECKING:
    from kimi_planner.plan.spend import Spend
    from kimi_planner.workload import Workload


MONTHS = 12


@dataclass(frozen=True)
class Sent:
    """So many tokens of a prompt in each of some calls.

    Attributes
    ----------
    a_token
        What one token in each of them costs.
    tokens
        How many there are.
    """

    a_token: Spend
    tokens: int

    @property
    def spend(self) -> Spend:
        """What they cost; of the same calls, however many tokens."""
        spend = self.a_token.times(Decimal(self.tokens))
        return replace(spend, usage=replace(spend.usage, requests=self.a_token.usage.requests))


class Months:
    """What a token of a prompt costs in each month, by the budget of its file.

    Parameters
    ----------
    config : CheckConfig
        Whose budgets say how often prompts are sent.
    as_of : date
        The day whose prices and knowledge count.
    plans : Plans
        Workload files of the configuration.
    """

    def __init__(self, config: CheckConfig, as_of: date, plans: Plans) -> None:
        self.config = config
        self.plans = plans
        self._as_of = as_of
        self._workloads: dict[int, Workload] = {}
        self._spends: dict[tuple[int, str, int | None], Spend] = {}

    @cached_property
    def budgets(self) -> list[PromptBudget]:
        """Budgets that say how often their prompts are sent."""
        return [one for one in self.config.prompts if one.has_calls]

    def faults(self) -> Iterator[CheckResult]:
        """Yield a result for each workload file that cannot be read; read all others.

        Raises
        ------
        ConfigError
            If a budget names a workload that there is not, or states no number of calls.
        """
        for budget in self.budgets:
            try:
                self._workload(budget)
            except ModuleNotFoundError:
                return  # limits are held all the same; what a month costs needs the extra [plan]
            except (FileError, UsageError, WorkloadError) as error:
                yield invalid(self._files(budget)[0], error)

    def budget(self, path: str) -> PromptBudget | None:
        """Return the budget that says how often the prompts of a file are sent."""
        return next((one for one in self.budgets if one.has(path)), None)

    def sent(self, entry: PromptEntry, like: PromptEntry, months: int | None = None) -> Sent | None:
        """Return what is sent of a prompt, ``None`` if nobody says how often it is.

        Parameters
        ----------
        entry : PromptEntry
            The prompt.
        like : PromptEntry
            It, or what it became: the one whose file is looked for among the budgets.
        months : int, optional
            How many months are told apart; `MONTHS` together if not given.

        Raises
        ------
        PriceNotFoundError
            If its model has no price.
        """
        budget = self.budget(like.path)
        if budget is None or entry.model is None:
            return None
        key = (id(budget), entry.model, months)
        if key not in self._spends:
            spend = self._per_token(budget, entry.model, months or MONTHS)
            self._spends[key] = spend.over_months() if months is None else spend
        return Sent(self._spends[key], entry.billed_tokens)

    def _per_token(self, budget: PromptBudget, model: str, months: int) -> Spend:
        from kimi_planner.plan.simulation import project
        from kimi_planner.workload.what_if import per_prompt_token

        try:
            workload = self._workload(budget)
        except (FileError, UsageError, WorkloadError) as error:
            raise PriceNotFoundError(error.reason) from None
        projection = project(
            [per_prompt_token(workload)],
            months,
            None,
            model,
            self._as_of,
            self.config.seed,
            catalog=self.config.catalog,
        )
        return projection.of(model)

    def _workload(self, budget: PromptBudget) -> Workload:
        if id(budget) not in self._workloads:
            self._workloads[id(budget)] = (
                self._stated(budget) if budget.workload is None else self._named(budget)
            )
        return self._workloads[id(budget)]

    def _stated(self, budget: PromptBudget) -> Workload:
        from kimi_planner.workload import Workload

        with restated(at=budget.where, of=WorkloadError, fault=ConfigError):
            return Workload(
                name="calls",
                requests_per_month=budget.calls_per_month,
                prompt_tokens=1,
                completion_tokens=0,
                cached_share=budget.cached_share,
            )

    def _named(self, budget: PromptBudget) -> Workload:
        files = self._files(budget)
        for path in files:
            for one in self.plans.of_file(path):
                if one.name == budget.workload:
                    return one
        raise ConfigError(
            f"no workload is named {budget.workload!r} in {', '.join(files) or 'any budget'}. Correct "
            "the name, or say where it is: workload_file.",
            at=budget.where,
        )

    def _files(self, budget: PromptBudget) -> list[str]:
        named = (budget.workload_file,) if budget.workload_file else self.config.workload_files
        return list(dict.fromkeys(named))

    def is_for(self, budget: PromptBudget, workloads: WorkloadBudget) -> bool:
        """Whether the calls of a budget of prompts are among those of a budget of workloads."""
        return (
            budget.workload is not None
            and workloads.path in self._files(budget)
            and workloads.name in (None, budget.workload)
            and any(one.name == budget.workload for one in self.plans.of_file(workloads.path))
        )
