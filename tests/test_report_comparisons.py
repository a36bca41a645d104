"""Reports against earlier ones and against what was spent; the files that `report` writes."""

import json
import re
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from kimi_planner import (
    KimiPlannerError,
    Workload,
    load_catalog,
    price_usage,
    read_usage,
    recommend,
)
from kimi_planner.cli import main
from kimi_planner.cli.plan import command as plan_command
from kimi_planner.cli.report import command
from kimi_planner.cli.usage import command as usage_command
from kimi_planner.report import reconcile
from kimi_planner.report.comparisons import actuals_section, plan_sections
from kimi_planner.report.json_form import plan_json
from kimi_planner.report.text import markdown_report, section_text

AS_OF = date(2026, 11, 24)
FILE = """
[[workload]]
name = "chat"
requests_per_day = 1000
prompt_tokens = 1000
completion_tokens = 100
[[workload]]
name = "search"
requests_per_day = 100
prompt_tokens = 5000
completion_tokens = 10
"""


def workload(name, level, **options):
    return Workload(
        name=name, requests_per_day=level, prompt_tokens=1000, completion_tokens=100, **options
    )


def planned(*workloads, **options):
    return recommend(workloads, **{"months": 1, "as_of": AS_OF, "models": ["kimi-k2"], **options})


@pytest.fixture
def earlier(tmp_path):
    path = tmp_path / "report.json"
    path.write_text(plan_json(planned(workload("a", 1000), workload("gone", 10))), encoding="utf-8")
    return path


def previous_section(recommendation, path):
    [section] = plan_sections(recommendation, previous=path)
    return section


def test_a_previous_report_is_compared_by_workload(earlier):
    """The steps from the old bookable number to the new one; the bill is worked by hand."""
    section = previous_section(planned(workload("a", 1500), workload("new", 10)), earlier)
    [steps] = section.tables
    old = 31 * 1000 * (1000 * 1.2 + 100 * 3.6) / 1e6
    assert {row[0]: row[-1] for row in steps.rows} == {
        "before": f"{1.01 * old:.2f}",
        "traffic": f"+{0.5 * old:.2f}",
        "new workload": f"+{old / 100:.2f}",
        "gone workload": f"-{old / 100:.2f}",
        "after": f"{1.51 * old:.2f}",
    }
    assert steps.headers == ("step", "a", "gone", "new", "all")
    assert f"now {1.51 * old:.2f} USD: +{0.5 * old:.2f} USD." in section.sentences[0]


def test_what_a_report_rests_on_is_compared(earlier):
    """Catalog, day, months, seed and paths are named where they differ, old and new."""
    now = planned(
        workload("a", 1000), workload("gone", 10), months=2, as_of=date(2026, 12, 1), seed=5,
        n_paths=500, catalog=load_catalog().with_price("kimi-k2", input_usd_per_mtok="1.00"),
    )  # fmt: skip
    said = previous_section(now, earlier).sentences[1:]
    assert said[0].startswith(
        "Catalog: 2026-06 (e6ce51a9a4a4) -> 2026-06 + kimi-k2 at input 1.00 ("
    )
    assert said[1:5] == (
        "As of: 2026-11-24 -> 2026-12-01.",
        "Months: 2026-12 -> 2027-01 to 2027-02.",
        "Seed: 0 -> 5.",
        "Paths: 10000 -> 500.",
    )
    same = previous_section(planned(workload("a", 1000), workload("gone", 10)), earlier)
    assert same.sentences[1].startswith("One of the plans does not state its assumptions")
    assert [row[0] for row in same.tables[0].rows] == ["before", "after"]


def test_a_report_at_prices_of_its_own_is_compared_at_the_same(tmp_path):
    """A catalog that does not ship is taken from the plan now, if it is the same."""
    catalog = load_catalog().with_price("kimi-k2", input_usd_per_mtok="1.00")
    path = tmp_path / "report.json"
    path.write_text(plan_json(planned(workload("a", 10), catalog=catalog)), encoding="utf-8")
    [steps] = previous_section(planned(workload("a", 20), catalog=catalog), path).tables
    assert [row[0] for row in steps.rows] == ["before", "traffic", "after"]
    with pytest.raises(KimiPlannerError, match=r"was made with catalog 2026-06 . kimi-k2"):
        previous_section(planned(workload("a", 20)), path)


def test_another_model_is_named(earlier):
    """The step of a model that changed has both models beside it, also of a report in JSON."""
    now = planned(workload("a", 1000), workload("gone", 10), models=["kimi-k2-instruct"])
    steps, moved = previous_section(now, earlier).tables
    assert [row[0] for row in steps.rows] == ["before", "model mix", "after"]
    assert moved.rows[0] == ("a", "model", "kimi-k2", "kimi-k2-instruct", "model mix")


def test_names_of_an_earlier_report_are_cut_as_long_as_ours(earlier):
    """An earlier report may name a workload by a book; a table shows its first 200 characters."""
    book = "x" * 1_000_000
    text = earlier.read_text(encoding="utf-8").replace('"gone"', json.dumps(book))
    earlier.write_text(text.replace('"2026-11-24"', json.dumps(book)), encoding="utf-8")
    section = previous_section(planned(workload("a", 1000)), earlier)
    assert len(section_text(section)) < 4000
    assert section.tables[0].headers[2].startswith("x" * 199)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.pop("spend"),
        lambda data: data.update(format=99),
        lambda data: data.update(recommended=5),
        lambda data: data.update(months=[]),
        lambda data: data.update(months={"first": "2026-12"}),
        lambda data: data.pop("seed"),
        lambda data: data["bookable"].update(book="best"),
        lambda data: data["bookable"].update(contingency_percent=-1),
        lambda data: data["bookable"].update(parts=[5]),
        lambda data: data["bookable"]["parts"][0].update(usd="NaN"),
        lambda data: data["spend"][0]["bill_usd"].update(input=-1),
        lambda data: data["spend"][0]["usage"].update(input="many"),
        lambda data: data["spend"][0].pop("model"),
        lambda data: data.update(catalog=None),
    ],
)
def test_what_is_no_report_is_refused(earlier, change):
    """A file of another form is named in one line."""
    data = json.loads(earlier.read_text(encoding="utf-8"))
    change(data)
    earlier.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(KimiPlannerError, match=r"report\.json") as caught:
        previous_section(planned(workload("a", 1)), earlier)
    assert "\n" not in str(caught.value)


def test_hostile_names_of_an_earlier_report_are_text(tmp_path):
    """A report that somebody else wrote cannot put markup or controls into this one."""
    path = tmp_path / "report.json"
    name = "<script>\u202e|x"
    text = plan_json(planned(workload("a", 1))).replace('"a"', json.dumps(name))
    path.write_text(text.replace('"2026-11-24"', '"<b>"'), encoding="utf-8")
    now = planned(workload("a", 1))
    section = previous_section(now, path)
    text = markdown_report(now, [section])
    assert "<script" not in text
    assert "<b>" not in text
    assert r"\\u202e\|x" in text
    assert "\u202e" not in section_text(section)


@pytest.fixture
def log():
    rng = np.random.default_rng(1)
    times = pd.date_range("2026-12-01", periods=400, freq="111min", tz="UTC")
    return pd.DataFrame(
        {
            "timestamp": times,
            "model": "kimi-k2",
            "prompt_tokens": rng.integers(500, 5000, 400),
            "completion_tokens": rng.integers(10, 500, 400),
            "team": np.where(rng.random(400) < 0.5, "chat", "search"),
        }
    )


def test_actuals_stand_by_cause_and_month(log):
    """Planned against actual has the sum of the log, exactly, and every cause."""
    plan = planned(workload("chat", 10), workload("search", 5))
    found = reconcile(plan.projection, log, choice=plan.best, workload="team")
    section = actuals_section(found, plan.projection.catalog)
    exact = sum(price_usage(read_usage(log))["total_usd"])
    assert f"actual {exact:.2f} USD" in section.sentences[0]
    causes, months = section.tables
    assert {"planned", "traffic", "prompt tokens", "actual"} <= {row[0] for row in causes.rows}
    assert {row[0] for row in months.rows} == {"2026-12"}
    for text in (markdown_report(plan, [section]), section_text(section)):
        titles = ("Planned against actual", "USD by cause", "USD by month and workload")
        places = [text.index(title) for title in titles]
        assert places == sorted(places)


#: Two months of a plan, an EUR being worth more in the second, and calls of each, by hand.
EUROS = (("EUR", "0.90", "2026-11-01"), ("EUR", "0.80", "2027-01-01"))
CALL = (1000 * Decimal("1.20") + 100 * Decimal("3.60")) / 10**6


def test_actuals_are_held_in_every_currency():
    """Each month at its own rate, to the cent, by hand; ranges and words name the currency."""
    catalog = load_catalog("2026-06")
    for currency, rate, day in EUROS:
        catalog = catalog.in_currency(currency, rate=rate, on=date.fromisoformat(day))
    plan = planned(workload("w", 1000), months=2, catalog=catalog)
    calls = {"2026-12": 40_000, "2027-01": 30_000}
    log = pd.DataFrame(
        [
            {"timestamp": f"{month}-{day:02}T12:00Z", "model": "kimi-k2", "requests": some,
             "prompt_tokens": 1000 * some, "completion_tokens": 100 * some}
            for month, count in calls.items()
            for day, some in ((1, count - 1000), (31, 1000))
        ]
    )  # fmt: skip
    held = reconcile(plan.projection, log, choice=plan.best, catalog=catalog)
    section = actuals_section(held, catalog)
    ends = [31_000 * CALL * (Decimal("0.90") + Decimal("0.80"))]
    ends.append(CALL * (40_000 * Decimal("0.90") + 30_000 * Decimal("0.80")))
    said = next(one for one in section.sentences if one.startswith("In EUR"))
    assert (
        f"Planned {ends[0]:.2f} EUR, actual {ends[1]:.2f} EUR: +{ends[1] - ends[0]:.2f} EUR."
        in said
    )
    assert "each month at the rate of its first day" in said
    titles = [table.title for table in section.tables]
    assert titles == [
        f"{one} by {what}" for one in ("USD", "EUR") for what in ("cause", "month and workload")
    ]
    rows = {row[0]: row[3:6] for row in section.tables[3].rows}
    assert rows["2026-12"][:2] == (
        f"{31_000 * CALL * Decimal('0.9'):.2f}",
        f"{40_000 * CALL * Decimal('0.9'):.2f}",
    )
    for text in (markdown_report(plan, [section]), section_text(section)):
        assert "EUR by month and workload" in text


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run `report` in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.toml").write_text(FILE, encoding="utf-8")

    def run(*arguments):
        given = ["w.toml", "--as-of", "2026-11-24", "--months", "1", *arguments]
        return CliRunner().invoke(command, given)

    return run


def test_every_form_is_a_file(run, tmp_path):
    """Six forms are seven files, the budget of CSV being one of its own, the same bytes each time; other content needs --force."""
    forms = ["--format", "html, xlsx,markdown,csv,json,focus,json"]
    done = run(*forms)
    assert done.exit_code == 0, done.output
    names = {f"report.{end}" for end in ("html", "xlsx", "md", "csv", "json")}
    names |= {"budget.csv", "statements.csv", "focus.csv"}
    before = {path.name: path.read_bytes() for path in (tmp_path / "report").iterdir()}
    assert before.keys() == names
    assert run(*forms).exit_code == 0
    changed = [*forms, "--models", "kimi-k2-5"]
    kept = run(*changed)
    assert "report.html is there already" in str(kept.exception)
    assert {path.name: path.read_bytes() for path in (tmp_path / "report").iterdir()} == before
    assert run(*changed, "--force").exit_code == 0
    after = {path.name: path.read_bytes() for path in (tmp_path / "report").iterdir()}
    assert all(after[name] != before[name] for name in names)


@pytest.mark.parametrize(
    ("forms", "said"), [("html,xslx", "Did you mean 'xlsx'?"), (" , ", "name at least one of")]
)
def test_an_unknown_form_is_refused(run, tmp_path, forms, said):
    """A form that is not known is refused before anything is written."""
    done = run("--format", forms)
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())
    assert not (tmp_path / "report").exists()


def test_comparisons_by_command(run, log, tmp_path):
    """An earlier report and a log are compared in Markdown and on the terminal."""
    assert run("--format", "json", "--out", "before").exit_code == 0
    log.to_csv("log.csv", index=False)
    done = run(
        "--format", "markdown", "--previous", "before/report.json", "--actuals", "log.csv",
        "--workload", "team",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    text = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    for title in ("What changed in the plan", "Planned against actual"):
        assert re.search(f"^## {title}", text, flags=re.M)
        assert f"\n{title}" in done.output


def test_actuals_are_held_though_no_model_qualifies_for_a_workload(run, log, tmp_path):
    """It is planned all the same, on the model that is the least change, and told by cause."""
    path = tmp_path / "w.toml"
    path.write_text(FILE + "turns = 1000\n", encoding="utf-8")
    log.to_csv("log.csv", index=False)
    done = run("--models", "kimi-k2,kimi-k2-instruct", "--actuals", "log.csv", "--workload", "team")
    assert done.exit_code == 0, done.output
    assert "no model qualifies for search" in done.output
    assert "No model is planned" not in done.output


def test_an_approved_plan_by_command(run, log, tmp_path):
    """A plan is approved, planned again the same, and a report and a log are held against it."""
    scenario = '[[scenario]]\nname = "doubled"\nset = { traffic = 2 }\n'
    (tmp_path / "w.toml").write_text(f'book = "p80"\n{FILE}{scenario}', encoding="utf-8")

    def plan(*arguments):
        done = CliRunner().invoke(plan_command, arguments)
        assert done.exit_code == 0, done.output
        return done.output

    given = ["--as-of", "2026-11-24", "--months", "1", "--contingency", "10", "--paths", "300"]
    plan("w.toml", *given, "--approve", "plan.toml")
    again = plan("plan.toml", "--approve", "again.toml")
    assert "To book: 73.78 USD (P80 plus 10% contingency) in 2026-12." in again
    assert (tmp_path / "again.toml").read_bytes() == (tmp_path / "plan.toml").read_bytes()
    (tmp_path / "w.toml").write_text(FILE.replace("= 1000\n", "= 1500\n", 1), encoding="utf-8")
    data = json.loads(plan("w.toml", *given[:4], "--previous", "plan.toml", "--format", "json"))
    assert [step["step"] for step in data["change"]["steps"]] == [
        "before", "traffic", "reserve", "after"
    ]  # fmt: skip
    assert data["change"]["before_usd"] == "73.77876"
    log.to_csv("log.csv", index=False)
    done = run("--previous", "plan.toml", "--format", "html,json")
    assert done.exit_code == 0, done.output
    assert "Booked before 73.78 USD" in done.output
    assert "What changed in the plan" in (tmp_path / "report" / "report.html").read_text("utf-8")
    assert json.loads((tmp_path / "report" / "report.json").read_text("utf-8"))["change"]
    held = CliRunner().invoke(
        usage_command, ["reconcile", "plan.toml", "log.csv", "--workload", "team"]
    )
    assert held.exit_code == 0, held.output
    assert "Planned 73.78 USD" in held.output


def test_a_log_of_several_workloads_must_say_which(run, log):
    """Without a column for the workload the plan cannot be held against the log."""
    log.to_csv("log.csv", index=False)
    assert "The plan has 2 workloads" in str(run("--actuals", "log.csv").exception)
    assert run("--workload", "team").exit_code == 2


def test_other_content_is_bad_input(run, tmp_path, capsys, monkeypatch):
    """A file that would be overwritten ends the command with exit code 2, and one line."""
    (tmp_path / "plan").mkdir()
    (tmp_path / "plan" / "plan.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(SystemExit) as stopped:
        main(["plan", "w.toml", "--as-of", "2026-11-24", "--months", "1", "--out", "plan"])
    assert stopped.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "plan.csv is there already, with other content" in err
    assert [path.name for path in (tmp_path / "plan").iterdir()] == ["plan.csv"]
