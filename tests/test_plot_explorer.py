"""The explorer: every slider moves the picture and the table to what the plan responds with."""

import re
from base64 import b64decode
from datetime import date
from io import BytesIO

import matplotlib as mpl
import pytest
from PIL import Image

from kimi_planner.plan.response import response
from kimi_planner.plan.simulation import project
from kimi_planner.plot import explore
from kimi_planner.workload import example_path, load_workloads

pytest.importorskip("ipywidgets", reason="ipywidgets is not installed")
mpl.use("Agg")
PLAN = {"as_of": date(2026, 11, 24), "n_paths": 200, "months": 2}


@pytest.fixture(scope="module")
def workloads():
    return load_workloads(example_path())[1:3]


@pytest.fixture
def box(workloads):
    return explore(workloads, **PLAN)


def control(box, name):
    return next(one for one in box.children if getattr(one, "description", "") == name)


def shown(box):
    return next(one.value for one in box.children if "<img" in str(one.value))


def expected_column(page):
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", page)
    return [float(cell.replace(",", "")) for cell in cells[1::5]]


def test_each_slider_shows_what_the_plan_responds_with(box, workloads):
    """The table has the expected spend at the sliders' factors, and the picture is another one."""
    found = response(project(workloads, **PLAN), outputs=[2], reasonings=[3])
    assert expected_column(shown(box)) == pytest.approx(
        found.at().frame["expected_usd_per_month"].tolist(), abs=0.005
    )
    factors = {}
    for name, value in {"traffic": 1.5, "output": 2, "reasoning": 3}.items():
        before = shown(box)
        control(box, name).value = value
        factors[name] = value
        assert shown(box) != before
        assert expected_column(shown(box)) == pytest.approx(
            found.at(**factors).frame["expected_usd_per_month"].tolist(), abs=0.005
        )
    control(box, "workload").value = "coding-assistant"
    assert expected_column(shown(box)) == pytest.approx(
        found.at("coding-assistant", **factors).frame["expected_usd_per_month"].tolist(), abs=0.005
    )


def test_the_picture_is_a_whole_one_with_words(box):
    """It is a PNG of the size of a notebook's column, and says its numbers to those who see none."""
    [(data, words)] = re.findall(r'base64,([^"]+)" alt="([^"]+)"', shown(box))
    picture = Image.open(BytesIO(b64decode(data)))
    assert picture.size == (720, 324)
    assert re.search(r"kimi-k2-5-thinking [\d,]+ USD a month", words)


def test_a_cached_share_counts_where_there_is_a_price_for_it(workloads):
    """Where the catalog states a cached price, more cache costs less; and it can be taken back."""
    box = explore(workloads, catalog="2026-11-public", models="kimi-k2.6", **PLAN)
    planned = expected_column(shown(box))
    control(box, "cached").value = 0.9
    assert expected_column(shown(box))[0] < planned[0]
    control(box, "cached").value = "as planned"
    assert expected_column(shown(box)) == planned
