"""Quantities meet what was given of them; what cannot be meant is refused in one line."""

import math
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from kimi_planner.errors import WorkloadError
from kimi_planner.workload import (
    Constant,
    Empirical,
    Scaled,
    SplitLognormal,
    SplitNormal,
    Workload,
)

SETTLED = settings(deadline=None, derandomize=True)
Z90 = stats.norm.ppf(0.9)
FIELDS = {"name": "w", "requests_per_day": 1, "prompt_tokens": 1, "completion_tokens": 1}
SHARES = np.array([0.001, 0.01, 0.1, 0.25, 0.4999, 0.5, 0.6, 0.9, 0.99, 0.999])
POSITIVE = ["requests_per_day", "prompt_tokens", "completion_tokens", "reasoning_tokens"]


def quantity(key, value):
    return Workload(**FIELDS | {key: value}).given(key)


def quantiles(found, *shares):
    return found.ppf(np.array(shares)).tolist()


def moment(found, power):
    """Integrate a power of the quantile function over the normal scale."""
    return integrate.quad(
        lambda z: found.ppf(np.array(stats.norm.cdf(z))).item() ** power * stats.norm.pdf(z),
        *(-8, 8),
        points=[0],
        limit=200,
    )[0]


def mean_and_sd(found):
    mean = moment(found, 1)
    return mean, math.sqrt(moment(found, 2) - mean**2)


@pytest.mark.parametrize("key", [*POSITIVE, "followup_tokens"])
@SETTLED
@given(p50=st.floats(0.01, 1e5), up=st.floats(1, 900), down=st.floats(1, 900))
def test_positive_percentiles_are_met(key, p50, up, down):
    """A positive quantity has the two or three percentiles it was given by, to rounding."""
    p10, p90 = p50 / down, p50 * up
    more = {"turns": 2} if key == "followup_tokens" else {}
    two = Workload(**FIELDS | more | {key: {"p50": p50, "p90": p90}}).given(key)
    three = Workload(**FIELDS | more | {key: {"p10": p10, "p50": p50, "p90": p90}}).given(key)
    assert quantiles(two, 0.5, 0.9) == pytest.approx([p50, p90], rel=1e-12)
    assert quantiles(three, 0.1, 0.5, 0.9) == pytest.approx([p10, p50, p90], rel=1e-12)


@pytest.mark.parametrize(("key", "low", "high"), [("growth_per_month", -0.99, 10), ("cached_share", 0, 1)])  # fmt: skip
@SETTLED
@given(data=st.data())
def test_percentiles_of_rates_and_shares_are_met(key, low, high, data):
    """A rate or a share has the percentiles it was given by, and no value out of its bounds."""
    p10, p50, p90 = sorted(data.draw(st.tuples(*[st.floats(low, high)] * 3)))
    assume(min(abs(p) for p in (p10, p50, p90)) > 1e-9)
    two = quantity(key, {"p50": p50, "p90": p90})
    three = quantity(key, {"p10": p10, "p50": p50, "p90": p90})
    assert quantiles(two, 0.5, 0.9) == pytest.approx([p50, p90], abs=1e-12)
    assert quantiles(three, 0.1, 0.5, 0.9) == pytest.approx([p10, p50, p90], abs=1e-12)
    for found in (two, three):
        values = found.ppf(SHARES)
        assert ((values >= low) & (values <= high)).all()
        assert (np.diff(values) >= 0).all()


def lognormal(p50, p90):
    return stats.lognorm(s=math.log(p90 / p50) / Z90, scale=p50)


def lognormal_of_moments(mean, sd):
    variance = math.log(1 + sd**2 / mean**2)
    return stats.lognorm(s=math.sqrt(variance), scale=mean / math.exp(variance / 2))


def beta_of_moments(mean, sd):
    total = mean * (1 - mean) / sd**2 - 1
    return stats.beta(mean * total, (1 - mean) * total)


def always(value):
    return SimpleNamespace(ppf=lambda shares: np.full(len(shares), value), mean=lambda: value)


CLOSED_FORMS = [
    ("prompt_tokens", {"p50": 1800, "p90": 6000}, lognormal(1800, 6000)),
    ("requests_per_day", {"p10": 50, "p50": 100, "p90": 200}, lognormal(100, 200)),
    ("prompt_tokens", {"mean": 3200, "sd": 900}, lognormal_of_moments(3200, 900)),
    ("completion_tokens", {"mean": 100, "sd": 150}, lognormal_of_moments(100, 150)),
    ("cached_share", {"mean": 0.35, "sd": 0.1}, beta_of_moments(0.35, 0.1)),
    ("cached_share", {"mean": 0.9, "sd": 0.05}, beta_of_moments(0.9, 0.05)),
    ("growth_per_month", {"p50": 0.04, "p90": 0.1}, stats.norm(0.04, 0.06 / Z90)),
    ("growth_per_month", {"mean": 0.04, "sd": 0.1}, stats.norm(0.04, 0.1)),
    ("turns", {"mean": 4}, stats.geom(1 / 4)),
    ("turns", {"mean": 1}, always(1)),
    ("prompt_tokens", 700, always(700)),
]


@pytest.mark.parametrize(("key", "value", "closed"), CLOSED_FORMS)
def test_distributions_with_a_closed_form(key, value, closed):
    """Quantiles and mean are those of the textbook distribution with these percentiles or moments."""
    found = quantity(key, value)
    assert found.ppf(SHARES) == pytest.approx(closed.ppf(SHARES), rel=1e-9)
    assert found.mean == pytest.approx(closed.mean(), rel=1e-9)


@pytest.mark.parametrize(
    ("key", "value", "tolerance"),
    [
        ("prompt_tokens", {"p10": 900, "p50": 1000, "p90": 3000}, 1e-6),
        ("requests_per_day", {"p10": 100, "p50": 1000, "p90": 1100}, 1e-6),
        ("completion_tokens", {"p10": 5, "p50": 5, "p90": 60}, 1e-6),
        ("growth_per_month", {"p10": 0.01, "p50": 0.05, "p90": 0.2}, 1e-4),
        ("cached_share", {"p10": 0.05, "p50": 0.6, "p90": 0.7}, 1e-4),
        ("cached_share", {"p50": 0.9, "p90": 1.0}, 1e-4),
    ],
)
def test_means_without_a_textbook_form(key, value, tolerance):
    """The mean of a two-sided distribution is the integral over its halves, bounds included."""
    p50, p90 = value["p50"], value["p90"]
    p10 = value.get("p10", 2 * p50 - p90)
    low, high = {"cached_share": (0, 1), "growth_per_month": (-0.99, 10)}.get(key, (0, math.inf))

    def drawn(z):
        share, end = abs(z) / Z90, (p10 if z < 0 else p90)
        linear, geometric = p50 + share * (end - p50), p50 * (end / p50) ** share
        return geometric if high == math.inf else min(max(linear, low), high)

    kinks = [
        0,
        *(z for z in (Z90 * (1 - p50) / (p90 - p50), -Z90 * p50 / (p50 - p10 or 1)) if abs(z) < 8),
    ]
    expected = integrate.quad(lambda z: drawn(z) * stats.norm.pdf(z), -8, 8, points=kinks)[0]
    assert quantity(key, value).mean == pytest.approx(expected, rel=tolerance)


@pytest.mark.parametrize(
    ("key", "mean", "sd"),
    [
        ("prompt_tokens", 3200, 900),
        ("requests_per_day", 0.5, 0.4),
        ("completion_tokens", 420, 420),
        ("cached_share", 0.35, 0.2),
        ("cached_share", 0.02, 0.01),
        ("growth_per_month", 0.05, 0.03),
    ],
)
def test_moments_are_met(key, mean, sd):
    """A quantity given by mean and standard deviation has both, integrated over its quantiles."""
    found = quantity(key, {"mean": mean, "sd": sd})
    assert mean_and_sd(found) == pytest.approx((mean, sd), rel=1e-4)
    assert found.mean == pytest.approx(mean, rel=1e-9)


@pytest.mark.parametrize(
    ("key", "value", "number"),
    [
        ("prompt_tokens", 0, "0"),
        ("prompt_tokens", 1e8, "100000000.0"),
        ("cached_share", 0.35, "0.35"),
        ("cached_share", 1, "1"),
        ("growth_per_month", Decimal("-0.99"), "-0.99"),
        ("turns", 10_000, "10000"),
        ("prompt_tokens", {"p50": 8, "p90": 8}, "8"),
        ("prompt_tokens", {"p10": 8, "p50": 8, "p90": 8}, "8"),
        ("prompt_tokens", {"p50": 0, "p90": 0}, "0"),
        ("cached_share", {"mean": 0.2, "sd": 0}, "0.2"),
    ],
)
def test_numbers_on_the_bounds_and_spreads_of_nothing_are_certain(key, value, number):
    """A plain number, on a bound too, or a spread of zero is one exact decimal."""
    found = quantity(key, value)
    assert found.is_certain
    assert found.value == Decimal(number)
    assert quantiles(found, 0.01, 0.99) == [float(number)] * 2


def test_a_log_gives_its_own_values(tmp_path):
    """Quantities from a log have its inverse empirical distribution and its mean."""
    rng = np.random.default_rng(5)
    prompts = rng.integers(1, 400, 997)
    reasoning = rng.integers(0, 50, 997)
    answers = rng.integers(0, 90, 997)
    rows = zip(prompts, answers + reasoning, reasoning, strict=True)
    text = "prompt_tokens,completion_tokens,reasoning_tokens\n"
    path = tmp_path / "log.csv"
    path.write_text(text + "".join(f"{a},{b},{c}\n" for a, b, c in rows), encoding="utf-8")
    for key, values in [
        ("prompt_tokens", prompts),
        ("completion_tokens", answers),  # the visible part
        ("reasoning_tokens", reasoning),
    ]:
        found = quantity(key, {"from": str(path)})
        shares = np.linspace(0.0005, 0.9995, 500)
        expected = np.quantile(values, shares, method="inverted_cdf")
        assert found.ppf(shares).tolist() == expected.tolist()
        assert found.mean == pytest.approx(values.mean(), rel=1e-12)
        assert not found.is_certain


def test_a_window_of_a_log_counts_as_often_as_it_has_requests(tmp_path):
    """A row of several requests stands for that many of its average size; an idle one for none."""
    path = tmp_path / "log.csv"
    path.write_text(
        "requests,prompt_tokens,completion_tokens\n3,300,30\n0,0,0\n1,700,70\n", encoding="utf-8"
    )
    found = quantity("prompt_tokens", {"from": str(path)})
    assert quantiles(found, 0.1, 0.749, 0.751) == [100, 100, 700]
    assert found.mean == pytest.approx((300 + 700) / 4)


def test_a_factor_on_the_mean_stands_apart_from_the_sizes():
    """The factor has its own percentiles and leaves the spread between calls as it is."""
    sizes = {"p50": 2500, "p90": 9000}
    found = quantity("reasoning_tokens", sizes | {"mean_factor": {"p10": 0.75, "p50": 1, "p90": 1.5}})  # fmt: skip
    assert quantiles(found.factor, 0.1, 0.5, 0.9) == pytest.approx([0.75, 1, 1.5])
    assert found.ppf(SHARES) == pytest.approx(lognormal(2500, 9000).ppf(SHARES))
    assert found.mean == pytest.approx(lognormal(2500, 9000).mean())
    assert quantity("reasoning_tokens", sizes).factor is None


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("requests_per_day", 12_000, "12,000"),
        ("cached_share", Decimal("0.350"), "0.35"),
        ("prompt_tokens", {"p90": 6000, "p50": 1800}, "p50 1,800, p90 6,000"),
        ("cached_share", {"mean": 0.3, "sd": 0.1}, "mean 0.3, sd 0.1"),
        ("growth_per_month", {"p50": 0, "p90": 0.1}, "p50 0, p90 0.1"),
        ("turns", {"mean": 2.5}, "mean 2.5, geometric"),
        (
            "prompt_tokens",
            {"p50": 1, "p90": 3, "mean_factor": {"p50": 1, "p90": 2}},
            "p50 1, p90 3; mean times p50 1, p90 2",
        ),
    ],
)
def test_a_quantity_says_how_it_was_given(key, value, said):
    """A table of assumptions repeats the numbers that were written down."""
    assert quantity(key, value).describe() == said


NAN, INF = float("nan"), float("inf")
REFUSED = [
    ("requests_per_day", -1, ["is -1", "cannot be negative"]),
    ("prompt_tokens", Decimal("-0.5"), ["is -0.5", "cannot be negative"]),
    ("prompt_tokens", NAN, ["nan", "must be a positive number"]),
    ("prompt_tokens", Decimal("NaN"), ["NaN", "must be a positive number"]),
    ("completion_tokens", INF, ["inf", "must be a positive number"]),
    ("growth_per_month", -INF, ["-inf", "must be a rate such as 0.04"]),
    ("prompt_tokens", 100_000_001, ["is 100000001", "between 0 and 100,000,000"]),
    ("requests_per_day", 1e13, ["10000000000000", "between 0 and 1,000,000,000,000"]),
    ("prompt_tokens", 10**5000, ["more than 1,000 digits", "positive number"]),
    ("prompt_tokens", Decimal("1e-200000"), ["1E-200000", "more than 1,000 digits"]),
    ("growth_per_month", Decimal("0." + "1" * 900), ["0.111", "decimal places"]),
    ("cached_share", {"mean": 0.3, "sd": 1e-200}, [".sd is 1E-200", "decimal places"]),
    ("cached_share", 1.01, ["is 1.01", "between 0 and 1"]),
    ("cached_share", -0.01, ["is -0.01", "cannot be negative"]),
    ("growth_per_month", -1, ["is -1", "between -0.99 and 10"]),
    ("growth_per_month", 11, ["is 11", "between -0.99 and 10"]),
    ("turns", 0, ["is 0", "between 1 and 10,000"]),
    ("turns", 2.5, ["is 2.5", "{mean = 2.5}"]),
    ("turns", {"mean": 0.5}, [".mean is 0.5", "between 1 and 10,000"]),
    ("prompt_tokens", True, ["is True", "must be a number"]),
    ("prompt_tokens", "many", ["is 'many'", "must be a number"]),
    ("prompt_tokens", None, ["is None", "must be a number"]),
    ("requests_per_day", [1, 2], ["is [1, 2]", "Only token quantities and turns"]),
    ("prompt_tokens", {}, ["none", "{p10, p50, p90}"]),
    ("prompt_tokens", {"p50": 9}, ["keys p50", "{p50, p90}"]),
    ("prompt_tokens", {"p10": 1, "p90": 9}, ["keys p10, p90", "{p10, p50, p90}"]),
    ("prompt_tokens", {"mean": 9}, ["keys mean", "{mean, sd}"]),
    ("prompt_tokens", {"p50": 1, "p90": 2, "sd": 1}, ["p50, p90, sd", "{mean, sd}"]),
    ("prompt_tokens", {"p50": 1, "p9": 2}, ["unknown key 'p9'", "Did you mean 'p90'?"]),
    ("prompt_tokens", {5: 1}, ["unknown key 5", "Known keys: column, from, mean"]),
    ("prompt_tokens", {"p50": 9, "p90": 3}, ["p50 9, p90 3", "must not fall", "in order"]),
    ("prompt_tokens", {"p10": 5, "p50": 4, "p90": 9}, ["p10 5, p50 4", "must not fall"]),
    ("growth_per_month", {"p50": 0.2, "p90": 0.1}, ["p50 0.2, p90 0.1", "must not fall"]),
    ("prompt_tokens", {"p50": 0, "p90": 3}, ["a percentile is 0", "small number"]),
    ("prompt_tokens", {"p10": 0, "p50": 1, "p90": 3}, ["a percentile is 0", "small number"]),
    ("prompt_tokens", {"p50": 1, "p90": 2e6}, ["p90 is over 1,000,000 times", "p90 2,000,000"]),
    ("prompt_tokens", {"p50": -1, "p90": 2}, [".p50 is -1", "cannot be negative"]),
    ("prompt_tokens", {"p50": 1, "p90": NAN}, [".p90", "nan", "must be a positive number"]),
    ("prompt_tokens", {"p50": False, "p90": 2}, [".p50 is False", "must be a number"]),
    ("prompt_tokens", {"p50": {"p50": 1}, "p90": 2}, [".p50 is {'p50': 1}", "must be a number"]),
    ("prompt_tokens", {"mean": 0, "sd": 1}, ["mean of 0", "no room for an sd"]),
    ("prompt_tokens", {"mean": 5, "sd": -1}, [".sd is -1", "cannot be negative"]),
    ("prompt_tokens", {"mean": 1, "sd": 1e7}, ["sd is over 1,000,000 times the mean"]),
    ("cached_share", {"mean": 1, "sd": 0.1}, ["mean of 1", "no room for an sd"]),
    ("cached_share", {"mean": 0.5, "sd": 0.6}, ["sd 0.6", "must be below 0.5"]),
    ("growth_per_month", {"mean": 0.1, "sd": -0.1}, [".sd is -0.1", "negative"]),
    ("requests_per_day", {"p50": 1, "p90": 2, "mean_factor": 1}, ["cannot have a mean_factor", "only token"]),
    ("prompt_tokens", {"mean_factor": 1}, ["keys none", "{p50, p90}"]),
    ("prompt_tokens", {"p50": 1, "p90": 2, "mean_factor": 0}, ["mean_factor is 0", "between 0.001 and 1,000"]),
    ("prompt_tokens", {"p50": 1, "p90": 2, "mean_factor": "x"}, ["mean_factor is 'x'", "must be a number"]),
    ("requests_per_day", {"from": "log.csv"}, ["cannot be taken from a log", "prompt_tokens"]),
    ("prompt_tokens", {"from": 5}, [".from is 5", "path of a usage log"]),
    ("prompt_tokens", {"from": "no/such.csv"}, [".from", "such.csv", "no such file"]),
    ("growth_per_month", {"mean": 0, "sd": 1}, ["16% of it would lie outside of -0.99 to 10", "smaller sd"]),
    ("turns", {"mean": 1, "sd": 2}, ["a mean of 1 leaves no room for an sd"]),
    ("cached_share", SplitNormal(0.5, 1, 1, -9, 9, "x"), ["cached_share is SplitNormal", "between 0 and 1"]),
    ("requests_per_day", SplitNormal(5, 9, 9, -99, 99, "x"), ["from -28.47", "between 0 and"]),
    ("prompt_tokens", SplitLognormal(1e9, 1, 1, "x"), ["between 0 and 100,000,000"]),
    ("requests_per_day", Scaled(Constant(Decimal(1)), Constant(Decimal(1))), ["cannot have a mean_factor"]),
    ("prompt_tokens", Scaled(Constant(Decimal(-1)), Constant(Decimal(1))), ["is -1", "cannot be negative"]),
    ("prompt_tokens", Scaled(Constant(Decimal(1)), Constant(Decimal(0))), ["mean_factor is 0", "0.001"]),
    ("prompt_tokens", Empirical.from_values([1.0, float("inf")], given="x"), ["must be finite"]),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value", "words"), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_meant_is_refused(key, value, words):
    """Each fault is one WorkloadError of one line with workload, key, value and remedy."""
    with pytest.raises(WorkloadError) as caught:
        quantity(key, value)
    said = str(caught.value)
    assert "\n" not in said
    assert len(said) < 400
    for word in ["workload 'w'", key, *words]:
        assert word in said


READY = [
    ("requests_per_day", SplitLognormal(100, 0.2, 0.3, "x")),
    ("growth_per_month", SplitNormal(0.01, 0.1, 0.1, -0.5, 0.5, "x")),
    ("prompt_tokens", Scaled(SplitLognormal(9, 1, 1, "x"), SplitLognormal(1, 0.1, 0.1, "y"))),
    ("completion_tokens", Empirical.from_values([0, 5, 9], given="x")),
]


@pytest.mark.parametrize(("key", "ready"), READY, ids=[key for key, _ in READY])
def test_a_ready_quantity_of_plausible_values_is_taken(key, ready):
    """A quantity made in Python is kept as it is where its values are plausible for the key."""
    assert quantity(key, ready) == ready


NUMBERS = st.one_of(
    st.floats(), st.integers(), st.decimals(), st.booleans(), st.text(max_size=3), st.none(),
    st.sampled_from([0, 1, 5e-324, 1e-150, 1e8, 0.5]),
)  # fmt: skip
TABLES = st.dictionaries(st.sampled_from(["p10", "p50", "p90", "mean", "sd", "p99"]), NUMBERS)
KEYS = [*POSITIVE, "cached_share", "growth_per_month", "turns"]


@SETTLED
@given(key=st.sampled_from(KEYS), value=NUMBERS | TABLES)
def test_any_input_gives_a_sound_quantity_or_one_error(key, value):
    """Whatever is given, the quantiles are finite, in order and not negative, or it is refused."""
    try:
        found = quantity(key, value)
    except WorkloadError:
        return
    if found is None:
        assert value is None
        return
    values = found.ppf(SHARES)
    assert np.isfinite([found.mean, *values]).all()
    assert (np.diff(values) >= 0).all()
    assert values[0] >= (-0.99 if key == "growth_per_month" else 0)
