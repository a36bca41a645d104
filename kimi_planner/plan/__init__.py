"""A plan: what may happen, what is asked for, and what it costs."""

from kimi_planner.lazy import public_names

__all__, __getattr__, __dir__ = public_names(
    __name__,
    {
        "calls.caps": "CapRisk cap_risk",
        "calls.conversation": "Conversation conversation",
        "calls.fit": "ContextFit context_fit",
        "plan.booking": "Booked Booking booked",
        "plan.budget": "BudgetMatrix budget_matrix",
        "plan.drivers": "Sensitivity sensitivity",
        "plan.plan_file": "PlanFile approved_toml read_plan",
        "plan.projection": "Projection",
        "plan.scenario": "Scenario ScenarioComparison compare_scenarios",
        "plan.simulation": "project",
        "reconcile.plans": "PlanChange compare_plans",
        "workload.load": "example_path load_workloads",
        "workload.model": "Workload",
        "workload.quantity": "Quantity",
        "workload.what_if": "what_if",
    },
)
