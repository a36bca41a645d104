"""Budgets in CI: what is allowed, held against what is there; never prints or exits.

`config` reads `budgets`; `found` are the `prompts` that they are for, and `prompt_limits`, `workloads`
and `catalogs` hold things against their budgets, which gives `results`. `baseline` is what was accepted, `baseline_file` its
file, `changes` what became of it and why, `growth` how much of that is allowed. `run` is all of it, and
`formats` are the forms in which it is written.
"""

from kimi_planner.checks.budgets import CheckConfig, PromptBudget, WorkloadBudget
from kimi_planner.checks.config import find_config, load_config
from kimi_planner.checks.results import CheckResult, Outcome, worst
from kimi_planner.checks.run import Check, CheckReport, run_checks

__all__ = [
    "Check",
    "CheckConfig",
    "CheckReport",
    "CheckResult",
    "Outcome",
    "PromptBudget",
    "WorkloadBudget",
    "find_config",
    "load_config",
    "run_checks",
    "worst",
]
