"""Notes: a sentence for people, and what it is about for code."""

import copy
import pickle
import re
from datetime import date
from pathlib import Path

import pytest

import kimi_planner as kp
from kimi_planner.notes import SENTENCES, Note, note, noted

SOURCES = [
    path.read_text(encoding="utf-8")
    for path in sorted(Path(kp.__file__).parent.rglob("*.py"))
    if path.name != "notes.py" or path.parent.name != "kimi_planner"
]


def test_a_note_is_its_sentence_and_knows_what_it_is_about():
    """It compares and joins as text; names stay apart from the text, one name is a tuple of one."""
    said = note("answers_cut", cap=99, cut=0.5, models=["kimi-a", "kimi-b"], workloads="chat")
    assert said == "max_tokens 99 cuts 50.0% of answers on kimi-a, kimi-b: chat."
    assert (said.code, said.models, said.workloads) == ("answers_cut", ("kimi-a", "kimi-b"), ("chat",))  # fmt: skip
    assert said.about["cap"] == 99
    assert note("windows").workloads == note("windows").models == ()


def test_names_that_look_like_a_template_stay_names():
    """A workload may be called {cap} or %s."""
    assert note("no_range", workloads=["{cap}", "%s"]).endswith("certainty: {cap}, %s.")


def test_a_sentence_that_names_its_workloads_does_not_name_them_twice():
    """Names stand where the sentence has them, and a part of all is named as one."""
    assert note("not_tried", workloads="w", models="m") == "w was not tried on m."
    fee = {"fee": "search", "usd": "0.1"}
    assert note("fee_not_billed", workloads=(), **fee).startswith("Not in the spend: search")
    assert note("fee_not_billed", workloads="w", **fee) == (
        "Not in the spend of w: search, 0.1 USD a call."
    )


def test_where_nothing_is_named_nothing_is_said():
    """An empty list of names makes no note, whichever list it is."""
    assert noted("no_range", workloads=[]) == ()
    assert noted("reasoning_unknown", workloads=["w"], models=[]) == ()
    assert len(noted("reasoning_unknown", workloads=["w"], models=["m"])) == 1


@pytest.mark.parametrize("again", [copy.deepcopy, lambda said: pickle.loads(pickle.dumps(said))])
def test_a_copy_of_a_note_keeps_its_data(again):
    """Data frames copy what is attached to them, and processes send it to each other."""
    said = again(note("no_range", workloads=["w"]))
    assert isinstance(said, Note)
    assert (said.code, said.workloads) == ("no_range", ("w",))


@pytest.mark.parametrize("code", SENTENCES)
def test_every_sentence_is_said_somewhere(code):
    """A sentence that no module says any more goes; `calls_` and `limits_checked` have endings."""
    word = re.sub(r"^(calls_).*|(limits_checked).*", r"\1\2", code)
    assert any(f'"{word}' in text for text in SOURCES)


def test_notes_of_results_are_data():
    """What a plan, a fit to a log and the cost of a log say can be told by code and by workload."""
    workload = kp.Workload(
        name="w", requests_per_day=9, prompt_tokens=9, completion_tokens=9, cached_share=0.5
    )
    notes = kp.project(workload, months=1, as_of=date(2026, 11, 24), n_paths=100).notes
    assert {"no_range", "no_cached_price"} <= {one.code for one in notes}
    assert all(one.workloads in ((), ("w",)) for one in notes)
    bill = kp.cost({"prompt_tokens": 9, "cached_tokens": 9, "completion_tokens": 1}, "kimi-k2")
    assert bill.notes[0].models == ("kimi-k2",)


def test_a_note_is_not_copied():
    """Frames copy what stands in their attrs at every step; thousands of notes would take minutes."""
    said = note("no_followup_tokens", workloads="chat")
    assert copy.deepcopy([said])[0] is said
