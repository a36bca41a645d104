"""Prompts as code and files hold them: fixed text, variables, and the range of tokens they span.

The way of a prompt: a file, opened by `read` as its form says (`forms`): code (`python`, with `newer`
for syntax that the interpreter does not know; `script`; `notebook`; `expressions` are what every
language reads alike, `static` and `script_text` what each does), keys and values (`keyed`, with `frameworks` for what keys mean), a
`chat` file or `jinja`. `names` tell which texts are prompts or look like one, `taking` sorts those
of code, `placeholders` tell what is filled -> `parts` -> `ranges`, which rests on `values` and
`seams`.
"""
