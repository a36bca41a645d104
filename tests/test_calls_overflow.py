"""Overflow policies against conversations walked message by message, exact bills and closed forms."""

import math
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from kimi_planner.calls.overflow import billed_calls, carry_out, first_overflows
from kimi_planner.calls.sizes import CallSizes
from kimi_planner.catalog import Profile, load_catalog
from kimi_planner.plan.refused import refused_usd
from kimi_planner.plan.simulation import project
from kimi_planner.workload import Workload
from kimi_planner.workload.drawn import CallSample, Drawn
from kimi_planner.workload.overflow import Overflow

Z90 = stats.norm.ppf(0.9)
POLICIES = ["reject", "drop_oldest", {"summarise_to_tokens": 300}]


def workload(**changes):
    fields = {"name": "w", "requests_per_day": 10, "prompt_tokens": 1000, "completion_tokens": 100}
    return Workload(**fields | changes)


def expected_tokens(sizes, reasons, factors, *, window=None):
    """Return what a call uses, as arrays."""
    calls = CallSizes.of(sizes.resolve().sizes.on(Profile(reasons)), window)
    return SimpleNamespace(
        **{key: np.atleast_1d(one) for key, one in vars(calls.tokens(factors)).items()}
    )


def exact_tokens(sizes, reasons, *, window=None):
    """Return what a call of plain numbers uses, as fractions."""
    return CallSizes.of(sizes.resolve().sizes.on(Profile(reasons)), window).tokens(number=Fraction)


def sample_calls(sizes, reasons, rng, *, window=None):
    """Draw calls as they are billed."""
    sizes = sizes.resolve().sizes.on(Profile(reasons))
    return billed_calls(Drawn.draw(sizes, rng).calls(), window, sizes.overflow)


def policy(value):
    return Overflow("summarise", value["summarise_to_tokens"]) if isinstance(value, dict) else Overflow(value)  # fmt: skip


def walked(questions, answers, reserved, window, overflow):
    """Walk one conversation with a list of messages; return prompt or None, and summary read."""
    history, calls = [], []
    for question, answer, reserve in zip(questions, answers, reserved, strict=True):
        read = 0
        if overflow.policy == "drop_oldest":
            while len(history) >= 2 and sum(history) + question + reserve > window:
                history = history[2:]
        elif overflow.policy == "summarise" and sum(history) + question + reserve > window:
            size = overflow.summary_tokens
            if sum(history) > size and size + question + reserve <= window:
                read = min(sum(history), window - size)
                # the summary stands where the first pair stood, without an answer of its own
                history = [size, 0]
        if sum(history) + question + reserve > window:
            return calls + [(None, 0)] * (len(questions) - len(calls))
        calls.append((sum(history) + question, read))
        history += [question, answer]
    return calls


def sample_of(conversations):
    """Return the sample of conversations given as lists of (question, answer, thought, reserved)."""
    rows = [
        (number, turn, sum(one[0] + one[1] for one in calls[:turn]) + calls[turn][0], *calls[turn][1:])
        for number, calls in enumerate(conversations)
        for turn in range(len(calls))
    ]  # fmt: skip
    conversation, turn, prompt, answer, thought, reserved = (
        np.array(column) for column in zip(*rows, strict=True)
    )
    return CallSample(
        conversation, turn + 1, prompt.astype(float), (answer + thought).astype(float),
        reserved.astype(float), answer.astype(float),
    )  # fmt: skip


@pytest.mark.parametrize("value", POLICIES)
def test_policies_do_what_a_walk_over_messages_does(value):
    """Random conversations in random small windows follow their policy call by call."""
    rng = np.random.default_rng(1)
    for _ in range(60):
        conversations = [
            [tuple(rng.integers(0, 400, 4).tolist()) for _ in range(rng.integers(1, 14))]
            for _ in range(20)
        ]
        window, overflow = int(rng.integers(301, 3000)), policy(value)
        carried = carry_out(sample_of(conversations), window, overflow)
        place = 0
        for calls in conversations:
            questions, answers, thoughts, reserved = zip(*calls, strict=True)
            for turn, (prompt, read) in enumerate(walked(questions, answers, reserved, window, overflow)):  # fmt: skip
                assert carried.made[place] == (prompt is not None)
                assert carried.prompt[place] == (prompt or 0)
                assert carried.summary_prompt[place] == read
                assert carried.summary_completion[place] == (overflow.summary_tokens if read else 0)
                spent = 0 if prompt is None else answers[turn] + thoughts[turn]
                assert carried.completion[place] == spent
                assert carried.reasoning[place] == (0 if prompt is None else thoughts[turn])
                place += 1


HAND = {
    "reject": ("reject", [(500, 0), (700, 0), (900, 0), None, None]),
    "drop_oldest": ("drop_oldest", [(500, 0), (700, 0), (900, 0), (500, 0), (700, 0)]),
    "summarise": ({"summarise_to_tokens": 150}, [(500, 0), (700, 0), (900, 0), (250, 850), (450, 0)]),
}  # fmt: skip


@pytest.mark.parametrize(("value", "calls"), HAND.values(), ids=HAND.keys())
def test_a_small_window_by_hand(value, calls):
    """Five turns of 500, then 100 and 100 tokens in a window of 1,000, reserving 100."""
    turns = [(500, 100, 0, 100)] + [(100, 100, 0, 100)] * 4
    carried = carry_out(sample_of([turns]), 1000, policy(value))
    found = [
        (prompt, read) if made else None
        for made, prompt, read in zip(carried.made, carried.prompt, carried.summary_prompt, strict=True)
    ]  # fmt: skip
    if value == {"summarise_to_tokens": 150}:
        calls = [(500, 0), (700, 0), (900, 0), (250, 1000 - 150), (450, 0)]
    assert found == calls


def test_every_call_is_priced_whole_where_nothing_else_is_asked():
    """Four of ten calls do not fit and cost all the same; what they cost is the difference to refusing."""
    sizes = workload(turns=10, requests_per_day=10, prompt_tokens=20_000, followup_tokens=19_900)
    prompts = [20_000 * turn for turn in range(1, 11)]

    def bill(count):
        return 30 * (sum(prompts[:count]) * 1.2 + count * 100 * 3.6) / 1e6

    whole, refusing = sizes, replace(sizes, overflow="reject")
    assert spends(whole, 128_000, None) == pytest.approx([bill(10)] * 2, rel=1e-12)
    assert spends(refusing, 128_000, None) == pytest.approx([bill(6), bill(10)], rel=1e-12)
    for asked in (whole, refusing):
        found = project(asked, start="2026-11", as_of=date(2026, 10, 1), months=1, models="kimi-k2")
        lost = refused_usd(found, asked, "kimi-k2")
        assert lost == pytest.approx(bill(10) - bill(6), rel=1e-12)
    short = replace(sizes, turns=6)
    fits = project(short, start="2026-11", as_of=date(2026, 10, 1), months=1, models="kimi-k2")
    assert refused_usd(fits, short, "kimi-k2") == 0
    shorter = replace(sizes, overflow={"summarise_to_tokens": 127_990})
    assert refused_usd(replace(found, workloads=(shorter,)), shorter, "kimi-k2") is None


@pytest.mark.parametrize("value", POLICIES)
def test_without_a_window_nothing_changes(value):
    """No limit leaves every call as it was drawn."""
    sample = sample_calls(workload(turns=9), False, np.random.default_rng(0))
    carried = carry_out(sample, None, policy(value))
    assert carried.made.all()
    assert (carried.billed_prompt == sample.prompt).all()
    assert (carried.billed_completion == sample.completion).all()
    assert not len(first_overflows(sample, None))


def test_plain_numbers_are_billed_exactly_in_a_window():
    """A certain conversation is cut in exact decimals, also of fractions of a token."""
    sizes = {"turns": 5, "prompt_tokens": Decimal("499.5"), "followup_tokens": 100}
    window = 1000
    prompts = [Decimal("499.5") + 200 * turn for turn in range(3)]
    cut = exact_tokens(workload(**sizes, overflow="reject"), False, window=window)
    assert cut.prompt == Fraction(sum(prompts)) / 5
    assert cut.completion == Fraction(3 * 100) / 5
    dropped = exact_tokens(workload(**sizes, overflow="drop_oldest"), False, window=window)
    assert dropped.prompt == Fraction(sum(prompts) + 500 + 700) / 5
    assert dropped.completion == 100
    whole = exact_tokens(workload(**sizes), False, window=1400)
    assert whole == exact_tokens(workload(**sizes), False)


@pytest.mark.parametrize("factor", [0.25, 0.5, 1.0])
def test_where_every_call_fits_nothing_is_lost(factor):
    """Though at a larger mean some would be refused: to the last digit, as without a window."""
    sizes = workload(
        prompt_tokens={"p50": 2000, "p90": 2500, "mean_factor": {"p50": 1, "p90": 2}},
        overflow="reject",
    )
    (key,) = [key for key, one in sizes.resolve().sizes.factors.items() if not one.is_certain]
    free = expected_tokens(sizes, False, {key: factor})
    cut = expected_tokens(sizes, False, {key: factor}, window=20_000)
    assert (cut.prompt, cut.completion) == (free.prompt, free.completion)
    assert expected_tokens(sizes, False, {key: 9.0}, window=20_000).completion < free.completion


def test_a_third_of_the_calls_is_a_third():
    """Where the quotient has no end it is a fraction, and nothing is rounded."""
    tokens = exact_tokens(workload(turns=3, overflow="reject"), False, window=1100)
    assert tokens.prompt == Fraction(1000, 3)


def catalog(*windows):
    base = load_catalog()
    model = base.model("kimi-k2")
    models = tuple(replace(model, id=str(size), context_window_tokens=size) for size in windows)
    return replace(base, models=models)


def spends(sizes, *windows):
    found = project(sizes, start="2026-11", as_of=date(2026, 10, 1), months=1, n_paths=1000, catalog=catalog(*windows))  # fmt: skip
    return [float(found.of(model).mean()[0]) for model in found.models]


def test_a_refused_call_costs_nothing_and_ends_the_conversation():
    """The bill of a month in which the third of three calls does not fit is that of two calls."""
    sizes = workload(turns=3, requests_per_day=30, overflow="reject")
    by_hand = 30 * 10 * ((1000 + 2100) * 1.2 + 200 * 3.6) / 1e6
    full = by_hand + 30 * 10 * (3200 * 1.2 + 100 * 3.6) / 1e6
    assert spends(sizes, 2200, 3300, None) == pytest.approx([by_hand, full, full], rel=1e-12)


LONG = {
    "prompt_tokens": {"p50": 900, "p90": 2500},
    "followup_tokens": {"p50": 150, "p90": 400},
    "completion_tokens": {"p50": 250, "p90": 700},
    "reasoning_tokens": {"p50": 300, "p90": 900},
    "turns": {"mean": 6},
    "max_tokens": 1200,
}


@pytest.mark.parametrize("value", POLICIES)
@pytest.mark.parametrize("reasons", [False, True])
def test_expected_tokens_are_those_of_brute_force(value, reasons):
    """Tokens of one call asked for agree with 12,000 conversations walked apart; 5 standard errors."""
    window, n = 5000, 12_000
    sizes = workload(**LONG, overflow=value)
    found = expected_tokens(sizes, reasons, {}, window=window)
    rng = np.random.default_rng(8)
    sums = []
    for turns in rng.geometric(1 / 6, n):
        z = rng.standard_normal((3, turns)) / Z90
        questions = 150 * (400 / 150) ** z[0]
        questions[0] = 900 * (2500 / 900) ** z[0][0]
        thought = np.minimum(300 * 3 ** z[1], 1200) if reasons else np.zeros(turns)
        answers = np.minimum(250 * 2.8 ** z[2], 1200 - thought)
        calls = walked(questions.tolist(), answers.tolist(), [1200] * turns, window, policy(value))
        made = np.array([prompt is not None for prompt, _ in calls])
        read = sum(read for _, read in calls)
        summaries = sum(read > 0 for _, read in calls)
        sums.append(
            (
                sum(prompt or 0 for prompt, _ in calls) + read,
                (made * (answers + thought)).sum() + 300 * summaries,
                (made * thought).sum(),
            )
        )
    sums = np.array(sums)
    for column, mean in enumerate((found.prompt, found.completion, found.reasoning)):
        error = sums[:, column].std() / math.sqrt(n) / 6
        assert float(mean[0]) == pytest.approx(sums[:, column].mean() / 6, abs=5 * error + 1e-9)


def test_single_calls_beyond_the_window_have_a_closed_form():
    """Lognormal prompts that are refused above the window leave the partial mean below it."""
    sigma = math.log(6) / Z90
    sizes = workload(prompt_tokens={"p50": 1000, "p90": 6000}, overflow="reject")
    found = expected_tokens(sizes, False, {}, window=5100)
    z = math.log(5000 / 1000) / sigma
    partial = 1000 * math.exp(sigma**2 / 2) * stats.norm.cdf(z - sigma)
    assert found.prompt[0] == pytest.approx(partial, rel=2e-3)
    assert found.completion[0] == pytest.approx(100 * stats.norm.cdf(z), rel=1e-3)


@pytest.mark.parametrize("value", POLICIES)
def test_a_factor_moves_how_much_is_lost(value):
    """By scenario the tokens are those of a workload whose sizes have that factor; 4 standard errors."""
    sizes = {
        "completion_tokens": 200, "followup_tokens": 100, "turns": {"mean": 5}, "overflow": value,
    }  # fmt: skip
    first = {"p50": 1500, "p90": 3500}
    factors = np.geomspace(0.3, 3, 61)
    found = expected_tokens(
        workload(prompt_tokens=first | {"mean_factor": {"p50": 1, "p90": 1.6}}, **sizes),
        False, {"prompt_tokens": factors}, window=5000,
    )  # fmt: skip
    for place in (0, 13, 30, 44, 60):
        scaled = {key: number * factors[place] for key, number in first.items()}
        sizes["prompt_tokens"] = scaled
        alone = expected_tokens(workload(**sizes), False, {}, window=5000)
        calls = sample_calls(workload(**sizes), False, np.random.default_rng(1), window=5000)
        for name in ("prompt", "completion"):
            totals = np.bincount(calls.conversation, weights=getattr(calls, name))
            error = totals.std() / math.sqrt(16_384) / 5
            mean = float(getattr(alone, name)[0])
            assert getattr(found, name)[place] == pytest.approx(mean, abs=4 * error)


def test_factors_of_two_quantities_are_told_apart():
    """Between the nodes of two factors the tokens are those of single scenarios."""
    sizes = {"followup_tokens": 100, "turns": {"mean": 5}}
    uncertain = {"mean_factor": {"p50": 1, "p90": 1.5}}
    rng = np.random.default_rng(2)
    factors = {key: 1.5 ** (rng.standard_normal(500) / Z90) for key in ("prompt_tokens", "completion_tokens")}  # fmt: skip
    first, answer = {"p50": 1500, "p90": 3500}, {"p50": 200, "p90": 600}
    found = expected_tokens(
        workload(prompt_tokens=first | uncertain, completion_tokens=answer | uncertain, **sizes),
        False, factors, window=5000,
    )  # fmt: skip
    for place in range(0, 500, 125):
        one = {
            key: {name: number * factors[key][place] for name, number in part.items()}
            for key, part in (("prompt_tokens", first), ("completion_tokens", answer))
        }
        alone = expected_tokens(workload(**one, **sizes), False, {}, window=5000)
        assert found.prompt[place] == pytest.approx(alone.prompt[0], rel=0.02)


@pytest.mark.parametrize("value", POLICIES)
def test_where_nothing_overflows_the_closed_form_stands(value):
    """A window that no drawn conversation reaches changes no digit."""
    sizes = workload(**LONG, overflow=value)
    factors = {"completion_tokens": np.array([0.5, 1.0, 2.0])}
    for given in ({}, factors):
        free = expected_tokens(sizes, True, given)
        windowed = expected_tokens(sizes, True, given, window=10**7)
        for name in ("prompt", "completion", "reasoning"):
            assert (getattr(free, name) == getattr(windowed, name)).all()


def test_dropping_never_costs_more_and_rejecting_least():
    """Prompt tokens rise with the window, and from reject over drop_oldest to no limit."""
    free = expected_tokens(workload(**LONG), True, {}).prompt[0]
    before = dict.fromkeys(("reject", "drop_oldest"), 0.0)
    for window in (1300, 5000, 40_000):
        found = {
            name: expected_tokens(workload(**LONG, overflow=name), True, {}, window=window).prompt[0]
            for name in before
        }  # fmt: skip
        assert found["reject"] <= found["drop_oldest"] <= free * (1 + 1e-12)
        for name, tokens in found.items():
            assert tokens >= before[name]
        before = found


def test_nothing_fits_nothing_costs():
    """Where no first call fits, no token is billed."""
    found = expected_tokens(workload(**LONG, overflow="reject"), True, {}, window=10)
    assert [found.prompt[0], found.completion[0], found.reasoning[0]] == [0, 0, 0]


def test_noise_is_that_of_billed_calls():
    """A sample in a window has the tokens billed, summaries included, and no call gets lost."""
    sizes = workload(**LONG, overflow={"summarise_to_tokens": 300})
    rng = np.random.default_rng(0)
    sample = sample_calls(sizes, True, rng, window=5000)
    expected = expected_tokens(sizes, True, {}, window=5000)
    assert sample.prompt.mean() == pytest.approx(expected.prompt[0], rel=0.01)
    assert sample.completion.mean() == pytest.approx(expected.completion[0], rel=0.01)
