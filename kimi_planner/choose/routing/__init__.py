"""Routing: a cheap model first, a better one where a detector finds its answer wanting.

`together` says how often models fail together, `detector` how a detector errs, and follows a task
through a cascade, `build` does so for every cascade, and `result` holds what came out.
"""
