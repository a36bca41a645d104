"""Plan files: what is booked, named scenarios, and plans of record that are planned again."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimi_planner import Workload, latest_estimate, load_catalog, load_workloads, project
from kimi_planner.errors import CatalogError, FileError, SettingError, WorkloadError
from kimi_planner.plan import Booking, Scenario, approved_toml, booked, read_plan
from kimi_planner.report import reconcile
from kimi_planner.workload.written import workloads_toml

AS_OF = date(2026, 11, 24)
SIZES = st.sampled_from(
    [
        900,
        Decimal("1234.5"),
        {"p50": 1800, "p90": 6000},
        {"p10": 1, "p50": 1800, "p90": 6000},
        {"mean": 3200, "sd": 900},
        {"p50": 5, "p90": 9, "mean_factor": {"p50": 1, "p90": 1.5}},
    ]
)
SHARES = st.sampled_from(
    [None, Decimal("0.35"), {"p50": 0.1, "p90": 0.3}, {"mean": 0.3, "sd": 0.1}]
)


@st.composite
def workloads(draw, name="w"):
    """Draw a workload with fields of every form that a file may state."""
    turns = draw(st.sampled_from([1, 3, {"mean": 4}, {"mean": 4, "sd": 2}]))
    cached = draw(SHARES)
    cache = {
        "prefix_tokens": 512,
        "lifetime_minutes": [4, 9.5],
        "turn_gap_minutes": {"p50": 1, "p90": 3},
    }
    return Workload(
        name=name,
        requests_per_day=draw(st.sampled_from([7, {"p10": 8000, "p50": 10000, "p90": 14000}])),
        prompt_tokens=draw(SIZES),
        completion_tokens=draw(SIZES),
        reasoning_tokens=draw(st.none() | SIZES),
        max_tokens=draw(st.sampled_from([None, 4096])),
        cached_share=cached,
        cache=cache if cached is None and draw(st.booleans()) else None,
        written_share=draw(st.sampled_from([None, {"five_minutes": Decimal("0.2")}])),
        fees_per_request=draw(st.sampled_from([{}, {"web search": Decimal("0.5")}])),
        growth_per_month=draw(
            st.sampled_from([0, Decimal("0.04"), {"p10": -0.1, "p50": 0, "p90": 1}])
        ),
        starts_on=draw(st.sampled_from([None, "2026-12-24"])),
        weekday_profile=draw(st.sampled_from([None, (1, 1, 1, 1, 1, "0.5", 0)])),
        events=draw(
            st.sampled_from(
                [
                    (),
                    [{"name": 'a "b"', "date": "2027-01-03", "factor": {"p50": 2, "p90": 3}}],
                    [{"name": "x", "from": "2027-01-03", "to": "2027-01-05", "extra_requests": 70}],
                ]
            )
        ),
        retry_share=draw(SHARES),
        turns=turns,
        overflow=draw(st.sampled_from(["reject", "drop_oldest", {"summarise_to_tokens": 200}])),
        batch=draw(st.booleans()),
        correlation=draw(st.sampled_from([0, Decimal("0.5")])),
        needs=draw(st.sampled_from([(), ("tools",)])),
        budget_usd_per_month=draw(st.sampled_from([None, "1800.50"])),
        value_usd_per_success=draw(st.sampled_from([None, "0.80"])),
        failure_usd=draw(st.sampled_from([None, "0.05"])),
        seconds_at_most=draw(st.sampled_from([None, 30])),
        tokens_of=draw(st.sampled_from([None, "kimi-k2"])),
        price_changes=draw(
            st.sampled_from([[], [{"date": "2027-01-10", "factor": {"p50": 0.8, "p90": 1}}]])
        ),
        source=draw(st.sampled_from(["", 'Ünïcode "quoted" \\ back'])),
    )


@settings(max_examples=60, deadline=None)
@given(load=workloads())
def test_a_written_workload_is_read_back_the_same(tmp_path_factory, load):
    """A file states every field so that it is the same workload, and is written the same again."""
    path = tmp_path_factory.mktemp("written") / "w.toml"
    text = workloads_toml([load])
    path.write_text(text, encoding="utf-8")
    [again] = load_workloads(path)
    assert again == load
    assert workloads_toml([again]) == text


@settings(max_examples=10, deadline=None)
@given(
    load=workloads(), book=st.sampled_from(["mean", "p50", "p80"]), extra=st.sampled_from([0, 10])
)
def test_an_approved_plan_planned_again_is_the_same_bytes(tmp_path_factory, load, book, extra):
    """Workloads, model, catalog, seed and bookable number are frozen: again, the file is the same."""
    path = tmp_path_factory.mktemp("approved") / "plan.toml"
    load = replace(load, batch=False, fees_per_request={})  # the card states neither price
    plan = project(
        load, 3, "2026-12", "kimi-k2", AS_OF, 7, n_paths=200,
        booking=Booking(book=book, contingency_percent=extra),
    )  # fmt: skip
    scenario = Scenario(name="March", changes={"traffic": 2}, first="2027-01")
    text = approved_toml(plan, {"w": "kimi-k2"}, scenarios=(scenario,))
    path.write_text(text, encoding="utf-8")
    file = read_plan(path)
    again = file.planned()
    assert approved_toml(again, file.models, scenarios=file.scenarios) == text
    assert booked(again, file.models).cells == booked(plan, file.models).cells


@pytest.mark.parametrize(
    "name", [r"a_b $\bad{$ x", "支付对账", 'a "b" = [c]', "[[workload]]", "x.y"]
)
def test_names_of_every_kind_stand_in_an_approved_plan(tmp_path, name):
    """Quotes, brackets, points and other scripts in a name are a name again."""
    load = Workload(name=name, requests_per_day=5, prompt_tokens=9, completion_tokens=1)
    plan = project(load, 1, "2026-12", "kimi-k2", AS_OF)
    path = tmp_path / "plan.toml"
    scenario = Scenario(name=name, changes={"traffic": 2}, workloads=(name,))
    path.write_text(approved_toml(plan, {name: "kimi-k2"}, scenarios=(scenario,)), encoding="utf-8")
    file = read_plan(path)
    assert file.workloads == (replace(load, model="kimi-k2"),)
    assert file.approved.usd_by_workload.keys() == {name}
    assert file.scenarios == (scenario,)


FILE = """
book = "p80"
contingency_percent = 10
[[workload]]
name = "chat"
requests_per_day = { p50 = 1000, p90 = 2000 }
prompt_tokens = { from = "log.csv" }
completion_tokens = 250
model = "kimi-k2"
[[scenario]]
name = "March doubled"
set = { traffic = 2 }
from = "2027-03"
to = "2027-03"
"""


@pytest.fixture
def source(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "log.csv").write_text("prompt_tokens,completion_tokens\n100,5\n900,7\n")
    path = tmp_path / "in" / "workloads.toml"
    path.write_text(FILE, encoding="utf-8")
    return path


def approve(source, path, **options):
    file = read_plan(source)
    settings = {"months": 4, "as_of": AS_OF, "n_paths": 200, **file.settings(), **options}
    plan = project(file.workloads, models="kimi-k2", **settings)
    path.parent.mkdir(exist_ok=True)
    text = approved_toml(
        plan, file.models, scenarios=file.scenarios, folder=source.parent, to=path.parent
    )
    path.write_text(text, encoding="utf-8")
    return plan


def test_a_log_is_named_from_where_the_approved_plan_stands(source, tmp_path):
    """The approved file lies elsewhere and still reads its sizes from the log."""
    approve(source, tmp_path / "record" / "plan.toml")
    file = read_plan(tmp_path / "record" / "plan.toml")
    assert 'from = "../in/log.csv"' in file.path.read_text()
    assert file.booking.words == "P80 plus 10% contingency"
    assert [one.words for one in file.scenarios] == ["traffic × 2, 2027-03"]
    assert file.planned().seed == 0


def test_a_plan_is_held_against_an_approved_one_as_against_its_projection(source, tmp_path):
    """Reconciling against the file is the same as against what was approved."""
    plan = approve(source, tmp_path / "plan.toml")
    log = pd.DataFrame(
        [
            {
                "timestamp": "2026-12-01",
                "model": "kimi-k2",
                "prompt_tokens": 9,
                "completion_tokens": 1,
            }
        ]
    )
    said = read_plan(tmp_path / "plan.toml").page().provenance
    assert said.startswith(
        f"Catalog {plan.catalog.version} (sha256 {plan.catalog.sha256[:12]}), as of {AS_OF}, seed 0, 200 paths;"
    )
    direct, held = (reconcile(one, log) for one in (plan, tmp_path / "plan.toml"))
    assert (
        held.planned_usd
        == direct.planned_usd
        == booked(plan, {"chat": "kimi-k2"}).by_month["2026-12"]
    )
    assert held.frame.equals(direct.frame)


def test_an_approved_plan_that_comes_out_otherwise_says_so(source, tmp_path):
    """The log that sizes come from has changed since: the file says both amounts."""
    approve(source, tmp_path / "plan.toml")
    (tmp_path / "in" / "log.csv").write_text("prompt_tokens,completion_tokens\n100,5\n5000,7\n")
    log = pd.DataFrame(
        [
            {
                "timestamp": "2026-12-01",
                "model": "kimi-k2",
                "prompt_tokens": 9,
                "completion_tokens": 1,
            }
        ]
    )
    assert "planned again it is" in " ".join(reconcile(tmp_path / "plan.toml", log).notes)


def test_another_file_of_the_catalog_is_refused(source, tmp_path):
    """The digest of the prices is part of the approval; other prices must be named."""
    path = tmp_path / "plan.toml"
    approve(source, path)
    digest = load_catalog("2026-06").sha256
    path.write_text(path.read_text().replace(digest, "0" * 64))
    with pytest.raises(FileError, match="another file of catalog 2026-06"):
        read_plan(path).planned()
    assert read_plan(path).planned("2026-06").catalog.sha256 == digest
    path.write_text(path.read_text().replace('catalog = "2026-06"', 'catalog = "2020-01"'))
    with pytest.raises(CatalogError, match="was made with catalog 2020-01"):
        read_plan(path).planned()


def test_what_cannot_be_frozen_is_refused(source, tmp_path):
    """Prices that no file states, a workload without a model, and values without a log."""
    load = Workload(name="w", requests_per_day=1, prompt_tokens=1, completion_tokens=1)
    plan = project(load, 1, models="kimi-k2", as_of=AS_OF)
    with pytest.raises(SettingError, match="No model for w"):
        approved_toml(plan, {})
    cheaper = load_catalog().with_price("kimi-k2", input_usd_per_mtok="1")
    with pytest.raises(SettingError, match="which no file states"):
        approved_toml(
            project(load, 1, models="kimi-k2", as_of=AS_OF, catalog=cheaper), {"w": "kimi-k2"}
        )
    log = pd.DataFrame({"prompt_tokens": [5, 9], "completion_tokens": [1, 1]})
    log["timestamp"] = ["2026-11-01", "2026-11-02"]
    fitted = Workload.from_usage(log, "fitted")
    with pytest.raises(WorkloadError, match=r"prompt_tokens .* cannot be written"):
        workloads_toml([fitted])
    with pytest.raises(FileError, match="not an approved plan"):
        read_plan(source).planned()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('book = "p80"', 'book = "best"', "book is 'best'. Give \"mean\""),
        ("contingency_percent = 10", "contingency_percent = -1", "contingency_percent is"),
        ("traffic = 2", "trafic = 2", "Did you mean 'traffic'"),
        ("traffic = 2", "requests_per_day = -2", "cannot be negative"),
        ("traffic = 2", 'traffic = "a"', "traffic is 'a'"),
        ('from = "2027-03"', 'from = "March"', "from is 'March'"),
        ('to = "2027-03"', 'to = "2027-01"', "is before from"),
        ('to = "2027-03"', 'workloads = ["chart"]', "Did you mean 'chat'"),
        ('to = "2027-03"', "until = 3", "unknown key 'until'"),
        ("[[scenario]]", "[scenario]", "written as [[scenario]]"),
        ('name = "March doubled"', 'name = "plan"', "cannot be named 'plan'"),
    ],
)
def test_a_fault_of_a_plan_file_is_named(source, old, new, said):
    """What is wrong in the part that is of the plan is said with file and key."""
    source.write_text(FILE.replace(old, new))
    with pytest.raises(WorkloadError) as error:
        read_plan(source)
    assert said in str(error.value)
    assert str(source) in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("seed = 0\n", "", "seed is missing"),
        ("seed = 0\n", "seed = 0\nnow = 1\n", "unknown key 'now'"),
        ("usd = ", 'usd = "x" #', "Approve the plan again"),
        ('model = "kimi-k2"\n', "", "no model for chat"),
    ],
)
def test_a_fault_of_an_approval_is_named(source, tmp_path, old, new, said):
    """An approval that lost a part is not taken for one."""
    path = tmp_path / "plan.toml"
    approve(source, path)
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(WorkloadError, match=said):
        read_plan(path)


def test_a_workload_file_says_nothing_of_the_plan():
    """The shipped example is a plan file too: the mean is booked, nothing is approved."""
    file = read_plan()
    assert file.booking.is_expected
    assert file.approved is None
    assert file.workloads == tuple(load_workloads())


def test_an_outlook_against_an_approved_plan_has_its_bookable_number(source, tmp_path):
    """What a month was booked at stands as planned in the latest estimate."""
    plan = approve(source, tmp_path / "plan.toml")
    days = pd.date_range("2026-12-01", periods=9, freq="D", tz="UTC")
    log = pd.DataFrame({"timestamp": days, "model": "kimi-k2", "completion_tokens": 1})
    estimate = latest_estimate(log.assign(prompt_tokens=9), plan=tmp_path / "plan.toml")
    number = booked(plan, {"chat": "kimi-k2"}).by_month["2026-12"]
    assert estimate.planned.usd == number
    assert str(tmp_path / "plan.toml") in estimate.planned.source


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("months = 0", r"months is 0\. "),
        ("months = 1.5", r"months is 1\.5\. "),
        ("seed = -1", r"seed is -1\. It must be a whole number from 0"),
        ("n_paths = 7", r"n_paths is 7\. It must be a whole number from 100"),
        ('start = "2026-13"', r"2026-13"),
        ("start = true", r"True"),
        ('as_of = "soon"', r"'soon'\. Give a day"),
    ],
)
def test_what_an_approved_plan_rests_on_is_checked_where_it_stands(source, tmp_path, line, said):
    """The message names the file and the line of the record, not an argument of a call."""
    path = tmp_path / "plan.toml"
    approve(source, path)
    key = line.partition(" ")[0]
    changed = [
        line if one.startswith(f"{key} = ") else one for one in path.read_text().splitlines()
    ]
    path.write_text("\n".join(changed))
    where = changed.index("[approved]") + 1
    with pytest.raises(WorkloadError, match=rf"plan\.toml line {where}: .*{said}"):
        read_plan(path)
