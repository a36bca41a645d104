"""Budgets of the catalog: its age, and its prices against another source."""

from decimal import Decimal

import checking
import pytest

from kimi_planner import load_catalog
from kimi_planner.checks.results import Outcome
from kimi_planner.errors import CatalogError

HEAD = 'catalog = "own.toml"\n{model}[catalog_checks]\n'


def checked(tmp_path, limits, model='model = "m"\n', **files):
    return checking.results_of(
        checking.lay_out(tmp_path, f"{HEAD.format(model=model)}{limits}\n", **files)
    )


@pytest.mark.parametrize(("most", "outcome"), [(30, Outcome.PASSED), (29, Outcome.OVER)])
def test_the_age_is_that_of_the_oldest_source(tmp_path, most, outcome):
    """From the first to the last day of October are 30 days; the line is that of the table."""
    (one,) = checked(tmp_path, f"max_age_days = {most}", own_dot_toml=checking.catalog())
    assert (one.value, one.limit, one.outcome) == (30, most, outcome)
    assert (one.path, one.line) == ("kimi-planner.toml", 3)


def test_a_source_that_was_checked_later_is_an_error(tmp_path):
    """A date after the day of the check is a mistake in one of them."""
    with pytest.raises(CatalogError, match="after 2026-10-31"):
        checked(tmp_path, "max_age_days = 9", own_dot_toml=checking.catalog("2026-11-01"))


@pytest.mark.parametrize(("most", "outcome"), [("25", Outcome.PASSED), ("24.9", Outcome.OVER)])
def test_drift_is_in_percent_of_the_other_price(tmp_path, most, outcome):
    """2.00 against 1.60 is 25% apart, the largest of all prices."""
    other = checking.catalog(input_usd_per_mtok='"1.60"', output_usd_per_mtok='"9.00"')
    (one,) = checked(
        tmp_path,
        f'against = "other.toml"\nmax_drift_percent = {most}',
        own_dot_toml=checking.catalog(),
        other_dot_toml=other,
    )
    assert (one.value, one.outcome, one.model) == (Decimal(25), outcome, "m")
    assert "input_usd_per_mtok of m is 2.00 in own and 1.60 in own, 25.0% apart" in one.message


def test_a_price_that_the_other_does_not_state_is_unknown(tmp_path):
    """What cannot be compared is no pass; neither is a model that is not there."""
    limits = 'against = "other.toml"\nmax_drift_percent = 99'
    other = checking.catalog(cached_input_usd_per_mtok=None)
    (one,) = checked(tmp_path, limits, own_dot_toml=checking.catalog(), other_dot_toml=other)
    assert one.outcome is Outcome.UNKNOWN
    assert "states no cached_input_usd_per_mtok" in one.message
    other = checking.catalog().replace('id = "m"', 'id = "n"')
    (one,) = checked(tmp_path, limits, own_dot_toml=checking.catalog(), other_dot_toml=other)
    assert one.outcome is Outcome.UNKNOWN
    assert "has no m" in one.message


def test_models_are_compared_with_their_stated_counterparts(tmp_path):
    """The card's ids differ from those of genai-prices; a shipped catalog states which is which."""
    pytest.importorskip("genai_prices")
    config = (
        '[catalog_checks]\nagainst = "genai-prices"\nmax_drift_percent = 10\n'
        '[[prompts]]\npaths = ["*.md"]\nmodel = "kimi-k2-5"\nmax_tokens = 9\n'
    )
    path = checking.lay_out(tmp_path, config, a_dot_md="x")
    (one,) = [one for one in checking.results_of(path) if one.rule == "catalog-drift"]
    ours, theirs = (
        load_catalog(name).model(model)
        for name, model in (("2026-06", "kimi-k2-5"), ("genai-prices", "kimi-k2.5"))
    )
    drifts = [
        abs(getattr(ours, name) / getattr(theirs, name) - 1) * 100
        for name in ("input_usd_per_mtok", "output_usd_per_mtok")
    ]
    assert one.value == max(drifts)
    assert "kimi-k2-5 (kimi-k2.5 there)" in one.message
