"""Pictures show the numbers of the results they are given."""

from datetime import date
from functools import partial
from io import BytesIO

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from kimi_planner import (
    Workload,
    context_fit,
    forecast_spend,
    load_workloads,
    plot,
    project,
    recommend,
    sensitivity,
    throughput,
)
from kimi_planner.errors import ScenarioError

mpl.use("Agg")
AS_OF = date(2026, 11, 24)
MONTHS = 4


@pytest.fixture(scope="module")
def recommendation():
    return recommend(load_workloads(), months=MONTHS, as_of=AS_OF, n_paths=400)


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def words(ax):
    return " ".join(text.get_text() for text in ax.texts)


def forecast(horizon="7 days", hours=9 * 24, dated=True):
    """Return a forecast from hourly windows, of a dated log or of one without dates."""
    place = np.arange(hours)
    requests = np.rint(300 - 200 * np.cos(2 * np.pi * place / 24)).astype(int) + place % 5
    times = (
        {"timestamp": pd.Timestamp("2026-11-01T00:00:00Z") + pd.to_timedelta(place, unit="h")}
        if dated
        else {"timestamp_s": place * 3600}
    )
    tokens = {"prompt_tokens": 1500 * requests, "completion_tokens": 300 * requests}
    log = pd.DataFrame({**times, "requests": requests, **tokens})
    return forecast_spend(log, horizon, "kimi-k2", as_of=AS_OF)


DRAWN = {
    "forecast": lambda _, ax: plot.forecast(forecast(), ax=ax),
    "forecast of months": lambda _, ax: plot.forecast(forecast("3 months", 30), ax=ax),
    "forecast of hours": lambda _, ax: plot.forecast(forecast("6h", dated=False), ax=ax),
    "monthly_spend": lambda r, ax: plot.monthly_spend(r.projection, ax=ax),
    "spend_fan": lambda r, ax: plot.spend_fan(r.projection, r.best, ax=ax),
    "context_fit": lambda r, ax: plot.context_fit(r.fit, ax=ax),
    "tornado": lambda r, ax: plot.tornado(
        sensitivity(r.projection.workloads, r.best, MONTHS, as_of=AS_OF), ax=ax
    ),
    "cost_vs_reasoning": lambda r, ax: plot.cost_vs_reasoning(r.projection, ax=ax),
}


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN.keys())
def test_axes_given_are_drawn_on_and_returned(recommendation, draw):
    """Each picture draws on the axes it is given, and makes a figure of its own without."""
    _, ax = plt.subplots()
    assert draw(recommendation, ax) is ax
    assert draw(recommendation, None) is not ax
    assert ax.get_title(loc="left")
    assert ax.get_xlabel() or ax.get_ylabel()


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN.keys())
def test_style_stays_inside_the_picture(recommendation, draw):
    """Drawing changes no setting of the caller."""
    before = dict(mpl.rcParams)
    draw(recommendation, None)
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN.keys())
def test_nothing_is_cut_off_and_labels_are_apart(recommendation, draw):
    """Every text lies inside the saved picture, and no two labels overlap."""
    ax = draw(recommendation, None)
    ax.figure.canvas.draw()
    renderer = ax.figure.canvas.get_renderer()
    boxes = [text.get_window_extent(renderer) for text in ax.texts if text.get_text()]
    frame = ax.figure.get_tightbbox(renderer).padded(0.1).transformed(ax.figure.dpi_scale_trans)
    for number, box in enumerate(boxes):
        assert frame.x0 <= box.x0 <= box.x1 <= frame.x1
        assert frame.y0 <= box.y0 <= box.y1 <= frame.y1
        for other in boxes[:number]:
            assert not box.padded(-1).overlaps(other.padded(-1)), words(ax)


def test_monthly_spend_has_a_bar_to_the_median(recommendation):
    """Bars reach the P50 of the average month, lines the P10 and P90, the budget its sum."""
    projection = recommendation.projection
    ax = plot.monthly_spend(projection, "image-questions")
    rows = projection.summary().query("workload == 'image-questions'")
    widths = [bar.get_width() for bar in ax.patches]
    assert widths == pytest.approx(rows["p50_usd_per_month"].tolist())
    ranges = [line.get_xdata() for line in ax.lines[: len(rows)]]
    expected = rows[["p10_usd_per_month", "p90_usd_per_month"]].to_numpy()
    np.testing.assert_allclose(ranges, expected)
    assert ax.lines[-1].get_xdata()[0] == 1500
    assert "budget 1,500" in words(ax)
    assert "seed 0, 400 paths" in words(ax)


def test_spend_fan_follows_the_quantiles(recommendation):
    """The line is the P50 of each month; the band's edges are P10 and P90."""
    projection = recommendation.projection
    ax = plot.spend_fan(projection, "kimi-k2", "support-chat")
    spend = projection.of("kimi-k2", "support-chat")
    np.testing.assert_allclose(ax.lines[0].get_ydata(), spend.quantile(0.5))
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert band.max() == pytest.approx(spend.quantile(0.9).max())
    assert band.min() == pytest.approx(spend.quantile(0.1).min())


def test_context_fit_marks_the_window(recommendation):
    """The line stands at 128,000 tokens; each workload has its share in words."""
    ax = plot.context_fit(recommendation.fit)
    windows = [line.get_xdata()[0] for line in ax.lines if line.get_linestyle() == "--"]
    assert windows == [128_000]
    assert "window 128,000" in words(ax)
    assert words(ax).count("fit") >= len(recommendation.projection.names)


def test_context_fit_of_requests_of_nothing():
    """Requests without a token have no place on a logarithmic axis, and no warning."""
    nothing = Workload(name="w", requests_per_day=0, prompt_tokens=0, completion_tokens=0)
    assert plot.context_fit(context_fit(nothing)).get_xscale() == "linear"


def test_context_fit_parts_models_that_differ():
    """A workload that needs more on the model that reasons has a row for each."""
    workload = Workload(
        name="thinks", requests_per_day=1, prompt_tokens=100_000, completion_tokens=1_000,
        reasoning_tokens=50_000,
    )  # fmt: skip
    ax = plot.context_fit(context_fit(workload))
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["thinks\nkimi-k2-5, kimi-k2, kimi-k2-instruct", "thinks\nkimi-k2-5-thinking"]
    assert "all fit" in words(ax)
    assert "0.0% fit" in words(ax)


def test_cost_vs_reasoning_has_a_point_for_each_model(recommendation):
    """Each model stands at its rating and its P50."""
    projection = recommendation.projection
    ax = plot.cost_vs_reasoning(projection)
    points = [line for line in ax.lines if line.get_marker() == "o"]
    costs = sorted(float(line.get_ydata()[0]) for line in points)
    totals = [projection.of(model).over_months().quantile(0.5)[0] for model in projection.models]
    assert costs == pytest.approx(sorted(total / MONTHS for total in totals))
    for model in projection.models:
        assert model in words(ax)


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN.keys())
@pytest.mark.parametrize("name", [r"spend $\bad{$ x", r"a\$b", "5$"])
def test_dollar_signs_in_names_are_no_mathematics(draw, name):
    """A name is drawn as it is written, on axes of its own and on those it is given."""
    workload = Workload(name=name, requests_per_day=10, prompt_tokens=10, completion_tokens=10)
    chosen = recommend(workload, months=1, as_of=AS_OF)
    for ax in (None, plt.subplots()[1]):
        draw(chosen, ax).figure.savefig(BytesIO(), format="svg")


@pytest.mark.parametrize(
    "draw", [plot.monthly_spend, plot.cost_vs_reasoning, partial(plot.spend_fan, model="kimi-k2")]
)
def test_dollar_signs_in_titles_are_no_mathematics(draw):
    """A title with the name of one workload is drawn as it is written."""
    name = r"spend $\bad{$ x"
    workload = Workload(name=name, requests_per_day=10, prompt_tokens=10, completion_tokens=10)
    ax = draw(project(workload, months=1, as_of=AS_OF), workload=name)
    ax.figure.savefig(BytesIO(), format="svg")
    assert ax.get_title(loc="left").replace(r"\$", "$").count(name) == 1


def test_spend_fan_of_a_mapping_says_what_it_covers(recommendation):
    """A mapping that leaves workloads out is titled so, and takes no workload beside it."""
    projection, best = recommendation.projection, dict(recommendation.best)
    assert ": all workloads" in plot.spend_fan(projection, best).get_title(loc="left")
    del best["support-chat"]
    assert ": 4 of 5 workloads" in plot.spend_fan(projection, best).get_title(loc="left")
    with pytest.raises(ScenarioError, match="'support-chat' stands beside a mapping"):
        plot.spend_fan(projection, best, "support-chat")


def test_colours_differ_in_grey():
    """The colours of the models differ in luminance, so that a grey print tells them apart."""
    from kimi_planner.plot.style import color_of

    models = ("a", "b", "c", "d")
    rgb = np.array([mpl.colors.to_rgb(color_of(models, model)) for model in models])
    grey = np.sort(rgb @ [0.299, 0.587, 0.114])
    assert np.diff(grey).min() > 0.05


def test_certain_spend_has_no_range():
    """A workload of plain numbers is drawn without a range it does not have."""
    workload = Workload(name="w", requests_per_day=10, prompt_tokens=10, completion_tokens=10)
    projection = project(workload, months=1, as_of=AS_OF)
    assert "P10" not in words(plot.monthly_spend(projection)).split("Line:")[0]
    assert "P90" not in words(plot.spend_fan(projection, "kimi-k2")).split("Dark band")[0]


def test_tornado_has_a_bar_for_each_input():
    """Bars reach the spend at both quantiles around the line of the medians, the widest on top."""
    result = sensitivity(load_workloads(), "kimi-k2-5-thinking", MONTHS, as_of=AS_OF)
    ax = plot.tornado(result)
    rows = result.frame.iloc[:-1]
    ends = [patch.get_x() + patch.get_width() for patch in ax.patches]
    assert ends[::2] == pytest.approx(rows["low_usd_per_month"].tolist())
    assert ends[1::2] == pytest.approx(rows["high_usd_per_month"].tolist())
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names[0] == f"{rows['workload'][0]}\nrequests"
    assert "coding-assistant\nreasoning tokens, mean" in names
    assert f"all at P50: {result.base_usd_per_month:,.0f}" in words(ax)
    plain = Workload(name="w", requests_per_day=1, prompt_tokens=2, completion_tokens=3)
    assert "nothing of the variance" in words(
        plot.tornado(sensitivity(plain, "kimi-k2", as_of=AS_OF))
    )


@pytest.mark.parametrize("calls", [0, 100, 100_000, 20_000_000])
def test_throughput_shows_each_tier_against_its_limit(calls):
    """A bar for each tier ends at its used share; the title names the tier that is needed."""
    workload = Workload(
        name="w", requests_per_day=calls, prompt_tokens=900, completion_tokens=10, max_tokens=100
    )
    result = throughput(workload, "kimi-k2", months=2, as_of=AS_OF, n_paths=200)
    given = plt.subplots()[1]
    ax = plot.throughput(result, ax=given)
    assert ax is given
    shares = result.by_tier().query("workload == 'all'")["used_share"]
    assert [bar.get_width() for bar in ax.patches] == pytest.approx(np.maximum(shares, 1e-3))
    tier = result.tier("kimi-k2")
    answer = "no published tier allows it" if tier is None else f"needs at least tier {tier.tier}"
    assert answer in ax.get_title(loc="left")
    assert words(ax).count("throttled from 2026-12") == int((shares > 1).sum())
    assert "credit and not a fee" in words(ax)


def test_throughput_picture_is_apart_and_restores_the_style():
    """Texts do not overlap, settings are left alone, and a name is drawn as it is written."""
    name = r"5$ \bad{$ x"
    workload = Workload(name=name, requests_per_day=50_000, prompt_tokens=900, completion_tokens=10)
    result = throughput(workload, months=1, as_of=AS_OF, n_paths=200)
    before = dict(mpl.rcParams)
    ax = plot.throughput(result, "kimi-k2-5", name)
    assert dict(mpl.rcParams) == before
    ax.figure.savefig(BytesIO(), format="svg")
    ax.figure.canvas.draw()
    renderer = ax.figure.canvas.get_renderer()
    boxes = [text.get_window_extent(renderer) for text in ax.texts if text.get_text()]
    for number, box in enumerate(boxes):
        assert not any(box.padded(-1).overlaps(other.padded(-1)) for other in boxes[:number])
    with pytest.raises(ScenarioError, match="no workload 'v'"):
        plot.throughput(result, workload="v")


def test_forecast_shows_the_quantiles_and_as_long_a_time_before():
    """The line is the P50 of each step, the bands its quantiles; the grey line is what was spent."""
    result = forecast()
    ax = plot.forecast(result)
    past, ahead, now = ax.lines
    np.testing.assert_allclose(ahead.get_ydata(), [0, *result.frame["p50_usd"]])
    for band, (low, high) in zip(
        ax.collections, [("p05_usd", "p95_usd"), ("p10_usd", "p90_usd")], strict=True
    ):
        heights = band.get_paths()[0].vertices[:, 1]
        assert set(np.round(heights, 9)) == set(
            np.round([0, *result.frame[low], *result.frame[high]], 9)
        )
    end = pd.Timestamp("2026-11-10", tz="UTC").timestamp() / 86_400
    assert (past.get_xdata()[-1], ahead.get_xdata()[0], now.get_xdata()[0]) == (end, end, end)
    assert (end - past.get_xdata()[0], ahead.get_xdata()[-1] - end) == pytest.approx((7, 7))
    assert past.get_ydata()[0] == 0
    assert past.get_ydata()[-1] == pytest.approx(result.observed.total_usd * 7 / 9, rel=0.01)
    assert (np.diff(past.get_ydata()) >= 0).all()
    assert ax.get_title(loc="left") == result.sentence
    said = words(ax)
    assert f"P90 {result.quantile(0.9):.2f}" in said
    assert f"before: {past.get_ydata()[-1]:.2f} USD in 7 days" in said
    assert "No random draws" in said.replace("\n", " ")


def test_forecast_of_a_log_without_dates_counts_its_own_time():
    """The axis has a unit that fits; a log shorter than the horizon is shown whole."""
    result = forecast("5 days", 24, dated=False)
    ax = plot.forecast(result)
    assert ax.get_xlabel() == "days since the log began"
    assert ax.lines[0].get_xdata()[0] == 0
    assert ax.lines[0].get_ydata()[-1] == pytest.approx(result.observed.total_usd)
    assert ax.lines[1].get_xdata()[-1] == pytest.approx(6)
    assert "in 1 day" in words(ax)
    assert plot.forecast(forecast("2h", 9, dated=False)).get_xlabel().startswith("hours")
