"""A team's own evaluations: how often each model succeeds at the tasks of a workload."""
