"""Notes on single calls: said where there is something to say, with the shares that hold."""

from dataclasses import replace

import pytest

import kimi_planner as kp
from kimi_planner.calls.notes import call_notes

SPECS = kp.load_catalog().models
ALL = "kimi-k2-5, kimi-k2-5-thinking, kimi-k2, kimi-k2-instruct"


def workload(**changes):
    fields = {"name": "w", "requests_per_day": 10, "prompt_tokens": 1000, "completion_tokens": 100}
    return kp.Workload(**fields | changes)


def test_calls_that_fit_are_not_spoken_of():
    """Small calls without cap or cache table give no note."""
    assert call_notes([workload(), workload(name="v", turns={"mean": 4})], SPECS) == ()


LONG = {"prompt_tokens": 20_000, "turns": 10, "followup_tokens": 19_900}
SAID = {
    "price_all": (LONG, "40% of calls do not fit the window of {} and are priced whole, as if it held them; it would refuse 40%, those after them included: w."),
    "reject": (LONG | {"overflow": "reject"}, "40% of calls do not fit the window of {} and are refused, cost nothing and end their conversation: w."),
    "drop_oldest": (LONG | {"overflow": "drop_oldest"}, "40% of calls do not fit the window of {} and lose the oldest of their history, and 0% are refused: w."),
    "summarise": (LONG | {"overflow": {"summarise_to_tokens": 5000}}, "40% of calls do not fit the window of {} and have their history summarised first, and 0% are refused: w."),
    "none fits": ({"prompt_tokens": 128_000, "overflow": "reject"}, "100% of calls do not fit the window of {} and are refused, cost nothing and end their conversation: w."),
}  # fmt: skip


@pytest.mark.parametrize(("sizes", "sentence"), SAID.values(), ids=SAID.keys())
def test_calls_that_do_not_fit_are_said_with_their_policy(sizes, sentence):
    """Prompts of 20,000 to 200,000 tokens fit six times of ten; models alike share a sentence."""
    assert call_notes([workload(**sizes)], SPECS) == (sentence.format(ALL),)


def test_only_models_that_reason_run_out_of_room():
    """Reasoning that overflows is said of the thinking model alone."""
    (note,) = call_notes([workload(prompt_tokens=120_000, reasoning_tokens=9000)], SPECS)
    assert note.startswith("100% of calls do not fit the window of kimi-k2-5-thinking and")


def test_an_unknown_window_is_no_limit_and_said():
    """Where the catalog states no window, no call is taken to be too large, and a note says it."""
    spec = replace(SPECS[0], context_window_tokens=None)
    assert call_notes([workload(**LONG)], [spec]) == (
        "Catalog 2026-06 states no context window for kimi-k2-5, so no call is taken to be too large.",
    )


def test_what_the_cached_share_assumes_is_said():
    """A share that was worked out names its assumption, and the gap that it lacks."""
    table = {"prefix_tokens": 700}
    parts = [
        workload(cache=table),
        workload(name="v", cache=table, turns=3),
        workload(name="u", cache=table | {"turn_gap_minutes": 3}, turns=3),
        workload(name="t", cached_share=0.3),
    ]
    assert not call_notes(parts[3:], SPECS)
    assert len(call_notes([parts[0]], SPECS)) == len(call_notes([parts[2]], SPECS)) == 1
    assert call_notes(parts, SPECS) == (
        "The cached share is worked out for conversations that start at random around the clock, at "
        "the mean traffic of a first month without growth or events, with "
        "a prefix that never changes: w, v, u.",
        "cache.turn_gap_minutes is not given, so no history of a conversation counts as cached: v.",
    )


def test_the_cap_is_among_the_notes():
    """What the cap cuts is said after what does not fit."""
    notes = call_notes([workload(max_tokens=50, **LONG)], SPECS)
    assert ["do not fit" in notes[0], "max_tokens 50 cuts 100.0%" in notes[1]] == [True, True]
