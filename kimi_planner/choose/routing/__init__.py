"""Routing: a cheap model first, a better one where a detector finds its answer wanting.

`detector` says how a detector errs, `together` how often models fail together, `tree` follows a
task through a cascade, `build` does so for every cascade, and `result` holds what came out.
"""
