"""Cents."""

import pytest

from ledger_guard.domain.money import exact_cents, readable, to_amount, to_cents


@pytest.mark.parametrize(
    ("amount", "cents"),
    [
        pytest.param(0.1 + 0.2, 30, id="float noise is no cent"),
        pytest.param(100.0 - 1e-10, 10000, id="a hair below"),
        pytest.param(0.004999, 0, id="below half a cent"),
        pytest.param(0.005, 1, id="half a cent goes away from zero"),
        pytest.param(-0.005, -1, id="half a cent below zero too"),
        pytest.param(-12.34, -1234, id="negative"),
        pytest.param(9_999_999_999_999.99, 999_999_999_999_999, id="the largest amount whose cents a double tells apart"),
    ],
)
def test_an_amount_becomes_whole_cents(amount, cents):
    assert to_cents(amount) == cents


def test_cents_become_an_amount_with_two_places():
    assert str(to_amount(5)) == "0.05"


def test_people_read_thousands_and_a_currency():
    assert readable(123450, "EUR") == "1,234.50 EUR"


@pytest.mark.parametrize(
    ("stated", "cents"),
    [
        pytest.param("12.34", 1234, id="text"),
        pytest.param(12.34, 1234, id="number"),
        pytest.param(1000, 100_000, id="whole number"),
        pytest.param(1000.0, 100_000, id="whole number as a double"),
        pytest.param("0", 0, id="nothing, which is known"),
        pytest.param(" 7.5 ", 750, id="blanks around it"),
        pytest.param("12.3400", 1234, id="more places, that say nothing more"),
        pytest.param("9999999999999.99", 999_999_999_999_999, id="the largest"),
        pytest.param(9_999_999_999_999.99, 999_999_999_999_999, id="the largest as a double"),
        pytest.param("10000000000000", None, id="larger"),
        pytest.param("12.345", None, id="parts of a cent are not rounded"),
        pytest.param(0.1 + 0.2, None, id="noise of a double"),
        pytest.param("0.001", None, id="less than a cent"),
        pytest.param("-5", None, id="negative text"),
        pytest.param(-0.01, None, id="negative"),
        pytest.param("+5", None, id="a sign"),
        pytest.param("1e400", None, id="without end as text"),
        pytest.param(float("inf"), None, id="without end"),
        pytest.param("NaN", None, id="NaN as text"),
        pytest.param(float("nan"), None, id="NaN"),
        pytest.param("1e3", None, id="with an exponent"),
        pytest.param(1e-7, None, id="a double with an exponent"),
        pytest.param("1,234.50", None, id="thousands set apart"),
        pytest.param("12.34 USD", None, id="with a currency"),
        pytest.param("", None, id="empty"),
        pytest.param("-", None, id="nothing here"),
        pytest.param(None, None, id="null"),
        pytest.param(True, None, id="a boolean"),
        pytest.param([12], None, id="a list"),
        pytest.param({"value": 12}, None, id="an object"),
        pytest.param("\u0661\u0662", None, id="digits of another script"),
        pytest.param("9" * 100_000, None, id="endless digits"),
    ],
)
def test_a_stated_amount_is_read_exactly_or_not_at_all(stated, cents):
    assert exact_cents(stated) == cents
