"""A plan in the currency of a price list: amounts in it in every form, and one line for what has none."""

import io
import json
import re
import zipfile
from dataclasses import replace
from decimal import Decimal

import pandas as pd
import pytest
from pages import run_ours

import kimi_planner as kp
from kimi_planner.calls.conversation import conversation
from kimi_planner.capacity.need import throughput
from kimi_planner.choose import catalog_effect, cost_per_success, portfolio, read_evaluations
from kimi_planner.choose.portfolios.choose import next_usd
from kimi_planner.errors import CatalogError, SettingError, UnknownModelError, WorkloadError
from kimi_planner.plan import compare_plans, read_plan, sensitivity
from kimi_planner.plan.plan_file import approved_toml
from kimi_planner.reconcile.compare import reconcile
from kimi_planner.report.comparisons import plan_sections
from kimi_planner.report.forecast import forecast_text
from kimi_planner.report.outlook import outlook_text
from kimi_planner.report.portfolio import portfolio_json, portfolio_text
from kimi_planner.report.text import plan_text, recommendation_text
from kimi_planner.report.write import rendered
from kimi_planner.workload import Workload

LISTED = "2026-11-public-3"
FORMS = ("html", "xlsx", "markdown", "csv", "json", "focus")
FILE = """currency = "CNY"
credit_cny_per_month = 100

[[workload]]
name = "plain"
requests_per_day = 1000
prompt_tokens = 2000
completion_tokens = 500
reasoning_tokens = 0
budget_cny_per_month = 2000
value_cny_per_success = 2

[[workload]]
name = "ranged"
requests_per_day = { p10 = 900, p50 = 1000, p90 = 1200 }
prompt_tokens = 2000
completion_tokens = 300
reasoning_tokens = 200
budget_cny_per_month = 3000
failure_cny = 1

[[price_change]]
date = "2027-02-01"
model = "kimi-k3"
input_cny_per_mtok = "15"

[[scenario]]
name = "doubled"
set = { traffic = 2 }
"""
#: By hand: a thousand calls of 2,000 at 20 and 500 at 100 CNY per million, a day; from February at 15.
DAY = 1000 * (2000 * Decimal(20) + 500 * Decimal(100)) / 10**6
LATER = 1000 * (2000 * Decimal(15) + 500 * Decimal(100)) / 10**6


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Write the file."""
    path = tmp_path_factory.mktemp("cny") / "plan.toml"
    path.write_text(FILE)
    return path


@pytest.fixture(scope="module")
def file(path):
    """Read it."""
    return read_plan(path)


@pytest.fixture(scope="module")
def made(file):
    """Plan it over two months, the price being another in the second."""
    settings = {"start": "2027-01", "as_of": "2026-11-28", "n_paths": 500, "catalog": LISTED}
    return kp.recommend(file.workloads, months=2, booking=file.booking, **settings)


def test_amounts_are_those_of_the_list_exactly(made):
    """Spend, budget and what is over it, by hand; the credit is taken off each month."""
    assert made.projection.currency == "CNY"
    january, february = 31 * DAY, 28 * LATER
    cells = {cell: amount for cell, amount in made.booked.cells.items() if cell[0] == "plain"}
    assert cells == {("plain", "2027-01"): january, ("plain", "2027-02"): february}
    [over] = (one for one in made.over_budget if one.workload == "plain")
    assert (over.currency, over.gap_usd) == ("CNY", january - 2000)
    assert over.words.startswith("790.00 CNY over the budget of 2,000.00 on kimi-k3")
    matrix = made.budget_matrix
    assert matrix.currency == "CNY"
    assert matrix.lines(matrix.whole)["credits"] == -200


def test_what_spend_depends_on_is_told_in_it(file):
    """With each number at its median, a month of the plan by hand, in its currency."""
    plain = [one for one in file.workloads if one.name == "plain"]
    asked = kp.plan.sensitivity(plain, "kimi-k3", 2, "2027-01", "2026-11-28", catalog=LISTED)
    assert asked.currency == "CNY"
    assert asked.base_usd_per_month == pytest.approx(float(31 * DAY + 28 * LATER) / 2, rel=1e-12)
    assert asked.page().title.startswith("What the spend of plain on kimi-k3 depends on most: CNY")
    ranged = [one for one in file.workloads if one.name == "ranged"]
    bars = kp.plan.sensitivity(ranged, "kimi-k3", 1, "2027-01", "2026-11-28", catalog=LISTED)
    assert kp.plot.tornado(bars).get_xlabel().startswith("CNY per month")


def test_every_form_is_in_it_and_none_names_another(made, file):
    """Text, page, workbook, tables and rows have CNY in the place of USD, in words and in keys."""
    sections = plan_sections(made, file.scenarios, None)
    files = rendered(made, FORMS, sections=sections)
    texts = {
        "plan": plan_text(made, sections),
        "recommend": recommendation_text(made, details=True),
    }
    texts |= {"repr": "\n".join(map(repr, (made, made.projection, made.booked, *made.cards)))}
    for name, content in files.items():
        if name.endswith("xlsx"):
            book = zipfile.ZipFile(io.BytesIO(content))
            parts = [one for one in book.namelist() if one.endswith(".xml")]
            texts[name] = "\n".join(book.read(one).decode() for one in parts)
        else:
            texts[name] = content.decode()
    texts["report.html"] = re.sub(r"\busd\b", "", texts["report.html"])  # a variable of its script
    fields = (
        r'\["(budget_usd_per_month|value_usd_per_success|failure_usd)",null'  # names of its own
    )
    texts["report.html"] = re.sub(fields, "", texts["report.html"])
    for name, text in texts.items():
        assert "cny" in text.lower(), name
        assert not re.search(r".{0,40}usd.{0,40}", text, re.IGNORECASE), name
    data = json.loads(files["report.json"])
    rows = [one for one in data["spend"] if one["workload"] == "plain"]
    assert [Decimal(one["exact_cny"]) for one in rows] == [31 * DAY, 28 * LATER]
    spend = pd.read_csv(io.BytesIO(files["report.csv"]), dtype=str)
    assert spend[spend["workload"] == "plain"]["exact_cny"].map(Decimal).tolist() == [31 * DAY, 28 * LATER]  # fmt: skip
    focus = pd.read_csv(io.BytesIO(files["focus.csv"]), dtype=str)
    assert set(focus["BillingCurrency"]) == {"CNY"}
    usage = focus[focus["ChargeCategory"] == "Usage"]
    assert usage["BilledCost"].map(Decimal).sum() == made.booked.usd


def test_a_plan_in_it_is_approved_and_planned_again(made, file, path, tmp_path):
    """What is written is read back the same, with amounts named by the currency."""
    text = approved_toml(
        made.projection, made.best, scenarios=file.scenarios, folder=path.parent, to=tmp_path
    )
    assert 'currency = "CNY"\n' in text
    assert "budget_cny_per_month = 2000" in text
    assert "usd" not in text.lower()
    (tmp_path / "approved.toml").write_text(text)
    again = read_plan(tmp_path / "approved.toml")
    assert again.approved.usd == round(made.booked.usd, 2)
    planned = again.planned()
    assert approved_toml(planned, again.models, scenarios=again.scenarios) == text
    log = pd.DataFrame(
        {"timestamp": ["2027-01-31T12:00Z"], "model": ["kimi-k3"], "requests": [31_000],
         "prompt_tokens": [93_000_000], "completion_tokens": [15_500_000], "workload": ["plain"]}
    )  # fmt: skip
    held = reconcile(tmp_path / "approved.toml", log, workload="workload", catalog=LISTED)
    [row] = [one for one in held.compared if (one.workload, one.month) == ("plain", "2027-01")]
    assert held.currency == "CNY"
    assert (row.planned_usd, row.actual_usd) == (
        31 * DAY,
        31 * DAY + 31 * 1000 * 20 * Decimal("0.001"),
    )


@pytest.mark.parametrize(
    ("line", "wrong", "said"),
    [
        ("budget_cny_per_month = 2000", "budget_usd_per_month = 2000",
         "plan.toml line 10: budget_usd_per_month is in USD, and the currency of the file is CNY. Write "
         "budget_cny_per_month, in CNY; nothing is converted."),
        ("budget_cny_per_month = 2000", "budget_cny_per_month = -1", "plan.toml line 10"),
        ('currency = "CNY"', 'currency = "yuan"', 'line 1: currency is \'yuan\'. Give three letters'),
        ('input_cny_per_mtok = "15"', 'input_usd_per_mtok = "15"', "Write input_cny_per_mtok"),
    ],
)  # fmt: skip
def test_amounts_in_another_currency_are_refused_with_their_line(tmp_path, line, wrong, said):
    """Nothing is converted: a key is named by the currency of its file."""
    (tmp_path / "plan.toml").write_text(FILE.replace(line, wrong, 1))
    with pytest.raises(WorkloadError, match=re.escape(said)):
        read_plan(tmp_path / "plan.toml")


def test_a_model_without_a_price_in_it_is_one_line(made, file, path):
    """Those left out are named in the plan; one that is asked for, and a catalog without a list, end it."""
    [note] = (str(one) for one in made.notes if one.code == "not_listed")
    assert "The price list in CNY has no price of kimi-k3.1-pro, " in note
    plan = {"months": 1, "as_of": "2026-11-28", "n_paths": 100}
    with pytest.raises(UnknownModelError, match=r"'kimi-k2\.6'\. Catalog .* has kimi-k3\."):
        kp.project(file.workloads, models="kimi-k2.6", catalog=LISTED, **plan)
    with pytest.raises(
        CatalogError, match=r"2026-06 has no price list in 'CNY'\. It has none\. Give a"
    ):
        kp.project(file.workloads, catalog="2026-06", **plan)
    code, out, err = run_ours(["plan", str(path), "--catalog", "2026-06"])
    assert (code, out, err.count("\n")) == (2, "", 1)


def test_currencies_are_not_mixed(file):
    """Workloads of two, rates beside USD, and tiers are refused."""
    plan = {"months": 1, "as_of": "2026-11-28", "n_paths": 100}
    dollars = kp.Workload(name="usd", requests_per_day=1, prompt_tokens=1, completion_tokens=1)
    with pytest.raises(SettingError, match="in CNY and USD, which do not add up"):
        kp.project([*file.workloads, dollars], catalog=LISTED, **plan)
    shown = kp.load_catalog(LISTED).in_currency("EUR", rate="0.92", on="2026-11-24")
    with pytest.raises(SettingError, match="The plan is in CNY, and --also-in gives"):
        kp.project(file.workloads, catalog=shown, **plan)
    listed = kp.load_catalog(LISTED).at_list("CNY")
    with pytest.raises(SettingError, match='state currency = "CNY" in them'):
        kp.project(dollars, catalog=listed, **plan)
    with pytest.raises(SettingError, match="tiers are recharged with is stated in USD"):
        throughput(file.workloads, catalog=LISTED, months=1, as_of="2026-11-28")


ONCE = replace(Workload(name="once", requests_per_day=1000, prompt_tokens=2000, completion_tokens=500),
               reasoning_tokens=0, currency="CNY")  # fmt: skip


def test_what_is_no_plan_is_at_the_list_too():
    """A conversation, the drivers and another catalog, by hand at 20 and 100 CNY per million."""
    call = (2000 * Decimal(20) + 500 * Decimal(100)) / 10**6
    one = conversation(ONCE, "kimi-k3", as_of="2026-11-28", catalog=LISTED)
    assert one.mean_usd == pytest.approx(float(call))
    assert "0.09 CNY" in repr(one)
    settings = {"months": 1, "start": "2027-01", "as_of": "2026-11-28"}
    drivers = sensitivity(ONCE, "kimi-k3", catalog=LISTED, **settings)
    assert drivers.base_usd_per_month == pytest.approx(float(31 * DAY))
    assert "CNY per month" in repr(drivers)
    effect = catalog_effect(ONCE, LISTED, LISTED, **settings)
    assert effect.frame["new_usd_per_month"].dropna().unique() == pytest.approx([float(31 * DAY)])
    assert effect.currency == "CNY"


def test_spend_says_what_it_is_in(made):
    """That of one workload, of several, of a share and at a rate, in text and in a notebook."""
    projection = made.projection
    one = projection.of("kimi-k3", "plain")
    for spend in (one, projection.mix(made.best), one.times(Decimal("0.5")), one.over_months()):
        assert spend.currency == "CNY"
        assert "USD" not in repr(spend) + spend._repr_html_()
        assert "Spend by month in CNY" in repr(spend)
    assert one.at_rates([Decimal(1), Decimal(2)], "EUR").currency == "EUR"


def test_plans_in_two_currencies_are_not_compared(made):
    """What changed between them is no amount of either."""
    other = kp.project(replace(ONCE, currency="USD"), months=2, start="2027-01", as_of="2026-11-28", models="kimi-k3",
                       n_paths=500, catalog=LISTED)  # fmt: skip
    with pytest.raises(SettingError, match="CNY and USD, which do not add up"):
        compare_plans(other, made.projection, before_choice="kimi-k3", after_choice="kimi-k3")


def test_a_portfolio_is_in_it(made, file):
    """Answer, table and JSON; what is billed in USD of an item is not mixed in."""
    rows = [(name, "kimi-k3", 30, 40) for name in ("plain", "ranged")]
    tried = read_evaluations(
        pd.DataFrame(rows, columns=["workload", "model", "successes", "trials"])
    )
    found = portfolio(file.workloads, 20_000, evaluations=tried, projection=made.projection)
    text = portfolio_text(found, next_usd(found))
    assert "20,000.00 CNY a month serve every workload" in text
    assert "+100.00 CNY a month" in text
    assert "USD" not in text
    data = json.loads(portfolio_json(found))
    assert data["budget_cny_per_month"] == "20000"
    assert not re.search("usd", portfolio_json(found))
    items = pd.DataFrame(
        {"workload": "plain", "model": "kimi-k3", "item": [1, 2], "success": [1, 0], "cost_usd": 3}
    )
    with pytest.raises(SettingError, match="plain state cost_usd, and the plan is in CNY"):
        cost_per_success(file.workloads[0], read_evaluations(items), projection=made.projection)


def test_a_log_at_the_list_is_forecast_in_it():
    """The sentence, and the heads of its table."""
    hours = pd.date_range("2026-10-01", "2026-11-15", freq="h", tz="UTC")
    log = pd.DataFrame(
        {"timestamp": hours, "model": "kimi-k3", "prompt_tokens": 2000, "completion_tokens": 500}
    )
    prices = kp.load_catalog(LISTED).at_list("CNY")
    ahead = kp.forecast_spend(log, "10 days", as_of="2026-11-28", catalog=prices)
    ended = kp.latest_estimate(log, 3, "month end", as_of="2026-11-28", catalog=prices)
    texts = [repr(ahead), repr(ended), *ended.sentences, forecast_text(ahead), outlook_text(ended)]
    assert not any("USD" in text for text in texts)
    assert all("CNY" in text for text in texts)
