"""Values from files: whatever stands where a number, a time or a text was meant is one clear line."""

import json

import numpy as np
import pandas as pd
import pytest

from kimi_planner import KimiPlannerError, project, read_usage, recommend
from kimi_planner.files import data_dir
from kimi_planner.money import exact_decimal
from kimi_planner.plan import Workload
from kimi_planner.report.json_form import plan_json
from kimi_planner.tokens.images import image_size

WORKLOAD = """
[[workload]]
name = "w"
requests_per_day = 10
prompt_tokens = 10
completion_tokens = 5
"""
LOG = "timestamp,model,prompt_tokens,completion_tokens\n{},kimi-k2,10,5\n"
DIGITS = "9" * 5_000


@pytest.fixture(scope="module")
def plan():
    """Return a plan of one workload, as JSON and as CSV."""
    workload = Workload(name="w", requests_per_day=10, prompt_tokens=10, completion_tokens=5)
    plan = project(workload, months=2, start="2026-11", as_of="2026-11-01", n_paths=100)
    return plan_json(recommend(workload, projection=plan))


MONTHS = ["Dec-26", "déc-26", "2026-13", "2026-00", "1e5", "99999-01", "0000-01", "12/2026", "١٢"]


@pytest.mark.parametrize("month", [*MONTHS, "", 5, None, True, {}, ["2026-11"]])
def test_a_month_that_is_none_names_its_row(run, plan, month):
    """An earlier plan that a spreadsheet has saved says in which row, and what it should be."""
    data = json.loads(plan)
    data["spend"][1]["month"] = month
    code, _, said = run(
        "usage",
        "reconcile",
        "p.json",
        "l.csv",
        "--model=kimi-k2",
        p_json=json.dumps(data),
        l_csv=LOG.format("2026-11-01"),
    )
    assert (code, "p.json row 2: month is" in said, "2026-12" in said) == (2, True, True)
    rows = pd.DataFrame(json.loads(plan)["spend"])
    rows.loc[1, "month"] = str(month)
    code, _, said = run(
        "usage", "reconcile", "p.csv", "l.csv", "--model=kimi-k2", p_csv=rows.to_csv(index=False)
    )
    assert (code, "p.csv row 2: month is" in said) == (2, True)


@pytest.mark.parametrize("value", [5, True, 1e308, "x", [5], {"a": 1}])
@pytest.mark.parametrize("key", ["together", "recommended", "spend", "bookable", "catalog"])
def test_a_part_of_a_plan_that_is_something_else_is_refused(run, plan, key, value):
    """Every part of an earlier plan is what its writer made of it, or the plan is none."""
    data = json.loads(plan) | {key: value}
    code, _, said = run(
        "usage",
        "reconcile",
        "p.json",
        "l.csv",
        "--model=kimi-k2",
        p_json=json.dumps(data),
        l_csv=LOG.format("2026-11-01"),
    )
    assert code in (0, 2)
    assert "internal error" not in said


AMOUNTS = [
    "1e999999",
    "-1e999999",
    "1e-999999",
    "0e999999",
    "nan",
    "inf",
    DIGITS,
    "1_000x",
    "",
    "x",
]


@pytest.mark.parametrize("amount", AMOUNTS)
def test_an_amount_out_of_all_bounds_is_refused(run, amount):
    """On the command line, in a configuration and in a workload file."""
    assert run("recommend", "w.toml", f"--budget={amount}", w_toml=WORKLOAD)[0] == 2
    days = [LOG.format(f"2026-11-{day:02d}").partition("\n")[2] for day in range(1, 22)]
    log = LOG.partition("\n")[0] + "\n" + "".join(days)
    assert run("usage", "outlook", "l.csv", f"--budget={amount}", l_csv=log)[0] == 2
    assert run("plan", "w.toml", f"--contingency={amount}")[0] == 2
    config = f'model = "kimi-k2"\n[[prompts]]\npaths = ["*.md"]\nmax_usd = {amount or "1e999"}\n'
    assert run("check", **{"kimi-planner_toml": config})[0] == 2
    assert run("plan", "v.toml", v_toml=WORKLOAD.replace("10", amount or "''", 1))[0] == 2


@pytest.mark.parametrize("value", ["1e1001", "1e-1001", "0e-1001", "9" * 1_001])
def test_a_decimal_has_digits_that_somebody_may_have_written(value):
    """Exact arithmetic would take all memory for the digits of others."""
    with pytest.raises(ValueError, match="more than 1,000 digits"):
        exact_decimal(value)
    assert exact_decimal("1e999") == exact_decimal("1" + "0" * 999)


@pytest.mark.parametrize("command", [["price"], ["focus"], ["outlook", "--budget=5"]])
def test_models_that_are_numbers_are_names(run, command):
    """A column of models in which all are numbers is text as any other: models nobody knows."""
    rows = "".join(f"2026-11-{day:02d},{day % 2},10,5\n" for day in range(1, 20))
    code, _, said = run(
        "usage", command[0], "l.csv", *command[1:], l_csv=LOG.partition("\n")[0] + "\n" + rows
    )
    assert code in (2, 3)
    assert "internal error" not in said
    frame = pd.DataFrame({"model": [1.5], "prompt_tokens": [1], "completion_tokens": [1]})
    with pytest.raises(KimiPlannerError, match=r"row 0: model is 1\.5. A model id is text"):
        read_usage(frame)


NUMBERS = [2**63 - 1, 2**63, 2**64, 10**30, -(2**63) - 1, 1e308, DIGITS]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("field", ["prompt_tokens", "requests", "cached_tokens", "created"])
def test_a_number_that_no_call_has_names_its_line(run, number, field):
    """From 2^63 on, with thousands of digits, or as a time: the second line is bad."""
    good = '{"prompt_tokens": 10, "completion_tokens": 5}\n'
    fields = {"prompt_tokens": 10, "completion_tokens": 5, field: "@"}
    bad = json.dumps(fields).replace('"@"', str(number)) + "\n"
    code, _, said = run("usage", "price", "l.jsonl", "--model=kimi-k2", l_jsonl=good + bad + good)
    assert (code, "l.jsonl line 2" in said) == (2, True)


@pytest.mark.parametrize("tokens", [999_999_999_999_999, 10**15])
def test_sums_beyond_an_integer_of_a_machine_are_exact(run, tokens, tmp_path):
    """Twenty thousand rows of the most that a row may have are still added up."""
    rows = "prompt_tokens,completion_tokens\n" + f"{tokens},0\n" * 20_000
    code, *_ = run("usage", "price", "l.csv", "--model=kimi-k2", "--format=json", l_csv=rows)
    assert code == 0
    from kimi_planner.usage import total_usage

    assert total_usage(tmp_path / "l.csv").frame["prompt_tokens"].sum() == 20_000 * tokens


TIMES = ["0001-01-01", "1969-12-31", "2100-01-01", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "1677-09-21", "2262-04-12"]  # fmt: skip


@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("command", ["price", "focus"])
def test_a_time_that_no_log_has_names_its_line(run, time, command):
    """What stands for no time, or is a slip, is not priced at the prices of its day."""
    code, _, said = run("usage", command, "l.csv", l_csv=LOG.format(time))
    assert (code, "l.csv line 2: timestamp is" in said, "1970 to 2099" in said) == (2, True, True)
    frame = pd.DataFrame(
        {"timestamp": [np.datetime64(time[:19])], "prompt_tokens": [1], "completion_tokens": [1]}
    )
    # A pandas whose times begin in 1678 leaves what is earlier as it is: no time of a log either.
    with pytest.raises(KimiPlannerError, match=r"1970 to 2099|seconds since 1970"):
        read_usage(frame)


@pytest.mark.parametrize(
    "command",
    [["forecast", "--horizon=5 days"], ["focus"], ["outlook", "--budget=5"], ["fit", "--name=a"]],
)
def test_rows_with_and_without_a_date_are_told_apart(run, command):
    """Prices need no date; what needs one says how many rows have none."""
    rows = LOG.format("2026-11-01") + ",kimi-k2,10,5\n"
    code, _, said = run("usage", command[0], "l.csv", *command[1:], l_csv=rows)
    assert code in (0, 2, 3)
    assert "internal error" not in said
    assert run("usage", "price", "l.csv")[0] == 0


@pytest.mark.parametrize("published", ["9999-12", "0001-01", "9999-13", "10000-01", "2026-00"])
@pytest.mark.parametrize(
    "command", [["catalog", "show"], ["catalog", "check"], ["plan", "--catalog"]]
)
def test_a_catalog_of_no_time_is_refused(run, published, command):
    """The day it was published has a month after it."""
    card = (data_dir() / "catalogs" / "2026-06.toml").read_text(encoding="utf-8")
    text = card.replace('published = "2026-06"', f'published = "{published}"')
    assert text != card
    code, _, said = run(*command, "./c.toml", c_toml=text)
    assert code in (0, 2, 3)
    assert "internal error" not in said


@pytest.mark.parametrize("form", ["EPS", "DDS", "SPIDER", "PCX"])
def test_what_is_no_picture_that_is_sent_is_no_image(tmp_path, form):
    """A page of PostScript has no pixels, whatever a library would draw."""
    from PIL import Image

    path = tmp_path / "a"
    Image.new("F" if form == "SPIDER" else "RGB", (8, 8)).save(path, form)
    with pytest.raises(KimiPlannerError, match=f"{form} is no form that is sent"):
        image_size(str(path))


def test_an_empty_file_counts_nothing(run, capsys):
    """No tokens cost nothing, on every model."""
    code, _, said = run("count", "a.txt", a_txt="")
    assert (code, said) == (0, "")


@pytest.mark.parametrize("name", ["\\ud800", "kimi\\udfff-k2", "一\\ud800"])
def test_half_a_character_in_the_name_of_a_model_is_shown(run, name):
    """JSON can spell what no text can hold; the row counts, and the name is one that is not known."""
    row = f'{{"model": "{name}", "prompt_tokens": 10, "completion_tokens": 5}}\n'
    code, _, said = run("usage", "price", "l.jsonl", l_jsonl=row * 2)
    assert code == 3
    assert "internal error" not in said


@pytest.mark.parametrize("column", ["model", "said"])
def test_text_of_parquet_that_is_not_utf8_is_one_line(run, tmp_path, column):
    """Neither a log nor a corpus ends in a traceback for bytes that a writer did not check."""
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    offsets = pa.py_buffer(np.array([0, 3, 6], dtype=np.int32))
    broken = pa.StringArray.from_buffers(2, offsets, pa.py_buffer(b"a\xe4\xffabc"))
    columns = {"prompt_tokens": [1, 2], "completion_tokens": [1, 2], column: broken}
    parquet.write_table(pa.table(columns), tmp_path / "l.parquet")
    code, _, said = run("usage", "price", "l.parquet", "--model=kimi-k2")
    assert (code, said.count("\n"), "internal" in said) == (2, 1, False)
    code, _, said = run("count", "l.parquet", f"--field={column}")
    assert (code in (2, 3), "internal" in said) == (True, False), said


FRAME = pd.DataFrame({"model": ["kimi-k2"], "prompt_tokens": [5], "completion_tokens": [1]})
ODD_ARGUMENTS = {
    "a path of thousands of signs": lambda: read_usage("9" * 5_000),
    "on_error that is missing": lambda: read_usage(FRAME, on_error=pd.NA),
    "on_error that is an array": lambda: read_usage(FRAME, on_error=np.array([1, 2])),
    "keep that is an array of numbers": lambda: read_usage(FRAME, keep=np.array([1, 2])),
    "by that names nothing": lambda: Workload.from_usage(FRAME, by=[]),
    "a size that is a time": lambda: Workload(
        name="w", requests_per_day=1, prompt_tokens=pd.Timestamp("2026-11-01"), completion_tokens=1
    ).resolve(),
    "a start that is no time": lambda: project(
        Workload(name="w", requests_per_day=1, prompt_tokens=1, completion_tokens=1), start=pd.NaT
    ),
}


@pytest.mark.parametrize("call", ODD_ARGUMENTS.values(), ids=ODD_ARGUMENTS)
def test_what_compares_with_nothing_is_an_error_of_ours(call):
    """Values of pandas and numpy that are neither equal nor unequal, or look like others, end in one line."""
    with pytest.raises(KimiPlannerError) as refused:
        call()
    assert len(str(refused.value)) < 400
    assert "\n" not in str(refused.value)
