"""A portfolio: a model for every workload under one budget, proved best or with a stated gap."""
