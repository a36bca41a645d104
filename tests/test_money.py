"""Exact money: decimals, integer units and what people read."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_planner.money import (
    ESTIMATED,
    decimal_places,
    exact_decimal,
    from_fraction,
    from_units,
    plain,
    to_units,
    total,
    usd,
    usd_text,
)

amounts = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12)


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        (0.35, "0.35"),
        (np.float64(0.35), "0.35"),
        (0.1 + 0.2, "0.30000000000000004"),
        ("2.50", "2.50"),
        (7, "7"),
        (1e-7, "0.0000001"),
        (Decimal("1.10"), "1.10"),
    ],
)
def test_a_number_means_the_decimal_that_names_it(value, spelled):
    """A float stands for its shortest decimal, never for its binary fraction."""
    assert exact_decimal(value) == Decimal(spelled)


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), "-inf", "NaN", "", "two", None, True, [1]]
)
def test_what_is_no_finite_number_is_refused(value):
    """NaN, infinities, booleans, text and containers raise ValueError."""
    with pytest.raises(ValueError, match=r"is not a (finite )?number"):
        exact_decimal(value)


@pytest.mark.parametrize(
    ("number", "places"), [("2.50", 1), ("3", 0), ("1E+3", 0), ("0.000000001", 9), ("0.00", 0)]
)
def test_decimal_places_leave_trailing_zeros_out(number, places):
    """Only digits that count are counted."""
    assert decimal_places(Decimal(number)) == places


@given(st.integers(-(10**40), 10**40), st.integers(0, 30))
def test_units_and_decimals_are_the_same_number(units, places):
    """Whole units become the decimal units / 10**places, and come back unchanged."""
    amount = from_units(units, places)
    assert Fraction(amount) == Fraction(units, 10**places)
    assert to_units(amount, places) == units


def test_a_number_finer_than_the_unit_is_refused():
    """Half a cent is not a whole number of cents."""
    with pytest.raises(ValueError, match=r"2\.505 has more than 2 decimal places"):
        to_units(Decimal("2.505"), 2)


@pytest.mark.parametrize(
    ("number", "text"), [("1E+3", "1000"), ("2.500", "2.5"), ("0.000", "0"), ("-10.0", "-10")]
)
def test_plain_has_no_power_of_ten_and_no_idle_zeros(number, text):
    """The plain form is the shortest one without a power of ten."""
    assert str(plain(Decimal(number))) == text


@given(st.lists(amounts, max_size=8))
def test_a_total_is_exact(parts):
    """The sum equals the sum of the fractions, beyond the 28 digits of the default context."""
    assert Fraction(total(parts)) == sum(map(Fraction, parts), Fraction(0))


@pytest.mark.parametrize(
    ("amount", "places", "text"),
    [
        (Decimal("1234.565"), 2, "1,234.57"),
        (Decimal("-1234.565"), 2, "-1,234.57"),
        (Decimal("0.004999"), 2, "0.00"),
        (Decimal("-0.001"), 2, "0.00"),
        (Decimal("0.0042"), 4, "0.0042"),
        (Decimal("999.5"), 0, "1,000"),
        (2.675, 2, "2.68"),
        (Decimal("12345678901234567890123456789012345.678"), 2,
         "12,345,678,901,234,567,890,123,456,789,012,345.68"),
    ],
)  # fmt: skip
def test_dollars_are_rounded_half_up_with_thousands(amount, places, text):
    """People read thousands separated, halves rounded up, and never a negative zero."""
    assert usd(amount, places) == text


@pytest.mark.parametrize(
    ("number", "spelled"),
    [
        (Fraction(1, 8), "0.125"),
        (Fraction(3, 10**70), "3E-70"),
        (Fraction(2000), "2000"),
        (Fraction(-1, 7), "-0." + "142857" * 10),
        (Fraction(0), "0"),
    ],
)
def test_a_fraction_is_its_decimal_or_its_first_60_digits(number, spelled):
    """Exact where its denominator has no prime but 2 and 5."""
    assert from_fraction(number) == Decimal(spelled)


@pytest.mark.parametrize(
    ("amount", "text", "estimated"),
    [
        (Decimal("12345.675"), "12,345.68", "12,346"),
        (-12345.6, "-12,345.60", "-12,346"),
        (999.994, "999.99", "999.99"),
        (1.0, "1.00", "1.00"),
        (0.5, "0.5000", "0.5000"),
        (-0.012345, "-0.01235", "-0.01235"),
        (Decimal("3.2144e-7"), "0.0000003214", "0.0000003214"),
        (0, "0.00", "0.00"),
        (float("inf"), "unknown", "unknown"),
        (float("nan"), "unknown", "unknown"),
    ],
)
def test_amounts_have_the_digits_that_matter(amount, text, estimated):
    """Cents from one dollar on, four digits below; an estimate is whole dollars from 1,000 on."""
    assert usd_text(amount) == text
    assert usd_text(amount, ESTIMATED) == estimated
