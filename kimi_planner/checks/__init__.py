"""Budgets in CI: what is allowed, held against what is there; never prints or exits.

`config` reads `budgets`; `found` are the `prompts` that they are for, and `prompt_limits`, `workloads`
and `catalogs` hold things against their budgets, which gives `results`. `baseline` is what was accepted, `baseline_file` its
file, `changes` what became of it and why, `growth` how much of that is allowed. `run` is all of it, and
`formats` are the forms in which it is written.
"""
