"""Budgets in CI: `config` reads what is allowed, `run` holds files against it."""

from kimi_planner.checks.config import CheckConfig, PromptBudget, WorkloadBudget, load_config
from kimi_planner.checks.run import CheckResult, Outcome, run_checks, worst

__all__ = [
    "CheckConfig",
    "CheckResult",
    "Outcome",
    "PromptBudget",
    "WorkloadBudget",
    "load_config",
    "run_checks",
    "worst",
]
