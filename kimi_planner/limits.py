"""How much of an input is read: a limit for each kind, far above what is meant, below what harms.

What is over a limit is refused in one line, whole: nothing is read in part. The table in
``docs/security.md`` has each of them.
"""

from __future__ import annotations

__all__ = [
    "ALIASES",
    "CODE_BYTES",
    "DATA_BYTES",
    "DEPTH",
    "DIGITS",
    "DOCUMENT_CHARS",
    "ERROR_CHARS",
    "FILES",
    "INCLUDED_BYTES",
    "INCLUDED_EACH",
    "LINE_BYTES",
    "NODES",
    "PIXELS",
    "TABLE_COLUMNS",
    "TEXT_BYTES",
    "TOML_BYTES",
    "UNPACKED_BYTES",
    "UNPACKED_LINE",
    "UNPACKED_TIMES",
    "WORKLOADS",
]

#: Characters of an error line on the terminal, in an annotation and in a comment.
ERROR_CHARS = 400
#: Bytes of a workload file, a configuration, a catalog or a plan in TOML.
TOML_BYTES = 10_000_000
#: Workloads of one file.
WORKLOADS = 2_000
#: Bytes of a prompt that is a file of text, of a request, a baseline, a report or evaluations.
TEXT_BYTES = 100_000_000
#: Bytes of a file of prompts in YAML, JSON, TOML or a notebook.
DATA_BYTES = 10_000_000
#: Bytes of code or of a template, of which a parser makes a tree: Python, scripts, Jinja.
CODE_BYTES = 1_000_000
#: Bytes that a file of prompts includes, of files one in another; a file counts `INCLUDED_EACH` more.
INCLUDED_BYTES = 1_000_000
INCLUDED_EACH = 1_000
#: How deep keys, lists and tables may lie in each other.
DEPTH = 60
#: Values of a JSON file that is read as a whole, and a tenth of it of a YAML file: signs that part them.
NODES = 5_000_000
#: Values that aliases of YAML repeat; a few lines of them can stand for more than memory holds.
ALIASES = 10_000
#: Digits of a decimal number, before and after its point.
DIGITS = 1_000
#: Bytes of a line of a log.
LINE_BYTES = 64_000_000
#: Characters of a JSON value of a log that goes on over lines.
DOCUMENT_CHARS = 64_000_000
#: Columns of a table, or fields of the entries of a log that are read together.
TABLE_COLUMNS = 10_000
#: How many times its size on disk a packed file may have; below `UNPACKED_BYTES` any number.
UNPACKED_TIMES = 200
#: Bytes that any packed file may have, unpacked.
UNPACKED_BYTES = 32_000_000
#: Bytes that a line counts more than it has, unpacked: a row of a few signs takes as much in memory.
UNPACKED_LINE = 100
#: Files of a folder or a glob, and folders and files that are looked at for one.
FILES = 100_000
#: Pixels of an image, on a side.
PIXELS = 1_000_000
