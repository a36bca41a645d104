"""Own evaluations: both forms of the table, and every bad row named by its line."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kimi_planner import Workload, choose, load_catalog, load_workloads, project, recommend
from kimi_planner.billing.record import UsageRecord
from kimi_planner.choose import Trials, read_evaluations
from kimi_planner.errors import EvaluationError, FileError, KimiPlannerError
from kimi_planner.files import data_dir

SUMMARY = "workload,model,successes,trials\n"
ITEMS = "workload,model,item,success\n"
TOKENS = "workload,model,item,success,prompt_tokens,completion_tokens,cached_tokens\n"
AMOUNTS = "workload,model,item,success,cost_usd\n"


@pytest.fixture
def written(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "evals.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return path

    return write


def test_summary_rows(written):
    """Sums by workload and model are read as they stand, blank lines and a mark of order apart."""
    path = written(SUMMARY + "chat,kimi-k2,80,100\n\n chat , kimi-k2-5 , 9.0 ,10\n", "utf-8-sig")
    found = read_evaluations(path)
    assert found.source == str(path)
    assert found.of("chat", "kimi-k2") == Trials(successes=80, trials=100)
    assert found.of("chat", "kimi-k2-5") == Trials(successes=9, trials=10)
    assert found.of("chat", "kimi-k2-instruct") is None
    assert found.place(("chat", "kimi-k2-5")) == f"{path} line 4"
    assert found.of("chat", "kimi-k2").mean == 80.5 / 101


def test_rows_by_item(written):
    """Items are counted, in every spelling of success."""
    words = ["1", "true", "TRUE", "0", "False", "1.0"]
    rows = "".join(f"chat,kimi-k2,q{n},{word}\n" for n, word in enumerate(words))
    trials = read_evaluations(written(ITEMS + rows)).of("chat", "kimi-k2")
    assert (trials.successes, trials.trials, trials.has("usage")) == (4, 6, False)
    assert [item.success for item in trials.items.values()] == [True] * 3 + [False] * 2 + [True]


def test_tokens_of_items(written):
    """What an item used is kept, unknown parts of it as unknown."""
    text = (
        TOKENS + "chat,kimi-k2,a,1,1000,50,200\nchat,kimi-k2,b,0,900,70,\nchat,kimi-k2-5,a,1,,,\n"
    )
    found = read_evaluations(written(text))
    trials = found.of("chat", "kimi-k2")
    assert trials.has("usage")
    assert trials.items["a"].usage == UsageRecord(
        prompt_tokens=1000, completion_tokens=50, cached_tokens=200
    )
    assert trials.items["b"].usage.cached_tokens is None
    assert not found.of("chat", "kimi-k2-5").has("usage")


def test_costs_times_and_scores_of_items(written):
    """What an item was billed, took and was expected to bring is kept exactly; scores may be below 0."""
    head = "workload,model,item,success,cost_usd,seconds,score_before,score_after\n"
    text = head + "w,kimi-k2,a,1,0.10,12,-0.5,0.9\nw,kimi-k2,b,0,0.30,8.5,1e-3,0\nw,m,a,1,,,,\n"
    path = written(text)
    found = read_evaluations(path)
    trials = found.of("w", "kimi-k2")
    assert trials.items["a"].cost_usd == Decimal("0.10")
    assert trials.of_items("seconds") == {"a": 12.0, "b": 8.5}
    assert trials.of_items("score_before") == {"a": -0.5, "b": 0.001}
    assert trials.has("score_after")
    assert not trials.has("usage")
    assert found.of("w", "m").of_items("cost_usd") == {}
    assert read_evaluations(pd.read_csv(path)).trials == found.trials
    frame = pd.DataFrame({"workload": ["w"], "model": ["m"], "item": [1], "success": [1]})
    item = read_evaluations(frame.assign(seconds=np.int64(3))).of("w", "m").items["1"]
    assert item.seconds == 3


def test_a_frame_is_read_as_its_file(written):
    """Numbers of numpy and pandas, with gaps, give what the same cells in a file give."""
    text = TOKENS + "w,kimi-k2,1,1,1000,50,200\nw,kimi-k2,2,0,900,70,\n"
    path = written(text)
    of_file = read_evaluations(path).trials
    assert read_evaluations(pd.read_csv(path)).trials == of_file
    assert read_evaluations(str(path)).trials == of_file
    frame = pd.DataFrame({"workload": ["w"], "model": ["m"], "successes": [np.int64(3)]})
    assert read_evaluations(frame.assign(trials=4.0)).trials == {
        ("w", "m"): Trials(successes=3, trials=4)
    }


BAD = {
    "empty": ("", "file is empty"),
    "header alone": (SUMMARY, "no results"),
    "no column": ("workload,model,successes\nw,m,1\n", "no column 'trials'"),
    "unknown column": (SUMMARY.strip() + ",sucesses\n", "Did you mean 'successes'"),
    "two columns": (SUMMARY.strip() + ",trials\n", "two columns are called 'trials'"),
    "mixed forms": ("workload,model,item,success,trials\n", "Give one form"),
    "prompt alone": (ITEMS.strip() + ",prompt_tokens\n", "no column 'completion_tokens'"),
    "negative": (SUMMARY + "w,m,-1,3\n", "line 2: successes is '-1'"),
    "fraction": (SUMMARY + "w,m,1.5,3\n", "line 2: successes is '1.5'"),
    "not a number": (SUMMARY + "w,m,nan,3\n", "line 2: successes is 'nan'"),
    "infinite": (SUMMARY + "w,m,1,inf\n", "line 2: trials is 'inf'"),
    "huge": (SUMMARY + "w,m,1," + "9" * 5000 + "\n", "line 2: trials is"),
    "missing": (SUMMARY + "w,m,,3\n", "line 2: successes is ''"),
    "too many": (SUMMARY + "w,m,4,3\n", "line 2: 4 successes of 3 trials"),
    "no trials": (SUMMARY + "w,m,0,0\n", "line 2: trials is 0"),
    "no name": (SUMMARY + "w, ,1,3\n", "line 2: model is ' '"),
    "twice": (SUMMARY + "w,m,1,3\nw,m,1,3\n", "line 3: w on m stands twice"),
    "short row": (SUMMARY + "w,m,1\n", "line 2: 3 fields where the header has 4"),
    "open quote": (SUMMARY + 'w,"m,1,3\n', "line 2: not CSV"),
    "success": (ITEMS + "w,m,a,yes\n", "line 2: success is 'yes'"),
    "item twice": (ITEMS + "w,m,a,1\nw,m,a,0\n", "line 3: item 'a' of w on m stands twice"),
    "after a long cell": (ITEMS + 'w,m,"a\nb",1\nw,m,c,2\n', "line 4: success is '2'"),
    "some tokens": (TOKENS + "w,m,a,1,5,5,\nw,m,b,1,,,\n", "line 3: tokens are given for some"),
    "cost below 0": (AMOUNTS + "w,m,a,1,-1\n", "line 2: cost_usd is '-1'"),
    "no cost": (AMOUNTS + "w,m,a,1,free\n", "line 2: cost_usd: 'free' is not a number"),
    "infinite cost": (AMOUNTS + "w,m,a,1,inf\n", "line 2: cost_usd: 'inf' is not a finite number"),
    "some costs": (AMOUNTS + "w,m,a,1,1\nw,m,b,1,\n", "line 3: cost_usd is given for some"),
    "half of them": (TOKENS + "w,m,a,1,5,,\n", "line 2: completion_tokens is empty"),
    "cached": (TOKENS + "w,m,a,1,5,5,6\n", "line 2: cached_tokens (6) cannot exceed"),
    "nul": (SUMMARY + "w,m\0,1,x\n", "line 2"),
}


@pytest.mark.parametrize("sign", [";", "\t"])
def test_a_table_that_a_spreadsheet_saved_is_the_same(written, sign):
    """Another sign between cells, a mark of the encoding, empty cells below and beside."""
    rows = SUMMARY + "w,kimi-k2,3,4\n"
    saved = f"\ufeffsep={sign}\n" + rows.replace("\n", ",,\n").replace(",", sign) + sign * 5 + "\n"
    assert read_evaluations(written(saved)).trials == read_evaluations(written(rows)).trials


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD.keys())
def test_bad_rows_are_named(written, text, message):
    """A bad table ends in one line with file, line and value."""
    with pytest.raises(EvaluationError) as caught:
        read_evaluations(written(text))
    assert message in str(caught.value)
    assert "evals.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_bad_frame_names_its_row():
    """A frame has rows instead of lines."""
    frame = pd.DataFrame({"workload": ["w"] * 2, "model": ["m", "k"], "successes": [1, np.nan]})
    with pytest.raises(EvaluationError, match="row 2: successes is nan"):
        read_evaluations(frame.assign(trials=3))
    with pytest.raises(EvaluationError, match="row 1: success is None"):
        read_evaluations(
            pd.DataFrame({"workload": ["w"], "model": ["m"], "item": [7], "success": [None]})
        )


def test_files_that_cannot_be_read(written, tmp_path):
    """A missing file, a folder, broken UTF-8 and a wrong type are errors of ours."""
    with pytest.raises(FileError, match="line 2: not UTF-8"):
        read_evaluations(written(SUMMARY.encode() + b"\xff,m,1,3\n"))
    for source in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(FileError):
            read_evaluations(source)
    for source in (5, [1]):
        with pytest.raises(KimiPlannerError):
            read_evaluations(source)


def test_trials_made_by_hand_are_checked_too():
    """No trial at all, or more successes than trials, are no trials."""
    for successes, trials in ((0, 0), (3, 2), (-1, 2)):
        with pytest.raises(EvaluationError, match="at least one trial"):
            Trials(successes=successes, trials=trials)


def test_the_shipped_example_is_of_the_shipped_workloads():
    """The example names only workloads and models that a plan without arguments has."""
    found = read_evaluations(Path(data_dir()) / "evaluations" / "example.csv")
    workloads, models = zip(*found.trials, strict=True)
    assert set(workloads) == {workload.name for workload in load_workloads()}
    assert set(models) <= set(load_catalog("2026-06").ids)


def test_without_a_source_the_shipped_example_is_read():
    """It names itself in words, so that no output depends on where the package lies."""
    found = read_evaluations()
    assert found.source == "the shipped example"
    assert found.of("support-chat", "kimi-k2").trials == 200


ITEM_ROWS = "".join(
    f"{name},{model},{item},{item % 3 > 0:d},{item % 4}\n"
    for name in ("support", "suport")
    for model in ("kimi-k2", "kimi-k2-5", "kimi-k2-5-thinking")
    for item in range(24)
)
PLAN = {"months": 1, "start": "2026-11", "as_of": "2026-11-01", "n_paths": 100}
CHOOSERS = {
    "recommend": lambda w, tried: recommend(w, evaluations=tried, **PLAN),
    "cost_per_success": lambda w, tried: choose.cost_per_success(w, tried, **PLAN),
    "quality_frontier": lambda w, tried: choose.quality_frontier(project(w, **PLAN), tried),
    "portfolio": lambda w, tried: choose.portfolio(w, 300, evaluations=tried, **PLAN),
    "thinking_pays": lambda w, tried: choose.thinking_pays(
        w, "kimi-k2-5", "kimi-k2-5-thinking", evaluations=tried, **PLAN
    ),
    "cascades": lambda w, tried: choose.cascades(
        w, evaluations=tried, detector=choose.Detector(false_accept=0.1, false_reject=0.1), **PLAN
    ),
    "routing_curve": lambda w, tried: choose.routing_curve(
        w, "kimi-k2", "kimi-k2-5", tried, **PLAN
    ),
}  # fmt: skip


@pytest.mark.parametrize("choose_by", CHOOSERS.values(), ids=CHOOSERS)
def test_every_choice_says_that_a_workload_is_misspelled(written, choose_by):
    """Evaluations under a name that no workload has are named with the nearest; alone they are refused."""
    support = Workload(
        name="support", requests_per_day=9, prompt_tokens=900, completion_tokens=244,
        value_usd_per_success="0.05",
    )  # fmt: skip
    head = "workload,model,item,success,score_after\n"
    found = choose_by(support, read_evaluations(written(head + ITEM_ROWS)))
    said = "Evaluations of suport are not used: there is no such workload here. Did you mean 'support'?"
    notes = found.sentences() if isinstance(found, choose.Portfolio) else found.notes
    assert list(map(str, notes)).count(said) == 1
    only = ITEM_ROWS[ITEM_ROWS.index("suport") :]
    with pytest.raises(EvaluationError, match=r"no results for support.*Did you mean 'support'\?"):
        choose_by(support, read_evaluations(written(head + only)))
