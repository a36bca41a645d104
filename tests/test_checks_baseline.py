"""Baselines: what is kept, what changed, why, and how much of that is allowed."""

import json
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import checking
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimi_planner import count_tokens
from kimi_planner.checks.baseline import Baseline, PromptEntry, WorkloadEntry
from kimi_planner.checks.baseline_file import baseline_text, read_baseline
from kimi_planner.checks.changes import prompt_change, workload_change
from kimi_planner.checks.content import Content, renamed, sketch
from kimi_planner.checks.formats.render import render
from kimi_planner.checks.results import Outcome
from kimi_planner.checks.run import Check
from kimi_planner.errors import FileError

PROMPTS = '[[prompts]]\npaths = ["p/*"]\nmax_tokens = 1000\n'
SPEND = '[[workloads]]\npath = "w.toml"\nmax_usd_per_month = 1e9\nmonths = 2\n'
HEAD = 'catalog = "own.toml"\nmodel = "m"\n'
WORKLOAD = checking.workloads(prompt=200, cached="0.5").replace("500", "50")


def moment(tmp_path, config=HEAD + PROMPTS + SPEND, **files):
    """Lay out a repository, and return its check."""
    known = {"own_dot_toml": checking.catalog(), "w_dot_toml": WORKLOAD, "p__a_dot_md": "a b c d"}
    return checking.check_of(checking.lay_out(tmp_path, config, **{**known, **files}))


def compared(tmp_path, old, config=HEAD + PROMPTS + SPEND, **files):
    """Return the report of a changed repository against the baseline of the old one."""
    return moment(tmp_path, config, **files).report(old.moment)


def test_a_baseline_is_read_as_it_was_written(tmp_path):
    """Every value survives, bytes are the same each time, and lines are sorted."""
    check = moment(tmp_path, p__b_dot_md="x y", **{"p__\u202e|é\x7f_dot_md": "z"})
    text = baseline_text(check.moment)
    path = tmp_path / "kept.json"
    path.write_text(text, encoding="utf-8")
    assert read_baseline(path) == check.moment
    assert baseline_text(moment(tmp_path).moment) == text
    assert text.isascii()
    assert text.replace("\n", "").isprintable()
    data = json.loads(text)
    assert data["catalog"] == {"version": "own", "sha256": check.config.catalog.sha256}
    assert [one["path"] for one in data["prompts"]] == ["p/a.md", "p/b.md", "p/\u202e|é\x7f.md"]
    assert data["prompts"][0] == {
        "path": "p/a.md", "name": None, "kind": "text", "model": "m", "tokens": 4, "low_tokens": 4,
        "input_usd_per_mtok": "2.00", "cost_usd": "0.000008", "content": sketch("a b c d"),
    }  # fmt: skip


def test_a_plain_workload_is_kept_to_the_last_digit(tmp_path):
    """61 days of 1,000 calls of 200 tokens, half of them cached, and 50 of output."""
    (one,) = moment(tmp_path).moment.workloads
    usd = 61_000 * (100 * Decimal(2) + 100 * Decimal("0.5") + 50 * Decimal(8)) / 1_000_000
    assert (one.mean_usd, one.p50_usd, one.p90_usd) == (usd, usd, usd)
    assert (one.requests, one.reasoning_tokens) == (61_000, 0)
    assert one.usage == {"input": 6_100_000, "cached": 6_100_000, "output": 3_050_000}
    assert one.usd == {
        "input": Decimal("12.2"),
        "cached": Decimal("3.05"),
        "output": Decimal("24.4"),
    }
    assert (one.start, one.months) == ("2026-11", 2)


def test_nothing_changed_is_said_so(tmp_path):
    """A repository against its own baseline has no change and no note."""
    found = compared(tmp_path, moment(tmp_path)).comparison
    assert (found.prompts, found.workloads, found.unchanged, found.below) == ((), (), 2, 0)
    assert found.notes == ()


CAUSES = {
    "traffic": {"w_dot_toml": WORKLOAD.replace("1000", "1500")},
    "tokens": {"w_dot_toml": WORKLOAD.replace("200", "300")},
    "cache": {"w_dot_toml": WORKLOAD.replace("0.5", "0.75")},
    "price": {"own_dot_toml": checking.catalog(output_usd_per_mtok='"9.00"')},
}


SEARCHING = """
[[workload]]
name = "chat"
requests_per_day = 100
prompt_tokens = 10000
completion_tokens = 500
written_share = { one_hour = 0.6 }
fees_per_request = { "web search" = 1 }
turns = 2
followup_tokens = 100
"""
MORE = {
    "traffic": ("= 100\nprompt", "= 200\nprompt"),
    "tokens": ("followup_tokens = 100", "followup_tokens = 300"),
    "cache writes": ("0.6", "0.3"),
    "fees": ('"web search" = 1', '"web search" = 2'),
}


@pytest.mark.parametrize("cause", MORE)
def test_what_is_beyond_tokens_leaves_nothing_over(tmp_path, cause):
    """Cache writes, fees and conversations have their own cause, also with traffic and tokens."""
    config = 'catalog = "2026-11-public"\n' + SPEND + 'model = "kimi-k3.1-pro"\n'
    winter = date(2026, 11, 30)
    before = Check(moment(tmp_path, config, w_dot_toml=SEARCHING).config, winter).moment
    text = SEARCHING.replace(*MORE[cause])
    after = Check(moment(tmp_path, config, w_dot_toml=text).config, winter)
    (one,) = after.report(before).comparison.workloads
    change = one.new.mean_usd - one.old.mean_usd
    assert change
    assert {name: part for name, part in one.causes.items() if part} == {cause: change}


@pytest.mark.parametrize("cause", CAUSES)
def test_one_cause_has_all_of_the_change(tmp_path, cause):
    """Where only one thing changed, the others have no part in it."""
    old = moment(tmp_path)
    before = old.moment
    found = moment(tmp_path, **CAUSES[cause]).report(before).comparison
    (one,) = found.workloads
    change = one.new.mean_usd - one.old.mean_usd
    assert change
    assert {name: part for name, part in one.causes.items() if part} == {cause: change}


def test_a_price_is_the_cause_of_what_a_prompt_costs_more(tmp_path):
    """The tokens stay, the price doubles; the note names both catalogs."""
    before = moment(tmp_path).moment
    own = checking.catalog(input_usd_per_mtok='"4.00"')
    found = moment(tmp_path, own_dot_toml=own).report(before).comparison
    (one,) = found.prompts
    assert one.causes == {"tokens": 0, "price": Decimal("0.000008")}
    assert any(note.startswith("The catalog changed: own") for note in found.notes)


MONEY = st.decimals(min_value=0, max_value=50, places=3)
COUNT = st.integers(min_value=0, max_value=10**9)


def prompt(tokens, price):
    cost = price * tokens / 1_000_000
    return PromptEntry(
        path="p", name=None, kind="text", model="m", tokens=tokens, low_tokens=tokens,
        input_usd_per_mtok=price, cost_usd=cost,
    )  # fmt: skip


@given(
    tokens=st.tuples(COUNT.map(lambda n: n + 1), COUNT.map(lambda n: n + 1)),
    prices=st.tuples(MONEY, MONEY),
)
def test_causes_of_a_prompt_add_up_and_are_shapley_values(tokens, prices):
    """Tokens and price sum to the change exactly, and are what the general rule gives."""
    old, new = (prompt(one, price) for one, price in zip(tokens, prices, strict=True))
    found = prompt_change(old, new).causes
    assert sum(map(Fraction, found.values())) == Fraction(new.cost_usd) - Fraction(old.cost_usd)

    half = Fraction(1, 2_000_000)  # each at the mean of the other, before and after
    assert {name: Fraction(part) for name, part in found.items()} == {
        "tokens": half * (new.tokens - old.tokens) * Fraction(prices[0] + prices[1]),
        "price": half * (new.tokens + old.tokens) * Fraction(prices[1] - prices[0]),
    }


def test_a_prompt_that_was_empty_costs_its_tokens():
    """No token had a price, so nothing of what it costs now is the price."""
    assert prompt_change(prompt(0, Decimal(2)), prompt(50, Decimal(4))).causes == {
        "tokens": Decimal("0.0002"), "price": 0,
    }  # fmt: skip


@st.composite
def entries(draw):
    """Draw an entry of a workload: some meters, each with tokens and with what they cost."""
    keys = ["input", "cached", "cache_write_1h", "output", "batch_input", "batch_output"]
    used = draw(st.lists(st.sampled_from([*keys, "fee: web search"]), unique=True))
    output = "output" in used
    usage = {key: Decimal(draw(COUNT) + 1) for key in used}
    return WorkloadEntry(
        path="w", name="n", model="m", start="2026-11", months=12,
        requests=Decimal(draw(COUNT) + 1),
        reasoning_tokens=Decimal(draw(st.integers(0, int(usage["output"]))) if output else 0),
        usage=usage, usd={key: draw(MONEY) for key in used},
        p50_usd=draw(MONEY), p90_usd=draw(MONEY),
    )  # fmt: skip


PARTS = {"traffic", "tokens", "cache", "cache writes", "batch", "fees", "price"}


@settings(max_examples=50, deadline=None)
@given(old=entries(), new=entries())
def test_causes_of_a_workload_add_up_and_change_sign(old, new):
    """The parts sum to the change of the mean to the last digit, whatever changed; back is minus."""
    found = workload_change(old, new).causes
    assert sum(map(Fraction, found.values())) == Fraction(new.mean_usd) - Fraction(old.mean_usd)
    assert set(found) == PARTS
    back = workload_change(new, old).causes
    for name, part in found.items():
        assert abs(part + back[name]) <= Decimal("1e-11") * len(found)


@given(entry=entries(), times=st.integers(2, 9))
def test_more_traffic_is_traffic_alone(entry, times):
    """Whatever a workload is billed for, so many times of all of it has one cause, to the last digit."""
    more = replace(
        entry,
        requests=entry.requests * times,
        reasoning_tokens=entry.reasoning_tokens * times,
        usage={key: amount * times for key, amount in entry.usage.items()},
        usd={key: usd * times for key, usd in entry.usd.items()},
    )
    found = workload_change(entry, more).causes
    assert found == {**dict.fromkeys(PARTS, 0), "traffic": entry.mean_usd * (times - 1)}


def test_what_came_and_what_went_is_said(tmp_path):
    """A new prompt, a removed prompt and a renamed workload are changes of their own."""
    before = moment(tmp_path, p__b_dot_md="x").moment
    (tmp_path / "p" / "b.md").unlink()
    found = moment(
        tmp_path, p__c_dot_md="y", w_dot_toml=WORKLOAD.replace('"chat"', '"talk"')
    ).report(before)
    states = {one.entry.path: one.state for one in found.comparison.prompts}
    assert states == {"p/b.md": "gone", "p/c.md": "new"}
    states = {one.entry.name: one.state for one in found.comparison.workloads}
    assert states == {"chat": "gone", "talk": "new"}
    assert found.comparison.unchanged == 1


def test_another_model_is_another_prompt(tmp_path):
    """The same file for another model has no change of cost that would mix up two prices."""
    before = moment(tmp_path, HEAD + PROMPTS).moment
    config = 'model = "kimi-k2"\n' + PROMPTS
    found = moment(tmp_path, config).report(before).comparison
    assert sorted(one.state for one in found.prompts) == ["gone", "new"]


def test_months_are_those_of_the_baseline(tmp_path):
    """A month later, over other months, an unchanged workload did not change."""
    before = moment(tmp_path).moment
    config = HEAD + PROMPTS + SPEND.replace("months = 2", "months = 5")
    check = moment(tmp_path, config)
    check = type(check)(check.config, checking.AS_OF.replace(year=2027))
    assert check.report(before).comparison.workloads == ()
    assert check.moment.workloads[0].start == "2027-11"


def test_other_scenarios_are_said(tmp_path):
    """A change of the seed is named, because part of a change of spend may be chance."""
    text = WORKLOAD.replace("requests_per_day = 1000", "requests_per_day = { p50 = 9, p90 = 20 }")
    seeds = {0: "", 7: "seed = 7\n"}
    for old, new in ((0, 7), (7, 0)):
        before = moment(tmp_path, seeds[old] + HEAD + PROMPTS + SPEND, w_dot_toml=text).moment
        now = moment(tmp_path, seeds[new] + HEAD + PROMPTS + SPEND, w_dot_toml=text)
        notes = now.report(before).comparison.notes
        assert any(f"seed {old} -> {new}" in note for note in notes)


@pytest.mark.parametrize(("allowed", "outcomes"), [
    ("max_growth_percent = 100", [Outcome.PASSED]),
    ("max_growth_percent = 99", [Outcome.OVER]),
    ("max_growth_tokens = 4", [Outcome.PASSED]),
    ("max_growth_tokens = 3", [Outcome.OVER]),
    ("max_growth_usd = 0.000008", [Outcome.PASSED]),
    ("max_growth_usd = 0.000007", [Outcome.OVER]),
    ("max_growth_tokens = 3\nignore_below_tokens = 4", [Outcome.OVER]),
    ("max_growth_tokens = 3\nignore_below_tokens = 5", [Outcome.PASSED]),
    ("max_growth_tokens = 3\nignore_below_usd = 0.000009", [Outcome.PASSED]),
    ("max_growth_tokens = 3\n[[overrides]]\npaths = ['p/*']\nmax_growth_tokens = 9",
     [Outcome.PASSED]),
])  # fmt: skip
def test_growth_of_a_prompt_is_held_against_what_is_allowed(tmp_path, allowed, outcomes):
    """Four tokens become eight: twice as many, 0.000008 USD a call more."""
    before = moment(tmp_path).moment
    head, _, overrides = allowed.partition("[[")
    config = f"{head}\n{HEAD}{PROMPTS}" + (f"[[{overrides}\n" if overrides else "")
    check = moment(tmp_path, config, p__a_dot_md="a b c d e f g h")
    report = check.report(before)
    growth = [one for one in report.results if one.rule == "prompt-growth"]
    assert [one.outcome for one in growth] == outcomes
    below = "ignore_below" in allowed and outcomes == [Outcome.PASSED]
    assert report.comparison.below == int(below)
    assert not re.search(r"%? over$", growth[0].message), "of percents that would be confusing"
    shown = check.report(before, may_grow=True)
    assert not [one for one in shown.results if one.rule == "prompt-growth"]


@pytest.mark.parametrize(("allowed", "outcome", "below"), [
    ("max_growth_percent = 50", Outcome.PASSED, 0),
    ("max_growth_percent = 49.9", Outcome.OVER, 0),
    ("max_growth_usd_per_month = 9.9125", Outcome.PASSED, 0),
    ("max_growth_usd_per_month = 9.9124", Outcome.OVER, 0),
    ("max_growth_percent = 1\nignore_below_usd_per_month = 9.9126", Outcome.PASSED, 1),
    ("max_growth_percent = 1\nignore_below_usd_per_month = 9.9125", Outcome.OVER, 0),
])  # fmt: skip
def test_growth_of_a_workload_is_that_of_its_mean_month(tmp_path, allowed, outcome, below):
    """Half as many calls again: 500 x 61 days x 0.00065 USD over two months are 9.9125 a month."""
    before = moment(tmp_path).moment
    text = WORKLOAD.replace("1000", "1500")
    report = moment(tmp_path, f"{allowed}\n{HEAD}{SPEND}", w_dot_toml=text).report(before)
    (growth,) = [one for one in report.results if one.rule == "workload-growth"]
    assert (growth.outcome, report.comparison.below) == (outcome, below)


def test_growth_of_a_cost_without_a_price_is_unknown(tmp_path):
    """Its limit in USD cannot be held against anything."""
    text = checking.catalog(input_usd_per_mtok=None)
    before = moment(tmp_path, HEAD + PROMPTS, own_dot_toml=text).moment
    config = f"max_growth_usd = 1\nmax_growth_percent = 1\n{HEAD}{PROMPTS}"
    report = moment(tmp_path, config, own_dot_toml=text, p__a_dot_md="x " * 90).report(before)
    growth = [one for one in report.results if one.rule == "prompt-growth"]
    assert [one.outcome for one in growth] == [Outcome.OVER, Outcome.UNKNOWN]
    assert count_tokens("x " * 90) > 4


@pytest.mark.parametrize(("text", "words"), [
    ("", "not JSON"),
    ("[]", "schema is None"),
    ('{"schema": 1}', "schema is 1"),
    ('{"schema": 2}', "KeyError: 'kimi_planner'"),
    (None, "no baseline"),
])  # fmt: skip
def test_what_is_no_baseline_is_refused(tmp_path, text, words):
    """The message names the file and how to write one."""
    path = tmp_path / "b.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(FileError) as raised:
        read_baseline(path)
    assert str(path) in str(raised.value)
    assert words in str(raised.value)
    assert "--update-baseline" in str(raised.value)


@pytest.mark.parametrize(("key", "value"), [
    ("tokens", -1), ("tokens", "4"), ("cost_usd", 3), ("cost_usd", "-1"), ("path", None),
    ("cost_usd", "nan"), ("more", 1), ("cost_usd", "1e99999"),
])  # fmt: skip
def test_a_damaged_entry_is_refused(tmp_path, key, value):
    """A value of the wrong kind is an error, not a change."""
    data = json.loads(baseline_text(moment(tmp_path).moment))
    data["prompts"][0][key] = value
    path = tmp_path / "b.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(FileError, match="not a baseline"):
        read_baseline(path)


@pytest.mark.parametrize(("key", "value"), [
    ("usage", {"inptu": "1"}), ("usage", {"input": 1}), ("usd", {"input": "-1"}), ("usd", "1"),
])  # fmt: skip
def test_a_damaged_amount_by_meter_is_refused(tmp_path, key, value):
    """A meter that is not known, or an amount that is no decimal, is an error, not a change."""
    data = json.loads(baseline_text(moment(tmp_path).moment))
    data["workloads"][0][key] = value
    path = tmp_path / "b.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(FileError, match="not a baseline"):
        read_baseline(path)


def test_an_empty_baseline_can_be_written_and_read(tmp_path):
    """A configuration of the catalog alone has no entries."""
    check = moment(tmp_path, 'catalog = "own.toml"\n[catalog_checks]\nmax_age_days = 999\n')
    path = tmp_path / "b.json"
    path.write_text(baseline_text(check.moment), encoding="utf-8")
    found = read_baseline(path)
    assert found == check.moment
    assert isinstance(found, Baseline)
    assert found.prompts == found.workloads == ()


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("three plain words", "06b780"),
        ("two words", "b20372"),
        ("one", "2d2d51"),
        ("", "000000"),
        ("四个汉字", "5559afc0cfe9"),  # each of them is a word
    ],
)
def test_what_a_prompt_says_is_kept_as_earlier_versions_did(text, digits):
    """The sketch of a committed baseline means the same to the next version: six digits for each hash.

    By hand of the CRC-32 of three words, an absent one being 0: ``(a * F + b) * F + c`` modulo ``2**24``.
    """
    assert sketch(text) == digits


RULES = " ".join(
    f"Rule {n}: answer question {n * 7 % 11} in {n * 3} words of style {n}." for n in range(40)
)
EXAMPLES = " ".join(
    f"Example {n}: the reader {n} asks for thing {n * 5}, and gets it." for n in range(70)
)


def test_a_rename_with_growth_is_growth(tmp_path):
    """A prompt in another file is known by what it says, and held as one that changed."""
    config = f"max_growth_percent = 10\n{HEAD}{PROMPTS.replace('1000', '9000')}"
    old = moment(tmp_path, config, p__a_dot_md=RULES, p__b_dot_md="x y z " * 9).moment
    (tmp_path / "p" / "a.md").unlink()
    report = moment(
        tmp_path, config, p__a_dot_md="Quite another text.", p__b_dot_md="x y z " * 9,
        p__new_dot_md=f"{RULES} {EXAMPLES}",
    ).report(old)  # fmt: skip
    # The old name has another text now, so it is the one that changed.
    assert {one.state for one in report.comparison.prompts} == {"changed", "new"}
    (tmp_path / "p" / "a.md").unlink()
    check = checking.check_of(tmp_path / "kimi-planner.toml")
    report = check.report(old)
    (change,) = report.comparison.prompts
    tokens = count_tokens(RULES), count_tokens(f"{RULES} {EXAMPLES}")
    assert tokens[1] > 2 * tokens[0]
    assert (change.state, change.old.path, change.new.path) == ("moved", "p/a.md", "p/new.md")
    assert (change.old.tokens, change.new.tokens) == tokens
    (growth,) = [
        one for one in report.results if one.rule == "prompt-growth" and not one.outcome.passes
    ]
    assert (growth.path, growth.outcome) == ("p/new.md", Outcome.OVER)
    assert "p/new.md on m (was p/a.md): " in render(report, "text")
    assert "1 moved, 1 unchanged" in render(report, "text")
    assert "(was p/a.md)" in render(report, "markdown")
    assert "Prompts since the baseline" in render(report, "markdown")
    assert json.loads(render(report, "json"))["baseline"]["prompts"][0]["state"] == "moved"


def test_a_move_alone_passes_and_another_text_is_new(tmp_path):
    """The same text elsewhere has not grown; one that shares a few words is not the same."""
    config = f"max_growth_percent = 0\n{HEAD}{PROMPTS.replace('1000', '9000')}"
    old = moment(tmp_path, config, p__a_dot_md=RULES).moment
    (tmp_path / "p" / "a.md").rename(tmp_path / "p" / "b.md")
    report = checking.check_of(tmp_path / "kimi-planner.toml").report(old)
    assert [one.state for one in report.comparison.prompts] == ["moved"]
    assert all(one.outcome is Outcome.PASSED for one in report.results)
    (tmp_path / "p" / "b.md").write_text(RULES[:150] + EXAMPLES, encoding="utf-8")
    report = checking.check_of(tmp_path / "kimi-planner.toml").report(old)
    assert sorted(one.state for one in report.comparison.prompts) == ["gone", "new"]


def test_a_prompt_without_an_upper_end_is_compared_by_its_fixed_text(tmp_path):
    """Its growth is held; where its variables become declared it is another thing, and not smaller."""
    config = f'max_growth_percent = 10\n{HEAD}[[prompts]]\npaths = ["p/*.py"]\nmax_tokens = 9000\n'
    code = 'def f(x):\n    return f"""{}{x}"""\n'
    first, second = (code.replace("{}", RULES[:size]) for size in (400, 900))
    old = moment(tmp_path, config, p__a_dot_py=first).moment
    (entry,) = old.prompts
    assert (entry.kind, entry.tokens) == ("fixed", count_tokens(RULES[:400]))
    report = moment(tmp_path, config, p__a_dot_py=second).report(old)
    (growth,) = [one for one in report.results if one.rule == "prompt-growth"]
    assert (growth.outcome, growth.line) == (Outcome.OVER, 2)
    declared = f"{config}variables = {{ x = {{ max_bytes = 9 }} }}\n"
    report = moment(tmp_path, declared, p__a_dot_py=first).report(old)
    assert sorted(one.state for one in report.comparison.prompts) == ["gone", "new"]


def test_a_baseline_without_content_is_read_and_says_what_it_lacks(tmp_path):
    """One that an earlier version wrote still compares, by names alone."""
    data = json.loads(baseline_text(moment(tmp_path).moment))
    for entry in data["prompts"]:
        del entry["content"]
    path = tmp_path / "b.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    report = moment(tmp_path).report(read_baseline(path))
    assert report.comparison.unchanged == 2
    assert "does not have what prompts say" in report.comparison.notes[0]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(), min_size=30, max_size=300, unique=True), st.randoms())
def test_a_text_is_known_again_inside_a_larger_one(words, random):
    """Whatever else of its length is written before it; a text that shares nothing is another."""
    text = " ".join(f"w{word}" for word in words)
    other = " ".join(f"v{random.randrange(9**9)}" for _ in range(len(words)))

    def entry(path, said):
        return PromptEntry(path=path, name=None, kind="text", model=None, tokens=1, low_tokens=1,
                           input_usd_per_mtok=None, cost_usd=None, content=Content(said))  # fmt: skip

    old = entry("a", text)
    assert list(renamed([old], [entry("b", other)])) == []
    found = list(renamed([old], [entry("b", other), entry("c", f"{other} {text}")]))
    assert [now.path for _, now in found] == ["c"]
