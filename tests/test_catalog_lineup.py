"""The second catalog of Moonshot's own line-up: templates, rules by day, capabilities, behaviour."""

from datetime import date
from decimal import Decimal

import pytest

from kimi_planner.catalog import catalog_versions, diff_catalogs, load_catalog

VERSION = "2026-11-public-2"
K2 = ("kimi-k2-0905-preview", "kimi-k2-0711-preview", "kimi-k2-turbo-preview")
K3 = ("kimi-k3", "kimi-k3.1-pro", "kimi-k3.1-pro-highspeed")


@pytest.fixture(scope="module")
def lineup():
    return load_catalog(VERSION)


def test_it_sorts_after_the_version_that_it_follows():
    """Who takes the newest name of a sorted list gets this one; the card stays the default."""
    versions = sorted(catalog_versions())
    assert versions[versions.index("2026-11-public") + 1] == VERSION
    assert load_catalog().version == "2026-06"


def test_prices_windows_and_lifecycle_are_those_of_the_version_before(lineup):
    """The new version corrects nothing of what is billed: ids, prices, windows, dates, fees."""
    diff = diff_catalogs("2026-11-public", lineup)
    assert diff.order[0] == diff.order[1]
    assert (diff.prices, diff.lifecycle) == ((), ())
    assert {one.field for one in diff.contexts} == {"max_output_tokens"}
    assert not {one.field for one in diff.head} & {"fees", "list_prices", "correspondences", "tax"}
    assert diff.conflicts[0] == ()


def test_every_model_can_be_counted(lineup):
    """Vocabulary, template and at least one rule, of a source that the file describes."""
    for spec in lineup:
        assert spec.tokenizer == "kimi-k2"
        assert spec.chat_template in ("kimi-k2", "kimi-k2.5", "kimi-k3")
        assert spec.renderings
        assert {rule.source for rule in spec.renderings} <= lineup.sources.keys()


@pytest.mark.parametrize("model", K2)
@pytest.mark.parametrize(
    ("day", "tools"),
    [
        (date(2025, 9, 26), "json"),
        (date(2025, 9, 27), "json or typescript"),
        (date(2026, 4, 24), "json or typescript"),
        (date(2026, 4, 25), "typescript"),
        (None, "typescript"),
    ],
)
def test_tools_of_k2_have_a_day(lineup, model, day, tools):
    """JSON up to the last bill with it, TypeScript from the first, and nobody knows between."""
    assert lineup.model(model).rendering(day).tools == tools


@pytest.mark.parametrize(
    ("models", "thinking", "keeps"),
    [
        (("kimi-k2-thinking", "kimi-k2-thinking-turbo"), "always", "at work"),
        (("kimi-k2.5",), "on", "at work"),
        (("kimi-k2.6",), "on", "asked"),
        (("kimi-k2.7-code", "kimi-k2.7-code-highspeed", *K3), "always", "always"),
        (K2, "none", "at work"),
    ],
)
def test_thinking_is_as_each_template_has_it(lineup, models, thinking, keeps):
    """Whether a model thinks, and what of it is written again."""
    for model in models:
        rule = lineup.model(model).rendering()
        assert (rule.thinking, rule.keeps_reasoning) == (thinking, keeps)


@pytest.mark.parametrize("model", K3)
def test_k3_thinks_and_sees_and_has_efforts(lineup, model):
    """The pages of November 2026: vision, video, tools, structured output, reasoning by effort."""
    spec = lineup.model(model)
    assert all(spec.can(word) for word in ("vision", "video", "tools", "json", "reasoning"))
    assert spec.reasoning_efforts == ("low", "high", "max")
    rule = spec.rendering()
    assert (rule.tools, rule.default_effort, rule.image_patches) == ("json", "max", 65_536)
    assert spec.context_window_tokens == 1_048_576


def test_reservations_and_speed_are_of_the_models_that_they_are_stated_of(lineup):
    """K3 reserves 131,072 tokens without a limit; one speed was measured, of K3.1 Pro."""
    stated = {one.id: one.default_output_tokens for one in lineup if one.default_output_tokens}
    assert stated == {"kimi-k3": 131_072}
    speeds = {one.id: one.output_tokens_per_second for one in lineup}
    assert {name: speed for name, speed in speeds.items() if speed} == {
        "kimi-k3.1-pro": Decimal(61)
    }
    longest = {one.id: one.max_output_tokens for one in lineup if one.max_output_tokens}
    assert longest == dict.fromkeys(K3[1:], 1_048_576)


def test_ratios_say_of_what_they_are(lineup):
    """Ratios of cost stay ratios of cost; a bound that no source states is open."""
    ratios = {(spec.id, one.of): (one.low, one.high) for spec in lineup for one in spec.behaviour}
    assert ratios == {
        ("kimi-k2.7-code", "reasoning tokens"): (Decimal("0.7"), Decimal("0.7")),
        ("kimi-k2.6", "output tokens"): (Decimal("2.08"), None),
        ("kimi-k2.6", "cost"): (Decimal("0.79"), Decimal("1.63")),
        ("kimi-k2-thinking", "cost"): (Decimal("1.80"), Decimal("4.59")),
    }
    assert Decimal(50_000) / 24_000 > Decimal("2.08")


def test_the_report_against_the_default_effort_is_kept(lineup):
    """24 bills stand against one report, and both are named."""
    (conflict,) = [one for one in lineup.conflicts if one.field == "rendering: default_effort"]
    assert conflict.model == "kimi-k3"
    assert "24 prompts" in conflict.chosen_where
    assert "`hi` was billed 19" in conflict.other_where
