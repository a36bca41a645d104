"""Other currencies: every amount at the rate of its month, and the price lists of the catalog."""

import csv
import io
import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import openpyxl
import pytest
from click.testing import CliRunner

from kimi_planner import KimiPlannerError, Workload, load_catalog, recommend
from kimi_planner.choose import Evaluations, Trials, portfolio
from kimi_planner.cli.report import command
from kimi_planner.plan import Booking
from kimi_planner.report.comparisons import plan_sections
from kimi_planner.report.currencies import currency_sections
from kimi_planner.report.currency import in_currencies
from kimi_planner.report.json_form import plan_json
from kimi_planner.report.portfolio import portfolio_text
from kimi_planner.report.sentences import headlines
from kimi_planner.report.text import markdown_report
from kimi_planner.report.write import rendered

AS_OF = date(2026, 11, 28)
CARD = load_catalog("2026-06")
WORK = Workload(
    name="w", requests_per_day=1000, prompt_tokens=2000, completion_tokens=500, model="kimi-k2",
    budget_usd_per_month=130,
)  # fmt: skip
A_DAY = Decimal("1.2") * 2 + Decimal("3.6") / 2


def plan(catalog, *workloads, months=3, **options):
    chosen = workloads or (WORK,)
    return recommend(
        chosen, months=months, start="2027-01", as_of=AS_OF, catalog=catalog, **options
    )


def test_each_month_has_the_rate_of_its_first_day():
    """Booked, budget, variance and head-room are the month's in USD times its rate; totals add up."""
    catalog = CARD.in_currency("EUR", rate="0.9", on=date(2026, 11, 24))
    catalog = catalog.in_currency("EUR", rate="0.8", on=date(2027, 3, 1))
    matrix = plan(catalog).budget_matrix.at_rates(*catalog.exchanges)
    [row] = matrix.rows
    days = {"2027-01": 31, "2027-02": 28, "2027-03": 31}
    rates = {"2027-01": Decimal("0.9"), "2027-02": Decimal("0.9"), "2027-03": Decimal("0.8")}
    wanted = {month: days[month] * A_DAY * rates[month] for month in days}
    assert row.by_month == wanted
    assert row.usd(matrix.whole) == sum(wanted.values())
    assert row.budget(matrix.whole) == 130 * (2 * Decimal("0.9") + Decimal("0.8"))
    assert row.head_room == (130 * Decimal("0.9") - wanted["2027-01"], "2027-01")
    assert "EUR to book" in matrix.sentence


def test_ranges_are_those_of_the_converted_paths():
    """With two rates the quantiles of the total are of each path's months at their rates, added up."""
    catalog = CARD.in_currency("EUR", rate="0.5", on=date(2027, 1, 1))
    catalog = catalog.in_currency("EUR", rate="2", on=date(2027, 2, 1))
    work = Workload(
        name="w", requests_per_day={"p10": 5e3, "p50": 1e4, "p90": 3e4}, prompt_tokens=2000,
        completion_tokens=500, growth_per_month={"p10": 0, "p50": 0.2, "p90": 0.5}, model="kimi-k2",
    )  # fmt: skip
    found = plan(catalog, work, months=2, n_paths=500)
    spend = found.projection.of("kimi-k2", "w")
    whole = spend.at_rates([Decimal("0.5"), Decimal(2)], "EUR").over_months()
    paths = 0.5 * spend.usd[0] + 2 * spend.usd[1]
    assert whole.usd[0] == pytest.approx(paths)
    assert float(whole.mean()[0]) == pytest.approx(0.5 * spend.mean()[0] + 2 * spend.mean()[1])
    [section] = currency_sections(found)
    text = markdown_report(found, [section])
    p90 = f"{float(whole.quantile(0.9)[0]):,.2f}"
    assert p90 in text


def test_a_price_list_is_planned_at_its_own_prices():
    """K3 at the list in CNY is 20, 2 and 100 a million; a model that the list lacks is not told."""
    catalog = load_catalog("2026-11-public-3").with_list("CNY")
    listed = Workload(
        name="listed", requests_per_day=1000, prompt_tokens=3000, completion_tokens=500,
        reasoning_tokens=200, cached_share=0.5, model="kimi-k3", budget_usd_per_month=9,
    )  # fmt: skip
    other = Workload(
        name="other", requests_per_day=1, prompt_tokens=10, completion_tokens=10, model="kimi-k2.6",
        reasoning_tokens=0,
    )  # fmt: skip
    found = plan(catalog, listed, other)
    [section] = currency_sections(found)
    a_day = Decimal("1.5") * 20 + Decimal("1.5") * 2 + Decimal("0.7") * 100
    assert section.sentences[0] == (
        f"Without other, to book: {90 * a_day:,.2f} CNY (mean) over 3 months, 2027-01 to 2027-03: {30 * a_day:,.2f} in the "
        f"average month, {31 * a_day:,.2f} in the dearest, 2027-01."
    )
    assert any(
        "does not have the models of other, so what they cost in CNY is not told" in one
        for one in section.sentences
    )
    assert any(one.startswith("listed on their planned models") for one in section.sentences)
    data = section.data["in_cny"]
    assert {row["workload"] for row in data["budget"]} == {"listed", "all"}
    assert data["missing"] == ["other"]
    assert {row["budget_cny"] for row in data["budget"]} == {None}  # a budget in USD is none in CNY


def test_a_list_takes_no_amount_in_usd():
    """Budgets and credits are USD: none is taken off, none is compared, and CSV sums no part as all."""
    catalog = load_catalog("2026-11-public-3").with_list("CNY")
    loads = [
        Workload(
            name=model, requests_per_day=1000, prompt_tokens=1000, completion_tokens=0, reasoning_tokens=0,
            model=model, budget_usd_per_month=9,
        )
        for model in ("kimi-k3", "kimi-k2.6")
    ]  # fmt: skip
    found = plan(catalog, *loads, booking=Booking(credit_usd_per_month=5, tax_percent=10))
    rows = {
        (row["workload"], row["period"], row["line"]): row
        for row in csv.DictReader(io.StringIO(rendered(found, "csv")["budget.csv"].decode()))
    }
    assert Decimal(rows["kimi-k3", "total", "booked"]["cny"]) == 90 * 20
    assert rows["kimi-k3", "total", "booked"]["budget_cny"] == ""
    assert {rows[key]["cny"] for key in rows if "all" in key or "kimi-k2.6" in key} == {""}
    files = rendered(found, "focus")
    assert sum(
        Decimal(row["BilledCost"])
        for row in csv.DictReader(io.StringIO(files["focus-cny.csv"].decode()))
    ) == 90 * 20 * Decimal("1.1")


def test_a_list_that_is_not_there_is_refused():
    """The currencies that the catalog has are named."""
    with pytest.raises(KimiPlannerError, match=r"has no price list in 'JPY'\. It has CNY"):
        load_catalog("2026-11-public-3").with_list("JPY")
    with pytest.raises(KimiPlannerError, match="It has none"):
        CARD.with_list("CNY")


def test_prices_to_come_in_usd_are_none_of_a_list():
    """A factor holds at the list too; a price of 1 USD from February on is not taken for 1 CNY."""
    catalog = load_catalog("2026-11-public-3").with_list("CNY")
    work = Workload(
        name="w", requests_per_day=1000, prompt_tokens=3000, completion_tokens=0, model="kimi-k3",
        price_changes=(
            {"date": "2027-02-01", "model": "kimi-k3", "input_usd_per_mtok": 1},
            {"date": "2027-03-01", "factor": 0.5},
        ),
    )  # fmt: skip
    found = plan(catalog, work)
    [shown] = in_currencies(found)
    assert shown.booked.usd == 20 * 3 * (31 + 28 + Decimal("15.5"))
    assert "without what is stated in USD" in shown.basis
    assert found.booked.usd < 3 * 3 * 90


def test_workloads_in_usd_are_not_planned_at_a_list():
    """Budgets are USD, so that a catalog at a list of another currency plans nothing of them."""
    catalog = load_catalog("2026-11-public-3").at_list("CNY")
    with pytest.raises(
        KimiPlannerError, match=r"prices in CNY, and the workloads are in USD.*with_list\('CNY'\)"
    ):
        plan(catalog, replace(WORK, model="kimi-k3"))


def test_several_currencies_stand_side_by_side():
    """Two rates and a list: a headline, columns and a file of charges for each, in the order given."""
    catalog = load_catalog("2026-11-public-3").with_list("CNY")
    catalog = catalog.in_currency("EUR", rate="0.9", on=date(2026, 11, 24))
    catalog = catalog.in_currency("GBP", rate="0.8", on=date(2026, 11, 24))
    found = plan(catalog, replace(WORK, model="kimi-k3", reasoning_tokens=0))
    own = found.booked.usd
    said = " ".join(headlines(found))
    for currency, amount in (("EUR", own * Decimal("0.9")), ("GBP", own * Decimal("0.8"))):
        assert f"To book: {amount:,.2f} {currency} (mean)" in said
    listed = 90 * (2 * 20 + Decimal("0.5") * 100)
    assert f"To book: {listed:,.2f} CNY (mean)" in said
    files = rendered(found, ["csv", "focus", "xlsx"])
    assert {"focus.csv", "focus-eur.csv", "focus-gbp.csv", "focus-cny.csv"} < set(files)
    total = next(
        row
        for row in csv.DictReader(io.StringIO(files["budget.csv"].decode()))
        if (row["workload"], row["period"], row["line"]) == ("w", "total", "booked")
    )
    assert [Decimal(total[one]) for one in ("usd", "eur", "gbp", "cny")] == [
        own, own * Decimal("0.9"), own * Decimal("0.8"), listed
    ]  # fmt: skip
    sheet = openpyxl.load_workbook(io.BytesIO(files["report.xlsx"]), data_only=True)["Budget"]
    sums = {row[0]: row for row in sheet.iter_rows(values_only=True)}
    for currency, rate in (("EUR", 0.9), ("GBP", 0.8)):
        assert max(one for one in sums[f"all, {currency}"] if isinstance(one, float)) == pytest.approx(float(own) * rate)  # fmt: skip


def test_a_portfolio_is_shown_at_the_rate_of_its_dearest_month():
    """The dearest month is January, whose rate is not that of the day the plan is made on."""
    catalog = CARD.in_currency("EUR", rate="0.5", on=date(2026, 11, 24))
    catalog = catalog.in_currency("EUR", rate="2", on=date(2027, 1, 1))
    tried = Evaluations(
        trials={("w", "kimi-k2"): Trials(successes=9, trials=10)}, source="team.csv"
    )
    found = portfolio(
        WORK, 200, evaluations=tried, months=2, start="2027-01", as_of=AS_OF, catalog=catalog
    )
    [row] = (one for one in portfolio_text(found).split("\n") if one.startswith("2027-01 "))
    assert row.split()[3] == f"{2 * found.spend_usd():,.2f}"


def test_every_form_has_the_other_currency(tmp_path):
    """The command takes rates by day; the catalog keeps its name and hash in every form."""
    path = tmp_path / "w.toml"
    path.write_text(
        '[[workload]]\nname = "w"\nrequests_per_day = 1000\nprompt_tokens = 2000\n'
        'completion_tokens = 500\nmodel = "kimi-k2"\n', encoding="utf-8",
    )  # fmt: skip
    options = ["--as-of", "2026-11-28", "--start", "2027-01", "--months", "2", "--catalog", "2026-06",
               "--also-in", "EUR=0.9@2026-11-24", "--also-in", "EUR=0.8@2027-02-01",
               "--format", "markdown,json,html", "--out", str(tmp_path / "r")]  # fmt: skip
    done = CliRunner().invoke(command, [str(path), *options])
    assert done.exit_code == 0, done.output
    amount = f"{31 * A_DAY * Decimal('0.9') + 28 * A_DAY * Decimal('0.8'):,.2f}"
    files = {name: (tmp_path / "r" / name).read_text() for name in ("report.md", "report.html")}
    for text in (*files.values(), done.output):
        assert f"{amount} EUR" in " ".join(text.split())
    data = json.loads((tmp_path / "r" / "report.json").read_text())
    assert data["catalog"] == {"version": CARD.version, "sha256": CARD.sha256}
    [total] = [
        one
        for one in data["in_eur"]["budget"]
        if (one["workload"], one["period"]) == ("all", "total")
    ]
    assert f"{Decimal(total['eur']):,.2f}" == amount


def test_without_other_currencies_nothing_is_added():
    """A plan of a catalog without a rate has no such part."""
    found = plan(CARD)
    assert currency_sections(found) == plan_sections(found) == []
    assert "in_eur" not in json.loads(plan_json(found))
