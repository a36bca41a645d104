"""Scores of ratings: scaled over the catalog, weighted by hand, unknown where a rating is missing."""

from dataclasses import replace

import pytest

from kimi_planner.catalog import Rating, load_catalog
from kimi_planner.choose.scores import scaled, score
from kimi_planner.errors import ScenarioError

THINKS = "kimi-k2-5-thinking"


def rated(model, **ratings):
    """Return the catalog with other ratings of one model; ``None`` is not stated."""
    catalog = load_catalog()
    changed = {
        name: value and Rating(rating=value, words="", reading="")
        for name, value in ratings.items()
    }
    models = (replace(one, **changed) if one.id == model else one for one in catalog)
    return replace(catalog, models=tuple(models))


def test_a_score_is_the_weighted_mean_of_scaled_ratings():
    """Ratings of 2 and 2, 3 and 1, 1 and 3, 1 and 2 from 1 to 3, weighted 3 to 1."""
    catalog = load_catalog()
    by_hand = {
        "kimi-k2-5": (3 * 0.5 + 0.5) / 4,
        THINKS: 3 / 4,
        "kimi-k2": 1 / 4,
        "kimi-k2-instruct": 0.5 / 4,
    }
    weights = {"reasoning_depth": 3, "speed": 1}
    assert {one.id: score(one, weights, catalog) for one in catalog} == by_hand
    assert score(catalog.model(THINKS), catalog=catalog) == 1  # reasoning depth alone


def test_the_scale_is_that_of_the_catalog():
    """A higher rating elsewhere lowers the share; where all are alike each is 1."""
    wider = rated("kimi-k2", speed=9)
    assert scaled(wider.model("kimi-k2-5"), "speed", wider) == (2 - 1) / (9 - 1)
    alone = load_catalog().model("kimi-k2-5")
    assert scaled(alone, "speed") == 1


def test_a_rating_that_is_not_stated_leaves_the_score_unknown():
    """It is unknown, not 0; without a weight the rating does not matter."""
    catalog = rated("kimi-k2", speed=None)
    spec = catalog.model("kimi-k2")
    assert score(spec, {"reasoning_depth": 1, "speed": 1}, catalog) is None
    assert score(spec, {"reasoning_depth": 1, "speed": 0}, catalog) == 0
    assert score(spec, catalog=catalog) == 0
    assert scaled(spec, "speed", catalog) is None


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ({"speeed": 1}, r"unknown 'speeed'\. Did you mean 'speed'\? Known: reasoning_depth, speed"),
        ({"speed": -1}, "speed is -1. It must be a number from 0"),
        ({"speed": float("nan")}, "speed is nan"),
        ({"speed": float("inf")}, "speed is inf"),
        ({"speed": True}, "speed is True"),
        ({"speed": "much"}, "speed is 'much'"),
        ({"speed": 0}, "none is above 0"),
        ({}, "none is above 0"),
        (3, "weights is 3"),
    ],
)
def test_weights_out_of_bounds_are_refused(weights, words):
    """Each fault of a weight is one ScenarioError with its name and value."""
    with pytest.raises(ScenarioError, match=words):
        score(load_catalog().model("kimi-k2"), weights)
