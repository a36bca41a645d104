"""The explorer: every slider projects the workload again, and the picture shows what comes out."""

import re
from datetime import date
from html.parser import HTMLParser

import pytest

from kimi_planner.plan import Scenario, what_if
from kimi_planner.plan.simulation import project
from kimi_planner.plot import explore
from kimi_planner.plot.words import dollars
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
def box(workloads):
    return explore(workloads, **PLAN)


def control(box, name):
    return next(one for one in box.children if getattr(one, "description", "") == name)


def shown(box):
    return next(one.value for one in box.children if "<svg" in str(getattr(one, "value", "")))


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
    """Return what is written beside the bars: P50, and P10 to P90."""
    texts = []
    for model in projection.models:
        p10, p50, p90 = projection.average_month([0.1, 0.5, 0.9], model, workload)
        texts.append(f"{dollars(p50)} ({dollars(p10)} to {dollars(p90)})")
    return texts


def test_each_slider_shows_the_plan_of_the_changed_workloads(box, workloads):
    """At every position the amounts are those that `project` gives for `what_if`."""
    factors = {}
    for name, value in {"none": None, "traffic": 1.5, "output": 2.15, "reasoning": 0.3}.items():
        if value is not None:
            factors[name] = value
            control(box, name).value = value
        wanted = spends(project(what_if(workloads, **factors), **PLAN))
        assert [text for text in Drawn(shown(box)).texts if text in wanted] == wanted
    control(box, "workload").value = "support-chat"
    wanted = spends(project(what_if(workloads, **factors), **PLAN), "support-chat")
    assert [text for text in Drawn(shown(box)).texts if text in wanted] == wanted
    assert "traffic × 1.5, output × 2.15, reasoning × 0.3" in shown(box)


def test_a_cached_share_counts_where_there_is_a_price_for_it(workloads):
    """Where the catalog states a cached price, the share moves the spend; and it can be taken back."""
    box = explore(workloads, catalog="2026-11-public", models="kimi-k2.6", **PLAN)
    planned = shown(box)
    control(box, "cached").value = "90%"
    changed = project(
        what_if(workloads, cached_share=0.9), catalog="2026-11-public", models="kimi-k2.6", **PLAN
    )
    assert spends(changed)[0] in shown(box)
    assert "cached share 90%" in shown(box)
    control(box, "cached").value = "as planned"
    assert shown(box) == planned


def test_no_bar_is_cut_or_capped(box):
    """However far a slider goes, bars keep their proportion to each other and end in the picture."""
    for traffic in (0.05, 4, 0):
        control(box, "traffic").value = traffic
        drawn = Drawn(shown(box))
        assert all(start + width <= drawn.width for start, width in drawn.bars)
        assert all(float(end) <= drawn.width for end in drawn.lines)
        widths = [width for _, width in drawn.bars]
        amounts = [
            float(text.split(" ")[0].replace(",", "")) for text in drawn.texts
            if re.match(r"^[\d,.]+( \(|$)", text)
        ]  # fmt: skip
        scale = max(widths) / max(amounts) if traffic else 0
        assert widths == pytest.approx([scale * usd for usd in amounts], rel=0.01, abs=0.02)


def test_the_picture_says_its_numbers_and_no_name_is_markup():
    """A name is text, and who sees no picture has the amounts."""
    box = explore(AGENT, **PLAN)
    assert "agent <b>" in control(box, "workload").options[1][0]
    control(box, "workload").value = AGENT.name
    assert "agent &lt;b&gt;" in shown(box)
    assert re.search(r'aria-label="kimi-k2-5 [\d,]+; .* USD a month"', shown(box))


def test_an_agent_that_reaches_the_window_is_projected_whole():
    """Conversations of thirty turns, many of them cut, have at every move what `project` gives."""
    box = explore(AGENT, **PLAN)
    for name, value in {"traffic": 4, "output": 2.6, "reasoning": 0.4}.items():
        control(box, name).value = value
    changed = project(what_if(AGENT, traffic=4, output=2.6, reasoning=0.4), **PLAN)
    assert all(text in shown(box) for text in spends(changed))


def test_a_scenario_is_chosen_beside_the_sliders(workloads):
    """The picture is that of the plan under the scenario, with what is moved in it too."""
    doubled = Scenario(name="doubled", changes={"traffic": 2}, workloads=(workloads[0].name,))
    box = explore(workloads, scenarios=[doubled], **PLAN)
    control(box, "scenario").value = "doubled"
    control(box, "output").value = 2
    moved = what_if(workloads, output=2)
    under = doubled.of_plan(project(moved, **PLAN))
    for model in under.models:
        assert dollars(under.average_month((0.5,), model)[0]) in shown(box)
    assert "doubled" in shown(box)
    control(box, "workload").value = workloads[0].name
    usd = under.average_month((0.5,), under.models[0], workloads[0].name)[0]
    assert dollars(usd) in shown(box)
