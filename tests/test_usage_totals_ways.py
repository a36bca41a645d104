"""One reader for every way in: the same log has the same totals, rows and account, however it comes."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import dask
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import kimi_planner.dask
from kimi_planner import read_usage
from kimi_planner.errors import UsageError
from kimi_planner.usage import lines, total_usage

ACCOUNT = ("duplicates", "parents", "failures", "other_entries", "incomplete_last_line")
BY = ("team", "model", "month")
Entry = dict[str, Any]


def calls(seed: int, rows: int) -> list[Entry]:
    """Return calls with long ids, some of which stand there again, later and as they were."""
    rng = Random(seed)
    made: list[Entry] = []
    for _ in range(rows):
        if made and rng.random() < 0.3:
            made.append(rng.choice(made))
            continue
        prompt, completion = rng.randint(1, 9_000), rng.randint(1, 900)
        made.append(
            {
                "id": f"chatcmpl-{rng.getrandbits(64):016x}",
                "time": pd.Timestamp("2026-05-28", tz="UTC")
                + pd.Timedelta(seconds=rng.randrange(10 * 86_400)),
                "model": rng.choice(["kimi-k2", "kimi-k2-5"]),
                "prompt": prompt,
                "cached": rng.choice([None, rng.randint(0, prompt)]),
                "completion": completion,
                "team": rng.choice(["a", "b"]),
            }
        )
    return made


def canonical(call: Entry) -> Entry:
    """Return a row of the canonical columns."""
    return {
        "call_id": call["id"], "timestamp": call["time"].isoformat(), "model": call["model"],
        "prompt_tokens": call["prompt"], "cached_tokens": call["cached"],
        "completion_tokens": call["completion"], "team": call["team"],
    }  # fmt: skip


def reply(call: Entry) -> Entry:
    """Return a reply of chat completions, with a field of its own."""
    usage = {"prompt_tokens": call["prompt"], "completion_tokens": call["completion"]}
    if call["cached"] is not None:
        usage["cached_tokens"] = call["cached"]
    created = int(call["time"].timestamp())
    return {
        "id": call["id"], "object": "chat.completion", "created": created, "model": call["model"],
        "usage": usage, "team": call["team"],
    }  # fmt: skip


def litellm(call: Entry) -> Entry:
    """Return a row of LiteLLM's spend logs, as their table is exported."""
    details = {} if call["cached"] is None else {"cached_tokens": call["cached"]}
    metadata = {"usage_object": {"prompt_tokens_details": details}}
    start = f"{call['time']:%Y-%m-%d %H:%M:%S.%f}"
    return {
        "request_id": call["id"], "call_type": "acompletion", "spend": 0.25, "startTime": start,
        "total_tokens": call["prompt"] + call["completion"], "prompt_tokens": call["prompt"],
        "completion_tokens": call["completion"], "model": call["model"], "status": "success",
        "cache_hit": "False", "metadata": json.dumps(metadata), "team": call["team"],
    }  # fmt: skip


def langfuse(call: Entry) -> Entry:
    """Return a row of Langfuse's observations."""
    usage = {"input": call["prompt"] - (call["cached"] or 0), "output": call["completion"]}
    if call["cached"] is not None:
        usage["input_cached_tokens"] = call["cached"]
    return {
        "id": call["id"], "type": "GENERATION", "start_time": call["time"].isoformat(),
        "provided_model_name": call["model"], "usage_details": json.dumps(usage),
        "team": call["team"],
    }  # fmt: skip


FORMS: dict[str, tuple[Callable[[Entry], Entry], str]] = {
    "canonical": (canonical, ".csv"),
    "replies": (reply, ".jsonl"),
    "LiteLLM": (litellm, ".csv"),
    "Langfuse": (langfuse, ".csv"),
}


def written(path: Path, entries: list[Entry]) -> Path:
    """Write entries as CSV, or as a JSON value on each line."""
    with path.open("w", encoding="utf-8", newline="") as handle:
        if path.suffix == ".csv":
            table = csv.DictWriter(handle, entries[0])
            table.writeheader()
            table.writerows(entries)
        else:
            handle.writelines(f"{json.dumps(entry)}\n" for entry in entries)
    return path


def by_hand(log: list[Entry]) -> dict[tuple[Any, ...], Counter[str]]:
    """Add up calls one by one, each once."""
    sums: dict[tuple[Any, ...], Counter[str]] = {}
    for call in {one["id"]: one for one in log}.values():
        cell = sums.setdefault((call["team"], call["model"], f"{call['time']:%Y-%m}"), Counter())
        cell.update(
            rows=1,
            prompt_tokens=call["prompt"],
            cached_tokens=call["cached"] or 0,
            completion_tokens=call["completion"],
            rows_without_cached=int(call["cached"] is None),
        )
    return sums


def ways_in(folder: Path, log: list[Entry], form: str, cuts: list[int]) -> dict[str, Any]:
    """Write a log whole and cut into files, and return every way in."""
    entry, suffix = FORMS[form]
    entries = [entry(call) for call in log]
    bounds = [0, *sorted({cut % len(log) for cut in cuts} - {0}), len(log)]
    folder.mkdir()
    parts = [
        written(folder / f"part-{n:02}{suffix}", entries[a:b])
        for n, (a, b) in enumerate(pairwise(bounds))
    ]
    whole = written(folder.with_suffix(suffix), entries)
    ways: dict[str, Any] = {
        "alone": whole, "files": parts, "folder": folder, "glob": folder / f"part-*{suffix}",
    }  # fmt: skip
    if suffix == ".csv":
        ways["frame"] = pd.read_csv(whole)
    return ways


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 10**6),
    rows=st.integers(1, 20),
    cuts=st.lists(st.integers(0, 99), max_size=4),
    batch=st.sampled_from([64, 300, 2_000, 1 << 20]),
)
def test_every_way_in_has_the_same_totals(
    tmp_path_factory: pytest.TempPathFactory, form: str, seed: int, rows: int, cuts: list[int], batch: int
) -> None:  # fmt: skip
    """Alone, cut, in a folder, by column, as a frame and in batches of any size: the loop's sums."""
    log = calls(seed, rows)
    hand = by_hand(log)
    ways = ways_in(tmp_path_factory.mktemp("ways") / "log", log, form, cuts)
    read = read_usage(ways["alone"])
    account = {name: read.attrs[name] for name in ACCOUNT if read.attrs[name]}
    assert account == ({"duplicates": len(log) - len(read)} if len(log) > len(read) else {})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "_BLOCK_BYTES", batch)
        for name, source in ways.items():
            totals = total_usage(source, BY)
            found = {
                cell: Counter({key: n for key, n in zip(totals.columns, sums, strict=True) if n})
                for cell, sums in totals.cells.items()
            }
            assert set(found) == set(hand), name
            for cell, sums in hand.items():
                assert {key: found[cell][key] for key in sums} == sums, (name, cell)
            assert totals.left_out == account, name
            assert total_usage(source, ()).total == totals.total
            if not isinstance(source, pd.DataFrame):
                assert len(read_usage(source)) == len(read)


def test_what_parts_leave_out_is_left_out_together(tmp_path: Path) -> None:
    """Failed calls and other entries, in this process too: of two files as of one."""
    call = {"prompt_tokens": 10, "completion_tokens": 5, "model": "m", "timestamp": "2026-05-01"}
    failed = call | {"completion_tokens": 0, "prompt_tokens": 0, "status": "error"}
    event = {"type": "ping", "timestamp": "2026-05-01"}
    for name in "ab":
        rows = [call, failed, event, event, call]
        (tmp_path / f"{name}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    with dask.config.set(scheduler="synchronous"):
        found = kimi_planner.dask.total_usage(tmp_path, ())
    assert found.left_out == {"failures": 2, "other_entries": 4}
    assert found.total["rows"] == 4
    assert found == total_usage(tmp_path, ())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.usefixtures("cluster")
def test_a_cluster_has_the_same_totals(tmp_path: Path, form: str) -> None:
    """Two workers, each file a task, find the calls that another file has too."""
    import dask.dataframe as dd

    log = calls(7, 300)
    ways = ways_in(tmp_path / "log", log, form, [40, 90, 170, 230])
    (tmp_path / "log" / "README.txt").write_text("Logs of May and June.\n")
    whole = total_usage(ways["folder"], BY)
    assert whole.left_out == {"duplicates": len(log) - len({call["id"] for call in log})}
    found = kimi_planner.dask.total_usage(ways["folder"], BY)
    assert found == whole
    assert found.cells == total_usage(ways["alone"], BY).cells
    assert [one.code for one in found.notes] == ["passed_over"]
    assert "README.txt" in found.notes[0]
    if "frame" in ways:
        frame = kimi_planner.dask.total_usage(dd.from_pandas(ways["frame"], npartitions=3), BY)
        assert (frame.cells, frame.left_out) == (whole.cells, whole.left_out)


def other_tokens(folder: Path) -> Path:
    """Write two files that contradict each other in one call."""
    first = canonical(calls(1, 1)[0])
    folder.mkdir(exist_ok=True)
    written(folder / "a.csv", [first])
    written(folder / "b.csv", [canonical(calls(2, 1)[0]), first | {"completion_tokens": 1_000}])
    return folder


@pytest.mark.usefixtures("cluster")
def test_calls_that_contradict_each_other_are_located(tmp_path: Path) -> None:
    """Other tokens under one id are an error with both places, or left out and counted."""
    folder = other_tokens(tmp_path / "log")
    said = r"b\.csv line 3: a call with the id of .*a\.csv line 2, but with other tokens"
    for add in (total_usage, kimi_planner.dask.total_usage):
        with pytest.raises(UsageError, match=said):
            add(folder, ())  # type: ignore[operator]
        left = add(folder, (), on_error="skip")  # type: ignore[operator]
        assert (left.rejected, left.total["rows"], left.left_out) == (1, 2, {})
        assert "b.csv line 3" in left.rejected_examples[0]


@pytest.mark.usefixtures("cluster")
def test_what_a_later_file_knows_better_counts(tmp_path: Path) -> None:
    """A call counts with its cached tokens, and a stream with its last usage, whichever file has them."""
    silent = calls(5, 1)[0] | {"cached": None}
    written(tmp_path / "a.jsonl", [reply(silent)])
    stream = {"id": "chatcmpl-of-a-stream-1", "object": "chat.completion.chunk", "model": "kimi-k2"}
    usage = {"prompt_tokens": 50, "completion_tokens": 3, "cached_tokens": 20}
    written(tmp_path / "b.jsonl", [stream, stream | {"usage": usage | {"completion_tokens": 1}}])
    known = silent | {"cached": silent["prompt"]}
    written(tmp_path / "c.jsonl", [reply(known), stream | {"usage": usage}, reply(silent)])
    read = read_usage(tmp_path)
    for add in (total_usage, kimi_planner.dask.total_usage):
        totals = add(tmp_path, ())  # type: ignore[operator]
        assert totals.total["rows"] == len(read) == 2
        assert totals.total["cached_tokens"] == read["cached_tokens"].sum() == known["cached"] + 20
        assert totals.total["completion_tokens"] == silent["completion"] + 3
        assert totals.left_out == {"duplicates": 2}
    assert read.attrs["duplicates"] == 2


def test_forms_may_be_mixed_and_other_files_lie_beside(tmp_path: Path) -> None:
    """A folder of every form is one log; a README and a manifest are passed over and said."""
    log = calls(3, 60)
    for n, (form, (entry, suffix)) in enumerate(FORMS.items()):
        written(tmp_path / f"{form}{suffix}", [entry(call) for call in log[n * 15 :][:15]])
    (tmp_path / "README.md").write_text("# Logs\n")
    (tmp_path / "manifest.json").write_text('{"files": 4}\n')
    (tmp_path / "_SUCCESS").touch()
    totals = total_usage(tmp_path, "team")
    read = read_usage(tmp_path)
    assert totals.total["rows"] == len(read) == len({call["id"] for call in log})
    said = "Not read, as no logs go by such names: README.md, manifest.json."
    assert said in totals.notes
    assert said in read.attrs["notes"]


def test_a_key_may_be_stated_by_some_files_only(tmp_path: Path) -> None:
    """Rows of the others have none; a key that no row states is an error with the nearest name."""
    call = calls(1, 1)[0]
    written(tmp_path / "a.jsonl", [reply(call)])
    other = reply(calls(2, 1)[0])
    del other["team"]
    written(tmp_path / "b.jsonl", [other])
    assert set(total_usage(tmp_path, "team").cells) == {(call["team"],), (None,)}
    with pytest.raises(UsageError, match=r"no column 'teem' .*Did you mean 'team'\?"):
        total_usage(tmp_path, "teem")


def test_fields_are_mapped_and_ignored_in_batches(tmp_path: Path) -> None:
    """A count under another name is read, or stops the run, in a folder as in one file."""
    call = calls(1, 1)[0]
    entry = canonical(call)
    entry["cache_hits"] = entry.pop("cached_tokens") or 1
    written(tmp_path / "a.csv", [entry | {"credit_tokens": 5}])
    options = {"map": {"cached_tokens": "cache_hits"}, "ignore": ["credit_tokens"]}
    for source in (tmp_path, tmp_path / "a.csv", pd.read_csv(tmp_path / "a.csv")):
        with pytest.raises(UsageError, match="cache_hits is"):
            total_usage(source, "team", ignore=["credit_tokens"])
        totals = total_usage(source, "team", **options)  # type: ignore[arg-type]
        assert totals.total["cached_tokens"] == entry["cache_hits"]
        assert len(read_usage(source, **options)) == 1  # type: ignore[arg-type]
