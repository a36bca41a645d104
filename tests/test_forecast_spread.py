"""The learned spread of a forecast and its growth: closed forms, simulations, and where they are from."""

import tomllib
from dataclasses import replace
from datetime import date
from functools import partial
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.integrate import quad

import kimi_planner
from benchmarks import traffic
from benchmarks.learn_spread import by_left_out, by_source, learn, scores, toml_of
from kimi_planner.series.growth import MONTH, Growth, flattened, growth_of
from kimi_planner.series.mixture import WEEK_HARMONICS
from kimi_planner.series.observed import Observed
from kimi_planner.series.spread import (
    PATH,
    Constants,
    Ranges,
    Traits,
    from_score,
    learned,
    score_of,
    unseen,
)

DAY = 86_400.0

forecast_spend = partial(kimi_planner.forecast_spend, model="kimi-k2", as_of=date(2026, 11, 24))


def days_of(amounts, call_squares=1.0):
    """Return a log of days with this spend in each."""
    amounts = np.asarray(amounts, dtype=float)
    return Observed(
        start=pd.Timedelta(0),
        end=pd.Timedelta(days=len(amounts)),
        seconds=len(amounts) * DAY,
        amounts=amounts,
        call_squares=call_squares,
        heaviness=1000.0,
        rows_outside=0,
        calls=1000,
    )


def frame_of(calls, width=DAY):
    """Return windows with these numbers of calls."""
    calls = np.asarray(calls, dtype=int)
    return pd.DataFrame(
        {
            "timestamp_s": np.arange(len(calls)) * width,
            "requests": calls,
            "prompt_tokens": calls * 1000,
            "completion_tokens": calls * 250,
        }
    )


def test_scores_and_spend_are_inverse_smooth_and_positive():
    """Spend rises with its score, is never zero, and the two ways of writing it meet smoothly."""
    scores_ = np.linspace(-6, 6, 481)
    spend = from_score(scores_)
    assert (spend > 0).all()
    assert (np.diff(spend) > 0).all()
    np.testing.assert_allclose(score_of(spend), scores_, atol=1e-12)
    assert from_score(np.zeros(1))[0] == 1
    around = np.array([-1.8 - 1e-6, -1.8, -1.8 + 1e-6])
    low, high = np.diff(from_score(around)) / 1e-6
    assert low == pytest.approx(high, rel=1e-4)


@pytest.mark.parametrize("scale", [0.01, 0.3, 1.2])
def test_the_mean_is_the_integral_over_the_distribution(scale):
    """The closed form is what integration of spend over a Student t gives."""
    ranges = Ranges(np.array([1.5]), np.array([scale]), 5.0)

    def weighed(step):
        return 1.5 * from_score(np.array([scale * step]))[0] * stats.t.pdf(step, 5)

    edges = [max(-1.8 / scale, -400), 0, 400]
    expected = sum(quad(weighed, low, high, limit=500)[0] for low, high in pairwise(edges))
    below = quad(weighed, -400, -1.8 / scale, limit=500)[0] if scale > 0.01 else 0
    assert ranges.mean[0] == pytest.approx(expected, rel=1e-6)
    assert below < 1e-3 * expected


def test_quantiles_are_those_of_student_on_the_scale_of_scores():
    """A quantile is the score of a Student t at that share, in order and around the median."""
    ranges = Ranges(np.array([1.0, 2.0]), np.array([0.1, 0.4]), 5.0)
    shares = np.array([0.01, 0.1, 0.5, 0.9, 0.99])
    found = ranges.quantile(shares)
    expected = (1 + 0.2 * stats.t.ppf(shares, 5)) ** 2 * 2
    np.testing.assert_allclose(found[1], expected, rtol=1e-12)
    assert (np.diff(found) > 0).all()
    np.testing.assert_allclose(found[:, 2], [1.0, 2.0])


@pytest.mark.parametrize(("period", "harmonics"), [(DAY, (1.0,)), (7 * DAY, WEEK_HARMONICS)])
def test_what_an_unseen_rhythm_causes(period, harmonics):
    """By brute force over the phase, the variance of the future's mean against the log's is the same."""
    unit, ahead = 0.3 * period, np.array([0.1, 0.7, 2.2]) * period
    grid = (np.arange(20_000) + 0.5) / 20_000
    found = unseen(period, harmonics, unit, ahead)
    for index, length in enumerate(ahead):
        total = 0.0
        for harmonic, power in enumerate(harmonics, 1):
            pace = 2j * np.pi * harmonic / period
            past = np.exp(pace * unit * grid).mean()
            future = np.exp(pace * (unit + length * grid)).mean()
            total += power / sum(harmonics) * abs(future - past) ** 2
        assert found[index] == pytest.approx(total, rel=1e-6)
    assert (unseen(period, harmonics, period, ahead) == 0).all()


def traits(**others):
    """Return the traits of one plain stretch."""
    plain = dict.fromkeys(Traits.__dataclass_fields__, 0.0)
    plain |= {"middle": 1.0, "lift": 1.0, "rate": 1.0}
    plain |= {"width": 0.1, "slow": 0.01, "calls": 1e-4, **others}
    return Traits(**{name: np.array([value]) for name, value in plain.items()})


def test_more_that_is_unknown_is_wider():
    """Each source of variance widens the range; growth moves it; many and random calls narrow it."""
    plain = learned().ranges(traits())
    for name in ("width", "slow", "calls", "day", "week", "growth"):
        assert learned().ranges(traits(**{name: 0.5})).scale[0] > plain.scale[0], name
    assert learned().ranges(traits(rate=10.0)).scale[0] < plain.scale[0]
    calm, wild = (
        learned().ranges(traits(width=width, week=1.0)).scale[0] ** 2
        - learned().ranges(traits(width=width)).scale[0] ** 2
        for width in (0.01, 0.1)
    )
    assert calm < 0.5 * wild  # calm services have calm weeks
    assert learned().ranges(traits(lift=2.0)).middle[0] == 2 * plain.middle[0]
    random = learned().ranges(traits(random=1.0, width=0.01))
    assert random.scale[0] == pytest.approx(np.sqrt(1.5e-4 / (1 + 1.5e-4 / 12)))


def test_steady_growth_is_found_and_taken_off():
    """Days that grow by 8% a month have that growth, and are even without it."""
    usd = np.exp(np.log(1.08) / MONTH * np.arange(180))
    growth = growth_of(days_of(usd))
    assert growth.days == 25 * 7
    assert growth.per_month() == pytest.approx(0.08, rel=0.01)
    np.testing.assert_allclose(flattened(days_of(usd), growth).amounts.std(), 0, atol=0.02)


@pytest.mark.parametrize("days", [1, 9.9])
def test_no_growth_is_read_from_less_than_ten_days(days):
    """A very short log has no growth, however much it rises, and the uncertainty that was assumed."""
    usd = np.geomspace(1, 5, round(days * 4))
    growth = growth_of(replace(days_of(usd), seconds=days * DAY))
    assert (growth.per_day, growth.days) == (0.0, 0)
    assert growth.deviation * MONTH == pytest.approx(0.06)


WEEK = np.array([1.4, 1.3, 1.2, 1.2, 1.1, 0.4, 0.4])


@pytest.mark.parametrize("days", [10, 16, 27])
def test_a_short_log_grows_by_what_it_rises_from_week_to_week(days):
    """Weekdays are no growth, steady growth is found, and noise has little and leaves it uncertain."""
    even = WEEK[np.arange(days) % 7]
    flat = growth_of(days_of(even, 1e-6))
    assert (flat.per_day, flat.days) == (pytest.approx(0, abs=1e-12), days)
    rises = growth_of(days_of(even * 1.1 ** (np.arange(days) / MONTH), 1e-6))
    assert rises.per_month() == pytest.approx(0.1, rel=0.1)
    rng = np.random.default_rng(2)
    noisy = [growth_of(days_of(even * rng.normal(1, 0.1, days), 1e-6)) for _ in range(100)]
    assert np.std([one.per_day for one in noisy]) * MONTH < 0.03
    assert min(one.deviation for one in noisy) * MONTH > 0.01


def test_noise_is_not_growth():
    """Of logs without growth the estimate is near none, nearer than the line alone, and unbiased."""
    rng = np.random.default_rng(1)
    found, lines = [], []
    for _ in range(200):
        usd = rng.lognormal(0, 0.5, 56)
        found.append(growth_of(days_of(usd)).per_day)
        weeks = np.log(usd.reshape(8, 7).sum(axis=1))
        lines.append(np.polyfit(7 * np.arange(8), weeks, 1)[0])
    assert np.std(found) < 0.5 * np.std(lines)
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(200)


def test_growth_fades():
    """Days of growth ahead are the mean of what is left of it, and end at what it fades in."""
    growth = Growth(0.001, 0.0, 10, 100.0)
    days = np.array([0.01, 50.0, 1e6])
    expected = [quad(lambda t: 100 * (1 - np.exp(-t / 100)), 0, end)[0] / end for end in days[:2]]
    np.testing.assert_allclose(growth.days_ahead(days * DAY)[:2], expected, rtol=1e-6)
    assert growth.days_ahead(days * DAY)[2] == pytest.approx(100, rel=1e-3)


@pytest.mark.parametrize(("monthly", "shown"), [(0.05, 365), (0.15, 122)])
def test_ranges_hold_what_grows(monthly, shown):
    """Ninety-one days after a log that grows, with 10% noise a day, the 80% range holds 65 to 95%."""
    rng = np.random.default_rng(3)
    held = []
    for _ in range(60):
        level = 1000 * (1 + monthly) ** (np.arange(shown + 91) / MONTH)
        calls = rng.poisson(level * rng.normal(1, 0.1, shown + 91))
        low, high = forecast_spend(frame_of(calls[:shown]), "91 days").interval(0.8)
        usd = (1.2 * 1000 + 3.6 * 250) * calls[shown:].sum() / 1e6
        held.append(low <= usd <= high)
    assert 0.65 <= np.mean(held) <= 0.95


def test_a_forecast_says_what_growth_it_assumes():
    """Growth is an attribute, and a sentence with its range; a short log says that none is assumed."""
    rng = np.random.default_rng(2)
    grown = frame_of(rng.poisson(1000 * 1.1 ** (np.arange(120) / MONTH)))
    long = forecast_spend(grown, "60 days")
    assert long.growth.per_month() == pytest.approx(0.1, abs=0.02)
    assert any(f"Growth of {long.growth.per_month():.1%} a month" in note for note in long.notes)
    assert long.mean > 1.1 * long.observed.total / 2
    short = forecast_spend(grown.iloc[:8], "4 days")
    assert short.growth.per_month() == 0
    assert any(note.startswith("No growth is projected") for note in short.notes)


def test_far_horizons_widen():
    """Relative to the median the range of a year is wider than that of a month."""
    rng = np.random.default_rng(4)
    log = frame_of(rng.poisson(rng.lognormal(7, 0.2, 60)))
    widths = [
        np.log(made.quantile(0.9) / made.quantile(0.1))
        for made in (
            forecast_spend(log, horizon) for horizon in ("30 days", "120 days", "365 days")
        )
    ]
    assert widths == sorted(widths)
    assert widths[2] > 1.2 * widths[0]


def simulated():
    """Return forecasts of two made-up sources, of which one drifts ten times as much."""
    rng, rows = np.random.default_rng(6), []
    for source, drift in (("calm", 0.03), ("wild", 0.3)):
        for _ in range(3):
            level = np.repeat(np.exp(np.cumsum(rng.normal(0, drift, 24))), 24)
            frame = frame_of(rng.poisson(100 * level) + 1, 3600.0)
            rows += traffic.tried(source, source, frame, 2)
    return traffic.gathered(rows)


def test_learning_is_deterministic_and_widens_with_what_is_seen():
    """The same cases give the same constants; learned from a wild source alone, ranges are wider."""
    cases = simulated()
    made = learn(cases)
    assert learn(simulated()) == made
    calm, wild = (learn(cases[cases.source == name]) for name in ("calm", "wild"))
    assert (wild.ranges(cases.traits).scale > calm.ranges(cases.traits).scale).mean() > 0.9
    table = by_source(scores(cases, by_left_out(cases)))
    assert list(table.index) == ["calm", "wild"]
    assert tomllib.loads(toml_of(cases).split("[[files]]")[0])["constants"].keys() == {
        name for name in vars(made) if name != "freedom"
    }


def test_the_file_of_constants_says_where_they_are_from():
    """It is dated, names every file by its sha256, and what each left-out source gave is within bounds."""
    data = tomllib.loads(PATH.read_text(encoding="utf-8"))
    assert isinstance(data["learned_on"], date)
    assert {row["name"]: row["sha256"] for row in data["files"]} == {
        f"{name}.csv.gz": file.sha256 for name, file in traffic.FILES.items()
    }
    left_out = pd.DataFrame(data["left_out"]).set_index("source").astype(float)
    assert set(left_out.index) == set(traffic.SOURCES)
    means = left_out.mean()
    assert 0.76 <= means["covers_80"] <= 0.86
    assert 0.85 <= means["covers_90"] <= 0.94
    assert means["crps"] <= 0.82
    assert (left_out["covers_80"] < 0.6).sum() <= 1
    assert learned() == Constants(**{key: float(value) for key, value in data["constants"].items()})


def test_files_that_are_not_there_are_named(tmp_path):
    """Who runs the benchmark without the files is told where each is from and how it is made."""
    with pytest.raises(SystemExit, match=r"daily.csv.gz: https://cran.*sha256 7d73e4f"):
        traffic.files_in(tmp_path)
    for name in traffic.FILES:
        (tmp_path / f"{name}.csv.gz").write_bytes(b"other")
    with pytest.raises(SystemExit, match="is not the file of azure2023_code"):
        traffic.files_in(tmp_path)
