"""A portfolio: a model for every workload under one budget."""
