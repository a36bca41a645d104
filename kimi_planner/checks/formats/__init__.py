"""The forms of a check's report: each module's ``render`` returns text, and writes nothing.

`visible` shows what hides in names; `lines` words results, and `changed` what became of things.
"""
