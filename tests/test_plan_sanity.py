"""What is allowed but hardly meant is asked about, and nothing that teams really have is."""

import re

import pytest

from kimi_planner import load_catalog, load_workloads, project, recommend
from kimi_planner.plan import Workload
from kimi_planner.report.first_screen import first_screen

PLAIN = {"requests_per_day": 100, "prompt_tokens": 2000, "completion_tokens": 500}
SCENARIO = {"start": "2026-12", "months": 1, "catalog": "2026-06", "n_paths": 100}


def asked(workload, **scenario):
    notes = project(workload, **SCENARIO | {"models": "kimi-k2"} | scenario).notes
    return [note for note in notes if note.code.startswith("check_")]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"growth_per_month": 4}, "growth_per_month = 4: 400% a month; did you mean 0.04?: w."),
        ({"growth_per_month": 0.6}, "growth_per_month = 0.6: 60% a month; did you mean 0.006?: w."),
        ({"prompt_tokens": {"p50": 9, "p90": 20, "mean_factor": {"p50": 0.05, "p90": 0.06}}}, "The mean_factor of prompt_tokens is 0.05"),
        ({"max_tokens": 128_000}, "max_tokens 128,000 fills the whole window of kimi-k2,"),
        ({"price_changes": [{"date": "2026-12-15", "model": "kimi-k2", "input_usd_per_mtok": "0.0006"}]}, "input_usd_per_mtok = 0.0006 of kimi-k2 is USD per 1,000,000 tokens; if it was meant per 1,000, give 0.6."),
    ],
)  # fmt: skip
def test_a_slip_of_the_pen_is_asked_about(fields, said):
    """Each is one sentence with the number, and what may have been meant."""
    (note,) = asked(Workload(name="w", **PLAIN | fields))
    assert note.startswith(said)


def test_a_price_of_a_catalog_per_thousand_is_asked_about():
    """A price that somebody changed in Python is looked at like one of a file."""
    cheap = load_catalog("2026-06").with_price("kimi-k2", output_usd_per_mtok="0.0036")
    (note,) = asked(Workload(name="w", **PLAIN), catalog=cheap)
    assert note.endswith("if it was meant per 1,000, give 3.6.")


def test_a_slip_stands_on_the_first_screen():
    """It is the first thing to check, before what is merely uncertain."""
    lines = first_screen(recommend(Workload(name="w", growth_per_month=4, **PLAIN), **SCENARIO)).splitlines()  # fmt: skip
    assert lines[lines.index("Check first:") + 1].startswith("  growth_per_month = 4: 400% a month")


def test_where_nothing_is_to_be_checked_nothing_is_said():
    """A plan of one certain workload has no heading without lines below it."""
    screen = first_screen(recommend(Workload(name="w", **PLAIN), **SCENARIO))
    assert not re.search(r":\n(?! )", screen + "\n")
    assert "Check first:" not in screen


@pytest.mark.parametrize("catalog", ["2026-06", "2026-11-public-3"])
def test_nothing_of_the_example_is_asked_about(catalog):
    """What is usual passes without a word: the example in each catalog, half a month's growth."""
    assert asked(load_workloads(), catalog=catalog, models=None) == []
    assert asked(Workload(name="w", growth_per_month=0.5, max_tokens=127_999, **PLAIN)) == []
