"""Planned against actual: what made the difference, summing to it exactly.

`planned` reads a plan, `actual` a log, `causes` splits the difference of one workload in one
month, `compare` does so for all of them, and `result` holds what came out.
"""
