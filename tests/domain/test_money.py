"""Cents."""

import pytest

from ledger_guard.domain.money import readable, to_amount, to_cents


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
