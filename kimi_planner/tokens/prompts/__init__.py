"""Prompts as code and files hold them: fixed text, variables, and the range of tokens they span.

The way of a prompt: `python`, `keyed` (YAML, JSON, TOML), `jinja` or a text file, opened by `read`,
with `names` to tell which texts are prompts and `placeholders` to tell what is filled -> `parts`
-> `ranges`, which rests on `values` and `seams`.
"""

from kimi_planner.tokens.prompts.parts import Choice, PromptTemplate, Repeat, Variable
from kimi_planner.tokens.prompts.ranges import TokenRange, token_range
from kimi_planner.tokens.prompts.read import read_templates
from kimi_planner.tokens.prompts.values import ValueRange

__all__ = [
    "Choice",
    "PromptTemplate",
    "Repeat",
    "TokenRange",
    "ValueRange",
    "Variable",
    "read_templates",
    "token_range",
]
