"""The calls of a workload on a model: their sizes, what overflows, what a cap cuts."""
