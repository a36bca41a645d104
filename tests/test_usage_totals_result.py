"""Totals of tokens: brute force, batches and a cluster agree to the last digit."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from decimal import Decimal
from functools import reduce
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimi_planner import load_catalog, price_usage, read_usage
from kimi_planner.errors import KimiPlannerError, MissingExtraError, UnknownModelError, UsageError
from kimi_planner.files import data_dir
from kimi_planner.usage import spend_by, total_usage
from kimi_planner.usage.priced import total_cost
from kimi_planner.usage.totals.group import TOTALS
from kimi_planner.usage.totals.result import UsageTotals

MODELS = list(load_catalog().ids)
LARGEST = 10**15


def log(rows: int, seed: int = 0, scale: int = 2_000) -> pd.DataFrame:
    """Return a usage frame over three months, some counts not stated, with a column ``team``."""
    rng = np.random.default_rng(seed)
    prompt = rng.integers(0, scale, rows)
    completion = rng.integers(0, scale, rows)
    cached = pd.array(rng.integers(0, prompt + 1), dtype="Int64")
    cached[rng.random(rows) < 0.2] = pd.NA
    reasoning = pd.array(rng.integers(0, completion + 1), dtype="Int64")
    reasoning[rng.random(rows) < 0.5] = pd.NA
    seconds = rng.integers(0, 91 * 86_400, rows)
    return pd.DataFrame(
        {
            "timestamp": pd.Timestamp("2026-06-01", tz="UTC")
            + pd.to_timedelta(seconds, unit="s").as_unit("us"),
            "model": np.array(MODELS, dtype=object)[rng.integers(0, 4, rows)],
            "requests": rng.integers(1, 4, rows),
            "prompt_tokens": prompt,
            "cached_tokens": cached,
            "completion_tokens": completion,
            "reasoning_tokens": reasoning,
            "team": np.array(["a", "b"], dtype=object)[rng.integers(0, 2, rows)],
        }
    )


def catalog_with(folder: Path, **prices: str) -> Path:
    """Write the shipped catalog with other prices of `kimi-k2`, and return its path."""
    text = (data_dir() / "catalogs" / "2026-06.toml").read_text(encoding="utf-8")
    head, model, tail = text.partition('id = "kimi-k2"\n')
    entry, end, rest = tail.partition("[[models]]")
    for name, price in prices.items():
        if name == "cached":
            model += f'cached_input_usd_per_mtok = "{price}"\n'
            entry = entry.replace(
                '"input_usd_per_mtok"', '"input_usd_per_mtok", "cached_input_usd_per_mtok"'
            )
        else:
            entry = re.sub(
                rf"^{name}_usd_per_mtok = .*$",
                f'{name}_usd_per_mtok = "{price}"',
                entry,
                flags=re.M,
            )
    path = folder / "own.toml"
    path.write_text(head + model + entry + end + rest, encoding="utf-8")
    return path


def brute_force(frame: pd.DataFrame, by: list[str]) -> dict[tuple, tuple[int, ...]]:
    """Add up rows one by one in Python integers."""
    sums: dict[tuple, list[int]] = defaultdict(lambda: [0] * len(TOTALS))
    for row in frame.to_dict("records"):
        stated = {name: not pd.isna(row[name]) for name in ("cached_tokens", "reasoning_tokens")}
        values = {
            "rows": 1,
            **{name: int(row[name]) if stated.get(name, True) else 0 for name in TOTALS[1:6]},
            "rows_without_cached": int(not stated["cached_tokens"]),
            "rows_without_reasoning": int(not stated["reasoning_tokens"]),
        }
        time = row["timestamp"]
        keys = {
            **row,
            "month": None if pd.isna(time) else f"{time:%Y-%m}",
            "day": None if pd.isna(time) else f"{time:%Y-%m-%d}",
        }
        cell = tuple(None if pd.isna(keys[key]) else keys[key] for key in by)
        for n, name in enumerate(TOTALS):
            sums[cell][n] += values[name]
    return {cell: tuple(numbers) for cell, numbers in sums.items()}


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    rows=st.integers(1, 60),
    scale=st.sampled_from([3, 2_000, 2**29, LARGEST]),
    by=st.lists(st.sampled_from(["month", "day", "model", "team"]), unique=True, max_size=3),
)
def test_totals_are_those_of_a_loop(seed: int, rows: int, scale: int, by: list[str]) -> None:
    """Every key and every size of counts gives what adding up row by row gives."""
    frame = log(rows, seed, scale)
    holes = np.random.default_rng(seed).random(rows) < 0.2
    frame.loc[holes, "timestamp"] = pd.NaT
    frame.loc[holes, ["model", "team"]] = None
    assert total_usage(frame, by).cells == brute_force(frame, by)


def test_sums_pass_64_bits() -> None:
    """Long logs of the largest counts neither wrap nor round, also in the frame."""
    rows = 30_000
    frame = pd.DataFrame(
        {
            "model": ["a", "b"] * (rows // 2),
            "prompt_tokens": np.full(rows, LARGEST),
            "completion_tokens": np.full(rows, LARGEST - 1),
        }
    )
    found = total_usage(frame, "model").frame
    assert found["prompt_tokens"].tolist() == [LARGEST * rows // 2] * 2
    assert found["completion_tokens"].tolist() == [(LARGEST - 1) * rows // 2] * 2
    assert found["prompt_tokens"].dtype == object
    assert found["rows"].dtype == np.int64


def test_months_are_those_of_utc() -> None:
    """A call belongs to the month in which it is in UTC, to the microsecond."""
    times = ["2026-06-30T23:59:59.999999Z", "2026-07-01T00:00:00Z", "2026-07-01T01:30:00+02:00"]
    frame = pd.DataFrame({"timestamp": times, "prompt_tokens": 1, "completion_tokens": 0})
    totals = total_usage(frame, ["month"])
    assert totals.frame[["month", "rows"]].to_numpy().tolist() == [["2026-06", 2], ["2026-07", 1]]
    assert str(totals.first) == "2026-06-30 23:30:00+00:00"
    assert str(totals.last) == "2026-07-01 00:00:00+00:00"


def test_totals_of_parts_add_up_in_any_order() -> None:
    """However a log is cut and shuffled, the sum of its parts is the same."""
    frame = log(500, scale=LARGEST)
    whole = total_usage(frame, ["month", "model"])
    random = Random(0)
    for pieces in (1, 2, 7):
        cuts = [0, *sorted(random.sample(range(1, 500), pieces)), 500]
        parts = [total_usage(frame[a:b], ["month", "model"]) for a, b in pairwise(cuts)]
        random.shuffle(parts)
        added = reduce(lambda one, other: one + other, parts)
        assert (added.cells, added.first, added.last) == (whole.cells, whole.first, whole.last)
    with pytest.raises(UsageError, match=r"by month, model and totals by model cannot be added"):
        whole + total_usage(frame, "model")


def test_totals_by_fewer_keys() -> None:
    """Keys can be dropped afterwards, down to the total of all."""
    frame = log(300)
    totals = total_usage(frame, ["month", "model", "team"])
    assert totals.over(["team", "month"]).cells == brute_force(frame, ["team", "month"])
    assert totals.total == dict(zip(TOTALS, brute_force(frame, [])[()], strict=True))
    with pytest.raises(UsageError, match=r"not by 'day', only by month, model, team"):
        totals.over("day")


def test_totals_without_rows_are_zero():
    """What has no cell has none by other keys, and counts that are all 0."""
    empty = UsageTotals(by=("month", "model"), cells={})
    assert empty.over("model").cells == {}
    assert empty.total == dict.fromkeys(TOTALS, 0)


@pytest.fixture(scope="module")
def large() -> pd.DataFrame:
    """Return a million calls whose prompt tokens add up past the largest 64-bit integer."""
    frame = log(1_000_000, seed=7, scale=4 * 10**13)
    assert sum(frame["prompt_tokens"].tolist()) > 2**63
    return frame


@pytest.fixture(scope="module")
def folder(large: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the same calls as partitions of Parquet, plain CSV and gzip CSV."""
    path = tmp_path_factory.mktemp("logs")
    for team, rows in large.groupby("team"):
        part = path / f"team={team}"
        part.mkdir()
        rest = rows.drop(columns="team")
        rest[:490_000].to_parquet(part / "calls.parquet", row_group_size=50_000)
        rest[490_000:495_000].to_csv(part / "more.csv", index=False)
        rest[495_000:].to_csv(part / "most.csv.gz", index=False)
    (path / "_SUCCESS").touch()
    return path


@pytest.mark.usefixtures("cluster")
def test_memory_batches_and_a_cluster_agree(large: pd.DataFrame, folder: Path) -> None:
    """One frame, a folder in batches, and two worker processes give the same whole numbers."""
    import dask.dataframe as dd

    import kimi_planner.dask

    by = ["month", "model", "team"]
    whole = total_usage(large, by)
    assert whole.total["prompt_tokens"] == sum(large["prompt_tokens"].tolist())
    batches = total_usage(folder, by)
    assert batches.cells == whole.cells
    assert (batches.first, batches.last) == (whole.first, whole.last)
    files = kimi_planner.dask.total_usage(folder, by)
    parts = dd.read_parquet(folder / "team=a" / "calls.parquet", split_row_groups=1)
    assert parts.npartitions == 10
    partitions = kimi_planner.dask.total_usage(parts, ["month", "model"])
    with pytest.raises(UsageError, match=r"no column 'tea' .* Did you mean 'team'"):
        kimi_planner.dask.total_usage(folder, ["tea"])
    assert (files.cells, files.first, files.last) == (whole.cells, whole.first, whole.last)
    only = large[large["team"] == "a"][:490_000]
    assert partitions.cells == total_usage(only, ["month", "model"]).cells
    spend = spend_by(files, ["team"], MODELS)
    pd.testing.assert_frame_equal(spend, spend_by(large, ["team"], MODELS))


def test_a_folder_may_hold_other_logs_and_other_columns(tmp_path: Path) -> None:
    """JSON lines are read too, and a column that only a later file has is not lost."""
    (tmp_path / "a.csv").write_text("model,prompt_tokens,completion_tokens\nm,5,1\n")
    (tmp_path / "b.csv").write_text(
        "completion_tokens,prompt_tokens,cached_tokens,model,note\n2,7,3,m,\n1,1,,m,x\n"
    )
    (tmp_path / "c.jsonl").write_text(
        '{"model": "m", "prompt_tokens": 10, "completion_tokens": 4, "cached_tokens": 2}\n'
    )
    pd.DataFrame({"model": ["m"], "prompt_tokens": [1.0], "completion_tokens": [0]}).astype(
        {"model": "category"}
    ).to_parquet(tmp_path / "d.parquet")
    found = total_usage(tmp_path, "model").frame.to_dict("records")
    assert found == [
        {
            "model": "m",
            "rows": 5,
            "requests": 5,
            "prompt_tokens": 24,
            "cached_tokens": 5,
            "completion_tokens": 8,
            "reasoning_tokens": 0,
            "rows_without_cached": 3,
            "rows_without_reasoning": 5,
        }
    ]


def test_names_of_folders_state_columns(tmp_path: Path) -> None:
    """A partition's name is a column of its files, spelled back, and may state that it is missing."""
    for name, rows in (("a%20b", 1), ("__HIVE_DEFAULT_PARTITION__", 2)):
        part = tmp_path / f"team={name}" / "model=kimi-k2"
        part.mkdir(parents=True)
        _written(part / "x.csv", "prompt_tokens,completion_tokens\n" + "5,1\n" * rows)
        _written(part / "y.jsonl", '{"prompt_tokens": 7, "completion_tokens": 1}\n')
    found = total_usage(tmp_path, ["team", "model"]).frame
    assert found[["team", "model", "prompt_tokens"]].to_numpy().tolist() == [
        ["a b", "kimi-k2", 12],
        [None, "kimi-k2", 17],
    ]


def test_without_pyarrow_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parquet needs an extra; text does not."""
    _written(tmp_path / "a.csv", "prompt_tokens,completion_tokens\n5,1\n")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert total_usage(tmp_path, "model").total["prompt_tokens"] == 5
    _written(tmp_path / "b.parquet", "PAR1")
    with pytest.raises(MissingExtraError, match=r"extra \[corpora\] adds with: pip install "):
        total_usage(tmp_path, "model")


TIMES = {
    "zulu": ["2026-06-30T23:59:59Z", "2026-07-01T00:00:00Z"],
    "offsets": ["2026-07-01T01:30:00+02:00", "2026-06-30T20:00:00-05:30"],
    "fractions": ["2026-06-30 23:59:59.999999+00:00", "2026-06-30T23:59:59.999999999Z"],
    "no offset": ["2026-06-30T23:59:59", "2026-07-01 00:00"],
    "dates": ["2026-06-30", "20260701"],
    "epochs": ["1782863999", "1782864000000"],
    "mixed": ["1782863999", "2026-07-01T00:00:00Z"],
    "not stated": ["", "2026-07-01T00:00:00Z"],
}


@pytest.mark.parametrize("times", TIMES.values(), ids=TIMES.keys())
def test_times_are_read_in_batches_as_they_are_in_memory(tmp_path: Path, times: list[str]) -> None:
    """Every spelling of a time falls on the same day in a streamed CSV as in `read_usage`."""
    rows = "".join(f"{time},1,1\n" for time in times)
    path = _written(tmp_path / "a.csv", f"timestamp,prompt_tokens,completion_tokens\n{rows}")
    streamed, read = total_usage(tmp_path, "day"), total_usage(path, "day")
    assert streamed.cells == read.cells
    assert (streamed.first, streamed.last) == (read.first, read.last)


BAD_CSV = (
    "timestamp,model,prompt_tokens,completion_tokens,client\n"
    "2026-06-01T00:00:00Z,m,5,1,x\n"
    "2026-06-01T00:00:01Z,m,-5,1,x\n"
    "2026-06-01T00:00:02Z,m,five,1,y\n"
    "2026-06-01T00:00:03Z,m,7\n"
    "2026-06-01T00:00:04Z,m,8,1,y\n"
    "yesterday,m,8,1,y\n"
)


def test_bad_rows_are_named_or_counted(tmp_path: Path) -> None:
    """A bad row stops the run with file and row, or is left out and counted; never a silent zero."""
    path = tmp_path / "calls.csv"
    path.write_text(BAD_CSV)
    with pytest.raises(UsageError, match=r"calls\.csv line 3: prompt_tokens is -5"):
        total_usage(tmp_path, "client")
    found = total_usage(tmp_path, "client", on_error="skip")
    assert found.frame[["client", "rows", "prompt_tokens"]].to_numpy().tolist() == [
        ["x", 1, 5],
        ["y", 1, 8],
    ]
    assert found.rejected == 4
    said = " ".join(found.rejected_examples)
    for words in ("line 5: 3 fields where the header has 5", "is -5", "'five'", "'yesterday'"):
        assert words in said
    path.write_text(BAD_CSV.replace("03Z,m,7\n", "03Z,m,7,1,x\n"))
    frame = pd.read_csv(path)
    again = total_usage(frame, "client", on_error="skip")
    assert (again.rejected, again.total["prompt_tokens"]) == (3, 20)


SOURCES = {
    "no such file": (lambda path: path / "none.csv", "no such file|cannot be read"),
    "empty folder": (lambda path: path, "no logs in it"),
    "empty csv": (lambda path: _written(path / "a.csv", "").parent, r"a\.csv: the file is empty"),
    "no rows": (
        lambda path: _written(path / "a.csv", "prompt_tokens,completion_tokens\n").parent,
        "no rows",
    ),
    "not parquet": (
        lambda path: _written(path / "a.parquet", "PAR1 and no more"),
        r"a\.parquet: cannot be read",
    ),
    "no such column": (
        lambda path: _written(path / "a.csv", "prompt_tokens\n5\n").parent,
        "no column 'completion_tokens'",
    ),
    "a number": (lambda _: 5, "Give the path of a log or of a folder, or a DataFrame"),
    "every row bad": (
        lambda path: _written(path / "a.csv", "prompt_tokens,completion_tokens\n-1,1\n").parent,
        "every row is bad; the first: .* -1",
    ),
}


def _written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize(("source", "said"), SOURCES.values(), ids=SOURCES.keys())
def test_bad_sources_are_errors_of_ours(tmp_path: Path, source: object, said: str) -> None:
    """What cannot be read is one line that names it."""
    with pytest.raises(KimiPlannerError, match=said) as caught:
        total_usage(source(tmp_path), (), on_error="skip")  # type: ignore[operator]
    assert "\n" not in str(caught.value)


def test_bad_keys_are_errors_of_ours() -> None:
    """A key that is not there, twice there, or no name is told; a Dask frame has its own function."""
    import dask.dataframe as dd

    frame = log(3)
    with pytest.raises(UsageError, match=r"no column 'teem' .* Did you mean 'team'\?"):
        total_usage(frame, "teem")
    with pytest.raises(UsageError, match="names a column twice"):
        total_usage(frame, ["team", "team"])
    with pytest.raises(UsageError, match="by has 5"):
        total_usage(frame, [5])
    with pytest.raises(UsageError, match="on_error is 'ignore'"):
        total_usage(frame, "team", on_error="ignore")
    with pytest.raises(UsageError, match=r"Use kimi_planner\.dask\.total_usage"):
        total_usage(dd.from_pandas(frame, npartitions=1))


def test_spend_is_the_sum_of_the_rows() -> None:
    """By any keys, spend equals the grouped sums of exact decimals."""
    frame = log(400)
    priced = price_usage(frame)
    for by in (["model"], ["team"], ["team", "model"], []):
        found = spend_by(frame, by)
        groups = priced.groupby(by) if by else [((), priced)]
        for key, rows in groups:
            cell = found
            for name, value in zip(by, key, strict=True):
                cell = cell[cell[name] == value]
            assert len(cell) == 1
            for column in ("input_usd", "cached_usd", "output_usd", "total_usd"):
                assert cell[column].item() == sum(rows[column])


def test_spend_on_every_model_at_once() -> None:
    """What a log would have cost on each model, from totals that were added up once."""
    frame = log(200)
    totals = total_usage(frame, "month")
    found = spend_by(totals, (), MODELS)
    assert found["priced_as"].tolist() == MODELS
    assert found["total_usd"].tolist() == [total_cost(frame, one).total_usd for one in MODELS]
    assert found.attrs["notes"][0] == (
        f"Catalog 2026-06 states no cached-input price for {', '.join(MODELS)}; "
        "cached tokens are billed as input."
    )
    silent = frame["reasoning_tokens"].isna().sum()
    assert found.attrs["notes"][2] == (
        f"{silent} of 200 rows do not state reasoning tokens; the totals are those of the others."
    )


def test_spend_needs_models_that_are_known() -> None:
    """Rows of no model are refused; those of an unknown one are a row of their own, without a price."""
    frame = log(10)
    frame.loc[3:4, "model"] = None
    with pytest.raises(UsageError, match="2 rows of the log name no model"):
        spend_by(frame, "month")
    assert spend_by(frame, (), "kimi-k2")["rows"].tolist() == [10]
    frame.loc[3:4, "model"] = "kimi-k9"
    spend = spend_by(frame, ())
    assert spend["rows"].tolist() == [8, 2]
    assert spend["prompt_tokens"].sum() == frame["prompt_tokens"].sum()
    priced = frame.drop(index=[3, 4])
    assert spend["total_usd"].tolist() == [price_usage(priced)["total_usd"].sum(), None]
    [said] = [one for one in spend.attrs["notes"] if one.code == "not_priced"]
    assert "2 rows of kimi-k9. Unknown model 'kimi-k9'" in said
    assert total_cost(frame).total_usd == spend["total_usd"][0]
    assert total_cost(frame).notes[-1].code == "not_priced"
    with pytest.raises(UnknownModelError, match="kimi-k9"):
        spend_by(frame, (), "kimi-k9")


def test_names_of_one_model_are_one_row(tmp_path: Path) -> None:
    """Spellings of a model, and names that the caller maps, are rows of the catalog's id; it is said once."""
    frame = log(12)
    same = frame.assign(model="kimi-k2")
    spelled = same.assign(model=["moonshotai/Kimi-K2:free", "KIMI-K2", "mine"] * 4)
    frame.to_csv(tmp_path / "log.csv", index=False)
    spend = spend_by(spelled, "model", alias={"mine": "kimi-k2"})
    assert spend.equals(spend_by(same, "model"))
    notes = [one for one in spend.attrs["notes"] if one.code == "model_named"]
    assert [one.about["name"] for one in notes] == ["moonshotai/Kimi-K2:free", "KIMI-K2", "mine"]
    assert str(notes[2]) == "mine in the log is taken for kimi-k2 of catalog 2026-06."
    with pytest.raises(UnknownModelError, match=r"alias of 'mine': Unknown model 'k9'"):
        spend_by(spelled, "model", alias={"mine": "k9"})
    for alias in (["mine"], {"mine": 5}, "mine"):
        with pytest.raises(UsageError, match=r"alias is .*Give names of the log"):
            price_usage(spelled, alias=alias)  # type: ignore[arg-type]


def test_keys_of_every_kind_have_an_order() -> None:
    """Numbers, texts, empty ones too, and missing values stand in one frame, the missing last."""
    frame = log(6)
    frame["key"] = ["b", "", 10, 9, None, None]
    assert total_usage(frame, "key").frame["key"].tolist() == [9, 10, "", "b", None]


def test_what_a_reader_left_out_is_handed_on() -> None:
    """Rejected rows and repetitions that a reader counted stay known in totals, sums and spend."""
    frame = log(5)
    frame.attrs = {"source": "a.jsonl", "rejected": 2, "rejected_examples": ["x"], "duplicates": 3}
    totals = total_usage(frame, "model") + total_usage(frame, "model")
    assert (totals.source, totals.rejected, totals.rejected_examples) == ("a.jsonl", 4, ("x", "x"))
    spend = spend_by(totals, "model")
    assert (spend.attrs["rejected"], spend.attrs["left_out"]) == (4, {"duplicates": 6})
    page = totals._repr_html_()
    assert "a.jsonl" in page
    assert "rows without cached" in page


def test_rows_without_a_date_have_no_month_and_it_is_said() -> None:
    """Undated rows keep a group of their own, and a note counts them."""
    frame = log(10)
    frame.loc[:3, "timestamp"] = pd.NaT
    found = spend_by(frame, "month", "kimi-k2")
    assert found["rows"][found["month"].isna()].tolist() == [4]
    assert "4 rows have no date, so their month is not known." in found.attrs["notes"]
    relative = read_usage(
        pd.DataFrame({"timestamp_s": [0, 5], "prompt_tokens": 1, "completion_tokens": 1})
    )
    assert total_usage(relative, "month").frame["month"].tolist() == [None]
    assert total_usage(relative, "month").first is None


def test_cached_tokens_that_are_not_stated_are_said(tmp_path: Path) -> None:
    """With a cached price, rows that do not state cached tokens might cost less; the note says so."""
    path = catalog_with(tmp_path, cached="0.12")
    frame = pd.DataFrame(
        {
            "prompt_tokens": [1_000_000, 1_000_000],
            "cached_tokens": pd.array([500_000, None], dtype="Int64"),
            "completion_tokens": [0, 0],
        }
    )
    found = spend_by(frame, (), "kimi-k2", catalog=path)
    assert found["total_usd"].item() == Decimal("1.20") * 3 / 2 + Decimal("0.12") / 2
    assert found.attrs["notes"] == [
        "1 of 2 rows do not state cached tokens; all their prompt tokens are billed as uncached.",
        "2 of 2 rows do not state reasoning tokens; the totals are those of the others.",
    ]
    assert price_usage(frame, "kimi-k2", catalog=path).attrs["notes"] == [
        "1 of 2 rows do not state cached tokens; all their prompt tokens are billed as uncached."
    ]


def test_spend_on_no_model_is_refused() -> None:
    """An empty list of models is an error, not an empty table."""
    calls = pd.DataFrame({"prompt_tokens": [2000], "completion_tokens": [500]})
    with pytest.raises(UsageError, match=r"No models\. Name at least one"):
        spend_by(calls, by=(), models=[])


def test_a_frame_of_ones_own_left_nothing_out():
    """Nothing was read, so nothing was rejected; the source is said to be a frame."""
    totals = total_usage(pd.DataFrame({"prompt_tokens": [5], "completion_tokens": [1]}))
    assert (totals.source, totals.rejected, totals.rejected_examples) == ("usage frame", 0, ())
    assert (totals.left_out, totals.days) == ({}, None)
