"""The explorer: every slider projects the workload again, and the picture shows what comes out."""

import re
from dataclasses import replace
from datetime import date
from html import escape
from html.parser import HTMLParser

import pytest

from kimi_planner import recommend
from kimi_planner.errors import FileError, KimiPlannerError, SettingError
from kimi_planner.plan import Scenario, compare_scenarios, read_plan, what_if
from kimi_planner.plan.simulation import project
from kimi_planner.plot import Explorer, explore
from kimi_planner.plot.theme import LIGHT
from kimi_planner.plot.words import dollars
from kimi_planner.rich import share_text
from kimi_planner.workload import Workload, example_path, load_workloads

pytest.importorskip("ipywidgets", reason="ipywidgets is not installed")
PLAN = {"as_of": date(2026, 11, 24), "n_paths": 200, "months": 2}
AGENT = Workload(
    name="agent <b>",
    requests_per_day={"p10": 800, "p50": 1000, "p90": 1500},
    prompt_tokens={"p50": 4000, "p90": 12000},
    followup_tokens={"p50": 800, "p90": 4000},
    completion_tokens={"p50": 400, "p90": 1500},
    reasoning_tokens={"p50": 900, "p90": 3000},
    turns={"mean": 30},
    max_tokens=8192,
)


@pytest.fixture(scope="module")
def workloads():
    return load_workloads(example_path())[:2]


@pytest.fixture
def shown(workloads):
    return explore(workloads, **PLAN)


def html(shown):
    """Return the picture, the choice and what was said, in the order they stand."""
    return "".join(str(getattr(one, "value", "")) for one in shown.box.children)


class Drawn(HTMLParser):
    """Collects what the picture has drawn: bars, lines, and texts."""

    def __init__(self, page):
        super().__init__()
        self.bars, self.lines, self.texts = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        known = dict(attrs)
        if tag == "svg":
            self.width = float(known["viewbox"].split()[2])
        elif tag == "rect":
            self.bars.append((float(known["x"]), float(known["width"])))
        elif tag == "path":
            self.lines += re.findall(r"[MH]([\d.]+)", known["d"])

    def handle_data(self, data):
        self.texts.append(data)


def spends(projection, workload=None):
    """Return what is written beside the bars: the mean of an average month, and P10 to P90."""
    months, texts = len(projection.months), []
    for model in projection.models:
        spend = projection.of(model, workload).over_months()
        mean = dollars(spend.mean()[0] / months)
        low, high = (dollars(spend.quantile(q)[0] / months) for q in (0.1, 0.9))
        is_least = projection.reasoning(model, workload).is_least
        texts.append(f"at least {mean}" if is_least else f"{mean} ({low} to {high})")
    return texts


def test_each_slider_shows_the_plan_of_the_changed_workloads(shown, workloads):
    """At every position the amounts are those that `project` gives for `what_if`."""
    factors = {}
    for name, value in {"none": None, "traffic": 1.5, "output": 2.15, "reasoning": 0.3}.items():
        if value is not None:
            factors[name] = value
            shown.set(**{name: value})
        wanted = spends(project(what_if(workloads, **factors), **PLAN))
        assert [text for text in Drawn(html(shown)).texts if text in wanted] == wanted
    shown.set(workload="support-chat")
    moved = [*what_if(workloads[0], **factors), *workloads[1:]]
    wanted = spends(project(moved, **PLAN), "support-chat")
    assert [text for text in Drawn(html(shown)).texts if text in wanted] == wanted
    assert "traffic × 1.5, output × 2.15, reasoning × 0.3, of support-chat" in html(shown)
    assert shown.projection.names == tuple(one.name for one in workloads)


def test_every_control_shows_what_it_stands_at(shown):
    """At first and after a reset each list has a choice: one of nothing would be seen empty."""
    lists = [one for one in shown.box.children if hasattr(one, "index")]
    assert [one.description for one in lists] == ["workload", "scenario", "growth", "cached"]
    assert {one.index for one in lists} == {0}
    shown.set(workload="support-chat", growth="5%")
    shown.reset()
    assert {one.index for one in lists} == {0}


def test_growth_and_a_cached_share_are_moved_and_taken_back(workloads):
    """Where the catalog states a cached price, the share moves the spend; growth does everywhere."""
    settings = {"catalog": "2026-11-public-3", "models": "kimi-k2.6", **PLAN}
    shown = explore(workloads, **settings)
    planned = html(shown)
    shown.set(cached="90%", growth="-5%")
    moved = [replace(one, growth_per_month=-0.05) for one in what_if(workloads, cached_share=0.9)]
    assert spends(project(moved, **settings))[0] in html(shown)
    assert "cached_share = 0.9" in html(shown)
    shown.reset()
    assert html(shown) == planned


@pytest.mark.parametrize("catalog", ["2026-06", "2026-11-public-3"])
def test_bars_of_one_axis_keep_their_proportion(workloads, catalog):
    """However far sliders go, bars, ranges and marks end in the axis, at the length that it says."""
    shown = explore(workloads, catalog=catalog, **PLAN)
    lengths = []
    for traffic, output in ((1, 1), (0.05, 1), (1.5, 1), (2, 1), (4, 3), (0, 1)):
        shown.set(traffic=traffic, output=output)
        page = html(shown)
        end = float(re.search(r"The axis ends at ([\d,.]+) USD", page)[1].replace(",", ""))
        drawn, months = Drawn(page), len(shown.planned.months)
        axis = 320 / end
        for (_, width), model in zip(drawn.bars, shown.planned.models, strict=True):
            usd = shown.projection.of(model).mean().sum() / months
            assert width == pytest.approx(axis * usd, abs=0.02)
        assert all(start + width <= 210 + 320 for start, width in drawn.bars)
        assert all(float(place) <= 210 + 320 for place in drawn.lines)
        lengths.append((end, drawn.bars[0][1]))
        usual = lengths[0][0]
        assert (f", {end / usual:g} times that of the plan" in page) is (end > usual)
        assert end >= usual


def test_the_plan_stays_beside_what_is_moved(shown):
    """The mark of each model stays at the mean as planned, and the words have both."""
    models = shown.planned.models
    planned = [dollars(shown.planned.of(model).mean().sum() / 2) for model in models]
    shown.set(traffic=2)
    words = re.search(r'aria-label="([^"]*)"', html(shown))[1]
    assert re.findall(r"([\d,.]+) as planned", words) == planned


def test_a_bar_over_its_budget_has_another_colour(workloads):
    """A mean over the budget is drawn in the colour of what is over a limit, and the words say so."""
    budgeted = replace(workloads[0], budget_usd_per_month=12_000)
    shown = explore(budgeted, catalog="2026-06", **PLAN)
    means = [shown.planned.of(model).mean().sum() / 2 for model in shown.planned.models]
    fills = re.findall(r'<rect [^>]*fill="([^"]*)"', html(shown))
    assert fills == [LIGHT.over if mean > 12_000 else LIGHT.within for mean in means]
    assert "Dashed: the budget, 12,000." in html(shown)
    assert (f'<span style="color:{LIGHT.over}">■</span>: over the budget.' in html(shown)) == (
        max(means) > 12_000
    )


def test_the_picture_says_its_numbers_and_no_name_is_markup():
    """A name is text, and who sees no picture has the amounts."""
    shown = explore(AGENT, **PLAN)
    shown.set(workload=AGENT.name)
    assert "agent &lt;b&gt;" in html(shown)
    assert re.search(r'aria-label="kimi-k2-5 [^"]*; USD a month"', html(shown))


def test_an_agent_that_reaches_the_window_is_projected_whole():
    """Conversations of thirty turns, many of them cut, have at every move what `project` gives."""
    shown = explore(AGENT, **PLAN)
    shown.set(traffic=4, output=2.6, reasoning=0.4)
    changed = project(what_if(AGENT, traffic=4, output=2.6, reasoning=0.4), **PLAN)
    assert all(text in html(shown) for text in spends(changed))


def test_a_scenario_is_chosen_beside_the_sliders(workloads):
    """The picture is that of the plan under the scenario, with what is moved in it too."""
    doubled = Scenario(name="doubled", changes={"traffic": 2}, workloads=(workloads[0].name,))
    shown = explore(workloads, scenarios=[doubled], **PLAN)
    shown.set(scenario="doubled", output=2)
    under = doubled.of_plan(project(what_if(workloads, output=2), **PLAN))
    assert all(text in html(shown) for text in spends(under))
    assert "output × 2, doubled" in html(shown)
    shown.set(workload=workloads[0].name)
    [first] = what_if(workloads[0], output=2)
    under = doubled.of_plan(project([first, *workloads[1:]], **PLAN))
    assert all(text in html(shown) for text in spends(under, first.name))


def test_what_is_moved_is_kept_as_a_scenario(shown, workloads):
    """A kept scenario has the moves, takes their place, and can be compared with the plan."""
    shown.set(workload=workloads[1].name, traffic=1.5, growth="3%")
    before = shown.projection
    shown.keep("busy")
    assert shown.draft is None
    assert (
        shown.scenarios["busy"].words
        == "traffic × 1.5, growth_per_month = 0.03, of coding-assistant"
    )
    assert shown.projection.summary().equals(before.summary())
    choice = dict.fromkeys(shown.planned.names, shown.planned.models[1])
    compared = compare_scenarios(shown.planned, shown.scenarios.values(), choice).frame
    assert list(compared["scenario"]) == ["plan", "busy"]
    with pytest.raises(SettingError, match="cannot be named 'plan'"):
        Explorer(shown.planned, [replace(shown.scenarios["busy"], name="plan")])


def test_a_saved_file_is_the_plan_that_is_shown(shown, tmp_path):
    """The file has the workloads as they are moved and the scenarios, and plans to the same numbers."""
    shown.set(traffic=1.5)
    shown.keep("busy")
    shown.set(output=2, workload="support-chat")
    path = tmp_path / "explored.toml"
    assert shown.save(path) == f"{path} is written."
    read = read_plan(path)
    again = project(read.workloads, **PLAN)
    [busy] = read.scenarios
    assert spends(busy.of_plan(again)) == spends(shown.projection)
    shown.set(output=3)
    with pytest.raises(FileError, match="there already"):
        shown.save(path)


def test_buttons_do_what_the_methods_do(shown, tmp_path):
    """Back, keep and save are buttons, and what cannot be done is said in place of a traceback."""
    rows = [one for one in shown.box.children if hasattr(one, "children")]
    (name, keep), (file, save) = (row.children for row in rows)
    back = next(one for one in shown.box.children if one.description == "Back to the plan")
    keep.click()
    assert "nothing to keep" in html(shown)
    shown.set(traffic=2)
    name.value = "plan"
    keep.click()
    assert "cannot be named" in html(shown)
    name.value = "double"
    keep.click()
    assert list(shown.scenarios) == ["double"]
    file.value = str(tmp_path / "a.toml")
    save.click()
    assert read_plan(tmp_path / "a.toml").scenarios[0].name == "double"
    file.value = str(tmp_path)
    save.click()
    assert "is a folder" in html(shown)
    back.click()
    assert shown.projection is shown.planned


def test_fit_and_choice_follow_what_is_moved(shown, workloads):
    """The model of each workload is that of `recommend`, with its fit, and what it rests on."""
    shown.set(choice=True, output=3)
    moved = what_if(workloads, output=3)
    plan = recommend(moved, projection=project(moved, **PLAN))
    for decision in plan.decisions:
        words = escape("; ".join([decision.basis, *decision.conditions]))
        assert f">{decision.model}</td>" in html(shown)
        assert words in html(shown)
        served = plan.fit.of(decision.workload, decision.model)
        assert share_text(served.fit_share) in html(shown)
    shown.set(choice=False)
    assert "fits" not in html(shown)


def test_a_move_that_a_workload_cannot_make_is_said():
    """Documents cannot grow: the words of the error stand there, and the picture stays."""
    archive = Workload(name="a", documents=100, prompt_tokens=10, completion_tokens=10)
    shown = explore(archive, **PLAN)
    before = shown.projection
    shown.set(growth="5%")
    assert "documents are worked through once" in html(shown)
    assert shown.projection is before


def test_a_notebook_shows_the_widgets(shown):
    """What a notebook displays is the box of widgets."""
    assert "application/vnd.jupyter.widget-view+json" in shown._repr_mimebundle_()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"colour": 1}, r"no control 'colour'\. Known: workload, "),
        ({"trafic": 2}, r"Did you mean 'traffic'"),
        ({"traffic": "2"}, r"traffic is '2'\. Give a factor from 0 to 4\."),
        ({"traffic": 4.05}, r"traffic is 4\.05\. Give a factor from 0 to 4\."),
        ({"output": -1}, r"output is -1\. Give a factor from 0 to 3\."),
        ({"reasoning": float("nan")}, r"reasoning is nan\."),
        ({"traffic": True}, r"traffic is True\."),
        ({"traffic": 10**400}, r"traffic is 1000"),
        ({"growth": 5}, r"growth is 5\. Did you mean '5%'\? There is as planned, -20%, "),
        ({"cached": "36%"}, r"cached is '36%'\. .* 35%, 40%, "),
        ({"cached": None}, r"cached is None\. There is as planned, 0%, "),
        ({"scenario": "march"}, r"scenario is 'march'\. There is plan\."),
        ({"workload": "suport-chat"}, r"Did you mean 'support-chat'"),
        ({"choice": "yes"}, r"choice is 'yes'\. There is True, False\."),
        ({"output": 2, "choice": 1.5}, r"choice is 1\.5\."),
    ],
)
def test_a_control_is_moved_where_it_can_be_or_nothing_is(shown, value, said):
    """A slider does not go to its end for what lies beyond it, and moves again after an error."""
    before = html(shown)
    with pytest.raises(SettingError, match=said):
        shown.set(**value)
    assert html(shown) == before
    assert shown.draft is None
    shown.set(traffic=2)
    assert shown.draft.words == "traffic × 2"


@pytest.mark.parametrize("path", [None, 5, b"a.toml", "a\0b.toml", "x" * 300])
def test_a_name_that_no_file_has_is_refused(shown, path):
    """The button says so as well, in place of a traceback."""
    with pytest.raises(KimiPlannerError):
        shown.save(path)


@pytest.mark.parametrize(
    "name", ['a"b', "a\\b", "a = [1]", "[[x]]", "x#y", 'a"""b', "a'''b", "é 中文 😀"]
)
def test_names_that_are_toml_come_back_from_a_saved_file(tmp_path, name):
    """A workload and a scenario may be called as they are, whatever the form of the file."""
    scenario = Scenario(name=name, changes={"traffic": 2}, workloads=(name,))
    shown = explore(replace(AGENT, name=name), scenarios=[scenario], **PLAN)
    shown.set(workload=name, scenario=name, output=1.5)
    shown.keep(f"{name} more")
    shown.save(tmp_path / "a.toml")
    read = read_plan(tmp_path / "a.toml")
    assert list(read.workloads) == shown.workloads
    assert [(one.name, one.workloads) for one in read.scenarios] == [
        (name, (name,)), (f"{name} more", (name,))
    ]  # fmt: skip
