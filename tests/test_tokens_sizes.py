"""Tokens from sizes: the rules of the table, rounding, errors, and texts that it was not measured on."""

from __future__ import annotations

import base64
import importlib.util
import random
import re
import runpy
import subprocess
import sys
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_planner import count_tokens_batch
from kimi_planner.errors import FileError, RequestError
from kimi_planner.files import data_dir
from kimi_planner.tokens import size_kinds, sizes, tokens_from_bytes
from kimi_planner.tokens.vocabulary import SHA256

PATH = data_dir() / "tokens_per_byte.toml"
TEXT = PATH.read_text(encoding="utf-8")
TABLE: dict[str, Any] = tomllib.loads(TEXT)
ROWS: dict[str, dict[str, Any]] = {row["kind"]: row for row in TABLE["kinds"]}
RATIOS = {f"tokens_per_byte_{name}" for name in ("mean", "p10", "p50", "p90")}
SOURCE = re.compile(r"(PyPI|Debian) (\S+) (\S+) \((.+)\), (\d+) pieces")


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    """Return the names of the script that measures the table, which only a checkout has."""
    path = Path(__file__).parents[1] / "benchmarks" / "sizes.py"
    if not path.is_file():
        pytest.skip("benchmarks/ is not here")
    return runpy.run_path(str(path))


# --- the table


def test_the_keys_are_exact_and_the_vocabulary_is_ours() -> None:
    """The table has exactly its documented keys and was measured with the proven vocabulary."""
    assert TABLE.keys() == {
        "version", "measured_on", "vocabulary_sha256", "piece_bytes", "kinds",
    }  # fmt: skip
    assert TABLE["vocabulary_sha256"] == SHA256
    assert f"{TABLE['measured_on']:%Y-%m}" == TABLE["version"]
    for row in TABLE["kinds"]:
        assert row.keys() == {"kind", "title", "bytes", "pieces", "source"} | RATIOS, row["kind"]


@pytest.mark.parametrize("kind", ROWS)
def test_a_row_is_consistent(kind: str) -> None:
    """Ratios have 4 digits and rise with the percentile, and there are 100 pieces of full size."""
    row = ROWS[kind]
    for key in RATIOS:
        assert re.fullmatch(r"0\.[1-9]\d{3}|0\.0[1-9]\d{3}", row[key]), key
    p10, p50, p90 = (Decimal(row[f"tokens_per_byte_p{q}"]) for q in (10, 50, 90))
    assert 0 < p10 <= p50 <= p90 <= 1
    assert p10 <= Decimal(row["tokens_per_byte_mean"]) <= p90
    assert row["pieces"] >= 100
    size = TABLE["piece_bytes"]
    assert row["pieces"] * size / 2 <= row["bytes"] <= row["pieces"] * size


@pytest.mark.parametrize("kind", ROWS)
def test_every_piece_has_a_source(kind: str) -> None:
    """A row names package, version and licence of all its pieces."""
    found = [SOURCE.fullmatch(source) for source in ROWS[kind]["source"]]
    assert all(found), ROWS[kind]["source"]
    assert sum(int(match[5]) for match in found if match) == ROWS[kind]["pieces"]


def test_the_table_is_what_the_script_measures(script: dict[str, Any]) -> None:
    """Kinds, packages, versions and licences are those that the script pins."""
    pinned = {
        (registry, package, *pin)
        for registry, table in (("PyPI", script["PYPI"]), ("Debian", script["DEBIAN"]))
        for package, pin in table.items()
    }
    named = {
        match.groups()[:4]
        for row in ROWS.values()
        for match in map(SOURCE.fullmatch, row["source"])
        if match
    }
    assert named == pinned
    assert list(ROWS) == list(script["KINDS"]) == list(size_kinds())


# --- the estimate


@pytest.mark.parametrize("n", [0, 1, 7, 3_999, 123_456_789, 10**15])
@pytest.mark.parametrize("kind", ["english", "chinese", "json", "csv"])
def test_low_is_rounded_down_and_high_up(n: int, kind: str) -> None:
    """The estimate is bytes x ratio in whole tokens, and its range is rounded outwards."""
    found = tokens_from_bytes(n, kind)
    ratio = {q: int(Decimal(ROWS[kind][f"tokens_per_byte_p{q}"]) * 10**6) for q in (10, 90)}
    assert found.low == n * ratio[10] // 10**6
    assert found.high == -(-n * ratio[90] // 10**6)
    assert abs(found.tokens - n * Decimal(ROWS[kind]["tokens_per_byte_mean"])) <= Decimal("0.5")
    assert found.low <= found.tokens <= found.high
    assert (found.kind, found.exactness) == (kind, "estimate")


def test_why_names_the_corpora() -> None:
    """One sentence says what the numbers rest on, with every package, and what the range is."""
    found = tokens_from_bytes(4_000, kind="chinese")
    for source in ROWS["chinese"]["source"]:
        assert source.split(" (")[0] in found.why
    assert "P10 and P90" in found.why
    assert found.why.endswith(".")


@pytest.mark.parametrize(("kind", "near"), [("Chinese", "chinese"), ("pyhton", "python")])
def test_an_unknown_kind_is_refused_with_the_nearest(kind: str, near: str) -> None:
    """The error lists the kinds and suggests the nearest."""
    with pytest.raises(RequestError, match=f"Did you mean '{near}'") as error:
        tokens_from_bytes(1, kind)
    assert all(known in str(error.value) for known in ROWS)


@pytest.mark.parametrize("kind", [None, 3, "", ["english"]])
def test_a_kind_that_is_no_word_is_refused(kind: Any) -> None:
    """What cannot be a kind is refused like an unknown one."""
    with pytest.raises(RequestError, match="Unknown kind"):
        tokens_from_bytes(1, kind)


@pytest.mark.parametrize("n", [-1, 10**15 + 1, 1.0, True, "4000", None, float("nan")])
def test_a_size_that_is_no_number_of_bytes_is_refused(n: Any) -> None:
    """A size is a whole number from 0 to 10**15."""
    with pytest.raises(RequestError, match="whole number of bytes"):
        tokens_from_bytes(n, "english")


# --- reading the table

MEAN = 'tokens_per_byte_mean = "' + ROWS["english"]["tokens_per_byte_mean"] + '"'
P10 = 'tokens_per_byte_p10 = "' + ROWS["english"]["tokens_per_byte_p10"] + '"'
TITLE = f'title = "{ROWS["english"]["title"]}"'


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (TITLE, f"{TITLE}\ntitel = 1", r"line 10: unknown key 'titel'\. Did you mean 'title'"),
        (f"{TITLE}\n", "", "line 7: title is None"),
        ("piece_bytes = 4000\n", "", "piece_bytes is None"),
        (MEAN, 'tokens_per_byte_mean = "0.9"', "line 7: it must hold"),
        (P10, 'tokens_per_byte_p10 = "0.0"', "line 7: it must hold"),
        (P10, 'tokens_per_byte_p10 = "nan"', "'nan' is not a decimal"),
        (P10, "tokens_per_byte_p10 = 0.1988", "line 11: tokens_per_byte_p10 is 0.1988; it must be"),
        ('kind = "chinese"', 'kind = "english"', "duplicate kind 'english'"),
        ("pieces = 1", "pieces = -1", "pieces is -1.*must be int"),
        (SHA256, SHA256[::-1], "line 4: measured with another vocabulary"),
        ('source = [\n  "Debian', 'source = [\n  1, "Debian', "source must list packages"),
    ],
)
def test_a_table_that_breaks_a_rule_is_refused(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    """A changed key, form, order or vocabulary is refused, with file and line."""
    assert old in TEXT
    path = tmp_path / "table.toml"
    path.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(FileError, match=message) as error:
        sizes._read(path)
    assert str(error.value).startswith(str(path))


@pytest.mark.parametrize("kinds", ["[]", "[1]", '"none"'])
def test_a_table_without_rows_is_refused(tmp_path: Path, kinds: str) -> None:
    """The kinds must be tables, at least one."""
    path = tmp_path / "table.toml"
    head = TEXT.split("[[kinds]]", maxsplit=1)[0]
    path.write_text(f"{head}kinds = {kinds}\n", encoding="utf-8")
    with pytest.raises(FileError, match=r"kinds (is|must be)"):
        sizes._read(path)


def test_estimating_loads_neither_numpy_nor_the_tokenizer() -> None:
    """Planning from sizes needs the table alone."""
    code = (
        "import sys, kimi_planner as kp; kp.tokens.tokens_from_bytes(1, 'go'); "
        "print([name for name in ('numpy', 'pandas', 'tiktoken', 'splintr') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"


# --- texts that are not the corpora of the table


def package_texts(package: str, *patterns: str) -> list[str]:
    """Return texts that an installed package ships, or skip."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        pytest.skip(f"{package} is not installed")
    folder = Path(spec.origin).parent
    paths = sorted(path for pattern in patterns for path in folder.glob(pattern) if path.is_file())
    return [path.read_text(encoding="utf-8") for path in paths]


def translations(text: str) -> str:
    """Return the messages of a ``.po`` file."""
    return "\n".join(re.findall(r'^msgstr "(.+)"$', text, re.MULTILINE))


OTHERS = {
    "english": lambda: package_texts("scipy", "../scipy-*.dist-info/**/LICENSE*.txt"),
    "chinese": lambda: [
        translations(text)
        for text in package_texts("jupyter_server", "i18n/zh_CN/LC_MESSAGES/*.po")
    ],
    "python": lambda: package_texts("hypothesis", "*.py", "strategies/**/*.py"),
    "c": lambda: package_texts("numpy", "_core/include/numpy/*.h", "core/include/numpy/*.h"),
    "html": lambda: package_texts("pandas", "io/formats/templates/html*.tpl"),
    "json": lambda: package_texts("nbformat", "**/*.schema.json"),
    "csv": lambda: package_texts("matplotlib", "mpl-data/sample_data/*.csv"),
    "base64": lambda: [base64.b64encode(random.Random(0).randbytes(30_000)).decode()],
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_texts_of_the_kind_lie_near_the_range(kind: str) -> None:
    """Exact counts of texts that are in no corpus lie in the range, widened by a quarter."""
    texts = [text for text in OTHERS[kind]() if text]
    size = sum(len(text.encode()) for text in texts)
    assert size > 2_000
    found = tokens_from_bytes(size, kind)
    assert 0.75 * found.low <= count_tokens_batch(texts).sum() <= 1.25 * found.high


# --- cutting


@given(text=st.text(), size=st.integers(4, 40))
def test_the_cutter_loses_no_byte(script: dict[str, Any], text: str, size: int) -> None:
    """Pieces put together are the text, and none is larger than asked for."""
    cut = list(script["pieces"](text, size))
    assert "".join(cut) == text
    assert all(0 < len(piece.encode()) <= size for piece in cut)


def test_the_cutter_prefers_line_ends_then_spaces(script: dict[str, Any]) -> None:
    """A piece ends after a line end, else after a space, else between two characters."""
    pieces = script["pieces"]
    assert list(pieces("a b\nc d e", 6)) == ["a b\n", "c d e"]
    assert list(pieces("aa bb cc", 7)) == ["aa bb ", "cc"]
    assert list(pieces("你好吗", 7)) == ["你好", "吗"]
