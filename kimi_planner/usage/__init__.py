"""What happened: `record` for one call, `read` for logs of every supported form.

Nothing is imported here, so that pricing one call does not load pandas.
"""
