"""Every command that prints money prints it in another currency too, at rates by day."""

import csv
import io
import json
from decimal import Decimal
from fractions import Fraction

import pytest
from pages import run_ours

from kimi_planner import forecast_spend, latest_estimate, read_usage

RATES = ("--also-in", "EUR=0.92@2026-10-01", "--also-in", "EUR=0.9@2026-11-01")
CARD = ("--catalog", "2026-06")
LOG = """timestamp,model,prompt_tokens,completion_tokens
2026-10-31T10:00:00Z,kimi-k2,1000000,100000
2026-11-02T10:00:00Z,kimi-k2,2000000,100000
2026-11-03T10:00:00Z,kimi-k2-5,1000000,0
2026-11-04T10:00:00Z,other,1000,5
"""
#: By hand, USD of each month at the prices of the card: 1.20 and 3.60 of kimi-k2, 2.50 of kimi-k2-5.
OCTOBER, NOVEMBER, OTHER = Decimal("1.56"), Decimal("2.76"), Decimal("2.50")
EUR = OCTOBER * Decimal("0.92") + NOVEMBER * Decimal("0.9")


@pytest.fixture
def log(tmp_path):
    """Return the path of a log over two months, with a model that has no price."""
    path = tmp_path / "log.csv"
    path.write_text(LOG)
    return str(path)


@pytest.fixture
def hourly(tmp_path):
    """Return the path of a log of a call an hour from October to the 19th of November."""
    import pandas as pd

    times = pd.date_range("2026-10-01", "2026-11-19 23:00", freq="h", tz="UTC")
    frame = pd.DataFrame({"timestamp": times, "prompt_tokens": 5000, "completion_tokens": 500})
    frame.assign(model="kimi-k2").to_csv(path := tmp_path / "hourly.csv", index=False)
    return str(path)


def printed(*arguments, code=0):
    """Run a command and return what it prints."""
    ended, out, err = run_ours([*arguments])
    assert ended == code, err
    return out


def in_json(*arguments, code=0):
    """Run a command that prints JSON, and return what it has in EUR."""
    return json.loads(printed(*arguments, *RATES, "--format", "json", code=code))["in_eur"]


def in_csv(*arguments, code=0):
    """Run a command that prints CSV, and return its rows."""
    return [*csv.DictReader(io.StringIO(printed(*arguments, *RATES, "--format", "csv", code=code)))]


def test_a_priced_log_has_each_month_at_its_rate(log):
    """Without the month among the keys the sum of both months stands there, exactly; unknown stays unknown."""
    given = ("usage", "price", log, "--by", "model", *CARD)
    found = in_json(*given, code=3)
    assert found["rates"] == [["2026-10-01", "0.92"], ["2026-11-01", "0.9"]]
    totals = {row["model"]: row["total_eur"] for row in found["rows"]}
    assert totals == {"kimi-k2": str(EUR), "kimi-k2-5": "2.25", "other": None}
    rows = in_csv(*given, code=3)
    assert [row["total_eur"] for row in rows] == [str(EUR), "2.25", ""]
    assert [row["total_usd"] for row in rows] == ["4.32", "2.5", ""]
    text = printed(*given, *RATES, code=3)
    assert "In EUR, at 0.92 EUR per USD on 2026-10-01; 0.9 from 2026-11-01 on, each month" in text
    assert f"all           {EUR + Decimal('2.25'):.2f}" in text


def test_a_priced_log_by_day_is_at_the_rates_of_the_months_of_its_days(log):
    """By day, and as one row for all, which has no key."""
    rows = in_csv("usage", "price", log, "--by", "day", "--model", "kimi-k2", *CARD)
    rates = ["0.92", "0.9", "0.9", "0.9"]
    for row, rate in zip(rows, rates, strict=True):
        assert Decimal(row["total_eur"]) == Decimal(row["total_usd"]) * Decimal(rate)
    [whole] = in_csv("usage", "price", log, "--by", "", "--model", "kimi-k2", *CARD)
    assert Decimal(whole["total_eur"]) == sum(Decimal(row["total_eur"]) for row in rows)
    assert "In EUR" in printed("usage", "price", log, "--by", "", *CARD, *RATES, code=3)


def test_focus_rows_in_another_currency_are_a_file_of_their_own(log, tmp_path):
    """Billed in EUR at the rate of the month, priced in USD; without a file there is one line."""
    out = tmp_path / "focus.csv"
    printed("usage", "focus", log, *CARD, *RATES, "--out", str(out), code=3)
    usd, eur = (
        [*csv.DictReader(path.read_text().splitlines())]
        for path in (out, tmp_path / "focus-eur.csv")
    )
    assert {row["BillingCurrency"] for row in usd} == {"USD"}
    assert {(row["BillingCurrency"], row["PricingCurrency"]) for row in eur} == {("EUR", "USD")}
    assert sum(Decimal(row["BilledCost"]) for row in eur) == EUR + Decimal("2.25")
    code, printed_too, said = run_ours(["usage", "focus", log, *CARD, *RATES])
    assert (code, printed_too) == (2, "")
    assert "name that in USD by --out" in said


def test_a_reconciliation_has_totals_causes_and_months(log, tmp_path):
    """By hand: 3 calls of a million tokens a day are planned, on the days that the log covers."""
    (tmp_path / "plan.toml").write_text(
        '[[workload]]\nname = "chat"\nrequests_per_day = 3\nprompt_tokens = 1000000\n'
        'completion_tokens = 100000\nmodel = "kimi-k2"\n'
    )
    plan = tmp_path / "plan.json"
    made = ("--start", "2026-10", "--months", "2", "--as-of", "2026-11-01", "--format", "json")
    plan.write_text(printed("plan", str(tmp_path / "plan.toml"), *made, *CARD))
    given = (
        *("usage", "reconcile", str(plan), log, "--workload", "kimi-k2=chat", "--pro-rata", *CARD),
        *("--start", "2026-10-31", "--end", "2026-11-05"),
    )
    rows = in_json(*given, code=3)["rows"]
    day = 3 * OCTOBER
    assert [(row["planned_eur"], row["actual_eur"]) for row in rows] == [
        (str((day * Decimal("0.92")).normalize()), str(OCTOBER * Decimal("0.92"))),
        (str((4 * day * Decimal("0.9")).normalize()), str(NOVEMBER * Decimal("0.9"))),
        ("0", "2.25"),
    ]
    parts = in_csv(*given, code=3)
    off = sum(Decimal(row["eur"]) for row in parts)
    planned = day * Decimal("0.92") + 4 * day * Decimal("0.9")
    assert off == EUR + Decimal("2.25") - planned
    text = printed(*given, *RATES, code=3)
    assert (
        f"Planned {planned:.2f} EUR, actual {EUR + Decimal('2.25'):.2f} EUR: {off:.2f} EUR." in text
    )


def test_an_outlook_has_its_end_and_its_limits_in_every_form(hourly, tmp_path):
    """What was spent is exact by month; a budget of a quarter is at the rates of its days."""
    given = ("usage", "outlook", hourly, "--until", "quarter end", "--as-of", "2026-11-20", *CARD)
    given += ("--budget", "20", "--balance", "5")
    found = {row["line"]: row["eur"] for row in in_json(*given)["rows"]}
    call = Decimal("0.0078")  # 5,000 at 1.20 and 500 at 3.60 per million
    october, november = 31 * 24 * call, 19 * 24 * call
    assert Decimal(found["spent to date"]) == october * Decimal("0.92") + november * Decimal("0.9")
    worth = Fraction(20) * (31 * Fraction("0.92") + 61 * Fraction("0.9")) / 92
    assert float(found["budget"]) == pytest.approx(float(worth), abs=1e-9)
    usd = latest_estimate(hourly, 20, "quarter end", as_of="2026-11-20", catalog="2026-06")
    assert Decimal(found["to come"]) == usd.expected_ahead_usd * Decimal("0.9")
    assert found["P90 of the end"] == pytest.approx(
        float(found["spent to date"]) + 0.9 * usd.ahead.quantile(0.9), abs=1e-6
    )
    over = Decimal(found["expected end"]) - Decimal(found["budget"])
    assert Decimal(found["over the budget by"]) == over
    assert Decimal(found["balance"]) == Decimal("4.50")
    text = printed(*given, *RATES, "--out", str(tmp_path / "out"))
    assert f"over the budget by  {over:.2f}" in text
    for form in ("md", "html"):
        said = (tmp_path / "out" / f"outlook.{form}").read_text()
        assert "In EUR, at 0.92 EUR per USD on 2026-10-01" in said
        assert f"{float(worth):.2f}" in said


def test_a_forecast_has_each_step_at_the_mean_rate_of_what_is_expected(hourly):
    """By hand: a step that ends in December, when the rate changes, is at both by its days."""
    rates = ("--also-in", "EUR=0.9@2026-10-01", "--also-in", "EUR=0.5@2026-12-01")
    given = ("usage", "forecast", hourly, "--horizon", "22 days", "--as-of", "2026-11-20", *CARD)
    rows = [*csv.DictReader(io.StringIO(printed(*given, *rates, "--format", "csv")))]
    usd = forecast_spend(read_usage(hourly), "22 days", as_of="2026-11-20", catalog="2026-06").frame
    assert float(rows[0]["p90_eur"]) == pytest.approx(0.9 * usd["p90_usd"][0], abs=1e-6)
    last = float(rows[-1]["mean_eur"]) / usd["mean_usd"].iloc[-1]
    assert last == pytest.approx((11 * 0.9 + 11 * 0.5) / 22, rel=0.001)  # a call an hour throughout
    [*_, step] = json.loads(printed(*given, *rates, "--format", "json"))["in_eur"]["rows"]
    assert step["mean_eur"] == float(rows[-1]["mean_eur"])
    assert "In EUR, at 0.9 EUR per USD on 2026-10-01; 0.5 from" in printed(*given, *rates)


def test_a_request_and_a_count_are_at_the_rate_of_the_day_of_the_prices(tmp_path):
    """The last rate where no day is given; a cost that is not known stays so."""
    request, text = tmp_path / "request.json", tmp_path / "text.txt"
    request.write_text('{"model": "kimi-k2", "messages": [{"role": "user", "content": "hi"}]}')
    text.write_text("hello world")
    given = ("estimate", str(request), "--completion-tokens", "10", *CARD)
    cost = Decimal("0.0000456")  # 8 at 1.20 and 10 at 3.60 per million
    assert in_json(*given)["rows"][0] == {
        "cost_eur": f"{cost * Decimal('0.9'):f}",
        "max_cost_eur": None,
    }
    [row] = in_csv(*given)
    assert (row["cost_usd"], row["cost_eur"]) == (f"{cost:f}", f"{cost * Decimal('0.9'):f}")
    assert f"{cost * Decimal('0.9'):f} EUR." in printed(*given, *RATES)
    counted = ("count", str(text), "--model", "kimi-k2", *CARD)
    assert in_json(*counted)["rows"] == [{"model": "kimi-k2", "input_eur": "0.00000216"}]
    assert "0.00000216 to kimi-k2." in printed(*counted, *RATES)


def test_a_choice_a_portfolio_and_a_tier_are_in_it_too(tmp_path):
    """Each as the form in USD has it, times its rate."""
    (tmp_path / "w.toml").write_text(
        '[[workload]]\nname = "chat"\nrequests_per_day = 1000\nprompt_tokens = 2000\ncompletion_tokens = 300\n'
    )
    (tmp_path / "e.csv").write_text("workload,model,successes,trials\nchat,kimi-k2,80,100\n")
    given = (str(tmp_path / "w.toml"), *CARD, "--start", "2026-10", "--months", "2")
    october, november = (Decimal(days) * Decimal("3.48") for days in (31, 30))
    worth = october * Decimal("0.92") + november * Decimal("0.9")
    found = in_json("recommend", *given)
    spend = [row for row in found["spend"] if row["model"] == "kimi-k2"]
    assert [Decimal(str(row["mean_eur"])) for row in spend] == [
        october * Decimal("0.92"), november * Decimal("0.9")
    ]  # fmt: skip
    assert f"To book: {worth:.2f} EUR" in printed("recommend", *given, *RATES)
    asked = ("portfolio", *given, "--budget", "500", "--evaluations", str(tmp_path / "e.csv"))
    dearest, mean = in_json(*asked)["rows"]
    assert dearest["dearest_month"] == "2026-10"
    assert Decimal(dearest["budget_eur"]) == 460
    assert mean["mean_eur_per_month"] == pytest.approx(float(worth) / 2, abs=1e-6)
    assert f"{float(worth) / 2:.2f}" in printed(*asked, *RATES)
    tiers = in_json("throughput", *given)["rows"]
    assert [tiers[at]["cumulative_recharge_eur"] for at in (1, 5)] == ["9.2", "2760"]
    assert "2,760.00" in printed("throughput", *given, *RATES)


def test_what_is_no_plan_has_no_list(log):
    """One line says which rate to give instead."""
    code, out, err = run_ours(["usage", "price", log, "--also-in", "CNY=list"])
    assert (code, out) == (2, "")
    assert "--also-in is 'CNY=list', and only a plan is shown at a list." in err
