"""FOCUS rows: the columns and values of the specification, and sums that are the exact cost."""

import csv
import io
import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from kimi_planner import (
    KimiPlannerError,
    Workload,
    load_catalog,
    load_workloads,
    price_usage,
    project,
    read_usage,
    recommend,
)
from kimi_planner.plan import Booking, booked
from kimi_planner.plan.dated import dated as dated_of
from kimi_planner.report import focus_forecast, focus_usage
from kimi_planner.report.focus.charges import focus_csv
from kimi_planner.usage import total_usage
from kimi_planner.workload import example_path

AS_OF = date(2026, 11, 24)
#: As the specification lists them, typed here and not taken from the package.
MANDATORY = [
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ContractedCost",
    "EffectiveCost",
    "InvoiceIssuerName",
    "ListCost",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "ServiceCategory",
    "ServiceName",
]
ALSO = [
    "ConsumedQuantity",
    "ConsumedUnit",
    "ListUnitPrice",
    "PricingCategory",
    "SkuId",
    "SkuPriceId",
    "SkuMeter",
    "SkuPriceDetails",
    "ChargeFrequency",
    "ServiceSubcategory",
    "Tags",
    "x_IsForecast",
    "x_Measure",
    "x_Percentile",
]
VALUES = {
    "BillingCurrency": "USD",
    "ChargeCategory": "Usage",
    "ChargeFrequency": "Usage-Based",
    "PricingCategory": "Standard",
    "ServiceCategory": "AI and Machine Learning",
    "ServiceSubcategory": "Generative AI",
    "ChargeClass": "",
    "PricingUnit": "1000000 Tokens",
    "ConsumedUnit": "Tokens",
}
COSTS = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")


@pytest.fixture(scope="module")
def log():
    """Return three days of calls of two models and two teams, over the end of a month and year."""
    times = pd.date_range("2026-12-30T23:30:00", periods=60, freq="57min", tz="UTC")
    rows = range(len(times))
    return pd.DataFrame(
        {
            "timestamp": times,
            "model": ["kimi-k2" if row % 3 else "kimi-k2-5" for row in rows],
            "prompt_tokens": [1000 + 37 * row for row in rows],
            "cached_tokens": [400 * (row % 2) for row in rows],
            "completion_tokens": [11 * row for row in rows],
            "team": ["a" if row % 4 else '=b"' for row in rows],
        }
    )


@pytest.fixture(scope="module")
def catalog():
    """Return prices of cached tokens for one model, and none for the other."""
    return load_catalog().with_price("kimi-k2", cached_input_usd_per_mtok="0.3")


def rows_of(frame):
    return list(csv.DictReader(io.StringIO(focus_csv(frame))))


def summed(rows, column):
    return sum((Decimal(row[column]) for row in rows), Decimal(0))


def test_columns_and_values_are_those_of_the_specification(log, catalog):
    """Every row has the 21 mandatory columns and the fixed values; times are UTC and whole."""
    rows = rows_of(focus_usage(log, catalog=catalog, account_id="42", account_name="Team"))
    assert len(MANDATORY) == 21
    assert {*MANDATORY, *ALSO} <= set(rows[0])
    for row in rows:
        assert {name: row[name] for name in VALUES} == VALUES
        assert (row["BillingAccountId"], row["BillingAccountName"]) == ("42", "Team")
        assert (row["x_IsForecast"], row["x_Measure"], row["x_Percentile"]) == ("false", "", "")
        for name in (
            "BillingPeriodStart",
            "BillingPeriodEnd",
            "ChargePeriodStart",
            "ChargePeriodEnd",
        ):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT00:00:00Z", row[name])
        assert row["BillingPeriodStart"] <= row["ChargePeriodStart"] < row["ChargePeriodEnd"]
        assert row["ChargePeriodEnd"] <= row["BillingPeriodEnd"]
        quantity, price = Decimal(row["PricingQuantity"]), Decimal(row["ListUnitPrice"])
        assert quantity * 1_000_000 == Decimal(row["ConsumedQuantity"]) > 0
        assert {Decimal(row[name]) for name in COSTS} == {quantity * price}
        assert "E" not in row["BilledCost"]
    periods = {(row["BillingPeriodStart"][:10], row["BillingPeriodEnd"][:10]) for row in rows}
    assert periods == {("2026-12-01", "2027-01-01"), ("2027-01-01", "2027-02-01")}
    days = {(row["ChargePeriodStart"][:10], row["ChargePeriodEnd"][:10]) for row in rows}
    assert ("2026-12-31", "2027-01-01") in days


def test_meters_have_their_details(log, catalog):
    """Input rows say whether it was cached, output rows do not; no token is in two rows."""
    frame = focus_usage(log, by="month", catalog=catalog)
    details = {row["SkuMeter"]: json.loads(row["SkuPriceDetails"]) for row in rows_of(frame)}
    for keys in details.values():
        assert keys.pop("ModelId") in ("kimi-k2", "kimi-k2-5")
    assert details == {
        "Input Tokens": {"TokenDirection": "Input", "TokenCacheAction": "Uncached"},
        "Cached Input Tokens": {"TokenDirection": "Input", "TokenCacheAction": "Read"},
        "Output Tokens": {"TokenDirection": "Output"},
    }
    tokens = int(log["prompt_tokens"].sum() + log["completion_tokens"].sum())
    assert sum(frame["ConsumedQuantity"]) == tokens
    keys = frame[["ChargePeriodStart", "SkuPriceId"]]
    assert not keys.duplicated().any()


@pytest.mark.parametrize("by", ["day", "month"])
@pytest.mark.parametrize("model", [None, "kimi-k2-instruct"])
def test_costs_add_up_to_the_exact_price_of_the_log(log, catalog, by, model):
    """The sum of the rows is that of price_usage, to the last digit."""
    rows = rows_of(focus_usage(log, by=by, model=model, catalog=catalog, tags="team"))
    exact = sum(price_usage(read_usage(log), model, catalog=catalog)["total_usd"])
    for name in COSTS:
        assert summed(rows, name) == exact


def test_a_real_trace_adds_up(traces):
    """A public trace of thousands of calls gives its exact cost by day."""
    usage = read_usage(traces / "azure2023_code.csv.gz")
    begin = pd.Timestamp("2026-12-31T23:30", tz="UTC")  # the trace has times since its begin only
    usage = usage.assign(timestamp=begin + usage["timestamp"])
    frame = focus_usage(usage, model="kimi-k2")
    assert len(frame) == 4
    assert sum(frame["BilledCost"]) == sum(price_usage(usage, "kimi-k2")["total_usd"])


def test_tags_are_columns_of_the_log(log, catalog):
    """A tag is a column; its values are JSON, and a formula in them is text."""
    rows = rows_of(focus_usage(log, by="month", tags=["team"], catalog=catalog))
    assert {json.loads(row["Tags"])["team"] for row in rows} == {"a", '=b"'}
    assert not any(cell.startswith("=") for row in rows for cell in row.values())


def test_totals_give_the_same_rows(log, catalog):
    """Totals of a log that is added up elsewhere are as good as the log."""
    totals = total_usage(log, ("day", "model", "team"))
    pd.testing.assert_frame_equal(
        focus_usage(totals, catalog=catalog), focus_usage(log, catalog=catalog)
    )


def test_a_cached_price_that_is_not_stated_is_said(log, catalog):
    """Cached tokens without a price of their own are billed as input, and the row says so."""
    rows = rows_of(focus_usage(log, by="month", catalog=catalog))
    cached = {row["SkuId"]: row for row in rows if row["SkuMeter"] == "Cached Input Tokens"}
    assert Decimal(cached["kimi-k2"]["ListUnitPrice"]) == Decimal("0.3")
    assert Decimal(cached["kimi-k2-5"]["ListUnitPrice"]) == Decimal("2.5")
    assert "no price of it is stated" in cached["kimi-k2-5"]["ChargeDescription"]
    assert "no price of it" not in cached["kimi-k2"]["ChargeDescription"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model": "kimi-k9"}, "Unknown model 'kimi-k9'"),
        ({"model": None}, "name no model"),
        ({"timestamp": pd.NaT}, "no date"),
    ],
)
def test_what_cannot_be_priced_is_an_error(log, change, said):
    """A model that is not known, none, or no date is refused; nothing is priced at zero."""
    with pytest.raises(KimiPlannerError, match=said):
        focus_usage(log.drop(columns=list(change)).assign(**change))


def test_a_period_is_a_day_or_a_month(log):
    """Another period is refused by name."""
    with pytest.raises(KimiPlannerError, match="'hour'"):
        focus_usage(log, by="hour")


@pytest.fixture(scope="module")
def plan():
    return recommend(load_workloads(), months=2, as_of=AS_OF, n_paths=500)


def billed(frame, name, month):
    own = frame[frame["Tags"] == json.dumps({"workload": name})]
    return sum(own[own["ChargePeriodStart"].str.startswith(month)]["BilledCost"])


@pytest.mark.parametrize("percentile", [None, 50, 90])
def test_a_forecast_is_marked_and_adds_up_to_the_plan(plan, percentile):
    """Rows of a plan say that they are a forecast, and cost what the plan says, to a microdollar."""
    frame = focus_forecast(plan.projection, plan.best, percentile=percentile)
    assert set(frame["x_IsForecast"]) == {"true"}
    assert set(frame["x_Measure"]) == {"expected" if percentile is None else "percentile"}
    assert set(frame["x_Percentile"]) == {percentile}
    for name, model in plan.best.items():
        spend = plan.projection.of(model, name)
        amounts = spend.mean() if percentile is None else spend.quantile(percentile / 100)
        for month, amount in zip(plan.projection.months, amounts, strict=True):
            assert float(billed(frame, name, str(month))) == pytest.approx(amount, abs=1e-6)
    lists = frame["ListCost"].astype(float)
    assert (frame["BilledCost"].astype(float) / lists).between(0.99, 1.01).all()


def test_a_plan_of_plain_numbers_is_exact():
    """Every cost of a certain plan is the list cost, to the last digit."""
    workload = Workload(name="w", requests_per_day=7, prompt_tokens=1001, completion_tokens=333)
    projection = project(workload, 2, as_of=AS_OF, models="kimi-k2")
    frame = focus_forecast(projection, "kimi-k2")
    assert sum(frame["BilledCost"]) == sum(projection.of("kimi-k2").exact_usd)
    assert frame["BilledCost"].tolist() == frame["ListCost"].tolist()


def test_launches_and_changes_of_price_are_in_the_rows_of_their_months():
    """By hand: three times the calls on three days of January, half the price from 15 February on."""
    steady = Workload(name="w", requests_per_day=1000, prompt_tokens=2000, completion_tokens=500)
    launch = {"name": "launch", "from": "2027-01-10", "to": "2027-01-12", "factor": 3}
    dated = replace(steady, events=[launch], price_changes=({"date": "2027-02-15", "factor": 0.5},))
    made = project(dated, 2, "2027-01", "kimi-k2", as_of=AS_OF, catalog="2026-06")
    rows = focus_forecast(made, "kimi-k2", number=booked(made, {"w": "kimi-k2"}))
    day = 1000 * (2000 * Decimal("1.20") + 500 * Decimal("3.60")) / 10**6
    sums = {
        cost: [sum(part) for _, part in rows.groupby("BillingPeriodStart")[cost]]
        for cost in ("BilledCost", "ListCost")
    }
    assert sums == {
        "BilledCost": [(31 + 6) * day, 21 * day],
        "ListCost": [(31 + 6) * day, 28 * day],
    }
    assert set(rows["ChargeCategory"]) == {"Usage"}
    assert [one.usd for one in dated_of(made, {"w": "kimi-k2"})] == pytest.approx(
        [float(6 * day), float(-7 * day)]
    )


def test_planned_changes_of_price_are_billed_and_not_listed():
    """Where the plan changes prices, list costs stay at the catalog and billed ones follow."""
    projection = project(load_workloads(example_path().with_name("seasonal.toml")), 4, as_of=AS_OF, models="kimi-k2", n_paths=500)  # fmt: skip
    frame = focus_forecast(projection, "kimi-k2")
    ratio = (frame["BilledCost"].astype(float) / frame["ListCost"].astype(float)).tolist()
    assert ratio[:6] == pytest.approx([1] * 6, abs=0.001)
    assert ratio[-1] == pytest.approx(0.87, abs=0.02)
    amount = float(projection.of("kimi-k2").mean()[-1])
    assert float(billed(frame, "shop-assistant", "2027-03")) == pytest.approx(amount, abs=1e-6)


@pytest.mark.parametrize("percentile", [0, 100, 0.9, True])
def test_a_percentile_out_of_bounds_is_refused(plan, percentile):
    """Percentiles are whole numbers from 1 to 99."""
    with pytest.raises(KimiPlannerError, match="percentile"):
        focus_forecast(plan.projection, plan.best, percentile=percentile)


def test_the_command_writes_the_log_and_keeps_other_files(log, tmp_path):
    """`usage focus` prints or writes; a file with other content stays, but with --force."""
    from click.testing import CliRunner

    from kimi_planner.cli.usage import command

    path, out = tmp_path / "log.csv", tmp_path / "out" / "focus.csv"
    log.to_csv(path, index=False)
    arguments = ["focus", str(path), "--by", "month", "--tag", "team", "--account-id", "7"]
    printed = CliRunner().invoke(command, arguments)
    assert printed.exit_code == 0, printed.output
    assert CliRunner().invoke(command, [*arguments, "--out", str(out)]).exit_code == 0
    assert out.read_text(encoding="utf-8") == printed.stdout
    out.write_text("mine", encoding="utf-8")
    kept = CliRunner().invoke(command, [*arguments, "--out", str(out)])
    assert "already" in str(kept.exception)
    assert out.read_text(encoding="utf-8") == "mine"
    assert CliRunner().invoke(command, [*arguments, "--out", str(out), "--force"]).exit_code == 0
    assert out.read_text(encoding="utf-8") == printed.stdout


def validator():
    """Return a Python that has focus-validator, or skip."""
    named = os.environ.get("KIMI_PLANNER_FOCUS_VALIDATOR")
    for name in (named,) if named else ("python3.14", "python3.13", "python3.12"):
        python = shutil.which(name)
        if python is None:
            continue
        code = "import focus_validator; print(focus_validator.__path__[0])"
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return python, Path(done.stdout.strip()).parent
    return pytest.skip("no Python with focus-validator; name one in KIMI_PLANNER_FOCUS_VALIDATOR")


#: What FOCUS 1.2 asks of a charge that is no use of anything: rules ListUnitPrice-C-004-C,
#: PricingQuantity-C-004-C, SkuId-C-004-C, SkuPriceId-C-004-C and PricingCategory-C-003-C of its
#: requirements model, https://focus.finops.org/focus-specification/v1-2/
NULL_OF_TAX = ("ListUnitPrice", "PricingQuantity", "SkuId", "SkuPriceId", "PricingCategory")


@pytest.fixture(scope="module")
def taxed():
    """Return a plan with credits, tax, contingency, a change of price and another currency."""
    catalog = load_catalog("2026-06").in_currency("EUR", rate="0.92", on=date(2026, 11, 24))
    catalog = catalog.in_currency("EUR", rate="0.875", on=date(2027, 2, 1))
    booking = Booking(contingency_percent=5, tax_percent=19, credit_usd_per_month=40)
    return recommend(
        Workload(
            name="w", requests_per_day=1000, prompt_tokens=2000, completion_tokens=500, model="kimi-k2",
            price_changes=({"date": "2027-02-10", "factor": 0.5},),
        ),
        months=3, start="2027-01", as_of=AS_OF, catalog=catalog, booking=booking,
    )  # fmt: skip


def focus_of(plan, **options):
    return focus_forecast(plan.projection, plan.best, number=plan.booked, **options)


def test_tax_is_on_the_same_kind_of_cost(taxed):
    """Tax is 19% of what each kind of cost comes to in its month, credits taken off: five rules of FOCUS."""
    rows = rows_of(focus_of(taxed))
    assert {row["ChargeCategory"] for row in rows} == {"Usage", "Credit", "Tax"}
    for month in ("2027-01", "2027-02", "2027-03"):
        mine = [row for row in rows if row["ChargePeriodStart"].startswith(month)]
        [tax] = [row for row in mine if row["ChargeCategory"] == "Tax"]
        [credit] = [row for row in mine if row["ChargeCategory"] == "Credit"]
        for name in COSTS:
            assert Decimal(credit[name]) == -40
            others = summed([row for row in mine if row is not tax], name)
            assert Decimal(tax[name]) == others * Decimal("0.19")
        assert {tax[name] for name in NULL_OF_TAX} == {""}
    lists = [summed(rows, name) for name in ("BilledCost", "ListCost")]
    assert lists[0] == taxed.budget_matrix.lines(taxed.budget_matrix.whole)["to pay"]
    assert lists[0] != lists[1]


def test_another_currency_is_billed_at_the_rate_of_its_month(taxed):
    """Billed in EUR and priced in USD: each amount times the month's rate, and the same total as the budget's."""
    usd, eur = (rows_of(focus_of(taxed, exchange=one)) for one in (None, *taxed.projection.catalog.exchanges))  # fmt: skip
    for before, after in zip(usd, eur, strict=True):
        rate = Decimal("0.92" if before["ChargePeriodStart"] < "2027-02" else "0.875")
        for name in COSTS:
            assert Decimal(after[name]) == Decimal(before[name]) * rate
        assert (before["BillingCurrency"], after["BillingCurrency"]) == ("USD", "EUR")
        assert (after["PricingCurrency"], after["PricingCurrencyListUnitPrice"]) == (
            "USD", before["ListUnitPrice"]
        )  # fmt: skip
        assert after["PricingCurrencyEffectiveCost"] == before["EffectiveCost"]
        if after["ChargeCategory"] == "Usage":
            price = Decimal(after["ListUnitPrice"])
            assert price == Decimal(before["ListUnitPrice"]) * rate
            assert Decimal(after["PricingQuantity"]) * price == Decimal(after["ListCost"])
    matrix = taxed.budget_matrix.at_rates(*taxed.projection.catalog.exchanges)
    assert summed(eur, "BilledCost") == matrix.lines(matrix.whole)["to pay"]
    assert "PricingCurrency" not in usd[0]


@pytest.mark.parametrize("kind", ["actuals", "forecast", "taxed", "exchanged", "faulty"])
def test_focus_validator_finds_no_fault(log, catalog, plan, taxed, kind, tmp_path):
    """The FinOps Foundation's own validator of version 1.2 passes every file but a wrong one."""
    python, packages = validator()
    frames = {
        "forecast": lambda: focus_forecast(plan.projection, plan.best),
        "taxed": lambda: focus_of(taxed),
        "exchanged": lambda: focus_of(taxed, exchange=taxed.projection.catalog.exchanges[0]),
    }
    frame = frames.get(kind, lambda: focus_usage(log, catalog=catalog, tags="team"))()
    if kind == "faulty":
        frame = frame.assign(ChargeCategory="Use")
    path = tmp_path / "focus.csv"
    path.write_text(focus_csv(frame), encoding="utf-8")
    done = subprocess.run(
        [python, "-m", "focus_validator.main", "--data-file", path, "--validate-version", "1.2",
         "--focus-dataset", "CostAndUsage", "--block-download"],
        capture_output=True, text=True, check=True, cwd=packages, timeout=300,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )  # fmt: skip
    failed = set(re.findall(r"(\S+): FAIL", done.stdout))
    passed = int(re.search(r"Pass: (\d+)", done.stdout)[1])
    assert passed > 100
    if kind == "faulty":
        assert any(rule.startswith("ChargeCategory") for rule in failed)
    else:  # an invoice is null where there is none, and one of two rules of that always fails
        assert failed <= {"InvoiceId-C-005-C"}
