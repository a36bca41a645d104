"""An invoice beside a log: what was billed otherwise, by quantity and by price, to the last digit."""

import csv
import json
from decimal import Decimal

import pandas as pd
import pytest
from click.testing import CliRunner

from kimi_planner import KimiPlannerError, Workload, latest_estimate, project, read_usage
from kimi_planner.cli.usage import command
from kimi_planner.report import check_invoice, focus_usage, reconcile
from kimi_planner.report.reconciled import invoice_table

LOG = pd.DataFrame(
    {
        "timestamp": ["2026-12-01T10:00Z", "2026-12-01T12:00Z", "2026-12-02T09:00Z"],
        "model": ["kimi-k2", "kimi-k2-5", "kimi-k2"],
        "prompt_tokens": [2_000_000, 1_000_000, 500_000],
        "completion_tokens": [100_000, 10_000, 0],
    }
)
HEAD = ("day", "model", "meter", "quantity", "amount_usd")
RIGHT = [
    ("2026-12-01", "kimi-k2", "input", "2000000", "2.40"),
    ("2026-12-01", "kimi-k2", "output", "100000", "0.36"),
    ("2026-12-01", "kimi-k2-5", "input", "1,000,000", "2.50"),
    ("2026-12-01", "kimi-k2-5", "output", "10000", "0.075"),
    ("2026-12-02", "kimi-k2", "input", "500000", "0.60"),
]


@pytest.fixture
def written(tmp_path):
    """Write lines of an invoice and return its path."""

    def write(lines, head=HEAD):
        path = tmp_path / "invoice.csv"
        with path.open("w", encoding="utf-8", newline="") as handle:
            csv.writer(handle).writerows([head, *lines])
        return path

    return write


def checked(path, log=LOG, **options):
    return check_invoice(path, log, catalog="2026-06", **options)


def test_a_right_invoice_differs_in_nothing(written):
    """Billed as logged at the prices of the catalog, every line and the total differ by zero."""
    check = checked(written(RIGHT))
    assert check.billed_usd == check.expected_usd == Decimal("5.935")
    assert {line.difference_usd for line in check.lines} == {0}
    assert len(check.lines) == len(RIGHT)
    assert check.notes == ()


def test_the_charges_of_a_log_are_a_right_invoice(written):
    """What FOCUS rows of the log charge, by day, model and meter, is what is expected."""
    focus = focus_usage(read_usage(LOG), by="day", catalog="2026-06")
    rows = [
        (row["ChargePeriodStart"][:10], row["SkuId"], row["SkuPriceId"].split("/")[2],
         row["ConsumedQuantity"], row["BilledCost"])
        for row in focus.to_dict("records")
    ]  # fmt: skip
    check = checked(written(rows))
    assert check.difference_usd == 0
    assert len(check.lines) == len(rows)


def test_an_error_shows_as_quantity_or_price(written):
    """Tokens billed twice are quantity, a price that is not the catalog's is price; both add up."""
    doubled = ("2026-12-01", "kimi-k2", "input", "4000000", "4.80")
    dear = ("2026-12-01", "kimi-k2-5", "output", "10000", "0.15")
    check = checked(written([doubled, RIGHT[1], RIGHT[2], dear, RIGHT[4]]))
    lines = {(line.model, line.meter, line.period): line for line in check.lines}
    first = lines["kimi-k2", "input", "2026-12-01"]
    assert (first.quantity_usd, first.price_usd) == (Decimal("2.4"), 0)
    second = lines["kimi-k2-5", "output", "2026-12-01"]
    assert (second.quantity_usd, second.price_usd) == (0, Decimal("0.075"))
    assert check.difference_usd == Decimal("2.475")
    for line in check.lines:
        assert line.quantity_usd + line.price_usd == line.difference_usd


def test_what_only_one_of_them_has_is_a_line(written):
    """A model that was billed and not logged, and calls that were not billed, are both lines."""
    strange = ("2026-12-02", "kimi-k2-instruct", "input", "1000000", "1.50")
    check = checked(written([*RIGHT[:4], strange]))
    gaps = {
        (one.model, one.period): one.difference_usd for one in check.lines if one.difference_usd
    }
    assert gaps == {
        ("kimi-k2-instruct", "2026-12-02"): Decimal("1.50"),
        ("kimi-k2", "2026-12-02"): Decimal("-0.6"),
    }


def test_months_tax_and_credits(written):
    """An invoice by month adds up days; tax and credits are told and held against nothing."""
    lines = [
        ("2026-12", "moonshotai/kimi-k2", "input", "2500000", "3.00"),
        ("2026-12", "kimi-k2", "output", "100000", "0.36"),
        ("2026-12", "kimi-k2-5", "input", "1000000", "2.50"),
        ("2026-12", "kimi-k2-5", "output", "10000", "0.075"),
        ("2026-12", "", "tax", "", "0.59"),
        ("2026-12", "", "Credit", "", "-1"),
    ]
    check = checked(written(lines, ("month", *HEAD[1:])))
    assert check.difference_usd == 0
    assert check.others == {"tax": Decimal("0.59"), "credit": Decimal(-1)}


def test_what_cannot_be_told_is_named(written):
    """Days that the log does not cover, and models that the catalog lacks, are named with their amount."""
    lines = [
        *RIGHT,
        ("2027-01-03", "kimi-k2", "input", "9", "7"),
        ("2026-12-01", "kimi-x", "input", "9", "8"),
    ]
    check = checked(written(lines))
    assert check.difference_usd == 0
    outside, unknown = map(str, check.notes)
    assert "2027-01-03 (7 USD)" in outside
    assert "kimi-x, billed at 8 USD" in unknown


def test_what_is_not_billed_yet_is_no_difference(written):
    """Days of the log after the last that was billed are named with their amount; a gap is a difference."""
    later = pd.concat([LOG, LOG.assign(timestamp=["2026-12-03T00:00Z", "2026-12-04T00:00Z", "2026-12-05T00:00Z"])])  # fmt: skip
    check = checked(written(RIGHT), later)
    assert check.difference_usd == 0
    [said] = map(str, check.notes)
    amount = Decimal("2.4") + Decimal("0.36") + Decimal("2.5") + Decimal("0.075") + Decimal("0.6")  # fmt: skip
    assert (
        f"nothing of 2026-12-03, 2026-12-04, 2026-12-05; the log of then, {amount:.2f} USD" in said
    )
    gap = checked(written([*RIGHT, ("2026-12-05", "kimi-k2", "input", "500000", "0.60")]), later)
    assert gap.difference_usd == -(amount - Decimal("0.6"))
    assert gap.notes == ()


def test_a_month_that_the_log_has_in_part_is_named(written):
    """Held against a bill of the whole month, the days without a log look like another quantity."""
    lines = [("2026-12", "kimi-k2", "input", "5000000", "6.00")]
    notes = checked(written(lines, ("month", *HEAD[1:]))).notes
    assert [note.code for note in notes] == ["invoice_part"]
    assert "2026-12-01 to 2026-12-02; what was billed of other days of 2026-12" in str(notes[0])


def test_cents_of_a_line_add_up(written):
    """What is shown of quantity and of price is what is shown as the difference: 0.0149 is 0.01."""
    lines = [("2026-12-02", "kimi-k2", "input", "512000", "0.6149"), *RIGHT[:4]]
    table = invoice_table(checked(written(lines)))
    assert table.rows[0][-3:] == ("+0.01", "+0.01", "0.00")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (("2026-13-01", "kimi-k2", "input", "1", "1"), "line 2: day is '2026-13-01'. Write it as"),
        (("2026-12-01", "kimi-k2", "inputs", "1", "1"), "line 2: meter is 'inputs'. Did you mean 'input'"),
        (("2026-12-01", "kimi-k2", "input", "many", "1"), "line 2: quantity is 'many'. Give a number"),
        (("2026-12-01", "kimi-k2", "input", "1", "12,50"), "line 2: amount_usd is '12,50'. Give a number"),
        (("2026-12-01", "kimi-k2", "input", "1", "-1"), "line 2: amount_usd is '-1'. Give a credit"),
        (("2026-12-01", "", "input", "1", "1"), "line 2: model is empty"),
        (("2026-12-01", "kimi-k2", "input", "1", "000", "6.00"), "line 2: 6 fields where the header has 5"),
        (("2026-12-01", "kimi-k2", "input", "1", "0,123"), "line 2: amount_usd is '0,123'. Give a number"),
        (("2026-12-01", "kimi-k2", "input", "1", "x" * 200_000), "line 2: amount_usd is 'xxx"),
    ],
)  # fmt: skip
def test_a_bad_line_is_named(written, line, words):
    """A value that cannot be is an error with the line, the value and the remedy."""
    with pytest.raises(KimiPlannerError) as caught:
        checked(written([line]))
    assert words in str(caught.value)


def test_a_file_of_a_spreadsheet_is_read(tmp_path):
    """A mark of its encoding, semicolons between cells and groups of thousands are understood."""
    path = tmp_path / "bill.csv"
    lines = "\n".join(";".join(line) for line in [HEAD, *RIGHT])
    path.write_text(lines, encoding="utf-8-sig")
    assert checked(path).difference_usd == 0
    path.write_text(f"sep=;\n{lines}\n;;;;\n", encoding="utf-8-sig")
    assert checked(path).difference_usd == 0
    path.write_text(f"{lines.replace('0.075', '0,075')}", encoding="utf-8-sig")
    with pytest.raises(KimiPlannerError, match=r"line 5: amount_usd is .0,075.\. Give a number"):
        checked(path)
    path.write_text(f"{lines.replace('2.40', '2,400')}", encoding="utf-8-sig")
    with pytest.raises(KimiPlannerError, match=r"line 2: amount_usd is .2,400.\. It may be two"):
        checked(path)


def test_other_files_are_no_invoice(written, tmp_path):
    """Without its columns or lines, or where there is no file, the error says what an invoice has."""
    with pytest.raises(KimiPlannerError, match="an invoice has the columns day or month, model"):
        checked(written([], ("a", "b")))
    with pytest.raises(KimiPlannerError, match="no lines of usage"):
        checked(written([]))
    with pytest.raises(KimiPlannerError, match=r"none\.csv"):
        checked(tmp_path / "none.csv")


def test_the_command_shows_the_invoice(written, tmp_path):
    """`usage reconcile --invoice` prints it beside the log, and JSON has its lines and difference."""
    work = Workload(name="w", requests_per_day=2, prompt_tokens=1_000_000, completion_tokens=50_000)
    plan = project(work, 1, "2026-12", "kimi-k2", as_of="2026-11-24", catalog="2026-06")
    invoice = written([*RIGHT[:4], ("2026-12-02", "kimi-k2", "input", "500000", "6.00")])
    found = reconcile(plan, LOG, choice="kimi-k2", catalog="2026-06", invoice=invoice)
    assert found.invoice.difference_usd == Decimal("5.4")
    log, frame = tmp_path / "log.csv", tmp_path / "plan.csv"
    LOG.to_csv(log, index=False)
    plan.frame.to_csv(frame, index=False)
    arguments = ["reconcile", str(frame), str(log), "--catalog", "2026-06", "--invoice",
                 str(invoice), "--planned-catalog", "2026-06", "--model", "kimi-k2"]  # fmt: skip
    shown = CliRunner().invoke(command, arguments)
    assert shown.exit_code == 0, shown.output
    assert (
        "Billed 11.34 USD, the log at the prices of the catalog 5.94 USD: +5.40 USD."
        in shown.output
    )
    told = CliRunner().invoke(command, [*arguments, "--format", "json"])
    data = json.loads(told.output)["invoice"]
    assert Decimal(data["difference_usd"]) == Decimal("5.4")
    assert len(data["lines"]) == 5
    refused = CliRunner().invoke(command, [*arguments, "--format", "csv"])
    assert refused.exit_code == 2
    assert "--format csv has causes alone" in refused.output


def test_a_log_is_priced_as_its_plan_where_the_default_catalog_lacks_the_models(tmp_path, written):
    """A plan on models of another catalog needs no second naming of it, to reconcile and to look ahead."""
    work = Workload(name="w", requests_per_day=2, prompt_tokens=1_000_000, completion_tokens=50_000)
    plan = project(work, 1, "2026-12", "kimi-k2.6", as_of="2026-11-24", catalog="2026-11-public-3")
    log = LOG.assign(model="kimi-k2.6")
    found = reconcile(plan, log, choice="kimi-k2.6")
    assert found.actual_usd == Decimal("3.5") * Decimal("0.95") + Decimal("0.11") * 4
    hours = pd.date_range("2026-12-01", "2026-12-15", freq="h", tz="UTC", inclusive="left")
    steady = pd.DataFrame({"timestamp": hours, "model": "kimi-k2.6", "prompt_tokens": 1_000_000, "completion_tokens": 0})  # fmt: skip
    ahead = latest_estimate(steady, plan=plan, choice="kimi-k2.6", as_of="2026-12-15")
    assert ahead.actual_usd == 14 * 24 * Decimal("0.95")
