"""Workload files: every kind of quantity loads; each fault is one error with file and line."""

import re
from decimal import Decimal

import pytest

from kimi_planner.errors import WorkloadError
from kimi_planner.workload import (
    Beta,
    Constant,
    Empirical,
    Geometric,
    Scaled,
    SplitLognormal,
    SplitNormal,
    Workload,
    example_path,
    load_workloads,
)

GOOD = """\
[[workload]]
name = "w"
requests_per_day = 1000
prompt_tokens = 2000
completion_tokens = 500
"""


@pytest.fixture
def load(tmp_path):
    def load(text):
        path = tmp_path / "plan.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_workloads(path)

    return load


@pytest.fixture
def refused(tmp_path, load):
    def refused(text):
        with pytest.raises(WorkloadError) as caught:
            load(text)
        said = str(caught.value)
        assert "\n" not in said
        assert said.startswith(str(tmp_path / "plan.toml"))
        return said.removeprefix(str(tmp_path / "plan.toml"))

    return refused


def test_plain_numbers_are_exact_decimals(load):
    """The digits of the file are the digits of the workload, and defaults fill in the rest."""
    (found,) = load(GOOD.replace("2000", "2000.1") + "growth_per_month = 0.10\n")
    assert found == Workload(
        name="w",
        requests_per_day=1000,
        prompt_tokens=Decimal("2000.1"),
        completion_tokens=500,
        growth_per_month=Decimal("0.1"),
    )
    assert found.prompt_tokens.value == Decimal("2000.1")
    assert found.resolve().sizes.is_certain
    assert (found.turns.value, found.growth_per_month.value) == (1, Decimal("0.1"))
    for key in ("reasoning_tokens", "max_tokens", "cached_share", "budget_usd_per_month"):
        assert getattr(found, key) is None
    assert (found.needs, found.source, found.notes) == ((), "", ())


def test_every_kind_of_quantity_and_every_key(tmp_path, load):
    """Each form becomes its distribution, a log is found beside the file, text and lists are kept."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "calls.csv").write_text("prompt_tokens,completion_tokens\n7,1\n9,2\n")
    (found,) = load("""
        [[workload]]
        name = "all kinds"
        source = "A pilot."
        requests_per_day = { p10 = 8, p50 = 10, p90 = 14 }
        prompt_tokens = { from = "logs/calls.csv" }
        followup_tokens = { p50 = 20, p90 = 40 }
        completion_tokens = { mean = 30, sd = 5 }
        reasoning_tokens = { p50 = 1, p90 = 2, mean_factor = { p10 = 0.5, p50 = 1, p90 = 2 } }
        turns = { mean = 4 }
        cached_share = { mean = 0.3, sd = 0.1 }
        growth_per_month = { p50 = 0.0, p90 = 0.1 }
        max_tokens = 4096
        needs = ["json", "vision", "json"]
        budget_usd_per_month = 9000.50
    """)
    kinds = {
        "requests_per_day": SplitLognormal, "prompt_tokens": Empirical,
        "followup_tokens": SplitLognormal, "completion_tokens": SplitLognormal,
        "reasoning_tokens": Scaled, "turns": Geometric, "cached_share": Beta,
        "growth_per_month": SplitNormal,
    }  # fmt: skip
    assert {key: type(found.given(key)) for key in kinds} == kinds
    assert found.prompt_tokens.values.tolist() == [7, 9]
    assert found.prompt_tokens.mean == 8
    assert found.max_tokens == 4096
    assert found.needs == ("json", "vision")
    assert found.budget_usd_per_month == Decimal("9000.5")
    assert (found.name, found.source) == ("all kinds", "A pilot.")
    assert found.is_ranged


def test_a_table_of_its_own_is_the_same_quantity(load):
    """A quantity may stand in a table below its workload; workloads keep the order of the file."""
    apart = "[workload.prompt_tokens]\np50 = 10\np90 = 30\n"
    inline = GOOD.replace("2000", "{ p50 = 10, p90 = 30 }").replace('"w"', '"v"')
    first, second = load(GOOD.replace("prompt_tokens = 2000\n", "") + apart + inline)
    assert (first.name, second.name) == ("w", "v")
    assert first.prompt_tokens == second.prompt_tokens


def edited(old, new):
    assert old in GOOD
    return GOOD.replace(old, new)


REFUSED = {
    "unknown key": (edited("prompt_tokens", "prompt_token"), " line 4: unknown key 'prompt_token'. Did you mean 'prompt_tokens'?"),
    "key of the program only": (GOOD + "notes = []\n", " line 6: unknown key 'notes'."),
    "unknown key in the second": (GOOD + edited('"w"', '"v"') + "turn = 4\n", " line 11: unknown key 'turn'. Did you mean 'turns'?"),
    "unknown key at the top": ("models = 3\n" + GOOD, " line 1: unknown key 'models'."),
    "unknown key in a quantity": (edited("2000", "{ p50 = 1, p9 = 2 }"), " line 4: workload 'w': prompt_tokens has an unknown key 'p9'. Did you mean"),
    "fault in a table of its own": (edited("prompt_tokens = 2000\n", "") + "[workload.prompt_tokens]\np50 = 9\np90 = 3\n", " line 5: workload 'w': prompt_tokens: percentiles must not fall"),
    "fault in a dotted key": (edited("prompt_tokens = 2000", "prompt_tokens.p50 = 9\nprompt_tokens.p90 = 3"), " line 4: workload 'w': prompt_tokens: percentiles"),
    "missing key": (edited("requests_per_day = 1000\n", ""), " line 1: workload 'w': requests_per_day is missing."),
    "missing name": (edited('name = "w"\n', ""), " line 1: workload None: name is missing."),
    "empty name": (edited('"w"', '" "'), " line 2: workload ' ': name is ' '. It must be text."),
    "name of many lines": (edited('"w"', '"a\\nb"'), " line 2: workload 'a\\nb': the name 'a\\nb' must be"),
    "name that is a number": (edited('"w"', "5"), " line 2: workload 5: name is 5. It must be text."),
    "second name": (GOOD + GOOD, " line 7: a second workload named 'w'. Names must be unique, and look so."),
    "second name but for a blank": (GOOD + edited('"w"', '"w "'), " line 7: a second workload named 'w '. Names must be unique, and look so."),
    "second name but for how it is coded": (edited('"w"', '"caf\u00e9"') + edited('"w"', '"cafe\u0301"'), " line 7: a second workload named 'cafe\u0301'. Names must be unique, and look so."),
    "name of all together": (edited('"w"', '"All"'), " line 2: workload 'All': name is 'All', which means all together. Rename it."),
    "broken TOML": (GOOD + "needs = [\n", " line 6: not TOML"),
    "doubled key": (GOOD + "prompt_tokens = 1\n", " line 6: not TOML"),
    "broken UTF-8": (GOOD.encode() + b'source = "caf\xe9"\n', " line 6: not UTF-8 (byte 0xe9). Save the file as UTF-8."),
    "empty": ("", ": the file is empty."),
    "blank": (" \n\n", ": the file is empty."),
    "no workload": ("# none yet\n", ": no [[workload]]."),
    "one table": (edited("[[workload]]", "[workload]"), ": no [[workload]]."),
    "array of nothing": ("workload = []\n", ": no [[workload]]."),
    "array of numbers": ("workload = [1]\n", ": workload must be written as [[workload]]"),
    "unknown capability": (GOOD + 'needs = ["sight"]\n', " line 6: workload 'w': unknown capability 'sight' in needs."),
    "capability near a known one": (GOOD + 'needs = ["reasonning"]\n', " line 6: workload 'w': unknown capability 'reasonning' in needs. Did you mean 'reasoning'?"),
    "nested capability": (GOOD + 'needs = [["vision"]]\n', " line 6: workload 'w': unknown capability ['vision'] in needs."),
    "needs of no list": (GOOD + "needs = 3\n", " line 6: workload 'w': needs is 3. It must be a list of capabilities."),
    "reserve of more than any window": (GOOD + "max_tokens = 1_000_000_000_000\n", " line 6: workload 'w': max_tokens is 1000000000000. It must be a whole number of tokens from 1 to 100,000,000."),
    "reserve of nothing": (GOOD + "max_tokens = 0\n", " line 6: workload 'w': max_tokens is 0. It must be a whole number"),
    "half a token": (GOOD + "max_tokens = 1.5\n", " line 6: workload 'w': max_tokens is 1.5. It must be a whole number"),
    "negative budget": (GOOD + "budget_usd_per_month = -1\n", " line 6: workload 'w': budget_usd_per_month is -1. It must be above 0"),
    "infinite budget": (GOOD + "budget_usd_per_month = inf\n", " line 6: workload 'w': budget_usd_per_month:"),
    "budget in words": (GOOD + 'budget_usd_per_month = "low"\n', " line 6: workload 'w': budget_usd_per_month: 'low' is not a number."),
    "follow-ups of no conversation": (GOOD + "followup_tokens = 9\n", " line 1: workload 'w': followup_tokens is given without turns."),
    "half a turn": (GOOD + "turns = 2.5\n", " line 1: workload 'w': turns is 2.5."),
    "missing log": (edited("2000", '{ from = "no.csv" }'), " line 4: workload 'w': prompt_tokens.from:"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_a_fault_names_file_line_and_remedy(refused, text, said):
    """Each fault of a file is one WorkloadError that starts with the file and, if any, its line."""
    assert refused(text).startswith(said)


def test_a_missing_file_and_a_folder(tmp_path):
    """What cannot be read is named, as one WorkloadError."""
    with pytest.raises(WorkloadError, match=rf"^{re.escape(str(tmp_path))}/no.toml: no such file"):
        load_workloads(tmp_path / "no.toml")
    with pytest.raises(WorkloadError, match=rf"^{re.escape(str(tmp_path))}: cannot be read"):
        load_workloads(str(tmp_path))


def test_a_faulty_log_is_named_with_its_line(tmp_path, refused):
    """A fault in a log that a quantity refers to has the places of both files."""
    (tmp_path / "log.csv").write_text("prompt_tokens,completion_tokens\n4,5\n-4,5\n")
    said = refused(edited("2000", '{ from = "log.csv" }'))
    assert said.startswith(" line 4: workload 'w': prompt_tokens.from: ")
    assert "log.csv line 3: prompt_tokens is -4" in said


def test_a_log_without_reasoning_cannot_tell_it(tmp_path, refused):
    """What a log does not state is refused, not taken as zero."""
    (tmp_path / "log.csv").write_text("prompt_tokens,completion_tokens\n4,5\n")
    said = refused(GOOD + 'reasoning_tokens = { from = "log.csv" }\n')
    assert said.startswith(" line 6: workload 'w': reasoning_tokens.from: log.csv does not say")


def test_the_shipped_example_says_where_its_numbers_come_from():
    """The example has at least five workloads; each has a source sentence and a budget."""
    found = load_workloads()
    assert found == load_workloads(str(example_path()))
    assert len(found) >= 5
    for workload in found:
        assert re.fullmatch(r"[A-Z].{20,}\.", workload.source), workload.name
        assert workload.budget_usd_per_month > 0
    uncertain = [workload.name for workload in found if workload.is_ranged]
    assert 0 < len(uncertain) < len(found)
    assert isinstance(found[0].prompt_tokens, SplitLognormal)
    assert any(isinstance(workload.prompt_tokens, Constant) for workload in found)


def test_the_seasonal_example_shows_every_dated_field():
    """The second example loads, with weekdays, dates, events, retries and a change of price."""
    (found,) = load_workloads(example_path().with_name("seasonal.toml"))
    assert [event.days for event in found.events] == [10, 1]
    assert {key for key, _ in found.dates()} == {
        "starts_on",
        "weekday_profile",
        "event winter sale",
        "event catalogue import",
        "price_change",
    }
    assert found.retry_share.mean > 0
    assert re.fullmatch(r"[A-Z].{20,}\.", found.source)


def test_a_weekday_of_too_many_digits_is_refused():
    """A share too small for exact arithmetic is an error of ours, as one of 21 places is."""
    for share, said in (
        (Decimal("1e-200000"), "more than 1,000 digits"),
        (Decimal("1e-21"), "Round it to 20 places"),
    ):
        with pytest.raises(WorkloadError, match=said):
            Workload(
                name="w",
                requests_per_day=1,
                prompt_tokens=1,
                completion_tokens=1,
                weekday_profile=(share, 1, 1, 1, 1, 1, 1),
            )
