"""Throughput: peaks against closed forms and simulated traffic, tiers against the published limits."""

from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from kimi_planner import KimiPlannerError, Workload, load_workloads, project
from kimi_planner.capacity import throughput
from kimi_planner.capacity.limits import LIMITS
from kimi_planner.errors import LimitsError, SettingError, WorkloadError
from kimi_planner.files import data_dir

AS_OF = date(2026, 11, 24)
MODEL = "kimi-k2"
SETTINGS = {"models": MODEL, "months": 1, "as_of": AS_OF, "n_paths": 200}


def plain(**changes):
    fields = {
        "name": "plain", "requests_per_day": 14_400, "prompt_tokens": 1_000,
        "completion_tokens": 300, "max_tokens": 500,
    }  # fmt: skip
    return Workload(**{**fields, **changes})


def row(result, workload="all", model=MODEL):
    found = result.summary()
    (record,) = found[(found["workload"] == workload) & (found["model"] == model)].to_dict(
        "records"
    )
    return record


def test_an_even_day_of_plain_numbers_by_hand():
    """14,400 calls a day are 10 a minute: a Poisson number of calls, 1,500 reserved tokens each."""
    found = row(throughput(plain(), **SETTINGS))
    assert found["requests_per_minute"] == stats.poisson.ppf(0.99, 10) == 18
    assert found["tokens_per_minute"] == pytest.approx(1_500 * 18, rel=0.05)
    day = 14_400 + 2.326 * np.sqrt(14_400)
    assert found["tokens_per_day"] == pytest.approx(1_500 * day, rel=1e-3)
    assert (found["tier"], found["cumulative_recharge_usd"]) == (1, Decimal(10))
    assert found["because_of"] == "requests_per_minute, tokens_per_day"


@pytest.mark.parametrize("given", ["workload", "argument"])
def test_the_busiest_hour_has_its_share_of_the_day(given):
    """A quarter of 14,400 calls in one hour is 60 a minute, wherever the share is given."""
    share = {"peak_hour_share": 0.25}
    workload = plain(**share) if given == "workload" else plain()
    result = throughput(workload, **SETTINGS, **(share if given == "argument" else {}))
    assert row(result)["requests_per_minute"] == stats.poisson.ppf(0.99, 60)
    assert "peak_hour_share" not in row(result)["unknown"]


def test_a_workload_knows_its_own_busiest_hour_better():
    """The argument stands in only for workloads that do not say it."""
    result = throughput(plain(peak_hour_share=0.25), peak_hour_share=0.5, **SETTINGS)
    assert row(result)["requests_per_minute"] == stats.poisson.ppf(0.99, 60)


def test_peaks_and_throttled_minutes_are_as_simulated():
    """Scenarios, minutes and calls drawn one by one give the same peaks and shares above limits."""
    spread = Workload(
        name="a", requests_per_day={"p50": 20_000, "p90": 40_000}, peak_hour_share=0.15,
        prompt_tokens={"p50": 6_000, "p90": 18_000}, completion_tokens=200, max_tokens=2_000,
    )  # fmt: skip
    steady = plain(name="b", requests_per_day=90_000, peak_hour_share=0.1)
    settings = {**SETTINGS, "n_paths": 20_000}
    result = throughput([spread, steady], **settings)

    rng = np.random.default_rng(11)
    paths, minutes = 4_000, 500
    level = 20_000 * np.exp(np.log(2) / stats.norm.ppf(0.9) * rng.standard_normal(paths))
    sigma = np.log(3) / stats.norm.ppf(0.9)
    peaks = np.empty((paths, 2))
    over = np.empty((paths, 2))
    for number, calls in enumerate(level * 0.15 / 60):
        ours, others = rng.poisson(calls, minutes), rng.poisson(150, minutes)
        prompts = 6_000 * np.exp(sigma * rng.standard_normal(ours.sum()))
        owner = np.repeat(np.arange(minutes), ours)
        tokens = np.bincount(owner, weights=prompts + 2_000, minlength=minutes) + 1_500 * others
        peaks[number] = [np.quantile(drawn, 0.99) for drawn in (ours + others, tokens)]
        over[number] = (ours + others > 200).mean(), (tokens > 2_000_000).mean()
    found = row(result)
    calls, tokens = np.quantile(peaks, 0.9, axis=0)
    assert found["requests_per_minute"] == pytest.approx(calls, rel=0.02)
    assert found["tokens_per_minute"] == pytest.approx(tokens, rel=0.03)
    shares = result.of(MODEL).over
    error = 4 * over.std(axis=0) / np.sqrt(paths)
    assert shares[1, "requests_per_minute"] == pytest.approx(over[:, 0].mean(), abs=error[0])
    assert shares[1, "tokens_per_minute"] == pytest.approx(over[:, 1].mean(), abs=error[1])
    tiers = result.by_tier()
    first = tiers[(tiers["workload"] == "all") & (tiers["tier"] == 1)].iloc[0]
    assert first["minutes_over_share"] == max(
        shares[1, "requests_per_minute"], shares[1, "tokens_per_minute"]
    )


def test_requests_in_work_are_as_simulated():
    """Arrivals drawn one by one, each in work as long as its answer takes, are as many at a time."""
    workload = plain(
        requests_per_day=86_400, completion_tokens={"p50": 200, "p90": 800}, max_tokens=None
    )
    result = throughput(workload, output_tokens_per_second=40, **SETTINGS)
    rng = np.random.default_rng(5)
    seconds = 200_000
    starts = np.sort(rng.uniform(0, seconds, rng.poisson(seconds)))
    sigma = np.log(4) / stats.norm.ppf(0.9)
    ends = np.sort(starts + 5 * np.exp(sigma * rng.standard_normal(len(starts))))
    times = np.arange(1_000, seconds, 1.0)
    in_work = np.searchsorted(starts, times) - np.searchsorted(ends, times)
    assert row(result)["concurrency"] == pytest.approx(np.quantile(in_work, 0.99), abs=1)
    shares = result.by_tier().query("workload == 'all' and tier == 0")["time_over_share"]
    assert shares.iloc[0] == pytest.approx(float((in_work > 1).mean()), abs=0.01)


def test_the_first_throttled_month_follows_growth():
    """Tier 1 holds as long as the 99% minute of a growing Poisson number stays within 200."""
    workload = plain(requests_per_day=86_400, growth_per_month=0.2)
    result = throughput(workload, **{**SETTINGS, "months": 12})
    needs = stats.poisson.ppf(0.99, 60 * 1.2 ** np.arange(12))
    found = result.by_tier().query("workload == 'plain'").set_index("tier")["throttled_from"]
    month = int(np.argmax(needs > 200))
    assert found[1] == f"2027-{month:02d}"  # the plan starts in 2026-12
    assert found[0] == "2026-12"
    assert found[[3, 4, 5]].isna().all()
    frame = result.frame.query("workload == 'plain' and limit == 'requests_per_minute'")
    assert frame["peak"].tolist() == needs.tolist()
    assert frame["tier"].tolist() == [
        1 if need <= 200 else 2 if need <= 500 else 3 for need in needs
    ]


def test_more_traffic_never_needs_a_lower_tier():
    """Tiers and peaks rise with the calls of a day, to where no published tier is enough."""
    levels = [0, 1, 30, 1_000, 100_000, 300_000, 1_000_000, 5_000_000, 20_000_000]
    results = [throughput(plain(requests_per_day=level), **SETTINGS) for level in levels]
    tiers = [result.tier(MODEL) for result in results]
    numbers = [6 if tier is None else tier.tier for tier in tiers]
    assert numbers == sorted(numbers)
    assert (numbers[0], numbers[-1]) == (0, 6)
    for limit in LIMITS[1:]:
        peaks = [row(result)[limit] for result in results]
        assert peaks == sorted(peaks)


def test_zero_traffic_needs_the_lowest_tier():
    """Without calls nothing is needed but the first recharge, all of which is left over."""
    result = throughput(plain(requests_per_day=0), output_tokens_per_second=50, **SETTINGS)
    found = row(result)
    assert [found[limit] for limit in LIMITS] == [0, 0, 0, 0]
    assert (found["tier"], found["because_of"], found["spend_usd"]) == (0, "", 0)
    assert found["unspent_usd"] == 1
    assert result.by_tier()["throttled_from"].isna().all()
    assert "up to 1.00 USD would be left" in result.prepaid(MODEL)


def test_more_than_every_tier_allows():
    """Where no published tier is enough the tier is missing, and the sentence says why."""
    result = throughput(plain(requests_per_day=20_000_000), **SETTINGS)
    found = row(result)
    assert pd.isna(found["tier"])
    assert found["cumulative_recharge_usd"] is None
    assert found["because_of"] == "requests_per_minute, tokens_per_minute"
    assert "no published tier allows all workloads together" in result.needed(MODEL)
    assert result.prepaid(MODEL) is None


def test_what_is_not_given_stays_unknown():
    """Nothing is guessed: what is missing is named, the need is at least, concurrency is unknown."""
    result = throughput(plain(max_tokens=None), **{**SETTINGS, "models": None})
    found = row(result)
    assert found["at_least"]
    assert found["unknown"] == "peak_hour_share, max_tokens, output_tokens_per_second"
    assert np.isnan(found["concurrency"])
    thinking = row(result, model="kimi-k2-5-thinking")["unknown"]
    assert thinking.split(", ")[2] == "reasoning_tokens"
    rows = result.frame[result.frame["limit"] == "concurrency"]
    assert rows[["p50", "peak", "tier"]].isna().all(axis=None)
    assert result.by_tier()["time_over_share"].isna().all()
    assert "at least tier 1" in result.needed(*result.models[:1])
    notes = " ".join(result.notes)
    for word in ("peak_hour_share", "max_tokens", "kimi-k2-5-thinking", "output_tokens_per_second"):
        assert word in notes


def test_what_is_given_is_not_called_unknown():
    """With hour, reserve and speed given, the need is what is shown, not at least that."""
    result = throughput(plain(peak_hour_share=0.1), output_tokens_per_second=50, **SETTINGS)
    found = row(result)
    assert (found["at_least"], found["unknown"]) == (False, "")
    assert "at least" not in result.needed(MODEL)
    assert found["concurrency"] == stats.poisson.ppf(0.99, 14_400 * 0.1 / 3_600 * 300 / 50)


def test_reserved_tokens_count_and_not_the_answer():
    """With max_tokens the count is prompt + max_tokens on any model; without, the answer itself."""
    settings = {**SETTINGS, "models": None}
    workload = plain(reasoning_tokens=5_000, max_tokens=8_000)
    reserved = throughput(workload, **settings)
    for model in reserved.models:
        day = row(reserved, model=model)["tokens_per_day"]
        assert day == pytest.approx(9_000 * (14_400 + 2.326 * 120), rel=1e-3)
    actual = throughput(plain(reasoning_tokens=5_000, max_tokens=None), **settings)
    for model, tokens in ((MODEL, 1_300), ("kimi-k2-5-thinking", 6_300)):
        day = row(actual, model=model)["tokens_per_day"]
        assert day == pytest.approx(tokens * (14_400 + 2.326 * 120), rel=1e-3)


def test_conversations_resend_their_history():
    """Tokens a call counts include the history that later turns resend."""
    workload = plain(turns=3, followup_tokens=100, max_tokens=500)
    mean = 1_000 + (100 + 300) * (0 + 1 + 2) / 3 + 500
    found = row(throughput(workload, **SETTINGS))
    assert found["tokens_per_day"] == pytest.approx(mean * (14_400 + 2.35 * 120), rel=2e-3)


def test_calls_that_do_not_fit_the_window_follow_the_policy():
    """Dropping the oldest keeps 5,000-call conversations below the window, and so their peaks."""
    turns = {"turns": 5_000, "overflow": "drop_oldest", "requests_per_day": 144_000}
    found = row(throughput(plain(**turns), **SETTINGS))
    most = stats.poisson.ppf(0.99, 100) * 128_000
    assert 0.5 * most < found["tokens_per_minute"] <= most


def test_the_percentile_is_over_paths():
    """The peak at a percentile is that of the traffic at this percentile of its range."""
    workload = plain(requests_per_day={"p10": 100_000, "p50": 200_000, "p90": 400_000})
    for percentile, level in ((50, 200_000), (90, 400_000), (10, 100_000)):
        result = throughput(workload, percentile=percentile, **{**SETTINGS, "n_paths": 20_000})
        expected = stats.poisson.ppf(0.99, level / 1_440)
        assert row(result)["requests_per_minute"] == pytest.approx(expected, abs=1)
        median = stats.poisson.ppf(0.99, 200_000 / 1_440)
        assert result.of(MODEL).median["requests_per_minute"][0] == pytest.approx(median, abs=1)


def test_spend_is_that_of_the_plan_and_the_recharge_is_compared():
    """The spend is the projection's P50 of the horizon; a small plan leaves recharge over."""
    workload = plain(requests_per_day=100)
    settings = {**SETTINGS, "months": 3}
    result = throughput(workload, **settings)
    plan = project(workload, months=3, models=MODEL, as_of=AS_OF, n_paths=200)
    exact = plan.of(MODEL).over_months().exact_usd[0]
    found = row(result)
    assert found["spend_usd"] == pytest.approx(float(exact))
    assert found["unspent_usd"] == pytest.approx(max(0.0, 1 - float(exact)))
    assert result.projection.summary().equals(plan.summary())


def test_an_hour_share_changes_no_bill():
    """However uncertain the busiest hour is, a bill of plain numbers stays exact."""
    workload = plain(peak_hour_share={"p10": 0.06, "p50": 0.1, "p90": 0.2})
    assert not workload.is_ranged
    spend = project(workload, months=1, as_of=AS_OF).of(MODEL)
    assert spend.exact_usd == project(plain(), months=1, as_of=AS_OF).of(MODEL).exact_usd
    peaks = throughput(workload, **SETTINGS).of(MODEL)
    assert peaks.median["requests_per_minute"] < peaks.peak["requests_per_minute"]


def test_other_workloads_change_no_peaks():
    """A workload's peaks are the same beside others; together they need at least each alone."""
    example = load_workloads()
    settings = {
        **SETTINGS,
        "models": None,
        "output_tokens_per_second": {"p10": 30, "p90": 80, "p50": 50},
    }
    every = throughput(example, **settings).summary()
    for workload in example:
        alone = throughput(workload, **settings).summary().query("workload != 'all'")
        same = every[every["workload"] == workload.name]
        pd.testing.assert_frame_equal(alone.reset_index(drop=True), same.reset_index(drop=True))
        together = every[every["workload"] == "all"]
        for limit in LIMITS:
            assert (together[limit].to_numpy() >= same[limit].to_numpy()).all()


def test_the_same_seed_gives_the_same_result():
    """Seed and paths fix every number; another seed moves the drawn ones."""
    example = load_workloads()[:2]
    first, again = (throughput(example, seed=4, **SETTINGS) for _ in range(2))
    pd.testing.assert_frame_equal(first.frame, again.frame)
    assert not first.frame.equals(throughput(example, seed=5, **SETTINGS).frame)
    assert "seed 4, 200 paths, 2026-12 to 2026-12" in first.provenance
    assert "Limits 2026-11 (sha256 c1548982a853)" in repr(first)
    assert first.limits.version in first._repr_html_()


def test_a_model_without_a_price_has_peaks_and_no_spend(tmp_path):
    """Traffic can be told where spend cannot; the note and the missing value say so."""
    text = (data_dir() / "catalogs" / "2026-06.toml").read_text(encoding="utf-8")
    text = text.replace('output_usd_per_mtok = "3.60"\n', "")
    place = text.index('id = "kimi-k2"\n')
    tail = text[place:].replace(
        '"input_usd_per_mtok", "output_usd_per_mtok"', '"input_usd_per_mtok"', 1
    )
    catalog = tmp_path / "unpriced.toml"
    catalog.write_text(text[:place] + tail, encoding="utf-8")
    result = throughput(plain(), catalog=catalog, **{**SETTINGS, "models": [MODEL, "kimi-k2-5"]})
    assert np.isnan(row(result)["spend_usd"])
    assert np.isnan(row(result)["unspent_usd"])
    assert row(result, model="kimi-k2-5")["spend_usd"] > 0
    assert any("no price for kimi-k2, so spend is not known" in note for note in result.notes)
    alone = throughput(plain(), catalog=catalog, **SETTINGS)
    assert alone.projection is None
    assert "what the plan spends is not known" in alone.prepaid(MODEL)


BAD = {
    "percentile": ({"percentile": 101}, ["percentile is 101", "between 0 and 100"]),
    "minutes": ({"minutes_within": 1}, ["minutes_within is 1", "0.999999"]),
    "nan": ({"minutes_within": float("nan")}, ["minutes_within is nan"]),
    "hour": ({"peak_hour_share": 0.01}, ["peak_hour_share is 0.01", "between 0.0416 and 1"]),
    "speed": ({"output_tokens_per_second": 0}, ["output_tokens_per_second is 0"]),
    "seed": ({"seed": -1}, ["seed is -1"]),
    "paths": ({"n_paths": 5}, ["n_paths is 5"]),
    "months": ({"months": 0}, ["months is 0"]),
    "day": ({"as_of": "today"}, ["as_of is 'today'"]),
    "model": ({"models": "kimi-k9"}, ["'kimi-k9'"]),
    "old": ({"as_of": date(2026, 5, 1)}, ["starts in 2026-06"]),
}


@pytest.mark.parametrize(("change", "said"), BAD.values(), ids=BAD.keys())
def test_bad_settings_are_named(change, said):
    """A number out of bounds is named with what is allowed."""
    with pytest.raises(KimiPlannerError) as caught:
        throughput(plain(), **{**SETTINGS, **change})
    assert all(part in str(caught.value) for part in said)


def test_bad_names_and_limits_are_refused():
    """An unknown version and an unknown workload or model are refused."""
    with pytest.raises(LimitsError, match="Unknown limits '1999-01'"):
        throughput(plain(), limits="1999-01", **SETTINGS)
    with pytest.raises(SettingError, match="no workload 'other' on model 'kimi-k2'"):
        throughput(plain(), **SETTINGS).of(MODEL, "other")
    with pytest.raises(WorkloadError, match="peak_hour_share is 2"):
        plain(peak_hour_share=2)


def test_limits_checked_after_the_day_of_the_plan_are_said():
    """A plan made before the limits were looked up says so."""
    early = throughput(plain(), **{**SETTINGS, "as_of": date(2026, 7, 1)})
    assert any("checked on 2026-11-24, after the day of the plan" in note for note in early.notes)
