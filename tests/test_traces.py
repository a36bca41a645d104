"""Real request traces, priced by the package and by a plain loop over the file."""

import csv
import gzip
from decimal import Decimal

import pytest

from kimi_planner import price_usage, read_usage
from kimi_planner.usage.priced import total_cost


@pytest.fixture(scope="module")
def rows(trace):
    with gzip.open(trace, "rt", encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.mark.parametrize(
    ("model", "input_price", "output_price"),
    [
        ("kimi-k2-5", "2.50", "7.50"),
        ("kimi-k2-5-thinking", "3.50", "10.50"),
        ("kimi-k2", "1.20", "3.60"),
        ("kimi-k2-instruct", "1.50", "4.50"),
    ],
)
def test_a_real_trace_costs_what_a_plain_loop_says(trace, rows, model, input_price, output_price):
    """Every row and the total equal exact decimal arithmetic over the file's own cells."""
    expected = [
        Decimal(input_price) * Decimal(row["prompt_tokens"]) / 1_000_000
        + Decimal(output_price) * Decimal(row["completion_tokens"]) / 1_000_000
        for row in rows
    ]
    frame = read_usage(trace)
    assert price_usage(frame, model)["total_usd"].tolist() == expected
    assert total_cost(frame, model).total_usd == sum(expected)


def test_a_real_trace_is_read_whole(trace, rows):
    """Each row of the file is one call at its second; the column that is no usage is named."""
    frame = read_usage(trace)
    assert len(frame) == len(rows) > 1000
    assert frame["timestamp"].dt.total_seconds().tolist() == [
        pytest.approx(float(row["timestamp_s"]), abs=1e-6) for row in rows
    ]
    assert frame["prompt_tokens"].tolist() == [int(row["prompt_tokens"]) for row in rows]
    assert frame["completion_tokens"].tolist() == [int(row["completion_tokens"]) for row in rows]
    assert frame["cached_tokens"].isna().all()
    assert frame.attrs["rejected"] == 0
    assert frame.attrs["ignored_columns"] == ["cached_tokens_unlimited"]
