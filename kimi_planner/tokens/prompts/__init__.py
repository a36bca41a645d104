"""Prompts as code and files hold them: fixed text, variables, and the range of tokens they span.

The way of a prompt: `python`, `keyed` (YAML, JSON, TOML), `jinja` or a text file, opened by `read`,
with `names` to tell which texts are prompts and `placeholders` to tell what is filled -> `parts`
-> `ranges`, which rests on `values` and `seams`.
"""
