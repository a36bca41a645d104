"""Budgets in CI: what is allowed, held against what is there; never prints or exits.

`config` reads `budgets`; `globs` find the files, `found` are the `prompts` in them and `coverage` what
became of each; `prompt_limits`, `workloads` and `catalogs` hold things against their budgets, which
gives `results`. `baseline` is what was accepted, `baseline_file` its file, `content` knows a prompt
again that moved, `changes` say what became of it and why, `growth` how much of that is allowed. `run`
is all of it, `together` makes one report of several, and `formats` are the forms in which it is
written. `proposal` is a first configuration, `proposal_text` its texts, with a stub of a workload for each call of a model.
"""
