"""Routing by scores, against a loop over items, cascades, brute force and simulation."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from kimi_planner import project
from kimi_planner.choose import Detector, cascades, read_evaluations, routing_curve
from kimi_planner.choose.objective import Objective
from kimi_planner.choose.routing.by_score import outcomes_of, rules_of
from kimi_planner.choose.routing.curve import RoutingCurve
from kimi_planner.errors import EvaluationError, SettingError, UnknownModelError
from kimi_planner.workload import Workload

CHEAP, STRONG = "kimi-k2", "kimi-k2-5"
USD = {CHEAP: 0.0042, STRONG: 0.00875}


def plain(**changes):
    fields = {"name": "w", "requests_per_day": 9, "prompt_tokens": 2000, "completion_tokens": 500}
    return Workload(**fields | changes)


PLAN = project(plain(), 1, "2026-12", [CHEAP, STRONG], date(2026, 11, 25))


def drawn(rng, count, share=0.0):
    """Return what two models solve, failures correlated, and two scores that know something of it."""
    usual, own = rng.standard_normal(count), rng.standard_normal((2, count))
    hard = share**0.5 * usual + (1 - share) ** 0.5 * own
    solved = hard < np.array([[0.1], [0.8]])
    before = np.round(-hard[0] + 1.5 * rng.standard_normal(count), 2)
    return solved, before, np.round(solved[0] + 0.7 * rng.standard_normal(count), 2)


def table(solved, **columns):
    count = len(solved[0])
    rows = {
        "workload": "w",
        "model": np.repeat([CHEAP, STRONG], count),
        "item": np.tile(np.arange(count), 2),
        "success": np.ravel(solved).astype(int),
    }
    return rows | {name: np.tile(value, 2) for name, value in columns.items()}


def curve_of(rows, workload=None, **changes):
    tried = read_evaluations(pd.DataFrame(rows))
    plan = {"projection": PLAN} if workload is None else {"months": 1, "start": "2026-12"}
    return routing_curve(workload or plain(), CHEAP, STRONG, tried, **plan, **changes)


SOLVED, BEFORE, AFTER = drawn(np.random.default_rng(2), 120, 0.5)


def test_every_rule_is_what_a_loop_over_items_brings():
    """Cost with both scores paid where they are looked at, success, and the share that is kept."""
    rows = table(SOLVED, score_before=BEFORE, score_after=AFTER)
    found = curve_of(rows, before_usd="0.0001", after_usd="0.0003")
    assert len(found.rules) == len(set(found.rules)) == 13 * 13 + 1
    for place, rule in enumerate(found.rules):
        cost = solved = kept = 0
        for n in range(120):
            asks = not rule.strong_alone
            if rule.before is not None:
                cost += 0.0001
                asks = BEFORE[n] >= rule.before
            keeps = asks
            if asks:
                cost += USD[CHEAP]
                if rule.after is not None:
                    cost += 0.0003
                    keeps = AFTER[n] >= rule.after
            cost += 0 if keeps else USD[STRONG]
            solved += SOLVED[0 if keeps else 1][n]
            kept += keeps
        row = found.frame.loc[place]
        assert row["cost_usd"] == pytest.approx(cost / 120, rel=1e-12)
        assert (row["success_rate"], row["kept_share"]) == (solved / 120, kept / 120)


def test_a_score_that_knows_is_a_detector_that_never_errs():
    """Success is that of the cascade of the same named items, before its prior of one item."""
    rows = table(SOLVED, score_after=SOLVED[0].astype(int))
    found = curve_of(rows, after_usd="0.0003")
    assert [rule.after for rule in found.rules] == [None, None, 1.0]
    row = found.frame.loc[2]
    either = (SOLVED[0] | SOLVED[1]).mean()
    perfect = cascades(
        plain(),
        detector=Detector(false_accept=0, false_reject=0, cost_usd="0.0003"),
        evaluations=read_evaluations(pd.DataFrame(rows)),
        projection=PLAN,
    ).of(CHEAP, STRONG)
    assert row["success_rate"] == either
    assert perfect.success_rate == pytest.approx((120 * either + 0.5) / 121, rel=1e-12)
    sent = 1 - SOLVED[0].mean()
    assert row["cost_usd"] == pytest.approx(0.0042 + 0.0003 + sent * 0.00875, rel=1e-12)


def test_items_cost_what_they_were_billed():
    """Dear items weigh as they are; without costs a task costs what is planned."""
    usd = np.round(np.random.default_rng(1).lognormal(0, 1, 120), 3)
    found = curve_of(table(SOLVED, score_after=AFTER, cost_usd=usd))
    assert found.frame.loc[[0, 1], "cost_usd"].tolist() == pytest.approx([usd.mean()] * 2)
    rule = found.rules[9]
    sent = rule.after > AFTER
    assert found.frame.loc[9, "cost_usd"] == pytest.approx((usd * (1 + sent)).mean(), rel=1e-12)


def test_the_best_rule_at_a_value_is_the_best_of_all():
    """By brute force at values below, at and above each switch; there two rules are worth the same."""
    found = curve_of(table(SOLVED, score_before=BEFORE, score_after=AFTER))
    points = {
        rule: (Fraction(int(found.solved[n].sum()), 120), Fraction(float(found.item_usd[n].mean())))
        for n, rule in enumerate(found.rules)
    }
    rules = found.by_value
    assert rules[0][0] == found.rules[0]
    assert len(rules) > 3
    for (before, _), (after, value) in pairwise(rules):
        nets = {rule: Fraction(value) * rate - cost for rule, (rate, cost) in points.items()}
        assert float(nets[before]) == pytest.approx(float(nets[after]), abs=1e-12)
        assert float(max(nets.values())) == pytest.approx(float(nets[after]), abs=1e-12)
    for (rule, low), high in zip(rules, [*(value for _, value in rules[1:]), 5.0], strict=True):
        assert found.at((low + high) / 2).rule == rule
    assert found.best is None
    assert found.sentences()[0].startswith("w: from 0.0000 USD a solved task, kimi-k2 alone; from ")


def test_the_stated_value_chooses_and_gains_are_told_on_items_held_back():
    """Half of the items choose, the others judge; a score of pure chance shows no gain."""
    rows = table(SOLVED, score_after=AFTER)
    found = curve_of(rows, plain(value_usd_per_success="0.05"))
    best = found.best
    nets = 0.05 * found.solved - found.item_usd
    assert nets[found.rules.index(best.rule)].mean() == pytest.approx(nets.mean(axis=1).max())
    assert best == found.at("0.05")
    assert best.items == 60
    assert best.net_interval[0] < best.net_usd < best.net_interval[1]
    assert "chosen so by half of the items" in found.sentences()[1]
    chance = table(SOLVED, score_after=np.random.default_rng(3).random(120).round(3))
    blind = curve_of(chance, plain(value_usd_per_success="0.05"))
    assert "do not tell from chance" in blind.sentences()[1]


def held_out(rng, share, population, value=0.05, count=200):
    """Return the best rule of drawn items, and true net values of what was tested."""
    solved, before, after = drawn(rng, count, share)
    people, pop_before, pop_after = population
    usd, objective = [0.0042, 0.00875], Objective(value_usd=Fraction(str(value)))
    rules = tuple(rules_of([before, after]))

    def outcomes(rules, scores, solved):
        costs = [np.full(len(solved[0]), one) for one in usd]
        return outcomes_of(rules, scores, solved, costs, [0.0, 0.0003])

    right, cost, kept = outcomes(rules, [before, after], solved)
    curve = RoutingCurve(
        workload="w", cheap=CHEAP, strong=STRONG, objective=objective, confidence=0.9, rules=rules,
        solved=right, item_usd=cost, kept=kept, projection=PLAN,
    )  # fmt: skip
    best = curve.best
    single = rules[0] if best.single == CHEAP else rules[1]
    right, cost, _ = outcomes([best.tested, single], [pop_before, pop_after], people)
    return best, (value * right - cost).mean(axis=1)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7])
def test_intervals_of_the_best_rule_hold_what_it_brings(share):
    """90% of true net values, and gains, of the chosen rule lie in the intervals on items held back.

    1,500 experiments of 200 items, 500 from each of the first seeds, so that none is picked; a share of
    0.9 has a standard error of 0.008.
    """
    net = gain = 0
    for rng in map(np.random.default_rng, range(3)):
        population = drawn(rng, 20_000, share)
        for _ in range(500):
            best, (rule, single) = held_out(rng, share, population)
            net += best.net_interval[0] <= rule <= best.net_interval[1]
            gain += best.gain_interval[0] <= rule - single <= best.gain_interval[1]
    assert 0.87 <= net / 1500 <= 0.93
    assert 0.87 <= gain / 1500 <= 0.93


def test_the_curve_shows_itself():
    """A table of what no other rule beats, sentences, what it rests on, and exact costs of scores."""
    found = curve_of(table(SOLVED, score_before=BEFORE), before_usd=Decimal("0.0001"))
    assert found.provenance in " ".join(repr(found).split())
    assert "<table" in found._repr_html_()
    assert [said.code for said in found.notes] == ["routed_items", "one_token_count"]
    assert found.frame.loc[1, "rule"] == "kimi-k2-5 alone"
    assert "kimi-k2 where score_before is at least" in found.frame.loc[5, "rule"]


BAD = {
    "no scores": ({}, {}, EvaluationError, "no scores of kimi-k2 on w"),
    "few items": ({"keep": 19}, {}, EvaluationError, "share 19 items of w"),
    "no items": ({"workload": "v"}, {}, EvaluationError, "no items of w on kimi-k2"),
    "a cost below 0": ({}, {"after_usd": -1}, SettingError, "after_usd is -1"),
    "a cost that is none": ({}, {"before_usd": "dear"}, SettingError, "before_usd"),
    "confidence": ({}, {"confidence": 1}, SettingError, "confidence is 1"),
    "one model": ({}, {"strong": CHEAP}, SettingError, "both kimi-k2"),
    "an unknown model": ({}, {"strong": "kimi-k9"}, UnknownModelError, "kimi-k9"),
}


@pytest.mark.parametrize(("rows", "changes", "error", "words"), BAD.values(), ids=BAD.keys())
def test_bad_input_of_a_curve_is_one_error(rows, changes, error, words):
    """Each fault is named in one line."""
    keep = rows.get("keep", 120)
    frame = pd.DataFrame(table(SOLVED, **({"score_after": AFTER} if rows else {})))
    frame = frame[frame["item"] < keep].assign(workload=rows.get("workload", "w"))
    given = {"workload": plain(), "cheap": CHEAP, "strong": STRONG, "months": 1} | changes
    with pytest.raises(error, match=words) as caught:
        routing_curve(evaluations=read_evaluations(frame), **given)
    assert "\n" not in str(caught.value)
    with pytest.raises(SettingError, match="value_usd: 'x'"):
        curve_of(table(SOLVED, score_after=AFTER)).at("x")
