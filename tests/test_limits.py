"""Limits: a small input that would take an hour or all memory is one clear line, and exit code 2."""

import bz2
import gzip
import lzma
import re
from pathlib import Path

import checking
import pandas as pd
import pytest

from kimi_planner import limits, read_usage
from kimi_planner.checks import workloads as checked_workloads
from kimi_planner.errors import UsageError, WorkloadError
from kimi_planner.files import globbed
from kimi_planner.packed import open_unpacked
from kimi_planner.safe import error_line
from kimi_planner.tokens.prompts.read import read_templates
from kimi_planner.usage import json_log
from kimi_planner.workload.load import load_workloads

TEMPLATES = """
[[prompts]]
kind = "templates"
paths = ["{}"]
max_tokens = 100
model = "kimi-k2"
"""
HEADER = b"prompt_tokens,completion_tokens\n"
#: 36 MB of rows, each with a long text, that pack to a thousandth of it.
ROWS = b"prompt_tokens,completion_tokens,said\n" + (b"1,2," + b"x" * 10_000 + b"\n") * 3_600
WORKLOAD = (
    '[[workload]]\nname = "w{}"\nrequests_per_day = 10\nprompt_tokens = 10\ncompletion_tokens = 5\n'
)
#: Eight lines whose aliases stand for 9 ** 8 values.
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefg", "bcdefgh", strict=True)
)


LOGS = {
    "more columns than any table": ("log.csv", b",".join(b"c%d" % n for n in range(20_000)), "20,000 columns"),
    "fields of their own in every row": (
        "log.jsonl",
        b'{"prompt_tokens": 1, "completion_tokens": 1, "u": {%s}}\n'
        % b", ".join(b'"cost_of_%d": 1' % n for n in range(10_100)),
        "more than 10,000 fields",
    ),
    "objects in objects": (
        "log.jsonl",
        b'{"usage": ' * 400 + b'{"prompt_tokens": 1, "completion_tokens": 1}' + b"}" * 400,
        "nested",
    ),
    "objects in a cell": (
        "log.csv",
        b'usage\n"' + b'{""a"": ' * 400 + b"1" + b"}" * 400 + b'"\n',
        "nested more than 60 deep",
    ),
    "lists in lists": ("log.json", b"[" * 900 + b"]" * 900, "not an object"),
    "many empty lists": ("log.json", b"[" + b"[]," * 80_000 + b"[]]", "not an object"),
    "a line without end": ("log.csv", HEADER + b"1" * 65_000_000, "longer than 64,000,000 bytes"),
    "gzip of nothing but one row": ("log.csv.gz", gzip.compress(ROWS), "more than 200 times"),
    "gzip of one document": ("log.json.gz", gzip.compress(b'{"a": [\n' + (b'"' + b"x" * 10_000 + b'",\n') * 3_600), "more than 200 times"),
    "bz2": ("log.csv.bz2", bz2.compress(ROWS), "more than 200 times"),
    "xz": ("log.csv.xz", lzma.compress(ROWS, preset=0), "more than 200 times"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "content", "said"), LOGS.values(), ids=LOGS.keys())
def test_a_log_over_a_limit_is_one_line(run, name, content, said):
    """The limit and the place are named, whatever the form of the log."""
    code, *streams = run(
        "usage", "price", name, "--model=kimi-k2", **{name.replace(".", "_"): content}
    )
    printed = "".join(streams)
    assert code == 2
    assert said in printed
    assert printed.startswith(f"kimi-planner: {name}")
    assert printed.count("\n") == 1


PROMPTS = {
    "aliases of YAML as a key": ("p.yaml", BOMB + "? [*h]\n: 1\n", "aliases stand for more than 10,000"),
    "aliases in a key that is a mapping": ("p.yaml", BOMB + "? {k: *h}\n: 1\n", "aliases stand for"),
    "aliases merged": ("p.yaml", BOMB + "all:\n  <<: [*h, *g]\n", "aliases stand for"),
    "values of YAML": ("p.yaml", "[" + "a," * 600_000 + "]", "more than 500,000 values"),
    "values of JSON": ("p.json", "[" + "[]," * 2_600_000 + "1]", "more than 5,000,000 values"),
    "Python": ("p.py", "x = [\n" + "  'abc def',\n" * 100_000 + "]\n", "more than the 1,000,000"),
    "a script": ("p.ts", "const a = " + "'abc' + " * 200_000 + "'a';\n", "more than the 1,000,000"),
    "Jinja": ("p.j2", "{% if a %}b{% endif %}" * 50_000, "more than the 1,000,000"),
    "Jinja that is worked out": ("p.j2", "{% include 'x' * 10**10 %}", "is worked out"),
    "a power in Jinja": ("p.j2", "{% include 10 ** 10 ** 10 %}", "is worked out"),
    "a number of thousands of digits in Jinja": ("p.j2", "{{ " + "9" * 5_000 + " }}", ""),
    "a number of thousands of digits in Python": ("p.py", "X = " + "9" * 5_000, ""),
    "a hexadecimal number of thousands": ("p.py", "PROMPT = f'You are {x + 0x" + "f" * 5_000 + "}'", ""),
    "a width of thousands of digits": ("p.py", "PROMPT = '{:" + "9" * 5_000 + "}'.format(x)", ""),
    "a number of thousands of digits in JSON": ("p.json", '{"prompt": ' + "9" * 5_000 + "}", ""),
    "a number of thousands of digits in TOML": ("p.toml", "prompt = " + "9" * 5_000, ""),
    "keys in keys of TOML": ("p.toml", ".".join("a" * 30_000) + " = 1", "nested more than 60 deep"),
    "keys in keys of YAML": ("p.yaml", "[" * 200 + "]" * 200, "nested more than 60 deep"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "text", "said"), PROMPTS.values(), ids=PROMPTS.keys())
def test_a_prompt_over_a_limit_is_bad_input(run, name, text, said):
    """It is a result beside those of other files, at its file, never an end of the run."""
    config = TEMPLATES.format(name) + TEMPLATES.format("ok.j2")
    files = {name.replace(".", "_"): text, "ok_j2": "ok", "kimi-planner_toml": config}
    code, *streams = run("check", **files)
    printed = "".join(streams)
    assert code in (2, 3)
    assert said in printed
    assert re.search(rf"(?:INVALID|UNKNOWN) +{name}", printed)
    assert "PASSED   ok.j2" in printed


def test_includes_are_counted_one_in_another_and_beside_each_other(run):
    """A few lines that include each other would be read a million times."""
    pairs = zip("abcd", "bcde", strict=True)
    jinja = {f"{name}_j2": f"{{% include '{after}.j2' %}}" * 30 for name, after in pairs}
    led = [("a", "b.yaml"), ("b", "c.yaml"), ("c", "d.txt")]
    promptfoo = {f"{name}_yaml": "prompts:\n" + f"  - file://{after}\n" * 50 for name, after in led}
    config = TEMPLATES.format("a.j2") + TEMPLATES.format("a.yaml")
    files = {"e_j2": "hello", "d_txt": "hello", "kimi-planner_toml": config}
    code, *streams = run("check", **jinja, **promptfoo, **files)
    printed = "".join(streams)
    assert code == 2
    for name in ("a.j2", "a.yaml"):
        assert re.search(rf"INVALID +{name}.* files or 1,000,000 bytes are included", printed)


TOML = {
    "a dotted key": (".".join("a" * 30_000) + " = 1\n", "nested more than 60 deep"),
    "lists in lists": ("x = " + "[" * 100 + "]" * 100, "nested more than 60 deep"),
    "tables in tables": ("x = " + "{ a = " * 5_000 + "1" + " }" * 5_000, "w.toml"),
    "keys that are not known": (WORKLOAD.format(1) + "".join(f"k{n} = 1\n" for n in range(4_000)), "unknown key 'k0'"),
    "more workloads than any file": ("".join(WORKLOAD.format(n) for n in range(2_001)), "2,001 workloads. A file may have 2,000"),
    "an integer of thousands of digits": (WORKLOAD.format(1).replace("10", "9" * 5_000, 1), "w.toml"),
    "a hexadecimal one": (WORKLOAD.format(1).replace("10", "0x" + "f" * 5_000, 1), "requests_per_day"),
    "an exponent": (WORKLOAD.format(1).replace("10", "1e999999", 1), "requests_per_day"),
    "more bytes than any": ("# a comment\n" * 900_000, "more than the 10,000,000"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), TOML.values(), ids=TOML.keys())
def test_a_workload_file_over_a_limit_is_one_line(run, text, said):
    """The limit is named in a line of at most 400 characters."""
    code, *streams = run("plan", "w.toml", w_toml=text)
    printed = "".join(streams)
    assert (code, said in printed) == (2, True)
    assert printed.count("\n") == 1
    assert len(printed.rstrip("\n")) <= limits.ERROR_CHARS


def test_a_file_of_workloads_is_read_once_however_many_it_has(tmp_path, monkeypatch):
    """A check finds the lines of all workloads in one reading."""
    read, reader = [], checked_workloads.read_toml
    monkeypatch.setattr(
        checked_workloads, "read_toml", lambda path: (read.append(path), reader(path))[1]
    )
    text = "".join(WORKLOAD.format(n) for n in range(12))
    config = '[[workloads]]\npath = "w.toml"\nmodel = "kimi-k2"\nmin_fit_share = 0.5\n'
    results = checking.results_of(checking.lay_out(tmp_path, config, w_dot_toml=text))
    assert [one.line for one in results] == [5 * number + 2 for number in range(12)]
    assert len(read) == 1


def test_a_long_document_is_not_parsed_at_every_block(read, monkeypatch):
    """A value over many blocks is tried again only when it has twice the length."""
    monkeypatch.setattr("kimi_planner.usage.lines._BLOCK_BYTES", 1 << 14)
    tried = []
    decode = json_log._decode
    monkeypatch.setattr(
        json_log,
        "_decode",
        lambda text, at: (tried.append(len(text) - at), decode(text, at))[1],
    )
    text = '{"prompt_tokens": 1, "completion_tokens": 2, "a": [\n' + "1,\n" * 300_000 + "1]}"
    frame = read(text, "log.json")
    assert frame["prompt_tokens"].tolist() == [1]
    assert sum(tried) < 4 * len(text)


def test_stars_beside_each_other_are_one(tmp_path):
    """``**/**`` is any number of folders as ``**`` is, and looks at each of them once."""
    folder = tmp_path
    for depth in range(12):
        folder = folder / f"f{depth}"
        folder.mkdir()
        (folder / "a.md").write_text("x", encoding="utf-8")
    many = globbed(tmp_path / ("**/" * 12) / "*.md")
    assert many == globbed(tmp_path / "**" / "*.md")
    assert len(many) == 12
    assert globbed("**/" * 12 + "*.md", folder=tmp_path) == many


def test_more_files_than_can_be_meant_are_refused(tmp_path, monkeypatch):
    """A glob of a whole disk says so, before anything is read."""
    monkeypatch.setattr("kimi_planner.files.FILES", 5)
    for number in range(6):
        (tmp_path / f"{number}.md").touch()
    with pytest.raises(ValueError, match="more than 5 files"):
        globbed(tmp_path / "*.md")
    assert len(globbed(tmp_path / "[0-4].md")) == 5


@pytest.mark.parametrize("name", ["a" * 300, "a" * 300 + "*", "**" * 40])
def test_a_glob_that_is_no_name_finds_nothing(run, name):
    """A name that no system takes ends as any file that is not there."""
    code, *streams = run("usage", "price", name)
    printed = "".join(streams)
    assert code == 2
    assert "internal" not in printed


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_what_is_packed_well_is_still_read(tmp_path, pack):
    """Below the bound any ratio is fine, and above it one that logs have."""
    path = tmp_path / "a"
    path.write_bytes(pack(b"x" * 20_000_000))
    with open_unpacked(path) as handle:
        assert len(handle.read()) == 20_000_000


@pytest.mark.parametrize(
    ("name", "line"), [("log.csv", b"1,2\n"), ("log.jsonl", b"{}\n"), ("log.json", b"[],\n")]
)
def test_lines_of_a_few_signs_count_what_they_take_in_memory(tmp_path, name, line):
    """A packed file of short lines unpacks to little text, and to a row for each."""
    head = {"log.csv": HEADER, "log.json": b"[\n"}.get(name, b"")
    path = tmp_path / f"{name}.gz"
    path.write_bytes(gzip.compress(head + line * 400_000))
    assert 400_000 * len(line) < limits.UNPACKED_BYTES
    with pytest.raises(UsageError, match="more than 200 times as long"):
        read_usage(path, on_error="skip")
    path.write_bytes(gzip.compress(HEADER + b"1,2\n" * 1_000))
    assert len(read_usage(path.rename(tmp_path / "small.csv.gz"))) == 1_000


def test_an_error_line_keeps_its_place_and_its_remedy():
    """A longer message is cut in its middle, and what a terminal would obey is shown."""
    line = error_line("log.csv line 3: " + "x" * 5_000 + " Write \x1b[31m\u202ered.")
    assert line.startswith("log.csv line 3: x")
    assert line.endswith("x Write \\x1b[31m\\u202ered.")
    assert len(line) <= limits.ERROR_CHARS


def test_a_frame_of_many_columns_is_read_in_one_pass():
    """Whether a name stands there twice is told by counting, not by looking for each."""
    frame = pd.DataFrame({f"c{n}": [1] for n in range(3_000)})
    frame["prompt_tokens"], frame["completion_tokens"] = 1, 1
    assert read_usage(frame)["prompt_tokens"].tolist() == [1]


def test_two_thousand_workloads_have_names_of_their_own(tmp_path):
    """A name that stands there twice is found among many."""
    path = tmp_path / "w.toml"
    path.write_text("".join(WORKLOAD.format(n) for n in [*range(300), 7]), encoding="utf-8")
    with pytest.raises(WorkloadError, match=r"line 1502: .*second workload named 'w7'"):
        load_workloads(path)


def test_a_template_at_the_limit_is_read(tmp_path):
    """What is just below the limit is no fault."""
    path = tmp_path / "a.j2"
    path.write_text("word " * 50_000, encoding="utf-8")
    assert len(read_templates(path)) == 1


def test_the_documentation_has_every_limit():
    """The table of limits is the module of limits."""
    text = (Path(__file__).parents[1] / "docs" / "security.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| ([\d,]+) \|", text, re.MULTILINE))
    assert rows == {name: f"{getattr(limits, name):,}" for name in limits.__all__}
